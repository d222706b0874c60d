"""The cache of compiled kernels: in whatever state its folder is, commands go on; each test is named by a fault."""

import os
import pickle
import random
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numba
import pytest

import kamsim.cache as caching
from kamsim.cache import CacheWarning, KernelCache

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="whose a folder is, is asked on POSIX systems")
ROOT = Path(__file__).parent.parent


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A home and a temporary folder of one's own, with nothing in them."""
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setattr(caching.tempfile, "gettempdir", lambda: str(temporary))
    for name in ("KAMSIM_CACHE_DIR", "NUMBA_CACHE_DIR", caching.SAID):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    caching.base_folder.cache_clear()


class Kernel:
    """A small kernel, as another process would meet it."""

    def __init__(self, code="0"):
        caching.base_folder.cache_clear()
        os.environ.pop(caching.SAID, None)
        self.function = numba.njit(lambda x: 2 * x)
        self.cache = self.function._cache = KernelCache("doubled", lambda: code)

    def run(self):
        """Whether it was loaded, and what was said of it."""
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            assert self.function(21) == 42
        assert all(warning.category is CacheWarning for warning in said)
        return sum(self.function.stats.cache_hits.values()) == 1, [str(warning.message) for warning in said]


def kept(folder):
    return sorted(folder.rglob("*.nbc"))


def test_a_kernel_is_compiled_once_for_all_processes(place):
    assert not Kernel().cache.holds_any()
    assert Kernel().run() == (False, [])
    assert Kernel().cache.holds_any()
    assert Kernel().run() == (True, [])
    assert Kernel(code="1").run() == (False, [])
    (file, _) = kept(place / "home" / "kamsim")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_whatever_the_bytes_of_a_file_are_it_is_a_miss_and_said_once(place):
    Kernel().run()
    (file,) = kept(place)
    whole, chance = file.read_bytes(), random.Random(1)
    damages = [b"", b"x", whole[:31], whole[:32], whole[:-1], whole + b"x", pickle.dumps(("0", {})), b"\0" * len(whole)]
    for _ in range(60):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        damages.append(bytes(changed))
    for damage in damages:
        file.write_bytes(damage)
        loaded, said = Kernel().run()
        assert not loaded
        assert len(said) == 1
        assert "it is damaged" in said[0]
        assert file.read_bytes() == whole or Kernel().run() == (True, [])  # it was kept anew


def test_content_that_is_whole_and_of_another_numba_is_a_miss(place):
    Kernel().run()
    (file,) = kept(place)
    content = pickle.dumps(("another", "numba"))
    file.write_bytes(caching.hashlib.sha256(content).digest() + content)
    loaded, said = Kernel().run()
    assert not loaded
    assert len(said) == 1
    assert Kernel().run() == (True, [])


def test_a_file_where_a_folder_should_be_is_no_error(place):
    (place / "home").write_text("a file")
    loaded, said = Kernel().run()
    assert not loaded
    assert len(said) == 1
    assert Kernel().run()[0]  # from the temporary folder


def test_a_folder_where_a_file_should_be_is_no_error(place):
    Kernel().run()
    (file,) = kept(place)
    file.unlink()
    file.mkdir()
    loaded, said = Kernel().run()
    assert (loaded, len(said)) == (False, 1)


def test_a_home_that_cannot_be_written_costs_one_compilation_a_machine_and_no_folder_each(place):
    (place / "home").write_text("no folder can be made here")
    assert not Kernel().run()[0]
    for _ in range(3):
        assert Kernel().run()[0]
    assert len(list((place / "temporary").iterdir())) == 1


def test_where_nothing_can_be_kept_commands_go_on(place, monkeypatch):
    for name in ("home", "none"):
        (place / name).write_text("a file")
    monkeypatch.setattr(caching.tempfile, "gettempdir", lambda: str(place / "none"))
    for _ in range(2):
        loaded, said = Kernel().run()
        assert (loaded, len(said)) == (False, 1)
    with pytest.warns(CacheWarning, match="cannot keep compiled code"):
        assert not Kernel().cache.holds_any()


def test_a_full_disk_is_said_once_and_leaves_nothing_half_written(place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.os, "replace", full)
    loaded, said = Kernel().run()
    assert (loaded, len(said)) == (False, 1)
    assert "no space left on device" in said[0]
    assert [path for path in (place / "home").rglob("*") if path.is_file()] == []


def test_numba_cache_dir_is_honored_and_kamsim_cache_dir_comes_first(place, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(place / "numba"))
    Kernel().run()
    assert len(kept(place / "numba")) == 1
    monkeypatch.setenv("KAMSIM_CACHE_DIR", str(place / "ours"))
    Kernel().run()
    assert (len(kept(place / "numba")), len(kept(place / "ours")), len(kept(place / "home"))) == (1, 1, 0)


@posix
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o707])
def test_a_folder_that_others_may_write_to_is_refused(place, monkeypatch, mode):
    shared = place / "shared"
    shared.mkdir()
    monkeypatch.setenv("KAMSIM_CACHE_DIR", str(shared))
    Kernel().run()
    inner = shared / "kamsim"
    inner.chmod(mode)
    loaded, said = Kernel().run()
    assert (loaded, len(said)) == (False, 1)
    assert "other users may write to it" in said[0]


@posix
def test_code_that_was_planted_is_never_unpickled(place, monkeypatch):
    class Planted:
        def __reduce__(self):
            return Path.touch, (place / "ran",)

    shared = place / "shared"
    monkeypatch.setenv("KAMSIM_CACHE_DIR", str(shared))
    Kernel().run()
    content = pickle.dumps(Planted())
    (file,) = kept(shared)

    def planted_in(opened, change, back):
        file.write_bytes(caching.hashlib.sha256(content).digest() + content)
        change(opened)
        said = Kernel().run()[1]
        back(opened)
        assert not (place / "ran").exists(), opened
        return said[0]

    for opened in (file, file.parent, shared / "kamsim", shared):
        said = planted_in(opened, lambda path: path.chmod(0o777), lambda path: path.chmod(0o700))
        assert "other users may write to it" in said
    for opened in (file, file.parent, shared / "kamsim") if os.geteuid() == 0 else ():
        said = planted_in(opened, lambda path: os.chown(path, 65534, -1), lambda path: os.chown(path, 0, -1))
        assert "it belongs to another user" in said


def test_code_for_another_processor_is_not_called_compiled(place, monkeypatch):
    Kernel().run()
    codegen = caching.cpu_target.target_context.codegen()
    triple, name, features = codegen.magic_tuple()
    monkeypatch.setattr(type(codegen), "magic_tuple", lambda self: (triple, name, f"{features},+another"))
    assert not Kernel().cache.holds_any()
    monkeypatch.undo()


def test_versions_that_nobody_uses_are_pruned_and_those_in_use_stay(place):
    Kernel().run()
    (mine,) = (place / "home" / "kamsim").iterdir()
    now, day = time.time(), 24 * 3600
    for number in range(12):
        old = mine.with_name(f"{number:016x}")
        old.mkdir()
        (old / "doubled-0.nbc").write_text("old")
        os.utime(old, (now, now - (number + 0.5) * 0.1 * day))
    forgotten, another = mine.with_name("f" * 16), mine.with_name("not a version")
    for folder in (forgotten, another):
        folder.mkdir()
        os.utime(folder, (0, 0))
    Kernel(code="1").run()
    left = {path.name for path in mine.parent.iterdir()}
    assert forgotten.name not in left
    assert another.name in left
    # Those of the last day stay, however many there are.
    assert {f"{number:016x}" for number in range(9)} <= left
    assert f"{11:016x}" not in left
    assert Kernel().run()[0]


def test_a_command_says_it_in_one_line_and_goes_on(place):
    ran = subprocess.run(
        [sys.executable, "-c", "import kamsim.cli.frame as f, kamsim.cache as c\n"
         "f.say_if_compiling = lambda *_: c._say('a/b cannot be used (it is damaged)')\n"
         "from kamsim.__main__ import run; run()", "survey", "-n", "2", "--json"],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Note: a/b cannot be used (it is damaged); kamsim compiles anew where it has to\n" in ran.stderr
    assert "CacheWarning" not in ran.stderr
