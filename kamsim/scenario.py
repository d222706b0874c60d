"""A scenario: world, policy and timeline, read from a TOML file and validated; every key has a unit and a range.

Every number comes from the ledger (`kamsim.evidence.ledger`): its default, unit and range. Levers are declared here.
"""

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.fields import FieldInfo

from kamsim.books.content import content_hash
from kamsim.errors import KamsimError, nearest, on_one_line, shown
from kamsim.evidence.ledger import ANY_TIER, LEDGER, SECTIONS, End, Parameter, Section, parameter, range_text
from kamsim.evidence.ledger import section as rows_of
from kamsim.text import read_toml
from kamsim.types import Json

LEVERS = ("selection", "alignment", "boundaries", "retiering")
PRESETS: dict[str, dict[str, float]] = {
    "selection": {"spend": 0.0, "enterprise": 1.0},
    "alignment": {"sales_led": 0.0, "cross_functional": 1.0},
    "boundaries": {"unilateral": 0.0, "bilateral": 1.0},
    "retiering": {"static": 0.0, "performance": 1.0, "spend": 1.0},
}
LEVER_SAYS = {
    "selection": "selection of key accounts, by last year's spend or by growth potential (enterprise criteria)",
    "alignment": "organizational alignment, led by sales or by a standing cross-functional team",
    "boundaries": "partnership level (ambition), set by the supplier alone or agreed with each customer",
    "retiering": "review of key accounts, none (static), by account health (performance) or by spend",
}
STANDARD_TIER = "standard"
DEFAULT_SCENARIO = "status_quo"
MOST_CONCEDED = 0.9
BOOK = "book"
TABLES = (*SECTIONS, BOOK)  # of a scenario file: those of numbers, and the one that names a file

Content = dict[str, object]  # of a file, or of a section of it
Chain = list[tuple[str, Content]]  # files that extend each other


class Declared(BaseModel):
    """What every part of a scenario has in common: frozen, and no key that is not declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _not_a_boolean(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("must be a number")
    return value


def _number(row: Parameter, given: bool = False) -> Any:
    """Field of a number with the default, unit and range of its row; without the default where it has to be given."""
    whole = isinstance(row.default, int)
    low, high = (int(row.low), int(row.high)) if whole else (row.low, row.high)
    return Field(
        default=... if given else row.default,
        ge=None if row.excluded == "low" else low,
        gt=low if row.excluded == "low" else None,
        le=None if row.excluded == "high" else high,
        lt=high if row.excluded == "high" else None,
        description=row.meaning if given else description_of(row),
        json_schema_extra={"unit": row.unit} if given else {"unit": row.unit, "evidence": row.kind},
    )


def description_of(row: Parameter) -> str:
    """Meaning, unit, kind and source of a parameter, as the schema has them."""
    return f"{row.meaning}; {row.unit}; {row.kind}: {row.source}"


def _fields_of(section: Section) -> dict[str, Any]:
    kinds = {whole: Annotated[int if whole else float, BeforeValidator(_not_a_boolean)] for whole in (True, False)}
    return {row.name: (kinds[isinstance(row.default, int)], _number(row)) for row in rows_of(section)}


class WorldRules(Declared):
    """Checks of the world section that take more than one key."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.ceiling_base + self.ceiling_fit > 1:  # type: ignore[attr-defined]
            raise ValueError("ceiling_base + ceiling_fit must not be above 1")
        if self.patience_most < self.patience_least:  # type: ignore[attr-defined]
            raise ValueError("patience_most must not be below patience_least")
        seats = self.budgeted_seats  # type: ignore[attr-defined]
        if seats >= 1 and seats != int(seats):
            raise ValueError(f"budgeted_seats must be a whole number or a share below 1, not {seats}")
        return self


WorldSection: Any = create_model("WorldSection", __base__=WorldRules, **_fields_of("world"))
RebuildSection: Any = create_model("RebuildSection", __base__=Declared, **_fields_of("rebuild"))
QuotaSection: Any = create_model("QuotaSection", __base__=Declared, **_fields_of("quota"))
BudgetSection: Any = create_model("BudgetSection", __base__=Declared, **_fields_of("budget"))
ElevationSection: Any = create_model("ElevationSection", __base__=Declared, **_fields_of("elevation"))
CriteriaSection: Any = create_model("CriteriaSection", __base__=Declared, **_fields_of("criteria"))
TimelineSection: Any = create_model("TimelineSection", __base__=Declared, **_fields_of("timeline"))

Strength = Annotated[float, Field(ge=0, le=1)]
Retiering = dict[Literal["performance", "spend"], Strength]


def _lever_values(lever: str) -> str:
    """Say what a lever may be, for an error sentence."""
    presets = ", ".join(f"'{preset}'" for preset in PRESETS[lever])
    if lever == "retiering":
        return f"a strength from 0 to 1, a preset ({presets}) or a table such as {{ spend = 0.5 }}"
    return f"a strength from 0 to 1 or a preset ({presets})"


def _lever(lever: str) -> Any:
    presets = PRESETS[lever]

    def check(value: object) -> object:
        if isinstance(value, str) and value not in presets:
            raise ValueError(f"{shown(value)} is no preset; {nearest(value, presets)}")
        if isinstance(value, dict) and lever == "retiering":
            wrong = [key for key in value if key not in ("performance", "spend")]
            strengths = [isinstance(v, bool) or not isinstance(v, int | float) for v in value.values()]
            if wrong or len(value) != 1 or any(strengths):
                raise ValueError("a table here has one key, performance or spend, and a strength from 0 to 1")
        elif isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"must be {_lever_values(lever)}")
        return value

    kind: Any = Literal[tuple(presets)] | Strength
    if lever == "retiering":
        kind = kind | Retiering
    ends = " to ".join(list(presets)[:2])
    return Annotated[kind, BeforeValidator(check)], Field(
        default=next(iter(presets)),
        description=f"lever, {LEVER_SAYS.get(lever, lever)}; a preset, or a strength in [0, 1] from {ends}",
    )


PolicySection: Any = create_model(
    "PolicySection", __base__=Declared, **{lever: _lever(lever) for lever in LEVERS}, **_fields_of("policy")
)


def _named_tiers() -> dict[str, dict[str, Parameter]]:
    """Rows of the tiers that the ledger names, by tier and key."""
    named: dict[str, dict[str, Parameter]] = {}
    for row in rows_of("tiers"):
        tier, _, key = row.name.rpartition(".")
        if tier not in ("", ANY_TIER):
            named.setdefault(tier, {})[key] = row
    return named


def _with_named_defaults(tiers: object) -> object:
    """Let a tier that the ledger names take from there what it does not say."""
    if not isinstance(tiers, dict):
        return tiers
    defaults = {name: {key: row.default for key, row in rows.items()} for name, rows in NAMED_TIERS.items()}
    return {name: defaults.get(name, {}) | tier if isinstance(tier, dict) else tier for name, tier in tiers.items()}


def _seats(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
        raise ValueError("seats must be a whole number, or a share of accounts below 1")
    if value < 0:
        raise ValueError(f"seats must be at least 0, not {value}")
    # 1.0 could be one seat or a seat for every account.
    if value == 1 and isinstance(value, float):
        raise ValueError("seats must be a whole number, or a share of accounts below 1, not 1.0")
    if value > 1:
        if value != int(value):
            raise ValueError(f"seats must be a whole number, or a share of accounts below 1, not {value}")
        return int(value)
    return value


NAMED_TIERS = _named_tiers()
SEATS = NAMED_TIERS["key"]["seats"]


class Tier(Declared):
    """A tier of key accounts: its number of accounts, priority, service commitment and price concession."""

    # Only named tiers have seats in the ledger; their range is that of every tier.
    seats: Annotated[int | float, BeforeValidator(_seats)] = _number(SEATS, given=True)
    attention: float = _number(parameter("tiers", f"{ANY_TIER}.attention"))
    promise: float = _number(parameter("tiers", f"{ANY_TIER}.promise"))
    concession: float = _number(parameter("tiers", f"{ANY_TIER}.concession"))


class Tiers(Declared):
    """The ordered key tiers, lowest first, and what all other accounts may expect."""

    standard_promise: float = _number(parameter("tiers", "standard_promise"))
    seat_cap: int = _number(parameter("tiers", "seat_cap"))
    ordered: Annotated[dict[str, Tier], BeforeValidator(_with_named_defaults)] = Field(
        default_factory=dict, description="key tiers by name, lowest first"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.ordered:
            if not name.isprintable():
                raise ValueError(f"the name of a tier is one line of text, not {shown(name)}")
        if STANDARD_TIER in self.ordered:
            raise ValueError("standard is the name of all other accounts; choose another name for a key tier")
        shares = sum(tier.seats for tier in self.ordered.values() if not isinstance(tier.seats, int))
        if shares > 1:
            raise ValueError(f"seats of all tiers add up to {shares:g} of the accounts, more than all (1)")
        return self


class Population(Declared):
    """The mix of suppliers in a survey: how many do as the sources advise, lever by lever."""

    selection: float = _number(parameter("population", "selection"))
    alignment: float = _number(parameter("population", "alignment"))
    boundaries: float = _number(parameter("population", "boundaries"))
    retiering: float = _number(parameter("population", "retiering"))
    correlation: float = _number(parameter("population", "correlation"))


class BookSection(Declared):
    """The account book that a scenario is played on."""

    file: str = Field(strict=True, min_length=1, description="file of accounts; a path from the scenario's own folder")
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="what the file is to hold, as its SHA-256; left out, whatever it holds when the scenario is loaded",
    )
    fitted: bool = Field(
        default=False, strict=True, description="whether [world] holds the laws of this book, as `kamsim book fit` does"
    )


class Scenario(Declared):
    """A validated scenario; `load_scenario` reads one, ``Scenario()`` is the default with no key tiers."""

    name: str = ""
    question: str = Field(default="", description="the question that the scenario answers, in one line")
    world: WorldSection = Field(default_factory=WorldSection)
    tiers: Tiers = Field(default_factory=Tiers)
    policy: PolicySection = Field(default_factory=PolicySection)
    rebuild: RebuildSection = Field(default_factory=RebuildSection)
    quota: QuotaSection = Field(default_factory=QuotaSection)
    budget: BudgetSection = Field(default_factory=BudgetSection)
    elevation: ElevationSection = Field(default_factory=ElevationSection)
    criteria: CriteriaSection = Field(default_factory=CriteriaSection)
    timeline: TimelineSection = Field(default_factory=TimelineSection)
    population: Population | None = None
    book: BookSection | None = Field(
        default=None, description="account book that is played; left out, accounts are drawn as [world] has them"
    )
    fixed: tuple[str, ...] | None = Field(
        default=None, description="what was set for a run, on the command line: it stays, whatever is uncertain"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, tier in self.tiers.ordered.items():
            if tier.concession * self.world.bargaining_most > MOST_CONCEDED:
                raise ValueError(
                    f"concession in [tiers.{name}] times bargaining_most in [world] is "
                    f"{tier.concession * self.world.bargaining_most:g}, above {MOST_CONCEDED:g} of the list price"
                )
        if self.population is not None:
            for lever, strength in self.lever_strengths().items():
                if strength > 0:
                    raise ValueError(
                        f"{lever} in [policy] says nothing where [population] draws the levers of each supplier; "
                        f"set {lever} in [population], the part of suppliers that do as advised"
                    )
        return self

    def lever_strengths(self) -> dict[str, float]:
        """Strength of each lever in [0, 1].

        Returns
        -------
        dict
            By lever name; ``retiering`` whichever way it reads.
        """
        strengths = {}
        for lever in LEVERS:
            value = getattr(self.policy, lever)
            if isinstance(value, str):
                value = PRESETS[lever][value]
            elif isinstance(value, dict):
                value = next(iter(value.values()))
            strengths[lever] = float(value)
        return strengths

    def retiers_by_spend(self) -> bool:
        """Whether the re-tiering lever re-ranks by spend rather than reading health."""
        value = self.policy.retiering
        return value == "spend" or (isinstance(value, dict) and "spend" in value)

    def changed(self, **sections: object) -> "Scenario":
        """Copy with some keys changed, validated anew.

        Parameters
        ----------
        **sections
            Keys to change by section, ``world={"accounts": 40}``; for ``population`` also None.

        Returns
        -------
        Scenario
            The changed copy.

        Raises
        ------
        KamsimError
            Where a key or value is not valid.
        """
        merged = _merge(self.model_dump(exclude_none=True), sections)
        return _validated({key: value for key, value in merged.items() if value is not None}, [("", sections)])


def with_values(scenario: Scenario, values: Mapping[str, object]) -> Scenario:
    """Copy of a scenario with some parameters changed, by their names in a scenario file, validated anew.

    ``world.turnover``, ``tiers.key.promise``; an error where a name or value is not valid.
    """
    sections: Json = {}
    for name, value in values.items():
        section, *tables, key = name.split(".")
        place = sections.setdefault(section, {})
        if section == "tiers" and tables:
            place = place.setdefault("ordered", {})
        for table in tables:
            place = place.setdefault(table, {})
        place[key] = value
    return scenario.changed(**sections)


def numbers_of(tiers: Iterable[str]) -> dict[str, Parameter]:
    """Rows of all numbers that a scenario of some tiers has, by their names in a scenario file."""
    rows = {f"{row.section}.{row.name}": row for row in LEDGER if row.section != "tiers" or "." not in row.name}
    terms = {term: parameter("tiers", f"{ANY_TIER}.{term}") for term in Tier.model_fields if term != "seats"}
    return rows | {f"tiers.{tier}.{term}": row for tier in tiers for term, row in {"seats": SEATS, **terms}.items()}


def scenario_folder() -> Path:
    """Folder of the shipped scenarios: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / "scenarios"
    return inside if inside.is_dir() else package.parent / "scenarios"


def shipped_scenarios() -> list[str]:
    """Names of the shipped scenarios, the default first."""
    names = sorted(path.stem for path in scenario_folder().glob("*.toml"))
    return sorted(names, key=lambda name: name != DEFAULT_SCENARIO)


def load_scenario(source: str | os.PathLike[str]) -> Scenario:
    """Load a scenario by shipped name or file, with everything that it extends.

    Parameters
    ----------
    source : str or path
        Name of a shipped scenario (``status_quo``) or path of a TOML file.

    Returns
    -------
    Scenario
        Validated.

    Raises
    ------
    KamsimError
        One sentence naming the file, the key and the nearest valid choice.
    """
    chain = _chain(_find(os.fspath(source), None))
    merged: Content = {}
    for _, content in chain:
        merged = _merge(merged, content)
    merged["name"] = on_one_line(Path(chain[-1][0]).stem)
    merged.pop("extends", None)
    scenario = _validated(merged, chain)
    if scenario.book is None:
        return scenario
    named_in = next(file for file, content in reversed(chain) if BOOK in content)
    try:
        return with_book(scenario, scenario.book.file, scenario.book.sha256, fitted=scenario.book.fitted)
    except KamsimError as error:
        raise KamsimError(f"{named_in}: file in [{BOOK}]: {error}") from None


def with_book(
    scenario: Scenario, file: str | os.PathLike[str], sha256: str | None = None, *, fitted: bool = False
) -> Scenario:
    """Copy of a scenario that is played on an account book.

    Parameters
    ----------
    scenario : Scenario
        Whose accounts are drawn, or of another book.
    file : str or path
        Of accounts, as `kamsim.books.book.read_book` reads it.
    sha256 : str, optional
        What the file is to hold; by default whatever it holds now.
    fitted : bool
        Whether the scenario's world holds the laws of the book.

    Returns
    -------
    Scenario
        Which knows what the file held, so that it is never played on anything else.

    Raises
    ------
    KamsimError
        Where there is no such file, or it holds anything else.
    """
    found = content_hash(file)
    if sha256 not in (None, found):
        raise KamsimError(
            f"{os.fspath(file)}: has changed, for its content is not that of sha256; take sha256 out to play it as it "
            "is now"
        )
    book = BookSection(file=os.fspath(file), sha256=found, fitted=fitted)
    return scenario.model_copy(update={BOOK: book})


def _find(source: str, beside: Path | None) -> Path:
    """Path of a scenario named from the command line or by ``extends`` in a file of the folder ``beside``."""
    if not source:
        raise KamsimError("a scenario needs a name: one that ships with kamsim, or a .toml file")
    path = Path(source)
    looks_like_path = path.suffix == ".toml" or len(path.parts) > 1
    candidates = [path if beside is None else beside / path]
    if not looks_like_path:
        candidates = [scenario_folder() / f"{source}.toml"]
        if beside is not None:
            candidates.insert(0, beside / f"{source}.toml")
    for candidate in candidates:
        if os.path.isfile(candidate):
            return candidate
    if looks_like_path:
        raise KamsimError(
            f"{source}: there is no such scenario file; give a .toml file or a name that ships with kamsim"
        )
    if os.path.exists(path) and beside is None:
        raise KamsimError(f"{source}: a scenario file ends in .toml")
    raise KamsimError(f"{source}: there is no scenario of that name; {nearest(source, shipped_scenarios())}")


def _chain(path: Path) -> Chain:
    """Files from the root of ``extends`` to the scenario itself, each with its content."""
    chain: Chain = []
    seen: list[Path] = []
    while True:
        if path.resolve() in seen:
            names = " -> ".join(step.name for step in [*seen, path])
            raise KamsimError(f"{path}: extends goes round in a circle: {names}")
        seen.append(path.resolve())
        content = _read(path)
        chain.insert(0, (str(path), content))
        parent = content.get("extends")
        if parent is None:
            return chain
        if not isinstance(parent, str):
            raise KamsimError(f"{path}: extends must be the name of a scenario, not {shown(parent)}")
        try:
            path = _find(parent, path.parent)
        except KamsimError as error:
            raise KamsimError(f"{path}: extends: {error}") from None


def _read(path: Path) -> Content:
    content = read_toml(path, "a scenario")
    _check_keys(path, content)
    return _with_book_beside(path, _with_ordered_tiers(content))


def _check_keys(path: Path, content: Content) -> None:
    """Refuse unknown keys while it is still known which file holds them."""
    for key, value in content.items():
        if key not in ("extends", "question", *TABLES):
            raise KamsimError(f"{path}: unknown key '{key}'; {nearest(key, ['extends', 'question', *TABLES])}")
        if key not in TABLES:
            continue
        if not isinstance(value, dict):
            raise KamsimError(f"{path}: {key} must be a section, [{key}], not {shown(value)}")
        known = _keys_of(key)
        for name, inner in value.items():
            if key == "tiers" and isinstance(inner, dict):
                _check_tier(path, name, inner)
            elif name not in known:
                tail = _nearest_key(name, key)
                if key == "tiers" and not tail.startswith(("did", "it")):
                    tail = f"a tier is a table, [tiers.{name}], and the other keys are {', '.join(sorted(known))}"
                raise KamsimError(f"{path}: unknown key '{name}' in [{key}]; {tail}")
            else:
                _check_number(path, [key, name], inner)


def _check_tier(path: Path, tier: str, fields: Content) -> None:
    for field, value in fields.items():
        if field not in Tier.model_fields:
            tail = nearest(field, Tier.model_fields)
            raise KamsimError(f"{path}: unknown key '{field}' in [tiers.{tier}]; {tail}")
        _check_number(path, ["tiers", tier, field], value)


def _check_number(path: Path, place: list[str], value: object) -> None:
    """Refuse a number while it is still known which file holds it, and what pydantic would turn into one: "0.3"."""
    row = _row_of(place)
    if row is not None:
        try:
            row.parse(value)
        except KamsimError as error:
            raise KamsimError(f"{path}: {_named(place)} {error}") from None


def _nearest_key(name: str, section: str) -> str:
    """Say which key was meant, also where it belongs in another section."""
    elsewhere = [other for other in TABLES if other != section and name in _keys_of(other)]
    return f"it belongs in [{elsewhere[0]}]" if elsewhere else nearest(name, _keys_of(section))


def _keys_of(section: str) -> list[str]:
    optional: dict[str, type[BaseModel]] = {"population": Population, BOOK: BookSection}
    model = optional.get(section, Scenario.model_fields[section].annotation)
    assert model is not None
    return [key for key in model.model_fields if key != "ordered"]


def _with_ordered_tiers(content: Content) -> Content:
    """Move the tables of ``[tiers]`` together; in a file they stand directly below it."""
    tiers = content.get("tiers")
    if not isinstance(tiers, dict):
        return content
    ordered = {name: value for name, value in tiers.items() if isinstance(value, dict)}
    rest = {name: value for name, value in tiers.items() if not isinstance(value, dict)}
    return {**content, "tiers": {**rest, "ordered": ordered}}


def _with_book_beside(path: Path, content: Content) -> Content:
    """Name the file of a book as it is named from here; a scenario names it from its own folder."""
    book = content.get(BOOK)
    if not isinstance(book, dict) or not isinstance(book.get("file"), str) or not book["file"]:
        return content  # validation says what is wrong
    return {**content, BOOK: {**book, "file": str(path.parent / book["file"])}}


def _merge(base: Content, over: Content) -> Content:
    merged = dict(base)
    for key, value in over.items():
        # A lever given as a table replaces the lever, and a book the book; only sections and tiers merge.
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and key not in (*LEVERS, BOOK):
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def _validated(content: Content, chain: Chain) -> Scenario:
    try:
        return Scenario.model_validate(content)
    except ValidationError as error:
        raise KamsimError(_sentence(error, chain)) from None


def _sentence(error: ValidationError, chain: Chain) -> str:
    """First fault that pydantic found, as one sentence naming the file that says it."""
    # A lever is a union: where its own check has spoken, that sentence serves, not the one of each branch.
    first = min(error.errors(), key=lambda fault: fault["type"] != "value_error")
    place = [str(part) for part in first["loc"] if isinstance(part, str) and "[" not in part]
    place = [part for part in place if part not in ("ordered", "float", "int", "constrained-float")]
    if place[:1] == ["policy"]:
        place = place[:2]
    file = next((file for file, content in reversed(chain) if _says(content, place)), chain[-1][0])
    where = f"{file}: " if file else ""
    if first["type"] == "extra_forbidden":
        return f"{where}{_unknown(place)}"
    if not place:
        return where + first["msg"].removeprefix("Value error, ")
    return f"{where}{_named(place)}{_plain(first['type'], first['msg'], place, first.get('input'))}"


def _unknown(place: list[str]) -> str:
    *tables, key = place
    if not tables:
        return f"unknown key '{key}'; {nearest(key, ['question', *TABLES])}"
    known = list(Tier.model_fields) if len(tables) > 1 else _keys_of(tables[0])
    return f"unknown key '{key}' in [{'.'.join(tables)}]; {nearest(key, known)}"


def _named(place: list[str]) -> str:
    """How a sentence names a key: ``seats in [tiers.key]``."""
    if place and place[0] not in TABLES:
        return place[0]
    return f"{place[-1]} in [{'.'.join(place[:-1])}]" if len(place) > 1 else f"[{'.'.join(place)}]"


def _plain(kind: str, message: str, place: list[str], given: object) -> str:
    """Say what is wrong with a key and what it may be, to end a sentence that begins with its name."""
    message = message.removeprefix("Value error, ")
    values = _values(place)
    if kind == "missing":
        return f" must be given: {values}"
    # Checks of more than one key, and misspelt presets, say best themselves what is wrong.
    if kind == "value_error" and not (values and message.startswith(("must be", "seats must be"))):
        return f": {message}"
    values = values or message.removeprefix("Input should be ")
    return f" must be {values}, not {shown(given)}"


def _values(place: list[str]) -> str:
    """Say what the key of a scenario may be, with its range and unit; nothing for a whole section."""
    section, key = place[0] if place else "", place[-1] if len(place) > 1 else ""
    if section == "policy" and key in LEVERS:
        return _lever_values(key)
    if section == BOOK:
        return {"file": "the path of a file of accounts", "sha256": "64 hexadecimal digits"}.get(key, "")
    row = _row_of(place)
    if row is None:
        return "a line of text" if section in ("question", "name") else ""
    return row.values


def _row_of(place: list[str]) -> Parameter | None:
    """Row of the ledger for a key by its place in a scenario file."""
    section, key = place[0] if place else "", place[-1] if len(place) > 1 else ""
    if section == "tiers" and len(place) > 2:
        return SEATS if key == "seats" else parameter("tiers", f"{ANY_TIER}.{key}")
    return next((row for row in LEDGER if row.section == section and row.name == key), None)


def range_of(field: FieldInfo) -> str:
    """Range of a number as its section declares it: ``0 to 1``, ``above 0 to 10``; empty where there is none."""
    bounds = {
        name: getattr(rule, name) for rule in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(rule, name)
    }
    if len(bounds) < 2:
        return ""
    excluded: End = "low" if "gt" in bounds else "high" if "lt" in bounds else ""
    low, high = bounds["gt" if excluded == "low" else "ge"], bounds["lt" if excluded == "high" else "le"]
    return range_text(low, high, excluded)


def _says(content: Content, place: list[str]) -> bool:
    inner: object = content
    for part in place:
        if isinstance(inner, dict) and part not in inner and "ordered" in inner:
            inner = inner["ordered"]
        if not isinstance(inner, dict) or part not in inner:
            return False
        inner = inner[part]
    return True
