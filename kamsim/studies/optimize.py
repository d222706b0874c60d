"""The best program, and not only the best of a few: what is chosen is searched together, for profit, quotas and cost.

All programs are played in the same market scenarios, at parameter sets of the posterior. Whatever the search found is
played again in market scenarios and at parameter sets that it never saw, beside the programs known before: only these
figures are told, for the best of many is partly the luckiest.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kamsim.analysis.agreement import Verdict, between
from kamsim.analysis.best import regrets_of
from kamsim.analysis.front import front_of, hypervolume_of, knee_of, some_of_front
from kamsim.analysis.intervals import t_quantile
from kamsim.analysis.search import front_searched
from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.evidence.posterior import Posterior, parameter_named
from kamsim.experiments.jobs import job_of
from kamsim.experiments.log import Evaluations, logged
from kamsim.experiments.manifest import accounts_of, content_of
from kamsim.experiments.pool import checked_workers, seed_apart
from kamsim.measures.choice import NAMES, PROFIT
from kamsim.measures.gain import points_of
from kamsim.measures.profit import TERMS, Horizon
from kamsim.records import Record
from kamsim.scenario import Scenario
from kamsim.source import model_hash
from kamsim.studies.best_program import programs_left_out
from kamsim.studies.bridge import MONEY
from kamsim.studies.over_sets import AtSets, held_of, played_in_own_worlds, posterior_in_manifest
from kamsim.studies.parameter_sets import notes_on_sets
from kamsim.studies.program_space import Space, notes_on_space, space_of
from kamsim.studies.ranges import Range
from kamsim.studies.reference import horizon_of, without_program
from kamsim.studies.settings import notes_on_book, notes_on_settings
from kamsim.types import Floats, Progress
from kamsim.world.carried import carried_book

EVALUATIONS = 2000  # programs that are tried, in a book as large as the default one
REPLICATIONS = 136  # market scenarios that each is tried in, there
LEAST_EVALUATIONS, LEAST_REPLICATIONS = 400, 34  # in larger books, which take longer
USUAL_ACCOUNTS = 150
GENERATION = 40  # programs that are tried together
SHORTLIST = 60  # programs of the front, at most, that are played again before some are chosen
SHORTLISTED = 4  # times as many market scenarios, in which these are
CHECKED = 8  # times as many, in which those that are told are
SHOWN = 8  # programs of the front, at most
LEAST_SETS = 4  # that can be parted into those of the search and those of the check
OBJECTIVES = ("gain", "missed", "invested")
FOUND = "program_"  # begins the name of a program that was found
SEARCH = "search"
_MISSED = NAMES.index("quota_miss_rate")
_PAID = [place for place, term in enumerate(TERMS) if term.costs == "all"]
_POINTS = 0x6F7074  # tells these draws from others of the same seed


class Figures(NamedTuple):
    """What a program comes to, mean over parameter sets, each in market scenarios of its own.

    Against no program in the same market scenarios, in points of the sales of no program at list price: the gain in
    total profit and what is invested, service, elevations and handovers. Beside these the part of years that miss the
    quota.
    """

    gain: float
    missed: float
    invested: float


@dataclass(frozen=True)
class Program(Record):
    """A program in market scenarios and at parameter sets that no search saw.

    Parameters
    ----------
    name : str
        ``program_1``, or of its scenario.
    chosen : dict
        What is searched, by name, as this program chooses it.
    figures : Figures
        What it comes to.
    luck : float
        Half the 95 % interval that the luck of the market scenarios leaves to the gain, in points.
    sets_low, sets_high : float
        Between which the gain lies in 95 % of the parameter sets.
    money, money_invested : float
        Gain and investment in money, mean of a year of the horizon.
    regret : float
        Points that it earns less than the best of all told, or no program, in the same parameter set, mean over the
        sets; that best is told in other market scenarios than those that chose it.
    searched : Figures or None
        The same in the market scenarios of the search, where the luck that made it first is still in it; None for one
        that was not found.
    """

    name: str
    chosen: dict[str, float]
    figures: Figures
    luck: float
    sets_low: float
    sets_high: float
    money: float
    money_invested: float
    regret: float
    searched: Figures | None = None


@dataclass(frozen=True)
class Lead(Record):
    """What the program that earned most in the search earns more than the best program known before.

    In market scenarios that chose neither; fields as of `kamsim.studies.best_program.BestProgram`.
    """

    name: str
    rival: str
    points: float
    luck: float
    sets_low: float
    sets_high: float
    ahead: float
    verdict: Verdict


@dataclass(frozen=True)
class Optimum(Record):
    """Programs that no other beats in profit, quotas and investment together.

    Parameters
    ----------
    scenario : str
        Name of that which programs differ from in what is searched.
    accounts : int
        Of the book.
    book : str
        Name of the file that they come from; empty for a synthetic book.
    ranges : tuple of Range
        What was searched.
    front : tuple of Program
        Some that show all of the front, that which earned most in the search first.
    front_size : int
        Programs that none beat in the search.
    best, knee : str
        Names of the program that earned most, and of that which gives up least of all three, by the search's figures.
    known : tuple of Program
        Programs known before: the scenario itself and those that ship, that which earns most first.
    lead : Lead
        Best found against best known.
    hypervolume : tuple of float
        What the front had gained after each generation of the search, 1 after the first.
    retiers_by_spend : bool
        Whether re-tiering, where it is chosen, ranks by spend; otherwise by account health.
    horizon : Horizon
        What money is told of.
    unit_of_money : float
        What a median annual wallet is in money.
    evaluations, worlds, sets : int
        Programs tried, market scenarios of each in the search, and its parameter sets.
    worlds_checked, sets_checked : int
        The same of the figures that are told.
    posterior : str
        File of the parameter sets; empty for the best fit alone.
    seed : int
        Of all.
    notes : tuple of str
        What was assumed, left out or lies at an end, a sentence each.
    """

    scenario: str
    accounts: int
    book: str
    ranges: tuple[Range, ...]
    front: tuple[Program, ...]
    front_size: int
    best: str
    knee: str
    known: tuple[Program, ...]
    lead: Lead
    hypervolume: tuple[float, ...]
    retiers_by_spend: bool
    horizon: Horizon
    unit_of_money: float
    evaluations: int
    worlds: int
    sets: int
    worlds_checked: int
    sets_checked: int
    posterior: str
    seed: int
    notes: tuple[str, ...]


class Search(NamedTuple):
    """What is searched, at which parameter sets and in how many market scenarios; ask for one with `ask_optimize`."""

    space: Space
    nobody: Scenario
    known: tuple[Scenario, ...]
    searched: Posterior
    checked: Posterior
    book: Book | None
    evaluations: int
    replications: int
    seed: int
    workers: int
    notes: tuple[str, ...]

    @property
    def generations(self) -> int:
        """Of the search."""
        return self.evaluations // GENERATION

    @property
    def worlds_a_set(self) -> int:
        """Market scenarios of each parameter set in the search; one alone would not tell luck."""
        return max(2, math.ceil(self.replications / len(self.searched.values)))

    @property
    def worlds_checked(self) -> int:
        """The same in each half of the check."""
        return max(2, math.ceil(CHECKED * self.replications / len(self.checked.values) / 2))

    @property
    def work(self) -> int:
        """Programs to play, in the search and again."""
        return self.generations * GENERATION + SHORTLIST + SHOWN + len(self.known)

    def settings(self) -> dict[str, object]:
        """All that the evaluations of a search depend on; how many there are is none of it, so that one can go on."""
        return {
            "command": "optimize",
            "scenario": content_of(self.space.scenario),
            "accounts": accounts_of([self.space.scenario], self.book),
            "ranges": [[*choice.range.to_dict().values(), choice.can_be_unset] for choice in self.space.choices],
            "known": [content_of(program) for program in self.known],
            "posterior": posterior_in_manifest(self.searched),
            "worlds_a_set": self.worlds_a_set,
            "generation": GENERATION,
            "seed": self.seed,
            "model": model_hash(),
            "versions": {name: version(name) for name in ("numpy", "pymoo", "scipy")},
        }


def ask_optimize(
    scenario: Scenario,
    posterior: Posterior | None = None,
    *,
    vary: Sequence[str] = (),
    evaluations: int | None = None,
    replications: int | None = None,
    seed: int = 1,
    jobs: int | None = None,
    book: Book | None = None,
) -> Search:
    """Check what is searched.

    Parameters
    ----------
    scenario : Scenario
        A program; what is not searched stays as it is there.
    posterior : Posterior, optional
        Parameter sets, one half for the search and one for the check; by default the best fit alone.
    vary : sequence of str
        What is searched, ``tiers.key.seats=5..30``; by default what `kamsim.studies.program_space.space_of` has.
    evaluations : int, optional
        Programs to try, rounded down to whole generations of 40; by default 2,000, in a large book fewer.
    replications : int, optional
        Market scenarios for each, >= 2, shared out among the parameter sets; by default 136, in a large book fewer.
    seed : int
        In [0, 2**64).
    jobs : int, optional
        Chunks of work at a time; by default as many as there are cores. It changes no result.
    book : Book, optional
        Account book to play in; by default that of the scenario, if it carries one.

    Returns
    -------
    Search
        For `optimize`.

    Raises
    ------
    KamsimError
        One sentence on what is wrong with the arguments.
    """
    space = space_of(scenario, vary, book)
    evaluations, replications = _effort(space.accounts, evaluations, replications)
    workers = checked_workers(replications, seed, jobs)
    tiers = list(scenario.tiers.ordered)
    others = [one for one in programs_left_out([scenario]) if list(one.tiers.ordered) == tiers]
    known, nobody = (scenario, *others), without_program(scenario)
    searched, checked, said = _parted(posterior or Posterior((), ((),), ""))
    notes = (
        *job_of(scenario, book).notes,
        *notes_on_book([scenario], book),
        *notes_on_settings([scenario]),
        *notes_on_space(space, vary),
        *(() if posterior is None else (*posterior.notes, *notes_on_sets([scenario], posterior))),
        *said,
    )
    told = tuple(dict.fromkeys(notes))
    return Search(space, nobody, known, searched, checked, book, evaluations, replications, seed, workers, told)


def _effort(accounts: int, evaluations: int | None, replications: int | None) -> tuple[int, int]:
    """Programs to try and market scenarios for each, as asked; by default so many as take a minute or two."""
    part = min(1.0, USUAL_ACCOUNTS / accounts)
    usual = max(LEAST_EVALUATIONS, int(EVALUATIONS * part)), max(LEAST_REPLICATIONS, int(REPLICATIONS * part))
    programs = usual[0] if evaluations is None else evaluations
    worlds = usual[1] if replications is None else replications
    if worlds < 2:
        raise KamsimError(f"`replications` must be at least 2, not {worlds}: one market scenario tells no luck")
    if programs < GENERATION:
        raise KamsimError(f"`evaluations` must be at least {GENERATION}, one generation of programs, not {programs}")
    return programs, worlds


def _parted(posterior: Posterior) -> tuple[Posterior, Posterior, tuple[str, ...]]:
    """Parameter sets of the search and of the check: one after the other, where there are enough."""
    if len(posterior.values) < LEAST_SETS:
        alone = "the best fit is" if not posterior.names else "the same few parameter sets are"
        return posterior, posterior, (f"{alone} played in the search and in the check, which has other luck alone",)
    return replace(posterior, values=posterior.values[::2]), replace(posterior, values=posterior.values[1::2]), ()


def optimize(
    search: Search,
    folder: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Optimum:
    """Search the programs that none beats, and play those that are told again.

    Parameters
    ----------
    search : Search
        From `ask_optimize`.
    folder : str or path, optional
        Where every generation is written down at once; a search begun there goes on where it ended, also where more
        programs are asked for now.
    progress : callable, optional
        Told how many programs are done.
    note : callable, optional
        Told, in a sentence, what of the folder was found damaged and is played again.

    Returns
    -------
    Optimum
        The same to the last bit whether or not it was interrupted, and whatever the jobs.

    Raises
    ------
    KamsimError
        Where the folder holds something else, or a program does not go with a parameter set.
    """
    with logged(None if folder is None else Path(folder), search.settings(), note, SEARCH) as log:
        points, costs = _searched(search, log, progress)
        chosen = _chosen(search, points, costs, progress)
        found = [
            search.space.program(search.space.values(points[place]), f"{FOUND}{number}")
            for number, place in enumerate(chosen.places, start=1)
        ]
        told = _checked(search, found, progress)
        known = sorted(told[len(found) :], key=lambda program: -program.figures.gain)
        rival = next(one for one in search.known if one.name == known[0].name)
        lead = _lead(search, found[0], rival)
        if progress is not None:
            progress(search.work)
    of_search = [Figures(*(costs[place] * _SIGNS).tolist()) for place in chosen.places]
    front = [replace(one, searched=two) for one, two in zip(told, of_search, strict=False)]
    return _optimum(search, costs, chosen, (front, known), lead)


def _optimum(
    search: Search, costs: Floats, chosen: "Chosen", programs: tuple[list[Program], list[Program]], lead: Lead
) -> Optimum:
    """Put together what is told of a search that is done: programs of its front, and those known before."""
    front, known = programs
    job, book = job_of(search.nobody, search.book), carried_book(search.nobody, search.book)
    return Optimum(
        scenario=search.space.scenario.name,
        accounts=search.space.accounts,
        book="" if book is None else Path(book.source).name,
        ranges=search.space.ranges,
        front=tuple(front),
        front_size=chosen.front_size,
        best=front[0].name,
        knee=front[chosen.knee].name,
        known=tuple(known),
        lead=lead,
        hypervolume=tuple(_volumes(costs)),
        retiers_by_spend=search.space.scenario.retiers_by_spend(),
        horizon=horizon_of([search.nobody], job),
        unit_of_money=job.unit,
        evaluations=len(costs),
        worlds=search.worlds_a_set * len(search.searched.values),
        sets=len(search.searched.values),
        worlds_checked=2 * search.worlds_checked * len(search.checked.values),
        sets_checked=len(search.checked.values),
        posterior=Path(search.searched.source).name if search.searched.names else "",
        seed=search.seed,
        notes=(*search.notes, *_notes_on_ends(search.space, front[0])),
    )


# ---------------------------------------------------------------- the search


_SIGNS = np.array([-1.0, 1.0, 1.0])  # more gain is better, fewer misses and less investment are


def _searched(search: Search, log: Evaluations, progress: Progress | None) -> tuple[Floats, Floats]:
    """Points that were tried and their costs, each generation written down before the next begins."""
    done = 0

    def costs(points: Floats) -> Floats:
        nonlocal done
        what = {"programs": points.tolist()}
        known = log.find(what)
        if known is None:
            found = _costs_of(search, points)
            log.add(what, {"costs": found.tolist()})
        else:
            found = _known_costs(known, len(points), log.path)
        done += len(points)
        if progress is not None:
            progress(done)
        return found

    return front_searched(
        costs, _first_points(search), objectives=len(OBJECTIVES), generations=search.generations, seed=search.seed
    )


def _known_costs(known: Mapping[str, object], points: int, path: Path | None) -> Floats:
    """Costs as the log has them, which somebody may have edited."""
    try:
        found = np.array(known["costs"], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        found = np.empty(0)
    if found.shape != (points, len(OBJECTIVES)) or not np.isfinite(found).all():
        raise KamsimError(f"{path}: holds an evaluation that is damaged; remove the file to begin anew")
    return found


def _first_points(search: Search) -> Floats:
    """Points of the first generation: programs known before, or those nearest to them, and others spread evenly."""
    from scipy.stats import qmc

    points = dict.fromkeys(tuple(search.space.point(program).tolist()) for program in search.known)
    known = np.array(list(points))[: GENERATION // 2]
    generator = np.random.default_rng([search.seed, _POINTS])
    spread = qmc.LatinHypercube(len(search.space.choices), rng=generator).random(GENERATION - len(known))
    return np.concatenate([known, spread])


def _costs_of(search: Search, points: Floats) -> Floats:
    """Costs of points, (points, objectives), in the market scenarios of the search."""
    programs = [search.space.program(search.space.values(point), "tried") for point in points]
    costs: Floats = figures_of(_played(search, programs, search.searched, search.seed, search.worlds_a_set)) * _SIGNS
    return costs


def _played(
    search: Search,
    programs: Sequence[Scenario],
    posterior: Posterior,
    seed: int,
    worlds: int,
    progress: Progress | None = None,
) -> AtSets:
    """Play programs against none, each parameter set in worlds of its own, the same for all programs.

    ``progress`` is told how many of the programs that would be.
    """
    total = len(posterior.values) * worlds
    reported = None if progress is None else (lambda done: progress(len(programs) * done // total))
    scenarios = [search.nobody, *programs]
    sets, refused = played_in_own_worlds(scenarios, posterior, search.book, seed, worlds, search.workers, reported)
    if refused:
        raise KamsimError(f"some of what is searched does not go with a parameter set: {refused[0]}")
    return sets


def figures_of(sets: AtSets) -> Floats:
    """`Figures` of programs that were played against none, which is first: (programs, objectives)."""
    sales = sets.money[:, 1:, MONEY.sales]
    paid = np.zeros_like(sales)
    for place in _PAID:
        paid = paid - sets.money[:, 1:, place]
    # Nobody misses a quota who has no key account; a program without any is none, and that is no merit of it.
    missed = np.nan_to_num(sets.mean[:, 1:, _MISSED], nan=1.0)
    gain = points_of(sets.money[:, 1:, MONEY.total], sales)
    return np.stack([gain.mean(axis=0), missed.mean(axis=0), points_of(paid, sales).mean(axis=0)], axis=1)


def _volumes(costs: Floats) -> Iterator[float]:
    """What the front of all that was tried had gained after each generation, as a multiple of that after the first."""
    first = costs[:GENERATION]
    worst, best = first.max(axis=0), first.min(axis=0)
    size = np.where(worst > best, worst - best, 1.0)
    begun = 0.0
    for done in range(GENERATION, len(costs) + 1, GENERATION):
        seen = costs[:done]
        volume = hypervolume_of(((seen - best) / size)[front_of(seen)], np.ones(len(best)))
        begun = begun or volume
        yield volume / begun if begun > 0.0 else math.nan


# ---------------------------------------------------------------- what is told of it, and the check


class Chosen(NamedTuple):
    """Which programs are told: their places among all that were tried, that which earns most first."""

    places: list[int]
    knee: int  # among these
    front_size: int


def _chosen(search: Search, points: Floats, costs: Floats, progress: Progress | None) -> Chosen:
    """Play the front again in more market scenarios of other luck, and choose of those that are still beaten by none.

    So that what is called the best, and the knee, is not merely the luckiest.
    """
    front = front_of(costs)
    ends = costs[front].argmin(axis=0).tolist()
    listed = [front[place] for place in some_of_front(costs[front], ends, SHORTLIST)]
    programs = [search.space.program(search.space.values(points[place]), "listed") for place in listed]
    before = search.generations * GENERATION
    reported = None if progress is None else (lambda done: progress(before + done))
    worlds = SHORTLISTED * search.worlds_a_set
    sets = _played(search, programs, search.searched, seed_apart(search.seed, 4), worlds, reported)
    again = figures_of(sets) * _SIGNS
    kept = front_of(again)
    again = again[kept]
    leader, *others = again.argmin(axis=0).tolist()
    knee = knee_of(again)
    shown = some_of_front(again, [leader, knee, *others], SHOWN)
    shown.sort(key=lambda place: again[place].tolist())
    return Chosen([listed[kept[place]] for place in shown], shown.index(knee), len(kept))


def _checked(search: Search, found: Sequence[Scenario], progress: Progress | None) -> list[Program]:
    """Figures of what was found and of what was known before, by luck and parameter sets that chose neither."""
    programs = [*found, *search.known]
    halves = []
    for half in (1, 2):
        before = search.generations * GENERATION + SHORTLIST + (half - 1) * len(programs) // 2
        reported = None if progress is None else partial(_half_more, progress, before)
        seed = seed_apart(search.seed, half)
        halves.append(_played(search, programs, search.checked, seed, search.worlds_checked, reported))
    gains = np.stack([points_of(half.money[..., MONEY.total], half.money[..., MONEY.sales]) for half in halves])
    regrets = np.mean([regrets_of(gains[:, place]) for place in range(gains.shape[1])], axis=0)
    whole = AtSets(*((one + other) / 2.0 for one, other in zip(*halves, strict=True)))
    # Two halves of worlds of their own: their errors add up by squares.
    error = np.sqrt(halves[0].error ** 2 + halves[1].error ** 2) / 2.0
    luck = [
        _luck(points_of(error[:, row, PROFIT], whole.money[:, row, MONEY.sales]), 2 * search.worlds_checked)
        for row in range(1, 1 + len(programs))
    ]
    return list(_told(search, programs, whole, luck, regrets))


def _half_more(progress: Progress, before: int, done: int) -> None:
    progress(before + done // 2)


def _told(
    search: Search, programs: Sequence[Scenario], sets: AtSets, luck: Sequence[float], regrets: Floats
) -> Iterator[Program]:
    """Programs that were played against none, which is first in what came of it."""
    years = search.nobody.timeline
    figures, years = figures_of(sets), years.warmup_years + years.window_years
    names = [one.parameter for one in search.space.ranges]
    for place, program in enumerate(programs):
        row = place + 1
        money = sets.money[:, row]
        low, high = between(points_of(money[:, MONEY.total], money[:, MONEY.sales]))
        yield Program(
            name=program.name,
            chosen=dict(zip(names, search.space.chosen(program), strict=True)),
            figures=Figures(*figures[place].tolist()),
            luck=luck[place],
            sets_low=low,
            sets_high=high,
            money=float(money[:, MONEY.total].mean()) / years,
            money_invested=-float(money[:, _PAID].sum(axis=1).mean()) / years,
            regret=float(regrets[row]),
        )


def _luck(error: Floats, worlds: int) -> float:
    """Half the 95 % interval of a mean over sets, (sets,), each with its standard error in so many worlds."""
    quantile = float(t_quantile(len(error) * (worlds - 1) + 1))
    return quantile * math.sqrt(float((error**2).sum())) / len(error)


def _lead(search: Search, found: Scenario, rival: Scenario) -> Lead:
    """Best found against best known, in market scenarios that chose neither."""
    worlds = 2 * search.worlds_checked
    scenarios, seed = [rival, found, search.nobody], seed_apart(search.seed, 3)
    sets, _ = played_in_own_worlds(scenarios, search.checked, search.book, seed, worlds, search.workers)
    held, sales = held_of(sets, worlds)[1, PROFIT], sets.money[:, 1, MONEY.sales]
    points = points_of(sets.money[:, 1, MONEY.total], sales)
    luck = _luck(points_of(sets.error[:, 1, PROFIT], sales), worlds)
    return Lead(
        found.name, rival.name, float(points.mean()), luck, *between(points), float((points > 0.0).mean()), held.verdict
    )


def _notes_on_ends(space: Space, best: Program) -> Iterator[str]:
    """Say which choices of the best lie at an end of what was searched, beyond which the ledger has more."""
    ends = []
    for one in space.ranges:
        row, value = parameter_named(one.parameter), best.chosen[one.parameter]
        if row is not None and (value == one.low > row.low or value == one.high < row.high):
            ends.append(f"{one.parameter} = {value:g}")
    if ends:
        yield f"{best.name} is at an end of what was searched in {', '.join(ends)}; beyond it nothing is known"
