"""X: the laws of what no program chooses: wallets, orders, fit, rivals, expectations of an organization."""

import math

from kamsim.compiler import rule
from kamsim.world.draws import normal_quantile

TRUST_BOUNDS = (0.02, 0.98)
SHARE_BASE_BOUNDS = (0.02, 1.0)
SKILL_LEAST = 0.2
TIE_BOUNDS = (0.05, 0.95)
ALIGNMENT_BOUNDS = (0.05, 0.98)


@rule
def log_wallet_after_quarter(
    log_wallet: float, growth: float, shock_sd: float, shock: float, industry_sd: float, industry: float
) -> float:
    """Log of an account's wallet a quarter later.

    Parameters
    ----------
    log_wallet : float
        Before.
    growth : float
        Log growth of the account's wallet a year.
    shock_sd, industry_sd : float
        Standard deviations of the quarter's shocks to the account and to all, log, >= 0.
    shock, industry : float
        Standard normal draws.

    Returns
    -------
    float
        After (geometric random walk with drift; model, world table).
    """
    return log_wallet + growth / 4.0 + shock_sd * shock + industry_sd * industry


@rule
def growth_after_year(growth: float, expected: float, persistence: float, sd: float, draw: float) -> float:
    """Growth of an account's wallet a year later: it reverts to the market's.

    Parameters
    ----------
    growth, expected : float
        Log growth a year, of the account before and of the market.
    persistence : float
        Correlation from year to year, in [0, 1]; 1 where differences last for ever.
    sd : float
        Standard deviation between accounts in the long run, log, >= 0.
    draw : float
        Standard normal draw.

    Returns
    -------
    float
        Log growth a year (stationary AR(1)). In real books the variance of growth over k years is linear in k, which
        lasting differences would make quadratic: docs/calibration.md.
    """
    return expected + persistence * (growth - expected) + math.sqrt(1.0 - persistence * persistence) * sd * draw


@rule
def surge_after_quarter(surge: float, persistence: float, sd: float, draw: float) -> float:
    """Surge of an account's orders a quarter later.

    Parameters
    ----------
    surge : float
        Before, log.
    persistence : float
        Correlation from quarter to quarter, in [0, 1).
    sd : float
        Standard deviation in the long run, log, >= 0.
    draw : float
        Standard normal draw.

    Returns
    -------
    float
        After, log (stationary AR(1); model, world table).
    """
    return persistence * surge + math.sqrt(1.0 - persistence * persistence) * sd * draw


@rule
def orders_of_quarter(surge: float, surge_sd: float, noise_sd: float, draw: float) -> float:
    """Lumpy ordering: what a quarter's orders are of what the account needs.

    Parameters
    ----------
    surge : float
        The quarter's surge, log.
    surge_sd, noise_sd : float
        Standard deviations of surge and white noise, log, >= 0.
    draw : float
        Standard normal draw of the white noise.

    Returns
    -------
    float
        > 0, 1 on average (lognormal; model, world table).
    """
    return math.exp(surge + noise_sd * draw - 0.5 * (surge_sd * surge_sd + noise_sd * noise_sd))


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
def rival_chance(annual_wallet: float, rate: float, exponent: float, most: float) -> float:
    """Chance that a rival attacks an account in a quarter.

    Parameters
    ----------
    annual_wallet : float
        In median annual wallets, > 0.
    rate : float
        Chance at a median wallet, in [0, 1].
    exponent : float
        How the chance grows with the wallet, >= 0.
    most : float
        Most that size can multiply it, >= 1.

    Returns
    -------
    float
        In [0, 1] (model, world table: rival).
    """
    return rate * min(most, math.pow(annual_wallet, exponent))


@rule
def rival_attacks(draw: float, annual_wallet: float, rate: float, exponent: float, most: float) -> bool:
    """Whether a rival attacks an account in a quarter; larger wallets draw more.

    Parameters
    ----------
    draw : float
        Uniform draw in (0, 1).
    annual_wallet, rate, exponent, most : float
        As for `rival_chance`.

    Returns
    -------
    bool
        True where it attacks (model, world table: rival).
    """
    # The power is dear and rarely matters: it is only taken where size could decide.
    return draw < rate * most and draw < rival_chance(annual_wallet, rate, exponent, most)


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
