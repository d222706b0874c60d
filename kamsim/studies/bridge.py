"""The bridge of profit: from what the difference in total profit comes, what a program returns, where it breaks even.

All of it is closed form, from paired differences in the same worlds: what is played, volumes and moves, is held, and
only what it is told in is varied.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from kamsim.analysis.intervals import Moments, half_width_of, moments_of
from kamsim.measures.profit import TERMS, Account
from kamsim.types import Floats

TOTAL = "total"
_SALES, _CONCESSIONS = Account._fields.index("sales"), [term.name for term in TERMS].index("concessions")
Pays = Literal["pays", "does not pay", "cannot tell"]


@dataclass(frozen=True)
class BridgeTerm:
    """A part of the difference in total profit of a scenario to the reference; all parts add up to the ``total``.

    Parameters
    ----------
    scenario, term : str
        Names.
    difference, low, high : float
        Mean paired difference in money, and its 95 % interval; what is spent is below zero.
    points : float
        The difference as percentage points of the reference's sales at list price.
    """

    scenario: str
    term: str
    difference: float
    low: float
    high: float
    points: float


class Ratio(NamedTuple):
    """A ratio of mean paired differences with its 95 % interval; NaN where it has no meaning."""

    value: float
    low: float
    high: float


UNKNOWN = Ratio(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Worth:
    """Whether a program pays against the reference, what it returns, and on which prices that hangs.

    Parameters
    ----------
    scenario : str
        Name.
    verdict : str
        ``pays`` or ``does not pay`` where the interval of the difference in total profit excludes zero.
    cost : float
        What the program costs: its service and rebuilds, and the concessions that it makes more than the reference.
    returned : Ratio
        Difference in total profit for each unit of that cost.
    margin : float
        Gross margin as it is played.
    break_even_margin : Ratio
        At which the difference is zero, holding volumes; below 0 or above 1 no margin makes it so.
    pays_above : bool
        Whether it pays above that margin, because it sells more than the reference; below it, otherwise.
    break_even_concessions : Ratio
        Part of the money conceded, more than under the reference, at which the difference is zero, holding volumes;
        below 0 it does not pay even without any.
    """

    scenario: str
    verdict: Pays
    cost: float
    returned: Ratio
    margin: float
    break_even_margin: Ratio
    pays_above: bool
    break_even_concessions: Ratio


class Money(NamedTuple):
    """Amounts of one world from which all is told, along the last axis of an array, in this order."""

    terms: slice
    total: int
    ratios: slice  # of total to each of these: cost, sales, concessions
    sums: slice  # of total and each of these, for their covariance
    sales: int  # of the reference itself


_K = len(TERMS)
MONEY = Money(slice(0, _K), _K, slice(_K + 1, _K + 4), slice(_K + 4, _K + 7), _K + 7)


def money_of(accounts: Floats) -> Floats:
    """Paired amounts by world and scenario, as `Money` places them.

    Parameters
    ----------
    accounts : array of shape (worlds, scenarios, amounts)
        Of `kamsim.measures.profit.Account`, the reference first.

    Returns
    -------
    array of shape (worlds, scenarios, 3 x 2 + terms + 2)
        Terms less those of the reference, their sum, and what ratios are told of.
    """
    paired = accounts - accounts[:, :1]
    terms, total = paired[..., :_K], np.zeros(accounts.shape[:2])
    cost = np.zeros_like(total)
    for place, term in enumerate(TERMS):
        total = total + terms[..., place]
        if term.costs:
            cost = cost - (accounts if term.costs == "all" else paired)[..., place]
    told = np.stack([cost, paired[..., _SALES], -terms[..., _CONCESSIONS]], axis=-1)
    sales = np.broadcast_to(accounts[:, :1, _SALES], total.shape)
    return np.concatenate([terms, total[..., None], told, total[..., None] + told, sales[..., None]], axis=-1)


def money_moments(accounts: Floats) -> Moments:
    """Moments of `money_of`, which parts of a run are merged by."""
    return moments_of(money_of(accounts))


# ---------------------------------------------------------------- what is told


def bridge_of(moments: Moments, scenarios: Sequence[str]) -> Iterator[BridgeTerm]:
    """Bridge of every scenario but the reference, which comes first: its terms in their order, and the total."""
    half = half_width_of(moments)
    for row, scenario in enumerate(scenarios[1:], start=1):
        for place, name in enumerate((*(term.name for term in TERMS), TOTAL)):
            mean, width = float(moments.mean[row, place]), float(half[row, place])
            sales = float(moments.mean[row, MONEY.sales])
            points = 100.0 * mean / sales if sales > 0.0 else math.nan
            yield BridgeTerm(scenario, name, mean, mean - width, mean + width, points)


def worth_of(moments: Moments, scenarios: Sequence[str], margins: Sequence[float]) -> Iterator[Worth]:
    """What every scenario but the reference is worth, each played at a gross margin.

    The margin at which it breaks even is told only where it is played at that of the reference.
    """
    half = half_width_of(moments)
    for row, scenario in enumerate(scenarios[1:], start=1):
        total, width = moments.mean[row, MONEY.total], half[row, MONEY.total]
        returned, sold, conceded = (_ratio(moments, row, place) for place in range(3))
        cost, sales, concessions = moments.mean[row, MONEY.ratios].tolist()
        margin = margins[row]
        verdict: Pays = "cannot tell" if not abs(total) > width else ("pays" if total > 0 else "does not pay")
        yield Worth(
            scenario,
            verdict,
            cost,
            returned if cost > 0.0 else UNKNOWN,
            margin,
            Ratio(margin - sold.value, margin - sold.high, margin - sold.low) if margin == margins[0] else UNKNOWN,
            sales > 0.0,
            Ratio(*(1.0 + part for part in conceded)) if concessions > 0.0 else UNKNOWN,
        )


def _ratio(moments: Moments, row: int, place: int) -> Ratio:
    """Ratio of the mean difference in profit to another mean, its interval by the delta method."""
    below, above = MONEY.ratios.start + place, MONEY.total
    if moments.mean[row, below] == 0.0:
        return UNKNOWN
    value = moments.mean[row, above] / moments.mean[row, below]
    own, other, both = (moments.squares[row, column] for column in (above, below, MONEY.sums.start + place))
    squares = max(0.0, own + value * value * other - value * (both - own - other))
    half = half_width_of(Moments(moments.number[row, above], np.zeros(()), np.asarray(squares)))
    width = float(half) / abs(float(moments.mean[row, below]))
    return Ratio(float(value), float(value) - width, float(value) + width)
