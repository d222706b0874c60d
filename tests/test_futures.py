"""A world goes on from any quarter with other draws, while its past stays as it was."""

from typing import Any

import numpy as np
import pytest
from conftest import assert_same_bits, examples, small
from hypothesis import given
from hypothesis import strategies as st

from kamsim import KamsimError, KeyAccountProgram, draw_world, simulate
from kamsim.world.customers import Future
from kamsim.world.world import split_seed

ON: dict[str, Any] = {"buyer_turnover": 0.1, "contract_years": 2, "order_size_sd": 0.5, "arrival": 0.2}


def quarters_of(scenario: Any) -> int:
    return len(draw_world(scenario, seed=1).quarters)


@examples(40)
@given(st.integers(0, 2**16), st.integers(0, 23), st.integers(0, 2**16))
def test_the_past_stays_to_the_last_bit_whatever_the_future(seed: int, begin: int, future: int) -> None:
    scenario = small(**ON)
    begin %= quarters_of(scenario)
    usual = draw_world(scenario, seed=seed)
    other = draw_world(scenario, seed=seed, future_seed=future, from_quarter=begin)
    before = usual.accounts["arrives"] < begin
    assert_same_bits(usual.accounts[before], other.accounts[before])
    assert (other.accounts["arrives"][~before] >= begin).all()
    for quarter in range(begin):
        there = usual.accounts["arrives"] <= quarter
        assert_same_bits(usual.quarters[quarter][there], other.quarters[quarter][there])
        assert_same_bits(usual.buyer_leaves[quarter][there], other.buyer_leaves[quarter][there])
        assert_same_bits(usual.order_sizes[quarter][there], other.order_sizes[quarter][there])
    assert_same_bits(usual.kam_quarters[:begin], other.kam_quarters[:begin])
    assert_same_bits(usual.readings[: begin // 4][:, before], other.readings[: begin // 4][:, before])
    traces = [simulate(world, scenario, trace=True).trace for world in (usual, other)]
    assert traces[0] is not None
    assert traces[1] is not None
    assert_same_bits(traces[0].accounts[:begin][:, before], traces[1].accounts[:begin][:, before])
    assert_same_bits(traces[0].functions[:begin], traces[1].functions[:begin])


def test_a_world_goes_on_with_its_own_seed_as_it_was_drawn() -> None:
    scenario = small(**ON)
    for begin in (0, 8, 12):
        assert_same_bits(draw_world(scenario, seed=5), draw_world(scenario, seed=5, future_seed=5, from_quarter=begin))


def test_a_future_from_the_start_is_another_world_but_for_who_is_there() -> None:
    scenario = small(**ON)
    usual, other = (draw_world(scenario, seed=seed) for seed in (5, 6))
    gone_on = draw_world(scenario, seed=5, future_seed=6, from_quarter=0)
    assert_same_bits(gone_on.accounts[: usual.first], usual.accounts[: usual.first])
    for column in set(other.accounts.dtype.names or ()) - {"cost"}:  # which is told against the mean of who is there
        assert_same_bits(gone_on.accounts[column][usual.first :], other.accounts[column][usual.first :])
    assert_same_bits(gone_on.kam_quarters, other.kam_quarters)
    assert_same_bits(gone_on.quarters["score"], other.quarters["score"])


def test_futures_of_one_past_are_independent() -> None:
    """Growth, orders and leaving of an account in one future tell nothing of another."""
    scenario = small(accounts=400, arrival=0.0, industry_shock_sd=0.0)
    begin = 4 * scenario.timeline.history_years
    usual, *futures = (draw_world(scenario, seed=2, future_seed=seed, from_quarter=begin) for seed in (2, 11, 12))
    for column in ("score", "leave"):
        columns = [world.quarters[begin:][column].ravel() for world in (usual, *futures)]
        assert np.abs(np.corrcoef(columns) - np.eye(3)).max() < 4 / np.sqrt(len(columns[0]))
    growth = [np.log(world.quarters["wallet"][-1] / world.quarters["wallet"][begin - 1]) for world in (usual, *futures)]
    assert np.abs(np.corrcoef(growth) - np.eye(3)).max() < 4 / np.sqrt(400)
    spreads = [values.std() for values in growth]
    assert max(spreads) / min(spreads) < 1.4


def test_growth_and_arrivals_of_a_year_that_is_broken_stay_as_many() -> None:
    """A future that begins within a year has the growth of one year in it, not of two or none."""
    scenario = small(accounts=3000, arrival=0.2, market_growth=0.0, industry_shock_sd=0.0)
    begin = 4 * scenario.timeline.history_years + 2
    worlds = [
        draw_world(scenario, seed=3),
        *(draw_world(scenario, seed=3, future_seed=9, from_quarter=begin + place) for place in range(3)),
    ]
    year = slice(4 * scenario.timeline.history_years - 1, 4 * scenario.timeline.history_years + 4)
    for world in worlds:
        moved = np.diff(np.log(world.quarters["wallet"][year, :3000]), axis=0) != 0
        assert (moved.sum(axis=0) == 1).all()
    come = [int((world.accounts["arrives"][3000:] < 4 * len(world.readings)).sum()) for world in worlds]
    assert len(set(come)) == 1
    after = [world.accounts["arrives"][3000:] for world in worlds]
    assert any((after[0] != others).any() for others in after[1:])


@pytest.mark.parametrize("begin", [8, 9, 11, 14])
def test_both_drivers_go_on_with_the_same_future(begin: int) -> None:
    scenario = small(**ON)
    run = simulate(draw_world(scenario, seed=4, future_seed=77, from_quarter=begin), scenario)
    model = KeyAccountProgram(scenario, seed=4, future=Future(*split_seed(77), begin))
    model.run_model()
    assert_same_bits(run.history, model.history)


def test_a_quarter_that_a_run_does_not_have_is_refused() -> None:
    scenario = small()
    with pytest.raises(KamsimError, match="needs a future seed"):
        draw_world(scenario, seed=1, from_quarter=3)
    with pytest.raises(KamsimError, match="the run has quarters 0 to"):
        draw_world(scenario, seed=1, future_seed=2, from_quarter=999)
