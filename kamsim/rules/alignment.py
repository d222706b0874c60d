"""Rule 11: how a function's alignment with key accounts and its fatigue from rebuilds move."""

from kamsim.compiler import rule


@rule
def overload(asked: float, available: float, weight: float) -> float:
    """Alignment lost in the long run by a function that is asked for more than it will give.

    Parameters
    ----------
    asked, available : float
        Units of support asked and available in the quarter, >= 0.
    weight : float
        Alignment lost where nothing of what is asked can be given, in [0, 1].

    Returns
    -------
    float
        In [0, weight] (model, rule 11).
    """
    if asked <= available:
        return 0.0
    return weight * (1.0 - available / asked)


@rule
def alignment_after_quarter(
    alignment: float,
    at_birth: float,
    from_team: float,
    fatigue: float,
    from_overload: float,
    speed: float,
    lowest: float,
    highest: float,
) -> float:
    """Alignment of a function, moved a part of the way to where team, fatigue and overload pull it.

    Parameters
    ----------
    alignment, at_birth : float
        Now, and the function's own base, in [lowest, highest].
    from_team : float
        What a cross-functional team adds, in [0, 1].
    fatigue, from_overload : float
        What rebuilds and overload take away, >= 0.
    speed : float
        Part of the gap closed in a quarter, in [0, 1].
    lowest, highest : float
        Bounds of alignment.

    Returns
    -------
    float
        In [lowest, highest] (model, rule 11).
    """
    pulled_to = at_birth + from_team - fatigue - from_overload
    return min(highest, max(lowest, alignment + speed * (pulled_to - alignment)))


@rule
def fatigue_after_quarter(fatigue: float, decay: float) -> float:
    """Fatigue of a function after a quarter without a rebuild.

    Parameters
    ----------
    fatigue : float
        Before, >= 0.
    decay : float
        Part that passes in a quarter, in [0, 1].

    Returns
    -------
    float
        In [0, fatigue] (model, rule 11).
    """
    return fatigue * (1.0 - decay)


@rule
def fatigue_after_rebuild(fatigue: float, rebuild_fatigue: float, team: float, team_relief: float) -> float:
    """Fatigue of a function after the program is rebuilt once more.

    Parameters
    ----------
    fatigue : float
        Before, >= 0.
    rebuild_fatigue : float
        What one rebuild adds without a team, >= 0.
    team : float
        Strength of the cross-functional team, in [0, 1].
    team_relief : float
        Part of it that a full team takes away, in [0, 1].

    Returns
    -------
    float
        After, >= fatigue (model, year-end and alignment lever).
    """
    return fatigue + rebuild_fatigue * (1.0 - team_relief * team)
