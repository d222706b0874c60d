"""Total profit shared out among levers: parts that add up, and known answers for planted programs."""

import json
import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import SHORT, examples, scenarios, seeds
from hypothesis import given
from hypothesis import strategies as st

from kamsim import explain
from kamsim.analysis.shapley import coalitions, shapley_interactions, shapley_values
from kamsim.cli import main
from kamsim.experiments.jobs import job_of
from kamsim.experiments.twins import histories_of
from kamsim.measures.profit import TERMS, Account
from kamsim.policy.choices import CHOICES, OF_KEYS, OF_SECTIONS
from kamsim.report import explain_levers as report
from kamsim.report.explain import content_of, explanation_files, explanation_tables
from kamsim.report.explain_levers import levers_figure, levers_sentences, levers_tables, levers_title
from kamsim.report.table import Table
from kamsim.report.terminal import text_of
from kamsim.scenario import LEVERS, Scenario, load_scenario
from kamsim.studies.bridge import TOTAL
from kamsim.studies.compare import compare
from kamsim.studies.explain import QUESTIONS, checked_claims
from kamsim.studies.explain_levers import (
    FULL,
    KEPT,
    LEVERS_OFF,
    OTHERS,
    PROGRAM,
    SHARE,
    TIER_TERMS,
    TIERS,
    Amount,
    LeversExplained,
    Shared,
    choices_of,
    program_of,
    shared_out,
    with_choices_of,
)
from kamsim.studies.reference import with_reference, without_program

FEW = 6 if numba.config.DISABLE_JIT else 30
NAMES = (*(term.name for term in TERMS), TOTAL)
GAMES = coalitions(LEVERS)
SALES = Account._fields.index("sales")


def small(name: str = "population", **sections: Any) -> Scenario:
    timeline = SHORT | sections.pop("timeline", {})
    world = {"accounts": 40, "accounts_per_kam": 2.0} | sections.pop("world", {})
    return load_scenario(name).changed(world=world, timeline=timeline, **sections)


def levers_of(scenario: Scenario, organizations: int = FEW, seed: int = 3) -> LeversExplained:
    found = explain(scenario, ["levers"], organizations=organizations, seed=seed, jobs=1).levers
    assert found is not None
    return found


@pytest.fixture(scope="module")
def levers() -> LeversExplained:
    return levers_of(small())


def by_name(amounts: tuple[Amount, ...], term: str = TOTAL) -> dict[str, Amount]:
    return {amount.of: amount for amount in amounts if amount.term == term}


def assert_adds_up(shared: Shared | LeversExplained) -> None:
    """Parts add up to the figure in each term, and terms to the total in each part, but for rounding."""
    both = (*shared.figure, *shared.parts)
    largest = [max(abs(amount.money) for amount in both)]
    largest.append(max((abs(amount.points) for amount in both if not math.isnan(amount.points)), default=0.0))
    for unit, size in zip(("money", "points"), largest, strict=True):
        for term in NAMES:
            parts = math.fsum(getattr(part, unit) for part in by_name(shared.parts, term).values())
            figure = getattr(by_name(shared.figure, term)[PROGRAM], unit)
            # Where nobody buys anything, there is no sale that points could be of.
            assert parts == pytest.approx(figure, abs=1e-12 * size, nan_ok=True), term
    for of in {part.of for part in shared.parts}:
        terms = {part.term: part.money for part in shared.parts if part.of == of}
        total = terms.pop(TOTAL)
        assert tuple(terms) == NAMES[:-1]
        assert math.fsum(terms.values()) == pytest.approx(total, abs=1e-12 * largest[0])


# ---------------------------------------------------------------- the arithmetic


def planted(worth: dict[frozenset[str], np.ndarray], worlds: int = 8, seed: int = 1) -> Shared:
    """Accounts of worlds that differ, in which each set of levers adds what it is worth by terms."""
    generator = np.random.default_rng(seed)
    accounts = np.zeros((worlds, 1 + len(GAMES) + 2 * len(TIER_TERMS), len(Account._fields)))
    accounts += generator.normal(size=(worlds, 1, accounts.shape[2]))
    accounts[:, :, SALES] = 200.0
    for place, game in enumerate(GAMES):
        accounts[:, 1 + place, : len(TERMS)] += worth[game]
    return shared_out(accounts, np.zeros(accounts.shape[:2]), LEVERS)


def test_where_levers_add_up_each_part_is_what_the_lever_adds() -> None:
    generator = np.random.default_rng(4)
    brought = {lever: generator.normal(size=len(TERMS)) for lever in LEVERS}
    shared = planted({game: sum((brought[lever] for lever in game), np.full(len(TERMS), 7.0)) for game in GAMES})
    for lever in LEVERS:
        for place, term in enumerate(TERMS):
            assert by_name(shared.parts, term.name)[lever].money == pytest.approx(brought[lever][place], abs=1e-12)
        for amounts in (shared.parts, shared.alone, shared.last):
            amount = by_name(amounts)[lever]
            assert amount.money == pytest.approx(brought[lever].sum(), abs=1e-12)
            assert amount.points == pytest.approx(amount.money / 2.0, rel=1e-12)
            assert amount.error == pytest.approx(0.0, abs=1e-12)
    assert by_name(shared.parts)[LEVERS_OFF].money == pytest.approx(7.0 * len(TERMS))
    assert max(abs(pair.money) for pair in shared.pairs) < 1e-12
    assert [pair.of for pair in shared.pairs] == [f"{one} x {other}" for one, other in combinations(LEVERS, 2)]
    assert_adds_up(shared)


def test_what_two_levers_make_together_is_told_of_the_pair_and_shared_equally() -> None:
    one = np.eye(len(TERMS))[0]
    shared = planted({game: 3.0 * one * (game >= {"selection", "alignment"}) for game in GAMES})
    parts, alone, last = (by_name(amounts) for amounts in (shared.parts, shared.alone, shared.last))
    assert [parts[lever].money for lever in LEVERS] == pytest.approx([1.5, 1.5, 0.0, 0.0], abs=1e-12)
    assert [alone[lever].money for lever in LEVERS] == pytest.approx([0.0] * 4, abs=1e-12)
    assert [last[lever].money for lever in LEVERS] == pytest.approx([3.0, 3.0, 0.0, 0.0], abs=1e-12)
    pairs = by_name(shared.pairs)
    assert pairs.pop("selection x alignment").money == pytest.approx(3.0)
    assert all(abs(pair.money) < 1e-12 for pair in pairs.values())


def test_levers_that_do_the_same_get_the_same() -> None:
    generator = np.random.default_rng(6)
    by_size = generator.normal(size=(5, 2, len(TERMS)))  # and by whether the third lever is pulled
    shared = planted({game: by_size[len(game), int("boundaries" in game)] for game in GAMES})
    for term in NAMES:
        parts = by_name(shared.parts, term)
        alike = [parts[lever].money for lever in LEVERS if lever != "boundaries"]
        assert alike == pytest.approx([alike[0]] * 3, abs=1e-12)
    assert by_name(shared.parts)["boundaries"].money != pytest.approx(by_name(shared.parts)["selection"].money)


def test_errors_and_intervals_are_those_of_a_mean_over_worlds() -> None:
    generator = np.random.default_rng(2)
    accounts = generator.normal(size=(25, 1 + len(GAMES) + 2 * len(TIER_TERMS), len(Account._fields)))
    accounts[:, :, SALES] = 50.0
    total = shared_out(accounts, np.zeros(accounts.shape[:2]), LEVERS).figure[-1]
    differences = (accounts[:, len(GAMES), :-2] - accounts[:, 0, :-2]).sum(axis=1)
    assert total.money == pytest.approx(differences.mean(), abs=1e-12)
    error = differences.std(ddof=1) / 5.0
    assert total.error == pytest.approx(2.0 * error)
    assert (total.high - total.low) / 2.0 == pytest.approx(2.0 * 2.0638986 * error, rel=1e-6)  # Student's t, 24


@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_interactions_are_of_the_game_less_what_players_add_alone(players: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    games, worth = coalitions(range(players)), generator.normal(size=(2**players, 2))
    alone = generator.normal(size=(players, 2))
    added = np.stack([alone[sorted(game)].sum(axis=0) for game in games])
    pairs = shapley_interactions(worth)
    assert pairs.shape == (players * (players - 1) // 2, 2)
    assert shapley_interactions(added) == pytest.approx(np.zeros_like(pairs), abs=1e-9)
    assert shapley_interactions(worth + added) == pytest.approx(pairs, abs=1e-9)
    # A pair's is what one player gains where the other is surely there, less where it surely is not.
    for place, (one, other) in enumerate(combinations(range(players), 2)):
        with_other = worth[[n for n, game in enumerate(games) if other in game]]
        without = worth[[n for n, game in enumerate(games) if other not in game]]
        gained = shapley_values(with_other)[one] - shapley_values(without)[one]
        assert pairs[place] == pytest.approx(gained, abs=1e-9)


@pytest.mark.parametrize("number", [0, 3])
def test_interactions_take_a_worth_for_every_coalition(number: int) -> None:
    with pytest.raises(ValueError, match="coalitions"):
        shapley_interactions(np.zeros(number))


# ---------------------------------------------------------------- what is played


def test_parts_and_terms_add_up(levers: LeversExplained) -> None:
    assert [amount.term for amount in levers.figure] == list(NAMES)
    assert list(by_name(levers.parts)) == [LEVERS_OFF, *LEVERS]
    assert_adds_up(levers)
    for amount in (*levers.figure, *levers.parts, *levers.alone, *levers.last, *levers.pairs):
        assert amount.low <= amount.points <= amount.high


@examples(20)
@given(scenarios(), seeds())
def test_parts_add_up_whatever_the_scenario(scenario: Scenario, seed: int) -> None:
    assert_adds_up(levers_of(scenario, 2, seed))


def test_the_figure_is_that_of_a_comparison_in_the_same_worlds(levers: LeversExplained) -> None:
    policies = [small(name) for name in ("status_quo", "enterprise_selection", "full_program")]
    compared = compare(with_reference(policies), replications=FEW, seed=3, jobs=1)
    terms = {(row.scenario, row.term): row for row in compared.bridge}
    assert levers.horizon == compared.horizon
    assert levers.reference == compared.reference
    for scenario, amounts in (("full_program", levers.figure), ("status_quo", levers.parts[: len(NAMES)])):
        for amount in amounts:
            row = terms[scenario, amount.term]
            told = [amount.money, amount.points, amount.low * amount.money, amount.high * amount.money]
            expected = [row.difference, row.points, row.low * row.points, row.high * row.points]
            assert told == pytest.approx(expected, rel=1e-9, abs=1e-12)
    alone = by_name(levers.alone)["selection"].money
    gained = terms["enterprise_selection", TOTAL].difference - terms["status_quo", TOTAL].difference
    assert alone == pytest.approx(gained, rel=1e-9)


def test_levers_that_a_scenario_does_not_pull_are_not_told() -> None:
    found = levers_of(small("enterprise_selection", policy={"boundaries": 0.5}))
    assert found.program == "enterprise_selection"
    assert found.strengths == {"selection": 1.0, "alignment": 0.0, "boundaries": 0.5, "retiering": 0.0}
    assert found.choices == ("selection", "boundaries")
    assert list(by_name(found.parts)) == [LEVERS_OFF, "selection", "boundaries"]
    assert list(by_name(found.pairs)) == ["selection x boundaries"]
    told = by_name(found.parts)
    assert told["selection"].money != 0.0 != told["boundaries"].money
    assert_adds_up(found)
    text = "\n".join(part if isinstance(part, str) else text_of(part).plain for part in levers_tables(found))
    assert "enterprise criteria and bilateral boundaries" in text
    assert "team" not in text
    assert "re-tiering" not in text


def test_a_population_is_asked_about_the_full_program_in_its_world() -> None:
    population = small(world={"gross_margin": 0.3})
    program = program_of(population)
    assert program == program_of(small("status_quo", world={"gross_margin": 0.3})).changed(question=population.question)
    assert program.name == FULL
    assert program.lever_strengths() == dict.fromkeys(LEVERS, 1.0) == load_scenario(FULL).lever_strengths()
    assert program_of(small("status_quo", world={"market_growth": 0.1}).changed(name="mine")).name == (
        "mine with all levers"
    )
    own = small("spend_retiering")
    assert program_of(own) == own
    found = levers_of(own, 2)
    assert found.retiers_by_spend
    assert "re-tiering by spend" in levers_sentences(found)[1].lower()


def test_discounting_and_margin_reach_only_what_they_should() -> None:
    plain, later, margin = (
        levers_of(small(**changed))
        for changed in ({}, {"timeline": {"discount": 0.5}}, {"world": {"gross_margin": 0.9}, "policy": {}})
    )
    assert later.horizon.discount == 0.5
    assert "discounted 50 %" in levers_title(later)
    # What is spent at the launch is not discounted, and little else is left of later years.
    for term in ("volume", "service"):
        assert abs(by_name(later.figure, term)[PROGRAM].money) < abs(by_name(plain.figure, term)[PROGRAM].money)
    alone = [by_name(one.parts, "volume")[LEVERS_OFF].money for one in (plain, margin)]
    assert alone[1] / alone[0] == pytest.approx(0.9 / small().world.gross_margin, rel=0.05)


def test_volume_is_split_into_who_is_there_anyway_and_who_is_kept(levers: LeversExplained) -> None:
    share, kept = by_name(levers.volume, SHARE), by_name(levers.volume, KEPT)
    assert list(share) == list(kept) == [PROGRAM, LEVERS_OFF, *LEVERS]
    volume = by_name(levers.parts, "volume") | by_name(levers.figure, "volume")
    for of, amount in volume.items():
        assert share[of].money + kept[of].money == pytest.approx(amount.money, rel=1e-9, abs=1e-12)
    assert kept[PROGRAM].money != 0.0
    nobody_leaves = levers_of(small(world={"hazard": 0.0}))
    assert all(amount.money == 0.0 for amount in by_name(nobody_leaves.volume, KEPT).values())


def test_customers_kept_are_those_gone_without_a_program() -> None:
    scenario = small("full_program", timeline={"discount": 0.1}, world={"hazard": 0.1, "median_wallet": 10.0})
    expected = 0.0
    for organization in range(FEW):
        jobs = [job_of(one) for one in (without_program(scenario), scenario)]
        _, (nobody, program) = histories_of(jobs, 3, organization)
        for year in range(2, len(nobody.years)):
            for alone, account in zip(nobody.accounts[year], program.accounts[year], strict=True):
                weight = 10.0 * scenario.world.gross_margin * 1.1 ** (2 - year) / FEW
                expected += weight * account["listed"] if alone["tier"] < 0 else 0.0
                expected -= weight * alone["listed"] if account["tier"] < 0 else 0.0
    assert expected != 0.0
    assert by_name(levers_of(scenario).volume, KEPT)[PROGRAM].money == pytest.approx(expected, rel=1e-9)


def test_what_tiers_concede_and_promise_is_removed_one_by_one() -> None:
    free = {name: {"concession": 0.0, "promise": 0.1} for name in ("key", "strategic")}
    alike = ["tiers.standard_promise", *(f"tiers.{tier}.{term}" for tier, terms in free.items() for term in terms)]
    nothing = levers_of(small(tiers={"ordered": free, "standard_promise": 0.1}, fixed=alike))
    for amounts in (nothing.alone, nothing.last):
        for name in TIER_TERMS:
            assert by_name(amounts)[name].money == 0.0
    dear = {name: {"concession": 0.1} for name in ("key", "strategic")}
    costs = levers_of(small(tiers={"ordered": dear}, fixed=[f"tiers.{name}.concession" for name in dear]))
    assert by_name(costs.alone)["concessions"].high < 0.0
    assert by_name(costs.last)["concessions"].high < 0.0


def test_jobs_change_no_result_and_progress_counts_worlds() -> None:
    told: list[int] = []
    one, three = (
        explain(small(), ["levers"], organizations=9, seed=2, jobs=jobs, progress=told.append) for jobs in (1, 3)
    )
    assert json.dumps(one.to_dict()) == json.dumps(three.to_dict())
    assert told[-1] == 18  # each is played twice


def test_what_a_program_chooses_beside_levers_is_taken_apart_too() -> None:
    tiers = {"ordered": {"key": {"seats": 0.2, "concession": 0.1}}}
    found = levers_of(
        small("full_program", policy={"managed_downtiering": 1.0}, rebuild={"reassigned": 0.0}, tiers=tiers)
    )
    assert found.choices == (*LEVERS, TIERS, OTHERS)  # seven would be too many
    assert_adds_up(found)
    found = levers_of(small("status_quo", rebuild={"reassigned": 0.0}, tiers=tiers))
    assert found.choices == (TIERS, "rebuild")
    assert_adds_up(found)
    plain = levers_of(small("enterprise_selection"))
    assert by_name(found.parts)[LEVERS_OFF] == by_name(plain.parts)[LEVERS_OFF]  # most programs, in the same world
    terms = {amount.term: amount for amount in found.parts if amount.of == "rebuild"}
    assert terms["handovers"].low > 0.0  # nobody is handed over at a rebuild
    assert by_name(found.parts, "elevations")[TIERS].high < 0.0
    text = "\n".join(part if isinstance(part, str) else text_of(part).plain for part in levers_tables(found))
    assert "other tiers and its way to rebuild" in text
    assert "Its way to rebuild, by which it rebuilds at other times, or otherwise: " in text


def test_what_was_set_for_all_is_no_choice() -> None:
    changed = {"ordered": {"key": {"seats": 0.2}}}
    alike = small("enterprise_selection", tiers=changed, policy={"managed_downtiering": 1.0})
    assert list(choices_of(alike)) == ["selection", TIERS, "down_tiering"]
    fixed = alike.changed(fixed=["tiers.key.seats", "policy.managed_downtiering"])
    assert list(choices_of(fixed)) == ["selection"]
    undone = with_choices_of(fixed, choices_of(fixed), frozenset())
    assert (undone.tiers, undone.policy.managed_downtiering) == (alike.tiers, 1.0)


def test_every_choice_has_words_and_no_key_two_choices() -> None:
    assert set(report._NAMES) == {LEVERS_OFF, TIERS, OTHERS, *LEVERS, *OF_KEYS.values(), *OF_SECTIONS, *TIER_TERMS}
    keys = [key for keys in CHOICES.values() for key in keys]
    assert len(keys) == len(set(keys))


# ---------------------------------------------------------------- words


def test_tables_fit_80_columns_and_say_reference_years_and_unit(levers: LeversExplained) -> None:
    totals, terms, pairs, sentences = levers_tables(levers)
    for table in (totals, terms, pairs):
        assert isinstance(table, Table)
        assert max(map(len, text_of(table).plain.splitlines())) <= 80
    title = " ".join(text_of(totals).plain.split("points")[0].split())
    assert title == (
        "What each choice adds to total profit: full_program against no_program, 4 years from launch, undiscounted"
    )
    assert "of the sales of no_program at list price" in " ".join(text_of(totals).plain.split())
    assert isinstance(sentences, str)
    assert "nan" not in sentences
    for amount in by_name(levers.parts).values():
        assert f"{amount.points:+.2f}" in text_of(totals).plain


def test_every_term_has_a_column_and_words() -> None:
    terms = {term.name for term in TERMS}
    assert set(report._WORDS) == terms
    assert set(report._COLUMNS) == (terms - {"volume"}) | {SHARE, KEPT, TOTAL}


def test_a_sentence_names_the_terms_that_a_lever_surely_gains_or_loses_by(levers: LeversExplained) -> None:
    sentences = levers_sentences(levers)
    (said,) = (sentence for sentence in sentences if sentence.startswith("Bilateral boundaries"))
    service = by_name(levers.parts, "service")["boundaries"]
    assert service.low > 0.0  # hours not needed are not paid
    assert f"{service.points:+.2f} by less program service" in said
    order = [by_name(levers.parts)[lever].points for lever in LEVERS]
    told = [sentence.split(": ")[1].split(" ")[0] for sentence in sentences[1:5]]
    assert [float(value.rstrip(",.")) for value in told] == pytest.approx(sorted(order, reverse=True), abs=0.006)


def test_without_a_program_a_sentence_says_so() -> None:
    found = levers_of(small("no_program"), 2)
    assert found.untold == "no_program: there are no key accounts, so there is no program to explain"
    assert levers_tables(found) == levers_sentences(found) == [found.untold]
    assert levers_figure(found).startswith(b"\x89PNG")
    assert all(amount.money == 0.0 for amount in (*found.figure, *found.parts))


def test_a_single_world_has_no_errors() -> None:
    alone = explain(small(), ["levers"], organizations=1)
    assert alone.levers is not None
    assert math.isnan(alone.levers.figure[-1].error)
    assert math.isfinite(alone.levers.figure[-1].points)
    text = "\n".join(part if isinstance(part, str) else text_of(part).plain for part in explanation_tables(alone))
    assert "nan" not in text
    assert "±" not in text
    assert "NaN" not in json.dumps(content_of(alone), allow_nan=False)


def test_the_folder_has_a_figure_of_the_levers_and_the_sentences() -> None:
    explanation = explain(small(), ["levers"], organizations=4)
    files = explanation_files(explanation)
    assert set(files) == {"explanation.json", "levers.png"}
    assert files["levers.png"].startswith(b"\x89PNG")
    assert int.from_bytes(files["levers.png"][16:20], "big") == 1920
    content = json.loads(files["explanation.json"])
    assert content["claims"] == []
    assert content["levers"]["sentences"] == levers_sentences(explanation.levers or levers_of(small()))


def test_the_command_asks_about_levers_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    few = ("--set", "world.accounts=30", "--years", "3", "-n", "4", "--jobs", "1", "--out", "mine")
    result = CliRunner().invoke(main, ["explain", "levers", *few])
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "6 years from launch" in " ".join(result.stdout.split())
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"explanation.json", "manifest.json", "levers.png"}
    again = CliRunner().invoke(main, ["explain", "levers", *few])
    assert again.exit_code == 0, again.output
    assert checked_claims(()) == QUESTIONS
    assert "levers" in QUESTIONS


def test_programs_are_taken_apart_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    few = ("--set", "world.accounts=30", "--years", "3", "-n", "4", "--jobs", "1")
    both = ("--lever", "enterprise_selection", "--lever", "full_half_size")
    shown = CliRunner().invoke(main, ["explain", *both, *few, "--out", "mine"])
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.stdout.split())
    for name in ("enterprise_selection", "full_half_size"):
        assert f"What each choice adds to total profit: {name} against no_program" in text
        assert (tmp_path / "mine" / name / "levers.png").exists()
    result = CliRunner().invoke(main, ["explain", *both, *few, "--json"])
    one, two = json.loads(result.stdout)["programs"]
    assert one["levers"]["choices"] == ["selection"]
    assert two["levers"]["choices"] == [*LEVERS, TIERS]
    assert Path(one["folder"]).is_dir()


@pytest.mark.parametrize("beside", [["levers"], ["--scenario", "population"], ["--reading", "odds > 10 %"]])
def test_what_says_nothing_beside_programs_is_refused(beside: list[str]) -> None:
    result = CliRunner().invoke(main, ["explain", "--lever", "full_program", *beside])
    assert result.exit_code == 2
    assert "says nothing beside --lever" in result.stderr
