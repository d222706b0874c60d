"""The world section of a scenario as one record that compiled code reads, and the budgets that follow from it."""

import math
from typing import NamedTuple

import numpy as np

from kamsim.evidence.ledger import section
from kamsim.scenario import Scenario
from kamsim.types import Numbers

WORLD_DTYPE = np.dtype([(row.name, "i8" if isinstance(row.default, int) else "f8") for row in section("world")])


class Timeline(NamedTuple):
    """Years of history, warm-up and window; four quarters each."""

    history_years: int
    warmup_years: int
    window_years: int

    @property
    def years(self) -> int:
        """All years of a run."""
        return self.history_years + self.warmup_years + self.window_years


class Budget(NamedTuple):
    """What an organization has for its program, as the world has it or as bought: KAMs, functions, their capacity."""

    accounts: int  # of the first book
    newcomers: int  # room for so many new accounts a year
    seats: int  # that KAMs and functions are budgeted for: also how many accounts count as the largest
    kams: int
    functions: int
    capacity: float  # of each function, units of support a quarter

    def room(self, years: int) -> int:
        """Accounts that there is room for: those of the first book, and those that come."""
        return self.accounts + years * self.newcomers


def timeline_of(scenario: Scenario) -> Timeline:
    """Timeline of a scenario."""
    years = scenario.timeline
    return Timeline(years.history_years, years.warmup_years, years.window_years)


def parameters_of(scenario: Scenario) -> Numbers:
    """World section of a scenario as a record: ``parameters.trust_speed``."""
    values = tuple(getattr(scenario.world, name) for name in WORLD_DTYPE.names or ())
    return np.array([values], dtype=WORLD_DTYPE).view(np.recarray)[0]  # type: ignore[no-any-return]


def seats_from(seats: float, accounts: int) -> int:
    """Seats as a number: a whole number counts, a fraction is a share of accounts, rounded to the nearest.

    Parameters
    ----------
    seats : int or float
        As a scenario gives it.
    accounts : int
        Accounts of the book.

    Returns
    -------
    int
        >= 0.
    """
    if isinstance(seats, int) or seats >= 1:
        return int(seats)
    return math.floor(seats * accounts + 0.5)


def budget_of(scenario: Scenario, accounts: int) -> Budget:
    """Budget of the program in an organization of so many accounts.

    Parameters
    ----------
    scenario : Scenario
        Its world section says how many seats KAMs and functions are budgeted for, and what there is for each of them
        where the section on the budget does not.
    accounts : int
        Accounts of the book.

    Returns
    -------
    Budget
        At least one KAM.
    """
    world = scenario.world
    seats = seats_from(world.budgeted_seats, accounts)
    if world.budgeted_seats < 1:
        seats = min(seats, world.budgeted_seats_most)
    seats = min(seats, accounts)
    kams, support = seats / world.accounts_per_kam, world.capacity_per_seat
    if scenario.budget.kams_per_account > 0.0:
        # What rounding adds to a whole number is no reason for one more KAM.
        kams = round(seats * scenario.budget.kams_per_account, 9)
    if scenario.budget.support_per_account > 0.0:
        support = scenario.budget.support_per_account
    kams, capacity = max(1, math.ceil(kams)), support * seats / world.functions
    newcomers = 1 + int(world.arrival * accounts) if world.arrival > 0.0 else 0
    return Budget(accounts, newcomers, max(1, seats), kams, world.functions, capacity)
