"""Orders of several files as those of one book: accounts, currencies and periods settled across them."""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, NoReturn

import numpy as np

from kamsim.books import identifiers
from kamsim.books.amounts import SEVERAL
from kamsim.books.dates import EPOCH, Kind, Periods, first_day_of, quarter_name, quarters_of
from kamsim.books.history import MAX_QUARTERS
from kamsim.books.options import Options
from kamsim.books.orders import UNTOLD, Money, Orders, Sorting
from kamsim.books.table import count, distinct
from kamsim.errors import KamsimError, nearest, shown
from kamsim.types import Integers


class Joined(NamedTuple):
    """Orders of all files, one after the other."""

    orders: tuple[Orders, ...]
    starts: Integers  # (files + 1,) first order of each file
    accounts: tuple[str, ...]  # in order of first appearance
    account: Integers  # (orders,) place among them
    kind: Kind | None
    period: Integers  # (orders,)
    money: Money
    currencies: tuple[str, ...]
    currency: Integers  # (orders,) place among them
    sorting: Sorting
    merged: tuple[tuple[str, str], ...] = ()  # identifiers taken for one account

    @property
    def source(self) -> str:
        """Name of the first file with orders."""
        return self.orders[0].table.source

    @property
    def amount_name(self) -> str:
        """Name of the column of amounts."""
        layout = self.orders[0].layout
        column = (
            layout.periods[0].column if layout.periods else layout.roles.get("amount", layout.roles.get("annual_spend"))
        )
        return layout.header[column or 0]

    def place(self, order: int) -> tuple[Orders, int]:
        """File of an order, and its record there."""
        file = int(np.searchsorted(self.starts, order, side="right")) - 1
        return self.orders[file], int(self.orders[file].record[order - int(self.starts[file])])

    def where(self, order: int) -> str:
        """Name the file and the line of an order."""
        orders, record = self.place(order)
        return orders.table.where(record)

    def fail(self, order: int, what: str) -> NoReturn:
        """Refuse the book for one of its orders."""
        orders, record = self.place(order)
        orders.table.fail(record, what)

    def shown_amount(self, order: int) -> str:
        """Amount of an order as the file writes it."""
        orders, record = self.place(order)
        role = "amount" if "amount" in orders.layout.roles else "annual_spend"
        if orders.layout.periods:
            return f"{self.money.values[order]:g}"
        return shown(orders.table.columns[orders.layout.roles[role]].of(record))


def join(parts: Sequence[Orders]) -> Joined:
    """Put the orders of several tables one after the other.

    Parameters
    ----------
    parts : sequence of Orders
        In the order of their files.

    Returns
    -------
    Joined
        Accounts with the same identifier are one.
    """
    kinds = {part.kind for part in parts}
    if len(kinds) > 1 and (None in kinds or "year" in kinds):
        raise KamsimError(
            f"{parts[-1].table.source}: tells {parts[-1].kind or 'a year'}s, and {parts[0].table.source} "
            f"{parts[0].kind or 'a year'}s; import them apart"
        )
    numbers: dict[str, int] = {}
    account = []
    for part in parts:
        used = distinct(part.account, np.arange(len(part.record)))
        places: Integers = np.zeros(len(part.account.values), dtype=np.int64)
        places[used.places] = [numbers.setdefault(text, len(numbers)) for text in used.values.to_pylist()]
        account.append(places[part.account.codes])
    names: dict[str, int] = {}
    currency = [
        np.array([names.setdefault(name, len(names)) for name in part.currencies], dtype=np.int64)[part.currency]
        for part in parts
    ]
    sorting = Sorting(sum(len(part.record) for part in parts))
    at = 0
    for part in parts:
        shift = len(sorting.reasons) - 1
        sorting.reasons += part.sorting.reasons[1:]
        fate = part.sorting.fate
        sorting.fate[at : at + len(fate)] = np.where(fate > 0, fate + shift, 0)
        at += len(fate)
    return Joined(
        tuple(parts),
        np.cumsum([0, *(len(part.record) for part in parts)]),
        tuple(numbers),
        np.concatenate(account),
        _kind_of(parts),
        np.concatenate([part.period for part in parts]),
        _money_of_all([part.money for part in parts]),
        tuple(names),
        np.concatenate(currency),
        sorting,
    )


def _kind_of(parts: Sequence[Orders]) -> Kind | None:
    kinds = [part.kind for part in parts]
    return kinds[0] if len(set(kinds)) == 1 else "quarter"


def _money_of_all(parts: Sequence[Money]) -> Money:
    values = np.concatenate([part.values for part in parts])
    places = max(part.places for part in parts)
    holds = float(np.abs(values).sum()) * 10.0**places < 9e18
    if not holds or any(part.units is None for part in parts):
        return Money(None, places, values)
    units = [part.units * 10 ** (places - part.places) for part in parts if part.units is not None]
    return Money(np.concatenate(units), places, values)


# ---------------------------------------------------------------- currencies


def settle_currency(joined: Joined, options: Options) -> tuple[Joined, str]:
    """Settle the one currency of the book; several are left out, converted, or a question.

    Parameters
    ----------
    joined : Joined
        Orders of all files.
    options : Options
        With ``currency`` and ``rates``.

    Returns
    -------
    Joined
        Orders in one currency.
    str
        Its code; empty where nothing tells it.
    """
    used = np.unique(joined.currency[joined.sorting.open])
    names = [joined.currencies[place] for place in used.tolist()]
    told = [name for name in names if name]
    wanted = options.currency.upper()
    if options.rates:
        return _converted(joined, told, wanted, options), wanted
    shared = [name for name in told if name in SEVERAL]
    if len(told) > 1 and not wanted:
        at = int(np.flatnonzero(joined.sorting.open & (joined.currency == joined.currencies.index(told[1])))[0])
        joined.fail(
            at,
            f"amounts are in {' and '.join(sorted(told))}; say `currency={told[0]}` to leave the others out, or give "
            "`rates=FILE`, a table of what each is worth.",
        )
    if wanted and told and wanted not in told and not (len(told) == 1 and shared):
        raise KamsimError(
            f"{joined.source}: no amount is in {wanted}, but in {' and '.join(sorted(told))}; say "
            f"`currency={told[0]}`, or give `rates=FILE`, a table of what each is worth"
        )
    if len(told) > 1:
        keep = joined.currencies.index(wanted)
        blank = [place for place, name in enumerate(joined.currencies) if not name]
        others = ~np.isin(joined.currency, [keep, *blank])
        left = [name for name in told if name != wanted]
        joined.sorting.drop(others, f"in {' and '.join(left)}, not in {wanted}")
    code = wanted or (told[0] if told else "")
    return joined, "" if code in SEVERAL else code


def _converted(joined: Joined, told: Sequence[str], wanted: str, options: Options) -> Joined:
    """Turn all amounts into one currency, each rounded to the unit that the file has, half to even."""
    if not wanted:
        raise KamsimError(
            "`rates` says what currencies are worth; say in which one the book is to be, as `currency=EUR`"
        )
    rates = {code.upper(): rate for code, rate in options.rates.items()} | {wanted: Decimal(1)}
    for code in told:
        if code not in rates:
            raise KamsimError(
                f"{joined.source}: amounts are in {code}, and the rates have none for it; {nearest(code, rates)}"
            )
    money, places = joined.money, max(joined.money.places, 2)
    units: Integers = np.zeros(len(money.values), dtype=np.int64)
    for place, code in enumerate(joined.currencies):
        mine = np.flatnonzero(joined.currency == place)
        rate = rates.get(code, Decimal(1))
        if money.units is None:
            units[mine] = np.rint(money.values[mine] * float(rate) * 10.0**places).astype(np.int64)
            continue
        factor = rate * 10 ** (places - money.places)
        units[mine] = [int((Decimal(unit) * factor).to_integral_value()) for unit in money.units[mine].tolist()]
    return joined._replace(money=Money(units, places, units / 10.0**places))


# ---------------------------------------------------------------- accounts and lines


def settle_identifiers(joined: Joined, options: Options) -> Joined:
    """Ask about identifiers that look alike, or take them for one account where the user says so."""
    if options.merge_ids is False:
        return joined
    used = np.unique(joined.account[joined.sorting.open])
    texts = [joined.accounts[place] for place in used.tolist()]
    places, pairs = identifiers.alike(texts)
    if not pairs:
        return joined
    if options.merge_ids is None:
        second = used[np.flatnonzero(places != np.arange(len(places)))[0]]
        at = int(np.flatnonzero(joined.sorting.open & (joined.account == second))[0])
        joined.fail(at, f"{identifiers.question(pairs)}.")
    target: Integers = np.arange(len(joined.accounts))
    target[used] = used[places]
    return joined._replace(account=target[joined.account], merged=tuple(pairs))


def refuse_overlaps(joined: Joined, options: Options) -> None:
    """Ask about orders that two files hold: the same line for line, or of one account and period."""
    if len(joined.orders) < 2 or options.overlaps == "both":
        return
    some = np.flatnonzero(joined.sorting.open)
    file = np.searchsorted(joined.starts, some, side="right") - 1
    number = joined.money.values[some]
    _, amount = np.unique(number, return_inverse=True)
    _, period = np.unique(joined.period[some], return_inverse=True)
    key = joined.account[some] * (int(period.max(initial=0)) + 1) + period
    if joined.kind not in ("quarter", "year", "month", None):
        _, key = np.unique(key, return_inverse=True)
        key = key * (int(amount.max(initial=0)) + 1) + amount
    _, inverse = np.unique(key, return_inverse=True)
    first = np.full(int(inverse.max(initial=-1)) + 1, len(joined.orders), dtype=np.int64)
    np.minimum.at(first, inverse, file)
    again = file > first[inverse]
    if not again.any():
        return
    if options.overlaps == "once":
        flags = np.zeros(len(joined.account), dtype=np.bool_)
        flags[some[again]] = True
        joined.sorting.drop(flags, "also in an earlier file")
        return
    at = int(some[np.argmax(again)])
    earlier = int(some[np.flatnonzero((inverse == inverse[np.argmax(again)]) & ~again)[0]])
    joined.fail(
        at,
        f"{count(int(again.sum()), 'order')} of this file, as this one, are in an earlier file too "
        f"({joined.where(earlier)}); say `overlaps=once` to count them once, or `overlaps=both` if they are others.",
    )


def refuse_repeated_accounts(joined: Joined, some: Integers) -> None:
    """Refuse two lines for one account, where a line is a year's spend of an account."""
    _, first, inverse = np.unique(joined.account[some], return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(some)))
    if len(again):
        order, earlier = int(some[again[0]]), int(some[first[inverse[again[0]]]])
        name = joined.accounts[int(joined.account[order])]
        line = joined.where(earlier).rpartition("line ")[2]
        joined.fail(order, f"account {shown(name)} is already on line {line}; keep one row for each account.")


def quarter_numbers(joined: Joined, starts: int) -> Integers:
    """Number the quarter of each order; of a year, its first. `UNTOLD` stays."""
    numbers: Integers = np.full(len(joined.period), UNTOLD, dtype=np.int64)
    for at, orders in enumerate(joined.orders):
        part = slice(int(joined.starts[at]), int(joined.starts[at + 1]))
        told = joined.period[part] != UNTOLD
        if orders.kind == "year":
            found = joined.period[part][told] * 4
        else:
            assert orders.kind is not None
            found = quarters_of(Periods(orders.kind, joined.period[part][told], orders.fiscal), starts)
        numbers[part] = np.where(told, 0, UNTOLD)
        numbers[np.flatnonzero(told) + part.start] = found
    return numbers


def refuse_long_span(joined: Joined, starts: int) -> None:
    """Refuse a book of over fifty years, which is a mistyped year."""
    some = np.flatnonzero(joined.sorting.open)
    quarters = quarter_numbers(joined, starts)[some]
    if not len(some):
        return
    first, last = int(quarters.min()), int(quarters.max())
    if last - first >= MAX_QUARTERS:
        # The mistyped year is the one far from the middle of the file.
        at = int(some[np.argmax(np.abs(quarters - float(np.median(quarters))))])
        joined.fail(
            at,
            f"the book runs from {quarter_name(first)} to {quarter_name(last)}, over fifty years; correct the year.",
        )


def settle_future(joined: Joined, options: Options) -> None:
    """Leave out what is dated after today: plans, or mistyped years."""
    today = (options.today or datetime.date.today()).toordinal() - EPOCH
    starts = first_days(joined, options.year_starts)
    day = (options.today or datetime.date.today()).isoformat()
    joined.sorting.drop((starts > today) & (starts != UNTOLD), f"dated after today, {day}")


def first_days(joined: Joined, year_starts: int) -> Integers:
    """First day of the period of each order, in days since 1970, or `UNTOLD`."""
    days: Integers = joined.period.copy()
    for at, orders in enumerate(joined.orders):
        part = slice(int(joined.starts[at]), int(joined.starts[at + 1]))
        if orders.kind == "day" or orders.kind is None:
            continue
        periods, inverse = np.unique(joined.period[part], return_inverse=True)
        found = [_first_day(orders.kind, int(period), year_starts) for period in periods]
        days[part] = np.array(found, dtype=np.int64)[inverse]
    return days


def _first_day(kind: Kind, period: int, year_starts: int) -> int:
    if period == UNTOLD:
        return UNTOLD
    if kind == "month":
        return datetime.date(period // 12, period % 12 + 1, 1).toordinal() - EPOCH
    return first_day_of(period if kind == "quarter" else 4 * period, year_starts)


def settle_repeated_quarters(joined: Joined, notes: list[str]) -> None:
    """Refuse a row that is there twice; let different rows for one account and quarter add up."""
    for at, orders in enumerate(joined.orders):
        some = np.flatnonzero(joined.sorting.open[int(joined.starts[at]) : int(joined.starts[at + 1])])
        start = int(joined.starts[at])
        _, key = np.unique(orders.period[some], return_inverse=True)
        key = joined.account[some + start] * (int(key.max(initial=0)) + 1) + key
        _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        repeated = some[counts[inverse] > 1]
        if not len(repeated):
            continue
        _refuse_same_rows(joined, orders, repeated, start)
        cells = int((counts > 1).sum())
        notes.append(f"Summed {count(len(repeated), 'row')} that share {count(cells, 'account-quarter')}.")


def _refuse_same_rows(joined: Joined, orders: Orders, repeated: Integers, start: int) -> None:
    """Refuse a row that says the same as another one: two products may earn the same, if a column tells them apart."""
    skipped = {orders.layout.roles.get(role) for role in ("account", "quarter", "year", "amount")}
    skipped |= {period.column for period in orders.layout.periods}
    key = joined.account[repeated + start]
    parts = [orders.period[repeated], orders.money.values[repeated]]
    parts += [
        column.codes[orders.record[repeated]] for at, column in enumerate(orders.table.columns) if at not in skipped
    ]
    for part in parts:
        _, code = np.unique(part, return_inverse=True)
        _, key = np.unique(key * (int(code.max(initial=0)) + 1) + code, return_inverse=True)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(repeated)))
    if len(again):
        order, earlier = int(repeated[again[0]]), int(repeated[first[inverse[again[0]]]])
        line = int(orders.table.lines[orders.record[earlier]])
        orders.table.fail(int(orders.record[order]), f"duplicate row, the same as line {line}; remove one of them.")


def note_identical(joined: Joined, notes: list[str]) -> None:
    """Say how many rows are the same as another one in all columns."""
    copies = 0
    for at, orders in enumerate(joined.orders):
        if orders.layout.periods:
            continue
        start = int(joined.starts[at])
        records = orders.record[joined.sorting.open[start : int(joined.starts[at + 1])]]
        key: Integers = np.zeros(len(records), dtype=np.int64)
        kinds = 1
        for column in orders.table.columns:
            if kinds * len(column.values) > 2**62:
                _, key = np.unique(key, return_inverse=True)
                kinds = int(key.max(initial=0)) + 1
            key = key * len(column.values) + column.codes[records]
            kinds *= len(column.values)
        copies += len(records) - len(np.unique(key))
    if copies:
        notes.append(f"Summed {count(copies, 'row')} identical to an earlier one, taken for separate invoices.")


def empty_quarters(orders: Integers, first: int) -> str:
    """Name the quarters that nobody ordered in; empty for none."""
    none = [quarter_name(first + at) for at in np.flatnonzero(orders == 0).tolist()]
    more = f" and {len(none) - 4} more" if len(none) > 4 else ""
    return f"Nobody ordered in {', '.join(none[:4])}{more}; see that no file is missing." if none else ""
