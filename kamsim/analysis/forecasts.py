"""Forecasts of a year from quarters alone, and what forecasts are judged by: arrays in, numbers out."""

import math
from typing import NamedTuple

import numpy as np

from kamsim.types import Flags, Floats

SMOOTHING = np.linspace(0.05, 0.95, 19)  # weights of the last quarter that are tried
FEWEST_FOR_TREND = 12  # quarters, from which on exponential smoothing is given trend and season
LEVELS = (0.5, 0.8, 0.95)  # of intervals that are counted


# ---------------------------------------------------------------- forecasts


def simple_forecasts(spend: Floats) -> dict[str, Floats]:
    """Forecast the next year of each account in the simplest ways.

    Parameters
    ----------
    spend : array of shape (accounts, quarters)
        >= 0; at least four quarters.

    Returns
    -------
    dict of str to array of shape (accounts,)
        ``persistence``: four times the last quarter. ``seasonal naive``: the last year again. ``drift``: the last
        year and once more the mean change of years; without a second year nothing is added. ``smoothing``: four times
        the exponentially smoothed quarter, season removed, with the weight that was best for all accounts together.
    """
    count = spend.shape[1]
    years = spend[:, count % 4 :].reshape(len(spend), -1, 4).sum(axis=2)
    last = years[:, -1]
    change = (last - years[:, 0]) / max(1, years.shape[1] - 1)
    return {
        "persistence": 4.0 * spend[:, -1],
        "seasonal naive": last,
        "drift": np.maximum(0.0, last + change),
        "smoothing": _smoothed(spend),
    }


def _smoothed(spend: Floats) -> Floats:
    """Simple exponential smoothing of all accounts, with one weight and the season of their total."""
    count = spend.shape[1]
    phase = np.arange(count) % 4
    totals = spend.sum(axis=0)
    season = np.array([totals[phase == quarter].mean() for quarter in range(4)])
    season = np.maximum(season / season.mean(), 1e-9)
    even = spend / season[phase]
    best: Floats = even.mean(axis=1)
    least = math.inf
    for weight in SMOOTHING:
        level, missed = even[:, 0].copy(), 0.0
        for quarter in range(1, count):
            missed += float(np.abs(even[:, quarter] - level).sum())
            level += weight * (even[:, quarter] - level)
        if missed < least:
            best, least = level, missed
    best = 4.0 * best
    return best


def smoothed_total(series: Floats) -> float:
    """Forecast the next four quarters of one series by exponential smoothing (Holt and Winters; statsmodels).

    Parameters
    ----------
    series : array of shape (quarters,)
        > 0; at least four.

    Returns
    -------
    float
        Their sum: with damped trend and season where there are three years, else of a level and season.
    """
    import warnings

    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    if len(series) < 8 or (series <= 0).any():
        return float(series[-4:].sum())
    trend = "add" if len(series) >= FEWEST_FOR_TREND else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ExponentialSmoothing(
            series / series.mean(), trend=trend, damped_trend=trend is not None, seasonal="mul", seasonal_periods=4
        ).fit()
        ahead = np.asarray(model.forecast(4), dtype=np.float64) * series.mean()
    return float(np.maximum(0.0, ahead).sum())


def buying_chances(spend: Floats) -> Floats:
    """Chance that each account buys in the next year, by the BG/NBD model (Fader, Hardie & Lee 2005).

    Parameters
    ----------
    spend : array of shape (accounts, quarters)
        A quarter with spend counts as one purchase.

    Returns
    -------
    array of shape (accounts,)
        Chance to be alive times that of a purchase in four quarters.
    """
    from scipy.optimize import minimize

    bought, count = spend > 0, spend.shape[1]
    first = bought.argmax(axis=1)
    last = count - 1 - bought[:, ::-1].argmax(axis=1)
    repeats = bought.sum(axis=1) - 1.0
    recency, age = (last - first).astype(np.float64), np.maximum(count - 1.0 - first, 0.5)

    def cost(logs: Floats) -> float:
        value = -float(_buying_density(np.exp(logs), repeats, recency, age).sum())
        return value + 0.01 * float((logs**2).sum())

    found = minimize(cost, np.zeros(4), method="Nelder-Mead", options={"maxiter": 800, "xatol": 1e-3, "fatol": 1e-2})
    r, alpha, a, b = np.exp(found.x)
    odds = a / (b + np.maximum(repeats, 1.0) - 1.0) * ((alpha + age) / (alpha + recency)) ** (r + repeats)
    alive = np.where(repeats > 0, 1.0 / (1.0 + odds), 1.0)
    none = ((alpha + age) / (alpha + age + 4.0)) ** (r + repeats)
    chances: Floats = alive * (1.0 - none)
    return chances


def _buying_density(values: Floats, repeats: Floats, recency: Floats, age: Floats) -> Floats:
    """Log density of purchases under BG/NBD."""
    from scipy.special import betaln, gammaln

    r, alpha, a, b = values
    common = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
    stays = betaln(a, b + repeats) - betaln(a, b) - (r + repeats) * np.log(alpha + age)
    leaves = betaln(a + 1.0, b + np.maximum(repeats, 1.0) - 1.0) - betaln(a, b)
    leaves = leaves - (r + repeats) * np.log(alpha + recency)
    density: Floats = common + np.where(repeats > 0, np.logaddexp(stays, leaves), stays)
    return density


# ---------------------------------------------------------------- how good they are


class Coverage(NamedTuple):
    """Part of outcomes inside of central intervals, by the levels of `LEVELS`, and the standard error of each."""

    inside: tuple[float, ...]
    error: tuple[float, ...]


def ranks_of(drawn: Floats, outcome: Floats, generator: np.random.Generator) -> Floats:
    """Rank of each outcome among draws of its forecast, in (0, 1); ties are broken at random.

    Parameters
    ----------
    drawn : array of shape (draws, outcomes)
        Equally likely.
    outcome : array of shape (outcomes,)
        What came.
    generator : Generator
        Breaks ties, such as of accounts that buy nothing.

    Returns
    -------
    array of shape (outcomes,)
        Uniform, where the forecast is right.
    """
    below, same = (drawn < outcome).sum(axis=0), (drawn == outcome).sum(axis=0)
    ranks: Floats = (below + generator.random(len(outcome)) * (same + 1.0)) / (len(drawn) + 1.0)
    return ranks


def coverage_of(ranks: Floats) -> Coverage:
    """Part of outcomes that central intervals hold, from their ranks."""
    inside = tuple(float((np.abs(ranks - 0.5) <= level / 2.0).mean()) for level in LEVELS)
    count = max(1, len(ranks))
    return Coverage(inside, tuple(math.sqrt(max(part * (1.0 - part), 0.25 / count) / count) for part in inside))


def ranked_score(drawn: Floats, outcome: Floats) -> Floats:
    """Continuous ranked probability score of each outcome: the absolute error, where a forecast is one number.

    Parameters
    ----------
    drawn : array of shape (draws, outcomes)
        Equally likely.
    outcome : array of shape (outcomes,)
        What came.

    Returns
    -------
    array of shape (outcomes,)
        In the unit of the outcome (Gneiting & Raftery 2007).
    """
    ordered, count = np.sort(drawn, axis=0), len(drawn)
    weights = (2.0 * np.arange(1, count + 1) - count - 1.0)[:, None]
    score: Floats = np.abs(drawn - outcome).mean(axis=0) - (weights * ordered).sum(axis=0) / count**2
    return score


def relative_error(forecast: Floats, outcome: Floats) -> float:
    """Sum of absolute errors against the sum of outcomes."""
    return float(np.abs(forecast - outcome).sum() / max(1e-300, float(outcome.sum())))


def log_error(forecast: Floats, outcome: Floats, least: float) -> float:
    """Mean absolute error of logs, where ``least`` is added to both, for some buy nothing."""
    return float(np.abs(np.log((forecast + least) / (outcome + least))).mean())


def brier(chance: Floats, came: Flags) -> float:
    """Mean square error of chances."""
    return float(((chance - came) ** 2).mean())
