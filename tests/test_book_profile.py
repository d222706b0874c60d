"""Profile of an account book: counts by hand, rules of selection with names, and the files that hold them."""

import csv
import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from python_calamine import CalamineWorkbook

from kamsim.books.book import Book, read_book
from kamsim.books.history import Quarters
from kamsim.books.labels import money_of, quarter_label, year_label, year_labels
from kamsim.books.profile import TIERS, Profile, enterprise_scores, last_year
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.report.book_profile import FILES, chosen_by, profile_figure, rules_sentences, tell, write_profile
from kamsim.report.terminal import text_of
from kamsim.scenario import load_scenario
from kamsim.studies.profile_book import profile_book
from kamsim.world.parameters import parameters_of

PARAMETERS = parameters_of(load_scenario("status_quo"))


def book_of(spend: list[list[float]], first: int = 4 * 2024, **columns: object) -> Book:
    """A book of accounts A, B, ... by quarters."""
    panel = np.array(spend, dtype=float)
    ids = tuple(chr(ord("A") + place) for place in range(len(panel)))
    unknown = np.full(len(panel), np.nan)
    book = Book("mine.csv", ids, ids, panel.sum(axis=1), *[unknown] * 4, (), Quarters(first, panel))
    return replace(book, **columns)  # type: ignore[arg-type]


@pytest.fixture
def mine() -> Book:
    """Two years: A doubles, B leaves, C comes in the last quarter but one, D buys every other quarter."""
    return book_of(
        [[10] * 4 + [20] * 4, [5, 5, 5, 5, 0, 0, 0, 0], [0] * 4 + [0, 0, 8, 0], [1, 0, 1, 0, 1, 0, 1, 0]],
        tier=np.array([2, 1, 0, 0]),
        kam=("Ada", "", "", ""),
        currency="EUR",
    )


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("quarter", "starts", "quarterly", "yearly"),
    [
        (4 * 2025 + 3, 1, "2025Q4", "2025"),
        (4 * 2025 + 3, 12, "FY2025Q4", "FY2025"),
        (4 * 2025 + 2, 1, "2025Q3", "to 2025Q3"),
        (4 * 2025 + 0, 7, "FY2025Q1", "to FY2025Q1"),
    ],
)
def test_quarters_and_years_have_the_names_of_the_book(quarter: int, starts: int, quarterly: str, yearly: str) -> None:
    assert quarter_label(quarter, starts) == quarterly
    assert year_label(quarter, starts) == yearly


def test_years_of_a_run_go_on_from_the_last_quarter_of_its_book(mine: Book) -> None:
    assert year_labels(mine, 2, 4) == ("2024", "2025", "2026", "2027")
    assert year_labels(replace(mine, year_starts=12), 2, 3) == ("FY2024", "FY2025", "FY2026")
    short = book_of([[1.0] * 7])
    assert year_labels(short, 1, 3) == ("to 2025Q3", "to 2026Q3", "to 2027Q3")
    assert year_labels(None, 1, 3) == year_labels(replace(mine, quarters=None), 1, 3) == ()


def test_money_has_the_name_of_the_books_currency(mine: Book) -> None:
    assert money_of(mine) == "EUR"
    assert money_of(replace(mine, currency="")) == "the book's currency"


# ---------------------------------------------------------------- counts by hand


def test_a_profile_counts(mine: Book) -> None:
    profile = profile_book(mine, places=1)
    before, last = profile.years
    assert profile.quarters == ("2024Q1", "2025Q4")
    assert (before.year, before.sales, before.customers) == ("2024", 62.0, 3)
    assert math.isnan(before.growth)
    assert math.isnan(before.bought_again)
    assert before.empty_quarters == pytest.approx((0 + 0 + 2) / 12)
    assert (last.year, last.sales, last.customers) == ("2025", 90.0, 3)
    assert last.growth == pytest.approx(90 / 62 - 1)
    assert last.bought_again == pytest.approx(2 / 3)
    assert last.new == pytest.approx(1 / 3)
    assert last.empty_quarters == pytest.approx((0 + 3 + 2) / 12)
    assert profile.largest == pytest.approx(80 / 90)
    assert profile.ten_largest == pytest.approx(1.0)
    assert profile.quarterly == (16, 15, 16, 15, 21, 20, 29, 20)
    assert profile.customers == 3
    season = np.mean([np.array([16, 15, 16, 15]) / 15.5, np.array([21, 20, 29, 20]) / 22.5], axis=0)
    assert profile.season == pytest.approx(season.tolist())


def test_accounts_are_told_by_name_largest_first(mine: Book) -> None:
    first, second, third, gone = profile_book(mine, places=2).accounts
    assert [account.name for account in (first, second, third, gone)] == ["A", "C", "D", "B"]
    assert (first.spend, first.quarters, first.tier, first.kam, first.by_spend) == (80.0, 4, "strategic", "Ada", 1)
    assert first.growth == pytest.approx(1.0)
    assert math.isnan(second.growth)
    assert second.quarters == 1
    assert (gone.tier, gone.spend, gone.by_spend) == ("key", 0.0, 4)


def test_years_are_counted_back_from_the_last_quarter() -> None:
    spend = [[7.0, 1, 1, 1, 1, 2, 2, 2, 2], [0] * 8 + [2.0]]
    profile = profile_book(book_of(spend, first=4 * 2023 + 3))
    partly = profile_book(book_of(spend, first=4 * 2023 + 2))
    assert [year.year for year in partly.years] == ["to 2024Q3", "to 2025Q3"]
    assert [(year.year, year.sales) for year in profile.years] == [("2024", 4.0), ("2025", 10.0)]
    season = profile_book(book_of([[1, 2, 3, 4, 1, 2, 3, 4]], first=4 * 2024 + 1)).season
    assert season == pytest.approx([1.6, 0.4, 0.8, 1.2])  # the first quarter told is the second of its year


def test_a_book_without_history_is_profiled_by_size_alone(mine: Book) -> None:
    profile = profile_book(replace(mine, quarters=None))
    assert profile.years == ()
    assert profile.quarterly == ()
    assert profile.accounts[0].quarters == -1
    assert "nothing is told of years" in text_of(tell(profile)[0]).plain  # type: ignore[arg-type]
    assert profile_figure(profile).startswith(b"\x89PNG")


def test_a_book_whose_accounts_have_all_left_is_no_fault() -> None:
    profile = profile_book(book_of([[1.0] * 4 + [0.0] * 4, [2.0] * 4 + [0.0] * 4]))
    assert math.isnan(profile.largest)
    assert not any(any(chosen_by(profile, account)) for account in profile.accounts)
    assert profile_figure(profile).startswith(b"\x89PNG")
    assert len(tell(profile)) > 2


# ---------------------------------------------------------------- rules of selection


def test_where_nothing_is_told_enterprise_criteria_rank_as_spend_does(mine: Book) -> None:
    profile = profile_book(mine, places=2)
    assert [account.by_enterprise for account in profile.accounts] == [1, 2, 3, 4]
    assert "hardly rank otherwise than spend" in rules_sentences(profile)


def test_a_full_share_of_wallet_leaves_nothing_to_win() -> None:
    share = np.array([0.99, np.nan, 0.01])
    book = book_of([[30.0] * 8, [20.0] * 8, [10.0] * 8], share=share)
    profile = profile_book(book, places=1)
    assert [account.by_enterprise for account in profile.accounts] == [3, 2, 1]
    assert profile.told["share"] == 2
    assert "share of 2 of 3 accounts" in rules_sentences(profile)
    assert chosen_by(profile, profile.accounts[0]) == (True, False)
    assert chosen_by(profile, profile.accounts[2]) == (False, True)


def test_an_account_that_loses_money_comes_last_and_one_that_fits_first() -> None:
    spend = [[10.0] * 8] * 3
    losing = profile_book(book_of(spend, margin=np.array([0.01, np.nan, np.nan])))
    assert {account.name: account.by_enterprise for account in losing.accounts}["A"] == 3
    fit = np.array([0.1, 0.5, 0.95])
    fitting = profile_book(book_of(spend, fit=fit, share=np.full(3, 0.1)))
    assert {account.name: account.by_enterprise for account in fitting.accounts} == {"A": 3, "B": 2, "C": 1}
    alone = profile_book(book_of(spend, fit=fit))
    assert {account.name: account.by_enterprise for account in alone.accounts} == {"A": 1, "B": 2, "C": 3}
    assert "hardly rank otherwise than spend" in rules_sentences(alone)


def test_enterprise_scores_are_the_models_own_rule() -> None:
    """Of an account of which everything is told, worked out by hand."""
    share, fit, margin = (np.array([value, value]) for value in (0.2, 0.8, 0.5))
    book = book_of([[25.0] * 4, [25.0] * 4], share=share, fit=fit, margin=margin)
    (score, other) = enterprise_scores(book, last_year(book), PARAMETERS, 1)
    p = PARAMETERS
    power = min(p.bargaining_most, p.bargaining_base + p.bargaining_slope)
    room = p.ceiling_base + p.ceiling_fit * 0.8 - 0.2
    earned = 0.5 - min(p.most_conceded, p.base_concession * power) - p.serve_cost
    assert score == other == pytest.approx(math.log(500.0 * room * earned))


def test_as_many_places_as_todays_program_has_key_accounts(mine: Book) -> None:
    assert profile_book(mine).places == 2
    assert profile_book(replace(mine, tier=None)).places == 1
    for places in (0, 5):
        with pytest.raises(KamsimError, match="`places` must be 1 to 4"):
            profile_book(mine, places=places)


def test_todays_program_is_told_beside_the_rules(mine: Book) -> None:
    profile = profile_book(mine)
    told = "\n".join(text_of(part).plain if not isinstance(part, str) else part for part in tell(profile))
    assert "money in EUR" in told
    assert re.search(r"^A +80\.00 +89 % +\+100\.0 % +1  strategic Ada$", told, re.MULTILINE)
    assert "Of the 2 key accounts of today, 1 are among the 2 that spend most" in told
    assert TIERS[2] in told


# ---------------------------------------------------------------- files


def test_the_files_of_a_profile_hold_the_same_accounts(mine: Book, tmp_path: Path) -> None:
    planted = replace(mine, name=("=1+1", "+2", "@x", "plain"), account_id=("001", "1E5", "-3", "\t=4"))
    paths = write_profile(planted, tmp_path / "new" / "mine")
    assert [path.name for path in paths] == list(FILES)
    found = json.loads(paths[0].read_text())
    assert [account["account_id"] for account in found["accounts"]] == ["001", "-3", "\t=4", "1E5"]
    rows = list(csv.reader(io.StringIO(paths[2].read_text(), newline="")))
    sheet = CalamineWorkbook.from_path(paths[3]).get_sheet_by_name("accounts").to_python()
    assert [row[:2] for row in rows[1:]] == [row[:2] for row in sheet[1:]]
    assert rows[1][:2] == ["001", "'=1+1"]
    assert rows[2][:2] == ["'-3", "'@x"]
    assert [float(row[2]) for row in rows[1:]] == [row[2] for row in sheet[1:]] == [80.0, 8.0, 2.0, 0.0]
    assert "EUR" in rows[0][2]


def test_a_figure_is_wide_enough_and_takes_any_name(mine: Book) -> None:
    odd = replace(mine, name=("$x^2$ \\frac", "\u6771\u4eac", "a" * 300, "\x1b[31m"), source="$odd$.csv")
    content = profile_figure(profile_book(odd))
    assert int.from_bytes(content[16:20], "big") == 1920
    assert int.from_bytes(content[20:24], "big") == 1344
    assert content == profile_figure(profile_book(odd))


def test_the_command_prints_writes_and_tells_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{name},{year}Q{quarter},{spend}" for name, spend in (("Ada", 300), ("Bob", 20)) for year in (2024, 2025)
            for quarter in (1, 2, 3, 4)]  # fmt: skip
    Path("mine.csv").write_text("account_id,quarter,spend\n" + "\n".join(rows) + "\n")
    result = CliRunner().invoke(main, ["book", "profile", "mine.csv", "--places", "1"])
    assert result.exit_code == 0, result.output
    assert "2025" in result.stdout
    assert "Ada" in result.stdout
    assert sorted(path.name for path in Path("results/profile-mine").iterdir()) == sorted(FILES)
    told = CliRunner().invoke(main, ["book", "profile", "mine.csv", "--json", "--out", "elsewhere"])
    content = json.loads(told.stdout)
    assert content["folder"] == "elsewhere"
    assert content["accounts"][0]["name"] == "Ada"
    wrong = CliRunner().invoke(main, ["book", "profile", "none.csv"])
    assert wrong.exit_code == 2
    assert "none.csv" in wrong.output


def test_a_profile_of_a_file_is_that_of_its_book(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("account_id,annual_spend,share\na,100,0.5\nb,300,\n")
    profile: Profile = profile_book(read_book(path))
    assert [account.account_id for account in profile.accounts] == ["b", "a"]
    assert profile.told["share"] == 1
