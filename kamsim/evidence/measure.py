"""Measure the facts of the two real books: ``python -m kamsim.evidence.measure FOLDER``, the folder of their records.

Writes ``book_facts.toml``, which `kamsim.evidence.book_facts` reads.
"""

import math
import sys
from pathlib import Path

from kamsim.books.book import read_book
from kamsim.books.facts import bootstrap_errors, facts_by_year, facts_of
from kamsim.books.history import whole_years
from kamsim.errors import KamsimError
from kamsim.evidence.book_facts import SHIPPED, BookFact
from kamsim.types import Floats

FILES = {"steady": "iowa_liquor_quarterly.csv", "lively": "online_retail2_quarterly.csv"}
ROUNDS = 200
SEED = 1


def main(folder: Path) -> None:
    """Write the facts of the books in a folder."""
    lines = [
        "# Facts of two real account books, written by kamsim.evidence.measure; none of their records is here.",
        f"# name = [mean over years, lowest, highest, standard error of the mean by {ROUNDS} draws of accounts]",
    ]
    for book, file in FILES.items():
        lines += ["", f"[{book}]"]
        for name, fact in measured(panel_of(folder / file)).items():
            lines.append(f"{name} = [{', '.join(f'{number:.4f}' for number in fact)}]")
    SHIPPED.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def panel_of(path: Path) -> Floats:
    """Read the whole years of a book, of the accounts that bought in them."""
    quarters = read_book(path).quarters
    if quarters is None:
        raise KamsimError(f"{path}: has no quarters; facts need a history.")
    panel = whole_years(quarters.spend, quarters.first)
    return panel[(panel > 0).any(axis=1)]


def measured(panel: Floats, rounds: int = ROUNDS) -> dict[str, BookFact]:
    """Measure the facts of a panel that it can tell, with their errors by so many draws of its accounts."""
    errors = bootstrap_errors(panel, rounds, SEED)
    by_year = facts_by_year(panel)
    facts = {}
    for name, value in facts_of(panel).items():
        known = [number for number in by_year[name].tolist() if not math.isnan(number)]
        if known:
            facts[name] = BookFact(value, min(known), max(known), errors[name])
    return facts


if __name__ == "__main__":
    main(Path(sys.argv[1]))
