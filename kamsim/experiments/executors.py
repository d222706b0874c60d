"""Where chunks run: processes of this machine, a Dask cluster or any other executor; and what to do when one breaks."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from kamsim.errors import KamsimError

if TYPE_CHECKING:
    from distributed import Client

Work = TypeVar("Work")
Result = TypeVar("Result")

CHANCES = 2  # how often the pool that holds a chunk may break before the chunk is tried alone


class Place(NamedTuple):
    """An executor, and how to get another when it breaks."""

    open: Callable[[], Executor]
    workers: int
    rebuilds: bool  # whether a broken one can be replaced
    name: str


# ---------------------------------------------------------------- places


def local_place(jobs: int) -> Place:
    """Processes of this machine; threads of this one where a system lets it start none.

    A worker that is killed costs its chunk's time, nothing else. Scripts need no main guard.
    """
    begun = False

    def start() -> Executor:
        nonlocal begun
        pool: Executor | None = None
        try:
            pool = ProcessPoolExecutor(jobs, mp_context=_WithoutMain(), initializer=_begin_worker)
            if not begun:
                pool.submit(os.getpid).result()
        except (AssertionError, BrokenExecutor, ImportError, OSError, RuntimeError):
            if begun:  # what has cost this machine its processes would cost it this one too
                raise
            if pool is not None:
                _stop(pool)
            return ThreadPoolExecutor(jobs, thread_name_prefix="kamsim")
        begun = True
        return pool

    return Place(start, jobs, True, f"{jobs} processes")


class _Worker(SpawnProcess):
    """A fresh process that does not read the script again which started it.

    It would run a script without a main guard from its top, and there is none to read where commands come from
    standard input or a notebook.
    """

    def start(self) -> None:
        """Start; all that a worker needs is found in this package."""
        with _main_put_aside:
            main = sys.modules["__main__"]
            sys.modules["__main__"] = ModuleType("__main__")
            try:
                super().start()
            finally:
                sys.modules["__main__"] = main


class _WithoutMain(SpawnContext):
    """Forking a process that runs threads can hang; a fresh one cannot."""

    Process = _Worker


_main_put_aside = threading.Lock()


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it even where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def cluster_place(address: str) -> Place:
    """Dask cluster whose scheduler has some address, ``tcp://host:8786``; an error where nobody answers there."""
    try:
        import distributed
    except ImportError:
        raise KamsimError("`cluster` takes Dask; install it: pip install 'kamsim[cluster]'") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what is wrong is said in one sentence

    def client() -> distributed.Client:
        try:
            return distributed.Client(address, timeout="10s", set_as_default=False)
        except Exception as error:
            raise KamsimError(f"{address}: no Dask scheduler answers there ({type(error).__name__})") from None

    asking = client()
    threads = sum(asking.nthreads().values())
    asking.close()
    if not threads:
        raise KamsimError(f"{address}: the Dask scheduler has no workers; start some: dask worker {address}")
    return Place(lambda: _ClusterExecutor(client()), threads, False, f"the Dask cluster at {address}")


class _ClusterExecutor(Executor):
    """Executor of a Dask client that closes the client with itself."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)

    def submit(self, function: Callable[..., Result], /, *arguments: object, **named: object) -> Future[Result]:
        return self._executor.submit(function, *arguments, **named)  # type: ignore[no-any-return]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with suppress(Exception):
            self._executor.shutdown(wait=False)
        with suppress(Exception):
            self._client.close(timeout=2)


def named_place(name: str, jobs: int) -> Place:
    """An executor of another kind, by the name of what gives one.

    ``module:callable``; the callable takes nothing and returns a `concurrent.futures.Executor`, which is given some
    `jobs` at a time. An error where there is no such callable.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise KamsimError(f"`executor` is module:callable, such as my_cluster:pool, not '{name}'")
    try:
        make = getattr(import_module(module), attribute)
    except AttributeError:
        raise KamsimError(f"`executor` {name}: module {module} has no {attribute}") from None
    except (Exception, SystemExit) as error:
        raise KamsimError(f"`executor` {name}: cannot be imported: {_told(error)}") from None

    def start() -> Executor:
        try:
            executor = make()
        except (Exception, SystemExit) as error:
            raise KamsimError(f"`executor` {name}: could not be opened: {_told(error)}") from None
        if not callable(getattr(executor, "submit", None)):
            raise KamsimError(f"`executor` {name}: gave {type(executor).__name__}, not a concurrent.futures.Executor")
        return executor  # type: ignore[no-any-return]

    return Place(start, jobs, True, name)


def chosen_place(jobs: int, cluster: str | None, executor: str | None) -> Place:
    """Place that a command names, by the address of a Dask scheduler or the name of an executor; else this machine."""
    if cluster and executor:
        raise KamsimError("`cluster` and `executor` are two places to run; give one of them")
    if cluster:
        return cluster_place(cluster)
    return named_place(executor, jobs) if executor else local_place(jobs)


# ---------------------------------------------------------------- running


@dataclass
class _Tried(Generic[Work]):
    """Work, and how often an executor broke while it held it."""

    work: Work
    strikes: int = 0


class Rules(NamedTuple, Generic[Work, Result]):
    """How chunks are played, and what becomes of those that kill their worker."""

    play: Callable[[Work], Result]  # found by name in another process; catches what goes wrong in a replication
    split: Callable[[Work], tuple[Work, Work] | None]  # into halves, or None where nothing is left to take apart
    give_up: Callable[[Work, str], Result]  # result of work that cannot be taken apart, and what became of it
    merge: Callable[[Result, Result], Result]  # of the results of two halves


def completed(
    place: Place, rules: Rules[Work, Result], chunks: Iterable[Work]
) -> Generator[tuple[Work, Result], None, None]:
    """Play chunks, of which there may be millions, and hand each over once when it is done, in whatever order.

    What was handed over is safe; where the executor is lost and cannot be replaced, a KamsimError says so. When a
    worker dies, its pool fails everything that it holds, and nobody can say which chunk did it. So all of it is tried
    again; what a pool held when it broke a second time goes on with nothing beside it, where blame is certain.
    """
    fresh = iter(chunks)
    again: deque[_Tried[Work]] = deque()
    running: dict[Future[Result], _Tried[Work]] = {}
    executor: Executor | None = None
    try:
        while True:
            for tried in [tried for tried in again if tried.strikes >= CHANCES]:
                again.remove(tried)
                executor, result = _alone(place, executor or place.open(), rules, tried.work)
                yield tried.work, result
            broken = False
            while len(running) < 2 * place.workers + 1 and not broken:
                tried_next = again.popleft() if again else _next_of(fresh)
                if tried_next is None:
                    break
                executor = executor or place.open()
                try:
                    running[_submitted(place, executor, rules.play, tried_next.work)] = tried_next
                except BrokenExecutor:
                    again.append(tried_next)
                    broken = True
            if not running and not again:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                tried = running.pop(future)
                error = _failure_of(future)
                if error is None:
                    yield tried.work, future.result()
                    continue
                _raise_if_lost(place, error)
                # A cluster has tried by itself what killed its workers, and goes on with the rest.
                tried.strikes += 1 if place.rebuilds else CHANCES
                again.append(tried)
                broken = place.rebuilds
            if broken and executor is not None:
                for tried in running.values():
                    tried.strikes += 1
                again.extend(running.values())
                running.clear()
                executor = _replaced(place, executor)
    finally:
        if executor is not None:
            _stop(executor)


def _next_of(fresh: Iterator[Work]) -> "_Tried[Work] | None":
    for work in fresh:
        return _Tried(work)
    return None


def _alone(place: Place, executor: Executor, rules: Rules[Work, Result], work: Work) -> tuple[Executor, Result]:
    """Play one piece of work with nothing beside it; take it apart where it kills its worker."""
    try:
        return executor, _submitted(place, executor, rules.play, work).result()
    except Exception as error:
        _raise_if_lost(place, error)
        executor = _replaced(place, executor)
    halves = rules.split(work)
    if halves is None:
        return executor, rules.give_up(work, "the worker that played it was killed, and again when it was tried alone")
    executor, one = _alone(place, executor, rules, halves[0])
    executor, other = _alone(place, executor, rules, halves[1])
    return executor, rules.merge(one, other)


def _submitted(place: Place, executor: Executor, function: Callable[..., Result], *given: object) -> Future[Result]:
    try:
        future: object = executor.submit(function, *given)
    except (BrokenExecutor, KamsimError):
        raise
    except (Exception, SystemExit) as error:
        raise KamsimError(f"{place.name} takes no work ({_told(error)}); name another") from None
    if not isinstance(future, Future):
        raise KamsimError(f"{place.name} gave {type(future).__name__} for work, not a concurrent.futures.Future")
    return future


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _failure_of(future: Future[Result]) -> BaseException | None:
    try:
        return future.exception()
    except BaseException as error:  # a future that was canceled by its cluster
        if isinstance(error, KeyboardInterrupt):
            raise
        return error


def _raise_if_lost(place: Place, error: BaseException) -> None:
    """Raise where it is the executor that failed, and not a worker that died of its work."""
    if isinstance(error, KamsimError):
        raise error
    if isinstance(error, BrokenExecutor) and place.rebuilds:
        return
    if type(error).__name__ == "KilledWorker":
        return
    raise KamsimError(
        f"{place.name} was lost ({_told(error)}); what is done is kept: run the same command again"
    ) from None


def _replaced(place: Place, executor: Executor) -> Executor:
    """Another executor for one that broke, which has shown that its workers start at all.

    Workers that never start say nothing about the work that they were to do.
    """
    if not place.rebuilds:
        return executor
    _stop(executor)
    executor = place.open()
    try:
        _submitted(place, executor, os.getpid).result()
    except BrokenExecutor as error:
        _stop(executor)
        raise KamsimError(
            f"{place.name}: workers end before they do any work ({_told(error)}); what is done is "
            "kept, so mend that or choose another place, and run the same command again"
        ) from None
    return executor


def _stop(executor: Executor) -> None:
    """Stop an executor without waiting for work that nobody wants any more."""
    processes = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        with suppress(Exception):
            process.kill()
    if processes:
        # With its processes gone the pool's own thread ends at once; left behind it would complain at exit.
        with suppress(Exception):
            executor.shutdown(wait=True)
