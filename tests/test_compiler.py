"""What names the model and its kernels: the code that they are made of, wherever it stands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kamsim.source import hash_of, model_hash

ROOT = Path(__file__).parent.parent
HASHES = """
from kamsim.compiler import code_hash
from kamsim.experiments.jobs import play_in_shared_worlds as kernel
from kamsim.source import model_hash
print(model_hash(), code_hash(getattr(kernel, "py_func", kernel)))
"""


class Copy:
    """A copy of the package that may be edited."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(ROOT / "kamsim", folder / "kamsim", ignore=shutil.ignore_patterns("__pycache__"))

    def edit(self, file, before, after):
        path = self.folder / "kamsim" / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def hashes(self):
        """Of the model and of its greatest kernel, as another process sees them."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        ran = subprocess.run(
            [sys.executable, "-c", HASHES], env=environment, cwd=self.folder, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
        return tuple(ran.stdout.split())


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


def test_a_comment_a_docstring_or_a_blank_line_is_no_other_model(copy):
    before = copy.hashes()
    assert before[0] == model_hash()
    copy.edit("rules/costs.py", "\n    return ", "\n\n    # a comment\n    return ")
    copy.edit("rules/costs.py", '    """', '    """In other words: ')
    copy.edit("rules/costs.py", "from kamsim.compiler import rule\n", "from  kamsim.compiler import rule  # ours\n")
    copy.edit("rules/costs.py", " -> float:", ' -> "float":')
    assert copy.hashes() == before


def test_a_function_that_moves_to_another_file_is_no_other_model(copy):
    before = copy.hashes()
    costs = copy.folder / "kamsim" / "rules" / "costs.py"
    costs.rename(costs.with_name("prices.py"))
    for path in (copy.folder / "kamsim").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("kamsim.rules.costs", "kamsim.rules.prices"), encoding="utf-8")
    assert copy.hashes() == before


def test_a_kernel_whose_file_is_renamed_is_found_and_no_other_model(copy):
    before = copy.hashes()
    jobs = copy.folder / "kamsim" / "experiments" / "jobs.py"
    jobs.rename(jobs.with_name("moved.py"))
    jobs.write_text("from kamsim.experiments.moved import play_in_shared_worlds\n", encoding="utf-8")
    assert copy.hashes() == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("rules/costs.py", "\n    return ", "\n    return 1.0 * "),  # a rule
        ("model/plan.py", "LEAST_SPEND = 1e-", "LEAST_SPEND = 2e-"),  # a number that stands beside functions
        ("measures/outcomes.py", " > 0", " >= 0"),
        ("world/laws.py", " * ", " / "),
    ],
)
def test_a_changed_number_or_sign_is_another_model_and_another_kernel(copy, file, old, new):
    before = copy.hashes()
    copy.edit(file, old, new)
    changed = copy.hashes()
    assert changed[0] != before[0]
    assert changed[1] != before[1]


def test_a_changed_way_to_make_jobs_is_another_model_and_the_same_kernel(copy):
    before = copy.hashes()
    copy.edit(
        "policy/policy.py",
        "def policy_of(scenario: Scenario, accounts: int) -> Policy:",
        "def policy_of(scenario, accounts, more=0):",
    )
    changed = copy.hashes()
    assert changed[0] != before[0]
    assert changed[1] == before[1]


def test_a_default_in_the_ledger_is_no_other_model(copy):
    before = copy.hashes()
    copy.edit("evidence/ledger.py", 'Parameter("world", "accounts", ', 'Parameter("world", "accounts", 1 + ')
    assert copy.hashes()[0] == before[0]


def test_a_kernel_is_asked_about_by_a_name_that_is_there():
    with pytest.raises(LookupError, match=r"kamsim\.source defines no nothing"):
        hash_of([("kamsim.source", "nothing")])
    with pytest.raises(LookupError, match=r"there is no module kamsim\.nowhere"):
        hash_of([("kamsim.nowhere", "nothing")])
