"""Money and years where there is a book: its currency and its own years, in every table and figure."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.text
import numpy as np
import pytest

from kamsim.books.book import Book
from kamsim.books.history import Quarters
from kamsim.books.labels import MEDIAN_WALLETS, OF_MEDIAN_WALLET, money_of, names_currency, span_label
from kamsim.evidence.posterior import read_posterior
from kamsim.experiments.file import load_experiment
from kamsim.experiments.jobs import job_of
from kamsim.measures.profit import Horizon
from kamsim.report import bridge, comparison, explain_levers, over_ranges, sweep, uncertainty, watched
from kamsim.report.table import TOTAL_PROFIT, Table, amount_in_words, in_money, scale_of, year_from_launch
from kamsim.report.terminal import text_of
from kamsim.scenario import Scenario, load_scenario
from kamsim.studies.bridge import UNKNOWN, Ratio, Worth
from kamsim.studies.compare import compare
from kamsim.studies.explain import explain
from kamsim.studies.reference import horizon_of, told_in, with_reference
from kamsim.studies.uncertainty import compare_under_uncertainty
from kamsim.studies.watch import play_run
from tests.conftest import small


def book_of(currency: str = "EUR", year_starts: int = 1, quarters: int = 8, size: float = 900.0) -> Book:
    """Twenty accounts that buy every quarter up to the end of 2025, or up to 2025Q3 where there are seven quarters."""
    spend = size * np.exp(np.random.default_rng(1).normal(0.0, 1.0, (20, 1))) * np.ones(quarters)
    ids, unknown = tuple(f"A{place}" for place in range(20)), np.full(20, np.nan)
    history = Quarters(4 * 2024, spend)
    return Book("mine.csv", ids, ids, 4 * spend[:, 0], *[unknown] * 4, (), history, currency, year_starts)


def few(**changed: Any) -> Scenario:
    return small("status_quo", **changed).changed(tiers={"ordered": {"key": {"seats": 3}, "strategic": {"seats": 1}}})


def told(*parts: Table | str) -> str:
    """All that is printed, each text on one line."""
    return " ".join(" ".join(part.split() if isinstance(part, str) else text_of(part).plain.split()) for part in parts)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that figures are drawn with."""
    texts: list[str] = []
    draw = matplotlib.text.Text.draw

    def noted(text: Any, *arguments: Any, **named: Any) -> None:
        texts.append(" ".join(text.get_text().split()))
        draw(text, *arguments, **named)

    monkeypatch.setattr(matplotlib.text.Text, "draw", noted)
    return texts


# ---------------------------------------------------------------- one place


def test_money_is_named_by_its_book_or_by_the_scenario() -> None:
    assert money_of(book_of()) == "EUR"
    assert money_of(None) == MEDIAN_WALLETS
    assert money_of(None, 50_000.0) == OF_MEDIAN_WALLET
    assert all(map(names_currency, ("EUR", "the book's currency")))
    assert not any(map(names_currency, (MEDIAN_WALLETS, OF_MEDIAN_WALLET, "")))


def test_a_job_knows_what_its_money_and_years_are_called() -> None:
    job = job_of(few(), book_of())
    assert (job.money, job.years[0], job.years[-1]) == ("EUR", "2024", "2029")
    assert job_of(few(), book_of(year_starts=12)).years[-1] == "FY2029"
    assert job_of(few(), book_of(quarters=7)).years[-1] == "to 2029Q3"
    assert (job_of(few()).money, job_of(few()).years) == (MEDIAN_WALLETS, ())
    assert job_of(few(median_wallet=2.0)).money == OF_MEDIAN_WALLET


def test_the_book_that_a_scenario_carries_names_money_and_years(tmp_path: Path) -> None:
    rows = [f"A{place},{year}Q{quarter},{100 * place} €" for place in range(1, 9) for year in (2024, 2025)
            for quarter in (1, 2, 3, 4)]  # fmt: skip
    (tmp_path / "mine.csv").write_text("account_id,quarter,spend\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "mine.toml").write_text(
        'extends = "status_quo"\n[book]\nfile = "mine.csv"\n[tiers.key]\nseats = 2\n[tiers.strategic]\nseats = 0\n'
        "[timeline]\nwarmup_years = 0\nwindow_years = 3\n"
    )
    scenario = load_scenario(tmp_path / "mine.toml")
    job = job_of(scenario)
    assert (job.money, job.years) == ("EUR", ("2024", "2025", "2026", "2027", "2028"))
    assert job_of(scenario, book_of("USD")).money == "USD"
    assert "money in EUR" in told(watched.years_table(play_run(scenario)))
    (rebuilds,) = explain(scenario, ["rebuilds"], organizations=2).claims
    assert rebuilds.besides[-1].label == "profit in three years, in EUR"
    levers = explain(scenario, ["levers"], organizations=2).levers
    assert levers is not None
    assert "3 years from launch (2026 to 2028)" in explain_levers.levers_title(levers)


@pytest.mark.parametrize(
    ("largest", "money", "unit"),
    [
        (5.0, "EUR", "EUR"), (500_000.0, "EUR", "thousands of EUR"), (5e7, "the book's currency",
         "millions of the book's currency"), (500_000.0, MEDIAN_WALLETS, "thousands"), (5.0, MEDIAN_WALLETS, ""),
    ],
)  # fmt: skip
def test_a_scale_names_a_currency(largest: float, money: str, unit: str) -> None:
    scale = scale_of(TOTAL_PROFIT, (largest,), money)
    assert scale.unit == unit
    assert in_money(scale.unit, money) == (unit if names_currency(money) else f"{unit} of {money}" if unit else money)
    a_year = scale_of(TOTAL_PROFIT._replace(unit="money a year"), (largest,), money)
    assert a_year.unit == f"{unit} a year".strip()


def test_an_amount_is_said_with_its_currency() -> None:
    said = {money: amount_in_words(12.0, scale_of(TOTAL_PROFIT, (12.0,), money), money)
            for money in ("EUR", "the book's currency", MEDIAN_WALLETS)}  # fmt: skip
    assert list(said.values()) == ["+12.00 EUR", "+12.00 in the book's currency", "+12.00 in money"]


@pytest.mark.parametrize(
    ("years", "said"),
    [
        ((), ""), (("2026",), "2026"), (("2026", "2027"), "2026 to 2027"), (("FY2026", "FY2029"), "FY2026 to FY2029"),
        (("to 2026Q3",), "year to 2026Q3"), (("to 2026Q3", "to 2028Q3"), "years to 2026Q3 up to 2028Q3"),
    ],
)  # fmt: skip
def test_years_are_named_by_the_first_and_the_last(years: tuple[str, ...], said: str) -> None:
    assert span_label(years) == said
    words = Horizon(len(years), 0.0, "EUR", "a", years).in_words()
    assert words.endswith(f" from launch{f' ({said})' if said else ''}, undiscounted")


def test_a_row_without_a_book_is_told_as_ever() -> None:
    assert "calendar" not in horizon_of([few()], job_of(few())).told()
    horizon = horizon_of([few()], job_of(few(), book_of()))
    assert horizon.told()["calendar"] == "2026 to 2029"
    assert told_in(TOTAL_PROFIT, [few()], horizon)["unit"] == "EUR"


@pytest.mark.parametrize(
    ("payback", "calendar", "said"),
    [
        (Ratio(3.0, 2.0, 4.0), ("2026", "2027", "2028", "2029"), "paid back in 2028 (2027 to 2029)"),
        (Ratio(3.0, 3.0, 3.0), ("2026", "2027", "2028"), "paid back in 2028"),
        (Ratio(2.0, 1.0, np.nan), ("FY2026", "FY2027"), "paid back in FY2027 (FY2026 to never)"),
        (Ratio(2.0, 1.0, 3.0), ("to 2026Q3", "to 2027Q3", "to 2028Q3"),
         "paid back in year to 2027Q3 (to 2026Q3 to 2028Q3)"),
        (Ratio(3.0, 2.0, 4.0), (), "paid back in year 3 (2 to 4)"),
        (Ratio(1.0, 1.0, 1.0), ("2026",), "ahead from the first year"),
    ],
)  # fmt: skip
def test_a_program_has_paid_back_in_a_year_of_the_calendar(
    payback: Ratio, calendar: tuple[str, ...], said: str
) -> None:
    worth = Worth("a", "", np.nan, 1.0, UNKNOWN, 0.3, UNKNOWN, True, UNKNOWN, UNKNOWN, payback)
    assert bridge.worth_sentence(worth, calendar) == said


# ---------------------------------------------------------------- run


def test_a_run_on_a_book_tells_its_currency_and_years(drawn: list[str]) -> None:
    run = play_run(few(), book=book_of())
    years = told(watched.years_table(run), watched.measures_table(run, ("total_profit",)))
    assert "money in thousands of EUR" in years
    assert " 2025 " in years
    assert "in EUR; all else: of the years observed (2027 to 2029)" in years
    assert MEDIAN_WALLETS not in years
    watched.run_figure(run)
    assert any("money a year" in text and "EUR" in text for text in drawn)
    assert {"2024", "2029"} <= set(drawn)
    assert not any(text == "1" for text in drawn)


def test_a_run_on_a_small_book_does_not_name_median_accounts(drawn: list[str]) -> None:
    """Where figures are small they are shown in no thousands, which used to be taken for there being no book."""
    run = play_run(few(), book=book_of("", size=1.0))
    assert "money in the book's currency" in told(watched.years_table(run))
    watched.run_figure(run)
    assert any("the book's currency" in text for text in drawn)


def test_a_run_without_a_book_names_units_and_numbers(drawn: list[str]) -> None:
    run = play_run(few())
    assert f"money in {MEDIAN_WALLETS}" in told(watched.years_table(run))
    watched.run_figure(run)
    assert any(MEDIAN_WALLETS in text for text in drawn)
    in_currency = play_run(few(median_wallet=5e6))
    assert f"money in millions of {OF_MEDIAN_WALLET}" in told(watched.years_table(in_currency))


def test_a_partial_year_is_named_by_its_last_quarter(drawn: list[str]) -> None:
    run = play_run(few(), book=book_of(quarters=7))
    assert "to 2025Q3" in told(watched.years_table(run))
    assert [year.label for year in run.years][:2] == ["to 2024Q3", "to 2025Q3"]
    watched.run_figure(run)
    assert "to 2029Q3" in drawn


def test_key_accounts_of_a_book_have_no_quota_before_the_launch() -> None:
    """They used to be told as missing a quota of nothing, with sales of nothing."""
    tier = np.array([2, 1, 1] + [0] * 17)
    run = play_run(few(), book=replace(book_of(), tier=tier))
    before = [year for year in run.years if year.phase == "history"]
    assert [year.key_accounts for year in before] == [3, 3]
    assert {year.quota for year in before} == {year.key_revenue for year in before} == {None}
    assert all(year.quota for year in run.years if year.phase != "history")


# ---------------------------------------------------------------- comparisons


def test_a_comparison_on_a_book_tells_its_currency_and_years(tmp_path: Path, drawn: list[str]) -> None:
    book = book_of(size=9e5)
    found = compare(with_reference([few()]), replications=4, book=book, measures=["all"], out=tmp_path / "out")
    text = told(*comparison.tell(found))
    assert "10 years" not in text
    assert "4 years from launch (2026 to 2029), undiscounted" in text
    assert "money: 4 years from launch (2026 to 2029), undiscounted, in EUR" in text
    assert "of EUR (lower is better" in text
    assert "in money" not in text
    assert " millions of EUR " in text
    assert MEDIAN_WALLETS not in text
    comparison.comparison_figure(found)
    axes = [text for text in drawn if "EUR" in text]
    assert len(axes) >= 6
    for file, column in (("comparison.csv", "unit"), ("bridge.csv", "unit")):
        with (tmp_path / "out" / file).open(newline="") as opened:
            units = {
                row[column] for row in csv.DictReader(opened) if row.get("measure", "total_profit") == "total_profit"
            }
        assert units == {"EUR"}


def test_a_comparison_without_a_book_is_told_in_median_accounts(drawn: list[str]) -> None:
    found = compare(with_reference([few()]), replications=4)
    assert f"in {MEDIAN_WALLETS}" in told(*comparison.tell(found))
    comparison.comparison_figure(found)
    assert any(f"money: 4 years from launch, undiscounted, in {MEDIAN_WALLETS}" in text for text in drawn)


def test_a_comparison_under_uncertainty_tells_currency_and_years(drawn: list[str]) -> None:
    posterior = read_posterior(None)
    posterior = replace(posterior, values=posterior.values[:3])
    found = compare_under_uncertainty([few(), few().changed(name="more")], posterior, replications=4, book=book_of())
    text = told(*uncertainty.tell(found))
    assert "in EUR" in text
    assert "(2026 to 2029)" in text
    assert MEDIAN_WALLETS not in text
    uncertainty.uncertainty_figure(found)
    assert any(text.startswith("Expected regret, ") and text.endswith("EUR") for text in drawn)


def test_a_sweep_on_a_book_tells_its_currency(tmp_path: Path) -> None:
    from kamsim.experiments.chunks import plan_of
    from kamsim.experiments.summary import swept
    from kamsim.experiments.sweep import sweep as play

    (tmp_path / "small.toml").write_text(
        'extends = "status_quo"\nquestion = "q"\n[world]\naccounts = 20\n'
        "[timeline]\nwarmup_years = 0\nwindow_years = 2\n"
        "[tiers.key]\nseats = 3\n[tiers.strategic]\nseats = 1\n"
    )
    path = tmp_path / "e.toml"
    path.write_text(
        'question = "q"\nbase = "small.toml"\nreplications = 3\n[design]\nkind = "grid"\n'
        "[uncertainties]\nworld.turnover = [0.02, 0.03]\n"
    )
    experiment, book = load_experiment(path), book_of()
    play(experiment, tmp_path / "out", book=book, jobs=1)
    plan = plan_of(experiment, book=book)
    rows = list(swept(plan, tmp_path / "out"))
    text = told(sweep.swept_table(plan, rows), *sweep.effects_tables(experiment, plan, tmp_path / "out"))
    assert "EUR (higher is better)" in text
    assert "years from launch (2026 to 2027), undiscounted" in text
    assert MEDIAN_WALLETS not in text


def test_what_is_told_over_ranges_and_of_levers_names_the_money_of_its_horizon() -> None:
    from tests.conftest import over_ranges as result

    horizon = Horizon(10, 0.0, "EUR", "no_program", tuple(map(str, range(2026, 2036))))
    found: Any = type("Result", (), result(horizon=horizon))
    said = over_ranges.best_fit_sentence(found)
    assert "+12.00 EUR, 10 years from launch (2026 to 2035), undiscounted" in said
    assert explain_levers.levers_title(
        type("Levers", (), {"program": "a", "reference": "b", "horizon": horizon})  # type: ignore[arg-type]
    ).endswith("(2026 to 2035), undiscounted")


@pytest.mark.parametrize(
    ("number", "calendar", "said"),
    [(2.0, ("2026", "2027"), "2027"), (1.6, ("2026", "2027"), "2027"), (2.0, (), "2"), (3.0, ("2026",), "3"),
     (np.nan, ("2026",), "never")],
)  # fmt: skip
def test_a_year_from_the_launch_has_the_name_of_the_calendar(
    number: float, calendar: tuple[str, ...], said: str
) -> None:
    assert year_from_launch(number, calendar) == said
