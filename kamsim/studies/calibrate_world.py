"""Fit the world to facts of real books alone: who orders, grows, comes and leaves where nobody is ever elevated.

First layer of the fit: nothing here depends on any program, so no published figure of a program is looked at. The
search is a CMA-ES over plausible ranges with common random numbers; facts are told again of organizations that nothing
was fitted to.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from kamsim.analysis.search import searched
from kamsim.books.facts import facts_of
from kamsim.errors import KamsimError
from kamsim.evidence.book_facts import book_facts
from kamsim.evidence.plausible import WORLD, part_of, value_at
from kamsim.experiments.pool import checked_workers, in_order, seed_apart
from kamsim.model.session import draw_world, simulate
from kamsim.records import Record
from kamsim.scenario import Scenario, load_scenario, with_values
from kamsim.types import Floats, Progress

Kind = Literal["default", "steady", "lively"]

# Books that a world is fitted to.
BOOKS: dict[str, tuple[str, ...]] = {"default": ("steady", "lively"), "steady": ("steady",), "lively": ("lively",)}
SEASON = ("season_1", "season_2", "season_3", "season_4")

# Where the search begins, between the two books; what else is so in a trade like one of them.
START = {
    "world.wallet_sigma": 1.24,
    "world.market_growth": 0.005,
    "world.growth_sd": 0.15,
    "world.growth_size": 0.1,
    "world.orders": 100.0,
    "world.orders_exponent": 0.7,
    "world.arrival": 0.15,
    "world.new_size": 0.0,
    "world.new_share": 0.3,
    "world.hazard": 0.025,
    "world.hazard_size": 0.3,
    "world.share_base_sd": 0.06,
}
ELSEWHERE: dict[Kind, dict[str, float]] = {
    "default": {},
    "steady": {"world.arrival": 0.08, "world.hazard": 0.012, "world.new_size": -0.5},
    "lively": {
        "world.orders": 4.0,
        "world.orders_exponent": 0.65,
        "world.arrival": 0.6,
        "world.hazard": 0.08,
        "world.hazard_size": 0.2,
        "world.market_growth": -0.05,
        "world.growth_sd": 0.45,
        "world.new_share": 1.2,
    },
}
# A trade that keeps its customers may grow with prices: the plausible range of the others ends before it does. Where
# customers come and go, new ones may try a supplier with more of their spend than they leave it in the end.
WIDER: dict[Kind, dict[str, tuple[float, float]]] = {
    "default": {},
    "steady": {"world.market_growth": (-0.12, 0.08)},
    "lively": {"world.new_share": (0.1, 3.0)},
}


def _deciles(name: str, places: tuple[int, ...] = tuple(range(1, 11))) -> tuple[str, ...]:
    return tuple(f"{name}_decile_{place}" for place in places)


# What counts alike, each the mean over its facts.
ROWS: dict[str, tuple[str, ...]] = {
    "buys again": ("retained",),
    "buys again, by decile": _deciles("retained"),
    "comes back": ("returned",),
    "new": ("new",),
    "new, by decile": _deciles("new"),
    "quarters without an order": ("empty_quarters", *_deciles("empty_quarters", (1, 5, 10))),
    "spread of growth": ("growth_sd", *_deciles("growth_sd", (1, 5, 10))),
    "median growth, by decile": _deciles("growth_median"),
    "spread of steady growth": ("steady_growth_sd",),
    "excess kurtosis": ("steady_growth_kurtosis",),
    "size exponent": ("size_exponent",),
    "variance by span": ("growth_variance_1", "growth_variance_2", "growth_variance_3", "growth_variance_5"),
    "variance, five years over one": ("growth_variance_ratio",),
    "autocorrelation": tuple(f"growth_autocorrelation_{lag}" for lag in (1, 2, 3, 4)),
    "corrected slope": ("corrected_slope",),
    "quarterly autocorrelation": tuple(f"quarterly_autocorrelation_{lag}" for lag in (1, 2, 4)),
    "inequality": ("gini", "top_share", "log_sd"),
    "season": SEASON,
}
LIFE = "buyers_over_run"  # of the last two years over the first two: a book that neither grows nor shrinks
LIFE_RANGE = (0.95, 1.05)

FIRST_YEARS = 2  # in which accounts that come and leave make the book what it stays
ERRORS_ALLOWED = 2.0  # of the book's fact, by which its range is widened where a fit is judged
GENERATIONS = 60  # of the search
POPULATION = 12  # points of each
INSIDE = 0.2  # part of a range that the fit stays off its ends: at the very end it would miss with other organizations
SCALE = 0.3  # of half the range, beside the error of its ends: beyond it misses count in proportion
LEAST_SCALE = 0.02  # misses below this are small whatever the book's error
LIFE_WEIGHT = 2.0
HELD_TO_THE_START = 0.03  # misfit, of parameters that facts do not tell, per squared deviation in parts of the range


class Range(NamedTuple):
    """Between which a fact of real books lies, and the standard error of these ends."""

    low: float
    high: float
    error: float

    def holds(self, value: float) -> bool:
        """Whether a value is inside, the error allowed for."""
        allowed = ERRORS_ALLOWED * self.error
        return self.low - allowed <= value <= self.high + allowed


@dataclass(frozen=True)
class WorldFact:
    """A fact of books, and of a fitted world.

    Parameters
    ----------
    row, name : str
        Row of the table, and fact.
    low, high, error : float
        Range over the books, and its standard error.
    value : float
        Of the fitted world, on fresh organizations.
    holds : bool
        Whether it is inside, two errors allowed for.
    """

    row: str
    name: str
    low: float
    high: float
    error: float
    value: float
    holds: bool


@dataclass(frozen=True)
class WorldCalibration(Record):
    """A world that was fitted to books.

    Parameters
    ----------
    kind : {"default", "steady", "lively"}
        Of world.
    fitted : dict
        Values by name of parameter.
    facts : tuple of WorldFact
        On fresh organizations.
    misfit : float
        Mean over rows, in the worlds of the search.
    simulated, seed : int
        Worlds' parameter sets simulated, and seed.
    """

    kind: Kind
    fitted: dict[str, float]
    facts: tuple[WorldFact, ...]
    misfit: float
    simulated: int
    seed: int


def calibrate_world(
    kind: Kind,
    *,
    seed: int = 1,
    organizations: int = 100,
    fresh_organizations: int = 300,
    generations: int = GENERATIONS,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> WorldCalibration:
    """Fit the parameters of the world that books tell to the facts of books.

    Parameters
    ----------
    kind : str
        ``default``: between the two books; ``steady``, ``lively``: like one of them.
    seed : int
        In [0, 2**64). Fitting and checking use organizations apart.
    organizations, fresh_organizations : int
        Simulated at each point of the search, and for the final facts.
    generations : int
        Of the search; of `POPULATION` points each.
    jobs : int, optional
        Threads; by default as many as there are cores. It changes no result.
    progress : callable, optional
        Told how many points have been simulated.

    Returns
    -------
    WorldCalibration
        The same whatever the jobs.

    Raises
    ------
    KamsimError
        Where the kind is unknown.
    """
    if kind not in get_args(Kind):
        raise KamsimError(f"a world is of kind {', '.join(get_args(Kind))}, not {kind}")
    workers = checked_workers(max(organizations, fresh_organizations), seed, jobs)
    ranges, season = ranges_of(kind), season_of(kind)
    scenario = load_scenario("no_program")
    space = space_of(kind)
    start = START | ELSEWHERE[kind]
    begin = np.array([part_of(name, ends, start[name]) for name, ends in space.items()])
    done: dict[tuple[float, ...], float] = {}

    def facts_at(values: Mapping[str, float]) -> dict[str, float]:
        return facts_of_world(with_values(scenario, {**values, **season}), seed, organizations, workers)

    cost = _cost_of(space, facts_at, ranges, begin, done, progress)
    generator = np.random.default_rng([seed, len(space)])
    found = searched(cost, begin, 0.12, generations=generations, size=POPULATION, generator=generator)
    best = found.best if cost(found.center) > found.least else found.center
    fitted = _values(space, best) | season
    fresh = facts_of_world(with_values(scenario, fitted), seed_apart(seed), fresh_organizations, workers)
    return WorldCalibration(kind, fitted, told(fresh, ranges), cost(best), len(done), seed)


def space_of(kind: Kind) -> dict[str, tuple[float, float]]:
    """Plausible ranges of what books tell of a kind of world, by name of parameter."""
    return WORLD | WIDER[kind]


def _cost_of(
    space: Mapping[str, tuple[float, float]],
    facts_at: Callable[[Mapping[str, float]], Mapping[str, float]],
    ranges: Mapping[str, Range],
    begin: Floats,
    done: dict[tuple[float, ...], float],
    progress: Progress | None,
) -> Callable[[Floats], float]:
    """What a search brings down: the misfit at a point, simulated once, and how far the point is from the start."""

    def cost(point: Floats) -> float:
        values = _values(space, point)
        key = tuple(values.values())
        if key not in done:
            misfit = misfit_of(facts_at(values), ranges)
            done[key] = misfit + HELD_TO_THE_START * float(((point - begin) ** 2).sum())
            if progress is not None:
                progress(len(done))
        return done[key]

    return cost


def _values(space: Mapping[str, tuple[float, float]], point: Floats) -> dict[str, float]:
    """Values at a point of the unit cube; four digits, as they are written to files."""
    parts = zip(space.items(), point.tolist(), strict=True)
    return {name: float(f"{value_at(name, ends, part):.4g}") for (name, ends), part in parts}


# ---------------------------------------------------------------- facts


def ranges_of(kind: Kind) -> dict[str, Range]:
    """Ranges of the facts that the books of a kind of world tell, by name."""
    told_by = [book_facts(book) for book in BOOKS[kind]]
    ranges = {}
    for name in (name for names in ROWS.values() for name in names):
        known = [facts[name] for facts in told_by if name in facts]
        if known:
            low, high = min(known, key=lambda fact: fact.low), max(known, key=lambda fact: fact.high)
            ranges[name] = Range(low.low, high.high, max(low.error, high.error))
    return ranges | {LIFE: Range(*LIFE_RANGE, 0.0)}


def season_of(kind: Kind) -> dict[str, float]:
    """Season of a kind of world, as its book has it; none between books."""
    if len(BOOKS[kind]) > 1:
        return {}
    facts = book_facts(BOOKS[kind][0])
    return {f"world.{name}": round(facts[name].value, 3) for name in SEASON}


def facts_of_world(scenario: Scenario, seed: int, organizations: int, workers: int = 1) -> dict[str, float]:
    """Facts of the books of many organizations, and how much their number of buyers changes over the years.

    Parameters
    ----------
    scenario : Scenario
        In which nobody is ever elevated.
    seed, organizations, workers : int
        Whose worlds, how many of them, and threads.

    Returns
    -------
    dict of str to float
        As `facts_of`, and ``buyers_over_run``.
    """
    size = 10
    tasks = ((scenario, seed, first, min(size, organizations - first)) for first in range(0, organizations, size))
    pieces = [piece for pieces in in_order(_panels, tasks, workers) for piece in pieces]
    panel = np.concatenate(pieces)
    book = np.concatenate([np.full(len(piece), number) for number, piece in enumerate(pieces)])
    buyers = (panel.reshape(len(panel), -1, 4).sum(axis=2) > 0).sum(axis=0)
    return facts_of(panel, book) | {LIFE: float(buyers[-2:].sum() / max(1, buyers[:2].sum()))}


def _panels(scenario: Scenario, seed: int, first: int, count: int) -> list[Floats]:
    """Quarterly spend of the accounts of some organizations, of those that ever bought in these years."""
    panels = []
    for organization in range(first, first + count):
        world = draw_world(scenario, seed=seed, organization=organization)
        trace = simulate(world, scenario, trace=True).trace
        assert trace is not None
        panel = np.asarray(trace.accounts["spend"]).T[:, 4 * FIRST_YEARS :]
        panels.append(panel[(panel > 0).any(axis=1)])
    return panels


def misfit_of(facts: Mapping[str, float], ranges: Mapping[str, Range]) -> float:
    """Mean over rows of how far facts are outside of where the fit should be; 0 well inside of all ranges."""
    rows = [
        float(np.mean([_miss(facts[name], ranges[name]) for name in names if name in ranges]))
        for names in ROWS.values()
        if any(name in ranges for name in names) and names is not SEASON
    ]
    return float(np.mean(rows)) + LIFE_WEIGHT * _miss(facts[LIFE], ranges[LIFE])


def _miss(value: float, aim: Range) -> float:
    """0 well inside a range; beyond, first like the square of the distance, then like it: one row may not take all."""
    if math.isnan(value):
        return 5.0
    half = (aim.high - aim.low) / 2.0
    margin = 2.0 * half * INSIDE
    beyond = max(0.0, aim.low + margin - value, value - aim.high + margin)
    scale = max(half * SCALE + ERRORS_ALLOWED * aim.error, LEAST_SCALE)
    return math.sqrt(1.0 + (beyond / scale) ** 2) - 1.0


def told(facts: Mapping[str, float], ranges: Mapping[str, Range]) -> tuple[WorldFact, ...]:
    """Facts against their ranges, in the order of the table."""
    rows = {name: row for row, names in ROWS.items() for name in names} | {LIFE: "size of the book"}
    return tuple(WorldFact(rows[name], name, *aim, facts[name], aim.holds(facts[name])) for name, aim in ranges.items())
