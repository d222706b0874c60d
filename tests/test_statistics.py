"""Statistics on arrays against closed forms, textbooks and what was planted; nothing is played."""

import math
import warnings

import numpy as np
import pytest
from conftest import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kamsim.analysis.best import chances_best, chances_between, is_best, regrets_of
from kamsim.analysis.bootstrap import CELLS_AT_A_TIME, RESAMPLES, resampled
from kamsim.analysis.corners import Flip, are_too_few, box_of, conditions_in, drivers_of, flip_of, in_box
from kamsim.analysis.indices import elementary_effects, grouped, index_points, indices_of, luck_of
from kamsim.analysis.intervals import (
    cautions,
    differing_in,
    error_and_margin,
    errors_of,
    half_width_of,
    interval,
    interval_of,
    is_seen,
    largest_unseen,
    mean_of,
    means_of,
    merged_moments,
    moments_of,
    points_among,
    pooled,
    ratio,
    reach_of,
    t_quantile,
)
from kamsim.analysis.shapley import coalitions, shapley_values
from kamsim.evidence.ledger import LEDGER
from kamsim.evidence.plausible import PLAUSIBLE

# ---------------------------------------------------------------- means


def test_means_leave_out_worlds_without_the_measure() -> None:
    values = np.array([[1.0, 3.0, math.nan], [math.nan] * 3, [2.0, math.nan, math.nan]])
    np.testing.assert_array_equal(means_of(values), [2.0, math.nan, 2.0])
    np.testing.assert_array_equal(errors_of(values), [1.0, math.nan, math.nan])


@pytest.mark.parametrize("number", [1, 2, 3, 9])
def test_a_mean_and_its_error_are_those_of_scipy(number: int) -> None:
    values = np.random.default_rng(number).normal(3.0, 2.0, number)
    with_gaps = np.append(values, [math.nan, math.inf])
    points_and_worlds = np.stack([with_gaps, 3.0 * with_gaps])
    assert means_of(points_and_worlds) == pytest.approx(values.mean() * np.array([1.0, 3.0]))
    expected = stats.sem(values) if number > 1 else math.nan
    assert errors_of(points_and_worlds) == pytest.approx(expected * np.array([1.0, 3.0]), nan_ok=True)


def test_nothing_is_divided_by_nothing() -> None:
    above, below = np.array([1.0, 2.0, 3.0, 0.0]), np.array([0.5, 0.0, -1.0, 4.0])
    np.testing.assert_array_equal(ratio(above, below), [2.0, math.nan, math.nan, 0.0])


# ---------------------------------------------------------------- moments


NONE = math.nan
GAPS = np.array([[1.0, 4.0, NONE, 5.0], [NONE, 6.0, NONE, NONE], [3.0, 11.0, NONE, NONE]])


def test_moments_leave_out_what_is_not_there() -> None:
    number, mean, squares = moments_of(GAPS)
    assert number.tolist() == [2.0, 3.0, 0.0, 1.0]
    assert mean.tolist() == [2.0, 7.0, 0.0, 5.0]
    assert squares.tolist() == [1.0 + 1.0, 9.0 + 1.0 + 16.0, 0.0, 0.0]


@pytest.mark.parametrize("cut", [1, 2])
def test_moments_of_two_parts_are_those_of_the_whole(cut: int) -> None:
    merged, whole = merged_moments(moments_of(GAPS[:cut]), moments_of(GAPS[cut:])), moments_of(GAPS)
    for one, other in zip(merged, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    turned = merged_moments(moments_of(GAPS[cut:]), moments_of(GAPS[:cut]))
    np.testing.assert_allclose(turned, whole, rtol=1e-12)


def test_moments_of_large_values_do_not_cancel() -> None:
    values = 1e9 + np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    merged = merged_moments(moments_of(values[:2]), moments_of(values[2:]))
    assert (merged.mean[0], merged.squares[0]) == (1e9 + 2.0, 4.0 + 1.0 + 0.0 + 1.0 + 4.0)


# ---------------------------------------------------------------- intervals


PART = 0.975  # of the t distribution, below the upper end of a 95 % interval
T_TWO = math.tan(math.pi * (PART - 0.5))  # with one degree of freedom it is Cauchy's distribution
T_THREE = (2.0 * PART - 1.0) / math.sqrt(2.0 * PART * (1.0 - PART))  # with two it has a closed form


def test_students_t_is_that_of_its_closed_forms_and_of_scipy() -> None:
    with np.errstate(all="raise"):
        found = t_quantile([0, 1, 2, 3, 40])
    np.testing.assert_allclose(found, [NONE, NONE, T_TWO, T_THREE, stats.t.ppf(PART, 39)], rtol=1e-9)
    assert float(t_quantile(2)) == pytest.approx(T_TWO, rel=1e-9)


def test_two_worlds_have_an_interval_and_one_has_none() -> None:
    values = np.array([1.0, 3.0])  # with a standard error of 1
    with np.errstate(all="raise"):
        widths = half_width_of(moments_of(np.column_stack([values, [NONE, 3.0], [NONE, NONE]])))
    np.testing.assert_allclose(widths, [T_TWO, NONE, NONE], rtol=1e-9)
    assert error_and_margin(np.append(values, NONE)) == pytest.approx((1.0, T_TWO), rel=1e-9)
    assert all(math.isnan(told) for told in error_and_margin(values[:1]))
    assert interval_of(np.append(NONE, values)) == pytest.approx((2.0, 2.0 - T_TWO, 2.0 + T_TWO, 2), rel=1e-9)


@pytest.mark.parametrize("number", [2, 3, 7])
def test_half_a_width_is_that_of_scipy(number: int) -> None:
    values = np.random.default_rng(number).normal(5.0, 3.0, number)
    low, high = stats.t.interval(0.95, number - 1, values.mean(), stats.sem(values))
    assert float(half_width_of(moments_of(values))) == pytest.approx((high - low) / 2.0)


@pytest.mark.parametrize("values", [[3.0], [3.0, 3.0], [0.0] * 5])
def test_what_has_not_differed_may_be_anywhere(values: list[float]) -> None:
    assert math.isinf(reach_of(np.array(values)))


def test_a_mean_of_nothing_is_not_told_and_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean, low, high, number = interval_of(np.array([NONE, NONE]))
        assert np.isnan([mean, low, high]).all()
        assert number == 0
        assert math.isinf(reach_of(np.array([])))


@pytest.mark.parametrize("number", [2, 3, 7])
def test_organizations_that_count_alike_have_the_interval_of_a_mean(number: int) -> None:
    values = np.random.default_rng(number).normal(size=number)
    found = interval(pooled(np.column_stack([4.0 * values, np.full(number, 4.0)])))
    assert found == pytest.approx(stats.t.interval(0.95, number - 1, values.mean(), stats.sem(values)))
    assert interval(mean_of(np.append(values, NONE))) == pytest.approx(found)


def test_organizations_with_nothing_to_count_add_nothing_and_those_with_one_do() -> None:
    estimate = pooled(np.array([[0.0, 0.0], [1.0, 1.0], [6.0, 2.0]]))
    assert (estimate.value, estimate.organizations) == (7.0 / 3.0, 2)
    assert estimate.influence == pytest.approx([0.0, (1.0 - 7.0 / 3.0) / 3.0, (6.0 - 14.0 / 3.0) / 3.0])
    nothing = pooled(np.zeros((3, 2)))
    assert math.isnan(nothing.value)
    assert (nothing.influence.tolist(), nothing.organizations) == ([0.0, 0.0, 0.0], 0)
    assert np.isnan(interval(pooled(np.array([[2.0, 1.0], [0.0, 0.0]])))).all()


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_a_reach_goes_with_the_scale_and_with_the_skew(scale: float) -> None:
    # Two values have no skew, and a standard error of 1; so do three that are even.
    assert reach_of(scale * np.array([1.0, 3.0])) == pytest.approx(scale * T_TWO, rel=1e-9)
    assert reach_of(scale * np.array([-(3.0**0.5), 0.0, 3.0**0.5])) == pytest.approx(scale * T_THREE, rel=1e-9)
    # These have a standard error of 1 as well, and a skewness of 6 / 3**1.5; the rest is Johnson's.
    quantile = stats.t.ppf(PART, 3)
    johnson = quantile + (6.0 / 3.0**1.5) / 2.0 * (1.0 + 2.0 * quantile**2) / 6.0
    assert reach_of(scale * np.array([0.0, 0.0, 0.0, 4.0])) == pytest.approx(scale * johnson, rel=1e-9)
    assert reach_of(scale * np.array([0.0, 0.0, 0.0, -4.0])) == pytest.approx(scale * johnson, rel=1e-9)


# ---------------------------------------------------------------- what a sample may not have seen


@pytest.mark.parametrize(
    ("values", "differing"),
    [
        ([], 0),
        ([0.0, 0.0, 0.0], 0),
        ([0.0, 0.0, 0.0, 1e-12], 1),  # nothing but their own size says what is small
        ([1e6, 1e6, 1e6 + 1e-5, 1e6 + 1.0], 1),  # the third is rounding
        ([-2.0, -2.0, -2.0, 5.0, 6.0], 2),
    ],
)
def test_what_differs_is_told_apart_from_rounding(values: list[float], differing: int) -> None:
    assert differing_in(np.array(values)) == differing


@pytest.mark.parametrize(("number", "least"), [(5, 3), (6, 3), (59, 30), (60, 30), (61, 30), (1000, 30)])
def test_half_of_few_units_or_thirty_of_many_have_to_differ(number: int, least: int) -> None:
    assert is_seen(least, number)
    assert not is_seen(least - 1, number)


def test_the_rule_of_three() -> None:
    assert [largest_unseen(number) for number in (0, 1, 3, 4, 300)] == [1.0, 1.0, 1.0, 0.75, 0.01]


def test_cautions_say_what_never_differs_and_what_seldom_does() -> None:
    seen = [("profit", 0, 2000), ("misses", 0, 1500), ("rebuilds", 4, 2000), ("growth", 7, 1000), ("trust", 30, 2000)]
    assert list(cautions(seen)) == [
        "no difference in any of 1,500 market scenarios (up to 0.20% of all may still differ): profit, misses",
        "few market scenarios show any difference, so these intervals may be wrong: rebuilds (in 4 of 2,000), growth "
        "(in 7 of 1,000)",
    ]
    assert list(cautions(seen[:1], "suppliers")) == [
        "no difference in any of 2,000 suppliers (up to 0.15% of all may still differ): profit"
    ]
    assert list(cautions(seen[-1:])) == []
    points = points_among([("point", 1.0, 1.0), ("width", 0.0, 1.0)], 12)
    assert points == [("point", 0, 12)]


# ---------------------------------------------------------------- resamples


def test_resamples_are_the_same_for_every_statistic_and_any_number_at_a_time() -> None:
    def itself(weights: np.ndarray) -> np.ndarray:
        return weights

    drawn = resampled(itself, 7, 11)
    assert drawn.shape == (1 + RESAMPLES, 7)
    assert_same_bits(drawn, resampled(itself, 7, 11, cells=10_000))
    assert (drawn[0] == 1.0).all()
    assert (drawn.sum(axis=1) == 7.0).all()
    assert not np.array_equal(drawn, resampled(itself, 7, 12))


def batches(organizations: int, **cells: int) -> list[np.ndarray]:
    """The weights that a statistic is handed, call by call."""
    seen: list[np.ndarray] = []

    def statistic(weights: np.ndarray) -> np.ndarray:
        seen.append(weights)
        return weights

    resampled(statistic, organizations, 5, **cells)
    return seen


@pytest.mark.parametrize("cells", [1, 7_000, 3_000_000, CELLS_AT_A_TIME])
def test_no_more_resamples_are_taken_at_a_time_than_memory_is_meant_to_hold(cells: int) -> None:
    sizes = [len(weights) for weights in batches(3, cells=cells)]
    assert sizes[0] == 1
    assert sum(sizes[1:]) == RESAMPLES
    # One is taken at a time even where that is too much already.
    assert max(sizes[1:]) == max(1, min(RESAMPLES, CELLS_AT_A_TIME // (3 * cells)))


def test_a_cell_is_one_number_where_nothing_else_is_said() -> None:
    assert [len(weights) for weights in batches(CELLS_AT_A_TIME // RESAMPLES)] == [1, RESAMPLES]


def test_two_organizations_are_drawn_as_a_coin_falls_and_one_is_not_drawn() -> None:
    two = np.concatenate(batches(2))
    assert two[0].tolist() == [1.0, 1.0]
    assert (two.sum(axis=1) == 2.0).all()
    assert len(two) == 1 + RESAMPLES
    # Both a half of the time, with a standard error of 16 among 1,000.
    assert abs((two[1:, 0] == 1.0).sum() - RESAMPLES / 2) < 80
    assert [weights.tolist() for weights in batches(1)] == [[[1.0]]]


# ---------------------------------------------------------------- best


def test_chances_are_uncertain_by_the_worlds_that_all_sets_share() -> None:
    generator = np.random.default_rng(9)
    shocks = generator.standard_normal((1, 40, 2))

    def between(gap: float) -> list[float]:
        low, high = chances_between(np.array([0.0, gap]) + np.repeat(shocks, 30, axis=0))[:, 1]
        return [float(low), float(high)]

    even = float(shocks[..., 0].mean() - shocks[..., 1].mean())
    low, high = between(even)
    assert low < 0.15  # thirty sets do not make up for worlds
    assert high > 0.85
    assert between(9.0) == [1.0, 1.0]
    assert (chances_between(np.zeros((3, 4, 2))) == 0.5).all()


def test_few_worlds_tell_little_of_their_own_spread() -> None:
    from scipy.stats import t

    merit = np.zeros((3, 2))
    merit[:, 1] = [0.0, 1.0, 2.0]
    expected = t.cdf(1.0 / (1.0 / math.sqrt(3)), 2)
    assert chances_best(merit)[1] == pytest.approx(expected, abs=0.03)


def test_the_chance_of_being_best_is_that_of_paired_means() -> None:
    from scipy.stats import norm

    generator = np.random.default_rng(5)
    common = 100.0 * generator.standard_normal(400)
    merit = np.stack([common, common + 0.1 + generator.standard_normal(400)], axis=1)
    difference = merit[:, 1] - merit[:, 0]
    expected = norm.cdf(difference.mean() / (difference.std(ddof=1) / 20.0))
    assert chances_best(merit)[1] == pytest.approx(expected, abs=0.03)
    assert chances_best(merit).sum() == pytest.approx(1.0)


def test_the_best_are_equals_but_for_rounding_and_never_missing() -> None:
    merit = np.array([[1.0, 1.0 + 1e-12, 0.9], [NONE, -5.0, -5.0 - 1e-6], [NONE, NONE, NONE], [1e-12, 2e-12, 0.0]])
    with np.errstate(all="raise"):
        found = is_best(merit)
    assert found.tolist() == [[True, True, False], [False, True, False], [False] * 3, [False, True, False]]


def test_a_regret_is_what_one_half_chooses_and_the_other_half_loses() -> None:
    even, odd = [4.0, 1.0, 0.0], [2.0, 3.0, 0.0]
    # The even worlds choose the first, which loses 1 in the others to the second; the odd ones lose 3.
    expected = np.mean([np.array(odd)[0] - odd, np.array(even)[1] - even], axis=0)
    assert regrets_of(
        np.add([even, odd, even, odd], np.outer([0.5, -1.0, -0.5, 1.0], [0.0, 1.0, 0.0]))
    ) == pytest.approx(expected)
    tied = regrets_of(np.array([[1.0, 1.0], [4.0, 2.0]]))
    assert tied == pytest.approx([((4.0 + 2.0) / 2 - 4.0 + 0.0) / 2, ((4.0 + 2.0) / 2 - 2.0 + 0.0) / 2])
    assert regrets_of(np.array([[1.0, 2.0], [1.0, 2.0]])) == pytest.approx([1.0, 0.0])  # two worlds are enough
    assert np.isnan(regrets_of(np.array([[1.0, 2.0, 3.0]]))).tolist() == [True] * 3


def test_chances_of_two_worlds_are_those_of_cauchys_distribution() -> None:
    merit = np.array([[0.0, 0.0], [0.0, 2.0]])  # a mean difference of 1 with a standard error of 1
    expected = 0.5 + math.atan(1.0) / math.pi
    assert chances_best(merit)[1] == pytest.approx(expected, abs=0.04)


def test_chances_are_the_same_every_time() -> None:
    merit = np.random.default_rng(3).normal(size=(2, 9, 3))
    assert_same_bits(chances_best(merit[0]), chances_best(merit[0]))
    assert_same_bits(chances_between(merit), chances_between(merit))


@pytest.mark.parametrize("worlds", [3, 6, 40])
def test_chances_spread_as_new_worlds_would_spread_them(worlds: int) -> None:
    """A chance is that of t at the mean over its error, and the mean of new worlds is off by about that error."""
    shape = np.linspace(-1.0, 1.0, worlds)
    lead = 0.4
    differences = lead + shape * math.sqrt(worlds) / shape.std(ddof=1)  # a standard error of 1
    merit = np.column_stack([np.full(worlds, 7.0), 7.0 + differences])
    low, high = chances_between(merit[None])[:, 1]
    # Sums of so many even values are near enough to normal in their ends; few are a little narrower.
    ends = stats.t.cdf(lead + np.array([-1.0, 1.0]) * stats.norm.ppf(PART), worlds - 1)
    assert [low, high] == pytest.approx(ends, abs=0.07)


# ---------------------------------------------------------------- boxes


def points(number: int = 1000, parameters: int = 20, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((number, parameters))


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_corner_comes_back_through_noise(seed: int) -> None:
    cases = points(seed=seed)
    failed = (cases[:, 3] > 0.6) & (cases[:, 11] < 0.5)
    noisy = failed ^ (np.random.default_rng([seed, 1]).random(len(cases)) < 0.1)
    box = box_of(cases, noisy)
    assert set(box.bounds) == {3, 11}
    assert box.bounds[3] == (pytest.approx(0.6, abs=0.03), math.inf)
    assert box.bounds[11] == (-math.inf, pytest.approx(0.5, abs=0.03))
    assert box.density == pytest.approx(0.9, abs=0.05)
    assert box.mass == pytest.approx(0.2, abs=0.04)
    assert box.coverage == pytest.approx(0.9 * 0.2 / (0.9 * 0.2 + 0.1 * 0.8), abs=0.07)
    assert box.held_out == pytest.approx(box.density, abs=0.06)
    assert box.chance < 1e-6


def test_three_bounds_and_a_band_between_two_come_back() -> None:
    cases = points()
    box = box_of(cases, (cases[:, 0] > 0.3) & (cases[:, 5] > 0.6) & (cases[:, 9] < 0.5))
    assert set(box.bounds) == {0, 5, 9}
    assert (box.density, box.coverage) == (pytest.approx(1, abs=0.03), pytest.approx(1, abs=0.03))
    box = box_of(cases, (cases[:, 2] > 0.4) & (cases[:, 2] < 0.6))
    assert box.bounds == {2: (pytest.approx(0.4, abs=0.02), pytest.approx(0.6, abs=0.02))}
    assert conditions_in(box.bounds) == 2


def test_numbers_of_the_box_are_those_of_its_points() -> None:
    cases = points(300, 4)
    failed = np.random.default_rng(2).random(300) < 0.2 + 0.6 * (cases[:, 1] > 0.5)
    box = box_of(cases, failed)
    inside = np.ones(len(cases), dtype=bool)
    for at, (low, high) in box.bounds.items():
        inside &= (cases[:, at] > low) & (cases[:, at] <= high)
    np.testing.assert_array_equal(inside, box.inside)
    assert box.density == failed[inside].mean()
    assert box.coverage == inside[failed].mean()
    assert box.mass == inside.mean()


def test_the_scale_of_parameters_does_not_matter() -> None:
    cases = points(500, 5)
    failed = cases[:, 2] > 0.7
    scale, shift = np.array([1e-4, 1.0, 1e6, 3.0, 0.01]), np.array([0.0, 5.0, -2e6, 0.0, 1.0])
    one, other = box_of(cases, failed), box_of(cases * scale + shift, failed)
    np.testing.assert_array_equal(one.inside, other.inside)


def test_pure_noise_is_no_corner() -> None:
    found = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        cases = generator.random((int(generator.choice([60, 200, 800])), int(generator.choice([3, 35]))))
        box = box_of(cases, generator.random(len(cases)) < generator.choice([0.1, 0.3, 0.6]))
        found += bool(box.bounds)
        assert box.bounds or not box.inside.any()
    assert found <= 1


@pytest.mark.parametrize("failures", [0, 9, 191, 200])
def test_too_few_on_either_side_say_nothing(failures: int) -> None:
    cases = points(200, 3)
    box = box_of(cases, np.argsort(np.argsort(cases[:, 0])) < failures)
    assert not box.bounds
    assert math.isnan(box.density)
    assert math.isnan(box.held_out)


def test_a_box_without_its_lower_bound_and_with_its_upper() -> None:
    cases = np.array([[0.25, 0.0], [0.5, 0.0], [0.75, 0.0], [1.0, 9.0]])
    assert in_box(cases, {0: (0.25, 0.75)}).tolist() == [False, True, True, False]
    assert in_box(cases, {0: (0.25, math.inf), 1: (-math.inf, 1.0)}).tolist() == [False, True, True, False]
    assert in_box(cases, {}).all()
    # A tree tells values apart in single precision: to it, this one is the bound.
    assert not in_box(np.array([[0.5 + 1e-12]]), {0: (0.5, 1.0)}).any()


@pytest.mark.parametrize(("number", "least"), [(100, 10), (500, 10), (501, 11), (1000, 20)])
def test_two_in_a_hundred_and_ten_at_least_have_to_fail_and_not_to(number: int, least: int) -> None:
    for failures, few in ((least - 1, True), (least, False), (number - least, False), (number - least + 1, True)):
        assert are_too_few(np.arange(number) < failures) == few


def test_noise_says_how_little_it_holds_of_points_left_out() -> None:
    generator = np.random.default_rng(1)
    box = box_of(generator.random((200, 3)), generator.random(200) < 0.3)
    assert box.bounds == {}
    assert box.inside.dtype == np.bool_
    assert 0.0 < box.held_out < 0.6
    assert 0.01 <= box.chance <= 1.0
    assert np.isnan([box.density, box.coverage, box.mass]).all()
    # Where nothing can be cut off there is no box, and none of its points fails.
    nowhere = box_of(np.zeros((100, 2)), np.arange(100) < 50)
    assert (nowhere.bounds, nowhere.chance) == ({}, 1.0)
    assert math.isnan(nowhere.held_out)


def test_the_chance_of_a_box_is_hypergeometric() -> None:
    """All 40 that fail are inside and no others, which is one way of choosing 40 of 200."""
    cases = np.repeat([0.0, 1.0], [160, 40])[:, None]
    box = box_of(cases, cases[:, 0] > 0.5)
    assert box.chance == pytest.approx(1.0 / math.comb(200, 40), rel=1e-9, abs=0)
    assert (box.density, box.coverage, box.mass, box.held_out) == (1.0, 1.0, 0.2, 1.0)


def test_a_corner_that_is_sure_but_weak_is_none() -> None:
    generator = np.random.default_rng(6)
    cases = generator.random((4000, 2))
    box = box_of(cases, generator.random(4000) < 0.3 + 0.1 * (cases[:, 0] > 0.5))
    assert box.chance < 1e-4  # no luck, but hardly more failures there than elsewhere
    assert box.bounds == {}


def test_a_condition_that_adds_hardly_anything_is_left_out() -> None:
    cases = points(2000, 3)
    failed = (cases[:, 0] > 0.5) & (cases[:, 1] > 0.03)
    assert set(box_of(cases, failed).bounds) == {0}


def test_a_box_holds_three_in_a_hundred_points_at_least() -> None:
    cases = points(1000, 2)
    failed = (np.abs(cases[:, 0] - 0.5) < 0.0125) | (np.random.default_rng(4).random(1000) < 0.02)
    box = box_of(cases, failed)
    assert box.inside.sum() >= 30
    assert box.bounds[0][0] < 0.5 < box.bounds[0][1]


# ---------------------------------------------------------------- flips and drivers


def test_a_planted_flip_is_found_with_its_bound() -> None:
    generator = np.random.default_rng(7)
    values = generator.uniform(0.005, 0.04, (100, 30))
    names = list(PLAUSIBLE)[:30]
    at = names.index("world.market_growth")
    flipped = values[:, at] > 0.03
    best = ["b" if flip else "a" for flip in flipped]
    flip = flip_of("a", best, names, values)
    (condition,) = flip.conditions
    assert condition.parameter == "world.market_growth"
    assert condition.low == pytest.approx(0.03, abs=0.002)
    assert math.isinf(condition.high)
    assert (flip.inside, flip.outside, flip.instead) == (0.0, 1.0, "b")
    assert flip.sets == flipped.sum()
    assert flip.best_in == pytest.approx(1.0 - flipped.mean())


def test_two_conditions_that_hold_together_are_found() -> None:
    values = np.random.default_rng(8).random((300, 8))
    names = list(PLAUSIBLE)[:8]
    both = (values[:, 2] > 0.4) & (values[:, 5] < 0.6)
    flip = flip_of("a", ["b" if flip else "a" for flip in both], names, values)
    assert {condition.parameter for condition in flip.conditions} == {names[2], names[5]}
    low, high = sorted(flip.conditions, key=lambda condition: condition.high, reverse=True)
    assert low.low == pytest.approx(0.4, abs=0.05)
    assert high.high == pytest.approx(0.6, abs=0.05)
    assert flip.inside < 0.05 < 0.95 < flip.outside


def test_pure_chance_and_rare_flips_have_no_condition() -> None:
    found = 0
    for seed in range(10):
        generator = np.random.default_rng(seed)
        best = ["b" if chance else "a" for chance in generator.random(100) < 0.35]
        found += bool(flip_of("a", best, list(PLAUSIBLE)[:30], generator.random((100, 30))).conditions)
    assert found <= 2
    rare = flip_of("a", ["b"] * 3 + ["a"] * 97, ["world.turnover"], np.arange(100.0)[:, None])
    assert repr(rare) == repr(Flip("a", 0.97))  # what cannot be told is NaN, which equals nothing
    assert flip_of("a", ["a"] * 20, [], np.empty((20, 0))).best_in == 1.0


def test_drivers_are_those_planted_whatever_they_are_varied_by() -> None:
    generator = np.random.default_rng(2)
    fitted, moved = generator.random((100, 12)), generator.uniform(0.75, 1.25, (100, 20))
    names = list(PLAUSIBLE)[:12]
    assumed = [f"{row.section}.{row.name}" for row in LEDGER if row.kind == "assumed"][:20]
    noise = 0.2 * generator.standard_normal(100)
    drivers = drivers_of(
        (names, fitted, -5.0 * fitted[:, 3] + noise), (assumed, moved, 4.0 * moved[:, 6] + 0.2 * noise)
    )
    assert [(driver.parameter, driver.moved) for driver in drivers] == [(names[3], False), (assumed[6], True)]
    assert drivers[0].correlation < -0.9
    assert drivers[1].correlation > 0.9
    assert drivers_of((names, fitted, noise), (assumed, moved, np.zeros(100))) == ()


def test_a_flip_tells_what_its_parameter_is_and_who_is_best_instead() -> None:
    row = LEDGER[0]
    name, values = f"{row.section}.{row.name}", np.linspace(0.0, 1.0, 101)[:, None]
    best = ["a"] * 61 + ["b"] * 25 + ["c"] * 15
    flip = flip_of("a", best, [name], values)
    (condition,) = flip.conditions
    assert (condition.meaning, condition.unit, condition.kind) == (row.meaning, row.unit, row.kind)
    assert (flip.instead, flip.sets, flip.inside, flip.outside) == ("b", 40, 0.0, 1.0)
    assert flip.score > 0.9
    (unknown,) = flip_of("a", best, ["none.such"], values).conditions
    assert (unknown.parameter, unknown.meaning, unknown.unit, unknown.kind) == ("none.such", "", "", "")


@pytest.mark.parametrize(("sets", "least"), [(40, 5), (50, 5), (51, 6), (100, 10)])
def test_a_tenth_of_the_sets_and_five_at_least_are_asked_where_a_ranking_flips(sets: int, least: int) -> None:
    values = np.arange(float(sets))[:, None]
    for flipped, asked in ((least - 1, False), (least, True)):
        flip = flip_of("a", ["b"] * flipped + ["a"] * (sets - flipped), ["world.turnover"], values)
        assert math.isnan(flip.score) != asked


def test_a_parameter_that_is_the_same_in_every_set_is_no_condition() -> None:
    values = np.column_stack([np.full(60, 3.0), np.arange(60.0)])
    with np.errstate(all="raise"):
        flip = flip_of("a", ["a"] * 30 + ["b"] * 30, ["world.turnover", "world.market_growth"], values)
        same = flip_of("a", ["a"] * 30 + ["b"] * 30, ["world.turnover"], values[:, :1])
    assert [condition.parameter for condition in flip.conditions] == ["world.market_growth"]
    assert (same.conditions, same.best_in) == ((), 0.5)
    assert math.isnan(same.score)


def test_a_flip_on_one_parameter_takes_one_condition_through_noise() -> None:
    generator = np.random.default_rng(5)
    values = generator.random((400, 4))
    flipped = (values[:, 1] > 0.7) ^ (generator.random(400) < 0.1)
    flip = flip_of("a", ["b" if flip else "a" for flip in flipped], list(PLAUSIBLE)[:4], values)
    (condition,) = flip.conditions
    assert (condition.parameter, condition.low) == (list(PLAUSIBLE)[1], pytest.approx(0.7, abs=0.03))
    # Balanced: noise turns a tenth of either side.
    wrong, right = flipped & (values[:, 1] <= 0.7), flipped & (values[:, 1] > 0.7)
    kept = 1.0 - wrong.sum() / (values[:, 1] <= 0.7).sum()
    assert flip.outside == pytest.approx(kept, abs=0.02)
    assert flip.score == pytest.approx((right.sum() / flipped.sum() + (~flipped & (values[:, 1] <= 0.7)).sum()
                                        / (~flipped).sum()) / 2, abs=0.02)  # fmt: skip


def test_the_score_is_that_of_two_conditions_at_most() -> None:
    values = np.random.default_rng(8).random((400, 5))
    two = (values[:, 2] > 0.4) & (values[:, 4] < 0.6)
    # One condition alone finds all, but takes in 0.6 * 0.4 of 1 - 0.36 that are none: 0.81.
    assert flip_of("a", ["b" if flip else "a" for flip in two], list(PLAUSIBLE)[:5], values).score > 0.92
    three = (values[:, :3] > 0.3).all(axis=1)
    # Two find all and take in 0.49 * 0.3 of 1 - 0.343: 0.89; three would miss next to nothing.
    flip = flip_of("a", ["b" if flip else "a" for flip in three], list(PLAUSIBLE)[:5], values)
    assert len(flip.conditions) <= 2
    assert flip.score == pytest.approx(1.0 - 0.49 * 0.3 / (1.0 - 0.343) / 2.0, abs=0.04)


def ranks_correlated(least: float, sets: int) -> np.ndarray:
    """Numbers whose ranks correlate with 0, 1, 2, ... by a little more than so much: the last are swapped in turn."""
    values, order = np.arange(float(sets)), np.arange(float(sets))
    generator = np.random.default_rng(0)
    while True:
        one, other = generator.integers(sets, size=2)
        turned = values.copy()
        turned[[one, other]] = values[[other, one]]
        found = np.corrcoef(turned, order)[0, 1]
        if found > least:
            values = turned
            if found < least + 0.004:
                return values


@pytest.mark.parametrize("sets", [12, 40])
def test_a_driver_is_one_beyond_what_chance_gives_any_of_so_many(sets: int) -> None:
    """Bonferroni: a normal quantile of 5 % shared by two tails and by all that is tried, over the root of sets - 1."""
    row = next(row for row in LEDGER if row.kind == "assumed")
    name, difference = f"{row.section}.{row.name}", np.arange(float(sets))
    nothing = ((), np.empty((sets, 0)), difference)
    flat = [f"{other.section}.{other.name}" for other in LEDGER[:4] if other is not row][:3]
    least = stats.norm.ppf(1.0 - 0.05 / 2.0 / 4.0) / math.sqrt(sets - 1.0)
    for beyond in (-0.005, 0.001):
        column = ranks_correlated(least + beyond, sets)
        # What never moved comes first and last, and nothing is divided by how little it moved.
        values = np.column_stack([np.ones(sets), column / (sets - 1.0), np.ones((sets, 2))])
        with np.errstate(all="raise"):
            found = drivers_of(nothing, ([flat[0], name, *flat[1:]], values, difference))
        assert bool(found) == (beyond > 0.0)
    (driver,) = found
    assert (driver.parameter, driver.meaning, driver.kind, driver.moved) == (name, row.meaning, row.kind, True)
    assert driver.correlation == pytest.approx(np.corrcoef(column, difference)[0, 1])
    assert driver.effect == pytest.approx(driver.correlation * difference.std())


def test_sets_without_a_difference_tell_no_driver() -> None:
    name = f"{LEDGER[0].section}.{LEDGER[0].name}"
    values, difference = np.arange(40.0)[:, None], np.arange(40.0)
    nothing: tuple[list[str], np.ndarray, np.ndarray] = ([], np.empty((40, 0)), difference)
    gaps = np.where(np.arange(40) < 30, difference, math.nan)
    (driver,) = drivers_of(([name], values, gaps), nothing)
    assert driver.correlation == pytest.approx(1.0)
    with np.errstate(all="raise"):
        for missing in (np.full(40, math.nan), np.where(np.arange(40) < 2, difference, math.nan), np.ones(40)):
            assert drivers_of(([name], values, missing), nothing) == ()


def test_boxes_and_flips_are_the_same_every_time() -> None:
    generator = np.random.default_rng(8)
    values = generator.random((120, 3))
    marks = (values[:, 0] > 0.6) ^ (generator.random(120) < 0.2)
    best = ["b" if mark else "a" for mark in marks]
    boxes = [box_of(values, marks) for _ in range(3)]
    assert len({(box.held_out, box.chance) for box in boxes}) == 1
    assert len({flip_of("a", best, list(PLAUSIBLE)[:3], values).score for _ in range(3)}) == 1


# ---------------------------------------------------------------- Shapley


def game(worth: dict[str, float], players: str) -> np.ndarray:
    return np.array([worth["".join(sorted(there))] for there in coalitions(players)])


def test_coalitions_come_in_the_order_that_values_are_read_in() -> None:
    assert [sorted(there) for there in coalitions("ab")] == [[], ["b"], ["a"], ["a", "b"]]
    assert coalitions(()) == [frozenset()]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6))
def test_in_an_additive_game_everyone_gets_what_they_bring(brought: list[float]) -> None:
    worth = np.array([sum(brought[player] for player in there) for there in coalitions(range(len(brought)))])
    assert shapley_values(worth) == pytest.approx(np.array(brought), abs=1e-9)


def test_the_owner_of_the_only_left_glove_gets_most() -> None:
    worth = {there: float("l" in there and len(there) > 1) for there in ("", "l", "p", "q", "lp", "lq", "pq", "lpq")}
    assert shapley_values(game(worth, "lpq")) == pytest.approx([2 / 3, 1 / 6, 1 / 6], rel=1e-12)


def test_alike_players_get_alike_and_a_dummy_gets_nothing() -> None:
    square = np.array([float(len(there - {"dummy"}) ** 2) for there in coalitions(("a", "dummy", "b", "c"))])
    assert shapley_values(square) == pytest.approx([3.0, 0.0, 3.0, 3.0], abs=1e-12)


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_values_add_up_to_what_everybody_adds(players: int, seed: int) -> None:
    worth = np.random.default_rng(seed).normal(size=(2**players, 3))
    assert shapley_values(worth).sum(axis=0) == pytest.approx(worth[-1] - worth[0], abs=1e-9)
    assert shapley_values(worth[:, 0]) == pytest.approx(shapley_values(worth)[:, 0])


@pytest.mark.parametrize("coalition_count", [0, 3, 6])
def test_a_game_without_a_worth_for_every_coalition_is_refused(coalition_count: int) -> None:
    with pytest.raises(ValueError, match="coalitions"):
        shapley_values(np.zeros(coalition_count))


# ---------------------------------------------------------------- indices


def variance_indices(model, groups, points, seed=1):
    return indices_of(groups, model(index_points(groups, points, seed)), seed)


def ishigami(points: np.ndarray) -> np.ndarray:
    x = math.pi * (2.0 * points - 1.0)
    return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def ishigami_indices() -> tuple[np.ndarray, np.ndarray]:
    """First-order and total indices in closed form (Ishigami & Homma 1990)."""
    a, b, pi = 7.0, 0.1, math.pi
    one, two, both = 0.5 * (1 + b * pi**4 / 5) ** 2, a**2 / 8, 8 * b**2 * pi**8 / 225
    variance = one + two + both
    return np.array([one, two, 0.0]) / variance, np.array([one + both, two, both]) / variance


def test_indices_of_ishigamis_function_come_back() -> None:
    found = variance_indices(ishigami, [0, 1, 2], 4096, seed=3)
    first, total = ishigami_indices()
    np.testing.assert_allclose(found.first, first, atol=0.02)
    np.testing.assert_allclose(found.total, total, atol=0.02)
    assert (np.abs(found.first - first) <= 1.5 * found.first_margin + 1e-3).all()
    assert (np.abs(found.total - total) <= 1.5 * found.total_margin + 1e-3).all()
    assert (found.first_margin < 0.06).all()


def test_parameters_in_one_group_have_one_index() -> None:
    found = variance_indices(ishigami, [-1, 1, -1], 4096, seed=3)
    first, total = ishigami_indices()
    # What the first and the third do together is inside their group.
    assert found.first[0] == pytest.approx(1.0 - total[1], abs=0.03)
    assert found.total[1] == pytest.approx(first[1], abs=0.03)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_indices_of_a_linear_function_are_its_squared_weights(seed: int) -> None:
    weights = np.array([3.0, 0.0, 1.0, -2.0])
    found = variance_indices(lambda points: 100.0 + points @ weights, range(4), 1024, seed=seed)
    part = weights**2 / (weights**2).sum()
    np.testing.assert_allclose(found.first, part, atol=0.03)
    np.testing.assert_allclose(found.total, part, atol=0.03)
    assert found.total[1] == 0
    assert_same_bits(found, variance_indices(lambda points: 100.0 + points @ weights, range(4), 1024, seed=seed))


def test_a_constant_has_indices_of_zero() -> None:
    found = variance_indices(lambda points: np.full(len(points), 2.5), [0, 1], 16)
    assert not np.array(found).any()
    assert not elementary_effects(lambda points: np.zeros(len(points)), 3).any()


def test_screening_ranks_as_the_effects_are() -> None:
    weights = np.array([0.5, 0.0, 4.0, -2.0, 1.0])
    effects = elementary_effects(lambda points: points @ weights, 5, seed=9)
    np.testing.assert_allclose(effects, np.abs(weights), atol=1e-9)
    # An effect that changes its sign counts all the same.
    effects = elementary_effects(lambda points: (points[:, 0] - 0.5) ** 2 + 0.1 * points[:, 1], 3, 50)
    assert effects[2] == 0 < effects[1]
    assert effects[0] > effects[1] or effects[0] > 0
    found = elementary_effects(ishigami, 3, 200)
    assert (np.argsort(-found)[0], (found > 0.5).all()) in [(0, True), (1, True)]


def test_the_largest_effects_stand_alone_and_the_others_together() -> None:
    effects = np.array([1.0, 5.0, 0.1, 3.0])
    assert grouped(effects, 2) == [-1, 1, -1, 3]
    assert grouped(effects, 4) == [0, 1, 2, 3]


def test_luck_is_the_noise_that_was_planted() -> None:
    generator = np.random.default_rng(1)
    signal = generator.standard_normal(20_000)
    one, other = (signal + 0.5 * generator.standard_normal(20_000) for _ in range(2))
    # The mean of both halves has half the noise of either: 0.125 against a signal of 1.
    assert luck_of(one, other) == pytest.approx(0.125 / 1.125, abs=0.01)
    assert luck_of(signal, signal) == pytest.approx(0.0, abs=1e-12)
    assert luck_of(generator.standard_normal(5000), -generator.standard_normal(5000)) > 0.9
    assert luck_of(np.ones(4), np.ones(4)) == 0.0
    assert luck_of(np.ones(4), np.arange(4.0)) == 1.0


def test_base_points_are_a_design_of_the_unit_cube() -> None:
    points = index_points([0, -1, -1], 8, seed=0)
    assert points.shape == (8 * 4, 3)
    assert ((points >= 0) & (points <= 1)).all()
