"""The kernel, played many times over; of another revision too, so it uses names that all of them have."""

import sys
import time
from functools import cache
from typing import Any

from benchmarks.setting import setting
from kamsim.compiler import kernel
from kamsim.model import ensemble
from kamsim.model.plan import empty_history
from kamsim.policy.policy import Policy
from kamsim.world.parameters import Timeline
from kamsim.world.world import World

play: Any = ensemble.play
ROOMS = hasattr(ensemble, "room_for")  # revisions before them allocated what a run needs, its history too, every time

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
def _rooms(years: int, accounts: int, kams: int, functions: int, tiers: int, seats: int) -> tuple[Any, Any]:
    if not ROOMS:
        return 0, 0
    return ensemble.room_for(accounts, kams, functions, tiers, seats), empty_history(years, accounts, kams)


def play_times(world: World, policy: Policy, parameters: Any, timeline: Timeline, times: int) -> None:
    """Play so many times, in compiled code: what a call from Python costs weighs nothing."""
    accounts, functions = world.need_mix.shape
    tiers, seats = len(policy.seats), int(policy.seats.sum())
    rooms = _rooms(timeline.years, accounts, len(world.skill), functions, tiers, seats)
    _play_on(world, policy, parameters, timeline, rooms, times)


def answer(accounts: int, worlds: int, times: int) -> None:
    """Play a round of all policies in all worlds whenever a line comes in, and print the CPU seconds that it took."""
    given = setting(accounts)
    drawn = list(given.worlds(worlds))
    for _ in sys.stdin:
        start = time.process_time()
        for world in drawn:
            for policy in given.policies:
                play_times(world, policy, given.parameters, given.timeline, times)
        print(time.process_time() - start, flush=True)
