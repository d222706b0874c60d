"""What every table is made of, whoever draws it, and how figures are written in it."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from kamsim.books.labels import names_currency
from kamsim.evidence.ledger import number_text
from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.measures.profit import Horizon

NOTHING = "-"  # where there is no figure, such as the growth of key accounts where nobody is elevated
TOTAL_PROFIT = next(measure for measure in MEASURES if measure.name == "total_profit")
_MAGNITUDES = ((1e10, 1e9, "billions"), (1e7, 1e6, "millions"), (1e5, 1e3, "thousands"))

Mark = Literal["", "good", "bad", "aside"]


class Row(NamedTuple):
    """A line of a table: a name, figures, and a last remark; where there is more to say, lines of a note below it."""

    cells: tuple[str, ...]
    mark: Mark = ""
    note: str = ""


class Group(NamedTuple):
    """Rows below a heading; without one they follow what stands above them."""

    heading: str
    rows: tuple[Row, ...]


class Table(NamedTuple):
    """A table as a record: a terminal or a page draws it, and nobody takes it apart again.

    The first column is mostly empty, and without ``columns`` there is no header. The legend says what the words in it
    mean, a sentence each; dense groups follow each other without a gap.
    """

    groups: tuple[Group, ...]
    columns: tuple[str, ...] = ()
    title: str = ""
    legend: tuple[str, ...] = ()
    dense: bool = False


class Scale(NamedTuple):
    """How the figures of one measure are shown."""

    factor: float
    decimals: int
    unit: str

    def shown(self, value: float | None, sign: str = "") -> str:
        """Show a figure in the unit of the model, ``sign`` "+" for that of gains too; `NOTHING` for no figure."""
        if value is None or math.isnan(value):
            return NOTHING
        text = f"{value * self.factor:{sign},.{self.decimals}f}"
        # A difference that rounds to nothing has no direction.
        return text.lstrip("+-") if not text.strip("+-0.,") else text

    def between(self, low: float, high: float, sign: str = "") -> str:
        """Show an interval, ``-3.1 to 4.0``; `NOTHING` where there is none."""
        return NOTHING if math.isnan(low) else f"{self.shown(low, sign)} to {self.shown(high, sign)}"

    def margin(self, low: float, high: float) -> str:
        """Show half the width of an interval, ``+-3.6``; `NOTHING` where there is none."""
        return NOTHING if math.isnan(low) else f"+-{self.shown((high - low) / 2)}"


def scale_of(measure: Measure, values: Iterable[float | None], money: str = "") -> Scale:
    """Scale on which figures of a measure are read most easily, one for all that will stand together.

    Its unit decides; money is shown in thousands or millions where figures are large, and with the currency of a book
    where ``money``, as `kamsim.books.labels.money_of` says it, names one.
    """
    if measure.unit.startswith("%"):
        return Scale(100.0, 1, measure.unit)
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    if not measure.is_money:
        return Scale(1.0, 2 if measure.unit == "count" else 3, "" if measure.unit == "count" else measure.unit)
    size, unit = next(((size, unit) for least, size, unit in _MAGNITUDES if largest >= least), (1.0, ""))
    digits = math.floor(math.log10(largest / size)) + 1 if largest > 0 else 1
    per = measure.unit.removeprefix("money").strip()
    named = in_money(unit, money if names_currency(money) else "")
    return Scale(1.0 / size, min(3, max(0, 4 - max(digits, 1))), " ".join(filter(None, (named, per))))


def amount_in_words(amount: float, scale: Scale, money: str) -> str:
    """Say a gain in money within a sentence: ``+57.4 thousands of EUR``, ``+57.4 in money`` where none is named."""
    shown = scale.shown(amount, "+")
    if not names_currency(money):
        return f"{shown} {scale.unit}".rstrip() + " in money"
    return f"{shown} {'in ' if scale.unit.startswith('the ') else ''}{scale.unit}"


def in_money(unit: str, money: str) -> str:
    """Name the unit of money in full, ``thousands of EUR``, where a scale says thousands alone."""
    return unit if money and unit.endswith(money) else " of ".join(filter(None, (unit, money)))


def heading_of(measure: Measure, scale: Scale, more: str = "", horizon: Horizon | None = None) -> str:
    """Name a measure with its unit and the direction that is better: the heading above its figures.

    Total profit also by the ``horizon`` that it is told of.
    """
    unit = f", {scale.unit}" if scale.unit else ""
    if horizon is not None and measure is TOTAL_PROFIT:
        unit = f", {horizon.in_words()}{unit}"
    said = "; ".join(filter(None, (measure.better, more)))
    return f"{measure.label}{unit}{f' ({said})' if said else ''}"


def money_in_words(horizon: Horizon, unit: str = "") -> str:
    """Say of what years money is, and in what: for the legend of a table, whose ``unit`` may be thousands of it."""
    return f"money: {horizon.in_words()}, in {in_money(unit, horizon.unit)}"


def year_from_launch(number: float, calendar: Sequence[str]) -> str:
    """Name a year, told by its number from the launch on, by the calendar if its years have names; NaN never comes."""
    if math.isnan(number):
        return "never"
    return calendar[round(number) - 1] if 1 <= round(number) <= len(calendar) else f"{number:.0f}"


def percent(part: float) -> str:
    """Show a part of a whole in percent."""
    return NOTHING if math.isnan(part) else f"{100 * part:.0f} %"


def short_number(value: float) -> str:
    """Show a number of any size with three digits."""
    return number_text(float(f"{value:.3g}")) if math.isfinite(value) else NOTHING


def lower(label: str) -> str:
    """Write a label as it stands within a sentence."""
    return label[:1].lower() + label[1:]


def meaning_of(meaning: str) -> str:
    """Meaning of a parameter without what the ledger adds in parentheses, or after a colon or semicolon."""
    return re.split("[:;]", re.sub(r" \([^()]*\)", "", meaning), maxsplit=1)[0]
