"""Any file that a CRM, an ERP or a spreadsheet writes, as records of text: CSV in any encoding, workbooks, Parquet."""

import csv
import datetime
import difflib
import io
import re
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kamsim.books.table import at_line
from kamsim.errors import KamsimError, nearest, shown
from kamsim.types import Integers

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = (",", ";", "\t", "|")
RECORDS_AT_ONCE = 65_536
MOST_COLUMNS = 5_000
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1", "cp850", "mac-roman")
HEADER_WITHIN = 60  # records from the top in which a header is looked for
WORKBOOK, PARQUET = b"PK\x03\x04", b"PAR1"
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_SEPARATOR = re.compile(r'"?sep=(.)"?\r?$', re.IGNORECASE)
_MULTIBYTE = re.compile(rb"[\xc3-\xf4][\x80-\xbf]")


class Sheet(NamedTuple):
    """Records of a file or of a sheet, as text."""

    source: str
    name: str  # of a sheet, else empty
    lines: Integers  # (records,) line that each starts on
    fields: Integers  # (records,) number of its fields
    columns: "tuple[pa.ChunkedArray, ...]"  # (records,) each, "" where a record is shorter
    typed: tuple[bool, ...]  # whether a column holds numbers that the file itself tells from text
    notes: tuple[str, ...]
    is_cut: bool = False  # the last line has no end, as where a file was cut off

    def record(self, number: int) -> list[str]:
        """Fields of a record."""
        return [str(column[number].as_py()) for column in self.columns[: int(self.fields[number])]]


def read_bytes(source: str) -> bytes:
    """Read a file, turning each way that can fail into one sentence.

    Parameters
    ----------
    source : str
        Name of the file.

    Returns
    -------
    bytes
        Its content.
    """
    path = Path(source)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise KamsimError(f"{source}: there is no such file{_near_file(path)}.") from None
    except IsADirectoryError:
        raise KamsimError(f"{source}: this is a folder; name the CSV file in it.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KamsimError(f"{source}: the file cannot be read ({reason.lower()}); check its path and rights.") from None


def _near_file(path: Path) -> str:
    try:
        beside = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return "; check the path"
    close = difflib.get_close_matches(path.name, beside, n=1)
    return f"; did you mean '{close[0]}'" if close else "; check the path"


def read_sheets(source: str, raw: bytes, *, sheet: str = "", encoding: str = "") -> Iterator[Sheet]:
    """Read all tables of a file: one of a text file or Parquet, one for each sheet of a workbook.

    Parameters
    ----------
    source : str
        Name of the file, for errors.
    raw : bytes
        Its content.
    sheet, encoding : str
        Of a workbook, the only sheet to read; of a text file, its encoding. Found out where empty.

    Returns
    -------
    iterator of Sheet
        Those that hold a record.
    """
    if raw.startswith((WORKBOOK, _OLD_WORKBOOK)):
        yield from _read_workbook(source, raw, sheet)
    elif raw.startswith(PARQUET):
        yield _read_parquet(source, raw)
    else:
        yield _read_text(source, raw, encoding)


# ---------------------------------------------------------------- text


def encoding_of(raw: bytes, source: str, notes: list[str]) -> str:
    """Find out the encoding of a text: UTF-8 or UTF-16 with or without a byte order mark, else Windows-1252."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in raw:
        # Latin letters in UTF-16 have a zero in every other byte.
        zeros = [raw[start:20_000:2].count(0) for start in (0, 1)]
        half = len(raw[:20_000]) // 2
        if max(zeros) > 0.5 * half and min(zeros) < 0.1 * half and len(raw) % 2 == 0:
            return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
        raise KamsimError(f"{source}: the file is not text; export it as CSV in UTF-8.")
    try:
        raw.decode("utf-8")
        return "utf-8-sig"
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
    try:
        raw.decode("cp1252")
    except UnicodeDecodeError:
        raise KamsimError(
            f"{source}: the file is not text in UTF-8 or Windows-1252 (line {line}); export it as CSV in UTF-8."
        ) from None
    if len(_MULTIBYTE.findall(raw.replace(b"\xef\xbb\xbf", b""))) > 0:
        raise KamsimError(
            f"{at_line(source, line)}: this line is no text in UTF-8, as others are; export the file anew, or say "
            "`encoding=cp1252`."
        )
    notes.append("Read as Windows-1252 text, for it is not UTF-8.")
    return "cp1252"


def _read_text(source: str, raw: bytes, encoding: str) -> Sheet:
    notes: list[str] = []
    if encoding and encoding not in ENCODINGS:
        raise KamsimError(f"{source}: encoding {shown(encoding)} is unknown; {nearest(encoding, ENCODINGS)}")
    codec = {"utf-8": "utf-8-sig"}.get(encoding, encoding) or encoding_of(raw, source, notes)
    try:
        if codec.startswith("utf-16") and "\0" in raw.decode(codec):
            raise KamsimError(f"{source}: the file is not text; export it as CSV in UTF-8.")
        delimiter, skipped = _find_delimiter(_lines_of(raw, codec))
        lines, fields, columns = _parse_csv(_lines_of(raw, codec), delimiter, skipped, source)
    except UnicodeDecodeError:
        raise KamsimError(f"{source}: the file is not text in {codec}; export it as CSV in UTF-8.") from None
    is_cut = len(lines) > 1 and raw[-4:].strip(b"\0")[-1:] not in (b"\n", b"\r")
    return Sheet(source, "", lines, fields, columns, (False,) * len(columns), tuple(notes), is_cut)


def _lines_of(raw: bytes, codec: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(raw), encoding=codec, newline="")


def _find_delimiter(text: io.TextIOWrapper) -> tuple[str, int]:
    """Find what parts the fields, and how many lines to skip: a line ``sep=;``, else what the first lines tell."""
    from kamsim.books.columns import known_names

    first = [line for line in islice(text, 4 * HEADER_WITHIN) if line.strip()][:HEADER_WITHIN]
    if first and (told := _SEPARATOR.fullmatch(first[0].strip("\ufeff\n"))):
        return told[1], 1

    def score(delimiter: str) -> tuple[int, int, int]:
        try:
            records = [record for record in csv.reader(first, delimiter=delimiter, skipinitialspace=True) if record]
        except csv.Error:
            return 0, 0, 0
        widths = [len(record) for record in records]
        usual = max(set(widths), key=widths.count) if widths else 0
        known = max((known_names(record) for record in records if len(record) > 1), default=0)
        return known, widths.count(usual) if usual > 1 else 0, usual

    return max(DELIMITERS, key=score), 0


def _parse_csv(
    text: io.TextIOWrapper, delimiter: str, skipped: int, source: str
) -> "tuple[Integers, Integers, tuple[pa.ChunkedArray, ...]]":
    """Split the text into records, each with the line it starts on; blank lines are no records."""
    import pyarrow as pa

    for _ in range(skipped):
        text.readline()
    # strict: a quote left open would otherwise swallow the rest of the book without a word.
    reader = csv.reader(text, delimiter=delimiter, strict=True, skipinitialspace=True)
    lines: list[int] = []
    fields: list[int] = []
    chunks: list[list[pa.Array]] = []
    line, going = 0, True
    try:
        while going:
            records, going = [], False
            for cells in islice(reader, RECORDS_AT_ONCE):
                going = True
                if len(cells) > 1 or (cells and cells[0].strip()):
                    records.append(cells)
                    lines.append(line + 1 + skipped)
                line = reader.line_num
            if not records:
                continue
            fields += map(len, records)
            if max(fields) > MOST_COLUMNS:
                raise KamsimError(f"{source}: over {MOST_COLUMNS:,} columns; a book has some dozens.")
            chunks.append([pa.array(column, pa.string()) for column in zip_longest(*records, fillvalue="")])
    except csv.Error as error:
        raise KamsimError(
            f"{at_line(source, line + 1 + skipped)}: this record is not valid CSV ({error}); close each quote and "
            "double the quotes inside a field."
        ) from None
    width = max(map(len, chunks), default=0)
    for chunk in chunks:
        chunk += [pa.array([""] * len(chunk[0]), pa.string())] * (width - len(chunk))
    return (
        np.array(lines, dtype=np.int64),
        np.array(fields, dtype=np.int64),
        tuple(pa.chunked_array(list(parts), pa.string()) for parts in zip(*chunks, strict=True)),
    )


# ---------------------------------------------------------------- workbooks and Parquet


def _read_workbook(source: str, raw: bytes, sheet: str) -> Iterator[Sheet]:
    """Read the sheets of a workbook that hold a record."""
    import python_calamine

    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = list(book.sheet_names)
    except Exception as error:  # the reader has a dozen kinds of its own, and panics
        raise KamsimError(
            f"{source}: the file is not text, and no workbook that can be read ({_reason(error)}); export it as CSV in "
            "UTF-8."
        ) from None
    if sheet and sheet not in names:
        raise KamsimError(f"{source}: there is no sheet {shown(sheet)}; {nearest(sheet, names)}")
    for name in [sheet] if sheet else names:
        try:
            cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        except Exception as error:
            raise KamsimError(
                f"{source}: sheet {shown(name)} cannot be read ({_reason(error)}); export it as CSV."
            ) from None
        if (found := _sheet_of(source, name, cells)) is not None:
            yield found


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0].lower() if str(error).strip() else type(error).__name__


def _sheet_of(source: str, name: str, cells: list[list[object]]) -> Sheet | None:
    import pyarrow as pa

    full = [row for row, record in enumerate(cells) if any(cell != "" for cell in record)]
    if not full:
        return None
    if len(cells[0]) > MOST_COLUMNS:
        raise KamsimError(f"{source}: over {MOST_COLUMNS:,} columns; a book has some dozens.")
    columns = list(zip(*(cells[row] for row in full), strict=True))
    return Sheet(
        source,
        name,
        np.array(full, dtype=np.int64) + 1,
        np.full(len(full), len(columns), dtype=np.int64),
        tuple(pa.chunked_array([pa.array([_text_of(cell) for cell in column], pa.string())]) for column in columns),
        tuple(any(isinstance(cell, int | float) for cell in column) for column in columns),
        (),
    )


def _text_of(cell: object) -> str:
    """Write a cell as a text file would, with a decimal point and dates as ISO has them."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


def _read_parquet(source: str, raw: bytes) -> Sheet:
    """Read a Parquet file, its names of columns as the first record."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(raw), partitioning=None)
        names = [str(name) for name in table.column_names]
        columns = [_texts_of(table.column(at)) for at in range(len(names))]
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        raise KamsimError(f"{source}: this Parquet file cannot be read ({_reason(error)}); write it anew.") from None
    if len(names) > MOST_COLUMNS:
        raise KamsimError(f"{source}: over {MOST_COLUMNS:,} columns; a book has some dozens.")
    records = table.num_rows + 1
    return Sheet(
        source,
        "",
        np.arange(records, dtype=np.int64),
        np.full(records, len(names), dtype=np.int64),
        tuple(
            pa.chunked_array([pa.array([name], pa.string()), *column.chunks], pa.string())
            for name, column in zip(names, columns, strict=True)
        ),
        tuple(_is_number(column.type) for column in table.columns),
        (),
    )


def _is_number(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _texts_of(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Write a column as text, "" for what is missing; a customer number kept as a float stays whole."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts_of(column.cast(kind.value_type))
    if pa.types.is_floating(kind):
        texts = ["" if value is None or value != value else _text_of(float(value)) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    if pa.types.is_temporal(kind) or pa.types.is_boolean(kind):
        return pa.chunked_array([pa.array([_text_of(value) for value in column.to_pylist()], pa.string())])
    return column.cast(pa.string()).fill_null("")
