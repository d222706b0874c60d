"""Files: checked before anything is played, written whole or not at all, and on the disk when they show."""

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kamsim.errors import KamsimError
from kamsim.text import csv_text

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "comparison.csv"
LOCK = ".lock"
FULL = "the disk is full; what is done is kept: make room and run the same command again"
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
YOUNG = 2.0  # seconds: what has just been created may not be marked yet

_ABANDONED = re.compile(r"\.(?P<target>.+)\.(?P<kind>partial|old)-\d+")


@contextmanager
def naming(where: str | os.PathLike[str], done: str = "written", advice: str = "") -> Iterator[None]:
    """Tell what the system refuses inside in one sentence: the file, what cannot be done with it, and advice."""
    try:
        yield
    except OSError as error:
        # The words of the system: libraries put a whole path and more into theirs.
        reason = os.strerror(error.errno) if error.errno else str(error).strip()
        said = FULL if error.errno in DISK_IS_FULL else f"cannot be {done}: {reason}{advice and '; '}{advice}"
        raise KamsimError(f"{os.fspath(where)}: {said}") from None


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Be the only one at work in a folder that exists; an error where another sweep, or ``what`` it is, is."""
    from filelock import FileLock, Timeout

    # The system lets go of the lock when a process ends, however it ends.
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise KamsimError(
            f"{folder}: another {what} is at work in this folder; wait for it or choose another `out`"
        ) from None
    try:
        yield
    finally:
        lock.release()


def check_target(path: Path, suffix: str) -> None:
    """Refuse a file that cannot be written, before anything is played.

    Its name must end in a suffix: a mistyped one must not cost anybody another file.
    """
    if path.suffix != suffix:
        raise KamsimError(f"{path}: the name of this file must end in {suffix}")
    if os.path.isdir(path):
        raise KamsimError(f"{path}: is a folder; name a file in it")
    if not os.path.isdir(path.parent):
        raise KamsimError(f"{path}: there is no folder {path.parent}; create it first")
    if not os.access(path.parent, os.W_OK):
        raise KamsimError(f"{path}: the folder cannot be written; choose another")
    clear_abandoned(path.parent)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Mark a half-written file or folder as this process's; the system drops the mark when the process ends."""
    mark = _marked(path)
    try:
        yield
    finally:
        if mark is not None:
            os.close(mark)


def clear_abandoned(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder; what a live one holds, here or elsewhere, stays."""
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            name = _ABANDONED.fullmatch(path.name)
            if name is None or time.time() - path.stat().st_mtime < YOUNG or (mark := _marked(path)) is None:
                continue
            target = path.with_name(name["target"])
            if name["kind"] == "old" and not target.exists():
                path.rename(target)  # killed between taking one result away and putting the other there
            elif path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            os.close(mark)


def _marked(path: Path) -> int | None:
    """Lock on a file or folder as long as it is open; nothing where somebody has it, or the system cannot tell."""
    try:
        import fcntl

        handle = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def write_whole(path: Path, content: str | bytes | Callable[[Path], object]) -> None:
    """Write a file whole or not at all: it shows under its name only when it is on the disk.

    A callable is given the path to write to, which then takes the place of the other.
    """
    beside = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        with naming(path):
            beside.touch()
            with held(beside):
                if callable(content):
                    content(beside)
                else:
                    beside.write_bytes(content.encode() if isinstance(content, str) else content)
                to_disk(beside)
            beside.replace(path)
            to_disk(path.parent)
    finally:
        with suppress(OSError):
            beside.unlink()


def write_parquet(path: Path, table: "pa.Table") -> None:
    """Write a table as a Parquet file, under any name that the file system takes; Arrow itself knows only UTF-8."""
    import pyarrow.parquet as pq

    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")


def read_parquet(content: bytes) -> "pa.Table":
    """Read a table from the bytes of a Parquet file.

    In this thread alone: a thread of Arrow's that lets go of these bytes while Python ends takes the process down.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(use_threads=False)


def to_disk(*paths: Path) -> None:
    """Wait until files and folders are on the disk, so that what a rename shows is whole after a power cut."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---------------------------------------------------------------- what they hold


def json_text(content: object) -> str:
    """Plain values as JSON, the same text for the same values; not sorted: the order of tiers has a meaning."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # Bytes of a file name that are no UTF-8 become an escape, which JSON reads back as it was.
    return text.encode(errors="backslashreplace").decode()


def read_json(path: Path, what: str) -> dict[str, object]:
    """Read a JSON file of ours, which should be ``what``: one sentence that names the file, whatever its bytes are."""
    with naming(path, "read"):
        text = path.read_bytes()
    try:
        content = json.loads(text.decode())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise KamsimError(f"{path}: is no {what}")
    return content


def write_result(path: Path, content: Mapping[str, object]) -> None:
    """Write a result as JSON, into a folder that itself appears whole or not at all."""
    path.write_text(json_text(content), encoding="utf-8", newline="\n")


def write_table(folder: Path, rows: Sequence[Mapping[str, object]], name: str = TABLE) -> None:
    """Write a table of a comparison, rows alike in their keys, as CSV; None becomes an empty field."""
    text = csv_text([list(rows[0]), *(row.values() for row in rows)])
    (folder / name).write_text(text, encoding="utf-8", newline="\n")
