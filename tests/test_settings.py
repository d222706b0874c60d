"""What is set for one run: every key reaches every scenario, stays there under uncertainty, and is told."""

import json
from pathlib import Path
from typing import Any

import numba
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from conftest import small
from hypothesis import given
from hypothesis import strategies as st

from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import Parameter
from kamsim.evidence.posterior import Posterior
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import LEVERS, PRESETS, Scenario, load_scenario, numbers_of
from kamsim.studies.parameter_sets import is_its_own, value_in
from kamsim.studies.ranges import notes_on_ranges, ranges_of
from kamsim.studies.settings import mark_of, notes_on_settings, with_settings
from kamsim.studies.uncertainty_sets import ensemble_of

TIERS = ("key", "strategic", "gold")
ROWS = numbers_of(TIERS)
BY_ROW = {"argvalues": ROWS.items(), "ids": lambda value: value if isinstance(value, str) else ""}
SMALL = 'extends = "{}"\n[world]\naccounts = 24\n[timeline]\nwarmup_years = 1\nwindow_years = 3\n'
compiled_only = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="hundreds of runs take too long in plain Python")


def with_everything() -> Scenario:
    """A scenario that has every key there is, with a tier that the ledger does not name."""
    return load_scenario("population").changed(tiers={"ordered": {"gold": {"seats": 3}}})


def refused(scenarios: list[Scenario], *texts: str) -> str:
    with pytest.raises(KamsimError) as error:
        with_settings(scenarios, texts)
    assert "\n" not in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------- every key


def a_little_off(row: Parameter, value: float) -> float:
    """Another value, so near that it goes together with all others."""
    if isinstance(value, int):
        return value + 1 if value < row.high else value - 1
    return value + 0.01 * (row.low + 0.37 * (row.high - row.low) - value if row.high < 1_000 or value == 0 else value)


@pytest.mark.parametrize(("name", "row"), **BY_ROW)
def test_every_number_can_be_set_and_reaches_the_scenario(name: str, row: Parameter) -> None:
    before = with_everything()
    value = a_little_off(row, value_in(before, name))
    (after,) = with_settings([before], [f"{name}={value!r}"])
    assert value_in(before, name) != value
    assert (value_in(after, name), type(value_in(after, name))) == (value, type(value))
    others = [other for other in ROWS if other != name]
    assert [value_in(after, other) for other in others] == [value_in(before, other) for other in others]
    assert after.fixed == (name,)
    assert is_its_own(after, name)
    assert list(notes_on_settings([after])) == [f"set for this run: {name} = {value!r}"]


@pytest.mark.parametrize(("name", "row"), **BY_ROW)
def test_what_is_set_to_the_value_of_the_ledger_is_set_all_the_same(name: str, row: Parameter) -> None:
    before = with_everything()
    (after,) = with_settings([before], [f"{name}={value_in(before, name)!r}"])
    assert after == before.model_copy(update={"fixed": (name,)})
    assert is_its_own(after, name)
    assert mark_of([after]) != mark_of([before]) == ""


@pytest.mark.parametrize(("name", "row"), **BY_ROW)
def test_what_is_out_of_range_is_refused_in_one_sentence(name: str, row: Parameter) -> None:
    outside: list[object] = [row.low - 1, row.high + 1, "nan", "inf", "much", "", "1_0", "true"]
    outside += [getattr(row, row.excluded)] if row.excluded else []
    outside += [row.low + 0.5] if row.whole else []
    outside += [1.0, 2.5] if row.seats else []
    for value in outside:
        sentence = refused([with_everything()], f"{name}={value}")
        assert sentence.startswith(f"{name} must be {row.values}, not ")


@given(st.sampled_from(sorted(ROWS)), st.text())
def test_any_text_is_a_value_or_one_sentence(name: str, text: str) -> None:
    try:
        (after,) = with_settings([with_everything()], [f"{name}={text}"])
    except KamsimError:
        return
    assert float(value_in(after, name)) == float(text)


@given(st.lists(st.text(), max_size=3))
def test_whatever_stands_for_a_setting_ends_in_a_sentence(texts: list[str]) -> None:
    if texts:
        refused([with_everything()], *texts)
    else:
        assert with_settings([with_everything()], texts) == [with_everything()]


@pytest.mark.parametrize("lever", LEVERS)
def test_levers_are_set_by_preset_or_strength(lever: str) -> None:
    for text, strength in [*PRESETS[lever].items(), ("0.25", 0.25), ("0", 0.0)]:
        (after,) = with_settings([small("full_program")], [f"policy.{lever}={text}"])
        assert after.lever_strengths()[lever] == strength
        assert after.fixed == (f"policy.{lever}",)


def test_retiering_by_spend_takes_a_strength_as_in_a_file() -> None:
    (after,) = with_settings([small()], ["policy.retiering={ spend = 0.25 }"])
    assert (after.retiers_by_spend(), after.lever_strengths()["retiering"]) == (True, 0.25)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["world.gross_margn=0.2"], "'world.gross_margn' is no parameter; did you mean 'world.gross_margin'?"),
        (["gross_margin=0.2"], "'gross_margin' is no parameter; did you mean 'world.gross_margin'?"),
        (["selection=0.2"], "'selection' is no parameter; did you mean 'policy.selection'?"),
        (["tiers.kye.seats=3"], "'tiers.kye.seats' is no parameter; did you mean 'tiers.key.seats'?"),
        (["xyzzy=0.2"], "'xyzzy' is no parameter; kamsim evidence prints all of them"),
        (["name=mine"], "'name' is no parameter"),
        (["world.accounts"], "'world.accounts': give KEY=VALUE"),
        (["world.accounts=30", "world.accounts=30"], "world.accounts is set twice; leave one of them out"),
        (["policy.selection=entreprise"], "'entreprise' is no preset; did you mean 'enterprise'?"),
        (["policy.selection=2"], "selection in [policy] must be a strength from 0 to 1 or a preset"),
        (["policy.retiering={ spent = 0.5 }"], "a table here has one key, performance or spend"),
        (["world.ceiling_base=0.9"], "status_quo: [world]: ceiling_base + ceiling_fit must not be above 1"),
        (["tiers.key.concession=0.4"], "status_quo: concession in [tiers.key] times bargaining_most in [world] is 1"),
        (["population.selection=0.5"], "population.selection cannot be set: status_quo has no [population]"),
    ],
)
def test_what_cannot_be_set_is_said(texts: list[str], said: str) -> None:
    assert said in refused([small()], *texts)


def test_a_tier_that_nobody_has_is_refused_and_one_that_some_have_is_told() -> None:
    quo, none = small(), small("no_program")
    assert (
        refused([none], "tiers.key.seats=3")
        == "tiers.key.seats cannot be set: no_program has no key accounts in tier 'key'"
    )
    set_there = with_settings([none, quo], ["tiers.key.seats=3", "world.gross_margin=0.2"])
    assert [value_in(one, "tiers.key.seats") for one in set_there] == [0, 3]
    assert [one.fixed for one in set_there] == [("world.gross_margin",), ("tiers.key.seats", "world.gross_margin")]
    assert list(notes_on_settings(set_there)) == [
        "set for this run: tiers.key.seats = 3; not in no_program, without such a tier or population",
        "set for this run: world.gross_margin = 0.2",
    ]


def test_a_tier_whose_name_no_key_can_hold_is_no_parameter() -> None:
    dotted = small().changed(tiers={"ordered": {"a.b": {"seats": 2}}})
    assert "'tiers.a.b.seats' is no parameter" in refused([dotted], "tiers.a.b.seats=3")


def test_a_mix_of_organizations_keeps_its_say_over_levers() -> None:
    assert "selection in [policy] says nothing" in refused([load_scenario("population")], "policy.selection=1")


# ---------------------------------------------------------------- what stays as it was set


def test_sets_and_movements_leave_alone_what_was_set() -> None:
    quo = small()
    calibrated, assumed = "world.market_growth", "world.trust_drift"
    as_it_is = {name: value_in(quo, name) for name in (calibrated, assumed)}
    posterior = Posterior((calibrated, "world.share_speed"), ((0.03, 0.1), (0.01, 0.2)), "some.csv")
    plain = [quo, small("full_program")]
    fixed = with_settings(plain, [f"{name}={value!r}" for name, value in as_it_is.items()])
    for scenarios, moves in ((plain, True), (fixed, False)):
        ensemble = ensemble_of(scenarios, posterior, seed=1)
        assert (assumed in ensemble.movements.names) is moves
        for number in range(2):
            there = ensemble.at(number)
            assert {value_in(one, "world.share_speed") for one in there} == {posterior.values[number][1]}
            assert ({value_in(one, calibrated) for one in there} != {as_it_is[calibrated]}) is moves
            assert ({value_in(one, assumed) for one in there[2:]} != {as_it_is[assumed]}) is moves


def test_ranges_leave_alone_what_was_set() -> None:
    quo = small()
    fixed = with_settings([quo], [f"world.market_growth={quo.world.market_growth!r}"])
    assert "world.market_growth" in {one.parameter for one in ranges_of([quo])}
    assert "world.market_growth" not in {one.parameter for one in ranges_of(fixed)}
    assert "world.market_growth" in next(notes_on_ranges(fixed, ()))
    with pytest.raises(KamsimError, match=r"^world\.market_growth is set for this run, so it cannot be varied too"):
        ranges_of(fixed, ["world.market_growth=0.01:0.02"])


# ---------------------------------------------------------------- commands


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, parent in (("one", "status_quo"), ("two", "full_program"), ("mix", "population"), ("none", "no_program")):
        (tmp_path / f"{name}.toml").write_text(SMALL.format(parent))
    (tmp_path / "sets.csv").write_text("world.market_growth,world.share_speed\n0.03,0.1\n0.01,0.2\n")
    (tmp_path / "turnover.toml").write_text(
        'question = "Which?"\nbase = "one.toml"\nreplications = 4\n[design]\nkind = "full"\n[levers]\n'
        'selection = ["spend", "enterprise"]\n[uncertainties]\n"world.turnover" = [0.01, 0.06]\n'
    )
    return tmp_path


def kamsim(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def content(*words: str) -> Any:
    result = kamsim(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


COMMANDS = {
    "compare": ["compare", "one.toml", "two.toml", "-n", "2"],
    "compare --uncertainty": ["compare", "one.toml", "two.toml", "--posterior", "sets.csv", "-n", "2"],
    "run": ["run", "one.toml"],
    "survey": ["survey", "mix.toml", "-n", "3"],
    "explain": ["explain", "quota", "--scenario", "mix.toml", "-n", "3"],
    "validate": ["validate", "mix.toml", "-n", "3"],
    "sensitivity": ["sensitivity", "two.toml", "--points", "2", "-n", "2", "--parameter", "world.turnover"],
    "discover": ["discover", "two.toml", "--threshold=1", "--points", "50", "-n", "2", "--parameter", "world.turnover"],
    "sweep": ["sweep", "turnover.toml"],
}  # fmt: skip


@compiled_only
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_plays_takes_settings_tells_them_and_keeps_them(here: Path, command: str) -> None:
    words = COMMANDS[command]
    plain, fixed = content(*words), content(*words, "--set", "world.gross_margin=0.2", "--years", "2")
    note = "set for this run: timeline.window_years = 2, world.gross_margin = 0.2"
    assert note in fixed["notes"]
    assert note not in plain["notes"]
    told = kamsim(*words, "--years", "2", "--set", "world.gross_margin=0.2")
    assert f"Note: {note}" in " ".join(told.stdout.split())
    if command == "run":
        assert [len(one["years"]) for one in (plain, fixed)] == [6, 5]
        assert plain["figure"] != fixed["figure"]
    elif "folder" in plain:
        assert plain["folder"] != fixed["folder"]
        manifest = json.loads((here / fixed["folder"] / "manifest.json").read_text())
        for scenario in manifest.get("scenarios") or manifest["policies"]:
            assert scenario["fixed"] == ["timeline.window_years", "world.gross_margin"]
            assert (scenario["timeline"]["window_years"], scenario["world"]["gross_margin"]) == (2, 0.2)
        assert '"fixed"' not in (here / plain["folder"] / "manifest.json").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_what_cannot_be_set(here: Path, command: str) -> None:
    for words, said in (
        (["--set", "world.gros_margin=0.2"], "did you mean 'world.gross_margin'?"),
        (
            ["--set", "world.gross_margin=2"],
            "world.gross_margin must be a number from 0 to 1 (part of list price), not 2",
        ),
        (["--years", "3", "--set", "timeline.window_years=4"], "timeline.window_years is set twice"),
        (["--years", "0"], "timeline.window_years must be a whole number from 1 to 100 (years), not 0"),
        (["--set", "tiers.gold.seats=4"], "'tiers.gold.seats' is no parameter"),
    ):
        result = kamsim(*COMMANDS[command], *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: ")
        assert len(result.stderr.splitlines()) == 1
        assert said in result.stderr
    assert not (here / "results").exists()


def test_what_is_set_plays_as_if_it_stood_in_the_file(here: Path) -> None:
    (here / "sub").mkdir()
    text = (
        "\n[world]\ngross_margin = 0.2\n[tiers.key]\nseats = 2\n[policy]\nalignment = 0.5\n[timeline]\nwindow_years = 2"
    )
    for name in ("one", "two"):
        (here / "sub" / f"{name}.toml").write_text(f'extends = "../{name}.toml"{text}')
    words = ["--set", "world.gross_margin=0.2", "--set", "tiers.key.seats=2", "--set", "policy.alignment=0.5"]
    by_hand = content("compare", "one.toml", "two.toml", "-n", "3", *words, "--years", "2")
    by_file = content("compare", "sub/one.toml", "sub/two.toml", "-n", "3")
    assert by_hand["measures"] == by_file["measures"]
    assert by_hand["measures"] != content("compare", "one.toml", "two.toml", "-n", "3")["measures"]


def test_the_order_of_settings_makes_no_other_run(here: Path) -> None:
    one, other = ["--set", "world.gross_margin=0.2"], ["--set", "tiers.key.seats=2"]
    folders = {
        content("compare", "one.toml", "-n", "2", *words)["folder"] for words in ([*one, *other], [*other, *one])
    }
    assert len(folders) == 1


def test_under_uncertainty_every_set_has_what_was_set(here: Path) -> None:
    words = ["compare", "one.toml", "two.toml", "--posterior", "sets.csv", "-n", "2"]
    growth = load_scenario("status_quo").world.market_growth
    found = content(*words, "--set", f"world.market_growth={growth!r}", "--set", "world.loss_aversion=1.5")
    assert "every scenario: own value kept in all parameter sets: world.market_growth" in found["notes"]
    sets = pq.read_table(here / found["folder"] / "sets.parquet").to_pydict()
    assert set(sets["world.market_growth"]) == {growth}
    assert len(set(sets["world.share_speed"])) == 2
    assert "world.loss_aversion" not in sets
    without = pq.read_table(here / content(*words)["folder"] / "sets.parquet").to_pydict()
    assert set(without["world.market_growth"]) == {0.01, 0.03}
    assert len(set(without["world.loss_aversion"])) > 1


@pytest.mark.parametrize("command", ["sensitivity", "discover"])
def test_what_is_set_is_not_varied_too(here: Path, command: str) -> None:
    words = [command, "two.toml", "--parameter", "world.turnover", "--set", "world.turnover=0.03"]
    result = kamsim(*words, *(["--threshold", "1"] if command == "discover" else []))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "world.turnover is set for this run, so it cannot be varied too" in result.stderr


@pytest.mark.parametrize("name", ["world.turnover=0.03", "policy.selection=1"])
def test_what_an_experiment_varies_cannot_be_set(here: Path, name: str) -> None:
    result = kamsim("sweep", "turnover.toml", "--set", name)
    assert (result.exit_code, result.stdout) == (2, "")
    key = name.partition("=")[0]
    assert (
        result.stderr
        == f"Error: turnover.toml: {key.removeprefix('policy.')} is varied there, so {key} cannot be set too\n"
    )


def test_a_sweep_is_of_the_scenarios_as_set(here: Path) -> None:
    words = ["sweep", "turnover.toml", "--set", "world.gross_margin=0.2"]
    folder = here / content(*words)["folder"]
    (here / "one.toml").write_text(SMALL.format("status_quo").replace("[world]\n", "[world]\ngross_margin = 0.2\n"))
    by_file = here / content("sweep", "turnover.toml", "--out", "file")["folder"]
    told = [pq.read_table(one / "parts").to_pydict() for one in (folder, by_file)]
    assert told[0] == told[1]
    (here / "one.toml").write_text(SMALL.format("status_quo"))
    assert content(*words, "--status")["done"] == content(*words, "--status")["parts"] > 0


DISCOUNTED = {measure.name for measure in MEASURES if measure.unit == "money"} - {"revenue_at_risk"}


def test_a_discount_lets_later_money_count_less_and_is_told(here: Path) -> None:
    plain, less = (content("compare", "one.toml", "-n", "2", *words) for words in ((), ("--discount", "0.1")))
    years = load_scenario("one.toml").timeline
    assert (plain["horizon"]["years"], plain["horizon"]["discount"]) == (years.warmup_years + years.window_years, 0.0)
    assert less["horizon"] == {**plain["horizon"], "discount": 0.1}
    assert any("timeline.discount = 0.1" in note for note in less["notes"])
    for row, other in zip(plain["measures"], less["measures"], strict=True):
        if row["measure"] == "total_profit":
            assert 0.7 * row["mean"] < other["mean"] < row["mean"]
        elif row["measure"] not in DISCOUNTED:
            assert row == other
