"""Moments of account books: the same figures of real books and of simulated histories, from annual spend alone."""

from typing import NamedTuple

import numpy as np

from kamsim.books.history import YearlySpend
from kamsim.types import Flags, Floats, Integers

TOP = 0.2  # part of accounts that count as the top
DECILES = 10
LAGS = (1, 2, 3, 5)  # years apart of which correlations are told


class YearToYear(NamedTuple):
    """Log annual spend of the same accounts in two years."""

    correlation: float
    slope: float  # of the later on the earlier year, least squares
    growth_sd: float  # of the change, log


class DecileTable(NamedTuple):
    """Accounts by decile of a year's spend, lowest first; NaN for a decile without accounts."""

    retained: Floats  # (10,), part that buys in the next year
    growth: Floats  # (10,), median log growth of those


# ---------------------------------------------------------------- moments


def gini(spend: Floats) -> float:
    """Gini coefficient: 0 where all accounts spend the same, near 1 where one brings all.

    Parameters
    ----------
    spend : array of shape (accounts,)
        Of a year, >= 0.

    Returns
    -------
    float
        NaN where nobody spends anything.
    """
    ordered, count = np.sort(spend), len(spend)
    total = ordered.sum()
    if not total > 0:
        return float("nan")
    # Not a matrix product, whose last digit is another on another machine.
    return float(((2 * np.arange(1, count + 1) - count - 1) * ordered).sum() / (count * total))


def top_share(spend: Floats, top: float = TOP) -> float:
    """Part of all spend that the top accounts bring, by default the top 20 %.

    Parameters
    ----------
    spend : array of shape (accounts,)
        Of a year, >= 0.
    top : float
        Part of accounts that count as the top; never less than one account.

    Returns
    -------
    float
        NaN where nobody spends anything.
    """
    total = spend.sum()
    if not total > 0:
        return float("nan")
    return float(spend[_top(spend, top)].sum() / total)


def rank_rule_miss(before: Floats, after: Floats) -> float:
    """Part of next year's top 20 % that is not in this year's: what ranking by spend fails to foresee.

    Parameters
    ----------
    before, after : arrays of shape (accounts,)
        Annual spend of the same accounts in two years.

    Returns
    -------
    float
        NaN without accounts. A quarter of it is the part of the bottom 80 % that is foreseen wrongly.
    """
    if not len(before):
        return float("nan")
    top = _top(after)
    return 1.0 - float(np.isin(top, _top(before)).mean())


def _top(spend: Floats, top: float = TOP) -> Integers:
    count = max(1, round(top * len(spend)))
    return np.argsort(-spend, kind="stable")[:count]


def year_to_year(before: Floats, after: Floats) -> YearToYear:
    """Moments of log annual spend in two years, of accounts that bought in both.

    Parameters
    ----------
    before, after : arrays of shape (accounts,)
        Annual spend of the same accounts.

    Returns
    -------
    YearToYear
        NaN where fewer than two accounts, or no two different ones, are left.
    """
    bought = (before > 0) & (after > 0)
    x, y = np.log(before[bought]), np.log(after[bought])
    if len(x) < 2 or x.std() == 0 or y.std() == 0:
        return YearToYear(float("nan"), float("nan"), float("nan"))
    together = float(((x - x.mean()) * (y - y.mean())).mean())
    return YearToYear(together / float(x.std() * y.std()), together / float(x.var()), float((y - x).std()))


def deciles_by_spend(spend: Floats, book: Integers | None = None) -> Integers:
    """Decile of each account by its spend, lowest first, among the accounts of its own book.

    Parameters
    ----------
    spend : array of shape (accounts,)
        Of a year, >= 0.
    book : array of shape (accounts,), optional
        Number of the book of each account, from 0; by default all are of one.

    Returns
    -------
    array of shape (accounts,)
        0 to 9, and -1 where nothing was bought. Equal spend is ranked in the order of the accounts.
    """
    decile = np.full(len(spend), -1)
    bought = np.flatnonzero(spend > 0)
    books = np.zeros(len(bought), dtype=np.int64) if book is None else book[bought]
    order = np.lexsort((spend[bought], books))
    sizes = np.bincount(books)
    first = np.cumsum(sizes) - sizes
    books = books[order]
    decile[bought[order]] = (np.arange(len(order)) - first[books]) * DECILES // sizes[books]
    return decile


def decile_table(before: Floats, after: Floats) -> DecileTable:
    """Retention and growth by decile of spend in the first of two years.

    Parameters
    ----------
    before, after : arrays of shape (accounts,)
        Annual spend of the same accounts; those that did not buy in the first year are left out.

    Returns
    -------
    DecileTable
        Equal spend is ranked in the order of the accounts.
    """
    decile = deciles_by_spend(before)
    retained, growth = np.full(DECILES, np.nan), np.full(DECILES, np.nan)
    for place in range(DECILES):
        own = decile == place
        stayed = own & (after > 0)
        if own.any():
            retained[place] = stayed.sum() / own.sum()
        if stayed.any():
            growth[place] = np.median(np.log(after[stayed] / before[stayed]))
    return DecileTable(retained, growth)


# ---------------------------------------------------------------- of a book


def moments_of(book: YearlySpend) -> dict[tuple[str, str], list[float]]:
    """Moments of a book, one value for each first year that has the later year which the moment asks for.

    Parameters
    ----------
    book : YearlySpend
        From `kamsim.books.history.by_year`.

    Returns
    -------
    dict
        By accounts and moment. Accounts: ``all`` bought in the first year, ``regular`` in all its four quarters,
        ``steady`` in all four quarters of the later year too. Moments of the first year: ``gini``, ``top_share`` and
        ``log_sd``; of two consecutive years: ``retained``, ``rank_rule_miss``, ``slope``, ``growth_sd``; of years
        further apart: ``correlation_1`` and so on, of those that bought in both.
    """
    moments: dict[tuple[str, str], list[float]] = {}
    years = book.spend.shape[1]
    for lag in LAGS:
        for year in range(years - lag):
            for accounts, chosen in accounts_of(book, year, year + lag).items():
                before, after = book.spend[chosen, year], book.spend[chosen, year + lag]
                of_pair = _of_consecutive_years(before, after) if lag == 1 else {}
                of_pair[f"correlation_{lag}"] = year_to_year(before, after).correlation
                for moment, value in of_pair.items():
                    moments.setdefault((accounts, moment), []).append(value)
    return moments


def accounts_of(book: YearlySpend, year: int, later: int) -> dict[str, Flags]:
    """Tell which accounts are ``all``, ``regular`` and ``steady`` in two years, as `moments_of` says.

    Parameters
    ----------
    book : YearlySpend
        From `kamsim.books.history.by_year`.
    year, later : int
        By number.

    Returns
    -------
    dict
        Flags of shape (accounts,).
    """
    regular = book.every_quarter[:, year]
    return {"all": book.spend[:, year] > 0, "regular": regular, "steady": regular & book.every_quarter[:, later]}


def _of_consecutive_years(before: Floats, after: Floats) -> dict[str, float]:
    pair = year_to_year(before, after)
    return {
        "gini": gini(before),
        "top_share": top_share(before),
        "log_sd": float(np.log(before).std()) if len(before) else float("nan"),
        "retained": float((after > 0).mean()) if len(after) else float("nan"),
        "rank_rule_miss": rank_rule_miss(before, after),
        "slope": pair.slope,
        "growth_sd": pair.growth_sd,
    }


def deciles_of(book: YearlySpend) -> dict[str, Floats]:
    """Decile tables of a book: a row for each pair of consecutive years.

    Parameters
    ----------
    book : YearlySpend
        From `kamsim.books.history.by_year`.

    Returns
    -------
    dict
        ``retention`` and ``growth`` of all accounts that bought in the first year, ``steady_growth`` of those that
        bought in all eight quarters; arrays of shape (pairs, 10).
    """
    tables: dict[str, list[Floats]] = {"retention": [], "growth": [], "steady_growth": []}
    for year in range(book.spend.shape[1] - 1):
        before, after = book.spend[:, year], book.spend[:, year + 1]
        steady = accounts_of(book, year, year + 1)["steady"]
        table = decile_table(before, after)
        tables["retention"].append(table.retained)
        tables["growth"].append(table.growth)
        tables["steady_growth"].append(decile_table(before[steady], after[steady]).growth)
    return {name: np.array(rows) for name, rows in tables.items()}
