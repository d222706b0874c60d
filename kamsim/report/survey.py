"""Table of a survey of simulated organizations beside the published one."""

import math
from typing import TYPE_CHECKING

from kamsim.evidence.readings import Reading, reading_of
from kamsim.measures.choice import named
from kamsim.report.table import Group, Row, Scale, Table, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kamsim.studies.survey import ReadFigure, Survey, SurveyFigure

# Label and whether the figure is a part of organizations, shown in %.
_LABELS = {
    "quota_miss": ("Missed quota in a year", True),
    "rebuilt_twice": ("Rebuilt twice in seven years", True),
    "large_spend_growth_ratio": ("{growth} (1)", False),
    "collaboration_ratio": ("Spend, ratio (2)", False),
    "large_spend_against_not_elevated": ("{growth} (3)", False),
    "rebuilt_once": ("Rebuilt in seven years", True),
    "year_to_year_correlation": ("Correlation of years (4)", False),
    "growth_sd": ("Spread of growth (4)", False),
}
_LEGEND = (
    "(1) ratio of accounts elevated for large spend to those elevated by enterprise criteria (growth potential)",
    "(2) ratio of key accounts whose KAM reports high collaboration to the other key accounts",
    "(3) ratio of accounts elevated for large spend to accounts never elevated",
    "(4) of other accounts: log of yearly spend, from one year to the next, as in real account books",
    "sample of 69: 95 % of samples as small as the published survey fall in this range; inside: the published figure "
    "is in it",
)
_READINGS_LEGEND = (
    "how many accounts elevated for large spend grow, as a ratio to",
    "  (5) accounts elevated by enterprise criteria (growth potential)",
    "  (6) accounts never elevated, of all suppliers",
    "> 20 %: mean spend of the three years after is more than 20 % above that of the year of elevation",
    "chances: part of accounts that grow; odds: those that grow, to those that do not",
    "*: meaning in which the published figure is used here; choose with --reading",
)


def survey_tables(survey: "Survey") -> tuple[Table, ...]:
    """Tables of a survey: what was published beside what was simulated, the 51 % in all readings, and measures.

    The first says of each published figure whether it is inside the interval of samples of the survey's size; the last
    is there where measures were asked for.
    """
    return _figures_table(survey), _readings_table(survey), *([_measures_table(survey)] if survey.measures else [])


def _measures_table(survey: "Survey") -> Table:
    told = {measure.measure: measure for measure in survey.measures}
    rows = []
    for measure in named(told):
        row = told[measure.name]
        scale = scale_of(measure, (row.mean, row.low, row.high))
        label = f"{measure.label}{', ' * bool(scale.unit)}{scale.unit}"
        rows.append(Row((label, scale.shown(row.mean), scale.between(row.low, row.high), f"{row.suppliers:,}")))
    legend = (
        "totals of money: from the launch on; all else: of the years observed",
        "suppliers: those that have the measure; 95 % interval of their mean",
    )
    return Table((Group("", tuple(rows)),), ("Programs of these suppliers", "mean", "95 %", "suppliers"), legend=legend)


def _figures_table(survey: "Survey") -> Table:
    columns = ("", "published", "simulated", f"sample of {survey.sample}", "inside")
    reading = reading_of(survey.reading)
    further = (_published_row(figure, reading)._replace(mark="") for figure in survey.further)
    groups = (
        Group("", tuple(_published_row(figure, reading) for figure in survey.figures)),
        Group("Further figures of the same suppliers", tuple(further)),
    )
    return Table(groups, columns, legend=_LEGEND)


def growth_label(reading: Reading) -> str:
    """Say what a growth ratio is a ratio of, without a threshold where any growth counts."""
    statistic = "Chance" if reading.statistic == "chances" else "Odds"
    threshold = f" > {100 * reading.threshold:.0f} %" if reading.threshold > 0 else ", ratio"
    return f"{statistic} to grow{threshold}"


def _readings_table(survey: "Survey") -> Table:
    published = next(figure.published for figure in survey.figures if figure.name == "large_spend_growth_ratio")
    return readings_table(survey.readings, survey.reading, published, f"sample of {survey.sample}")


def readings_table(readings: "Sequence[ReadFigure]", chosen: str, published: float, interval: str) -> Table:
    """Table of the published 51 % in all readings, with the one that is chosen marked."""
    told = {(figure.reading, figure.against): figure for figure in readings}
    rows = tuple(
        _reading_row(reading, told[reading, "enterprise"], told[reading, "never_elevated"], chosen)
        for reading in dict.fromkeys(figure.reading for figure in readings)
    )
    columns = ("", "enterprise (5)", interval, "others (6)", interval)
    heading = f"What '51 % less likely to increase that spend' ({published:.2f}) may mean"
    return Table((Group(heading, rows),), columns, legend=_READINGS_LEGEND)


def _reading_row(reading: str, enterprise: "ReadFigure", never: "ReadFigure", chosen: str) -> Row:
    scale = Scale(1.0, 2, "")
    cells = (
        f"{reading} *" if reading == chosen else reading,
        scale.shown(enterprise.simulated),
        scale.between(enterprise.low, enterprise.high),
        scale.shown(never.simulated),
        scale.between(never.low, never.high),
    )
    return Row(cells)


def _published_row(figure: "SurveyFigure", reading: Reading) -> Row:
    label, is_part = _LABELS.get(figure.name, (figure.name, False))
    label = label.format(growth=growth_label(reading))
    scale = Scale(100.0, 1, "%") if is_part else Scale(1.0, 2, "")
    inside = figure.low <= figure.published <= figure.high
    unknown = math.isnan(figure.published) or math.isnan(figure.low)
    cells = (
        f"{label}, %" if is_part else label,
        scale.shown(figure.published),
        scale.shown(figure.simulated),
        scale.between(figure.low, figure.high),
        "" if unknown else "yes" if inside else "no",
    )
    return Row(cells, "" if unknown else "good" if inside else "bad")
