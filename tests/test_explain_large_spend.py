"""The published 51 % in the reading chosen, in all readings, and in what elevated accounts buy."""

import math
from typing import Any

import numba
import numpy as np
import pytest
from conftest import SHORT
from hypothesis import given
from hypothesis import strategies as st

from kamsim import explain
from kamsim.errors import KamsimError
from kamsim.evidence.readings import DEFAULT_READING, READINGS, Reading
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.model.plan import empty_history
from kamsim.report.explain import _part_of_log, explanation_tables, sentences_of, title_of
from kamsim.report.table import Table
from kamsim.report.terminal import text_of
from kamsim.scenario import Scenario, load_scenario
from kamsim.studies import explain_large_spend as large
from kamsim.studies.explain_parts import ClaimExplained, Part
from kamsim.studies.survey import AGAINST, figures_of, readings_of

FEW = 12 if numba.config.DISABLE_JIT else 60
TIERS = ("key", "strategic")


def people(**sections: Any) -> Scenario:
    """Organizations of both kinds with few accounts and short runs."""
    world = {"accounts": 40, "accounts_per_kam": 2.0, "patience_least": 1, "turnover": 0.1} | sections.pop("world", {})
    scenario = load_scenario("population").changed(world=world, timeline=SHORT | {"window_years": 5})
    return scenario.changed(population={"selection": 0.5}, **sections)


def deaf(**sections: Any) -> Scenario:
    """Nothing that a program does reaches what an account buys; its health is read from its margin alone."""
    world = ("share_trust", "share_collaboration", "follow", "hazard_trust", "erosion")
    free = {name: {"concession": 0.0} for name in TIERS}
    tiers = sections.pop("tiers", {"ordered": free})
    return people(world=dict.fromkeys(world, 0.0), policy={"health_trust": 0.0}, tiers=tiers)


def claim_of(scenario: Scenario, reading: Reading = DEFAULT_READING) -> ClaimExplained:
    asked = explain(scenario, ["large_spend"], organizations=FEW, seed=3, reading=str(reading))
    assert asked.reading == str(reading)
    (claim,) = asked.claims
    return claim


@pytest.fixture(scope="module")
def claim() -> ClaimExplained:
    return claim_of(people())


def by_name(claim: ClaimExplained) -> dict[str, Any]:
    return {part.name: part for part in (claim.figure, claim.effect, *claim.parts, *claim.besides)}


# ---------------------------------------------------------------- readings


@pytest.mark.parametrize("reading", [READINGS[0], READINGS[2], READINGS[5], READINGS[7]], ids=str)
def test_the_figure_is_that_of_the_survey_in_the_reading_chosen(reading: Reading) -> None:
    told = claim_of(people(), reading)
    (table,) = play_organizations([job_of(people())], 3, 0, FEW)
    surveyed = figures_of([table], reading)["large_spend_growth_ratio"]
    assert told.figure.value == pytest.approx(surveyed, rel=1e-12)
    assert math.prod(part.value for part in told.parts) == pytest.approx(surveyed, rel=1e-9)
    effects = [part.value for part in told.parts if part.kind == "effect"]
    assert math.prod(effects) == pytest.approx(told.effect.value, rel=1e-9)
    assert f"> {100 * reading.threshold:.0f} %" in title_of(told) or not reading.threshold
    said = sentences_of(told)
    assert ("odds" in said[0]) == (reading.statistic == "odds")
    assert (f"by more than {100 * reading.threshold:.0f} %" in said[0]) == (reading.threshold > 0)


def test_the_grid_is_that_of_the_survey_and_holds_the_figure(claim: ClaimExplained) -> None:
    (table,) = play_organizations([job_of(people())], 3, 0, FEW)
    expected = readings_of([table])
    assert [(told.reading, told.against) for told in claim.readings] == [
        (str(reading), against) for reading in READINGS for against in AGAINST
    ]
    values = [told.simulated for told in claim.readings]
    assert values == pytest.approx(list(expected.values()), rel=1e-12)
    chosen = next(told for told in claim.readings if (told.reading, told.against) == (claim.reading, "enterprise"))
    told = (chosen.simulated, chosen.low, chosen.high)
    assert told == pytest.approx((claim.figure.value, claim.figure.low, claim.figure.high), rel=1e-9)


def test_a_reading_that_is_none_is_refused() -> None:
    with pytest.raises(KamsimError, match="is no meaning"):
        explain(people(), ["quota"], organizations=1, reading="chance > 5 %")


@given(st.integers(0, 2**32 - 1))
def test_the_chain_of_odds_holds_in_every_resample(seed: int) -> None:
    generator = np.random.default_rng(seed)
    asked = generator.uniform(20, 50, size=(5, 3))
    sums = np.empty((5, 7 + 3 * 8))
    sums[:, 0], sums[:, 2], sums[:, 4] = asked.T
    for grew, of in ((1, 0), (3, 2), (5, 4), (6, 4)):
        sums[:, grew] = sums[:, of] * generator.uniform(0.1, 0.9, size=5)
    for first in range(7, sums.shape[1], 3):
        sums[:, first] = generator.uniform(20, 50, size=5)
        sums[:, first + 1 : first + 3] = sums[:, [first]] * generator.uniform(0.1, 0.9, size=(5, 2))
    told = large._growth_logs(sums, odds=True)
    assert told[:, [1, 2, 7, 8, 9]].sum(axis=1) == pytest.approx(told[:, 0], abs=1e-9)
    (asked_spend, grew_spend), (asked_other, grew_other) = sums[:, -3:-1].T, sums[:, :2].T
    odds = grew_spend / (asked_spend - grew_spend) / (grew_other / (asked_other - grew_other))
    assert told[:, 0] == pytest.approx(np.log(odds), abs=1e-9)


# ---------------------------------------------------------------- what elevated accounts buy


def test_parts_of_sales_multiply_to_what_elevation_does_to_sales() -> None:
    found = by_name(claim_of(people(tiers={"ordered": {name: {"concession": 0.05} for name in TIERS}})))
    parts = [1.0 + found[f"sales_{name}"].value for name in ("service", "promises", "concessions", "saturation")]
    assert math.prod(parts) == pytest.approx(1.0 + found["sales"].value, rel=1e-9)
    for name in ("", "_enterprise"):
        assert found[f"sales{name}"].value < found[f"volume{name}"].value  # concessions of the tier


def test_where_nothing_reaches_what_accounts_buy_elevation_changes_neither_volume_nor_sales() -> None:
    told = claim_of(deaf())
    assert len(told.besides) == len(large._SALES)
    for part in told.besides:
        assert (part.low, part.value, part.high) == pytest.approx((0.0, 0.0, 0.0), abs=1e-12), part


def test_a_planted_concession_is_all_that_elevation_takes_from_sales() -> None:
    # Nobody else is conceded anything, and no size bargains for more than another: a tier takes a tenth.
    tenth = {"ordered": {name: {"concession": 0.1} for name in TIERS}}
    told = by_name(claim_of(
        deaf(tiers=tenth).changed(world={"base_concession": 0.0, "bargaining_base": 1.0, "bargaining_slope": 0.0})
    ))  # fmt: skip
    for name in ("volume", "volume_enterprise", "sales_service", "sales_promises", "sales_saturation"):
        assert told[name].value == pytest.approx(0.0, abs=1e-12)
    assert told["sales"].value == pytest.approx(told["sales_concessions"].value, rel=1e-9)
    # Who has left the tier within the three years keeps only a part of it.
    assert -0.1 - 1e-12 <= told["sales"].value < -0.08


def test_years_after_elevation_are_summed_in_both_twins() -> None:
    as_is, alone = (empty_history(6, 3, 1) for _ in range(2))
    for history, spend in ((as_is, 2.0), (alone, 1.0)):
        history.accounts["tier"][:] = 0
        history.accounts["spend"][:] = spend * np.arange(1, 7)[:, None] * np.array([1, 10, 100])
    as_is.accounts["tier"][2:, 1] = 1  # elevated at the end of the second year
    as_is.accounts["tier"][5:, 2] = 1  # without three years after
    assert large._pair(as_is, alone, 1, "spend") == (2.0 * 10 * (3 + 4 + 5), 10 * (3 + 4 + 5))


# ---------------------------------------------------------------- words


def test_the_grid_is_printed_with_the_reading_chosen(claim: ClaimExplained) -> None:
    explained = explain(people(), ["large_spend"], organizations=4)
    tables = [part for part in explanation_tables(explained) if isinstance(part, Table)]
    assert len(tables) == 3
    text = text_of(tables[1]).plain
    assert max(map(len, text.splitlines())) <= 80
    assert f"{DEFAULT_READING} *" in text
    assert text.count(">") >= len(READINGS)
    said = sentences_of(claim)
    assert len(said) == 3
    assert f"{100 * by_name(claim)['volume'].value:+.1f} %" in said[2]


def test_money_of_a_rebuild_is_in_points_of_sales_and_in_money() -> None:
    small, large_unit = (
        by_name(explain(people(world={"median_wallet": unit}), ["rebuilds"], organizations=FEW, seed=3).claims[0])
        for unit in (1.0, 1000.0)
    )
    assert small["profit_later"].unit == "of_sales"
    assert small["money"].unit == "money"
    assert small["profit_later"].value == pytest.approx(large_unit["profit_later"].value, rel=1e-9)
    assert 1000.0 * small["money"].value == pytest.approx(large_unit["money"].value, rel=1e-9)
    assert math.copysign(1.0, small["money"].value) == math.copysign(1.0, small["profit_later"].value)


def test_parts_of_the_three_times_are_told_of_its_logarithm() -> None:
    eight, two, half, one = (Part("", "", value, value, value, "effect", "times") for value in (8.0, 2.0, 0.5, 1.0))
    assert _part_of_log(two, eight) == "33 %"
    assert _part_of_log(half, eight) == "-33 %"
    assert _part_of_log(two, one) == "-"
    (claim,) = explain(people(), ["collaboration"], organizations=FEW, seed=3).claims
    found = by_name(claim)
    effect = 100 * math.log(found["collaboration"].value) / math.log(found["figure"].value)
    assert f"That is {effect:.0f} % effect, " in sentences_of(claim)[2]
