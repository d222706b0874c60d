"""What an organization is willing to invest, and whom it elevates for that: budget, capacity check, criteria."""

import json
import math
from typing import Any

import numpy as np
import pytest
from conftest import assert_same_bits, examples, scenarios, seeds, small
from hypothesis import given
from hypothesis import strategies as st
from test_drivers import agree

from kamsim import KamsimError, Scenario, draw_world, load_scenario, simulate
from kamsim.evidence.ledger import section
from kamsim.experiments.jobs import job_of, play_organizations, shared_worlds
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import Account, account_of, profit_of
from kamsim.scenario import LEVERS
from kamsim.studies.compare import compare
from kamsim.studies.reference import with_reference
from kamsim.world.parameters import budget_of

ROUNDING = 1e-9
RICH: dict[str, Any] = {"kams_per_account": 0.5, "hours_per_kam": 20.0, "support_per_account": 0.4}


def bought_a_year(scenario: Scenario, seat_sales: float) -> float:
    """Money that all hours and all support of a year cost, from the scenario alone."""
    world, budget = scenario.world, scenario.budget
    found = budget_of(scenario, world.accounts)
    hours = found.kams * (budget.hours_per_kam or world.hours_per_kam)
    support = found.functions * found.capacity
    return float(4 * seat_sales * (hours * world.hour_cost + support * world.support_cost))


def service_paid(scenario: Scenario, seed: int) -> tuple[Any, float]:
    """Money paid for service by year from the launch on, and sales that costs are told in."""
    world = draw_world(scenario, seed=seed)
    history, launch = simulate(world, scenario).history, scenario.timeline.history_years
    last = history.accounts[launch - 1]
    here = history.accounts["tier"][launch] >= 0
    largest = np.sort(last["spend"][here & (world.accounts["arrives"] < 4 * launch)])[::-1][: world.seats]
    paid = history.accounts["investment"].sum(axis=1) + history.years["idle_cost"]
    assert not paid[:launch].any()
    return paid[launch:], float(largest.mean()) if len(largest) else 0.0


# ---------------------------------------------------------------- budget


def test_managers_and_support_follow_the_budget_where_it_says_so_and_the_places_of_the_world() -> None:
    scenario = load_scenario("status_quo").changed(
        world={"budgeted_seats": 18, "accounts_per_kam": 4.0, "capacity_per_seat": 0.5, "functions": 4}
    )
    usual = budget_of(scenario, 150)
    assert (usual.kams, usual.capacity) == (5, 2.25)
    for part, kams in ((0.25, 5), (0.5, 9), (1 / 18, 1), (2 / 18, 2), (0.01, 1), (1.0, 18)):
        found = budget_of(scenario.changed(budget={"kams_per_account": part}), 150)
        assert found == usual._replace(kams=kams), part
    assert budget_of(scenario.changed(budget={"support_per_account": 0.2}), 150) == usual._replace(capacity=0.9)
    assert budget_of(scenario.changed(budget={"hours_per_kam": 3.0, "committed": 1.0}), 150) == usual
    # 0.07 x 100 is a little more than 7 in binary numbers, and no eighth KAM.
    many = scenario.changed(world={"budgeted_seats": 100}, budget={"kams_per_account": 0.07})
    assert budget_of(many, 1000).kams == 7


def test_without_a_budget_nothing_idle_is_paid() -> None:
    scenario = small("bilateral_boundaries")
    assert not simulate(draw_world(scenario), scenario).history.years["idle_cost"].any()
    assert {row.name: getattr(scenario.budget, row.name) for row in section("budget")} == {
        "kams_per_account": 0.0, "hours_per_kam": 0.0, "support_per_account": 0.0, "committed": 0.0
    }  # fmt: skip


BUDGETS = (
    {"committed": 1.0},
    {"committed": 0.4},
    {"kams_per_account": 0.2},
    {"hours_per_kam": 4.0},
    {"support_per_account": 0.5},
    RICH,
)


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
@pytest.mark.parametrize("name", ["status_quo", "full_program", "spend_retiering"])
def test_both_drivers_agree_at_any_budget(name: str, budget: dict[str, float]) -> None:
    policy = {"managed_downtiering": 1.0, "managed_hours": 1.0}
    scenario = small(name).changed(budget=budget, policy=policy)
    usual = small(name).changed(policy=policy)
    differ = False
    for seed in range(3):
        model = agree(scenario, seed)
        history = simulate(draw_world(usual, seed=seed), usual).history
        differ |= model.history.years.tobytes() != history.years.tobytes()
        assert (model.history.years["idle_cost"] >= 0.0).all()
    assert differ


@examples(30)
@given(scenarios(), seeds(), st.floats(0, 1), st.floats(0, 30), st.floats(0, 1), st.floats(0, 1))
def test_both_drivers_agree_at_random_budgets(
    scenario: Scenario, seed: int, kams: float, hours: float, support: float, committed: float
) -> None:
    budget = {"kams_per_account": kams, "hours_per_kam": hours, "support_per_account": support, "committed": committed}
    agree(scenario.changed(budget=budget), seed)


@st.composite
def policies_of_one_organization(draw: st.DrawFn) -> tuple[Scenario, Scenario]:
    """Two random programs of one world, with the same budget: places, promises and levers differ.

    None has an account team or a sponsor: people beside the KAMs are paid beside the budget.
    """
    budget = {
        "kams_per_account": draw(st.floats(0, 1)),
        "hours_per_kam": draw(st.floats(0, 30)),
        "support_per_account": draw(st.floats(0, 1)),
        "committed": 1.0,
    }
    world = draw(scenarios()).changed(budget=budget)

    def program() -> Scenario:
        # Without a place there is no program, and nothing is bought.
        most = 1 if world.world.accounts >= len(world.tiers.ordered) else 0
        tiers = {
            name: {"seats": draw(st.integers(0, most)) if place else 1, "promise": draw(st.floats(0, 2))}
            for place, name in enumerate(world.tiers.ordered)
        }
        levers = {} if world.population is not None else {lever: draw(st.floats(0, 1)) for lever in LEVERS}
        policy = {**levers, "managed_downtiering": draw(st.floats(0, 1)), "managed_hours": draw(st.floats(0, 1))}
        policy |= {"team_contacts": 1, "sponsor": 0.0}
        return world.changed(tiers={"ordered": tiers}, policy=policy)

    return program(), program()


@examples(100)
@given(policies_of_one_organization(), seeds())
def test_at_the_same_budget_every_policy_pays_the_same_for_service(pair: tuple[Scenario, Scenario], seed: int) -> None:
    """Hours and support used, and those paid for idle, add up to what the budget bought, whoever is served."""
    for scenario in pair:
        paid, seat_sales = service_paid(scenario, seed)
        expected = bought_a_year(scenario, seat_sales)
        np.testing.assert_allclose(paid, expected, rtol=1e-8, atol=1e-300)


def test_where_there_is_no_place_there_is_no_program_and_no_budget() -> None:
    scenario = small("no_program").changed(budget=RICH)
    assert not simulate(draw_world(scenario), scenario).history.years["idle_cost"].any()


def test_only_what_is_bought_counts_and_not_what_functions_keep_from_key_accounts() -> None:
    """Functions that put nothing but a tenth behind key accounts cost as much as those that put all."""
    paid = []
    for alignment in (0.1, 0.9):
        scenario = small(alignment_mean=alignment, alignment_sd=0.0).changed(budget={"committed": 1.0})
        paid.append(service_paid(scenario, 3)[0])
    np.testing.assert_allclose(paid[0], paid[1], rtol=1e-12)
    assert paid[0].all()


def test_a_strength_of_commitment_pays_that_part_of_what_is_idle() -> None:
    idle = []
    for committed in (0.25, 1.0):
        scenario = small("bilateral_boundaries").changed(budget={"committed": committed})
        idle.append(simulate(draw_world(scenario), scenario).history.years["idle_cost"])
    assert idle[1].any()
    np.testing.assert_allclose(idle[0], 0.25 * idle[1], rtol=1e-12)


def test_idle_hours_are_program_service_of_the_program_and_of_no_account() -> None:
    """All terms but service stay, service is what was bought, and profit is the terms added up."""
    scenario = small("full_program")
    usual, committed = scenario, scenario.changed(budget={"committed": 1.0})
    jobs = [job_of(one) for one in (usual, committed)]
    (one,), (other,) = (table.account for table in play_organizations(jobs, 5, 0, 1))
    before, after = Account(*one.tolist()), Account(*other.tolist())
    paid, _ = service_paid(committed, 5)
    history = simulate(draw_world(committed, seed=5), committed).history
    assert after.service == pytest.approx(-paid.sum(), rel=ROUNDING)
    assert before.service - after.service == pytest.approx(history.years["idle_cost"].sum(), rel=ROUNDING)
    assert history.years["idle_cost"].any()
    # Nothing that a customer or a manager does hangs on who pays for idle hours.
    assert after._replace(service=0.0) == before._replace(service=0.0)
    margin = scenario.world.gross_margin
    terms = sum(after[:6])
    assert profit_of(after, margin) == pytest.approx(terms, rel=ROUNDING)
    assert_same_bits(history.accounts, simulate(draw_world(usual, seed=5), usual).history.accounts)


def test_idle_hours_of_later_years_count_less_as_all_money_does() -> None:
    scenario = small("bilateral_boundaries").changed(budget={"committed": 1.0})
    history, launch = simulate(draw_world(scenario), scenario).history, scenario.timeline.history_years
    account = account_of(history, 0.5, launch, 0.08)
    paid = history.accounts["investment"].sum(axis=1) + history.years["idle_cost"]
    weight = 1.08 ** -np.arange(len(paid) - launch)
    assert account.service == pytest.approx(-(weight @ paid[launch:]), rel=ROUNDING)


# ---------------------------------------------------------------- budget and world


def test_a_budget_changes_no_draw_and_no_unit_of_the_world() -> None:
    usual = load_scenario("status_quo")
    rich = usual.changed(budget=RICH)
    one, other = (draw_world(scenario, seed=8, organization=3) for scenario in (usual, rich))
    kams = len(one.skill)
    assert len(other.skill) > kams
    for field in ("accounts", "quarters", "readings", "season", "need_mix", "alignment"):
        assert_same_bits(getattr(one, field), getattr(other, field))
    for field in ("skill", "tie"):
        assert_same_bits(getattr(one, field), np.ascontiguousarray(getattr(other, field)[:kams]))
    for field in ("kam_quarters", "report_draw"):
        assert_same_bits(getattr(one, field), np.ascontiguousarray(getattr(other, field)[:, :kams]))
    for field in ("first", "newcomers", "seats", "market_growth", "premium", "prioritizes_returns", "patience"):
        assert getattr(one, field) == getattr(other, field)
    assert other.capacity == pytest.approx(one.capacity * 0.4 / usual.world.capacity_per_seat)
    histories = [simulate(world, scenario).history for world, scenario in ((one, usual), (other, rich))]
    launch = usual.timeline.history_years
    # What costs are told in is settled before the program starts.
    assert_same_bits(*(history.accounts[:launch] for history in histories))


def test_another_number_of_managers_or_support_is_another_group_of_worlds_and_hours_are_not() -> None:
    usual = small()
    budgets = ({}, {"hours_per_kam": 30.0}, {"committed": 1.0}, {"kams_per_account": 2.0}, {"support_per_account": 1.0})
    jobs = [job_of(usual.changed(budget=budget)) for budget in budgets]
    assert shared_worlds(jobs) == [[0, 1, 2], [3], [4]]
    together, alone = play_organizations(jobs, 3, 0, 4), [play_organizations([job], 3, 0, 4)[0] for job in jobs]
    for one, other in zip(together, alone, strict=True):
        assert_same_bits(one, other)


@pytest.mark.parametrize(
    ("budget", "said"), [({"support_per_account": 1.0}, "units of support"), ({"kams_per_account": 2.0}, "KAMs")]
)
def test_a_program_cannot_be_played_where_other_resources_were_drawn(budget: dict[str, float], said: str) -> None:
    with pytest.raises(KamsimError, match=said):
        simulate(draw_world(small()), small().changed(budget=budget))


# ---------------------------------------------------------------- budgets compared


def compared(budgets: list[dict[str, float]]) -> tuple[str, ...]:
    names = ("status_quo", "full_program")
    named = [small(name).changed(budget=budget) for name, budget in zip(names, budgets, strict=True)]
    comparison = compare(with_reference(named), replications=2)
    assert list(comparison.notes) == json.loads(json.dumps(comparison.to_dict()))["notes"]
    return tuple(note for note in comparison.notes if "budget" in note or "[world]" in note)


def test_a_comparison_says_where_budgets_differ_and_only_there() -> None:
    assert compared([{}, {}]) == ()
    assert compared([RICH, RICH]) == ()
    (note,) = compared([{}, {"kams_per_account": 1.0, "hours_per_kam": 20.0}])
    assert note == (
        "compared at their own budgets: status_quo at the usual budget; full_program with kams_per_account 1.0 and "
        "hours_per_kam 20.0"
    )


def test_a_world_that_differs_beside_the_budget_is_still_said() -> None:
    usual, other = small(), small(name="status_quo", hazard=0.05).changed(name="other", budget=RICH)
    notes = compare([usual, other], replications=2).notes
    assert any("world.hazard" in note for note in notes)
    assert any(note.startswith("compared at their own budgets") for note in notes)


# ---------------------------------------------------------------- capacity check


CHECKS: tuple[dict[str, float], ...] = (
    {"capacity_check": 1.0},
    {"capacity_check": 0.5, "capacity_slack": 0.0},
    {"capacity_check": 0.7, "capacity_slack": 0.2},
)


@pytest.mark.parametrize("check", CHECKS, ids=str)
@pytest.mark.parametrize("name", ["status_quo", "full_program", "spend_retiering"])
def test_both_drivers_agree_where_capacity_is_checked(name: str, check: dict[str, float]) -> None:
    usual = small(name, hazard=0.05, capacity_per_seat=0.3)
    differ = False
    for seed in range(3):
        model = agree(usual.changed(elevation=check), seed)
        history = simulate(draw_world(usual, seed=seed), usual).history
        differ |= model.history.accounts.tobytes() != history.accounts.tobytes()
    assert differ


@examples(30)
@given(scenarios(), seeds(), st.floats(0, 1), st.floats(0, 10))
def test_both_drivers_agree_at_random_checks(scenario: Scenario, seed: int, check: float, slack: float) -> None:
    agree(scenario.changed(elevation={"capacity_check": check, "capacity_slack": slack}), seed)


def first_members(scenario: Scenario, seed: int) -> tuple[Any, Any]:
    world = draw_world(scenario, seed=seed)
    history = simulate(world, scenario).history
    return world, np.flatnonzero(history.accounts["tier"][scenario.timeline.history_years] > 0)


@pytest.mark.parametrize("name", ["status_quo", "cross_functional_alignment"])
def test_the_first_program_is_as_large_as_its_need_fits(name: str) -> None:
    """The launch once more, from the world alone: promised are hours by weight, and support by ties."""
    scenario, sizes = small(name).changed(elevation={"capacity_check": 1.0}), []
    usual = small(name)
    for seed in range(8):
        world, members = first_members(scenario, seed)
        _, without = first_members(usual, seed)
        slack = 0.5 if name == "status_quo" else 0.0
        support = world.capacity * world.alignment.sum() * (1 + slack)
        hours = scenario.world.hours_per_kam * len(world.skill) * (1 + slack)
        wallet = world.quarters["wallet"][4 * scenario.timeline.history_years - 1]
        need = np.zeros(len(wallet))
        need[without] = (4 * wallet[without]) ** scenario.world.need_exponent
        assert set(members) <= set(without)
        assert need[members].sum() * world.tie.mean() <= support
        assert need[members].sum() <= hours
        # One more, the largest of those left out at the most, would have been too many.
        left = sorted(set(without) - set(members))
        assert not left or (need[members].sum() + need[left].max()) * world.tie.mean() > support
        sizes.append(len(members))
    assert min(sizes) < len(without)
    assert max(sizes) > 0


def test_a_team_promises_nothing_beyond_what_is_committed() -> None:
    half = small(capacity_per_seat=0.3).changed(elevation={"capacity_check": 1.0, "capacity_slack": 3.0})
    assert len(first_members(half, 2)[1]) > len(first_members(half.changed(policy={"alignment": 1.0}), 2)[1])


def test_more_capacity_fills_no_fewer_places() -> None:
    for seed in range(5):
        scenarios_ = [small(capacity_per_seat=support).changed(elevation={"capacity_check": 1.0})
                      for support in (0.0, 0.1, 0.2, 0.4, 5.0)]  # fmt: skip
        sizes = [len(first_members(one, seed)[1]) for one in scenarios_]
        assert sizes == sorted(sizes)
        assert sizes[0] == 0
        assert sizes[-1] == len(first_members(small(), seed)[1])


@examples(30)
@given(scenarios(), seeds(), st.floats(0, 10))
def test_a_check_of_no_strength_is_no_check(scenario: Scenario, seed: int, slack: float) -> None:
    none, other = (
        scenario.changed(elevation={"capacity_check": 0.0, "capacity_slack": room}) for room in (slack, slack / 2)
    )
    world = draw_world(scenario, seed=seed)
    assert_same_bits(*(simulate(world, one, trace=True) for one in (none, other)))


# ---------------------------------------------------------------- selection matrix


CRITERIA = [row.name for row in section("criteria")]
MATRIX = dict(zip(CRITERIA, (2.0, 1.0, 3.0, 0.5, 1.0), strict=True))


@pytest.mark.parametrize("weights", [MATRIX, *({name: 1.0} for name in CRITERIA)], ids=str)
@pytest.mark.parametrize("name", ["status_quo", "full_program", "spend_retiering"])
def test_both_drivers_agree_by_any_criteria(name: str, weights: dict[str, float]) -> None:
    usual = small(name, hazard=0.05)
    differ = False
    for seed in range(3):
        model = agree(usual.changed(criteria=weights, elevation={"capacity_check": 0.5}), seed)
        history = simulate(draw_world(usual, seed=seed), usual).history
        differ |= model.history.accounts.tobytes() != history.accounts.tobytes()
    assert differ


@examples(30)
@given(scenarios(), seeds(), st.fixed_dictionaries(dict.fromkeys(CRITERIA, st.floats(0, 10) | st.just(0.0))))
def test_both_drivers_agree_by_random_criteria(scenario: Scenario, seed: int, weights: dict[str, float]) -> None:
    agree(scenario.changed(criteria=weights), seed)


def test_present_spend_alone_elevates_as_the_selection_lever_does_by_spend() -> None:
    for name in ("status_quo", "performance_retiering", "spend_retiering"):
        usual = small(name)
        other = usual.changed(criteria={"present_spend": 3.0}, policy={"selection": 1.0})
        world = draw_world(usual, seed=4)
        assert_same_bits(*(simulate(world, one, trace=True) for one in (usual, other)))


def chosen_by(weights: dict[str, float], what: str, **world: float) -> float:
    """How much above the rest the first key accounts are, in standard deviations of what one criterion reads."""
    scenario = small(arrival=0.0, hazard=0.0, **world).changed(criteria=weights)
    gaps = []
    for seed in range(12):
        drawn, members = first_members(scenario, seed)
        last = 4 * scenario.timeline.history_years - 1
        born, spend = drawn.accounts, simulate(drawn, scenario).history.accounts["spend"]
        quarters = drawn.quarters["wallet"][last]
        values = {
            "potential": np.log(quarters * np.maximum(born["ceiling"] - born["share"], 0.01)),
            "contribution": (scenario.world.gross_margin - born["cost"]) * spend[last // 4],
            "compatibility": born["fit"],
            "willingness": born["will_told"],
            "present_spend": spend[last // 4],
        }[what]
        gaps.append((values[members].mean() - values.mean()) / values.std())
    return float(np.mean(gaps))


@pytest.mark.parametrize("criterion", CRITERIA)
def test_who_is_elevated_has_more_of_what_is_asked_for(criterion: str) -> None:
    # The will that a customer tells says more of its fit than a supplier reads of that alone.
    others = set(CRITERIA) - {criterion} - ({"willingness"} if criterion == "compatibility" else set())
    most = chosen_by({criterion: 1.0}, criterion)
    assert most > 0.8
    for other in others:
        assert most > chosen_by({other: 1.0}, criterion)


@pytest.mark.parametrize(
    ("criterion", "error"),
    [("potential", "observation_noise"), ("contribution", "cost_noise"), ("compatibility", "fit_noise")],
)
def test_who_reads_worse_chooses_worse(criterion: str, error: str) -> None:
    exact, blind = (chosen_by({criterion: 1.0}, criterion, **{error: noise}) for noise in (0.0, 2.0))
    assert exact > blind + 0.1


@examples(30)
@given(scenarios(), seeds())
def test_present_spend_alone_is_the_selection_lever_at_its_usual_end(scenario: Scenario, seed: int) -> None:
    plain = scenario.changed(
        population=None,
        policy={"selection": 0.0},
        rebuild={"adopts_selection": 0.0},
        criteria=dict.fromkeys(CRITERIA, 0.0),
    )
    world = draw_world(plain, seed=seed)
    weighed = plain.changed(criteria={"present_spend": 1.0})
    assert_same_bits(*(simulate(world, one) for one in (plain, weighed)))


# ---------------------------------------------------------------- nothing is worth less for being better


def gain(one: Scenario, other: Scenario, worlds: int = 150) -> tuple[float, float]:
    """Mean gain in total profit of the other in the same worlds, and its standard error."""
    profit = [measure.name for measure in MEASURES].index("total_profit")
    before, after = play_organizations([job_of(one), job_of(other)], 20_261_129, 0, worlds)
    gains = (after.outcomes - before.outcomes)[:, profit]
    return float(gains.mean()), float(gains.std() / math.sqrt(worlds))


FREE = {"hour_cost": 0.0, "support_cost": 0.0}
RESOURCES = ({"kams_per_account": 0.5}, {"hours_per_kam": 22.0}, {"support_per_account": 0.32})


@pytest.mark.parametrize("budget", RESOURCES, ids=str)
@pytest.mark.parametrize("elevation", [{}, {"capacity_check": 1.0}], ids=str)
def test_more_resources_at_no_cost_make_nothing_worse(budget: dict[str, float], elevation: dict[str, float]) -> None:
    usual = load_scenario("status_quo").changed(world=FREE, elevation=elevation)
    mean, error = gain(usual, usual.changed(budget=budget))
    assert mean >= -3.0 * error
    if "support_per_account" in budget:
        assert mean > 3.0 * error


@pytest.mark.parametrize(
    ("criterion", "errors"),
    [
        ("potential", ("observation_noise",)),
        ("contribution", ("cost_noise", "cost_noise_team")),
        ("compatibility", ("fit_noise", "fit_noise_bilateral")),
        ("willingness", ("will_noise",)),
    ],
)
def test_criteria_read_without_error_choose_no_worse(criterion: str, errors: tuple[str, ...]) -> None:
    usual = load_scenario("status_quo").changed(criteria={criterion: 1.0})
    mean, error = gain(usual, usual.changed(world=dict.fromkeys(errors, 0.0)))
    assert mean >= -3.0 * error


def test_a_budget_of_what_the_world_has_is_no_other_program() -> None:
    """Bought as it is, a program is the same to the last bit, but that it pays for what is idle."""
    usual = load_scenario("full_program")
    bought = {"kams_per_account": 1 / usual.world.accounts_per_kam, "hours_per_kam": usual.world.hours_per_kam,
              "support_per_account": usual.world.capacity_per_seat}  # fmt: skip
    world = draw_world(usual, seed=6)
    one, other = (simulate(world, scenario, trace=True) for scenario in (usual, usual.changed(budget=bought)))
    assert_same_bits(one.trace, other.trace)
    assert_same_bits(one.history.accounts, other.history.accounts)
    assert other.history.years["idle_cost"].any()
