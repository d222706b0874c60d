"""The compiled driver: plays policies in worlds by the rules, in the order of the listed plan (`kamsim.model.plan`).

Rows of record arrays stand for agents here: ``account.trust`` reads as in the Mesa model, compiled or not. Sums run in
the same order in both drivers (accounts by number, one KAM's asks before the next KAM's), so that both agree to the
last bit.
"""

from typing import Any, NamedTuple

import numpy as np

from kamsim.compiler import compiled, kernel, record_type
from kamsim.model.plan import LEAST_SPEND, History, Trace, empty_history, empty_trace
from kamsim.policy.policy import Policy
from kamsim.rules.alignment import alignment_after_quarter, fatigue_after_quarter, fatigue_after_rebuild, overload
from kamsim.rules.attention import account_need, coverage, planned_hours
from kamsim.rules.collaboration import (
    available_support,
    collaboration_felt,
    collaboration_part,
    granted_fraction,
    support_asked,
    tie_after_departure,
    tie_after_quarter,
)
from kamsim.rules.costs import add_up, investment, rebuild_cost
from kamsim.rules.quota import (
    chance_to_leave,
    expected_premium,
    missed_in_a_row,
    next_quota,
    patience_ends,
    quota_attainment,
)
from kamsim.rules.relationship import (
    expectation_after_quarter,
    trust_after_loss,
    trust_after_service,
    trust_without_program,
    value_delivered,
)
from kamsim.rules.spend import (
    bargaining_power,
    quarter_spend,
    share_after_attack,
    share_after_quarter,
    share_target,
)
from kamsim.rules.tiering import (
    account_health,
    best_kam,
    between,
    calibrated_ambition,
    demote_the_unhealthy,
    growth_potential,
    log_growth,
    moves_allowed,
    reading,
    relieved_noise,
    rerank_by_spend,
    select_anew,
    sorting_pull,
    spend_score,
)
from kamsim.types import Flags, Floats, Integers
from kamsim.world.laws import ALIGNMENT_BOUNDS, TIE_BOUNDS
from kamsim.world.parameters import Timeline
from kamsim.world.world import World

ACCOUNT_STATE = record_type(
    trust="f8",
    share="f8",
    expectation="f8",
    ceiling="f8",
    ambition="f8",
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
    fatigue="f8",
    asked="f8",
    available="f8",
)


class Program(NamedTuple):
    """State of a program: its accounts, KAMs and functions."""

    accounts: Any  # ACCOUNT_STATE (accounts,)
    skill: Floats  # (KAMs,)
    tie: Floats  # (KAMs, functions)
    asked: Floats  # (KAMs, functions, tiers), support asked in the quarter
    functions: Any  # FUNCTION_STATE (functions,)
    fraction: Floats  # (functions, tiers), of what was asked that is granted


class Desk(NamedTuple):
    """Working space of the year-end review."""

    scores: Floats
    decline: Floats
    eligible: Flags
    order: Integers
    vacant: Integers
    tier: Integers  # as it will be next year
    needs_kam: Flags
    mean_tie: Floats
    load: Floats


class Run(NamedTuple):
    """One policy played in one world."""

    history: History
    trace: Trace | None


def simulate(world: World, policy: Policy, parameters: Any, timeline: Timeline, trace: bool = False) -> Run:
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
    accounts, functions = world.need_mix.shape
    history = empty_history(timeline.years, accounts, len(world.skill))
    kept = empty_trace(4 * timeline.years, accounts, len(world.skill), functions) if trace else None
    _play_one(world, policy, parameters, timeline, history, kept)
    return Run(history, kept)


@kernel
def _play_one(
    world: World, policy: Policy, parameters: Any, timeline: Timeline, history: History, trace: Trace | None
) -> None:
    play(world, policy, parameters, timeline, history, trace)


@compiled
def play(
    world: World, policy: Policy, parameters: Any, timeline: Timeline, history: History, trace: Trace | None
) -> None:
    """Play a policy in a world, quarter by quarter, and write down its history (and its trace, if one is asked for)."""
    program, desk = _at_birth(world, policy, parameters)
    launch_year = timeline.history_years - 1
    quota, streak, rebuilds, missed_last_year = 0.0, 0, 0, False
    members = _members(program, desk)
    for year in range(len(history.years)):
        for quarter in range(4 * year, 4 * year + 4):
            if year > launch_year:
                _plan_attention(world, program, policy, parameters, members, quarter)
                _ask_for_support(world, program, members)
                _grant_support(world, program, policy)
                _serve(world, program, policy, parameters, members, history, year)
            _drift(program, policy, parameters)
            _order(world, program, policy, parameters, history, year, quarter)
            if year > launch_year:
                _learn(program, policy, parameters)
                _leave(world, program, parameters, members, missed_last_year, history, year, quarter)
                _realign(world, program, policy, parameters)
            # Without a trace nothing of this is compiled.
            if trace is not None:
                _note_quarter(program, trace, quarter)
        _close_books(program, members, history, year)
        if year < launch_year:
            continue
        this_year = history.years[year]
        rebuild = False
        if year > launch_year:
            this_year.quota = quota
            judged = this_year.key_revenue
            if policy.twin.judged_without_luck:
                judged = _expected_over(history, year, members)
            attainment = quota_attainment(judged, quota)
            streak = missed_in_a_row(streak, attainment)
            missed_last_year = attainment < 1.0
            this_year.missed = missed_last_year
            rebuild = patience_ends(streak, world.patience) and rebuilds < policy.twin.most_rebuilds
        if rebuild:
            streak = 0
            rebuilds += 1
            this_year.rebuilt = True
            this_year.rebuild_cost = rebuild_cost(this_year.key_revenue, policy.terms.rebuild_cost_share)
            _tire(program, policy)
        _clear_desk(program, desk)
        if year == launch_year or rebuild:
            _score_candidates(world, program, policy, parameters, desk, history, year)
            select_anew(desk.scores, policy.seats, desk.eligible, desk.order, desk.vacant, desk.tier)
        elif (year - launch_year) % policy.terms.retiering_years == 0:
            _retier(world, program, policy, parameters, desk, history, year)
        _change_tiers(world, program, policy, parameters, desk, year, rebuild)
        members = _members(program, desk)
        _assign_kams(program, policy, parameters, desk, members)
        spend_of_key = _total_over(history, year, members)
        quota = next_quota(
            spend_of_key if not policy.twin.quota_without_luck else _expected_over(history, year, members),
            0.0 if year == launch_year or rebuild else quota,
            policy.terms.ratchet,
            world.market_growth,
            expected_premium(world.premium, world.prioritizes_returns, parameters.premium_elsewhere),
        )
        _set_concessions(program, policy, parameters, members, history, year, spend_of_key)


@compiled
def _at_birth(world: World, policy: Policy, parameters: Any) -> tuple[Program, Desk]:
    count, functions = world.need_mix.shape
    kams, tiers, seats = len(world.skill), len(policy.seats), 0
    for tier in range(tiers):
        seats += policy.seats[tier]
    program = Program(
        np.zeros(count, dtype=ACCOUNT_STATE),
        world.skill.copy(),
        world.tie.copy(),
        np.zeros((kams, functions, tiers)),
        np.zeros(functions, dtype=FUNCTION_STATE),
        np.ones((functions, tiers)),
    )
    for number in range(count):
        account, born = program.accounts[number], world.accounts[number]
        account.trust = born.trust
        account.share = born.share
        account.expectation = policy.promise[0]
        account.ceiling = born.ceiling
        account.ambition = 1.0
        account.kam = -1
    for number in range(functions):
        program.functions[number].alignment = world.alignment[number]
    desk = Desk(
        np.zeros(count),
        np.zeros(count),
        np.zeros(count, dtype=np.bool_),
        np.zeros(seats, dtype=np.int64),
        np.zeros(tiers, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.bool_),
        np.zeros(kams),
        np.zeros(kams),
    )
    return program, desk


@compiled
def _members(program: Program, desk: Desk) -> Integers:
    """Key accounts, by number."""
    count = 0
    members = np.empty(len(desk.order), dtype=np.int64)
    for number in range(len(program.accounts)):
        if program.accounts[number].tier > 0:
            members[count] = number
            count += 1
    return members[:count]


@compiled
def _total_over(history: History, year: int, members: Integers) -> float:
    total = 0.0
    for number in members:
        total += history.accounts[year, number].spend
    return total


@compiled
def _expected_over(history: History, year: int, members: Integers) -> float:
    total = 0.0
    for number in members:
        total += history.accounts[year, number].expected_spend
    return total


@compiled
def _plan_attention(
    world: World, program: Program, policy: Policy, parameters: Any, members: Integers, quarter: int
) -> None:
    weighted_need = np.zeros(len(program.skill))
    for number in members:
        account = program.accounts[number]
        account.need = account_need(world.quarters[quarter, number].wallet, parameters.need_exponent, account.ambition)
        weighted_need[account.kam] += account.need * policy.attention[account.tier]
    for number in members:
        account = program.accounts[number]
        account.hours = planned_hours(
            parameters.hours_per_kam, account.need, policy.attention[account.tier], weighted_need[account.kam]
        )
        account.coverage = coverage(program.skill[account.kam], account.hours, account.need)


@compiled
def _ask_for_support(world: World, program: Program, members: Integers) -> None:
    program.asked[:] = 0.0
    for number in members:
        account = program.accounts[number]
        for function in range(len(program.functions)):
            program.asked[account.kam, function, account.tier] += support_asked(
                account.need,
                world.need_mix[number, function],
                account.coverage,
                program.tie[account.kam, function],
            )


@compiled
def _grant_support(world: World, program: Program, policy: Policy) -> None:
    for number in range(len(program.functions)):
        function = program.functions[number]
        function.available = available_support(world.capacity, function.alignment)
        function.asked = 0.0
        remaining = function.available
        for tier in range(program.fraction.shape[1] - 1, 0, -1):
            asked = 0.0
            for kam in range(len(program.skill)):
                asked += program.asked[kam, number, tier]
            program.fraction[number, tier] = granted_fraction(asked, remaining)
            function.asked += asked
            remaining = max(0.0, remaining - asked * program.fraction[number, tier])
        if policy.twin.tiers_served_alike:
            program.fraction[number, 1:] = granted_fraction(function.asked, function.available)


@compiled
def _serve(
    world: World,
    program: Program,
    policy: Policy,
    parameters: Any,
    members: Integers,
    history: History,
    year: int,
) -> None:
    for number in members:
        account, this_year = program.accounts[number], history.accounts[year, number]
        received, support = 0.0, 0.0
        for function in range(len(program.functions)):
            mix, tie = world.need_mix[number, function], program.tie[account.kam, function]
            fraction = program.fraction[function, account.tier]
            received += collaboration_part(mix, tie, fraction)
            support += support_asked(account.need, mix, account.coverage, tie) * fraction
        account.collaboration = account.coverage * received
        value = value_delivered(
            world.accounts[number].fit,
            account.ambition,
            account.coverage,
            collaboration_felt(account.collaboration, policy.twin.set_collaboration),
            parameters.value_fit_exponent,
            parameters.value_ambition_exponent,
            parameters.value_attention,
            parameters.value_collaboration,
            parameters.value_joint,
        )
        account.expectation = expectation_after_quarter(
            account.expectation, policy.promise[account.tier] * account.ambition, parameters.expectation_speed
        )
        account.trust = trust_after_service(
            account.trust, value, account.expectation, parameters.trust_speed, parameters.loss_aversion
        )
        this_year.collaboration += account.collaboration / 4.0
        this_year.investment += investment(account.hours, world.hour_cost, support, world.support_cost)


@compiled
def _drift(program: Program, policy: Policy, parameters: Any) -> None:
    for number in range(len(program.accounts)):
        account = program.accounts[number]
        if account.tier == 0:
            account.expectation = expectation_after_quarter(
                account.expectation, policy.promise[0], parameters.expectation_speed
            )
            account.trust = trust_without_program(account.trust, parameters.trust_mean, parameters.trust_drift)


@compiled
def _order(
    world: World, program: Program, policy: Policy, parameters: Any, history: History, year: int, quarter: int
) -> None:
    for number in range(len(program.accounts)):
        account, drawn = program.accounts[number], world.quarters[quarter, number]
        felt = collaboration_felt(account.collaboration, policy.twin.set_collaboration) if account.tier > 0 else 0.0
        target = share_target(
            account.ceiling,
            account.trust,
            felt,
            world.accounts[number].share_base,
            parameters.share_trust,
            parameters.share_collaboration,
            policy.twin.ceiling_reach,
        )
        account.share = share_after_quarter(account.share, target, parameters.share_speed)
        if drawn.attacked:
            account.share = share_after_attack(account.share, account.trust, parameters.rival_damage)
        account.spend = quarter_spend(drawn.wallet, account.share, drawn.orders, account.concession)
        history.accounts[year, number].spend += account.spend
        history.accounts[year, number].expected_spend += quarter_spend(
            drawn.wallet, account.share, 1.0, account.concession
        )
        if account.concession > 0.0:
            list_price = quarter_spend(drawn.wallet, account.share, drawn.orders, 0.0)
            history.years[year].price_given += list_price - account.spend


@compiled
def _learn(program: Program, policy: Policy, parameters: Any) -> None:
    for kam in range(len(program.skill)):
        for function in range(len(program.functions)):
            asked, honored = 0.0, 0.0
            for tier in range(1, program.fraction.shape[1]):
                asked += program.asked[kam, function, tier]
                honored += program.asked[kam, function, tier] * program.fraction[function, tier]
            program.tie[kam, function] = tie_after_quarter(
                program.tie[kam, function],
                honored / asked if asked > 0.0 else 0.0,
                parameters.tie_learning,
                parameters.tie_decay,
                policy.levers.alignment,
                TIE_BOUNDS[0],
                TIE_BOUNDS[1],
            )


@compiled
def _leave(
    world: World,
    program: Program,
    parameters: Any,
    members: Integers,
    missed_last_year: bool,
    history: History,
    year: int,
    quarter: int,
) -> None:
    chance = chance_to_leave(parameters.turnover, missed_last_year, parameters.turnover_after_miss)
    for kam in range(len(program.skill)):
        drawn = world.kam_quarters[quarter, kam]
        if drawn.leave >= chance:
            continue
        history.departures[year, kam] += 1
        program.skill[kam] = drawn.successor_skill
        for function in range(len(program.functions)):
            program.tie[kam, function] = tie_after_departure(
                program.tie[kam, function], parameters.tie_kept, TIE_BOUNDS[0]
            )
        for number in members:
            account = program.accounts[number]
            if account.kam == kam:
                account.trust = trust_after_loss(account.trust, parameters.disruption)


@compiled
def _realign(world: World, program: Program, policy: Policy, parameters: Any) -> None:
    from_team = policy.levers.alignment * policy.terms.team_alignment
    for number in range(len(program.functions)):
        function = program.functions[number]
        function.alignment = alignment_after_quarter(
            function.alignment,
            world.alignment[number],
            from_team,
            function.fatigue,
            overload(function.asked, function.available, parameters.overload_weight),
            parameters.alignment_speed,
            ALIGNMENT_BOUNDS[0],
            ALIGNMENT_BOUNDS[1],
        )
        function.fatigue = fatigue_after_quarter(function.fatigue, parameters.fatigue_decay)


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
    for number in range(len(program.accounts)):
        account, this_year = program.accounts[number], history.accounts[year, number]
        this_year.tier = account.tier
        this_year.kam = account.kam
        this_year.trust = account.trust
    history.years[year].key_revenue = _total_over(history, year, members)


@compiled
def _tire(program: Program, policy: Policy) -> None:
    for number in range(len(program.functions)):
        function = program.functions[number]
        function.fatigue = fatigue_after_rebuild(
            function.fatigue, policy.terms.rebuild_fatigue, policy.levers.alignment, policy.terms.team_fatigue_relief
        )


@compiled
def _clear_desk(program: Program, desk: Desk) -> None:
    for number in range(len(program.accounts)):
        desk.needs_kam[number] = False
        desk.tier[number] = program.accounts[number].tier


@compiled
def _score_candidates(
    world: World, program: Program, policy: Policy, parameters: Any, desk: Desk, history: History, year: int
) -> None:
    noise = relieved_noise(parameters.observation_noise, policy.levers.alignment, policy.terms.team_noise_relief)
    for number in range(len(program.accounts)):
        account = program.accounts[number]
        potential = growth_potential(
            4.0 * world.quarters[4 * year + 3, number].wallet,
            account.ceiling,
            account.share,
            world.growth[year, number],
            parameters.growth_weight,
            parameters.least_room,
        )
        desk.scores[number] = between(
            spend_score(history.accounts[year, number].spend, LEAST_SPEND),
            reading(potential, world.readings[year, number].potential, noise),
            policy.levers.selection,
        )


@compiled
def _retier(
    world: World, program: Program, policy: Policy, parameters: Any, desk: Desk, history: History, year: int
) -> None:
    seats, levers = len(desk.order), policy.levers
    if levers.retier_by_spend:
        moves = moves_allowed(seats, 1.0, levers.retiering)
        if moves > 0:
            for number in range(len(desk.scores)):
                desk.scores[number] = history.accounts[year, number].spend
            rerank_by_spend(desk.scores, moves, policy.seats, desk.eligible, desk.order, desk.vacant, desk.tier)
        return
    moves = moves_allowed(seats, policy.terms.retiering_share, levers.retiering)
    if moves > 0:
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
def _read_health(
    world: World, program: Program, policy: Policy, parameters: Any, desk: Desk, history: History, year: int
) -> None:
    before, now = 0.0, 0.0
    for number in range(len(program.accounts)):
        before += history.accounts[year - 2, number].spend
        now += history.accounts[year, number].spend
    book_growth = log_growth(before, now, LEAST_SPEND)
    noise = relieved_noise(parameters.trust_noise, policy.levers.alignment, policy.terms.team_noise_relief)
    for number in range(len(program.accounts)):
        account = program.accounts[number]
        if account.tier > 0:
            desk.decline[number] = -account_health(
                log_growth(history.accounts[year - 2, number].spend, history.accounts[year, number].spend, LEAST_SPEND),
                book_growth,
                reading(account.trust, world.readings[year, number].trust, noise),
                policy.terms.health_growth,
                policy.terms.health_trust,
                policy.terms.sound_trust,
            )


@compiled
def _change_tiers(
    world: World, program: Program, policy: Policy, parameters: Any, desk: Desk, year: int, rebuild: bool
) -> None:
    fit_noise = between(parameters.fit_noise, parameters.fit_noise_bilateral, policy.levers.boundaries)
    for number in range(len(program.accounts)):
        account, drawn = program.accounts[number], world.readings[year, number]
        before, after = account.tier, desk.tier[number]
        if before == 0 and after == 0:
            continue
        account.tier = after
        if after < before:
            account.trust = trust_after_loss(account.trust, policy.terms.demotion_loss)
        if after == 0:
            account.kam = -1
            account.ambition = 1.0
            account.hours = 0.0
            account.collaboration = 0.0
            account.concession = 0.0
            continue
        if before == 0 or rebuild:
            account.ambition = calibrated_ambition(
                reading(world.accounts[number].fit, drawn.fit, fit_noise),
                policy.levers.boundaries,
                policy.terms.ambition_slope,
                policy.terms.ambition_least,
                policy.terms.ambition_most,
            )
        if before == 0:
            desk.needs_kam[number] = True
        elif rebuild and len(program.skill) > 1 and drawn.reassign < policy.terms.rebuild_reassigned:
            account.trust = trust_after_loss(account.trust, parameters.disruption)
            desk.needs_kam[number] = True


@compiled
def _assign_kams(program: Program, policy: Policy, parameters: Any, desk: Desk, members: Integers) -> None:
    top_tier = len(policy.seats) - 1
    for kam in range(len(program.skill)):
        desk.load[kam] = 0.0
        desk.mean_tie[kam] = add_up(program.tie[kam]) / len(program.functions)
    for number in members:
        account = program.accounts[number]
        if not desk.needs_kam[number]:
            desk.load[account.kam] += policy.attention[account.tier]
    for tier in range(top_tier, 0, -1):
        pull = sorting_pull(tier, top_tier, parameters.sorting)
        for number in members:
            account = program.accounts[number]
            if desk.needs_kam[number] and account.tier == tier:
                account.kam = best_kam(desk.mean_tie, desk.load, pull, account.kam)
                desk.load[account.kam] += policy.attention[tier]


@compiled
def _set_concessions(
    program: Program,
    policy: Policy,
    parameters: Any,
    members: Integers,
    history: History,
    year: int,
    spend_of_key: float,
) -> None:
    for number in members:
        account = program.accounts[number]
        account.concession = policy.concession[account.tier] * bargaining_power(
            history.accounts[year, number].spend,
            spend_of_key / len(members),
            parameters.bargaining_base,
            parameters.bargaining_slope,
            parameters.bargaining_most,
        )
