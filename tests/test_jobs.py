"""Jobs: which of them share a world, and that what they are made of goes by its name."""

import time

import numpy as np
import pytest
from conftest import small

from kamsim.compiler import fields_of
from kamsim.experiments.jobs import Job, job_of, play_organizations, shared_worlds
from kamsim.policy.policy import Levers
from kamsim.scenario import LEVERS


def same_world(one: Job, other: Job) -> bool:
    return (
        one.parameters.tobytes() == other.parameters.tobytes()
        and (one.budget, one.timeline) == (other.budget, other.timeline)
        and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one.known, other.known, strict=True))
    )


def compared_one_by_one(jobs: list[Job]) -> list[list[int]]:
    groups: list[list[int]] = []
    for place, job in enumerate(jobs):
        group = next((group for group in groups if same_world(jobs[group[0]], job)), None)
        if group is None:
            groups.append([place])
        else:
            group.append(place)
    return groups


def test_jobs_share_a_world_where_all_that_describes_it_is_the_same() -> None:
    random = np.random.default_rng(5)
    jobs = []
    for _ in range(60):
        scenario = small(
            str(random.choice(["status_quo", "full_program"])),
            timeline={"history_years": 2, "warmup_years": 1, "window_years": int(random.integers(2, 4))},
            accounts=int(random.integers(30, 32)),
            turnover=float(random.choice([0.02, 0.03])),
        )
        job = job_of(scenario)
        spend = job.known.annual_spend.copy()
        spend[3] = random.choice([np.nan, 0.0, -0.0, 2.0])
        jobs.append(job._replace(known=job.known._replace(annual_spend=spend)))
    groups = shared_worlds(jobs)
    assert groups == compared_one_by_one(jobs)
    assert 10 < len(groups) < 60


def test_many_worlds_are_told_apart_without_comparing_each_with_all() -> None:
    job = job_of(small())
    jobs = [job._replace(budget=job.budget._replace(capacity=float(number))) for number in range(20_000)]
    before = time.process_time()
    assert len(shared_worlds(jobs)) == len(jobs)
    assert time.process_time() - before < 10  # a fifth of a second; comparing each with all takes some minutes


@pytest.mark.parametrize("name", ["population", "full_program"])
def test_levers_are_told_by_their_names(name: str) -> None:
    scenario = small(name)
    (table,) = play_organizations([job_of(scenario)], 1, 0, 3)
    expected = [scenario.lever_strengths()[lever] for lever in LEVERS]
    assert table.levers.shape == (3, len(LEVERS))
    if scenario.population is None:
        assert table.levers.tolist() == [expected] * 3
    else:
        assert set(np.unique(table.levers)) <= {0.0, 1.0}


def test_fields_are_read_in_the_order_asked_for() -> None:
    assert fields_of(("retiering", "selection"))(Levers(0.1, 0.2, 0.3, 0.4, retier_by_spend=True)) == (0.4, 0.1)
