"""The ledger is the only place of a number: every field of a scenario has one row, and pages and schema follow it."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result
from pydantic import BaseModel

from kamsim import KamsimError, Scenario, load_experiment, load_scenario, read_posterior
from kamsim.cli import main
from kamsim.evidence import posterior
from kamsim.evidence.adopt import merged
from kamsim.evidence.ledger import ANY_TIER, LEDGER, TERMS_OF_PROGRAM, Kind, Parameter, Section, number_text, parameter
from kamsim.evidence.published import OUTCOMES
from kamsim.report.evidence import KINDS, SECTIONS, counts_of, evidence_of, evidence_page
from kamsim.report.scenarios import scenario_schema, scenario_text
from kamsim.scenario import LEVERS, NAMED_TIERS, Population, Tier
from kamsim.studies.ranges import ranges_of

ROOT = Path(__file__).resolve().parents[1]
BY_ROW = {"argvalues": LEDGER, "ids": lambda row: f"{row.section}.{row.name}"}
HERE = [row for row in LEDGER if row.section in ("tiers", "population")]
GUARDED = {"concession": {"world": {"bargaining_most": 1.0}}}  # so that a guard on what is conceded does not speak


def kamsim(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def numbers(record: BaseModel, place: tuple[str, ...] = ()) -> dict[tuple[str, ...], float]:
    """Every number in a scenario by its place in a file; levers, which are choices, aside."""
    found: dict[tuple[str, ...], float] = {}
    for key in type(record).model_fields:
        value = getattr(record, key)
        if isinstance(value, BaseModel):
            found |= numbers(value, (*place, key))
        elif key == "ordered":
            for name, tier in value.items():
                found |= numbers(tier, (*place, name))
        elif isinstance(value, int | float) and not (place == ("policy",) and key in LEVERS):
            found[(*place, key)] = value
    return found


def place_of(row: Parameter) -> tuple[str, ...]:
    return (row.section, *row.name.split("."))


def of_any_tier(row: Parameter) -> bool:
    return row.name.startswith(f"{ANY_TIER}.")


# ---------------------------------------------------------------- the ledger and the scenario


def test_every_number_of_a_scenario_has_one_row_and_every_row_a_number() -> None:
    places = [place_of(row) for row in LEDGER]
    assert len(set(places)) == len(places)
    scenario = load_scenario("population").changed(tiers={"ordered": {ANY_TIER: {"seats": 1}}})
    # The seats of a tier of another name have to be given, so there is no number to be known.
    assert set(numbers(scenario)) - {("tiers", ANY_TIER, "seats")} == set(places)
    assert {key for key, field in Tier.model_fields.items() if field.is_required()} == {"seats"}


def test_what_a_scenario_does_not_say_is_what_the_ledger_says() -> None:
    tiers = {"key": {}, "strategic": {}, ANY_TIER: {"seats": 1}}
    scenario = Scenario().changed(tiers={"ordered": tiers}, population={})
    found = numbers(scenario)
    for row in LEDGER:
        assert found[place_of(row)] == row.default
        assert type(found[place_of(row)]) is type(row.default)


def test_the_default_scenarios_repeat_no_number_of_the_ledger() -> None:
    for name in ("status_quo", "population"):
        assert not any(character.isdigit() for character in (ROOT / "scenarios" / f"{name}.toml").read_text())
    tiers = load_scenario("status_quo").tiers
    assert list(tiers.ordered) == list(NAMED_TIERS) == ["key", "strategic"]
    assert load_scenario("population").population == Population()


def test_a_tier_says_what_it_says_and_takes_the_rest_from_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[tiers.key]\nseats = 7\n[tiers.gold]\nseats = 3\n")
    tiers = load_scenario(path).tiers.ordered
    promise, concession = (parameter("tiers", f"key.{term}").default for term in ("promise", "concession"))
    assert tiers["key"] == Tier(seats=7, attention=1.0, promise=promise, concession=concession)
    assert tiers["gold"] == Tier(seats=3, attention=1.0, promise=0.24, concession=0.0)


@pytest.mark.parametrize("row", **BY_ROW)
def test_every_row_is_whole(row: Parameter) -> None:
    assert all(text.strip() == text != "" for text in (row.name, row.unit, row.meaning, row.source))
    assert row.section in get_args(Section)
    assert row.kind in get_args(Kind)
    assert row.low <= row.default <= row.high
    assert row.default != {"low": row.low, "high": row.high, "": None}[row.excluded]
    for value in (row.default, row.low, row.high):
        assert float(number_text(value).replace(",", "")) == value


@pytest.mark.parametrize("row", **BY_ROW)
def test_a_calibrated_or_measured_value_names_where_and_a_published_one_its_source(row: Parameter) -> None:
    if row.kind in ("calibrated", "measured"):
        (page,) = [word.rstrip(".,;") for word in row.source.split() if word.startswith(("docs/", "experiments/"))]
        assert (ROOT / page).is_file()
    if row.kind == "published":
        assert any(word.isdigit() and len(word) == 4 for word in row.source.replace(",", " ").split())


@pytest.mark.parametrize("row", HERE, ids=lambda row: f"{row.section}.{row.name}")
def test_ranges_of_tiers_and_populations_hold_at_both_ends(row: Parameter) -> None:
    *tables, key = place_of(row)
    with_it = GUARDED.get(key, {})

    def said(value: float) -> Any:
        sections: dict[str, Any] = {key: value}
        if len(tables) > 1:
            sections = {"ordered": {tables[1]: {"seats": 1} | sections}}
        changed = Scenario().changed(**with_it, **{row.section: sections})
        return numbers(changed)[place_of(row)]

    for end, outward, name in ((row.low, -math.inf, "low"), (row.high, math.inf, "high")):
        whole = isinstance(row.default, int) or (key == "seats" and end > 0)
        inside = math.nextafter(end, -outward) if row.excluded == name else int(end) if whole else end
        beyond = (
            end if row.excluded == name else end + math.copysign(1, outward) if whole else math.nextafter(end, outward)
        )
        assert said(inside) == inside
        with pytest.raises(KamsimError, match=key):
            said(int(beyond) if whole else beyond)


FITTED = Path(posterior.__file__).with_name("fitted.toml")


def test_fitted_values_are_those_of_the_file_that_ships() -> None:
    tables = tomllib.loads(FITTED.read_text(encoding="utf-8"))
    values = {}
    for table in ("world", "rebuild"):
        values |= {(table, key): value for key, value in tables.pop(table).items()}
    for tier, terms in tables.pop("tiers").items():
        values |= {("tiers", f"{tier}.{term}"): value for term, value in terms.items()}
    assert tables == {}
    assert values == {(row.section, row.name): row.default for row in LEDGER if row.kind == "calibrated"}
    adopted = load_scenario(FITTED).changed(population={}).model_copy(update={"name": "population", "question": ""})
    assert adopted == load_scenario("population").model_copy(update={"question": ""})


def test_values_found_anew_take_the_place_of_those_that_ship_and_leave_all_others() -> None:
    shipped = "# found before\n\n[world]\norders = 40.0\nturnover = 0.02\n\n[tiers.key]\npromise = 0.17\n"
    found = (
        "# found now\n# model 12\n"
        'extends = "population"\nquestion = "What if?"\n[world]\nturnover = 0.03\n[tiers.strategic]\npromise = 0.25\n'
    )
    # Defaults that scenarios start from extend none and ask nothing.
    assert list(filter(None, merged(shipped, found).splitlines())) == [
        "# found now", "# model 12", "[world]", "orders = 40.0", "turnover = 0.03", "[rebuild]",
        "[tiers.key]", "promise = 0.17", "[tiers.strategic]", "promise = 0.25",
    ]  # fmt: skip


def test_adopting_a_calibration_copies_its_files(tmp_path: Path) -> None:
    package, calibration = tmp_path / "kamsim", tmp_path / "calibration"
    shutil.copytree(FITTED.parents[1], package, ignore=shutil.ignore_patterns("__pycache__"))
    calibration.mkdir()
    fitted = re.sub(r"(?m)^turnover = .*$", "turnover = 0.0212345678901234", FITTED.read_text(encoding="utf-8"))
    (calibration / "fitted.toml").write_text(fitted, encoding="utf-8")
    (calibration / "posterior.csv").write_text("world.turnover\n0.03\n")
    code = (
        "from kamsim import read_posterior; from kamsim.evidence.ledger import parameter; "
        "print(repr(parameter('world', 'turnover').default), read_posterior().values)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for words in (["-m", "kamsim.evidence.adopt", str(calibration)], ["-c", code]):
        run = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=True, env=environment
        )
    assert run.stdout.split() == ["0.0212345678901234", "((0.03,),)"]


# ---------------------------------------------------------------- what is made from it


def field_in_schema(row: Parameter) -> dict[str, Any]:
    schema = scenario_schema()
    field: dict[str, Any] = schema
    for key in place_of(row):
        field = field["additionalProperties"] if key == ANY_TIER and of_any_tier(row) else field["properties"][key]
        if "$ref" in field:
            field = schema["$defs"][field["$ref"].rsplit("/", 1)[1]]
    return field


@pytest.mark.parametrize("row", **BY_ROW)
def test_the_schema_says_what_the_ledger_says(row: Parameter) -> None:
    field = field_in_schema(row)
    # Seats are counted or a share; the range of the ledger is that of a count.
    bounds = field["anyOf"][0] if row.name.endswith(".seats") else field
    assert bounds["exclusiveMinimum" if row.excluded == "low" else "minimum"] == row.low
    assert bounds["exclusiveMaximum" if row.excluded == "high" else "maximum"] == row.high
    assert (field["default"], field["unit"], field["evidence"]) == (row.default, row.unit, row.kind)
    assert row.meaning in field["description"]
    assert row.source in field["description"]


def test_show_prints_meaning_range_and_unit_of_every_number() -> None:
    shown = scenario_text(load_scenario("population"))
    for row in LEDGER:
        if not of_any_tier(row):
            key = row.name.rpartition(".")[2]
            lines = [line for line in shown.splitlines() if line.startswith(f"{key} = ")]
            assert any(row.meaning in line and f"({row.unit})" in line for line in lines), row


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    assert page == evidence_page(), "write it anew: kamsim evidence --markdown > docs/evidence.md"


def test_the_page_has_every_parameter_figure_and_source() -> None:
    page = evidence_page()
    for row in LEDGER:
        assert f"| `{row.name}` | {number_text(row.default)} |" in page
        assert f". {row.source}\n" in page
    for figure in OUTCOMES:
        assert f"| `{figure.name}` | {number_text(figure.value)} | {figure.says} |" in page
    assert not [line for line in page.splitlines() if line.startswith("|") and line.count("|") not in (3, 5, 7)]


# ---------------------------------------------------------------- kamsim evidence


def test_evidence_prints_every_parameter_in_80_columns() -> None:
    result = kamsim("evidence")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in result.output
    first = f"{len(LEDGER)} parameters: " + ", ".join(f"{n} {kind}" for kind, n in counts_of(LEDGER).items())
    assert lines[0] == first
    for row in LEDGER:
        assert any(line.split()[:2] == [row.name, number_text(row.default)] and row.unit in line for line in lines)
    for section in SECTIONS:
        assert any(line.startswith(f"[{section}] ") for line in lines)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["assumed"], lambda row: row.kind == "assumed"),
        (["world"], lambda row: row.section == "world"),
        (["tiers", "calibrated"], lambda row: row.section == "tiers" and row.kind == "calibrated"),
        (["tiers", "population", "published"], lambda row: False),
        (["published", "calibrated"], lambda row: row.kind in ("published", "calibrated")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_evidence_by_kind_and_section(words: list[str], wanted: Any) -> None:
    rows = [row for row in LEDGER if wanted(row)]
    result = kamsim("evidence", *words)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{len(rows)} of {len(LEDGER)} parameters: ")
    assert list(evidence_of(words).table) == rows
    printed = {line.split()[0] for line in result.stdout.splitlines() if line and not line.startswith(("[", " "))}
    assert {row.name for row in LEDGER} & printed == {row.name for row in rows}


def test_a_named_parameter_is_printed_in_full() -> None:
    result = kamsim("evidence", "key.promise", "hour_cost")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    said = " ".join(result.stdout.split())
    for row in (row for row in LEDGER if row.name in ("key.promise", "hour_cost")):
        for text in (f"{row.name} in [{row.section}]", row.meaning, row.source, row.unit, row.kind):
            assert text in said
    both = kamsim("evidence", "rebuild", "hour_cost").stdout
    assert "reassigned" in both
    assert "hour_cost in [world]" in both


def test_no_parameter_is_named_as_a_kind_or_section() -> None:
    assert not {row.name for row in LEDGER} & {*KINDS, *SECTIONS}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["asumed"], "'asumed' is no kind, section or parameter; did you mean 'assumed'?"),
        (["wrld"], "did you mean 'world'?"),
        (["world", "trust_sped"], "did you mean 'trust_speed'?"),
        (["promise"], "did you mean 'key.promise'?"),
        (["zzz"], "choose from published, measured, calibrated, assumed, world, tiers"),
        (["--markdown", "world"], "leave out world"),
        (["--markdown", "--json"], "leave out --json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_evidence_does_not_know_is_refused_in_one_sentence(arguments: list[str], said: str) -> None:
    result = kamsim("evidence", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert said in line


def test_evidence_as_json() -> None:
    content = json.loads(kamsim("evidence", "--json").stdout)
    assert content["counts"] == counts_of(LEDGER)
    assert [Parameter(**row) for row in content["parameters"]] == list(LEDGER)
    one = json.loads(kamsim("evidence", "trust_speed", "--json").stdout)
    assert [row["name"] for row in one["parameters"]] == ["trust_speed"]


def test_evidence_as_markdown_is_the_page() -> None:
    assert kamsim("evidence", "--markdown").stdout == evidence_page()


# ---------------------------------------------------------------- one check, whoever reads


def named_in_files(row: Parameter) -> str:
    return f"{row.section}.{row.name.replace(ANY_TIER + '.', 'gold.')}"


def values_to_try(row: Parameter) -> list[float]:
    """Good, edge and bad values of a parameter, as a file or the command line may have them."""
    ends = [row.low, row.high, int(row.low), int(row.high)]
    beyond = [int(row.low) - 1, int(row.high) + 1, math.nextafter(row.low, -math.inf)]
    beyond.append(math.nextafter(row.high, math.inf))
    return [row.default, *ends, *beyond, 0, 1, 1.0, 0.5, 2.5, -1, 10**400, math.nan, math.inf, -math.inf]


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("readers")
    base = folder / "base.toml"
    base.write_text('extends = "status_quo"\n[tiers.gold]\nseats = 1\n')
    loaded = load_scenario(base)

    def scenario_file(name: str, value: float) -> None:
        table, _, key = name.rpartition(".")
        (folder / "one.toml").write_text(f'extends = "base"\n[{table}]\n{key} = {value}\n')
        load_scenario(folder / "one.toml")

    def experiment(name: str, value: float) -> None:
        levels = "levers" if name.partition(".")[0] in ("tiers", *TERMS_OF_PROGRAM) else "uncertainties"
        (folder / "e.toml").write_text(
            f'question = "q"\nbase = "base.toml"\n[design]\nkind = "full"\n[{levels}]\n"{name}" = [{value}, {value}]\n'
        )
        load_experiment(folder / "e.toml")

    def points(name: str, value: float) -> None:
        (folder / "p.csv").write_text(f"{name}\n{value}\n")
        (folder / "p.toml").write_text(
            'question = "q"\nbase = "base.toml"\n[design]\nkind = "points"\nfile = "p.csv"\n'
        )
        load_experiment(folder / "p.toml")

    def of_posterior(name: str, value: float) -> None:
        (folder / "posterior.csv").write_text(f"{name}\n{value}\n")
        read_posterior(folder / "posterior.csv")

    def low_end(name: str, value: float) -> None:
        ranges_of([loaded], [f"{name}={value}:1e300"])

    return {
        "scenario file": scenario_file, "experiment": experiment, "points": points, "posterior": of_posterior,
        "range": low_end,
    }  # fmt: skip


@pytest.mark.parametrize("row", **BY_ROW)
def test_all_readers_refuse_the_same_values_in_the_same_words(row: Parameter, readers: dict[str, Any]) -> None:
    name = named_in_files(row)
    for value in values_to_try(row):
        try:
            parsed = row.parse(value)
            assert parsed == value
            refusal = ""
        except KamsimError as error:
            refusal = str(error)
        for reader, read in readers.items():
            if row.section == "population" and reader in ("experiment", "points", "range"):
                continue
            if reader == "range" and not -1e300 < value < 1e300:
                continue  # refused before, for it is no lower end
            try:
                read(name, value)
                said = ""
            except KamsimError as error:
                said = str(error)
            if refusal:
                assert refusal in said, (reader, value, said)
            elif reader != "range":
                # Values may still not go together with others, or be there twice.
                assert f"must be {row.values}" not in said, (reader, value, said)
            else:
                assert f"must be {row.values}, not 1e+300" in said


def test_fractions_of_seats_are_refused_by_every_reader(readers: dict[str, Any]) -> None:
    for name, read in readers.items():
        with pytest.raises(KamsimError, match=r"or a share of accounts below 1, not 2\.5"):
            read("tiers.key.seats", 2.5)
        assert name
