"""In which corner of uncertain parameters a policy fails: a few bounds that hold most failures and little else.

A shallow tree proposes boxes; the box that goes best with failing is kept if it does so on points left out as well.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path

import numpy as np

from kamsim.analysis.corners import Bounds, Condition, are_too_few, box_of
from kamsim.analysis.intervals import errors_of, means_of
from kamsim.errors import KamsimError
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.designs import MOST_POINTS
from kamsim.experiments.files import write_result
from kamsim.experiments.manifest import MANIFEST
from kamsim.scenario import Scenario
from kamsim.studies.asked import Asked
from kamsim.studies.at_points import (
    POINTS,
    Question,
    manifest_for,
    played_at,
    question_of,
    write_points,
)
from kamsim.studies.over_ranges import OverRanges, told_over_ranges
from kamsim.studies.ranges import Range, values_at
from kamsim.types import Flags, Floats, Progress

SAMPLED = 1000
REPLICATIONS = 64
LEAST_POINTS = 50
TABLE = "discovery.json"
_FILES = frozenset({POINTS, TABLE, MANIFEST})
_POINTS = 0x646973  # tells these draws from others of the same seed
_UNSURE = 1.96  # standard errors


@dataclass(frozen=True)
class Discovery(OverRanges):
    """In which corner of the varied parameters a policy fails, if in any.

    Beside what `kamsim.studies.over_ranges.OverRanges` has:

    Parameters
    ----------
    threshold : float
        Measure, or difference to the other scenario, on the bad side of which a case fails; in the same unit.
    failed : float
        Part of all cases that fail.
    unsure : float
        Part of all cases in which so few worlds cannot tell.
    told : str
        ``corner`` where there is one, ``none`` where no box tells failures, ``few`` where too few cases fail, or do
        not, to say where.
    conditions : tuple of Condition
        Three at most, all of which hold in the corner.
    density, coverage, mass : float
        Part of the corner's cases that fail, of the failures that it holds, and of all cases that it is.
    held_out : float
        Density of corners found without the cases that they are judged by (cross-validation).
    chance : float
        Of such a density by luck alone, did no parameter matter.
    points : int
        Cases that were played and have the measure.
    """

    threshold: float
    failed: float
    unsure: float
    told: str
    conditions: tuple[Condition, ...]
    density: float
    coverage: float
    mass: float
    held_out: float
    chance: float
    points: int


def discover(
    scenario: Scenario,
    *,
    against: Scenario | None = None,
    alone: bool = False,
    measure: str = "total_profit",
    threshold: float | None = None,
    parameters: Sequence[str] = (),
    posterior: Posterior | None = None,
    points: int = SAMPLED,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Discovery:
    """Find the corner of uncertain parameters in which a policy fails.

    Parameters
    ----------
    scenario : Scenario
        The policy.
    against : Scenario, optional
        What it is held against: it fails where its mean is worse. By default no program, where that has the measure.
    alone : bool
        Whether it is held against nothing; then it fails by the threshold.
    measure : str
        Name; a difference in total profit is told in points of sales, as by `kamsim.compare`.
    threshold : float, optional
        It fails where the measure, or the difference to the other, is on the bad side of this; needed where it is held
        against nothing, else 0.
    parameters : sequence of str
        ``world.turnover`` or ``world.turnover=0.02:0.08``; by default all of the posterior, or all that is plausible.
    posterior : Posterior, optional
        Whose ranges are varied; by default what was plausible before the fit.
    points, replications : int
        Cases to play, >= 50 (Latin hypercube), and worlds of each case, >= 2; the same for all.
    seed, jobs : int
        In [0, 2**64); and cases at a time, by default as many as there are cores, which changes no result.
    out : str or path, optional
        Folder to keep cases, result and manifest in; by default nothing is kept.
    progress : callable, optional
        Told how many cases are done.

    Returns
    -------
    Discovery
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        One sentence on what is wrong with the arguments, before anything is played; or where no case has the measure.
    """
    asked = ask_discover(
        scenario, against=against, alone=alone, measure=measure, threshold=threshold, parameters=parameters,
        posterior=posterior, points=points, replications=replications, seed=seed, jobs=jobs,
    )  # fmt: skip
    return asked.play(progress, out)


def ask_discover(
    scenario: Scenario,
    *,
    against: Scenario | None = None,
    alone: bool = False,
    measure: str = "total_profit",
    threshold: float | None = None,
    parameters: Sequence[str] = (),
    posterior: Posterior | None = None,
    points: int = SAMPLED,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
) -> Asked[Discovery]:
    """Check what `discover` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives a `Discovery`.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise KamsimError(f"threshold must be a number, not {threshold}")
    if points < LEAST_POINTS:
        raise KamsimError(f"points must be at least {LEAST_POINTS}, not {points}: fewer cases show no corner")
    if points > MOST_POINTS:
        raise KamsimError(f"points must be at most {MOST_POINTS:,}, not {points}")
    question = question_of(
        scenario, against, measure, parameters, alone=alone, posterior=posterior,
        replications=replications, seed=seed, jobs=jobs,
    )  # fmt: skip
    if question.against is None and threshold is None:
        raise KamsimError("say what failing is: worse than another scenario (`against`), or beyond a `threshold`")
    if question.measure.higher_is_better is None:
        raise KamsimError(
            f"of {question.measure.name} neither more nor less is better, so no case fails; choose another `measure`"
        )
    least = threshold or 0.0

    def answer(progress: Progress | None, folder: Path | None) -> Discovery:
        result, cases, columns = _discovered(question, least, points, progress)
        if folder is not None:
            write_points(folder, question, cases, columns)
            write_result(folder / TABLE, result.to_dict())
        return result

    manifest = manifest_for("discover", question, threshold=least, points=points)
    manifest["versions"] |= {"scikit-learn": version("scikit-learn")}
    return Asked(manifest, points, "combinations", answer, _FILES)


# ---------------------------------------------------------------- what is played and concluded


def _discovered(
    question: Question, threshold: float, number: int, progress: Progress | None
) -> tuple[Discovery, Floats, dict[str, object]]:
    """Result, cases in the unit cube, and what came of each."""
    from scipy.stats import qmc

    generator = np.random.default_rng([question.seed, _POINTS])
    cases: Floats = qmc.LatinHypercube(len(question.ranges), rng=generator).random(number)
    values = played_at(question, cases, progress)
    means, errors = means_of(values), errors_of(values)
    known = ~np.isnan(means)
    if not known.any():
        raise KamsimError(
            f"{question.measure.name} does not exist in any case, for there are no key accounts; "
            "choose another `measure`"
        )
    failed = (means < threshold) if question.measure.higher_is_better else (means > threshold)
    parameters = np.array([list(values_at(question.ranges, case).values()) for case in cases.tolist()])
    box = box_of(parameters[known], failed[known])
    inside = np.zeros(number, dtype=np.bool_)
    inside[known] = box.inside
    told = "corner" if box.bounds else "few" if are_too_few(failed[known]) else "none"
    over_ranges = told_over_ranges(question, values)
    over_ranges["notes"] = (*question.notes, *_notes_on_missing(question, ~known))
    result = Discovery(
        **over_ranges,
        threshold=threshold,
        failed=float(failed[known].mean()),
        unsure=float((np.abs(means - threshold) < _UNSURE * errors)[known].mean()),
        told=told,
        conditions=tuple(_conditions(question.ranges, box.bounds)),
        density=box.density,
        coverage=box.coverage,
        mass=box.mass,
        held_out=box.held_out,
        chance=box.chance,
        points=int(known.sum()),
    )
    return result, cases, {"output": means, "error": errors, "failed": failed, "in_corner": inside}


def _conditions(ranges: Sequence[Range], bounds: Bounds) -> Iterator[Condition]:
    for at, (low, high) in bounds.items():
        one = ranges[at]
        yield Condition(one.parameter, one.meaning, one.unit, one.kind, low, high)


def _notes_on_missing(question: Question, missing: Flags) -> Iterator[str]:
    if missing.any():
        yield (
            f"{missing.sum()} of {len(missing)} cases have no {question.measure.name}, for there are no key accounts; "
            "they are left out"
        )
