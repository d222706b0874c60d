"""The table of an account book: from the bytes of a CSV file to columns of checked values.

Three forms are read: one row per account and quarter, one row per invoice, or one row per account. What is refused
names the file, the line and the way out; what is skipped or assumed is noted.
"""

import csv
import datetime
import difflib
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from kamsim.errors import KamsimError, nearest, shown
from kamsim.types import Flags, Floats, Integers

# Required columns of each accepted form, and what else each form may carry.
FORMS = {
    "quarterly": ("account_id", "quarter", "spend"),
    "dated": ("account_id", "date", "amount"),
    "wide": ("account_id", "annual_spend"),
}
OPTIONAL = {"quarterly": ("name",), "dated": ("name",), "wide": ("wallet", "share", "fit", "trust", "name")}
DELIMITERS = (",", ";", "\t")
UNKNOWN = frozenset({"", "na", "n/a", "nan"})  # how spreadsheets, R and pandas write "not known" in an optional column
MAX_AMOUNT = 1e15  # beyond any book in any currency: a mistyped exponent, not a customer
YEARS = range(1900, 2101)
_POINT_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?((\d{1,3}(\.\d{3})+|\d+)(,\d*)?|,\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPED_NUMBER = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*", re.ASCII)
_UNGROUPED_NUMBER = re.compile(r"[+-]?\d{4,}([.,]\d*)?", re.ASCII)
_QUARTER = re.compile(r"(\d{4})[- ]?q([1-4])", re.ASCII | re.IGNORECASE)
_TIME = r"([T ]\s*([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?)?(\s?[AP]M)?(Z|[+-]\d\d:?\d\d)?)?"
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})" + _TIME, re.ASCII | re.IGNORECASE)
_SLASH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})" + _TIME, re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A CSV file as columns of stripped text, with the line each record starts on."""

    source: str
    form: str
    delimiter: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    lines: list[int]
    notes: list[str]

    def has(self, column: str) -> bool:
        """Whether there is a column of that name."""
        return column in self.header

    def cells(self, column: str) -> list[str]:
        """A column, record by record."""
        at = self.header.index(column)
        return [row[at] for row in self.rows]

    def fail(self, record: int, what: str) -> NoReturn:
        """Refuse the book for one of its records."""
        raise KamsimError(f"{self.source}, line {self.lines[record]}: {what}.")


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read the file into a table and settle which of the accepted forms it has."""
    source = os.fsdecode(path)
    notes: list[str] = []
    text = _decode(_read_bytes(source), source, notes)
    delimiter = _find_delimiter(text)
    records = _parse_csv(text, delimiter, source)
    if not records:
        raise KamsimError(f"{source}: the file is empty; give a CSV file with a header line and one row per record.")
    header_line, written = records[0]
    header = _read_header(written, header_line, source)
    form = _find_form(header, header_line, source)
    used = FORMS[form] + OPTIONAL[form]
    ignored = [name or "(unnamed)" for name in header if name not in used]
    if ignored:
        notes.append(f"Ignored {count(len(ignored), 'column')} that a book does not use: {', '.join(ignored)}.")
    lines, rows = _read_rows(records[1:], header, source, notes)
    return Table(source, form, delimiter, header, rows, lines, notes)


def _read_bytes(source: str) -> bytes:
    """Read the file, turning each way that can fail into one sentence."""
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


def _decode(raw: bytes, source: str, notes: list[str]) -> str:
    """Decode UTF-8 with or without a byte order mark, else Windows-1252."""
    # Text holds no NUL; spreadsheets and UTF-16 files do.
    if b"\0" not in raw:
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
        try:
            text = raw.decode("cp1252")
            notes.append("Read as Windows-1252 text, for it is not UTF-8.")
            return text
        except UnicodeDecodeError:
            pass
    raise KamsimError(f"{source}: the file is not text; export it as CSV in UTF-8.")


def _find_delimiter(text: str) -> str:
    """Choose the delimiter under which the header line holds the most known columns, then the most columns."""
    line = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    known = {name for form in FORMS for name in FORMS[form] + OPTIONAL[form]}

    def score(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return 0, 0
        return sum(cell.strip().casefold() in known for cell in cells), len(cells)

    return max(DELIMITERS, key=score)


def _parse_csv(text: str, delimiter: str, source: str) -> list[tuple[int, list[str]]]:
    """Split the text into records, each with the line it starts on; blank lines are no records."""
    # strict: a quote left open would otherwise swallow the rest of the book without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    records = []
    line = 1
    try:
        for cells in reader:
            if len(cells) > 1 or (cells and cells[0].strip()):
                records.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise KamsimError(
            f"{source}, line {line}: this record is not valid CSV ({error}); close each quote and double the quotes "
            "inside a field."
        ) from None
    return records


def _read_header(written: Sequence[str], line: int, source: str) -> tuple[str, ...]:
    # A quoted header may span lines; notes and errors are one line each.
    header = tuple(" ".join(cell.split()).casefold() for cell in written)
    named = [name for name in header if name]
    for at, name in enumerate(named):
        if name in named[:at]:
            raise KamsimError(
                f"{source}, line {line}: column {shown(name)} appears twice; remove or rename one of them."
            )
    return header


def _find_form(header: tuple[str, ...], line: int, source: str) -> str:
    """Say which accepted form the header has, or which column is missing or misspelt."""
    complete = [form for form, required in FORMS.items() if set(required) <= set(header)]
    if len(complete) > 1:
        raise KamsimError(
            f"{source}, line {line}: the columns fit more than one form of book ({_forms(complete)}); keep one of them."
        )
    if not complete:
        _fail_on_missing(header, line, source)
    form = complete[0]
    absent = [name for name in OPTIONAL[form] if name not in header]
    for name in header:
        # Stricter than for a required column, for an extra column is allowed and may just sound alike.
        close = difflib.get_close_matches(name, absent, n=1, cutoff=0.8)
        if close and name not in FORMS[form] + OPTIONAL[form]:
            raise KamsimError(
                f"{source}, line {line}: column {shown(name)} is unknown; rename it, did you mean '{close[0]}'?"
            )
    return form


def _fail_on_missing(header: tuple[str, ...], line: int, source: str) -> NoReturn:
    """Name the nearest column where one is misspelt, else what is missing."""
    known = {name for required in FORMS.values() for name in required}
    absent = known - set(header)
    for name in header:
        if name not in known and difflib.get_close_matches(name, absent, n=1, cutoff=0.6):
            raise KamsimError(f"{source}, line {line}: column {shown(name)} is unknown; {nearest(name, absent)}")
    # The form that the header comes closest to is the one the user had in mind.
    form = max(FORMS, key=lambda form: len(set(FORMS[form]) & set(header)) - 0.1 * len(FORMS[form]))
    missing = ", ".join(name for name in FORMS[form] if name not in header)
    found = shown(", ".join(header))
    raise KamsimError(
        f"{source}, line {line}: no column {missing} among {found}; a book has {_forms(FORMS)}, separated by comma, "
        "semicolon or tab."
    )


def _forms(forms: Iterable[str]) -> str:
    return " or ".join("'" + ", ".join(FORMS[form]) + "'" for form in forms)


def _read_rows(
    records: list[tuple[int, list[str]]], header: tuple[str, ...], source: str, notes: list[str]
) -> tuple[list[int], list[tuple[str, ...]]]:
    """Strip the cells and check each record against the header."""
    width = len(header)
    lines, rows = [], []
    blank = 0
    for line, written in records:
        row = tuple(cell.strip() for cell in written)
        if not any(row):
            blank += 1
            continue
        if len(row) < width or any(row[width:]):
            raise KamsimError(
                f"{source}, line {line}: {count(len(row), 'field')} where the header has {width}; fill the row, or "
                "quote a field that holds the separator."
            )
        lines.append(line)
        rows.append(row[:width])
    if not rows:
        raise KamsimError(f"{source}: there is no row under the header; add at least one account.")
    if blank:
        notes.append(f"Skipped {count(blank, 'row')} without any value.")
    return lines, rows


def read_accounts(table: Table) -> tuple[list[str], Integers]:
    """Number the accounts in order of first appearance."""
    number: dict[str, int] = {}
    codes = np.empty(len(table.rows), dtype=np.int64)
    for record, account in enumerate(table.cells("account_id")):
        if not account:
            table.fail(record, "account_id is empty; give every row the id of its account")
        codes[record] = number.setdefault(account, len(number))
    return list(number), codes


def read_names(table: Table, accounts: list[str], codes: Integers) -> list[str]:
    """Give each account the last name written for it, else its id."""
    names = list(accounts)
    if table.has("name"):
        for code, name in zip(codes.tolist(), table.cells("name"), strict=True):
            names[code] = name or names[code]
    return names


def read_numbers(table: Table, column: str, mark: str, *, optional: bool = False) -> Floats:
    """Read a column of finite numbers; in an optional column an empty cell is NaN."""
    pattern = _COMMA_NUMBER if mark == "," else _POINT_NUMBER
    values = np.full(len(table.rows), np.nan)
    for record, cell in enumerate(table.cells(column)):
        if optional and cell.casefold() in UNKNOWN:
            continue
        if not cell:
            table.fail(record, f"{column} is empty; give a number")
        if not pattern.fullmatch(cell):
            example = "1234,50" if mark == "," else "1234.50"
            table.fail(record, f"{column} {shown(cell)} is not a finite number; write it like {example}")
        values[record] = float(cell.replace(".", "").replace(",", ".") if mark == "," else cell)
        if abs(values[record]) > MAX_AMOUNT:
            table.fail(record, f"{column} {shown(cell)} is beyond {MAX_AMOUNT:g}; correct the number")
    return values


def decimal_mark(table: Table, columns: Sequence[str]) -> str:
    """Say which mark the columns use for decimals, whatever parts the fields."""
    cells = [(record, column, cell) for column in columns for record, cell in enumerate(table.cells(column))]
    marked = [one for one in cells if "," in one[2] or "." in one[2]]
    if any("," in cell for _, _, cell in marked):
        mark = ","
    else:
        # "1.234.567" can only group thousands, so that the comma is left for the decimals.
        mark = "," if any(cell.count(".") > 1 for _, _, cell in marked) else "."
    # "1.234" and "1,234" read a thousandfold apart; only another number of the file can tell which is meant.
    undecided = [one for one in marked if _GROUPED_NUMBER.fullmatch(one[2]) and len(re.findall("[.,]", one[2])) == 1]
    decided = len(undecided) < len(marked) or any(_UNGROUPED_NUMBER.fullmatch(cell) for _, _, cell in cells)
    if undecided and not decided:
        record, column, cell = undecided[0]
        table.fail(
            record,
            f"{column} {shown(cell)} may be a decimal or a thousand; write numbers without thousands separators",
        )
    return mark


def read_quarters(table: Table) -> Integers:
    """Number the quarters: four a year, counted from year 0."""
    known: dict[str, int] = {}
    quarters = np.empty(len(table.rows), dtype=np.int64)
    for record, cell in enumerate(table.cells("quarter")):
        if cell not in known:
            match = _QUARTER.fullmatch(cell)
            if not match or int(match[1]) not in YEARS:
                table.fail(record, f"quarter {shown(cell)} is not a quarter from 1900 to 2100; write it like 2012Q1")
            known[cell] = int(match[1]) * 4 + int(match[2]) - 1
        quarters[record] = known[cell]
    return quarters


def read_dates(table: Table) -> Integers:
    """Number the calendar quarter of each date."""
    cells = table.cells("date")
    day_first = _day_comes_first(table, cells)
    quarters = np.empty(len(cells), dtype=np.int64)
    for record, cell in enumerate(cells):
        if match := _ISO_DATE.fullmatch(cell):
            year, month, day = int(match[1]), int(match[2]), int(match[3])
        elif match := _SLASH_DATE.fullmatch(cell):
            year, month, day = int(match[3]), int(match[2]), int(match[1])
            if not day_first:
                month, day = day, month
        else:
            year, month, day = 0, 0, 0
        if year not in YEARS or not _is_date(year, month, day):
            table.fail(record, f"date {shown(cell)} is not a date from 1900 to 2100; write it like 2012-03-31")
        quarters[record] = year * 4 + (month - 1) // 3
    return quarters


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def _day_comes_first(table: Table, cells: list[str]) -> bool:
    """Tell dd/mm from mm/dd by the file as a whole, for no single 03/04/2012 can."""
    first_day = first_month = unclear = -1
    for record, cell in enumerate(cells):
        match = _SLASH_DATE.fullmatch(cell)
        if not match:
            continue
        one, two = int(match[1]), int(match[2])
        if one > 12 and two <= 12 and first_day < 0:
            first_day = record
        elif two > 12 and one <= 12 and first_month < 0:
            first_month = record
        elif one != two and unclear < 0:
            unclear = record
    if first_day >= 0 and first_month >= 0:
        day, month = (shown(cells[record]) for record in (first_day, first_month))
        table.fail(
            max(first_day, first_month),
            f"dates mix day first ({day}) and month first ({month}); write them all like 2012-03-31",
        )
    if unclear >= 0 and max(first_day, first_month) < 0:
        table.fail(
            unclear,
            f"date {shown(cells[unclear])} may be day or month first, and no other date of the file tells; "
            "write dates like 2012-03-31",
        )
    return first_month < 0


def refuse(table: Table, column: str, bad: Flags, why: str) -> None:
    """Fail on the first record that is bad."""
    if bad.any():
        record = int(np.argmax(bad))
        table.fail(record, f"{column} {shown(table.cells(column)[record])} {why}")


def count(number: int, noun: str) -> str:
    """Say how many there are of something."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
