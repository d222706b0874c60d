"""Paired comparison against known answers; the same to the last bit whatever the workers and the chunks."""

import json
import math
import pickle
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from kamsim.books.book import Book, read_book
from kamsim.errors import KamsimError
from kamsim.experiments import pool, replications
from kamsim.experiments.jobs import Job, Table, job_of, play_organizations
from kamsim.experiments.manifest import read_manifest, scenarios_of
from kamsim.experiments.pool import available_cores, chunk_for, in_blocks, run_in_chunks
from kamsim.measures.choice import FILED
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import Account, Horizon
from kamsim.report import comparison as comparing
from kamsim.scenario import Scenario, load_scenario
from kamsim.studies import compare as compare_module
from kamsim.studies.compare import (
    Comparison,
    compare,
    compared_measures,
    notes_on_what_was_not_seen,
    outcome_blocks,
    tallied,
)
from kamsim.studies.reference import elevates, with_reference
from kamsim.studies.watch import play_run

ROOT = Path(__file__).resolve().parents[1]
COLUMN = {measure.name: column for column, measure in enumerate(MEASURES)}
SMALL = {"world": {"accounts": 12}, "timeline": {"history_years": 2, "warmup_years": 1, "window_years": 2}}


def small(name: str, **sections: Any) -> Scenario:
    return load_scenario(name).changed(**(SMALL | sections))


def table_with(outcomes: np.ndarray) -> Table:
    nothing = np.empty((len(outcomes), 0))
    return Table(outcomes, np.ones((len(outcomes), len(Account._fields))), nothing, nothing, nothing, nothing)


def blocks_of(values: np.ndarray, size: int = 512) -> Iterator[np.ndarray]:
    return in_blocks([values], size)


def planted(replications: int, scenarios: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(5.0, 2.0, (replications, scenarios, len(MEASURES)))


def rows_of(values: np.ndarray, size: int = 512) -> dict[tuple[str, str], Any]:
    names = [f"s{number}" for number in range(values.shape[1])]
    rows = compared_measures(tallied(blocks_of(values, size)), names)
    return {(row.measure, row.scenario): row for row in rows}


# ---------------------------------------------------------------- statistics


def test_a_planted_difference_comes_back_exactly() -> None:
    values = np.repeat(planted(40, 1), 2, axis=1)
    values[:, 1] += 0.25 * (1 + np.arange(40) % 2)[:, None]
    row = rows_of(values)["total_profit", "s1"]
    assert row.difference == pytest.approx(0.375, rel=1e-12)
    assert row.mean == pytest.approx(values[:, 1, COLUMN["total_profit"]].mean(), rel=1e-12)


@pytest.mark.parametrize("replications", [2, 3, 30, 1300])
def test_intervals_are_those_of_scipy(replications: int) -> None:
    values = planted(replications, 3)
    for (measure, scenario), row in rows_of(values).items():
        if scenario == "s0":
            continue
        column, place = COLUMN[measure], int(scenario[1:])
        expected = stats.ttest_rel(values[:, place, column], values[:, 0, column]).confidence_interval(0.95)
        assert row.low == pytest.approx(expected.low, rel=1e-9)
        assert row.high == pytest.approx(expected.high, rel=1e-9)


def test_the_variance_survives_values_far_from_zero() -> None:
    values = planted(1500, 2)
    near = rows_of(values)["total_profit", "s1"]
    values[:, 1] += 1e9
    far = rows_of(values)["total_profit", "s1"]
    assert far.high - far.low == pytest.approx(near.high - near.low, rel=1e-6)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(400):
        row = rows_of(planted(12, 2, seed))["collaboration", "s1"]
        covered += row.low <= 0.0 <= row.high
    assert 0.92 <= covered / 400 <= 0.98


def test_the_reference_differs_from_itself_by_nothing() -> None:
    for (_, scenario), row in rows_of(planted(600, 2)).items():
        if scenario == "s0":
            assert (row.difference, row.low, row.high) == (0.0, 0.0, 0.0)


def test_only_pairs_count_where_a_measure_is_missing() -> None:
    values = planted(9, 2)
    column = COLUMN["collaboration"]
    values[:3, 0, column] = np.nan
    values[2:5, 1, column] = np.inf
    row = rows_of(values)["collaboration", "s1"]
    pairs = values[5:, 1, column] - values[5:, 0, column]
    assert row.replications == 4
    assert row.difference == pytest.approx(pairs.mean(), rel=1e-12)
    assert row.mean == pytest.approx(np.r_[values[:2, 1, column], values[5:, 1, column]].mean(), rel=1e-12)


def test_one_replication_has_a_difference_and_no_interval() -> None:
    row = rows_of(planted(1, 2))["total_profit", "s1"]
    assert math.isfinite(row.difference)
    assert math.isnan(row.low)
    assert math.isnan(row.high)


def test_best_follows_the_direction_of_the_measure() -> None:
    values = np.ones((4, 2, len(MEASURES)))
    values[:, 1] = 2.0
    for (measure, scenario), row in rows_of(values).items():
        higher = MEASURES[COLUMN[measure]].higher_is_better
        wins = math.nan if higher is None else float((scenario == "s1") == higher)
        assert row.probability_best == pytest.approx(wins, nan_ok=True)


def test_ties_are_split_and_missing_scenarios_do_not_contend() -> None:
    values = np.zeros((4, 3, len(MEASURES)))
    profit = COLUMN["total_profit"]
    values[0, :, profit] = [1.0, 1.0, 1.0]
    values[1, :, profit] = [2.0, 2.0, 1.0]
    values[2, :, profit] = [np.nan, 5.0, 7.0]
    values[3, :, profit] = np.nan
    rows = rows_of(values)
    best = [rows["total_profit", f"s{place}"].probability_best for place in range(3)]
    assert best == pytest.approx([(1 / 3 + 1 / 2) / 3, (1 / 3 + 1 / 2) / 3, (1 / 3 + 1) / 3], rel=1e-12)


def test_probabilities_add_up_to_one() -> None:
    values = np.round(planted(700, 5))
    values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
    rows = rows_of(values)
    for measure, column in COLUMN.items():
        total = sum(row.probability_best for (name, _), row in rows.items() if name == measure)
        neither = MEASURES[column].higher_is_better is None
        assert total == pytest.approx(math.nan if neither else 1.0, abs=1e-12, nan_ok=True)


def test_a_measure_that_nobody_has_is_unknown_and_valid_json() -> None:
    values = planted(5, 2)
    values[:, :, COLUMN["collaboration"]] = np.nan
    measures = compared_measures(tallied(blocks_of(values)), ["a", "b"])
    content = Comparison(
        ("a", "b"), "a", "nobody", Horizon(7, 0.0, "wallets", "a"), (), (), measures, 1, 5, 0, 0, "", (1.0, 1.0), ()
    ).to_dict()
    assert list(content) == [
        "scenarios", "reference", "reference_in_words", "horizon", "bridge", "worth", "measures", "seed",
        "replications", "sets", "worlds_a_set", "posterior", "notes", "best_program",
    ]  # fmt: skip
    row = next(row for row in content["measures"] if row["measure"] == "collaboration")
    assert row == {
        "measure": "collaboration",
        "scenario": "a",
        "against": "a",
        "mean": None,
        "difference": None,
        "low": None,
        "high": None,
        "probability_best": None,
        "replications": 0,
        "sets_low": None,
        "sets_high": None,
        "better": None,
        "worse": None,
        "best_in_sets": None,
        "verdict": "",
    }
    json.dumps(content, allow_nan=False)


# ---------------------------------------------------------------- blocks, chunks and workers


@pytest.mark.parametrize("size", [1, 4, 7, 100])
def test_blocks_hold_what_came_in_whatever_the_pieces(size: int) -> None:
    whole = planted(23, 2)
    cuts = [whole[:0], whole[:5], whole[5:6], whole[6:21], whole[21:]]
    blocks = list(in_blocks(cuts, size))
    assert np.array_equal(np.concatenate(blocks), whole)
    assert all(len(block) == size for block in blocks[:-1])
    assert list(in_blocks([], size)) == []


def test_money_becomes_money_and_nothing_else_does() -> None:
    tables = [table_with(np.ones((3, len(MEASURES)))), table_with(np.ones((3, len(MEASURES))))]
    (block,) = outcome_blocks([tables], [job_of(small("status_quo"))._replace(unit=unit) for unit in (10.0, 20.0)])
    for column, measure in enumerate(MEASURES):
        assert block[0, :, column].tolist() == ([10.0, 20.0] if "money" in measure.unit else [1.0, 1.0])


def played_by_number(jobs: Any, seed: int, first: int, count: int) -> list[Table]:
    """Stand-in for the kernel: outcomes that depend on the organization's number alone."""
    outcomes = np.array(
        [
            np.random.default_rng([seed, number]).normal(size=(2, len(MEASURES)))
            for number in range(first, first + count)
        ]
    )
    return [table_with(outcomes[:, place]) for place in range(2)]


@pytest.mark.parametrize("chunk", [1, 7, 64])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_rows_come_in_order_whatever_the_workers_and_chunks(
    monkeypatch: pytest.MonkeyPatch, workers: int, chunk: int
) -> None:
    monkeypatch.setattr(pool, "play_organizations", played_by_number)
    done: list[int] = []
    chunks = list(run_in_chunks([], 5, 100, workers=workers, chunk=chunk, progress=done.append))
    rows = np.concatenate([tables[1].outcomes for tables in chunks])
    assert np.array_equal(rows, played_by_number([], 5, 0, 100)[1].outcomes)
    assert done == [*range(chunk, 100, chunk), 100]


class Counting(Executor):
    """Runs a task only when its result is asked for, and counts those that wait."""

    def __init__(self) -> None:
        self.most = 0
        self.cancelled = 0
        self.waiting = 0

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        executor = self
        self.waiting += 1
        self.most = max(self.most, self.waiting)

        class Lazy(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:
                executor.waiting -= 1
                return function(*arguments)

            def cancel(self) -> bool:
                executor.cancelled += 1
                return True

        return Lazy()


def test_a_bounded_number_is_in_flight_and_the_rest_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "play_organizations", played_by_number)
    executor = Counting()
    chunks = run_in_chunks([], 5, 1000, workers=2, chunk=1, executor=executor)
    next(chunks)
    next(chunks)
    chunks.close()
    assert executor.most == 5
    assert executor.cancelled == 4


def test_an_error_in_a_chunk_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(jobs: Any, seed: int, first: int, count: int) -> list[Table]:
        if first == 3:
            raise ArithmeticError("organization 3")
        return played_by_number(jobs, seed, first, count)

    monkeypatch.setattr(pool, "play_organizations", broken)
    done: list[int] = []
    with pytest.raises(ArithmeticError, match="organization 3"):
        list(run_in_chunks([], 5, 1000, workers=2, chunk=1, progress=done.append))
    assert done == [1, 2, 3]


def test_chunks_are_a_quarter_second_and_leave_work_for_all() -> None:
    few, many = job_of(small("status_quo")), job_of(load_scenario("status_quo").changed(world={"accounts": 100_000}))
    assert chunk_for([many], 1000, 1) == 1
    assert chunk_for([few], 10**6, 1) > chunk_for([few] * 8, 10**6, 1) > 1
    assert chunk_for([few], 10, 2) == 5
    assert available_cores() >= 1


def test_work_can_be_sent_to_another_process() -> None:
    jobs: list[Job] = [job_of(small("status_quo")), job_of(small("no_program"))]
    function, sent = pickle.loads(pickle.dumps((play_organizations, jobs)))
    for here, there in zip(play_organizations(jobs, 9, 2, 2), function(sent, 9, 2, 2), strict=True):
        assert all(one.tobytes() == other.tobytes() for one, other in zip(here, there, strict=True))


@pytest.fixture(scope="module")
def reference_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    out = tmp_path_factory.mktemp("reference") / "run"
    with pytest.MonkeyPatch.context() as patch:
        with_small_blocks(patch, chunk=3)
        return compare([small("status_quo"), small("full_program")], replications=20, jobs=1, out=out), out


def with_small_blocks(patch: pytest.MonkeyPatch, chunk: int) -> None:
    """Let a short run have several row groups, cut by chunks of the given size."""
    patch.setattr(replications, "ROW_GROUP", 8)
    patch.setattr(compare_module, "ROW_GROUP", 8)
    patch.setattr(pool, "chunk_for", lambda *_: chunk)


@pytest.mark.parametrize(("workers", "chunk"), [(1, 64), (2, 1), (2, 7), (3, 7), (3, 64)])
def test_a_comparison_is_the_same_to_the_last_byte(
    reference_run: tuple[Comparison, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, chunk: int
) -> None:
    with_small_blocks(monkeypatch, chunk)
    expected, folder = reference_run
    found = compare([small("status_quo"), small("full_program")], replications=20, jobs=workers, out=tmp_path / "run")
    assert found == expected
    for file in ("replications.parquet", "comparison.csv", "manifest.json"):
        assert (tmp_path / "run" / file).read_bytes() == (folder / file).read_bytes()


def test_memory_does_not_grow_with_replications() -> None:
    jobs = [job_of(small("status_quo"))] * 4

    def peak(organizations: int) -> int:
        chunks = ([table_with(np.ones((64, len(MEASURES))))] * 4 for _ in range(organizations // 64))
        tracemalloc.start()
        tallied(outcome_blocks(chunks, jobs))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(64 * 16)
    assert peak(64 * 800) < 1.2 * peak(64 * 40)


# ---------------------------------------------------------------- whole


def test_two_scenarios_that_play_alike_tie_everywhere() -> None:
    twin = small("status_quo").changed(name="twin")
    comparison = compare([small("status_quo"), twin], replications=6)
    for row in comparison.measures:
        assert (row.difference, row.low, row.high, row.probability_best) == (0.0, 0.0, 0.0, 0.5)
    (note,) = comparison.notes  # what six worlds have not shown may come about all the same
    assert note.startswith("no difference in any of 6 market scenarios (up to 50.00% of all may still differ): ")
    assert all((f"{measure.label} of twin" in note) == (measure.name in FILED) for measure in MEASURES)


def test_a_difference_in_so_few_worlds_that_its_interval_may_miss_the_truth_is_said() -> None:
    values = planted(200, 2)
    values[:, 1, :] = values[:, 0, :]
    values[:4, 1, [row.name for row in MEASURES].index("total_profit")] += 1.0
    tally = tallied(blocks_of(values))
    assert tally.differing.tolist()[0] == [0] * len(MEASURES)
    never, few = notes_on_what_was_not_seen(tally, ["a", "b"])
    assert "no difference in any of 200 market scenarios (up to 1.50% of all may still differ)" in never
    assert (
        few
        == "few market scenarios show any difference, so these intervals may be wrong: Total profit of b (in 4 of 200)"
    )


def test_the_table_agrees_with_the_replications_kept(reference_run: tuple[Comparison, Path]) -> None:
    comparison, folder = reference_run
    frame = replications.read_replications(folder)
    wide = frame.pivot_table(index="replication", columns=["scenario", "measure"], values="value", observed=True)
    for row in comparison.measures:
        own, reference = wide[row.scenario, row.measure], wide[comparison.reference, row.measure]
        assert row.mean == pytest.approx(own.mean(), rel=1e-9)
        assert row.difference == pytest.approx((own - reference).mean(), rel=1e-9, abs=1e-12)


def test_a_run_can_be_repeated_from_its_manifest(reference_run: tuple[Comparison, Path]) -> None:
    comparison, folder = reference_run
    manifest = read_manifest(folder)
    again = compare(scenarios_of(manifest), replications=manifest["replications"], seed=manifest["seed"], jobs=1)
    assert [row.measure for row in again.measures] == [row.measure for row in comparison.measures]
    for row, expected in zip(again.measures, comparison.measures, strict=True):
        assert row.mean == pytest.approx(expected.mean, rel=1e-12)


def test_money_scales_with_the_median_wallet() -> None:
    rich = small("status_quo", world={"accounts": 12, "median_wallet": 1000.0}).changed(name="rich")
    comparison = compare([small("status_quo"), rich], replications=4)
    rows = {(row.measure, row.scenario): row for row in comparison.measures}
    assert rows["total_profit", "rich"].mean == pytest.approx(1000 * rows["total_profit", "status_quo"].mean)
    assert rows["collaboration", "rich"].mean == rows["collaboration", "status_quo"].mean
    assert comparison.unit_of_money == (1.0, 1000.0)


# ---------------------------------------------------------------- the reference


def test_no_program_is_played_in_the_world_of_the_first_and_stands_first() -> None:
    first = small("status_quo", world={"accounts": 15}).changed(fixed=("tiers.key.seats", "world.accounts"))
    reference, *others = with_reference([first, small("full_program")])
    assert others == [first, small("full_program")]
    assert (reference.name, elevates(reference), elevates(first)) == ("no_program", False, True)
    assert (reference.world, reference.timeline) == (first.world, first.timeline)
    assert reference.fixed == ("world.accounts",)  # it has no seats to set
    nobody, shipped = (
        compare([one], replications=3).measures for one in (reference, small("no_program", world={"accounts": 15}))
    )
    assert [row.mean for row in nobody] == pytest.approx([row.mean for row in shipped], nan_ok=True, rel=0, abs=0)


def test_a_scenario_without_seats_is_no_program_whatever_its_name() -> None:
    nobody = small("no_program").changed(name="as_it_is")
    assert [one.name for one in with_reference([small("status_quo"), nobody])] == ["as_it_is", "status_quo"]
    given = [small("status_quo"), nobody, small("full_program")]
    assert [one.name for one in with_reference(given, "full_program")] == ["full_program", "status_quo", "as_it_is"]
    assert with_reference([]) == []
    with pytest.raises(KamsimError, match="did you mean 'as_it_is'"):
        with_reference(given, "as_it_si")


def test_what_no_program_cannot_have_is_held_against_the_first_with_a_program() -> None:
    comparison = compare([small(name) for name in ("no_program", "status_quo", "full_program")], replications=5)
    alone = compare([small("status_quo"), small("full_program")], replications=5)
    expected = {row.measure: row for row in alone.measures if row.scenario == "full_program"}
    for row in comparison.measures:
        measure = MEASURES[COLUMN[row.measure]]
        assert row.against == ("status_quo" if measure.needs_program else "no_program")
        if row.scenario == row.against:
            assert (row.difference, row.low, row.high) == (0.0, 0.0, 0.0)
        elif row.scenario == "no_program":
            assert math.isnan(row.difference)
        elif measure.needs_program:
            assert (row.difference, row.low) == (expected[row.measure].difference, expected[row.measure].low)
    said = [
        note
        for note in comparison.notes
        if note.startswith("the others are compared with no program (no_program: no key")
    ]
    assert len(said) == 1
    assert "compared with status_quo: growth of each program's own key accounts" in said[0]
    assert not any("the others are compared with" in note for note in alone.notes)


def test_different_worlds_are_said() -> None:
    other = small("full_program", world={"accounts": 24})
    comparison = compare([small("status_quo"), other, small("no_program")], replications=2)
    (note,) = (note for note in comparison.notes if note.startswith("full_program: "))
    assert note.endswith("differences include those of the market, not only of the program")


def test_a_real_book_is_played_in_its_own_money() -> None:
    book = read_book(ROOT / "scenarios" / "example_book.csv")
    scenarios = [load_scenario("status_quo"), load_scenario("no_program")]
    comparison = compare(scenarios, replications=3, book=book)
    assert comparison.unit_of_money[0] == comparison.unit_of_money[1] > 1.0
    assert comparison.notes[: len(book.notes)] == book.notes
    profit = next(row.mean for row in comparison.measures if row.measure == "total_profit")
    years = scenarios[0].timeline.warmup_years + scenarios[0].timeline.window_years
    assert 0.05 < profit / (years * book.annual_spend.sum()) < 1.0


def test_capped_seats_are_said_once() -> None:
    capped = {"world": {"accounts": 40}, "tiers": {"seat_cap": 2}}
    scenarios = [small("status_quo", **capped), small("full_program", **capped)]
    (note,) = compare(scenarios, replications=1).notes
    assert note.startswith("every scenario: a share of 40 accounts")
    (note,) = compare([small("status_quo", world={"accounts": 40}), scenarios[1]], replications=1).notes
    assert note.startswith("full_program: a share of 40 accounts")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"replications": 0}, "replications must be"),
        ({"replications": -3}, "replications must be"),
        ({"seed": -1}, "the seed must be"),
        ({"seed": 2**64}, "the seed must be"),
        ({"jobs": 0}, "jobs must be"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, int], sentence: str) -> None:
    with pytest.raises(KamsimError, match=sentence):
        compare([small("status_quo")], **arguments)  # type: ignore[arg-type]


def test_scenarios_must_be_given_and_told_apart(small_book: Book) -> None:
    with pytest.raises(KamsimError, match="named 'status_quo'"):
        compare([small("status_quo"), small("status_quo")])
    with pytest.raises(KamsimError, match="no scenario"):
        compare([])
    with pytest.raises(KamsimError, match="more than the 2 accounts"):
        compare([small("status_quo", tiers={"ordered": {"key": {"seats": 5}}})], book=small_book)


@pytest.fixture
def small_book(tmp_path: Path) -> Book:
    path = tmp_path / "book.csv"
    path.write_text("account_id,annual_spend\nA,100\nB,50\n")
    return read_book(path)


# ---------------------------------------------------------------- table and figure


def test_a_money_unit_horizon_and_population_that_differ_are_said_in_the_figure_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figures: list[Figure] = []

    def kept(figure: Figure) -> bytes:
        figures.append(figure)
        return b""

    monkeypatch.setattr(comparing, "png", kept)
    quo = load_scenario("status_quo").changed(**SMALL)
    comparing.comparison_figure(compare([quo], replications=2, jobs=1))
    assert figures[-1].legends[0].get_title().get_text() == ""
    for name, changed, key in (
        ("money", quo.changed(world={"median_wallet": 1000.0}), "world.median_wallet"),
        ("horizon", quo.changed(timeline={"window_years": 3}), "timeline.window_years"),
        ("people", load_scenario("population").changed(**SMALL), "[population]"),
    ):
        found = compare([quo, changed.model_copy(update={"name": name})], replications=2, jobs=1)
        assert any(key in note and note.startswith(f"{name}: ") for note in found.notes)
        comparing.comparison_figure(found)
        shown = " ".join(figures[-1].legends[0].get_title().get_text().split())
        assert all(f"Note: {note}" in shown for note in found.notes)


def test_a_program_whose_places_stay_empty_is_said_to_be_none() -> None:
    nobody_serves = {"elevation": {"capacity_check": 1.0, "capacity_slack": 0.0}, "budget": {"hours_per_kam": 0.01}}
    empty = small("status_quo").changed(name="empty", **nobody_serves)
    said = "empty: in every market scenario nobody is a key account: its capacity check leaves all places empty"
    assert any(said in note for note in compare([small("no_program"), empty], replications=3).notes)
    assert any("in this market scenario nobody" in note for note in play_run(empty).notes)
    assert not any(
        "nobody is" in note for note in compare([small("no_program"), small("status_quo")], replications=3).notes
    )
