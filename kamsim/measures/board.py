"""M: what a board asks of a program, from its history, in one pass: of the window's years, and of each elevation."""

from typing import NamedTuple

import numpy as np

from kamsim.compiler import compiled
from kamsim.model.plan import HAS_LEFT, LEAST_SPEND, History
from kamsim.rules.costs import add_up, contribution
from kamsim.rules.tiering import log_growth
from kamsim.types import Floats
from kamsim.world.world import World

LARGEST = 10  # accounts that concentration is told of
YEARS_AFTER = 3  # an elevation is judged by, as the survey judges it

# Places of the figures; those of a year are averaged over the years that have them.
(
    GROWTH,
    MISSED,
    COLLABORATION,  # of accounts and years
    NET,
    GROSS,
    CHURN,
    CHURN_BY_SPEND,
    SHARE,
    GAINED,
    TOP_1,
    TOP_10,
    CONCENTRATION,
    AT_RISK,
    BIAS,
    ERROR,
    OVERINVESTED,
    OVER_OTHERS,
    HITS,  # of elevations, as is their cost
    COST_PER_HIT,
) = range(19)


class Tally(NamedTuple):
    """Figures by their places: sums, and of how many they are."""

    above: Floats
    below: Floats
    largest: Floats  # sales of a year, smallest first
    share: Floats  # (accounts,), share of wallet in the last year before an account became key


@compiled
def tallied(history: History, world: World, gross_margin: float, launch: int, first_year: int) -> Tally:
    """Tally the figures of a run.

    Parameters
    ----------
    history : History
        Of the run.
    world : World
        That it was played in: what customers spend in the category, and who has come when.
    gross_margin : float
        Margin on list price, in [0, 1].
    launch : int
        First year of the program, >= 1.
    first_year : int
        First year of the window, >= ``launch``.

    Returns
    -------
    Tally
        Of the window; of elevations from the launch on.
    """
    years, accounts = history.accounts.shape
    tally = Tally(np.zeros(COST_PER_HIT + 1), np.zeros(COST_PER_HIT + 1), np.zeros(LARGEST), np.zeros(accounts))
    for year in range(launch - 1, years - YEARS_AFTER):
        tally.above[COST_PER_HIT] += history.years[year].elevation_cost
    for year in range(launch, first_year):
        accounts_of_year, before = history.accounts[year], history.accounts[year - 1]
        for number in range(min(accounts, world.first + year * world.newcomers)):
            if accounts_of_year[number].tier > 0 and before[number].tier == 0:
                _look_at_elevation(history, world, number, year, tally)
    for year in range(first_year, years):
        _look_at_year(history, world, gross_margin, year, tally)
    tally.below[COST_PER_HIT] = tally.above[HITS]
    return tally


@compiled
def told(tally: Tally, place: int) -> float:
    """Figure at its place; NaN where it cannot be told."""
    return tally.above[place] / tally.below[place] if tally.below[place] > 0.0 else np.nan


@compiled
def _note(tally: Tally, place: int, part: float, whole: float) -> None:
    """Note a year's ratio, where there is one, for the mean of the years."""
    if whole > 0.0:
        tally.above[place] += part / whole
        tally.below[place] += 1.0


@compiled
def _look_at_year(history: History, world: World, gross_margin: float, year: int, tally: Tally) -> None:
    """Note the figures of a year."""
    accounts, before, program = history.accounts[year], history.accounts[year - 1], history.years[year]
    # Accounts are numbered by the year that they come in: those below came before last year, which they bought all of.
    settled, there = world.first + (year - 1) * world.newcomers, world.first + (year + 1) * world.newcomers
    largest, share = tally.largest, tally.share
    sold, squares, service, all_before, all_now, collaboration = 0.0, 0.0, 0.0, 0.0, 0.0, tally.above[COLLABORATION]
    key_accounts = 0
    kept, lost, net, gross, spent, spent_by_lost = 0, 0, 0.0, 0.0, 0.0, 0.0
    key_before, key_now, others_before, others_now = 0.0, 0.0, 0.0, 0.0
    listed, category, gained, at_risk, losing = 0.0, 0.0, 0.0, 0.0, 0.0
    largest[:] = 0.0
    for number in range(min(there, len(accounts))):
        this_year, last_year = accounts[number], before[number]
        tier, spend = this_year.tier, this_year.spend
        if last_year.tier > 0:
            net += spend
            gross += min(spend, last_year.spend)
            spent += last_year.spend
            if last_year.risk < HAS_LEFT:
                kept += 1
                if this_year.risk >= HAS_LEFT:
                    lost += 1
                    spent_by_lost += last_year.spend
        if tier < 0:
            continue
        sold += spend
        squares += spend * spend
        service += this_year.investment
        if spend > largest[0]:
            _keep_largest(largest, spend)
        if tier == 0:
            if number < settled:
                others_before += last_year.spend
                others_now += spend
            continue
        key_accounts += 1
        all_before += last_year.spend
        all_now += spend
        collaboration += this_year.collaboration
        if last_year.tier == 0:
            _look_at_elevation(history, world, number, year, tally)
        if number < settled:
            key_before += last_year.spend
            key_now += spend
        if this_year.risk < HAS_LEFT:
            at_risk += this_year.risk * spend
        discount = this_year.listed - spend
        invested = this_year.investment
        if contribution(this_year.listed, discount, this_year.cost_to_serve, invested, gross_margin) < 0.0:
            losing += invested
        of_category = category_spend(world, number, year)
        listed += this_year.listed
        category += of_category
        gained += this_year.listed - of_category * share[number]
    _note(tally, NET, net, spent)
    _note(tally, GROSS, gross, spent)
    _note(tally, CHURN, float(lost), float(kept))
    _note(tally, CHURN_BY_SPEND, spent_by_lost, spent)
    _note(tally, SHARE, listed, category)
    _note(tally, GAINED, gained, category)
    _note(tally, TOP_1, largest[LARGEST - 1], sold)
    _note(tally, TOP_10, add_up(largest), sold)
    _note(tally, CONCENTRATION, squares, sold * sold)
    _note(tally, OVERINVESTED, losing, service)
    tally.above[COLLABORATION] = collaboration
    tally.below[COLLABORATION] += key_accounts
    if all_before > 0.0:
        _note(tally, GROWTH, log_growth(all_before, all_now, LEAST_SPEND), 1.0)
        _note(tally, MISSED, 1.0 if program.missed else 0.0, 1.0)
    if key_accounts > 0:
        _note(tally, AT_RISK, at_risk, 1.0)
    if key_before > 0.0 and others_before > 0.0:
        growth_of_others = log_growth(others_before, others_now, LEAST_SPEND)
        _note(tally, OVER_OTHERS, log_growth(key_before, key_now, LEAST_SPEND) - growth_of_others, 1.0)
    if program.quota > 0.0:
        _note(tally, BIAS, program.key_revenue / program.quota - 1.0, 1.0)
        _note(tally, ERROR, abs(program.key_revenue / program.quota - 1.0), 1.0)


@compiled
def _keep_largest(largest: Floats, amount: float) -> None:
    """Keep an amount among the largest, smallest first, in place of the smallest."""
    place = 0
    while place + 1 < len(largest) and largest[place + 1] < amount:
        largest[place] = largest[place + 1]
        place += 1
    largest[place] = amount


@compiled
def category_spend(world: World, number: int, year: int) -> float:
    """What a customer spends in the category in a year, with us or not, from the quarter on in which it comes."""
    total, first = 0.0, max(4 * year, world.accounts[number].arrives)
    for quarter in range(first, 4 * year + 4):
        total += world.quarters[quarter, number].wallet * world.season[quarter % 4]
    return total


@compiled
def _look_at_elevation(history: History, world: World, number: int, year: int, tally: Tally) -> None:
    """Note the share of wallet at which an account became key, and whether its next years are above that one."""
    elevated = history.accounts[year - 1, number]
    category = category_spend(world, number, year - 1)
    tally.share[number] = elevated.listed / category if category > 0.0 else 0.0
    if year + YEARS_AFTER > len(history.years):
        return
    spend, service = 0.0, 0.0
    for later in range(year, year + YEARS_AFTER):
        spend += history.accounts[later, number].spend
        service += history.accounts[later, number].investment
    tally.above[COST_PER_HIT] += service
    tally.below[HITS] += 1.0
    if spend > YEARS_AFTER * elevated.spend:
        tally.above[HITS] += 1.0
