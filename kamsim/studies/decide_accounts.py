"""The accounts that policies mean: whom each makes key, keeps or lets go, on what readings, and how sure that is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.experiments.workbook import MONEY, PERCENT, Column, Sheet, write_workbook
from kamsim.studies.decide_cases import Cases
from kamsim.studies.decide_data import Drawn, spend_of, told_by
from kamsim.text import csv_text
from kamsim.types import Flags, Floats, Integers

CSV, XLSX = "accounts.csv", "accounts.xlsx"
LISTS = (CSV, XLSX)
LISTED_FROM = 0.05  # part of the cases in which any policy makes an account key
Move = Literal["elevate", "keep", "demote", ""]
MOST_LETTERS_OF_A_SHEET = 31
HUNDREDTHS = "0.00"
TIER_NAMES = ("", "key", "strategic")


class Reading(NamedTuple):
    """What is known of an account, or drawn: the median over cases, and between which 80 % of them lie."""

    value: float
    low: float
    high: float
    told: bool  # by the book, and not drawn


@dataclass(frozen=True)
class Account:
    """An account and what policies make of it; money in that of the book.

    Parameters
    ----------
    account_id, name, kam : str
        As the book has them; the manager of today, empty for none.
    today : int or None
        Place in today's program, 0 for none; None where the book tells no program.
    spend : float
        With us in the last year.
    share, potential, fit, trust, cost, rate : Reading
        Share of wallet, money a year that it spends with others and could spend with us, strategic fit, trust
        (health), cost to serve as a part of list price, and money a year that it buys for by now.
    chosen : dict of str to float
        Under each policy, part of the cases in which it is key at launch.
    top : dict of str to float
        In which it is in the highest of several tiers.
    later : dict of str to float
        Part of cases and futures in which it is key after three years.
    moves : dict of str to str
        Under each policy ``elevate``, ``keep``, ``demote`` or nothing: its list are those most often key at launch.
    """

    account_id: str
    name: str
    kam: str
    today: int | None
    spend: float
    share: Reading
    potential: Reading
    fit: Reading
    trust: Reading
    cost: Reading
    rate: Reading
    chosen: Mapping[str, float]
    top: Mapping[str, float]
    later: Mapping[str, float]
    moves: Mapping[str, Move]


def accounts_of(book: Book, policies: Sequence[str], cases: Cases, places: Sequence[int]) -> tuple[Account, ...]:
    """Accounts that any policy makes key in some of the cases, or that are key today; the largest first.

    ``places`` are the key accounts of each policy at launch.
    """
    today = book.tier if book.tier is not None and book.tier.any() else None
    spend = spend_of(book)
    lists = [chosen_most(chances, count, spend) for chances, count in zip(cases.key, places, strict=True)]
    moves = [_moves(listed, today) for listed in lists]
    is_shown = (cases.key >= LISTED_FROM).any(axis=0) | np.any(lists, axis=0)
    if today is not None:
        is_shown |= today > 0
    told = told_by(book)
    shown = [place for place in np.argsort(-spend, kind="stable") if is_shown[place]]
    return tuple(
        Account(
            book.account_id[place],
            book.name[place],
            book.kam[place] if book.kam else "",
            None if today is None else int(today[place]),
            float(spend[place]),
            **_readings(cases, told, int(place)),
            chosen=_by_policy(policies, cases.key, int(place)),
            top=_by_policy(policies, cases.top, int(place)),
            later=_by_policy(policies, cases.later, int(place)),
            moves={name: moves[row][place] for row, name in enumerate(policies)},
        )
        for place in shown
    )


def chosen_most(chances: Floats, places: int, spend: Floats) -> Flags:
    """The accounts most often key, as many as there are places: larger ones first where chances are equal."""
    listed = np.zeros(len(chances), dtype=np.bool_)
    order = np.lexsort((-spend, -chances))[:places]
    listed[order[chances[order] > 0.0]] = True
    return listed


def _moves(listed: Flags, today: Integers | None) -> list[Move]:
    if today is None:
        return ["elevate" if there else "" for there in listed]
    moves: dict[tuple[bool, bool], Move] = {(True, False): "elevate", (True, True): "keep", (False, True): "demote"}
    return [moves.get((bool(there), bool(now > 0)), "") for there, now in zip(listed, today, strict=True)]


def _readings(cases: Cases, told: Mapping[str, Flags], place: int) -> dict[str, Reading]:
    found = dict[str, Reading]()
    for row, name in enumerate(Drawn._fields):
        value, low, high = cases.readings[:, row, place].tolist()
        found[name] = Reading(value, low, high, bool(told[name][place]))
    return found


def _by_policy(policies: Sequence[str], values: Floats, place: int) -> dict[str, float]:
    return {name: float(values[row, place]) for row, name in enumerate(policies)}


# ---------------------------------------------------------------- what is kept


def write_lists(folder: Path, accounts: Sequence[Account], policies: Sequence[str], money: str) -> None:
    """Write the accounts as CSV and as a workbook: a sheet of all of them, and one of each list that differs."""
    columns = _columns(policies, money, bool(accounts) and accounts[0].today is not None)
    rows = [[value(account) for _, value in columns] for account in accounts]
    text = csv_text([[column.heading for column, _ in columns], *rows])
    (folder / CSV).write_text(text, encoding="utf-8", newline="\n")
    sheets = [Sheet("All programs", tuple(column for column, _ in columns), rows)]
    for names, listed in _lists(accounts, policies):
        own = _columns(names[:1], money, accounts[0].today is not None)
        cells = [[value(account) for _, value in own] for account in listed]
        sheets.append(Sheet(f"{len(sheets)} {names[0]}"[:MOST_LETTERS_OF_A_SHEET], tuple(one for one, _ in own), cells))
    write_workbook(folder / XLSX, sheets)


def _lists(accounts: Sequence[Account], policies: Sequence[str]) -> Iterator[tuple[list[str], list[Account]]]:
    """Lists of accounts, each with the policies that have it alike: elevated and kept ones first, the surest first."""
    alike: dict[tuple[Move, ...], list[str]] = {}
    for policy in policies:
        alike.setdefault(tuple(account.moves[policy] for account in accounts), []).append(policy)
    for moves, names in alike.items():
        listed = [account for account, move in zip(accounts, moves, strict=True) if move]
        if listed:
            yield names, sorted(listed, key=lambda one: (one.moves[names[0]] == "demote", -one.chosen[names[0]]))


Cell = Callable[[Account], object]


def _columns(policies: Sequence[str], money: str, knows_today: bool) -> list[tuple[Column, Cell]]:
    """Columns of a list of accounts, and what stands in them."""
    found: list[tuple[Column, Cell]] = [
        (Column("account_id"), lambda one: one.account_id),
        (Column("name"), lambda one: one.name),
    ]
    if knows_today:
        found += [(Column("today"), tier_name), (Column("manager"), lambda one: one.kam)]
    found.append((Column(f"spend in the last year, {money}", MONEY), lambda one: round(one.spend, 2)))
    for name, heading, shown in (
        ("rate", f"buys a year by now, {money}", MONEY),
        ("share", "share of wallet", PERCENT),
        ("potential", f"potential a year, {money}", MONEY),
        ("fit", "strategic fit, 0 to 1", HUNDREDTHS),
        ("trust", "health (trust), 0 to 1", HUNDREDTHS),
        ("cost", "cost to serve", PERCENT),
    ):
        found += [
            (Column(heading, shown), partial(_value, name)),
            (Column(f"{heading}: told or drawn"), partial(_told, name)),
        ]
    for policy in policies:
        found += [
            (Column(policy), partial(_under, policy, "moves")),
            (Column(f"{policy}: key at launch", PERCENT), partial(_under, policy, "chosen")),
            (Column(f"{policy}: key after three years", PERCENT), partial(_under, policy, "later")),
        ]
    return found


def _value(name: str, account: Account) -> float:
    reading: Reading = getattr(account, name)
    return float(f"{reading.value:.6g}")


def _under(policy: str, what: str, account: Account) -> object:
    found: Mapping[str, object] = getattr(account, what)
    return found[policy]


def _told(name: str, account: Account) -> str:
    reading: Reading = getattr(account, name)
    return "told" if reading.told else "drawn"


def tier_name(account: Account) -> str:
    """Name of the place of an account in today's program; empty for none, or where nobody tells."""
    return TIER_NAMES[min(account.today or 0, len(TIER_NAMES) - 1)]
