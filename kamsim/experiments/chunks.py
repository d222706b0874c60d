"""The work of a sweep: its plan, cut into chunks of about a second, and how a chunk is played into a part."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.experiments.designs import Experiment, Values
from kamsim.experiments.executors import Rules
from kamsim.experiments.jobs import Job, job_of, play_organizations, scales_of
from kamsim.experiments.manifest import accounts_of, version_of
from kamsim.experiments.parts import Rows, encoded, name_for
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import BOOK, LEVERS, Scenario, with_values
from kamsim.source import model_hash
from kamsim.types import Floats
from kamsim.world.carried import common_book

SECONDS_PER_CHUNK = 1.0
SECONDS_PER_ACCOUNT_QUARTER = 130e-9  # a world drawn and one policy played in it
MODEL = model_hash()  # as it was imported: files edited later are not the code that plays


@dataclass(frozen=True)
class Plan:
    """What a sweep plays: policies side by side at every point, each in ``replications`` worlds.

    ``points`` have values by name as an experiment file has them, ``world.turnover``; ``compare`` is the measure that
    precision and effects are about; ``experiment`` and ``accounts``, what is known of the file of a book when it was
    read, are for the manifest.
    """

    name: str
    question: str
    policies: tuple[Scenario, ...]
    points: Sequence[Mapping[str, object]]
    replications: int
    seed: int
    measures: tuple[str, ...]
    compare: str
    experiment: Mapping[str, object]
    book: Book | None = None
    accounts: Mapping[str, object] | None = None

    @property
    def size(self) -> int:
        """Replication-policies of the whole sweep."""
        return len(self.points) * len(self.policies) * self.replications

    @cached_property
    def factors(self) -> dict[str, type]:
        """Names of the factors, with the type of their column: the same in every part, whatever its points have."""
        if isinstance(self.points, Values):
            types = self.points.types()
        else:
            types = {name: {type(point[name]) for point in self.points} for name in self.points[0]}
        return {name: _type_of(found) for name, found in types.items()}


class Chunk(NamedTuple):
    """About a second of work: some points, each in the same worlds; carries all that another process needs."""

    policies: tuple[dict[str, object], ...]
    points: tuple[tuple[int, dict[str, object]], ...]
    seed: int
    first: int
    replications: int
    measures: tuple[str, ...]
    book: Book | None
    accounts: Mapping[str, object] | None
    model: str  # hash of the model that is to play it


def plan_of(experiment: Experiment, *, book: Book | None = None, replications: int | None = None) -> Plan:
    """Plan of an experiment, in the accounts of a book if one is given or carried by its policies."""
    content = {
        "name": experiment.name,
        "question": experiment.question,
        "design": experiment.design.model_dump(mode="json", exclude_none=True),
        "factors": {
            factor.name: list(factor.levels) or [factor.low, factor.high, factor.whole] for factor in experiment.factors
        },
        "rows": [list(row) for row in experiment.rows],
        "replications": replications or experiment.replications,
        "seed": experiment.seed,
        "measures": list(experiment.measures),
        "compare": experiment.compare,
    }
    return Plan(
        experiment.name,
        experiment.question,
        # The book goes with each chunk: a worker may be where its file is not.
        tuple(policy.model_copy(update={BOOK: None}) for policy in experiment.policies),
        Values(experiment),
        replications or experiment.replications,
        experiment.seed,
        experiment.measures,
        experiment.compare,
        content,
        common_book(experiment.policies, book),
        accounts_of(experiment.policies, book),
    )


def with_point(scenario: Scenario, values: Mapping[str, object]) -> Scenario:
    """Scenario with the values of a point put in; levers go by their short names in an experiment."""
    return with_values(scenario, {f"policy.{name}" if name in LEVERS else name: at for name, at in values.items()})


def seconds_per_replication(plan: Plan) -> float:
    """Seconds of one core that a replication of one point takes, about."""
    quarters = [4 * sum(policy.timeline.model_dump().values()) for policy in plan.policies]
    book = plan.book
    accounts = [policy.world.accounts if book is None else len(book.annual_spend) for policy in plan.policies]
    return SECONDS_PER_ACCOUNT_QUARTER * float(np.dot(accounts, quarters))


def size_of_chunks(plan: Plan, replications: int) -> tuple[int, int]:
    """Points and replications that make about a second of work."""
    each = seconds_per_replication(plan)
    together = max(1, int(SECONDS_PER_CHUNK / (each * replications)))
    return together, max(1, min(replications, int(SECONDS_PER_CHUNK / each)))


def chunks_of(
    plan: Plan, points: Sequence[int] | None = None, first: int = 0, count: int | None = None
) -> Iterator[Chunk]:
    """Cut a sweep, or some replications of some points, into chunks that are the same whatever has been played.

    About a second of work each: several points, or some of the replications of one.
    """
    numbers = range(len(plan.points)) if points is None else points
    count = plan.replications if count is None else count
    together, at_a_time = size_of_chunks(plan, count)
    bases = tuple(policy.model_dump(mode="json", exclude_none=True) for policy in plan.policies)
    for start in range(0, len(numbers), together):
        some = tuple((number, dict(plan.points[number])) for number in numbers[start : start + together])
        for begin in range(first, first + count, at_a_time):
            length = min(at_a_time, first + count - begin)
            yield Chunk(bases, some, plan.seed, begin, length, plan.measures, plan.book, plan.accounts, MODEL)


def name_of(chunk: Chunk) -> str:
    """Name of the part of a chunk, by all that its results depend on."""
    specification = {
        "policies": list(chunk.policies),
        "points": [list(point) for point in chunk.points],
        "seed": chunk.seed,
        "first": chunk.first,
        "replications": chunk.replications,
        "measures": list(chunk.measures),
        "accounts": chunk.accounts,
        "model": chunk.model,
    }
    return name_for(specification)


def play_chunk(chunk: Chunk) -> Rows:
    """Play a chunk, by point, policy and replication; a replication that fails becomes a row with its error."""
    if chunk.model != MODEL:
        raise KamsimError(
            f"a worker has model {MODEL} of kamsim {version_of('kamsim')}, not model {chunk.model}; "
            "install the same version everywhere"
        )
    bases = [Scenario.model_validate(base) for base in chunk.policies]
    found = [_job_or_error(base, values, chunk.book) for _, values in chunk.points for base in bases]
    playable = {place: job for place, job in enumerate(found) if not isinstance(job, str)}
    outcomes = np.full((len(found), chunk.replications, len(MEASURES)), np.nan)
    errors = [[job if isinstance(job, str) else ""] * chunk.replications for job in found]
    _play_into(list(playable.values()), list(playable), chunk, 0, chunk.replications, outcomes, errors)
    outcomes[list(playable)] *= scales_of(list(playable.values()))[:, None, :]
    columns = [[measure.name for measure in MEASURES].index(name) for name in chunk.measures]
    return _rows_of(chunk, outcomes[:, :, columns].reshape(-1, len(columns)), list(itertools.chain(*errors)))


def _rows_of(chunk: Chunk, values: Floats, errors: list[str]) -> Rows:
    """Rows of a chunk, by point, policy and replication."""
    places = list(itertools.product([number for number, _ in chunk.points], range(len(chunk.policies))))
    return Rows(
        np.repeat([point for point, _ in places], chunk.replications),
        np.repeat([policy for _, policy in places], chunk.replications),
        np.tile(np.arange(chunk.first, chunk.first + chunk.replications), len(places)),
        values,
        errors,
    )


def _job_or_error(base: Scenario, values: Mapping[str, object], book: Book | None) -> Job | str:
    try:
        return job_of(with_point(base, values), book)
    except KamsimError as error:
        return str(error)


def _play_into(
    jobs: Sequence[Job],
    places: Sequence[int],
    chunk: Chunk,
    begin: int,
    count: int,
    outcomes: Floats,
    errors: list[list[str]],
) -> None:
    """Play some replications of all jobs; where that fails, take them apart until what fails stands alone."""
    if not jobs:
        return
    try:
        tables = play_organizations(jobs, chunk.seed, chunk.first + begin, count)
    except Exception as error:
        if count > 1:
            half = count // 2
            _play_into(jobs, places, chunk, begin, half, outcomes, errors)
            _play_into(jobs, places, chunk, begin + half, count - half, outcomes, errors)
        elif len(jobs) > 1:
            half = len(jobs) // 2
            _play_into(jobs[:half], places[:half], chunk, begin, 1, outcomes, errors)
            _play_into(jobs[half:], places[half:], chunk, begin, 1, outcomes, errors)
        else:
            errors[places[0]][begin] = f"{type(error).__name__}: {error}"
        return
    for place, table in zip(places, tables, strict=True):
        outcomes[place, begin : begin + count] = table.outcomes


def halves_of(chunk: Chunk) -> tuple[Chunk, Chunk] | None:
    """A chunk in two: by replications, then by points; None for one replication of one point."""
    if chunk.replications > 1:
        half = chunk.replications // 2
        later = chunk._replace(first=chunk.first + half, replications=chunk.replications - half)
        return chunk._replace(replications=half), later
    if len(chunk.points) > 1:
        half = len(chunk.points) // 2
        return chunk._replace(points=chunk.points[:half]), chunk._replace(points=chunk.points[half:])
    return None


def failed_rows(chunk: Chunk, sentence: str) -> Rows:
    """Rows of a chunk that could not be played."""
    rows = len(chunk.points) * len(chunk.policies) * chunk.replications
    return _rows_of(chunk, np.full((rows, len(chunk.measures)), np.nan), [sentence] * rows)


def merged(one: Rows, other: Rows) -> Rows:
    """Rows of two halves in the order that the whole would have had."""
    point, policy, replication = (np.concatenate(pair) for pair in zip(one[:3], other[:3], strict=True))
    order = np.lexsort((replication, policy, point))
    errors = one.error + other.error
    values = np.concatenate([one.values, other.values])
    return Rows(point[order], policy[order], replication[order], values[order], [errors[place] for place in order])


RULES: Rules[Chunk, Rows] = Rules(play_chunk, halves_of, failed_rows, merged)


def part_of(plan: Plan, chunk: Chunk, rows: Rows) -> bytes:
    """Rows of a chunk as the bytes of its part: with the values of the factors at each point."""
    values = dict(chunk.points)
    numbers = rows.point.tolist()
    factors = {
        name: [_as_type(values[number][name], kind) for number in numbers] for name, kind in plan.factors.items()
    }
    return encoded(name_of(chunk), rows, [policy.name for policy in plan.policies], factors, plan.measures)


def _type_of(types: set[type]) -> type:
    if types <= {int}:
        return int
    return float if types <= {int, float} else str


def _as_type(value: object, kind: type) -> object:
    """Value of a factor as its column has it; a lever given as a table as JSON."""
    if kind is str:
        return value if isinstance(value, str) else json.dumps(value)
    return kind(value)
