"""The bridge of profit told: its table, a sentence on what a program is worth, and its panel in a figure."""

import math
from typing import TYPE_CHECKING

from kamsim.measures.profit import TERMS
from kamsim.report.plot import COLORS, FONT, INK, dress_small, patch, short_name
from kamsim.report.table import TOTAL_PROFIT, Group, Mark, Row, Scale, Table, lower, scale_of
from kamsim.studies.bridge import TOTAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

    from kamsim.studies.bridge import Ratio, Worth
    from kamsim.studies.compare import Comparison

POINTS, HUNDREDTHS = Scale(1.0, 2, "points"), Scale(1.0, 2, "")
MARK_OF: dict[str, Mark] = {"pays": "good", "does not pay": "bad"}


def bridge_table(comparison: "Comparison") -> Table:
    """Table of what the difference in total profit comes from, what a program returns, and where it breaks even."""
    scale = scale_of(TOTAL_PROFIT, (row.difference for row in comparison.bridge))
    unit = f", {scale.unit}" if scale.unit else ""
    legend = (
        f"points: of the sales of {comparison.reference} at list price, in percent",
        "returns: difference in total profit for each 100 of what the program costs: "
        + ", ".join(lower(term.label) for term in TERMS if term.costs),
        "pays above, breaks even: where the difference would be zero, holding volumes",
        "intervals: the luck of worlds alone; what is not known of parameters comes with `uncertainty`",
    )
    groups = tuple(_bridge(comparison, worth, scale) for worth in comparison.worth)
    columns = ("", "difference", "95 % interval", "points", "")
    against = comparison.reference_in_words
    return Table(groups, columns, f"Total profit against {against}, {comparison.horizon.in_words()}{unit}", legend)


def _bridge(comparison: "Comparison", worth: "Worth", scale: Scale) -> Group:
    labels, rows = {term.name: term.label for term in TERMS}, []
    for row in comparison.bridge:
        if row.scenario != worth.scenario:
            continue
        cells = (scale.shown(row.difference, "+"), scale.between(row.low, row.high, "+"), POINTS.shown(row.points, "+"))
        if row.term in labels:
            rows.append(Row((f"  {labels[row.term]}", *cells, "")))
        else:
            rows.append(
                Row(("  Total profit", *cells, worth.verdict), MARK_OF.get(worth.verdict, ""), worth_sentence(worth))
            )
    return Group(worth.scenario, tuple(rows))


def worth_sentence(worth: "Worth") -> str:
    """Say what a program returns and at which prices it breaks even."""
    said = []
    if not math.isnan(worth.returned.value):
        said.append(f"returns {_with_interval(worth.returned, Scale(100.0, 0, ''), '+')} for 100 spent")
    margin = worth.break_even_margin
    if not math.isnan(margin.value):
        word = "above" if worth.pays_above else "below"
        if 0.0 <= margin.value <= 1.0:
            said.append(f"pays {word} a gross margin of {_with_interval(margin, HUNDREDTHS)}; here {worth.margin:.3g}")
        else:
            always = (margin.value < 0.0) == (word == "above")
            said.append(f"pays at {'any' if always else 'no'} gross margin")
    part = worth.break_even_concessions
    if part.value < 0.0:
        said.append("does not pay even without price concessions")
    elif not math.isnan(part.value):
        said.append(f"breaks even at {_with_interval(part, HUNDREDTHS)} times its price concessions")
    return "; ".join(said)


def _with_interval(ratio: "Ratio", scale: Scale, sign: str = "") -> str:
    interval = "" if math.isnan(ratio.low) else f" ({scale.between(ratio.low, ratio.high, sign)})"
    return f"{scale.shown(ratio.value, sign)}{interval}"


def draw_bridge(panel: "Axes", comparison: "Comparison") -> None:
    """Draw a bar for every scenario: what it earns more to the right, what it spends more to the left, and the sum."""
    rows = {(row.scenario, row.term): row for row in comparison.bridge}
    scale = scale_of(TOTAL_PROFIT, (row.difference for row in comparison.bridge))
    names = [worth.scenario for worth in comparison.worth]
    for place, worth in enumerate(comparison.worth):
        ends = {True: 0.0, False: 0.0}  # of what is stacked above and below zero
        for term, color in zip(TERMS, COLORS, strict=False):
            value = rows[worth.scenario, term.name].difference * scale.factor
            panel.barh(place, value, left=ends[value > 0], height=0.62, color=color)
            ends[value > 0] += value
        total = rows[worth.scenario, TOTAL]
        at = total.difference * scale.factor
        panel.plot([at], [place], "|", color=INK, markersize=34, markeredgewidth=5)
        said = f"{scale.shown(total.difference, '+')} ({POINTS.shown(total.points, '+')} points), {worth.verdict}"
        panel.text(0.99, place, said, ha="right", va="center", fontsize=FONT - 2, transform=panel.get_yaxis_transform())
    low, high = panel.get_xlim()
    panel.set_xlim(low, high + 0.5 * (high - low))  # room for what is said of the sum
    panel.axvline(0, color=INK, linewidth=1.5)
    dress_small(panel, f"From what the difference in total profit comes, {comparison.horizon.in_words()}", most=8)
    panel.set_xlabel(
        f"{scale.unit or comparison.horizon.unit}; black line: the sum; points: of sales", fontsize=FONT - 2, color=INK
    )
    panel.set_yticks(range(len(names)), [short_name(name, 30) for name in names])
    panel.set_ylim(len(names) - 0.4, -0.6)


def key_of_terms() -> list["Patch"]:
    """Say in the legend of a figure what the parts of a bar are."""
    return [patch(term.label, color) for term, color in zip(TERMS, COLORS, strict=False)]
