"""Table of patterns held back from fitting, and the sentence that sums it up."""

import math
import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

from kamsim.report.tables import NOTHING, Scale, line_of, widths_of

if TYPE_CHECKING:
    from kamsim.analysis.validation import Check, Figure, Validation

WIDTH = 80
INDENT = "  "
MOST_PARTS = 3  # more are for machines: the reason says which of them are outside
_STYLES = {"pass": "not dim green", "miss": "not dim red"}
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


def validation_table(validation: "Validation") -> Text:
    """Table of held-back patterns: what was observed, what is simulated, and the verdict with its reason.

    Parameters
    ----------
    validation : Validation
        From `kamsim.analysis.validation.validate`.

    Returns
    -------
    Text
        80 columns wide at most; own books come last, each under its name.
    """
    header = ("", "observed", "simulated", "95 % interval", "")
    checks = (*validation.checks, *validation.books)
    widths = widths_of([header, *(row for check in checks for row in _rows(check))], most=30)
    table = Text(line_of(header, widths) + "\n", style="dim")
    for check in validation.checks:
        _append(table, check, widths)
    source = ""
    for check in validation.books:
        if check.source != source:
            source = check.source
            table.append("\n" + _wrapped(f"Against {source}", ""), style="not dim bold")
        _append(table, check, widths)
    return table


def _append(table: Text, check: "Check", widths: list[int]) -> None:
    first, *parts = _rows(check)
    table.append(line_of(first, widths) + "\n", style=_STYLES.get(check.verdict, "not dim"))
    for part in parts:
        table.append(line_of(part, widths) + "\n", style="not dim")
    table.append(_wrapped(check.reason, INDENT))


def _wrapped(text: str, indent: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)) + "\n"


def _rows(check: "Check") -> list[tuple[str, ...]]:
    """Cells of a check and, where there are few, of its parts."""
    rows = [_row(check, check.unit, check.verdict)]
    if len(check.parts) <= MOST_PARTS:
        rows += [_row(part, check.unit, "", INDENT) for part in check.parts]
    return rows


def _row(figure: "Check | Figure", unit: str, verdict: str, indent: str = "") -> tuple[str, ...]:
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
    return scale.shown(low) if low == high else f"{scale.shown(low)} to {scale.shown(high)}"


def validation_sentence(validation: "Validation") -> str:
    """Say how many of the held-back patterns hold, and which do not.

    Parameters
    ----------
    validation : Validation
        From `kamsim.analysis.validation.validate`.

    Returns
    -------
    str
        One sentence; those that cannot be told are named apart.
    """
    names = {
        verdict: [
            _lower(_LABELS.get(check.name, check.name)) for check in validation.checks if check.verdict == verdict
        ]
        for verdict in ("pass", "miss", "unknown")
    }
    judged = len(names["pass"]) + len(names["miss"])
    others = f"; the others are {', '.join(names['miss'])}" if names["miss"] else ""
    untold = f"; not to be told here: {', '.join(names['unknown'])}" if names["unknown"] else ""
    return f"{len(names['pass'])} of {judged} held-back patterns hold{others}{untold}."


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]
