"""Which books a decision may rest on: those whose own last year their market foretells."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import small

from kamsim.books.book import read_book
from kamsim.cli import main
from kamsim.scenario import load_scenario
from kamsim.studies.decide_check import before_last_year, coverage, foretold, misfit_of

DATA = Path(os.environ.get("KAMSIM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def book_file(folder: Path, growth_sd: float, accounts: int = 120, quarters: int = 12) -> Path:
    """A book whose accounts change by a spread of their own, once a year."""
    generator = np.random.default_rng(1)
    logs = np.log(2000.0) + generator.standard_normal((accounts, 1))
    years = np.cumsum(growth_sd * generator.standard_normal((accounts, quarters // 4)), axis=1)
    spend = np.exp(logs + np.repeat(years, 4, axis=1) + 0.1 * generator.standard_normal((accounts, quarters)))
    rows = {
        "account_id": np.repeat([f"A{number}" for number in range(accounts)], quarters),
        "quarter": np.tile([f"{2021 + quarter // 4}Q{quarter % 4 + 1}" for quarter in range(quarters)], accounts),
        "spend": spend.round(2).ravel(),
    }
    pd.DataFrame(rows).to_csv(folder / "book.csv", index=False)
    return folder / "book.csv"


@pytest.mark.parametrize(("spread", "inside"), [(1.0, (0.5, 0.8, 0.95)), (0.5, (0.264, 0.478, 0.673))])
def test_coverage_of_normal_forecasts_is_the_closed_form(spread: float, inside: tuple[float, ...]) -> None:
    generator = np.random.default_rng(2)
    drawn = spread * generator.standard_normal((400, 4000))
    assert coverage(drawn, generator.standard_normal(4000), 1) == pytest.approx(inside, abs=0.02)


def test_what_is_foretold_exactly_is_neither_too_sure_nor_too_vague() -> None:
    """Accounts that never buy are foretold to buy nothing: equal ranks are spread by chance."""
    inside = coverage(np.zeros((60, 3000)), np.zeros(3000), 1)
    assert inside == pytest.approx((0.5, 0.8, 0.95), abs=0.03)


def test_the_past_of_a_book_knows_nothing_of_its_last_year(tmp_path: Path) -> None:
    book = read_book(book_file(tmp_path, 0.2))
    assert book.quarters is not None
    past, came = before_last_year(book, 1)
    assert past.quarters is not None
    assert (past.quarters.spend == book.quarters.spend[:, :-4]).all()
    assert came == pytest.approx(book.quarters.spend[:, -4:].sum(axis=1))
    drawn = foretold(past, small(), 1)
    assert drawn.shape == (60, len(past.account_id))
    assert np.median(drawn.sum(axis=1)) == pytest.approx(past.quarters.spend[:, -4:].sum(), rel=0.3)


def test_a_book_is_refused_where_its_market_does_not_foretell_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wild = read_book(book_file(tmp_path, 1.5))
    assert "kamsim book fit" in misfit_of(wild, small(), 1)
    told = CliRunner().invoke(main, ["decide", "book.csv", "--sets", "2", "--cases", "2"])
    assert told.exit_code == 2
    assert "--anyway" in told.stderr.strip().splitlines()[-1]
    assert not list((tmp_path / "results").glob("*"))
    calm = read_book(book_file(tmp_path, 0.25))
    assert misfit_of(calm, small(), 1) == ""


@pytest.mark.parametrize(
    ("file", "market", "fits"),
    [
        ("iowa_liquor_quarterly.csv", "status_quo", True),
        ("online_retail2_quarterly.csv", "status_quo", False),
        ("online_retail2_quarterly.csv", "lively", True),
    ],
)
def test_real_books_are_foretold_by_a_market_of_their_kind(file: str, market: str, fits: bool) -> None:
    if not (DATA / file).is_file():
        pytest.skip(f"the real book {file} is not here; set KAMSIM_DATA to the folder that holds it")
    assert (misfit_of(read_book(DATA / file), load_scenario(market), 1) == "") == fits


def test_a_scenario_that_carries_a_book_brings_its_market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    book_file(tmp_path, 0.2, accounts=40)
    (tmp_path / "market.toml").write_text(
        'extends = "no_program"\n[world]\ngross_margin = 0.41\n[book]\nfile = "book.csv"\n', encoding="utf-8"
    )
    words = [
        "decide",
        "market.toml",
        "status_quo",
        "full_program",
        "--sets",
        "2",
        "--cases",
        "2",
        "--years",
        "2",
        "--anyway",
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "world.gross_margin = 0.41" in " ".join(result.stdout.split())
    (tmp_path / "bare.toml").write_text('extends = "no_program"\n', encoding="utf-8")
    refused = CliRunner().invoke(main, ["decide", "bare.toml"])
    assert refused.exit_code == 2
    assert "carries no account book" in refused.stderr
