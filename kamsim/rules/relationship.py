"""Rules 6 and 7: value delivered, what the customer expects, and trust."""

import math

from kamsim.compiler import rule


@rule
def partnership_worth(fit: float, fit_exponent: float) -> float:
    """What fit makes of a given service.

    Parameters
    ----------
    fit : float
        Strategic and operational compatibility, in [0, 1].
    fit_exponent : float
        Elasticity, in [0, 1].

    Returns
    -------
    float
        Value of a unit of service, in [0, 1] (model, rule 6).
    """
    return math.pow(fit, fit_exponent)


@rule
def value_delivered(
    partnership: float,
    account_coverage: float,
    collaboration: float,
    attention_weight: float,
    collaboration_weight: float,
    joint_weight: float,
) -> float:
    """Value that a key account receives in a quarter.

    Parameters
    ----------
    partnership : float
        Value of a unit of service, from `partnership_worth`.
    account_coverage, collaboration : float
        Coverage A and collaboration C, in [0, 1].
    attention_weight, collaboration_weight, joint_weight : float
        Weights of A, C and A x C.

    Returns
    -------
    float
        Value V >= 0, on the scale of promised service (model, rule 6: attention and collaboration are complements).
    """
    service = (
        attention_weight * account_coverage
        + collaboration_weight * collaboration
        + joint_weight * account_coverage * collaboration
    )
    return partnership * service


@rule
def expectation_after_quarter(expectation: float, promised: float, speed: float) -> float:
    """What a customer expects, moved a part of the way toward what was promised.

    Parameters
    ----------
    expectation : float
        Expectation before, >= 0.
    promised : float
        Promised service of the tier x ambition, >= 0.
    speed : float
        Part of the gap closed in a quarter, in [0, 1].

    Returns
    -------
    float
        Expectation after, between the two (adaptive expectations; model, rule 7).
    """
    return expectation + speed * (promised - expectation)


@rule
def trust_after_service(trust: float, value: float, expectation: float, speed: float, loss_aversion: float) -> float:
    """Trust of a key account after a quarter of service.

    Parameters
    ----------
    trust : float
        Trust before, in [0, 1].
    value, expectation : float
        Value delivered and expected.
    speed : float
        Pace of change, in [0, 1].
    loss_aversion : float
        How much faster disappointment destroys than delight builds, >= 1.

    Returns
    -------
    float
        Trust after, in [0, 1]. Disconfirmation of expectations (Oliver 1980), losses weighing more than gains
        (Kahneman & Tversky 1979); model, rule 7.
    """
    surprise = value - expectation
    if surprise >= 0.0:
        return min(1.0, trust + speed * surprise * (1.0 - trust))
    return max(0.0, trust + loss_aversion * speed * surprise * trust)


@rule
def trust_without_program(trust: float, resting_trust: float, speed: float) -> float:
    """Trust of a standard account, drifting to where relationships without a program rest.

    Parameters
    ----------
    trust, resting_trust : float
        In [0, 1].
    speed : float
        Part of the gap closed in a quarter, in [0, 1].

    Returns
    -------
    float
        Trust after, in [0, 1] (model, rule 7).
    """
    return trust + speed * (resting_trust - trust)


@rule
def trust_after_loss(trust: float, loss: float) -> float:
    """Trust after a demotion, a change of KAM or a departure.

    Parameters
    ----------
    trust : float
        Trust before, in [0, 1].
    loss : float
        Part lost, in [0, 1].

    Returns
    -------
    float
        In [0, trust] (model, rule 10 and year-end).
    """
    return trust * (1.0 - loss)


@rule
def bond_after_quarter(bond: float, account_coverage: float, speed: float) -> float:
    """Bond of a customer with the person who serves it, after a quarter of attention.

    Parameters
    ----------
    bond : float
        Before, in [0, 1]; 0 with a new KAM.
    account_coverage : float
        Share of the account's need that the KAM's attention covers, in [0, 1].
    speed : float
        Part of what is missing that full coverage adds in a quarter, in [0, 1].

    Returns
    -------
    float
        In [bond, 1] (loyalty to the person apart from trust in the firm, Palmatier, Scheer & Steenkamp 2007).
    """
    return bond + speed * account_coverage * (1.0 - bond)


@rule
def bond_with_one(bond: float, contacts: int) -> float:
    """Part of a customer's bond that is with one of those who serve it.

    Parameters
    ----------
    bond : float
        With all of them, in [0, 1].
    contacts : int
        People whom the customer is bound to, >= 1.

    Returns
    -------
    float
        In [0, bond] (account teams share the bond; contact density, Palmatier 2008; Workman, Homburg & Jensen 2003).
    """
    return bond / contacts


@rule
def loss_felt(sponsor: float, saves: float) -> float:
    """Part of a loss of trust that a customer feels whom an executive sponsor stands by.

    Parameters
    ----------
    sponsor : float
        Strength, in [0, 1].
    saves : float
        Part that a full sponsor saves, in [0, 1].

    Returns
    -------
    float
        In [0, 1], 1 without a sponsor (top management involvement, Workman, Homburg & Jensen 2003).
    """
    return 1.0 - sponsor * saves


@rule
def bond_kept_without_buyer(collaboration: float, single_thread: float, half: float, contacts: int) -> float:
    """Part of a bond that outlives the person at the customer with whom it was made.

    Parameters
    ----------
    collaboration : float
        That the account receives, in [0, 1]: functions that work with it know others there.
    single_thread : float
        Part that goes with the person where nobody else is known, in [0, 1].
    half : float
        Collaboration at which that part is halved, > 0.
    contacts : int
        People of the supplier's whom the customer is bound to, >= 1; each knows others there.

    Returns
    -------
    float
        In [1 - single_thread, 1] (model, people leave on the customer's side; contact density, Palmatier 2008).
    """
    return 1.0 - single_thread / contacts * (half / (half + collaboration))
