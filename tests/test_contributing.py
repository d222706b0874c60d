"""The recipes of CONTRIBUTING, followed: on a copy of the house, by a stranger who touches only what they name."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import small

from kamsim import Scenario, draw_world

ROOT = Path(__file__).parents[1]


def copied(folder: Path) -> Path:
    """Copy all that a command needs."""
    for room in ("kamsim", "scenarios", "experiments"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def edit(house: Path, file: str, *changes: tuple[str, str]) -> None:
    """Put text after a line that is there once, or in the place of one; and hold that CONTRIBUTING names the file."""
    named = file.removeprefix("kamsim/")
    assert named in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), f"CONTRIBUTING does not name {named}"
    path = house / file
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert text.count(before) == 1, f"{file}: {before!r} is there {text.count(before)} times"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def told(house: Path, script: str) -> Any:
    """What a script of the changed house prints as JSON."""
    places = os.pathsep.join([str(house), str(ROOT / "tests")])
    named = {**os.environ, "PYTHONPATH": places, "KAMSIM_CACHE_DIR": str(house / "cache")}
    done = subprocess.run([sys.executable, "-c", script], cwd=house, env=named, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def add_a_lever(house: Path) -> None:
    """Candor: what is known of a customer's fit is said, so that ambitions are set with less noise."""
    edit(
        house,
        "kamsim/scenario.py",
        ('"boundaries", "retiering")', '"boundaries", "retiering", "candor")'),
        ('    "retiering": {"static"', '    "candor": {"guarded": 0.0, "open": 1.0},\n    "retiering": {"static"'),
    )
    edit(
        house,
        "kamsim/policy/policy.py",
        ("    retier_by_spend: bool\n", "    retier_by_spend: bool\n    candor: float = 0.0\n"),
        ("        retier_by_spend=False,\n", "        retier_by_spend=False,\n        candor=given.candor,\n"),
    )
    edit(
        house,
        "kamsim/model/readings.py",
        (
            "    return reading(fit, draw, between(parameters.fit_noise, parameters.fit_noise_bilateral, "
            "levers.boundaries))\n",
            "    noise = between(parameters.fit_noise, parameters.fit_noise_bilateral, levers.boundaries)\n"
            "    return reading(fit, draw, noise * (1.0 - levers.candor))\n",
        ),
    )


def add_a_rule(house: Path) -> None:
    """Trust has a floor: nobody trusts a supplier less than a stranger."""
    (house / "kamsim" / "rules" / "floor.py").write_text(
        '"""A floor of trust."""\n\n'
        "from kamsim.compiler import rule\n\n\n"
        "@rule\n"
        "def trust_of_a_stranger(trust: float) -> float:\n"
        '    """Trust, or that of a stranger where it is below."""\n'
        "    return max(trust, 0.5)\n"
    )
    edit(
        house,
        "kamsim/model/behaviors.py",
        (
            "from kamsim.rules.quota import",
            "from kamsim.rules.floor import trust_of_a_stranger\nfrom kamsim.rules.quota import",
        ),
        (
            "    account.trust = trust_without_program(account.trust, parameters.trust_mean, parameters.trust_drift)\n",
            "    account.trust = trust_of_a_stranger(\n"
            "        trust_without_program(account.trust, parameters.trust_mean, parameters.trust_drift)\n"
            "    )\n",
        ),
    )


def add_a_mechanism(house: Path) -> None:
    """Complaints: a customer complains in some quarters, whatever the program."""
    edit(
        house,
        "kamsim/evidence/ledger.py",
        (
            '    Parameter("world", "arrival",',
            '    Parameter("world", "complaint_rate", 0.0, "chance a quarter", 0, 1, "assumed", "of a complaint"),\n'
            '    Parameter("world", "arrival",',
        ),
    )
    edit(
        house,
        "kamsim/world/laws.py",
        (
            "@rule\ndef half_persistent(",
            "@rule\n"
            "def complains(draw: float, rate: float) -> bool:\n"
            '    """Whether an account complains in a quarter."""\n'
            "    return draw < rate\n\n\n"
            "@rule\ndef half_persistent(",
        ),
    )
    edit(house, "kamsim/world/draws.py", ("ARRIVAL = 22\n", "ARRIVAL = 22\nCOMPLAINT = 24\n"))
    edit(
        house,
        "kamsim/world/world.py",
        ("import Floats, Numbers, Records", "import Flags, Floats, Numbers, Records"),
        ("    compatibility,\n", "    compatibility,\n    complains,\n"),
        (
            "    capacity: float  # of each function",
            "    complaints: Flags  # (quarters, accounts)\n    capacity: float  # of each function",
        ),
        (
            "        alignment=np.zeros(functions),\n",
            "        alignment=np.zeros(functions),\n"
            "        complaints=np.zeros((4 * years, accounts), dtype=np.bool_),\n",
        ),
        (
            "    _functions(key, parameters, room.alignment)\n",
            "    _functions(key, parameters, room.alignment)\n    "
            "_complaints(key, parameters, room.first, room.newcomers, room.complaints)\n",
        ),
        ("        room.alignment,\n", "        room.alignment,\n        room.complaints,\n"),
        (
            "@compiled\ndef _functions(",
            "@compiled\n"
            "def _complaints(key: Key, parameters: Numbers, first: int, newcomers: int, complaints: Flags) -> None:\n"
            "    for quarter in range(complaints.shape[0]):\n"
            "        for number in range(complaints.shape[1]):\n"
            "            name = draw_name(number, first, newcomers)\n"
            "            word = words(key[0], key[1], key[2], draws.COMPLAINT, name, quarter)[0]\n"
            "            complaints[quarter, number] = complains(uniform(word), parameters.complaint_rate)\n\n\n"
            "@compiled\ndef _functions(",
        ),
    )


def add_a_behavior(house: Path) -> None:
    """Who complains trusts less, and the less so the better its KAM attends to it: a rule, and the world's new draw."""
    (house / "kamsim" / "rules" / "complaints.py").write_text(
        '"""Complaints."""\n\n'
        "from kamsim.compiler import rule\n\n\n"
        "@rule\n"
        "def trust_after_complaint(trust: float, coverage: float) -> float:\n"
        '    """Trust of an account that complained."""\n'
        "    return trust * (0.7 + 0.3 * min(1.0, coverage))\n"
    )
    edit(
        house,
        "kamsim/model/behaviors.py",
        (
            "from kamsim.rules.costs import",
            "from kamsim.rules.complaints import trust_after_complaint\nfrom kamsim.rules.costs import",
        ),
        (
            "@rule\ndef move_share(",
            "@rule\n"
            "def complain(account: AccountState, complains: bool) -> None:\n"
            '    """Complain, and trust less unless the complaint is attended to."""\n'
            "    if complains:\n"
            "        account.trust = trust_after_complaint(account.trust, account.coverage)\n\n\n"
            "@rule\ndef move_share(",
        ),
    )
    edit(
        house,
        "kamsim/model/quarters.py",
        ("    begin_year,\n    drift,\n", "    begin_year,\n    complain,\n    drift,\n"),
        (
            "            drift(account, promised, parameters)\n",
            "            drift(account, promised, parameters)\n"
            "        complain(account, world.complaints[quarter, number])\n",
        ),
    )
    edit(
        house,
        "kamsim/model/agents.py",
        (
            "        self.trust = float(born.trust)\n",
            "        self.complaints: list[bool] = world.complaints[:, number].tolist()\n"
            "        self.trust = float(born.trust)\n",
        ),
        (
            "        model, quarter = self.model, self.model.quarter\n",
            "        model, quarter = self.model, self.model.quarter\n"
            "        behaviors.complain(self, self.complaints[quarter])\n",
        ),
    )


def add_a_measure(house: Path) -> None:
    """How many accounts were key in how many years."""
    edit(
        house,
        "kamsim/measures/outcomes.py",
        (
            '    Measure("investment_in_shrinking",',
            '    Measure("key_account_years", "Key accounts by year", "count", True),\n'
            '    Measure("investment_in_shrinking",',
        ),
        ("    total_profit: float\n", "    total_profit: float\n    key_account_years: float\n"),
        (
            "        total_profit=profit_of(account, gross_margin),\n",
            "        total_profit=profit_of(account, gross_margin),\n        key_account_years=float(key_years),\n",
        ),
    )


def drawn(scenario: Scenario) -> dict[str, str]:
    """All that a world is made of, as hashes."""
    world = draw_world(scenario, seed=3, organization=5)._asdict()
    return {name: hashlib.sha256(np.asarray(given).tobytes()).hexdigest() for name, given in world.items()}


SCRIPT = """
import json
from pathlib import Path

import numpy as np
from conftest import small
from test_contributing import drawn
from test_drivers import agree

import kamsim
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.experiments.sweep import read_sweep
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import LEVERS

guarded, strong = small("full_program"), small("full_program").changed(policy={"candor": "open"})
strong = strong.model_copy(update={"name": "open"})
least = []
for scenario in (guarded, strong, small("population"), small("no_program")):
    history = agree(scenario, 3).history
    least.append(float(history.accounts["trust"][1:][history.accounts["tier"][1:] == 0].min()))
history = agree(strong, 3).history
years = strong.timeline.history_years + strong.timeline.warmup_years
(table,) = play_organizations([job_of(strong)], 3, 0, 1)
comparison = kamsim.compare([guarded, strong], replications=4, jobs=1)
calm, loud = small("full_program"), small("full_program", complaint_rate=0.2)
of_calm, of_loud = agree(calm, 3), agree(loud, 3)
Path("small.toml").write_text(
    "extends = 'full_program'\\n[world]\\naccounts = 30\\n[timeline]\\nwarmup_years = 0\\nwindow_years = 3\\n"
)
Path("mine.toml").write_text(
    "question = 'What is candor worth?'\\nbase = 'small.toml'\\nreplications = 4\\n"
    "measures = ['total_profit', 'key_account_years']\\n"
    "[design]\\nkind = 'full'\\n[levers]\\ncandor = ['guarded', 'open']\\nselection = [0, 1]\\n"
)
stands = kamsim.sweep(kamsim.load_experiment("mine.toml"), "results", jobs=1)
swept = read_sweep("results")
print(json.dumps({
    "levers": dict(zip(LEVERS, table.levers[0].tolist(), strict=True)),
    "least_trust": least,
    "key_account_years": int((history.accounts["tier"][years:] > 0).sum()),
    "measured": dict(zip([one.name for one in MEASURES], table.outcomes[0].tolist(), strict=True)),
    "differences": {m.measure: m.difference for m in (*comparison.measures, *comparison.others)
                    if m.scenario == "open"},
    "failed": stands.failed,
    "columns": list(swept.columns),
    "profit": swept.groupby("candor")["total_profit"].mean().to_dict(),
    "counted": sorted(set(swept["key_account_years"])),
    "drawn": [drawn(calm), drawn(loud)],
    "complaints": [float(model.world.complaints.mean()) for model in (of_calm, of_loud)],
    "trust": [float(model.history.accounts["trust"].mean()) for model in (of_calm, of_loud)],
}))
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a house tells to which one of each was added."""
    house = copied(tmp_path_factory.mktemp("house"))
    add_a_lever(house)
    add_a_rule(house)
    add_a_measure(house)
    add_a_mechanism(house)
    add_a_behavior(house)
    found: dict[str, Any] = told(house, SCRIPT)
    return found


def test_a_stranger_adds_a_lever_in_three_files(changed: dict[str, Any]) -> None:
    assert changed["levers"] == {
        "selection": 1.0, "alignment": 1.0, "boundaries": 1.0, "retiering": 1.0, "candor": 1.0,
    }  # fmt: skip
    assert changed["differences"]["total_profit"] != 0.0
    assert changed["failed"] == 0
    assert "candor" in changed["columns"]
    assert changed["profit"]["open"] != changed["profit"]["guarded"]


def test_a_stranger_adds_a_rule(changed: dict[str, Any]) -> None:
    assert changed["least_trust"] == [0.5] * 4


def test_a_stranger_adds_a_mechanism_which_changes_no_other_draw(changed: dict[str, Any]) -> None:
    before = drawn(small("full_program"))
    calm, loud = changed["drawn"]
    assert set(calm) - set(before) == {"complaints"}
    assert {name: calm[name] for name in before} == {name: loud[name] for name in before} == before
    none, some = changed["complaints"]
    assert none == 0.0
    assert some == pytest.approx(0.2, abs=0.05)  # of 960


def test_a_stranger_adds_a_behavior_that_both_drivers_play(changed: dict[str, Any]) -> None:
    """The script compares the drivers to the last bit, with complaints and without."""
    calm, loud = changed["trust"]
    assert loud < calm - 0.02


def test_a_stranger_adds_a_measure(changed: dict[str, Any]) -> None:
    assert changed["measured"]["key_account_years"] == changed["key_account_years"] > 0
    assert changed["differences"]["key_account_years"] == 0.0
    assert changed["counted"]
    assert min(changed["counted"]) > 0
