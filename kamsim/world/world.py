"""A world: everything of one organization that no program chooses, drawn once."""

import math
from typing import Any, NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.compiler import compiled, kernel, record_type
from kamsim.errors import KamsimError
from kamsim.rules.spend import kept_at_rest, share_after_attack, share_ceiling, share_target
from kamsim.scenario import Scenario
from kamsim.source import makes_results
from kamsim.types import Floats, Numbers, Records
from kamsim.world import draws
from kamsim.world.draws import between_bounds, normal, uniform, words
from kamsim.world.laws import (
    ALIGNMENT_BOUNDS,
    SHARE_BASE_BOUNDS,
    SKILL_LEAST,
    TIE_BOUNDS,
    TRUST_BOUNDS,
    compatibility,
    growth_after_year,
    half_persistent,
    log_wallet_after_quarter,
    orders_of_quarter,
    patience_of,
    premium_expected,
    rival_attacks,
    rival_chance,
    surge_after_quarter,
)
from kamsim.world.parameters import Budget, Timeline, parameters_of

Key = tuple[int, int, int]  # both halves of the seed, and the organization: whose draws they are


class KnownAccounts(NamedTuple):
    """What is known of each account before anything is drawn; NaN where nothing is. Money in median wallets."""

    annual_spend: Floats
    wallet: Floats
    share: Floats
    fit: Floats
    trust: Floats
    growth: Floats
    volatility: Floats
    market_growth: float  # of the whole book, log a year; NaN where unknown


MOST_ORGANIZATIONS = 2**32  # an organization's number is one word of the key of its draws
LEAST_LOG_WALLET = -690.0  # what shrinks below is no nearer to nothing: wallets are divided by, and have logarithms
LEAST_KEPT = 0.05  # of its target, that a share rests at where rivals take nearly all

# Fields are read as of an agent, ``account.fit``, compiled or not.
ACCOUNT_AT_BIRTH = record_type(
    growth="f8",
    fit="f8",
    ceiling="f8",
    trust="f8",
    share="f8",
    share_base="f8",
    log_wallet="f8",
    surge_sd="f8",
    order_noise_sd="f8",
)
# Wallet in median annual wallets a quarter; orders are 1 on average; whether a rival attacks.
ACCOUNT_QUARTER = record_type(
    wallet="f8",
    orders="f8",
    attacked="?",
)
# Errors in reading growth potential, fit and trust (standard normal); a uniform behind reassignment.
ACCOUNT_READING = record_type(
    potential="f8",
    fit="f8",
    trust="f8",
    reassign="f8",
)
# A uniform behind turnover, and the skill of who would follow a KAM that leaves.
KAM_QUARTER = record_type(
    leave="f8",
    successor_skill="f8",
)


class World(NamedTuple):
    """One organization's world; arrays by quarter or year first, then account, KAM or function."""

    accounts: Records  # ACCOUNT_AT_BIRTH (accounts,)
    quarters: Records  # ACCOUNT_QUARTER (quarters, accounts)
    readings: Records  # ACCOUNT_READING (years, accounts)
    growth: Floats  # (years, accounts), of the wallet in the year, log
    need_mix: Floats  # (accounts, functions), rows add up to 1
    skill: Floats  # (KAMs,)
    tie: Floats  # (KAMs, functions), at birth
    kam_quarters: Records  # KAM_QUARTER (quarters, KAMs)
    report_draw: Floats  # (years, KAMs), error in reporting collaboration
    alignment: Floats  # (functions,), at birth
    capacity: float  # of each function, support a quarter
    hour_cost: float  # of a KAM, median wallets
    support_cost: float  # of a unit, median wallets
    market_growth: float  # as expected, log a year
    premium: float  # growth expected of key accounts over the market, a year
    prioritizes_returns: bool
    patience: int  # quota misses in a row before a rebuild
    seed_low: int  # whose world this is
    seed_high: int
    organization: int


def nothing_known(accounts: int) -> KnownAccounts:
    """A synthetic book: everything is drawn.

    Parameters
    ----------
    accounts : int
        Number of accounts.

    Returns
    -------
    KnownAccounts
        All NaN.
    """
    unknown = np.full(accounts, np.nan)
    return KnownAccounts(unknown, unknown, unknown, unknown, unknown, unknown, unknown, np.nan)


def known_from(book: Book, parameters: Numbers) -> tuple[KnownAccounts, float]:
    """What a real book tells, in median wallets, and how much money a median wallet is.

    Parameters
    ----------
    book : Book
        From `read_book`.
    parameters : record
        World section of the scenario.

    Returns
    -------
    KnownAccounts, float
        And the currency value of one median annual wallet.

    Notes
    -----
    Where neither wallet nor share is known, the median wallet is taken from the share that an account of average fit
    and trust rests at.
    """
    ceiling = share_ceiling(0.5, parameters.ceiling_base, parameters.ceiling_fit)
    resting = share_target(ceiling, parameters.trust_mean, 0.0, parameters.share_base, parameters.share_trust, 0.0)
    share = np.where(np.isnan(book.share), resting, book.share)
    wallet = np.where(np.isnan(book.wallet), book.annual_spend / share, book.wallet)
    unit = float(np.median(wallet))
    has_growth = ~np.isnan(book.growth)
    # Quotas are about money: the market grows as the book does, so large accounts weigh more.
    growth = np.average(book.growth[has_growth], weights=book.annual_spend[has_growth]) if has_growth.any() else np.nan
    least = math.exp(LEAST_LOG_WALLET)
    known = KnownAccounts(
        annual_spend=np.maximum(book.annual_spend / unit, least),
        wallet=np.maximum(book.wallet / unit, least),
        share=np.maximum(book.share, least),
        fit=book.fit,
        trust=book.trust,
        growth=book.growth,
        volatility=book.volatility,
        market_growth=float(growth),
    )
    return known, unit


@makes_results
def known_of(scenario: Scenario, book: Book | None) -> tuple[KnownAccounts, float]:
    """What is known of the accounts that a scenario plays with, and how much money a median wallet is.

    Parameters
    ----------
    scenario : Scenario
        Its world section.
    book : Book, optional
        A real account book instead of a synthetic one.

    Returns
    -------
    KnownAccounts, float
        From `nothing_known` or `known_from`.
    """
    if book is None:
        return nothing_known(scenario.world.accounts), float(scenario.world.median_wallet)
    return known_from(book, parameters_of(scenario))


def draw_world(
    seed: int, organization: int, parameters: Numbers, budget: Budget, timeline: Timeline, known: KnownAccounts
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
    room = empty_world(budget, timeline)
    drawn = draw_one_organization(low, high, organization, parameters, budget, timeline, known, room)
    # Compiled code hands back plain structured arrays: those of the room, which it has filled, read as agents.
    filled: dict[str, Any] = {name: given for name, given in room._asdict().items() if isinstance(given, np.ndarray)}
    return drawn._replace(**filled)


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
    years, accounts, kams, functions = timeline.years, budget.accounts, budget.kams, budget.functions
    return World(
        accounts=np.zeros(accounts, dtype=ACCOUNT_AT_BIRTH),
        quarters=np.zeros((4 * years, accounts), dtype=ACCOUNT_QUARTER),
        readings=np.zeros((years, accounts), dtype=ACCOUNT_READING),
        growth=np.zeros((years, accounts)),
        need_mix=np.zeros((accounts, functions)),
        skill=np.zeros(kams),
        tie=np.zeros((kams, functions)),
        kam_quarters=np.zeros((4 * years, kams), dtype=KAM_QUARTER),
        report_draw=np.zeros((years, kams)),
        alignment=np.zeros(functions),
        capacity=budget.capacity,
        hour_cost=0.0,
        support_cost=0.0,
        market_growth=0.0,
        premium=0.0,
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
    room: World,
) -> World:
    """Draw one world, as a kernel of its own."""
    return draw_organization(seed_low, seed_high, organization, parameters, budget, timeline, known, room)


@compiled
def draw_organization(
    seed_low: int,
    seed_high: int,
    organization: int,
    parameters: Numbers,
    budget: Budget,
    timeline: Timeline,
    known: KnownAccounts,
    room: World,
) -> World:
    """Draw one world into the arrays of a room; `draw_world` with the seed in halves, as kernels call it."""
    key = (seed_low, seed_high, organization)
    _accounts_at_birth(key, parameters, known, timeline.history_years, room.accounts)
    _growth_by_year(key, parameters, known, timeline.history_years, room)
    _quarters(key, parameters, room)
    _readings(key, room.readings)
    _needs(key, room.need_mix)
    _kams(key, parameters, room)
    _functions(key, parameters, room.alignment)
    premium_word, priority_word, patience_word, _ = words(seed_low, seed_high, organization, draws.ORGANIZATION, 0, 0)
    return World(
        room.accounts,
        room.quarters,
        room.readings,
        room.growth,
        room.need_mix,
        room.skill,
        room.tie,
        room.kam_quarters,
        room.report_draw,
        room.alignment,
        budget.capacity,
        parameters.hour_cost * budget.sales_per_seat,
        parameters.support_cost * budget.sales_per_seat,
        _expected_market_growth(parameters, known),
        premium_expected(parameters.premium_mean, parameters.expecting_more, normal(premium_word)),
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
def _expected_market_growth(parameters: Numbers, known: KnownAccounts) -> float:
    if math.isnan(known.market_growth):
        return float(parameters.market_growth)
    return known.market_growth


@compiled
def _accounts_at_birth(
    key: Key, parameters: Numbers, known: KnownAccounts, history_years: int, accounts: Records
) -> None:
    expected_growth = _expected_market_growth(parameters, known)
    for number in range(len(accounts)):
        account = accounts[number]
        size_word, growth_word, _, _ = words(key[0], key[1], key[2], draws.WALLET_AND_GROWTH, number, 0)
        fit_word, trust_word, habit_word, _ = words(key[0], key[1], key[2], draws.FIT_AND_TRUST, number, 0)
        account.growth = known.growth[number]
        if math.isnan(known.growth[number]):
            account.growth = expected_growth + parameters.growth_sd * normal(growth_word)
        account.trust = known.trust[number]
        if math.isnan(known.trust[number]):
            account.trust = between_bounds(
                parameters.trust_mean + parameters.trust_sd * normal(trust_word), TRUST_BOUNDS[0], TRUST_BOUNDS[1]
            )
        _settle_share(account, known, number, uniform(fit_word), normal(habit_word), normal(size_word), parameters)
        # The book tells the level at the start of the program; the years before it lead up to that.
        if not math.isnan(known.annual_spend[number]):
            account.log_wallet -= account.growth * history_years
        account.surge_sd, account.order_noise_sd = parameters.surge_sd, parameters.order_noise_sd
        volatility = known.volatility[number]
        if not math.isnan(volatility):
            account.order_noise_sd = min(parameters.order_noise_sd, volatility)
            beyond_noise = volatility * volatility - account.order_noise_sd * account.order_noise_sd
            account.surge_sd = math.sqrt(max(0.0, beyond_noise))


@compiled
def _settle_share(
    account: Any,
    known: KnownAccounts,
    number: int,
    fit_draw: float,
    habit_draw: float,
    size_draw: float,
    parameters: Numbers,
) -> None:
    """Settle fit, ceiling, habit, share and wallet of an account so that, left alone, its share rests where it is.

    What is known stays: a known share is taken for the one at which the account rests between rivals' attacks and what
    comes back, and its habit and ceiling are such that it does.
    """
    share = known.share[number]
    if math.isnan(share):
        share = known.annual_spend[number] / known.wallet[number]
    wallet = known.wallet[number]
    if math.isnan(wallet):
        wallet = known.annual_spend[number] / share
    if math.isnan(wallet):
        wallet = math.exp(parameters.wallet_sigma * size_draw)
    is_known = not math.isnan(share)
    kept = _kept_at_rest(wallet, parameters)
    account.fit = known.fit[number]
    if math.isnan(account.fit):
        # A customer that already gives us much of its wallet cannot be a poor fit.
        least = 0.0
        if is_known and share > kept * parameters.ceiling_base and parameters.ceiling_fit > 0.0:
            least = min(1.0, (share / kept - parameters.ceiling_base) / parameters.ceiling_fit)
        account.fit = compatibility(fit_draw, least)
    account.ceiling = share_ceiling(account.fit, parameters.ceiling_base, parameters.ceiling_fit)
    if is_known:
        account.ceiling = max(account.ceiling, min(1.0, share / kept))
        account.share_base = share / kept / account.ceiling - parameters.share_trust * parameters.trust_mean
        account.share = share
    else:
        account.share_base = between_bounds(
            parameters.share_base + parameters.share_base_sd * habit_draw, SHARE_BASE_BOUNDS[0], SHARE_BASE_BOUNDS[1]
        )
        target = share_target(
            account.ceiling, parameters.trust_mean, 0.0, account.share_base, parameters.share_trust, 0.0
        )
        account.share = kept * target
        if not math.isnan(known.annual_spend[number]):
            # Larger wallets draw more rivals, and the wallet follows from the share: a few rounds settle both.
            for _ in range(8):
                wallet = known.annual_spend[number] / account.share
                account.share = _kept_at_rest(wallet, parameters) * target
            wallet = known.annual_spend[number] / account.share
    account.log_wallet = math.log(wallet / 4.0)


@compiled
def _kept_at_rest(wallet: float, parameters: Numbers) -> float:
    chance = rival_chance(wallet, parameters.rival_rate, parameters.rival_exponent, parameters.rival_most)
    kept_from_one = share_after_attack(1.0, parameters.trust_mean, parameters.rival_damage)
    # Where hardly anything comes back there is no rest above nothing; an account still starts with something.
    return max(LEAST_KEPT, kept_at_rest(parameters.share_speed, chance * (1.0 - kept_from_one)))


@compiled
def _growth_by_year(key: Key, parameters: Numbers, known: KnownAccounts, history_years: int, room: World) -> None:
    growth, accounts = room.growth, room.accounts
    market = _expected_market_growth(parameters, known)
    for number in range(len(accounts)):
        # The growth that a book tells is that of the years it covers.
        first = 1 if math.isnan(known.annual_spend[number]) else history_years
        for year in range(first):
            growth[year, number] = accounts[number].growth
        for year in range(first, len(growth)):
            draw = normal(words(key[0], key[1], key[2], draws.GROWTH_OF_YEAR, number, year)[0])
            growth[year, number] = growth_after_year(
                growth[year - 1, number], market, parameters.growth_persistence, parameters.growth_sd, draw
            )


@compiled
def _quarters(key: Key, parameters: Numbers, room: World) -> None:
    accounts, quarters, growth = room.accounts, room.quarters, room.growth
    # Until it is drawn, a quarter keeps what the account comes with: its log wallet, and its surge.
    for number in range(len(accounts)):
        word = words(key[0], key[1], key[2], draws.SURGE_AT_START, number, 0)[0]
        quarters[0, number].wallet = accounts[number].log_wallet
        quarters[0, number].orders = accounts[number].surge_sd * normal(word)
    for quarter in range(len(quarters)):
        industry = normal(words(key[0], key[1], key[2], draws.INDUSTRY, 0, quarter)[0])
        last = quarter + 1 == len(quarters)
        drawn, following = quarters[quarter], quarters[quarter if last else quarter + 1]
        of_year = growth[quarter // 4]
        for number in range(len(accounts)):
            account, now, then = accounts[number], drawn[number], following[number]
            shock_word, surge_word, order_word, rival_word = words(
                key[0], key[1], key[2], draws.ACCOUNT_QUARTER, number, quarter
            )
            log_wallet = log_wallet_after_quarter(
                now.wallet,
                of_year[number],
                parameters.wallet_shock_sd,
                normal(shock_word),
                parameters.industry_shock_sd,
                industry,
            )
            surge = surge_after_quarter(now.orders, parameters.surge_persistence, account.surge_sd, normal(surge_word))
            then.wallet = log_wallet
            then.orders = surge
            now.wallet = math.exp(max(LEAST_LOG_WALLET, log_wallet))
            now.orders = orders_of_quarter(surge, account.surge_sd, account.order_noise_sd, normal(order_word))
            now.attacked = rival_attacks(
                uniform(rival_word),
                4.0 * now.wallet,
                parameters.rival_rate,
                parameters.rival_exponent,
                parameters.rival_most,
            )


@compiled
def _readings(key: Key, readings: Records) -> None:
    years, accounts = readings.shape
    for number in range(accounts):
        own = words(key[0], key[1], key[2], draws.READING_PERSISTENT, number, 0)
        own_potential, own_fit, own_trust = normal(own[0]), normal(own[1]), normal(own[2])
        for year in range(years):
            fresh = words(key[0], key[1], key[2], draws.READING_OF_YEAR, number, year)
            reading = readings[year, number]
            reading.potential = half_persistent(own_potential, normal(fresh[0]))
            reading.fit = half_persistent(own_fit, normal(fresh[1]))
            reading.trust = half_persistent(own_trust, normal(fresh[2]))
            reading.reassign = uniform(fresh[3])


@compiled
def _needs(key: Key, mix: Floats) -> None:
    """Mix of needs over functions: Dirichlet(1), as exponential draws over their sum."""
    accounts, functions = mix.shape
    for number in range(accounts):
        total = 0.0
        for function in range(functions):
            four = words(key[0], key[1], key[2], draws.NEED_MIX, number, function // 4)
            mix[number, function] = -math.log(uniform(four[function % 4]))
            total += mix[number, function]
        for function in range(functions):
            mix[number, function] /= total


@compiled
def _kams(key: Key, parameters: Numbers, room: World) -> None:
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
            leave_word, skill_word, _, _ = words(key[0], key[1], key[2], draws.KAM_QUARTER, kam, quarter)
            quarters[quarter, kam].leave = uniform(leave_word)
            quarters[quarter, kam].successor_skill = max(SKILL_LEAST, 1.0 + parameters.skill_sd * normal(skill_word))
        for year in range(len(report)):
            report[year, kam] = normal(words(key[0], key[1], key[2], draws.KAM_REPORT, kam, year)[0])
