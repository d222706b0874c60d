"""Experiment files and designs: what ships can be played, designs are the known ones, faults are one sentence."""

import csv
import inspect
import math
import re
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from kamsim import KamsimError, load_scenario
from kamsim.experiments import file as design
from kamsim.experiments.chunks import plan_of, with_point
from kamsim.experiments.designs import MOST_POINTS, Experiment, points_of
from kamsim.experiments.file import experiment_folder, load_experiment, shipped_experiments
from kamsim.experiments.fractions import smallest_fraction
from kamsim.experiments.jobs import job_of
from kamsim.experiments.sweep import check_points, estimate_of
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import Scenario

QUESTION = 'question = "What then?"\n'
LEVERS = (
    "[levers]\nselection = ['spend', 'enterprise']\nalignment = [0, 1]\n"
    "boundaries = [0, 1]\nretiering = ['static', 1]\n"
)
CORNERS = (
    "[uncertainties]\n'world.turnover' = { low = 0.02, high = 0.06 }\n'world.disruption' = { low = 0, high = 1 }\n"
)


def written(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def experiment(folder: Path, design: str, factors: str, top: str = ""):
    return load_experiment(written(folder, f"{QUESTION}{top}\n[design]\n{design}\n{factors}"))


def played(made: Experiment, point: int) -> list[Scenario]:
    """Scenarios that a sweep plays at a point."""
    plan = plan_of(made)
    return [with_point(policy, plan.points[point]) for policy in plan.policies]


def size_of(made: Experiment) -> tuple[int, int, int, int]:
    plan = plan_of(made)
    return len(plan.points), len(plan.policies), plan.replications, plan.size


def said(folder: Path, text: str) -> str:
    path = written(folder, text)
    with pytest.raises(KamsimError) as fault:
        load_experiment(path)
    sentence = str(fault.value)
    assert sentence.startswith(str(folder))
    assert "\n" not in sentence
    return sentence.removeprefix(f"{path}: ")


def factors_of(number: int) -> str:
    """So many uncertainties of two levels."""
    rows = [
        "turnover", "disruption", "tie_kept", "tie_decay", "trust_drift", "trust_mean", "share_speed", "bond_speed",
        "arrival", "trust_sd", "alignment_sd", "overload_weight", "fatigue_decay", "report_noise", "skill_sd",
        "gross_margin", "trust_noise", "fit_noise", "hour_cost", "support_cost", "growth_sd",
        "tie_mean", "tie_sd", "alignment_mean", "share_base", "follow",
    ]  # fmt: skip
    return "[uncertainties]\n" + "".join(f"'world.{row}' = [0.1, 0.3]\n" for row in rows[:number])


# ---------------------------------------------------------------- what ships


def test_the_experiments_that_are_promised_are_shipped() -> None:
    assert shipped_experiments() == [
        "collaboration",
        "four_levers",
        "how_much_to_invest",
        "investment_frontier",
        "kinds_of_retiering",
        "largest_accounts",
        "quota_rule",
        "rebuild_rule",
        "rebuild_trap",
        "retiering",
    ]
    table = (experiment_folder() / "README.md").read_text(encoding="utf-8")
    for name in shipped_experiments():
        assert f"| `{name}.toml` | {load_experiment(name).question} |" in table


def test_b14_the_files_that_readmes_name_are_there() -> None:
    root = Path(__file__).parents[1]
    for readme in ("experiments/README.md", "README.md", "CONTRIBUTING.md"):
        named = re.findall(r"`([\w/]+\.(?:py|md))`", (root / readme).read_text(encoding="utf-8"))
        for name in named:
            assert any((root / room / name).exists() for room in ("", "kamsim", "experiments")), f"{readme}: {name}"


@pytest.mark.parametrize("name", shipped_experiments())
def test_every_shipped_experiment_asks_and_can_be_played_at_every_point(name: str) -> None:
    shipped = load_experiment(name)
    assert shipped.name == name
    assert shipped.question.endswith("?")
    points, plan = points_of(shipped), plan_of(shipped)
    assert len(points.values) == len(points.matrix) == len(plan.points)
    # A replication-policy takes about a millisecond of a core: less than a minute on two.
    assert plan.size <= 60_000
    for point, values in enumerate(points.values):
        scenarios = played(shipped, point)
        assert [scenario.name for scenario in scenarios] == [policy.name for policy in shipped.policies]
        assert all(job_of(scenario).policy.seats.sum() > 0 for scenario in scenarios)
        assert list(values) == [factor.name for factor in shipped.factors] == list(points.names)
    assert {name: {kind} for name, kind in plan.factors.items()} == {
        name: {type(value) if isinstance(value, int | float) else str for value in (at[name] for at in points.values)}
        for name in points.names
    }


@pytest.mark.parametrize("name", shipped_experiments())
def test_designs_are_the_same_every_time(name: str) -> None:
    one, other = points_of(load_experiment(name)), points_of(load_experiment(name))
    assert one.matrix.tobytes() == other.matrix.tobytes()
    assert list(one.values) == list(other.values)


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    plain = experiment(tmp_path, "kind = 'full'", LEVERS)
    assert [policy.name for policy in plain.policies] == ["status_quo"]
    assert (plain.replications, plain.seed, plain.design.seed, plain.compare) == (200, 1, 1, "total_profit")
    assert plain.measures == tuple(measure.name for measure in MEASURES)
    assert size_of(plain) == (16, 1, 200, 3200)
    narrow = experiment(tmp_path, "kind = 'full'", LEVERS, "measures = ['collaboration', 'quota_miss_rate']")
    assert (narrow.measures, narrow.compare) == (("collaboration", "quota_miss_rate"), "collaboration")


# ---------------------------------------------------------------- full and grid


def test_a_full_design_is_in_the_order_of_yates(tmp_path: Path) -> None:
    full = points_of(experiment(tmp_path, "kind = 'full'", factors_of(3)))
    assert full.matrix.tolist() == [list(row[::-1]) for row in product([-1.0, 1.0], repeat=3)]
    assert full.values[1] == {"world.turnover": 0.3, "world.disruption": 0.1, "world.tie_kept": 0.1}
    assert full.values[6] == {"world.turnover": 0.1, "world.disruption": 0.3, "world.tie_kept": 0.3}


def test_a_range_stands_for_its_ends_in_a_full_design(tmp_path: Path) -> None:
    full = points_of(experiment(tmp_path, "kind = 'full'", CORNERS))
    assert [tuple(values.values()) for values in full.values] == [(0.02, 0), (0.06, 0), (0.02, 1), (0.06, 1)]


def test_a_grid_is_the_product_of_its_levels_the_last_changing_fastest(tmp_path: Path) -> None:
    text = (
        "[levers]\nselection = ['spend', 0.5, 'enterprise']\n'tiers.key.seats' = [0.05, 12]\n"
        "[uncertainties]\n'world.patience_least' = { low = 1, high = 5, levels = 3 }\n"
        "'world.turnover' = { low = 0.05, high = 0.15, levels = 3 }\n"
    )
    grid = points_of(experiment(tmp_path, "kind = 'grid'", text))
    levels = (["spend", 0.5, "enterprise"], [0.05, 12], [1, 3, 5], [0.05, 0.1, 0.15])
    assert [tuple(values.values()) for values in grid.values] == list(product(*levels))
    assert grid.matrix[0].tolist() == [-1.0] * 4
    assert np.unique(grid.matrix[:, 0]).tolist() == [-1.0, 0.0, 1.0]


def test_dotted_names_need_no_quotes(tmp_path: Path) -> None:
    text = "[levers]\ntiers.key.seats = [0.05, 0.1]\n[uncertainties]\nworld.turnover = { low = 0.02, high = 0.05 }\n"
    assert points_of(experiment(tmp_path, "kind = 'full'", text)).names == ("tiers.key.seats", "world.turnover")


def test_values_are_put_into_scenarios(tmp_path: Path) -> None:
    text = (
        "[levers]\nretiering = ['static', { spend = 0.5 }]\n'tiers.key.seats' = [1, 0.09]\n'rebuild.fatigue' = [0, 1]\n"
        "[uncertainties]\n'timeline.window_years' = [5, 7]\n"
    )
    full = experiment(tmp_path, "kind = 'full'", text, "base = 'full_program'")
    last = played(full, 15)[0]
    assert last.retiers_by_spend()
    assert (last.tiers.ordered["key"].seats, last.rebuild.fatigue, last.timeline.window_years) == (0.09, 1.0, 7)
    assert last.policy.selection == "enterprise"
    first = played(full, 0)[0]
    assert isinstance(first.tiers.ordered["key"].seats, int)
    assert first.policy.retiering == "static"
    with pytest.raises(IndexError, match="no point 16"):
        points_of(full).values[16]
    assert points_of(full).values[14:] == [points_of(full).values[14], points_of(full).values[15]]


def test_numbers_of_a_factor_are_of_one_type(tmp_path: Path) -> None:
    text = (
        "[levers]\nselection = [0, 0.5, 1]\n'tiers.key.seats' = [0, 0.05]\n[uncertainties]\nworld.turnover = [0, 1]\n"
    )
    mixed = experiment(tmp_path, "kind = 'grid'", text)
    assert {type(level) for factor in mixed.factors for level in factor.levels} == {float}
    counted = experiment(tmp_path, "kind = 'grid'", "[levers]\n'tiers.key.seats' = [0, 5]\n")
    assert {type(level) for level in counted.factors[0].levels} == {int}


def test_policies_are_played_side_by_side_the_base_first(tmp_path: Path) -> None:
    written(tmp_path, "extends = 'full_program'\n[world]\naccounts = 60\n", "own")
    top = "policies = ['status_quo', './own.toml']\nbase = './own.toml'"
    both = experiment(tmp_path, "kind = 'full'", CORNERS, top)
    assert [policy.name for policy in both.policies] == ["own", "status_quo"]
    assert both.base.world.accounts == 60
    scenarios = played(both, 1)
    assert [scenario.name for scenario in scenarios] == ["own", "status_quo"]
    assert [scenario.world.turnover for scenario in scenarios] == [0.06, 0.06]
    assert size_of(both) == (4, 2, 200, 1600)


def test_values_that_do_not_go_together_name_the_point(tmp_path: Path) -> None:
    text = "[uncertainties]\n'world.patience_least' = [2, 5]\n'world.patience_most' = [4, 6]\n"
    full = experiment(tmp_path, "kind = 'full'", text)
    assert played(full, 0)[0].world.patience_most == 4
    with pytest.raises(KamsimError) as fault:
        check_points(plan_of(full))
    sentence = str(fault.value)
    assert "mine: point 1 (world.patience_least = 5, world.patience_most = 4)" in sentence
    assert "patience_most must not be below patience_least" in sentence


# ---------------------------------------------------------------- fractions


@pytest.mark.parametrize(
    ("factors", "resolution", "runs", "reached"),
    [
        # Box, Hunter & Hunter (2005), table of two-level fractional factorial designs.
        (3, 3, 4, 3), (4, 4, 8, 4), (5, 5, 16, 5), (5, 3, 8, 3), (6, 3, 8, 3), (7, 3, 8, 3), (6, 4, 16, 4),
        (7, 4, 16, 4), (8, 4, 16, 4), (6, 5, 32, 6), (7, 5, 64, 7), (8, 5, 64, 5), (9, 4, 32, 4), (9, 5, 128, 6),
        (10, 5, 128, 5), (11, 5, 128, 5), (15, 3, 16, 3), (16, 4, 32, 4), (4, 3, 8, 4), (11, 4, 32, 4),
    ],
)  # fmt: skip
def test_the_smallest_fractions_are_the_tabulated_ones(factors: int, resolution: int, runs: int, reached: int) -> None:
    columns = smallest_fraction(factors, resolution)
    assert len(columns) == factors
    assert 1 << max(columns).bit_length() == runs
    assert min(word_lengths(columns)) == reached


def word_lengths(columns: tuple[int, ...]) -> list[int]:
    """Lengths of all words by trying every set of factors."""
    lengths = []
    for chosen in range(1, 1 << len(columns)):
        signs = 0
        for place, mask in enumerate(columns):
            signs ^= mask if chosen >> place & 1 else 0
        if signs == 0:
            lengths.append(chosen.bit_count())
    return lengths


@pytest.mark.parametrize(
    ("factors", "resolution", "words"), [(9, 4, 6), (10, 4, 10), (11, 4, 25), (9, 3, 4), (11, 3, 12)]
)
def test_the_fraction_of_fewest_short_words_is_chosen(factors: int, resolution: int, words: int) -> None:
    """As in the tables of designs of minimum aberration (Chen, Sun & Wu 1993)."""
    assert word_lengths(smallest_fraction(factors, resolution)).count(resolution) == words


@pytest.mark.parametrize(
    ("factors", "design", "generators"),
    [
        (4, "resolution = 4", ("D = ABC",)),
        (5, "resolution = 3", ("D = AB", "E = AC")),
        (7, "resolution = 3", ("D = AB", "E = AC", "F = BC", "G = ABC")),
        (5, "", ("E = ABCD",)),
        (4, "generators = ['D = AB']", ("D = AB",)),
        (5, "generators = ['B=ACD', 'E = A C']", ("B = ACD", "E = AC")),
        (6, "generators = ['E = ABC', 'F = BCD']\nresolution = 4", ("E = ABC", "F = BCD")),
    ],
)
def test_fractions_follow_their_generators(
    tmp_path: Path, factors: int, design: str, generators: tuple[str, ...]
) -> None:
    made = experiment(tmp_path, f"kind = 'fractional'\n{design}", factors_of(factors))
    matrix = points_of(made).matrix
    assert matrix.shape == (2 ** (factors - len(generators)), factors)
    column = dict(zip("ABCDEFG", matrix.T, strict=False))
    for generator in generators:
        left, right = generator.split(" = ")
        assert (column[left] == np.prod([column[letter] for letter in right], axis=0)).all()
    basic = [letter for letter in "ABCDEFG"[:factors] if not any(text.startswith(letter) for text in generators)]
    expected = [list(row[::-1]) for row in product([-1.0, 1.0], repeat=len(basic))]
    assert np.array([column[letter] for letter in basic]).T.tolist() == expected
    assert points_of(made).names[0] == "world.turnover"


# ---------------------------------------------------------------- sampled designs


def test_a_latin_hypercube_has_one_point_in_every_stratum(tmp_path: Path) -> None:
    text = (
        CORNERS + "'world.patience_least' = { low = 1, high = 6 }\n[levers]\nselection = ['spend', 'enterprise']\n"
        "'tiers.key.seats' = { low = 5, high = 16 }\nretiering = { low = 0, high = 1 }\n"
    )
    sample = points_of(experiment(tmp_path, "kind = 'latin_hypercube'\npoints = 60", text))
    assert sample.names[0] == "selection"  # levers first
    for column in sample.matrix.T:
        assert sorted(np.floor(column * 60).tolist()) == list(range(60))
    values = {name: [point[name] for point in sample.values] for name in sample.names}
    assert [values["selection"].count(preset) for preset in ("spend", "enterprise")] == [30, 30]
    assert sorted(values["tiers.key.seats"]) == sorted(list(range(5, 17)) * 5)
    assert sorted(values["world.patience_least"]) == sorted(list(range(1, 7)) * 10)
    assert 0.02 <= min(values["world.turnover"]) < max(values["world.turnover"]) <= 0.06
    turnover = sample.matrix[:, sample.names.index("world.turnover")]
    assert values["world.turnover"] == pytest.approx((0.02 + 0.04 * turnover).tolist())


def test_sobol_points_are_those_of_scipy(tmp_path: Path) -> None:
    sample = points_of(experiment(tmp_path, "kind = 'sobol'\npoints = 32\nseed = 5", CORNERS))
    expected = qmc.Sobol(2, rng=np.random.default_rng(5)).random_base2(5)
    assert sample.matrix.tobytes() == expected.tobytes()
    again = points_of(experiment(tmp_path, "kind = 'sobol'\npoints = 32\nseed = 6", CORNERS))
    assert again.matrix.tobytes() != expected.tobytes()


# ---------------------------------------------------------------- tables of points


def test_points_written_down_are_read_back(tmp_path: Path) -> None:
    text = CORNERS + "[levers]\nselection = ['spend', 0.5]\n'tiers.key.seats' = { low = 5, high = 16 }\n"
    sample = points_of(experiment(tmp_path, "kind = 'latin_hypercube'\npoints = 20", text))
    with (tmp_path / "points.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, sample.names)
        rows.writeheader()
        rows.writerows(sample.values)
    table = experiment(tmp_path, "kind = 'points'\nfile = 'points.csv'", "")
    read = points_of(table)
    assert read.names == sample.names
    assert list(read.values) == list(sample.values)
    assert [factor.role for factor in table.factors] == ["lever", "lever", "uncertainty", "uncertainty"]
    assert read.matrix.min(axis=0).tolist() == [0.0] * 4
    assert read.matrix.max(axis=0).tolist() == [1.0] * 4
    assert played(table, 19)[0].world.turnover == sample.values[19]["world.turnover"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("world.turnover\n", "points.csv: needs a line with the names of the factors and a line for every point"),
        ("", "points.csv: needs a line with the names"),
        ("world.turnovr\n0.1\n", "points.csv, line 1: there is no 'world.turnovr'; did you mean 'world.turnover'?"),
        ("selection,selection\n0,1\n", "points.csv, line 1: 'selection' is there twice"),
        ("world.turnover\n0.1\n\n1.5\n", "points.csv, line 4: world.turnover must be a number from 0 to 1"),
        ("world.turnover\nmuch\n", "points.csv, line 2: world.turnover must be a number from 0 to 1 "
         "(chance a quarter), not 'much'"),
        ("selection\nenterprize\n", "points.csv, line 2: selection: 'enterprize' is no preset; did you mean"),
        ("selection,world.turnover\n0\n", "points.csv, line 2: has 1 values for 2 factors"),
        ("selection\n0\n1\n0\n", "points.csv, line 4: is the same point as line 2"),
        ('selection\n"0\n', "points.csv, line 2: not valid CSV"),
    ],
)  # fmt: skip
def test_faults_of_a_table_name_its_line(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "points.csv").write_text(content)
    assert sentence in said(tmp_path, QUESTION + "[design]\nkind = 'points'\nfile = 'points.csv'")


def test_a_table_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    text = QUESTION + "[design]\nkind = 'points'\nfile = 'points.csv'"
    assert "points.csv: cannot be read" in said(tmp_path, text)
    (tmp_path / "points.csv").write_bytes(b"\xff\xfe")
    assert "points.csv: not a text file in UTF-8" in said(tmp_path, text)
    (tmp_path / "points.csv").write_text("world.turnover\n0.1\n")
    assert "[levers] is not for kind points" in said(tmp_path, f"{text}\n{LEVERS}")


def test_a_table_may_vary_levers_only_without_policies(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("world.turnover,selection\n0.1,0\n0.2,1\n")
    text = f"{QUESTION}policies = ['status_quo', 'full_program']\n[design]\nkind = 'points'\nfile = 'points.csv'"
    assert "policies and levers (selection) cannot both be given" in said(tmp_path, text)


# ---------------------------------------------------------------- faults


FULL = "[design]\nkind = 'full'\n"
ASKED = QUESTION + FULL
FRACTION = "[design]\nkind = 'fractional'\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        # Keys and what they hold.
        ("qestion = 'x'\n" + FULL + LEVERS, "unknown key 'qestion'; did you mean 'question'?"),
        (FULL + LEVERS, "question must be given: one line of text"),
        ("question = 'a\\nb'\n".replace("'", '"') + FULL + LEVERS, "question must be one line of text, not"),
        ("question = ''\n" + FULL + LEVERS, "question must be one line of text, not ''"),
        (QUESTION + LEVERS, "design must be given: a section, [design], with its kind"),
        (QUESTION + "design = 3\n" + LEVERS, "design must be a section, [design], with its kind, not 3"),
        (QUESTION + "[design]\n" + LEVERS, "kind in [design] must be given: one of full, fractional"),
        (QUESTION + "[design]\nkind = 'ful'\n" + LEVERS, "kind in [design]: there is no design 'ful'; did you mean"),
        (QUESTION + "[design]\nkind = 3\n" + LEVERS, "kind in [design] must be one of full, fractional"),
        (ASKED + "pionts = 3\n" + LEVERS, "unknown key 'pionts' in [design]; did you mean 'points'?"),
        (ASKED + "points = 4\n" + LEVERS,
         "points in [design] is for kind latin_hypercube and sobol, not for full"),
        (ASKED + "resolution = 4\n" + LEVERS, "resolution in [design] is for kind fractional, not for full"),
        (QUESTION + "[design]\nkind = 'sobol'\n" + LEVERS, "points in [design] must be given for kind sobol"),
        (QUESTION + "[design]\nkind = 'points'\n", "file in [design] must be given for kind points"),
        (QUESTION + "[design]\nkind = 'sobol'\npoints = 100\n" + LEVERS,
         "points in [design] must be a power of two for kind sobol, such as 64 or 128, not 100"),
        (QUESTION + "[design]\nkind = 'sobol'\npoints = 1\n" + LEVERS,
         "points in [design] must be a whole number from 2 to 1,000,000, not 1"),
        (QUESTION + "[design]\nkind = 'sobol'\npoints = 4.0\n" + LEVERS, "points in [design] must be a whole number"),
        (QUESTION + "replications = 0\n" + FULL + LEVERS, "replications must be a whole number from 1 to 2**32, not 0"),
        (QUESTION + "replications = true\n" + FULL + LEVERS, "must be a whole number from 1 to 2**32, not true"),
        (QUESTION + "seed = -1\n" + FULL + LEVERS, "seed must be a whole number from 0 to below 2**64, not -1"),
        (QUESTION + "measures = ['profit']\n" + FULL + LEVERS, "measures: there is no measure 'profit'; did you mean"),
        (QUESTION + "measures = []\n" + FULL + LEVERS, "measures must be a list of names of measures, not []"),
        (QUESTION + "measures = [3]\n" + FULL + LEVERS, "measures must be a list of names of measures, not 3"),
        (QUESTION + "measures = ['collaboration', 'collaboration']\n" + FULL + LEVERS,
         "measures: 'collaboration' is named twice"),
        (QUESTION + "compare = 'total_profits'\n" + FULL + LEVERS,
         "compare: there is no measure 'total_profits'; did you mean 'total_profit'?"),
        (QUESTION + "measures = ['collaboration']\ncompare = 'total_profit'\n" + FULL + LEVERS,
         "compare is 'total_profit', which is not among the measures"),
        # Scenarios.
        (QUESTION + "base = 'status_qou'\n" + FULL + LEVERS, "base: status_qou: there is no scenario of that name"),
        (QUESTION + "base = 'none.toml'\n" + FULL + LEVERS, "none.toml: there is no such scenario file"),
        (QUESTION + "policies = ['full']\n" + FULL + CORNERS, "policies: full: there is no scenario"),
        (QUESTION + "policies = []\n" + FULL + CORNERS, "policies must be a list of scenario names"),
        (QUESTION + "base = 'no_program'\npolicies = ['status_quo']\n" + FULL + CORNERS,
         "base is 'no_program', which is not among the policies"),
        (QUESTION + "policies = ['status_quo', 'status_quo']\n" + FULL + CORNERS,
         "policies: two of them are named 'status_quo'"),
        (QUESTION + "policies = ['status_quo']\n" + FULL + LEVERS,
         "policies and levers (selection, alignment, boundaries, retiering) cannot both be given"),
        # Names of factors.
        (ASKED, "nothing is varied; give factors in [levers] or [uncertainties]"),
        (ASKED + "[levers]\nselecton = [0, 1]", "[levers]: there is no 'selecton'; did you mean 'selection'?"),
        (ASKED + "[levers]\nturnover = [0, 1]", "[levers]: there is no 'turnover'; did you mean 'world.turnover'?"),
        (ASKED + "[levers]\npolicy.selection = [0, 1]", "there is no 'policy.selection'; did you mean 'selection'?"),
        (ASKED + "[levers]\nzzz = [0, 1]", "there is no 'zzz'; levers are selection, alignment"),
        (ASKED + "[uncertainties]\nselection = [0, 1]",
         "selection in [uncertainties] is something that a program chooses; it belongs in [levers]"),
        (ASKED + "[uncertainties]\nrebuild.fatigue = [0, 1]",
         "rebuild.fatigue in [uncertainties] is something that a program chooses; it belongs in [levers]"),
        (ASKED + "[levers]\nworld.turnover = [0, 1]",
         "world.turnover in [levers] is nothing that a program chooses; it belongs in [uncertainties]"),
        (ASKED + "[levers]\ntimeline.window_years = [1, 2]", "it belongs in [uncertainties]"),
        (ASKED + "[levers]\ntiers.gold.seats = [1, 2]",
         "there is no 'tiers.gold.seats'; did you mean 'tiers.key.seats'?"),
        # Levels and ranges.
        (ASKED + "[levers]\nselection = ['spend']", "selection in [levers] needs at least two levels"),
        (ASKED + "[levers]\nselection = []", "selection in [levers] needs at least two levels"),
        (ASKED + "[levers]\nselection = 0.5",
         "selection in [levers] must be a list of levels or a table { low, high }, not 0.5"),
        (ASKED + "[levers]\nselection = ['spend', 'enterprize']",
         "selection in [levers]: 'enterprize' is no preset; did you mean 'enterprise'?"),
        (ASKED + "[levers]\nselection = [0, 1.5]",
         "selection in [levers] must be a strength from 0 to 1 or a preset (spend, enterprise), not 1.5"),
        (ASKED + "[levers]\nretiering = [0, { health = 1 }]", "retiering in [levers] must be a strength"),
        (ASKED + "[levers]\nselection = ['spend', 0]", "selection in [levers]: 0.0 is there twice"),
        (ASKED + "[levers]\nretiering = ['performance', 1]", "retiering in [levers]: 1.0 is there twice"),
        (ASKED + "[uncertainties]\nworld.turnover = [0.1, 1.5]",
         "world.turnover in [uncertainties] must be a number from 0 to 1 (chance a quarter), not 1.5"),
        (ASKED + "[uncertainties]\nworld.turnover = [0.1, nan]", "not nan"),
        (ASKED + "[uncertainties]\nworld.turnover = [0.1, true]", "not true"),
        (ASKED + "[uncertainties]\nworld.turnover = [0.1, '0.2']", "not '0.2'"),
        (ASKED + "[uncertainties]\nworld.functions = [2, 2.5]",
         "world.functions in [uncertainties] must be a whole number from 1 to 16 (functions), not 2.5"),
        (ASKED + "[levers]\ntiers.key.attention = [0, 1]",
         "tiers.key.attention in [levers] must be a number above 0 to 10 (weight), not 0"),
        (ASKED + "[levers]\ntiers.key.seats = [1.0, 2]",
         "tiers.key.seats in [levers] must be a whole number from 0 to 100,000, or a share of accounts below 1"),
        (ASKED + "[levers]\ntiers.key.seats = { low = 0.1, high = 12 }",
         "tiers.key.seats in [levers]: low and high must both be shares below 1"),
        (ASKED + "[uncertainties]\nworld.turnover = { low = 0.1 }",
         "world.turnover in [uncertainties]: high must be given: a number"),
        (ASKED + "[uncertainties]\nworld.turnover = { low = 0.1, hihg = 0.2 }",
         "world.turnover in [uncertainties]: unknown key 'hihg'; did you mean 'high'?"),
        (ASKED + "[uncertainties]\nworld.turnover = { low = 'a', high = 0.2 }", "low must be a number, not 'a'"),
        (ASKED + "[uncertainties]\nworld.turnover = { low = 0.3, high = 0.2 }",
         "world.turnover in [uncertainties]: low must be below high, not 0.3 and 0.2"),
        (ASKED + "[uncertainties]\nworld.turnover = { low = 0.3, high = 1.2 }", "must be a number from 0 to 1"),
        (ASKED + "[uncertainties]\nworld.turnover = { low = 0.1, high = 0.2, levels = 1 }",
         "world.turnover in [uncertainties]: levels must be a whole number from 2 to 1,000,000, not 1"),
        (ASKED + "[uncertainties]\nworld.functions = { low = 1, high = 4, levels = 3 }",
         "world.functions in [uncertainties]: 3 levels from 1 to 4 are not whole numbers; give them as a list"),
        (QUESTION + "[design]\nkind = 'grid'\n" + CORNERS,
         "world.turnover in [uncertainties] needs levels for kind grid"),
        # Sizes and fractions.
        (ASKED + factors_of(20), "the design has 1,048,576 points, more than 1,000,000"),
        (QUESTION + "[design]\nkind = 'grid'\n[uncertainties]\nworld.turnover = { low = 0, high = 1, levels = 1001 }\n"
         "world.disruption = { low = 0, high = 1, levels = 1000 }", "the design has 1,001,000 points"),
        (QUESTION + FRACTION + "[levers]\nselection = [0, 0.5, 1]", "has 3 levels, and kind fractional takes two"),
        (QUESTION + FRACTION + factors_of(3), "no fraction of 3 factors has resolution 4; take kind full"),
        (QUESTION + FRACTION + factors_of(17), "chooses generators for up to 16 factors, not for 17"),
        (QUESTION + FRACTION + "resolution = 2\n" + factors_of(5),
         "resolution in [design] must be a whole number from 3 to 6, not 2"),
        (QUESTION + FRACTION + "generators = ['D is ABC']\n" + LEVERS,
         "generators in [design]: 'D is ABC' must read such as 'D = ABC', with a different letter, A to D"),
        (QUESTION + FRACTION + "generators = ['D = ABE']\n" + LEVERS, "must read such as 'D = ABC'"),
        (QUESTION + FRACTION + "generators = ['D = A']\n" + LEVERS, "must read such as 'D = ABC'"),
        (QUESTION + FRACTION + "generators = ['D = ABD']\n" + LEVERS, "must read such as 'D = ABC'"),
        (QUESTION + FRACTION + "generators = ['D = AAB']\n" + LEVERS, "must read such as 'D = ABC'"),
        (QUESTION + FRACTION + "generators = ['D = AB', 'D = AC']\n" + LEVERS, "D is generated twice"),
        (QUESTION + FRACTION + "generators = ['C = AB', 'D = AC']\n" + LEVERS,
         "D = AC builds on C, which is generated itself"),
        (QUESTION + FRACTION + "generators = ['C = AB', 'D = AB']\n" + LEVERS, "two of them generate the same"),
        (QUESTION + FRACTION + "generators = ['D = AB']\nresolution = 4\n" + LEVERS,
         "generators in [design] give resolution 3, less than the 4 that is asked for"),
        (QUESTION + FRACTION + "generators = ['Z = AB']\n" + factors_of(26), "takes up to 25 factors, not 26"),
        (QUESTION + FRACTION + "generators = []\n" + LEVERS, "generators in [design] must be a list such as"),
    ],
)  # fmt: skip
def test_every_fault_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    assert sentence in said(tmp_path, text)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("four_lever", "four_lever: there is no experiment of that name; did you mean 'four_levers'?"),
        ("zzz", "choose from collaboration, four_levers"),
        ("", "an experiment needs a name"),
        ("nowhere.toml", "nowhere.toml: there is no such experiment file"),
        (str(Path("some") / "where"), "there is no such experiment file"),
    ],
)
def test_a_file_that_is_not_there_is_said(source: str, sentence: str) -> None:
    with pytest.raises(KamsimError) as fault:
        load_experiment(source)
    assert sentence in str(fault.value)


def test_a_file_of_another_kind_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text(QUESTION)
    with pytest.raises(KamsimError, match=r"an experiment file ends in \.toml"):
        load_experiment("mine")
    Path("mine.toml").mkdir()
    with pytest.raises(KamsimError, match="no such experiment file"):
        load_experiment("mine.toml")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"question = ", "not valid TOML"),
        (b"\xff\xfe", "not a text file in UTF-8"),
        (b"seed = " + b"9" * 5_000, "a number is too long"),
        (b"seed = " + b"[" * 3_000 + b"]" * 3_000, ""),
    ],
)
def test_what_no_parser_takes_is_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(KamsimError) as fault:
        load_experiment(path)
    assert f"{path}: " in str(fault.value)
    assert sentence in str(fault.value)


def test_an_installed_package_has_its_experiments_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "kamsim" / "shipped_experiments"
    inside.mkdir(parents=True)
    (inside / "only.toml").write_text(f"{ASKED}{LEVERS}")
    monkeypatch.setattr(design, "__file__", str(tmp_path / "kamsim" / "experiments" / "design.py"))
    assert shipped_experiments() == ["only"]
    assert load_experiment("only").file == str(inside / "only.toml")


def test_a_tier_that_not_all_policies_have_is_no_factor(tmp_path: Path) -> None:
    written(tmp_path, "[tiers.gold]\nseats = 5\n", "gold")
    alone = experiment(tmp_path, "kind = 'full'", "[levers]\ntiers.gold.promise = [0.2, 0.4]", "base = 'gold.toml'")
    assert played(alone, 1)[0].tiers.ordered["gold"].promise == 0.4
    assert "did you mean" in said(tmp_path, f"{QUESTION}{FULL}[levers]\ntiers.gold.promise = [0.2, 0.4]")


def test_a_design_of_a_million_points_is_not_refused(tmp_path: Path) -> None:
    text = (
        "[uncertainties]\nworld.turnover = { low = 0, high = 1, levels = 1000 }\n"
        "world.disruption = { low = 0, high = 1, levels = 1000 }"
    )
    large = experiment(tmp_path, "kind = 'grid'", text)
    points = plan_of(large).points
    assert len(points) == MOST_POINTS
    assert points[MOST_POINTS - 1] == {"world.turnover": 1, "world.disruption": 1}
    assert math.isclose(points[1]["world.disruption"], 1 / 999, rel_tol=1e-11)


TWO_TENTHS = [line.split("'")[1] for line in factors_of(26).splitlines()[1:]]
MANY = "[uncertainties]\n" + "".join(f"'{name}' = {{ low = 0.1, high = 0.3 }}\n" for name in TWO_TENTHS)
A_MILLION_LEVELS = MANY.replace("high = 0.3", "high = 0.3, levels = 1_000_000")


@pytest.mark.parametrize(
    ("design", "factors", "points"),
    [
        ("kind = 'latin_hypercube'\npoints = 1_000_000", MANY, 1_000_000),
        ("kind = 'sobol'\npoints = 524_288", MANY, 524_288),
        ("kind = 'grid'", A_MILLION_LEVELS, None),
        ("kind = 'full'", A_MILLION_LEVELS, None),
        ("kind = 'full'", MANY, None),
        ("kind = 'fractional'\nresolution = 5", factors_of(16), 256),
        ("kind = 'fractional'\ngenerators = ['T = ABC']", factors_of(20), 2**19),
    ],
)
def test_b12_the_size_of_a_design_needs_none_of_its_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, design: str, factors: str, points: int | None
) -> None:
    def refused(*_: Any) -> None:
        raise AssertionError("points were made")

    monkeypatch.setattr("kamsim.experiments.designs._matrix", refused)
    monkeypatch.setattr("kamsim.experiments.file._even", refused)
    if points is None:
        sentence = said(tmp_path, f"{QUESTION}[design]\n{design}\n{factors}")
        assert re.search(r"the design has [\d,]{8,} points, more than 1,000,000; vary less", sentence)
    else:
        estimate = estimate_of(plan_of(experiment(tmp_path, design, factors)), 2)
        assert estimate.points == points


def test_b12_a_hypercube_of_a_million_points_and_sixty_factors_has_its_size_at_once() -> None:
    before = time.process_time()
    estimate = estimate_of(plan_of(load_experiment(Path(__file__).parent / "cases" / "lhs.toml")), 2)
    assert estimate.points == 1_000_000
    assert time.process_time() - before < 5  # a twentieth of a second


def test_b12_a_lever_in_a_long_table_is_checked_once_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{lever},{place / 100_000}" for place in range(20_000) for lever in ("spend", "enterprise")]
    (tmp_path / "points.csv").write_text("\n".join(["selection,world.turnover", *lines]))
    checked, before = list[Any](), design._checked_lever
    monkeypatch.setattr(design, "_checked_lever", lambda *given: (checked.append(given[2]), before(*given))[1])
    assert len(plan_of(experiment(tmp_path, "kind = 'points'\nfile = 'points.csv'", "")).points) == 40_000
    assert checked == ["spend", "enterprise"]


@pytest.mark.parametrize("levels", ["['spend', 0.5]", "[0.2, 0.5]", "{ low = 0, high = 1 }"])
def test_a_column_has_the_type_of_the_values_that_are_there(tmp_path: Path, levels: str) -> None:
    text = f"[levers]\nselection = {levels}\n[uncertainties]\nworld.turnover = [0, 1]\n"
    for seed in range(8):
        values = plan_of(experiment(tmp_path, f"kind = 'latin_hypercube'\npoints = 2\nseed = {seed}", text)).points
        assert values.types() == {name: {type(point[name]) for point in values} for name in values[0]}


def test_public_functions_say_what_they_do() -> None:
    made: list[Any] = [load_experiment, points_of]
    assert all("Parameters\n" in inspect.getdoc(one) and "Returns\n" in inspect.getdoc(one) for one in made)
    assert load_scenario("status_quo") == load_experiment("four_levers").base
