"""Intervals by drawing organizations with replacement, again and again."""

from collections.abc import Callable, Iterator

import numpy as np

from kamsim.types import Floats

Statistic = Callable[[Floats], Floats]  # weights of organizations, a row per resample, to figures in columns

RESAMPLES = 1_000
RESAMPLING = 0x0E7A  # names the draws of resamples among all that a seed names
CELLS_AT_A_TIME = 4_000_000


def resampled(statistic: Statistic, organizations: int, seed: int, cells: int = 1) -> Floats:
    """Figures of all organizations, and of as many drawn with replacement, again and again.

    Parameters
    ----------
    statistic : callable
        Given how often each organization counts, an array of shape (resamples, organizations), tells its figures.
    organizations : int
        >= 1.
    seed : int
        In [0, 2**64); the same resamples for every statistic.
    cells : int
        Numbers that the statistic holds per organization and resample: how many resamples are taken at a time.

    Returns
    -------
    array of shape (1 + RESAMPLES, figures)
        All organizations in the first row; a single organization has no resamples.
    """
    return np.concatenate([statistic(weights) for weights in _weights(organizations, seed, cells)])


def _weights(organizations: int, seed: int, cells: int) -> Iterator[Floats]:
    yield np.ones((1, organizations))
    if organizations == 1:
        return  # one organization says nothing about how much they differ
    generator = np.random.default_rng([seed, RESAMPLING])
    at_a_time = min(RESAMPLES, max(1, CELLS_AT_A_TIME // (organizations * cells)))
    chances = np.full(organizations, 1.0 / organizations)
    for first in range(0, RESAMPLES, at_a_time):
        count = min(at_a_time, RESAMPLES - first)
        yield generator.multinomial(organizations, chances, size=count).astype(np.float64)
