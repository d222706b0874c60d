"""Which program for these accounts, from now on: the policy to take, how sure that is, and which accounts it means.

Every policy is played in the same futures of many cases of the firm (`kamsim.studies.decide_cases`), from the end of
its account book on. What is expected over all of them decides; chances and regret say what the decision risks, the
value of information what would have to be found out to risk less.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kamsim.analysis.agreement import Held, Verdict
from kamsim.analysis.decision import Odds, Truths, chance_ahead, luck_of, odds_of, truths_of, verdict_between
from kamsim.analysis.information import value_of_knowing
from kamsim.analysis.intervals import moments_of
from kamsim.books.book import Book
from kamsim.books.labels import money_of as money_named
from kamsim.books.laws import FittedLaws
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import TERMS_OF_PROGRAM
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.files import write_result
from kamsim.experiments.folder import RUN_FILES
from kamsim.experiments.jobs import Job, job_of
from kamsim.experiments.manifest import manifest_of
from kamsim.experiments.pool import checked_workers
from kamsim.measures.gain import points_of, profit_in
from kamsim.measures.profit import Horizon
from kamsim.records import Record
from kamsim.scenario import DEFAULT_SCENARIO, Scenario, load_scenario, with_values
from kamsim.studies.asked import Asked
from kamsim.studies.backtest import UNSURE
from kamsim.studies.bridge import MONEY, UNKNOWN, BridgeTerm, Ratio, Worth, bridge_of, money_of, worth_of
from kamsim.studies.compare import checked_names, notes_on
from kamsim.studies.decide_accounts import LISTS, Account, accounts_of, write_lists
from kamsim.studies.decide_cases import Cases, cases_a_set, played_cases
from kamsim.studies.decide_check import misfit_of, weakness_of
from kamsim.studies.decide_data import DATA, features_of
from kamsim.studies.over_sets import notes_on_refused, posterior_in_manifest
from kamsim.studies.parameter_sets import notes_on_sets
from kamsim.studies.reference import elevates, horizon_of, in_words, place_without_program, with_reference
from kamsim.studies.uncertainty import BEST_FROM
from kamsim.types import Floats, Integers, Progress

FIGURE = "decision.png"
RESULT = "decision.json"
TODAY = "todays_program"
SPREAD = 0.8  # of cases and futures that the spread of an investment spans
_FILES = frozenset({*RUN_FILES, FIGURE, RESULT, *LISTS})


class Between(NamedTuple):
    """An amount of money: its mean, and between which it lies."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """What a policy is worth, against the reference; money in that of the book.

    Parameters
    ----------
    scenario : str
        Name.
    value : Between
        Expected difference in total profit (net present value, at the rate of discount of the scenarios), and between
        which it lies in 95 % of the cases, luck of futures apart.
    luck : float
        Half the 95 % interval of that mean from the luck of so few market scenarios.
    a_year : float
        The same mean for each year.
    points : Between
        The same as percentage points of the sales without a program.
    probability_best : float
        That no other policy earns more, over cases.
    regret, regret_a_year, regret_points : float
        What it is expected to lose against the policy that is best in each case, >= 0.
    verdict : str
        ``better`` or ``worse`` than the reference where 95 % of the cases agree and it is not luck alone.
    against_today : float
        Expected difference to today's program; NaN where the book does not tell it.
    better_than_today : float
        Part of the cases in which it earns more than today's program; NaN where the book does not tell it.
    at_launch : Between
        What making the first accounts key costs, and between which that lies in 80 % of cases and futures.
    cost : Between
        What the program costs in all years: service, elevations, handovers, and concessions beyond the reference's.
    behind : Between
        The most that it is behind the reference at the end of any year: what has to be invested before it pays.
    payback : Ratio
        First year by whose end it has earned as much as the reference, on average; NaN where it has not by the end.
    pays_back : float
        Part of cases and futures in which it has earned as much as the reference by the end.
    course : tuple of Between
        How far it is ahead of the reference at the end of each year, and between which that lies in 80 %.
    """

    scenario: str
    value: Between
    luck: float
    a_year: float
    points: Between
    probability_best: float
    regret: float
    regret_a_year: float
    regret_points: float
    verdict: Verdict
    against_today: float
    better_than_today: float
    at_launch: Between
    cost: Between
    behind: Between
    payback: Ratio
    pays_back: float
    course: tuple[Between, ...]

    @property
    def years(self) -> float:
        """Years that amounts a year are told of, later ones counting less where money is discounted."""
        return self.value.mean / self.a_year if self.a_year else float(len(self.course))


@dataclass(frozen=True)
class Worthwhile:
    """What it is worth to find something out before the decision.

    Parameters
    ----------
    name, says : str
        Of the datum.
    value, error : float
        Expected gain of deciding with it known, in money of the book over all years, and its standard error; at least
        so much, for accounts are summed up.
    a_year, points : float
        The same for each year, and in points of sales.
    """

    name: str
    says: str
    value: float
    error: float
    a_year: float
    points: float


@dataclass(frozen=True)
class Decision(Record):
    """The answer to which program to take for the accounts of a book.

    Parameters
    ----------
    book : str
        Name of its file.
    money : str
        Its currency, as it is called.
    scenarios : tuple of str
        Names of the policies, the reference first.
    reference, reference_in_words : str
        What they are held against.
    today : str
        Name of the policy that keeps today's program; empty where the book tells none.
    recommended : str
        The policy that is expected to earn most.
    sure : bool
        Whether it is better than every other by the rule of verdicts, and best with a probability of at least 0.8.
    rivals : tuple of str
        Policies that it cannot be told from, the most probable first; none where it is sure.
    choices : tuple of Choice
        Of all policies.
    bridge : tuple of BridgeTerm
        From what the difference in total profit comes.
    worth : tuple of Worth
        What each returns, and where it breaks even.
    accounts : tuple of Account
        Those that any policy makes key, or that are key today, the largest first.
    places : dict of str to int
        Key accounts of each policy at launch.
    information : tuple of Worthwhile
        What is worth finding out, the most valuable first.
    perfect : float
        What it would be worth to know all of it: expected regret of the best decision.
    horizon : Horizon
        Years, rate of discount and unit of all money.
    weak : str
        Why nothing should be concluded from this book, where it was asked anyway; else empty.
    seed, sets, cases, futures : int
        Of the run: cases in all, and futures of each.
    posterior : str
        File that the sets came from.
    notes : tuple of str
        What was capped, dropped or assumed, a sentence each.
    """

    book: str
    money: str
    scenarios: tuple[str, ...]
    reference: str
    reference_in_words: str
    today: str
    recommended: str
    sure: bool
    rivals: tuple[str, ...]
    choices: tuple[Choice, ...]
    bridge: tuple[BridgeTerm, ...]
    worth: tuple[Worth, ...]
    accounts: tuple[Account, ...]
    places: Mapping[str, int]
    information: tuple[Worthwhile, ...]
    perfect: float
    horizon: Horizon
    weak: str
    seed: int
    sets: int
    cases: int
    futures: int
    posterior: str
    notes: tuple[str, ...]

    def choice(self, scenario: str) -> Choice:
        """What a policy is worth."""
        return next(row for row in self.choices if row.scenario == scenario)


def decide(
    scenarios: Sequence[Scenario],
    posterior: Posterior,
    book: Book,
    *,
    cases: int | None = None,
    seed: int = 1,
    jobs: int | None = None,
    anyway: bool = False,
    fitted: FittedLaws | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    figure: Callable[[Decision], bytes] | None = None,
) -> Decision:
    """Say which of some policies to take for the accounts of a book, and which accounts that means.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Each with a name of its own, in one world; the first is the reference (`kamsim.studies.reference`).
    posterior : Posterior
        Parameter sets, equally likely; what a scenario has set itself it keeps.
    book : Book
        Whose accounts are played, from its end on.
    cases : int, optional
        Draws of the state of accounts for each set, >= 2; by default fewer of a large book.
    seed : int
        In [0, 2**64).
    jobs : int, optional
        Chunks of work at a time; by default as many as there are cores. It changes no result.
    anyway : bool
        Whether to rank policies on a book that tells too little.
    fitted : FittedLaws, optional
        Laws of the book, that the scenarios have: each case draws them anew, as sure as they are, but for those that
        were set for this run.
    out : str or path, optional
        Folder to keep the figure, the lists of accounts and the manifest in; by default nothing is kept.
    progress : callable, optional
        Told how many cases are done.
    figure : callable, optional
        Draws the decision as the bytes of a PNG file, for the folder.

    Returns
    -------
    Decision
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        Where an argument is wrong, or the book tells too little and it is not asked anyway.
    """
    asked = ask_decide(scenarios, posterior, book, cases=cases, seed=seed, jobs=jobs, anyway=anyway, fitted=fitted)
    return asked.play(progress, out, figure)


def ask_decide(
    scenarios: Sequence[Scenario],
    posterior: Posterior,
    book: Book,
    *,
    cases: int | None = None,
    seed: int = 1,
    jobs: int | None = None,
    anyway: bool = False,
    fitted: FittedLaws | None = None,
) -> Asked[Decision]:
    """Check what `decide` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives a `Decision`.
    """
    number = cases_a_set(len(book.account_id)) if cases is None else cases
    workers = checked_workers(max(1, number), seed, jobs)
    checked_names(scenarios)
    if len(scenarios) < 2:
        raise KamsimError("one policy alone leaves nothing to decide; name another one")
    if number * len(posterior.values) < 2 or number < 1:
        raise KamsimError(f"`cases` must be at least 1, and 2 where there is one parameter set, not {number}")
    weak = weakness_of(book)
    if not anyway:
        _refuse(book, weak)
    plan = tuple(job_of(scenario, book) for scenario in scenarios)
    run = _Run(tuple(scenarios), plan, posterior, book, number, seed, workers, anyway, _unsettled(fitted, scenarios[0]))
    told = {"command": "decide", "reference": scenarios[0].name, "anyway": anyway}
    told |= {"laws_drawn": [] if fitted is None else [[name, getattr(fitted.sd, name)] for name in UNSURE]}
    told |= {"posterior": posterior_in_manifest(posterior)}
    manifest = manifest_of(scenarios, seed, number, book) | told
    work = number * len(posterior.values)
    return Asked(manifest, work, "cases of the firm", partial(_answer, run), _FILES, FIGURE)


def choices_from(scenarios: Sequence[Scenario], book: Book) -> list[Scenario]:
    """Policies to choose from: no program first, and today's program as it is where the book tells today's tiers.

    Parameters
    ----------
    scenarios : sequence of Scenario
        At least one; the world of the first is that of today's program.
    book : Book
        Of which accounts.

    Returns
    -------
    list of Scenario
        Those given, in their order, with what they lack.
    """
    played = list(scenarios)
    if book.tier is not None and book.tier.any() and not any(map(keeps_today, played)):
        first = next((one for one in played if elevates(one)), None)
        if first is not None:
            played.append(_todays(first, book.tier))
    return with_reference(played)


class _Run(NamedTuple):
    """What is decided, and in how many cases."""

    scenarios: tuple[Scenario, ...]
    plan: tuple[Job, ...]
    posterior: Posterior
    book: Book
    cases: int
    seed: int
    workers: int
    anyway: bool
    fitted: FittedLaws | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the policies."""
        return tuple(scenario.name for scenario in self.scenarios)

    @property
    def today(self) -> int | None:
        """Place of the policy that keeps today's program."""
        kept = (place for place, scenario in enumerate(self.scenarios) if keeps_today(scenario))
        return next(kept, None) if self.book.tier is not None and self.book.tier.any() else None


def _todays(scenario: Scenario, tier: Integers) -> Scenario:
    """Today's program: the usual one, with today's key accounts and as many places as they have."""
    usual = load_scenario(DEFAULT_SCENARIO)
    kept: dict[str, object] = {section: getattr(usual, section) for section in TERMS_OF_PROGRAM if section != "budget"}
    kept |= {"name": TODAY, "question": "What if today's program is kept as it is?", "tiers": usual.tiers}
    places = {
        f"tiers.{name}.seats": int((tier == place).sum()) for place, name in enumerate(usual.tiers.ordered, start=1)
    }
    return with_values(scenario.model_copy(update=kept), {"policy.keep_today": 1, **places})


def keeps_today(scenario: Scenario) -> bool:
    """Whether a policy keeps today's key accounts, where a book tells them."""
    return elevates(scenario) and scenario.policy.keep_today > 0


def _refuse(book: Book, weak: str) -> None:
    """Refuse a book for some reason, if there is one."""
    if weak:
        raise KamsimError(f"{book.source}: {weak}, so policies are not ranked on it; `anyway` ranks them all the same")


def _answer(run: _Run, progress: Progress | None, folder: Path | None) -> Decision:
    weak = weakness_of(run.book) or misfit_of(run.book, run.scenarios[0], run.seed)
    if not run.anyway:
        _refuse(run.book, weak)
    cases = played_cases(run.scenarios, run.posterior, run.book, run.seed, run.cases, run.workers, progress, run.fitted)
    truths = truths_of(profit_in(cases.amounts), cases.sets)
    odds = odds_of(truths)
    recommended = int(truths.mean.argmax())
    rivals, perfect = _rivals(truths, odds, recommended), float(odds.regret[recommended])
    without = place_without_program(run.scenarios)
    money = money_of(cases.amounts.reshape(-1, *cases.amounts.shape[2:]), without)
    moments = moments_of(money)
    margins = [scenario.world.gross_margin for scenario in run.scenarios]
    by_year = cases.cumulated - cases.cumulated[:, :, :1]
    cumulated = moments_of(by_year.reshape(-1, *by_year.shape[2:]))
    held = _held(truths, odds)
    told = _Told(truths, odds, money, by_year.reshape(-1, *by_year.shape[2:]))
    worth = tuple(worth_of(moments, run.names, margins, held, cumulated, not elevates(run.scenarios[0])))
    decision = Decision(
        book=Path(run.book.source).name,
        money=money_named(run.book),
        scenarios=run.names,
        reference=run.names[0],
        reference_in_words=in_words(run.scenarios[0]),
        today="" if run.today is None else run.names[run.today],
        recommended=run.names[recommended],
        sure=not rivals,
        rivals=tuple(run.names[place] for place in rivals),
        choices=tuple(_choices(run, told, worth)),
        bridge=tuple(bridge_of(moments, run.names)),
        worth=worth,
        accounts=accounts_of(run.book, run.names, cases, _places(run)),
        places=dict(zip(run.names, _places(run), strict=True)),
        information=tuple(_information(run, cases, float(money[:, 0, MONEY.sales].mean()), perfect)),
        perfect=perfect,
        horizon=horizon_of(run.scenarios, run.plan[0]),
        weak=weak,
        seed=run.seed,
        sets=len(np.unique(cases.sets)),
        cases=len(cases.sets),
        futures=cases.amounts.shape[1],
        posterior=Path(run.posterior.source).name,
        notes=tuple(_notes(run, cases)),
    )
    if folder is not None:
        programs = [name for name, places in decision.places.items() if places]
        write_lists(folder, decision.accounts, programs, decision.money)
        write_result(folder / RESULT, decision.to_dict())
    return decision


def _unsettled(fitted: FittedLaws | None, scenario: Scenario) -> FittedLaws | None:
    """Laws with no doubt left of those that were set for this run."""
    if fitted is None:
        return None
    settled = {name: 0.0 for name in UNSURE if f"world.{name}" in (scenario.fixed or ())}
    return fitted._replace(sd=fitted.sd._replace(**settled))


def _places(run: _Run) -> list[int]:
    return [int(job.policy.seats.sum()) for job in run.plan]


# ---------------------------------------------------------------- what is concluded


class _Told(NamedTuple):
    """What came of all cases, told together."""

    truths: Truths
    odds: Odds
    money: Floats  # (worlds, policies, amounts of `kamsim.studies.bridge.Money`)
    by_year: Floats  # (worlds, policies, years), difference in total profit up to each


def _rivals(truths: Truths, odds: Odds, leader: int) -> list[int]:
    """Policies that the leader cannot be told from; none where it is best with enough probability too."""
    others = [place for place in range(len(truths.mean)) if place != leader]
    others.sort(key=lambda place: -odds.best[place])
    open_still = [place for place in others if verdict_between(truths, leader, place) != "better"]
    if open_still or odds.best[leader] >= BEST_FROM:
        return open_still
    return others[:1]


def _held(truths: Truths, odds: Odds) -> list[Held]:
    """What holds over cases of the difference of each policy to the reference."""
    found = list[Held]()
    for place in range(len(truths.mean)):
        ahead = chance_ahead(truths, place, 0) if place else math.nan
        verdict = verdict_between(truths, place, 0) if place else ""
        found.append(Held(float(odds.low[place]), float(odds.high[place]), ahead, 1.0 - ahead,
                          float(odds.best[place]), verdict))  # fmt: skip
    return found


def _choices(run: _Run, told: _Told, worth: Sequence[Worth]) -> Iterator[Choice]:
    truths, odds, sales = told.truths, told.odds, float(told.money[:, 0, MONEY.sales].mean())
    years = _weight_of_years(run)
    of_worth = {row.scenario: row for row in worth}
    for place, name in enumerate(run.names):
        value = Between(float(truths.mean[place]), float(odds.low[place]), float(odds.high[place]))
        against = chance_ahead(truths, place, run.today) if run.today is not None else math.nan
        yield Choice(
            scenario=name,
            value=value,
            luck=luck_of(truths, place, 0),
            a_year=value.mean / years,
            points=Between(*(float(points_of(end, sales)) for end in value)),
            probability_best=float(odds.best[place]),
            regret=float(odds.regret[place]),
            regret_a_year=float(odds.regret[place]) / years,
            regret_points=float(points_of(float(odds.regret[place]), sales)),
            verdict=verdict_between(truths, place, 0) if place else "",
            against_today=float(truths.mean[place] - truths.mean[run.today]) if run.today is not None else math.nan,
            better_than_today=against,
            at_launch=_between(-told.money[:, place, MONEY.at_launch]),
            cost=_between(told.money[:, place, MONEY.ratios.start]),
            behind=_between(np.maximum(0.0, -told.by_year[:, place].min(axis=-1))),
            payback=of_worth[name].payback if place else UNKNOWN,
            pays_back=float((told.by_year[:, place, -1] >= 0.0).mean()) if place else math.nan,
            course=tuple(map(_between, told.by_year[:, place].T)),
        )


def _weight_of_years(run: _Run) -> float:
    """Years that money is told of, later ones counting less where they are discounted."""
    timeline, rate = run.plan[0].timeline, run.plan[0].discount
    return sum((1.0 + rate) ** -year for year in range(timeline.years - timeline.history_years))


def _between(amounts: Floats) -> Between:
    low, high = np.quantile(amounts, ((1 - SPREAD) / 2, (1 + SPREAD) / 2))
    return Between(float(amounts.mean()), float(low), float(high))


def _information(run: _Run, cases: Cases, sales: float, perfect: float) -> Iterator[Worthwhile]:
    """What is worth finding out of what varies between cases, the most valuable first; nothing more than all of it."""
    earned, years, found = profit_in(cases.amounts).mean(axis=1), _weight_of_years(run), []
    for datum in DATA:
        features = features_of(datum, cases.facts, cases.parameters, cases.values)
        if features.shape[1] and (features.std(axis=0) > 0).any():
            known = value_of_knowing(earned, features, cases.sets)
            value = min(known.value, perfect)
            points = float(points_of(value, sales))
            found.append(Worthwhile(datum.name, datum.says, value, known.error, value / years, points))
    yield from sorted(found, key=lambda row: -row.value)


# ---------------------------------------------------------------- what is said


def _notes(run: _Run, cases: Cases) -> Iterator[str]:
    yield "all figures are means over cases; at the best fit of the parameters alone kamsim compare tells others"
    if run.fitted is not None:
        yield "laws of the market are drawn in each case as sure as the book tells them: " + ", ".join(UNSURE)
    yield from notes_on(run.scenarios, run.plan, run.book, ())
    yield from (*run.posterior.notes, *notes_on_sets(run.scenarios, run.posterior))
    yield from notes_on_refused(cases.refused, len(np.unique(cases.sets)), len(run.posterior.values))
    if run.today is None and any(map(keeps_today, run.scenarios)):
        yield "the book does not tell today's tiers, so today's program is not among the policies"
