"""Figures as PNG bytes: large enough for a projector, safe for color-blind readers, the same bytes every time."""

import io
import math
import textwrap
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.report.tables import TOTAL_PROFIT, Scale, rows_of, scale_of, verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kamsim.analysis.compare import Comparison
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


def _legend() -> list[Line2D]:
    labels = {"better": "better", "worse": "worse", "": "not clear: the 95 % interval holds zero"}
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
