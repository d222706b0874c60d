"""Whether a book may be decided on: does it tell enough, and would its market have foretold its own last year."""

from dataclasses import replace

import numpy as np

from kamsim.analysis.forecasts import LEVELS, coverage_of, ranks_of
from kamsim.books.book import Book
from kamsim.books.history import Quarters
from kamsim.books.table import count
from kamsim.experiments.jobs import job_of, rooms_for
from kamsim.experiments.twins import one_by_one
from kamsim.scenario import Scenario
from kamsim.studies.backtest import FAR_OFF, NOISE, until
from kamsim.studies.fit_book import history_of
from kamsim.studies.reference import without_program
from kamsim.types import Floats, Integers

FEW_QUARTERS, FEW_ACCOUNTS = 8, 10  # below which a book tells too little to rank policies on it
YEAR = 4  # quarters, that are held back
WORLDS = 60  # futures of the year that is held back
MOST_ACCOUNTS = 500  # of a large book that are played again


def weakness_of(book: Book) -> str:
    """Why a book tells too little to rank policies on it; empty where it does not."""
    if len(book.account_id) < FEW_ACCOUNTS:
        return (
            f"has {count(len(book.account_id), 'account')}, and fewer than {FEW_ACCOUNTS} tell no policy from another"
        )
    if book.quarters is None:
        return "has no history, so nothing tells how its accounts grow, order and leave"
    quarters = book.quarters.spend.shape[1]
    if quarters < FEW_QUARTERS:
        return (
            f"has {count(quarters, 'quarter')}, and fewer than {FEW_QUARTERS} do not tell how accounts grow and leave"
        )
    return ""


def misfit_of(book: Book, scenario: Scenario, seed: int) -> str:
    """Why the market of a scenario is none for a book: its last year, foretold from those before, came out otherwise.

    Parameters
    ----------
    book : Book
        With a history of two years or more.
    scenario : Scenario
        Whose market is judged; its program is not played.
    seed : int
        Of the futures, and of the accounts that are looked at of a large book.

    Returns
    -------
    str
        Empty where intervals hold about what they should of what accounts spent.
    """
    past, came = before_last_year(book, seed)
    inside = coverage(foretold(past, scenario, seed), came, seed)
    for level, part in zip(LEVELS[1:], inside[1:], strict=True):
        error = np.sqrt(level * (1.0 - level) / len(came))
        if abs(part - level) > FAR_OFF + NOISE * error:
            return (
                f"is not foretold by this market: of intervals that should hold {level:.0%} of what accounts spent in "
                f"the last year, given the years before, {part:.0%} did; kamsim book fit fits the market to the book"
            )
    return ""


def before_last_year(book: Book, seed: int) -> tuple[Book, Floats]:
    """A book as it was a year before its end, and what its accounts spent in the year after; of a large one a sample.

    Returns a Book without what only its end tells, and an array of shape (accounts,).
    """
    past, history = until(book, YEAR), history_of(book)
    known = (history.spend[:, :-YEAR] > 0).any(axis=1)
    year = history.spend[known, -YEAR:].sum(axis=1)
    if len(year) <= MOST_ACCOUNTS:
        return past, year
    places = np.sort(np.random.default_rng([seed, len(year)]).choice(len(year), MOST_ACCOUNTS, replace=False))
    return some_of(past, places), year[places]


def some_of(book: Book, places: Integers) -> Book:
    """Some accounts of a book that tells nothing but a history."""
    quarters, unknown = history_of(book), np.full(len(places), np.nan)
    return replace(
        book,
        account_id=tuple(book.account_id[place] for place in places),
        name=tuple(book.name[place] for place in places),
        annual_spend=book.annual_spend[places],
        wallet=unknown,
        share=unknown,
        fit=unknown,
        trust=unknown,
        quarters=Quarters(quarters.first, np.ascontiguousarray(quarters.spend[places])),
    )


def foretold(past: Book, scenario: Scenario, seed: int) -> Floats:
    """What accounts may spend in the year after a book, without a program, in money: (futures, accounts)."""
    short = {"history_years": 2, "warmup_years": 1, "window_years": 1}
    job = job_of(without_program(scenario).changed(timeline=short), past)
    rooms, found = rooms_for(job.budget, job.timeline, [job.policy]), []
    for number in range(WORLDS):
        ((_, _, history),) = one_by_one([job], seed, number, rooms)
        found.append(job.unit * history.accounts["spend"][short["history_years"], : len(past.account_id)])
    return np.array(found, dtype=np.float64)


def coverage(drawn: Floats, came: Floats, seed: int) -> tuple[float, ...]:
    """Part of outcomes that lie in the middle of what was drawn, for each of `LEVELS`; equals are ranked by chance."""
    return coverage_of(ranks_of(drawn, came, np.random.default_rng(seed))).inside
