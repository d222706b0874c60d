"""A result folder appears whole or not at all, and never in the place of something else."""

import errno
import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from kamsim.books.book import read_book
from kamsim.errors import KamsimError
from kamsim.experiments.folder import result_folder
from kamsim.experiments.manifest import default_name, manifest_of, read_manifest, scenarios_of
from kamsim.experiments.replications import (
    REPLICATIONS,
    ROW_GROUP,
    read_replications,
    replications_file,
    replications_in_batches,
)
from kamsim.scenario import Scenario, load_scenario
from kamsim.studies.compare import compare


def manifest(seed: int = 1) -> dict[str, Any]:
    return manifest_of([Scenario(name="a")], seed, 10)


def write_run(folder: Path, seed: int = 1, text: str = "measure\n") -> None:
    with result_folder(folder, manifest(seed)) as partial:
        (partial / "comparison.csv").write_text(text)


def refusal(folder: Path, seed: int = 1) -> str:
    """Sentence of the refusal, which must come before anything is run and leave everything as it was."""
    before = sorted(path for path in folder.parent.rglob("*"))
    with pytest.raises(KamsimError) as caught, result_folder(folder, manifest(seed)):
        pytest.fail("was let in")
    assert sorted(path for path in folder.parent.rglob("*")) == before
    sentence = str(caught.value)
    assert sentence.startswith(f"{folder}: ")
    assert sentence.endswith("; choose another `out`")
    assert "\n" not in sentence
    return sentence


# ---------------------------------------------------------------- manifest


def test_a_manifest_says_all_and_nothing_that_changes_by_itself() -> None:
    content = manifest_of([load_scenario("status_quo"), load_scenario("population")], 7, 20)
    assert content == manifest_of([load_scenario("status_quo"), load_scenario("population")], 7, 20)
    assert content["seed"] == 7
    assert content["accounts"] is None
    assert {"python", "kamsim", "numpy", "numba", "mesa", "pyarrow"} <= set(content["versions"])
    text = json.dumps(content, allow_nan=False)
    assert str(Path.cwd()) not in text
    assert scenarios_of(json.loads(text)) == [load_scenario("status_quo"), load_scenario("population")]


def test_an_account_file_is_known_by_name_and_content(tmp_path: Path) -> None:
    def accounts_of(text: str) -> Any:
        (tmp_path / "book.csv").write_text(text)
        return manifest_of([Scenario(name="a")], 1, 1, read_book(tmp_path / "book.csv"))["accounts"]

    one = accounts_of("account_id,annual_spend\nA,100\nB,50\n")
    other = accounts_of("account_id,annual_spend\nA,100\nB,51\n")
    assert one["file"] == other["file"] == "book.csv"
    assert one["sha256"] != other["sha256"]
    assert str(tmp_path) not in json.dumps(one)


def test_a_book_without_a_file_is_known_by_its_estimates(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text("account_id,annual_spend\nA,100\nB,50\n")
    book = read_book(tmp_path / "book.csv")

    def accounts_of(factor: float) -> Any:
        made_up = replace(book, source="made up", annual_spend=factor * book.annual_spend)
        return manifest_of([Scenario(name="a")], 1, 1, made_up)["accounts"]

    assert accounts_of(1.0) == accounts_of(1.0) != accounts_of(2.0)


def test_every_run_has_a_name_of_its_own() -> None:
    names = {default_name(manifest(seed)) for seed in range(50)}
    assert len(names) == 50
    assert default_name(manifest()) == default_name(manifest())
    assert all(name.startswith("compare-") and len(name) == 16 for name in names)


def test_the_order_of_tiers_is_part_of_a_run(tmp_path: Path) -> None:
    def tiered(*names: str) -> dict[str, Any]:
        tiers = {"ordered": {name: {"seats": 1} for name in names}}
        return manifest_of([Scenario(name="a", tiers=tiers)], 1, 10)  # type: ignore[arg-type]

    one, other = tiered("gold", "amber"), tiered("amber", "gold")
    assert default_name(one) != default_name(other)
    with result_folder(tmp_path / "run", one):
        pass
    assert list(scenarios_of(read_manifest(tmp_path / "run"))[0].tiers.ordered) == ["gold", "amber"]
    with pytest.raises(KamsimError, match="another run"), result_folder(tmp_path / "run", other):
        pass


@pytest.mark.parametrize("text", [None, "", "[1]", "{", "\udcff"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text, errors="surrogateescape")
    with pytest.raises(KamsimError, match=r"manifest\.json: (cannot be read|is no manifest)"):
        read_manifest(tmp_path)


def test_a_manifest_names_the_machine_and_an_equal_run_of_another_is_the_same_run(tmp_path: Path) -> None:
    here = manifest()
    there = here | {"arithmetic": {"libm": "another 1.0", "cpu": ["riscv64"]}}
    assert here["arithmetic"]["libm"]
    assert here["arithmetic"]["cpu"]
    assert default_name(here) == default_name(there)
    with result_folder(tmp_path / "run", there):
        pass
    with result_folder(tmp_path / "run", here):
        pass
    assert read_manifest(tmp_path / "run") == here


# ---------------------------------------------------------------- folder


def test_nothing_is_there_until_all_is(tmp_path: Path) -> None:
    target = tmp_path / "above" / "run"
    with result_folder(target, manifest()) as partial:
        assert partial == target.parent / f".run.partial-{os.getpid()}"
        assert not target.exists()
        (partial / "comparison.csv").write_text("measure\n")
    assert sorted(path.name for path in target.iterdir()) == ["comparison.csv", "manifest.json"]
    assert [path.name for path in target.parent.iterdir()] == ["run"]
    assert read_manifest(target) == manifest()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def write_half(folder: Path) -> None:
        with result_folder(folder, manifest()) as partial:
            (partial / "comparison.csv").write_text("half")
            raise error

    with pytest.raises(error):
        write_half(tmp_path / "above" / "run")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_comparison_leaves_the_run_before_it(tmp_path: Path) -> None:
    scenario = load_scenario("status_quo").changed(world={"accounts": 12})
    compare([scenario], replications=4, out=tmp_path / "run", figure=lambda _: b"figure")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert before["comparison.png"] == b"figure"

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare([scenario], replications=4, out=tmp_path / "run", progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        compare([scenario], replications=4, out=tmp_path / "new", progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_an_equal_run_is_replaced(tmp_path: Path) -> None:
    write_run(tmp_path / "run", text="old")
    write_run(tmp_path / "run", text="new")
    assert (tmp_path / "run" / "comparison.csv").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write_run(tmp_path / "run")
    assert (tmp_path / "run" / "manifest.json").is_file()


def test_another_run_is_never_written_over(tmp_path: Path) -> None:
    write_run(tmp_path / "run", seed=1)
    assert "already holds another run" in refusal(tmp_path / "run", seed=2)


def test_another_run_that_comes_in_between_is_not_written_over(tmp_path: Path) -> None:
    def write_while_another_comes(folder: Path) -> None:
        with result_folder(folder, manifest()):
            folder.mkdir()
            (folder / "manifest.json").write_text("{}")

    with pytest.raises(KamsimError, match="another run"):
        write_while_another_comes(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert (tmp_path / "run" / "manifest.json").read_text() == "{}"


def test_files_of_others_are_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    assert "already holds other files" in refusal(tmp_path / "notes")
    write_run(tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    assert "notes.txt" in refusal(tmp_path / "run")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    assert "is a file" in refusal(tmp_path / "run")
    with pytest.raises(KamsimError, match="cannot be written"), result_folder(tmp_path / "run" / "in", manifest()):
        pass
    assert (tmp_path / "run").read_text() == "mine"


def test_the_folder_one_stands_in_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KamsimError, match="the folder you are in"), result_folder(".", manifest()):
        pass


def test_a_folder_that_cannot_be_written_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests may run as root, whom no permission stops, so the refusal of the system is planted.
    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert "cannot be written: Permission denied" in refusal(tmp_path / "run")
    assert "cannot be written: Permission denied" in refusal(tmp_path / "above" / "run")


def test_what_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    left = tmp_path / f".run.partial-{os.getpid()}"
    left.mkdir()
    (left / "comparison.png").write_text("half")
    write_run(tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["comparison.csv", "manifest.json"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "far")
    write_run(tmp_path / "run")
    assert (tmp_path / "run").is_symlink()
    assert (tmp_path / "far" / "manifest.json").is_file()


def test_a_failed_move_puts_the_old_run_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "run", text="old")
    rename = os.rename

    def fail(source: Path, target: Path) -> None:
        if "partial" in str(source):
            raise OSError(errno.EIO, "planted")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="planted"):
        write_run(tmp_path / "run", text="new")
    assert (tmp_path / "run" / "comparison.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    block = np.random.default_rng(1).normal(size=(ROW_GROUP, 3, 6))

    def write_too_much(folder: Path) -> None:
        with (
            result_folder(folder, manifest()) as partial,
            replications_file(partial, ["a", "b", "c"], list("uvwxyz")) as write,
        ):
            write(block)
            write(block)

    try:
        # A limit on the size of files stops writing just as a full disk does.
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        with pytest.raises(KamsimError, match="do not fit on the disk"):
            write_too_much(tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- replications


def write_blocks(folder: Path, values: np.ndarray) -> Path:
    with replications_file(folder, ["a", "b"], ["u", "v", "w"]) as write:
        for first in range(0, len(values), ROW_GROUP):
            write(values[first : first + ROW_GROUP])
    return folder / "replications.parquet"


def test_replications_come_back_as_they_went_in(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=(2 * ROW_GROUP + 5, 2, 3))
    values[3, 1, 2] = np.nan
    path = write_blocks(tmp_path, values)
    frame = read_replications(tmp_path)
    assert frame.dtypes.astype(str).to_dict() == {
        "replication": "int32",
        "scenario": "category",
        "measure": "category",
        "value": "float64",
    }
    assert np.array_equal(frame["value"].to_numpy().reshape(values.shape), values, equal_nan=True)
    assert frame["replication"].to_numpy().reshape(values.shape)[:, 1, 2].tolist() == list(range(len(values)))
    assert frame["scenario"].tolist()[:6] == ["a"] * 3 + ["b"] * 3
    assert frame["measure"].tolist()[:6] == ["u", "v", "w"] * 2
    assert pq.ParquetFile(path).num_row_groups == 3
    assert [len(batch) for batch in replications_in_batches(path)] == [6 * ROW_GROUP, 6 * ROW_GROUP, 30]


def test_blocks_of_another_length_are_a_mistake(tmp_path: Path) -> None:
    with replications_file(tmp_path, ["a"], ["u"]) as write:
        with pytest.raises(ValueError, match="all blocks but the last"):
            write(np.zeros((ROW_GROUP + 1, 1, 1)))
        write(np.zeros((3, 1, 1)))
        with pytest.raises(ValueError, match="all blocks but the last"):
            write(np.zeros((3, 1, 1)))


def test_what_holds_no_replications_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KamsimError, match="cannot be read"):
        read_replications(tmp_path)
    (tmp_path / REPLICATIONS).write_text("no parquet")
    with pytest.raises(KamsimError, match="no Parquet file"):
        read_replications(tmp_path)


def test_no_thread_of_arrow_is_left_that_could_outlive_python(tmp_path: Path) -> None:
    """A thread that lets go of our bytes while Python ends ends the process with "terminate called"."""
    write_blocks(tmp_path, np.ones((3, 2, 3)))
    code = """
import os, sys
import numpy, pandas, pyarrow.parquet
from kamsim.experiments.files import read_parquet
from kamsim.experiments.replications import read_replications
before = set(os.listdir("/proc/self/task"))
with open(sys.argv[1] + "/replications.parquet", "rb") as file:
    assert read_parquet(file.read()).num_rows == 18
assert len(read_replications(sys.argv[1])) == 18
names = [open(f"/proc/self/task/{task}/comm").read() for task in set(os.listdir("/proc/self/task")) - before]
print([name for name in names if "jemalloc" not in name])  # it holds nothing of Python's
"""
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr
