"""Why managers who report collaboration see more spend: effect, sorting, priority."""

import math
from collections.abc import Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np

from kamsim.analysis.bootstrap import resampled
from kamsim.analysis.intervals import ratio
from kamsim.analysis.shapley import coalitions, shapley_values
from kamsim.experiments.jobs import Job, job_of
from kamsim.experiments.pool import run_in_chunks
from kamsim.policy.policy import Intervention
from kamsim.scenario import Scenario
from kamsim.studies.explain_parts import ClaimExplained, Study, as_times, log_or_none
from kamsim.studies.survey import PUBLISHED
from kamsim.types import Floats

_TIED = {
    "collaboration": ("effect of collaboration on spend", "effect"),
    "sorting": ("large accounts go to best-linked KAMs", "selection"),
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


def explain_collaboration(study: Study) -> ClaimExplained:
    """Ratio of spend, shared out among what ties it to reports, and beside it what setting collaboration does."""
    levels = _levels_of(study)
    games = coalitions(tuple(_TIED))
    jobs = [_tied(study.scenario, game, levels) for game in games]
    jobs += [job_of(study.scenario, intervention=Intervention(set_collaboration=level)) for level in levels[1:]]
    after_first = study._replace(progress=study.after(study.organizations))
    *tied, high, low = _asked_of(after_first, jobs)

    def statistic(weights: Floats) -> Floats:
        ratios = np.stack([log_or_none(weighted_ratio(asked, weights)) for asked in tied])
        set_by_hand = log_or_none(_weighted_mean(high, weights)) - log_or_none(_weighted_mean(low, weights))
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
    intervention = Intervention(
        set_collaboration=math.nan if "collaboration" in present else levels.everywhere,
        tiers_served_alike="preference" not in present,
    )
    return job_of(scenario.changed(world=world), intervention=intervention)


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

    Weights, of shape (resamples, organizations), are how often each organization counts; NaN where there is nothing to
    compare.
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
    figure = as_times("figure", "spend where high is reported, to others", logs[:, 0], "figure")
    rest = as_times("rest", "with all of the following removed", logs[:, 1], "rest")
    tied = [
        as_times(name, label, logs[:, 2 + place], kind) for place, (name, (label, kind)) in enumerate(_TIED.items())
    ]
    besides = (
        as_times("without_effect", "if collaboration had no effect on spend", logs[:, -2], "figure"),
        as_times("without_collaboration", "removing only effect of collaboration", logs[:, -2] - logs[:, 0], "effect"),
        as_times("set_by_hand", "all at the high level, to all at others'", logs[:, -1], "effect"),
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
