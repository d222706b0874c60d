"""Rules 1 and 2: what a key account needs, and how its manager's hours are planned over that."""

import math

from kamsim.compiler import rule


@rule
def account_need(wallet: float, need_exponent: float, ambition: float) -> float:
    """Work that a key account asks for in a quarter.

    Parameters
    ----------
    wallet : float
        Quarterly wallet, in median annual wallets, > 0.
    need_exponent : float
        Elasticity of need to the annual wallet, in [0, 1].
    ambition : float
        Calibrated ambition of the partnership, > 0; 1 is the tier's standard.

    Returns
    -------
    float
        Need in KAM hours-equivalents, > 0.

    Notes
    -----
    Work grows less than in proportion to size (model, rule 1): coordination scales sublinearly in account size.
    """
    return math.pow(4.0 * wallet, need_exponent) * ambition


@rule
def planned_hours(kam_hours: float, need: float, attention_weight: float, weighted_need_of_kam: float) -> float:
    """Hours a KAM plans for one account: its part of the KAM's hours by need and tier.

    Parameters
    ----------
    kam_hours : float
        Hours the KAM has in a quarter, >= 0.
    need : float
        The account's need, >= 0.
    attention_weight : float
        Attention weight of the account's tier, > 0.
    weighted_need_of_kam : float
        Sum of need x weight over all of the KAM's accounts, >= 0.

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
    return kam_hours * (need * attention_weight / weighted_need_of_kam)


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
