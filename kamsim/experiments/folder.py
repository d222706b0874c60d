"""Where a run lands: a folder that appears whole or not at all, and says how to repeat the run exactly."""

import json
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kamsim.errors import KamsimError
from kamsim.experiments.files import (
    DISK_IS_FULL,
    TABLE,
    clear_abandoned,
    held,
    naming,
    to_disk,
    write_result,
)
from kamsim.experiments.manifest import MANIFEST, Manifest, run_of
from kamsim.experiments.replications import REPLICATIONS

FIGURE = "comparison.png"
RUN_FILES = frozenset({REPLICATIONS, TABLE, FIGURE, MANIFEST})


@contextmanager
def result_folder(
    path: str | os.PathLike[str], manifest: Manifest, files: Collection[str] = RUN_FILES
) -> Iterator[Path]:
    """Folder to write the results of a run into; it takes its place when all is written, or never.

    A temporary folder beside the final one; on an error or an interrupt it is removed. Before anything is run, a folder
    is refused that cannot be written, or holds anything but `files` of an equal run, of the same `manifest`.
    """
    target = Path(os.path.realpath(path))
    _refuse_if_taken(path, target, manifest, files)
    above = _create_missing(path, target.parent)
    partial = target.with_name(f".{target.name}.partial-{os.getpid()}")
    try:
        clear_abandoned(target.parent)
        _create_partial(path, partial)
        with held(partial):
            yield partial
        write_result(partial / MANIFEST, manifest)
        to_disk(*sorted(partial.iterdir()), partial)
        # Somebody else may have come in between.
        _refuse_if_taken(path, target, manifest, files)
        _move_into_place(partial, target)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        _remove_empty(above)
        if isinstance(error, OSError) and error.errno in DISK_IS_FULL:
            raise KamsimError(f"{path}: the results do not fit on the disk; choose another `out`") from None
        raise


def _refuse_if_taken(path: str | os.PathLike[str], target: Path, manifest: Manifest, files: Collection[str]) -> None:
    """Refuse to write over anything but an equal run."""
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise KamsimError(f"{path}: is a file, not a folder; choose another `out`")
    if target == Path(os.path.realpath(os.curdir)):
        raise KamsimError(f"{path}: is the folder you are in; choose another `out`")
    with naming(path, "read", "choose another `out`"):
        content = {entry.name for entry in target.iterdir()}
        here = (target / MANIFEST).read_bytes() if MANIFEST in content else b""
    if content and not _is_of(here, manifest):
        what = "already holds another run" if here else "already holds other files"
        raise KamsimError(f"{path}: {what}; choose another `out`")
    others = sorted(content.difference(files))
    if others:
        raise KamsimError(f"{path}: holds {others[0]}, which is not of this run; choose another `out`")


def _is_of(content: bytes, manifest: Manifest) -> bool:
    """Whether the content of a manifest is of an equal run, on whatever machine."""
    try:
        there = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(there, dict) and run_of(there) == run_of(manifest)


def _create_missing(path: str | os.PathLike[str], parent: Path) -> list[Path]:
    """Create the folders above a result folder; those that were missing, innermost first."""
    missing = [folder for folder in (parent, *parent.parents) if not os.path.lexists(folder)]
    try:
        with naming(path, advice="choose another `out`"):
            parent.mkdir(parents=True, exist_ok=True)
    except KamsimError:
        _remove_empty(missing)
        raise
    return missing


def _create_partial(path: str | os.PathLike[str], partial: Path) -> None:
    with naming(path, advice="choose another `out`"):
        # A folder with our own number was left by a process that was killed, for the number is free again.
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.mkdir()


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def _move_into_place(partial: Path, target: Path) -> None:
    if not target.exists():
        os.rename(partial, target)
        return
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
    os.rename(target, old)
    try:
        os.rename(partial, target)
    except BaseException:
        os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
