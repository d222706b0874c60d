"""The survey: figures of hand-made organizations with known answers, and intervals of samples."""

import json
import math
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from kamsim.errors import KamsimError
from kamsim.evidence.published import OUTCOMES, SURVEY_SAMPLE
from kamsim.experiments.jobs import Table
from kamsim.measures.survey import ANSWERS
from kamsim.scenario import LEVERS, Scenario, load_scenario
from kamsim.studies import survey as survey_module
from kamsim.studies.survey import FURTHER, PUBLISHED, figures_of, joined, sampled_figures, survey


def organization(
    selection: float = 0.0, reports: list[float] | None = None, spend: list[float] | None = None, **answers: float
) -> Table:
    """Table of one organization that gives these answers."""
    row = np.array([[answers.get(name, 0.0) for name in ANSWERS]])
    levers = np.array([[selection if lever == "selection" else 0.0 for lever in LEVERS]])
    kams = [np.nan, np.nan, np.nan]
    return Table(np.empty((1, 6)), row, levers, np.array([reports or kams]), np.array([spend or kams]))


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
        expected = figures_of([Table(*(column[drawn[place]] for column in table))])
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
    assert list(content) == ["figures", "further", "sample", "organizations", "seed", "scenario", "notes"]
    assert [figure["name"] for figure in content["figures"]] == [figure.name for figure in OUTCOMES]
    assert [figure["published"] for figure in content["figures"]] == [figure.value for figure in OUTCOMES]
    assert [figure["name"] for figure in content["further"]] == list(FURTHER)
    assert {"name", "published", "simulated", "low", "high"} <= set(content["figures"][0])
    assert (content["sample"], content["organizations"], content["seed"]) == (69, 40, 3)
    miss = found.figures[0]
    assert miss.low < miss.simulated < miss.high


def test_samples_that_cannot_tell_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # One organization in sixty selects by enterprise criteria: about exp(-69 / 60) of the samples have none.
    tables = [organization(float(place == 0), elevated=5, elevated_that_grew=2) for place in range(60)]

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
    assert "4 years of the window" in window
    assert "scenario population" in selection
    assert alike.startswith("no difference in any of 3 organizations")


def test_a_survey_of_nobody_is_refused() -> None:
    with pytest.raises(KamsimError, match="organizations must be"):
        survey(small("population"), organizations=0)
