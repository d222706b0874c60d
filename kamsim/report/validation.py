"""Table of patterns held back from fitting, and the sentence that sums it up."""

import math
from itertools import groupby
from typing import TYPE_CHECKING

from kamsim.report.table import NOTHING, Group, Mark, Row, Scale, Table, lower

if TYPE_CHECKING:
    from kamsim.studies.validate import Check, Figure, Validation

INDENT = "  "
MOST_PARTS = 3  # more are for machines: the reason says which of them are outside
_MARKS: dict[str, Mark] = {"pass": "good", "miss": "bad"}
_LABELS = {
    "rebuilt_once": "Rebuilt in seven years",
    "top_share": "Sales of the top 20 %",
    "departure_cost": "Cost of a KAM's departure",
    "demotion_against_promotion": "Demotion hurts more",
    "rank_rule_miss": "New in next year's top 20 %",
    "retention": "Retention by decile",
    "growth": "Growth by decile",
    "steady_growth": "Growth of steady buyers",
    "promotion": "promotion",
    "demotion": "demotion",
    "all": "all accounts",
    "steady": "steady buyers",
}
_SCALES = {"part": Scale(100.0, 1, "%"), "log": Scale(1.0, 3, ""), "deciles": Scale(1.0, 0, "")}
_UNITS = {"part": ", %", "log": ", log", "deciles": ""}


def tell(validation: "Validation") -> tuple[Table, str]:
    """Tell a validation: its table and its sentence."""
    return validation_table(validation), validation_sentence(validation)


def validation_table(validation: "Validation") -> Table:
    """Table of held-back patterns: what was observed, what is simulated, and the verdict with its reason.

    Own books come last, each under its name.
    """
    books = groupby(validation.books, key=lambda check: check.source)
    groups = [("", list(validation.checks)), *((f"Against {source}", list(checks)) for source, checks in books)]
    rows = (Group(heading, tuple(row for check in checks for row in _rows(check))) for heading, checks in groups)
    return Table(tuple(rows), ("", "observed", "simulated", "95 % interval", ""))


def _rows(check: "Check") -> list[Row]:
    """Rows of a check and, where there are few, of its parts."""
    rows = [Row(_cells(check, check.unit, check.verdict), _MARKS.get(check.verdict, ""))]
    if len(check.parts) <= MOST_PARTS:
        rows += [Row(_cells(part, check.unit, "", INDENT)) for part in check.parts]
    return [*rows[:-1], rows[-1]._replace(note=check.reason)]


def _cells(figure: "Check | Figure", unit: str, verdict: str, indent: str = "") -> tuple[str, ...]:
    scale = _SCALES[unit]
    label = f"{indent}{_LABELS.get(figure.name, figure.name)}{_UNITS[unit]}"
    observed = _range(figure.observed_low, figure.observed_high, scale)
    simulated, interval = scale.shown(figure.simulated), _range(figure.low, figure.high, scale)
    return label, observed, simulated, interval, verdict


def _range(low: float, high: float, scale: Scale) -> str:
    if math.isnan(low):
        return NOTHING
    if math.isinf(high):
        return f"above {scale.shown(low)}"
    return scale.shown(low) if low == high else scale.between(low, high)


def validation_sentence(validation: "Validation") -> str:
    """Say how many of the held-back patterns hold, and name those that do not, or cannot be told."""
    names = {
        verdict: [lower(_LABELS.get(check.name, check.name)) for check in validation.checks if check.verdict == verdict]
        for verdict in ("pass", "miss", "unknown")
    }
    judged = len(names["pass"]) + len(names["miss"])
    others = f"; the others are {', '.join(names['miss'])}" if names["miss"] else ""
    untold = f"; not to be told here: {', '.join(names['unknown'])}" if names["unknown"] else ""
    return f"{len(names['pass'])} of {judged} held-back patterns hold{others}{untold}."
