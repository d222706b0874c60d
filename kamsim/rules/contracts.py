"""Contracts: when they come up for renewal, whether they are put out to tender, and what that costs."""

from kamsim.compiler import rule


@rule
def is_renewal(quarter: int, first_renewal: int, contract_years: int) -> bool:
    """Whether a contract comes up for renewal.

    Parameters
    ----------
    quarter, first_renewal : int
        Of the run, >= 0.
    contract_years : int
        Years that a contract runs, >= 1.

    Returns
    -------
    bool
        Once in so many years (model, contracts and tenders).
    """
    return quarter >= first_renewal and (quarter - first_renewal) % (4 * contract_years) == 0


@rule
def chance_of_tender(trust: float) -> float:
    """Chance that a customer puts a contract out to tender, rather than renew it as it is.

    Parameters
    ----------
    trust : float
        In [0, 1].

    Returns
    -------
    float
        In [0, 1] (model, contracts and tenders).
    """
    return 1.0 - trust


@rule
def chance_to_win(trust: float, resting_trust: float, usual: float, per_trust: float) -> float:
    """Chance that the supplier who has the contract wins the tender.

    Parameters
    ----------
    trust, resting_trust : float
        Of the customer, and where trust rests without a program, in [0, 1].
    usual : float
        Chance at resting trust, in [0, 1].
    per_trust : float
        What trust adds, >= 0.

    Returns
    -------
    float
        In [0, 1] (model, contracts and tenders).
    """
    return min(1.0, max(0.0, usual + per_trust * (trust - resting_trust)))


@rule
def part_of_pace(renews: bool, lock: float) -> float:
    """Part of its pace at which share of wallet moves under a contract.

    Parameters
    ----------
    renews : bool
        Whether the contract comes up for renewal this quarter.
    lock : float
        Part between renewals, in [0, 1].

    Returns
    -------
    float
        In [0, 1] (model, contracts and tenders).
    """
    return 1.0 if renews else lock
