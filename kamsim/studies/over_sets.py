"""What holds over the parameter sets of a posterior: each is played in worlds of its own, by all policies alike.

So no luck of a few worlds is in all sets at once, and what most sets agree on is what the parameters leave no doubt of.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kamsim.analysis.agreement import AGREEING, Held, held
from kamsim.analysis.best import is_best
from kamsim.analysis.intervals import moments_of
from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.jobs import Job, accounts_of, job_of, play_organizations, scales_of
from kamsim.experiments.pool import in_order
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import Scenario
from kamsim.studies.bridge import money_of
from kamsim.studies.parameter_sets import with_set
from kamsim.studies.reference import bases_of, place_without_program
from kamsim.types import Floats

FEW_SETS = 20  # below which nothing is said on where a ranking flips
DIRECTION = np.array([measure.direction for measure in MEASURES])


class AtSets(NamedTuple):
    """What came of scenarios at a parameter set, means over its worlds; or of several sets, along a first axis."""

    mean: Floats  # (scenarios, measures)
    difference: Floats  # to the scenario that the measure is held against
    error: Floats  # standard error of that, from the luck of the worlds
    money: Floats  # (scenarios, amounts of `kamsim.studies.bridge.Money`)


# ---------------------------------------------------------------- what is played


def some_of(posterior: Posterior, sets: int | None) -> Posterior:
    """A posterior with so many of its sets, spread over all of them; all by default."""
    number = len(posterior.values)
    if sets is None or sets >= number:
        return posterior
    if sets < 0:
        raise KamsimError(f"sets must be at least 0, not {sets}")
    return replace(posterior, values=tuple(posterior.values[place * number // sets] for place in range(sets)))


def played_in_own_worlds(
    scenarios: Sequence[Scenario],
    posterior: Posterior,
    book: Book | None,
    seed: int,
    worlds: int,
    workers: int,
    progress: Callable[[int], None] | None = None,
) -> tuple[AtSets, tuple[str, ...]]:
    """Play every scenario at every parameter set, the sets in one block of worlds after the other.

    Returns what came of the sets that could be played, and why others could not; ``progress`` is told how many worlds
    are done. The same to the last bit whatever the workers.
    """
    bases, without, refused = bases_of(scenarios), place_without_program(scenarios), list[str]()

    def play(jobs: list[Job], first: int) -> AtSets:
        tables = play_organizations(jobs, seed, first, worlds)
        outcomes = np.stack([table.outcomes for table in tables], axis=1) * scales_of(jobs)
        return at_set(outcomes, accounts_of(tables, jobs), bases, without)

    def tasks() -> Iterator[tuple[list[Job], int]]:
        for number, values in enumerate(posterior.values):
            try:
                jobs = [job_of(with_set(scenario, posterior.names, values), book) for scenario in scenarios]
            except KamsimError as error:
                refused.append(str(error))
                continue
            yield jobs, number * worlds

    found = list[AtSets]()
    with closing(in_order(play, tasks(), workers)) as played:
        for one in played:
            found.append(one)
            if progress is not None:
                progress(len(found) * worlds)
    if not found:
        raise KamsimError(f"{posterior.source}: no set can be put into these scenarios: {refused[0]}")
    return stacked(found), tuple(refused)


def at_set(outcomes: Floats, accounts: Floats, bases: Sequence[int], without: int) -> AtSets:
    """What came of scenarios at a set: outcomes (worlds, scenarios, measures), accounts (..., amounts)."""
    values = np.where(np.isfinite(outcomes), outcomes, np.nan)
    differences = moments_of(values - values[:, bases, np.arange(values.shape[2])][:, None])
    means, number = moments_of(values), differences.number
    freedom = np.where(number > 1, number - 1.0, np.nan)
    return AtSets(
        np.where(means.number > 0, means.mean, np.nan),
        np.where(number > 0, differences.mean, np.nan),
        np.sqrt(differences.squares / freedom / np.where(number > 1, number, np.nan)),
        money_of(accounts, without).mean(axis=0),
    )


def stacked(found: Sequence[AtSets]) -> AtSets:
    """Several sets as one, along a first axis."""
    return AtSets(*map(np.stack, zip(*found, strict=True)))


# ---------------------------------------------------------------- what holds


def held_of(sets: AtSets, worlds: int) -> dict[tuple[int, int], Held]:
    """What holds of each difference, by places of scenario and measure, over sets in so many worlds each."""
    best = _parts_best(sets.mean)
    return {
        (place, column): held(
            sets.difference[:, place, column], sets.error[:, place, column], DIRECTION[column], worlds,
            float(best[place, column]),
        )
        for place in range(sets.mean.shape[1])
        for column in range(len(MEASURES))
    }  # fmt: skip


def _parts_best(mean: Floats) -> Floats:
    """Part of the sets in which each is best, of those in which anybody has the measure: (scenarios, measures)."""
    wins = is_best(np.moveaxis(mean * DIRECTION, 1, 2)).astype(np.float64)
    contested = wins.any(axis=2)
    parts = (wins / np.maximum(wins.sum(axis=2, keepdims=True), 1.0)).sum(axis=0)
    found: Floats = (parts / np.maximum(contested.sum(axis=0), 1)[:, None]).T
    return np.where(np.isnan(mean * DIRECTION).all(axis=0), np.nan, found)


# ---------------------------------------------------------------- what is said


def notes_on_refused(refused: Sequence[str], played: int, sets: int) -> Iterator[str]:
    """Say how many parameter sets could not be played, and why the first could not; and that few sets tell little."""
    if refused:
        yield (f"{len(refused)} of {sets} parameter sets do not go with the scenarios and are left out: {refused[0]}")
    if played < FEW_SETS:
        yield f"{played} parameter sets are few: {100 * AGREEING:.0f} % of so few is nearly all of them"


def posterior_in_manifest(posterior: Posterior) -> dict[str, object]:
    """What a manifest says of the parameter sets of a run."""
    return {
        "file": Path(posterior.source).name,
        "model": posterior.model,
        "names": list(posterior.names),
        "values": [list(values) for values in posterior.values],
    }
