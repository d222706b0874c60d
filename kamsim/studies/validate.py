"""Hold a scenario against patterns that are known of accounts and programs, and say what its score is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kamsim.analysis.intervals import cautions, points_among
from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.evidence.published import SURVEY_SAMPLE
from kamsim.experiments.jobs import job_of
from kamsim.experiments.manifest import manifest_of
from kamsim.experiments.pool import checked_workers
from kamsim.experiments.twins import look_at_twins
from kamsim.model.plan import History
from kamsim.records import Record
from kamsim.scenario import Scenario
from kamsim.studies.asked import Asked
from kamsim.studies.calibrate_world import WorldFact
from kamsim.studies.settings import notes_on_book, notes_on_settings
from kamsim.studies.survey import YEARS_SURVEYED
from kamsim.studies.validate_book import held_against, observed_in
from kamsim.studies.validate_checks import Check, checks_of, own_book_checks
from kamsim.studies.validate_score import Score, held_by, random_sets, scores_of, with_chances
from kamsim.studies.validate_twins import Seen, look_at, twins_of
from kamsim.types import Progress
from kamsim.world.carried import carried_book
from kamsim.world.parameters import timeline_of
from kamsim.world.world import World

RANDOM_SETS = 50
FEW = 24  # organizations in which a random set is played


@dataclass(frozen=True)
class Validation(Record):
    """A scenario against what is known, and the same of random parameter sets.

    Parameters
    ----------
    checks : tuple of Check
        Patterns that were published, or measured on the real books of `kamsim.evidence.real_books`.
    books : tuple of Check
        Some of them against the book of the user that was played; the source is the file.
    scores : tuple of Score
        How many hold, of those that nothing was fitted to and of those fitted, against random sets.
    organizations, seed : int
        Of the run.
    random_sets, random_organizations : int
        Sets of parameter values drawn at random, and organizations that each was played in: the first of the run.
    scenario : str
        Name.
    notes : tuple of str
        What limits the comparison, a sentence each.
    facts : tuple of WorldFact
        What this book shows in its own years, against the mean of its simulated futures.
    facts_years : int
        Years of the book, and after its end, that these are of; 0 where accounts were drawn.
    """

    checks: tuple[Check, ...]
    books: tuple[Check, ...]
    scores: tuple[Score, ...]
    organizations: int
    seed: int
    random_sets: int
    random_organizations: int
    scenario: str
    notes: tuple[str, ...]
    facts: tuple[WorldFact, ...] = ()
    facts_years: int = 0


def validate(
    scenario: Scenario,
    *,
    organizations: int = 400,
    seed: int = 1,
    random: int = RANDOM_SETS,
    jobs: int | None = None,
    book: Book | None = None,
    progress: Progress | None = None,
) -> Validation:
    """Play a scenario beside its twins, and compare it with patterns that are known of accounts and programs.

    Parameters
    ----------
    scenario : Scenario
        Usually one with a mix of organizations, ``population``.
    organizations : int
        >= 1.
    seed : int
        In [0, 2**64).
    random : int
        Parameter sets drawn at random that the score is held against, >= 0.
    jobs : int, optional
        Threads; by default as many as there are cores. They change no result.
    book : Book, optional
        With a history: its accounts are played, and what it shows itself is compared with what they do after its end.
        By default the book of the scenario, if it carries one.
    progress : callable, optional
        Told from time to time how many organizations are done, those of random sets after the others.

    Returns
    -------
    Validation
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        Where an argument is out of range.

    Notes
    -----
    Organizations are the independent units. Each gives a sum and a count, a mean over all is the sums over the counts,
    and its interval a t interval of what each organization adds to it (a ratio estimate with organizations as
    clusters); where every organization counts as one it is the t interval of their mean. A published range is met by
    the figure itself, not by any end of its interval.

    Random sets are those of `kamsim.studies.validate_score.random_sets`. Each is played in the first 24 organizations,
    and its score held against that of the scenario in the same 24: fewer organizations miss more by their luck.

    On a book organizations are its futures. Its facts are those of `kamsim.books.facts.facts_of`, each with its range
    over the book's own years or pairs of years; those of a future are told as of a book that begins where this one
    ends, and their mean over futures is compared.
    """
    asked = ask_validate(scenario, organizations=organizations, seed=seed, random=random, jobs=jobs, book=book)
    return asked.play(progress)


def ask_validate(
    scenario: Scenario,
    *,
    organizations: int = 400,
    seed: int = 1,
    random: int = RANDOM_SETS,
    jobs: int | None = None,
    book: Book | None = None,
) -> Asked[Validation]:
    """Check what `validate` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives a `Validation`.
    """
    if organizations < 1:
        raise KamsimError(f"organizations must be at least 1, not {organizations}")
    if random < 0:
        raise KamsimError(f"random must be at least 0, not {random}")
    workers = checked_workers(organizations, seed, jobs)
    observed = observed_in(carried_book(scenario, book), timeline_of(scenario))
    sets, few = list(random_sets(scenario, seed, random)), min(organizations, FEW)
    work = organizations + few * len(sets)

    def answer(progress: Progress | None, _: Path | None) -> Validation:
        rows = _looked_at(scenario, book, seed, organizations, workers, progress, observed.years)
        seen = _side_by_side(rows)
        held = np.zeros((len(sets), len(checks_of(seen))), dtype=np.bool_)
        for number, one in enumerate(sets):
            done = organizations + few * number
            there = _looked_at(one, book, seed, few, workers, _beginning_at(done, progress))
            held[number] = held_by(checks_of(_side_by_side(there)))
        checks = with_chances(checks_of(seen), held)
        told = [(check.name, check.low, check.high) for check in checks]
        notes = (
            *notes_on_settings([scenario]),
            *notes_on_book([scenario], book),
            *job_of(scenario, book).notes,
            *_notes(scenario, organizations),
            *_notes_on_sets(random, len(sets)),
            *cautions(points_among(told, organizations), "suppliers"),
        )
        return Validation(
            checks,
            tuple(own_book_checks(observed.spend, seen)) if observed.spend else (),
            scores_of(checks, held_by(checks_of(_side_by_side(rows[:few]))), held),
            organizations,
            seed,
            len(sets),
            few,
            scenario.name,
            notes,
            held_against(observed, [row.facts for row in rows]),
            observed.years,
        )

    manifest = manifest_of([scenario], seed, organizations, book) | {"command": "validate", "random": random}
    return Asked(manifest, work, "suppliers", answer)


def _looked_at(
    scenario: Scenario,
    book: Book | None,
    seed: int,
    organizations: int,
    workers: int,
    progress: Progress | None,
    years: int = 0,
) -> list[Seen]:
    """Look at organizations, with the facts of so many years from the launch on."""
    twins = twins_of(scenario, book)

    def look(world: World, histories: list[History]) -> Seen:
        return look_at(world, twins[0], histories, years)

    return look_at_twins(twins, seed, organizations, look, workers=workers, progress=progress)


def _side_by_side(rows: Sequence[Seen]) -> Seen:
    return Seen(*(np.array(column) for column in zip(*rows, strict=True)))


def _beginning_at(done: int, progress: Progress | None) -> Progress | None:
    """Report progress on top of what is done already."""
    return None if progress is None else lambda number: progress(done + number)


def _notes(scenario: Scenario, organizations: int) -> list[str]:
    notes = []
    if organizations < SURVEY_SAMPLE:
        notes.append(
            f"{organizations} suppliers are fewer than the published survey asked ({SURVEY_SAMPLE}): "
            "intervals and verdicts are not to be trusted"
        )
    window = scenario.timeline.window_years
    if window != YEARS_SURVEYED:
        notes.append(
            f"rebuilds are counted over the {window} years observed; the published figure is of {YEARS_SURVEYED} years"
        )
    return notes


def _notes_on_sets(asked: int, played: int) -> list[str]:
    if played == asked:
        return []
    if not played:
        return ["no parameter set could be drawn at random beside what the scenario has set itself"]
    return [f"{asked - played} of {asked} random parameter sets do not go with what the scenario has set itself"]
