"""Cases of a firm: what nobody knows of it drawn as a whole, and every policy played in the same futures of each.

A case is a parameter set that fits the evidence, and a draw of the state of every account as far as the book does not
tell it. What differs between futures of a case is luck; what differs between cases could be known, and is not.
"""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kamsim.books.book import Book
from kamsim.books.laws import FittedLaws
from kamsim.errors import KamsimError
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.jobs import Job, job_of, rooms_for
from kamsim.experiments.pool import in_order, seed_apart
from kamsim.experiments.twins import KERNELS, account_in, one_by_one
from kamsim.measures.profit import Account
from kamsim.model.plan import History
from kamsim.scenario import Scenario
from kamsim.studies.backtest import UNSURE, drawn_laws
from kamsim.studies.decide_data import Drawn, drawn_in, facts_of, spend_of
from kamsim.studies.parameter_sets import takes, with_set
from kamsim.types import Floats, Integers, Progress
from kamsim.world.customers import Future
from kamsim.world.world import split_seed

COMPILED = (*KERNELS, account_in)
FUTURES = 2  # of each case: what they have in common is no luck
_LAWS = 0x6C617773  # tells these draws from others of the same seed
_QUANTILES = (0.5, 0.1, 0.9)
YEARS_AHEAD = 3  # that a list of accounts looks ahead
LEAST_CASES, MOST_CASES = 2, 10  # of each parameter set
ACCOUNTS_PLAYED = 12_000  # of each set and future, as far as these bounds allow: more cases of a small book


class Cases(NamedTuple):
    """What came of all cases of all sets; money in that of the book.

    Policies are the scenarios in their order, accounts those of the book.
    """

    sets: Integers  # (cases,), number of the parameter set
    amounts: Floats  # (cases, futures, policies, amounts of the account of profit)
    cumulated: Floats  # (cases, futures, policies, years), total profit up to each
    key: Floats  # (policies, accounts), part of the cases in which it is key at launch
    top: Floats  # in the highest tier
    later: Floats  # part of cases and futures in which it is key after three years
    facts: Floats  # (cases, facts), of `kamsim.studies.decide_data.FACTS`, what is worth knowing, summed up
    readings: Floats  # (3, readings, accounts), median over cases, and between which 80 % of them lie
    parameters: tuple[str, ...]  # of the sets, those that any policy takes
    values: Floats  # (cases, parameters)
    refused: tuple[str, ...]


class _Case(NamedTuple):
    amounts: Floats  # (futures, policies, amounts)
    cumulated: Floats  # (futures, policies, years)
    launched: NDArray[np.int8]  # (policies, accounts), tier
    later: Floats  # (policies, accounts), part of the futures in which it is key
    drawn: Drawn
    facts: Floats  # (facts,)


def cases_a_set(accounts: int) -> int:
    """Cases of each parameter set: fewer of a large book, where each takes longer and luck evens out."""
    return max(LEAST_CASES, min(MOST_CASES, round(ACCOUNTS_PLAYED / max(1, accounts))))


def played_cases(
    scenarios: Sequence[Scenario],
    posterior: Posterior,
    book: Book,
    seed: int,
    cases: int,
    workers: int,
    progress: Progress | None = None,
    fitted: FittedLaws | None = None,
) -> Cases:
    """Play every policy in so many cases of every parameter set.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Policies, in one world.
    posterior : Posterior
        Parameter sets, equally likely.
    book : Book
        Whose accounts are played.
    seed, cases, workers : int
        Of draws; of each set; threads, which change no result.
    progress : callable, optional
        Told how many cases are done.
    fitted : FittedLaws, optional
        Laws of the book, that the scenarios have: each case draws them anew, as sure as they are.

    Returns
    -------
    Cases
        Of the sets that go with the scenarios, and why others do not.
    """
    refused, numbers, laws = list[str](), list[int](), list[list[float]]()

    def tasks() -> Iterator[tuple[list[Job], int]]:
        for number, values in enumerate(posterior.values):
            try:
                jobs = [job_of(with_set(scenario, posterior.names, values), book) for scenario in scenarios]
            except KamsimError as error:
                refused.append(str(error))
                continue
            for place in range(cases):
                case = number * cases + place
                there = jobs if fitted is None else _with_laws(jobs, fitted, [seed, case])
                numbers.append(number)
                laws.append([float(getattr(there[0].parameters, name)) for name in drawn])
                yield there, case

    drawn = () if fitted is None else UNSURE
    found = _Found()
    with closing(in_order(partial(_played, seed, spend_of(book)), tasks(), workers)) as played:
        for one in played:
            found.add(one)
            if progress is not None:
                progress(len(found.facts))
    if not found.facts:
        raise KamsimError(f"{posterior.source}: no set can be put into these scenarios: {refused[0]}")
    values = np.array(posterior.values, dtype=np.float64)[numbers]
    parameters = _parameters(scenarios, posterior, values, (drawn, laws))
    return found.together(np.array(numbers, dtype=np.int64), parameters, tuple(refused))


def _parameters(
    scenarios: Sequence[Scenario], posterior: Posterior, values: Floats, laws: tuple[Sequence[str], list[list[float]]]
) -> tuple[tuple[str, ...], Floats]:
    """Names and values of what differs between cases, of the sets and of laws that were drawn."""
    # What no policy takes, because each has set it itself, is known.
    taken = [place for place, name in enumerate(posterior.names) if any(takes(one, name) for one in scenarios)]
    names = (*(posterior.names[place] for place in taken), *(f"world.{name}" for name in laws[0]))
    drawn = np.array(laws[1]).reshape(len(values), len(laws[0]))
    return names, np.concatenate([values[:, taken], drawn], axis=1)


def _with_laws(jobs: Sequence[Job], fitted: FittedLaws, name: Sequence[int]) -> list[Job]:
    """Jobs of a case with the laws of the book as they may be, too; how its accounts stand is told by the likeliest."""
    scores = np.random.default_rng([*name, _LAWS]).standard_normal(len(UNSURE))
    found = []
    for job in jobs:
        parameters = drawn_laws(job.parameters, fitted, scores)
        newcomers = 1 + int(parameters.arrival * job.budget.accounts)
        found.append(job._replace(parameters=parameters, budget=job.budget._replace(newcomers=newcomers)))
    return found


def _played(seed: int, spend: Floats, jobs: list[Job], organization: int) -> _Case:
    """Play the futures of a case."""
    timeline, accounts = jobs[0].timeline, jobs[0].budget.accounts
    launch, years = timeline.history_years, timeline.years - timeline.history_years
    amounts = np.empty((FUTURES, len(jobs), len(Account._fields)))
    cumulated = np.empty((FUTURES, len(jobs), years))
    launched, later = np.zeros((len(jobs), accounts), dtype=np.int8), np.zeros((len(jobs), accounts))
    drawn: Drawn | None = None
    for group in _in_one_world(jobs):
        there = [jobs[place] for place in group]
        rooms = rooms_for(there[0].budget, timeline, [job.policy for job in there])
        for future in range(FUTURES):
            played = one_by_one(in_future(there, seed, future), seed, organization, rooms)
            for place, (job, world, history) in zip(group, played, strict=True):
                margin, total = job.parameters.gross_margin, cumulated[future, place]
                amounts[future, place] = account_in(history, margin, launch, job.discount, total)
                later[place] += (_tiers(history, launch + YEARS_AHEAD, accounts) > 0) / FUTURES
                if future == 0:
                    launched[place] = _tiers(history, launch, accounts)
                drawn = drawn_in(world, job, launch) if drawn is None else drawn
    assert drawn is not None
    units = np.array([job.unit for job in jobs])[:, None]
    return _Case(
        amounts * units, cumulated * units, launched, later, drawn, facts_of(drawn, spend, jobs[0].budget.seats)
    )


def _in_one_world(jobs: Sequence[Job]) -> list[list[int]]:
    """Places of jobs that share a world, as far as one book leaves worlds apart: by KAMs and support alone.

    As `kamsim.experiments.jobs.shared_worlds` tells it of any jobs, which reads all that is known of their accounts.
    """
    groups: dict[Hashable, list[int]] = {}
    for place, job in enumerate(jobs):
        groups.setdefault((job.parameters.tobytes(), job.budget, job.timeline), []).append(place)
    return list(groups.values())


def _tiers(history: History, year: int, accounts: int) -> NDArray[np.int8]:
    of_year: NDArray[np.int8] = history.accounts["tier"][min(year, len(history.years) - 1), :accounts].astype(np.int8)
    return of_year


def in_future(jobs: Sequence[Job], seed: int, future: int) -> list[Job]:
    """Jobs that play a future of a case: all of them go on from the same past, the launch's reviews among it."""
    begin = 4 * jobs[0].timeline.history_years
    draws = Future(*split_seed(seed_apart(seed, 1 + future)), begin)
    return [job._replace(future=draws) for job in jobs]


class _Found:
    """What is kept of cases as they come: of accounts what is read of them, and how often they are key."""

    def __init__(self) -> None:
        self.amounts, self.cumulated, self.facts = list[Floats](), list[Floats](), list[Floats]()
        self.key = self.top = self.later = np.zeros(())
        self.readings = list[NDArray[np.float32]]()

    def add(self, case: _Case) -> None:
        """Count in one more case."""
        self.amounts.append(case.amounts)
        self.cumulated.append(case.cumulated)
        self.facts.append(case.facts)
        highest = case.launched.max(axis=1, keepdims=True)
        self.key = self.key + (case.launched > 0)
        self.top = self.top + ((case.launched == highest) & (case.launched > 1))
        self.later = self.later + case.later
        self.readings.append(np.stack(case.drawn).astype(np.float32))

    def together(self, sets: Integers, parameters: tuple[tuple[str, ...], Floats], refused: tuple[str, ...]) -> Cases:
        """All cases as one."""
        number = len(self.facts)
        readings = np.quantile(np.stack(self.readings), _QUANTILES, axis=0).astype(np.float64)
        return Cases(
            sets, np.stack(self.amounts), np.stack(self.cumulated), self.key / number, self.top / number,
            self.later / number, np.stack(self.facts), readings, *parameters, refused,
        )  # fmt: skip
