"""What a score is worth: random parameter sets, how many patterns hold at them, and what is said of it."""

import math
from typing import Any

import numpy as np
import pytest
from conftest import small

import kamsim
from kamsim.errors import KamsimError
from kamsim.evidence.patterns import PATTERNS
from kamsim.evidence.plausible import BY_FACTORS, PLAUSIBLE, TIED
from kamsim.report.validation import validation_sentences, validation_table
from kamsim.scenario import load_scenario
from kamsim.studies.calibrate import RANGES
from kamsim.studies.calibrate_world import ROWS
from kamsim.studies.parameter_sets import value_in
from kamsim.studies.settings import with_settings
from kamsim.studies.validate import FEW, validate
from kamsim.studies.validate_checks import KNOWN, Check
from kamsim.studies.validate_score import Score, held_by, random_sets, scores_of, with_chances

# ---------------------------------------------------------------- patterns


def test_every_pattern_says_what_a_miss_means_in_the_end_of_a_sentence() -> None:
    for pattern in PATTERNS:
        assert pattern.low <= pattern.high
        assert pattern.meaning[0].islower()
        assert not pattern.meaning.endswith(".")
        assert "; " in pattern.meaning  # what it means, and what not to decide by it
    assert len(KNOWN) == len(PATTERNS)


def test_what_the_fit_aims_at_is_called_fitted() -> None:
    named = {"rebuilt_once": "rebuilt_once", "gain_of_programs": "programs_pay", "departure_cost": "departure_cost"}
    assert {KNOWN[named[name]].use for name in RANGES} == {"fitted"}
    rows = {name for names in ROWS.values() for name in names}
    of_books = {"retained_decile_1": "retention", "growth_median_decile_1": "growth", "top_share": "top_share"}
    assert rows >= set(of_books)
    assert {KNOWN[name].use for name in of_books.values()} == {"fitted"}
    assert not {name for name in rows if name.startswith(("rank_rule", "steady_growth_median"))}


# ---------------------------------------------------------------- random sets


def test_random_sets_are_spread_over_plausible_ranges_each_value_by_itself() -> None:
    sets = list(random_sets(load_scenario("population"), 1, 400))
    assert len(sets) == 400
    values = {name: np.array([value_in(one, name) for one in sets]) for name in PLAUSIBLE}
    for name, (low, high) in PLAUSIBLE.items():
        assert low <= values[name].min() < values[name].max() <= high
        parts = (values[name] - low) / (high - low)
        if name in BY_FACTORS:
            parts = np.log(values[name] / low) / math.log(high / low)
        assert parts.mean() == pytest.approx(0.5, abs=0.06)
        assert parts.std() == pytest.approx(math.sqrt(1 / 12), abs=0.03)
    together = np.corrcoef(np.array(list(values.values())))
    assert np.abs(together - np.eye(len(values))).max() < 0.25
    for name, (of, more) in TIED.items():
        assert [value_in(one, name) for one in sets] == pytest.approx(values[of] + more)


def test_what_a_scenario_sets_itself_stays_and_changes_no_other_draw() -> None:
    population = load_scenario("population")
    plain = list(random_sets(population, 2, 3))
    for given in (
        population.changed(world={"gross_margin": 0.111}),
        *with_settings([population], ["world.gross_margin=0.111"]),
    ):
        sets = list(random_sets(given, 2, 3))
        assert [one.world.gross_margin for one in sets] == [0.111] * 3
        others = [one.changed(world={"gross_margin": 0.4}).world for one in sets]
        assert others == [one.changed(world={"gross_margin": 0.4}).world for one in plain]


def test_random_sets_are_those_of_the_seed() -> None:
    population = load_scenario("population")
    one, two = (list(random_sets(population, seed, 2)) for seed in (1, 2))
    assert one == list(random_sets(population, 1, 5))[:2]
    assert one[0].world != two[0].world


def test_sets_that_do_not_go_with_the_scenario_are_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # A share of wallet has a ceiling of 1: from 1 - ceiling_base on, no value goes with the scenario.
    monkeypatch.setitem(PLAUSIBLE, "world.ceiling_fit", (0.0, 0.99))
    scenario = small("population", accounts=24)
    sets = list(random_sets(scenario, 1, 40))
    assert 20 < len(sets) < 40
    assert max(one.world.ceiling_fit for one in sets) <= 1.0 - scenario.world.ceiling_base
    found = validate(scenario, organizations=2, random=40)
    assert found.random_sets == len(sets)
    assert (
        f"{40 - len(sets)} of 40 random parameter sets do not go with what the scenario has set itself" in found.notes
    )


# ---------------------------------------------------------------- scores


def planted(name: str, verdict: Any) -> Check:
    seen = (0.1, 0.2, 0.15, 0.14, 0.16)
    return Check(name, KNOWN[name].use, "it is so", "somebody", "part", *seen, verdict, "mostly", "beware")


PLANTED = (
    planted("rank_rule_miss", "pass"),
    planted("trust_gap", "miss"),
    planted("whale_peak", "pass"),
    planted("service_used", "unknown"),
    planted("retention", "pass"),
    planted("growth", "miss"),
)
# Of five random sets; what cannot be judged of the scenario counts nowhere.
RANDOM = np.array(
    [
        [1, 0, 0, 1, 0, 0],
        [1, 1, 0, 1, 0, 0],
        [1, 0, 1, 1, 0, 0],
        [1, 0, 0, 1, 1, 1],
        [0, 0, 0, 1, 0, 0],
    ],
    dtype=np.bool_,
)


def test_scores_count_what_holds_and_how_often_as_much_holds_by_chance() -> None:
    in_few = [True, False, True, True, False, False]
    not_fitted, fitted = scores_of(PLANTED, in_few, RANDOM)
    assert not_fitted == Score("not fitted", 2, 3, 2, 1.2, 0.0, 2.0, 0.4)
    assert fitted == Score("fitted", 1, 2, 0, 0.4, 0.0, 2.0, 1.0)
    assert held_by(PLANTED) == [True, False, True, False, True, False]


def test_without_random_sets_nothing_is_said_of_chance() -> None:
    nothing = np.zeros((0, len(PLANTED)), dtype=np.bool_)
    score = scores_of(PLANTED, held_by(PLANTED), nothing)[0]
    assert (score.held, score.judged) == (2, 3)
    assert math.isnan(score.random_mean)
    assert math.isnan(score.as_many)
    assert all(math.isnan(check.by_chance) for check in with_chances(PLANTED, nothing))


def test_each_check_tells_how_many_random_sets_show_it() -> None:
    assert [check.by_chance for check in with_chances(PLANTED, RANDOM)] == [0.8, 0.2, 0.2, 1.0, 0.2, 0.2]


def test_a_scenario_at_random_values_scores_as_random_sets_do() -> None:
    """The score of the first random set, played as a scenario, is that which the null has of it."""
    scenario = small("population")
    one = next(random_sets(scenario, 7, 1))
    null = validate(scenario, organizations=3, seed=7, random=1)
    itself = validate(one, organizations=3, seed=7, random=0)
    assert [check.by_chance for check in null.checks] == [float(held) for held in held_by(itself.checks)]


def test_random_sets_are_played_in_the_first_organizations_only() -> None:
    scenario = small("population", accounts=24)
    found = validate(scenario, organizations=FEW + 6, seed=8, random=1)
    few = validate(scenario, organizations=FEW, seed=8, random=1)
    assert found.random_organizations == few.random_organizations == FEW
    assert [check.by_chance for check in found.checks] == [check.by_chance for check in few.checks]
    held = {check.name for check in few.checks if check.verdict == "pass"}
    for score, of_few in zip(found.scores, few.scores, strict=True):
        assert of_few.held == of_few.held_in_few
        judged = [check for check in found.checks if check.verdict != "unknown"]
        counted = {check.name for check in judged if (check.use == "fitted") == (score.use == "fitted")}
        assert score.held_in_few == len(held & counted)


def test_a_negative_number_of_random_sets_is_refused() -> None:
    with pytest.raises(KamsimError, match="random must be at least 0"):
        validate(small(), organizations=2, random=-1)


# ---------------------------------------------------------------- what is said


def validation_of(random: Any, organizations: int = 50) -> kamsim.Validation:
    in_few = [True, False, True, True, True, False]
    checks, scores = with_chances(PLANTED, random), scores_of(PLANTED, in_few, random)
    return kamsim.Validation(checks, (), scores, organizations, 1, len(random), 24, "small", ())


def test_sentences_say_the_score_and_what_it_is_worth() -> None:
    not_fitted, fitted, untold, free = validation_sentences(validation_of(RANDOM))
    assert not_fitted == (
        "2 of 3 facts that were not fitted hold; missed: trust gap. In 24 of the suppliers 2 hold; there random "
        "parameter sets show 1.2 on average (0 to 2), and as many or more in 40 % of them: chance may "
        "give as many."
    )
    assert fitted.startswith("1 of 2 facts that were fitted hold; missed: growth by decile. In 24 of")
    assert untold == "Cannot be checked here: service fully used."
    assert free.endswith("a pass says nothing about the fit: new in the top 20 %.")


def test_sentences_without_random_sets_tell_the_score_alone() -> None:
    said = validation_sentences(validation_of(np.zeros((0, len(PLANTED)), dtype=np.bool_)))
    assert said[0] == "2 of 3 facts that were not fitted hold; missed: trust gap."
    assert len(said) == 3


def test_sentences_name_misses_that_random_sets_show_and_scores_that_none_reaches() -> None:
    random = np.zeros((5, len(PLANTED)), dtype=np.bool_)
    random[:3, 1] = True
    said = validation_sentences(validation_of(random))
    assert said[0].endswith("as many or more in none of them: more than chance gives.")
    assert said[-1] == "Missed here, but shown by more than half of the random sets: trust gap."


def test_the_table_groups_patterns_by_how_they_were_used_and_shows_chances() -> None:
    table = validation_table(validation_of(RANDOM))
    assert [group.heading.partition(":")[0] for group in table.groups] == ["Held back", "Checked", "Fitted"]
    assert [row.cells[4] for group in table.groups for row in group.rows] == ["80 %", "20 %", "20 %", "100 %"] + [
        "20 %"
    ] * 2
    assert all(row.note.splitlines()[1] == "A miss means: beware" for group in table.groups for row in group.rows)
    assert "5 parameter sets" in table.legend[1]
