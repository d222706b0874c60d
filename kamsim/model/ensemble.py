"""The compiled driver: plays policies in worlds by the rules, in the order of the listed plan (`kamsim.model.plan`).

Rows of record arrays stand for agents here: ``account.trust`` reads as in the Mesa model, compiled or not. Sums run in
the same order in both drivers (accounts by number, one KAM's asks before the next KAM's), so that both agree to the
last bit. A step takes arrays out of their tuples once, before its loops: compiled code counts references each time.
"""

from typing import NamedTuple

from kamsim.compiler import compiled, kernel
from kamsim.model.behaviors import adopted_levers, adopts_any, go_on_with_pilot
from kamsim.model.plan import History, Trace, empty_history, empty_trace
from kamsim.model.quarters import (
    ask_for_support,
    drift_and_order,
    grant_support,
    let_accounts_arrive,
    let_buyers_leave,
    let_kams_learn,
    let_kams_leave,
    note_quarter,
    order_as_the_book_tells,
    plan_attention,
    present_in,
    realign_functions,
    renew_contracts,
    serve,
)
from kamsim.model.rooms import Program, Room, clear_desk, room_for
from kamsim.model.year_ends import (
    assign_kams,
    calibrate,
    change_tiers,
    close_books,
    handed_down_in,
    judge,
    keep_to_capacity,
    members_of,
    next_tiers,
    open_books,
    pay_for_idle,
    set_next_quota,
    settle_prices,
)
from kamsim.policy.policy import Policy
from kamsim.rules.tiering import NO_CUSTOMER, mean_of_largest
from kamsim.types import Numbers
from kamsim.world.parameters import Timeline
from kamsim.world.world import World


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
    room = room_for(accounts, kams, functions, len(policy.seats), int(policy.seats.sum()), world.seats)
    _play_one(world, policy, parameters, timeline, room, history, kept)
    return Run(history, kept)


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
    program, desk = room.program, clear_desk(room.desk, policy)
    _bear(world, program, policy, parameters)
    launch_year = timeline.history_years - 1
    members = handed_down = desk.members[:0]
    present = desk.present[:0]
    for year in range(len(history.years)):
        open_books(world, history, year)
        present, coming = present_in(world, program, parameters, desk, len(present), year)
        for quarter in range(4 * year, 4 * year + 4):
            let_accounts_arrive(world, program, parameters, coming, quarter, len(policy.promise))
            if year > launch_year:
                plan_attention(world, program, policy, parameters, desk, members, handed_down, history, quarter)
                ask_for_support(world, program, members)
                grant_support(world, program, policy)
                serve(world, program, policy, parameters, members, history, year)
            starts = year > launch_year
            if parameters.contract_years > 0:
                renew_contracts(world, program, parameters, present, quarter, starts)
            if quarter < len(world.paid):
                order_as_the_book_tells(world, program, parameters, present, history, quarter)
            else:
                drift_and_order(world, program, policy, parameters, present, history, quarter, starts)
            if year > launch_year:
                let_kams_learn(program, policy, parameters)
                let_kams_leave(world, program, policy, parameters, members, history, year, quarter)
                if parameters.buyer_turnover > 0.0:
                    let_buyers_leave(world, program, policy, parameters, members, quarter)
                realign_functions(program, policy, parameters)
            # Without a trace nothing of this is compiled.
            if trace is not None:
                note_quarter(program, trace, quarter)
        present = close_books(world, program, policy, parameters, desk, members, present, history, year)
        if year > launch_year:
            pay_for_idle(world, program, policy, parameters, desk, history, year)
        large = mean_of_largest(desk.spend[: len(present)], desk.largest)
        if year >= launch_year:
            if year == launch_year:
                program.standing[0].seat_sales = large
            rebuild = year > launch_year and judge(world, program, policy, members, history, year)
            if rebuild and adopts_any(policy.terms):
                policy = Policy(
                    adopted_levers(policy.levers, policy.terms),
                    policy.intervention,
                    policy.terms,
                    policy.seats,
                    policy.attention,
                    policy.promise,
                    policy.concession,
                )
            follows = year > launch_year and not rebuild and go_on_with_pilot(program.standing[0], history.years[year])
            next_tiers(world, program, policy, parameters, desk, present, history, year, launch_year, rebuild, follows)
            # What follows a pilot is the rest of the same rebuild.
            rebuild = rebuild or follows
            if policy.terms.elevation_capacity_check > 0.0:
                keep_to_capacity(world, program, policy, parameters, desk, present, year, rebuild)
            change_tiers(world, program, policy, parameters, desk, present, history, year, rebuild)
            members = members_of(desk, present)
            handed_down = handed_down_in(program, desk, present)
            calibrate(world, program, policy, parameters, desk, members, year, rebuild)
            assign_kams(program, policy, parameters, desk, members)
            ratchets = year > launch_year and not rebuild
            set_next_quota(world, program, policy, parameters, members, history, year, ratchets)
        settle_prices(world, program, policy, parameters, present, history, year, large, year > launch_year)


@compiled
def _bear(world: World, program: Program, policy: Policy, parameters: Numbers) -> None:
    standing = program.standing[0]
    standing.quota = 0.0
    standing.streak = 0
    standing.rebuilds = 0
    standing.missed_last_year = False
    standing.seat_sales = 0.0
    standing.beside = 0.0
    standing.pilot = 0
    accounts, at_birth = program.accounts, world.accounts
    for number in range(len(accounts)):
        account, born = accounts[number], at_birth[number]
        key = born.tier > 0
        account.share_base = born.share_base
        account.ceiling = born.ceiling
        account.cost = born.cost
        account.will = born.will
        account.will_told = born.will_told
        account.partnership = born.partnership
        account.pace = born.orders
        account.trust = born.trust
        account.bond = parameters.bond_today if key else 0.0
        account.share = born.share
        account.expectation = policy.promise[min(born.tier, len(policy.promise) - 1)]
        account.ambition = 1.0
        account.effort = 1.0
        account.concession = born.concession
        account.worn = 0.0
        account.conceded = 0.0
        account.need = 0.0
        account.weighted_need = 0.0
        account.coverage = 0.0
        account.hours = 0.0
        account.kept_hours = 0.0
        account.collaboration = 0.0
        account.spend = 0.0
        account.alive = False
        account.tier = NO_CUSTOMER
        account.kam = born.manager if key else -1
        account.handed_down_by = -1
        account.notice = 0
        account.warned = False
        account.needs_kam = False
        account.opened = False
        account.once_more = False
        account.admitted = False
        account.on_trial = 0
        account.served = 1.0
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
