"""The orders of one table, each with its account, amount, period and currency, and what became of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from kamsim.books import lines as no_orders
from kamsim.books.amounts import Amounts, currency_named, read_amounts, readable
from kamsim.books.columns import PERIODS, Layout
from kamsim.books.dates import TIME, Kind, month_of, quarter_of, read_periods, year_of
from kamsim.books.options import Options
from kamsim.books.table import Column, Distinct, Fail, Numbers, Table, count, distinct, sums
from kamsim.errors import shown
from kamsim.types import Flags, Floats, Integers

if TYPE_CHECKING:
    pass

MOST_PLACES_LEFT_OUT = 4
UNTOLD = -(2**62)  # number of a period that a line does not tell


class Sorting:
    """What became of each order: nothing yet, or the reason why it is no order."""

    def __init__(self, orders: int) -> None:
        self.fate: Integers = np.zeros(orders, dtype=np.int64)
        self.reasons: list[str] = [""]

    @property
    def open(self) -> Flags:
        """Orders that nothing speaks against."""
        flags: Flags = self.fate == 0
        return flags

    def drop(self, orders: Flags, why: str) -> int:
        """Leave out those of some orders that are still open, and say why; how many these are."""
        dropped = orders & self.open
        number = int(dropped.sum())
        if number:
            self.reasons.append(why)
            self.fate[dropped] = len(self.reasons) - 1
        return number


class Money(NamedTuple):
    """Amounts of orders: whole numbers of 10**-places, or floats where these do not suffice."""

    units: Integers | None
    places: int
    values: Floats

    def of(self, orders: Flags | Integers) -> "Money":
        """Amounts of some orders."""
        return Money(None if self.units is None else self.units[orders], self.places, self.values[orders])


class Orders(NamedTuple):
    """Orders of a table: a record of it each, or a filled cell of a wide one."""

    table: Table
    layout: Layout
    record: Integers  # (orders,) place in the table
    account: Column  # of the orders
    kind: Kind | None  # None where a year's spend is told of no year
    period: Integers  # (orders,) number of the day, month, quarter or year, or `UNTOLD`
    fiscal: bool
    money: Money
    currencies: tuple[str, ...]
    currency: Integers  # (orders,) place among them
    sorting: Sorting
    settled: tuple[str, str]  # the order of day and month, and the decimal mark; empty where nothing shows them


def read_orders(table: Table, layout: Layout, options: Options) -> Orders:
    """Read the orders of a table, and sort out what is none.

    Parameters
    ----------
    table : Table
        As read.
    layout : Layout
        What its columns mean.
    options : Options
        What the user says.

    Returns
    -------
    Orders
        All that the table holds, the lines that are no orders among them.

    Raises
    ------
    KamsimError
        Where a line cannot be read, or can be read in two ways.
    """
    sorting = Sorting(len(table))
    for left in (no_orders.repeated_headers(table, layout), no_orders.footers(table, layout)):
        sorting.drop(left.records, left.why)
    no_orders.refuse_misshapen(table, sorting.open)
    totals = no_orders.named_totals(table, layout, sorting.open)
    role = period_role(layout)
    if role is not None:
        undated = totals & table.columns[layout.roles[role]].blank()
        sorting.drop(undated, "called a total, without a date")
    for left in no_orders.lost_deals(table, layout, sorting.open & ~totals, options):
        sorting.drop(left.records, left.why)
    blanks = no_orders.settle_blanks(table, layout, sorting.open & ~totals, options)
    if options.fill_down:
        left = no_orders.headings(table, layout, sorting.open)
        sorting.drop(left.records, left.why)
    account = table.columns[layout.roles["account"]]._replace(codes=blanks.codes)
    unsure = totals | blanks.dropped
    orders = (_wide_orders if layout.periods else _long_orders)(table, layout, account, sorting, unsure, options)
    sort_out_totals(orders, totals[orders.record], blanks.dropped[orders.record], options.totals)
    orders.sorting.drop(blanks.dropped[orders.record], "without a customer")
    return orders


def period_role(layout: Layout) -> str | None:
    """Role of the column that tells when, in a long table."""
    if layout.periods or "amount" not in layout.roles:
        return None
    return next((role for role in PERIODS if role in layout.roles), None)


# ---------------------------------------------------------------- a record an order


def _long_orders(
    table: Table, layout: Layout, account: Column, sorting: Sorting, unsure: Flags, options: Options
) -> Orders:
    record = np.arange(len(table))
    amount = table.columns[layout.roles["amount" if "amount" in layout.roles else "annual_spend"]]
    if options.skip_empty:
        sorting.drop(amount.blank() & ~unsure, "without an amount")
    money, told, mark = _money_of(table, amount, record, sorting.open & ~unsure, options)
    empty = np.flatnonzero(sorting.open & ~unsure & np.isnan(money.values))
    if len(empty):
        text = amount.of(int(empty[0]))
        table.fail(
            int(empty[0]),
            f"{amount.name} {shown(text) + ' is no amount' if text else 'is empty'}; give a number, or say "
            "`skip_empty=True` to leave such lines out.",
        )
    kind, period, fiscal, order = _periods_of(table, layout, sorting, unsure, options)
    currencies, currency = _currencies_of(table, layout, record, told, amount)
    return Orders(
        table,
        layout,
        record,
        account,
        kind,
        period,
        fiscal,
        _nothing_where_untold(money),
        currencies,
        currency,
        sorting,
        (order, mark),
    )


def _nothing_where_untold(money: Money) -> Money:
    """Count what is not told as nothing, for sums of what is left out."""
    return money._replace(values=np.nan_to_num(money.values, nan=0.0))


def _money_of(
    table: Table, column: Column, record: Integers, strict: Flags, options: Options
) -> tuple[Money, tuple[str, ...], str]:
    """Read amounts: those of orders by one convention, the others where that can be.

    Also the currency that each distinct text of the column tells, and the decimal mark where a text has one.
    """
    texts = distinct(column, np.flatnonzero(strict))
    read = read_amounts(
        texts.values,
        _failing(table, record[texts.first]),
        column=column.name,
        decimal=options.decimal,
        typed=column.typed,
    )
    _tell_odd(table, column, texts, read, record)
    other = distinct(column, np.flatnonzero(~strict))
    unseen = np.flatnonzero(~np.isin(other.places, texts.places))
    other = Distinct(other.values.take(unseen), other.places[unseen], other.first[unseen])
    fits = np.flatnonzero(readable(other.values, read.mark))
    rest = read_amounts(
        other.values.take(fits), _failing(table, record[other.first[fits]]), column=column.name, decimal=read.mark
    )
    parts = [(texts.places, read), (other.places[fits], rest)]
    places = read.places if read.units is not None else 0
    # What is left out may have more places than orders have, as a total that a program computed.
    whole = read.units is not None
    if whole and places < rest.places <= MOST_PLACES_LEFT_OUT:
        places = rest.places
    units: Integers = np.zeros(len(column.values), dtype=np.int64)
    values = np.full(len(column.values), np.nan)
    told = [""] * len(column.values)
    for at, amounts in parts:
        values[at] = amounts.values
        if whole:
            units[at] = _rescaled(amounts, places)
        for place, currency in zip(at.tolist(), amounts.currency, strict=True) if any(amounts.currency) else ():
            told[place] = currency
    money = Money(units[column.codes] if whole else None, places, values[column.codes])
    if whole and not _holds(money.values, places):
        money = money._replace(units=None)
    return money, tuple(told), read.mark if read.marked else ""


def _tell_odd(table: Table, column: Column, texts: Distinct, read: Amounts, record: Integers) -> None:
    """Refuse an amount that was cut off with its file; say which others are written unlike the rest."""
    last = len(table) - 1
    for at in np.flatnonzero(read.odd).tolist():
        if table.is_cut and int(record[texts.first[at]]) == last:
            table.fail(
                last,
                f"{column.name} {shown(texts.values[at].as_py())} has other decimals than all others, and the line has "
                "no end: the file was cut off; export it anew, or end the line if it is whole.",
            )
    if read.odd.any() and read.zeros:
        first = int(record[texts.first[np.argmax(read.odd)]])
        table.notes.append(
            f"Read {count(int(read.odd.sum()), 'amount')} written with other decimals than all others, first on line "
            f"{int(table.lines[first])}; see that it is right."
        )


def _holds(values: Floats, places: int) -> bool:
    return float(np.nansum(np.abs(values))) * 10.0**places < 9e18


def _rescaled(amounts: Amounts, places: int) -> Integers:
    """Amounts as whole numbers of another unit."""
    if amounts.units is not None and amounts.places <= places:
        units: Integers = np.where(np.isnan(amounts.values), 0, amounts.units) * 10 ** (places - amounts.places)
        return units
    rounded: Integers = np.rint(np.nan_to_num(amounts.values) * 10.0**places).astype(np.int64)
    return rounded


def _failing(table: Table, records: Integers) -> Fail:
    """Refuse the record that a distinct text is first on."""

    def fail(at: int, what: str) -> NoReturn:
        table.fail(int(records[at]), what)

    return fail


def _periods_of(
    table: Table, layout: Layout, sorting: Sorting, unsure: Flags, options: Options
) -> tuple[Kind | None, Integers, bool, str]:
    """Read when each order was; what is no order may leave it untold."""
    role = period_role(layout)
    untold: Integers = np.full(len(table), UNTOLD, dtype=np.int64)
    if role is None:
        return None, untold, False, ""
    column = _joined(table, layout, role)
    if options.skip_empty:
        sorting.drop(column.blank() & ~unsure, "without a date")
    strict = np.flatnonzero(sorting.open & ~unsure)
    texts = distinct(column, strict)
    prefer: Kind = "day" if role == "date" else role  # type: ignore[assignment]
    periods = read_periods(
        texts.values.to_pylist(), _failing(table, texts.first), column=column.name, order=options.dates, prefer=prefer
    )
    numbers: Integers = np.full(len(column.values), UNTOLD, dtype=np.int64)
    numbers[texts.places] = periods.numbers
    return periods.kind, numbers[column.codes], periods.fiscal, periods.order


def _joined(table: Table, layout: Layout, role: str) -> Column:
    """Column that tells when: without the time of day, and with the year where that stands in a column of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.columns[layout.roles[role]]
    if role == "date":
        coded = pc.replace_substring_regex(column.values, TIME, "").dictionary_encode()
        places: Integers = coded.indices.to_numpy().astype(np.int64)
        return column._replace(codes=places[column.codes], values=coded.dictionary)
    if role == "year" or "year" not in layout.roles:
        return column
    if any(month_of(text) is not None or quarter_of(text) is not None for _, text in column.texts_used()):
        return column
    years = table.columns[layout.roles["year"]]
    key = years.codes * len(column.values) + column.codes
    pairs, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    texts = [_with_year(role, years.of(int(at)), column.of(int(at))) for at in first]
    assert len(texts) == len(pairs)
    return column._replace(codes=inverse.astype(np.int64), values=pa.array(texts, pa.string()))


def _with_year(role: str, year: str, part: str) -> str:
    """Write a month or quarter with the year beside it, as ``2023Q1`` or ``2023-01``."""
    if not year or not part or year_of(year) is None:
        return f"{year} {part}".strip()
    if part.strip("Qq0. ").isdigit():
        number = int(part.strip("Qq. "))
        return f"{year_of(year)}Q{number}" if role == "quarter" else f"{year_of(year)}-{number:02d}"
    return f"{part} {year_of(year)}"


def _currencies_of(
    table: Table, layout: Layout, record: Integers, told: Sequence[str], amount: Column
) -> tuple[tuple[str, ...], Integers]:
    """Find the currency of each order, by its own column or by what stands beside the amounts or in their header."""
    names: dict[str, int] = {}
    by_text = np.array([names.setdefault(name, len(names)) for name in told], dtype=np.int64)[amount.codes]
    if "currency" not in layout.roles:
        if set(names) == {""}:
            in_header = {currency_named(word) for word in amount.name.replace("(", " ").replace(")", " ").split()}
            codes = [code for code in in_header if code and len(code) == 3 and code.lower() in amount.name]
            return ((codes[0],) if len(codes) == 1 else ("",)), np.zeros(len(record), dtype=np.int64)
        return tuple(names), by_text
    column = table.columns[layout.roles["currency"]]
    spelled = [currency_named(text) or text.upper() for text in column.texts()]
    by_column = np.array([names.setdefault(name, len(names)) for name in spelled], dtype=np.int64)[column.codes][record]
    blank = names.get("", -1)
    shared = [place for name, place in names.items() if len(name) != 3 and name]
    differ = (by_text != by_column) & (by_text != blank) & (by_column != blank) & ~np.isin(by_text, shared)
    if differ.any():
        at = int(np.argmax(differ))
        table.fail(
            int(record[at]),
            f"{amount.name} is in {list(names)[by_text[at]]} and {column.name} says "
            f"{shown(column.of(int(record[at])))}; correct one of them.",
        )
    return tuple(names), np.where(by_column == blank, by_text, by_column)


# ---------------------------------------------------------------- periods as columns


def _wide_orders(
    table: Table, layout: Layout, account: Column, sorting: Sorting, unsure: Flags, options: Options
) -> Orders:
    cells = [table.columns[period.column] for period in layout.periods]
    column = _side_by_side(cells)
    record = np.repeat(np.arange(len(table)), len(cells))
    blank = column.blank()
    filled = ~blank
    # A line without any amount is told of all the same.
    none = ~np.logical_or.reduceat(filled, np.arange(0, len(filled), len(cells)))
    kept = np.flatnonzero(filled | (none[record] & (np.arange(len(filled)) % len(cells) == 0)))
    column, record = column._replace(codes=column.codes[kept]), record[kept]
    sorting.fate = sorting.fate[record]
    sorting.drop(column.blank() & ~unsure[record], "without any amount")
    named = [table.columns[period.column].name for period in layout.periods]
    strict = sorting.open & ~unsure[record]
    money, told, mark = _money_of(table, column._replace(name=named[0]), record, strict, options)
    numbers = np.array([period.number for period in layout.periods], dtype=np.int64)
    currencies, currency = _currencies_of(table, layout, record, told, column._replace(name=named[0]))
    return Orders(
        table,
        layout,
        record,
        account._replace(codes=account.codes[record]),
        layout.periods[0].kind,
        numbers[kept % len(cells)],
        named[0].startswith(("fy", "gj")),
        _nothing_where_untold(money),
        currencies,
        currency,
        sorting,
        ("", mark),
    )


def _side_by_side(cells: Sequence[Column]) -> Column:
    """Columns as one, record by record."""
    import pyarrow as pa

    starts = np.cumsum([0, *(len(cell.values) for cell in cells[:-1])])
    codes = np.stack([cell.codes + start for cell, start in zip(cells, starts, strict=True)], axis=1).ravel()
    coded = pa.concat_arrays([cell.values for cell in cells]).dictionary_encode()
    places: Integers = coded.indices.to_numpy().astype(np.int64)
    return Column(cells[0].name, places[codes], coded.dictionary, any(cell.typed for cell in cells))


# ---------------------------------------------------------------- totals, by the sum that they bear


def sort_out_totals(orders: Orders, named: Flags, blank: Flags, choice: str) -> None:
    """Leave out totals: what is called one and bears the sum, and what bears the sum of all others in every period."""
    sorting, money = orders.sorting, orders.money
    number = money.values if money.units is None else money.units
    named = named & sorting.open
    if named.any() and choice != "keep":
        _drop_named_totals(orders, np.flatnonzero(named), blank, number, choice)
    if choice != "keep":
        _drop_unnamed_totals(orders, named | blank, number, choice)


def _drop_named_totals(orders: Orders, named: Integers, blank: Flags, number: Numbers, choice: str) -> None:
    """Leave out what is called a total, where it is the sum of other lines; else ask."""
    sorting, table = orders.sorting, orders.table
    is_named = np.zeros(len(number), dtype=np.bool_)
    is_named[named] = True
    kept = sorting.open & ~is_named & ~blank
    bases = [kept, ~is_named & (sorting.open | blank), ~is_named]
    whole = [_by_period(orders.period[base], number[base], orders.period[named]) for base in bases]
    above = [_since_last(orders, number * base, named, is_named) for base in bases[:2]]
    tolerance = _tolerance(orders.money, number[named], number)
    bears = np.any([np.abs(one - number[named]) <= tolerance for one in (*whole, *above)], axis=0)
    bears |= _sums_of_accounts(orders, named, number, kept, tolerance)
    wrong = named[~bears & (number[named] != 0)]
    if len(wrong) and choice != "drop":
        record = int(orders.record[wrong[0]])
        table.fail(
            record,
            f"{shown(orders.account.of(int(wrong[0])))} is called a total and is not the sum of other lines; say "
            "`totals=drop` to leave such lines out, or `totals=keep` if it is an account.",
        )
    flags = np.zeros(len(number), dtype=np.bool_)
    flags[named] = True
    sorting.drop(flags, "called a total, and the sum of other lines" if not len(wrong) else "called a total")


def _by_period(periods: Integers, number: Numbers, asked: Integers) -> Numbers:
    """Sum over all orders of each period asked for."""
    distinct_periods, inverse = np.unique(periods, return_inverse=True)
    total = sums(inverse, number, len(distinct_periods) + 1)
    at = np.where(np.isin(asked, distinct_periods), np.searchsorted(distinct_periods, asked), -1)
    found: Numbers = total[at]
    return found


def _since_last(orders: Orders, number: Numbers, named: Integers, is_named: Flags) -> Numbers:
    """Sum of the period's orders between each total and the total of the same period before it."""
    found = number[named].copy()
    for period in np.unique(orders.period[named]).tolist():
        running = np.cumsum(np.where((orders.period == period) & ~is_named, number, 0))
        mine = np.flatnonzero(orders.period[named] == period)
        found[mine] = np.diff(running[named[mine]], prepend=0)
    return found


def _sums_of_accounts(orders: Orders, named: Integers, number: Numbers, kept: Flags, tolerance: Floats) -> Flags:
    """Say which totals are the sum of the account that they name, in their period or in all."""
    texts = orders.account.texts()
    places = {text.casefold(): place for place, text in enumerate(texts)}
    bears = np.zeros(len(named), dtype=np.bool_)
    for at, order in enumerate(named.tolist()):
        of = no_orders.total_of(texts[int(orders.account.codes[order])])
        place = places.get(of.casefold(), -1)
        if place >= 0:
            mine = kept & (orders.account.codes == place)
            here = mine & (orders.period == orders.period[order])
            bears[at] = any(abs(number[some].sum() - number[order]) <= tolerance[at] for some in (mine, here))
    return bears


def _tolerance(money: Money, totals: Numbers, number: Numbers) -> Floats:
    """How far a total may be off: a unit, and what a program's own sums of floats leave behind."""
    rounding = 1e-12 * float(np.abs(number.astype(np.float64)).sum())
    tolerance: Floats = np.full(
        len(totals), (0.5 * 10.0 ** (max(money.places, 2) - 2) if money.units is not None else 0.005)
    )
    return tolerance + rounding


def _drop_unnamed_totals(orders: Orders, unsure: Flags, number: Numbers, choice: str) -> None:
    """Leave out an account that is, in every period, the sum of all the others: nobody's orders are that."""
    sorting = orders.sorting
    some = np.flatnonzero(sorting.open & ~unsure)
    codes, account = np.unique(orders.account.codes[some], return_inverse=True)
    if len(codes) < 4:
        return
    periods, period = np.unique(orders.period[some], return_inverse=True)
    by_account = sums(account, number[some], len(codes))
    tolerance = float(_tolerance(orders.money, number[:1], number[some])[0])
    candidates = np.flatnonzero((np.abs(2 * by_account - by_account.sum()) <= tolerance) & (by_account > 0))
    whole = sums(period, number[some], len(periods))
    for candidate in candidates.tolist():
        mine = account == candidate
        own = sums(period[mine], number[some][mine], len(periods))
        if (np.abs(2 * own - whole) > tolerance).any():
            continue
        order = int(some[np.flatnonzero(mine)[0]])
        name = orders.account.of(order)
        if len(periods) < 2 and choice != "drop":
            orders.table.fail(
                int(orders.record[order]),
                f"{shown(name)} is the sum of all other accounts; say `totals=drop` if it is a total, or `totals=keep` "
                "if it is an account.",
            )
        flags = np.zeros(len(number), dtype=np.bool_)
        flags[some[mine]] = True
        sorting.drop(flags, f"of {shown(name)}, a total: the sum of all others in every period")
