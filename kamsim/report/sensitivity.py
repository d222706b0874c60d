"""Table and sentences of a sensitivity analysis."""

import math
import re
import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

from kamsim.analysis.points import measure_named
from kamsim.report.tables import GAP, MEDIAN_WALLETS, NOTHING, line_of, scale_of, widths_of
from kamsim.report.uncertainty import WIDTH

if TYPE_CHECKING:
    from kamsim.analysis.sensitivity import Influence, Sensitivity

NARROW = 20  # of the column of names where figures are long
MOST_NAMED = 4
EXPLAINED = 0.8  # part of the variance after which no further parameter is named
MUCH_LUCK = 0.1
LEAST_CORRELATION = 0.1
_NUMBERS = ("No parameter", "One parameter", "Two parameters", "Three parameters", "Four parameters")
_COUNTS = ("none", "one", "two", "three", "four")


def sensitivity_table(result: "Sensitivity") -> Text:
    """Table of the parameters in the order of their importance, 80 columns wide.

    Parameters
    ----------
    result : Sensitivity
        From `kamsim.analysis.sensitivity.sensitivity`.

    Returns
    -------
    Text
        What each explains with all that it does together with others, and alone, in % of the variance.
    """
    header = ("", "total", "95 %", "alone", "95 %", "", "kind")
    rows = [header, *(_row(influence) for influence in result.influences)]
    if result.others is not None:
        rows.append((f"{len(result.screened_out)} others together", *_row(result.others)[1:]))
    widths = widths_of(rows, most=28)
    if sum(widths) + len(GAP) * (len(widths) - 1) > WIDTH:
        widths = widths_of(rows, most=NARROW)
    table = Text(line_of(rows[0], widths) + "\n", style="dim")
    for row in rows[1:]:
        table.append(line_of(row, widths) + "\n", style="not dim")
    table.append(_legend(result))
    return table


def _row(influence: "Influence") -> tuple[str, ...]:
    parts = (influence.total, influence.total_low, influence.total_high)
    alone = (influence.first, influence.first_low, influence.first_high)
    return (
        influence.parameter,
        percent(parts[0]),
        _interval(*parts[1:]),
        percent(alone[0]),
        _interval(*alone[1:]),
        direction_of(influence),
        influence.kind,
    )


def percent(part: float) -> str:
    """Show a part of the variance; estimates may lie somewhat outside of 0 to 1."""
    return NOTHING if math.isnan(part) else f"{100 * min(1.0, max(0.0, part)):.0f} %"


def _interval(low: float, high: float) -> str:
    if math.isnan(low):
        return NOTHING
    return f"{percent(low).removesuffix(' %')} to {percent(high).removesuffix(' %')}"


def direction_of(influence: "Influence") -> str:
    """Say whether the measure rises or falls with a parameter; empty where neither is clear."""
    if math.isnan(influence.correlation) or abs(influence.correlation) < LEAST_CORRELATION:
        return ""
    return "rises" if influence.correlation > 0 else "falls"


def _legend(result: "Sensitivity") -> str:
    sentences = [
        f"total: part of the variance of {asked(result)} that goes with the parameter, {result.played:,} points in "
        f"the same {result.replications:,} worlds",
        "alone: the part that it explains whatever the other parameters are",
        "rises, falls: with the parameter",
    ]
    return "\n" + "\n".join(line for words in sentences for line in textwrap.wrap(words, WIDTH)) + "\n"


def asked(result: "Sensitivity") -> str:
    """Say what was asked about: ``the difference of full_program to status_quo in total profit``."""
    label = measure_named(result.measure).label
    label = label[:1].lower() + label[1:]
    if result.against:
        return f"the difference of {result.scenario} to {result.against} in {label}"
    return f"{label} of {result.scenario}"


# ---------------------------------------------------------------- sentences


def sensitivity_sentences(result: "Sensitivity") -> str:
    """Say in plain words what drives a measure, how far it varies, and how much of that is luck.

    Parameters
    ----------
    result : Sensitivity
        From `kamsim.analysis.sensitivity.sensitivity`.

    Returns
    -------
    str
        A sentence a line.
    """
    if not any(influence.total > 0 for influence in (*result.influences, *filter(None, [result.others]))):
        return f"Nothing that was varied changes {asked(result)}."
    return "\n".join([_explained(result), _spread(result), _luck(result)])


def named(result: "Sensitivity") -> list["Influence"]:
    """Parameters to name in a sentence: the fewest that explain most, four at most."""
    chosen: list[Influence] = []
    for influence in sorted(result.influences, key=lambda one: -one.first):
        if len(chosen) == MOST_NAMED or sum(one.first for one in chosen) >= EXPLAINED or influence.first <= 0:
            break
        chosen.append(influence)
    return chosen


def _explained(result: "Sensitivity") -> str:
    chosen = named(result)
    if not chosen:
        return f"No parameter by itself explains how {asked(result)} varies."
    part = percent(sum(one.first for one in chosen))
    verb = "explains" if len(chosen) == 1 else "explain"
    listed = "; ".join(_described(one) for one in chosen)
    return f"{_NUMBERS[len(chosen)]} {verb} {part} of how {asked(result)} varies: {listed}. {_assumed(chosen)}"


def _described(influence: "Influence") -> str:
    direction = direction_of(influence)
    return f"{short_meaning(influence)} ({influence.parameter}{f'; {direction} with it' if direction else ''})"


def short_meaning(influence: "Influence") -> str:
    """Meaning of a parameter without what the ledger adds after a colon or semicolon."""
    return re.split(r"[:;]", influence.meaning)[0]


def _assumed(chosen: list["Influence"]) -> str:
    assumed = [one.parameter for one in chosen if one.kind == "assumed"]
    if len(chosen) == 1:
        return f"It is {chosen[0].kind}."
    verb = "is" if len(assumed) < 2 else "are"
    which = f" ({', '.join(assumed)})" if assumed else ""
    return f"Of these {_COUNTS[len(assumed)]} {verb} assumed{which}."


def _spread(result: "Sensitivity") -> str:
    measure = measure_named(result.measure)
    scale = scale_of(measure, (result.mean, result.low, result.high))
    unit = {"money": MEDIAN_WALLETS}.get(measure.unit, "") if not scale.unit else scale.unit
    sign = "+" if result.against else ""
    mean, low, high = (scale.shown(value, sign) for value in (result.mean, result.low, result.high))
    together = 1.0 - sum(one.first for one in (*result.influences, *filter(None, [result.others])))
    said = f" {percent(together)} of the variance is parameters acting together." if together > 0.05 else ""
    shown = f" ({unit})" if unit else ""
    what = "The difference" if result.against else measure.label
    return f"{what} is {mean} on average, and {low} to {high} in 90 % of all cases{shown}.{said}"


def _luck(result: "Sensitivity") -> str:
    start = f"Luck of the {result.replications:,} worlds makes {_less(result.luck)} of what varies"
    gap = f"either half of them alone gives total parts that differ by at most {100 * result.gap:.0f} points"
    more = "; play more worlds (-n) for a surer answer" if result.luck >= MUCH_LUCK else ""
    return f"{start}; {gap}{more}."


def _less(part: float) -> str:
    return "less than 1 %" if part < 0.01 else f"about {percent(part)}"
