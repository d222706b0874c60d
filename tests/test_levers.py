"""No lever gains or loses by an artefact: what information, strength and costs do to what a lever is worth."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamsim import Scenario, load_scenario, read_posterior
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import TERMS, Account
from kamsim.scenario import with_values
from kamsim.types import Floats

SEED = 20_261_128  # of no fit
WORLDS = 150
NOISE = 2.5  # standard errors of a paired difference

# As advised, and what managers read with error to pull each of the levers.
ADVISED: dict[str, object] = {
    "selection": "enterprise",
    "alignment": "cross_functional",
    "boundaries": "bilateral",
    "retiering": "performance",
}
READ_WITH_ERROR = {
    "selection": ("world.observation_noise", "world.fit_noise", "world.cost_noise", "world.cost_noise_team"),
    "alignment": ("world.observation_noise", "world.fit_noise", "world.cost_noise", "world.cost_noise_team"),
    "boundaries": ("world.fit_noise", "world.fit_noise_bilateral", "world.will_noise"),
    "retiering": ("world.trust_noise",),
}
# What only a lever that is pulled can bring to bear.
OF_LEVERS_ALONE: dict[str, tuple[float, float]] = {
    "world.fit_noise_bilateral": (0.0, 1.0),
    "world.will_noise": (0.0, 1.0),
    "world.cost_noise_team": (0.0, 1.0),
    "world.error_in_common": (0.0, 1.0),
    "world.trust_noise": (0.0, 1.0),
    "world.observation_noise": (0.0, 1.0),
    "world.fit_noise": (0.0, 1.0),
    "world.cost_noise": (0.0, 1.0),
    "policy.team_alignment": (0.0, 0.9),
    "policy.team_fatigue_relief": (0.0, 1.0),
    "policy.ambition_slope": (0.0, 10.0),
    "policy.ambition_least": (0.05, 1.0),
    "policy.ambition_most": (1.0, 5.0),
    "policy.retiering_share": (0.0, 1.0),
    "policy.health_threshold": (-5.0, 5.0),
    "policy.health_trust": (0.0, 10.0),
    "policy.health_margin": (0.0, 10.0),
    "policy.recovery_hours": (1.0, 5.0),
    "policy.managed_saves": (0.0, 1.0),
    "policy.managed_hours": (0.0, 1.0),
}


def accounts(scenarios: list[Scenario], worlds: int = WORLDS, seed: int = SEED) -> Floats:
    """What each scenario earned and paid in the same worlds: (worlds, scenarios, amounts)."""
    tables = play_organizations([job_of(scenario) for scenario in scenarios], seed, 0, worlds)
    return np.stack([table.account for table in tables], axis=1)


def total(amounts: Floats) -> Floats:
    """Total profit, in points of mean sales of the first scenario."""
    sales = amounts[:, 0, Account._fields.index("sales")].mean()
    return np.asarray(100.0 * amounts[..., : len(TERMS)].sum(axis=-1) / sales)


def pulled(lever: str, strength: float = 1.0, base: Scenario | None = None) -> Scenario:
    scenario = base or load_scenario("status_quo")
    return with_values(scenario, {f"policy.{lever}": ADVISED[lever] if strength == 1.0 else strength})


def parameter_sets() -> list[dict[str, float]]:
    """The best fit, and some sets of the posterior."""
    posterior = read_posterior()
    return [{}, *(dict(zip(posterior.names, map(float, values), strict=True)) for values in posterior.values[:3])]


def is_less(difference: Floats) -> bool:
    """Whether a paired difference is below 0 by more than noise."""
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return bool(difference.mean() < -NOISE * error)


@pytest.mark.parametrize("values", parameter_sets(), ids=["best", "set 1", "set 2", "set 3"])
@pytest.mark.parametrize("lever", ADVISED)
def test_better_information_makes_no_lever_worse(lever: str, values: dict[str, float]) -> None:
    scenario = with_values(pulled(lever), values)
    knowing = with_values(scenario, dict.fromkeys(READ_WITH_ERROR[lever], 0.0))
    profit = total(accounts([scenario, knowing]))
    assert not is_less(profit[:, 1] - profit[:, 0]), float((profit[:, 1] - profit[:, 0]).mean())


@settings(max_examples=12, deadline=None)
@given(values=st.fixed_dictionaries({name: st.floats(*ends) for name, ends in OF_LEVERS_ALONE.items()}))
def test_levers_of_no_strength_are_exactly_the_reference_whatever_they_would_do(values: dict[str, float]) -> None:
    reference = load_scenario("status_quo")
    without: Any = with_values(reference, {f"policy.{lever}": 0.0 for lever in ADVISED})
    played = accounts([reference, without, with_values(without, values)], worlds=4)
    assert np.array_equal(played[:, 0], played[:, 1])
    assert np.array_equal(played[:, 0], played[:, 2])


@pytest.mark.parametrize("lever", ADVISED)
def test_strengths_between_bring_what_lies_between(lever: str) -> None:
    strengths = (0.0, 0.25, 0.5, 0.75, 1.0)
    profit = total(accounts([pulled(lever, strength) for strength in strengths], worlds=2 * WORLDS))
    lower, upper = (0, -1) if profit[:, -1].mean() >= profit[:, 0].mean() else (-1, 0)
    for place in range(1, len(strengths) - 1):
        assert not is_less(profit[:, place] - profit[:, lower]), strengths[place]
        assert not is_less(profit[:, upper] - profit[:, place]), strengths[place]


@pytest.mark.parametrize("lever", ADVISED)
def test_no_lever_is_free_of_costs(lever: str) -> None:
    """Each moves what is paid for service, elevations or handovers, in nearly all worlds where it moves anything."""
    amounts = accounts([load_scenario("status_quo"), pulled(lever)])
    costs = [Account._fields.index(name) for name in ("service", "elevations", "handovers")]
    difference = np.abs(amounts[:, 1] - amounts[:, 0])
    moved = difference.sum(axis=1) > 0
    assert moved.mean() > 0.9
    assert (difference[moved][:, costs].sum(axis=1) > 0).mean() > 0.95


def test_measures_of_levers_are_those_of_the_account() -> None:
    """The profit told here is the one that every command tells."""
    scenario = load_scenario("status_quo")
    (table,) = play_organizations([job_of(scenario)], SEED, 0, 5)
    column = [measure.name for measure in MEASURES].index("total_profit")
    amounts = np.asarray(table.account)[:, None, :]
    sales = amounts[:, 0, Account._fields.index("sales")].mean()
    assert total(amounts)[:, 0] == pytest.approx(100.0 * table.outcomes[:, column] / sales, rel=1e-9)
