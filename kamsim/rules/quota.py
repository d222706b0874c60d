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
def growth_asked(premium: float, part: float, added: float) -> float:
    """Growth over the market that a program chooses to ask for.

    Parameters
    ----------
    premium : float
        What the organization expects, a year.
    part : float
        Part of it that the quota carries, >= 0.
    added : float
        Growth a year beside it.

    Returns
    -------
    float
        Growth a year (assumed: what is expected and what is asked for are two decisions).
    """
    return part * premium + added


@rule
def room_to_grow(ceiling: float, share: float, least_room: float) -> float:
    """Room that an account has to grow, as a part of what can be reached at all.

    Parameters
    ----------
    ceiling, share : float
        Share ceiling, > 0, and share of wallet.
    least_room : float
        Room below which accounts are all alike, > 0.

    Returns
    -------
    float
        Above 0 (the room of `kamsim.rules.tiering.growth_potential`, without the wallet).
    """
    return max(ceiling - share, least_room) / ceiling


@rule
def plan_promise(room: float) -> float:
    """What an account plan promises, against the sales there are.

    Parameters
    ----------
    room : float
        Room to grow as read, >= 0.

    Returns
    -------
    float
        In [1, 2]: no plan promises less than is sold, nor more than all the room there is (assumed).
    """
    return 1.0 + min(1.0, room)


@rule
def sum_of_plans(sales: float, planned: float, mean_promise: float, by_potential: float) -> float:
    """Sales that a quota builds on, between last sales and the sum of account plans.

    Parameters
    ----------
    sales : float
        Sales of the key accounts, >= 0.
    planned : float
        Sum over them of sales x what their plans promise.
    mean_promise : float
        Mean over them of what plans promise, each account counted once; >= 1.
    by_potential : float
        How far the quota is the sum of the plans, in [0, 1].

    Returns
    -------
    float
        Money a year: the sales where all plans promise alike; less where it is the large accounts that have little
        room (assumed: a plan tells where growth is to come from, not how much is expected of all).
    """
    return sales + by_potential * (planned / mean_promise - sales)


@rule
def sales_passed_on(sales: float, old_quota: float, ratchet_down: float) -> float:
    """Sales that the next quota builds on where they were above the old one.

    Parameters
    ----------
    sales : float
        What the key accounts spent, >= 0.
    old_quota : float
        Last year's quota; 0 where there is none to weigh.
    ratchet_down : float
        Weight of the old quota where sales were above it, in [0, 1].

    Returns
    -------
    float
        Between the old quota and the sales; the sales where they were below (weighted mean of last sales and last
        quota, Leone, Misra & Zimmerman 2004; they find quotas to rise more than they fall: a weight here below that of
        an unmet quota).
    """
    if old_quota <= 0.0:
        return sales
    return sales - ratchet_down * max(0.0, sales - old_quota)


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
def patience_borne(drawn: int, chosen: int) -> int:
    """Misses in a row that an organization bears.

    Parameters
    ----------
    drawn : int
        As many as the world draws, >= 1.
    chosen : int
        As many as the program chooses to bear; 0 where it chooses nothing.

    Returns
    -------
    int
        At least 1 (assumed: a board that decides beforehand holds to it).
    """
    return chosen if chosen > 0 else drawn


@rule
def pilot_spreads(years_left: int, missed: bool) -> bool:
    """Whether the places that a pilot left alone follow it now.

    Parameters
    ----------
    years_left : int
        Years of the pilot after this one; 0 in its last.
    missed : bool
        Whether the program missed its quota this year.

    Returns
    -------
    bool
        Only after the last year of a pilot, and where that met the quota (assumed).
    """
    return years_left == 0 and not missed


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
