"""Why accounts elevated for their large spend are less likely to grow: effect, selection, saturation, prices."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kamsim.analysis.bootstrap import resampled
from kamsim.analysis.intervals import ratio
from kamsim.analysis.shapley import coalitions, shapley_values
from kamsim.evidence.readings import DEFAULT_READING
from kamsim.experiments.jobs import Job, job_of
from kamsim.experiments.twins import look_at_twins
from kamsim.measures.survey import YEARS_AFTER
from kamsim.model.plan import History
from kamsim.policy.policy import drawn_levers
from kamsim.scenario import Scenario
from kamsim.studies.explain_parts import ClaimExplained, Study, as_times, log_or_none, without_concessions
from kamsim.studies.survey import ENTERPRISE_FROM, PUBLISHED
from kamsim.types import Flags, Floats
from kamsim.world.world import World

UNSATURATED = 10.0  # part of the share ceiling that no account comes near


_TREATMENT = {
    "promises": "promises that raise expectations",
    "concessions": "price concessions of the tier",
    "saturation": "share of wallet near its ceiling",
}


def explain_large_spend(study: Study) -> ClaimExplained:
    """Chain of ratios from accounts elevated by spend to those elevated by enterprise criteria.

    Accounts are followed into the twin in which nobody is elevated; what the program does to them is the difference.
    Each twin without promises, concessions or saturation is held against its own accounts never elevated, so that no
    difference between the accounts that two twins elevate is taken for an effect. An account that has left for good in
    the twin where nobody is elevated did not grow there.
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
    return job._replace(
        policy=job.policy._replace(intervention=job.policy.intervention._replace(ceiling_reach=UNSATURATED))
    )


def _selecting_by_potential(job: Job) -> Job:
    levers = job.policy.levers._replace(selection=1.0)
    return job._replace(mix=job.mix._replace(selection=1.0), policy=job.policy._replace(levers=levers))


def _treated(job: Job, present: frozenset[str]) -> Job:
    """Twin of a program in which some parts of the treatment are present and the others are removed."""
    if "promises" not in present:
        promise = np.full_like(job.policy.promise, job.policy.promise[0])
        job = job._replace(policy=job.policy._replace(promise=promise))
    if "concessions" not in present:
        job = without_concessions(job)
    return job if "saturation" in present else _unsaturated(job)


def _grew_after(history: History, launch: int) -> Flags:
    """Whether the mean of the years after is above each year's spend, from the launch on; as the survey asks.

    By as much as the reading takes in which the model is fitted. Who has left spends nothing, and did not grow.
    """
    spend = history.accounts["spend"]
    last = len(spend) - YEARS_AFTER
    after = spend[launch + 1 : last + 1]
    for later in range(2, YEARS_AFTER + 1):
        after = after + spend[launch + later : last + later]
    grew: Flags = after > YEARS_AFTER * spend[launch:last] * (1.0 + DEFAULT_READING.threshold)
    return grew


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
    enterprise = log_or_none(ratio(sums[:, 1], sums[:, 0]))
    others = log_or_none(ratio(sums[:, 3], sums[:, 2]))
    served, served_alone = log_or_none(ratio(sums[:, 5], sums[:, 4])), log_or_none(ratio(sums[:, 6], sums[:, 4]))
    games = sums[:, 7:].reshape(len(sums), -1, 3)
    grew = log_or_none(ratio(games[:, :, 1], games[:, :, 0]))
    alone = log_or_none(ratio(games[:, :, 2], games[:, :, 0]))
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
    figure = as_times("figure", "elevated for large spend, to by enterprise", told.figure, "figure")
    parts = (
        as_times("chosen", "which accounts are chosen: large ones", told.chosen, "selection"),
        as_times("service", "service they receive", told.service, "effect"),
        *(
            as_times(name, label, told.split[:, place], "effect")
            for place, (name, label) in enumerate(_TREATMENT.items())
        ),
        as_times("potential_chosen", "compared with: accounts of potential", told.potential_chosen, "comparison"),
        as_times("potential_served", "compared with: service those receive", told.potential_served, "comparison"),
        as_times("organizations", "compared with: other organizations", told.organizations, "confounding"),
    )
    effect = as_times("effect", "effect of being elevated", told.treatment, "effect")
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
