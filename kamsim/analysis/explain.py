"""Why the survey sees what it sees: each published claim, and its parts from twins in the very same worlds."""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kamsim.analysis.asked import Asked
from kamsim.analysis.bootstrap import resampled
from kamsim.analysis.intervals import ratio
from kamsim.analysis.shapley import coalitions, shapley_values
from kamsim.analysis.survey import ENTERPRISE_FROM, PUBLISHED
from kamsim.analysis.twins import look_at_twins
from kamsim.errors import KamsimError, nearest
from kamsim.experiments.chunk import Job, job_of
from kamsim.experiments.manifest import MANIFEST, manifest_of
from kamsim.experiments.runner import checked_workers, run_in_chunks
from kamsim.measures.survey import ANSWERS, YEARS_AFTER
from kamsim.model.plan import History
from kamsim.policy.policy import Twin, drawn_levers, seats_of
from kamsim.records import Record
from kamsim.rules.costs import annual_profit
from kamsim.scenario import Scenario
from kamsim.types import Flags, Floats, Progress
from kamsim.world.world import MOST_ORGANIZATIONS, World

CLAIMS = ("large_spend", "collaboration", "rebuilds", "quota")
CONTENT = "explanation.json"
MOST_UNTOLD = 0.05  # part of resamples that may not tell a figure before its interval is not told either
UNSATURATED = 10.0  # part of the share ceiling that no account comes near
FEWEST = 30  # organizations that an interval takes


@dataclass(frozen=True)
class Part(Record):
    """A figure, or a part of one; NaN where it cannot be told.

    Parameters
    ----------
    name, label : str
        For machines, and for people.
    value : float
        As ``unit`` says: a factor, a share, or a difference of shares, 0.01 being one percent.
    low, high : float
        95 % interval, from organizations drawn with replacement.
    kind : str
        ``effect`` on what these accounts spend; ``selection``, ``comparison``, ``confounding``, ``noise``
        and ``expectation``, which look like one; ``rest``; ``figure`` for what is no part.
    unit : str
        ``times``, ``share``, ``points`` (difference of shares) or ``change`` (relative).
    """

    name: str
    label: str
    value: float
    low: float
    high: float
    kind: str
    unit: str


@dataclass(frozen=True)
class ClaimExplained(Record):
    """A published claim as simulated organizations show it, and what it is made of.

    Parameters
    ----------
    claim : str
        One of `CLAIMS`.
    published : float
        What the survey of real organizations found.
    figure : Part
        The same of simulated organizations.
    parts : tuple of Part
        They multiply to the figure where its unit is ``times``, else they add up to it.
    effect : Part
        What the program itself does to what accounts spend.
    besides : tuple of Part
        Further figures of the same twins.
    untold : str
        Why something cannot be told, a sentence; empty where all can.
    """

    claim: str
    published: float
    figure: Part
    parts: tuple[Part, ...]
    effect: Part
    besides: tuple[Part, ...]
    untold: str


@dataclass(frozen=True)
class Explanation(Record):
    """Published claims explained on simulated organizations.

    Parameters
    ----------
    claims : tuple of ClaimExplained
        In the order asked for.
    scenario : str
        Name.
    organizations, seed : int
        Of the run.
    notes : tuple of str
        What limits the explanation, a sentence each.
    """

    claims: tuple[ClaimExplained, ...]
    scenario: str
    organizations: int
    seed: int
    notes: tuple[str, ...]


class Study(NamedTuple):
    """What every claim is explained on."""

    scenario: Scenario
    organizations: int
    seed: int
    workers: int
    progress: Progress


def explain(
    scenario: Scenario,
    claims: Sequence[str] = (),
    *,
    organizations: int = 500,
    seed: int = 1,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Take published claims apart on the simulated organizations of a scenario.

    Parameters
    ----------
    scenario : Scenario
        Usually one with a mix of organizations, ``population``.
    claims : sequence of str
        Of `CLAIMS`; by default all of them.
    organizations : int
        >= 1; each is played with all its twins.
    seed : int
        In [0, 2**64).
    jobs : int, optional
        Threads; by default as many as there are cores. They change no result.
    progress : callable, optional
        Told from time to time how much of the work of `ask_explain` is done.

    Returns
    -------
    Explanation
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        Where an argument is out of range, or there is no such claim.
    """
    return ask_explain(scenario, claims, organizations=organizations, seed=seed, jobs=jobs).play(progress)


def ask_explain(
    scenario: Scenario,
    claims: Sequence[str] = (),
    *,
    organizations: int = 500,
    seed: int = 1,
    jobs: int | None = None,
) -> Asked[Explanation]:
    """Check what `explain` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives an `Explanation`; its work counts organizations of a second pass twice.
    """
    if organizations < 1:
        raise KamsimError(f"organizations must be at least 1, not {organizations}")
    if organizations > MOST_ORGANIZATIONS:
        raise KamsimError(f"organizations must be at most 2**32, not {organizations}")
    workers = checked_workers(organizations, seed, jobs)
    asked = checked_claims(claims)
    _, seats = seats_of(scenario, scenario.world.accounts)
    notes = tuple(note for note in (seats, _too_few(organizations)) if note)

    def answer(progress: Progress | None, _: Path | None) -> Explanation:
        explained, done = list[ClaimExplained](), 0
        for claim in asked:

            def told(more: int, before: int = done) -> None:
                if progress is not None:
                    progress(before + more)

            explained.append(_EXPLAIN[claim](Study(scenario, organizations, seed, workers, told)))
            done += _PASSES[claim] * organizations
        return Explanation(tuple(explained), scenario.name, organizations, seed, notes)

    manifest = manifest_of([scenario], seed, organizations) | {"command": "explain", "claims": list(asked)}
    work = organizations * sum(_PASSES[claim] for claim in asked)
    files = frozenset({CONTENT, MANIFEST, *(f"{claim}.png" for claim in asked)})
    return Asked(manifest, work, "organizations", answer, files)


def _too_few(organizations: int) -> str:
    if organizations == 1:
        return "a single organization has no intervals"
    if organizations < FEWEST:
        return f"{organizations} organizations are too few: with fewer than {FEWEST}, intervals are not to be trusted"
    return ""


def checked_claims(claims: Sequence[str]) -> tuple[str, ...]:
    """Claims as asked for, each once; all of them where none is named.

    Parameters
    ----------
    claims : sequence of str
        As a user gave them.

    Returns
    -------
    tuple of str
        Of `CLAIMS`.

    Raises
    ------
    KamsimError
        Naming the nearest claim.
    """
    for claim in claims:
        if claim not in CLAIMS:
            raise KamsimError(f"{claim}: there is no claim of that name; {nearest(claim, CLAIMS)}")
    return tuple(dict.fromkeys(claims)) or CLAIMS


# ---------------------------------------------------------------- intervals


def _part(name: str, label: str, figures: Floats, kind: str, unit: str) -> Part:
    """Part with its interval, from its value in all organizations and then in the resamples."""
    value, others = float(figures[0]), figures[1:]
    known = others[~np.isnan(others)]
    told = not math.isnan(value) and len(known) > (1.0 - MOST_UNTOLD) * len(others)
    low, high = np.percentile(known, [2.5, 97.5]).tolist() if told else (math.nan, math.nan)
    return Part(name, label, value, low, high, kind, unit)


def _times(name: str, label: str, logs: Floats, kind: str) -> Part:
    return _part(name, label, np.exp(logs), kind, "times")


def _log(values: Floats) -> Floats:
    """Logarithm, NaN where there is none."""
    logs: Floats = np.log(values, out=np.full(values.shape, np.nan), where=values > 0)
    return logs


# ---------------------------------------------------------------- elevated for large spend


_TREATMENT = {
    "promises": "promises that raise expectations",
    "concessions": "price concessions",
    "saturation": "share of wallet near its ceiling",
}


def _large_spend(study: Study) -> ClaimExplained:
    """Chain of ratios from accounts elevated by spend to those elevated by enterprise criteria.

    Accounts are followed into the twin in which nobody is elevated; what the program does to them is the difference.
    Each twin without promises, concessions or saturation is held against its own accounts never elevated, so that no
    difference between the accounts that two twins elevate is taken for an effect.
    """
    job = job_of(study.scenario)
    games = coalitions(tuple(_TREATMENT))
    nobody = job._replace(policy=job.policy._replace(seats=np.zeros_like(job.policy.seats)))
    twins = [nobody, _unsaturated(nobody), _selecting_by_potential(job), *(_treated(job, game) for game in games)]
    launch = job.timeline.history_years - 1

    def look(world: World, histories: list[History]) -> Floats:
        levers = drawn_levers(world.seed_low, world.seed_high, world.organization, job.mix, job.policy.levers)
        by_spend = levers.selection < ENTERPRISE_FROM
        grown = [_grew_after(history, launch) for history in histories]
        counts = _counts_of_spend if by_spend else _counts_of_enterprise
        return counts(histories, grown, launch, games)

    rows = look_at_twins(twins, study.seed, study.organizations, look, workers=study.workers, progress=study.progress)
    counts = np.stack(rows)
    logs = resampled(lambda weights: _growth_logs(weights @ counts), study.organizations, study.seed)
    return _large_spend_told(study.scenario, logs)


def _unsaturated(job: Job) -> Job:
    return job._replace(policy=job.policy._replace(twin=job.policy.twin._replace(ceiling_reach=UNSATURATED)))


def _selecting_by_potential(job: Job) -> Job:
    levers = job.policy.levers._replace(selection=1.0)
    return job._replace(mix=job.mix._replace(selection=1.0), policy=job.policy._replace(levers=levers))


def _treated(job: Job, present: frozenset[str]) -> Job:
    """Twin of a program in which some parts of the treatment are present and the others are removed."""
    if "promises" not in present:
        promise = np.full_like(job.policy.promise, job.policy.promise[0])
        job = job._replace(policy=job.policy._replace(promise=promise))
    if "concessions" not in present:
        job = _without_concessions(job)
    return job if "saturation" in present else _unsaturated(job)


def _without_concessions(job: Job) -> Job:
    return job._replace(policy=job.policy._replace(concession=np.zeros_like(job.policy.concession)))


def _grew_after(history: History, launch: int) -> Flags:
    """Whether the mean of the years after is above each year's spend, from the launch on; as the survey asks."""
    spend = history.accounts["spend"]
    last = len(spend) - YEARS_AFTER
    after = spend[launch + 1 : last + 1]
    for later in range(2, YEARS_AFTER + 1):
        after = after + spend[launch + later : last + later]
    grew: Flags = after > YEARS_AFTER * spend[launch:last]
    return grew


def _elevated(history: History, launch: int) -> Flags:
    """Accounts elevated at the end of each of the years that `_grew_after` tells of."""
    key = history.accounts["tier"] > 0
    last = len(key) - YEARS_AFTER
    elevated: Flags = ~key[launch:last] & key[launch + 1 : last + 1]
    return elevated


def _counts_of_spend(
    histories: list[History], grown: list[Flags], launch: int, games: Sequence[frozenset[str]]
) -> Floats:
    """Counts of an organization that elevates by spend, in the order that `_growth_logs` reads."""
    nobody, nobody_unsaturated, potential, *treated = grown
    elevated = _elevated(histories[2], launch)
    counts = [elevated.sum(), (elevated & potential).sum(), (elevated & nobody).sum()]
    for game, history, grew in zip(games, histories[3:], treated, strict=True):
        elevated = _elevated(history, launch)
        left_alone = nobody if "saturation" in game else nobody_unsaturated
        counts += [elevated.sum(), (elevated & grew).sum(), (elevated & left_alone).sum()]
    return np.array([0.0, 0.0, *_others_counts(histories[-1], nobody, launch), *counts], dtype=np.float64)


def _others_counts(history: History, grew: Flags, launch: int) -> tuple[float, float]:
    """Accounts not elevated, each year counted as often as it elevates, and those of them that grew."""
    elevated = _elevated(history, launch)
    last = len(history.accounts) - YEARS_AFTER
    others = ~elevated & (history.accounts["tier"][launch:last] == 0)
    times, number = elevated.sum(axis=1).astype(np.float64), others.sum(axis=1)
    part = ratio((others & grew).sum(axis=1).astype(np.float64), number.astype(np.float64))
    return float(times[number > 0].sum()), float((times * part)[number > 0].sum())


def _counts_of_enterprise(
    histories: list[History], grown: list[Flags], launch: int, games: Sequence[frozenset[str]]
) -> Floats:
    """Counts of an organization that elevates by enterprise criteria: only what came of its own program."""
    elevated = _elevated(histories[-1], launch)
    counts = np.zeros(7 + 3 * len(games))
    counts[:2] = elevated.sum(), (elevated & grown[-1]).sum()
    return counts


class _GrowthLogs(NamedTuple):
    """Columns of `_growth_logs`, logarithms of ratios of chances to grow."""

    figure: Floats
    chosen: Floats  # same accounts left alone, to others
    treatment: Floats
    service: Floats
    split: Floats  # a column per switch of `_TREATMENT`
    potential_chosen: Floats
    potential_served: Floats
    organizations: Floats


def _growth_logs(sums: Floats) -> Floats:
    """Logs of the chain of ratios, from sums of counts; a row per resample."""
    enterprise = _log(ratio(sums[:, 1], sums[:, 0]))
    others = _log(ratio(sums[:, 3], sums[:, 2]))
    served, served_alone = _log(ratio(sums[:, 5], sums[:, 4])), _log(ratio(sums[:, 6], sums[:, 4]))
    games = sums[:, 7:].reshape(len(sums), -1, 3)
    grew = _log(ratio(games[:, :, 1], games[:, :, 0]))
    alone = _log(ratio(games[:, :, 2], games[:, :, 0]))
    effects = grew - alone
    return np.column_stack(
        _GrowthLogs(
            grew[:, -1] - enterprise,
            alone[:, -1] - others,
            effects[:, -1],
            effects[:, 0],
            shapley_values(effects.T).T,
            others - served_alone,
            served_alone - served,
            served - enterprise,
        )
    )


def _large_spend_told(scenario: Scenario, logs: Floats) -> ClaimExplained:
    cuts = np.cumsum([1, 1, 1, 1, len(_TREATMENT), 1, 1])
    columns = [column[:, 0] if column.shape[1] == 1 else column for column in np.split(logs, cuts, axis=1)]
    told = _GrowthLogs(*columns)
    figure = _times("figure", "elevated for large spend, to by enterprise", told.figure, "figure")
    parts = (
        _times("chosen", "large when chosen: falls back anyway", told.chosen, "selection"),
        _times("service", "service they receive", told.service, "effect"),
        *(
            _times(name, label, told.split[:, place], "effect")
            for place, (name, label) in enumerate(_TREATMENT.items())
        ),
        _times("potential_chosen", "compared with: accounts of potential", told.potential_chosen, "comparison"),
        _times("potential_served", "compared with: service those receive", told.potential_served, "comparison"),
        _times("organizations", "compared with: other organizations", told.organizations, "confounding"),
    )
    effect = _times("effect", "effect of being elevated", told.treatment, "effect")
    untold = (
        f"{scenario.name}: too few accounts are elevated by spend, or by enterprise criteria, to compare their growth; "
        "it takes many organizations of both kinds, as in the scenario population"
    )
    return ClaimExplained(
        "large_spend",
        PUBLISHED["large_spend_growth_ratio"],
        figure,
        parts,
        effect,
        (),
        untold if math.isnan(figure.value) else "",
    )


# ---------------------------------------------------------------- collaboration


_TIED = {
    "collaboration": ("effect of collaboration on spend", "effect"),
    "sorting": ("large accounts go to well-tied KAMs", "selection"),
    "preference": ("functions serve large accounts first", "selection"),
    "noise": ("error in what KAMs report", "noise"),
}


class _Levels(NamedTuple):
    """Collaboration received, on average."""

    everywhere: float
    reporting_high: float
    elsewhere: float


class _Asked(NamedTuple):
    """What KAMs reported and what their key accounts spent, NaN for a KAM without any: (organizations, KAMs)."""

    reports: Floats
    spend: Floats


def _collaboration(study: Study) -> ClaimExplained:
    """Ratio of spend, shared out among what ties it to reports, and beside it what setting collaboration does."""
    levels = _levels_of(study)
    games = coalitions(tuple(_TIED))
    jobs = [_tied(study.scenario, game, levels) for game in games]
    jobs += [job_of(study.scenario, twin=Twin(set_collaboration=level)) for level in levels[1:]]
    after_first = study._replace(progress=lambda done: study.progress(study.organizations + done))
    *tied, high, low = _asked_of(after_first, jobs)

    def statistic(weights: Floats) -> Floats:
        ratios = np.stack([_log(weighted_ratio(asked, weights)) for asked in tied])
        set_by_hand = _log(_weighted_mean(high, weights)) - _log(_weighted_mean(low, weights))
        without_effect = ratios[games.index(games[-1] - {"collaboration"})]
        return np.column_stack([ratios[-1], ratios[0], shapley_values(ratios).T, without_effect, set_by_hand])

    logs = resampled(statistic, study.organizations, study.seed, cells=4 * high.spend.shape[1])
    return _collaboration_told(study.scenario, logs)


def _tied(scenario: Scenario, present: frozenset[str], levels: _Levels) -> Job:
    """Twin in which some of what ties spend to reported collaboration is present and the rest is removed."""
    world: dict[str, float] = {}
    if "sorting" not in present:
        world["sorting"] = 0.0
    if "noise" not in present:
        world["report_noise"] = 0.0
    twin = Twin(
        set_collaboration=math.nan if "collaboration" in present else levels.everywhere,
        tiers_served_alike="preference" not in present,
    )
    return job_of(scenario.changed(world=world), twin=twin)


def _levels_of(study: Study) -> _Levels:
    """Mean collaboration of all KAMs' key accounts, of the third of KAMs that report most, and of the rest."""
    without_error = study.scenario.changed(world={"report_noise": 0.0})
    reported, received = _asked_of(study, [job_of(study.scenario), job_of(without_error)])
    everybody = np.ones((1, study.organizations))
    high, rest = _means_by_report(reported._replace(spend=received.reports), everybody)
    mean = _weighted_mean(_Asked(received.reports, received.reports), everybody)
    return _Levels(*(min(1.0, max(0.0, float(level[0]))) for level in (mean, high, rest)))


def _asked_of(study: Study, jobs: Sequence[Job]) -> list[_Asked]:
    pieces: list[list[_Asked]] = [[] for _ in jobs]
    with closing(
        run_in_chunks(jobs, study.seed, study.organizations, workers=study.workers, progress=study.progress)
    ) as chunks:
        for tables in chunks:
            for piece, table in zip(pieces, tables, strict=True):
                piece.append(_Asked(table.reports.copy(), table.key_spend.copy()))
    return [_Asked(*(np.concatenate(columns) for columns in zip(*piece, strict=True))) for piece in pieces]


def weighted_ratio(asked: _Asked, weights: Floats) -> Floats:
    """Mean spend of the third of KAMs that report most collaboration, over that of the rest, as the survey has it.

    Parameters
    ----------
    asked : _Asked
        Reports and spend.
    weights : array of shape (resamples, organizations)
        How often each organization counts.

    Returns
    -------
    array of shape (resamples,)
        NaN where there is nothing to compare.
    """
    return ratio(*_means_by_report(asked, weights))


def _means_by_report(asked: _Asked, weights: Floats) -> tuple[Floats, Floats]:
    reports, spend = asked.reports.ravel(), asked.spend.ravel()
    organization = np.repeat(np.arange(len(asked.reports)), asked.reports.shape[1])
    known = np.flatnonzero(~(np.isnan(reports) | np.isnan(spend)))
    order = known[np.argsort(-reports[known], kind="stable")]
    times = weights[:, organization[order]]
    so_far = np.cumsum(times, axis=1)
    kams = times.sum(axis=1)
    third = np.floor(kams / 3.0)
    in_top = np.clip(third[:, None] - (so_far - times), 0.0, times)
    top, every = (in_top * spend[order]).sum(axis=1), (times * spend[order]).sum(axis=1)
    return ratio(top, third), ratio(every - top, kams - third)


def _weighted_mean(asked: _Asked, weights: Floats) -> Floats:
    known = ~np.isnan(asked.spend)
    total = (weights * np.where(known, asked.spend, 0.0).sum(axis=1)).sum(axis=1)
    return ratio(total, (weights * known.sum(axis=1)).sum(axis=1))


def _collaboration_told(scenario: Scenario, logs: Floats) -> ClaimExplained:
    figure = _times("figure", "spend where high is reported, to the rest", logs[:, 0], "figure")
    rest = _times("rest", "with all of the following removed", logs[:, 1], "rest")
    tied = [_times(name, label, logs[:, 2 + place], kind) for place, (name, (label, kind)) in enumerate(_TIED.items())]
    besides = (
        _times("without_effect", "if collaboration had no effect on spend", logs[:, -2], "figure"),
        _times("without_collaboration", "removing only effect of collaboration", logs[:, -2] - logs[:, 0], "effect"),
        _times("set_by_hand", "if set for all: high, to the rest's level", logs[:, -1], "effect"),
    )
    untold = (
        f"{scenario.name}: too few KAMs have key accounts to compare those that report high collaboration with the rest"
    )
    return ClaimExplained(
        "collaboration",
        PUBLISHED["collaboration_ratio"],
        figure,
        (rest, *tied),
        tied[0],
        besides,
        untold if math.isnan(figure.value) else "",
    )


# ---------------------------------------------------------------- rebuilds


class _Rebuilding(NamedTuple):
    """What one organization adds to the sums; from ``events`` on only a first rebuild with years after it."""

    twice: float
    twice_without_luck: float
    rebuilt: float  # at all
    set_off_by_luck: float
    events: float
    attained_before: float
    attained_after: float
    attained_had_it_stayed: float
    revenue_gain: float  # in the year after
    revenue: float  # of the twin that never rebuilds
    revenue_gain_later: float  # in all years after
    revenue_later: float
    profit_gain: float  # the cost of rebuilding counts in the year after
    profit: float
    profit_gain_later: float
    profit_later: float


def _rebuilds(study: Study) -> ClaimExplained:
    """Rebuilds that luck in orders sets off, and what a program's first rebuild does.

    All twins live in the same world and see the same orders. One judges programs, and builds quotas, by what was to be
    expected of orders. Two differ in the first rebuild and in no other: one rebuilds never again, one never.
    """
    job = job_of(study.scenario)
    twins = (
        Twin(),
        Twin(quota_without_luck=True, judged_without_luck=True),
        Twin(most_rebuilds=1),
        Twin(most_rebuilds=0),
    )
    jobs = [job._replace(policy=job.policy._replace(twin=twin)) for twin in twins]
    first_year, margin = job.timeline.history_years + job.timeline.warmup_years, job.parameters.gross_margin

    def look(world: World, histories: list[History]) -> _Rebuilding:
        as_is, without_luck, once, never = histories
        twice = [float(history.years["rebuilt"][first_year:].sum() >= 2) for history in (as_is, without_luck)]
        told = [*twice, *_set_off_by_luck(as_is, without_luck), *_first_rebuild(once, never, margin)]
        return _Rebuilding(*told)

    rows = look_at_twins(jobs, study.seed, study.organizations, look, workers=study.workers, progress=study.progress)
    told = np.array(rows)
    figures = resampled(
        lambda weights: np.column_stack([weights.sum(axis=1), weights @ told]), study.organizations, study.seed
    )
    sums = dict(zip(_Rebuilding._fields, figures[:, 1:].T, strict=True))
    # Where nobody is ever elevated there is no program that could be rebuilt.
    asked = figures[:, 0] if job.policy.seats.any() else np.zeros(len(figures))
    return _rebuilds_told(study.scenario, asked, sums)


def _set_off_by_luck(as_is: History, without_luck: History) -> tuple[float, float]:
    """Whether a program ever rebuilds, and if so whether its twin judged without luck has not until that year."""
    years = np.flatnonzero(as_is.years["rebuilt"])
    if not len(years):
        return 0.0, 0.0
    return 1.0, float(not without_luck.years["rebuilt"][: years[0] + 1].any())


def _first_rebuild(rebuilt: History, stayed: History, margin: float) -> list[float]:
    """Attainment about a program's first rebuild, and what came after it less what came to the twin that stayed.

    It is the first rebuild of all, for only up to it are the two the same; the one that rebuilds does so once.
    """
    nothing = [0.0] * len(_Rebuilding._fields[_Rebuilding._fields.index("events") :])
    years = np.flatnonzero(rebuilt.years["rebuilt"])
    if not len(years) or years[0] + YEARS_AFTER >= len(rebuilt.years):
        return nothing
    year = int(years[0])
    attained = [_attainment(rebuilt, year), _attainment(rebuilt, year + 1), _attainment(stayed, year + 1)]
    if any(map(math.isnan, attained)):
        return nothing
    told = [1.0, *attained]
    for money in (_revenue_by_year, _profit_by_year):
        with_it, without = (money(history, margin) for history in (rebuilt, stayed))
        for after in (slice(year + 1, year + 2), slice(year + 1, year + 1 + YEARS_AFTER)):
            cost = with_it[year] - without[year]  # of rebuilding; until then the two are the same
            told += [cost + float((with_it[after] - without[after]).sum()), float(without[after].sum())]
    return told


def _attainment(history: History, year: int) -> float:
    quota = float(history.years["quota"][year])
    return float(history.years["key_revenue"][year]) / quota if quota > 0 else math.nan


def _revenue_by_year(history: History, margin: float) -> Floats:
    revenue: Floats = history.accounts["spend"].sum(axis=1)
    return revenue


def _profit_by_year(history: History, margin: float) -> Floats:
    revenue, years = _revenue_by_year(history, margin), history.years
    invested = history.accounts["investment"].sum(axis=1)
    costs = zip(revenue, invested, years["rebuild_cost"], years["price_given"], strict=True)
    return np.array([annual_profit(sold, margin, used, cost, given) for sold, used, cost, given in costs])


def _rebuilds_told(scenario: Scenario, organizations: Floats, sums: dict[str, Floats]) -> ClaimExplained:
    twice, without = ratio(sums["twice"], organizations), ratio(sums["twice_without_luck"], organizations)
    before, after, had_it_stayed = (
        ratio(sums[f"attained_{when}"], sums["events"]) for when in ("before", "after", "had_it_stayed")
    )
    revenue, revenue_later, profit, profit_later = (
        ratio(sums[f"{money}_gain{when}"], sums[f"{money}{when}"])
        for money in ("revenue", "profit")
        for when in ("", "_later")
    )
    by_luck = ratio(sums["set_off_by_luck"], sums["rebuilt"])
    effect = _part("revenue_later", "sales of the book, three years after", revenue_later, "effect", "change")
    besides = (
        _part("rebuilds_by_luck", "first rebuilds set off by luck in orders", by_luck, "noise", "share"),
        _part("attained_before", "quota attained in year of first rebuild", before, "figure", "share"),
        _part("attained_after", "quota attained in the year after", after, "figure", "share"),
        _part("attained_had_it_stayed", "the same, had it not rebuilt", had_it_stayed, "figure", "share"),
        _part("revenue", "sales of the book, the year after", revenue, "effect", "change"),
        effect,
        _part("profit", "profit, year after, incl. one-off cost", profit, "effect", "change"),
        _part("profit_later", "profit, three years, incl. one-off cost", profit_later, "effect", "change"),
    )
    figure = _part("figure", "rebuilt twice or more", twice, "figure", "share")
    parts = (
        _part("rest", "would, judged without luck in orders", without, "rest", "points"),
        _part("luck", "because luck in orders is judged", twice - without, "noise", "points"),
    )
    nobody = math.isnan(figure.value)
    why = "nobody is elevated" if nobody else f"no program rebuilds with {YEARS_AFTER} years after it in the run"
    untold = f"{scenario.name}: {why}, so nothing says what a rebuild does"
    return ClaimExplained(
        "rebuilds",
        PUBLISHED["rebuilt_twice"],
        figure,
        parts,
        effect,
        besides,
        untold if math.isnan(effect.value) else "",
    )


# ---------------------------------------------------------------- quota

_MISSING = {
    "premium": ("growth expected over the market", "expectation"),
    "luck": ("quotas built on lucky years", "selection"),
    "ratchet": ("unmet quotas carried over", "expectation"),
    "industry": ("industry shocks", "noise"),
    "concessions": ("concessions on quotas at list prices", "effect"),
    "turnover": ("KAMs who leave", "effect"),
}
_REMOVED = {
    "premium": "growth expected",
    "luck": "luck in quotas",
    "ratchet": "quotas carried over",
    "industry": "industry shocks",
    "concessions": "concessions",
    "turnover": "KAMs who leave",
}
_MISSING_WORLD = {"premium": "premium_mean", "industry": "industry_shock_sd", "turnover": "turnover"}


def _quota(study: Study) -> ClaimExplained:
    """Years that miss quota, shared out among what makes them miss; percentage points.

    What is left over is luck: of orders and wallets in the year itself, and rivals that win accounts. Concessions make
    misses because they are set after the quota was built on what accounts spent before, at list prices where newly key.
    """
    games = coalitions(tuple(_MISSING))
    jobs = [_missing(study.scenario, game) for game in games]
    asked, missed = (ANSWERS.index(name) for name in ("years_asked", "years_missed"))
    pieces: list[Floats] = []
    with closing(
        run_in_chunks(jobs, study.seed, study.organizations, workers=study.workers, progress=study.progress)
    ) as chunks:
        pieces += (np.stack([table.answers[:, [missed, asked]] for table in tables], axis=2) for tables in chunks)
    counts = np.concatenate(pieces)

    def statistic(weights: Floats) -> Floats:
        rates = ratio(weights @ counts[:, 0], weights @ counts[:, 1])
        removed = [rates[:, games.index(games[-1] - {name})] - rates[:, -1] for name in _MISSING]
        return np.column_stack([rates[:, -1], rates[:, 0], shapley_values(rates.T).T, *removed])

    return _quota_told(study.scenario, resampled(statistic, study.organizations, study.seed, cells=len(games)))


def _missing(scenario: Scenario, present: frozenset[str]) -> Job:
    """Twin in which some of what makes organizations miss quota is present and the rest is removed."""
    world = {key: 0.0 for name, key in _MISSING_WORLD.items() if name not in present}
    policy = {} if "ratchet" in present else {"ratchet": 0.0}
    twin = Twin(quota_without_luck="luck" not in present)
    job = job_of(scenario.changed(world=world, policy=policy), twin=twin)
    return job if "concessions" in present else _without_concessions(job)


def _quota_told(scenario: Scenario, figures: Floats) -> ClaimExplained:
    figure = _part("figure", "years that miss the quota", figures[:, 0], "figure", "share")
    rest = _part("rest", "left over: luck of the year, rivals", figures[:, 1], "rest", "points")
    shared, removed = np.split(figures[:, 2:], 2, axis=1)
    parts = [
        _part(name, label, shared[:, place], kind, "points")
        for place, (name, (label, kind)) in enumerate(_MISSING.items())
    ]
    besides = tuple(
        _part(f"without_{name}", f"removing only {_REMOVED[name]}", removed[:, place], kind, "points")
        for place, (name, (_, kind)) in enumerate(_MISSING.items())
    )
    effects = [place for place, (_, kind) in enumerate(_MISSING.values()) if kind == "effect"]
    effect = _part("effect", "effects on what accounts spend", shared[:, effects].sum(axis=1), "effect", "points")
    untold = f"{scenario.name}: no organization has key accounts, so there is no quota to miss"
    return ClaimExplained(
        "quota",
        PUBLISHED["quota_miss"],
        figure,
        (rest, *parts),
        effect,
        besides,
        untold if math.isnan(figure.value) else "",
    )


_EXPLAIN = {"large_spend": _large_spend, "collaboration": _collaboration, "rebuilds": _rebuilds, "quota": _quota}
_PASSES = dict.fromkeys(CLAIMS, 1) | {"collaboration": 2}
