"""Table of a survey of simulated organizations beside the published one."""

import math
from typing import TYPE_CHECKING

from kamsim.report.table import Group, Row, Scale, Table

if TYPE_CHECKING:
    from kamsim.studies.survey import Survey, SurveyFigure

# Label and whether the figure is a part of organizations, shown in %.
_LABELS = {
    "quota_miss": ("Missed quota in a year", True),
    "rebuilt_twice": ("Rebuilt twice in seven years", True),
    "large_spend_growth_ratio": ("Chance to grow, ratio (1)", False),
    "collaboration_ratio": ("Spend, ratio (2)", False),
    "large_spend_against_not_elevated": ("Chance to grow, ratio (3)", False),
    "rebuilt_once": ("Rebuilt in seven years", True),
    "year_to_year_correlation": ("Correlation of years (4)", False),
    "growth_sd": ("Spread of growth (4)", False),
}
_LEGEND = (
    "(1) accounts elevated for large spend, to those elevated by enterprise criteria",
    "(2) key accounts of KAMs that report high collaboration, to the rest",
    "(3) accounts elevated for large spend, to those not elevated",
    "(4) log annual spend of ordinary accounts, as in real books",
    "sample: between which 95 % of samples of the published survey's size fall",
)


def survey_table(survey: "Survey") -> Table:
    """Table of a survey: what was published beside what was simulated, then the further figures.

    Says of each published figure whether it is inside the interval of samples of the survey's size.
    """
    columns = ("", "published", "simulated", f"sample of {survey.sample}", "inside")
    further = (_published_row(figure)._replace(mark="") for figure in survey.further)
    groups = (
        Group("", tuple(map(_published_row, survey.figures))),
        Group("Further figures of the same organizations", tuple(further)),
    )
    return Table(groups, columns, legend=_LEGEND)


def _published_row(figure: "SurveyFigure") -> Row:
    label, is_part = _LABELS.get(figure.name, (figure.name, False))
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
