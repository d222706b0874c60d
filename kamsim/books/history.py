"""The history of an account book: what each account spent, by quarter and by year."""

from typing import NamedTuple

import numpy as np

from kamsim.errors import KamsimError
from kamsim.types import Flags, Floats

MAX_QUARTERS = 200  # fifty years: a longer span is a mistyped year
ROUNDING = 1e-9  # a net this small beside its gross is what summing cents leaves behind, not spend
INCOMPLETE_BELOW = 0.60


class Quarters(NamedTuple):
    """What each account of a book spent, quarter by quarter."""

    first: int  # number of the first quarter: four a year, counted from year 0
    spend: Floats  # (accounts, quarters), >= 0, without gaps


class YearlySpend(NamedTuple):
    """Annual spend of the accounts of a book."""

    source: str
    spend: Floats  # (accounts, years)
    every_quarter: Flags  # (accounts, years): bought in all four quarters


def whole_years(spend: Floats, first_quarter: int) -> Floats:
    """Leave out quarters that make no whole year.

    Parameters
    ----------
    spend : array of shape (accounts, quarters)
        Without gaps between quarters.
    first_quarter : int
        Number of the first one: four a year, counted from year 0.

    Returns
    -------
    array of shape (accounts, 4 * years)
        The years that have all four quarters; where there is no more than one of them, years counted back from the
        last quarter.
    """
    start = -first_quarter % 4
    if (spend.shape[1] - start) // 4 < 2:
        start = spend.shape[1] % 4
    years = (spend.shape[1] - start) // 4
    return spend[:, start : start + 4 * years]


def by_year(source: str, spend: Floats, first_quarter: int) -> YearlySpend:
    """Sum quarters to years.

    Parameters
    ----------
    source : str
        Name of the book.
    spend : array of shape (accounts, quarters)
        >= 0, without gaps between quarters.
    first_quarter : int
        Number of the first one: four a year, counted from year 0.

    Returns
    -------
    YearlySpend
        Of the years of `whole_years`.

    Raises
    ------
    KamsimError
        Where there are under two years.
    """
    panel = whole_years(spend, first_quarter)
    years = panel.shape[1] // 4
    if years < 2:
        raise KamsimError(f"{source}: {spend.shape[1]} quarters are under two years; give a longer history.")
    cells = panel.reshape(len(panel), years, 4)
    every_quarter: Flags = np.all(cells > 0, axis=2)
    return YearlySpend(source, cells.sum(axis=2), every_quarter)
