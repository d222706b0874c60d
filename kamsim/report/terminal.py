"""Tables and sentences in a terminal, reading the same with and without color."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from kamsim.report.table import Mark, Row, Table

WIDTH = 80
GAP = "  "
NARROWEST = 12  # column of names, where figures are long
LEAST_REMARK = 20  # a remark that is wrapped into less can no longer be read
_STYLES: dict[Mark, str] = {"": "", "good": "green", "bad": "red", "aside": "dim"}


def show(*parts: Table | str | None) -> None:
    """Print tables and text with a line between them, in color where a terminal reads them.

    Sentences wrap, tables do not; empty parts are left out.
    """
    # Names come from users: nothing in them is markup, an emoji or a number to color.
    console = Console(highlight=False, markup=False, emoji=False)
    for place, part in enumerate(filter(None, parts)):
        if place:
            console.print()
        if isinstance(part, Table):
            console.print(text_of(part), soft_wrap=True)
        else:
            console.print(part)


def text_of(table: Table) -> Text:
    """Draw a table as text, 80 columns wide where its figures allow it, without a line break at its end."""
    text = Text()
    for line, style in _lines(table):
        text.append(f"{line}\n", style=style)
    text.rstrip()
    return text


def _lines(table: Table) -> Iterator[tuple[str, str]]:
    rows = [row for group in table.groups for row in group.rows]
    header = [Row(table.columns, "aside")] if table.columns and rows else []
    widths = _widths([row.cells for row in (*header, *rows)])
    if table.title:
        yield _wrapped(table.title), "bold"
    for row in header:
        yield _line(row.cells, widths), _STYLES[row.mark]
    for group in table.groups:
        if group.heading:
            yield ("" if table.dense else "\n") + _wrapped(group.heading), "bold"
        for row in group.rows:
            yield _line(row.cells, widths), _STYLES[row.mark]
            for line in row.note.splitlines():
                yield _wrapped(line, GAP, GAP), "dim"
    if table.legend:
        above = "\n" if table.title or rows else ""
        yield above + "\n".join(map(_wrapped, table.legend)), "dim"


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Widths of the columns; names have what the figures leave of a line."""
    if not rows:
        return []
    names, *others = zip(*rows, strict=True)
    figures = [max(map(len, column)) for column in others]
    room = max(NARROWEST, WIDTH - sum(figures) - len(GAP) * len(figures))
    # Names that fit nowhere have lines of their own.
    return [max((len(name) for name in names if len(name) <= room), default=NARROWEST), *figures]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Lay out a name, figures to the right of their columns, and a last remark."""
    name, *figures, last = cells
    # A long name has a line of its own, so that it stays whole and the figures stay in line.
    head = f"{name}\n{'':<{widths[0]}}" if len(name) > widths[0] else f"{name:<{widths[0]}}"
    start = GAP.join([head, *(cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=False)), ""])
    indent = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    if len(last) > max(WIDTH - indent, LEAST_REMARK):
        last = _wrapped(last, " " * indent, " " * indent, max(WIDTH, indent + LEAST_REMARK)).lstrip()
    return f"{start}{last}".rstrip()


def _wrapped(text: str, first: str = "", indent: str = "", width: int = WIDTH) -> str:
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
