"""What must emerge from the defaults, on seeds that tuning never saw; none of the published outcomes is an input."""

import math

import numpy as np
import pytest

from kamsim.evidence.posterior import read_posterior
from kamsim.evidence.published import OUTCOMES
from kamsim.scenario import load_scenario, with_values
from kamsim.studies.calibrate import AIMS, FIGURES, RANGES, RATIOS, Space, fits, simulated_at
from kamsim.studies.survey import survey

# How far the simulated figure may be from the published one.
TOLERANCE = {
    "quota_miss": 0.04,
    "rebuilt_twice": 0.06,
    "large_spend_growth_ratio": 0.08,
    "collaboration_ratio": 0.4,
}
REBUILT_ONCE = (0.75, 0.88)  # .79 to .84, +- .04
FRESH_SEEDS = (770_001, 770_002)


@pytest.fixture(scope="module", params=FRESH_SEEDS)
def surveyed(request):
    result = survey(
        load_scenario("population"), organizations=2_000, seed=request.param, reading=str(read_posterior().reading)
    )
    return {figure.name: figure for figure in (*result.figures, *result.further)}


@pytest.mark.parametrize("published", OUTCOMES, ids=lambda figure: figure.name)
def test_published_outcomes_emerge_within_their_tolerance(surveyed, published):
    assert surveyed[published.name].simulated == pytest.approx(published.value, abs=TOLERANCE[published.name])


def test_programs_are_rebuilt_once_as_often_as_was_published(surveyed):
    low, high = REBUILT_ONCE
    assert low <= surveyed["rebuilt_once"].simulated <= high


@pytest.mark.parametrize("published", OUTCOMES, ids=lambda figure: figure.name)
def test_published_outcomes_are_inside_what_a_survey_of_that_size_would_find(surveyed, published):
    figure = surveyed[published.name]
    assert figure.low <= published.value <= figure.high


@pytest.mark.parametrize("seed", FRESH_SEEDS)
def test_the_programs_of_a_population_pay_against_none(seed):
    space = Space(load_scenario("population"), (), seed, 2)
    simulated = dict(zip(FIGURES, simulated_at(space, np.array([]), seed, 600).figures.tolist(), strict=True))
    assert simulated["gain_of_programs"] > RANGES["gain_of_programs"][0]


def test_most_sets_of_the_shipped_posterior_fit_on_fresh_seeds():
    """Each fitted on the seeds it was kept by; near the edge of the region another seed drops some.

    What is told as a range is narrower than the luck of so many organizations, so that it has its tolerance here.
    """
    posterior, population, seed = read_posterior(), load_scenario("population"), FRESH_SEEDS[0]

    def simulated(scenario, scatter=False):
        return simulated_at(Space(scenario, (), seed, 2, posterior.reading), np.array([]), seed, 480, scatter)

    scatter = simulated(population, scatter=True).scatter
    sets = [dict(zip(posterior.names, values, strict=True)) for values in posterior.values[:40]]
    found = np.array([simulated(with_values(population, values)).figures for values in sets])
    within = [
        aim._replace(low=REBUILT_ONCE[0], high=REBUILT_ONCE[1]) if aim.name == "rebuilt_once" else aim for aim in AIMS
    ]
    assert fits(found, scatter, within).mean() >= 0.8


@pytest.mark.parametrize("seed", FRESH_SEEDS[:1])
def test_sets_of_the_shipped_posterior_bring_the_published_outcomes_forth(seed):
    """Their mean is within a survey's sampling error of what was published."""
    posterior, population = read_posterior(), load_scenario("population")
    found = []
    for values in posterior.values[:30]:
        scenario = with_values(population, dict(zip(posterior.names, values, strict=True)))
        space = Space(scenario, (), seed, 2, posterior.reading)
        found.append(simulated_at(space, np.array([]), seed, 150).figures)
    error = {"quota_miss": 0.116, "rebuilt_twice": 0.118, RATIOS[0]: 0.13, RATIOS[1]: 0.2}  # 1.96 sd, survey of 69
    for column, published in enumerate(OUTCOMES):
        aim = math.log(published.value) if published.name in RATIOS else published.value
        assert abs(np.mean(found, axis=0)[column] - aim) <= error[published.name], published.name
