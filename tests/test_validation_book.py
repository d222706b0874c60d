"""A validation on one's own book: its accounts are played, and its own years held against those after its end."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import assert_same_bits

from kamsim.books.book import read_book
from kamsim.books.facts import facts_by_year, facts_of
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.experiments.jobs import job_of
from kamsim.model.session import draw_world, simulate
from kamsim.report.terminal import text_of
from kamsim.report.validation import own_facts_table, validation_sentences
from kamsim.scenario import Scenario, load_scenario, with_book
from kamsim.studies.calibrate_world import Range, WorldFact
from kamsim.studies.validate import Validation, validate
from kamsim.studies.validate_book import NAMES, Observed, facts_after, held_against, observed_in
from kamsim.types import Floats
from kamsim.world.parameters import timeline_of

YEARS = 6


def of_world(name: str, accounts: int = 300) -> Scenario:
    """A supplier without a program in a shipped world, with as many years after the launch as the book has."""
    world = dict(load_scenario(name).world) | {"accounts": accounts}
    timeline = {"warmup_years": 2, "window_years": YEARS - 2}
    return load_scenario("no_program").changed(world=world, timeline=timeline)


def panel_of(scenario: Scenario, seed: int) -> Floats:
    trace = simulate(draw_world(scenario, seed=seed), scenario, trace=True).trace
    assert trace is not None
    panel = np.asarray(trace.accounts["spend"])[8:].T
    return panel[(panel > 0).any(axis=1)]


def written(path: Path, panel: Floats) -> Path:
    rows = [
        f"A{account},{2010 + quarter // 4}Q{quarter % 4 + 1},{1e6 * panel[account, quarter]:.2f}"
        for account, quarter in zip(*np.nonzero(panel > 1e-8), strict=True)
    ]
    path.write_text("\n".join(["account_id,quarter,spend", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book that a steady market would give."""
    return written(tmp_path_factory.mktemp("books") / "steady.csv", panel_of(of_world("steady"), 11))


def test_facts_of_a_book_are_those_of_its_last_years_with_their_range(steady: Path) -> None:
    book, timeline = read_book(steady), timeline_of(of_world("steady"))
    assert book.quarters is not None
    observed = observed_in(book, timeline)
    assert observed.years == YEARS
    by_year = facts_by_year(book.quarters.spend)
    for name, aim in observed.facts.items():
        assert aim.low == np.nanmin(by_year[name])
        assert aim.high == np.nanmax(by_year[name])
        assert aim.error > 0 or aim.low == aim.high
    assert set(observed.facts) <= set(NAMES)
    shorter = observed_in(book, timeline._replace(window_years=2))
    assert shorter.years == 4
    last = facts_by_year(book.quarters.spend[:, -16:])
    assert shorter.facts["retained"].low == np.nanmin(last["retained"])


def test_facts_after_the_end_are_of_the_years_from_the_launch_on() -> None:
    scenario = of_world("steady", 60)
    trace = simulate(draw_world(scenario, seed=2), scenario, trace=True).trace
    assert trace is not None
    told = dict(zip(NAMES, facts_after(trace, timeline_of(scenario), YEARS), strict=True))
    expected = facts_of(panel_of(scenario, 2))
    assert_same_bits(np.array([told[name] for name in NAMES]), np.array([expected[name] for name in NAMES]))
    # A run that begins in the fourth quarter has its first whole year a quarter later.
    later = dict(zip(NAMES, facts_after(trace, timeline_of(scenario), YEARS - 1, 3), strict=True))
    panel = np.asarray(trace.accounts["spend"])[9 : 9 + 4 * (YEARS - 1)].T
    expected = facts_of(panel[(panel > 0).any(axis=1)])
    assert_same_bits(np.array([later[name] for name in NAMES]), np.array([expected[name] for name in NAMES]))


def test_a_fact_is_the_mean_of_the_futures_that_tell_it() -> None:
    rows = [np.full(len(NAMES), value) for value in (0.1, 0.3, math.nan)]
    aims = {"retained": Range(0.15, 0.25, 0.0), "gini": Range(0.3, 0.4, 0.06), "returned": Range(0.4, 0.5, 0.01)}
    facts = {fact.name: fact for fact in held_against(Observed(None, 2, aims), rows)}
    assert {fact.value for fact in facts.values()} == {0.2}
    assert [facts[name].holds for name in aims] == [True, True, False]
    nothing = held_against(Observed(None, 2, aims), rows[2:])
    assert all(math.isnan(fact.value) and not fact.holds for fact in nothing)


def test_the_accounts_of_the_book_are_played_and_each_book_gives_its_own_figures(steady: Path, tmp_path: Path) -> None:
    scenario = of_world("steady")
    lively = written(tmp_path / "lively.csv", panel_of(of_world("lively"), 11))
    one, other = (validate(with_book(scenario, path), organizations=3, random=0) for path in (steady, lively))
    given = validate(scenario, organizations=3, random=0, book=read_book(steady))
    assert [check.simulated for check in given.books] == [check.simulated for check in one.books]
    assert given.facts == one.facts
    assert one.books[0].name == other.books[0].name == "rank_rule_miss"
    assert one.books[0].simulated != other.books[0].simulated
    assert validate(scenario, organizations=3, random=0).facts == ()
    # A future is a world of the job's own accounts.
    world = draw_world(with_book(scenario, steady), seed=1, organization=0)
    assert world.first == len(read_book(steady).account_id) == job_of(with_book(scenario, steady)).budget.accounts


def test_a_book_of_a_steady_market_is_more_like_a_steady_market_than_a_lively_one(steady: Path) -> None:
    held = {}
    for name in ("steady", "lively"):
        found = validate(of_world(name), organizations=12, random=0, book=read_book(steady))
        held[name] = sum(fact.holds for fact in found.facts)
    assert held["steady"] > 1.5 * held["lively"]


def told_of(*facts: WorldFact) -> Validation:
    check = validate(of_world("steady", 30), organizations=1, random=0).checks[0]
    return Validation((), (replace(check, source="folder/=mine.csv"),), (), 5, 1, 0, 1, "small", (), facts, 4)


def test_the_table_of_facts_says_what_is_inside_near_and_missed() -> None:
    found = told_of(
        WorldFact("buys again", "retained", 0.9, 0.95, 0.01, 0.92, True),
        WorldFact("new", "new", 0.1, 0.2, 0.02, 0.22, True),
        WorldFact("comes back", "returned", 0.01, 0.01, 0.01, 0.02, True),
        WorldFact("inequality", "gini", 0.7, 0.7, 0.01, 0.9, False),
    )
    lines = {line.split("  ")[0]: " ".join(line.split()) for line in text_of(own_facts_table(found)).plain.splitlines()}
    assert lines["retained"] == "retained 0.90 to 0.95 0.920"
    assert lines["new"].endswith("new 0.10 to 0.20 0.220 near")
    assert lines["returned"] == "returned 0.01 0.020"
    assert lines["gini"] == "gini 0.70 0.900 no"
    (sentence,) = [said for said in validation_sentences(found) if "facts of" in said]
    assert sentence == (
        "2 of 4 facts of =mine.csv hold in its own futures, 1 more by less than two standard errors; "
        "missed: inequality."
    )


def test_too_few_years_after_the_end_are_refused(steady: Path) -> None:
    scenario = of_world("steady").changed(timeline={"warmup_years": 0, "window_years": 1})
    with pytest.raises(KamsimError, match="too few to hold it against; set `years`"):
        validate(scenario, book=read_book(steady))


def test_the_command_plays_this_book(steady: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = [
        "validate",
        "no_program",
        "-n",
        "3",
        "--random",
        "0",
        "--years",
        "3",
        "--accounts",
        str(steady),
    ]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "Facts of steady.csv" in result.stdout
    assert "facts of steady.csv hold in its own futures" in " ".join(result.stdout.split())
    content = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert content["facts_years"] == YEARS
    assert {fact["name"] for fact in content["facts"]} <= set(NAMES)
