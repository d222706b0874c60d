"""M: what a strategy team asks of a run: money from the launch on, all else from the years of the window."""

from typing import NamedTuple

import numpy as np

from kamsim.compiler import compiled
from kamsim.measures.profit import Account, profit_of
from kamsim.model.plan import LEAST_SPEND, History
from kamsim.rules.tiering import log_growth


class Measure(NamedTuple):
    """An outcome that policies are compared by."""

    name: str
    label: str
    unit: str
    higher_is_better: bool
    needs_program: bool = False  # not there where nobody is elevated


MEASURES: tuple[Measure, ...] = (
    Measure("key_revenue_growth", "Growth of each policy's own key accounts", "% a year", True, needs_program=True),
    Measure("total_profit", "Total profit", "money", True),
    Measure("quota_miss_rate", "Years that miss quota", "%", False, needs_program=True),
    Measure("rebuilds_per_seven_years", "Rebuilds in seven years", "count", False, needs_program=True),
    Measure("collaboration", "Collaboration received", "0 to 1", True, needs_program=True),
    Measure("investment_in_shrinking", "Invested in accounts that shrank", "money", False, needs_program=True),
)


class Outcomes(NamedTuple):
    """What came of a run, by the names of `MEASURES`; money in median wallets."""

    key_revenue_growth: float
    total_profit: float
    quota_miss_rate: float
    rebuilds_per_seven_years: float
    collaboration: float
    investment_in_shrinking: float


@compiled
def outcomes(history: History, account: Account, gross_margin: float, first_year: int) -> Outcomes:
    """Outcomes of a run; NaN where there were no key accounts.

    Parameters
    ----------
    history : History
        Of the run.
    account : Account
        Of profit, from `kamsim.measures.profit.account_of`.
    gross_margin : float
        Margin on list price that it was told at.
    first_year : int
        First year of the window, >= 1.

    Returns
    -------
    Outcomes
        Money from the launch on, the others from the years of the window.
    """
    years = len(history.years)
    window = years - first_year
    growth, collaboration = 0.0, 0.0
    years_with_program, misses, rebuilds, key_years = 0, 0, 0, 0
    for year in range(first_year, years):
        program = history.years[year]
        before, now = 0.0, 0.0
        for number in range(history.accounts.shape[1]):
            this_year, last_year = history.accounts[year, number], history.accounts[year - 1, number]
            if this_year.tier <= 0:
                continue
            before += last_year.spend
            now += this_year.spend
            collaboration += this_year.collaboration
            key_years += 1
        if before > 0.0:
            growth += log_growth(before, now, LEAST_SPEND)
            years_with_program += 1
            misses += 1 if program.missed else 0
        rebuilds += 1 if program.rebuilt else 0
    return Outcomes(
        key_revenue_growth=growth / years_with_program if years_with_program > 0 else np.nan,
        total_profit=profit_of(account, gross_margin),
        quota_miss_rate=misses / years_with_program if years_with_program > 0 else np.nan,
        rebuilds_per_seven_years=7.0 * rebuilds / window if years_with_program > 0 else np.nan,
        collaboration=collaboration / key_years if key_years > 0 else np.nan,
        investment_in_shrinking=account.in_shrinking if key_years > 0 else np.nan,
    )
