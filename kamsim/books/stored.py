"""An imported book as a file: Parquet that holds all of it, and the mapping beside it for next month's export."""

import datetime
import hashlib
import io
import json
import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamsim.books.account_book import Book
from kamsim.books.dates import quarter_name
from kamsim.books.files import PARQUET, read_bytes
from kamsim.books.history import Quarters
from kamsim.books.importing import Imported, Source
from kamsim.books.options import Options
from kamsim.books.quality import quality_of
from kamsim.errors import KamsimError, nearest, shown
from kamsim.text import read_toml
from kamsim.types import Floats

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"kamsim_book"  # under which the metadata of a Parquet file tell the rest
VERSION = 1
_NUMBERS = ("annual_spend", "wallet", "share", "fit", "trust")
_SAVED = (
    "dates",
    "decimal",
    "fill_down",
    "merge_ids",
    "totals",
    "overlaps",
    "skip_empty",
    "year_starts",
    "currency",
    "level",
    "sheet",
    "encoding",
)


def book_bytes(imported: Imported) -> bytes:
    """Write an imported book as Parquet: a row an account, a column a quarter, and all the rest as metadata.

    Parameters
    ----------
    imported : Imported
        A book and how it came of its files.

    Returns
    -------
    bytes
        Content of the file; `book_of_bytes` takes it back to the last bit.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    book = imported.book
    columns: dict[str, pa.Array] = {
        "account_id": pa.array(book.account_id, pa.string()),
        "name": pa.array(book.name, pa.string()),
    }
    for name in _NUMBERS:
        columns[name] = pa.array(getattr(book, name), pa.float64())
    if book.margin is not None:
        columns["margin"] = pa.array(book.margin, pa.float64())
    if book.tier is not None:
        columns["tier"] = pa.array(book.tier, pa.int64())
    if book.kam:
        columns["kam"] = pa.array(book.kam, pa.string())
    told: dict[str, object] = {
        "version": VERSION,
        "first_quarter": None if book.quarters is None else book.quarters.first,
        "currency": book.currency,
        "year_starts": book.year_starts,
        "notes": book.notes,
        "quality": imported.quality.to_dict(),
        "mapping": imported.mapping,
        "said": imported.said,
        "settled": imported.settled,
        "sources": [source._asdict() for source in imported.sources],
    }
    if book.quarters is not None:
        for at, spend in enumerate(book.quarters.spend.T):
            columns[quarter_name(book.quarters.first + at)] = pa.array(np.ascontiguousarray(spend), pa.float64())
    whole = pa.table(columns)
    told["digest"] = _digest(whole, told)
    table = whole.replace_schema_metadata({KEY: json.dumps(told, ensure_ascii=False).encode()})
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    return content.getvalue()


def _digest(table: "pa.Table", told: Mapping[str, object]) -> str:
    """Hash of all that a book holds: a flipped bit of it must not become another book."""
    rest = {name: value for name, value in told.items() if name != "digest"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        digest.update(f"{name} {column.type} {len(column)} ".encode())
        values = column.to_pylist() if str(column.type) == "string" else column.to_numpy(zero_copy_only=False).tobytes()
        digest.update(values if isinstance(values, bytes) else json.dumps(values).encode())
    return digest.hexdigest()


def stored_book(path: str | os.PathLike[str]) -> Imported | None:
    """Read an imported book; nothing where a file is none.

    Parameters
    ----------
    path : str or path
        Of any file.

    Returns
    -------
    Imported or None
        As it was written, ``source`` the name of this file.
    """
    name = os.fsdecode(path)
    try:
        with Path(name).open("rb") as file:
            if file.read(len(PARQUET)) != PARQUET:
                return None
    except (OSError, ValueError):
        return None
    return book_of_bytes(name, read_bytes(name))


def book_of_bytes(source: str, raw: bytes) -> Imported | None:
    """Take a book from the content of a Parquet file; nothing where it holds another table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    again = "import the book anew with kamsim book import"
    try:
        table = pq.read_table(pa.BufferReader(raw), partitioning=None)
        metadata = table.schema.metadata or {}
        if KEY not in metadata:
            return None
        told = json.loads(metadata[KEY])
        if told["version"] != VERSION:
            raise KamsimError(f"{source}: this book is of another version of kamsim ({told['version']}); {again}")
        if told["digest"] != _digest(table, told):
            raise KamsimError(f"{source}: this book is damaged (its content is not what was written); {again}")
        return _imported_of(source, table, told)
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise KamsimError(f"{source}: this book is damaged ({reason}); {again}") from None


def _imported_of(source: str, table: "pa.Table", told: Mapping[str, object]) -> Imported:
    quarters = None
    if told["first_quarter"] is not None:
        first = int(str(told["first_quarter"]))
        names = [quarter_name(first + at) for at in range(sum(name[4:5] == "Q" for name in table.column_names))]
        quarters = Quarters(first, np.stack([_floats(table, name) for name in names], axis=1))
    sources, notes, said, quality, mapping = (told[name] for name in ("sources", "notes", "said", "quality", "mapping"))
    assert isinstance(sources, list)
    assert isinstance(notes, list)
    assert isinstance(said, list)
    assert isinstance(quality, dict)
    assert isinstance(mapping, dict)
    settled = told["settled"]
    assert isinstance(settled, dict)
    has = set(table.column_names)
    book = Book(
        source,
        tuple(table.column("account_id").to_pylist()),
        tuple(table.column("name").to_pylist()),
        notes=tuple(notes),
        quarters=quarters,
        currency=str(told["currency"]),
        year_starts=int(str(told["year_starts"])),
        tier=table.column("tier").to_numpy().astype(np.int64) if "tier" in has else None,
        kam=tuple(table.column("kam").to_pylist()) if "kam" in has else (),
        margin=_floats(table, "margin") if "margin" in has else None,
        **{name: _floats(table, name) for name in _NUMBERS},
    )
    return Imported(book, quality_of(quality), mapping, tuple(Source(**one) for one in sources), tuple(said), settled)


def _floats(table: "pa.Table", name: str) -> Floats:
    values: Floats = table.column(name).to_numpy().astype(np.float64)
    return values


# ---------------------------------------------------------------- the mapping beside the book


def mapping_text(imported: Imported, options: Options) -> str:
    """Write the mapping of an import as TOML, so that next month's file needs one command.

    Parameters
    ----------
    imported : Imported
        With what each column was taken for.
    options : Options
        What the user said.

    Returns
    -------
    str
        As `read_mapping` reads it.
    """
    lines = ["# Which column means what, and how to read it: for the next file of this kind.", "[columns]"]
    chosen = {**imported.mapping, **options.columns}
    lines += [f"{role} = {json.dumps(name, ensure_ascii=False)}" for role, name in chosen.items()]
    lines += ["", "[reading]"]
    for name in _SAVED:
        value = imported.settled.get(name) or getattr(options, name)
        if value not in ("", None, False) or (value is False and name in ("fill_down", "merge_ids")):
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    if options.won:
        lines.append(f"won = {json.dumps(list(options.won), ensure_ascii=False)}")
    for section, table in (("tiers", options.tiers), ("known", options.known)):
        if table:
            lines += ["", f"[{section}]"]
            lines += [f"{json.dumps(key, ensure_ascii=False)} = {json.dumps(value)}" for key, value in table.items()]
    if options.rates:
        lines += ["", "[rates]", *(f'{code} = "{rate}"' for code, rate in options.rates.items())]
    return "\n".join(lines) + "\n"


def read_mapping(path: Path) -> Options:
    """Read a mapping that an import wrote.

    Parameters
    ----------
    path : Path
        Of the TOML file.

    Returns
    -------
    Options
        What it says.
    """
    content = read_toml(path, "a mapping of columns")
    sections = ("columns", "reading", "tiers", "known", "rates")
    for name, section in content.items():
        if name not in sections or not isinstance(section, dict):
            raise KamsimError(f"{path}: [{name}] is no section of a mapping; {nearest(name, sections)}")
    reading = dict(_section(content, "reading"))
    won = reading.pop("won", [])
    for key, value in reading.items():
        default = getattr(Options(), key) if key in _SAVED else None
        kind = bool if key in ("fill_down", "merge_ids", "skip_empty") else type(default)
        if key not in _SAVED or type(value) is not kind:
            raise KamsimError(f"{path}: reading.{key} = {shown(value)} is not known here; {nearest(key, _SAVED)}")
    if not isinstance(won, list):
        raise KamsimError(f"{path}: reading.won is a list of words")
    return Options(
        columns={role: str(name) for role, name in _section(content, "columns").items()},
        won=tuple(map(str, won)),
        tiers={word: str(tier) for word, tier in _section(content, "tiers").items()},
        known={role: _number(path, role, value) for role, value in _section(content, "known").items()},
        rates={code: rate_of(path, code, value) for code, value in _section(content, "rates").items()},
        **reading,  # type: ignore[arg-type]
    )


def _section(content: Mapping[str, object], name: str) -> dict[str, object]:
    section = content.get(name, {})
    assert isinstance(section, dict)
    return section


def _number(path: Path, role: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise KamsimError(f"{path}: known.{role} = {shown(value)} is no number; give a fraction like 0.3")
    return float(value)


def rate_of(path: Path, code: str, value: object) -> Decimal:
    """Rate of exchange as it is written, exactly."""
    try:
        rate = Decimal(str(value).strip())
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or not 0 < rate < Decimal(10) ** 9:
        raise KamsimError(f"{path}: rate {shown(value)} of {code} is no number above zero; write it like 0.92")
    return rate


def read_rates(path: Path) -> dict[str, Decimal]:
    """Read what currencies are worth: TOML, ``JPY = 0.0067``, or CSV, ``JPY,0.0067``.

    Parameters
    ----------
    path : Path
        Of the table.

    Returns
    -------
    dict
        Code -> what one unit is worth in the currency of the book.
    """
    from kamsim.text import read_text

    if path.suffix == ".toml":
        content = read_toml(path, "a table of rates")
        table = content.get("rates", content)
        if not isinstance(table, dict):
            raise KamsimError(f"{path}: rates is a table, as JPY = 0.0067")
        return {code.upper(): rate_of(path, code, value) for code, value in table.items()}
    rates = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        cells = [cell.strip() for cell in line.replace(";", ",").replace("\t", ",").split(",")]
        if not line.strip() or (number == 1 and not any(letter.isdigit() for letter in line)):
            continue
        if len(cells) != 2:
            raise KamsimError(f"{path}, line {number}: a rate is a code and a number, as JPY,0.0067")
        rates[cells[0].upper()] = rate_of(path, cells[0], cells[1])
    return rates


def day_of_text(option: str, text: str) -> datetime.date:
    """Day that an option names, ``2026-11-25``."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise KamsimError(f"{option} {text}: write the day like 2026-11-25") from None
