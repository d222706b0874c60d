"""Why key account quotas are missed: luck, premium, prices, people and customers who leave, the world."""

import math
from contextlib import closing

import numpy as np

from kamsim.analysis.bootstrap import resampled
from kamsim.analysis.intervals import ratio
from kamsim.analysis.shapley import coalitions, shapley_values
from kamsim.experiments.jobs import Job, job_of
from kamsim.experiments.pool import run_in_chunks
from kamsim.measures.survey import ANSWERS
from kamsim.policy.policy import Intervention
from kamsim.scenario import Scenario
from kamsim.studies.explain_parts import ClaimExplained, Study, as_part, without_concessions
from kamsim.studies.survey import PUBLISHED
from kamsim.types import Floats

_MISSING = {
    "premium": ("growth expected over the market", "expectation"),
    "luck": ("quotas built on lucky years", "selection"),
    "ratchet": ("unmet quotas carried over", "expectation"),
    "industry": ("industry shocks", "noise"),
    "concessions": ("prices given after quotas are set", "effect"),
    "turnover": ("KAMs who leave", "effect"),
    "leaving": ("customers who leave for good", "effect"),
}


_REMOVED = {
    "premium": "growth expected",
    "luck": "luck in quotas",
    "ratchet": "quotas carried over",
    "industry": "industry shocks",
    "concessions": "prices given",
    "turnover": "KAMs who leave",
    "leaving": "customers who leave",
}


_MISSING_WORLD = {
    "premium": "premium_mean",
    "industry": "industry_shock_sd",
    "concessions": "erosion",
    "turnover": "turnover",
    "leaving": "hazard",
}


def explain_quota(study: Study) -> ClaimExplained:
    """Years that miss quota, shared out among what makes them miss; percentage points.

    What is left over is luck of orders and wallets in the year itself, and what else moves share of wallet. Prices make
    misses because what a tier concedes, and what bargaining wears away from the launch on, comes after the quota was
    built on what accounts paid before; the price that size gets anybody is no part of it.
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
    intervention = Intervention(quota_without_luck="luck" not in present)
    job = job_of(scenario.changed(world=world, policy=policy), intervention=intervention)
    return job if "concessions" in present else without_concessions(job)


def _quota_told(scenario: Scenario, figures: Floats) -> ClaimExplained:
    figure = as_part("figure", "years that miss the quota", figures[:, 0], "figure", "share")
    rest = as_part("rest", "left over: luck of the year", figures[:, 1], "rest", "points")
    shared, removed = np.split(figures[:, 2:], 2, axis=1)
    parts = [
        as_part(name, label, shared[:, place], kind, "points")
        for place, (name, (label, kind)) in enumerate(_MISSING.items())
    ]
    besides = tuple(
        as_part(f"without_{name}", f"removing only {_REMOVED[name]}", removed[:, place], kind, "points")
        for place, (name, (_, kind)) in enumerate(_MISSING.items())
    )
    effects = [place for place, (_, kind) in enumerate(_MISSING.values()) if kind == "effect"]
    effect = as_part("effect", "effects on what accounts spend", shared[:, effects].sum(axis=1), "effect", "points")
    untold = f"{scenario.name}: no supplier has key accounts, so there is no quota to miss"
    return ClaimExplained(
        "quota",
        PUBLISHED["quota_miss"],
        figure,
        (rest, *parts),
        effect,
        besides,
        untold if math.isnan(figure.value) else "",
    )
