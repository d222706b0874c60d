"""Conservation and bounds, as properties of random scenarios: nothing out of range, nothing lost, all adds up."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import choosing, examples, scenarios, seeds, small
from hypothesis import given
from hypothesis import strategies as st

from kamsim import KeyAccountProgram, Scenario, draw_world, load_scenario, shipped_scenarios, simulate
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import Account
from kamsim.model.ensemble import Run
from kamsim.model.plan import LEAST_SPEND, History
from kamsim.policy.policy import policy_of
from kamsim.rules.tiering import NO_CUSTOMER
from kamsim.world.laws import ALIGNMENT_BOUNDS, TIE_BOUNDS
from kamsim.world.world import World

ROUNDING = 1e-9


class Played(NamedTuple):
    """A scenario, its world and its run."""

    scenario: Scenario
    world: World
    run: Run

    def __repr__(self) -> str:
        """Short enough for a report of a failure."""
        seed = self.world.seed_low + (self.world.seed_high << 32)
        return f"played(Scenario().changed(**{self.scenario.model_dump(exclude_unset=True)}), {seed})"

    @property
    def launched(self) -> int:
        """First year of the program."""
        return self.scenario.timeline.history_years

    @property
    def there(self) -> Any:
        """Whether an account is a customer at a year's end, by year and account; of the last year nothing is said."""
        tier = self.run.history.accounts["tier"]
        return (tier[1:] != NO_CUSTOMER) & (self.world.accounts["arrives"] < 4 * np.arange(1, len(tier))[:, None])

    @property
    def seat_sales(self) -> float:
        """Mean spend of the largest accounts in the year before the launch: what costs are told in."""
        spend, there = self.run.history.accounts["spend"][self.launched - 1], self.there[self.launched - 1]
        largest = np.sort(spend[there])[::-1][: self.world.seats]
        return float(largest.mean()) if len(largest) else 0.0


def played(scenario: Scenario, seed: int) -> Played:
    world = draw_world(scenario, seed=seed)
    return Played(scenario, world, simulate(world, scenario, trace=True))


def random_runs() -> st.SearchStrategy[Played]:
    return st.builds(played, scenarios() | choosing(), seeds())


def handing_down(scenario: Scenario, care: float, hours: float) -> Scenario:
    """The same, with reviews that demote and hours kept for those who are."""
    policy: dict[str, Any] = {"managed_downtiering": care, "managed_hours": hours}
    policy |= {"retiering_share": 1.0, "health_threshold": 0.1}
    if scenario.population is not None:
        return scenario.changed(policy=policy, population={"retiering": 1.0})
    return scenario.changed(policy=policy | {"retiering": {"performance": 1.0}})


def careful_runs() -> st.SearchStrategy[Played]:
    parts = st.floats(0, 1) | st.just(1.0)
    return st.builds(played, st.builds(handing_down, scenarios(), parts, parts), seeds())


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
    np.testing.assert_array_equal(case.world.accounts["ceiling"], ceiling)
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
@given(random_runs() | careful_runs())
def test_a_manager_plans_no_more_than_the_hours_it_has(case: Played) -> None:
    accounts, policy = case.run.trace.accounts, case.scenario.policy
    given_hours = case.scenario.budget.hours_per_kam or case.scenario.world.hours_per_kam
    keeps = policy.managed_downtiering * policy.managed_hours > 0
    levers = policy_of(case.scenario, case.scenario.world.accounts).levers
    adopts = case.scenario.rebuild.adopts_boundaries
    asks = max(levers.boundaries, adopts) > 0 or case.scenario.population is not None
    asks |= case.scenario.elevation.incubator_years > 0
    for kam in range(len(case.world.skill)):
        hours = np.where(accounts["kam"] == kam, accounts["hours"], 0.0)
        assert (hours.sum(axis=1) <= given_hours * (1 + ROUNDING)).all()
        if not keeps and not asks:
            serves = (hours > 0).any(axis=1)
            np.testing.assert_allclose(hours.sum(axis=1)[serves], given_hours, rtol=ROUNDING)
    assert not accounts["hours"][accounts["kam"] < 0].any()


@examples(120)
@given(random_runs() | careful_runs())
def test_nothing_comes_of_an_account_before_it_arrives_and_after_it_left(case: Played) -> None:
    accounts, trace, arrives = case.run.history.accounts, case.run.trace.accounts, case.world.accounts["arrives"]
    years = np.arange(len(accounts))[:, None]
    nobody = accounts["tier"] == NO_CUSTOMER
    for field in set(accounts.dtype.names) - {"tier", "kam"}:
        assert not accounts[field][nobody].any()
    assert (accounts["kam"][nobody] == -1).all()
    np.testing.assert_array_equal(nobody & (years <= arrives // 4), years < arrives // 4)
    # Who is gone does not come back.
    gone = nobody & (years > arrives // 4)
    assert (gone[1:] >= gone[:-1]).all()
    for quarter in range(len(trace)):
        absent = (quarter < arrives) | gone[quarter // 4]
        for field in ("spend", "hours", "collaboration"):
            assert not trace[field][quarter][absent].any()
        assert (trace["tier"][quarter][absent] == NO_CUSTOMER).all()


@examples(120)
@given(random_runs())
def test_every_key_account_has_one_manager_and_no_standard_account_has(case: Played) -> None:
    for table in (case.run.trace.accounts, case.run.history.accounts):
        key = table["tier"] > 0
        assert (table["kam"][key] >= 0).all()
        assert (table["kam"][key] < len(case.world.skill)).all()
        assert (table["kam"][~key] == -1).all()
        assert not table["collaboration"][~key].any()
        assert (table["tier"] >= NO_CUSTOMER).all()
        assert not key[: case.launched if table is case.run.history.accounts else 4 * case.launched].any()


@examples(120)
@given(random_runs() | careful_runs())
def test_seats_are_filled_and_never_overfilled(case: Played) -> None:
    seats = policy_of(case.scenario, case.scenario.world.accounts).seats
    tier = case.run.history.accounts["tier"]
    for year in range(case.launched, len(tier)):
        taken = [int((tier[year] == level).sum()) for level in range(1, len(seats))]
        assert all(one <= most for one, most in zip(taken, seats[1:], strict=True))
        # Seats of customers that left are filled at the year's end, as long as there is anybody, and capacity for them.
        full = min(sum(seats), case.there[year - 1].sum())
        assert sum(taken) == full or (sum(taken) < full and case.scenario.elevation.capacity_check > 0.0)
    assert tier.max(initial=0) < len(seats)


@examples(120)
@given(random_runs())
def test_a_year_is_the_sum_of_its_quarters_and_key_revenue_that_of_its_key_accounts(case: Played) -> None:
    years, annual = case.run.history.years, case.run.history.accounts
    first, second, third, fourth = (case.run.trace.accounts["spend"][quarter::4] for quarter in range(4))
    bought = first + second + third + fourth
    # A key account that grew may get a rebate at the year's end.
    granted = (annual["tier"] > 0) & (case.scenario.policy.rebate > 0)
    np.testing.assert_array_equal(annual["spend"][~granted], bought[~granted])
    assert (annual["spend"] <= bought).all()
    here = annual["tier"] != NO_CUSTOMER
    np.testing.assert_array_equal(annual["trust"], np.where(here, case.run.trace.accounts["trust"][3::4], 0.0))
    for field in ("tier", "kam"):
        np.testing.assert_array_equal(annual[field], case.run.trace.accounts[field][3::4])
    key = np.where(annual["tier"] > 0, annual["spend"], 0.0).sum(axis=1)
    np.testing.assert_allclose(years["key_revenue"], key, rtol=ROUNDING)
    collaboration = case.run.trace.accounts["collaboration"].reshape(len(years), 4, -1).mean(axis=1)
    np.testing.assert_allclose(annual["collaboration"], collaboration, rtol=ROUNDING)


@examples(120)
@given(random_runs())
def test_spend_and_concessions_add_up_to_list_price(case: Played) -> None:
    """An account's concession is one all year: what its expected spend falls short of demand, its spend does too."""
    annual, years = case.run.history.accounts, len(case.run.history.years)
    season = np.tile(case.world.season, years)[:, None]
    demand = case.world.quarters["wallet"] * season * case.run.trace.accounts["share"]
    demand = demand.reshape(years, 4, -1).sum(axis=1)[:-1]
    # Who comes or leaves within the year demands nothing in some of its quarters.
    whole = case.there & (case.world.accounts["arrives"] <= 4 * np.arange(years - 1)[:, None]) & (demand > 0)
    # The trace tells share after a KAM's departure, which comes after the quarter's orders.
    whole &= annual["tier"][:-1] == 0
    concession = 1 - annual["expected_spend"][:-1][whole] / demand[whole]
    assert (concession >= -ROUNDING).all()
    assert (concession <= case.scenario.world.most_conceded + ROUNDING).all()
    listed, spend = annual["listed"][:-1][whole], annual["spend"][:-1][whole]
    np.testing.assert_allclose(listed - spend, concession * listed, rtol=1e-8, atol=1e-9 * listed.max(initial=0.0))
    assert (annual["listed"] >= annual["spend"]).all()
    np.testing.assert_array_equal(annual["cost_to_serve"], case.world.accounts["cost"] * annual["listed"])


@examples(120)
@given(random_runs() | careful_runs())
def test_investment_is_hours_and_support_at_their_cost(case: Played) -> None:
    world, years, annual = case.scenario.world, len(case.run.history.years), case.run.history.accounts
    hour_cost, support_cost = world.hour_cost * case.seat_sales, world.support_cost * case.seat_sales
    hours = case.run.trace.accounts["hours"].reshape(years, -1).sum(axis=1) * hour_cost
    support = case.run.trace.functions["granted"].reshape(years, -1).sum(axis=1) * support_cost
    key = annual["tier"] > 0
    invested = np.where(key, annual["investment"], 0.0).sum(axis=1)
    # Hours of account team and sponsor go with the KAM's, and are paid like those.
    policy, down = case.scenario.policy, np.zeros(key.shape, dtype=bool)
    of_all = 1 + policy.contact_hours * (policy.team_contacts - 1) + policy.sponsor_hours * policy.sponsor
    np.testing.assert_allclose(invested, of_all * hours + support, rtol=1e-8, atol=1e-12)
    # Beside these, some of a KAM's hours are kept for a year for those it handed down.
    down[1:] = key[:-1] & (annual["tier"][1:] == 0)
    assert not annual["investment"][~key & ~down].any()
    last_hours = case.run.trace.accounts["hours"][3::4][:-1]
    kept = policy.managed_downtiering * policy.managed_hours * last_hours * hour_cost
    whole = down[1:-1] & case.there[1:]
    np.testing.assert_allclose(annual["investment"][1:-1][whole], 4 * kept[:-1][whole], rtol=1e-8, atol=1e-300)
    assert (annual["investment"][1:][down[1:]] <= 4 * kept[down[1:]] * (1 + ROUNDING)).all()


@examples(120)
@given(random_runs() | careful_runs())
def test_elevations_and_handovers_cost_what_tiers_and_managers_tell(case: Played) -> None:
    world, annual, program = case.scenario.world, case.run.history.accounts, case.run.history.years
    years, in_all = case.scenario.elevation.incubator_years, 0.0
    part = case.scenario.elevation.incubator_part if years > 0 else 1.0
    for year in range(len(program) - 1):
        tier, after = annual["tier"][year], annual["tier"][year + 1]
        there, kam, kam_after = case.there[year], annual["kam"][year], annual["kam"][year + 1]
        elevated = there & (tier <= 0) & (after > 0)
        handed_over = there & (tier > 0) & ((after == 0) | (kam != kam_after))
        # What follows a pilot is the rest of the rebuild that it began with.
        begun = year - case.scenario.rebuild.pilot_years
        rebuilt = program["rebuilt"][year] or (begun >= 0 and program["rebuilt"][begun])
        assert (kam == kam_after)[(tier > 0) & (after > 0)].all() or rebuilt
        handovers, elevations = handed_over.sum() * world.handover_cost, elevated.sum() * world.elevation_cost
        assert program["handover_cost"][year] == pytest.approx(handovers * case.seat_sales, rel=ROUNDING, abs=1e-300)
        # Part of an elevation is paid by those who come to be let in, if there is an incubator.
        at_entry = elevations * case.seat_sales * part
        if years == 0:
            assert program["elevation_cost"][year] == pytest.approx(at_entry, rel=ROUNDING, abs=1e-300)
        assert program["elevation_cost"][year] >= at_entry * (1 - ROUNDING)
        in_all += elevations * case.seat_sales
        assert program["elevation_cost"][: year + 1].sum() <= in_all * (1 + ROUNDING)
    assert not program["elevation_cost"][: case.launched - 1].any()
    assert not program["handover_cost"][: case.launched].any()


def elevations_of(scenario: Scenario, seed: int) -> tuple[float, float, bool]:
    """Elevations at launch and in all as the account of profit tells them, and whether any follow on the launch."""
    (row,) = play_organizations([job_of(scenario)], seed, 0, 1)[0].account
    account = Account(*row.tolist())
    case = played(scenario, seed)
    tier, launch = case.run.history.accounts["tier"], case.launched
    chosen = (case.there[launch - 1] & (tier[launch - 1] <= 0) & (tier[launch] > 0)).sum()
    part = scenario.elevation.incubator_part if scenario.elevation.incubator_years > 0 else 1.0
    expected = -chosen * part * scenario.world.elevation_cost * case.seat_sales
    assert account.elevations_at_launch == pytest.approx(expected, rel=ROUNDING, abs=1e-300)
    later = case.run.history.years["elevation_cost"][launch:]
    return account.elevations_at_launch, account.elevations, bool(later.any())


@examples(120)
@given(scenarios(), seeds())
def test_elevations_at_launch_are_those_of_the_first_tiers_and_within_all(scenario: Scenario, seed: int) -> None:
    at_launch, in_all, followed = elevations_of(scenario, seed)
    assert in_all <= at_launch <= 0.0
    assert (in_all < at_launch) == followed


@pytest.mark.parametrize("seed", range(5))
def test_elevations_at_launch_are_all_where_nobody_is_ever_elevated_again(seed: int) -> None:
    again = small(patience_most=1)
    calm = small(hazard=0.0, arrival=0.0, patience_least=100, patience_most=100)
    for scenario, follow in ((again, True), (calm, False)):
        at_launch, in_all, followed = elevations_of(scenario, seed)
        assert followed == follow
        assert (in_all == at_launch) == (not follow)
        assert in_all <= at_launch < 0.0


def mean_spend(history: History, year: int, years: int) -> Any:
    """Mean spend of accounts over so many years, of those at whose end they were customers."""
    several = history.accounts[max(0, year + 1 - years) : year + 1]
    there = several["tier"] != NO_CUSTOMER
    return np.where(there, several["spend"], 0.0).sum(axis=0) / np.maximum(1, there.sum(axis=0))


@examples(120)
@given(random_runs())
def test_quotas_misses_and_rebuilds_follow_from_revenue(case: Played) -> None:
    """The year-end once more in plain Python, from what a run leaves behind."""
    scenario, world, history, terms = case.scenario, case.world, case.run.history, case.scenario.quota
    premium = world.premium * (1.0 if world.prioritizes_returns else scenario.world.premium_elsewhere)
    # Nobody sets a quota below zero, however much less than the market an organization expects.
    growth = max(0.0, 1.0 + world.market_growth + terms.premium * premium + terms.added)
    ratchet, down, patience = scenario.policy.ratchet, terms.ratchet_down, scenario.rebuild.patience or world.patience
    quota, streak, pilot = 0.0, 0, 0
    for year, noted in enumerate(history.years):
        rebuilt = follows = False
        if year >= case.launched:
            if terms.by_potential > 0.0:
                # Plans promise once to twice what is sold, and their mean is told from them.
                assert (1.0 - terms.by_potential) * quota * (1.0 - ROUNDING) <= noted["quota"]
                quota = float(noted["quota"])
            assert noted["quota"] == pytest.approx(quota, rel=ROUNDING)
            missed = bool(noted["quota"] > 0 and noted["key_revenue"] / noted["quota"] < 1.0)
            streak = streak + 1 if missed else 0
            rebuilt = streak >= patience and pilot == 0
            streak = 0 if rebuilt else streak
            follows = pilot == 1 and not missed
            pilot = scenario.rebuild.pilot_years if rebuilt and scenario.rebuild.part < 1.0 else max(0, pilot - 1)
            assert noted["missed"] == missed
        else:
            assert not noted["missed"]
            assert noted["quota"] == 0.0
        assert noted["rebuilt"] == rebuilt
        if case.launched - 1 <= year < len(history.years) - 1:
            spend = mean_spend(history, year, terms.years)[history.accounts["tier"][year + 1] > 0].sum()
            old = 0.0 if rebuilt or follows or year == case.launched - 1 else quota
            passed_on = spend - down * max(0.0, spend - old) if old > 0.0 else spend
            quota = float((1 - ratchet) * passed_on + ratchet * max(passed_on, old)) * growth


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
    launch = scenario.timeline.history_years
    weight = (1 + scenario.timeline.discount) ** -np.arange(len(history.years) - launch)
    invested_by_year = invested[launch:].sum(axis=1)
    listed, own_cost = (history.accounts[field][launch:].sum(axis=1) for field in ("listed", "cost_to_serve"))
    goods = (1 - scenario.world.gross_margin) * listed
    kept = spend[launch:].sum(axis=1) - goods - own_cost - invested_by_year
    # At a year's end; what a budget bought and nobody used, in the year itself.
    moves = history.years["elevation_cost"] + history.years["handover_cost"]
    kept = kept - history.years["idle_cost"][launch:]
    profit = weight @ (kept - moves[launch:]) - moves[launch - 1]
    assert found["total_profit"] == pytest.approx(profit, rel=1e-8, abs=1e-9 * listed.sum())
    shrank = (tier[launch:] > 0) & (spend[launch:] < spend[launch - 1 : -1])
    in_shrinking = np.where(shrank, invested[launch:], 0).sum(axis=1)
    window, key = history.years[first:], tier[first:] > 0
    now = np.where(key, spend[first:], 0).sum(axis=1)
    before = np.where(key, spend[first - 1 : -1], 0).sum(axis=1)
    if key.any():
        assert found["collaboration"] == pytest.approx(collaboration[first:][key].mean(), rel=1e-8)
        assert found["investment_in_shrinking"] == pytest.approx(weight @ in_shrinking, rel=1e-8)
    else:
        assert np.isnan([found["collaboration"], found["investment_in_shrinking"]]).all()
    # A year tells of growth where its key accounts bought anything the year before.
    told = before > 0
    if not told.any():
        assert all(
            np.isnan(found[name]) for name in ("key_revenue_growth", "quota_miss_rate", "rebuilds_per_seven_years")
        )
        return
    assert found["quota_miss_rate"] == pytest.approx(window["missed"][told].mean())
    assert found["rebuilds_per_seven_years"] == pytest.approx(7 * window["rebuilt"].mean())
    growth = np.log(np.maximum(now, LEAST_SPEND)[told] / np.maximum(before, LEAST_SPEND)[told]).mean()
    assert found["key_revenue_growth"] == pytest.approx(growth, rel=1e-8, abs=1e-12)


@examples(20)
@given(scenarios() | st.builds(handing_down, scenarios(), st.just(1.0), st.just(1.0)), seeds())
def test_agents_keep_their_books_in_every_quarter(scenario: Scenario, seed: int) -> None:
    model = KeyAccountProgram(scenario, seed=seed)
    gone: set[int] = set()
    while model.running:
        customers = {account.number for account in model.accounts}
        year_end = model.quarter % 4 == 2
        if year_end:
            # What follows the quarter's end belongs to the next one: look before it.
            model.close_year = lambda: None  # type: ignore[method-assign]
        model.step()
        check_agents(model)
        here = {account.number for account in model.accounts}
        came = {number for number, arrives in enumerate(model._arrivals) if arrives == model.quarter}
        gone |= (customers | came) - here
        assert here <= customers | came
        assert not here & gone
        assert not {account.number for kam in model.kams for account in (*kam.portfolio, *kam.handed_down)} - here
        if year_end:
            del model.close_year
            model.close_year()
            portfolios = [account.number for kam in model.kams for account in kam.portfolio]
            assert sorted(portfolios) == [account.number for account in model.key_accounts]
            assert all(account.manager is kam for kam in model.kams for account in kam.portfolio)


def check_agents(model: Any) -> None:
    assert all(account.alive and account.model is model for account in model.accounts)
    assert [account.number for account in model.accounts] == sorted(account.number for account in model.accounts)
    for kam in model.kams:
        hours = sum(account.hours for account in kam.portfolio)
        kept = sum(account.kept_hours for account in kam.handed_down)
        assert all(account.tier == 0 and account.kept_hours > 0 for account in kam.handed_down)
        hours_per_kam = model.scenario.budget.hours_per_kam or model.scenario.world.hours_per_kam
        assert hours + kept <= hours_per_kam * (1 + ROUNDING)
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
    hours_per_kam = scenario.budget.hours_per_kam or scenario.world.hours_per_kam
    assert (hours <= hours_per_kam * len(case.world.skill) * (1 + ROUNDING)).all()
