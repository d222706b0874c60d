"""What is told of a question over ranges of parameters, beside what `kamsim.studies.compare` tells at the best fit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kamsim.analysis.intervals import half_width_of, moments_of
from kamsim.measures.profit import Horizon
from kamsim.records import Record
from kamsim.studies.at_points import AT_BEST_FIT, Question
from kamsim.studies.bridge import TOTAL, BridgeTerm
from kamsim.studies.compare import ComparedMeasure, compare
from kamsim.studies.ranges import Range
from kamsim.types import Floats

CASES = 0.9  # part of all cases that are told to lie between two figures


@dataclass(frozen=True)
class OverRanges(Record):
    """A measure of a scenario, or its difference to another, at the best fit and over ranges of parameters.

    Parameters
    ----------
    scenario, against : str
        Names; the second is empty where a measure itself is asked for.
    reference_in_words : str
        What the scenario is held against; empty with ``against``.
    measure, unit : str
        Name, and what mean, low and high are told in: ``points of sales`` for a difference in total profit.
    horizon : Horizon
        What money and points are told of: years from the launch on, and discounting.
    years : int
        Of the measure: those of the horizon for money, the years observed for all else.
    best_fit : ComparedMeasure
        What `kamsim.compare` tells of the same question, of scenarios as they stand.
    gain : BridgeTerm or None
        The same difference in total profit, in money and in points of sales; None for other measures.
    best_fit_worlds : int
        In which both are told.
    ranges : tuple of Range
        What was varied, each parameter by itself.
    posterior : str
        File of the parameter sets whose ranges these are; empty for ranges that are plausible or given.
    sets : int
        In that file.
    mean, mean_low, mean_high : float
        Over all cases, and the 95 % interval that the luck of their worlds leaves to it.
    low, high : float
        Between which 90 % of the cases lie.
    seed, replications : int
        Of the run; the same worlds in each case.
    notes : tuple of str
        What was capped, left out or assumed, a sentence each.
    """

    scenario: str
    against: str
    reference_in_words: str
    measure: str
    unit: str
    horizon: Horizon
    years: int
    best_fit: ComparedMeasure
    gain: BridgeTerm | None
    best_fit_worlds: int
    ranges: tuple[Range, ...]
    posterior: str
    sets: int
    mean: float
    mean_low: float
    mean_high: float
    low: float
    high: float
    seed: int
    replications: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; what cannot be told is None."""
        return super().to_dict() | {"against": self.against or None}


def told_over_ranges(question: Question, values: Floats) -> dict[str, Any]:
    """Fields of `OverRanges`, from values of shape (cases, worlds) and from worlds at the best fit.

    NaN where a case has no measure in a world; at least one has it.
    """
    cases = moments_of(values.T)
    means = np.where(cases.number > 0, cases.mean, np.nan)
    low, high = np.nanquantile(means, ((1 - CASES) / 2, (1 + CASES) / 2))
    worlds = moments_of(values)
    luck = moments_of(np.where(worlds.number > 0, worlds.mean, np.nan))
    mean, margin = float(np.nanmean(means)), float(half_width_of(luck))
    posterior, told = question.posterior, question.told_in()
    return _at_best_fit(question) | {
        "scenario": question.scenario.name,
        "against": question.against.name if question.against else "",
        "measure": question.measure.name,
        "unit": told["unit"],
        "years": told["years"],
        "best_fit_worlds": AT_BEST_FIT,
        "ranges": question.ranges,
        "posterior": Path(posterior.source).name if posterior else "",
        "sets": len(posterior.values) if posterior else 0,
        "mean": mean,
        "mean_low": mean - margin,
        "mean_high": mean + margin,
        "low": float(low),
        "high": float(high),
        "seed": question.seed,
        "replications": question.replications,
        "notes": question.notes,
    }


def _at_best_fit(question: Question) -> dict[str, Any]:
    """Fields that `kamsim.studies.compare` tells, played as the scenarios stand."""
    found = compare(question.played, replications=AT_BEST_FIT, seed=question.seed, jobs=question.workers)
    rows = [row for row in found.measures if row.measure == question.measure.name]
    gains = [row for row in found.bridge if row.term == TOTAL] if question.is_gain else []
    return {
        "reference_in_words": found.reference_in_words if question.against else "",
        "horizon": found.horizon,
        "best_fit": next(row for row in rows if row.scenario == question.scenario.name),
        "gain": next((row for row in gains if row.scenario == question.scenario.name), None),
    }
