"""What a decision rests on, against planted answers: chances, regret, verdicts, and what it is worth to know more."""

import numpy as np
import pytest
from scipy.stats import norm

from kamsim.analysis.decision import chance_ahead, luck_of, odds_of, truths_of, verdict_between
from kamsim.analysis.information import value_of_knowing

SETS, CASES = 33, 6
NUMBERS = np.repeat(np.arange(SETS), CASES)


def planted(
    means: list[float], of_sets: float, of_cases: float, luck: float, seed: int, futures: int = 2
) -> np.ndarray:
    """Profit by case, future and policy, with spreads of sets, cases and luck; what worlds share is large."""
    generator = np.random.default_rng(seed)
    shape = (len(means),)
    sets = of_sets * generator.standard_normal((SETS, 1, 1, *shape))
    cases = of_cases * generator.standard_normal((SETS, CASES, 1, *shape))
    futures_of = luck * generator.standard_normal((SETS, CASES, futures, *shape))
    shared = 50.0 * generator.standard_normal((SETS, CASES, futures, 1))
    profit = np.array(means) + sets + cases + futures_of + shared
    return profit.reshape(SETS * CASES, futures, *shape)


def test_what_is_told_of_policies_is_what_was_planted() -> None:
    """Two policies apart by a normal truth of known mean and spread: chance, regret and range in closed form."""
    mean, spread = 0.5, np.sqrt(2 * (0.6**2 + 0.8**2))
    ahead, regrets, lows = [], [], []
    for seed in range(30):
        truths = truths_of(planted([0.0, mean], 0.6, 0.8, 2.0, seed), NUMBERS)
        odds = odds_of(truths)
        ahead.append(chance_ahead(truths, 1, 0))
        regrets.append(odds.regret)
        lows.append((odds.low[1], odds.high[1]))
        assert odds.best.sum() == pytest.approx(1.0)
        assert odds.low[0] == odds.high[0] == 0.0
    z = mean / spread
    lost = spread * norm.pdf(z) - mean * norm.cdf(-z)  # of the second; the first loses so much more than the mean
    assert np.mean(ahead) == pytest.approx(norm.cdf(z), abs=0.03)
    assert np.mean(regrets, axis=0) == pytest.approx([lost + mean, lost], abs=0.08)
    assert np.mean(lows, axis=0) == pytest.approx(mean + spread * np.array([-1.96, 1.96]), abs=0.25)


def test_more_luck_of_futures_makes_no_policy_more_or_less_certain() -> None:
    little, much = (
        [chance_ahead(truths_of(planted([0.0, 1.0], 0.5, 0.5, luck, seed), NUMBERS), 1, 0) for seed in range(25)]
        for luck in (0.1, 3.0)
    )
    assert np.mean(much) == pytest.approx(np.mean(little), abs=0.04)
    assert np.std(much) > np.std(little)


def test_a_mean_of_few_worlds_is_as_uncertain_as_it_says() -> None:
    off, inside = [], 0
    for seed in range(200):
        truths = truths_of(planted([0.0, 0.0], 0.0, 0.3, 2.0, seed), NUMBERS)
        off.append(truths.mean[1])
        inside += abs(truths.mean[1]) <= luck_of(truths, 1, 0)
    assert 0.91 <= inside / 200 <= 0.985


@pytest.mark.parametrize("groups", [NUMBERS, None])
def test_policies_that_do_the_same_are_the_same(groups: np.ndarray | None) -> None:
    profit = planted([0.0, 0.4], 0.5, 0.5, 1.0, 1)
    profit = np.concatenate([profit, profit[..., 1:]], axis=-1)
    truths = truths_of(profit, groups)
    assert verdict_between(truths, 1, 2) == "same"
    assert chance_ahead(truths, 1, 2) == 0.5
    odds = odds_of(truths)
    assert odds.best[1] == pytest.approx(odds.best[2])


def test_a_policy_is_called_better_where_it_is_and_undecided_where_cases_differ() -> None:
    far = truths_of(planted([0.0, 5.0, 0.2], 0.4, 0.4, 1.0, 2), NUMBERS)
    assert verdict_between(far, 1, 0) == verdict_between(far, 1, 2) == "better"
    assert verdict_between(far, 0, 1) == "worse"
    assert verdict_between(far, 2, 0) == "undecided"


def test_the_best_is_named_wrongly_in_at_most_one_of_twenty() -> None:
    """Means of policies are planted anew each time, and the firm is one more case of the same kind."""
    named = wrong = 0
    for seed in range(300):
        generator = np.random.default_rng(1000 + seed)
        means = [0.0, *generator.normal(0.0, 2.0, 4)]
        truths = truths_of(planted(means, 0.5, 0.5, 1.5, seed), NUMBERS)
        best = int(truths.mean.argmax())
        others = [place for place in range(5) if place != best]
        if any(verdict_between(truths, best, other) != "better" for other in others):
            continue
        named += 1
        firm = np.array(means) + generator.standard_normal(5) * np.sqrt(0.5**2 + 0.5**2)
        wrong += int(firm.argmax()) != best
    assert named > 60
    assert wrong <= 0.05 * 300
    assert wrong / named <= 0.08


def test_a_single_future_of_each_case_tells_nothing_of_luck() -> None:
    with pytest.raises(ValueError, match="two futures"):
        truths_of(np.zeros((10, 1, 2)))


# ---------------------------------------------------------------- what it is worth to know more


@pytest.mark.parametrize(("mean", "slope", "luck"), [(0.4, 1.0, 1.0), (-0.5, -2.0, 1.5), (1.0, 0.3, 0.5)])
def test_the_value_of_a_datum_in_a_linear_case_is_the_closed_form(mean: float, slope: float, luck: float) -> None:
    """One policy earns nothing, the other mean + slope x + noise, x standard normal: E max(0, .) - max(0, mean)."""
    told = []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        datum = generator.standard_normal((SETS * CASES, 2))
        second = mean + slope * datum[:, 0] + luck * generator.standard_normal(len(datum))
        told.append(value_of_knowing(np.stack([np.zeros(len(datum)), second], axis=1), datum, NUMBERS))
    spread = abs(slope)
    known = spread * norm.pdf(mean / spread) + mean * norm.cdf(mean / spread) - max(0.0, mean)
    values, errors = np.array(told).T
    assert values.mean() == pytest.approx(known, abs=0.03)
    assert errors.mean() == pytest.approx(values.std(), rel=0.5, abs=0.02)


def test_a_datum_of_the_parameters_is_as_good_as_the_sets_are_many() -> None:
    generator = np.random.default_rng(3)
    of_sets = generator.standard_normal(SETS)[NUMBERS]
    second = of_sets + 0.5 * generator.standard_normal(len(of_sets))
    found = value_of_knowing(np.stack([np.zeros(len(second)), second], axis=1), of_sets[:, None], NUMBERS)
    assert found.value == pytest.approx(norm.pdf(0), abs=0.1)


def test_what_has_nothing_to_do_with_the_choice_is_worth_nothing() -> None:
    values = []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        datum = generator.standard_normal((SETS, 3))[NUMBERS]
        earned = generator.standard_normal((SETS * CASES, 4)) + 2.0 * datum[:, :1]
        values.append(value_of_knowing(earned, datum, NUMBERS).value)
    assert np.mean(values) < 0.05  # of policies a whole unit apart in each case
    assert np.median(values) == 0.0


def test_what_is_the_same_in_all_cases_is_known_already() -> None:
    earned = np.random.default_rng(1).standard_normal((SETS * CASES, 3))
    assert value_of_knowing(earned, np.full((len(earned), 2), 0.3), NUMBERS) == (0.0, 0.0)
    assert value_of_knowing(np.zeros((20, 3)), np.arange(20.0)[:, None], np.arange(20)) == (0.0, 0.0)
