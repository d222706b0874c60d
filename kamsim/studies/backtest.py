"""Would the simulation have foretold it: fit on a book's first years, forecast the next one, and look how it came."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kamsim.analysis.forecasts import (
    LEVELS,
    brier,
    buying_chances,
    coverage_of,
    log_error,
    ranked_score,
    ranks_of,
    relative_error,
    simple_forecasts,
    smoothed_total,
)
from kamsim.books.book import Book
from kamsim.books.history import Quarters
from kamsim.books.laws import ACCOUNTS_READ, FittedLaws, fit_laws
from kamsim.books.moments import DECILES, deciles_by_spend
from kamsim.errors import KamsimError
from kamsim.experiments.jobs import job_of
from kamsim.experiments.manifest import fingerprint, manifest_of
from kamsim.experiments.pool import checked_workers, in_order
from kamsim.experiments.twins import histories_of
from kamsim.records import Record
from kamsim.scenario import Scenario, load_scenario
from kamsim.studies.asked import Asked
from kamsim.studies.fit_book import history_of, prior_for, with_laws
from kamsim.types import Floats, Integers, Numbers, Progress
from kamsim.world.parameters import parameters_of

SIMULATOR = "simulator"
WORLDS = 200  # futures of a book
UNSURE = ("market_growth", "hazard", "arrival", "growth_sd")  # laws that are drawn anew for each future
BY_FACTOR = ("hazard", "arrival", "growth_sd")
ALLOWED = 0.05  # that coverage may be off
NOISE = 2.0  # standard errors of a difference that is no luck
FAR_OFF = 0.10  # of coverage, from which on no ranking rests on a book


@dataclass(frozen=True)
class Score:
    """How good one way to forecast was.

    Parameters
    ----------
    name : str
        Of the way.
    error : float
        Sum of absolute errors over accounts, part of their sales.
    log_error : float
        Mean absolute error of logs.
    ranked : float
        Continuous ranked probability score over accounts, part of their sales; the error, where it gives one number.
    decile_error, total_error : float
        Of deciles by last year's spend, and of the total; mean absolute log error.
    buying : float
        Mean square error of the chance to buy at all; NaN where it tells none.
    """

    name: str
    error: float
    log_error: float
    ranked: float
    decile_error: float
    total_error: float
    buying: float


@dataclass(frozen=True)
class Origin:
    """A year that was forecast from those before it.

    Parameters
    ----------
    ends : str
        Last quarter that was read.
    accounts : int
        That were forecast.
    scores : tuple of Score
        The simulator's first.
    coverage, decile_coverage : tuple of float
        Part of accounts and of deciles inside of intervals of 50, 80 and 95 %.
    rank : float
        Of the total of these accounts among futures, 0 to 1.
    rank_of_all : float
        The same with who came new.
    forecast, low, high, outcome : float
        Total of these accounts, median and 80 % interval, and what came, in money.
    differences, differences_error : dict of str to float
        The simulator's error less that of each simple way, part of sales, and its standard error over accounts.
    """

    ends: str
    accounts: int
    scores: tuple[Score, ...]
    coverage: tuple[float, ...]
    decile_coverage: tuple[float, ...]
    rank: float
    rank_of_all: float
    forecast: float
    low: float
    high: float
    outcome: float
    differences: dict[str, float]
    differences_error: dict[str, float]


@dataclass(frozen=True)
class Backtest(Record):
    """Forecasts of a book's own past.

    Parameters
    ----------
    source, currency, laws_from : str
        Book, its currency, and the book whose growth and leaving a short one is read by.
    origins : tuple of Origin
        The latest first.
    levels : tuple of float
        Of the intervals.
    coverage, coverage_error : tuple of float
        Part of accounts inside of them, mean over origins, and the standard error of it over accounts.
    best : str
        Simple way with the least error over accounts, mean over origins.
    difference, difference_error : float
        The simulator's error less that, part of sales, mean over origins, and its standard error: over accounts, and
        over origins, where they differ by more.
    weakness : str
        Why no ranking of programs should rest on this book; empty where it may.
    worlds, seed : int
        Futures of each origin, and whose draws they are.
    notes : tuple of str
        What was done to the book, a sentence each.
    """

    source: str
    currency: str
    laws_from: str
    origins: tuple[Origin, ...]
    levels: tuple[float, ...]
    coverage: tuple[float, ...]
    coverage_error: tuple[float, ...]
    best: str
    difference: float
    difference_error: float
    weakness: str
    worlds: int
    seed: int
    notes: tuple[str, ...]


def ask_backtest(
    book: Book,
    base: Scenario | None = None,
    *,
    origins: int = 1,
    laws_from: Book | None = None,
    worlds: int = WORLDS,
    seed: int = 1,
    jobs: int | None = None,
) -> Asked[Backtest]:
    """Check what a back-test is asked.

    Parameters
    ----------
    book : Book
        With a history of two years and more.
    base : Scenario, optional
        Says what books do not tell; by default the scenario without a program.
    origins : int
        Years that are forecast, each from those before it, >= 1: the last of the book, the one before, and so on.
    laws_from : Book, optional
        Another book, whose growth and leaving a short book is read by.
    worlds : int
        Futures that are played of each origin, >= 20.
    seed, jobs : int
        In [0, 2**64); and threads, which change no result.

    Returns
    -------
    Asked
        Played, it gives a `Backtest`.

    Raises
    ------
    KamsimError
        Where the book is too short for so many origins.
    """
    workers = checked_workers(worlds, seed, jobs)
    count = history_of(book).spend.shape[1]
    most = count // 4 - 1
    if most < 1:
        raise KamsimError(f"{book.source}: {count} quarters are under two years, and leave none to forecast from")
    if not 1 <= origins <= most:
        raise KamsimError(f"`origins` must be from 1 to {most} for a book of {count} quarters, not {origins}")
    if worlds < 20:
        raise KamsimError(f"`worlds` must be at least 20, not {worlds}")
    if laws_from is not None:
        history_of(laws_from)
    scenario = load_scenario("no_program") if base is None else base
    manifest = manifest_of([scenario], seed, worlds, book) | {
        "command": "book-backtest",
        "origins": origins,
        "laws_from": None if laws_from is None else fingerprint(laws_from),
    }
    task = _Task(book, scenario, laws_from, origins, worlds, seed, workers)
    return Asked(manifest, origins * worlds, "futures", partial(_answer, task), figure="backtest.png")


class _Task(NamedTuple):
    book: Book
    scenario: Scenario
    laws_from: Book | None
    origins: int
    worlds: int
    seed: int
    workers: int
    most_accounts: int = ACCOUNTS_READ


def _answer(task: _Task, progress: Progress | None, folder: Path | None) -> Backtest:
    other = None
    if task.laws_from is not None:
        other = fit_laws(history_of(task.laws_from), parameters_of(task.scenario), seed=task.seed)
    played, ranks = [], []
    for origin in range(1, task.origins + 1):
        done = (origin - 1) * task.worlds
        told = None if progress is None else partial(_further, progress, done)
        one, own_ranks = _origin(task, other, 4 * origin, told)
        played.append(one)
        ranks.append(own_ranks)
    together, (best, difference, error) = coverage_of(np.concatenate(ranks)), against_best(played)
    return Backtest(
        source=task.book.source,
        currency=task.book.currency,
        laws_from="" if task.laws_from is None else task.laws_from.source,
        origins=tuple(played),
        levels=LEVELS,
        coverage=together.inside,
        coverage_error=together.error,
        best=best,
        difference=difference,
        difference_error=error,
        weakness=weakness_of(best, difference, error, together.inside) or "",
        worlds=task.worlds,
        seed=task.seed,
        notes=task.book.notes,
    )


def _further(progress: Progress, done: int, more: int) -> None:
    progress(done + more)


def until(book: Book, quarters: int) -> Book:
    """The book as it was so many quarters before its end: only accounts that had bought by then, and nothing later."""
    history = history_of(book)
    spend = history.spend[:, : history.spend.shape[1] - quarters]
    known = np.flatnonzero((spend > 0).any(axis=1))
    spend = np.ascontiguousarray(spend[known])
    unknown = np.full(len(known), np.nan)
    return replace(
        book,
        account_id=tuple(book.account_id[number] for number in known),
        name=tuple(book.name[number] for number in known),
        annual_spend=spend[:, -4:].sum(axis=1),
        wallet=unknown,
        share=unknown,
        fit=unknown,
        trust=unknown,
        quarters=Quarters(history.first, spend),
        tier=None,
        kam=(),
        margin=None,
    )


def _origin(task: _Task, other: FittedLaws | None, cut: int, told: Progress | None) -> tuple[Origin, Floats]:
    """Forecast the year that follows an origin, and hold it against what came; and the ranks of accounts."""
    past, history = until(task.book, cut), history_of(task.book)
    begin = history.spend.shape[1] - cut
    known = (history.spend[:, :begin] > 0).any(axis=1)
    year = history.spend[:, begin : begin + 4].sum(axis=1)
    outcome, newcomers = year[known], float(year[~known].sum())
    spend = history_of(past).spend
    prior = prior_for(history_of(past), task.scenario, other)
    fitted = fit_laws(
        history_of(past), parameters_of(task.scenario), prior=prior, seed=task.seed, most_accounts=task.most_accounts
    )
    drawn, coming = futures_of(past, task.scenario, fitted, task.worlds, task.seed, task.workers, told)
    generator = np.random.default_rng([task.seed, cut])
    ranks = ranks_of(drawn, outcome, generator)
    decile = deciles_by_spend(spend[:, -4:].sum(axis=1))
    by_decile, came = _by_decile(drawn, decile), _by_decile(outcome[None, :], decile)[0]
    total = drawn.sum(axis=1)
    forecasts = simple_forecasts(spend)
    scores = _scores(drawn, outcome, spend, decile, forecasts)
    off = np.abs(np.median(drawn, axis=0) - outcome)
    missed = {name: off - np.abs(forecast - outcome) for name, forecast in forecasts.items()}
    sales = float(outcome.sum())
    middle = ranks_of(total[:, None], outcome.sum()[None], generator)
    of_all = ranks_of((total + coming)[:, None], np.array([outcome.sum() + newcomers]), generator)
    low, median, high = np.quantile(total, (0.1, 0.5, 0.9)).tolist()
    last = history.first + begin - 1
    return Origin(
        ends=f"{last // 4}Q{last % 4 + 1}",
        accounts=len(outcome),
        scores=scores,
        coverage=coverage_of(ranks).inside,
        decile_coverage=coverage_of(ranks_of(by_decile, came, generator)).inside,
        rank=float(middle[0]),
        rank_of_all=float(of_all[0]),
        forecast=median,
        low=low,
        high=high,
        outcome=float(outcome.sum()),
        differences={name: float(each.sum()) / sales for name, each in missed.items()},
        differences_error={name: float(each.std()) * math.sqrt(len(each)) / sales for name, each in missed.items()},
    ), ranks


def futures_of(
    book: Book,
    base: Scenario,
    fitted: FittedLaws,
    worlds: int,
    seed: int,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[Floats, Floats]:
    """Next year of a book, played again and again without a program: spend of its accounts, and of new ones.

    Parameters
    ----------
    book : Book
        Where it starts.
    base : Scenario
        What books do not tell.
    fitted : FittedLaws
        Laws of the book; those that the next year hangs on are drawn anew for each future, as sure as they are.
    worlds, seed, workers : int
        Futures, whose draws they are, and threads.
    progress : callable, optional
        Told how many futures are done.

    Returns
    -------
    arrays of shape (worlds, accounts), (worlds,)
        In money.
    """
    accounts = len(book.account_id)
    scenario = with_laws(base, fitted, accounts).changed(
        timeline={"history_years": 2, "warmup_years": 1, "window_years": 1}
    )
    job = job_of(scenario, book)
    generator = np.random.default_rng([seed, accounts])
    scores = generator.standard_normal((worlds, len(UNSURE)))

    def play(number: int) -> Floats:
        parameters = drawn_laws(job.parameters, fitted, scores[number])
        budget = job.budget._replace(newcomers=1 + int(parameters.arrival * accounts))
        _, (history,) = histories_of([job._replace(parameters=parameters, budget=budget)], seed, number)
        spend: Floats = np.asarray(history.accounts["spend"][2], dtype=np.float64) * job.unit
        return np.append(spend[:accounts], spend[accounts:].sum())

    rows = []
    for row in in_order(play, ((number,) for number in range(worlds)), workers):
        rows.append(row)
        if progress is not None:
            progress(len(rows))
    together = np.array(rows)
    return together[:, :-1], together[:, -1]


def drawn_laws(parameters: Numbers, fitted: FittedLaws, scores: Floats) -> Numbers:
    """Parameters with laws as they may be, too."""
    row = np.array([parameters]).view(np.recarray)
    for name, score in zip(UNSURE, scores.tolist(), strict=True):
        off = score * getattr(fitted.sd, name)
        here = float(row[name][0])
        row[name] = min(1.0, here * math.exp(off)) if name in BY_FACTOR else here + off
    drawn: Numbers = row[0]
    return drawn


def _by_decile(values: Floats, decile: Integers) -> Floats:
    """Sums over accounts of each decile; (rows, deciles)."""
    return np.stack([values[:, decile == place].sum(axis=1) for place in range(DECILES)], axis=1)


def _scores(
    drawn: Floats, outcome: Floats, spend: Floats, decile: Integers, forecasts: dict[str, Floats]
) -> tuple[Score, ...]:
    """Scores of the simulator, then of the simple ways."""
    sales, bought = float(outcome.sum()), outcome > 0
    last_year = spend[:, -4:].sum(axis=1)
    least = 0.02 * float(np.median(last_year[last_year > 0]))
    came = _by_decile(outcome[None, :], decile)[0]
    series = _by_decile(spend.T, decile)
    smooth = np.array([smoothed_total(one) for one in series.T]), smoothed_total(spend.sum(axis=0))
    middle = np.median(drawn, axis=0)
    of_deciles, total = np.median(_by_decile(drawn, decile), axis=0), float(np.median(drawn.sum(axis=1)))
    buys = {SIMULATOR: (drawn > 0).mean(axis=0), "BG/NBD": buying_chances(spend)}
    ranked = float(ranked_score(drawn, outcome).sum()) / sales
    scores = [
        Score(
            SIMULATOR, relative_error(middle, outcome), log_error(middle, outcome, least), ranked,
            log_error(of_deciles, came, least), abs(math.log(max(total, 1e-300) / sales)),
            brier(buys[SIMULATOR], bought),
        )
    ]  # fmt: skip
    for name, forecast in forecasts.items():
        deciles, total = _by_decile(forecast[None, :], decile)[0], float(forecast.sum())
        if name == "smoothing":
            deciles, total = smooth
        error = relative_error(forecast, outcome)
        chance = buys["BG/NBD"] if name == "smoothing" else np.minimum(1.0, np.ceil(forecast / max(sales, 1.0)))
        scores.append(
            Score(
                name, error, log_error(forecast, outcome, least), error, log_error(deciles, came, least),
                abs(math.log(max(total, 1e-300) / sales)), brier(chance, bought),
            )
        )  # fmt: skip
    return tuple(scores)


def against_best(origins: Sequence[Origin]) -> tuple[str, float, float]:
    """Best of the simple ways over all origins, by how much the simulator misses more, and the error of that."""
    names = list(origins[0].differences)
    means = {name: float(np.mean([origin.differences[name] for origin in origins])) for name in names}
    best = max(names, key=lambda name: means[name])
    within = float(np.sqrt(np.mean([origin.differences_error[best] ** 2 for origin in origins])))
    between = float(np.std([origin.differences[best] for origin in origins], ddof=1)) if len(origins) > 1 else 0.0
    return best, means[best], max(within, between) / math.sqrt(len(origins))


def weakness_of(best: str, difference: float, error: float, coverage: Sequence[float]) -> str | None:
    """Why no ranking of programs should rest on a book: its forecasts were far off; None where they were not."""
    for level, inside in zip(LEVELS[1:], coverage[1:], strict=True):
        if abs(inside - level) > FAR_OFF:
            return (
                f"intervals of {100 * level:.0f} % for next year's spend of an account held {100 * inside:.0f} % of "
                "what came when the book's own past was forecast"
            )
    if difference > max(ALLOWED, NOISE * error):
        return (
            f"forecasts of its own past missed by {100 * difference:.0f} % of sales more than the simplest ({best}) did"
        )
    return None
