"""Calibration: planted parameters are found, what cannot be told is named, and an interruption loses nothing."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

import kamsim.studies.calibrate as calibration
from kamsim.analysis.emulator import fitted_emulator, sampled
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import LEDGER
from kamsim.evidence.plausible import PLAUSIBLE, TIED
from kamsim.evidence.posterior import read_posterior
from kamsim.evidence.readings import DEFAULT_READING, reading_of
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.scenario import load_scenario, with_values
from kamsim.studies.calibrate import (
    FIGURES,
    Aim,
    Effort,
    Space,
    calibrate,
    fits,
    log_likelihood,
    misfit_of,
    simulated_at,
)
from kamsim.studies.survey import figures_of

SMALL = Effort(
    spread=64,
    waves=2,
    wave=16,
    generations=6,
    organizations=120,
    candidates=64,
    batch=32,
    candidate_organizations=200,
    prices=4,
    steps=300,
)
TINY = SMALL._replace(
    spread=8, waves=1, wave=4, generations=1, organizations=20, candidates=6, batch=3, candidate_organizations=20
)
FREE = ("world.premium_mean", "world.share_collaboration", "world.gross_margin")


@pytest.fixture(scope="module")
def small():
    return load_scenario("population").changed(world={"accounts": 60}, timeline={"warmup_years": 1})


# ---------------------------------------------------------------- parts


def test_an_emulator_of_a_quadratic_function_is_that_function():
    generator = np.random.default_rng(1)
    points = generator.random((200, 4))

    def truth(at):
        return np.stack([1 + at[:, 0] - 2 * at[:, 1] * at[:, 2], at[:, 3] ** 2], axis=1)

    emulator = fitted_emulator(points, truth(points), np.ones(200))
    others = generator.random((50, 4))
    np.testing.assert_allclose(emulator(others), truth(others), atol=1e-3)
    assert (emulator.error < 0.01).all()


def test_the_error_of_an_emulator_is_the_noise_of_what_it_learned_from():
    generator = np.random.default_rng(2)
    points = generator.random((800, 3))
    figures = points.sum(axis=1, keepdims=True) + 0.1 * generator.standard_normal((800, 1))
    assert fitted_emulator(points, figures, np.ones(800)).error[0] == pytest.approx(0.1, rel=0.15)


def test_the_error_of_an_emulator_is_not_that_of_points_that_crowd_in_one_place():
    generator = np.random.default_rng(3)
    points = np.concatenate([generator.random((60, 2)), 0.5 + 0.01 * generator.standard_normal((400, 2))])

    def truth(at):
        return np.sin(9.0 * at[:, :1]) * at[:, 1:]

    emulators = [fitted_emulator(points, truth(points), np.ones(460), judged) for judged in (None, np.arange(460) < 60)]
    others = generator.random((500, 2))
    errors = [np.sqrt(((emulator(others) - truth(others)) ** 2).mean()) for emulator in emulators]
    assert emulators[0].error[0] < 0.6 * errors[0]
    assert emulators[1].error[0] == pytest.approx(errors[1], rel=0.3)


def test_points_are_sampled_by_their_density():
    start = np.random.default_rng(3).random((40, 2))

    def density(at):
        return -0.5 * (((at - [0.4, 0.6]) / [0.05, 0.1]) ** 2).sum(axis=1)

    points = sampled(density, start, 4000, 2000, np.random.default_rng(4))
    np.testing.assert_allclose(points.mean(axis=0), [0.4, 0.6], atol=0.01)
    np.testing.assert_allclose(points.std(axis=0), [0.05, 0.1], rtol=0.12)
    assert (points >= 0).all()
    assert (points <= 1).all()


def test_a_set_fits_where_the_published_figures_are_jointly_likely_and_moments_in_range():
    aims = (Aim("quota_miss", 0.58, 0.58), Aim("rebuilt_twice", 0.46, 0.46), Aim("rebuilt_once", 0.2, 0.5))
    scatter = np.diag([0.06**2, 0.06**2])
    both = 0.06 * math.sqrt(5.991 / 2)  # chi-squared with two degrees of freedom
    figures = np.array([[0.58, 0.46, 0.3], [0.58 + 0.99 * both, 0.46 + 0.99 * both, 0.3], [0.58, 0.46, 0.51]])
    beyond = np.array([[0.58 + 1.01 * both, 0.46 + 1.01 * both, 0.3]])
    assert fits(figures, scatter, aims).tolist() == [True, True, False]
    assert not fits(beyond, scatter, aims)[0]


def test_misfit_is_nothing_inside_ranges_and_squared_beyond():
    aims = (Aim("quota_miss", 0.58, 0.58), Aim("rebuilt_once", 0.2, 0.5))
    assert misfit_of(np.array([0.58, 0.35]), aims) == 0.0
    assert misfit_of(np.array([0.62, 0.35]), aims) == pytest.approx(4.0)
    assert misfit_of(np.array([0.58, 0.51]), aims) == pytest.approx(4.0)  # a margin of 0.01 inside the end


def test_likelihood_is_normal_about_what_was_published_and_flat_inside_a_range():
    aims = (Aim("quota_miss", 0.58, 0.58), Aim("rebuilt_once", 0.2, 0.5))
    figures = np.array([[0.58, 0.3], [0.64, 0.3], [0.58, 0.49], [0.58, 0.51]])
    log = log_likelihood(figures, np.array([0.0, 0.0]), np.array([[0.06**2]]), aims)
    np.testing.assert_allclose(log, [0.0, -0.5, 0.0, -0.5], atol=1e-12)


def test_plausible_ranges_hold_the_defaults_of_all_calibrated_parameters():
    calibrated = {f"{row.section}.{row.name}" for row in LEDGER if row.kind == "calibrated"}
    assert calibrated == set(PLAUSIBLE) | set(TIED)
    for row in LEDGER:
        low, high = PLAUSIBLE.get(f"{row.section}.{row.name}", (row.low, row.high))
        assert row.low <= low <= row.default <= high <= row.high, row.name


# ---------------------------------------------------------------- the whole


def planted(scenario, values, seed, organizations=600):
    """Figures of a scenario with planted values, as published figures and ranges of books to fit to."""
    space = Space(with_values(scenario, values), (), seed, 2, DEFAULT_READING)
    figures = dict(zip(FIGURES, simulated_at(space, np.array([]), seed, organizations).figures.tolist(), strict=True))
    ratios = {name: math.exp(figures[name]) for name in calibration.RATIOS}
    targets = {name: (figures | ratios)[name] for name in FIGURES[:4]}
    ranges = {name: (figures[name] - 0.06, figures[name] + 0.06) for name in FIGURES[4:]}
    return targets, ranges


def test_planted_parameters_are_recovered_and_what_has_no_effect_is_named(small):
    # Where no program outlasts what every program bears, nothing depends on when patience ends.
    scenario = small.changed(world={"patience_most": 2})
    free = (*FREE, "world.patience_stop")
    values = {"world.premium_mean": 0.05, "world.share_collaboration": 3.0, "world.gross_margin": 0.5}
    targets, ranges = planted(scenario, values, seed=880_001)
    effort = SMALL._replace(candidates=128, batch=64)
    found = calibrate(scenario, free=free, targets=targets, ranges=ranges, seed=3, effort=effort, posterior=60)
    by_name = {parameter.name: parameter for parameter in found.parameters}
    assert not by_name["world.patience_stop"].identified
    for name in ("world.premium_mean", "world.gross_margin"):
        assert by_name[name].identified
    for name, value in values.items():
        assert by_name[name].low <= value <= by_name[name].high
    assert found.fitting >= len(found.posterior) >= 10


def test_an_interrupted_calibration_goes_on_where_it_ended(small, tmp_path, monkeypatch):
    whole = calibrate(small, free=FREE, seed=5, effort=TINY, posterior=3)

    def interrupt(done):
        if done == 11:
            raise KeyboardInterrupt

    folder = tmp_path / "fit"
    with pytest.raises(KeyboardInterrupt):
        calibrate(small, free=FREE, seed=5, effort=TINY, posterior=3, folder=folder, progress=interrupt)
    log = folder / "evaluations.jsonl"
    with log.open("ab") as file:
        file.write(b'{"what": {"poi')  # cut short by a power cut
    simulated = []

    def counted(*arguments):
        simulated.append(arguments)
        return simulated_at(*arguments)

    monkeypatch.setattr(calibration, "simulated_at", counted)
    assert calibrate(small, free=FREE, seed=5, effort=TINY, posterior=3, folder=folder).to_dict() == whole.to_dict()
    assert len(simulated) == whole.simulated - 11
    assert all(json.loads(line) for line in log.read_text().splitlines())


def test_what_is_fitted_to_is_told_in_the_reading_that_was_chosen(small):
    space = Space(small, (), 7, 2)
    any_increase, odds = (
        simulated_at(space._replace(reading=reading_of(text)), np.array([]), 7, 200, scatter=True)
        for text in ("chances > 0 %", "odds > 20 %")
    )
    ratio = FIGURES.index("large_spend_growth_ratio")
    told = figures_of(play_organizations([job_of(small)], 7, 0, 200), reading_of("odds > 20 %"))
    assert odds.figures[ratio] == math.log(told["large_spend_growth_ratio"])
    assert odds.figures[ratio] < any_increase.figures[ratio] - 0.1
    assert odds.scatter[ratio, ratio] > any_increase.scatter[ratio, ratio]
    others = [place for place in range(len(FIGURES)) if place != ratio]
    assert (odds.figures[others] == any_increase.figures[others]).all()
    found = calibrate(small, free=FREE, reading="odds>20", seed=5, effort=TINY, posterior=3)
    default = calibrate(small, free=FREE, seed=5, effort=TINY, posterior=3)
    assert (found.reading, default.reading) == ("odds > 20 %", str(DEFAULT_READING))
    assert found.fitted != default.fitted


def test_jobs_change_nothing(small):
    one, two = (calibrate(small, free=FREE, seed=6, effort=TINY, posterior=3, jobs=jobs) for jobs in (1, 2))
    assert one.to_dict() == two.to_dict()


def test_a_folder_of_another_calibration_is_refused(small, tmp_path):
    calibrate(small, free=FREE, seed=5, effort=TINY, posterior=3, folder=tmp_path)
    before = (tmp_path / "evaluations.jsonl").read_bytes()
    with pytest.raises(KamsimError, match="seed is 5 there, 6 here"):
        calibrate(small, free=FREE, seed=6, effort=TINY, posterior=3, folder=tmp_path)
    with pytest.raises(KamsimError, match=f"reading is {DEFAULT_READING} there, chances > 20 % here"):
        calibrate(small, free=FREE, reading="chances > 20 %", seed=5, effort=TINY, posterior=3, folder=tmp_path)
    assert (tmp_path / "evaluations.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"free": ("world.turnovr",)}, "did you mean 'world.turnover'"),
        ({"free": ("world.turnover", "world.turnover")}, "given twice"),
        ({"targets": {"quota_mis": 0.5}}, "did you mean 'quota_miss'"),
        ({"posterior": 0}, "posterior must be"),
        ({"reading": "chances > 40 %"}, "did you mean 'chances > 30 %'"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_fitted_is_said_before_anything_is_simulated(small, arguments, sentence, monkeypatch):
    monkeypatch.setattr(calibration, "simulated_at", lambda *_: pytest.fail("simulated"))
    with pytest.raises(KamsimError, match=sentence):
        calibrate(small, **({"effort": TINY} | arguments))


def test_a_scenario_that_cannot_tell_a_figure_is_refused_with_its_name(small):
    with pytest.raises(KamsimError, match="large_spend_growth_ratio cannot be told"):
        calibrate(small.changed(population={"selection": 0.0}), free=FREE, effort=TINY, posterior=3)


def test_the_command_writes_a_scenario_a_posterior_and_json(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "Effort", lambda: TINY)
    monkeypatch.setattr(calibration, "fits", lambda figures, *_: np.ones(len(figures), dtype=bool))
    out = tmp_path / "fit"
    words = ["calibrate", "--free", "world.premium_mean", "--free", "tiers.key.promise", "--posterior", "3"]
    words += ["--reading", "chances>20%"]
    result = CliRunner().invoke(main, [*words, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines()[:-1])) <= 80
    fitted = load_scenario(out / "fitted.toml")
    content = json.loads((out / "calibration.json").read_text())
    assert fitted.world.premium_mean == content["fitted"]["world.premium_mean"]
    assert fitted.tiers.ordered["strategic"].promise == content["fitted"]["tiers.strategic.promise"]
    lines = [line for line in (out / "posterior.csv").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "world.premium_mean,tiers.key.promise,tiers.strategic.promise"
    assert len(lines) == 4
    assert "--posterior=3 --seed=1 '--reading=chances > 20 %'" in (out / "posterior.csv").read_text()
    assert "Chance to grow > 20 % (1)" in result.output
    assert content["reading"] == str(read_posterior(out / "posterior.csv").reading) == "chances > 20 %"


def test_the_command_says_in_one_sentence_what_is_wrong():
    result = CliRunner().invoke(main, ["calibrate", "--free", "world.premum_mean"])
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: 'world.premum_mean' is no parameter that can be fitted; did you mean 'world.premium_mean'?\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [(["steady"], "SCENARIO"), (["--free", "world.hazard"], "--free"), (["--posterior", "100"], "--posterior")],
)
def test_what_says_nothing_to_a_fit_of_a_world_is_refused(words, said):
    result = CliRunner().invoke(main, ["calibrate", "--world", "steady", *words])
    assert (result.exit_code, result.stderr) == (2, f"Error: {said} says nothing beside --world; give one of them\n")


def test_an_interrupted_fit_of_a_world_does_not_say_that_it_goes_on(monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("kamsim.studies.calibrate_world.calibrate_world", interrupt)
    result = CliRunner().invoke(main, ["calibrate", "--world", "steady", "--out", str(tmp_path / "fit")])
    assert result.stderr.endswith("Error: interrupted; nothing was kept\n")
