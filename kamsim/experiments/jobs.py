"""The unit of work: some organizations, each world drawn once, every policy played in it."""

import hashlib
from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from kamsim.books.book import Book
from kamsim.books.labels import MEDIAN_WALLETS, money_of, year_labels
from kamsim.compiler import fields_of, kernel
from kamsim.measures.outcomes import MEASURES, outcomes
from kamsim.measures.profit import Account, account_by_year
from kamsim.measures.survey import ANSWERS, answers, kam_reports
from kamsim.model.ensemble import play
from kamsim.model.plan import History, empty_history
from kamsim.model.rooms import Room, room_for
from kamsim.policy.policy import (
    TERMS_DTYPE,
    Intervention,
    LeverMix,
    Levers,
    Policy,
    drawn_levers,
    lever_mix_of,
    policy_of,
    seats_of,
)
from kamsim.scenario import LEVERS, Scenario
from kamsim.source import makes_results
from kamsim.types import Floats, Numbers, Records
from kamsim.world.carried import carried_book
from kamsim.world.customers import AS_DRAWN, Future
from kamsim.world.known import KnownAccounts, known_of
from kamsim.world.parameters import Budget, Timeline, budget_of, parameters_of, timeline_of
from kamsim.world.world import World, draw_organization, empty_world, split_seed


class Job(NamedTuple):
    """A policy as a scenario plays it, with the world that scenario describes and what is to be known of both."""

    policy: Policy
    mix: LeverMix
    parameters: Numbers
    budget: Budget
    timeline: Timeline
    known: KnownAccounts
    unit: float  # a median annual wallet, in money
    discount: float  # rate a year, of the account of profit
    notes: tuple[str, ...]  # on what was capped, a sentence each, with the name of the scenario
    future: Future = AS_DRAWN  # whose draws its worlds go on with, from a quarter on
    money: str = MEDIAN_WALLETS  # what it is called
    years: tuple[str, ...] = ()  # what the years of the run are called; none where they have numbers only


class Rooms(NamedTuple):
    """Where organizations are drawn and played, one after the other."""

    world: World
    play: Room
    history: History


class Table(NamedTuple):
    """What came of organizations; first axis organization."""

    outcomes: Floats  # (organizations, measures), money in median wallets
    account: Floats  # (organizations, amounts of the account of profit), in median wallets
    answers: Floats  # (organizations, answers)
    levers: Floats  # (organizations, levers)
    reports: Floats  # (organizations, KAMs)
    key_spend: Floats  # (organizations, KAMs)
    cumulated: Floats = np.empty((0, 0))  # (organizations, years from the launch on), total profit up to each


@makes_results
def job_of(scenario: Scenario, book: Book | None = None, intervention: Intervention | None = None) -> Job:
    """Job of a scenario, on accounts that are drawn or on those of a book.

    Parameters
    ----------
    scenario : Scenario
        Validated; it may carry a book.
    book : Book, optional
        A real account book instead of the scenario's own accounts.
    intervention : Intervention, optional
        What is set by hand in a counterfactual twin.

    Returns
    -------
    Job
        For `play_organizations`.

    Raises
    ------
    KamsimError
        Where the scenario does not go with the book, or its seats with the accounts.
    """
    known, unit = known_of(scenario, book)
    accounts = len(known.annual_spend)
    _, capped = seats_of(scenario, accounts)
    timeline, played = timeline_of(scenario), carried_book(scenario, book)
    return Job(
        policy_of(scenario, accounts)._replace(intervention=intervention or Intervention()),
        lever_mix_of(scenario.population),
        parameters_of(scenario),
        budget_of(scenario, accounts),
        timeline,
        known,
        unit,
        scenario.timeline.discount,
        (capped,) if capped else (),
        money=money_of(played, scenario.world.median_wallet),
        years=year_labels(played, scenario.timeline.history_years, timeline.years),
    )


def scales_of(jobs: Sequence[Job]) -> Floats:
    """What makes money of outcomes in median wallets, and leaves other measures alone; shape (jobs, measures)."""
    money = [measure.is_money for measure in MEASURES]
    return np.where(money, np.array([job.unit for job in jobs])[:, None], 1.0)


def accounts_of(tables: Sequence["Table"], jobs: Sequence[Job]) -> Floats:
    """Accounts of profit of jobs that were played in the same worlds, in money: (worlds, jobs, amounts)."""
    accounts: Floats = np.stack([table.account for table in tables], axis=1) * _units_of(jobs)
    return accounts


def _units_of(jobs: Sequence[Job]) -> Floats:
    return np.array([job.unit for job in jobs])[:, None]


def cumulated_of(tables: Sequence["Table"], jobs: Sequence[Job]) -> Floats:
    """Total profit up to each year from the launch on, in money: (worlds, jobs, years); a shorter run stays as it is.

    Of jobs that were played in the same worlds.
    """
    most = max(table.cumulated.shape[1] for table in tables)
    padded = [np.pad(table.cumulated, ((0, 0), (0, most - table.cumulated.shape[1])), mode="edge") for table in tables]
    cumulated: Floats = np.stack(padded, axis=1) * _units_of(jobs)
    return cumulated


class Policies(NamedTuple):
    """Policies of one world side by side; the first axis is the policy, tiers are padded to the most."""

    levers: Any  # records with the fields of their named tuples
    intervention: Any
    mix: Any
    discount: Floats
    terms: Records
    tiers: NDArray[np.int64]
    seats: NDArray[np.int64]
    attention: Floats
    promise: Floats
    concession: Floats


@makes_results
def play_organizations(jobs: Sequence[Job], seed: int, first: int, count: int) -> list[Table]:
    """Play every policy in the worlds of some organizations.

    Parameters
    ----------
    jobs : sequence of Job
        Policies; those that describe the same world share its draws.
    seed : int
        In [0, 2**64).
    first, count : int
        Organizations, by number.

    Returns
    -------
    list of Table
        One per job, a row per organization; the same whatever else is played with them.
    """
    low, high = split_seed(seed)
    tables: dict[int, Table] = {}
    for group in shared_worlds(jobs):
        together = [jobs[index] for index in group]
        table = _table(together, count)
        world = together[0]
        play_in_shared_worlds(
            low,
            high,
            first,
            world.parameters,
            world.budget,
            world.timeline,
            world.known,
            world.future,
            _side_by_side(together),
            rooms_for(world.budget, world.timeline, [job.policy for job in together]),
            table,
        )
        tables |= {index: Table(*(column[place] for column in table)) for place, index in enumerate(group)}
    return [tables[index] for index in range(len(jobs))]


def rooms_for(budget: Budget, timeline: Timeline, policies: Sequence[Policy]) -> Rooms:
    """Where a world of this size is drawn, and where any of some policies is played in it.

    Parameters
    ----------
    budget : Budget
        Accounts, KAMs and functions.
    timeline : Timeline
        Years of a run.
    policies : sequence of Policy
        At least one.

    Returns
    -------
    Rooms
        For one thread at a time.
    """
    tiers = max(len(policy.seats) for policy in policies)
    seats = max(int(policy.seats.sum()) for policy in policies)
    return Rooms(
        empty_world(budget, timeline),
        room_for(budget.room(timeline.years), budget.kams, budget.functions, tiers, seats, budget.seats),
        empty_history(timeline.years, budget.room(timeline.years), budget.kams),
    )


def _table(jobs: list[Job], count: int) -> Table:
    policies, kams = len(jobs), jobs[0].budget.kams
    return Table(
        np.empty((policies, count, len(MEASURES))),
        np.empty((policies, count, len(Account._fields))),
        np.empty((policies, count, len(ANSWERS))),
        np.empty((policies, count, len(LEVERS))),
        np.empty((policies, count, kams)),
        np.empty((policies, count, kams)),
        np.empty((policies, count, jobs[0].timeline.years - jobs[0].timeline.history_years)),
    )


def _side_by_side(jobs: list[Job]) -> Policies:
    most = max(len(job.policy.seats) for job in jobs)

    def padded(column: str) -> NDArray[Any]:
        rows = [getattr(job.policy, column) for job in jobs]
        table = np.zeros((len(rows), most), dtype=rows[0].dtype)
        for place, row in enumerate(rows):
            table[place, : len(row)] = row
        return table

    return Policies(
        levers=_records([job.policy.levers for job in jobs]),
        intervention=_records([job.policy.intervention for job in jobs]),
        mix=_records([job.mix for job in jobs]),
        discount=np.array([job.discount for job in jobs]),
        terms=np.array([job.policy.terms for job in jobs], dtype=TERMS_DTYPE).view(np.recarray),
        tiers=np.array([len(job.policy.seats) for job in jobs]),
        seats=padded("seats"),
        attention=padded("attention"),
        promise=padded("promise"),
        concession=padded("concession"),
    )


def _records(rows: Sequence[NamedTuple]) -> Any:
    """Named tuples as records of the same fields, which compiled code can pick from."""
    return np.array(rows, dtype=_record_of(type(rows[0]))).view(np.recarray)


@cache
def _record_of(kind: type[NamedTuple]) -> np.dtype[Any]:
    codes = {bool: "?", int: "i8", float: "f8"}
    return np.dtype([(name, codes[told]) for name, told in get_type_hints(kind).items()], align=True)


def shared_worlds(jobs: Sequence[Job]) -> list[list[int]]:
    """Jobs that describe the same world, as lists of their places.

    Parameters
    ----------
    jobs : sequence of Job
        In any order.

    Returns
    -------
    list of list of int
        Every place once.
    """
    groups: dict[Hashable, list[int]] = {}
    for place, job in enumerate(jobs):
        groups.setdefault(_world_of(job), []).append(place)
    return list(groups.values())


def _world_of(job: Job) -> Hashable:
    """All that the world of a job is drawn from; a large book goes by its hash."""
    known = hashlib.sha256(b"".join((np.asarray(column) + 0.0).tobytes() for column in job.known)).digest()
    return job.parameters.tobytes(), job.budget, job.timeline, known, job.future


_levers, _intervention, _mix = (fields_of(kind._fields) for kind in (Levers, Intervention, LeverMix))
_strengths, _measures = fields_of(LEVERS), fields_of(measure.name for measure in MEASURES)
_amounts = fields_of(Account._fields)


@kernel
def play_in_shared_worlds(
    seed_low: int,
    seed_high: int,
    first: int,
    parameters: Numbers,
    budget: Budget,
    timeline: Timeline,
    known: KnownAccounts,
    future: Future,
    policies: Policies,
    rooms: Rooms,
    table: Table,
) -> None:
    """Draw each organization's world once and play every policy in it; results go into the table."""
    history = rooms.history
    first_year = timeline.history_years + timeline.warmup_years
    for place in range(table.outcomes.shape[1]):
        organization = first + place
        world = draw_organization(
            seed_low, seed_high, organization, parameters, budget, timeline, known, future, rooms.world
        )
        for index in range(len(policies.tiers)):
            tiers = policies.tiers[index]
            levers = drawn_levers(
                seed_low,
                seed_high,
                organization,
                LeverMix(*_mix(policies.mix[index])),
                Levers(*_levers(policies.levers[index])),
            )
            policy = Policy(
                levers,
                Intervention(*_intervention(policies.intervention[index])),
                policies.terms[index],
                policies.seats[index, :tiers],
                policies.attention[index, :tiers],
                policies.promise[index, :tiers],
                policies.concession[index, :tiers],
            )
            play(world, policy, parameters, timeline, rooms.play, history, None)
            account = account_by_year(
                history,
                parameters.gross_margin,
                timeline.history_years,
                policies.discount[index],
                table.cumulated[index, place],
            )
            amounts = _amounts(account)
            for column in range(len(amounts)):
                table.account[index, place, column] = amounts[column]
            measures = _measures(
                outcomes(history, account, world, parameters.gross_margin, timeline.history_years, first_year)
            )
            for column in range(len(measures)):
                table.outcomes[index, place, column] = measures[column]
            answers(history, timeline.history_years, first_year, table.answers[index, place])
            kam_reports(
                history, world.report_draw, parameters, table.reports[index, place], table.key_spend[index, place]
            )
            strengths = _strengths(levers)
            for column in range(len(strengths)):
                table.levers[index, place, column] = strengths[column]
