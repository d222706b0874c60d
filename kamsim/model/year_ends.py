"""A year's end in the compiled driver, step by step, as the listed plan has them (`kamsim.model.plan`)."""

import math

from kamsim.compiler import compiled
from kamsim.model.behaviors import (
    begin_trial,
    calibrate_ambition,
    close_year,
    elevations_of,
    end_trial,
    give_time_to_recover,
    heed_notice,
    hours_of_kam,
    is_renewed,
    judge_program,
    lose_manager,
    move_to_tier,
    moves_of_review,
    pay_budget,
    pays_for_idle,
    receive_rebate,
    set_quota,
    settle_price,
    tire,
)
from kamsim.model.plan import History
from kamsim.model.quarters import _stop
from kamsim.model.readings import (
    CRITERIA,
    capacity_slack,
    criterion_read,
    expected_need,
    fit_read,
    health,
    margin_read,
    promise_of_plan,
    score_at_launch,
    selection_score,
    usual_sales,
    weighs_criteria,
    weight_of,
)
from kamsim.model.rooms import Desk, Program
from kamsim.policy.policy import Policy
from kamsim.rules.collaboration import available_support
from kamsim.rules.costs import add_up
from kamsim.rules.elevation import add_ranks, keep_within_capacity
from kamsim.rules.quota import sum_of_plans
from kamsim.rules.tiering import (
    LEAVING,
    NO_CUSTOMER,
    best_kam,
    fill_vacant_seats,
    middle,
    open_places,
    rerank_by_spend,
    seat_beside_notices,
    select_anew,
    sorting_pull,
    step_down_the_unhealthy,
)
from kamsim.types import Floats, Numbers, Places
from kamsim.world.world import World


@compiled
def members_of(desk: Desk, present: Places) -> Places:
    """Key accounts of the next year, by number."""
    count, tier, members = 0, desk.tier, desk.members
    for place in range(len(present)):
        if tier[place] > 0:
            members[count] = present[place]
            count += 1
    return members[:count]


@compiled
def handed_down_in(program: Program, desk: Desk, present: Places) -> Places:
    """Accounts that their former KAM keeps some hours for, by number."""
    count, accounts, handed_down = 0, program.accounts, desk.handed_down
    for number in present:
        if accounts[number].kept_hours > 0.0:
            handed_down[count] = number
            count += 1
    return handed_down[:count]


@compiled
def open_books(world: World, history: History, year: int) -> None:
    """Begin a year with nothing sold and nobody there; whoever comes later is not in the books anyway."""
    accounts, of_program, departures = history.accounts[year], history.years[year], history.departures
    for number in range(world.first + (year + 1) * world.newcomers):
        this_year = accounts[number]
        this_year.spend = 0.0
        this_year.expected_spend = 0.0
        this_year.listed = 0.0
        this_year.trust = 0.0
        this_year.tier = NO_CUSTOMER
        this_year.kam = -1
        this_year.cost_to_serve = 0.0
        this_year.collaboration = 0.0
        this_year.investment = 0.0
        this_year.risk = 0.0
    of_program.quota = 0.0
    of_program.elevation_cost = 0.0
    of_program.handover_cost = 0.0
    of_program.idle_cost = 0.0
    of_program.missed = False
    of_program.rebuilt = False
    for kam in range(departures.shape[1]):
        departures[year, kam] = 0


@compiled
def total_over(amounts: Floats, members: Places) -> float:
    """Sum of the amounts of some accounts, by number."""
    total = 0.0
    for number in members:
        total += amounts[number]
    return total


@compiled
def close_books(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    members: Places,
    present: Places,
    history: History,
    year: int,
) -> Places:
    """Note what the year came to; who has left is no customer from now on. Say who stays, and what they spent."""
    accounts, of_year, spend, staying = program.accounts, history.accounts[year], desk.spend, 0
    rebates = policy.terms.rebate > 0.0 and len(members) > 0
    for number in present:
        account, this_year = accounts[number], of_year[number]
        this_year.tier = account.tier
        this_year.kam = account.kam
        this_year.trust = account.trust
        close_year(account, this_year, parameters)
        # Whoever was no customer the year before, or is none any more, has grown nothing.
        if rebates and account.tier > 0 and account.alive and world.accounts[number].arrives // 4 != year:
            listed_before = history.accounts[year - 1, number].listed
            receive_rebate(account, this_year, listed_before, policy.terms, parameters)
        if account.alive:
            present[staying] = number
            spend[staying] = this_year.spend
            staying += 1
            continue
        account.tier = NO_CUSTOMER
        account.kam = -1
        account.kept_hours = 0.0
        _stop(account)
    history.years[year].key_revenue = total_over(of_year["spend"], members)
    return present[:staying]


@compiled
def judge(world: World, program: Program, policy: Policy, members: Places, history: History, year: int) -> bool:
    """Compare revenue with the quota; say whether the program is rebuilt."""
    judged = history.years[year].key_revenue
    if policy.intervention.judged_without_luck:
        judged = total_over(history.accounts[year]["expected_spend"], members)
    rebuild = judge_program(
        program.standing[0], history.years[year], judged, world.patience, policy.intervention, policy.terms
    )
    if rebuild:
        for number in range(len(program.functions)):
            tire(program.functions[number], policy.levers, policy.terms)
    return rebuild


@compiled
def pay_for_idle(
    world: World, program: Program, policy: Policy, parameters: Numbers, desk: Desk, history: History, year: int
) -> None:
    """Pay for what the budget bought and no account used; without places there is no program, and no budget."""
    if len(desk.order) > 0 and pays_for_idle(policy.terms) > 0.0:
        pay_budget(
            program.standing[0],
            history.years[year],
            len(program.skill),
            len(program.functions) * world.capacity,
            add_up(history.accounts[year]["investment"]),
            policy.terms,
            parameters,
        )
    program.standing[0].beside = 0.0


@compiled
def next_tiers(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    present: Places,
    history: History,
    year: int,
    launch_year: int,
    rebuild: bool,
    follows: bool,
) -> None:
    """Settle on the desk who is key next year; ``follows`` is whether the rest follows a pilot."""
    accounts, count, members = program.accounts, len(present), 0
    any_warned, any_ends, any_due = False, False, False
    tier, eligible, scores, order = desk.tier[:count], desk.eligible[:count], desk.scores[:count], desk.order
    for place in range(count):
        account = accounts[present[place]]
        tier[place] = account.tier
        # At the launch all are selected anew, and those who are key today may be more than there are places.
        if account.tier > 0 and year > launch_year:
            desk.held[members] = place
            members += 1
            any_warned = any_warned or account.warned
            any_ends = any_ends or account.notice == 1
            any_due = any_due or account.on_trial == 1
    if len(order) == 0:
        # Without places whoever is key today is so no more.
        for place in range(count):
            tier[place] = min(tier[place], 0)
        return
    anew = year == launch_year or rebuild or follows
    moves = moves_of_review(len(order), policy.levers, policy.terms)
    reviews = not anew and moves > 0 and (year - launch_year) % policy.terms.retiering_years == 0
    by_spend = policy.levers.retier_by_spend
    may_elevate = policy.terms.elevation_capacity_check > 0.0 if by_spend else any_warned
    # Scores are dear: candidates are read where a seat is free, or may come to be.
    if anew or members < len(order) or any_ends or any_due or (reviews and may_elevate):
        # Ranked by spend, members may make way and be candidates for a free seat at once.
        members_too = anew or any_ends or (reviews and by_spend)
        if weighs_criteria(policy.terms):
            _score_by_criteria(world, program, policy, parameters, desk, present, year, members_too)
        else:
            _score_candidates(world, program, policy, parameters, desk, present, year, members_too)
    if year == launch_year:
        for place in range(count):
            scores[place] = score_at_launch(scores[place], tier[place], policy.terms)
        select_anew(scores, policy.seats, eligible, order, desk.vacant, tier)
        return
    held = desk.held[:members]
    if not anew and (any_due or (reviews and not by_spend)):
        _read_health(world, program, policy, parameters, desk, present, held, history, year)
    # A rebuild reads nobody's health: who is on trial stays so for a year more.
    if not anew and policy.terms.elevation_incubator_years > 0:
        _end_trials(program, policy, desk, present, held)
    if anew:
        _open_places(program, policy, desk, present, follows)
    elif reviews:
        if by_spend:
            rerank_by_spend(desk.spend[:count], moves, policy.seats, eligible, order, desk.vacant, tier)
        else:
            _review_health(program, policy, desk, present, held, moves)
    fill_vacant_seats(scores, policy.seats, eligible, order, desk.vacant, tier)
    if policy.terms.notice_years > 0:
        _give_notice(program, policy, desk, present, anew, reviews)
    if any_due:
        for place in held:
            if tier[place] == LEAVING:
                tier[place] = 0


@compiled
def _open_places(program: Program, policy: Policy, desk: Desk, present: Places, follows: bool) -> None:
    """Open the places that a rebuild selects anew, or those that a pilot had left alone."""
    accounts, tier, count = program.accounts, desk.tier, len(present)
    if not follows:
        open_places(
            desk.scores[:count], policy.terms.rebuild_part, desk.eligible[:count], desk.order, desk.tier[:count]
        )
    for place in range(count):
        account = accounts[present[place]]
        if follows:
            account.opened = tier[place] > 0 and not account.opened
            tier[place] = 0 if account.opened else tier[place]
        else:
            account.opened = desk.eligible[place]


@compiled
def _give_notice(program: Program, policy: Policy, desk: Desk, present: Places, anew: bool, reviews: bool) -> None:
    """Let members stay who are only told to go, and those go whose notice ends; who came for them has to wait."""
    accounts, count = program.accounts, len(present)
    tier, eligible, scores = desk.tier[:count], desk.eligible[:count], desk.scores[:count]
    by_spend = reviews and policy.levers.retier_by_spend
    for place in range(count):
        account = accounts[present[place]]
        eligible[place] = False
        if account.tier == 0:
            tier[place] = 0
            continue
        tier[place] = heed_notice(account, tier[place], anew or reviews, policy.terms)
        if by_spend or is_renewed(account, anew):
            eligible[place] = account.notice == 0 and tier[place] > 0
    ranks = desk.spend[:count] if by_spend else scores
    seat_beside_notices(ranks, scores, policy.seats, eligible, desk.order, desk.vacant, tier)


@compiled
def _score_candidates(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    present: Places,
    year: int,
    members_too: bool,
) -> None:
    accounts, scores, spend, tier = program.accounts, desk.scores, desk.spend, desk.tier
    drawn, readings = world.quarters[4 * year + 3], world.readings[year]
    for place in range(len(present)):
        number = present[place]
        if members_too or tier[place] == 0:
            scores[place] = selection_score(
                accounts[number],
                drawn[number].wallet,
                spend[place],
                readings[number].potential,
                readings[number].cost,
                policy.levers,
                parameters,
            )


@compiled
def _score_by_criteria(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    present: Places,
    year: int,
    members_too: bool,
) -> None:
    """Score candidates by a selection matrix: ranks by each criterion, times its weight."""
    accounts, born, spend, tier, count = program.accounts, world.accounts, desk.spend, desk.tier, len(present)
    drawn, readings = world.quarters[4 * year + 3], world.readings[year]
    candidate, values, scores = desk.eligible[:count], desk.criterion[:count], desk.scores[:count]
    for place in range(count):
        candidate[place] = members_too or tier[place] == 0
        scores[place] = 0.0
    for criterion in range(CRITERIA):
        weight = weight_of(criterion, policy.terms)
        if weight == 0.0:
            continue
        for place in range(count):
            if candidate[place]:
                number = present[place]
                values[place] = criterion_read(
                    criterion,
                    accounts[number],
                    born[number].fit,
                    drawn[number].wallet,
                    spend[place],
                    readings[number],
                    policy.levers,
                    parameters,
                )
        add_ranks(values, candidate, weight, desk.ordered, scores)


@compiled
def keep_to_capacity(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    present: Places,
    year: int,
    anew: bool,
) -> None:
    """Leave places empty whose accounts would need more than what is committed."""
    accounts, functions, tie, count = program.accounts, program.functions, program.tie, len(present)
    drawn, need, stays = world.quarters[4 * year + 3], desk.need[:count], desk.stays[:count]
    for place in range(count):
        number = present[place]
        stays[place] = accounts[number].tier > 0 and not is_renewed(accounts[number], anew)
        if desk.tier[place] > 0:
            need[place] = expected_need(drawn[number].wallet, parameters)
    support, ties = 0.0, 0.0
    for number in range(len(functions)):
        support += available_support(world.capacity, functions[number].alignment)
    for kam in range(len(tie)):
        ties += add_up(tie[kam])
    keep_within_capacity(
        desk.scores[:count],
        need,
        stays,
        policy.attention,
        ties / (len(tie) * len(functions)),
        len(tie) * hours_of_kam(policy.terms, parameters),
        support,
        capacity_slack(policy.levers, policy.terms),
        policy.terms.elevation_capacity_check,
        desk.eligible[:count],
        desk.order,
        desk.tier[:count],
    )


@compiled
def _read_health(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    present: Places,
    held: Places,
    history: History,
    year: int,
) -> None:
    """Read the health of members, as minus how far they decline."""
    accounts, readings = program.accounts, world.readings[year]
    margins, decline = desk.margins[: len(held)], desk.decline
    last_year, this_year = history.accounts[year - 1], history.accounts[year]
    for member in range(len(held)):
        place = held[member]
        number = present[place]
        decline[place] = margin_read(
            accounts[number],
            last_year[number],
            this_year[number],
            readings[number].cost,
            policy.levers,
            parameters,
        )
        margins[member] = decline[place]
    usual = middle(margins)
    for place in held:
        number = present[place]
        decline[place] = -health(
            accounts[number],
            decline[place],
            usual,
            readings[number].trust,
            policy.levers,
            policy.terms,
            parameters,
        )


@compiled
def _end_trials(program: Program, policy: Policy, desk: Desk, present: Places, held: Places) -> None:
    """Let accounts in that are on trial, keep them there, or let them go, where others would take their place."""
    accounts, tier, spare = program.accounts, desk.tier, -len(desk.order)
    for place in range(len(present)):
        if tier[place] >= 0:
            spare += 1
    for place in held:
        account = accounts[present[place]]
        if account.on_trial > 0 and end_trial(account, -desk.decline[place], spare > 0, policy.terms):
            spare -= 1
            tier[place] = LEAVING


@compiled
def _review_health(program: Program, policy: Policy, desk: Desk, present: Places, held: Places, moves: int) -> None:
    """Let the unhealthy step down if they had a year to recover, or give them one; not those on trial."""
    accounts, count, threshold = program.accounts, len(present), policy.terms.health_threshold
    decline, warned, tier = desk.decline[:count], desk.warned[:count], desk.tier[:count]
    for place in held:
        account = accounts[present[place]]
        warned[place] = account.warned
        if account.on_trial > 0:
            decline[place] = math.inf
    step_down_the_unhealthy(
        decline,
        warned,
        desk.scores[:count],
        threshold,
        moves,
        policy.seats,
        desk.eligible[:count],
        desk.order,
        desk.vacant,
        tier,
    )
    for place in held:
        account = accounts[present[place]]
        account.warned = tier[place] == account.tier and account.on_trial == 0 and -decline[place] < threshold
        give_time_to_recover(account, account.warned, policy.levers, policy.terms)


@compiled
def change_tiers(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    present: Places,
    history: History,
    year: int,
    rebuild: bool,
) -> None:
    """Elevate, keep and demote accounts, and count what that costs."""
    accounts, readings, tiers = program.accounts, world.readings[year], desk.tier
    elevated, admitted, handed_over = 0, 0, 0
    for place in range(len(present)):
        account, drawn = accounts[present[place]], readings[present[place]]
        before, after = account.tier, tiers[place]
        if before == 0 and after == 0:
            account.kept_hours = 0.0
            continue
        account.needs_kam = False
        if account.admitted:
            account.admitted = False
            admitted += 1 if after > 0 else 0
        if after == 0:
            account.warned = False
            account.handed_down_by = account.kam
            move_to_tier(account, after, policy.promise[0], policy.terms, parameters)
            account.kam = -1
            handed_over += 1
            continue
        move_to_tier(account, after, policy.promise[after], policy.terms, parameters)
        renewed = is_renewed(account, rebuild)
        if renewed or before == 0:
            account.warned = False
            account.effort = 1.0
        if before == 0:
            account.opened = True
            account.needs_kam = True
            elevated += 1
            begin_trial(account, policy.terms)
        elif renewed and len(program.skill) > 1 and drawn.reassign < policy.terms.rebuild_reassigned:
            lose_manager(account, parameters.handover, policy.terms, parameters)
            account.needs_kam = True
            handed_over += 1
    seat_sales, of_program = program.standing[0].seat_sales, history.years[year]
    of_program.elevation_cost = elevations_of(elevated, admitted, policy.terms) * parameters.elevation_cost * seat_sales
    of_program.handover_cost = handed_over * parameters.handover_cost * seat_sales


@compiled
def calibrate(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    members: Places,
    year: int,
    rebuild: bool,
) -> None:
    """Set the ambition of partnerships that are new, or renewed by a rebuild, against the mean of all members."""
    accounts, born, readings, mean = program.accounts, world.accounts, world.readings[year], 0.0
    for number in members:
        mean += fit_read(born[number].fit, readings[number].fit, policy.levers, parameters) / len(members)
    for number in members:
        account = accounts[number]
        if is_renewed(account, rebuild) or account.kam < 0:
            fit = fit_read(born[number].fit, readings[number].fit, policy.levers, parameters)
            calibrate_ambition(account, fit, mean, policy.levers, policy.terms)


@compiled
def assign_kams(program: Program, policy: Policy, parameters: Numbers, desk: Desk, members: Places) -> None:
    """Give a KAM to accounts that need one, the higher tier first."""
    accounts, load, attention = program.accounts, desk.load, policy.attention
    top_tier = len(policy.seats) - 1
    for kam in range(len(program.skill)):
        load[kam] = 0.0
        desk.mean_tie[kam] = add_up(program.tie[kam]) / len(program.functions)
    for number in members:
        account = accounts[number]
        if not account.needs_kam:
            load[account.kam] += attention[account.tier]
    for tier in range(top_tier, 0, -1):
        pull = sorting_pull(tier, top_tier, parameters.sorting)
        for number in members:
            account = accounts[number]
            if account.needs_kam and account.tier == tier:
                account.kam = best_kam(desk.mean_tie, load, pull, account.kam)
                load[account.kam] += attention[tier]


@compiled
def set_next_quota(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    members: Places,
    history: History,
    year: int,
    ratchets: bool,
) -> None:
    """Set next year's quota on the accounts that are key now."""
    set_quota(
        program.standing[0],
        _quota_base(world, program, policy, parameters, members, history, year),
        ratchets,
        world.market_growth,
        world.premium,
        world.prioritizes_returns,
        policy.terms,
        parameters,
    )


@compiled
def _quota_base(
    world: World, program: Program, policy: Policy, parameters: Numbers, members: Places, history: History, year: int
) -> float:
    """Sales of the accounts that are key now, over the years the quota looks at, or what their plans make of them."""
    accounts, books, readings, terms = program.accounts, history.accounts, world.readings[year], policy.terms
    without_luck = policy.intervention.quota_without_luck
    sales, planned, mean_promise = 0.0, 0.0, 0.0
    for number in members:
        usual = usual_sales(books, number, year, terms.quota_years, without_luck)
        sales += usual
        if terms.quota_by_potential > 0.0:
            promise = promise_of_plan(accounts[number], readings[number].potential, policy.levers, parameters)
            planned += usual * promise
            mean_promise += promise / len(members)
    if mean_promise > 0.0:
        sales = sum_of_plans(sales, planned, mean_promise, terms.quota_by_potential)
    return sales


@compiled
def settle_prices(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    present: Places,
    history: History,
    year: int,
    mean_of_large: float,
    launched: bool,
) -> None:
    """Settle the price of every account for next year."""
    accounts, born, this_year, concession = program.accounts, world.accounts, history.accounts[year], policy.concession
    for number in present:
        account = accounts[number]
        # An account in its first year has nothing to bargain with.
        counted = year == 0 or born[number].arrives // 4 != year
        spend = this_year[number].spend if counted else 0.0
        settle_price(account, spend, mean_of_large, concession[account.tier], launched, parameters)
