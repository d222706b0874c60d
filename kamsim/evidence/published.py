"""Figures that were published about key account programs; none of the outcomes is ever an input of the model."""

from typing import NamedTuple


class PublishedFigure(NamedTuple):
    """One published outcome, and how the survey instrument says it."""

    name: str
    value: float
    says: str
    source: str


SURVEY_SAMPLE = 69

GARTNER_2021 = "Gartner, press release of 2021-10-26 (survey of 69 chief sales officers, August and September 2021)"

OUTCOMES: tuple[PublishedFigure, ...] = (
    PublishedFigure("quota_miss", 0.58, "suppliers that miss the key account quota in a year", GARTNER_2021),
    PublishedFigure(
        "rebuilt_twice", 0.46, "suppliers that rebuilt their program twice or more in seven years", GARTNER_2021
    ),
    PublishedFigure(
        "large_spend_growth_ratio",
        0.49,
        "chance to grow of accounts elevated for large spend, against those elevated by enterprise criteria "
        "(51 % less likely)",
        GARTNER_2021,
    ),
    PublishedFigure(
        "collaboration_ratio",
        3.0,
        "spend of key accounts where the KAM reports high collaboration, against the rest",
        GARTNER_2021,
    ),
)
