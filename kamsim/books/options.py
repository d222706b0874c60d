"""What a user may say about a file where it does not tell, or to override what it seems to tell."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Options:
    """What a user says about files; whatever is left out, the files have to tell.

    Parameters
    ----------
    columns : mapping
        Role -> name of the column that has it; an empty name for none.
    dates : str
        Order of day, month and year: ``dmy``, ``mdy`` or ``ymd``.
    decimal : str
        Decimal mark, ``.`` or ``,``.
    fill_down : bool, optional
        Whether a blank customer is that of the line above (True), or no customer (False).
    merge_ids : bool, optional
        Whether identifiers that look alike are one account (True) or several (False).
    totals : str
        ``drop`` or ``keep`` rows that are called totals but do not bear the sum, or bear it and are not called so.
    overlaps : str
        Count orders that two files hold ``once``, or in ``both``.
    skip_empty : bool
        Leave out lines without an amount or a date.
    won : tuple of str
        Words of the stage column that mean an order.
    tiers : mapping
        Word of the tier column -> ``none``, ``key`` or ``strategic``.
    today : date, optional
        Day that no order can be after; the day on which the book is read.
    ends : date, optional
        Day until which the files are complete.
    year_starts : int
        Month that years start in, 1 to 12.
    currency : str
        Code of the currency of the book.
    rates : mapping
        Code of a currency -> what one unit of it is worth in that of the book.
    level : str
        ``parent`` for accounts rolled up to their parents.
    known : mapping
        ``share``, ``fit``, ``trust`` or ``margin`` of all accounts that the files tell nothing of.
    sheet, encoding : str
        Of a workbook, its sheet to read; of a text, its encoding.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    dates: str = ""
    decimal: str = ""
    fill_down: bool | None = None
    merge_ids: bool | None = None
    totals: str = ""
    overlaps: str = ""
    skip_empty: bool = False
    won: tuple[str, ...] = ()
    tiers: Mapping[str, str] = field(default_factory=dict)
    today: datetime.date | None = None
    ends: datetime.date | None = None
    year_starts: int = 1
    currency: str = ""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    level: str = ""
    known: Mapping[str, float] = field(default_factory=dict)
    sheet: str = ""
    encoding: str = ""
