"""Measure kamsim's speed, each part alone by name or all of them; print figures as they come, and keep them as JSON.

Times are CPU seconds, and ratios are medians over rounds in which both sides took turns: they carry over to another
machine, and hold on a busy one. Nothing here is a test: nothing fails because a machine is slow.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks import against, batched, comparing, kernel, mesa_driver, starting, studies, sweeping, worlds
from benchmarks.measuring import FOLDER, Figures

Part = tuple[str, Callable[[Figures], None]]
PARTS: dict[str, Part] = {
    "kernel": ("How fast is the kernel beside plain C?", kernel.measure),
    "batched": ("How fast is it beside NumPy over many organizations at once?", batched.measure),
    "mesa": ("How fast is it beside the Mesa driver?", mesa_driver.measure),
    "worlds": ("What does drawing a world take, and how does time grow with the book?", worlds.measure),
    "compare": ("What does a whole comparison add to kernel and draw?", comparing.measure),
    "sweep": ("What do chunks, processes and files add to a sweep?", sweeping.measure),
    "start": ("How long do import, help and the first run take?", starting.measure),
    "studies": ("How long do the longer commands take?", studies.measure),
}
USAGE = f"python -m benchmarks [PART ...], of {', '.join(PARTS)}; or python -m benchmarks against REVISION"


def main(words: Sequence[str], folder: Path = FOLDER) -> None:
    """Measure the parts that are asked for; all without words."""
    if words[:1] == ["against"] and len(words) == 2:
        revision = words[1]
        parts: dict[str, Part] = {"against": (f"Faster than {revision}?", partial(against.measure, revision=revision))}
    elif all(word in PARTS for word in words):
        parts = {name: PARTS[name] for name in words or PARTS}
    else:
        sys.exit(f"usage: {USAGE}")
    figures = Figures(folder / ("latest.json" if not words else f"{'-'.join(parts)}.json"))
    for name, (question, measure) in parts.items():
        started = time.perf_counter()
        figures.start(name, question)
        measure(figures)
        figures.end(time.perf_counter() - started)
    print(f"\nkept in {figures.file}")


if __name__ == "__main__":
    main(sys.argv[1:])
