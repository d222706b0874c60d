"""The account book that scenarios carry: read once, and known by what its file holds."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from kamsim.books.book import Book, read_book
from kamsim.books.content import content_hash
from kamsim.errors import KamsimError
from kamsim.scenario import Scenario

KEPT = 4  # books in memory: more are rarely played in one process


def carried_book(scenario: Scenario, book: Book | None = None) -> Book | None:
    """Account book that a scenario is played on.

    Parameters
    ----------
    scenario : Scenario
        Perhaps with a book of its own.
    book : Book, optional
        Given beside it: then this one.

    Returns
    -------
    Book or None
        None where accounts are drawn.

    Raises
    ------
    KamsimError
        Where the file is no book, or has changed since the scenario was loaded.
    """
    if book is not None or scenario.book is None:
        return book
    file, known = scenario.book.file, scenario.book.sha256
    return _read(file, known or content_hash(file))


def common_book(scenarios: Sequence[Scenario], book: Book | None = None) -> Book | None:
    """Account book that all of some scenarios are played on.

    Parameters
    ----------
    scenarios : sequence of Scenario
        At least one, to be played side by side.
    book : Book, optional
        Given beside them: then this one.

    Returns
    -------
    Book or None
        None where accounts are drawn.

    Raises
    ------
    KamsimError
        Where they name different books, or only some name one: no market scenario would be the same for all.
    """
    if book is not None:
        return book
    first = scenarios[0]
    for other in scenarios[1:]:
        if _content(other) != _content(first):
            named = next(one.book.file for one in (first, other) if one.book is not None)
            raise KamsimError(
                f"{first.name} is played on {_in_words(first)}, {other.name} on {_in_words(other)}, so no market "
                f"scenario is the same for both; name one book for all, such as `accounts` {named}"
            )
    return carried_book(first)


def _content(scenario: Scenario) -> str | None:
    return None if scenario.book is None else scenario.book.sha256 or content_hash(scenario.book.file)


def _in_words(scenario: Scenario) -> str:
    return "accounts that are drawn" if scenario.book is None else Path(scenario.book.file).name


@lru_cache(maxsize=KEPT)
def _read(file: str, sha256: str) -> Book:
    """Read a book that holds what it is known to hold."""
    if content_hash(file) != sha256:
        raise KamsimError(f"{file}: has changed since the scenario that names it was loaded; begin anew")
    return read_book(file)
