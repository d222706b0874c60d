"""Whatever a byte of a file of ours holds: it is damaged and made again, or one sentence names the file."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fuzz import inputs
from test_sweep import content, plan_of, small_chunks  # noqa: F401  # a fixture that works by its name

from kamsim.books.book import read_book
from kamsim.errors import KamsimError
from kamsim.evidence.posterior import read_posterior
from kamsim.experiments.executors import named_place
from kamsim.experiments.file import load_experiment
from kamsim.experiments.files import write_whole
from kamsim.experiments.folder import result_folder
from kamsim.experiments.log import LOG, logged
from kamsim.experiments.manifest import manifest_of, read_manifest, scenarios_of
from kamsim.experiments.parts import MANIFEST, PARTS, Store, checked, opened
from kamsim.experiments.replications import ROW_GROUP, read_replications, replications_file
from kamsim.experiments.sweep import read_sweep, run_sweep, status_of
from kamsim.scenario import load_scenario

CASES = Path(__file__).parent / "cases"


def mutated(original: bytes, generator: np.random.Generator) -> bytes:
    """The bytes of a file after one of the things that happen to files."""
    data, size = bytearray(original), len(original)
    match int(generator.integers(8)):
        case 0:
            return bytes(data[: generator.integers(size)])  # cut short
        case 1:
            return generator.bytes(int(generator.integers(200)))  # something else, or nothing
        case 2:
            first = int(generator.integers(size))
            data[first : first + 512] = bytes(len(data[first : first + 512]))  # a block of zeros
        case 3:
            first, last = sorted(generator.integers(size, size=2))
            del data[first:last]
        case 4:
            first = int(generator.integers(size))
            data[first:first] = data[: generator.integers(100)]
        case _:
            for place in generator.integers(size, size=int(generator.choice([1, 1, 2, 5, 30]))):
                data[place] ^= 1 << int(generator.integers(8))
    return bytes(data)


def tried(read: Callable[[Path], Any], path: Path) -> tuple[Any, str]:
    """What is read, or the sentence that says why it is not; anything else fails the test."""
    try:
        return read(path), ""
    except KamsimError as error:
        return None, str(error)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "whole"
    run_sweep(plan_of(points=3), folder, named_place("faults:pool", 1))
    return folder


# ---------------------------------------------------------------- parts and their manifest


@pytest.mark.parametrize("case", ["part_bitrot_index.parquet", "part_bitrot_utf8.parquet"])
def test_bit_rot_in_a_part_is_damage_and_the_part_is_made_again(store, tmp_path, case):
    folder, plan, place = tmp_path / "s", plan_of(points=3), named_place("faults:pool", 1)
    shutil.copytree(store, folder)
    name = min(Store(folder).names())
    shutil.copyfile(CASES / case, folder / PARTS / name)
    with pytest.raises(KamsimError, match=f"{name}: is damaged"):
        checked(folder / PARTS / name)
    assert status_of(plan, folder).damaged == (name,)
    stands = run_sweep(plan, folder, place)
    assert (stands.damaged, stands.computed) == ((name,), 1)
    assert content(folder) == content(store)


@pytest.mark.parametrize("how", ["lost", "empty", "cut short", "no text", "nested", "a list"])
def test_a_lost_or_cut_manifest_is_made_again_from_parts_that_name_themselves(store, tmp_path, how):
    folder, plan = tmp_path / "s", plan_of(points=3)
    shutil.copytree(store, folder)
    path = folder / MANIFEST
    before = path.read_bytes()
    if how == "lost":
        path.unlink()
    else:
        cut = before[: len(before) // 2]
        path.write_bytes(
            {"empty": b"", "cut short": cut, "no text": b"\xff", "nested": b"[" * 100_000, "a list": b"[]"}[how]
        )
    stands = status_of(plan, folder)
    assert (stands.done, stands.damaged) == (stands.parts, (MANIFEST,))
    with pytest.raises(KamsimError, match=r"manifest\.json: is lost or damaged; the same sweep again makes it anew"):
        read_sweep(folder)
    assert read_sweep(folder, any_model=True).equals(read_sweep(store))
    assert run_sweep(plan, folder, named_place("faults:pool", 1)).computed == 0
    assert path.read_bytes() == before
    assert read_sweep(folder).equals(read_sweep(store))


def test_a_manifest_of_somebody_else_is_not_made_again(tmp_path):
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(KamsimError, match=r"manifest\.json: is no manifest of a sweep; choose another"):
        run_sweep(plan_of(points=3), tmp_path, named_place("faults:pool", 1))
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def test_a_mutated_manifest_of_a_sweep_is_made_again_or_named(store):
    plan, path, place = plan_of(points=3), store / MANIFEST, named_place("faults:pool", 1)
    whole, frame, generator = path.read_bytes(), read_sweep(store), np.random.default_rng(11)
    cases = [whole.replace(b'"seed"', b'"sead"'), whole.replace(b"0.05", b"1e999"), whole.replace(b"0.05", b"NaN")]
    made_again = 0
    for changed in [*cases, *(mutated(whole, generator) for _ in range(inputs(30)))]:
        path.write_bytes(changed)
        found, sentence = tried(lambda folder: status_of(plan, folder), store)
        assert str(store) in sentence if sentence else found.done
        found, sentence = tried(lambda folder: read_sweep(folder, any_model=True), store)
        assert str(store) in sentence if sentence else found.equals(frame)
        found, sentence = tried(lambda folder: run_sweep(plan, folder, place), store)
        if sentence:
            assert str(store) in sentence
            path.unlink()
            run_sweep(plan, store, place)
        else:
            made_again += 1
            assert found.computed == 0
        assert read_sweep(store).equals(frame)
    assert made_again > 20


@pytest.mark.parametrize("what", [MANIFEST, PARTS, ".lock", "part", "superseded"])
@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_what_is_of_another_kind_than_it_should_be_is_named_or_made_again(store, what, kind):
    plan, place = plan_of(points=3), named_place("faults:pool", 1)
    path = min((store / PARTS).iterdir()) if what == "part" else store / what
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
        (path / "mine").touch()
    elif kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to("nowhere")
    for look in (lambda folder: status_of(plan, folder), read_sweep, lambda folder: run_sweep(plan, folder, place)):
        sentence = tried(look, store)[1]
        assert not sentence or str(store) in sentence
    if kind == "folder":
        assert (path / "mine").exists()


def test_a_part_that_passes_is_the_one_that_was_written(store, tmp_path):
    original = min((store / PARTS).iterdir())
    table, path, generator = checked(original)[0], tmp_path / original.name, np.random.default_rng(8)
    damaged = 0
    for _ in range(inputs(150)):
        path.write_bytes(mutated(original.read_bytes(), generator))
        found, sentence = tried(lambda path: checked(path)[0], path)
        if sentence:
            damaged += 1
            assert sentence.startswith(f"{path}: is damaged: ")
        else:
            assert found.equals(table)
    assert damaged > 100


# ---------------------------------------------------------------- all that is read


@cache
def texts() -> dict[str, bytes]:
    rows = "".join(f"A{number},{100 + number}\n" for number in range(30))
    dates = [f"{year}-{month:02}-07" for year in (2021, 2022) for month in range(1, 13)]
    dated = "".join(f"A{number},{date},{9 * number}\n" for number in range(6) for date in dates)
    return {
        "scenario.toml": b'extends = "status_quo"\nquestion = "Why?"\n[tiers.key]\nseats = 4\n[world]\naccounts = 40\n',
        "experiment.toml": Path(__file__).parents[1].joinpath("experiments/four_levers.toml").read_bytes(),
        "posterior.csv": b"# model 0123\nworld.turnover,tiers.key.promise\n0.02,0.33\n0.03,0.31\n",
        "book.csv": f"account_id,annual_spend\n{rows}".encode(),
        "invoices.csv": f"account_id,date,amount\n{dated}".encode(),
        "points.csv": b"world.turnover,selection\n0.01,spend\n0.02,enterprise\n0.05,0.3\n0.07,spend\n0.1,spend\n",
    }


def experiment_of_points(path: Path) -> object:
    asked = path.with_name("asked.toml")
    asked.write_text(f"question = 'Why?'\n[design]\nkind = 'points'\nfile = '{path.name}'\n")
    return load_experiment(str(asked))


READERS: dict[str, Callable[[Path], object]] = {
    "scenario.toml": lambda path: load_scenario(str(path)),
    "experiment.toml": lambda path: load_experiment(str(path)),
    "posterior.csv": read_posterior,
    "book.csv": read_book,
    "invoices.csv": read_book,
    "points.csv": experiment_of_points,
    "manifest.json": lambda path: scenarios_of(read_manifest(path.parent)),
    "replications.parquet": read_replications,
}


@pytest.mark.parametrize("name", READERS)
def test_a_mutated_file_is_read_or_named_in_one_sentence(name, tmp_path):
    path, generator = tmp_path / name, np.random.default_rng(9)
    if name in texts():
        original = texts()[name]
    else:
        with (
            result_folder(tmp_path / "run", manifest_of([load_scenario("status_quo")], 1, 10)) as folder,
            replications_file(folder, ["a", "b"], ["u", "v"]) as write,
        ):
            write(np.random.default_rng(1).normal(size=(10, 2, 2)))
        original = (tmp_path / "run" / name).read_bytes()
    path.write_bytes(original)
    READERS[name](path)
    refused = 0
    for _ in range(inputs(40)):
        path.write_bytes(mutated(original, generator))
        sentence = tried(READERS[name], path)[1]
        if sentence:
            refused += 1
            assert name in sentence
            assert sentence.isprintable()
    assert refused > 10


# ---------------------------------------------------------------- the log of a calibration


def fill(folder: Path, count: int = 20, seed: int = 1, note: Callable[[str], None] | None = None) -> int:
    """Evaluate what is missing; how many were."""
    evaluated = 0
    with logged(folder, {"seed": seed}, note) as log:
        for number in range(count):
            what, result = {"point": [number / 7, 0.1]}, {"figures": [number / 3, 1e-300]}
            if (found := log.find(what)) is None:
                evaluated += 1
                log.add(what, result)
            else:
                assert found == result
    return evaluated


def test_two_calibrations_in_one_folder_do_not_interleave_their_log(tmp_path):
    with (
        logged(tmp_path, {"seed": 1}),
        pytest.raises(KamsimError, match="another calibration is at work in this folder; wait for it or choose"),
        logged(tmp_path, {"seed": 1}),
    ):
        pytest.fail("was let in")
    assert (fill(tmp_path), fill(tmp_path)) == (20, 0)
    # Another process, which is not killed but waited for: the lock is of the system.
    script = f"import test_damage, pathlib; test_damage.fill(pathlib.Path({str(tmp_path)!r}), 25)"
    with logged(tmp_path, {"seed": 1}):
        beside = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=CASES.parent)
    assert "another calibration is at work" in beside.stderr
    assert fill(tmp_path) == 0


def test_a_damaged_line_of_a_log_and_what_follows_are_dropped_and_said(tmp_path):
    assert fill(tmp_path) == 20
    log, said = tmp_path / LOG, []
    whole = log.read_bytes()
    lines = whole.splitlines(keepends=True)
    lines[8] = lines[8].replace(b"0.1]", b"0.2]")  # still JSON, and not what was written
    log.write_bytes(b"".join(lines))
    assert fill(tmp_path, note=said.append) == 13
    assert said == [f"{log}: line 9 is damaged; it and what follows are dropped, and evaluated again"]
    assert log.read_bytes() == whole


def test_a_line_cut_short_by_a_kill_is_nothing_to_talk_about(tmp_path):
    assert fill(tmp_path) == 20
    whole = (tmp_path / LOG).read_bytes()
    (tmp_path / LOG).write_bytes(whole[:-10])
    assert fill(tmp_path, note=pytest.fail) == 1
    (tmp_path / LOG).write_bytes(whole[:9])
    assert fill(tmp_path, note=pytest.fail) == 20
    assert (tmp_path / LOG).read_bytes() == whole


def test_a_refused_log_is_left_as_it_is(tmp_path):
    fill(tmp_path)
    before = (tmp_path / LOG).read_bytes() + b'{"wha'
    (tmp_path / LOG).write_bytes(before)
    with pytest.raises(KamsimError, match="seed is 1 there, 2 here"):
        fill(tmp_path, seed=2)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / LOG).write_text("mine")
    with pytest.raises(KamsimError, match="is no log of a calibration"):
        fill(tmp_path / "other")
    assert (tmp_path / LOG).read_bytes() == before
    assert (tmp_path / "other" / LOG).read_text() == "mine"


def test_a_mutated_log_gives_what_it_gave_or_is_named(tmp_path):
    fill(tmp_path)
    log, generator, refused, tries = tmp_path / LOG, np.random.default_rng(10), 0, inputs(30)
    whole = log.read_bytes()
    for _ in range(tries):
        log.write_bytes(mutated(whole, generator))
        sentence = tried(fill, tmp_path)[1]
        if sentence:
            refused += 1
            assert LOG in sentence
        else:
            assert log.read_bytes() == whole
    assert 0 < refused < tries / 2  # only where its first line is harmed, or another file is in its place


# ---------------------------------------------------------------- writers


def write_table_file(path: Path) -> None:
    pq.write_table(pa.table({"value": np.random.default_rng(1).normal(size=40_000)}), path)


def write_run(folder: Path) -> None:
    with (
        result_folder(folder / "run", manifest_of([load_scenario("status_quo")], 1, 10)) as partial,
        replications_file(partial, ["a"], ["u"]) as write,
    ):
        for _ in range(80):
            write(np.random.default_rng(1).normal(size=(ROW_GROUP, 1, 1)))


def write_log(folder: Path) -> None:
    with logged(folder / "log", {}) as log:
        log.add({"point": 1}, {"figures": [0.1] * 40_000})


def write_part(folder: Path) -> None:
    with opened(folder / "sweep") as store:
        store.write("part-" + "0" * 32 + ".parquet", bytes(300_000))


WRITERS: dict[str, Callable[[Path], object]] = {
    "text": lambda folder: write_whole(folder / "text.json", "x" * 300_000),
    "figure": lambda folder: write_whole(folder / "figure.png", bytes(300_000)),
    "agents": lambda folder: write_whole(folder / "agents.parquet", write_table_file),
    "run": write_run,
    "log": write_log,
    "part": write_part,
    "manifest": lambda folder: Store(folder).write_manifest({"accounts": "x" * 300_000}),
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_is_one_sentence_and_nothing_is_half_written(small_disk, what):
    with pytest.raises(KamsimError, match=r"the disk is full; what is done is kept|do not fit on the disk") as caught:
        WRITERS[what](small_disk)
    assert str(small_disk) in str(caught.value)
    left = {path.name for path in small_disk.rglob("*") if path.is_file()}
    assert left <= {".lock", LOG}
    # What a full disk cut short is no hindrance once there is room.
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    WRITERS[what](small_disk)


@pytest.mark.parametrize("what", WRITERS)
def test_a_disk_that_cannot_be_written_is_one_sentence(small_disk, what):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(KamsimError, match="cannot be written: Read-only file system") as caught:
        WRITERS[what](small_disk)
    assert str(small_disk) in str(caught.value)
