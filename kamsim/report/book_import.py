"""What an import made of its files: the mapping of columns, and what became of every line."""

from collections.abc import Iterable
from decimal import Decimal

from kamsim.books.account_book import Book
from kamsim.books.dates import quarter_name
from kamsim.books.importing import Imported
from kamsim.books.labels import quarter_label
from kamsim.books.quality import Fate
from kamsim.books.table import count
from kamsim.errors import on_one_line
from kamsim.report.table import NOTHING, Group, Row, Table

_KINDS = {"dropped": "Left out", "netted": "Of what is used: netted", "merged": "Of what is used: merged"}


def import_tables(imported: Imported) -> list[Table | str]:
    """Tell an import: a sentence on the book, the mapping, and the table of lines.

    Parameters
    ----------
    imported : Imported
        A book and how it came of its files.

    Returns
    -------
    list of Table or str
        In the order in which they are read.
    """
    return [book_sentence(imported.book), mapping_table(imported), quality_table(imported)]


def book_sentence(book: Book) -> str:
    """Say how many accounts there are, over what time, and in what currency."""
    currency = f", in {book.currency}" if book.currency else ", in a currency that the file does not name"
    if book.quarters is None:
        return f"{count(len(book.account_id), 'account')} with a year's spend each{currency}."
    first, spend = book.quarters
    start, end = (quarter_label(quarter, book.year_starts) for quarter in (first, first + spend.shape[1] - 1))
    return f"{count(len(book.account_id), 'account')} from {start} to {end}{currency}."


def mapping_table(imported: Imported) -> Table:
    """Show which column was taken for what."""
    rows = [Row((role, on_one_line(name))) for role, name in imported.mapping.items()]
    return Table((Group("", tuple(rows)),), ("", "column"), "Columns", dense=True)


def quality_table(imported: Imported) -> Table:
    """Show what became of every line of the files: used and left out make the file."""
    quality = imported.quality
    groups = [Group("", (_row("in the files", quality.lines, quality.amount), _fate_row(quality.used)))]
    for kind, heading in _KINDS.items():
        rows = tuple(_fate_row(fate) for fate in quality.fates if fate.kind == kind)
        if rows:
            groups.append(Group(heading, rows))
    currency = imported.book.currency
    return Table(
        tuple(groups),
        ("", "lines", f"amount{currency and f', {currency}'}"),
        "Lines",
        legend=("used and left out make the files, to the cent", "netted and merged lines are used"),
    )


def _fate_row(fate: Fate) -> Row:
    note = f"first: {on_one_line(', '.join(_short(fate.first)))}" if fate.first else ""
    what = fate.what if fate.kind != "dropped" else _without_count(fate)
    return _row(what, fate.lines, fate.amount)._replace(note=note)


def _without_count(fate: Fate) -> str:
    """Reason of a fate without the count that stands beside it."""
    return fate.what.removeprefix(f"Left out {count(fate.lines, 'line')} ")


def _short(first: Iterable[str]) -> list[str]:
    """Places without the folders of their files."""
    return [place.replace("\\", "/").rpartition("/")[2] for place in first]


def _row(what: str, lines: int, amount: Decimal) -> Row:
    return Row((on_one_line(what), f"{lines:,}" if lines else NOTHING, f"{amount:,.2f}"))


def import_content(imported: Imported) -> dict[str, object]:
    """Plain values of an import, for JSON.

    Parameters
    ----------
    imported : Imported
        A book and how it came of its files.

    Returns
    -------
    dict
        Amounts as texts, which are exact.
    """
    book = imported.book
    return {
        "accounts": len(book.account_id),
        "currency": book.currency,
        "year_starts": book.year_starts,
        "first_quarter": None if book.quarters is None else quarter_name(book.quarters.first),
        "quarters": 0 if book.quarters is None else book.quarters.spend.shape[1],
        "mapping": imported.mapping,
        "quality": imported.quality.to_dict(),
        "sources": [source._asdict() for source in imported.sources],
        "notes": list(book.notes),
    }
