"""Fit free parameters to published figures, and find all sets that fit within sampling error.

The second layer of the fit: the world is fitted to books alone (`kamsim.studies.calibrate_world`), and frozen.

1. Spread points over the plausible ranges and simulate the figures at each. 2. Learn from them an emulator, draw points
that fit by it, simulate those, learn again. 3. Search the best fit by simulation alone (CMA-ES). 4. Draw points that
fit by the emulator, simulate each with organizations that nothing was fitted to, and keep those that do fit:
approximate Bayesian computation with a uniform prior, the emulator sparing the simulation of what could not fit anyway.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kamsim.analysis.emulator import Emulator, fitted_emulator, sampled
from kamsim.analysis.intervals import CONFIDENCE
from kamsim.analysis.search import searched
from kamsim.errors import KamsimError, nearest
from kamsim.evidence.plausible import MONEY, PLAUSIBLE, PROGRAM, TIED
from kamsim.evidence.published import OUTCOMES, SURVEY_SAMPLE
from kamsim.evidence.readings import ANY_INCREASE, DEFAULT_READING, Reading, reading_of
from kamsim.experiments.jobs import Table, job_of
from kamsim.experiments.log import Evaluations, logged
from kamsim.experiments.manifest import accounts_of, content_of
from kamsim.experiments.pool import checked_workers, run_in_chunks, seed_apart
from kamsim.measures.choice import PROFIT
from kamsim.records import Record
from kamsim.scenario import Scenario, with_values
from kamsim.source import model_hash
from kamsim.studies.survey import figures_of, joined, sampled_figures
from kamsim.studies.validate_twins import departure_cost_of
from kamsim.types import Floats, Progress

RATIOS = ("large_spend_growth_ratio", "collaboration_ratio")  # told apart on a log scale
# Figures that are told as a range: rebuilt at least once in seven years (Gartner; Adamson), what the programs of the
# population earn against none, as a part of the profit without any (Homburg, Droll & Totzek 2008: they pay), and what
# the departure of its KAM costs of an account's sales (Shi, Sridhar, Grewal & Lilien 2017).
RANGES = {"rebuilt_once": (0.79, 0.84), "gain_of_programs": (0.0, 1.0), "departure_cost": (0.13, 0.18)}
RANGE_MARGIN = {"rebuilt_once": 0.01, "gain_of_programs": 0.005, "departure_cost": 0.005}
TWINS_PART = (
    0.3  # of the organizations, in which nobody leaves in a twin: what a departure costs is sharper than the rest
)
FIGURES = (*(figure.name for figure in OUTCOMES), *RANGES)

# How sharply the best fit is drawn to each published figure: well inside what a survey of 69 can tell apart.
SHARPNESS = {"quota_miss": 0.02, "rebuilt_twice": 0.03, "large_spend_growth_ratio": 0.035, "collaboration_ratio": 0.045}
HELD_TO_THE_MIDDLE = 0.1  # misfit of a parameter at the end of its plausible range, in squared deviations
AT_AN_END = 20.0  # misfit of each parameter within 3 % of an end: the evidence would have it beyond what is plausible
ASKED_AGAIN = 2  # times, each with organizations of its own: near the edge of the region one asking keeps by luck
OUTSIDE = 2.0  # how steeply the density falls outside of the region; the emulator does not know its edge to a hair
IDENTIFIED = 0.8  # posterior spread over prior spread below which a parameter counts as told by the evidence
ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
LEAST_FITTING = 10  # sets below which nothing is said to be told


class Effort(NamedTuple):
    """How much is simulated at each stage."""

    spread: int = 128  # points over the plausible ranges, a power of 2
    waves: int = 4
    wave: int = 80  # points of a wave
    generations: int = 50  # of the search for the best fit
    organizations: int = 280  # simulated per point
    candidates: int = 480  # points drawn at most, of which those that fit are kept
    batch: int = 120  # of them drawn at a time: each batch teaches where the next ones may fit
    candidate_organizations: int = 400
    prices: int = 64  # points spread over the ranges of money at the best fit, a power of 2
    steps: int = 3000  # of the sampler

    def points(self, free: int) -> int:
        """Simulated points in all."""
        searched = self.generations * population_size(free)
        return 1 + self.spread + self.waves * self.wave + searched + self.candidates + self.prices


@dataclass(frozen=True)
class FittedFigure:
    """A figure that was fitted to: what it should be, and what it is at the best fit and over the posterior.

    Parameters
    ----------
    name : str
        Of the figure.
    low, high : float
        Between which it should be: published -+ sampling error of the survey, or the range of real books.
    target : float
        Published value; NaN for a range.
    fitted : float
        At the best fit, on fresh organizations.
    posterior_low, posterior_high : float
        Between which 95 % of the posterior lie.
    """

    name: str
    low: float
    high: float
    target: float
    fitted: float
    posterior_low: float
    posterior_high: float


@dataclass(frozen=True)
class FittedParameter:
    """A free parameter: where it might lie, where it fits best, and what the evidence tells of it.

    Parameters
    ----------
    name : str
        ``world.turnover``.
    plausible_low, plausible_high : float
        Range before fitting; uniform.
    fitted : float
        At the best fit.
    low, high : float
        Between which 95 % of the posterior lie.
    spread : float
        Spread of the posterior over that of the plausible range; 1 where the evidence tells nothing.
    identified : bool
        Whether that is below 0.8.
    """

    name: str
    plausible_low: float
    plausible_high: float
    fitted: float
    low: float
    high: float
    spread: float
    identified: bool


@dataclass(frozen=True)
class Calibration(Record):
    """Best fit and posterior of a scenario's free parameters.

    Parameters
    ----------
    scenario : str
        Name.
    reading : str
        In which the published 51 % were fitted to.
    figures : tuple of FittedFigure
        What was fitted to.
    parameters : tuple of FittedParameter
        What was free.
    fitted : dict
        Values of the best fit by name, tied ones too.
    posterior : tuple of dict
        Sets of values that fit within sampling error, equally likely.
    fitting, candidates : int
        Points drawn that fit, and points drawn.
    paid_anywhere, paid_at_any_price : float
        Part of points spread over all plausible ranges, and over those of money alone at the best fit, at which the
        programs of the population pay against none, before anything asks for it; NaN where no money is free.
    seed, simulated : int
        Of the run; points simulated in all.
    """

    scenario: str
    reading: str
    figures: tuple[FittedFigure, ...]
    parameters: tuple[FittedParameter, ...]
    fitted: dict[str, float]
    posterior: tuple[dict[str, float], ...]
    fitting: int
    candidates: int
    paid_anywhere: float
    paid_at_any_price: float
    seed: int
    simulated: int


def calibrate(
    scenario: Scenario,
    *,
    free: Sequence[str] = (),
    targets: Mapping[str, float] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    reading: str = str(DEFAULT_READING),
    posterior: int = 100,
    seed: int = 1,
    jobs: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    effort: Effort | None = None,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Calibration:
    """Fit free parameters of a population to the published figures and to real books.

    Parameters
    ----------
    scenario : Scenario
        With a mix of organizations, some of which elevate by enterprise criteria.
    free : sequence of str
        Names of the parameters to fit; by default all that have a plausible range.
    targets, ranges : mapping, optional
        Other values of published figures, and other ranges of the moments of real books, by name.
    reading : str
        In which the published 51 % are fitted to, ``chances > 20 %``.
    posterior : int
        Parameter sets to return, >= 1; fewer where fewer of those drawn fit.
    seed : int
        In [0, 2**64). Fitting and checking use organizations apart.
    jobs : int, optional
        Chunks of work at a time; by default as many as there are cores. It changes no result.
    folder : str or path, optional
        Where every evaluation is written down at once; a calibration begun there goes on where it ended.
    effort : Effort, optional
        How much is simulated.
    progress : callable, optional
        Told how many points have been simulated.
    note : callable, optional
        Told, in a sentence, what of the folder was found damaged and is simulated again.

    Returns
    -------
    Calibration
        The same to the last bit whether or not it was interrupted, and whatever the jobs.

    Raises
    ------
    KamsimError
        Where a name or reading is unknown, or the scenario cannot tell one of the figures.
    """
    effort = effort or Effort()
    workers = checked_workers(effort.organizations, seed, jobs)
    space = _space(scenario, free, seed, workers)._replace(reading=reading_of(reading))
    aims = _aims(targets or {}, ranges or {})
    if not 1 <= posterior <= effort.candidates:
        raise KamsimError(f"posterior must be a whole number from 1 to {effort.candidates}, not {posterior}")
    with logged(None if folder is None else Path(folder), _settings(space, aims, effort), note) as log:
        return _calibrated(space, aims, posterior, effort, log, progress)


def _settings(space: "Space", aims: "Sequence[Aim]", effort: Effort) -> dict[str, object]:
    """All that the evaluations of a calibration depend on."""
    return {
        "seed": space.seed,
        "free": list(space.names),
        "reading": str(space.reading),
        "aims": {aim.name: [aim.low, aim.high] for aim in aims},
        "scenario": content_of(space.scenario),
        **({} if space.scenario.book is None else {"accounts": accounts_of([space.scenario])}),
        "effort": list(effort),
        "model": model_hash(),
    }


# ---------------------------------------------------------------- parameters and figures


class Space(NamedTuple):
    """Free parameters of a scenario; a point is their values, each from 0 to 1 over its plausible range.

    The reading is that in which its figures are told.
    """

    scenario: Scenario
    names: tuple[str, ...]
    seed: int
    workers: int
    reading: Reading = ANY_INCREASE

    def values(self, point: Floats) -> dict[str, float]:
        """Values at a point, tied ones too; four digits, as they are written to files."""
        found = {}
        for name, part in zip(self.names, point.tolist(), strict=True):
            low, high = PLAUSIBLE[name]
            found[name] = min(high, max(low, float(f"{low + part * (high - low):.4g}")))
        tied = {name: of for name, of in TIED.items() if of[0] in found and _has(self, name)}
        return found | {name: round(found[of] + more, 6) for name, (of, more) in tied.items()}


def _has(space: Space, name: str) -> bool:
    """Whether a scenario has the tier that a parameter is of."""
    section, tier, *_ = name.split(".")
    return section != "tiers" or tier in space.scenario.tiers.ordered


class Aim(NamedTuple):
    """Where a figure should be; a published one at a point, a moment of real books in a range."""

    name: str
    low: float
    high: float


def _space(scenario: Scenario, free: Sequence[str], seed: int, workers: int) -> Space:
    """Free parameters of a scenario, in the middle of their ranges: nothing may depend on the values they have now."""
    space = Space(scenario, _checked_names(free), seed, workers)
    missing = [name for name in space.names if not _has(space, name)]
    if missing and free:
        tier = missing[0].split(".")[1]
        raise KamsimError(f"{scenario.name or 'scenario'}: has no tier '{tier}', so {missing[0]} cannot be fitted")
    space = space._replace(names=tuple(name for name in space.names if name not in missing))
    return space._replace(scenario=with_values(scenario, space.values(np.full(len(space.names), 0.5))))


def _checked_names(free: Sequence[str]) -> tuple[str, ...]:
    for name in free:
        if name not in PLAUSIBLE:
            raise KamsimError(f"'{name}' is no parameter that can be fitted; {nearest(name, PLAUSIBLE)}")
    if len(set(free)) < len(free):
        raise KamsimError(f"'{next(name for name in free if free.count(name) > 1)}' is given twice")
    return tuple(name for name in PLAUSIBLE if name in (free or PROGRAM | MONEY))


def _aims(targets: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> tuple[Aim, ...]:
    for name in (*targets, *ranges):
        if name not in FIGURES:
            raise KamsimError(f"'{name}' is no figure to fit to; {nearest(name, FIGURES)}")
    aims = []
    for figure in OUTCOMES:
        value = targets.get(figure.name, figure.value)
        aims.append(Aim(figure.name, value, value))
    for name, told in RANGES.items():
        aims.append(Aim(name, *ranges.get(name, told)))
    return tuple(aims)


AIMS = _aims({}, {})  # what was published and seen in real books


class Simulated(NamedTuple):
    """Figures at a point, and what a survey's sample would scatter about them."""

    figures: Floats  # (figures,), ratios as logs
    scatter: Floats  # (published, published), covariance


def simulated_at(space: Space, point: Floats, first_seed: int, organizations: int, scatter: bool = False) -> Simulated:
    """Simulate the figures at a point of the unit cube, in the worlds of some organizations.

    With ``scatter`` surveys are sampled as well. Moments of books are those of all accounts where nobody is ever
    elevated, in the same worlds.
    """
    scenario = with_values(space.scenario, space.values(point))
    tiers = {name: {"seats": 0} for name in scenario.tiers.ordered}
    pair = [job_of(scenario), job_of(scenario.changed(tiers={"ordered": tiers}))]
    pieces = list(run_in_chunks(pair, first_seed, organizations, workers=space.workers))
    population, untouched = (joined([tables[place] for tables in pieces]) for place in (0, 1))
    figures = figures_of([population], space.reading) | {
        "gain_of_programs": _gain(population, untouched),
        "departure_cost": departure_cost_of(scenario, first_seed, math.ceil(TWINS_PART * organizations), space.workers),
    }
    told = _told_apart({name: figures[name] for name in FIGURES})
    covariance = np.zeros((len(OUTCOMES), len(OUTCOMES)))
    if scatter and np.isfinite(told).all():
        generator = np.random.default_rng([first_seed, SURVEY_SAMPLE])
        samples = sampled_figures(population, generator, reading=space.reading)
        by_sample = np.array([_log_if_ratio(figure.name, samples[figure.name]) for figure in OUTCOMES])
        covariance = np.cov(by_sample[:, ~np.isnan(by_sample).any(axis=0)])
    return Simulated(told, covariance)


def _gain(population: Table, untouched: Table) -> float:
    """What programs earn against none in the same worlds, as a part of the profit without any."""
    none = float(untouched.outcomes[:, PROFIT].mean())
    return (float(population.outcomes[:, PROFIT].mean()) - none) / abs(none)


def _told_apart(figures: Mapping[str, float]) -> Floats:
    return np.array([_log_if_ratio(name, np.float64(value)) for name, value in figures.items()])


def _log_if_ratio(name: str, value: Floats | float) -> Floats:
    return np.log(np.maximum(value, 1e-3)) if name in RATIOS else np.asarray(value)


# ---------------------------------------------------------------- fit


def misfit_of(figures: Floats, aims: Sequence[Aim]) -> Floats:
    """Squared deviations of figures from their aims, in units of `SHARPNESS` and `RANGE_MARGIN`.

    Figures have shape (..., figures), ratios as logs; each gives a number >= 0. A range counts from a margin within its
    ends on.
    """
    total = np.zeros(figures.shape[:-1])
    for column, aim in enumerate(aims):
        low, high = (float(_log_if_ratio(aim.name, end)) for end in (aim.low, aim.high))
        # A fit at the very end of a range would lie outside of it on other seeds.
        margin = min(RANGE_MARGIN.get(aim.name, 0.0), (high - low) / 4.0)
        off = np.maximum(0.0, low + margin - figures[..., column])
        off += np.maximum(0.0, figures[..., column] - high + margin)
        total += (off / (SHARPNESS | RANGE_MARGIN)[aim.name]) ** 2
    return np.asarray(total, dtype=np.float64)


def _beyond(values: Floats, low: float, high: float) -> Floats:
    """How far values are outside of a range; 0 inside."""
    beyond: Floats = np.maximum(0.0, low - values) + np.maximum(0.0, values - high)
    return beyond


def _off_published(figures: Floats, aims: Sequence[Aim]) -> Floats:
    """How far figures are from what was published: (points, published)."""
    aimed = np.array([float(_log_if_ratio(aim.name, aim.low)) for aim in aims])
    return np.asarray(figures[:, : len(aims)] - aimed, dtype=np.float64)


def log_likelihood(figures: Floats, error: Floats, scatter: Floats, aims: Sequence[Aim]) -> Floats:
    """Log likelihood of what was published and seen in real books, given simulated figures.

    Figures have shape (points, figures), ratios as logs; ``error``, (figures,), is the standard deviation of what is
    known of them, ``scatter``, (published, published), the covariance of figures of a survey's sample. Normal about the
    published figures; flat inside the ranges of real books, normal beyond their ends.
    """
    published = len(scatter)
    precision = np.linalg.inv(scatter + np.diag(error[:published] ** 2))
    off = _off_published(figures, aims[:published])
    log = -0.5 * np.einsum("ij,jk,ik->i", off, precision, off)
    for column, aim in enumerate(aims[published:], start=published):
        beyond = _beyond(figures[:, column], aim.low, aim.high)
        log -= 0.5 * beyond**2 / (RANGE_MARGIN[aim.name] ** 2 + error[column] ** 2)
    return np.asarray(log, dtype=np.float64)


def _beyond_region(figures: Floats, scatter: Floats, aims: Sequence[Aim]) -> Floats:
    """How far figures are outside of where the evidence has them: squared, 0 inside; (points,)."""
    from scipy.stats import chi2

    published = len(scatter)
    off = _off_published(figures, aims[:published])
    distance = np.einsum("ij,jk,ik->i", off, np.linalg.inv(scatter), off)
    total = np.maximum(0.0, distance - float(chi2.ppf(CONFIDENCE, published)))
    for column, aim in enumerate(aims[published:], start=published):
        beyond = _beyond(figures[:, column], aim.low, aim.high)
        total += (beyond / RANGE_MARGIN[aim.name]) ** 2
    return np.asarray(total, dtype=np.float64)


def fits(figures: Floats, scatter: Floats, aims: Sequence[Aim]) -> NDArray[np.bool_]:
    """Whether figures, of shape (points, figures) with ratios as logs, are all where the evidence has them.

    The published ones together inside the region that holds 95 % of a survey's samples about them (chi-squared), with
    ``scatter``, (published, published), the covariance of figures of such a sample; moments of real books inside their
    ranges.
    """
    return _beyond_region(figures, scatter, aims) <= 0.0


def population_size(free: int) -> int:
    """Points of a generation of the search, as its authors advise, rounded up to an even number."""
    size = 4 + int(3 * math.log(free))
    return size + size % 2


def _known_result(known: Mapping[str, object], path: Path | None) -> Simulated:
    """Result of an evaluation as the log has it, which somebody may have edited."""
    try:
        result = Simulated(np.array(known["figures"], dtype=float), np.array(known["scatter"], dtype=float))
        if result.figures.shape == (len(FIGURES),) and result.scatter.shape == (len(OUTCOMES), len(OUTCOMES)):
            return result
    except (KeyError, TypeError, ValueError):
        pass
    raise KamsimError(f"{path}: holds an evaluation that is damaged; remove the file to begin anew")


class _Points:
    """Points simulated so far, in their order; those that the log knows are not simulated again."""

    def __init__(self, space: Space, organizations: int, log: Evaluations, progress: Progress | None) -> None:
        self.space, self.organizations, self.log, self.progress = space, organizations, log, progress
        self.points: list[Floats] = []
        self.figures: list[Floats] = []
        self.simulated = 0

    def simulate(self, point: Floats, *, fresh: int = 0, again: int = 0, scatter: bool = False) -> Simulated:
        """Simulate a point, in the worlds of fitting, in fresh ones, or in others again, and write it down."""
        seed = seed_apart(self.space.seed, 1 + again) if fresh else self.space.seed
        organizations = fresh or self.organizations
        what = {"point": point.tolist(), "seed": seed, "organizations": organizations}
        known = self.log.find(what)
        if known is None:
            result = simulated_at(self.space, point, seed, organizations, scatter)
            self.log.add(what, {"figures": result.figures.tolist(), "scatter": result.scatter.tolist()})
        else:
            result = _known_result(known, self.log.path)
        self.simulated += 1
        if self.progress is not None:
            self.progress(self.simulated)
        if not np.isfinite(result.figures).all():
            which = FIGURES[int(np.flatnonzero(~np.isfinite(result.figures))[0])]
            raise KamsimError(
                f"{self.space.scenario.name or 'scenario'}: {which} cannot be told, so nothing can be fitted to it; "
                "calibrate takes a [population] in which some elevate by enterprise criteria and some do not"
            )
        self.points.append(point)
        self.figures.append(result.figures)
        return result


def _calibrated(
    space: Space,
    aims: tuple[Aim, ...],
    posterior: int,
    effort: Effort,
    log: Evaluations,
    progress: Progress | None,
) -> Calibration:
    from scipy.stats import qmc

    generator = np.random.default_rng([space.seed, len(space.names)])
    done = _Points(space, effort.organizations, log, progress)
    for point in qmc.Sobol(len(space.names), rng=generator).random(effort.spread):
        done.simulate(point)
    nearest_yet = done.points[int(np.argmin(misfit_of(np.array(done.figures), aims)))]
    scatter = done.simulate(nearest_yet, scatter=True).scatter
    for _ in range(effort.waves):
        for point in _fitting_points(done, aims, scatter, effort, effort.wave, generator):
            done.simulate(point)
    best = _best_fit(done, aims, effort, generator)
    scatter = done.simulate(best, scatter=True).scatter  # it is not the same all over the ranges
    best_figures = done.simulate(best, fresh=effort.candidate_organizations).figures
    candidates = np.empty((0, len(space.names)))
    figures = np.empty((0, len(aims)))
    fitting = np.empty(0, dtype=np.int64)
    while len(fitting) < posterior and len(candidates) < effort.candidates:
        count = min(effort.batch, effort.candidates - len(candidates))
        batch = _fitting_points(done, aims, scatter, effort, count, generator, only_inside=True)
        found = [done.simulate(point, fresh=effort.candidate_organizations).figures for point in batch]
        candidates, figures = np.concatenate([candidates, batch]), np.concatenate([figures, found])
        fitting = np.flatnonzero(fits(figures, scatter, aims))
    # Whatever was kept for the luck of these organizations has to fit with others as well, and more of them.
    for again in range(1, 1 + ASKED_AGAIN):
        asked = [
            done.simulate(point, fresh=2 * effort.candidate_organizations, again=again).figures
            for point in candidates[fitting]
        ]
        fitting = fitting[fits(np.array(asked), scatter, aims)] if asked else fitting
    # What fits best where it was searched for need not do so with other organizations: there all are asked again.
    places = [*zip(candidates[fitting], figures[fitting], strict=True), (best, best_figures)]
    best, best_figures = min(places, key=lambda place: _cost(place[0], place[1], aims) + AT_AN_END * _at_ends(place[0]))
    kept, fitted = candidates[fitting], space.values(best)
    at_prices = [done.simulate(point).figures for point in _at_any_price(space, best, effort.prices)]
    return Calibration(
        space.scenario.name,
        str(space.reading),
        tuple(_figures_told(aims, scatter, best_figures, figures[fitting])),
        tuple(parameters_told(space, fitted, kept)),
        fitted,
        tuple(space.values(point) for point in kept[:posterior]),
        len(fitting),
        len(figures),
        _pay(done.figures[: effort.spread]),
        _pay(at_prices),
        space.seed,
        done.simulated,
    )


def _at_any_price(space: Space, best: Floats, count: int) -> Floats:
    """Points spread over the ranges of the money that is free, all else as it fits best; none where none is."""
    from scipy.stats import qmc

    money = [place for place, name in enumerate(space.names) if name in MONEY]
    points = np.tile(best, (count if money else 0, 1))
    if money and count:
        points[:, money] = qmc.Sobol(len(money), rng=np.random.default_rng([space.seed, len(money)])).random(count)
    return points


def _pay(figures: Sequence[Floats]) -> float:
    """Part of points at which programs pay against none."""
    place = FIGURES.index("gain_of_programs")
    return float(np.mean([point[place] > 0.0 for point in figures])) if len(figures) else math.nan


def emulator_of(points: Floats, figures: Floats, aims: Sequence[Aim], effort: Effort) -> Emulator:
    """Emulator of points simulated by a calibration, in their order: (points, parameters), and their figures.

    Those that fit count most. Its error is that at the points which were spread or drawn: the hundreds of the search
    crowd about the best fit, where each is told by its neighbors, and nothing is drawn from there alone.
    """
    first = 1 + effort.spread + effort.waves * effort.wave
    place = np.arange(len(points))
    searched = (place >= first) & (place < first + effort.generations * population_size(points.shape[1]))
    return fitted_emulator(points, figures, 1.0 / (1.0 + misfit_of(figures, aims) / 40.0), ~searched)


def anywhere(parameters: int, generator: np.random.Generator) -> Floats:
    """Points all over the unit cube to begin sampling at.

    Not those that fit best: after the search they crowd in one place, and a chain that has not yet left it tells of
    parameters what only the search does.
    """
    return generator.random((max(2 * parameters + 2, 32), parameters))


def points_that_fit(
    emulator: Emulator,
    aims: Sequence[Aim],
    scatter: Floats,
    start: Floats,
    count: int,
    steps: int,
    generator: np.random.Generator,
    only_inside: bool = False,
) -> Floats:
    """Points that fit by an emulator, in proportion to how well; if asked, none that would not be kept."""

    def density(points: Floats) -> Floats:
        figures: Floats = emulator(points)
        log = log_likelihood(figures, emulator.error, scatter, aims)
        told = scatter + np.diag(emulator.error[: len(scatter)] ** 2)
        return log - OUTSIDE * _beyond_region(figures, told, aims) if only_inside else log

    return sampled(density, start, count, steps, generator)


def _fitting_points(
    done: _Points,
    aims: Sequence[Aim],
    scatter: Floats,
    effort: Effort,
    count: int,
    generator: np.random.Generator,
    only_inside: bool = False,
) -> Floats:
    points, figures = np.array(done.points), np.array(done.figures)
    emulator = emulator_of(points, figures, aims, effort)
    start = anywhere(points.shape[1], generator)
    return points_that_fit(emulator, aims, scatter, start, count, effort.steps, generator, only_inside)


def _cost(point: Floats, figures: Floats, aims: Sequence[Aim]) -> float:
    """What the search makes small: the misfit, and a little for parameters far from the middle of their ranges."""
    return float(misfit_of(figures, aims)) + HELD_TO_THE_MIDDLE * float(((2.0 * point - 1.0) ** 2).sum())


def _at_ends(point: Floats) -> int:
    return int((np.abs(2.0 * point - 1.0) > 0.94).sum())


def _best_fit(done: _Points, aims: Sequence[Aim], effort: Effort, generator: np.random.Generator) -> Floats:
    """Search the best fit by simulation, from the best point so far."""
    costs = [_cost(point, figures, aims) for point, figures in zip(done.points, done.figures, strict=True)]
    begin = done.points[int(np.argmin(costs))]
    if effort.generations == 0:
        return begin

    def cost(point: Floats) -> float:
        return _cost(point, done.simulate(point).figures, aims)

    size = population_size(len(done.space.names))
    found = searched(cost, begin, 0.08, generations=effort.generations, size=size, generator=generator)
    return found.center


# ---------------------------------------------------------------- result


def _figures_told(aims: Sequence[Aim], scatter: Floats, best: Floats, kept: Floats) -> Iterator[FittedFigure]:
    for column, aim in enumerate(aims):
        back = np.exp if aim.name in RATIOS else np.asarray
        low, high, target = aim.low, aim.high, math.nan
        if column < len(scatter):
            half = 1.959964 * math.sqrt(scatter[column, column])
            middle = float(_log_if_ratio(aim.name, aim.low))
            low, high, target = float(back(middle - half)), float(back(middle + half)), aim.low
        ends = [float(back(end)) for end in _ends_of(kept[:, column])]
        yield FittedFigure(aim.name, low, high, target, float(back(best[column])), *ends)


def _ends_of(values: Floats) -> list[float]:
    # With these ends, as many of a handful of sets as of a thousand lie outside: others leave out 3 % more of sixty.
    return np.quantile(values, ENDS, method="weibull").tolist() if len(values) else [math.nan, math.nan]


def parameters_told(space: Space, fitted: Mapping[str, float], kept: Floats) -> Iterator[FittedParameter]:
    """What sets that fit, (sets, parameters) in the unit cube, tell of each parameter."""
    for column, name in enumerate(space.names):
        low, high = PLAUSIBLE[name]
        values = kept[:, column]
        spread = float(values.std()) * math.sqrt(12.0) if len(values) else math.nan
        first, last = (low + end * (high - low) for end in _ends_of(values))
        # A handful of sets cannot tell that a range is narrow.
        identified = spread < IDENTIFIED and len(values) >= LEAST_FITTING
        yield FittedParameter(name, low, high, fitted[name], first, last, spread, identified)
