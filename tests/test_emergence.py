"""What must emerge from the defaults, on seeds that tuning never saw; none of the published outcomes is an input."""

import pytest

from kamsim.analysis.survey import survey
from kamsim.evidence.published import OUTCOMES
from kamsim.scenario import load_scenario

# How far the simulated figure may be from the published one.
TOLERANCE = {
    "quota_miss": 0.04,
    "rebuilt_twice": 0.06,
    "large_spend_growth_ratio": 0.08,
    "collaboration_ratio": 0.5,
}
# Ordinary accounts, as in real books.
OBSERVED = {"year_to_year_correlation": (0.85, 0.97), "growth_sd": (0.25, 0.5)}
FRESH_SEEDS = (770_001, 770_002)


@pytest.fixture(scope="module", params=FRESH_SEEDS)
def surveyed(request):
    result = survey(load_scenario("population"), organizations=2_000, seed=request.param)
    return {figure.name: figure.simulated for figure in (*result.figures, *result.further)}


@pytest.mark.parametrize("published", OUTCOMES, ids=lambda figure: figure.name)
def test_published_outcomes_emerge_within_their_tolerance(surveyed, published):
    assert surveyed[published.name] == pytest.approx(published.value, abs=TOLERANCE[published.name])


@pytest.mark.parametrize("moment", OBSERVED)
def test_ordinary_accounts_move_as_in_real_books(surveyed, moment):
    low, high = OBSERVED[moment]
    assert low <= surveyed[moment] <= high
