"""The gain of policies told: whether each pays, from what the difference comes, and its panel in a figure."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kamsim.analysis.agreement import AGREEING
from kamsim.books.labels import UNNAMED, names_currency
from kamsim.measures.profit import TERMS, Horizon
from kamsim.report.plot import COLORS, FONT, INK, dress_small, patch, short_name
from kamsim.report.table import (
    TOTAL_PROFIT,
    Group,
    Mark,
    Row,
    Scale,
    Table,
    amount_in_words,
    in_money,
    lower,
    money_in_words,
    percent,
    scale_of,
    year_from_launch,
)
from kamsim.studies.bridge import AT_LAUNCH, TOTAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

    from kamsim.studies.bridge import BridgeTerm, Ratio, Worth
    from kamsim.studies.compare import Comparison
    from kamsim.studies.uncertainty import UncertainComparison

    Told = Comparison | UncertainComparison

TENTHS, POINTS, HUNDREDTHS = Scale(1.0, 1, "points"), Scale(1.0, 2, "points"), Scale(1.0, 2, "")
LUCK, SETS = "luck", "95 % of sets"
MARK_OF: dict[str, Mark] = {"pays": "good", "does not pay": "bad"}


# ---------------------------------------------------------------- whether it pays


def gain_table(comparison: "Told") -> Table:
    """Table of the difference in total profit, a line for every policy: what luck leaves open, and what parameters."""
    totals = {row.scenario: row for row in comparison.bridge if row.term == TOTAL}
    rows = [_gain_row(totals[worth.scenario], worth, comparison.sets > 0) for worth in comparison.worth]
    columns = ("", "points", LUCK, *((SETS, "pays in") if comparison.sets else ()), "")
    against, horizon = comparison.reference_in_words, comparison.horizon.in_words()
    title = f"Does it pay? Total profit against {against}, {horizon}"
    return Table((Group("", tuple(rows)),) if rows else (), columns, title if rows else "", _legend(comparison))


def _gain_row(total: "BridgeTerm", worth: "Worth", sets: bool) -> Row:
    luck = TENTHS.margin(total.points_low, total.points_high)
    of_sets = (TENTHS.between(total.sets_low, total.sets_high, "+"), percent(worth.pays_in)) if sets else ()
    cells = (worth.scenario, TENTHS.shown(total.points, "+"), luck, *of_sets, worth.verdict)
    return Row(cells, MARK_OF.get(worth.verdict, ""))


def _legend(comparison: "Told") -> tuple[str, ...]:
    return (
        f"points: difference at the best fit, in percent of the sales of {comparison.horizon.points_of} at list price "
        "in the same years",
        f"luck: how far luck alone may move that, 95 %, with {comparison.best_fit_worlds:,} market scenarios; less "
        "with more `replications`",
        *over_sets(comparison),
        *_asked_of_sets(comparison),
        f"pays, does not pay: {percent(AGREEING)} of the sets agree; else undecided; pays in: part of the sets"
        if comparison.sets
        else "pays or not is said of parameter sets alone, and none was played",
    )


def _asked_of_sets(comparison: "Told") -> Sequence[str]:
    """Say what the sets cannot show, for it was asked of them."""
    if not comparison.sets or comparison.reference_in_words == comparison.reference:
        return ()
    return (
        "parameters were fitted so that programs pay on average: they tell which program pays more, not whether any "
        "does; put in your own prices with `values`",
    )


def over_sets(comparison: "Told") -> Sequence[str]:
    """Say for a legend what is meant by sets, where any were played."""
    if not comparison.sets:
        return ()
    return (
        f"sets: range of {percent(AGREEING)} of the {comparison.sets:,} parameter sets that fit the evidence as well, "
        f"each in {comparison.worlds_a_set:,} market scenarios of its own (their luck is in the range); the best fit "
        "may lie outside",
    )


def gain_sentence(total: "BridgeTerm", against: str, horizon: Horizon, worlds: int) -> str:
    """Say the gain of a policy at the best fit, in the same words and digits whatever command is asked."""
    scale = scale_of(TOTAL_PROFIT, (total.difference,), horizon.unit)
    money = amount_in_words(total.difference, scale, horizon.unit)
    between = POINTS.between(total.points_low, total.points_high, "+")
    luck = "one market scenario" if math.isnan(total.low) else f"luck of {worlds:,} market scenarios {between} points"
    points = f"{POINTS.shown(total.points, '+')} points of sales, {money}"
    return f"At the best fit {total.scenario} against {against}: {points}, {horizon.in_words()}; {luck}."


# ---------------------------------------------------------------- from what it comes


def bridge_table(comparison: "Told") -> Table:
    """Table of what the difference in total profit comes from, what a program returns, and where it breaks even."""
    scale = scale_of(TOTAL_PROFIT, (row.difference for row in comparison.bridge), comparison.horizon.unit)
    legend = (
        "returns: difference in total profit for each 100 that the program costs: "
        + ", ".join(lower(term.label) for term in TERMS if term.costs),
        "of which at launch: cost of making the first accounts key accounts; a part of elevations, not added again",
        "paid back: year from launch from whose end on it has earned as much as what it is compared with",
        "pays above, breaks even: where the difference would be zero, at the best fit and with the same volumes",
        money_in_words(comparison.horizon, scale.unit),
    )
    groups = tuple(_bridge(comparison, worth, scale) for worth in comparison.worth)
    columns = ("", "points", LUCK, *((SETS,) if comparison.sets else ()), _column_of(scale, comparison.horizon), "")
    title = f"Profit bridge: where the difference to {comparison.reference} comes from"
    return Table(groups, columns, title, legend) if groups else Table(())


def _column_of(scale: Scale, horizon: Horizon) -> str:
    """Head a column of money by the code of its currency, ``thousands of EUR``, or where there is none as money."""
    return scale.unit if names_currency(horizon.unit) and horizon.unit != UNNAMED else "money"


def _bridge(comparison: "Told", worth: "Worth", scale: Scale) -> Group:
    told = {row.term: row for row in comparison.bridge if row.scenario == worth.scenario}

    def line(label: str, term: str, mark: Mark = "", note: str = "") -> Row:
        row = told[term]
        sets = (POINTS.between(row.sets_low, row.sets_high, "+"),) if comparison.sets else ()
        cells = (POINTS.shown(row.points, "+"), POINTS.margin(row.points_low, row.points_high), *sets,
                 scale.shown(row.difference, "+"), "")  # fmt: skip
        return Row((f"  {label}", *cells), mark, note)

    rows = [line(term.label, term.name) for term in TERMS]
    below = [term.name for term in TERMS].index("elevations") + 1
    rows.insert(below, line("  of which at launch", AT_LAUNCH, "aside"))
    rows.append(
        line("Total profit", TOTAL, MARK_OF.get(worth.verdict, ""), worth_sentence(worth, comparison.horizon.calendar))
    )
    return Group(worth.scenario, tuple(rows))


def worth_sentence(worth: "Worth", calendar: Sequence[str] = ()) -> str:
    """Say what a program returns, at which prices it breaks even, and when it has paid back.

    ``calendar`` has the names of years from the launch on, if they have any.
    """
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
    return "; ".join((*said, *_payback(worth.payback, calendar)))


def _payback(payback: "Ratio", calendar: Sequence[str]) -> Sequence[str]:
    """Say by the end of which year a program has paid back, and between which years luck leaves that open."""
    if math.isnan(payback.value):
        return ()
    if payback.value == payback.high == 1.0:
        return ("ahead from the first year",)
    year, earliest, latest = (
        year_from_launch(number, calendar) for number in (payback.value, payback.low, payback.high)
    )
    same = payback.low == payback.value == payback.high or math.isnan(payback.low)
    word = "" if calendar and not year.startswith("to ") else "year "
    between = "" if same else f" ({earliest} to {latest.removeprefix('to ')})"
    return (f"paid back in {word}{year}{between}",)


def _with_interval(ratio: "Ratio", scale: Scale, sign: str = "") -> str:
    interval = "" if math.isnan(ratio.low) else f" ({scale.between(ratio.low, ratio.high, sign)})"
    return f"{scale.shown(ratio.value, sign)}{interval}"


def draw_bridge(panel: "Axes", comparison: "Told") -> None:
    """Draw a bar for every scenario: what it earns more to the right, what it spends more to the left, and the sum."""
    rows = {(row.scenario, row.term): row for row in comparison.bridge}
    scale = scale_of(TOTAL_PROFIT, (row.difference for row in comparison.bridge), comparison.horizon.unit)
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
        said = f"{scale.shown(total.difference, '+')} ({POINTS.shown(total.points, '+')} points)"
        said += f", {worth.verdict}" if worth.verdict else ""
        panel.text(0.99, place, said, ha="right", va="center", fontsize=FONT - 2, transform=panel.get_yaxis_transform())
    low, high = panel.get_xlim()
    panel.set_xlim(low, high + 0.5 * (high - low))  # room for what is said of the sum
    panel.axvline(0, color=INK, linewidth=1.5)
    dress_small(panel, f"Profit bridge: where the difference comes from, {comparison.horizon.in_words()}", most=8)
    panel.set_xlabel(
        f"{in_money(scale.unit, comparison.horizon.unit)}; black line: the sum at the best fit; points: of sales",
        fontsize=FONT - 2,
        color=INK,
    )
    panel.set_yticks(range(len(names)), [short_name(name, 30) for name in names])
    panel.set_ylim(len(names) - 0.4, -0.6)


def key_of_terms() -> list["Patch"]:
    """Say in the legend of a figure what the parts of a bar are."""
    return [patch(term.label, color) for term, color in zip(TERMS, COLORS, strict=False)]
