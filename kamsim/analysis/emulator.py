"""A quick stand-in for the simulation: quadratic regressions of its figures on its parameters, and how to sample it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

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


def fitted_emulator(points: Floats, figures: Floats, weights: Floats) -> Emulator:
    """Fit an emulator to simulated figures.

    Parameters
    ----------
    points : array of shape (evaluations, parameters)
        In the unit cube.
    figures : array of shape (evaluations, figures)
        Simulated there.
    weights : array of shape (evaluations,)
        How much each counts, > 0.

    Returns
    -------
    Emulator
        Ridge regression, each figure with the penalty that predicts best what it was not fitted to (leave one out).
    """
    from sklearn.linear_model import RidgeCV

    terms = _terms(points)
    mean, scale = terms.mean(axis=0), terms.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    coefficients, intercept, error = [], [], []
    for figure in figures.T:
        model = RidgeCV(alphas=PENALTIES).fit((terms - mean) / scale, figure, sample_weight=weights)
        coefficients.append(model.coef_)
        intercept.append(model.intercept_)
        # The score is of weighted residuals, so it is told per mean weight.
        error.append(np.sqrt(-model.best_score_ / weights.mean()))
    return Emulator(mean, scale, np.array(coefficients).T, np.array(intercept), np.array(error))


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
