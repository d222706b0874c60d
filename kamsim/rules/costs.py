"""What the program costs, and the profit of the whole book."""

from numpy import float64
from numpy.typing import NDArray

from kamsim.compiler import rule


@rule
def add_up(amounts: NDArray[float64]) -> float:
    """Total of amounts, added one after the other, so that both drivers round alike.

    Parameters
    ----------
    amounts : array
        Money.

    Returns
    -------
    float
        Their sum.
    """
    total = 0.0
    for amount in amounts:
        total += amount
    return total


@rule
def investment(hours: float, hour_cost: float, support: float, support_cost: float) -> float:
    """What is spent on serving a key account in a quarter.

    Parameters
    ----------
    hours, support : float
        KAM hours planned and units of support granted, >= 0.
    hour_cost, support_cost : float
        Money per unit, >= 0.

    Returns
    -------
    float
        Money a quarter, >= 0 (model, rule 9: hours and support used).
    """
    return hours * hour_cost + support * support_cost


@rule
def rebuild_cost(key_revenue: float, cost_share: float) -> float:
    """One-off cost of rebuilding the program.

    Parameters
    ----------
    key_revenue : float
        Revenue of the key accounts in the year, >= 0.
    cost_share : float
        Part of it that a rebuild costs, >= 0.

    Returns
    -------
    float
        Money, >= 0 (model, year-end).
    """
    return key_revenue * cost_share


@rule
def annual_profit(revenue: float, gross_margin: float, invested: float, rebuilding: float, price_given: float) -> float:
    """Profit of the whole book in a year.

    Parameters
    ----------
    revenue : float
        Revenue of all accounts, net of price concessions, >= 0.
    gross_margin : float
        Margin on list price, in [0, 1].
    invested, rebuilding : float
        Spent on serving key accounts and on rebuilding, >= 0.
    price_given : float
        Price concessions, >= 0: the goods cost what they cost at list price.

    Returns
    -------
    float
        Money a year: margin on the list value of what was sold, less concessions and costs.
    """
    return (revenue + price_given) * gross_margin - price_given - invested - rebuilding
