"""Search for the point of the unit cube at which something simulated costs least."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kamsim.types import Floats


class Found(NamedTuple):
    """Where a search ended."""

    center: Floats  # of the last points: it averages out the luck of single ones
    best: Floats  # of all points
    least: float  # cost at the best


def searched(
    cost: Callable[[Floats], float],
    begin: Floats,
    spread: float,
    *,
    generations: int,
    size: int,
    generator: np.random.Generator,
) -> Found:
    """Search the least cost in the unit cube (CMA-ES, Hansen & Ostermeier 2001).

    Parameters
    ----------
    cost : callable
        Of a point; finite.
    begin : array of shape (parameters,)
        Point of the unit cube, about which the first points are drawn.
    spread : float
        Standard deviation of these.
    generations, size : int
        Of the search, and points of each generation.
    generator : Generator
        Decides all.

    Returns
    -------
    Found
        Points of the unit cube.
    """
    import cma

    options = {
        "bounds": [0.0, 1.0],
        "popsize": size,
        "verbose": -9,
        "seed": np.nan,
        "randn": lambda *shape: generator.standard_normal(shape),
    }
    search = cma.CMAEvolutionStrategy(begin, spread, options)
    for _ in range(generations):
        points = [np.asarray(point, dtype=np.float64) for point in search.ask()]
        search.tell(points, [cost(point) for point in points])
    center, best = (
        np.clip(np.asarray(point, dtype=np.float64), 0.0, 1.0)
        for point in (search.result.xfavorite, search.result.xbest)
    )
    return Found(center, best, float(search.result.fbest))
