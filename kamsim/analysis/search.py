"""Search the unit cube for the point at which something simulated costs least, or for the front of several costs."""

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


def front_searched(
    costs: Callable[[Floats], Floats], begin: Floats, *, objectives: int, generations: int, seed: int
) -> tuple[Floats, Floats]:
    """Search the points of the unit cube that no other beats in all of several costs (NSGA-II, Deb et al. 2002).

    Parameters
    ----------
    costs : callable
        Of the points of a generation at once, (points, parameters): (points, objectives); finite.
    begin : array of shape (points, parameters)
        The first generation; the others have as many points.
    objectives : int
        Costs of a point.
    generations : int
        Of the search, the first among them.
    seed : int
        Decides all; with more generations the same search goes on.

    Returns
    -------
    array of shape (generations * points, parameters), array of shape (generations * points, objectives)
        All points that were tried, in their order, and their costs.
    """
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.evaluator import Evaluator
    from pymoo.core.problem import Problem
    from pymoo.core.termination import NoTermination
    from pymoo.problems.static import StaticProblem

    problem = Problem(n_var=begin.shape[1], n_obj=objectives, xl=0.0, xu=1.0)
    search = NSGA2(pop_size=len(begin), sampling=begin)
    search.setup(problem, termination=NoTermination(), seed=seed)
    tried, found = list[Floats](), list[Floats]()
    for _ in range(generations):
        asked = search.ask()
        tried.append(np.array(asked.get("X"), dtype=np.float64))
        found.append(costs(tried[-1]))
        Evaluator().eval(StaticProblem(problem, F=found[-1]), asked)
        search.tell(infills=asked)
    return np.concatenate(tried), np.concatenate(found)
