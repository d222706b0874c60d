"""A quick stand-in for the simulation: quadratic regressions of its figures on its parameters, and how to sample it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kamsim.types import Floats

PENALTIES = np.logspace(-2, 4, 13)


class Emulator(NamedTuple):
    """Figures as quadratic functions of parameters in the unit cube."""

    mean: Floats  # (terms,), of the terms
    scale: Floats  # (terms,)
    coefficients: Floats  # (terms, figures)
    intercept: Floats  # (figures,)
    error: Floats  # (figures,), standard deviation left out, cross-validated

    def __call__(self, points: Floats) -> Floats:
        """Figures at points: (points, figures) from (points, parameters)."""
        return self.intercept + (_terms(points) - self.mean) / self.scale @ self.coefficients


def _terms(points: Floats) -> Floats:
    rows, columns = np.triu_indices(points.shape[1])
    return np.concatenate([points, points[:, rows] * points[:, columns]], axis=1)


def fitted_emulator(
    points: Floats, figures: Floats, weights: Floats, judged: NDArray[np.bool_] | None = None
) -> Emulator:
    """Fit an emulator to simulated figures.

    Parameters
    ----------
    points : array of shape (evaluations, parameters)
        In the unit cube.
    figures : array of shape (evaluations, figures)
        Simulated there.
    weights : array of shape (evaluations,)
        How much each counts, > 0.
    judged : array of shape (evaluations,), optional
        Of which the error is told; by default all. Points that crowd in one place tell nothing of it elsewhere.

    Returns
    -------
    Emulator
        Ridge regression, each figure with the penalty that predicts best what it was not fitted to (leave one out).
    """
    terms = _terms(points)
    mean, scale = terms.mean(axis=0), terms.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    standard, share, root = (terms - mean) / scale, weights / weights.sum(), np.sqrt(weights)[:, None]
    offset, middle = share @ standard, share @ figures
    # One decomposition serves all figures and penalties.
    left, size, right = np.linalg.svd(root * (standard - offset), full_matrices=False)
    around = root * (figures - middle)
    inside, leverage = left.T @ around, left**2
    squares = []
    for penalty in PENALTIES:
        kept = size**2 / (size**2 + penalty)
        left_out = (around - left @ (kept[:, None] * inside)) / (1.0 - leverage @ kept - share)[:, None]
        squares.append(left_out**2)
    best = np.array(squares).sum(axis=1).argmin(axis=0)
    coefficients = right.T @ (inside * (size[:, None] / (size[:, None] ** 2 + PENALTIES[best])))
    counted = np.ones(len(points), dtype=bool) if judged is None else judged
    by_figure = np.array([squares[place][counted, figure].sum() for figure, place in enumerate(best)])
    error = np.sqrt(by_figure / weights[counted].sum())
    return Emulator(mean, scale, coefficients, middle - offset @ coefficients, error)


def sampled(
    log_density: Callable[[Floats], Floats], start: Floats, count: int, steps: int, generator: np.random.Generator
) -> Floats:
    """Sample points of the unit cube by their density: affine-invariant ensemble MCMC (Goodman & Weare 2010).

    Parameters
    ----------
    log_density : callable
        Log density of points, (points,) from (points, parameters).
    start : array of shape (walkers, parameters)
        Inside the cube, at least twice as many walkers as parameters.
    count : int
        Points to return.
    steps : int
        Of every walker; the first half is dropped.
    generator : Generator
        Decides all.

    Returns
    -------
    array of shape (count, parameters)
        In random order.
    """
    import emcee

    def inside(points: Floats) -> Floats:
        out = ((points < 0.0) | (points > 1.0)).any(axis=1)
        return np.where(out, -np.inf, log_density(np.clip(points, 0.0, 1.0)))

    # Small jumps between walkers mix in many dimensions; differential moves reach across.
    moves = [(emcee.moves.StretchMove(), 0.3), (emcee.moves.DEMove(), 0.6), (emcee.moves.DESnookerMove(), 0.1)]
    sampler = emcee.EnsembleSampler(len(start), start.shape[1], inside, moves=moves, vectorize=True)
    state = emcee.State(start, random_state=np.random.RandomState(generator.integers(2**32)).get_state())
    sampler.run_mcmc(state, steps, skip_initial_state_check=True)
    chain: Floats = sampler.get_chain(discard=steps // 2, flat=True)
    return chain[generator.choice(len(chain), size=count, replace=False)]
