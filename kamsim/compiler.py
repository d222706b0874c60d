"""How rules are compiled: plain Python when called from Python, machine code when called from a kernel."""

import hashlib
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.extending import register_jitable

from kamsim.cache import KernelCache
from kamsim.source import hash_of

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])

# With NumPy's model of errors a division is one instruction, unchecked: no divisor of compiled code can be zero.
# Compiled code is called by compiled code and by Python: an entry for C as well would only take time to compile.
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


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
    return cast(AnyFunction, register_jitable(no_cfunc_wrapper=True)(function))


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
    """
    if numba.config.DISABLE_JIT:
        return function
    dispatcher = numba.njit(**OPTIONS)(function)
    dispatcher._cache = KernelCache(function.__name__, lambda: code_hash(function))
    return cast(AnyFunction, dispatcher)


@cache
def code_hash(function: Callable[..., object]) -> str:
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
    code = hash_of([(function.__module__, function.__name__)], skipped=())
    versions = f"{sys.implementation.cache_tag} {numba.__version__} {np.__version__}"
    return hashlib.sha256(f"{versions} {code}".encode()).hexdigest()[:16]


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
    return bool(job._cache.holds_any())


def fields_of(names: Iterable[str]) -> Callable[[object], tuple[Any, ...]]:
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
    written: dict[str, object] = {}
    exec(f"def fields(row): return ({' '.join(f'row.{name},' for name in names)})", written)
    return rule(cast(Callable[[object], tuple[Any, ...]], written["fields"]))


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
