"""What behaviors know of those who behave: fields that Mesa agents and the ensemble's rows both have."""

from typing import Protocol


class AccountState(Protocol):
    """What behaviors know of an account."""

    share_base: float
    ceiling: float
    cost: float  # to serve, part of list price
    will: float
    will_told: float
    partnership: float  # what fit makes of service
    pace: float  # orders a quarter at a rate of one median wallet
    trust: float
    bond: float  # with its KAM
    share: float
    expectation: float
    ambition: float
    effort: float  # hours against those that need, tier and ambition give
    concession: float
    worn: float  # price that bargaining has worn away
    conceded: float  # by the program
    need: float
    coverage: float
    hours: float
    kept_hours: float  # of the KAM, for a year after it was handed down with care
    collaboration: float
    spend: float
    orders: float  # a quarter, on average, this year
    orders_root: float
    order_part: float
    order_bend: float
    no_order: float  # chance of a quarter without one
    hazard: float  # of leaving, by size, this year: log, against a typical one
    alive: bool
    tier: int
    notice: int  # years left before it leaves the program; 0 for none
    warned: bool  # by the review before
    opened: bool  # whether its place was opened by the last rebuild, or it came since
    on_trial: int  # years still to spend in the incubator
    once_more: bool  # in its further year there
    admitted: bool  # by the incubator, at this year's end
    served: float  # part of its tier's service that it gets


class AccountReading(Protocol):
    """The world's draws behind a year's readings of an account, standard normal."""

    potential: float
    fit: float
    cost: float


class AccountYear(Protocol):
    """What an account's year has come to so far."""

    spend: float
    expected_spend: float
    listed: float
    cost_to_serve: float
    collaboration: float
    investment: float
    risk: float


class FunctionState(Protocol):
    """What behaviors know of a function."""

    alignment: float
    at_birth: float
    fatigue: float
    asked: float
    available: float


class ProgramState(Protocol):
    """What behaviors know of the program as a whole."""

    quota: float
    streak: int  # years in a row that missed the quota
    rebuilds: int
    missed_last_year: bool
    pilot: int  # years left of a rebuild that is tried on a part of the program; 0 for none
    seat_sales: float  # mean sales of the largest accounts in the year before the launch: what costs are told in
    beside: float  # paid this year for account teams and sponsors


class ProgramYear(Protocol):
    """What the program's year has come to."""

    key_revenue: float
    quota: float
    elevation_cost: float
    handover_cost: float
    idle_cost: float
    missed: bool
    rebuilt: bool
