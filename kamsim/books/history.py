"""The history of an account book: what each account spent, by quarter and by year."""

from typing import NamedTuple

import numpy as np

from kamsim.books.table import (
    FORMS,
    Table,
    count,
    decimal_mark,
    read_accounts,
    read_dates,
    read_names,
    read_numbers,
    read_quarters,
)
from kamsim.errors import KamsimError
from kamsim.types import Flags, Floats, Integers

MAX_QUARTERS = 200  # fifty years: a longer span is a mistyped year
ROUNDING = 1e-9  # a net this small beside its gross is what summing cents leaves behind, not spend
INCOMPLETE_BELOW = 0.60


class Quarters(NamedTuple):
    """What each account of a book spent, quarter by quarter."""

    first: int  # number of the first quarter: four a year, counted from year 0
    spend: Floats  # (accounts, quarters), >= 0, without gaps


class History(NamedTuple):
    """The history of a book: the accounts that have one, and what they spent."""

    accounts: tuple[str, ...]
    names: tuple[str, ...]
    quarters: Quarters


class YearlySpend(NamedTuple):
    """Annual spend of the accounts of a book."""

    source: str
    spend: Floats  # (accounts, years)
    every_quarter: Flags  # (accounts, years): bought in all four quarters


def read_history(table: Table) -> History:
    """Net the rows of a book into accounts by quarters, and leave out what tells nothing.

    Parameters
    ----------
    table : Table
        With a row per quarter or invoice; what is netted or left out is noted there.

    Returns
    -------
    History
        Of the accounts with spend above zero, in order of first appearance.

    Raises
    ------
    KamsimError
        Where a row cannot be right, or no account is left.
    """
    accounts, codes = read_accounts(table)
    names = read_names(table, accounts, codes)
    column = "spend" if table.form == "quarterly" else "amount"
    amounts = read_numbers(table, column, decimal_mark(table, [column]))
    quarters = read_quarters(table) if table.form == "quarterly" else read_dates(table)
    first = int(quarters.min())
    _refuse_long_span(table, quarters)
    if table.form == "quarterly":
        _settle_repeated_quarters(table, codes, quarters, amounts)
    else:
        _note_identical_invoices(table)
    net = _net_by_quarter(table, codes, quarters - first, amounts)
    spend, kept = _drop_what_tells_nothing(table, net, first)
    return History(tuple(accounts[code] for code in kept), tuple(names[code] for code in kept), Quarters(first, spend))


def _refuse_long_span(table: Table, quarters: Integers) -> None:
    first, last = int(quarters.min()), int(quarters.max())
    if last - first >= MAX_QUARTERS:
        # The mistyped year is the one far from the middle of the file.
        middle = float(np.median(quarters))
        record = int(np.argmax(np.abs(quarters - middle)))
        table.fail(
            record,
            f"the book runs from {_quarter_name(first)} to {_quarter_name(last)}, over fifty years; correct the year",
        )


def _settle_repeated_quarters(table: Table, codes: Integers, quarters: Integers, amounts: Floats) -> None:
    """Refuse a row that is there twice; let different rows for one account and quarter add up."""
    key = codes * (int(quarters.max()) + 1) + quarters
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(counts[inverse] > 1)
    others = [at for at, name in enumerate(table.header) if name not in FORMS["quarterly"]]
    seen: dict[tuple[object, ...], int] = {}
    for record in repeated.tolist():
        # Two products may well earn the same in a quarter: a row is a duplicate only if no column tells it apart.
        rest = tuple(table.rows[record][at] for at in others)
        row = (int(key[record]), float(amounts[record]), rest)
        if row in seen:
            table.fail(record, f"duplicate row, the same as line {table.lines[seen[row]]}; remove one of them")
        seen[row] = record
    if len(repeated):
        cells = int((counts > 1).sum())
        table.notes.append(f"Summed {count(len(repeated), 'row')} that share {count(cells, 'account-quarter')}.")


def _note_identical_invoices(table: Table) -> None:
    copies = len(table.rows) - len(set(table.rows))
    if copies:
        table.notes.append(f"Summed {count(copies, 'row')} identical to an earlier one, taken for separate invoices.")


def _net_by_quarter(table: Table, codes: Integers, quarters: Integers, amounts: Floats) -> Floats:
    """Net the amounts of each account and quarter; accounts by quarters, still with its negative cells."""
    shape = int(codes.max()) + 1, int(quarters.max()) + 1
    key = codes * shape[1] + quarters
    cells = shape[0] * shape[1]
    net = np.bincount(key, weights=amounts, minlength=cells).astype(np.float64)
    gross = np.bincount(key, weights=np.abs(amounts), minlength=cells)
    net[np.abs(net) <= ROUNDING * gross] = 0.0
    credits = int((amounts < 0).sum())
    if credits:
        table.notes.append(f"Netted {count(credits, 'credit note')} within account and quarter.")
    return net.reshape(shape)


def _drop_what_tells_nothing(table: Table, net: Floats, first: int) -> tuple[Floats, list[int]]:
    """Leave out an incomplete last quarter and accounts that bought nothing; floor quarters at zero."""
    notes = table.notes
    size = np.abs(net).sum(axis=1)
    bought = net.sum(axis=1) > ROUNDING * size
    _note_left_out(notes, int((~bought).sum()), "whose spend nets to zero or below")
    complete = net[:, :-1] if _last_is_incomplete(np.maximum(net, 0.0).sum(axis=0)) else net
    if complete.shape != net.shape:
        name = _quarter_name(first + net.shape[1] - 1)
        notes.append(f"Left out {name} as incomplete, its total being below {INCOMPLETE_BELOW:.0%} of what was due.")
    # Judged on what is left, so that a last quarter left out can take an account's only purchases with it.
    kept = bought & (complete.sum(axis=1) > ROUNDING * size)
    _note_left_out(notes, int((bought & ~kept).sum()), "with no net spend before the incomplete last quarter")
    if not kept.any():
        raise KamsimError(
            f"{table.source}: no account has spend above zero; check the sign and the column of the amounts."
        )
    negative = int((complete[kept] < 0).sum())
    if negative:
        notes.append(f"Counted {count(negative, 'account-quarter')} that net to below zero as zero spend.")
    return np.maximum(complete[kept], 0.0), np.flatnonzero(kept).tolist()


def _note_left_out(notes: list[str], number: int, why: str) -> None:
    if number:
        notes.append(f"Left out {count(number, 'account')} {why}.")


def _last_is_incomplete(totals: Floats) -> bool:
    """Compare the last quarter with its year before, else with the mean of the quarters before it."""
    if len(totals) < 2:
        return False
    due = totals[-5] if len(totals) >= 5 else totals[:-1].mean()
    return bool(totals[-1] < INCOMPLETE_BELOW * due)


def _quarter_name(quarter: int) -> str:
    return f"{quarter // 4}Q{quarter % 4 + 1}"


def whole_years(spend: Floats, first_quarter: int) -> Floats:
    """Leave out quarters that make no whole year.

    Parameters
    ----------
    spend : array of shape (accounts, quarters)
        Without gaps between quarters.
    first_quarter : int
        Number of the first one: four a year, counted from year 0.

    Returns
    -------
    array of shape (accounts, 4 * years)
        The years that have all four quarters; where there is no more than one of them, years counted back from the
        last quarter.
    """
    start = -first_quarter % 4
    if (spend.shape[1] - start) // 4 < 2:
        start = spend.shape[1] % 4
    years = (spend.shape[1] - start) // 4
    return spend[:, start : start + 4 * years]


def by_year(source: str, spend: Floats, first_quarter: int) -> YearlySpend:
    """Sum quarters to years.

    Parameters
    ----------
    source : str
        Name of the book.
    spend : array of shape (accounts, quarters)
        >= 0, without gaps between quarters.
    first_quarter : int
        Number of the first one: four a year, counted from year 0.

    Returns
    -------
    YearlySpend
        Of the years of `whole_years`.

    Raises
    ------
    KamsimError
        Where there are under two years.
    """
    panel = whole_years(spend, first_quarter)
    years = panel.shape[1] // 4
    if years < 2:
        raise KamsimError(f"{source}: {spend.shape[1]} quarters are under two years; give a longer history.")
    cells = panel.reshape(len(panel), years, 4)
    every_quarter: Flags = np.all(cells > 0, axis=2)
    return YearlySpend(source, cells.sum(axis=2), every_quarter)
