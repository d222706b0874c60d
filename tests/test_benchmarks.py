"""Benchmarks run at a tiny size, so that they cannot rot; nothing here asserts a time."""

import io
import itertools
import json
import math
import subprocess
from functools import partial

import pytest
from rich.console import Console

from benchmarks import __main__ as benchmarks
from benchmarks import against, batched, comparing, kernel, mesa_driver, starting, studies, sweeping, worlds
from benchmarks.measuring import Figures, Turns, interleaved
from benchmarks.setting import setting
from benchmarks.yardstick import compiler
from kamsim.policy.policy import Intervention

TINY = {
    "kernel": lambda figures: kernel.measure(figures, organizations=1, worlds=1, rounds=1),
    "batched": lambda figures: batched.measure(figures, accounts=30, organizations=3, rounds=1),
    "mesa": lambda figures: mesa_driver.measure(figures, accounts=30, rounds=1),
    "worlds": lambda figures: worlds.measure(figures, sizes=(30, 60), work=60, rounds=1),
    "compare": lambda figures: comparing.measure(
        figures, organizations=2, rounds=1, names=("status_quo", "full_program"), replications=(2, 3)
    ),
    "sweep": lambda figures: sweeping.measure(figures, points=3, replications=2, rounds=1, few=2, huge=2),
    "start": lambda figures: starting.measure(figures, rounds=1, replications=2),
    "studies": lambda figures: studies.measure(figures, {"evidence": ("evidence",)}),
}


@pytest.fixture
def figures(tmp_path):
    return Figures(tmp_path / "figures.json", Console(file=io.StringIO()))


def kept(figures):
    return json.loads(figures.file.read_text())["parts"]


def test_every_part_has_a_tiny_size():
    assert TINY.keys() == benchmarks.PARTS.keys()


@pytest.mark.parametrize("part", TINY)
def test_a_part_runs(part, figures, monkeypatch):
    for module, name in itertools.product((comparing, starting, studies), ("command_seconds", "printed_by")):
        if hasattr(module, name):  # fresh processes need not compile for two organizations
            monkeypatch.setattr(module, name, partial(getattr(module, name), NUMBA_DISABLE_JIT="1"))
    figures.start(part, "?")
    TINY[part](figures)
    values = [row["value"] for row in kept(figures)[part].values() if isinstance(row, dict)]
    assert values or kept(figures)[part]["notes"] == [kernel.NO_COMPILER]
    assert all(math.isfinite(value) for value in values)


def test_against_times_this_revision_and_itself(figures):
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=against.ROOT, capture_output=True).returncode:
        pytest.skip("no repository here")
    figures.start("against", "?")
    against.measure(figures, "HEAD", accounts=20, worlds=1, times=1, rounds=1, organizations=2, NUMBA_DISABLE_JIT="1")
    for job in ("kernel", "whole comparison"):
        assert kept(figures)["against"][f"this {job}'s time in that of HEAD"]["value"] > 0


def test_against_says_what_is_no_revision(figures):
    with pytest.raises(SystemExit, match="no-such-thing is no revision"):
        against.measure(figures, "no-such-thing")


INTERVENTIONS = {
    "nothing": Intervention(),
    "collaboration": Intervention(set_collaboration=0.4),
    "reach": Intervention(ceiling_reach=3.0),
    "luck": Intervention(quota_without_luck=True, judged_without_luck=True),
    "tiers": Intervention(tiers_served_alike=True),
    "course": Intervention(most_rebuilds=0),
}


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler here")
@pytest.mark.parametrize("fused", [False, True], ids=["by rules", "fused"])
@pytest.mark.parametrize("intervention", INTERVENTIONS)
@pytest.mark.parametrize("accounts", [7, 120])
def test_c_gives_the_same_bits(accounts, intervention, fused):
    given = setting(accounts)
    given = given._replace(
        policies=[policy._replace(intervention=INTERVENTIONS[intervention]) for policy in given.policies]
    )
    yardstick = kernel.yardstick_for(given, compiler())
    found = kernel.unequal(given, yardstick, 5, fused=fused)
    assert found.values > 0
    assert found.unequal == 0


@pytest.mark.skipif(compiler() is None, reason="there is no C compiler here")
def test_unequal_bits_are_counted():
    given = setting(30)
    yardstick = kernel.yardstick_for(given, compiler())
    unsaturated = [policy._replace(intervention=Intervention(ceiling_reach=0.9)) for policy in given.policies]
    playing, reading = given, given._replace(policies=unsaturated)
    found = kernel.unequal(playing, yardstick, 1, theirs=reading)
    assert 0 < found.unequal < found.values
    assert found.size > 0


def test_batched_numpy_plays_the_same_rules():
    given = setting(60, batched.WITHOUT_RETIERING)
    drawn = list(given.worlds(12))
    for policy in given.policies:
        batch = batched.Batch(drawn, policy, given.parameters, given.timeline)
        batch.play()
        assert batch.rebuilt.any()
        assert batched.largest_gap(batch, drawn) < 1e-9


def test_an_interrupted_run_keeps_its_figures(tmp_path, monkeypatch):
    def interrupted(figures):
        figures.say("second", 2.0, "s")
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmarks, "PARTS", {"one": ("?", lambda f: f.say("first", 1.0)), "two": ("?", interrupted)})
    with pytest.raises(KeyboardInterrupt):
        benchmarks.main([], tmp_path)
    parts = json.loads((tmp_path / "latest.json").read_text())["parts"]
    assert parts["one"]["first"]["value"] == 1.0
    assert parts["two"]["second"] == {"value": 2.0, "unit": "s"}
    assert len(parts["two"]["load before"]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["latest.json"]


def test_parts_go_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks, "PARTS", {name: ("?", lambda f: f.say("x", 1.0)) for name in ("one", "two")})
    benchmarks.main(["two"], tmp_path)
    assert list(json.loads((tmp_path / "two.json").read_text())["parts"]) == ["two"]
    with pytest.raises(SystemExit, match="usage"):
        benchmarks.main(["three"], tmp_path)


def test_jobs_take_turns():
    order = []
    clock = iter(range(100)).__next__
    turns = interleaved(lambda: order.append("a"), lambda: order.append("b"), rounds=2, clock=clock)
    assert "".join(order) == "baabba"
    assert turns.seconds == [[1, 1], [1, 1]]


def test_ratio_is_the_median_of_rounds():
    assert Turns([[2.0, 4.0, 90.0], [1.0, 1.0, 30.0]]).ratio(0, 1) == 3.0
