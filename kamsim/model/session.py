"""Worlds and runs by scenario: what a notebook needs, without records and budgets."""

from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.model import ensemble
from kamsim.model.ensemble import Run
from kamsim.policy.policy import Intervention, policy_in
from kamsim.scenario import Scenario
from kamsim.world import world as worlds
from kamsim.world.parameters import budget_of, parameters_of, timeline_of
from kamsim.world.world import World, known_of


def draw_world(scenario: Scenario, *, seed: int = 1, organization: int = 0, book: Book | None = None) -> World:
    """Draw the world of one organization, as a scenario describes it.

    Parameters
    ----------
    scenario : Scenario
        Its world section and timeline.
    seed : int
        In [0, 2**64).
    organization : int
        Which organization of the seed.
    book : Book, optional
        A real account book instead of a synthetic one.

    Returns
    -------
    World
        Every policy can be played in it.
    """
    parameters = parameters_of(scenario)
    known, _ = known_of(scenario, book)
    budget = budget_of(scenario, len(known.annual_spend))
    return worlds.draw_world(seed, organization, parameters, budget, timeline_of(scenario), known)


def simulate(world: World, scenario: Scenario, *, trace: bool = False, intervention: Intervention | None = None) -> Run:
    """Play the policy of a scenario in a world.

    Parameters
    ----------
    world : World
        From `draw_world`, of a scenario with the same world section, timeline, KAMs and support.
    scenario : Scenario
        Whose policy is played.
    trace : bool
        Whether to keep the state after every quarter.
    intervention : Intervention, optional
        What is set by hand in a counterfactual twin.

    Returns
    -------
    Run
        ``run.history.accounts["spend"]`` is by year and account, in median wallets.

    Raises
    ------
    KamsimError
        Where the scenario is of other years, KAMs, functions or support than the world.
    """
    timeline = timeline_of(scenario)
    budget = budget_of(scenario, world.first)
    asked = (4 * timeline.years, budget.kams, budget.functions)
    there = (len(world.quarters), len(world.skill), len(world.alignment))
    if asked != there:
        raise KamsimError(
            f"{scenario.name or 'scenario'}: the world has {there[0]} quarters, {there[1]} KAMs and {there[2]} "
            f"functions, the scenario {asked[0]}, {asked[1]} and {asked[2]}; draw a world of the scenario's own"
        )
    if budget.capacity != world.capacity:
        raise KamsimError(
            f"{scenario.name or 'scenario'}: each function of the world has {world.capacity:g} units of support a "
            f"quarter, the scenario {budget.capacity:g}; draw a world of the scenario's own"
        )
    policy = policy_in(scenario, world.first, world.seed_low, world.seed_high, world.organization)
    if intervention is not None:
        policy = policy._replace(intervention=intervention)
    return ensemble.simulate(world, policy, parameters_of(scenario), timeline, trace)
