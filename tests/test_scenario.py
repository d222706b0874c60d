"""Scenarios and the ledger: everything shipped loads, ranges hold at both ends, faults are named in one sentence."""

import ast
import inspect
import math
from pathlib import Path
from typing import Any, get_args

import pytest
from conftest import scenarios
from hypothesis import given, settings

import kamsim
from kamsim import KamsimError, Scenario, load_scenario, shipped_scenarios
from kamsim.evidence.ledger import LEDGER, TERMS_OF_PROGRAM, Kind, Parameter, Section, section
from kamsim.evidence.plausible import WORLD
from kamsim.evidence.published import OUTCOMES
from kamsim.policy.policy import policy_of, seats_of
from kamsim.scenario import LEVERS, PRESETS
from kamsim.studies.calibrate_world import BOOKS, SEASON
from kamsim.world.parameters import budget_of, parameters_of, seats_from

PACKAGE = Path(inspect.getfile(kamsim)).parent
# Keys of [tiers] and [population] are in tests/test_evidence.py.
FLAT = [row for row in LEDGER if row.section not in ("tiers", "population")]
# Rows that hang together: an end of one is only valid with another moved too.
TOGETHER = {
    "ceiling_base": {"ceiling_fit": 0.0},
    "ceiling_fit": {"ceiling_base": 0.01},
    "patience_least": {"patience_most": 100},
    "patience_most": {"patience_least": 1},
}


def said(action: Any) -> str:
    with pytest.raises(KamsimError) as fault:
        action()
    sentence = str(fault.value)
    assert "\n" not in sentence
    return sentence


def written(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


# ---------------------------------------------------------------- shipped scenarios


def test_the_scenarios_that_are_promised_are_shipped() -> None:
    names = shipped_scenarios()
    assert names[0] == "status_quo"
    assert {
        "status_quo",
        "enterprise_selection",
        "cross_functional_alignment",
        "bilateral_boundaries",
        "performance_retiering",
        "full_program",
        "spend_retiering",
        "largest_accounts",
        "no_program",
        "population",
        "steady",
        "lively",
        "enterprise_and_team",
        "enterprise_team_bilateral",
        "full_managed_downtiering",
        "full_half_size",
        "stay_the_course",
        "rebuild_differently",
        "smoothed_quota",
        "give_get",
        "full_with_incubator",
        "contracts",
    } <= set(names)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_shipped_scenario_loads_says_its_question_and_can_be_played(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert scenario.question.endswith("?")
    assert policy_of(scenario, scenario.world.accounts).seats.sum() <= scenario.world.accounts
    reference = load_scenario("status_quo")
    assert scenario.timeline == reference.timeline
    assert (scenario.rebuild == reference.rebuild) == (name not in ("stay_the_course", "rebuild_differently"))
    # A kind of business is another world, in what books tell; a policy is played in the world of all others.
    usual, world = reference.world.model_dump(), scenario.world.model_dump()
    changed = {field for field in world if world[field] != usual[field]}
    of_book = {*(name.removeprefix("world.") for name in WORLD), *SEASON} if name in BOOKS else set()
    assert changed <= (of_book | {"contract_years"} if name == "contracts" else of_book)
    assert bool(changed) == (name in {*BOOKS, "contracts"})


@pytest.mark.parametrize("lever", LEVERS)
def test_each_lever_has_a_scenario_that_moves_it_alone(lever: str) -> None:
    moved = [name for name in shipped_scenarios() if list(load_scenario(name).lever_strengths().values()) != [0.0] * 4]
    alone = {lever: 1.0} | {other: 0.0 for other in LEVERS if other != lever}
    assert any(load_scenario(name).lever_strengths() == alone for name in moved)


def test_largest_accounts_and_no_program_seat_as_they_say() -> None:
    assert seats_of(load_scenario("status_quo"), 150) == ([14, 5], "")
    assert seats_of(load_scenario("largest_accounts"), 150) == ([18, 0], "")
    assert seats_of(load_scenario("no_program"), 150) == ([0, 0], "")
    assert seats_of(load_scenario("full_half_size"), 150) == ([7, 2], "")


# ---------------------------------------------------------------- extends


def test_a_scenario_takes_over_what_it_does_not_say_anew(tmp_path: Path) -> None:
    written(tmp_path, "first", 'extends = "status_quo"\n[world]\naccounts = 60\nfunctions = 2\n[tiers.key]\nseats = 3')
    text = 'extends = "first"\n[world]\nfunctions = 5\n[tiers.strategic]\npromise = 0.5\n[policy]\n'
    scenario = load_scenario(written(tmp_path, "second", text + "retiering = { spend = 0.5 }"))
    assert scenario.name == "second"
    assert (scenario.world.accounts, scenario.world.functions) == (60, 5)
    assert list(scenario.tiers.ordered) == ["key", "strategic"]
    assert scenario.tiers.ordered["key"].seats == 3
    assert scenario.tiers.ordered["key"].promise == load_scenario("status_quo").tiers.ordered["key"].promise
    assert scenario.tiers.ordered["strategic"].promise == 0.5
    assert scenario.retiers_by_spend()
    assert scenario.lever_strengths()["retiering"] == 0.5
    assert not load_scenario("performance_retiering").retiers_by_spend()


def test_extends_that_goes_round_is_refused(tmp_path: Path) -> None:
    one = written(tmp_path, "one", 'extends = "two"')
    written(tmp_path, "two", 'extends = "one"')
    assert "circle: one.toml -> two.toml -> one.toml" in said(lambda: load_scenario(one))
    itself = written(tmp_path, "itself", 'extends = "itself"')
    assert "circle" in said(lambda: load_scenario(itself))


def test_extends_of_what_is_not_there_names_file_and_nearest(tmp_path: Path) -> None:
    sentence = said(lambda: load_scenario(written(tmp_path, "one", 'extends = "status_qou"')))
    assert "one.toml" in sentence
    assert "did you mean 'status_quo'?" in sentence
    assert "extends" in said(lambda: load_scenario(written(tmp_path, "two", "extends = 3")))
    assert "nowhere.toml" in said(lambda: load_scenario(written(tmp_path, "three", 'extends = "nowhere.toml"')))


# ---------------------------------------------------------------- nearest names


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[wrold]\naccounts = 3", "world"),
        ("[world]\ntrust_sped = 0.1", "trust_speed"),
        ("[policy]\nselecton = 1.0", "selection"),
        ('[policy]\nselection = "enterprize"', "enterprise"),
        ("[rebuild]\nfatige = 0.1", "fatigue"),
        ("[timeline]\nwindow_year = 3", "window_years"),
        ("[tiers.key]\nseats = 1\nattenton = 1.0", "attention"),
        ("[population]\ncorelation = 0.1", "correlation"),
    ],
)
def test_a_misspelt_key_names_the_nearest_valid_one(tmp_path: Path, text: str, named: str) -> None:
    sentence = said(lambda: load_scenario(written(tmp_path, "typo", text)))
    assert "typo.toml" in sentence
    assert f"did you mean '{named}'?" in sentence


def test_a_misspelt_scenario_names_the_nearest_or_all() -> None:
    assert "did you mean 'full_program'?" in said(lambda: load_scenario("full_programm"))
    assert "population" in said(lambda: load_scenario("zzz"))


@pytest.mark.parametrize("value", ["nan", "inf", "true", '"0.1"', "[0.1]", "-0.1", "1.1"])
def test_a_wrong_value_is_refused_and_its_key_named(tmp_path: Path, value: str) -> None:
    sentence = said(lambda: load_scenario(written(tmp_path, "wrong", f"[world]\ntrust_mean = {value}")))
    assert "trust_mean" in sentence
    assert "wrong.toml" in sentence


# ---------------------------------------------------------------- the ledger


@pytest.mark.parametrize("row", FLAT, ids=lambda row: f"{row.section}.{row.name}")
def test_every_parameter_has_unit_range_meaning_and_source(row: Parameter) -> None:
    assert all(text.strip() for text in (row.name, row.unit, row.meaning, row.source))
    assert row.section in get_args(Section)
    assert row.kind in get_args(Kind)
    assert row.low <= row.default <= row.high
    assert row.low < row.high
    assert getattr(getattr(Scenario(), row.section), row.name) == row.default
    assert type(getattr(getattr(Scenario(), row.section), row.name)) is type(row.default)


@pytest.mark.parametrize("row", FLAT, ids=lambda row: f"{row.section}.{row.name}")
def test_ranges_hold_at_both_ends(row: Parameter) -> None:
    whole = isinstance(row.default, int)
    with_it: dict[str, Any] = TOGETHER.get(row.name, {})
    for side, end, beyond in (("low", row.low, row.low - 1), ("high", row.high, row.high + 1)):
        # An end that is not allowed is itself beyond.
        inside = math.nextafter(end, 2 * end - beyond) if row.excluded == side else end
        value = int(end) if whole else inside
        changed = Scenario().changed(**{row.section: {**with_it, row.name: value}})
        assert getattr(getattr(changed, row.section), row.name) == value
        just = int(beyond) if whole else end if row.excluded == side else math.nextafter(end, beyond)
        sentence = said(lambda just=just: Scenario().changed(**{row.section: {**with_it, row.name: just}}))
        assert row.name in sentence


def test_every_parameter_has_its_own_row_and_every_section_key_a_row() -> None:
    names = [(row.section, row.name) for row in LEDGER]
    assert len(set(names)) == len(names)
    for name in {row.section for row in FLAT}:
        keys = set(type(getattr(Scenario(), name)).model_fields) - set(LEVERS)
        assert keys == {row.name for row in section(name)}


def test_drivers_read_every_world_parameter_by_its_name() -> None:
    scenario = Scenario().changed(world={"trust_speed": 0.123, "patience_least": 3})
    record = parameters_of(scenario)
    for row in section("world"):
        assert getattr(record, row.name) == getattr(scenario.world, row.name)
    terms = policy_of(scenario, 150).terms
    for name in TERMS_OF_PROGRAM:
        for row in section(name):
            assert terms[term_of(row)] == getattr(getattr(scenario, name), row.name)


def term_of(row: Parameter) -> str:
    """Name by which drivers read what a program chooses; other parameters go by their own."""
    of_section = row.section in TERMS_OF_PROGRAM and row.section != "policy"
    return f"{row.section}_{row.name}" if of_section else row.name.rpartition(".")[2]


def test_every_parameter_is_read_by_the_model() -> None:
    """A parameter that no rule, law or driver reads would be a promise without effect."""
    read: set[str] = set()
    for room in ("world", "policy", "model", "measures", "experiments", "analysis", "report"):
        for path in (PACKAGE / room).glob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            read |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for row in LEDGER:
        assert term_of(row) in read, row.name


def test_only_published_expectations_are_inputs() -> None:
    published = {row.name: row.default for row in LEDGER if row.kind == "published"}
    assert published == {"expecting_more": 0.95, "prioritizing": 0.85}


def test_published_outcomes_are_imported_by_nothing_that_the_model_is_made_of() -> None:
    assert len(OUTCOMES) == 4
    files = [path for room in ("rules", "world", "policy", "model") for path in (PACKAGE / room).glob("*.py")]
    files += [PACKAGE / "scenario.py", PACKAGE / "evidence" / "ledger.py", PACKAGE / "evidence" / "__init__.py"]
    assert len(files) > 20
    for path in files:
        imported: list[str] = []
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported += [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                imported += [f"{node.module}.{alias.name}" for alias in node.names]
        for name in imported:
            assert "published" not in name, path
            assert "kamsim.measures" not in name, path
            assert "kamsim.analysis" not in name, path


# ---------------------------------------------------------------- more keys than one


def test_checks_of_more_than_one_key_are_refused_in_a_sentence() -> None:
    base = Scenario()
    assert "ceiling_base + ceiling_fit" in said(lambda: base.changed(world={"ceiling_base": 0.5, "ceiling_fit": 0.6}))
    assert "patience_most" in said(lambda: base.changed(world={"patience_least": 5, "patience_most": 4}))
    assert "budgeted_seats" in said(lambda: base.changed(world={"budgeted_seats": 2.5}))
    half = {"key": {"seats": 0.6}, "strategic": {"seats": 0.6}}
    assert "more than all (1)" in said(lambda: base.changed(tiers={"ordered": half}))
    assert "standard" in said(lambda: base.changed(tiers={"ordered": {"standard": {"seats": 1}}}))


def test_changed_leaves_the_original_and_everything_else_as_it_was() -> None:
    scenario = load_scenario("full_program")
    changed = scenario.changed(world={"accounts": 33}, policy={"retiering": {"spend": 0.25}})
    assert changed.world.accounts == 33
    assert changed.lever_strengths() == scenario.lever_strengths() | {"retiering": 0.25}
    assert scenario == load_scenario("full_program")
    assert changed.changed(world={"accounts": 150}, policy={"retiering": "performance"}) == scenario
    assert load_scenario("population").changed(population=None).population is None


def test_changed_is_validated_anew() -> None:
    scenario = load_scenario("status_quo")
    assert "accounts" in said(lambda: scenario.changed(world={"accounts": 1}))
    assert "did you mean 'accounts'?" in said(lambda: scenario.changed(world={"acounts": 10}))
    assert "unknown" in said(lambda: scenario.changed(nothing={"accounts": 10}))


@pytest.mark.parametrize("lever", LEVERS)
def test_presets_are_the_ends_of_a_lever(lever: str) -> None:
    for preset, strength in PRESETS[lever].items():
        assert Scenario().changed(policy={lever: preset}).lever_strengths()[lever] == strength
        assert Scenario().changed(policy={lever: strength}).lever_strengths()[lever] == strength
    for wrong in (-0.1, 1.1, "nonsense", True, None, [1.0]):
        if wrong is not None:
            assert lever in said(lambda wrong=wrong: Scenario().changed(policy={lever: wrong}))


def test_seats_are_counts_or_shares() -> None:
    assert [seats_from(seats, 150) for seats in (0, 7, 0.09, 0.03, 1 / 300)] == [0, 7, 14, 5, 1]
    too_many = Scenario().changed(tiers={"ordered": {"key": {"seats": 151}}})
    assert "151" in said(lambda: policy_of(too_many, 150))
    assert policy_of(too_many, 151).seats.tolist() == [0, 151]


def test_a_share_of_one_is_refused_for_it_could_be_one_seat() -> None:
    sentence = said(lambda: load_scenario("status_quo").changed(tiers={"ordered": {"key": {"seats": 1.0}}}))
    assert "a share of accounts below 1, not 1.0" in sentence


def test_no_more_can_be_conceded_than_the_price() -> None:
    generous = {"world": {"bargaining_most": 8.0}, "tiers": {"ordered": {"key": {"concession": 0.3}}}}
    assert "concession in [tiers.key]" in said(lambda: load_scenario("status_quo").changed(**generous))


def test_shares_of_a_large_book_are_capped_and_that_is_said() -> None:
    seats, note = seats_of(load_scenario("status_quo"), 5914)
    assert sum(seats) <= 60
    assert sum(seats) >= 59
    assert "capped" in note
    assert "5,914" in note


def test_budgets_follow_from_the_world_and_not_from_the_policy() -> None:
    scenario = load_scenario("status_quo").changed(
        world={"budgeted_seats": 18, "accounts_per_kam": 4.0, "capacity_per_seat": 0.5, "functions": 4}
    )
    scenario = scenario.changed(world={"arrival": 0.125})
    assert tuple(budget_of(scenario, 150)) == (150, 19, 18, 5, 4, 2.25)
    assert tuple(budget_of(scenario.changed(world={"budgeted_seats": 0}), 150)) == (150, 19, 1, 1, 4, 0.0)
    assert budget_of(scenario.changed(world={"budgeted_seats": 0.12}), 100_000).kams == 15
    assert budget_of(scenario.changed(world={"arrival": 0.0}), 150).newcomers == 0
    assert budget_of(scenario, 150).room(12) == 150 + 12 * 19


@settings(max_examples=60)
@given(scenarios())
def test_random_scenarios_are_valid_and_survive_being_written_down(scenario: Scenario) -> None:
    assert Scenario.model_validate(scenario.model_dump(exclude_none=True)) == scenario
    assert scenario.changed() == scenario
    assert policy_of(scenario, scenario.world.accounts).seats.sum() <= scenario.world.accounts


def test_a_population_draws_its_levers_and_says_so() -> None:
    sentence = said(lambda: load_scenario("population").changed(policy={"selection": "enterprise"}))
    assert "selection in [population]" in sentence


def test_a_key_of_another_section_is_sent_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "status_quo"\n[world]\nhistory_years = 3\n')
    assert "it belongs in [timeline]" in said(lambda: load_scenario(path))


@pytest.mark.parametrize("text", ["accounts = " + "9" * 5_000, "accounts = " + "[" * 3_000 + "]" * 3_000])
def test_what_no_parser_takes_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"[world]\n{text}\n")
    assert str(path) in said(lambda: load_scenario(path))


def test_shares_that_round_to_nothing_are_said_to() -> None:
    assert "nobody is elevated" in seats_of(load_scenario("status_quo"), 2)[1]


def test_shares_of_all_accounts_never_round_to_more_than_there_are() -> None:
    halves = Scenario().changed(tiers={"ordered": {"low": {"seats": 0.5}, "high": {"seats": 0.5}}})
    assert sum(seats_of(halves, 3)[0]) == 3
