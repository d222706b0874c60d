"""A world: everything of one organization that no program chooses, drawn once."""

import math
from typing import Any, NamedTuple

import numpy as np

from kamsim.compiler import compiled, kernel, record_type
from kamsim.errors import KamsimError
from kamsim.rules.pricing import bargaining_power, price_concession
from kamsim.rules.relationship import partnership_worth
from kamsim.rules.spend import share_ceiling, share_target
from kamsim.rules.tiering import mean_of_largest
from kamsim.types import Floats, Numbers, Records
from kamsim.world import draws
from kamsim.world.customers import (
    AS_DRAWN,
    NEVER,
    TENDER,
    Future,
    Key,
    draw_buyers,
    draw_contracts,
    draw_name,
    draw_order_sizes,
    key_of,
)
from kamsim.world.draws import between_bounds, laplace_quantile, normal, normal_quantile, uniform, words
from kamsim.world.known import LEAST_LOG_WALLET, KnownAccounts
from kamsim.world.laws import (
    ALIGNMENT_BOUNDS,
    SHARE_BASE_BOUNDS,
    SKILL_LEAST,
    TIE_BOUNDS,
    TRUST_BOUNDS,
    arrivals_of_year,
    compatibility,
    cost_against_mean,
    customers_will,
    growth_of_year,
    half_persistent,
    patience_of,
    premium_expected,
)
from kamsim.world.parameters import Budget, Timeline

MOST_ORGANIZATIONS = 2**32  # an organization's number is one word of the key of its draws
LEAST_HAZARD = 1e-300  # so that every hazard has a logarithm

# Fields are read as of an agent, ``account.fit``, compiled or not.
ACCOUNT_AT_BIRTH = record_type(
    fit="f8",
    will="f8",  # to be a key account
    will_told="f8",  # what it tells of that
    partnership="f8",  # what fit makes of service
    ceiling="f8",
    trust="f8",
    share="f8",
    share_base="f8",
    log_wallet="f8",  # a quarter, when it comes
    cost="f8",  # to serve, part of list price
    concession="f8",  # when it comes, part of list price
    orders="f8",  # a quarter, at a rate of one median wallet a year
    arrives="i8",  # first quarter; 0 if it is there from the start
    leaves="i8",  # quarter that an account of a real book is gone after, which has bought for the last time already
    tier="i8",  # in the program of today, as a real book tells
    manager="i8",  # who serves it there, by number
    renews="i8",  # quarter in which its contract first comes up for renewal; 0 where there are none
    known="?",  # from a real book: it is there until the program starts
)
# Wallet in median annual wallets a quarter; a normal number and its uniform one behind the count of orders; the log of
# the hazard, against that of an account of typical size and trust, from which on it would leave.
ACCOUNT_QUARTER = record_type(
    wallet="f8",
    score="f8",
    level="f8",
    leave="f8",
)
# Errors in reading growth potential, fit, trust and cost to serve (standard normal); a uniform behind reassignment.
ACCOUNT_READING = record_type(
    potential="f8",
    fit="f8",
    trust="f8",
    cost="f8",
    reassign="f8",
)
# A uniform behind turnover, and the skill of who would follow a KAM that leaves.
KAM_QUARTER = record_type(
    leave="f8",
    successor_skill="f8",
)


class World(NamedTuple):
    """One organization's world; arrays by quarter or year first, then account, KAM or function.

    Accounts are those of the first book, then room for those that come in the first year, in the second, and so on.
    """

    accounts: Records  # ACCOUNT_AT_BIRTH (accounts,)
    quarters: Records  # ACCOUNT_QUARTER (quarters, accounts)
    readings: Records  # ACCOUNT_READING (years, accounts)
    season: Floats  # (4,), orders of a quarter of the year against its mean
    need_mix: Floats  # (accounts, functions), rows add up to 1
    skill: Floats  # (KAMs,)
    tie: Floats  # (KAMs, functions), at birth
    kam_quarters: Records  # KAM_QUARTER (quarters, KAMs)
    buyer_leaves: Floats  # (quarters, accounts), uniform behind turnover at the customer; drawn where there is any
    tenders: Records  # TENDER (years, accounts), drawn where there are contracts
    order_sizes: Floats  # (quarters, accounts), normal number behind sizes of orders; drawn where they differ
    report_draw: Floats  # (years, KAMs), error in reporting collaboration
    alignment: Floats  # (functions,), at birth
    capacity: float  # of each function, support a quarter
    first: int  # accounts of the first book; new ones come after them
    newcomers: int  # room for so many of them a year
    seats: int  # as many accounts count as the largest
    market_growth: float  # as expected, log a year
    premium: float  # growth expected of key accounts over the market, a year
    paid: Floats  # (quarters of the history, accounts of the first book), of a real book; NaN where it does not tell
    prioritizes_returns: bool
    patience: int  # quota misses in a row before a rebuild
    seed_low: int  # whose world this is
    seed_high: int
    organization: int


def draw_world(
    seed: int,
    organization: int,
    parameters: Numbers,
    budget: Budget,
    timeline: Timeline,
    known: KnownAccounts,
    future: Future = AS_DRAWN,
    room: World | None = None,
) -> World:
    """Draw the world of one organization.

    Parameters
    ----------
    seed : int
        In [0, 2**64).
    organization : int
        In [0, 2**32).
    parameters : record
        World section of the scenario.
    budget : Budget
        Accounts, KAMs, functions and capacity.
    timeline : Timeline
        Years to draw.
    known : KnownAccounts
        What need not be drawn.
    future : Future, optional
        Whose draws the world goes on with, from a quarter on; what is before stays to the last bit.
    room : World, optional
        From `empty_world`: drawn into, whatever it held; by default each world has a room of its own.

    Returns
    -------
    World
        The same for the same arguments, on any machine of one kind.

    Raises
    ------
    KamsimError
        Where seed or organization is out of its range.
    """
    if not 0 <= organization < MOST_ORGANIZATIONS:
        raise KamsimError(f"an organization is a whole number from 0 to 2**32 - 1, not {organization}")
    low, high = split_seed(seed)
    room = empty_world(budget, timeline) if room is None else room
    drawn = draw_one_organization(low, high, organization, parameters, budget, timeline, known, future, room)
    # Compiled code hands back plain structured arrays: those of the room, which it has filled, read as agents.
    filled: dict[str, Any] = {name: given for name, given in room._asdict().items() if isinstance(given, np.ndarray)}
    return drawn._replace(**(filled | {"paid": known.paid}))


def empty_world(budget: Budget, timeline: Timeline) -> World:
    """Room for a world.

    Parameters
    ----------
    budget : Budget
        Accounts, KAMs and functions.
    timeline : Timeline
        Years to draw.

    Returns
    -------
    World
        For `draw_organization`, again and again, but by one thread at a time.
    """
    years, kams, functions = timeline.years, budget.kams, budget.functions
    accounts = budget.room(years)
    return World(
        accounts=np.zeros(accounts, dtype=ACCOUNT_AT_BIRTH),
        quarters=np.zeros((4 * years, accounts), dtype=ACCOUNT_QUARTER),
        readings=np.zeros((years, accounts), dtype=ACCOUNT_READING),
        season=np.zeros(4),
        need_mix=np.zeros((accounts, functions)),
        skill=np.zeros(kams),
        tie=np.zeros((kams, functions)),
        kam_quarters=np.zeros((4 * years, kams), dtype=KAM_QUARTER),
        buyer_leaves=np.zeros((4 * years, accounts)),
        tenders=np.zeros((years, accounts), dtype=TENDER),
        order_sizes=np.zeros((4 * years, accounts)),
        report_draw=np.zeros((years, kams)),
        alignment=np.zeros(functions),
        capacity=budget.capacity,
        first=budget.accounts,
        newcomers=budget.newcomers,
        seats=budget.seats,
        market_growth=0.0,
        premium=0.0,
        paid=np.empty((0, budget.accounts)),
        prioritizes_returns=False,
        patience=0,
        seed_low=0,
        seed_high=0,
        organization=0,
    )


def split_seed(seed: int) -> tuple[int, int]:
    """Split a seed into its two 32-bit halves.

    Parameters
    ----------
    seed : int
        In [0, 2**64).

    Returns
    -------
    tuple of int
        Low half, high half.

    Raises
    ------
    KamsimError
        Outside that range.
    """
    if not 0 <= seed < 2**64:
        raise KamsimError(f"the seed must be a whole number from 0 to 2**64 - 1, not {seed}")
    return int(seed) & 0xFFFFFFFF, int(seed) >> 32


@kernel
def draw_one_organization(
    seed_low: int,
    seed_high: int,
    organization: int,
    parameters: Numbers,
    budget: Budget,
    timeline: Timeline,
    known: KnownAccounts,
    future: Future,
    room: World,
) -> World:
    """Draw one world, as a kernel of its own."""
    return draw_organization(seed_low, seed_high, organization, parameters, budget, timeline, known, future, room)


@compiled
def draw_organization(
    seed_low: int,
    seed_high: int,
    organization: int,
    parameters: Numbers,
    budget: Budget,
    timeline: Timeline,
    known: KnownAccounts,
    future: Future,
    room: World,
) -> World:
    """Draw one world into the arrays of a room; `draw_world` with the seed in halves, as kernels call it."""
    key = (seed_low, seed_high, organization)
    _arrivals(key, future, parameters, known, timeline.history_years, room)
    _accounts_at_birth(key, future, parameters, known, timeline.history_years, room)
    _first_prices_and_costs(parameters, known, room)
    _season(parameters, known.season_from, room.season)
    _quarters(key, future, parameters, known, timeline.history_years, room)
    _readings(key, future, room)
    _needs(key, future, room)
    if parameters.order_size_sd > 0.0:
        draw_order_sizes(key, future, room.first, room.newcomers, room.accounts, room.order_sizes)
    if parameters.buyer_turnover > 0.0:
        draw_buyers(key, future, room.first, room.newcomers, room.accounts, room.buyer_leaves)
    if parameters.contract_years > 0:
        draw_contracts(key, future, parameters.contract_years, room.first, room.newcomers, room.accounts, room.tenders)
    _kams(key, future, parameters, room)
    _functions(key, parameters, room.alignment)
    premium_word, priority_word, patience_word, _ = words(seed_low, seed_high, organization, draws.ORGANIZATION, 0, 0)
    return World(
        room.accounts,
        room.quarters,
        room.readings,
        room.season,
        room.need_mix,
        room.skill,
        room.tie,
        room.kam_quarters,
        room.buyer_leaves,
        room.tenders,
        room.order_sizes,
        room.report_draw,
        room.alignment,
        budget.capacity,
        room.first,
        room.newcomers,
        room.seats,
        float(parameters.market_growth),
        premium_expected(parameters.premium_mean, parameters.expecting_more, normal(premium_word)),
        known.paid,
        uniform(priority_word) < parameters.prioritizing,
        patience_of(
            parameters.patience_least, parameters.patience_stop, parameters.patience_most, uniform(patience_word)
        ),
        seed_low,
        seed_high,
        organization,
    )


@compiled
def _functions(key: Key, parameters: Numbers, alignment: Floats) -> None:
    for function in range(len(alignment)):
        word = words(key[0], key[1], key[2], draws.ALIGNMENT, function, 0)[0]
        alignment[function] = between_bounds(
            parameters.alignment_mean + parameters.alignment_sd * normal(word),
            ALIGNMENT_BOUNDS[0],
            ALIGNMENT_BOUNDS[1],
        )


@compiled
def _accounts_at_birth(
    world_key: Key, future: Future, parameters: Numbers, known: KnownAccounts, history_years: int, room: World
) -> None:
    accounts = room.accounts
    power = bargaining_power(
        0.0, 0.0, parameters.bargaining_base, parameters.bargaining_slope, parameters.bargaining_most
    )
    without_spend = price_concession(parameters.base_concession, 0.0, power, 0.0, parameters.most_conceded)
    for number in range(len(accounts)):
        account, name = accounts[number], draw_name(number, room.first, room.newcomers)
        key = key_of(world_key, future, account.arrives) if number >= room.first else world_key
        size_word, _, _, _ = words(key[0], key[1], key[2], draws.WALLET_AND_GROWTH, name, 0)
        fit_word, trust_word, habit_word, _ = words(key[0], key[1], key[2], draws.FIT_AND_TRUST, name, 0)
        cost_word, will_word, told_word, pace_word = words(key[0], key[1], key[2], draws.COST_AND_WILL, name, 0)
        of_book = number if number < room.first else -1
        spend = known.annual_spend[of_book] if of_book >= 0 else math.nan
        account.orders = parameters.orders
        if parameters.orders_sd > 0.0:
            account.orders *= math.exp(parameters.orders_sd * normal(pace_word))
        account.leaves = NEVER
        if of_book >= 0 and len(known.rate) > 0:
            account.orders = parameters.orders
            spend = _state_at_the_end(key, known, of_book, account, 4 * history_years)
        account.trust = between_bounds(
            parameters.trust_mean + parameters.trust_sd * normal(trust_word), TRUST_BOUNDS[0], TRUST_BOUNDS[1]
        )
        if of_book >= 0 and not math.isnan(known.trust[of_book]):
            account.trust = known.trust[of_book]
        _settle_share(
            account, known, of_book, spend, uniform(fit_word), normal(habit_word), normal(size_word), parameters
        )
        account.cost = cost_against_mean(parameters.serve_cost_sd, normal(cost_word))
        account.partnership = partnership_worth(account.fit, parameters.value_fit_exponent)
        account.will = customers_will(account.fit, parameters.will_sd, normal(will_word))
        account.will_told = between_bounds(account.will + parameters.will_noise * normal(told_word), 0.0, 1.0)
        account.concession = without_spend
        account.tier = known.tier[of_book] if of_book >= 0 else 0
        account.manager = known.manager[of_book] % len(room.skill) if account.tier > 0 else -1
        account.renews = 0


@compiled
def _state_at_the_end(key: Key, known: KnownAccounts, number: int, account: Any, launch: int) -> float:
    """Draw what an account of a book with a history spends a year at its end, how often it orders, and if it is gone.

    Who is gone without having bought for a year is no customer at the launch; of others nobody knows yet.
    """
    state_word, alive_word, _, _ = words(key[0], key[1], key[2], draws.BOOK_STATE, number, 0)
    pick = int(uniform(state_word) * len(known.rate))
    account.orders *= known.pace[pick, number]
    if uniform(alive_word) >= known.alive[number]:
        bought = False
        for quarter in range(max(0, launch - 4), launch):
            bought = bought or known.paid[quarter, number] > 0.0
        account.leaves = launch if bought else launch - 1
    return float(known.rate[pick, number])


@compiled
def _settle_share(
    account: Any,
    known: KnownAccounts,
    number: int,
    spend: float,
    fit_draw: float,
    habit_draw: float,
    size_draw: float,
    parameters: Numbers,
) -> None:
    """Settle fit, ceiling, habit, share and wallet of an account so that, left alone, its share rests where it is.

    What is known stays: a known share is taken for the one at which the account rests, and its habit and ceiling are
    such that it does. An account that comes later has the number -1, a smaller wallet, and gives a part of that share.
    """
    share, wallet, account.fit = math.nan, math.nan, math.nan
    if number >= 0:
        share, wallet = known.share[number], known.wallet[number]
        account.fit = known.fit[number]
        if math.isnan(share):
            share = spend / wallet
            # Spend at the end of a history is drawn, and may exceed what is known of a wallet.
            if share > 1.0:
                share = 1.0
        if math.isnan(wallet) or (len(known.rate) > 0 and not math.isnan(known.share[number])):
            wallet = spend / share
    if math.isnan(wallet):
        wallet = math.exp(parameters.wallet_sigma * size_draw)
    is_known = not math.isnan(share)
    if math.isnan(account.fit):
        # A customer that already gives us much of its wallet cannot be a poor fit.
        least = 0.0
        if is_known and share > parameters.ceiling_base and parameters.ceiling_fit > 0.0:
            least = min(1.0, (share - parameters.ceiling_base) / parameters.ceiling_fit)
        account.fit = compatibility(fit_draw, least)
    account.ceiling = share_ceiling(account.fit, parameters.ceiling_base, parameters.ceiling_fit)
    if is_known:
        account.ceiling = max(account.ceiling, min(1.0, share))
        account.share_base = share / account.ceiling - parameters.share_trust * parameters.trust_mean
        account.share = share
    else:
        account.share_base = between_bounds(
            parameters.share_base + parameters.share_base_sd * habit_draw, SHARE_BASE_BOUNDS[0], SHARE_BASE_BOUNDS[1]
        )
        account.share = share_target(
            account.ceiling, parameters.trust_mean, 0.0, account.share_base, parameters.share_trust, 0.0
        )
        if number >= 0 and len(known.rate) > 0:
            # A new account is on its way to the share at which it will rest.
            account.share = min(account.ceiling, account.share * known.rest[number])
        if not math.isnan(spend):
            wallet = spend / account.share
    account.log_wallet = math.log(wallet / 4.0)
    if number < 0:
        account.log_wallet += parameters.new_size
        account.share = min(account.ceiling, account.share * parameters.new_share)


@compiled
def _first_prices_and_costs(parameters: Numbers, known: KnownAccounts, room: World) -> None:
    """Price by size before the first year has been counted, and costs to serve of which the book's mean is given."""
    accounts, first = room.accounts, room.first
    spend = np.empty(first)
    total, costs = 0.0, 0.0
    for number in range(first):
        account = accounts[number]
        spend[number] = 4.0 * math.exp(account.log_wallet) * account.share
        if len(known.rate) > 0:
            spend[number] = _of_last_year(known.paid, number)
        total += spend[number]
        costs += spend[number] * account.cost
    mean = mean_of_largest(spend, np.empty(room.seats))
    for number in range(len(accounts)):
        account = accounts[number]
        account.cost *= parameters.serve_cost * total / costs if costs > 0.0 else parameters.serve_cost
        if number >= first:
            continue
        if not math.isnan(known.margin[number]):
            # All goods earn one margin; what an account's earn less is a cost of serving it.
            account.cost = max(0.0, account.cost + parameters.gross_margin - known.margin[number])
        power = bargaining_power(
            spend[number], mean, parameters.bargaining_base, parameters.bargaining_slope, parameters.bargaining_most
        )
        account.concession = price_concession(parameters.base_concession, 0.0, power, 0.0, parameters.most_conceded)
        # A book tells what was paid; a wallet is told at list price.
        if account.known and (len(known.rate) > 0 or math.isnan(known.wallet[number])):
            account.log_wallet -= math.log(1.0 - account.concession)


@compiled
def _of_last_year(paid: Floats, number: int) -> float:
    """What an account paid in the last year of a history, as far as the book tells."""
    total = 0.0
    for quarter in range(max(0, len(paid) - 4), len(paid)):
        if not math.isnan(paid[quarter, number]):
            total += paid[quarter, number]
    return total


@compiled
def _arrivals(
    key: Key, future: Future, parameters: Numbers, known: KnownAccounts, history_years: int, room: World
) -> None:
    """Settle who is there from the start, and in which quarters others come."""
    accounts, first = room.accounts, room.first
    # A real book is that of the program's start: whoever came before is in it.
    begin = 0
    for number in range(len(accounts)):
        accounts[number].known = number < first and not math.isnan(known.annual_spend[number])
        accounts[number].arrives = known.arrives[number] if number < first else NEVER
        if accounts[number].known:
            begin = history_years
    if room.newcomers == 0:
        return
    for year in range(begin, len(room.readings)):
        own = key_of(key, future, 4 * year)
        draw = uniform(words(own[0], own[1], own[2], draws.ARRIVALS_OF_YEAR, 0, year)[0])
        for place in range(arrivals_of_year(first, parameters.arrival, draw)):
            number = first + year * room.newcomers + place
            name = draw_name(number, first, room.newcomers)
            draw = uniform(words(own[0], own[1], own[2], draws.ARRIVAL, name, 0)[0])
            after = uniform(words(future.seed_low, future.seed_high, key[2], draws.ARRIVAL, name, 0)[0])
            accounts[number].arrives = _quarter_drawn(draw, after, year, future.from_quarter)


@compiled
def _quarter_drawn(draw: float, after: float, year: int, from_quarter: int) -> int:
    """Quarter of a year by a uniform draw; drawn again among those left if it is to come when a future begins."""
    quarter = 4 * year + int(4.0 * draw)
    if 4 * year < from_quarter <= quarter:
        return from_quarter + int((4 * year + 4 - from_quarter) * after)
    return quarter


@compiled
def _season(parameters: Numbers, begins: int, season: Floats) -> None:
    season[(4 - begins) % 4], season[(5 - begins) % 4] = parameters.season_1, parameters.season_2
    season[(6 - begins) % 4], season[(7 - begins) % 4] = parameters.season_3, parameters.season_4
    mean = 0.25 * (season[0] + season[1] + season[2] + season[3])
    for quarter in range(4):
        season[quarter] = season[quarter] / mean if mean > 0.0 else 1.0


@compiled
def _quarters(
    key: Key, future: Future, parameters: Numbers, known: KnownAccounts, history_years: int, room: World
) -> None:
    accounts, quarters, first, newcomers = room.accounts, room.quarters, room.first, room.newcomers
    count, launch, told = len(quarters), 4 * history_years, len(known.rate) > 0
    market = np.empty(count)
    expected, total = float(parameters.market_growth), 0.0
    usual_hazard = math.log(max(LEAST_HAZARD, parameters.hazard))
    for quarter in range(count):
        own = key_of(key, future, quarter)
        industry = normal(words(own[0], own[1], own[2], draws.INDUSTRY, 0, quarter)[0])
        # The end of a book with a history is where its market stands.
        total = 0.0 if told and quarter < launch else total + parameters.industry_shock_sd * industry
        market[quarter] = total
    for number in range(len(accounts)):
        account, name = accounts[number], draw_name(number, first, newcomers)
        log_wallet, grown = account.log_wallet, 0.0
        lasting, jump_quarter, jump = expected, -1, 0.0
        four = (0, 0, 0, 0)
        # A new account comes with a wallet that has gone with the market; a book's is that of the program's start.
        if not account.known and account.arrives > 0 and account.arrives < count:
            grown = expected * account.arrives / 4.0
        if account.known and told:
            lasting = 0.0
        elif account.known:
            log_wallet -= expected * history_years
        for quarter in range(account.arrives, count):
            if quarter % 4 == 0 or quarter == account.arrives:
                year = quarter // 4
                if account.known and year < history_years:
                    jump_quarter = -1
                else:
                    lasting = expected
                    own = key_of(key, future, 4 * year)
                    growth_words = words(own[0], own[1], own[2], draws.GROWTH_OF_YEAR, name, year)
                    jump_quarter = 4 * year + int(4.0 * uniform(growth_words[0]))
                    if 4 * year < future.from_quarter <= jump_quarter:
                        growth_words = words(
                            future.seed_low, future.seed_high, key[2], draws.GROWTH_OF_YEAR, name, year
                        )
                        left = 4 * year + 4 - future.from_quarter
                        jump_quarter = future.from_quarter + int(left * uniform(growth_words[0]))
                    jump = laplace_quantile(uniform(growth_words[1]))
            if quarter % 2 == 0 or quarter == account.arrives or quarter == future.from_quarter:
                own = key_of(key, future, quarter)
                four = words(own[0], own[1], own[2], draws.ORDERS_AND_LEAVING, name, quarter // 2)
            order_word, leave_word = (four[0], four[1]) if quarter % 2 == 0 else (four[2], four[3])
            grown += lasting / 4.0
            if quarter == jump_quarter:
                annual = math.log(4.0) + max(LEAST_LOG_WALLET, log_wallet + grown + market[quarter])
                grown += growth_of_year(annual, parameters.growth_sd, parameters.growth_size, jump)
            now = quarters[quarter, number]
            now.wallet = math.exp(max(LEAST_LOG_WALLET, log_wallet + grown + market[quarter]))
            now.level = uniform(order_word)
            now.score = normal_quantile(now.level)
            now.leave = math.log(uniform(leave_word)) - usual_hazard
            if quarter >= account.leaves:
                # It has bought for the last time; the book's end is just too early to show it.
                now.wallet, now.leave = math.exp(LEAST_LOG_WALLET), -math.inf


@compiled
def _readings(world_key: Key, future: Future, room: World) -> None:
    readings, first, newcomers = room.readings, room.first, room.newcomers
    years, accounts = readings.shape
    for number in range(accounts):
        name, arrives = draw_name(number, first, newcomers), room.accounts[number].arrives
        key = key_of(world_key, future, arrives) if number >= first else world_key
        own = words(key[0], key[1], key[2], draws.READING_PERSISTENT, name, 0)
        own_potential, own_fit, own_trust, own_cost = normal(own[0]), normal(own[1]), normal(own[2]), normal(own[3])
        for year in range(arrives // 4, years):
            at_end = key_of(world_key, future, 4 * year + 3)
            fresh = words(at_end[0], at_end[1], at_end[2], draws.READING_OF_YEAR, name, year)
            cost_word = words(at_end[0], at_end[1], at_end[2], draws.COST_READING_OF_YEAR, name, year)[0]
            reading = readings[year, number]
            reading.potential = half_persistent(own_potential, normal(fresh[0]))
            reading.fit = half_persistent(own_fit, normal(fresh[1]))
            reading.trust = half_persistent(own_trust, normal(fresh[2]))
            reading.cost = half_persistent(own_cost, normal(cost_word))
            reading.reassign = uniform(fresh[3])


@compiled
def _needs(world_key: Key, future: Future, room: World) -> None:
    """Mix of needs over functions: Dirichlet(1), as exponential draws over their sum."""
    mix = room.need_mix
    accounts, functions = mix.shape
    for number in range(accounts):
        name, total = draw_name(number, room.first, room.newcomers), 0.0
        key = key_of(world_key, future, room.accounts[number].arrives) if number >= room.first else world_key
        for function in range(functions):
            four = words(key[0], key[1], key[2], draws.NEED_MIX, name, function // 4)
            mix[number, function] = -math.log(uniform(four[function % 4]))
            total += mix[number, function]
        for function in range(functions):
            mix[number, function] /= total


@compiled
def _kams(key: Key, future: Future, parameters: Numbers, room: World) -> None:
    skill, tie, quarters, report = room.skill, room.tie, room.kam_quarters, room.report_draw
    kams, functions = tie.shape
    for kam in range(kams):
        word = words(key[0], key[1], key[2], draws.KAM_AT_START, kam, 0)[0]
        skill[kam] = max(SKILL_LEAST, 1.0 + parameters.skill_sd * normal(word))
        for function in range(functions):
            word = words(key[0], key[1], key[2], draws.TIE, kam, function)[0]
            tie[kam, function] = between_bounds(
                parameters.tie_mean + parameters.tie_sd * normal(word), TIE_BOUNDS[0], TIE_BOUNDS[1]
            )
        for quarter in range(len(quarters)):
            own = key_of(key, future, quarter)
            leave_word, skill_word, _, _ = words(own[0], own[1], own[2], draws.KAM_QUARTER, kam, quarter)
            quarters[quarter, kam].leave = uniform(leave_word)
            quarters[quarter, kam].successor_skill = max(SKILL_LEAST, 1.0 + parameters.skill_sd * normal(skill_word))
        for year in range(len(report)):
            own = key_of(key, future, 4 * year + 3)
            report[year, kam] = normal(words(own[0], own[1], own[2], draws.KAM_REPORT, kam, year)[0])
