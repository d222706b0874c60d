"""Conservation and bounds, as properties of random scenarios: nothing out of range, nothing lost, all adds up."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import examples, scenarios, seeds, small
from hypothesis import given
from hypothesis import strategies as st

from kamsim import KeyAccountProgram, Scenario, draw_world, load_scenario, shipped_scenarios, simulate
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.measures.outcomes import MEASURES
from kamsim.model.ensemble import Run
from kamsim.policy.policy import policy_of
from kamsim.world.laws import ALIGNMENT_BOUNDS, TIE_BOUNDS
from kamsim.world.world import World

ROUNDING = 1e-9


class Played(NamedTuple):
    """A scenario, its world and its run."""

    scenario: Scenario
    world: World
    run: Run

    @property
    def launched(self) -> int:
        """First year of the program."""
        return self.scenario.timeline.history_years


def played(scenario: Scenario, seed: int) -> Played:
    world = draw_world(scenario, seed=seed)
    return Played(scenario, world, simulate(world, scenario, trace=True))


def random_runs() -> st.SearchStrategy[Played]:
    return st.builds(played, scenarios(), seeds())


@examples(200)
@given(random_runs())
def test_every_state_stays_in_range_and_is_finite(case: Played) -> None:
    accounts, functions, tie = case.run.trace
    for field in ("share", "trust", "collaboration"):
        assert (accounts[field] >= 0).all()
        assert (accounts[field] <= 1).all()
    for field in ("spend", "expectation", "hours"):
        assert (accounts[field] >= 0).all()
    for table in (accounts, functions, case.run.history.accounts, case.run.history.years):
        assert all(np.isfinite(table[field]).all() for field in table.dtype.names)
    assert (tie >= TIE_BOUNDS[0]).all()
    assert (tie <= TIE_BOUNDS[1]).all()
    assert (functions["alignment"] >= ALIGNMENT_BOUNDS[0]).all()
    assert (functions["alignment"] <= ALIGNMENT_BOUNDS[1]).all()
    ceiling = case.scenario.world.ceiling_base + case.scenario.world.ceiling_fit * case.world.accounts["fit"]
    assert (accounts["share"] <= ceiling * (1 + ROUNDING)).all()
    highest = max([case.scenario.tiers.standard_promise, *(t.promise for t in case.scenario.tiers.ordered.values())])
    assert (accounts["expectation"] <= highest * max(1.0, case.scenario.policy.ambition_most) * (1 + ROUNDING)).all()


@examples(120)
@given(random_runs())
def test_support_granted_is_never_above_what_is_available_nor_that_above_capacity(case: Played) -> None:
    functions = case.run.trace.functions
    assert (functions["granted"] >= 0).all()
    assert (functions["granted"] <= functions["available"]).all()
    assert (functions["available"] <= case.world.capacity).all()


@examples(120)
@given(random_runs())
def test_a_manager_plans_exactly_the_hours_it_has(case: Played) -> None:
    accounts, given_hours = case.run.trace.accounts, case.scenario.world.hours_per_kam
    for kam in range(len(case.world.skill)):
        served = accounts["kam"] == kam
        hours = np.where(served, accounts["hours"], 0.0).sum(axis=1)
        expected = np.where(served.any(axis=1), given_hours, 0.0)
        np.testing.assert_allclose(hours, expected, rtol=ROUNDING)
    assert not accounts["hours"][accounts["kam"] < 0].any()


@examples(120)
@given(random_runs())
def test_every_key_account_has_one_manager_and_no_standard_account_has(case: Played) -> None:
    for table in (case.run.trace.accounts, case.run.history.accounts):
        key = table["tier"] > 0
        assert (table["kam"][key] >= 0).all()
        assert (table["kam"][key] < len(case.world.skill)).all()
        assert (table["kam"][~key] == -1).all()
        assert not table["collaboration"][~key].any()
        assert not key[: case.launched if table is case.run.history.accounts else 4 * case.launched].any()


@examples(120)
@given(random_runs())
def test_seats_are_filled_and_never_overfilled(case: Played) -> None:
    seats = policy_of(case.scenario, case.scenario.world.accounts).seats
    tier = case.run.history.accounts["tier"]
    for level in range(1, len(seats)):
        taken = (tier == level).sum(axis=1)[case.launched :]
        assert (taken == seats[level]).all()
    assert tier.max(initial=0) < len(seats)


@examples(120)
@given(random_runs())
def test_a_year_is_the_sum_of_its_quarters_and_key_revenue_that_of_its_key_accounts(case: Played) -> None:
    years, annual = case.run.history.years, case.run.history.accounts
    first, second, third, fourth = (case.run.trace.accounts["spend"][quarter::4] for quarter in range(4))
    np.testing.assert_array_equal(annual["spend"], first + second + third + fourth)
    np.testing.assert_array_equal(annual["trust"], case.run.trace.accounts["trust"][3::4])
    for field in ("tier", "kam"):
        np.testing.assert_array_equal(annual[field], case.run.trace.accounts[field][3::4])
    key = np.where(annual["tier"] > 0, annual["spend"], 0.0).sum(axis=1)
    np.testing.assert_allclose(years["key_revenue"], key, rtol=ROUNDING)
    collaboration = case.run.trace.accounts["collaboration"].reshape(len(years), 4, -1).mean(axis=1)
    np.testing.assert_allclose(annual["collaboration"], collaboration, rtol=ROUNDING)


@examples(120)
@given(random_runs())
def test_spend_and_concessions_add_up_to_list_price(case: Played) -> None:
    drawn, noted = case.world.quarters, case.run.trace.accounts
    list_price = (drawn["wallet"] * noted["share"] * drawn["orders"]).reshape(len(case.run.history.years), -1).sum(1)
    net = case.run.history.accounts["spend"].sum(axis=1)
    np.testing.assert_allclose(net + case.run.history.years["price_given"], list_price, rtol=ROUNDING)


@examples(120)
@given(random_runs())
def test_investment_is_hours_and_support_at_their_cost(case: Played) -> None:
    world, years = case.world, len(case.run.history.years)
    hours = case.run.trace.accounts["hours"].reshape(years, -1).sum(axis=1) * world.hour_cost
    support = case.run.trace.functions["granted"].reshape(years, -1).sum(axis=1) * world.support_cost
    invested = case.run.history.accounts["investment"].sum(axis=1)
    np.testing.assert_allclose(invested, hours + support, rtol=1e-8, atol=1e-12)


@examples(120)
@given(random_runs())
def test_quotas_misses_and_rebuilds_follow_from_revenue(case: Played) -> None:
    """The year-end once more in plain Python, from what a run leaves behind."""
    scenario, world, history = case.scenario, case.world, case.run.history
    premium = world.premium * (1.0 if world.prioritizes_returns else scenario.world.premium_elsewhere)
    # Nobody sets a quota below zero, however much less than the market an organization expects.
    growth, ratchet, streak = max(0.0, 1.0 + world.market_growth + premium), scenario.policy.ratchet, 0
    quota = 0.0
    for year, noted in enumerate(history.years):
        rebuilt = False
        if year >= case.launched:
            assert noted["quota"] == pytest.approx(quota, rel=ROUNDING)
            missed = bool(noted["quota"] > 0 and noted["key_revenue"] / noted["quota"] < 1.0)
            streak = streak + 1 if missed else 0
            rebuilt = streak >= world.patience
            streak = 0 if rebuilt else streak
            assert noted["missed"] == missed
        else:
            assert not noted["missed"]
            assert noted["quota"] == 0.0
        assert noted["rebuilt"] == rebuilt
        cost = scenario.rebuild.cost_share * noted["key_revenue"] if rebuilt else 0.0
        assert noted["rebuild_cost"] == pytest.approx(cost, rel=ROUNDING)
        if case.launched - 1 <= year < len(history.years) - 1:
            spend = float(history.accounts["spend"][year][history.accounts["tier"][year + 1] > 0].sum())
            old = 0.0 if rebuilt or year == case.launched - 1 else quota
            quota = ((1 - ratchet) * spend + ratchet * max(spend, old)) * growth


@examples(120)
@given(scenarios(), seeds())
def test_profit_and_the_other_outcomes_reconcile_with_the_accounts(scenario: Scenario, seed: int) -> None:
    history = played(scenario, seed).run.history
    table = play_organizations([job_of(scenario)], seed, 0, 1)[0]
    found = dict(zip([measure.name for measure in MEASURES], table.outcomes[0], strict=True))
    first = scenario.timeline.history_years + scenario.timeline.warmup_years
    spend, tier, invested, collaboration = (
        history.accounts[field] for field in ("spend", "tier", "investment", "collaboration")
    )
    window, launch = history.years[first:], scenario.timeline.history_years
    weight = (1 + scenario.timeline.discount) ** -np.arange(len(history.years) - launch)
    run, invested_by_year = history.years[launch:], invested[launch:].sum(axis=1)
    revenue, given_away = weight @ spend[launch:].sum(axis=1), weight @ run["price_given"]
    goods = (1 - scenario.world.gross_margin) * (revenue + given_away)
    costs = weight @ invested_by_year + weight @ run["rebuild_cost"]
    assert found["total_profit"] == pytest.approx(revenue - goods - costs, rel=1e-8, abs=1e-9 * revenue)
    key = tier[first:] > 0
    if not key.any():
        assert all(np.isnan(found[name]) for name in set(found) - {"total_profit"})
        return
    in_shrinking = np.where(spend[launch:] < spend[launch - 1 : -1], invested[launch:], 0).sum(axis=1)
    assert found["investment_in_shrinking"] == pytest.approx(weight @ in_shrinking, rel=1e-8)
    assert found["collaboration"] == pytest.approx(collaboration[first:][key].mean(), rel=1e-8)
    assert found["quota_miss_rate"] == pytest.approx(window["missed"].mean())
    assert found["rebuilds_per_seven_years"] == pytest.approx(7 * window["rebuilt"].mean())
    now = np.where(key, spend[first:], 0).sum(axis=1)
    before = np.where(key, spend[first - 1 : -1], 0).sum(axis=1)
    assert found["key_revenue_growth"] == pytest.approx(np.log(now / before).mean(), rel=1e-8, abs=1e-12)


@examples(20)
@given(scenarios(), seeds())
def test_agents_keep_their_books_in_every_quarter(scenario: Scenario, seed: int) -> None:
    model = KeyAccountProgram(scenario, seed=seed)
    while model.running:
        year_end = model.quarter % 4 == 2
        if year_end:
            # What follows the quarter's end belongs to the next one: look before it.
            model.close_year = lambda: None  # type: ignore[method-assign]
        model.step()
        check_agents(model)
        if year_end:
            del model.close_year
            model.close_year()
            portfolios = [account.number for kam in model.kams for account in kam.portfolio]
            assert sorted(portfolios) == [account.number for account in model.key_accounts]
            assert all(account.manager is kam for kam in model.kams for account in kam.portfolio)


def check_agents(model: Any) -> None:
    for account in model.key_accounts:
        assert 0 <= account.coverage <= 1
        assert account.collaboration <= account.coverage * TIE_BOUNDS[1] * (1 + ROUNDING)
        assert account.ambition > 0
        assert 0 <= account.concession < 1
    for function in model.functions:
        asked = [sum(kam.asked[function.number][tier] for kam in model.kams) for tier in range(len(function.fraction))]
        granted = sum(amount * part for amount, part in zip(asked, function.fraction, strict=True))
        assert all(0 <= part <= 1 for part in function.fraction)
        assert granted <= function.available * (1 + ROUNDING) + 1e-12
        assert granted == pytest.approx(min(sum(asked), function.available), rel=1e-8)
        # A higher tier is served before any lower one gets a thing.
        parts = [part for part, amount in zip(function.fraction, asked, strict=True) if amount > 0]
        assert all(above == 1 or below <= ROUNDING for below, above in pairwise(parts))
        assert function.fatigue >= 0
    assert sum(kam.departures_of_year for kam in model.kams) <= 4 * len(model.kams)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_shipped_scenarios_spend_within_the_same_budgets(name: str) -> None:
    scenario = load_scenario(name)
    reference = draw_world(load_scenario("status_quo"))
    world = draw_world(scenario)
    assert world.capacity == reference.capacity
    assert len(world.skill) == len(reference.skill)
    case = played(small(name), 1)
    hours = case.run.trace.accounts["hours"].sum(axis=1)
    assert (hours <= scenario.world.hours_per_kam * len(case.world.skill) * (1 + ROUNDING)).all()
