"""Corners of failure: what the model shows is said as it is, and the command says where it was looked for."""

import json
import math
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from conftest import over_ranges, small

from kamsim.analysis.corners import Condition
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.report.discovery import discovery_sentences, discovery_table
from kamsim.report.terminal import text_of
from kamsim.studies import at_points as playing
from kamsim.studies.discover import REPLICATIONS, SAMPLED, Discovery, discover
from kamsim.studies.ranges import Range

FEW = ("world.market_growth", "world.gross_margin", "world.turnover")
compiled_only = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="hundreds of runs take too long in plain Python")


# ---------------------------------------------------------------- the model


def asked(**changed: Any) -> Discovery:
    settings: dict[str, Any] = {
        "threshold": 10.0, "alone": True, "parameters": FEW, "points": 60, "replications": 3, "seed": 2, "jobs": 1,
    }  # fmt: skip
    return discover(small("full_program"), **settings | changed)


def middling() -> float:
    """Total profit that about half of the cases miss."""
    return float(np.median(_profits()))


def _profits() -> np.ndarray:
    from kamsim.analysis.intervals import means_of
    from kamsim.studies.at_points import played_at, question_of

    question = question_of(small("full_program"), None, "total_profit", FEW, alone=True, replications=3, seed=2, jobs=1)
    return means_of(played_at(question, np.random.default_rng(0).random((60, 3))))


@compiled_only
def test_low_margins_are_where_profit_is_missed_whatever_the_jobs(tmp_path: Path) -> None:
    threshold = middling()
    result = asked(threshold=threshold, out=tmp_path / "out")
    assert result == asked(threshold=threshold, jobs=3)
    assert result.told == "corner"
    margin = next(condition for condition in result.conditions if condition.parameter == "world.gross_margin")
    assert math.isinf(margin.low)
    assert margin.high < 0.5625
    assert result.density > max(0.7, result.failed)
    content = json.loads((tmp_path / "out" / "discovery.json").read_text(encoding="utf-8"))
    assert content == result.to_dict()
    table = pq.read_table(tmp_path / "out" / "points.parquet").to_pandas()
    assert len(table) == result.points == 60
    np.testing.assert_array_equal(table["failed"], table["output"] < threshold)
    assert table["failed"].mean() == result.failed
    assert table.loc[table["in_corner"], "failed"].mean() == result.density
    assert "mostly where gross margin (world.gross_margin) is at most" in discovery_sentences(result)


@compiled_only
def test_a_policy_does_not_do_worse_than_its_equal() -> None:
    result = asked(threshold=None, alone=False, against=small("full_program").changed(name="twin"))
    assert (result.failed, result.told, result.unsure) == (0.0, "few", 0.0)
    assert discovery_sentences(result).startswith("Full_program earns less than twin in none of 60 cases.")
    assert (result.mean, result.low, result.high, result.gain.points) == (0.0, 0.0, 0.0, 0.0)
    assert not discovery_table(result).groups


@compiled_only
def test_a_gain_fails_below_a_threshold_in_points() -> None:
    result = asked(threshold=None, alone=False)
    assert (result.against, result.unit) == ("no_program", "points of sales")
    middle = asked(threshold=(result.low + result.high) / 2, alone=False)
    assert 0.0 < middle.failed < 1.0
    assert (middle.low, middle.high, middle.gain) == (result.low, result.high, result.gain)
    assert asked(threshold=result.high + 100.0, alone=False).failed == 1.0


@compiled_only
def test_where_lower_is_better_failing_is_above() -> None:
    result = asked(measure="quota_miss_rate", threshold=-1.0)
    assert result.failed == 1.0
    assert "years that miss the quota above -100.0 %" in discovery_sentences(result)
    assert asked(measure="quota_miss_rate", threshold=1.0).failed == 0.0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"threshold": None}, "`against`"),
        ({"threshold": math.nan}, "threshold must be a number"),
        ({"points": 49}, "points must be at least 50"),
        ({"measure": "rebuilds"}, "rebuilds_per_seven_years"),
        ({"parameters": ["world.turnovers"]}, "did you mean 'world.turnover'?"),
        ({"replications": 1}, "at least 2"),
        ({"jobs": 0}, "jobs"),
        ({"parameters": ["world.ceiling_base=0.1:0.9"]}, "the ranges do not go together"),
    ],
)
def test_bad_input_is_said_before_anything_is_played(
    changed: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "play_organizations", None)
    with pytest.raises(KamsimError, match=r".+") as error:
        asked(**changed)
    assert said in str(error.value)


def test_a_measure_that_never_exists_is_said() -> None:
    with pytest.raises(KamsimError, match="key_revenue_growth does not exist in any case"):
        discover(small("no_program"), alone=True, measure="key_revenue_growth", threshold=0.0, parameters=FEW[:1],
                 points=50, replications=2)  # fmt: skip


# ---------------------------------------------------------------- report


def planted(**changed: Any) -> Discovery:
    conditions = (
        Condition("world.turnover", "chance that a KAM leaves", "chance a quarter", "calibrated", 0.0481, math.inf),
        Condition("world.premium_mean", "extra growth: expected", "growth a year", "calibrated", -math.inf, 0.02),
    )
    ranges = tuple(
        Range(one.parameter, one.meaning, one.unit, one.kind, low, high)
        for one, low, high in zip(conditions, (0.02, 0.01), (0.065, 0.06), strict=True)
    )
    fields: dict[str, Any] = {
        "threshold": 0.0, "failed": 0.31, "unsure": 0.07, "told": "corner", "conditions": conditions, "density": 0.71,
        "coverage": 0.64, "mass": 0.28, "held_out": 0.69, "chance": 1e-9, "points": 1000,
    }  # fmt: skip
    if changed.get("measure", "total_profit") != "total_profit" or changed.get("against") == "":
        changed = {"gain": None} | changed
    return Discovery(**over_ranges(ranges=ranges) | fields | changed)


def test_the_sentence_says_where_how_often_and_how_much_of_it() -> None:
    said = discovery_sentences(planted())
    assert said.startswith(
        "full_program earns less than status_quo mostly where chance that a KAM leaves (world.turnover) is above "
        "0.0481 chance a quarter, and extra growth (world.premium_mean) is at most 0.02 growth a year: 71 % of such "
        "cases fail, against 31 % of all cases; they are 28 % of all cases and hold 64 % of all failures."
    )
    assert said.endswith("In 7 % of all cases 32 market scenarios are too few to be sure whether it fails.")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"told": "none", "conditions": ()}, "in 31 % of 1,000 cases, but no few conditions tell where"),
        ({"told": "few", "conditions": (), "failed": 0.004}, "in 0.4 % of 1,000 cases, too few to say where"),
        ({"told": "few", "conditions": (), "failed": 0.995}, "in 99.5 % of 1,000 cases, too many to say where"),
        ({"told": "few", "conditions": (), "failed": 1.0}, "in every one of 1,000 cases"),
        ({"density": 0.4}, "more often where"),
        (
            {"measure": "collaboration"},
            "full_program does worse than status_quo on collaboration for key accounts mostly",
        ),
        ({"measure": "quota_miss_rate", "threshold": 0.05}, "in years that miss the quota is above 5.0 % mostly"),
        ({"against": "", "threshold": 25.0}, "full_program has total profit below 25.00 mostly"),
        (
            {"threshold": 1.5},
            "the difference between full_program and status_quo in total profit is below 1.50 points of sale",
        ),
        ({"unsure": 0.0}, "enough to tell in every case"),
    ],
)
def test_every_outcome_has_its_sentence(changed: dict[str, Any], said: str) -> None:
    assert said in discovery_sentences(planted(**changed))


def drawn(result: Discovery) -> str:
    return text_of(discovery_table(result)).plain


def test_the_table_fits_80_columns() -> None:
    table = drawn(planted())
    assert max(map(len, table.splitlines())) <= 80
    assert "above 0.0481" in table
    assert "0.02 to 0.065" in table
    assert "1,000 cases (combinations of values) in the same 32 market" in table
    title = " ".join(drawn(planted(conditions=())).split())
    assert title.startswith(
        "Where it fails: total profit of full_program against status_quo, points of sales, 10 years from launch, "
        "undiscounted; ranges given"
    )
    assert "density" not in title
    band = Condition("tiers.strategic.promise", "service", "value of service", "calibrated", 0.251234, 0.351234)
    ranges = (Range("tiers.strategic.promise", "service", "value of service", "calibrated", 0.181234, 0.451234),)
    table = drawn(planted(conditions=(band,), ranges=ranges))
    assert max(map(len, table.splitlines())) <= 80
    assert "0.251 to 0.351" in table


# ---------------------------------------------------------------- command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    text = "[world]\naccounts = 24\n[timeline]\nwarmup_years = 1\nwindow_years = 2\n"
    (tmp_path / "mine.toml").write_text(f'extends = "performance_retiering"\n{text}')
    (tmp_path / "theirs.toml").write_text(f'extends = "status_quo"\n{text}')
    return tmp_path


@compiled_only
def test_the_command_says_where_and_keeps_a_folder(here: Path) -> None:
    arguments = ["discover", "mine.toml", "--against", "theirs.toml", "--points", "60", "-n", "2"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "earns less than theirs" in " ".join(result.stdout.split())
    (folder,) = (here / "results").iterdir()
    assert folder.name.startswith("discover-")
    assert {path.name for path in folder.iterdir()} == {"points.parquet", "discovery.json", "manifest.json"}
    again = json.loads(CliRunner().invoke(main, [*arguments, "--json", "--jobs", "1"]).stdout)
    assert Path(again["folder"]) == Path("results") / folder.name
    assert again["points"] == 60


@compiled_only
def test_without_more_it_is_held_against_no_program(here: Path) -> None:
    few = ["--points", "50", "-n", "2", "--parameter", "world.turnover", "--json", "--out", "out"]
    result = CliRunner().invoke(main, ["discover", "mine.toml", *few])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["against"] == "no_program"
    assert json.loads((here / "out" / "manifest.json").read_text())["against"] == "no_program"
    result = CliRunner().invoke(main, ["discover", "mine.toml", *few, "--threshold", "5"])
    assert result.exit_code == 2
    assert "already holds another run" in result.stderr


@compiled_only
def test_several_measures_are_asked_about_each_by_itself(here: Path) -> None:
    words = ["discover", "mine.toml", "--against", "theirs.toml", "--points", "50", "-n", "2", "--json"]
    words += ["--parameter", "world.turnover"]
    measures = ["total_profit", "collaboration"]
    both = CliRunner().invoke(main, [*words, *(f"--measure={name}" for name in measures), "--out", "both"])
    assert both.exit_code == 0, both.output
    told = json.loads(both.stdout)["measures"]
    assert [one["folder"] for one in told] == ["both/total_profit", "both/collaboration"]
    for one in told:
        alone = CliRunner().invoke(main, [*words, f"--measure={one['measure']}", "--out", one["measure"]])
        assert json.loads(alone.stdout) == {**one, "folder": one["measure"]}
        assert (here / one["folder"] / "discovery.json").read_bytes() == (
            here / one["measure"] / "discovery.json"
        ).read_bytes()
    wrong = CliRunner().invoke(main, [*words, "--measure=total_profit", "--measure=profits", "--out", "wrong"])
    assert wrong.exit_code == 2
    assert not (here / "wrong").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--measure", "profits"], "did you mean 'total_profit'?"),
        (["--parameter", "world.turnover=1"], "LOW:HIGH"),
        (["--points", "5"], "at least 50"),
        (["--threshold", "nan"], "threshold must be a number"),
        (["--against", "mine.toml"], "named 'mine'"),
        (["--alone"], "worse than another scenario (--against), or beyond a --threshold"),
    ],
)
def test_the_command_refuses_in_one_sentence(here: Path, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["discover", "mine.toml", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (here / "results").exists()


def test_defaults_of_command_and_library_agree() -> None:
    options = {option.name: option.default for option in main.commands["discover"].params}
    assert (options["points"], options["replications"]) == (SAMPLED, REPLICATIONS)
