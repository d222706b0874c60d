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
def contribution(listed: float, discount: float, own_cost: float, invested: float, gross_margin: float) -> float:
    """Contribution of an account or of the whole book, before what elevations and handovers cost.

    Parameters
    ----------
    listed : float
        Sales at list price, >= 0.
    discount : float
        Price concessions, >= 0: the goods cost what they cost at list price.
    own_cost : float
        What it costs to serve the accounts, whatever the program, >= 0.
    invested : float
        Program service, >= 0.
    gross_margin : float
        Margin on list price, in [0, 1].

    Returns
    -------
    float
        Money of the same years; no overhead is in it (model, money).
    """
    return listed * gross_margin - discount - own_cost - invested


@rule
def return_on_sales(contributed: float, listed: float) -> float:
    """Contribution as a part of sales at list price.

    Parameters
    ----------
    contributed, listed : float
        Contribution, and sales at list price, >= 0.

    Returns
    -------
    float
        -1 at the least, which is what an account without any sales has.
    """
    if listed <= 0.0:
        return -1.0
    return max(-1.0, contributed / listed)
