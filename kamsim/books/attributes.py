"""What files tell about accounts besides orders: names, parents, today's tier and manager, share of wallet, margin."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kamsim.books.amounts import MAX_AMOUNT, read_amounts
from kamsim.books.columns import NUMBERS
from kamsim.books.options import Options
from kamsim.books.table import MISSING, Column, distinct, listed, words_of
from kamsim.books.tables import Read
from kamsim.errors import KamsimError, shown
from kamsim.types import Flags, Floats, Integers

NONE, KEY, STRATEGIC = 0, 1, 2
TIERS = {"none": NONE, "key": KEY, "strategic": STRATEGIC}
_NO_TIER = words_of(
    "none|no|nein|false|standard|other|others|regular|normal|b|c|d|b customer|c customer|b customers|"
    "c customers|b kunde|c kunde|b kunden|c kunden|non key|small|0|transactional|core|basic|keine|kein|smb"
)
_KEY_TIER = words_of(
    "key|key account|key accounts|key customer|schlüsselkunde|schlüsselkunden|yes|ja|true|a|a customer|"
    "a customers|a kunde|a kunden|kam|named account|named|großkunde|major|major account"
)
_STRATEGIC_TIER = words_of(
    "strategic|strategic account|strategic accounts|strategic customer|strategisch|strategischer kunde|global|"
    "global account|global key account|gka|strategic key account|a+|aa|top key account"
)


class Told(NamedTuple):
    """What is told of some accounts: the last word for each."""

    places: Integers  # of the accounts
    codes: Integers  # of the texts
    column: Column
    read: Read
    records: Integers  # that the last word of each stands in
    conflicts: int  # accounts of which different things are told
    accounts: tuple[str, ...]  # their identifiers


def told_of(read: Read, role: str, accounts: Integers, records: Integers, names: tuple[str, ...]) -> Told | None:
    """Take the last word that a column has for each account.

    Parameters
    ----------
    read : Read
        A table.
    role : str
        Of the column.
    accounts : array of shape (records,)
        Place of the account of each record.
    records : array of int
        To take into account, ascending.
    names : tuple of str
        Identifiers of all accounts.

    Returns
    -------
    Told or None
        Nothing where there is no such column.
    """
    if role not in read.layout.roles:
        return None
    column = read.table.columns[read.layout.roles[role]]
    filled = ~column.blank()[records]
    accounts, records = accounts[filled], records[filled]
    codes = column.codes[records]
    places, last = np.unique(accounts[::-1], return_index=True)
    last = len(accounts) - 1 - last
    pairs = np.unique(accounts * (len(column.values) + 1) + codes) // (len(column.values) + 1)
    _, kinds = np.unique(pairs, return_counts=True)
    return Told(places, codes[last], column, read, records[last], int((kinds > 1).sum()), names)


def texts_of(told: Sequence[Told], accounts: int) -> list[str]:
    """Text told of each account, empty for none."""
    texts = [""] * accounts
    for one in told:
        words = one.column.texts()
        for place, code in zip(one.places.tolist(), one.codes.tolist(), strict=True):
            texts[place] = words[code]
    return texts


def numbers_of(told: Sequence[Told], accounts: int, role: str, options: Options) -> Floats:
    """Numbers told of each account, NaN for none; a percentage is a part of one."""
    import pyarrow.compute as pc

    numbers = np.full(accounts, np.nan)
    for one in told:
        texts = distinct(one.column._replace(codes=one.codes), np.arange(len(one.codes)))
        percent = pc.match_substring_regex(texts.values, r"%\s*$").to_numpy(zero_copy_only=False)
        bare = pc.replace_substring_regex(texts.values, r"\s*%\s*$", "")

        def fail(at: int, what: str, one: Told = one, first: Integers = texts.first) -> None:
            one.read.table.fail(int(one.records[first[at]]), what)

        read = read_amounts(bare, fail, column=one.column.name, decimal=options.decimal, typed=one.column.typed)  # type: ignore[arg-type]
        by_code = np.full(len(one.column.values), np.nan)
        by_code[texts.places] = np.where(percent, read.values / 100, read.values)
        numbers[one.places] = by_code[one.codes]
        _refuse_out_of_range(one, numbers[one.places], role)
    return numbers


def _refuse_out_of_range(told: Told, numbers: Floats, role: str) -> None:
    """Refuse what cannot be a share, a fit, a margin or a wallet."""
    bad: Flags
    if role == "wallet":
        bad, why = (numbers <= 0) | (numbers > MAX_AMOUNT), "is not above zero; correct it, or leave it empty"
    elif role == "share":
        bad, why = (numbers <= 0) | (numbers > 1), "is outside (0, 1]; give a fraction like 0.45, or 45%"
    elif role == "margin":
        bad, why = (numbers < -1) | (numbers > 1), "is outside -1 to 1; give a fraction like 0.45, or 45%"
    else:
        bad, why = (numbers < 0) | (numbers > 1), "is outside 0 to 1; give a fraction like 0.45"
    if bad.any():
        at = int(np.flatnonzero(bad)[np.argmin(told.records[bad])])
        record = int(told.records[at])
        told.read.table.fail(record, f"{told.column.name} {shown(told.column.of(record))} {why}.")


def tiers_of(told: Sequence[Told], accounts: int, options: Options, notes: list[str]) -> Integers | None:
    """Place of each account in today's program: 0 none, 1 key, 2 strategic; None where no column tells."""
    if not told:
        return None
    tiers: Integers | None = None
    chosen = {_spelled(word): _tier_named(word, tier) for word, tier in options.tiers.items()}
    for one in told:
        words = one.column.texts()
        used = [words[code] for code in np.unique(one.codes).tolist()]
        known = {word: chosen.get(_spelled(word), _usual_tier(_spelled(word))) for word in used}
        unknown = [word for word, tier in known.items() if tier is None]
        if unknown and not chosen and "tier" not in options.columns and not any(known.values()):
            notes.append(
                f"Column {shown(one.column.name)} names no tier ({listed(unknown)}): it is not today's program."
            )
            continue
        if unknown:
            raise KamsimError(
                f"{one.read.table.source}: column {shown(one.column.name)} holds {listed(unknown)}, and the file does "
                f"not tell which tier that is; say `tiers={unknown[0]}=key` (or none, strategic) for each, or "
                "`columns=tier=` if the column is about something else"
            )
        tiers = np.full(accounts, NONE, dtype=np.int64) if tiers is None else tiers
        for place, code in zip(one.places.tolist(), one.codes.tolist(), strict=True):
            tiers[place] = known[words[code]] or NONE
    return tiers


def _spelled(word: str) -> str:
    return " ".join(word.casefold().replace("-", " ").replace("_", " ").split())


def _usual_tier(word: str) -> int | None:
    for words, tier in ((_STRATEGIC_TIER, STRATEGIC), (_KEY_TIER, KEY), (_NO_TIER, NONE)):
        if word in words:
            return tier
    return NONE if word in MISSING else None


def _tier_named(word: str, tier: str) -> int:
    if tier not in TIERS:
        raise KamsimError(f"`tiers={word}={tier}`: a tier is none, key or strategic")
    return TIERS[tier]


def known_numbers(known: Mapping[str, float]) -> dict[str, float]:
    """Check what is set for all accounts.

    Parameters
    ----------
    known : mapping
        Role -> number.

    Returns
    -------
    dict
        The same.
    """
    for role, value in known.items():
        if role not in NUMBERS or role == "wallet":
            raise KamsimError(f"`known={role}={value:g}`: only share, fit, trust and margin can be set for all")
        low = -1.0 if role == "margin" else 0.0
        if not low <= value <= 1 or (role == "share" and value == 0):
            raise KamsimError(f"`known={role}={value:g}`: give a fraction like 0.3")
    return dict(known)


def rolled_up(values: Floats, parents: Integers, accounts: int) -> tuple[Floats, int]:
    """Give a parent what all its accounts agree on; NaN where they do not, and how many these are."""
    known = ~np.isnan(values)
    low, high = np.full(accounts, np.inf), np.full(accounts, -np.inf)
    np.minimum.at(low, parents[known], values[known])
    np.maximum.at(high, parents[known], values[known])
    agreed = np.where(low == high, low, np.nan)
    return agreed, int(((low != high) & np.isfinite(low)).sum())
