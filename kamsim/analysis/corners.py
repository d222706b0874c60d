"""Corners of a cube of parameters: where a policy fails, where a ranking flips, and what a difference depends on.

Shallow trees propose few bounds; they are kept if they tell points left out as well, or nothing is said.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kamsim.evidence.posterior import parameter_named
from kamsim.records import Record
from kamsim.types import Flags, Floats

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier

Bounds = dict[int, tuple[float, float]]  # by parameter, above the first and at most the second

MOST_CONDITIONS = 3
CONDITION_FROM = 0.03  # what a further condition must add to the correlation of box and failure
LEAST_CORRELATION = 0.2  # of box and failure, on points left out
LEAST_CHANCE = 0.01  # chance of so many failures in the boxes of points left out, were there no corner
LEAST_SIDE = 0.02  # of the points, that fail, and that do not, to say where
LEAST_NUMBER = 10
LEAST_LEAF = 0.03  # of the points, in a box
FOLDS = 5
LEAST_SCORE = 0.65  # balanced accuracy on sets left out; pure chance reaches it about once in twenty times
LEAST_PART = 0.1  # of the sets, on either side of a flip
SECOND_CONDITION_FROM = 0.03  # what a second condition must add to that accuracy
MOST_DRIVERS = 3
FALSE_DRIVERS = 0.05  # chance that any parameter at all passes for a driver by chance alone


@dataclass(frozen=True)
class Condition(Record):
    """A parameter on one side of a bound, or between two.

    Parameters
    ----------
    parameter, meaning, unit, kind : str
        Of the ledger.
    low, high : float
        Infinite where there is no bound.
    """

    parameter: str
    meaning: str
    unit: str
    kind: str
    low: float
    high: float


# ---------------------------------------------------------------- trees


def _tree(depth: int, leaf: int) -> "DecisionTreeClassifier":
    """Tree of few conditions that tells marked points from the others, either side weighing the same."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf, class_weight="balanced", random_state=0)


def _nodes(points: Floats, marks: Flags, depth: int, leaf: int) -> Iterator[tuple[Bounds, bool]]:
    """Bounds of each node of a fitted tree, and whether it is a leaf; the root has none, the right side comes first."""
    tree = _tree(depth, leaf).fit(points, marks).tree_
    nodes: list[tuple[int, Bounds]] = [(0, {})]
    while nodes:
        node, bounds = nodes.pop()
        at, threshold = int(tree.feature[node]), float(tree.threshold[node])
        yield bounds, at < 0
        if at >= 0:
            low, high = bounds.get(at, (-math.inf, math.inf))
            nodes.append((int(tree.children_left[node]), bounds | {at: (low, threshold)}))
            nodes.append((int(tree.children_right[node]), bounds | {at: (threshold, high)}))


def in_box(points: Floats, bounds: Bounds) -> Flags:
    """Whether each point is in a box."""
    # The tree compares in single precision.
    values = points.astype(np.float32)
    within = np.ones(len(points), dtype=np.bool_)
    for at, (low, high) in bounds.items():
        within &= (values[:, at] > low) & (values[:, at] <= high)
    return within


# ---------------------------------------------------------------- failures


class Box(NamedTuple):
    """A box of points and how well it tells failures; without bounds where no box does."""

    bounds: Bounds  # by parameter, above the first and at most the second
    inside: Flags  # (points,)
    density: float  # part of the points inside that fail
    coverage: float  # part of the failures that are inside
    mass: float  # part of the points that are inside
    held_out: float  # density of boxes found without the points that they are judged by
    chance: float  # of such a density by luck alone


def box_of(points: Floats, failed: Flags) -> Box:
    """Find the box of points that goes best with failing.

    Parameters
    ----------
    points : array of shape (points, parameters)
        Values.
    failed : array of bool of shape (points,)
        Whether each fails.

    Returns
    -------
    Box
        Without bounds where too few points fail, or do not, or where boxes found without a fifth of the points tell
        failures in that fifth no better than chance, or hardly.
    """
    nothing = Box({}, np.zeros(len(points), dtype=np.bool_), *[math.nan] * 5)
    if are_too_few(failed):
        return nothing
    held_out, correlation, chance = _judged(points, failed)
    nothing = nothing._replace(held_out=held_out, chance=chance)
    if not (correlation >= LEAST_CORRELATION and chance < LEAST_CHANCE):
        return nothing
    bounds = _best_bounds(points, failed)
    inside = in_box(points, bounds)
    density, coverage = float(failed[inside].mean()), float(inside[failed].mean())
    return Box(bounds, inside, density, coverage, float(inside.mean()), held_out, chance)


def are_too_few(failed: Flags) -> bool:
    """Whether too few points fail, or do not, to say where."""
    fewer = min(int(failed.sum()), int((~failed).sum()))
    return fewer < max(LEAST_NUMBER, math.ceil(LEAST_SIDE * len(failed)))


def _judged(points: Floats, failed: Flags) -> tuple[float, float, float]:
    """Density of boxes on points left out, their correlation with failing, and the chance of so many failures."""
    from scipy.stats import hypergeom
    from sklearn.model_selection import StratifiedKFold

    inside = np.zeros(len(points), dtype=np.bool_)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(points, failed):
        bounds = _best_bounds(points[train], failed[train])
        inside[test] = in_box(points[test], bounds) if bounds else False
    hits, taken = int((inside & failed).sum()), int(inside.sum())
    density = hits / taken if taken else math.nan
    chance = float(hypergeom.sf(hits - 1, len(points), int(failed.sum()), taken))
    return density, _correlation(inside, failed), chance


def _best_bounds(points: Floats, failed: Flags) -> Bounds:
    """Box of a node of a shallow tree that goes best with failing; each condition has to earn its place."""

    def merit(bounds: Bounds) -> float:
        return _correlation(in_box(points, bounds), failed) - CONDITION_FROM * conditions_in(bounds)

    leaf = max(2, math.ceil(LEAST_LEAF * len(points)))
    boxes = [bounds for bounds, _ in _nodes(points, failed, MOST_CONDITIONS, leaf) if bounds]
    return max(boxes, key=merit) if boxes else {}


def conditions_in(bounds: Bounds) -> int:
    """Number of bounds that a box has on either side."""
    return sum(math.isfinite(end) for ends in bounds.values() for end in ends)


def _correlation(inside: Flags, failed: Flags) -> float:
    """Correlation of two marks; 0 where either is on all points or on none."""
    if inside.all() or not inside.any() or failed.all() or not failed.any():
        return 0.0
    return float(np.corrcoef(inside, failed)[0, 1])


# ---------------------------------------------------------------- flips


@dataclass(frozen=True)
class Flip(Record):
    """Where the policy that is best in most sets is not.

    Parameters
    ----------
    policy : str
        Best in most sets.
    best_in : float
        Part of the sets in which it is.
    score : float
        Balanced accuracy of the conditions on sets left out; NaN where it was not asked.
    conditions : tuple of Condition
        At most two, all of which hold where the policy is best least often; empty where none tell it.
    inside, outside : float
        Part of the sets with these conditions, and of the others, in which the policy is best.
    sets : int
        With these conditions.
    instead : str
        Policy that is best in most of the sets with these conditions.
    """

    policy: str
    best_in: float
    score: float = math.nan
    conditions: tuple[Condition, ...] = ()
    inside: float = math.nan
    outside: float = math.nan
    sets: int = 0
    instead: str = ""


def flip_of(policy: str, best: Sequence[str], names: Sequence[str], values: Floats) -> Flip:
    """Find at most two conditions under which a policy stops being best.

    Parameters
    ----------
    policy : str
        Best in most sets.
    best : sequence of str
        Best policy of each set.
    names : sequence of str
        Of parameters.
    values : array of shape (sets, parameters)
        Of the sets.

    Returns
    -------
    Flip
        Without conditions where a tree of depth two cannot tell sets left out clearly better than chance, or where
        the policy is best, or not, in too few sets to say where.
    """
    holds = np.array([name == policy for name in best])
    flip = Flip(policy, float(holds.mean()))
    varied = np.flatnonzero(np.ptp(values, axis=0) > 0) if values.size else np.empty(0, dtype=np.int64)
    if min(holds.sum(), (~holds).sum()) < max(5, math.ceil(LEAST_PART * len(holds))) or not len(varied):
        return flip
    low, width = values[:, varied].min(axis=0), np.ptp(values[:, varied], axis=0)
    parts = (values[:, varied] - low) / width
    scores = [_score(parts, holds, depth) for depth in (1, 2)]
    depth = 2 if scores[1] >= scores[0] + SECOND_CONDITION_FROM else 1
    flip = replace(flip, score=scores[depth - 1])
    if flip.score < LEAST_SCORE:
        return flip
    region = _worst_leaf(parts, holds, depth)
    bounds = {names[varied[at]]: low[at] + width[at] * np.array(ends) for at, ends in region.items()}
    return _told(flip, bounds, in_box(parts, region), best)


def _score(parts: Floats, holds: Flags, depth: int) -> float:
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score

    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=0)
    tree = _tree(depth, _leaf(len(holds)))
    return float(cross_val_score(tree, parts, holds, scoring="balanced_accuracy", cv=folds).mean())


def _worst_leaf(parts: Floats, holds: Flags, depth: int) -> Bounds:
    """Bounds by parameter of the leaf in which the policy is best least often; of equals, the lowest values."""
    leaves = [bounds for bounds, is_leaf in _nodes(parts, holds, depth, _leaf(len(holds))) if is_leaf]
    return min(reversed(leaves), key=lambda region: float(holds[in_box(parts, region)].mean()))


def _leaf(sets: int) -> int:
    return max(1, math.ceil(LEAST_PART * sets))


def _told(flip: Flip, bounds: dict[str, Floats], inside: Flags, best: Sequence[str]) -> Flip:
    holds = np.array([name == flip.policy for name in best])
    there = [name for name, within in zip(best, inside, strict=True) if within]
    instead = max(sorted(set(there)), key=there.count)
    conditions = tuple(_condition(name, float(ends[0]), float(ends[1])) for name, ends in bounds.items())
    return replace(
        flip,
        conditions=conditions,
        inside=float(holds[inside].mean()),
        outside=float(holds[~inside].mean()),
        sets=int(inside.sum()),
        instead=instead,
    )


def _condition(name: str, low: float, high: float) -> Condition:
    row = parameter_named(name)
    meaning, unit, kind = (row.meaning, row.unit, row.kind) if row else ("", "", "")
    return Condition(name, meaning, unit, kind, low, high)


# ---------------------------------------------------------------- drivers


@dataclass(frozen=True)
class Driver(Record):
    """A parameter on which a difference depends.

    Parameters
    ----------
    parameter, meaning, kind : str
        Of the ledger.
    correlation : float
        Of ranks, with the difference over the sets.
    effect : float
        Spread of the difference that goes with it, in the unit of the difference.
    moved : bool
        Whether it was moved because it is assumed, rather than varied by the posterior.
    """

    parameter: str
    meaning: str
    kind: str
    correlation: float
    effect: float
    moved: bool


def drivers_of(
    fitted: tuple[Sequence[str], Floats, Floats], moved: tuple[Sequence[str], Floats, Floats]
) -> tuple[Driver, ...]:
    """Name the few parameters on which a difference depends most.

    Parameters
    ----------
    fitted : tuple
        Names, values of shape (sets, names) and the difference in each set, of what the posterior varies.
    moved : tuple
        The same of the assumed values that were moved, with what moving them did to the difference.

    Returns
    -------
    tuple of Driver
        Those whose correlation of ranks is beyond what chance gives any of so many parameters, by the spread of the
        difference that goes with each; three at most.
    """
    tried = len(fitted[0]) + len(moved[0])
    found = [*_drivers(*fitted, tried=tried, moved=False), *_drivers(*moved, tried=tried, moved=True)]
    return tuple(sorted(found, key=lambda driver: (-driver.effect, driver.parameter))[:MOST_DRIVERS])


def _drivers(names: Sequence[str], values: Floats, difference: Floats, *, tried: int, moved: bool) -> list[Driver]:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    known = ~np.isnan(difference)
    sets = int(known.sum())
    if sets < 3 or not len(names) or np.ptp(difference[known]) == 0:
        return []
    least = float(ndtri(1.0 - FALSE_DRIVERS / 2.0 / tried)) / math.sqrt(sets - 1)
    ranks, spread = rankdata(difference[known]), float(difference[known].std())
    found = []
    for name, column in zip(names, values[known].T, strict=True):
        if np.ptp(column) == 0:
            continue
        correlation = float(np.corrcoef(rankdata(column), ranks)[0, 1])
        row = parameter_named(name)
        if abs(correlation) > least and row is not None:
            found.append(Driver(name, row.meaning, row.kind, correlation, abs(correlation) * spread, moved))
    return found
