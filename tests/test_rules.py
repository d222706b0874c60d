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
from kamsim.rules.attention import account_need, coverage, planned_hours
from kamsim.rules.collaboration import (
    available_support,
    collaboration_felt,
    collaboration_part,
    granted_fraction,
    support_asked,
    tie_after_departure,
    tie_after_quarter,
)
from kamsim.rules.costs import add_up, annual_profit, investment, rebuild_cost
from kamsim.rules.quota import (
    chance_to_leave,
    expected_premium,
    missed_in_a_row,
    next_quota,
    patience_ends,
    quota_attainment,
)
from kamsim.rules.relationship import (
    expectation_after_quarter,
    partnership_worth,
    trust_after_loss,
    trust_after_service,
    trust_without_program,
    value_delivered,
)
from kamsim.rules.spend import (
    bargaining_power,
    kept_at_rest,
    quarter_spend,
    share_after_attack,
    share_after_quarter,
    share_ceiling,
    share_target,
)
from kamsim.rules.tiering import (
    account_health,
    best_first,
    best_kam,
    between,
    calibrated_ambition,
    demote_the_unhealthy,
    growth_potential,
    log_growth,
    moves_allowed,
    reading,
    relieved_noise,
    rerank_by_spend,
    seat_from_the_top,
    select_anew,
    sorting_pull,
    spend_score,
)
from kamsim.world.laws import (
    compatibility,
    growth_after_year,
    half_persistent,
    log_wallet_after_quarter,
    orders_of_quarter,
    patience_of,
    premium_expected,
    rival_attacks,
    rival_chance,
    surge_after_quarter,
)

RULES = ("alignment", "attention", "collaboration", "costs", "quota", "relationship", "spend", "tiering")
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


# ---------------------------------------------------------------- rules 1 and 2: attention


def test_need_grows_less_than_in_proportion_to_the_wallet() -> None:
    assert account_need(0.25, 0.3, 1.0) == near(1.0)
    assert account_need(4.0, 0.25, 1.5) == near(3.0)
    assert account_need(4.0, 0.0, 0.7) == near(0.7)
    assert account_need(4.0, 1.0, 1.0) == near(16.0)


def test_hours_go_by_need_and_tier() -> None:
    assert planned_hours(15.0, 2.0, 1.5, 12.0) == near(3.75)
    assert planned_hours(0.0, 2.0, 1.5, 12.0) == 0.0
    assert planned_hours(15.0, 2.0, 1.5, 3.0) == 15.0
    assert sum(planned_hours(15.0, need, 1.0, 6.0) for need in (1.0, 2.0, 3.0)) == near(15.0)
    assert planned_hours(15.0, 0.0, 1.5, 0.0) == 0.0


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
    assert value_delivered(partnership_worth(1.0, 1.0, 0.7, 0.7), 0.8, 0.5, *weights) == near(0.57)
    assert value_delivered(partnership_worth(0.25, 4.0, 0.5, 1.0), 0.8, 0.5, *weights) == near(0.57 * 0.5 * 4.0)
    assert value_delivered(partnership_worth(0.0, 1.0, 0.7, 0.7), 0.8, 0.5, *weights) == 0.0
    assert value_delivered(partnership_worth(0.5, 0.5, 0.7, 0.7), 0.0, 0.0, *weights) == 0.0


def test_a_partnership_is_worth_fit_and_ambition_to_their_powers() -> None:
    assert partnership_worth(0.25, 1.0, 0.5, 0.7) == near(0.5)
    assert partnership_worth(1.0, 4.0, 0.7, 0.5) == near(2.0)
    assert partnership_worth(0.25, 4.0, 0.5, 0.5) == near(1.0)
    assert partnership_worth(0.0, 1.2, 0.0, 0.0) == 1.0


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


def test_trust_protects_share_from_a_rival() -> None:
    assert share_after_attack(0.4, 0.5, 0.35) == near(0.4 * 0.825)
    assert share_after_attack(0.4, 1.0, 0.35) == 0.4
    assert share_after_attack(0.4, 0.0, 1.0) == 0.0


def test_larger_accounts_bargain_for_more_of_the_concession() -> None:
    assert bargaining_power(3.0, 3.0, 0.25, 0.75, 2.5) == near(1.0)
    assert bargaining_power(0.0, 3.0, 0.25, 0.75, 2.5) == 0.25
    assert bargaining_power(30.0, 3.0, 0.25, 0.75, 2.5) == 2.5
    assert bargaining_power(0.0, 0.0, 0.25, 0.75, 2.5) == 0.25


def test_spend_is_wallet_times_share_times_orders_less_the_concession() -> None:
    assert quarter_spend(2.0, 0.5, 1.2, 0.05) == near(1.14)
    assert quarter_spend(2.0, 0.0, 1.2, 0.05) == 0.0


def test_investment_is_hours_and_support_at_their_cost() -> None:
    assert investment(3.0, 0.004, 2.0, 0.02) == near(0.052)
    assert investment(0.0, 0.004, 0.0, 0.02) == 0.0


def test_a_rebuild_costs_its_share_of_key_revenue() -> None:
    assert rebuild_cost(25.0, 0.08) == near(2.0)


def test_profit_is_margin_on_list_price_less_concessions_and_costs() -> None:
    # Sold for 95 what lists at 100 and costs 65, served for 4 and rebuilt for 2.
    assert annual_profit(95.0, 0.35, 4.0, 2.0, 5.0) == near(95 - 65 - 4 - 2)
    assert annual_profit(0.0, 0.35, 4.0, 2.0, 0.0) == near(-6.0)


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


def test_attainment_is_revenue_against_quota() -> None:
    assert quota_attainment(9.0, 10.0) == near(0.9)
    assert quota_attainment(10.0, 10.0) == 1.0
    assert quota_attainment(0.0, 0.0) == 1.0


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


def test_a_team_takes_its_part_of_the_noise_away() -> None:
    assert relieved_noise(0.6, 1.0, 0.5) == near(0.3)
    assert relieved_noise(0.6, 0.5, 0.5) == near(0.45)
    assert relieved_noise(0.6, 0.0, 0.5) == 0.6


def test_growth_is_the_log_of_the_ratio_where_there_was_spend() -> None:
    assert log_growth(2.0, 6.0, 1e-12) == near(math.log(3.0))
    assert log_growth(0.0, 0.0, 1e-12) == 0.0
    assert log_growth(0.0, 1.0, 1e-12) == near(12 * math.log(10.0))


def test_the_score_of_a_large_spender_is_its_log_spend() -> None:
    assert spend_score(math.e, 1e-12) == near(1.0)
    assert spend_score(0.0, 1e-12) == near(-12 * math.log(10.0))


def test_growth_potential_is_wallet_times_room_and_growth() -> None:
    assert growth_potential(10.0, 0.6, 0.2, 0.05, 3.0, 0.01) == near(math.log(4.0) + 0.15)
    assert growth_potential(10.0, 0.6, 0.9, 0.0, 3.0, 0.01) == near(math.log(0.1))


def test_ambition_is_one_for_all_or_calibrated_to_fit() -> None:
    assert calibrated_ambition(0.75, 1.0, 1.4, 0.3, 1.5) == near(1.35)
    assert calibrated_ambition(0.75, 0.5, 1.4, 0.3, 1.5) == near(1.175)
    assert calibrated_ambition(0.75, 0.0, 1.4, 0.3, 1.5) == 1.0
    assert calibrated_ambition(-1.0, 1.0, 1.4, 0.3, 1.5) == near(0.3)
    assert calibrated_ambition(2.0, 1.0, 1.4, 0.3, 1.5) == 1.5


def test_health_is_growth_against_the_book_and_trust_against_what_is_sound() -> None:
    assert account_health(0.3, 0.1, 0.40, 0.5, 2.0, 0.45) == near(0.5 * 0.2 - 2.0 * 0.05)
    assert account_health(0.1, 0.1, 0.45, 0.5, 2.0, 0.45) == 0.0


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


def test_a_share_rests_where_rivals_take_what_comes_back() -> None:
    assert kept_at_rest(0.2, 0.0) == 1.0
    assert kept_at_rest(0.0, 0.1) == 0.0
    assert kept_at_rest(0.0, 0.0) == 1.0
    resting = kept_at_rest(0.2, 0.05) * 0.4
    assert share_after_quarter(resting, 0.4, 0.2) * 0.95 == near(resting)


def test_larger_wallets_draw_more_rivals_up_to_a_bound() -> None:
    assert rival_chance(1.0, 0.05, 0.5, 3.0) == near(0.05)
    assert rival_chance(4.0, 0.05, 0.5, 3.0) == near(0.10)
    assert rival_chance(100.0, 0.05, 0.5, 3.0) == near(0.15)


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
    """Seats all taken, at most half of the accounts key; two columns of numbers; moves allowed."""
    count = draw(st.integers(2, 20))
    seats = [0]
    for _ in range(draw(st.integers(1, 3))):
        seats.append(draw(st.integers(0, count // 2 - sum(seats))))
    tier = [level for level, number in enumerate(seats) for _ in range(number)]
    tier = draw(st.permutations(tier + [0] * (count - len(tier))))
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
    ranked = np.argsort(-scores, kind="stable")
    expected = np.zeros_like(tier)
    levels = [level for level in range(len(seats) - 1, 0, -1) for _ in range(seats[level])]
    expected[ranked[: len(levels)]] = levels
    assert tier.tolist() == expected.tolist()


@settings(max_examples=300)
@given(reviews(), few_values)
def test_the_unhealthy_leave_for_as_many_of_the_best_candidates(review: Any, threshold: float) -> None:
    room, tier, health, scores, moves = review
    before = tier.copy()
    demote_the_unhealthy(-health, scores, threshold, moves, *room.all(), tier)
    left, came = (before > 0) & (tier == 0), (before == 0) & (tier > 0)
    assert taken_seats(tier, room.seats) == taken_seats(before, room.seats)
    assert left.sum() == came.sum() == min(moves, ((before > 0) & (health < threshold)).sum())
    assert (health[left] < threshold).all()
    stayed = (before > 0) & ~left
    assert (tier[stayed] == before[stayed]).all()
    if left.any():
        assert (health[stayed & (health < threshold)] >= health[left].max()).all()
        assert scores[came].min() >= scores[(before == 0) & ~came].max(initial=-np.inf)


def test_nobody_is_demoted_where_all_are_healthy() -> None:
    room, tier = Room(4, [0, 2]), np.array([1, 0, 1, 0])
    demote_the_unhealthy(np.array([-0.1, 9.0, 0.0, 9.0]), np.array([0.0, 5.0, 0.0, 6.0]), 0.0, 2, *room.all(), tier)
    assert tier.tolist() == [1, 0, 1, 0]


@settings(max_examples=300)
@given(reviews())
def test_larger_spenders_take_the_seats_of_smaller_ones(review: Any) -> None:
    room, tier, spend, _, moves = review
    before = tier.copy()
    rerank_by_spend(spend, moves, *room.all(), tier)
    left, came = (before > 0) & (tier == 0), (before == 0) & (tier > 0)
    assert taken_seats(tier, room.seats) == taken_seats(before, room.seats)
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


# ---------------------------------------------------------------- laws of the world


def test_a_wallet_drifts_and_is_shocked() -> None:
    assert log_wallet_after_quarter(1.0, 0.08, 0.05, 2.0, 0.03, -1.0) == near(1.0 + 0.02 + 0.10 - 0.03)
    assert log_wallet_after_quarter(1.0, 0.0, 0.0, 5.0, 0.0, 5.0) == 1.0


def test_growth_goes_a_part_of_the_way_back_to_the_market() -> None:
    assert growth_after_year(0.13, 0.03, 0.6, 0.05, 0.0) == near(0.09)
    assert growth_after_year(0.03, 0.03, 0.6, 0.05, 1.0) == near(0.03 + 0.8 * 0.05)
    assert growth_after_year(0.13, 0.03, 1.0, 0.05, 2.0) == near(0.13)


def test_accounts_answer_to_the_collaboration_they_receive_unless_a_twin_sets_it() -> None:
    assert collaboration_felt(0.3, math.nan) == 0.3
    assert collaboration_felt(0.3, 0.7) == 0.7


def test_a_surge_lasts_and_keeps_its_spread() -> None:
    assert surge_after_quarter(0.5, 0.6, 0.4, 1.0) == near(0.3 + 0.8 * 0.4)
    assert surge_after_quarter(0.5, 0.0, 0.4, 1.0) == near(0.4)
    # Stationary: persistence^2 x sd^2 + (1 - persistence^2) x sd^2 = sd^2.
    moved = surge_after_quarter(0.4, 0.6, 0.4, 0.0) ** 2 + surge_after_quarter(0.0, 0.6, 0.4, 1.0) ** 2
    assert moved == near(0.16)


def test_orders_are_lognormal_with_a_mean_of_1() -> None:
    assert orders_of_quarter(0.3, 0.4, 0.1, 2.0) == near(math.exp(0.5 - 0.085))
    assert orders_of_quarter(0.0, 0.0, 0.0, 3.0) == 1.0
    draws, weights = np.polynomial.hermite_e.hermegauss(60)
    mean = sum(
        first * second * orders_of_quarter(0.4 * surge, 0.4, 0.15, noise)
        for surge, first in zip(draws, weights, strict=True)
        for noise, second in zip(draws, weights, strict=True)
    ) / (2 * math.pi)
    assert mean == pytest.approx(1.0, rel=1e-9)


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


def test_rivals_attack_larger_wallets_more_up_to_a_bound() -> None:
    assert rival_attacks(0.039, 1.0, 0.04, 0.5, 3.0)
    assert not rival_attacks(0.041, 1.0, 0.04, 0.5, 3.0)
    assert rival_attacks(0.079, 4.0, 0.04, 0.5, 3.0)
    assert not rival_attacks(0.081, 4.0, 0.04, 0.5, 3.0)
    assert rival_attacks(0.119, 1e9, 0.04, 0.5, 3.0)
    assert not rival_attacks(0.121, 1e9, 0.04, 0.5, 3.0)
    assert not rival_attacks(1e-9, 4.0, 0.0, 0.5, 3.0)


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
    "wallet_shock_sd": 0.0,
    "industry_shock_sd": 0.0,
    "surge_sd": 0.0,
    "order_noise_sd": 0.0,
    "rival_rate": 0.0,
    "turnover": 0.0,
    "trust_sd": 0.0,
    "patience_least": 100,
    "patience_most": 100,
}
YEARS = {"history_years": 2, "warmup_years": 1, "window_years": 4}


def calm(name: str = "status_quo", tier: dict[str, Any] | None = None, **world: Any) -> Scenario:
    """A world without shocks; with ``tier``, a program of that one tier."""
    scenario = small(name, timeline=YEARS, **{**CALM, **world})
    if tier is None:
        return scenario
    ordered = {"key": {"concession": 0.0, **tier}, "strategic": {"seats": 0}}
    return scenario.changed(tiers={"ordered": ordered})


def test_without_shocks_and_program_spend_follows_its_formula() -> None:
    scenario = calm("no_program", market_growth=0.08, growth_sd=0.04, growth_persistence=1.0, wallet_sigma=0.7)
    world = draw_world(scenario, seed=2)
    trace = simulate(world, scenario, trace=True).trace.accounts
    parameters = scenario.world
    fit, growth = world.accounts["fit"], world.accounts["growth"]
    reached = np.minimum(1.0, world.accounts["share_base"] + parameters.share_trust * parameters.trust_mean)
    share = (parameters.ceiling_base + parameters.ceiling_fit * fit) * reached
    quarters = np.arange(1, 29)[:, None]
    wallet = np.exp(world.accounts["log_wallet"] + growth / 4 * quarters)
    np.testing.assert_allclose(trace["spend"], wallet * share, rtol=1e-12)
    np.testing.assert_allclose(trace["share"], np.broadcast_to(share, trace.shape), rtol=1e-12)
    np.testing.assert_allclose(trace["spend"][4:] / trace["spend"][:-4], np.exp(np.tile(growth, (24, 1))), rtol=1e-9)


def test_one_manager_one_function_and_ample_capacity_give_coverage_times_tie() -> None:
    seats = 5
    scenario = calm(
        tier={"seats": seats, "attention": 2.0},
        functions=1,
        accounts_per_kam=100.0,
        capacity_per_seat=100.0,
        tie_decay=0.0,
        tie_learning=0.0,
    )
    world = draw_world(scenario, seed=3)
    trace = simulate(world, scenario, trace=True).trace
    np.testing.assert_array_equal(trace.tie, np.broadcast_to(world.tie, trace.tie.shape))
    for quarter in range(8, 28):
        key = trace.accounts["tier"][quarter] > 0
        assert key.sum() == seats
        need = (4 * world.quarters["wallet"][quarter][key]) ** scenario.world.need_exponent
        hours = scenario.world.hours_per_kam * need / need.sum()
        covered = 1 - np.exp(-world.skill[0] * hours / need)
        noted = trace.accounts[quarter][key]
        np.testing.assert_allclose(noted["hours"], hours, rtol=1e-12)
        np.testing.assert_allclose(noted["collaboration"], covered * world.tie[0, 0], rtol=1e-12)


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
    covered = 1 - np.exp(-world.skill[0] * hours / need)
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
    scenario = small("no_program", timeline={"window_years": 40}, trust_sd=0.12)
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
        growth_sd=0.0,
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


def test_the_first_quota_is_the_launch_spend_grown_by_what_is_expected() -> None:
    for organization in range(6):
        scenario = calm()
        world = draw_world(scenario, seed=1, organization=organization)
        history = simulate(world, scenario).history
        spend = history.accounts["spend"][1][history.accounts["tier"][2] > 0].sum()
        premium = world.premium * (1.0 if world.prioritizes_returns else scenario.world.premium_elsewhere)
        expected = spend * (1 + scenario.world.market_growth + premium)
        assert history.years["quota"][2] == pytest.approx(expected, rel=1e-12)
        assert history.years["quota"][:2].tolist() == [0.0, 0.0]


def test_selection_by_spend_elevates_exactly_the_largest_spenders() -> None:
    for seed in range(5):
        scenario = small()
        history = simulate(draw_world(scenario, seed=seed), scenario).history
        ranked = np.argsort(-history.accounts["spend"][1], kind="stable")
        tier = history.accounts["tier"][2]
        assert tier[ranked[:5]].tolist() == [2, 1, 1, 1, 1]
        assert not tier[ranked[5:]].any()


def test_selection_by_enterprise_criteria_without_noise_elevates_the_largest_room() -> None:
    scenario = small("enterprise_selection", observation_noise=0.0)
    world = draw_world(scenario, seed=4)
    run = simulate(world, scenario, trace=True)
    room = scenario.world.ceiling_base + scenario.world.ceiling_fit * world.accounts["fit"]
    room = np.maximum(room - run.trace.accounts["share"][7], scenario.world.least_room)
    score = np.log(4 * world.quarters["wallet"][7] * room) + scenario.world.growth_weight * world.growth[1]
    ranked = np.argsort(-score)
    assert run.history.accounts["tier"][2][ranked[:5]].tolist() == [2, 1, 1, 1, 1]


def test_concessions_follow_bargaining_power() -> None:
    scenario = calm()
    world = draw_world(scenario, seed=3)
    run = simulate(world, scenario, trace=True)
    tier, before = run.history.accounts["tier"][2], run.history.accounts["spend"][1]
    power = np.minimum(2.5, 0.25 + 0.75 * before / before[tier > 0].mean())
    concession = np.array([0.0, 0.05, 0.08])[tier] * np.where(tier > 0, power, 0.0)
    list_price = world.quarters["wallet"][8:12] * run.trace.accounts["share"][8:12] * world.quarters["orders"][8:12]
    np.testing.assert_allclose(run.trace.accounts["spend"][8:12], list_price * (1 - concession), rtol=1e-9)
    given_away = (list_price * concession).sum()
    assert run.history.years["price_given"][2] == pytest.approx(given_away, rel=1e-9)


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
            found[place, 1] = value_delivered(partnership_worth(x, 1.0 + x, 0.7, 0.7), x, x * x, 0.35, 0.30, 0.35)
            found[place, 2] = compatibility(0.001 + 0.998 * x, 0.2)
            found[place, 3] = orders_of_quarter(x, 0.4, 0.15, 1.0 - x)
            found[place, 4] = growth_potential(1.0 + x, 0.9, 0.8 * x, 0.03, 3.0, 0.01)

    numbers = np.random.default_rng(1).random(2000)
    found = np.empty((2000, 5))
    kernel(numbers, found)
    for x, row in zip(numbers.tolist(), found.tolist(), strict=True):
        assert row == [
            coverage(1.0 + x, 3.0 * x, 0.5 + x),
            value_delivered(partnership_worth(x, 1.0 + x, 0.7, 0.7), x, x * x, 0.35, 0.30, 0.35),
            compatibility(0.001 + 0.998 * x, 0.2),
            orders_of_quarter(x, 0.4, 0.15, 1.0 - x),
            growth_potential(1.0 + x, 0.9, 0.8 * x, 0.03, 3.0, 0.01),
        ]


def test_defaults_of_the_model_are_those_of_its_scenario() -> None:
    """The closed forms above lean on the tiers of the status quo."""
    tiers = load_scenario("status_quo").tiers.ordered
    assert [tier.attention for tier in tiers.values()] == [1.0, 1.5]
    assert [tier.concession for tier in tiers.values()] == [0.05, 0.08]
