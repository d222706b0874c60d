"""kamsim's kernel against the same rules in plain C, and against a loop of the same arithmetic fused by hand."""

from typing import Any, NamedTuple

import numpy as np

from benchmarks.measuring import Figures, interleaved, nanoseconds
from benchmarks.player import play_times
from benchmarks.setting import EIGHT, Setting, setting
from benchmarks.yardstick import FLAGS, Passed, Yardstick, compiler, compiler_version, header
from kamsim.model.ensemble import simulate
from kamsim.model.plan import History

NO_COMPILER = "no C compiler was found: not measured"
ACCOUNTS = 200


class Unequal(NamedTuple):
    """How two kernels' histories differ."""

    values: int  # compared
    unequal: int
    size: float  # the largest difference, relative


def unequal(
    given: Setting, yardstick: Yardstick, organizations: int, *, fused: bool = False, theirs: Setting | None = None
) -> Unequal:
    """Compare every value of the histories that kamsim and C leave behind.

    Parameters
    ----------
    given : Setting
        Every policy is played in every world.
    yardstick : Yardstick
        The C kernel.
    organizations : int
        How many worlds.
    fused : bool
        Whether to take C's loop fused by hand.
    theirs : Setting, optional
        That C plays; by default the same.

    Returns
    -------
    Unequal
        Bits are compared first, so that NaN equals itself.
    """
    values, count, size = 0, 0, 0.0
    for world in given.worlds(organizations):
        for policy, its in zip(given.policies, (theirs or given).policies, strict=True):
            ours = simulate(world, policy, given.parameters, given.timeline).history
            other = given.room()
            yardstick.play(Passed(world, its, given.parameters, given.timeline), other, fused=fused)
            for one, two in zip(_columns(ours), _columns(other), strict=True):
                values += one.size
                if one.tobytes() != two.tobytes():
                    differs = one != two
                    count += int(differs.sum())
                    before, after = one[differs].astype(float), two[differs].astype(float)
                    size = max(
                        size, float((np.abs(after - before) / np.maximum(np.abs(before), 1e-300)).max(initial=0.0))
                    )
    return Unequal(values, count, size)


def _columns(history: History) -> list[Any]:
    accounts, years = np.asarray(history.accounts), np.asarray(history.years)
    return [
        *(accounts[name] for name in accounts.dtype.names or ()),
        *(years[name] for name in years.dtype.names or ()),
        history.departures,
    ]


def yardstick_for(given: Setting, command: str, flags: tuple[str, ...] = FLAGS) -> Yardstick:
    """The C kernel over the records of a setting."""
    world = next(given.worlds(1))
    return Yardstick(command, header(world, given.policies[0], given.room()), flags)


def measure(figures: Figures, organizations: int = 1_000, worlds: int = 10, rounds: int = 15) -> None:
    """Time kernel, C and fused C by turns on the same worlds, and count their unequal bits."""
    given = setting(ACCOUNTS)
    command = compiler()
    if command is None:
        figures.note(NO_COMPILER)
        return
    yardstick = yardstick_for(given, command)
    figures.note(f"C: {compiler_version(command)}, {' '.join(FLAGS)}; exp, log and pow are the system's in both")
    drawn = list(given.worlds(worlds))
    passed = [Passed(world, policy, given.parameters, given.timeline) for world in drawn for policy in given.policies]
    times, history = 2, given.room()

    def ours() -> None:
        for world in drawn:
            for policy in given.policies:
                play_times(world, policy, given.parameters, given.timeline, times)

    def in_c(fused: bool) -> None:
        for each in passed:
            yardstick.play(each, history, times, fused=fused)

    turns = interleaved(ours, lambda: in_c(False), lambda: in_c(True), rounds=rounds)
    played = given.account_quarters * len(passed) * times
    for place, name in enumerate(("kamsim's kernel", "C, a function a rule", "C, fused by hand")):
        figures.say(name, nanoseconds(turns.best(place), played), "ns per account-quarter")
    figures.say("speed of kamsim's kernel in that of C", 1 / turns.ratio(0, 1), "", ">= .85")
    figures.say("time of C in that of C fused by hand", turns.ratio(1, 2), "", "<= 1.3")
    figures.say("speed of kamsim's kernel in that of C fused by hand", 1 / turns.ratio(0, 2))
    for fused, name in ((False, "C"), (True, "C fused by hand")):
        found = unequal(given, yardstick, organizations, fused=fused)
        figures.say(
            f"unequal values, kamsim against {name}",
            found.unequal,
            f"of {found.values:,}, at most {found.size:.0e}",
            "0",
        )
    figures.note(
        f"{organizations:,} organizations of {ACCOUNTS} accounts, {len(EIGHT)} policies, {given.timeline.years} years"
    )
