"""Add replications until a difference is known well enough, or the best is separated from the rest."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kamsim.analysis.intervals import DIFFERING, Moments, differing_in, moments_of, reach_of
from kamsim.errors import KamsimError
from kamsim.experiments.chunks import Chunk, Plan, name_of
from kamsim.experiments.executors import Place
from kamsim.experiments.parts import Store, checked
from kamsim.experiments.sweep import Progressed, check_points, chunks_with_aim, run_sweep
from kamsim.measures.outcomes import MEASURES
from kamsim.types import Floats

if TYPE_CHECKING:
    import pyarrow as pa

MOST_REPLICATIONS = 100_000
LEAST_REPLICATIONS = 100  # below which the interval of a skewed difference is not to be trusted


class Aim(NamedTuple):
    """When to stop.

    Parameters
    ----------
    measure : str
        Whose differences.
    precision : float
        How far they may be from the truth (`intervals.reach_of`), as a part of the mean of what they are
        told against; 0 for never.
    confidence : float
        At which the best has to be separated from all others; 0 for never.
    most : int
        Replications at which to stop in any case.
    """

    measure: str
    precision: float = 0.0
    confidence: float = 0.0
    most: int = MOST_REPLICATIONS


@dataclass(frozen=True)
class Precise:
    """How a sweep with an aim ended.

    Parameters
    ----------
    progressed : Progressed
        Where its store stands.
    replications : tuple of int
        Of each point.
    half_width : float
        How far a difference may be from the truth at most, in the unit of the measure: the farther end of a 95 %
        interval corrected for skewness; infinite where a difference is the same in all worlds.
    best : int
        Point (or, with several policies, policy) separated as the best, -1 where none is.
    reached : bool
        Whether the aim was reached before the most replications.
    differing : tuple of tuple of int
        Worlds in which each difference is not zero, and worlds that have it.
    """

    progressed: Progressed
    replications: tuple[int, ...]
    half_width: float
    best: int
    reached: bool
    differing: tuple[tuple[int, int], ...]


def is_separated(against: Moments, confidence: float, look: int) -> bool:
    """Whether the best is separated from all others, given the moments of its paired advantage over each.

    True where every advantage is above zero, the error that ``confidence`` leaves over all looks shared out over the
    others and, as 1 / (look (look + 1)), over the looks (Bonferroni; the shares add up to one however often one looks).
    """
    from scipy.special import stdtr

    others = len(against.mean)
    allowed = (1.0 - confidence) / (look * (look + 1)) / max(1, others)
    number = np.maximum(against.number, 2.0)
    error = np.sqrt(against.squares / (number - 1.0) / number)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = np.where(error > 0, stdtr(number - 1.0, -against.mean / error), (against.mean <= 0).astype(float))
    return bool(((chance < allowed) & (against.number >= 2)).all())


class _Seen:
    """Values of the measure so far: per point and policy, by replication."""

    def __init__(self, points: int, policies: int) -> None:
        self.values: list[list[Floats]] = [[np.empty(0) for _ in range(policies)] for _ in range(points)]

    def add(self, table: "pa.Table", policies: list[str], measure: str) -> None:
        point, policy = table["point"].to_numpy(), np.array(table["policy"].to_pylist())
        values = table[measure].to_numpy(zero_copy_only=False)
        for number in np.unique(point):
            for place, name in enumerate(policies):
                more = values[(point == number) & (policy == name)]
                self.values[number][place] = np.concatenate([self.values[number][place], more])


def sweep_to_precision(
    plan: Plan,
    folder: Path,
    place: Place,
    aim: Aim,
    *,
    retry_failed: bool = False,
    restart: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Precise:
    """Play a sweep round by round, each of the plan's replications, until its aim is reached.

    With several policies each is told against the first, else each point against the first point; an error where there
    is nothing to tell a difference of. How it ends is the same whatever was interrupted. All else is as for
    `run_sweep`.
    """
    if len(plan.points) * len(plan.policies) < 2:
        raise KamsimError(f"{plan.name}: a single point of a single policy has no difference to be precise about")
    if aim.measure not in plan.measures:
        raise KamsimError(f"{plan.name}: measures leaves out {aim.measure}, whose differences are to be precise")
    check_points(plan)
    names = [policy.name for policy in plan.policies]
    seen, store = _Seen(len(plan.points), len(plan.policies)), Store(folder)
    active, chunks, look, first = list(range(len(plan.points))), list[Chunk](), 0, 0
    computed = 0
    while True:
        more = chunks_with_aim(plan, active, first)
        chunks += more
        progressed = run_sweep(
            plan, folder, place, chunks=chunks, aim=aim, retry_failed=retry_failed, restart=restart, progress=progress
        )
        computed += progressed.computed
        progressed = replace(progressed, computed=computed)
        restart = retry_failed = False  # what has been done once must not be done again
        for chunk in more:
            seen.add(checked(store.parts / name_of(chunk))[0], names, aim.measure)
        look, first = look + 1, first + plan.replications
        judgment = judged(seen.values, aim, look)
        imprecise = [point for point in judgment.imprecise if point in active]
        reached = judgment.best >= 0 or not imprecise
        if reached or first + plan.replications > aim.most:
            replications = tuple(len(values[0]) for values in seen.values)
            width = float(np.max(judgment.widths))
            return Precise(progressed, replications, width, judgment.best, reached, judgment.differing)
        # Points are told against the first, so the first goes on as long as any other does.
        active = imprecise if len(plan.policies) > 1 else sorted({0, *imprecise})


class Judged(NamedTuple):
    """What has been seen, judged against an aim."""

    widths: Floats  # how far every difference may be from the truth
    best: int  # separated from all others, or -1
    imprecise: list[int]  # points that are not known well enough
    differing: tuple[tuple[int, int], ...]  # worlds in which each difference is not zero, and all that have it


def judged(values: list[list[Floats]], aim: Aim, look: int) -> Judged:
    """Judge what has been seen, by point and policy, against the aim, looking for so many times.

    A point is known well enough where it is so at this look and was so at the one before: a rare event may be missed
    once, and an interval may look narrow by luck.
    """
    points, policies = len(values), len(values[0])
    differences = [
        (point, values[point][policy], values[point][0]) for point in range(points) for policy in range(1, policies)
    ] or [(point, values[point][0], values[0][0]) for point in range(1, points)]
    widths, imprecise, differing = list[float](), set[int](), list[tuple[int, int]]()
    for point, one, reference in differences:
        reference = reference[: len(one)]
        known = one[~np.isnan(one - reference)] - reference[~np.isnan(one - reference)]
        if len(one) >= LEAST_REPLICATIONS and not len(known):
            continue  # nothing to be told there, however often it is played
        widths.append(reach_of(known))
        differing.append((int(np.count_nonzero(known)), len(known)))
        before = len(one) - len(one) // look
        if not (_is_precise(one, reference, aim) and _is_precise(one[:before], reference[:before], aim)):
            imprecise.add(point)
    if not widths:
        raise KamsimError(f"{aim.measure} cannot be told at any two points to compare, so no precision can be reached")
    return Judged(np.array(widths), _separated(values, aim, look), sorted(imprecise), tuple(differing))


def _is_precise(one: Floats, reference: Floats, aim: Aim) -> bool:
    """Whether a difference is known as precisely as asked, from worlds enough that differ."""
    known = ~np.isnan(one - reference)
    paired = one[known] - reference[known]
    if len(one) < LEAST_REPLICATIONS or not len(paired):
        return False
    if not reach_of(paired) <= aim.precision * abs(float(reference[known].mean())):
        return False
    return differing_in(paired) >= DIFFERING


def _separated(values: list[list[Floats]], aim: Aim, look: int) -> int:
    """Which is separated from all others: a policy over all points, or a point."""
    if not aim.confidence:
        return -1
    if len(values[0]) > 1:
        rivals = [np.concatenate([point[policy] for point in values]) for policy in range(len(values[0]))]
    else:
        shortest = min(len(point[0]) for point in values)
        rivals = [point[0][:shortest] for point in values]
    if len(rivals[0]) < LEAST_REPLICATIONS:
        return -1
    direction = next(measure.direction for measure in MEASURES if measure.name == aim.measure)
    means = [-np.inf if np.isnan(rival).all() else direction * float(np.nanmean(rival)) for rival in rivals]
    best = int(np.argmax(means))
    behind = [rival for place, rival in enumerate(rivals) if place != best and np.isfinite(means[place])]
    if not behind:
        return -1
    others = np.stack([direction * (rivals[best] - rival) for rival in behind], axis=1)
    if any(differing_in(ahead[~np.isnan(ahead)]) < DIFFERING for ahead in others.T):
        return -1  # ahead by the same in nearly every world: what could turn it may not have been seen yet
    return best if is_separated(moments_of(others), aim.confidence, look) else -1


def checked_aim(measure: str, precision: float | None, confidence: float | None, most: int) -> Aim | None:
    """Aim of a command, None where none was asked for; an error where a number is out of its range."""
    if precision is None and confidence is None:
        return None
    if precision is not None and not (math.isfinite(precision) and 0 < precision < 1):
        raise KamsimError(f"`precision` must be a number between 0 and 1, not {precision:g}")
    if confidence is not None and not 0.5 <= confidence < 1:
        raise KamsimError(f"`confidence` must be a number from 0.5 to below 1, not {confidence:g}")
    if most < LEAST_REPLICATIONS:
        raise KamsimError(f"`most` must be at least {LEAST_REPLICATIONS}, not {most}")
    return Aim(measure, precision or 0.0, confidence or 0.0, most)
