"""Policies played side by side at every parameter set of a posterior, and what is kept of it."""

import math
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np

from kamsim.analysis.best import chances_best, regrets_of
from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import Parameter
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.jobs import job_of
from kamsim.experiments.pool import run_in_chunks
from kamsim.measures.choice import PROFIT
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import Scenario
from kamsim.studies.compare import outcome_blocks
from kamsim.studies.over_sets import DIRECTION, AtSets, at_set, stacked
from kamsim.studies.parameter_sets import Movements, movable, movements_of, value_in, with_moved, with_set
from kamsim.studies.reference import AGAINST_FIRST, bases_of, place_without_program
from kamsim.types import Floats, Progress


class Ensemble(NamedTuple):
    """Scenarios, the parameter sets put into them, and how assumed values are moved in each set."""

    scenarios: Sequence[Scenario]
    posterior: Posterior
    rows: tuple[Parameter, ...]
    movements: Movements
    bases: tuple[int, ...]  # by measure, which scenario the others are held against

    def at(self, number: int) -> list[Scenario]:
        """Scenarios of a set as it stands, and after them the same with assumed values moved."""
        values, factors = self.posterior.values[number], self.movements.factors[number].tolist()
        stands = [with_set(scenario, self.posterior.names, values) for scenario in self.scenarios]
        return [*stands, *with_moved(stands, self.rows, factors, self.posterior)]


def ensemble_of(scenarios: Sequence[Scenario], posterior: Posterior, seed: int) -> Ensemble:
    """Put parameter sets and scenarios together, and draw how assumed values are moved.

    Every scenario of a set has the same values, but for those that it has set itself.
    """
    rows = movable(scenarios, posterior)
    return Ensemble(scenarios, posterior, rows, movements_of(rows, len(posterior.values), seed), bases_of(scenarios))


class Told(NamedTuple):
    """What is told of scenarios in the worlds of one set; arrays of shape (scenarios, measures)."""

    mean: Floats
    difference: Floats
    chance_best: Floats
    regret: Floats


class Played(NamedTuple):
    """What came of all sets; the first axis of arrays is whether assumed values were moved, the second the set."""

    numbers: tuple[int, ...]  # sets that could be played
    told: Told  # (2, sets, scenarios, measures)
    stands: AtSets  # as the sets stand
    worlds: (
        Floats  # (2, worlds, scenarios, scenarios, measures), mean difference over first, second, ... worlds of sets
    )
    profit: Floats  # (sets, worlds, scenarios), total profit as the sets stand
    parameters: tuple[dict[str, float], ...]  # by set and scenario, as they stand and then moved
    refused: tuple[str, ...]


def played_at_sets(
    ensemble: Ensemble,
    book: Book | None,
    seed: int,
    replications: int,
    workers: int,
    progress: Progress | None,
) -> Played:
    """Play every policy at every parameter set, in worlds of the set's own, and keep what is told of each."""
    columns = _columns(ensemble)
    numbers, told, parameters, refused = list[int](), list[list[Told]](), list[dict[str, float]](), list[str]()
    profit, stands, without = list[Floats](), list[AtSets](), place_without_program(ensemble.scenarios)
    total = np.zeros((2, replications, len(ensemble.scenarios), len(ensemble.scenarios), len(MEASURES)))
    known = np.zeros_like(total)
    for number in range(len(ensemble.posterior.values)):
        try:
            there = ensemble.at(number)
            plan = [job_of(scenario, book) for scenario in there]
        except KamsimError as error:
            refused.append(str(error))
            continue
        first = number * replications
        with closing(run_in_chunks(plan, seed, replications, first=first, workers=workers)) as chunks:
            blocks = np.concatenate(list(outcome_blocks(chunks, plan, with_accounts=True)))
        outcomes, accounts = blocks[:, :, : len(MEASURES)], blocks[:, :, len(MEASURES) :]
        halves = np.stack(np.split(outcomes, 2, axis=1))
        stands.append(at_set(halves[0], accounts[:, : len(ensemble.scenarios)], ensemble.bases, without))
        profit.append(halves[0, :, :, PROFIT])
        differences = contrasts(halves)
        finite = np.isfinite(differences)
        known += finite
        total += np.where(finite, differences, 0.0)
        numbers.append(number)
        told.append([told_of(half, ensemble.bases) for half in halves])
        parameters += [{name: _number(scenario, name) for name in columns} for scenario in there]
        if progress is not None:
            progress(number + 1)
    if not numbers:
        raise KamsimError(f"{ensemble.posterior.source}: no set can be put into these scenarios: {refused[0]}")
    worlds = np.where(known > 0, total / np.maximum(known, 1.0), np.nan)
    halved = [Told(*map(np.stack, zip(*(pair[half] for pair in told), strict=True))) for half in (0, 1)]
    return Played(
        tuple(numbers),
        Told(*(np.stack(pair) for pair in zip(*halved, strict=True))),
        stacked(stands),
        worlds,
        np.stack(profit),
        tuple(parameters),
        tuple(refused),
    )


def _columns(ensemble: Ensemble) -> tuple[str, ...]:
    """Names of all parameters that a set may change in a scenario."""
    names = dict.fromkeys((*ensemble.posterior.names, *ensemble.movements.names))
    return tuple(name for name in names if any(value_in(one, name) is not None for one in ensemble.scenarios))


def _number(scenario: Scenario, name: str) -> float:
    value = value_in(scenario, name)
    return math.nan if value is None else float(value)


def contrasts(values: Floats) -> Floats:
    """Difference of each scenario to each other: the first less the second, along a further axis.

    From shape (..., scenarios, measures) to (..., scenarios, scenarios, measures).
    """
    difference: Floats = values[..., :, None, :] - values[..., None, :, :]
    return difference


def told_of(values: Floats, bases: Sequence[int] = AGAINST_FIRST) -> Told:
    """Tell scenarios apart in the worlds of one set, values of shape (worlds, scenarios, measures).

    Differences are to the scenario of ``bases``; what is not finite a scenario does not have. Of the worlds in which
    all scenarios have the measure that ever have it.
    """
    told = Told(*(np.full(values.shape[1:], np.nan) for _ in Told._fields))
    has = np.isfinite(values)
    for column in range(values.shape[2]):
        there = np.flatnonzero(has[:, :, column].any(axis=0))
        complete = np.flatnonzero(has[:, there, column].all(axis=1))
        block = values[complete][:, there, column]
        if not block.size:
            continue
        told.mean[there, column] = block.mean(axis=0)
        if not math.isnan(DIRECTION[column]):
            told.chance_best[there, column] = chances_best(block * DIRECTION[column])
            told.regret[there, column] = regrets_of(block * DIRECTION[column])
        against = block[:, there == bases[column]]
        if against.size:
            told.difference[there, column] = (block - against).mean(axis=0)
    return told
