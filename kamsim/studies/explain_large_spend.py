"""Why accounts elevated for their large spend are less likely to grow: effect, selection, saturation, prices."""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kamsim.analysis.bootstrap import resampled
from kamsim.analysis.intervals import ratio
from kamsim.analysis.shapley import coalitions, shapley_values
from kamsim.evidence.readings import DEFAULT_READING
from kamsim.experiments.jobs import Job, job_of
from kamsim.experiments.pool import run_in_chunks
from kamsim.experiments.twins import look_at_twins
from kamsim.measures.survey import YEARS_AFTER
from kamsim.model.plan import History
from kamsim.policy.policy import drawn_levers
from kamsim.scenario import Scenario
from kamsim.studies.explain_parts import (
    ClaimExplained,
    Part,
    Study,
    as_part,
    as_times,
    log_or_none,
    without_concessions,
    without_promises,
)
from kamsim.studies.survey import ENTERPRISE_FROM, PUBLISHED, ReadFigure, readings_of, weighted_readings
from kamsim.types import Flags, Floats
from kamsim.world.world import World

UNSATURATED = 10.0  # part of the share ceiling that no account comes near


_TREATMENT = {
    "promises": "commitments that raise expectations",
    "concessions": "price concessions of the tier",
    "saturation": "share of wallet near its limit",
}


def explain_large_spend(study: Study) -> ClaimExplained:
    """Chain of ratios from accounts elevated by spend to those elevated by enterprise criteria.

    Accounts are followed into the twin in which nobody is elevated; what the program does to them is the difference.
    Each twin without promises, concessions or saturation is held against its own accounts never elevated, so that no
    difference between the accounts that two twins elevate is taken for an effect. An account that has left for good in
    the twin where nobody is elevated did not grow there. What the same accounts buy in the years after, elevated and
    not, is told besides; and the figure itself in all readings.
    """
    job = job_of(study.scenario)
    games = coalitions(tuple(_TREATMENT))
    nobody = job._replace(policy=job.policy._replace(seats=np.zeros_like(job.policy.seats)))
    twins = [nobody, _unsaturated(nobody), _selecting_by_potential(job), *(_treated(job, game) for game in games)]
    launch, threshold = job.timeline.history_years - 1, study.reading.threshold

    def look(world: World, histories: list[History]) -> tuple[Floats, Floats]:
        levers = drawn_levers(world.seed_low, world.seed_high, world.organization, job.mix, job.policy.levers)
        by_spend = levers.selection < ENTERPRISE_FROM
        grown = [_grew_after(history, launch, threshold) for history in histories]
        counts = _counts_of_spend if by_spend else _counts_of_enterprise
        return counts(histories, grown, launch, games), _sales_after(histories, launch, games, by_spend)

    rows = look_at_twins(twins, study.seed, study.organizations, look, workers=study.workers, progress=study.progress)
    counts, sales = (np.stack(kept) for kept in zip(*rows, strict=True))
    odds = study.reading.statistic == "odds"

    def statistic(weights: Floats) -> Floats:
        return np.column_stack([_growth_logs(weights @ counts, odds=odds), _sales_logs(weights @ sales)])

    logs = resampled(statistic, study.organizations, study.seed)
    growth, bought = np.split(logs, [-len(_SALES)], axis=1)
    told = _large_spend_told(study.scenario, growth, _sales_told(bought))
    return replace(told, reading=str(study.reading), readings=_all_readings(study, job))


def _all_readings(study: Study, job: Job) -> tuple[ReadFigure, ...]:
    """The figure in every reading, against accounts elevated by enterprise criteria and those never elevated."""
    progress = study.after(study.organizations)
    played = run_in_chunks([job], study.seed, study.organizations, workers=study.workers, progress=progress)
    with closing(played) as chunks:
        table = [tables[0] for tables in chunks]

    def statistic(weights: Floats) -> Floats:
        return np.column_stack(list(weighted_readings(table, weights).values()))

    ratios = resampled(statistic, study.organizations, study.seed)
    figures = []
    for (reading, against), column in zip(readings_of(table), ratios.T, strict=True):
        part = as_part("", "", column, "figure", "times")
        untold = int(np.isnan(column[1:]).sum())
        figures.append(ReadFigure(str(reading), against, part.value, part.low, part.high, untold))
    return tuple(figures)


def _unsaturated(job: Job) -> Job:
    return job._replace(
        policy=job.policy._replace(intervention=job.policy.intervention._replace(ceiling_reach=UNSATURATED))
    )


def _selecting_by_potential(job: Job) -> Job:
    levers = job.policy.levers._replace(selection=1.0)
    return job._replace(mix=job.mix._replace(selection=1.0), policy=job.policy._replace(levers=levers))


def _treated(job: Job, present: frozenset[str]) -> Job:
    """Twin of a program in which some parts of the treatment are present and the others are removed."""
    if "promises" not in present:
        job = without_promises(job)
    if "concessions" not in present:
        job = without_concessions(job)
    return job if "saturation" in present else _unsaturated(job)


def _grew_after(history: History, launch: int, threshold: float = DEFAULT_READING.threshold) -> Flags:
    """Whether the mean of the years after is so much above each year's spend, from the launch on; as the survey asks.

    Who has left spends nothing, and did not grow.
    """
    spend = history.accounts["spend"]
    before = spend[launch : len(spend) - YEARS_AFTER]
    grew: Flags = _after(spend, launch) > YEARS_AFTER * before * (1.0 + threshold)
    return grew


def _after(amounts: Floats, launch: int) -> Floats:
    """Sum of the years after each year, from the launch on, by account."""
    last = len(amounts) - YEARS_AFTER
    after = amounts[launch + 1 : last + 1]
    for later in range(2, YEARS_AFTER + 1):
        after = after + amounts[launch + later : last + later]
    return after


def _elevated(history: History, launch: int) -> Flags:
    """Accounts elevated at the end of each of the years that `_grew_after` tells of."""
    tier = history.accounts["tier"]
    last = len(tier) - YEARS_AFTER
    elevated: Flags = (tier[launch:last] == 0) & (tier[launch + 1 : last + 1] > 0)
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


def _sales_after(histories: list[History], launch: int, games: Sequence[frozenset[str]], by_spend: bool) -> Floats:
    """What accounts bought in the years after they were elevated, and in the twin in which nobody is.

    Pairs, as `_sales_logs` reads them: of those elevated by enterprise criteria at list price, and net of all
    concessions; of those elevated by spend at list price, and net with each part of the treatment.
    """
    nobody, nobody_unsaturated, as_is = histories[0], histories[1], histories[-1]
    pairs = np.zeros((3 + len(games), 2))
    if not by_spend:
        pairs[0], pairs[1] = (_pair(as_is, nobody, launch, column) for column in ("listed", "spend"))
        return pairs.ravel()
    pairs[2] = _pair(as_is, nobody, launch, "listed")
    for place, (game, history) in enumerate(zip(games, histories[3:], strict=True), start=3):
        alone = nobody if "saturation" in game else nobody_unsaturated
        pairs[place] = _pair(history, alone, launch, "spend")
    return pairs.ravel()


def _pair(history: History, alone: History, launch: int, column: str) -> tuple[float, float]:
    """Years after elevation of the accounts that a history elevates, there and in another."""
    elevated = _elevated(history, launch)
    with_it, without = (float(_after(one.accounts[column], launch)[elevated].sum()) for one in (history, alone))
    return with_it, without


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


def _growth_logs(sums: Floats, *, odds: bool = False) -> Floats:
    """Logs of the chain of ratios, of chances or of odds, from sums of counts; a row per resample."""

    def chance(grew: Floats, asked: Floats) -> Floats:
        return log_or_none(ratio(grew, asked - grew if odds else asked))

    enterprise, others = chance(sums[:, 1], sums[:, 0]), chance(sums[:, 3], sums[:, 2])
    served, served_alone = (chance(sums[:, column], sums[:, 4]) for column in (5, 6))
    games = sums[:, 7:].reshape(len(sums), -1, 3)
    grew, alone = (chance(games[:, :, column], games[:, :, 0]) for column in (1, 2))
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


_SALES = {
    "volume_enterprise": "by enterprise criteria: volume",
    "sales_enterprise": "by enterprise criteria: sales",
    "volume": "for large spend: volume at list price",
    "sales": "for large spend: sales, made of",
    "sales_service": "- service they receive",
    "sales_promises": "- commitments that raise expectations",
    "sales_concessions": "- price concessions of the tier",
    "sales_saturation": "- share of wallet near its limit",
}


def _sales_logs(sums: Floats) -> Floats:
    """Logs of what elevated accounts buy against their twins, by `_SALES`; a row per resample."""
    pairs = sums.reshape(len(sums), -1, 2)
    ratios = log_or_none(ratio(pairs[:, :, 0], pairs[:, :, 1]))
    games = ratios[:, 3:]
    return np.column_stack([ratios[:, :3], games[:, -1], games[:, 0], shapley_values(games.T).T])


def _sales_told(logs: Floats) -> tuple[Part, ...]:
    columns = zip(_SALES.items(), logs.T, strict=True)
    parts = [as_part(name, label, np.expm1(column), "effect", "change") for (name, label), column in columns]
    return tuple(parts[2:] + parts[:2])


def _large_spend_told(scenario: Scenario, logs: Floats, besides: tuple[Part, ...]) -> ClaimExplained:
    cuts = np.cumsum([1, 1, 1, 1, len(_TREATMENT), 1, 1])
    columns = [column[:, 0] if column.shape[1] == 1 else column for column in np.split(logs, cuts, axis=1)]
    told = _GrowthLogs(*columns)
    figure = as_times("figure", "large spend against enterprise criteria", told.figure, "figure")
    parts = (
        as_times("chosen", "which accounts are chosen: large ones", told.chosen, "selection"),
        as_times("service", "service they receive", told.service, "effect"),
        *(
            as_times(name, label, told.split[:, place], "effect")
            for place, (name, label) in enumerate(_TREATMENT.items())
        ),
        as_times("potential_chosen", "compared with: accounts of potential", told.potential_chosen, "comparison"),
        as_times("potential_served", "compared with: service those receive", told.potential_served, "comparison"),
        as_times("organizations", "compared with: other suppliers", told.organizations, "confounding"),
    )
    effect = as_times("effect", "effect of being elevated", told.treatment, "effect")
    untold = (
        f"{scenario.name}: too few accounts are elevated by spend, or by enterprise criteria, to compare their growth; "
        "it takes many suppliers of both kinds, as in the scenario population"
    )
    return ClaimExplained(
        "large_spend",
        PUBLISHED["large_spend_growth_ratio"],
        figure,
        parts,
        effect,
        besides,
        untold if math.isnan(figure.value) else "",
    )
