"""One set of rules, two drivers: the Mesa model and the compiled ensemble agree to the last bit.

The ensemble notes a quarter before the year-end that follows it, so `Watched` notes the Mesa agents there too: after
`step()`, and before `close_year()` in every fourth quarter.
"""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pytest
from conftest import assert_same_bits, at_the_ends, examples, scenarios, seeds, small
from hypothesis import given
from hypothesis import strategies as st

from kamsim import Account, Function, KeyAccountManager, KeyAccountProgram, Scenario, draw_world, read_book, simulate
from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.model.plan import Trace, empty_trace
from kamsim.policy.policy import Intervention
from kamsim.rules.tiering import NO_CUSTOMER
from kamsim.scenario import scenario_folder, shipped_scenarios

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE_BOOK = scenario_folder() / "example_book.csv"


class Watched(KeyAccountProgram):
    """The Mesa model, noting its agents' state after every quarter as the trace of the ensemble does."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        quarters, born = 4 * self.timeline.years, self.world.accounts
        self.seen: Trace = empty_trace(quarters, len(born), len(self.kams), len(self.functions))
        # Whoever has not come yet stands there as it will come.
        for field in ("share", "trust"):
            self.seen.accounts[field] = born[field]
        self.seen.accounts["expectation"] = self.promise[0]
        self.seen.accounts["tier"] = self.seen.accounts["kam"] = NO_CUSTOMER
        self.first_book = [account for account in self.accounts if account.number < self.world.first]
        self.leaving: list[Account] = []
        self.gone: list[int] = []

    def step(self) -> None:
        super().step()
        if self.quarter % 4 < 3:
            self.note()

    def close_year(self) -> None:
        self.note()
        super().close_year()

    def release_accounts(self) -> None:
        self.leaving = [account for account in self.accounts if not account.alive]
        super().release_accounts()
        assert all(account.alive for account in self.accounts)
        assert not set(self.leaving) & set(self.agents)

    def note(self) -> None:
        # Whoever is gone stays as it left and buys nothing; its place in the program it keeps until the year's end.
        gone = self.seen.accounts[self.quarter - 1, self.gone]
        for field in ("spend", "hours", "collaboration"):
            gone[field] = 0.0
        if self.quarter % 4 == 0:
            gone["tier"] = gone["kam"] = NO_CUSTOMER
        self.seen.accounts[self.quarter, self.gone] = gone
        self.gone += [account.number for account in self.leaving]
        for account in (*self.accounts, *self.leaving):
            noted = self.seen.accounts[self.quarter, account.number]
            for field in ("spend", "share", "trust", "expectation", "collaboration", "hours", "tier"):
                setattr(noted, field, getattr(account, field))
            noted.kam = account.kam.number if account.kam else -1
        for function in self.functions:
            noted = self.seen.functions[self.quarter, function.number]
            noted.granted = min(function.asked, function.available)
            noted.available, noted.alignment = function.available, function.alignment
        for kam in self.kams:
            self.seen.tie[self.quarter, kam.number] = kam.ties


def agree(
    scenario: Scenario,
    seed: int,
    organization: int = 0,
    book: Book | None = None,
    intervention: Intervention | None = None,
) -> Watched:
    """Play both drivers and hold them against each other, quarter by quarter and year by year."""
    named: dict[str, Any] = {"seed": seed, "organization": organization}
    model = Watched(scenario, book=book, intervention=intervention, **named)
    model.run_model()
    run = simulate(draw_world(scenario, book=book, **named), scenario, trace=True, intervention=intervention)
    assert_same_bits(model.seen, run.trace)
    assert_same_bits(model.history, run.history)
    return model


@pytest.mark.parametrize("name", shipped_scenarios())
def test_both_drivers_agree_in_every_shipped_scenario(name: str) -> None:
    scenario = small(name)
    for seed in range(4):
        agree(scenario, seed, organization=seed)


def test_the_runs_compared_hold_all_that_can_happen() -> None:
    """Agreement means something only where there is something of each kind to agree on."""
    world = {"capacity_per_seat": 0.3, "hazard": 0.05, "hazard_size": 0.0, "patience_least": 2, "patience_most": 2}
    scenario = small("full_program", timeline={"window_years": 12}, **world)
    # Read by its margin alone, about half of the program is unhealthy in any year, whatever the fit.
    policy = {"health_trust": 0.0, "retiering_share": 1.0, "managed_downtiering": 1.0, "managed_hours": 1.0}
    model = agree(scenario.changed(policy=policy), 3)
    tier, spend = model.history.accounts["tier"], model.history.accounts["spend"]
    assert model.history.years["rebuilt"].any()
    assert model.history.departures.any()
    for field in ("elevation_cost", "handover_cost"):
        assert model.history.years[field].any()
    # Key accounts demoted and elevated, one by a step; key accounts and others that leave; accounts that come.
    assert ((tier[:-1] > 0) & (tier[1:] == 0)).any()
    assert ((tier[:-1] == 0) & (tier[1:] > 0)).sum() > (tier[2] > 0).sum()
    assert ((tier[:-1] == 2) & (tier[1:] == 1)).any()
    for before in (tier[:-1] > 0, tier[:-1] == 0):
        assert (before & (tier[1:] == NO_CUSTOMER)).any()
    assert ((tier[:-1] == NO_CUSTOMER) & (tier[1:] == 0)).any()
    assert (spend[tier == 0] == 0).any()
    invested = model.history.accounts["investment"]
    assert (invested[tier == 0] > 0).any()  # hours kept for accounts handed down
    asked_too_much = model.seen.functions["granted"] == model.seen.functions["available"]
    assert (asked_too_much & (model.seen.functions["available"] > 0)).any()


@pytest.mark.parametrize("name", shipped_scenarios())
def test_both_drivers_agree_on_a_whole_organization(name: str) -> None:
    agree(small(name, timeline={"warmup_years": 3, "window_years": 7}, accounts=150, accounts_per_kam=4.0), 2**63 + 11)


INTERVENTIONS = (
    Intervention(set_collaboration=0.6),
    Intervention(ceiling_reach=10.0),
    Intervention(quota_without_luck=True),
    Intervention(tiers_served_alike=True),
    Intervention(judged_without_luck=True),
    Intervention(most_rebuilds=0),
    Intervention(most_rebuilds=1),
    Intervention(0.1, 2.0, True, True, True, 2),
)


@pytest.mark.parametrize("intervention", INTERVENTIONS, ids=str)
def test_both_drivers_agree_in_twins_which_differ_from_what_was(intervention: Intervention) -> None:
    scenario = small("full_program", capacity_per_seat=0.2, share_base=0.7, share_collaboration=1.5)
    differ = False
    for seed in range(3, 9):
        model = agree(scenario, seed, intervention=intervention)
        factual = simulate(model.world, scenario).history
        differ |= model.history.years.tobytes() != factual.years.tobytes()
    assert differ


@examples(60)
@given(scenarios(), seeds(), st.integers(0, 2**32 - 1))
def test_both_drivers_agree_in_random_scenarios(scenario: Scenario, seed: int, organization: int) -> None:
    agree(scenario, seed, organization)


@examples(60)
@given(at_the_ends(), seeds())
def test_both_drivers_agree_at_the_ends_of_all_ranges(scenario: Scenario, seed: int) -> None:
    agree(scenario, seed)


@pytest.mark.parametrize("name", ["status_quo", "full_program", "spend_retiering"])
def test_both_drivers_agree_on_a_real_book(name: str) -> None:
    book = read_book(EXAMPLE_BOOK)
    model = agree(small(name), 1, book=book)
    assert tuple(account.label for account in model.first_book) == book.account_id
    labels = {account.label for account in model.accounts if account.number >= len(book.account_id)}
    assert labels
    assert all(label.startswith("new ") for label in labels)


# ---------------------------------------------------------------- with the compiler off


def fingerprints() -> dict[str, str]:
    """Hashes of what both drivers leave behind in a few worlds."""
    found = {}
    book = read_book(EXAMPLE_BOOK)
    played: list[tuple[str, Book | None]] = [(name, None) for name in shipped_scenarios()] + [("full_program", book)]
    for name, of_book in played:
        scenario, seed = small(name, accounts=24, timeline={"window_years": 2}), 2**64 - 5
        world = draw_world(scenario, seed=seed, book=of_book)
        run = simulate(world, scenario, trace=True)
        model = KeyAccountProgram(scenario, seed=seed, book=of_book)
        model.run_model()
        label = f"{name}{' on a book' if of_book else ''}"
        found |= {f"world, {label}": _hash(world), f"trace, {label}": _hash(run.trace)}
        found |= {f"ensemble, {label}": _hash(run.history), f"mesa, {label}": _hash(model.history)}
    return found


def _hash(arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        whole = np.asarray(array)
        for name in whole.dtype.names or [None]:
            digest.update((whole if name is None else whole[name]).tobytes())
    return digest.hexdigest()


def test_both_drivers_do_the_same_with_the_compiler_off() -> None:
    off = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert off.returncode == 0, off.stderr
    without, compiled = json.loads(off.stdout), fingerprints()
    assert without == compiled
    for label in [label for label in compiled if label.startswith("mesa")]:
        assert compiled[label] == compiled[label.replace("mesa", "ensemble")]


# ---------------------------------------------------------------- a Mesa model like any other


def test_the_model_and_its_agents_have_the_types_of_mesa() -> None:
    model = KeyAccountProgram(small(arrival=0.0), seed=1)
    assert isinstance(model, mesa.Model)
    assert model.agent_types == [Account, KeyAccountManager, Function]
    for agents, kind in ((model.accounts, Account), (model.kams, KeyAccountManager), (model.functions, Function)):
        assert isinstance(agents, mesa.agent.AgentSet)
        assert all(isinstance(agent, kind) and isinstance(agent, mesa.Agent) for agent in agents)
        assert [agent.number for agent in agents] == list(range(len(agents)))
    assert len(model.agents) == 40 + 3 + 4


def test_agent_sets_select_group_and_aggregate_as_in_any_mesa_model() -> None:
    model = KeyAccountProgram(small(), seed=1)
    for _ in range(12):
        model.step()
    assert len(model.key_accounts) + len(model.standard_accounts) == len(model.accounts)
    trusting = model.accounts.select(lambda account: account.trust > 0.5)
    assert 0 < len(trusting) < len(model.accounts)
    assert model.accounts.agg("spend", max) == max(account.spend for account in model.accounts)
    assert model.accounts.groupby("tier").count()[0] == len(model.standard_accounts)
    assert model.kams.get("portfolio")[0][0].manager is next(iter(model.kams))


def test_the_data_collector_tells_every_quarter() -> None:
    model = KeyAccountProgram(small(), seed=1)
    model.run_model()
    table = model.datacollector.get_model_vars_dataframe()
    assert table["quarter"].tolist() == list(range(24))
    spend = table["revenue"].to_numpy().reshape(6, 4).sum(axis=1) / model.money
    np.testing.assert_allclose(spend, model.history.accounts["spend"].sum(axis=1), rtol=1e-12)
    key = table["key_revenue"].to_numpy().reshape(6, 4).sum(axis=1) / model.money
    np.testing.assert_allclose(key, model.history.years["key_revenue"], rtol=1e-12)


def test_a_data_collector_of_ones_own_works() -> None:
    class Collecting(KeyAccountProgram):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.datacollector = mesa.DataCollector(
                {"customers": lambda model: len(model.accounts)},
                agenttype_reporters={Account: {"trust": "trust"}},
            )

    model = Collecting(small(), seed=1)
    model.run_model()
    customers = model.datacollector.get_model_vars_dataframe()["customers"]
    assert customers[0] == (model.world.accounts["arrives"] == 0).sum()
    assert customers.min() > 0
    assert len(model.datacollector.get_agenttype_vars_dataframe(Account)) == customers.sum()


def test_a_run_ends_with_its_timeline() -> None:
    model = KeyAccountProgram(small(), seed=1)
    steps = 0
    while model.running:
        model.step()
        steps += 1
    assert steps == 24
    assert model.year == 5


def test_a_step_past_the_end_says_so_and_changes_nothing() -> None:
    model = KeyAccountProgram(small(), seed=1)
    model.run_model()
    before = [array.tobytes() for array in model.history]
    with pytest.raises(KamsimError, match="all 24 quarters of status_quo are played; make another model"):
        model.step()
    assert [array.tobytes() for array in model.history] == before
    assert (model.quarter, model.year) == (23, 5)


def test_a_pickled_model_goes_on_as_the_model_itself() -> None:
    model = KeyAccountProgram(small("full_program"), seed=1)
    for _ in range(13):
        model.step()
    other = pickle.loads(pickle.dumps(model))
    model.run_model()
    other.run_model()
    assert_same_bits(other.history, model.history)
    assert other.datacollector.get_model_vars_dataframe().equals(model.datacollector.get_model_vars_dataframe())
    assert next(iter(other.accounts)).model is other


def test_rng_names_the_world_as_seed_does() -> None:
    one, other = KeyAccountProgram(small(), seed=2**64 - 1), KeyAccountProgram(small(), rng=2**64 - 1)
    assert_same_bits(one.world, other.world)
    assert one.random.random() == other.random.random()
    assert one.rng.random() == other.rng.random()
    with pytest.raises(KamsimError, match="both name the market scenario"):
        KeyAccountProgram(small(), seed=1, rng=1)


def test_a_model_keeps_its_scenario_whatever_mesa_means_by_the_word() -> None:
    scenario = small()
    model = KeyAccountProgram(scenario, seed=1)
    assert model.scenario is scenario
    with pytest.raises(KamsimError, match="make another model"):
        model.scenario = small("full_program")
    assert model.scenario is scenario


def test_an_account_that_judges_otherwise_changes_the_results() -> None:
    class Contented(Account):
        def judge_service(self) -> None:
            self.trust = 1.0

    usual, contented = (
        KeyAccountProgram(small(turnover=0.0, hazard=0.0), seed=1, account_class=kind) for kind in (Account, Contented)
    )
    usual.run_model()
    contented.run_model()
    served = contented.history.accounts["tier"] > 0
    assert served.any()
    assert (contented.history.accounts["trust"][served] == 1.0).all()
    assert contented.history.years["key_revenue"][-1] > usual.history.years["key_revenue"][-1]
    np.testing.assert_array_equal(usual.history.accounts[:2], contented.history.accounts[:2])


def test_managers_and_functions_can_be_replaced_too() -> None:
    class Loyal(KeyAccountManager):
        def consider_leaving(self) -> None:
            return

    class Generous(Function):
        def grant_support(self) -> None:
            super().grant_support()
            self.fraction = [1.0 for _ in self.fraction]

    model = KeyAccountProgram(small(), seed=1, kam_class=Loyal, function_class=Generous)
    usual = KeyAccountProgram(small(), seed=1)
    model.run_model()
    usual.run_model()
    assert not model.history.departures.any()
    assert usual.history.departures.any()
    assert all(type(kam) is Loyal for kam in model.kams)
    assert all(type(function) is Generous for function in model.functions)


if __name__ == "__main__":
    print(json.dumps(fingerprints()))
