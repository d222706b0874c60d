"""Rules 8 and 9: share of wallet, what a rival takes, the price concession, spend."""

from kamsim.compiler import rule


@rule
def share_ceiling(fit: float, base: float, slope: float) -> float:
    """Highest share of wallet that an account's fit allows.

    Parameters
    ----------
    fit : float
        In [0, 1].
    base, slope : float
        Ceiling at no fit, and what full fit adds; base + slope <= 1.

    Returns
    -------
    float
        In (0, 1] (model, rule 8).
    """
    return base + slope * fit


@rule
def share_target(
    ceiling: float,
    trust: float,
    collaboration: float,
    base: float,
    trust_weight: float,
    collaboration_weight: float,
    reach: float = 1.0,
) -> float:
    """Share of wallet toward which an account moves.

    Parameters
    ----------
    ceiling : float
        Share ceiling, in (0, 1].
    trust, collaboration : float
        In [0, 1].
    base, trust_weight, collaboration_weight : float
        Part of the ceiling that the account gives by habit, and what full trust and full collaboration add.
    reach : float
        Part of the ceiling that can be reached, >= 1; above 1 only in a twin without saturation.

    Returns
    -------
    float
        In [0, ceiling] (model, rule 8), or in [0, 1] in such a twin.
    """
    part = min(reach, max(0.0, base + trust_weight * trust + collaboration_weight * collaboration))
    return min(1.0, ceiling * part)


@rule
def share_after_quarter(share: float, target: float, speed: float) -> float:
    """Share of wallet, moved a part of the way to its target.

    Parameters
    ----------
    share, target : float
        In [0, 1].
    speed : float
        Part of the gap closed in a quarter, in [0, 1].

    Returns
    -------
    float
        Between the two (partial adjustment, Nerlove 1958; model, rule 8).
    """
    return share + speed * (target - share)


@rule
def kept_at_rest(speed: float, loss: float) -> float:
    """Part of its target at which a share of wallet rests, between what rivals take and what comes back.

    Parameters
    ----------
    speed : float
        Part of the gap to the target closed in a quarter, in [0, 1].
    loss : float
        Part of the share that rivals take in a quarter, on average, in [0, 1].

    Returns
    -------
    float
        In [0, 1]: where ``share_after_quarter`` and then the loss leave the share as it was; 1 without rivals.
    """
    left = 1.0 - (1.0 - speed) * (1.0 - loss)
    if left <= 0.0:
        return 1.0
    return min(1.0, speed * (1.0 - loss) / left)


@rule
def share_after_attack(share: float, trust: float, damage: float) -> float:
    """Share of wallet left when a rival has attacked.

    Parameters
    ----------
    share, trust : float
        In [0, 1].
    damage : float
        Part lost where there is no trust at all, in [0, 1].

    Returns
    -------
    float
        In [0, share]; trust protects (model, world table: rival).
    """
    return share * (1.0 - damage * (1.0 - trust))


@rule
def bargaining_power(last_year_spend: float, mean_key_spend: float, base: float, slope: float, highest: float) -> float:
    """How much of the tier's price concession an account can bargain for.

    Parameters
    ----------
    last_year_spend : float
        What the account spent last year, >= 0.
    mean_key_spend : float
        The mean of that over the key accounts, >= 0.
    base, slope, highest : float
        Power at no spend, what the mean key account adds, and the bound.

    Returns
    -------
    float
        Multiple of the tier's concession, in [0, highest] (model, tiers).
    """
    if mean_key_spend <= 0.0:
        return min(highest, base)
    return min(highest, base + slope * last_year_spend / mean_key_spend)


@rule
def quarter_spend(wallet: float, share: float, orders: float, concession: float) -> float:
    """What an account spends with us in a quarter, net of its price concession.

    Parameters
    ----------
    wallet : float
        Quarterly wallet, > 0.
    share : float
        Share of wallet, in [0, 1].
    orders : float
        Lumpy ordering, 1 on average, > 0.
    concession : float
        Price concession, in [0, 1].

    Returns
    -------
    float
        Money a quarter, >= 0 (model, rule 9).
    """
    return wallet * share * orders * (1.0 - concession)
