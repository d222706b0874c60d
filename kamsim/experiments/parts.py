"""The store of a sweep: one folder, one Parquet part per chunk, named by what it holds and written whole or not at all.

A folder holds ``manifest.json``, ``parts/`` and, where an earlier version of the experiment left some, ``superseded/``.
A part is named by a hash of its specification: scenarios, seed, replications, measures and the hash of the model. So a
part that is there is the one that is asked for, and its own checksum says whether it is whole.
"""

import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kamsim.errors import KamsimError
from kamsim.experiments.files import LOCK, alone, json_text, naming, read_json, read_parquet, write_whole
from kamsim.types import Floats

if TYPE_CHECKING:
    import pyarrow as pa

PARTS = "parts"
SUPERSEDED = "superseded"
MANIFEST = "manifest.json"
SUMMARY = "summary.csv"
FORMAT = 1  # of a part; another one is another name
NAME = re.compile(r"part-[0-9a-f]{32}\.parquet")
_HALF = re.compile(r"\..*\.partial")  # what a killed sweep left half-written


class Rows(NamedTuple):
    """What came of a chunk; a row per point, policy and replication, in that order."""

    point: NDArray[np.int64]
    policy: NDArray[np.int64]  # place among the policies
    replication: NDArray[np.int64]
    values: Floats  # (rows, measures); NaN where the replication failed or has no such measure
    error: list[str]  # empty where it did not fail


class Counted(NamedTuple):
    """What is known of a part on the disk."""

    rows: int
    failed: int


def name_for(specification: Mapping[str, object]) -> str:
    """Name of the part that holds what a specification asks for: ``part-`` and 32 hexadecimal digits."""
    # Not sorted: the order of tiers has a meaning.
    text = json.dumps({"format": FORMAT, **specification}, allow_nan=False)
    return f"part-{hashlib.sha256(text.encode()).hexdigest()[:32]}.parquet"


# ---------------------------------------------------------------- a part


def encoded(
    name: str, rows: Rows, policies: Sequence[str], factors: Mapping[str, Sequence[object]], measures: Sequence[str]
) -> bytes:
    """A part, with the values of factors by row, as the bytes of a Parquet file: the same for the same rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, object] = {
        "point": pa.array(rows.point.astype(np.int32)),
        "policy": pa.array([policies[place] for place in rows.policy]).dictionary_encode(),
        "replication": pa.array(rows.replication),
        **{name: pa.array(list(values)) for name, values in factors.items()},
        **{name: pa.array(rows.values[:, place], from_pandas=True) for place, name in enumerate(measures)},
        "error": pa.array([text or None for text in rows.error], pa.string()),
    }
    table = pa.table(columns)
    content = {"name": name, "rows": len(rows.point), "failed": sum(map(bool, rows.error)), "sha256": _checksum(table)}
    table = table.replace_schema_metadata({"kamsim": json.dumps(content, sort_keys=True)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _checksum(table: "pa.Table") -> str:
    """Checksum of the columns of a table: names, types and every value."""
    import pyarrow as pa

    digest = hashlib.sha256()
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        digest.update(f"{name} {column.type} {column.null_count} ".encode())
        if pa.types.is_floating(column.type):
            digest.update(column.to_numpy(zero_copy_only=False).tobytes())
        else:
            digest.update(json.dumps(column.to_pylist()).encode())
    return digest.hexdigest()


def checked(path: Path) -> tuple["pa.Table", Counted]:
    """Read a part and make sure that it is what was written: an error where it is cut short or changed."""
    import pyarrow as pa

    with naming(path, "read"):
        content = path.read_bytes()
    try:
        table = read_parquet(content)
        # Rotten indices of a dictionary point outside of it, and rotten text is no text.
        table.validate(full=True)
        part = Counted(table.num_rows, table.num_rows - table["error"].null_count)
        said = json.loads(table.schema.metadata[b"kamsim"])
        name, whole = said["name"], (said["rows"], said["failed"], said["sha256"]) == (*part, _checksum(table))
        whole = whole and table.schema.field("policy").type == pa.dictionary(pa.int32(), pa.string())
    except Exception:  # a reader of rotten bytes may stumble over anything, and all of it says the same
        raise KamsimError(f"{path}: is damaged: cut short, or no part of a sweep") from None
    if not whole:
        raise KamsimError(f"{path}: is damaged: its content is not what was written")
    if name != path.name:
        raise KamsimError(f"{path}: is damaged: it holds what {name} should")
    return table, part


def difference_of(path: Path, again: bytes) -> float:
    """Largest difference between a part and the same part computed again, as `encoded` gives it.

    As a part of the figure, or of the mean size of its measure if that is more; infinite where the part is damaged, or
    anything but a figure differs.
    """
    import pyarrow as pa

    try:
        one, other = checked(path)[0], read_parquet(again)
    except KamsimError:
        return math.inf
    largest = sys.float_info.min  # the bytes differ, if not the figures
    if one.column_names != other.column_names:
        return math.inf
    for left, right in zip(one.columns, other.columns, strict=True):
        if left.equals(right):
            continue
        if left.type != right.type or not pa.types.is_floating(left.type) or len(left) != len(right):
            return math.inf
        before, now = (column.to_numpy(zero_copy_only=False) for column in (left, right))
        known = np.isfinite(before)
        if not np.array_equal(known, np.isfinite(now)):
            return math.inf
        apart, size = np.abs(before - now)[known], np.abs(before[known])
        # A difference of two sums may be next to nothing; then its digits are told against the others of its measure.
        largest = max(largest, float(np.max(apart / np.maximum(size, size.mean() or 1.0))))
    return largest


# ---------------------------------------------------------------- the folder


class Store:
    """Folder of a sweep, which need not exist to be looked at; use `opened` to write to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def parts(self) -> Path:
        """Folder of the parts."""
        return self.folder / PARTS

    def manifest(self) -> dict[str, object] | None:
        """What the folder says it holds; None where it says nothing, or nothing that can be read beside its parts."""
        path = self.folder / MANIFEST
        if not os.path.lexists(path):
            return None
        try:
            content = read_json(path, "manifest of a sweep; choose another `out`")
        except KamsimError:
            # Parts name themselves, so the next run makes a damaged manifest anew.
            if self.parts.is_dir() and _is_ours(self.folder):
                return None
            raise
        if content.get("command") != "sweep":
            raise KamsimError(f"{self.folder}: holds another run, not a sweep; choose another `out`")
        return content

    def names(self) -> set[str]:
        """Names of the parts that are there, whole or not."""
        if not self.parts.is_dir():
            return set()
        return {entry.name for entry in os.scandir(self.parts) if NAME.fullmatch(entry.name)}

    def whole(self, name: str) -> Counted | None:
        """Part of that name if it is there and whole, else None."""
        try:
            return checked(self.parts / name)[1]
        except KamsimError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Write a part, whole or not at all: it shows under its name only when it is on the disk."""
        write_whole(self.parts / name, content)

    def take_back(self, name: str) -> bool:
        """Take a part back that an earlier version of the experiment left, if there is one."""
        old = self.folder / SUPERSEDED / name
        if not old.exists():
            return False
        with naming(self.folder):
            os.replace(old, self.parts / name)
        return True

    def supersede(self, names: Sequence[str]) -> None:
        """Set parts aside that the experiment no longer asks for: nobody shall read them among the others."""
        with naming(self.folder):
            if names:
                (self.folder / SUPERSEDED).mkdir(exist_ok=True)
            for name in names:
                os.replace(self.parts / name, self.folder / SUPERSEDED / name)

    def remove(self, names: Sequence[str]) -> None:
        """Remove parts that are to be computed anew."""
        with naming(self.folder):
            for name in names:
                (self.parts / name).unlink()

    def write_manifest(self, manifest: Mapping[str, object]) -> None:
        """Say what the folder holds."""
        text, path = json_text(manifest), self.folder / MANIFEST
        if not path.is_file() or path.read_bytes() != text.encode():
            write_whole(path, text)


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    """Open the folder of a sweep, created if missing, to write to it, alone.

    Free of what a killed sweep left half-written. An error where another sweep is at work in it, or it cannot be
    written, or holds something else.
    """
    store = Store(folder)
    with ExitStack() as stack:
        with naming(folder, advice="choose another `out`"):
            if folder.is_dir() and store.manifest() is None and not _is_ours(folder):
                raise KamsimError(f"{folder}: already holds other files; choose another `out`")
            store.parts.mkdir(parents=True, exist_ok=True)
            stack.enter_context(alone(folder, "sweep"))
            for half in (*folder.glob(".*.partial*"), *store.parts.glob(".*.partial*")):
                half.unlink()
        yield store


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds nothing but what a sweep writes, so that one whose manifest was lost can go on."""
    names = {entry.name for entry in folder.iterdir() if not _HALF.match(entry.name)}
    parts = folder / PARTS
    inside = [entry.name for entry in parts.iterdir()] if parts.is_dir() else []
    return names <= {LOCK, PARTS, SUPERSEDED, MANIFEST, SUMMARY} and all(
        NAME.fullmatch(name) or _HALF.match(name) for name in inside
    )
