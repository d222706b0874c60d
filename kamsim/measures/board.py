"""M: what a board asks of a program, from its history: year by year over the window, and of each elevation."""

import numpy as np

from kamsim.compiler import compiled
from kamsim.model.plan import LEAST_SPEND, History
from kamsim.rules.costs import add_up, contribution
from kamsim.rules.tiering import log_growth
from kamsim.types import Floats
from kamsim.world.world import World

LARGEST = 10  # accounts that concentration is told of
YEARS_AFTER = 3  # an elevation is judged by, as the survey judges it

# Places of the figures; those of a year are averaged over the years that have them, the last two are of elevations.
(
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
    HITS,
    COST_PER_HIT,
) = range(16)
_FIGURES = COST_PER_HIT + 1


@compiled
def board_figures(history: History, world: World, gross_margin: float, launch: int, first_year: int) -> Floats:
    """Figures of a run by their places; NaN where they cannot be told.

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
    array of shape (figures,)
        Of the window; of elevations from the launch on.
    """
    above, below, largest = np.zeros(_FIGURES), np.zeros(_FIGURES), np.zeros(LARGEST)
    for year in range(first_year, len(history.years)):
        _look_at_year(history, world, gross_margin, year, largest, above, below)
    _look_at_elevations(history, launch, above, below)
    for place in range(_FIGURES):
        above[place] = above[place] / below[place] if below[place] > 0.0 else np.nan
    return above


@compiled
def _note(above: Floats, below: Floats, place: int, part: float, whole: float) -> None:
    """Note a year's ratio, where there is one, for the mean of the years."""
    if whole > 0.0:
        above[place] += part / whole
        below[place] += 1.0


@compiled
def _look_at_year(
    history: History, world: World, gross_margin: float, year: int, largest: Floats, above: Floats, below: Floats
) -> None:
    """Note the figures of a year."""
    accounts, before, program = history.accounts[year], history.accounts[year - 1], history.years[year]
    # Accounts are numbered by the year that they come in: those below came before last year, which they bought all of.
    settled, there = world.first + (year - 1) * world.newcomers, world.first + (year + 1) * world.newcomers
    sold, squares, service, key_accounts = 0.0, 0.0, 0.0, 0
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
            if not last_year.left:
                kept += 1
                if this_year.left:
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
        if number < settled:
            key_before += last_year.spend
            key_now += spend
        at_risk += this_year.risk * spend
        discount = this_year.listed - spend
        invested = this_year.investment
        if contribution(this_year.listed, discount, this_year.cost_to_serve, invested, gross_margin) < 0.0:
            losing += invested
        of_category = category_spend(world, number, year)
        listed += this_year.listed
        category += of_category
        gained += this_year.listed - of_category * _share_at_elevation(history, world, number, year)
    _note(above, below, NET, net, spent)
    _note(above, below, GROSS, gross, spent)
    _note(above, below, CHURN, float(lost), float(kept))
    _note(above, below, CHURN_BY_SPEND, spent_by_lost, spent)
    _note(above, below, SHARE, listed, category)
    _note(above, below, GAINED, gained, category)
    _note(above, below, TOP_1, largest[LARGEST - 1], sold)
    _note(above, below, TOP_10, add_up(largest), sold)
    _note(above, below, CONCENTRATION, squares, sold * sold)
    _note(above, below, OVERINVESTED, losing, service)
    if key_accounts > 0:
        _note(above, below, AT_RISK, at_risk, 1.0)
    if key_before > 0.0 and others_before > 0.0:
        growth_of_others = log_growth(others_before, others_now, LEAST_SPEND)
        _note(above, below, OVER_OTHERS, log_growth(key_before, key_now, LEAST_SPEND) - growth_of_others, 1.0)
    if program.quota > 0.0:
        _note(above, below, BIAS, program.key_revenue / program.quota - 1.0, 1.0)
        _note(above, below, ERROR, abs(program.key_revenue / program.quota - 1.0), 1.0)


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
def _share_at_elevation(history: History, world: World, number: int, year: int) -> float:
    """Share of wallet in the last year before an account became the key account that it is in a year."""
    elevated = year - 1
    while elevated > 0 and history.accounts[elevated, number].tier > 0:
        elevated -= 1
    category = category_spend(world, number, elevated)
    return history.accounts[elevated, number].listed / category if category > 0.0 else 0.0


@compiled
def _look_at_elevations(history: History, launch: int, above: Floats, below: Floats) -> None:
    """Count elevated accounts, those whose next years are above the year of elevation, and what all of them cost."""
    years, accounts = history.accounts.shape
    elevated, hits, cost = 0, 0, 0.0
    for year in range(launch - 1, years - YEARS_AFTER):
        at_end, after = history.accounts[year], history.accounts[year + 1]
        cost += history.years[year].elevation_cost
        for number in range(accounts):
            if after[number].tier <= 0 or at_end[number].tier != 0:
                continue
            spend = 0.0
            for later in range(year + 1, year + 1 + YEARS_AFTER):
                spend += history.accounts[later, number].spend
                cost += history.accounts[later, number].investment
            elevated += 1
            hits += 1 if spend > YEARS_AFTER * at_end[number].spend else 0
    above[HITS], below[HITS] = float(hits), float(elevated)
    above[COST_PER_HIT], below[COST_PER_HIT] = cost, float(hits)
