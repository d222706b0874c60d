"""Figures as PNG bytes: large enough for a projector, safe for color-blind readers, the same bytes every time."""

import io
import math
import textwrap
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.report.explain import TITLES, shown
from kamsim.report.sensitivity import asked, direction_of, percent, short_meaning
from kamsim.report.tables import TOTAL_PROFIT, Scale, rows_of, scale_of, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kamsim.analysis.compare import Comparison
    from kamsim.analysis.explain import ClaimExplained, Part
    from kamsim.analysis.sensitivity import Influence, Sensitivity
    from kamsim.analysis.uncertainty import UncertainComparison
    from kamsim.report.run import Run

DPI = 120
FONT = 16
# Okabe and Ito's palette, which color-blind readers tell apart; each verdict has a marker of its own as well.
BLUE, ORANGE, GRAY, INK = "#0072B2", "#D55E00", "#7F7F7F", "#222222"
MARKS = {"better": (BLUE, "o", BLUE), "worse": (ORANGE, "s", ORANGE), "": (GRAY, "D", "white")}
COLUMNS = 3


def comparison_figure(comparison: "Comparison") -> bytes:
    """Draw a comparison: a panel per measure, in it the difference of each scenario to the reference.

    Parameters
    ----------
    comparison : Comparison
        From `kamsim.analysis.compare.compare`.

    Returns
    -------
    bytes
        A PNG, 1,920 pixels wide, higher the more scenarios there are.
    """
    names = [name for name in comparison.scenarios if name != comparison.reference]
    rows = math.ceil(len(MEASURES) / COLUMNS)
    figure = Figure(
        figsize=(16, 2.6 + rows * (1.9 + 0.36 * max(len(names), 2))),
        dpi=DPI,
        layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12),
    )
    panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False).flatten()
    for measure, panel in zip(MEASURES, panels, strict=False):
        _draw_measure(panel, comparison, measure, names)
    figure.suptitle(
        f"Difference to {_short(comparison.reference, 60)} in the same {comparison.replications:,} worlds",
        fontsize=FONT + 5,
    )
    figure.legend(handles=_legend(), loc="outside lower center", ncols=3, frameon=False, fontsize=FONT)
    return _png(figure)


def _draw_measure(panel: "Axes", comparison: "Comparison", measure: Measure, names: list[str]) -> None:
    rows = {row.scenario: row for row in rows_of(comparison, measure.name)}
    scale = scale_of(measure, (row.mean for row in rows.values()))
    panel.axvline(0, color=INK, linewidth=1.5)
    for place, name in enumerate(names):
        row = rows.get(name)
        if row is None or math.isnan(row.difference):
            panel.text(0.5, place, "no key accounts", ha="center", va="center", fontsize=FONT - 3, color=GRAY,
                       transform=panel.get_yaxis_transform(),
                       bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})  # fmt: skip
            continue
        color, marker, face = MARKS[verdict(row, measure)]
        low, high, at = (value * scale.factor for value in (row.low, row.high, row.difference))
        # A single world has no interval, and a line of NaN draws nothing.
        panel.plot([low, high], [place, place], color=color, linewidth=3, solid_capstyle="butt")
        panel.plot([at], [place], marker, color=color, markerfacecolor=face, markersize=11, markeredgewidth=2.5)
    _dress(panel, measure, scale)
    panel.set_yticks(range(len(names)), [_short(name, 30) for name in names])
    panel.set_ylim(len(names) - 0.4, -0.6)


def _dress(panel: "Axes", measure: Measure, scale: Scale) -> None:
    direction = "higher is better" if measure.higher_is_better else "lower is better"
    panel.set_title("\n".join(textwrap.wrap(measure.label, 30)), fontsize=FONT + 1, fontweight="bold")
    unit = f"{scale.unit}, " if scale.unit else ""
    panel.set_xlabel(f"{unit}{direction}", fontsize=FONT - 2, color=INK)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=4))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+,.4g}" if value else "0"))
    panel.tick_params(labelsize=FONT - 2, length=0, axis="y")
    panel.tick_params(labelsize=FONT - 3, axis="x")
    panel.margins(x=0.08)
    panel.grid(axis="x", color="#DDDDDD", linewidth=1)
    panel.set_axisbelow(True)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)


def uncertainty_figure(comparison: "UncertainComparison") -> bytes:
    """Draw total profit under uncertainty: probability of being best, expected regret and difference, by scenario.

    Parameters
    ----------
    comparison : UncertainComparison
        From `kamsim.analysis.uncertainty.compare_under_uncertainty`.

    Returns
    -------
    bytes
        A PNG, 1,920 pixels wide, higher the more scenarios there are.
    """
    rows = [row for row in comparison.measures if row.measure == TOTAL_PROFIT.name]
    moved = {row.scenario: row.probability_best_moved for row in comparison.leaning}
    scale = scale_of(TOTAL_PROFIT, (row.mean for row in rows))
    figure = Figure(
        figsize=(16, 3.4 + 0.7 * max(len(rows), 2)), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
    )
    chance, regret, difference = figure.subplots(1, 3, sharey=True)
    for place, row in enumerate(rows):
        color, marker, face = MARKS.get(row.verdict, MARKS[""])
        chance.barh(place, 100 * row.probability_best, height=0.55, color=BLUE)
        if row.scenario in moved:
            at = 100 * moved[row.scenario]
            chance.plot([at], [place], "D", color=INK, markerfacecolor="white", markersize=9, clip_on=False)
        regret.barh(place, row.regret * scale.factor, height=0.55, color=GRAY)
        if row.scenario == comparison.reference:
            continue
        low, high, at = (value * scale.factor for value in (row.low, row.high, row.difference))
        difference.plot([low, high], [place, place], color=color, linewidth=3, solid_capstyle="butt")
        difference.plot([at], [place], marker, color=color, markerfacecolor=face, markersize=11, markeredgewidth=2.5)
    unit = f", {scale.unit}" if scale.unit else ""
    titles = ("Probability best, %", f"Expected regret{unit}", f"Difference{unit}, 95 % of sets")
    for panel, title in zip((chance, regret, difference), titles, strict=True):
        _dress_plainly(panel, title)
    chance.set_xlim(0, 100)
    difference.axvline(0, color=INK, linewidth=1.5)
    chance.set_yticks(range(len(rows)), [_short(row.scenario, 30) for row in rows])
    chance.set_ylim(len(rows) - 0.4, -0.6)
    labels = {"better": "better", "worse": "worse", "": "cannot be told"}
    figure.legend(handles=[*_legend(labels), _diamond()], loc="outside lower center", ncols=4, frameon=False,
                  fontsize=FONT)  # fmt: skip
    figure.suptitle(
        f"Total profit against {_short(comparison.reference, 40)} under {comparison.sets:,} parameter sets",
        fontsize=FONT + 5,
    )
    return _png(figure)


def _diamond() -> Line2D:
    return Line2D([], [], color=INK, marker="D", markerfacecolor="white", linestyle="", markersize=9,
                  label="with assumed values moved")  # fmt: skip


def _dress_plainly(panel: "Axes", title: str) -> None:
    panel.set_title(title, fontsize=FONT + 1, fontweight="bold")
    panel.xaxis.set_major_locator(MaxNLocator(nbins=5))
    panel.tick_params(labelsize=FONT - 2, length=0, axis="y")
    panel.tick_params(labelsize=FONT - 3, axis="x")
    panel.grid(axis="x", color="#DDDDDD", linewidth=1)
    panel.set_axisbelow(True)
    panel.spines[["top", "right", "left"]].set_visible(False)


def run_figure(run: "Run") -> bytes:
    """Draw a run: key account revenue against quota, and below it collaboration and trust.

    Parameters
    ----------
    run : Run
        From `kamsim.report.run.play_run`.

    Returns
    -------
    bytes
        A PNG, 1,920 pixels wide; missed quotas and rebuilds are marked.
    """
    figure = Figure(figsize=(16, 10), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_quota(upper, run)
    _draw_relationship(lower, run)
    for panel in (upper, lower):
        _shade_phases(panel, run)
        panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=FONT)
        panel.tick_params(labelsize=FONT - 2)
        panel.spines[["top", "right"]].set_visible(False)
    lower.set_xlabel("year", fontsize=FONT)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(f"{_short(run.scenario, 60)}, seed {run.seed}", fontsize=FONT + 5)
    return _png(figure)


def _draw_quota(panel: "Axes", run: "Run") -> None:
    program = [year for year in run.years if year.quota is not None and year.key_revenue is not None]
    scale = scale_of(TOTAL_PROFIT, (year.key_revenue for year in program))
    numbers = [year.year for year in program]

    def shown(values: list[float | None]) -> list[float]:
        return [math.nan if value is None else value * scale.factor for value in values]

    panel.plot(numbers, shown([year.quota for year in program]), "--", color=GRAY, linewidth=3, label="quota")
    revenue = shown([year.key_revenue for year in program])
    panel.plot(numbers, revenue, "-o", color=BLUE, linewidth=3, markersize=9, label="key account revenue")
    missed = [(at, value) for at, value, year in zip(numbers, revenue, program, strict=True) if year.missed]
    if missed:
        panel.plot(*zip(*missed, strict=True), "s", color=ORANGE, markersize=13, label="quota missed")
    for place, year in enumerate(year for year in program if year.rebuilt):
        # A rebuild takes place at the end of its year.
        panel.axvline(year.year + 0.5, color=INK, linewidth=3, linestyle=":", label="" if place else "rebuild")
    unit = f", {scale.unit}" if scale.unit else ""
    panel.set_ylabel(f"money a year{unit}", fontsize=FONT)
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
    panel.set_ylim(bottom=0)
    if not program:
        _say_nothing_is_key(panel)


def _say_nothing_is_key(panel: "Axes") -> None:
    panel.set_yticks([])
    panel.text(0.7, 0.5, "no key accounts", transform=panel.transAxes, ha="center", fontsize=FONT + 2, color=GRAY)


def _draw_relationship(panel: "Axes", run: "Run") -> None:
    numbers = [year.year for year in run.years]
    trust = [math.nan if year.trust is None else year.trust for year in run.years]
    collaboration = [math.nan if year.collaboration is None else year.collaboration for year in run.years]
    panel.plot(numbers, trust, "-o", color=BLUE, linewidth=3, markersize=9, label="trust of key accounts")
    panel.plot(numbers, collaboration, "-s", color=ORANGE, linewidth=3, markersize=9, label="collaboration received")
    panel.set_ylim(0, 1)
    panel.set_ylabel("0 to 1", fontsize=FONT)


def _shade_phases(panel: "Axes", run: "Run") -> None:
    """Shade the years that are not observed."""
    before = [year.year for year in run.years if year.phase != "window"]
    panel.set_xlim(0.5, len(run.years) + 0.6)
    if before:
        panel.axvspan(0.5, max(before) + 0.5, color="#EEEEEE", zorder=0, label="not observed")


LARGE = 26  # read on a phone too, where the figure is as wide as the screen
# Hatches as well as colors, by kind; every other kind only looks like an effect.
BARS = {"effect": (BLUE, ""), "rest": ("#BBBBBB", ""), "figure": (INK, "")}
LOOKS_LIKE_ONE = ("#E69F00", "//")
UNITS = {
    "times": "factor",
    "share": "%",
    "points": "percentage points",
    "change": "% against the twin",
}


def explanation_figure(claim: "ClaimExplained", organizations: int) -> bytes:
    """Draw a claim as a waterfall of its parts, and below it what else its twins tell.

    Parameters
    ----------
    claim : ClaimExplained
        From `kamsim.analysis.explain.explain`.
    organizations : int
        That it was told from.

    Returns
    -------
    bytes
        A PNG, 1,920 pixels wide, higher the more parts there are.
    """
    units = list(dict.fromkeys(part.unit for part in claim.besides))
    groups = [[part for part in claim.besides if part.unit == unit] for unit in units]
    heights = [len(claim.parts) + 2.0, *(len(group) + 1.0 for group in groups)]
    figure = Figure(
        figsize=(16, 2.6 + 1.1 * sum(heights)), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12)
    )
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights).flatten()
    _draw_waterfall(panels[0], claim)
    for panel, group in zip(panels[1:], groups, strict=True):
        _draw_besides(panel, group)
    figure.suptitle(textwrap.fill(TITLES[claim.claim], 46), fontsize=LARGE + 5, fontweight="bold", x=0.02, ha="left")
    figure.legend(
        handles=_kinds({part.kind for part in (*claim.parts, *claim.besides)}),
        loc="outside lower center",
        frameon=False,
        fontsize=LARGE - 3,
        title=f"{organizations:,} simulated organizations; lines: 95 % intervals",
        title_fontsize=LARGE - 3,
    )
    return _png(figure)


def _draw_waterfall(panel: "Axes", claim: "ClaimExplained") -> None:
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
        panel.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 1.5, 2, 3, 5, 7)))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_xlim(min(reached) / 1.12, max(reached) * 1.12)
    else:
        panel.set_xlim(min(reached) - 0.02, max(reached) * 1.12)
    panel.axvline(neutral, color=INK, linewidth=1.5)
    panel.axvline(claim.published, color=INK, linewidth=2.5, linestyle=":")
    panel.annotate(
        f"published {shown(claim.published, claim.figure.unit)}", (claim.published, 1.0),
        xycoords=("data", "axes fraction"), xytext=(0, 8), textcoords="offset points", ha="center", fontsize=LARGE - 3,
    )  # fmt: skip
    _dress_large(panel, [*claim.parts, claim.figure])


def _draw_bar(panel: "Axes", place: int, part: "Part", start: float, ends: list[float]) -> None:
    low, end, high = ends
    is_figure = part.kind == "figure"
    color, hatch = BARS.get(part.kind, LOOKS_LIKE_ONE)
    panel.barh(place, end - start, left=start, height=0.56, color=color, hatch=hatch, edgecolor="white")
    # One organization has no interval, and a line of NaN draws nothing.
    panel.plot([low, high], [place, place], color=GRAY if is_figure else INK, linewidth=5)
    if not is_figure:
        panel.plot([end, end], [place, place + 0.72], color=GRAY, linewidth=1.5)


def _draw_besides(panel: "Axes", parts: list["Part"]) -> None:
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
    _dress_large(panel, parts)
    if parts[0].label.startswith("removing only"):
        panel.set_xlabel(f"{UNITS[parts[0].unit]}; if only this were removed", fontsize=LARGE - 3)


def _dress_large(panel: "Axes", parts: list["Part"]) -> None:
    """Name each part on the left and say its value on the right."""
    unit = parts[-1].unit
    panel.set_yticks(range(len(parts)), [textwrap.fill(part.label, 25) for part in parts], fontsize=LARGE - 2)
    panel.set_ylim(len(parts) - 0.4, -0.6)
    values = panel.secondary_yaxis("right")
    values.set_yticks(range(len(parts)), [shown(part.value, part.unit) for part in parts], fontsize=LARGE)
    values.tick_params(length=0)
    values.spines["right"].set_visible(False)
    scale = 1.0 if unit == "times" else 100.0
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{scale * value:,.4g}"))
    if panel.get_xscale() == "linear":
        panel.xaxis.set_major_locator(MaxNLocator(nbins=5))
    panel.set_xlabel(UNITS[unit], fontsize=LARGE - 3)
    panel.tick_params(axis="x", labelsize=LARGE - 3)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#DDDDDD", linewidth=1)
    panel.set_axisbelow(True)
    panel.spines[["top", "right", "left"]].set_visible(False)


def _say_untold(panel: "Axes", place: int) -> None:
    panel.text(0.5, place, "cannot be told", ha="center", va="center", fontsize=LARGE - 3, color=GRAY,
               transform=panel.get_yaxis_transform())  # fmt: skip


def _kinds(there: set[str]) -> list[Patch]:
    shown_as = {
        "effect on what these accounts spend": ({"effect"}, BARS["effect"]),
        "selection, comparison, expectation or luck": (there - set(BARS), LOOKS_LIKE_ONE),
        "what is left": ({"rest"}, BARS["rest"]),
    }
    return [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=label)
        for label, (kinds, (color, hatch)) in shown_as.items()
        if kinds & there
    ]


ALONE, TOGETHER = BLUE, "#A6CFE6"


def sensitivity_figure(result: "Sensitivity") -> bytes:
    """Draw what each parameter explains, alone and with all that it does together with others, as bars.

    Parameters
    ----------
    result : Sensitivity
        From `kamsim.analysis.sensitivity.sensitivity`.

    Returns
    -------
    bytes
        A PNG, 1,920 pixels wide, higher the more parameters there are.
    """
    others = [] if result.others is None else [result.others]
    rows = [*result.influences, *others]
    figure = Figure(
        figsize=(16, 4.2 + 1.15 * len(rows)), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12)
    )
    panel = figure.subplots()
    for place, row in enumerate(rows):
        total, first = (100 * max(0.0, value) for value in (row.total, row.first))
        panel.barh(place, total, height=0.62, color=TOGETHER)
        panel.barh(place, min(first, total), height=0.62, color=ALONE)
        ends = [100 * max(0.0, end) for end in (row.total_low, row.total_high)]
        panel.plot(ends, [place, place], color=INK, linewidth=4)
    labels = [f"{len(result.screened_out)} others together" if row in others else _bar_label(row) for row in rows]
    panel.set_yticks(range(len(rows)), labels, fontsize=LARGE - 3)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set_xlim(left=0)
    values = panel.secondary_yaxis("right")
    values.set_yticks(range(len(rows)), [percent(row.total) for row in rows], fontsize=LARGE)
    values.tick_params(length=0)
    values.spines["right"].set_visible(False)
    panel.set_xlabel(
        "% of the variance; lines: 95 % intervals\n(+) rises, (\N{MINUS SIGN}) falls with it", fontsize=LARGE - 3
    )
    panel.xaxis.set_major_locator(MaxNLocator(nbins=5))
    panel.tick_params(axis="x", labelsize=LARGE - 3)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#DDDDDD", linewidth=1)
    panel.set_axisbelow(True)
    panel.spines[["top", "right", "left"]].set_visible(False)
    title = f"What drives {asked(result)}"
    figure.suptitle(textwrap.fill(title, 56), fontsize=LARGE + 3, fontweight="bold", x=0.02, ha="left")
    figure.legend(
        handles=[Patch(color=ALONE, label="alone"), Patch(color=TOGETHER, label="together with others")],
        loc="outside lower center", ncols=2, frameon=False, fontsize=LARGE - 3,
    )  # fmt: skip
    return _png(figure)


def _bar_label(influence: "Influence") -> str:
    direction = {"rises": " (+)", "falls": " (\N{MINUS SIGN})"}.get(direction_of(influence), "")
    kind = ", assumed" if influence.kind == "assumed" else ""
    meaning = textwrap.fill(short_meaning(influence), 29, max_lines=2, placeholder=" …")
    return f"{meaning}{kind}{direction}"


def _legend(labels: dict[str, str] | None = None) -> list[Line2D]:
    labels = labels or {"better": "better", "worse": "worse", "": "not clear: the 95 % interval holds zero"}
    return [
        Line2D([], [], color=color, marker=marker, markerfacecolor=face, markersize=11, markeredgewidth=2.5,
               linewidth=3, label=labels[kind])
        for kind, (color, marker, face) in MARKS.items()
    ]  # fmt: skip


def _short(name: str, width: int) -> str:
    # Names of a family often differ only at the end.
    return name if len(name) <= width else f"{name[: width - 13]}…{name[-12:]}"


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    # Without the writer's version the same figures make the same bytes.
    figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    return content.getvalue()
