"""What a row of quarterly spend tells of an account that is never seen itself: its rate of spend, pace, and life.

The chances of all rates (on a grid of logs), paces and lives go from quarter to quarter by the rules of the model and
are weighed by what was bought (a forward filter of a hidden Markov model; Rabiner 1989). Orders of a quarter are a
compound Poisson number with lognormal sizes, as in the model.
"""

import math
from typing import NamedTuple

import numpy as np

from kamsim.compiler import compiled, kernel
from kamsim.rules.orders import MOST_HAZARD, TYPICAL_RATE
from kamsim.types import Flags, Floats, Integers

PRESENT, NEW = 0, 1  # whether an account was there before the first quarter, or came later
NEGLIGIBLE = 1e-6  # part of the largest chance of a rate, below which a rate is left out
MOST_TABULATED = math.log(20.0)  # mean orders a quarter, log: beyond, the spend of a quarter is as good as gamma
LEAST_TABULATED = math.log(1e-3)
MEAN_STEP = 0.1  # of the table, log
SIZE_STEP = 0.05
LEAST_SIZE, MOST_SIZE = -6.0, 4.5  # spend of a quarter in mean orders, log
BEYOND_TABLE = 10.0  # fall of the log density for each unit of log spend
EVENEST = 0.012**2  # variance of log spend of a quarter that no number of orders goes below
MOST_SURELY = 1.0 - 1e-7  # gone
COARSE = 4  # steps of the grid in a first look
UNLIKELY = 25.0  # log chance below that of the likeliest rate, from which on a rate is left out
MOST_ORDERS = 64  # of a quarter, terms of the table
HALF_LOG_TURN = 0.5 * math.log(2.0 * math.pi)
TINY = 1e-290


class Filter(NamedTuple):
    """All that a filter needs to know beside the rows."""

    low: float  # of the grid: log annual rate, in median annual wallets
    step: float
    first: Floats  # (2, points), chance of rates of who is there from the start, and of new accounts
    market: Floats  # (quarters,), log index of the market, that goes with all rates
    season: Floats  # (quarters,), log index
    phase: Integers  # (quarters,), quarter of the year
    ratio: Floats  # (points,), of the chance of a jump to that of one a step shorter
    pace: Floats  # (paces,), log multiple of the number of orders
    weight: Floats  # (paces,)
    maturing: Floats  # (quarters,), log of a new account's share of wallet against that at rest, by age
    orders: float  # log, at a rate of one
    exponent: float
    spread: float  # variance of an order's size, relative
    hazard: float  # log, at the typical rate
    hazard_size: float
    table: Floats  # log density of log spend in mean orders, by mean of orders and spend


class Room(NamedTuple):
    """Where the chances of one account are kept."""

    # (paces, 3, points): this year's jump still to come; behind; that times by how many points the rate was higher when
    # the year began, by which the year's orders go
    mass: Floats
    other: Floats  # (points,)
    log: Floats  # (paces, 2, points)


def room_of(filtering: Filter) -> Room:
    """Room for the chances of one account."""
    paces, points = len(filtering.pace), filtering.first.shape[1]
    return Room(np.zeros((paces, 3, points)), np.zeros(points), np.zeros((paces, 2, points)))


# ---------------------------------------------------------------- spend of a quarter


@kernel
def spend_table(spread: float) -> Floats:
    """Log density of log spend in mean orders, by log mean of orders and by log spend; at least one order."""
    means = round((MOST_TABULATED - LEAST_TABULATED) / MEAN_STEP) + 1
    sizes = round((MOST_SIZE - LEAST_SIZE) / SIZE_STEP) + 1
    table = np.empty((means, sizes))
    of_count = np.empty((MOST_ORDERS + 1, sizes))
    for count in range(1, MOST_ORDERS + 1):
        # Lognormal, as in the model.
        variance = math.log(1.0 + spread / count)
        middle = math.log(count) - 0.5 * variance
        for place in range(sizes):
            off = LEAST_SIZE + SIZE_STEP * place - middle
            of_count[count, place] = -0.5 * off * off / variance - 0.5 * math.log(variance) - HALF_LOG_TURN
    chance = np.empty(MOST_ORDERS + 1)
    for row in range(means):
        log_mean = LEAST_TABULATED + MEAN_STEP * row
        mean = math.exp(log_mean)
        for count in range(1, MOST_ORDERS + 1):
            chance[count] = count * log_mean - mean - math.lgamma(count + 1.0)
        for place in range(sizes):
            most = -1e300
            for count in range(1, MOST_ORDERS + 1):
                most = max(most, chance[count] + of_count[count, place])
            total = 0.0
            for count in range(1, MOST_ORDERS + 1):
                term = chance[count] + of_count[count, place] - most
                if term > -30.0:
                    total += math.exp(term)
            table[row, place] = most + math.log(total)
    return table


@compiled
def _log_density(table: Floats, log_mean: float, over: float, spread: float) -> float:
    """Log density of log spend that is ``over`` its mean, log."""
    if log_mean < MOST_TABULATED:
        size, below = over + log_mean, 0.0
        if log_mean < LEAST_TABULATED:
            below, log_mean = log_mean - LEAST_TABULATED, LEAST_TABULATED
        if size < LEAST_SIZE:
            below, size = below - BEYOND_TABLE * (LEAST_SIZE - size), LEAST_SIZE
        elif size > MOST_SIZE:
            below, size = below - BEYOND_TABLE * (size - MOST_SIZE), MOST_SIZE
        of_mean, of_size = (log_mean - LEAST_TABULATED) / MEAN_STEP, (size - LEAST_SIZE) / SIZE_STEP
        row = min(int(of_mean), table.shape[0] - 2)
        column = min(int(of_size), table.shape[1] - 2)
        part, left = of_mean - row, of_size - column
        upper = table[row, column] + left * (table[row, column + 1] - table[row, column])
        lower = table[row + 1, column] + left * (table[row + 1, column + 1] - table[row + 1, column])
        return float(below + upper + part * (lower - upper))
    shape = 1.0 / ((1.0 + spread) * math.exp(-log_mean) + EVENEST)
    constant = 0.5 * math.log(shape) - HALF_LOG_TURN - 1.0 / (12.0 * shape)
    return shape * (1.0 + over - math.exp(over)) + constant


@compiled
def _higher(given: Filter, room: Room, pace: int, point: int) -> float:
    """By how much the rate was higher, log and on average, when the year began, where this year's jump is behind."""
    return float(given.step * room.mass[pace, 2, point] / room.mass[pace, 1, point])


@compiled
def _weigh(given: Filter, room: Room, ends: tuple[int, int], spend: float, shift: float, season: float) -> float:
    """Weigh rates and paces by a quarter's spend; the log of what they were divided by."""
    low, high = ends
    if spend <= 0.0:
        for pace in range(len(given.pace)):
            mean = math.exp(given.orders + given.exponent * (given.low + low * given.step + shift) + given.pace[pace])
            factor = math.exp(given.exponent * given.step)
            for point in range(low, high):
                room.mass[pace, 0, point] *= math.exp(-mean)
                if room.mass[pace, 1, point] > 0.0:
                    none = math.exp(-mean * math.exp(given.exponent * _higher(given, room, pace, point)))
                    room.mass[pace, 1, point] *= none
                    room.mass[pace, 2, point] *= none
                mean *= factor
        return 0.0
    level, most = math.log(4.0 * spend) - season, -1e300
    for pace in range(len(given.pace)):
        for point in range(low, high):
            rate = given.low + point * given.step + shift
            for jumped in range(2):
                if room.mass[pace, jumped, point] > 0.0:
                    began = rate + (_higher(given, room, pace, point) if jumped == 1 else 0.0)
                    mean = given.orders + given.exponent * began + given.pace[pace]
                    log = _log_density(given.table, mean, level - rate, given.spread)
                    room.log[pace, jumped, point] = log
                    most = max(most, log)
    for pace in range(len(given.pace)):
        for point in range(low, high):
            if room.mass[pace, 0, point] > 0.0:
                room.mass[pace, 0, point] *= math.exp(room.log[pace, 0, point] - most)
            if room.mass[pace, 1, point] > 0.0:
                weight = math.exp(room.log[pace, 1, point] - most)
                room.mass[pace, 1, point] *= weight
                room.mass[pace, 2, point] *= weight
    return most


# ---------------------------------------------------------------- from quarter to quarter


@compiled
def _jump(given: Filter, room: Room, ends: tuple[int, int], phase: int, aim: int) -> tuple[int, int]:
    """Let rates jump that have not jumped this year: an even chance for each quarter that is left of it.

    The place at which a purchase lies is reached however unlikely it is; -1 where there is none.
    """
    low, high = ends
    points, chance = len(given.ratio), 1.0 / (4.0 - phase)
    lowest, highest = low, high
    for pace in range(len(given.pace)):
        still, behind, higher = room.mass[pace, 0], room.mass[pace, 1], room.mass[pace, 2]
        total = 0.0
        for point in range(low, high):
            ratio = given.ratio[point]
            moved = chance * still[point]
            room.other[point] = moved * (1.0 - ratio) / (1.0 + ratio)
            still[point] -= moved
            behind[point] += room.other[point]
            total += moved
        if total <= 0.0:
            continue
        # A jump in the year's first quarter comes before the year's orders are settled.
        kept = 0.0 if phase == 0 else 1.0
        carried, steps, point = 0.0, 0.0, low
        while point < points and (point < high or carried > NEGLIGIBLE * total or point <= aim):
            behind[point] += carried
            higher[point] -= kept * steps
            ratio = given.ratio[point]
            carried = ratio * (carried + (room.other[point] if point < high else 0.0))
            steps = ratio * steps + carried
            point += 1
        highest = max(highest, point)
        carried, steps, point = 0.0, 0.0, high - 1
        while point >= 0 and (point >= low or carried > NEGLIGIBLE * total or (aim >= 0 and point >= aim)):
            behind[point] += carried
            higher[point] += kept * steps
            ratio = given.ratio[point]
            carried = ratio * (carried + (room.other[point] if point >= low else 0.0))
            steps = ratio * steps + carried
            point -= 1
        lowest = min(lowest, point + 1)
    return lowest, highest


@compiled
def _come(given: Filter, room: Room, kind: int, phase: int, part: float) -> None:
    """Let accounts come."""
    for pace in range(len(given.pace)):
        for point in range(given.first.shape[1]):
            there = part * given.weight[pace] * given.first[kind, point]
            # This year's jump is behind them with the chance of the quarters that are, this one with them.
            room.mass[pace, 0, point] += there * (3.0 - phase) / 4.0
            room.mass[pace, 1, point] += there * (1.0 + phase) / 4.0


@compiled
def _leave(given: Filter, room: Room, ends: tuple[int, int], shift: float) -> float:
    """Let accounts leave for good; how many did."""
    low, high = ends
    gone = 0.0
    for point in range(low, high):
        rate = given.low + point * given.step + shift
        chance = min(1.0, math.exp(given.hazard + min(MOST_HAZARD, given.hazard_size * (TYPICAL_RATE - rate))))
        for pace in range(len(given.pace)):
            for part in range(3):
                left = chance * room.mass[pace, part, point]
                room.mass[pace, part, point] -= left
                if part < 2:
                    gone += left
    return gone


@compiled
def _rescale(given: Filter, room: Room, ends: tuple[int, int], dead: float) -> tuple[float, int, int]:
    """Divide chances by their sum, and leave out rates at the ends that are as good as impossible."""
    low, high = ends
    total, most = dead, 0.0
    for point in range(low, high):
        here = 0.0
        for pace in range(len(given.pace)):
            here += room.mass[pace, 0, point] + room.mass[pace, 1, point]
        room.other[point] = here
        total += here
        most = max(most, here)
    least = NEGLIGIBLE * most
    while low < high - 1 and room.other[low] <= least:
        _clear(given, room, low)
        low += 1
    while high - 1 > low and room.other[high - 1] <= least:
        high -= 1
        _clear(given, room, high)
    total = max(total, TINY)
    for pace in range(len(given.pace)):
        for point in range(low, high):
            for part in range(3):
                room.mass[pace, part, point] /= total
    return total, low, high


@compiled
def _clear(given: Filter, room: Room, point: int) -> None:
    for pace in range(len(given.pace)):
        room.mass[pace, :, point] = 0.0


@compiled
def _end_year(given: Filter, room: Room, ends: tuple[int, int]) -> None:
    for pace in range(len(given.pace)):
        for point in range(ends[0], ends[1]):
            room.mass[pace, 0, point] += room.mass[pace, 1, point]
            room.mass[pace, 1, point] = 0.0
            room.mass[pace, 2, point] = 0.0


class Waiting(NamedTuple):
    """Chances before the first purchase, the same for all accounts: by kind and quarter, and after the last one."""

    mass: Floats  # (2, quarters + 1, paces, 3, points), when the quarter's spend has yet to be weighed
    logged: Floats  # (2, quarters + 1)
    dead: Floats  # (2, quarters + 1)


@compiled
def _waiting(given: Filter, room: Room) -> Waiting:
    """Filter an account that buys nothing."""
    points, paces, count = given.first.shape[1], len(given.pace), len(given.phase)
    waiting = Waiting(np.zeros((2, count + 1, paces, 3, points)), np.zeros((2, count + 1)), np.zeros((2, count + 1)))
    for kind in range(2):
        logged, dead, ends = 0.0, 0.0, (0, points)
        room.mass[:] = 0.0
        if kind == PRESENT:
            _come(given, room, PRESENT, given.phase[0], 1.0)
        for quarter in range(count):
            if quarter > 0:
                ends = _jump(given, room, ends, given.phase[quarter], -1)
            if kind == NEW:
                _come(given, room, NEW, given.phase[quarter], math.exp(-logged))
                ends = (0, points)
            waiting.mass[kind, quarter] = room.mass
            waiting.logged[kind, quarter], waiting.dead[kind, quarter] = logged, dead
            shift = given.market[quarter] + (given.maturing[0] if kind == NEW else 0.0)
            logged, dead, ends = _quarter(given, room, ends, (0.0, shift, given.season[quarter]), (logged, dead))
            if given.phase[quarter] == 3:
                _end_year(given, room, ends)
        waiting.mass[kind, count] = room.mass
        waiting.logged[kind, count], waiting.dead[kind, count] = logged, dead
    return waiting


@compiled
def _quarter(
    given: Filter, room: Room, ends: tuple[int, int], bought: tuple[float, float, float], so_far: tuple[float, float]
) -> tuple[float, float, tuple[int, int]]:
    """Weigh chances by what was bought (spend, shift of rates, season), and let accounts leave."""
    logged, dead = so_far
    logged += _weigh(given, room, ends, bought[0], bought[1], bought[2])
    if bought[0] > 0.0:
        dead = 0.0
    total, low, high = _rescale(given, room, ends, dead)
    return logged + math.log(total), dead / total + _leave(given, room, (low, high), bought[1]), (low, high)


@compiled
def _filter(given: Filter, room: Room, waiting: Waiting, spend: Floats, kind: int) -> tuple[float, float, int]:
    """Filter one account; log of its density, the chance that it has left, and the age that it is of if it is new."""
    count, first = len(spend), 0
    while first < count and spend[first] <= 0.0:
        first += 1
    room.mass[:] = waiting.mass[kind, first]
    logged, dead = waiting.logged[kind, first], waiting.dead[kind, first]
    if first == count:
        return logged, dead, 0
    ends = _likely(given, room, spend[first], first, kind)
    for quarter in range(first, count):
        shift = given.market[quarter] + (given.maturing[quarter - first] if kind == NEW else 0.0)
        if quarter > first:
            ends = _jump(given, room, ends, given.phase[quarter], _place(given, spend[quarter], quarter, shift))
        logged, dead, ends = _quarter(given, room, ends, (spend[quarter], shift, given.season[quarter]), (logged, dead))
        if given.phase[quarter] == 3:
            _end_year(given, room, ends)
        if dead > MOST_SURELY:
            rest = 0.0
            for later in range(quarter + 1, count):
                rest += spend[later]
            if rest <= 0.0:
                break
    return logged, dead, count - 1 - first


@compiled
def _place(given: Filter, spend: float, quarter: int, shift: float) -> int:
    """Place of the rate that a quarter's spend is the mean of; -1 where nothing was bought."""
    if spend <= 0.0:
        return -1
    rate = math.log(4.0 * spend) - given.season[quarter] - shift
    return int(max(0, min(given.first.shape[1] - 1, round((rate - given.low) / given.step))))


@compiled
def _likely(given: Filter, room: Room, spend: float, quarter: int, kind: int) -> tuple[int, int]:
    """Rates, by place, that a first purchase leaves possible; the others are struck out."""
    points = given.first.shape[1]
    shift = given.market[quarter] + (given.maturing[0] if kind == NEW else 0.0)
    level = math.log(4.0 * spend) - given.season[quarter]
    best = -1e300
    for turn in range(2):
        low, high = points, 0
        for point in range(0, points, COARSE):
            rate = given.low + point * given.step + shift
            for pace in range(len(given.pace)):
                there = room.mass[pace, 0, point] + room.mass[pace, 1, point]
                if there <= 0.0:
                    continue
                mean = given.orders + given.exponent * rate + given.pace[pace]
                log = _log_density(given.table, mean, level - rate, given.spread) + math.log(there)
                if turn == 0:
                    best = max(best, log)
                elif log > best - UNLIKELY:
                    low, high = min(low, point), max(high, point)
    low, high = max(0, low - COARSE), min(points, high + COARSE + 1)
    if high <= low:
        return 0, points
    room.mass[:, :, :low] = 0.0
    room.mass[:, :, high:] = 0.0
    return low, high


@kernel
def densities(given: Filter, room: Room, spend: Floats, old: Flags) -> tuple[Floats, Floats]:
    """Log density of each account's quarters, if it was there before the first, and if it came in one of them.

    Parameters
    ----------
    given : Filter
        Laws.
    room : Room
        From `room_of`.
    spend : array of shape (accounts, quarters)
        In median annual wallets.
    old : array of bool, shape (accounts,)
        Whether the account is known to have been there before.

    Returns
    -------
    array of shape (accounts, 2), array of shape (2,)
        The second column adds up over quarters in which the account may have come, one new account to be expected in
        each. Then the same of an account that is never seen.
    """
    logs = np.full((len(spend), 2), -np.inf)
    waiting = _waiting(given, room)
    for number in range(len(spend)):
        logs[number, PRESENT] = _filter(given, room, waiting, spend[number], PRESENT)[0]
        if not old[number]:
            logs[number, NEW] = _filter(given, room, waiting, spend[number], NEW)[0]
    return logs, waiting.logged[:, len(given.phase)].copy()


@kernel
def last_chances(
    given: Filter, room: Room, spend: Floats, parts: Floats, uniform: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Where accounts are at the end: draws of rate and pace, the chance to be alive, share of wallet against rest.

    Parameters
    ----------
    given, room, spend : Filter, Room, array
        As for `densities`.
    parts : array of shape (accounts, 2)
        Chance that the account was there before the first quarter, and that it came later.
    uniform : array of shape (draws,)
        Increasing numbers in (0, 1): parts of the chances at which rate and pace are read.

    Returns
    -------
    arrays of shape (draws, accounts), (draws, accounts), (accounts,), (accounts,)
        Annual rate and multiple of orders of an account that is alive, ordered by rate; no rate where an account has
        left so surely that no chance of another is left to tell.
    """
    accounts, points, paces = len(spend), given.first.shape[1], len(given.pace)
    rate, pace = np.empty((len(uniform), accounts)), np.empty((len(uniform), accounts))
    alive, rest = np.empty(accounts), np.empty(accounts)
    both = np.empty((paces, points))
    waiting = _waiting(given, room)
    last = given.market[len(given.market) - 1]
    for number in range(accounts):
        both[:] = 0.0
        living, matured = 0.0, 0.0
        for kind in range(2):
            part = parts[number, kind]
            if part < 1e-6:
                continue
            _, dead, age = _filter(given, room, waiting, spend[number], kind)
            lives = part * max(0.0, 1.0 - dead)
            shift = given.maturing[age] if kind == NEW else 0.0
            living += lives
            matured += lives * shift
            _add_moved(room.mass, both, lives, round(shift / given.step))
        alive[number] = living / max(TINY, parts[number, 0] + parts[number, 1])
        rest[number] = math.exp(matured / max(TINY, living))
        if both.sum() <= 0.0:
            alive[number], rest[number], rate[:, number], pace[:, number] = 0.0, 1.0, np.nan, 1.0
            continue
        _read(both, given, uniform, rate[:, number], pace[:, number])
        rate[:, number] *= math.exp(last)
    return rate, pace, alive, rest


@compiled
def _add_moved(mass: Floats, both: Floats, part: float, moved: int) -> None:
    """Add a part of chances that add up to one, moved along the grid."""
    paces, points = both.shape
    total = max(TINY, mass[:, :2].sum())
    for point in range(points):
        place = min(points - 1, max(0, point + moved))
        for pace in range(paces):
            both[pace, place] += part * (mass[pace, 0, point] + mass[pace, 1, point]) / total


@compiled
def _read(both: Floats, given: Filter, uniform: Floats, rate: Floats, pace: Floats) -> None:
    """Read rates and paces at parts of their chances, the lower rates first."""
    total = max(TINY, both.sum())
    place, below = 0, 0.0
    points, paces = both.shape[1], both.shape[0]
    for draw in range(len(uniform)):
        aim = uniform[draw] * total
        while place < points * paces - 1 and below + both[place % paces, place // paces] < aim:
            below += both[place % paces, place // paces]
            place += 1
        point = place // paces
        at_point, before = 0.0, 0.0
        for each in range(paces):
            at_point += both[each, point]
            if each < place % paces:
                before += both[each, point]
        # Within a step of the grid rates are even.
        part = (aim - below + before) / max(TINY, at_point) - 0.5
        rate[draw] = math.exp(given.low + (point + part) * given.step)
        pace[draw] = math.exp(given.pace[place % paces])
