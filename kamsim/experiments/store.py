"""Where a run lands: a folder that appears whole or not at all, and says how to repeat the run exactly."""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.experiments.files import (
    DISK_IS_FULL,
    TABLE,
    clear_abandoned,
    held,
    naming,
    read_json,
    to_disk,
    write_result,
)
from kamsim.scenario import Scenario
from kamsim.types import Floats

if TYPE_CHECKING:
    import pandas as pd

Manifest = dict[str, Any]

REPLICATIONS = "replications.parquet"
COLUMNS = ["replication", "scenario", "measure", "value"]
FIGURE = "comparison.png"
MANIFEST = "manifest.json"
RUN_FILES = frozenset({REPLICATIONS, TABLE, FIGURE, MANIFEST})

# Replications in a row group of the Parquet file; the file's bytes depend on it, so it never follows the chunks.
ROW_GROUP = 512

_ABILITIES = ("sse4.2", "avx", "avx2", "avx512f", "fma", "fma4", "neon", "sve")
_PACKAGES = ("kamsim", "numpy", "numba", "mesa", "pyarrow", "scipy")


# ---------------------------------------------------------------- manifest


def manifest_of(scenarios: Sequence[Scenario], seed: int, replications: int, book: Book | None = None) -> Manifest:
    """Everything that a comparison depends on, and nothing that differs between equal runs.

    Parameters
    ----------
    scenarios : sequence of Scenario
        As compared, the reference first.
    seed, replications : int
        Of the run.
    book : Book, optional
        Account book, if the accounts are real.

    Returns
    -------
    dict
        Ready for JSON; no time, no path but the name of the account file. An equal run on another machine differs
        in ``arithmetic`` alone.
    """
    return {
        "command": "compare",
        "scenarios": [scenario.model_dump(mode="json", exclude_none=True) for scenario in scenarios],
        "seed": seed,
        "replications": replications,
        "accounts": None if book is None else fingerprint(book),
        "versions": {"python": platform.python_version()} | {name: version_of(name) for name in _PACKAGES},
        "code_hash": _code_hash(),
        "arithmetic": arithmetic(),
    }


@cache
def arithmetic() -> dict[str, object]:
    """What the last digits of a result depend on beside the versions: C library and abilities of the processor.

    Returns
    -------
    dict
        ``libm`` and ``cpu``, the latter with what its C library and compilers choose their instructions by.
    """
    from llvmlite import binding

    there = binding.get_host_cpu_features()
    abilities = [name for name in _ABILITIES if there.get(name)]
    return {"libm": " ".join(platform.libc_ver()).strip() or platform.system(), "cpu": [platform.machine(), *abilities]}


def run_of(manifest: Mapping[str, object]) -> str:
    """Text of what a manifest says of the run itself, the same on every machine.

    Parameters
    ----------
    manifest : mapping
        Of a run or a sweep.

    Returns
    -------
    str
        JSON, in the order of the manifest: that of tiers has a meaning, so it is not compared as a dict.
    """
    return json.dumps({key: value for key, value in manifest.items() if key != "arithmetic"})


def scenarios_of(manifest: Manifest) -> list[Scenario]:
    """Scenarios of a run, from its manifest, to repeat it.

    Parameters
    ----------
    manifest : mapping
        From `read_manifest` or `manifest_of`.

    Returns
    -------
    list of Scenario
        The reference first.

    Raises
    ------
    KamsimError
        Where it holds none, or not as this kamsim has them.
    """
    try:
        return [Scenario.model_validate(content) for content in manifest["scenarios"]]
    except (LookupError, TypeError, ValueError):
        raise KamsimError(f"{MANIFEST}: holds no scenarios that this kamsim can play") from None


def read_manifest(folder: str | os.PathLike[str]) -> Manifest:
    """Manifest of the run in a folder.

    Parameters
    ----------
    folder : str or path
        Of a run.

    Returns
    -------
    dict
        As written.

    Raises
    ------
    KamsimError
        Where there is none, or it cannot be read.
    """
    return read_json(Path(folder) / MANIFEST, "manifest of a run")


def default_name(manifest: Manifest) -> str:
    """Name of the folder of a run: the same for an equal run, another for any other.

    Parameters
    ----------
    manifest : dict
        From `manifest_of`.

    Returns
    -------
    str
        ``compare-`` and eight hexadecimal digits.
    """
    return f"{manifest['command']}-{hashlib.sha256(run_of(manifest).encode()).hexdigest()[:8]}"


@cache
def _code_hash() -> str:
    """Short hash of the whole package; asked once: files edited while a process runs are not the code that it plays."""
    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def version_of(package: str) -> str:
    """Version of an installed package, for a manifest."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def fingerprint(book: Book) -> dict[str, str]:
    """Name and content of an account file; a book that no file stands behind is known by its estimates."""
    path = Path(book.source)
    if path.is_file():
        return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    digest = hashlib.sha256(repr(book.account_id).encode())
    for column in (book.annual_spend, book.growth, book.volatility, book.wallet, book.share, book.fit, book.trust):
        digest.update(column.tobytes())
    return {"file": path.name, "sha256_of_estimates": digest.hexdigest()}


# ---------------------------------------------------------------- folder


@contextmanager
def result_folder(
    path: str | os.PathLike[str], manifest: Manifest, files: Collection[str] = RUN_FILES
) -> Iterator[Path]:
    """Folder to write the results of a run into; it takes its place when all is written, or never.

    Parameters
    ----------
    path : str or path
        Where the results go; folders above it are created.
    manifest : dict
        Of the run; written into the folder.
    files : collection of str
        Names that an equal run may have left there.

    Yields
    ------
    Path
        A temporary folder beside the final one; on an error or an interrupt it is removed.

    Raises
    ------
    KamsimError
        Before anything is run: where the folder cannot be written, or holds anything but an equal run.
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


# ---------------------------------------------------------------- files


@contextmanager
def replications_file(
    folder: Path, scenarios: Sequence[str], measures: Sequence[str]
) -> Iterator[Callable[[Floats], None]]:
    """Parquet file of every replication, written a row group at a time.

    Parameters
    ----------
    folder : Path
        From `result_folder`.
    scenarios, measures : sequence of str
        Names, in the order of the blocks.

    Yields
    ------
    callable
        Takes the next block, of shape (replications, scenarios, measures); all but the last hold `ROW_GROUP`
        replications. Rows are replication, scenario, measure, value; NaN stays NaN.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(list(zip(COLUMNS, (pa.int32(), name, name, pa.float64()), strict=True)))
    scenario_names, measure_names = pa.array(scenarios, pa.string()), pa.array(measures, pa.string())
    first = 0

    def write(block: Floats) -> None:
        nonlocal first
        if first % ROW_GROUP or not 0 < len(block) <= ROW_GROUP:
            raise ValueError(f"all blocks but the last must hold {ROW_GROUP} replications")
        replication, scenario, measure = np.indices(block.shape, dtype=np.int32).reshape(3, -1)
        columns = [
            pa.array(replication + np.int32(first)),
            pa.DictionaryArray.from_arrays(pa.array(scenario), scenario_names),
            pa.DictionaryArray.from_arrays(pa.array(measure), measure_names),
            pa.array(np.ascontiguousarray(block).reshape(-1)),
        ]
        writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=block.size)
        first += len(block)

    path = folder / REPLICATIONS
    with pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=COLUMNS[1:3], write_page_checksum=True
    ) as writer:
        yield write


def read_replications(path: str | os.PathLike[str]) -> "pd.DataFrame":
    """Read every replication of a run.

    Parameters
    ----------
    path : str or path
        Folder of the run, or its Parquet file.

    Returns
    -------
    DataFrame
        replication, scenario, measure (both categorical), value.
    """
    import pandas as pd

    parts = list(replications_in_batches(path))
    return pd.concat(parts, ignore_index=True)


def replications_in_batches(path: str | os.PathLike[str]) -> Iterator["pd.DataFrame"]:
    """Read the replications of a run, `ROW_GROUP` at a time, so that memory does not grow with the run.

    Parameters
    ----------
    path : str or path
        Folder of the run, or its Parquet file.

    Yields
    ------
    DataFrame
        replication, scenario, measure (both categorical), value.

    Raises
    ------
    KamsimError
        Where there is no such file, or its bytes are not those that were written.
    """
    import pyarrow.parquet as pq

    file = Path(path) / REPLICATIONS if Path(path).is_dir() else Path(path)
    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as content:
            if content.schema_arrow.names != COLUMNS:
                raise ValueError
            for group in range(content.num_row_groups):
                table = content.read_row_group(group)
                table.validate(full=True)
                yield table.to_pandas()
    except Exception as error:  # a reader of rotten bytes may stumble over anything, and all of it says the same
        if isinstance(error, OSError) and error.errno:
            with naming(file, "read"):
                raise
        raise KamsimError(f"{file}: is damaged, or no Parquet file of replications") from None
