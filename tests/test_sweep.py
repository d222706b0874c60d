"""Sweeps: the same bytes whoever plays them, nothing lost whatever is killed, and damage is named."""

import os
import platform
import random
import subprocess
import sys
import time
from pathlib import Path

import faults
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

import kamsim.experiments.chunks as chunks
import kamsim.experiments.sweep as sweep
from kamsim.errors import KamsimError
from kamsim.experiments.chunks import RULES, Plan, chunks_of, halves_of, merged, name_of, play_chunk
from kamsim.experiments.executors import local_place, named_place
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.experiments.manifest import arithmetic
from kamsim.experiments.parts import LOCK, PARTS, SUPERSEDED, Store, opened
from kamsim.experiments.sweep import estimate_of, read_sweep, run_sweep, status_of, verify_sweep
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import load_scenario, with_values

FEW = {"world": {"accounts": 20, "functions": 2}, "timeline": {"warmup_years": 0, "window_years": 3}}


def plan_of(points=6, replications=10, **changes):
    policies = tuple(load_scenario(name).changed(**FEW) for name in ("status_quo", "full_program"))
    turnover = np.linspace(0.01, 0.06, points).round(4).tolist()
    given = {
        "name": "few",
        "question": "What if?",
        "policies": policies,
        "points": [{"world.turnover": value, "policy.ratchet": 0.25} for value in turnover],
        "replications": replications,
        "seed": 1,
        "measures": ("total_profit", "quota_miss_rate"),
        "compare": "total_profit",
        "experiment": {"question": "What if?", "points": points, "replications": replications},
    }
    return Plan(**(given | changes))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Chunks of a few replications, so that small sweeps have many parts."""
    monkeypatch.setattr(chunks, "SECONDS_PER_CHUNK", 0.0008)


def content(folder):
    """Bytes of all files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweeps") / "whole"
    before, chunks.SECONDS_PER_CHUNK = chunks.SECONDS_PER_CHUNK, 0.0008
    run_sweep(plan_of(), folder, named_place("faults:pool", 2))
    chunks.SECONDS_PER_CHUNK = before
    return folder


# ---------------------------------------------------------------- results


def test_a_sweep_holds_what_the_ensemble_plays(uninterrupted):
    plan, frame = plan_of(), read_sweep(uninterrupted)
    assert len(frame) == plan.size == 6 * 2 * 10
    assert list(frame.columns) == [
        *("point", "policy", "replication", "world.turnover", "policy.ratchet"),
        *("total_profit", "quota_miss_rate", "error"),
    ]
    for number, values in enumerate(plan.points):
        jobs = [job_of(with_values(policy, values)) for policy in plan.policies]
        for policy, table in zip(plan.policies, play_organizations(jobs, 1, 0, 10), strict=True):
            rows = frame[(frame.point == number) & (frame.policy == policy.name)]
            for name in plan.measures:
                column = [measure.name for measure in MEASURES].index(name)
                np.testing.assert_array_equal(rows[name], table.outcomes[:, column])
            assert (rows["world.turnover"] == values["world.turnover"]).all()
    assert frame.error.isna().all()


def test_pandas_reads_the_parts_in_one_line(uninterrupted):
    frame = pd.read_parquet(uninterrupted / "parts")
    assert len(frame) == plan_of().size
    assert len(list((uninterrupted / "parts").iterdir())) > 10


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_workers_change_no_byte(uninterrupted, tmp_path, jobs):
    run_sweep(plan_of(), tmp_path / "s", local_place(jobs))
    assert content(tmp_path / "s") == content(uninterrupted)


def test_a_sweep_that_is_done_computes_nothing_again(uninterrupted, monkeypatch):
    before = content(uninterrupted)
    monkeypatch.setattr(chunks, "play_organizations", lambda *_: pytest.fail("played"))
    stands = run_sweep(plan_of(), uninterrupted, named_place("faults:pool", 1))
    assert (stands.done, stands.computed) == (stands.parts, 0)
    assert content(uninterrupted) == before


def test_only_what_changed_is_computed(tmp_path):
    plan, place = plan_of(points=4), named_place("faults:pool", 1)
    first = run_sweep(plan, tmp_path / "s", place)
    more = plan_of(points=4)
    more = Plan(**{**vars(more), "points": [*more.points, {"world.turnover": 0.3, "policy.ratchet": 0.25}],
                   "experiment": {"changed": True}})  # fmt: skip
    second = run_sweep(more, tmp_path / "s", place)
    assert 0 < second.computed <= first.parts // 4 + 2
    assert second.done == second.parts
    assert len(read_sweep(tmp_path / "s")) == more.size
    # Back to the former experiment: what it no longer asks for is set aside, not read.
    third = run_sweep(plan, tmp_path / "s", place)
    assert third.computed == 0
    assert len(read_sweep(tmp_path / "s")) == plan.size
    assert any((tmp_path / "s" / SUPERSEDED).iterdir())


def test_chunks_cover_everything_once_whatever_their_size(monkeypatch):
    plan = plan_of(points=7, replications=23)
    for seconds in (1e-9, 0.001, 0.02, 10.0):
        monkeypatch.setattr(chunks, "SECONDS_PER_CHUNK", seconds)
        seen = [
            (number, replication)
            for chunk in chunks_of(plan)
            for number, _ in chunk.points
            for replication in range(chunk.first, chunk.first + chunk.replications)
        ]
        assert sorted(seen) == [(number, replication) for number in range(7) for replication in range(23)]
        assert estimate_of(plan, 1).parts == len(list(chunks_of(plan)))


def test_halves_put_together_are_the_whole():
    chunk = max(chunks_of(plan_of(points=3)), key=lambda chunk: chunk.replications)
    chunk = chunk._replace(points=tuple((n, dict(p)) for n, p in enumerate(plan_of(points=3).points)))
    whole = play_chunk(chunk)
    halves = halves_of(chunk)
    together = merged(*map(play_chunk, halves))
    for one, other in zip(whole[:4], together[:4], strict=True):
        np.testing.assert_array_equal(one, other)
    assert together.error == whole.error
    assert halves_of(chunk._replace(replications=1, points=chunk.points[:1])) is None


# ---------------------------------------------------------------- faults


def test_a_failing_replication_is_a_row_with_its_error(uninterrupted, tmp_path):
    plan, folder = plan_of(), tmp_path / "s"
    stands = run_sweep(plan, folder, local_place(2), rules=RULES._replace(play=faults.play_failing))
    assert stands.done == stands.parts
    frame = read_sweep(folder)
    failed = frame[frame.error.notna()]
    assert set(zip(failed.point, failed.replication, strict=True)) == {faults.POISONED}
    assert (failed.error == "FloatingPointError: planted").all()
    assert failed[list(plan.measures)].isna().all(axis=None)
    whole = read_sweep(uninterrupted)
    rest = frame.error.isna()
    pd.testing.assert_frame_equal(frame[rest], whole[rest])
    assert stands.failed == len(failed) == status_of(plan, folder).failed
    again = run_sweep(plan, folder, named_place("faults:pool", 1))
    assert (again.computed, again.failed) == (0, len(failed))
    mended = run_sweep(plan, folder, named_place("faults:pool", 1), retry_failed=True)
    assert (mended.computed, mended.failed) == (1, 0)
    assert content(folder) == content(uninterrupted)


def test_a_point_that_makes_no_scenario_is_said_before_anything_is_played(tmp_path):
    plan = plan_of(points=2)
    wrong = Plan(**{**vars(plan), "points": [*plan.points, {"world.turnover": 7.0, "policy.ratchet": 0.25}]})
    with pytest.raises(KamsimError, match=r"few: point 2 \(world.turnover = 7.0, .*\): turnover in \[world\] must be"):
        run_sweep(wrong, tmp_path / "s", local_place(1))
    assert not (tmp_path / "s").exists()


def test_a_worker_killed_once_costs_nothing_but_time(uninterrupted, tmp_path, monkeypatch):
    monkeypatch.setenv(faults.MARK, str(tmp_path / "mark"))
    stands = run_sweep(plan_of(), tmp_path / "s", local_place(2), rules=RULES._replace(play=faults.play_killed_once))
    assert (tmp_path / "mark").exists()
    assert (stands.done, stands.failed) == (stands.parts, 0)
    assert content(tmp_path / "s") == content(uninterrupted)


def test_what_keeps_killing_its_worker_is_found_and_the_rest_goes_on(uninterrupted, tmp_path):
    plan = plan_of()
    stands = run_sweep(plan, tmp_path / "s", local_place(2), rules=RULES._replace(play=faults.play_killing))
    assert stands.done == stands.parts
    frame, whole = read_sweep(tmp_path / "s"), read_sweep(uninterrupted)
    failed = frame[frame.error.notna()]
    assert set(zip(failed.point, failed.replication, strict=True)) == {faults.POISONED}
    assert failed.error.str.contains("killed").all()
    rest = frame.error.isna()
    pd.testing.assert_frame_equal(frame[rest], whole[rest])


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import kamsim.experiments.chunks as chunks
import kamsim.experiments.sweep as sweep
from kamsim.experiments.executors import local_place
chunks.SECONDS_PER_CHUNK = 0.0008
from test_sweep import plan_of
if __name__ == "__main__":
    sweep.run_sweep(plan_of(points=120), Path({folder!r}), local_place(1))
"""


def test_killed_at_any_moment_and_run_again_the_store_is_the_same(tmp_path):
    """Kill the process 50 times at random moments; the last run finishes what is left."""
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    run_sweep(plan_of(points=120), whole, named_place("faults:pool", 2))
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), folder=str(folder)))
    moments, killed, parts_at_kill, parts = random.Random(6), 0, [], len(list((whole / PARTS).iterdir()))
    for number in range(50):
        # Take some parts away where little is left to do, so that every kill finds work.
        there = set(folder.glob(f"{PARTS}/part-*"))
        if len(there) > 0.5 * parts:
            for path in moments.sample(sorted(there), len(there) // 2):
                path.unlink()
        there = set(folder.glob(f"{PARTS}/part-*"))
        process = subprocess.Popen([sys.executable, str(script)], start_new_session=True, stderr=subprocess.DEVNULL)
        if number % 5:  # while it writes; else while it starts
            until = time.perf_counter() + 60.0
            while set(folder.glob(f"{PARTS}/part-*")) <= there and time.perf_counter() < until:
                time.sleep(0.002)
        time.sleep(moments.uniform(0.0, 0.3))
        killed += process.poll() is None
        process.kill()
        process.wait()
        names = list((folder / PARTS).iterdir()) if (folder / PARTS).exists() else []
        parts_at_kill.append(len(names))
        # Whatever shows under the name of a part is whole.
        assert all(Store(folder).whole(path.name) for path in names if path.name.startswith("part-"))
    assert killed >= 45
    assert len(set(parts_at_kill)) > 5
    subprocess.run([sys.executable, str(script)], check=True)
    assert content(folder) == content(whole)


def test_workers_end_with_their_parent(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import os, signal, sys, time\n"
        "from kamsim.experiments.executors import local_place\n"
        "if __name__ == '__main__':\n"
        "    pool = local_place(2).open()\n"
        "    print(*{pool.submit(os.getpid).result() for _ in range(8)}, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    printed = subprocess.run([sys.executable, str(script)], capture_output=True, text=True).stdout
    workers = [int(word) for word in printed.split()]
    assert workers
    for _ in range(100):
        if not any(Path(f"/proc/{worker}").exists() for worker in workers):
            return
        time.sleep(0.1)
    pytest.fail("a worker outlived its parent")


# ---------------------------------------------------------------- the folder


def test_a_second_sweep_on_one_folder_says_so(uninterrupted):
    with opened(uninterrupted), pytest.raises(KamsimError, match="another sweep is at work in this folder"):
        run_sweep(plan_of(), uninterrupted, local_place(1))
    assert run_sweep(plan_of(), uninterrupted, local_place(1)).computed == 0


def damaged(folder, how):
    part = sorted((folder / PARTS).iterdir())[3]
    data = part.read_bytes()
    if how == "cut short":
        part.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        part.write_bytes(b"")
    elif how == "tampered":
        import pyarrow.parquet as pq

        table = pq.read_table(part, partitioning=None)
        place = table.column_names.index("total_profit")
        column = table["total_profit"].to_pylist()
        table = table.set_column(place, "total_profit", [[column[0] + 1e-9, *column[1:]]])
        pq.write_table(table, part)
    return part.name


@pytest.mark.parametrize("how", ["cut short", "empty", "tampered"])
def test_a_damaged_part_is_named_and_computed_anew(uninterrupted, tmp_path, how):
    plan, folder = plan_of(), tmp_path / "s"
    run_sweep(plan, folder, named_place("faults:pool", 1))
    name = damaged(folder, how)
    with pytest.raises(KamsimError, match=f"{name}: is damaged"):
        read_sweep(folder)
    assert status_of(plan, folder).damaged == (name,)
    stands = run_sweep(plan, folder, named_place("faults:pool", 1))
    assert (stands.damaged, stands.computed) == ((name,), 1)
    assert content(folder) == content(uninterrupted)


def test_a_store_of_another_model_is_named_and_not_read(uninterrupted, tmp_path, monkeypatch):
    plan, folder = plan_of(points=2), tmp_path / "s"
    run_sweep(plan, folder, named_place("faults:pool", 1))
    monkeypatch.setattr(chunks, "MODEL", "0123456789abcdef")
    for look in (status_of, verify_sweep):
        with pytest.raises(KamsimError, match=r"was made by kamsim .* this is kamsim .* with model 0123456789abcdef"):
            look(plan, folder)
    with pytest.raises(KamsimError, match="`restart`"):
        run_sweep(plan, folder, named_place("faults:pool", 1))
    stands = run_sweep(plan, folder, named_place("faults:pool", 1), restart=True)
    assert stands.computed == stands.parts


def test_verify_finds_a_part_that_is_whole_but_wrong(uninterrupted, tmp_path):
    plan, folder = plan_of(), tmp_path / "s"
    run_sweep(plan, folder, named_place("faults:pool", 1))
    verified, different, last_digits = verify_sweep(plan, folder, parts=4, seed=1)
    assert (len(verified), different, last_digits) == (4, [], {})
    chunk = next(chunks_of(plan))
    rows = play_chunk(chunk)
    rows.values[0, 0] += 1.0
    name = name_of(chunk)
    Store(folder).write(name, chunks.part_of(plan, chunk, rows))
    assert verify_sweep(plan, folder, parts=10_000)[1] == [name]


def test_verify_tells_last_digits_from_differences(tmp_path):
    plan, folder = plan_of(points=3), tmp_path / "s"
    run_sweep(plan, folder, named_place("faults:pool", 1))
    (name, *others) = [name_of(chunk) for chunk in chunks_of(plan)]
    chunk = next(chunks_of(plan))

    def told(change, *, failed=""):
        """What is said of a part whose last figure is changed."""
        rows = play_chunk(chunk)
        rows.values[-1, 0] = change(rows.values[-1, 0])
        rows.error[-1] = failed
        Store(folder).write(name, chunks.part_of(plan, chunk, rows))
        found = verify_sweep(plan, folder, parts=10_000)
        assert sorted(found.verified) == sorted([name, *others])
        return found.different, found.last_digits

    different, last_digits = told(lambda value: np.nextafter(value, np.inf))
    assert (different, list(last_digits)) == ([], [name])
    assert 0 < last_digits[name] < 3e-16
    assert told(lambda value: value * (1 + 1e-6)) == ([name], {})
    assert told(lambda _: np.nan) == ([name], {})
    assert told(lambda value: value, failed="planted") == ([name], {})
    assert told(lambda value: value) == ([], {})
    (folder / PARTS / name).write_bytes(b"rotten")
    assert verify_sweep(plan, folder, parts=10_000).different == [name]


def test_a_sweep_goes_on_where_another_machine_left_it_and_names_both(tmp_path, monkeypatch):
    plan, folder, place = plan_of(points=3), tmp_path / "s", named_place("faults:pool", 1)
    there = {"libm": "another 1.0", "cpu": ["x86_64"]}
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sweep, "arithmetic", lambda: there)
        first = run_sweep(plan, folder, place)
    assert Store(folder).manifest()["arithmetic"] == [there]
    for _ in range(2):
        stands = run_sweep(plan, folder, place)
        assert (stands.done, stands.computed, stands.superseded) == (first.parts, 0, 0)
        assert Store(folder).manifest()["arithmetic"] == [there, arithmetic()]


WITHOUT_FMA = "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable"
CAN_DO_WITHOUT = platform.libc_ver()[0] == "glibc" and {"x86_64", "fma"} <= set(arithmetic()["cpu"])


def sweep_of_many_figures(folder):
    """Sweep with enough powers and exponentials that some last digit is another elsewhere; its plan."""
    policies = tuple(load_scenario(name) for name in ("status_quo", "full_program", "performance_retiering"))
    measures = tuple(measure.name for measure in MEASURES)
    plan = plan_of(points=1, replications=60, policies=policies, measures=measures)
    chunks.SECONDS_PER_CHUNK = 0.0008
    run_sweep(plan, folder, named_place("faults:pool", 1))
    return plan


@pytest.mark.skipif(not CAN_DO_WITHOUT, reason="only this C library can be told to do without FMA")
def test_a_store_that_a_library_without_fma_made_is_not_called_different(tmp_path):
    folder = tmp_path / "s"
    script = f"import pathlib, test_sweep; test_sweep.sweep_of_many_figures(pathlib.Path({str(folder)!r}))"
    without = {"GLIBC_TUNABLES": WITHOUT_FMA, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ | without, cwd=Path(__file__).parent)
    found = verify_sweep(sweep_of_many_figures(tmp_path / "here"), folder, parts=10_000)
    assert (found.different, bool(found.last_digits)) == ([], True)
    assert max(found.last_digits.values()) < 1e-12


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(KamsimError, match="already holds other files"):
        run_sweep(plan_of(), tmp_path, local_place(1))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(KamsimError, match="holds no sweep"):
        read_sweep(tmp_path / "nowhere")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_what_is_done_is_kept(small_disk, tmp_path):
    plan, folder = plan_of(points=60), small_disk / "s"
    with pytest.raises(KamsimError, match="the disk is full; what is done is kept"):
        run_sweep(plan, folder, named_place("faults:pool", 1))
    parts = list((folder / PARTS).iterdir())
    assert parts
    assert all(Store(folder).whole(path.name) for path in parts)
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    stands = run_sweep(plan, folder, named_place("faults:pool", 1))
    assert stands.done == stands.parts > stands.computed > 0


def test_the_lock_is_of_the_system_and_ends_with_its_process(uninterrupted):
    with FileLock(uninterrupted / LOCK, timeout=0):
        pass  # nobody holds it


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nonsense", "module:callable"),
        ("no_such_module:pool", "cannot be imported"),
        ("faults:no_such", "has no no_such"),
        ("faults:holds_poison", "could not be opened: TypeError"),
        ("faults:PLAIN", "could not be opened: TypeError"),
        ("sys:exit", "could not be opened: SystemExit"),
        ("leaves_at_import:pool", "cannot be imported: SystemExit"),
        ("builtins:object", "gave object, not a concurrent.futures.Executor"),
        ("concurrent.futures:Executor", r"takes no work \(NotImplementedError"),
        ("faults:shut", r"takes no work \(RuntimeError: cannot schedule new futures after shutdown"),
        ("faults:no_futures", "gave str for work, not a concurrent.futures.Future"),
        ("faults:leaving", r"takes no work \(SystemExit: 0"),
        ("faults:never_started", "workers end before they do any work"),
    ],
)
def test_b8_an_executor_that_is_none_is_named(name, sentence, tmp_path, monkeypatch):
    (tmp_path / "leaves_at_import.py").write_text("raise SystemExit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KamsimError, match=sentence) as fault:
        run_sweep(plan_of(points=2), tmp_path / "s", named_place(name, 1))
    assert "\n" not in str(fault.value)
    assert not Store(tmp_path / "s").names()


def test_b8_a_bad_executor_does_not_end_in_success(tmp_path):
    command = [sys.executable, "-m", "kamsim", "sweep", "four_levers", "--replications", "1", "--executor", "sys:exit"]
    done = subprocess.run([*command, "--out", str(tmp_path / "s")], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "Error: --executor sys:exit: could not be opened: SystemExit\n"


def test_levels_of_several_types_are_one_column(tmp_path):
    levels = ["spend", 0.5, "enterprise"]
    plan = plan_of(points=3)
    points = [{"selection": level, "retiering": {"spend": 0.5} if level == 0.5 else "static"} for level in levels]
    plan = Plan(**{**vars(plan), "points": points})
    run_sweep(plan, tmp_path / "s", named_place("faults:pool", 1))
    frame = read_sweep(tmp_path / "s")
    assert frame.groupby("point").selection.first().tolist() == ["spend", "0.5", "enterprise"]
    assert frame.groupby("point").retiering.first().tolist() == ["static", '{"spend": 0.5}', "static"]
    assert not frame.error.notna().any()


def test_the_order_of_tiers_is_part_of_what_a_part_holds(tmp_path):
    plan = plan_of(points=1)
    (base, *_) = plan.policies
    tiers = list(base.tiers.ordered.items())
    turned = base.model_copy(update={"tiers": base.tiers.model_copy(update={"ordered": dict(reversed(tiers))})})
    one, other = (Plan(**{**vars(plan), "policies": (policy,)}) for policy in (base, turned))
    names = {name_of(chunk) for which in (one, other) for chunk in chunks_of(which)}
    assert len(names) == 2 * len(list(chunks_of(one)))


def test_a_part_under_the_name_of_another_is_damage(tmp_path):
    plan, folder = plan_of(), tmp_path / "s"
    run_sweep(plan, folder, named_place("faults:pool", 1))
    one, other = sorted((folder / PARTS).iterdir())[:2]
    other.write_bytes(one.read_bytes())
    with pytest.raises(KamsimError, match=f"it holds what {one.name} should"):
        read_sweep(folder)
    assert status_of(plan, folder).damaged == (other.name,)


def test_a_worker_of_another_model_is_not_believed(tmp_path):
    chunk = next(chunks_of(plan_of()))._replace(model="0123456789abcdef")
    with pytest.raises(KamsimError, match="install the same version everywhere"):
        play_chunk(chunk)


def test_a_store_of_another_model_is_read_only_if_asked(uninterrupted, monkeypatch):
    monkeypatch.setattr(chunks, "MODEL", "0123456789abcdef")
    with pytest.raises(KamsimError, match="any_model=True"):
        read_sweep(uninterrupted)
    assert len(read_sweep(uninterrupted, any_model=True)) == plan_of().size


def test_restart_computes_all_anew(tmp_path):
    plan, place = plan_of(points=2), named_place("faults:pool", 1)
    first = run_sweep(plan, tmp_path / "s", place)
    before = content(tmp_path / "s")
    again = run_sweep(plan, tmp_path / "s", place, restart=True)
    assert again.computed == first.computed
    assert content(tmp_path / "s") == before


def test_nothing_to_verify_is_said(tmp_path):
    run_sweep(plan_of(points=2), tmp_path / "s", named_place("faults:pool", 1))
    with pytest.raises(KamsimError, match="nothing to verify"):
        verify_sweep(plan_of(points=2, seed=5), tmp_path / "s")
