"""A sweep: every point of an experiment played in the same worlds, chunk by chunk, into a store that can be resumed."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.experiments import chunks as chunking
from kamsim.experiments.chunks import (
    RULES,
    Chunk,
    Plan,
    chunks_of,
    name_of,
    part_of,
    plan_of,
    play_chunk,
    seconds_per_replication,
    size_of_chunks,
    with_point,
)
from kamsim.experiments.designs import Experiment
from kamsim.experiments.executors import Place, Rules, completed, local_place
from kamsim.experiments.manifest import arithmetic, run_of, version_of
from kamsim.experiments.parts import MANIFEST, Counted, Rows, Store, checked, difference_of, opened
from kamsim.experiments.pool import checked_workers
from kamsim.records import Record

if TYPE_CHECKING:
    import pandas as pd

SweepProgress = Callable[[int, int], None]  # told how much is done, and of how much

BYTES_PER_VALUE = 8.3  # measures are noise, and noise does not compress
POINTS_CHECKED_FIRST = 2_000  # points of a design that are all made into scenarios before anything is played
VERIFIED = 5  # parts
LAST_DIGITS = 1e-9  # of a figure: rounding in single operations, and what sums of them make of it


@dataclass(frozen=True)
class Progressed(Record):
    """Where a sweep stands.

    Parameters
    ----------
    parts, done : int
        Parts that the experiment asks for, and those of them that are there and whole.
    failed : int
        Replications of those that ended in an error.
    damaged : tuple of str
        Parts that are there and not whole.
    computed : int
        Parts that this run computed.
    superseded : int
        Parts of an earlier version of the experiment that were set aside.
    """

    parts: int
    done: int
    failed: int
    damaged: tuple[str, ...] = ()
    computed: int = 0
    superseded: int = 0


# ---------------------------------------------------------------- running


def warm_up(plan: Plan) -> None:
    """Compile the simulation once, before several processes would each do it."""
    chunk = next(chunks_of(plan))
    play_chunk(chunk._replace(points=chunk.points[:1], replications=1))


def manifest_of(plan: Plan, aim: Sequence[object] | None = None) -> dict[str, object]:
    """What a store says that it holds: a plan, and where replications are added, to what aim."""
    return {
        "command": "sweep",
        "kamsim": version_of("kamsim"),
        "model": chunking.MODEL,
        "experiment": dict(plan.experiment),
        "policies": [policy.model_dump(mode="json", exclude_none=True) for policy in plan.policies],
        "accounts": plan.accounts,
        "aim": None if aim is None else list(aim),
        "arithmetic": [arithmetic()],
    }


def notes_on_accounts(plan: Plan, folder: Path) -> tuple[str, ...]:
    """Say what was done to the book of a plan, and that a folder holds what was played on other accounts."""
    notes = () if plan.book is None else plan.book.notes
    before = Store(folder).manifest()
    if before is None or before.get("accounts") == plan.accounts:
        return notes
    now = "accounts that are drawn" if plan.accounts is None else f"{plan.accounts['file']} as it is now"
    return (*notes, f"{folder} was played on other accounts than {now}: nothing of it counts, and all is played anew")


def check_points(plan: Plan) -> None:
    """Make scenarios of the points of a design before anything is played; all of them unless there are thousands.

    An error names the point that makes no valid scenario.
    """
    step = max(1, len(plan.points) // POINTS_CHECKED_FIRST)
    for number in range(0, len(plan.points), step):
        for policy in plan.policies:
            try:
                with_point(policy, plan.points[number])
            except KamsimError as error:
                values = ", ".join(f"{name} = {value}" for name, value in plan.points[number].items())
                raise KamsimError(f"{plan.name}: point {number} ({values}): {error}") from None


def run_sweep(
    plan: Plan,
    folder: Path,
    place: Place,
    *,
    retry_failed: bool = False,
    restart: bool = False,
    chunks: Sequence[Chunk] | None = None,
    aim: Sequence[object] | None = None,
    rules: Rules[Chunk, Rows] = RULES,
    progress: SweepProgress | None = None,
) -> Progressed:
    """Play what is missing of a sweep, in a folder where one that was begun goes on.

    Parameters
    ----------
    retry_failed : bool
        Whether parts that hold failed replications are played again.
    restart : bool
        Whether a store of another version of the model is set aside and begun anew.
    chunks : sequence of Chunk, optional
        What is asked for; by default the whole plan.
    aim : sequence, optional
        To what replications are added, for the manifest.
    progress : callable, optional
        Told how many replication-policies are done, and how many this run has to do.

    Raises
    ------
    KamsimError
        Where the store is of another model, busy, or cannot be written; or the executor was lost.
    """
    if chunks is None:
        check_points(plan)
    with opened(folder) as store:
        aside = _claim(store, manifest_of(plan, aim), restart)
        if chunks is not None:
            # Nobody may read parts of another aim among these.
            store.supersede(sorted(store.names() - set(map(name_of, chunks))))
        tally, computed = _Tally(plan.size, progress), 0
        missing = _missing(store, chunks_of(plan) if chunks is None else chunks, tally, retry_failed)
        for chunk, rows in completed(place, rules, missing):
            store.write(name_of(chunk), part_of(plan, chunk, rows))
            tally.add(Counted(len(rows.point), sum(map(bool, rows.error))))
            computed += 1
        left_over = sorted(store.names() - tally.asked)
        store.supersede(left_over)
        return tally.progressed(computed, len(left_over) + len(aside - tally.asked))


class _Tally:
    """What is known so far of the parts of a sweep, told as it grows."""

    def __init__(self, size: int = 0, told: SweepProgress | None = None) -> None:
        self._size, self._told, self._rows, self._done, self._failed = size, told, 0, 0, 0
        self.asked, self.damaged = set[str](), list[str]()

    def add(self, part: Counted) -> None:
        """Count a part that is there and whole."""
        self._done, self._failed, self._rows = self._done + 1, self._failed + part.failed, self._rows + part.rows
        if self._told is not None:
            self._told(self._rows, self._size)

    def progressed(self, computed: int = 0, superseded: int = 0) -> Progressed:
        """Where the sweep stands."""
        return Progressed(len(self.asked), self._done, self._failed, tuple(self.damaged), computed, superseded)


def _missing(store: Store, chunks: Iterable[Chunk], tally: _Tally, retry_failed: bool) -> Iterator[Chunk]:
    """Chunks whose parts are not there, damaged, or to be tried again; the others are counted."""
    here = store.names()
    for chunk in chunks:
        name = name_of(chunk)
        tally.asked.add(name)
        if name in here or store.take_back(name):
            part = store.whole(name)
            if part is None:
                tally.damaged.append(name)
            elif not (retry_failed and part.failed):
                tally.add(part)
                continue
        yield chunk


def sweep(
    experiment: Experiment,
    out: str | Path,
    *,
    replications: int | None = None,
    jobs: int | None = None,
    book: Book | None = None,
    retry_failed: bool = False,
    restart: bool = False,
    progress: SweepProgress | None = None,
) -> Progressed:
    """Play what is missing of an experiment, on this machine; `read_sweep` reads what came of it.

    Parameters
    ----------
    experiment : Experiment
        From `load_experiment`.
    out : str or path
        Folder of the store; a sweep begun there goes on.
    replications : int, optional
        Worlds per point; by default the experiment's.
    jobs : int, optional
        Processes; by default as many as there are cores. They change no result.
    book : Book, optional
        Account book to play in; by default that of the policies, if they carry one.
    retry_failed, restart, progress
        As for `run_sweep`.

    Returns
    -------
    Progressed
        Where the sweep stands at the end.

    Raises
    ------
    KamsimError
        One sentence on what is wrong.
    """
    workers = checked_workers(experiment.replications if replications is None else replications, experiment.seed, jobs)
    plan = plan_of(experiment, book=book, replications=replications)
    warm_up(plan)
    place = local_place(workers)
    return run_sweep(plan, Path(out), place, retry_failed=retry_failed, restart=restart, progress=progress)


def _claim(store: Store, manifest: Mapping[str, object], restart: bool) -> set[str]:
    """Make the store one of this manifest; parts of another are set aside, and taken back where they fit."""
    before, aside = store.manifest(), set[str]()
    if before is not None and run_of(before) != run_of(manifest):
        if before.get("model") != chunking.MODEL and not restart:
            raise _of_another_model(
                store, before, "choose another `out`, or `restart` to set its parts aside and compute them anew"
            )
        aside = store.names()
        store.supersede(sorted(aside))
    elif restart:
        store.remove(sorted(store.names()))
    # Parts of several machines may differ in last digits, so all that were at work are named.
    machines = [] if before is None or restart else before.get("arithmetic")
    others = [one for one in machines if one != arithmetic()] if isinstance(machines, list) else []
    store.write_manifest({**manifest, "arithmetic": [*others, arithmetic()]})
    return aside


def _of_another_model(store: Store, manifest: Mapping[str, object], advice: str) -> KamsimError:
    made = f"kamsim {manifest.get('kamsim')} with model {manifest.get('model')}"
    here = f"kamsim {version_of('kamsim')} with model {chunking.MODEL}"
    return KamsimError(f"{store.folder}: was made by {made}, this is {here}; {advice}")


def chunks_with_aim(plan: Plan, points: Sequence[int], first: int) -> list[Chunk]:
    """Chunks of a round of replications: each of one point, so that points can go on or stop by themselves."""
    return [chunk for point in points for chunk in chunks_of(plan, [point], first, plan.replications)]


def _chunks_there(plan: Plan, store: Store) -> Iterator[Chunk]:
    """Chunks of a plan; where replications were added to an aim, of all its rounds that left a part."""
    manifest, here = store.manifest(), store.names()
    if manifest is None:  # the names of the parts say whether there was an aim
        without_aim = any(name_of(chunk) in here for chunk in chunks_of(plan))
    else:
        without_aim = not manifest.get("aim")
    if without_aim:
        yield from chunks_of(plan)
        return
    for first in itertools.count(0, plan.replications):
        there = [chunk for chunk in chunks_with_aim(plan, range(len(plan.points)), first) if name_of(chunk) in here]
        if not there:
            return
        yield from there


# ---------------------------------------------------------------- looking


def status_of(plan: Plan, folder: Path) -> Progressed:
    """Look where a sweep stands, without touching it; an error where there is none, or one of another model."""
    store = _of_this_model(folder, "its parts cannot be told from here")
    tally = _Tally()
    if store.manifest() is None:
        tally.damaged.append(MANIFEST)
    here = store.names()
    for chunk in _chunks_there(plan, store):
        name = name_of(chunk)
        tally.asked.add(name)
        if name in here:
            part = store.whole(name)
            if part is None:
                tally.damaged.append(name)
            else:
                tally.add(part)
    return tally.progressed()


def _of_this_model(folder: Path, advice: str) -> Store:
    """Store that this model made; without a manifest, one whose parts will tell by their names."""
    store = Store(folder)
    manifest = store.manifest()
    if manifest is None and not store.names():
        raise KamsimError(f"{folder}: holds no sweep")
    if manifest is not None and manifest.get("model") != chunking.MODEL:
        raise _of_another_model(store, manifest, advice)
    return store


class Verified(NamedTuple):
    """What came of computing parts of a store again.

    ``different`` are damaged, or hold other figures; ``last_digits`` differ in those only, as they do where another C
    library or processor computed them, each with the largest difference as a part of the figure.
    """

    verified: list[str]
    different: list[str]
    last_digits: dict[str, float]


def verify_sweep(plan: Plan, folder: Path, *, parts: int = VERIFIED, seed: int | None = None) -> Verified:
    """Compute some of the parts of a store again, and compare them bit by bit.

    As many as `parts`, drawn at random by `seed`, by default others every time; all if there are fewer.
    """
    store = _of_this_model(folder, "its parts cannot be told from here")
    here = store.names()
    there = [name for chunk in _chunks_there(plan, store) if (name := name_of(chunk)) in here]
    if not there:
        raise KamsimError(f"{folder}: holds no part of this experiment as it is now, so there is nothing to verify")
    drawn = set(np.random.default_rng(seed).permutation(sorted(there))[:parts].tolist())
    found = Verified([], [], {})
    for chunk in _chunks_there(plan, store):
        name = name_of(chunk)
        if name in drawn:
            found.verified.append(name)
            again = part_of(plan, chunk, play_chunk(chunk))
            apart = 0.0 if (store.parts / name).read_bytes() == again else difference_of(store.parts / name, again)
            if apart > LAST_DIGITS:
                found.different.append(name)
            elif apart:
                found.last_digits[name] = apart
    return found


def read_sweep(folder: str | Path, *, any_model: bool = False) -> "pd.DataFrame":
    """Read a sweep as one table, and make sure that every part of it is what was written.

    Parameters
    ----------
    folder : str or path
        Of its store.
    any_model : bool
        Whether a store that another version of the model made may be read.

    Returns
    -------
    pandas.DataFrame
        A row per point, policy and replication, in that order.

    Raises
    ------
    KamsimError
        Where a part is damaged, or the folder holds no sweep.
    """
    import pyarrow as pa

    store = Store(Path(folder))
    if not any_model:
        store = _of_this_model(store.folder, "any_model=True reads it all the same")
        if store.manifest() is None:
            raise KamsimError(
                f"{store.folder / MANIFEST}: is lost or damaged; the same sweep again makes it anew, and "
                "any_model=True reads the parts as they are"
            )
    tables = [checked(store.parts / name)[0].replace_schema_metadata(None) for name in sorted(store.names())]
    if not tables:
        raise KamsimError(f"{folder}: the sweep there has no part yet")
    table = pa.concat_tables(tables, promote_options="permissive")
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas(use_threads=False)
    return frame.sort_values(["point", "policy", "replication"], kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Size:
    """Size of a sweep before it is run; seconds on so many workers and megabytes on the disk, about."""

    points: int
    policies: int
    replications: int
    parts: int
    seconds: float
    megabytes: float


def estimate_of(plan: Plan, workers: int) -> Size:
    """Estimate what a sweep costs that some workers share, from the size of the book; nothing is played."""
    each = seconds_per_replication(plan)
    together, at_a_time = size_of_chunks(plan, plan.replications)
    parts = math.ceil(len(plan.points) / together) * math.ceil(plan.replications / at_a_time)
    work = each * len(plan.points) * plan.replications
    size = plan.size * len(plan.measures) * BYTES_PER_VALUE + 3_000 * parts
    return Size(len(plan.points), len(plan.policies), plan.replications, parts, work / min(workers, parts), size / 1e6)
