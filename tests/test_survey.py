"""The survey: figures of hand-made organizations with known answers, and intervals of samples."""

import json
import math
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from kamsim.errors import KamsimError
from kamsim.evidence.published import OUTCOMES, SURVEY_SAMPLE
from kamsim.evidence.readings import ANY_INCREASE, DEFAULT_READING, READINGS, THRESHOLDS, Reading, reading_of
from kamsim.experiments.jobs import Table, job_of, play_organizations
from kamsim.measures.choice import chosen
from kamsim.measures.survey import ANSWERS
from kamsim.report.survey import survey_tables
from kamsim.report.terminal import text_of
from kamsim.scenario import LEVERS, Scenario, load_scenario
from kamsim.studies import survey as survey_module
from kamsim.studies.compare import compare
from kamsim.studies.survey import (
    AGAINST,
    FURTHER,
    PUBLISHED,
    figures_of,
    joined,
    readings_of,
    sampled_figures,
    sampled_readings,
    survey,
)


def organization(
    selection: float = 0.0, reports: list[float] | None = None, spend: list[float] | None = None, **answers: float
) -> Table:
    """Table of one organization that gives these answers."""
    row = np.array([[answers.get(name, 0.0) for name in ANSWERS]])
    levers = np.array([[selection if lever == "selection" else 0.0 for lever in LEVERS]])
    kams, nothing = [np.nan, np.nan, np.nan], np.empty((1, 0))
    return Table(np.empty((1, 6)), nothing, row, levers, np.array([reports or kams]), np.array([spend or kams]))


def small(name: str, **sections: Any) -> Scenario:
    timeline = {"history_years": 2, "warmup_years": 1, "window_years": 2}
    return load_scenario(name).changed(**({"world": {"accounts": 12}, "timeline": timeline} | sections))


# ---------------------------------------------------------------- known answers


def test_misses_are_pooled_over_years_and_not_over_organizations() -> None:
    tables = [organization(years_asked=7, years_missed=7), organization(years_asked=1, years_missed=0)]
    assert figures_of(tables)["quota_miss"] == 7 / 8


def test_rebuilds_are_counted_by_organization() -> None:
    tables = [organization(rebuilds=count) for count in (0, 1, 2, 5)]
    figures = figures_of(tables)
    assert figures["rebuilt_twice"] == 0.5
    assert figures["rebuilt_once"] == 0.75


def test_growth_after_elevation_is_pooled_over_accounts_by_what_organizations_select_by() -> None:
    tables = [
        organization(0.0, elevated=10, elevated_that_grew=2, not_elevated=100, not_elevated_that_grew=50),
        organization(0.49, elevated=30, elevated_that_grew=10, not_elevated=100, not_elevated_that_grew=10),
        organization(0.5, elevated=5, elevated_that_grew=2, not_elevated=100, not_elevated_that_grew=100),
        organization(1.0, elevated=5, elevated_that_grew=4, not_elevated=100, not_elevated_that_grew=100),
    ]
    figures = figures_of(tables)
    assert figures["large_spend_growth_ratio"] == pytest.approx((12 / 40) / (6 / 10), rel=1e-12)
    assert figures["large_spend_against_not_elevated"] == pytest.approx((12 / 40) / (60 / 200), rel=1e-12)


def test_collaboration_is_the_top_third_of_all_kams_against_the_rest() -> None:
    tables = [
        organization(reports=[0.9, 0.1, np.nan], spend=[6.0, 1.0, np.nan]),
        organization(reports=[0.8, 0.2, 0.3], spend=[4.0, 3.0, 2.0]),
        organization(reports=[np.nan, np.nan, 0.4], spend=[np.nan, np.nan, 2.0]),
    ]
    # Six KAMs; 0.9 and 0.8 are the top third.
    assert figures_of(tables)["collaboration_ratio"] == pytest.approx(5.0 / 2.0, rel=1e-12)


def test_ordinary_accounts_give_the_moments_of_their_years() -> None:
    generator = np.random.default_rng(4)
    before = generator.normal(size=400)
    after = 0.9 * before + 0.3 * generator.normal(size=400)
    tables = [
        organization(
            pairs=len(x),
            sum_before=x.sum(),
            sum_after=y.sum(),
            sum_before_squared=(x * x).sum(),
            sum_after_squared=(y * y).sum(),
            sum_product=(x * y).sum(),
        )
        for x, y in zip(np.split(before, 4), np.split(after, 4), strict=True)
    ]
    figures = figures_of(tables)
    assert figures["year_to_year_correlation"] == pytest.approx(np.corrcoef(before, after)[0, 1], rel=1e-9)
    assert figures["growth_sd"] == pytest.approx((after - before).std(), rel=1e-9)


def test_what_cannot_be_told_is_unknown() -> None:
    figures = figures_of([organization(elevated=3, elevated_that_grew=1)])
    unknown = {name for name, value in figures.items() if math.isnan(value)}
    assert unknown == {
        "quota_miss",
        "large_spend_growth_ratio",
        "collaboration_ratio",
        "large_spend_against_not_elevated",
        "year_to_year_correlation",
        "growth_sd",
    }
    nobody_grew = [organization(0.0, elevated=3, elevated_that_grew=1), organization(1.0, elevated=3)]
    assert math.isnan(figures_of(nobody_grew)["large_spend_growth_ratio"])


def test_figures_do_not_depend_on_the_pieces() -> None:
    generator = np.random.default_rng(8)
    tables = [
        organization(
            float(generator.random()),
            generator.normal(size=3).tolist(),
            generator.random(3).tolist(),
            **dict(zip(ANSWERS, generator.random(len(ANSWERS)), strict=True)),
        )
        for _ in range(50)
    ]
    whole = figures_of([joined(tables)])
    assert figures_of(tables) == whole
    assert figures_of([joined(tables[:7]), joined(tables[7:])]) == whole
    assert list(whole) == [*PUBLISHED, *FURTHER]


# ---------------------------------------------------------------- readings


def grown(kind: str, asked: float, *grew: float) -> dict[str, float]:
    """Answers on one kind of accounts, and how many grew by more than each threshold."""
    names = (kind, *(f"{kind}_that_grew{more}" for more in ("", "_10", "_20", "_30")))
    return dict(zip(names, (asked, *grew), strict=True))


def planted() -> list[Table]:
    """Two organizations that elevate by spend, and one by enterprise criteria."""
    return [
        organization(0.0, **grown("elevated", 10, 4, 3, 2, 1), **grown("never_elevated", 50, 30, 20, 15, 10)),
        organization(0.2, **grown("elevated", 10, 4, 2, 2, 1), **grown("not_elevated", 90, 60, 45, 30, 15)),
        organization(1.0, **grown("elevated", 10, 8, 7, 6, 5), **grown("never_elevated", 50, 40, 30, 25, 10)),
    ]


def test_every_reading_of_planted_organizations_is_known() -> None:
    found = readings_of(planted())
    assert list(found) == [(reading, against) for reading in READINGS for against in AGAINST]
    # Of 20 elevated by spend 8, 5, 4, 2 grew; of 10 by enterprise criteria 8, 7, 6, 5; of 100 others 70, 50, 40, 20.
    chances = {"enterprise": [0.5, 0.25 / 0.7, 0.2 / 0.6, 0.2], "never_elevated": [0.4 / 0.7, 0.5, 0.5, 0.5]}
    odds = {
        "enterprise": [(8 / 12) / 4, (5 / 15) / (7 / 3), (4 / 16) / 1.5, (2 / 18) / 1],
        "never_elevated": [(8 / 12) / (7 / 3), (5 / 15) / 1, (4 / 16) / (4 / 6), (2 / 18) / (2 / 8)],
    }
    for statistic, known in (("chances", chances), ("odds", odds)):
        for against, values in known.items():
            told = [found[Reading(statistic, threshold), against] for threshold in THRESHOLDS]
            assert told == pytest.approx(values, rel=1e-12)


def test_figures_are_those_of_their_reading() -> None:
    whole = readings_of(planted())
    before = figures_of(planted())
    for reading in READINGS:
        found = figures_of(planted(), reading)
        assert found["large_spend_growth_ratio"] == whole[reading, "enterprise"]
        growth = ("large_spend_growth_ratio", "large_spend_against_not_elevated")
        others = [name for name in found if name not in growth]
        assert [found[name] for name in others] == pytest.approx([before[name] for name in others], nan_ok=True)
    assert figures_of(planted(), ANY_INCREASE) == pytest.approx(before, nan_ok=True)
    passed_over = [figures_of(planted(), reading)["large_spend_against_not_elevated"] for reading in READINGS]
    chances = [0.4 / (60 / 90), 0.25 / 0.5, 0.2 / (30 / 90), 0.1 / (15 / 90)]
    odds = [(8 / 12) / 2, (5 / 15) / 1, (4 / 16) / 0.5, (2 / 18) / 0.2]
    assert passed_over == pytest.approx(chances + odds, rel=1e-12)


def test_samples_of_readings_are_those_of_the_figures() -> None:
    table = joined(planted())
    samples = sampled_readings(table, np.random.default_rng(4), samples=30, size=5)
    for reading in READINGS:
        figures = sampled_figures(table, np.random.default_rng(4), samples=30, size=5, reading=reading)
        np.testing.assert_array_equal(samples[reading, "enterprise"], figures["large_spend_growth_ratio"])


def test_odds_are_not_told_where_everybody_grew() -> None:
    everybody = [organization(0.0, **grown("elevated", 5, 5, 5, 5, 1)), *planted()[2:]]
    found = readings_of(everybody)
    assert math.isnan(found[Reading("odds", 0.0), "enterprise"])
    assert found[Reading("chances", 0.0), "enterprise"] == 1.25
    assert found[Reading("odds", 0.3), "enterprise"] == 0.25


@pytest.mark.parametrize("seed", [1, 2])
def test_chances_are_nearer_to_1_than_odds_and_fewer_grow_by_more(seed: int) -> None:
    job = job_of(load_scenario("population"))
    (table,) = play_organizations([job], seed, 0, 40)
    answer = dict(zip(ANSWERS, table.answers.T, strict=True))
    for kind in ("elevated", "not_elevated", "never_elevated"):
        counts = [answer[name] for name in grown(kind, 0, 0, 0, 0, 0)]
        assert counts[0].sum() > counts[1].sum() > counts[-1].sum() > 0
        assert all((more >= fewer).all() for more, fewer in pairwise(counts))
    assert (answer["never_elevated"] < answer["not_elevated"]).any()
    assert (answer["never_elevated"] <= answer["not_elevated"]).all()
    found = readings_of([table])
    for threshold in THRESHOLDS:
        for against in AGAINST:
            chances, odds = (found[Reading(statistic, threshold), against] for statistic in ("chances", "odds"))
            assert 0 < abs(math.log(chances)) < abs(math.log(odds))
            assert (chances > 1) == (odds > 1)


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_a_reading_is_found_by_its_text(reading: Reading) -> None:
    assert reading_of(str(reading)) == reading
    assert reading_of(f"  {str(reading).upper().replace(' ', '')} ") == reading
    assert reading_of(str(reading).removesuffix(" %")) == reading


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("chance > 20 %", "chances > 20 %"),
        ("chances 30 %", "chances > 30 %"),
        ("odds > 25.5 %", "odds > 30 %"),
        ("chances > 50 %", "chances > 30 %"),
        ("odds > 0.2", "odds > 0 %"),
        ("odd>10%", "odds > 10 %"),
    ],
)
def test_a_text_that_is_no_reading_names_the_nearest(text: str, meant: str) -> None:
    with pytest.raises(KamsimError) as error:
        reading_of(text)
    assert str(error.value) == f"'{text}' is no meaning (reading) of the published 51 %; did you mean '{meant}'?"


def test_a_text_like_no_reading_is_told_all_of_them() -> None:
    with pytest.raises(
        KamsimError,
        match=r"'' is no meaning \(reading\) of the published 51 %; choose from chances > 0 %, .*odds > 30 %$",
    ):
        reading_of("")


# ---------------------------------------------------------------- samples


def test_a_sample_has_the_figures_of_the_organizations_drawn() -> None:
    generator = np.random.default_rng(5)
    table = joined(
        [
            organization(
                float(generator.integers(2)),
                generator.normal(size=3).tolist(),
                generator.random(3).tolist(),
                **{name: float(generator.integers(1, 9)) for name in ANSWERS},
            )
            for _ in range(12)
        ]
    )
    samples = sampled_figures(table, np.random.default_rng(6), samples=20, size=9)
    drawn = np.random.default_rng(6).integers(12, size=(20, 9))
    for place in range(20):
        expected = figures_of([Table(*(column[drawn[place]] if len(column) else column for column in table))])
        found = {name: values[place] for name, values in samples.items()}
        # Misses alone are asked about one year each, as in a survey: a part of organizations, not of their years.
        del found["quota_miss"], expected["quota_miss"]
        assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)


def test_misses_spread_as_those_of_69_organizations_asked_once() -> None:
    table = joined([organization(years_asked=7.0, years_missed=4.0) for _ in range(50)])
    misses = sampled_figures(table, np.random.default_rng(7), samples=4_000, size=69)["quota_miss"]
    assert misses.mean() == pytest.approx(4 / 7, abs=0.005)
    assert misses.std() == pytest.approx((4 / 7 * 3 / 7 / 69) ** 0.5, rel=0.05)


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    table = joined([organization(rebuilds=2 * (place < 46)) for place in range(100)])
    samples = sampled_figures(table, np.random.default_rng(7))["rebuilt_twice"]
    assert samples.mean() == pytest.approx(0.46, abs=0.01)
    assert samples.std() == pytest.approx(math.sqrt(0.46 * 0.54 / SURVEY_SAMPLE), rel=0.1)


# ---------------------------------------------------------------- whole


def test_a_survey_is_whole_valid_and_the_same_for_any_jobs() -> None:
    found = survey(small("population"), organizations=40, seed=3, jobs=1)
    assert survey(small("population"), organizations=40, seed=3, jobs=3).to_dict() == found.to_dict()
    content = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(content) == [
        "figures", "further", "reading", "readings", "sample", "organizations", "seed", "scenario", "notes",
        "measures",
    ]  # fmt: skip
    assert [figure["name"] for figure in content["figures"]] == [figure.name for figure in OUTCOMES]
    assert [figure["published"] for figure in content["figures"]] == [figure.value for figure in OUTCOMES]
    assert [figure["name"] for figure in content["further"]] == list(FURTHER)
    assert {"name", "published", "simulated", "low", "high"} <= set(content["figures"][0])
    assert content["reading"] == str(DEFAULT_READING)
    readings = content["readings"]
    assert [(each["reading"], each["against"]) for each in readings] == [
        (str(reading), against) for reading in READINGS for against in AGAINST
    ]
    assert all(each["low"] < each["simulated"] < each["high"] for each in readings)
    of_figure = next(figure for figure in content["figures"] if figure["name"] == "large_spend_growth_ratio")
    of_reading = readings[len(AGAINST) * READINGS.index(DEFAULT_READING)]
    assert {**of_reading, **of_figure} == {**of_figure, **of_reading}
    assert (content["sample"], content["organizations"], content["seed"]) == (69, 40, 3)
    miss = found.figures[0]
    assert miss.low < miss.simulated < miss.high


def test_a_survey_in_another_reading_compares_that_one_and_shows_the_same_readings() -> None:
    default = survey(small("population"), organizations=40, seed=3)
    found = survey(small("population"), organizations=40, seed=3, reading="odds > 20 %")
    assert found.reading == "odds > 20 %"
    assert found.readings == default.readings
    (chosen,) = (each for each in found.readings if (each.reading, each.against) == ("odds > 20 %", "enterprise"))
    miss, twice, ratio, collaboration = found.figures
    assert (miss, twice, collaboration) == (default.figures[0], default.figures[1], default.figures[3])
    assert (ratio.published, ratio.simulated, ratio.low, ratio.high) == (
        0.49,
        chosen.simulated,
        chosen.low,
        chosen.high,
    )
    odds = str(DEFAULT_READING._replace(statistic="odds"))
    in_odds = survey(small("population"), organizations=40, seed=3, reading=odds).figures[2]
    assert abs(math.log(in_odds.simulated)) > abs(math.log(default.figures[2].simulated)) > 0
    with pytest.raises(KamsimError, match="did you mean 'odds > 20 %'"):
        survey(small("population"), organizations=40, reading="odds > 21 %")


def test_samples_that_cannot_tell_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # One organization in sixty selects by enterprise criteria: about exp(-69 / 60) of the samples have none.
    tables = [organization(float(place == 0), **grown("elevated", 5, 2, 2, 2, 2)) for place in range(60)]

    def played(*_: Any, **__: Any) -> Generator[list[Table], None, None]:
        yield from ([table] for table in tables)

    monkeypatch.setattr(survey_module, "run_in_chunks", played)
    found = survey(small("population"), organizations=60)
    ratio = next(figure for figure in found.figures if figure.name == "large_spend_growth_ratio")
    assert ratio.dropped / 2_000 == pytest.approx((59 / 60) ** 69, abs=0.05)
    assert (ratio.simulated, ratio.low, ratio.high) == (1.0, 1.0, 1.0)
    assert f"large_spend_growth_ratio could not be told in {ratio.dropped:,} of 2,000 samples" in found.notes


def test_one_kind_of_selection_and_another_window_are_said() -> None:
    found = survey(small("status_quo", timeline={"window_years": 4}), organizations=3)
    ratio = next(row for row in found.to_dict()["figures"] if row["name"] == "large_spend_growth_ratio")
    assert (ratio["simulated"], ratio["low"], ratio["high"]) == (None, None, None)
    assert ratio["dropped"] == 2_000
    window, selection, alike = found.notes
    assert "4 years observed" in window
    assert "scenario population" in selection
    assert alike.startswith("no difference in any of 3 suppliers")


def test_a_survey_of_nobody_is_refused() -> None:
    with pytest.raises(KamsimError, match="organizations must be"):
        survey(small("population"), organizations=0)


def test_measures_of_suppliers_are_those_that_comparisons_tell() -> None:
    scenario = load_scenario("population").changed(world={"accounts": 30}, timeline={"warmup_years": 1})
    told = survey(scenario, organizations=6, seed=3, measures=["board", "collaboration"])
    assert [row.measure for row in told.measures] == list(chosen(["board", "collaboration"]))
    compared = compare([scenario], replications=6, seed=3)
    means = {row.measure: row.mean for row in (*compared.measures, *compared.others)}
    for row in told.measures:
        assert row.mean == pytest.approx(means[row.measure], rel=1e-12, nan_ok=True)
        assert row.low < row.mean < row.high or math.isnan(row.low)
    assert survey(scenario, organizations=6, seed=3).measures == ()
    text = " ".join(text_of(survey_tables(told)[-1]).plain.split())
    assert "Programs of these suppliers mean 95 % suppliers Total profit" in text
    with pytest.raises(KamsimError, match="did you mean 'board'"):
        survey(scenario, organizations=6, measures=["bord"])
