"""Seconds of the longer commands, once each."""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import Figures, command_seconds

COMMAND = (sys.executable, "-m", "kamsim")
STUDIES = {
    "explain": ("explain", "--out", "{out}"),
    "validate": ("validate",),
    "compare --uncertainty": ("compare", "--uncertainty", "--out", "{out}"),
}


def measure(figures: Figures, studies: dict[str, tuple[str, ...]] = STUDIES) -> None:
    """Run each command once."""
    for name, words in studies.items():
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            spent = command_seconds(*COMMAND, *(word.format(out=Path(folder) / "out") for word in words))
            figures.say(f"kamsim {name}", spent, "s of CPU")
            figures.say("  by the clock", time.perf_counter() - started, "s")
