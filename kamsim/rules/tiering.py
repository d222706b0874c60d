"""Year-end: who is elevated, with what ambition, who is demoted, and which KAM serves whom.

A tier is a number: 0 is standard, 1 the lowest key tier, and so on up; -1 is no customer, not yet or no more.
``seats[tier]`` holds the seats of each.
"""

import math

from numpy import bool_, float64, int64
from numpy.typing import NDArray

from kamsim.compiler import rule

NO_CUSTOMER = -1  # the tier of an account that has not come yet, or has left
LEAVING = -2  # of a key account while its seat is given away
STEPPING_OUT = -3  # the same, of those whom a review by health lets go
LEAST_POTENTIAL = 1e-12  # median wallets a year within reach, of an account that loses money


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
def team_noise(noise: float, team: float, in_common: float, functions: int) -> float:
    """Error of a reading that a cross-functional team takes together: the mean of as many readings as functions.

    Parameters
    ----------
    noise : float
        Standard deviation of one reading, >= 0.
    team : float
        Strength of the team, in [0, 1].
    in_common : float
        Correlation of the errors of its members, in [0, 1].
    functions : int
        Members, >= 1.

    Returns
    -------
    float
        In [0, noise] (model, team's reading).
    """
    return between(noise, noise * math.sqrt(in_common + (1.0 - in_common) / functions), team)


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
def growth_potential(annual_wallet: float, ceiling: float, share: float, margin: float, least_room: float) -> float:
    """Growth potential of an account, by enterprise criteria: what is within reach, and what it would earn.

    Parameters
    ----------
    annual_wallet : float
        Wallet, median annual wallets a year, > 0.
    ceiling, share : float
        Share ceiling and share of wallet, in [0, 1]; their gap is the room to grow.
    margin : float
        Margin on list price as read: gross, less its price concession and what it costs to serve.
    least_room : float
        Room, and margin, below which accounts are all alike, > 0.

    Returns
    -------
    float
        Log of money a year within reach; an account that is read to lose money comes after all others
        (model, selection lever: enterprise).
    """
    if margin <= 0.0:
        return math.log(LEAST_POTENTIAL)
    return math.log(annual_wallet * max(ceiling - share, least_room) * max(margin, least_room))


@rule
def calibrated_ambition(
    fit_reading: float, mean_reading: float, bilateral: float, slope: float, lowest: float, highest: float
) -> float:
    """Ambition of a partnership: one for the whole tier, or calibrated with the customer to its fit.

    Parameters
    ----------
    fit_reading : float
        The fit as read.
    mean_reading : float
        Its mean over the members of the program: one budget is shared out among them, none is cut.
    bilateral : float
        Strength of the boundaries lever, in [0, 1].
    slope, lowest, highest : float
        Ambition per unit of fit, and its bounds.

    Returns
    -------
    float
        In [lowest, highest] at full strength; 1 where unilateral (model, boundaries lever).
    """
    calibrated = min(highest, max(lowest, 1.0 + slope * (fit_reading - mean_reading)))
    return between(1.0, calibrated, bilateral)


@rule
def account_health(
    trust_reading: float,
    resting_trust: float,
    margin_reading: float,
    usual_margin: float,
    trust_weight: float,
    margin_weight: float,
) -> float:
    """Health of a key account as a yearly review reads it; below the threshold it may be demoted.

    Parameters
    ----------
    trust_reading : float
        Trust as read.
    resting_trust : float
        Trust of a relationship without a program.
    margin_reading, usual_margin : float
        Contribution over sales in two years as read, and its median over the members.
    trust_weight, margin_weight : float
        What the review looks at.

    Returns
    -------
    float
        Health, 0 for an account of resting trust and usual margin (model, re-tiering lever). Growth is no part of it:
        past growth says nothing about the next.
    """
    return trust_weight * (trust_reading - resting_trust) + margin_weight * (margin_reading - usual_margin)


@rule
def middle(values: NDArray[float64]) -> float:
    """Median of some numbers.

    Parameters
    ----------
    values : array
        Numbers; sorted in place.

    Returns
    -------
    float
        0 where there are none.
    """
    count = len(values)
    if count == 0:
        return 0.0
    values.sort()
    return float(0.5 * (values[(count - 1) // 2] + values[count // 2]))


@rule
def mean_of_largest(amounts: NDArray[float64], largest: NDArray[float64]) -> float:
    """Mean of the largest amounts.

    Parameters
    ----------
    amounts : array
        One of each account that counts.
    largest : array of shape (places,)
        As long as how many of the largest are asked for; filled with them, the largest first.

    Returns
    -------
    float
        0 where nobody counts.
    """
    taken, places = 0, len(largest)
    for amount in amounts:
        if taken < places:
            taken += 1
        elif amount <= largest[places - 1]:
            continue
        place = taken - 1
        while place > 0 and amount > largest[place - 1]:
            largest[place] = largest[place - 1]
            place -= 1
        largest[place] = amount
    if taken == 0:
        return 0.0
    total = 0.0
    for place in range(taken):
        total += largest[place]
    return total / taken


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
        if tier[account] > 0:
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
        Overwritten with the new tiers; below 0 for whoever is no customer.
    """
    for account in range(len(tier)):
        tier[account] = min(tier[account], 0)
    fill_vacant_seats(scores, seats, eligible, order, vacant, tier)


@rule
def open_places(
    scores: NDArray[float64], part: float, eligible: NDArray[bool_], order: NDArray[int64], tier: NDArray[int64]
) -> None:
    """Open a part of the places of a program for selection; the best of its members keep place and tier.

    Parameters
    ----------
    scores : array of shape (accounts,)
        Selection scores.
    part : float
        Part of the members whose places are opened, in [0, 1]; so many to the nearest, halves up.
    eligible : array of shape (accounts,)
        Filled: whether the account held a place that is open now.
    order : array of shape (all seats,)
        Working space.
    tier : array of shape (accounts,)
        Tiers; 0 from now on for those whose places are open, who compete for them with everybody else (assumed).
    """
    members = 0
    for account in range(len(tier)):
        eligible[account] = tier[account] > 0
        if eligible[account]:
            members += 1
    kept = best_first(scores, eligible, members - int(part * members + 0.5), order)
    for place in range(kept):
        eligible[order[place]] = False
    for account in range(len(tier)):
        if eligible[account]:
            tier[account] = 0


@rule
def fill_vacant_seats(
    scores: NDArray[float64],
    seats: NDArray[int64],
    eligible: NDArray[bool_],
    order: NDArray[int64],
    vacant: NDArray[int64],
    tier: NDArray[int64],
) -> None:
    """Elevate the best candidates to the seats that nobody holds, such as those of customers that left.

    Parameters
    ----------
    scores : array of shape (accounts,)
        Selection scores.
    seats : array of shape (tiers,)
        Seats of each tier.
    eligible, order, vacant : arrays
        Working space, of shapes (accounts,), (all seats,) and (tiers,).
    tier : array of shape (accounts,)
        Tiers, changed in place.
    """
    places = len(order)
    for account in range(len(tier)):
        eligible[account] = tier[account] == 0
        if tier[account] > 0:
            places -= 1
    count = best_first(scores, eligible, places, order)
    seat_from_the_top(order, count, seats, vacant, tier)


@rule
def step_down_the_unhealthy(
    decline: NDArray[float64],
    warned: NDArray[bool_],
    scores: NDArray[float64],
    threshold: float,
    most_moves: int,
    seats: NDArray[int64],
    eligible: NDArray[bool_],
    order: NDArray[int64],
    vacant: NDArray[int64],
    tier: NDArray[int64],
) -> None:
    """Let the key accounts of worst health step down a tier, and the best healthy account below step up.

    Parameters
    ----------
    decline : array of shape (accounts,)
        Minus the health of each key account (any number for others).
    warned : array of shape (accounts,)
        Whether an account was read as unhealthy at the review before: it had a year to recover.
    scores : array of shape (accounts,)
        Selection scores of candidates.
    threshold : float
        Health below which an account is unhealthy.
    most_moves : int
        Steps down at most.
    seats : array of shape (tiers,)
        Seats of each tier.
    eligible, order, vacant : arrays
        Working space, of shapes (accounts,), (all seats,) and (tiers,).
    tier : array of shape (accounts,)
        Tiers, changed in place (model, re-tiering lever: performance). A key account moves by one tier at most. Only
        from the lowest does one leave the program, for the best candidate; a seat that is vacant already is no reason.
    """
    spare = -len(order)  # customers beyond the seats: so many candidates no vacant seat waits for
    for account in range(len(tier)):
        eligible[account] = tier[account] > 0 and warned[account] and -decline[account] < threshold
        if tier[account] >= 0:
            spare += 1
    stepping = best_first(decline, eligible, most_moves, order)
    for place in range(stepping):
        account = order[place]
        level = tier[account]
        if level == 1:
            if spare > 0:
                spare -= 1
                tier[account] = STEPPING_OUT
            continue
        best = -1
        for other in range(len(tier)):
            if tier[other] != level - 1 or eligible[other] or -decline[other] < threshold:
                continue
            if best < 0 or decline[other] < decline[best]:
                best = other
        if best >= 0:
            tier[account], tier[best] = level - 1, level
            eligible[best] = True  # it has had its step: nobody else steps down for it
    # Candidates are marked before anyone has left, so that nobody is demoted and elevated at once.
    fill_vacant_seats(scores, seats, eligible, order, vacant, tier)
    for account in range(len(tier)):
        if tier[account] == STEPPING_OUT:
            tier[account] = 0


@rule
def notice_after_year(left: int, leaves: bool, again: bool, years: int) -> int:
    """Years of notice that a key account has left after a year's end.

    Parameters
    ----------
    left : int
        Years it had left before; 0 for an account without notice.
    leaves : bool
        Whether a review or a rebuild would let it go now.
    again : bool
        Whether one has found it healthy, or selected it, again.
    years : int
        Notice that a program gives, >= 0.

    Returns
    -------
    int
        0 for an account without notice, or whose notice has ended (assumed).
    """
    if left > 0:
        return 0 if again else left - 1
    return years if leaves else 0


@rule
def seat_again(
    ranks: NDArray[float64],
    eligible: NDArray[bool_],
    seats: NDArray[int64],
    order: NDArray[int64],
    vacant: NDArray[int64],
    tier: NDArray[int64],
) -> None:
    """Seat some members anew by rank, from the highest place that nobody else holds.

    Parameters
    ----------
    ranks : array of shape (accounts,)
        Spend or selection scores.
    eligible : array of shape (accounts,)
        Who is seated anew; no more than there are seats.
    seats : array of shape (tiers,)
        Seats of each tier.
    order, vacant : arrays
        Working space, of shapes (all seats,) and (tiers,).
    tier : array of shape (accounts,)
        Tiers, changed in place.
    """
    count = best_first(ranks, eligible, len(order), order)
    for place in range(count):
        tier[order[place]] = 0
    seat_from_the_top(order, count, seats, vacant, tier)


@rule
def seat_beside_notices(
    ranks: NDArray[float64],
    scores: NDArray[float64],
    seats: NDArray[int64],
    eligible: NDArray[bool_],
    order: NDArray[int64],
    vacant: NDArray[int64],
    tier: NDArray[int64],
) -> None:
    """Seat a program beside those on notice, whose places nobody else is given.

    Parameters
    ----------
    ranks : array of shape (accounts,)
        What members are seated anew by: spend or selection scores.
    scores : array of shape (accounts,)
        Selection scores of candidates.
    seats : array of shape (tiers,)
        Seats of each tier.
    eligible : array of shape (accounts,)
        Members who are seated anew, from the top; overwritten.
    order, vacant : arrays
        Working space, of shapes (all seats,) and (tiers,).
    tier : array of shape (accounts,)
        Tiers, changed in place: 0 also for candidates, ``LEAVING`` for those who are let go now, who come back only
        where there is nobody else.
    """
    seat_again(ranks, eligible, seats, order, vacant, tier)
    fill_vacant_seats(scores, seats, eligible, order, vacant, tier)
    for account in range(len(tier)):
        if tier[account] == LEAVING:
            tier[account] = 0
    fill_vacant_seats(scores, seats, eligible, order, vacant, tier)


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
    for account in range(len(tier)):
        eligible[account] = tier[account] == 0
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
    seat_again(spend, eligible, seats, order, vacant, tier)


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
