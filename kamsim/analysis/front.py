"""Several things to weigh at once: which points no other beats in all of them, and which of these to look at.

Costs have shape (points, objectives); less is better in each.
"""

import numpy as np

from kamsim.types import Floats


def front_of(costs: Floats) -> list[int]:
    """Find the points that no other beats: none costs less in one objective and no more in any.

    Parameters
    ----------
    costs : array of shape (points, objectives)
        Finite.

    Returns
    -------
    list of int
        Places in their order; of equal points the first.
    """
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    _, first = np.unique(costs, axis=0, return_index=True)
    places = np.sort(first)
    kept = NonDominatedSorting().do(costs[places], only_non_dominated_front=True)
    return sorted(places[kept].tolist())


def hypervolume_of(costs: Floats, worst: Floats) -> float:
    """How much a front has gained: the volume of all that some point beats, up to a worst point, (objectives,).

    Points that are worse than that in any objective count for nothing (Zitzler & Thiele 1999).
    """
    from pymoo.indicators.hv import Hypervolume

    return float(Hypervolume(ref_point=worst).do(costs)) if len(costs) else 0.0


def on_the_range(costs: Floats) -> Floats:
    """Costs of a front from 0, the least of any point, to 1, the most of any, in each objective; 0 where all agree."""
    low, high = costs.min(axis=0), costs.max(axis=0)
    found: Floats = (costs - low) / np.where(high > low, high - low, 1.0)
    return found


def knee_of(costs: Floats) -> int:
    """Find where a front bends most: the point that gives up least of all objectives together.

    Each is told on the range of the front, so that the knee of a curve between two ends lies farthest from the straight
    line through them (Das 1999); of equals the first.
    """
    return int(on_the_range(costs).sum(axis=1).argmin())


def some_of_front(costs: Floats, first: list[int], number: int) -> list[int]:
    """Choose points that show the whole of a front: some given ones, then always the one farthest from all chosen.

    Parameters
    ----------
    costs : array of shape (points, objectives)
        Of the front.
    first : list of int
        Places that are chosen in any case.
    number : int
        Most to choose.

    Returns
    -------
    list of int
        Places in the order chosen, each once.
    """
    chosen = list(dict.fromkeys(first))[:number]
    where = on_the_range(costs)
    while len(chosen) < min(number, len(costs)):
        apart = np.linalg.norm(where[:, None] - where[chosen], axis=2).min(axis=1)
        apart[chosen] = -1.0
        chosen.append(int(apart.argmax()))
    return chosen
