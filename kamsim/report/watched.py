"""Table and figure of one organization, year by year."""

import math
import textwrap
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from kamsim.books.labels import span_label
from kamsim.experiments.files import check_target, write_whole
from kamsim.measures.choice import named
from kamsim.report.plot import BLUE, FONT, GRAY, INK, ORANGE, canvas, few_ticks, full_numbers, png, short_name
from kamsim.report.table import (
    NOTHING,
    TOTAL_PROFIT,
    Group,
    Row,
    Scale,
    Table,
    in_money,
    percent,
    scale_of,
)
from kamsim.studies.watch import Watched, Year

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def years_table(run: Watched) -> Table:
    """Table of a run, a line per year; years that missed quota or ended in a rebuild say so."""
    money = scale_of(TOTAL_PROFIT, (year.revenue for year in run.years), run.money)
    columns = ("year", "sales", "profit", "key", "of key", "quota", "met", "collab.", "trust", "left", "")
    phases = groupby(run.years, key=lambda year: year.phase)
    groups = tuple(Group(_PHASES[phase], tuple(_year_row(year, money) for year in years)) for phase, years in phases)
    unit = in_money(money.unit, run.money)
    return Table(groups, columns, f"{run.scenario}, seed {run.seed}; money in {unit}", _LEGEND, dense=True)


_PHASES = {
    "history": "before the program",
    "warm-up": "program, first years (in no measure but profit)",
    "window": "program, observed",
}
_LEGEND = (
    "sales: of all accounts. key: number of key accounts. of key: sales to key accounts",
    "met: part of the quota reached. collab.: collaboration of functions for key accounts, 0 to 1",
    "trust: of key accounts, 0 to 1. left: key account managers who left",
    "rebuilt: quota missed too often; the program is redesigned at the year's end",
)


def _year_row(year: Year, money: Scale) -> Row:
    part = Scale(1.0, 2, "")
    met = NOTHING if year.attainment is None else percent(year.attainment)
    # Only a missed quota leads to a rebuild, so one word will do.
    event = "rebuilt" if year.rebuilt else "missed" if year.missed else ""
    cells = (
        year.label or f"{year.year:>3}",
        money.shown(year.revenue),
        money.shown(year.profit),
        str(year.key_accounts or NOTHING),
        money.shown(year.key_revenue),
        money.shown(year.quota),
        met,
        part.shown(year.collaboration),
        part.shown(year.trust),
        NOTHING if year.quota is None else str(year.departures),
        event,
    )
    return Row(cells, "bad" if year.missed else "")


def measures_table(run: Watched, shown: Iterable[str]) -> Table:
    """Table of measures of the whole run, as comparisons tell them, a line each."""
    rows = []
    for measure in named(shown):
        value = run.measures[measure.name]
        scale = scale_of(measure, (value,), run.money)
        rows.append(Row((measure.label, scale.shown(value), scale.unit)))
    legend = (f"totals of money: from the launch on, in {run.money}; all else: of the years observed{_observed(run)}",)
    return Table((Group("", tuple(rows)),), ("", "", ""), "The run as a whole", legend, dense=True)


def _observed(run: Watched) -> str:
    """Say which years are observed, where they have names: `` (2029 to 2035)``."""
    span = span_label(tuple(year.label for year in run.years if year.phase == "window" and year.label))
    return f" ({span})" if span else ""


# ---------------------------------------------------------------- figure


def run_figure(run: Watched) -> bytes:
    """Draw a run, as a PNG: key account revenue against quota, and below it collaboration and trust."""
    figure = canvas(10)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_quota(upper, run)
    _draw_relationship(lower, run)
    for panel in (upper, lower):
        _shade_phases(panel, run)
        panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=FONT)
        panel.tick_params(labelsize=FONT - 2)
        panel.spines[["top", "right"]].set_visible(False)
    lower.set_xlabel("year", fontsize=FONT)
    _number_years(lower, run)
    figure.suptitle(f"{short_name(run.scenario, 60)}, seed {run.seed}", fontsize=FONT + 5)
    return png(figure)


def _number_years(panel: "Axes", run: Watched) -> None:
    """Number years, or name some of them, the last among them, where they have names."""
    few_ticks(panel.xaxis, integer=True)
    if not any(year.label for year in run.years):
        return
    every = math.ceil(len(run.years) / 10)
    shown = [year for year in run.years if (len(run.years) - year.year) % every == 0]
    panel.set_xticks([year.year for year in shown], [year.label.replace(" ", "\n") for year in shown])


def _draw_quota(panel: "Axes", run: Watched) -> None:
    program = [year for year in run.years if year.quota is not None and year.key_revenue is not None]
    scale = scale_of(TOTAL_PROFIT, (year.key_revenue for year in program), run.money)
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
    unit = textwrap.fill(f"money a year, {in_money(scale.unit, run.money)}", 40)
    panel.set_ylabel(unit, fontsize=FONT)
    full_numbers(panel.yaxis)
    panel.set_ylim(bottom=0)
    if not program:
        _say_nothing_is_key(panel)


def _say_nothing_is_key(panel: "Axes") -> None:
    panel.set_yticks([])
    panel.text(0.7, 0.5, "no key accounts", transform=panel.transAxes, ha="center", fontsize=FONT + 2, color=GRAY)


def _draw_relationship(panel: "Axes", run: Watched) -> None:
    numbers = [year.year for year in run.years]
    trust = [math.nan if year.trust is None else year.trust for year in run.years]
    collaboration = [math.nan if year.collaboration is None else year.collaboration for year in run.years]
    panel.plot(numbers, trust, "-o", color=BLUE, linewidth=3, markersize=9, label="trust of key accounts")
    panel.plot(
        numbers, collaboration, "-s", color=ORANGE, linewidth=3, markersize=9, label="collaboration for key accounts"
    )
    panel.set_ylim(0, 1)
    panel.set_ylabel("0 to 1", fontsize=FONT)


def _shade_phases(panel: "Axes", run: Watched) -> None:
    """Shade the years that are not observed."""
    before = [year.year for year in run.years if year.phase != "window"]
    panel.set_xlim(0.5, len(run.years) + 0.6)
    if before:
        panel.axvspan(0.5, max(before) + 0.5, color="#EEEEEE", zorder=0, label="not observed")


# ---------------------------------------------------------------- files


def figure_target(path: str | None, scenario: str, seed: int, accounts: str | None = None) -> Path:
    """File for the figure of a run, checked before anything is played: as named, or one in ``results``.

    Runs on different books keep their figures.
    """
    if path is not None:
        check_target(Path(path), ".png")
        return Path(path)
    folder = Path("results")
    if folder.exists():
        check_target(folder / "run.png", ".png")
    on_book = f"-{Path(accounts).stem}" if accounts else ""
    return folder / f"run-{scenario}{on_book}-{seed}.png"


def write_figure(path: Path, run: Watched) -> None:
    """Draw a run into a file from `figure_target`."""
    content = run_figure(run)
    with suppress(OSError):  # what cannot be made cannot be written to either, which is said then
        path.parent.mkdir(exist_ok=True)
    write_whole(path, content)
