"""The public surface, what importing costs, and the wheel that users install."""

import math
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import kamsim

ROOT = Path(__file__).parent.parent


def run_python(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, **options).stdout


def test_every_listed_name_is_there():
    for name in kamsim.__all__:
        assert getattr(kamsim, name) is not None
    assert dir(kamsim) == sorted(kamsim.__all__)


def test_importing_kamsim_imports_no_heavy_library():
    heavy = {"mesa", "numba", "numpy", "pandas", "matplotlib", "pyarrow", "pydantic", "scipy"}
    loaded = run_python("-c", "import sys, kamsim, kamsim.cli; print(' '.join(sys.modules))").split()
    assert not heavy & set(loaded)


def test_the_ensemble_needs_neither_mesa_nor_matplotlib():
    loaded = run_python("-c", "import sys, kamsim.experiments.jobs; print(' '.join(sys.modules))").split()
    assert not {"mesa", "matplotlib", "pandas"} & set(loaded)


def test_the_version_is_that_of_the_project():
    assert f'version = "{kamsim.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_wheel_carries_the_scenarios_and_runs_from_any_folder(tmp_path):
    run_python(
        "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), "."
        , cwd=ROOT
    )  # fmt: skip
    wheel = next(tmp_path.glob("*.whl"))
    unpacked, elsewhere = tmp_path / "unpacked", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(unpacked)
    elsewhere.mkdir()
    names = {path.stem for path in (unpacked / "kamsim" / "scenarios").glob("*.toml")}
    assert names == {path.stem for path in (ROOT / "scenarios").glob("*.toml")}
    listed = run_python(
        "-c",
        "import kamsim; print(kamsim.__file__, kamsim.shipped_scenarios(), kamsim.shipped_experiments()); "
        "print(len(kamsim.read_posterior().values))",
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(unpacked)},
    )
    assert str(unpacked) in listed
    assert all(name in listed for name in names)
    assert "four_levers" in listed
    assert int(listed.split()[-1]) == len(kamsim.read_posterior().values)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_for(requirements, extras=("",)):
    """Names and versions of all that requirements bring with them on this Python."""
    found, waiting = {}, [(Requirement(text), extras) for text in requirements]
    while waiting:
        needed, chosen = waiting.pop()
        if needed.marker is not None and not any(needed.marker.evaluate({"extra": extra}) for extra in chosen):
            continue
        name, within = normal(needed.name), ("", *sorted(needed.extras))
        if (name, within) not in found:
            there = distribution(name)
            found[name, within] = there.version
            waiting += [(Requirement(text), within) for text in there.requires or []]
    return {name: version for (name, _), version in found.items()}


def test_the_pins_cover_all_that_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    pins = {normal(name): version for name, _, version in (line.partition("==") for line in lines)}
    extras = project["optional-dependencies"]
    installed = installed_for([*project["dependencies"], *extras["test"], *extras["cluster"]])
    if any(pins.get(name, version) != version for name, version in installed.items()):
        pytest.skip("these are not the pinned versions")
    assert set(installed) - set(pins) == set()


def test_the_build_backend_is_pinned():
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    assert Requirement(backend).specifier.contains("1.33.0")
    assert not Requirement(backend).specifier.contains("2.0")
    assert "\nhatchling==" in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "PIP_BUILD_CONSTRAINT=constraints.txt" in (ROOT / "Makefile").read_text(encoding="utf-8")


def example_of(readme, beginning):
    return next(block.split("```")[0] for block in readme.split("```python\n") if block.startswith(beginning))


def test_the_library_example_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = example_of(readme, "import kamsim").replace("replications=200", "replications=4")
    told = {}
    exec(example, told)
    room = math.ceil(150 * told["status_quo"].world.arrival)  # for those that come in a year
    assert told["spend"].shape == (12, 150 + 12 * room)
    assert len(told["quarters"]) == 48


def test_the_sweep_example_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kamsim.sweep(kamsim.load_experiment("four_levers"), "results/four_levers", replications=3, jobs=1)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = {}
    exec(example_of(readme, "import pandas"), told)
    assert len(told["frame"]) == 16 * 3
    assert len(kamsim.read_sweep("results/four_levers")) == 16 * 3
