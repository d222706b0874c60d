"""The best program: what is searched and found, told by luck that chose nothing, the same bits whatever happens."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import examples, small
from hypothesis import given
from hypothesis import strategies as st

import kamsim.studies.optimize as optimizing
from kamsim.analysis.front import front_of, hypervolume_of, knee_of, some_of_front
from kamsim.analysis.search import front_searched
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import TERMS_OF_PROGRAM
from kamsim.evidence.posterior import Posterior, parameter_named, read_posterior
from kamsim.experiments.log import LOG, logged
from kamsim.experiments.pool import seed_apart
from kamsim.report.optimize import content_of, front_figure, front_table, in_words, sentences, write_optimum
from kamsim.report.terminal import text_of
from kamsim.scenario import LEVERS, load_scenario
from kamsim.studies.bridge import MONEY
from kamsim.studies.compare import compare
from kamsim.studies.optimize import (
    GENERATION,
    Lead,
    Optimum,
    Search,
    ask_optimize,
    figures_of,
    optimize,
)
from kamsim.studies.over_sets import some_of
from kamsim.studies.program_space import EFFECTS, ENDS, STEPS, space_of
from kamsim.studies.reference import with_reference, without_program

FEW = {"replications": 12, "evaluations": 80}
SEATS = "tiers.key.seats=1..20"


def posterior(sets: int = 6) -> Posterior:
    return some_of(read_posterior(), sets)


def searched(search: Search) -> tuple[np.ndarray, np.ndarray]:
    """Points that a search tries, and their costs."""
    with logged(None, {}) as log:
        return optimizing._searched(search, log, None)


@pytest.fixture(scope="module")
def asked() -> Search:
    return ask_optimize(small(), posterior(), seed=3, **FEW)


@pytest.fixture(scope="module")
def found(asked: Search) -> Optimum:
    return optimize(asked)


# ---------------------------------------------------------------- fronts


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=30))
@examples(200)
def test_a_front_is_what_no_other_point_beats(points: list[tuple[int, int, int]]) -> None:
    costs = np.array(points, dtype=float)

    def beats(one: np.ndarray, other: np.ndarray) -> bool:
        return bool((one <= other).all() and (one < other).any())

    beaten = {place for place, one in enumerate(costs) if any(beats(other, one) for other in costs)}
    again = {place for place, one in enumerate(costs) if any((one == other).all() for other in costs[:place])}
    assert front_of(costs) == sorted(set(range(len(costs))) - beaten - again)


def test_the_knee_of_a_curve_is_where_its_slope_is_that_of_the_line_between_its_ends() -> None:
    one = np.linspace(0.0, 1.0, 201)
    for scale in ((1.0, 1.0), (50.0, 0.01)):  # whatever each is told in
        costs = np.column_stack([one, (1.0 - np.sqrt(one)) ** 2]) * scale
        assert one[knee_of(costs)] == pytest.approx(0.25)
    assert knee_of(np.array([[1.0, 5.0]])) == 0


def test_the_volume_of_a_front_is_that_of_its_boxes() -> None:
    costs = np.array([[0.5, 0.5, 0.0], [0.0, 0.75, 0.5]])
    # .5 x .5 x 1, and beside it .5 x .25 x .5.
    assert hypervolume_of(costs, np.ones(3)) == pytest.approx(0.25 + 0.0625)
    assert hypervolume_of(np.array([[2.0, 0.0, 0.0]]), np.ones(3)) == 0.0


def test_some_of_a_front_are_those_given_and_then_those_farthest_from_all() -> None:
    one = np.linspace(0.0, 1.0, 11)
    costs = np.column_stack([one, 1.0 - one])
    assert some_of_front(costs, [3, 3], 3) == [3, 10, 0]
    assert some_of_front(costs, [3, 5], 1) == [3]
    assert sorted(some_of_front(costs, [0], 99)) == list(range(11))


def bowl(points: np.ndarray) -> np.ndarray:
    """Three costs, none of which is least where another is; best in all where all other parameters are .3."""
    off = ((points[:, 3:] - 0.3) ** 2).sum(axis=1)
    return np.column_stack([((points[:, :3] - corner) ** 2).sum(axis=1) + off for corner in np.eye(3)])


def test_a_search_goes_on_the_same_with_more_generations_and_beats_chance() -> None:
    begin = np.random.default_rng(5).random((20, 8))
    points, costs = front_searched(bowl, begin, objectives=3, generations=25, seed=9)
    np.random.seed(1)  # nothing of it hangs on what others draw
    fewer, _ = front_searched(bowl, begin, objectives=3, generations=10, seed=9)
    assert np.array_equal(points[: len(fewer)], fewer)
    assert not np.array_equal(points, front_searched(bowl, begin, objectives=3, generations=25, seed=10)[0])
    assert ((points >= 0.0) & (points <= 1.0)).all()
    chance = bowl(np.random.default_rng(6).random((len(points), 8)))
    worst = np.full(3, 2.5)
    assert hypervolume_of(costs[front_of(costs)], worst) > 1.1 * hypervolume_of(chance[front_of(chance)], worst)


# ---------------------------------------------------------------- what is searched


def test_what_is_searched_is_chosen_by_programs_within_the_ledger() -> None:
    space = space_of(load_scenario("full_program"))
    names = [one.parameter for one in space.ranges]
    assert len(set(names)) == len(names)
    assert {f"policy.{lever}" for lever in LEVERS} | set(ENDS) < set(names)
    assert {"tiers.key.seats", "tiers.strategic.attention", "tiers.key.concession", "budget.hours_per_kam"} < set(names)
    for one in space.ranges:
        section, _, key = one.parameter.partition(".")
        assert section in ("tiers", *TERMS_OF_PROGRAM)
        if key not in LEVERS:
            row = parameter_named(one.parameter)
            assert row is not None
            assert row.parse(one.low) <= one.high == row.parse(one.high)
    for name in EFFECTS:
        assert parameter_named(name) is not None


def test_a_point_stands_for_a_program_and_back() -> None:
    space = space_of(load_scenario("full_program"))
    generator = np.random.default_rng(2)
    for point in generator.random((50, len(space.choices))):
        values = space.values(point)
        program = space.program(values, "mine")
        chosen = dict(zip(values, space.chosen(program), strict=True))
        assert chosen == values
        assert space.values(space.point(program)) == values
        for choice, value in zip(space.choices, values.values(), strict=True):
            one = choice.range
            assert one.low <= value <= one.high or (choice.can_be_unset and value == 0)
            assert not one.whole or value == int(value)
    # The very program is among them, but for the least digits of its concessions.
    near = space.values(space.point(space.scenario))
    for name, value in zip(near, space.chosen(space.scenario), strict=True):
        one = next(one for one in space.ranges if one.parameter == name)
        if one.low <= value <= one.high:
            assert abs(near[name] - value) <= (0 if one.whole else (one.high - one.low) / STEPS / 2) + 1e-9


def test_all_of_a_range_is_found_and_as_much_of_each_whole_number() -> None:
    (choice,) = space_of(small(), ["tiers.key.seats=3..6"]).choices
    parts = np.arange(0.0005, 1.0, 0.001)
    counts = np.unique([choice.value(part) for part in parts], return_counts=True)
    assert counts[0].tolist() == [3, 4, 5, 6]
    assert counts[1].tolist() == [250] * 4
    (lever,) = space_of(small(), ["policy.alignment=0.2..0.6"]).choices
    assert len({lever.value(part) for part in parts}) == STEPS + 1
    assert (lever.value(0.0), lever.value(1.0)) == (0.2, 0.6)


def test_retiering_stays_of_the_kind_that_the_scenario_has() -> None:
    by_spend = space_of(small("spend_retiering"), ["policy.retiering"])
    program = by_spend.program({"policy.retiering": 0.35}, "mine")
    assert program.policy.retiering == {"spend": 0.35}
    assert program.retiers_by_spend()
    assert not space_of(small(), ["policy.retiering"]).program({"policy.retiering": 0.35}, "mine").retiers_by_spend()


@pytest.mark.parametrize(
    ("name", "vary", "sentence"),
    [
        ("population", [], "population: is a mix of suppliers, not one program"),
        ("no_program", [], "no_program: has no key accounts to choose a program for"),
        ("status_quo", ["world.turnover=0.1..0.2"], "world.turnover is nothing that a program chooses; name what to"),
        ("status_quo", ["timeline.discount"], "timeline.discount is nothing that a program chooses"),
        ("status_quo", ["policy.team_alignment=0.1..1"], "policy.team_alignment is nothing that a program chooses"),
        ("status_quo", ["policy.alinment"], r"'policy\.alinment' is no parameter; did you mean 'policy\.alignment'"),
        ("status_quo", ["tiers.gold.seats=1..5"], r"'tiers\.gold\.seats' is no parameter"),
        (
            "status_quo",
            ["policy.rebate"],
            r"policy\.rebate needs a range to be searched in, policy\.rebate=LOW\.\.HIGH",
        ),
        ("status_quo", ["policy.rebate=0..2"], r"policy\.rebate must be a number from 0 to 0\.4"),
        ("status_quo", ["policy.rebate=0.2..0.1"], r"give the lower end first, policy\.rebate=LOW\.\.HIGH"),
        ("status_quo", ["policy.rebate=0.1:0.2"], r"give a range as two numbers, policy\.rebate=LOW\.\.HIGH"),
        ("status_quo", ["policy.selection=0..1.5"], r"a lever has strengths from 0 to 1"),
        ("status_quo", ["tiers.key.seats=1..500"], r"seats in \[tiers\] add up to"),
        ("status_quo", ["policy.selection", "policy.selection=0..1"], "policy.selection is named twice"),
    ],
)
def test_what_no_program_chooses_is_refused_in_a_sentence(name: str, vary: list[str], sentence: str) -> None:
    with pytest.raises(KamsimError, match=sentence) as error:
        space_of(load_scenario(name), vary)
    assert "\n" not in str(error.value)


def test_what_is_set_for_the_run_is_not_searched_and_said() -> None:
    fixed = small().changed(tiers={"ordered": {"key": {"seats": 4}}}, fixed=["tiers.key.seats", "world.accounts"])
    asked = ask_optimize(fixed, None, **FEW)
    assert "tiers.key.seats" not in [one.parameter for one in asked.space.ranges]
    assert any("not searched, for it is set for this run: tiers.key.seats" in note for note in asked.notes)
    with pytest.raises(KamsimError, match="is set for this run, so it cannot be searched too"):
        space_of(fixed, ["tiers.key.seats=1..5"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"evaluations": 39}, "`evaluations` must be at least 40, one generation of programs, not 39"),
        ({"replications": 1}, "`replications` must be at least 2"),
        ({"seed": -1}, "seed"),
        ({"jobs": 0}, "jobs must be at least 1"),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(KamsimError, match=sentence):
        ask_optimize(small(), None, **arguments)


# ---------------------------------------------------------------- what is found


def test_the_optimum_that_a_grid_knows_is_found() -> None:
    """How many key accounts: every number is played, in the very market scenarios of the search."""
    # Support for many of them at little cost, so that the best number is neither the least nor the most.
    planted = small("enterprise_selection", elevation_cost=0.02, capacity_per_seat=0.6)
    asked = ask_optimize(planted, None, vary=[SEATS], replications=60, evaluations=80, seed=4)
    points, costs = searched(asked)
    grid = [asked.space.program({"tiers.key.seats": number}, "tried") for number in range(1, 21)]
    sets = optimizing._played(asked, grid, asked.searched, asked.seed, asked.worlds_a_set)
    known = figures_of(sets) * (-1.0, 1.0, 1.0)
    best = int(known[:, 0].argmin())
    assert 0 < best < 19, "an optimum at an end would be found by any search"
    assert asked.space.values(points[costs[:, 0].argmin()]) == {"tiers.key.seats": best + 1}
    # Not only the best: all of the front, to the last bit.
    front = {tuple(costs[place].tolist()) for place in front_of(costs)}
    assert front == {tuple(known[place].tolist()) for place in front_of(known)}
    # And what is told is as good in other market scenarios as the best number is there.
    told = optimize(asked)
    again = optimizing._played(asked, grid, asked.checked, seed_apart(asked.seed, 7), 300)
    points = figures_of(again)[:, 0]
    assert points[int(told.front[0].chosen["tiers.key.seats"]) - 1] > points.max() - 0.3
    assert points.max() - points.min() > 3.0


def test_two_choices_at_once_are_found_as_a_grid_of_both_has_them() -> None:
    vary = ["tiers.key.seats=1..12", "policy.selection=0..1"]
    asked = ask_optimize(small(), None, vary=vary, replications=30, evaluations=240, seed=8)
    points, costs = searched(asked)
    steps = [(number, round(part / STEPS, 6)) for number in range(1, 13) for part in range(STEPS + 1)]
    grid = [asked.space.program({"tiers.key.seats": n, "policy.selection": part}, "tried") for n, part in steps]
    known = figures_of(optimizing._played(asked, grid, asked.searched, asked.seed, asked.worlds_a_set))
    gains = np.sort(known[:, 0])
    # Of 252 programs it need not try all, but ends among the best three.
    assert len(np.unique(points, axis=0)) < 252
    assert -costs[:, 0].min() >= gains[-3]


def test_the_front_gains_with_every_generation_and_more_than_by_chance() -> None:
    asked = ask_optimize(small(), posterior(4), replications=16, evaluations=320, seed=5)
    _, costs = searched(asked)
    volumes = list(optimizing._volumes(costs))
    assert len(volumes) == asked.generations
    assert volumes[0] == 1.0
    assert all(one <= other for one, other in pairwise(volumes))
    assert volumes[-1] > 1.2
    chance = np.random.default_rng(5).random((asked.evaluations - GENERATION, len(asked.space.choices)))
    rest = [optimizing._costs_of(asked, chance[at : at + GENERATION]) for at in range(0, len(chance), GENERATION)]
    by_chance = list(optimizing._volumes(np.concatenate([costs[:GENERATION], *rest])))
    assert volumes[-1] > by_chance[-1]


def test_the_first_programs_tried_are_those_known_before(asked: Search) -> None:
    points = optimizing._first_points(asked)
    assert points.shape == (GENERATION, len(asked.space.choices))
    assert len(np.unique(points, axis=0)) == GENERATION
    rows = points.tolist()
    for program in asked.known:
        if program.name in ("status_quo", "full_program", "full_half_size", "full_with_incubator"):
            assert asked.space.point(program).tolist() in rows
    assert {"full_half_size", "status_quo"} <= {program.name for program in asked.known}


# ---------------------------------------------------------------- what is told of it


def test_search_and_check_share_no_parameter_set_and_no_market_scenario(asked: Search) -> None:
    assert not set(asked.searched.values) & set(asked.checked.values)
    assert set(asked.searched.values) | set(asked.checked.values) == set(posterior().values)
    few = ask_optimize(small(), posterior(3), **FEW)
    assert few.searched == few.checked
    assert any("the same few parameter sets are played in the search and in the check" in note for note in few.notes)
    seeds = {asked.seed, *(seed_apart(asked.seed, times) for times in (1, 2, 3, 4))}
    assert len(seeds) == 5


def test_figures_are_those_of_the_program_that_is_written_played_anew(
    asked: Search, found: Optimum, tmp_path: Path
) -> None:
    write_optimum(tmp_path, asked, found, ["kamsim", "optimize"])
    programs = [load_scenario(tmp_path / f"{one.name}.toml") for one in found.front]
    assert [one.name for one in programs] == [one.name for one in found.front]
    nobody = without_program(small())
    worlds, sets = asked.worlds_checked, asked.checked
    halves = [
        optimizing.played_in_own_worlds([nobody, *programs], sets, None, seed_apart(3, half), worlds, 1)[0]
        for half in (1, 2)
    ]
    told = np.array([one.figures for one in found.front])
    assert np.allclose((figures_of(halves[0]) + figures_of(halves[1])) / 2, told, rtol=0.1)
    money = np.mean([half.money[:, 1:, MONEY.total].mean(axis=0) for half in halves], axis=0)
    assert money / found.horizon.years == pytest.approx([one.money for one in found.front], rel=1e-12)
    points = [
        100 * np.mean([half.money[:, 1:, MONEY.total] for half in halves], axis=0)
        / np.mean([half.money[:, 1:, MONEY.sales] for half in halves], axis=0)
    ]  # fmt: skip
    assert points[0].mean(axis=0) == pytest.approx([one.figures.gain for one in found.front], rel=1e-12)
    # What chose them is another figure, told in JSON alone.
    assert all(one.searched is not None and one.searched.gain != one.figures.gain for one in found.front)
    assert all(one.searched is None for one in found.known)


def test_gains_are_those_of_a_comparison_of_the_same_programs(asked: Search, found: Optimum) -> None:
    """At the best fit alone, in many market scenarios: the gain is what kamsim compare tells, within luck."""
    alone = ask_optimize(small(), None, vary=["policy.selection=0..1"], replications=60, evaluations=40, seed=2)
    told = optimize(alone)
    program = alone.space.program(told.front[0].chosen, "mine")
    compared = compare(with_reference([program]), None, replications=480, seed=99)
    total = next(term for term in compared.bridge if term.term == "total")
    luck = math.hypot(told.front[0].luck, (total.points_high - total.points_low) / 2)
    assert abs(told.front[0].figures.gain - total.points) < 1.5 * luck


def test_where_programs_do_not_differ_nothing_is_better() -> None:
    """Which part a review may replace, where there is no review: the winner of the search is like all others."""
    asked = ask_optimize(small(), posterior(), vary=["policy.retiering_share=0..0.5"], seed=6, **FEW)
    asked = asked._replace(known=asked.known[:1])
    told = optimize(asked)
    assert len(told.front) == told.front_size == 1
    assert told.best == told.knee == "program_1"
    assert told.lead.points == told.lead.luck == 0.0
    assert told.front[0].figures == told.known[0].figures
    assert told.front[0].regret == told.known[0].regret
    assert "It is no better than status_quo, the best program known before" in "\n".join(sentences(told))


def test_the_lead_is_told_by_luck_that_chose_neither(asked: Search, found: Optimum) -> None:
    rival = max(found.known, key=lambda one: one.figures.gain)
    assert found.known[0] == rival
    assert (found.lead.name, found.lead.rival) == (found.best, rival.name) == (found.front[0].name, rival.name)
    programs = {one.name: one for one in asked.known}
    mine = asked.space.program(found.front[0].chosen, "mine")
    scenarios = [programs[rival.name], mine, asked.nobody]
    sets, _ = optimizing.played_in_own_worlds(
        scenarios, asked.checked, None, seed_apart(3, 3), 2 * asked.worlds_checked, 1
    )
    points = 100 * sets.money[:, 1, MONEY.total] / sets.money[:, 1, MONEY.sales]
    assert found.lead.points == pytest.approx(points.mean(), rel=1e-12)
    assert found.lead.ahead == (points > 0).mean()


def test_regret_is_of_the_best_in_each_set_told_by_the_other_half(found: Optimum) -> None:
    regrets = [one.regret for one in (*found.front, *found.known)]
    gains = [one.figures.gain for one in (*found.front, *found.known)]
    # It is the distance in gain to what one would earn who knew the set.
    assert np.ptp(np.array(regrets) + gains) < 0.01 * np.ptp(gains)
    assert max(regrets) > 0.0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"points": 0.2, "luck": 0.3}, "no better than"),
        ({"points": -0.2, "luck": 0.3}, "no better than"),
        ({"points": -2.0}, "earns less than"),
        ({"points": 2.0, "verdict": "better", "ahead": 1.0}, "earns more than other, "),
        ({"points": 2.0, "verdict": "undecided", "ahead": 0.7}, "so undecided"),
    ],
)
def test_what_is_no_better_than_what_was_known_is_said_to_be_so(found: Optimum, changed: dict, said: str) -> None:
    lead = Lead("program_1", "other", 2.0, 0.3, -1.0, 4.0, 0.8, "undecided")
    assert said in "\n".join(sentences(replace(found, lead=replace(lead, **changed))))


# ---------------------------------------------------------------- the same whatever happens


def test_the_same_to_the_last_bit_whatever_the_jobs(asked: Search, found: Optimum) -> None:
    assert optimize(asked._replace(workers=3)) == found
    assert optimize(asked._replace(seed=4)) != found


def test_a_search_goes_on_where_a_shorter_one_ended(asked: Search, found: Optimum, tmp_path: Path) -> None:
    folder, told = tmp_path / "search", list[int]()
    shorter = optimize(asked._replace(evaluations=GENERATION), folder)
    assert len((folder / LOG).read_text().splitlines()) == 2
    assert shorter.evaluations == GENERATION
    assert optimize(asked, folder, told.append) == found
    assert told == sorted(told)
    assert told[-1] == asked.work
    whole = (folder / LOG).read_bytes()
    # Once more plays no generation again, and a shorter one again is what it was.
    assert optimize(asked, folder) == found
    assert optimize(asked._replace(evaluations=GENERATION), folder) == shorter
    assert (folder / LOG).read_bytes() == whole


def test_a_damaged_log_is_played_again_or_named(asked: Search, found: Optimum, tmp_path: Path) -> None:
    folder, notes = tmp_path / "search", list[str]()
    optimize(asked, folder)
    lines = (folder / LOG).read_bytes().splitlines(keepends=True)
    (folder / LOG).write_bytes(b"".join([*lines[:2], lines[2].replace(b"0.1", b"0.2", 1)]))
    assert optimize(asked, folder, note=notes.append) == found
    assert len(notes) == 1
    assert "line 3 is damaged" in notes[0]
    with pytest.raises(KamsimError, match=r"holds another search \(seed is 3 there, 4 here\)"):
        optimize(asked._replace(seed=4), folder)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system kills in another way")
def test_killed_it_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    scenario = tmp_path / "mine.toml"
    scenario.write_text(
        'extends = "status_quo"\n[world]\naccounts = 40\naccounts_per_kam = 2.0\n'
        "[timeline]\nwarmup_years = 1\nwindow_years = 3\n"
    )
    words = [str(scenario), "--evaluations=240", "--replications=48", "--sets=6", "--json", "--jobs=1"]

    def command(folder: str) -> list[str]:
        return [sys.executable, "-m", "kamsim", "optimize", *words, "--out", str(tmp_path / folder)]

    def lines() -> int:
        log = tmp_path / "killed" / LOG
        return log.read_bytes().count(b"\n") if log.exists() else 0

    whole = subprocess.run(command("whole"), capture_output=True, text=True, check=True)
    process = subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while lines() < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert 3 <= lines() < 7, "it was killed in the middle of its search"
    assert {path.name for path in (tmp_path / "killed").iterdir()} <= {LOG, ".lock"}
    again = subprocess.run(command("killed"), capture_output=True, text=True, check=True)
    one, other = json.loads(whole.stdout), json.loads(again.stdout)
    assert one | {"folder": ""} == other | {"folder": ""}
    files = {path.name for path in (tmp_path / "whole").iterdir()}
    assert files == {path.name for path in (tmp_path / "killed").iterdir()}
    for name in files:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name


# ---------------------------------------------------------------- table, figure, files and command


def test_the_table_tells_every_program_in_words_and_no_figure_of_the_search(found: Optimum) -> None:
    text = str(text_of(front_table(found)))
    for one in found.front:
        assert one.name in text
        assert f"{one.figures.gain:+.1f}" in text
        assert one.searched is not None
    assert "most profit" in text
    assert "knee" in text
    assert max(map(len, text.splitlines())) <= 92
    content = content_of(found)
    assert content["front"][0]["searched"]["gain"] == found.front[0].searched.gain
    json.dumps(content, allow_nan=False)


def test_words_say_what_has_a_say(found: Optimum) -> None:
    chosen = dict(found.front[0].chosen)
    chosen |= {"policy.alignment": 0.4, "policy.boundaries": 0.0, "policy.selection": 1.0, "policy.retiering": 0.0}
    chosen |= {"tiers.key.seats": 5, "tiers.strategic.seats": 0, "rebuild.patience": 0, "elevation.incubator_years": 1}
    words = in_words(found, chosen)
    assert "enterprise criteria; cross-functional team 40 %; no bilateral boundaries; no re-tiering" in words
    assert "5 key accounts" in words
    assert "no strategic accounts" in words
    assert "incubator of 1 year" in words
    for silent in ("review", "weighs", "for strategic", "health"):
        assert silent not in words
    chosen |= {"policy.retiering": 1.0, "policy.retiering_years": 2, "policy.retiering_share": 0.25}
    assert "re-tiering; " in in_words(found, chosen)
    assert "a review every 2 years; which may replace 25 %" in in_words(found, chosen)


def test_the_figure_is_the_same_every_time(found: Optimum) -> None:
    drawn = front_figure(found)
    assert drawn.startswith(b"\x89PNG")
    assert front_figure(found) == drawn
    alone = replace(found, posterior="", knee=found.best)
    assert front_figure(alone) != drawn


def test_files_of_an_earlier_run_of_more_programs_go(asked: Search, found: Optimum, tmp_path: Path) -> None:
    (tmp_path / "program_99.toml").write_text("")
    (tmp_path / "mine.toml").write_text("")
    written = write_optimum(tmp_path, asked, found, ["kamsim", "optimize"])
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml", *(path.name for path in written)}


def run(*words: str) -> Any:
    return CliRunner().invoke(main, ["optimize", *words])


def small_file(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "full_program"\n[world]\naccounts = 30\n[timeline]\nwarmup_years = 1\nwindow_years = 2\n'
    )
    return str(path)


def test_the_command_prints_the_front_and_writes_programs_that_others_take(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    few = ("--evaluations=40", "--replications=8", "--sets=4")
    said = run(small_file(tmp_path), *few, "--set", "world.gross_margin=0.3")
    assert said.exit_code == 0, said.output
    assert "Most profit in the search: program_1" in said.output
    assert "set for this run: world.gross_margin = 0.3" in said.output
    (folder,) = Path("results").iterdir()
    assert folder.name.startswith("optimize-")
    program = load_scenario(folder / "program_1.toml")
    assert program.world.gross_margin == 0.3
    assert run(small_file(tmp_path), *few, "--json").exit_code == 0
    checked = CliRunner().invoke(main, ["scenario", "check", str(folder / "program_1.toml")])
    assert checked.exit_code == 0


def test_a_file_of_accounts_is_played_in_its_own_book_and_money(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(7)
    rows = "".join(f"A{number},{1000 * size:.2f}\n" for number, size in enumerate(generator.lognormal(0, 1, 40)))
    Path("book.csv").write_text(f"account_id,annual_spend\n{rows}")
    words = (
        "--evaluations=40",
        "--replications=8",
        "--sets=0",
        "--vary",
        "tiers.key.seats=1..9",
        "--json",
        "--out",
        "out",
    )
    told = json.loads(run("book.csv", *words).stdout)
    assert (told["book"], told["accounts"], told["scenario"]) == ("book.csv", 40, "status_quo")
    assert told["unit_of_money"] > 10
    assert [one["parameter"] for one in told["ranges"]] == ["tiers.key.seats"]
    again = json.loads(run("status_quo", "--accounts", "book.csv", *words).stdout)
    assert again["front"] == told["front"]
    assert run("book.csv", "--accounts", "book.csv", *words).exit_code == 2
    # Written down, it is played on the same accounts; the command that made it names no folder.
    program = load_scenario("out/program_1.toml")
    assert program.book is not None
    assert Path(program.book.file).samefile("book.csv")
    assert str(tmp_path) not in (Path("out") / "program_1.toml").read_text().splitlines()[0]
    mine = Path("mine.toml")
    mine.write_text('extends = "status_quo"\n[book]\nfile = "book.csv"\n')
    carried = json.loads(run("mine.toml", *words[:-1], "again").stdout)
    assert carried["book"] == "book.csv"
    assert [one["figures"] for one in carried["front"]] == [one["figures"] for one in told["front"]]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing_there"], "there is no scenario of that name"),
        (["status_quo", "--evaluations=3"], "--evaluations must be at least 40"),
        (["status_quo", "--vary=policy.rebate"], "needs a range"),
        (
            ["status_quo", "--sets=0", "--posterior=mine.csv"],
            "--posterior names parameter sets, and --sets 0 plays none",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(words: list[str], sentence: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(*words)
    assert said.exit_code == 2
    assert sentence in said.output
    assert len(said.output.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == []
