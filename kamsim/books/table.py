"""The table of a file: columns of distinct texts, with the line that each record starts on."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np

from kamsim.errors import KamsimError, shown
from kamsim.types import Flags, Floats, Integers

if TYPE_CHECKING:
    import pyarrow as pa


def words_of(text: str) -> frozenset[str]:
    """Words of a list parted by bars."""
    return frozenset(text.split("|"))


MISSING = words_of("|-|--|na|n/a|#n/a|#nv|nan|null|none|nil|<na>|(blank)|(leer)")
"""How spreadsheets, databases, R and pandas write "not known", in lower case."""

Fail = Callable[[int, str], NoReturn]
Numbers = Integers | Floats  # whole numbers of a unit, or floats where these do not suffice


class Column(NamedTuple):
    """A column of a file: each distinct text once, in order of first appearance."""

    name: str
    codes: Integers  # (records,) place of each record's text in `values`
    values: "pa.Array"  # of distinct texts without blanks around them
    typed: bool = False  # the file itself told numbers and dates from text

    def texts(self) -> list[str]:
        """Distinct texts."""
        texts: list[str] = self.values.to_pylist()
        return texts

    def texts_used(self) -> list[tuple[int, str]]:
        """Distinct texts that a record has, each with its place."""
        places = np.unique(self.codes)
        return list(zip(places.tolist(), self.values.take(_arrow(places)).to_pylist(), strict=True))

    def of(self, record: int) -> str:
        """Text of a record."""
        text: str = self.values[int(self.codes[record])].as_py()
        return text

    def are(self, test: Callable[[str], bool]) -> Flags:
        """Flags of the records whose text passes a test, which is asked once for each distinct one."""
        passed: Flags = np.array([test(text) for text in self.texts()], dtype=np.bool_)[self.codes]
        return passed

    def one_of(self, words: Iterable[str]) -> Flags:
        """Flags of the records whose text is one of some words, in small letters."""
        import pyarrow as pa
        import pyarrow.compute as pc

        among = pc.is_in(pc.utf8_lower(self.values), value_set=pa.array(sorted(words), pa.string()))
        flags: Flags = among.to_numpy(zero_copy_only=False)[self.codes]
        return flags

    def blank(self) -> Flags:
        """Flags of the records without a value."""
        return self.one_of(MISSING)

    def empty(self) -> Flags:
        """Flags of the records without a text."""
        return self.one_of([""])


@dataclass(frozen=True, eq=False)
class Table:
    """A table of one file, or of several with the same columns.

    Parameters
    ----------
    source : str
        Name of the file, as given.
    columns : tuple of Column
        As the header has them.
    lines : array of shape (records,)
        Line, or row of a sheet, that each record starts on.
    fields : array of shape (records,)
        Number of fields that each record has.
    titles : tuple of int
        Lines above the header that hold text.
    notes : list of str
        A sentence for each thing that reading had to settle.
    sheet : str, optional
        Of a workbook.
    is_cut : bool, optional
        Whether the last line has no end, as where a file was cut off.
    """

    source: str
    columns: tuple[Column, ...]
    lines: Integers
    fields: Integers
    header_line: int
    titles: tuple[int, ...]
    notes: list[str]
    sheet: str = ""
    is_cut: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, record: int) -> str:
        """Name the file and the line of a record."""
        return at_line(self.source, int(self.lines[record]))

    def fail(self, record: int, what: str) -> NoReturn:
        """Refuse the book for one of its records."""
        raise KamsimError(f"{self.where(record)}: {what}")

    def take(self, kept: Flags) -> "Table":
        """Records that are kept, in order."""
        return Table(
            self.source,
            tuple(column._replace(codes=column.codes[kept]) for column in self.columns),
            self.lines[kept],
            self.fields[kept],
            self.header_line,
            self.titles,
            self.notes,
            self.sheet,
            self.is_cut,
        )


class Distinct(NamedTuple):
    """Distinct texts of some records of a column, in order of first appearance among them."""

    values: "pa.Array"
    places: Integers  # of each in the column's own values
    first: Integers  # record that each is first on


def distinct(column: Column, records: Integers) -> Distinct:
    """Find the distinct texts of some records of a column.

    Parameters
    ----------
    column : Column
        Any.
    records : array of int
        Ascending.

    Returns
    -------
    Distinct
        Without texts that only other records have.
    """
    codes, first = np.unique(column.codes[records], return_index=True)
    order = np.argsort(first, kind="stable")
    return Distinct(column.values.take(_arrow(codes[order])), codes[order], records[first[order]])


def sums(places: Integers, number: Numbers, size: int) -> Numbers:
    """Sum numbers by place: exactly where they are whole."""
    total: Numbers = np.zeros(size, dtype=np.int64) if number.dtype == np.int64 else np.zeros(size)
    np.add.at(total, places, number)
    return total


def _arrow(codes: Integers) -> "pa.Array":
    import pyarrow as pa

    return pa.array(codes, pa.int64())


def at_line(source: str | os.PathLike[str], line: int) -> str:
    """Name a file and a line of it."""
    return f"{os.fsdecode(source)}, line {line}"


def count(number: int, noun: str) -> str:
    """Say how many there are of something."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(texts: list[str], most: int = 4) -> str:
    """Quote the first of some texts, and say how many more there are."""
    more = len(texts) - most
    return ", ".join(map(shown, texts[:most])) + (f" and {more:,} more" if more > 0 else "")
