"""M: what a strategy team asks of a run: money from the launch on, all else from the years of the window."""

import math
from typing import NamedTuple

import numpy as np

from kamsim.compiler import compiled
from kamsim.measures import board
from kamsim.measures.board import tallied, told
from kamsim.measures.profit import Account, profit_of
from kamsim.model.plan import History
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
        """1 where more is better, -1 where less is, NaN where neither: nobody has what is multiplied by it."""
        return math.nan if self.higher_is_better is None else 1.0 if self.higher_is_better else -1.0

    @property
    def better(self) -> str:
        """Which direction is better, in words; empty where neither is."""
        return (
            "" if self.higher_is_better is None else "higher is better" if self.higher_is_better else "lower is better"
        )


_A_YEAR, _OF_SALES, _OF_QUOTA = "% a year", "% of sales", "% of quota"
MEASURES: tuple[Measure, ...] = (
    Measure("key_revenue_growth", "Growth of each program's own key accounts", _A_YEAR, True, needs_program=True),
    Measure("total_profit", "Total profit", "money", True),
    Measure("quota_miss_rate", "Years that miss the quota", "%", False, needs_program=True),
    Measure("rebuilds_per_seven_years", "Rebuilds in seven years", "count", False, needs_program=True),
    Measure("collaboration", "Collaboration for key accounts", "0 to 1", True, needs_program=True),
    Measure("investment_in_shrinking", "Program service to accounts that shrank", "money", False, needs_program=True),
    Measure("program_spend", "Cost of the program: service, elevations, handovers", "money", None),
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
    Measure("forecast_bias", "Forecast bias: sales above the quota", _OF_QUOTA, None, needs_program=True),
    Measure("forecast_error", "Forecast error: distance of sales from the quota", _OF_QUOTA, False, True),
    Measure("elevation_hit_rate", "Elevated accounts that grew over three years", "%", True, needs_program=True),
    Measure("cost_per_hit", "Elevation and service cost of accounts that grew", "money each", False, True),
    Measure("overinvestment", "Program service to key accounts that lose money", "% of program service", False, True),
    Measure("growth_over_others", "Growth of key accounts over other accounts", _A_YEAR, True, needs_program=True),
    Measure("expectation_gap", "Expectation gap: growth over others, less what was expected", _A_YEAR, True, True),
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
    rebuilds, rebuilt, shrinking = 0, np.nan, np.nan
    figures = tallied(history, world, gross_margin, launch, first_year)
    years_with_program, key_years = figures.below[board.GROWTH], figures.below[board.COLLABORATION]
    for year in range(first_year, len(history.years)):
        rebuilds += 1 if history.years[year].rebuilt else 0
    if years_with_program > 0.0:
        rebuilt = 7.0 * rebuilds / (len(history.years) - first_year)
    if key_years > 0.0:
        shrinking = account.in_shrinking
    # Compiled code takes so many arguments by name only where no choice stands among them.
    return Outcomes(
        key_revenue_growth=told(figures, board.GROWTH),
        total_profit=profit_of(account, gross_margin),
        quota_miss_rate=told(figures, board.MISSED),
        rebuilds_per_seven_years=rebuilt,
        collaboration=told(figures, board.COLLABORATION),
        investment_in_shrinking=shrinking,
        program_spend=-(account.service + account.elevations + account.handovers),
        price_concessions=-account.concessions,
        net_revenue_retention=told(figures, board.NET),
        gross_revenue_retention=told(figures, board.GROSS),
        key_churn=told(figures, board.CHURN),
        key_churn_by_spend=told(figures, board.CHURN_BY_SPEND),
        key_share_of_wallet=told(figures, board.SHARE),
        key_share_gained=told(figures, board.GAINED),
        top_1_share=told(figures, board.TOP_1),
        top_10_share=told(figures, board.TOP_10),
        concentration=told(figures, board.CONCENTRATION),
        revenue_at_risk=told(figures, board.AT_RISK),
        forecast_bias=told(figures, board.BIAS),
        forecast_error=told(figures, board.ERROR),
        elevation_hit_rate=told(figures, board.HITS),
        cost_per_hit=told(figures, board.COST_PER_HIT),
        overinvestment=told(figures, board.OVERINVESTED),
        growth_over_others=told(figures, board.OVER_OTHERS),
        expectation_gap=told(figures, board.OVER_OTHERS) - world.premium,
    )
