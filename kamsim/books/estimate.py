"""Level, growth and volatility of each account of a book, from its quarters; what they cannot tell stays NaN."""

from dataclasses import dataclass

import numpy as np

from kamsim.books.table import count
from kamsim.types import Flags, Floats

HALF_LIFE_YEARS = 1.0
LEVEL_FLOOR = 1e-6
GROWTH_BOUND = 0.5
GROWTH_MIN_QUARTERS = 8
VOLATILITY_BOUNDS = (0.05, 1.5)
VOLATILITY_MIN_QUARTERS = 6
PRIOR_DF = 8.0  # the book's variance counts as much as this many degrees of freedom of the account's own
MIN_VARIANCE = 1e-8  # keeps a noise-free account from outweighing the whole book


def _by_year(cells: Floats | Flags) -> Floats:
    """Sum quarters into years counted back from the last quarter; the first year may be short."""
    short = -cells.shape[1] % 4
    padded = np.pad(cells.astype(np.float64), ((0, 0), (short, 0)))
    years: Floats = padded.reshape(len(cells), -1, 4).sum(axis=2)
    return years


def _weighted(years: Floats, weights: Floats) -> Floats:
    """Sum of years times weights, the oldest first: unlike that of a matrix product, its order is the same anywhere."""
    total = np.zeros(len(years))
    for year, weight in zip(years.T, weights.tolist(), strict=True):
        total += year * weight
    return total


def _since_first_purchase(positive: Flags) -> Flags:
    return np.logical_or.accumulate(positive, axis=1)


def estimate_level(spend: Floats, positive: Flags, notes: list[str]) -> Floats:
    """Average annual spend with recent years weighing more, over the years since the first purchase."""
    years = _by_year(spend)
    presence = _by_year(_since_first_purchase(positive)) / 4
    weight = 0.5 ** (np.arange(years.shape[1])[::-1] / HALF_LIFE_YEARS)
    # A year that the account joined halfway adds half to both sums: that is its pro-rata share.
    annual = _weighted(years, weight) / _weighted(presence, weight)
    floor = max(LEVEL_FLOOR * float(np.median(annual)), float(np.finfo(np.float64).tiny))
    floored = int((annual < floor).sum())
    if floored:
        notes.append(f"Raised the level of {count(floored, 'account')} to a millionth of the book's median.")
    dormant = int((~positive[:, -4:].any(axis=1)).sum())
    if dormant:
        notes.append(f"Kept {count(dormant, 'account')} without spend in the last four quarters, at a faded level.")
    if spend.shape[1] < 4:
        notes.append(f"Scaled {count(spend.shape[1], 'quarter')} of spend up to a year, for there is no full year.")
    return np.maximum(annual, floor)


@dataclass(frozen=True)
class _Lines:
    """A straight line through each row's own points."""

    slope: Floats
    spread: Floats  # sum of squares of time around its mean
    residual: Floats  # zero where there is no point
    points: Floats


def _fit_lines(values: Floats, known: Flags) -> _Lines:
    """Fit a least-squares line over time to the known points of each row."""
    points = known.sum(axis=1).astype(np.float64)
    some = np.maximum(points, 1.0)[:, None]
    time = np.broadcast_to(np.arange(values.shape[1], dtype=np.float64), values.shape)

    def around_mean(cells: Floats) -> Floats:
        mean = np.where(known, cells, 0.0).sum(axis=1, keepdims=True) / some
        centered: Floats = np.where(known, cells - mean, 0.0)
        return centered

    x, y = around_mean(time), around_mean(values)
    spread = (x * x).sum(axis=1)
    slope = (x * y).sum(axis=1) / np.where(spread > 0, spread, 1.0)
    return _Lines(slope, spread, y - slope[:, None] * x, points)


def _logs(values: Floats, known: Flags) -> Floats:
    logs: Floats = np.log(np.where(known, values, 1.0))
    return logs


def estimate_volatility(spend: Floats, positive: Flags, first: int, notes: list[str]) -> Floats:
    """Measure how far quarterly spend strays from the account's own trend and the book's season."""
    volatility = np.full(len(spend), np.nan)
    steady = positive.sum(axis=1) >= VOLATILITY_MIN_QUARTERS
    if steady.any():
        lines = _fit_seasonal_lines(spend[steady], positive[steady], first)
        # Each account pays for its line, and its part of the three seasonal factors that the whole book paid for.
        df = lines.points - 2.0 - 3.0 * lines.points / lines.points.sum()
        own = (lines.residual**2).sum(axis=1) / df
        trusted = df / (df + PRIOR_DF)
        variance = trusted * own + (1.0 - trusted) * np.median(own)
        volatility[steady] = np.clip(np.sqrt(variance), *VOLATILITY_BOUNDS)
    _note_unknown(notes, "Volatility", volatility, f"under {VOLATILITY_MIN_QUARTERS} quarters of spend")
    return volatility


def _fit_seasonal_lines(spend: Floats, positive: Flags, first: int) -> _Lines:
    """Fit a line to each account and one season to the book, each in turn on what the other leaves."""
    logs = _logs(spend, positive)
    season_of = (first + np.arange(spend.shape[1])) % 4

    def by_season(cells: Floats | Flags) -> Floats:
        return np.bincount(season_of, weights=cells.sum(axis=0), minlength=4).astype(np.float64)

    counts = np.maximum(by_season(positive), 1.0)
    season = np.zeros(4)
    for _ in range(50):
        lines = _fit_lines(logs - season[season_of], positive)
        step = by_season(lines.residual) / counts
        season += step
        if np.abs(step).max() < 1e-6:
            break
    return lines


def estimate_growth(spend: Floats, positive: Flags, notes: list[str]) -> Floats:
    """Take each account's trend of log annual spend, shrunk toward the book by how little it can be trusted."""
    growth = np.full(len(spend), np.nan)
    if spend.shape[1] < GROWTH_MIN_QUARTERS:
        notes.append(
            f"Growth is unknown, for {count(spend.shape[1], 'quarter')} are under two years, and will be drawn."
        )
        return growth
    years = _by_year(spend)
    # A year joined halfway would read as growth in the next, so trends rest on whole years.
    whole = (_by_year(_since_first_purchase(positive)) == 4) & (years > 0)
    trended = whole.sum(axis=1) >= 2
    noise = _annual_noise(years, whole)
    if noise is None:
        # Two years show one step; how much of it will last takes a third year to tell, from somebody in the book.
        notes.append("Growth is unknown, for no account has three whole years of spend, and will be drawn.")
        return growth
    lines = _fit_lines(_logs(years, whole)[trended], whole[trended])
    # Two points leave no residual, and three hardly one: the book's own noise stands in for what is missing.
    variance = ((lines.residual**2).sum(axis=1) + PRIOR_DF * noise) / (lines.points - 2.0 + PRIOR_DF)
    error = np.maximum(variance / lines.spread, MIN_VARIANCE)
    growth[trended] = np.clip(_shrink(lines.slope, error), -GROWTH_BOUND, GROWTH_BOUND)
    _note_unknown(notes, "Growth", growth, "under two whole years of spend")
    return growth


def _annual_noise(years: Floats, whole: Flags) -> float | None:
    """Pool the variance of log annual spend around each account's trend, if any account has three years."""
    long = whole.sum(axis=1) >= 3
    if not long.any():
        return None
    lines = _fit_lines(_logs(years, whole)[long], whole[long])
    return float((lines.residual**2).sum() / (lines.points - 2.0).sum())


def _shrink(slope: Floats, error: Floats) -> Floats:
    """Pull each slope toward the book's mean (normal-normal; between-account variance by method of moments)."""
    weight = 1.0 / error
    mean = float((weight * slope).sum() / weight.sum())
    excess = float((weight * (slope - mean) ** 2).sum()) - (len(slope) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, excess / scale) if len(slope) > 1 and scale > 0 else 0.0
    weight = 1.0 / (error + between)
    mean = float((weight * slope).sum() / weight.sum())
    shrunk: Floats = mean + between / (between + error) * (slope - mean)
    return shrunk


def _note_unknown(notes: list[str], what: str, values: Floats, why: str) -> None:
    unknown = int(np.isnan(values).sum())
    if unknown:
        notes.append(f"{what} is unknown for {count(unknown, 'account')} with {why}, and will be drawn.")
