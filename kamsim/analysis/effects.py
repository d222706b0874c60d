"""What the factors of a designed experiment do: effects and interactions, means by level, ranking of the points.

Every point is played in the same worlds, so whatever is told is told in each world first; the mean over worlds and its
95 % interval (Student's t) follow. What cannot be told in a world leaves that world out.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from kamsim.analysis.intervals import interval_of
from kamsim.types import Floats

Names = tuple[str, ...]

ALL_ORDERS_TO = 10  # factors, up to which interactions of all orders are told unless it is said otherwise
MOST_ORDER = 3  # of interactions of more factors


@dataclass(frozen=True)
class Effect:
    """What factors do, alone or together; NaN where it cannot be told.

    Parameters
    ----------
    factors : tuple of str
        One for a main effect, several for their interaction.
    effect, low, high : float
        Mean over worlds, and its 95 % interval. A main effect is the change from the first level to the second; an
        interaction of two is half of what the second level of one adds to the effect of the other, and so on.
    aliases : tuple of tuple of str
        Effects that the design cannot tell from this one: the estimate is of their sum, each with its sign.
    signs : tuple of int
        Of the aliases, 1 or -1.
    replications : int
        Worlds in which it can be told.
    """

    factors: Names
    effect: float
    low: float
    high: float
    aliases: tuple[Names, ...]
    signs: tuple[int, ...]
    replications: int


@dataclass(frozen=True)
class LevelMean:
    """A measure at a level of a factor, or a combination of levels of several, over all points that have it.

    Parameters
    ----------
    factors : tuple of str
        Names.
    levels : tuple
        One of each.
    mean, low, high : float
        Over worlds, with its 95 % interval.
    difference, difference_low, difference_high : float
        Mean paired difference to the first combination of levels, with its 95 % interval.
    replications : int
        Worlds in which the mean can be told.
    """

    factors: Names
    levels: tuple[object, ...]
    mean: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    replications: int


@dataclass(frozen=True)
class RankedPoint:
    """A point in the order of a measure.

    Parameters
    ----------
    point : int
        Number, from 0.
    mean : float
        Over worlds.
    difference, low, high : float
        Mean paired difference to the best point, with its 95 % interval; zero for the best itself. The best is chosen
        from the same worlds, so that with many points alike its lead is somewhat flattered.
    replications : int
        Worlds in which both can be told.
    """

    point: int
    mean: float
    difference: float
    low: float
    high: float
    replications: int


# ---------------------------------------------------------------- factorial designs


class Column(NamedTuple):
    """Signs by which points enter an effect, with the effects that have the same signs, or all opposite ones."""

    factors: Names
    signs: Floats  # (points,)
    aliases: tuple[Names, ...]
    alias_signs: tuple[int, ...]


def effects(names: Sequence[str], coded: Floats, values: Floats, order: int | None = None) -> tuple[Effect, ...]:
    """Main effects and interactions of a two-level factorial design, full or a regular fraction.

    Parameters
    ----------
    names : sequence of str
        Of the factors.
    coded : array of shape (points, factors)
        -1 at the first level, 1 at the second.
    values : array of shape (points, worlds)
        A measure; NaN where there is none.
    order : int, optional
        Most factors of an interaction; by default all up to 10 factors, else 3.

    Returns
    -------
    tuple of Effect
        Main effects first. Effects that cannot be told apart are there once, by the one of fewest factors; aliases of
        more factors than `order` are not named.

    Raises
    ------
    ValueError
        Where the design is no two-level factorial, or estimates would mix effects in part.
    """
    values = _known(values)
    if len(values) != len(coded):
        raise ValueError(f"{len(coded)} points have {len(values)} rows of values")
    return tuple(_effect(column, values) for column in columns_of(names, coded, order))


def _effect(column: Column, values: Floats) -> Effect:
    # Not a matrix product, whose last bits depend on how many worlds there are.
    contrast = (column.signs[:, None] * values).sum(axis=0) * (2.0 / len(values))
    mean, low, high, number = interval_of(contrast)
    return Effect(column.factors, mean, low, high, column.aliases, column.alias_signs, number)


def columns_of(names: Sequence[str], coded: Floats, order: int | None = None) -> tuple[Column, ...]:
    """Effects that a two-level design can tell, each with its aliases.

    Parameters
    ----------
    names, coded, order
        As for `effects`.

    Returns
    -------
    tuple of Column
        One for each set of effects that cannot be told apart, with what cannot be told from the mean left out.

    Raises
    ------
    ValueError
        As for `effects`.
    """
    coded = np.asarray(coded, dtype=np.float64)
    if coded.ndim != 2 or coded.shape[1] != len(names) or not (np.abs(coded) == 1.0).all():
        raise ValueError("a two-level design has a column of -1 and 1 for every factor")
    # A main effect of which no points of one level are there could only be told from the mean by guessing.
    if (np.abs(coded.sum(axis=0)) == len(coded)).any():
        raise ValueError("a factor has the same level at every point")
    alike: dict[Hashable, list[tuple[Names, Floats, int]]] = {}
    for factors, signs in _products(names, coded, order):
        # Columns with all signs turned tell the same effect, turned.
        turn = 1 if signs[0] > 0 else -1
        alike.setdefault((signs * turn).tobytes(), []).append((factors, signs, turn))
    alike.pop(np.ones(len(coded)).tobytes(), None)
    columns = [_column(group) for group in alike.values()]
    _check_regular(columns)
    return tuple(columns)


def _products(names: Sequence[str], coded: Floats, order: int | None) -> Iterator[tuple[Names, Floats]]:
    """All products of columns, those of few factors first."""
    number = len(names)
    most = order or (number if number <= ALL_ORDERS_TO else MOST_ORDER)
    for size in range(1, min(most, number) + 1):
        for places in combinations(range(number), size):
            yield tuple(names[place] for place in places), coded[:, list(places)].prod(axis=1)


def _column(group: list[tuple[Names, Floats, int]]) -> Column:
    (factors, signs, turn), *others = group
    return Column(factors, signs, tuple(other[0] for other in others), tuple(turn * other[2] for other in others))


def _check_regular(columns: Sequence[Column]) -> None:
    """Refuse designs in which two effects are told apart in part only: one would be taken for the other."""
    signs = np.array([column.signs for column in columns])
    if (signs.sum(axis=1) != 0).any() or np.count_nonzero(signs @ signs.T) != len(signs):
        raise ValueError("the points are neither a full two-level factorial design nor a regular fraction of one")


# ---------------------------------------------------------------- levels


def level_means(
    names: Sequence[str], points: Sequence[Mapping[str, object]], values: Floats, together: int = 1
) -> tuple[LevelMean, ...]:
    """Means of a measure by level of each factor.

    Parameters
    ----------
    names : sequence of str
        Of the factors.
    points : sequence of mapping
        Values of the factors at each point.
    values : array of shape (points, worlds)
        A measure; NaN where there is none.
    together : int
        How many factors at a time: with 2, a mean for every combination of levels of every two factors.

    Returns
    -------
    tuple of LevelMean
        By factor, levels in the order in which the points first have them.
    """
    values = _known(values)
    rows: list[LevelMean] = []
    for factors in combinations(names, together):
        places: dict[str, list[int]] = {}
        for place, point in enumerate(points):
            # A lever may be a table, which cannot be a key itself.
            places.setdefault(repr([point[name] for name in factors]), []).append(place)
        reference: Floats | None = None
        for having in places.values():
            mean = values[having].mean(axis=0)
            reference = mean if reference is None else reference
            levels = tuple(points[having[0]][name] for name in factors)
            rows.append(_level_mean(factors, levels, mean, mean - reference))
    return tuple(rows)


def _level_mean(factors: Names, levels: tuple[object, ...], mean: Floats, difference: Floats) -> LevelMean:
    own, paired = interval_of(mean), interval_of(difference)
    return LevelMean(factors, levels, *own[:3], *paired[:3], own.number)


# ---------------------------------------------------------------- ranking


def ranking(values: Floats, higher_is_better: bool) -> tuple[RankedPoint, ...]:
    """Order points by a measure, and tell how far each is from the best.

    Parameters
    ----------
    values : array of shape (points, worlds)
        A measure; NaN where there is none.
    higher_is_better : bool
        As the measure has it.

    Returns
    -------
    tuple of RankedPoint
        The best first; points that never have the measure last.
    """
    values = _known(values)
    means = np.array([interval_of(row).mean for row in values])
    merit = np.where(np.isnan(means), -np.inf, means if higher_is_better else -means)
    order = np.argsort(-merit, kind="stable").tolist()
    differences = [interval_of(values[point] - values[order[0]]) for point in order]
    return tuple(
        RankedPoint(point, float(means[point]), *difference)
        for point, difference in zip(order, differences, strict=True)
    )


def _known(values: Floats) -> Floats:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError("values have a row for every point and a column for every world")
    return np.where(np.isfinite(values), values, np.nan)
