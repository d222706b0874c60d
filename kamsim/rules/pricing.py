"""What accounts pay: a price by size for everybody, what a program gives on top, and what bargaining wears away."""

from kamsim.compiler import rule


@rule
def bargaining_power(
    last_year_spend: float, mean_of_largest: float, base: float, slope: float, highest: float
) -> float:
    """How much of the usual price concession an account can bargain for, by its size.

    Parameters
    ----------
    last_year_spend : float
        What the account spent last year, >= 0.
    mean_of_largest : float
        The mean of that over as many of the largest accounts as the program has seats for, >= 0.
    base, slope, highest : float
        Power at no spend, what the mean large account adds, and the bound.

    Returns
    -------
    float
        Multiple of the concession, in [0, highest] (model, price by size; Ivens & Pardo 2007: suppliers do not give
        key customers other prices than their size gets anyway).
    """
    if mean_of_largest <= 0.0:
        return min(highest, base)
    return min(highest, base + slope * last_year_spend / mean_of_largest)


@rule
def worn_price(worn: float, trust: float, erosion: float) -> float:
    """Concession that yearly bargaining has worn out of an account's price, a year later.

    Parameters
    ----------
    worn : float
        Before, part of list price at a power of 1, >= 0.
    trust : float
        In [0, 1]; trust is bargained with less.
    erosion : float
        Worn a year without any trust, >= 0.

    Returns
    -------
    float
        After (model, price by size: 1.3 to 3.6 % a year among automotive suppliers, gross of productivity).
    """
    return worn + erosion * (1.0 - trust)


@rule
def program_concession(conceded: float, of_tier: float, power: float, in_program: bool, kept: float) -> float:
    """Concession that the program has given an account beyond what its size gets.

    Parameters
    ----------
    conceded : float
        Before, part of list price, >= 0.
    of_tier : float
        What the tier gives at a power of 1, part of list price, >= 0.
    power : float
        From `bargaining_power`.
    in_program : bool
        Whether the account is key; what was given once is not taken back while it is.
    kept : float
        Part that is left after a year outside of the program, in [0, 1].

    Returns
    -------
    float
        After, >= 0 (model, price by size).
    """
    if in_program:
        return max(conceded, of_tier * power)
    return conceded * kept


@rule
def price_concession(usual: float, worn: float, power: float, of_program: float, most: float) -> float:
    """Price concession of an account for next year.

    Parameters
    ----------
    usual : float
        Concession at a power of 1, part of list price, >= 0.
    worn, of_program : float
        From `worn_price` and `program_concession`.
    power : float
        From `bargaining_power`.
    most : float
        Most that anybody is given, part of list price, below 1.

    Returns
    -------
    float
        In [0, most] (model, price by size).
    """
    return min(most, (usual + worn) * power + of_program)


@rule
def growth_rebate(listed: float, listed_before: float, rebate: float, concession: float, most: float) -> float:
    """Rebate at the year's end on what an account bought beyond the year before.

    Parameters
    ----------
    listed, listed_before : float
        What it bought this year and the year before, at list price, >= 0.
    rebate : float
        Part of list price that what is beyond earns, in [0, 1].
    concession : float
        Price concession that it had all year, part of list price, in [0, most].
    most : float
        Most that anybody is given, part of list price, below 1.

    Returns
    -------
    float
        Money a year, >= 0; with the concession never more than ``most`` of what it bought (give-get pricing: who gives
        volume gets a price; who gives none gets nothing).
    """
    return min(rebate * max(0.0, listed - listed_before), (most - concession) * listed)
