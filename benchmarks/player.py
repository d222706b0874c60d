"""The kernel, played many times over; of another revision too, so it uses names that all of them have."""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from typing import Any

import kamsim
from benchmarks.setting import SEED, scenarios, setting
from kamsim.compiler import kernel
from kamsim.model import ensemble
from kamsim.model.plan import empty_history
from kamsim.policy.policy import Policy
from kamsim.world.parameters import Timeline
from kamsim.world.world import World

play: Any = ensemble.play
rooms: Any = import_module("kamsim.model.rooms" if find_spec("kamsim.model.rooms") else "kamsim.model.ensemble")
ROOMS = hasattr(rooms, "room_for")  # revisions before them allocated what a run needs, its history too, every time
LARGEST = "seats" in World._fields  # before the second model nobody asked how many accounts count as the largest

if ROOMS:

    @kernel
    def _play_on(
        world: World, policy: Policy, parameters: Any, timeline: Timeline, rooms: tuple[Any, Any], times: int
    ) -> None:
        for _ in range(times):
            play(world, policy, parameters, timeline, rooms[0], rooms[1], None)

else:

    @kernel
    def _play_on(
        world: World, policy: Policy, parameters: Any, timeline: Timeline, rooms: tuple[Any, Any], times: int
    ) -> None:
        years = timeline.history_years + timeline.warmup_years + timeline.window_years
        for _ in range(times):
            history = empty_history(years, len(world.accounts), len(world.skill))
            play(world, policy, parameters, timeline, history, None)


@cache
def _rooms(years: int, accounts: int, kams: int, *sizes: int) -> tuple[Any, Any]:
    if not ROOMS:
        return 0, 0
    return rooms.room_for(accounts, kams, *sizes), empty_history(years, accounts, kams)


def play_times(world: World, policy: Policy, parameters: Any, timeline: Timeline, times: int) -> None:
    """Play so many times, in compiled code: what a call from Python costs weighs nothing."""
    accounts, functions = world.need_mix.shape
    sizes = [functions, len(policy.seats), int(policy.seats.sum()), *([world.seats] if LARGEST else [])]
    _play_on(world, policy, parameters, timeline, _rooms(timeline.years, accounts, len(world.skill), *sizes), times)


def answer(accounts: int, worlds: int, times: int, organizations: int) -> None:
    """Do what each line that comes in asks for, and print the CPU seconds that it took.

    A line is ``play``, a round of all policies in all worlds, or ``compare``, a whole comparison of all policies; to
    ``buying`` the answer is how many accounts buy in a quarter, on average over all runs of a round.
    """
    given, compared = setting(accounts), scenarios(accounts)
    drawn = list(given.worlds(worlds))

    def play_round() -> None:
        for world in drawn:
            for policy in given.policies:
                play_times(world, policy, given.parameters, given.timeline, times)

    def compare() -> None:
        with tempfile.TemporaryDirectory() as folder:
            kamsim.compare(compared, replications=organizations, seed=SEED, jobs=1, out=Path(folder) / "run")

    def buying() -> float:
        runs = [
            ensemble.simulate(world, policy, given.parameters, given.timeline, trace=True)
            for world in drawn
            for policy in given.policies
        ]
        return mean(float((run.trace.accounts["spend"] > 0.0).sum(axis=1).mean()) for run in runs if run.trace)

    def timed(job: Callable[[], None]) -> float:
        start = time.process_time()
        job()
        return time.process_time() - start

    jobs = {"play": lambda: timed(play_round), "compare": lambda: timed(compare), "buying": buying}
    for line in sys.stdin:
        print(jobs[line.strip()](), flush=True)
