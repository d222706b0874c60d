"""Worlds without a program against the facts of real books, in organizations that nothing was fitted to."""

import pytest

from kamsim.scenario import load_scenario
from kamsim.studies.calibrate_world import facts_of_world, ranges_of, told

SEED = 2026  # of no fit
ORGANIZATIONS = 300
SCENARIOS = {"default": "status_quo", "steady": "steady", "lively": "lively"}

# Facts outside of their range, two bootstrap errors allowed for, with what the world has instead. The default has no
# season by choice; no world has seasons of single accounts, which bring quarterly growth back after four quarters. The
# lively book is two years long, so its facts are points, and its deciles differ in more than what size tells.
MISSED = {
    "default": {
        "quarterly_autocorrelation_4": 0.0035,
        "season_1": 0.9904,
        "season_4": 1.0108,
    },
    "steady": {
        "new": 0.077,
        "empty_quarters_decile_1": 0.2651,
        "growth_sd": 0.3937,
        "growth_median_decile_1": 0.1779,
        "quarterly_autocorrelation_4": 0.0044,
        "log_sd": 1.5887,
        "buyers_over_run": 1.0551,
    },
    "lively": {
        "retained_decile_4": 0.5639,
        "retained_decile_10": 0.9121,
        "new_decile_7": 0.3244,
        "empty_quarters_decile_1": 0.7423,
        "growth_sd": 0.9016,
        "growth_sd_decile_1": 0.734,
        "growth_median_decile_1": 0.289,
        "quarterly_autocorrelation_4": 0.0014,
        "gini": 0.6631,
    },
}


@pytest.mark.parametrize("kind", SCENARIOS)
def test_all_facts_but_those_named_are_in_the_range_of_books(kind: str) -> None:
    nobody = {"key": {"seats": 0}, "strategic": {"seats": 0}}
    scenario = load_scenario(SCENARIOS[kind]).changed(tiers={"ordered": nobody})
    facts = told(facts_of_world(scenario, SEED, ORGANIZATIONS, workers=2), ranges_of(kind))
    missed = {fact.name: fact.value for fact in facts if not fact.holds}
    assert missed == pytest.approx(MISSED[kind], abs=0.001)
