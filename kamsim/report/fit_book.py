"""The laws of a book, for people, and as the scenario that plays them."""

import json
import os
from pathlib import Path

from kamsim.report.table import Group, Row, Table, meaning_of, short_number
from kamsim.source import model_hash
from kamsim.studies.fit_book import FROM_OTHER_BOOKS, BookFit, FittedLaw
from kamsim.text import neutral

IN_PART = 0.25  # of what was unsure before; what a book settles less of it does not tell
GROUPS = {
    "Size and growth": ("wallet_sigma", "market_growth", "growth_sd", "growth_size"),
    "Orders": ("orders", "orders_exponent", "orders_sd", "order_size_sd"),
    "Customers that come and leave": ("arrival", "new_size", "new_share", "hazard", "hazard_size"),
    "Season": ("season_1", "season_2", "season_3", "season_4"),
}


def tell(fit: BookFit) -> tuple[Table, str]:
    """Tell the laws of a book: a table, and sentences."""
    return laws_table(fit), laws_sentences(fit)


def laws_table(fit: BookFit) -> Table:
    """Table of laws: value, 95 % interval, and whether the book tells it."""
    laws = {law.name: law for law in fit.laws}
    groups = tuple(Group(name, tuple(_row(laws[law], fit) for law in names)) for name, names in GROUPS.items())
    unit = f"{short_number(fit.unit)} {fit.currency}".strip()
    legend = (
        f"one median category spend (wallet): {unit} a year; new accounts: part of the {fit.buyers:,} that bought in "
        "the last year",
        "told by the book: the interval is less than half as wide as what was plausible before; in part: the value is "
        "between that of the book and that of the ledger, or of the other book",
        "market growth: of all customers' category spend alike; sales of a book also change with who comes, leaves and "
        "gives more of it; share that a new account starts with: by how its purchases rise, if a book tells no share",
    )
    return Table(groups, ("Laws of the book", "value", "95 % interval", "told by"), legend=legend, dense=True)


def _row(law: FittedLaw, fit: BookFit) -> Row:
    interval = f"{short_number(law.low)} to {short_number(law.high)}"
    told = _told_by(law, fit)
    meaning = f"{meaning_of(law.meaning)}, {law.unit}"
    return Row((meaning, short_number(law.value), interval, told), "" if law.told else "aside")


def _told_by(law: FittedLaw, fit: BookFit) -> str:
    other = "the other book" if fit.laws_from and law.name in FROM_OTHER_BOOKS else "the ledger"
    return "the book" if law.told else "in part" if law.informed > IN_PART else other


def laws_sentences(fit: BookFit) -> str:
    """Say what was read, and which laws the book does not tell."""
    untold = [law.name for law in fit.laws if law.informed <= IN_PART]
    read = f"Read from {fit.accounts:,} accounts over {fit.quarters} quarters"
    if not untold:
        return f"{read}; the book tells something of each law."
    where = f"{fit.laws_from}, or the ledger, has them" if fit.laws_from else "the ledger has them"
    return f"{read}. The book does not tell {', '.join(untold)}: these stay about where {where}."


def scenario_text(fit: BookFit, book: str, out: Path) -> str:
    """Scenario in the world of a book, each law with its interval."""
    laws = {law.name: law for law in fit.laws}
    lines = [
        f"# The market of {_plain(fit.source)}, as kamsim book fit read it; model {model_hash()}",
        f"extends = {json.dumps(fit.base)}",
        f"question = {json.dumps(f'What do programs earn with the accounts of {_plain(Path(fit.source).name)}?')}",
        "",
        "[book]",
        f"file = {json.dumps(_relative(book, out), ensure_ascii=False)}",
        "fitted = true",
        "",
        "[world]",
    ]
    for name, value in fit.values.items():
        lines.append(f"{name} = {value!r}{_comment(laws[name], fit) if name in laws else _comment_on_unit(fit)}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return neutral(text).replace("\n", " ")


def _relative(book: str, out: Path) -> str:
    """Path of the book from where the scenario is."""
    try:
        return Path(os.path.relpath(Path(book).resolve(), out.resolve().parent)).as_posix()
    except ValueError:  # on another drive
        return str(Path(book).resolve())


def _comment(law: FittedLaw, fit: BookFit) -> str:
    if law.name == "arrival":
        return f"  # of all accounts of the file; {short_number(law.value)} of last year's buyers, {_sure(law, fit)}"
    return f"  # {_sure(law, fit)}"


def _sure(law: FittedLaw, fit: BookFit) -> str:
    by = "" if law.told else f", told by {_told_by(law, fit)}".replace("by in part", "in part by the book")
    return f"95 %: {short_number(law.low)} to {short_number(law.high)}{by}"


def _comment_on_unit(fit: BookFit) -> str:
    return f"  # {fit.currency or 'money'} a year"
