"""The compiled driver: plays policies in worlds by the rules, in the order of the listed plan (`kamsim.model.plan`).

Rows of record arrays stand for agents here: ``account.trust`` reads as in the Mesa model, compiled or not. Sums run in
the same order in both drivers (accounts by number, one KAM's asks before the next KAM's), so that both agree to the
last bit. A step takes arrays out of their tuples once, before its loops: compiled code counts references each time.
"""

from typing import NamedTuple

import numpy as np

from kamsim.compiler import compiled, kernel, record_type
from kamsim.model.behaviors import (
    bargain,
    calibrate_ambition,
    drift,
    felt_by,
    growth_of_spend,
    health,
    inherited_tie,
    judge_program,
    judge_service,
    learned_tie,
    lose_manager,
    move_share,
    move_to_tier,
    moves_of_review,
    order,
    price_given,
    realign,
    receive_attention,
    receive_collaboration,
    selection_score,
    set_quota,
    tell_need,
    tire,
    worth_of_partnership,
)
from kamsim.model.plan import History, Trace, empty_history, empty_trace
from kamsim.policy.policy import Policy
from kamsim.rules.collaboration import available_support, collaboration_part, granted_fraction, support_asked
from kamsim.rules.costs import add_up, investment
from kamsim.rules.quota import chance_to_leave
from kamsim.rules.tiering import best_kam, demote_the_unhealthy, rerank_by_spend, select_anew, sorting_pull
from kamsim.types import Flags, Floats, Integers, Numbers, Records
from kamsim.world.parameters import Timeline
from kamsim.world.world import World

ACCOUNT_STATE = record_type(
    fit="f8",
    share_base="f8",
    ceiling="f8",
    trust="f8",
    share="f8",
    expectation="f8",
    ambition="f8",
    partnership="f8",
    concession="f8",
    need="f8",
    coverage="f8",
    hours="f8",
    collaboration="f8",
    spend="f8",
    tier="i8",
    kam="i8",
)
FUNCTION_STATE = record_type(
    alignment="f8",
    at_birth="f8",
    fatigue="f8",
    asked="f8",
    available="f8",
)
PROGRAM_STATE = record_type(
    quota="f8",
    streak="i8",
    rebuilds="i8",
    missed_last_year="?",
)


class Program(NamedTuple):
    """State of a program: its accounts, KAMs and functions."""

    accounts: Records  # ACCOUNT_STATE (accounts,)
    standing: Records  # PROGRAM_STATE (1,)
    skill: Floats  # (KAMs,)
    tie: Floats  # (KAMs, functions)
    asked: Floats  # (KAMs, functions, tiers), support asked in the quarter
    functions: Records  # FUNCTION_STATE (functions,)
    fraction: Floats  # (functions, tiers), of what was asked that is granted


class Desk(NamedTuple):
    """Working space of the plan and of the year-end review."""

    members: Integers
    scores: Floats
    decline: Floats
    eligible: Flags
    order: Integers
    vacant: Integers
    tier: Integers  # as it will be next year
    needs_kam: Flags
    mean_tie: Floats
    load: Floats


class Room(NamedTuple):
    """Room to play in: made by NumPy once and used for run after run, for compiled code allocates dearly."""

    program: Program
    desk: Desk


class Run(NamedTuple):
    """One policy played in one world."""

    history: History
    trace: Trace | None


def simulate(world: World, policy: Policy, parameters: Numbers, timeline: Timeline, trace: bool = False) -> Run:
    """Play a policy in a world; the same arguments give the same run.

    Parameters
    ----------
    world : World
        From `draw_world`.
    policy : Policy
        From `policy_of`.
    parameters : record
        World section of the scenario.
    timeline : Timeline
        That the world was drawn for.
    trace : bool
        Whether to keep the state after every quarter.

    Returns
    -------
    Run
        History, and the trace if asked for.
    """
    kams, (accounts, functions) = len(world.skill), world.need_mix.shape
    history = empty_history(timeline.years, accounts, kams)
    kept = empty_trace(4 * timeline.years, accounts, kams, functions) if trace else None
    room = room_for(accounts, kams, functions, len(policy.seats), int(policy.seats.sum()))
    _play_one(world, policy, parameters, timeline, room, history, kept)
    return Run(history, kept)


def room_for(accounts: int, kams: int, functions: int, tiers: int, seats: int) -> Room:
    """Room to play in.

    Parameters
    ----------
    accounts, kams, functions : int
        Sizes of the world.
    tiers, seats : int
        The most of any policy that is to be played: tiers with the standard one, and seats of all of them together.

    Returns
    -------
    Room
        For `play`, again and again, but by one thread at a time.
    """
    program = Program(
        np.zeros(accounts, dtype=ACCOUNT_STATE),
        np.zeros(1, dtype=PROGRAM_STATE),
        np.zeros(kams),
        np.zeros((kams, functions)),
        np.zeros((kams, functions, tiers)),
        np.zeros(functions, dtype=FUNCTION_STATE),
        np.zeros((functions, tiers)),
    )
    desk = Desk(
        np.zeros(seats, dtype=np.int64),
        np.zeros(accounts),
        np.zeros(accounts),
        np.zeros(accounts, dtype=np.bool_),
        np.zeros(seats, dtype=np.int64),
        np.zeros(tiers, dtype=np.int64),
        np.zeros(accounts, dtype=np.int64),
        np.zeros(accounts, dtype=np.bool_),
        np.zeros(kams),
        np.zeros(kams),
    )
    return Room(program, desk)


@kernel
def _play_one(
    world: World,
    policy: Policy,
    parameters: Numbers,
    timeline: Timeline,
    room: Room,
    history: History,
    trace: Trace | None,
) -> None:
    play(world, policy, parameters, timeline, room, history, trace)


@compiled
def play(
    world: World,
    policy: Policy,
    parameters: Numbers,
    timeline: Timeline,
    room: Room,
    history: History,
    trace: Trace | None,
) -> None:
    """Play a policy in a world, quarter by quarter, and write down its history (and its trace, if one is asked for)."""
    program, desk = room.program, _clear_desk(room.desk, policy)
    _bear(world, program, policy)
    launch_year = timeline.history_years - 1
    members = _members(program, desk)
    for year in range(len(history.years)):
        _open_books(history, year)
        for quarter in range(4 * year, 4 * year + 4):
            if year > launch_year:
                _plan_attention(world, program, policy, parameters, members, desk.load, quarter)
                _ask_for_support(world, program, members)
                _grant_support(world, program, policy)
                _serve(world, program, policy, parameters, members, history, year)
            _drift_and_order(world, program, policy, parameters, history, year, quarter)
            if year > launch_year:
                _learn(program, policy, parameters)
                _leave(world, program, parameters, members, history, year, quarter)
                _realign(program, policy, parameters)
            # Without a trace nothing of this is compiled.
            if trace is not None:
                _note_quarter(program, trace, quarter)
        _close_books(program, members, history, year)
        if year >= launch_year:
            rebuild = year > launch_year and _judge(world, program, policy, members, history, year)
            _next_tiers(world, program, policy, parameters, desk, history, year, launch_year, rebuild)
            _change_tiers(world, program, policy, parameters, desk, year, rebuild)
            members = _members(program, desk)
            _assign_kams(program, policy, parameters, desk, members)
            ratchets = year > launch_year and not rebuild
            _set_quota_and_concessions(world, program, policy, parameters, members, history, year, ratchets)


@compiled
def _clear_desk(desk: Desk, policy: Policy) -> Desk:
    """As much of the desk as the policy has seats and tiers for."""
    seats, tiers = 0, len(policy.seats)
    for tier in range(tiers):
        seats += policy.seats[tier]
    return Desk(
        desk.members[:seats],
        desk.scores,
        desk.decline,
        desk.eligible,
        desk.order[:seats],
        desk.vacant[:tiers],
        desk.tier,
        desk.needs_kam,
        desk.mean_tie,
        desk.load,
    )


@compiled
def _bear(world: World, program: Program, policy: Policy) -> None:
    standing = program.standing[0]
    standing.quota = 0.0
    standing.streak = 0
    standing.rebuilds = 0
    standing.missed_last_year = False
    accounts, at_birth, expectation = program.accounts, world.accounts, policy.promise[0]
    for number in range(len(accounts)):
        account, born = accounts[number], at_birth[number]
        account.fit = born.fit
        account.share_base = born.share_base
        account.ceiling = born.ceiling
        account.trust = born.trust
        account.share = born.share
        account.expectation = expectation
        account.ambition = 1.0
        account.partnership = 0.0
        account.concession = 0.0
        account.need = 0.0
        account.coverage = 0.0
        account.hours = 0.0
        account.collaboration = 0.0
        account.spend = 0.0
        account.tier = 0
        account.kam = -1
    functions, skill, tie = program.functions, program.skill, program.tie
    for number in range(len(functions)):
        function = functions[number]
        function.alignment = world.alignment[number]
        function.at_birth = world.alignment[number]
        function.fatigue = 0.0
        function.asked = 0.0
        function.available = 0.0
    for kam in range(len(skill)):
        skill[kam] = world.skill[kam]
        for number in range(len(functions)):
            tie[kam, number] = world.tie[kam, number]


@compiled
def _members(program: Program, desk: Desk) -> Integers:
    """Key accounts, by number."""
    count, accounts, members = 0, program.accounts, desk.members
    for number in range(len(accounts)):
        if accounts[number].tier > 0:
            members[count] = number
            count += 1
    return members[:count]


@compiled
def _open_books(history: History, year: int) -> None:
    accounts, of_program, departures = history.accounts[year], history.years[year], history.departures
    for number in range(len(accounts)):
        this_year = accounts[number]
        this_year.spend = 0.0
        this_year.expected_spend = 0.0
        this_year.collaboration = 0.0
        this_year.investment = 0.0
    of_program.quota = 0.0
    of_program.price_given = 0.0
    of_program.rebuild_cost = 0.0
    of_program.missed = False
    of_program.rebuilt = False
    for kam in range(departures.shape[1]):
        departures[year, kam] = 0


@compiled
def _total_over(history: History, year: int, members: Integers) -> float:
    total, this_year = 0.0, history.accounts[year]
    for number in members:
        total += this_year[number].spend
    return total


@compiled
def _expected_over(history: History, year: int, members: Integers) -> float:
    total, this_year = 0.0, history.accounts[year]
    for number in members:
        total += this_year[number].expected_spend
    return total


@compiled
def _plan_attention(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    members: Integers,
    weighted_need: Floats,
    quarter: int,
) -> None:
    accounts, skill, attention, drawn = program.accounts, program.skill, policy.attention, world.quarters[quarter]
    for kam in range(len(skill)):
        weighted_need[kam] = 0.0
    for number in members:
        account = accounts[number]
        tell_need(account, drawn[number].wallet, parameters)
        weighted_need[account.kam] += account.need * attention[account.tier]
    for number in members:
        account = accounts[number]
        receive_attention(account, skill[account.kam], attention[account.tier], weighted_need[account.kam], parameters)


@compiled
def _ask_for_support(world: World, program: Program, members: Integers) -> None:
    accounts, asked, need_mix, tie = program.accounts, program.asked, world.need_mix, program.tie
    for kam in range(asked.shape[0]):
        for function in range(asked.shape[1]):
            for tier in range(asked.shape[2]):
                asked[kam, function, tier] = 0.0
    for number in members:
        account = accounts[number]
        for function in range(need_mix.shape[1]):
            asked[account.kam, function, account.tier] += support_asked(
                account.need, need_mix[number, function], account.coverage, tie[account.kam, function]
            )


@compiled
def _grant_support(world: World, program: Program, policy: Policy) -> None:
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
def _serve(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    members: Integers,
    history: History,
    year: int,
) -> None:
    accounts, of_year, promise = program.accounts, history.accounts[year], policy.promise
    need_mix, ties, fraction = world.need_mix, program.tie, program.fraction
    for number in members:
        account, this_year = accounts[number], of_year[number]
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
        this_year.investment += investment(account.hours, world.hour_cost, support, world.support_cost)
        judge_service(account, promise[account.tier], felt_by(account, policy.intervention), parameters)


@compiled
def _drift_and_order(
    world: World, program: Program, policy: Policy, parameters: Numbers, history: History, year: int, quarter: int
) -> None:
    # No account's drift bears on another's order: one pass over the book does both.
    accounts, this_year, drawn = program.accounts, history.accounts[year], world.quarters[quarter]
    promised, intervention = policy.promise[0], policy.intervention
    for number in range(len(accounts)):
        account, now = accounts[number], drawn[number]
        if account.tier == 0:
            drift(account, promised, parameters)
        move_share(account, felt_by(account, intervention), intervention.ceiling_reach, now.attacked, parameters)
        order(account, now.wallet, now.orders, this_year[number])
        if account.concession > 0.0:
            history.years[year].price_given += price_given(account, now.wallet, now.orders)


@compiled
def _learn(program: Program, policy: Policy, parameters: Numbers) -> None:
    ties, all_asked, fraction = program.tie, program.asked, program.fraction
    for kam in range(ties.shape[0]):
        for function in range(ties.shape[1]):
            asked, honored = 0.0, 0.0
            for tier in range(1, len(policy.seats)):
                asked += all_asked[kam, function, tier]
                honored += all_asked[kam, function, tier] * fraction[function, tier]
            ties[kam, function] = learned_tie(ties[kam, function], asked, honored, policy.levers, parameters)


@compiled
def _leave(
    world: World, program: Program, parameters: Numbers, members: Integers, history: History, year: int, quarter: int
) -> None:
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
            if accounts[number].kam == kam:
                lose_manager(accounts[number], parameters)


@compiled
def _realign(program: Program, policy: Policy, parameters: Numbers) -> None:
    functions = program.functions
    for number in range(len(functions)):
        realign(functions[number], policy.levers, policy.terms, parameters)


@compiled
def _note_quarter(program: Program, trace: Trace, quarter: int) -> None:
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


@compiled
def _close_books(program: Program, members: Integers, history: History, year: int) -> None:
    accounts, of_year = program.accounts, history.accounts[year]
    for number in range(len(accounts)):
        account, this_year = accounts[number], of_year[number]
        this_year.tier = account.tier
        this_year.kam = account.kam
        this_year.trust = account.trust
    history.years[year].key_revenue = _total_over(history, year, members)


@compiled
def _judge(world: World, program: Program, policy: Policy, members: Integers, history: History, year: int) -> bool:
    judged = history.years[year].key_revenue
    if policy.intervention.judged_without_luck:
        judged = _expected_over(history, year, members)
    rebuild = judge_program(
        program.standing[0], history.years[year], judged, world.patience, policy.intervention, policy.terms
    )
    if rebuild:
        for number in range(len(program.functions)):
            tire(program.functions[number], policy.levers, policy.terms)
    return rebuild


@compiled
def _next_tiers(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    desk: Desk,
    history: History,
    year: int,
    launch_year: int,
    rebuild: bool,
) -> None:
    for number in range(len(program.accounts)):
        desk.needs_kam[number] = False
        desk.tier[number] = program.accounts[number].tier
    if year == launch_year or rebuild:
        _score_candidates(world, program, policy, parameters, desk, history, year)
        select_anew(desk.scores, policy.seats, desk.eligible, desk.order, desk.vacant, desk.tier)
        return
    moves = moves_of_review(len(desk.order), policy.levers, policy.terms)
    if (year - launch_year) % policy.terms.retiering_years != 0 or moves == 0:
        return
    if policy.levers.retier_by_spend:
        for number in range(len(desk.scores)):
            desk.scores[number] = history.accounts[year, number].spend
        rerank_by_spend(desk.scores, moves, policy.seats, desk.eligible, desk.order, desk.vacant, desk.tier)
        return
    _read_health(world, program, policy, parameters, desk, history, year)
    _score_candidates(world, program, policy, parameters, desk, history, year)
    demote_the_unhealthy(
        desk.decline,
        desk.scores,
        policy.terms.health_threshold,
        moves,
        policy.seats,
        desk.eligible,
        desk.order,
        desk.vacant,
        desk.tier,
    )


@compiled
def _score_candidates(
    world: World, program: Program, policy: Policy, parameters: Numbers, desk: Desk, history: History, year: int
) -> None:
    accounts, scores, this_year = program.accounts, desk.scores, history.accounts[year]
    drawn, growth, readings = world.quarters[4 * year + 3], world.growth[year], world.readings[year]
    for number in range(len(accounts)):
        scores[number] = selection_score(
            accounts[number],
            drawn[number].wallet,
            growth[number],
            this_year[number].spend,
            readings[number].potential,
            policy.levers,
            policy.terms,
            parameters,
        )


@compiled
def _read_health(
    world: World, program: Program, policy: Policy, parameters: Numbers, desk: Desk, history: History, year: int
) -> None:
    accounts, decline, readings = program.accounts, desk.decline, world.readings[year]
    earlier, this_year = history.accounts[year - 2], history.accounts[year]
    before, now = 0.0, 0.0
    for number in range(len(accounts)):
        before += earlier[number].spend
        now += this_year[number].spend
    book_growth = growth_of_spend(before, now)
    for number in range(len(accounts)):
        if accounts[number].tier > 0:
            decline[number] = -health(
                accounts[number],
                growth_of_spend(earlier[number].spend, this_year[number].spend),
                book_growth,
                readings[number].trust,
                policy.levers,
                policy.terms,
                parameters,
            )


@compiled
def _change_tiers(
    world: World, program: Program, policy: Policy, parameters: Numbers, desk: Desk, year: int, rebuild: bool
) -> None:
    accounts, readings, tiers, needs_kam = program.accounts, world.readings[year], desk.tier, desk.needs_kam
    for number in range(len(accounts)):
        account, drawn = accounts[number], readings[number]
        before, after = account.tier, tiers[number]
        if before == 0 and after == 0:
            continue
        move_to_tier(account, after, policy.terms)
        if after == 0:
            account.kam = -1
            continue
        if before == 0 or rebuild:
            calibrate_ambition(account, drawn.fit, policy.levers, policy.terms, parameters)
            account.partnership = worth_of_partnership(account, parameters)
        if before == 0:
            needs_kam[number] = True
        elif rebuild and len(program.skill) > 1 and drawn.reassign < policy.terms.rebuild_reassigned:
            lose_manager(account, parameters)
            needs_kam[number] = True


@compiled
def _assign_kams(program: Program, policy: Policy, parameters: Numbers, desk: Desk, members: Integers) -> None:
    accounts, load, needs_kam, attention = program.accounts, desk.load, desk.needs_kam, policy.attention
    top_tier = len(policy.seats) - 1
    for kam in range(len(program.skill)):
        load[kam] = 0.0
        desk.mean_tie[kam] = add_up(program.tie[kam]) / len(program.functions)
    for number in members:
        account = accounts[number]
        if not needs_kam[number]:
            load[account.kam] += attention[account.tier]
    for tier in range(top_tier, 0, -1):
        pull = sorting_pull(tier, top_tier, parameters.sorting)
        for number in members:
            account = accounts[number]
            if needs_kam[number] and account.tier == tier:
                account.kam = best_kam(desk.mean_tie, load, pull, account.kam)
                load[account.kam] += attention[tier]


@compiled
def _set_quota_and_concessions(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Numbers,
    members: Integers,
    history: History,
    year: int,
    ratchets: bool,
) -> None:
    spend_of_key = _total_over(history, year, members)
    set_quota(
        program.standing[0],
        _expected_over(history, year, members) if policy.intervention.quota_without_luck else spend_of_key,
        ratchets,
        world.market_growth,
        world.premium,
        world.prioritizes_returns,
        policy.terms,
        parameters,
    )
    accounts, this_year, concession = program.accounts, history.accounts[year], policy.concession
    for number in members:
        account = accounts[number]
        mean_spend = spend_of_key / len(members)
        bargain(account, this_year[number].spend, mean_spend, concession[account.tier], parameters)
