"""Sweeps from a script, from standard input, from a thread and from a notebook: B4."""

import subprocess
import sys
from pathlib import Path

import pytest

import kamsim

SWEEP = """
import sys, threading
sys.path[:0] = {path!r}
import kamsim
from kamsim.experiments.sweep import read_sweep

def play():
    experiment = kamsim.load_experiment({experiment!r})
    print("failed", kamsim.sweep(experiment, {folder!r}, jobs=2).failed, flush=True)
    print("rows", len(read_sweep({folder!r})), flush=True)
"""
EXPERIMENT = """
question = "Does it pay where people leave?"
base = "small.toml"
replications = 3
[design]
kind = "grid"
[uncertainties]
world.turnover = [0.02, 0.03, 0.04, 0.05]
"""
SMALL = """
extends = "full_program"
[world]
accounts = 20
[timeline]
warmup_years = 0
window_years = 3
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    """Text that sweeps four points."""
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    places = [str(Path(kamsim.__file__).parents[1])]
    return SWEEP.format(path=places, experiment=str(tmp_path / "mine.toml"), folder=str(tmp_path / "results"))


def said(*words: str, text: str | None = None) -> list[str]:
    done = subprocess.run([sys.executable, *words], input=text, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


PLAYED = ["failed 0", "rows 12"]


def test_b4_a_script_without_a_main_guard_sweeps_and_runs_once(script: str, tmp_path: Path) -> None:
    path = tmp_path / "run.py"
    path.write_text(f"print('begun', flush=True)\n{script}\nplay()\n")
    assert said(str(path)) == ["begun", *PLAYED]


def test_b4_a_script_with_a_main_guard_sweeps(script: str, tmp_path: Path) -> None:
    path = tmp_path / "run.py"
    path.write_text(f"{script}\nif __name__ == '__main__':\n    play()\n")
    assert said(str(path)) == PLAYED


def test_b4_standard_input_sweeps(script: str) -> None:
    assert said("-", text=f"{script}\nplay()\n") == PLAYED


def test_b4_a_command_line_sweeps(script: str) -> None:
    assert said("-c", f"{script}\nplay()\n") == PLAYED


def test_b4_a_thread_of_a_script_sweeps(script: str, tmp_path: Path) -> None:
    path = tmp_path / "run.py"
    path.write_text(f"{script}\nthread = threading.Thread(target=play)\nthread.start()\nthread.join()\n")
    assert said(str(path)) == PLAYED


def test_b4_a_notebook_sweeps(script: str, tmp_path: Path) -> None:
    """Cells of a notebook are run in a main module that has no file."""
    path = tmp_path / "kernel.py"
    cell = f"{script}\nplay()\n"
    path.write_text(f"import __main__\ndel __main__.__file__\nexec({cell!r}, vars(__main__))\n")
    assert said(str(path)) == PLAYED


def test_b4_a_process_that_may_start_none_sweeps_on_threads(script: str, tmp_path: Path) -> None:
    path = tmp_path / "run.py"
    path.write_text(
        f"{script}\nif __name__ == '__main__':\n    import multiprocessing\n"
        "    worker = multiprocessing.get_context('spawn').Process(target=play, daemon=True)\n"
        "    worker.start()\n    worker.join()\n"
    )
    assert said(str(path)) == PLAYED
