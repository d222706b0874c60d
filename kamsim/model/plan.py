"""The listed plan: the order of events that both drivers follow, and what a run leaves behind.

Every quarter, from the launch of the program on (before it, only 1, 7 and 8):

1. new accounts arrive; 2. key accounts tell their needs; 3. KAMs plan their attention; 4. KAMs ask functions for
support; 5. functions grant support; 6. key accounts receive service and judge it; 7. contracts that are due are
renewed or put out to tender, and other accounts drift; 8. all accounts order, and some leave for good; 9. KAMs learn,
and may leave, as may people on the customers' side; 10. functions realign.

At every year's end, from the launch on (before it, only 5): 1. key account revenue is compared with its quota; 2. the
program launches, rebuilds, lets the rest follow a pilot, re-tiers, or fills the seats of customers that left; whoever
is to leave may be given notice; 3. accounts are elevated and demoted; 4. accounts that need a KAM are given one, and
the next quota is set; 5. prices are set.
"""

from typing import NamedTuple

import numpy as np

from kamsim.compiler import record_type
from kamsim.rules.tiering import NO_CUSTOMER
from kamsim.types import Floats, Integers, Records

HAS_LEFT = 1.0  # risk of whoever has left for good; no customer's is as high
LEAST_SPEND = 1e-12  # median wallets a year; spend below it counts as this much, so that every spend has a logarithm

# Fields are read as of an agent, ``account.trust``, compiled or not; ``history.accounts["spend"]`` is a whole array.
ACCOUNT_YEAR = record_type(
    spend="f8",  # net of concessions
    expected_spend="f8",  # the same, had orders been as lumpy as none
    listed="f8",  # what was sold, at list price
    cost_to_serve="f8",  # beside the program
    collaboration="f8",  # mean of the quarters
    investment="f8",  # program service: hours and support
    trust="f8",  # at the year's end, or when the account left
    risk="f8",  # at the year's end: chance that a key account leaves in another; 0 for others, 1 for who left in it
    tier="i8",  # held in the year; -1 for no customer, not yet or no more
    kam="i8",  # at the year's end, -1 for none
)
PROGRAM_YEAR = record_type(
    key_revenue="f8",
    quota="f8",  # 0 in years without a program
    elevation_cost="f8",  # of accounts made key at the year's end
    handover_cost="f8",  # of accounts handed over by plan at the year's end
    idle_cost="f8",  # hours and support of the year that were bought and that nobody used
    missed="?",
    rebuilt="?",  # at the year's end
)
ACCOUNT_TRACE = record_type(
    spend="f8",
    share="f8",
    trust="f8",
    expectation="f8",
    collaboration="f8",
    hours="f8",
    tier="i8",
    kam="i8",
)
FUNCTION_TRACE = record_type(
    granted="f8",
    available="f8",
    alignment="f8",
)


class History(NamedTuple):
    """What a run leaves behind, year by year; money in median wallets."""

    accounts: Records  # ACCOUNT_YEAR (years, accounts)
    years: Records  # PROGRAM_YEAR (years,)
    departures: Integers  # (years, KAMs)


class Trace(NamedTuple):
    """State after every quarter, for those who ask for it."""

    accounts: Records  # ACCOUNT_TRACE (quarters, accounts)
    functions: Records  # FUNCTION_TRACE (quarters, functions)
    tie: Floats  # (quarters, KAMs, functions)


def empty_history(years: int, accounts: int, kams: int) -> History:
    """Room for the history of a run.

    Parameters
    ----------
    years, accounts, kams : int
        Its sizes.

    Returns
    -------
    History
        Nothing sold, and nobody there.
    """
    history = History(
        np.zeros((years, accounts), dtype=ACCOUNT_YEAR),
        np.zeros(years, dtype=PROGRAM_YEAR),
        np.zeros((years, kams), dtype=np.int64),
    )
    history.accounts["tier"], history.accounts["kam"] = NO_CUSTOMER, -1
    return history


def empty_trace(quarters: int, accounts: int, kams: int, functions: int) -> Trace:
    """Room for the trace of a run.

    Parameters
    ----------
    quarters, accounts, kams, functions : int
        Its sizes.

    Returns
    -------
    Trace
        Zeros.
    """
    return Trace(
        np.zeros((quarters, accounts), dtype=ACCOUNT_TRACE),
        np.zeros((quarters, functions), dtype=FUNCTION_TRACE),
        np.zeros((quarters, kams, functions)),
    )
