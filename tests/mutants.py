"""Does a test notice? Change rules and statistics one operator at a time and play their tests: ``make mutants``.

Rules are mutated without their decorators, which mutmut passes over, and played without the compiler; everything
happens in a copy, ``build/mutants``. Prints who survived, and ends with 1 if a tenth or more of a group did.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_SURVIVORS = 0.10

# What is mutated, the tests that have to notice, and whether rules are compiled while they look.
GROUPS = {
    "rules": (["kamsim/rules", "kamsim/measures"], ["tests/test_rules.py", "tests/test_measures.py"], False),
    "statistics": (
        [f"kamsim/analysis/{name}.py" for name in ("intervals", "bootstrap", "best", "corners", "effects", "shapley")],
        [f"tests/test_{name}.py" for name in ("intervals", "statistics", "effects", "precision")],
        True,
    ),
}
COPIED = ["kamsim", "scenarios", "experiments", "results", "tests", "pyproject.toml", "README.md", "CONTRIBUTING.md"]
NOT_ABOUT_CODE = "not every_rule_and_every_law"  # mutmut's own wrappers are functions without a test


def main(names: list[str]) -> int:
    """Mutate the groups named, else all."""
    if unknown := set(names) - set(GROUPS):
        sys.exit(f"no group {', '.join(sorted(unknown))}; choose from {', '.join(GROUPS)}")
    return max([survived(name) for name in names or GROUPS])


def survived(group: str) -> int:
    """Mutate a group, print who survived, and say by 1 if those are too many."""
    sources, tests, compiled = GROUPS[group]
    folder = ROOT / "build" / "mutants" / group
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    if not compiled:
        for source in sources:
            for path in (folder / source).rglob("*.py"):
                path.write_text(re.sub(r"^@(rule|compiled)\n", "", path.read_text("utf-8"), flags=re.M), "utf-8")
    settings = (folder / "pyproject.toml").read_text("utf-8").replace("[tool.pytest.ini_options]", PATHS)
    lines = [
        f"source_paths = {[source + '/' if (ROOT / source).is_dir() else source for source in sources]}",
        f"also_copy = {[name for name in COPIED if name != 'tests']}",
        f"pytest_add_cli_args_test_selection = {[test for test in tests if (ROOT / test).exists()]}",
        f'pytest_add_cli_args = ["-k", "{NOT_ABOUT_CODE}", "-W", "ignore"]',
        "mutate_only_covered_lines = true",
    ]
    (folder / "pyproject.toml").write_text("\n".join([settings, "[tool.mutmut]", *lines, ""]), "utf-8")
    surroundings = os.environ | {"NUMBA_DISABLE_JIT": "0" if compiled else "1", "CI": "true"}
    tool = [str(Path(sys.executable).with_name("mutmut"))]
    subprocess.run([*tool, "run", "--max-children", str(os.cpu_count())], cwd=folder, env=surroundings, check=True)
    told = subprocess.run([*tool, "results", "--all", "true"], cwd=folder, capture_output=True, text=True, check=True)
    fates = re.findall(r"^\s*(\S+): (.+)$", told.stdout, flags=re.M)
    alive = [name for name, fate in fates if fate in ("survived", "no tests", "suspicious")]
    print("\n".join(["", *alive, f"{group}: {len(alive)} of {len(fates)} mutants survived"]))
    return int(not fates or len(alive) >= MOST_SURVIVORS * len(fates))


PATHS = '[tool.pytest.ini_options]\npythonpath = ["."]'

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
