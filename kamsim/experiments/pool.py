"""Where a run is run: organizations in chunks, on threads or another executor, handed back in their order."""

import math
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from typing import TypeVar

import numpy as np

from kamsim.errors import KamsimError
from kamsim.experiments.jobs import Job, Table, accounts_of, play_organizations
from kamsim.types import Floats, Progress
from kamsim.world.world import MOST_ORGANIZATIONS, split_seed

Result = TypeVar("Result")

SECONDS_PER_CHUNK = 0.25
MOST_WORKERS = 65_536  # more than any system starts
SECONDS_PER_ACCOUNT_QUARTER = 60e-9


def available_cores() -> int:
    """Cores that this process may use, which on a shared machine are fewer than it has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def checked_workers(replications: int, seed: int, jobs: int | None) -> int:
    """Check the size of a run as the user gave it, and say how many workers it gets; None for every core."""
    if not 1 <= replications <= MOST_ORGANIZATIONS:
        raise KamsimError(f"replications must be a whole number from 1 to 2**32, not {replications}")
    split_seed(seed)
    if jobs is not None and not 1 <= jobs <= MOST_WORKERS:
        raise KamsimError(f"jobs must be at least 1 and at most {MOST_WORKERS:,}, not {jobs}")
    return jobs or available_cores()


def seed_apart(seed: int, times: int = 1) -> int:
    """Seed whose organizations are none of another's: those that nothing was fitted to, or others once more."""
    return (seed + times * MOST_ORGANIZATIONS) % 2**64


def chunk_for(jobs: Sequence[Job], replications: int, workers: int) -> int:
    """Organizations that make about a quarter of a second of work, and leave work for every worker."""
    account_quarters = sum(4 * job.timeline.years * job.budget.accounts for job in jobs)
    worth = int(SECONDS_PER_CHUNK / (SECONDS_PER_ACCOUNT_QUARTER * max(1, account_quarters)))
    return max(1, min(worth, math.ceil(replications / workers)))


def accounts_played(
    jobs: Sequence[Job],
    seed: int,
    organizations: int,
    *,
    first: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Floats:
    """Accounts of profit of jobs in so many organizations, in money: (organizations, jobs, amounts)."""
    with closing(run_in_chunks(jobs, seed, organizations, first=first, workers=workers, progress=progress)) as chunks:
        return np.concatenate([accounts_of(tables, jobs) for tables in chunks])


def run_in_chunks(
    jobs: Sequence[Job],
    seed: int,
    replications: int,
    *,
    first: int = 0,
    workers: int = 1,
    chunk: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Generator[list[Table], None, None]:
    """Play so many organizations from the ``first`` on, some at a time, and yield what came of them in that order.

    One table per job, a row for each organization of the chunk; the same whatever the workers, the ``chunk``
    (organizations at a time, by default about a quarter of a second of work) and the executor. That stays open; by
    default threads of this process play, for the kernels let other threads run. ``progress`` is told how many
    organizations are done.
    """
    if workers < 1 or (chunk is not None and chunk < 1):
        raise ValueError(f"workers and chunk must be at least 1, not {workers} and {chunk}")
    size = chunk or chunk_for(jobs, replications, workers)
    tasks = ((jobs, seed, first + done, min(size, replications - done)) for done in range(0, replications, size))
    with closing(in_order(play_organizations, tasks, workers, executor)) as played:
        for number, tables in enumerate(played, start=1):
            if progress is not None:
                progress(min(number * size, replications))
            yield tables


def in_order(
    play: Callable[..., Result], tasks: Iterable[tuple[object, ...]], workers: int, executor: Executor | None = None
) -> Generator[Result, None, None]:
    """Play tasks some at a time, and hand over what came of them in their order.

    By default on threads of this process; an executor stays open. At most ``2 * workers + 1`` tasks wait or run, so
    that a slow reader is not buried in results. When the reader stops, or a task fails, those not yet begun are
    canceled.
    """
    rest = iter(tasks)
    threads = ThreadPoolExecutor(workers, thread_name_prefix="kamsim") if executor is None else None
    pool = executor or threads
    assert pool is not None
    waiting: deque[Future[Result]] = deque()
    try:
        while True:
            waiting.extend(pool.submit(play, *task) for task in islice(rest, 2 * workers + 1 - len(waiting)))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        if threads is not None:
            threads.shutdown(cancel_futures=True)


def in_blocks(pieces: Iterable[Floats], size: int) -> Iterator[Floats]:
    """Cut arrays anew into blocks of a fixed length, so that what is made of them does not depend on the chunks.

    Along the first axis, C-contiguous; all of the given length but perhaps the last.
    """
    block: Floats | None = None
    filled = 0
    for piece in pieces:
        taken = 0
        while taken < len(piece):
            if block is None:
                block, filled = np.empty((size, *piece.shape[1:])), 0
            more = min(size - filled, len(piece) - taken)
            block[filled : filled + more] = piece[taken : taken + more]
            filled, taken = filled + more, taken + more
            if filled == size:
                yield block
                block = None
    if block is not None:
        yield block[:filled]
