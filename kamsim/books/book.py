"""Account books as files: an imported one, or a raw one that is plain enough to need no question, by the same code.

What a book cannot tell stays NaN, and the world draws it. Nothing is
dropped, netted or assumed without a sentence in `Book.notes`; what an import
has said already is said in one.
"""

import os
from dataclasses import replace

from kamsim.books.account_book import Book
from kamsim.books.history import YearlySpend, by_year
from kamsim.books.importing import import_book
from kamsim.books.stored import stored_book
from kamsim.errors import KamsimError, on_one_line
from kamsim.source import makes_results

__all__ = ["Book", "read_book", "yearly_spend"]


@makes_results
def read_book(path: str | os.PathLike[str]) -> Book:
    """Read an account book.

    Parameters
    ----------
    path : str or path
        An imported book, or a file with `account_id, quarter, spend`, or `account_id, date, amount`, or one row per
        account with `account_id, annual_spend` and optionally `wallet, share, fit, trust, name`, by these or the
        names that a CRM or an ERP gives them.

    Returns
    -------
    Book
        The accounts kept, and a note for each thing done on the way; for an imported book one that says where they are.

    Raises
    ------
    KamsimError
        Where the file cannot be read as a book: one sentence naming the file, the line and the way out.
    """
    imported = stored_book(path)
    return import_book([path]).book if imported is None else _briefly(imported.book)


def _briefly(book: Book) -> Book:
    """Say in one note that there are several: an import has told them, and `book profile` tells them again."""
    if len(book.notes) < 2:
        return book
    where = "kamsim book profile lists them"
    return replace(book, notes=(f"{on_one_line(book.source)} was imported with {len(book.notes)} notes; {where}.",))


def yearly_spend(book: Book) -> YearlySpend:
    """Annual spend of the accounts of a book with a history.

    Parameters
    ----------
    book : Book
        From `read_book`.

    Returns
    -------
    YearlySpend
        As `kamsim.books.history.by_year` counts years.

    Raises
    ------
    KamsimError
        Where the book has no history, or one of under two years.
    """
    if book.quarters is None:
        raise KamsimError(f"{book.source}: one row per account has no history; give a book by quarters or invoices.")
    return by_year(book.source, book.quarters.spend, book.quarters.first)
