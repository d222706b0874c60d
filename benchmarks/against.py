"""This kernel and a whole comparison against another revision's, by turns in two processes that wait for each other.

Each revision plays in its own worlds, of as many accounts in the first book. Accounts may come and go in one and not in
the other: times are told per account of the first book, and their ratio per account that buys as well.
"""

import io
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.measuring import Figures, nanoseconds
from benchmarks.setting import EIGHT, setting

ROOT = Path(__file__).parent.parent
TARGET = "<= 1.6 against 2c6cb25, the last of the first model"

ANSWER = "import sys; from benchmarks.player import answer; answer(*map(int, sys.argv[1:]))"


def measure(
    figures: Figures,
    revision: str,
    accounts: int = 200,
    worlds: int = 10,
    times: int = 2,
    rounds: int = 15,
    organizations: int = 100,
    **environment: str,
) -> None:
    """Check a revision out beside this one; let both play as many organizations of as many accounts."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        other = folder / "other"
        _check_out(revision, other)
        arguments = [str(number) for number in (accounts, worlds, times, organizations)]
        environment |= {"KAMSIM_CACHE_DIR": str(folder / "cache")}
        players = [stack.enter_context(_player(tree, arguments, environment)) for tree in (ROOT, other)]
        quarters = setting(accounts).account_quarters * len(EIGHT)
        buying = [_answer(player, "buying") for player in players]
        figures.say("accounts that buy in a quarter, this", buying[0], f"of {accounts} in the first book")
        figures.say(f"accounts that buy in a quarter, {revision}", buying[1], f"of {accounts} in the first book")
        for job, said, played in (
            ("play", "kernel", quarters * worlds * times),
            ("compare", "whole comparison", quarters * organizations),
        ):
            seconds: list[list[float]] = [[], []]
            for turn in range(rounds + 1):
                for place in (0, 1) if turn % 2 else (1, 0):
                    spent = _answer(players[place], job)
                    if turn:
                        seconds[place].append(spent)
            figures.say(f"this {said}", nanoseconds(min(seconds[0]), played), "ns per account-quarter")
            figures.say(f"that of {revision}", nanoseconds(min(seconds[1]), played), "ns per account-quarter")
            ratio = statistics.median(mine / its for mine, its in zip(*seconds, strict=True))
            figures.say(f"this {said}'s time in that of {revision}", ratio)
            figures.say("the same, per account that buys", ratio * buying[1] / buying[0], "", TARGET)


def _check_out(revision: str, folder: Path) -> None:
    done = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True)
    if done.returncode:
        sys.exit(f"{revision} is no revision of this repository: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    for name in ("__init__", "setting", "player"):
        text = (ROOT / "benchmarks" / f"{name}.py").read_text()
        if not (folder / "kamsim" / "compiler.py").exists():
            text = text.replace("kamsim.compiler", "kamsim.rules.compiler")
        (folder / "benchmarks" / f"{name}.py").write_text(text)


def _player(tree: Path, arguments: list[str], environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    environment = os.environ | environment | {"PYTHONPATH": str(tree)}
    command = [sys.executable, "-c", ANSWER, *arguments]
    return subprocess.Popen(
        command, cwd=tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _answer(player: "subprocess.Popen[str]", job: str) -> float:
    assert player.stdin is not None
    assert player.stdout is not None
    player.stdin.write(f"{job}\n")
    player.stdin.flush()
    return float(player.stdout.readline())
