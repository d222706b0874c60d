"""What each choice adds to total profit, and from which terms: tables, sentences in plain words, and a figure."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kamsim.measures.profit import TERMS
from kamsim.report.plot import BLUE, COLORS, FONT, INK, ORANGE, canvas, dress_small, patch, png, short_name
from kamsim.report.table import TOTAL_PROFIT, Group, Mark, Row, Scale, Table, in_money, lower, scale_of
from kamsim.scenario import LEVERS
from kamsim.studies.bridge import TOTAL
from kamsim.studies.explain_levers import (
    KEPT,
    LEVERS_OFF,
    MOST_CHOICES,
    PROGRAM,
    SHARE,
    TIER_TERMS,
    Amount,
    LeversExplained,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = Scale(1.0, 2, "")
LEAST_TOLD = 0.1  # of the largest term of a lever, that a sentence still names
_SURE = 2.0  # standard errors
_COLUMNS = {
    SHARE: "share",
    KEPT: "kept",
    "concessions": "prices",
    "cost_to_serve": "serving",
    "service": "service",
    "elevations": "elevate",
    "handovers": "handed",
    TOTAL: "total",
}
# Above and below zero.
_WORDS = {
    "volume": ("more volume at gross margin", "less volume at gross margin"),
    "concessions": ("fewer price concessions", "more price concessions"),
    "cost_to_serve": ("lower cost to serve", "higher cost to serve"),
    "service": ("less program service", "more program service"),
    "elevations": ("lower cost of elevations", "higher cost of elevations"),
    "handovers": ("lower cost of handovers", "higher cost of handovers"),
}
# Label in tables, short label, and what the lever changes.
_NAMES = {
    LEVERS_OFF: ("none of these choices", "none", ""),
    "selection": ("enterprise criteria", "enterprise", "by which accounts are elevated for growth potential"),
    "alignment": (
        "cross-functional team",
        "team",
        "by which functions commit more resources and help to estimate accounts",
    ),
    "boundaries": (
        "bilateral boundaries",
        "bilateral",
        "by which partnership level and KAM time follow what a customer makes use of",
    ),
    "retiering": ("performance re-tiering", "re-tiering", "by which unhealthy accounts step down and healthy ones up"),
    "tiers": ("other tiers", "tiers", "with another number of key accounts, at other service and prices"),
    "rebuild": ("its way to rebuild", "rebuild", "by which it rebuilds at other times, or otherwise"),
    "quota": ("its quota rule", "quotas", "by which quotas build on other sales, or ask for other growth"),
    "budget": ("its budget", "budget", "by which KAM time and support are paid, used or not"),
    "criteria": ("its selection matrix", "matrix", "by which accounts are chosen for several criteria at once"),
    "down_tiering": ("managed down-tiering", "down-tiering", "by which accounts leave with notice or with care"),
    "give_get": (
        "give-get pricing",
        "give-get",
        "by which accounts get a rebate on what they buy beyond the year before",
    ),
    "account_team": ("account team", "contacts", "by which several people share the bond with a customer"),
    "sponsor": ("executive sponsor", "sponsor", "by which less trust is lost"),
    "capacity_check": ("capacity check", "capacity", "by which places stay empty that nobody could serve"),
    "incubator": ("incubator", "incubator", "by which new key accounts are tried before they are admitted"),
    "others": ("its other choices", "others", "together, for they are too many to tell apart"),
    "concessions": ("price concessions", "", ""),
    "promises": ("service commitments", "", ""),
}
_BY_SPEND = ("re-tiering by spend", "re-tiering", "by which accounts are ranked anew each year")


def levers_tables(levers: LeversExplained) -> list[Table | str]:
    """Tables of what each choice adds, of the terms it comes from, and of pairs; then the sentences."""
    if levers.untold:
        return [levers.untold]
    pairs = [_pairs_table(levers)] if _pairs(levers) else []
    return [_totals_table(levers), _terms_table(levers), *pairs, "\n".join(levers_sentences(levers))]


def levers_title(levers: LeversExplained) -> str:
    """Say what is taken apart, against what, and of which years."""
    return (
        f"What each choice adds to total profit: {levers.program} against {levers.reference}, "
        f"{levers.horizon.in_words()}"
    )


def _totals_table(levers: LeversExplained) -> Table:
    scale = scale_of(TOTAL_PROFIT, (amount.money for amount in (*levers.figure, *levers.parts)), levers.horizon.unit)
    alone, last = ({amount.of: amount for amount in amounts} for amounts in (levers.alone, levers.last))
    ends = {name: (_points(alone[name].points), _points(last[name].points)) for name in alone}

    def row(amount: Amount, label: str) -> Row:
        figures = (_points(amount.points), _interval(amount), scale.shown(amount.money, "+"))
        return Row((label, *figures, *ends.get(amount.of, ("", "")), ""), _mark(amount))

    (figure,) = _totals(levers.figure)
    tiers = (Row((f"    {_label(levers, name)}", "", "", "", *ends[name], "")) for name in TIER_TERMS)
    groups = (
        Group("", (row(figure, f"  {levers.program}"),)),
        Group("  made of", tuple(row(part, f"    {_label(levers, part.of)}") for part in _parts(levers))),
        Group("  besides, what all tiers give", tuple(tiers)),
    )
    unit = in_money(scale.unit, levers.horizon.unit)
    legend: tuple[str, ...] = (
        f"points: percent of the sales of {levers.reference} at list price; money: in {unit}",
        "points of a choice: what it adds, on average over all orders in which choices may be added (Shapley)",
        "alone: what it adds where no other choice is made; last: where all others are",
    )
    if levers.together:
        names = ", ".join(_named(levers, name)[0] for name in levers.together)
        legend += (f"its other choices: {names}; where there are at most {MOST_CHOICES} choices each is told apart",)
    columns = ("", "points", "95 % interval", "money", "alone", "last", "")
    return Table(groups, columns, levers_title(levers), legend, dense=True)


def _terms_table(levers: LeversExplained) -> Table:
    rows = []
    for label, amounts in _terms(levers, short=True):
        ordered = [amounts[term] for term in _COLUMNS]
        rows.append(Row((f"  {label}", *(_points(amount.points) for amount in ordered), "")))
        if levers.worlds > 1:
            rows.append(Row(("", *(f"±{POINTS.shown(amount.error)}" for amount in ordered), ""), "aside"))
    legend = [
        "share, kept: volume at gross margin; share: of customers that are there with the program and without; kept: "
        "of those that stay because of it, less those that leave because of it",
        "; ".join(f"{_COLUMNS[term.name]}: {lower(term.label)}" for term in TERMS if term.name in _COLUMNS),
        "above zero: the program earns more or spends less",
    ]
    if levers.worlds > 1:
        legend.append(f"±: standard error over {levers.worlds:,} market scenarios, at the best fit of parameters")
    return Table(
        (Group("", tuple(rows)),), ("", *_COLUMNS.values(), ""), "Where it comes from, in points", tuple(legend)
    )


def _pairs_table(levers: LeversExplained) -> Table:
    rows = (
        Row((f"  {_pair(levers, pair.of)}", _points(pair.points), _interval(pair), ""), _mark(pair))
        for pair in _pairs(levers)
    )
    title = "What two choices add together beyond what they add apart, in points"
    return Table((Group("", tuple(rows)),), ("", "points", "95 % interval", ""), title)


def _totals(amounts: Sequence[Amount]) -> list[Amount]:
    return [amount for amount in amounts if amount.term == TOTAL]


def _parts(levers: LeversExplained) -> list[Amount]:
    """Totals of the program with no choice made, and of the choices that it makes."""
    return _totals(levers.parts)


def _pairs(levers: LeversExplained) -> list[Amount]:
    """Pairs of choices."""
    return list(levers.pairs)


def _terms(levers: LeversExplained, *, short: bool = False) -> list[tuple[str, dict[str, Amount]]]:
    """Label and amounts by term of all parts, the program itself last."""
    rows = [(_label(levers, part.of, short=short), part.of) for part in _parts(levers)]
    rows.append(("together" if short else levers.program, PROGRAM))
    amounts = (*levers.parts, *levers.figure, *levers.volume)
    return [(label, {amount.term: amount for amount in amounts if amount.of == of}) for label, of in rows]


def _label(levers: LeversExplained, name: str, *, short: bool = False) -> str:
    return _named(levers, name)[1 if short else 0]


def _named(levers: LeversExplained, name: str) -> tuple[str, str, str]:
    return _BY_SPEND if name == "retiering" and levers.retiers_by_spend else _NAMES[name]


def _pair(levers: LeversExplained, of: str) -> str:
    return " and ".join(_label(levers, name) for name in of.split(" x "))


def _points(value: float) -> str:
    return POINTS.shown(value, "+")


def _interval(amount: Amount) -> str:
    return POINTS.between(amount.low, amount.high, "+")


def _mark(amount: Amount) -> Mark:
    return "good" if amount.low > 0.0 else "bad" if amount.high < 0.0 else ""


# ---------------------------------------------------------------- sentences


def levers_sentences(levers: LeversExplained) -> list[str]:
    """Say in plain words what a program earns, and why each of its choices gains or loses; or why nothing is told."""
    if levers.untold:
        return [levers.untold]
    (figure,) = _totals(levers.figure)
    off, *parts = _parts(levers)
    alone, last = ({amount.of: amount.points for amount in amounts} for amounts in (levers.alone, levers.last))
    return [
        f"Against {levers.reference}, {levers.program} gains {_with_interval(figure)} points of sales; with "
        f"{_no_choice(levers)} it would gain {_with_interval(off)}.",
        *(_why(levers, part) for part in sorted(parts, key=lambda part: -part.points)),
        *_pairs_told(levers),
        f"The price concessions of tiers change profit by {_points(alone['concessions'])} points with "
        f"{_no_choice(levers)} and by {_points(last['concessions'])} with all; their service commitments by "
        f"{_points(alone['promises'])} and {_points(last['promises'])}.",
    ]


def _no_choice(levers: LeversExplained) -> str:
    return "no lever pulled" if set(levers.choices) <= set(LEVERS) else "none of its choices made"


def _why(levers: LeversExplained, total: Amount) -> str:
    """From which terms a lever's part comes, the largest first."""
    label, _, changes = _named(levers, total.of)
    said = f"{label[0].upper()}{label[1:]}, {changes}: {_with_interval(total)}"
    terms = [part for part in levers.parts if part.of == total.of and part.term != TOTAL]
    largest = max(abs(part.points) for part in terms)
    sure = [part for part in terms if abs(part.points) > _SURE * part.error and abs(part.points) > LEAST_TOLD * largest]
    told = [_term_told(levers, part) for part in sorted(sure, key=lambda part: -abs(part.points))]
    return f"{said}{', of which ' if told else ''}{', '.join(told)}."


def _term_told(levers: LeversExplained, part: Amount) -> str:
    """Say a term: ``+0.77 by less program service``."""
    said = f"{_points(part.points)} by {_WORDS[part.term][0 if part.points > 0.0 else 1]}"
    kept = [amount for amount in levers.volume if (amount.of, amount.term) == (part.of, KEPT)]
    return f"{said} ({_points(kept[0].points)} of it from customers kept)" if part.term == "volume" else said


def _pairs_told(levers: LeversExplained) -> list[str]:
    """The pair that surely adds most beyond its parts, and the one that surely adds least."""
    sure = sorted((pair for pair in _pairs(levers) if _mark(pair)), key=lambda pair: pair.points)
    said = []
    if sure and sure[-1].points > 0.0:
        said.append(f"{_pair(levers, sure[-1].of)} help each other most ({_points(sure[-1].points)})")
    if sure and sure[0].points < 0.0:
        said.append(f"{_pair(levers, sure[0].of)} are most in each other's way ({_points(sure[0].points)})")
    text = "; ".join(said)
    return [f"Of pairs, {text}."] if said else []


def _with_interval(amount: Amount) -> str:
    between = "" if math.isnan(amount.low) else f" ({_interval(amount)})"
    return f"{_points(amount.points)}{between}"


# ---------------------------------------------------------------- figure


def levers_figure(levers: LeversExplained) -> bytes:
    """Draw a bar for each choice, as a PNG: what gains to the right, what costs to the left, and their sum."""
    figure = canvas(9.5)
    panel = figure.subplots()
    if levers.untold:
        panel.axis("off")
        panel.text(0.5, 0.5, levers.untold, ha="center", fontsize=FONT)
        return png(figure)
    bars = _terms(levers)
    for place, (_, amounts) in enumerate(bars):
        _draw_bar(panel, place, amounts)
    low, high = panel.get_xlim()
    panel.set_xlim(low, high + 0.16 * (high - low))  # room for the sums
    panel.axvline(0, color=INK, linewidth=1.5)
    panel.axhline(len(bars) - 1.5, color=INK, linewidth=1)
    dress_small(panel, "", most=9)
    panel.set_yticks(range(len(bars)), [short_name(label, 24) for label, _ in bars], fontsize=FONT)
    panel.set_ylim(len(bars) - 0.4, -0.6)
    figure.suptitle(textwrap.fill(levers_title(levers), 70), fontsize=FONT + 5, fontweight="bold", x=0.02, ha="left")
    panel.set_xlabel(f"points: % of the sales of {levers.reference} at list price", fontsize=FONT - 1)
    figure.legend(
        handles=[patch(term.label, color) for term, color in zip(TERMS, COLORS, strict=False)],
        loc="outside lower center", ncols=3, frameon=False, fontsize=FONT,
        title=f"{levers.worlds:,} market scenarios; black line: the sum, with its 95 % interval; bar of a choice: what "
        "it adds, on average over all orders (Shapley)", title_fontsize=FONT - 2,
    )  # fmt: skip
    return png(figure)


def _draw_bar(panel: "Axes", place: int, amounts: Mapping[str, Amount]) -> None:
    total = amounts[TOTAL]
    ends = {True: 0.0, False: 0.0}  # of what is stacked above and below zero
    for term, color in zip(TERMS, COLORS, strict=False):
        points = amounts[term.name].points
        panel.barh(place, points, left=ends[points > 0], height=0.62, color=color)
        ends[points > 0] += points
    # A single world has no interval, and a line of NaN draws nothing.
    panel.plot([total.low, total.high], [place + 0.41, place + 0.41], color=INK, linewidth=3)
    panel.plot([total.points], [place], "|", color=INK, markersize=40, markeredgewidth=5)
    color = {"good": BLUE, "bad": ORANGE}.get(_mark(total), INK)
    panel.text(0.99, place, _points(total.points), ha="right", va="center", fontsize=FONT + 1, fontweight="bold",
               color=color, transform=panel.get_yaxis_transform())  # fmt: skip
