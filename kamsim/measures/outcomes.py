"""M: what a strategy team asks of a run: money from the launch on, all else from the years of the window."""

from typing import NamedTuple

import numpy as np

from kamsim.compiler import compiled
from kamsim.measures import board
from kamsim.measures.board import board_figures
from kamsim.measures.profit import Account, profit_of
from kamsim.model.plan import LEAST_SPEND, History
from kamsim.rules.tiering import log_growth
from kamsim.world.world import World


class Measure(NamedTuple):
    """An outcome that policies are compared by; of some neither more nor less is better, and no policy is."""

    name: str
    label: str
    unit: str
    higher_is_better: bool | None
    needs_program: bool = False  # not there where nobody is elevated

    @property
    def is_money(self) -> bool:
        """Whether its figures are money, of all years, of one, or of something else."""
        return self.unit.startswith("money")

    @property
    def direction(self) -> float:
        """1 where more is better, -1 where less is, 0 where neither."""
        return 0.0 if self.higher_is_better is None else 1.0 if self.higher_is_better else -1.0

    @property
    def better(self) -> str:
        """Which direction is better, in words; empty where neither is."""
        return {1.0: "higher is better", -1.0: "lower is better"}.get(self.direction, "")


_A_YEAR, _OF_SALES, _OF_QUOTA = "% a year", "% of sales", "% of quota"
MEASURES: tuple[Measure, ...] = (
    Measure("key_revenue_growth", "Growth of each policy's own key accounts", _A_YEAR, True, needs_program=True),
    Measure("total_profit", "Total profit", "money", True),
    Measure("quota_miss_rate", "Years that miss quota", "%", False, needs_program=True),
    Measure("rebuilds_per_seven_years", "Rebuilds in seven years", "count", False, needs_program=True),
    Measure("collaboration", "Collaboration received", "0 to 1", True, needs_program=True),
    Measure("investment_in_shrinking", "Invested in accounts that shrank", "money", False, needs_program=True),
    Measure("program_spend", "Spent on the program: service, elevations, handovers", "money", None),
    Measure("price_concessions", "Price concessions to all accounts", "money", None),
    Measure("net_revenue_retention", "Net revenue retention of key accounts", _A_YEAR, True, needs_program=True),
    Measure("gross_revenue_retention", "Gross revenue retention of key accounts", _A_YEAR, True, needs_program=True),
    Measure("key_churn", "Churn: key accounts that left for good", _A_YEAR, False, needs_program=True),
    Measure("key_churn_by_spend", "Churn: key account spend that left for good", _A_YEAR, False, needs_program=True),
    Measure("key_share_of_wallet", "Share of wallet of key accounts", "% of category spend", True, needs_program=True),
    Measure("key_share_gained", "Share of wallet gained since elevation", "% of category spend", True, True),
    Measure("top_1_share", "Concentration: sales to the largest account", _OF_SALES, None),
    Measure("top_10_share", "Concentration: sales to the ten largest accounts", _OF_SALES, None),
    Measure("concentration", "Concentration of sales (Herfindahl-Hirschman index)", "0 to 1", None),
    Measure("revenue_at_risk", "Key account revenue at risk of leaving", "money a year", None, needs_program=True),
    Measure("forecast_bias", "Forecast bias: attainment over quota", _OF_QUOTA, None, needs_program=True),
    Measure("forecast_error", "Forecast error: distance of attainment from quota", _OF_QUOTA, False, True),
    Measure("elevation_hit_rate", "Elevated accounts that grew over three years", "%", True, needs_program=True),
    Measure("cost_per_hit", "Cost for each elevated account that grew", "money an account", False, needs_program=True),
    Measure("overinvestment", "Service to key accounts that lose money", "% of program service", False, True),
    Measure("growth_over_others", "Growth of key accounts over other accounts", _A_YEAR, True, needs_program=True),
    Measure("expectation_gap", "Growth over other accounts, above what was expected", _A_YEAR, True, True),
)


class Outcomes(NamedTuple):
    """What came of a run, by the names of `MEASURES`; money in median wallets."""

    key_revenue_growth: float
    total_profit: float
    quota_miss_rate: float
    rebuilds_per_seven_years: float
    collaboration: float
    investment_in_shrinking: float
    program_spend: float
    price_concessions: float
    net_revenue_retention: float
    gross_revenue_retention: float
    key_churn: float
    key_churn_by_spend: float
    key_share_of_wallet: float
    key_share_gained: float
    top_1_share: float
    top_10_share: float
    concentration: float
    revenue_at_risk: float
    forecast_bias: float
    forecast_error: float
    elevation_hit_rate: float
    cost_per_hit: float
    overinvestment: float
    growth_over_others: float
    expectation_gap: float


@compiled
def outcomes(
    history: History, account: Account, world: World, gross_margin: float, launch: int, first_year: int
) -> Outcomes:
    """Outcomes of a run; NaN where there were no key accounts.

    Parameters
    ----------
    history : History
        Of the run.
    account : Account
        Of profit, from `kamsim.measures.profit.account_of`.
    world : World
        That it was played in.
    gross_margin : float
        Margin on list price that it was told at.
    launch : int
        First year of the program, >= 1.
    first_year : int
        First year of the window, >= 1.

    Returns
    -------
    Outcomes
        Totals of money and elevations from the launch on, the others from the years of the window.
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
    told = board_figures(history, world, gross_margin, launch, first_year)
    missed, rebuilt, shrinking = np.nan, np.nan, np.nan
    growth = growth / years_with_program if years_with_program > 0 else np.nan
    if years_with_program > 0:
        missed, rebuilt = misses / years_with_program, 7.0 * rebuilds / window
    collaboration = collaboration / key_years if key_years > 0 else np.nan
    if key_years > 0:
        shrinking = account.in_shrinking
    # Compiled code takes so many arguments by name only where no choice stands among them.
    return Outcomes(
        key_revenue_growth=growth,
        total_profit=profit_of(account, gross_margin),
        quota_miss_rate=missed,
        rebuilds_per_seven_years=rebuilt,
        collaboration=collaboration,
        investment_in_shrinking=shrinking,
        program_spend=-(account.service + account.elevations + account.handovers),
        price_concessions=-account.concessions,
        net_revenue_retention=told[board.NET],
        gross_revenue_retention=told[board.GROSS],
        key_churn=told[board.CHURN],
        key_churn_by_spend=told[board.CHURN_BY_SPEND],
        key_share_of_wallet=told[board.SHARE],
        key_share_gained=told[board.GAINED],
        top_1_share=told[board.TOP_1],
        top_10_share=told[board.TOP_10],
        concentration=told[board.CONCENTRATION],
        revenue_at_risk=told[board.AT_RISK],
        forecast_bias=told[board.BIAS],
        forecast_error=told[board.ERROR],
        elevation_hit_rate=told[board.HITS],
        cost_per_hit=told[board.COST_PER_HIT],
        overinvestment=told[board.OVERINVESTED],
        growth_over_others=told[board.OVER_OTHERS],
        expectation_gap=told[board.OVER_OTHERS] - world.premium,
    )
