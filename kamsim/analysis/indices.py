"""What drives the output of any model on the unit cube: elementary effects (Morris), shares of variance (Sobol')."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from kamsim.types import Floats, Integers

Model = Callable[[Floats], Floats]

BASE_POINTS = 256
TRAJECTORIES = 10
_SCREENING, _INDICES = 0x6D6F72, 0x736F62  # tell their draws from others of the same seed
_RESAMPLES = 500


class Indices(NamedTuple):
    """Parts of variance by group of parameters, in the order in which the groups first come."""

    first: Floats
    first_margin: Floats  # half the width of a 95 % interval
    total: Floats
    total_margin: Floats


def elementary_effects(model: Model, parameters: int, trajectories: int = TRAJECTORIES, seed: int = 1) -> Floats:
    """Screen parameters: how much each changes the output by itself, on average over the cube (Morris' mu*).

    Parameters
    ----------
    model : callable
        Outputs (points,) at points (points, parameters) of the unit cube.
    parameters : int
        How many.
    trajectories : int
        Walks through the cube that change one parameter after the other.
    seed : int
        Of the walks.

    Returns
    -------
    array of shape (parameters,)
        Mean absolute change, per whole range.
    """
    from SALib.analyze import morris as analysis
    from SALib.sample import morris as sampling

    generator = np.random.default_rng([seed, _SCREENING])
    problem = _problem(list(range(parameters)))
    points = sampling.sample(problem, trajectories, seed=generator)
    found = analysis.analyze(problem, points, model(points), seed=generator)
    return np.asarray(found["mu_star"], dtype=np.float64)


def grouped(effects: Floats, most: int) -> list[int]:
    """Groups of parameters: those with the largest effects by themselves, all others together.

    Parameters
    ----------
    effects : array of shape (parameters,)
        From `elementary_effects`.
    most : int
        Parameters by themselves.

    Returns
    -------
    list of int
        A number for each parameter: its own, or -1 for the others.
    """
    if len(effects) <= most:
        return list(range(len(effects)))
    largest = set(np.argsort(-effects, kind="stable")[:most].tolist())
    return [place if place in largest else -1 for place in range(len(effects))]


def variance_indices(model: Model, groups: Sequence[int], points: int = BASE_POINTS, seed: int = 1) -> Indices:
    """Part of the variance of the output that each group of parameters explains (Sobol' indices).

    Parameters
    ----------
    model : callable
        Outputs (points,) at points (points, parameters) of the unit cube.
    groups : sequence of int
        Group of each parameter; those with the same number stand together.
    points : int
        Base points, a power of two; the model is asked at ``points * (number of groups + 2)``.
    seed : int
        Of the points.

    Returns
    -------
    Indices
        First-order: by itself. Total: with all that it does together with others.
    """
    return indices_of(groups, model(index_points(groups, points, seed)), seed)


def index_points(groups: Sequence[int], points: int, seed: int) -> Floats:
    """Points of the unit cube at which the indices need the output (Saltelli's design on a Sobol' sequence)."""
    from SALib.sample import sobol as sampling

    generator = np.random.default_rng([seed, _INDICES])
    design: Floats = sampling.sample(_problem(groups), points, calc_second_order=False, seed=generator)
    return design


def indices_of(groups: Sequence[int], outputs: Floats, seed: int) -> Indices:
    """Indices from outputs at the points of `index_points`; all are 0 where the output never changes."""
    from SALib.analyze import sobol as analysis

    if np.ptp(outputs) == 0:
        return Indices(*(np.zeros(len(set(groups))) for _ in Indices._fields))
    # SALib takes a seed of 0 for none.
    resampling = 1 + int(np.random.default_rng([seed, _INDICES]).integers(2**31))
    found = analysis.analyze(
        _problem(groups), outputs, calc_second_order=False, num_resamples=_RESAMPLES, seed=resampling
    )
    return Indices(found["S1"], found["S1_conf"], found["ST"], found["ST_conf"])


def _problem(groups: Sequence[int]) -> dict[str, object]:
    problem: dict[str, object] = {
        "num_vars": len(groups),
        "names": [f"x{place}" for place in range(len(groups))],
        "bounds": [[0.0, 1.0]] * len(groups),
    }
    # One group alone is none to SALib.
    if len(set(groups)) < len(groups):
        problem["groups"] = [f"g{group}" for group in groups]
    return problem


def independent(groups: Sequence[int], points: int) -> Integers:
    """Places of the points of the design that are drawn independently: first and last of each block."""
    step = len(set(groups)) + 2
    return np.sort(np.concatenate([np.arange(0, points, step), np.arange(step - 1, points, step)]))


def rank_correlations(points: Floats, outputs: Floats) -> Floats:
    """Correlation of ranks of each parameter with the output; NaN where the output never changes."""
    from scipy.stats import rankdata

    if np.ptp(outputs) == 0:
        return np.full(points.shape[1], np.nan)
    ranks = rankdata(outputs)
    return np.array([np.corrcoef(rankdata(column), ranks)[0, 1] for column in points.T])


def luck_of(one: Floats, other: Floats) -> float:
    """Part of the variance between points that is luck of the worlds, from what each half of them says.

    Parameters
    ----------
    one, other : array of shape (points,)
        Means over either half of the worlds.

    Returns
    -------
    float
        Of the mean over all worlds: 0 where the halves agree at every point, 1 where they have nothing in common.
    """
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0 if np.ptp(one) == np.ptp(other) == 0 else 1.0
    shared = max(0.0, float(np.corrcoef(one, other)[0, 1]))
    # Spearman and Brown: what is shared by halves, doubled in length.
    return 1.0 - 2.0 * shared / (1.0 + shared)
