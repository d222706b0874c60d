"""Which of several is best, with what probability, given how well so many worlds tell their means."""

import math

import numpy as np

from kamsim.analysis.agreement import AGREEING
from kamsim.types import Flags, Floats

ALIKE = 1e-9  # difference, as a part of what it is between, that is rounding and no difference
_DRAWS = 1000  # draws of means by which the chance of being best is told in a set
_RESAMPLES = 200  # of worlds, by which is told how far that chance hangs on them
_RESAMPLE_DRAWS = 250  # of means in each set of a resample


def chances_best(merit: Floats) -> Floats:
    """Chance of each scenario that its mean is the highest, given how well these worlds tell the means.

    Parameters
    ----------
    merit : array of shape (worlds, scenarios)
        Paired, higher is better.

    Returns
    -------
    array of shape (scenarios,)
        Adds up to 1. The means are drawn from a multivariate t with the mean and the covariance of means that the
        worlds give, which keeps what all scenarios owe to the same worlds, and how little few worlds tell of their
        own spread; ties are split.
    """
    chances: Floats = firsts_of(merit.mean(axis=0) + _drawn(merit, _DRAWS)).mean(axis=0)
    return chances


def _drawn(merit: Floats, draws: int) -> Floats:
    """Draws of what these worlds leave open of the means, of shape (draws, scenarios)."""
    freedom = max(len(merit) - 1, 1)
    # The factor R of deviations = QR has R'R = covariance, without a matrix that equal scenarios make singular.
    factor = np.linalg.qr((merit - merit.mean(axis=0)) / math.sqrt(len(merit) * freedom), mode="r")
    generator = np.random.default_rng(0)
    normals = generator.standard_normal((draws, len(factor)))
    drawn: Floats = normals @ factor * np.sqrt(freedom / generator.chisquare(freedom, (draws, 1)))
    return drawn


def firsts_of(merit: Floats) -> Floats:
    """Part that each has in the first place along the last axis; equals share it."""
    wins = is_best(merit)
    parts: Floats = wins / wins.sum(axis=-1, keepdims=True)
    return parts


def regrets_of(merit: Floats) -> Floats:
    """What each loses in one half of the worlds against the best of the other half, mean of both ways."""
    if len(merit) < 2:
        return np.full(merit.shape[1], np.nan)
    one, other = merit[::2].mean(axis=0), merit[1::2].mean(axis=0)
    lost = [firsts_of(chosen) @ there - there for chosen, there in ((one, other), (other, one))]
    found: Floats = np.mean(lost, axis=0)
    return found


def chances_between(profit: Floats) -> Floats:
    """How far the probabilities of being best hang on the worlds: the same worlds resampled in all sets.

    Parameters
    ----------
    profit : array of shape (sets, worlds, scenarios)
        Higher is better.

    Returns
    -------
    array of shape (2, scenarios)
        Low and high end of the 95 % interval of the mean over sets of `chances_best`.
    """
    sets, worlds, scenarios = profit.shape
    weights = np.random.default_rng(0).multinomial(worlds, np.full(worlds, 1.0 / worlds), _RESAMPLES) / worlds
    # A resample spreads less than new worlds would.
    weights = (weights - 1.0 / worlds) * math.sqrt(worlds / max(worlds - 1, 1))
    total = np.zeros((_RESAMPLES, scenarios))
    for merit in profit:
        mean = merit.mean(axis=0)
        means = mean + weights @ (merit - mean)
        total += firsts_of(means[:, None] + _drawn(merit, _RESAMPLE_DRAWS)).mean(axis=1)
    between: Floats = np.quantile(total / sets, ((1 - AGREEING) / 2, (1 + AGREEING) / 2), axis=0)
    return between


def is_best(merit: Floats) -> Flags:
    """Whether each is best along the last axis; NaN never is, and equals but for rounding all are."""
    merit = np.where(np.isnan(merit), -np.inf, merit)
    top = merit.max(axis=-1, keepdims=True)
    size = np.where(np.isfinite(top), np.abs(top), 0.0)
    return np.asarray((merit >= top - ALIKE * size) & np.isfinite(merit), dtype=np.bool_)
