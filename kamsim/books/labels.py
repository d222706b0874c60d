"""What money and years of a book are called, in every table and figure."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kamsim.books.book import Book

UNNAMED = "the book's currency"


def money_of(book: "Book") -> str:
    """Name the money that a book counts in.

    Parameters
    ----------
    book : Book
        From `kamsim.books.book.read_book`.

    Returns
    -------
    str
        The code of its currency, or `UNNAMED` where the file does not tell.
    """
    return book.currency or UNNAMED


def quarter_label(quarter: int, year_starts: int = 1) -> str:
    """Name a quarter.

    Parameters
    ----------
    quarter : int
        Its number: four a year, counted from year 0.
    year_starts : int
        Month that the year starts in; years of another start than January are fiscal years.

    Returns
    -------
    str
        ``2025Q3``, or ``FY2025Q3``.
    """
    return f"{'' if year_starts == 1 else 'FY'}{quarter // 4}Q{quarter % 4 + 1}"


def year_label(last_quarter: int, year_starts: int = 1) -> str:
    """Name a year by the quarter that it ends with.

    Parameters
    ----------
    last_quarter, year_starts : int
        As of `quarter_label`.

    Returns
    -------
    str
        ``2025``, ``FY2025``, or ``to 2025Q3`` where the four quarters are those of no one year.
    """
    if last_quarter % 4 == 3:
        return quarter_label(last_quarter, year_starts)[:-2]
    return f"to {quarter_label(last_quarter, year_starts)}"


def year_labels(book: "Book | None", history_years: int, years: int) -> tuple[str, ...]:
    """Name the years of a run, whose history is the last quarters of its book.

    Parameters
    ----------
    book : Book, optional
        Whose accounts are played; without one, or one without a history, years are numbered from 1.
    history_years, years : int
        Years before the program, and of the whole run.

    Returns
    -------
    tuple of str
        One for each year of the run.
    """
    if book is None or book.quarters is None:
        return tuple(str(number + 1) for number in range(years))
    last = book.quarters.first + book.quarters.spend.shape[1] - 1
    return tuple(year_label(last + 4 * (number + 1 - history_years), book.year_starts) for number in range(years))
