"""Forecasts of a book's own past: known answers of what they are judged by, no leakage, and what is said of them."""

import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from click.testing import CliRunner
from test_book_laws import planted

from kamsim import load_scenario
from kamsim.analysis.forecasts import (
    LEVELS,
    buying_chances,
    coverage_of,
    ranked_score,
    ranks_of,
    simple_forecasts,
    smoothed_total,
)
from kamsim.books.book import Book
from kamsim.books.history import Quarters
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.report import backtest as report
from kamsim.studies.backtest import SIMULATOR, Backtest, against_best, ask_backtest, until, weakness_of

GENERATOR = np.random.default_rng(5)


def book_of(spend: np.ndarray, first: int = 4 * 2020) -> Book:
    names = tuple(f"A{number:03}" for number in range(len(spend)))
    unknown = np.full(len(spend), np.nan)
    return Book("made.csv", names, names, spend.sum(axis=1), *(unknown,) * 4, (), Quarters(first, spend))


def few() -> np.ndarray:
    spend = planted(11)[1].spend[:60] * 1000.0
    return spend[(spend[:, :12] > 0).any(axis=1)]


@cache
def played() -> Backtest:
    return ask_backtest(book_of(few()), worlds=30).play()


# ---------------------------------------------------------------- what forecasts are judged by


def test_the_ranked_score_of_one_number_is_its_absolute_error():
    outcome = np.array([1.0, 5.0])
    np.testing.assert_allclose(ranked_score(np.full((10, 2), 3.0), outcome), [2.0, 2.0])


def test_the_ranked_score_of_a_normal_forecast_is_the_closed_form():
    drawn = GENERATOR.normal(size=(20_000, 1))
    expected = 2.0 / math.sqrt(2.0 * math.pi) - 1.0 / math.sqrt(math.pi)
    assert ranked_score(drawn, np.zeros(1))[0] == pytest.approx(expected, abs=0.01)


def test_ranks_of_a_right_forecast_are_even_though_many_buy_nothing():
    drawn = GENERATOR.poisson(0.5, size=(99, 4000)).astype(float)
    outcome = GENERATOR.poisson(0.5, size=4000).astype(float)
    coverage = coverage_of(ranks_of(drawn, outcome, np.random.default_rng(1)))
    np.testing.assert_allclose(coverage.inside, LEVELS, atol=0.03)


def test_the_simplest_forecasts():
    spend = np.array([[1.0, 2.0, 3.0, 4.0, 2.0, 4.0, 6.0, 8.0]])
    found = simple_forecasts(spend)
    assert found["persistence"] == pytest.approx(32.0)
    assert found["seasonal naive"] == pytest.approx(20.0)
    assert found["drift"] == pytest.approx(30.0)


def test_smoothing_goes_on_with_season_and_trend():
    series = 100.0 * np.tile([0.8, 0.9, 1.0, 1.3], 5) * 1.01 ** np.arange(20)
    assert smoothed_total(series) == pytest.approx(series[-4:].sum() * 1.03, rel=0.03)
    assert smoothed_total(np.array([1.0, 2.0, 3.0, 4.0])) == 10.0


def test_who_bought_again_and_again_and_stopped_is_likely_gone():
    buys = np.zeros((60, 12))
    buys[:20, ::1] = 1.0
    buys[20:40, :4] = 1.0
    buys[40:, ::4] = 1.0
    chance = buying_chances(buys)
    assert chance[:20].min() > 0.9
    assert chance[20:40].max() < 0.5
    assert 0.3 < chance[40:].mean() < 1.0


# ---------------------------------------------------------------- the study


def test_a_backtest_tells_coverage_errors_and_ranks():
    origin = played().origins[0]
    assert origin.ends == "2022Q4"
    assert origin.scores[0].name == SIMULATOR
    assert origin.low < origin.forecast < origin.high
    assert 0.5 < played().coverage[1] <= 1.0
    assert {score.name for score in origin.scores} == {
        SIMULATOR, "persistence", "seasonal naive", "drift", "smoothing",
    }  # fmt: skip
    json.dumps(played().to_dict())


def test_nothing_of_the_year_that_is_forecast_is_known():
    spend = few()
    other = spend.copy()
    other[:, 12:] *= 7.0
    twice = ask_backtest(book_of(other), worlds=30).play()
    assert twice.origins[0].forecast == played().origins[0].forecast
    assert twice.origins[0].outcome == pytest.approx(7.0 * played().origins[0].outcome)


def test_a_book_until_then_has_who_had_bought_by_then():
    spend = np.array([[1.0] * 8, [0.0] * 4 + [1.0] * 4])
    book = until(book_of(spend), 4)
    assert book.account_id == ("A000",)
    assert book.quarters is not None
    assert book.quarters.spend.shape == (1, 4)


@pytest.mark.parametrize(("quarters", "origins", "says"), [(7, 1, "under two years"), (12, 3, "from 1 to 2")])
def test_too_short_a_book_is_refused(quarters: int, origins: int, says: str):
    with pytest.raises(KamsimError, match=says):
        ask_backtest(book_of(np.ones((5, quarters))), origins=origins)


# ---------------------------------------------------------------- what is said


def test_a_book_that_was_forecast_badly_is_no_ground_to_rank_on():
    assert weakness_of("drift", 0.0, 0.01, LEVELS) is None
    assert weakness_of("drift", 0.3, 0.2, LEVELS) is None
    assert "80 %" in (weakness_of("drift", 0.0, 0.01, (0.5, 0.6, 0.95)) or "")
    assert "the simplest" in (weakness_of("drift", 0.3, 0.05, LEVELS) or "")


def test_the_best_of_the_simplest_is_one_for_all_years():
    one = played().origins[0]
    first = replace(one, differences={"a": 0.02, "b": 0.0}, differences_error={"a": 0.01, "b": 0.01})
    second = replace(one, differences={"a": -0.01, "b": 0.0}, differences_error={"a": 0.01, "b": 0.01})
    best, difference, error = against_best([first, second])
    assert (best, difference) == ("a", pytest.approx(0.005))
    assert error == pytest.approx(0.015)


def test_it_is_said_plainly_where_the_simplest_is_as_good():
    told = {
        "worse than": replace(played(), difference=0.2, difference_error=0.01),
        "better than": replace(played(), difference=-0.2, difference_error=0.01),
        "no better and no worse": replace(played(), difference=0.01, difference_error=0.02),
        "too narrow": replace(played(), coverage=(0.3, 0.6, 0.8)),
        "too wide": replace(played(), coverage=(0.6, 0.9, 1.0)),
    }
    for words, result in told.items():
        assert words in report.sentences(result)


def test_the_figure_is_drawn():
    assert report.backtest_figure(played()).startswith(b"\x89PNG")


# ---------------------------------------------------------------- the commands


@pytest.fixture
def file(tmp_path):
    spend = few()[:40]
    lines = ["account_id,quarter,spend"]
    for number, row in enumerate(spend):
        lines += [
            f"A{number:03},{2020 + at // 4}Q{at % 4 + 1},{value:.2f}" for at, value in enumerate(row) if value > 0.005
        ]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_fit_writes_a_scenario_that_carries_the_book(file, tmp_path):
    target = tmp_path / "own.toml"
    result = CliRunner().invoke(main, ["book", "fit", str(file), "--out", str(target), "--json"])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    scenario = load_scenario(str(target))
    assert scenario.world.orders == content["values"]["orders"]
    assert scenario.book is not None
    assert {law["name"] for law in content["laws"]} >= {"growth_sd", "hazard", "season_4"}
    assert "95 %" in target.read_text()


def test_backtest_prints_tables_and_keeps_its_figure(file, tmp_path):
    out = tmp_path / "past"
    result = CliRunner().invoke(main, ["book", "backtest", str(file), "-n", "20", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "the simulation" in result.stdout
    assert (out / "backtest.png").exists()


@pytest.mark.parametrize("command", ["fit", "backtest"])
def test_a_book_without_history_is_refused_in_a_sentence(command, tmp_path):
    path = tmp_path / "level.csv"
    path.write_text("account_id,annual_spend\nA,100\nB,200\n")
    result = CliRunner().invoke(main, ["book", command, str(path)])
    assert result.exit_code == 2
    assert "history" in result.stderr
