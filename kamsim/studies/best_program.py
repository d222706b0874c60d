"""The shipped program that beats what is compared, if one does: so that nobody has to know it to be told.

All shipped programs that a comparison leaves out are played in its world: some worlds at the best fit name the one that
earns most, and only that one is then held against the best of those compared, at every parameter set.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kamsim.analysis.agreement import Held, Verdict, between
from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import TERMS_OF_PROGRAM
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.jobs import job_of
from kamsim.experiments.pool import accounts_played
from kamsim.measures.choice import PROFIT
from kamsim.measures.gain import SALES, points_of, profit_in
from kamsim.records import Record
from kamsim.scenario import LEVERS, Scenario, load_scenario, shipped_scenarios, with_values
from kamsim.studies.bridge import MONEY
from kamsim.studies.over_sets import held_of, played_in_own_worlds
from kamsim.studies.parameter_sets import value_in
from kamsim.studies.reference import elevates, place_without_program

WORLDS = 30  # in which the one that earns most is found
_OF_PROGRAM = ("tiers", *TERMS_OF_PROGRAM)


@dataclass(frozen=True)
class BestProgram(Record):
    """The shipped program that earns most of those that were not compared.

    Parameters
    ----------
    name, question : str
        Of its scenario.
    rival : str
        The best of those compared, in most of the parameter sets or else at the best fit.
    tried : int
        Shipped programs that were played.
    points : float
        What it earns more than the rival, in points of the sales of no program, at the best fit, in other worlds than
        those in which it was found.
    sets_low, sets_high : float
        Between which this lies in 95 % of the parameter sets; NaN without sets.
    ahead : float
        Part of the sets in which it earns more than the rival; NaN without sets.
    verdict : str
        ``better`` where 95 % of the sets agree beyond the luck of their worlds; empty without sets.
    """

    name: str
    question: str
    rival: str
    tried: int
    points: float
    sets_low: float
    sets_high: float
    ahead: float
    verdict: Verdict


def programs_left_out(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """Shipped programs that choose otherwise than any of the scenarios, each in their world.

    None where the scenarios do not share one world, or are populations.
    """
    first = scenarios[0]
    worlds = {(one.world.model_dump_json(), one.timeline.model_dump_json(), one.population) for one in scenarios}
    if len(worlds) > 1 or first.population is not None:
        return []
    chosen, found = [_choices(one) for one in scenarios], list[Scenario]()
    for name in shipped_scenarios():
        shipped = load_scenario(name)
        if shipped.population is not None:
            continue
        try:
            here = _in_world_of(scenarios, shipped)
        except KamsimError:
            continue  # what was set for this run does not go with it
        if elevates(here) and _choices(here) not in chosen:
            chosen.append(_choices(here))
            found.append(here)
    return found


def _choices(scenario: Scenario) -> dict[str, object]:
    # A lever may go by a preset or by its strength.
    sections: dict[str, object] = {
        name: getattr(scenario, name).model_dump(exclude=set(LEVERS)) for name in _OF_PROGRAM
    }
    return {**sections, "levers": scenario.lever_strengths(), "by_spend": scenario.retiers_by_spend()}


def _in_world_of(scenarios: Sequence[Scenario], program: Scenario) -> Scenario:
    """A program in the world of others, with what was set for this run set for it as well."""
    here = scenarios[0].model_copy(
        update={
            "name": program.name,
            "question": program.question,
            **{section: getattr(program, section) for section in _OF_PROGRAM},
        }
    )
    fixed = {name: value_in(one, name) for one in scenarios for name in one.fixed or ()}
    alike = {name: value for name, value in fixed.items() if name.split(".")[0] in _OF_PROGRAM and value is not None}
    return with_values(here, alike)


def best_program(
    scenarios: Sequence[Scenario],
    rival: str,
    posterior: Posterior | None,
    programs: Sequence[Scenario] | None = None,
    *,
    book: Book | None = None,
    worlds: int = WORLDS,
    worlds_a_set: int = 2,
    seed: int = 1,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> BestProgram | None:
    """Find the shipped program that earns most of those left out of a comparison, and hold it against the best there.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Compared, the reference first.
    rival : str
        Name of the best of them.
    posterior : Posterior or None
        Parameter sets.
    programs : sequence of Scenario, optional
        Those left out, by default as `programs_left_out` finds them.
    book : Book, optional
        Account book to play in; by default that of the scenarios, if they carry one.
    worlds, worlds_a_set : int
        At the best fit, and at each set.
    seed, workers : int
        Of worlds, and threads; these change no result.
    progress : callable, optional
        Told how many worlds are done.

    Returns
    -------
    BestProgram or None
        None where no shipped program was left out.
    """
    programs = programs_left_out(scenarios) if programs is None else programs
    if not programs:
        return None
    compared = next(one for one in scenarios if one.name == rival)
    nobody = scenarios[place_without_program(scenarios)]
    jobs = [job_of(one, book) for one in (compared, nobody, *programs)]
    profits = profit_in(accounts_played(jobs, seed, worlds, workers=workers, progress=progress)).mean(axis=0)
    place = 2 + int(np.argmax(profits[2:]))
    # The luck that made it first is not told again: what it earns is told of other worlds.
    again = [jobs[0], jobs[1], jobs[place]]
    fresh = accounts_played(again, seed, worlds, first=worlds, workers=workers)
    earned = float(points_of((profit_in(fresh[:, 2]) - profit_in(fresh[:, 0])).mean(), fresh[:, 1, SALES].mean()))
    found, held, over = programs[place - 2], Held(), (math.nan, math.nan)
    if posterior is not None:
        reported = None if progress is None else (lambda done: progress(worlds + done))
        played = [compared, found] if compared is nobody else [compared, found, nobody]
        sets, _ = played_in_own_worlds(played, posterior, book, seed, worlds_a_set, workers, reported)
        held = held_of(sets, worlds_a_set)[1, PROFIT]
        over = between(points_of(sets.money[:, 1, MONEY.total], sets.money[:, 1, MONEY.sales]))
    told = (len(programs), earned, *over, held.better, held.verdict)
    return BestProgram(found.name, found.question, rival, *told)
