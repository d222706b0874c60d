"""What validation looks at in each organization: twins in which one thing did not happen."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kamsim.books.moments import DECILES, decile_table, rank_rule_miss, top_share
from kamsim.experiments.jobs import Job, job_of
from kamsim.model.plan import LEAST_SPEND, History
from kamsim.scenario import Scenario
from kamsim.types import Floats

YEARS_AFTER = 3


class Twins(NamedTuple):
    """Histories of one organization that differ in one thing each."""

    itself: History
    nobody_leaves: History
    nobody_elevated: History
    reviewed: History  # re-tiered by performance
    not_reviewed: History  # re-tiered at a rebuild only


def twins_of(scenario: Scenario) -> list[Job]:
    """Jobs that play a scenario and its twins, in the order of `Twins`.

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
    return [job_of(twin) for twin in twins]


class Seen(NamedTuple):
    """What is kept of an organization; of many of them, arrays with the organization first."""

    rebuilds: Any
    top_share: Any
    rank_rule_miss: Any
    retention: Any  # (10,), by decile
    growth: Any
    steady_growth: Any
    departure: Any  # (2,), sum over accounts and their number
    promotion: Any
    demotion: Any


def seen_in(twins: Twins, history_years: int, first_year: int) -> Seen:
    """Look at the twins of one organization, whose window begins with ``first_year``.

    Figures of year pairs are means over the pairs of consecutive years in the window.
    """
    spend = twins.itself.accounts["spend"]
    pairs = [(spend[year], spend[year + 1]) for year in range(first_year, len(spend) - 1)]
    tables = [decile_table(before, after) for before, after in pairs]
    # Every simulated account buys in every quarter: all accounts are steady ones.
    growth = _mean_of([table.growth for table in tables])
    return Seen(
        int(twins.itself.years["rebuilt"][first_year:].sum()),
        top_share(spend[first_year]),
        float(np.mean([rank_rule_miss(before, after) for before, after in pairs])) if pairs else math.nan,
        _mean_of([table.retained for table in tables]),
        growth,
        growth,
        sums_of(departure_costs(twins.itself, twins.nobody_leaves)),
        sums_of(promotion_effects(twins.itself, twins.nobody_elevated, history_years)),
        sums_of(demotion_effects(twins.reviewed, twins.not_reviewed)),
    )


def _mean_of(rows: list[Floats]) -> Floats:
    return np.mean(rows, axis=0) if rows else np.full(DECILES, np.nan)


def sums_of(effects: Sequence[float]) -> Floats:
    """Sum of effects and their number."""
    return np.array([math.fsum(effects), len(effects)], dtype=np.float64)


def departure_costs(itself: History, nobody_leaves: History) -> list[float]:
    """Part of an account's sales that is lost in the year after its KAM left, against a world without turnover.

    One for each time that an account was elevated and lost a KAM: the first KAM that it lost since then, if the account
    was key in both histories from the elevation to the year after the departure.
    """
    costs: list[float] = []
    key, key_in_twin = (history.accounts["tier"] > 0 for history in (itself, nobody_leaves))
    spend, spend_of_twin = itself.accounts["spend"], nobody_leaves.accounts["spend"]
    before = np.zeros(key.shape[1], dtype=np.bool_)
    without_loss = before.copy()  # key in both since the elevation, no KAM lost yet
    for year in range(len(key) - 1):
        without_loss = key[year] & key_in_twin[year] & (without_loss | ~before)
        kam = np.maximum(itself.accounts["kam"][year], 0)
        lost = without_loss & (itself.departures[year, kam] > 0)
        without_loss &= ~lost
        compared = lost & key[year + 1] & key_in_twin[year + 1]
        now, twin = spend[year + 1, compared], spend_of_twin[year + 1, compared]
        costs += (1.0 - now / np.maximum(twin, LEAST_SPEND)).tolist()
        before = key[year]
    return costs


def promotion_effects(itself: History, nobody_elevated: History, history_years: int) -> list[float]:
    """Log ratio of spend to that of a twin without a program, of accounts elevated at the launch.

    Mean of the three years after the launch, by account; nothing where the run is shorter.
    """
    if history_years + YEARS_AFTER > len(itself.years):
        return []
    elevated = itself.accounts["tier"][history_years] > 0
    ratio = _mean_log_ratio(itself, nobody_elevated, history_years)[elevated]
    return [float(value) for value in ratio]


def demotion_effects(reviewed: History, not_reviewed: History) -> list[float]:
    """Log ratio of spend to that of a twin without reviews, of accounts that a review demoted to standard.

    Mean of the three years after the first demotion, by account, if a review and no rebuild brought it and the twin is
    key in the year of the demotion and the three years after.
    """
    effects: list[float] = []
    key, key_in_twin = (history.accounts["tier"] > 0 for history in (reviewed, not_reviewed))
    never = np.ones(key.shape[1], dtype=np.bool_)  # demoted so far
    for year in range(len(key) - YEARS_AFTER):
        demoted = key[year] & ~key[year + 1] & never
        never &= ~demoted
        if reviewed.years["rebuilt"][year] or not demoted.any():
            continue
        compared = demoted & key_in_twin[year : year + 1 + YEARS_AFTER].all(axis=0)
        effects += _mean_log_ratio(reviewed, not_reviewed, year + 1)[compared].tolist()
    return effects


def _mean_log_ratio(one: History, other: History, first_year: int) -> Floats:
    """Mean log ratio of spend over three years, by account."""
    three = slice(first_year, first_year + YEARS_AFTER)
    spend, twin = (np.maximum(history.accounts["spend"][three], LEAST_SPEND) for history in (one, other))
    ratio: Floats = np.log(spend / twin).mean(axis=0)
    return ratio
