"""Where compiled kernels are kept: a folder that nobody else may write to, and that can never stop a command."""

import hashlib
import os
import pickle
import re
import shutil
import stat
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.registry import cpu_target
from numba.core.serialize import dumps

KEPT_DAYS, KEPT_VERSIONS = 14.0, 8
SAID = "KAMSIM_CACHE_SAID"  # set for the processes that this one starts

_DAY = 24 * 3600.0
_VERSION = re.compile("[0-9a-f]{16}")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class CacheWarning(UserWarning):
    """Compiled code could not be read or kept, so it is compiled again."""


class KernelCache(_Cache):
    """Compiled code of one kernel, a file for each signature; what cannot be read, or kept, is compiled again.

    Parameters
    ----------
    name : str
        Of the kernel.
    code : callable
        Gives the hash of all that it is made of, once that is asked for.

    Notes
    -----
    Numba's own cache looks at the file of the kernel only, so an edited rule would go on being played in its old form;
    it raises on whatever it cannot read, and trusts whoever can write to its folder.
    """

    def __init__(self, name: str, code: Callable[[], str]) -> None:
        self._name, self._code = name, code
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """Folder of this version of the kernel on this kind of processor."""
        folder = self._folder()
        return None if folder is None else str(folder)

    def holds_any(self) -> bool:
        """Whether some signature can be loaded on this machine."""
        folder = self._folder()
        if folder is None:
            return False
        with suppress(Exception):
            return any(_read(path) is not None for path in folder.glob(f"{self._name}-*.nbc"))
        return False

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Compiled code of a signature, or nothing."""
        folder = self._folder()
        if folder is None or not self._enabled:
            return None
        path = self._path(folder, sig)
        try:
            target_context.refresh()
            content = _read(path)
            if content is None:
                return None
            found = CompileResult._rebuild(target_context, *pickle.loads(content))
        except Exception as error:  # whatever is wrong with a file, there is a way without it
            _say(f"{path} cannot be used ({_why(error)})")
            return None
        with suppress(OSError):
            os.utime(folder)  # still in use
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep compiled code of a signature, if that can be done."""
        folder = self._folder()
        if folder is None or not self._enabled or data.library.has_dynamic_globals:
            return
        path = self._path(folder, sig)
        beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        try:
            content = dumps(data._reduce())
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(beside, path)
            os.utime(folder)
            _prune(folder)
        except Exception as error:  # a full disk, a folder that has gone: it is compiled again
            with suppress(OSError):
                beside.unlink()
            _say(f"{folder} cannot be written ({_why(error)})")

    def enable(self) -> None:
        """Read and keep from now on."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor keep from now on."""
        self._enabled = False

    def flush(self) -> None:
        """Forget what is kept."""
        folder = self._folder()
        for path in folder.glob(f"{self._name}-*.nbc") if folder is not None else ():
            with suppress(OSError):
                path.unlink()

    def _folder(self) -> Path | None:
        base = base_folder()
        if base is None:
            return None
        processor = cpu_target.target_context.codegen().magic_tuple()
        version = hashlib.sha256(f"{self._code()} {processor}".encode()).hexdigest()[:16]
        try:
            return _ours(base / version)
        except OSError as error:
            _say(f"{base / version} cannot be used ({_why(error)})")
            return None

    def _path(self, folder: Path, sig: Any) -> Path:
        return folder / f"{self._name}-{hashlib.sha256(repr(sig).encode()).hexdigest()[:16]}.nbc"


@cache
def base_folder() -> Path | None:
    """Folder of all versions: of the environment, of the user, or of the user on this machine; None where all fail.

    Returns
    -------
    Path or None
        ``KAMSIM_CACHE_DIR`` or ``NUMBA_CACHE_DIR`` choose another place than the cache of the user.
    """
    for place in _places():
        try:
            folder = _ours(_safe(place) / "kamsim")
            if os.access(folder, os.W_OK):
                return folder
            raise PermissionError(None, "is not writable")
        except OSError as error:
            _say(f"{place} cannot keep compiled code ({_why(error)})")
    return None


def _places() -> Iterator[Path]:
    asked = os.environ.get("KAMSIM_CACHE_DIR") or os.environ.get("NUMBA_CACHE_DIR")
    if asked:
        yield Path(asked).absolute()
    yield Path(os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")).absolute()
    # One folder for the user on this machine, not one for each process.
    user = os.geteuid() if hasattr(os, "geteuid") else "user"
    yield Path(tempfile.gettempdir()) / f"kamsim-{user}"


def _safe(place: Path) -> Path:
    """A place to keep a folder in, created if it is missing; refused where others could put another in its place."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = place.stat()
    if hasattr(os, "geteuid") and not status.st_mode & stat.S_ISVTX:
        # A group that is the user's alone has the user's number, by custom.
        alone = status.st_gid == status.st_uid == os.geteuid()
        if status.st_mode & (stat.S_IWOTH if alone else _OTHERS_WRITE):
            raise PermissionError(None, "other users may write to it")
        if status.st_uid not in (os.geteuid(), 0):
            raise PermissionError(None, "it belongs to another user")
    return place


def _ours(folder: Path) -> Path:
    """A folder of machine code, created if it is missing; refused where anybody else may write to it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _refuse_others(folder.lstat())
    return folder


def _refuse_others(status: os.stat_result) -> None:
    if hasattr(os, "geteuid"):
        if status.st_uid != os.geteuid():
            raise PermissionError(None, "it belongs to another user")
        if status.st_mode & _OTHERS_WRITE and not stat.S_ISLNK(status.st_mode):
            raise PermissionError(None, "other users may write to it")


def _read(path: Path) -> bytes | None:
    """Content of a file as it was written, by nobody else; nothing where there is none."""
    try:
        file = open(path, "rb")  # noqa: SIM115
    except FileNotFoundError:
        return None
    with file:
        _refuse_others(os.fstat(file.fileno()))
        content = file.read()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise ValueError("it is damaged")
    return content[32:]


def _prune(used: Path) -> None:
    """Remove versions that nobody has used for long, or for a day where there are many."""
    ages = {}
    for folder in used.parent.iterdir():
        if folder != used and _VERSION.fullmatch(folder.name):
            with suppress(OSError):
                ages[folder] = time.time() - folder.stat().st_mtime
    for place, folder in enumerate(sorted(ages, key=lambda folder: ages[folder]), start=2):
        if ages[folder] > (_DAY if place > KEPT_VERSIONS else KEPT_DAYS * _DAY):
            shutil.rmtree(folder, ignore_errors=True)


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).lower()


def _say(what: str) -> None:
    if SAID not in os.environ:
        os.environ[SAID] = "1"
        warnings.warn(f"{what}; kamsim compiles anew where it has to", CacheWarning, stacklevel=2)
