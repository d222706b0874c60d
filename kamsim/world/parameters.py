"""The world section of a scenario as one record that compiled code reads, and the budgets that follow from it."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from kamsim.evidence.ledger import section
from kamsim.rules.spend import share_ceiling, share_target
from kamsim.scenario import Scenario
from kamsim.types import Floats, Numbers

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
    """What an organization has for its program whatever its policy: KAMs, functions and their capacity."""

    accounts: int
    kams: int
    functions: int
    capacity: float  # of each function, units of support a quarter
    sales_per_seat: float  # a year, of accounts as large as the budget is for, median wallets: what costs are told in


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


def budget_of(scenario: Scenario, accounts: int, annual_spend: Floats | None = None) -> Budget:
    """Budget of the program in an organization of so many accounts.

    Parameters
    ----------
    scenario : Scenario
        Its world section says how many seats KAMs and functions are budgeted for.
    accounts : int
        Accounts of the book.
    annual_spend : array of shape (accounts,), optional
        Of a real book, in median wallets; NaN where unknown.

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
    kams = max(1, math.ceil(seats / world.accounts_per_kam))
    capacity = world.capacity_per_seat * seats / world.functions
    return Budget(accounts, kams, world.functions, capacity, _sales_per_seat(scenario, seats, accounts, annual_spend))


def _sales_per_seat(scenario: Scenario, seats: int, accounts: int, annual_spend: Floats | None) -> float:
    """Mean annual spend of as many of the largest accounts as there are budgeted seats, by the book or by its law."""
    world, largest = scenario.world, min(accounts, max(1, seats))
    if annual_spend is not None and not np.isnan(annual_spend).all():
        return float(np.sort(annual_spend)[-largest:].mean())
    ceiling = share_ceiling(0.5, world.ceiling_base, world.ceiling_fit)
    share = share_target(ceiling, world.trust_mean, 0.0, world.share_base, world.share_trust, 0.0)
    part, normal = largest / accounts, NormalDist()
    beyond = 1.0 if part >= 1.0 else normal.cdf(world.wallet_sigma - normal.inv_cdf(1.0 - part)) / part
    return float(share * math.exp(world.wallet_sigma**2 / 2.0) * beyond)
