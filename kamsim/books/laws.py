"""The laws of an account book, fitted to what its accounts spent, and where each account stands at its end.

The likelihood is that of the filter of `kamsim.books.filtering`; accounts that were there before the first quarter and
accounts that came later are two thinned Poisson processes, of which a book shows those that bought. What a book does
not tell stays where the prior has it.
"""

import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kamsim.books.filtering import NEW, PRESENT, Filter, Room, densities, last_chances, room_of, spend_table
from kamsim.books.history import Quarters
from kamsim.books.lasting import LastingGrowth, lasting_growth
from kamsim.books.market import Market, market_of
from kamsim.rules.spend import share_ceiling, share_target
from kamsim.types import Flags, Floats, Numbers

QUARTERS_READ = 24  # the last of a long book
ACCOUNTS_READ = 400  # of a large one, drawn
STEPS = (0.05, 0.12)  # of the grid of log rates, finest where accounts order often
FEW, FEWEST_CHANGES = 10, 4  # accounts and quarters that tell how steady a book is
OF_NOISE = 0.8  # step against the noise of a quarter of those who order most
PACES = 5  # that stand for the spread of paces
STEADIEST_MULTIPLES = (0.4, 2.5)  # of the spread of growth, as in the model
ROUNDS = 14  # of the search
CLOSE_ENOUGH = 0.1  # gain of log density, below which a search ends
ACCOUNTS_FIRST = 120  # read for a first search
TOLD = 0.5  # of the prior's standard deviation: a law known better than that is told by the book
TIMES_SD = 1.96
IMPOSSIBLE = -1e6  # log density
SETTLED = 0.003  # error, log, of a law that is not searched for


class Laws(NamedTuple):
    """Laws of a book, in the units of the world section of scenarios; money in median annual wallets."""

    growth_sd: float
    growth_size: float
    orders: float
    orders_exponent: float
    orders_sd: float  # spread between accounts of how often they order, log
    order_size_sd: float  # spread of the sizes of an account's orders, part of their mean
    hazard: float
    hazard_size: float
    arrival: float  # new accounts a year, part of the accounts that bought in the last year
    new_size: float
    new_share: float
    wallet_sigma: float
    market_growth: float
    season_1: float
    season_2: float
    season_3: float
    season_4: float


class Prior(NamedTuple):
    """What is known of laws before a book is read; each is normal, or lognormal where it is told by factors."""

    laws: Laws
    sd: Laws  # of what is normal


class FittedLaws(NamedTuple):
    """Laws of a book, and how sure they are."""

    laws: Laws
    sd: Laws  # of the log, where a law is told by factors
    low: Laws  # ends of 95 % intervals
    high: Laws
    told: dict[str, bool]  # by the book, and not by what was known before
    covariance: Floats  # of what was searched for: `FREE`, then logs of accounts from the start, and of new ones
    unit: float  # a median annual wallet, in money
    accounts: int  # that bought in the last year: arrival is a part of them
    newcomers: float  # a year
    size: float  # mean log annual rate of accounts that were there before the first quarter that was read
    present: float  # how many of them
    log_density: float
    read: tuple[int, int]  # accounts and quarters that were read


class States(NamedTuple):
    """Where each account stands at the end of its book."""

    rate: Floats  # (draws, accounts), annual rate of spend in median annual wallets, increasing along draws
    pace: Floats  # (draws, accounts), multiple of the law of orders, of the same draws
    alive: Floats  # (accounts,), chance to be a customer still
    rest: Floats  # (accounts,), share of wallet against the one at which it would rest: new accounts are on their way


class _Free(NamedTuple):
    """A number that is searched for."""

    log: bool
    sd: float  # before a book is read, of the log where it is told by factors
    low: float
    high: float


FACTORS = ("growth_sd", "orders", "orders_sd", "order_size_sd", "hazard", "arrival", "new_share", "wallet_sigma")
FREE: dict[str, _Free] = {
    # At the most that size may multiply it by, the mean of Laplace growth stays finite up to the root of one half.
    "growth_sd": _Free(True, 0.6, 0.01, 0.55),
    "growth_size": _Free(False, 0.05, 0.0, 0.2),
    "orders": _Free(True, 2.0, 0.01, 20_000.0),
    "orders_exponent": _Free(False, 0.2, 0.0, 1.0),
    "orders_sd": _Free(True, 0.8, 0.1, 2.0),
    "order_size_sd": _Free(True, 0.8, 0.1, 2.0),
    "hazard": _Free(True, 1.0, 1e-5, 0.5),
    "hazard_size": _Free(False, 0.3, 0.0, 2.0),
    "new_size": _Free(False, 0.7, -3.0, 3.0),
    "new_share": _Free(True, 0.6, 0.05, 4.0),
    "wallet_sigma": _Free(True, 0.5, 0.1, 3.0),
    "size": _Free(False, 5.0, -12.0, 6.0),  # mean log rate of accounts that were there before the first quarter
}
OF_MARKET = {"market_growth": 0.06, "season_1": 0.3, "season_2": 0.3, "season_3": 0.3, "season_4": 0.3}
ARRIVAL_SD = 1.0  # log
USUAL_ORDERS_SD, USUAL_ORDER_SIZE_SD = 0.3, 0.4


# ---------------------------------------------------------------- before a book is read


def prior_of(parameters: Numbers) -> Prior:
    """What is known of the laws of a book before it is read: the values of a scenario, within plausible ranges.

    Parameters
    ----------
    parameters : record
        World section of the scenario.

    Returns
    -------
    Prior
        Centered on the scenario.
    """
    known = {name: float(getattr(parameters, name)) for name in Laws._fields if hasattr(parameters, name)}
    known["orders_sd"] = known.get("orders_sd") or USUAL_ORDERS_SD
    known["order_size_sd"] = known.get("order_size_sd") or USUAL_ORDER_SIZE_SD
    spread = {name: free.sd for name, free in FREE.items() if name in Laws._fields}
    return Prior(Laws(**known), Laws(**spread, arrival=ARRIVAL_SD, **OF_MARKET))


def prior_from(fitted: FittedLaws, prior: Prior, names: tuple[str, ...]) -> Prior:
    """Take some laws from another book, as sure as they are there, and the others as they were known before.

    Parameters
    ----------
    fitted : FittedLaws
        Of the other book.
    prior : Prior
        Of the others.
    names : tuple of str
        What is taken.

    Returns
    -------
    Prior
        For `fit_laws`.
    """
    return Prior(
        prior.laws._replace(**{name: getattr(fitted.laws, name) for name in names}),
        prior.sd._replace(**{name: getattr(fitted.sd, name) for name in names}),
    )


def resting_share(parameters: Numbers) -> float:
    """Share of wallet that an account of average fit and trust rests at."""
    ceiling = share_ceiling(0.5, parameters.ceiling_base, parameters.ceiling_fit)
    return share_target(ceiling, parameters.trust_mean, 0.0, parameters.share_base, parameters.share_trust, 0.0)


def unit_of(quarters: Quarters, parameters: Numbers) -> float:
    """Median annual wallet of the accounts that bought in a book's last year, in money.

    Parameters
    ----------
    quarters : Quarters
        Spend by account and quarter.
    parameters : record
        World section of a scenario, which says what part of its wallet an account gives.

    Returns
    -------
    float
        > 0.
    """
    spend = quarters.spend[:, -4:]
    bought = spend.sum(axis=1) * (4.0 / spend.shape[1])
    return float(np.median(bought[bought > 0])) / resting_share(parameters)


def _share_moments(parameters: Numbers) -> tuple[float, float]:
    """Mean and standard deviation between accounts of the log share of wallet at rest."""
    from scipy.stats import beta, norm

    parts = (np.arange(40) + 0.5) / 40
    logs = []
    for fit in beta.ppf(parts, 2, 2).tolist():
        for habit in norm.ppf(parts).tolist():
            base = min(1.0, max(0.02, parameters.share_base + parameters.share_base_sd * habit))
            ceiling = share_ceiling(fit, parameters.ceiling_base, parameters.ceiling_fit)
            share = share_target(ceiling, parameters.trust_mean, 0.0, base, parameters.share_trust, 0.0)
            logs.append(math.log(max(1e-6, share)))
    return float(np.mean(logs)), float(np.std(logs))


# ---------------------------------------------------------------- the filter of some laws


class _Panel(NamedTuple):
    """What is read of a book."""

    spend: Floats  # (accounts, quarters), in median annual wallets
    old: Flags  # (accounts,), bought before the first of these quarters
    first: int  # number of the first quarter
    market: Market
    share: float  # log share of wallet at rest, as wallets are told by it
    share_mean: float  # mean between accounts of the log
    share_sd: float
    share_speed: float
    low: float
    step: float
    points: int


def _panel_of(quarters: Quarters, market: Market, unit: float, parameters: Numbers) -> _Panel:
    spend = quarters.spend / unit
    start = max(0, spend.shape[1] - QUARTERS_READ)
    bought = spend > 0
    old = np.asarray(bought[:, :start].any(axis=1), dtype=np.bool_)
    rates = np.where(bought, spend, 0.0).sum(axis=1) * (4.0 / spend.shape[1])
    logs = np.log(rates[rates > 0])
    low, high = float(logs.min()) - 2.0, float(logs.max()) + 2.5
    low = max(low, float(np.quantile(logs, 0.01)) - 3.0)
    mean, sd = _share_moments(parameters)
    step = float(np.clip(OF_NOISE * _noise(spend), *STEPS))
    return _Panel(
        np.ascontiguousarray(spend[:, start:]), old, quarters.first + start, market.last(spend.shape[1] - start),
        math.log(resting_share(parameters)), mean, sd, float(parameters.share_speed), low, step,
        int((high - low) / step) + 2,
    )  # fmt: skip


def _noise(spend: Floats) -> float:
    """Standard deviation of a quarter's log spend, of the steadiest tenth of the accounts that bought in them all."""
    always = spend[(spend > 0).all(axis=1)]
    if len(always) < FEW or spend.shape[1] < FEWEST_CHANGES:
        return 1.0
    return float(np.quantile(np.diff(np.log(always), axis=1).std(axis=1), 0.1)) / math.sqrt(2.0)


def _filter_of(values: Mapping[str, float], panel: _Panel) -> Filter:
    """Filter of an account under some laws."""
    count = panel.spend.shape[1]
    grid = panel.low + panel.step * np.arange(panel.points)
    multiple = np.clip(np.exp(-values["growth_size"] * (grid - panel.share)), *STEADIEST_MULTIPLES)
    jumps = (values["growth_sd"] * multiple / panel.step) ** 2
    ratio = 1.0 + 1.0 / jumps - np.sqrt((1.0 + 1.0 / jumps) ** 2 - 1.0)
    spread = math.hypot(values["wallet_sigma"], panel.share_sd)
    # A new account's rate is told as if its share were at rest already.
    means = values["size"], values["new_size"] + panel.share_mean
    first = np.array([np.exp(-0.5 * ((grid - mean) / spread) ** 2) for mean in means])
    nodes, weights = np.polynomial.hermite_e.hermegauss(PACES)
    ages = np.arange(count)
    maturing = np.log1p((values["new_share"] - 1.0) * (1.0 - panel.share_speed) ** (1.0 + ages))
    return Filter(
        low=panel.low,
        step=panel.step,
        first=first / first.sum(axis=1, keepdims=True),
        market=panel.market.level,
        season=panel.market.season,
        phase=(panel.first + ages) % 4,
        ratio=ratio,
        pace=values["orders_sd"] * nodes,
        weight=weights / weights.sum(),
        maturing=maturing,
        orders=math.log(values["orders"]),
        exponent=values["orders_exponent"],
        spread=values["order_size_sd"] ** 2,
        hazard=math.log(values["hazard"]),
        hazard_size=values["hazard_size"],
        table=_table(round(values["order_size_sd"] ** 2, 12)),
    )


@lru_cache(maxsize=8)
def _table(spread: float) -> Floats:
    """Table of densities, the last few of which are kept."""
    return spend_table(spread)


# ---------------------------------------------------------------- the search


class _Fit(NamedTuple):
    """Density of a book under some laws."""

    present: float  # accounts that were there before the first quarter
    coming: float  # new accounts a quarter
    each: Floats  # (accounts,), log density
    parts: Floats  # (accounts, 2), chance of each kind
    seen: Floats  # (2,), chance of each kind to be seen
    total: float


def _evaluated(point: Floats, panel: _Panel, start: _Fit | None, frozen: bool) -> _Fit:
    """Density of a book at a point, where numbers of accounts are best or, ``frozen``, those of the start."""
    values = _values(point)
    given = _filter_of(values, panel)
    room = room_of(given)
    logs, unseen = _logs(given, room, panel)
    count = panel.spend.shape[1]
    seen = np.maximum(1e-9, np.array([1.0, count]) - np.exp(unseen))
    numbers = (0.8 * len(logs), 0.2 * len(logs) / count) if start is None else (start.present, start.coming)
    present, coming = numbers
    for _ in range(1 if frozen else 200):
        of_kind = logs + np.log(np.array([present, max(coming, 1e-12)]))
        each = np.logaddexp(of_kind[:, 0], of_kind[:, 1])
        parts = np.exp(of_kind - each[:, None])
        if frozen:
            break
        before = present, coming
        present = float((parts[:, PRESENT].sum()) / seen[PRESENT])
        coming = float(max(1e-9, parts[:, NEW].sum()) / seen[NEW])
        if abs(math.log(present / before[0])) + abs(math.log(coming / before[1])) < 1e-6:
            break
    total = float(each.sum()) - present * seen[PRESENT] - coming * seen[NEW]
    return _Fit(present, coming, each, parts, seen, total)


def _logs(given: Filter, room: Room, panel: _Panel) -> tuple[Floats, Floats]:
    """Log density of each account, and of one never seen, of both kinds; the impossible is as good as that."""
    found = densities(given, room, panel.spend, panel.old)
    logs, unseen = (np.nan_to_num(each, nan=IMPOSSIBLE, neginf=IMPOSSIBLE, posinf=-IMPOSSIBLE) for each in found)
    return logs, unseen


def _values(point: Floats) -> dict[str, float]:
    """Values at a point of the search."""
    return {
        name: min(free.high, max(free.low, math.exp(x) if free.log else x))
        for (name, free), x in zip(FREE.items(), point.tolist(), strict=True)
    }


def fit_laws(
    quarters: Quarters,
    parameters: Numbers,
    *,
    prior: Prior | None = None,
    unit: float | None = None,
    accounts: int | None = None,
    seed: int = 1,
    most_accounts: int = ACCOUNTS_READ,
) -> FittedLaws:
    """Fit the laws of a book to what its accounts spent: the most likely ones after what was known before.

    Parameters
    ----------
    quarters : Quarters
        Spend by account and quarter; at least four quarters.
    parameters : record
        World section of a scenario: what books do not tell, such as share of wallet.
    prior : Prior, optional
        What is known before; by default `prior_of` these parameters.
    unit : float, optional
        A median annual wallet in money; by default `unit_of` the book.
    accounts : int, optional
        Accounts that arrivals are told against; by default those that bought in the last year.
    seed : int
        Names the accounts that are read of a large book.
    most_accounts : int
        Read of a large book.

    Returns
    -------
    FittedLaws
        With 95 % intervals from the information in the scores of accounts (Berndt, Hall, Hall & Hausman 1974).
    """
    prior = prior_of(parameters) if prior is None else prior
    unit = unit_of(quarters, parameters) if unit is None else unit
    market = _market(quarters, prior, parameters)
    panel, part = _read(_panel_of(quarters, market, unit, parameters), most_accounts, seed)
    held, lasting = _held(prior, quarters, unit, parameters)
    point, fit, information = _searched(panel, _begun(panel, held), held)
    accounts = _buyers(quarters) if accounts is None else accounts
    covariance: Floats = np.linalg.inv(information).astype(np.float64)
    newcomers, values = 4.0 * fit.coming / part, _values(point)
    laws = _laws(values, market, newcomers / accounts)
    sd = _laws_sd(covariance, market, prior, lasting)
    return FittedLaws(
        laws=laws,
        sd=sd,
        low=_end(laws, sd, -TIMES_SD),
        high=_end(laws, sd, TIMES_SD),
        told={name: getattr(sd, name) < TOLD * getattr(prior.sd, name) for name in Laws._fields},
        covariance=covariance,
        unit=unit,
        accounts=accounts,
        newcomers=newcomers,
        size=values["size"],
        present=fit.present / part,
        log_density=fit.total,
        read=(len(panel.spend), panel.spend.shape[1]),
    )


def _buyers(quarters: Quarters) -> int:
    """Accounts that bought in the last year."""
    return max(1, int((quarters.spend[:, -4:] > 0).any(axis=1).sum()))


def _held(prior: Prior, quarters: Quarters, unit: float, parameters: Numbers) -> tuple[Prior, LastingGrowth | None]:
    """Hold the spread of growth where years tell it: quarters take an account's own season for growth that lasts."""
    wallet = np.maximum(quarters.spend.mean(axis=1) * (4.0 / unit / resting_share(parameters)), 1e-12)
    multiple = np.clip(wallet**-prior.laws.growth_size, *STEADIEST_MULTIPLES)
    lasting = lasting_growth(quarters.spend, multiple)
    if lasting is None:
        return Prior(prior.laws, prior.sd._replace(growth_size=min(SETTLED, prior.sd.growth_size))), None
    return Prior(prior.laws._replace(growth_sd=lasting.sd), prior.sd._replace(growth_sd=SETTLED)), lasting


def _begun(panel: _Panel, prior: Prior) -> dict[str, float]:
    """Where the search of all accounts begins: at a glance, or where a search of a few of many ended."""
    start = _start(panel, prior)
    if len(panel.spend) <= 2 * ACCOUNTS_FIRST:
        return start
    few = slice(None, None, len(panel.spend) // ACCOUNTS_FIRST)
    first = panel._replace(spend=panel.spend[few].copy(), old=panel.old[few])
    return _values(_searched(first, start, prior)[0])


def _read(panel: _Panel, most: int, seed: int) -> tuple[_Panel, float]:
    """Take so many of the accounts that bought in the quarters that are read; and what part of these they are."""
    bought = np.flatnonzero((panel.spend > 0).any(axis=1))
    chosen = bought
    if len(bought) > most:
        chosen = np.sort(np.random.default_rng([seed, len(bought)]).choice(bought, most, replace=False))
    return panel._replace(spend=panel.spend[chosen], old=panel.old[chosen]), len(chosen) / len(bought)


def _laws(values: Mapping[str, float], market: Market, arrival: float) -> Laws:
    season = {f"season_{number + 1}": float(index) for number, index in enumerate(market.of_year)}
    known = {**values, "arrival": arrival, "market_growth": market.growth, **season}
    return Laws(**{name: float(known[name]) for name in Laws._fields})


def _laws_sd(covariance: Floats, market: Market, prior: Prior, lasting: LastingGrowth | None) -> Laws:
    """Standard deviations of laws, from the covariance of what was searched for and from that of the market."""
    sd = dict(zip((*FREE, "present", "arrival"), np.sqrt(np.diag(covariance)).tolist(), strict=True))
    sd |= dict(zip(OF_MARKET, np.sqrt(np.diag(market.covariance)).tolist(), strict=True))
    if lasting is None:
        sd["growth_size"] = prior.sd.growth_size
    else:
        sd["growth_sd"] = max(SETTLED, lasting.error)
    return Laws(**{name: float(sd[name]) for name in Laws._fields})


def _market(quarters: Quarters, prior: Prior, parameters: Numbers) -> Market:
    center = np.array([getattr(prior.laws, name) for name in OF_MARKET])
    center[1:] = np.log(np.maximum(0.05, center[1:]))
    sd = np.array([getattr(prior.sd, name) for name in OF_MARKET])
    return market_of(quarters.spend, quarters.first, center, sd, max(0.005, float(parameters.industry_shock_sd)))


def _end(laws: Laws, sd: Laws, side: float) -> Laws:
    """End of the intervals of laws, so many standard deviations off."""
    ends = {}
    for name, value in laws._asdict().items():
        off = side * getattr(sd, name)
        by_factor = name in FACTORS or name.startswith("season")
        ends[name] = value * math.exp(off) if by_factor else value + off
        if name in ("growth_size", "orders_exponent", "hazard_size"):
            ends[name] = max(0.0, ends[name])
    return Laws(**ends)


def _start(panel: _Panel, prior: Prior) -> dict[str, float]:
    """Where the search begins: the prior, but for what a glance at the book tells."""
    spend = panel.spend
    bought = spend > 0
    count = spend.shape[1]
    first, last = bought.argmax(axis=1), count - 1 - bought[:, ::-1].argmax(axis=1)
    life = last - first + 1
    even = np.exp(-panel.market.season - panel.market.level) * spend
    rate = 4.0 * even.sum(axis=1) / life
    start = {name: getattr(prior.laws, name) for name in FREE if name in Laws._fields}
    early = first <= 1
    start["size"] = float(np.log(rate[early if early.any() else slice(None)]).mean())
    long = life >= 4
    if long.sum() >= 5:
        varies = np.array([np.var(np.diff(even[i, first[i] : last[i] + 1])) / 2.0 for i in np.flatnonzero(long)])
        counts = (rate[long] / 4.0) ** 2 / np.maximum(varies, 1e-12)
        logs = np.log(rate[long]), np.log(np.clip(counts, 0.2, 2000.0))
        start["orders"] = float(np.exp((logs[1] - start["orders_exponent"] * logs[0]).mean()))
    start["hazard"] = max(2e-3, float((last < count - 4).sum() + 1) / float(life.sum() + 50))
    return start


def _searched(panel: _Panel, start: Mapping[str, float], prior: Prior) -> tuple[Floats, _Fit, Floats]:
    """Search the most likely point, by scores of accounts; the point, its fit, and the information about it."""
    names = tuple(FREE)
    center = np.array([getattr(prior.laws, name, 0.0) for name in names])
    sd = np.array([getattr(prior.sd, name, FREE[name].sd) for name in names])
    begin = np.array([start[name] for name in names])
    low, high = np.array([FREE[name].low for name in names]), np.array([FREE[name].high for name in names])
    logs = np.array([FREE[name].log for name in names])
    for values in (center, begin, low, high):
        values[logs] = np.log(np.maximum(1e-9, values[logs]))
    point = np.clip(begin, low, high)
    held = np.append(sd**-2.0, [1e-6, ARRIVAL_SD**-2.0])
    fit = _evaluated(point, panel, None, False)
    gain = fit.total - 0.5 * float((((point - center) / sd) ** 2).sum())
    steps, damping = 0.03 * np.minimum(sd, 0.5), 1e-3
    for _ in range(ROUNDS):
        slope, information = _scores(point, steps, panel, fit)
        slope -= (point - center) / sd**2
        information += np.diag(held)
        steps = np.clip(0.1 * np.sqrt(np.diag(np.linalg.inv(information)))[: len(names)], 1e-4, 0.05)
        bound = ((point <= low) & (slope < 0)) | ((point >= high) & (slope > 0))
        moving = np.append(~bound, [True, True])
        full = np.append(np.where(bound, 0.0, slope), [0.0, 0.0])
        promised = 0.5 * float(full @ np.linalg.solve(information, full))
        improved = False
        while damping < 1e4 and not improved:
            damped = information[np.ix_(moving, moving)]
            damped = damped + damping * np.diag(np.diag(damped))
            step = np.zeros(len(full))
            step[moving] = np.linalg.solve(damped, full[moving])
            step = step[: len(names)]
            tried = np.clip(point + step / max(1.0, np.abs(step / np.minimum(2.0 * sd, 1.0)).max()), low, high)
            there = _evaluated(tried, panel, fit, False)
            gained = there.total - 0.5 * float((((tried - center) / sd) ** 2).sum())
            improved = gained > gain
            damping = max(1e-4, damping / 5.0) if improved else damping * 8.0 + 0.05
        if not improved:
            break
        won, point, fit, gain = gained - gain, tried, there, gained
        if promised < CLOSE_ENOUGH or won < CLOSE_ENOUGH:
            break
    _, information = _scores(point, steps, panel, fit)
    return point, fit, information + np.diag(held)


def _scores(point: Floats, steps: Floats, panel: _Panel, fit: _Fit) -> tuple[Floats, Floats]:
    """Slope of the log density of the book, and the information in the scores of its accounts."""
    slope, scores = np.zeros(len(point)), np.zeros((len(fit.each), len(point) + 2))
    scores[:, -2:] = fit.parts
    moved, off = np.tile(point, (len(point), 1)), steps.copy()
    for number, name in enumerate(FREE):
        moved[number, number] += off[number]
        if _values(moved[number])[name] == _values(point)[name]:
            off[number] = -off[number]
            moved[number, number] += 2.0 * off[number]
    with ThreadPoolExecutor(min(len(point), os.cpu_count() or 1)) as pool:
        fits = list(pool.map(lambda there: _evaluated(there, panel, fit, True), moved))
    for number, there in enumerate(fits):
        slope[number] = (there.total - fit.total) / off[number]
        scores[:, number] = (there.each - fit.each) / off[number]
    # Away from the most likely point, and at a law that is held, scores have a mean that is no information.
    scores[:, : len(point)] -= scores[:, : len(point)].mean(axis=0)
    return slope, scores.T @ scores


def laws_given(quarters: Quarters, parameters: Numbers) -> FittedLaws:
    """Take the laws of a scenario for those of a book; only how many accounts there were, and how large, is read.

    Parameters
    ----------
    quarters : Quarters
        Spend by account and quarter.
    parameters : record
        World section of the scenario.

    Returns
    -------
    FittedLaws
        As sure as `prior_of` has them; nothing is told by the book.
    """
    prior, unit = prior_of(parameters), unit_of(quarters, parameters)
    panel = _panel_of(quarters, _market(quarters, prior, parameters), unit, parameters)
    bought = (panel.spend > 0).any(axis=1)
    panel = panel._replace(spend=panel.spend[bought], old=panel.old[bought])
    start = _start(panel, prior)
    values = {name: getattr(prior.laws, name, start[name]) for name in FREE}
    point = np.array([math.log(max(1e-9, values[name])) if FREE[name].log else values[name] for name in FREE])
    values = _values(point)
    fit = _evaluated(point, panel, None, False)
    laws = prior.laws._replace(**{name: values[name] for name in FREE if name in Laws._fields})
    accounts = _buyers(quarters)
    return FittedLaws(
        laws=laws,
        sd=prior.sd,
        low=_end(laws, prior.sd, -TIMES_SD),
        high=_end(laws, prior.sd, TIMES_SD),
        told=dict.fromkeys(Laws._fields, False),
        covariance=np.empty((0, 0)),
        unit=unit,
        accounts=accounts,
        newcomers=prior.laws.arrival * accounts,
        size=values["size"],
        present=fit.present,
        log_density=fit.total,
        read=(len(panel.spend), panel.spend.shape[1]),
    )


# ---------------------------------------------------------------- where accounts stand


def states_of(quarters: Quarters, fitted: FittedLaws, parameters: Numbers, *, draws: int = 100) -> States:
    """Where each account stands at the end of its book, given all that it bought.

    Parameters
    ----------
    quarters : Quarters
        Spend by account and quarter.
    fitted : FittedLaws
        From `fit_laws`, of this book or of its first years.
    parameters : record
        World section of the scenario that was fitted with.
    draws : int
        How many equally likely states of each account.

    Returns
    -------
    States
        Draws of an account go from its lowest rate to its highest, each with a pace drawn given the rate, so that one
        uniform number picks both. Who has left beyond all doubt stands where it bought last.
    """
    prior = Prior(fitted.laws, prior_of(parameters).sd)
    panel = _panel_of(quarters, _market(quarters, prior, parameters), fitted.unit, parameters)
    values = {name: value for name, value in fitted.laws._asdict().items() if name in FREE}
    values["size"] = fitted.size
    given = _filter_of(values, panel)
    room = room_of(given)
    logs, _ = _logs(given, room, panel)
    of_kind = logs + np.log([fitted.present, max(fitted.newcomers / 4.0, 1e-12)])
    parts = np.exp(of_kind - np.logaddexp(of_kind[:, 0], of_kind[:, 1])[:, None])
    uniform = (np.arange(draws) + 0.5) / draws
    states = States(*last_chances(given, room, panel.spend, parts, uniform))
    return states._replace(
        rate=np.where(np.isnan(states.rate), _last_bought(quarters.spend / fitted.unit), states.rate)
    )


def _last_bought(spend: Floats) -> Floats:
    """Annual spend of each account at the pace of the last quarters that it bought in, four at most."""
    bought = spend > 0
    last = bought & (np.cumsum(bought[:, ::-1], axis=1)[:, ::-1] <= 4)
    rate: Floats = 4.0 * np.where(last, spend, 0.0).sum(axis=1) / np.maximum(1, last.sum(axis=1))
    return rate
