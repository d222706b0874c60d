"""What is told over ranges of parameters: of what, at the best fit as everywhere else, and between which ends."""

import math
from typing import TYPE_CHECKING

from kamsim.analysis.agreement import AGREEING
from kamsim.report.bridge import POINTS, gain_sentence
from kamsim.report.table import Scale, lower, percent, scale_of
from kamsim.studies.at_points import measure_named
from kamsim.studies.over_ranges import CASES

if TYPE_CHECKING:
    from kamsim.studies.over_ranges import OverRanges
    from kamsim.studies.ranges import Source

_RANGES: dict["Source", str] = {
    "posterior": "of sets that fit",
    "plausible": "plausible before the fit",
    "quarter": "a quarter either way",
    "given": "given",
}


def asked(result: "OverRanges") -> str:
    """Say what was asked about: ``the difference of full_program to no_program in total profit``."""
    label = lower(measure_named(result.measure).label)
    if result.against:
        return f"the difference between {result.scenario} and {result.against} in {label}"
    return f"{label} of {result.scenario}"


def told_in(result: "OverRanges") -> str:
    """Say the unit and the years of figures: ``points of sales, 10 years from launch, undiscounted``."""
    measure = measure_named(result.measure)
    if measure.unit == "money":
        return f"{result.unit}, {result.horizon.in_words()}"
    unit = {"count": "a number"}.get(measure.unit, measure.unit)
    return f"{unit}, {result.years} year{'s' if result.years > 1 else ''} observed"


def scale_for(result: "OverRanges", *values: float) -> Scale:
    """How figures are shown: a gain in points of sales, as in comparisons."""
    return POINTS if result.gain is not None else scale_of(measure_named(result.measure), values, result.horizon.unit)


def in_unit(result: "OverRanges", shown: str, scale: Scale) -> str:
    """Figures with their unit, where they are not money as it is."""
    return f"{shown} {'points of sales' if result.gain is not None else scale.unit}".rstrip()


# ---------------------------------------------------------------- sentences


def figures(result: "OverRanges") -> str:
    """Say what the figure is, a sentence a line: at the best fit, and over the ranges varied."""
    return f"{best_fit_sentence(result)}\n{mean_sentence(result)}"


def best_fit_sentence(result: "OverRanges") -> str:
    """Say what `compare` says of the same question, to the same digit."""
    if result.gain is not None:
        return gain_sentence(result.gain, result.against, result.horizon, result.best_fit_worlds)
    row, measure, worlds = (
        result.best_fit,
        measure_named(result.measure),
        f"{result.best_fit_worlds:,} market scenarios",
    )
    if not result.against:
        scale = scale_of(measure, (row.mean,), result.horizon.unit)
        said = in_unit(result, scale.shown(row.mean), scale)
        return f"At the best fit {asked(result)}: {said}, {_years(result)}; mean of {worlds}."
    # As a comparison shows it beside the figures themselves.
    scale = scale_of(measure, (row.mean,), result.horizon.unit)
    said = in_unit(result, scale.shown(row.difference, "+"), scale)
    luck = "" if math.isnan(row.low) else f"; luck of {worlds} {scale.between(row.low, row.high, '+')}"
    return (
        f"At the best fit {result.scenario} against {result.against}: {lower(measure.label)} {said}, "
        f"{_years(result)}{luck}."
    )


def _years(result: "OverRanges") -> str:
    return told_in(result).partition(", ")[2]


def mean_sentence(result: "OverRanges") -> str:
    """Say what the figure is over the ranges varied, how sure that is, and why it is not that of the best fit."""
    scale = scale_for(result, result.mean, result.low, result.high)
    sign = "+" if result.against else ""
    mean = in_unit(result, scale.shown(result.mean, sign), scale)
    luck = scale.between(result.mean_low, result.mean_high, sign)
    return (
        f"Over the ranges varied it is {mean} on average (luck of {result.replications:,} market scenarios {luck}), "
        f"and {scale.between(result.low, result.high, sign)} in {percent(CASES)} of all combinations. This need not be "
        "the figure of the best fit: parameters vary independently here, and not every combination fits the evidence."
    )


# ---------------------------------------------------------------- ranges


def ranges_in_words(result: "OverRanges") -> str:
    """Say which ranges were varied: ``ranges of the posterior``, or how many of which."""
    number = {source: sum(one.source == source for one in result.ranges) for source in _RANGES}
    named = {source: count for source, count in number.items() if count}
    if len(named) == 1:
        return f"ranges {_RANGES[next(iter(named))]}"
    return "ranges " + ", ".join(f"{_RANGES[source]} ({count})" for source, count in named.items())


def legend_of_ranges(result: "OverRanges") -> tuple[str, ...]:
    """Say for a legend what these ranges are."""
    means: dict[Source, str] = {
        "posterior": f"ranges of sets that fit: where {percent(AGREEING)} of the {result.sets:,} parameter sets lie "
        f"that fit the evidence ({result.posterior}), each parameter by itself",
        "plausible": "ranges plausible before the fit: what was thought possible before anything was fitted, each "
        "parameter by itself",
    }
    there = {one.source for one in result.ranges}
    return tuple(text for source, text in means.items() if source in there)


def title(start: str, result: "OverRanges") -> str:
    """Title of a table: what is asked, against what, in which unit, over which years, between which ends."""
    against = f" against {result.reference_in_words}" if result.against else ""
    label = lower(measure_named(result.measure).label)
    return f"{start} {label} of {result.scenario}{against}, {told_in(result)}; {ranges_in_words(result)}"
