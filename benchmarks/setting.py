"""The eight shipped policies and some worlds to play them in."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kamsim.model.plan import History, empty_history
from kamsim.policy.policy import Policy, policy_of
from kamsim.scenario import Scenario, load_scenario
from kamsim.world.known import nothing_known
from kamsim.world.parameters import Budget, Timeline, budget_of, parameters_of, timeline_of
from kamsim.world.world import World, draw_world

EIGHT = (
    "status_quo",
    "enterprise_selection",
    "cross_functional_alignment",
    "bilateral_boundaries",
    "performance_retiering",
    "full_program",
    "spend_retiering",
    "largest_accounts",
)
SEED = 20_000


class Setting(NamedTuple):
    """What all policies are played with."""

    policies: list[Policy]
    parameters: Any
    budget: Budget
    timeline: Timeline

    def worlds(self, count: int) -> Iterator[World]:
        """The first so many organizations."""
        known = nothing_known(self.budget.accounts)
        for number in range(count):
            yield draw_world(SEED, number, self.parameters, self.budget, self.timeline, known)

    def room(self) -> History:
        """An empty history."""
        return empty_history(self.timeline.years, self.budget.room(self.timeline.years), self.budget.kams)

    @property
    def account_quarters(self) -> int:
        """Of one organization: quarters of the accounts of its first book, however many come and go."""
        return self.budget.accounts * self.timeline.years * 4


def scenarios(accounts: int, names: tuple[str, ...] = EIGHT) -> list[Scenario]:
    """Shipped scenarios with a book of so many accounts."""
    return [load_scenario(name).changed(world={"accounts": accounts}) for name in names]


def setting(accounts: int, names: tuple[str, ...] = EIGHT) -> Setting:
    """The shipped policies for organizations of so many accounts."""
    given = scenarios(accounts, names)
    return Setting(
        [policy_of(scenario, accounts) for scenario in given],
        parameters_of(given[0]),
        budget_of(given[0], accounts),
        timeline_of(given[0]),
    )
