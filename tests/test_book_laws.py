"""Laws of a book and the states of its accounts: known answers, and books that kamsim itself has played."""

import math
from functools import cache

import numpy as np
import pytest

from kamsim.books.filtering import LEAST_SIZE, LEAST_TABULATED, MEAN_STEP, SIZE_STEP, spend_table
from kamsim.books.history import Quarters
from kamsim.books.laws import FACTORS, FittedLaws, Laws, fit_laws, prior_from, prior_of, states_of, unit_of
from kamsim.books.market import market_of
from kamsim.model.session import draw_world, simulate
from kamsim.scenario import load_scenario
from kamsim.types import Floats, Numbers
from kamsim.world.laws import STEADIEST_MULTIPLES
from kamsim.world.parameters import parameters_of

YEARS = 4
SPREAD = {"orders_sd": 0.3, "order_size_sd": 0.4}  # as real books have it
STATUS_QUO = parameters_of(load_scenario("status_quo"))


@cache
def planted(seed: int, world: str = "no_program") -> tuple[Numbers, Quarters, Floats]:
    """A book whose laws are known: what accounts bought under no program, and their true rates at its end.

    A year longer is played: who never buys in it has left, which tells a rate of 0.
    """
    given = {} if world == "no_program" else load_scenario(world).model_dump()["world"]
    known = {name: given[name] for name in Laws._fields if name in given and name not in SPREAD}
    scenario = load_scenario("no_program").changed(
        world={"accounts": 100, "industry_shock_sd": 0.0, "base_concession": 0.0, **SPREAD, **known},
        timeline={"history_years": 2, "warmup_years": 1, "window_years": YEARS - 2},
    )
    drawn = draw_world(scenario, seed=seed)
    trace = simulate(drawn, scenario, trace=True).trace
    assert trace is not None
    spend = np.asarray(trace.accounts["spend"]).T
    end = 4 * YEARS
    rate = 4.0 * np.asarray(drawn.quarters["wallet"])[end - 1] * np.asarray(trace.accounts["share"])[end - 1]
    rate *= (spend[:, end:] > 0).any(axis=1)
    seen = (spend[:, :end] > 0).any(axis=1)
    return parameters_of(scenario), Quarters(0, spend[seen, :end].copy()), rate[seen]


@cache
def fitted(seed: int, world: str = "no_program") -> FittedLaws:
    return fit_laws(planted(seed, world)[1], STATUS_QUO, unit=1.0, accounts=100)


def test_growth_is_bounded_as_in_the_model():
    from kamsim.books import laws

    assert laws.STEADIEST_MULTIPLES == STEADIEST_MULTIPLES


@pytest.mark.parametrize("spread", [0.02, 0.3, 1.0])
def test_density_of_a_quarters_spend_and_the_chance_of_none_add_up_to_one(spread):
    table = spend_table(spread)
    for row in (20, 60, 90):
        mean = math.exp(LEAST_TABULATED + MEAN_STEP * row)
        sizes = np.exp(LEAST_SIZE + SIZE_STEP * np.arange(table.shape[1]))
        density = np.exp(table[row]) * SIZE_STEP
        assert density.sum() + math.exp(-mean) == pytest.approx(1.0, abs=0.01)
        assert (density * sizes).sum() == pytest.approx(mean, rel=0.02)
        assert (density * sizes**2).sum() - mean**2 == pytest.approx(mean * (1.0 + spread), rel=0.06)


def test_the_market_is_told_by_accounts_that_are_there_throughout():
    index = np.cumsum([0.0, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02])
    season = np.log([0.8, 0.9, 1.0, 1.3])
    spend = np.exp(index + np.tile(season, 3)) * np.array([1.0, 5.0, 30.0] * 20)[:, None]
    found = market_of(spend, 0, np.zeros(5), np.array([0.04, 0.3, 0.3, 0.3, 0.3]), 0.005)
    assert found.growth == pytest.approx(0.08, abs=0.005)
    np.testing.assert_allclose(found.of_year, [0.8, 0.9, 1.0, 1.3], rtol=0.02)
    np.testing.assert_allclose(found.level, index - index[-1], atol=0.02)


def test_intervals_cover_the_laws_of_planted_books():
    covered = []
    for seed in (11, 12, 13):
        truth, fit = planted(seed)[0], fitted(seed)
        covered += [
            getattr(fit.low, name) <= getattr(truth, name) <= getattr(fit.high, name)
            for name in Laws._fields
            if hasattr(truth, name) and name != "new_size"
        ]
    assert np.mean(covered) > 0.8


def test_laws_of_a_lively_book_are_told_from_those_of_a_steady_one():
    fit = fitted(11, "lively")
    truth = planted(11, "lively")[0]
    assert fit.told["orders"]
    assert fit.told["hazard"]
    assert abs(math.log(fit.laws.orders / truth.orders)) < 0.5
    assert abs(math.log(fit.laws.hazard / truth.hazard)) < 0.5


def test_states_are_calibrated():
    ranks, left, stayed = [], [], []
    for seed in (11, 12, 13):
        _, quarters, rate = planted(seed)
        states = states_of(quarters, fitted(seed), STATUS_QUO, draws=40)
        assert (np.diff(states.rate, axis=0) >= 0).all()
        there = rate > 0
        ranks.append((states.rate[:, there] < rate[there]).mean(axis=0))
        left.append(states.alive[~there])
        stayed.append(states.alive[there])
    rank = np.concatenate(ranks)
    assert 0.7 < np.mean((rank > 0.1) & (rank < 0.9)) < 0.9
    assert 0.4 < rank.mean() < 0.6
    assert np.concatenate(stayed).mean() > 0.9
    assert np.concatenate(left).mean() < 0.15


def test_who_has_left_beyond_doubt_stands_where_it_bought_last():
    quarters = planted(1)[1]
    large = np.argsort(-quarters.spend.sum(axis=1))[:5]
    spend = quarters.spend.copy()
    spend[large, -5:] = 0.0
    states = states_of(Quarters(quarters.first, spend), fitted(1), STATUS_QUO, draws=40)
    assert np.all(states.alive[large] < 1e-6)
    assert np.isfinite(states.rate).all()
    most = 4.0 * spend.max(axis=1)
    assert np.all(states.rate[:, large] < 3.0 * most[large])  # a year, of four such quarters as the best


def test_other_laws_are_taken_as_sure_as_they_are():
    fit = fitted(11)
    prior = prior_from(fit, prior_of(STATUS_QUO), ("growth_sd",))
    assert prior.laws.growth_sd == fit.laws.growth_sd
    assert prior.sd.growth_sd == fit.sd.growth_sd
    assert prior.laws.hazard == STATUS_QUO.hazard


def test_the_unit_is_a_median_wallet():
    quarters = Quarters(0, np.array([[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0], [3.0, 3.0, 3.0, 3.0]]))
    assert unit_of(quarters, STATUS_QUO) > 8.0
    assert set(FACTORS) < set(Laws._fields)
