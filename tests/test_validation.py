"""Validation: each measure on planted histories with known answers, verdicts both ways, real books and the command."""

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from conftest import small
from scipy import stats

import kamsim
from kamsim.analysis.intervals import Estimate, interval, mean_of, pooled
from kamsim.books.book import read_book, yearly_spend
from kamsim.books.history import YearlySpend, by_year
from kamsim.books.moments import (
    decile_table,
    deciles_of,
    gini,
    moments_of,
    rank_rule_miss,
    top_share,
    year_to_year,
)
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.evidence.published import SURVEY_SAMPLE
from kamsim.evidence.real_books import BOOKS, DECILES, MOMENTS
from kamsim.experiments.twins import histories_of
from kamsim.model.plan import History, empty_history
from kamsim.report.terminal import text_of
from kamsim.report.validation import validation_table
from kamsim.scenario import load_scenario
from kamsim.studies.survey import survey
from kamsim.studies.validate import validate
from kamsim.studies.validate_checks import (
    KNOWN,
    Check,
    decile_check,
    demoted_below,
    demotion_against_promotion,
    departure_cost,
    known_deciles,
    known_range,
    margin_gap,
    own_book_checks,
    programs_pay,
    rank_rule,
    rebuilt_once,
    service_used,
    top_share_check,
    trust_gap,
    whale_peak,
    within,
)
from kamsim.studies.validate_twins import (
    Seen,
    Twins,
    demotion_effects,
    demotions_against_none,
    departure_costs,
    promotion_effects,
    seen_in,
    trace_of,
    twins_of,
)
from kamsim.world.parameters import Timeline

DATA = Path(os.environ.get("KAMSIM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
FILES = {"iowa": "iowa_liquor_quarterly.csv", "online_retail": "online_retail2_quarterly.csv"}
USES = {
    "rank_rule_miss": "held back",
    "steady_growth": "checked",
    "trust_gap": "checked",
    "margin_gap": "checked",
    "whale_peak": "checked",
    "service_used": "checked",
    "demotion_against_promotion": "checked",
    "demoted_below": "checked",
    "retention": "fitted",
    "growth": "fitted",
    "top_share": "fitted",
    "departure_cost": "fitted",
    "rebuilt_once": "fitted",
    "programs_pay": "fitted",
}
PATTERNS = list(USES)
TIMELINE = {"history_years": 2, "warmup_years": 1, "window_years": 5}


def history_of(tiers: Any, spend: Any = 1.0, kams: int = 2) -> History:
    """History with these tiers and spend by year and account; every key account has KAM 0."""
    tier = np.array(tiers)
    history = empty_history(*tier.shape, kams)
    history.accounts["tier"] = tier
    history.accounts["spend"] = spend
    history.accounts["kam"] = np.where(tier > 0, 0, -1)
    return history


def real_books() -> Iterator[tuple[str, YearlySpend]]:
    for book, file in FILES.items():
        if not (DATA / file).exists():
            pytest.skip(f"the real book {file} is not here; set KAMSIM_DATA to the folder that holds it")
        yield book, yearly_spend(read_book(DATA / file))


# ---------------------------------------------------------------- moments of books


def test_gini_has_its_known_values() -> None:
    assert gini(np.array([3.0, 3.0, 3.0])) == pytest.approx(0.0, abs=1e-15)
    assert gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.75)
    spend = np.random.default_rng(1).lognormal(size=60)
    pairs = np.abs(spend[:, None] - spend).mean() / (2 * spend.mean())
    assert gini(spend) == pytest.approx(pairs, rel=1e-12)
    assert math.isnan(gini(np.zeros(3)))


def test_top_share_is_that_of_a_fifth_of_the_accounts() -> None:
    assert top_share(np.array([1.0, 1, 1, 1, 6, 1, 1, 1, 1, 6])) == pytest.approx(12 / 20)
    assert math.isnan(top_share(np.zeros(5)))


def test_rank_rule_misses_who_is_new_at_the_top() -> None:
    before = np.arange(10.0)
    assert rank_rule_miss(before, 7 * before) == 0.0
    assert rank_rule_miss(before, -before) == 1.0
    after = before.copy()
    after[0] = 100.0
    assert rank_rule_miss(before, after) == 0.5
    assert math.isnan(rank_rule_miss(np.array([]), np.array([])))


def test_years_are_compared_by_the_logs_of_those_that_bought_in_both() -> None:
    generator = np.random.default_rng(2)
    x = generator.normal(size=500)
    y = 0.8 * x + 0.4 * generator.normal(size=500)
    before, after = np.append(np.exp(x), [5.0, 0.0]), np.append(np.exp(y), [0.0, 5.0])
    found = year_to_year(before, after)
    assert found.correlation == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-9)
    assert found.slope == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-9)
    assert found.growth_sd == pytest.approx((y - x).std(), rel=1e-9)
    assert all(math.isnan(value) for value in year_to_year(before[:1], after[:1]))
    assert all(math.isnan(value) for value in year_to_year(np.ones(4), np.ones(4)))


def test_deciles_go_from_the_lowest_spend_and_leave_out_who_did_not_buy() -> None:
    before = np.append(np.arange(1.0, 21.0), 0.0)[::-1]
    after = before * np.exp(0.1)
    after[before == 1.0] = 0.0
    after[before == 20.0] *= np.exp(0.2)
    table = decile_table(before, after)
    assert table.retained.tolist() == [0.5] + 9 * [1.0]
    assert table.growth == pytest.approx([0.1] * 9 + [0.2])
    few = decile_table(np.ones(3), np.zeros(3))
    assert np.isnan(few.growth).all()
    assert np.isnan(few.retained).sum() == 7


def test_years_are_those_of_the_quarters_labels_unless_there_are_too_few() -> None:
    quarters = np.arange(1.0, 12.0)[None, :]
    from_third = by_year("book", quarters, 2010 * 4 + 2)
    assert from_third.spend.tolist() == [[3 + 4 + 5 + 6, 7 + 8 + 9 + 10]]
    counted_back = by_year("book", quarters[:, :9], 2010 * 4 + 2)
    assert counted_back.spend.tolist() == [[2 + 3 + 4 + 5, 6 + 7 + 8 + 9]]
    assert by_year("book", np.array([[1.0, 1, 0, 1, 1, 1, 1, 1]]), 8040).every_quarter.tolist() == [[False, True]]
    with pytest.raises(KamsimError, match="7 quarters are under two years"):
        by_year("book", quarters[:, :7], 8040)


def test_a_book_gives_a_moment_for_each_pair_of_years() -> None:
    generator = np.random.default_rng(3)
    quarters = generator.lognormal(size=(40, 16))
    quarters[:5, 4:] = 0.0
    quarters[5:9, 1] = 0.0
    book = by_year("book", quarters, 8040)
    moments = moments_of(book)
    assert {key: len(values) for key, values in moments.items() if key[0] == "regular"} == {
        ("regular", moment): number
        for moment, number in {
            **dict.fromkeys(["gini", "top_share", "log_sd", "retained", "rank_rule_miss", "slope", "growth_sd"], 3),
            **{"correlation_1": 3, "correlation_2": 2, "correlation_3": 1},
        }.items()
    }
    assert moments["all", "retained"][0] == 35 / 40
    assert moments["regular", "retained"][0] == 31 / 36
    assert moments["steady", "retained"][0] == 1.0
    assert moments["steady", "log_sd"][0] == pytest.approx(np.log(book.spend[9:, 0]).std())
    shapes = {table: rows.shape for table, rows in deciles_of(book).items()}
    assert shapes == dict.fromkeys(("retention", "growth", "steady_growth"), (3, 10))


def test_the_evidence_is_what_the_real_books_say() -> None:
    known = {(row.book, row.accounts, row.moment): (row.low, row.high) for row in MOMENTS}
    tables = {(row.book, row.table): (row.low, row.high) for row in DECILES}
    sizes = {row.book: (row.accounts, row.years) for row in BOOKS}
    for book, yearly in real_books():
        assert yearly.spend.shape == sizes.pop(book)
        for (accounts, moment), values in moments_of(yearly).items():
            assert known.pop((book, accounts, moment)) == pytest.approx((min(values), max(values)), abs=6e-5)
        for table, rows in deciles_of(yearly).items():
            low, high = tables.pop((book, table))
            assert low == pytest.approx(rows.min(axis=0), abs=6e-5)
            assert high == pytest.approx(rows.max(axis=0), abs=6e-5)
    assert (known, tables, sizes) == ({}, {}, {})


def test_the_range_of_the_evidence_is_over_both_books() -> None:
    rows = [row for row in MOMENTS if (row.accounts, row.moment) == ("regular", "rank_rule_miss")]
    assert {row.book for row in rows} == set(FILES)
    assert known_range("regular", "rank_rule_miss") == (min(r.low for r in rows), max(r.high for r in rows))
    low, high = known_deciles("growth")
    assert (low <= high).all()


# ---------------------------------------------------------------- planted histories

KEY, STANDARD, GONE = 1, 0, -1


def test_a_departure_costs_what_the_twin_sells_more_the_year_after() -> None:
    tiers = [[STANDARD, STANDARD], *[[KEY, STANDARD]] * 4]
    itself, twin = history_of(tiers), history_of(tiers)
    itself.departures[2, 0] = 1
    itself.accounts["spend"][3, 0] = 0.85
    assert departure_costs(itself, twin) == pytest.approx([0.15])
    # Only the first loss since the elevation counts, and not that of another KAM.
    itself.departures[3:, :] = 2
    assert departure_costs(itself, twin) == pytest.approx([0.15])
    other = history_of(tiers)
    other.departures[2, 1] = 1
    assert departure_costs(other, twin) == []
    # Whoever leaves in the last year has no year after.
    late = history_of(tiers)
    late.departures[4, 0] = 1
    assert departure_costs(late, twin) == []


def test_a_departure_counts_where_the_account_is_key_in_both_from_the_elevation_to_the_year_after() -> None:
    tiers = [[STANDARD], [KEY], [KEY], [KEY], [KEY]]
    itself = history_of(tiers)
    itself.departures[2, 0] = 1
    for year, counted in ((1, 0), (2, 0), (3, 0), (4, 1)):
        twin = history_of(tiers)
        twin.accounts["tier"][year, 0] = STANDARD
        assert len(departure_costs(itself, twin)) == counted
    itself.accounts["tier"][3, 0] = STANDARD
    assert departure_costs(itself, history_of(tiers)) == []


def test_a_customer_that_left_after_its_kam_is_a_cost_of_all_of_its_sales() -> None:
    tiers = [[STANDARD], [KEY], [KEY], [KEY], [KEY]]
    itself = history_of(tiers)
    itself.departures[2, 0] = 1
    itself.accounts["tier"][3:, 0], itself.accounts["spend"][3:, 0] = GONE, 0.0
    assert departure_costs(itself, history_of(tiers)) == [1.0]
    # Who would have left anyway is not compared.
    twin = history_of(tiers)
    twin.accounts["tier"][3:, 0], twin.accounts["spend"][3:, 0] = GONE, 0.0
    assert departure_costs(itself, twin) == []


def test_an_account_elevated_again_can_lose_a_kam_again() -> None:
    tiers = [[KEY], [KEY], [STANDARD], [KEY], [KEY], [KEY]]
    itself, twin = history_of(tiers, 0.5), history_of(tiers)
    itself.departures[:, 0] = 1
    assert departure_costs(itself, twin) == [0.5, 0.5]


def test_promotion_is_the_log_ratio_to_the_world_without_a_program() -> None:
    tiers = [[STANDARD] * 3] * 2 + [[KEY, STANDARD, 2]] * 3
    itself, nobody = history_of(tiers), history_of(np.zeros((5, 3), dtype=int))
    itself.accounts["spend"][2:, 0] = [1.0, 1.2, 1.4]
    itself.accounts["spend"][2:, 1] = 9.0
    assert promotion_effects(itself, nobody, 2) == pytest.approx([math.log(1.2), 0.0])
    itself.accounts["spend"][4, 0], itself.accounts["tier"][4, 0] = 0.0, GONE
    assert promotion_effects(itself, nobody, 2) == pytest.approx([math.log(2.2 / 3), 0.0])
    assert promotion_effects(itself, nobody, 3) == []


def test_demotion_is_the_log_ratio_to_the_twin_that_stays_key() -> None:
    tiers = [[KEY] * 3] * 2 + [[STANDARD, KEY, STANDARD]] * 3
    reviewed, twin = history_of(tiers), history_of(np.ones((5, 3), dtype=int))
    reviewed.accounts["spend"][2:, 0] = [0.7, 0.8, 0.9]
    reviewed.accounts["spend"][2:, 1] = 9.0
    assert demotion_effects(reviewed, twin) == pytest.approx([math.log(0.8), 0.0])
    twin.accounts["tier"][4, 2] = STANDARD
    assert demotion_effects(reviewed, twin) == pytest.approx([math.log(0.8)])
    twin.accounts["tier"][1, 0] = STANDARD
    assert demotion_effects(reviewed, twin) == []


def test_demotions_at_a_rebuild_later_ones_and_late_ones_do_not_count() -> None:
    twin = history_of(np.ones((8, 1), dtype=int))
    rebuilt = history_of([[KEY], *[[STANDARD]] * 7])
    rebuilt.years["rebuilt"][0] = True
    assert demotion_effects(rebuilt, twin) == []
    again = history_of([[KEY], [STANDARD], [KEY], [STANDARD], *[[STANDARD]] * 4])
    assert len(demotion_effects(again, twin)) == 1
    again.years["rebuilt"][0] = True
    assert demotion_effects(again, twin) == []
    late = history_of([*[[KEY]] * 5, *[[STANDARD]] * 3])
    assert len(demotion_effects(late, twin)) == 1
    later = history_of([*[[KEY]] * 6, *[[STANDARD]] * 2])
    assert demotion_effects(later, twin) == []
    left = history_of([[KEY], *[[GONE]] * 7])
    assert demotion_effects(left, twin) == []


def test_who_was_demoted_is_compared_with_itself_in_a_world_without_programs() -> None:
    tiers = [[KEY] * 3] * 2 + [[STANDARD, KEY, STANDARD]] * 3
    reviewed, nobody = history_of(tiers), history_of(np.zeros((5, 3), dtype=int))
    reviewed.accounts["listed"][2:, 0] = [0.6, 0.8, 1.0]
    reviewed.accounts["listed"][2:, 1:] = 9.0
    nobody.accounts["listed"] = 1.0
    assert demotions_against_none(reviewed, nobody) == pytest.approx([math.log(0.8), math.log(9.0)])
    # Whoever had left without a program as well is not compared.
    nobody.accounts["tier"][2, 2], nobody.accounts["listed"][2:, 2] = GONE, 0.0
    assert demotions_against_none(reviewed, nobody) == pytest.approx([math.log(0.8)])
    reviewed.years["rebuilt"][1] = True
    assert demotions_against_none(reviewed, nobody) == []


def planted_twins() -> Twins:
    """Ten accounts that grow alike for five years, after two of history."""
    tiers = np.zeros((7, 10), dtype=int)
    tiers[2:, 9] = KEY
    spend = np.arange(1.0, 11.0) * np.exp(0.1 * np.arange(7))[:, None]
    itself = history_of(tiers, spend)
    itself.years["rebuilt"][[2, 3, 5]] = True
    itself.years["quota"][2:] = 1.0
    itself.departures[3, 0] = 1
    nobody_elevated = history_of(np.zeros((7, 10), dtype=int), spend / 2)
    demoted = tiers.copy()
    demoted[4:, 9] = STANDARD
    twins = Twins(itself, history_of(tiers, spend * 1.25), nobody_elevated, history_of(demoted, spend), itself)
    for history in twins:
        history.accounts["listed"] = history.accounts["spend"]
    # The key account is conceded a quarter of its list price.
    itself.accounts["listed"][2:, 9] /= 0.75
    return twins


def planted_quarters() -> np.ndarray:
    """What the accounts of `planted_twins` spend, evenly by quarter."""
    return np.repeat(planted_twins().itself.accounts["spend"], 4, axis=0) / 4


def test_an_organization_is_seen_as_planted() -> None:
    seen = seen_in(planted_twins(), planted_quarters(), Timeline(2, 1, 4), 0.4, 0.0)
    assert seen.rebuilds == 2
    assert seen.top_share == pytest.approx(19 / 55)
    assert seen.rank_rule_miss.tolist() == [0.0] * 3
    assert seen.retention.tolist() == [1.0] * 10
    assert seen.growth == pytest.approx([0.1] * 10)
    assert seen.steady_growth == pytest.approx([0.1] * 10)
    assert seen.departure == pytest.approx([0.2, 1])
    assert seen.promotion == pytest.approx([math.log(2), 1])
    assert seen.demotion == pytest.approx([0.0, 1])
    assert seen.demoted_below == pytest.approx([math.log(2), 1])
    assert seen.margin_gap == pytest.approx([0.25, 0.25, 0.25])
    growth = np.exp(0.1 * np.arange(2, 7)).sum()
    conceded = 10.0 * growth / 3
    assert seen.gain == pytest.approx([0.4 * (55 / 2 * growth + conceded) - conceded, 55 / 2 * growth])
    assert math.isnan(seen.trust_gap)  # one key account has no spread


def test_a_window_of_one_year_has_no_pair() -> None:
    seen = seen_in(planted_twins(), planted_quarters(), Timeline(2, 4, 1), 0.4, 0.0)
    assert np.isnan(seen.rank_rule_miss).all()
    assert np.isnan(seen.growth).all()
    assert seen.top_share > 0


def test_customers_that_come_and_go_are_seen_as_a_real_book_shows_them() -> None:
    quarters = np.concatenate([planted_quarters(), np.zeros((28, 5))], axis=1)
    quarters[14:, 0] = 0.0  # the smallest leaves within the first year of the window,
    quarters[20:, 9] = 0.0  # the largest after its second
    quarters[17:, 10] = 9.0  # and one comes in the second
    quarters[13, 5] = 0.0
    seen = seen_in(planted_twins(), quarters, Timeline(2, 1, 4), 0.4, 0.0)
    years = quarters.reshape(7, 4, 15).sum(axis=1)
    assert seen.top_share == pytest.approx(years[3, [8, 9]].sum() / years[3].sum())
    told = [decile_table(years[year], years[year + 1]) for year in (3, 4, 5)]
    assert seen.retention == pytest.approx(np.nanmean([table.retained for table in told], axis=0))
    assert seen.retention[0] == pytest.approx(2 / 3)
    misses = [rank_rule_miss(years[year][years[year] > 0], years[year + 1][years[year] > 0]) for year in (3, 4, 5)]
    assert seen.rank_rule_miss[1] == pytest.approx(np.mean(misses))
    assert seen.rank_rule_miss[2] == 0.0  # of those that buy in all eight quarters
    steady = years[3:5, [1, 2, 3, 4, 6, 7, 8, 9]]
    assert np.isnan(decile_table(*steady).growth).sum() == 2  # eight accounts fill no ten deciles
    assert seen.steady_growth[:8] == pytest.approx([0.1] * 8)
    assert seen.steady_growth[8] == pytest.approx((0.1 + 0.1 + 0.0) / 3)  # the one that came buys evenly from then on


def test_what_is_seen_by_quarter_is_what_the_history_tells_by_year() -> None:
    job = twins_of(small("population", turnover=0.3))[0]
    for organization in range(3):
        world, (history,) = histories_of([job], 5, organization)
        quarters = trace_of(world, job).accounts["spend"]
        by_year = quarters.reshape(-1, 4, quarters.shape[1]).sum(axis=1)
        assert by_year == pytest.approx(history.accounts["spend"], rel=1e-12)
        assert not quarters.reshape(by_year.shape[0], 4, -1).any(axis=1)[history.accounts["tier"] < 0].any()


def test_twins_differ_from_the_scenario_in_one_thing_each() -> None:
    itself, nobody_leaves, nobody_elevated, reviewed, not_reviewed = twins_of(load_scenario("full_program"))
    assert nobody_leaves.parameters.turnover == 0.0 < itself.parameters.turnover
    assert nobody_elevated.policy.seats.tolist() == [0, 0, 0]
    assert nobody_elevated.budget == itself.budget
    assert (reviewed.policy.levers.retiering, not_reviewed.policy.levers.retiering) == (1.0, 0.0)
    assert not_reviewed.policy.levers.selection == itself.policy.levers.selection == 1.0
    mixed = twins_of(load_scenario("population"))
    assert [job.mix.retiering for job in mixed[3:]] == [1.0, 0.0]
    assert mixed[3].mix.selection == mixed[0].mix.selection
    by_spend = twins_of(load_scenario("spend_retiering"))
    assert [job.policy.levers.retier_by_spend for job in by_spend] == [True] * 3 + [False] * 2


# ---------------------------------------------------------------- intervals


def test_the_interval_of_a_mean_is_the_t_interval() -> None:
    values = np.random.default_rng(4).normal(size=12)
    estimate = mean_of(np.append(values, np.nan))
    expected = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert estimate.value == pytest.approx(values.mean())
    assert interval(estimate) == pytest.approx(expected)
    assert interval(mean_of(np.full(5, 0.3))) == pytest.approx((0.3, 0.3))
    assert all(math.isnan(end) for end in interval(mean_of(np.array([1.0]))))


def test_accounts_are_pooled_and_organizations_are_clusters() -> None:
    sums = np.array([[1.0, 2], [6.0, 3], [0.0, 0], [2.0, 5]])
    estimate = pooled(sums)
    assert estimate.value == 9 / 10
    assert estimate.organizations == 3
    assert estimate.influence.sum() == pytest.approx(0.0, abs=1e-15)
    assert math.isnan(pooled(np.zeros((3, 2))).value)
    # Twice the same organizations have about half the variance.
    one, two = interval(estimate), interval(pooled(np.tile(sums, (40, 1))))
    assert (two[1] - two[0]) / (one[1] - one[0]) < 1 / math.sqrt(40)


def test_the_interval_of_pooled_accounts_covers_the_truth() -> None:
    generator, covered = np.random.default_rng(5), 0
    for _ in range(400):
        counts = generator.integers(0, 6, size=60)
        sums = counts * (0.1 + generator.normal(size=60)) + np.sqrt(counts) * generator.normal(size=60)
        low, high = interval(pooled(np.stack([sums, counts], axis=1)))
        covered += low <= 0.1 <= high
    assert 0.91 <= covered / 400 <= 0.985


# ---------------------------------------------------------------- verdicts


def checked(validation: kamsim.Validation, name: str) -> Check:
    return next(check for check in validation.checks if check.name == name)


def organizations_of(mean: float) -> np.ndarray:
    """Sums of organizations with three accounts each, whose mean is planted."""
    sums = np.full((8, 2), 3.0)
    sums[:, 0] = 3 * (mean + 0.01 * np.array([-1, 1] * 4))
    return sums


@pytest.mark.parametrize(
    ("value", "low", "high", "verdict"),
    [
        (0.5, 0.4, 0.6, "pass"),
        (0.4, 0.4, 0.6, "pass"),
        (0.39, 0.4, 0.6, "miss"),
        (0.61, 0.4, 0.6, "miss"),
        (math.nan, 0.4, 0.6, "unknown"),
        (0.5, math.nan, 0.6, "unknown"),
    ],
)
def test_a_figure_passes_inside_its_range(value: float, low: float, high: float, verdict: str) -> None:
    assert within(value, low, high) == verdict


def test_a_range_without_a_bound_is_open_where_it_ends() -> None:
    assert [within(value, 0.0, math.inf) for value in (-0.1, 0.0, 0.1)] == ["miss", "miss", "pass"]
    assert [within(value, -math.inf, 0.0) for value in (-0.1, 0.0, 0.1)] == ["pass", "miss", "miss"]


@pytest.mark.parametrize(("part", "verdict"), [(0.79, "pass"), (0.85, "pass"), (0.5, "miss"), (1.0, "miss")])
def test_rebuilds_pass_where_samples_of_the_survey_meet_the_published_range(part: float, verdict: str) -> None:
    rebuilds = (np.arange(400) < 400 * part).astype(np.float64)
    rebuilds = np.append(rebuilds, np.nan)  # without a program
    check = rebuilt_once(rebuilds)
    assert (check.verdict, check.simulated) == (verdict, pytest.approx(part))
    assert check.low <= part <= check.high


def test_the_samples_of_rebuilds_are_those_of_the_survey_but_for_their_luck() -> None:
    scenario = load_scenario("population").changed(world={"accounts": 24}, timeline=TIMELINE)
    surveyed = {figure.name: figure for figure in survey(scenario, organizations=30, seed=6).further}["rebuilt_once"]
    check = checked(validate(scenario, organizations=30, seed=6, random=0), "rebuilt_once")
    assert check.simulated == surveyed.simulated
    one = 1.001 / SURVEY_SAMPLE
    assert (check.low, check.high) == pytest.approx((surveyed.low, surveyed.high), abs=one)


def test_rebuilds_of_samples_are_a_binomial_number() -> None:
    check = rebuilt_once(np.array([0.0, 1, 2, 3]))
    assert (check.low, check.high) == pytest.approx(
        stats.binom.ppf([0.025, 0.975], SURVEY_SAMPLE, 0.75) / SURVEY_SAMPLE
    )


@pytest.mark.parametrize(("mean", "verdict"), [(0.58, "miss"), (0.6, "pass"), (0.73, "pass"), (0.75, "miss")])
def test_top_accounts_pass_inside_the_published_range(mean: float, verdict: str) -> None:
    assert top_share_check(np.full(6, mean)).verdict == verdict


@pytest.mark.parametrize(("mean", "verdict"), [(0.1, "miss"), (0.15, "pass"), (0.2, "miss"), (-0.15, "miss")])
def test_departures_pass_inside_the_published_range(mean: float, verdict: str) -> None:
    check = departure_cost(organizations_of(mean))
    assert (check.verdict, check.simulated) == (verdict, pytest.approx(mean))
    assert check.low < mean < check.high


@pytest.mark.parametrize(
    ("demotion", "promotion", "verdict"),
    [(-0.3, 0.2, "pass"), (-0.2, 0.3, "miss"), (0.3, 0.2, "miss"), (0.1, -0.2, "miss"), (-0.1, -0.2, "pass")],
)
def test_demotion_passes_where_it_is_a_loss_larger_than_the_gain(
    demotion: float, promotion: float, verdict: str
) -> None:
    check = demotion_against_promotion(organizations_of(demotion), organizations_of(promotion))
    assert (check.verdict, check.simulated) == (verdict, pytest.approx(-demotion - promotion))
    assert [(part.name, part.simulated) for part in check.parts] == [
        ("promotion", pytest.approx(promotion)),
        ("demotion", pytest.approx(demotion)),
    ]
    for part in check.parts:
        assert part.low < part.simulated < part.high


def test_the_margin_of_demotion_uses_that_both_are_of_the_same_organizations() -> None:
    luck = np.random.default_rng(6).normal(size=50)
    together = [np.stack([sign * luck + mean, np.ones(50)], axis=1) for sign, mean in ((1, -0.3), (-1, 0.2))]
    check = demotion_against_promotion(*together)
    assert (check.low, check.high) == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize(("gap", "verdict"), [(-0.3, "miss"), (-0.25, "pass"), (0.2, "pass"), (0.3, "miss")])
def test_trust_passes_within_a_quarter_of_a_standard_deviation(gap: float, verdict: str) -> None:
    check = trust_gap(np.array([gap, math.nan, gap]))
    assert (check.verdict, check.simulated, check.unit) == (verdict, pytest.approx(gap), "sd")


@pytest.mark.parametrize(("gap", "verdict"), [(0.04, "miss"), (0.06, "pass"), (0.1, "miss")])
def test_margins_pass_by_what_is_conceded_and_show_other_costs_beside(gap: float, verdict: str) -> None:
    check = margin_gap(np.tile([gap, 0.2, 0.3], (4, 1)))
    assert (check.verdict, check.simulated) == (verdict, pytest.approx(gap))
    assert [part.simulated for part in check.parts] == pytest.approx([0.2, 0.3])


@pytest.mark.parametrize(("peak", "verdict"), [(1.1, "miss"), (2.0, "pass"), (3.5, "miss")])
def test_the_whale_curve_passes_where_its_peak_is_that_of_consultants(peak: float, verdict: str) -> None:
    check = whale_peak(np.array([[peak, 1.0], [3 * peak, 3.0], [0.0, 0.0]]))
    assert (check.verdict, check.simulated) == (verdict, pytest.approx(peak))


@pytest.mark.parametrize(("used", "verdict"), [(0.05, "miss"), (0.16, "pass"), (0.3, "miss")])
def test_service_passes_where_as_many_accounts_use_it_as_managers_say(used: float, verdict: str) -> None:
    check = service_used(organizations_of(used), organizations_of(0.02))
    assert (check.verdict, check.simulated) == (verdict, pytest.approx(used))
    assert check.parts[0].simulated == pytest.approx(0.02)
    # The range is the error of a sample as large as the survey.
    assert (check.observed_low + check.observed_high) / 2 == pytest.approx(0.16)
    assert check.observed_high - 0.16 == pytest.approx(stats.norm.ppf(0.975) * math.sqrt(0.16 * 0.84 / 69), rel=1e-4)


@pytest.mark.parametrize(("effect", "verdict"), [(-0.1, "pass"), (0.1, "miss")])
def test_the_demoted_pass_where_they_buy_less_than_without_a_program(effect: float, verdict: str) -> None:
    assert demoted_below(organizations_of(effect)).verdict == verdict


@pytest.mark.parametrize(("gain", "verdict"), [(-0.01, "miss"), (0.01, "pass"), (0.0, "unknown")])
def test_programs_pass_where_they_earn_more_than_none(gain: float, verdict: str) -> None:
    assert programs_pay(np.array([[gain, 1.0], [3 * gain, 3.0]])).verdict == verdict


def test_the_rank_rule_passes_inside_the_range_of_the_real_books() -> None:
    low, high = known_range("regular", "rank_rule_miss")
    for mean, verdict in ((low - 0.01, "miss"), ((low + high) / 2, "pass"), (high + 0.01, "miss")):
        check = rank_rule(np.tile([mean, 0.6, 0.0], (5, 1)))
        assert (check.verdict, check.simulated) == (verdict, pytest.approx(mean))
        assert [(part.name, part.simulated) for part in check.parts] == [
            ("all", pytest.approx(0.6)),
            ("steady", pytest.approx(0.0)),
        ]
    assert high < 0.55


def test_decile_tables_pass_only_as_a_whole() -> None:
    low, high = known_deciles("growth")
    middle = np.tile((low + high) / 2, (6, 1))
    assert decile_check(KNOWN["growth"], middle, low, high).verdict == "pass"
    middle[:, 3] = high[3] + 0.01
    check = decile_check(KNOWN["growth"], middle, low, high)
    assert (check.verdict, check.simulated) == ("miss", 9.0)
    assert check.reason.startswith("outside: 4 ")
    assert len(check.parts) == 10
    assert decile_check(KNOWN["retention"], np.ones((6, 10)), *known_deciles("retention")).verdict == "miss"


def test_what_cannot_be_told_is_unknown_and_no_miss() -> None:
    nothing = np.zeros((4, 2))
    unknown = [
        departure_cost(nothing),
        demotion_against_promotion(np.zeros((8, 2)), organizations_of(0.1)),
        rank_rule(np.full((4, 3), np.nan)),
        decile_check(KNOWN["growth"], np.full((4, 10), np.nan), *known_deciles("growth")),
    ]
    for check in unknown:
        assert check.verdict == "unknown"
        assert math.isnan(check.simulated)
        assert math.isnan(check.low)


def planted_seen(growth: float) -> Seen:
    tables = [np.full((5, 10), value) for value in (1.0, growth, growth)]
    return Seen(np.zeros(5), np.full(5, 0.6), np.zeros((5, 3)), *tables, *[np.zeros((5, 2))] * 10)


def test_a_book_of_the_users_gives_its_own_ranges() -> None:
    quarters = np.exp(np.arange(20)[:, None] + np.repeat([0.0, 0.1, 0.4], 4))
    checks = {check.name: check for check in own_book_checks(by_year("mine.csv", quarters, 8040), planted_seen(0.2))}
    assert {check.source for check in checks.values()} == {"mine.csv"}
    assert list(checks) == ["rank_rule_miss", "retention", "growth", "steady_growth"]
    assert {name: check.verdict for name, check in checks.items()} == dict.fromkeys(checks, "pass")
    assert (checks["growth"].parts[0].observed_low, checks["growth"].parts[0].observed_high) == pytest.approx(
        (0.1, 0.3)
    )
    outside = own_book_checks(by_year("mine.csv", quarters, 8040), planted_seen(0.4))
    assert outside[2].verdict == "miss"


def test_a_book_of_two_years_is_shown_without_a_verdict() -> None:
    quarters = np.exp(np.random.default_rng(7).normal(size=(30, 8)))
    checks = own_book_checks(by_year("mine.csv", quarters, 8040), planted_seen(0.1))
    assert {check.verdict for check in checks} == {"unknown"}
    assert checks[0].observed_low == checks[0].observed_high
    assert checks[0].simulated == 0.0


# ---------------------------------------------------------------- whole


def test_a_validation_is_whole_valid_and_the_same_for_any_jobs() -> None:
    scenario = load_scenario("population").changed(world={"accounts": 24}, timeline=TIMELINE)
    told: list[int] = []
    found = validate(scenario, organizations=20, seed=3, random=3, jobs=1, progress=told.append)
    assert validate(scenario, organizations=20, seed=3, random=3, jobs=3).to_dict() == found.to_dict()
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert {check["name"]: check["use"] for check in content["checks"]} == USES
    assert [check["name"] for check in content["checks"]] == PATTERNS
    assert {check["verdict"] for check in content["checks"]} <= {"pass", "miss", "unknown"}
    assert {check["observed_high"] for check in content["checks"][-1:]} == {None}
    assert all(check["says"] and check["source"] and check["reason"] for check in content["checks"])
    assert all(3 * check["by_chance"] in (0.0, 1.0, 2.0, 3.0) for check in content["checks"])
    assert (content["random_sets"], content["random_organizations"]) == (3, 20)
    assert all("\n" not in check["reason"] for check in content["checks"])
    assert told == sorted(told)
    assert told[-1] == 20 + 3 * 20
    assert any("5 years observed" in note for note in content["notes"])


def test_every_shipped_scenario_can_be_validated() -> None:
    for name in kamsim.shipped_scenarios():
        result = validate(small(name), organizations=2, seed=4, random=0)
        assert [check.name for check in result.checks] == PATTERNS
    without = validate(small("no_program"), organizations=2, random=0).checks
    assert {check.name for check in without if check.verdict == "unknown"} >= {
        "departure_cost",
        "demotion_against_promotion",
        "demoted_below",
        "trust_gap",
        "margin_gap",
        "service_used",
        "programs_pay",
        "rebuilt_once",
    }


@pytest.mark.parametrize(("organizations", "said"), [(0, "organizations must be"), (2**33, "from 1 to")])
def test_a_validation_of_nobody_is_refused(organizations: int, said: str) -> None:
    with pytest.raises(KamsimError, match=said):
        validate(small(), organizations=organizations)


def planted_check(name: str, verdict: Any) -> Check:
    seen = (0.1, 0.2, 0.15, 0.14, 0.16)
    return Check(name, KNOWN[name].use, "it is so", "somebody", "part", *seen, verdict, "mostly", "beware")


def test_the_table_shows_passes_green_misses_red_and_own_books_apart() -> None:
    own = planted_check("rank_rule_miss", "unknown")
    checks = (planted_check("top_share", "pass"), planted_check("departure_cost", "miss"))
    table = text_of(validation_table(kamsim.Validation(checks, (own,), (), 2, 1, 0, 2, "small", ())))
    styles = {table.plain[span.start : span.end].split("  ")[0]: str(span.style) for span in table.spans}
    assert styles["Sales of top 20 %, %"] == "green"
    assert styles["A KAM's departure, %"] == "red"
    assert "Against somebody" in table.plain
    assert "10.0 to 20.0" in table.plain
    assert table.plain.count("  it is so; mostly\n  A miss means: beware\n") == 3


def test_an_estimate_without_organizations_has_no_interval() -> None:
    assert all(math.isnan(end) for end in interval(Estimate(0.5, np.zeros(3), 0)))


# ---------------------------------------------------------------- reading, and the command

BOOK = "account_id,quarter,spend\n" + "".join(
    f"A{account:02d},{2015 + quarter // 4}Q{quarter % 4 + 1},{100 + account * 7 + quarter * (account % 5)}\n"
    for account in range(20)
    for quarter in range(12)
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small scenario and a book, and the width of an ordinary terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "mixed.toml").write_text('extends = "population"\n[world]\naccounts = 24\n')
    (tmp_path / "book.csv").write_text(BOOK)
    (tmp_path / "short.csv").write_text("\n".join(BOOK.splitlines()[:7]))
    (tmp_path / "wide.csv").write_text("account_id,annual_spend\nA,100\nB,200\n")
    return tmp_path


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["validate", *arguments])


def test_books_by_invoice_and_by_quarter_read_alike(here: Path) -> None:
    by_quarter = yearly_spend(read_book("book.csv"))
    dated = [line.split(",") for line in BOOK.splitlines()[1:]]
    months = {"Q1": "02", "Q2": "05", "Q3": "08", "Q4": "11"}
    rows = [f"{account},{quarter[:4]}-{months[quarter[4:]]}-15,{spend}" for account, quarter, spend in dated]
    Path("invoices.csv").write_text("\n".join(["account_id,date,amount", *rows]))
    by_invoice = yearly_spend(read_book("invoices.csv"))
    assert by_quarter.spend.tolist() == by_invoice.spend.tolist()
    assert by_quarter.spend.shape == (20, 3)
    assert by_quarter.spend[0].tolist() == [400.0, 400.0, 400.0]
    assert by_quarter.every_quarter.all()


def test_validate_prints_a_table_and_a_sentence(here: Path) -> None:
    result = command("mixed.toml", "-n", "12", "--random", "2", "--accounts", "book.csv")
    assert result.exit_code == 0, result.output
    assert "facts that were not fitted hold" in " ".join(result.stdout.split())
    assert "Against book.csv" in result.stdout
    assert "Retention by decile" in result.stdout
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= 80


def test_validate_as_json(here: Path) -> None:
    result = command("mixed.toml", "-n", "12", "--random", "2", "--accounts", "book.csv", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert [check["name"] for check in content["checks"]] == PATTERNS
    assert [check["source"] for check in content["books"]] == ["book.csv"] * 4
    assert content["organizations"] == 12


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.toml"], "no such scenario file"),
        (["-n", "0"], "organizations must be at least 1"),
        (["--random", "-1"], "random must be at least 0"),
        (["--seed", "-1"], "seed"),
        (["--jobs", "0"], "jobs must be at least 1"),
        (["--accounts", "nowhere.csv"], "there is no such file"),
        (["--accounts", "wide.csv"], "has no history"),
        (["--accounts", "short.csv"], "under two years"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(here: Path, arguments: list[str], said: str) -> None:
    result = command(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
