"""Why a program gains or loses: its total profit shared out among its choices, each by the terms of the bridge.

A choice is a lever that it pulls, or what it settles otherwise than most programs do: its size, how it rebuilds, how it
sets quotas.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np

from kamsim.analysis.intervals import half_width_of, moments_of
from kamsim.analysis.shapley import coalitions, shapley_interactions, shapley_values
from kamsim.errors import KamsimError
from kamsim.experiments.jobs import Job, job_of
from kamsim.experiments.pool import accounts_played
from kamsim.experiments.twins import look_at_twins
from kamsim.measures.gain import SALES, profit_in
from kamsim.measures.profit import TERMS, Horizon
from kamsim.model.plan import History
from kamsim.policy.choices import CHOICES
from kamsim.records import Record
from kamsim.rules.tiering import NO_CUSTOMER
from kamsim.scenario import DEFAULT_SCENARIO, LEVERS, Scenario, load_scenario, with_values
from kamsim.studies.bridge import TOTAL
from kamsim.studies.explain_parts import Study, without_concessions, without_promises
from kamsim.studies.parameter_sets import default_of, value_in
from kamsim.studies.reference import elevates, horizon_of, without_program
from kamsim.types import Floats
from kamsim.world.world import World

QUESTION = "levers"
FULL = "full_program"
PROGRAM, LEVERS_OFF = "program", "levers_off"  # beside the levers: all of it, and the program with no lever pulled
SHARE, KEPT = "share", "kept"  # which volume is made of
_REMOVED = {"concessions": without_concessions, "promises": without_promises}  # of what every tier gives
TIER_TERMS = tuple(_REMOVED)
TIERS, OTHERS = "tiers", "others"  # choices: of other tiers, and of several things at once
MOST_CHOICES = 6  # told apart: every set of them is played
_K = len(TERMS)
_BRIDGE = (*(term.name for term in TERMS), TOTAL)
_COLUMNS = (*_BRIDGE, SHARE, KEPT)
_VOLUME = _COLUMNS.index("volume")


@dataclass(frozen=True)
class Amount:
    """Mean of a part of total profit over the same worlds, with its error; NaN where a single world tells none.

    Parameters
    ----------
    of : str
        Choice or pair of them (``selection x alignment``), `PROGRAM`, `LEVERS_OFF` or one of `TIER_TERMS`.
    term : str
        Term of the bridge of profit, ``total`` for all of them together, or `SHARE` or `KEPT` of the volume.
    money : float
        What is spent is below zero.
    points : float
        The same as percentage points of the sales of no program at list price.
    error : float
        Standard error over worlds, in points.
    low, high : float
        95 % interval, in points.
    """

    of: str
    term: str
    money: float
    points: float
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class LeversExplained(Record):
    """Total profit of a program against no program, and what each of its choices adds.

    Parameters
    ----------
    program : str
        Name of what is taken apart.
    strengths : dict
        Of its levers.
    choices : tuple of str
        That it makes: levers that it pulls, then others.
    together : tuple of str
        Choices that `OTHERS` stands for, where there are too many to tell apart.
    retiers_by_spend : bool
        Whether re-tiering reads spend in place of health.
    reference : str
        What it is held against.
    horizon : Horizon
        Years and discounting of all money, and its unit.
    worlds : int
        In each of which all are played.
    figure : tuple of Amount
        The program against no program: its terms in their order, then the total.
    parts : tuple of Amount
        The same of the program with no choice made, then of each choice: they add up to the figure, term by term. A
        choice's is what it adds, averaged over every order in which choices may come (Shapley).
    volume : tuple of Amount
        The volume of the program and of each part, split: what customers buy more who are there without the program
        too, and what those buy who would have left for good.
    alone, last : tuple of Amount
        Totals of each choice, made alone or after all others; then of what tiers concede and promise, in the program
        with no choice made or with all.
    pairs : tuple of Amount
        Totals of what two choices add together beyond what they add apart.
    untold : str
        Why nothing can be told, a sentence; empty where all can.
    """

    program: str
    strengths: Mapping[str, float]
    choices: tuple[str, ...]
    together: tuple[str, ...]
    retiers_by_spend: bool
    reference: str
    horizon: Horizon
    worlds: int
    figure: tuple[Amount, ...]
    parts: tuple[Amount, ...]
    volume: tuple[Amount, ...]
    alone: tuple[Amount, ...]
    last: tuple[Amount, ...]
    pairs: tuple[Amount, ...]
    untold: str


def explain_levers(study: Study) -> LeversExplained:
    """Play no program, and the program with every set of its choices, in the same worlds; then share out the profit.

    They are played once more for who is kept as a customer, which no account of profit tells.
    """
    program = program_of(study.scenario)
    nobody = without_program(program)
    undone = choices_of(program)
    choices = tuple(undone)
    played = [job_of(with_choices_of(program, undone, made)) for made in coalitions(choices)]
    ends = (played[0], played[-1])
    jobs = [job_of(nobody), *played, *(removed(job) for removed in _REMOVED.values() for job in ends)]
    accounts = accounts_played(jobs, study.seed, study.organizations, workers=study.workers, progress=study.progress)
    kept = _kept_of(study._replace(progress=study.after(study.organizations)), jobs)
    shared = shared_out(accounts, kept, choices)
    untold = f"{study.scenario.name}: there are no key accounts, so there is no program to explain"
    return LeversExplained(
        program.name,
        program.lever_strengths(),
        choices,
        tuple(_moved(program)) if OTHERS in choices else (),
        program.retiers_by_spend(),
        nobody.name,
        horizon_of((program, nobody), jobs[0]),
        study.organizations,
        *shared,
        "" if elevates(program) else untold,
    )


def program_of(scenario: Scenario) -> Scenario:
    """Program that is taken apart: the scenario's own where it makes a choice, else the full program in its world."""
    alone = scenario.changed(population=None)
    # Tiers of a population are those of each of its programs.
    if set(choices_of(alone)) - ({TIERS} if scenario.population is not None else set()):
        return alone
    name = (
        FULL
        if scenario.population is not None or scenario.name == DEFAULT_SCENARIO
        else f"{scenario.name} with all levers"
    )
    return alone.changed(name=name, policy=dict.fromkeys(LEVERS, 1.0))


Undone = Mapping[str, Mapping[str, object]]  # values of keys by choice, with which it is not made


def choices_of(program: Scenario) -> Undone:
    """Choices that a program makes, and the values that undo each; those of tiers have none, tiers come as a whole.

    More than `MOST_CHOICES` would take too long to take apart: then all but levers are one. What was set for this run
    is none: it is set for whatever is compared.
    """
    if not elevates(program):
        return {}
    made: dict[str, dict[str, object]] = {
        lever: {f"policy.{lever}": 0.0} for lever, strength in program.lever_strengths().items() if strength
    }
    others: dict[str, dict[str, object]] = ({} if _usual_tiers(program) else {TIERS: {}}) | _moved(program)
    if len(made) + len(others) > MOST_CHOICES:
        together = {name: value for moved in others.values() for name, value in moved.items()}
        others = ({TIERS: {}} if TIERS in others else {}) | {OTHERS: together}
    return made | others


def _moved(program: Scenario) -> dict[str, dict[str, object]]:
    """Defaults of the keys, by choice beside levers and tiers, that a program settles otherwise."""
    fixed = program.fixed or ()
    moved: dict[str, dict[str, object]] = {}
    for choice, keys in CHOICES.items():
        for name in keys:
            if name not in fixed and value_in(program, name) != (default := default_of(name)):
                moved.setdefault(choice, {})[name] = default
    return moved


@cache
def _most_programs() -> Scenario:
    return load_scenario(DEFAULT_SCENARIO)


def _usual_tiers(program: Scenario) -> bool:
    """Whether the tiers of a program are those of most programs, but for what was set for this run."""
    set_for_run = {name: value_in(program, name) for name in program.fixed or () if name.startswith("tiers.")}
    usual = _most_programs()
    with suppress(KamsimError):  # what was set may go with tiers of the program's own alone
        usual = with_values(usual, set_for_run)
    return bool(program.tiers == usual.tiers)


def with_choices_of(program: Scenario, undone: Undone, made: frozenset[str]) -> Scenario:
    """The program with some of its choices made, and the others undone."""
    values = {name: value for choice, moved in undone.items() if choice not in made for name, value in moved.items()}
    left = with_values(program, values)
    if TIERS not in undone or TIERS in made:
        return left
    return left.model_copy(update={"tiers": _most_programs().tiers})


def _kept_of(study: Study, jobs: Sequence[Job]) -> Floats:
    """Volume at gross margin of customers who leave without a program, in money: (worlds, jobs), the first being none.

    Less what those would have bought who leave though they stay without a program.
    """
    first = jobs[0]
    launch, unit = first.timeline.history_years, first.unit * first.parameters.gross_margin
    weights = (1.0 + first.discount) ** -np.arange(first.timeline.years - launch, dtype=np.float64)

    def look(world: World, histories: list[History]) -> list[float]:
        listed = [history.accounts["listed"][launch:] for history in histories]
        gone = [history.accounts["tier"][launch:] == NO_CUSTOMER for history in histories]
        return [
            unit * float(weights @ (own * gone[0] - listed[0] * left).sum(axis=1))
            for own, left in zip(listed, gone, strict=True)
        ]

    return np.array(
        look_at_twins(jobs, study.seed, study.organizations, look, workers=study.workers, progress=study.progress)
    )


# ---------------------------------------------------------------- sharing out


class Shared(NamedTuple):
    """Profit shared out, as `LeversExplained` has it."""

    figure: tuple[Amount, ...]
    parts: tuple[Amount, ...]
    volume: tuple[Amount, ...]
    alone: tuple[Amount, ...]
    last: tuple[Amount, ...]
    pairs: tuple[Amount, ...]


def shared_out(accounts: Floats, kept: Floats, choices: Sequence[str]) -> Shared:
    """Share out accounts of profit.

    Parameters
    ----------
    accounts : array of shape (worlds, jobs, amounts)
        No program, the program with each of `coalitions` of its choices, then for each of `TIER_TERMS` what is without
        it: the program with no choice made, and with all.
    kept : array of shape (worlds, jobs)
        Part of their volume that is of customers kept.
    choices : sequence of str
        Of the program.

    Returns
    -------
    Shared
        Every amount from paired differences in the same worlds.
    """
    nobody, *played = np.moveaxis(_with_sums(accounts[..., :_K], kept), 1, 0)
    games = coalitions(choices)
    worth, without = np.stack(played[: len(games)]), played[len(games) :]
    off, everything = worth[0], worth[-1]
    sales = float(accounts[:, 0, SALES].mean())
    parts = {LEVERS_OFF: off - nobody} | dict(zip(choices, shapley_values(worth), strict=True))
    first = {choice: worth[games.index(frozenset({choice}))] - off for choice in choices}
    last = {choice: everything - worth[games.index(games[-1] - {choice})] for choice in choices}
    first |= {name: off - one for name, one in zip(TIER_TERMS, without[::2], strict=True)}
    last |= {name: everything - one for name, one in zip(TIER_TERMS, without[1::2], strict=True)}
    pairs = (f"{one} x {other}" for one, other in combinations(choices, 2))
    together = dict(zip(pairs, shapley_interactions(worth), strict=True))

    def told(values: Mapping[str, Floats], *terms: str) -> tuple[Amount, ...]:
        columns = [(name, term, value[:, _COLUMNS.index(term)]) for name, value in values.items() for term in terms]
        return tuple(_amount(name, term, column, sales) for name, term, column in columns)

    figure = {PROGRAM: everything - nobody}
    return Shared(
        told(figure, *_BRIDGE),
        told(parts, *_BRIDGE),
        told(figure | parts, SHARE, KEPT),
        told(first, TOTAL),
        told(last, TOTAL),
        told(together, TOTAL),
    )


def _with_sums(terms: Floats, kept: Floats) -> Floats:
    """Terms with their total, summed in their order, and what volume is made of: `_COLUMNS` along the last axis."""
    return np.concatenate([terms, np.stack([profit_in(terms), terms[..., _VOLUME] - kept, kept], axis=-1)], axis=-1)


def _amount(of: str, term: str, values: Floats, sales: float) -> Amount:
    moments = moments_of(values)
    mean, half = float(moments.mean), float(half_width_of(moments))
    number = float(moments.number)
    error = float(np.sqrt(moments.squares / (number - 1.0) / number)) if number > 1 else np.nan
    in_points = 100.0 / sales if sales > 0.0 else np.nan
    points = (mean, error, mean - half, mean + half)
    return Amount(of, term, mean, *(in_points * value for value in points))
