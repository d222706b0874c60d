"""Table, sentence and figure of a comparison."""

import math
import textwrap
from typing import TYPE_CHECKING

from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.report.bridge import POINTS, bridge_table, draw_bridge, key_of_terms
from kamsim.report.plot import (
    FONT,
    GRAY,
    INK,
    canvas,
    draw_difference,
    dress_small,
    key_of_verdicts,
    png,
    room_for,
    say_below,
    short_name,
)
from kamsim.report.table import (
    NOTHING,
    TOTAL_PROFIT,
    Group,
    Mark,
    Row,
    Scale,
    Table,
    heading_of,
    lower,
    money_in_words,
    percent,
    scale_of,
)
from kamsim.studies.bridge import TOTAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kamsim.studies.compare import ComparedMeasure, Comparison

COLUMNS = 3
MARK_OF: dict[str, Mark] = {"better": "good", "worse": "bad"}


def tell(comparison: "Comparison") -> tuple[Table, Table, str]:
    """Tell a comparison: the bridge of profit, the table of measures, and its sentence."""
    return bridge_table(comparison), comparison_table(comparison), comparison_sentence(comparison)


# ---------------------------------------------------------------- the measures


def comparison_table(comparison: "Comparison") -> Table:
    """Table of a comparison: measures one below the other, a line per scenario.

    Differences whose interval excludes zero say better or worse.
    """
    legend = (
        f"difference: to {comparison.reference_in_words} in the same {comparison.replications:,} worlds",
        "better, worse: the interval of the difference excludes zero",
        "best: part of the worlds in which no other scenario does better",
        money_in_words(comparison.horizon),
    )
    columns = ("", "mean", "difference", "95 % interval", "best", "")
    groups = (_group(comparison, measure) for measure in MEASURES)
    return Table(tuple(group for group in groups if group.rows), columns, legend=legend)


def rows_of(comparison: "Comparison", measure: str) -> list["ComparedMeasure"]:
    """Rows of one measure, in the order of the scenarios."""
    return [row for row in comparison.measures if row.measure == measure]


def is_sure(row: "ComparedMeasure") -> bool:
    """Whether the interval of a difference excludes zero."""
    return row.low > 0 or row.high < 0


def _scale(comparison: "Comparison", measure: Measure) -> Scale:
    return scale_of(measure, (row.mean for row in rows_of(comparison, measure.name)))


def _group(comparison: "Comparison", measure: Measure) -> Group:
    scale, rows = _scale(comparison, measure), []
    for row in rows_of(comparison, measure.name):
        best = NOTHING if math.isnan(row.mean) else percent(row.probability_best)
        if row.scenario == row.against:
            rows.append(Row((row.scenario, scale.shown(row.mean), "reference", "", best, "")))
            continue
        difference, interval = scale.shown(row.difference, "+"), scale.between(row.low, row.high, "+")
        said = verdict(row, measure)
        rows.append(Row((row.scenario, scale.shown(row.mean), difference, interval, best, said), MARK_OF.get(said, "")))
    return Group(heading_of(measure, scale, against(comparison, measure), comparison.horizon), tuple(rows))


def against(comparison: "Comparison", measure: Measure) -> str:
    """Say what a measure is held against where that is not the reference of all: ``; against status_quo``."""
    others = {row.against for row in rows_of(comparison, measure.name)} - {comparison.reference}
    return "".join(f"; against {short_name(name, 24)}" for name in others)


def verdict(row: "ComparedMeasure", measure: Measure) -> str:
    """Say whether a scenario is surely ``better`` or ``worse`` than the reference; nothing where it is not sure."""
    if not is_sure(row):
        return ""
    return "better" if (row.low > 0) == measure.higher_is_better else "worse"


# ---------------------------------------------------------------- sentence


def comparison_sentence(comparison: "Comparison") -> str:
    """Say in plain words which policy does best on what, and how surely; nothing of one alone."""
    if len(comparison.scenarios) < 2:
        return ""
    profit, others = "", dict[str, list[str]]()
    for measure in MEASURES:
        rows = [row for row in rows_of(comparison, measure.name) if not math.isnan(row.mean)]
        if len(rows) < 2:
            continue
        best = (max if measure.higher_is_better else min)(rows, key=lambda row: row.mean)
        if measure is TOTAL_PROFIT:
            profit = _profit_sentence(comparison, best)
        else:
            others.setdefault(best.scenario, []).append(f"{lower(measure.label)} {percent(best.probability_best)}")
    elsewhere = "; ".join(f"{name} ({', '.join(what)})" for name, what in others.items())
    return f"{profit}\nBest on average elsewhere, and in what part of worlds: {elsewhere}." if elsewhere else profit


def _profit_sentence(comparison: "Comparison", best: "ComparedMeasure") -> str:
    reference = comparison.reference
    chance = f"best in {percent(best.probability_best)} of worlds"
    if best.scenario == reference:
        return f"No policy earns more total profit than {reference}, {chance}."
    points = next(row.points for row in comparison.bridge if (row.scenario, row.term) == (best.scenario, TOTAL))
    # Never as a part of profit, which may be a loss, or next to nothing.
    scale = Scale(points / best.difference, 2, "points of sales") if best.difference else POINTS
    unit = f" {scale.unit}"
    gain = f"{scale.shown(best.difference)}{unit} more total profit"
    interval = f"95 % interval {scale.between(best.low, best.high)}{unit}"
    if math.isnan(best.low):
        interval = "a single world, so no interval"
    if is_sure(best):
        return f"{best.scenario} earns {gain} than {reference} ({interval}) and is {chance}."
    return f"{best.scenario} earns {gain} than {reference} on average, but not surely ({interval}); it is {chance}."


# ---------------------------------------------------------------- figure


def comparison_figure(comparison: "Comparison") -> bytes:
    """Draw, as a PNG, the bridge of profit, and a panel per measure with the difference of each scenario."""
    names = [name for name in comparison.scenarios if name != comparison.reference]
    rows = math.ceil(len(MEASURES) / COLUMNS)
    tall, above = 1.9 + 0.36 * max(len(names), 2), 2.4 + 0.45 * len(names) if names else 0.0
    figure = canvas(2.6 + above + rows * tall + room_for(comparison.notes))
    grid = figure.add_gridspec(
        rows + 1 if names else rows, COLUMNS, height_ratios=[above] * bool(names) + [tall] * rows
    )
    if names:
        draw_bridge(figure.add_subplot(grid[0, :]), comparison)
    first = None
    for place, measure in enumerate(MEASURES):
        first = figure.add_subplot(grid[place // COLUMNS + bool(names), place % COLUMNS], sharey=first)
        first.tick_params(labelleft=place % COLUMNS == 0)
        _draw_measure(first, comparison, measure, names)
    figure.suptitle(
        f"Difference to {short_name(comparison.reference_in_words, 60)} in the same {comparison.replications:,} worlds",
        fontsize=FONT + 5,
    )
    labels = {"better": "better", "worse": "worse", "": "not clear: the 95 % interval holds zero"}
    parts = key_of_terms() if names else []
    say_below(figure, [*parts, *key_of_verdicts(labels)], comparison.notes, columns=4)
    return png(figure)


def _draw_measure(panel: "Axes", comparison: "Comparison", measure: Measure, names: list[str]) -> None:
    rows = {row.scenario: row for row in rows_of(comparison, measure.name)}
    scale = _scale(comparison, measure)
    panel.axvline(0, color=INK, linewidth=1.5)
    for place, name in enumerate(names):
        row = rows.get(name)
        if row is None or math.isnan(row.difference) or row.scenario == row.against:
            said = "the others are held against it" if row and row.scenario == row.against else "no key accounts"
            panel.text(0.5, place, said, ha="center", va="center", fontsize=FONT - 3, color=GRAY,
                       transform=panel.get_yaxis_transform(),
                       bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
            continue
        low, high, at = (value * scale.factor for value in (row.low, row.high, row.difference))
        draw_difference(panel, place, verdict(row, measure), (low, high), at)
    unit = f"{scale.unit}, " if scale.unit else ""
    direction = "higher is better" if measure.higher_is_better else "lower is better"
    below = f"{unit}{direction}{against(comparison, measure)}".replace("; ", "\n")
    panel.set_xlabel(below, fontsize=FONT - 2, color=INK)
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:+,.4g}" if value else "0")
    panel.margins(x=0.08)
    label = measure.label
    if measure is TOTAL_PROFIT:
        label = f"{label}, {comparison.horizon.in_words()}"
    dress_small(panel, "\n".join(textwrap.wrap(label, 28)), most=4)
    panel.set_yticks(range(len(names)), [short_name(name, 30) for name in names])
    panel.set_ylim(len(names) - 0.4, -0.6)
