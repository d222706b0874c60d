"""Tables of a file: where its header stands, and what its columns mean."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kamsim.books.columns import (
    PERIODS,
    ColumnMissingError,
    Layout,
    find_layout,
    header_name,
    known_names,
    named_roles,
)
from kamsim.books.dates import TIME, kind_of
from kamsim.books.files import HEADER_WITHIN, Sheet, read_sheets
from kamsim.books.lines import blank_records
from kamsim.books.options import Options
from kamsim.books.table import Column, Table, at_line, count
from kamsim.errors import KamsimError, nearest, shown
from kamsim.types import Integers

SAMPLE = 500  # records that tell what a column holds
AMOUNT = re.compile(r"[^\w]*\d[\d.,' ]*[^\d]{0,6}")


class Read(NamedTuple):
    """A table and what its columns mean."""

    table: Table
    layout: Layout


def read_table(source: str, raw: bytes, options: Options, *, strict: bool = True) -> Read:
    """Find the table of a file: its only one, or that of the first sheet that holds one.

    Parameters
    ----------
    source : str
        Name of the file.
    raw : bytes
        Its content.
    options : Options
        What the user says.
    strict : bool
        Whether all columns that the user names must be in this file.

    Returns
    -------
    Read
        The table without blank lines.

    Raises
    ------
    KamsimError
        Where it holds none, or several sheets hold one.
    """
    sheets = list(read_sheets(source, raw, sheet=options.sheet, encoding=options.encoding))
    sheets = [sheet for sheet in sheets if len(sheet.lines)]
    if not sheets:
        raise KamsimError(f"{source}: the file is empty; give a CSV file with a header line and one row per record.")
    if len(sheets) == 1:
        return _table_of(sheets[0], options, strict)
    read: list[Read] = []
    first_fault: KamsimError | None = None
    for sheet in sheets:
        try:
            read.append(_table_of(sheet, options, strict))
        except KamsimError as error:
            first_fault = first_fault or error
    if not read:
        assert first_fault is not None
        raise first_fault
    if len(read) > 1:
        names = ", ".join(shown(one.table.sheet) for one in read)
        raise KamsimError(f"{source}: the sheets {names} each hold a table; say which one is meant, as `sheet=NAME`.")
    others = ", ".join(shown(sheet.name) for sheet in sheets if sheet.name != read[0].table.sheet)
    read[0].table.notes.append(f"Read sheet {shown(read[0].table.sheet)}; {others} holds no orders.")
    return read[0]


def _table_of(sheet: Sheet, options: Options, strict: bool) -> Read:
    """Find the header of a sheet, and make columns of what is below it."""
    at = _header_of(sheet, options)
    width = max(int(sheet.fields[at]), 1)
    written = sheet.record(at)
    header = set(map(header_name, written))
    chosen = {role: name for role, name in options.columns.items() if strict or not name or header_name(name) in header}
    guessed: dict[str, str] = {}
    try:
        layout = find_layout(written, int(sheet.lines[at]), sheet.source, chosen)
    except ColumnMissingError:
        guessed = _guessed_by_contents(sheet, at, chosen)
        if not guessed:
            raise
        layout = find_layout(written, int(sheet.lines[at]), sheet.source, {**guessed, **chosen})
    if at + 1 == len(sheet.lines):
        raise KamsimError(f"{sheet.source}: there is no row under the header; add at least one account.")
    columns = [_column_of(sheet, column, at + 1, layout.header) for column in range(len(sheet.columns))]
    lines, fields = sheet.lines[at + 1 :], sheet.fields[at + 1 :]
    _refuse_long(sheet.source, lines, columns[width:], width, fields)
    _refuse_orders_above(sheet, at, layout)
    titles = tuple(int(sheet.lines[row]) for row in range(at) if any(cell.strip() for cell in sheet.record(row)))
    table = Table(
        sheet.source,
        tuple(columns[:width]),
        lines,
        fields,
        int(sheet.lines[at]),
        titles,
        list(sheet.notes),
        sheet.name,
        sheet.is_cut,
    )
    blank = blank_records(table)
    if blank.all():
        raise KamsimError(f"{sheet.source}: there is no row under the header; add at least one account.")
    if blank.any():
        table = table.take(~blank)
        table.notes.append(f"Skipped {count(int(blank.sum()), 'row')} without any value.")
    for role, name in guessed.items():
        other = f"`columns={role}=NAME` says another"
        table.notes.append(f"Took column {shown(name)} for the {role} by what it holds; {other}.")
    if layout.unused:
        table.notes.append(
            f"Ignored {count(len(layout.unused), 'column')} that a book does not use: {', '.join(layout.unused)}."
        )
    return Read(table, layout)


def refuse_unknown_columns(reads: Sequence[Read], options: Options) -> None:
    """Refuse a column that the user names and that no file has."""
    known = {name for read in reads for name in read.layout.header}
    for role, name in options.columns.items():
        if name and header_name(name) not in known:
            raise KamsimError(
                f"{reads[0].table.source}: no file has a column {shown(name)} for `columns={role}`; "
                f"{nearest(header_name(name), filter(None, known))}"
            )


def _guessed_by_contents(sheet: Sheet, at: int, chosen: Mapping[str, str]) -> dict[str, str]:
    """Find the one column that holds dates, the one that holds amounts, and the one of texts that come again.

    Nothing where another column could be meant as well, or where the first line is no header but an order.
    """
    written = [cell.strip() for cell in sheet.record(at)]
    header = [header_name(cell) for cell in written]
    if any(not cell or kind_of(cell) or AMOUNT.fullmatch(cell) for cell in written):
        return {}
    named = named_roles(written)
    taken = {*named.values(), *(header.index(header_name(name)) for name in chosen.values() if name)}
    found: dict[str, str] = {role: header[column] for role, column in named.items() if role in ("account", "name")}
    holding: dict[str, list[str]] = {"date": [], "amount": [], "account": []}
    for column in range(len(header)):
        some = [text for text in sheet.columns[column].slice(at + 1, SAMPLE).to_pylist() if text.strip()]
        if column not in taken and some:
            role = _role_of(some)
            if role is not None:
                holding[role].append(header[column])
    for role, names in holding.items():
        has = role in chosen or role in named or (role == "date" and any(period in named for period in PERIODS))
        if has or (role == "account" and "name" in named):
            continue
        if len(names) != 1:
            return {}
        found[role] = names[0]
    return {role: name for role, name in found.items() if role not in named and role not in chosen}


def _role_of(texts: list[str]) -> str | None:
    """Role of a column by its texts: dates, amounts with decimals, or names that come again."""
    if all(kind_of(re.sub(TIME, "", text.strip())) for text in texts):
        return "date"
    if all(AMOUNT.fullmatch(text.strip()) for text in texts):
        return "amount" if any(re.search(r"[.,]\d\d\b", text) for text in texts) else None
    if len(set(texts)) < len(texts) and not any(AMOUNT.fullmatch(text.strip()) for text in texts):
        return "account"
    return None


def _refuse_orders_above(sheet: Sheet, at: int, layout: Layout) -> None:
    """Refuse a line above the header that tells an account and an amount: it is no title."""
    amounts = [layout.roles[role] for role in ("amount", "annual_spend") if role in layout.roles]
    amounts += [period.column for period in layout.periods]
    account = layout.roles["account"]
    header = int(sheet.lines[at])
    for row in range(at):
        record = sheet.record(row)
        told = [record[column] for column in amounts if column < len(record) and record[column].strip()]
        if account < len(record) and record[account].strip() and any(AMOUNT.fullmatch(text) for text in told):
            raise KamsimError(
                f"{at_line(sheet.source, int(sheet.lines[row]))}: this line tells an account and an amount, and stands "
                f"above the header on line {header}; put the header above all lines."
            )


def _header_of(sheet: Sheet, options: Options) -> int:
    """Find the record with the most names of columns: the first of those within reach."""
    chosen = [header_name(name) for name in options.columns.values() if name]
    scores = []
    for at in range(min(HEADER_WITHIN, len(sheet.lines))):
        record = sheet.record(at)
        names = {header_name(cell) for cell in record}
        scores.append(known_names(record) + 3 * sum(name in names for name in chosen))
    best = int(np.argmax(scores))
    if scores[best] >= 2:
        return best
    return next((at for at in range(len(scores)) if len([cell for cell in sheet.record(at) if cell.strip()]) > 1), 0)


def _column_of(sheet: Sheet, column: int, start: int, header: tuple[str, ...]) -> Column:
    import pyarrow.compute as pc

    coded = pc.utf8_trim_whitespace(sheet.columns[column].slice(start).combine_chunks()).dictionary_encode()
    codes: Integers = coded.indices.to_numpy().astype(np.int64)
    return Column(header[column] if column < len(header) else "", codes, coded.dictionary, sheet.typed[column])


def _refuse_long(source: str, lines: Integers, beyond: list[Column], width: int, fields: Integers) -> None:
    for column in beyond:
        filled = column.are(bool)
        if filled.any():
            record = int(np.argmax(filled))
            raise KamsimError(
                f"{at_line(source, int(lines[record]))}: {count(int(fields[record]), 'field')} where the header has "
                f"{width}; fill the row, or quote a field that holds the separator."
            )
