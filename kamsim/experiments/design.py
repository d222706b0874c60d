"""An experiment: a file that says what is varied, and the points that its design chooses.

Levers, which a program chooses, and uncertainties, which nobody does, are kept apart. Points are numbered from 0.
"""

import csv
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, overload

import numpy as np
from pydantic import ConfigDict, Field, ValidationError

from kamsim.errors import KamsimError, nearest, shown
from kamsim.evidence.ledger import ANY_TIER, LEDGER, Parameter, number_of, parameter
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import (
    DEFAULT_SCENARIO,
    LEVERS,
    PRESETS,
    SEATS,
    Record,
    Scenario,
    Tier,
    load_scenario,
)
from kamsim.text import read_text, read_toml
from kamsim.types import Floats

Kind = Literal["full", "fractional", "grid", "latin_hypercube", "sobol", "points"]
Role = Literal["lever", "uncertainty"]

MOST_POINTS = 1_000_000
LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # of the factors of a fraction; I stands for the mean
DEFAULT_RESOLUTION = 4
# To here the search for the smallest fraction is exhaustive and takes at most some seconds.
MOST_SEARCHED, MOST_RESOLUTION = 16, 6
_COMPARED_WORDS = 1_000_000  # in all fractions of the same size that are compared

_KEYS_OF: dict[str, tuple[str, ...]] = {
    "full": (),
    "fractional": ("resolution", "generators"),
    "grid": (),
    "latin_hypercube": ("points", "seed"),
    "sobol": ("points", "seed"),
    "points": ("file",),
}
_SECTION_OF: dict[Role, str] = {"lever": "levers", "uncertainty": "uncertainties"}
_ROLE_OF: dict[str, Role] = {
    "policy": "lever",
    "tiers": "lever",
    "rebuild": "lever",
    "world": "uncertainty",
    "timeline": "uncertainty",
}
_WHERE_NAMES_ARE = (
    f"levers are {', '.join(LEVERS)}, and other names are dotted, such as world.turnover or tiers.key.seats; "
    "kamsim evidence lists them"
)


# ---------------------------------------------------------------- the file


class DesignSection(Record):
    """How points are chosen."""

    model_config = ConfigDict(strict=True)

    kind: Kind
    resolution: int | None = Field(default=None, ge=3, le=MOST_RESOLUTION)
    generators: list[str] | None = Field(default=None, min_length=1)
    points: int | None = Field(default=None, ge=2, le=MOST_POINTS)
    file: str | None = Field(default=None, min_length=1)
    seed: int = Field(default=1, ge=0, le=2**64 - 1)


class ExperimentFile(Record):
    """Content of an experiment file, before its names are looked up."""

    model_config = ConfigDict(strict=True)

    question: str = Field(pattern=r"^[^\r\n]*\S[^\r\n]*$")
    base: str | None = Field(default=None, min_length=1)
    policies: list[str] | None = Field(default=None, min_length=1)
    replications: int = Field(default=200, ge=1, le=2**32)
    seed: int = Field(default=1, ge=0, le=2**64 - 1)
    measures: list[str] | None = Field(default=None, min_length=1)
    compare: str | None = None
    design: DesignSection
    levers: dict[str, Any] = Field(default_factory=dict)
    uncertainties: dict[str, Any] = Field(default_factory=dict)


class RangeTable(Record):
    """A factor given as ``{ low, high }`` or ``{ low, high, levels }``."""

    model_config = ConfigDict(strict=True)

    low: int | float
    high: int | float
    levels: int | None = Field(default=None, ge=2, le=MOST_POINTS)


_MUST_BE = {
    "question": "one line of text",
    "base": "the name of a scenario or a .toml file",
    "policies": "a list of scenario names or .toml files",
    "replications": "a whole number from 1 to 2**32",
    "seed": "a whole number from 0 to below 2**64",
    "measures": "a list of names of measures",
    "compare": "the name of a measure",
    "design": "a section, [design], with its kind",
    "levers": "a section, [levers]",
    "uncertainties": "a section, [uncertainties]",
    "kind": f"one of {', '.join(get_args(Kind))}",
    "resolution": f"a whole number from 3 to {MOST_RESOLUTION}",
    "generators": 'a list such as ["D = ABC"]',
    "points": f"a whole number from 2 to {MOST_POINTS:,}",
    "file": "the name of a CSV file",
    "low": "a number",
    "high": "a number",
    "levels": f"a whole number from 2 to {MOST_POINTS:,}",
}


class Factor(NamedTuple):
    """What an experiment varies: by levels, or anywhere between two ends."""

    name: str  # as the experiment file has it: selection, tiers.key.seats
    role: Role
    levels: tuple[Any, ...]  # empty for a range
    low: float  # ends of a range; NaN for levels
    high: float
    whole: bool  # a range of whole numbers


@dataclass(frozen=True, eq=False)
class Experiment:
    """A validated experiment; `load_experiment` reads one.

    Parameters
    ----------
    name, file, question : str
        Name and path of the file, and what it asks in one line.
    policies : tuple of Scenario
        Played in the same worlds at every point, the base first; factor values are put into each.
    replications : int
        Worlds at every point.
    seed : int
        Of the worlds.
    measures : tuple of str
        Asked for.
    compare : str
        The measure that effects and precision are about.
    design : DesignSection
        How points are chosen.
    factors : tuple of Factor
        Levers, then uncertainties, in the order of the file.
    rows : tuple of tuple
        Values of each point, where a table of points gives them.
    """

    name: str
    file: str
    question: str
    policies: tuple[Scenario, ...]
    replications: int
    seed: int
    measures: tuple[str, ...]
    compare: str
    design: DesignSection
    factors: tuple[Factor, ...]
    rows: tuple[tuple[Any, ...], ...] = ()

    @property
    def base(self) -> Scenario:
        """Scenario that the others are compared with."""
        return self.policies[0]


class Points(NamedTuple):
    """Points of a design.

    Full, fractional and grid designs are coded by level, from -1 for the first to 1 for the last; sampled designs and
    tables lie in the unit cube.
    """

    names: tuple[str, ...]
    matrix: Floats  # (points, factors)
    values: Sequence[dict[str, Any]]  # by point and factor


# ---------------------------------------------------------------- finding and reading


def experiment_folder() -> Path:
    """Folder of the shipped experiments: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "shipped_experiments"
    return inside if inside.is_dir() else package.parent / "experiments"


def shipped_experiments() -> list[str]:
    """Names of the shipped experiments, sorted."""
    return sorted(path.stem for path in experiment_folder().glob("*.toml"))


def load_experiment(source: str | os.PathLike[str]) -> Experiment:
    """Load an experiment by shipped name or file.

    Parameters
    ----------
    source : str or path
        Name of a shipped experiment (``four_levers``) or path of a TOML file.

    Returns
    -------
    Experiment
        Validated.

    Raises
    ------
    KamsimError
        One sentence naming the file, the key and the nearest valid choice.
    """
    path = _find(os.fspath(source))
    file = _validated(path, read_toml(path, "an experiment"))
    _check_design(path, file.design)
    measures, compare = _measures(path, file)
    policies = _policies(path, file)
    factors, rows = _factors(path, file, policies)
    if file.policies is not None:
        _check_levers_apart(path, factors)
    experiment = Experiment(
        path.stem, str(path), file.question, policies, file.replications, file.seed, measures, compare,
        file.design, factors, rows,
    )  # fmt: skip
    _check_points(path, experiment)
    return experiment


def _find(source: str) -> Path:
    if not source:
        raise KamsimError("an experiment needs a name: one that ships with kamsim, or a .toml file")
    path = Path(source)
    if path.suffix == ".toml" or len(path.parts) > 1:
        if os.path.isfile(path):
            return path
        raise KamsimError(
            f"{source}: there is no such experiment file; give a .toml file or a name that ships with kamsim"
        )
    shipped = experiment_folder() / f"{source}.toml"
    if os.path.isfile(shipped):
        return shipped
    if os.path.exists(path):
        raise KamsimError(f"{source}: an experiment file ends in .toml")
    raise KamsimError(f"{source}: there is no experiment of that name; {nearest(source, shipped_experiments())}")


def _validated(path: Path, content: dict[str, Any]) -> ExperimentFile:
    try:
        return ExperimentFile.model_validate(content)
    except ValidationError as error:
        raise KamsimError(f"{path}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    """First fault that pydantic found, as one sentence; unknown keys before what they may leave missing."""
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    place = [part for part in fault["loc"] if isinstance(part, str)]
    key, tail = place[-1], " in [design]" if len(place) > 1 else ""
    if fault["type"] == "extra_forbidden":
        known = DesignSection.model_fields if tail else ExperimentFile.model_fields
        return f"unknown key '{key}'{tail}; {nearest(key, known)}"
    if fault["type"] == "missing":
        return f"{key}{tail} must be given: {_MUST_BE[key]}"
    if fault["type"] == "literal_error" and isinstance(fault["input"], str):
        return (
            f"kind in [design]: there is no design {shown(fault['input'])}; {nearest(fault['input'], get_args(Kind))}"
        )
    return f"{key}{tail} must be {_MUST_BE[key]}, not {shown(fault['input'])}"


# ---------------------------------------------------------------- what is played, and asked for


def _check_design(path: Path, design: DesignSection) -> None:
    """Refuse keys that the kind of design does not read, and ask for those that it cannot do without."""
    for key in sorted(design.model_fields_set - {"kind", *_KEYS_OF[design.kind]}):
        kinds = [kind for kind, keys in _KEYS_OF.items() if key in keys]
        raise KamsimError(f"{path}: {key} in [design] is for kind {' and '.join(kinds)}, not for {design.kind}")
    for key in ("points", "file"):
        if key in _KEYS_OF[design.kind] and getattr(design, key) is None:
            raise KamsimError(f"{path}: {key} in [design] must be given for kind {design.kind}: {_MUST_BE[key]}")
    points = design.points or 2
    if design.kind == "sobol" and points & (points - 1):
        below = 2 ** (points.bit_length() - 1)
        raise KamsimError(
            f"{path}: points in [design] must be a power of two for kind sobol, such as {below} or {2 * below}, "
            f"not {points}"
        )


def _measures(path: Path, file: ExperimentFile) -> tuple[tuple[str, ...], str]:
    known = [measure.name for measure in MEASURES]
    names = known if file.measures is None else file.measures
    for key, given in (("measures", names), ("compare", [file.compare] if file.compare else [])):
        for name in given:
            if name not in known:
                raise KamsimError(f"{path}: {key}: there is no measure {shown(name)}; {nearest(name, known)}")
    twice = _twice(names)
    if twice:
        raise KamsimError(f"{path}: measures: '{twice}' is named twice")
    compare = file.compare or ("total_profit" if "total_profit" in names else names[0])
    if compare not in names:
        raise KamsimError(f"{path}: compare is '{compare}', which is not among the measures; add it there")
    return tuple(names), compare


def _policies(path: Path, file: ExperimentFile) -> tuple[Scenario, ...]:
    """Scenarios to play side by side, the base first."""
    if file.policies is None:
        return (_scenario(path, "base", file.base or DEFAULT_SCENARIO),)
    base = file.base or file.policies[0]
    if base not in file.policies:
        raise KamsimError(f"{path}: base is '{base}', which is not among the policies; add it there, or leave base out")
    named = sorted(file.policies, key=lambda name: name != base)
    policies = tuple(_scenario(path, "policies", name) for name in named)
    twice = _twice([policy.name for policy in policies])
    if twice:
        raise KamsimError(f"{path}: policies: two of them are named '{twice}'; give each a name of its own")
    return policies


def _scenario(path: Path, key: str, source: str) -> Scenario:
    is_file = source.endswith(".toml") or len(Path(source).parts) > 1
    try:
        return load_scenario(path.parent / source if is_file else source)
    except KamsimError as error:
        raise KamsimError(f"{path}: {key}: {error}") from None


def _twice(names: Sequence[str]) -> str:
    """First name that is there more than once, or nothing."""
    return next((name for place, name in enumerate(names) if name in names[:place]), "")


def _check_levers_apart(path: Path, factors: Sequence[Factor]) -> None:
    levers = [factor.name for factor in factors if factor.role == "lever"]
    if levers:
        raise KamsimError(
            f"{path}: policies and levers ({', '.join(levers)}) cannot both be given, for a policy already says its "
            "levers; leave out one or the other"
        )


# ---------------------------------------------------------------- factors


def _factors(
    path: Path, file: ExperimentFile, policies: Sequence[Scenario]
) -> tuple[tuple[Factor, ...], tuple[tuple[Any, ...], ...]]:
    """Factors and, where a table of points gives them, the values of each point."""
    rows_by_name = _parameters(policies)
    sections: dict[Role, dict[str, Any]] = {"lever": file.levers, "uncertainty": file.uncertainties}
    if file.design.kind == "points":
        for role, section in sections.items():
            if section:
                raise KamsimError(
                    f"{path}: [{_SECTION_OF[role]}] is not for kind points: the columns of {file.design.file} are the "
                    "factors"
                )
        return _factors_of_table(path.parent / str(file.design.file), rows_by_name)
    if file.design.kind in ("full", "grid"):
        # Before levels are made, of which a line of text can ask for a million.
        given_levels = [_levels_in(given) for section in sections.values() for _, given in _flat(section)]
        _check_number(path, math.prod(given_levels))
    factors = [
        _factor(path, name, role, given, rows_by_name, file.design.kind)
        for role, section in sections.items()
        for name, given in _flat(section)
    ]
    if not factors:
        raise KamsimError(f"{path}: nothing is varied; give factors in [levers] or [uncertainties]")
    return tuple(factors), ()


def _levels_in(given: Any) -> int:
    if isinstance(given, list):
        return max(1, len(given))
    levels = given.get("levels") if isinstance(given, dict) else None
    return levels if isinstance(levels, int) and levels > 0 else 1


def _parameters(policies: Sequence[Scenario]) -> dict[str, Parameter]:
    """Rows of all numbers that an experiment may vary, by their names in a scenario file."""
    rows = {f"{row.section}.{row.name}": row for row in LEDGER if row.section not in ("tiers", "population")}
    rows |= {f"tiers.{name}": parameter("tiers", name) for name in ("standard_promise", "seat_cap")}
    for tier in policies[0].tiers.ordered:
        # A tier that one of the policies does not have would have to be made up there.
        if all(tier in policy.tiers.ordered for policy in policies):
            terms = {term: SEATS if term == "seats" else _of_any_tier(term) for term in Tier.model_fields}
            rows |= {f"tiers.{tier}.{term}": row for term, row in terms.items()}
    return rows


def _of_any_tier(term: str) -> Parameter:
    return parameter("tiers", f"{ANY_TIER}.{term}")


def _flat(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Names and what is given for them; TOML reads a dotted name without quotes as tables in tables."""
    for key, value in section.items():
        if isinstance(value, dict) and not value.keys() & RangeTable.model_fields.keys():
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _role_of(where: str, name: str, rows: Mapping[str, Parameter]) -> Role:
    if name in LEVERS:
        return "lever"
    if name in rows:
        return _ROLE_OF[rows[name].section]
    choices = [*LEVERS, *rows]
    meant = next((choice for choice in choices if choice.rpartition(".")[2] == name.rpartition(".")[2]), name)
    tail = f"did you mean '{meant}'?" if meant in choices else nearest(name, choices)
    raise KamsimError(f"{where}: there is no '{name}'; {tail if tail.startswith('did') else _WHERE_NAMES_ARE}")


def _factor(path: Path, name: str, role: Role, given: Any, rows: Mapping[str, Parameter], kind: Kind) -> Factor:
    section = _SECTION_OF[role]
    belongs = _role_of(f"{path}: [{section}]", name, rows)
    if belongs != role:
        chooses = "something" if belongs == "lever" else "nothing"
        raise KamsimError(
            f"{path}: {name} in [{section}] is {chooses} that a program chooses; it belongs in [{_SECTION_OF[belongs]}]"
        )
    where, row = f"{path}: {name} in [{section}]", rows.get(name)
    if isinstance(given, list):
        return _by_levels(where, name, role, [_checked(where, name, row, value) for value in given])
    if not isinstance(given, dict):
        raise KamsimError(f"{where} must be a list of levels or a table {{ low, high }}, not {shown(given)}")
    return _by_range(where, name, role, row, given, kind)


def _by_levels(where: str, name: str, role: Role, levels: list[Any]) -> Factor:
    if any(isinstance(level, float) for level in levels):
        # No seats beside shares of accounts are a share too, so that a column of a table has one type.
        levels = [0.0 if level == 0 else level for level in levels]
    seen = set[str]()
    for level in levels:
        plain = _plain_strength(name, level)
        # A lever may be a table, which no set takes; 1 and 1.0 are the same level.
        key = repr(float(plain)) if isinstance(plain, int | float) else repr(plain)
        if key in seen:
            raise KamsimError(f"{where}: {shown(level)} is there twice")
        seen.add(key)
    if len(levels) < 2:
        raise KamsimError(f"{where} needs at least two levels; what does not vary belongs in the base scenario")
    return Factor(name, role, tuple(levels), math.nan, math.nan, whole=False)


def _plain_strength(name: str, level: Any) -> Any:
    """Strength of a preset, to tell whether two levels are the same; re-tiering by spend is a thing of its own."""
    if name == "retiering" and level in ("spend", {"spend": 1}, {"spend": 1.0}):
        return {"spend": 1.0}
    if isinstance(level, dict) and "performance" in level:
        return level["performance"]
    return PRESETS[name][level] if isinstance(level, str) else level


def _by_range(where: str, name: str, role: Role, row: Parameter | None, given: dict[str, Any], kind: Kind) -> Factor:
    table = _range_table(where, given)
    low, high = (_checked(where, name, row, end) for end in (table.low, table.high))
    if not low < high:
        raise KamsimError(f"{where}: low must be below high, not {low!r} and {high!r}")
    whole = isinstance(low, int) and isinstance(high, int) and (_seats(row) or _whole(row))
    if _seats(row) and not whole and max(low, high) >= 1:
        raise KamsimError(f"{where}: low and high must both be shares below 1, such as 0.0, or both whole numbers")
    if table.levels is None:
        if kind == "grid":
            raise KamsimError(f"{where} needs levels for kind grid: a list, or {{ low, high, levels }}")
        if kind in ("full", "fractional"):
            return _by_levels(where, name, role, [low, high])
        return Factor(name, role, (), float(low), float(high), whole)
    if whole and (high - low) % (table.levels - 1):
        raise KamsimError(
            f"{where}: {table.levels} levels from {low} to {high} are not whole numbers; give them as a list"
        )
    return _by_levels(where, name, role, list(_even(low, high, table.levels, whole)))


def _range_table(where: str, given: dict[str, Any]) -> RangeTable:
    try:
        return RangeTable.model_validate(given)
    except ValidationError as error:
        fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        key = str(fault["loc"][0])
        if fault["type"] == "extra_forbidden":
            raise KamsimError(f"{where}: unknown key '{key}'; {nearest(key, RangeTable.model_fields)}") from None
        if fault["type"] == "missing":
            raise KamsimError(f"{where}: {key} must be given: {_MUST_BE[key]}") from None
        raise KamsimError(f"{where}: {key} must be {_MUST_BE[key]}, not {shown(fault['input'])}") from None


def _even(low: float, high: float, levels: int, whole: bool) -> Iterator[float]:
    """Evenly spaced levels, without the last digits that binary fractions add."""
    for place in range(levels):
        if whole:
            yield low + (high - low) * place // (levels - 1)
        else:
            yield high if place == levels - 1 else float(f"{low + (high - low) * place / (levels - 1):.12g}")


def _whole(row: Parameter | None) -> bool:
    return row is not None and isinstance(row.default, int)


def _seats(row: Parameter | None) -> bool:
    return row is not None and row.unit == "seats or share"


def _checked(where: str, name: str, row: Parameter | None, value: Any) -> Any:
    """Return a value of a factor as a scenario takes it; only what takes several keys is left to the scenario."""
    if row is None:
        return _checked_lever(where, name, value)
    try:
        return row.parse(value)
    except KamsimError as error:
        raise KamsimError(f"{where} {error}") from None


def _checked_lever(where: str, lever: str, value: Any) -> Any:
    presets = PRESETS[lever]
    if isinstance(value, str) and value not in presets:
        raise KamsimError(f"{where}: {shown(value)} is no preset; {nearest(value, presets)}")
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    try:
        Scenario().changed(policy={lever: value})
    except KamsimError:
        raise KamsimError(
            f"{where} must be a strength from 0 to 1 or a preset ({', '.join(presets)}), not {shown(value)}"
        ) from None
    return value


# ---------------------------------------------------------------- a table of points


def _factors_of_table(
    path: Path, rows: Mapping[str, Parameter]
) -> tuple[tuple[Factor, ...], tuple[tuple[Any, ...], ...]]:
    """Read factors and points from a CSV file with a column for each factor."""
    lines = csv.reader(read_text(path).splitlines(), strict=True)
    try:
        numbered = [(lines.line_num, [cell.strip() for cell in line]) for line in lines]
    except csv.Error as error:
        raise KamsimError(f"{path}, line {lines.line_num}: not valid CSV: {error}") from None
    numbered = [(number, cells) for number, cells in numbered if any(cells)]
    if len(numbered) < 2:
        raise KamsimError(f"{path}: needs a line with the names of the factors and a line for every point")
    (top, names), *points = numbered
    twice = _twice(names)
    if twice:
        raise KamsimError(f"{path}, line {top}: '{twice}' is there twice")
    roles = [_role_of(f"{path}, line {top}", name, rows) for name in names]
    known: dict[tuple[str, str], Any] = {}
    values = tuple(_cells(f"{path}, line {number}", names, cells, rows, known) for number, cells in points)
    _check_each_once(path, [number for number, _ in points], values)
    if len(values) > MOST_POINTS:
        raise KamsimError(f"{path}: has {len(values):,} points, more than {MOST_POINTS:,}")
    columns = [tuple(dict.fromkeys(column)) for column in zip(*values, strict=True)]
    factors = [
        Factor(name, role, column, math.nan, math.nan, whole=False)
        for name, role, column in zip(names, roles, columns, strict=True)
    ]
    return tuple(factors), values


def _cells(
    where: str,
    names: Sequence[str],
    cells: Sequence[str],
    rows: Mapping[str, Parameter],
    known: dict[tuple[str, str], Any],
) -> tuple[Any, ...]:
    """Values of a line; what was checked in another line is not checked again."""
    if len(cells) != len(names):
        raise KamsimError(f"{where}: has {len(cells)} values for {len(names)} factors")
    for name, cell in zip(names, cells, strict=True):
        if (name, cell) not in known:
            known[name, cell] = _checked(f"{where}: {name}", name, rows.get(name), number_of(cell))
    return tuple(known[pair] for pair in zip(names, cells, strict=True))


def _check_each_once(path: Path, numbers: Sequence[int], values: Sequence[tuple[Any, ...]]) -> None:
    seen: dict[tuple[Any, ...], int] = {}
    for number, row in zip(numbers, values, strict=True):
        if row in seen:
            raise KamsimError(f"{path}, line {number}: is the same point as line {seen[row]}")
        seen[row] = number


# ---------------------------------------------------------------- points


def points_of(experiment: Experiment) -> Points:
    """Points of an experiment, the same every time.

    Parameters
    ----------
    experiment : Experiment
        From `load_experiment`.

    Returns
    -------
    Points
        In a full design the first factor changes fastest (Yates' order), as do the factors that generate a fraction;
        in a grid the last one does.
    """
    names = tuple(factor.name for factor in experiment.factors)
    return Points(names, _matrix(experiment).copy(), Values(experiment))


class Values(Sequence[dict[str, Any]]):
    """Values of the factors at every point, by name as the experiment file has them.

    Made when they are asked for: there may be a million points of sixty factors, and to know how many there are takes
    none of them.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def __len__(self) -> int:
        return _number_of_points(self._experiment)

    @overload
    def __getitem__(self, point: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, point: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, point: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(point, slice):
            return [self[number] for number in range(*point.indices(len(self)))]
        if not 0 <= point < len(self):
            raise IndexError(f"there is no point {point}")
        factors = self._experiment.factors
        if self._experiment.rows:
            return {factor.name: value for factor, value in zip(factors, self._experiment.rows[point], strict=True)}
        coded, place = _is_coded(self._experiment.design), _matrix(self._experiment)[point].tolist()
        return {
            factor.name: _decoded(factor, (part + 1.0) / 2.0 if coded else part, coded)
            for factor, part in zip(factors, place, strict=True)
        }

    def types(self) -> dict[str, set[type]]:
        """Types of the values of each factor."""
        return {factor.name: self._types_of(factor) for factor in self._experiment.factors}

    def _types_of(self, factor: Factor) -> set[type]:
        types = {type(level) for level in factor.levels} or {int if factor.whole else float}
        return types if len(types) == 1 else {type(point[factor.name]) for point in self}  # not every level is drawn


def _check_points(path: Path, experiment: Experiment) -> None:
    """Refuse a design that is too large or that cannot be made."""
    if experiment.design.kind == "fractional":
        _check_two_levels(path, experiment.factors)
        _columns(experiment)
    _check_number(path, _number_of_points(experiment))


def _check_number(path: Path, number: int) -> None:
    if number > MOST_POINTS:
        raise KamsimError(
            f"{path}: the design has {number:,} points, more than {MOST_POINTS:,}; vary less, or choose another kind "
            "such as fractional or latin_hypercube"
        )


def _check_two_levels(path: Path, factors: Sequence[Factor]) -> None:
    for factor in factors:
        if len(factor.levels) != 2:
            raise KamsimError(
                f"{path}: {factor.name} in [{_SECTION_OF[factor.role]}] has {len(factor.levels)} levels, and kind "
                "fractional takes two of every factor"
            )


def _number_of_points(experiment: Experiment) -> int:
    if experiment.rows:
        return len(experiment.rows)
    if experiment.design.points is not None:
        return experiment.design.points
    if experiment.design.kind == "fractional":
        return 1 << len(_basic(_columns(experiment)))
    return math.prod(len(factor.levels) for factor in experiment.factors)


def _is_coded(design: DesignSection) -> bool:
    return design.kind in ("full", "fractional", "grid")


@lru_cache(maxsize=8)
def _matrix(experiment: Experiment) -> Floats:
    kind, seed = experiment.design.kind, experiment.design.seed
    levels = [len(factor.levels) for factor in experiment.factors]
    if kind == "points":
        return _scaled(experiment)
    if kind == "fractional":
        return _fraction(_columns(experiment))
    if kind == "full":
        return _all_combinations(levels[::-1])[:, ::-1]
    if kind == "grid":
        return _all_combinations(levels)
    return _sampled(kind, len(levels), _number_of_points(experiment), seed)


def _all_combinations(levels: Sequence[int]) -> Floats:
    """All combinations of levels, coded from -1 to 1, the last column changing fastest."""
    places = np.indices(levels).reshape(len(levels), -1).T
    matrix: Floats = 2.0 * places / (np.array(levels) - 1.0) - 1.0
    return matrix


def _sampled(kind: Kind, factors: int, points: int, seed: int) -> Floats:
    from scipy.stats import qmc

    sampler: Any = qmc.Sobol if kind == "sobol" else qmc.LatinHypercube
    return np.asarray(sampler(factors, rng=np.random.default_rng(seed)).random(points), dtype=np.float64)


def _scaled(experiment: Experiment) -> Floats:
    """Values of a table, each column from its lowest at 0 to its highest at 1."""
    values = np.array(
        [
            [float(PRESETS[factor.name][value]) if isinstance(value, str) else float(value) for value in column]
            for factor, column in zip(experiment.factors, zip(*experiment.rows, strict=True), strict=True)
        ]
    ).T
    low, high = values.min(axis=0), values.max(axis=0)
    scaled: Floats = (values - low) / np.where(high > low, high - low, 1.0)
    return scaled


def _decoded(factor: Factor, part: float, coded: bool) -> Any:
    """Value of a factor at a part of its way from its first level or low end to its last level or high end."""
    levels = len(factor.levels)
    if levels:
        # A coded part names a level; a sampled one falls into one of as many equal intervals.
        return factor.levels[round(part * (levels - 1)) if coded else min(int(part * levels), levels - 1)]
    if factor.whole:
        return int(min(factor.low + math.floor(part * (factor.high - factor.low + 1)), factor.high))
    return min(factor.low + part * (factor.high - factor.low), factor.high)


# ---------------------------------------------------------------- fractions

# A factor is a column of signs: a product of basic columns, written as the set of bits of an integer. A set of factors
# whose columns multiply to all ones, whose bits cancel, is a word; the shortest word is the resolution
# (Box & Hunter 1961).


@lru_cache(maxsize=8)
def _columns(experiment: Experiment) -> tuple[int, ...]:
    """Column of each factor in terms of the basic ones."""
    design, factors = experiment.design, len(experiment.factors)
    if design.generators is not None:
        columns = _generated(experiment.file, design.generators, factors)
        if design.resolution is not None and _resolution(columns) < design.resolution:
            raise KamsimError(
                f"{experiment.file}: generators in [design] give resolution {_resolution(columns)}, less than the "
                f"{design.resolution} that is asked for"
            )
        return columns
    resolution = design.resolution or DEFAULT_RESOLUTION
    if factors > MOST_SEARCHED:
        raise KamsimError(
            f"{experiment.file}: kind fractional chooses generators for up to {MOST_SEARCHED} factors, not for "
            f"{factors}; give generators in [design], or take kind latin_hypercube"
        )
    if factors < resolution:
        raise KamsimError(
            f"{experiment.file}: no fraction of {factors} factors has resolution {resolution}; take kind full"
        )
    return smallest_fraction(factors, resolution)


@lru_cache(maxsize=64)
def smallest_fraction(factors: int, resolution: int) -> tuple[int, ...]:
    """Find the fraction of fewest runs that has at least some resolution, and the best one of that size.

    Parameters
    ----------
    factors : int
        Of two levels; at least as many as the resolution.
    resolution : int
        At least 3: main effects can be told apart from each other; 4: also from interactions of two factors;
        5: interactions of two also from each other.

    Returns
    -------
    tuple of int
        A column for each factor, bits naming the basic columns; the first factors are the basic ones.
    """
    for basic in range(1, factors):
        found = _best_fraction(factors, basic, resolution)
        if found is None:
            continue
        best = found
        while (better := _best_fraction(factors, basic, _resolution(best) + 1)) is not None:
            best = better
        return best
    raise ValueError(f"no fraction of {factors} factors has resolution {resolution}")


def _best_fraction(factors: int, basic: int, resolution: int) -> tuple[int, ...] | None:
    """Fraction with the fewest short words among the first ones found (Fries & Hunter 1980), or none."""
    if resolution > factors or not _could_be(factors, basic, resolution):
        return None
    found = _fractions(factors, basic, resolution)
    compared = 1 + _COMPARED_WORDS // 2 ** (factors - basic)
    return min(islice(found, compared), key=_word_lengths, default=None)


def _could_be(factors: int, basic: int, resolution: int) -> bool:
    """Whether there are columns enough to tell apart what the resolution promises (Hamming's bound)."""
    apart, odd = (resolution - 1) // 2, resolution % 2
    others = factors if odd else factors - 1
    return sum(math.comb(others, size) for size in range(apart + 1)) <= 1 << (basic if odd else basic - 1)


def _fractions(factors: int, basic: int, resolution: int) -> Iterator[tuple[int, ...]]:
    """All fractions of a size and resolution, each set of added columns once."""
    candidates = [mask for mask in range(1, 1 << basic) if mask.bit_count() >= resolution - 1]
    candidates.sort(key=lambda mask: (mask.bit_count(), mask))
    units = tuple(1 << place for place in range(basic))

    def extended(columns: tuple[int, ...], start: int, products: list[set[int]]) -> Iterator[tuple[int, ...]]:
        missing = factors - len(columns)
        if missing == 0:
            yield columns
            return
        for place in range(start, len(candidates) - missing + 1):
            mask = candidates[place]
            # A product of fewer columns that equals a new one would make a word that is too short.
            if not any(mask in few for few in products):
                more = [
                    few | {mask ^ other for other in fewer} for few, fewer in zip(products[1:], products, strict=False)
                ]
                yield from extended((*columns, mask), place + 1, [products[0], *more])

    start = [{mask for mask in range(1 << basic) if mask.bit_count() == size} for size in range(resolution - 1)]
    return extended(units, 0, start)


def _words(columns: Sequence[int]) -> Iterator[int]:
    """All words of a fraction, as sets of factors."""
    basic = _basic(columns)
    relations = [
        1 << place | sum(1 << factor for factor in _factors_in(columns, basic, mask))
        for place, mask in enumerate(columns)
        if place not in basic
    ]
    word = 0
    # In Gray's order the next word differs by one relation only.
    for number in range(1, 1 << len(relations)):
        word ^= relations[(number & -number).bit_length() - 1]
        yield word


def _word_lengths(columns: Sequence[int]) -> list[int]:
    """Number of words by their length."""
    lengths = [0] * (len(columns) + 1)
    for word in _words(columns):
        lengths[word.bit_count()] += 1
    return lengths


def _resolution(columns: Sequence[int]) -> int:
    return min(word.bit_count() for word in _words(columns))


def _basic(columns: Sequence[int]) -> list[int]:
    """Places of the factors that generate the others: the first with each single bit."""
    return [columns.index(1 << bit) for bit in range(max(columns).bit_length())]


def _factors_in(columns: Sequence[int], basic: Sequence[int], mask: int) -> list[int]:
    return [basic[bit] for bit in range(len(basic)) if mask >> bit & 1]


def _fraction(columns: Sequence[int]) -> Floats:
    """Coded points of a fraction: a product of basic columns for every factor."""
    bits = len(_basic(columns))
    basic = _all_combinations([2] * bits)[:, ::-1]
    chosen = [[bit for bit in range(bits) if mask >> bit & 1] for mask in columns]
    return np.column_stack([basic[:, bits_of].prod(axis=1) for bits_of in chosen])


def _generated(file: str, generators: Sequence[str], factors: int) -> tuple[int, ...]:
    """Columns that generators such as ``D = ABC`` give."""
    if factors > len(LETTERS):
        raise KamsimError(f"{file}: kind fractional takes up to {len(LETTERS)} factors, not {factors}")
    letters = LETTERS[:factors]
    words: dict[str, str] = {}
    for text in generators:
        left, equals, right = (part.strip() for part in text.partition("="))
        right = right.replace(" ", "")
        known = len(left) == 1 and set(left + right) <= set(letters)
        if not (equals and known and len(right) > 1 and len(set(right)) == len(right)) or left in right:
            raise KamsimError(
                f"{file}: generators in [design]: '{text}' must read such as '{letters[-1]} = {letters[:-1]}', with a "
                f"different letter, {letters[0]} to {letters[-1]}, for each factor in the order of the file"
            )
        if left in words:
            raise KamsimError(f"{file}: generators in [design]: {left} is generated twice")
        words[left] = right
    for left, right in words.items():
        again = sorted(set(right) & words.keys())
        if again:
            raise KamsimError(
                f"{file}: generators in [design]: {left} = {right} builds on {again[0]}, which is generated itself"
            )
    free = count()
    bits = {letter: 1 << next(free) for letter in letters if letter not in words}
    columns = tuple(bits[letter] if letter in bits else sum(bits[part] for part in words[letter]) for letter in letters)
    if len(set(columns)) < factors:
        raise KamsimError(f"{file}: generators in [design]: two of them generate the same, so two factors never part")
    return columns
