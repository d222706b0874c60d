"""Where a policy is played: rows of record arrays that stand for agents, and the desk that a year-end works at."""

from typing import NamedTuple

import numpy as np

from kamsim.compiler import compiled, record_type
from kamsim.policy.policy import Policy
from kamsim.types import Flags, Floats, Integers, Places, Records

ACCOUNT_STATE = record_type(
    trust="f8",
    share="f8",
    expectation="f8",
    share_base="f8",
    ceiling="f8",
    concession="f8",
    orders="f8",
    orders_root="f8",
    order_part="f8",
    order_bend="f8",
    no_order="f8",
    hazard="f8",
    spend="f8",
    tier="i8",
    alive="?",
    # From here on what is of key accounts, or of the year's end.
    cost="f8",
    will="f8",
    will_told="f8",
    partnership="f8",
    pace="f8",
    bond="f8",
    ambition="f8",
    effort="f8",
    worn="f8",
    conceded="f8",
    need="f8",
    weighted_need="f8",
    coverage="f8",
    hours="f8",
    kept_hours="f8",
    collaboration="f8",
    kam="i8",
    handed_down_by="i8",
    notice="i8",  # years left before it leaves the program
    warned="?",  # by the review before
    needs_kam="?",
    opened="?",  # its place, by the last rebuild; or it came since
    once_more="?",
    admitted="?",
    on_trial="i8",
    served="f8",
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
    seat_sales="f8",
    beside="f8",  # paid this year for account teams and sponsors
    pilot="i8",  # years left of one
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

    present: Places  # accounts that are customers at some time of the year, by number; at its end, that stay
    members: Places
    handed_down: Places
    held: Places  # places of members among those that stay
    # Of those that stay, in their order: a year's end looks at nobody else.
    spend: Floats  # of the year
    scores: Floats
    decline: Floats
    criterion: Floats
    ordered: Floats
    need: Floats
    eligible: Flags
    warned: Flags
    stays: Flags
    tier: Integers  # as it will be next year
    margins: Floats  # of members, in no order
    order: Integers
    largest: Floats
    vacant: Integers
    mean_tie: Floats
    load: Floats
    kam_hours: Floats


class Room(NamedTuple):
    """Room to play in: made by NumPy once and used for run after run, for compiled code allocates dearly."""

    program: Program
    desk: Desk


def room_for(accounts: int, kams: int, functions: int, tiers: int, seats: int, largest: int) -> Room:
    """Room to play in.

    Parameters
    ----------
    accounts, kams, functions : int
        Sizes of the world.
    tiers, seats : int
        The most of any policy that is to be played: tiers with the standard one, and seats of all of them together.
    largest : int
        How many accounts count as the largest.

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
        np.zeros(accounts, dtype=np.uint64),
        np.zeros(seats, dtype=np.uint64),
        np.zeros(seats, dtype=np.uint64),
        np.zeros(seats, dtype=np.uint64),
        np.zeros(accounts),
        np.zeros(accounts),
        np.zeros(accounts),
        np.zeros(accounts),
        np.zeros(accounts),
        np.zeros(accounts),
        np.zeros(accounts, dtype=np.bool_),
        np.zeros(accounts, dtype=np.bool_),
        np.zeros(accounts, dtype=np.bool_),
        np.zeros(accounts, dtype=np.int64),
        np.zeros(seats),
        np.zeros(seats, dtype=np.int64),
        np.zeros(largest),
        np.zeros(tiers, dtype=np.int64),
        np.zeros(kams),
        np.zeros(kams),
        np.zeros(kams),
    )
    return Room(program, desk)


@compiled
def clear_desk(desk: Desk, policy: Policy) -> Desk:
    """As much of the desk as the policy has seats and tiers for."""
    seats, tiers = 0, len(policy.seats)
    for tier in range(tiers):
        seats += policy.seats[tier]
    return Desk(
        desk.present,
        desk.members[:seats],
        desk.handed_down[:seats],
        desk.held[:seats],
        desk.spend,
        desk.scores,
        desk.decline,
        desk.criterion,
        desk.ordered,
        desk.need,
        desk.eligible,
        desk.warned,
        desk.stays,
        desk.tier,
        desk.margins,
        desk.order[:seats],
        desk.largest,
        desk.vacant[:tiers],
        desk.mean_tie,
        desk.load,
        desk.kam_hours,
    )
