"""Worlds and runs by scenario: what a notebook needs, without records and budgets."""

from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.model import ensemble
from kamsim.model.ensemble import Run
from kamsim.policy.policy import Intervention, policy_in
from kamsim.scenario import Scenario
from kamsim.world import world as worlds
from kamsim.world.customers import AS_DRAWN, Future
from kamsim.world.known import known_of
from kamsim.world.parameters import budget_of, parameters_of, timeline_of
from kamsim.world.world import World


def draw_world(
    scenario: Scenario,
    *,
    seed: int = 1,
    organization: int = 0,
    book: Book | None = None,
    future_seed: int | None = None,
    from_quarter: int | None = None,
) -> World:
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
    future_seed : int, optional
        In [0, 2**64): whose draws the world goes on with from ``from_quarter`` on; what is before stays to the last
        bit, so that one past has as many futures as there are seeds.
    from_quarter : int, optional
        Number of a quarter of the run, from 0; by default the first after the launch of the program.

    Returns
    -------
    World
        Every policy can be played in it.

    Raises
    ------
    KamsimError
        Where there is a quarter to go on from, but no seed to go on with, or the run has no such quarter.
    """
    parameters, timeline = parameters_of(scenario), timeline_of(scenario)
    known, _ = known_of(scenario, book)
    budget, future = budget_of(scenario, len(known.annual_spend)), AS_DRAWN
    if future_seed is None and from_quarter is not None:
        raise KamsimError(f"from quarter {from_quarter} on needs a future seed to go on with; give future_seed")
    if future_seed is not None:
        begin = 4 * timeline.history_years if from_quarter is None else from_quarter
        if not 0 <= begin < 4 * timeline.years:
            raise KamsimError(f"the run has quarters 0 to {4 * timeline.years - 1}, and none is {begin}")
        future = Future(*worlds.split_seed(future_seed), begin)
    return worlds.draw_world(seed, organization, parameters, budget, timeline, known, future)


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
