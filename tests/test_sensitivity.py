"""Ranges that are varied, what drives a figure of the model, and the command."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from conftest import assert_same_bits, over_ranges, small
from hypothesis import given
from hypothesis import strategies as st

from kamsim.analysis.indices import (
    BASE_POINTS,
    TRAJECTORIES,
)
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import parameter
from kamsim.evidence.plausible import PLAUSIBLE, TIED
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.measures.gain import SALES, points_of, profit_in
from kamsim.report.over_ranges import figures
from kamsim.report.sensitivity import sensitivity_figure, sensitivity_sentences, sensitivity_table
from kamsim.report.terminal import text_of
from kamsim.studies import at_points as playing
from kamsim.studies.at_points import played_at, question_of
from kamsim.studies.ranges import Range, notes_on_ranges, ranges_of, scenario_at, values_at
from kamsim.studies.sensitivity import MOST_RANKED, Influence, Sensitivity, ask_sensitivity, sensitivity

FEW = ("world.market_growth", "world.gross_margin", "world.share_speed=0.04:0.2")
compiled_only = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="hundreds of runs take too long in plain Python")


# ---------------------------------------------------------------- ranges


SETS = Posterior(
    ("world.share_trust", "world.turnover", "tiers.key.promise", "tiers.strategic.promise", "world.follow"),
    tuple((0.2 + 0.01 * at, 0.02 + 0.0001 * at, 0.1 + 0.001 * at, 0.18 + 0.001 * at, 0.15) for at in range(41)),
    "folder/sets.csv",
)


def test_parameters_of_a_posterior_vary_where_most_of_its_sets_lie() -> None:
    share, promise = ranges_of([small(), small("no_program")], (), SETS)
    # Set by the small scenario itself, tied to another, and the same in all sets: these are not varied.
    assert (share.parameter, promise.parameter) == ("world.share_trust", "tiers.key.promise")
    assert (share.low, share.high) == pytest.approx((0.21, 0.59))
    assert (promise.low, promise.high) == pytest.approx((0.101, 0.139))
    named = ["tiers.strategic.promise", "world.follow", "world.trust_mean", "world.share_trust=0.1:0.2"]
    ranges = ranges_of([small()], named, SETS)
    assert [one.source for one in ranges] == ["posterior", "plausible", "quarter", "given"]
    assert (ranges[0].low, ranges[1].low) == pytest.approx((0.181, PLAUSIBLE["world.follow"][0]))
    assert "world.turnover" in next(notes_on_ranges([small()], (), SETS))


def test_what_tiers_are_like_says_nothing_of_a_scenario_without_a_program() -> None:
    elevating, other = small("full_program"), small("no_program")
    (seats,) = ranges_of([elevating, other], ["tiers.key.seats=1:4"])
    assert scenario_at(elevating, values_at([seats], [1.0])).tiers.ordered["key"].seats == 4
    assert scenario_at(other, values_at([seats], [1.0])) == other


def test_calibrated_parameters_vary_over_what_is_plausible_without_a_posterior() -> None:
    scenarios = [small("status_quo"), small("full_program")]
    ranges = {one.parameter: one for one in ranges_of(scenarios)}
    # The small scenario sets this one itself.
    assert set(ranges) == set(PLAUSIBLE) - {"world.turnover"}
    assert all((one.low, one.high) == PLAUSIBLE[name] for name, one in ranges.items())
    assert "world.turnover" in next(notes_on_ranges(scenarios, ()))
    assert not list(notes_on_ranges(scenarios, ["world.turnover"]))


def test_named_parameters_take_their_range_a_quarter_or_what_is_given() -> None:
    row = parameter("world", "trust_mean")
    names = [
        "world.turnover",
        "world.trust_mean",
        "tiers.strategic.promise",
        "world.loss_aversion",
        "world.functions",
    ]
    plausible, quarter, tied, clipped, whole = ranges_of([small()], names)
    assert (plausible.low, plausible.high) == PLAUSIBLE["world.turnover"]
    assert (quarter.low, quarter.high, quarter.kind) == (0.75 * row.default, 1.25 * row.default, "assumed")
    low, high = PLAUSIBLE["tiers.key.promise"]
    assert (tied.low, tied.high) == (low + 0.08, high + 0.08)
    assert (clipped.low, clipped.high) == (1.5, parameter("world", "loss_aversion").high)
    assert (whole.low, whole.high, whole.whole) == (3, 5, True)
    (given_ends,) = ranges_of([small()], ["world.turnover = 0.01:0.5"])
    assert (given_ends.low, given_ends.high) == (0.01, 0.5)


@given(st.integers(-5, 5), st.integers(1, 9), st.floats(0, 1))
def test_whole_numbers_stay_whole_and_inside(low: int, width: int, part: float) -> None:
    value = Range("world.functions", "", "", "", low, low + width, whole=True).value(part)
    assert isinstance(value, int)
    assert low <= value <= low + width


def test_every_whole_number_is_as_likely() -> None:
    one = Range("world.functions", "", "", "", 3, 5, whole=True)
    values = [one.value((place + 0.5) / 300) for place in range(300)]
    assert [values.count(number) for number in (3, 4, 5)] == [100, 100, 100]


def test_a_point_goes_into_a_scenario_and_what_is_tied_follows() -> None:
    ranges = ranges_of([small()], ["tiers.key.promise", "world.functions"])
    changed = scenario_at(small(), values_at(ranges, [0.5, 1.0]))
    key = changed.tiers.ordered["key"].promise
    assert key == pytest.approx(sum(PLAUSIBLE["tiers.key.promise"]) / 2)
    assert changed.tiers.ordered["strategic"].promise == pytest.approx(key + TIED["tiers.strategic.promise"][1])
    assert changed.world.functions == 5
    own = small().changed(tiers={"ordered": {"strategic": {"promise": 0.9}}})
    assert scenario_at(own, values_at(ranges, [0.5, 1.0])).tiers.ordered["strategic"].promise == 0.9
    # A scenario without key accounts takes what it has.
    assert scenario_at(small("no_program"), values_at(ranges, [0.5, 1.0])).world.functions == 5


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["world.turnovr"], "did you mean 'world.turnover'?"),
        (["promise"], "did you mean 'tiers.key.promise'?"),
        (["xyzzy"], "kamsim evidence prints all of them"),
        (["world.turnover", "world.turnover=0:1"], "named twice"),
        (["world.turnover=a:b"], "world.turnover=LOW:HIGH"),
        (["world.turnover=0.1"], "world.turnover=LOW:HIGH"),
        (["world.turnover=0.2:0.1"], "lower end first"),
        (["world.turnover=nan:1"], "lower end first"),
        (["world.turnover=0.5:2"], "world.turnover must be a number from 0 to 1 (chance a quarter), not 2"),
        (["tiers.key.attention=0:1"], "above 0 to 10"),
        (["world.functions=1.5:3"], "world.functions must be a whole number from 1 to 16 (functions), not 1.5"),
        (["population.selection"], "there is no population.selection in status_quo"),
        (["policy.alignment"], "is a lever"),
        (["policy.health_threshold"], "of which a quarter is nothing; give policy.health_threshold=LOW:HIGH"),
    ],
)
def test_faults_of_a_parameter_are_said_in_one_sentence(asked: list[str], said: str) -> None:
    with pytest.raises(KamsimError, match=r".+") as error:
        ranges_of([small()], asked)
    assert said in str(error.value)


def test_a_difference_between_scenarios_is_not_varied() -> None:
    other = small().changed(tiers={"ordered": {"key": {"concession": 0.11}}})
    with pytest.raises(KamsimError, match="a difference between the scenarios"):
        ranges_of([small(), other], ["tiers.key.concession"])
    differs = small().changed(world={"share_speed": 0.2})
    assert "world.share_speed" not in {one.parameter for one in ranges_of([small(), differs])}


# ---------------------------------------------------------------- the model


def asked(**changed: Any) -> Sensitivity:
    settings: dict[str, Any] = {"parameters": FEW, "points": 8, "replications": 4, "seed": 5, "jobs": 1}
    return sensitivity(small("full_program"), **settings | changed)


def test_points_are_played_in_the_same_worlds_whatever_the_workers() -> None:
    scenarios = small("full_program"), small("status_quo")
    points = np.random.default_rng(2).random((4, 3))
    values = [
        played_at(question_of(*scenarios, "total_profit", FEW, replications=5, seed=3, jobs=jobs), points)
        for jobs in (1, 3)
    ]
    assert_same_bits(*values)
    told = {"seed": 3, "jobs": 1}
    alone, other = (
        played_at(question_of(one, None, "quota_miss_rate", FEW, alone=True, replications=5, **told), points)
        for one in scenarios
    )
    both, fewer = (
        played_at(question_of(*scenarios, "quota_miss_rate", FEW, replications=worlds, **told), points)
        for worlds in (5, 3)
    )
    assert np.isfinite(both).all()
    np.testing.assert_array_equal(both, alone - other)
    assert_same_bits(fewer, np.ascontiguousarray(both[:, :3]))


def test_a_gain_is_told_in_points_of_what_is_sold_without_a_program() -> None:
    """The same whatever it is held against, so that gains add up."""
    one, other, without = small("full_program"), small("status_quo"), small("no_program")
    points, told = np.array([[0.1, 0.5, 0.9], [0.8, 0.2, 0.3]]), {"replications": 4, "seed": 3, "jobs": 1}
    gain, step, rest = (
        played_at(question_of(policy, against, "total_profit", FEW, **told), points)
        for policy, against in ((one, None), (one, other), (other, without))
    )
    np.testing.assert_allclose(step + rest, gain, rtol=1e-9)
    values = values_at(ranges_of([one], FEW), points[1].tolist())
    played, sold = (
        play_organizations([job_of(scenario_at(policy, values))], 3, 0, 4)[0].account for policy in (one, without)
    )
    sales = sold[:, SALES].mean()
    np.testing.assert_allclose(gain[1], points_of(profit_in(played) - profit_in(sold), sales), rtol=1e-9)


@compiled_only
def test_a_difference_between_equal_policies_has_no_drivers() -> None:
    twin = small("full_program").changed(name="twin")
    result = asked(against=twin)
    assert result.low == result.mean == result.high == 0
    assert all(influence.total == 0 for influence in result.influences)
    assert "Nothing that was varied changes" in sensitivity_sentences(result)


@compiled_only
def test_what_drives_profit_is_found_and_the_same_whatever_the_jobs(tmp_path: Path) -> None:
    result = asked(points=64, alone=True, out=tmp_path / "out", figure=sensitivity_figure)
    assert result.to_dict() == asked(points=64, alone=True, jobs=3).to_dict()
    assert result.influences[0].parameter == "world.gross_margin"
    assert result.influences[0].correlation > 0.5
    assert result.others is None
    assert not result.screened_out
    assert result.played == 64 * 5 == ask_sensitivity(small("full_program"), parameters=FEW, points=64).work
    assert (result.against, result.gain, result.unit) == (
        "",
        None,
        "units of the median account's yearly category spend",
    )
    content = json.loads((tmp_path / "out" / "sensitivity.json").read_text(encoding="utf-8"))
    assert content == result.to_dict()
    assert (tmp_path / "out" / "sensitivity.png").read_bytes().startswith(b"\x89PNG")
    table = pq.read_table(tmp_path / "out" / "points.parquet").to_pandas()
    assert len(table) == result.played
    assert table["world.share_speed"].between(0.04, 0.2).all()
    assert set(table["unit"]) == {result.unit}
    assert set(table["years"]) == {result.years} == {4}
    halves = table[["first_half_of_worlds", "second_half_of_worlds"]].mean(axis=1)
    np.testing.assert_allclose(table["output"], halves)
    base = table.iloc[np.r_[0 : len(table) : 5, 4 : len(table) : 5]]["output"]
    assert result.mean == pytest.approx(base.mean())


@compiled_only
def test_screening_leaves_the_rest_one_index_together(tmp_path: Path) -> None:
    told: list[int] = []
    result = asked(parameters=(), points=4, replications=2, out=tmp_path / "out", progress=told.append)
    assert len(result.influences) == MOST_RANKED
    assert len(result.screened_out) == len(PLAUSIBLE) - 1 - MOST_RANKED
    least = min(influence.effect for influence in result.influences)
    assert least >= max(influence.effect for influence in result.screened_out)
    assert result.others is not None
    assert math.isnan(result.others.effect)
    assert told == list(range(1, result.played + 1))
    assert result.played == ask_sensitivity(small("full_program"), points=4).work
    stages = pq.read_table(tmp_path / "out" / "points.parquet").column("stage").to_pylist()
    assert stages.count("screening") == TRAJECTORIES * len(PLAUSIBLE)
    json.dumps(result.to_dict(), allow_nan=False)
    assert f"{len(result.screened_out)} others together" in text_of(sensitivity_table(result)).plain


def test_a_measure_that_does_not_exist_is_said() -> None:
    with pytest.raises(KamsimError, match="key_revenue_growth does not exist at 6 of 6 points"):
        sensitivity(small("no_program"), alone=True, measure="key_revenue_growth", parameters=FEW[:1], points=2,
                    replications=2, screen=False)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"measure": "total_proft"}, "did you mean 'total_profit'?"),
        ({"points": 100}, "take 64 or 128"),
        ({"points": 0}, "take 2"),
        ({"points": -4}, "take 2"),
        ({"replications": 1}, "at least 2"),
        ({"jobs": 0}, "jobs"),
        ({"seed": -1}, "seed"),
        ({"against": small("full_program")}, "named 'full_program'"),
        ({"against": small("status_quo"), "alone": True}, "leave it out, or `against`"),
        (
            {"against": small("no_program"), "measure": "collaboration"},
            "no_program elevates nobody, so it has no colla",
        ),
        (
            {"parameters": ["world.ceiling_base=0.1:0.9"]},
            "the ranges do not go together: [world]: ceiling_base + ceiling_fit",
        ),
    ],
)
def test_bad_input_is_said_before_anything_is_played(
    changed: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "play_organizations", None)
    with pytest.raises(KamsimError, match=r".+") as error:
        asked(**changed)
    assert said in str(error.value)


# ---------------------------------------------------------------- report


def test_without_a_program_of_its_own_a_scenario_needs_another_to_be_held_against() -> None:
    with pytest.raises(KamsimError, match="no_program is no program itself; name what to hold it `against`"):
        ask_sensitivity(small("no_program"), parameters=FEW)


def test_what_no_program_cannot_have_is_told_of_the_scenario_itself() -> None:
    question = question_of(small("full_program"), None, "collaboration", FEW, replications=2, seed=1, jobs=1)
    assert question.against is None
    assert "no program has no collaboration for key accounts" in question.notes[0]


def planted(*kinds: str, luck: float = 0.02, **changed: Any) -> Sensitivity:
    """A result in which the parameters explain a half, a quarter and so on."""
    influences = tuple(
        Influence(
            f"world.a_parameter_of_a_long_name_{place}", f"what it means: number {place}", "part", kind, 0.0, 1.0, 2.0,
            0.5**place, 0.5**place - 0.1, 0.5**place + 0.1, 0.5**place, 0.5**place - 0.1, 0.5**place + 0.1, -0.5,
        )
        for place, kind in enumerate(kinds, start=1)
    )  # fmt: skip
    ranges = tuple(Range(one.parameter, "", "", one.kind, 0.0, 1.0, source="posterior") for one in influences)
    return Sensitivity(**over_ranges(ranges=ranges, replications=8, **changed), influences=influences, others=None,
                       screened_out=(), luck=luck, gap=0.05, points=64, played=320)  # fmt: skip


def test_sentences_name_what_explains_most_and_what_is_assumed() -> None:
    said = sensitivity_sentences(planted("assumed", "calibrated", "calibrated", "assumed"))
    assert (
        "Three parameters explain 88 % of how the difference between full_program and status_quo in total profit varies"
        in said
    )
    assert "Of these one is assumed (world.a_parameter_of_a_long_name_1)." in said
    assert "what it means (world.a_parameter_of_a_long_name_1; falls with it)" in said
    assert "6 % of the variation comes from parameters acting together" in said
    assert "Luck of the 8 market scenarios makes about 2 % of the variation" in said
    assert "more `replications`" not in said
    assert "more `replications`" in sensitivity_sentences(planted("assumed", luck=0.4))
    assert "It is calibrated." in sensitivity_sentences(planted("calibrated"))


def test_the_figure_at_the_best_fit_comes_first_and_why_that_over_ranges_is_another() -> None:
    best, ranges = figures(planted("assumed")).splitlines()
    assert best == (
        "At the best fit full_program against status_quo: +2.50 points of sales, +12.00 in money, 10 years from "
        "launch, undiscounted; luck of 500 market scenarios +2.10 to +2.90 points."
    )
    assert ranges == (
        "Over the ranges varied it is +3.00 points of sales on average (luck of 8 market scenarios +2.00 to +4.00), "
        "and -1.00 to +7.00 in 90 % of all combinations. This need not be the figure of the best fit: parameters vary "
        "independently here, and not every combination fits the evidence."
    )
    alone = {"against": "", "gain": None, "unit": "yearly wallets", "reference_in_words": ""}
    assert figures(planted("assumed", **alone)).startswith(
        "At the best fit total profit of full_program: 200.0, 10 years from launch, undiscounted; mean of 500 market "
        "scenarios."
    )


def test_the_title_says_of_what_against_what_in_which_unit_and_over_which_ranges() -> None:
    table = sensitivity_table(planted("assumed", "calibrated"))
    assert table.title == (
        "What matters most for total profit of full_program against status_quo, points of sales, 10 years from launch, "
        "undiscounted; ranges of sets that fit"
    )
    assert (
        "where 95 % of the 60 parameter sets lie that fit the evidence (sets.csv), each parameter by itself"
        in table.legend[-1]
    )
    given = Range("world.turnover", "", "", "", 0.0, 1.0)
    mixed = planted("assumed")
    assert sensitivity_table(replace(mixed, ranges=(*mixed.ranges, given))).title.endswith(
        "ranges of sets that fit (1), given (1)"
    )
    plausible = Range("world.turnover", "", "", "", 0.0, 1.0, source="plausible")
    assert sensitivity_table(replace(mixed, ranges=(plausible,))).title.endswith("ranges plausible before the fit")


def test_the_table_fits_80_columns_in_order_of_importance() -> None:
    text = text_of(sensitivity_table(planted("assumed", "calibrated", "calibrated"))).plain
    assert max(map(len, text.splitlines())) <= 80
    assert text.index("name_1") < text.index("name_2") < text.index("name_3")


def test_the_figure_is_a_png() -> None:
    assert sensitivity_figure(planted("assumed", "calibrated")).startswith(b"\x89PNG")


# ---------------------------------------------------------------- command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    text = "[world]\naccounts = 24\n[timeline]\nwarmup_years = 1\nwindow_years = 2\n"
    for name in ("status_quo", "full_program"):
        (tmp_path / f"small_{name}.toml").write_text(f'extends = "{name}"\n{text}')
    return tmp_path


@compiled_only
def test_the_command_prints_a_table_and_keeps_a_folder(here: Path) -> None:
    arguments = [
        "sensitivity",
        "small_full_program.toml",
        "--against",
        "small_status_quo.toml",
        "--points",
        "4",
        "-n",
        "2",
    ]
    arguments += ["--parameter", "world.market_growth", "--parameter", "world.gross_margin=0.3:0.6"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "world.gross_margin" in result.stdout
    assert "small_full_program against small_status_quo" in " ".join(result.stdout.split())
    (folder,) = (here / "results").iterdir()
    assert folder.name.startswith("sensitivity-")
    names = {"points.parquet", "sensitivity.json", "sensitivity.png", "manifest.json"}
    assert {path.name for path in folder.iterdir()} == names
    again = CliRunner().invoke(main, [*arguments, "--json", "--jobs", "1"])
    assert json.loads(again.stdout)["folder"] == f"results/{folder.name}"
    assert [path.name for path in (here / "results").iterdir()] == [folder.name]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--measure", "xyzzy"], "choose from collaboration, "),
        (["--parameter", "world.turnovr"], "did you mean 'world.turnover'?"),
        (["--points", "5"], "power of two"),
        (["--against", "small_status_qu.toml"], "no such scenario file"),
        (["--plausible", "--posterior", "sets.csv"], "--plausible and --posterior name different ranges"),
        (["--posterior", "sets.csv"], "sets.csv: there is no such file"),
        (["--alone", "--against", "small_status_quo.toml"], "--alone asks about a scenario held against nothing"),
    ],
)
def test_the_command_refuses_in_one_sentence(here: Path, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["sensitivity", "small_full_program.toml", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (here / "results").exists()


def test_defaults_of_command_and_library_agree() -> None:
    options = {option.name: option.default for option in main.commands["sensitivity"].params}
    assert (options["points"], options["replications"]) == (BASE_POINTS, playing.REPLICATIONS)
