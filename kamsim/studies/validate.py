"""Hold a scenario against patterns that were held back from fitting, and say which of them it finds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kamsim.analysis.intervals import Estimate, cautions, interval, mean_of, points_among, pooled
from kamsim.books.history import YearlySpend
from kamsim.books.moments import (
    DECILES,
    deciles_of,
    moments_of,
)
from kamsim.errors import KamsimError
from kamsim.evidence import real_books as evidence
from kamsim.evidence.held_back import HELD_BACK, HeldBack
from kamsim.evidence.published import SURVEY_SAMPLE
from kamsim.experiments.jobs import Table
from kamsim.experiments.manifest import manifest_of
from kamsim.experiments.pool import checked_workers
from kamsim.experiments.twins import look_at_twins
from kamsim.measures.survey import ANSWERS
from kamsim.model.plan import History
from kamsim.records import Record
from kamsim.scenario import LEVERS, Scenario
from kamsim.studies.asked import Asked
from kamsim.studies.settings import notes_on_settings
from kamsim.studies.survey import YEARS_SURVEYED, sampled_figures
from kamsim.studies.validate_twins import KINDS, Seen, Twins, quarters_of, seen_in, twins_of
from kamsim.types import Floats, Progress
from kamsim.world.world import World

Verdict = Literal["pass", "miss", "unknown"]

TABLES = {  # how each decile table is called in sentences
    "retention": "part of accounts that buy again in the next year",
    "growth": "median log growth of accounts that buy again",
    "steady_growth": "median log growth of accounts that buy in all eight quarters",
}
PUBLISHED = {pattern.name: pattern for pattern in HELD_BACK}


@dataclass(frozen=True)
class Figure:
    """A figure inside a check; NaN where there is none.

    Parameters
    ----------
    name : str
        What it is of.
    observed_low, observed_high : float
        Range published or measured on real books.
    simulated : float
        Of all simulated organizations.
    low, high : float
        95 % interval.
    """

    name: str
    observed_low: float
    observed_high: float
    simulated: float
    low: float
    high: float


@dataclass(frozen=True)
class Check:
    """A pattern, and whether the simulation shows it; NaN where there is no figure.

    Parameters
    ----------
    name : str
        Of the pattern.
    says : str
        The pattern in words.
    source : str
        Who published or measured it.
    unit : str
        ``part``, ``log`` or ``deciles``.
    observed_low, observed_high : float
        Range published or measured on real books.
    simulated : float
        Of all simulated organizations.
    low, high : float
        95 % interval: of samples of the survey's size for ``rebuilt_once``, otherwise of what is simulated.
    verdict : str
        ``pass`` or ``miss``; ``unknown`` where there is nothing to judge by.
    reason : str
        Why so, and what limits it, in one line.
    parts : tuple of Figure
        What the figure is made of, if anything.
    """

    name: str
    says: str
    source: str
    unit: str
    observed_low: float
    observed_high: float
    simulated: float
    low: float
    high: float
    verdict: Verdict
    reason: str
    parts: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Validation(Record):
    """A scenario against patterns held back from fitting.

    Parameters
    ----------
    checks : tuple of Check
        Patterns that were published, or measured on the real books of `kamsim.evidence.real_books`.
    books : tuple of Check
        The same against the books of the user; the source is the file.
    organizations, seed : int
        Of the run.
    scenario : str
        Name.
    notes : tuple of str
        What limits the comparison, a sentence each.
    """

    checks: tuple[Check, ...]
    books: tuple[Check, ...]
    organizations: int
    seed: int
    scenario: str
    notes: tuple[str, ...]


def validate(
    scenario: Scenario,
    *,
    organizations: int = 400,
    seed: int = 1,
    jobs: int | None = None,
    books: Sequence[YearlySpend] = (),
    progress: Progress | None = None,
) -> Validation:
    """Play a scenario beside its twins, and compare it with patterns that were held back from fitting.

    Parameters
    ----------
    scenario : Scenario
        Usually one with a mix of organizations, ``population``.
    organizations : int
        >= 1.
    seed : int
        In [0, 2**64).
    jobs : int, optional
        Threads; by default as many as there are cores. They change no result.
    books : sequence of YearlySpend
        Real books to compare with besides those known, from `kamsim.books.book.yearly_spend`.
    progress : callable, optional
        Told from time to time how many organizations are done.

    Returns
    -------
    Validation
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        Where an argument is out of range.

    Notes
    -----
    Organizations are the independent units. Each gives a sum and a count, a mean over all is the sums over the counts,
    and its interval a t interval of what each organization adds to it (a ratio estimate with organizations as
    clusters); where every organization counts as one it is the t interval of their mean. A published range is met by
    the figure itself, not by any end of its interval.
    """
    return ask_validate(scenario, organizations=organizations, seed=seed, jobs=jobs, books=books).play(progress)


def ask_validate(
    scenario: Scenario,
    *,
    organizations: int = 400,
    seed: int = 1,
    jobs: int | None = None,
    books: Sequence[YearlySpend] = (),
) -> Asked[Validation]:
    """Check what `validate` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives a `Validation`.
    """
    if organizations < 1:
        raise KamsimError(f"organizations must be at least 1, not {organizations}")
    workers = checked_workers(organizations, seed, jobs)
    twins = twins_of(scenario)
    history_years, first_year = scenario.timeline.history_years, _first_year(scenario)

    def look(world: World, histories: list[History]) -> Seen:
        return seen_in(Twins(*histories), quarters_of(world, twins[0]), history_years, first_year)

    def answer(progress: Progress | None, _: Path | None) -> Validation:
        rows = look_at_twins(twins, seed, organizations, look, workers=workers, progress=progress)
        seen = Seen(*(np.array(column) for column in zip(*rows, strict=True)))
        checks = (
            rebuilt_once(seen.rebuilds, seed),
            top_share_check(seen.top_share),
            departure_cost(seen.departure),
            demotion_against_promotion(seen.demotion, seen.promotion),
            rank_rule(seen.rank_rule_miss),
            *(decile_check(table, getattr(seen, table), *known_deciles(table)) for table in TABLES),
        )
        own = tuple(check for book in books for check in own_book_checks(book, seen))
        told = [(check.name, check.low, check.high) for check in checks]
        notes = (
            *notes_on_settings([scenario]),
            *twins[0].notes,
            *_notes(scenario, organizations),
            *cautions(points_among(told, organizations), "organizations"),
        )
        return Validation(checks, own, organizations, seed, scenario.name, notes)

    manifest = manifest_of([scenario], seed, organizations) | {"command": "validate"}
    return Asked(manifest, organizations, "organizations", answer)


def _first_year(scenario: Scenario) -> int:
    return int(scenario.timeline.history_years + scenario.timeline.warmup_years)


def _notes(scenario: Scenario, organizations: int) -> list[str]:
    notes = []
    if organizations < SURVEY_SAMPLE:
        notes.append(
            f"{organizations} organizations are fewer than the published survey asked ({SURVEY_SAMPLE}): "
            "intervals and verdicts are not to be trusted"
        )
    window = scenario.timeline.window_years
    if window != YEARS_SURVEYED:
        notes.append(
            f"rebuilds are counted over the {window} years of the window, published are {YEARS_SURVEYED} years"
        )
    return notes


# ---------------------------------------------------------------- twins


# ---------------------------------------------------------------- figures and their intervals


# ---------------------------------------------------------------- checks


def within(value: float, low: float, high: float) -> Verdict:
    """Verdict on a figure that has to lie in a range; ``unknown`` where any of them is NaN."""
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        return "unknown"
    return "pass" if low <= value <= high else "miss"


def _check(
    pattern: HeldBack,
    estimate: Estimate,
    caveat: str,
    *,
    observed: tuple[float, float] | None = None,
    untold: str = "nothing to judge by",
    unit: str = "part",
    parts: tuple[Figure, ...] = (),
) -> Check:
    """Check of a published pattern whose figure has to lie in a range."""
    low, high = observed or (pattern.low, pattern.high)
    verdict = within(estimate.value, low, high)
    where = _where(estimate.value, low, high)
    reason = untold if verdict == "unknown" else f"{where}; {caveat}"
    shown = (pattern.name, pattern.says, pattern.source, unit, low, high)
    return Check(*shown, estimate.value, *interval(estimate), verdict, reason, parts)


def _where(value: float, low: float, high: float) -> str:
    if value < low:
        return "below the range"
    return "above the range" if value > high else "inside the range"


def rebuilt_once(rebuilds: NDArray[np.int64], seed: int) -> Check:
    """Check how many organizations rebuilt at least once in the window, of shape (organizations,).

    Passed if the published part lies in the interval of 95 % of samples of the survey's size, which are those of
    `kamsim.studies.survey.survey`.
    """
    pattern, number = PUBLISHED["rebuilt_once"], len(rebuilds)
    answers = np.zeros((number, len(ANSWERS)))
    answers[:, ANSWERS.index("rebuilds")] = rebuilds
    nobody = np.full((number, 1), np.nan)
    table = Table(
        np.empty((number, 0)), np.empty((number, 0)), answers, np.zeros((number, len(LEVERS))), nobody, nobody
    )
    samples = sampled_figures(table, np.random.default_rng([seed, SURVEY_SAMPLE]))["rebuilt_once"]
    low, high = np.percentile(samples, [2.5, 97.5]).tolist()
    verdict = within(pattern.low, low, high)
    reason = (
        f"the published part is {'inside' if verdict == 'pass' else 'outside'} what 95 % of samples of "
        f"{SURVEY_SAMPLE} organizations find; known at second hand"
    )
    shown = (pattern.name, pattern.says, pattern.source, "part", pattern.low, pattern.high)
    return Check(*shown, float((rebuilds >= 1).mean()), low, high, verdict, reason)


def top_share_check(top_shares: Floats) -> Check:
    """Check how much of sales the top 20 % of customers bring in the first year of the window, by organization.

    Passed if the mean lies in the published range.
    """
    low, high = known_range("all", "top_share")
    caveat = f"first year of the window; in two real books they bring {100 * low:.0f} to {100 * high:.0f} %"
    return _check(PUBLISHED["top_share"], mean_of(top_shares), caveat)


def departure_cost(sums: Floats) -> Check:
    """Check what the departure of a KAM costs, by the sums of `departure_costs`, (organizations, 2).

    Passed if the mean over accounts lies in the published range.
    """
    caveat = (
        "key accounts in the calendar year after, against the same where nobody leaves; the published cost is of sales "
        "representatives and of the year that begins with the departure"
    )
    untold = "no key account lost its KAM"
    return _check(PUBLISHED["departure_cost"], pooled(sums), caveat, untold=untold)


def demotion_against_promotion(demotion: Floats, promotion: Floats) -> Check:
    """Check whether demotion hurts more than promotion helps, by their effects, each (organizations, 2).

    Its figure is the loss by a demotion less the gain by a promotion, in logs of spend; passed if that is above zero
    and a demotion is a loss.
    """
    pattern, down, up = PUBLISHED["demotion_against_promotion"], pooled(demotion), pooled(promotion)
    number = int(((demotion[:, 1] > 0) | (promotion[:, 1] > 0)).sum())
    known = not (math.isnan(down.value) or math.isnan(up.value))
    margin = Estimate(-down.value - up.value, -down.influence - up.influence, number if known else 0)
    verdict: Verdict = "unknown"
    reason = "no account was elevated at the launch, or none was demoted by a review"
    if known:
        verdict = "pass" if down.value < 0 and margin.value > 0 else "miss"
        says = "a demotion takes" if down.value < 0 else "a demotion does not take spend, it brings"
        reason = (
            f"{says} {abs(down.value):.3f} and a promotion brings {up.value:.3f} (log of spend, three years); spend is "
            "net of price concessions, which fade after a demotion, and reviews demote accounts that were served badly"
        )
    parts = tuple(
        Figure(name, math.nan, math.nan, estimate.value, *interval(estimate))
        for name, estimate in (("promotion", up), ("demotion", down))
    )
    shown = (pattern.name, pattern.says, pattern.source, "log", pattern.low, pattern.high)
    return Check(*shown, margin.value, *interval(margin), verdict, reason, parts)


def rank_rule(misses: Floats) -> Check:
    """Check how much of next year's top 20 % a ranking by spend misses, by organization and `KINDS` of accounts.

    Passed if the mean is below 55 % and inside the range of the two real books, of regular accounts in both; the other
    kinds are shown beside it.
    """
    pattern, (estimate, *others) = PUBLISHED["rank_rule_miss"], [mean_of(column) for column in misses.T]
    low, high = known_range(KINDS[0], "rank_rule_miss")
    parts = tuple(
        Figure(kind, *known_range(kind, "rank_rule_miss"), other.value, *interval(other))
        for kind, other in zip(KINDS[1:], others, strict=True)
    )
    caveat = "mean over year pairs of the window, of accounts that bought in each quarter of the first year"
    # Below 55 %, not at it.
    highest = min(high, math.nextafter(pattern.high, 0.0))
    untold = "no two years in the window"
    return _check(pattern, estimate, caveat, observed=(low, highest), untold=untold, parts=parts)


def known_range(accounts: str, moment: str) -> tuple[float, float]:
    """Lowest and highest value of a moment of `moments_of` in the real books of the evidence and their year pairs."""
    rows = [row for row in evidence.MOMENTS if (row.accounts, row.moment) == (accounts, moment)]
    return min(row.low for row in rows), max(row.high for row in rows)


def known_deciles(table: str) -> tuple[Floats, Floats]:
    """Lowest and highest values, by decile, of a table in the real books of the evidence and their year pairs."""
    rows = [row for row in evidence.DECILES if row.table == table]
    return np.min([row.low for row in rows], axis=0), np.max([row.high for row in rows], axis=0)


def decile_check(table: str, values: Floats, low: Floats, high: Floats, source: str = "two real books") -> Check:
    """Check a decile table, ``retention``, ``growth`` or ``steady_growth``.

    Values, (organizations, 10), are means over the year pairs of the window; ranges, (10,), are those of real books
    over year pairs, without any tolerance. Its figure is the number of deciles inside; passed if all ten are.
    """
    estimates = [mean_of(column) for column in values.T]
    parts = tuple(
        Figure(f"decile {place + 1}", float(low[place]), float(high[place]), estimate.value, *interval(estimate))
        for place, estimate in enumerate(estimates)
    )
    verdicts = [within(part.simulated, part.observed_low, part.observed_high) for part in parts]
    inside = float(verdicts.count("pass"))
    verdict: Verdict = "pass" if inside == DECILES else "miss"
    reason = _outside(verdicts)
    if "unknown" in verdicts:
        reason, verdict, inside = "a decile without accounts, or no two years in the window", "unknown", math.nan
    says = f"{TABLES[table]}, by decile of spend, as in real books"
    shown = (table, says, source, "deciles", float(DECILES), float(DECILES))
    return Check(*shown, inside, math.nan, math.nan, verdict, reason, parts)


def _outside(verdicts: list[Verdict]) -> str:
    """Name the deciles that are outside."""
    outside = ", ".join(str(place + 1) for place, verdict in enumerate(verdicts) if verdict == "miss")
    return f"outside: {outside} (1 spends least)" if outside else "no decile is outside"


def own_book_checks(book: YearlySpend, seen: Seen) -> list[Check]:
    """Compare with a book of the user what is compared with the real books of the evidence.

    ``unknown`` where the book has but one pair of years: a point is no range to be inside of.
    """
    misses = moments_of(book)["regular", "rank_rule_miss"]
    low, high = float(np.min(misses)), float(np.max(misses))
    ranged = HeldBack("rank_rule_miss", low, high, PUBLISHED["rank_rule_miss"].says, book.source)
    checks = [_check(ranged, mean_of(seen.rank_rule_miss[:, 0]), "against regular accounts of the book")]
    for table, rows in deciles_of(book).items():
        checks.append(decile_check(table, getattr(seen, table), rows.min(axis=0), rows.max(axis=0), book.source))
    if len(misses) > 1:
        return checks
    reason = "one pair of years is a point, and no range to be inside of"
    figures = [math.nan if check.unit == "deciles" else check.simulated for check in checks]
    return [
        replace(check, simulated=figure, verdict="unknown", reason=reason)
        for check, figure in zip(checks, figures, strict=True)
    ]
