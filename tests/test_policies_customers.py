"""Policies on the customer's side: what each does, what it costs, and that both drivers play it alike."""

from typing import Any

import numpy as np
import pytest
from conftest import small
from test_drivers import agree
from test_levers import accounts, is_less, total

from kamsim import Scenario, draw_world, load_scenario, simulate
from kamsim.measures.profit import TERMS, Account
from kamsim.rules.tiering import NO_CUSTOMER
from kamsim.scenario import with_values
from kamsim.types import Floats

SEEDS = range(4)


def busy(name: str = "status_quo", **policy: Any) -> Scenario:
    """A small scenario in which accounts come and go, KAMs leave and programs are rebuilt."""
    world: dict[str, Any] = {"hazard": 0.03, "hazard_size": 0.0, "patience_most": 2, "turnover": 0.1}
    return small(name, timeline={"window_years": 6}, **world).changed(policy=policy)


def term(amounts: Floats, name: str) -> Floats:
    """One term of profit, by world and scenario."""
    return np.asarray(amounts[..., Account._fields.index(name)])


# ---------------------------------------------------------------- give-get pricing


GIVE_GET = {"rebate": 0.05}
WITHOUT_CONCESSION = {"tiers.key.concession": 0.0, "tiers.strategic.concession": 0.0}


@pytest.mark.parametrize("name", ["status_quo", "full_program", "spend_retiering"])
def test_both_drivers_grant_the_same_rebates(name: str) -> None:
    for seed in SEEDS:
        model = agree(busy(name, **GIVE_GET), seed)
        assert_grants(model.scenario, seed)


def assert_grants(scenario: Scenario, seed: int) -> None:
    """Rebates once more in plain NumPy: what the year's orders came to, less its net sales."""
    world = draw_world(scenario, seed=seed)
    run = simulate(world, scenario, trace=True)
    annual, bought = run.history.accounts, sum(run.trace.accounts["spend"][quarter::4] for quarter in range(4))
    listed, paid = annual["listed"][1:], (bought - annual["spend"])[1:]
    room = scenario.world.most_conceded * listed - (listed - bought[1:])
    rebate = np.minimum(scenario.policy.rebate * np.maximum(0.0, np.diff(annual["listed"], axis=0)), room)
    came_before = world.accounts["arrives"] // 4 < np.arange(1, len(annual))[:, None]
    expected = np.where((annual["tier"][1:] > 0) & came_before, rebate, 0.0)
    # Of the last year nothing tells who stayed.
    known = np.append(annual["tier"][2:] != NO_CUSTOMER, np.zeros((1, len(world.accounts)), dtype=bool), axis=0)
    np.testing.assert_allclose(paid[known], expected[known], rtol=1e-9, atol=1e-12)
    assert (paid[known] > 0).any()
    assert (paid <= expected + 1e-12).all()
    # Quotas are judged by net sales.
    key = np.where(annual["tier"] > 0, annual["spend"], 0.0).sum(axis=1)
    np.testing.assert_allclose(run.history.years["key_revenue"], key, rtol=1e-12)


def test_who_leaves_within_the_year_has_no_rebate() -> None:
    scenario = busy(**{"rebate": 0.4}).changed(world={"hazard": 0.2})
    world = draw_world(scenario, seed=3)
    run = simulate(world, scenario, trace=True)
    annual, bought = run.history.accounts, sum(run.trace.accounts["spend"][quarter::4] for quarter in range(4))
    left = (annual["tier"][1:-1] > 0) & (annual["tier"][2:] == NO_CUSTOMER)
    assert left.any()
    np.testing.assert_array_equal(annual["spend"][1:-1][left], bought[1:-1][left])


def test_a_rebate_of_nothing_is_exactly_the_reference() -> None:
    scenario = load_scenario("status_quo")
    played = accounts([scenario, with_values(scenario, {"policy.rebate": 0.0})], worlds=4)
    assert np.array_equal(played[:, 0], played[:, 1])


def test_rebates_are_price_concessions_and_nothing_else_at_first() -> None:
    """In the first year of a program nothing but the year's end has told of a rebate yet."""
    scenario = load_scenario("status_quo").changed(timeline={"warmup_years": 0, "window_years": 1})
    amounts = accounts([scenario, with_values(scenario, {"policy.rebate": 0.05})], worlds=20)
    for name in [one.name for one in TERMS if one.name != "concessions"]:
        paid, without = term(amounts, name)[:, 1], term(amounts, name)[:, 0]
        if name not in ("elevations", "handovers"):
            np.testing.assert_array_equal(paid, without)
    more = term(amounts, "concessions")[:, 1] - term(amounts, "concessions")[:, 0]
    assert (more < 0).all()


def test_a_larger_rebate_earns_less_where_it_buys_nothing() -> None:
    """No customer of this model buys more for the promise of a rebate: it is a gift, and a larger one a larger one."""
    scenario = load_scenario("status_quo")
    profit = total(accounts([with_values(scenario, {"policy.rebate": rebate}) for rebate in (0.0, 0.05, 0.2)]))
    assert is_less(profit[:, 1] - profit[:, 0])
    assert is_less(profit[:, 2] - profit[:, 1])


def test_give_get_concedes_less_than_tiers_do() -> None:
    scenario = load_scenario("status_quo")
    give_get = with_values(scenario, {"policy.rebate": 0.05} | WITHOUT_CONCESSION)
    amounts = accounts([scenario, give_get])
    assert not is_less(term(amounts, "concessions")[:, 1] - term(amounts, "concessions")[:, 0])
