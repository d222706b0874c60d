"""Which parameters drive a measure, or the difference between two policies: screening, then shares of variance.

Every point is played in the same worlds, so what varies between points is what parameters do. What luck these worlds
had with the parameters is told by splitting them into two halves.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kamsim.analysis.indices import (
    BASE_POINTS,
    TRAJECTORIES,
    Indices,
    elementary_effects,
    grouped,
    independent,
    index_points,
    indices_of,
    luck_of,
    rank_correlations,
)
from kamsim.analysis.intervals import means_of
from kamsim.errors import KamsimError
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.designs import MOST_POINTS
from kamsim.experiments.files import write_result
from kamsim.experiments.manifest import MANIFEST
from kamsim.records import Record
from kamsim.scenario import Scenario
from kamsim.studies.asked import Asked
from kamsim.studies.at_points import (
    POINTS,
    REPLICATIONS,
    Question,
    manifest_for,
    played_at,
    question_of,
    write_points,
)
from kamsim.studies.over_ranges import OverRanges, told_over_ranges
from kamsim.types import Floats, Progress

MOST_RANKED = 10  # parameters that get indices of their own; the others get one together
TABLE, FIGURE = "sensitivity.json", "sensitivity.png"
_FILES = frozenset({POINTS, TABLE, FIGURE, MANIFEST})
_OTHERS = "others"  # no parameter is named so: names of parameters have a point


@dataclass(frozen=True)
class Influence(Record):
    """What a parameter does to what is asked; NaN where it was not told.

    Parameters
    ----------
    parameter, meaning, unit, kind : str
        Of the ledger; empty but for the first where several parameters stand together.
    low, high : float
        Between which it was varied.
    effect : float
        Mean absolute change of the measure over two thirds of the range, per whole range (Morris' mu*).
    first, first_low, first_high : float
        Part of the variance that the parameter explains by itself, and its 95 % interval.
    total, total_low, total_high : float
        The same with all that it does together with others.
    correlation : float
        Of ranks, with the measure: whether it rises or falls with the parameter.
    """

    parameter: str
    meaning: str = ""
    unit: str = ""
    kind: str = ""
    low: float = math.nan
    high: float = math.nan
    effect: float = math.nan
    first: float = math.nan
    first_low: float = math.nan
    first_high: float = math.nan
    total: float = math.nan
    total_low: float = math.nan
    total_high: float = math.nan
    correlation: float = math.nan


@dataclass(frozen=True)
class Sensitivity(OverRanges):
    """Which parameters drive a measure, or the difference between two policies.

    Beside what `kamsim.studies.over_ranges.OverRanges` has:

    Parameters
    ----------
    influences : tuple of Influence
        Of parameters with indices of their own, the most important first.
    others : Influence or None
        Of all other parameters together.
    screened_out : tuple of Influence
        These others, by their effect in the screening.
    luck : float
        Part of the variance between points that is luck of so few worlds.
    gap : float
        Largest difference between the total indices that each half of the worlds gives alone.
    points, played : int
        Base points of the indices, and points that were played in all.
    """

    influences: tuple[Influence, ...]
    others: Influence | None
    screened_out: tuple[Influence, ...]
    luck: float
    gap: float
    points: int
    played: int


def sensitivity(
    scenario: Scenario,
    *,
    against: Scenario | None = None,
    alone: bool = False,
    measure: str = "total_profit",
    parameters: Sequence[str] = (),
    posterior: Posterior | None = None,
    screen: bool | None = None,
    points: int = BASE_POINTS,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    figure: Callable[[Sensitivity], bytes] | None = None,
) -> Sensitivity:
    """Tell which parameters drive a measure of a scenario, or its difference to another in the same worlds.

    Parameters
    ----------
    scenario : Scenario
        Whose measure it is.
    against : Scenario, optional
        What it is held against; by default no program, where that has the measure.
    alone : bool
        Whether it is held against nothing, and the measure itself is asked about.
    measure : str
        Name; a difference in total profit is told in points of sales, as by `kamsim.compare`.
    parameters : sequence of str
        ``world.turnover`` or ``world.turnover=0.02:0.08``; by default all of the posterior, or all that is plausible.
    posterior : Posterior, optional
        Whose ranges are varied; by default what was plausible before the fit.
    screen : bool, optional
        Whether to look first for the ten parameters that matter most (Morris); by default where there are more.
    points, replications : int
        Base points of the indices, a power of two, and worlds at each point, >= 2.
    seed, jobs : int
        In [0, 2**64); and points at a time, by default as many as there are cores, which changes no result.
    out : str or path, optional
        Folder to keep points, indices, figure and manifest in; by default nothing is kept.
    progress, figure : callable, optional
        Told how many points are done; and draws the result as the bytes of a PNG file, for the folder.

    Returns
    -------
    Sensitivity
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        One sentence on what is wrong, before anything is played; or where some points do not have the measure.
    """
    asked = ask_sensitivity(
        scenario, against=against, alone=alone, measure=measure, parameters=parameters, posterior=posterior,
        screen=screen, points=points, replications=replications, seed=seed, jobs=jobs,
    )  # fmt: skip
    return asked.play(progress, out, figure)


def ask_sensitivity(
    scenario: Scenario,
    *,
    against: Scenario | None = None,
    alone: bool = False,
    measure: str = "total_profit",
    parameters: Sequence[str] = (),
    posterior: Posterior | None = None,
    screen: bool | None = None,
    points: int = BASE_POINTS,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
) -> Asked[Sensitivity]:
    """Check what `sensitivity` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives a `Sensitivity`; its work is the points of the screening and of the indices.
    """
    _check_points(points)
    question = question_of(
        scenario, against, measure, parameters, alone=alone, posterior=posterior,
        replications=replications, seed=seed, jobs=jobs,
    )  # fmt: skip
    number = len(question.ranges)
    screening = number > MOST_RANKED if screen is None else screen
    indices = min(number, MOST_RANKED + 1) if screening else number
    work = points * (indices + 2) + (TRAJECTORIES * (number + 1) if screening else 0)

    def answer(progress: Progress | None, folder: Path | None) -> Sensitivity:
        log = _Log(question, progress)
        result = _told(log, screening, points)
        if folder is not None:
            log.write(folder)
            write_result(folder / TABLE, result.to_dict())
        return result

    manifest = manifest_for("sensitivity", question, screening=screening, points=points)
    manifest["versions"] |= {"SALib": version("SALib")}
    return Asked(manifest, work, "combinations", answer, _FILES, FIGURE)


def _check_points(points: int) -> None:
    if points > MOST_POINTS:
        raise KamsimError(f"points must be at most {MOST_POINTS:,}, not {points}")
    if points >= 2 and points.bit_count() == 1:
        return
    below = 1 << max(1, points.bit_length() - 1) if points > 0 else 2
    choice = f"{below}" if points < 2 else f"{below} or {2 * below}"
    raise KamsimError(f"points must be a power of two, not {points}; take {choice}")


# ---------------------------------------------------------------- what is played


class _Log:
    """The model as a function of points, which remembers what it was asked and what came of it."""

    def __init__(self, question: Question, progress: Progress | None) -> None:
        self.question = question
        self._progress = progress
        self._stages: list[tuple[str, Floats, Floats]] = []

    @property
    def played(self) -> int:
        return sum(len(points) for _, points, _ in self._stages)

    def play(self, stage: str, points: Floats) -> Floats:
        """Measure at each point in each world, (points, worlds)."""
        before, progress = self.played, self._progress
        values = played_at(self.question, points, None if progress is None else lambda done: progress(before + done))
        missing = int(np.isnan(means_of(values)).sum())
        if missing:
            raise KamsimError(
                f"{self.question.measure.name} does not exist at {missing} of {len(points)} points, where there are "
                "no key accounts; choose another `measure`"
            )
        self._stages.append((stage, points, values))
        return values

    def write(self, folder: Path) -> None:
        """Write all points to a file."""
        points, values = (np.concatenate([stage[place] for stage in self._stages]) for place in (1, 2))
        one, other = (means_of(half) for half in _halves(values))
        columns = {
            "stage": [name for name, points, _ in self._stages for _ in points],
            "output": means_of(values),
            "first_half_of_worlds": one,
            "second_half_of_worlds": other,
        }
        write_points(folder, self.question, points, columns)


def _halves(values: Floats) -> tuple[Floats, Floats]:
    """Every second world, and the rest."""
    return values[:, 0::2], values[:, 1::2]


def _told(log: _Log, screening: bool, points: int) -> Sensitivity:
    question = log.question
    number = len(question.ranges)
    effects = np.full(number, np.nan)
    if screening:
        effects = elementary_effects(
            lambda asked: means_of(log.play("screening", asked)), number, TRAJECTORIES, question.seed
        )
    groups = grouped(effects, MOST_RANKED) if screening else list(range(number))
    design = index_points(groups, points, question.seed)
    values = log.play("indices", design)
    means = means_of(values)
    whole, *halves = (indices_of(groups, means_of(part), question.seed) for part in (values, *_halves(values)))
    base = independent(groups, len(design))
    return _put_together(
        log, effects, groups, whole,
        correlations=rank_correlations(design[base], means[base]),
        over_ranges=told_over_ranges(question, values[base]),
        luck=luck_of(*(means_of(half)[base] for half in _halves(values))),
        gap=float(np.abs(halves[0].total - halves[1].total).max()),
        points=points,
    )  # fmt: skip


def _put_together(
    log: _Log,
    effects: Floats,
    groups: Sequence[int],
    whole: Indices,
    *,
    correlations: Floats,
    over_ranges: Mapping[str, Any],
    luck: float,
    gap: float,
    points: int,
) -> Sensitivity:
    question = log.question
    ranked, others = [], None
    for at, group in enumerate(dict.fromkeys(groups)):
        told = _index_fields(whole, at)
        if group < 0:
            others = Influence(_OTHERS, **told)
            continue
        ranked.append(_influence(question, group, effects, correlations, told))
    out = [_influence(question, at, effects, correlations, {}) for at, group in enumerate(groups) if group < 0]
    return Sensitivity(
        **over_ranges,
        influences=tuple(sorted(ranked, key=lambda one: (-one.total, one.parameter))),
        others=others,
        screened_out=tuple(sorted(out, key=lambda one: (-one.effect, one.parameter))),
        luck=luck,
        gap=gap,
        points=points,
        played=log.played,
    )


def _influence(question: Question, at: int, effects: Floats, correlations: Floats, told: dict[str, Any]) -> Influence:
    one = question.ranges[at]
    return Influence(
        one.parameter, one.meaning, one.unit, one.kind, one.low, one.high,
        effect=float(effects[at]), correlation=float(correlations[at]), **told,
    )  # fmt: skip


def _index_fields(whole: Indices, at: int) -> dict[str, Any]:
    fields: dict[str, float] = {}
    for name in ("first", "total"):
        value, margin = (float(array[at]) for array in (getattr(whole, name), getattr(whole, f"{name}_margin")))
        fields |= {name: value, f"{name}_low": value - margin, f"{name}_high": value + margin}
    return fields
