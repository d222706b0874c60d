"""The one page for the meeting: what it says of planted books, by name, in every form, and what it refuses to say."""

import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import assert_same_bits, small

from kamsim.books.book import Book, read_book
from kamsim.books.laws import fit_laws
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.jobs import job_of
from kamsim.experiments.twins import histories_of
from kamsim.measures.gain import profit_in
from kamsim.report.decide import decision_sentences, tell
from kamsim.report.decide_figure import decision_figure
from kamsim.report.terminal import text_of
from kamsim.scenario import Scenario
from kamsim.studies import decide as deciding
from kamsim.studies.decide import Decision, ask_decide, choices_from, decide
from kamsim.studies.decide_accounts import chosen_most
from kamsim.studies.decide_cases import cases_a_set, in_future, played_cases
from kamsim.studies.decide_data import DATA, FACTS, features_of
from kamsim.studies.reference import with_reference
from kamsim.studies.settings import with_settings
from kamsim.world.parameters import parameters_of

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="thousands of runs take too long in plain Python")

ACCOUNTS, QUARTERS = 40, 12
NAMES = ("world.gross_margin", "world.hour_cost", "world.share_collaboration")
PIXELS = (1920, 1280)


def rows(accounts: int = ACCOUNTS, quarters: int = QUARTERS, seed: int = 1) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    size = np.exp(generator.standard_normal(accounts))
    spend = 1000.0 * size[:, None] * np.exp(0.2 * generator.standard_normal((accounts, quarters)))
    return pd.DataFrame(
        {
            "account_id": np.repeat([f"A{number:03d}" for number in range(accounts)], quarters),
            "quarter": np.tile([f"{2020 + quarter // 4}Q{quarter % 4 + 1}" for quarter in range(quarters)], accounts),
            "spend": spend.round(2).ravel(),
        }
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows().to_csv(tmp_path / "book.csv", index=False)
    return tmp_path / "book.csv"


@pytest.fixture
def book(file: Path) -> Book:
    return read_book(file)


def sets(number: int = 5) -> Posterior:
    generator = np.random.default_rng(4)
    values = generator.uniform((0.4, 0.001, 1.0), (0.7, 0.006, 3.0), (number, 3))
    return Posterior(NAMES, tuple(tuple(row) for row in values.tolist()), "few.csv")


def policies(*names: str) -> list[Scenario]:
    return with_reference([small(name) for name in names or ("status_quo", "full_program")])


@pytest.fixture(scope="module")
def tiered(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book that tells today's program."""
    folder = tmp_path_factory.mktemp("book")
    rows().to_csv(folder / "book.csv", index=False)
    tier = np.zeros(ACCOUNTS, dtype=np.int64)
    tier[[3, 5, 8]] = 1
    return replace(read_book(folder / "book.csv"), tier=tier, currency="EUR")


@pytest.fixture(scope="module")
def decision(tiered: Book) -> Decision:
    return decide(choices_from(policies(), tiered), sets(), tiered, cases=3, jobs=1)


# ---------------------------------------------------------------- what is told


def test_the_answer_hangs_on_no_number_of_jobs(book: Book) -> None:
    one, two = (decide(policies(), sets(3), book, cases=2, jobs=jobs) for jobs in (1, 3))
    assert one.to_dict() == two.to_dict()


def test_what_a_policy_earns_is_the_mean_over_all_that_was_played(decision: Decision, tiered: Book) -> None:
    cases = played_cases(choices_from(policies(), tiered), sets(), tiered, 1, 3, 1)
    profit = profit_in(cases.amounts)
    for place, choice in enumerate(decision.choices):
        told = (profit[..., place] - profit[..., 0]).mean()
        assert choice.value.mean == pytest.approx(told)
        assert choice.course[-1].mean == pytest.approx(told)
        assert choice.a_year == pytest.approx(told / 4)
        assert choice.value.low <= choice.value.high
        assert choice.regret >= 0.0
        assert choice.at_launch.low <= choice.at_launch.mean * (1 + 1e-9) <= choice.at_launch.high * (1 + 2e-9)
    assert sum(choice.probability_best for choice in decision.choices) == pytest.approx(1.0)
    best = max(decision.choices, key=lambda choice: choice.value.mean)
    assert decision.recommended == best.scenario
    assert decision.perfect == best.regret == min(choice.regret for choice in decision.choices)
    assert all(0.0 <= row.value <= decision.perfect for row in decision.information)
    assert decision.sure == (not decision.rivals)
    assert (decision.cases, decision.sets, decision.futures) == (15, 5, 2)


def test_money_is_in_the_currency_of_the_book(book: Book) -> None:
    """A book of amounts a thousand times as large gives amounts a thousand times as large, and the same points."""
    many = np.float64(1000.0)
    assert book.quarters is not None
    quarters = book.quarters._replace(spend=many * book.quarters.spend)
    larger = replace(book, annual_spend=many * book.annual_spend, quarters=quarters)
    one, thousand = (decide(policies(), sets(3), each, cases=2, jobs=1) for each in (book, larger))
    for before, after in zip(one.choices, thousand.choices, strict=True):
        assert after.value.mean == pytest.approx(1000 * before.value.mean, rel=1e-9)
        assert after.points.mean == pytest.approx(before.points.mean, rel=1e-9)
        assert after.probability_best == pytest.approx(before.probability_best, abs=0.01)


def test_a_decision_between_policies_that_do_the_same_is_not_made(book: Book) -> None:
    usual = small("status_quo")
    twins = [usual, usual.model_copy(update={"name": "another_name"})]
    found = decide(twins, sets(3), book, cases=2, jobs=1)
    assert not found.sure
    assert [choice.regret for choice in found.choices] == [0.0, 0.0]
    assert {row.value for row in found.information} == {0.0}


def test_a_policy_that_only_costs_is_told_from_no_program(book: Book) -> None:
    dear = [scenario.changed(world={"hour_cost": 0.5, "elevation_cost": 1.0}) for scenario in policies("status_quo")]
    found = decide(dear, Posterior(NAMES[:1], ((0.5,), (0.55,), (0.6,)), "few.csv"), book, cases=3, jobs=1)
    assert found.recommended == "no_program"
    assert found.sure
    assert found.choice("status_quo").verdict == "worse"
    assert "Take no program" in decision_sentences(found)


# ---------------------------------------------------------------- accounts by name


def test_lists_have_the_accounts_most_often_key_and_say_where_they_differ_from_today(decision: Decision) -> None:
    names = {account.account_id for account in decision.accounts if account.today}
    assert names == {"A003", "A005", "A008"}
    assert decision.today == "todays_program"
    assert decision.places["todays_program"] == 3
    kept = [account for account in decision.accounts if account.moves["todays_program"] == "keep"]
    assert {account.account_id for account in kept} == names
    assert all(account.chosen["todays_program"] > 0.9 for account in kept)
    for policy, places in decision.places.items():
        moves = [account.moves[policy] for account in decision.accounts]
        listed = [account for account in decision.accounts if account.moves[policy] in ("elevate", "keep")]
        assert len(listed) == places
        assert moves.count("keep") + moves.count("demote") == 3
        assert all((account.moves[policy] == "keep") == bool(account.today) for account in listed)
        others = [account for account in decision.accounts if account not in listed]
        least = min((account.chosen[policy] for account in listed), default=1.0)
        assert all(account.chosen[policy] <= least for account in others)


def test_a_program_that_selects_by_spend_takes_the_largest_and_is_sure_of_it(decision: Decision) -> None:
    listed = [account for account in decision.accounts if account.moves["status_quo"] in ("elevate", "keep")]
    assert np.mean([account.chosen["status_quo"] for account in listed]) > 0.75
    largest = sorted(decision.accounts, key=lambda account: -account.spend)[:2]
    assert all(account.chosen["status_quo"] > 0.9 for account in largest)
    unsure = [account.chosen["full_program"] for account in decision.accounts if account.chosen["full_program"] > 0]
    assert min(unsure) < 0.8  # potential is drawn, for the book does not tell it


def test_what_the_book_tells_is_told_and_what_it_does_not_is_drawn(book: Book) -> None:
    share = np.full(ACCOUNTS, np.nan)
    share[:4] = 0.4
    known = replace(book, share=share, wallet=book.annual_spend / share, fit=np.full(ACCOUNTS, 0.7))
    found = decide(policies(), sets(3), known, cases=3, jobs=1)
    for account in found.accounts:
        told = account.account_id in ("A000", "A001", "A002", "A003")
        assert account.share.told == told
        assert (account.share.low == account.share.high) == told
        assert account.fit.told
        assert account.fit.value == pytest.approx(0.7)
        assert not account.trust.told
        assert account.trust.low < account.trust.value < account.trust.high


def test_of_equal_chances_the_larger_account_is_listed_first() -> None:
    listed = chosen_most(np.array([0.5, 0.5, 0.9, 0.0]), 2, np.array([1.0, 2.0, 0.1, 9.0]))
    assert listed.tolist() == [False, True, True, False]
    assert chosen_most(np.zeros(3), 2, np.ones(3)).tolist() == [False] * 3


def test_data_are_summed_up_from_facts_and_parameters_that_there_are() -> None:
    of_accounts = {name.rpartition("_")[0] for name in FACTS}
    assert all(set(datum.facts) <= of_accounts for datum in DATA)
    facts, values = np.zeros((4, len(FACTS))), np.zeros((4, 2))
    cost = next(datum for datum in DATA if datum.name == "cost_to_serve")
    assert features_of(cost, facts, ("world.serve_cost", "world.follow"), values).shape == (4, 4)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (rows(accounts=6), "6 accounts"),
        (rows(quarters=6), "6 quarters"),
        (pd.DataFrame({"account_id": [f"A{k}" for k in range(20)], "annual_spend": range(1, 21)}), "no history"),
    ],
)
def test_a_book_that_tells_too_little_is_refused_unless_asked_anyway(
    tmp_path: Path, table: pd.DataFrame, said: str
) -> None:
    table.to_csv(tmp_path / "weak.csv", index=False)
    weak = read_book(tmp_path / "weak.csv")
    with pytest.raises(KamsimError, match=f"weak.csv: has .*{said}|weak.csv: {said}|has no history") as caught:
        ask_decide(policies(), sets(), weak)
    assert "`anyway`" in str(caught.value)
    few = [scenario.changed(world={"budgeted_seats": 2}) for scenario in policies()]
    found = decide(few, sets(2), weak, cases=2, jobs=1, anyway=True)
    assert said in found.weak
    assert "Asked anyway" in decision_sentences(found)


def test_one_policy_alone_and_no_cases_are_refused(book: Book) -> None:
    with pytest.raises(KamsimError, match="nothing to decide"):
        ask_decide(policies()[:1], sets(), book)
    with pytest.raises(KamsimError, match="`cases`"):
        ask_decide(policies(), sets(), book, cases=0)
    bad = Posterior(("world.ceiling_base", "world.ceiling_fit"), ((0.9, 0.9),), "bad.csv")
    with pytest.raises(KamsimError, match="no set can be put"):
        decide(policies(), bad, book, cases=2, jobs=1)


def test_a_case_has_the_same_past_in_all_of_its_futures(tiered: Book) -> None:
    jobs = [job_of(scenario, tiered) for scenario in policies()]
    (one, ours), (other, theirs) = (histories_of(in_future(jobs, 1, future), 1, 7) for future in (0, 1))
    launch = jobs[0].timeline.history_years
    assert_same_bits(one.accounts[: one.first], other.accounts[: one.first])
    for before, after in zip(ours, theirs, strict=True):
        tiers = [history.accounts["tier"][: launch + 1, : one.first] for history in (before, after)]
        assert (tiers[0][:launch] == tiers[1][:launch]).all()
        assert ((tiers[0][launch] > 0) == (tiers[1][launch] > 0)).mean() > 0.95  # who leaves at once is luck
        assert (before.accounts["spend"][launch] != after.accounts["spend"][launch]).any()


def test_laws_of_a_book_are_drawn_in_each_case_but_for_those_that_were_set(book: Book) -> None:
    assert book.quarters is not None
    base = policies()
    given = fit_laws(book.quarters, parameters_of(base[0]))
    settled = with_settings(base, ["world.hazard=0.02"])
    unsettled = deciding._unsettled(given, settled[0])
    assert unsettled is not None
    assert unsettled.sd.hazard == 0.0
    assert unsettled.sd.arrival == given.sd.arrival > 0.0
    cases = played_cases(settled, sets(3), book, 1, 2, 1, fitted=unsettled)
    drawn = dict(zip(cases.parameters, cases.values.T, strict=True))
    assert set(drawn["world.hazard"]) == {0.02}
    assert len(set(drawn["world.arrival"])) == len(set(drawn["world.market_growth"])) == 6
    again = played_cases(settled, sets(3), book, 1, 2, 2, fitted=unsettled)
    assert (again.amounts == cases.amounts).all()


def test_no_program_is_among_the_choices_and_todays_only_where_the_book_tells_it(book: Book) -> None:
    assert [scenario.name for scenario in choices_from([small()], book)] == ["no_program", "status_quo"]


def test_fewer_cases_of_a_large_book_are_played() -> None:
    assert [cases_a_set(accounts) for accounts in (20, 1200, 3000, 6000, 100_000)] == [10, 10, 4, 2, 2]


# ---------------------------------------------------------------- the page


def test_the_page_has_the_answer_first_and_fits_a_terminal(decision: Decision) -> None:
    first, *tables, notes = tell(decision)
    assert isinstance(first, str)
    assert first.startswith(("Cannot tell", "Take "))
    assert decision.recommended in first or "no program" in first
    assert "EUR" in first
    page = "\n".join(str(text_of(table)) for table in tables if not isinstance(table, str))
    assert max(map(len, page.splitlines())) <= 100
    assert "EUR" in page
    assert len(page.splitlines()) < 90
    assert isinstance(notes, str)


def test_the_figure_is_one_page(decision: Decision) -> None:
    drawn = decision_figure(decision)
    assert drawn.startswith(b"\x89PNG")
    width, height = (int.from_bytes(drawn[place : place + 4], "big") for place in (16, 20))
    assert abs(width - PIXELS[0]) <= 1
    assert abs(height - PIXELS[1]) <= 1


def test_the_command_writes_a_folder_that_colleagues_can_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import python_calamine

    monkeypatch.chdir(tmp_path)
    table = rows()
    table["account_id"] = table["account_id"].replace({"A000": "=1+1", "A001": "@you"})
    table.to_csv("mine.csv", index=False)
    (tmp_path / "short.toml").write_text('extends = "status_quo"\n[timeline]\nwarmup_years = 1\nwindow_years = 2\n')
    (tmp_path / "full.toml").write_text('extends = "full_program"\n[timeline]\nwarmup_years = 1\nwindow_years = 2\n')
    words = [
        "decide",
        "mine.csv",
        "short.toml",
        "full.toml",
        "--sets",
        "3",
        "--cases",
        "2",
        "--set",
        "world.accounts_per_kam=4",
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(("Cannot tell", "Take "))
    (folder,) = (tmp_path / "results").iterdir()
    assert folder.name.startswith("decide-mine-")
    assert {entry.name for entry in folder.iterdir()} == {
        "accounts.csv", "accounts.xlsx", "decision.json", "decision.png", "manifest.json"
    }  # fmt: skip
    with (folder / "accounts.csv").open(encoding="utf-8", newline="") as content:
        cells = [cell for row in csv.reader(content) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "@", "+") or (cell[:1] == "-" and not cell[1:2].isdigit())]
    sheets = python_calamine.CalamineWorkbook.from_path(folder / "accounts.xlsx")
    assert sheets.sheet_names[0] == "All programs"
    names = [row[0] for row in sheets.get_sheet_by_index(0).to_python()]
    assert len(names) == len(cells) // len(next(csv.reader([(folder / "accounts.csv").read_text().splitlines()[0]])))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["command"] == "decide"
    again = CliRunner().invoke(main, [*words, "--json"])
    assert again.exit_code == 0, again.output
    told = json.loads(again.stdout)
    assert told == json.loads((folder / "decision.json").read_text()) | {"folder": os.path.join("results", folder.name)}
    assert told["recommended"] in ("no_program", "short", "full")


def test_a_weak_book_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows(accounts=5).to_csv("few.csv", index=False)
    result = CliRunner().invoke(main, ["decide", "few.csv"])
    assert result.exit_code == 2
    assert result.stderr.strip().splitlines()[-1].startswith("Error: few.csv: has 5 accounts")
    assert "--anyway" in result.stderr
    assert not (tmp_path / "results").exists()


def test_files_that_an_equal_run_may_have_left_are_all_that_are_written() -> None:
    assert {deciding.FIGURE, deciding.RESULT, "accounts.csv", "accounts.xlsx"} <= deciding._FILES
