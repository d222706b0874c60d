"""Fractions of two-level designs: the smallest that keeps the effects asked for apart (Box & Hunter 1961)."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count, islice

import numpy as np

from kamsim.errors import KamsimError
from kamsim.types import Floats

LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # of the factors of a fraction; I stands for the mean
# To here the search for the smallest fraction is exhaustive and takes at most some seconds.
MOST_SEARCHED, MOST_RESOLUTION = 16, 6
_COMPARED_WORDS = 1_000_000  # in all fractions of the same size that are compared


@lru_cache(maxsize=64)
def smallest_fraction(factors: int, resolution: int) -> tuple[int, ...]:
    """Find the fraction of fewest runs that has at least some resolution, and the best one of that size.

    From 3 on, main effects can be told apart from each other; from 4 on also from interactions of two factors; from 5
    on interactions of two also from each other. A column for each factor, bits naming the basic columns; the first
    factors are the basic ones.
    """
    for basic in range(1, factors):
        found = _best_fraction(factors, basic, resolution)
        if found is None:
            continue
        best = found
        while (better := _best_fraction(factors, basic, resolution_of(best) + 1)) is not None:
            best = better
        return best
    raise ValueError(f"no fraction of {factors} factors has resolution {resolution}")


def _best_fraction(factors: int, basic: int, resolution: int) -> tuple[int, ...] | None:
    """Fraction with the fewest short words among the first ones found (Fries & Hunter 1980), or none."""
    if resolution > factors or not _could_be(factors, basic, resolution):
        return None
    found = _fractions(factors, basic, resolution)
    compared = 1 + _COMPARED_WORDS // 2 ** (factors - basic)
    return min(islice(found, compared), key=_word_lengths, default=None)


def _could_be(factors: int, basic: int, resolution: int) -> bool:
    """Whether there are columns enough to tell apart what the resolution promises (Hamming's bound)."""
    apart, odd = (resolution - 1) // 2, resolution % 2
    others = factors if odd else factors - 1
    return sum(math.comb(others, size) for size in range(apart + 1)) <= 1 << (basic if odd else basic - 1)


def _fractions(factors: int, basic: int, resolution: int) -> Iterator[tuple[int, ...]]:
    """All fractions of a size and resolution, each set of added columns once."""
    candidates = [mask for mask in range(1, 1 << basic) if mask.bit_count() >= resolution - 1]
    candidates.sort(key=lambda mask: (mask.bit_count(), mask))
    units = tuple(1 << place for place in range(basic))

    def extended(columns: tuple[int, ...], start: int, products: list[set[int]]) -> Iterator[tuple[int, ...]]:
        missing = factors - len(columns)
        if missing == 0:
            yield columns
            return
        for place in range(start, len(candidates) - missing + 1):
            mask = candidates[place]
            # A product of fewer columns that equals a new one would make a word that is too short.
            if not any(mask in few for few in products):
                more = [
                    few | {mask ^ other for other in fewer} for few, fewer in zip(products[1:], products, strict=False)
                ]
                yield from extended((*columns, mask), place + 1, [products[0], *more])

    start = [{mask for mask in range(1 << basic) if mask.bit_count() == size} for size in range(resolution - 1)]
    return extended(units, 0, start)


def _words(columns: Sequence[int]) -> Iterator[int]:
    """All words of a fraction, as sets of factors."""
    basic = basic_columns(columns)
    relations = [
        1 << place | sum(1 << factor for factor in _factors_in(columns, basic, mask))
        for place, mask in enumerate(columns)
        if place not in basic
    ]
    word = 0
    # In Gray's order the next word differs by one relation only.
    for number in range(1, 1 << len(relations)):
        word ^= relations[(number & -number).bit_length() - 1]
        yield word


def _word_lengths(columns: Sequence[int]) -> list[int]:
    """Number of words by their length."""
    lengths = [0] * (len(columns) + 1)
    for word in _words(columns):
        lengths[word.bit_count()] += 1
    return lengths


def resolution_of(columns: Sequence[int]) -> int:
    """Length of the shortest word of a fraction."""
    return min(word.bit_count() for word in _words(columns))


def basic_columns(columns: Sequence[int]) -> list[int]:
    """Places of the factors that generate the others: the first with each single bit."""
    return [columns.index(1 << bit) for bit in range(max(columns).bit_length())]


def _factors_in(columns: Sequence[int], basic: Sequence[int], mask: int) -> list[int]:
    return [basic[bit] for bit in range(len(basic)) if mask >> bit & 1]


def fraction_matrix(columns: Sequence[int]) -> Floats:
    """Coded points of a fraction: a product of basic columns for every factor."""
    bits = len(basic_columns(columns))
    basic = all_combinations([2] * bits)[:, ::-1]
    chosen = [[bit for bit in range(bits) if mask >> bit & 1] for mask in columns]
    return np.column_stack([basic[:, bits_of].prod(axis=1) for bits_of in chosen])


def generated_columns(file: str, generators: Sequence[str], factors: int) -> tuple[int, ...]:
    """Columns that generators such as ``D = ABC`` give."""
    if factors > len(LETTERS):
        raise KamsimError(f"{file}: kind fractional takes up to {len(LETTERS)} factors, not {factors}")
    letters = LETTERS[:factors]
    words: dict[str, str] = {}
    for text in generators:
        left, equals, right = (part.strip() for part in text.partition("="))
        right = right.replace(" ", "")
        known = len(left) == 1 and set(left + right) <= set(letters)
        if not (equals and known and len(right) > 1 and len(set(right)) == len(right)) or left in right:
            raise KamsimError(
                f"{file}: generators in [design]: '{text}' must read such as '{letters[-1]} = {letters[:-1]}', with a "
                f"different letter, {letters[0]} to {letters[-1]}, for each factor in the order of the file"
            )
        if left in words:
            raise KamsimError(f"{file}: generators in [design]: {left} is generated twice")
        words[left] = right
    for left, right in words.items():
        again = sorted(set(right) & words.keys())
        if again:
            raise KamsimError(
                f"{file}: generators in [design]: {left} = {right} builds on {again[0]}, which is generated itself"
            )
    free = count()
    bits = {letter: 1 << next(free) for letter in letters if letter not in words}
    columns = tuple(bits[letter] if letter in bits else sum(bits[part] for part in words[letter]) for letter in letters)
    if len(set(columns)) < factors:
        raise KamsimError(f"{file}: generators in [design]: two of them generate the same, so two factors never part")
    return columns


def all_combinations(levels: Sequence[int]) -> Floats:
    """All combinations of levels, coded from -1 to 1, the last column changing fastest."""
    places = np.indices(levels).reshape(len(levels), -1).T
    matrix: Floats = 2.0 * places / (np.array(levels) - 1.0) - 1.0
    return matrix
