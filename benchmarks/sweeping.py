"""What a sweep's chunks, processes and files cost beside the same work in one part."""

import multiprocessing
import tempfile
import time
from pathlib import Path

import kamsim
from benchmarks.measuring import Figures, all_seconds, interleaved, printed_by
from kamsim.experiments.chunks import chunks_of, part_of, plan_of, play_chunk
from kamsim.experiments.designs import Experiment
from kamsim.experiments.file import load_experiment

EXPERIMENT = """
question = "How long does the runner take?"
base = "base.toml"
replications = {replications}
[design]
kind = "latin_hypercube"
points = {points}
[uncertainties]
"world.turnover" = {{ low = 0.02, high = 0.06 }}
"world.premium_mean" = {{ low = 0.01, high = 0.05 }}
"""

# In a process of its own, for the main guard that spawned workers need and for its memory.
STARTED = """
import sys
import kamsim

class Started(Exception): pass

def stop(done, most):
    if done: raise Started

if __name__ == "__main__":
    try:
        kamsim.sweep(kamsim.load_experiment(sys.argv[1]), sys.argv[2], jobs=2, progress=stop)
    except Started:
        # Not getrusage: its maximum begins with that of the process which started this one.
        status = open("/proc/self/status").read()
        print(status.split("VmHWM:")[1].split()[0])
"""


def experiment(folder: Path, points: int, replications: int, accounts: int) -> Path:
    """Write an experiment of so many points, and its base scenario."""
    (folder / "base.toml").write_text(f"[world]\naccounts = {accounts}\n")
    file = folder / "experiment.toml"
    file.write_text(EXPERIMENT.format(points=points, replications=replications))
    return file


def in_one_part(given: Experiment) -> None:
    """Play a whole experiment as one part, and encode that part."""
    plan = plan_of(given)
    points = tuple((number, dict(point)) for number, point in enumerate(plan.points))
    whole = next(chunks_of(plan))._replace(points=points, replications=plan.replications)
    part_of(plan, whole, play_chunk(whole))


def measure(
    figures: Figures,
    points: int = 100_000,
    accounts: int = 10,
    replications: int = 800,
    rounds: int = 2,
    few: int = 24,
    huge: int = 50_000,
) -> None:
    """Time many points of two replications, and few points of many; the memory of a huge sweep."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wide = load_experiment(experiment(folder, points, 2, accounts))
        _against_one_part(figures, wide, folder, 1, f"{points:,} points x 2 replications x {accounts} accounts")
        deep = load_experiment(experiment(folder, few, replications, 150))
        said = f"{few} points x {replications:,} replications x 150 accounts"
        _against_one_part(figures, deep, folder, rounds, said)
        one, two = (lambda: _sweep(deep, folder, 1)), (lambda: _sweep(deep, folder, 2))
        clocked = interleaved(one, two, rounds=1, clock=time.perf_counter)
        figures.say("2 jobs, times as fast as 1 by the clock", clocked.ratio(0, 1))
        file, script = experiment(folder, huge, 200, 150), folder / "started.py"
        script.write_text(STARTED)
        kilobytes = int(printed_by(script, str(file), str(folder / "huge")))
        figures.say(f"memory of the parent, sweep of {huge * 200:,} replications begun", kilobytes / 1024, "MB")


def _sweep(given: Experiment, folder: Path, jobs: int) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        kamsim.sweep(given, Path(out) / "sweep", jobs=jobs)
        # CPU seconds of a worker are known once it is waited for.
        for worker in multiprocessing.active_children():
            worker.join()


def _against_one_part(figures: Figures, given: Experiment, folder: Path, rounds: int, said: str) -> None:
    turns = interleaved(
        lambda: _sweep(given, folder, 1), lambda: in_one_part(given), rounds=rounds, clock=all_seconds, warm=rounds > 1
    )
    figures.say(said, turns.best(0), "s of CPU")
    figures.say("the same in one part", turns.best(1), "s of CPU")
    figures.say("sweep in the same in one part", turns.ratio(0, 1), "", "<= 1.1")
