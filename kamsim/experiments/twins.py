"""Twins: policies, or worlds that differ in one rule, played in the same organization and looked at together."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TypeVar

from kamsim.compiler import kernel
from kamsim.experiments.jobs import Job, Rooms, shared_worlds
from kamsim.experiments.pool import in_order
from kamsim.measures.profit import Account, account_by_year
from kamsim.model.ensemble import _play_one, simulate
from kamsim.model.plan import History
from kamsim.policy.policy import Policy, drawn_levers
from kamsim.types import Floats, Progress
from kamsim.world.world import World, draw_one_organization, draw_world, split_seed

Row = TypeVar("Row")
Look = Callable[[World, list[History]], Row]

KERNELS: tuple[Callable[..., object], ...] = (
    draw_one_organization,
    _play_one,
)  # what has to be compiled before the first look
AT_A_TIME = 8  # organizations of a task: enough that handing tasks over costs nothing beside them


def look_at_twins(
    jobs: Sequence[Job],
    seed: int,
    organizations: int,
    look: Look[Row],
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Row]:
    """Play every job in each of the organizations 0 to organizations - 1, and look at their histories together.

    ``look`` is given the world of the first job and a history per job, in the order of the jobs; what it gives is kept,
    by organization. It runs on threads, whose number changes no result, so that it may change nothing outside. Jobs
    that describe the same world share its draws.
    """
    if not jobs or workers < 1:
        raise ValueError(f"jobs and workers must be at least 1, not {len(jobs)} and {workers}")

    def piece(first: int) -> list[Row]:
        numbers = range(first, min(first + AT_A_TIME, organizations))
        return [look(*histories_of(jobs, seed, number)) for number in numbers]

    rows: list[Row] = []
    firsts = ((first,) for first in range(0, organizations, AT_A_TIME))
    with closing(in_order(piece, firsts, workers)) as pieces:
        for found in pieces:
            rows += found
            if progress is not None:
                progress(len(rows))
    return rows


def histories_of(jobs: Sequence[Job], seed: int, organization: int) -> tuple[World, list[History]]:
    """Play every job in one organization: the world of the first, and a history per job."""
    worlds: dict[int, World] = {}
    histories: dict[int, History] = {}
    for group in shared_worlds(jobs):
        alike = jobs[group[0]]
        world = draw_world(
            seed, organization, alike.parameters, alike.budget, alike.timeline, alike.known, alike.future
        )
        for place in group:
            job = jobs[place]
            policy = _policy_in(job, seed, organization)
            worlds[place] = world
            histories[place] = simulate(world, policy, job.parameters, job.timeline).history
    return worlds[0], [histories[place] for place in range(len(jobs))]


def one_by_one(jobs: Sequence[Job], seed: int, organization: int, rooms: Rooms) -> Iterator[tuple[Job, World, History]]:
    """Play jobs of the same world in one organization, one after the other in the same rooms.

    What is handed over holds until the next is asked for: of large books the rooms take as long to make as to play in.
    """
    alike = jobs[0]
    world = draw_world(
        seed, organization, alike.parameters, alike.budget, alike.timeline, alike.known, alike.future, rooms.world
    )
    for job in jobs:
        policy = _policy_in(job, seed, organization)
        _play_one(world, policy, job.parameters, job.timeline, rooms.play, rooms.history, None)
        yield job, world, rooms.history


@kernel
def account_in(history: History, gross_margin: float, launch: int, discount: float, cumulated: Floats) -> Account:
    """Account of profit of a history, as a kernel of its own: `kamsim.measures.profit.account_by_year`."""
    return account_by_year(history, gross_margin, launch, discount, cumulated)


def _policy_in(job: Job, seed: int, organization: int) -> Policy:
    """Policy of an organization: the job's, with levers drawn where it is a population."""
    low, high = split_seed(seed)
    return job.policy._replace(levers=drawn_levers(low, high, organization, job.mix, job.policy.levers))
