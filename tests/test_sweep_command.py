"""The command `kamsim sweep` as its users meet it."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from test_sweep import plan_of

import kamsim.experiments.chunks as chunks
from kamsim.cli import main
from kamsim.experiments.summary import Swept
from kamsim.experiments.sweep import Verified
from kamsim.report.sweep import swept_table, write_summary

EXPERIMENT = """
question = "What does turnover cost?"
base = "small.toml"
replications = 20
measures = ["total_profit", "quota_miss_rate"]

[design]
kind = "full"

[levers]
selection = ["spend", "enterprise"]

[uncertainties]
"world.turnover" = [0.01, 0.06]
"""
SMALL = (
    'extends = "status_quo"\n[world]\naccounts = 20\nfunctions = 2\n[timeline]\nwarmup_years = 0\nwindow_years = 3\n'
)


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SMALL)
    path = tmp_path / "turnover.toml"
    path.write_text(EXPERIMENT)
    return path


def kamsim(*words):
    return CliRunner().invoke(main, ["sweep", *map(str, words)])


def test_a_sweep_from_dry_run_to_verify(experiment):
    dry = json.loads(kamsim(experiment, "--dry-run", "--json").output)
    assert (dry["points"], dry["policies"], dry["replications"]) == (4, 1, 20)
    assert dry["seconds"] > 0
    assert not Path("results").exists()
    assert "4 points x 20 market scenarios = 80 runs" in kamsim(experiment, "--dry-run").output
    before = kamsim(experiment, "--status")
    assert (before.exit_code, before.stderr) == (2, "Error: results/turnover: holds no sweep\n")
    done = kamsim(experiment, "--jobs", 2)
    assert done.exit_code == 0, done.output
    assert "Effects on total profit" in done.output
    assert "selection: spend, then enterprise; turnover: 0.01, then 0.06" in done.output
    assert max(map(len, done.output.splitlines())) <= 100
    frame = pd.read_parquet("results/turnover/parts")
    assert set(frame.columns) == {
        *("point", "policy", "replication", "selection", "world.turnover", "total_profit", "quota_miss_rate", "error")
    }
    assert len(frame) == 80
    assert len(Path("results/turnover/summary.csv").read_text().splitlines()) == 1 + 4 * 2
    again = json.loads(kamsim(experiment, "--json").output)
    assert (again["computed"], again["failed"]) == (0, 0)
    assert "of 1 parts done" in kamsim(experiment, "--status").output
    assert json.loads(kamsim(experiment, "--verify", "--json").output)["different"] == []


def rows_of(plan, measure="total_profit"):
    """Rows of a summary, as if every policy but the first had earned 2 more at every point."""
    return [
        Swept(point, policy.name, measure, 9.0, 8.0, 10.0, 2.0 * place, 2.0 * place - 1.0, 2.0 * place + 1.0, 10, 0)
        for point in range(len(plan.points))
        for place, policy in enumerate(plan.policies)
    ]


def test_the_table_says_of_which_years_in_what_unit_and_against_what():
    plan = plan_of(points=2)
    table = swept_table(plan, rows_of(plan))
    years = plan.policies[0].timeline.warmup_years + plan.policies[0].timeline.window_years
    assert table.title.startswith(f"Total profit, {years} years from launch, undiscounted")
    said = "; ".join(table.legend)
    assert "difference: to status_quo at the same point, in the same market scenarios" in said
    assert (
        "in units of the median account's yearly category spend; kamsim compare tells it in points of sales, but a"
        in said
    )
    assert "95 %, with 10 market scenarios at each point" in said
    alone = plan_of(points=2, policies=plan.policies[:1], compare="quota_miss_rate")
    said = "; ".join(swept_table(alone, rows_of(alone, "quota_miss_rate")).legend)
    assert "difference: to point 0 (turnover 0.01, ratchet 0.25)" in said
    assert f"of the {plan.policies[0].timeline.window_years} years observed" in said


def test_where_points_differ_in_years_every_row_says_its_own(tmp_path):
    points = [{"timeline.window_years": years, "timeline.discount": rate} for years, rate in ((2, 0.0), (5, 0.1))]
    plan = replace(plan_of(points=2), points=points)
    table = swept_table(plan, rows_of(plan))
    assert "from launch" not in table.title
    assert "of the years of each point, discounted as the point has it" in "; ".join(table.legend)
    summary = pd.read_csv(write_summary(plan, tmp_path, rows_of(plan)))
    warm = plan.policies[0].timeline.warmup_years
    assert summary.groupby("point").years.unique().map(list).tolist() == [[warm + 2], [warm + 5]]
    assert summary.groupby("point").discount.unique().map(list).tolist() == [[0.0], [0.1]]


def test_damage_is_said_by_status_and_mended_by_the_same_command(experiment):
    kamsim(experiment)
    (part,) = Path("results/turnover/parts").glob("part-*")
    part.write_bytes(part.read_bytes()[:100])
    status = kamsim(experiment, "--status")
    assert status.exit_code == 1
    assert part.name in status.output
    mended = kamsim(experiment)
    assert mended.exit_code == 0
    assert "damaged, computed anew" in mended.output
    assert kamsim(experiment, "--status").exit_code == 0


def test_a_cut_manifest_is_said_by_status_and_made_again_by_the_same_command(experiment):
    kamsim(experiment)
    path = Path("results/turnover/manifest.json")
    whole = path.read_text()
    path.write_text(whole[:100])
    status = kamsim(experiment, "--status")
    assert status.exit_code == 1
    assert "1 of 1 parts done\ndamaged: manifest.json" in status.output
    assert kamsim(experiment).exit_code == 0
    assert path.read_text() == whole
    assert kamsim(experiment, "--status").exit_code == 0


@pytest.mark.parametrize(
    ("different", "last_digits", "said"),
    [
        ([], {}, "2 parts computed again: all the same"),
        (
            [],
            {"b": 2.2e-16},
            "2 parts computed again: all the same, but for last digits in 1 (at most 2e-16 of a figure)",
        ),
        (["a"], {"b": 2.2e-16}, "2 parts computed again: these differ: a, and last digits in 1 (at most 2e-16"),
    ],
)
def test_verify_says_how_large_differences_of_last_digits_are(experiment, monkeypatch, different, last_digits, said):
    found = Verified(["a", "b"], different, last_digits)
    monkeypatch.setattr("kamsim.experiments.sweep.verify_sweep", lambda *_: found)
    result = kamsim(experiment, "--verify")
    assert said in " ".join(result.output.split())
    assert result.exit_code == bool(different)
    assert json.loads(kamsim(experiment, "--verify", "--json").output)["last_digits"] == last_digits


def test_a_failed_replication_ends_with_exit_1_and_says_how_many(experiment, monkeypatch):
    monkeypatch.setattr("kamsim.experiments.chunks.SECONDS_PER_CHUNK", 1e-9)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import faults

    import kamsim.experiments.sweep as sweep

    monkeypatch.setattr(chunks, "RULES", chunks.RULES._replace(play=faults.play_failing))
    monkeypatch.setattr(sweep.run_sweep, "__kwdefaults__", {**sweep.run_sweep.__kwdefaults__, "rules": chunks.RULES})
    failed = kamsim(experiment, "--executor", "faults:one")
    assert failed.exit_code == 1, failed.output
    assert "failed: 1 replication;" in failed.output
    assert kamsim(experiment, "--status").exit_code == 1
    monkeypatch.undo()
    monkeypatch.chdir(experiment.parent)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr("kamsim.experiments.chunks.SECONDS_PER_CHUNK", 1e-9)
    mended = json.loads(kamsim(experiment, "--retry-failed", "--executor", "faults:one", "--json").output)
    assert (mended["computed"], mended["failed"]) == (1, 0)


def test_precision_adds_replications(experiment):
    result = kamsim(experiment, "--precision", 0.2, "--replications", 30)
    assert result.exit_code == 0, result.output
    assert "precise enough on total_profit" in result.output
    assert len(pd.read_parquet("results/turnover/parts")) > 4 * 30


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["four_lever"], "did you mean 'four_levers'"),
        (["nowhere.toml"], "nowhere.toml"),
        (["turnover.toml", "--precision", "0"], "--precision must be a number between 0 and 1"),
        (["turnover.toml", "--cluster", "tcp://a:1", "--executor", "b:c"], "give one of them"),
        (["turnover.toml", "--executor", "nonsense"], "module:callable"),
        (["turnover.toml", "--jobs", "0"], "jobs must be at least 1"),
        (["turnover.toml", "--replications", "0"], "replications must be"),
        (["turnover.toml", "--out", "small.toml"], "small.toml"),
    ],
)
def test_bad_input_is_one_sentence(experiment, words, sentence):
    result = kamsim(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.strip().count("\n") == 0
    assert not Path("results").exists()


def test_a_terminal_is_shown_progress_with_its_rate(experiment):
    """On a terminal of its own: what only terminals are shown fails only there."""
    terminal, watched = pty.openpty()
    command = [sys.executable, "-m", "kamsim", "sweep", str(experiment), "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=watched)
    os.close(watched)
    shown = b""
    with suppress(OSError):  # at the end of the terminal
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert process.wait() == 0, shown.decode()
    assert b"Traceback" not in shown
    assert re.search(rb"80/80 +[\d,]+/s", re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", shown))


def test_an_interrupted_sweep_says_that_it_goes_on(experiment, tmp_path):
    (tmp_path / "small.toml").write_text(SMALL.replace("accounts = 20", "accounts = 400"))
    experiment.write_text(EXPERIMENT.replace("replications = 20", "replications = 4000"))
    command = [sys.executable, "-m", "kamsim", "sweep", str(experiment), "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    parts = tmp_path / "results" / "turnover" / "parts"
    until = time.monotonic() + 120
    while not list(parts.glob("part-*")) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "Error: interrupted; what is done is kept: the same command goes on"
    assert "Traceback" not in said
    assert list(parts.glob("part-*"))
    assert not list(parts.glob(".*"))
