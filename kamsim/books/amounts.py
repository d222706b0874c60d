"""Amounts as exports write them: decimal marks, thousands, currencies, signs; one reading for a whole column.

An amount is a whole number of units of 10**-places, so that sums are exact; where a column has more places than such
units can hold, as a computed float has, it is a float.
"""

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kamsim.books.table import MISSING, Fail, words_of
from kamsim.errors import shown
from kamsim.types import Flags, Floats, Integers

if TYPE_CHECKING:
    import pyarrow as pa

MAX_AMOUNT = 1e15  # beyond any book in any currency: a mistyped exponent, not a customer
MOST_PLACES = 9
MOST_UNITS = 9e18  # what 64 bits hold, whatever is summed
SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₪": "ILS", "฿": "THB", "₫": "VND",
    "₴": "UAH", "₦": "NGN", "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD",
    "HK$": "HKD", "S$": "SGD", "R$": "BRL", "MX$": "MXN", "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF", "FR": "CHF",
    "SFR": "CHF", "$": "$", "¥": "¥", "KR": "kr",
}  # fmt: skip
CODES = words_of(
    "AED|ARS|AUD|BGN|BHD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JOD|JPY|KES|KRW|"
    "KWD|KZT|LKR|MAD|MXN|MYR|NGN|NOK|NZD|OMR|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TND|TRY|TWD|UAH|"
    "USD|UYU|VND|ZAR|DEM|FRF|ITL|ATS|NLG|ESP"
)
SEVERAL = {"$": "dollars of several countries", "¥": "yen and yuan", "kr": "crowns of several countries"}

_CURRENCY = r"[A-Za-z]{0,3}[$€£¥₹₽₩₺₪฿₫₴₦]|[A-Za-z]{2,3}\.?|zł|ZŁ|[Kk]č"
_AMOUNT = (
    rf"^(?P<open>\()? *(?P<first>[+-])? *(?P<before>{_CURRENCY})? *(?P<inner>\()? *(?P<second>[+-])? *"
    r"(?P<number>(?:\d[\d., ']*|[.,]\d+)(?:[eE][+-]?\d+)?) *(?P<third>-)? *(?P<outer>\))? *"
    rf"(?P<after>{_CURRENCY})? *(?P<fourth>-)? *(?P<close>\))?$"
)
_POINT = r"^(?:\d*|[1-9]\d{0,2}(?:%s\d{3})+)(?:\.\d*)?$"  # %s the mark of thousands
_GROUPS = {".": (",", " ", "'"), ",": ("\\.", " ", "'")}
_UNGROUPED = r"^\d{4,}(?:[.,]\d*)?$"


class Amounts(NamedTuple):
    """Amounts of a column, one for each text."""

    units: Integers | None  # whole numbers of 10**-places; None where only floats can hold them
    places: int
    values: Floats  # the same as floats, NaN where nothing is told
    currency: tuple[str, ...]  # of each text, "" where it tells none
    mark: str  # the decimal mark
    marked: bool  # whether any text has a mark
    odd: Flags  # written with other decimals than nearly all others
    zeros: bool  # whether those write zeros at the end too


def read_amounts(texts: "pa.Array", fail: Fail, *, column: str, decimal: str = "", typed: bool = False) -> Amounts:
    """Read the texts of a column as amounts, by one convention that fits them all.

    Parameters
    ----------
    texts : pyarrow.Array of str
        Distinct texts of the column.
    fail : callable
        Told the place of a text and what is wrong with it.
    column : str
        Its name, for errors.
    decimal : str
        The decimal mark, where the user says it.
    typed : bool
        Whether the file itself tells numbers from text, with a decimal point.

    Returns
    -------
    Amounts
        NaN, and no units, for what says that nothing is known.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    clean = _plain(texts)
    missing = np.isin(np.arange(len(texts)), _places_of_missing(texts))
    parts = pc.extract_regex(clean, _AMOUNT)
    unread = ~missing & ~parts.is_valid().to_numpy(zero_copy_only=False)
    if unread.any():
        _refuse_number(texts, int(np.argmax(unread)), column, decimal or ".", fail)
    field = {name: parts.field(at).fill_null("") for at, name in enumerate(_names_of(parts))}
    negative, twice = _signs_of(field)
    wrong = ~missing & twice
    if wrong.any():
        at = int(np.argmax(wrong))
        fail(at, f"{column} {shown(texts[at].as_py())} has more than one sign; write it like -1234.50.")
    currency = _currencies_of(field, fail, texts, column, missing)
    number = pc.utf8_trim_whitespace(field["number"])
    number = pc.if_else(pa.array(missing), "0", number)
    exponent = pc.match_substring_regex(number, "[eE]").to_numpy(zero_copy_only=False)
    mark = _mark_of(number, exponent, missing, decimal or ("." if typed else ""), texts, column, fail)
    units, places, values = _numbers_of(number, exponent, mark)
    marked = not typed and bool(pc.match_substring_regex(number, "[.,]").to_numpy(zero_copy_only=False).any())
    beyond = ~missing & ~(np.abs(values) <= MAX_AMOUNT)
    if beyond.any():
        at = int(np.argmax(beyond))
        fail(at, f"{column} {shown(texts[at].as_py())} is beyond {MAX_AMOUNT:g}; correct the number.")
    sign = np.where(negative, -1, 1)
    values = np.where(missing, np.nan, values * sign + 0.0)
    units = None if units is None else units * sign
    return Amounts(units, places, values, currency, mark, marked, *_odd(number, mark, missing))


def _odd(number: "pa.Array", mark: str, missing: Flags) -> tuple[Flags, bool]:
    """Find amounts with other decimals than nearly all others; whether these have zeros at the end written too."""
    import pyarrow.compute as pc

    marked = pc.replace_substring_regex(number, f"^[^{re.escape(mark)}]*", "")
    decimals = pc.utf8_length(marked).to_numpy(zero_copy_only=False)
    usual = int(np.bincount(decimals[~missing]).argmax()) if (~missing).any() else 0
    odd: Flags = (decimals != usual) & ~missing
    if len(number) < 8 or usual < 2 or odd.sum() > max(1, 0.02 * len(number)):
        return np.zeros(len(number), dtype=np.bool_), False
    zeros = pc.ends_with(marked, "0").to_numpy(zero_copy_only=False) & (decimals == usual)
    return odd, bool(len(number) >= 20 and zeros.sum() >= 0.03 * len(number))


def readable(texts: "pa.Array", mark: str) -> Flags:
    """Say which texts can be read as amounts with a decimal mark, without more ado."""
    import pyarrow.compute as pc

    parts = pc.extract_regex(_plain(texts), _AMOUNT)
    read: Flags = parts.is_valid().to_numpy(zero_copy_only=False)
    field = {name: parts.field(at).fill_null("") for at, name in enumerate(_names_of(parts))}
    number = pc.utf8_trim_whitespace(field["number"])
    plain = ~pc.match_substring_regex(number, "[eE]").to_numpy(zero_copy_only=False)
    _, twice = _signs_of(field)
    known = [
        currency_named(one or other) is not None
        for one, other in zip(field["before"].to_pylist(), field["after"].to_pylist(), strict=True)
    ]
    fits: Flags = read & plain & ~twice & np.array(known, dtype=np.bool_) & _fitting(number, mark)
    return fits


def _names_of(parts: "pa.StructArray") -> list[str]:
    return [field.name for field in parts.type]


def _plain(texts: "pa.Array") -> "pa.Array":
    """Write all kinds of blanks, minus signs and apostrophes as one of each."""
    import pyarrow.compute as pc

    clean = pc.replace_substring_regex(texts, "[\u00a0\u202f\u2009\u2007\t]", " ")
    clean = pc.replace_substring_regex(clean, "[\u2212\u2013]", "-")
    return pc.replace_substring_regex(clean, "[\u2019\u2018`\u00b4]", "'")


def _places_of_missing(texts: "pa.Array") -> list[int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    spelled = pc.utf8_lower(texts)
    found = pc.is_in(spelled, value_set=pa.array(sorted(MISSING)))
    return [int(at) for at in np.flatnonzero(found.to_numpy(zero_copy_only=False))]


def _refuse_number(texts: "pa.Array", at: int, column: str, mark: str, fail: Fail) -> None:
    example = "1234,50" if mark == "," else "1234.50"
    fail(at, f"{column} {shown(texts[at].as_py())} is not a finite number; write it like {example}.")


def _signs_of(field: "dict[str, pa.Array]") -> tuple[Flags, Flags]:
    """Say which amounts are below zero, and which have more than one sign, or half a pair of parentheses."""
    import pyarrow.compute as pc

    def told(name: str, text: str = "-") -> Flags:
        found: Flags = pc.equal(field[name], text).to_numpy(zero_copy_only=False)
        return found

    opened = told("open", "(").astype(np.int64) + told("inner", "(")
    closed = told("close", ")").astype(np.int64) + told("outer", ")")
    minus = [told("first"), told("second"), told("third"), told("fourth"), opened > 0]
    signs = np.sum([*minus, told("first", "+"), told("second", "+")], axis=0)
    negative: Flags = np.any(minus, axis=0)
    return negative, (signs > 1) | (opened != closed) | (opened > 1)


def _currencies_of(
    field: "dict[str, pa.Array]", fail: Fail, texts: "pa.Array", column: str, missing: Flags
) -> tuple[str, ...]:
    """Name the currency that each text tells."""
    before, after = field["before"].dictionary_encode(), field["after"].dictionary_encode()
    if before.dictionary.to_pylist() == after.dictionary.to_pylist() == [""]:
        return ("",) * len(texts)
    found = []
    for at, (one, other) in enumerate(zip(before.to_pylist(), after.to_pylist(), strict=True)):
        token = (one or other).rstrip(".").upper()
        code = "" if missing[at] else currency_named(token)
        if code is None or (one and other and one != other):
            fail(at, f"{column} {shown(texts[at].as_py())} is not a finite number; write it like 1234.50.")
        found.append(code)
    return tuple(found)


def currency_named(word: str) -> str | None:
    """Code of a currency by its code or sign; None where there is none of that name.

    Parameters
    ----------
    word : str
        As ``eur`` or ``€``; empty for none.

    Returns
    -------
    str or None
        A code of three letters, or a sign that several currencies share.
    """
    upper = word.strip().rstrip(".").upper()
    return upper if upper in CODES or not upper else SIGNS.get(upper)


def _mark_of(
    number: "pa.Array", exponent: Flags, missing: Flags, decimal: str, texts: "pa.Array", column: str, fail: Fail
) -> str:
    """Settle the decimal mark by all numbers of the column, or ask."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.if_else(pa.array(exponent), "0", number)
    fits = {mark: _fitting(plain, mark) for mark in ".,"}
    wholly = [mark for mark in ".," if fits[mark].all()]
    powers = number.filter(pa.array(exponent)).to_pylist()
    if any("," in text for text in powers):
        wholly = [mark for mark in wholly if mark == ","]
    elif any("." in text for text in powers):
        wholly = [mark for mark in wholly if mark == "."]
    if decimal:
        if decimal not in wholly:
            wrong = ~fits[decimal]
            _refuse_number(texts, int(np.argmax(wrong)), column, decimal, fail)
        return decimal
    if not wholly:
        # The reading that fits more texts is what the column means; the first that does not fit is the fault.
        mark = max(".,", key=lambda mark: int(fits[mark].sum()))
        wrong = ~fits[mark] if not fits[mark].all() else exponent
        _refuse_number(texts, int(np.argmax(wrong)), column, mark, fail)
    if len(wholly) == 1:
        return wholly[0]
    marked = pc.match_substring_regex(plain, "[.,]").to_numpy(zero_copy_only=False) & ~missing
    if not marked.any():
        return "."
    # "1.234" and "1,234" read a thousandfold apart; a number of four digits shows that none is grouped.
    at = int(np.argmax(marked))
    if pc.match_substring_regex(plain, _UNGROUPED).to_numpy(zero_copy_only=False).any():
        return "," if "," in plain[at].as_py() else "."
    fail(
        at,
        f"{column} {shown(texts[at].as_py())} may be a decimal or a thousand, and no other number of the column tells; "
        "say `decimal=.` or `decimal=,` as it is meant.",
    )


def _fitting(number: "pa.Array", mark: str) -> Flags:
    """Say which numbers can be read with a decimal mark; thousands are parted by one mark in a whole column."""
    import pyarrow.compute as pc

    best: Flags = np.zeros(len(number), dtype=np.bool_)
    for group in _GROUPS[mark]:
        pattern = (_POINT % group).replace("(?:\\.\\d*)", f"(?:{re.escape(mark)}\\d*)")
        fits: Flags = pc.match_substring_regex(number, pattern).to_numpy(zero_copy_only=False)
        if fits.sum() > best.sum():
            best = fits
    return best


def _numbers_of(number: "pa.Array", exponent: Flags, mark: str) -> tuple[Integers | None, int, Floats]:
    """Turn numbers into whole units and floats."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bare = pc.replace_substring_regex(number, f"[^0-9eE+\\-{re.escape(mark)}]", "")
    bare = pc.replace_substring(bare, ",", ".")
    values: Floats = pc.cast(pc.replace_substring_regex(bare, r"^\.|^$", "0."), pa.float64()).to_numpy()
    digits = pc.replace_substring(bare, ".", "")
    fraction = pc.replace_substring_regex(bare, r"^[^.]*\.?", "")
    after: Integers = pc.utf8_length(fraction).to_numpy(zero_copy_only=False).astype(np.int64)
    places = int(after.max(initial=0))
    longest = int(pc.max(pc.utf8_length(digits)).as_py() or 0)
    if exponent.any() or places > MOST_PLACES or longest > 18:
        return None, places, values
    if float(np.abs(values).sum()) * 10.0**places > MOST_UNITS:
        return None, places, values
    whole: Integers = pc.cast(pc.replace_substring_regex(digits, "^$", "0"), pa.int64()).to_numpy()
    return whole * 10 ** (places - after), places, values
