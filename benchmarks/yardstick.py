"""The C kernel of kernel.c: compiled by the system's compiler over kamsim's own records, and called by ctypes."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kamsim.model.plan import ACCOUNT_YEAR, PROGRAM_YEAR, History
from kamsim.model.rooms import ACCOUNT_STATE, FUNCTION_STATE
from kamsim.policy.policy import TERMS_DTYPE, Policy
from kamsim.world.customers import TENDER
from kamsim.world.parameters import WORLD_DTYPE, Timeline
from kamsim.world.world import ACCOUNT_AT_BIRTH, ACCOUNT_QUARTER, ACCOUNT_READING, KAM_QUARTER, World

SOURCE = Path(__file__).parent / "kernel.c"
FLAGS = ("-O3", "-ffp-contract=off")
RECORDS: dict[str, np.dtype[Any]] = {
    "AccountState": ACCOUNT_STATE,
    "FunctionState": FUNCTION_STATE,
    "AccountYear": ACCOUNT_YEAR,
    "ProgramYear": PROGRAM_YEAR,
    "AccountAtBirth": ACCOUNT_AT_BIRTH,
    "AccountQuarter": ACCOUNT_QUARTER,
    "AccountReading": ACCOUNT_READING,
    "KamQuarter": KAM_QUARTER,
    "Tender": TENDER,
    "Parameters": WORLD_DTYPE,
    "Terms": TERMS_DTYPE,
}
SIZES = ("years", "history_years", "accounts", "kams", "functions", "tiers")
_SCALARS = {"f8": "double", "i8": "int64_t", "b1": "bool"}


def compiler() -> str | None:
    """The system's C compiler, if it has one."""
    return next((found for name in (os.environ.get("CC"), "gcc", "cc") if name and (found := shutil.which(name))), None)


def compiler_version(command: str) -> str:
    """First line of what a compiler says of itself."""
    return subprocess.run([command, "--version"], capture_output=True, text=True).stdout.partition("\n")[0]


def _struct(name: str, fields: Sequence[tuple[str, str]]) -> str:
    return "typedef struct {" + " ".join(f"{kind} {field};" for field, kind in fields) + f"}} {name};\n"


def _kind_of(dtype: np.dtype[Any]) -> str:
    """C's name of a NumPy type: of a record by its fields, of a number by its kind and size."""
    if dtype.names is None:
        return _SCALARS[dtype.str[1:]]
    return next(name for name, known in RECORDS.items() if known.names == dtype.names)


def _fields_of(values: Any) -> list[tuple[str, str]]:
    """Fields of a named tuple as C declares them: arrays and records by pointer, tuples in place."""
    fields = []
    for name, value in zip(values._fields, values, strict=True):
        if isinstance(value, np.ndarray | np.void):
            fields.append((name, f"{_kind_of(value.dtype)} *"))
        elif isinstance(value, tuple):
            fields.append((name, type(value).__name__))
        else:
            fields.append((name, _SCALARS[_format_of(value)]))
    return fields


def _format_of(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "b1"
    return "i8" if isinstance(value, int | np.integer) else "f8"


def header(world: World, policy: Policy, history: History) -> str:
    """C declarations of all that is passed, written from what is passed.

    Parameters
    ----------
    world, policy, history : World, Policy, History
        Any; only their types are read.

    Returns
    -------
    str
        The text of records.h.
    """
    records = [
        _struct(name, [(field, _kind_of(dtype[field])) for field in dtype.names or ()])
        for name, dtype in RECORDS.items()
    ]
    tuples = [
        _struct(type(values).__name__, _fields_of(values))
        for values in (policy.levers, policy.intervention, policy, world, history)
    ]
    sizes = _struct("Sizes", [(name, "int64_t") for name in SIZES])
    return "".join(["#include <stdbool.h>\n#include <stdint.h>\n\n", *records, *tuples, sizes])


def _packed(values: Any) -> Any:
    """A named tuple as one aligned NumPy record, laid out as C lays out the struct of the same name."""
    formats: list[Any] = []
    contents: list[Any] = []
    for value in values:
        if isinstance(value, np.ndarray):
            if not value.flags.c_contiguous:
                raise ValueError("C walks arrays without gaps")
            formats.append("u8")
            contents.append(value.ctypes.data)
        elif isinstance(value, np.void):
            formats.append("u8")
            contents.append(value.__array_interface__["data"][0])
        elif isinstance(value, tuple):
            inner = _packed(value)
            formats.append(inner.dtype)
            contents.append(inner.item())
        else:
            formats.append(_format_of(value))
            contents.append(value)
    dtype = np.dtype(list(zip(values._fields, formats, strict=True)), align=True)
    return np.array(tuple(contents), dtype=dtype)


class Passed:
    """One policy in one world, as C reads it; keeps alive what it points to."""

    def __init__(self, world: World, policy: Policy, parameters: Any, timeline: Timeline) -> None:
        accounts, functions = world.need_mix.shape
        kams, tiers = len(world.skill), len(policy.seats)
        sizes = np.array([timeline.years, timeline.history_years, accounts, kams, functions, tiers], dtype=np.int64)
        self.given = (world, policy)
        self.blocks = (sizes, _packed(world), _packed(policy), np.array(parameters, dtype=WORLD_DTYPE))
        self.pointers = tuple(ctypes.c_void_p(block.ctypes.data) for block in self.blocks)


class Yardstick:
    """The compiled C kernel."""

    def __init__(self, command: str, declarations: str, flags: Sequence[str] = FLAGS) -> None:
        # The library stays loaded after its file is gone.
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "records.h").write_text(declarations)
            library = Path(folder) / "kernel.so"
            # On failure the compiler's own words say which record no longer has the fields that the rules read.
            subprocess.run(
                [command, *flags, "-shared", "-fPIC", f"-I{folder}", str(SOURCE), "-o", str(library), "-lm"], check=True
            )
            self._library = ctypes.CDLL(str(library))

    def play(self, passed: Passed, history: History, times: int = 1, *, fused: bool = False) -> None:
        """Play, so many times, into a history that is cleared for every run."""
        block = _packed(history)
        self._library.play(
            *passed.pointers, ctypes.c_void_p(block.ctypes.data), ctypes.c_int64(fused), ctypes.c_int64(times)
        )
