"""Rules 8 and 9: share of wallet, and spend."""

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
    return wallet * share * (1.0 - concession) * orders


@rule
def share_after_loss(share: float, loss: float) -> float:
    """Share of wallet after the person whom a customer bought from has gone.

    Parameters
    ----------
    share : float
        Before, in [0, 1].
    loss : float
        Part that goes with the person, in [0, 1].

    Returns
    -------
    float
        In [0, share] (model, departures: Shi, Sridhar, Grewal & Lilien 2017, 13 to 18 % of annual sales).
    """
    return share * (1.0 - loss)
