"""What the default comparison says of policies holds in nine of ten parameter sets, in worlds that it has not seen."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from kamsim.cli import DEFAULT_COMPARISON
from kamsim.evidence.posterior import read_posterior
from kamsim.measures.outcomes import MEASURES
from kamsim.report.comparison import comparison_sentence
from kamsim.scenario import Scenario, load_scenario
from kamsim.studies.compare import Comparison, compare
from kamsim.studies.over_sets import DIRECTION, AtSets, played_in_own_worlds
from kamsim.studies.reference import bases_of, with_reference

SEED, FRESH = 1, 20_261_128
WORLDS = 60  # of each set: enough that a policy is not worse there by luck
MOST_WRONG = 0.1  # part of the sets

Played = tuple[list[Scenario], Comparison, AtSets]


def wrong_statements(scenarios: list[Scenario], comparison: Comparison, fresh: AtSets) -> Iterator[str]:
    """Statements of a comparison that do not hold in more than a tenth of the sets, as they were played anew."""
    names, bases = comparison.scenarios, bases_of(scenarios)
    gains = fresh.difference * DIRECTION
    for row in comparison.measures:
        place, column = names.index(row.scenario), [measure.name for measure in MEASURES].index(row.measure)
        assert row.against == names[bases[column]]
        sign = {"better": 1.0, "worse": -1.0}.get(row.verdict, 0.0)
        if (sign * gains[:, place, column] < 0.0).mean() > MOST_WRONG:
            yield f"{row.scenario}: {row.verdict} on {row.measure}"
    profit = [measure.name for measure in MEASURES].index("total_profit")
    for worth in comparison.worth:
        sign = {"pays": 1.0, "does not pay": -1.0}.get(worth.verdict, 0.0)
        if (sign * gains[:, names.index(worth.scenario), profit] < 0.0).mean() > MOST_WRONG:
            yield f"{worth.scenario}: {worth.verdict}"
    said = comparison_sentence(comparison)
    for place, name in enumerate(names):
        best = (fresh.mean[:, :, profit].argmax(axis=1) == place).mean()
        if f"{name} earns the most" in said and "and is best" in said and best < 1.0 - MOST_WRONG:
            yield f"{name}: best"


@pytest.fixture(scope="module")
def played() -> Played:
    scenarios, posterior = with_reference([load_scenario(name) for name in DEFAULT_COMPARISON]), read_posterior()
    comparison = compare(scenarios, posterior, seed=SEED)
    fresh, _ = played_in_own_worlds(scenarios, posterior, None, FRESH, WORLDS, 2)
    return scenarios, comparison, fresh


def test_what_the_default_comparison_says_holds_in_nine_of_ten_sets(played: Played) -> None:
    assert list(wrong_statements(*played)) == []


def test_a_policy_called_better_that_is_not_is_found(played: Played) -> None:
    scenarios, comparison, fresh = played
    gains = fresh.difference * DIRECTION
    worst = min(
        (row for row in comparison.measures if row.scenario != row.against and row.worse > 3 * MOST_WRONG),
        key=lambda row: row.better,
    )
    lied = [replace(row, verdict="better") if row is worst else row for row in comparison.measures]
    found = list(wrong_statements(scenarios, replace(comparison, measures=tuple(lied)), fresh))
    assert found == [f"{worst.scenario}: better on {worst.measure}"]
    with_direction = np.isfinite(DIRECTION)
    assert np.isfinite(gains[:, 1:, with_direction]).all()


def test_the_default_comparison_says_something_and_not_everything(played: Played) -> None:
    _, comparison, _ = played
    verdicts = {row.verdict for row in comparison.measures if row.scenario != row.against}
    assert {"better", "undecided"} <= verdicts
