"""The bridge of profit: from what the difference in total profit comes, what a program returns, where it breaks even.

All of it is closed form, from paired differences in the same worlds: what is played, volumes and moves, is held, and
only what it is told in is varied.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from kamsim.analysis.agreement import Held, between
from kamsim.analysis.intervals import Moments, half_width_of, moments_of
from kamsim.measures.gain import SALES, points_of, profit_in
from kamsim.measures.profit import TERMS, Account
from kamsim.types import Floats

TOTAL = "total"
AT_LAUNCH = "elevations_at_launch"  # beside the terms: a part of one of them, the cost of the launch
_AT_LAUNCH = Account._fields.index(AT_LAUNCH)
_CONCESSIONS = [term.name for term in TERMS].index("concessions")
Pays = Literal["pays", "does not pay", "undecided", ""]
_PAYS: dict[str, Pays] = {"better": "pays", "worse": "does not pay", "": ""}


@dataclass(frozen=True)
class BridgeTerm:
    """A part of the difference in total profit of a scenario to the reference; all terms add up to the ``total``.

    Parameters
    ----------
    scenario, term : str
        Names; ``elevations_at_launch`` is no term but a part of ``elevations``, which nobody adds again.
    difference, low, high : float
        Mean paired difference in money at the best fit, and its 95 % interval from the luck of worlds; what is spent
        is below zero.
    points, points_low, points_high : float
        The same as percentage points of what is sold at list price without a program.
    sets_low, sets_high : float
        Between which the points of 95 % of the parameter sets lie; NaN where none was played.
    """

    scenario: str
    term: str
    difference: float
    low: float
    high: float
    points: float
    points_low: float
    points_high: float
    sets_low: float = math.nan
    sets_high: float = math.nan


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
        ``pays`` or ``does not pay`` where 95 % of the parameter sets agree, else ``undecided``; empty where none was
        played.
    pays_in : float
        Part of the parameter sets in which it earns more than the reference; NaN where none was played.
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
    net_present_value : Ratio
        Difference in total profit in money, at the rate of discount of the scenarios.
    payback : Ratio
        First year from the launch by whose end it has earned as much as the reference, mean over worlds; NaN where it
        has not by the end, or that is not told. Later years count as in total profit.
    """

    scenario: str
    verdict: Pays
    pays_in: float
    cost: float
    returned: Ratio
    margin: float
    break_even_margin: Ratio
    pays_above: bool
    break_even_concessions: Ratio
    net_present_value: Ratio = UNKNOWN
    payback: Ratio = UNKNOWN


class Money(NamedTuple):
    """Amounts of one world from which all is told, along the last axis of an array, in this order."""

    terms: slice
    total: int
    ratios: slice  # of total to each of these: cost, sales, concessions
    sums: slice  # of total and each of these, for their covariance
    sales: int  # of the scenario without a program
    at_launch: int  # part of the term `elevations`


_K = len(TERMS)
MONEY = Money(slice(0, _K), _K, slice(_K + 1, _K + 4), slice(_K + 4, _K + 7), _K + 7, _K + 8)


def money_of(accounts: Floats, without: int = 0) -> Floats:
    """Paired amounts by world and scenario, as `Money` places them.

    Parameters
    ----------
    accounts : array of shape (worlds, scenarios, amounts)
        Of `kamsim.measures.profit.Account`, the reference first.
    without : int
        Place of the scenario without a program, of whose sales points are told.

    Returns
    -------
    array of shape (worlds, scenarios, 3 x 2 + terms + 3)
        Terms less those of the reference, their sum, what ratios are told of, and elevations at launch.
    """
    paired = accounts - accounts[:, :1]
    terms, total = paired[..., :_K], profit_in(paired)
    cost = np.zeros_like(total)
    for place, term in enumerate(TERMS):
        if term.costs:
            cost = cost - (accounts if term.costs == "all" else paired)[..., place]
    told = np.stack([cost, paired[..., SALES], -terms[..., _CONCESSIONS]], axis=-1)
    sales = np.broadcast_to(accounts[:, without, None, SALES], total.shape)
    beside = np.stack([sales, paired[..., _AT_LAUNCH]], axis=-1)
    return np.concatenate([terms, total[..., None], told, total[..., None] + told, beside], axis=-1)


def money_moments(accounts: Floats, without: int = 0) -> Moments:
    """Moments of `money_of`, which parts of a run are merged by."""
    return moments_of(money_of(accounts, without))


# ---------------------------------------------------------------- what is told


def bridge_of(moments: Moments, scenarios: Sequence[str], sets: Floats | None = None) -> Iterator[BridgeTerm]:
    """Bridge of every scenario but the reference, which comes first: terms in their order, total, cost of the launch.

    ``sets``, (sets, scenarios, amounts), are means of `money_of` over the worlds of each parameter set.
    """
    half = half_width_of(moments)
    names = (*(term.name for term in TERMS), TOTAL, AT_LAUNCH)
    places = (*range(_K), MONEY.total, MONEY.at_launch)
    for row, scenario in enumerate(scenarios[1:], start=1):
        sales = float(moments.mean[row, MONEY.sales])
        for name, place in zip(names, places, strict=True):
            mean, width = float(moments.mean[row, place]), float(half[row, place])
            ends = (mean, mean - width, mean + width)
            held = () if sets is None else between(points_of(sets[:, row, place], sets[:, row, MONEY.sales]))
            yield BridgeTerm(scenario, name, *ends, *(float(points_of(end, sales)) for end in ends), *held)


def worth_of(
    moments: Moments,
    scenarios: Sequence[str],
    margins: Sequence[float],
    held: Sequence[Held] = (),
    cumulated: Moments | None = None,
    beside_none: bool = True,
) -> Iterator[Worth]:
    """What every scenario but the reference is worth, each played at a gross margin.

    The margin at which it breaks even is told only where it is played at that of the reference. What is ``held`` of the
    difference in total profit over parameter sets, by scenario, says whether it pays; ``cumulated`` is that difference
    up to each year, (scenarios, years), and says when it has paid back. What a program returns on its cost is told
    ``beside_none``, where the reference has no program whose cost it stands in for, and of a cost that is surely one.
    """
    half = half_width_of(moments)
    for row, scenario in enumerate(scenarios[1:], start=1):
        returned, sold, conceded = (_ratio(moments, row, place) for place in range(3))
        cost, sales, concessions = moments.mean[row, MONEY.ratios].tolist()
        margin = margins[row]
        over_sets = held[row] if held else Held()
        yield Worth(
            scenario,
            _PAYS.get(over_sets.verdict, "undecided"),
            over_sets.better,
            cost,
            returned if beside_none and cost > _cost_of_luck(half, row) else UNKNOWN,
            margin,
            Ratio(margin - sold.value, margin - sold.high, margin - sold.low) if margin == margins[0] else UNKNOWN,
            sales > 0.0,
            Ratio(*(1.0 + part for part in conceded)) if concessions > 0.0 else UNKNOWN,
            _around(float(moments.mean[row, MONEY.total]), float(half[row, MONEY.total])),
            UNKNOWN if cumulated is None else payback_of(cumulated.mean[row], half_width_of(cumulated)[row]),
        )


def _cost_of_luck(half: Floats, row: int) -> float:
    """What luck alone leaves open of the cost; nothing where a single world tells no interval."""
    return float(np.nan_to_num(half[row, MONEY.ratios.start]))


def _around(value: float, half: float) -> Ratio:
    return Ratio(value, value - half, value + half)


def payback_of(gain: Floats, half: Floats) -> Ratio:
    """First year, from 1, by whose end a gain that is cumulated over years, (years,), is no loss any more.

    Its interval is from what half the width of that of the gain leaves open; NaN where it is a loss in the end.
    """

    def first(ends: Floats) -> float:
        lost = np.flatnonzero(~(ends >= 0.0))
        last = int(lost[-1]) + 1 if len(lost) else 0
        return float(last + 1) if last < len(ends) else math.nan

    return Ratio(first(gain), first(gain + half), first(gain - half))


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
