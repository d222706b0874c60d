"""Play one policy, or two side by side, at many points of uncertain parameters: in the same worlds at every point."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kamsim.errors import KamsimError, nearest
from kamsim.experiments.files import write_parquet
from kamsim.experiments.jobs import job_of, play_organizations, scales_of
from kamsim.experiments.manifest import Manifest, manifest_of
from kamsim.experiments.pool import checked_workers, in_order
from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.scenario import Scenario
from kamsim.studies.compare import checked_names, notes_on
from kamsim.studies.ranges import Range, notes_on_ranges, ranges_of, scenario_at, values_at
from kamsim.types import Floats, Progress

REPLICATIONS = 32
POINTS = "points.parquet"


class Question(NamedTuple):
    """What is asked at every point: a measure of a scenario, or its paired difference to another."""

    scenarios: tuple[Scenario, ...]  # one, and perhaps the one that it is held against
    ranges: tuple[Range, ...]
    measure: Measure
    replications: int
    seed: int
    workers: int
    notes: tuple[str, ...]


def measure_named(name: str) -> Measure:
    """Measure of a name; where there is none, an error says which is nearest."""
    names = {measure.name: measure for measure in MEASURES}
    if name not in names:
        raise KamsimError(f"'{name}' is no measure; {nearest(name, names)}")
    return names[name]


def question_of(
    scenario: Scenario,
    against: Scenario | None,
    measure: str,
    parameters: Sequence[str],
    *,
    replications: int,
    seed: int,
    jobs: int | None,
) -> Question:
    """Check what is asked, of at least two worlds at each point, and put it together for `played_at`."""
    scenarios = (scenario,) if against is None else (scenario, against)
    checked_names(scenarios)
    workers = checked_workers(replications, seed, jobs)
    if replications < 2:
        raise KamsimError("replications must be at least 2: one world does not tell luck from parameters")
    found, ranges = measure_named(measure), ranges_of(scenarios, parameters)
    plan = [job_of(one) for one in scenarios]
    notes = (*notes_on(scenarios, plan, None), *notes_on_ranges(scenarios, parameters))
    return Question(scenarios, ranges, found, replications, seed, workers, notes)


def manifest_for(command: str, question: Question, **settings: object) -> Manifest:
    """Everything that the answer to the question of a command depends on, as of `manifest_of`."""
    return {
        **manifest_of(question.scenarios, question.seed, question.replications),
        "command": command,
        "measure": question.measure.name,
        "ranges": [one.to_dict() for one in question.ranges],
        **settings,
    }


# ---------------------------------------------------------------- play


def played_at(question: Question, points: Floats, progress: Progress | None = None) -> Floats:
    """Play the same worlds at every point, of shape (points, parameters) in the unit cube.

    Of the measure or of the difference, shape (points, worlds), NaN where there is none; the same to the last bit
    whatever the workers. Before anything is played, an error where the values of a point do not go together.
    """
    changed = [_scenarios_at(question, point) for point in points]
    column = MEASURES.index(question.measure)
    values = np.empty((len(points), question.replications))

    def play(scenarios: list[Scenario]) -> Floats:
        jobs = [job_of(scenario) for scenario in scenarios]
        tables = play_organizations(jobs, question.seed, 0, question.replications)
        scale = scales_of(jobs)[:, column]
        told: list[Floats] = [table.outcomes[:, column] * unit for table, unit in zip(tables, scale, strict=True)]
        return told[0] if len(told) == 1 else told[0] - told[1]

    with closing(in_order(play, ((scenarios,) for scenarios in changed), question.workers)) as played:
        for place, row in enumerate(played):
            values[place] = row
            if progress is not None:
                progress(place + 1)
    return np.where(np.isfinite(values), values, np.nan)


def _scenarios_at(question: Question, point: Floats) -> list[Scenario]:
    values = values_at(question.ranges, point.tolist())
    try:
        scenarios = [scenario_at(scenario, values) for scenario in question.scenarios]
        for scenario in scenarios:
            job_of(scenario)
    except KamsimError as error:
        raise KamsimError(f"the ranges do not go together: {error}; narrow one, NAME=LOW:HIGH") from None
    return scenarios


# ---------------------------------------------------------------- what is kept


def write_points(folder: Path, ranges: Sequence[Range], points: Floats, columns: Mapping[str, object]) -> None:
    """Write a row for every point: further columns by name, then the values of its parameters.

    Points have shape (points, parameters), in the unit cube.
    """
    import pyarrow as pa

    values = [values_at(ranges, point) for point in points.tolist()]
    arrays = {name: pa.array(column) for name, column in columns.items()}
    arrays |= {one.parameter: pa.array([float(row[one.parameter]) for row in values], pa.float64()) for one in ranges}
    write_parquet(folder / POINTS, pa.table(arrays))
