"""Orders netted into what each account spent by quarter, and what became of every line, to the cent."""

import math
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from kamsim.books.dates import EPOCH, first_day_of, last_is_partial, quarter_name
from kamsim.books.history import INCOMPLETE_BELOW, ROUNDING
from kamsim.books.joining import Joined, empty_quarters, first_days, quarter_numbers
from kamsim.books.options import Options
from kamsim.books.orders import Money, Sorting
from kamsim.books.quality import FIRST_LINES, Fate, Quality
from kamsim.books.table import Numbers, count, sums
from kamsim.types import Flags, Floats, Integers

QUARTERS_A_YEAR = 4


class Netted(NamedTuple):
    """What accounts spent by quarter, those among them of whom nothing is left."""

    first: int  # number of the first quarter
    spend: Floats  # (accounts, quarters), >= 0
    kept: Flags  # (accounts,)
    credits: int  # lines below zero
    credited: Decimal


def net_by_quarter(joined: Joined, account: Integers, accounts: int, options: Options, notes: list[str]) -> Netted:
    """Net the orders of each account and quarter, and leave out what tells nothing.

    Parameters
    ----------
    joined : Joined
        All orders; those left out here are marked so.
    account : array of shape (orders,)
        Place of the account that each counts for.
    accounts : int
        How many there are.
    options : Options
        With ``today``, ``ends`` and ``year_starts``.
    notes : list of str
        Sentences are added to it.

    Returns
    -------
    Netted
        Without an incomplete last quarter.
    """
    sorting, money = joined.sorting, joined.money
    quarter = quarter_numbers(joined, options.year_starts)
    some = np.flatnonzero(sorting.open)
    if not len(some):
        return Netted(0, np.zeros((accounts, 1)), np.zeros(accounts, dtype=np.bool_), 0, Decimal(0))
    first = int(quarter[some].min())
    net, gross = _sums(joined, account, accounts, quarter - first, some)
    credits = some[money.values[some] < 0]
    if len(credits):
        notes.append(f"Netted {count(len(credits), 'credit note')} within account and quarter.")
    bought = net.sum(axis=1) > ROUNDING * gross
    _leave_out(sorting, account, ~bought, "of accounts whose spend nets to zero or below")
    _note_accounts(notes, account, some, ~bought, "whose spend nets to zero or below")
    last = _last_complete(joined, quarter, net, first, options, notes)
    complete = net[:, : last - first + 1]
    # Judged on what is left, so that a last quarter left out can take an account's only purchases with it.
    kept = bought & (complete.sum(axis=1) > ROUNDING * gross)
    _leave_out(sorting, account, bought & ~kept, "of accounts with no net spend before the incomplete last quarter")
    _note_accounts(notes, account, some, bought & ~kept, "with no net spend before the incomplete last quarter")
    negative = int((complete[kept] < 0).sum())
    if negative:
        notes.append(
            f"Netted {count(negative, 'account-quarter')} below zero with what the account bought before, else after "
            "it, in the same year where that sufficed."
        )
    credited = total_of(money.of(credits))
    spend = _in_money(without_credit(np.where(kept[:, None], complete, 0), first), money)
    if joined.kind == "year":
        spend = np.repeat(spend[:, ::QUARTERS_A_YEAR] / QUARTERS_A_YEAR, QUARTERS_A_YEAR, axis=1)
        notes.append("The file tells years; each is spread evenly over its four quarters.")
    elif kept.any() and (told := empty_quarters(_orders_by_quarter(joined, quarter - first, spend.shape[1]), first)):
        notes.append(told)
    return Netted(first, spend, kept, len(credits), credited)


def _orders_by_quarter(joined: Joined, quarter: Integers, quarters: int) -> Integers:
    """Count the orders of each quarter, what is given back among them."""
    some = joined.sorting.open & (quarter >= 0) & (quarter < quarters)
    orders: Integers = np.bincount(quarter[some], minlength=quarters).astype(np.int64)
    return orders


def without_credit(net: Numbers, first: int) -> Numbers:
    """Take what a quarter is below zero from what the account bought: before it, else after it, in its year first.

    Parameters
    ----------
    net : array of shape (accounts, quarters)
        Of accounts that bought more in all than they gave back, or nothing.
    first : int
        Number of the first quarter.

    Returns
    -------
    array of shape (accounts, quarters)
        >= 0, with the same sum for each account.
    """
    settled = net.copy()
    year = (first + np.arange(net.shape[1])) // QUARTERS_A_YEAR
    for account in np.flatnonzero((net < 0).any(axis=1)).tolist():
        row = settled[account]
        for within in (True, False):
            for at in np.flatnonzero(row < 0).tolist():
                for other in (*range(at - 1, -1, -1), *range(at + 1, len(row))):
                    if row[other] > 0 > row[at] and (not within or year[other] == year[at]):
                        taken = min(row[other], -row[at])
                        row[other] -= taken
                        row[at] += taken
    clear: Numbers = np.maximum(settled, 0)
    return clear


def _in_money(net: Numbers, money: Money) -> Floats:
    spend: Floats = net / 10.0**money.places if money.units is not None else net.astype(np.float64)
    return spend


def _sums(
    joined: Joined, account: Integers, accounts: int, quarter: Integers, some: Integers
) -> tuple[Numbers, Numbers]:
    """Net amount of each account and quarter, and gross amount of each account; whole numbers where they can be."""
    money = joined.money
    number = money.values if money.units is None else money.units
    quarters = int(quarter[some].max()) + 1
    if joined.kind == "year":
        quarters += QUARTERS_A_YEAR - 1
    key = account[some] * quarters + quarter[some]
    net = sums(key, number[some], accounts * quarters)
    if money.units is None:
        # A net this small beside its gross is what summing cents leaves behind, not spend.
        net[np.abs(net) <= ROUNDING * sums(key, np.abs(number[some]), len(net))] = 0
    by_quarter: Numbers = net.reshape(accounts, quarters)
    gross: Numbers = np.abs(by_quarter).sum(axis=1)
    return by_quarter, gross


def _leave_out(sorting: Sorting, account: Integers, accounts: Flags, why: str) -> None:
    if accounts.any():
        sorting.drop(accounts[account], why)


def _note_accounts(notes: list[str], account: Integers, some: Integers, accounts: Flags, why: str) -> None:
    seen = np.unique(account[some])
    number = int(accounts[seen].sum())
    if number:
        notes.append(f"Left out {count(number, 'account')} {why}.")


# ---------------------------------------------------------------- the last quarter


def _last_complete(
    joined: Joined, quarter: Integers, net: Numbers, first: int, options: Options, notes: list[str]
) -> int:
    """Number of the last quarter that is complete; what is after it is left out, and said."""
    last = first + net.shape[1] - 1
    totals = np.maximum(net, 0).sum(axis=0)
    moved = np.abs(net).sum(axis=0)
    while last > first and moved[last - first] == 0:
        last -= 1
    found, why = _complete_until(joined, quarter, totals, first, last, options)
    if found < last:
        name = quarter_name(last) if found == last - 1 else f"{quarter_name(found + 1)} to {quarter_name(last)}"
        notes.append(f"Left out {name} as incomplete, {why}.")
        dropped = quarter > found
        joined.sorting.drop(dropped, f"in {name}, which is incomplete: {why}")
    joined.sorting.drop(quarter > last, "in quarters that nobody ordered in, after the last order")
    return found


def _complete_until(
    joined: Joined, quarter: Integers, totals: Numbers, first: int, last: int, options: Options
) -> tuple[int, str]:
    """Last complete quarter, and why it is not the last one."""
    starts = options.year_starts
    today = (options.today.toordinal() - EPOCH) if options.today else _today()
    step = QUARTERS_A_YEAR if joined.kind == "year" else 1
    if options.ends is not None:
        ends = options.ends.toordinal() - EPOCH
        found = last
        while found >= first and first_day_of(found + 1, starts) - 1 > ends:
            found -= step
        return found, f"for the files end on {options.ends.isoformat()}"
    if first_day_of(last + 1, starts) - 1 > today and last > first:
        return last - step, "for it is not over"
    if last == first or joined.kind == "year":
        return last, ""
    if any(orders.kind == "quarter" for orders in joined.orders):
        return (
            (last - 1, f"its total being below {INCOMPLETE_BELOW:.0%} of what was due")
            if _is_low(totals[: last - first + 1])
            else (last, "")
        )
    monthly = any(orders.kind == "month" for orders in joined.orders)
    days = first_days(joined, starts)[joined.sorting.open & (quarter <= last)]
    days = np.unique(days)
    if monthly:
        days = (days.astype("datetime64[D]").astype("datetime64[M]") + 1).astype("datetime64[D]").astype(np.int64) - 1
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 12 * 1970
    quarters: Integers = (months - (starts - 1) + (12 if starts > 1 else 0)) // 3
    why = last_is_partial(days, quarters, starts, 31 if monthly else 1)
    return (last - 1, why) if why else (last, "")


def _today() -> int:
    import datetime

    return datetime.date.today().toordinal() - EPOCH


def _is_low(totals: Numbers) -> bool:
    """Compare the last quarter with its year before, else with the mean of the quarters before it."""
    due = totals[-5] if len(totals) >= 5 else totals[:-1].mean()
    return bool(totals[-1] < INCOMPLETE_BELOW * due)


# ---------------------------------------------------------------- what became of every line


def total_of(money: Money) -> Decimal:
    """Sum of amounts, exact where they are whole numbers of a unit."""
    if money.units is not None:
        return _plain(Decimal(int(money.units.sum())).scaleb(-money.places))
    return _plain(Decimal(repr(round(math.fsum(money.values.tolist()), 6))))


def _plain(number: Decimal) -> Decimal:
    """Write a number with two decimals, or as many as it has."""
    return number.quantize(Decimal("0.01")) if number == number.quantize(Decimal("0.01")) else number.normalize()


def quality_of_orders(joined: Joined, netted: Netted | None) -> Quality:
    """Count what became of every line of the files.

    Parameters
    ----------
    joined : Joined
        All orders, with what became of each.
    netted : Netted or None
        What quarters were netted to, where there are any.

    Returns
    -------
    Quality
        Lines and amounts used and left out are those of the files.
    """
    sorting, money = joined.sorting, joined.money
    file = np.repeat(np.arange(len(joined.orders)), np.diff(joined.starts))
    longest = max(len(orders.table) for orders in joined.orders)
    line = file * longest + np.concatenate([orders.record for orders in joined.orders])
    lines, first, inverse = np.unique(line, return_index=True, return_inverse=True)
    used = np.zeros(len(lines), dtype=np.bool_)
    np.logical_or.at(used, inverse, sorting.open)
    fate_of_line = np.where(used, 0, sorting.fate[first])
    fates = []
    for reason, why in enumerate(sorting.reasons):
        mine = np.flatnonzero(sorting.fate == reason)
        of_lines = np.flatnonzero(fate_of_line == reason)
        amount = total_of(money.of(mine))
        if reason == 0:
            fates.append(Fate("used", "in the book", len(of_lines), _plain(amount), ()))
        elif len(mine):
            told = tuple(joined.where(int(order)) for order in mine[:FIRST_LINES])
            # A line with cells of several quarters may be in the book all the same.
            number = count(len(of_lines), "line") if len(of_lines) else count(len(mine), "amount")
            fates.append(Fate("dropped", f"Left out {number} {why}", len(of_lines), amount, told))
    fates += _titles(joined)
    if netted is not None and netted.credits:
        what = f"Netted {count(netted.credits, 'credit note')} within account and quarter"
        negative = np.flatnonzero(sorting.open & (money.values < 0))
        told = tuple(joined.where(int(order)) for order in negative[:FIRST_LINES])
        fates.append(Fate("netted", what, netted.credits, netted.credited, told))
    if joined.merged:
        what = f"Took {count(len(joined.merged), 'pair')} of identifiers for one account each"
        pairs = tuple(f"{one} and {other}" for one, other in joined.merged[:FIRST_LINES])
        fates.append(Fate("merged", what, 0, Decimal(0), pairs))
    whole = [fate for fate in fates if fate.kind in ("used", "dropped")]
    return Quality(sum(fate.lines for fate in whole), sum((fate.amount for fate in whole), Decimal(0)), tuple(fates))


def _titles(joined: Joined) -> list[Fate]:
    """Lines above the headers."""
    found = []
    for orders in joined.orders:
        titles = orders.table.titles
        if titles:
            told = tuple(f"{orders.table.source}, line {line}" for line in titles[:FIRST_LINES])
            what = f"Left out {count(len(titles), 'line')} above the header"
            found.append(Fate("dropped", what, len(titles), Decimal(0), told))
    return found
