"""Year-end: who is elevated, with what ambition, who is demoted, and which KAM serves whom.

A tier is a number: 0 is standard, 1 the lowest key tier, and so on up. ``seats[tier]`` holds the seats of each.
"""

import math

from numpy import bool_, float64, int64
from numpy.typing import NDArray

from kamsim.compiler import rule


@rule
def between(as_most_do: float, as_advised: float, strength: float) -> float:
    """Value of something that a lever moves, between its two columns.

    Parameters
    ----------
    as_most_do, as_advised : float
        Value where the lever is at 0 and at 1.
    strength : float
        Strength of the lever, in [0, 1].

    Returns
    -------
    float
        Between the two (model, policy table).
    """
    return as_most_do + strength * (as_advised - as_most_do)


@rule
def reading(truth: float, draw: float, noise: float) -> float:
    """What a manager reads of something that cannot be seen exactly.

    Parameters
    ----------
    truth : float
        What is so.
    draw : float
        The world's standard normal draw for this reading.
    noise : float
        Standard deviation of the reading, >= 0.

    Returns
    -------
    float
        Reading, in the unit of ``truth`` (model, world table: observation noise).
    """
    return truth + noise * draw


@rule
def relieved_noise(noise: float, team: float, relief: float) -> float:
    """Error of a reading where a cross-functional team shares what its members know.

    Parameters
    ----------
    noise : float
        Standard deviation without a team, >= 0.
    team : float
        Strength of the team, in [0, 1].
    relief : float
        Part of the error that a full team takes away, in [0, 1].

    Returns
    -------
    float
        In [0, noise] (model, alignment lever).
    """
    return noise * (1.0 - relief * team)


@rule
def log_growth(before: float, now: float, least: float) -> float:
    """Log growth of spend.

    Parameters
    ----------
    before, now : float
        Money, >= 0.
    least : float
        Spend below which amounts are all alike, > 0.

    Returns
    -------
    float
        Log of the ratio.
    """
    return math.log(max(now, least) / max(before, least))


@rule
def spend_score(last_year_spend: float, least: float) -> float:
    """Score of an account for managers who elevate by large spend.

    Parameters
    ----------
    last_year_spend : float
        Money last year, >= 0.
    least : float
        Spend below which accounts are all alike, > 0.

    Returns
    -------
    float
        Log of money a year (model, selection lever: spend).
    """
    return math.log(max(last_year_spend, least))


@rule
def growth_potential(
    annual_wallet: float, ceiling: float, share: float, growth: float, growth_weight: float, least_room: float
) -> float:
    """Growth potential of an account, by enterprise criteria.

    Parameters
    ----------
    annual_wallet : float
        Wallet, median annual wallets a year, > 0.
    ceiling, share : float
        Share ceiling and share of wallet, in [0, 1]; their gap is the room to grow.
    growth : float
        Log growth of the wallet a year.
    growth_weight : float
        Weight of growth, years.
    least_room : float
        Room below which accounts are all alike, > 0.

    Returns
    -------
    float
        Log of money a year within reach + weighted growth (model, selection lever: enterprise).
    """
    return math.log(annual_wallet * max(ceiling - share, least_room)) + growth_weight * growth


@rule
def calibrated_ambition(fit_reading: float, bilateral: float, slope: float, lowest: float, highest: float) -> float:
    """Ambition of a partnership: one for the whole tier, or calibrated with the customer to its fit.

    Parameters
    ----------
    fit_reading : float
        The fit as read; compatibility of 0.5 is average.
    bilateral : float
        Strength of the boundaries lever, in [0, 1].
    slope, lowest, highest : float
        Ambition per unit of fit, and its bounds.

    Returns
    -------
    float
        In [lowest, highest] at full strength; 1 where unilateral (model, boundaries lever).
    """
    calibrated = min(highest, max(lowest, 1.0 + slope * (fit_reading - 0.5)))
    return between(1.0, calibrated, bilateral)


@rule
def account_health(
    log_growth: float,
    book_log_growth: float,
    trust_reading: float,
    growth_weight: float,
    trust_weight: float,
    sound_trust: float,
) -> float:
    """Health of a key account as a yearly review reads it; below the threshold it may be demoted.

    Parameters
    ----------
    log_growth, book_log_growth : float
        Log growth of spend over two years, of the account and of the whole book.
    trust_reading : float
        Trust as read.
    growth_weight, trust_weight : float
        What the review looks at.
    sound_trust : float
        Trust that counts as sound.

    Returns
    -------
    float
        Health, 0 for an account that grows with the book at sound trust (model, re-tiering lever).
    """
    return growth_weight * (log_growth - book_log_growth) + trust_weight * (trust_reading - sound_trust)


@rule
def best_first(scores: NDArray[float64], eligible: NDArray[bool_], places: int, order: NDArray[int64]) -> int:
    """Rank the best eligible accounts, best first; of equals the one that comes first in the book.

    Parameters
    ----------
    scores, eligible : arrays of shape (accounts,)
        Score of each account, and whether it may be taken.
    places : int
        How many to take at most.
    order : array of shape (>= places,)
        Filled with the accounts taken.

    Returns
    -------
    int
        How many were taken.
    """
    if places == 0:
        return 0
    taken = 0
    for account in range(len(scores)):
        if not eligible[account]:
            continue
        score = scores[account]
        if taken == places and score <= scores[order[taken - 1]]:
            continue
        place = min(taken, places - 1)
        while place > 0 and score > scores[order[place - 1]]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = account
        taken = min(taken + 1, places)
    return taken


@rule
def seat_from_the_top(
    order: NDArray[int64], count: int, seats: NDArray[int64], vacant: NDArray[int64], tier: NDArray[int64]
) -> None:
    """Give ranked accounts the vacant seats, the best the highest.

    Parameters
    ----------
    order : array of shape (>= count,)
        Accounts, best first.
    count : int
        How many of them are to be seated.
    seats : array of shape (tiers,)
        Seats of each tier.
    vacant : array of shape (tiers,)
        Working space: vacant seats of each tier.
    tier : array of shape (accounts,)
        Tiers held by those already seated; filled in for the ranked ones.
    """
    for level in range(len(seats)):
        vacant[level] = seats[level]
    for account in range(len(tier)):
        vacant[tier[account]] -= 1
    level = len(seats) - 1
    for place in range(count):
        while level > 0 and vacant[level] <= 0:
            level -= 1
        if level == 0:
            return
        tier[order[place]] = level
        vacant[level] -= 1


@rule
def select_anew(
    scores: NDArray[float64],
    seats: NDArray[int64],
    eligible: NDArray[bool_],
    order: NDArray[int64],
    vacant: NDArray[int64],
    tier: NDArray[int64],
) -> None:
    """Fill every seat from scratch by score, as at a launch or a rebuild.

    Parameters
    ----------
    scores : array of shape (accounts,)
        Selection scores.
    seats : array of shape (tiers,)
        Seats of each tier.
    eligible, order, vacant : arrays
        Working space, of shapes (accounts,), (all seats,) and (tiers,).
    tier : array of shape (accounts,)
        Overwritten with the new tiers.
    """
    eligible[:] = True
    tier[:] = 0
    count = best_first(scores, eligible, len(order), order)
    seat_from_the_top(order, count, seats, vacant, tier)


@rule
def demote_the_unhealthy(
    decline: NDArray[float64],
    scores: NDArray[float64],
    threshold: float,
    most_moves: int,
    seats: NDArray[int64],
    eligible: NDArray[bool_],
    order: NDArray[int64],
    vacant: NDArray[int64],
    tier: NDArray[int64],
) -> None:
    """Demote the key accounts of worst health, and elevate as many of the best candidates.

    Parameters
    ----------
    decline : array of shape (accounts,)
        Minus the health of each key account (any number for standard ones).
    scores : array of shape (accounts,)
        Selection scores of candidates.
    threshold : float
        Health below which an account may be demoted.
    most_moves : int
        Demotions at most.
    seats : array of shape (tiers,)
        Seats of each tier.
    eligible, order, vacant : arrays
        Working space, of shapes (accounts,), (all seats,) and (tiers,).
    tier : array of shape (accounts,)
        Tiers, changed in place (model, re-tiering lever: performance).
    """
    # Candidates are marked before anyone leaves, so that nobody is demoted and elevated at once.
    for account in range(len(tier)):
        eligible[account] = tier[account] > 0 and -decline[account] < threshold
    candidates = 0
    for account in range(len(tier)):
        if tier[account] == 0:
            candidates += 1
    leaving = best_first(decline, eligible, min(most_moves, candidates), order)
    for account in range(len(tier)):
        eligible[account] = tier[account] == 0
    for place in range(leaving):
        tier[order[place]] = 0
    entering = best_first(scores, eligible, leaving, order)
    seat_from_the_top(order, entering, seats, vacant, tier)


@rule
def rerank_by_spend(
    spend: NDArray[float64],
    most_moves: int,
    seats: NDArray[int64],
    eligible: NDArray[bool_],
    order: NDArray[int64],
    vacant: NDArray[int64],
    tier: NDArray[int64],
) -> None:
    """Let the largest spenders of the year take seats from the smallest, and seat all members by spend.

    Parameters
    ----------
    spend : array of shape (accounts,)
        Spend of the year.
    most_moves : int
        Accounts that may change places at most.
    seats : array of shape (tiers,)
        Seats of each tier.
    eligible, order, vacant : arrays
        Working space, of shapes (accounts,), (all seats,) and (tiers,).
    tier : array of shape (accounts,)
        Tiers, changed in place (model, re-tiering lever: spend).
    """
    members = 0
    for account in range(len(tier)):
        eligible[account] = tier[account] == 0
        if tier[account] > 0:
            members += 1
    challengers = best_first(spend, eligible, most_moves, order)
    for place in range(challengers):
        smallest = -1
        for account in range(len(tier)):
            if tier[account] > 0 and (smallest < 0 or spend[account] < spend[smallest]):
                smallest = account
        challenger = order[place]
        if smallest < 0 or spend[challenger] <= spend[smallest]:
            break
        tier[challenger] = tier[smallest]
        tier[smallest] = 0
    for account in range(len(tier)):
        eligible[account] = tier[account] > 0
    ranked = best_first(spend, eligible, members, order)
    for place in range(ranked):
        tier[order[place]] = 0
    seat_from_the_top(order, ranked, seats, vacant, tier)


@rule
def moves_allowed(all_seats: int, share: float, strength: float) -> int:
    """Key accounts that a yearly review may replace.

    Parameters
    ----------
    all_seats : int
        Seats of the program.
    share : float
        Part of them that may be replaced at full strength, in [0, 1].
    strength : float
        Strength of the re-tiering lever, in [0, 1].

    Returns
    -------
    int
        Rounded to the nearest, in [0, all_seats] (model: the worst quarter leave).
    """
    return int(all_seats * share * strength + 0.5)


@rule
def sorting_pull(tier: int, top_tier: int, sorting: float) -> float:
    """How strongly an account of a tier is drawn to well-tied KAMs rather than to free ones.

    Parameters
    ----------
    tier, top_tier : int
        The account's tier and the highest, 1 <= tier <= top_tier.
    sorting : float
        Pull on the highest tier, accounts of load per unit of tie, >= 0.

    Returns
    -------
    float
        In [0, sorting]; 0 for the lowest key tier (model: strategic accounts go to the best-tied KAMs).
    """
    if top_tier <= 1:
        return 0.0
    return sorting * (tier - 1) / (top_tier - 1)


@rule
def best_kam(mean_tie: NDArray[float64], load: NDArray[float64], pull: float, former: int) -> int:
    """KAM that an account is given: well tied as far as its tier pulls, else the least loaded.

    Parameters
    ----------
    mean_tie, load : arrays of shape (KAMs,)
        Mean tie of each KAM with the functions, and attention weight it already carries.
    pull : float
        From `sorting_pull`.
    former : int
        KAM that the account is taken from and not given back to; -1 for none.

    Returns
    -------
    int
        The KAM; of equals the first (model, year-end).
    """
    best = 0 if former != 0 or len(load) == 1 else 1
    for kam in range(best + 1, len(load)):
        if kam == former:
            continue
        if pull * mean_tie[kam] - load[kam] > pull * mean_tie[best] - load[best]:
            best = kam
    return best
