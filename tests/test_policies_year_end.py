"""What a program chooses for its year's end: how it sets quotas, when and how it rebuilds, how it lets accounts go."""

from typing import Any

import numpy as np
import pytest
from conftest import assert_same_bits, small
from test_drivers import agree

from kamsim import Scenario, draw_world, simulate
from kamsim.model.ensemble import Run
from kamsim.policy.policy import Intervention, policy_of
from kamsim.world.world import World


def restless(name: str = "status_quo", **sections: dict[str, Any]) -> Scenario:
    """A small program of twelve years that misses and rebuilds often, and its choices."""
    return small(name, timeline={"window_years": 8}, patience_most=2).changed(**sections)


def played(scenario: Scenario, seed: int) -> tuple[World, Run]:
    world = draw_world(scenario, seed=seed)
    return world, simulate(world, scenario, trace=True)


# ---------------------------------------------------------------- quota

QUOTAS: tuple[dict[str, Any], ...] = (
    {"years": 3},
    {"premium": 0.0, "added": 0.08},
    {"ratchet_down": 0.6},
    {"by_potential": 0.7},
    {"years": 10, "premium": 2.0, "added": -0.02, "ratchet_down": 0.3, "by_potential": 1.0},
)


@pytest.mark.parametrize("quota", QUOTAS, ids=str)
@pytest.mark.parametrize("name", ["status_quo", "full_program"])
def test_both_drivers_agree_on_how_quotas_are_set(name: str, quota: dict[str, Any]) -> None:
    differ = False
    for seed in range(3):
        model = agree(restless(name, quota=quota), seed)
        agree(restless(name, quota=quota), seed, intervention=Intervention(quota_without_luck=True))
        plain = simulate(model.world, restless(name))
        differ |= model.history.years.tobytes() != plain.history.years.tobytes()
    assert differ


def test_a_quota_is_the_growth_asked_for_on_the_mean_of_so_many_years_of_those_that_are_key_now() -> None:
    """Recomputed from what the run leaves behind; years before an account came do not count."""
    quota = {"years": 3, "premium": 0.5, "added": 0.03, "ratchet_down": 0.4}
    scenario = restless(quota=quota).changed(world={"arrival": 0.3, "new_size": 2.0}, policy={"ratchet": 0.3})
    came_late = ratchets = 0
    for seed in range(6):
        world, run = played(scenario, seed)
        accounts, years = run.history.accounts, run.history.years
        expected = world.premium if world.prioritizes_returns else scenario.world.premium_elsewhere * world.premium
        growth = 1.0 + world.market_growth + 0.5 * expected + 0.03
        for year in range(2, len(years)):
            members = np.flatnonzero(accounts["tier"][year] > 0)
            usual = 0.0
            for number in members:
                there = [back for back in (1, 2, 3) if back <= year and accounts["tier"][year - back, number] >= 0]
                came_late += len(there) < min(3, year)
                usual += np.mean([accounts["spend"][year - back, number] for back in there])
            old = 0.0 if year == 2 or years["rebuilt"][year - 1] else years["quota"][year - 1]
            if old > 0.0:
                ratchets += usual > old
                usual += 0.3 * max(0.0, old - usual) - 0.4 * max(0.0, usual - old)
            np.testing.assert_allclose(years["quota"][year], usual * growth, rtol=1e-12)
    assert came_late
    assert ratchets


def test_the_quota_of_account_plans_asks_less_where_the_large_ones_have_no_room() -> None:
    """Recomputed where nobody errs in reading: the room is what share of wallet leaves of its ceiling."""
    scenario = small(observation_noise=0.0).changed(quota={"by_potential": 0.8})
    world, run = played(scenario, 2)
    launch = scenario.timeline.history_years - 1
    members = np.flatnonzero(run.history.accounts["tier"][launch + 1] > 0)
    sales = run.history.accounts["spend"][launch, members]
    # Shares are those at the launch, before anybody was elevated: nothing is lost by an elevation.
    ceiling = world.accounts["ceiling"][members]
    room = np.maximum(ceiling - run.trace.accounts["share"][4 * launch + 3, members], scenario.world.least_room)
    promise = 1.0 + room / ceiling
    base = 0.2 * sales.sum() + 0.8 * (sales * promise).sum() / promise.mean()
    expected = world.premium if world.prioritizes_returns else scenario.world.premium_elsewhere * world.premium
    np.testing.assert_allclose(
        run.history.years["quota"][launch + 1], base * (1.0 + world.market_growth + expected), rtol=1e-12
    )
    assert abs(base / sales.sum() - 1.0) > 1e-3


def test_terms_of_quotas_reach_the_drivers() -> None:
    terms = policy_of(Scenario().changed(quota=QUOTAS[-1]), 40).terms
    assert [terms[f"quota_{name}"] for name in QUOTAS[-1]] == list(QUOTAS[-1].values())


def test_a_softer_quota_is_missed_less_often() -> None:
    """In the same worlds, as long as nothing else hangs on misses: programs that never rebuild, KAMs that stay."""
    missed, spent = {}, {}
    for added in (-0.2, 0.0, 0.2):
        scenario = restless(quota={"added": added}).changed(world={"turnover_after_miss": 0.0})
        runs = [
            simulate(draw_world(scenario, seed=seed), scenario, intervention=Intervention(most_rebuilds=0))
            for seed in range(8)
        ]
        missed[added] = np.array([run.history.years["missed"] for run in runs])
        spent[added] = np.array([run.history.accounts["spend"].sum() for run in runs])
    assert_same_bits(spent[-0.2], spent[0.0])
    assert_same_bits(spent[0.2], spent[0.0])
    assert (missed[-0.2] <= missed[0.0]).all()
    assert (missed[0.0] <= missed[0.2]).all()
    assert missed[-0.2].sum() < missed[0.0].sum() < missed[0.2].sum()
