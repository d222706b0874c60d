"""Year-end: which candidates score best by several criteria at once, and how many the program can serve."""

import numpy as np
from numpy import bool_, float64, int64
from numpy.typing import NDArray

from kamsim.compiler import rule
from kamsim.rules.tiering import best_first


@rule
def rank_among(ordered: NDArray[float64], value: float) -> float:
    """Rank of a candidate: the part of the other candidates that are below it.

    Parameters
    ----------
    ordered : array
        What is read of all candidates, the smallest first.
    value : float
        What is read of this one.

    Returns
    -------
    float
        In [0, 1]; equal ones are not below, and who is alone has the rank 0.

    Notes
    -----
    No spend, however large, outweighs by its size what other criteria say (sources: a selection matrix, as in the
    scoring of customers by Kumar, Venkatesan, Bohling & Beckmann 2008; ranks, for sizes are fat-tailed).
    """
    low = int(np.searchsorted(ordered, value))
    return low / max(1, len(ordered) - 1)


@rule
def add_ranks(
    values: NDArray[float64],
    candidate: NDArray[bool_],
    weight: float,
    ordered: NDArray[float64],
    scores: NDArray[float64],
) -> None:
    """Add what one criterion says to the scores of candidates: their rank by it, times its weight.

    Parameters
    ----------
    values : array of shape (accounts,)
        The criterion as read, of candidates (what others have does not count).
    candidate : array of shape (accounts,)
        Who is ranked.
    weight : float
        Of the criterion, >= 0.
    ordered : array of shape (accounts,)
        Working space.
    scores : array of shape (accounts,)
        Changed in place, for candidates.
    """
    count = 0
    for account in range(len(values)):
        if candidate[account]:
            ordered[count] = values[account]
            count += 1
    ranked = ordered[:count]
    ranked.sort()
    for account in range(len(values)):
        if candidate[account]:
            scores[account] += weight * rank_among(ranked, values[account])


@rule
def fits_capacity(promised: float, committed: float, slack: float, strength: float) -> bool:
    """Whether what is promised to key accounts fits what is committed to them.

    Parameters
    ----------
    promised, committed : float
        Hours, or units of support, a quarter, >= 0.
    slack : float
        Part of what is committed that may be promised beyond it, >= 0.
    strength : float
        Part of what is promised that the check counts, in [0, 1]: where it counts nothing, all fits.

    Returns
    -------
    bool
        True where it fits (sources: identify the resources available before selecting accounts).
    """
    return strength * promised <= committed * (1.0 + slack)


@rule
def keep_within_capacity(
    scores: NDArray[float64],
    need: NDArray[float64],
    stays: NDArray[bool_],
    attention: NDArray[float64],
    mean_tie: float,
    hours: float,
    support: float,
    slack: float,
    strength: float,
    eligible: NDArray[bool_],
    order: NDArray[int64],
    tier: NDArray[int64],
) -> None:
    """Elevate, best first, only while the need promised fits the hours and the support that are committed.

    Parameters
    ----------
    scores, need : arrays of shape (accounts,)
        Selection scores, and need in hours and units of support a quarter, > 0 (what others have does not count).
    stays : array of shape (accounts,)
        Whether an account is key already and is not selected anew: nobody is demoted because others were promised much.
    attention : array of shape (tiers,)
        Hours promised per unit of need in each tier.
    mean_tie : float
        Support that functions are asked for per unit of need, in [0, 1].
    hours, support : float
        Committed, a quarter, >= 0.
    slack, strength : float
        As in `fits_capacity`.
    eligible, order : arrays
        Working space, of shapes (accounts,) and (all seats,).
    tier : array of shape (accounts,)
        Tiers, changed in place: from the first that does not fit on, places stay empty.
    """
    hours_promised, support_promised, fits = 0.0, 0.0, True
    for account in range(len(tier)):
        if tier[account] > 0 and stays[account]:
            hours_promised += need[account] * attention[tier[account]]
            support_promised += need[account] * mean_tie
    for level in range(len(attention) - 1, 0, -1):
        for account in range(len(tier)):
            eligible[account] = tier[account] == level and not stays[account]
        for place in range(best_first(scores, eligible, len(order), order)):
            account = order[place]
            hours_promised += need[account] * attention[level]
            support_promised += need[account] * mean_tie
            fits = (
                fits
                and fits_capacity(hours_promised, hours, slack, strength)
                and fits_capacity(support_promised, support, slack, strength)
            )
            if not fits:
                tier[account] = 0
