"""Recovery of planted sets: intervals cover as often as they say, and where they do not the study tells so."""

import math

import numpy as np
import pytest

import kamsim.studies.recover as recovery
from kamsim.analysis.emulator import fitted_emulator
from kamsim.errors import KamsimError
from kamsim.scenario import load_scenario
from kamsim.studies.calibrate import Aim, Effort, Space, _ends_of, calibrate, parameters_told, points_that_fit
from kamsim.studies.recover import Recovery, coverage_of, lines_of, told_of

NAMES = ("world.premium_mean", "world.turnover", "world.report_noise")
SCATTER = np.array([[0.06**2, 0.001], [0.001, 0.05**2]])
TINY = Effort(
    spread=8,
    waves=1,
    wave=4,
    generations=1,
    organizations=20,
    candidates=6,
    batch=3,
    candidate_organizations=20,
    steps=300,
)


def toy_figures(points):
    """Two figures of three parameters; nothing depends on the third."""
    return np.stack([0.5 + 0.5 * points[:, 0] - 0.1 * points[:, 1], 0.3 + 0.4 * points[:, 1] ** 2], axis=1)


@pytest.fixture(scope="module")
def toy():
    """Planted sets of a toy, and the points that fit to what was told of each."""
    generator = np.random.default_rng(1)
    points = generator.random((200, 3))
    noise = 0.02 * generator.standard_normal((200, 2))
    emulator = fitted_emulator(points, toy_figures(points) + noise, np.ones(200))
    planted = generator.random((40, 3))
    drawn = []
    for figures in toy_figures(planted):
        survey = generator.multivariate_normal(figures, SCATTER).tolist()
        aims = [Aim(name, value, value) for name, value in zip(("quota_miss", "rebuilt_twice"), survey, strict=True)]
        drawn.append(points_that_fit(emulator, aims, SCATTER, generator.random((32, 3)), 300, 300, generator))
    return planted, np.array(drawn)


def recovered(planted, drawn, narrower=1.0):
    """What a study would say of them, intervals made narrower about their middles."""
    space = Space(load_scenario("population"), NAMES, 1, 1)
    covered, identified = [], []
    for point, points in zip(planted, drawn, strict=True):
        values = space.values(point)
        told = list(parameters_told(space, values, points))
        covered.append(
            [
                abs(values[one.name] - (one.low + one.high) / 2) <= narrower * (one.high - one.low) / 2 + 1e-4
                for one in told
            ]
        )
        identified.append([one.identified for one in told])
    return Recovery(NAMES, np.array(covered), np.array(identified))


def test_intervals_cover_what_was_planted_as_often_as_they_say(toy):
    found = recovered(*toy)
    assert found.identified[:, 0].mean() > 0.9
    assert not found.identified[:, 2].any()
    part, low, high = coverage_of(found.covered[found.identified])
    assert low <= 0.95 <= high
    assert part >= 0.9


def test_coverage_falls_when_intervals_are_too_narrow(toy):
    found = recovered(*toy, narrower=0.5)
    _, _, high = coverage_of(found.covered[found.identified])
    assert high < 0.9


def test_intervals_of_a_handful_of_sets_leave_out_no_more_than_those_of_many():
    generator = np.random.default_rng(2)
    for sets in (60, 400):
        values = generator.standard_normal((4000, sets + 1))
        ends = np.array([_ends_of(some) for some in values[:, 1:]])
        inside = (ends[:, 0] <= values[:, 0]) & (values[:, 0] <= ends[:, 1])
        assert inside.mean() == pytest.approx(0.95, abs=0.012)


def test_figures_are_told_with_the_scatter_of_a_survey_and_ranges_as_wide_as_the_real_ones():
    generator = np.random.default_rng(3)
    aims = (
        Aim("quota_miss", 0.58, 0.58),
        Aim("collaboration_ratio", 3.0, 3.0),
        Aim("rebuilt_once", 0.79, 0.84),
        Aim("gain_of_programs", 0.0, 1.0),
    )
    figures = np.array([0.5, math.log(2.5), 0.7, 0.1])
    told = [told_of(figures, SCATTER, aims, generator) for _ in range(4000)]
    survey = np.array([[one[0].low, math.log(one[1].low)] for one in told])
    np.testing.assert_allclose(survey.mean(axis=0), figures[:2], atol=0.004)
    np.testing.assert_allclose(np.cov(survey.T), SCATTER, atol=2e-4)
    ranges = np.array([[one[2].low, one[2].high] for one in told])
    np.testing.assert_allclose(ranges[:, 1] - ranges[:, 0], 0.05)
    assert (ranges[:, 0] <= 0.7).all()
    assert (ranges[:, 1] >= 0.7).all()
    assert ranges[:, 0].std() == pytest.approx(0.05 / math.sqrt(12), rel=0.05)
    assert {one[3] for one in told} == {aims[3]}
    losing = np.array([0.5, math.log(2.5), 0.7, -0.1])
    assert told_of(losing, SCATTER, aims, generator) is None


def test_the_table_counts_and_names_what_is_not_identified():
    covered = np.array([[True, True], [False, True], [True, False]])
    identified = np.array([[True, False], [True, False], [True, True]])
    lines = list(lines_of(Recovery(("a", "b"), covered, identified)))
    assert lines[2:4] == ["| `a` | 3 | 2 | 2 |", "| `b` | 1 | 0 | 2 |"]
    assert "identified parameters cover 50.0 % of 4 planted values (95 % interval 6.8 to 93.2 %)" in lines[5]
    assert "not identified parameters cover 100.0 % of 2 planted values" in lines[6]
    assert lines[7] == "Not identified in most sets: `b`."


def test_the_command_reuses_the_log_of_a_calibration(tmp_path, monkeypatch, capsys):
    small = load_scenario("population").changed(world={"accounts": 60}, timeline={"warmup_years": 1})
    gains = {"gain_of_programs": (-50.0, 50.0)}
    calibrate(small, free=NAMES, ranges=gains, seed=5, effort=TINY, posterior=3, folder=tmp_path / "fit")
    for name, value in {"SETS": 2, "DRAWN": 20, "WAVE": 3, "STEPS": 60, "SAMPLING_ERRORS": 50.0}.items():
        monkeypatch.setattr(recovery, name, value)
    before = (tmp_path / "fit" / "evaluations.jsonl").read_bytes()
    told = []
    for _ in range(2):
        recovery.main(tmp_path / "fit")
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert told[0].count("| `world.") == len(NAMES)
    assert (tmp_path / "fit" / "evaluations.jsonl").read_bytes() == before
    monkeypatch.setattr(recovery, "SAMPLING_ERRORS", 1e-9)
    with pytest.raises(KamsimError, match="could be planted"):
        recovery.main(tmp_path / "fit")
    with pytest.raises(KamsimError, match="no such file"):
        recovery.main(tmp_path)
