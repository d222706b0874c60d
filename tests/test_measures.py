"""Measures of tiny hand-made histories with known answers."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kamsim.measures.outcomes import MEASURES, Outcomes, outcomes
from kamsim.measures.profit import TERMS, Account, account_of, profit_of
from kamsim.measures.survey import ANSWERS, answers, kam_reports
from kamsim.model.plan import History, empty_history
from kamsim.world.world import ACCOUNT_AT_BIRTH, ACCOUNT_QUARTER

PARAMETERS = SimpleNamespace(gross_margin=0.4, report_noise=0.1)


def history_of(spend: list[list[float]], tier: list[list[int]], **columns: Any) -> History:
    """A history by year and account; other columns by name, of accounts or of years."""
    history = empty_history(len(spend), len(spend[0]), 3)
    history.accounts["spend"] = spend
    history.accounts["tier"] = tier
    history.accounts["kam"] = np.where(np.array(tier) > 0, 0, -1)
    for name, values in columns.items():
        (history.accounts if name in history.accounts.dtype.names else history.years)[name] = values
    return history


def world_of(history: History) -> Any:
    """A world in which all customers are there from the start, and spend four median wallets a year in the category."""
    years, accounts = history.accounts.shape
    quarters = np.zeros((4 * years, accounts), dtype=ACCOUNT_QUARTER)
    quarters["wallet"] = 1.0
    born = np.zeros(accounts, dtype=ACCOUNT_AT_BIRTH)
    return SimpleNamespace(
        quarters=quarters, accounts=born, season=np.ones(4), first=accounts, newcomers=0, premium=0.05
    )


def outcomes_of(history: History, first_year: int, launch: int = 1, discount: float = 0.0) -> dict[str, float]:
    margin, world = PARAMETERS.gross_margin, world_of(history)
    found = outcomes(history, account_of(history, margin, launch, discount), world, margin, launch, first_year)
    return {name: float(value) for name, value in found._asdict().items()}


def answers_of(history: History, history_years: int, first_year: int) -> dict[str, float]:
    row = np.full(len(ANSWERS), -99.0)
    answers(history, history_years, first_year, row)
    return dict(zip(ANSWERS, row.tolist(), strict=True))


# ---------------------------------------------------------------- outcomes


def test_every_measure_is_told_by_its_name() -> None:
    assert Outcomes._fields == tuple(measure.name for measure in MEASURES)


def test_every_term_of_profit_is_told_by_its_name_and_all_add_up() -> None:
    terms = tuple(term.name for term in TERMS)
    assert Account._fields[: len(terms)] == terms
    account = Account(*(2.0**place for place in range(len(Account._fields))))
    assert profit_of(account, account.volume / account.sales) == sum(account[: len(terms)])


def window() -> History:
    """History, a warm-up year, two years of the window; accounts 0 and 1 are key, in the last year 0 and 2."""
    return history_of(
        spend=[[5, 5, 5], [10, 6, 4], [12, 4, 5], [11, 9, 6]],
        tier=[[0, 0, 0], [1, 1, 0], [1, 2, 0], [1, 0, 2]],
        investment=[[0, 0, 0], [9, 9, 0], [1, 2, 0], [3, 0, 8]],
        collaboration=[[0, 0, 0], [0.9, 0.9, 0], [0.2, 0.4, 0], [0.3, 0, 0.5]],
        listed=[[5, 5, 5], [12, 9, 6], [12.5, 4, 5], [11.25, 9.5, 6.25]],
        cost_to_serve=[[9, 9, 9], [9, 9, 9], [1, 0.75, 0.25], [0, 2, 1]],
        elevation_cost=[0.0, 7.0, 0.5, 1.0],
        handover_cost=[0.0, 7.0, 0.25, 0.5],
        missed=[False, True, True, False],
        rebuilt=[False, True, False, True],
    )


def test_growth_is_that_of_the_accounts_that_are_key_in_the_year() -> None:
    found = outcomes_of(window(), 2)["key_revenue_growth"]
    assert found == pytest.approx((math.log(16 / 16) + math.log(17 / 17)) / 2, abs=1e-15)
    grown = window()
    grown.accounts["spend"][3] = [22, 9, 12]
    assert outcomes_of(grown, 2)["key_revenue_growth"] == pytest.approx(math.log(34 / 17) / 2, rel=1e-12)


def test_profit_is_margin_on_list_price_less_all_that_is_spent_from_the_launch_on() -> None:
    # Year 1: 27 x .4 - 7 - 27 - 18 - 14; year 2: 21.5 x .4 - .5 - 2 - 3 - .75; year 3: 27 x .4 - 1 - 3 - 11 - 1.5.
    expected = {1: -55.2, 2: 2.35, 3: -5.7}
    for first_year in (1, 2, 3):
        found = outcomes_of(window(), first_year)["total_profit"]
        assert found == pytest.approx(sum(expected.values()), rel=1e-12)  # warm-up counts, whatever is observed
    assert outcomes_of(window(), 3, launch=3)["total_profit"] == pytest.approx(-5.7 - 0.75, rel=1e-12)


def test_the_account_of_profit_has_every_term_by_itself() -> None:
    account = account_of(window(), 0.4, 1, 0.0)
    assert account.sales == pytest.approx(27 + 21.5 + 27, rel=1e-12)
    assert account.volume == pytest.approx(0.4 * account.sales, rel=1e-12)
    assert (account.concessions, account.cost_to_serve, account.service) == (-8.5, -32.0, -32.0)
    assert (account.elevations, account.handovers) == (-8.5, -7.75)
    assert account.in_shrinking == 5.0


def test_money_of_later_years_counts_less_by_the_discount() -> None:
    plain, half = (outcomes_of(window(), 2, discount=rate) for rate in (0.0, 1.0))
    assert half["total_profit"] == pytest.approx(-55.2 + 2.35 / 2 - 5.7 / 4, rel=1e-12)
    assert half["investment_in_shrinking"] == pytest.approx(2 / 2 + 3 / 4, rel=1e-12)
    money = {"total_profit", "investment_in_shrinking", "program_spend", "price_concessions"}
    told = {name for name, value in plain.items() if not math.isnan(value)}
    assert {name for name in told if plain[name] != half[name]} == money


def test_what_is_spent_at_the_end_of_the_year_before_the_launch_is_spent_on_it() -> None:
    launched = window()
    launched.years["elevation_cost"][:2] = [50.0, 7.0]
    assert account_of(launched, 0.4, 1, 1.0).elevations == pytest.approx(-(50 + 7 + 0.5 / 2 + 1 / 4), rel=1e-12)
    assert account_of(launched, 0.4, 2, 1.0).elevations == pytest.approx(-(7 + 0.5 + 1 / 2), rel=1e-12)


def test_elevations_at_launch_are_those_of_the_year_before_it_alone_and_change_no_term() -> None:
    launched, without = window(), window()
    launched.years["elevation_cost"] = [50.0, 7.0, 0.0, 0.0]
    without.years["elevation_cost"] = [0.0, 7.0, 0.0, 0.0]
    for discount, launch, at_launch, all_of_them in (
        (0.0, 1, -50.0, -57.0),
        (1.0, 1, -50.0, -57.0),
        (1.0, 2, -7.0, -7.0),
        (1.0, 3, 0.0, 0.0),
    ):
        account = account_of(launched, 0.4, launch, discount)
        assert (account.elevations_at_launch, account.elevations) == (at_launch, all_of_them)
    one, other = (account_of(history, 0.4, 1, 0.0) for history in (launched, without))
    assert (other.elevations_at_launch, other.elevations) == (0.0, -7.0)
    assert profit_of(other, 0.4) - profit_of(one, 0.4) == pytest.approx(50.0, rel=1e-12)  # counted once


def test_accounts_that_are_no_customers_count_for_nothing() -> None:
    """Another slot, that of an account which comes in the last year and one that left before the window."""
    with_others, before = window(), window()
    more = empty_history(4, 5, 3)
    for field in ("spend", "listed", "tier", "kam", "investment", "collaboration", "cost_to_serve"):
        more.accounts[field][:, :3] = before.accounts[field]
    more.accounts["tier"][:, 3:] = more.accounts["kam"][:, 3:] = -1
    more.accounts["tier"][0, 4] = 1
    more.accounts["spend"][0, 4] = more.accounts["listed"][0, 4] = 50.0
    more.years[:] = with_others.years
    assert outcomes_of(more, 2) == pytest.approx(outcomes_of(before, 2), rel=1e-15, nan_ok=True)


def test_misses_and_rebuilds_are_those_of_the_window() -> None:
    found = outcomes_of(window(), 2)
    assert found["quota_miss_rate"] == 0.5
    assert found["rebuilds_per_seven_years"] == 3.5
    assert outcomes_of(window(), 1)["quota_miss_rate"] == pytest.approx(2 / 3)


def test_collaboration_is_the_mean_over_key_accounts_and_years() -> None:
    assert outcomes_of(window(), 2)["collaboration"] == pytest.approx((0.2 + 0.4 + 0.3 + 0.5) / 4, rel=1e-12)


def test_investment_in_accounts_that_shrank_is_that_of_key_accounts_that_spent_less_than_the_year_before() -> None:
    # Account 1 shrank in year 2 (2 invested), account 0 in year 3 (3 invested).
    assert outcomes_of(window(), 2)["investment_in_shrinking"] == 5.0


def test_where_nobody_is_key_there_is_profit_and_nothing_else_to_tell() -> None:
    spend: list[list[float]] = [[1, 2], [2, 3], [3, 5]]
    found = outcomes_of(history_of(spend, [[0, 0]] * 3, listed=spend), 1)
    assert found["total_profit"] == pytest.approx(0.4 * 13, rel=1e-12)
    of_all_sales = {"top_1_share", "top_10_share", "concentration", "program_spend", "price_concessions"}
    assert {name for name, value in found.items() if math.isnan(value)} == set(found) - {"total_profit", *of_all_sales}
    assert {measure.name for measure in MEASURES if measure.needs_program} == {
        name for name, value in found.items() if math.isnan(value)
    }


def test_measures_count_every_year_and_small_money_too() -> None:
    happened = {"missed": [0, 1, 1, 1], "rebuilt": [0, 1, 1, 0], "collaboration": [[0], [0.1], [0.2], [0.6]]}
    spend, invested = [[0.1], [0.2], [0.4], [0.4]], [[0], [3], [4], [5]]
    history = history_of(spend, [[0], [1], [1], [1]], investment=invested, **happened)
    found = outcomes_of(history, 1)
    assert found["key_revenue_growth"] == pytest.approx(2 * math.log(2) / 3, rel=1e-12)
    assert (found["quota_miss_rate"], found["rebuilds_per_seven_years"]) == (1.0, 14 / 3)
    assert found["collaboration"] == pytest.approx(0.3, rel=1e-12)
    assert found["investment_in_shrinking"] == 0.0  # to spend the same is not to shrink
    alone = outcomes_of(history, 3)
    assert (alone["key_revenue_growth"], alone["quota_miss_rate"], alone["rebuilds_per_seven_years"]) == (0.0, 1.0, 0.0)
    assert alone["collaboration"] == 0.6


def of_program() -> History:
    """The program of `window`, with lists, quotas, risks, and an account that leaves in year 2."""
    history = window()
    history.accounts["listed"] = 1.25 * history.accounts["spend"]
    history.accounts["risk"] = np.where(history.accounts["tier"] > 0, 0.25, 0.0)
    history.accounts["risk"][2, 1] = 1.0
    history.accounts["tier"][3, 1], history.accounts["spend"][3, 1] = -1, 0.0
    history.years["key_revenue"], history.years["quota"] = [0, 16, 16, 17], [0, 20, 20, 16]
    return history


def test_retention_and_churn_are_of_the_accounts_that_were_key_the_year_before() -> None:
    found = outcomes_of(of_program(), 2)
    # Year 2: 12 of 10 and 4 of 6. Year 3: 11 of 12, and nothing of 4, for that account left in year 2.
    assert found["net_revenue_retention"] == pytest.approx((16 / 16 + 11 / 16) / 2, rel=1e-12)
    assert found["gross_revenue_retention"] == pytest.approx((14 / 16 + 11 / 16) / 2, rel=1e-12)
    assert found["key_churn"] == pytest.approx((1 / 2 + 0 / 1) / 2, rel=1e-12)
    assert found["key_churn_by_spend"] == pytest.approx((6 / 16 + 0) / 2, rel=1e-12)


def test_share_of_wallet_is_of_what_key_accounts_buy_from_anybody() -> None:
    found = outcomes_of(of_program(), 2)
    assert found["key_share_of_wallet"] == pytest.approx(1.25 * (16 / 8 + 17 / 8) / 2, rel=1e-12)
    # Accounts 0 and 1 were elevated at 5, account 2 at 5 of the year before it became key.
    assert found["key_share_gained"] == pytest.approx(1.25 * ((16 - 10) / 8 + (17 - 10) / 8) / 2, rel=1e-12)


def test_concentration_is_of_all_sales_and_risk_of_key_accounts() -> None:
    found = outcomes_of(of_program(), 2)
    assert found["top_1_share"] == pytest.approx((12 / 21 + 11 / 17) / 2, rel=1e-12)
    assert found["top_10_share"] == 1.0
    squares = (12**2 + 4**2 + 5**2) / 21**2, (11**2 + 6**2) / 17**2
    assert found["concentration"] == pytest.approx(sum(squares) / 2, rel=1e-12)
    assert found["revenue_at_risk"] == pytest.approx(0.25 * (12 + 17) / 2, rel=1e-12)  # nothing of who has left
    many = history_of([[*range(1, 13)]] * 2, [[0] * 12] * 2)
    assert outcomes_of(many, 1)["top_10_share"] == pytest.approx(sum(range(3, 13)) / sum(range(1, 13)), rel=1e-12)
    last_first = history_of([[*range(12, 0, -1)]] * 2, [[0] * 12] * 2)
    assert outcomes_of(last_first, 1)["top_10_share"] == outcomes_of(many, 1)["top_10_share"]


def test_a_forecast_is_the_quota_and_a_year_without_one_has_none() -> None:
    found = outcomes_of(of_program(), 2)
    assert found["forecast_bias"] == pytest.approx((-0.2 + 1 / 16) / 2, rel=1e-12)
    assert found["forecast_error"] == pytest.approx((0.2 + 1 / 16) / 2, rel=1e-12)
    without = of_program()
    without.years["quota"] = [0, 20, 0, 16]
    assert outcomes_of(without, 2)["forecast_bias"] == pytest.approx(1 / 16, rel=1e-12)


def test_service_to_key_accounts_that_lose_money_is_told_of_all_service() -> None:
    # Contributions in year 2: 15 x .4 - 3 - 1 - 1 = 1 and 5 x .4 - 1 - .75 - 2 < 0; account 1 has 2 of 3. In year 3:
    # 13.75 x .4 - 2.75 - 0 - 3 < 0 and 7.5 x .4 - 1.5 - 1 - 8 < 0, all 11 of it.
    assert outcomes_of(of_program(), 2)["overinvestment"] == pytest.approx((2 / 3 + 1) / 2, rel=1e-12)


def test_growth_over_others_leaves_out_who_came_last_year_and_is_held_against_the_premium() -> None:
    found = outcomes_of(of_program(), 2)
    # Account 2 is the only other one in year 2, and in year 3 nobody is.
    assert found["growth_over_others"] == pytest.approx(math.log(16 / 16) - math.log(5 / 4), rel=1e-12)
    assert found["expectation_gap"] == pytest.approx(found["growth_over_others"] - 0.05, rel=1e-12)
    history, margin = history_of([[4, 4, 1, 1]] * 2 + [[6, 4, 2, 9]], [[0, 0, 0, 0]] + [[1, 0, 0, 0]] * 2), 0.4
    world = world_of(history)
    world.first, world.newcomers = 2, 1  # accounts 2 and 3 came in years 0 and 1
    told = outcomes(history, account_of(history, margin, 1, 0.0), world, margin, 1, 2)
    assert told.growth_over_others == pytest.approx(math.log(6 / 4) - math.log((4 + 2) / (4 + 1)), rel=1e-12)


def test_an_elevation_is_a_hit_if_three_years_are_above_the_year_of_it() -> None:
    history = history_of(
        spend=[[5, 5, 5, 5], [5, 4, 5, 5], [6, 4, 9, 5], [6, 9, 9, 5], [6, 0, 9, 5]],
        tier=[[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0]],
        investment=[[0, 0, 0, 0], [1, 0, 0, 0], [2, 10, 0, 0], [4, 20, 100, 0], [8, 40, 100, 0]],
        elevation_cost=[0.5, 0.25, 7.0, 0.0, 0.0],
    )
    found = outcomes_of(history, 3)
    # Accounts 0 (17 in three years of 15) and 1 (13 of 12); nobody knows yet of account 2.
    assert found["elevation_hit_rate"] == 1.0
    assert found["cost_per_hit"] == pytest.approx((0.5 + 0.25 + 1 + 2 + 4 + 10 + 20 + 40) / 2, rel=1e-12)
    history.accounts["spend"][3, 1] = 8.0  # the same as before is no growth
    found = outcomes_of(history, 3)
    assert found["elevation_hit_rate"] == 0.5
    assert found["cost_per_hit"] == pytest.approx(77.75, rel=1e-12)


# ---------------------------------------------------------------- the survey


def test_years_misses_and_rebuilds_are_counted_in_the_window() -> None:
    happened = {"missed": [1, 1, 0, 1, 0, 1], "rebuilt": [1, 0, 0, 1, 0, 1]}
    history = history_of([[1, 1]] * 6, [[0, 0]] * 6, quota=[0, 0, 9, 9, 9, 9], **happened)
    found = answers_of(history, 2, 3)
    assert [found[name] for name in ANSWERS[:3]] == [3, 2, 2]


def test_a_quota_below_a_median_wallet_is_a_quota() -> None:
    found = answers_of(history_of([[1, 1]] * 6, [[0, 0]] * 6, quota=[0, 0, 0, 0.5, 0.5, 0.5]), 2, 3)
    assert found[ANSWERS[0]] == 3


def test_accounts_behind_a_key_account_are_looked_at_too() -> None:
    tier = [[0, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]]
    found = answers_of(history_of([[1, 2, 3]] * 6, tier), 1, 2)
    assert found["pairs"] == 2 * 2  # pairs of whole years of the two accounts that are never key
    elevated, others = found["elevated"], found["not_elevated"]
    assert (elevated, others) == (1, 2 * 3)


def test_an_organization_without_a_quota_is_not_asked_whether_it_missed_it() -> None:
    found = answers_of(history_of([[1, 1]] * 6, [[0, 0]] * 6), 2, 3)
    assert [found[name] for name in ANSWERS[:3]] == [0, 0, 0]


def test_an_account_grew_if_its_next_three_years_are_above_the_year_of_its_elevation() -> None:
    history = history_of(
        # Elevated at the end of year 1: account 0 grows (mean 11), account 1 does not (mean exactly 10).
        spend=[[9, 9, 9, 9], [10, 10, 1, 5], [8, 9, 1, 1], [8, 10, 1, 1], [17, 11, 2, 1]],
        tier=[[0, 0, 0, 0], [0, 0, 0, 0], [1, 2, 0, 0], [1, 1, 0, 0], [0, 1, 0, 1]],
    )
    found = answers_of(history, 2, 2)
    assert found["elevated"] == 2
    assert found["elevated_that_grew"] == 1
    # Accounts 2 and 3 are not elevated at the end of year 1; only 2 grows.
    assert found["not_elevated"] == 2
    assert found["not_elevated_that_grew"] == 1


def test_later_elevations_count_as_long_as_three_years_follow() -> None:
    spend = [[5, 5]] * 2 + [[5, 4], [6, 4], [6, 4], [6, 4], [6, 4]]
    tier = [[0, 0], [0, 0], [0, 1], [1, 1], [1, 1], [1, 1], [1, 1]]
    found = answers_of(history_of(spend, tier), 2, 3)
    # Year 1: account 1 elevated, falls; account 0 is not, and grows. Year 2: 0 is elevated, grows; 1 is key already.
    assert [found[name] for name in ("elevated", "elevated_that_grew")] == [2, 1]
    assert [found[name] for name in ("not_elevated", "not_elevated_that_grew")] == [1, 1]


def test_growth_is_counted_by_how_much_and_by_whether_an_account_is_ever_elevated() -> None:
    # Three years after a year of 10 with a mean of 10, 10.5, 11.5, 12.5, 13.5: first elevated, then passed over (the
    # last of these becomes key when nobody is asked any more), then three never key.
    after = [10.0, 10.5, 11.5, 12.5, 13.5] * 2 + [9.0, 12.5, 13.5]
    spend = [[10.0] * 13, *[after] * 3]
    tier = np.zeros((4, 13), dtype=int)
    tier[1:, :5] = 1
    tier[3, 5:10] = 1
    found = answers_of(history_of(spend, tier.tolist()), 1, 1)

    def told(kind: str) -> list[float]:
        return [found[name] for name in (kind, *(f"{kind}_that_grew{more}" for more in ("", "_10", "_20", "_30")))]

    assert told("elevated") == [5, 4, 3, 2, 1]
    assert told("not_elevated") == [8, 6, 5, 4, 2]
    assert told("never_elevated") == [3, 2, 2, 2, 1]


def test_accounts_that_are_no_customers_are_not_asked_about() -> None:
    tier = [[-1, 0, -1], [0, 0, -1], [1, -1, 1], [1, -1, 1], [1, -1, 1]]
    found = answers_of(history_of([[0, 5, 0], [5, 5, 0], [6, 0, 1], [6, 0, 1], [6, 0, 1]], tier), 1, 1)
    # Year 0: account 1. Year 1: account 0, which is elevated, and account 1, which leaves.
    assert [found[name] for name in ("elevated", "elevated_that_grew", "elevated_that_grew_30")] == [1, 1, 0]
    assert [found[name] for name in ("not_elevated", "never_elevated", "never_elevated_that_grew")] == [2, 2, 0]


def test_too_short_a_history_says_nothing_of_growth() -> None:
    found = answers_of(history_of([[1, 1]] * 4, [[0, 0]] * 4), 2, 3)
    assert found["elevated"] == found["not_elevated"] == found["pairs"] == 0


def test_moments_of_log_spend_are_those_of_accounts_never_key_in_the_window() -> None:
    never = -math.inf
    logs = [
        [9, 9, 9, never, 9, 9],
        [1, 2, 3, 8, 7, 6],
        [2, 4, 5, 8, 8, never],
        [3, 1, 0, 8, 8, 6],
        [7, 7, 7, 7, never, 6],
    ]
    spend = [[math.exp(value) for value in row] for row in logs]
    # Account 3 comes in the first year of the window, account 4 leaves in its third, account 5 buys nothing in one.
    tier = [[0, 1, 0, -1, 0, 0], [0] * 6, [0] * 6, [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, -1, 0]]
    found = answers_of(history_of(spend, tier), 1, 1)
    # Ordinary are accounts 0 (1, 2, 3) and 1 (2, 4, 1); in the last year they may have left.
    before, after = [1, 2, 2, 4], [2, 3, 4, 1]
    assert found["pairs"] == 4
    assert found["sum_before"] == pytest.approx(sum(before))
    assert found["sum_after"] == pytest.approx(sum(after))
    assert found["sum_before_squared"] == pytest.approx(sum(x * x for x in before))
    assert found["sum_after_squared"] == pytest.approx(sum(x * x for x in after))
    assert found["sum_product"] == pytest.approx(sum(x * y for x, y in zip(before, after, strict=True)))


def test_managers_report_their_last_year_with_noise() -> None:
    history = history_of(
        spend=[[99, 99, 99, 99], [4, 6, 8, 50]],
        tier=[[1, 1, 1, 1], [1, 2, 1, 0]],
        collaboration=[[0.9] * 4, [0.2, 0.4, 0.7, 0.0]],
        kam=[[0, 0, 0, 0], [2, 2, 0, -1]],
    )
    draw = np.array([[9.0, 9.0, 9.0], [1.0, 9.0, -2.0]])
    report, spend = np.zeros(3), np.zeros(3)
    kam_reports(history, draw, PARAMETERS, report, spend)
    np.testing.assert_allclose(report, [0.7 + 0.1, np.nan, 0.3 - 0.2], rtol=1e-12)
    np.testing.assert_allclose(spend, [8.0, np.nan, 5.0], rtol=1e-12)
