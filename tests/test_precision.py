"""Replications are added until enough is known, and the stopping rule does not spoil what is then said."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import skew
from test_sweep import content, plan_of

import kamsim.experiments.chunks as chunks
from kamsim.analysis.intervals import moments_of, reach_of
from kamsim.errors import KamsimError
from kamsim.experiments.chunks import Plan
from kamsim.experiments.executors import named_place
from kamsim.experiments.summary import best_first, swept, values_by_world
from kamsim.experiments.sweep import read_sweep, run_sweep, status_of, verify_sweep
from kamsim.report.sweep import write_summary
from kamsim.studies.precision import (
    Aim,
    checked_aim,
    is_separated,
    judged,
    sweep_to_precision,
)

TRIES = 2_000
POOL = named_place("faults:pool", 2)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "SECONDS_PER_CHUNK", 0.004)


def test_a_reach_is_that_of_student_and_farther_where_there_is_skew():
    values = np.random.default_rng(1).standard_normal(25)
    even = np.concatenate([values, -values])
    student = 2.0095752371 * even.std(ddof=1) / np.sqrt(50.0)  # Student's t, 49 degrees of freedom
    assert reach_of(even) == pytest.approx(student, rel=1e-9)
    skewed = np.random.default_rng(2).lognormal(0.0, 1.0, 50)
    error, skewness = skewed.std(ddof=1) / np.sqrt(50.0), float(skew(skewed))
    farther = error * skewness / np.sqrt(50.0) * (1.0 + 2.0 * 2.0095752371**2) / 6.0
    assert reach_of(skewed) == pytest.approx(2.0095752371 * error + farther, rel=1e-9)
    assert reach_of(-skewed) == pytest.approx(reach_of(skewed), rel=1e-12)


@pytest.mark.parametrize("values", [[], [3.0], [3.0] * 500, [0.0] * 500])
def test_what_has_not_been_seen_has_no_interval(values):
    assert np.isinf(reach_of(np.array(values)))


PLANTED = {
    "20 with chance 0.5 %": (lambda draw, size: 20.0 * (draw.random(size) < 0.005), 0.1),
    "10 with chance 1 %": (lambda draw, size: 10.0 * (draw.random(size) < 0.01), 0.1),
    "1 with chance 2 %": (lambda draw, size: 1.0 * (draw.random(size) < 0.02), 0.02),
    "Pareto 2.5": (lambda draw, size: draw.pareto(2.5, size), 2.0 / 3.0),
    "lognormal": (lambda draw, size: draw.lognormal(0.0, 1.0, size), np.exp(0.5)),
    "normal": (lambda draw, size: 0.3 + draw.standard_normal(size), 0.3),
}


def ended(differences, seed, precision, rounds=250, most=20_000):
    """Play planted differences as a sweep with an aim would, and judge them at the end."""
    draw, one, other = np.random.default_rng(seed), np.empty(0), np.empty(0)
    for look in range(1, most // rounds + 1):
        reference = 1.0 + 0.1 * draw.standard_normal(rounds)
        other = np.concatenate([other, reference])
        one = np.concatenate([one, reference + differences(draw, rounds)])
        judgment = judged([[other, one]], Aim("total_profit", precision=precision), look)
        if not judgment.imprecise:
            break
    return judgment, float((one - other).mean())


@pytest.mark.parametrize("law", PLANTED)
def test_precision_stops_too_early_on_rare_or_skewed_differences(law):
    """B1: 40 % of runs had held the truth of the first law, 65 % of the second, 89 % of the Pareto."""
    differences, truth = PLANTED[law]
    held, runs = 0, 200
    for run in range(runs):
        judgment, mean = ended(differences, [31, run], 0.9 * max(truth, 0.1))
        held += not judgment.imprecise and abs(mean - truth) <= judgment.widths[0]
    assert held / runs >= 0.9


@pytest.mark.parametrize("size", [0.0, 5.0])
def test_differences_that_are_all_alike_never_stop_it(size):
    judgment, _ = ended(lambda draw, number: np.full(number, size), 1, 0.9, most=1_000)
    assert judgment.imprecise == [0]
    assert np.isinf(judgment.widths[0])
    assert judgment.differing == ((1_000 if size else 0, 1_000),)


def test_a_best_that_a_rare_event_may_turn_is_not_separated():
    ahead, behind = np.full(400, 5.0), np.full(400, 4.0)
    behind[:29] = 4.5
    aim = Aim("total_profit", confidence=0.95)
    assert judged([[behind], [ahead]], aim, 1).best == -1
    behind[29] = 4.5
    assert judged([[behind], [ahead]], aim, 1).best == 1


def test_a_point_that_was_precise_once_is_looked_at_again():
    draw = np.random.default_rng(3)
    other, one = np.ones(200), 1.0 + draw.standard_normal(200)
    aim = Aim("total_profit", precision=0.25)
    assert judged([[other, one]], aim, 2).imprecise == []
    assert judged([[other, one]], aim, 1).imprecise == [0]  # all in one look: there was none before


def test_intervals_at_the_end_of_a_fixed_width_rule_hold_the_truth():
    """Rounds of 40 until the interval is narrow: stopping when it looks narrow may not cost coverage."""
    generator, truth, held, rounds = np.random.default_rng(21), 0.3, 0, set()
    aim = Aim("total_profit", precision=0.12)
    for _ in range(TRIES):
        one, other = np.empty(0), np.empty(0)
        for look in range(1, 60):
            reference = 1.0 + 0.1 * generator.standard_normal(40)
            other = np.concatenate([other, reference])
            one = np.concatenate([one, reference + truth + generator.lognormal(0, 0.7, 40) - np.exp(0.245)])
            judgment = judged([[other, one]], aim, look)
            if not judgment.imprecise:
                break
        rounds.add(look)
        difference = (one - other).mean()
        held += abs(difference - truth) <= judgment.widths[0]
    assert 0.93 <= held / TRIES <= 0.97
    assert len(rounds) > 2  # the rule stopped at different times


@pytest.mark.parametrize("lead", [0.0, 0.2])
def test_a_wrong_best_is_separated_no_more_often_than_said(lead):
    """Three rivals, looked at up to 12 times; with no lead every separation is wrong."""
    generator, wrong, right = np.random.default_rng(22), 0, 0
    for _ in range(TRIES):
        values = [[np.empty(0)] for _ in range(3)]
        for look in range(1, 13):
            shared = generator.standard_normal(40)
            for place, point in enumerate(values):
                own = 0.5 * generator.standard_normal(40) + (lead if place == 1 else 0.0)
                point[0] = np.concatenate([point[0], shared + own])
            best = judged(values, Aim("total_profit", confidence=0.95), look).best
            if best >= 0:
                wrong += best != 1 or lead == 0.0
                right += best == 1 and lead > 0.0
                break
    assert wrong / TRIES <= 0.05
    assert lead == 0.0 or right / TRIES > 0.9


def test_lower_is_better_where_it_is():
    low, high = np.full(120, 0.1) + 0.001 * np.arange(120), np.full(120, 0.5)
    assert judged([[low], [high]], Aim("quota_miss_rate", confidence=0.95), 1).best == 0
    assert judged([[low], [high]], Aim("total_profit", confidence=0.95), 1).best == 1
    assert not is_separated(moments_of(np.zeros((40, 1))), 0.95, 1)


def finer(ended, folder, times=0.6):
    """Precision of so many times the widest interval that a sweep ended with, whatever the model plays."""
    profit = read_sweep(folder).query("policy == 'status_quo'").groupby("point").total_profit.mean()
    return times * ended.half_width / profit.abs().max()


def test_a_sweep_goes_on_until_it_is_precise_and_again_from_where_it_was(tmp_path):
    plan = plan_of(points=3, replications=30)
    coarse = sweep_to_precision(plan, tmp_path / "s", POOL, Aim("total_profit", precision=0.5))
    precision = finer(coarse, tmp_path / "s")
    fine = sweep_to_precision(plan, tmp_path / "s", POOL, Aim("total_profit", precision=precision))
    assert coarse.reached
    assert fine.reached
    assert max(fine.replications) > max(coarse.replications) >= 30
    frame = read_sweep(tmp_path / "s")
    for point, replications in enumerate(fine.replications):
        rows = frame[frame.point == point]
        assert rows.replication.nunique() == replications == len(rows) / 2
    for row in swept(plan, tmp_path / "s"):
        if row.measure == "total_profit" and row.policy == "full_program":
            reference = frame[(frame.point == row.point) & (frame.policy == "status_quo")].total_profit.mean()
            assert (row.high - row.low) / 2 <= precision * abs(reference) * (1 + 1e-9)
    at_once = sweep_to_precision(plan, tmp_path / "o", POOL, Aim("total_profit", precision=precision))
    assert at_once.replications == fine.replications
    names = {path for path in content(tmp_path / "o") if path.startswith("parts/")}
    assert names == {path for path in content(tmp_path / "s") if path.startswith("parts/")}


def test_what_another_aim_left_is_not_counted_twice(tmp_path):
    plan, folder = plan_of(points=3, replications=60), tmp_path / "s"
    run_sweep(plan, folder, POOL)
    coarse = sweep_to_precision(plan, folder, POOL, Aim("total_profit", precision=0.5))
    fine, between = finer(coarse, folder, 0.6), finer(coarse, folder, 0.8)
    asked = []
    for precision in (fine, 0.5, between):
        ended = sweep_to_precision(plan, folder, POOL, Aim("total_profit", precision=precision))
        asked.append(sum(ended.replications))
        frame = read_sweep(folder)
        assert not frame.duplicated(["point", "policy", "replication"]).any()
        assert len(frame) == 2 * sum(ended.replications)
        assert status_of(plan, folder).parts == ended.progressed.parts
        assert verify_sweep(plan, folder, parts=3)[1] == []
    assert asked[0] > asked[2] > asked[1]
    again = run_sweep(plan, folder, POOL)
    assert len(read_sweep(folder)) == plan.size
    assert again.done == again.parts


def test_a_measure_that_nobody_has_is_not_precise():
    missing = np.full(120, np.nan)
    with pytest.raises(KamsimError, match="cannot be told at any two points"):
        judged([[missing], [missing]], Aim("total_profit", precision=0.1), 1)


def test_it_stops_at_the_most_replications_and_says_so(tmp_path):
    ended = sweep_to_precision(plan_of(points=2), tmp_path / "s", POOL, Aim("total_profit", precision=1e-9, most=30))
    assert not ended.reached
    assert set(ended.replications) == {30}


def test_the_best_policy_is_separated(tmp_path):
    plan = plan_of(points=2, replications=40)
    ended = sweep_to_precision(plan, tmp_path / "s", POOL, Aim("quota_miss_rate", confidence=0.95, most=4000))
    assert ended.reached
    frame = read_sweep(tmp_path / "s").groupby("policy").quota_miss_rate.mean()
    assert plan.policies[ended.best].name == frame.idxmin()


@pytest.mark.parametrize(
    ("precision", "confidence", "most", "sentence"),
    [(0.0, None, 100, "`precision`"), (2.0, None, 100, "`precision`"), (float("nan"), None, 100, "`precision`"),
     (None, 1.0, 100, "`confidence`"), (None, 0.2, 100, "`confidence`"), (0.1, None, 3, "`most`")],
)  # fmt: skip
def test_an_aim_out_of_range_is_refused(precision, confidence, most, sentence):
    with pytest.raises(KamsimError, match=sentence):
        checked_aim("total_profit", precision, confidence, most)
    assert checked_aim("total_profit", None, None, 100) is None


def test_nothing_to_tell_a_difference_of_is_refused(tmp_path):
    plan = plan_of(points=1)
    alone = Plan(**{**vars(plan), "policies": plan.policies[:1]})
    with pytest.raises(KamsimError, match="no difference to be precise about"):
        sweep_to_precision(alone, tmp_path / "s", POOL, Aim("total_profit", precision=0.1))


# ---------------------------------------------------------------- what a sweep shows


@pytest.mark.parametrize("policies", [1, 2])
def test_a_summary_is_that_of_the_rows(tmp_path, policies):
    plan = plan_of(points=4, replications=25)
    plan = Plan(**{**vars(plan), "policies": plan.policies[:policies]})
    run_sweep(plan, tmp_path / "s", POOL)
    frame, rows = read_sweep(tmp_path / "s"), swept(plan, tmp_path / "s")
    assert len(rows) == 4 * policies * 2
    for row in rows:
        own = frame[(frame.point == row.point) & (frame.policy == row.policy)][row.measure].to_numpy()
        against = frame[(frame.point == (row.point if policies > 1 else 0)) & (frame.policy == "status_quo")]
        difference = own - against[row.measure].to_numpy()
        assert row.mean == pytest.approx(own.mean())
        assert row.mean_high - row.mean == pytest.approx(2.063898562 * own.std(ddof=1) / 5)
        assert row.difference == pytest.approx(difference.mean(), abs=1e-12)
        assert row.high - row.difference == pytest.approx(2.063898562 * difference.std(ddof=1) / 5, abs=1e-9)
        assert (row.replications, row.failed) == (25, 0)
    ranked = best_first(rows, "quota_miss_rate")
    assert [row.mean for row in ranked] == sorted(row.mean for row in ranked)
    summary = pd.read_csv(write_summary(plan, tmp_path / "s", rows))
    assert len(summary) == len(rows)
    assert set(summary.against) == {"status_quo" if policies > 1 else "point 0"}
    profit = summary[summary.measure == "total_profit"]
    assert set(profit.unit) == {"units of the median account's yearly category spend"}
    timeline = plan.policies[0].timeline
    assert set(profit.years) == {timeline.warmup_years + timeline.window_years}
    assert set(summary[summary.measure == "quota_miss_rate"].years) == {timeline.window_years}
    worlds = values_by_world(plan, tmp_path / "s", "total_profit")
    np.testing.assert_array_equal(
        worlds[2], frame[(frame.point == 2) & (frame.policy == "status_quo")].total_profit.to_numpy()
    )
