"""The manifest of a run: everything that its results depend on, and the machine that made them."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.experiments.files import read_json
from kamsim.scenario import BOOK, Scenario
from kamsim.types import Json
from kamsim.world.carried import common_book

Manifest = Json
MANIFEST = "manifest.json"
_ABILITIES = ("sse4.2", "avx", "avx2", "avx512f", "fma", "fma4", "neon", "sve")
_PACKAGES = ("kamsim", "numpy", "numba", "mesa", "pyarrow", "scipy")


def manifest_of(scenarios: Sequence[Scenario], seed: int, replications: int, book: Book | None = None) -> Manifest:
    """Everything that a comparison depends on, and nothing that differs between equal runs; ready for JSON.

    No time, no path but the name of the account file, given beside the scenarios or carried by all of them. An equal
    run on another machine differs in ``arithmetic`` alone.
    """
    return {
        "command": "compare",
        "scenarios": [content_of(scenario) for scenario in scenarios],
        "seed": seed,
        "replications": replications,
        "accounts": accounts_of(scenarios, book),
        "versions": {"python": platform.python_version()} | {name: version_of(name) for name in _PACKAGES},
        "code_hash": _code_hash(),
        "arithmetic": arithmetic(),
    }


def content_of(scenario: Scenario) -> Json:
    """Content of a scenario for a manifest: all but its book, which is known by what the file holds, not by where."""
    return scenario.model_dump(mode="json", exclude_none=True, exclude={BOOK})


def accounts_of(scenarios: Sequence[Scenario], book: Book | None = None) -> dict[str, str] | None:
    """Name and content of the book that scenarios are played on, given beside them or carried; None without one."""
    carried = scenarios[0].book if book is None else None
    played = common_book(scenarios, book)
    if carried is not None and carried.sha256 is not None:
        return {"file": Path(carried.file).name, "sha256": carried.sha256}  # as it was read, whatever it holds by now
    return None if played is None else fingerprint(played)


@cache
def arithmetic() -> dict[str, object]:
    """What the last digits of a result depend on beside the versions: C library and abilities of the processor.

    ``libm`` and ``cpu``, the latter with what its C library and compilers choose their instructions by.
    """
    from llvmlite import binding

    there = binding.get_host_cpu_features()
    abilities = [name for name in _ABILITIES if there.get(name)]
    return {"libm": " ".join(platform.libc_ver()).strip() or platform.system(), "cpu": [platform.machine(), *abilities]}


def run_of(manifest: Mapping[str, object]) -> str:
    """Text of what a manifest says of the run itself, the same on every machine.

    In the order of the manifest: that of tiers has a meaning, so it is not compared as a dict.
    """
    return json.dumps({key: value for key, value in manifest.items() if key != "arithmetic"})


def scenarios_of(manifest: Manifest) -> list[Scenario]:
    """Scenarios of a run, from its manifest, to repeat it; an error where this kamsim cannot play them."""
    try:
        return [Scenario.model_validate(content) for content in manifest["scenarios"]]
    except (LookupError, TypeError, ValueError):
        raise KamsimError(f"{MANIFEST}: holds no scenarios that this kamsim can play") from None


def read_manifest(folder: str | os.PathLike[str]) -> Manifest:
    """Manifest of the run in a folder; an error where there is none, or it cannot be read."""
    return read_json(Path(folder) / MANIFEST, "manifest of a run")


def default_name(manifest: Manifest) -> str:
    """Name of the folder of a run, ``compare-`` and eight hexadecimal digits: the same for an equal run only."""
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
    spend = None if book.quarters is None else book.quarters.spend
    told = (book.annual_spend, book.wallet, book.share, book.fit, book.trust, spend, book.tier, book.margin)
    for column in told:
        digest.update(b"" if column is None else column.tobytes())
    digest.update(repr((book.kam, None if book.quarters is None else book.quarters.first)).encode())
    return {"file": path.name, "sha256_of_estimates": digest.hexdigest()}
