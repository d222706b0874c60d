"""Rules 3, 4, 5 and 10: asks to functions, support granted, collaboration received, and how ties learn from it."""

import math

from kamsim.compiler import rule


@rule
def support_asked(need: float, need_on_function: float, account_coverage: float, tie: float) -> float:
    """Support that a KAM asks of one function for one account.

    Parameters
    ----------
    need : float
        The account's need, > 0.
    need_on_function : float
        Part of the need that falls on this function, in [0, 1].
    account_coverage : float
        Coverage A of the account, in [0, 1): what the KAM does not see it does not ask for.
    tie : float
        How much the function does for this KAM's ask, in [0, 1].

    Returns
    -------
    float
        Units of support, >= 0 (model, rule 3).
    """
    return need * need_on_function * account_coverage * tie


@rule
def available_support(capacity: float, alignment: float) -> float:
    """Support a function will put behind key accounts in a quarter.

    Parameters
    ----------
    capacity : float
        The function's capacity, units of support, >= 0.
    alignment : float
        Share of it that goes to key accounts, in [0, 1].

    Returns
    -------
    float
        Units in [0, capacity] (model, rule 4).
    """
    return capacity * alignment


@rule
def granted_fraction(asked: float, remaining: float) -> float:
    """Fraction of its asks that a tier is granted; all of a tier are served alike.

    Parameters
    ----------
    asked : float
        Support asked of the function by the tier, >= 0.
    remaining : float
        Support left after the tiers above, >= 0.

    Returns
    -------
    float
        Fraction in [0, 1]; 1 where nothing was asked (model, rule 4: strategic asks first, then key).
    """
    if asked <= remaining:
        return 1.0
    return remaining / asked


@rule
def collaboration_part(need_on_function: float, tie: float, fraction: float) -> float:
    """Collaboration that one function brings to an account, before the KAM's coverage.

    Parameters
    ----------
    need_on_function : float
        Part of the account's need on the function, in [0, 1].
    tie : float
        Tie of the account's KAM with the function, in [0, 1].
    fraction : float
        Fraction of the tier's asks that the function granted, in [0, 1].

    Returns
    -------
    float
        In [0, 1]. Collaboration received is C = coverage x the sum over functions (model, rule 5;
        cross-functional support as in Workman, Homburg & Jensen 2003).
    """
    return need_on_function * tie * fraction


@rule
def collaboration_felt(received: float, set_level: float) -> float:
    """Collaboration that a key account's trust and share of wallet answer to.

    Parameters
    ----------
    received : float
        Collaboration received C, in [0, 1]: what its KAM would report.
    set_level : float
        Level that a twin sets in its place, in [0, 1]; NaN where nobody intervenes.

    Returns
    -------
    float
        In [0, 1]. An intervention in the sense of Pearl (2009): reports stay what they were, effects do not.
    """
    if math.isnan(set_level):
        return received
    return set_level


@rule
def tie_after_quarter(
    tie: float, honored: float, learning: float, decay: float, team: float, lowest: float, highest: float
) -> float:
    """Tie of a KAM with a function after a quarter of asks, in the words of the house: asked, honored, kept up.

    Parameters
    ----------
    tie : float
        Tie before, in [lowest, highest].
    honored : float
        Part of the KAM's asks that the function honored, in [0, 1].
    learning : float
        How fast honored asks strengthen a tie, as a multiple of its decay, >= 0.
    decay : float
        Part of a tie lost in a quarter in which no ask is honored, in [0, 1].
    team : float
        Strength of a standing cross-functional team, in [0, 1]: it keeps ties up.
    lowest, highest : float
        Bounds of a tie.

    Returns
    -------
    float
        Tie after, in [lowest, highest] (model, rule 10).
    """
    grown = learning * decay * honored * (1.0 - tie)
    lost = decay * (1.0 - honored) * tie * (1.0 - team)
    return min(highest, max(lowest, tie + grown - lost))


@rule
def tie_after_departure(tie: float, kept: float, lowest: float) -> float:
    """Tie with a function that the successor of a KAM starts from.

    Parameters
    ----------
    tie : float
        Tie of the KAM that leaves.
    kept : float
        Part that passes on, in [0, 1].
    lowest : float
        Lower bound of a tie.

    Returns
    -------
    float
        In [lowest, tie] (model, rule 10).
    """
    return max(lowest, tie * kept)
