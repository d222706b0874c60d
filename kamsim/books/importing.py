"""Files to an account book: read, asked about where they leave something open, netted by quarter, and accounted for."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kamsim.books.account_book import Book
from kamsim.books.accounts import Accounts, annual_book, history_book, tell_of_accounts
from kamsim.books.columns import described
from kamsim.books.files import read_bytes
from kamsim.books.history import Quarters
from kamsim.books.joining import (
    Joined,
    join,
    note_identical,
    refuse_long_span,
    refuse_overlaps,
    refuse_repeated_accounts,
    settle_currency,
    settle_future,
    settle_identifiers,
    settle_repeated_quarters,
)
from kamsim.books.netting import net_by_quarter, quality_of_orders
from kamsim.books.options import Options
from kamsim.books.orders import Orders, read_orders
from kamsim.books.quality import Quality, in_words
from kamsim.books.table import at_line
from kamsim.books.tables import Read, read_table, refuse_unknown_columns
from kamsim.errors import KamsimError, shown


class Source(NamedTuple):
    """A file that a book was made of."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, eq=False)
class Imported:
    """An account book, and how it came of its files.

    Parameters
    ----------
    book : Book
        The accounts.
    quality : Quality
        What became of every line.
    mapping : dict
        Role -> name of the column that has it.
    sources : tuple of Source
        The files.
    said : tuple of str
        What each column of each file was taken for, a sentence a file.
    settled : dict
        ``dates`` and ``decimal`` as all values settled them: a shorter file may leave them open.
    """

    book: Book
    quality: Quality
    mapping: dict[str, str]
    sources: tuple[Source, ...]
    said: tuple[str, ...]
    settled: dict[str, str]


def import_book(paths: Sequence[str | os.PathLike[str]], options: Options | None = None) -> Imported:
    """Make an account book of the files that a CRM or an ERP exports.

    Parameters
    ----------
    paths : sequence of str or path
        CSV in any usual encoding, workbooks or Parquet; several are read as one book, accounts without orders among
        them.
    options : Options, optional
        What the user says where files do not tell.

    Returns
    -------
    Imported
        The book and the record of what became of every line: used and left out make the file, to the cent.

    Raises
    ------
    KamsimError
        Where a file cannot be read, or leaves something open: one sentence with the way out.
    """
    chosen = options or Options()
    sources, reads = [], []
    for path in paths:
        name = os.fsdecode(path)
        raw = read_bytes(name)
        sources.append(Source(name, hashlib.sha256(raw).hexdigest(), len(raw)))
        reads.append(read_table(name, raw, chosen, strict=len(paths) == 1))
        del raw
    refuse_unknown_columns(reads, chosen)
    with_orders = [read for read in reads if read.layout.form != "accounts"]
    if not with_orders:
        table = reads[0].table
        raise KamsimError(
            f"{at_line(table.source, table.header_line)}: no column of amounts among "
            f"{shown(', '.join(reads[0].layout.header))}; say which one it is, as `columns=amount=NAME`, or give the "
            "file of the orders beside this one."
        )
    orders = [read_orders(read.table, read.layout, chosen) for read in with_orders]
    book, quality = _book_of(reads, with_orders, orders, chosen)
    settled = {
        name: found[0]
        for at, name in enumerate(("dates", "decimal"))
        if len(found := list({one.settled[at] for one in orders if one.settled[at]})) == 1
    }
    mapping = {role: name for read in reads for role, name in read.layout.named().items()}
    said = tuple(f"{read.table.source}: {described(read.layout)}" for read in reads)
    return Imported(book, quality, mapping, tuple(sources), said, settled)


def _book_of(
    reads: list[Read], with_orders: list[Read], orders: list[Orders], options: Options
) -> tuple[Book, Quality]:
    """Join the orders of all files, sort out what is none across them, and make the book of the rest."""
    if not 1 <= options.year_starts <= 12:
        raise KamsimError(f"`year_starts={options.year_starts}`: a year starts in a month from 1 to 12")
    notes = [note for read in reads for note in read.table.notes]
    joined = join(orders)
    joined, currency = settle_currency(joined, options)
    joined = settle_identifiers(joined, options)
    refuse_overlaps(joined, options)
    told = tell_of_accounts(joined, reads, with_orders, options, notes)
    if joined.kind is None:
        return _annual(joined, told, currency, options, notes)
    return _history(joined, told, currency, options, notes)


def _annual(joined: Joined, told: Accounts, currency: str, options: Options, notes: list[str]) -> tuple[Book, Quality]:
    """Make a book of a year's spend per account."""
    some = np.flatnonzero(joined.sorting.open)
    refuse_repeated_accounts(joined, some)
    below = some[joined.money.values[some] <= 0]
    if len(below):
        joined.fail(
            int(below[0]),
            f"{joined.amount_name} {joined.shown_amount(int(below[0]))} is not above zero; "
            "leave the account out or correct it.",
        )
    if not len(some):
        raise KamsimError(
            f"{joined.source}: no account has spend above zero; check the sign and the column of the amounts."
        )
    spend = np.zeros(len(told.accounts))
    np.add.at(spend, told.account[some], joined.money.values[some])
    kept = np.flatnonzero(spend > 0)
    quality = quality_of_orders(joined, None)
    notes += in_words(quality.fates)
    return annual_book(joined.source, spend[kept], told.of(kept), notes, currency, options.year_starts), quality


def _history(joined: Joined, told: Accounts, currency: str, options: Options, notes: list[str]) -> tuple[Book, Quality]:
    """Make a book of orders by quarter."""
    refuse_long_span(joined, options.year_starts)
    settle_future(joined, options)
    if joined.kind == "quarter":
        settle_repeated_quarters(joined, notes)
    else:
        note_identical(joined, notes)
    netted = net_by_quarter(joined, told.account, len(told.accounts), options, notes)
    if not netted.kept.any():
        raise KamsimError(
            f"{joined.source}: no account has spend above zero; check the sign and the column of the amounts."
        )
    kept = np.flatnonzero(netted.kept)
    quality = quality_of_orders(joined, netted)
    notes += in_words(quality.fates)
    quarters = Quarters(netted.first, netted.spend[kept])
    return history_book(joined.source, quarters, told.of(kept), notes, currency, options.year_starts), quality
