"""Ways to read "51 % less likely to increase that spend": the survey tells neither the statistic nor how much it takes.

A reading is a choice of whoever compares with the survey, no parameter of the model.
"""

import re
from typing import NamedTuple

from kamsim.errors import KamsimError, nearest, shown

STATISTICS = ("chances", "odds")
THRESHOLDS = (0.0, 0.1, 0.2, 0.3)  # parts of the spend at elevation by which it must grow to count as increased
_TEXT = re.compile(r"([a-z]+) *> *(\d+(?:\.\d+)?) *%?")


class Reading(NamedTuple):
    """Ratio of chances or of odds, to increase spend by more than a part of it; its text is ``chances > 20 %``."""

    statistic: str
    threshold: float

    def __str__(self) -> str:
        return f"{self.statistic} > {100 * self.threshold:.0f} %"


READINGS = tuple(Reading(statistic, threshold) for statistic in STATISTICS for threshold in THRESHOLDS)
ANY_INCREASE = READINGS[0]  # in which all was fitted that names no reading
DEFAULT_READING = next(reading for reading in READINGS if str(reading) == "chances > 30 %")  # of the shipped fit


def reading_of(text: str) -> Reading:
    """Find the reading that a text names.

    Parameters
    ----------
    text : str
        ``chances > 20 %``; case, spaces and the sign of percent do not matter.

    Returns
    -------
    Reading
        One of `READINGS`.

    Raises
    ------
    KamsimError
        One sentence with the nearest reading.
    """
    written = " ".join(text.lower().split())
    parts = _TEXT.fullmatch(written)
    if parts is None or parts[1] not in STATISTICS:
        raise KamsimError(
            f"{shown(text)} is no meaning (reading) of the published 51 %; {nearest(written, map(str, READINGS))}"
        )
    threshold = min(THRESHOLDS, key=lambda offered: abs(100 * offered - float(parts[2])))
    found = Reading(parts[1], threshold)
    if float(parts[2]) != float(f"{100 * threshold:.0f}"):
        raise KamsimError(f"{shown(text)} is no meaning (reading) of the published 51 %; did you mean '{found}'?")
    return found
