"""What is said over parameter sets, against planted answers."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import small

from kamsim.analysis.agreement import held, verdict_of
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.experiments.manifest import read_manifest
from kamsim.measures.gain import SALES, gains_in_points, points_of
from kamsim.measures.profit import Account
from kamsim.report.bridge import gain_table
from kamsim.report.comparison import comparison_figure, comparison_sentence, comparison_table
from kamsim.report.terminal import text_of
from kamsim.studies.compare import Comparison, compare
from kamsim.studies.over_sets import some_of
from kamsim.studies.parameter_sets import with_set
from kamsim.studies.reference import with_reference

NAMES = ("world.market_growth", "world.trust_speed")
SETS = Posterior(NAMES, tuple((0.001 * number, 0.2 + 0.01 * number) for number in range(24)), "made_up.csv")


def gains(better: float, sets: int = 100) -> np.ndarray:
    return np.where(np.arange(sets) < sets * better, 1.0, -0.5)


@pytest.mark.parametrize(
    ("better", "verdict"), [(1.0, "better"), (0.95, "better"), (0.94, "undecided"), (0.04, "worse"), (0.5, "undecided")]
)
def test_a_verdict_needs_nineteen_of_twenty_sets(better: float, verdict: str) -> None:
    values = gains(better)
    for direction, expected in ((1.0, verdict), (-1.0, {"better": "worse", "worse": "better"}.get(verdict, verdict))):
        found = held(values, np.full(100, 0.1), direction, 20)
        assert found.verdict == expected
        assert found.better == pytest.approx(better if direction > 0 else 1.0 - better)
        assert (found.low, found.high) == tuple(np.quantile(values, (0.025, 0.975)))


def test_a_few_sets_that_agree_by_luck_are_undecided() -> None:
    assert held(np.full(3, 1.0), np.full(3, 0.1), 1.0, 20).verdict == "better"
    assert held(np.full(3, 1.0), np.full(3, 2.0), 1.0, 20).verdict == "undecided"
    assert held(np.full(3, 1.0), np.full(3, math.nan), 1.0, 1).verdict == "undecided"
    assert verdict_of(np.zeros(5), 0.0) == "same"
    nothing = held(np.full(3, math.nan), np.full(3, math.nan), 1.0, 20)
    assert (nothing.verdict, math.isnan(nothing.better)) == ("", True)


def test_points_are_of_what_is_sold_without_a_program() -> None:
    accounts = np.zeros((2, 3, len(Account._fields)))
    accounts[:, :, 0] = [[10.0, 14.0, 16.0], [30.0, 36.0, 38.0]]
    accounts[:, :, SALES] = [[50.0, 1.0, 1.0], [150.0, 1.0, 1.0]]
    assert gains_in_points(accounts, 2, 1, 0).tolist() == [2.0, 2.0]
    assert gains_in_points(accounts, 1, 0, 0).tolist() == [4.0, 6.0]
    assert math.isnan(points_of(1.0, 0.0))


def test_a_few_of_the_sets_are_spread_over_all() -> None:
    assert [values[0] for values in some_of(SETS, 3).values] == [SETS.values[place][0] for place in (0, 8, 16)]
    assert some_of(SETS, None) is some_of(SETS, 99) is SETS
    with pytest.raises(KamsimError, match="at least 0, not -1"):
        some_of(SETS, -1)


# ---------------------------------------------------------------- whole


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    out = tmp_path_factory.mktemp("sets") / "run"
    return play(out, 1), out


def play(out: Path | None, jobs: int, **more: Any) -> Comparison:
    scenarios = with_reference([small("status_quo"), small("full_program")])
    return compare(scenarios, SETS, replications=36, jobs=jobs, out=out, figure=comparison_figure, **more)


def test_it_is_the_same_to_the_last_byte_whatever_the_jobs(compared: tuple[Comparison, Path], tmp_path: Path) -> None:
    expected, folder = compared
    assert play(tmp_path / "run", 2).to_dict() == expected.to_dict()
    for path in folder.iterdir():
        assert (tmp_path / "run" / path.name).read_bytes() == path.read_bytes()


def test_each_set_is_played_in_worlds_of_its_own(compared: tuple[Comparison, Path]) -> None:
    comparison, _ = compared
    assert (comparison.sets, comparison.worlds_a_set) == (24, 8)
    scenarios, means = with_reference([small("status_quo"), small("full_program")]), []
    for number, values in enumerate(SETS.values):
        jobs = [job_of(with_set(scenario, NAMES, values)) for scenario in scenarios]
        tables = play_organizations(jobs, 1, 8 * number, 8)
        means.append(gains_in_points(np.stack([table.account for table in tables], axis=1), 2, 0, 0).mean())
    total = next(row for row in comparison.bridge if (row.scenario, row.term) == ("full_program", "total"))
    assert (total.sets_low, total.sets_high) == pytest.approx(tuple(np.quantile(means, (0.025, 0.975))), rel=1e-9)
    worth = next(row for row in comparison.worth if row.scenario == "full_program")
    assert worth.pays_in == pytest.approx(np.mean(np.array(means) > 0))


def test_the_best_fit_does_not_depend_on_the_sets(compared: tuple[Comparison, Path]) -> None:
    comparison, _ = compared
    alone = play(None, 1, sets=0)
    assert (alone.sets, alone.worlds_a_set, alone.posterior) == (0, 0, "")
    for one, other in ((alone.bridge, comparison.bridge), (alone.measures, comparison.measures)):
        for here, there in zip(one, other, strict=True):
            assert (here.difference, here.low) == pytest.approx(
                (there.difference, there.low), nan_ok=True, rel=0, abs=0
            )
    assert {row.verdict for row in (*alone.measures, *alone.worth)} == {""}
    assert "No parameter set was played" in comparison_sentence(alone)
    assert not any(word in str(text_of(comparison_table(alone))) for word in ("undecided", " sets, each"))


def test_the_manifest_says_what_money_is_told_of_and_which_sets(compared: tuple[Comparison, Path]) -> None:
    comparison, folder = compared
    manifest = read_manifest(folder)
    assert manifest["reference"] == comparison.reference == "no_program"
    assert manifest["total_profit"] == comparison.horizon.told()
    assert comparison.to_dict()["horizon"] == {**comparison.horizon._asdict(), "calendar": []}
    assert manifest["total_profit"]["points_of"] == "no_program"
    assert manifest["posterior"]["names"] == list(NAMES)
    rows = (folder / "comparison.csv").read_text().splitlines()
    assert rows[0].endswith(",verdict,unit,years,discount")
    assert any(row.endswith(",% a year,3,") for row in rows)
    assert any(row.endswith(f",{comparison.horizon.unit},4,0.0") for row in rows)


def test_what_was_asked_of_the_sets_is_said_where_it_matters(compared: tuple[Comparison, Path]) -> None:
    comparison, _ = compared
    said = "fitted so that programs pay on average"
    assert said in " ".join(str(text_of(gain_table(comparison))).split())
    for other in (replace(comparison, sets=0), replace(comparison, reference_in_words=comparison.reference)):
        assert said not in " ".join(str(text_of(gain_table(other))).split())


def test_the_table_says_what_each_difference_is_to(compared: tuple[Comparison, Path]) -> None:
    comparison, _ = compared
    table = str(text_of(comparison_table(comparison)))
    assert max(map(len, table.splitlines())) <= 80
    bases = {row.against for row in comparison.measures if row.measure != "total_profit"}
    assert bases == {"status_quo"}
    assert " ".join(table.split()).count("; status_quo ") == 3
    assert "to the program that the heading names" in " ".join(table.split())


def test_the_command_skips_sets_and_refuses_what_makes_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.toml").write_text('extends = "full_program"\n[world]\naccounts = 24\n')
    alone = CliRunner().invoke(main, ["compare", "one.toml", "-n", "4", "--sets", "0"])
    assert alone.exit_code == 0, alone.output
    assert "none was played" in alone.output
    few = CliRunner().invoke(main, ["compare", "one.toml", "-n", "4", "--sets", "5"])
    assert few.exit_code == 0, few.output
    assert "5 parameter sets are few" in " ".join(few.output.split())
    for words, said in (("--sets -1", "at least 0"), ("--sets 0 --uncertainty", "--uncertainty needs parameter sets")):
        refused = CliRunner().invoke(main, ["compare", "one.toml", *words.split()])
        assert (refused.exit_code, said in refused.output) == (2, True), refused.output


def test_the_sentence_names_a_best_policy_only_from_nineteen_of_twenty_sets(compared: tuple[Comparison, Path]) -> None:
    comparison, _ = compared

    def said(best: dict[str, float]) -> str:
        rows = [
            replace(row, best_in_sets=best[row.scenario]) if row.measure == "total_profit" else row
            for row in comparison.measures
        ]
        return comparison_sentence(replace(comparison, measures=tuple(rows)))

    sure = said({"no_program": 0.0, "status_quo": 0.05, "full_program": 0.95})
    assert sure.startswith("full_program earns the most total profit in 95 % of the parameter sets and is best. At the")
    unsure = said({"no_program": 0.0, "status_quo": 0.06, "full_program": 0.94})
    assert "in 94 % of the parameter sets, status_quo in 6 %: which is best is undecided. At the best" in unsure
    none = said({"no_program": 1.0, "status_quo": 0.0, "full_program": 0.0})
    assert none.startswith("no_program earns the most total profit in 100 % of the parameter sets and is best. At the")
    assert "earns more than no_program" in none
