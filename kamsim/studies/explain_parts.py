"""What an explanation of a published claim is made of: its parts, and how they are told."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kamsim.evidence.readings import Reading
from kamsim.experiments.jobs import Job
from kamsim.records import Record
from kamsim.scenario import Scenario
from kamsim.studies.survey import ReadFigure
from kamsim.types import Floats, Progress

MOST_UNTOLD = 0.05  # part of resamples that may not tell a figure before its interval is not told either


@dataclass(frozen=True)
class Part(Record):
    """A figure, or a part of one; NaN where it cannot be told.

    Parameters
    ----------
    name, label : str
        For machines, and for people.
    value : float
        As ``unit`` says: a factor, a share, or a difference of shares, 0.01 being one percent.
    low, high : float
        95 % interval, from organizations drawn with replacement.
    kind : str
        ``effect`` on what these accounts spend; ``selection``, ``comparison``, ``confounding``, ``noise``
        and ``expectation``, which look like one; ``rest``; ``figure`` for what is no part.
    unit : str
        ``times``, ``share``, ``points`` (difference of shares), ``change`` (relative), ``of_sales`` (money as a part of
        sales at list price) or ``money``.
    """

    name: str
    label: str
    value: float
    low: float
    high: float
    kind: str
    unit: str


@dataclass(frozen=True)
class ClaimExplained(Record):
    """A published claim as simulated organizations show it, and what it is made of.

    Parameters
    ----------
    claim : str
        One of `CLAIMS`.
    published : float
        What the survey of real organizations found.
    figure : Part
        The same of simulated organizations.
    parts : tuple of Part
        They multiply to the figure where its unit is ``times``, else they add up to it.
    effect : Part
        What the program itself does to what accounts spend.
    besides : tuple of Part
        Further figures of the same twins.
    untold : str
        Why something cannot be told, a sentence; empty where all can.
    reading : str
        In which growth is told, ``chances > 20 %``; empty where no growth is.
    readings : tuple of ReadFigure
        The figure in all readings, with 95 % intervals as those of parts.
    """

    claim: str
    published: float
    figure: Part
    parts: tuple[Part, ...]
    effect: Part
    besides: tuple[Part, ...]
    untold: str
    reading: str = ""
    readings: tuple[ReadFigure, ...] = ()


class Study(NamedTuple):
    """What every claim is explained on."""

    scenario: Scenario
    organizations: int
    seed: int
    workers: int
    progress: Progress
    reading: Reading  # of the published 51 %

    def after(self, done: int) -> Progress:
        """Progress of a further pass, after so many organizations of those before."""
        return lambda more: self.progress(done + more)


def as_part(name: str, label: str, figures: Floats, kind: str, unit: str) -> Part:
    """Part with its interval, from its value in all organizations and then in the resamples."""
    value, others = float(figures[0]), figures[1:]
    known = others[~np.isnan(others)]
    told = not math.isnan(value) and len(known) > (1.0 - MOST_UNTOLD) * len(others)
    low, high = np.percentile(known, [2.5, 97.5]).tolist() if told else (math.nan, math.nan)
    return Part(name, label, value, low, high, kind, unit)


def as_times(name: str, label: str, logs: Floats, kind: str) -> Part:
    """Part told as a factor, from its logarithms."""
    return as_part(name, label, np.exp(logs), kind, "times")


def log_or_none(values: Floats) -> Floats:
    """Logarithm, NaN where there is none."""
    logs: Floats = np.log(values, out=np.full(values.shape, np.nan), where=values > 0)
    return logs


def without_concessions(job: Job) -> Job:
    """The same job in which no tier concedes any of the price; what size gets anybody stays."""
    return job._replace(policy=job.policy._replace(concession=np.zeros_like(job.policy.concession)))


def without_promises(job: Job) -> Job:
    """The same job in which every tier is promised what standard accounts are, and raises no expectation."""
    return job._replace(policy=job.policy._replace(promise=np.full_like(job.policy.promise, job.policy.promise[0])))
