"""The shipped program that beats what is compared: found among all that were left out, in the same world."""

import math
from typing import Any

import pytest
from conftest import SHORT

from kamsim.evidence.posterior import read_posterior
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.measures.gain import SALES
from kamsim.measures.profit import TERMS
from kamsim.scenario import LEVERS, Scenario, load_scenario, shipped_scenarios
from kamsim.studies.best_program import best_program, programs_left_out
from kamsim.studies.bridge import TOTAL
from kamsim.studies.compare import compare
from kamsim.studies.over_sets import some_of
from kamsim.studies.reference import elevates, with_reference

WORLD = {"accounts": 40, "accounts_per_kam": 2.0}


def small(*names: str, **sections: Any) -> list[Scenario]:
    given = [load_scenario(name).changed(world=WORLD, timeline=SHORT, **sections) for name in names]
    return with_reference(given)


def test_all_shipped_programs_that_choose_otherwise_are_tried_in_the_same_world() -> None:
    compared = small("status_quo", "full_program")
    left_out = programs_left_out(compared)
    names = [one.name for one in left_out]
    assert {"enterprise_selection", "cross_functional_alignment", "spend_retiering"} <= set(names)
    # No program, a population, and other worlds with the program of most are none.
    assert not {"no_program", "population", "steady", "lively", "status_quo", "full_program"} & set(names)
    for one in left_out:
        assert (one.world, one.timeline) == (compared[0].world, compared[0].timeline)
        assert elevates(one)
        shipped = load_scenario(one.name)
        assert (one.tiers, one.policy, one.rebuild) == (shipped.tiers, shipped.policy, shipped.rebuild)


def test_a_program_by_strengths_is_the_one_by_presets() -> None:
    strengths = dict.fromkeys(LEVERS, 1.0)
    compared = with_reference([load_scenario("status_quo").changed(name="mine", policy=strengths)])
    names = [one.name for one in programs_left_out(compared)]
    assert "full_program" not in names
    assert "status_quo" in names


def test_what_was_set_for_the_run_is_set_for_them_too() -> None:
    changed = {"tiers": {"ordered": {"key": {"seats": 5}}}, "policy": {"ratchet": 0.5}}
    compared = small("status_quo", **changed, fixed=["tiers.key.seats", "policy.ratchet", "world.accounts"])
    for one in programs_left_out(compared):
        assert (one.tiers.ordered["key"].seats, one.policy.ratchet) == (5, 0.5)


def test_none_is_named_for_populations_or_worlds_apart() -> None:
    assert programs_left_out(small("population")) == []
    apart = load_scenario("full_program").changed(name="apart", world={"accounts": 41})
    assert programs_left_out([*small("status_quo"), apart]) == []
    everything = with_reference([load_scenario(name) for name in shipped_scenarios() if name != "population"])
    assert best_program(everything[:1] + programs_left_out(everything[:1]), "no_program", None) is None


def test_the_one_that_earns_most_is_found_as_a_comparison_finds_it() -> None:
    compared = small("status_quo")
    found = best_program(compared, "status_quo", None, worlds=30, seed=4, workers=2)
    assert found is not None
    every = [compared[1], *programs_left_out(compared)]
    bridge = compare([compared[0], *every], replications=30, seed=4).bridge
    gains = {row.scenario: row.points for row in bridge if row.term == TOTAL and row.scenario != "status_quo"}
    assert found.name == max(gains, key=lambda name: gains[name])
    # What it earns is told of the 30 worlds after those that chose it.
    jobs = [job_of(one) for one in (*compared, next(one for one in every if one.name == found.name))]
    nobody, rival, best = (table.account for table in play_organizations(jobs, 4, 30, 30))
    earned = (best[:, : len(TERMS)].sum(axis=1) - rival[:, : len(TERMS)].sum(axis=1)).mean()
    assert found.points == pytest.approx(100 * earned / nobody[:, SALES].mean(), rel=1e-9)
    assert found.tried == len(gains)
    assert found.verdict == ""
    assert math.isnan(found.ahead)


def test_over_parameter_sets_it_is_held_against_the_best_of_those_compared() -> None:
    compared, posterior = small("status_quo"), some_of(read_posterior(), 6)
    found = best_program(compared, "status_quo", posterior, worlds=20, worlds_a_set=5, seed=4)
    assert found is not None
    rival_first = [compared[1], next(one for one in programs_left_out(compared) if one.name == found.name)]
    rows = compare(with_reference([compared[0], *rival_first], "status_quo"), posterior, replications=6, seed=4)
    assert rows.worlds_a_set == 5
    (row,) = (row for row in rows.measures if (row.scenario, row.measure) == (found.name, "total_profit"))
    (total,) = (row for row in rows.bridge if (row.scenario, row.term) == (found.name, TOTAL))
    assert found.ahead == row.better
    assert (found.sets_low, found.sets_high) == pytest.approx((total.sets_low, total.sets_high))
    assert found.verdict == row.verdict
