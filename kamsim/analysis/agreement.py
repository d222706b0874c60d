"""What holds over parameter sets: between which differences lie, and whether so many agree that it can be said."""

import math
from typing import Literal, NamedTuple

import numpy as np

from kamsim.analysis.intervals import t_quantile
from kamsim.types import Floats

AGREEING = 0.95  # part of the sets that must agree for a verdict, or to call a policy best

Verdict = Literal["better", "worse", "same", "undecided", ""]


class Held(NamedTuple):
    """What holds over parameter sets of the difference in a measure of a scenario; NaN where it cannot be told."""

    low: float = math.nan  # between which the differences of 95 % of the sets lie
    high: float = math.nan
    better: float = math.nan  # part of the sets
    worse: float = math.nan
    best: float = math.nan  # part of the sets in which no other scenario does better; ties are split
    verdict: Verdict = ""


def held(difference: Floats, error: Floats, direction: float, worlds: int, best: float = math.nan) -> Held:
    """What holds of a difference over sets, (sets,), each with its standard error in so many worlds.

    ``direction`` is 1 where more is better, -1 where less is, NaN where neither, and then there is no verdict.
    """
    known = ~np.isnan(difference)
    gain, number = difference[known] * direction, int(known.sum())
    if not number:
        return Held(best=best)
    low, high = between(difference[known])
    if math.isnan(direction):
        return Held(low, high)
    quantile = float(t_quantile(number * (worlds - 1) + 1))
    margin = quantile * math.sqrt(float((error[known] ** 2).sum())) / number
    better, worse = float((gain > 0).mean()), float((gain < 0).mean())
    return Held(low, high, better, worse, best, verdict_of(gain, margin))


def between(values: Floats) -> tuple[float, float]:
    """Between which 95 % of the sets lie, of those that can tell; NaN where none can."""
    known = values[~np.isnan(values)]
    low, high = np.quantile(known, ((1 - AGREEING) / 2, (1 + AGREEING) / 2)) if len(known) else (math.nan, math.nan)
    return float(low), float(high)


def verdict_of(gain: Floats, margin: float) -> Verdict:
    """Verdict on what is gained in each set, where luck of the worlds leaves the mean open by a margin."""
    if not len(gain) or math.isnan(margin):
        return "undecided"
    if np.isnan(gain).all():
        return ""  # of a measure of which neither more nor less is better
    if not gain.any():
        return "same"
    # A few sets in a few worlds may agree by luck.
    beyond_luck = abs(gain.mean()) > margin
    if beyond_luck and (gain > 0).mean() >= AGREEING:
        return "better"
    return "worse" if beyond_luck and (gain < 0).mean() >= AGREEING else "undecided"
