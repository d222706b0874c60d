"""The frozen baseline: model output changes only on purpose."""

import csv
from pathlib import Path

import pytest

from kamsim.cli import DEFAULT_COMPARISON
from kamsim.experiments.manifest import read_manifest, scenarios_of
from kamsim.scenario import load_scenario
from kamsim.studies.compare import compare
from kamsim.studies.reference import with_reference

REFERENCE = Path(__file__).parent.parent / "results" / "reference"


def test_the_default_comparison_is_the_frozen_one():
    manifest = read_manifest(REFERENCE)
    scenarios = scenarios_of(manifest)
    assert scenarios == with_reference([load_scenario(name) for name in DEFAULT_COMPARISON]), (
        "defaults changed: make reference"
    )
    comparison = compare(scenarios, replications=manifest["replications"], seed=manifest["seed"])
    of_measures = ("mean", "difference", "low", "high", "probability_best")
    of_terms = ("difference", "low", "high", "points")
    for file, rows, what, numbers in (
        ("comparison.csv", comparison.measures, ("measure", "scenario", "against"), of_measures),
        ("bridge.csv", comparison.bridge, ("scenario", "term"), of_terms),
    ):
        with open(REFERENCE / file, newline="", encoding="utf-8") as opened:
            frozen = list(csv.DictReader(opened))
        assert len(frozen) == len(rows)
        for row, now in zip(frozen, rows, strict=True):
            assert [row[name] for name in what] == [getattr(now, name) for name in what]
            for name in numbers:
                # Libraries of mathematics may differ in a last bit between machines, never by more.
                expected = float(row[name] or "nan")
                assert getattr(now, name) == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), (row, name)
