"""One quantity has one answer: every command that is asked for a gain tells the same, to the printed digit."""

import json
import re
from pathlib import Path
from typing import Any

import numba
import pytest
from click.testing import CliRunner

from kamsim.cli import main

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="thousands of runs take too long in plain Python")

NUMBER = r"[+-]?[\d.,]+"
VARIED = ["--parameter", "world.share_trust", "-n", "2", "--seed", "7"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    text = "[world]\naccounts = 24\n[timeline]\nwarmup_years = 1\nwindow_years = 2\n"
    for name in ("status_quo", "full_program"):
        (tmp_path / f"my_{name}.toml").write_text(f'extends = "{name}"\n{text}')
    (tmp_path / "sets.csv").write_text("world.share_trust,world.turnover\n0.3,0.02\n0.4,0.05\n0.5,0.03\n")
    return tmp_path


def said(*words: str) -> str:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def in_bridge(text: str) -> tuple[str, str]:
    """Points and money of total profit in the bridge of a comparison of one policy."""
    found = re.search(rf"Total profit ({NUMBER}) (?:\+-{NUMBER} )?(?:{NUMBER} to {NUMBER} )?({NUMBER}) ", text)
    assert found is not None, text
    return found[1], found[2]


def in_sentence(text: str) -> tuple[str, str]:
    """The same as told at the best fit."""
    found = re.search(rf"At the best fit \S+ against \S+: ({NUMBER}) points of sales, ({NUMBER}) in money", text)
    assert found is not None, text
    return found[1], found[2]


def gain_of(content: dict[str, Any], policy: str = "my_full_program") -> dict[str, Any]:
    """Gain at the best fit in the JSON of any of the commands."""
    rows = content["bridge"] if "bridge" in content else [content["gain"]]
    (total,) = (row for row in rows if (row["scenario"], row["term"]) == (policy, "total"))
    return {name: value for name, value in total.items() if not name.startswith("sets_")}


@pytest.mark.parametrize(
    ("against", "horizon"), [("no_program", []), ("my_status_quo", ["--years", "3", "--discount", "0.1"])]
)
def test_every_command_tells_the_same_gain_of_the_same_question(here: Path, against: str, horizon: list[str]) -> None:
    compared = ["compare", "my_full_program.toml", *horizon, "--seed", "7"]
    asked = ["my_full_program.toml", *VARIED, "--posterior", "sets.csv", *horizon]
    if against != "no_program":
        compared += [f"{against}.toml", "--reference", against]
        asked += ["--against", f"{against}.toml"]
    commands = {
        "compare": [*compared, "--sets", "2"],
        "compare at the best fit alone": [*compared, "--sets", "0"],
        "compare --uncertainty": [*compared, "--posterior", "sets.csv"],
        "sensitivity": ["sensitivity", *asked, "--points", "2"],
        "discover": ["discover", *asked, "--points", "50"],
    }
    gains = {name: gain_of(json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout))
             for name, words in commands.items()}  # fmt: skip
    assert gains["compare"]["points"] != 0.0
    assert all(gain == gains["compare"] for gain in gains.values())
    printed = {name: said(*words) for name, words in commands.items()}
    figures = {in_sentence(printed[name]) for name in ("sensitivity", "discover")}
    if against == "no_program":  # with another reference there are two bridges
        figures |= {in_bridge(text) for name, text in printed.items() if name.startswith("compare")}
    assert len(figures) == 1
    years = "4 years from launch, discounted 10 %" if horizon else "3 years from launch, undiscounted"
    assert all(years in text for text in printed.values())


def test_differences_in_other_measures_are_those_of_compare_too(here: Path) -> None:
    words = ["my_full_program.toml", *VARIED, "--against", "my_status_quo.toml", "--measure", "collaboration", "--json"]
    told = json.loads(CliRunner().invoke(main, ["sensitivity", *words, "--points", "2"]).stdout)
    compared = ["compare", "my_status_quo.toml", "my_full_program.toml", "--sets", "0", "--seed", "7", "--json"]
    rows = json.loads(CliRunner().invoke(main, compared).stdout)["measures"]
    (row,) = (row for row in rows if (row["measure"], row["scenario"]) == ("collaboration", "my_full_program"))
    same = ("difference", "low", "high", "mean", "against", "replications")
    assert [told["best_fit"][name] for name in same] == [row[name] for name in same]
    assert told["gain"] is None
