"""Patterns that a simulated world is held against: each a figure of many organizations, its range and a verdict."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kamsim.analysis.intervals import Estimate, interval, mean_of, pooled
from kamsim.books.history import YearlySpend
from kamsim.books.moments import deciles_of, moments_of
from kamsim.evidence import real_books as evidence
from kamsim.evidence.patterns import DECILES, PATTERNS, Pattern, Use
from kamsim.evidence.published import SURVEY_SAMPLE
from kamsim.studies.validate_twins import KINDS, Seen
from kamsim.types import Floats

Verdict = Literal["pass", "miss", "unknown"]

TABLES = ("retention", "growth", "steady_growth")  # decile tables
KNOWN = {pattern.name: pattern for pattern in PATTERNS}
ENDS = (0.025, 0.975)


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
    use : str
        ``held back``: used neither in choosing rules nor in fitting; ``checked``: known while rules were chosen,
        nothing fitted to it; ``fitted``: parameters, or their ranges, were chosen so that it holds.
    says : str
        The pattern in words.
    source : str
        Who published or measured it.
    unit : str
        ``part``, ``log``, ``sd``, ``times`` or ``deciles``.
    observed_low, observed_high : float
        Range published or measured on real books; infinite without a bound.
    simulated : float
        Of all simulated organizations.
    low, high : float
        95 % interval: of samples of the survey's size for ``rebuilt_once``, otherwise of what is simulated.
    verdict : str
        ``pass`` or ``miss``; ``unknown`` where there is nothing to judge by.
    reason : str
        What the figure is of and what limits it, or why it is unknown, in one line.
    meaning : str
        What a miss means for a decision.
    parts : tuple of Figure
        What the figure is made of, or what is told beside it, if anything.
    by_chance : float
        Part of parameter sets drawn at random that show it; NaN where none were played.
    """

    name: str
    use: Use
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
    meaning: str
    parts: tuple[Figure, ...] = ()
    by_chance: float = math.nan


def checks_of(seen: Seen) -> tuple[Check, ...]:
    """Hold what was seen in organizations against all patterns, in their order.

    Parameters
    ----------
    seen : Seen
        Arrays, the organization first.

    Returns
    -------
    tuple of Check
        The same whatever the order of the organizations, but for rounding.
    """
    checks = (
        rank_rule(seen.rank_rule_miss),
        trust_gap(seen.trust_gap),
        margin_gap(seen.margin_gap),
        whale_peak(seen.whale),
        service_used(seen.service_used, seen.kams_used),
        demotion_against_promotion(seen.demotion, seen.promotion),
        demoted_below(seen.demoted_below),
        top_share_check(seen.top_share),
        departure_cost(seen.departure),
        rebuilt_once(seen.rebuilds),
        programs_pay(seen.gain),
        *(decile_check(KNOWN[table], getattr(seen, table), *known_deciles(table)) for table in TABLES),
    )
    by_name = {check.name: check for check in checks}
    return tuple(by_name[pattern.name] for pattern in PATTERNS)


# ---------------------------------------------------------------- verdicts


def within(value: float, low: float, high: float) -> Verdict:
    """Verdict on a figure that has to lie in a range; ``unknown`` where any of them is NaN.

    A range without a bound on one side is open on the other: "more" is not "as much".
    """
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        return "unknown"
    if math.isinf(low) or math.isinf(high):
        return "pass" if low < value < high else "miss"
    return "pass" if low <= value <= high else "miss"


def _check(
    pattern: Pattern,
    estimate: Estimate,
    caveat: str,
    *,
    observed: tuple[float, float] | None = None,
    untold: str = "nothing to judge by",
    unit: str = "part",
    parts: tuple[Figure, ...] = (),
) -> Check:
    """Check of a pattern whose figure has to lie in a range."""
    low, high = observed or (pattern.low, pattern.high)
    verdict = within(estimate.value, low, high)
    ends = interval(estimate)
    reason = untold if verdict == "unknown" else caveat
    return _judged(pattern, unit, (low, high), (estimate.value, *ends), verdict, reason, parts)


def _judged(
    pattern: Pattern,
    unit: str,
    observed: tuple[float, float],
    simulated: tuple[float, float, float],
    verdict: Verdict,
    reason: str,
    parts: tuple[Figure, ...] = (),
) -> Check:
    said = (pattern.name, pattern.use, pattern.says, pattern.source, unit)
    return Check(*said, *observed, *simulated, verdict, reason, pattern.meaning, parts)


def _beside(name: str, estimate: Estimate) -> Figure:
    """Figure that is told beside a check, without a range of its own."""
    return Figure(name, math.nan, math.nan, estimate.value, *interval(estimate))


# ---------------------------------------------------------------- key accounts beside others


def trust_gap(gaps: Floats) -> Check:
    """Check whether key customers trust as others do, by `kamsim.studies.validate_key.trust_gap` of organizations."""
    caveat = "trust itself at the year's end; a survey adds errors, which make the gap smaller"
    untold = "no year with two key accounts and two others"
    return _check(KNOWN["trust_gap"], mean_of(gaps), caveat, untold=untold, unit="sd")


def margin_gap(gaps: Floats) -> Check:
    """Check how much less is earned on key accounts, by `kamsim.studies.validate_key.margin_gaps`, (organizations, 3).

    Its figure is the margin after price concessions.
    """
    price, own_cost, service = (mean_of(column) for column in gaps.T)
    parts = (_beside("after_own_cost", own_cost), _beside("after_service", service))
    caveat = (
        "margin after price concessions, in percent of list price; consultants do not say which costs are in theirs"
    )
    return _check(KNOWN["margin_gap"], price, caveat, untold="no key accounts", parts=parts)


def whale_peak(sums: Floats) -> Check:
    """Check the peak of the whale curve, by sums of `kamsim.studies.validate_key.whale_curve`, (organizations, 2)."""
    caveat = "profit here is before overhead; with overhead allotted to accounts a peak is higher"
    return _check(KNOWN["whale_peak"], pooled(sums), caveat, untold="no year with a profit", unit="times")


def service_used(accounts: Floats, kams: Floats) -> Check:
    """Check how many key accounts use all of the service, by `kamsim.studies.validate_key.service_used`.

    Sums of accounts, and of KAMs all of whose accounts do, each (organizations, 2).
    """
    caveat = "accounts that use all KAM time planned for them; a KAM may mean most of its accounts, or all of them"
    parts = (_beside("kams_used", pooled(kams)),)
    return _check(KNOWN["service_used"], pooled(accounts), caveat, untold="no key accounts", parts=parts)


def programs_pay(sums: Floats) -> Check:
    """Check whether programs earn more than none, by sums of `kamsim.studies.validate_key.gain_of_programs`.

    Of shape (organizations, 2). Unknown where no organization has a program.
    """
    estimate = pooled(sums if sums[:, 0].any() else np.zeros_like(sums))
    caveat = "total profit in the same market scenarios, in parts of sales; margins and discounts are published nowhere"
    return _check(KNOWN["programs_pay"], estimate, caveat, untold="no key accounts")


# ---------------------------------------------------------------- programs


def departure_cost(sums: Floats) -> Check:
    """Check what the departure of a KAM costs, by the sums of `departure_costs`, (organizations, 2).

    Passed if the mean over accounts lies in the published range.
    """
    caveat = (
        "key accounts in the calendar year after, against the same where nobody leaves; the published cost is of the "
        "year that begins with the departure"
    )
    return _check(KNOWN["departure_cost"], pooled(sums), caveat, untold="no key account lost its KAM")


def demotion_against_promotion(demotion: Floats, promotion: Floats) -> Check:
    """Check whether demotion hurts more than promotion helps, by their effects, each (organizations, 2).

    Its figure is the loss by a demotion less the gain by a promotion, in logs of spend; passed if that is above zero
    and a demotion is a loss.
    """
    pattern, down, up = KNOWN["demotion_against_promotion"], pooled(demotion), pooled(promotion)
    number = int(((demotion[:, 1] > 0) | (promotion[:, 1] > 0)).sum())
    known = not (math.isnan(down.value) or math.isnan(up.value))
    margin = Estimate(-down.value - up.value, -down.influence - up.influence, number if known else 0)
    verdict: Verdict = "unknown"
    reason = "no account was elevated at the launch, or none was demoted by a review"
    if known:
        verdict = "pass" if down.value < 0 and margin.value > 0 else "miss"
        says = "a demotion takes" if down.value < 0 else "a demotion does not take spend, it brings"
        reason = (
            f"{says} {100 * abs(down.value):.1f} % and a promotion brings {100 * up.value:.1f} % in three years, net "
            "of price concessions, which fade after a demotion; reviews demote accounts that were served badly"
        )
    parts = (_beside("promotion", up), _beside("demotion", down))
    told = (margin.value, *interval(margin))
    return _judged(pattern, "log", (pattern.low, pattern.high), told, verdict, reason, parts)


def demoted_below(sums: Floats) -> Check:
    """Check whether a demoted customer buys less than one never promoted, by `demotions_against_none`.

    Sums, (organizations, 2).
    """
    caveat = "sales at list price of three years after a demotion, against the same customer without any program"
    untold = "no account was demoted by a review"
    return _check(KNOWN["demoted_below"], pooled(sums), caveat, untold=untold, unit="log")


def rebuilt_once(rebuilds: Floats) -> Check:
    """Check how many organizations rebuilt at least once in the window, of shape (organizations,); NaN has no program.

    Passed if the published range meets the interval of 95 % of samples of the survey's size, drawn with replacement:
    a binomial number of them rebuilt.
    """
    from scipy.special import bdtr

    pattern, rebuilds = KNOWN["rebuilt_once"], rebuilds[~np.isnan(rebuilds)]
    observed = pattern.low, pattern.high
    if not len(rebuilds):
        return _judged(pattern, "part", observed, (math.nan,) * 3, "unknown", "no key accounts")
    part = float((rebuilds >= 1).mean())
    chances = bdtr(np.arange(SURVEY_SAMPLE + 1.0), SURVEY_SAMPLE, part)
    low, high = (float(np.searchsorted(chances, end)) / SURVEY_SAMPLE for end in ENDS)
    verdict: Verdict = "pass" if low <= pattern.high and high >= pattern.low else "miss"
    reason = (
        f"the published range {'meets' if verdict == 'pass' else 'is outside'} what 95 % of samples of "
        f"{SURVEY_SAMPLE} suppliers find; known from secondary sources"
    )
    return _judged(pattern, "part", observed, (part, low, high), verdict, reason)


# ---------------------------------------------------------------- books


def top_share_check(top_shares: Floats) -> Check:
    """Check how much of sales the top 20 % of customers bring in the first year of the window, by organization.

    Passed if the mean lies in the published range.
    """
    low, high = known_range("all", "top_share")
    caveat = f"first year observed; in two real books they bring {100 * low:.0f} to {100 * high:.0f} %"
    return _check(KNOWN["top_share"], mean_of(top_shares), caveat)


def rank_rule(misses: Floats) -> Check:
    """Check how much of next year's top 20 % a ranking by spend misses, by organization and `KINDS` of accounts.

    Passed if the mean is below 55 % and inside the range of the two real books, of regular accounts in both; the other
    kinds are shown beside it.
    """
    pattern, (estimate, *others) = KNOWN["rank_rule_miss"], [mean_of(column) for column in misses.T]
    low, high = known_range(KINDS[0], "rank_rule_miss")
    parts = tuple(
        Figure(kind, *known_range(kind, "rank_rule_miss"), other.value, *interval(other))
        for kind, other in zip(KINDS[1:], others, strict=True)
    )
    caveat = "mean over pairs of years observed; steady buyers bought in each quarter of the first year"
    # Below 55 %, not at it.
    highest = min(high, math.nextafter(pattern.high, 0.0))
    untold = "no two years observed"
    return _check(pattern, estimate, caveat, observed=(low, highest), untold=untold, parts=parts)


def known_range(accounts: str, moment: str) -> tuple[float, float]:
    """Lowest and highest value of a moment of `moments_of` in the real books of the evidence and their year pairs."""
    rows = [row for row in evidence.MOMENTS if (row.accounts, row.moment) == (accounts, moment)]
    return min(row.low for row in rows), max(row.high for row in rows)


def known_deciles(table: str) -> tuple[Floats, Floats]:
    """Lowest and highest values, by decile, of a table in the real books of the evidence and their year pairs."""
    rows = [row for row in evidence.DECILES if row.table == table]
    return np.min([row.low for row in rows], axis=0), np.max([row.high for row in rows], axis=0)


def decile_check(pattern: Pattern, values: Floats, low: Floats, high: Floats) -> Check:
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
        reason, verdict, inside = "a decile without accounts, or no two years observed", "unknown", math.nan
    told = (inside, math.nan, math.nan)
    return _judged(pattern, "deciles", (pattern.low, pattern.high), told, verdict, reason, parts)


def _outside(verdicts: list[Verdict]) -> str:
    """Name the deciles that are outside."""
    outside = ", ".join(str(place + 1) for place, verdict in enumerate(verdicts) if verdict == "miss")
    return f"outside: {outside} (1 spends least)" if outside else "no decile is outside"


# ---------------------------------------------------------------- the user's books


def own_book_checks(book: YearlySpend, seen: Seen) -> list[Check]:
    """Compare with a book of the user what is compared with the real books of the evidence.

    Nothing was fitted to it. ``unknown`` where the book has but one pair of years: a point is no range to be inside of.
    """
    own = {name: KNOWN[name]._replace(use="held back", source=book.source) for name in ("rank_rule_miss", *TABLES)}
    misses = moments_of(book)["regular", "rank_rule_miss"]
    observed = float(np.min(misses)), float(np.max(misses))
    caveat = "against regular accounts of the book"
    checks = [_check(own["rank_rule_miss"], mean_of(seen.rank_rule_miss[:, 0]), caveat, observed=observed)]
    for table, rows in deciles_of(book).items():
        checks.append(decile_check(own[table], getattr(seen, table), rows.min(axis=0), rows.max(axis=0)))
    if len(misses) > 1:
        return checks
    reason = "one pair of years is a point, and no range to be inside of"
    figures = [math.nan if check.unit == "deciles" else check.simulated for check in checks]
    return [
        replace(check, simulated=figure, verdict="unknown", reason=reason)
        for check, figure in zip(checks, figures, strict=True)
    ]
