"""The command line: what it prints, what it writes, and one sentence for everything that a user can get wrong."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kamsim.cli import DEFAULT_COMPARISON, main
from kamsim.errors import KamsimError
from kamsim.evidence.readings import DEFAULT_READING, READINGS
from kamsim.measures.choice import GROUPS, USUAL, named
from kamsim.measures.outcomes import MEASURES
from kamsim.report.scenarios import scenario_content, scenario_schema, scenario_text
from kamsim.report.survey import growth_label
from kamsim.scenario import Scenario, load_scenario, shipped_scenarios
from kamsim.studies.compare import compare
from kamsim.studies.precision import checked_aim

SMALL = """
extends = "status_quo"
[world]
accounts = 24
[timeline]
warmup_years = 1
window_years = 3
"""
COMMANDS = [
    [],
    ["compare"],
    ["run"],
    ["survey"],
    ["evidence"],
    ["explain"],
    ["calibrate"],
    ["validate"],
    ["sensitivity"],
    ["discover"],
    ["scenario"],
    ["scenario", "list"],
    ["scenario", "show"],
    ["scenario", "check"],
    ["scenario", "new"],
    ["scenario", "schema"],
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with the width of an ordinary terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def small(here: Path) -> str:
    """A small organization, and beside it the same with all four levers."""
    (here / "small.toml").write_text(SMALL)
    levers = {"selection": "enterprise", "alignment": "cross_functional", "boundaries": 1.0, "retiering": "performance"}
    policy = "\n".join(f"{lever} = {value!r}" for lever, value in levers.items())
    (here / "better.toml").write_text(f'extends = "small"\n[policy]\n{policy}\n')
    return "small.toml"


def kamsim(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(folder: Path, arguments: list[str], *said: str) -> None:
    before = content_of(folder)
    result = kamsim(*arguments)
    assert result.exit_code == 2, (result.exit_code, result.output)
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    for part in said:
        assert part in lines[0]
    assert content_of(folder) == before
    assert not [path for path in folder.rglob("*") if path.name.startswith("results")]


# ---------------------------------------------------------------- help


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(command: list[str]) -> None:
    result = kamsim(*command, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert "kamsim " + " ".join(command) in result.output
    if command and command != ["scenario"]:
        assert "--json" in result.output


def test_help_loads_no_library() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from kamsim.cli import main\n"
        "for line in ([], ['compare'], ['run'], ['survey'], ['scenario', 'show']):\n"
        "    assert CliRunner().invoke(main, [*line, '--help']).exit_code == 0\n"
        "print(sorted({'numpy', 'numba', 'mesa', 'pandas', 'pydantic', 'matplotlib', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version() -> None:
    result = kamsim("--version")
    assert result.exit_code == 0
    assert "0." in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["comprae"], "Did you mean 'compare'?"),
        (["frobnicate"], f"Choose from {', '.join(sorted(main.commands))}."),
        (["scenario", "chek"], "Did you mean 'check'?"),
        (["compare", "--replicatoins", "3"], "--replications"),
        (["compare", "--seed", "one"], "one"),
        (["scenario", "check"], "FILE"),
    ],
)
def test_unknown_commands_and_options_name_the_nearest(arguments: list[str], said: str) -> None:
    result = kamsim(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


# ---------------------------------------------------------------- compare


def test_compare_prints_a_table_that_fits_80_columns_and_writes_a_folder(here: Path, small: str) -> None:
    result = kamsim("compare", small, "better.toml", "-n", "6", "--jobs", "1")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in result.output
    of_program = [measure for measure in named(USUAL) if measure.needs_program]
    for measure in of_program:
        assert any(line.startswith(measure.label) for line in lines)
    said = " ".join(result.stdout.split())
    assert said.count(" is better; small ") == len(of_program)
    assert "Note: the others are compared with no program (no_program: no key accounts)" in said
    assert "Does it pay? Total profit against no program (no_program: no key accounts), " in said
    assert " earns the most total profit in " in said
    (folder,) = (here / "results").iterdir()
    assert f"results{os.sep}{folder.name}" in result.stdout
    assert (folder / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in folder.iterdir()} >= {"comparison.csv", "manifest.json", "replications.parquet"}


def test_compare_and_run_show_the_measures_that_are_asked_for(here: Path, small: str) -> None:
    result = kamsim(
        "compare", small, "-n", "2", "--sets", "0", "--measures", "board,key_churn", "--measures", "program"
    )
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    said = " ".join(result.stdout.split())
    shown = {*GROUPS["board"], *GROUPS["program"], "key_churn"} - {"total_profit"}
    assert all((measure.label in said) == (measure.name in shown) for measure in MEASURES if measure.needs_program)
    alone = kamsim("run", small, "--measures", "customer")
    assert alone.exit_code == 0, alone.output
    assert all(measure.label in alone.stdout for measure in named(GROUPS["customer"]))


@pytest.mark.parametrize("command", ["compare", "run", "sweep"])
def test_an_unknown_measure_is_one_sentence_with_the_nearest(here: Path, small: str, command: str) -> None:
    what = {"compare": small, "run": small, "sweep": "four_levers"}[command]
    result = kamsim(command, what, "--measures", "custmer")
    assert result.exit_code == 2
    assert result.stderr == "Error: 'custmer' is no measure and no group of them; did you mean 'customer'?\n"


def test_compare_as_json(here: Path, small: str) -> None:
    result = kamsim("compare", small, "no_program", "-n", "2", "--out", "mine", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["scenarios"] == ["no_program", "small"]
    assert content["reference"] == "no_program"
    assert content["reference_in_words"] == "no program (no_program: no key accounts)"
    assert content["folder"] == "mine"
    assert len(content["measures"]) == 2 * len(MEASURES)
    wanted = {"measure", "scenario", "mean", "difference", "low", "high", "probability_best"}
    assert all(wanted <= set(row) for row in content["measures"])
    growth = next(row for row in content["measures"] if row["scenario"] == "no_program")
    assert growth["mean"] is None


def test_compare_says_what_was_done_to_an_account_book_before_the_table(here: Path, small: str) -> None:
    book = Path(__file__).resolve().parents[1] / "scenarios" / "example_book.csv"
    result = kamsim("compare", small, "better.toml", "-n", "2", "--accounts", str(book))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Note: ")
    assert result.stdout.index("Note: ") < result.stdout.index("Does it pay?")
    assert "thousands" in result.stdout or "millions" in result.stdout


def test_one_world_has_no_interval(here: Path, small: str) -> None:
    result = kamsim("compare", small, "better.toml", "-n", "1")
    assert result.exit_code == 0, result.output
    assert "nan" not in result.stdout.lower()


def test_a_single_scenario_is_held_against_no_program_and_best_at_nothing_that_it_alone_has(
    here: Path, small: str
) -> None:
    result = kamsim("compare", small, "-n", "2")
    assert result.exit_code == 0, result.output
    assert " earns the most total profit in " in result.stdout
    assert "Best elsewhere" not in result.stdout


def test_another_scenario_can_be_the_reference_by_its_name(here: Path, small: str) -> None:
    words = ("compare", small, "better.toml", "-n", "2", "--json", "--reference", "better")
    content = json.loads(kamsim(*words).stdout)
    assert content["scenarios"] == ["better", "no_program", "small"]
    assert content["reference"] == content["reference_in_words"] == "better"
    assert {row["against"] for row in content["measures"]} == {"better"}


def test_a_reference_that_is_not_compared_is_refused(here: Path, small: str) -> None:
    assert_refused(here, ["compare", small, "--reference", "smal"], "--reference 'smal'", "did you mean 'small'?")


def test_defaults_ship() -> None:
    assert set(DEFAULT_COMPARISON) <= set(shipped_scenarios())


def test_the_same_comparison_may_be_made_again_but_not_another_in_its_place(here: Path, small: str) -> None:
    first = kamsim("compare", small, "-n", "2", "--out", "mine")
    assert first.exit_code == 0, first.output
    before = content_of(here)
    assert kamsim("compare", small, "-n", "2", "--out", "mine").exit_code == 0
    assert content_of(here) == before
    assert_refused(here, ["compare", small, "-n", "3", "--out", "mine"], "mine", "another run")


def test_an_interrupt_is_one_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str) -> Scenario:
        raise KeyboardInterrupt

    monkeypatch.setattr("kamsim.scenario.load_scenario", interrupted)
    result = kamsim("scenario", "show", "status_quo")
    assert result.exit_code == 130
    assert result.stderr.strip().splitlines() == ["Error: interrupted; nothing was kept"]


def test_a_full_disk_is_one_line_and_no_user_error(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str) -> Scenario:
        raise OSError(28, "No space left on device", "results/mine")

    monkeypatch.setattr("kamsim.scenario.load_scenario", full)
    result = kamsim("scenario", "show", "status_quo")
    assert result.exit_code == 1
    assert result.stderr.strip() == "Error: results/mine: no space left on device"


# ---------------------------------------------------------------- run and survey


def test_run_prints_a_line_per_year_and_draws_it(here: Path, small: str) -> None:
    result = kamsim("run", small, "--seed", "3", "--agents", "agents.parquet")
    assert result.exit_code == 0, result.output
    years = json.loads(kamsim("run", small, "--seed", "3", "--json").stdout)["years"]
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line[:3].strip().isdigit() for line in lines) == 6
    assert (here / "results" / "run-small-3.png").read_bytes().startswith(b"\x89PNG")
    import pyarrow.parquet as pq

    agents = pq.read_table(here / "agents.parquet").to_pylist()
    accounts = [row for row in agents if row["kind"] == "account"]
    assert {row["kind"] for row in agents} == {"account", "kam", "function"}
    by_quarter = [{row["number"] for row in accounts if row["quarter"] == quarter} for quarter in range(1, 25)]
    assert len(accounts) == sum(map(len, by_quarter))
    for number in set.union(*by_quarter):
        there = [quarter for quarter, present in enumerate(by_quarter) if number in present]
        assert there == list(range(there[0], there[-1] + 1))  # who has left does not come back
    assert not set(range(24)) <= by_quarter[-1]
    assert len(set.union(*by_quarter)) > 24
    for year in years:
        of_year = [row for row in accounts if row["year"] == year["year"]]
        stayed = set.intersection(*by_quarter[4 * year["year"] - 4 : 4 * year["year"]])
        assert len(stayed) <= len({row["number"] for row in of_year}) <= year["customers"]
        spent = sum(row["spend"] for row in of_year)  # but for the last quarter of those that left
        assert spent <= year["revenue"] * (1 + 1e-12)
        if len(stayed) == year["customers"]:
            assert spent == pytest.approx(year["revenue"], rel=1e-12)
    key = [row for row in accounts if row["tier"] > 0]
    assert key
    assert all(row["kam"] is not None for row in key)


def test_run_tells_what_the_ensemble_plays(here: Path, small: str) -> None:
    run = json.loads(kamsim("run", small, "--seed", "5", "--json").stdout)
    compared = json.loads(kamsim("compare", small, "--seed", "5", "-n", "1", "--json").stdout)
    means = {row["measure"]: row["mean"] for row in compared["measures"]}
    window = [year for year in run["years"] if year["phase"] == "window"]
    program = [year["profit"] for year in run["years"] if year["phase"] != "history"]
    assert sum(program) == pytest.approx(means["total_profit"])
    assert sum(year["missed"] for year in window) / len(window) == pytest.approx(means["quota_miss_rate"])
    assert 7 * sum(year["rebuilt"] for year in window) / len(window) == pytest.approx(means["rebuilds_per_seven_years"])


def test_run_without_a_program(here: Path, small: str) -> None:
    (here / "nobody.toml").write_text('extends = "small"\n[tiers.key]\nseats = 0\n[tiers.strategic]\nseats = 0\n')
    result = kamsim("run", "nobody.toml", "--figure", "nobody.png")
    assert result.exit_code == 0, result.output
    assert "nan" not in result.stdout.lower()
    assert (here / "nobody.png").stat().st_size > 10_000


def test_survey_prints_figures_side_by_side(here: Path, small: str) -> None:
    result = kamsim("survey", small, "-n", "20")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    for word in ("published", "simulated", "inside", "58.0", "46.0", "0.49", "3.00"):
        assert word in result.stdout
    assert f"{growth_label(DEFAULT_READING)} (1)" in result.stdout
    assert [line[:16].rstrip() for line in result.stdout.splitlines() if " > " in line[:12]] == [
        f"{reading} *" if reading == DEFAULT_READING else str(reading) for reading in READINGS
    ]


def test_survey_in_another_reading(here: Path, small: str) -> None:
    result = kamsim("survey", small, "-n", "20", "--reading", "odds>20")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "Odds to grow > 20 % (1)" in result.stdout
    assert "odds > 20 % *" in result.stdout
    assert f"{DEFAULT_READING} *" not in result.stdout


def test_survey_as_json(here: Path, small: str) -> None:
    (here / "mixed.toml").write_text('extends = "small"\n[population]\n')
    content = json.loads(kamsim("survey", "mixed.toml", "-n", "20", "--json").stdout)
    names = ["quota_miss", "rebuilt_twice", "large_spend_growth_ratio", "collaboration_ratio"]
    assert [figure["name"] for figure in content["figures"]] == names
    assert all({"published", "simulated", "low", "high"} <= set(figure) for figure in content["figures"])


# ---------------------------------------------------------------- bad input

SCENARIOS: dict[str, tuple[str, list[str]]] = {
    "a misspelt key": ("[world]\naccuonts = 3", ["bad.toml", "[world]", "'accuonts'", "did you mean 'accounts'?"]),
    "a misspelt section": ("[wrld]\naccounts = 3", ["bad.toml", "'wrld'", "did you mean 'world'?"]),
    "a misspelt key of a tier": ("[tiers.key]\nseat = 3", ["bad.toml", "[tiers.key]", "did you mean 'seats'?"]),
    "a tier that is no table": ("[tiers]\ngold = 0.1", ["bad.toml", "'gold'", "[tiers.gold]"]),
    "a wrong type": ('[world]\naccounts = "many"', ["accounts in [world]", "from 2 to 100,000", "'many'"]),
    "a boolean": ("[world]\nwallet_sigma = true", ["wallet_sigma in [world]", "from 0 to 3", "not true"]),
    "a fraction": ("[world]\naccounts = 3.5", ["accounts in [world]", "a whole number", "not 3.5"]),
    "out of range": ("[world]\nwallet_sigma = -1", ["wallet_sigma in [world]", "from 0 to 3", "not -1"]),
    "NaN": ("[world]\nwallet_sigma = nan", ["wallet_sigma in [world]", "from 0 to 3", "not nan"]),
    "infinity": ("[world]\nwallet_sigma = inf", ["wallet_sigma in [world]", "not inf"]),
    "an unknown preset": (
        '[policy]\nselection = "enterprize"',
        ["selection in [policy]", "did you mean 'enterprise'?"],
    ),
    "a lever out of range": (
        "[policy]\nselection = 2",
        ["selection in [policy]", "from 0 to 1", "'spend', 'enterprise'"],
    ),
    "a lever that is NaN": ("[policy]\nretiering = nan", ["retiering in [policy]", "from 0 to 1", "not nan"]),
    "a lever as a table": ("[policy]\nretiering = { spend = 3 }", ["retiering in [policy]", "from 0 to 1"]),
    "two ways to re-tier": (
        "[policy]\nretiering = { spend = 0, performance = 1 }",
        ["retiering in [policy]", "one key"],
    ),
    "negative seats": ("[tiers.key]\nseats = -1", ["seats in [tiers.key]", "a share of accounts below 1", "not -1"]),
    "infinite seats": ("[tiers.key]\nseats = inf", ["seats in [tiers.key]", "not inf"]),
    "a promise out of range": ("[tiers.key]\npromise = 9", ["promise in [tiers.key]", "from 0 to 2", "not 9"]),
    "a promise as text": ('[tiers.key]\npromise = "0.3"', ["promise in [tiers.key]", "from 0 to 2", "'0.3'"]),
    "no attention": ("[tiers.key]\nattention = 0", ["attention in [tiers.key]", "above 0 to 10"]),
    "a tier without seats": ("[tiers.gold]\nattention = 2", ["seats in [tiers.gold]", "must be given"]),
    "the standard tier": ("[tiers.standard]\nseats = 2", ["[tiers]", "standard"]),
    "a share of a population": ("[population]\nselection = 1.2", ["selection in [population]", "from 0 to 1"]),
    "a section that is a number": ("rebuild = 3", ["rebuild", "a section", "not 3"]),
    "a question that is a number": ("question = 3", ["question", "a line of text"]),
    "two keys at odds": ("[world]\npatience_most = 1", ["[world]", "patience_most", "patience_least"]),
    "seats beyond accounts": ("[tiers.key]\nseats = 900", ["bad", "905", "150 accounts"]),
    "seats that add up beyond accounts": ("[tiers.key]\nseats = 0.99", ["[tiers]", "1.02"]),
    "no TOML": ("[world", ["bad.toml", "not valid TOML", "line 2"]),
}


@pytest.mark.parametrize("what", SCENARIOS)
def test_a_bad_scenario_is_refused_in_one_sentence(here: Path, what: str) -> None:
    text, said = SCENARIOS[what]
    (here / "bad.toml").write_text(f'extends = "status_quo"\n{text}\n')
    assert_refused(here, ["compare", "bad.toml", "-n", "2"], *said)
    assert_refused(here, ["scenario", "check", "bad.toml"], *said)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"bad": 'extends = "bad"'}, ["bad.toml", "circle", "bad.toml -> bad.toml"]),
        ({"bad": 'extends = "other"', "other": 'extends = "bad"'}, ["bad.toml -> other.toml -> bad.toml"]),
        ({"bad": 'extends = "status_qou"'}, ["bad.toml", "extends", "did you mean 'status_quo'?"]),
        ({"bad": "extends = 3"}, ["bad.toml", "extends", "not 3"]),
        ({"bad": 'extends = "other"', "other": "[world]\naccounts = 1"}, ["other.toml", "accounts in [world]"]),
    ],
)
def test_what_a_scenario_extends(here: Path, files: dict[str, str], said: list[str]) -> None:
    for name, text in files.items():
        (here / f"{name}.toml").write_text(text)
    assert_refused(here, ["run", "bad.toml"], *said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "status_qou"], ["status_qou", "did you mean 'status_quo'?"]),
        (["run", "nobody"], ["nobody", "choose from"]),
        (["survey", "nowhere.toml"], ["nowhere.toml", "no such scenario file"]),
        (["scenario", "show", "full_progam"], ["did you mean 'full_program'?"]),
        (["scenario", "new", "status_quo"], ["status_quo", "ships with kamsim"]),
        (["scenario", "new", "nowhere/mine"], ["nowhere", "cannot be written"]),
        (["scenario", "schema", "--out", "nowhere/schema.json"], ["nowhere", "there is no folder"]),
        (["compare", "--seed", "-1"], ["seed", "0 to 2**64 - 1", "-1"]),
        (["compare", "--seed", str(2**64)], ["seed", str(2**64)]),
        (["run", "status_quo", "--seed", "-1"], ["seed", "0 to 2**64 - 1"]),
        (["compare", "-n", "0"], ["replications", "not 0"]),
        (["compare", "--jobs", "0"], ["jobs", "not 0"]),
        (["survey", "-n", "0"], ["organizations", "not 0"]),
        (["survey", "--reading", "chances > 25 %"], ["'chances > 25 %'", "did you mean 'chances > 20 %'?"]),
        (["compare", "status_quo", "status_quo"], ["'status_quo'"]),
        (["compare", "--accounts", "nowhere.csv"], ["nowhere.csv", "no such file"]),
        (["compare", "--out", "taken", "-n", "2"], ["taken", "choose another --out"]),
        (["compare", "--out", "file", "-n", "2"], ["file", "choose another --out"]),
        (["run", "status_quo", "--agents", "book.csv"], ["book.csv", ".parquet"]),
        (["run", "status_quo", "--agents", "nowhere/a.parquet"], ["nowhere"]),
        (["run", "status_quo", "--figure", "nowhere/a.png"], ["nowhere"]),
    ],
    ids=lambda value: " ".join(value)[:60],
)
def test_bad_arguments_are_refused_in_one_sentence(here: Path, arguments: list[str], said: list[str]) -> None:
    (here / "taken").mkdir()
    (here / "taken" / "thesis.txt").write_text("the only copy")
    (here / "file").write_text("the only copy")
    (here / "book.csv").write_text("the only copy")
    assert_refused(here, arguments, *said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("account_id,quarter,spend\n", "no row"),
        ("account_id,quarter\nA,2020Q1\n", "spend"),
        ("account_id,quarter,spend\nA,2020Q1,lots\n", "line 2"),
        ("account_id,annual_spend\nA,-5\n", "line 2"),
        ("account_id,annual_spend\nA,5\nB,6\nC,7\n", "3 accounts"),
    ],
)
def test_a_bad_account_book_is_refused_in_one_sentence(here: Path, text: str, said: str) -> None:
    (here / "book.csv").write_text(text)
    (here / "four.toml").write_text('extends = "status_quo"\n[tiers.key]\nseats = 4\n')
    assert_refused(here, ["compare", "four.toml", "--accounts", "book.csv", "-n", "2"], said)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(here: Path) -> None:
    (here / "locked").mkdir(mode=0o500)
    assert_refused(here, ["compare", "-n", "2", "--out", "locked/mine"], "locked/mine", "cannot be written")


def test_a_process_ends_without_traceback(here: Path) -> None:
    def ended(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", "from kamsim.cli import main; main()", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    refused = ended("scenario", "show", "status_qou")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert ended("scenario", "list").returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="pipes of a POSIX shell")
def test_a_reader_that_leaves_is_no_error(here: Path) -> None:
    command = f"'{sys.executable}' -c 'from kamsim.cli import main; main()' scenario show status_quo | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


# ---------------------------------------------------------------- scenarios as files


def test_list_shows_every_scenario_and_its_question(here: Path) -> None:
    listed = kamsim("scenario", "list").stdout
    content = json.loads(kamsim("scenario", "list", "--json").stdout)
    assert [row["name"] for row in content] == shipped_scenarios()
    for row in content:
        assert row["name"] in listed
        assert row["question"] in listed


@pytest.mark.parametrize("name", shipped_scenarios())
def test_what_show_prints_is_the_same_scenario(here: Path, name: str) -> None:
    (here / "shown.toml").write_text(kamsim("scenario", "show", name).stdout, encoding="utf-8")
    assert kamsim("scenario", "check", "shown.toml").stdout == "shown.toml: ok\n"
    shown = load_scenario("shown.toml").model_dump(exclude={"name"})
    assert shown == load_scenario(name).model_dump(exclude={"name"})
    assert json.loads(kamsim("scenario", "show", name, "--json").stdout)["name"] == name


def test_show_writes_whatever_a_scenario_may_hold() -> None:
    odd = load_scenario("status_quo").changed(
        question='a "quoted" \\ question\nof two lines, in Köln \U0001f600\x7f',
        policy={"retiering": {"spend": 0.25}},
        tiers={"ordered": {"très grand": {"seats": 3}, "a.b": {"seats": 0.01}}},
        world={"median_wallet": 1e-9},
    )
    content = tomllib.loads(scenario_text(odd))
    assert content["question"] == odd.question
    assert content["policy"]["retiering"] == {"spend": 0.25}
    assert list(content["tiers"]) == ["standard_promise", "seat_cap", "key", "strategic", "très grand", "a.b"]
    assert content["world"]["median_wallet"] == 1e-9


def test_every_key_shown_has_a_meaning_and_numbers_a_range() -> None:
    for line in kamsim("scenario", "show", "population").stdout.splitlines():
        if "=" in line.partition("#")[0] and not line.startswith("question"):
            comment = line.partition("  # ")[2]
            assert comment
            assert " to " in comment or "seats" in comment or "lever" in comment


def test_a_new_scenario_is_valid_and_plays_as_the_default(here: Path) -> None:
    assert kamsim("scenario", "new", "mine").exit_code == 0
    assert kamsim("scenario", "check", "mine.toml").exit_code == 0
    unlike = {"name", "question"}
    assert load_scenario("mine.toml").model_dump(exclude=unlike) == load_scenario("status_quo").model_dump(
        exclude=unlike
    )
    assert_refused(here, ["scenario", "new", "mine"], "mine.toml", "exists")
    every = "\n".join(line.removeprefix("# ") for line in (here / "mine.toml").read_text().splitlines()[3:])
    (here / "every.toml").write_text(every)
    (here / "my_accounts.csv").write_text("account_id,annual_spend\nA,10\nB,20\n")
    assert load_scenario("every.toml").population is not None


def test_check_goes_on_after_a_fault(here: Path) -> None:
    (here / "good.toml").write_text(SMALL)
    (here / "bad.toml").write_text("[world]\naccounts = 1\n")
    result = kamsim("scenario", "check", "bad.toml", "good.toml")
    assert result.exit_code == 2
    assert result.stdout == "good.toml: ok\n"
    assert "bad.toml" in result.stderr
    content = json.loads(kamsim("scenario", "check", "bad.toml", "good.toml", "--json").stdout)
    assert [row["ok"] for row in content] == [False, True]
    assert "accounts in [world]" in content[0]["error"]


# ---------------------------------------------------------------- JSON Schema


def faults(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> list[str]:
    """The keywords that the schema of scenarios uses, and no others."""
    if "$ref" in schema:
        return faults(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, root)
    found = []
    if "anyOf" in schema and all(faults(option, value, root) for option in schema["anyOf"]):
        found.append(f"{value!r} is none of {schema['anyOf']}")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    of_type = {
        "string": isinstance(value, str),
        "number": is_number,
        "integer": is_number and value == int(value),
        "object": isinstance(value, dict),
    }
    if "type" in schema and not of_type[schema["type"]]:
        return [*found, f"{value!r} is no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{value!r} is not in {schema['enum']}")
    if is_number:
        inside = (
            schema.get("minimum", value) <= value <= schema.get("maximum", value)
            and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
            and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        )
        found += [] if inside else [f"{value!r} is out of range"]
    if isinstance(value, dict):
        others = schema.get("additionalProperties", True)
        for key, inner in value.items():
            if schema.get("propertyNames", {}).get("not", {}).get("const") == key:
                found.append(f"{key} is not allowed")
            if key in schema.get("properties", {}):
                found += faults(schema["properties"][key], inner, root)
            elif others is False:
                found.append(f"{key} is unknown")
            elif isinstance(others, dict):
                found += faults(others, inner, root)
    return found


@pytest.mark.parametrize("name", shipped_scenarios())
def test_the_schema_accepts_shipped_scenarios(name: str) -> None:
    schema = scenario_schema()
    folder = Path(__file__).resolve().parents[1] / "scenarios"
    assert faults(schema, tomllib.loads((folder / f"{name}.toml").read_text()), schema) == []
    assert faults(schema, tomllib.loads(scenario_text(load_scenario(name))), schema) == []


@pytest.mark.parametrize(
    "text",
    [
        "[world]\naccuonts = 3",
        "[world]\naccounts = 1",
        "[wrld]",
        'name = "x"',
        '[policy]\nselection = "enterprize"',
        "[policy]\nselection = 1.5",
        "[tiers]\ngold = 0.1",
        "[tiers.gold]\nseats = -1",
        "[tiers.gold]\nseats = 1.5",
        "[tiers.standard]\nseats = 1",
        "[tiers.ordered.key]\nseats = 1",
    ],
)
def test_the_schema_refuses_what_kamsim_refuses(here: Path, text: str) -> None:
    schema = scenario_schema()
    assert faults(schema, tomllib.loads(text), schema)
    (here / "bad.toml").write_text(text)
    assert kamsim("scenario", "check", "bad.toml").exit_code == 2


def test_the_schema_explains_itself(here: Path) -> None:
    assert kamsim("scenario", "schema", "--out", "schema.json").exit_code == 0
    schema = json.loads((here / "schema.json").read_text())
    assert schema == json.loads(kamsim("scenario", "schema").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == {"extends", *Scenario.model_fields} - {"name", "fixed"}
    wallet = schema["$defs"]["WorldSection"]["properties"]["wallet_sigma"]
    assert "from 0 to 3" in wallet["description"]
    assert wallet["unit"] == "log"
    assert set(scenario_content(load_scenario("status_quo"))["tiers"]) >= {"key", "strategic"}


# ---------------------------------------------------------------- arguments and options


def test_the_library_speaks_of_arguments_and_the_command_line_of_options(here: Path, small: str) -> None:
    (here / "taken").mkdir()
    (here / "taken" / "thesis.txt").write_text("the only copy")
    with pytest.raises(KamsimError, match=r"taken: .*; choose another `out`$"):
        compare([load_scenario(small)], replications=1, out="taken")
    assert_refused(here, ["compare", small, "-n", "1", "--out", "taken"], "taken: ", "; choose another --out")
    assert_refused(here, ["sweep", "four_levers", "--precision", "7"], "--precision must be", "not 7")
    with pytest.raises(KamsimError, match="`precision` must be"):
        checked_aim("total_profit", 7.0, None, 100)


def test_no_sentence_below_the_command_line_names_an_option() -> None:
    code = Path(__file__).resolve().parents[1] / "kamsim"
    for path in sorted(code.rglob("*.py")):
        if not {"cli", "report"} & set(path.relative_to(code).parts) and path.name != "adopt.py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not re.search(r"(?<![\w-])--[a-z]", node.value), (path.name, node.lineno, node.value)
