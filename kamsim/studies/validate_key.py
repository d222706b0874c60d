"""What validation looks at in key accounts beside others: trust, margin, who earns the profit, service taken up."""

import math
from typing import Any

import numpy as np

from kamsim.compiler import kernel
from kamsim.measures.profit import Account, account_of, profit_of
from kamsim.model.plan import History, Trace
from kamsim.rules.attention import account_need, welcome_hours
from kamsim.rules.costs import contribution
from kamsim.types import Flags, Floats, Numbers, Records
from kamsim.world.world import World

LEAST_ACCOUNTS = 2  # of either kind, to have a spread
ROUNDING = 1e-9  # of hours: those agreed on with the customer are all welcome


def trust_gap(history: History, first_year: int) -> float:
    """Trust of key accounts less that of others at a year's end, in standard deviations within both.

    Mean over the years of the window that have two accounts of each at least; NaN where none has.
    """
    gaps = []
    for accounts in history.accounts[first_year:]:
        key, other = (accounts["trust"][chosen] for chosen in (accounts["tier"] > 0, accounts["tier"] == 0))
        if min(len(key), len(other)) < LEAST_ACCOUNTS:
            continue
        squares = ((key - key.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum()
        if squares > 0.0:
            gaps.append((key.mean() - other.mean()) / math.sqrt(squares / (len(key) + len(other) - 2)))
    return float(np.mean(gaps)) if gaps else math.nan


def margin_gaps(history: History, first_year: int) -> Floats:
    """Margin of other accounts less that of key accounts, parts of sales at list price, over the window together.

    After price concessions; after each account's own cost to serve as well; after program service as well.
    """
    accounts = history.accounts[first_year:]
    listed, tier = accounts["listed"], accounts["tier"]
    spent = np.stack([listed - accounts["spend"], accounts["cost_to_serve"], accounts["investment"]])
    key, other = (_part_of_sales(spent, listed, chosen) for chosen in (tier > 0, tier == 0))
    gaps: Floats = np.cumsum(key - other)
    return gaps


def _part_of_sales(spent: Floats, listed: Floats, chosen: Flags) -> Floats:
    sales = float(listed[chosen].sum())
    return spent[:, chosen].sum(axis=1) / sales if sales > 0.0 else np.full(len(spent), np.nan)


def whale_curve(history: History, gross_margin: float, first_year: int) -> Floats:
    """Profit of the accounts that earn any, and of all accounts: the peak of the whale curve is one over the other.

    Contribution by account and year, program service included, summed over the years of the window in which accounts
    together earn any.
    """
    earned = _contributions(history.accounts[first_year:], gross_margin)
    earned = earned[earned.sum(axis=1) > 0.0]
    return np.array([np.maximum(earned, 0.0).sum(), earned.sum()])


def service_used(trace: Trace, world: World, parameters: Numbers, first_year: int) -> tuple[Floats, Floats]:
    """Key accounts that take up all hours dedicated to them, and KAMs all of whose key accounts do, with their numbers.

    By quarter of the window.
    """
    quarters = slice(4 * first_year, None)
    now, wallet = trace.accounts[quarters], world.quarters["wallet"][quarters]
    quarter, number = np.nonzero((now["tier"] > 0) & (now["hours"] > 0.0))
    # Read once: of a record every reading costs more than the rule.
    exponent, base, slope = parameters.need_exponent, parameters.will_base, parameters.will_slope
    welcome = [
        welcome_hours(account_need(wallet, exponent), base, slope, will)
        for wallet, will in zip(wallet[quarter, number].tolist(), world.accounts["will"][number].tolist(), strict=True)
    ]
    wasted = now["hours"][quarter, number] > np.array(welcome) * (1.0 + ROUNDING)
    # A KAM in a quarter, by number.
    kams = quarter * (1 + world.skill.size) + now["kam"][quarter, number]
    return _counted(~wasted), _counted(~np.isin(np.unique(kams), kams[wasted]))


def _counted(flags: Flags) -> Floats:
    return np.array([flags.sum(), flags.size], dtype=np.float64)


@kernel
def account_of_run(history: History, gross_margin: float, launch: int, discount: float) -> Account:
    """Account of profit of a run, compiled: thousands of accounts over years would take Python seconds."""
    return account_of(history, gross_margin, launch, discount)


def gain_of_programs(itself: History, nobody: History, gross_margin: float, launch: int, discount: float) -> Floats:
    """Total profit more than where nobody is ever elevated, and sales at list price there, from the launch on."""
    one, other = (account_of_run(history, gross_margin, launch, discount) for history in (itself, nobody))
    return np.array([profit_of(one, gross_margin) - profit_of(other, gross_margin), other.sales])


def _contributions(accounts: Records, gross_margin: float) -> Floats:
    """What each account earns in each year, elevations and handovers aside."""
    money: Any = accounts  # the rule is of single numbers, and whole columns add up alike
    listed, own_cost, service = money["listed"], money["cost_to_serve"], money["investment"]
    return np.asarray(contribution(listed, listed - money["spend"], own_cost, service, gross_margin))
