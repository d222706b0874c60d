"""Closed forms: every rule and every law against numbers worked out by hand, and the model where it has a formula."""

import ast
import importlib
import inspect
import math
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
import pytest
from conftest import small
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kamsim import Scenario, draw_world, load_scenario, simulate
from kamsim.rules.alignment import alignment_after_quarter, fatigue_after_quarter, fatigue_after_rebuild, overload
from kamsim.rules.attention import (
    account_need,
    coverage,
    hours_after_talk,
    hours_of_all,
    planned_hours,
    welcome_hours,
)
from kamsim.rules.collaboration import (
    available_support,
    collaboration_felt,
    collaboration_part,
    granted_fraction,
    support_asked,
    tie_after_departure,
    tie_after_quarter,
)
from kamsim.rules.contracts import chance_of_tender, chance_to_win, is_renewal, part_of_pace
from kamsim.rules.costs import (
    add_up,
    amount_bought,
    commitment,
    contribution,
    idle_cost,
    investment,
    return_on_sales,
)
from kamsim.rules.elevation import add_ranks, fits_capacity, keep_within_capacity, rank_among
from kamsim.rules.incubator import ADMITTED, ONCE_MORE, OUT, elevations_paid, verdict
from kamsim.rules.orders import (
    BEND,
    FEW_ORDERS,
    LEAST_ORDERS,
    chance_of_leaving_in_a_year,
    hazard_of_leaving,
    hazard_of_size,
    mean_orders,
    orders_of_quarter,
    unevenness,
)
from kamsim.rules.pricing import bargaining_power, growth_rebate, price_concession, program_concession, worn_price
from kamsim.rules.quota import (
    chance_to_leave,
    expected_premium,
    growth_asked,
    missed_in_a_row,
    next_quota,
    patience_borne,
    patience_ends,
    pilot_spreads,
    plan_promise,
    quota_attainment,
    room_to_grow,
    sales_passed_on,
    sum_of_plans,
)
from kamsim.rules.relationship import (
    bond_after_quarter,
    bond_kept_without_buyer,
    bond_with_one,
    expectation_after_quarter,
    loss_felt,
    partnership_worth,
    trust_after_loss,
    trust_after_service,
    trust_without_program,
    value_delivered,
)
from kamsim.rules.spend import quarter_spend, share_after_loss, share_after_quarter, share_ceiling, share_target
from kamsim.rules.tiering import (
    LEAST_POTENTIAL,
    LEAVING,
    NO_CUSTOMER,
    account_health,
    best_first,
    best_kam,
    between,
    calibrated_ambition,
    fill_vacant_seats,
    growth_potential,
    log_growth,
    mean_of_largest,
    middle,
    moves_allowed,
    notice_after_year,
    open_places,
    reading,
    rerank_by_spend,
    seat_again,
    seat_beside_notices,
    seat_from_the_top,
    select_anew,
    sorting_pull,
    spend_score,
    step_down_the_unhealthy,
    team_noise,
)
from kamsim.world.draws import normal_quantile
from kamsim.world.laws import (
    arrivals_of_year,
    compatibility,
    cost_against_mean,
    customers_will,
    growth_of_year,
    half_persistent,
    patience_of,
    premium_expected,
)

RULES = (
    "alignment",
    "attention",
    "collaboration",
    "contracts",
    "costs",
    "elevation",
    "incubator",
    "orders",
    "pricing",
    "quota",
    "relationship",
    "spend",
    "tiering",
)
MODULES = [f"kamsim.rules.{name}" for name in RULES] + ["kamsim.world.laws"]


def near(value: float) -> Any:
    return pytest.approx(value, rel=1e-12, abs=1e-15)


def public_rules() -> dict[str, FunctionType]:
    return {
        name: function
        for module in map(importlib.import_module, MODULES)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }


# ---------------------------------------------------------------- none is forgotten


def test_every_rule_and_every_law_has_a_test_here() -> None:
    called: set[str] = set()
    for part in ast.parse(Path(__file__).read_text(encoding="utf-8")).body:
        if isinstance(part, ast.FunctionDef) and part.name.startswith("test_"):
            called |= {
                node.func.id
                for node in ast.walk(part)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
    assert set(public_rules()) - called == set()


def test_the_modules_of_rules_are_all_looked_at() -> None:
    folder = Path(inspect.getfile(importlib.import_module("kamsim.rules"))).parent
    assert {path.stem for path in folder.glob("*.py")} == {*RULES, "__init__"}


@pytest.mark.parametrize("name", sorted(public_rules()))
def test_every_rule_says_what_it_takes_and_returns(name: str) -> None:
    function = public_rules()[name]
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    told = text.partition("Parameters\n----------\n")[2].partition("\nReturns\n")[0].partition("\nNotes\n")[0]
    headings = [line.partition(" : ")[0] for line in told.splitlines() if " : " in line and line[:1].strip()]
    named = [name.strip() for heading in headings for name in heading.split(",")]
    assert sorted(named) == sorted(signature.parameters)
    assert ("Returns\n-------\n" in text) == (signature.return_annotation is not None)
    assert all(parameter.annotation is not parameter.empty for parameter in signature.parameters.values())


# ---------------------------------------------------------------- budget, capacity check, selection matrix


def test_a_budget_is_what_was_chosen_or_what_the_world_has() -> None:
    assert amount_bought(0.0, 12.9) == 12.9
    assert amount_bought(5.0, 12.9) == 5.0
    assert commitment(0.0, 0.0, 0.0, 0.3) == 0.3
    assert [commitment(*(1e-9 * (row == one) for row in range(3)), 0.3) for one in range(3)] == [1.0, 1.0, 1.0]
    assert idle_cost(10.0, 4.0, 1.0) == 6.0
    assert idle_cost(10.0, 4.0, 0.5) == 3.0
    assert idle_cost(10.0, 4.0, 0.0) == 0.0
    assert idle_cost(4.0, 4.0 + 1e-15, 1.0) == 0.0


@pytest.mark.parametrize(
    ("promised", "committed", "slack", "strength", "fits"),
    [
        (10.0, 10.0, 0.0, 1.0, True),
        (10.1, 10.0, 0.0, 1.0, False),
        (15.0, 10.0, 0.5, 1.0, True),
        (15.1, 10.0, 0.5, 1.0, False),
        (19.9, 10.0, 0.0, 0.5, True),
        (20.1, 10.0, 0.0, 0.5, False),
        (1e300, 0.0, 0.0, 0.0, True),
    ],
)
def test_what_is_promised_fits_what_is_committed(
    promised: float, committed: float, slack: float, strength: float, fits: bool
) -> None:
    assert fits_capacity(promised, committed, slack, strength) is fits


@pytest.mark.parametrize(
    ("stays", "hours", "support", "strength", "expected"),
    [
        ((), 6.0, 2.0, 1.0, [2, 2, 1, 1, 0]),
        ((), 5.9, 2.0, 1.0, [2, 2, 1, 0, 0]),  # the fourth would need the sixth hour
        ((), 6.0, 1.9, 1.0, [2, 2, 1, 0, 0]),  # or the second unit of support
        ((), 3.9, 2.0, 1.0, [2, 0, 0, 0, 0]),  # nobody behind the first that does not fit comes in
        ((), 0.0, 0.0, 1.0, [0, 0, 0, 0, 0]),
        ((), 3.0, 1.0, 0.5, [2, 2, 1, 1, 0]),
        ((), 0.0, 0.0, 0.0, [2, 2, 1, 1, 0]),
        ((3,), 5.0, 9.0, 1.0, [2, 2, 0, 1, 0]),  # who stays comes first
        ((2, 3), 0.5, 9.0, 1.0, [0, 0, 1, 1, 0]),  # and is not demoted for lack of capacity
    ],
)
def test_places_are_filled_best_first_while_need_fits_and_stay_empty_beyond(
    stays: tuple[int, ...], hours: float, support: float, strength: float, expected: list[int]
) -> None:
    """Each account needs 1, of which functions are asked for a half; the first scores best."""
    tier, staying, attention = np.array([2, 2, 1, 1, 0]), np.isin(np.arange(5), stays), np.array([0.0, 1.0, 2.0])
    eligible, order = np.zeros(5, dtype=np.bool_), np.zeros(5, dtype=np.int64)
    keep_within_capacity(
        -np.arange(5.0), np.ones(5), staying, attention, 0.5, hours, support, 0.0, strength, eligible, order, tier
    )
    assert tier.tolist() == expected


def test_rank_is_the_part_of_other_candidates_that_are_below() -> None:
    ordered = np.array([0.0, 1.0, 1.0, 2.0, 1e300])
    assert [rank_among(ordered, value) for value in ordered] == [0.0, 0.25, 0.25, 0.75, 1.0]
    assert rank_among(np.array([7.0]), 7.0) == 0.0


def test_ranks_are_parts_of_other_candidates_that_are_below() -> None:
    values = np.array([5.0, 1e300, -2.0, 5.0, 7.0, 99.0])
    candidate = np.array([True, True, True, True, True, False])
    scores, ordered = np.full(6, 10.0), np.zeros(6)
    add_ranks(values, candidate, 2.0, ordered, scores)
    np.testing.assert_allclose(scores, [10.5, 12.0, 10.0, 10.5, 11.5, 10.0])
    alone = np.zeros(6)
    add_ranks(values, values == 99.0, 2.0, ordered, alone)
    assert not alone.any()
    add_ranks(values, values == 98.0, 2.0, ordered, alone)
    assert not alone.any()


# ---------------------------------------------------------------- rules 1 and 2: attention


def test_need_grows_less_than_in_proportion_to_the_wallet() -> None:
    assert account_need(0.25, 0.3) == near(1.0)
    assert account_need(4.0, 0.25) == near(2.0)
    assert account_need(4.0, 0.0) == near(1.0)
    assert account_need(4.0, 1.0) == near(16.0)


def test_hours_go_by_weighted_need() -> None:
    assert planned_hours(15.0, 3.0, 12.0) == near(3.75)
    assert planned_hours(0.0, 3.0, 12.0) == 0.0
    assert planned_hours(15.0, 3.0, 3.0) == 15.0
    assert sum(planned_hours(15.0, need, 6.0) for need in (1.0, 2.0, 3.0)) == near(15.0)
    assert planned_hours(15.0, 0.0, 0.0) == 0.0


def test_a_willing_customer_takes_up_more_hours() -> None:
    assert welcome_hours(2.0, 0.5, 0.8, 0.25) == near(1.4)
    assert welcome_hours(2.0, 0.5, 0.8, 0.0) == near(1.0)
    assert welcome_hours(2.0, 0.5, 0.8, 1.0) == near(2.6)
    assert welcome_hours(0.0, 0.5, 0.8, 1.0) == 0.0


def test_hours_that_the_customer_does_not_want_are_not_spent_where_it_is_asked() -> None:
    assert hours_after_talk(3.0, 2.0, 1.0) == near(2.0)
    assert hours_after_talk(3.0, 2.0, 0.25) == near(2.75)
    assert hours_after_talk(3.0, 2.0, 0.0) == 3.0
    assert hours_after_talk(2.0, 3.0, 1.0) == 2.0


def test_coverage_is_concave_in_hours() -> None:
    assert coverage(1.0, 0.0, 2.0) == 0.0
    assert coverage(1.0, 2.0 * math.log(2.0), 2.0) == near(0.5)
    assert coverage(2.0, math.log(4.0), 2.0) == near(0.75)
    assert coverage(1.0, 1e6, 1.0) == 1.0
    assert coverage(1.0, 0.0, 0.0) == 0.0
    first, second, third = (coverage(1.0, hours, 2.0) for hours in (1.0, 2.0, 3.0))
    assert first > second - first > third - second > 0


# ---------------------------------------------------------------- rules 3, 4, 5 and 10: collaboration


def test_an_ask_is_need_times_mix_times_coverage_times_tie() -> None:
    assert support_asked(2.0, 0.25, 0.8, 0.5) == near(0.2)
    assert support_asked(2.0, 0.25, 0.0, 0.5) == 0.0


def test_a_function_has_its_aligned_capacity_to_give() -> None:
    assert available_support(8.0, 0.75) == near(6.0)
    assert available_support(0.0, 0.75) == 0.0


def test_asks_are_granted_in_full_or_all_alike() -> None:
    assert granted_fraction(0.0, 0.0) == 1.0
    assert granted_fraction(3.0, 3.0) == 1.0
    assert granted_fraction(4.0, 3.0) == near(0.75)
    assert granted_fraction(4.0, 0.0) == 0.0


def test_a_function_brings_mix_times_tie_times_fraction() -> None:
    assert collaboration_part(0.5, 0.8, 0.25) == near(0.1)
    assert collaboration_part(1.0, 1.0, 1.0) == 1.0


def test_ties_grow_by_honored_asks_and_fade_without() -> None:
    # Grown: .5 x .04 x .75 x .6 = .009; lost: .04 x .25 x .4 = .004, of which a half team saves half.
    assert tie_after_quarter(0.4, 0.75, 0.5, 0.04, 0.0, 0.05, 0.95) == near(0.405)
    assert tie_after_quarter(0.4, 0.75, 0.5, 0.04, 0.5, 0.05, 0.95) == near(0.407)
    assert tie_after_quarter(0.4, 0.0, 0.5, 0.04, 0.0, 0.05, 0.95) == near(0.384)
    assert tie_after_quarter(0.4, 0.0, 0.5, 0.04, 1.0, 0.05, 0.95) == 0.4
    assert tie_after_quarter(0.05, 0.0, 0.5, 0.04, 0.0, 0.05, 0.95) == 0.05
    assert tie_after_quarter(0.94, 1.0, 10.0, 1.0, 0.0, 0.05, 0.95) == 0.95


def test_a_successor_keeps_a_part_of_the_ties() -> None:
    assert tie_after_departure(0.8, 0.5, 0.05) == near(0.4)
    assert tie_after_departure(0.08, 0.5, 0.05) == 0.05


# ---------------------------------------------------------------- rules 6 and 7: relationship


def test_value_has_attention_collaboration_and_the_two_together() -> None:
    # .35 x .8 + .30 x .5 + .35 x .8 x .5 = .57
    weights = 0.35, 0.30, 0.35
    assert value_delivered(1.0, 0.8, 0.5, *weights) == near(0.57)
    assert value_delivered(partnership_worth(0.25, 0.5), 0.8, 0.5, *weights) == near(0.285)
    assert value_delivered(partnership_worth(0.0, 0.7), 0.8, 0.5, *weights) == 0.0
    assert value_delivered(partnership_worth(0.5, 0.7), 0.0, 0.0, *weights) == 0.0


def test_a_partnership_is_worth_fit_to_its_power() -> None:
    assert partnership_worth(0.25, 0.5) == near(0.5)
    assert partnership_worth(1.0, 0.7) == 1.0
    assert partnership_worth(0.25, 1.0) == near(0.25)
    assert partnership_worth(0.0, 0.0) == 1.0


def test_a_bond_grows_with_attention_and_is_never_more_than_full() -> None:
    assert bond_after_quarter(0.2, 0.5, 0.4) == near(0.36)
    assert bond_after_quarter(0.2, 0.0, 0.4) == 0.2
    assert bond_after_quarter(1.0, 1.0, 1.0) == 1.0
    bond = 0.0
    for _ in range(10):
        bond = bond_after_quarter(bond, 0.5, 0.4)
    assert bond == near(1 - 0.8**10)


def test_expectation_moves_a_part_of_the_way_to_the_promise() -> None:
    assert expectation_after_quarter(0.10, 0.30, 0.1) == near(0.12)
    assert expectation_after_quarter(0.10, 0.30, 1.0) == near(0.30)
    assert expectation_after_quarter(0.10, 0.30, 0.0) == 0.10


def test_disappointment_costs_trust_faster_than_delight_earns_it() -> None:
    assert trust_after_service(0.4, 0.5, 0.3, 0.15, 2.0) == near(0.4 + 0.15 * 0.2 * 0.6)
    assert trust_after_service(0.4, 0.1, 0.3, 0.15, 2.0) == near(0.4 - 2 * 0.15 * 0.2 * 0.4)
    assert trust_after_service(0.4, 0.3, 0.3, 0.15, 2.0) == 0.4
    assert trust_after_service(0.9, 100.0, 0.0, 0.5, 2.0) == 1.0
    assert trust_after_service(0.9, 0.0, 9.0, 0.5, 2.0) == 0.0


def test_trust_without_a_program_drifts_to_where_it_rests() -> None:
    assert trust_without_program(0.6, 0.4, 0.25) == near(0.55)
    assert trust_without_program(0.4, 0.4, 0.25) == 0.4
    trust = 0.9
    for _ in range(10):
        trust = trust_without_program(trust, 0.42, 0.03)
    assert trust == near(0.42 + 0.48 * 0.97**10)


def test_a_loss_takes_its_part_of_trust() -> None:
    assert trust_after_loss(0.5, 0.12) == near(0.44)
    assert trust_after_loss(0.5, 0.0) == 0.5
    assert trust_after_loss(0.5, 1.0) == 0.0


# ---------------------------------------------------------------- rules 8 and 9: share and spend


def test_the_ceiling_of_share_rises_with_fit() -> None:
    assert share_ceiling(0.0, 0.15, 0.8) == 0.15
    assert share_ceiling(0.5, 0.15, 0.8) == near(0.55)
    assert share_ceiling(1.0, 0.15, 0.8) == near(0.95)


def test_share_aims_at_a_part_of_its_ceiling() -> None:
    assert share_target(0.5, 0.4, 0.2, 0.3, 0.25, 1.0) == near(0.3)
    assert share_target(0.5, 0.0, 0.0, 0.3, 0.25, 1.0) == near(0.15)
    assert share_target(0.5, 1.0, 1.0, 0.3, 0.25, 1.0) == 0.5
    # In a twin without saturation it goes on, up to the whole wallet.
    assert share_target(0.5, 1.0, 1.0, 0.3, 0.25, 1.0, 10.0) == near(0.775)
    assert share_target(0.9, 1.0, 1.0, 0.3, 0.25, 1.0, 10.0) == 1.0


def test_share_moves_a_part_of_the_way() -> None:
    assert share_after_quarter(0.2, 0.6, 0.25) == near(0.3)
    assert share_after_quarter(0.6, 0.2, 0.25) == near(0.5)


def test_a_part_of_share_goes_with_the_person() -> None:
    assert share_after_loss(0.4, 0.15) == near(0.34)
    assert share_after_loss(0.4, 0.0) == 0.4
    assert share_after_loss(0.4, 1.0) == 0.0


def test_an_account_team_shares_the_bond_and_a_sponsor_saves_trust() -> None:
    assert bond_with_one(0.6, 3) == near(0.2)
    assert bond_with_one(0.7, 1) == 0.7
    assert loss_felt(0.0, 0.5) == 1.0
    assert loss_felt(1.0, 0.5) == 0.5
    assert loss_felt(0.5, 0.5) == 0.75


def test_collaboration_and_an_account_team_keep_the_bond_when_a_buyer_leaves() -> None:
    assert bond_kept_without_buyer(0.0, 0.7, 0.1, 1) == near(0.3)
    assert bond_kept_without_buyer(0.1, 0.7, 0.1, 1) == near(0.65)
    assert bond_kept_without_buyer(0.1, 0.6, 0.1, 3) == near(0.9)
    assert bond_kept_without_buyer(0.4, 0.0, 0.1, 1) == 1.0
    assert bond_kept_without_buyer(0.0, 1.0, 0.1, 1) == 0.0


def test_an_account_team_and_a_sponsor_are_paid_beside_the_manager() -> None:
    assert hours_of_all(1, 0.15, 0.0, 0.15) == 1.0
    assert hours_of_all(3, 0.15, 0.0, 0.15) == near(1.3)
    assert hours_of_all(2, 0.1, 0.5, 0.2) == near(1.2)


def test_contracts_are_renewed_once_in_so_many_years() -> None:
    assert [quarter for quarter in range(30) if is_renewal(quarter, 5, 3)] == [5, 17, 29]
    assert [quarter for quarter in range(9) if is_renewal(quarter, 0, 1)] == [0, 4, 8]
    assert part_of_pace(True, 0.3) == 1.0
    assert part_of_pace(False, 0.3) == 0.3


def test_trust_spares_a_supplier_a_tender_and_wins_it() -> None:
    assert chance_of_tender(0.42) == near(0.58)
    assert chance_of_tender(1.0) == 0.0
    assert chance_to_win(0.42, 0.42, 0.55, 0.5) == near(0.55)
    assert chance_to_win(0.62, 0.42, 0.55, 0.5) == near(0.65)
    assert chance_to_win(0.0, 0.42, 0.1, 0.5) == 0.0
    assert chance_to_win(1.0, 0.42, 0.9, 0.5) == 1.0


def test_a_trial_ends_in_one_waits_once_or_lets_go() -> None:
    assert verdict(True, False) == verdict(True, True) == ADMITTED
    assert verdict(False, False) == ONCE_MORE
    assert verdict(False, True) == OUT


def test_an_elevation_on_trial_is_paid_in_two_parts() -> None:
    assert elevations_paid(4, 0, 1.0) == 4.0
    assert elevations_paid(4, 2, 0.3) == near(2.6)
    assert elevations_paid(3, 3, 0.5) == 3.0


def test_larger_accounts_bargain_for_more_of_the_concession() -> None:
    assert bargaining_power(3.0, 3.0, 0.25, 0.75, 2.5) == near(1.0)
    assert bargaining_power(0.0, 3.0, 0.25, 0.75, 2.5) == 0.25
    assert bargaining_power(30.0, 3.0, 0.25, 0.75, 2.5) == 2.5
    assert bargaining_power(0.0, 0.0, 0.25, 0.75, 2.5) == 0.25
    assert bargaining_power(9.0, 3.0, 0.25, 0.75, 2.5) == 2.5
    assert bargaining_power(0.0, 0.0, 3.0, 0.75, 2.5) == 2.5


def test_bargaining_wears_prices_away_where_trust_is_low() -> None:
    assert worn_price(0.01, 0.6, 0.002) == near(0.0108)
    assert worn_price(0.01, 1.0, 0.002) == 0.01
    worn = 0.0
    for _ in range(7):
        worn = worn_price(worn, 0.42, 0.002)
    assert worn == near(7 * 0.58 * 0.002)


def test_what_a_tier_conceded_stays_while_key_and_passes_slowly_outside() -> None:
    assert program_concession(0.01, 0.01, 2.0, True, 0.71) == near(0.02)
    assert program_concession(0.03, 0.01, 2.0, True, 0.71) == 0.03
    assert program_concession(0.02, 0.01, 2.0, False, 0.71) == near(0.0142)
    assert program_concession(0.0, 0.01, 2.0, False, 0.71) == 0.0
    assert program_concession(0.02, 0.0, 2.0, True, 0.0) == 0.02


def test_a_price_is_by_size_with_what_is_worn_and_what_the_program_gives() -> None:
    assert price_concession(0.04, 0.01, 2.0, 0.015, 0.25) == near(0.115)
    assert price_concession(0.04, 0.0, 1.0, 0.0, 0.25) == 0.04
    assert price_concession(0.04, 0.02, 2.5, 0.2, 0.25) == 0.25


def test_a_rebate_is_given_on_what_is_beyond_the_year_before() -> None:
    assert growth_rebate(12.0, 10.0, 0.05, 0.04, 0.25) == near(0.1)
    assert growth_rebate(10.0, 12.0, 0.05, 0.04, 0.25) == 0.0
    assert growth_rebate(12.0, 10.0, 0.0, 0.04, 0.25) == 0.0
    # With the concession it is never more than the most that anybody is given.
    assert growth_rebate(12.0, 0.0, 0.4, 0.04, 0.25) == near(2.52)
    assert growth_rebate(12.0, 0.0, 0.4, 0.25, 0.25) == 0.0


def test_spend_is_wallet_times_share_times_orders_less_the_concession() -> None:
    assert quarter_spend(2.0, 0.5, 1.2, 0.05) == near(1.14)
    assert quarter_spend(2.0, 0.0, 1.2, 0.05) == 0.0


def test_investment_is_hours_and_support_at_their_cost() -> None:
    assert investment(3.0, 0.004, 2.0, 0.02) == near(0.052)
    assert investment(0.0, 0.004, 0.0, 0.02) == 0.0


def test_contribution_is_margin_on_list_price_less_concessions_and_costs() -> None:
    # Sold for 95 what lists at 100 and costs 55, served for 20 beside the program, and for 4 in it.
    assert contribution(100.0, 5.0, 20.0, 4.0, 0.45) == near(95 - 55 - 20 - 4)
    assert contribution(0.0, 0.0, 0.0, 4.0, 0.45) == near(-4.0)


def test_return_on_sales_is_contribution_over_sales_and_all_is_lost_without_sales() -> None:
    assert return_on_sales(14.0, 100.0) == near(0.14)
    assert return_on_sales(-14.0, 100.0) == near(-0.14)
    assert return_on_sales(-500.0, 100.0) == -1.0
    assert return_on_sales(0.0, 0.0) == -1.0


def test_amounts_add_up_one_after_the_other() -> None:
    assert add_up(np.array([1e16, 1.0, 1.0, -1e16])) == ((1e16 + 1.0) + 1.0) - 1e16
    assert add_up(np.array([2.0, 3.0, 0.5])) == 5.5
    assert add_up(np.array([])) == 0.0


# ---------------------------------------------------------------- rule 11: alignment


def test_overload_is_the_part_of_asks_that_cannot_be_met() -> None:
    assert overload(4.0, 3.0, 0.1) == near(0.025)
    assert overload(3.0, 3.0, 0.1) == 0.0
    assert overload(0.0, 0.0, 0.1) == 0.0
    assert overload(5.0, 0.0, 0.1) == 0.1


def test_alignment_moves_to_where_team_fatigue_and_overload_pull_it() -> None:
    # Pulled to .6 + .3 - .1 - .05 = .75, a tenth of the way from .55.
    assert alignment_after_quarter(0.55, 0.6, 0.3, 0.1, 0.05, 0.1, 0.05, 0.98) == near(0.57)
    assert alignment_after_quarter(0.9, 0.9, 1.0, 0.0, 0.0, 1.0, 0.05, 0.98) == 0.98
    assert alignment_after_quarter(0.1, 0.1, 0.0, 3.0, 0.0, 1.0, 0.05, 0.98) == 0.05


def test_fatigue_passes_and_comes_back_with_every_rebuild() -> None:
    assert fatigue_after_quarter(0.2, 0.05) == near(0.19)
    assert fatigue_after_rebuild(0.1, 0.25, 0.0, 0.6) == near(0.35)
    assert fatigue_after_rebuild(0.1, 0.25, 1.0, 0.6) == near(0.20)
    assert fatigue_after_rebuild(0.1, 0.25, 0.5, 0.6) == near(0.275)


# ---------------------------------------------------------------- year-end: quota and patience


def test_the_quota_carries_the_premium_in_full_where_returns_are_prioritized() -> None:
    assert expected_premium(0.045, True, 0.5) == 0.045
    assert expected_premium(0.045, False, 0.5) == near(0.0225)
    assert expected_premium(-0.02, False, 0.5) == near(-0.01)


def test_an_unmet_quota_ratchets() -> None:
    # .75 x 10 + .25 x 12 = 10.5
    assert next_quota(10.0, 12.0, 0.25, 0.03, 0.02) == near(10.5 * 1.05)
    assert next_quota(10.0, 8.0, 0.25, 0.03, 0.02) == near(10.5)
    assert next_quota(10.0, 0.0, 0.25, 0.0, 0.0) == 10.0
    assert next_quota(0.0, 0.0, 0.25, 0.03, 0.02) == 0.0
    assert next_quota(10.0, 0.0, 0.25, 0.0, -3.0) == 0.0


def test_a_quota_asks_for_a_part_of_what_is_expected_and_for_more() -> None:
    assert growth_asked(0.05, 1.0, 0.0) == 0.05
    assert growth_asked(0.05, 0.4, 0.01) == near(0.03)
    assert growth_asked(-0.05, 2.0, 0.2) == near(0.1)


def test_a_quota_may_rise_less_than_sales_do() -> None:
    # 10 - .25 x (10 - 8) = 9.5
    assert sales_passed_on(10.0, 8.0, 0.25) == near(9.5)
    assert sales_passed_on(10.0, 8.0, 1.0) == near(8.0)
    assert sales_passed_on(10.0, 12.0, 0.25) == 10.0
    assert sales_passed_on(10.0, 0.0, 1.0) == 10.0
    # Rising more than falling: by .9 of a surplus of 2, by .75 of a shortfall of 2.
    assert next_quota(sales_passed_on(12.0, 10.0, 0.1), 10.0, 0.25, 0.0, 0.0) == near(11.8)
    assert next_quota(sales_passed_on(8.0, 10.0, 0.1), 10.0, 0.25, 0.0, 0.0) == near(8.5)


def test_account_plans_promise_more_where_there_is_room_and_at_most_all_of_it() -> None:
    assert room_to_grow(0.8, 0.2, 0.01) == near(0.75)
    assert room_to_grow(0.8, 0.8, 0.01) == near(0.0125)
    assert [plan_promise(room) for room in (0.0, 0.75, 3.0)] == [1.0, 1.75, 2.0]
    # Sales of 30 and 10: the large one has no room, the small one has all of it.
    assert sum_of_plans(40.0, 30.0 * 1.0 + 10.0 * 2.0, 1.5, 1.0) == near(50.0 / 1.5)
    assert sum_of_plans(40.0, 30.0 * 1.0 + 10.0 * 2.0, 1.5, 0.25) == near(0.75 * 40.0 + 0.25 * 50.0 / 1.5)
    assert sum_of_plans(40.0, 30.0 * 1.7 + 10.0 * 1.7, 1.7, 1.0) == near(40.0)


def test_attainment_is_revenue_against_quota() -> None:
    assert quota_attainment(9.0, 10.0) == near(0.9)
    assert quota_attainment(10.0, 10.0) == 1.0
    assert quota_attainment(0.0, 0.0) == 1.0


def test_what_a_program_chooses_to_bear_stands_before_what_it_is_drawn_to_bear() -> None:
    assert [patience_borne(3, chosen) for chosen in (0, 1, 2, 1000)] == [3, 1, 2, 1000]


def test_a_pilot_spreads_after_its_last_year_where_that_met_the_quota() -> None:
    assert [pilot_spreads(left, missed) for left in (2, 0) for missed in (True, False)] == [False, False, False, True]


def test_misses_count_in_a_row_until_patience_ends() -> None:
    streak, ended = 0, []
    for attainment in (0.9, 0.99, 1.0, 0.5, 0.5, 0.5):
        streak = missed_in_a_row(streak, attainment)
        ended.append(patience_ends(streak, 3))
    assert streak == 3
    assert ended == [False, False, False, False, False, True]
    assert missed_in_a_row(4, 1.0) == 0


def test_more_managers_leave_after_a_miss() -> None:
    assert chance_to_leave(0.04, False, 0.5) == 0.04
    assert chance_to_leave(0.04, True, 0.5) == near(0.06)
    assert chance_to_leave(0.4, True, 9.0) == 1.0


# ---------------------------------------------------------------- year-end: who is elevated


def test_a_lever_lies_between_its_columns() -> None:
    assert between(2.0, 6.0, 0.0) == 2.0
    assert between(2.0, 6.0, 1.0) == 6.0
    assert between(2.0, 6.0, 0.25) == near(3.0)


def test_a_reading_is_the_truth_and_noise() -> None:
    assert reading(0.5, -2.0, 0.1) == near(0.3)
    assert reading(0.5, 3.0, 0.0) == 0.5


def test_a_team_reads_as_the_mean_of_its_members() -> None:
    # Half of the variance is in common: the mean of 4 has a variance of .5 + .5 / 4.
    assert team_noise(0.6, 1.0, 0.5, 4) == near(0.6 * math.sqrt(0.625))
    assert team_noise(0.6, 1.0, 0.0, 4) == near(0.3)
    assert team_noise(0.6, 0.5, 0.0, 4) == near(0.45)
    assert team_noise(0.6, 0.0, 0.0, 4) == 0.6
    assert team_noise(0.6, 1.0, 1.0, 4) == near(0.6)
    assert team_noise(0.6, 1.0, 0.3, 1) == near(0.6)


def test_errors_of_a_team_have_the_spread_that_their_correlation_gives() -> None:
    errors = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    assert team_noise(1.0, 1.0, 0.3, 4) == near(math.sqrt(errors.mean()))


def test_growth_is_the_log_of_the_ratio_where_there_was_spend() -> None:
    assert log_growth(2.0, 6.0, 1e-12) == near(math.log(3.0))
    assert log_growth(0.0, 0.0, 1e-12) == 0.0
    assert log_growth(0.0, 1.0, 1e-12) == near(12 * math.log(10.0))


def test_the_score_of_a_large_spender_is_its_log_spend() -> None:
    assert spend_score(math.e, 1e-12) == near(1.0)
    assert spend_score(0.0, 1e-12) == near(-12 * math.log(10.0))


def test_growth_potential_is_wallet_times_room_times_margin() -> None:
    assert growth_potential(10.0, 0.6, 0.2, 0.25, 0.01) == near(0.0)
    assert growth_potential(10.0, 0.6, 0.9, 0.25, 0.01) == near(math.log(0.025))
    assert growth_potential(10.0, 0.6, 0.2, 0.001, 0.01) == near(math.log(0.04))
    assert growth_potential(1e6, 0.9, 0.1, 0.0, 0.01) == growth_potential(1e-3, 0.9, 0.1, -0.2, 0.01)
    assert growth_potential(1e6, 0.9, 0.1, -0.1, 0.01) == near(math.log(LEAST_POTENTIAL))


def test_ambition_is_one_for_all_or_calibrated_to_fit_against_the_mean_of_members() -> None:
    assert calibrated_ambition(0.75, 0.5, 1.0, 1.4, 0.3, 1.5) == near(1.35)
    assert calibrated_ambition(0.75, 0.65, 1.0, 1.4, 0.3, 1.5) == near(1.14)
    assert calibrated_ambition(0.75, 0.5, 0.5, 1.4, 0.3, 1.5) == near(1.175)
    assert calibrated_ambition(0.75, 0.5, 0.0, 1.4, 0.3, 1.5) == 1.0
    assert calibrated_ambition(-1.0, 0.5, 1.0, 1.4, 0.3, 1.5) == near(0.3)
    assert calibrated_ambition(2.0, 0.5, 1.0, 1.4, 0.3, 1.5) == 1.5


@given(st.lists(st.floats(0.2, 0.6), min_size=1, max_size=20))
def test_calibrated_ambition_shares_one_budget_out(readings: list[float]) -> None:
    mean = sum(readings) / len(readings)
    shared = [calibrated_ambition(fit, mean, 1.0, 1.2, 0.3, 1.5) for fit in readings]
    assert sum(shared) == pytest.approx(len(readings), rel=1e-12)


def test_health_is_trust_against_rest_and_margin_against_what_is_usual() -> None:
    assert account_health(0.50, 0.42, 0.10, 0.05, 2.0, 3.0) == near(0.16 + 0.15)
    assert account_health(0.40, 0.42, 0.05, 0.05, 2.0, 3.0) == near(-0.04)
    assert account_health(0.42, 0.42, 0.05, 0.05, 2.0, 3.0) == 0.0


@given(st.lists(st.floats(-9, 9), max_size=30))
def test_the_middle_is_the_median(numbers: list[float]) -> None:
    assert middle(np.array(numbers, dtype=float)) == near(float(np.median(numbers)) if numbers else 0.0)


@given(st.lists(st.floats(0, 9), max_size=25), st.integers(1, 27))
def test_the_mean_of_the_largest_is_over_as_many_as_there_are(numbers: list[float], places: int) -> None:
    amounts, room = np.array(numbers, dtype=float), np.zeros(places)
    largest = np.sort(amounts)[::-1][:places]
    assert mean_of_largest(amounts, room) == near(largest.mean() if len(largest) else 0.0)
    assert room[: len(largest)].tolist() == largest.tolist()


def test_a_review_may_replace_its_share_of_seats() -> None:
    assert moves_allowed(18, 0.25, 1.0) == 5
    assert moves_allowed(18, 0.25, 0.5) == 2
    assert moves_allowed(18, 1.0, 1.0) == 18
    assert moves_allowed(18, 0.25, 0.0) == 0
    assert moves_allowed(0, 1.0, 1.0) == 0


def test_higher_tiers_are_drawn_to_well_tied_managers() -> None:
    assert sorting_pull(1, 3, 4.0) == 0.0
    assert sorting_pull(2, 3, 4.0) == near(2.0)
    assert sorting_pull(3, 3, 4.0) == near(4.0)
    assert sorting_pull(1, 1, 4.0) == 0.0


def test_an_account_goes_to_the_well_tied_as_far_as_it_is_pulled_else_to_the_free() -> None:
    tie, load = np.array([0.3, 0.9, 0.5]), np.array([1.0, 2.0, 1.0])
    assert best_kam(tie, load, 0.0, -1) == 0
    assert best_kam(tie, load, 1.0, -1) == 2
    assert best_kam(tie, load, 4.0, -1) == 1
    assert best_kam(np.array([0.3]), np.array([9.0]), 4.0, -1) == 0


def test_an_account_that_changes_hands_goes_to_another_kam_where_there_is_one() -> None:
    tie, load = np.array([0.3, 0.9, 0.5]), np.array([1.0, 2.0, 1.0])
    assert best_kam(tie, load, 0.0, 0) == 2
    assert best_kam(tie, load, 1.0, 2) == 0
    assert best_kam(tie, load, 4.0, 1) == 2
    assert best_kam(np.array([0.3]), np.array([9.0]), 4.0, 0) == 0


few_values = st.integers(-3, 3).map(float)


@settings(max_examples=300)
@given(st.lists(st.tuples(few_values, st.booleans()), max_size=25), st.integers(0, 27))
def test_the_best_come_first_and_of_equals_the_first(pairs: list[tuple[float, bool]], places: int) -> None:
    scores = np.array([score for score, _ in pairs], dtype=float)
    eligible = np.array([may for _, may in pairs], dtype=bool)
    order = np.full(27, -1)
    taken = best_first(scores, eligible, places, order)
    expected = [place for place in np.argsort(-scores, kind="stable").tolist() if eligible[place]][:places]
    assert order[:taken].tolist() == expected
    assert (order[places:] == -1).all()


def test_ranked_accounts_take_the_highest_vacant_seats() -> None:
    tier, vacant = np.array([0, 2, 0, 0, 1]), np.zeros(3, dtype=np.int64)
    seat_from_the_top(np.array([2, 3, 0]), 3, np.array([0, 2, 2]), vacant, tier)
    assert tier.tolist() == [0, 2, 2, 1, 1]
    seat_from_the_top(np.array([0]), 1, np.array([0, 2, 2]), vacant, tier)
    assert tier.tolist() == [0, 2, 2, 1, 1]


def test_members_are_seated_again_by_rank_beside_those_who_keep_their_places() -> None:
    tier, order, vacant = np.array([2, 1, 1, 0]), np.zeros(4, dtype=np.int64), np.zeros(3, dtype=np.int64)
    eligible = np.array([False, True, True, False])
    seat_again(np.array([9.0, 5.0, 7.0, 8.0]), eligible, np.array([0, 2, 2]), order, vacant, tier)
    assert tier.tolist() == [2, 1, 2, 0]


class Room:
    """Working space of a review."""

    def __init__(self, accounts: int, seats: list[int]) -> None:
        self.seats = np.array(seats)
        self.eligible = np.zeros(accounts, dtype=bool)
        self.order = np.zeros(sum(seats), dtype=np.int64)
        self.vacant = np.zeros(len(seats), dtype=np.int64)

    def all(self) -> tuple[Any, ...]:
        return self.seats, self.eligible, self.order, self.vacant


@st.composite
def reviews(draw: st.DrawFn) -> tuple[Room, np.ndarray, np.ndarray, np.ndarray, int]:
    """Seats all taken, as many candidates and some who are no customers; two columns of numbers; moves allowed."""
    count = draw(st.integers(2, 20))
    seats = [0]
    for _ in range(draw(st.integers(1, 3))):
        seats.append(draw(st.integers(0, count // 2 - sum(seats))))
    tier = [level for level, number in enumerate(seats) for _ in range(number)]
    gone = [NO_CUSTOMER] * draw(st.integers(0, count - 2 * sum(seats)))
    tier = draw(st.permutations(tier + gone + [0] * (count - len(tier) - len(gone))))
    one, other = (np.array(draw(st.lists(few_values, min_size=count, max_size=count))) for _ in range(2))
    return Room(count, seats), np.array(tier, dtype=np.int64), one, other, draw(st.integers(0, sum(seats)))


def taken_seats(tier: np.ndarray, seats: np.ndarray) -> list[int]:
    return [int((tier == level).sum()) for level in range(1, len(seats))]


@settings(max_examples=200)
@given(reviews())
def test_a_selection_anew_seats_the_best_from_the_top(review: Any) -> None:
    room, tier, scores, _, _ = review
    seats, eligible, order, vacant = room.all()
    select_anew(scores, seats, eligible, order, vacant, tier)
    expected = np.minimum(tier, 0)
    ranked = [place for place in np.argsort(-scores, kind="stable") if expected[place] == 0]
    levels = [level for level in range(len(seats) - 1, 0, -1) for _ in range(seats[level])]
    expected[ranked[: len(levels)]] = levels
    assert tier.tolist() == expected.tolist()


@settings(max_examples=200)
@given(reviews(), st.sampled_from([0.0, 0.25, 0.5, 0.8, 1.0]))
def test_the_places_of_the_members_of_lowest_score_are_opened(review: Any, part: float) -> None:
    room, tier, scores, _, _ = review
    _, eligible, order, _ = room.all()
    before = tier.copy()
    open_places(scores, part, eligible, order, tier)
    ranked = [place for place in np.argsort(-scores, kind="stable") if before[place] > 0]
    kept = ranked[: len(ranked) - int(part * len(ranked) + 0.5)]
    assert np.flatnonzero(tier > 0).tolist() == sorted(kept)
    assert tier[kept].tolist() == before[kept].tolist()
    assert np.flatnonzero(eligible).tolist() == sorted(set(ranked) - set(kept))
    # All opened and filled again is a selection anew.
    if part == 1.0:
        fill_vacant_seats(scores, *room.all(), tier)
        select_anew(scores, *room.all(), before)
        assert tier.tolist() == before.tolist()


def test_notice_runs_out_unless_the_account_is_found_fit_again() -> None:
    assert [notice_after_year(0, leaves, False, 2) for leaves in (False, True)] == [0, 2]
    assert [notice_after_year(left, leaves, False, 2) for left in (2, 1) for leaves in (False, True)] == [1, 1, 0, 0]
    assert [notice_after_year(left, False, True, 5) for left in (5, 1)] == [0, 0]


def test_nobody_is_given_the_place_of_an_account_on_notice() -> None:
    # Two key and two strategic places; the account of score 9 has notice and keeps its strategic one.
    scores, tier = np.array([9.0, 1.0, 5.0, 8.0, 7.0, 6.0]), np.array([2, 2, 1, 0, LEAVING, 0])
    room = Room(6, [0, 2, 2])
    room.eligible[[1, 2]] = True
    seat_beside_notices(scores, scores, *room.all(), tier)
    # The two that stay are seated by score; the best outsider takes the place of the one that leaves.
    assert tier.tolist() == [2, 1, 2, 1, 0, 0]
    # Nobody is there to come for it: it stays.
    alone = np.array([2, 1, LEAVING])
    seat_beside_notices(np.ones(3), np.ones(3), *Room(3, [0, 2, 1]).all(), alone)
    assert alone.tolist() == [2, 1, 1]


def test_a_selection_anew_takes_no_one_who_is_no_customer_and_leaves_the_lowest_seats_empty() -> None:
    room, tier = Room(4, [0, 2, 1]), np.array([NO_CUSTOMER, 0, 1, NO_CUSTOMER])
    select_anew(np.array([9.0, 5.0, 6.0, 9.0]), *room.all(), tier)
    assert tier.tolist() == [NO_CUSTOMER, 1, 2, NO_CUSTOMER]


@settings(max_examples=200)
@given(reviews(), st.data())
def test_seats_of_customers_that_left_go_to_the_best_candidates(review: Any, data: st.DataObject) -> None:
    room, tier, scores, _, _ = review
    gone = data.draw(st.lists(st.sampled_from(range(len(tier))), max_size=len(tier)))
    tier[gone] = NO_CUSTOMER
    before = tier.copy()
    fill_vacant_seats(scores, *room.all(), tier)
    assert (tier[before != 0] == before[before != 0]).all()
    ranked = [place for place in np.argsort(-scores, kind="stable") if before[place] == 0]
    vacant = [
        level
        for level in range(len(room.seats) - 1, 0, -1)
        for _ in range(room.seats[level] - int((before == level).sum()))
    ]
    for place, level in zip(ranked, vacant, strict=False):
        assert tier[place] == level
    assert (tier[ranked[len(vacant) :]] == 0).all()


@settings(max_examples=300)
@given(reviews(), few_values, st.data())
def test_the_unhealthy_step_down_once_they_were_warned(review: Any, threshold: float, data: st.DataObject) -> None:
    room, tier, health, scores, moves = review
    before, count = tier.copy(), len(tier)
    warned = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    step_down_the_unhealthy(-health, warned, scores, threshold, moves, *room.all(), tier)
    assert taken_seats(tier, room.seats) == taken_seats(before, room.seats)
    assert ((tier == NO_CUSTOMER) == (before == NO_CUSTOMER)).all()
    may = (before > 0) & warned & (health < threshold)
    chosen = [place for place in np.argsort(health, kind="stable") if may[place]][:moves]
    # Only from the lowest key tier does one leave, and then for the best candidate.
    left, came = (before > 0) & (tier == 0), (before == 0) & (tier > 0)
    assert np.flatnonzero(left).tolist() == sorted(place for place in chosen if before[place] == 1)
    assert left.sum() == came.sum()
    assert (tier[came] == 1).all()
    if left.any():
        assert scores[came].min() >= scores[(before == 0) & ~came].max(initial=-np.inf)
    # From a higher one it is a single step, and somebody sound comes up for it.
    fell, rose = (before > 0) & (tier < before) & ~left, (before > 0) & (tier > before)
    assert set(np.flatnonzero(fell)) <= set(chosen)
    assert (tier[fell] == before[fell] - 1).all()
    assert (tier[rose] == before[rose] + 1).all()
    assert (health[rose] >= threshold).all()
    assert rose.any() == fell.any()
    for level in range(2, len(room.seats)):
        if len(chosen) == 1 and before[chosen[0]] == level:
            sound = (before == level - 1) & (health >= threshold)
            assert fell.any() == sound.any()
            assert not sound.any() or health[rose].tolist() == [health[sound].max()]


def test_an_account_of_a_higher_tier_changes_places_with_the_soundest_of_the_next() -> None:
    health = np.array([-1.0, 9.0, 1.0, 3.0, 0.0, 0.0])
    scores, warned = np.array([0.0, 0.0, 0.0, 0.0, 5.0, 6.0]), np.ones(6, dtype=bool)
    room, tier = Room(6, [0, 2, 2]), np.array([2, 2, 1, 1, 0, 0])
    step_down_the_unhealthy(-health, warned, scores, 0.0, 1, *room.all(), tier)
    assert tier.tolist() == [1, 2, 1, 2, 0, 0]
    # A year later it is still unhealthy, and leaves.
    step_down_the_unhealthy(-health, warned, scores, 0.0, 1, *room.all(), tier)
    assert tier.tolist() == [0, 2, 1, 2, 0, 1]


@settings(max_examples=300)
@given(reviews(), st.data())
def test_a_review_moves_nobody_by_two_tiers_and_leaves_nobody_to_be_seated(review: Any, data: st.DataObject) -> None:
    """Also where customers that left have left seats behind."""
    room, tier, health, scores, moves = review
    tier[data.draw(st.lists(st.sampled_from(range(len(tier))), max_size=len(tier)))] = NO_CUSTOMER
    before, warned = tier.copy(), np.ones(len(tier), dtype=bool)
    step_down_the_unhealthy(-health, warned, scores, 0.0, moves, *room.all(), tier)
    after = tier.copy()
    assert (np.abs(after - before)[before > 0] <= 1).all()
    fill_vacant_seats(scores, *room.all(), tier)
    assert tier.tolist() == after.tolist()


def test_nobody_rises_two_tiers_in_one_review() -> None:
    """The worst steps down first, and whoever came up for it rises no further: another takes the seat above, if any."""
    health, warned = np.array([-1.0, -2.0, 9.0, 3.0]), np.ones(4, dtype=bool)
    room, tier = Room(4, [0, 1, 2, 1]), np.array([3, 2, 1, 2])
    step_down_the_unhealthy(-health, warned, np.zeros(4), 0.0, 4, *room.all(), tier)
    assert tier.tolist() == [2, 1, 2, 3]
    room, tier = Room(3, [0, 1, 1, 1]), np.array([3, 2, 1])
    step_down_the_unhealthy(-health[:3], warned[:3], np.zeros(3), 0.0, 3, *room.all(), tier)
    assert tier.tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("seats", "before", "after"),
    [
        ([0, 3], [1, 1, 0], [1, 1, 1]),  # the only candidate takes the vacant seat
        ([0, 3], [1, 1, 0, 0], [0, 1, 1, 1]),
        ([0, 3], [1, 1, 0, NO_CUSTOMER], [1, 1, 1, NO_CUSTOMER]),
        ([0, 1, 2], [1, 0], [1, 2]),  # nobody rises because its own seat was to be given away
        ([0, 1, 2], [1, 0, 0], [1, 2, 2]),
        ([0, 1, 2], [1, 0, 0, 0], [0, 1, 2, 2]),
    ],
)
def test_an_account_leaves_only_for_a_candidate_that_no_vacant_seat_waits_for(
    seats: list[int], before: list[int], after: list[int]
) -> None:
    """The first is unhealthy; later candidates are better. At the end of the review nobody is left to be seated."""
    count = len(before)
    health, scores, warned = np.arange(count) - 0.5, np.arange(count, dtype=float), np.ones(count, dtype=bool)
    room, tier = Room(count, seats), np.array(before)
    step_down_the_unhealthy(-health, warned, scores, 0.0, count, *room.all(), tier)
    assert tier.tolist() == after
    fill_vacant_seats(scores, *room.all(), tier)
    assert tier.tolist() == after


def test_nobody_steps_down_where_all_are_healthy_nobody_was_warned_or_nobody_could_come() -> None:
    room, tier, scores = Room(4, [0, 2]), np.array([1, 0, 1, 0]), np.array([0.0, 5.0, 0.0, 6.0])
    healthy, warned, unwarned = np.array([-0.1, 9.0, 0.0, 9.0]), np.ones(4, dtype=bool), np.zeros(4, dtype=bool)
    step_down_the_unhealthy(healthy, warned, scores, 0.0, 2, *room.all(), tier)
    assert tier.tolist() == [1, 0, 1, 0]
    step_down_the_unhealthy(-healthy - 1.0, unwarned, scores, 0.0, 2, *room.all(), tier)
    assert tier.tolist() == [1, 0, 1, 0]
    alone = np.array([1, NO_CUSTOMER, 1, NO_CUSTOMER])
    step_down_the_unhealthy(healthy + 1.0, warned, scores, 0.0, 2, *room.all(), alone)
    assert alone.tolist() == [1, NO_CUSTOMER, 1, NO_CUSTOMER]


@settings(max_examples=300)
@given(reviews())
def test_larger_spenders_take_the_seats_of_smaller_ones(review: Any) -> None:
    room, tier, spend, _, moves = review
    before = tier.copy()
    rerank_by_spend(spend, moves, *room.all(), tier)
    left, came = (before > 0) & (tier == 0), (before == 0) & (tier > 0)
    assert taken_seats(tier, room.seats) == taken_seats(before, room.seats)
    assert ((tier == NO_CUSTOMER) == (before == NO_CUSTOMER)).all()
    assert left.sum() == came.sum() <= moves
    if came.any():
        assert spend[came].min() > spend[left].max()
    for higher in range(2, len(room.seats)):
        lower = (tier > 0) & (tier < higher)
        assert spend[tier == higher].min(initial=np.inf) >= spend[lower].max(initial=-np.inf)


def test_with_moves_enough_a_reranking_by_spend_is_a_selection_anew() -> None:
    spend = np.array([5.0, 1.0, 9.0, 2.0, 7.0, 3.0])
    room, tier, anew = Room(6, [0, 2, 1]), np.array([0, 2, 0, 1, 0, 1]), np.zeros(6, dtype=np.int64)
    rerank_by_spend(spend, 3, *room.all(), tier)
    select_anew(spend, *room.all(), anew)
    assert tier.tolist() == anew.tolist() == [1, 0, 2, 0, 1, 0]
    tier = np.array([0, 2, 0, 1, 0, 1])
    rerank_by_spend(spend, 1, *room.all(), tier)
    assert tier.tolist() == [0, 0, 2, 1, 0, 1]


def test_a_spender_who_is_no_larger_takes_nobodys_seat_and_of_equals_the_first_leaves() -> None:
    room, tier = Room(4, [0, 2]), np.array([1, 0, 1, 0])
    rerank_by_spend(np.array([3.0, 3.0, 3.0, 3.0]), 2, *room.all(), tier)
    assert tier.tolist() == [1, 0, 1, 0]
    rerank_by_spend(np.array([3.0, 4.0, 3.0, 1.0]), 1, *room.all(), tier)
    assert tier.tolist() == [0, 1, 1, 0]


def test_a_seat_that_stands_empty_stays_so_when_members_are_ranked_anew() -> None:
    room, tier = Room(3, [0, 1, 1]), np.array([1, 0, 0])
    rerank_by_spend(np.array([5.0, 4.0, 3.0]), 0, *room.all(), tier)
    assert tier.tolist() == [2, 0, 0]


def test_small_amounts_of_money_count_like_large_ones() -> None:
    # A median wallet is 1, so that a small key account's quota and spend lie below it.
    assert quota_attainment(0.4, 0.5) == 0.8
    assert bargaining_power(0.25, 0.5, 0.5, 0.5, 2.0) == bargaining_power(25.0, 50.0, 0.5, 0.5, 2.0) == 0.75


# ---------------------------------------------------------------- orders and leaving


def test_larger_accounts_order_more_often() -> None:
    assert mean_orders(0.0, 64.0, 0.78) == 64.0
    assert mean_orders(math.log(16.0), 3.0, 0.5) == near(12.0)
    assert mean_orders(math.log(1 / 16), 3.0, 0.25) == near(1.5)
    assert mean_orders(9.0, 3.0, 0.0) == 3.0


def counted(mean: float, level: float) -> float:
    """Orders of a quarter as an account of so many places them, against their mean."""
    root = math.sqrt(mean)
    part = 1.0 / max(LEAST_ORDERS, mean)
    bend = BEND * root * part
    none = math.exp(-mean) if mean < FEW_ORDERS else 0.0
    return orders_of_quarter(mean, root, part, bend, none, normal_quantile(level), level)


words_of_32_bits = st.integers(0, 2**32 - 1)


@settings(max_examples=500)
@given(st.floats(1e-8, 4.0, exclude_max=True), words_of_32_bits)
def test_few_orders_are_poisson_to_the_order(mean: float, word: int) -> None:
    level = (word + 0.5) / 2**32
    count = counted(mean, level) * mean
    assert count == pytest.approx(round(count), abs=1e-9)
    law = stats.poisson(mean)
    assert law.cdf(round(count) - 1) < level + 1e-13
    assert level <= law.cdf(round(count)) + 1e-13


@settings(max_examples=500)
@given(st.floats(4.0, 1e6), words_of_32_bits)
def test_many_orders_are_poisson_to_one_order(mean: float, word: int) -> None:
    level = (word + 0.5) / 2**32
    count = counted(mean, level) * mean
    assert count == pytest.approx(round(count), rel=1e-12)
    assert abs(count - stats.poisson(mean).ppf(level)) < 1.5


@pytest.mark.parametrize("mean", [0.01, 0.3, 1.0, 2.7, 3.999, 4.0, 4.3, 5.5, 9.0, 30.0, 200.0, 5000.0])
def test_orders_have_the_mean_and_spread_of_poisson_counts(mean: float) -> None:
    levels = (np.arange(2**16) + 0.5) / 2**16
    drawn = np.array([counted(mean, level) for level in levels.tolist()]) * mean
    exact = stats.poisson(mean).ppf(levels)
    wrong = (np.abs(drawn - exact) > 0.5).mean()
    assert wrong == 0.0 if mean < 4.0 else wrong < 0.016
    assert drawn.mean() / mean == pytest.approx(1.0, abs=1e-3)
    assert drawn.var() / exact.var() == pytest.approx(1.0, abs=0.02)


def test_an_account_of_no_size_never_orders() -> None:
    assert counted(0.0, 0.999) == 0.0
    assert counted(1e-10, 1.0 - 1e-10) == 0.0
    assert counted(4.0, 0.01) == 0.0


def test_orders_of_unequal_size_are_as_many_on_average_and_the_more_even_the_more_there_are() -> None:
    normal_grid = np.array([normal_quantile((place + 0.5) / 20_000) for place in range(20_000)])
    for orders in (1.0, 4.0, 25.0):
        found = np.array([unevenness(orders, 0.8, score) for score in normal_grid.tolist()])
        assert found.mean() == pytest.approx(1.0, abs=0.002)
        assert found.var() == pytest.approx(0.64 / orders, rel=0.03)
    assert unevenness(0.0, 0.8, 1.0) == 1.0
    assert unevenness(3.0, 0.0, 2.0) == 1.0


def test_small_accounts_leave_more_often_up_to_a_bound() -> None:
    assert hazard_of_size(math.log(0.35), 0.5) == near(0.0)
    assert hazard_of_size(math.log(0.35 / 16), 0.5) == near(math.log(4.0))
    assert hazard_of_size(math.log(0.35 * 16), 0.5) == near(-math.log(4.0))
    assert hazard_of_size(math.log(1e-9), 0.5) == near(math.log(8.0))
    assert hazard_of_size(math.log(1e-9), 0.0) == 0.0


def test_trust_keeps_customers() -> None:
    assert hazard_of_leaving(-1.5, 0.42, 0.42, 2.0) == -1.5
    assert hazard_of_leaving(-1.5, 0.92, 0.42, 2.0) == near(-2.5)
    assert hazard_of_leaving(-1.5, 0.0, 0.5, 2.0) == near(-0.5)
    assert hazard_of_leaving(-1.5, 0.9, 0.4, 0.0) == -1.5


def test_the_chance_to_leave_in_a_year_is_that_of_not_staying_for_four_quarters():
    assert chance_of_leaving_in_a_year(0.0, 0.02) == near(1.0 - 0.98**4)
    assert chance_of_leaving_in_a_year(math.log(3.0), 0.02) == near(1.0 - 0.94**4)
    assert chance_of_leaving_in_a_year(5.0, 0.0) == 0.0
    assert chance_of_leaving_in_a_year(math.log(3.0), 0.5) == 1.0 - 2.0**-53  # nobody leaves for certain


# ---------------------------------------------------------------- laws of the world


def test_growth_is_steadier_for_large_wallets_within_bounds() -> None:
    assert growth_of_year(math.log(1.0), 0.245, 0.076, 2.0) == near(0.49)
    assert growth_of_year(math.log(16.0), 0.2, 0.25, -1.0) == near(-0.1)
    assert growth_of_year(math.log(1 / 16), 0.2, 0.25, 1.0) == near(0.4)
    assert growth_of_year(math.log(1e9), 0.2, 0.25, 1.0) == near(0.08)
    assert growth_of_year(math.log(1e-9), 0.2, 0.25, 1.0) == near(0.5)
    assert growth_of_year(math.log(3.0), 0.0, 0.25, 5.0) == 0.0


def test_as_many_accounts_arrive_as_their_rate_says() -> None:
    assert arrivals_of_year(150, 0.125, 0.24) == 18
    assert arrivals_of_year(150, 0.125, 0.26) == 19
    assert arrivals_of_year(150, 0.0, 0.999) == 0
    draws = (np.arange(1000) + 0.5) / 1000
    assert np.mean([arrivals_of_year(150, 0.125, draw) for draw in draws.tolist()]) == near(18.75)


def test_costs_to_serve_are_lognormal() -> None:
    assert cost_against_mean(0.87, 0.0) == 1.0
    assert cost_against_mean(0.5, 2.0) == near(math.e)
    assert cost_against_mean(0.0, 3.0) == 1.0


def test_will_is_about_fit() -> None:
    assert customers_will(0.5, 0.2, 1.0) == near(0.7)
    assert customers_will(0.5, 0.2, -1.5) == near(0.2)
    assert customers_will(0.9, 0.2, 3.0) == 1.0
    assert customers_will(0.1, 0.2, -3.0) == 0.0


def test_accounts_answer_to_the_collaboration_they_receive_unless_a_twin_sets_it() -> None:
    assert collaboration_felt(0.3, math.nan) == 0.3
    assert collaboration_felt(0.3, 0.7) == 0.7


@given(st.floats(1e-9, 1 - 1e-9), st.floats(0, 1))
def test_fit_is_beta_2_2_above_what_is_known(probability: float, least: float) -> None:
    law = stats.beta(2, 2)
    drawn = compatibility(probability, least)
    assert least <= drawn <= 1
    below = law.cdf(least)
    assert law.cdf(drawn) == pytest.approx(below + probability * (1 - below), abs=1e-9)


def test_half_of_all_accounts_fit_better_than_one_half() -> None:
    assert compatibility(0.5, 0.0) == near(0.5)
    assert compatibility(0.5, 1.0) == 1.0
    assert compatibility(0.15625, 0.0) == near(0.25)


def test_a_reading_keeps_half_of_its_variance() -> None:
    assert half_persistent(1.0, 1.0) == near(math.sqrt(2.0))
    assert half_persistent(1.0, -1.0) == 0.0
    assert half_persistent(1.0, 0.0) ** 2 + half_persistent(0.0, 1.0) ** 2 == near(1.0)


def test_95_percent_expect_a_premium() -> None:
    assert premium_expected(0.045, 0.95, 0.0) == 0.045
    assert premium_expected(0.045, 0.95, -1.6448536) == pytest.approx(0.0, abs=1e-7)
    assert premium_expected(0.045, 0.95, 1.6448536) == pytest.approx(0.09, abs=1e-7)
    assert premium_expected(0.0, 0.95, 2.0) == 0.0


def test_patience_is_geometric_above_its_least() -> None:
    # A chance of .75 to end: more than 2 misses with .25, more than 3 with .0625.
    assert [patience_of(2, 0.75, 6, draw) for draw in (0.99, 0.26, 0.24, 0.07, 0.06, 1e-9)] == [2, 2, 3, 3, 4, 6]
    assert patience_of(2, 1.0, 6, 0.5) == 2
    assert patience_of(3, 0.01, 3, 1e-9) == 3


# ---------------------------------------------------------------- the model where it has a formula

CALM: dict[str, Any] = {
    "growth_sd": 0.0,
    "industry_shock_sd": 0.0,
    "arrival": 0.0,
    "hazard": 0.0,
    "turnover": 0.0,
    "trust_sd": 0.0,
    "patience_least": 100,
    "patience_most": 100,
}
FREE = {"base_concession": 0.0, "erosion": 0.0}  # of concessions
YEARS = {"history_years": 2, "warmup_years": 1, "window_years": 4}


def calm(name: str = "status_quo", tier: dict[str, Any] | None = None, **world: Any) -> Scenario:
    """A world without shocks, arrivals and leavers; with ``tier``, a program of that one tier."""
    scenario = small(name, timeline=YEARS, **{**CALM, **world})
    if tier is None:
        return scenario
    ordered = {"key": {"concession": 0.0, **tier}, "strategic": {"seats": 0}}
    return scenario.changed(tiers={"ordered": ordered})


def orders_of(world: Any, share: Any, scenario: Scenario) -> Any:
    """Orders by quarter and account, of a year in which each orders as its rate at the year's start says."""
    found = np.empty(world.quarters.shape)
    for quarter, number in np.ndindex(found.shape):
        start = quarter - quarter % 4
        rate = 4 * world.quarters["wallet"][start, number] * share[start, number]
        mean = mean_orders(math.log(rate), scenario.world.orders, scenario.world.orders_exponent)
        found[quarter, number] = counted(mean, world.quarters["level"][quarter, number])
    return found


def test_without_shocks_and_program_spend_follows_its_formula() -> None:
    season = {"season_1": 0.8, "season_2": 1.0, "season_3": 0.9, "season_4": 1.3}
    scenario = calm("no_program", market_growth=0.08, wallet_sigma=0.7, orders=5.0, **FREE, **season)
    world = draw_world(scenario, seed=2)
    run = simulate(world, scenario, trace=True)
    parameters, trace = scenario.world, run.trace.accounts
    reached = np.minimum(1.0, world.accounts["share_base"] + parameters.share_trust * parameters.trust_mean)
    share = np.broadcast_to(
        (parameters.ceiling_base + parameters.ceiling_fit * world.accounts["fit"]) * reached, trace.shape
    )
    np.testing.assert_allclose(trace["share"], share, rtol=1e-12)
    quarters = np.arange(1, 29)[:, None]
    demand = np.exp(world.accounts["log_wallet"] + 0.02 * quarters) * np.tile([0.8, 1.0, 0.9, 1.3], 7)[:, None]
    orders = orders_of(world, share, scenario)
    np.testing.assert_allclose(trace["spend"], demand * share * orders, rtol=1e-9, atol=1e-15)
    assert (orders == 0).any()
    assert (orders > 1.5).any()
    expected = (demand * share).reshape(7, 4, -1).sum(axis=1)
    np.testing.assert_allclose(run.history.accounts["expected_spend"], expected, rtol=1e-12)


def test_one_manager_one_function_and_ample_capacity_give_coverage_times_tie() -> None:
    seats = 5
    scenario = calm(
        tier={"seats": seats, "attention": 2.0},
        functions=1,
        accounts_per_kam=100.0,
        capacity_per_seat=100.0,
        tie_decay=0.0,
        tie_learning=0.0,
        need_exponent=0.4,
        hours_per_kam=8.0,
    )
    world = draw_world(scenario, seed=3)
    trace = simulate(world, scenario, trace=True).trace
    np.testing.assert_array_equal(trace.tie, np.broadcast_to(world.tie, trace.tie.shape))
    refused = 0
    for quarter in range(8, 28):
        key = trace.accounts["tier"][quarter] > 0
        assert key.sum() == seats
        need = (4 * world.quarters["wallet"][quarter][key]) ** 0.4
        hours = scenario.world.hours_per_kam * need / need.sum()
        welcome = need * (scenario.world.will_base + scenario.world.will_slope * world.accounts["will"][key])
        refused += (hours > welcome).sum()
        covered = 1 - np.exp(-world.skill[0] * np.minimum(hours, welcome) / need)
        noted = trace.accounts[quarter][key]
        np.testing.assert_allclose(noted["hours"], hours, rtol=1e-12)
        np.testing.assert_allclose(noted["collaboration"], covered * world.tie[0, 0], rtol=1e-12)
    assert 0 < refused < 20 * seats


def test_hours_go_by_ambition_and_what_customers_say_they_do_not_want_is_not_spent() -> None:
    scenario = calm("bilateral_boundaries", tier={"seats": 5}, accounts_per_kam=100.0, hours_per_kam=5.0)
    world = draw_world(scenario, seed=3)
    run = simulate(world, scenario, trace=True)
    parameters, key = scenario.world, run.trace.accounts["tier"][8] > 0
    read = world.accounts["fit"][key] + parameters.fit_noise_bilateral * world.readings["fit"][1][key]
    ambition = np.clip(1 + scenario.policy.ambition_slope * (read - read.mean()), 0.3, 1.5)
    need = (4 * world.quarters["wallet"][8][key]) ** parameters.need_exponent
    planned = parameters.hours_per_kam * need * ambition / (need * ambition).sum()
    told = need * (parameters.will_base + parameters.will_slope * world.accounts["will_told"][key])
    np.testing.assert_allclose(run.trace.accounts["hours"][8][key], np.minimum(planned, told), rtol=1e-12)
    assert 0 < (planned > told).sum() < 5


def test_scarce_capacity_goes_to_the_higher_tier_and_is_shared_alike_in_the_lower() -> None:
    scenario = small(
        "status_quo",
        **{**CALM, "accounts_per_kam": 100.0, "functions": 1, "tie_decay": 0.0, "tie_learning": 0.0},
        capacity_per_seat=0.15,
    )
    world = draw_world(scenario, seed=3)
    trace = simulate(world, scenario, trace=True).trace
    first = trace.accounts[8]
    need = (4 * world.quarters["wallet"][8]) ** scenario.world.need_exponent
    weight = np.array([0.0, 1.0, 1.5])[first["tier"]]
    hours = scenario.world.hours_per_kam * need * weight / (need * weight).sum()
    welcome = need * (scenario.world.will_base + scenario.world.will_slope * world.accounts["will"])
    covered = 1 - np.exp(-world.skill[0] * np.minimum(hours, welcome) / need)
    asked = need * covered * world.tie[0, 0]
    left = world.capacity * world.alignment[0]
    for tier in (2, 1):
        members = first["tier"] == tier
        fraction = min(1.0, left / asked[members].sum())
        left -= fraction * asked[members].sum()
        received = covered[members] * world.tie[0, 0] * fraction
        np.testing.assert_allclose(first["collaboration"][members], received, rtol=1e-9)
    assert left == pytest.approx(0.0, abs=1e-12)


def test_trust_without_a_program_converges_to_its_resting_place() -> None:
    scenario = small("no_program", timeline={"window_years": 40}, **{**CALM, "trust_sd": 0.12})
    world = draw_world(scenario, seed=2)
    trust = simulate(world, scenario, trace=True).trace.accounts["trust"]
    rests, pace = scenario.world.trust_mean, scenario.world.trust_drift
    quarters = np.arange(1, len(trust) + 1)[:, None]
    expected = rests + (world.accounts["trust"] - rests) * (1 - pace) ** quarters
    np.testing.assert_allclose(trust, expected, rtol=1e-9)
    assert np.abs(trust[-1] - rests).max() < 0.02


def test_expectation_converges_geometrically_to_the_promise() -> None:
    scenario = calm(tier={"seats": 4, "promise": 0.3})
    trace = simulate(draw_world(scenario, seed=3), scenario, trace=True).trace.accounts
    always = (trace["tier"][8:] > 0).all(axis=0)
    assert always.sum() == 4
    quarters = np.arange(1, 21)[:, None]
    expected = 0.3 + (0.1 - 0.3) * (1 - scenario.world.expectation_speed) ** quarters
    np.testing.assert_allclose(trace["expectation"][8:, always], np.tile(expected, 4), rtol=1e-12)
    np.testing.assert_allclose(trace["expectation"][:, ~always], 0.1, rtol=1e-12)


def test_share_closes_its_gap_geometrically_under_constant_service() -> None:
    """One account, no growth: its service is the same each quarter, trust stands still, share goes to its target."""
    scenario = calm(
        tier={"seats": 1},
        functions=1,
        tie_decay=0.0,
        tie_learning=0.0,
        trust_speed=0.0,
        market_growth=0.0,
        capacity_per_seat=100.0,
    )
    world = draw_world(scenario, seed=3)
    trace = simulate(world, scenario, trace=True).trace.accounts
    number = int(trace["tier"][8].argmax())
    parameters, mine = scenario.world, trace[8:, number]
    np.testing.assert_allclose(mine["collaboration"], mine["collaboration"][0], rtol=1e-12)
    reached = world.accounts["share_base"][number] + parameters.share_trust * parameters.trust_mean
    reached = min(1.0, reached + parameters.share_collaboration * mine["collaboration"][0])
    target = (parameters.ceiling_base + parameters.ceiling_fit * world.accounts["fit"][number]) * reached
    gap = (trace["share"][7, number] - target) * (1 - parameters.share_speed) ** np.arange(1, 21)
    np.testing.assert_allclose(mine["share"], target + gap, rtol=1e-9)


def test_a_manager_that_leaves_takes_share_and_trust_by_the_bond() -> None:
    """Everybody leaves every quarter: the bond is that of a single quarter of attention."""
    scenario = calm(
        tier={"seats": 3},
        turnover=1.0,
        trust_speed=0.0,
        share_speed=0.0,
        functions=1,
        capacity_per_seat=100.0,
        follow=0.3,
        disruption=0.2,
        bond_speed=0.5,
    )
    world = draw_world(scenario, seed=3)
    trace = simulate(world, scenario, trace=True).trace
    key = np.flatnonzero(trace.accounts["tier"][8] > 0)
    for quarter in range(9, 28):
        noted, before = trace.accounts[quarter][key], trace.accounts[quarter - 1][key]
        covered = noted["collaboration"] / trace.tie[quarter - 1, noted["kam"], 0]
        np.testing.assert_allclose(noted["share"], before["share"] * (1 - 0.3 * 0.5 * covered), rtol=1e-12)
        np.testing.assert_allclose(noted["trust"], before["trust"] * (1 - 0.2 * 0.5 * covered), rtol=1e-12)


def test_the_first_quota_is_the_launch_spend_grown_by_what_is_expected() -> None:
    for organization in range(6):
        scenario = calm(market_growth=0.03)
        world = draw_world(scenario, seed=1, organization=organization)
        history = simulate(world, scenario).history
        spend = history.accounts["spend"][1][history.accounts["tier"][2] > 0].sum()
        premium = world.premium * (1.0 if world.prioritizes_returns else scenario.world.premium_elsewhere)
        expected = spend * (1 + 0.03 + premium)
        assert history.years["quota"][2] == pytest.approx(expected, rel=1e-12)
        assert history.years["quota"][:2].tolist() == [0.0, 0.0]


def test_selection_by_spend_elevates_exactly_the_largest_spenders() -> None:
    for seed in range(5):
        scenario = small()
        history = simulate(draw_world(scenario, seed=seed), scenario).history
        tier = history.accounts["tier"][2]
        ranked = np.argsort(np.where(tier == NO_CUSTOMER, 0.0, -history.accounts["spend"][1]), kind="stable")
        assert tier[ranked[:5]].tolist() == [2, 1, 1, 1, 1]
        assert (tier[ranked[5:]] <= 0).all()


def test_selection_by_enterprise_criteria_without_noise_elevates_the_largest_room_and_margin() -> None:
    scenario = small("enterprise_selection", observation_noise=0.0, cost_noise=0.0, base_concession=0.03)
    world = draw_world(scenario, seed=4)
    run = simulate(world, scenario, trace=True)
    parameters, tier = scenario.world, run.history.accounts["tier"][2]
    room = parameters.ceiling_base + parameters.ceiling_fit * world.accounts["fit"]
    room = np.maximum(room - run.trace.accounts["share"][7], parameters.least_room)
    first_year, arrives = run.history.accounts["spend"][0], world.accounts["arrives"]
    there = (run.history.accounts["tier"][1] >= 0) & (arrives < 4)
    largest = np.sort(first_year[there])[::-1][: world.seats].mean()
    conceded = 0.03 * np.minimum(2.5, 0.25 + 0.75 * first_year / largest)
    margin = parameters.gross_margin - conceded - world.accounts["cost"]
    earned = 4 * world.quarters["wallet"][7] * room * np.maximum(margin, parameters.least_room)
    score = np.where(margin > 0, np.log(np.maximum(1e-12, earned)), -99.0)
    here = (tier >= 0) & (arrives < 8)
    ranked = np.argsort(np.where(here, -score, np.inf), kind="stable")
    assert tier[ranked[:5]].tolist() == [2, 1, 1, 1, 1]
    assert (margin[here] < 0).any()


@pytest.mark.parametrize("name", ["status_quo", "full_program", "spend_retiering"])
def test_prices_follow_size_bargaining_and_tiers(name: str) -> None:
    """Everybody's price of every year once more in plain Python, where accounts come, move and go."""
    # What is expected of the programs is more than they bring: they rebuild, and accounts move out.
    world = {"base_concession": 0.04, "erosion": 0.02, "disruption": 0.0, "orders": 4.0, "premium_mean": 0.3}
    scenario = small(name, timeline=YEARS, **world)
    scenario = scenario.changed(tiers={"ordered": {"key": {"concession": 0.01}, "strategic": {"concession": 0.03}}})
    world = draw_world(scenario, seed=3)
    history, worn, given = simulate(world, scenario).history.accounts, 0.0, 0.0
    born, tiers = world.accounts["arrives"] // 4, np.array([0.0, 0.01, 0.03])
    concession = world.accounts["concession"].copy()
    moved = 0
    for year in range(6):
        noted = history[year]
        np.testing.assert_allclose(noted["spend"], noted["listed"] * (1 - concession), rtol=1e-12)
        next_tier = history["tier"][year + 1]
        there = (born <= year) & (next_tier >= 0)
        largest = np.sort(noted["spend"][there])[::-1][: world.seats].mean()
        spend = np.where((born == year) & (year > 0), 0.0, noted["spend"])
        power = np.minimum(2.5, 0.25 + 0.75 * spend / largest)
        moved += ((noted["tier"] > 0) & (next_tier == 0)).sum()
        if year >= 2:
            worn = worn + np.where(there, 0.02 * (1 - noted["trust"]), 0.0)
        key = next_tier > 0
        given = np.where(key, np.maximum(given, tiers[np.maximum(0, next_tier)] * power), given * 0.71)
        concession = np.where(there, np.minimum(0.25, (0.04 + worn) * power + given), concession)
    np.testing.assert_allclose(history["spend"][6], history["listed"][6] * (1 - concession), rtol=1e-12)
    assert moved > 0


def test_rebuild_fatigue_passes_in_the_alignment_of_functions() -> None:
    """An organization that rebuilds every year, with capacity to spare: alignment follows its own recursion."""
    scenario = small(**{**CALM, "patience_least": 1, "patience_most": 1, "premium_mean": 1.0, "expecting_more": 0.999})
    scenario = scenario.changed(world={"capacity_per_seat": 100.0})
    world = draw_world(scenario, seed=3)
    run = simulate(world, scenario, trace=True)
    assert run.history.years["rebuilt"][2:].all()
    assert world.premium > 0.2
    alignment, fatigue = world.alignment.copy(), 0.0
    for quarter in range(8, 24):
        alignment += scenario.world.alignment_speed * (world.alignment - fatigue - alignment)
        fatigue *= 1 - scenario.world.fatigue_decay
        np.testing.assert_allclose(run.trace.functions["alignment"][quarter], alignment, rtol=1e-12)
        fatigue += scenario.rebuild.fatigue if quarter % 4 == 3 else 0.0


def test_a_rule_called_from_a_kernel_gives_the_bits_it_gives_from_python() -> None:
    @numba.njit
    def kernel(numbers: Any, found: Any) -> None:
        for place in range(len(numbers)):
            x = numbers[place]
            found[place, 0] = coverage(1.0 + x, 3.0 * x, 0.5 + x)
            found[place, 1] = value_delivered(partnership_worth(x, 0.7), x, x * x, 0.35, 0.30, 0.35)
            found[place, 2] = compatibility(0.001 + 0.998 * x, 0.2)
            found[place, 3] = orders_of_quarter(3.0 + 2.0 * x, 2.0, 0.25, 0.007, 0.03, 4.0 * x - 2.0, x)
            found[place, 4] = growth_potential(1.0 + x, 0.9, 0.8 * x, x - 0.1, 0.01)
            found[place, 5] = hazard_of_leaving(hazard_of_size(4.0 * x - 2.0, 0.47), x, 0.42, 2.1)
            found[place, 6] = growth_of_year(9.0 * x - 4.0, 0.245, 0.076, x)

    numbers = np.random.default_rng(1).random(2000)
    found = np.empty((2000, 7))
    kernel(numbers, found)
    for x, row in zip(numbers.tolist(), found.tolist(), strict=True):
        assert row == [
            coverage(1.0 + x, 3.0 * x, 0.5 + x),
            value_delivered(partnership_worth(x, 0.7), x, x * x, 0.35, 0.30, 0.35),
            compatibility(0.001 + 0.998 * x, 0.2),
            orders_of_quarter(3.0 + 2.0 * x, 2.0, 0.25, 0.007, 0.03, 4.0 * x - 2.0, x),
            growth_potential(1.0 + x, 0.9, 0.8 * x, x - 0.1, 0.01),
            hazard_of_leaving(hazard_of_size(4.0 * x - 2.0, 0.47), x, 0.42, 2.1),
            growth_of_year(9.0 * x - 4.0, 0.245, 0.076, x),
        ]


def test_defaults_of_the_model_are_those_of_its_scenario() -> None:
    """The closed forms above lean on the tiers of the status quo."""
    tiers = load_scenario("status_quo").tiers.ordered
    assert [tier.attention for tier in tiers.values()] == [1.0, 1.5]
