"""Compiled code divides without asking whether the divisor is zero: none can be, and each says here why."""

import ast
import itertools
import math
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from conftest import assert_same_bits, at_the_ends, examples, seeds
from hypothesis import given
from hypothesis import strategies as st
from test_rules import public_rules

import kamsim
from kamsim.books.book import read_book
from kamsim.compiler import OPTIONS
from kamsim.evidence.ledger import parameter
from kamsim.measures.outcomes import outcomes
from kamsim.measures.profit import account_of
from kamsim.measures.survey import kam_reports
from kamsim.model import ensemble
from kamsim.model import rooms as rooms_of
from kamsim.model.plan import LEAST_SPEND, empty_history, empty_trace
from kamsim.policy.policy import policy_in
from kamsim.rules.alignment import overload
from kamsim.rules.attention import coverage, planned_hours
from kamsim.rules.collaboration import granted_fraction
from kamsim.rules.contracts import is_renewal
from kamsim.rules.costs import return_on_sales
from kamsim.rules.elevation import rank_among
from kamsim.rules.orders import LEAST_ORDERS, orders_of_quarter, unevenness
from kamsim.rules.pricing import bargaining_power
from kamsim.rules.quota import quota_attainment, room_to_grow, sum_of_plans
from kamsim.rules.relationship import bond_kept_without_buyer, bond_with_one
from kamsim.rules.tiering import log_growth, mean_of_largest, sorting_pull, team_noise
from kamsim.scenario import Scenario
from kamsim.world.customers import AS_DRAWN, Future
from kamsim.world.draws import normal, normal_quantile, uniform
from kamsim.world.known import LEAST_LOG_WALLET, KnownAccounts, known_from, nothing_known
from kamsim.world.laws import ALIGNMENT_BOUNDS, SHARE_BASE_BOUNDS, patience_of, premium_expected
from kamsim.world.parameters import budget_of, parameters_of, timeline_of
from kamsim.world.world import (
    draw_one_organization,
    draw_organization,
    empty_world,
    split_seed,
)

PACKAGE = Path(kamsim.__file__).parent
MARKS = ("rule", "compiled", "kernel")
DIVIDE = (ast.Div, ast.FloorDiv, ast.Mod)
# What divides inside, or takes a power that may be a division.
CALLS = ("pow", "power", "fmod", "remainder", "divmod", "divide", "reciprocal", "mean", "average", "var", "std")

GUARDED = "asked for before the division"
LEDGER = "the ledger's range does not reach it"
STEP = "a step of a grid"
KNOWN = "what is known of an account is above zero"
REASONS = {
    ("learned_tie", "honored / asked"): GUARDED,
    ("bargaining_power", "slope * last_year_spend / mean_of_largest"): GUARDED,
    ("coverage", "-skill * hours / need"): GUARDED,
    ("planned_hours", "weighted_need / weighted_need_of_kam"): GUARDED,
    ("quota_attainment", "key_revenue / quota"): GUARDED,
    ("usual_sales", "total / counted"): GUARDED,
    ("room_to_grow", "max(ceiling - share, least_room) / ceiling"): LEDGER,
    ("sum_of_plans", "planned / mean_promise"): "a plan promises no less than the sales there are",
    ("_quota_base", "promise / len(members)"): "inside of a loop over the members",
    ("mean_of_largest", "total / taken"): GUARDED,
    ("return_on_sales", "contributed / listed"): GUARDED,
    ("orders_of_quarter", "mean / count"): "the count begins with 1",
    ("begin_year", "1.0 / max(LEAST_ORDERS, account.orders)"): "the least number of orders is above zero",
    ("close_year", "this_year.spend / (1.0 - account.concession)"): "nobody is conceded more than the ledger's most",
    ("bond_with_one", "bond / contacts"): LEDGER,
    ("bond_kept_without_buyer", "single_thread / contacts"): LEDGER,
    ("bond_kept_without_buyer", "half / (half + collaboration)"): LEDGER,
    ("is_renewal", "(quarter - first_renewal) % (4 * contract_years)"): "asked for only where contracts run for years",
    ("receive_rebate", "rebate / this_year.spend"): GUARDED,
    ("team_noise", "(1.0 - in_common) / functions"): LEDGER,
    ("sorting_pull", "sorting * (tier - 1) / (top_tier - 1)"): GUARDED,
    ("told", "tally.above[place] / tally.below[place]"): GUARDED,
    ("_note", "part / whole"): GUARDED,
    ("_look_at_year", "program.key_revenue / program.quota"): GUARDED,
    ("_look_at_elevation", "elevated.listed / category"): GUARDED,
    ("outcomes", "7.0 * rebuilds / (len(history.years) - first_year)"): "a window with a year of program has a year",
    ("account_by_year", "weight /= 1.0 + discount"): "a discount is no less than 0",
    ("kam_reports", "collaboration / count"): GUARDED,
    ("kam_reports", "total / count"): GUARDED,
    ("granted_fraction", "remaining / asked"): "more is asked than is left, and what is left is not below zero",
    ("overload", "available / asked"): "more is asked than there is, and what there is is not below zero",
    ("log_growth", "max(now, least) / max(before, least)"): "the least spend is above zero",
    (
        "calibrate",
        "fit_read(born[number].fit, readings[number].fit, policy.levers, parameters) / len(members)",
    ): "inside of a loop over the members",
    ("assign_kams", "add_up(program.tie[kam]) / len(program.functions)"): LEDGER,
    ("rank_among", "low / max(1, len(ordered) - 1)"): "the others are counted as 1 at the least",
    ("keep_to_capacity", "ties / (len(tie) * len(functions))"): LEDGER,
    ("next_tiers", "(year - launch_year) % policy.terms.retiering_years"): LEDGER,
    ("patience_of", "math.log(draw) / math.log(1.0 - stop)"): LEDGER,
    ("premium_expected", "mean / normal_quantile(expecting_more)"): LEDGER,
    ("normal_quantile", "q * above / below"): "a sum of positive terms and 1",
    ("normal_quantile", "above / below"): "a sum of positive terms and 1",
    ("_needs", "mix[number, function] /= total"): "a sum of logs of uniform numbers, which are never 1",
    ("_settle_share", "spend / wallet"): KNOWN,
    ("_settle_share", "spend / share"): KNOWN,
    ("_settle_share", "spend / account.share"): "ceiling and habit are above zero",
    ("_settle_share", "share / account.ceiling"): LEDGER,
    ("_settle_share", "(share - parameters.ceiling_base) / parameters.ceiling_fit"): GUARDED,
    ("unevenness", "sd * sd / orders"): GUARDED,
    ("_first_prices_and_costs", "parameters.serve_cost * total / costs"): GUARDED,
    ("_accounts_at_birth", "known.manager[of_book] % len(room.skill)"): "there is a KAM in every organization",
    ("_season", "season[quarter] / mean"): GUARDED,
    # The filter that reads a book.
    ("_add_moved", "part * (mass[pace, 0, point] + mass[pace, 1, point]) / total"): "of what is there, which is some",
    ("_jump", "1.0 / (4.0 - phase)"): "a quarter of the year, 0 to 3",
    ("_jump", "moved * (1.0 - ratio) / (1.0 + ratio)"): "a ratio from 0 to 1",
    ("_log_density", "(log_mean - LEAST_TABULATED) / MEAN_STEP"): STEP,
    ("_log_density", "(size - LEAST_SIZE) / SIZE_STEP"): STEP,
    ("_log_density", "1.0 / ((1.0 + spread) * math.exp(-log_mean) + EVENEST)"): "the evenest is above zero",
    ("_log_density", "1.0 / (12.0 * shape)"): "the reciprocal of a sum of positive terms",
    ("_place", "(rate - given.low) / given.step"): STEP,
    ("last_chances", "shift / given.step"): STEP,
    ("spend_table", "(MOST_SIZE - LEAST_SIZE) / SIZE_STEP"): STEP,
    ("spend_table", "(MOST_TABULATED - LEAST_TABULATED) / MEAN_STEP"): STEP,
    ("spend_table", "spread / count"): "the count begins with 1",
    ("spend_table", "-0.5 * off * off / variance"): "sizes of orders that are searched for differ",
    ("_quarter", "dead / total"): GUARDED,
    ("_rescale", "room.mass[pace, part, point] /= total"): GUARDED,
    ("_higher", "given.step * room.mass[pace, 2, point] / room.mass[pace, 1, point]"): "asked for where there is some",
    ("_read", "(aim - below + before) / max(TINY, at_point)"): "tiny is above zero",
    ("_read", "place % paces"): "there are paces",
    ("_read", "place // paces"): "there are paces",
    ("last_chances", "living / max(TINY, parts[number, 0] + parts[number, 1])"): "tiny is above zero",
    ("last_chances", "matured / max(TINY, living)"): "tiny is above zero",
    ("draw_name", "(number - first) // newcomers"): "who is not of the first book came where there is room for some",
    ("draw_name", "(number - first) % newcomers"): "who is not of the first book came where there is room for some",
}
POWERS = {
    ("partnership_worth", "math.pow(fit, fit_exponent)"): ("world", "value_fit_exponent"),
}
EXTREME = (0.0, 5e-324, 2.3e-308, 1e-300, 1e-12, 0.5, 1.0, 1e12, 1e300)


def divisions_of(text: str) -> set[tuple[str, str]]:
    """Whatever divides in compiled functions of a module, but by a number that is written there and is not zero."""
    found = set()
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef):
            continue
        if not any(isinstance(mark, ast.Name) and mark.id in MARKS for mark in function.decorator_list):
            continue
        for node in ast.walk(function):
            divisor: ast.expr | None = None
            if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, (*DIVIDE, ast.Pow)):
                divisor = node.right if isinstance(node, ast.BinOp) else node.value
            elif isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                divisor = node.func if called in CALLS else None
            if divisor is not None and not (isinstance(divisor, ast.Constant) and divisor.value > 0):
                found.add((function.name, ast.unparse(node)))
    return found


def test_every_division_of_compiled_code_has_a_reason_why_it_is_never_by_zero() -> None:
    assert OPTIONS["error_model"] == "numpy"
    found = set().union(*(divisions_of(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")))
    assert found == {*REASONS, *POWERS}


DIVIDING = ("x / y", "x // y", "x % y", "x ** y", "x ** -1.0", "x / 0", "np.mean(x)", "pow(x, y)", "x.std()")


@pytest.mark.parametrize("line", DIVIDING)
def test_a_new_division_is_found(line: str) -> None:
    assert divisions_of(f"@rule\ndef new(x, y):\n    if x > 0: return {line}\n") == {
        ("new", ast.unparse(ast.parse(line)))
    }
    assert divisions_of("@compiled\ndef new(x, y):\n    x[0] /= y\n") == {("new", "x[0] /= y")}
    assert not divisions_of("@rule\ndef new(x):\n    return x / 4.0 + x**0.5\ndef plain(x, y):\n    return x / y\n")


# ---------------------------------------------------------------- reasons


def test_ranges_of_the_ledger_keep_away_from_what_would_divide_by_zero() -> None:
    assert parameter("world", "functions").low >= 1
    assert parameter("policy", "retiering_years").low >= 1
    assert parameter("policy", "team_contacts").low >= 1
    assert parameter("world", "buyer_contacts").excluded == "low"
    assert math.log(1.0 - parameter("world", "patience_stop").low) < 0
    assert normal_quantile(parameter("world", "expecting_more").low) > 0
    assert parameter("world", "ceiling_base").low > 0
    assert parameter("world", "most_conceded").high < 1
    for name in ("ceiling_fit", "share_trust", "trust_mean", "capacity_per_seat"):
        assert parameter("world", name).low >= 0
    for powers in POWERS.values():
        assert parameter(*powers).low >= 0
    assert min(LEAST_SPEND, LEAST_ORDERS, math.exp(LEAST_LOG_WALLET)) > 0
    assert min(SHARE_BASE_BOUNDS[0], ALIGNMENT_BOUNDS[0]) > 0
    # The smallest wallet at the most that size may bring, the smallest cost to serve of the smallest spender.
    assert math.isfinite(math.exp(-LEAST_LOG_WALLET * parameter("world", "growth_size").high))
    assert math.exp(LEAST_LOG_WALLET) * math.exp(normal(0) * parameter("world", "serve_cost_sd").high) > 0


def test_no_uniform_number_has_a_log_of_zero_and_no_quantile_divides_by_less_than_one() -> None:
    for word in (0, 1, 2**31, 2**32 - 2, 2**32 - 1):
        assert math.log(uniform(word)) < 0
        assert math.isfinite(normal(word))


def _bits(value: float) -> bytes:
    return np.float64(value).tobytes()


PARTS = (0.0, 1e-300, 0.5, 1.0)
COLUMNS: dict[Any, tuple[Any, ...]] = {
    bond_with_one: (PARTS, (1, 3)),
    is_renewal: ((0, 5, 12, 399), (0, 3, 12, 2**31 + 4), (1, 3, 50)),
    bond_kept_without_buyer: ((0.0, 5e-324, 0.5, 1.0), PARTS, (5e-324, 0.1, 1.0), (1, 3)),
    planned_hours: ((0.0, 22.0, 1e300), EXTREME, EXTREME),
    mean_of_largest: (
        (np.zeros(0), np.zeros(3), np.array([5e-324]), np.array([1e300, 5e-324, 1.0])),
        (np.zeros(1), np.zeros(3)),
    ),
    return_on_sales: (EXTREME, EXTREME),
    unevenness: ((0.0, 1.0, 32.0, 1e300), (0.0, 0.5, 5.0), (-6.4, 0.0, 6.4)),
    orders_of_quarter: (EXTREME, EXTREME, EXTREME, (0.0, 0.5), PARTS, (-6.4, 0.0, 6.4), (1e-10, 0.5, 1.0 - 1e-10)),
    team_noise: (EXTREME, (0.0, 0.5, 1.0), (0.0, 0.3, 1.0), (1, 16)),
    coverage: ((0.2, 1.0), EXTREME, EXTREME),
    granted_fraction: (EXTREME, EXTREME),
    overload: (EXTREME, EXTREME, (0.0, 0.1, 1.0)),
    quota_attainment: (EXTREME, EXTREME),
    room_to_grow: ((0.01, 1.0), (0.0, 0.5, 1.0), (1e-6, 1.0)),
    sum_of_plans: (EXTREME, EXTREME, (1.0, 1.5, 2.0), PARTS),
    bargaining_power: (EXTREME, EXTREME, (0.0, 5.0), (0.0, 5.0), (0.0, 10.0)),
    log_growth: (EXTREME, EXTREME, (LEAST_SPEND,)),
    rank_among: ((np.zeros(0), np.array([1.0]), np.array([5e-324, 1.0, 1.0, 1e300])), EXTREME),
    sorting_pull: ((1, 2, 5), (1, 2, 5), (0.0, 100.0)),
    premium_expected: ((0.0, 1.0), (0.51, 0.95, 0.999999), (-6.4, 0.0, 6.4)),
    patience_of: ((1, 100), (0.01, 0.5, 1.0), (1, 100), (1e-10, 0.5, 1.0 - 1e-10)),
    normal_quantile: ((1e-10, 0.074, 0.075, 0.076, 0.5, 0.925, 0.926, 1.0 - 1e-10),),
}


@pytest.mark.parametrize("function", COLUMNS, ids=lambda function: function.__name__)
def test_a_rule_that_divides_does_the_same_compiled_on_extreme_numbers(function: Any) -> None:
    """Called from Python it would raise, were a divisor zero."""
    compiled = numba.njit(**OPTIONS)(function)
    for given_numbers in itertools.product(*COLUMNS[function]):
        assert _bits(compiled(*given_numbers)) == _bits(function(*given_numbers)), given_numbers


def test_rules_that_divide_are_all_tried_on_extreme_numbers() -> None:
    rules = public_rules() | {"normal_quantile": normal_quantile}
    assert {rules[name] for name, _ in REASONS if name in rules} == set(COLUMNS)


@pytest.mark.parametrize("more", ["", ",wallet", ",share"])
def test_what_is_known_of_an_account_of_next_to_nothing_is_above_zero(tmp_path: Path, more: str) -> None:
    value = {"": "", ",wallet": ",1e-320", ",share": ",1"}[more]
    rest = {"": "", ",wallet": ",1e15", ",share": ",0.5"}[more]
    lines = [f"account_id,annual_spend{more}", f"a,1e-320{value}", *(f"{name},5e14{rest}" for name in "bc")]
    (tmp_path / "book.csv").write_text("\n".join(lines))
    known, _ = known_from(read_book(tmp_path / "book.csv"), parameters_of(Scenario()))
    assert all(not (column <= 0).any() for column in (known.annual_spend, known.wallet, known.share))


# ---------------------------------------------------------------- the whole


def _known(draw: st.DrawFn, accounts: int) -> KnownAccounts:
    """What a book may tell, of one account or more; `known_from` lets nothing smaller through."""
    least = math.exp(LEAST_LOG_WALLET)

    def column(*values: float) -> Any:
        return np.array(draw(st.lists(st.sampled_from([math.nan, *values]), min_size=accounts, max_size=accounts)))

    spend = column(least, 1e-12, 0.1, 1e12)
    wallet = np.maximum(spend, column(least, 1.0, 1e12))
    share = np.where(np.isnan(wallet), np.nan, np.maximum(spend / wallet, least))
    known = nothing_known(accounts)._replace(
        annual_spend=spend,
        wallet=wallet,
        share=share,
        fit=column(0.0, 1.0),
        trust=column(0.0, 1.0),
    )
    return _with_history(draw, known, accounts) if draw(st.booleans()) else known


def _with_history(draw: st.DrawFn, known: KnownAccounts, accounts: int) -> KnownAccounts:
    """The same of a book with a history of two years, of which it may tell less."""

    def rows(count: int, *values: float) -> Any:
        size = count * accounts
        drawn = draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))
        return np.array(drawn).reshape(count, accounts)

    return known._replace(
        annual_spend=np.ones(accounts),
        wallet=np.full(accounts, math.nan),
        share=np.where(known.share > 0.01, known.share, math.nan),
        paid=rows(8, math.nan, 0.0, 1e-12, 1e12),
        rate=rows(3, math.exp(LEAST_LOG_WALLET), 0.1, 1e12),
        pace=rows(3, 1e-3, 1.0, 1e3),
        alive=rows(1, 0.0, 0.5, 1.0)[0],
        arrives=rows(1, 0, 3, 7)[0].astype(np.int64),
        tier=rows(1, 0, 1, 2)[0].astype(np.int64),
        season_from=draw(st.integers(0, 3)),
    )


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Scenario, KnownAccounts]:
    scenario = draw(at_the_ends())
    seats = sum(tier.seats for tier in scenario.tiers.ordered.values())
    accounts = max(int(seats), draw(st.integers(1, 5)))
    return scenario, _known(draw, accounts) if draw(st.booleans()) else nothing_known(accounts)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled to compare with")
@examples(80)
@given(_cases(), seeds())
def test_worlds_runs_and_measures_are_the_same_compiled_and_divide_by_no_zero(
    case: tuple[Scenario, KnownAccounts], seed: int
) -> None:
    scenario, known = case
    if len(known.paid) > 0:
        scenario = scenario.changed(timeline={"history_years": 2})
    future = Future(*split_seed(seed // 2), seed % 12) if seed % 2 else AS_DRAWN
    accounts, (low, high) = len(known.annual_spend), split_seed(seed)
    parameters, timeline, budget = parameters_of(scenario), timeline_of(scenario), budget_of(scenario, accounts)
    policy = policy_in(scenario, accounts, low, high, 0)
    played = []
    for draw, play in (
        (draw_one_organization, ensemble._play_one),
        (draw_organization, ensemble.play),
    ):
        with np.errstate(divide="raise", invalid="raise", over="ignore"):
            room = empty_world(budget, timeline)
            drawn = draw(low, high, 0, parameters, budget, timeline, known, future, room)
            told = {name: given for name, given in drawn._asdict().items() if not isinstance(given, np.ndarray)}
            world = room._replace(**told, paid=known.paid)
            slots, seats = budget.room(timeline.years), int(policy.seats.sum())
            history = empty_history(timeline.years, slots, budget.kams)
            trace = empty_trace(4 * timeline.years, slots, budget.kams, budget.functions)
            tiers = len(policy.seats)
            rooms = rooms_of.room_for(slots, budget.kams, budget.functions, tiers, seats, world.seats)
            play(world, policy, parameters, timeline, rooms, history, trace)
            report, spend = np.empty(budget.kams), np.empty(budget.kams)
            kam_reports(history, world.report_draw, parameters, report, spend)
            account = account_of(history, parameters.gross_margin, timeline.history_years, scenario.timeline.discount)
            first_year = timeline.history_years + timeline.warmup_years
            measures = np.array(
                outcomes(history, account, world, parameters.gross_margin, timeline.history_years, first_year)
            )
        arrays = [given for given in world if isinstance(given, np.ndarray)]
        played.append(
            (*arrays, history, trace, report, spend, np.array(account), measures, np.array(list(told.values())))
        )
    assert_same_bits(*played)
