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
def amount_bought(chosen: float, of_world: float) -> float:
    """Amount of a resource that the program has: what the organization chose to buy, or what the world has.

    Parameters
    ----------
    chosen : float
        As the budget says, >= 0; 0 where it says nothing.
    of_world : float
        As the world has it, >= 0.

    Returns
    -------
    float
        >= 0, in the unit of both (sources: organizations must "determine what they are willing to invest").
    """
    return chosen if chosen > 0.0 else of_world


@rule
def commitment(kams: float, hours: float, support: float, strength: float) -> float:
    """Part of what is bought and not used that is paid for nevertheless.

    Parameters
    ----------
    kams, hours, support : float
        What the budget says of KAMs, of their hours and of support, >= 0; 0 where it says nothing.
    strength : float
        The part where it says nothing of any, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 1 as soon as one amount is set: a budget that was chosen is a budget that is paid.
    """
    if kams > 0.0 or hours > 0.0 or support > 0.0:
        return 1.0
    return strength


@rule
def idle_cost(bought: float, used: float, committed: float) -> float:
    """Cost of program service that was bought and not used.

    Parameters
    ----------
    bought, used : float
        Money a year for all hours and support bought, and for those that went to accounts, >= 0.
    committed : float
        From `commitment`, in [0, 1].

    Returns
    -------
    float
        Money a year, >= 0: with what was used it adds up to what was bought where all is committed.
    """
    return committed * max(0.0, bought - used)


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
