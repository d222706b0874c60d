"""What is known of the accounts of a world before anything is drawn: of a real book what it tells, else nothing."""

import hashlib
import math
from typing import NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.books.history import Quarters
from kamsim.books.laws import Laws, States, laws_given, states_of
from kamsim.rules.spend import share_ceiling, share_target
from kamsim.scenario import Scenario
from kamsim.source import makes_results
from kamsim.types import Floats, Integers, Numbers
from kamsim.world.carried import carried_book
from kamsim.world.parameters import parameters_of

LEAST_LOG_WALLET = -690.0  # what shrinks below is no nearer to nothing: wallets are divided by, and have logarithms


class KnownAccounts(NamedTuple):
    """What is known of each account before anything is drawn; NaN where nothing is. Money in median wallets."""

    annual_spend: Floats
    wallet: Floats
    share: Floats
    fit: Floats
    trust: Floats
    margin: Floats  # on list price, before what the account costs to serve
    # Of a real book with a history, which is that of the run; without rows of any other.
    paid: Floats  # (quarters of the history, accounts), NaN where the book does not tell
    rate: Floats  # (draws, accounts), what each may spend in a year at the end of the book, if it is still a customer
    pace: Floats  # (draws, accounts), of its orders against what the law gives an account of that rate
    rest: Floats  # (accounts,), share of wallet against that at which each will rest: new accounts are on their way
    alive: Floats  # (accounts,), chance that it is still a customer at the end of the book
    arrives: Integers  # (accounts,), quarter of the run in which it first bought; 0 for who bought before
    tier: Integers  # (accounts,), in the program of today
    manager: Integers  # (accounts,), who serves it there, by number; counts for key accounts
    season_from: int  # quarter of the year that the run begins in, from 0


def nothing_known(accounts: int) -> KnownAccounts:
    """A synthetic book: everything is drawn.

    Parameters
    ----------
    accounts : int
        Number of accounts.

    Returns
    -------
    KnownAccounts
        NaN, and no history.
    """
    unknown = np.full(accounts, np.nan)
    return KnownAccounts(
        *(unknown,) * 6,
        paid=np.empty((0, accounts)),
        rate=np.empty((0, accounts)),
        pace=np.empty((0, accounts)),
        rest=np.ones(accounts),
        alive=np.ones(accounts),
        arrives=np.zeros(accounts, dtype=np.int64),
        tier=np.zeros(accounts, dtype=np.int64),
        manager=np.zeros(accounts, dtype=np.int64),
        season_from=0,
    )


def known_from(book: Book, parameters: Numbers, history_years: int = 2) -> tuple[KnownAccounts, float]:
    """What a real book tells, in median wallets, and how much money a median wallet is.

    Parameters
    ----------
    book : Book
        From `read_book`.
    parameters : record
        World section of the scenario.
    history_years : int
        Years of the run before the launch: of a book with a history its last ones.

    Returns
    -------
    KnownAccounts, float
        And the currency value of one median annual wallet.

    Notes
    -----
    Where neither wallet nor share is known, the median wallet is taken from the share that an account of average fit
    and trust rests at. A book with a history is that of the run: it starts where the book ends.
    """
    if book.quarters is not None:
        return _with_history(book, book.quarters, parameters, history_years)
    ceiling = share_ceiling(0.5, parameters.ceiling_base, parameters.ceiling_fit)
    resting = share_target(ceiling, parameters.trust_mean, 0.0, parameters.share_base, parameters.share_trust, 0.0)
    share = np.where(np.isnan(book.share), resting, book.share)
    wallet = np.where(np.isnan(book.wallet), book.annual_spend / share, book.wallet)
    unit = float(np.median(wallet))
    least, (tier, manager) = math.exp(LEAST_LOG_WALLET), _program_of(book)
    known = nothing_known(len(share))._replace(
        annual_spend=np.maximum(book.annual_spend / unit, least),
        wallet=np.maximum(book.wallet / unit, least),
        share=np.maximum(book.share, least),
        fit=book.fit,
        trust=book.trust,
        margin=_margin_of(book),
        tier=tier,
        manager=manager,
    )
    return known, unit


def _with_history(
    book: Book, quarters: Quarters, parameters: Numbers, history_years: int
) -> tuple[KnownAccounts, float]:
    """What a book with a history tells: its last years are those of the run, and each account's state is drawn."""
    states, unit = _states(quarters, parameters)
    accounts, told = quarters.spend.shape
    count = 4 * history_years
    paid = np.full((count, accounts), np.nan)
    paid[max(0, count - told) :] = quarters.spend.T[max(0, told - count) :] / unit
    # Whoever bought in the very first quarter of a book may have been there before.
    first_bought = np.argmax(quarters.spend > 0, axis=1)
    least, (tier, manager) = math.exp(LEAST_LOG_WALLET), _program_of(book)
    known = nothing_known(accounts)._replace(
        annual_spend=np.maximum(states.rate.mean(axis=0), least),
        wallet=np.maximum(book.wallet / unit, least),
        share=np.maximum(book.share, least),
        fit=book.fit,
        trust=book.trust,
        margin=_margin_of(book),
        paid=paid,
        rate=np.maximum(states.rate, least),
        pace=states.pace,
        rest=states.rest,
        alive=states.alive,
        arrives=np.where(first_bought > 0, np.maximum(0, first_bought + count - told), 0),
        season_from=(quarters.first + told - count) % 4,
        tier=tier,
        manager=manager,
    )
    return known, unit


def _margin_of(book: Book) -> Floats:
    return np.full(len(book.account_id), np.nan) if book.margin is None else book.margin


def _program_of(book: Book) -> tuple[Integers, Integers]:
    """Today's program: who is key, and who manages whom; without names of managers one account after the other."""
    tier = np.zeros(len(book.account_id), dtype=np.int64) if book.tier is None else book.tier
    if any(book.kam):
        return tier, np.unique(book.kam, return_inverse=True)[1]
    return tier, np.maximum(0, np.cumsum(tier > 0) - 1)


_RECENT: dict[tuple[object, ...], tuple[States, float]] = {}
MOST_RECENT = 8  # books whose states are kept at hand, for many jobs ask for the same


def _states(quarters: Quarters, parameters: Numbers) -> tuple[States, float]:
    """States of accounts at the end of a book, in median wallets, and what one is; once for the same book and laws.

    A book is read by its laws alone: what else is uncertain, such as share of wallet, leaves its accounts as they are.
    """
    read = parameters_of(Scenario())
    for name in Laws._fields:
        setattr(read, name, getattr(parameters, name))
    key = hashlib.sha256(np.ascontiguousarray(quarters.spend).tobytes()).digest(), quarters.first, read.tobytes()
    if key not in _RECENT:
        if len(_RECENT) >= MOST_RECENT:
            _RECENT.pop(next(iter(_RECENT)))
        laws = laws_given(quarters, read)
        states = States(*map(_rounded, states_of(quarters, laws, read)))
        _RECENT[key] = states, laws.unit
    return _RECENT[key]


def _rounded(values: Floats) -> Floats:
    """To ten digits: the filter's last bits hang on who compiles it, and no world is to hang on that."""
    digits = 10.0 ** (9 - np.floor(np.log10(np.maximum(np.abs(values), 1e-280))))
    rounded: Floats = np.round(values * digits) / digits
    return rounded


@makes_results
def known_of(scenario: Scenario, book: Book | None = None) -> tuple[KnownAccounts, float]:
    """What is known of the accounts that a scenario plays with, and how much money a median wallet is.

    Parameters
    ----------
    scenario : Scenario
        Its world section, and its book if it carries one.
    book : Book, optional
        A real account book instead of these accounts.

    Returns
    -------
    KnownAccounts, float
        From `nothing_known` or `known_from`.
    """
    book = carried_book(scenario, book)
    if book is None:
        return nothing_known(scenario.world.accounts), float(scenario.world.median_wallet)
    return known_from(book, parameters_of(scenario), scenario.timeline.history_years)
