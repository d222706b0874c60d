"""What validation sees of key accounts beside others: each measure on planted histories with known answers."""

import math
from typing import Any

import numpy as np
import pytest
from conftest import small

from kamsim.experiments.twins import histories_of
from kamsim.measures.profit import account_of, profit_of
from kamsim.model.plan import History, Trace, empty_history, empty_trace
from kamsim.studies.validate_key import gain_of_programs, margin_gaps, service_used, trust_gap, whale_curve
from kamsim.studies.validate_twins import look_at, trace_of, twins_of
from kamsim.world.world import World

KEY, OTHER, GONE = 1, 0, -1


def history_of(tiers: Any, **columns: Any) -> History:
    """History with these tiers by year and account, and these columns."""
    tier = np.array(tiers)
    history = empty_history(*tier.shape, 2)
    history.accounts["tier"] = tier
    for name, values in columns.items():
        history.accounts[name] = values
    return history


# ---------------------------------------------------------------- trust


def test_the_trust_gap_is_told_in_standard_deviations_within_both() -> None:
    tiers = [[KEY, KEY, OTHER, OTHER, GONE]] * 2
    trust = [[0.0, 0.0, 0.0, 0.0, 0.0], [0.6, 0.8, 0.4, 0.6, 0.0]]
    # Means .7 and .5; deviations of .1 four times, with two degrees of freedom: a standard deviation of .1 x 2 ** .5.
    assert trust_gap(history_of(tiers, trust=trust), 1) == pytest.approx(0.2 / (0.1 * math.sqrt(2)))


def test_the_trust_gap_is_a_mean_of_years_that_have_two_of_each() -> None:
    tiers = [[KEY, KEY, OTHER, OTHER], [KEY, OTHER, OTHER, OTHER], [KEY, KEY, OTHER, OTHER]]
    trust = [[0.6, 0.8, 0.4, 0.6], [9.0, 0.8, 0.4, 0.6], [0.4, 0.6, 0.4, 0.6]]
    assert trust_gap(history_of(tiers, trust=trust), 0) == pytest.approx(0.2 / (0.1 * math.sqrt(2)) / 2)
    assert math.isnan(trust_gap(history_of(tiers[1:2], trust=trust[1:2]), 0))
    assert math.isnan(trust_gap(history_of(tiers[:1], trust=0.5), 0))  # without any spread


def test_a_trust_gap_is_the_same_on_another_scale() -> None:
    trust = np.random.default_rng(1).uniform(size=(3, 8))
    tiers = [[KEY] * 3 + [OTHER] * 5] * 3
    found = trust_gap(history_of(tiers, trust=trust), 0)
    assert trust_gap(history_of(tiers, trust=7.0 + 3.0 * trust), 0) == pytest.approx(found)


# ---------------------------------------------------------------- margins


def test_margin_gaps_are_what_is_spent_more_of_a_sale_at_list_price() -> None:
    history = history_of(
        [[KEY] * 3, [KEY, OTHER, GONE]],
        listed=[[1.0] * 3, [10.0, 20.0, 5.0]],
        spend=[[1.0] * 3, [9.0, 19.0, 0.0]],
        cost_to_serve=[[9.0] * 3, [1.0, 4.0, 9.0]],
        investment=[[9.0] * 3, [0.5, 0.0, 9.0]],
    )
    # Concessions 10 and 5 %, own cost 10 and 20 %, service 5 and 0 %.
    assert margin_gaps(history, 1) == pytest.approx([0.05, -0.05, 0.0])
    assert np.isnan(margin_gaps(history, 0)[:1]).sum() == 0
    assert np.isnan(margin_gaps(history_of([[OTHER, OTHER]], listed=1.0), 0)).all()


# ---------------------------------------------------------------- the whale curve


def test_the_peak_of_the_whale_curve_is_the_profit_of_those_that_earn_any() -> None:
    listed = [[9.0] * 4, [10.0, 10.0, 10.0, 0.0], [10.0, 1.0, 0.0, 0.0]]
    own_cost = [[9.0] * 4, [1.0, 2.0, 6.0, 0.0], [9.0, 0.1, 0.0, 0.0]]
    history = history_of(np.ones((3, 4), dtype=int), listed=listed, spend=listed, cost_to_serve=own_cost)
    # At a margin of .5 accounts earn 4, 3 and -1; in the third year all lose together, which is no curve.
    assert whale_curve(history, 0.5, 1).tolist() == [7.0, 6.0]
    assert whale_curve(history, 0.5, 2).tolist() == [0.0, 0.0]
    earned = np.sort([4.0, 3.0, -1.0, 0.0])[::-1].cumsum()
    assert whale_curve(history, 0.5, 1)[0] == earned.max()


def test_concessions_and_service_are_in_what_an_account_earns() -> None:
    history = history_of([[KEY, OTHER]], listed=10.0, spend=[[8.0, 10.0]], investment=[[4.0, 0.0]])
    assert whale_curve(history, 0.5, 0).tolist() == [5.0, 4.0]


# ---------------------------------------------------------------- service


def planted_service(hours: Any, kams: Any) -> tuple[Trace, World, Any]:
    """Trace of a year of key accounts with these hours over those that customers welcome, in all quarters alike."""
    job = twins_of(small("population", need_exponent=0.0))[0]
    world, _ = histories_of([job], 1, 0)
    trace = empty_trace(4, len(world.accounts), len(world.skill), len(world.alignment))
    count = len(hours)
    welcome = job.parameters.will_base + job.parameters.will_slope * world.accounts["will"][:count]
    trace.accounts["tier"][:, :count] = KEY
    trace.accounts["kam"][:, :count] = kams
    trace.accounts["hours"][:, :count] = welcome * np.array(hours)
    return trace, world, job.parameters


def test_service_is_used_by_whoever_welcomes_all_hours_planned() -> None:
    trace, world, parameters = planted_service([0.5, 1.0, 1.01, 3.0, 0.9], [0, 0, 1, 1, 2])
    used, kams = service_used(trace, world, parameters, 0)
    assert used.tolist() == [4 * 3, 4 * 5]
    assert kams.tolist() == [4 * 2, 4 * 3]  # all accounts of the first and of the third use all of it
    trace.accounts["tier"][:, 2] = OTHER
    trace.accounts["hours"][:2, 3] = 0.0  # nothing was planned
    used, kams = service_used(trace, world, parameters, 0)
    assert used.tolist() == [4 * 3, 4 * 4 - 2]
    assert kams.tolist() == [4 * 2, 4 * 3 - 2]
    assert service_used(trace, world, parameters, 1)[0].tolist() == [0.0, 0.0]


def test_need_grows_with_the_wallet_as_the_rule_says() -> None:
    job = twins_of(small("population", need_exponent=0.4))[0]
    world, _ = histories_of([job], 2, 0)
    trace = empty_trace(4, len(world.accounts), len(world.skill), len(world.alignment))
    trace.accounts["tier"][:, :20] = KEY
    need = (4.0 * world.quarters["wallet"][:4, :20]) ** 0.4
    welcome = need * (job.parameters.will_base + job.parameters.will_slope * world.accounts["will"][:20])
    trace.accounts["hours"][:, :20] = welcome * np.where(np.arange(20) % 2, 1.0 + 1e-8, 1.0)
    assert service_used(trace, world, job.parameters, 0)[0].tolist() == [40.0, 80.0]


def test_where_customers_know_their_will_all_hours_agreed_on_are_used() -> None:
    scenario = small("bilateral_boundaries", will_noise=0.0)
    job = twins_of(scenario)[0]
    world, _ = histories_of([job], 3, 0)
    used, kams = service_used(trace_of(world, job), world, job.parameters, 3)
    assert used[0] == used[1] > 0
    assert kams[0] == kams[1] > 0


# ---------------------------------------------------------------- profit


@pytest.mark.parametrize("discount", [0.0, 0.1])
def test_the_gain_of_programs_is_the_difference_of_total_profits(discount: float) -> None:
    jobs = twins_of(small("status_quo"))
    for organization in range(3):
        _, histories = histories_of(jobs, 4, organization)
        itself, nobody = histories[0], histories[2]
        account, none = (account_of(history, 0.45, 2, discount) for history in (itself, nobody))
        gain, sales = gain_of_programs(itself, nobody, 0.45, 2, discount)
        assert gain == pytest.approx(profit_of(account, 0.45) - profit_of(none, 0.45), rel=1e-9)
        assert sales == pytest.approx(none.sales)
        assert account.elevations < 0


def test_an_organization_is_seen_with_its_own_margin_and_timeline() -> None:
    jobs = twins_of(small("status_quo", gross_margin=0.3))
    world, histories = histories_of(jobs, 5, 0)
    seen = look_at(world, jobs[0], histories)
    assert seen.gain.tolist() == gain_of_programs(histories[0], histories[2], 0.3, 2, 0.0).tolist()
    assert seen.whale.tolist() == whale_curve(histories[0], 0.3, 3).tolist()
    assert seen.trust_gap == trust_gap(histories[0], 3)
    assert seen.service_used[1] > 0
