"""Table, sentence and figure of a comparison."""

import math
import textwrap
from typing import TYPE_CHECKING

from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.measures.profit import TERMS
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

    from kamsim.studies.bridge import Ratio, Worth
    from kamsim.studies.compare import ComparedMeasure, Comparison

COLUMNS = 3
POINTS, HUNDREDTHS = Scale(1.0, 2, "points"), Scale(1.0, 2, "")
MARK_OF: dict[str, Mark] = {"better": "good", "worse": "bad", "pays": "good", "does not pay": "bad"}


def tell(comparison: "Comparison") -> tuple[Table, Table, str]:
    """Tell a comparison: the bridge of profit, the table of measures, and its sentence."""
    return bridge_table(comparison), comparison_table(comparison), comparison_sentence(comparison)


# ---------------------------------------------------------------- the bridge of profit


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
    """Draw, as a PNG, a panel per measure, in it the difference of each scenario to the reference."""
    names = [name for name in comparison.scenarios if name != comparison.reference]
    rows = math.ceil(len(MEASURES) / COLUMNS)
    height = 2.6 + rows * (1.9 + 0.36 * max(len(names), 2))
    figure = canvas(height + room_for(comparison.notes))
    panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False).flatten()
    for measure, panel in zip(MEASURES, panels, strict=False):
        _draw_measure(panel, comparison, measure, names)
    figure.suptitle(
        f"Difference to {short_name(comparison.reference_in_words, 60)} in the same {comparison.replications:,} worlds",
        fontsize=FONT + 5,
    )
    labels = {"better": "better", "worse": "worse", "": "not clear: the 95 % interval holds zero"}
    say_below(figure, key_of_verdicts(labels), comparison.notes, columns=3)
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
    panel.set_xlabel(f"{unit}{direction}{against(comparison, measure)}", fontsize=FONT - 2, color=INK)
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:+,.4g}" if value else "0")
    panel.margins(x=0.08)
    label = measure.label
    if measure is TOTAL_PROFIT:
        label = f"{label}, {comparison.horizon.in_words()}"
    dress_small(panel, "\n".join(textwrap.wrap(label, 30)), most=4)
    panel.set_yticks(range(len(names)), [short_name(name, 30) for name in names])
    panel.set_ylim(len(names) - 0.4, -0.6)
