"""The kernel, played many times over; of another revision too, so it uses names that all of them have."""

import sys
import time
from typing import Any

from benchmarks.setting import setting
from kamsim.compiler import kernel
from kamsim.model.ensemble import play
from kamsim.model.plan import empty_history
from kamsim.policy.policy import Policy
from kamsim.world.parameters import Timeline
from kamsim.world.world import World


@kernel
def play_times(world: World, policy: Policy, parameters: Any, timeline: Timeline, times: int) -> None:
    """Play so many times, each into a history of its own: what a call from Python costs weighs nothing."""
    years = timeline.history_years + timeline.warmup_years + timeline.window_years
    for _ in range(times):
        history = empty_history(years, len(world.accounts), len(world.skill))
        play(world, policy, parameters, timeline, history, None)


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
