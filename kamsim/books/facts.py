"""Facts about account books: how accounts order, grow, leave and arrive, alike of real and of simulated books."""

import numpy as np

from kamsim.books.history import YearlySpend, by_year
from kamsim.books.moments import DECILES, accounts_of, deciles_by_spend, gini, top_share
from kamsim.errors import KamsimError
from kamsim.types import Flags, Floats, Integers

SHOWN = (1, 5, 10)  # deciles that are told of facts not told of all ten
SPANS = (1, 2, 3, 5)  # years over which growth is taken
LAGS = (1, 2, 3, 4)  # years between growth and growth
QUARTER_LAGS = (1, 2, 4)  # quarters between growth and growth
RESAMPLING = 0xFAC7  # names the draws of accounts among all that a seed names


# ---------------------------------------------------------------- of a panel


def facts_of(panel: Floats, book: Integers | None = None) -> dict[str, float]:
    """Facts of a book, or of many books together, each a mean over its years or pairs of years.

    Parameters
    ----------
    panel : array of shape (accounts, quarters)
        Quarterly spend, >= 0, zero where nothing was bought; whole years, at least two.
    book : array of shape (accounts,), optional
        Number of the book of each account, any integers; by default all are of one.

    Returns
    -------
    dict of str to float
        The same names for every panel, NaN where a fact cannot be told.

        Of consecutive years, those who bought in the first: ``retained``, the part that buys in the second, and
        ``retained_decile_1`` to ``_10`` by decile of first year's spend; ``growth_sd`` of log growth of those who
        bought in both, also ``_decile_1``, ``_5``, ``_10``; ``growth_median_decile_1`` to ``_10``; ``empty_quarters``,
        the part of their quarters of the first year without an order, also ``_decile_1``, ``_5``, ``_10``.
        ``new``: part of the second year's buyers that did not buy in the first, also ``new_decile_1`` to ``_10`` by
        decile of *second* year's spend. ``buyers_ratio``: buyers in the second for each in the first.
        ``returned``: part of those who bought in a year and not in the next that buy in the year after that.

        Of steady accounts, which bought in all eight quarters of two years: ``steady_growth_sd`` and
        ``steady_growth_kurtosis`` (excess) of log growth; ``size_exponent``, slope over deciles of first year's spend
        of the log mean absolute deviation of growth from the decile's median on the decile's mean log spend;
        ``corrected_slope`` of log second on log first year's spend, the variance of the first less what white noise of
        quarters brings into it: variance within years of log quarterly spend, season removed, mean of both years,
        times the mean sum of squares of the quarters' parts in the year; ``quarterly_autocorrelation_1``, ``_2``,
        ``_4`` of quarterly log growth, correlations across accounts of two quarters, which a season that accounts
        share does not touch.

        Of accounts that bought in every quarter of the panel: ``growth_variance_1``, ``_2``, ``_3``, ``_5`` of log
        growth over so many years; ``growth_variance_ratio``, five years over one; ``growth_autocorrelation_1`` to
        ``_4`` of annual log growth, correlations across accounts of two years. A longer panel selects more by this.

        Of every year: ``gini``, ``top_share``, ``log_sd`` of log spend of its buyers; ``season_1`` to ``_4``, spend in
        the quarter over the mean quarter of its year.

    Notes
    -----
    Of many books, deciles are those within the own book, and variances, slopes and correlations are taken of what is
    left after the mean of the own book; accounts count alike for them. Books count alike for ``gini``, ``top_share``
    and season.

    Of the definitions that could be meant by a size exponent and by a corrected slope, these are those under which
    the steady of the two real books of the evidence have -.28 to -.09 and -.04, .96 to 1.01 and .98.

    Raises
    ------
    KamsimError
        Where there are under two years, or a part of a year.
    """
    return {name: _mean(values) for name, values in facts_by_year(panel, book).items()}


def facts_by_year(panel: Floats, book: Integers | None = None) -> dict[str, Floats]:
    """Facts as `facts_of` gives them, for each year or pair of years that has them, in order.

    Parameters
    ----------
    panel, book : arrays
        As in `facts_of`.

    Returns
    -------
    dict of str to array
        ``growth_variance_ratio`` is one of all years.

    Raises
    ------
    KamsimError
        As in `facts_of`.
    """
    if panel.shape[1] % 4:
        raise KamsimError(f"panel: {panel.shape[1]} quarters are no whole years; leave out the part of a year.")
    years = by_year("panel", panel, 0)
    books = np.zeros(len(panel), dtype=np.int64) if book is None else np.unique(book, return_inverse=True)[1]
    log = np.full(panel.shape, np.nan)
    np.log(panel, out=log, where=panel > 0)
    deciles = np.array([deciles_by_spend(spend, books) for spend in years.spend.T]).T
    facts: dict[str, list[float]] = {}
    for year in range(years.spend.shape[1] - 1):
        quarters = slice(4 * year, 4 * year + 8)
        steady = accounts_of(years, year, year + 1)["steady"]
        pair = years.spend[:, year], years.spend[:, year + 1]
        of_pair = {
            **_staying(*pair, deciles[:, year], deciles[:, year + 1]),
            **_orders(panel[:, 4 * year : 4 * year + 4], deciles[:, year]),
            **_growth(*pair, deciles[:, year], books),
            **_steady_growth(panel[steady, quarters], books[steady]),
            **_quarterly_growth(log[steady, quarters], books[steady]),
        }
        for name, value in of_pair.items():
            facts.setdefault(name, []).append(value)
    of_years = {name: np.array(values) for name, values in facts.items()}
    return {**of_years, "returned": _returned(years), **_long_growth(years, books), **_inequality(years, books)} | (
        _season(panel, books)
    )


def bootstrap_errors(panel: Floats, rounds: int, seed: int) -> dict[str, float]:
    """Standard errors of the facts of one book, by drawing its accounts with replacement, again and again.

    Parameters
    ----------
    panel : array of shape (accounts, quarters)
        As in `facts_of`.
    rounds : int
        How often, >= 2.
    seed : int
        Names the draws.

    Returns
    -------
    dict of str to float
        By the names of `facts_of`; NaN where fewer than two rounds could tell the fact.
    """
    generator = np.random.default_rng([seed, RESAMPLING])
    drawn: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, value in facts_of(panel[generator.integers(len(panel), size=len(panel))]).items():
            drawn.setdefault(name, []).append(value)
    errors = {}
    for name, values in drawn.items():
        known = np.array(values)[~np.isnan(values)]
        errors[name] = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    return errors


# ---------------------------------------------------------------- leaving, arriving, ordering


def _staying(before: Floats, after: Floats, decile: Integers, decile_after: Integers) -> dict[str, float]:
    bought, buys = before > 0, after > 0
    return {
        "retained": _part(buys[bought]),
        **_numbered("retained_decile", _part_by_decile(buys, decile)),
        "new": _part(~bought[buys]),
        **_numbered("new_decile", _part_by_decile(~bought, decile_after)),
        "buyers_ratio": _ratio(float(buys.sum()), float(bought.sum())),
    }


def _returned(years: YearlySpend) -> Floats:
    buys = years.spend > 0
    lapsed = buys[:, :-2] & ~buys[:, 1:-1]
    return np.array([_part(later[gone]) for gone, later in zip(lapsed.T, buys[:, 2:].T, strict=True)])


def _orders(quarters: Floats, decile: Integers) -> dict[str, float]:
    empty = (quarters == 0).mean(axis=1)
    by_decile = _part_by_decile(empty, decile)
    return {"empty_quarters": _mean(empty[decile >= 0]), **_shown("empty_quarters_decile", by_decile)}


# ---------------------------------------------------------------- growth


def _growth(before: Floats, after: Floats, decile: Integers, book: Integers) -> dict[str, float]:
    both = (before > 0) & (after > 0)
    growth, decile, book = np.log(after[both] / before[both]), decile[both], book[both]
    own = [decile == place for place in range(DECILES)]
    sds = np.array([_variance(growth[of], book[of]) for of in own]) ** 0.5
    medians = np.array([_median(growth[of]) for of in own])
    return {
        "growth_sd": _variance(growth, book) ** 0.5,
        **_shown("growth_sd_decile", sds),
        **_numbered("growth_median_decile", medians),
    }


def _steady_growth(quarters: Floats, book: Integers) -> dict[str, float]:
    first, second = quarters[:, :4].sum(axis=1), quarters[:, 4:].sum(axis=1)
    size, growth = _centered(np.log(first), book), _centered(np.log(second / first), book)
    square = _mean(growth**2)
    return {
        "steady_growth_sd": _variance(growth, book) ** 0.5,
        "steady_growth_kurtosis": _ratio(_mean(growth**4), square**2) - 3.0,
        "size_exponent": _size_exponent(size, growth, deciles_by_spend(first, book)),
        "corrected_slope": _corrected_slope(quarters, book),
    }


def _size_exponent(size: Floats, growth: Floats, decile: Integers) -> float:
    sizes, spreads = np.full(DECILES, np.nan), np.full(DECILES, np.nan)
    for place in range(DECILES):
        own = decile == place
        sizes[place] = _mean(size[own])
        spreads[place] = _mean(np.abs(growth[own] - _median(growth[own])))
    if not (spreads > 0).all():
        return float("nan")
    return _slope(sizes, np.log(spreads), np.zeros(DECILES, dtype=np.int64))


def _corrected_slope(quarters: Floats, book: Integers) -> float:
    spend = quarters.reshape(-1, 2, 4)
    log = np.log(spend)
    # Less the account's level in its year, then less the season of the book: three of four quarters are free.
    within = log - log.mean(axis=2, keepdims=True)
    noise = sum(_variance(column, book) for column in within.reshape(-1, 8).T) / 2 / 3
    first, second = spend.sum(axis=2).T
    brought_in = noise * _mean(((spend[:, 0] / first[:, None]) ** 2).sum(axis=1))
    before = np.log(first)
    variance = _variance(before, book)
    return _slope(before, np.log(second), book) * _ratio(variance, variance - brought_in)


def _quarterly_growth(log: Floats, book: Integers) -> dict[str, float]:
    growth = np.diff(log, axis=1)
    return {f"quarterly_autocorrelation_{lag}": _mean(_correlations(growth, lag, book)) for lag in QUARTER_LAGS}


def _long_growth(years: YearlySpend, book: Integers) -> dict[str, Floats]:
    steady: Flags = np.all(years.every_quarter, axis=1)
    log, book = np.log(years.spend[steady]), book[steady]
    facts = {}
    for span in SPANS:
        grown = log[:, span:] - log[:, :-span]
        facts[f"growth_variance_{span}"] = np.array([_variance(column, book) for column in grown.T])
    ratio = _ratio(_mean(facts[f"growth_variance_{SPANS[-1]}"]), _mean(facts[f"growth_variance_{SPANS[0]}"]))
    facts["growth_variance_ratio"] = np.array([ratio])
    growth = np.diff(log, axis=1)
    return facts | {f"growth_autocorrelation_{lag}": _correlations(growth, lag, book) for lag in LAGS}


# ---------------------------------------------------------------- size


def _inequality(years: YearlySpend, book: Integers) -> dict[str, Floats]:
    order = np.argsort(book, kind="stable")
    by_book = np.split(years.spend[order], np.cumsum(np.bincount(book))[:-1])
    ginis, shares, sds = [], [], []
    for year, spend in enumerate(years.spend.T):
        buyers = [of_book[of_book[:, year] > 0, year] for of_book in by_book]
        ginis.append(_mean(np.array([gini(of_book) for of_book in buyers if len(of_book)])))
        shares.append(_mean(np.array([top_share(of_book) for of_book in buyers if len(of_book)])))
        sds.append(_variance(np.log(spend[spend > 0]), book[spend > 0]) ** 0.5)
    return {"gini": np.array(ginis), "top_share": np.array(shares), "log_sd": np.array(sds)}


def _season(panel: Floats, book: Integers) -> dict[str, Floats]:
    totals = np.array([np.bincount(book, weights=quarter) for quarter in panel.T]).T.reshape(-1, panel.shape[1] // 4, 4)
    mean = totals.mean(axis=2, keepdims=True)
    index = np.divide(totals, mean, out=np.full(totals.shape, np.nan), where=mean > 0)
    return {f"season_{quarter + 1}": np.array([_mean(of) for of in index[:, :, quarter].T]) for quarter in range(4)}


# ---------------------------------------------------------------- within books


def _centered(values: Floats, book: Integers) -> Floats:
    """Values less the mean of their own book."""
    means = np.bincount(book, weights=values) / np.maximum(1, np.bincount(book))
    return values - means[book]


def _variance(values: Floats, book: Integers) -> float:
    """Variance within books, unbiased: of one book, the usual one."""
    free = len(values) - np.count_nonzero(np.bincount(book))
    return _ratio(float((_centered(values, book) ** 2).sum()), float(free))


def _slope(x: Floats, y: Floats, book: Integers) -> float:
    x = _centered(x, book)
    return _ratio(float((x * _centered(y, book)).sum()), float((x * x).sum()))


def _correlations(growth: Floats, lag: int, book: Integers) -> Floats:
    """Correlations across accounts between each column and the one so many after."""
    centered = np.array([_centered(column, book) for column in growth.T])
    norms = np.sqrt((centered**2).sum(axis=1))
    together = (centered[:-lag] * centered[lag:]).sum(axis=1)
    return np.array([_ratio(float(of), float(by)) for of, by in zip(together, norms[:-lag] * norms[lag:], strict=True)])


# ---------------------------------------------------------------- means that may be of nothing


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _part(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _ratio(of: float, by: float) -> float:
    return of / by if by > 0 else float("nan")


def _part_by_decile(values: Floats | Flags, decile: Integers) -> Floats:
    within = decile >= 0
    sizes = np.bincount(decile[within], minlength=DECILES)
    sums = np.bincount(decile[within], weights=values[within], minlength=DECILES)
    parts = np.full(DECILES, np.nan)
    np.divide(sums, sizes, out=parts, where=sizes > 0)
    return parts


def _numbered(name: str, by_decile: Floats) -> dict[str, float]:
    return {f"{name}_{place + 1}": float(value) for place, value in enumerate(by_decile)}


def _shown(name: str, by_decile: Floats) -> dict[str, float]:
    return {f"{name}_{place}": float(by_decile[place - 1]) for place in SHOWN}
