"""How forecasts of a book's own past came out: a table, sentences, and a figure."""

from typing import TYPE_CHECKING

from kamsim.report.plot import BLUE, FONT, GRAY, ORANGE, canvas, dress, png, room_for, say_below
from kamsim.report.table import NOTHING, Group, Row, Table, percent
from kamsim.studies.backtest import ALLOWED, NOISE, SIMULATOR, Backtest, Origin, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAYS = {
    SIMULATOR: "the simulation",
    "persistence": "four times the last quarter",
    "seasonal naive": "the last year again",
    "drift": "the last year and its trend",
    "smoothing": "exponential smoothing",
}


def tell(result: Backtest) -> tuple[Table, Table, str]:
    """Tell a back-test: coverage by year that was forecast, errors beside the simplest ways, and sentences."""
    return coverage_table(result), errors_table(result), sentences(result)


def coverage_table(result: Backtest) -> Table:
    """Table of how often intervals held what came, and of the total."""
    rows = [_coverage_row(origin) for origin in result.origins]
    if len(rows) > 1:
        rows.append(Row(("all", *map(percent, result.coverage), "", "", "")))
    legend = (
        "accounts inside of intervals of 50, 80 and 95 %: right where as many are inside",
        "sales: of the accounts known by then, next year, median of the futures against what came",
        f"rank: part of {result.worlds:,} futures in which they bought less; of all: with new accounts",
    )
    columns = ("Next year forecast from the end of", "50 %", "80 %", "95 %", "sales", "rank", "of all")
    return Table((Group("", tuple(rows)),), columns, legend=legend)


def _coverage_row(origin: Origin) -> Row:
    off = f"{100 * (origin.forecast / origin.outcome - 1):+.1f} %"
    ranks = f"{origin.rank:.2f}", f"{origin.rank_of_all:.2f}"
    return Row((f"{origin.ends}, {origin.accounts:,} accounts", *map(percent, origin.coverage), off, *ranks))


def errors_table(result: Backtest) -> Table:
    """Table of errors, means over the years that were forecast, the simulation's first."""
    names = [score.name for score in result.origins[0].scores]
    rows = tuple(_errors_row(name, [_named(origin, name) for origin in result.origins]) for name in names)
    legend = (
        "accounts: sum of absolute errors, part of their sales; ranked: continuous ranked probability score, the same "
        "for who tells one number alone",
        "deciles, total: mean absolute log error; buys: mean square error of the chance that an account buys at all "
        "(exponential smoothing: that of BG/NBD)",
    )
    columns = ("Errors", "accounts", "ranked", "logs", "deciles", "total", "buys")
    return Table((Group("", rows),), columns, legend=legend)


def _named(origin: Origin, name: str) -> Score:
    return next(score for score in origin.scores if score.name == name)


def _errors_row(name: str, scores: list[Score]) -> Row:
    def mean(part: str) -> str:
        values = [float(getattr(score, part)) for score in scores]
        middle = sum(values) / len(values)
        return NOTHING if middle != middle else f"{middle:.3f}"

    parts = ("error", "ranked", "log_error", "decile_error", "total_error", "buying")
    return Row((SAYS.get(name, name), *map(mean, parts)), "good" if name == SIMULATOR else "")


def sentences(result: Backtest) -> str:
    """Say where the simulation is right, where it is no better than the simplest, and whether a book is too weak."""
    said = []
    for level, inside in zip(result.levels, result.coverage, strict=True):
        if abs(inside - level) > ALLOWED:
            side = "too narrow" if inside < level else "too wide"
            said.append(f"Intervals of {percent(level)} hold {percent(inside)} of what came: they are {side}.")
    if not said:
        said.append("Intervals for next year's spend of an account hold about as many outcomes as they should.")
    said.append(_against_best(result))
    if result.laws_from:
        said.append(f"Growth and leaving are those of {result.laws_from}, where the years before were fewer than two.")
    if result.weakness:
        said.append(f"No ranking of programs should rest on this book: {result.weakness}.")
    return "\n".join(said)


def _against_best(result: Backtest) -> str:
    best, off = SAYS[result.best], f"{100 * abs(result.difference):.1f} % of sales"
    if abs(result.difference) <= NOISE * result.difference_error:
        return f"By account the simulation is no better and no worse than the best of the simplest ways: {best}."
    side = "worse" if result.difference > 0 else "better"
    return f"By account the simulation is {side} than the best of the simplest ways, {best}, by {off}."


def backtest_figure(result: Backtest) -> bytes:
    """Figure: coverage against what it should be, errors by way to forecast, and totals with their intervals."""
    notes = (*result.notes[:3], *((f"{result.weakness}.",) if result.weakness else ()))
    figure = canvas(6.4 + room_for(notes))
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1.1, 1.2))
    _draw_coverage(left, result)
    _draw_errors(middle, result)
    _draw_totals(right, result)
    say_below(figure, [], notes, 3)
    return png(figure)


def _draw_coverage(panel: "Axes", result: Backtest) -> None:
    places = range(len(result.levels))
    panel.barh(list(places), [100 * part for part in result.coverage], color=BLUE, height=0.55)
    for place, level in zip(places, result.levels, strict=True):
        panel.plot([100 * level] * 2, [place - 0.42, place + 0.42], color=ORANGE, linewidth=4)
    panel.set_yticks(list(places), [f"{100 * level:.0f} %" for level in result.levels], fontsize=FONT)
    panel.set_xlim(0, 100)
    _dress(panel, "Accounts inside, %", "of intervals; should be: orange")


def _draw_errors(panel: "Axes", result: Backtest) -> None:
    names = [score.name for score in result.origins[0].scores]
    for place, name in enumerate(names):
        values = [100 * _named(origin, name).error for origin in result.origins]
        color = BLUE if name == SIMULATOR else GRAY
        panel.barh([place], [sum(values) / len(values)], color=color, height=0.55)
        panel.plot(values, [place] * len(values), "o", color="black", markersize=5)
    panel.set_yticks(range(len(names)), [SAYS[name] for name in names], fontsize=FONT)
    panel.set_ylim(len(names) - 0.5, -0.5)
    _dress(panel, "Error by account, % of sales", "mean; points: years forecast")


def _draw_totals(panel: "Axes", result: Backtest) -> None:
    for place, origin in enumerate(reversed(result.origins)):
        ends = [100 * (value / origin.outcome - 1) for value in (origin.low, origin.high)]
        panel.plot(ends, [place, place], color=BLUE, linewidth=4, solid_capstyle="butt")
        panel.plot([100 * (origin.forecast / origin.outcome - 1)], [place], "o", color=BLUE, markersize=11)
    panel.axvline(0.0, color=ORANGE, linewidth=3)
    panel.set_yticks(
        range(len(result.origins)), [f"from {origin.ends}" for origin in reversed(result.origins)], fontsize=FONT
    )
    panel.set_ylim(-0.6, len(result.origins) - 0.4)
    _dress(panel, "Total, % off what came", "80 % interval; came: orange")


def _dress(panel: "Axes", title: str, below: str) -> None:
    dress(panel)
    panel.tick_params(axis="y", length=0)
    panel.tick_params(axis="x", labelsize=FONT - 2)
    panel.set_title(title, fontsize=FONT + 1, fontweight="bold")
    panel.set_xlabel(below, fontsize=FONT - 2)
