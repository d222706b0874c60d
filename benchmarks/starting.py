"""What a user waits for: import, help, the first run with an empty cache and the next."""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import Figures, command_seconds, printed_by

COMMAND = (sys.executable, "-m", "kamsim")
IMPORT = "import time; start = time.process_time(); import kamsim; print(time.process_time() - start)"


def measure(figures: Figures, rounds: int = 5, replications: int = 100) -> None:
    """Time fresh processes."""
    imports = [float(printed_by(IMPORT)) for _ in range(rounds)]
    figures.say("import kamsim, median", statistics.median(imports), "s of CPU", "< .2")
    bare = statistics.median(command_seconds(sys.executable, "-c", "") for _ in range(rounds))
    helped = statistics.median(command_seconds(*COMMAND, "--help") for _ in range(rounds))
    figures.say("kamsim --help, median, Python's own start included", helped, "s of CPU", "< .3")
    figures.say("Python's own start, median", bare, "s of CPU")
    with tempfile.TemporaryDirectory() as folder:
        cache = str(Path(folder) / "cache")
        for name, target in (("first", "< 15"), ("next", "")):
            started = time.perf_counter()
            words = ("compare", "--replications", str(replications), "--sets", "0", "--out", str(Path(folder) / name))
            spent = command_seconds(*COMMAND, *words, KAMSIM_CACHE_DIR=cache)
            figures.say(f"{name} compare of {replications} replications, no sets", spent, "s of CPU", target)
            figures.say("  by the clock", time.perf_counter() - started, "s")
