"""The Mesa driver against the kernel: the same organizations, by agents and by records."""

from benchmarks.measuring import Figures, nanoseconds, own_seconds, printed_by
from benchmarks.player import play_times
from benchmarks.setting import SEED, setting

# The compiler off: a rule called from Python alone is quicker as Python.
RUN = """
import sys, time
from kamsim.model.program import KeyAccountProgram
from kamsim.scenario import load_scenario
scenario = load_scenario("status_quo").changed(world={"accounts": int(sys.argv[1])})
for turn in range(int(sys.argv[2]) + 1):
    model = KeyAccountProgram(scenario, seed=int(sys.argv[3]))
    start = time.process_time()
    model.run_model()
    if turn:
        print(time.process_time() - start)
"""


def measure(figures: Figures, accounts: int = 200, rounds: int = 5) -> None:
    """Time the same organization in both drivers, each several times."""
    given = setting(accounts, ("status_quo",))
    world, policy = next(given.worlds(1)), given.policies[0]
    times = 100
    play_times(world, policy, given.parameters, given.timeline, 1)
    kernel = []
    for _ in range(rounds):
        start = own_seconds()
        play_times(world, policy, given.parameters, given.timeline, times)
        kernel.append((own_seconds() - start) / times)
    mesa = sorted(map(float, printed_by(RUN, str(accounts), str(rounds), str(SEED), NUMBA_DISABLE_JIT="1").split()))
    middle = mesa[len(mesa) // 2]
    figures.say("Mesa driver, median", nanoseconds(middle, given.account_quarters), "ns per account-quarter")
    figures.say("Mesa driver, slowest in quickest", mesa[-1] / mesa[0])
    figures.say("kernel", nanoseconds(min(kernel), given.account_quarters), "ns per account-quarter")
    figures.say("kernel, times as fast as the Mesa driver", middle / min(kernel))
    figures.note(f"{accounts} accounts, one organization {rounds} times in each")
