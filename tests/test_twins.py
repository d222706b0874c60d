"""Twins: the same history as a single run gives, rows in order, and the same rows whatever the workers."""

import threading

import numpy as np
import pytest
from conftest import assert_same_bits, small

from kamsim.experiments import twins
from kamsim.experiments.jobs import job_of
from kamsim.experiments.twins import histories_of, look_at_twins
from kamsim.model.plan import History
from kamsim.model.session import draw_world, simulate
from kamsim.scenario import load_scenario
from kamsim.world.world import World

SIZE = {"world": {"accounts": 30}, "timeline": {"history_years": 2, "warmup_years": 1, "window_years": 2}}


def sales(world: World, histories: list[History]) -> tuple[int, list[float]]:
    return world.organization, [float(history.accounts["spend"].sum()) for history in histories]


def test_twins_have_the_histories_of_single_runs() -> None:
    scenarios = [small("full_program"), small("status_quo"), small("full_program", turnover=0.0)]
    world, histories = histories_of([job_of(scenario) for scenario in scenarios], 7, 3)
    for scenario, history in zip(scenarios, histories, strict=True):
        alone = draw_world(scenario, seed=7, organization=3)
        assert_same_bits(history, simulate(alone, scenario).history)
    assert_same_bits(tuple(world), tuple(draw_world(scenarios[0], seed=7, organization=3)))


def test_a_population_draws_the_levers_of_each_organization() -> None:
    scenario = load_scenario("population").changed(**SIZE)
    for organization in range(6):
        _, (history,) = histories_of([job_of(scenario)], 11, organization)
        world = draw_world(scenario, seed=11, organization=organization)
        assert_same_bits(history, simulate(world, scenario).history)


def test_jobs_of_one_world_share_its_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def counted(*arguments: object) -> World:
        drawn.append(1)
        return original(*arguments)  # type: ignore[arg-type]

    original = twins.draw_world
    monkeypatch.setattr(twins, "draw_world", counted)
    scenarios = [small(), small("full_program"), small(turnover=0.0)]
    histories_of([job_of(scenario) for scenario in scenarios], 1, 0)
    assert len(drawn) == 2


@pytest.mark.parametrize("organizations", [0, 1, 21])
def test_rows_come_in_order_and_are_the_same_for_any_workers(organizations: int) -> None:
    jobs = [job_of(small()), job_of(small("full_program"))]
    told: list[int] = []
    rows = look_at_twins(jobs, 5, organizations, sales, progress=told.append)
    assert rows == look_at_twins(jobs, 5, organizations, sales, workers=3)
    assert [organization for organization, _ in rows] == list(range(organizations))
    assert told == sorted(told)
    assert told[-1:] == [organizations] * (organizations > 0)
    assert len({tuple(sums) for _, sums in rows}) == organizations


def test_a_failure_ends_the_look_and_its_threads() -> None:
    seen: list[int] = []

    def fails(world: World, histories: list[History]) -> None:
        seen.append(world.organization)
        raise ArithmeticError("no luck")

    before = threading.active_count()
    with pytest.raises(ArithmeticError, match="no luck"):
        look_at_twins([job_of(small())], 1, 400, fails, workers=2)
    assert len(seen) < 20
    assert threading.active_count() == before


def test_nothing_to_look_at_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        look_at_twins([], 1, 5, sales)
    with pytest.raises(ValueError, match="at least 1"):
        look_at_twins([job_of(small())], 1, 5, sales, workers=0)
    assert np.isfinite(look_at_twins([job_of(small())], 1, 1, sales)[0][1]).all()
