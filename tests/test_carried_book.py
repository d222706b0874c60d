"""A scenario carries its account book: found from its file, known by its content, and played alike by every command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import assert_same_bits, examples
from hypothesis import given
from hypothesis import strategies as st

import kamsim.studies.calibrate as calibration
from kamsim.books.book import read_book
from kamsim.cli import main
from kamsim.cli.frame import Commands
from kamsim.errors import KamsimError
from kamsim.experiments.chunks import chunks_of, name_of, plan_of, play_chunk
from kamsim.experiments.file import load_experiment
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.experiments.manifest import manifest_of
from kamsim.experiments.sweep import notes_on_accounts, read_sweep, status_of, sweep
from kamsim.model.program import KeyAccountProgram
from kamsim.model.session import draw_world
from kamsim.report.scenarios import check_scenario, scenario_schema, scenario_text
from kamsim.scenario import load_scenario
from kamsim.studies.calibrate import Effort
from kamsim.studies.compare import compare
from kamsim.studies.fit_book import in_market_of_book
from kamsim.studies.watch import play_run
from kamsim.world import carried
from kamsim.world.carried import carried_book, common_book

ACCOUNTS, QUARTERS = 30, 12
HISTORY = "account_id,name,quarter,spend\n" + "".join(
    f"A{account:02d},Firm {account},{2015 + quarter // 4}Q{quarter % 4 + 1},"
    f"{100 + account**2 * 3 + quarter * (account % 5) + 17 * ((account * quarter) % 3)}\n"
    for account in range(ACCOUNTS)
    for quarter in range(QUARTERS)
)
SHORT = "[timeline]\nwarmup_years = 1\nwindow_years = 3\n[tiers.key]\nseats = 6\n[world]\naccounts_per_kam = 2.0\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a book, scenarios that are like each other but for it, and an experiment on each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "mine.csv").write_text(HISTORY)
    (tmp_path / "market.toml").write_text('extends = "status_quo"\n[book]\nfile = "mine.csv"\n')
    market = in_market_of_book(load_scenario("market.toml")).world
    usual = load_scenario("status_quo").world
    laws = [name for name in type(usual).model_fields if getattr(market, name) != getattr(usual, name)]
    assert len(laws) > 10
    fitted = SHORT + "".join(f"{name} = {getattr(market, name)!r}\n" for name in laws)
    owned = '[book]\nfile = "../mine.csv"\n'
    told = {"drawn": SHORT, "owned": SHORT + owned, "fitted": f"{fitted}{owned}fitted = true\n"}
    for folder, said in told.items():
        (tmp_path / folder).mkdir()
        for name, base in (("usual", "status_quo"), ("full", "full_program"), ("mixed", "population")):
            (tmp_path / folder / f"{name}.toml").write_text(f'extends = "{base}"\n{said}')
        (tmp_path / folder / "levers.toml").write_text(
            'question = "Which?"\npolicies = ["usual.toml", "full.toml"]\nreplications = 2\n'
            '[design]\nkind = "full"\n[uncertainties]\nworld.turnover = [0.02, 0.05]\n'
        )
    return tmp_path


def kamsim(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


# ---------------------------------------------------------------- read


def test_a_book_is_found_from_the_file_that_names_it_and_kept_by_what_extends_it(here: Path) -> None:
    (here / "mine.toml").write_text('extends = "owned/usual.toml"\n[tiers.key]\nseats = 4\n')
    loaded = load_scenario("mine.toml")
    assert loaded.book is not None
    assert loaded.book == load_scenario("owned/usual.toml").book
    assert Path(loaded.book.file).samefile("mine.csv")
    assert loaded.changed(world={"turnover": 0.0}).book == loaded.book
    absolute = f'extends = "owned/usual.toml"\n[book]\nfile = "{here / "other.csv"}"\n'
    (here / "other.csv").write_text(HISTORY.replace("A01", "B01"))
    (here / "owned" / "other.toml").write_text(absolute.replace("owned/", ""))
    other = load_scenario("owned/other.toml").book
    assert other is not None
    assert other.file == str(here / "other.csv")
    assert other.sha256 != loaded.book.sha256


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('[book]\nfile = "mnie.csv"', "bad.toml: file in [book]: mnie.csv: there is no such file of accounts; did you"),
        ('[book]\nfile = "owned"', "this is a folder"),
        ('[book]\nfile = ""', "file in [book] must be the path of a file of accounts, not ''"),
        ("[book]\nfile = 3", "bad.toml: file in [book] must be the path of a file of accounts, not 3"),
        ("[book]", "bad.toml: file in [book] must be given: the path of a file of accounts"),
        ('[book]\nfil = "mine.csv"', "bad.toml: unknown key 'fil' in [book]; did you mean 'file'?"),
        ('[bok]\nfile = "mine.csv"', "bad.toml: unknown key 'bok'; did you mean 'book'?"),
        ('[book]\nfile = "mine.csv"\nsha256 = "a1"', "sha256 in [book] must be 64 hexadecimal digits, not 'a1'"),
        (f'[book]\nfile = "mine.csv"\nsha256 = "{"0" * 64}"', "mine.csv: has changed"),
    ],
)
def test_a_wrong_book_is_one_sentence(here: Path, section: str, said: str) -> None:
    (here / "bad.toml").write_text(f'extends = "status_quo"\n{section}\n')
    result = CliRunner().invoke(main, ["compare", "bad.toml", "-n", "2"])
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_a_scenario_with_a_book_is_written_checked_and_described(here: Path) -> None:
    loaded = load_scenario("owned/usual.toml")
    (here / "drawn" / "shown.toml").write_text(scenario_text(loaded))
    again = load_scenario("drawn/shown.toml")
    assert again.book is not None
    assert loaded.book is not None
    assert again.book.sha256 == loaded.book.sha256
    assert manifest_of([again.model_copy(update={"name": loaded.name})], 1, 1) == manifest_of([loaded], 1, 1)
    assert check_scenario("owned/usual.toml").ok
    (here / "owned" / "many.toml").write_text('extends = "usual.toml"\n[tiers.key]\nseats = 31\n')
    assert f"the {ACCOUNTS} accounts there are" in check_scenario("owned/many.toml").error
    schema = scenario_schema()
    assert schema["properties"]["book"] == {"$ref": "#/$defs/BookSection"}
    assert schema["$defs"]["BookSection"]["required"] == ["file"]


# ---------------------------------------------------------------- played


def test_a_carried_book_plays_to_the_bit_as_one_given_beside_the_scenario(here: Path) -> None:
    book = read_book("mine.csv")
    drawn, owned = load_scenario("drawn/full.toml"), load_scenario("owned/full.toml")
    assert_same_bits(tuple(draw_world(owned, seed=3)), tuple(draw_world(drawn, seed=3, book=book)))
    tables = [play_organizations([job], 5, 0, 3)[0] for job in (job_of(owned), job_of(drawn, book))]
    assert_same_bits(tuple(tables[0]), tuple(tables[1]))
    one, other = KeyAccountProgram(owned, seed=3), KeyAccountProgram(drawn, seed=3, book=book)
    assert one.money == other.money
    assert [account.label for account in one.accounts] == [account.label for account in other.accounts]
    assert carried_book(owned, book) is book
    assert carried_book(drawn) is None
    assert carried_book(owned) is carried_book(owned)  # read once


def test_seats_and_budgets_follow_the_accounts_of_the_book(here: Path) -> None:
    shares = load_scenario("owned/full.toml").changed(tiers={"ordered": {"key": {"seats": 0.2}}})
    job = job_of(shares)
    assert job.policy.seats.tolist() == [0, round(0.2 * ACCOUNTS), round(0.03 * ACCOUNTS)]
    assert job.budget.accounts == ACCOUNTS
    too_many = shares.changed(tiers={"ordered": {"key": {"seats": ACCOUNTS + 1}}})
    with pytest.raises(KamsimError, match=f"{ACCOUNTS} accounts"):
        job_of(too_many)


def test_scenarios_on_different_books_are_not_compared(here: Path) -> None:
    owned, drawn = load_scenario("owned/usual.toml"), load_scenario("drawn/full.toml")
    with pytest.raises(KamsimError, match=r"usual is played on mine\.csv, full on accounts that are drawn"):
        compare([owned, drawn], replications=2)
    assert common_book([owned, drawn], read_book("mine.csv")) is not None
    words = ["compare", "owned/usual.toml", "drawn/full.toml", "-n", "2", "--sets", "0"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "such as --accounts " in result.stderr
    assert CliRunner().invoke(main, [*words, "--accounts", "mine.csv"]).exit_code == 0


def test_a_market_of_a_scenario_with_a_book_comes_with_the_book(here: Path) -> None:
    words = ("-n", "2", "--sets", "0", "--json", "--out")
    there = json.loads(kamsim("compare", "drawn/full.toml", "--world", "owned/usual.toml", *words, "one"))
    here_too = json.loads(kamsim("compare", "drawn/full.toml", "--accounts", "mine.csv", *words, "two"))
    assert there["measures"] == here_too["measures"]


def test_a_file_that_changes_after_it_was_named_is_never_played(here: Path) -> None:
    loaded = load_scenario("owned/usual.toml")
    (here / "mine.csv").write_text(HISTORY.replace("A01", "B01"))
    carried._read.cache_clear()  # as in a process that has not read it yet
    with pytest.raises(KamsimError, match=r"mine\.csv: has changed since"):
        job_of(loaded)
    assert job_of(load_scenario("owned/usual.toml")).budget.accounts == ACCOUNTS


def test_a_file_that_changes_after_it_was_read_does_not_change_a_study(here: Path) -> None:
    loaded = load_scenario("owned/usual.toml")
    before, manifest = job_of(loaded), manifest_of([loaded], 1, 1)
    (here / "mine.csv").write_text(HISTORY.replace("A01", "B01") + "Z,Zed,2017Q4,99\n")
    after = job_of(loaded.changed(world={"turnover": 0.0}))
    assert_same_bits(tuple(before.known), tuple(after.known))
    assert manifest_of([loaded], 1, 1) == manifest


def test_records_of_agents_carry_ids_and_names(here: Path) -> None:
    play_run(load_scenario("owned/full.toml"), agents=here / "agents.parquet")
    frame = pd.read_parquet("agents.parquet")
    accounts = frame[(frame.kind == "account") & (frame.number < ACCOUNTS)]
    named = accounts.groupby("label").name.agg(set)
    assert named["A07"] == {"Firm 7"}
    assert len(named) == ACCOUNTS
    assert frame[(frame.kind == "account") & (frame.number >= ACCOUNTS)].name.isna().all()
    assert frame[frame.kind == "kam"].name.isna().all()


# ---------------------------------------------------------------- every command

FEW = ("--seed", "2", "--jobs", "1", "--json")
PLAYED: dict[str, tuple[str, ...]] = {
    "run": ("full", "--seed", "2", "--json", "--figure", "run.png"),
    "compare": ("full", "-n", "2", "--sets", "2", "--out", "out", *FEW),
    "compare uncertainty": ("full", "-n", "2", "--sets", "2", "--uncertainty", "--out", "out", *FEW),
    "sweep": ("levers", "--jobs", "1", "--json", "--out", "out"),
    "survey": ("mixed", "-n", "4", *FEW),
    "explain": ("large_spend", "collaboration", "rebuilds", "quota", "--scenario=mixed", "-n", "3",
                "--out", "out", *FEW),
    "explain levers": ("levers", "--scenario=full", "-n", "3", "--out", "out", *FEW),
    "explain lever": ("--lever=full", "-n", "3", "--out", "out", *FEW),
    "sensitivity": ("full", "--points", "4", "-n", "2", "--parameter", "world.turnover", "--parameter",
                    "world.gross_margin", "--out", "out", *FEW),
    "discover": ("full", "--points", "50", "-n", "2", "--parameter", "world.turnover", "--out", "out", *FEW),
    "optimize": ("full", "--vary=policy.selection", "--vary=policy.boundaries", "--evaluations=40", "-n", "4",
                 "--sets=2", "--out", "out", *FEW),
    "validate": ("mixed", "-n", "3", "--random", "1", *FEW),
    "calibrate": ("mixed", "--free", "world.premium_mean", "--posterior", "3", "--out", "out", *FEW),
}  # fmt: skip


def said_by(folder: str, words: tuple[str, ...], *more: str) -> dict[str, object]:
    """What a command says as JSON of the scenarios in a folder, without where it was written."""
    names = {name: f"{folder}/{name}.toml" for name in ("full", "usual", "mixed", "levers")}
    command, *rest = words
    arguments = [word if command == "explain" and word == "levers" else names.get(word, word) for word in rest]
    arguments = [
        f"{key}={names[name]}" if (key := word.partition("=")[0]) != word and (name := word.partition("=")[2]) in names
        else word
        for word in arguments
    ]  # fmt: skip
    found = json.loads(kamsim(command, *arguments, *more))
    assert isinstance(found, dict)
    if command == "sweep":
        found["rows"] = read_sweep("out").to_dict(orient="list")
    return {name: value for name, value in found.items() if name not in ("folder", "figure")}


@pytest.mark.parametrize("told", PLAYED, ids=lambda told: told.replace(" ", "-"))
def test_every_command_that_plays_takes_a_book_either_way(
    here: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    tiny = Effort(8, 1, 4, 1, 40, 6, 3, 40, 4, 300)
    monkeypatch.setattr(calibration, "Effort", lambda: tiny)
    monkeypatch.setattr(calibration, "fits", lambda figures, *_: np.ones(len(figures), dtype=bool))
    words = (told.split()[0], *PLAYED[told])
    results = []
    for folder, more in (("drawn", ("--accounts", "mine.csv")), ("fitted", ()), ("drawn", ())):
        results.append(said_by(folder, words, *more))
        (here / "out").rename(here / f"out{len(results)}") if (here / "out").exists() else None
    by_option, by_scenario, without = (_stripped(result) for result in results)
    assert by_option == by_scenario
    assert by_option != without


def _stripped(result: dict[str, object]) -> str:
    """Text of a result, with folders of runs and paths of the book taken out."""
    text = json.dumps(result)
    for path in ("fitted/../mine.csv", "out/full", "drawn/", "fitted/"):
        text = text.replace(path, path.rpartition("/")[2])
    return text


def test_no_command_that_plays_is_left_out() -> None:
    assert isinstance(main, Commands)
    takes = {
        name for name, command in main.commands.items() if any(param.name == "accounts" for param in command.params)
    }
    assert takes == {name.split()[0] for name in PLAYED}


def test_a_fit_of_the_market_to_the_books_of_the_evidence_takes_no_other(here: Path) -> None:
    result = CliRunner().invoke(main, ["calibrate", "--world", "steady", "--accounts", "mine.csv"])
    assert result.exit_code == 2
    assert "kamsim book fit mine.csv" in result.stderr


# ---------------------------------------------------------------- stores


def test_workers_get_the_book_with_the_chunk(here: Path) -> None:
    plan = plan_of(load_experiment("owned/levers.toml"))
    (here / "mine.csv").unlink()  # a worker may be where the file is not
    chunk = next(chunks_of(plan))
    rows = play_chunk(chunk)
    assert not any(rows.error)
    assert np.isfinite(rows.values).all()
    assert "mine.csv" not in json.dumps(chunk.policies)


def test_a_sweep_goes_on_with_the_same_book_only_and_says_so(here: Path) -> None:
    experiment = load_experiment("owned/levers.toml")
    first = sweep(experiment, "store", jobs=1)
    assert first.computed == first.parts
    assert sweep(load_experiment("owned/levers.toml"), "store", jobs=1).computed == 0
    beside = sweep(load_experiment("drawn/levers.toml"), "store", jobs=1, book=read_book("mine.csv"))
    assert beside.computed == 0
    before = read_sweep("store")
    (here / "mine.csv").write_text(HISTORY.replace("2015Q1,", "2015Q1,9"))
    changed = plan_of(load_experiment("owned/levers.toml"))
    assert "store was played on other accounts than mine.csv as it is now" in " ".join(
        notes_on_accounts(changed, Path("store"))
    )
    assert status_of(changed, Path("store")).done == 0
    words = ("sweep", "owned/levers.toml", "--out", "store", "--jobs", "1")
    assert "was played on other accounts" in " ".join(kamsim(*words).split())
    again = read_sweep("store")
    assert not np.array_equal(before.total_profit, again.total_profit)
    assert "was played on other accounts" not in kamsim(*words)


def test_policies_of_a_sweep_are_on_one_book(here: Path) -> None:
    (here / "both.toml").write_text(
        'question = "?"\npolicies = ["owned/usual.toml", "drawn/full.toml"]\nreplications = 2\n'
        '[design]\nkind = "full"\n[uncertainties]\nworld.turnover = [0.02, 0.05]\n'
    )
    with pytest.raises(KamsimError, match="no market scenario is the same for both"):
        plan_of(load_experiment("both.toml"))


contents = st.lists(st.integers(1, 10**6), min_size=30, max_size=40)


@examples(60)
@given(contents, contents, st.sampled_from(["a", "b/c"]), st.sampled_from(["a", "b/c"]))
def test_a_book_is_known_by_what_it_holds_wherever_it_lies(
    tmp_path_factory: pytest.TempPathFactory, one: list[int], other: list[int], here: str, there: str
) -> None:
    root = tmp_path_factory.mktemp("books")
    found = []
    for number, (spend, place) in enumerate(((one, here), (other, there))):
        folder = root / str(number) / place
        folder.mkdir(parents=True)
        rows = "".join(f"A{account},{level}\n" for account, level in enumerate(spend))
        (folder / "mine.csv").write_text(f"account_id,annual_spend\n{rows}")
        (folder / "mine.toml").write_text('extends = "status_quo"\n[book]\nfile = "mine.csv"\n')
        scenario = load_scenario(folder / "mine.toml")
        experiment = load_experiment("four_levers")
        plan = plan_of(replace(experiment, policies=(scenario,)), replications=2)
        text = json.dumps(manifest_of([scenario], 1, 1))
        assert str(root) not in text
        assert str(root) not in json.dumps([plan.accounts, *next(chunks_of(plan)).policies])
        beside = manifest_of([scenario.model_copy(update={"book": None})], 1, 1, read_book(folder / "mine.csv"))
        assert json.dumps(beside) == text
        found.append((text, name_of(next(chunks_of(plan)))))
    assert (found[0] == found[1]) == (one == other)
    assert (found[0][1] == found[1][1]) == (one == other)


def test_a_carried_book_tells_its_currency_and_its_years_as_a_given_one_does(here: Path) -> None:
    rows = HISTORY.replace("name,quarter,spend", "name,quarter,spend EUR")
    Path("mine.csv").write_text(rows)
    owned, drawn = load_scenario("owned/full.toml"), load_scenario("drawn/full.toml")
    job, beside = job_of(owned), job_of(drawn, read_book("mine.csv"))
    assert (job.money, job.years) == (beside.money, beside.years)
    assert job.money == "EUR"
    # Its last years are the run's history, and the next is the first of the program.
    assert job.years[:3] == ("2016", "2017", "2018")
    assert job_of(drawn).money != "EUR"
