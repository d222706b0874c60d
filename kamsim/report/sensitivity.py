"""Table and sentences of a sensitivity analysis."""

import math
import textwrap
from typing import TYPE_CHECKING

from kamsim.report.over_ranges import asked, figures, legend_of_ranges
from kamsim.report.over_ranges import title as titled
from kamsim.report.plot import BLUE, INK, LARGE, canvas, dress_large, patch, png
from kamsim.report.table import NOTHING, Group, Row, Table, meaning_of
from kamsim.report.table import percent as unbounded

if TYPE_CHECKING:
    from kamsim.studies.sensitivity import Influence, Sensitivity

MOST_NAMED = 4
EXPLAINED = 0.8  # part of the variance after which no further parameter is named
MUCH_LUCK = 0.1
LEAST_CORRELATION = 0.1
_NUMBERS = ("No parameter", "One parameter", "Two parameters", "Three parameters", "Four parameters")
_COUNTS = ("none", "one", "two", "three", "four")


def tell(result: "Sensitivity") -> tuple[str, Table, str]:
    """Tell a sensitivity analysis: what the figure is, its table and its sentences."""
    return figures(result), sensitivity_table(result), sensitivity_sentences(result)


def sensitivity_table(result: "Sensitivity") -> Table:
    """Table of the parameters in the order of their importance.

    What each explains with all that it does together with others, and alone, in % of the variance.
    """
    rows = [_influence_row(influence, influence.parameter) for influence in result.influences]
    if result.others is not None:
        rows.append(_influence_row(result.others, f"{len(result.screened_out)} others together"))
    legend = (
        f"total: how much of the variation (variance) of that figure goes with the parameter, alone and together with "
        f"others; {result.played:,} combinations of values in the same {result.replications:,} market scenarios",
        "alone: what the parameter explains by itself, whatever the others are",
        "rises, falls: what the figure does when the parameter rises",
        *legend_of_ranges(result),
    )
    columns = ("", "total", "95 %", "alone", "95 %", "", "kind")
    return Table((Group("", tuple(rows)),), columns, titled("What matters most for", result), legend)


def _influence_row(influence: "Influence", name: str) -> Row:
    total, first = percent(influence.total), percent(influence.first)
    totals = _interval(influence.total_low, influence.total_high)
    firsts = _interval(influence.first_low, influence.first_high)
    return Row((name, total, totals, first, firsts, direction_of(influence), influence.kind))


def percent(part: float) -> str:
    """Show a part of the variance; estimates may lie somewhat outside of 0 to 1."""
    return unbounded(part if math.isnan(part) else min(1.0, max(0.0, part)))


def _interval(low: float, high: float) -> str:
    if math.isnan(low):
        return NOTHING
    return f"{percent(low).removesuffix(' %')} to {percent(high).removesuffix(' %')}"


def direction_of(influence: "Influence") -> str:
    """Say whether the measure rises or falls with a parameter; empty where neither is clear."""
    if math.isnan(influence.correlation) or abs(influence.correlation) < LEAST_CORRELATION:
        return ""
    return "rises" if influence.correlation > 0 else "falls"


# ---------------------------------------------------------------- sentences


def sensitivity_sentences(result: "Sensitivity") -> str:
    """Say in plain words what drives a measure, and how much of that is luck."""
    if not any(influence.total > 0 for influence in (*result.influences, *filter(None, [result.others]))):
        return f"Nothing that was varied changes {asked(result)}."
    return "\n".join(filter(None, [_explained(result), _together(result), _luck(result)]))


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
    return f"{meaning_of(influence.meaning)} ({influence.parameter}{f'; {direction} with it' if direction else ''})"


def _assumed(chosen: list["Influence"]) -> str:
    assumed = [one.parameter for one in chosen if one.kind == "assumed"]
    if len(chosen) == 1:
        return f"It is {chosen[0].kind}."
    verb = "is" if len(assumed) < 2 else "are"
    which = f" ({', '.join(assumed)})" if assumed else ""
    return f"Of these {_COUNTS[len(assumed)]} {verb} assumed{which}."


def _together(result: "Sensitivity") -> str:
    together = 1.0 - sum(one.first for one in (*result.influences, *filter(None, [result.others])))
    return f"{percent(together)} of the variation comes from parameters acting together." if together > 0.05 else ""


def _luck(result: "Sensitivity") -> str:
    start = f"Luck of the {result.replications:,} market scenarios makes {_less(result.luck)} of the variation"
    gap = f"between their two halves the column total differs by at most {100 * result.gap:.0f} points"
    more = "; more `replications` give a surer answer" if result.luck >= MUCH_LUCK else ""
    return f"{start}; {gap}{more}."


def _less(part: float) -> str:
    return "less than 1 %" if part < 0.01 else f"about {percent(part)}"


# ---------------------------------------------------------------- figure

ALONE, TOGETHER = BLUE, "#A6CFE6"


def sensitivity_figure(result: "Sensitivity") -> bytes:
    """Draw what each parameter explains, alone and with all that it does with others, as bars in a PNG."""
    others = [] if result.others is None else [result.others]
    rows = [*result.influences, *others]
    figure = canvas(4.2 + 1.15 * len(rows), pad=0.15)
    panel = figure.subplots()
    for place, row in enumerate(rows):
        total, first = (100 * max(0.0, value) for value in (row.total, row.first))
        panel.barh(place, total, height=0.62, color=TOGETHER)
        panel.barh(place, min(first, total), height=0.62, color=ALONE)
        ends = [100 * max(0.0, end) for end in (row.total_low, row.total_high)]
        panel.plot(ends, [place, place], color=INK, linewidth=4)
    labels = [f"{len(result.screened_out)} others together" if row in others else _bar_label(row) for row in rows]
    panel.set_xlim(left=0)
    what = "% of the variation; lines: 95 % intervals\n(+) rises, (\N{MINUS SIGN}) falls with it"
    dress_large(panel, labels, [percent(row.total) for row in rows], what, size=LARGE - 3)
    figure.suptitle(
        textwrap.fill(titled("What matters most for", result), 60), fontsize=LARGE, fontweight="bold", x=0.02, ha="left"
    )
    figure.legend(
        handles=[patch("alone", ALONE), patch("together with others", TOGETHER)],
        loc="outside lower center", ncols=2, frameon=False, fontsize=LARGE - 3,
    )  # fmt: skip
    return png(figure)


def _bar_label(influence: "Influence") -> str:
    direction = {"rises": " (+)", "falls": " (\N{MINUS SIGN})"}.get(direction_of(influence), "")
    kind = ", assumed" if influence.kind == "assumed" else ""
    meaning = textwrap.fill(meaning_of(influence.meaning), 29, max_lines=2, placeholder=" …")
    return f"{meaning}{kind}{direction}"
