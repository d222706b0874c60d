"""Play one policy, or two side by side, at many points of uncertain parameters: in the same worlds at every point."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kamsim.errors import KamsimError, nearest
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.files import write_parquet
from kamsim.experiments.jobs import Job, accounts_of, job_of, play_organizations, scales_of
from kamsim.experiments.manifest import Manifest, manifest_of
from kamsim.experiments.pool import checked_workers, in_order
from kamsim.measures.gain import gains_in_points
from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.scenario import Scenario
from kamsim.studies import compare
from kamsim.studies.compare import checked_names, notes_on
from kamsim.studies.ranges import Range, notes_on_ranges, ranges_of, scenario_at, values_at
from kamsim.studies.reference import elevates, horizon_of, place_without_program, told_in, with_reference
from kamsim.types import Floats, Progress

REPLICATIONS = 32
AT_BEST_FIT = compare.REPLICATIONS
POINTS = "points.parquet"
POINTS_OF_SALES = "points of sales"


class Question(NamedTuple):
    """What is asked at every point: a measure of a scenario, or its paired difference to another.

    A difference in total profit is the gain of `kamsim.measures.gain`, in points, as comparisons tell it.
    """

    scenario: Scenario
    against: Scenario | None
    played: tuple[Scenario, ...]  # these, and one without a program where a gain is told in points of its sales
    ranges: tuple[Range, ...]
    measure: Measure
    posterior: Posterior | None  # whose ranges are varied
    replications: int
    seed: int
    workers: int
    notes: tuple[str, ...]

    @property
    def is_gain(self) -> bool:
        """Whether it is a difference in total profit."""
        return self.against is not None and self.measure == measure_named("total_profit")

    def told_in(self) -> dict[str, object]:
        """Against what, in which unit, and over which years figures are told, at what rate of discount."""
        horizon = horizon_of(self.played, job_of(self.played[0]))
        unit = {"unit": POINTS_OF_SALES} if self.is_gain else {}
        against = {"against": self.against.name if self.against else None}
        return against | told_in(self.measure, self.played, horizon) | unit


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
    alone: bool = False,
    posterior: Posterior | None = None,
    replications: int,
    seed: int,
    jobs: int | None,
) -> Question:
    """Check what is asked, of at least two worlds at each point, and put it together for `played_at`.

    A scenario is held ``against`` no program by default, where that has the measure, and ``alone`` against nothing.
    Parameters vary over the ranges of the posterior, without one over what was plausible before the fit.
    """
    workers = checked_workers(replications, seed, jobs)
    if replications < 2:
        raise KamsimError("replications must be at least 2: one market scenario does not tell luck from parameters")
    found = measure_named(measure)
    reference, said = _reference(scenario, against, found, alone)
    named = (scenario,) if reference is None else (scenario, reference)
    checked_names(named)
    ranges = ranges_of(named, parameters, posterior)
    sets = posterior if any(one.source == "posterior" for one in ranges) else None
    notes = (
        *said,
        *notes_on(named, [job_of(one) for one in named], None),
        *(() if sets is None else sets.notes),
        *notes_on_ranges(named, parameters, sets),
    )
    played = tuple(_played(scenario, reference, found))
    return Question(scenario, reference, played, ranges, found, sets, replications, seed, workers, notes)


def _reference(
    scenario: Scenario, against: Scenario | None, measure: Measure, alone: bool
) -> tuple[Scenario | None, tuple[str, ...]]:
    """What a scenario is held against, None for nothing, and what there is to say of it."""
    if alone and against is not None:
        raise KamsimError("`alone` asks about a scenario held against nothing; leave it out, or `against`")
    if alone:
        return None, ()
    if against is None:
        if not elevates(scenario):
            raise KamsimError(
                f"{scenario.name} is no program itself; name what to hold it `against`, or ask about it `alone`"
            )
        if not measure.needs_program:
            return with_reference([scenario])[0], ()
        return None, (
            f"no program has no {measure.label.lower()}, so the figure of {scenario.name} itself is told; `against` "
            "holds it against another policy",
        )
    lacking = [one.name for one in (scenario, against) if measure.needs_program and not elevates(one)]
    if lacking:
        raise KamsimError(f"{lacking[0]} elevates nobody, so it has no {measure.name}; choose another `measure`")
    return against, ()


def _played(scenario: Scenario, against: Scenario | None, measure: Measure) -> list[Scenario]:
    if against is None:
        return [scenario]
    if measure.name == "total_profit":
        return with_reference([against, scenario], against.name)
    return [against, scenario]


def manifest_for(command: str, question: Question, **settings: object) -> Manifest:
    """Everything that the answer to the question of a command depends on, as of `manifest_of`."""
    return {
        **manifest_of(question.played, question.seed, question.replications),
        "command": command,
        "scenario": question.scenario.name,
        "measure": question.measure.name,
        **question.told_in(),
        "worlds_at_best_fit": AT_BEST_FIT,
        "ranges": [one.to_dict() for one in question.ranges],
        **settings,
    }


# ---------------------------------------------------------------- play


def played_at(question: Question, points: Floats, progress: Progress | None = None) -> Floats:
    """Play the same worlds at every point, of shape (points, parameters) in the unit cube.

    Of the measure or of the difference, shape (points, worlds), NaN where there is none; a gain is in points. The same
    to the last bit whatever the workers. Before anything is played, an error where the values of a point do not go
    together.
    """
    changed = [_scenarios_at(question, point) for point in points]
    values = np.empty((len(points), question.replications))

    def play(scenarios: list[Scenario]) -> Floats:
        return _values(question, [job_of(scenario) for scenario in scenarios])

    with closing(in_order(play, ((scenarios,) for scenarios in changed), question.workers)) as played:
        for place, row in enumerate(played):
            values[place] = row
            if progress is not None:
                progress(place + 1)
    return np.where(np.isfinite(values), values, np.nan)


def _values(question: Question, jobs: list[Job]) -> Floats:
    """What is asked, by world, of the scenarios of a question as jobs."""
    tables = play_organizations(jobs, question.seed, 0, question.replications)
    names = [one.name for one in question.played]
    place = names.index(question.scenario.name)
    against = None if question.against is None else names.index(question.against.name)
    if question.is_gain and against is not None:
        return gains_in_points(accounts_of(tables, jobs), place, against, place_without_program(question.played))
    column = MEASURES.index(question.measure)
    told = [table.outcomes[:, column] * unit for table, unit in zip(tables, scales_of(jobs)[:, column], strict=True)]
    values: Floats = told[place] if against is None else told[place] - told[against]
    return values


def _scenarios_at(question: Question, point: Floats) -> list[Scenario]:
    values = values_at(question.ranges, point.tolist())
    try:
        scenarios = [scenario_at(scenario, values) for scenario in question.played]
        for scenario in scenarios:
            job_of(scenario)
    except KamsimError as error:
        raise KamsimError(f"the ranges do not go together: {error}; narrow one, NAME=LOW:HIGH") from None
    return scenarios


# ---------------------------------------------------------------- what is kept


def write_points(folder: Path, question: Question, points: Floats, columns: Mapping[str, object]) -> None:
    """Write a row for every point: further columns by name, what they are told in, the values of its parameters.

    Points have shape (points, parameters), in the unit cube.
    """
    import pyarrow as pa

    ranges = question.ranges
    values = [values_at(ranges, point) for point in points.tolist()]
    told = {name: [value] * len(points) for name, value in question.told_in().items()}
    arrays = {name: pa.array(column) for name, column in {**columns, **told}.items()}
    arrays |= {one.parameter: pa.array([float(row[one.parameter]) for row in values], pa.float64()) for one in ranges}
    write_parquet(folder / POINTS, pa.table(arrays))
