"""How often an account orders, what a quarter's orders come to, and when a customer leaves for good."""

import math

from kamsim.compiler import rule

LEAST_ORDERS = 1e-9  # a quarter, on average; with fewer an account never orders
FEW_ORDERS = 4.0  # a quarter, on average; below it the count is searched for, from it on it has a closed form
MOST_FEW = 32  # a count that so few orders never reach: its chance is below what a 32-bit word can say
SIXTH = 1.0 / 6.0
BEND = 1.0 / 72.0
ROUNDING = 1.5 * 2.0**52  # added and taken away again, it rounds to a whole number: quicker than to go by integers
TYPICAL_RATE = math.log(0.35)  # median wallets a year, log, at which hazards are told
MOST_CERTAIN = 1.0 - 2.0**-53  # the chance just below 1
MOST_HAZARD = math.log(8.0)  # multiple of the hazard that smallness can bring, log


@rule
def mean_orders(log_rate: float, orders: float, exponent: float) -> float:
    """Orders that an account places in a quarter, on average.

    Parameters
    ----------
    log_rate : float
        Log of its annual rate of spend, in median annual wallets.
    orders : float
        Orders a quarter at a rate of one median wallet, >= 0.
    exponent : float
        Elasticity of the number of orders to the rate, in [0, 1]: larger accounts order more often, and more at a time.

    Returns
    -------
    float
        >= 0 (Poisson purchases; Schmittlein, Morrison & Colombo 1987; model, orders).
    """
    return orders * math.exp(exponent * log_rate)


@rule
def orders_of_quarter(
    mean: float, root: float, part: float, bend: float, none: float, score: float, level: float
) -> float:
    """Orders of a quarter against their mean: a Poisson count over its mean, by inversion of one draw.

    Parameters
    ----------
    mean : float
        Mean of the count.
    root, part, bend, none : float
        Its square root, 1 / mean, a 72nd of root / mean, and the chance of no order at all: they are the same all
        year.
    score, level : float
        The quarter's draw, as a standard normal number and as the uniform one that it comes from.

    Returns
    -------
    float
        >= 0, 1 on average; 0 where an account never orders.

    Notes
    -----
    Where the mean is small the count is searched for, term by term. Where it is large it is the Cornish-Fisher
    expansion of the quantile to the third order, right to the order in all but 1.6 % of quarters at a mean of 4, and
    of the right mean to 3 in 10,000.
    """
    square = score * score
    if mean >= FEW_ORDERS:
        bent = (square - 1.0) * SIXTH + (score - score * square) * bend
        return max(0.0, mean + root * score + bent + ROUNDING - ROUNDING) * part
    if mean < LEAST_ORDERS:
        return 0.0
    count, chance, below = 0, none, none
    while below < level and count < MOST_FEW:
        count += 1
        chance *= mean / count
        below += chance
    return count * part


@rule
def unevenness(orders: float, sd: float, score: float) -> float:
    """What orders of unequal size make of a quarter, against orders that are all alike.

    Parameters
    ----------
    orders : float
        Orders of the quarter, a count, >= 0.
    sd : float
        Spread of the sizes of an account's orders, part of their mean, >= 0.
    score : float
        The quarter's draw, standard normal.

    Returns
    -------
    float
        > 0, 1 on average: lognormal, of the variance of a mean of so many sizes; 1 where nothing is ordered.
    """
    if orders <= 0.0:
        return 1.0
    variance = math.log(1.0 + sd * sd / orders)
    return math.exp(math.sqrt(variance) * score - 0.5 * variance)


@rule
def hazard_of_size(log_rate: float, exponent: float) -> float:
    """Log of the hazard of leaving for good, against that of an account of typical size.

    Parameters
    ----------
    log_rate : float
        Log of its annual rate of spend, in median annual wallets.
    exponent : float
        How much smaller accounts leave more often, >= 0.

    Returns
    -------
    float
        At most log 8 (model, leaving: in real books small accounts leave, and do not come back).
    """
    return min(MOST_HAZARD, exponent * (TYPICAL_RATE - log_rate))


@rule
def hazard_of_leaving(of_size: float, trust: float, resting_trust: float, trust_weight: float) -> float:
    """Log of the hazard that a customer leaves for good, against that of typical size and trust.

    Parameters
    ----------
    of_size : float
        From `hazard_of_size`.
    trust, resting_trust : float
        Its trust, and that of a relationship without a program, in [0, 1].
    trust_weight : float
        How much trust keeps it, per unit, >= 0.

    Returns
    -------
    float
        The world's draw says which hazard an account bears (model, leaving).
    """
    return of_size + trust_weight * (resting_trust - trust)


@rule
def chance_of_leaving_in_a_year(log_hazard: float, usual_hazard: float) -> float:
    """Chance that a customer leaves for good within four quarters, if nothing moves its trust or size.

    Parameters
    ----------
    log_hazard : float
        From `hazard_of_leaving`.
    usual_hazard : float
        Chance a quarter of an account of typical size and trust, in [0, 1].

    Returns
    -------
    float
        In [0, 1): one less the chance to stay for four quarters (model, leaving); nobody leaves for certain.
    """
    staying = 1.0 - min(MOST_CERTAIN, usual_hazard * math.exp(log_hazard))
    return min(MOST_CERTAIN, 1.0 - staying * staying * staying * staying)
