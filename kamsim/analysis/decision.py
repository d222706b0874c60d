"""What a decision rests on: how likely each choice is the best where much is unknown, and what a wrong one costs.

Whatever nobody knows of a firm (its parameters, the state of its accounts) is drawn as a whole, a *case*; in each case
every choice is played in the same few futures. What a choice earns in a case, mean over all futures it may have, is the
truth that a decision is judged by. Its distribution over cases is told from a few noisy futures of each by linear
empirical Bayes: the spread of means over cases, less what luck of futures adds to it.
"""

import math
from typing import NamedTuple

import numpy as np

from kamsim.analysis.agreement import AGREEING, Verdict, verdict_of
from kamsim.analysis.best import firsts_of
from kamsim.analysis.intervals import t_quantile
from kamsim.types import Floats, Integers

_DRAWS = 40  # of the truth in each case
_LUCKS = 200  # of what so few worlds leave open of all means alike
_SMALL = 1e-12  # part of the largest spread that is rounding


class Truths(NamedTuple):
    """Draws of what choices earn against the first, mean over futures, and how far luck leaves the means open."""

    earned: Floats  # (draws, choices), money; the first is 0 throughout
    mean: Floats  # (choices,)
    luck: Floats  # (choices, choices), covariance of the means from the luck of worlds
    freedom: int  # degrees of freedom of that


class Odds(NamedTuple):
    """What is told of each choice, arrays of shape (choices,)."""

    best: Floats  # chance that no other earns more; ties are split
    regret: Floats  # expected loss against the best of each case, >= 0
    low: Floats  # between which what it earns against the first lies in 95 % of the cases
    high: Floats


def truths_of(profit: Floats, groups: Integers | None = None) -> Truths:
    """Draw what choices truly earn in cases, from what they earn in a few futures of each.

    Parameters
    ----------
    profit : array of shape (cases, futures, choices)
        In the same futures; at least two futures a case.
    groups : array of shape (cases,), optional
        Which parameter set a case belongs to: the sets are all that there are, so that their differences are no luck
        of the means. By default each case is drawn from endlessly many.

    Returns
    -------
    Truths
        The same for the same arguments.
    """
    gain = profit - profit[..., :1]
    cases, futures, choices = gain.shape
    if futures < 2 or cases < 2:
        raise ValueError(f"two cases of two futures at least, not {cases} of {futures}")
    means = gain.mean(axis=1)
    within = gain - means[:, None]
    noise = np.einsum("cfi,cfj->ij", within, within) / (cases * (futures - 1) * futures)
    mean = means.mean(axis=0)
    spread = np.cov(means, rowvar=False).reshape(choices, choices)
    true = _no_less_than_nothing(spread - noise)
    keep = true @ _inverse(true + noise)
    generator = np.random.default_rng(0)
    expected = mean + (means - mean) @ keep.T
    open_still = _root(_no_less_than_nothing(true - keep @ true))
    earned = expected[:, None] + generator.standard_normal((cases, _DRAWS, choices)) @ open_still
    luck, freedom = _luck_of_means(means, groups)
    return Truths(earned.reshape(-1, choices), mean, luck, freedom)


def _luck_of_means(means: Floats, groups: Integers | None) -> tuple[Floats, int]:
    """Covariance of the mean over cases, and its degrees of freedom; within groups where these are all that there are.

    A group of a single case tells nothing of its own luck, and then differences between groups count as luck.
    """
    cases = len(means)
    deviations, freedom = means - means.mean(axis=0), cases - 1
    if groups is not None:
        names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        if cases > len(names):
            totals = np.zeros((len(names), means.shape[1]))
            np.add.at(totals, place, means)
            deviations, freedom = means - (totals / sizes[:, None])[place], cases - len(names)
    return deviations.T @ deviations / (freedom * cases), freedom


def odds_of(truths: Truths) -> Odds:
    """Chances, expected regret and range of each choice; luck of the means widens the chances, and no regret."""
    generator = np.random.default_rng(1)
    shifts = generator.standard_normal((_LUCKS, len(truths.mean))) @ _root(truths.luck)
    best = np.mean([firsts_of(truths.earned + shift).mean(axis=0) for shift in shifts], axis=0)
    regret = (truths.earned.max(axis=1, keepdims=True) - truths.earned).mean(axis=0)
    low, high = np.quantile(truths.earned, ((1 - AGREEING) / 2, (1 + AGREEING) / 2), axis=0)
    return Odds(best, np.maximum(regret, 0.0), low, high)


def chance_ahead(truths: Truths, one: int, other: int) -> float:
    """Part of the cases in which a choice truly earns more than another; ties are split."""
    gain = truths.earned[:, one] - truths.earned[:, other]
    return float((gain > 0).mean() + 0.5 * (gain == 0).mean())


def luck_of(truths: Truths, one: int, other: int) -> float:
    """Half the 95 % interval of the mean difference of two choices, from the luck of so few worlds."""
    contrast = np.zeros(len(truths.mean))
    contrast[one] += 1.0
    contrast[other] -= 1.0
    variance = float(contrast @ truths.luck @ contrast)
    return float(t_quantile(truths.freedom + 1)) * math.sqrt(max(0.0, variance))


def verdict_between(truths: Truths, one: int, other: int) -> Verdict:
    """Whether a choice is better than another: 95 % of the cases agree, and luck leaves no doubt of the mean."""
    return verdict_of(truths.earned[:, one] - truths.earned[:, other], luck_of(truths, one, other))


# ---------------------------------------------------------------- matrices that may be singular


def _no_less_than_nothing(matrix: Floats) -> Floats:
    """Nearest covariance: what is below zero, as noise makes estimates, is nothing."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    nearest: Floats = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return nearest


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.pinv(matrix, rcond=_SMALL, hermitian=True), dtype=np.float64)


def _root(matrix: Floats) -> Floats:
    """Matrix R for which draws of independent normals times R have a covariance."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    return root
