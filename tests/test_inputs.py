"""What users give is refused in one sentence or read, whatever it holds; and what they named does no harm elsewhere."""

import csv
import io
import os
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fuzz import inputs
from hypothesis import given
from hypothesis import strategies as st

from kamsim import KamsimError, load_experiment, load_scenario, read_book, read_posterior
from kamsim.cli import main
from kamsim.errors import on_one_line, shown
from kamsim.text import MOST_NESTED, csv_text, neutral, read_toml

CASES = Path(__file__).parent / "cases"


def kamsim(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def refused(action: Any) -> str:
    with pytest.raises(KamsimError) as fault:
        action()
    sentence = str(fault.value)
    assert sentence.isprintable()
    return sentence


def scenario(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


# ---------------------------------------------------------------- values and names in a sentence


@pytest.mark.parametrize("name", ["huge_int_tier", "huge_int_population", "long_extends", "newline_preset"])
@pytest.mark.parametrize("command", [("scenario", "check"), ("compare", "-n", "2"), ("scenario", "show")])
def test_cases_that_once_failed_are_refused_in_one_sentence(name: str, command: tuple[str, ...]) -> None:
    result = kamsim(*command, str(CASES / f"{name}.toml"))
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.isprintable()
    expected = {"long_extends": "there is no such scenario file", "newline_preset": r"red\nError: no fault found"}
    assert expected.get(name, "must be a") in line


@pytest.mark.parametrize("digits", [309, 400, 4000, 5000, 100_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_whole_numbers_of_more_than_308_digits_are_out_of_range(tmp_path: Path, digits: int, sign: str) -> None:
    decimal, hexadecimal = sign + "1" * digits, "0x" + "f" * digits
    for number in (decimal, hexadecimal):
        for place in ("[world]\naccounts", "[world]\nturnover", "[tiers.key]\nseats", "[tiers]\nseat_cap",
                      "[population]\nselection", "[policy]\nselection", "[policy]\nretiering",
                      "[timeline]\nwindow_years"):  # fmt: skip
            path = scenario(tmp_path, f"{place} = {number}\n")
            assert str(path) in refused(lambda path=path: load_scenario(path))
        for factor in ("[uncertainties]\nworld.accounts", "[levers]\ntiers.key.seats", "[levers]\nselection"):
            for given_as in (f"[0, {number}]", f"{{ low = 0, high = {number} }}"):
                text = f'question = "q"\n[design]\nkind = "full"\n{factor} = {given_as}\n'
                path = scenario(tmp_path, text, "experiment")
                assert str(path) in refused(lambda path=path: load_experiment(path))
    (tmp_path / "points.csv").write_text(f"world.turnover,tiers.key.seats\n0.02,{decimal}\n")
    path = scenario(tmp_path, 'question = "q"\n[design]\nkind = "points"\nfile = "points.csv"\n', "points")
    assert "line 2" in refused(lambda: load_experiment(path))


@pytest.mark.parametrize("length", [252, 300, 5000])
def test_names_longer_than_the_file_system_takes_are_no_scenario(tmp_path: Path, length: int) -> None:
    for name in ("a" * length, "a" * length + ".toml", "b/" * length + "a.toml"):
        assert "there is no" in refused(lambda name=name: load_scenario(name))
        assert "there is no" in refused(lambda name=name: load_experiment(name))
        path = scenario(tmp_path, f'extends = "{name}"\n')
        assert "extends" in refused(lambda path=path: load_scenario(path))
        assert kamsim("compare", name).exit_code == 2


def test_file_names_that_are_not_utf_8_are_played_and_shown(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\x1b[31m.toml")
    Path(path).write_text('extends = "status_quo"\n[world]\naccounts = 20\n')
    result = kamsim("compare", "-n", "2", "-j", "1", path, "full_program", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert r"caf\udce9\x1b[31m" in (tmp_path / "out" / "comparison.csv").read_text(encoding="utf-8")
    Path(path).write_text("[world]\nacounts = 2\n")
    result = kamsim("scenario", "check", path)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0].isprintable()


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 100_000, "a" + ".a" * 100_000 + " = 1", "[" + "a." * 5000 + "b]\nc = 1", "a = {" * 100_000]
)
def test_toml_nested_100_000_deep_is_refused(tmp_path: Path, text: str) -> None:
    path = scenario(tmp_path, text)
    assert "nested too deep" in refused(lambda: load_scenario(path))
    assert "nested too deep" in refused(lambda: load_experiment(path))
    path.write_text("a" + ".a" * (MOST_NESTED - 1) + " = 1")
    assert read_toml(path, "a test")


@given(st.text() | st.integers(0, 10**400) | st.dictionaries(st.text(), st.text() | st.booleans()))
def test_a_value_is_shown_on_one_line_and_not_at_length(value: Any) -> None:
    assert shown(value).isprintable()
    assert len(shown(value)) <= 12 * 60  # an escape is up to ten letters


@given(st.text(st.characters()))
def test_a_sentence_is_one_line_whatever_it_quotes(text: str) -> None:
    assert str(KamsimError(text)).isprintable()
    if text.isprintable():
        assert on_one_line(text) == text


@pytest.mark.parametrize("many", [10**12, 10**20, 10**300])
@pytest.mark.parametrize(
    "command",
    [
        ("compare", "status_quo", "-j"),
        ("survey", "-j"),
        ("sweep", "four_levers", "-j"),
        ("discover", "full_program", "--threshold", "1", "--points"),
        ("sensitivity", "full_program", "--points"),
    ],
)
def test_more_than_any_machine_has_is_refused(command: tuple[str, ...], many: int) -> None:
    result = kamsim(*command, str(many))
    assert result.exit_code == 2
    assert "at most" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["no\udcfftext", "red\x1b[31m", "two\nlines"])
def test_what_is_written_may_have_any_name_and_is_told_on_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [
        ("compare", "status_quo", "-n", "2", "--out", name),
        ("run", "status_quo", "--figure", f"{name}.png", "--agents", f"{name}.parquet"),
        ("scenario", "new", name),
        ("scenario", "check", f"{name}.toml"),
        ("scenario", "schema", "--out", f"{name}.json"),
    ]
    for command in commands:
        result = kamsim(*command)
        assert result.exit_code == 0, result.output
        told = result.stdout.splitlines()
        assert all(line.isprintable() for line in told)
        assert any(on_one_line(name) in line for line in told)
    assert (tmp_path / name / "replications.parquet").stat().st_size > 0
    assert (tmp_path / f"{name}.parquet").stat().st_size > 0


# ---------------------------------------------------------------- formulas


@given(st.lists(st.lists(st.text("=+-@ a;,\"'\t\n\r", max_size=9) | st.floats(-1, 1), min_size=2, max_size=3)))
def test_no_cell_of_a_csv_file_begins_as_a_formula(rows: list[list[Any]]) -> None:
    text = csv_text(rows)
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in read] == [len(row) for row in rows]
    for cells, row in zip(read, rows, strict=True):
        for cell, value in zip(cells, row, strict=True):
            if isinstance(value, float):
                assert float(cell) == value
            else:
                assert cell.lstrip()[:1] not in tuple("=+-@")
                assert cell.replace("'", "") == on_one_line(value).replace("'", "")
    # Where semicolons part the fields, a quote within a field does not hold it together.
    for row in rows:
        for value in row:
            if isinstance(value, str):
                for part in neutral(value).replace(",", ";").split(";"):
                    assert part.lstrip()[:1] not in tuple("=+-@")


def test_a_scenario_file_named_as_a_formula_puts_none_into_any_csv(tmp_path: Path) -> None:
    name = "=cmd|calc!A1"
    path = scenario(tmp_path, 'extends = "status_quo"\n[world]\naccounts = 20\n', name)
    out = tmp_path / "compared"
    result = kamsim("compare", "-n", "2", "-j", "1", "status_quo", str(path), "--out", str(out))
    assert result.exit_code == 0, result.output
    experiment = tmp_path / "e.toml"
    experiment.write_text(
        f'question = "q"\npolicies = ["status_quo", "{path}"]\nreplications = 2\n[design]\nkind = "grid"\n'
        "[uncertainties]\nworld.turnover = [0.02, 0.03]\nworld.accounts = [20, 21]\n"
    )
    swept = tmp_path / "swept"
    result = kamsim("sweep", str(experiment), "-j", "1", "--out", str(swept))
    assert result.exit_code == 0, result.output
    tables = [*out.rglob("*.csv"), *swept.rglob("*.csv")]
    assert {table.name for table in tables} == {"bridge.csv", "comparison.csv", "summary.csv"}
    for table in tables:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert any(f"'{name}" in row.values() for row in rows)
        assert not any(str(cell).startswith("=") for row in rows for cell in row.values())


# ---------------------------------------------------------------- anything else

FUZZED = inputs(150)
SCRAPS = [
    "1" * 400, "-" + "9" * 5000, "0x" + "f" * 5000, "nan", "inf", "-inf", "1e999", "true", "1_000", "1.0", "2.5", "''",
    '"\\u001b[31m\\n"', "\x1b", "\0", "\r", "\n", "\ufeff", "\u2028", "\u202e", "=1+1", "a.b.c", ".", ",", ";", "\t",
    '"', "'", "[", "]", "[[", "{", "}", "{ spend = 1 }", "[1, 2]", "=", "#", "name" * 80, "../" * 90, "seats", "tiers",
    "policy", "[population]\n", "[tiers.standard]\n", '[tiers."\\u0007"]\nseats = 1\n', "1979-05-27", "00:00:00",
    "2012Q1", "NA", "extends", "0.3", "0.05", "0.5", "0", "1", "5", "", "1.234", "1,234", "01/02/2012", "1e400",
    "\udce9",
]  # fmt: skip
SCENARIO = (
    'extends = "status_quo"\nquestion = "What?"\n[world]\naccounts = 20\nturnover = 0.1\nbudgeted_seats = 0.1\n'
    '[tiers]\nseat_cap = 3\n[tiers.key]\nseats = 2\npromise = 0.2\n[policy]\nselection = "spend"\n'
    "retiering = { spend = 0.5 }\n[rebuild]\nfatigue = 0.1\n[timeline]\nwindow_years = 3\n"
)
EXPERIMENT = (
    'question = "q"\nbase = "status_quo"\nreplications = 3\nseed = 1\nmeasures = ["total_profit"]\n'
    'compare = "total_profit"\n[design]\nkind = "grid"\n[levers]\nselection = ["spend", 0.5]\n'
    "tiers.key.seats = [1, 2]\n"
    "[uncertainties]\nworld.turnover = { low = 0.1, high = 0.2, levels = 3 }\n"
)
READ_FROM = {
    "scenario": (SCENARIO, "mine.toml", load_scenario),
    "experiment": (EXPERIMENT, "mine.toml", load_experiment),
    "points": ("selection,world.turnover,tiers.key.seats\nspend,0.1,2\n0.5,0.2,0.25\n", "points.csv", None),
    "posterior": ("# model x\nworld.turnover,tiers.key.seats\n0.1,2\n0.2,0.5\n", "sets.csv", read_posterior),
    "quarters": ("account_id,quarter,spend\nA,2012Q1,5\nA,2012-Q2,-1\nB,2013 q1,7.5\n", "book.csv", read_book),
    "invoices": ("account_id;date;amount\nA;2012-01-31;5,5\nA;31/12/2012;-1\nB;2012-03-04;7\n", "book.csv", read_book),
    "accounts": ("account_id\tannual_spend\twallet\tshare\nA\t5\t9\t\nB\t1.234\t\t0.5\n", "book.csv", read_book),
}


def mangled(text: str, random: Random) -> bytes:
    """A text with parts put in, taken out or put elsewhere."""
    for _ in range(random.choice([1, 1, 1, 2, 4])):
        first = random.randrange(len(text) + 1)
        last = min(len(text), first + random.choice([0, 0, 1, 3, 12]))
        values = list(re.finditer(r"(?<=[=,;\t] )[^\n,;\t]+|(?<=[,;\t])[^\n,;\t]+", text))
        if values and random.random() < 0.6:
            first, last = random.choice(values).span()
        text = text[:first] + random.choice([*SCRAPS, text[: random.randrange(60)]]) + text[last:]
    return text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("name", READ_FROM)
def test_fuzzed_files_are_read_or_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    text, file, read = READ_FROM[name]
    experiment = tmp_path / "points.toml"
    experiment.write_text('question = "q"\n[design]\nkind = "points"\nfile = "points.csv"\n')
    path, refusals, random = tmp_path / file, 0, Random(name)
    for _ in range(FUZZED):
        content = mangled(text, random)
        path.write_bytes(content)
        sentence = ""
        try:
            (read or load_experiment)(path if read else experiment)
        except KamsimError as error:
            sentence = str(error)
        except Exception as error:
            pytest.fail(f"{content!r}: {error!r}")
        assert sentence.isprintable(), content
        refusals += sentence != ""
    # Most are refused, and not all: else the mangling would be none, or too coarse to get past the first check.
    assert 0 < refusals < FUZZED
