"""What money and years of a book are called, in every table and figure."""

from typing import TYPE_CHECKING

from kamsim.books.dates import quarter_name

if TYPE_CHECKING:
    from kamsim.books.book import Book

UNNAMED = "the book's currency"
MEDIAN_WALLETS = "units of the median account's yearly category spend"
OF_MEDIAN_WALLET = "the currency of world.median_wallet"


def money_of(book: "Book | None", median_wallet: float = 1.0) -> str:
    """Name the money that figures are told in.

    Parameters
    ----------
    book : Book, optional
        Whose accounts are played.
    median_wallet : float
        Of a scenario, which sets how much money is meant where there is no book.

    Returns
    -------
    str
        The code of the book's currency, or `UNNAMED` where its file does not tell; without a book `MEDIAN_WALLETS`, or
        `OF_MEDIAN_WALLET` where the scenario sets one.
    """
    if book is not None:
        return book.currency or UNNAMED
    return MEDIAN_WALLETS if median_wallet == 1.0 else OF_MEDIAN_WALLET


def names_currency(money: str) -> bool:
    """Whether a name of money from `money_of` is that of a book's currency, short enough to stand in a heading."""
    return money not in ("", MEDIAN_WALLETS, OF_MEDIAN_WALLET)


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
    return f"{'' if year_starts == 1 else 'FY'}{quarter_name(quarter)}"


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
        Whose accounts are played.
    history_years, years : int
        Years before the program, and of the whole run.

    Returns
    -------
    tuple of str
        One for each year of the run; none without a book, or for one without a history, whose years have numbers only.
    """
    if book is None or book.quarters is None:
        return ()
    last = book.quarters.first + book.quarters.spend.shape[1] - 1
    return tuple(year_label(last + 4 * (number + 1 - history_years), book.year_starts) for number in range(years))


def span_label(years: tuple[str, ...]) -> str:
    """Name some years by the first and the last: ``2026 to 2035``, ``years to 2026Q3 up to 2035Q3``.

    Parameters
    ----------
    years : tuple of str
        From `year_labels`.

    Returns
    -------
    str
        Empty for none.
    """
    if not years:
        return ""
    first, last = years[0], years[-1].removeprefix("to ")
    if len(years) == 1:
        return f"year {first}" if first.startswith("to ") else first
    return f"years {first} up to {last}" if first.startswith("to ") else f"{first} to {last}"
