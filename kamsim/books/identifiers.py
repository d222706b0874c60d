"""Identifiers of accounts: kept as written, and asked about where some differ by what spreadsheets do to them alone."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from kamsim.errors import shown
from kamsim.types import Integers

_WHOLE = re.compile(r"(\d+)[.,]0+", re.ASCII)


def plain_identifier(text: str) -> str:
    """Identifier without what a spreadsheet may have changed: case, ``.0``, leading zeros, form of its letters."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split()).casefold()
    found = _WHOLE.fullmatch(plain)
    plain = found[1] if found else plain
    return plain.lstrip("0") or plain


def alike(texts: Sequence[str]) -> tuple[Integers, list[tuple[str, str]]]:
    """Find identifiers that differ by case, ``.0``, leading zeros or the form of their letters alone.

    Parameters
    ----------
    texts : sequence of str
        Distinct identifiers, in order of first appearance.

    Returns
    -------
    array of shape (texts,)
        Place of the first identifier that each is like; its own where there is none.
    list of (str, str)
        Pairs that are alike: the first, and a later one.
    """
    first: dict[str, int] = {}
    places = np.array(
        [first.setdefault(plain_identifier(text), place) for place, text in enumerate(texts)], dtype=np.int64
    )
    later = np.flatnonzero(places != np.arange(len(texts)))
    return places, [(texts[int(places[at])], texts[int(at)]) for at in later]


def question(pairs: Sequence[tuple[str, str]]) -> str:
    """Ask whether identifiers that are alike are one account."""
    one, other = pairs[0]
    many = f"{len(pairs):,} pairs of identifiers are" if len(pairs) > 1 else "two identifiers are"
    return (
        f"{many} likely the same account, as {shown(one)} and {shown(other)}; say `merge_ids=True` if they are, or "
        "`merge_ids=False` to keep them apart"
    )
