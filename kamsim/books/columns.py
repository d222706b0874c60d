"""What the columns of an export mean: roles by the names that CRM and ERP systems give them, English and German."""

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from kamsim.books.dates import Kind, month_of, quarter_of, year_of
from kamsim.books.table import at_line, count
from kamsim.errors import KamsimError, nearest, shown

# What a book may be told of each role; the first name of a role is the one that the older forms of a book use.
# Names are as `plain_name` writes them, the best first: net before gross, when an invoice was posted before when it
# was entered.
ROLES: dict[str, tuple[str, ...]] = {
    "account": (
        "account id", "account number", "account no", "account nr", "accountid", "customer id", "customer number",
        "customer no", "customer nr", "customer code", "cust no", "cust id", "client id", "client number",
        "client code", "company id", "kundennummer", "kunden nr", "kundennr", "kunde nr", "kunden id", "kunden no",
        "debitor nr", "debitorennummer", "debitornummer", "debitorennr", "debitor no", "debtor no", "debtor number",
        "debitor", "kunnr", "sold to party", "sold to", "sold to pt", "sell to customer no", "bill to customer no",
        "auftraggeber", "regulierer", "business partner", "geschäftspartner", "bp number", "gp nummer", "partner id",
        "partner id id", "associated company id",
        "account", "customer", "kunde", "client", "partner", "debtor", "buyer", "ship to party", "warenempfänger",
        "row labels", "zeilenbeschriftungen",  # of a pivot table
    ),
    "name": (
        "name", "account name", "customer name", "client name", "company name", "partner id name", "partner name",
        "kundenname", "name des kunden", "kunde name", "name 1", "name1", "debitor name", "debitorname",
        "sold to party name", "bezeichnung des kunden", "associated company", "potential customer",
        "invoice partner display name", "company", "firma", "firmenname", "unternehmen", "organization",
        "organisation", "bp name", "sell to customer name", "customer description", "kundenbezeichnung",
    ),
    "date": (
        "date", "invoice date", "invoicedate", "posting date", "billing date", "close date", "closed date",
        "actual close date", "belegdatum", "rechnungsdatum", "buchungsdatum", "fakturadatum", "abschlussdatum",
        "datum", "order date", "date order", "sales date", "transaction date", "txn date", "document date",
        "doc date", "auftragsdatum", "bestelldatum", "lieferdatum", "leistungsdatum", "budat", "fkdat", "bldat",
        "erdat", "accounting date", "actual revenue date", "won date", "closing date", "day", "tag",
    ),
    "quarter": (
        "quarter", "quartal", "fiscal quarter", "fiscal period", "year quarter", "geschäftsquartal",
        "close date quarter", "jahr quartal",
    ),
    "month": (
        "month", "monat", "year month", "calendar year month", "kalenderjahr monat", "invoice month", "close month",
        "posting month", "periode", "period", "spmon", "buchungsmonat", "posting period", "buchungsperiode",
    ),
    "year": ("year", "jahr", "fiscal year", "geschäftsjahr", "kalenderjahr", "calendar year", "gjahr"),
    "amount": (
        "spend", "net amount", "net value", "nettobetrag", "netto betrag", "nettowert", "nettoumsatz", "netto",
        "netwr", "amount untaxed signed", "amount untaxed", "untaxed amount", "net sales", "net revenue", "net",
        "umsatz netto", "betrag netto", "amount", "amount in lc", "amount in local currency",
        "amount in company code currency",
        "amount in company currency", "dmbtr", "betrag in hauswährung", "betrag hauswährung", "hauswährung betrag",
        "amount lcy", "amount company currency", "amount converted", "amount in doc curr",
        "amount in document currency", "wrbtr", "revenue", "actual revenue", "sales", "turnover", "umsatz",
        "invoiced amount", "invoice amount", "rechnungsbetrag", "billed amount", "invoiced value", "deal amount",
        "deal value", "order value", "order amount", "auftragswert", "line amount", "line total", "extended price",
        "extended amount", "sales amount", "sales value", "sales revenue", "erlös", "erlöse", "betrag", "wert",
        "value", "amount total signed", "amount total", "total amount", "gross amount", "bruttobetrag", "total price",
        "total",
    ),
    "annual_spend": (
        "annual spend", "annual sales", "yearly sales", "yearly spend", "spend per year", "sales per year",
        "jahresumsatz", "umsatz pro jahr", "sales last 12 months", "spend last 12 months", "umsatz 12 monate",
        "sales ltm", "annual turnover with us",
    ),
    "currency": (
        "currency", "currency code", "currency iso code", "währung", "waehrung", "währg",
        "whrg", "währungscode", "waerk", "waers",
        "currency id", "currency id name", "curr", "amount currency", "doc currency", "document currency", "crcy",
        "transaction currency", "belegwährung", "currency key", "währungsschlüssel", "iso code",
    ),
    "parent": (
        "parent", "parent account", "parent account id", "parent account name", "parent id", "parent customer",
        "parent company", "ultimate parent", "group", "konzern", "muttergesellschaft", "mutter", "übergeordneter kunde",
        "konzernnummer", "commercial partner", "commercial partner id", "commercial partner id name", "parent id name",
        "chain", "corporate group", "unternehmensgruppe", "higher level customer", "group account", "kette",
    ),
    "tier": (
        "tier", "account tier", "customer tier", "segment", "customer segment", "kundensegment", "abc", "abc class",
        "abc indicator", "abc kennzeichen", "abc klasse", "customer class", "kundenklasse", "account class",
        "classification", "customer classification", "account type tier", "key account", "account status tier",
        "category abc", "klassifizierung", "kundenklassifizierung",
    ),
    "kam": (
        "kam", "key account manager", "account manager", "account owner", "key account manager name",
        "kundenbetreuer", "betreuer", "company owner", "sales rep", "salesperson", "sales person",
        "sales representative",
        "vertriebsmitarbeiter", "verkäufer", "außendienst", "owner", "opportunity owner", "deal owner", "user id name",
        "user id", "salesperson code", "invoice user id", "invoice user id name", "sales employee",
    ),
    "stage": (
        "stage", "stage name", "stagename", "deal stage", "opportunity stage", "sales stage", "phase", "vertriebsphase",
        "state", "status", "status reason", "opportunity status", "deal status", "verkaufsphase", "statuscode", "won",
        "is won", "payment state", "document status", "belegstatus", "auftragsstatus",
    ),
    "wallet": ("wallet", "category spend", "total category spend", "bedarf", "einkaufsvolumen", "total spend"),
    "share": ("share", "share of wallet", "lieferanteil", "wallet share", "our share"),
    "fit": ("fit", "strategic fit", "compatibility"),
    "trust": ("trust", "vertrauen"),
    "margin": ("margin", "gross margin", "gross margin percent", "marge", "rohmarge", "deckungsbeitrag prozent", "gm"),
}  # fmt: skip
PERIODS = ("date", "month", "quarter", "year")
ATTRIBUTES = ("name", "parent", "tier", "kam")
NUMBERS = ("wallet", "share", "fit", "trust", "margin")
FORMS = {
    "quarterly": ("account_id", "quarter", "spend"),
    "dated": ("account_id", "date", "amount"),
    "wide": ("account_id", "annual_spend"),
}
_OPTIONAL = ("wallet", "share", "fit", "trust", "name")
_MONEY = frozenset(
    ("umsatz", "revenue", "sales", "amount", "spend", "net", "netto", "betrag", "sum of", "summe von", "eur", "usd")
)
_LETTERS = re.compile(r"[^a-zäöüß0-9%]+")


class Period(NamedTuple):
    """A column of a wide file: what was bought in one month, quarter or year."""

    column: int
    kind: Kind
    number: int


class Layout(NamedTuple):
    """What the columns of a table mean."""

    header: tuple[str, ...]  # names on one line, lower case
    roles: dict[str, int]  # role -> column
    periods: tuple[Period, ...]  # of a wide file, in order of time; else none
    unused: tuple[str, ...]  # names of columns that say nothing to a book

    @property
    def form(self) -> str:
        """How orders are told: ``wide``, ``annual`` (a year's spend per account), ``long``, or ``accounts`` alone."""
        if self.periods:
            return "wide"
        if "amount" in self.roles:
            return "long"
        return "annual" if "annual_spend" in self.roles else "accounts"

    def named(self) -> dict[str, str]:
        """Role -> name of its column, as the mapping is shown and saved."""
        return {role: self.header[column] for role, column in self.roles.items()}


def plain_name(written: str) -> str:
    """Name of a column in small letters, words parted by one blank, without what stands in brackets."""
    parted = re.sub(r"(?<=[a-zäöü])(?=[A-ZÄÖÜ])", " ", re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", written))
    return " ".join(_LETTERS.sub(" ", parted.lower()).split())


def header_name(written: str) -> str:
    """Name of a column as it is told and looked up: on one line, in small letters."""
    return " ".join(written.split()).casefold()


@cache
def _rank_of(name: str) -> tuple[tuple[str, int], ...]:
    """Roles that a plain name may have, each with its place among the names of the role."""
    spelled = {name, name.replace("ae", "ä").replace("oe", "ö").replace("ue", "ü"), name.replace(" ", "")}
    found = []
    for role, names in ROLES.items():
        places = [place for place, known in enumerate(names) if known in spelled or known.replace(" ", "") in spelled]
        if places:
            found.append((role, places[0]))
    return tuple(found)


def _money_name(name: str) -> str:
    """Plain name of a column of amounts without the currency that it tells: ``amount eur``."""
    words = [word for word in name.split() if word not in ("in", "eur", "usd", "gbp", "chf", "euro", "teur", "keur")]
    return " ".join(words)


def period_named(written: str) -> tuple[Kind, int] | None:
    """Month, quarter or year that the name of a column tells; None where it tells none."""
    text = " ".join(written.split())
    words = [word for word in re.split(r"\s+", text) if word.casefold().strip(":") not in _MONEY]
    for tried in (text, " ".join(words)):
        if re.fullmatch(r"\d{4}-\d{2}-01", tried):
            tried = tried[:7]
        if (number := quarter_of(tried)) is not None:
            return "quarter", number
        if (number := month_of(tried)) is not None:
            return "month", number
        if (number := year_of(tried)) is not None:
            return "year", number
    return None


def known_names(record: Sequence[str]) -> int:
    """Count the fields of a record that are names of columns: how much it looks like a header."""
    roles = {role for cell in record if len(cell) < 60 for role, _ in _rank_of(plain_name(cell))[:1]}
    if not roles:
        return 0
    old = sum(header_name(cell) in {name for form in FORMS.values() for name in form} for cell in record)
    return len(roles) + old + sum(period_named(cell) is not None for cell in record if len(cell) < 30)


def find_layout(written: Sequence[str], line: int, source: str, chosen: Mapping[str, str]) -> Layout:
    """Find the role of each column by its name.

    Parameters
    ----------
    written : sequence of str
        The header.
    line : int
        It stands on.
    source : str
        Name of the file.
    chosen : mapping
        Role -> name of its column, as the user has it; an empty name for a role that no column has.

    Returns
    -------
    Layout
        Of a file that tells orders, or accounts alone.

    Raises
    ------
    KamsimError
        Where the names leave open what a book needs.
    """
    where = at_line(source, line)
    header = tuple(map(header_name, written))
    roles = _chosen_columns(header, chosen, where)
    _refuse_two_forms(header, where)
    taken = set(roles.values())
    free = {column for column in range(len(header)) if column not in taken and header[column]}
    periods = _periods_of(header, free, where)
    columns = free - {period.column for period in periods}
    for role, column in _named_roles(header, columns).items():
        if role not in chosen:
            roles.setdefault(role, column)
    _settle_names(header, columns, roles, chosen)
    if any(role in roles for role in PERIODS) or (len(periods) == 1 and "amount" in roles):
        periods = ()
    if periods:
        roles.pop("amount", None)
    if "amount" in roles and not periods and not any(role in roles for role in PERIODS) and "annual_spend" in roles:
        del roles["amount"]
    if "amount" in roles:
        roles.pop("annual_spend", None)
    _refuse_what_is_missing(header, roles, periods, where)
    used = {*roles.values(), *(period.column for period in periods)}
    _refuse_repeated(header, used, where)
    _refuse_misspelt(header, used, roles, where)
    unused = tuple(name or "(unnamed)" for column, name in enumerate(header) if column not in used)
    return Layout(header, roles, periods, unused)


def _chosen_columns(header: Sequence[str], chosen: Mapping[str, str], where: str) -> dict[str, int]:
    roles = {}
    for role, name in chosen.items():
        if role not in ROLES:
            raise KamsimError(f"`columns={role}={name}`: there is no role {shown(role)}; {nearest(role, ROLES)}")
        if not name:
            continue
        wanted = header_name(name)
        if wanted not in header:
            raise KamsimError(
                f"{where}: there is no column {shown(name)} for `columns={role}`; "
                f"{nearest(wanted, filter(None, header))}"
            )
        roles[role] = header.index(wanted)
    return roles


def _refuse_two_forms(header: Sequence[str], where: str) -> None:
    complete = [form for form, required in FORMS.items() if set(required) <= set(header)]
    if len(complete) > 1:
        raise KamsimError(
            f"{where}: the columns fit more than one form of book ({_forms(complete)}); keep one of them."
        )


def _forms(forms: Sequence[str]) -> str:
    return " or ".join("'" + ", ".join(FORMS[form]) + "'" for form in forms)


def _named_roles(header: Sequence[str], columns: set[int]) -> dict[str, int]:
    """Give each role the column whose name is the best for it."""
    found: dict[str, tuple[int, int]] = {}
    for column in sorted(columns):
        plain = plain_name(header[column])
        for role, place in _rank_of(plain) or _rank_of(_money_name(plain)):
            if role not in found or place < found[role][0]:
                found[role] = place, column
    return {role: column for role, (_, column) in found.items()}


def named_roles(written: Sequence[str]) -> dict[str, int]:
    """Role -> column of a header, by names alone."""
    return _named_roles([header_name(cell) for cell in written], set(range(len(written))))


def _settle_names(header: Sequence[str], columns: set[int], roles: dict[str, int], chosen: Mapping[str, str]) -> None:
    """Know accounts by their names where they have no numbers, and find the name beside a number."""
    if "account" not in roles and "name" in roles:
        roles["account"] = roles.pop("name")
    if "account" in roles and "name" not in roles and "name" not in chosen:
        for column in sorted(columns - set(roles.values())):
            if plain_name(header[column]) in ("customer", "account", "kunde", "client", "partner"):
                roles["name"] = column
                break
    if "amount" in roles and "date" in roles:
        for other in ("month", "quarter", "year"):
            roles.pop(other, None)


def _periods_of(header: Sequence[str], columns: set[int], where: str) -> tuple[Period, ...]:
    """Columns of periods, the finest kind of them: totals of years beside quarters say the same once more."""
    named = {column: found for column in sorted(columns) if (found := period_named(header[column])) is not None}
    for kind in ("month", "quarter", "year"):
        periods = [Period(column, kind, number) for column, (one, number) in named.items() if one == kind]
        if not periods:
            continue
        numbers = [period.number for period in periods]
        for at, period in enumerate(periods):
            if period.number in numbers[:at]:
                raise KamsimError(
                    f"{where}: column {shown(header[period.column])} appears twice; remove or rename one of them."
                )
        return tuple(sorted(periods, key=lambda period: period.number))
    return ()


def _refuse_repeated(header: Sequence[str], used: set[int], where: str) -> None:
    for column in sorted(used):
        if header.count(header[column]) > 1:
            raise KamsimError(f"{where}: column {shown(header[column])} appears twice; remove or rename one of them.")


def _refuse_misspelt(header: Sequence[str], used: set[int], roles: Mapping[str, int], where: str) -> None:
    absent = [name for name in _OPTIONAL if name not in roles]
    for column, name in enumerate(header):
        # Stricter than for a required column, for an extra column is allowed and may just sound alike.
        close = difflib.get_close_matches(name[:200], absent, n=1, cutoff=0.8) if column not in used else []
        if close:
            raise KamsimError(
                f"{where}: column {shown(name)} is unknown; rename it, did you mean '{close[0]}'? Else say "
                f"`columns={close[0]}=` for none."
            )


class ColumnMissingError(KamsimError):
    """No name tells which column has a role that a book needs."""


def _refuse_what_is_missing(
    header: Sequence[str], roles: Mapping[str, int], periods: Sequence[Period], where: str
) -> None:
    """Refuse a table that does not tell whose spend it is, how much, or of when."""
    tells = bool(periods) or "annual_spend" in roles or ("amount" in roles and any(role in roles for role in PERIODS))
    alone = len(roles) > 1 and not ({"amount"} | set(PERIODS)) & set(roles)
    if "account" in roles and (tells or alone):
        return
    known = {name for form in FORMS.values() for name in form}
    absent = known - set(header)
    taken = set(roles.values())
    for column, name in enumerate(header):
        close = name and difflib.get_close_matches(name[:200], absent, n=1, cutoff=0.6)
        if close and column not in taken and name not in known:
            raise KamsimError(f"{where}: column {shown(name)} is unknown; {nearest(name, absent)}")
    # The form that the header comes closest to is the one the user had in mind.
    form = max(FORMS, key=lambda form: len(set(FORMS[form]) & set(header)) - 0.1 * len(FORMS[form]))
    stands_for = {"account_id": "account", "spend": "amount", "amount": "amount", "annual_spend": "annual_spend"}
    missing = [name for name in FORMS[form] if stands_for.get(name, name) not in roles and name not in header]
    if "amount" in roles and "account" in roles:
        missing = ["date"]
    role = stands_for.get(missing[0], missing[0]) if missing else "account"
    raise ColumnMissingError(
        f"{where}: no column {', '.join(missing)} among {shown(', '.join(header))}; say which one it is, as "
        f"`columns={role}=NAME`, or give a book with {_forms(list(FORMS))}."
    )


def described(layout: Layout) -> str:
    """Say in a sentence what each column was taken for."""
    told = [f"{role} = {shown(name)}" for role, name in layout.named().items()]
    if layout.periods:
        told.append(f"{count(len(layout.periods), layout.periods[0].kind)} as columns")
    return ", ".join(told)
