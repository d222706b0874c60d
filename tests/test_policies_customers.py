"""Policies on the customer's side: what each does, what it costs, and that both drivers play it alike."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import assert_same_bits, small
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from test_drivers import agree
from test_levers import accounts, is_less, total
from test_world import assert_same_draws

from kamsim import KeyAccountProgram, Scenario, draw_world, load_scenario, read_book, simulate
from kamsim.evidence.ledger import section
from kamsim.measures.profit import TERMS, Account
from kamsim.model.behaviors import judge_service, lose_buyer, lose_manager, move_to_tier
from kamsim.rules.tiering import LEAVING, NO_CUSTOMER, step_down_the_unhealthy
from kamsim.scenario import scenario_folder, with_values
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


# ---------------------------------------------------------------- account team and executive sponsor


TEAM = {"team_contacts": 3, "sponsor": 1.0}
FREE = {"policy.contact_hours": 0.0, "policy.sponsor_hours": 0.0}


@pytest.mark.parametrize("name", ["status_quo", "full_program"])
@pytest.mark.parametrize("policy", [{"team_contacts": 2}, {"sponsor": 0.5}, TEAM], ids=str)
def test_both_drivers_agree_on_teams_and_sponsors(name: str, policy: dict[str, Any]) -> None:
    differ = False
    for seed in SEEDS:
        scenario = busy(name, **policy)
        model = agree(scenario, seed)
        without = simulate(model.world, busy(name))
        assert model.history.departures.any()
        differ |= model.history.accounts["trust"].tobytes() != without.history.accounts["trust"].tobytes()
    assert differ


def agent(**state: Any) -> Any:
    return SimpleNamespace(**{"share": 0.4, "trust": 0.5, "bond": 0.6, "served": 1.0} | state)


def numbers(**values: Any) -> Any:
    world = {row.name: row.default for row in section("world")}
    return SimpleNamespace(**world | {row.name: row.default for row in section("policy")} | values)


def test_a_departure_takes_what_is_bound_to_one_of_the_team() -> None:
    given = numbers(follow=0.3, disruption=0.5, team_contacts=3, sponsor=1.0, sponsor_saves=0.4)
    account = agent()
    lose_manager(account, 1.0, given, given)
    assert account.share == pytest.approx(0.4 * (1 - 0.3 * 0.2))
    assert account.trust == pytest.approx(0.5 * (1 - 0.5 * 0.2 * 0.6))
    assert account.bond == pytest.approx(0.4)
    alone, alone_given = agent(), numbers(follow=0.3, disruption=0.5)
    lose_manager(alone, 0.5, alone_given, alone_given)
    assert (alone.share, alone.trust, alone.bond) == (0.4 * (1 - 0.5 * 0.3 * 0.6), 0.5 * (1 - 0.5 * 0.5 * 0.6), 0.0)


def test_whoever_leaves_the_program_loses_the_whole_team() -> None:
    given = numbers(follow=0.3, disruption=0.5, handover=0.5, **TEAM)
    account = agent(tier=1, expectation=0.3, hours=4.0)
    move_to_tier(account, 0, 0.1, given, given)
    assert account.bond == 0.0
    assert account.share == pytest.approx(0.4 * (1 - 0.5 * 0.3 * 0.6))
    assert account.trust == pytest.approx(0.5 * (1 - 0.5 * 0.5 * 0.6))


@settings(max_examples=8, deadline=None)
@over(parts=st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_a_kam_alone_is_exactly_the_reference_whatever_a_team_would_cost(parts: list[float]) -> None:
    scenario = load_scenario("full_program")
    values = dict(zip(("policy.contact_hours", "policy.sponsor_hours", "policy.sponsor_saves"), parts, strict=True))
    played = accounts([scenario, with_values(scenario, values)], worlds=4)
    assert np.array_equal(played[:, 0], played[:, 1])


@pytest.mark.parametrize("name", ["status_quo", "full_program"])
@pytest.mark.parametrize("values", [{"policy.team_contacts": 3}, {"policy.sponsor": 1.0}], ids=str)
def test_a_team_or_sponsor_that_costs_nothing_makes_nothing_worse_and_one_that_costs_is_paid(
    name: str, values: dict[str, object]
) -> None:
    scenario = load_scenario(name)
    amounts = accounts([scenario, with_values(scenario, values | FREE), with_values(scenario, values)])
    profit = total(amounts)
    assert not is_less(profit[:, 1] - profit[:, 0])
    assert (profit[:, 1] != profit[:, 0]).mean() > 0.9
    # In the very same runs, what it costs is hours: nothing else differs.
    assert (term(amounts, "service")[:, 2] < term(amounts, "service")[:, 1]).all()
    if name == "status_quo":
        # No review reads margins there, so that costs move nobody.
        for other in [one.name for one in TERMS if one.name != "service"]:
            np.testing.assert_array_equal(term(amounts, other)[:, 2], term(amounts, other)[:, 1])


def test_a_budget_that_is_paid_in_full_pays_for_no_team() -> None:
    """A full budget pays for hours and support that nobody used; who stands beside the KAMs comes on top."""
    scenario = with_values(load_scenario("full_program"), {"budget.committed": 1.0, "policy.health_margin": 0.0})
    team = with_values(scenario, {"policy.team_contacts": 3, "policy.sponsor": 1.0})
    amounts = accounts([with_values(team, FREE), team], worlds=20)
    paid = -term(amounts, "service")
    worked = simulate(draw_world(team), team).history
    assert worked.years["idle_cost"].any()
    assert (paid[:, 1] > paid[:, 0]).all()
    model = agree(busy("full_program", **TEAM).changed(budget={"committed": 1.0}), 1)
    assert model.history.years["idle_cost"].any()


def test_a_sponsor_saves_trust_and_never_makes_it() -> None:
    """Where nothing is lost a sponsor changes nothing."""
    given = numbers(sponsor=1.0, trust_speed=0.2)
    state = {"partnership": 1.0, "coverage": 0.5, "ambition": 1.0}
    for expected, felt in ((0.0, 0.8), (1.0, 0.0)):
        sponsored, alone = (agent(expectation=expected, **state) for _ in range(2))
        judge_service(sponsored, expected, felt, given, given)
        judge_service(alone, expected, felt, numbers(trust_speed=0.2), given)
        if expected == 0.0:
            assert sponsored.trust == alone.trust > 0.5
        else:
            assert 0.5 - sponsored.trust == pytest.approx((0.5 - alone.trust) * 0.5)


# ---------------------------------------------------------------- people who leave on the customer's side


@pytest.mark.parametrize("policy", [{}, TEAM], ids=str)
def test_both_drivers_agree_where_buyers_leave(policy: dict[str, Any]) -> None:
    scenario = busy("full_program", **policy)
    leaving = scenario.changed(world={"buyer_turnover": 0.1})
    differ = False
    for seed in SEEDS:
        model = agree(leaving, seed)
        without = simulate(model.world, scenario)
        differ |= model.history.accounts["spend"].tobytes() != without.history.accounts["spend"].tobytes()
    assert differ


def test_a_buyer_who_leaves_takes_what_of_the_bond_nobody_else_holds() -> None:
    given = numbers(follow=0.3)
    account = agent(collaboration=0.1)
    lose_buyer(account, given, given)
    kept = 1 - 0.7 * 0.5
    assert account.bond == pytest.approx(0.6 * kept)
    assert account.share == pytest.approx(0.4 * (1 - 0.3 * 0.6 * (1 - kept)))
    assert account.trust == 0.5
    with_team = agent(collaboration=0.1)
    lose_buyer(with_team, numbers(team_contacts=3), given)
    assert with_team.bond == pytest.approx(0.6 * (1 - 0.7 / 3 * 0.5))


def drawn_apart(scenario: Scenario, *fields: str, **world: Any) -> None:
    """A world with draws of its own has all others of one without, which has none of these."""
    for seed in SEEDS:
        without, with_them = draw_world(scenario, seed=seed), draw_world(scenario.changed(world=world), seed=seed)
        for name, one, other in zip(without._fields, without, with_them, strict=True):
            if name in fields:
                assert not np.any(np.asarray(one).view(np.float64))
                assert np.any(np.asarray(other).view(np.float64))
            elif name == "accounts":
                same = [field for field in one.dtype.names if field != "renews"]
                assert_same_bits(one[same], other[same])
            else:
                assert_same_bits(one, other)


def test_buyers_are_drawn_only_where_they_leave_and_change_no_other_draw() -> None:
    drawn_apart(small(), "buyer_leaves", buyer_turnover=0.04)


def test_buyers_leave_as_often_as_they_are_said_to() -> None:
    leaves = draw_world(small(accounts=2000, buyer_turnover=0.04, arrival=0.0), seed=3).buyer_leaves
    assert leaves.shape == (24, 2000)
    assert (leaves < 0.04).mean() == pytest.approx(0.04, abs=0.004)
    assert (leaves < 0.5).mean() == pytest.approx(0.5, abs=0.01)
    assert abs(np.corrcoef(leaves[:4])[np.triu_indices(4, 1)]).max() < 0.1


def test_nobody_leaves_at_a_standard_account() -> None:
    """Without a program nobody is bound to anyone, and buyers come and go unseen."""
    scenario = load_scenario("no_program")
    played = accounts([scenario], worlds=4), accounts([scenario.changed(world={"buyer_turnover": 1.0})], worlds=4)
    assert np.array_equal(*played)


def test_buyers_who_leave_cost_and_a_team_of_contacts_saves_some_of_it() -> None:
    """A team that is paid for nothing else saves more the more often buyers leave."""
    alone = load_scenario("status_quo").changed(world={"turnover": 0.0})
    team = with_values(alone, {"policy.team_contacts": 3} | FREE)
    gone = {"buyer_turnover": 0.2}
    profit = total(accounts([alone, team, alone.changed(world=gone), team.changed(world=gone)]))
    assert is_less(profit[:, 2] - profit[:, 0])
    assert is_less((profit[:, 1] - profit[:, 0]) - (profit[:, 3] - profit[:, 2]))


# ---------------------------------------------------------------- contracts and tenders


ALL_ON = {"contract_years": 2, "buyer_turnover": 0.1}


@pytest.mark.parametrize("years", [1, 3])
@pytest.mark.parametrize("name", ["no_program", "full_program"])
def test_both_drivers_agree_under_contracts(name: str, years: int) -> None:
    scenario = busy(name).changed(world={"contract_years": years})
    for seed in SEEDS:
        agree(scenario, seed)


def test_both_drivers_agree_on_a_real_book_under_contracts() -> None:
    agree(small("full_program", **ALL_ON), 1, book=read_book(scenario_folder() / "example_book.csv"))


def test_both_drivers_agree_with_everything_on() -> None:
    for seed in SEEDS:
        agree(busy("full_program", **TEAM, **GIVE_GET).changed(world=ALL_ON), seed)


def test_contracts_are_drawn_only_where_there_are_any_and_change_no_other_draw() -> None:
    drawn_apart(small(), "tenders", contract_years=3)


def test_more_accounts_and_a_longer_horizon_change_no_draw_of_customers() -> None:
    few = draw_world(small(**ALL_ON), seed=5)
    for other in ({"accounts": 41}, {"accounts": 90}):
        assert_same_draws(few, draw_world(small(**ALL_ON, **other), seed=5))
    assert_same_draws(few, draw_world(small(timeline={"window_years": 6}, **ALL_ON), seed=5))


def test_first_renewals_are_spread_evenly_and_a_new_account_begins_with_a_contract() -> None:
    world = draw_world(small(accounts=4000, contract_years=3, arrival=0.1), seed=3)
    first = world.accounts["renews"][:4000]
    assert np.bincount(first, minlength=12) / 4000 == pytest.approx(np.full(12, 1 / 12), abs=0.015)
    new = world.accounts[4000:]
    assert (new["renews"] == new["arrives"] + 12).all()


def test_between_renewals_share_moves_at_a_part_of_its_pace_and_tenders_cost_share_or_price() -> None:
    """Every share of every quarter once more in plain Python, where nobody is served by a program."""
    known = {"hazard": 0.0, "arrival": 0.0, "trust_drift": 0.0, "share_speed": 0.2, "erosion": 0.0}
    terms = {"contract_years": 2, "lock": 0.25, "stake": 0.5, "tender_discount": 0.02, "base_concession": 0.04}
    scenario = small("no_program", **known, **terms)
    world = draw_world(scenario, seed=3)
    run = simulate(world, scenario, trace=True)
    born, trust = world.accounts, world.accounts["trust"]
    target = born["ceiling"] * np.clip(born["share_base"] + scenario.world.share_trust * trust, 0.0, 1.0)
    share, worn, worn_by_year, lost, won = born["share"].copy(), np.zeros(40), [], 0, 0
    for quarter in range(24):
        due = (quarter >= born["renews"]) & ((quarter - born["renews"]) % 8 == 0)
        tender = world.tenders[quarter // 4]
        called = due & (tender["called"] < 1 - trust)
        kept = tender["won"] < 0.55 + 0.5 * (trust - scenario.world.trust_mean)
        share = np.where(called & ~kept, share * 0.5, share)
        worn = worn + 0.02 * (called & kept)
        lost, won = lost + (called & ~kept).sum(), won + (called & kept).sum()
        share = share + np.where(due, 1.0, 0.25) * 0.2 * (target - share)
        np.testing.assert_allclose(run.trace.accounts["share"][quarter], share, rtol=1e-12)
        worn_by_year += [worn.copy()] if quarter % 4 == 3 else []
    assert lost > 10
    assert won > 10
    # The price of a tender that was won holds from the next year on, by size.
    annual = run.history.accounts
    largest = np.sort(annual["spend"][4])[::-1][: world.seats].mean()
    power = np.minimum(2.5, 0.25 + 0.75 * annual["spend"][4] / largest)
    conceded = np.minimum(0.25, (0.04 + worn_by_year[4]) * power)
    np.testing.assert_allclose(annual["spend"][5], annual["listed"][5] * (1 - conceded), rtol=1e-12)
    assert (worn_by_year[4] > 0).any()


def test_a_business_without_contracts_is_exactly_the_reference_whatever_their_terms() -> None:
    scenario = load_scenario("full_program")
    values = {"lock": 0.9, "stake": 0.1, "tender_discount": 0.2, "tender_won": 0.1, "tender_trust": 3.0}
    values |= {"single_thread": 0.1, "buyer_contacts": 0.9}
    played = accounts([scenario], worlds=4), accounts([scenario.changed(world=values)], worlds=4)
    assert np.array_equal(*played)


def test_a_customer_of_a_real_book_is_safe_from_tenders_until_the_launch() -> None:
    book = read_book(scenario_folder() / "example_book.csv")
    scenario = small("no_program", contract_years=1, lock=0.0, stake=1.0, tender_won=0.0, tender_trust=0.0)
    run = simulate(draw_world(scenario, seed=1, book=book), scenario, trace=True)
    share = run.trace.accounts["share"][:, : len(book.account_id)]
    assert (share[:8] > 0.0).all()
    assert (share[8:] < share[7] / 2).any()


# ---------------------------------------------------------------- incubator


def on_trial(name: str, years: int, part: float = 0.5, **policy: Any) -> Scenario:
    return busy(name, **policy).changed(elevation={"incubator_years": years, "incubator_part": part})


@pytest.mark.parametrize("years", [1, 2])
@pytest.mark.parametrize("name", ["status_quo", "full_program", "spend_retiering"])
def test_both_drivers_agree_on_who_is_in_an_incubator(name: str, years: int) -> None:
    for seed in SEEDS:
        agree(on_trial(name, years, retiering_share=1.0, health_threshold=0.05), seed)


class Told(KeyAccountProgram):
    """The Mesa model, noting what becomes of accounts on trial."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        super().__init__(scenario, seed=seed)
        self.told: list[tuple[int, int, str]] = []

    def end_trials(self, healths: dict[int, float], tier: Any) -> None:
        waiting = [account for account in self.key_accounts if account.on_trial == 1]
        again = {account.number for account in waiting if account.once_more}
        super().end_trials(healths, tier)
        threshold = self.policy.terms.health_threshold
        for account in waiting:
            fate = "in" if account.admitted else "out" if tier[account.number] < 0 else "once more"
            self.told.append((self.year, account.number, fate))
            assert (fate == "in") == (healths[account.number] >= threshold)
            assert (account.served == 1.0) == (fate == "in")
            # Only who has had its further year goes, and nobody has a second one while others wait.
            if fate == "out":
                assert account.number in again
            if fate == "once more":
                assert account.on_trial == 1


def test_a_trial_ends_in_once_more_or_out_and_each_comes_to_pass() -> None:
    fates: dict[str, int] = {}
    for seed in range(3):
        model = Told(on_trial("status_quo", 1), seed)
        model.run_model()
        for year, number, fate in model.told:
            fates[fate] = fates.get(fate, 0) + 1
            if fate == "out" and year + 1 < model.timeline.years:
                assert model.history.accounts["tier"][year, number] > 0
                assert model.history.accounts["tier"][year + 1, number] == 0
        cost, world = model.parameters.elevation_cost * model.seat_sales, model.history.accounts["tier"]
        launch = model.timeline.history_years - 1
        came = [
            int(((world[year] == 0) & (world[year + 1] > 0)).sum()) for year in range(launch, model.timeline.years - 1)
        ]
        let_in = [
            sum(fate == "in" for when, _, fate in model.told if when == launch + year) for year in range(len(came))
        ]
        paid = model.history.years["elevation_cost"][launch:-1]
        np.testing.assert_allclose(paid, (np.array(came) + np.array(let_in)) * 0.5 * cost, rtol=1e-12)
    assert set(fates) == {"in", "once more", "out"}


def test_an_account_on_trial_has_a_part_of_hours_and_promise_and_no_concession_of_its_tier() -> None:
    """The first year of a program, in which everybody is on trial, against one without an incubator."""
    scenario, tried = busy(), on_trial("status_quo", 1, 0.25)
    world = draw_world(scenario, seed=2)
    usual, trial = (simulate(world, played, trace=True) for played in (scenario, tried))
    first = 4 * scenario.timeline.history_years
    hours, fewer = (run.trace.accounts["hours"][first] for run in (usual, trial))
    assert (hours > 0).any()
    np.testing.assert_allclose(fewer, 0.25 * hours, rtol=1e-12)
    key = usual.trace.accounts["tier"][first] == 1
    promise, speed = scenario.tiers.ordered["key"].promise, scenario.world.expectation_speed
    standard = scenario.tiers.standard_promise
    expected = standard + speed * (0.25 * promise - standard)
    np.testing.assert_allclose(trial.trace.accounts["expectation"][first][key], expected, rtol=1e-12)
    bought, at_list = (
        [run.history.accounts[field][scenario.timeline.history_years] for run in (usual, trial)]
        for field in ("spend", "listed")
    )
    buys = (at_list[0] > 0) & (at_list[1] > 0)
    conceded, less = (1 - spend[buys] / listed[buys] for spend, listed in zip(bought, at_list, strict=True))
    assert (less[key[buys]] < conceded[key[buys]]).all()
    other = usual.trace.accounts["tier"][first][buys] == 0
    np.testing.assert_allclose(less[other], conceded[other], rtol=1e-9)


@settings(max_examples=6, deadline=None)
@over(part=st.floats(0, 1))
def test_no_incubator_is_exactly_the_reference_whatever_part_it_would_give(part: float) -> None:
    scenario = load_scenario("full_program")
    played = accounts([scenario, with_values(scenario, {"elevation.incubator_part": part})], worlds=4)
    assert np.array_equal(played[:, 0], played[:, 1])


def test_an_incubator_pays_less_at_launch_and_for_service() -> None:
    scenario = load_scenario("status_quo")
    amounts = accounts([scenario, with_values(scenario, {"elevation.incubator_years": 1})], worlds=40)
    at_launch = term(amounts, "elevations_at_launch")
    np.testing.assert_allclose(at_launch[:, 1], 0.5 * at_launch[:, 0], rtol=1e-12)
    assert (term(amounts, "service")[:, 1] > term(amounts, "service")[:, 0]).all()


@pytest.mark.parametrize("name", ["status_quo", "full_program"])
def test_reading_health_without_error_makes_an_incubator_no_worse(name: str) -> None:
    scenario = with_values(load_scenario(name), {"elevation.incubator_years": 1})
    knowing = with_values(scenario, {"world.trust_noise": 0.0})
    profit = total(accounts([scenario, knowing]))
    assert not is_less(profit[:, 1] - profit[:, 0])
    assert (profit[:, 1] != profit[:, 0]).any()


def test_whoever_an_incubator_lets_go_is_still_leaving_after_a_review_by_health() -> None:
    """Else a review would give it the notice that members get, and no other kind of re-tiering would."""
    tier = np.array([LEAVING, 1, 0, 0])
    step_down_the_unhealthy(
        np.array([0.0, 0.5, 0.0, 0.0]), np.array([False, True, False, False]), np.array([4.0, 3.0, 2.0, 1.0]), 0.0, 1,
        np.array([0, 2]), np.zeros(4, dtype=np.bool_), np.zeros(2, dtype=np.int64), np.zeros(2, dtype=np.int64), tier,
    )  # fmt: skip
    assert tier.tolist() == [LEAVING, 0, 1, 1]
