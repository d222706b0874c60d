"""How commands live among other processes: signals, closed streams, little memory; each test is named by a fault.

``KAMSIM_TEST_KILLS`` sets how many commands are ended at random moments (60 for a thorough look).
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kamsim.cli.frame as frame
import kamsim.experiments.files as files
from kamsim import process

ROOT = Path(__file__).parent.parent
COMPARE = ("compare", "status_quo", "full_program", "-n", "4", "--out", "out/of/it")
COMMANDS = (
    COMPARE,
    ("run", "full_program", "--agents", "run.parquet"),
    ("survey", "--organizations", "40", "--json"),
    ("sweep", "four_levers", "--replications", "3", "--out", "sweep"),
    ("scenario", "new", "mine"),
    ("evidence",),
    ("compare", "--uncertainty", "-n", "2", "--out", "out/uncertain"),
    ("explain", "rebuilds", "-n", "20"),
    ("validate", "-n", "20", "--random", "2"),
    ("sensitivity", "full_program", "-n", "2", "--out", "out/sensitivity"),
    ("discover", "full_program", "--points", "50", "-n", "2", "--out", "out/corner"),
    ("calibrate", "--out", "out/fit"),
)
KILLS = int(os.environ.get("KAMSIM_TEST_KILLS", "12"))


def started(folder, *words, before="", **options):
    """A command in a folder, its process group its own."""
    code = f"import signal, sys, os; {before}\nfrom kamsim.__main__ import run; run()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
        start_new_session=True,
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
    )


def at_import_of(module, signal_name):
    """Code that sends this process a signal while a module is imported."""
    return f"""
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{signal_name})
sys.meta_path.insert(0, Finder())
"""


def left_behind(folder):
    return sorted(path.name for path in folder.rglob("*") if ".partial-" in path.name or ".old-" in path.name)


@pytest.mark.parametrize(
    "module", ["kamsim.cli", "click", "kamsim.cli.commands", "numba", "pyarrow", "matplotlib.figure"]
)
@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_while_importing_is_no_traceback(tmp_path, module, signal_name):
    if signal_name != "SIGTERM" and module not in ("click", "numba"):
        pytest.skip("every signal at two places and every place with one signal will do")
    ended = started(tmp_path, *COMPARE, before=at_import_of(module, signal_name))
    _, said = ended.communicate(timeout=300)
    assert (ended.returncode, said.splitlines()[-1]) == (130, "Error: interrupted; nothing was kept")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_a_library_swallows_is_no_traceback_and_not_forgotten(tmp_path):
    before = """
import time, weakref
class Thing: pass
def swallowed(_): os.kill(os.getpid(), signal.SIGTERM)
import kamsim.experiments.folder as store
usual = store.to_disk
def to_disk(*paths):
    thing = Thing()
    kept = weakref.ref(thing, swallowed)
    del thing
    time.sleep(1)
    return usual(*paths)
store.to_disk = to_disk
"""
    ended = started(tmp_path, *COMPARE, before=before)
    _, said = ended.communicate(timeout=300)
    assert (ended.returncode, said.splitlines()[-1]) == (130, "Error: interrupted; nothing was kept")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_a_library_turns_into_another_error_is_no_traceback(tmp_path):
    before = """
import kamsim.experiments.folder as store
def to_disk(*paths):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        while True: pass
    except BaseException:
        raise ImportError("half a library")
store.to_disk = to_disk
"""
    ended = started(tmp_path, *COMPARE, before=before)
    _, said = ended.communicate(timeout=300)
    assert (ended.returncode, said.splitlines()[-1]) == (130, "Error: interrupted; nothing was kept")
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_is_ignored_from_outside_stays_ignored(tmp_path):
    before = "signal.signal(signal.SIGHUP, signal.SIG_IGN)" + at_import_of("numba", "SIGHUP")
    ended = started(tmp_path, *COMPARE, before=before)
    _, said = ended.communicate(timeout=300)
    assert ended.returncode == 0, said
    assert (tmp_path / "out" / "of" / "it" / "manifest.json").exists()


@pytest.mark.parametrize("closed", [(2,), (1,), (0, 1, 2)])
def test_a_closed_stream_as_under_cron_changes_nothing(tmp_path, closed):
    ended = started(
        tmp_path, *COMPARE, preexec_fn=lambda: [os.close(number) for number in closed], stdin=None,
        stdout=None, stderr=None,
    )  # fmt: skip
    assert ended.wait(timeout=300) == 0
    written = {path.name for path in (tmp_path / "out" / "of" / "it").iterdir()}
    assert written == {"bridge.csv", "comparison.csv", "comparison.png", "manifest.json", "replications.parquet"}


def test_little_memory_is_one_sentence_and_no_hang(tmp_path):
    resource = pytest.importorskip("resource")

    def little():
        resource.setrlimit(resource.RLIMIT_AS, (700_000 * 1024, resource.RLIM_INFINITY))

    ended = started(tmp_path, *COMPARE, preexec_fn=little)
    _, said = ended.communicate(timeout=60)
    assert ended.returncode == 1
    (sentence,) = said.splitlines()
    assert sentence.startswith("Error: this process may map 0.7 GB of memory (ulimit -v), and playing needs ")
    listed = started(tmp_path, "scenario", "list", preexec_fn=little)
    assert listed.communicate(timeout=60)[1] == ""
    assert listed.returncode == 0


def test_memory_that_runs_out_is_one_sentence(tmp_path):
    before = """
import kamsim.experiments.folder as store
def to_disk(*paths): raise MemoryError
store.to_disk = to_disk
"""
    ended = started(tmp_path, *COMPARE, before=before)
    _, said = ended.communicate(timeout=300)
    assert ended.returncode == 1
    assert said.splitlines()[-1].startswith("Error: the memory that this process may use does not suffice")
    assert "Traceback" not in said


def test_progress_where_nobody_watches_is_a_plain_line_in_ten_seconds(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(frame.time, "monotonic", lambda: now[0])
    with frame._progress("worlds", 2_000) as report:
        for second in range(36):
            now[0] = second
            report(10 * second)
        report(2_500, 3_000)
    assert capsys.readouterr().err.splitlines() == ["100 of 2,000 worlds", "200 of 2,000 worlds", "300 of 2,000 worlds"]


def test_commands_that_are_ended_at_random_say_one_sentence_and_leave_nothing_half_done(tmp_path):
    chance = random.Random(os.environ.get("KAMSIM_TEST_SEED", "1"))
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        words, sent = COMMANDS[number % len(COMMANDS)], chance.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
        ready = "import kamsim.process; kamsim.process.listen(); sys.stdout.write('.'); sys.stdout.flush()"
        ended = started(folder, *words, before=ready)
        assert ended.stdout.read(1) == "."  # before that it is no command of ours yet
        time.sleep(chance.uniform(0.0, 4.0))
        ended.send_signal(sent)
        _, said = ended.communicate(timeout=300)
        assert "Traceback" not in said, (words, sent, said)
        assert left_behind(folder) == [], (words, sent)
        # A signal may come when all is done and the interpreter is on its way out.
        assert ended.returncode in (0, process.INTERRUPTED, -sent), (words, sent, said)
        if ended.returncode == process.INTERRUPTED:
            assert said.splitlines()[-1].startswith("Error: interrupted; "), (words, sent, said)


@pytest.mark.skipif(os.name == "nt", reason="what a live process holds can only be told where there is flock")
@pytest.mark.parametrize("other", [False, True])
def test_half_written_folders_of_killed_processes_are_cleared_by_the_next_run(tmp_path, other):
    before = """
import kamsim.experiments.folder as store
store.to_disk = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = started(tmp_path, *COMPARE, before=before)
    killed.communicate(timeout=300)
    assert killed.returncode == -signal.SIGKILL
    (left,) = (tmp_path / "out" / "of").iterdir()
    os.utime(left, (0, 0))
    words = (*COMPARE[:-1], "out/of/another") if other else COMPARE
    ended = started(tmp_path, *words)
    _, said = ended.communicate(timeout=300)
    assert ended.returncode == 0, said
    assert [path.name for path in (tmp_path / "out" / "of").iterdir()] == ["another" if other else "it"]


@pytest.mark.skipif(os.name == "nt", reason="what a live process holds can only be told where there is flock")
def test_what_a_live_process_holds_is_not_cleared(tmp_path):
    live, dead, old, young = (
        tmp_path / name for name in (".a.partial-1", ".b.partial-1", ".c.old-1", ".d.partial-999999")
    )
    for folder in (live, dead, old, young):
        folder.mkdir()
        (folder / "content").write_text(folder.name)
    for folder in (live, dead, old):
        os.utime(folder, (0, 0))
    others = tmp_path / ".notes.partial-draft"
    others.write_text("of somebody else")
    with files.held(live):
        files.clear_abandoned(tmp_path)
    assert (tmp_path / "c" / "content").read_text() == ".c.old-1"  # there is nothing in its place
    assert sorted(path.name for path in tmp_path.iterdir()) == [live.name, young.name, others.name, "c"]
    files.clear_abandoned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, others.name, "c"]
