"""A quarter in the compiled driver, step by step, as the listed plan has them (`kamsim.model.plan`)."""

import math
from typing import Any

from kamsim.compiler import compiled
from kamsim.model.behaviors import (
    begin_year,
    drift,
    felt_by,
    hours_of_kam,
    inherited_tie,
    is_lost,
    judge_service,
    learned_tie,
    lose_buyer,
    lose_manager,
    move_share,
    order,
    order_as_told,
    promised_to,
    realign,
    receive_attention,
    receive_collaboration,
    renew_contract,
    tell_need,
)
from kamsim.model.plan import History, Trace
from kamsim.model.rooms import Desk, Program
from kamsim.policy.policy import Policy
from kamsim.rules.attention import hours_of_all
from kamsim.rules.collaboration import available_support, collaboration_part, granted_fraction, support_asked
from kamsim.rules.contracts import is_renewal, part_of_pace
from kamsim.rules.costs import investment
from kamsim.rules.quota import chance_to_leave
from kamsim.types import Numbers, Places
from kamsim.world.world import World


@compiled
def present_in(
    world: World, program: Program, parameters: Numbers, desk: Desk, staying: int, year: int
) -> tuple[Places, Places]:
    """Accounts that are customers, or will come this year, by number, and the latter alone; the year begins."""
    count, accounts, born, present = staying, program.accounts, world.accounts, desk.present
    drawn = world.quarters[4 * year]
    for place in range(staying):
        number = present[place]
        begin_year(accounts[number], drawn[number].wallet, parameters)
    # Accounts come after those that came the year before.
    begin = world.first + year * world.newcomers
    if 0 < 4 * year < len(world.paid):
        # A real book names whoever comes before the launch, and nobody else does.
        count = 0
        for number in range(world.first):
            if born[number].arrives // 4 <= year:
                present[count] = number
                count += 1
        return present[:count], present[:count]
    for number in range(0 if year == 0 else begin, begin + world.newcomers):
        if born[number].arrives // 4 == year:
            present[count] = number
            count += 1
    return present[:count], present[staying:count]


@compiled
def let_accounts_arrive(
    world: World, program: Program, parameters: Numbers, coming: Places, quarter: int, tiers: int
) -> None:
    """Let new accounts in, which settle at once how often they order."""
    accounts, born, drawn = program.accounts, world.accounts, world.quarters[quarter]
    for number in coming:
        if born[number].arrives == quarter:
            account = accounts[number]
            account.alive = True
            account.tier = min(born[number].tier, tiers - 1)
            begin_year(account, drawn[number].wallet, parameters)


@compiled
def plan_attention(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    members: Places,
    handed_down: Places,
    history: History,
    quarter: int,
) -> None:
    """Let KAMs plan the quarter, beside the hours that they keep for accounts handed down."""
    accounts, skill, attention, drawn = program.accounts, program.skill, policy.attention, world.quarters[quarter]
    of_year, cost = history.accounts[quarter // 4], parameters.hour_cost * program.standing[0].seat_sales
    all_needs, kam_hours, bought = desk.load, desk.kam_hours, hours_of_kam(policy.terms, parameters)
    for kam in range(len(skill)):
        all_needs[kam] = 0.0
        kam_hours[kam] = bought
    for number in handed_down:
        account = accounts[number]
        if account.alive:
            kam_hours[account.handed_down_by] -= account.kept_hours
            of_year[number].investment += account.kept_hours * cost
    for number in members:
        account = accounts[number]
        if account.alive:
            account.weighted_need = tell_need(account, drawn[number].wallet, attention[account.tier], parameters)
            all_needs[account.kam] += account.weighted_need
    for number in members:
        account = accounts[number]
        if account.alive:
            receive_attention(
                account,
                skill[account.kam],
                kam_hours[account.kam],
                account.weighted_need,
                all_needs[account.kam],
                policy.levers.boundaries,
                parameters,
            )


@compiled
def ask_for_support(world: World, program: Program, members: Places) -> None:
    """Let KAMs ask functions for what they see that their accounts need."""
    accounts, asked, need_mix, tie = program.accounts, program.asked, world.need_mix, program.tie
    for kam in range(asked.shape[0]):
        for function in range(asked.shape[1]):
            for tier in range(asked.shape[2]):
                asked[kam, function, tier] = 0.0
    for number in members:
        account = accounts[number]
        if not account.alive:
            continue
        for function in range(need_mix.shape[1]):
            asked[account.kam, function, account.tier] += support_asked(
                account.need, need_mix[number, function], account.coverage, tie[account.kam, function]
            )


@compiled
def grant_support(world: World, program: Program, policy: Policy) -> None:
    """Let functions grant support, the highest tier first."""
    functions, all_asked, fraction = program.functions, program.asked, program.fraction
    tiers = len(policy.seats)  # the room may be for more
    for number in range(len(functions)):
        function = functions[number]
        function.available = available_support(world.capacity, function.alignment)
        function.asked = 0.0
        remaining = function.available
        for tier in range(tiers - 1, 0, -1):
            asked = 0.0
            for kam in range(len(all_asked)):
                asked += all_asked[kam, number, tier]
            fraction[number, tier] = granted_fraction(asked, remaining)
            function.asked += asked
            remaining = max(0.0, remaining - asked * fraction[number, tier])
        if policy.intervention.tiers_served_alike:
            for tier in range(1, tiers):
                fraction[number, tier] = granted_fraction(function.asked, function.available)


@compiled
def serve(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    members: Places,
    history: History,
    year: int,
) -> None:
    """Let key accounts receive service and judge it."""
    accounts, of_year, promise = program.accounts, history.accounts[year], policy.promise
    need_mix, ties, fraction = world.need_mix, program.tie, program.fraction
    standing, terms = program.standing[0], policy.terms
    hour_cost, support_cost = parameters.hour_cost * standing.seat_sales, parameters.support_cost * standing.seat_sales
    of_all = hours_of_all(terms.team_contacts, terms.contact_hours, terms.sponsor, terms.sponsor_hours)
    for number in members:
        account, this_year = accounts[number], of_year[number]
        if not account.alive:
            continue
        received, support = 0.0, 0.0
        for function in range(need_mix.shape[1]):
            mix, tie, granted = (
                need_mix[number, function],
                ties[account.kam, function],
                fraction[function, account.tier],
            )
            received += collaboration_part(mix, tie, granted)
            support += support_asked(account.need, mix, account.coverage, tie) * granted
        receive_collaboration(account, received, this_year)
        this_year.investment += investment(account.hours * of_all, hour_cost, support, support_cost)
        standing.beside += account.hours * (of_all - 1.0) * hour_cost
        promised = promised_to(account, promise[account.tier], promise[0])
        judge_service(account, promised, felt_by(account, policy.intervention), terms, parameters)


@compiled
def renew_contracts(
    world: World, program: Program, parameters: Numbers, present: Places, quarter: int, launched: bool
) -> None:
    """Let contracts be renewed, as they are or by tender; those of a real book are safe until the launch."""
    accounts, born, tenders = program.accounts, world.accounts, world.tenders[quarter // 4]
    for number in present:
        if not accounts[number].alive or not (launched or not born[number].known):
            continue
        if is_renewal(quarter, born[number].renews, parameters.contract_years):
            renew_contract(accounts[number], tenders[number].called, tenders[number].won, parameters)


@compiled
def drift_and_order(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    present: Places,
    history: History,
    quarter: int,
    launched: bool,
) -> None:
    """Let other accounts drift, and all of them order; some leave for good."""
    # No account's drift bears on another's order: one pass over the book does both.
    accounts, this_year, drawn = program.accounts, history.accounts[quarter // 4], world.quarters[quarter]
    promised, intervention, season = policy.promise[0], policy.intervention, world.season[quarter % 4]
    born, contracts, pace = world.accounts, parameters.contract_years > 0, 1.0
    sizes, uneven = world.order_sizes[quarter], parameters.order_size_sd > 0.0
    for number in present:
        account, now = accounts[number], drawn[number]
        if not account.alive:
            _stop(account)
            continue
        if account.tier == 0:
            drift(account, promised, parameters)
        if contracts:
            renews = is_renewal(quarter, born[number].renews, parameters.contract_years)
            pace = part_of_pace(renews, parameters.lock)
        move_share(account, felt_by(account, intervention), intervention.ceiling_reach, pace, parameters)
        size = sizes[number] if uneven else 0.0
        order(account, now.wallet * season, now.score, now.level, size, this_year[number], parameters)
        if (launched or not born[number].known) and is_lost(account, now.leave, parameters):
            account.alive = False


@compiled
def order_as_the_book_tells(
    world: World, program: Program, parameters: Numbers, present: Places, history: History, quarter: int
) -> None:
    """Let accounts of a real book order what it says; where it does not go back so far they order by the laws."""
    accounts, this_year, drawn = program.accounts, history.accounts[quarter // 4], world.quarters[quarter]
    born, paid, season = world.accounts, world.paid[quarter], world.season[quarter % 4]
    for number in present:
        account, now = accounts[number], drawn[number]
        if not account.alive:
            _stop(account)
        elif math.isnan(paid[number]):
            size = world.order_sizes[quarter, number]
            order(account, now.wallet * season, now.score, now.level, size, this_year[number], parameters)
        else:
            order_as_told(account, paid[number], this_year[number])
        if born[number].leaves == quarter:
            account.alive = False


@compiled
def _stop(account: Any) -> None:
    """Whoever is no customer buys nothing and is served by nobody."""
    account.spend = 0.0
    account.hours = 0.0
    account.collaboration = 0.0


@compiled
def let_kams_learn(program: Program, policy: Policy, parameters: Numbers) -> None:
    """Let ties grow or fade with asks that were honored or not."""
    ties, all_asked, fraction = program.tie, program.asked, program.fraction
    for kam in range(ties.shape[0]):
        for function in range(ties.shape[1]):
            asked, honored = 0.0, 0.0
            for tier in range(1, len(policy.seats)):
                asked += all_asked[kam, function, tier]
                honored += all_asked[kam, function, tier] * fraction[function, tier]
            ties[kam, function] = learned_tie(ties[kam, function], asked, honored, policy.levers, parameters)


@compiled
def let_kams_leave(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    members: Places,
    history: History,
    year: int,
    quarter: int,
) -> None:
    """Let KAMs leave, and successors take over."""
    accounts, skill, tie = program.accounts, program.skill, program.tie
    drawn, missed_last_year = world.kam_quarters[quarter], program.standing[0].missed_last_year
    chance = chance_to_leave(parameters.turnover, missed_last_year, parameters.turnover_after_miss)
    for kam in range(len(skill)):
        if drawn[kam].leave >= chance:
            continue
        history.departures[year, kam] += 1
        skill[kam] = drawn[kam].successor_skill
        for function in range(tie.shape[1]):
            tie[kam, function] = inherited_tie(tie[kam, function], parameters)
        for number in members:
            if accounts[number].alive and accounts[number].kam == kam:
                lose_manager(accounts[number], 1.0, policy.terms, parameters)


@compiled
def let_buyers_leave(
    world: World, program: Program, policy: Policy, parameters: Numbers, members: Places, quarter: int
) -> None:
    """Let people leave on the side of key accounts; nobody else is bound to anyone."""
    accounts, draws = program.accounts, world.buyer_leaves[quarter]
    for number in members:
        if accounts[number].alive and draws[number] < parameters.buyer_turnover:
            lose_buyer(accounts[number], policy.terms, parameters)


@compiled
def realign_functions(program: Program, policy: Policy, parameters: Numbers) -> None:
    """Let functions move toward where team, fatigue and overload pull them."""
    functions = program.functions
    for number in range(len(functions)):
        realign(functions[number], policy.levers, policy.terms, parameters)


@compiled
def note_quarter(program: Program, trace: Trace, quarter: int) -> None:
    """Note the state after a quarter."""
    for number in range(len(program.accounts)):
        account, noted = program.accounts[number], trace.accounts[quarter, number]
        noted.spend = account.spend
        noted.share = account.share
        noted.trust = account.trust
        noted.expectation = account.expectation
        noted.collaboration = account.collaboration
        noted.hours = account.hours
        noted.tier = account.tier
        noted.kam = account.kam
    for number in range(len(program.functions)):
        function, at_function = program.functions[number], trace.functions[quarter, number]
        at_function.granted = min(function.asked, function.available)
        at_function.available = function.available
        at_function.alignment = function.alignment
        for kam in range(len(program.skill)):
            trace.tie[quarter, kam, number] = program.tie[kam, number]
