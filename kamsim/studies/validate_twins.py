"""What validation looks at in each organization: twins in which one thing did not happen."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from kamsim.analysis.intervals import ratio
from kamsim.books.book import Book
from kamsim.books.history import YearlySpend
from kamsim.books.moments import DECILES, accounts_of, deciles_of, rank_rule_miss, top_share
from kamsim.experiments.jobs import Job, job_of
from kamsim.experiments.twins import look_at_twins
from kamsim.model.ensemble import simulate
from kamsim.model.plan import LEAST_SPEND, History, Trace
from kamsim.policy.policy import drawn_levers
from kamsim.rules.tiering import NO_CUSTOMER
from kamsim.scenario import Scenario
from kamsim.studies.validate_book import facts_after
from kamsim.studies.validate_key import gain_of_programs, margin_gaps, service_used, trust_gap, whale_curve
from kamsim.types import Flags, Floats
from kamsim.world.parameters import Timeline
from kamsim.world.world import World

YEARS_AFTER = 3
STANDARD = 0  # tier of customers that are not key
KINDS = ("regular", "all", "steady")  # of accounts, as `accounts_of` has them


class Twins(NamedTuple):
    """Histories of one organization that differ in one thing each."""

    itself: History
    nobody_leaves: History
    nobody_elevated: History
    reviewed: History  # re-tiered by performance
    not_reviewed: History  # re-tiered at a rebuild only


def twins_of(scenario: Scenario, book: Book | None = None) -> list[Job]:
    """Jobs that play a scenario and its twins, in the order of `Twins`, on a book if one is given.

    In a population the levers that a twin does not change are drawn as in the scenario.
    """
    without_seats = {"ordered": {name: {"seats": 0} for name in scenario.tiers.ordered}}
    section = "policy" if scenario.population is None else "population"
    twins = (
        scenario,
        scenario.changed(world={"turnover": 0.0}),
        scenario.changed(tiers=without_seats),
        scenario.changed(**{section: {"retiering": 1.0}}),
        scenario.changed(**{section: {"retiering": 0.0}}),
    )
    return [job_of(twin, book) for twin in twins]


def trace_of(world: World, job: Job) -> Trace:
    """Play an organization again, quarter by quarter, which no history keeps."""
    levers = drawn_levers(world.seed_low, world.seed_high, world.organization, job.mix, job.policy.levers)
    run = simulate(world, job.policy._replace(levers=levers), job.parameters, job.timeline, trace=True)
    assert run.trace is not None
    return run.trace


class Seen(NamedTuple):
    """What is kept of an organization; of many of them, arrays with the organization first."""

    rebuilds: Any  # NaN without a program
    top_share: Any
    rank_rule_miss: Any  # (3,), of `KINDS`
    retention: Any  # (10,), by decile
    growth: Any
    steady_growth: Any
    departure: Any  # (2,), sum over accounts and their number
    promotion: Any
    demotion: Any
    demoted_below: Any
    trust_gap: Any
    margin_gap: Any  # (3,), after concessions, own cost and service
    whale: Any  # (2,), profit of those that earn any, and of all
    gain: Any  # (2,), profit more than without a program, and sales there
    service_used: Any  # (2,), key accounts that use all of it, and their number
    kams_used: Any  # (2,)
    facts: Any = np.zeros(0)  # (facts,), of years from the launch on, where it is held against a book


def look_at(world: World, job: Job, histories: Sequence[History], years: int = 0) -> Seen:
    """Look at an organization whose twins, those of `twins_of`, have been played; the job is the first of them.

    With the facts of so many years from the launch on, as a book would have them.
    """
    trace, timeline, parameters = trace_of(world, job), job.timeline, job.parameters
    used, kams_used = service_used(trace, world, parameters, timeline.history_years + timeline.warmup_years)
    seen = seen_in(Twins(*histories), trace.accounts["spend"], timeline, float(parameters.gross_margin), job.discount)
    facts = facts_after(trace, timeline, years, job.known.season_from) if years else seen.facts
    return seen._replace(service_used=used, kams_used=kams_used, facts=facts)


def seen_in(twins: Twins, quarters: Floats, timeline: Timeline, gross_margin: float, discount: float) -> Seen:
    """Look at the twins of one organization; service used, which takes its world, is not seen here.

    Its window is looked at as a real book is, from the spend of the scenario itself by quarter and account; figures of
    year pairs are means over the pairs of consecutive years.
    """
    launch, first_year = timeline.history_years, timeline.history_years + timeline.warmup_years
    itself, nobody_elevated = twins.itself, twins.nobody_elevated
    window = itself.years[first_year:]
    book = window_of(quarters, first_year)
    first = book.spend[:, 0]
    tables = {name: _mean_of(rows.reshape(-1, DECILES)) for name, rows in deciles_of(book).items()}
    return Seen(
        rebuilds=float(window["rebuilt"].sum()) if (window["quota"] > 0.0).any() else math.nan,
        top_share=top_share(first[first > 0]),
        rank_rule_miss=_rank_rule_misses(book),
        **tables,
        departure=sums_of(departure_costs(itself, twins.nobody_leaves)),
        promotion=sums_of(promotion_effects(itself, nobody_elevated, launch)),
        demotion=sums_of(demotion_effects(twins.reviewed, twins.not_reviewed)),
        demoted_below=sums_of(demotions_against_none(twins.reviewed, nobody_elevated)),
        trust_gap=trust_gap(itself, first_year),
        margin_gap=margin_gaps(itself, first_year),
        whale=whale_curve(itself, gross_margin, first_year),
        gain=gain_of_programs(itself, nobody_elevated, gross_margin, launch, discount),
        service_used=np.zeros(2),
        kams_used=np.zeros(2),
    )


def window_of(quarters: Floats, first_year: int) -> YearlySpend:
    """Years from the first of the window on, as a book that tells spend by quarter and account would give them."""
    cells = quarters.reshape(-1, 4, quarters.shape[1])[first_year:]
    every_quarter: Flags = np.all(cells > 0, axis=1).T
    return YearlySpend("", cells.sum(axis=1).T, every_quarter)


def _rank_rule_misses(book: YearlySpend) -> Floats:
    pairs = []
    for year in range(book.spend.shape[1] - 1):
        before, after, of_kind = book.spend[:, year], book.spend[:, year + 1], accounts_of(book, year, year + 1)
        pairs.append([rank_rule_miss(before[of_kind[kind]], after[of_kind[kind]]) for kind in KINDS])
    return _mean_of(np.array(pairs).reshape(-1, len(KINDS)))


def _mean_of(rows: Floats) -> Floats:
    """Mean of each column over the rows that can tell it, NaN where none can."""
    known = ~np.isnan(rows)
    return ratio(np.where(known, rows, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))


def sums_of(effects: Sequence[float]) -> Floats:
    """Sum of effects and their number."""
    return np.array([math.fsum(effects), len(effects)], dtype=np.float64)


def departure_cost_of(scenario: Scenario, seed: int, organizations: int, workers: int = 1) -> float:
    """Part of an account's sales that a departing KAM costs, on average; NaN where nobody leaves.

    Parameters
    ----------
    scenario : Scenario
        Played as it is, and with nobody leaving.
    seed, organizations, workers : int
        Whose worlds, how many of them, and threads.
    """
    twins = [job_of(scenario), job_of(scenario.changed(world={"turnover": 0.0}))]
    rows = look_at_twins(twins, seed, organizations, _departures_in, workers=workers)
    costs, number = np.sum(rows, axis=0)
    return float(costs / number) if number else math.nan


def _departures_in(_: World, histories: list[History]) -> Floats:
    return sums_of(departure_costs(*histories))


def departure_costs(itself: History, nobody_leaves: History) -> list[float]:
    """Part of an account's sales that is lost in the year after its KAM left, against a world without turnover.

    One for each time that an account was elevated and lost a KAM: the first KAM that it lost since then, if the account
    was key in both histories from the elevation to the year after the departure, or had left for good by then where its
    KAM did, which is a cost of all of its sales.
    """
    costs: list[float] = []
    key, key_in_twin = (history.accounts["tier"] > 0 for history in (itself, nobody_leaves))
    gone = itself.accounts["tier"] == NO_CUSTOMER
    spend, spend_of_twin = itself.accounts["spend"], nobody_leaves.accounts["spend"]
    before = np.zeros(key.shape[1], dtype=np.bool_)
    without_loss = before.copy()  # key in both since the elevation, no KAM lost yet
    for year in range(len(key) - 1):
        without_loss = key[year] & key_in_twin[year] & (without_loss | ~before)
        kam = np.maximum(itself.accounts["kam"][year], 0)
        lost = without_loss & (itself.departures[year, kam] > 0)
        without_loss &= ~lost
        compared = lost & (key[year + 1] | gone[year + 1]) & key_in_twin[year + 1]
        now, twin = spend[year + 1, compared], spend_of_twin[year + 1, compared]
        costs += (1.0 - now / np.maximum(twin, LEAST_SPEND)).tolist()
        before = key[year]
    return costs


def promotion_effects(itself: History, nobody_elevated: History, history_years: int) -> list[float]:
    """Log ratio of spend to that of a twin without a program, of accounts elevated at the launch.

    Of the three years after the launch together, by account; nothing where the run is shorter.
    """
    if history_years + YEARS_AFTER > len(itself.years):
        return []
    elevated = itself.accounts["tier"][history_years] > 0
    effects = _log_ratio(itself, nobody_elevated, history_years)[elevated]
    return [float(value) for value in effects]


def demotion_effects(reviewed: History, not_reviewed: History) -> list[float]:
    """Log ratio of spend to that of a twin without reviews, of accounts that a review demoted to standard.

    Of the three years after the first demotion together, by account, if a review and no rebuild brought it and the twin
    is key in the year of the demotion and the three years after. Who leaves for good is not demoted.
    """
    effects: list[float] = []
    key_in_twin = not_reviewed.accounts["tier"] > 0
    for year, demoted in _first_demotions(reviewed):
        compared = demoted & key_in_twin[year : year + 1 + YEARS_AFTER].all(axis=0)
        effects += _log_ratio(reviewed, not_reviewed, year + 1)[compared].tolist()
    return effects


def demotions_against_none(reviewed: History, nobody_elevated: History) -> list[float]:
    """Log ratio of sales at list price to those of a twin without a program, of accounts that a review demoted.

    Of the same years and demotions as `demotion_effects`, if the twin is a customer in the first of these years.
    """
    effects: list[float] = []
    customers = nobody_elevated.accounts["tier"] == STANDARD
    for year, demoted in _first_demotions(reviewed):
        compared = demoted & customers[year + 1]
        effects += _log_ratio(reviewed, nobody_elevated, year + 1, "listed")[compared].tolist()
    return effects


def _first_demotions(reviewed: History) -> Iterator[tuple[int, Flags]]:
    """Years with three years after, and accounts that a review, no rebuild, demotes at their end for the first time."""
    tier = reviewed.accounts["tier"]
    never = np.ones(tier.shape[1], dtype=np.bool_)  # demoted so far
    for year in range(len(tier) - YEARS_AFTER):
        demoted = (tier[year] > STANDARD) & (tier[year + 1] == STANDARD) & never
        never &= ~demoted
        if demoted.any() and not reviewed.years["rebuilt"][year]:
            yield year, demoted


def _log_ratio(one: History, other: History, first_year: int, column: str = "spend") -> Floats:
    """Log ratio of three years together, by account: one that leaves in their course still has a ratio."""
    three = slice(first_year, first_year + YEARS_AFTER)
    spend, twin = (np.maximum(history.accounts[column][three].sum(axis=0), LEAST_SPEND) for history in (one, other))
    logs: Floats = np.log(spend / twin)
    return logs
