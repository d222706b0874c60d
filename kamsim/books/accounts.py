"""The accounts of a book: what is told of each, rolled up to parents where asked, and what one tells of another."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kamsim.books.account_book import Book
from kamsim.books.amounts import MAX_AMOUNT
from kamsim.books.attributes import Told, known_numbers, numbers_of, rolled_up, texts_of, tiers_of, told_of
from kamsim.books.columns import ATTRIBUTES, NUMBERS
from kamsim.books.history import ROUNDING, Quarters
from kamsim.books.joining import Joined
from kamsim.books.options import Options
from kamsim.books.table import count, distinct
from kamsim.books.tables import Read
from kamsim.errors import KamsimError, on_one_line, shown
from kamsim.types import Flags, Floats, Integers

WALLET_TOLERANCE = 0.05


class Accounts(NamedTuple):
    """Accounts of a book in order of first appearance, and what is told of each."""

    accounts: tuple[str, ...]
    account: Integers  # (orders,) place of the account that each order counts for
    names: tuple[str, ...]
    tier: Integers | None
    kam: tuple[str, ...]
    numbers: dict[str, Floats]  # wallet, share, fit, trust, margin: NaN where unknown
    told: dict[str, list[Told]]

    def of(self, kept: Integers) -> "Accounts":
        """Those that are kept; ``account`` stays as it is."""
        return self._replace(
            accounts=tuple(self.accounts[place] for place in kept),
            names=tuple(self.names[place] for place in kept),
            tier=None if self.tier is None else self.tier[kept],
            kam=tuple(self.kam[place] for place in kept) if any(self.kam) else (),
            numbers={role: values[kept] for role, values in self.numbers.items()},
        )

    def refuse(self, role: str, bad: Flags, kept: Sequence[str], why: str) -> None:
        """Refuse the first account whose number cannot be right."""
        if not bad.any():
            return
        names = {name: place for place, name in enumerate(kept)}
        for told in self.told.get(role, ()):
            for place, record in sorted(
                zip(told.places.tolist(), told.records.tolist(), strict=True), key=lambda one: one[1]
            ):
                at = names.get(told.accounts[place], -1)
                if at >= 0 and bad[at]:
                    told.read.table.fail(record, f"{told.column.name} {shown(told.column.of(record))} {why}.")
        raise KamsimError(f"{role} of {shown(kept[int(np.argmax(bad))])} {why}")


def tell_of_accounts(
    joined: Joined, reads: Sequence[Read], with_orders: Sequence[Read], options: Options, notes: list[str]
) -> Accounts:
    """Gather what all files tell of the accounts that have orders.

    Parameters
    ----------
    joined : Joined
        Orders of all files.
    reads, with_orders : sequence of Read
        All tables, and those with orders among them.
    options : Options
        With ``level``, ``tiers`` and ``known``.
    notes : list of str
        Sentences are added to it.

    Returns
    -------
    Accounts
        By account, or by parent.
    """
    if options.level not in ("", "account", "parent"):
        raise KamsimError(f"`level={options.level}`: accounts are told by account or by parent")
    told: dict[str, list[Told]] = {role: [] for role in (*ATTRIBUTES, *NUMBERS)}
    places = {text: place for place, text in enumerate(joined.accounts)}
    for read in reads:
        at = next((at for at, one in enumerate(with_orders) if one is read), None)
        accounts, records = _accounts_of(joined, read, at, places)
        for role, found_so_far in told.items():
            one = told_of(read, role, accounts, records, joined.accounts)
            if one is not None:
                found_so_far.append(one)
                if one.conflicts:
                    notes.append(f"Took the last {role} of {count(one.conflicts, 'account')} that have several.")
    size = len(joined.accounts)
    names = [name or text for name, text in zip(texts_of(told["name"], size), joined.accounts, strict=True)]
    numbers = {role: numbers_of(told[role], size, role, options) for role in NUMBERS}
    tier, kam = tiers_of(told["tier"], size, options, notes), texts_of(told["kam"], size)
    found = Accounts(joined.accounts, joined.account, tuple(names), tier, tuple(kam), numbers, told)
    parents = texts_of(told["parent"], size)
    if options.level == "parent":
        found = _by_parent(found, parents, joined, notes)
    elif any(parents):
        number = count(len(set(filter(None, parents))), "parent")
        notes.append(f"A column tells parents ({number}); `level=parent` rolls accounts up to them.")
    for role, value in known_numbers(options.known).items():
        values = found.numbers[role]
        found.numbers[role] = np.where(np.isnan(values), value, values)
    return found


def _accounts_of(joined: Joined, read: Read, at: int | None, places: dict[str, int]) -> tuple[Integers, Integers]:
    """Place of the account of each record that tells of one, and these records."""
    if at is not None:
        part = slice(int(joined.starts[at]), int(joined.starts[at + 1]))
        records, first = np.unique(joined.orders[at].record[joined.sorting.open[part]], return_index=True)
        return joined.account[part][joined.sorting.open[part]][first], records
    column = read.table.columns[read.layout.roles["account"]]
    texts = distinct(column, np.arange(len(read.table)))
    by_code: Integers = np.full(len(column.values), -1, dtype=np.int64)
    by_code[texts.places] = [places.get(text, -1) for text in texts.values.to_pylist()]
    accounts = by_code[column.codes]
    records = np.flatnonzero(accounts >= 0)
    return accounts[records], records


def _by_parent(found: Accounts, parents: Sequence[str], joined: Joined, notes: list[str]) -> Accounts:
    """Roll accounts up to their parents; one without a parent is its own."""
    if not any(parents):
        raise KamsimError(f"{joined.source}: no column tells parents; say which one does, as `columns=parent=NAME`")
    numbers: dict[str, int] = {}
    tops = [parent or text for parent, text in zip(parents, found.accounts, strict=True)]
    names = dict(zip(found.accounts, found.names, strict=True))
    place = np.array([numbers.setdefault(top, len(numbers)) for top in tops], dtype=np.int64)
    size = len(numbers)
    values = {}
    for role, told in found.numbers.items():
        values[role], differ = rolled_up(told, place, size)
        if differ:
            notes.append(f"The {role} of {count(differ, 'parent')} is unknown, for its accounts differ.")
    tier: Integers | None = None
    if found.tier is not None:
        tier = np.zeros(size, dtype=np.int64)
        np.maximum.at(tier, place, found.tier)
    kam = [""] * size
    for at, name in zip(place.tolist(), found.kam, strict=True):
        kam[at] = kam[at] or name
    notes.append(f"Rolled {count(len(set(found.accounts)), 'account')} up to {count(size, 'parent')}.")
    return Accounts(
        tuple(numbers),
        place[found.account],
        tuple(names.get(top, top) for top in numbers),
        tier,
        tuple(kam),
        values,
        {},
    )


# ---------------------------------------------------------------- books


def annual_book(source: str, spend: Floats, told: Accounts, notes: list[str], currency: str, year_starts: int) -> Book:
    """Make a book that states each account's level, and perhaps its wallet, share, fit and trust.

    Parameters
    ----------
    source : str
        Name of the file.
    spend : array of shape (accounts,)
        Above zero, currency a year.
    told : Accounts
        What is known of each.
    notes : list of str
        Sentences on what was done.
    currency : str
        Its code.
    year_starts : int
        Month that years start in.

    Returns
    -------
    Book
        Without a history.
    """
    wallet, share = told.numbers["wallet"], told.numbers["share"]
    low = wallet < spend * (1 - ROUNDING)
    told.refuse("wallet", low, told.accounts, "is below annual_spend; a wallet is all category spend, ours included")
    off = np.abs(share * wallet / spend - 1) > WALLET_TOLERANCE
    why = "times wallet is more than 5 % off annual_spend; correct one of the three or leave it empty"
    told.refuse("share", off, told.accounts, why)
    why = f"makes a category spend (wallet) beyond {MAX_AMOUNT:g}; correct the share"
    told.refuse("share", spend > MAX_AMOUNT * share, told.accounts, why)
    numbers = told.numbers
    numbers["wallet"], numbers["share"] = _derived(spend, numbers["wallet"], numbers["share"], notes)
    return _book(source, spend, told, notes, (currency, year_starts), None)


def history_book(
    source: str, quarters: Quarters, told: Accounts, notes: list[str], currency: str, year_starts: int
) -> Book:
    """Make a book of what accounts spent by quarter; parameters as of `annual_book`, ``quarters`` for ``spend``."""
    last_year = quarters.spend[:, -4:]
    if last_year.shape[1] < 4:
        notes.append(f"Scaled {count(last_year.shape[1], 'quarter')} of spend up to a year, for there is no full year.")
    annual: Floats = last_year.sum(axis=1) * (4.0 / last_year.shape[1])
    low = told.numbers["wallet"] < annual * (1 - ROUNDING)
    if low.any():
        notes.append(
            f"Raised the category spend (wallet) of {count(int(low.sum()), 'account')} to what they spend here."
        )
        told.numbers["wallet"] = np.where(low, annual, told.numbers["wallet"])
        told.numbers["share"] = np.where(low, np.nan, told.numbers["share"])
    return _book(source, annual, told, notes, (currency, year_starts), quarters)


def _book(
    source: str,
    annual: Floats,
    told: Accounts,
    notes: list[str],
    money: tuple[str, int],
    quarters: Quarters | None,
) -> Book:
    currency, year_starts = money
    margin = told.numbers["margin"]
    return Book(
        source=source,
        account_id=told.accounts,
        name=told.names,
        annual_spend=annual,
        wallet=told.numbers["wallet"].copy(),
        share=told.numbers["share"].copy(),
        fit=told.numbers["fit"].copy(),
        trust=told.numbers["trust"].copy(),
        notes=tuple(map(on_one_line, notes)),
        quarters=quarters,
        currency=currency,
        year_starts=year_starts,
        tier=told.tier,
        kam=told.kam,
        margin=None if np.isnan(margin).all() else margin,
    )


def _derived(annual: Floats, wallet: Floats, share: Floats, notes: list[str]) -> tuple[Floats, Floats]:
    """Derive wallet from share, or share from wallet, where one of them is missing."""
    by_share = np.isnan(wallet) & ~np.isnan(share)
    by_wallet = np.isnan(share) & ~np.isnan(wallet)
    wallet, share = (
        np.where(by_share, annual / share, wallet),
        np.where(by_wallet, np.minimum(annual / wallet, 1.0), share),
    )
    for derived, what, others in (
        (by_share, "category spend (wallet)", "spend and share"),
        (by_wallet, "share", "spend and category spend (wallet)"),
    ):
        if derived.any():
            notes.append(f"Derived the {what} of {count(int(derived.sum()), 'account')} from {others}.")
    return wallet, share
