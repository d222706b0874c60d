"""Measure kamsim's speed in one run, print a table, and keep the figures as JSON.

Account-quarters are accounts x quarters x policies played. Times are the best of a few repeats on this machine; what
carries over to another machine are the ratios. Nothing here is a test: nothing fails because a machine is slow.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

import kamsim
from kamsim.experiments.chunk import job_of, play_organizations
from kamsim.experiments.design import load_experiment
from kamsim.experiments.executors import local_place
from kamsim.experiments.sweep import chunks_of, plan_of, run_sweep, with_point
from kamsim.model.ensemble import simulate
from kamsim.policy.policy import policy_of
from kamsim.scenario import Scenario, load_scenario
from kamsim.world.parameters import budget_of, parameters_of, timeline_of
from kamsim.world.world import draw_world, nothing_known

RESULTS = Path(__file__).parent / "results"
EIGHT = (
    "status_quo",
    "enterprise_selection",
    "cross_functional_alignment",
    "bilateral_boundaries",
    "performance_retiering",
    "full_program",
    "spend_retiering",
    "largest_accounts",
)
QUARTERS = 48
SEED = 20_000

MESA_RUN = """
import sys, time
from kamsim.model.program import KeyAccountProgram
from kamsim.scenario import load_scenario
model = KeyAccountProgram(load_scenario("status_quo"), seed=20000)
start = time.perf_counter()
model.run_model()
print(len(model.accounts) * (model.quarter + 1) / (time.perf_counter() - start))
"""

MEMORY_RUN = """
import resource, sys, tempfile
from pathlib import Path
import kamsim
scenarios = [kamsim.load_scenario(name) for name in ("status_quo", "full_program")]
with tempfile.TemporaryDirectory() as folder:
    kamsim.compare(scenarios, replications=int(sys.argv[1]), seed=20000, out=Path(folder) / "run")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


SWEEP = """
question = "How long does the runner take?"
base = "status_quo"
replications = {replications}
[design]
kind = "latin_hypercube"
points = {points}
[uncertainties]
"world.turnover" = {{ low = 0.02, high = 0.06 }}
"world.premium_mean" = {{ low = 0.01, high = 0.05 }}
"""

HUGE_SWEEP = """
import resource, sys
from pathlib import Path
from kamsim.experiments.design import load_experiment
from kamsim.experiments.executors import local_place
from kamsim.experiments.sweep import plan_of, run_sweep
class Started(Exception): pass
def stop(done, most):
    if done > 10_000: raise Started
if __name__ == "__main__":
    plan = plan_of(load_experiment(sys.argv[1]))
    try:
        run_sweep(plan, Path(sys.argv[2]), local_place(2), progress=stop)
    except Started:
        print(plan.size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def sweep_seconds(folder: Path) -> dict[str, float]:
    """Seconds that four dozen chunks take: bare, through the runner, and by two workers of it."""
    file = folder / "timed.toml"
    file.write_text(SWEEP.format(replications=1_000, points=48))
    plan = plan_of(load_experiment(file))
    chunks = list(chunks_of(plan))
    jobs = [[job_of(with_point(plan.policies[0], values)) for _, values in chunk.points] for chunk in chunks]

    def bare() -> None:
        for chunk, some in zip(chunks, jobs, strict=True):
            play_organizations(some, chunk.seed, chunk.first, chunk.replications)

    seconds = {"bare ensemble": best_seconds(bare, 2)}
    for workers in (1, 2):
        times = []
        for repeat in range(2):
            start = time.perf_counter()
            run_sweep(plan, folder / f"sweep-{workers}-{repeat}", local_place(workers))
            times.append(time.perf_counter() - start)
        seconds[f"sweep, {workers} job" + ("s" if workers > 1 else "")] = min(times)
    return seconds


def huge_sweep_megabytes(folder: Path) -> float:
    """Memory of the parent when a sweep of ten million replication-policies has been planned and started."""
    file, script = folder / "huge.toml", folder / "huge.py"
    file.write_text(SWEEP.format(replications=200, points=50_000))
    script.write_text(HUGE_SWEEP)
    done = subprocess.run(
        [sys.executable, str(script), str(file), str(folder / "huge")], check=True, capture_output=True, text=True
    )
    size, kilobytes = map(int, done.stdout.split())
    assert size == 10_000_000
    return kilobytes / 1024


def best_seconds(job: Callable[[], object], repeats: int = 3) -> float:
    """Shortest of a few repeats, after one that is not counted."""
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def run_python(code: str, *arguments: str, **environment: str) -> str:
    """What a fresh Python process prints."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def seconds_of(*command: str, **environment: str) -> float:
    """Wall seconds of a whole command."""
    start = time.perf_counter()
    subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)
    return time.perf_counter() - start


def draw_nanoseconds(scenario: Scenario, worlds: int = 60) -> float:
    """Nanoseconds an account-quarter of a world takes to draw."""
    accounts: int = scenario.world.accounts
    parameters, budget, timeline = parameters_of(scenario), budget_of(scenario, accounts), timeline_of(scenario)
    known = nothing_known(accounts)
    seconds = best_seconds(
        lambda: [draw_world(SEED, number, parameters, budget, timeline, known) for number in range(worlds)]
    )
    return seconds / (worlds * accounts * QUARTERS) * 1e9


def play_nanoseconds(scenarios: list[Scenario], worlds: int = 20) -> float:
    """Nanoseconds an account-quarter takes to play in a world already drawn, mean over policies."""
    accounts: int = scenarios[0].world.accounts
    parameters, budget = parameters_of(scenarios[0]), budget_of(scenarios[0], accounts)
    timeline, known = timeline_of(scenarios[0]), nothing_known(accounts)
    drawn = [draw_world(SEED, number, parameters, budget, timeline, known) for number in range(worlds)]
    policies = [policy_of(scenario, accounts) for scenario in scenarios]
    seconds = best_seconds(
        lambda: [simulate(world, policy, parameters, timeline) for world in drawn for policy in policies]
    )
    return seconds / (worlds * len(policies) * accounts * QUARTERS) * 1e9


def compare_nanoseconds(scenarios: list[Scenario], jobs: int, replications: int = 400) -> float:
    """Nanoseconds an account-quarter and policy takes in a whole comparison, files and table included."""
    accounts: int = scenarios[0].world.accounts

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            kamsim.compare(scenarios, replications=replications, seed=SEED, jobs=jobs, out=Path(folder) / "run")

    seconds = best_seconds(whole)
    return seconds / (replications * len(scenarios) * accounts * QUARTERS) * 1e9


def by_accounts(sizes: tuple[int, ...] = (150, 1_500, 6_000, 20_000)) -> dict[str, float]:
    """Nanoseconds an account-quarter of one policy takes, world included, by size of the book."""
    figures = {}
    for accounts in sizes:
        job = job_of(load_scenario("status_quo").changed(world={"accounts": accounts}))
        worlds = max(1, 12_000 // accounts)
        seconds = best_seconds(lambda job=job, worlds=worlds: play_organizations([job], SEED, 0, worlds))  # type: ignore[misc]
        figures[f"{accounts:,} accounts"] = seconds / (worlds * accounts * QUARTERS) * 1e9
    return figures


def main() -> None:
    """Measure, print, and keep."""
    scenarios = [load_scenario(name) for name in EIGHT]
    draw, play = draw_nanoseconds(scenarios[0]), play_nanoseconds(scenarios)
    one_job, two_jobs = compare_nanoseconds(scenarios, 1), compare_nanoseconds(scenarios, 2)
    mesa = 1e9 / float(run_python(MESA_RUN, NUMBA_DISABLE_JIT="1"))
    few, many = 500, 4_000
    memory = {n: int(run_python(MEMORY_RUN, str(n))) / 1024 for n in (few, many)}
    command = str(Path(sys.executable).parent / "kamsim")
    with tempfile.TemporaryDirectory() as folder:
        compare = (command, "compare", "--out", str(Path(folder) / "first"))
        first = seconds_of(*compare, KAMSIM_CACHE_DIR=folder)
        again = (command, "compare", "--out", str(Path(folder) / "next"))
        following = seconds_of(*again, KAMSIM_CACHE_DIR=folder)
        evidence = {
            name: seconds_of(command, *words, KAMSIM_CACHE_DIR=folder)
            for name, words in {
                "explain, all four claims, first": ("explain", "--out", str(Path(folder) / "why")),
                "explain, all four claims, next": ("explain", "--out", str(Path(folder) / "again")),
                "validate, next": ("validate",),
                "compare --uncertainty": ("compare", "--uncertainty", "--out", str(Path(folder) / "sets")),
                "calibrate, whole": ("calibrate", "--out", str(Path(folder) / "fit")),
            }.items()
        }
    with tempfile.TemporaryDirectory() as folder:
        sweeps, huge = sweep_seconds(Path(folder)), huge_sweep_megabytes(Path(folder))
    help_seconds = min(seconds_of(command, "--help") for _ in range(3))
    sizes = by_accounts()
    figures = {
        "nanoseconds per account-quarter": {
            "drawing a world": draw,
            "playing a policy in it": play,
            "compare whole, 8 policies, 1 job": one_job,
            "compare whole, 8 policies, 2 jobs": two_jobs,
            "Mesa driver, compiler off": mesa,
        },
        "nanoseconds by size of the book, world and one policy": sizes,
        "ratios": {
            "ensemble against Mesa driver": mesa / play,
            "compare whole against Mesa driver": mesa / one_job,
            "drawing a world, in policies played": draw / play,
            "2 jobs against 1": one_job / two_jobs,
            "sweep against the bare ensemble, chunks of a second": sweeps["sweep, 1 job"] / sweeps["bare ensemble"],
            "sweep, 2 jobs against 1": sweeps["sweep, 1 job"] / sweeps["sweep, 2 jobs"],
            f"memory, {many} replications against {few}": memory[many] / memory[few],
            "20,000 accounts against 1,500, per account": sizes["20,000 accounts"] / sizes["1,500 accounts"],
        },
        "seconds": {
            "kamsim --help": help_seconds,
            "first compare, compilation included": first,
            "next compare": following,
            **evidence,
            **sweeps,
        },
        "memory, MB": {
            **{f"compare, {n} replications": value for n, value in memory.items()},
            "sweep of 10,000,000 replication-policies, started": huge,
        },
    }
    table = Table("figure", "value", title="kamsim benchmarks")
    for group, rows in figures.items():
        table.add_section()
        table.add_row(f"[bold]{group}[/bold]", "")
        for name, value in rows.items():
            table.add_row(f"  {name}", f"{value:,.2f}" if value < 100 else f"{value:,.0f}")
    Console(width=100).print(table)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "latest.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    print(f"kept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
