"""Lines of an export that are no orders: titles, repeated headers, footers, totals, lost deals, blank customers."""

import re
from typing import NamedTuple

import numpy as np

from kamsim.books.columns import PERIODS, Layout, header_name
from kamsim.books.options import Options
from kamsim.books.table import Table, count, listed, words_of
from kamsim.errors import KamsimError, shown
from kamsim.types import Flags, Integers

_TOTAL = (
    r"(?:sub|grand|overall|gesamt|end|zwischen)?[- ]?"
    r"(?:totals?|summen?|ergebnis|gesamt(?:ergebnis|summe|umsatz)?|total general|sum)"
)
TOTAL = re.compile(rf"(?:{_TOTAL}|total\s+général|všetko)\s*:?", re.IGNORECASE)
_TOTAL_OF = re.compile(rf"(?P<of>.+?)[\s:-]+{_TOTAL}\s*:?|{_TOTAL}\s+(?:for|of|für|von)?\s*(?P<for>.+)", re.IGNORECASE)
_WON = words_of(
    "won|closed won|closedwon|gewonnen|abgeschlossen und gewonnen|geschlossen gewonnen|deal won|closed/won|"
    "close won|closed - won|true|yes|ja|posted|gebucht|invoiced|fakturiert|berechnet|paid|bezahlt|in_payment|"
    "in payment|sale|sales order|done|delivered|geliefert|shipped|completed|complete|erledigt|confirmed|"
    "bestätigt|order|auftrag"
)
_LOST = words_of(
    "lost|closed lost|closedlost|verloren|abgeschlossen und verloren|geschlossen verloren|deal lost|"
    "closed/lost|closed - lost|open|offen|new|neu|false|no|nein|negotiation|negotiation/review|negotiating|"
    "verhandlung|prospecting|qualification|qualified|qualifizierung|qualified to buy|qualifiedtobuy|"
    "appointmentscheduled|appointment scheduled|presentationscheduled|presentation scheduled|"
    "decisionmakerboughtin|decision maker bought-in|contractsent|contract sent|needs analysis|"
    "value proposition|id. decision makers|perception analysis|proposal|proposal/price quote|quote|quotation|"
    "angebot|sent|draft|entwurf|cancel|cancelled|canceled|storniert|abgebrochen|in progress|on hold|out-sold|"
    "pipeline|lead|discovery|demo|not_paid|proforma"
)
# Invoices are orders whether they are paid or not: beside words of payment, "open" is no open deal.
_PAYMENT = frozenset(
    ["paid", "bezahlt", "in_payment", "in payment", "overdue", "überfällig", "partial", "partially paid"]
)
_OPEN = frozenset(["open", "offen", "not_paid", "overdue", "überfällig", "partial", "partially paid", "sent"])


class Left(NamedTuple):
    """Records that are no orders, and why."""

    records: Flags
    why: str


def blank_records(table: Table) -> Flags:
    """Records without any value."""
    empty = np.ones(len(table), dtype=np.bool_)
    for column in table.columns:
        empty &= column.empty()
    return empty


def repeated_headers(table: Table, layout: Layout) -> Left:
    """Find records that say the header once more, as each page of a report does."""
    # The column of accounts first: it has few texts, and hardly one of them is its own name.
    account = table.columns[layout.roles["account"]]
    same = account.are(lambda text: header_name(text) == account.name)
    for column, name in zip(table.columns, layout.header, strict=False):
        if same.any():
            some = column._replace(codes=column.codes[same])
            same[same] = np.isin(some.codes, [at for at, text in some.texts_used() if header_name(text) == name])
    return Left(same, "saying the header once more")


def footers(table: Table, layout: Layout) -> Left:
    """Find what stands below the last order: texts without a date and an amount."""
    amounts = _amount_columns(layout)
    told = np.zeros(len(table), dtype=np.bool_)
    for place in amounts:
        told |= ~table.columns[place].blank()
    last = int(np.flatnonzero(told)[-1]) if told.any() else -1
    below = np.arange(len(table)) > last
    if below.any():
        # An order cut off in the middle of its line is none of them: its account is known from other lines.
        column = table.columns[layout.roles["account"]]
        known = np.unique(column.codes[~below])
        below &= ~np.isin(column.codes, known) | column.empty()
        # A footer is a sentence, or cut short; a lone word in a full row may be an account whose amount is missing.
        below &= column.are(lambda text: " " in text or not text) | (table.fields < len(table.columns))
        periods = [table.columns[layout.roles[role]] for role in PERIODS if role in layout.roles]
        for period in periods:
            below &= period.empty() | (table.fields <= 2)
    return Left(below, "below the last order, without an amount")


def _amount_columns(layout: Layout) -> list[int]:
    if layout.periods:
        return [period.column for period in layout.periods]
    return [layout.roles[role] for role in ("amount", "annual_spend") if role in layout.roles]


def refuse_misshapen(table: Table, orders: Flags) -> None:
    """Refuse a record with fewer fields than the header, or with more that hold something."""
    width = len(table.columns)
    bad = np.flatnonzero(orders & (table.fields < width))
    if len(bad):
        record = int(bad[0])
        table.fail(
            record,
            f"{count(int(table.fields[record]), 'field')} where the header has {width}; fill the row, or quote a field "
            "that holds the separator.",
        )


def named_totals(table: Table, layout: Layout, orders: Flags) -> Flags:
    """Find records that are called totals: by their account, or by any text where there is no account."""
    account = table.columns[layout.roles["account"]]
    known = {text.casefold() for text in account.texts()}

    def is_total(text: str) -> bool:
        if TOTAL.fullmatch(text):
            return True
        found = _TOTAL_OF.fullmatch(text)
        return found is not None and (found["of"] or found["for"]).strip().casefold() in known

    named = account.are(is_total)
    blank = account.blank()
    if blank.any():
        for column in table.columns:
            named |= blank & column.are(lambda text: bool(TOTAL.fullmatch(text) or _ends_in_total(text)))
    return named & orders


def total_of(text: str) -> str:
    """Account that a text calls the total of: ``C100`` of ``C100 Total``; empty where it names none."""
    found = _TOTAL_OF.fullmatch(text)
    return "" if found is None else (found["of"] or found["for"]).strip()


def _ends_in_total(text: str) -> bool:
    return len(text) < 80 and _TOTAL_OF.fullmatch(text) is not None and not text[:1].isdigit()


def lost_deals(table: Table, layout: Layout, orders: Flags, options: Options) -> list[Left]:
    """Find the deals that are not won, where a column of stages tells."""
    if "stage" not in layout.roles:
        return []
    column = table.columns[layout.roles["stage"]]
    words = [text for _, text in column._replace(codes=column.codes[orders]).texts_used() if text]
    spelled = {text: " ".join(text.casefold().split()) for text in words}
    if options.won:
        chosen = {" ".join(word.casefold().split()) for word in options.won}
        unknown = chosen - set(spelled.values())
        if unknown:
            raise KamsimError(
                f"{table.source}: no stage is called {shown(sorted(unknown)[0])}; column "
                f"{shown(layout.header[layout.roles['stage']])} holds {listed(words)}"
            )
    else:
        payment = set(spelled.values()) & _PAYMENT
        chosen = {word for word in spelled.values() if word in _WON or (payment and word in _OPEN)}
        lost = {word for word in spelled.values() if word in _LOST} - chosen
        if not (chosen | lost) or chosen >= set(spelled.values()):
            return []
        open_ = [text for text, word in spelled.items() if word not in chosen | lost]
        if open_ or not chosen:
            name = layout.header[layout.roles["stage"]]
            raise KamsimError(
                f"{table.source}: column {shown(name)} holds {listed(open_ or words)}, and the file does not tell "
                "whether these are orders; say which words mean an order, as `won=Closed Won`, or `columns=stage=` if "
                "it says nothing about that"
            )
    dropped = orders & ~column.are(lambda text: " ".join(text.casefold().split()) in chosen)
    if not dropped.any():
        return []
    not_won = [text for text in words if spelled[text] not in chosen]
    return [Left(dropped, f"not won ({', '.join(not_won[:6]) or 'no stage'}); only won deals count")]


def headings(table: Table, layout: Layout, orders: Flags) -> Left:
    """Find records of a grouped report that only name the customer of those below."""
    told = np.zeros(len(table), dtype=np.bool_)
    for place in [*_amount_columns(layout), *(layout.roles[role] for role in PERIODS if role in layout.roles)]:
        told |= ~table.columns[place].blank()
    blank = table.columns[layout.roles["account"]].blank()
    above_blank = np.append(blank[1:], False)
    return Left(orders & ~told & ~blank & above_blank, "only naming the customer of those below")


class Blanks(NamedTuple):
    """How records without a customer are settled."""

    codes: Integers  # of the accounts, blanks filled where that was asked for
    dropped: Flags


def settle_blanks(table: Table, layout: Layout, orders: Flags, options: Options) -> Blanks:
    """Leave out records without a customer, or fill them from above, or ask where that is likelier."""
    column = table.columns[layout.roles["account"]]
    blank = column.blank()
    open_ = orders & blank
    none = np.zeros(len(table), dtype=np.bool_)
    if not open_.any():
        return Blanks(column.codes, none)
    if options.fill_down is None and _looks_grouped(column.codes, blank, orders):
        record = int(np.flatnonzero(open_)[0])
        name = layout.header[layout.roles["account"]]
        table.fail(
            record,
            f"{name} is empty on {count(int(open_.sum()), 'line')} below first lines that name one, as in a grouped "
            "report; say `fill_down=True` to take the customer from above, or `fill_down=False` to leave them out.",
        )
    if not options.fill_down:
        return Blanks(column.codes, open_)
    named = np.where(~blank, np.arange(len(table)), -1)
    above = np.maximum.accumulate(named)
    filled = np.where(blank & (above >= 0), column.codes[np.maximum(above, 0)], column.codes)
    return Blanks(filled, open_ & (above < 0))


def _looks_grouped(codes: Integers, blank: Flags, orders: Flags) -> bool:
    """Whether customers are named once, at the head of their lines, instead of missing here and there."""
    filled = codes[orders & ~blank]
    if not len(filled):
        return False
    first = int(np.flatnonzero(orders)[0])
    return not blank[first] and len(np.unique(filled)) > 0.9 * len(filled)
