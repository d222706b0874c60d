"""Effects of designed experiments against planted models and textbook alias tables."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from kamsim.analysis.effects import columns_of, effects, level_means, ranking
from kamsim.analysis.intervals import interval_of

NAMES = ("a", "b", "c", "d", "e", "f", "g")


def full(factors):
    return np.array(list(product([-1.0, 1.0], repeat=factors)))[:, ::-1]


def fraction(basic, *generators):
    """A fraction as textbooks write it: every further factor is a product of the basic ones."""
    coded = full(basic)
    columns = [coded[:, ["abcdefg".index(letter) for letter in word]].prod(axis=1) for word in generators]
    return np.column_stack([coded, *columns])


def by_name(rows):
    return {"".join(row.factors): row for row in rows}


# ---------------------------------------------------------------- full factorials


def test_a_planted_model_is_recovered_exactly():
    coded = full(4)
    rng = np.random.default_rng(1)
    sets = [places for size in range(5) for places in combinations(range(4), size)]
    # Worlds differ in level and in every effect; small whole numbers keep the arithmetic exact.
    planted = {places: rng.integers(-8, 9, 6).astype(float) for places in sets}
    values = sum(np.outer(coded[:, list(places)].prod(axis=1), planted[places]) for places in sets)
    rows = effects(NAMES[:4], coded, values)
    assert [row.factors for row in rows] == [tuple(NAMES[place] for place in places) for places in sets if places]
    for places, row in zip(sets[1:], rows, strict=True):
        # From the low level to the high one is twice the coefficient.
        in_worlds = 2.0 * planted[places]
        assert row.effect == pytest.approx(in_worlds.mean(), abs=1e-12)
        low, high = stats.t.interval(0.95, 5, in_worlds.mean(), stats.sem(in_worlds))
        assert (row.low, row.high) == pytest.approx((low, high), abs=1e-12)
        assert (row.aliases, row.signs, row.replications) == ((), (), 6)


def test_effects_are_what_they_are_said_to_be():
    low_low, high_low, low_high, high_high = 10.0, 12.0, 11.0, 19.0
    values = np.array([[low_low], [high_low], [low_high], [high_high]]) + np.array([[0.0, 1.0, 2.0]])
    rows = by_name(effects("ab", full(2), values))
    assert rows["a"].effect == ((12 - 10) + (19 - 11)) / 2
    assert rows["b"].effect == ((11 - 10) + (19 - 12)) / 2
    assert rows["ab"].effect == ((19 - 11) - (12 - 10)) / 2
    assert rows["ab"].low == rows["ab"].high == rows["ab"].effect  # worlds that differ in level only cancel


def test_the_order_of_points_does_not_matter():
    coded = full(3)
    values = np.random.default_rng(2).normal(size=(8, 5))
    turned = np.random.default_rng(3).permutation(8)
    for one, other in zip(effects("abc", coded, values), effects("abc", coded[turned], values[turned]), strict=True):
        assert one.factors == other.factors
        assert one.effect == pytest.approx(other.effect)


def test_interactions_of_many_factors_only_where_asked_for():
    assert len(effects(NAMES, full(7), np.zeros((128, 2)), order=1)) == 7
    assert len(effects(NAMES, full(7), np.zeros((128, 2)), order=2)) == 7 + 21
    assert len(effects(NAMES, full(7), np.zeros((128, 2)))) == 127
    many = [f"x{place}" for place in range(11)]
    assert len(columns_of(many, full(11))) == 11 + 55 + 165


def test_worlds_without_a_value_are_left_out():
    values = np.random.default_rng(4).normal(size=(4, 6))
    values[2, 3] = np.nan
    values[0, 5] = np.inf
    kept = values[:, [0, 1, 2, 4]]
    for one, other in zip(effects("ab", full(2), values), effects("ab", full(2), kept), strict=True):
        assert one == other
        assert one.replications == 4
    values[1] = np.nan
    nothing = effects("ab", full(2), values)[0]
    assert nothing.replications == 0
    assert np.isnan([nothing.effect, nothing.low, nothing.high]).all()


def test_intervals_cover_what_they_should():
    rng = np.random.default_rng(5)
    coded, runs, worlds = full(3), 4000, 8
    effect = {"a": 1.0, "b": 0.0, "ab": -0.5}
    truth = coded[:, 0] * 0.5 - 0.25 * coded[:, 0] * coded[:, 1]
    inside = dict.fromkeys(effect, 0)
    for _ in range(runs):
        # What worlds have in common at every point is far larger than the effects, and cancels.
        noise = 50.0 * rng.normal(size=(1, worlds)) + rng.normal(size=(8, worlds))
        rows = by_name(effects("abc", coded, truth[:, None] + noise, order=2))
        for name, planted in effect.items():
            inside[name] += rows[name].low <= planted <= rows[name].high
    for name, count in inside.items():
        assert 0.93 <= count / runs <= 0.97, name


# ---------------------------------------------------------------- fractions


def aliases(names, coded):
    return {
        "".join(column.factors): {"".join(alias) for alias in column.aliases} for column in columns_of(names, coded)
    }


def test_aliases_of_a_half_fraction_of_four():
    """2^(4-1) with D = ABC: I = ABCD."""
    assert aliases("abcd", fraction(3, "abc")) == {
        "a": {"bcd"}, "b": {"acd"}, "c": {"abd"}, "d": {"abc"}, "ab": {"cd"}, "ac": {"bd"}, "ad": {"bc"},
    }  # fmt: skip


def test_aliases_of_a_quarter_fraction_of_five():
    """2^(5-2) with D = AB, E = AC: I = ABD = ACE = BCDE (Box, Hunter & Hunter 2005)."""
    assert aliases("abcde", fraction(3, "ab", "ac")) == {
        "a": {"bd", "ce", "abcde"},
        "b": {"ad", "cde", "abce"},
        "c": {"ae", "bde", "abcd"},
        "d": {"ab", "bce", "acde"},
        "e": {"ac", "bcd", "abde"},
        "bc": {"de", "abe", "acd"},
        "be": {"cd", "abc", "ade"},
    }


def test_aliases_of_a_saturated_fraction_of_seven():
    """2^(7-4) with D = AB, E = AC, F = BC, G = ABC: seven main effects, each with three interactions of two."""
    coded = fraction(3, "ab", "ac", "bc", "abc")
    pairs = {name: {alias for alias in others if len(alias) == 2} for name, others in aliases(NAMES, coded).items()}
    assert pairs == {
        "a": {"bd", "ce", "fg"},
        "b": {"ad", "cf", "eg"},
        "c": {"ae", "bf", "dg"},
        "d": {"ab", "cg", "ef"},
        "e": {"ac", "bg", "df"},
        "f": {"bc", "ag", "de"},
        "g": {"cd", "be", "af"},
    }
    assert all(len(others) == 15 for others in aliases(NAMES, coded).values())


def test_an_estimate_is_of_the_sum_of_its_aliases_each_with_its_sign():
    """The other half, D = -ABC: what is estimated for A is A - BCD."""
    coded = fraction(3, "abc")
    coded[:, 3] *= -1.0
    values = (3.0 * coded[:, 0] + 2.0 * coded[:, 1] * coded[:, 2] * coded[:, 3])[:, None] + np.zeros((1, 3))
    row = by_name(effects("abcd", coded, values))["a"]
    assert row.effect == 2.0 * (3.0 - 2.0)
    assert (row.aliases, row.signs) == ((("b", "c", "d"),), (-1,))
    main_only = by_name(effects("abcd", coded, values, order=2))
    assert main_only["a"].aliases == ()
    assert main_only["ab"].aliases == (("c", "d"),)


def test_designs_that_are_no_factorial_are_refused():
    plackett_burman = np.array(
        [np.roll([1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1], turn) for turn in range(11)] + [[-1] * 11]
    )
    names = [f"x{place}" for place in range(11)]
    assert len(columns_of(names, plackett_burman, order=1)) == 11
    for wrong, order in ((plackett_burman, 2), (full(3)[:-1], None)):
        with pytest.raises(
            ValueError,
            match=r"^the points are neither a full two-level factorial design nor a regular fraction of one$",
        ):
            columns_of(names[: wrong.shape[1]], wrong, order)
    # Both columns lean, one to either side, and are independent all the same.
    with pytest.raises(ValueError, match=r"^the points are neither a full"):
        columns_of("ab", np.array([[1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]]), order=1)
    for constant in (1.0, -1.0):
        with pytest.raises(ValueError, match=r"^a factor has the same level at every point$"):
            columns_of("ab", np.array([[1.0, constant], [-1.0, constant]]))
    with pytest.raises(ValueError, match=r"^a factor has the same level at every point$"):
        columns_of("abc", np.array([[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]]))
    with pytest.raises(ValueError, match=r"^a two-level design has a column of -1 and 1 for every factor$"):
        columns_of("ab", np.array([[1.0, 0.0], [-1.0, 1.0]]))
    with pytest.raises(ValueError, match=r"^a two-level design has a column of -1 and 1 for every factor$"):
        columns_of("a", full(2))
    with pytest.raises(ValueError, match=r"^4 points have 3 rows of values$"):
        effects("ab", full(2), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"^values have a row for every point and a column for every world$"):
        effects("ab", full(2), np.zeros(4))


def test_factors_that_go_together_at_two_points_are_aliases():
    (column,) = columns_of("ab", np.array([[1.0, 1.0], [-1.0, -1.0]]))
    assert (column.factors, column.aliases, column.alias_signs) == (("a",), (("b",),), (1,))


def test_levels_may_be_coded_as_whole_numbers():
    for coded in (full(3), fraction(3, "abc")):
        for one, other in zip(
            columns_of("abcd"[: coded.shape[1]], coded),
            columns_of("abcd"[: coded.shape[1]], coded.astype(int)),
            strict=True,
        ):
            assert (one.factors, one.aliases, one.alias_signs) == (other.factors, other.aliases, other.alias_signs)
            np.testing.assert_array_equal(one.signs, other.signs)


def test_ten_factors_have_interactions_of_all_orders():
    names = [f"x{place}" for place in range(10)]
    assert len(columns_of(names, full(10))) == 2**10 - 1


def test_values_in_single_precision_are_reckoned_in_double():
    values = np.random.default_rng(7).normal(1e3, 1.0, size=(4, 9)).astype(np.float32)
    assert ranking(values, higher_is_better=True) == ranking(values.astype(np.float64), higher_is_better=True)


# ---------------------------------------------------------------- levels and ranking


def grid():
    points = [{"x": x, "y": y} for x in ("low", "middle", {"spend": 1.0}) for y in (0, 1)]
    worlds = np.array([0.0, 10.0, 20.0])
    # World by world: x adds 0, 1 or 5, y adds as much as the number of the world.
    values = np.array([[w + {0: 0, 1: 1, 2: 5}[place // 2] + (place % 2) * n for n, w in enumerate(worlds)]
                       for place in range(6)])  # fmt: skip
    return points, values


def test_means_by_level():
    points, values = grid()
    rows = level_means(("x", "y"), points, values)
    assert [(row.factors, row.levels) for row in rows] == [
        (("x",), ("low",)), (("x",), ("middle",)), (("x",), ({"spend": 1.0},)), (("y",), (0,)), (("y",), (1,)),
    ]  # fmt: skip
    assert [row.mean for row in rows] == pytest.approx([10.5, 11.5, 15.5, 12.0, 13.0])
    assert [row.difference for row in rows] == pytest.approx([0.0, 1.0, 5.0, 0.0, 1.0])
    assert (rows[1].difference_low, rows[1].difference_high) == pytest.approx((1.0, 1.0))
    assert (rows[4].difference_low, rows[4].difference_high) == pytest.approx(
        stats.t.interval(0.95, 2, 1.0, 1 / 3**0.5)
    )
    assert (rows[0].low, rows[0].high) == pytest.approx(stats.t.interval(0.95, 2, 10.5, 10.5 / 3**0.5))
    assert {row.replications for row in rows} == {3}


def test_means_of_levels_together():
    points, values = grid()
    rows = level_means(("x", "y"), points, values, together=2)
    assert [row.factors for row in rows] == [("x", "y")] * 6
    assert [row.mean for row in rows] == pytest.approx(values.mean(axis=1).tolist())
    assert [row.difference for row in rows] == pytest.approx((values - values[0]).mean(axis=1).tolist())


def test_points_are_ranked_by_their_means_with_paired_intervals_to_the_best():
    rng = np.random.default_rng(6)
    worlds = 100.0 * rng.normal(size=40)
    noise = rng.normal(size=(4, 40))
    values = np.array([[1.0], [3.0], [2.0], [0.0]]) + worlds + noise
    values[3] = np.nan
    values[1, 7] = np.nan
    rows = ranking(values, higher_is_better=True)
    assert [row.point for row in rows][-1] == 3
    assert np.isnan(rows[-1].mean)
    assert rows[-1].replications == 0
    assert (rows[0].difference, rows[0].low, rows[0].high) == (0.0, 0.0, 0.0)
    second = rows[1]
    paired = values[second.point] - values[rows[0].point]
    paired = paired[~np.isnan(paired)]
    assert second.replications == len(paired)
    assert second.difference == pytest.approx(paired.mean())
    assert (second.low, second.high) == pytest.approx(
        stats.t.interval(0.95, len(paired) - 1, paired.mean(), stats.sem(paired))
    )
    assert [row.point for row in ranking(values[:3], higher_is_better=False)] == [row.point for row in rows[2::-1]]


def test_ties_are_ranked_in_the_order_of_the_points_and_those_without_a_mean_last():
    values = np.tile((np.arange(200) * 7 % 3).astype(float)[:, None], (1, 2))
    values[[3, 60]] = np.nan
    rows = [row.point for row in ranking(values, higher_is_better=True)]
    have = [point for point in range(200) if point not in (3, 60)]
    assert rows == [*sorted(have, key=lambda point: -values[point, 0]), 3, 60]
    rows = [row.point for row in ranking(values, higher_is_better=False)]
    assert rows == [*sorted(have, key=lambda point: values[point, 0]), 3, 60]


def test_an_interval_needs_two_worlds():
    assert interval_of(np.array([3.0, np.nan]))[::3] == (3.0, 1)
    assert np.isnan(interval_of(np.array([3.0])).low)
    assert np.isnan(interval_of(np.array([])).mean)
    assert interval_of(np.full(5, 2.0)) == (2.0, 2.0, 2.0, 5)
