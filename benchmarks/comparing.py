"""A whole comparison against its kernel and its draws alone; two jobs against one; memory."""

import tempfile
import time
from pathlib import Path
from typing import Any

import kamsim
from benchmarks.measuring import Figures, all_seconds, interleaved, nanoseconds, printed_by
from benchmarks.setting import EIGHT, SEED, Setting, scenarios, setting
from kamsim.compiler import kernel
from kamsim.experiments.jobs import Rooms, rooms_for
from kamsim.model.ensemble import play
from kamsim.policy.policy import Policy
from kamsim.world.customers import AS_DRAWN
from kamsim.world.known import KnownAccounts, nothing_known
from kamsim.world.parameters import Budget, Timeline
from kamsim.world.world import draw_organization, split_seed

ACCOUNTS = 200
ORGANIZATIONS = 1_000

MEMORY = """
import resource, sys, tempfile
from pathlib import Path
import kamsim
scenarios = [kamsim.load_scenario(name) for name in ("status_quo", "full_program")]
with tempfile.TemporaryDirectory() as folder:
    kamsim.compare(scenarios, replications=int(sys.argv[1]), seed=20000, out=Path(folder) / "run")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@kernel
def draw_and_play(
    seed_low: int,
    seed_high: int,
    count: int,
    parameters: Any,
    budget: Budget,
    timeline: Timeline,
    known: KnownAccounts,
    policies: tuple[Policy, ...],
    rooms: Rooms,
) -> None:
    """Draw each world and play every policy in it; nothing is measured or kept."""
    for organization in range(count):
        world = draw_organization(
            seed_low, seed_high, organization, parameters, budget, timeline, known, AS_DRAWN, rooms.world
        )
        for policy in policies:
            play(world, policy, parameters, timeline, rooms.play, rooms.history, None)


def kernel_and_draw(given: Setting, organizations: int) -> None:
    """What a comparison cannot do without."""
    low, high = split_seed(SEED)
    draw_and_play(
        low,
        high,
        organizations,
        given.parameters,
        given.budget,
        given.timeline,
        nothing_known(given.budget.accounts),
        tuple(given.policies),
        rooms_for(given.budget, given.timeline, given.policies),
    )


def measure(
    figures: Figures,
    organizations: int = ORGANIZATIONS,
    rounds: int = 3,
    names: tuple[str, ...] = EIGHT,
    replications: tuple[int, int] = (500, 4_000),
) -> None:
    """Time whole comparisons and the bare kernels by turns."""
    given, compared = setting(ACCOUNTS, names), scenarios(ACCOUNTS, names)

    def whole(jobs: int = 1) -> None:
        with tempfile.TemporaryDirectory() as folder:
            kamsim.compare(compared, replications=organizations, seed=SEED, jobs=jobs, out=Path(folder) / "run")

    turns = interleaved(whole, lambda: kernel_and_draw(given, organizations), rounds=rounds, clock=all_seconds)
    played = given.account_quarters * organizations * len(names)
    figures.say("compare, whole, 1 job", turns.best(0), "s of CPU")
    figures.say("compare, whole, 1 job", nanoseconds(turns.best(0), played), "ns per account-quarter and policy")
    figures.say("kernel and draw alone", turns.best(1), "s of CPU")
    figures.say("compare, whole, in kernel and draw alone", turns.ratio(0, 1), "", "<= 1.25")
    clocked = interleaved(whole, lambda: whole(2), rounds=rounds, clock=time.perf_counter)
    figures.say("2 jobs, times as fast as 1 by the clock", clocked.ratio(0, 1))
    few, many = (int(printed_by(MEMORY, str(count))) / 1024 for count in replications)
    figures.say(f"memory of compare, {replications[0]:,} replications", few, "MB")
    figures.say(f"memory of compare, {replications[1]:,} replications", many, "MB")
    figures.note(
        f"{len(names)} policies x {organizations:,} organizations x {ACCOUNTS} accounts, {given.timeline.years} years"
    )
