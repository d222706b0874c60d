"""What a rebuild does, and what sets one off."""

import math
from typing import NamedTuple

import numpy as np

from kamsim.analysis.bootstrap import resampled
from kamsim.analysis.intervals import ratio
from kamsim.books.labels import names_currency
from kamsim.experiments.jobs import job_of
from kamsim.experiments.twins import look_at_twins
from kamsim.measures.survey import YEARS_AFTER
from kamsim.model.plan import History
from kamsim.policy.policy import Intervention
from kamsim.rules.costs import contribution
from kamsim.scenario import Scenario
from kamsim.studies.explain_parts import ClaimExplained, Study, as_part
from kamsim.studies.survey import PUBLISHED
from kamsim.types import Floats
from kamsim.world.world import World


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
    sales: float  # at list price, of the twin that never rebuilds
    profit_gain_later: float
    sales_later: float


def explain_rebuilds(study: Study) -> ClaimExplained:
    """Rebuilds that luck in orders sets off, and what a program's first rebuild does.

    All twins live in the same world and see the same orders. One judges programs, and builds quotas, by what was to be
    expected of orders. Two differ in the first rebuild and in no other: one rebuilds never again, one never.
    """
    job = job_of(study.scenario)
    interventions = (
        Intervention(),
        Intervention(quota_without_luck=True, judged_without_luck=True),
        Intervention(most_rebuilds=1),
        Intervention(most_rebuilds=0),
    )
    jobs = [job._replace(policy=job.policy._replace(intervention=intervention)) for intervention in interventions]
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
    sums["money"] = job.unit * sums["profit_gain_later"]
    money = job.money if names_currency(job.money) else "money"
    return _rebuilds_told(study.scenario, asked, sums, money)


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
    sales = stayed.accounts["listed"].sum(axis=1)
    for money, of in ((_revenue_by_year, _revenue_by_year(stayed, margin)), (_profit_by_year, sales)):
        with_it, without = (money(history, margin) for history in (rebuilt, stayed))
        for after in (slice(year + 1, year + 2), slice(year + 1, year + 1 + YEARS_AFTER)):
            cost = with_it[year] - without[year]  # of rebuilding; until then the two are the same
            told += [cost + float((with_it[after] - without[after]).sum()), float(of[after].sum())]
    return told


def _attainment(history: History, year: int) -> float:
    quota = float(history.years["quota"][year])
    return float(history.years["key_revenue"][year]) / quota if quota > 0 else math.nan


def _revenue_by_year(history: History, margin: float) -> Floats:
    revenue: Floats = history.accounts["spend"].sum(axis=1)
    return revenue


def _profit_by_year(history: History, margin: float) -> Floats:
    revenue, years = _revenue_by_year(history, margin), history.years
    listed, own_cost, invested = (
        history.accounts[column].sum(axis=1) for column in ("listed", "cost_to_serve", "investment")
    )
    moves = years["elevation_cost"] + years["handover_cost"] + years["idle_cost"]
    profit: Floats = contribution(listed, listed - revenue, own_cost, invested, margin) - moves
    return profit


def _rebuilds_told(scenario: Scenario, organizations: Floats, sums: dict[str, Floats], unit: str) -> ClaimExplained:
    twice, without = ratio(sums["twice"], organizations), ratio(sums["twice_without_luck"], organizations)
    before, after, had_it_stayed = (
        ratio(sums[f"attained_{when}"], sums["events"]) for when in ("before", "after", "had_it_stayed")
    )
    revenue, revenue_later, profit, profit_later = (
        ratio(sums[f"{gain}_gain{when}"], sums[f"{of}{when}"])
        for gain, of in (("revenue", "revenue"), ("profit", "sales"))
        for when in ("", "_later")
    )
    money = ratio(sums["money"], sums["events"])
    by_luck = ratio(sums["set_off_by_luck"], sums["rebuilt"])
    effect = as_part("revenue_later", "sales of the book, three years after", revenue_later, "effect", "change")
    besides = (
        as_part("rebuilds_by_luck", "first rebuilds set off by luck", by_luck, "noise", "share"),
        as_part("attained_before", "quota attained in year of rebuild", before, "figure", "share"),
        as_part("attained_after", "quota attained in the year after", after, "figure", "share"),
        as_part("attained_had_it_stayed", "the same, had it not rebuilt", had_it_stayed, "figure", "share"),
        as_part("revenue", "sales of the book, the year after", revenue, "effect", "change"),
        effect,
        as_part("profit", "profit in the year after, of sales", profit, "effect", "of_sales"),
        as_part("profit_later", "profit in three years, of sales", profit_later, "effect", "of_sales"),
        as_part("money", f"profit in three years, in {unit}", money, "effect", "money"),
    )
    figure = as_part("figure", "rebuilt twice or more", twice, "figure", "share")
    parts = (
        as_part("rest", "would, without luck in orders", without, "rest", "points"),
        as_part("luck", "only through luck in orders", twice - without, "noise", "points"),
    )
    nobody = math.isnan(figure.value)
    why = "there are no key accounts" if nobody else f"no program rebuilds with {YEARS_AFTER} years after it in the run"
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
