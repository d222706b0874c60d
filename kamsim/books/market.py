"""How the market of a book went: growth that accounts share, and season, from those that were there throughout."""

from typing import NamedTuple

import numpy as np

from kamsim.types import Floats

MATURE = 8  # quarters after its first purchase from which on an account goes with the market
FEW = 20  # accounts that tell a quarter's change: with fewer, new ones tell it too
STEADY_BUYERS = 0.97  # part of quarters in which accounts buy, from which on they are as good as always there
ERROR_OF_TOTALS = 0.08  # of change, log, for those who come and leave
LEAST_ERROR = 0.15  # of a quarter's change, log, where few accounts tell it: twice this over the root of their number


class Market(NamedTuple):
    """Growth and season that accounts of a book share."""

    level: Floats  # (quarters,), log, against the last quarter
    season: Floats  # (quarters,), log, mean index 1 over a year
    growth: float  # log a year
    of_year: Floats  # (4,), index of each quarter of the year, mean 1
    covariance: Floats  # (5, 5), of growth and the logs of season

    def last(self, quarters: int) -> "Market":
        """The same, of the last quarters alone."""
        return self._replace(level=self.level[-quarters:], season=self.season[-quarters:])


def market_of(spend: Floats, first: int, prior: Floats, prior_sd: Floats, shock_sd: float) -> Market:
    """Estimate growth and season that accounts share.

    Parameters
    ----------
    spend : array of shape (accounts, quarters)
        >= 0.
    first : int
        Number of the first quarter.
    prior, prior_sd : arrays of shape (5,)
        Growth a year and log season of the four quarters, and their standard deviations, before the book is read.
    shock_sd : float
        Standard deviation of the market's own quarterly shocks, log.

    Returns
    -------
    Market
        With the shocks that the book tells of in its index.

    Notes
    -----
    Change from a quarter to the next is told by accounts within their lives: they had bought before the one and have
    bought after the other, so that nothing is chosen by what they bought in these two. A book of one year tells season
    and growth apart by the prior alone.
    """
    changes, errors = _changes(spend)
    count = spend.shape[1]
    phase = (first + np.arange(count)) % 4
    design = np.zeros((count - 1, 5))
    design[:, 0] = 0.25
    for change in range(count - 1):
        design[change, 1 + phase[change + 1]] += 1.0
        design[change, 1 + phase[change]] -= 1.0
    noise = errors + shock_sd**2 * np.eye(count - 1)
    weights = np.linalg.inv(noise)
    covariance = np.linalg.inv(design.T @ weights @ design + np.diag(prior_sd**-2.0))
    found = covariance @ (design.T @ weights @ changes + prior / prior_sd**2)
    shocks = shock_sd**2 * weights @ (changes - design @ found)
    level = np.log(np.exp(found[1:]).mean())
    season = found[1:] - level
    index = np.concatenate([[0.0], np.cumsum(0.25 * found[0] + shocks)])
    # What is added to all four logs is no season.
    part = np.exp(season) / 4.0
    turn = np.eye(5)
    turn[1:, 1:] -= part[None, :]
    return Market(index - index[-1], season[phase], float(found[0]), np.exp(season), turn @ covariance @ turn.T)


def _changes(spend: Floats) -> tuple[Floats, Floats]:
    """Log change of spend from each quarter to the next, and the covariance of its errors."""
    count = spend.shape[1]
    bought = spend > 0
    first = bought.argmax(axis=1)
    last = count - 1 - bought[:, ::-1].argmax(axis=1)
    quarter = np.arange(count - 1)
    within = (first[:, None] < np.maximum(quarter, 1)) & (last[:, None] > np.minimum(quarter + 1, count - 2))
    early = within & (first[:, None] == 0)
    grown = within & (quarter - first[:, None] >= MATURE) | early
    chosen = np.where(early.sum(axis=0) >= FEW, early, np.where(grown.sum(axis=0) >= FEW, grown, within))
    mean = np.maximum(spend.sum(axis=1) / (last - first + 1), 1e-300)
    before, after = (each * chosen / mean[:, None] for each in (spend[:, :-1], spend[:, 1:]))
    told = (before.sum(axis=0) > 0) & (after.sum(axis=0) > 0)
    ratio = np.where(told, after.sum(axis=0) / np.where(told, before.sum(axis=0), 1.0), 1.0)
    left = (after - ratio * before) / np.where(told, after.sum(axis=0), 1.0)
    changes, errors = np.log(ratio), left.T @ left
    more = LEAST_ERROR**2 * 4.0 / np.maximum(1, chosen.sum(axis=0)) ** 2 + np.where(told, 0.0, 1.0)
    inside = (quarter[None, :] > first[:, None]) & (quarter[None, :] < last[:, None])
    buys = bought[:, :-1][inside].mean() if inside.any() else 0.0
    if buys < STEADY_BUYERS:
        # At its ends a book tells of no account that it was a customer but by what it bought there: take the totals.
        ends = [0, count - 2]
        totals = np.maximum(spend.sum(axis=0), 1e-300)
        for end in ends:
            growth = totals[end + 1] / totals[end]
            missed = (spend[:, end + 1] - growth * spend[:, end]) / totals[end + 1]
            changes[end], errors[end, :], errors[:, end] = np.log(growth), 0.0, 0.0
            errors[end, end] = ERROR_OF_TOTALS**2 + float((missed**2).sum())
    return changes, errors + np.diag(more)
