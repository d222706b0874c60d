"""Table and sentence of a discovery: where a policy fails."""

import math
from typing import TYPE_CHECKING

from kamsim.report.over_ranges import (
    asked,
    figures,
    in_unit,
    legend_of_ranges,
    scale_for,
    title,
)
from kamsim.report.table import TOTAL_PROFIT, Group, Row, Table, lower, percent, short_number
from kamsim.report.uncertainty import condition_text
from kamsim.studies.at_points import measure_named

if TYPE_CHECKING:
    from kamsim.analysis.corners import Condition
    from kamsim.studies.discover import Discovery
    from kamsim.studies.ranges import Range


def tell(result: "Discovery") -> tuple[str, Table, str]:
    """Tell a discovery: what the figure is, its table, and its sentences."""
    return figures(result), discovery_table(result), discovery_sentences(result)


def discovery_table(result: "Discovery") -> Table:
    """Table of the corner: a line for each parameter that bounds it; without a corner, only what was asked."""
    ranges = {one.parameter: one for one in result.ranges}
    rows = tuple(_bound_row(condition, ranges[condition.parameter]) for condition in result.conditions)
    corner = (
        f"density {percent(result.density)}: part of the cases under these conditions that fail",
        f"coverage {percent(result.coverage)}: part of all failures that are under these conditions",
        f"mass {percent(result.mass)}: part of all cases that are under these conditions",
        f"A check: conditions found without a fifth of the cases have a density of {percent(result.held_out)} in that "
        f"fifth ({_chance(result.chance)} by luck alone).",
    )
    legend = (
        f"{result.points:,} cases (combinations of values) in the same {result.replications:,} market scenarios",
        *(corner if rows else ()),
        *legend_of_ranges(result),
    )
    columns = ("", "varied", "fails mostly", "kind")
    return Table((Group("", rows),) if rows else (), columns, title("Where it fails:", result), legend)


def _bound_row(condition: "Condition", varied: "Range") -> Row:
    low, high = short_number(condition.low), short_number(condition.high)
    bounds = f"above {low}" if math.isinf(condition.high) else f"up to {high}"
    if math.isfinite(condition.low) and math.isfinite(condition.high):
        bounds = f"{low} to {high}"
    plausible = f"{short_number(varied.low)} to {short_number(varied.high)}"
    return Row((condition.parameter, plausible, bounds, condition.kind))


def _chance(chance: float) -> str:
    return "less than 1 chance in 1,000" if chance < 0.001 else f"{1000 * chance:.0f} chances in 1,000"


# ---------------------------------------------------------------- sentences


def discovery_sentences(result: "Discovery") -> str:
    """Say in plain words, a sentence a line, where a policy fails, or that no corner tells."""
    return "\n".join([_where(result), _unsure(result)])


def failing(result: "Discovery") -> str:
    """Say what failing is: ``full_program earns less than status_quo``."""
    measure = measure_named(result.measure)
    scale = scale_for(result, result.threshold)
    threshold = in_unit(result, scale.shown(result.threshold), scale)
    side = "below" if measure.higher_is_better else "above"
    if not result.against:
        return f"{result.scenario} has {lower(measure.label)} {side} {threshold}"
    if result.threshold != 0:
        return f"{asked(result)} is {side} {threshold}"
    if measure == TOTAL_PROFIT:
        return f"{result.scenario} earns less than {result.against}"
    return f"{result.scenario} does worse than {result.against} on {lower(measure.label)}"


def _where(result: "Discovery") -> str:
    said, number = failing(result), f"{result.points:,}"
    if result.failed in (0.0, 1.0):
        return f"{said[:1].upper()}{said[1:]} in {'none' if result.failed == 0 else 'every one'} of {number} cases."
    share = _share(result.failed)
    if result.told == "few":
        rare = "few" if result.failed < 0.5 else "many"
        return f"{said} in {share} of {number} cases, too {rare} to say where."
    if not result.conditions:
        return (
            f"{said} in {share} of {number} cases, but no few conditions tell where: conditions found in four fifths "
            "of the cases foretell failures in the others no better than chance, or hardly better."
        )
    where = ", and ".join(map(condition_text, result.conditions))
    often = "mostly" if result.density >= 0.5 else "more often"
    return (
        f"{said} {often} where {where}: {percent(result.density)} of such cases fail, against {share} of all cases; "
        f"they are {percent(result.mass)} of all cases and hold {percent(result.coverage)} of all failures."
    )


def _share(part: float) -> str:
    return f"{100 * part:.1f} %" if part < 0.02 or part > 0.98 else percent(part)


def _unsure(result: "Discovery") -> str:
    if result.unsure == 0:
        return f"{result.replications:,} market scenarios are enough to tell in every case whether it fails."
    return (
        f"In {_share(result.unsure)} of all cases {result.replications:,} market scenarios are too few to be sure "
        "whether it fails."
    )
