"""Times as CPU seconds and ratios of jobs that take turns, and figures that are kept as soon as they are known."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

FOLDER = Path(__file__).parent / "results"
LIBRARIES = ("kamsim", "numba", "llvmlite", "numpy", "mesa", "pandas", "pyarrow")
Job = Callable[[], object]


class Turns(NamedTuple):
    """CPU seconds of jobs that took turns; a list per job, one value a round."""

    seconds: list[list[float]]

    def ratio(self, one: int, other: int) -> float:
        """Median over rounds of one job's time in the other's: what loads the machine weighs on both."""
        return statistics.median(a / b for a, b in zip(self.seconds[one], self.seconds[other], strict=True))

    def best(self, job: int) -> float:
        """Shortest time of a job."""
        return min(self.seconds[job])


def own_seconds() -> float:
    """CPU seconds of this process so far."""
    return time.process_time()


def all_seconds() -> float:
    """CPU seconds so far of this process and of those it started that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def interleaved(
    *jobs: Job,
    rounds: int,
    clock: Callable[[], float] = own_seconds,
    warm: bool = True,
    before: Job = lambda: None,
) -> Turns:
    """Let jobs take turns: A B C, C B A and so on.

    Parameters
    ----------
    *jobs : callable
        Nothing in, anything out.
    rounds : int
        That count.
    clock : callable
        `own_seconds`, `all_seconds` or `time.perf_counter`.
    warm : bool
        Whether to begin with a round that does not count.
    before : callable
        Called before every round, not timed.

    Returns
    -------
    Turns
        Seconds.
    """
    seconds: list[list[float]] = [[] for _ in jobs]
    for turn in range(0 if warm else 1, rounds + 1):
        before()
        order = range(len(jobs)) if turn % 2 else reversed(range(len(jobs)))
        for place in order:
            start = clock()
            jobs[place]()
            spent = clock() - start
            if turn:
                seconds[place].append(spent)
    return Turns(seconds)


def command_seconds(*command: str, **environment: str) -> float:
    """CPU seconds of a command and of what it starts."""
    start = all_seconds()
    subprocess.run(command, env=os.environ | environment, check=True, capture_output=True)
    return all_seconds() - start


def printed_by(code: str | Path, *arguments: str, **environment: str) -> str:
    """What a fresh Python process prints that runs a script or a few lines."""
    command = [sys.executable, *([str(code)] if isinstance(code, Path) else ["-c", code]), *arguments]
    return subprocess.run(
        command, env=os.environ | environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def machine() -> dict[str, object]:
    """What figures depend on: processor, load, versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "processor": model or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


class Figures:
    """Figures of one run, printed and written whole to a file as soon as each is known."""

    def __init__(self, file: Path, console: Console | None = None) -> None:
        self.file = file
        self.console = console or Console(width=110, highlight=False)
        self.kept: dict[str, object] = {"machine": machine(), "parts": {}}
        self._part: dict[str, object] = {}

    def start(self, part: str, question: str) -> None:
        """Begin a part: what is said next belongs to it."""
        self._part = {"load before": list(os.getloadavg())}
        parts = self.kept["parts"]
        assert isinstance(parts, dict)
        parts[part] = self._part
        self.console.print(f"\n[bold]{part}[/bold]  {question}")
        self._keep()

    def say(self, name: str, value: float | str, unit: str = "", target: str = "") -> None:
        """Print a figure and keep it."""
        self._part[name] = {"value": value, "unit": unit} | ({"target": target} if target else {})
        told = value if isinstance(value, str) else _told(value)
        self.console.print(f"  {name:<68}{told:>12} {unit}" + (f"  [dim]({target})[/dim]" if target else ""))
        self._keep()

    def note(self, sentence: str) -> None:
        """Print a sentence and keep it."""
        notes = self._part.setdefault("notes", [])
        assert isinstance(notes, list)
        notes.append(sentence)
        self.console.print(f"  {sentence}", style="dim")
        self._keep()

    def end(self, seconds: float) -> None:
        """End a part that took so many seconds by the clock."""
        self._part["seconds by the clock"] = seconds
        self._part["load after"] = list(os.getloadavg())
        self._keep()

    def _keep(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=self.file.parent, prefix=".figures-")
        with os.fdopen(handle, "w") as whole:
            json.dump(self.kept, whole, indent=2)
            whole.write("\n")
        os.replace(written, self.file)


def _told(value: float) -> str:
    if value == int(value):
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        return f"{value:.0e}"
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"


def nanoseconds(seconds: float, account_quarters: float) -> float:
    """Per account-quarter."""
    return seconds / account_quarters * 1e9
