"""Where a ranking of policies flips, and on which parameters a difference depends: few conditions, or none at all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kamsim.evidence.posterior import parameter_named
from kamsim.types import Flags, Floats

LEAST_SCORE = 0.65  # balanced accuracy on sets left out; pure chance reaches it about once in twenty times
LEAST_PART = 0.1  # of the sets, on either side of a flip
SECOND_CONDITION_FROM = 0.03  # what a second condition must add to that accuracy
MOST_DRIVERS = 3
FALSE_DRIVERS = 0.05  # chance that any parameter at all passes for a driver by chance alone


@dataclass(frozen=True)
class Condition:
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None for no bound."""
        bounds = {
            end: value if math.isfinite(value) else None for end, value in (("low", self.low), ("high", self.high))
        }
        named = {"parameter": self.parameter, "meaning": self.meaning, "unit": self.unit, "kind": self.kind}
        return {**named, **bounds}


@dataclass(frozen=True)
class Flip:
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what cannot be told is None."""
        content = {name: _plain(value) for name, value in vars(self).items()}
        return content | {"conditions": [condition.to_dict() for condition in self.conditions]}


@dataclass(frozen=True)
class Driver:
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


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ---------------------------------------------------------------- flips


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
    return _told(flip, bounds, _inside(parts, region), best)


def _tree(sets: int, depth: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    leaf = max(1, math.ceil(LEAST_PART * sets))
    return DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf, class_weight="balanced", random_state=0)


def _score(parts: Floats, holds: Flags, depth: int) -> float:
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score

    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=4, random_state=0)
    tree = _tree(len(holds), depth)
    return float(cross_val_score(tree, parts, holds, scoring="balanced_accuracy", cv=folds).mean())


def _worst_leaf(parts: Floats, holds: Flags, depth: int) -> dict[int, tuple[float, float]]:
    """Bounds by parameter of the leaf in which the policy is best least often."""
    tree = _tree(len(holds), depth).fit(parts, holds).tree_
    regions: list[dict[int, tuple[float, float]]] = []

    def walk(node: int, region: dict[int, tuple[float, float]]) -> None:
        at, threshold = int(tree.feature[node]), float(tree.threshold[node])
        if at < 0:
            regions.append(region)
            return
        low, high = region.get(at, (-math.inf, math.inf))
        walk(int(tree.children_left[node]), region | {at: (low, threshold)})
        walk(int(tree.children_right[node]), region | {at: (threshold, high)})

    walk(0, {})
    return min(regions, key=lambda region: float(holds[_inside(parts, region)].mean()))


def _inside(parts: Floats, region: dict[int, tuple[float, float]]) -> Flags:
    # The tree compares in single precision.
    values = parts.astype(np.float32)
    inside = np.ones(len(parts), dtype=np.bool_)
    for at, (low, high) in region.items():
        inside &= (values[:, at] > low) & (values[:, at] <= high)
    return inside


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
