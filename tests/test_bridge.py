"""The bridge of profit adds up to the last bits, and what is told from it stands against known answers."""

import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from conftest import examples, scenarios, seeds
from hypothesis import given
from matplotlib.figure import Figure
from scipy import stats

from kamsim.errors import KamsimError
from kamsim.experiments.jobs import job_of, play_organizations
from kamsim.experiments.replications import read_replications
from kamsim.measures.gain import gains_in_points
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import TERMS, Account
from kamsim.report import comparison as comparing
from kamsim.report.bridge import bridge_table, gain_table, worth_sentence
from kamsim.report.plot import COLORS
from kamsim.report.terminal import text_of
from kamsim.scenario import Scenario, load_scenario
from kamsim.studies.at_points import question_of
from kamsim.studies.bridge import (
    AT_LAUNCH,
    MONEY,
    TOTAL,
    BridgeTerm,
    Ratio,
    Worth,
    bridge_of,
    money_moments,
    money_of,
    worth_of,
)
from kamsim.studies.compare import Comparison, compare
from kamsim.studies.reference import with_reference, without_program

SMALL = {"world": {"accounts": 30}, "timeline": {"warmup_years": 1, "window_years": 3}}
NAMES = ("nobody", "some")
PROFIT = [measure.name for measure in MEASURES].index("total_profit")
ULPS = 16 * np.finfo(float).eps


def planted(worlds: int, seed: int = 1, reference: float = 0.0) -> np.ndarray:
    """Accounts of two scenarios at a gross margin of .4; the reference conceded and spent so many times as much."""
    generator = np.random.default_rng(seed)
    sales = generator.normal([[100.0, 112.0]], 4.0, (worlds, 2))
    spent = generator.normal([3.0, 4.0, 1.0], 0.5, (worlds, 2, 3)) * np.array([reference, 1.0])[None, :, None]
    amounts = {"volume": 0.4 * sales, "sales": sales, "in_shrinking": 0.0 * sales}
    amounts |= {name: -spent[..., place] for place, name in enumerate(("concessions", "service", "elevations"))}
    amounts |= {"cost_to_serve": 0.0 * sales, "handovers": 0.0 * sales, AT_LAUNCH: -0.25 * spent[..., 2]}
    return np.stack([amounts[name] for name in Account._fields], axis=-1)


def worth(accounts: np.ndarray, margin: float = 0.4) -> Worth:
    (found,) = worth_of(money_moments(accounts), NAMES, [0.4, margin])
    return found


def sure_sign(bridge: Iterable[BridgeTerm]) -> int:
    """Whether the luck of worlds leaves no doubt that the difference in total profit is above or below zero."""
    (total,) = (row for row in bridge if row.term == TOTAL)
    return int(total.low > 0) - int(total.high < 0)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    out = tmp_path_factory.mktemp("bridge") / "run"
    policies = [load_scenario(name).changed(**SMALL) for name in ("status_quo", "full_program")]
    return compare(with_reference(policies), replications=40, jobs=1, out=out), out


# ---------------------------------------------------------------- it adds up


@examples(60)
@given(scenarios(), seeds())
def test_terms_add_up_to_the_difference_of_total_profit_in_every_world(scenario: Scenario, seed: int) -> None:
    tables = play_organizations([job_of(one) for one in (without_program(scenario), scenario)], seed, 0, 2)
    accounts = np.stack([table.account for table in tables], axis=1)
    profit = np.stack([table.outcomes[:, PROFIT] for table in tables], axis=1)
    total = np.zeros_like(profit)
    for place in range(len(TERMS)):
        total = total + accounts[..., place]
    np.testing.assert_array_equal(total, profit)
    money = money_of(accounts)
    difference = profit - profit[:, :1]
    largest = np.abs(accounts[..., : len(TERMS)]).sum(axis=(1, 2))
    assert (np.abs(money[..., MONEY.total] - difference) <= ULPS * largest[:, None]).all()
    assert (money[:, 0, : MONEY.total + 1] == 0.0).all()


def test_the_bridge_of_a_run_adds_up_to_the_difference_of_its_table(compared: tuple[Comparison, Path]) -> None:
    comparison, _ = compared
    profit = {row.scenario: row for row in comparison.measures if row.measure == "total_profit"}
    for name in comparison.scenarios[1:]:
        rows = {row.term: row for row in comparison.bridge if row.scenario == name}
        assert list(rows) == [*(term.name for term in TERMS), TOTAL, AT_LAUNCH]
        parts = sum(rows[term.name].difference for term in TERMS)
        assert parts == pytest.approx(rows[TOTAL].difference, rel=1e-12)
        told = [rows[TOTAL].difference, rows[TOTAL].low, rows[TOTAL].high]
        assert told == pytest.approx([profit[name].difference, profit[name].low, profit[name].high], rel=1e-9)
        assert rows["elevations"].difference <= rows[AT_LAUNCH].difference < 0.0
        assert sum(rows[term.name].points for term in TERMS) == pytest.approx(rows[TOTAL].points)


def test_the_bridge_agrees_with_the_replications_kept(compared: tuple[Comparison, Path]) -> None:
    comparison, folder = compared
    wide = read_replications(folder).pivot_table(
        index="replication", columns=["scenario", "measure"], values="value", observed=True
    )
    for row in comparison.bridge:
        if row.term != TOTAL:
            paired = wide[row.scenario, row.term] - wide["no_program", row.term]
            assert row.difference == pytest.approx(paired.mean(), rel=1e-9)
            assert row.points == pytest.approx(100 * paired.mean() / wide["no_program", "sales"].mean(), rel=1e-9)
    lines = (folder / "bridge.csv").read_text().splitlines()
    assert lines[0] == (
        "scenario,term,difference,low,high,points,points_low,points_high,sets_low,sets_high,against,years,discount,"
        "unit,points_of"
    )
    assert lines[1].endswith(",no_program,4,0.0,units of the median account's yearly category spend,no_program")
    assert len(lines) == 1 + len(comparison.bridge)


def test_intervals_of_terms_are_those_of_scipy() -> None:
    accounts = planted(25, reference=0.5)
    rows = {row.term: row for row in bridge_of(money_moments(accounts), NAMES)}
    for name in (*(term.name for term in TERMS), AT_LAUNCH):
        of, reference = (accounts[:, scenario, Account._fields.index(name)] for scenario in (1, 0))
        expected = stats.ttest_rel(of, reference).confidence_interval(0.95)
        assert (rows[name].low, rows[name].high) == pytest.approx((expected.low, expected.high), rel=1e-9)


# ---------------------------------------------------------------- what it returns, and where it breaks even


def test_a_return_is_on_all_service_and_elevations_and_on_concessions_beyond_those_of_the_reference() -> None:
    accounts = planted(30, reference=0.5)
    of = {name: accounts[:, :, place].mean(axis=0) for place, name in enumerate(Account._fields)}
    cost = -of["service"][1] - of["elevations"][1] - (of["concessions"][1] - of["concessions"][0])
    gain = sum(of[term.name][1] - of[term.name][0] for term in TERMS)
    found = worth(accounts)
    assert (found.cost, found.returned.value) == pytest.approx((cost, gain / cost), rel=1e-12)


def test_at_the_break_even_margin_the_difference_is_zero_when_it_is_played() -> None:
    # Where neither selection nor a review reads margins, what is played does not depend on the gross margin.
    cheap = {"ordered": {tier: {"concession": 0.0} for tier in ("key", "strategic")}}
    full = load_scenario("cross_functional_alignment").changed(**SMALL, tiers=cheap)
    (told,) = compare(with_reference([full]), replications=40, jobs=1).worth
    margin = told.break_even_margin.value
    assert told.pays_above
    assert 0 < margin < 1
    for more, sign in ((-0.2, -1), (0.0, 0), (0.2, 1)):
        at = full.changed(world={"gross_margin": margin + more})
        again = compare(with_reference([at]), replications=40, jobs=1)
        assert sure_sign(again.bridge) == sign
        assert again.worth[0].break_even_margin.value == pytest.approx(margin, rel=1e-9)
        total = next(row for row in again.bridge if row.term == TOTAL)
        if not more:
            assert abs(total.difference) < 1e-9 * total.high


def test_at_the_break_even_concessions_the_difference_is_zero_holding_volumes() -> None:
    accounts, place = planted(30), Account._fields.index("concessions")
    accounts[:, 1, place] *= 4.0
    found = worth(accounts)
    assert found.returned.high < 0.0
    accounts[:, 1, place] *= found.break_even_concessions.value
    assert abs(worth(accounts).returned.value) < 1e-12


def test_a_policy_that_sells_less_pays_below_its_margin() -> None:
    accounts = planted(30)[:, ::-1]  # the first sells more, and spends
    found = worth(accounts)
    assert not found.pays_above
    at = found.break_even_margin.value
    for more, sign in ((-0.2, 1), (0.2, -1)):
        accounts[..., 0] = (at + more) * accounts[..., Account._fields.index("sales")]
        assert sure_sign(bridge_of(money_moments(accounts), NAMES)) == sign
    assert math.isnan(found.break_even_concessions.value)  # it concedes less than the reference


def test_intervals_of_ratios_cover_the_truth_as_often_as_they_say() -> None:
    margin, part, truth = 0, 0, (0.4 - (0.4 * 12 - 8) / 12, 1 + (0.4 * 12 - 8) / 3)
    for seed in range(400):
        found = worth(planted(40, seed))
        margin += found.break_even_margin.low <= truth[0] <= found.break_even_margin.high
        part += found.break_even_concessions.low <= truth[1] <= found.break_even_concessions.high
    assert 0.92 <= margin / 400 <= 0.98
    assert 0.92 <= part / 400 <= 0.98


def test_what_has_no_meaning_is_unknown() -> None:
    nothing = planted(12, reference=1.0)
    nothing[:, 1] = nothing[:, 0]
    found = worth(nothing)
    assert found.verdict == ""  # no parameter set was played
    assert math.isnan(found.break_even_margin.value)
    assert math.isnan(found.break_even_concessions.value)
    assert math.isnan(worth(planted(12), margin=0.3).break_even_margin.value)  # not at the reference's margin
    alone = worth(planted(1))
    assert math.isnan(alone.returned.low)
    assert math.isfinite(alone.returned.value)


# ---------------------------------------------------------------- what is said


def test_the_tables_lead_with_whether_it_pays_and_say_what_the_reference_is(
    compared: tuple[Comparison, Path],
) -> None:
    comparison, _ = compared
    gains, bridge = (text_of(table(comparison)).plain for table in (gain_table, bridge_table))
    assert max(map(len, f"{gains}\n{bridge}".splitlines())) <= 80
    said = "Does it pay? Total profit against no program (no_program: no key accounts), 4 years from"
    assert " ".join(gains.split()).startswith(said)
    assert "in percent of the sales of no_program" in gains
    assert "none was played" in gains
    assert all(bridge.count(f"\n  {term.label} ") == 2 for term in TERMS)
    lines = bridge.splitlines()
    at_launch = [place for place, line in enumerate(lines) if line.startswith("    of which at launch ")]
    assert [lines[place - 1].split()[0] for place in at_launch] == ["Cost", "Cost"]
    assert "not added again" in " ".join(bridge.split())
    assert "with the same volumes" in " ".join(bridge.split())
    json.dumps(comparison.to_dict(), allow_nan=False)


def test_gains_are_told_in_points_of_what_no_program_sells_and_so_add_up() -> None:
    policies = [load_scenario(name).changed(**SMALL) for name in ("status_quo", "full_program")]
    against_none, against_quo = (
        compare(with_reference(policies, name), replications=8, jobs=1) for name in (None, "status_quo")
    )
    total = {
        (told.reference, row.scenario): row.points
        for told in (against_none, against_quo)
        for row in told.bridge
        if row.term == TOTAL
    }
    expected = total["no_program", "full_program"] - total["no_program", "status_quo"]
    assert total["status_quo", "full_program"] == pytest.approx(expected, rel=1e-9)
    assert total["status_quo", "no_program"] == pytest.approx(-total["no_program", "status_quo"], rel=1e-9)
    assert against_quo.horizon.points_of == "no_program"


def test_the_gain_that_all_commands_tell_is_that_of_the_comparison(compared: tuple[Comparison, Path]) -> None:
    comparison, _ = compared
    quo, full = (load_scenario(name).changed(**SMALL) for name in ("status_quo", "full_program"))

    def gain(policy: Scenario, against: Scenario | None = None, jobs: int = 1) -> BridgeTerm:
        question = question_of(policy, against, "total_profit", (), replications=40, seed=1, jobs=jobs)
        bridge = compare(question.played, replications=40, jobs=jobs).bridge
        return next(row for row in bridge if (row.scenario, row.term) == (policy.name, TOTAL))

    for policy in (quo, full):
        assert gain(policy, jobs=2) in comparison.bridge
    both = gain(full, quo)
    tables = play_organizations([job_of(one) for one in (without_program(quo), quo, full)], 1, 0, 40)
    accounts = np.stack([table.account for table in tables], axis=1)
    assert both.points == pytest.approx(gains_in_points(accounts, 2, 1, 0).mean(), rel=1e-9)
    with pytest.raises(KamsimError, match="is no program itself"):
        gain(without_program(quo))


def test_bars_of_the_figure_add_up_to_its_black_lines(
    compared: tuple[Comparison, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison, _ = compared
    assert len(COLORS) >= len(TERMS)
    figures: list[Figure] = []
    monkeypatch.setattr(comparing, "png", lambda figure: figures.append(figure) or b"")
    comparing.comparison_figure(comparison)
    (panel,) = [axes for axes in figures[0].axes if "comes" in axes.get_title()]
    assert "4 years from launch, undiscounted" in panel.get_title()
    for place, told in enumerate(comparison.worth):
        total = next(row for row in comparison.bridge if (row.scenario, row.term) == (told.scenario, TOTAL))
        bars = [bar for bar in panel.patches if round(bar.get_y() + bar.get_height() / 2) == place]
        assert len(bars) == len(TERMS)
        assert sum(bar.get_width() for bar in bars) == pytest.approx(total.difference, rel=1e-9)
        assert panel.lines[place].get_xdata()[0] == pytest.approx(total.difference, rel=1e-12)
        assert told.verdict in panel.texts[place].get_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "pays above a gross margin of 0.60 (0.50 to 0.70); here 0.45"),
        ({"pays_above": False}, "pays below a gross margin of 0.60"),
        ({"break_even_margin": Ratio(-0.2, -0.3, -0.1)}, "pays at any gross margin"),
        ({"break_even_margin": Ratio(1.2, 1.1, 1.3)}, "pays at no gross margin"),
        ({"break_even_margin": Ratio(-0.2, -0.3, -0.1), "pays_above": False}, "pays at no gross margin"),
        ({"break_even_margin": Ratio(1.2, 1.1, 1.3), "pays_above": False}, "pays at any gross margin"),
        ({}, "returns -42 (-44 to -39) for 100 spent"),
        ({}, "breaks even at 0.31 (0.27 to 0.36) times its price concessions"),
        ({"break_even_concessions": Ratio(-0.1, -0.2, 0.0)}, "does not pay even without price concessions"),
    ],
)
def test_a_sentence_says_where_a_program_breaks_even(changed: dict[str, object], said: str) -> None:
    told = Worth(
        "some", "does not pay", 0.0, 20.0, Ratio(-0.42, -0.44, -0.39), 0.45, Ratio(0.6, 0.5, 0.7), True,
        Ratio(0.31, 0.27, 0.36),
    )  # fmt: skip
    assert said in worth_sentence(Worth(**{**vars(told), **changed}))  # type: ignore[arg-type]


def test_a_sentence_tells_nothing_that_is_unknown() -> None:
    unknown = Ratio(math.nan, math.nan, math.nan)
    assert worth_sentence(Worth("some", "", math.nan, 0.0, unknown, 0.4, unknown, False, unknown)) == ""
    alone = Ratio(0.6, math.nan, math.nan)
    assert "gross margin of 0.60; here 0.4" in worth_sentence(
        Worth("some", "", math.nan, 1.0, alone, 0.4, alone, True, alone)
    )
