"""Which policy does better, by how much and how surely: paired differences over the same worlds, then over sets.

At the best fit, many worlds tell a difference and how far their luck leaves it open. Then every parameter set that fits
the evidence is played in worlds of its own: what is not known of parameters. Both are told, apart.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial, reduce
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from kamsim.analysis.agreement import Held, Verdict
from kamsim.analysis.intervals import Moments, cautions, half_width_of, merged_moments, moments_of
from kamsim.books.book import Book
from kamsim.errors import KamsimError, shown
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.files import write_table
from kamsim.experiments.folder import RUN_FILES
from kamsim.experiments.jobs import Job, Table, accounts_of, cumulated_of, job_of, scales_of, shared_worlds
from kamsim.experiments.manifest import manifest_of
from kamsim.experiments.pool import checked_workers, in_blocks, run_in_chunks
from kamsim.experiments.replications import ROW_GROUP, replications_file
from kamsim.measures.choice import FILED, NAMES, PROFIT, USUAL, chosen
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import Account, Horizon
from kamsim.records import Record, plain
from kamsim.scenario import Scenario
from kamsim.studies.asked import Asked
from kamsim.studies.best_program import WORLDS, BestProgram, best_program, programs_left_out
from kamsim.studies.bridge import BridgeTerm, Worth, bridge_of, money_moments, worth_of
from kamsim.studies.over_sets import (
    AtSets,
    held_of,
    notes_on_refused,
    played_in_own_worlds,
    posterior_in_manifest,
    some_of,
)
from kamsim.studies.parameter_sets import notes_on_sets
from kamsim.studies.parameter_sets import notes_on_worlds as notes_on_worlds_of_sets
from kamsim.studies.reference import (
    AGAINST_FIRST,
    bases_of,
    elevates,
    horizon_of,
    in_words,
    note_on_empty_program,
    notes_on_reference,
    place_without_program,
    told_in,
)
from kamsim.studies.settings import notes_on_book, notes_on_settings
from kamsim.types import Floats, Progress

REPLICATIONS = 500
OF_KEY_ACCOUNTS = "collaboration"  # a measure that is there wherever somebody is a key account in the years observed
WORLDS_OF_SETS = 5  # times as many worlds as at the best fit, which the parameter sets share
BRIDGE = "bridge.csv"
_FILES = frozenset({*RUN_FILES, BRIDGE})


@dataclass(frozen=True)
class ComparedMeasure:
    """A measure under a scenario, against the same measure under the reference; NaN where it cannot be told.

    Parameters
    ----------
    measure, scenario : str
        Names.
    against : str
        Name of the scenario that it is held against: the reference, or the first with a program where the reference
        has none and the measure needs one.
    mean : float
        Over the replications in which the scenario has the measure, at the best fit.
    difference, low, high : float
        Mean paired difference to that scenario, and its 95 % interval from the luck of worlds (Student's t).
    probability_best : float
        Part of these worlds in which no other scenario does better; ties are split.
    replications : int
        In which both have the measure.
    sets_low, sets_high : float
        Between which the differences of 95 % of the parameter sets lie; this and all below NaN without sets.
    better, worse : float
        Part of the sets in which the mean is better, or worse, than that of the other.
    best_in_sets : float
        Part of the sets in which no other scenario has a better mean; ties are split.
    verdict : str
        ``better`` or ``worse`` where 95 % of the sets agree beyond the luck of their worlds, ``same`` where no set
        gives a difference, else ``undecided``; empty for the other itself and without sets.
    """

    measure: str
    scenario: str
    against: str
    mean: float
    difference: float
    low: float
    high: float
    probability_best: float
    replications: int
    sets_low: float = math.nan
    sets_high: float = math.nan
    better: float = math.nan
    worse: float = math.nan
    best_in_sets: float = math.nan
    verdict: Verdict = ""


@dataclass(frozen=True)
class Comparison(Record):
    """Scenarios compared in the same worlds.

    Parameters
    ----------
    scenarios : tuple of str
        Names, the reference first.
    reference : str
        Name.
    reference_in_words : str
        What it is, where it is no program.
    horizon : Horizon
        What money is told of: years from the launch on, and discounting.
    bridge : tuple of BridgeTerm
        From what the difference in total profit comes, of every scenario but the reference.
    worth : tuple of Worth
        Whether each of these pays, what it returns, and where it breaks even.
    measures : tuple of ComparedMeasure
        Measures under every scenario, the reference's own with differences of 0: those of the table for spreadsheets.
    seed, replications : int
        Of the run; worlds at the best fit.
    sets, worlds_a_set : int
        Parameter sets that were played too, and worlds of each.
    posterior : str
        File that the sets came from; empty without any.
    unit_of_money : tuple of float
        What a median annual wallet is in money, by scenario.
    notes : tuple of str
        What was capped, dropped or assumed, a sentence each.
    shown : tuple of str
        Names of the measures that were chosen to be shown, of both.
    others : tuple of ComparedMeasure
        All other measures, in the same way.
    best_program : BestProgram or None
        The shipped program that earns most of those not compared; None where there is none in this world.
    """

    scenarios: tuple[str, ...]
    reference: str
    reference_in_words: str
    horizon: Horizon
    bridge: tuple[BridgeTerm, ...]
    worth: tuple[Worth, ...]
    measures: tuple[ComparedMeasure, ...]
    seed: int
    replications: int
    sets: int
    worlds_a_set: int
    posterior: str
    unit_of_money: tuple[float, ...]
    notes: tuple[str, ...]
    shown: tuple[str, ...] = USUAL
    others: tuple[ComparedMeasure, ...] = ()
    best_program: BestProgram | None = None

    @property
    def best_fit_worlds(self) -> int:
        """Worlds in which differences at the best fit are told."""
        return self.replications

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; what cannot be told is None."""
        apart = ("unit_of_money", "shown", "others")
        found = {name: value for name, value in super().to_dict().items() if name not in apart}
        return found | {"measures": plain((*self.measures, *self.others))}


def compare(
    scenarios: Sequence[Scenario],
    posterior: Posterior | None = None,
    *,
    sets: int | None = None,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
    book: Book | None = None,
    measures: Sequence[str] | None = None,
    look_beyond: bool = False,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    figure: Callable[[Comparison], bytes] | None = None,
) -> Comparison:
    """Play scenarios in the same worlds and compare each with the first; then at parameter sets, if any are given.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Each with a name of its own; the first is the reference (`kamsim.studies.reference.with_reference`).
    posterior : Posterior, optional
        From `kamsim.evidence.posterior.read_posterior`; without it nothing is called better or worse. What a scenario
        has set itself it keeps.
    sets : int, optional
        So many of its sets, spread over all; by default all of them.
    replications : int
        Worlds, >= 1; five times as many are shared out among the parameter sets, two at least for each.
    seed : int
        In [0, 2**64).
    jobs : int, optional
        Chunks of work at a time; by default as many as there are cores. It changes no result.
    book : Book, optional
        Account book to play in; by default that of the scenarios, if they carry one.
    measures : sequence of str, optional
        Names of those to show beside the bridge, and of groups in `kamsim.measures.choice.GROUPS`; by default a few.
    look_beyond : bool
        Whether to name the shipped program that earns most of those not compared as well.
    out : str or path, optional
        Folder to keep replications, tables, figure and manifest in; by default nothing is kept.
    progress : callable, optional
        Told from time to time how many worlds are done.
    figure : callable, optional
        Draws the comparison as the bytes of a PNG file, for the folder.

    Returns
    -------
    Comparison
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        Where an argument is wrong, before anything is played; or where the scenarios go with none of the sets.
    """
    asked = ask_compare(
        scenarios, posterior, sets=sets, replications=replications, seed=seed, jobs=jobs, book=book, measures=measures,
        look_beyond=look_beyond,
    )  # fmt: skip
    return asked.play(progress, out, figure)


def ask_compare(
    scenarios: Sequence[Scenario],
    posterior: Posterior | None = None,
    *,
    sets: int | None = None,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
    book: Book | None = None,
    measures: Sequence[str] | None = None,
    look_beyond: bool = False,
) -> Asked[Comparison]:
    """Check what `compare` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives a `Comparison`.
    """
    workers = checked_workers(replications, seed, jobs)
    checked_names(scenarios)
    plan = tuple(job_of(scenario, book) for scenario in scenarios)
    some = None if posterior is None or sets == 0 else some_of(posterior, sets)
    shown = USUAL if measures is None else chosen(measures)
    beyond = tuple(programs_left_out(scenarios)) if look_beyond else ()
    run = _Run(tuple(scenarios), plan, some, book, replications, seed, workers, shown, beyond)
    manifest = manifest_of(scenarios, seed, replications, book) | run.told()
    return Asked(manifest, run.work, "market scenarios", partial(_answer, run), _FILES)


# ---------------------------------------------------------------- what is played, and put together


class _Run(NamedTuple):
    """What is compared, and in how many worlds."""

    scenarios: tuple[Scenario, ...]
    plan: tuple[Job, ...]
    posterior: Posterior | None
    book: Book | None
    replications: int
    seed: int
    workers: int
    shown: tuple[str, ...] = USUAL
    beyond: tuple[Scenario, ...] = ()  # shipped programs that are not compared

    @property
    def sets(self) -> int:
        """Parameter sets to play."""
        return 0 if self.posterior is None else len(self.posterior.values)

    @property
    def worlds_a_set(self) -> int:
        """Worlds of each of them; one alone would not tell luck from policy."""
        return max(2, math.ceil(WORLDS_OF_SETS * self.replications / self.sets)) if self.sets else 0

    @property
    def worlds_of_best(self) -> int:
        """Worlds of each set in which the best of the other shipped programs is played."""
        return max(2, self.worlds_a_set // 8)

    @property
    def work(self) -> int:
        """Worlds to play."""
        beyond = min(WORLDS, self.replications) + self.sets * self.worlds_of_best
        return self.replications + self.sets * self.worlds_a_set + beyond * bool(self.beyond)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scenarios."""
        return tuple(scenario.name for scenario in self.scenarios)

    def told(self) -> dict[str, object]:
        """What the manifest says beside the scenarios: reference, horizon of money, and parameter sets."""
        horizon = horizon_of(self.scenarios, self.plan[0])
        sets = {} if self.posterior is None else {"posterior": posterior_in_manifest(self.posterior)}
        shown = {} if self.shown == USUAL else {"measures": list(self.shown)}
        return {"reference": self.names[0], "total_profit": horizon.told(), **sets, **shown}


def _answer(run: _Run, progress: Progress | None, folder: Path | None) -> Comparison:
    bases, names = bases_of(run.scenarios), run.names
    tally, account, cumulated = _at_best_fit(run, bases, progress, folder)
    sets, refused = None, tuple[str, ...]()
    if run.posterior is not None:
        reported = None if progress is None else (lambda done: progress(run.replications + done))
        sets, refused = played_in_own_worlds(
            run.scenarios, run.posterior, run.book, run.seed, run.worlds_a_set, run.workers, reported
        )
    held = {} if sets is None else held_of(sets, run.worlds_a_set)
    margins = [scenario.world.gross_margin for scenario in run.scenarios]
    of_profit = [held[place, PROFIT] for place in range(len(names))] if held else []
    rows = compared_measures(tally, names, bases, held)
    filed = {*FILED, *run.shown}
    comparison = Comparison(
        scenarios=names,
        reference=names[0],
        reference_in_words=in_words(run.scenarios[0]),
        horizon=horizon_of(run.scenarios, run.plan[0]),
        bridge=tuple(bridge_of(account, names, None if sets is None else sets.money)),
        worth=tuple(worth_of(account, names, margins, of_profit, cumulated, not elevates(run.scenarios[0]))),
        measures=tuple(row for row in rows if row.measure in filed),
        seed=run.seed,
        replications=run.replications,
        sets=0 if sets is None else len(sets.mean),
        worlds_a_set=run.worlds_a_set,
        posterior="" if run.posterior is None else Path(run.posterior.source).name,
        unit_of_money=tuple(job.unit for job in run.plan),
        notes=tuple(_notes(run, tally, bases, sets, refused)),
        shown=run.shown,
        others=tuple(row for row in rows if row.measure not in filed),
        best_program=_best_program(run, rows, progress),
    )
    if folder is not None:
        write_tables(folder, comparison.measures, comparison.bridge, run.scenarios, comparison.horizon)
    return comparison


def _best_program(run: _Run, rows: Sequence[ComparedMeasure], progress: Progress | None) -> BestProgram | None:
    """Look beyond what is compared, in fewer worlds at each set; the rival is best in most sets, or at all."""
    earned = [row for row in rows if row.measure == NAMES[PROFIT]]
    rival = max(earned, key=lambda row: (np.nan_to_num(row.best_in_sets, nan=-1.0), row.mean)).scenario
    before = run.replications + run.sets * run.worlds_a_set
    return best_program(
        run.scenarios, rival, run.posterior, run.beyond, book=run.book, worlds=min(WORLDS, run.replications),
        worlds_a_set=run.worlds_of_best, seed=run.seed, workers=run.workers,
        progress=None if progress is None else (lambda done: progress(before + done)),
    )  # fmt: skip


def _at_best_fit(
    run: _Run, bases: Sequence[int], progress: Progress | None, folder: Path | None
) -> tuple["Tally", Moments, Moments]:
    """Play many worlds as the scenarios stand, and tally measures, amounts of money, and gains up to each year."""
    with ExitStack() as stack:
        played = run_in_chunks(run.plan, run.seed, run.replications, workers=run.workers, progress=progress)
        chunks, keep, money = stack.enter_context(closing(played)), list[Callable[[Floats], None]](), list[Moments]()
        kept, by_year = (*NAMES, *Account._fields), list[Moments]()
        if folder is not None:
            write = stack.enter_context(replications_file(folder, run.names, kept))
            keep.append(lambda block: write(block[:, :, : len(kept)]))
        without = place_without_program(run.scenarios)
        keep.append(lambda block: money.append(money_moments(block[:, :, len(MEASURES) :], without)))
        keep.append(lambda block: by_year.append(moments_of(block[:, :, len(kept) :] - block[:, :1, len(kept) :])))
        tally = tallied(outcome_blocks(chunks, run.plan, with_accounts=True, with_years=True), keep, bases)
    return tally, reduce(merged_moments, money), reduce(merged_moments, by_year)


def money_at_best_fit(
    scenarios: Sequence[Scenario], plan: Sequence[Job], seed: int, replications: int, workers: int
) -> tuple[Moments, Moments, tuple[str, ...]]:
    """Amounts of `kamsim.studies.bridge.Money`, and gains up to each year, in many worlds as the scenarios stand.

    And what is to be said of programs that elevate nobody there.
    """
    run = _Run(tuple(scenarios), tuple(plan), None, None, replications, seed, workers)
    tally, money, cumulated = _at_best_fit(run, bases_of(scenarios), None, None)
    return money, cumulated, tuple(notes_on_empty_programs(scenarios, tally, replications))


def write_tables(
    folder: Path,
    measures: Sequence[object],
    bridge: Sequence[BridgeTerm],
    scenarios: Sequence[Scenario],
    horizon: Horizon,
) -> None:
    """Write the tables of measures and of the bridge, each row with what its figures are told in."""
    told = {measure.name: told_in(measure, scenarios, horizon) for measure in MEASURES}
    write_table(folder, [row | told[row["measure"]] for row in plain(measures)])
    if bridge:
        against = {"against": scenarios[0].name, **horizon.told()}
        write_table(folder, [row | against for row in plain(bridge)], BRIDGE)


def _notes(
    run: _Run, tally: "Tally", bases: Sequence[int], sets: AtSets | None, refused: Sequence[str]
) -> Iterator[str]:
    apart = () if run.posterior is None else tuple(notes_on_worlds_of_sets(run.scenarios, run.posterior))
    filed = {*FILED, *run.shown}
    yield from (*apart, *notes_on(run.scenarios, run.plan, run.book, filed))
    if run.posterior is not None and sets is not None:
        yield from (*run.posterior.notes, *notes_on_sets(run.scenarios, run.posterior))
        yield from notes_on_refused(refused, len(sets.mean), run.sets)
    yield from notes_on_empty_programs(run.scenarios, tally, run.replications)
    yield from notes_on_what_was_not_seen(tally, run.names, bases, filed)


def notes_on_empty_programs(scenarios: Sequence[Scenario], tally: "Tally", replications: int) -> Iterator[str]:
    """Say which programs have places that nobody ever fills, and in how many worlds."""
    for row, scenario in enumerate(scenarios):
        empty = replications - int(tally.values.number[row, NAMES.index(OF_KEY_ACCOUNTS)])
        if elevates(scenario) and empty:
            where = "every market scenario" if empty == replications else f"{empty} of {replications} market scenarios"
            yield note_on_empty_program(scenario, where)


def checked_names(scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """Names of scenarios to compare; an error where there is none, or two have the same name."""
    names = tuple(scenario.name for scenario in scenarios)
    if not names:
        raise KamsimError("there is no scenario to compare; give at least one")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise KamsimError(f"two of the scenarios are named '{twice[0]}'; give each a name of its own")
    return names


def notes_on(
    scenarios: Sequence[Scenario], jobs: Sequence[Job], book: Book | None, measures: Collection[str] = FILED
) -> tuple[str, ...]:
    """What is to be said about scenarios compared as jobs, on accounts that are drawn or on those of a book."""
    said = (*notes_on_reference(scenarios, measures), *notes_on_settings(scenarios), *notes_on_book(scenarios, book))
    return (
        *said,
        *_notes_on_seats(scenarios, jobs),
        *_notes_on_worlds(scenarios, jobs),
        *notes_on_budgets(scenarios),
    )


def _notes_on_seats(scenarios: Sequence[Scenario], jobs: Sequence[Job]) -> Iterator[str]:
    """Say what was capped, once for all scenarios of which the same is to be said."""
    who: dict[str, list[str]] = {}
    for scenario, job in zip(scenarios, jobs, strict=True):
        for note in job.notes:
            who.setdefault(note.removeprefix(f"{scenario.name}: "), []).append(scenario.name)
    for note, names in who.items():
        if len(names) == sum(map(elevates, scenarios)) > 1:
            yield f"every scenario{' with a program' if len(names) < len(scenarios) else ''}: {note}"
        else:
            yield f"{', '.join(names)}: {note}"


_MOST_KEYS = 3  # named in a note


def _notes_on_worlds(scenarios: Sequence[Scenario], jobs: Sequence[Job]) -> Iterator[str]:
    first = scenarios[0]
    # What a budget buys is no part of the world, though its KAMs are drawn there.
    without = [job._replace(budget=job.budget._replace(kams=0, capacity=0.0)) for job in jobs]
    alike = next(group for group in shared_worlds(without) if 0 in group)
    others = [scenario.name for place, scenario in enumerate(scenarios)
              if place not in alike or scenario.timeline.discount != first.timeline.discount]  # fmt: skip
    if others:
        keys = sorted(
            {
                f"{section}.{key}"
                for scenario in scenarios
                for section in ("world", "timeline")
                for key, value in getattr(scenario, section)
                if value != getattr(getattr(first, section), key)
            }
        )
        more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
        yield (
            f"{', '.join(others)}: [world] or [timeline] is not that of {first.name} "
            f"({', '.join(keys[:_MOST_KEYS])}{more}), so differences include those of the market, not only of the "
            "program"
        )
    drawn = [scenario.name for scenario in scenarios if scenario.population != first.population]
    if drawn:
        yield (
            f"{', '.join(drawn)}: [population] is not that of {first.name}, so differences are those of suppliers "
            "that run different programs, not of one program"
        )


def notes_on_budgets(scenarios: Sequence[Scenario]) -> Iterator[str]:
    """Say that programs are compared at budgets that differ, and at which; one budget for all needs no word."""
    programs = [scenario for scenario in scenarios if elevates(scenario)]
    if all(scenario.budget == programs[0].budget for scenario in programs):
        return
    who: dict[str, list[str]] = {}
    for scenario in programs:
        said = [f"{name} {shown(value)}" for name, value in scenario.budget if value]
        who.setdefault(f"with {' and '.join(said)}" if said else "at the usual budget", []).append(scenario.name)
    told = "; ".join(f"{', '.join(names)} {budget}" for budget, names in who.items())
    yield f"compared at their own budgets: {told}"


# ---------------------------------------------------------------- statistics


class Tally(NamedTuple):
    """What is kept of the replications so far; arrays of shape (scenarios, measures)."""

    values: Moments
    differences: Moments
    differing: Floats  # worlds in which the difference is not 0
    best: Floats
    contested: Floats  # (measures,), worlds in which somebody could be best


def outcome_blocks(
    chunks: Iterable[Sequence[Table]], jobs: Sequence[Job], *, with_accounts: bool = False, with_years: bool = False
) -> Iterator[Floats]:
    """Outcomes in blocks that do not depend on the chunks, with money as money.

    Of shape (replications, scenarios, measures), of a fixed number of replications but perhaps the last; behind the
    measures, if asked, the amounts of the account of profit, and behind these total profit up to each year.
    """
    scale = scales_of(jobs)

    def piece(tables: Sequence[Table]) -> Floats:
        outcomes: Floats = np.stack([table.outcomes for table in tables], axis=1) * scale
        if not with_accounts:
            return outcomes
        by_year = [cumulated_of(tables, jobs)] if with_years else []
        return np.concatenate([outcomes, accounts_of(tables, jobs), *by_year], axis=-1)

    return in_blocks(map(piece, chunks), ROW_GROUP)


def tallied(
    blocks: Iterable[Floats], keep: Iterable[Callable[[Floats], None]] = (), bases: Sequence[int] = AGAINST_FIRST
) -> Tally:
    """Add up replications block by block, each given to all of ``keep`` too; memory does not grow with them.

    Blocks have shape (replications, scenarios, measures), behind these anything else; ``bases`` are from `bases_of`.
    """
    tally: Tally | None = None
    for block in blocks:
        for note in keep:
            note(block)
        new = _tally_of(block[:, :, : len(MEASURES)], bases)
        tally = new if tally is None else _merged(tally, new)
    assert tally is not None, "a run has at least one replication"
    return tally


def _tally_of(block: Floats, bases: Sequence[int]) -> Tally:
    values = np.where(np.isfinite(block), block, np.nan)
    against = values[:, bases, np.arange(values.shape[2])]
    differences, (best, contested) = values - against[:, None], _best_of(values)
    differing = (np.isfinite(differences) & (differences != 0.0)).sum(axis=0).astype(np.float64)
    return Tally(moments_of(values), moments_of(differences), differing, best, contested)


def _best_of(values: Floats) -> tuple[Floats, Floats]:
    """Worlds that each scenario wins, and worlds that anybody wins; a tie is split equally."""
    merit = values * np.array([measure.direction for measure in MEASURES])
    known = ~np.isnan(merit)
    merit = np.where(known, merit, -np.inf)
    wins = (merit == merit.max(axis=1, keepdims=True)) & known
    winners = wins.sum(axis=1, keepdims=True)
    return (wins / np.maximum(winners, 1)).sum(axis=0), (winners[:, 0] > 0).sum(axis=0).astype(np.float64)


def _merged(one: Tally, other: Tally) -> Tally:
    return Tally(
        merged_moments(one.values, other.values),
        merged_moments(one.differences, other.differences),
        one.differing + other.differing,
        one.best + other.best,
        one.contested + other.contested,
    )


def compared_measures(
    tally: Tally,
    scenarios: Sequence[str],
    bases: Sequence[int] = AGAINST_FIRST,
    held: Mapping[tuple[int, int], Held] = MappingProxyType({}),
) -> tuple[ComparedMeasure, ...]:
    """Turn a tally into a table, a row for every measure and scenario, the reference first.

    With what is ``held`` over parameter sets, by places of scenario and measure.
    """
    mean = _where_known(tally.values.mean, tally.values.number)
    difference = _where_known(tally.differences.mean, tally.differences.number)
    half_width = half_width_of(tally.differences)
    # A scenario that never has a measure is in no contention for it: neither best nor worst.
    contested = np.minimum(tally.values.number, tally.contested)
    best = _where_known(tally.best / np.maximum(tally.contested, 1.0), contested)
    return tuple(
        ComparedMeasure(
            measure.name,
            scenario,
            scenarios[bases[column]],
            _number(mean[row, column]),
            _number(difference[row, column]),
            _number(difference[row, column] - half_width[row, column]),
            _number(difference[row, column] + half_width[row, column]),
            _number(best[row, column]),
            int(tally.differences.number[row, column]),
            *(_told_of_sets(held.get((row, column), Held()), row == bases[column])),
        )
        for column, measure in enumerate(MEASURES)
        for row, scenario in enumerate(scenarios)
    )


def _number(value: float) -> float:
    """A number of Python's; one NaN for all, so that equal comparisons are equal."""
    return math.nan if math.isnan(value) else float(value)


def _told_of_sets(held: Held, is_base: bool) -> Held:
    return held._replace(verdict="") if is_base else held


def notes_on_what_was_not_seen(
    tally: Tally,
    scenarios: Sequence[str],
    bases: Sequence[int] = AGAINST_FIRST,
    measures: Collection[str] = NAMES,
) -> Iterator[str]:
    """Say which differences in some measures came about in so few worlds that their intervals may be too narrow."""
    return cautions(
        (
            f"{measure.label} of {scenario}",
            int(tally.differing[row, column]),
            int(tally.differences.number[row, column]),
        )
        for row, scenario in enumerate(scenarios)
        for column, measure in enumerate(MEASURES)
        if measure.name in measures and row != bases[column] and tally.differences.number[row, column] > 1
    )


def _where_known(values: Floats, number: Floats) -> Floats:
    return np.where(number > 0, values, np.nan)
