"""Tables and sentences for people, as text that reads the same with and without color."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from kamsim.measures.outcomes import MEASURES, Measure

if TYPE_CHECKING:
    from kamsim.analysis.compare import ComparedMeasure, Comparison
    from kamsim.analysis.survey import Survey, SurveyFigure

NAME_WIDTH = 26
GAP = "  "
NOTHING = "-"  # where there is no figure, such as the growth of key accounts where nobody is elevated

TOTAL_PROFIT = next(measure for measure in MEASURES if measure.name == "total_profit")
_MAGNITUDES = ((1e10, 1e9, "billions"), (1e7, 1e6, "millions"), (1e5, 1e3, "thousands"))


class Scale(NamedTuple):
    """How the figures of one measure are shown."""

    factor: float
    decimals: int
    unit: str

    def shown(self, value: float | None, sign: str = "") -> str:
        """Show one figure.

        Parameters
        ----------
        value : float or None
            In the unit of the model.
        sign : str, optional
            ``"+"`` to show the sign of gains too.

        Returns
        -------
        str
            With thousands separators; `NOTHING` for no figure.
        """
        if value is None or math.isnan(value):
            return NOTHING
        text = f"{value * self.factor:{sign},.{self.decimals}f}"
        # A difference that rounds to nothing has no direction.
        return text.lstrip("+-") if not text.strip("+-0.,") else text


def scale_of(measure: Measure, values: Iterable[float | None]) -> Scale:
    """Scale on which figures of a measure are read most easily.

    Parameters
    ----------
    measure : Measure
        Its unit decides.
    values : iterable of float or None
        All figures that will stand together; money is shown in thousands or millions where they are large.

    Returns
    -------
    Scale
        One for all of them.
    """
    if measure.unit.startswith("%"):
        return Scale(100.0, 1, measure.unit)
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if measure.unit != "money":
        return Scale(1.0, 2 if measure.unit == "count" else 3, "" if measure.unit == "count" else measure.unit)
    size, unit = next(((size, unit) for least, size, unit in _MAGNITUDES if largest >= least), (1.0, ""))
    digits = math.floor(math.log10(largest / size)) + 1 if largest > 0 else 1
    return Scale(1.0 / size, min(3, max(0, 4 - max(digits, 1))), unit)


# ---------------------------------------------------------------- comparison


MEDIAN_WALLETS = "money in yearly wallets of the median account"


def comparison_table(comparison: "Comparison") -> Text:
    """Table of a comparison: measures one below the other, a line per scenario, 80 columns wide.

    Parameters
    ----------
    comparison : Comparison
        From `kamsim.analysis.compare.compare`.

    Returns
    -------
    Text
        Differences whose interval excludes zero say better or worse.
    """
    header = ("", "mean", "difference", "95 % interval", "best", "")
    groups = [(measure, rows_of(comparison, measure.name)) for measure in MEASURES]
    bodies = [(measure, _measure_rows(comparison, measure, rows)) for measure, rows in groups if rows]
    widths = widths_of([header, *(row for _, body in bodies for row in body)])
    table = Text()
    table.append(line_of(header, widths) + "\n", style="dim")
    for measure, body in bodies:
        table.append(f"\n{_heading(measure, _scale(comparison, measure))}\n", style="bold")
        for row in body:
            table.append(line_of(row, widths) + "\n", style={"better": "green", "worse": "red"}.get(row[-1], ""))
    table.append(
        f"\ndifference: to {comparison.reference} in the same {comparison.replications:,} worlds\n"
        "better, worse: the interval of the difference excludes zero\n"
        "best: part of the worlds in which no other scenario does better\n",
        style="dim",
    )
    if set(comparison.unit_of_money) == {1.0}:
        table.append(f"{MEDIAN_WALLETS}\n", style="dim")
    return table


def rows_of(comparison: "Comparison", measure: str) -> list["ComparedMeasure"]:
    """Rows of one measure, in the order of the scenarios."""
    return [row for row in comparison.measures if row.measure == measure]


def is_sure(row: "ComparedMeasure") -> bool:
    """Whether the interval of a difference excludes zero."""
    return row.low > 0 or row.high < 0


def _scale(comparison: "Comparison", measure: Measure) -> Scale:
    return scale_of(measure, (row.mean for row in rows_of(comparison, measure.name)))


def _heading(measure: Measure, scale: Scale) -> str:
    unit = f", {scale.unit}" if scale.unit else ""
    return f"{measure.label}{unit} ({'higher' if measure.higher_is_better else 'lower'} is better)"


def _measure_rows(comparison: "Comparison", measure: Measure, rows: list["ComparedMeasure"]) -> list[tuple[str, ...]]:
    scale = _scale(comparison, measure)
    shown: list[tuple[str, ...]] = []
    for row in rows:
        best = NOTHING if math.isnan(row.mean) else _percent(row.probability_best)
        if row.scenario == comparison.reference:
            shown.append((row.scenario, scale.shown(row.mean), "reference", "", best, ""))
            continue
        interval = NOTHING if math.isnan(row.low) else f"{scale.shown(row.low, '+')} to {scale.shown(row.high, '+')}"
        difference = scale.shown(row.difference, "+")
        shown.append((row.scenario, scale.shown(row.mean), difference, interval, best, verdict(row, measure)))
    return shown


def verdict(row: "ComparedMeasure", measure: Measure) -> str:
    """Say whether a scenario is surely better or worse than the reference.

    Parameters
    ----------
    row : ComparedMeasure
        Of the measure.
    measure : Measure
        Says which direction is better.

    Returns
    -------
    str
        ``better``, ``worse``, or empty where the interval holds zero.
    """
    if not is_sure(row):
        return ""
    return "better" if (row.low > 0) == measure.higher_is_better else "worse"


def _percent(probability: float) -> str:
    return NOTHING if math.isnan(probability) else f"{100 * probability:.0f} %"


def comparison_sentence(comparison: "Comparison") -> str:
    """Say in plain words which policy does best on what, and how surely.

    Parameters
    ----------
    comparison : Comparison
        From `kamsim.analysis.compare.compare`.

    Returns
    -------
    str
        One or two sentences; empty where there is nothing to compare with.
    """
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
            others.setdefault(best.scenario, []).append(f"{_lower(measure.label)} {_percent(best.probability_best)}")
    elsewhere = "; ".join(f"{name} ({', '.join(what)})" for name, what in others.items())
    return f"{profit}\nBest on average elsewhere, and in what part of worlds: {elsewhere}." if elsewhere else profit


def _profit_sentence(comparison: "Comparison", best: "ComparedMeasure") -> str:
    reference = comparison.reference
    chance = f"best in {_percent(best.probability_best)} of worlds"
    if best.scenario == reference:
        return f"No policy earns more total profit than {reference}, {chance}."
    base = best.mean - best.difference
    # A loss has no percentage that anyone could read.
    scale = Scale(100.0 / base, 1, "%") if base > 0 else _scale(comparison, TOTAL_PROFIT)
    unit = f" {scale.unit}" if scale.unit else ""
    gain = f"{scale.shown(best.difference)}{unit} more total profit"
    interval = f"95 % interval {scale.shown(best.low)} to {scale.shown(best.high)}{unit}"
    if math.isnan(best.low):
        interval = "a single world, so no interval"
    if is_sure(best):
        return f"{best.scenario} earns {gain} than {reference} ({interval}) and is {chance}."
    return f"{best.scenario} earns {gain} than {reference} on average, but not surely ({interval}); it is {chance}."


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]


# ---------------------------------------------------------------- survey

# Label and whether the figure is a part of organizations, shown in %.
_SURVEY_LABELS = {
    "quota_miss": ("Missed quota in a year", True),
    "rebuilt_twice": ("Rebuilt twice in seven years", True),
    "large_spend_growth_ratio": ("Chance to grow, ratio (1)", False),
    "collaboration_ratio": ("Spend, ratio (2)", False),
    "large_spend_against_not_elevated": ("Chance to grow, ratio (3)", False),
    "rebuilt_once": ("Rebuilt in seven years", True),
    "year_to_year_correlation": ("Correlation of years (4)", False),
    "growth_sd": ("Spread of growth (4)", False),
}
_SURVEY_LEGEND = (
    "(1) accounts elevated for large spend, to those elevated by enterprise criteria\n"
    "(2) key accounts of KAMs that report high collaboration, to the rest\n"
    "(3) accounts elevated for large spend, to those not elevated\n"
    "(4) log annual spend of ordinary accounts, as in real books\n"
    "sample: between which 95 % of samples of the published survey's size fall\n"
)


def survey_table(survey: "Survey") -> Text:
    """Table of a survey: what was published beside what was simulated, then the further figures.

    Parameters
    ----------
    survey : Survey
        From `kamsim.analysis.survey.survey`.

    Returns
    -------
    Text
        Says of each published figure whether it is inside the interval of samples of the survey's size.
    """
    header = ("", "published", "simulated", f"sample of {survey.sample}", "inside")
    published = [_survey_row(figure) for figure in survey.figures]
    further = [_survey_row(figure) for figure in survey.further]
    widths = widths_of([header, *published, *further], most=40)
    table = Text(line_of(header, widths) + "\n", style="dim")
    for row in published:
        table.append(
            line_of(row, widths) + "\n", style={"yes": "not dim green", "no": "not dim red"}.get(row[-1], "not dim")
        )
    table.append("\nFurther figures of the same organizations\n", style="not dim bold")
    for row in further:
        table.append(line_of(row, widths) + "\n", style="not dim")
    table.append(f"\n{_SURVEY_LEGEND}")
    return table


def _survey_row(figure: "SurveyFigure") -> tuple[str, ...]:
    label, is_part = _SURVEY_LABELS.get(figure.name, (figure.name, False))
    scale = Scale(100.0, 1, "%") if is_part else Scale(1.0, 2, "")
    low, high = scale.shown(figure.low), scale.shown(figure.high)
    interval = NOTHING if math.isnan(figure.low) else f"{low} to {high}"
    inside = "yes" if figure.low <= figure.published <= figure.high else "no"
    unknown = math.isnan(figure.published) or math.isnan(figure.low)
    label = f"{label}, %" if is_part else label
    return label, scale.shown(figure.published), scale.shown(figure.simulated), interval, "" if unknown else inside


# ---------------------------------------------------------------- lines of a table


def widths_of(rows: Sequence[Sequence[str]], most: int = NAME_WIDTH) -> list[int]:
    """Widths of the columns of a table.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells, with the header.
    most : int
        Width of the first column at most.

    Returns
    -------
    list of int
        In characters.
    """
    first = min(max(len(row[0]) for row in rows), most)
    return [first, *(max(len(row[column]) for row in rows) for column in range(1, len(rows[0])))]


def line_of(row: Sequence[str], widths: Sequence[int]) -> str:
    """Line of a table: a name, figures to the right of their columns, and a last remark.

    Parameters
    ----------
    row : sequence of str
        Cells.
    widths : sequence of int
        From `widths_of`.

    Returns
    -------
    str
        Two lines where the name is longer than its column.
    """
    name, *figures, last = row
    shown = GAP.join([*(cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=False)), last])
    # A long name has a line of its own, so that it stays whole and the figures stay in line.
    head = f"{name}\n{'':<{widths[0]}}" if len(name) > widths[0] else f"{name:<{widths[0]}}"
    return f"{head}{GAP}{shown}".rstrip()
