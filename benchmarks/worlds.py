"""What drawing a world takes in policies played, and how time grows with the book."""

import resource
import sys
from collections.abc import Sequence
from functools import partial

from benchmarks.measuring import Figures, interleaved, nanoseconds
from benchmarks.player import play_times
from benchmarks.setting import Setting, setting
from kamsim.world.world import World

SIZES = (150, 1_500, 20_000, 100_000)
WORK = 100_000  # accounts a round: worlds x accounts


def measure(figures: Figures, sizes: tuple[int, ...] = SIZES, work: int = WORK, rounds: int = 3) -> None:
    """Time drawing and playing by turns, by the size of the book."""
    for accounts in sizes:
        given = setting(accounts, ("status_quo",))
        count = max(1, work // accounts)
        some = list(given.worlds(min(count, 10)))
        times = max(1, count // len(some))
        draw, play = partial(_draw, given, count), partial(_play, given, some, times)
        turns = interleaved(draw, play, rounds=rounds)
        drawn = nanoseconds(turns.best(0), given.account_quarters * count)
        played = nanoseconds(turns.best(1), given.account_quarters * len(some) * times)
        figures.say(f"{accounts:,} accounts: drawing a world", drawn, "ns per account-quarter")
        figures.say(f"{accounts:,} accounts: playing a policy in it", played, "ns per account-quarter")
        figures.say(f"{accounts:,} accounts: drawing, in policies played", drawn / played)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    figures.say("memory of this process, at most", most, "MB")


def _draw(given: Setting, count: int) -> None:
    for _ in given.worlds(count):
        pass


def _play(given: Setting, worlds: Sequence[World], times: int) -> None:
    for world in worlds:
        play_times(world, given.policies[0], given.parameters, given.timeline, times)
