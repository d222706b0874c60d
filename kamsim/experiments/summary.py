"""What a sweep shows: means of every point and policy, and paired differences to what they are told against."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kamsim.analysis.intervals import Moments, half_width_of, merged_moments, moments_of
from kamsim.experiments.chunks import Plan
from kamsim.experiments.parts import Store, checked
from kamsim.measures.outcomes import MEASURES
from kamsim.records import plain
from kamsim.text import csv_text
from kamsim.types import Floats, Integers


@dataclass(frozen=True)
class Swept:
    """A measure at a point of a sweep under a policy; NaN where it cannot be told.

    Parameters
    ----------
    point : int
        Number.
    policy, measure : str
        Names.
    mean, mean_low, mean_high : float
        Over the replications that have it, with the 95 % interval.
    difference, low, high : float
        Paired difference, in the same worlds, to the first policy at the point; where there is one policy only, to the
        first point; with its 95 % interval.
    replications, failed : int
        That have the measure, and that ended in an error.
    """

    point: int
    policy: str
    measure: str
    mean: float
    mean_low: float
    mean_high: float
    difference: float
    low: float
    high: float
    replications: int
    failed: int


def swept(plan: Plan, folder: Path) -> list[Swept]:
    """Means and paired differences of a sweep, read part by part; by measure, point and policy."""
    store = Store(folder)
    shape = (len(plan.points), len(plan.policies), len(plan.measures))
    means, differences = (Moments(*(np.zeros(shape) for _ in range(3))) for _ in range(2))
    failed = np.zeros(shape[:2], dtype=np.int64)
    reference = _values_of_first_point(plan, store) if len(plan.policies) == 1 else None
    for points, replications, values, wrong in _blocks(plan, store):
        told = values - values[:, :1] if reference is None else values - reference[replications][None, None]
        means = _added(means, points, values)
        differences = _added(differences, points, told)
        failed[points] += wrong
    return list(_rows(plan, means, differences, failed))


def _blocks(plan: Plan, store: Store) -> Iterator[tuple[Integers, Integers, Floats, Integers]]:
    """Points, replications, values (points, policies, replications, measures) and failures of every part."""
    for name in sorted(store.names()):
        table, _ = checked(store.parts / name)
        points = np.unique(table["point"].to_numpy())
        columns = [table[measure].to_numpy(zero_copy_only=False) for measure in plan.measures]
        values = np.stack(columns, axis=-1).astype(np.float64)
        shape = (len(points), len(plan.policies), -1)
        wrong = np.array([text is not None for text in table["error"].to_pylist()]).reshape(shape).sum(axis=2)
        replications = table["replication"].to_numpy().reshape(shape)[0, 0]
        yield points, replications, values.reshape(*shape, len(plan.measures)), wrong


def _values_of_first_point(plan: Plan, store: Store) -> Floats:
    """Values of the first point by replication, for all others to be told against."""
    found = [(replications, values[0, 0]) for points, replications, values, _ in _blocks(plan, store) if points[0] == 0]
    most = max((int(numbers[-1]) + 1 for numbers, _ in found), default=0)
    reference = np.full((max(most, plan.replications), len(plan.measures)), np.nan)
    for numbers, values in found:
        reference[numbers] = values
    return reference


def _added(total: Moments, points: Integers, values: Floats) -> Moments:
    new = moments_of(np.moveaxis(values, 2, 0))
    some = Moments(*(column[points] for column in total))
    for column, both in zip(total, merged_moments(some, new), strict=True):
        column[points] = both
    return total


def _rows(plan: Plan, means: Moments, differences: Moments, failed: Integers) -> Iterator[Swept]:
    about_mean, about_difference = half_width_of(means), half_width_of(differences)
    for column, measure in enumerate(plan.measures):
        for point in range(len(plan.points)):
            for place, policy in enumerate(plan.policies):
                at = (point, place, column)
                mean = float(means.mean[at]) if means.number[at] else math.nan
                difference = float(differences.mean[at]) if differences.number[at] else math.nan
                around, between = about_mean[at], about_difference[at]
                yield Swept(
                    point,
                    policy.name,
                    measure,
                    mean,
                    float(mean - around),
                    float(mean + around),
                    difference,
                    float(difference - between),
                    float(difference + between),
                    int(means.number[at]),
                    int(failed[point, place]),
                )


def summary_csv(plan: Plan, rows: list[Swept], told_in: Callable[[Swept], Mapping[str, object]]) -> str:
    """Summary of a sweep as CSV, a line per measure, point and policy, with the values of the factors.

    At the end of each line what its figures are ``told_in``, by name of the column.
    """
    factors = list(plan.factors)
    fields = [name for name in Swept.__dataclass_fields__ if name not in ("point", "policy", "measure")]
    lines, told = list[list[object]](), dict[str, object]()
    for row in rows:
        content, told = plain(row), dict(told_in(row))
        values = [plan.points[row.point].get(name) for name in factors]
        lines.append([row.point, row.policy, *values, row.measure, *(content[name] for name in fields), *told.values()])
    return csv_text([["point", "policy", *factors, "measure", *fields, *told], *lines])


def best_first(rows: list[Swept], measure: str) -> list[Swept]:
    """Points and policies that have a measure by it, best first; the highest where neither more nor less is better."""
    direction = next(-1.0 if row.higher_is_better is False else 1.0 for row in MEASURES if row.name == measure)
    known = [row for row in rows if row.measure == measure and not math.isnan(row.mean)]
    return sorted(known, key=lambda row: -direction * row.mean)


def values_by_world(plan: Plan, folder: Path, measure: str, policy: int = 0) -> Floats:
    """A measure under one policy by point and world of the plan, (points, replications); NaN where there is none."""
    column = plan.measures.index(measure)
    found = np.full((len(plan.points), plan.replications), np.nan)
    for points, replications, values, _ in _blocks(plan, Store(folder)):
        asked = replications < plan.replications
        found[np.ix_(points, replications[asked])] = values[:, policy][:, asked, column]
    return found
