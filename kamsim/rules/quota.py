"""Year-end: the quota on key accounts, attainment, and when a program's patience ends."""

from kamsim.compiler import rule


@rule
def expected_premium(premium: float, prioritizes_returns: bool, carried_elsewhere: float) -> float:
    """Growth over the market that the quota carries.

    Parameters
    ----------
    premium : float
        Extra growth that the organization expects of key accounts, a year.
    prioritizes_returns : bool
        Whether it prioritizes increased returns on key accounts.
    carried_elsewhere : float
        Part of the premium in the quota where it does not, in [0, 1].

    Returns
    -------
    float
        Growth a year (Gartner 2021: 95 % expect more, 85 % prioritize; model, world table).
    """
    if prioritizes_returns:
        return premium
    return carried_elsewhere * premium


@rule
def next_quota(spend_of_key: float, old_quota: float, ratchet: float, market_growth: float, premium: float) -> float:
    """Quota for next year on the accounts that are key now.

    Parameters
    ----------
    spend_of_key : float
        What those accounts spent last year, >= 0.
    old_quota : float
        Last year's quota; 0 after a launch or a rebuild, where nothing ratchets.
    ratchet : float
        Weight of the old quota where it was higher, in [0, 1].
    market_growth, premium : float
        Expected growth of the market, and over it, a year.

    Returns
    -------
    float
        Money a year, >= 0, whatever is expected (ratchet effect, Weitzman 1980; model, year-end).
    """
    base = (1.0 - ratchet) * spend_of_key + ratchet * max(spend_of_key, old_quota)
    return base * max(0.0, 1.0 + market_growth + premium)


@rule
def quota_attainment(key_revenue: float, quota: float) -> float:
    """Revenue of the key accounts as a part of their quota.

    Parameters
    ----------
    key_revenue : float
        What the key accounts spent this year, >= 0.
    quota : float
        Their quota, >= 0.

    Returns
    -------
    float
        Attainment >= 0; below 1 is a miss; 1 where there is no quota (model, year-end).
    """
    if quota <= 0.0:
        return 1.0
    return key_revenue / quota


@rule
def missed_in_a_row(streak: int, attainment: float) -> int:
    """Count of quota misses in a row.

    Parameters
    ----------
    streak : int
        Misses in a row before this year, >= 0.
    attainment : float
        This year's quota attainment, >= 0.

    Returns
    -------
    int
        Misses in a row with this year (model, year-end).
    """
    if attainment < 1.0:
        return streak + 1
    return 0


@rule
def patience_ends(streak: int, patience: int) -> bool:
    """Whether so many misses in a row set off a rebuild of the program.

    Parameters
    ----------
    streak, patience : int
        Misses in a row, and how many the organization bears, >= 1.

    Returns
    -------
    bool
        True from ``patience`` misses on (model, year-end).
    """
    return streak >= patience


@rule
def chance_to_leave(turnover: float, missed_last_year: bool, after_miss: float) -> float:
    """Chance that a KAM leaves in a quarter.

    Parameters
    ----------
    turnover : float
        Chance a quarter after a year that met quota, in [0, 1].
    missed_last_year : bool
        Whether the program missed its quota last year.
    after_miss : float
        What a miss adds, as a part of ``turnover``, >= 0.

    Returns
    -------
    float
        In [0, 1] (model, rule 10).
    """
    if missed_last_year:
        return min(1.0, turnover * (1.0 + after_miss))
    return turnover
