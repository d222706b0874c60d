"""What became of every line of a file: used, or left out and why, to the cent; used and left out make the file."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

FIRST_LINES = 5


class Fate(NamedTuple):
    """What became of some lines of a file."""

    kind: str  # used, netted, dropped, merged
    what: str  # which lines, and why
    lines: int
    amount: Decimal
    first: tuple[str, ...]  # where the first of them stand


class Quality(NamedTuple):
    """The data-quality record of an import.

    Lines and amounts of the fates ``used`` and ``dropped`` add up to those of the file; ``netted`` and ``merged`` are
    told of lines that are used.
    """

    lines: int
    amount: Decimal
    fates: tuple[Fate, ...]

    @property
    def used(self) -> Fate:
        """What is in the book."""
        return next(fate for fate in self.fates if fate.kind == "used")

    @property
    def dropped(self) -> tuple[Fate, ...]:
        """What is not in the book."""
        return tuple(fate for fate in self.fates if fate.kind == "dropped")

    @property
    def left_out_lines(self) -> int:
        """Lines that are no part of the book."""
        return sum(fate.lines for fate in self.dropped)

    @property
    def left_out_amount(self) -> Decimal:
        """Money of the lines that are no part of the book."""
        return sum((fate.amount for fate in self.dropped if fate.lines), Decimal(0))

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; amounts as texts, which are exact."""
        return {
            "lines": self.lines,
            "amount": str(self.amount),
            "used_lines": self.used.lines,
            "used_amount": str(self.used.amount),
            "left_out_lines": self.left_out_lines,
            "left_out_amount": str(self.left_out_amount),
            "fates": [{**fate._asdict(), "amount": str(fate.amount), "first": list(fate.first)} for fate in self.fates],
        }


def quality_of(content: dict[str, object]) -> Quality:
    """Take a quality record back from plain values, as `Quality.to_dict` gives them."""
    fates = content["fates"]
    assert isinstance(fates, list)
    return Quality(
        int(str(content["lines"])),
        Decimal(str(content["amount"])),
        tuple(
            Fate(fate["kind"], fate["what"], int(fate["lines"]), Decimal(fate["amount"]), tuple(fate["first"]))
            for fate in fates
        ),
    )


def in_words(fates: Sequence[Fate]) -> list[str]:
    """Say which lines are left out, a sentence each; what accounts and quarters lose is said of these."""
    said_elsewhere = (" of accounts ", "incomplete", "Counted ")
    return [
        f"{fate.what}."
        for fate in fates
        if fate.kind in ("dropped", "merged") and not any(words in fate.what for words in said_elsewhere)
    ]
