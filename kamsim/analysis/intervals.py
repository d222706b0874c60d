"""Means and their 95 % intervals, what is known of them for sure, and what a sample may not have seen."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kamsim.types import Floats

CONFIDENCE = 0.95
_ROUNDING = 1e-9  # of the largest value, that is no difference
DIFFERING = 30  # units that differ, below which an interval may have missed what makes the difference


def ratio(above: Floats, below: Floats) -> Floats:
    """Quotient, NaN where there is nothing to divide by."""
    known = below > 0
    return np.where(known, above / np.where(known, below, 1.0), np.nan)


# ---------------------------------------------------------------- moments


class Moments(NamedTuple):
    """Number, mean and sum of squared deviations of each scenario and measure."""

    number: Floats
    mean: Floats
    squares: Floats


def moments_of(values: Floats) -> Moments:
    """Moments over the first axis.

    Parameters
    ----------
    values : array of shape (replications, ...)
        NaN where there is none.

    Returns
    -------
    Moments
        Arrays of shape (...).
    """
    known = ~np.isnan(values)
    number = known.sum(axis=0).astype(np.float64)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(number, 1.0)
    squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
    return Moments(number, mean, squares)


def merged_moments(one: Moments, other: Moments) -> Moments:
    """Moments of two parts together, which stay exact where sums of squares cancel (Chan, Golub & LeVeque 1979).

    Parameters
    ----------
    one, other : Moments
        Of parts that have nothing in common.

    Returns
    -------
    Moments
        Of both.
    """
    number = one.number + other.number
    part = other.number / np.maximum(number, 1.0)
    step = other.mean - one.mean
    return Moments(number, one.mean + step * part, one.squares + other.squares + step * step * one.number * part)


def means_of(values: Floats) -> Floats:
    """Mean over worlds of each point, over the worlds that have the measure; NaN where none has.

    Parameters
    ----------
    values : array of shape (points, worlds)
        NaN where there is none.

    Returns
    -------
    array of shape (points,)
        Means.
    """
    known = np.isfinite(values)
    number = known.sum(axis=1)
    return np.where(number > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(number, 1), np.nan)


def errors_of(values: Floats) -> Floats:
    """Standard error of each of `means_of`; NaN below two worlds."""
    known = np.isfinite(values)
    number = known.sum(axis=1)
    squares = (np.where(known, values - means_of(values)[:, None], 0.0) ** 2).sum(axis=1)
    return np.where(number > 1, np.sqrt(squares / np.maximum(number - 1, 1) / np.maximum(number, 1)), np.nan)


# ---------------------------------------------------------------- intervals


def t_quantile(number: ArrayLike) -> Floats:
    """Student's t that 95 % of the means of so many lie within; NaN below two."""
    from scipy.special import stdtrit

    number = np.asarray(number, dtype=np.float64)
    return np.asarray(stdtrit(np.where(number > 1, number, np.nan) - 1.0, 0.5 + CONFIDENCE / 2.0), dtype=np.float64)


def half_width_of(differences: Moments) -> Floats:
    """Half the width of the 95 % t interval of a mean.

    Parameters
    ----------
    differences : Moments
        Of what the mean is told of.

    Returns
    -------
    array
        NaN below two replications.
    """
    number = np.where(differences.number > 1, differences.number, np.nan)
    half_width: Floats = t_quantile(number) * np.sqrt(differences.squares / (number - 1.0) / number)
    return half_width


def error_and_margin(values: Floats) -> tuple[float, float]:
    """Standard error of a mean, and half its 95 % t interval.

    Parameters
    ----------
    values : array of shape (worlds,)
        NaN where there is none.

    Returns
    -------
    float, float
        NaN with fewer than two worlds.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return math.nan, math.nan
    error = float(known.std(ddof=1)) / math.sqrt(len(known))
    return error, float(t_quantile(len(known))) * error


class Interval(NamedTuple):
    """Mean over worlds and its 95 % interval, in so many worlds."""

    mean: float
    low: float
    high: float
    number: int


def interval_of(values: Floats) -> Interval:
    """Mean over worlds with its 95 % t interval.

    Parameters
    ----------
    values : array of shape (worlds,)
        NaN in worlds in which it cannot be told.

    Returns
    -------
    Interval
        The mean is NaN without any world, its ends with fewer than two.
    """
    known = values[~np.isnan(values)]
    mean = float(known.mean()) if len(known) else math.nan
    _, margin = error_and_margin(known)
    return Interval(mean, mean - margin, mean + margin, len(known))


# ---------------------------------------------------------------- organizations as clusters


class Estimate(NamedTuple):
    """A figure of all organizations, and what each of them adds to its deviation."""

    value: float
    influence: Floats
    organizations: int  # that add to it


def pooled(sums: Floats) -> Estimate:
    """Mean over everything that organizations count, each with its own number.

    Parameters
    ----------
    sums : array of shape (organizations, 2)
        Sum and number; organizations with nothing to count add nothing.

    Returns
    -------
    Estimate
        NaN where nothing was counted.
    """
    counted = sums[sums[:, 1] > 0]
    number = counted[:, 1].sum()
    if not number:
        return Estimate(math.nan, np.zeros(len(sums)), 0)
    value = float(counted[:, 0].sum() / number)
    return Estimate(value, (sums[:, 0] - value * sums[:, 1]) / number, len(counted))


def mean_of(values: Floats) -> Estimate:
    """Mean over organizations; those that cannot tell are left out."""
    known = ~np.isnan(values)
    return pooled(np.stack([np.where(known, values, 0.0), known], axis=1))


def interval(estimate: Estimate) -> tuple[float, float]:
    """95 % t interval with organizations as the independent units.

    Parameters
    ----------
    estimate : Estimate
        From `pooled` or `mean_of`.

    Returns
    -------
    float, float
        NaN where fewer than two organizations add to the figure.
    """
    number = estimate.organizations
    if number < 2:
        return math.nan, math.nan
    error = math.sqrt(float((estimate.influence**2).sum()) * number / (number - 1))
    half = float(t_quantile(number)) * error
    return estimate.value - half, estimate.value + half


# ---------------------------------------------------------------- what a sample may not have seen


def reach_of(values: Floats) -> float:
    """How far a mean may be from the truth on either side, allowing for the skew of what it is made of.

    Parameters
    ----------
    values : array of shape (worlds,)
        Without NaN.

    Returns
    -------
    float
        The farther end of the 95 % t interval corrected for skewness (Johnson 1978); half the t interval without skew.
        Infinite below two values, and where all are equal: what has not been seen has no variance.
    """
    number = len(values)
    off = values - values.mean() if number else values
    squares = float((off**2).sum())
    if number < 2 or not squares > 0.0:
        return math.inf
    error = math.sqrt(squares / (number - 1) / number)
    skewness = float((off**3).mean()) / math.pow(squares / number, 1.5)
    quantile = float(t_quantile(number))
    return error * (quantile + abs(skewness) / math.sqrt(number) * (1.0 + 2.0 * quantile**2) / 6.0)


def differing_in(values: Floats) -> int:
    """In how many worlds a value is not that of most, but for rounding; the one in the middle is, if any is."""
    if not len(values):
        return 0
    return int((np.abs(values - np.median(values)) > _ROUNDING * np.abs(values).max()).sum())


def is_seen(differing: int, number: int) -> bool:
    """Whether a sample has seen enough of what differs: in half of its units, or in at least 30 of them."""
    return differing >= min(DIFFERING, math.ceil(number / 2))


def largest_unseen(number: int) -> float:
    """Part of the units, up to which what was seen in none of so many may come about (the rule of three, 95 %)."""
    return 3.0 / max(number, 3)


def points_among(intervals: Iterable[tuple[str, float, float]], number: int) -> list[tuple[str, int, int]]:
    """Intervals that are a point, because all that was looked at is alike: for `cautions`."""
    return [(what, 0, number) for what, low, high in intervals if low == high]


def cautions(seen: Iterable[tuple[str, int, int]], units: str = "market scenarios") -> Iterator[str]:
    """Say of which intervals too few units tell that differ at all.

    Parameters
    ----------
    seen : iterable of tuple
        What it is about, in how many units it differs, and in how many it was looked at.
    units : str
        What they are called.

    Yields
    ------
    str
        A sentence on those that differ in none, and one on those that differ in a few.
    """
    rare = [(what, differing, number) for what, differing, number in seen if not is_seen(differing, number)]
    never = [(what, number) for what, differing, number in rare if not differing]
    if never:
        number = min(number for _, number in never)
        yield (
            f"no difference in any of {number:,} {units} (up to {largest_unseen(number):.2%} of all may still differ): "
            f"{', '.join(what for what, _ in never)}"
        )
    few = [f"{what} (in {differing:,} of {number:,})" for what, differing, number in rare if differing]
    if few:
        yield f"few {units} show any difference, so these intervals may be wrong: {', '.join(few)}"
