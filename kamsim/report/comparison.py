"""Table, sentence and figure of a comparison."""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kamsim.analysis.agreement import AGREEING
from kamsim.books.labels import names_currency
from kamsim.measures.choice import named
from kamsim.measures.outcomes import Measure
from kamsim.report.bridge import (
    LUCK,
    SETS,
    bridge_table,
    draw_bridge,
    gain_sentence,
    gain_table,
    key_of_terms,
    over_sets,
)
from kamsim.report.plot import (
    FONT,
    GRAY,
    INK,
    canvas,
    draw_difference,
    dress_small,
    full_numbers,
    key_of_verdicts,
    png,
    room_for,
    say_below,
    short_name,
)
from kamsim.report.table import (
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
EVEN = 0.5  # part of the sets
MARK_OF: dict[str, Mark] = {"better": "good", "worse": "bad"}


def tell(comparison: "Comparison") -> tuple[Table, Table, Table, str]:
    """Tell a comparison: whether policies pay and from what, the table of other measures, and a sentence."""
    sentence = comparison_sentence(comparison)
    return gain_table(comparison), bridge_table(comparison), comparison_table(comparison), sentence


# ---------------------------------------------------------------- the measures


def comparison_table(comparison: "Comparison") -> Table:
    """Table of what a comparison tells beside total profit: measures one below the other, a line per policy."""
    legend = (
        f"difference: at the best fit, to the program that the heading names, in the same {comparison.replications:,} "
        "market scenarios",
        *over_sets(comparison),
        f"better, worse: {percent(AGREEING)} of the sets agree; else undecided"
        if comparison.sets
        else "better, worse: said only where parameter sets are played, and none was",
        *_own_accounts(comparison.shown),
        money_in_words(comparison.horizon),
    )
    columns = ("", "difference", LUCK, *((SETS,) if comparison.sets else ()), "")
    groups = (_group(comparison, measure) for measure in named(comparison.shown) if measure is not TOTAL_PROFIT)
    return Table(tuple(filter(None, groups)), columns, legend=legend)


def _own_accounts(shown: Sequence[str]) -> Sequence[str]:
    """Say of what measures of key accounts are, where one is shown that tells their growth."""
    if "key_revenue_growth" not in shown:
        return ()
    return (
        "own key accounts: each program has selected others, so a difference in their growth is not only an effect; "
        "see kamsim explain large_spend",
    )


def rows_of(comparison: "Comparison", measure: str) -> list["ComparedMeasure"]:
    """Rows of one measure, in the order of the scenarios."""
    return [row for row in comparison.measures if row.measure == measure]


def _scale(comparison: "Comparison", measure: Measure) -> Scale:
    return scale_of(measure, (row.mean for row in rows_of(comparison, measure.name)), comparison.horizon.unit)


def _group(comparison: "Comparison", measure: Measure) -> Group | None:
    scale, rows = _scale(comparison, measure), rows_of(comparison, measure.name)
    base = next((row for row in rows if row.scenario == row.against), None)
    if base is None or math.isnan(base.mean):
        return None
    heading = heading_of(measure, scale, f"{short_name(base.scenario, 24)} {scale.shown(base.mean)}")
    others = (row for row in rows if row is not base and not math.isnan(row.difference))
    return Group(heading, tuple(_row(row, scale, comparison.sets > 0) for row in others))


def _row(row: "ComparedMeasure", scale: Scale, sets: bool) -> Row:
    of_sets = (scale.between(row.sets_low, row.sets_high, "+"),) if sets else ()
    luck = scale.margin(row.low, row.high)
    return Row(
        (row.scenario, scale.shown(row.difference, "+"), luck, *of_sets, row.verdict), MARK_OF.get(row.verdict, "")
    )


def against(comparison: "Comparison", measure: Measure) -> str:
    """Say what a measure is held against where that is not the reference of all: ``; against status_quo``."""
    others = {row.against for row in rows_of(comparison, measure.name)} - {comparison.reference}
    return "".join(f"; against {short_name(name, 24)}" for name in others)


# ---------------------------------------------------------------- sentence


def comparison_sentence(comparison: "Comparison") -> str:
    """Say in plain words which policy earns most, and which is best on what else; nothing of one alone."""
    rows = [row for row in rows_of(comparison, TOTAL_PROFIT.name) if not math.isnan(row.mean)]
    if len(rows) < 2:
        return ""
    if not comparison.sets:
        leader = max(rows, key=lambda row: row.mean)
        alone = "No parameter set was played: figures leave out what is uncertain."
        return f"{_at_best_fit(comparison, leader)}\n{alone}{_best_beyond(comparison)}"
    first, second, *_ = sorted(rows, key=lambda row: -row.best_in_sets)
    most = f"{first.scenario} earns the most total profit in {percent(first.best_in_sets)} of the parameter sets"
    if first.best_in_sets >= AGREEING:
        said = f"{most} and is best."
    else:
        said = f"{most}, {second.scenario} in {percent(second.best_in_sets)}: which is best is undecided."
    return f"{said} {_at_best_fit(comparison, first)}{_best_elsewhere(comparison)}{_best_beyond(comparison)}"


def _at_best_fit(comparison: "Comparison", leader: "ComparedMeasure") -> str:
    total = next((row for row in comparison.bridge if (row.scenario, row.term) == (leader.scenario, TOTAL)), None)
    if total is None:
        highest = max(rows_of(comparison, TOTAL_PROFIT.name), key=lambda row: row.mean)
        who = "no program" if highest.scenario == comparison.reference else highest.scenario
        return f"At the best fit {who} earns more than {comparison.reference}."
    return gain_sentence(total, comparison.reference, comparison.horizon, comparison.replications)


def _best_elsewhere(comparison: "Comparison") -> str:
    best = dict[str, list[str]]()
    for measure in named(comparison.shown):
        rows = [row for row in rows_of(comparison, measure.name) if not math.isnan(row.mean)]
        for row in rows if measure is not TOTAL_PROFIT and len(rows) > 1 else ():
            if row.best_in_sets >= AGREEING:
                best.setdefault(row.scenario, []).append(lower(measure.label))
    if not best:
        return ""
    told = "; ".join(f"{name} ({', '.join(what)})" for name, what in best.items())
    return f"\nBest elsewhere, in {percent(AGREEING)} of the sets or more: {told}."


def _best_beyond(comparison: "Comparison") -> str:
    """Name the shipped program that earns more than all that is compared, if one does or may."""
    best = comparison.best_program
    if best is None:
        return ""
    others = f"{best.tried} other program{'s' if best.tried > 1 else ''} that ship{'s' if best.tried == 1 else ''}"
    first = f"\nOf {others} {best.name} earns most at the best fit"
    if math.isnan(best.ahead):
        return f"{first}: {best.points:+.1f} points against {best.rival}."
    between = f"95 % of sets {best.sets_low:+.1f} to {best.sets_high:+.1f}, ahead in {percent(best.ahead)}"
    if best.ahead < EVEN:
        return f"{first}; in most sets it earns less than {best.rival}."
    said = "earns more than" if best.verdict == "better" else "may earn more than"
    return f"{first}, and {said} {best.rival}: {best.points:+.1f} points ({between})."


# ---------------------------------------------------------------- figure


def comparison_figure(comparison: "Comparison") -> bytes:
    """Draw, as a PNG, the bridge of profit, and a panel per measure with the difference of each scenario."""
    names = [name for name in comparison.scenarios if name != comparison.reference]
    measures = named({row.measure for row in comparison.measures})
    rows = math.ceil(len(measures) / COLUMNS)
    tall, above = 1.9 + 0.36 * max(len(names), 2), 2.4 + 0.45 * len(names) if names else 0.0
    figure = canvas(2.6 + above + rows * tall + room_for(comparison.notes))
    grid = figure.add_gridspec(
        rows + 1 if names else rows, COLUMNS, height_ratios=[above] * bool(names) + [tall] * rows
    )
    if names:
        draw_bridge(figure.add_subplot(grid[0, :]), comparison)
    first = None
    for place, measure in enumerate(measures):
        first = figure.add_subplot(grid[place // COLUMNS + bool(names), place % COLUMNS], sharey=first)
        first.tick_params(labelleft=place % COLUMNS == 0)
        _draw_measure(first, comparison, measure, names)
    sets = f", thin line: {percent(AGREEING)} of {comparison.sets:,} parameter sets" if comparison.sets else ""
    figure.suptitle(
        f"Difference to {short_name(comparison.reference_in_words, 60)}\n"
        f"mark: best fit, thick line: luck of the same {comparison.replications:,} market scenarios{sets}\n"
        f"{money_in_words(comparison.horizon)}",
        fontsize=FONT + 4,
    )
    labels = {"better": "better", "worse": "worse", "": "undecided"}
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
            said = "the others are compared with it" if row and row.scenario == row.against else "no key accounts"
            panel.text(0.5, place, said, ha="center", va="center", fontsize=FONT - 3, color=GRAY,
                       transform=panel.get_yaxis_transform(),
                       bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
            continue
        low, high, at = (value * scale.factor for value in (row.low, row.high, row.difference))
        if comparison.sets:
            ends = (row.sets_low * scale.factor, row.sets_high * scale.factor)
            panel.plot(ends, [place, place], color=GRAY, linewidth=1.5)
        draw_difference(panel, place, row.verdict, (low, high), at)
    named = names_currency(comparison.horizon.unit)
    unit = " ".join(filter(None, (scale.unit, "money" if measure.is_money and not named else "")))
    said = ", ".join(filter(None, (unit, measure.better)))
    below = f"{said}{against(comparison, measure)}".replace("; ", "\n")
    panel.set_xlabel(below, fontsize=FONT - 2, color=INK)
    full_numbers(panel.xaxis, "+")
    panel.margins(x=0.08)
    label = measure.label
    if measure is TOTAL_PROFIT:
        label = f"{label}, {comparison.horizon.in_words()}"
    dress_small(panel, "\n".join(textwrap.wrap(label, 28)), most=4)
    panel.set_yticks(range(len(names)), [short_name(name, 30) for name in names])
    panel.set_ylim(len(names) - 0.4, -0.6)
