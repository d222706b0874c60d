"""Workbooks (.xlsx) that a colleague opens at once: written whole, and no text in them is a formula or a link."""

import io
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kamsim.errors import KamsimError
from kamsim.experiments.files import check_target, write_whole
from kamsim.text import neutral

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS = 1_048_575  # of a sheet, below its header
MOST_LETTERS = 32_767  # of a cell
MOST_WIDE = 60  # letters of a column, and the narrowest one
LEAST_WIDE = 8
PERCENT, MONEY, YEARS = "0 %", "#,##0", "0.0"
_PLAIN = {
    "in_memory": True,  # no copy of what a user knows of customers stays behind in a folder of the system
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_MADE = datetime(2000, 1, 1, tzinfo=UTC)  # the same tables make the same bytes


class Column(NamedTuple):
    """A column of a sheet: what stands above it, and how its numbers are shown, ``#,##0`` or ``0 %``."""

    heading: str
    shown: str = ""


class Sheet(NamedTuple):
    """A sheet of a workbook: its name, up to 31 letters, its columns, and rows of numbers, texts and None."""

    name: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[object]]


def write_workbook(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write tables as a workbook, whole or not at all.

    Parameters
    ----------
    path : Path
        Ends in .xlsx.
    sheets : sequence of Sheet
        At least one; a cell that is no number is a `neutral` text, and one that is None or NaN is empty.

    Raises
    ------
    KamsimError
        Where the file cannot be written, or a sheet has more rows than any sheet can hold.
    """
    check_target(path, ".xlsx")
    for sheet in sheets:
        if len(sheet.rows) > MOST_ROWS:
            raise KamsimError(f"{path}: {len(sheet.rows):,} rows are more than a sheet holds; write .csv instead")
    write_whole(path, workbook_bytes(sheets))


def workbook_bytes(sheets: Sequence[Sheet]) -> bytes:
    """Content of a workbook, the same for the same tables, with the header of each frozen above its rows."""
    from xlsxwriter import Workbook

    content = io.BytesIO()
    with Workbook(content, _PLAIN) as book:
        book.set_properties({"created": _MADE})
        heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            formats = [
                book.add_format({"num_format": column.shown} if column.shown else {}) for column in sheet.columns
            ]
            _fill(page, sheet, heading, formats)
    return content.getvalue()


def _fill(page: "Worksheet", sheet: Sheet, heading: "Format", formats: Sequence["Format"]) -> None:
    widths = [max(LEAST_WIDE, min(len(column.heading), 16)) for column in sheet.columns]
    for place, column in enumerate(sheet.columns):
        page.write_string(0, place, _text(column.heading), heading)
    for number, row in enumerate(sheet.rows, start=1):
        for place, (cell, shown) in enumerate(zip(row, formats, strict=True)):
            if isinstance(cell, Real):
                if math.isfinite(cell):
                    page.write_number(number, place, float(cell), shown)
                    widths[place] = max(widths[place], len(f"{float(cell):,.0f}") + 2)
            elif cell is not None:
                page.write_string(number, place, _text(cell), shown)
                widths[place] = max(widths[place], len(_text(cell)) + 1)
    for place, width in enumerate(widths):
        page.set_column(place, place, min(width, MOST_WIDE))
    page.freeze_panes(1, 1)
    page.autofilter(0, 0, max(1, len(sheet.rows)), len(sheet.columns) - 1)


def _text(cell: object) -> str:
    return neutral(str(cell))[:MOST_LETTERS]
