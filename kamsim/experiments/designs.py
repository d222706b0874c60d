"""An experiment and the points that its design chooses, numbered from 0."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, overload

import numpy as np
from pydantic import ConfigDict, Field

from kamsim.errors import KamsimError
from kamsim.experiments.fractions import (
    MOST_RESOLUTION,
    MOST_SEARCHED,
    all_combinations,
    basic_columns,
    fraction_matrix,
    generated_columns,
    resolution_of,
    smallest_fraction,
)
from kamsim.scenario import PRESETS, Declared, Scenario
from kamsim.types import Floats

Kind = Literal["full", "fractional", "grid", "latin_hypercube", "sobol", "points"]
Role = Literal["lever", "uncertainty"]
MOST_POINTS = 1_000_000
DEFAULT_RESOLUTION = 4
SECTION_OF: dict[Role, str] = {"lever": "levers", "uncertainty": "uncertainties"}


class DesignSection(Declared):
    """How points are chosen."""

    model_config = ConfigDict(strict=True)

    kind: Kind
    resolution: int | None = Field(default=None, ge=3, le=MOST_RESOLUTION)
    generators: list[str] | None = Field(default=None, min_length=1)
    points: int | None = Field(default=None, ge=2, le=MOST_POINTS)
    file: str | None = Field(default=None, min_length=1)
    seed: int = Field(default=1, ge=0, le=2**64 - 1)


class Factor(NamedTuple):
    """What an experiment varies: by levels, or anywhere between two ends."""

    name: str  # as the experiment file has it: selection, tiers.key.seats
    role: Role
    levels: tuple[object, ...]  # empty for a range
    low: float  # ends of a range; NaN for levels
    high: float
    whole: bool  # a range of whole numbers


@dataclass(frozen=True, eq=False)
class Experiment:
    """A validated experiment; `load_experiment` reads one.

    Parameters
    ----------
    name, file, question : str
        Name and path of the file, and what it asks in one line.
    policies : tuple of Scenario
        Played in the same worlds at every point, the base first; factor values are put into each.
    replications : int
        Worlds at every point.
    seed : int
        Of the worlds.
    measures : tuple of str
        Asked for.
    compare : str
        The measure that effects and precision are about.
    design : DesignSection
        How points are chosen.
    factors : tuple of Factor
        Levers, then uncertainties, in the order of the file.
    rows : tuple of tuple
        Values of each point, where a table of points gives them.
    """

    name: str
    file: str
    question: str
    policies: tuple[Scenario, ...]
    replications: int
    seed: int
    measures: tuple[str, ...]
    compare: str
    design: DesignSection
    factors: tuple[Factor, ...]
    rows: tuple[tuple[object, ...], ...] = ()

    @property
    def base(self) -> Scenario:
        """Scenario that the others are compared with."""
        return self.policies[0]


class Points(NamedTuple):
    """Points of a design.

    Full, fractional and grid designs are coded by level, from -1 for the first to 1 for the last; sampled designs and
    tables lie in the unit cube.
    """

    names: tuple[str, ...]
    matrix: Floats  # (points, factors)
    values: Sequence[dict[str, object]]  # by point and factor


def points_of(experiment: Experiment) -> Points:
    """Points of an experiment, the same every time.

    Parameters
    ----------
    experiment : Experiment
        From `load_experiment`.

    Returns
    -------
    Points
        In a full design the first factor changes fastest (Yates' order), as do the factors that generate a fraction;
        in a grid the last one does.
    """
    names = tuple(factor.name for factor in experiment.factors)
    return Points(names, _matrix(experiment).copy(), Values(experiment))


class Values(Sequence[dict[str, object]]):
    """Values of the factors at every point, by name as the experiment file has them.

    Made when they are asked for: there may be a million points of sixty factors, and to know how many there are takes
    none of them.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def __len__(self) -> int:
        return _number_of_points(self._experiment)

    @overload
    def __getitem__(self, point: int) -> dict[str, object]: ...

    @overload
    def __getitem__(self, point: slice) -> list[dict[str, object]]: ...

    def __getitem__(self, point: int | slice) -> dict[str, object] | list[dict[str, object]]:
        if isinstance(point, slice):
            return [self[number] for number in range(*point.indices(len(self)))]
        if not 0 <= point < len(self):
            raise IndexError(f"there is no point {point}")
        factors = self._experiment.factors
        if self._experiment.rows:
            return {factor.name: value for factor, value in zip(factors, self._experiment.rows[point], strict=True)}
        coded, place = _is_coded(self._experiment.design), _matrix(self._experiment)[point].tolist()
        return {
            factor.name: _decoded(factor, (part + 1.0) / 2.0 if coded else part, coded)
            for factor, part in zip(factors, place, strict=True)
        }

    def types(self) -> dict[str, set[type]]:
        """Types of the values of each factor."""
        return {factor.name: self._types_of(factor) for factor in self._experiment.factors}

    def _types_of(self, factor: Factor) -> set[type]:
        types = {type(level) for level in factor.levels} or {int if factor.whole else float}
        return types if len(types) == 1 else {type(point[factor.name]) for point in self}  # not every level is drawn


def check_points_of(path: Path, experiment: Experiment) -> None:
    """Refuse a design that is too large or that cannot be made."""
    if experiment.design.kind == "fractional":
        _check_two_levels(path, experiment.factors)
        _columns(experiment)
    check_number(path, _number_of_points(experiment))


def check_number(path: Path, number: int) -> None:
    """Refuse more points than a sweep can number."""
    if number > MOST_POINTS:
        raise KamsimError(
            f"{path}: the design has {number:,} points, more than {MOST_POINTS:,}; vary less, or choose another kind "
            "such as fractional or latin_hypercube"
        )


def _check_two_levels(path: Path, factors: Sequence[Factor]) -> None:
    for factor in factors:
        if len(factor.levels) != 2:
            raise KamsimError(
                f"{path}: {factor.name} in [{SECTION_OF[factor.role]}] has {len(factor.levels)} levels, and kind "
                "fractional takes two of every factor"
            )


def _number_of_points(experiment: Experiment) -> int:
    if experiment.rows:
        return len(experiment.rows)
    if experiment.design.points is not None:
        return experiment.design.points
    if experiment.design.kind == "fractional":
        return 1 << len(basic_columns(_columns(experiment)))
    return math.prod(len(factor.levels) for factor in experiment.factors)


def _is_coded(design: DesignSection) -> bool:
    return design.kind in ("full", "fractional", "grid")


@lru_cache(maxsize=8)
def _matrix(experiment: Experiment) -> Floats:
    kind, seed = experiment.design.kind, experiment.design.seed
    levels = [len(factor.levels) for factor in experiment.factors]
    if kind == "points":
        return _scaled(experiment)
    if kind == "fractional":
        return fraction_matrix(_columns(experiment))
    if kind == "full":
        return all_combinations(levels[::-1])[:, ::-1]
    if kind == "grid":
        return all_combinations(levels)
    return _sampled(kind, len(levels), _number_of_points(experiment), seed)


def _sampled(kind: Kind, factors: int, points: int, seed: int) -> Floats:
    from scipy.stats import qmc

    sampler: type[qmc.Sobol | qmc.LatinHypercube] = qmc.Sobol if kind == "sobol" else qmc.LatinHypercube
    return np.asarray(sampler(factors, rng=np.random.default_rng(seed)).random(points), dtype=np.float64)


def _scaled(experiment: Experiment) -> Floats:
    """Values of a table, each column from its lowest at 0 to its highest at 1."""
    values = np.array(
        [
            [float(PRESETS[factor.name][value]) if isinstance(value, str) else float(value) for value in column]
            for factor, column in zip(experiment.factors, zip(*experiment.rows, strict=True), strict=True)
        ]
    ).T
    low, high = values.min(axis=0), values.max(axis=0)
    scaled: Floats = (values - low) / np.where(high > low, high - low, 1.0)
    return scaled


def _decoded(factor: Factor, part: float, coded: bool) -> object:
    """Value of a factor at a part of its way from its first level or low end to its last level or high end."""
    levels = len(factor.levels)
    if levels:
        # A coded part names a level; a sampled one falls into one of as many equal intervals.
        return factor.levels[round(part * (levels - 1)) if coded else min(int(part * levels), levels - 1)]
    if factor.whole:
        return int(min(factor.low + math.floor(part * (factor.high - factor.low + 1)), factor.high))
    return min(factor.low + part * (factor.high - factor.low), factor.high)


@lru_cache(maxsize=8)
def _columns(experiment: Experiment) -> tuple[int, ...]:
    """Column of each factor in terms of the basic ones."""
    design, factors = experiment.design, len(experiment.factors)
    if design.generators is not None:
        columns = generated_columns(experiment.file, design.generators, factors)
        if design.resolution is not None and resolution_of(columns) < design.resolution:
            raise KamsimError(
                f"{experiment.file}: generators in [design] give resolution {resolution_of(columns)}, less than the "
                f"{design.resolution} that is asked for"
            )
        return columns
    resolution = design.resolution or DEFAULT_RESOLUTION
    if factors > MOST_SEARCHED:
        raise KamsimError(
            f"{experiment.file}: kind fractional chooses generators for up to {MOST_SEARCHED} factors, not for "
            f"{factors}; give generators in [design], or take kind latin_hypercube"
        )
    if factors < resolution:
        raise KamsimError(
            f"{experiment.file}: no fraction of {factors} factors has resolution {resolution}; take kind full"
        )
    return smallest_fraction(factors, resolution)
