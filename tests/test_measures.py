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


def outcomes_of(history: History, first_year: int, launch: int = 1, discount: float = 0.0) -> dict[str, float]:
    margin = PARAMETERS.gross_margin
    found = outcomes(history, account_of(history, margin, launch, discount), margin, first_year)
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
    money = {"total_profit", "investment_in_shrinking"}
    assert {name for name in plain if plain[name] != half[name]} == money


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
    assert outcomes_of(more, 2) == outcomes_of(before, 2)


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
    assert {name for name, value in found.items() if math.isnan(value)} == set(found) - {"total_profit"}
    assert {measure.name for measure in MEASURES if measure.needs_program} == set(found) - {"total_profit"}


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
