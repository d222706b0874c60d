"""The incubator: accounts newly elevated are on trial before they are in."""

from kamsim.compiler import rule

OUT = 0
ONCE_MORE = 1
ADMITTED = 2


@rule
def verdict(healthy: bool, is_last: bool) -> int:
    """What becomes of an account at the end of its time in the incubator.

    Parameters
    ----------
    healthy : bool
        Whether the review reads its health as no less than the threshold.
    is_last : bool
        Whether it has had its further year, and somebody else would take its place.

    Returns
    -------
    int
        `ADMITTED`, `ONCE_MORE` for one further year, or `OUT` (a trial before the full commitment, with an executive
        panel that lets in, waits once, or lets go; sources, TNT).
    """
    if healthy:
        return ADMITTED
    return OUT if is_last else ONCE_MORE


@rule
def elevations_paid(entered: int, admitted: int, part: float) -> float:
    """Elevations that a year's end pays for.

    Parameters
    ----------
    entered, admitted : int
        Accounts newly elevated, and those that the incubator lets in, >= 0.
    part : float
        Of the cost of an elevation that is paid at entry, in [0, 1]; the rest is paid by those who get in.

    Returns
    -------
    float
        In whole elevations, >= 0.
    """
    return entered * part + admitted * (1.0 - part)
