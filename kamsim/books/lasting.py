"""Growth that lasts, told from what comes and goes: how fast accounts drift apart from year to year."""

import math
from typing import NamedTuple

import numpy as np

from kamsim.types import Floats

LEAST_YEARS = 5  # of a book that can tell what lasts
LEAST_STEADY = 30  # accounts that bought in every quarter
SPANS = 5  # years, at most, over which accounts are followed
GROUPS = 10  # of accounts, left out one after the other for the error


class LastingGrowth(NamedTuple):
    """Spread of lasting growth between accounts of median category spend, a year."""

    sd: float
    error: float  # of its log


def lasting_growth(spend: Floats, multiple: Floats) -> LastingGrowth | None:
    """Spread of growth that lasts, by how the variance of growth rises with the years that it is told over.

    Parameters
    ----------
    spend : array of shape (accounts, quarters)
        >= 0.
    multiple : array of shape (accounts,)
        Of the spread, that each account's size brings.

    Returns
    -------
    LastingGrowth or None
        None of a book of under five years, or of few accounts that bought in every quarter.

    Notes
    -----
    What comes and goes within a year adds as much to growth over one year as to that over five; what lasts adds as
    much again with each year. Quarter by quarter a season that is an account's own looks like growth; here it does not.
    """
    years = spend.shape[1] // 4
    panel = spend[:, spend.shape[1] - 4 * years :]
    steady = np.flatnonzero((panel > 0).all(axis=1)) if years >= LEAST_YEARS else np.empty(0, dtype=np.int64)
    if len(steady) < LEAST_STEADY:
        return None
    logs = np.log(panel[steady].reshape(len(steady), years, 4).sum(axis=2))
    whole = _slope(logs, multiple[steady])
    group = np.arange(len(steady)) % GROUPS
    parts = np.array([_slope(logs[group != one], multiple[steady][group != one]) for one in range(GROUPS)])
    if not (whole > 0 and (parts > 0).all()):
        return None
    spread = np.log(parts) - np.log(parts).mean()
    error = 0.5 * math.sqrt((GROUPS - 1) / GROUPS * float((spread**2).sum()))
    return LastingGrowth(math.sqrt(whole), error)


def _slope(logs: Floats, multiple: Floats) -> float:
    """Variance that a year adds, for an account of median category spend."""
    spans = np.arange(1, min(SPANS, logs.shape[1] - 1) + 1)
    variances = []
    for span in spans.tolist():
        growth = logs[:, span:] - logs[:, :-span]
        variances.append(float(((growth - growth.mean(axis=0)) ** 2).mean()))
    off = spans - spans.mean()
    return float((off * variances).sum() / (off**2).sum() / (multiple**2).mean())
