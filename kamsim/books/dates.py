"""Dates, months, quarters and years as exports write them; day and month told apart by the whole column."""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, NoReturn

import numpy as np

from kamsim.books.table import Fail, count
from kamsim.errors import shown
from kamsim.types import Flags, Integers

Kind = Literal["day", "month", "quarter", "year"]
Order = Literal["dmy", "mdy", "ymd"]
ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
EPOCH = datetime.date(1970, 1, 1).toordinal()
YEARS = range(1900, 2101)
SERIALS = range(18_264, 73_415)  # days of Excel, 1950 to 2100
_EXCEL = datetime.date(1899, 12, 30).toordinal()
_MONTHS = (
    "jan january januar jänner jaenner janvier enero gennaio",
    "feb february februar feber février fevrier febrero febbraio",
    "mar march mär mrz märz maerz mars marzo",
    "apr april avril abril aprile",
    "may mai mayo maggio",
    "jun june juni juin junio giugno",
    "jul july juli juillet julio luglio",
    "aug august août aout agosto",
    "sep sept september septembre septiembre settembre",
    "oct october okt oktober octobre octubre ottobre",
    "nov november novembre noviembre",
    "dec december dez dezember décembre decembre diciembre dicembre",
)
MONTHS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}

TIME = r"(?:[T ]\s*(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?(?:Z|[+-]\d\d:?\d\d)?)$"
_NAME = r"([^\W\d_]{3,10})\.?"
_YEAR = r"(\d{4}|'?\d{2})"
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.ASCII)
_TRIPLE = re.compile(r"(\d{1,2})([-/. ])\s?(\d{1,2})\2\s?(\d{4}|\d{2})", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?", re.ASCII)
_DAY_NAME_YEAR = re.compile(rf"(\d{{1,2}})(?:\.|st|nd|rd|th)?[-/. ]\s?{_NAME}[-/. ,]{{1,2}}{_YEAR}")
_NAME_DAY_YEAR = re.compile(rf"{_NAME}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})")
_YEAR_NAME_DAY = re.compile(rf"(\d{{4}})[-/. ]{_NAME}[-/. ](\d{{1,2}})")
_YEAR_MONTH = re.compile(r"(\d{4})(?:[-/.]|\s?M)(\d{1,2})", re.ASCII | re.IGNORECASE)
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})", re.ASCII)
_COMPACT_MONTH = re.compile(r"(\d{4})(\d{2})", re.ASCII)
_NAME_YEAR = re.compile(rf"{_NAME}[-/. ]?\s?{_YEAR}")
_YEAR_NAME = re.compile(rf"(\d{{4}})[-/. ]{_NAME}")
_DOTTED = re.compile(r"\d{4}\.\d{1,2}", re.ASCII)
_FISCAL = r"(?:FY|GJ)?\s?"
_QUARTERS = tuple(
    (re.compile(pattern, re.ASCII | re.IGNORECASE), year, quarter)
    for pattern, year, quarter in (
        (rf"{_FISCAL}(\d{{4}}|\d{{2}})[-/. ]*Q\s?0?([1-4])", 1, 2),
        (rf"Q\s?0?([1-4])[-/. ]*{_FISCAL}{_YEAR}", 2, 1),
        (rf"([1-4])Q[-/. ]*{_FISCAL}{_YEAR}", 2, 1),
        (r"([1-4])\.\s?Quartal\s(\d{4})", 2, 1),
        (r"(\d{4})\.([1-4])", 1, 2),
    )
)
_YEARS = re.compile(r"(FY|GJ|CY)?\s?'?(\d{4}|\d{2})", re.ASCII | re.IGNORECASE)


class Periods(NamedTuple):
    """When something was bought, one for each text."""

    kind: Kind
    numbers: Integers  # days since 1970, or months, quarters or years counted from year 0
    fiscal: bool  # written as of a fiscal year
    order: str = ""  # of day, month and year, where a text leaves that open


def _year(text: str) -> int:
    """Year of four digits; of two, the one from 1970 to 2069."""
    digits = text.lstrip("'")
    return int(digits) if len(digits) == 4 else int(digits) + (2000 if int(digits) < 70 else 1900)


def _day(year: int, month: int, day: int) -> int | None:
    """Days since 1970 of a date; None where there is no such day."""
    if year not in YEARS:
        return None
    try:
        return datetime.date(year, month, day).toordinal() - EPOCH
    except ValueError:
        return None


def quarter_of(text: str) -> int | None:
    """Number of a quarter, as ``2023Q1``, ``Q1 2023``, ``1Q23`` or ``FY23Q1``; None for any other text."""
    for pattern, year, quarter in _QUARTERS:
        if (found := pattern.fullmatch(text)) and _year(found[year]) in YEARS:
            return 4 * _year(found[year]) + int(found[quarter]) - 1
    return None


def month_of(text: str) -> int | None:
    """Number of a month, as ``2023-01``, ``01/2023``, ``202301`` or ``Jan 2023``; None for any other text."""
    year, month = 0, 0
    if found := _YEAR_MONTH.fullmatch(text) or _COMPACT_MONTH.fullmatch(text):
        year, month = int(found[1]), int(found[2])
    elif found := _MONTH_YEAR.fullmatch(text):
        year, month = int(found[2]), int(found[1])
    elif found := _NAME_YEAR.fullmatch(text):
        year, month = _year(found[2]), MONTHS.get(found[1].casefold(), 0)
    elif found := _YEAR_NAME.fullmatch(text):
        year, month = int(found[1]), MONTHS.get(found[2].casefold(), 0)
    return 12 * year + month - 1 if year in YEARS and 1 <= month <= 12 else None


def year_of(text: str) -> int | None:
    """Year, as ``2023`` or ``FY23``; None for any other text."""
    found = _YEARS.fullmatch(text)
    if found is None or (len(found[2]) == 2 and not found[1]):
        return None
    return _year(found[2]) if _year(found[2]) in YEARS else None


def day_of(text: str) -> int | None:
    """Day of a text that tells day and month apart by itself; None for any other."""
    if found := _ISO.fullmatch(text):
        return _day(int(found[1]), int(found[3]), int(found[4]))
    if found := _COMPACT.fullmatch(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _SERIAL.fullmatch(text):
        return int(found[1]) + _EXCEL - EPOCH if int(found[1]) in SERIALS else None
    if found := _DAY_NAME_YEAR.fullmatch(text):
        return _day(_year(found[3]), MONTHS.get(found[2].casefold(), 0), int(found[1]))
    if found := _NAME_DAY_YEAR.fullmatch(text):
        return _day(int(found[3]), MONTHS.get(found[1].casefold(), 0), int(found[2]))
    if found := _YEAR_NAME_DAY.fullmatch(text):
        return _day(int(found[1]), MONTHS.get(found[2].casefold(), 0), int(found[3]))
    return None


_READERS: tuple[tuple[Kind, Callable[[str], int | None]], ...] = (
    ("day", day_of),
    ("quarter", quarter_of),
    ("month", month_of),
    ("year", year_of),
)


def kind_of(text: str) -> Kind | None:
    """Kind of period that a text names; None where it names none."""
    if _TRIPLE.fullmatch(text):
        return "day"
    return next((kind for kind, reader in _READERS if reader(text) is not None), None)


def read_periods(texts: Sequence[str], fail: Fail, *, column: str, order: str = "", prefer: Kind = "day") -> Periods:
    """Read the texts of a column as days, months, quarters or years, all of one kind.

    Parameters
    ----------
    texts : sequence of str
        Distinct texts of the column, without the time of day.
    fail : callable
        Told the place of a text and what is wrong with it.
    column : str
        Its name, for errors.
    order : str
        Order of day, month and year, where the user says it: ``dmy``, ``mdy`` or ``ymd``.
    prefer : str
        Kind to read where a text could be of several: what the column is called.

    Returns
    -------
    Periods
        One for each text.
    """
    triples = {at: found for at, text in enumerate(texts) if (found := _TRIPLE.fullmatch(text))}
    settled = _order_of(texts, triples, order, column, fail) if triples else "dmy"
    if prefer == "day" and texts and all(_DOTTED.fullmatch(text) for text in texts):
        if all(int(text[5:]) <= 4 for text in texts):
            fail(
                0,
                f"{column} {shown(texts[0])} may be a quarter or a month; say `columns=quarter={column}` or "
                f"`columns=month={column}`.",
            )
        prefer = "month"
    tried = sorted(_READERS, key=lambda reader: reader[0] != prefer)
    numbers = np.zeros(len(texts), dtype=np.int64)
    kinds: dict[Kind, int] = {}
    kind: Kind
    for at, text in enumerate(texts):
        if at in triples:
            kind, number = "day", _triple(triples[at], settled)
        else:
            kind, number = _read(text, tried)
        if number is None or (kinds and kind not in kinds):
            _refuse_period(at, text, column, next(iter(kinds), prefer), fail)
        kinds.setdefault(kind, at)
        numbers[at] = number
    fiscal = any(text[:2].upper() in ("FY", "GJ") or "FY" in text.upper() for text in texts[:1])
    return Periods(next(iter(kinds), prefer), numbers, fiscal, settled if triples else "")


def _read(text: str, tried: Sequence[tuple[Kind, Callable[[str], int | None]]]) -> tuple[Kind, int | None]:
    """Kind and number of a text, by the first reader that knows it."""
    for kind, reader in tried:
        if (number := reader(text)) is not None:
            return kind, number
    return tried[0][0], None


def _refuse_period(at: int, text: str, column: str, kind: Kind, fail: Fail) -> NoReturn:
    if not text:
        fail(at, f"{column} is empty; fill it, or say `skip_empty=True` to leave such lines out.")
    if kind == "day":
        fail(at, f"{column} {shown(text)} is not a date from 1900 to 2100; write it like 2012-03-31.")
    example = {"month": "2012-03", "quarter": "2012Q1", "year": "2012"}[kind]
    fail(at, f"{column} {shown(text)} is not a {kind} from 1900 to 2100; write it like {example}.")


def _triple(found: "re.Match[str]", order: str) -> int | None:
    one, two, three = int(found[1]), int(found[3]), found[4]
    if order == "ymd":
        return _day(_year(found[1].zfill(2)), two, int(three)) if len(three) == 2 else None
    day, month = (one, two) if order == "dmy" else (two, one)
    return _day(_year(three), month, day)


def _order_of(texts: Sequence[str], triples: "dict[int, re.Match[str]]", order: str, column: str, fail: Fail) -> str:
    """Settle the order of day, month and year by all dates of the column, or ask."""
    if order:
        return order
    short = [len(found[4]) == 2 for found in triples.values()]
    if any(short) and (not all(short) or len(triples) < len(texts)):
        at = next(at for at, found in triples.items() if len(found[4]) == 2)
        _refuse_period(at, texts[at], column, "day", fail)
    fits = {
        tried: {at: _triple(found, tried) is not None for at, found in triples.items()}
        for tried in (ORDERS if all(short) else ORDERS[:2])
    }
    possible = [tried for tried, each in fits.items() if all(each.values())]
    if not possible:
        _refuse_mixture(texts, triples, fits, column, fail)
    read = {tuple(_triple(found, tried) for found in triples.values()) for tried in possible}
    if len(read) > 1:
        at = next(at for at, found in triples.items() if len({_triple(found, tried) for tried in possible}) > 1)
        choices = " or ".join(f"`dates={tried}`" for tried in possible)
        fail(
            at,
            f"{column} {shown(texts[at])} may be day or month first, and no other date of the file tells; say "
            f"{choices}, or write dates like 2012-03-31.",
        )
    return possible[0]


def _refuse_mixture(
    texts: Sequence[str],
    triples: "dict[int, re.Match[str]]",
    fits: dict[Order, dict[int, bool]],
    column: str,
    fail: Fail,
) -> NoReturn:
    """Say which date is none, or which two are written in different orders."""
    for at in triples:
        if not any(each[at] for each in fits.values()):
            _refuse_period(at, texts[at], column, "day", fail)
    day = next((at for at in triples if fits["dmy"][at] and not fits["mdy"][at]), None)
    month = next((at for at in triples if fits["mdy"][at] and not fits["dmy"][at]), None)
    if day is None or month is None:
        _refuse_period(next(iter(triples)), texts[next(iter(triples))], column, "day", fail)
    fail(
        max(day, month),
        f"dates mix day first ({shown(texts[day])}) and month first ({shown(texts[month])}); write them all like "
        "2012-03-31.",
    )


# ---------------------------------------------------------------- quarters of a year that starts in any month


def quarters_of(periods: Periods, starts: int) -> Integers:
    """Number the quarters of days and months, in years that start in any month and are named by where they end.

    Parameters
    ----------
    periods : Periods
        Of days, months or quarters.
    starts : int
        Month that years start in, 1 to 12.

    Returns
    -------
    array of int
        Four a year, counted from year 0; quarters as they are.
    """
    if periods.kind == "quarter":
        return periods.numbers
    months = months_of(periods)
    # A year that starts in January is named by itself, any other by the year in which it ends.
    shifted: Integers = (months - (starts - 1) + (12 if starts > 1 else 0)) // 3
    return shifted


def months_of(periods: Periods) -> Integers:
    """Number the months of days or months."""
    if periods.kind == "month":
        return periods.numbers
    return periods.numbers.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 12 * 1970


def first_day_of(quarter: int, starts: int) -> int:
    """First day of a quarter, in days since 1970."""
    month = 3 * quarter + (starts - 1) - (12 if starts > 1 else 0)
    return datetime.date(month // 12, month % 12 + 1, 1).toordinal() - EPOCH


def quarter_name(quarter: int) -> str:
    """Name a quarter as ``2023Q1``."""
    return f"{quarter // 4}Q{quarter % 4 + 1}"


def date_name(day: int) -> str:
    """Name a day as ``2023-03-31``."""
    return datetime.date.fromordinal(day + EPOCH).isoformat()


def last_is_partial(days: Integers, quarters: Integers, starts: int, step: int) -> str:
    """Say why the last quarter is not complete, judged by the dates of earlier ones; empty where it is.

    Parameters
    ----------
    days : array of int
        Distinct days with an order, or last days of months, ascending, in days since 1970.
    quarters : array of int
        Quarter of each.
    starts : int
        Month that years start in.
    step : int
        Days that are no gap: 1 where days are told, 31 where months are.

    Returns
    -------
    str
        The reason, a clause.
    """
    last = int(quarters[-1])
    earlier = np.unique(quarters[quarters < last])
    if not len(earlier):
        return ""
    end = first_day_of(last + 1, starts) - 1
    missing = end - int(days[-1])
    gaps = np.diff(days[quarters < last], append=days[quarters == last][:1]) - step
    at = int(days[-1]) - first_day_of(last, starts)
    after: Flags = np.array(
        [bool((days[quarters == quarter] - first_day_of(int(quarter), starts) > at + 3).any()) for quarter in earlier]
    )
    if missing <= 3 or missing <= int(gaps.max(initial=0)) or after.mean() < 0.9:
        return ""
    return (
        f"its last order is of {date_name(int(days[-1]))}, {count(missing, 'day')} before its end, and earlier "
        "quarters regularly had orders after that"
    )
