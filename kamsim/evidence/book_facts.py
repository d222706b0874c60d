"""Facts measured on two real account books, one steady and one lively; none of their records is part of kamsim.

`kamsim.books.facts` computes them (`facts_of`) and says what each of them is; `kamsim.evidence.measure` wrote the file.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

SHIPPED = Path(__file__).parent / "book_facts.toml"


class BookFact(NamedTuple):
    """A fact of a real book."""

    value: float  # mean over years or pairs of years
    low: float  # the lowest of them
    high: float
    error: float  # standard error of the value, by drawing accounts anew


@cache
def book_facts(book: str) -> dict[str, BookFact]:
    """Facts of a real book, by the names of `kamsim.books.facts.facts_of`.

    Parameters
    ----------
    book : str
        ``steady`` (iowa, ten years) or ``lively`` (online_retail, two years); `kamsim.evidence.real_books.BOOKS` says
        what they are.

    Returns
    -------
    dict of str to BookFact
        Without facts that the book is too short to tell. Not to be changed: it is kept.
    """
    facts = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))[book]
    return {name: BookFact(*map(float, numbers)) for name, numbers in facts.items()}
