"""Comparison over parameter sets against planted answers; faults of a file of sets are said in one sentence."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from conftest import small
from hypothesis import given
from hypothesis import strategies as st

from kamsim.analysis.corners import Flip, flip_of
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.evidence import posterior as reading
from kamsim.evidence.ledger import LEDGER, parameter
from kamsim.evidence.plausible import PLAUSIBLE, TIED
from kamsim.evidence.posterior import Posterior, parameter_named, read_posterior
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import Account
from kamsim.report.terminal import text_of
from kamsim.report.uncertainty import uncertainty_figure, uncertainty_sentences, uncertainty_table
from kamsim.source import model_hash
from kamsim.studies import uncertainty, uncertainty_sets
from kamsim.studies.compare import compare
from kamsim.studies.parameter_sets import movable, movements_of, takes, value_in, with_moved, with_set
from kamsim.studies.reference import with_reference
from kamsim.studies.uncertainty import (
    UncertainComparison,
    UncertainMeasure,
    best_of,
    compare_under_uncertainty,
    uncertain_measures,
)
from kamsim.studies.uncertainty_sets import Told, contrasts, told_of

COLUMN = {measure.name: column for column, measure in enumerate(MEASURES)}
PROFIT = COLUMN["total_profit"]
NAMES = ("world.market_growth", "world.trust_speed", "tiers.key.promise", "tiers.strategic.promise")


def planted(profit: np.ndarray, worlds: int = 30, noise: float = 0.0) -> tuple[UncertainMeasure, ...]:
    """Rows of total profit where each scenario has the given mean in each set, with paired noise between worlds."""
    return planted_and_best(profit, worlds, noise)[0]


def planted_and_best(
    profit: np.ndarray, worlds: int = 30, noise: float = 0.0
) -> tuple[tuple[UncertainMeasure, ...], uncertainty.Best]:
    generator = np.random.default_rng(1)
    shocks = noise * generator.standard_normal((worlds, profit.shape[1]))
    common = generator.standard_normal((worlds, 1))
    told, differences = [], []
    for means in profit:
        values = np.full((worlds, profit.shape[1], len(MEASURES)), np.nan)
        values[:, :, PROFIT] = means + common + shocks
        told.append(told_of(values))
        differences.append(contrasts(values))
    stacked = Told(*(np.stack(arrays) for arrays in zip(*told, strict=True)))
    names = [f"s{place}" for place in range(profit.shape[1])]
    rows = uncertain_measures(stacked, np.mean(differences, axis=0), names)
    (best,) = best_of(rows, stacked, np.mean(differences, axis=0), names)
    return tuple(row for row in rows if row.measure == "total_profit"), best


def few_sets(sets: int = 4, seed: int = 3) -> Posterior:
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(sets):
        values = {name: float(generator.uniform(*PLAUSIBLE[name])) for name in NAMES if name in PLAUSIBLE}
        values |= {name: values[of] + more for name, (of, more) in TIED.items()}
        rows.append(tuple(values[name] for name in NAMES))
    return Posterior(NAMES, tuple(rows), "few.csv")


def two_policies() -> list[Any]:
    return [small("status_quo"), small("full_program")]


# ---------------------------------------------------------------- statistics


def test_probability_regret_and_verdicts_of_a_planted_table_come_back() -> None:
    profit = np.zeros((100, 4))
    profit[:, 1] = np.where(np.arange(100) < 97, 2.0, -1.0)  # better in 97 % of sets
    profit[:, 2] = np.where(np.arange(100) < 60, 4.0, -4.0)  # best in 60 %
    profit[:, 3] = -3.0
    rows = planted(profit)
    assert [row.verdict for row in rows] == ["", "better", "undecided", "worse"]
    assert [row.better for row in rows] == [0.0, 0.97, 0.6, 0.0]
    assert [row.worse for row in rows] == [0.0, 0.03, 0.4, 1.0]
    assert [row.probability_best for row in rows] == pytest.approx([0.03, 0.37, 0.6, 0.0])
    best = np.maximum(profit.max(axis=1), 0.0)
    assert [row.regret for row in rows] == pytest.approx([(best - profit[:, place]).mean() for place in range(4)])
    assert [row.difference for row in rows] == pytest.approx([0.0, 1.91, 0.8, -3.0])
    assert (rows[3].low, rows[3].high) == pytest.approx((-3.0, -3.0))


@pytest.mark.parametrize(("share", "group"), [(0.97, ("s1",)), (0.85, ("s1", "s0")), (0.7, ("s1", "s0"))])
def test_a_policy_is_called_best_only_where_no_verdict_against_a_rival_is_open(
    share: float, group: tuple[str, ...]
) -> None:
    profit = np.zeros((100, 3))
    profit[:, 1] = np.where(np.arange(100) < 100 * share, 1.0, -1.0)
    profit[:, 2] = -9.0
    rows, best = planted_and_best(profit)
    assert best.scenarios == group
    assert best.probability == pytest.approx(share if len(group) == 1 else 1.0)
    assert (rows[1].verdict == "better") == (len(group) == 1)


def test_probably_best_is_not_best_where_few_worlds_may_be_luck() -> None:
    profit = np.tile([0.0, 0.7], (40, 1))
    rows, best = planted_and_best(profit, worlds=4, noise=1.0)
    leader = max(rows, key=lambda row: row.probability_best)
    assert rows[1].verdict == "undecided"
    assert max(rows[1].better, rows[1].worse) == 1.0
    assert 0.5 < leader.probability_best < 1.0
    assert set(best.scenarios) == {"s0", "s1"}


def test_the_margin_is_that_of_a_t_interval_over_the_worlds_all_sets_share() -> None:
    from scipy.stats import t

    generator = np.random.default_rng(4)
    shocks = generator.standard_normal((20, 1))
    told, differences = [], []
    for effect in (1.0, 3.0):
        values = np.zeros((20, 2, len(MEASURES)))
        values[:, 1] = effect + shocks
        told.append(told_of(values))
        differences.append(contrasts(values))
    stacked = Told(*(np.stack(arrays) for arrays in zip(*told, strict=True)))
    rows = uncertain_measures(stacked, np.mean(differences, axis=0), ["a", "b"])
    error = shocks.std(ddof=1) / math.sqrt(20)  # two sets in the same worlds tell no more than one
    assert rows[1].difference == pytest.approx(2.0 + shocks.mean())
    assert rows[1].error == pytest.approx(error)
    assert rows[1].margin == pytest.approx(t.ppf(0.975, 19) * error)
    assert rows[0].margin == 0.0


def test_regret_is_not_that_of_the_luckiest_mean() -> None:
    generator = np.random.default_rng(6)
    alike, apart, sets = np.zeros(6), np.array([2.0, 0.0, 0.0, 0.0, 0.0, 0.0]), 300
    found, lucky, known = [], [], []
    for _ in range(sets):
        noise = generator.standard_normal((10, 6))
        for means, kept in ((alike, found), (apart, known)):
            values = np.full((10, 6, len(MEASURES)), np.nan)
            values[:, :, PROFIT] = means + noise
            kept.append(told_of(values).regret[:, PROFIT])
        lucky.append(noise.mean(axis=0).max() - noise.mean(axis=0))
    assert np.mean(lucky) > 0.35  # where no policy is better than another
    assert np.mean(found, axis=0) == pytest.approx(np.zeros(6), abs=0.07)
    assert np.mean(known, axis=0) == pytest.approx([0.0, *[2.0] * 5], abs=0.1)


def test_the_direction_of_a_measure_counts() -> None:
    values = np.zeros((5, 2, len(MEASURES)))
    values[:, 1] = 1.0
    told = told_of(values)
    rows = uncertain_measures(Told(*(array[None] for array in told)), contrasts(values), ["a", "b"])
    for row in rows:
        higher = MEASURES[COLUMN[row.measure]].higher_is_better
        if higher is None:
            assert (math.isnan(row.probability_best), math.isnan(row.regret), row.verdict) == (True, True, "")
            continue
        wins = higher == (row.scenario == "b")
        assert row.probability_best == float(wins)
        assert row.regret == float(not wins)
        if row.scenario == "b":
            assert row.verdict == ("better" if wins else "worse")


@pytest.mark.parametrize("noise", [3.0, -3.0])
def test_a_few_lucky_worlds_make_no_verdict_though_all_sets_agree(noise: float) -> None:
    profit = np.tile([0.0, 0.1], (50, 1))
    (_, sure), (_, unsure) = planted(profit, noise=0.001), planted(profit, worlds=4, noise=noise)
    assert sure.verdict == "better"
    assert max(unsure.better, unsure.worse) == 1.0
    assert unsure.verdict == "undecided"
    assert 0.05 < unsure.probability_best < 0.95


def test_equal_policies_are_the_same_and_share_the_first_place() -> None:
    rows = planted(np.tile([5.0, 5.0], (40, 1)))
    assert rows[1].verdict == "same"
    assert [row.probability_best for row in rows] == [0.5, 0.5]
    assert rows[0].regret == rows[1].regret == 0.0


def test_who_never_has_a_measure_does_not_contend_for_it() -> None:
    values = np.ones((6, 3, len(MEASURES)))
    values[:, 1] = np.nan
    values[:2, 2] = np.nan
    values[:, 2] *= 2.0
    told = told_of(values)
    assert np.isnan(told.mean[1]).all()
    assert np.isnan(told.chance_best[1]).all()
    assert told.difference[2].tolist() == [1.0] * len(MEASURES)
    nobody = told_of(np.full((3, 2, len(MEASURES)), np.nan))
    assert all(np.isnan(array).all() for array in nobody)


# ---------------------------------------------------------------- parameter sets


def test_a_set_goes_into_all_scenarios_but_for_what_they_lack_or_set_themselves() -> None:
    names = ("world.market_growth", "tiers.strategic.promise", "world.turnover", "tiers.gold.promise")
    quo, none = small("status_quo"), small("no_program")
    assert [takes(quo, name) for name in names] == [True, True, False, False]  # `small` sets turnover
    assert [takes(none, name) for name in names] == [True, False, False, False]
    changed = with_set(quo, names, (0.03, 0.7, 0.5, 0.2))
    assert value_in(changed, "world.market_growth") == 0.03
    assert value_in(changed, "tiers.strategic.promise") == 0.7
    assert value_in(changed, "world.turnover") == quo.world.turnover


@given(st.integers(0, 2**64 - 1), st.integers(1, 40))
def test_assumed_values_move_by_up_to_a_quarter_within_their_range(seed: int, sets: int) -> None:
    scenarios, posterior = two_policies(), few_sets(1)
    rows = movable(scenarios, posterior)
    movements = movements_of(rows, sets, seed)
    assert movements.factors.shape == (sets, len(rows))
    assert (np.abs(movements.factors - 1.0) <= 0.25).all()
    one, other = with_moved(scenarios, rows, movements.factors[0].tolist(), posterior)
    changed = 0
    for row in LEDGER:
        name = f"{row.section}.{row.name}"
        if "tier." in name or row.section == "population":
            continue
        before, after = value_in(scenarios[0], name), value_in(one, name)
        assert value_in(other, name) == after
        if row not in rows:
            assert after == before
            continue
        assert row.low <= after <= row.high
        assert abs(after - before) <= 0.25 * abs(before) + 1e-12
        changed += after != before
    assert changed > 30


def test_what_is_a_size_a_whole_number_or_set_by_a_scenario_is_not_moved() -> None:
    rows = {f"{row.section}.{row.name}" for row in movable(two_policies(), few_sets(1))}
    assert "world.loss_aversion" in rows
    assert "tiers.key.attention" in rows
    assert not rows & {"world.accounts", "world.functions", "world.median_wallet", "world.budgeted_seats"}
    assert not rows & {"tiers.key.seats", "tiers.seat_cap", "world.patience_least", "timeline.window_years"}
    assert not rows & {"world.accounts_per_kam", "policy.health_threshold", "tiers.key.promise"}
    own = [scenario.changed(world={"loss_aversion": 1.5}) for scenario in two_policies()]
    assert "world.loss_aversion" not in {f"{row.section}.{row.name}" for row in movable(own, few_sets(1))}


def test_values_that_do_not_go_together_are_moved_less_far() -> None:
    posterior = few_sets(1)
    tight = small("status_quo", ceiling_fit=0.84)
    rows = tuple(row for row in movable([tight], posterior) if row.name == "ceiling_base")
    (moved,) = with_moved([tight], rows, [1.25], posterior)
    assert moved.world.ceiling_base == pytest.approx(0.15 * (1 + 0.25 / 4))
    full = small("status_quo", ceiling_fit=0.85)
    (moved,) = with_moved([full], rows, [1.25], posterior)
    assert moved.world.ceiling_base == 0.15


def test_sets_that_do_not_go_with_a_scenario_are_left_out_and_said() -> None:
    scenarios = [scenario.changed(world={"ceiling_base": 0.1}) for scenario in two_policies()]
    posterior = Posterior(("world.ceiling_fit",), ((0.7,), (0.95,), (0.72,)), "some.csv")
    comparison = compare_under_uncertainty(scenarios, posterior, replications=2, jobs=1)
    assert comparison.sets == 2
    assert any(note.startswith("1 of 3 parameter sets do not go with") for note in comparison.notes)
    with pytest.raises(KamsimError, match="no set can be put"):
        compare_under_uncertainty(scenarios, Posterior(("world.ceiling_fit",), ((0.95,),), "one.csv"), replications=2)


def test_own_values_that_are_kept_are_said() -> None:
    posterior = Posterior(("world.turnover",), ((0.03,), (0.05,)), "some.csv")
    notes = compare_under_uncertainty(two_policies(), posterior, replications=2).notes
    assert "every scenario: own value kept in all parameter sets: world.turnover" in notes
    assert any("no scenario takes any value" in note for note in notes)


# ---------------------------------------------------------------- the file


def write(folder: Path, *lines: str) -> Path:
    path = folder / "sets.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_file_is_read_with_its_comments(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "# kamsim calibrate",
        f"# model {model_hash()}",
        "world.turnover,tiers.key.promise,world.patience_least,tiers.key.seats",
        "0.03,0.4,3.0,2",
        "",
        "0.05, 0.2,2,0.1",
    )
    found = read_posterior(path)
    assert found.names == ("world.turnover", "tiers.key.promise", "world.patience_least", "tiers.key.seats")
    assert found.values == ((0.03, 0.4, 3, 2), (0.05, 0.2, 2, 0.1))
    assert isinstance(found.values[0][2], int)
    assert isinstance(found.values[0][3], int)
    assert (found.model, found.notes) == (model_hash(), ())
    assert str(found.reading) == "chances > 0 %"


def test_a_file_says_in_which_reading_its_sets_were_fitted(tmp_path: Path) -> None:
    found = read_posterior(write(tmp_path, "# model 0123", "# reading odds > 20 %", "world.turnover", "0.03"))
    assert str(found.reading) == "odds > 20 %"
    assert (found.model, found.values) == ("0123", ((0.03,),))


def test_another_model_is_a_note_and_no_error(tmp_path: Path) -> None:
    found = read_posterior(write(tmp_path, "# model 0123", "world.turnover", "0.03"))
    (note,) = found.notes
    assert "another version of the model (0123" in note
    assert read_posterior(write(tmp_path, "world.turnover", "0.03")).notes == ()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([""], ["the file is empty"]),
        (["# only", "# comments"], ["the file is empty"]),
        (["world.turnover"], ["there is no set"]),
        (
            ["# c", "# reading chance > 20 %", "world.turnover", "0.1"],
            ["line 2: 'chance > 20 %' is no meaning (reading) of the published 51 %", "did you mean 'chances > 20 %'?"],
        ),
        (["world.turnovr", "0.1"], ["line 1", "column 'world.turnovr'", "did you mean 'world.turnover'?"]),
        (["turnover", "0.1"], ["did you mean 'world.turnover'?"]),
        (["xyz", "0.1"], ["kamsim evidence prints all"]),
        (["world.turnover,world.turnover", "0.1,0.1"], ["appears twice"]),
        (
            ["# c", "world.turnover", "0.1", "much"],
            ["line 4: world.turnover must be a number from 0 to 1", "not 'much'"],
        ),
        (["world.turnover", "nan"], ["line 2", "not nan"]),
        (["world.turnover", "1.5"], ["0 to 1 (chance a quarter), not 1.5"]),
        (["tiers.gold.attention", "0"], ["above 0 to 10"]),
        (["world.patience_least", "2.5"], ["a whole number from 1 to 100", "not 2.5"]),
        (["world.turnover,world.sorting", "0.1"], ["line 2: 1 values where line of names has 2"]),
        (["world.turnover,world.sorting", "0.1,3,4"], ["line 2: 3 values"]),
        (['world.turnover,"world', "0.1,3,4"], ["line 1: is not valid CSV"]),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_sentence(tmp_path: Path, lines: list[str], said: list[str]) -> None:
    path = write(tmp_path, *lines)
    with pytest.raises(KamsimError) as caught:
        read_posterior(path)
    for part in ("sets.csv", *said):
        assert part in str(caught.value)


def test_files_that_cannot_be_read_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KamsimError, match="no such file"):
        read_posterior(tmp_path / "nowhere.csv")
    with pytest.raises(KamsimError, match="cannot be read: is a directory"):
        read_posterior(tmp_path)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KamsimError, match="no text in UTF-8"):
        read_posterior(tmp_path / "binary.csv")
    monkeypatch.setattr(reading, "SHIPPED", tmp_path / "none.csv")
    with pytest.raises(KamsimError, match="no posterior ships"):
        read_posterior()


def test_parameters_are_named_as_in_scenario_files() -> None:
    assert parameter_named("tiers.key.promise") == parameter("tiers", "key.promise")
    assert parameter_named("tiers.gold.promise") == parameter("tiers", "tier.promise")
    assert parameter_named("tiers.standard_promise") == parameter("tiers", "standard_promise")
    assert all(parameter_named(name) is not None for name in (*PLAUSIBLE, *TIED))
    for name in ("", "world", "promise", "tiers.promise", "tiers.key.promise.more", "policy.selection"):
        assert parameter_named(name) is None


def test_the_shipped_posterior_is_valid() -> None:
    if not reading.SHIPPED.is_file():
        pytest.skip("no posterior ships yet")
    found = read_posterior()
    assert set(found.names) <= {*PLAUSIBLE, *TIED}
    assert len(found.values) >= 20


# ---------------------------------------------------------------- whole


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[UncertainComparison, Path]:
    out = tmp_path_factory.mktemp("uncertain") / "run"
    scenarios = [*two_policies(), small("no_program"), small("largest_accounts")]
    comparison = compare_under_uncertainty(
        scenarios, few_sets(), replications=5, seed=2, jobs=1, out=out, figure=uncertainty_figure
    )
    return comparison, out


def test_results_are_the_same_to_the_last_byte_whatever_the_jobs(
    compared: tuple[UncertainComparison, Path], tmp_path: Path
) -> None:
    expected, folder = compared
    scenarios = [*two_policies(), small("no_program"), small("largest_accounts")]
    found = compare_under_uncertainty(
        scenarios, few_sets(), replications=5, seed=2, jobs=2, out=tmp_path / "run", figure=uncertainty_figure
    )
    assert found.to_dict() == expected.to_dict()
    files = {path.name for path in folder.iterdir()}
    assert files == {"sets.parquet", "comparison.csv", "bridge.csv", "comparison.png", "manifest.json"}
    for file in files:
        assert (tmp_path / "run" / file).read_bytes() == (folder / file).read_bytes()


def test_the_bridge_is_that_of_the_comparison_in_as_many_worlds() -> None:
    scenarios, posterior = with_reference(two_policies()), few_sets()
    unsure = compare_under_uncertainty(scenarios, posterior, replications=4, jobs=1)
    plain = compare(scenarios, posterior, replications=unsure.best_fit_worlds, jobs=1)
    assert (unsure.horizon, unsure.reference_in_words) == (plain.horizon, plain.reference_in_words)
    of_best_fit = ("scenario", "term", "difference", "low", "high", "points", "points_low", "points_high")
    for one, other in zip(unsure.bridge, plain.bridge, strict=True):
        assert [getattr(one, name) for name in of_best_fit] == [getattr(other, name) for name in of_best_fit]
    profit = {row.scenario: row for row in unsure.measures if row.measure == "total_profit"}
    for worth in unsure.worth:
        row = profit[worth.scenario]
        assert worth.verdict == {"better": "pays", "worse": "does not pay"}.get(row.verdict, "undecided")
        assert worth.pays_in == row.better
    assert [worth.payback for worth in unsure.worth] == [worth.payback for worth in plain.worth]
    assert not any(math.isnan(worth.payback.value) for worth in unsure.worth if worth.net_present_value.value >= 0)


def test_the_table_agrees_with_the_sets_kept(compared: tuple[UncertainComparison, Path]) -> None:
    comparison, folder = compared
    frame = pq.read_table(folder / "sets.parquet").to_pandas()
    assert len(frame) == 4 * 2 * 4
    for row in comparison.measures:
        kept = frame[(frame["scenario"] == row.scenario) & ~frame["moved"]]
        assert row.mean == pytest.approx(kept[row.measure].mean(), rel=1e-12, nan_ok=True)
    one = frame[frame["scenario"] == "full_program"].set_index(["set", "moved"])
    assert one["world.market_growth"].groupby("set").nunique().eq(1).all()
    assert one.loc[(2, False), "world.market_growth"] == few_sets().values[2][0]
    assert one["world.loss_aversion"].nunique() > 1
    assert one.xs(False, level="moved")["world.loss_aversion"].eq(parameter("world", "loss_aversion").default).all()
    nobody = frame[frame["scenario"] == "no_program"]
    assert nobody["collaboration"].isna().all()


def test_what_is_concluded_is_valid_json(compared: tuple[UncertainComparison, Path]) -> None:
    comparison, _ = compared
    content = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert len(content["measures"]) == 4 * len(MEASURES)
    assert [row["scenario"] for row in content["leaning"]] == ["full_program", "no_program", "largest_accounts"]
    profit = [row for row in content["measures"] if row["measure"] == "total_profit"]
    assert sum(row["probability_best"] for row in profit) == pytest.approx(1.0)
    assert content["sets"] == 4
    assert any("4 parameter sets are few" in note for note in content["notes"])


def test_table_and_sentences_fit_and_say_what_holds(compared: tuple[UncertainComparison, Path]) -> None:
    comparison, _ = compared
    table = str(text_of(uncertainty_table(comparison)))
    assert max(map(len, table.splitlines())) <= 80
    assert "undecided" in table or "better" in table or "worse" in table
    sentences = uncertainty_sentences(comparison).splitlines()
    assert " best on total profit" in sentences[0]
    assert " by luck alone" in sentences[0]
    assert sentences[1].startswith("Total profit of ")
    assert " by luck alone" in sentences[1]
    assert sentences[2].startswith("Total profit against status_quo: ")
    assert sentences[3].startswith(f"Moving {comparison.assumed} of {comparison.assumed_known} assumed values by up to")
    assert comparison.assumed < comparison.assumed_known == sum(row.kind == "assumed" for row in LEDGER)
    assert len(sentences) == 5  # four sets say nothing on flips
    assert "ranking changes" not in "\n".join(sentences)
    assert "each in 5 market scenarios of its own, the same for all programs" in " ".join(table.split())
    assert "+-" in table


def test_sentences_are_honest_about_what_cannot_be_told(compared: tuple[UncertainComparison, Path]) -> None:
    comparison, _ = compared
    assert comparison.lead is not None
    lead = replace(comparison.lead, scenario="status_quo", rival="full_program", difference=0.29, margin=0.86)
    apart = replace(lead, apart=True, probability_best=0.6, low=0.4, high=0.7)
    unsure = replace(
        comparison,
        sets=40,
        best=(uncertainty.Best("total_profit", ("status_quo", "full_program"), 0.9),),
        lead=apart,
        flip=Flip("full_program", 0.6),
        drivers=(),
    )
    sentences = uncertainty_sentences(unsure).splitlines()
    assert sentences[0].startswith("It cannot be told which is best on total profit, status_quo (")
    assert "; 40 to 70 % by luck alone) or full_program (" in sentences[0]
    assert sentences[0].endswith("none reaches 80 %.")
    assert sentences[1].endswith(" by luck alone.")
    assert sentences[3].endswith("no single parameter (or pair) tells where the ranking changes.")
    assert "no single parameter more than it would by chance" in sentences[5]
    probable = uncertainty_sentences(replace(unsure, lead=replace(apart, probability_best=0.88))).splitlines()
    assert probable[0].endswith("fewer than 95 % of sets agree.")
    lucky = replace(unsure, lead=replace(apart, apart=False, probability_best=0.88), flip=Flip("status_quo", 1.0))
    sentences = uncertainty_sentences(lucky).splitlines()
    assert sentences[0].endswith("their difference may be luck.")
    assert sentences[1].endswith(": 5 market scenarios do not tell them apart; more `replications` may.")
    assert sentences[3].startswith("Where the ranking changes is not told: ")
    assert "never flips" not in "".join(sentences)
    never = replace(unsure, flip=Flip("full_program", 1.0))
    assert "The ranking never changes: full_program" in uncertainty_sentences(never)
    assert "flips" not in uncertainty_sentences(replace(never, sets=19))
    growth = np.linspace(0.005, 0.04, 50)[:, None]
    best = ["status_quo" if value > 0.0205 else "full_program" for value in growth[:, 0]]
    flip = flip_of("full_program", best, ["world.market_growth"], growth)
    said = uncertainty_sentences(replace(unsure, flip=flip)).splitlines()[3]
    assert said.startswith(
        "full_program stops being best on total profit where market growth (world.market_growth) is above 0.02"
    )
    assert "best in 0 % of such sets, where mostly status_quo is, against 100 % of the others" in said


@pytest.mark.parametrize(("sets", "noise"), [(30, 0.01), (30, 9.0), (19, 0.01)])
def test_flips_are_told_only_of_leaders_the_worlds_tell_apart_over_enough_sets(
    sets: int, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenarios, posterior = two_policies(), few_sets(sets)
    growth = [values[0] for values in posterior.values]

    def blocks(chunks: Any, jobs: Any, with_accounts: bool) -> Any:
        shocks = np.random.default_rng(1).standard_normal((6, 1)) - 0.1
        at = next(numbers)
        values = np.zeros((6, 4, len(MEASURES) + len(Account._fields)))
        values[:, 1::2, : len(MEASURES)] = (1.0 if growth[at] < np.quantile(growth, 0.7) else -1.0) + noise * shocks[
            :, :, None
        ]
        yield values

    numbers = iter(range(sets))
    monkeypatch.setattr(uncertainty_sets, "outcome_blocks", blocks)
    found = compare_under_uncertainty(scenarios, posterior, replications=6, jobs=1)
    assert found.lead is not None
    assert found.lead.apart == (noise < 1.0)
    assert (found.flip is not None) == (noise < 1.0 and sets >= 20)
    assert found.lead.low <= found.lead.probability_best <= found.lead.high
    said = uncertainty_sentences(found)
    assert ("do not tell them apart; more" in said) == (noise > 1.0)
    if found.flip is not None:
        assert [condition.parameter for condition in found.flip.conditions] == ["world.market_growth"]


def test_policies_that_do_the_same_need_no_more_worlds() -> None:
    quo = small("status_quo")
    twin = quo.changed(name="twin")
    found = compare_under_uncertainty([quo, twin], few_sets(2), replications=3, jobs=1)
    assert found.lead is not None
    assert (found.lead.apart, found.lead.difference, found.lead.margin) == (True, 0.0, 0.0)
    assert found.lead.probability_best == 0.5
    assert "more `replications`" not in uncertainty_sentences(found)


def test_a_scenario_with_fitted_values_of_its_own_is_played_in_another_world_and_that_is_said() -> None:
    fitted = small("full_program", market_growth=0.03, trust_speed=0.45)
    found = compare_under_uncertainty([small("status_quo"), fitted], few_sets(2), replications=3, jobs=1)
    assert found.notes[0] == (
        "full_program: set 2 values that differ between parameter sets (world.market_growth, world.trust_speed), so "
        "differences include those of the market, not only of the program"
    )
    assert not found.same_worlds
    assert not any("own value kept" in note for note in found.notes)
    assert "the same for all" not in " ".join(str(text_of(uncertainty_table(found))).split())
    both = [small(name, market_growth=0.03) for name in ("status_quo", "full_program")]
    found = compare_under_uncertainty(both, few_sets(2), replications=3, jobs=1)
    assert found.same_worlds
    assert "every scenario: own value kept in all parameter sets: world.market_growth" in found.notes
    apart = [small("status_quo", market_growth=0.02), both[1]]
    assert not compare_under_uncertainty(apart, few_sets(2), replications=3, jobs=1).same_worlds


def test_another_leader_once_assumed_values_are_moved_is_said(compared: tuple[UncertainComparison, Path]) -> None:
    comparison, _ = compared
    first, second, *_ = comparison.leaning
    leaning = (replace(first, probability_best_moved=0.4), replace(second, probability_best_moved=0.5))
    leads = replace(comparison, compared=(first.scenario, comparison.reference), leaning=leaning)
    assert f"{second.scenario} is then more probably best (50 %)" in uncertainty_sentences(leads).splitlines()[3]
    follows = replace(leads, leaning=(replace(first, probability_best_moved=0.6), leaning[1]))
    assert "is then more" not in uncertainty_sentences(follows)


def test_a_single_scenario_has_a_table_and_nothing_to_say() -> None:
    comparison = compare_under_uncertainty([small("status_quo")], few_sets(2), replications=2)
    assert comparison.flip is None
    assert uncertainty_sentences(comparison) == ""
    assert "status_quo" in str(text_of(uncertainty_table(comparison)))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"replications": 1}, "at least 2"),
        ({"replications": 0}, "replications must be"),
        ({"seed": -1}, "the seed must be"),
        ({"jobs": 0}, "jobs must be"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, int], sentence: str) -> None:
    with pytest.raises(KamsimError, match=sentence):
        compare_under_uncertainty(two_policies(), few_sets(1), **arguments)  # type: ignore[arg-type]


# ---------------------------------------------------------------- command line

SMALL = 'extends = "{}"\n[world]\naccounts = 24\n[timeline]\nwarmup_years = 1\nwindow_years = 3\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, parent in (("one", "status_quo"), ("two", "full_program")):
        (tmp_path / f"{name}.toml").write_text(SMALL.format(parent))
    posterior = few_sets(3)
    rows = [",".join(map(repr, values)) for values in posterior.values]
    (tmp_path / "sets.csv").write_text("\n".join(["# made up", ",".join(posterior.names), *rows]) + "\n")
    return tmp_path


def kamsim(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["compare", *arguments])


def test_the_command_prints_a_table_and_sentences_and_writes_a_folder(here: Path) -> None:
    result = kamsim("one.toml", "two.toml", "--posterior", "sets.csv", "-n", "3", "--jobs", "1")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "assumed values by up to a quarter" in result.stdout
    (folder,) = (here / "results").iterdir()
    assert f"Written to results/{folder.name}/" in result.stdout
    assert {path.name for path in folder.iterdir()} == {
        "sets.parquet",
        "comparison.csv",
        "bridge.csv",
        "comparison.png",
        "manifest.json",
    }
    again = kamsim("one.toml", "two.toml", "--posterior", "sets.csv", "-n", "3", "--jobs", "2", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["folder"] == f"results/{folder.name}"
    other = kamsim("one.toml", "two.toml", "-n", "3", "--out", f"results/{folder.name}")
    assert other.exit_code == 2


def test_what_no_program_cannot_have_is_held_against_the_first_that_has_one(here: Path) -> None:
    words = ("one.toml", "two.toml", "--posterior", "sets.csv", "-n", "2")
    content = json.loads(kamsim(*words, "--json").stdout)
    assert content["reference_in_words"] == "no program (no_program: no key accounts)"
    rows = {(row["measure"], row["scenario"]): row for row in content["measures"]}
    for measure in MEASURES:
        base = "one" if measure.needs_program else "no_program"
        assert {rows[measure.name, name]["against"] for name in content["scenarios"]} == {base}
        assert (rows[measure.name, base]["difference"], rows[measure.name, base]["verdict"]) == (0.0, "")
    two = rows["key_revenue_growth", "two"]
    assert two["difference"] == pytest.approx(two["mean"] - rows["key_revenue_growth", "one"]["mean"])
    assert rows["key_revenue_growth", "no_program"]["difference"] is None
    named = json.loads(kamsim(*words, "--json", "--reference", "one").stdout)
    assert {row["against"] for row in named["measures"]} == {"one"}


def test_the_help_names_the_default_number_of_worlds() -> None:
    assert f"with --uncertainty {uncertainty.REPLICATIONS} for" in " ".join(kamsim("--help").output.split())


def test_uncertainty_takes_the_shipped_posterior(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SHIPPED", here / "sets.csv")
    result = kamsim("one.toml", "two.toml", "--uncertainty", "-n", "2", "--json", "--accounts", "book.csv")
    assert result.exit_code == 2
    (here / "book.csv").write_text("account_id,annual_spend\n" + "".join(f"A{n},{100 + n}\n" for n in range(30)))
    result = kamsim("one.toml", "two.toml", "--uncertainty", "-n", "2", "--json", "--accounts", "book.csv")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert (content["posterior"], content["sets"], content["replications"]) == ("sets.csv", 3, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--posterior", "nowhere.csv"], "nowhere.csv: there is no such file"),
        (["--posterior", "bad.csv"], "bad.csv, line 2: world.turnover must be a number"),
        (["--posterior", "sets.csv", "-n", "1"], "at least 2"),
        (["--posterior", "sets.csv", "--seed", "-1"], "the seed must be"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(here: Path, arguments: list[str], said: str) -> None:
    (here / "bad.csv").write_text("world.turnover\nlots\n")
    result = kamsim("one.toml", "two.toml", *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert not (here / "results").exists()
