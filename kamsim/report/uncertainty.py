"""Table and sentences of a comparison over all parameter sets that fit the evidence."""

import math
import textwrap
from typing import TYPE_CHECKING

from kamsim.analysis.agreement import AGREEING
from kamsim.measures.choice import named
from kamsim.measures.outcomes import Measure
from kamsim.report.bridge import bridge_table, gain_table
from kamsim.report.comparison import MARK_OF
from kamsim.report.plot import (
    BLUE,
    FONT,
    GRAY,
    INK,
    canvas,
    draw_difference,
    dress_small,
    key_of_verdicts,
    png,
    room_for,
    say_below,
    short_name,
)
from kamsim.report.table import (
    NOTHING,
    TOTAL_PROFIT,
    Group,
    Row,
    Scale,
    Table,
    amount_in_words,
    heading_of,
    meaning_of,
    money_in_words,
    percent,
    scale_of,
    short_number,
)
from kamsim.studies.over_sets import FEW_SETS
from kamsim.studies.uncertainty import BEST_FROM

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

    from kamsim.analysis.corners import Condition, Flip
    from kamsim.studies.uncertainty import Lead, Leaning, UncertainComparison, UncertainMeasure

MOST_LISTED = 4  # names in a sentence


def tell(comparison: "UncertainComparison") -> tuple[Table, Table, Table, str]:
    """Tell a comparison under uncertainty: whether policies pay and from what, its table and its sentences."""
    gains, bridge = gain_table(comparison), bridge_table(comparison)
    return gains, bridge, uncertainty_table(comparison), uncertainty_sentences(comparison)


def uncertainty_table(comparison: "UncertainComparison") -> Table:
    """Table of measures one below the other, a line per scenario; the verdict is the last word of each line."""
    same = ", the same for all programs" if comparison.same_worlds else ""
    legend = (
        f"difference: to the program that the heading names, mean over {comparison.sets:,} parameter sets (above: at "
        f"the best fit), each in {comparison.replications:,} market scenarios of its own{same}",
        "luck: how far luck alone may move that mean, 95 %; less with more `replications`",
        f"better, worse: {percent(AGREEING)} of the sets agree, and it is not luck alone",
        "best: probability that no other program does better; own key accounts: each program has selected others",
        "regret: what is lost by choosing this one where another is best, mean over sets; the best is found in half of "
        "the market scenarios, the loss told in the others",
        money_in_words(comparison.horizon),
    )
    columns = ("", "difference", "luck", "95 % of sets", "best", "regret", "")
    return Table(tuple(_group(comparison, measure) for measure in named(comparison.shown)), columns, legend=legend)


def _group(comparison: "UncertainComparison", measure: Measure) -> Group:
    rows = [row for row in comparison.measures if row.measure == measure.name]
    scale = scale_of(measure, (row.mean for row in rows), comparison.horizon.unit)
    base = next(row for row in rows if row.scenario == row.against)
    name = "reference" if base.scenario == comparison.reference else short_name(base.scenario, 16)
    mean = "" if math.isnan(base.mean) else f"{name} {scale.shown(base.mean)}"
    return Group(heading_of(measure, scale, mean, comparison.horizon), tuple(_scenario_row(row, scale) for row in rows))


def _scenario_row(row: "UncertainMeasure", scale: Scale) -> Row:
    best, regret = percent(row.probability_best), scale.shown(row.regret)
    if row.scenario == row.against:
        return Row((row.scenario, "reference", "", "", best, regret, ""))
    verdict = NOTHING if math.isnan(row.difference) else row.verdict
    margin = NOTHING if math.isnan(row.margin) else f"+-{scale.shown(row.margin)}"
    interval = scale.between(row.low, row.high, "+")
    cells = (row.scenario, scale.shown(row.difference, "+"), margin, interval, best, regret, verdict)
    return Row(cells, MARK_OF.get(verdict, ""))


# ---------------------------------------------------------------- sentences


def uncertainty_sentences(comparison: "UncertainComparison") -> str:
    """Say in plain words which policy earns most, how surely, where that flips, and on what it rests."""
    if comparison.lead is None:
        return ""
    sentences = [
        _best_sentence(comparison, comparison.lead),
        _lead_sentence(comparison, comparison.lead),
        _verdicts_sentence(comparison),
        _flip_sentence(comparison, comparison.lead),
        _leaning_sentence(comparison),
        _drivers_sentence(comparison),
    ]
    return "\n".join(filter(None, sentences))


def _best_sentence(comparison: "UncertainComparison", lead: "Lead") -> str:
    best = next(best for best in comparison.best if best.measure == TOTAL_PROFIT.name)
    between = f"{100 * lead.low:.0f} to {percent(lead.high)} by luck alone"
    if len(best.scenarios) == 1:
        return f"{lead.scenario} is best on total profit: probability {percent(lead.probability_best)} ({between})."
    chances = {row.scenario: percent(row.probability_best) for row in _profit_rows(comparison)}
    chances[lead.scenario] += f"; {between}"
    among = _listed([f"{name} ({chances[name]})" for name in best.scenarios], "or")
    why = f"none reaches {percent(BEST_FROM)}"
    if lead.probability_best >= BEST_FROM:
        why = "their difference may be luck" if not lead.apart else f"fewer than {percent(AGREEING)} of sets agree"
    return f"It cannot be told which is best on total profit, {among}: {why}."


def _lead_sentence(comparison: "UncertainComparison", lead: "Lead") -> str:
    scale = scale_of(TOTAL_PROFIT, (row.mean for row in _profit_rows(comparison)), comparison.horizon.unit)
    amount = amount_in_words(lead.difference, scale, comparison.horizon.unit)
    gap = f"{amount}, +- {scale.shown(lead.margin)} by luck alone"
    start = f"Total profit of {lead.scenario} against {lead.rival}: {gap}"
    if lead.apart:
        return f"{start}."
    return f"{start}: {comparison.replications:,} market scenarios do not tell them apart; more `replications` may."


def _verdicts_sentence(comparison: "UncertainComparison") -> str:
    rows = _profit_rows(comparison)
    groups = {verdict: [row.scenario for row in rows if row.verdict == verdict] for verdict in _VERDICTS}
    said = "; ".join(f"{_VERDICTS[verdict]}{', '.join(names)}" for verdict, names in groups.items() if names)
    return f"Total profit against {comparison.reference}: {said}."


_VERDICTS = {"better": "better ", "worse": "worse ", "same": "the same ", "undecided": "undecided "}


def _profit_rows(comparison: "UncertainComparison") -> list["UncertainMeasure"]:
    return [row for row in comparison.measures if row.measure == TOTAL_PROFIT.name]


def _flip_sentence(comparison: "UncertainComparison", lead: "Lead") -> str:
    if comparison.sets < FEW_SETS:
        return ""
    if not lead.apart:
        return f"Where the ranking changes is not told: the difference of {lead.scenario} and {lead.rival} may be luck."
    return "" if comparison.flip is None else _flips(comparison.flip)


def _flips(flip: "Flip") -> str:
    if flip.best_in == 1.0:
        return f"The ranking never changes: {flip.policy} is best on total profit in every set."
    if not flip.conditions:
        often = f"{flip.policy} earns the most total profit in {percent(flip.best_in)} of sets"
        return f"{often}; no single parameter (or pair) tells where the ranking changes."
    where = " and ".join(map(condition_text, flip.conditions))
    change = "stops being best" if flip.inside < 0.5 else "is less often best"
    instead = "" if flip.instead == flip.policy else f", where mostly {flip.instead} is"
    return (
        f"{flip.policy} {change} on total profit where {where}: best in {percent(flip.inside)} of such sets{instead}, "
        f"against {percent(flip.outside)} of the others."
    )


def condition_text(condition: "Condition") -> str:
    """Say a condition in plain words: ``market growth (world.market_growth) is above 0.021 log a year``."""
    low, high = short_number(condition.low), short_number(condition.high)
    if math.isinf(condition.high):
        bounds = f"above {low}"
    else:
        bounds = f"at most {high}" if math.isinf(condition.low) else f"from {low} to {high}"
    return f"{meaning_of(condition.meaning)} ({condition.parameter}) is {bounds} {condition.unit}"


def _leaning_sentence(comparison: "UncertainComparison") -> str:
    start = f"Moving {comparison.assumed} of {comparison.assumed_known} assumed values by up to a quarter"
    if not comparison.assumed:
        return "None of the assumed values could be moved."
    shown = next((row for row in comparison.leaning if row.scenario in comparison.compared), None)
    said = [] if shown is None else [_leans(shown, comparison.reference)]
    changed = [f"{row.scenario} from {row.verdict} to {row.verdict_moved}" for row in comparison.leaning
               if row.verdict != row.verdict_moved]  # fmt: skip
    first = max(comparison.leaning, key=lambda row: row.probability_best_moved)
    if shown is not None and first.probability_best_moved > shown.probability_best_moved:
        said.append(f"{first.scenario} is then more probably best ({percent(first.probability_best_moved)})")
    said.append(f"verdicts that change: {', '.join(changed)}" if changed else "no verdict changes")
    return f"{start}: {'; '.join(said)}."


def _leans(row: "Leaning", reference: str) -> str:
    still = "still " if row.agreeing_moved >= 0.5 else ""
    return (
        f"{row.scenario} {still}{row.claim} than {reference} in {percent(row.agreeing_moved)} of sets "
        f"(was {percent(row.agreeing)}) and best with probability {percent(row.probability_best_moved)} "
        f"(was {percent(row.probability_best)})"
    )


def _drivers_sentence(comparison: "UncertainComparison") -> str:
    one, other = comparison.compared
    difference = f"The difference between {one} and {other}"
    if not comparison.drivers:
        return f"{difference} depends on no single parameter more than it would by chance."
    said = [
        f"{meaning_of(driver.meaning)} ({driver.parameter}, {driver.kind}; "
        f"{'rises' if driver.correlation > 0 else 'falls'} with it)"
        for driver in comparison.drivers
    ]
    return f"{difference} depends most on {_listed(said, 'and')}."


def _listed(words: list[str], last: str) -> str:
    words = [*words[:MOST_LISTED], f"{len(words) - MOST_LISTED} more"] if len(words) > MOST_LISTED else words
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


# ---------------------------------------------------------------- figure


def uncertainty_figure(comparison: "UncertainComparison") -> bytes:
    """Draw total profit, as a PNG: probability of being best, expected regret and difference, by scenario."""
    rows = [row for row in comparison.measures if row.measure == TOTAL_PROFIT.name]
    moved = {row.scenario: row.probability_best_moved for row in comparison.leaning}
    scale = scale_of(TOTAL_PROFIT, (row.mean for row in rows), comparison.horizon.unit)
    figure = canvas(3.4 + 0.7 * max(len(rows), 2) + room_for(comparison.notes))
    chance, regret, difference = figure.subplots(1, 3, sharey=True)
    for place, row in enumerate(rows):
        chance.barh(place, 100 * row.probability_best, height=0.55, color=BLUE)
        if row.scenario in moved:
            at = 100 * moved[row.scenario]
            chance.plot([at], [place], "D", color=INK, markerfacecolor="white", markersize=9, clip_on=False)
        regret.barh(place, row.regret * scale.factor, height=0.55, color=GRAY)
        if row.scenario == comparison.reference:
            continue
        low, high, at = (value * scale.factor for value in (row.low, row.high, row.difference))
        draw_difference(difference, place, row.verdict, (low, high), at)
    unit = f", {scale.unit}" if scale.unit else ""
    titles = ("Probability best, %", f"Expected regret{unit}", f"Difference{unit}, 95 % of sets")
    for panel, title in zip((chance, regret, difference), titles, strict=True):
        dress_small(panel, textwrap.fill(title, 32))
    chance.set_xlim(0, 100)
    difference.axvline(0, color=INK, linewidth=1.5)
    chance.set_yticks(range(len(rows)), [short_name(row.scenario, 30) for row in rows])
    chance.set_ylim(len(rows) - 0.4, -0.6)
    labels = {"better": "better", "worse": "worse", "": "cannot be told"}
    say_below(figure, [*key_of_verdicts(labels), _diamond()], comparison.notes, columns=4)
    against = short_name(comparison.reference_in_words, 60)
    figure.suptitle(
        f"Total profit against {against} under {comparison.sets:,} parameter sets\n"
        f"{money_in_words(comparison.horizon)}",
        fontsize=FONT + 4,
    )
    return png(figure)


def _diamond() -> "Line2D":
    from matplotlib.lines import Line2D

    return Line2D([], [], color=INK, marker="D", markerfacecolor="white", linestyle="", markersize=9,
                  label="with assumed values moved")  # fmt: skip
