"""A real account book: what a world needs to know about each account, and what it spent.

Three forms of CSV are read (`kamsim.books.table`). A history gives level, growth and volatility; what a book cannot
tell stays NaN, and the world draws it. Nothing is dropped, netted or assumed without a sentence in `Book.notes`.
"""

import os
from dataclasses import dataclass

import numpy as np

from kamsim.books.estimate import estimate_growth, estimate_level, estimate_volatility
from kamsim.books.history import ROUNDING, Quarters, YearlySpend, by_year, read_history
from kamsim.books.table import (
    MAX_AMOUNT,
    Table,
    count,
    decimal_mark,
    read_accounts,
    read_names,
    read_numbers,
    read_table,
    refuse,
)
from kamsim.errors import KamsimError, on_one_line, shown
from kamsim.source import makes_results
from kamsim.types import Floats, Integers

WALLET_TOLERANCE = 0.05


@dataclass(frozen=True, eq=False, repr=False)
class Book:
    """An account book as the simulation needs it: one entry per account, in order of first appearance.

    Parameters
    ----------
    source : str
        The file name as given.
    account_id, name : tuple of str
        Ids as written; `name` is the id where the file names nobody.
    annual_spend : array
        Level: what the account is expected to spend with us, currency a year, always positive.
    growth : array
        Log growth a year, NaN where unknown.
    volatility : array
        Standard deviation of log quarterly spend around trend and season, NaN where unknown.
    wallet : array
        What the account spends with everyone, currency a year, NaN where unknown.
    share : array
        Our share of the wallet, in (0, 1], NaN where unknown.
    fit, trust : array
        In [0, 1], NaN where unknown.
    notes : tuple of str
        One sentence for each thing dropped, netted or assumed, with its count.
    quarters : Quarters, optional
        What each account spent, if the book holds a history.
    currency : str
        Code of the currency, empty where the file does not tell.
    year_starts : int
        Month that the year of the book starts in: quarters are counted from it, and named by the year they end in.
    tier : array of int, optional
        Place of each account in today's program: 0 none, 1 key, 2 strategic.
    kam : tuple of str, optional
        Who manages each account today, empty for nobody.
    margin : array, optional
        Gross margin of each account, part of list price, NaN where unknown.
    """

    source: str
    account_id: tuple[str, ...]
    name: tuple[str, ...]
    annual_spend: Floats
    growth: Floats
    volatility: Floats
    wallet: Floats
    share: Floats
    fit: Floats
    trust: Floats
    notes: tuple[str, ...]
    quarters: Quarters | None = None
    currency: str = ""
    year_starts: int = 1
    tier: Integers | None = None
    kam: tuple[str, ...] = ()
    margin: Floats | None = None

    def __repr__(self) -> str:
        return f"Book({self.source!r}, {count(len(self.account_id), 'account')})"


@makes_results
def read_book(path: str | os.PathLike[str]) -> Book:
    """Read an account book and estimate level, growth and volatility where it holds a history.

    Parameters
    ----------
    path : str or path
        A CSV file with `account_id, quarter, spend`, or `account_id, date, amount`, or one row per account with
        `account_id, annual_spend` and optionally `wallet, share, fit, trust, name`.

    Returns
    -------
    Book
        The accounts kept, and a note for each thing done on the way.

    Raises
    ------
    KamsimError
        Where the file cannot be read as a book: one sentence naming the file, the line and the way out.
    """
    table = read_table(path)
    return _wide_book(table) if table.form == "wide" else _history_book(table)


def yearly_spend(book: Book) -> YearlySpend:
    """Annual spend of the accounts of a book with a history.

    Parameters
    ----------
    book : Book
        From `read_book`.

    Returns
    -------
    YearlySpend
        As `kamsim.books.history.by_year` counts years.

    Raises
    ------
    KamsimError
        Where the book has no history, or one of under two years.
    """
    if book.quarters is None:
        raise KamsimError(f"{book.source}: one row per account has no history; give a book by quarters or invoices.")
    return by_year(book.source, book.quarters.spend, book.quarters.first)


def _history_book(table: Table) -> Book:
    """Estimate each account from its quarters."""
    history = read_history(table)
    first, spend = history.quarters
    positive = spend > 0
    annual = estimate_level(spend, positive, table.notes)
    volatility = estimate_volatility(spend, positive, first, table.notes)
    growth = estimate_growth(spend, positive, table.notes)
    unknown = np.full(len(spend), np.nan)
    return Book(
        source=table.source,
        account_id=history.accounts,
        name=history.names,
        annual_spend=annual,
        growth=growth,
        volatility=volatility,
        wallet=unknown,
        share=unknown.copy(),
        fit=unknown.copy(),
        trust=unknown.copy(),
        notes=tuple(map(on_one_line, table.notes)),
        quarters=history.quarters,
    )


def _wide_book(table: Table) -> Book:
    """Take a book that states each account's level, and perhaps its wallet, share, fit and trust."""
    accounts, codes = read_accounts(table)
    _refuse_repeated_accounts(table, accounts, codes)
    columns = [name for name in ("wallet", "share", "fit", "trust") if table.has(name)]
    mark = decimal_mark(table, ["annual_spend", *columns])
    spend = read_numbers(table, "annual_spend", mark)
    refuse(table, "annual_spend", spend <= 0, "is not above zero; leave the account out or correct it")
    given = dict.fromkeys(("wallet", "share", "fit", "trust"), np.full(len(spend), np.nan))
    for column in columns:
        given[column] = read_numbers(table, column, mark, optional=True)
    for column in ("fit", "trust"):
        outside = (given[column] < 0) | (given[column] > 1)
        refuse(table, column, outside, "is outside 0 to 1; give a fraction like 0.45")
    wallet, share = _settle_wallets(table, spend, given["wallet"], given["share"])
    table.notes.append("Growth and volatility are unknown in a book without history, and will be drawn.")
    return Book(
        source=table.source,
        account_id=tuple(accounts),
        name=tuple(read_names(table, accounts, codes)),
        annual_spend=spend,
        growth=np.full(len(spend), np.nan),
        volatility=np.full(len(spend), np.nan),
        wallet=wallet,
        share=share,
        fit=given["fit"].copy(),
        trust=given["trust"].copy(),
        notes=tuple(map(on_one_line, table.notes)),
    )


def _refuse_repeated_accounts(table: Table, accounts: list[str], codes: Integers) -> None:
    if len(accounts) == len(codes):
        return
    seen: dict[int, int] = {}
    for record, code in enumerate(codes.tolist()):
        if code in seen:
            first = table.lines[seen[code]]
            table.fail(
                record, f"account {shown(accounts[code])} is already on line {first}; keep one row for each account"
            )
        seen[code] = record


def _settle_wallets(table: Table, spend: Floats, wallet: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Check wallet and share against spend, and derive the one that is missing from the other."""
    refuse(table, "share", (share <= 0) | (share > 1), "is outside (0, 1]; give a fraction like 0.45")
    refuse(
        table,
        "wallet",
        wallet < spend * (1 - ROUNDING),
        "is below annual_spend; a wallet is all category spend, ours included",
    )
    off = np.abs(share * wallet / spend - 1) > WALLET_TOLERANCE
    refuse(
        table,
        "share",
        off,
        "times wallet is more than 5 % off annual_spend; correct one of the three or leave it empty",
    )
    by_share = np.isnan(wallet) & ~np.isnan(share)
    by_wallet = np.isnan(share) & ~np.isnan(wallet)
    refuse(
        table,
        "share",
        spend > MAX_AMOUNT * share,
        f"makes a category spend (wallet) beyond {MAX_AMOUNT:g}; correct the share",
    )
    wallet, share = (
        np.where(by_share, spend / share, wallet),
        np.where(by_wallet, np.minimum(spend / wallet, 1.0), share),
    )
    if by_share.any():
        table.notes.append(
            f"Derived the category spend (wallet) of {count(int(by_share.sum()), 'account')} from spend and share."
        )
    if by_wallet.any():
        table.notes.append(
            f"Derived the share of {count(int(by_wallet.sum()), 'account')} from spend and category spend (wallet)."
        )
    return wallet, share
