"""Claims and levers taken apart: tables, sentences in plain words, and the folder that keeps them with the charts."""

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from kamsim.evidence.readings import reading_of
from kamsim.experiments.files import json_text
from kamsim.report.explain_levers import levers_figure, levers_sentences, levers_tables
from kamsim.report.plot import BLUE, GRAY, INK, LARGE, canvas, dress_large, log_ticks, patch, png
from kamsim.report.survey import growth_label, readings_table
from kamsim.report.table import NOTHING, Group, Row, Scale, Table, percent
from kamsim.studies.explain import CONTENT, Explanation
from kamsim.studies.explain_levers import QUESTION
from kamsim.studies.explain_parts import ClaimExplained, Part

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

TITLES = {
    "large_spend": "{growth}: accounts elevated for large spend, compared with those elevated by enterprise criteria",
    "collaboration": "Spend of key accounts where KAMs report high collaboration, compared with the other key accounts",
    "rebuilds": "Suppliers that rebuild their program twice or more in the years observed",
    "quota": "Years in which suppliers miss the quota on key accounts",
}
_SCALES = {
    "times": Scale(1.0, 2, ""),
    "share": Scale(100.0, 1, " %"),
    "points": Scale(100.0, 1, " points"),
    "change": Scale(100.0, 1, " %"),
    "of_sales": Scale(100.0, 2, " points"),
    "money": Scale(1.0, 2, ""),
}
_SIGNED = ("points", "change", "of_sales", "money")
_BESIDES = {"large_spend": "besides, in the three years after, against the same accounts without a program"}
_LEGEND = (
    "x: factors, which multiply to the figure; points: percentage points, which add up to it",
    "effect: what the program or its people do to these accounts; every other kind only looks like an effect",
    "selection, comparison, confounding: which accounts are elevated, with which they are compared, at which suppliers",
    "expectation: what the quota asks for; noise: luck and errors; rest: what is left without any of the other parts",
    "removing only: what changes if only this were removed, all else left as it is",
)


def explanation_files(explanation: Explanation) -> dict[str, bytes]:
    """Contents by name of what keeps an explanation: its content as JSON, and a chart of each claim and of levers."""
    text = json_text(content_of(explanation))
    charts = {f"{one.claim}.png": explanation_figure(one, explanation.organizations) for one in explanation.claims}
    if explanation.levers is not None:
        charts[f"{QUESTION}.png"] = levers_figure(explanation.levers)
    return {CONTENT: text.encode(), **charts}


def content_of(explanation: Explanation) -> dict[str, object]:
    """Explanation as plain values, each claim and the levers with their sentences."""
    claims = [{**claim.to_dict(), "sentences": sentences_of(claim)} for claim in explanation.claims]
    levers = explanation.levers and {**explanation.levers.to_dict(), "sentences": levers_sentences(explanation.levers)}
    return {**explanation.to_dict(), "claims": claims, "levers": levers}


# ---------------------------------------------------------------- table


def explanation_tables(explanation: Explanation) -> list[Table | str]:
    """A table and its sentences for each claim, then what the words mean; then the levers."""
    shown: list[Table | str] = []
    for claim in explanation.claims:
        shown.append(claim_table(claim))
        if claim.readings:
            shown.append(readings_table(claim.readings, claim.reading, claim.published, "95 % interval"))
        shown.append("\n".join(sentences_of(claim)))
    if explanation.claims:
        shown.append(Table((), legend=_LEGEND))
    return shown if explanation.levers is None else [*shown, *levers_tables(explanation.levers)]


def claim_table(claim: ClaimExplained) -> Table:
    """Table of a claim: its figure, the parts that make it, and what else the twins tell.

    Effects are marked as good, for they are what a program does.
    """
    published = Row(("  published", shown(claim.published, claim.figure.unit), "", ""), "aside")
    groups = [Group("", (published, _part_row(claim.figure, 2)))]
    besides = f"  {_BESIDES.get(claim.claim, 'besides')}"
    for heading, parts in (("  made of", claim.parts), (besides, claim.besides)):
        if parts:
            groups.append(Group(heading, tuple(_part_row(part, 4) for part in parts)))
    return Table(tuple(groups), ("", "", "95 % interval", "kind"), title_of(claim), dense=True)


def title_of(claim: ClaimExplained) -> str:
    """Say what a claim is about, in the reading in which it is told."""
    return TITLES[claim.claim].format(growth=growth_label(reading_of(claim.reading)) if claim.reading else "")


def _part_row(part: Part, indent: int) -> Row:
    kind = "" if part.kind == "figure" else part.kind
    cells = (f"{'':<{indent}}{part.label}", shown(part.value, part.unit), interval(part), kind)
    return Row(cells, "good" if kind == "effect" else "")


def shown(value: float, unit: str) -> str:
    """Show a figure in its unit, differences with their sign: ``x 0.81``, ``58.1 %``, ``+3.2 %``."""
    if math.isnan(value):
        return NOTHING
    scale = _SCALES[unit]
    return f"{'x ' if unit == 'times' else ''}{scale.shown(value, '+' if unit in _SIGNED else '')}{scale.unit}"


def interval(part: Part) -> str:
    """Show the interval of a part, without its unit."""
    return _SCALES[part.unit].between(part.low, part.high, "+" if part.unit in _SIGNED else "")


# ---------------------------------------------------------------- sentences


def sentences_of(claim: ClaimExplained) -> list[str]:
    """Say in plain words what a survey shows, and what of it is an effect; or why something cannot be told."""
    return [claim.untold] if claim.untold else _SENTENCES[claim.claim](claim)


def _large_spend(claim: ClaimExplained) -> list[str]:
    figure, effect, reading = claim.figure, claim.effect, reading_of(claim.reading)
    part = {part.name: part for part in (*claim.parts, *claim.besides)}
    chosen, compared = _product(claim, ["selection"]), _product(claim, ["comparison", "confounding"])
    by_more = f" by more than {100 * reading.threshold:.0f} %" if reading.threshold else ""
    odds = reading.statistic == "odds"
    return [
        f"Accounts elevated for large spend {_likelier(figure.value, odds)} to increase spend{by_more} than those "
        f"elevated by enterprise criteria ({_between(figure)}; published: {shown(claim.published, 'times')}).",
        f"The same accounts {_likelier(effect.value, odds)} to do so than if nobody were elevated ({_between(effect)}"
        f"{_unsure(effect)}), all else as it is: service {shown(part['service'].value, 'times')}, service commitments "
        f"{shown(part['promises'].value, 'times')}, price concessions {shown(part['concessions'].value, 'times')}. The "
        f"rest comes from which accounts are chosen ({shown(chosen, 'times')}) and what they are compared with "
        f"({shown(compared, 'times')}).",
        f"In the three years after, elevation changes the volume of accounts elevated for large spend by "
        f"{_with_interval(part['volume'])}, their sales after concessions by {_with_interval(part['sales'])}; of those "
        f"elevated by enterprise criteria by {_with_interval(part['volume_enterprise'])} and "
        f"{_with_interval(part['sales_enterprise'])}.",
    ]


def _collaboration(claim: ClaimExplained) -> list[str]:
    figure, effect = claim.figure, claim.effect
    part = {part.name: part for part in (*claim.parts, *claim.besides)}
    return [
        f"Key accounts of KAMs who report high collaboration spend {_times(figure)} what other key accounts spend "
        f"(published: {claim.published:.3g} times).",
        f"If collaboration had no effect on spend, they would still spend {_times(part['without_effect'])} as much. "
        "If every key account always got the collaboration of those who report high, it would spend "
        f"{_times(part['set_by_hand'])} what it would spend with the collaboration of the others.",
        f"The figure is made of: the effect of collaboration, {_with_interval(effect)}{_unsure(effect)}; large "
        f"accounts going to KAMs with the best internal network, {_with_interval(part['sorting'])}; and functions "
        f"serving large accounts first, {_with_interval(part['preference'])}. That is {_part_of_log(effect, figure)} "
        f"effect, {_part_of_log(part['sorting'], figure)} sorting and {_part_of_log(part['preference'], figure)} "
        "priority (in logarithms; what several do only together is shared out).",
    ]


def _rebuilds(claim: ClaimExplained) -> list[str]:
    part, besides = ({part.name: part for part in parts} for parts in (claim.parts, claim.besides))
    before, after, stayed = (besides[f"attained_{when}"] for when in ("before", "after", "had_it_stayed"))
    return [
        f"{_with_interval(claim.figure)} of suppliers rebuild twice or more (published: "
        f"{shown(claim.published, 'share')}). The year before a first rebuild reaches {shown(before.value, 'share')} "
        f"of the quota, the year after it {shown(after.value, 'share')}.",
        f"Without the rebuild the year after would have reached {shown(stayed.value, 'share')}. In three years one "
        f"rebuild changes sales by {_with_interval(claim.effect)}{_unsure(claim.effect)}, and profit by "
        f"{_with_interval(besides['profit_later'])} of sales at list price, its own cost included: "
        f"{_of_money(besides['money'])} {shown(besides['money'].value, 'money')}.",
        f"If luck in orders were left out of sales when they are compared with the quota, "
        f"{shown(besides['rebuilds_by_luck'].value, 'share')} of the programs that rebuild would not have done so by "
        f"then, and {shown(part['rest'].value, 'share')} of all would rebuild twice or more.",
    ]


def _quota(claim: ClaimExplained) -> list[str]:
    part = {part.name: part for part in claim.parts}
    expected = sum(part.value for part in claim.parts if part.kind == "expectation")
    return [
        f"{_with_interval(claim.figure)} of years miss the quota (published: {shown(claim.published, 'share')}). "
        f"{shown(part['rest'].value, 'share')} would do so without any of the causes in the table, mostly through ups "
        "and downs of orders and category spend in the year itself.",
        f"Expectations (growth over the market, unmet quotas carried over) add {_points(expected)}, quotas built on "
        f"lucky years {_points(part['luck'].value)}, industry shocks {_points(part['industry'].value)}. Price "
        f"concessions given after quotas were set add {_points(part['concessions'].value)}, KAMs who leave "
        f"{_points(part['turnover'].value)}, and customers who leave for good {_points(part['leaving'].value)}: "
        f"together {_points(claim.effect.value)} ({interval(claim.effect)}{_unsure(claim.effect)}).",
    ]


_SENTENCES: dict[str, Callable[[ClaimExplained], list[str]]] = {
    "large_spend": _large_spend,
    "collaboration": _collaboration,
    "rebuilds": _rebuilds,
    "quota": _quota,
}


def _product(claim: ClaimExplained, kinds: Iterable[str]) -> float:
    return math.prod(part.value for part in claim.parts if part.kind in kinds)


def _likelier(factor: float, odds: bool) -> str:
    change = round(100.0 * (factor - 1.0))
    if odds:
        return (
            "have the same odds" if not change else f"have {abs(change)} % {'better' if change > 0 else 'worse'} odds"
        )
    if not change:
        return "are neither more nor less likely"
    return f"are {abs(change)} % {'more' if change > 0 else 'less'} likely"


def _between(part: Part) -> str:
    between = "" if math.isnan(part.low) else f", {interval(part)}"
    return f"{shown(part.value, part.unit)}{between}"


def _with_interval(part: Part) -> str:
    between = "" if math.isnan(part.low) else f" ({interval(part)})"
    return f"{shown(part.value, part.unit)}{between}"


def _times(part: Part) -> str:
    between = "" if math.isnan(part.low) else f" ({interval(part)})"
    return f"{_SCALES['times'].shown(part.value)} times{between}"


def _part_of_log(part: Part, figure: Part) -> str:
    return percent(math.log(part.value) / math.log(figure.value)) if figure.value not in (0.0, 1.0) else NOTHING


def _unsure(effect: Part) -> str:
    neutral = 1.0 if effect.unit == "times" else 0.0
    return ", perhaps none" if effect.low <= neutral <= effect.high else ""


def _points(value: float) -> str:
    return f"{Scale(100.0, 1, '').shown(value, '+')} points"


# ---------------------------------------------------------------- figure

# Hatches as well as colors, by kind; every other kind only looks like an effect.
BARS = {"effect": (BLUE, ""), "rest": ("#BBBBBB", ""), "figure": (INK, "")}
LOOKS_LIKE_ONE = ("#E69F00", "//")


def _of_money(part: Part) -> str:
    """What the label of a part in money says at its end: ``in EUR``."""
    return f"in {part.label.rpartition(' in ')[2]}"


UNITS = {
    "times": "factor",
    "share": "%",
    "points": "percentage points",
    "change": "% against the counterfactual",
    "of_sales": "points of sales at list price",
    "money": "money",
}


def explanation_figure(claim: ClaimExplained, organizations: int) -> bytes:
    """Draw a claim, as a PNG, as a waterfall of its parts, and below it what else its twins tell."""
    units = list(dict.fromkeys(part.unit for part in claim.besides))
    groups = [[part for part in claim.besides if part.unit == unit] for unit in units]
    heights = [len(claim.parts) + 2.0, *(len(group) + 1.0 for group in groups)]
    figure = canvas(2.6 + 1.1 * sum(heights), pad=0.15)
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights).flatten()
    _draw_waterfall(panels[0], claim)
    for panel, group in zip(panels[1:], groups, strict=True):
        _draw_besides(panel, group)
    figure.suptitle(textwrap.fill(title_of(claim), 46), fontsize=LARGE + 5, fontweight="bold", x=0.02, ha="left")
    figure.legend(
        handles=_kinds({part.kind for part in (*claim.parts, *claim.besides)}),
        loc="outside lower center",
        frameon=False,
        fontsize=LARGE - 3,
        title=f"{organizations:,} simulated suppliers; lines: 95 % intervals",
        title_fontsize=LARGE - 3,
    )
    return png(figure)


def _draw_waterfall(panel: "Axes", claim: ClaimExplained) -> None:
    """Draw each part from where the one before it ends, and the figure that they make from the start again."""
    times = claim.figure.unit == "times"
    neutral = 1.0 if times else 0.0
    start, reached = neutral, [neutral, claim.published]
    for place, part in enumerate([*claim.parts, claim.figure]):
        if math.isnan(part.value):
            _say_untold(panel, place)
            continue
        if part is claim.figure:
            start = neutral
        ends = [start * value if times else start + value for value in (part.low, part.value, part.high)]
        _draw_bar(panel, place, part, start, ends)
        start = ends[1]
        reached += [end for end in ends if not math.isnan(end)]
    if times:
        panel.set_xscale("log")
        log_ticks(panel.xaxis)
        panel.set_xlim(min(reached) / 1.12, max(reached) * 1.12)
    else:
        panel.set_xlim(min(reached) - 0.02, max(reached) * 1.12)
    panel.axvline(neutral, color=INK, linewidth=1.5)
    panel.axvline(claim.published, color=INK, linewidth=2.5, linestyle=":")
    panel.annotate(
        f"published {shown(claim.published, claim.figure.unit)}", (claim.published, 1.0),
        xycoords=("data", "axes fraction"), xytext=(0, 8), textcoords="offset points", ha="center", fontsize=LARGE - 3,
    )  # fmt: skip
    _dress(panel, [*claim.parts, claim.figure])


def _draw_bar(panel: "Axes", place: int, part: Part, start: float, ends: list[float]) -> None:
    low, end, high = ends
    is_figure = part.kind == "figure"
    color, hatch = BARS.get(part.kind, LOOKS_LIKE_ONE)
    panel.barh(place, end - start, left=start, height=0.56, color=color, hatch=hatch, edgecolor="white")
    # One organization has no interval, and a line of NaN draws nothing.
    panel.plot([low, high], [place, place], color=GRAY if is_figure else INK, linewidth=5)
    if not is_figure:
        panel.plot([end, end], [place, place + 0.72], color=GRAY, linewidth=1.5)


def _draw_besides(panel: "Axes", parts: list[Part]) -> None:
    for place, part in enumerate(parts):
        if math.isnan(part.value):
            _say_untold(panel, place)
            continue
        color = BLUE if part.kind == "effect" else INK
        panel.plot([part.low, part.high], [place, place], color=color, linewidth=5)
        panel.plot([part.value], [place], "o", color=color, markersize=15)
    if parts[0].unit != "share":
        panel.axvline(1.0 if parts[0].unit == "times" else 0.0, color=INK, linewidth=1.5)
    panel.margins(x=0.1)
    _dress(panel, parts, "; if only this were removed" if parts[0].label.startswith("removing only") else "")


def _dress(panel: "Axes", parts: Sequence[Part], what: str = "") -> None:
    """Name each part on the left and say its value on the right."""
    unit = parts[-1].unit
    scale = _SCALES[unit].factor
    panel.xaxis.set_major_formatter(lambda value, _: f"{scale * value:,.10g}")
    labels = [textwrap.fill(part.label, 25) for part in parts]
    named = _of_money(parts[-1]).removeprefix("in ") if unit == "money" else UNITS[unit]
    dress_large(panel, labels, [shown(part.value, part.unit) for part in parts], named + what)


def _say_untold(panel: "Axes", place: int) -> None:
    panel.text(0.5, place, "cannot be told", ha="center", va="center", fontsize=LARGE - 3, color=GRAY,
               transform=panel.get_yaxis_transform())  # fmt: skip


def _kinds(there: set[str]) -> list["Patch"]:
    shown_as = {
        "effect on what these accounts spend": ({"effect"}, BARS["effect"]),
        "selection, comparison, expectation or luck": (there - set(BARS), LOOKS_LIKE_ONE),
        "what is left": ({"rest"}, BARS["rest"]),
    }
    return [
        patch(label, color, hatch, edge="white") for label, (kinds, (color, hatch)) in shown_as.items() if kinds & there
    ]
