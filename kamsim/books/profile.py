"""Profile of an account book: what a sales manager asks of it before any program is simulated on it."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.books.facts import SHOWN, facts_by_year
from kamsim.books.labels import money_of, quarter_label, year_label
from kamsim.books.moments import gini, top_share
from kamsim.records import Record
from kamsim.rules.pricing import bargaining_power, price_concession
from kamsim.rules.spend import share_ceiling, share_target
from kamsim.rules.tiering import growth_potential, mean_of_largest
from kamsim.types import Floats, Integers, Numbers

TOPS = (0.01, 0.1, 0.2)  # parts of the accounts whose part of the sales is told
TIERS = ("", "key", "strategic")  # by their number in a book; further ones are strategic too
AVERAGE_FIT = 0.5
TELLING = ("share", "wallet", "fit", "margin")  # columns that part an enterprise rule from one by spend


class YearOfBook(NamedTuple):
    """Four quarters of a book, counted back from its last; NaN where there is no year before."""

    year: str
    sales: float
    growth: float  # of all sales, part of those of the year before
    customers: int  # that bought in it
    bought_again: float  # part of the customers of the year before
    new: float  # part of the customers that did not buy in the year before
    empty_quarters: float  # part of the quarters of its customers


class SizeOfBook(NamedTuple):
    """Accounts of alike size, the tenth that bought least being 1; means over the years."""

    tenth: int
    bought_again: float
    growth: float  # median of those that did, log
    empty_quarters: float


class ProfiledAccount(NamedTuple):
    """An account of a book, with its place by two rules of selection; money of its last year."""

    account_id: str
    name: str
    spend: float
    part: float  # of all sales
    growth: float  # against the year before, NaN where it bought in one of them alone
    quarters: int  # of the last four that it bought in; -1 where the book has none
    tier: str  # in today's program, empty for none
    kam: str
    by_spend: int  # place, from 1
    by_enterprise: int


@dataclass(frozen=True)
class Profile(Record):
    """Profile of an account book.

    Parameters
    ----------
    source : str
        Its file.
    money : str
        What it counts in.
    quarters : tuple of str
        Its first and last quarter; empty where it has no history.
    year_starts : int
        Month that its years start in.
    years : tuple of YearOfBook
        Oldest first; none where it has no history.
    largest, ten_largest, concentration : float
        Parts of last year's sales of one account and of ten, and the Gini coefficient.
    tops : tuple of float
        Parts of last year's sales of the top 1, 10 and 20 % of customers.
    season : tuple of float
        Sales of each quarter of the year over the mean quarter; NaN where no two years tell it.
    sizes : tuple of SizeOfBook
        Tenths by size.
    quarterly : tuple of float
        Sales by quarter.
    accounts : tuple of ProfiledAccount
        All of them, largest first.
    places : int
        Number of key accounts that rules of selection are compared at.
    told : dict of str to int
        For how many accounts the book tells what an enterprise rule reads.
    notes : tuple of str
        Of the book.
    """

    source: str
    money: str
    quarters: tuple[str, ...]
    year_starts: int
    years: tuple[YearOfBook, ...]
    largest: float
    ten_largest: float
    concentration: float
    tops: tuple[float, ...]
    season: tuple[float, ...]
    sizes: tuple[SizeOfBook, ...]
    quarterly: tuple[float, ...]
    accounts: tuple[ProfiledAccount, ...]
    places: int
    told: dict[str, int]
    notes: tuple[str, ...]

    @property
    def customers(self) -> int:
        """Accounts that bought in the last year."""
        return sum(account.spend > 0 for account in self.accounts)


def last_year(book: Book) -> Floats:
    """What each account spent in the last year of a book.

    Parameters
    ----------
    book : Book
        From `kamsim.books.book.read_book`.

    Returns
    -------
    array of shape (accounts,)
        Of its last four quarters, or where it has fewer of those, >= 0; its level where it has no history.
    """
    spend: Floats = book.annual_spend if book.quarters is None else book.quarters.spend[:, -4:].sum(axis=1)
    return spend


def key_today(book: Book) -> int:
    """Number of key accounts in today's program, 0 where the book tells of none."""
    return 0 if book.tier is None else int((book.tier > 0).sum())


def profile_of(book: Book, parameters: Numbers, places: int) -> Profile:
    """Profile a book.

    Parameters
    ----------
    book : Book
        From `kamsim.books.book.read_book`.
    parameters : record
        World section of a scenario: what is taken for usual where the book tells nothing.
    places : int
        Number of key accounts that rules of selection are compared at.

    Returns
    -------
    Profile
        Pure counting, but for the rule of selection by enterprise criteria, which reads what `enterprise_scores` says.
    """
    spend = last_year(book)
    bought = spend[spend > 0]
    total = float(bought.sum())
    descending = np.sort(bought)[::-1]
    # Whole years, counted back from the last quarter: a book ends where it ends.
    quarters = np.empty((len(spend), 0)) if book.quarters is None else book.quarters.spend
    panel = quarters[:, quarters.shape[1] % 4 :] if quarters.shape[1] >= 4 else quarters[:, :0]
    ends = 0 if book.quarters is None else book.quarters.first + quarters.shape[1]
    facts = facts_by_year(panel) if panel.shape[1] >= 8 else {}
    named = () if book.quarters is None else (book.quarters.first, ends - 1)
    return Profile(
        source=book.source,
        money=money_of(book),
        quarters=tuple(quarter_label(quarter, book.year_starts) for quarter in named),
        year_starts=book.year_starts,
        years=_years(panel, facts, ends, book.year_starts),
        largest=_part(float(descending[:1].sum()), total),
        ten_largest=_part(float(descending[:10].sum()), total),
        concentration=gini(bought),
        tops=tuple(top_share(bought, top) for top in TOPS),
        season=_season(facts, ends),
        sizes=_sizes(facts),
        quarterly=tuple(quarters.sum(axis=0).tolist()),
        accounts=_accounts(book, spend, panel, enterprise_scores(book, spend, parameters, places)),
        places=places,
        told={name: int((~np.isnan(_column(book, name))).sum()) for name in TELLING},
        notes=book.notes,
    )


# ---------------------------------------------------------------- years


def _years(panel: Floats, facts: dict[str, Floats], ends: int, year_starts: int) -> tuple[YearOfBook, ...]:
    cells = panel.reshape(len(panel), -1, 4)
    spend = cells.sum(axis=2)
    sales = spend.sum(axis=0)
    number = len(sales)
    unknown = np.full(max(0, number - 1), np.nan)
    again, new = (np.append(np.nan, facts.get(name, unknown)) for name in ("retained", "new"))
    empty = (cells == 0).mean(axis=2)
    return tuple(
        YearOfBook(
            year_label(ends - 1 - 4 * (number - 1 - year), year_starts),
            float(sales[year]),
            float(sales[year] / sales[year - 1] - 1.0) if year and sales[year - 1] > 0 else math.nan,
            int((spend[:, year] > 0).sum()),
            float(again[year]),
            float(new[year]),
            float(empty[spend[:, year] > 0, year].mean()) if sales[year] > 0 else math.nan,
        )
        for year in range(number)
    )


def _season(facts: dict[str, Floats], ends: int) -> tuple[float, ...]:
    """Season by quarter of the year, wherever the years that facts count begin."""
    counted = [_mean(facts, f"season_{place + 1}") for place in range(4)]
    return tuple(counted[(quarter - ends) % 4] for quarter in range(4))


def _sizes(facts: dict[str, Floats]) -> tuple[SizeOfBook, ...]:
    names = ("retained_decile", "growth_median_decile", "empty_quarters_decile")
    return tuple(SizeOfBook(tenth, *(_mean(facts, f"{name}_{tenth}") for name in names)) for tenth in SHOWN)


def _mean(facts: dict[str, Floats], name: str) -> float:
    values = facts.get(name, np.empty(0))
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


# ---------------------------------------------------------------- accounts


def enterprise_scores(book: Book, spend: Floats, parameters: Numbers, places: int) -> Floats:
    """Score accounts by enterprise criteria, as the model reads them: what is within reach, and what it would earn.

    Parameters
    ----------
    book : Book
        Its columns `share`, `wallet`, `fit` and `margin`, where it has them.
    spend : array of shape (accounts,)
        Last year's, >= 0.
    parameters : record
        World section of a scenario.
    places : int
        Number of key accounts: price goes by size, measured at the mean of so many of the largest.

    Returns
    -------
    array of shape (accounts,)
        Log of money a year; minus infinity for who bought nothing.

    Notes
    -----
    Without any error of estimation. What is not told of an account is taken as usual: average fit, the share of wallet
    at which a customer of such fit rests, the gross margin and cost to serve of the scenario. Where nothing is told,
    potential is in proportion to spend, but for the price that size gets. Fit alone tells nothing: who fits better
    gives a larger part of a smaller category spend, and the room left is the same.
    """
    large = mean_of_largest(spend, np.zeros(max(1, min(places, len(spend)))))
    share, wallet, fit, margin = (_column(book, name) for name in TELLING)
    scores = np.full(len(spend), -np.inf)
    for number in np.flatnonzero(spend > 0).tolist():
        own_fit = AVERAGE_FIT if math.isnan(fit[number]) else fit[number]
        ceiling = share_ceiling(own_fit, parameters.ceiling_base, parameters.ceiling_fit)
        resting = share_target(
            ceiling, parameters.trust_mean, 0.0, parameters.share_base, parameters.share_trust, 0.0
        )  # fmt: skip
        own_share = resting if math.isnan(share[number]) else share[number]
        category = spend[number] / own_share if math.isnan(wallet[number]) else wallet[number]
        power = bargaining_power(
            spend[number], large, parameters.bargaining_base, parameters.bargaining_slope, parameters.bargaining_most
        )
        conceded = price_concession(parameters.base_concession, 0.0, power, 0.0, parameters.most_conceded)
        gross = parameters.gross_margin if math.isnan(margin[number]) else margin[number]
        scores[number] = growth_potential(
            category, max(ceiling, own_share), own_share, gross - conceded - parameters.serve_cost,
            parameters.least_room,
        )  # fmt: skip
    return np.round(scores, 9)  # what differs by rounding alone is no order of merit


def _part(of: float, total: float) -> float:
    """Part of a total, NaN where in the last year nobody bought anything any more."""
    return of / total if total > 0 else math.nan


def _column(book: Book, name: str) -> Floats:
    """Column of a book that may not be there, NaN where nothing is told."""
    values: Floats | None = getattr(book, name)
    return np.full(len(book.account_id), np.nan) if values is None else values


def _accounts(book: Book, spend: Floats, panel: Floats, scores: Floats) -> tuple[ProfiledAccount, ...]:
    by_spend, by_enterprise = _places(spend), _places(scores)
    before = panel[:, -8:-4].sum(axis=1) if panel.shape[1] >= 8 else np.zeros(len(spend))
    both = (before > 0) & (spend > 0)
    growth = np.full(len(spend), np.nan)
    growth[both] = spend[both] / before[both] - 1.0
    quarters = np.full(len(spend), -1) if book.quarters is None else (book.quarters.spend[:, -4:] > 0).sum(axis=1)
    tier = np.zeros(len(spend), dtype=np.int64) if book.tier is None else np.minimum(book.tier, len(TIERS) - 1)
    total = float(spend.sum())
    return tuple(
        ProfiledAccount(
            book.account_id[at],
            book.name[at],
            float(spend[at]),
            _part(float(spend[at]), total),
            float(growth[at]),
            int(quarters[at]),
            TIERS[tier[at]],
            book.kam[at] if book.kam else "",
            int(by_spend[at]),
            int(by_enterprise[at]),
        )
        for at in np.argsort(by_spend).tolist()
    )


def _places(scores: Floats) -> Integers:
    """Place of each account, from 1, the highest score first; equal ones in the order of the book."""
    places = np.empty(len(scores), dtype=np.int64)
    places[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return places
