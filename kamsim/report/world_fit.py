"""What the first layer of the fit found, a world true to books: a table for people, and the scenario it becomes."""

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from kamsim.report.calibration import FITTED, write_fit
from kamsim.report.table import Group, Row, Table
from kamsim.source import model_hash
from kamsim.studies.calibrate_world import BOOKS, WorldCalibration, WorldFact, space_of

QUESTIONS = {
    "default": "What do programs earn in a trade between the two real account books?",
    "steady": "What do programs earn in a trade whose customers stay and order all year round, as shops do?",
    "lively": "What do programs earn in a trade whose customers come and go, and order most before the year's end?",
}


def world_tables(calibration: WorldCalibration) -> tuple[Table, Table]:
    """Tables of a world: facts that its books tell, then the values that it has."""
    groups = fact_groups(calibration.facts, lambda fact: "" if fact.holds else "no")
    books = " and ".join(BOOKS[calibration.kind])
    lie = "books lie" if len(BOOKS[calibration.kind]) > 1 else "book lies"
    legend = (f"books: range in which the {books} {lie}; no: more than two standard errors outside",)
    space = space_of(calibration.kind)
    values = tuple(_value_row(name, value, space) for name, value in calibration.fitted.items())
    return (
        Table(groups, ("Facts of account books", "books", "market", ""), legend=legend, dense=True),
        Table((Group("", values),), ("Parameters", "plausible", "fitted", "")),
    )


def world_sentences(calibration: WorldCalibration) -> str:
    """Say how many facts hold on fresh organizations, and which do not."""
    facts, missed = len(calibration.facts), [fact.name for fact in calibration.facts if not fact.holds]
    told = f"{facts - len(missed)} of {facts} facts of account books hold for suppliers that were not fitted to"
    return f"{told}; missed: {', '.join(missed)}." if missed else f"{told}."


def write_world(folder: Path, calibration: WorldCalibration, command: Sequence[str]) -> list[Path]:
    """Write the world as a scenario, and all of it as JSON, each named by its command."""
    made_by = shlex.join(command)
    lines = [f"# {made_by}", f"# model {model_hash()}", 'extends = "status_quo"']
    lines += [f'question = "{QUESTIONS[calibration.kind]}"', "", "[world]"]
    lines += [f"{name.removeprefix('world.')} = {value!r}" for name, value in calibration.fitted.items()]
    return write_fit(folder, {FITTED: "\n".join(lines) + "\n"}, calibration, made_by)


def fact_groups(facts: Iterable[WorldFact], verdict: Callable[[WorldFact], str]) -> tuple[Group, ...]:
    """Rows of facts by what they are of, each with its range, its value and a verdict; what does not hold is marked."""
    rows: dict[str, list[Row]] = {}
    for fact in facts:
        ends = dict.fromkeys((f"{fact.low:.2f}", f"{fact.high:.2f}"))
        cells = (fact.name.replace("_", " "), " to ".join(ends), f"{fact.value:.3f}", verdict(fact))
        rows.setdefault(fact.row, []).append(Row(cells, "" if fact.holds else "bad"))
    return tuple(Group(name, tuple(lines)) for name, lines in rows.items())


def _value_row(name: str, value: float, space: Mapping[str, tuple[float, float]]) -> Row:
    plausible = "{:g} to {:g}".format(*space[name]) if name in space else "as the book has it"
    return Row((name, plausible, f"{value:g}", ""))
