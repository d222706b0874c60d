"""Chunks that fail or kill their worker, found by name in other processes."""

import os
import signal
from pathlib import Path

import kamsim.experiments.chunks as chunks
from kamsim.experiments.jobs import play_organizations

POISONED = (1, 7)  # point and replication
MARK = "KAMSIM_TEST_MARK"


def holds_poison(chunk):
    return any(number == POISONED[0] for number, _ in chunk.points) and (
        chunk.first <= POISONED[1] < chunk.first + chunk.replications
    )


def play_failing(chunk):
    """One replication of one point raises."""

    def failing(jobs, seed, first, count):
        place = [number for number, _ in chunk.points].index(POISONED[0]) if holds_poison(chunk) else -1
        poisoned = place >= 0 and any(job is chosen[place] for job in jobs)
        if poisoned and first <= POISONED[1] < first + count:
            raise FloatingPointError("planted")
        return play_organizations(jobs, seed, first, count)

    chosen, make = [], chunks.job_of

    def noted(*arguments, **named):
        chosen.append(make(*arguments, **named))
        return chosen[-1]

    chunks.play_organizations, chunks.job_of = failing, noted
    try:
        return chunks.play_chunk(chunk)
    finally:
        chunks.play_organizations, chunks.job_of = play_organizations, make


def play_killing(chunk):
    """One replication of one point kills its worker, always."""
    if holds_poison(chunk):
        os.kill(os.getpid(), signal.SIGKILL)
    return chunks.play_chunk(chunk)


def play_killed_once(chunk):
    """The first worker that gets the poisoned chunk is killed."""
    mark = Path(os.environ[MARK])
    if holds_poison(chunk) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return chunks.play_chunk(chunk)


def pool():
    """An executor of somebody else's."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(2)


def one():
    """An executor of one thread."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1)


PLAIN = 3  # no callable


def shut():
    """An executor that takes no work any more."""
    executor = one()
    executor.shutdown()
    return executor


class _Odd:
    """What has the method of an executor and is none."""

    def __init__(self, submit):
        self.submit = submit

    def shutdown(self, wait=True, cancel_futures=False):
        """Nothing to stop."""


def no_futures():
    """An executor that hands back what is no future."""
    return _Odd(lambda *_: "done")


def leaving():
    """An executor that ends the program."""

    def submit(*_):
        raise SystemExit(0)

    return _Odd(submit)


def never_started():
    """An executor whose workers end before they begin."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=os.abort)
