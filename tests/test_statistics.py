"""Statistics on arrays against closed forms, textbooks and what was planted; nothing is played."""

import math

import numpy as np
import pytest
from conftest import assert_same_bits
from hypothesis import given
from hypothesis import strategies as st

from kamsim.analysis.best import chances_best, chances_between
from kamsim.analysis.bootstrap import RESAMPLES, resampled
from kamsim.analysis.corners import box_of, conditions_in, drivers_of, flip_of
from kamsim.analysis.indices import elementary_effects, grouped, index_points, indices_of, luck_of
from kamsim.analysis.intervals import errors_of, means_of
from kamsim.analysis.shapley import coalitions, shapley_values
from kamsim.evidence.ledger import LEDGER
from kamsim.evidence.plausible import PLAUSIBLE

# ---------------------------------------------------------------- means


def test_means_leave_out_worlds_without_the_measure() -> None:
    values = np.array([[1.0, 3.0, math.nan], [math.nan] * 3, [2.0, math.nan, math.nan]])
    np.testing.assert_array_equal(means_of(values), [2.0, math.nan, 2.0])
    np.testing.assert_array_equal(errors_of(values), [1.0, math.nan, math.nan])


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
    assert (rare.policy, rare.best_in, rare.conditions) == ("a", 0.97, ())
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
