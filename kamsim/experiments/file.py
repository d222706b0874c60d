"""An experiment: a file that says what is varied, and the points that its design chooses.

Levers, which a program chooses, and uncertainties, which nobody does, are kept apart. Points are numbered from 0.
"""

import csv
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from pydantic import ConfigDict, Field, ValidationError

from kamsim.errors import KamsimError, nearest, shown
from kamsim.evidence.ledger import TERMS_OF_PROGRAM, Parameter, number_of
from kamsim.experiments.designs import (
    MOST_POINTS,
    SECTION_OF,
    DesignSection,
    Experiment,
    Factor,
    Kind,
    Role,
    check_number,
    check_points_of,
)
from kamsim.experiments.fractions import (
    MOST_RESOLUTION,
)
from kamsim.measures.choice import GROUPS, NAMES
from kamsim.scenario import (
    DEFAULT_SCENARIO,
    LEVERS,
    PRESETS,
    Declared,
    Scenario,
    load_scenario,
    numbers_of,
)
from kamsim.text import read_text, read_toml

_KEYS_OF: dict[str, tuple[str, ...]] = {
    "full": (),
    "fractional": ("resolution", "generators"),
    "grid": (),
    "latin_hypercube": ("points", "seed"),
    "sobol": ("points", "seed"),
    "points": ("file",),
}
_ROLE_OF: dict[str, Role] = {
    "tiers": "lever",
    **dict.fromkeys(TERMS_OF_PROGRAM, "lever"),
    "world": "uncertainty",
    "timeline": "uncertainty",
}
_WHERE_NAMES_ARE = (
    f"levers are {', '.join(LEVERS)}, and other names are dotted, such as world.turnover or tiers.key.seats; "
    "kamsim evidence lists them"
)


# ---------------------------------------------------------------- the file


class ExperimentFile(Declared):
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
    levers: dict[str, object] = Field(default_factory=dict)
    uncertainties: dict[str, object] = Field(default_factory=dict)


class RangeTable(Declared):
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
    check_points_of(path, experiment)
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


def _validated(path: Path, content: dict[str, object]) -> ExperimentFile:
    try:
        return ExperimentFile.model_validate(content)
    except ValidationError as error:
        raise KamsimError(f"{path}: {_sentence(error)}") from None


def _sentence(error: ValidationError, in_range: bool = False) -> str:
    """First fault that pydantic found, as one sentence; unknown keys before what they may leave missing."""
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    place = [part for part in fault["loc"] if isinstance(part, str)]
    place = place[:1] if in_range else place
    key, tail = place[-1], " in [design]" if len(place) > 1 else ""
    if fault["type"] == "extra_forbidden":
        record = RangeTable if in_range else DesignSection if tail else ExperimentFile
        return f"unknown key '{key}'{tail}; {nearest(key, record.model_fields)}"
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
    known = NAMES
    words = [*known] if file.measures is None else file.measures
    for key, given, valid in (
        ("measures", words, (*GROUPS, *known)),
        ("compare", [file.compare] if file.compare else [], known),
    ):
        for name in given:
            if name not in valid:
                raise KamsimError(f"{path}: {key}: there is no measure {shown(name)}; {nearest(name, valid)}")
    twice = _twice(words)
    if twice:
        raise KamsimError(f"{path}: measures: '{twice}' is named twice")
    names = list(dict.fromkeys(name for word in words for name in GROUPS.get(word, (word,))))
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
) -> tuple[tuple[Factor, ...], tuple[tuple[object, ...], ...]]:
    """Factors and, where a table of points gives them, the values of each point."""
    rows_by_name = _parameters(policies)
    sections: dict[Role, dict[str, object]] = {"lever": file.levers, "uncertainty": file.uncertainties}
    if file.design.kind == "points":
        for role, section in sections.items():
            if section:
                raise KamsimError(
                    f"{path}: [{SECTION_OF[role]}] is not for kind points: the columns of {file.design.file} are the "
                    "factors"
                )
        return _factors_of_table(path.parent / str(file.design.file), rows_by_name)
    if file.design.kind in ("full", "grid"):
        # Before levels are made, of which a line of text can ask for a million.
        given_levels = [_levels_in(given) for section in sections.values() for _, given in _flat(section)]
        check_number(path, math.prod(given_levels))
    factors = [
        _factor(path, name, role, given, rows_by_name, file.design.kind)
        for role, section in sections.items()
        for name, given in _flat(section)
    ]
    if not factors:
        raise KamsimError(f"{path}: nothing is varied; give factors in [levers] or [uncertainties]")
    return tuple(factors), ()


def _levels_in(given: object) -> int:
    if isinstance(given, list):
        return max(1, len(given))
    levels = given.get("levels") if isinstance(given, dict) else None
    return levels if isinstance(levels, int) and levels > 0 else 1


def _parameters(policies: Sequence[Scenario]) -> dict[str, Parameter]:
    """Rows of all numbers that an experiment may vary, by their names in a scenario file."""
    first = policies[0].tiers.ordered
    # A tier that one of the policies does not have would have to be made up there.
    tiers = [tier for tier in first if all(tier in policy.tiers.ordered for policy in policies)]
    return {name: row for name, row in numbers_of(tiers).items() if row.section != "population"}


def _flat(section: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
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


def _factor(path: Path, name: str, role: Role, given: object, rows: Mapping[str, Parameter], kind: Kind) -> Factor:
    section = SECTION_OF[role]
    belongs = _role_of(f"{path}: [{section}]", name, rows)
    if belongs != role:
        chooses = "something" if belongs == "lever" else "nothing"
        raise KamsimError(
            f"{path}: {name} in [{section}] is {chooses} that a program chooses; it belongs in [{SECTION_OF[belongs]}]"
        )
    where, row = f"{path}: {name} in [{section}]", rows.get(name)
    if isinstance(given, list):
        return _by_levels(where, name, role, [_checked(where, name, row, value) for value in given])
    if not isinstance(given, dict):
        raise KamsimError(f"{where} must be a list of levels or a table {{ low, high }}, not {shown(given)}")
    return _by_range(where, name, role, row, given, kind)


def _by_levels(where: str, name: str, role: Role, levels: list[object]) -> Factor:
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


def _plain_strength(name: str, level: object) -> object:
    """Strength of a preset, to tell whether two levels are the same; re-tiering by spend is a thing of its own."""
    if name == "retiering" and level in ("spend", {"spend": 1}, {"spend": 1.0}):
        return {"spend": 1.0}
    if isinstance(level, dict) and "performance" in level:
        return level["performance"]
    return PRESETS[name][level] if isinstance(level, str) else level


def _by_range(where: str, name: str, role: Role, row: Parameter | None, given: dict[str, object], kind: Kind) -> Factor:
    table = _range_table(where, given)
    low, high = (_checked(where, name, row, end) for end in (table.low, table.high))
    assert isinstance(low, int | float)  # as a number is when it is checked
    assert isinstance(high, int | float)
    if not low < high:
        raise KamsimError(f"{where}: low must be below high, not {low!r} and {high!r}")
    seats = row is not None and row.seats
    whole = isinstance(low, int) and isinstance(high, int) and row is not None and (row.seats or row.whole)
    if seats and not whole and max(low, high) >= 1:
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


def _range_table(where: str, given: dict[str, object]) -> RangeTable:
    try:
        return RangeTable.model_validate(given)
    except ValidationError as error:
        raise KamsimError(f"{where}: {_sentence(error, in_range=True)}") from None


def _even(low: float, high: float, levels: int, whole: bool) -> Iterator[float]:
    """Evenly spaced levels, without the last digits that binary fractions add."""
    for place in range(levels):
        if whole:
            yield low + (high - low) * place // (levels - 1)
        else:
            yield high if place == levels - 1 else float(f"{low + (high - low) * place / (levels - 1):.12g}")


def _checked(where: str, name: str, row: Parameter | None, value: object) -> object:
    """Return a value of a factor as a scenario takes it; only what takes several keys is left to the scenario."""
    if row is None:
        return _checked_lever(where, name, value)
    try:
        return row.parse(value)
    except KamsimError as error:
        raise KamsimError(f"{where} {error}") from None


def _checked_lever(where: str, lever: str, value: object) -> object:
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
) -> tuple[tuple[Factor, ...], tuple[tuple[object, ...], ...]]:
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
    known: dict[tuple[str, str], object] = {}
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
    known: dict[tuple[str, str], object],
) -> tuple[object, ...]:
    """Values of a line; what was checked in another line is not checked again."""
    if len(cells) != len(names):
        raise KamsimError(f"{where}: has {len(cells)} values for {len(names)} factors")
    for name, cell in zip(names, cells, strict=True):
        if (name, cell) not in known:
            known[name, cell] = _checked(f"{where}: {name}", name, rows.get(name), number_of(cell))
    return tuple(known[pair] for pair in zip(names, cells, strict=True))


def _check_each_once(path: Path, numbers: Sequence[int], values: Sequence[tuple[object, ...]]) -> None:
    seen: dict[tuple[object, ...], int] = {}
    for number, row in zip(numbers, values, strict=True):
        if row in seen:
            raise KamsimError(f"{path}, line {number}: is the same point as line {seen[row]}")
        seen[row] = number
