"""Books simulated from known laws: `decide` takes the truly best program or says that it cannot tell.

Each supplier has parameters of one of the sets, and accounts of its own; its book is what these bought without a
program. What is truly best there is told by many futures of that very supplier. ``KAMSIM_PLANTED=200`` tries so many.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
import pytest

from kamsim.books.book import Book, read_book
from kamsim.evidence.posterior import Posterior, read_posterior
from kamsim.experiments.jobs import Job, accounts_of, job_of, play_organizations
from kamsim.measures.gain import profit_in
from kamsim.model.ensemble import simulate
from kamsim.scenario import Scenario, load_scenario
from kamsim.studies.decide import decide
from kamsim.studies.over_sets import some_of
from kamsim.studies.parameter_sets import with_set
from kamsim.studies.reference import with_reference
from kamsim.studies.settings import with_settings
from kamsim.world.customers import Future
from kamsim.world.world import draw_world, split_seed

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="thousands of runs take too long in plain Python")

BOOKS = int(os.environ.get("KAMSIM_PLANTED", "12"))
ACCOUNTS, HISTORY, FUTURES = 50, 3, 80
MONEY = 1e5  # of a median wallet
POLICIES = ("status_quo", "enterprise_and_team", "full_program")
PRICES = (
    *("world.serve_cost", "world.hour_cost", "world.support_cost", "world.elevation_cost", "world.handover_cost"),
    *("world.base_concession", "world.erosion", "tiers.key.concession", "tiers.strategic.concession"),
)


@dataclass(frozen=True)
class Told:
    """What was said of a planted book, and what is true of it."""

    sure: bool
    taken: int
    gain: Any  # (futures, policies)
    inside: float  # part of the programs whose true gain lies in the range told
    weak: bool  # whether the market that made the book is said not to foretell it

    @property
    def wrong(self) -> bool:
        """Whether another policy truly earns more than the one taken, beyond the luck of so many futures."""
        ahead = self.gain - self.gain[:, [self.taken]]
        error = ahead.std(axis=0, ddof=1) / np.sqrt(len(ahead))
        return bool((ahead.mean(axis=0) > 2.0 * error).any())


def scenarios(prices: dict[str, float]) -> list[Scenario]:
    """Policies to choose from, with prices that the supplier knows."""
    loaded = [load_scenario(name).changed(timeline={"warmup_years": 1, "window_years": 4}) for name in POLICIES]
    return with_settings(with_reference(loaded), [f"{name}={value}" for name, value in prices.items()])


def bought(jobs: list[Job], seed: int, folder: Path) -> Book:
    """The book of a supplier that had no program."""
    first = jobs[0]
    world = draw_world(seed, 0, first.parameters, first.budget, first.timeline, first.known)
    trace = simulate(world, first.policy, first.parameters, first.timeline, trace=True).trace
    assert trace is not None
    spend = MONEY * trace.accounts["spend"][: 4 * HISTORY]
    quarter, account = np.nonzero(spend)
    rows = {
        "account_id": [f"A{number}" for number in account],
        "quarter": [f"{2020 + number // 4}Q{number % 4 + 1}" for number in quarter],
        "spend": spend[quarter, account].round(2),
    }
    pd.DataFrame(rows).to_csv(folder / "planted.csv", index=False)
    return read_book(folder / "planted.csv")


def truth(jobs: list[Job], seed: int) -> Any:
    """What each policy earns against the first, in many futures of the supplier: (futures, policies)."""
    found = []
    for number in range(FUTURES):
        future = Future(*split_seed(990_000 + number), 4 * HISTORY)
        there = [job._replace(future=future) for job in jobs]
        profit = profit_in(accounts_of(play_organizations(there, seed, 0, 1), there))[0]
        found.append(MONEY * (profit - profit[0]))
    return np.array(found)


@cache
def sets() -> Posterior:
    return some_of(read_posterior(), 12)


def told(number: int, folder: Path) -> Told:
    generator = np.random.default_rng([5, number])
    values = sets().values[int(generator.integers(len(sets().values)))]
    own = dict(zip(sets().names, values, strict=True))
    # Prices that differ much between suppliers make for books with clear answers; some suppliers do not know theirs.
    prices: dict[str, float] = {"world.gross_margin": round(float(generator.uniform(0.15, 0.95)), 3)}
    prices |= {name: own[name] for name in PRICES} if number % 3 else {}
    policies = scenarios(prices)
    true = [
        with_set(one, sets().names, values).changed(world={"accounts": ACCOUNTS}, timeline={"history_years": HISTORY})
        for one in policies
    ]
    jobs = [job_of(one) for one in true]
    book = bought(jobs, 10_000 + number, folder)
    decision = decide(policies, sets(), book, cases=4, seed=number + 1, jobs=1, anyway=True)
    gain = truth(jobs, 10_000 + number)
    mean = gain.mean(axis=0)
    inside = [
        choice.value.low <= mean[place] <= choice.value.high for place, choice in enumerate(decision.choices) if place
    ]
    taken = [choice.scenario for choice in decision.choices].index(decision.recommended)
    return Told(decision.sure, taken, gain, float(np.mean(inside)), bool(decision.weak))


def test_a_planted_book_is_never_confidently_decided_wrongly_in_more_than_one_of_twenty(tmp_path: Path) -> None:
    found = [told(number, tmp_path) for number in range(BOOKS)]
    confidently_wrong = sum(one.sure and one.wrong for one in found)
    assert confidently_wrong <= max(1, 0.05 * BOOKS), f"{confidently_wrong} of {BOOKS}"
    assert np.mean([one.weak for one in found]) <= 0.1
    assert any(one.sure for one in found)
    assert not all(one.sure for one in found)
    # What is taken is the truly best far more often than one of four policies would be by chance.
    assert np.mean([not one.wrong for one in found]) > 0.5
    assert np.mean([one.inside for one in found]) == pytest.approx(0.95, abs=0.03 + 1.5 / np.sqrt(3 * BOOKS))
