"""Scenarios as text: the resolved TOML of one, a template for a new one, and the JSON Schema that editors complete."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kamsim.errors import KamsimError, on_one_line
from kamsim.evidence.ledger import End, range_text, within
from kamsim.policy.policy import seats_of
from kamsim.scenario import (
    DEFAULT_SCENARIO,
    LEVERS,
    NAMED_TIERS,
    PRESETS,
    SEATS,
    STANDARD_TIER,
    TABLES,
    BookSection,
    Population,
    Scenario,
    description_of,
    load_scenario,
    range_of,
    shipped_scenarios,
)
from kamsim.types import Json
from kamsim.world.carried import carried_book

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
COMMENT_COLUMN = 36
SECTIONS_SAY = {
    "world": "the market and the supplier, which no program chooses",
    "tiers": "tiers of key accounts: how many accounts, and what these may expect",
    "policy": "the program: its four levers, and what they change",
    "rebuild": "when and how the program is redesigned",
    "quota": "how the quota on key accounts is set",
    "budget": "what the supplier is willing to invest",
    "elevation": "how accounts become key accounts: only as capacity allows, or after a trial",
    "criteria": "selection matrix: weights of several criteria, in place of the selection lever",
    "timeline": "years before the program, its first years, and years observed",
    "population": "survey mix of suppliers: the part of them that does as advised, lever by lever",
    "book": "your own accounts, in place of those that [world] draws",
}

WriteKey = Callable[[str, object, FieldInfo], str]


# ---------------------------------------------------------------- scenarios as TOML


def scenario_text(scenario: Scenario) -> str:
    """Write a scenario as TOML: every key with its value, meaning, range and unit.

    A scenario file that extends nothing and loads as the same scenario.
    """
    lines = [f"# {scenario.name}, with all values that it takes from other scenarios"] if scenario.name else []
    lines.append(f"question = {_value(scenario.question)}")
    if scenario.book is not None:  # found from whatever folder the text goes to, and whatever the book holds by then
        scenario = scenario.model_copy(update={"book": BookSection(file=os.path.abspath(scenario.book.file))})
    return "\n".join([*lines, *_sections(scenario, _written)]) + "\n"


def scenario_content(scenario: Scenario) -> Json:
    """Content of a scenario file, as JSON has it: tiers directly below ``tiers``, ``name`` first."""
    content = scenario.model_dump(mode="json", exclude_none=True)
    content["tiers"] |= content["tiers"].pop("ordered")
    return content


class Checked(NamedTuple):
    """What came of checking a scenario: an error, or notes."""

    file: str
    ok: bool
    error: str
    notes: list[str]


def check_scenario(source: str) -> Checked:
    """Check a scenario, by name or file, and that its seats fit its book."""
    try:
        scenario = load_scenario(source)
        book = carried_book(scenario)
        _, note = seats_of(scenario, scenario.world.accounts if book is None else len(book.account_id))
    except KamsimError as error:
        return Checked(source, False, str(error), [])
    return Checked(source, True, "", [*([] if book is None else book.notes), *([note] if note else [])])


def template_text(name: str) -> str:
    """Write a new scenario that extends the default; every other key is there, commented out, with its default.

    It loads as it is, and plays as the default does.
    """
    base = load_scenario(DEFAULT_SCENARIO).changed(
        population=Population().model_dump(), book={"file": "my_accounts.csv"}
    )
    lines = [
        f"# {name}: take the # off what should differ from {DEFAULT_SCENARIO}, and change it. Words: docs/glossary.md",
        f"# kamsim scenario check {name}.toml   says whether the file is valid",
        f"# kamsim compare {DEFAULT_SCENARIO} {name}.toml   says whether it does better",
        f"extends = {_value(DEFAULT_SCENARIO)}",
        'question = ""  # what the scenario is for, in one line',
    ]
    return "\n".join([*lines, *_sections(base, _commented)]) + "\n"


def new_scenario(target: str) -> Path:
    """Write the template of a new scenario, a name or a TOML file, to a file that does not exist yet.

    An error where the file exists, the name ships with kamsim, or the folder cannot be written.
    """
    path = Path(target if target.endswith(".toml") else f"{target}.toml")
    if path.stem in ("", ".toml"):
        raise KamsimError(f"'{target}': a scenario needs a name, such as my_program")
    if path.stem in shipped_scenarios():
        raise KamsimError(f"{path.stem}: a scenario of that name ships with kamsim; choose another name")
    text = template_text(on_one_line(path.stem))
    try:
        # "x" refuses a file that is there already, without a gap between looking and writing.
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise KamsimError(f"{path}: the file exists already; choose another name, or remove it first") from None
    except OSError as error:
        raise KamsimError(f"{path}: cannot be written: {_reason(error)}") from None
    return path


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _sections(scenario: Scenario, write: WriteKey) -> Iterator[str]:
    """Lines of every section, each key through ``write``."""
    for name in TABLES:
        section = getattr(scenario, name)
        if section is None:
            continue
        # A template must not turn its scenario into a population, nor name a book: there the header is a comment too.
        yield from _table(name, section, write, header=name not in ("population", "book") or write is _written)
        if name == "tiers":
            for tier, record in section.ordered.items():
                yield from _table(f"tiers.{_key(tier)}", record, write, header=True)


def _table(name: str, record: BaseModel, write: WriteKey, header: bool) -> Iterator[str]:
    yield ""
    says = f"  # {SECTIONS_SAY[name]}" if name in SECTIONS_SAY else ""
    yield f"[{name}]{says}" if header else f"# [{name}]{says}"
    for key, field in type(record).model_fields.items():
        if key != "ordered" and getattr(record, key) is not None:
            yield write(key, getattr(record, key), field)


def _written(key: str, value: object, field: FieldInfo) -> str:
    line = f"{key} = {_value(value)}"
    return f"{line:<{COMMENT_COLUMN}}  # {meaning(key, field)}"


def _commented(key: str, value: object, field: FieldInfo) -> str:
    return f"# {_written(key, value, field)}"


def meaning(key: str, field: FieldInfo) -> str:
    """Say in a line what a key means, in which unit and range: the comment that stands beside it."""
    what, unit = _what_and_unit(field)
    if key in PRESETS and what.startswith("lever"):
        return f"{what}: {', '.join(PRESETS[key])}, or a strength from 0 to 1"
    bounds = range_of(field)
    return what + (f"; {bounds}" if bounds else "") + (f" ({unit})" if unit else "")


def _what_and_unit(field: FieldInfo) -> tuple[str, str]:
    """Meaning and unit; how the value is known, which ledger rows go on with, would make a comment too long."""
    description, extra = field.description or "", field.json_schema_extra
    if isinstance(extra, dict):
        unit = str(extra["unit"])
        return description.partition(f"; {unit}; ")[0], unit
    what, _, unit = description.partition("; ")
    return what, unit


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, str):
        # JSON escapes more than TOML reads beyond the first plane, so only what TOML wants escaped is.
        return '"' + re.sub(r'[\x00-\x1f"\\\x7f]', lambda found: f"\\u{ord(found[0]):04x}", value) + '"'
    return repr(value)


# ---------------------------------------------------------------- JSON Schema


def scenario_schema() -> Json:
    """JSON Schema (draft 2020-12) of a scenario file, from the very models that validate it.

    Sections, levers as presets or strengths, tiers as tables below ``[tiers]``; ranges and units throughout.
    """
    schema = Scenario.model_json_schema()
    sections = schema["$defs"]
    properties = {name: schema["properties"][name] for name in schema["properties"] if name not in ("name", "fixed")}
    properties["population"] = {"$ref": "#/$defs/Population"}
    properties["book"] = {"$ref": "#/$defs/BookSection"}
    sha256 = sections["BookSection"]["properties"]["sha256"]
    sha256 |= {"type": "string"} | {
        key: value for kind in sha256.pop("anyOf") for key, value in kind.items() if key == "pattern"
    }
    del sha256["default"]
    properties["question"].pop("title")
    sections |= {_named(tier): _named_tier(tier, sections["Tier"]) for tier in NAMED_TIERS}
    for name, record in sections.items():
        _describe(name, record)
    sections["Tiers"] = _tiers_in_a_file(sections["Tiers"])
    for name in ("Tier", *map(_named, NAMED_TIERS)):
        sections[name] = _tier_in_a_file(sections[name])
    for lever in LEVERS:
        strength = {"type": "number", "minimum": 0, "maximum": 1}
        sections["PolicySection"]["properties"][lever]["anyOf"][1] = strength
    sections["PolicySection"]["properties"]["retiering"]["anyOf"][2] |= {"minProperties": 1, "maxProperties": 1}
    return {
        "$schema": SCHEMA_DIALECT,
        "title": "kamsim scenario",
        "description": "A key account program, and the market and supplier (world) that it is played in, for kamsim.",
        "type": "object",
        "additionalProperties": False,
        "properties": {"extends": _extends(), **properties},
        "$defs": sections,
    }


def _extends() -> Json:
    return {
        "type": "string",
        "description": "scenario that this one starts from: a file beside it, a path, or a name that ships with kamsim",
        "examples": shipped_scenarios(),
    }


def _describe(name: str, record: Json) -> None:
    """Drop titles that repeat the key, and let descriptions say the range, which editors do not show by themselves."""
    record.pop("title")
    if name.endswith("Section"):
        record.pop("description", None)  # there it is about the code
    for field in record["properties"].values():
        field.pop("title")
        low, high = (field.get(f"{end}imum", field.get(f"exclusive{end.title()}imum")) for end in ("min", "max"))
        if low is not None and high is not None:
            excluded: End = "low" if "exclusiveMinimum" in field else "high" if "exclusiveMaximum" in field else ""
            field["description"] += f"; {within(range_text(low, high, excluded))}"


def _tiers_in_a_file(tiers: Json) -> Json:
    """In a file the tables of tiers stand directly below ``[tiers]``, beside its own keys."""
    own = {name: field for name, field in tiers["properties"].items() if name != "ordered"}
    return {
        **tiers,
        "properties": own | {tier: {"$ref": f"#/$defs/{_named(tier)}"} for tier in NAMED_TIERS},
        "propertyNames": {"not": {"const": STANDARD_TIER}},
        "additionalProperties": {"$ref": "#/$defs/Tier"},
    }


def _named(tier: str) -> str:
    return f"{tier.title()}Tier"


def _named_tier(name: str, tier: Json) -> Json:
    """Schema of a tier that the ledger names: as any tier, with the defaults that it has there."""
    properties = {key: dict(field) for key, field in tier["properties"].items()}
    for key, row in NAMED_TIERS[name].items():
        properties[key] |= {"default": row.default, "description": description_of(row), "evidence": row.kind}
    return {**tier, "properties": properties}


def _tier_in_a_file(tier: Json) -> Json:
    """Require no key, for a file that extends another may give any one of a tier."""
    counted = {"type": "integer", "minimum": int(SEATS.low), "maximum": int(SEATS.high)}
    described = {key: value for key, value in tier["properties"]["seats"].items() if key not in ("ge", "le")}
    seats = {**described, "anyOf": [counted, {"type": "number", "minimum": 0, "maximum": 1}]}
    kept = {name: value for name, value in tier.items() if name != "required"}
    return {**kept, "properties": {**tier["properties"], "seats": seats}}
