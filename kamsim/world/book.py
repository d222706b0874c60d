"""Read a real account book, and estimate from it what a world needs to know about each account.

Three forms of CSV are read: one row per account and quarter, one row per invoice, or one row per account. A history
gives level, growth and volatility; what a book cannot tell stays NaN, and the world draws it. Nothing is dropped,
netted or assumed without a sentence in `Book.notes`.
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
from numpy.typing import NDArray

from kamsim.errors import KamsimError, nearest
from kamsim.source import makes_results
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
MAX_QUARTERS = 200  # fifty years: a longer span is a mistyped year
YEARS = range(1900, 2101)
ROUNDING = 1e-9  # a net this small beside its gross is what summing cents leaves behind, not spend

INCOMPLETE_BELOW = 0.60
HALF_LIFE_YEARS = 1.0
LEVEL_FLOOR = 1e-6
GROWTH_BOUND = 0.5
GROWTH_MIN_QUARTERS = 8
VOLATILITY_BOUNDS = (0.05, 1.5)
VOLATILITY_MIN_QUARTERS = 6
PRIOR_DF = 8.0  # the book's variance counts as much as this many degrees of freedom of the account's own
MIN_VARIANCE = 1e-8  # keeps a noise-free account from outweighing the whole book
WALLET_TOLERANCE = 0.05

_POINT_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?((\d{1,3}(\.\d{3})+|\d+)(,\d*)?|,\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPED_NUMBER = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*", re.ASCII)
_UNGROUPED_NUMBER = re.compile(r"[+-]?\d{4,}([.,]\d*)?", re.ASCII)
_QUARTER = re.compile(r"(\d{4})[- ]?q([1-4])", re.ASCII | re.IGNORECASE)
_TIME = r"([T ]\s*([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?)?(\s?[AP]M)?(Z|[+-]\d\d:?\d\d)?)?"
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})" + _TIME, re.ASCII | re.IGNORECASE)
_SLASH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})" + _TIME, re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Book:
    """An account book as the simulation needs it: one entry per account, in order of first appearance.

    Parameters
    ----------
    source : str
        The file name as given.
    account_id, name : tuple of str
        Ids as written; `name` is the id where the file names nobody.
    annual_spend : array
        Level: what the account is expected to spend with us, currency a year, always positive.
    growth : array
        Log growth a year, NaN where unknown.
    volatility : array
        Standard deviation of log quarterly spend around trend and season, NaN where unknown.
    wallet : array
        What the account spends with everyone, currency a year, NaN where unknown.
    share : array
        Our share of the wallet, in (0, 1], NaN where unknown.
    fit, trust : array
        In [0, 1], NaN where unknown.
    notes : tuple of str
        One sentence for each thing dropped, netted or assumed, with its count.
    """

    source: str
    account_id: tuple[str, ...]
    name: tuple[str, ...]
    annual_spend: Floats
    growth: Floats
    volatility: Floats
    wallet: Floats
    share: Floats
    fit: Floats
    trust: Floats
    notes: tuple[str, ...]


@makes_results
def read_book(path: str | os.PathLike[str]) -> Book:
    """Read an account book and estimate level, growth and volatility where it holds a history.

    Parameters
    ----------
    path : str or path
        A CSV file with `account_id, quarter, spend`, or `account_id, date, amount`, or one row per account with
        `account_id, annual_spend` and optionally `wallet, share, fit, trust, name`.

    Returns
    -------
    Book
        The accounts kept, and a note for each thing done on the way.

    Raises
    ------
    KamsimError
        Where the file cannot be read as a book: one sentence naming the file, the line and the way out.
    """
    table = _read_table(path)
    return _wide_book(table) if table.form == "wide" else _history_book(table)


# ---------------------------------------------------------------- from bytes to columns


@dataclass(frozen=True)
class _Table:
    """A CSV file as columns of stripped text, with the line each record starts on."""

    source: str
    form: str
    delimiter: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    lines: list[int]
    notes: list[str]

    def has(self, column: str) -> bool:
        return column in self.header

    def cells(self, column: str) -> list[str]:
        at = self.header.index(column)
        return [row[at] for row in self.rows]

    def fail(self, record: int, what: str) -> NoReturn:
        raise KamsimError(f"{self.source}, line {self.lines[record]}: {what}.")


def _read_table(path: str | os.PathLike[str]) -> _Table:
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
        notes.append(f"Ignored {_count(len(ignored), 'column')} that a book does not use: {', '.join(ignored)}.")
    lines, rows = _read_rows(records[1:], header, source, notes)
    return _Table(source, form, delimiter, header, rows, lines, notes)


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
                f"{source}, line {line}: column {_shown(name)} appears twice; remove or rename one of them."
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
                f"{source}, line {line}: column {_shown(name)} is unknown; rename it, did you mean '{close[0]}'?"
            )
    return form


def _fail_on_missing(header: tuple[str, ...], line: int, source: str) -> NoReturn:
    """Name the nearest column where one is misspelt, else what is missing."""
    known = {name for required in FORMS.values() for name in required}
    absent = known - set(header)
    for name in header:
        if name not in known and difflib.get_close_matches(name, absent, n=1, cutoff=0.6):
            raise KamsimError(f"{source}, line {line}: column {_shown(name)} is unknown; {nearest(name, absent)}")
    # The form that the header comes closest to is the one the user had in mind.
    form = max(FORMS, key=lambda form: len(set(FORMS[form]) & set(header)) - 0.1 * len(FORMS[form]))
    missing = ", ".join(name for name in FORMS[form] if name not in header)
    found = _shown(", ".join(header))
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
                f"{source}, line {line}: {_count(len(row), 'field')} where the header has {width}; fill the row, or "
                "quote a field that holds the separator."
            )
        lines.append(line)
        rows.append(row[:width])
    if not rows:
        raise KamsimError(f"{source}: there is no row under the header; add at least one account.")
    if blank:
        notes.append(f"Skipped {_count(blank, 'row')} without any value.")
    return lines, rows


# ---------------------------------------------------------------- from text to values


def _read_accounts(table: _Table) -> tuple[list[str], Integers]:
    """Number the accounts in order of first appearance."""
    number: dict[str, int] = {}
    codes = np.empty(len(table.rows), dtype=np.int64)
    for record, account in enumerate(table.cells("account_id")):
        if not account:
            table.fail(record, "account_id is empty; give every row the id of its account")
        codes[record] = number.setdefault(account, len(number))
    return list(number), codes


def _read_names(table: _Table, accounts: list[str], codes: Integers) -> list[str]:
    """Give each account the last name written for it, else its id."""
    names = list(accounts)
    if table.has("name"):
        for code, name in zip(codes.tolist(), table.cells("name"), strict=True):
            names[code] = name or names[code]
    return names


def _read_numbers(table: _Table, column: str, mark: str, *, optional: bool = False) -> Floats:
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
            table.fail(record, f"{column} {_shown(cell)} is not a finite number; write it like {example}")
        values[record] = float(cell.replace(".", "").replace(",", ".") if mark == "," else cell)
        if abs(values[record]) > MAX_AMOUNT:
            table.fail(record, f"{column} {_shown(cell)} is beyond {MAX_AMOUNT:g}; correct the number")
    return values


def _decimal_mark(table: _Table, columns: Sequence[str]) -> str:
    """Say which mark the file uses for decimals: a comma only where semicolons part the fields."""
    if table.delimiter != ";":
        return "."
    cells = [(record, cell) for column in columns for record, cell in enumerate(table.cells(column))]
    marked = [(record, cell) for record, cell in cells if "," in cell or "." in cell]
    if any("," in cell for _, cell in marked):
        mark = ","
    else:
        # "1.234.567" can only group thousands, so that the comma is left for the decimals.
        mark = "," if any(cell.count(".") > 1 for _, cell in marked) else "."
    # "1.234" and "1,234" read a thousandfold apart; only another number of the file can tell which is meant.
    undecided = [(r, c) for r, c in marked if _GROUPED_NUMBER.fullmatch(c) and c.count(".") + c.count(",") == 1]
    decided = len(undecided) < len(marked) or any(_UNGROUPED_NUMBER.fullmatch(cell) for _, cell in cells)
    if undecided and not decided:
        record, cell = undecided[0]
        table.fail(record, f"{_shown(cell)} may be a decimal or a thousand; write numbers without thousands separators")
    return mark


def _read_quarters(table: _Table) -> Integers:
    """Number the quarters: four a year, counted from year 0."""
    known: dict[str, int] = {}
    quarters = np.empty(len(table.rows), dtype=np.int64)
    for record, cell in enumerate(table.cells("quarter")):
        if cell not in known:
            match = _QUARTER.fullmatch(cell)
            if not match or int(match[1]) not in YEARS:
                table.fail(record, f"quarter {_shown(cell)} is not a quarter from 1900 to 2100; write it like 2012Q1")
            known[cell] = int(match[1]) * 4 + int(match[2]) - 1
        quarters[record] = known[cell]
    return quarters


def _read_dates(table: _Table) -> Integers:
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
            table.fail(record, f"date {_shown(cell)} is not a date from 1900 to 2100; write it like 2012-03-31")
        quarters[record] = year * 4 + (month - 1) // 3
    return quarters


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def _day_comes_first(table: _Table, cells: list[str]) -> bool:
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
        day, month = (_shown(cells[record]) for record in (first_day, first_month))
        table.fail(
            max(first_day, first_month),
            f"dates mix day first ({day}) and month first ({month}); write them all like 2012-03-31",
        )
    if unclear >= 0 and max(first_day, first_month) < 0:
        table.fail(
            unclear,
            f"date {_shown(cells[unclear])} may be day or month first, and no other date of the file tells; "
            "write dates like 2012-03-31",
        )
    return first_month < 0


# ---------------------------------------------------------------- one row per account


def _wide_book(table: _Table) -> Book:
    """Take a book that states each account's level, and perhaps its wallet, share, fit and trust."""
    accounts, codes = _read_accounts(table)
    _refuse_repeated_accounts(table, accounts, codes)
    columns = [name for name in ("wallet", "share", "fit", "trust") if table.has(name)]
    mark = _decimal_mark(table, ["annual_spend", *columns])
    spend = _read_numbers(table, "annual_spend", mark)
    _refuse(table, "annual_spend", spend <= 0, "is not above zero; leave the account out or correct it")
    given = dict.fromkeys(("wallet", "share", "fit", "trust"), np.full(len(spend), np.nan))
    for column in columns:
        given[column] = _read_numbers(table, column, mark, optional=True)
    for column in ("fit", "trust"):
        outside = (given[column] < 0) | (given[column] > 1)
        _refuse(table, column, outside, "is outside 0 to 1; give a fraction like 0.45")
    wallet, share = _settle_wallets(table, spend, given["wallet"], given["share"])
    table.notes.append("Growth and volatility are unknown in a book without history, and will be drawn.")
    return Book(
        source=table.source,
        account_id=tuple(accounts),
        name=tuple(_read_names(table, accounts, codes)),
        annual_spend=spend,
        growth=np.full(len(spend), np.nan),
        volatility=np.full(len(spend), np.nan),
        wallet=wallet,
        share=share,
        fit=given["fit"].copy(),
        trust=given["trust"].copy(),
        notes=tuple(table.notes),
    )


def _refuse_repeated_accounts(table: _Table, accounts: list[str], codes: Integers) -> None:
    if len(accounts) == len(codes):
        return
    seen: dict[int, int] = {}
    for record, code in enumerate(codes.tolist()):
        if code in seen:
            first = table.lines[seen[code]]
            table.fail(
                record, f"account {_shown(accounts[code])} is already on line {first}; keep one row for each account"
            )
        seen[code] = record


def _refuse(table: _Table, column: str, bad: Flags, why: str) -> None:
    """Fail on the first record that is bad."""
    if bad.any():
        record = int(np.argmax(bad))
        table.fail(record, f"{column} {_shown(table.cells(column)[record])} {why}")


def _settle_wallets(table: _Table, spend: Floats, wallet: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Check wallet and share against spend, and derive the one that is missing from the other."""
    _refuse(table, "share", (share <= 0) | (share > 1), "is outside (0, 1]; give a fraction like 0.45")
    _refuse(
        table, "wallet", wallet < spend * (1 - ROUNDING), "is below annual_spend; a wallet holds what is spent with us"
    )
    off = np.abs(share * wallet / spend - 1) > WALLET_TOLERANCE
    _refuse(
        table,
        "share",
        off,
        "times wallet is more than 5 % off annual_spend; correct one of the three or leave it empty",
    )
    by_share = np.isnan(wallet) & ~np.isnan(share)
    by_wallet = np.isnan(share) & ~np.isnan(wallet)
    _refuse(table, "share", spend > MAX_AMOUNT * share, f"makes a wallet beyond {MAX_AMOUNT:g}; correct the share")
    wallet, share = (
        np.where(by_share, spend / share, wallet),
        np.where(by_wallet, np.minimum(spend / wallet, 1.0), share),
    )
    if by_share.any():
        table.notes.append(f"Derived the wallet of {_count(int(by_share.sum()), 'account')} from spend and share.")
    if by_wallet.any():
        table.notes.append(f"Derived the share of {_count(int(by_wallet.sum()), 'account')} from spend and wallet.")
    return wallet, share


# ---------------------------------------------------------------- one row per quarter or invoice


def _history_book(table: _Table) -> Book:
    """Net a history into a table of accounts by quarters, and estimate each account from its row."""
    accounts, codes = _read_accounts(table)
    names = _read_names(table, accounts, codes)
    column = "spend" if table.form == "quarterly" else "amount"
    amounts = _read_numbers(table, column, _decimal_mark(table, [column]))
    quarters = _read_quarters(table) if table.form == "quarterly" else _read_dates(table)
    first = int(quarters.min())
    _refuse_long_span(table, quarters)
    if table.form == "quarterly":
        _settle_repeated_quarters(table, codes, quarters, amounts)
    else:
        _note_identical_invoices(table)
    spend = _net_by_quarter(table, codes, quarters - first, amounts)
    spend, kept = _drop_what_tells_nothing(table, spend, first)
    positive = spend > 0
    annual = _estimate_level(spend, positive, table.notes)
    volatility = _estimate_volatility(spend, positive, first, table.notes)
    growth = _estimate_growth(spend, positive, table.notes)
    unknown = np.full(len(kept), np.nan)
    return Book(
        source=table.source,
        account_id=tuple(accounts[code] for code in kept),
        name=tuple(names[code] for code in kept),
        annual_spend=annual,
        growth=growth,
        volatility=volatility,
        wallet=unknown,
        share=unknown.copy(),
        fit=unknown.copy(),
        trust=unknown.copy(),
        notes=tuple(table.notes),
    )


def _refuse_long_span(table: _Table, quarters: Integers) -> None:
    first, last = int(quarters.min()), int(quarters.max())
    if last - first >= MAX_QUARTERS:
        # The mistyped year is the one far from the middle of the file.
        middle = float(np.median(quarters))
        record = int(np.argmax(np.abs(quarters - middle)))
        table.fail(
            record,
            f"the book runs from {_quarter_name(first)} to {_quarter_name(last)}, over fifty years; correct the year",
        )


def _settle_repeated_quarters(table: _Table, codes: Integers, quarters: Integers, amounts: Floats) -> None:
    """Refuse a row that is there twice; let different rows for one account and quarter add up."""
    key = codes * (int(quarters.max()) + 1) + quarters
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(counts[inverse] > 1)
    others = [at for at, name in enumerate(table.header) if name not in FORMS["quarterly"]]
    seen: dict[tuple[object, ...], int] = {}
    for record in repeated.tolist():
        # Two products may well earn the same in a quarter: a row is a duplicate only if no column tells it apart.
        rest = tuple(table.rows[record][at] for at in others)
        row = (int(key[record]), float(amounts[record]), rest)
        if row in seen:
            table.fail(record, f"duplicate row, the same as line {table.lines[seen[row]]}; remove one of them")
        seen[row] = record
    if len(repeated):
        cells = int((counts > 1).sum())
        table.notes.append(f"Summed {_count(len(repeated), 'row')} that share {_count(cells, 'account-quarter')}.")


def _note_identical_invoices(table: _Table) -> None:
    copies = len(table.rows) - len(set(table.rows))
    if copies:
        table.notes.append(f"Summed {_count(copies, 'row')} identical to an earlier one, taken for separate invoices.")


def _net_by_quarter(table: _Table, codes: Integers, quarters: Integers, amounts: Floats) -> Floats:
    """Net the amounts of each account and quarter; accounts by quarters, still with its negative cells."""
    shape = int(codes.max()) + 1, int(quarters.max()) + 1
    key = codes * shape[1] + quarters
    cells = shape[0] * shape[1]
    net = np.bincount(key, weights=amounts, minlength=cells).astype(np.float64)
    gross = np.bincount(key, weights=np.abs(amounts), minlength=cells)
    net[np.abs(net) <= ROUNDING * gross] = 0.0
    credits = int((amounts < 0).sum())
    if credits:
        table.notes.append(f"Netted {_count(credits, 'credit note')} within account and quarter.")
    return net.reshape(shape)


def _drop_what_tells_nothing(table: _Table, net: Floats, first: int) -> tuple[Floats, list[int]]:
    """Leave out an incomplete last quarter and accounts that bought nothing; floor quarters at zero."""
    notes = table.notes
    size = np.abs(net).sum(axis=1)
    bought = net.sum(axis=1) > ROUNDING * size
    _note_left_out(notes, int((~bought).sum()), "whose spend nets to zero or below")
    complete = net[:, :-1] if _last_is_incomplete(np.maximum(net, 0.0).sum(axis=0)) else net
    if complete.shape != net.shape:
        name = _quarter_name(first + net.shape[1] - 1)
        notes.append(f"Left out {name} as incomplete, its total being below {INCOMPLETE_BELOW:.0%} of what was due.")
    # Judged on what is left, so that a last quarter left out can take an account's only purchases with it.
    kept = bought & (complete.sum(axis=1) > ROUNDING * size)
    _note_left_out(notes, int((bought & ~kept).sum()), "with no net spend before the incomplete last quarter")
    if not kept.any():
        raise KamsimError(
            f"{table.source}: no account has spend above zero; check the sign and the column of the amounts."
        )
    negative = int((complete[kept] < 0).sum())
    if negative:
        notes.append(f"Counted {_count(negative, 'account-quarter')} that net to below zero as zero spend.")
    return np.maximum(complete[kept], 0.0), np.flatnonzero(kept).tolist()


def _note_left_out(notes: list[str], number: int, why: str) -> None:
    if number:
        notes.append(f"Left out {_count(number, 'account')} {why}.")


def _last_is_incomplete(totals: Floats) -> bool:
    """Compare the last quarter with its year before, else with the mean of the quarters before it."""
    if len(totals) < 2:
        return False
    due = totals[-5] if len(totals) >= 5 else totals[:-1].mean()
    return bool(totals[-1] < INCOMPLETE_BELOW * due)


# ---------------------------------------------------------------- estimates


def _by_year(cells: NDArray[np.float64] | Flags) -> Floats:
    """Sum quarters into years counted back from the last quarter; the first year may be short."""
    short = -cells.shape[1] % 4
    padded = np.pad(cells.astype(np.float64), ((0, 0), (short, 0)))
    years: Floats = padded.reshape(len(cells), -1, 4).sum(axis=2)
    return years


def _since_first_purchase(positive: Flags) -> Flags:
    return np.logical_or.accumulate(positive, axis=1)


def _estimate_level(spend: Floats, positive: Flags, notes: list[str]) -> Floats:
    """Average annual spend with recent years weighing more, over the years since the first purchase."""
    years = _by_year(spend)
    presence = _by_year(_since_first_purchase(positive)) / 4
    weight = 0.5 ** (np.arange(years.shape[1])[::-1] / HALF_LIFE_YEARS)
    # A year that the account joined halfway adds half to both sums: that is its pro-rata share.
    annual: Floats = (years @ weight) / (presence @ weight)
    floor = max(LEVEL_FLOOR * float(np.median(annual)), float(np.finfo(np.float64).tiny))
    floored = int((annual < floor).sum())
    if floored:
        notes.append(f"Raised the level of {_count(floored, 'account')} to a millionth of the book's median.")
    dormant = int((~positive[:, -4:].any(axis=1)).sum())
    if dormant:
        notes.append(f"Kept {_count(dormant, 'account')} without spend in the last four quarters, at a faded level.")
    if spend.shape[1] < 4:
        notes.append(f"Scaled {_count(spend.shape[1], 'quarter')} of spend up to a year, for there is no full year.")
    return np.maximum(annual, floor)


@dataclass(frozen=True)
class _Lines:
    """A straight line through each row's own points."""

    slope: Floats
    spread: Floats  # sum of squares of time around its mean
    residual: Floats  # zero where there is no point
    points: Floats


def _fit_lines(values: Floats, known: Flags) -> _Lines:
    """Fit a least-squares line over time to the known points of each row."""
    points = known.sum(axis=1).astype(np.float64)
    some = np.maximum(points, 1.0)[:, None]
    time = np.broadcast_to(np.arange(values.shape[1], dtype=np.float64), values.shape)

    def around_mean(cells: Floats) -> Floats:
        mean = np.where(known, cells, 0.0).sum(axis=1, keepdims=True) / some
        centered: Floats = np.where(known, cells - mean, 0.0)
        return centered

    x, y = around_mean(time), around_mean(values)
    spread = (x * x).sum(axis=1)
    slope = (x * y).sum(axis=1) / np.where(spread > 0, spread, 1.0)
    return _Lines(slope, spread, y - slope[:, None] * x, points)


def _logs(values: Floats, known: Flags) -> Floats:
    logs: Floats = np.log(np.where(known, values, 1.0))
    return logs


def _estimate_volatility(spend: Floats, positive: Flags, first: int, notes: list[str]) -> Floats:
    """Measure how far quarterly spend strays from the account's own trend and the book's season."""
    volatility = np.full(len(spend), np.nan)
    steady = positive.sum(axis=1) >= VOLATILITY_MIN_QUARTERS
    if steady.any():
        lines = _fit_seasonal_lines(spend[steady], positive[steady], first)
        # Each account pays for its line, and its part of the three seasonal factors that the whole book paid for.
        df = lines.points - 2.0 - 3.0 * lines.points / lines.points.sum()
        own = (lines.residual**2).sum(axis=1) / df
        trusted = df / (df + PRIOR_DF)
        variance = trusted * own + (1.0 - trusted) * np.median(own)
        volatility[steady] = np.clip(np.sqrt(variance), *VOLATILITY_BOUNDS)
    _note_unknown(notes, "Volatility", volatility, f"under {VOLATILITY_MIN_QUARTERS} quarters of spend")
    return volatility


def _fit_seasonal_lines(spend: Floats, positive: Flags, first: int) -> _Lines:
    """Fit a line to each account and one season to the book, each in turn on what the other leaves."""
    logs = _logs(spend, positive)
    season_of = (first + np.arange(spend.shape[1])) % 4
    member = (season_of[:, None] == np.arange(4)).astype(np.float64)
    counts = np.maximum(positive.sum(axis=0) @ member, 1.0)
    season = np.zeros(4)
    for _ in range(50):
        lines = _fit_lines(logs - season[season_of], positive)
        step = (lines.residual.sum(axis=0) @ member) / counts
        season += step
        if np.abs(step).max() < 1e-6:
            break
    return lines


def _estimate_growth(spend: Floats, positive: Flags, notes: list[str]) -> Floats:
    """Take each account's trend of log annual spend, shrunk toward the book by how little it can be trusted."""
    growth = np.full(len(spend), np.nan)
    if spend.shape[1] < GROWTH_MIN_QUARTERS:
        notes.append(
            f"Growth is unknown, for {_count(spend.shape[1], 'quarter')} are under two years, and will be drawn."
        )
        return growth
    years = _by_year(spend)
    # A year joined halfway would read as growth in the next, so trends rest on whole years.
    whole = (_by_year(_since_first_purchase(positive)) == 4) & (years > 0)
    trended = whole.sum(axis=1) >= 2
    noise = _annual_noise(years, whole)
    if noise is None:
        # Two years show one step; how much of it will last takes a third year to tell, from somebody in the book.
        notes.append("Growth is unknown, for no account has three whole years of spend, and will be drawn.")
        return growth
    lines = _fit_lines(_logs(years, whole)[trended], whole[trended])
    # Two points leave no residual, and three hardly one: the book's own noise stands in for what is missing.
    variance = ((lines.residual**2).sum(axis=1) + PRIOR_DF * noise) / (lines.points - 2.0 + PRIOR_DF)
    error = np.maximum(variance / lines.spread, MIN_VARIANCE)
    growth[trended] = np.clip(_shrink(lines.slope, error), -GROWTH_BOUND, GROWTH_BOUND)
    _note_unknown(notes, "Growth", growth, "under two whole years of spend")
    return growth


def _annual_noise(years: Floats, whole: Flags) -> float | None:
    """Pool the variance of log annual spend around each account's trend, if any account has three years."""
    long = whole.sum(axis=1) >= 3
    if not long.any():
        return None
    lines = _fit_lines(_logs(years, whole)[long], whole[long])
    return float((lines.residual**2).sum() / (lines.points - 2.0).sum())


def _shrink(slope: Floats, error: Floats) -> Floats:
    """Pull each slope toward the book's mean (normal-normal; between-account variance by method of moments)."""
    weight = 1.0 / error
    mean = float((weight * slope).sum() / weight.sum())
    excess = float((weight * (slope - mean) ** 2).sum()) - (len(slope) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, excess / scale) if len(slope) > 1 and scale > 0 else 0.0
    weight = 1.0 / (error + between)
    mean = float((weight * slope).sum() / weight.sum())
    shrunk: Floats = mean + between / (between + error) * (slope - mean)
    return shrunk


def _note_unknown(notes: list[str], what: str, values: Floats, why: str) -> None:
    unknown = int(np.isnan(values).sum())
    if unknown:
        notes.append(f"{what} is unknown for {_count(unknown, 'account')} with {why}, and will be drawn.")


# ---------------------------------------------------------------- wording


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _quarter_name(quarter: int) -> str:
    return f"{quarter // 4}Q{quarter % 4 + 1}"


def _shown(text: str) -> str:
    """Quote what the user wrote, on one line and not at length."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
