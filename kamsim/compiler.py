"""How rules are compiled: plain Python when called from Python, machine code when called from a kernel."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.extending import register_jitable

from kamsim.source import hash_of

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])

OPTIONS = {"nogil": True}


def rule(function: AnyFunction) -> AnyFunction:
    """Mark a function as a rule that compiled code may call too; called from Python it stays what it is.

    Parameters
    ----------
    function : callable
        Numbers (or arrays) in, numbers out; only ``math`` inside.

    Returns
    -------
    callable
        The same function.
    """
    return cast(AnyFunction, register_jitable(function))


def compiled(function: AnyFunction) -> AnyFunction:
    """Mark a step of a driver, or another part of a kernel; like `rule` it stays plain Python for Python.

    Parameters
    ----------
    function : callable
        Numbers, arrays and named tuples of them in and out.

    Returns
    -------
    callable
        The same function.
    """
    return rule(function)


def kernel(function: AnyFunction) -> AnyFunction:
    """Compile a whole job; it lets other threads run, and its machine code is kept on disk for the next process.

    Parameters
    ----------
    function : callable
        Made of rules and of functions marked `compiled`.

    Returns
    -------
    callable
        Compiled on its first call, or loaded from disk.

    Notes
    -----
    Numba's own cache looks at the file of the kernel only, so an edited rule would go on being played in its old
    form. Here the folder of the cache is named by all of the package's code that kernels are made of.
    """
    if numba.config.DISABLE_JIT:
        return function
    dispatcher = numba.njit(**OPTIONS)(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder(code_hash(function)))
    try:
        dispatcher.enable_caching()
    finally:
        numba.config.CACHE_DIR = before
    return cast(AnyFunction, dispatcher)


@cache
def cache_folder(code: str) -> Path:
    """Folder of a compiled kernel of some version of the code: in the user's cache, else a temporary one.

    Parameters
    ----------
    code : str
        From `code_hash`.

    Returns
    -------
    Path
        ``KAMSIM_CACHE_DIR`` chooses another place.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    for base in (os.environ.get("KAMSIM_CACHE_DIR"), home):
        folder = Path(base or home) / "kamsim" / code
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    # Machine code is only ever read back from a place that no other user can write to.
    return Path(tempfile.mkdtemp(prefix="kamsim-"))


@cache
def code_hash(function: Callable[..., Any]) -> str:
    """Short hash of all that a kernel is made of, wherever it stands, and of what compiles it.

    Parameters
    ----------
    function : callable
        As written.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    code = hash_of([(function.__module__, function.__name__)])
    return hashlib.sha256(f"{numba.__version__} {sorted(OPTIONS.items())} {code}".encode()).hexdigest()[:16]


def is_compiled(job: Any) -> bool:
    """Whether a kernel needs no compiling any more, in this process or on disk.

    Parameters
    ----------
    job : callable
        A function decorated with `kernel`.

    Returns
    -------
    bool
        True also with the compiler off.
    """
    if numba.config.DISABLE_JIT or job.signatures:
        return True
    return any(cache_folder(code_hash(job.py_func)).rglob(f"*{job.py_func.__name__}*.nbc"))


def fields_of(names: Iterable[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Make a function that reads fields of a record or a named tuple by their names, compiled or not.

    Parameters
    ----------
    names : iterable of str
        Fields, in the order asked for.

    Returns
    -------
    callable
        ``Levers(*fields_of(Levers._fields)(row))``: compiled code knows no loop over fields, and a list of places
        would go wrong in silence when a field is added.
    """
    written: dict[str, Any] = {}
    exec(f"def fields(row): return ({' '.join(f'row.{name},' for name in names)})", written)
    return rule(cast(Callable[[Any], tuple[Any, ...]], written["fields"]))


def record_type(**fields: str) -> np.dtype[Any]:
    """Type of a record array whose rows read as agents, ``account.trust``, compiled or not.

    Parameters
    ----------
    **fields : str
        Field names with NumPy type codes, ``trust="f8"``.

    Returns
    -------
    numpy.dtype
        Aligned; ``array["trust"]`` is a whole column.
    """
    return np.dtype((np.record, np.dtype(list(fields.items()), align=True)))
