"""X: the laws of what no program chooses: wallets, arrivals, fit, will, costs, expectations of an organization."""

import math

from kamsim.compiler import rule
from kamsim.world.draws import normal_quantile

TRUST_BOUNDS = (0.02, 0.98)
SHARE_BASE_BOUNDS = (0.02, 1.0)
SKILL_LEAST = 0.2
TIE_BOUNDS = (0.05, 0.95)
ALIGNMENT_BOUNDS = (0.05, 0.98)
STEADIEST_MULTIPLES = (0.4, 2.5)  # of the spread of growth, that size can bring


@rule
def growth_of_year(log_wallet: float, sd: float, size_exponent: float, draw: float) -> float:
    """Lasting growth of an account's wallet beyond the market's, once a year.

    Parameters
    ----------
    log_wallet : float
        Log of its annual wallet, in median annual wallets.
    sd : float
        Standard deviation between accounts of a median wallet, log, >= 0.
    size_exponent : float
        How much steadier larger accounts grow, >= 0.
    draw : float
        Laplace draw of variance 1.

    Returns
    -------
    float
        Log growth. In real books growth is permanent, without memory, fat-tailed and smaller for large accounts
        (Amaral et al. 1997; model, wallet); docs/calibration.md.
    """
    scale = min(STEADIEST_MULTIPLES[1], max(STEADIEST_MULTIPLES[0], math.exp(-size_exponent * log_wallet)))
    return sd * scale * draw


@rule
def arrivals_of_year(accounts: int, arrival: float, draw: float) -> int:
    """New accounts of a year.

    Parameters
    ----------
    accounts : int
        Accounts of the first book.
    arrival : float
        New accounts a year as a part of them, >= 0.
    draw : float
        Uniform draw in (0, 1): rounds up or down, so that the mean is right.

    Returns
    -------
    int
        >= 0 (model, arrival).
    """
    return int(accounts * arrival + draw)


@rule
def cost_against_mean(sd: float, draw: float) -> float:
    """What an account costs to serve, against others: before it is scaled to the mean of its book.

    Parameters
    ----------
    sd : float
        Spread between accounts, log, >= 0.
    draw : float
        Standard normal draw of the account.

    Returns
    -------
    float
        > 0 (lognormal; Kaplan & Narayanan: the whale curve).
    """
    return math.exp(sd * draw)


@rule
def customers_will(fit: float, sd: float, draw: float) -> float:
    """Will of a customer to be a key account: about its fit.

    Parameters
    ----------
    fit : float
        In [0, 1].
    sd : float
        Spread about the fit, >= 0.
    draw : float
        Standard normal draw of the account.

    Returns
    -------
    float
        In [0, 1] (model, customer's will).
    """
    return min(1.0, max(0.0, fit + sd * draw))


@rule
def compatibility(probability: float, least: float) -> float:
    """Hidden fit of an account: Beta(2, 2), not below what is known of it.

    Parameters
    ----------
    probability : float
        Uniform draw in (0, 1).
    least : float
        Least fit that the account's known share of wallet allows, in [0, 1].

    Returns
    -------
    float
        In [least, 1] (closed-form inverse of 3 x^2 - 2 x^3).
    """
    below = least * least * (3.0 - 2.0 * least)
    return max(least, 0.5 - math.sin(math.asin(1.0 - 2.0 * (below + probability * (1.0 - below))) / 3.0))


@rule
def half_persistent(persistent: float, fresh: float) -> float:
    """Error of a reading: half of its variance stays with the account, half is new each year.

    Parameters
    ----------
    persistent, fresh : float
        Standard normal draws of the account and of the year.

    Returns
    -------
    float
        Standard normal (model, world table: observation noise).
    """
    return (persistent + fresh) * 0.7071067811865476


@rule
def premium_expected(mean: float, expecting_more: float, draw: float) -> float:
    """Extra growth over the market that an organization expects of its key accounts.

    Parameters
    ----------
    mean : float
        Mean over organizations, growth a year, >= 0.
    expecting_more : float
        Part of organizations that expect more than none, in (0.5, 1).
    draw : float
        Standard normal draw of the organization.

    Returns
    -------
    float
        Growth a year; above 0 for that part of organizations (Gartner 2021: 95 %).
    """
    return mean + mean / normal_quantile(expecting_more) * draw


@rule
def patience_of(least: int, stop: float, most: int, draw: float) -> int:
    """Quota misses in a row that an organization bears before it rebuilds.

    Parameters
    ----------
    least, most : int
        Bounds.
    stop : float
        Chance that patience ends at each further miss, in (0, 1].
    draw : float
        Uniform draw in (0, 1).

    Returns
    -------
    int
        least + a geometric number, at most ``most`` (model, world table).
    """
    if stop >= 1.0:
        return least
    return min(most, least + int(math.log(draw) / math.log(1.0 - stop)))
