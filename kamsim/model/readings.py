"""What a program reads of accounts, and makes of it: scores, health, what plans promise; once for both drivers."""

import math

from kamsim.compiler import rule
from kamsim.model.plan import LEAST_SPEND
from kamsim.model.states import AccountReading, AccountState, AccountYear
from kamsim.policy.policy import Levers
from kamsim.rules.attention import account_need
from kamsim.rules.costs import contribution, return_on_sales
from kamsim.rules.quota import (
    plan_promise,
    room_to_grow,
)
from kamsim.rules.tiering import (
    NO_CUSTOMER,
    account_health,
    between,
    growth_potential,
    reading,
    spend_score,
    team_noise,
)
from kamsim.types import Numbers, Records

# Criteria of a selection matrix, by number.
POTENTIAL, CONTRIBUTION, COMPATIBILITY, WILLINGNESS, PRESENT_SPEND = range(5)
CRITERIA = 5


TODAYS_LEAD = 1e6  # in score, of whoever is key today where today's key accounts keep their places: beyond any other


@rule
def score_at_launch(score: float, tier_today: int, terms: Numbers) -> float:
    """Score of a candidate at the launch: key accounts of today come first where the policy keeps them."""
    if terms.keep_today > 0 and tier_today > 0:
        return score + TODAYS_LEAD * tier_today
    return score


@rule
def expected_need(wallet: float, parameters: Numbers) -> float:
    """Work that an account would need in a quarter, were it key."""
    return account_need(wallet, parameters.need_exponent)


@rule
def usual_sales(books: Records, number: int, year: int, years: int, without_luck: bool) -> float:
    """Mean yearly sales of an account up to a year, over the years at whose end it was a customer."""
    total, counted = 0.0, 0
    for back in range(min(years, year + 1)):
        noted = books[year - back][number]
        if noted.tier == NO_CUSTOMER:
            break  # it came later
        total += noted.expected_spend if without_luck else noted.spend
        counted += 1
    return total / counted if counted > 0 else 0.0


@rule
def promise_of_plan(account: AccountState, draw: float, levers: Levers, parameters: Numbers) -> float:
    """What the plan of a key account promises against its sales, by the room to grow that the program reads."""
    noise = team_noise(parameters.observation_noise, levers.alignment, parameters.error_in_common, parameters.functions)
    room = room_to_grow(account.ceiling, account.share, parameters.least_room)
    return plan_promise(math.exp(reading(math.log(room), draw, noise)))


@rule
def cost_read(account: AccountState, draw: float, team: float, parameters: Numbers) -> float:
    """What the program reads that an account costs to serve, part of list price."""
    noise = between(parameters.cost_noise, parameters.cost_noise_team, team)
    return account.cost * math.exp(noise * draw)


@rule
def margin_expected(account: AccountState, cost_draw: float, levers: Levers, parameters: Numbers) -> float:
    """Margin on list price that the program expects of an account, after its concession and what it costs to serve."""
    own_cost = cost_read(account, cost_draw, levers.alignment, parameters)
    return float(parameters.gross_margin - account.concession - own_cost)


@rule
def selection_score(
    account: AccountState,
    wallet: float,
    spend: float,
    draw: float,
    cost_draw: float,
    levers: Levers,
    parameters: Numbers,
) -> float:
    """Score of an account as a candidate for elevation, as the program reads it."""
    # Scores only rank: where nothing is added to the logarithm, spend itself ranks alike.
    if levers.selection == 0.0:
        return spend
    margin = margin_expected(account, cost_draw, levers, parameters)
    potential = growth_potential(4.0 * wallet, account.ceiling, account.share, margin, parameters.least_room)
    noise = team_noise(parameters.observation_noise, levers.alignment, parameters.error_in_common, parameters.functions)
    return between(spend_score(spend, LEAST_SPEND), reading(potential, draw, noise), levers.selection)


@rule
def weight_of(criterion: int, terms: Numbers) -> float:
    """Weight of one of the criteria in the selection matrix."""
    if criterion == POTENTIAL:
        return float(terms.criteria_potential)
    if criterion == CONTRIBUTION:
        return float(terms.criteria_contribution)
    if criterion == COMPATIBILITY:
        return float(terms.criteria_compatibility)
    if criterion == WILLINGNESS:
        return float(terms.criteria_willingness)
    return float(terms.criteria_present_spend)


@rule
def weighs_criteria(terms: Numbers) -> bool:
    """Whether a selection matrix takes the place of the selection lever."""
    total = 0.0
    for criterion in range(CRITERIA):
        total += weight_of(criterion, terms)
    return total > 0.0


@rule
def criterion_read(
    criterion: int,
    account: AccountState,
    fit: float,
    wallet: float,
    spend: float,
    drawn: AccountReading,
    levers: Levers,
    parameters: Numbers,
) -> float:
    """Read what one of the criteria of a selection matrix says of a candidate; its ranks alone count."""
    if criterion == POTENTIAL:
        noise = team_noise(
            parameters.observation_noise, levers.alignment, parameters.error_in_common, parameters.functions
        )
        # Whether what is within reach would earn anything is another criterion.
        within_reach = growth_potential(4.0 * wallet, account.ceiling, account.share, 1.0, parameters.least_room)
        return reading(within_reach, drawn.potential, noise)
    if criterion == CONTRIBUTION:
        return margin_expected(account, drawn.cost, levers, parameters) * spend
    if criterion == COMPATIBILITY:
        return fit_read(fit, drawn.fit, levers, parameters)
    if criterion == WILLINGNESS:
        return account.will_told
    return spend


@rule
def capacity_slack(levers: Levers, terms: Numbers) -> float:
    """Part of committed hours and support that is promised beyond them: none by a team, which tells what it can do."""
    return between(terms.elevation_capacity_slack, 0.0, levers.alignment)


@rule
def margin_read(
    account: AccountState,
    last_year: AccountYear,
    this_year: AccountYear,
    draw: float,
    levers: Levers,
    parameters: Numbers,
) -> float:
    """Contribution over sales of a key account in two years, as a review reads it."""
    listed = last_year.listed + this_year.listed
    own_cost = listed * cost_read(account, draw, levers.alignment, parameters)
    invested = last_year.investment + this_year.investment
    discount = listed - last_year.spend - this_year.spend
    return return_on_sales(contribution(listed, discount, own_cost, invested, parameters.gross_margin), listed)


@rule
def health(
    account: AccountState,
    margin: float,
    usual_margin: float,
    draw: float,
    levers: Levers,
    terms: Numbers,
    parameters: Numbers,
) -> float:
    """Health of a key account as a yearly review reads it: trust, and margin against that of the members."""
    noise = team_noise(parameters.trust_noise, levers.alignment, parameters.error_in_common, parameters.functions)
    return account_health(
        reading(account.trust, draw, noise),
        parameters.trust_mean,
        margin,
        usual_margin,
        terms.health_trust,
        terms.health_margin,
    )


@rule
def fit_read(fit: float, draw: float, levers: Levers, parameters: Numbers) -> float:
    """Fit of an account as the program reads it, alone or with the customer."""
    return reading(fit, draw, between(parameters.fit_noise, parameters.fit_noise_bilateral, levers.boundaries))
