"""The world of a book: its laws, how sure each is, and the scenario that plays them."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kamsim.books.book import Book
from kamsim.books.history import Quarters
from kamsim.books.laws import FittedLaws, Laws, Prior, fit_laws, prior_from, prior_of
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import parameter
from kamsim.experiments.manifest import Manifest, fingerprint, manifest_of
from kamsim.experiments.pool import checked_workers
from kamsim.records import Record
from kamsim.scenario import BOOK, Scenario, with_values
from kamsim.studies.asked import Asked
from kamsim.types import Progress
from kamsim.world.carried import carried_book
from kamsim.world.parameters import parameters_of

FEWEST_QUARTERS = 4
TELLS_GROWTH = 8  # quarters; fewer cannot tell what lasts, and who has left, from what a year happens to bring
FROM_OTHER_BOOKS = ("growth_sd", "growth_size", "hazard", "hazard_size", "new_share", "market_growth")
DIGITS = 4


@dataclass(frozen=True)
class FittedLaw:
    """A law of a book.

    Parameters
    ----------
    name, meaning, unit : str
        As in the ledger, without its section.
    value, low, high : float
        Most likely value, and ends of its 95 % interval.
    before : float
        Where it was before the book was read.
    informed : float
        Part of what was unsure before, as a variance, that the book has settled, 0 to 1.
    told : bool
        Whether the book tells it, by three quarters and more; else it stays about where it was before.
    """

    name: str
    meaning: str
    unit: str
    value: float
    low: float
    high: float
    before: float
    informed: float
    told: bool


@dataclass(frozen=True)
class BookFit(Record):
    """The laws of a book.

    Parameters
    ----------
    source, base : str
        Book, and scenario that says what books do not tell.
    laws_from : str
        Book that growth and leaving are taken from, empty for none.
    laws : tuple of FittedLaw
        All that books tell.
    unit : float
        A median annual category spend, in money.
    currency : str
        Of the book, empty where it does not tell.
    accounts, quarters : int
        Of the book that were read; `buyers` of all its accounts bought in the last year.
    buyers : int
        Accounts that bought in the last year, which arrivals are a part of.
    values : dict
        Of the scenario's world section.
    notes : tuple of str
        What was done to the book, a sentence each.
    """

    source: str
    base: str
    laws_from: str
    laws: tuple[FittedLaw, ...]
    unit: float
    currency: str
    accounts: int
    quarters: int
    buyers: int
    values: dict[str, float]
    notes: tuple[str, ...]


def ask_fit_book(book: Book, base: Scenario, *, laws_from: Book | None = None, seed: int = 1) -> Asked[BookFit]:
    """Check what a fit is asked.

    Parameters
    ----------
    book : Book
        With a history of a year and more.
    base : Scenario
        What books do not tell, and where laws lie before the book is read.
    laws_from : Book, optional
        Another book, whose growth and leaving a short book is read by.
    seed : int
        In [0, 2**64): names the accounts that are read of a large book.

    Returns
    -------
    Asked
        Played, it gives a `BookFit`.

    Raises
    ------
    KamsimError
        Where the book has no history, or one of under a year.
    """
    checked_workers(1, seed, None)
    history_of(book)
    if laws_from is not None:
        history_of(laws_from)
    manifest = manifest_of([base], seed, 1, book) | {"command": "book-fit", "laws_from": _print_of(laws_from)}
    work = 1 if laws_from is None else 2
    return Asked(manifest, work, "books", partial(_answer, book, base, laws_from, seed))


def _print_of(book: Book | None) -> Manifest | None:
    return None if book is None else dict(fingerprint(book))


def history_of(book: Book) -> Quarters:
    """Quarters of a book; an error where it has none, or under a year of them."""
    if book.quarters is None:
        raise KamsimError(
            f"{book.source}: one row per account has no history to fit; give a book by quarters or invoices"
        )
    count = book.quarters.spend.shape[1]
    if count < FEWEST_QUARTERS:
        raise KamsimError(f"{book.source}: {count} quarters are under a year; give a longer history")
    return book.quarters


def prior_for(quarters: Quarters, base: Scenario, other: FittedLaws | None) -> Prior:
    """What is known of a book's laws before it is read: of another book growth and leaving, where this one is short."""
    prior = prior_of(parameters_of(base))
    if other is None or quarters.spend.shape[1] >= TELLS_GROWTH:
        return prior
    return prior_from(other, prior, FROM_OTHER_BOOKS)


def values_of(fitted: FittedLaws, accounts: int) -> dict[str, float]:
    """Laws as the world section of a scenario that is played with a book of so many accounts, those who left too."""
    arrival = fitted.newcomers / accounts
    given = {**fitted.laws._asdict(), "arrival": arrival, "median_wallet": fitted.unit}
    values = {}
    for name, value in given.items():
        row = parameter("world", name)
        values[name] = float(f"{min(row.high, max(row.low, value)):.{DIGITS}g}")
    return values


def with_laws(base: Scenario, fitted: FittedLaws, accounts: int) -> Scenario:
    """Scenario in the world of a book."""
    return with_values(base, {f"world.{name}": value for name, value in values_of(fitted, accounts).items()})


_RECENT: dict[tuple[object, ...], FittedLaws] = {}
MOST_RECENT = 8  # fits that are kept at hand, for programs side by side ask for the same


def in_market_of_book(scenario: Scenario) -> Scenario:
    """Scenario with the laws of the book that it carries, but for what was set for this run; once for each book.

    Parameters
    ----------
    scenario : Scenario
        With a book, or as it is.

    Returns
    -------
    Scenario
        As it is, too, where the book has no history of a year, or its laws are there already.
    """
    book, fitted = carried_book(scenario), fit_of(scenario)
    if scenario.book is None or book is None or fitted is None:
        return scenario
    values = {f"world.{name}": value for name, value in values_of(fitted, len(book.account_id)).items()}
    kept = scenario.fixed or ()
    there = with_values(scenario, {name: value for name, value in values.items() if name not in kept})
    return there.model_copy(update={BOOK: scenario.book.model_copy(update={"fitted": True})})


def fit_of(scenario: Scenario) -> FittedLaws | None:
    """Laws of the book that a scenario carries; None where there is nothing to fit, or that was done. Once a book."""
    book = carried_book(scenario)
    if scenario.book is None or scenario.book.fitted or book is None or book.quarters is None:
        return None
    if book.quarters.spend.shape[1] < FEWEST_QUARTERS:
        return None
    parameters = parameters_of(scenario)
    key = (scenario.book.sha256, parameters.tobytes())
    if key not in _RECENT:
        if len(_RECENT) >= MOST_RECENT:
            _RECENT.pop(next(iter(_RECENT)))
        _RECENT[key] = fit_laws(book.quarters, parameters)
    return _RECENT[key]


def _answer(
    book: Book, base: Scenario, laws_from: Book | None, seed: int, progress: Progress | None, folder: Path | None
) -> BookFit:
    parameters, other = parameters_of(base), None
    if laws_from is not None:
        other = fit_laws(history_of(laws_from), parameters, seed=seed)
        if progress is not None:
            progress(1)
    quarters = history_of(book)
    prior = prior_for(quarters, base, other)
    fitted = fit_laws(quarters, parameters, prior=prior, seed=seed)
    if progress is not None:
        progress(1 if other is None else 2)
    laws = tuple(_law(name, fitted, prior) for name in Laws._fields)
    return BookFit(
        source=book.source,
        base=base.name,
        laws_from="" if laws_from is None or prior.laws == prior_of(parameters).laws else laws_from.source,
        laws=laws,
        unit=fitted.unit,
        currency=book.currency,
        accounts=fitted.read[0],
        quarters=fitted.read[1],
        buyers=fitted.accounts,
        values=values_of(fitted, len(book.account_id)),
        notes=book.notes,
    )


def _law(name: str, fitted: FittedLaws, prior: Prior) -> FittedLaw:
    row = parameter("world", name)
    laws = (fitted.laws, fitted.low, fitted.high, prior.laws)
    value, low, high, before = (float(getattr(each, name)) for each in laws)
    informed = max(0.0, 1.0 - (getattr(fitted.sd, name) / getattr(prior.sd, name)) ** 2)
    return FittedLaw(name, row.meaning, row.unit, value, low, high, before, informed, fitted.told[name])
