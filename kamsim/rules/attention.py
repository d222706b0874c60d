"""Rules 1 and 2: what a key account needs, and how its manager's hours are planned over that."""

import math

from kamsim.compiler import rule


@rule
def account_need(wallet: float, need_exponent: float) -> float:
    """Work that a key account asks for in a quarter.

    Parameters
    ----------
    wallet : float
        Quarterly wallet, in median annual wallets, > 0.
    need_exponent : float
        Elasticity of need to the annual wallet, in [0, 1].

    Returns
    -------
    float
        Need in KAM hours-equivalents, > 0.

    Notes
    -----
    Work grows less than in proportion to size (model, rule 1): coordination scales sublinearly in account size. What
    the partnership aims at is no part of it: ambition says how many of the KAM's hours the account gets.
    """
    return math.exp(need_exponent * math.log(4.0 * wallet))


@rule
def planned_hours(kam_hours: float, weighted_need: float, weighted_need_of_kam: float) -> float:
    """Hours a KAM plans for one account: its part of the KAM's hours by need, tier and ambition.

    Parameters
    ----------
    kam_hours : float
        Hours the KAM has in a quarter, beside those kept for accounts that it hands down, >= 0.
    weighted_need : float
        The account's need x its weight: attention of the tier, ambition, and more in a year of recovery; >= 0.
    weighted_need_of_kam : float
        Sum of that over all of the KAM's accounts, >= 0.

    Returns
    -------
    float
        Hours in [0, kam_hours]; the KAM's accounts together get exactly its hours, or none where nothing is needed.

    Notes
    -----
    Proportional time allocation (model, rule 2; call-planning practice, Lodish 1971).
    """
    if weighted_need_of_kam <= 0.0:
        return 0.0
    return kam_hours * (weighted_need / weighted_need_of_kam)


@rule
def coverage(skill: float, hours: float, need: float) -> float:
    """Share of an account's need that its KAM's attention covers.

    Parameters
    ----------
    skill : float
        The KAM's skill, 1 on average, > 0.
    hours : float
        Hours planned for the account, >= 0.
    need : float
        The account's need, >= 0.

    Returns
    -------
    float
        Coverage A in [0, 1); 0 where nothing is needed.

    Notes
    -----
    Concave sales response to effort, 1 - exp(-x) (Mantrala, Sinha & Zoltners 1992; model, rule 2).
    """
    if need <= 0.0:
        return 0.0
    return 1.0 - math.exp(-skill * hours / need)


@rule
def welcome_hours(need: float, base: float, slope: float, will: float) -> float:
    """Hours that a customer is willing to take up in a quarter.

    Parameters
    ----------
    need : float
        The account's need, >= 0.
    base, slope : float
        Part of its need that an unwilling customer takes up, and what full will adds, >= 0.
    will : float
        The customer's will to be a key account, in [0, 1], or what it tells of it.

    Returns
    -------
    float
        Hours, >= 0 (model, customer's will; Gartner: 16 % of KAMs say that key customers fully use the resources
        dedicated to them).
    """
    return need * (base + slope * will)


@rule
def hours_after_talk(planned: float, told: float, bilateral: float) -> float:
    """Hours left of a plan once the customer has told what it would take up: the rest is neither spent nor paid for.

    Parameters
    ----------
    planned, told : float
        Hours planned, and those that the customer says are welcome, >= 0.
    bilateral : float
        Strength of the boundaries lever, in [0, 1].

    Returns
    -------
    float
        In [0, planned] (model, customer's will).
    """
    return planned - bilateral * max(0.0, planned - told)


@rule
def hours_of_all(contacts: int, contact_hours: float, sponsor: float, sponsor_hours: float) -> float:
    """Hours of all who serve a key account, for each hour of its KAM.

    Parameters
    ----------
    contacts : int
        People whom the customer is bound to, the KAM among them, >= 1.
    contact_hours : float
        Hours of each one beyond the KAM, part of the KAM's, >= 0.
    sponsor : float
        Strength of an executive sponsor, in [0, 1].
    sponsor_hours : float
        Hours of a full sponsor, part of the KAM's, >= 0.

    Returns
    -------
    float
        >= 1 (model, account team and sponsor): what they are paid for; the KAM's own hours stay what they are.
    """
    return 1.0 + contact_hours * (contacts - 1) + sponsor_hours * sponsor
