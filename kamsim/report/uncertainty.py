"""Table and sentences of a comparison over all parameter sets that fit the evidence."""

import math
import re
import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

from kamsim.analysis.uncertainty import AGREEING, BEST_FROM, FEW_SETS
from kamsim.evidence.ledger import number_text
from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.report.tables import GAP, MEDIAN_WALLETS, NOTHING, TOTAL_PROFIT, Scale, line_of, scale_of, widths_of

if TYPE_CHECKING:
    from kamsim.analysis.flips import Condition, Driver, Flip
    from kamsim.analysis.uncertainty import Lead, Leaning, UncertainComparison, UncertainMeasure

WIDTH = 80
NARROWEST = 12  # column of names, where figures are long
MOST_LISTED = 4  # names in a sentence
_STYLES = {"better": "not dim green", "worse": "not dim red"}


def uncertainty_table(comparison: "UncertainComparison") -> Text:
    """Table of a comparison under uncertainty: measures one below the other, a line per scenario, 80 columns wide.

    Parameters
    ----------
    comparison : UncertainComparison
        From `kamsim.analysis.uncertainty.compare_under_uncertainty`.

    Returns
    -------
    Text
        The verdict is the last word of each line.
    """
    header = ("", "difference", "worlds", "95 % of sets", "best", "regret", "")
    bodies = [(measure, *_body(comparison, measure)) for measure in MEASURES]
    rows = [header, *(row for _, _, body in bodies for row in body)]
    widths = widths_of(rows)
    beyond = sum(widths) + len(GAP) * (len(widths) - 1) - WIDTH
    widths = widths_of(rows, most=max(NARROWEST, widths[0] - max(0, beyond)))
    table = Text(line_of(header, widths) + "\n", style="dim")
    for _, heading, body in bodies:
        table.append(f"\n{heading}\n", style="not dim bold")
        for row in body:
            table.append(line_of(row, widths) + "\n", style=_STYLES.get(row[-1], "not dim"))
    table.append(_legend(comparison))
    return table


def _legend(comparison: "UncertainComparison") -> str:
    same = " in the same" if comparison.same_worlds else ", each in"
    sentences = [
        f"difference: to {comparison.reference}, mean over {comparison.sets:,} parameter sets{same} "
        f"{comparison.replications:,} worlds",
        "worlds: how far these worlds leave that mean open, 95 %; less with more of them (-n)",
        f"better, worse: {_percent(AGREEING)} of the sets agree, and the worlds rule out mere luck",
        "best: probability that no other scenario does better",
        "regret: what is lost against the best scenario of each set, mean over sets; the best is chosen in half of "
        "the worlds, the loss told in the others",
    ]
    wallets = [MEDIAN_WALLETS] if set(comparison.unit_of_money) == {1.0} else []
    return "\n" + "\n".join(line for words in (*sentences, *wallets) for line in textwrap.wrap(words, WIDTH)) + "\n"


def _body(comparison: "UncertainComparison", measure: Measure) -> tuple[str, list[tuple[str, ...]]]:
    """Heading of a measure and its rows."""
    rows = [row for row in comparison.measures if row.measure == measure.name]
    scale = scale_of(measure, (row.mean for row in rows))
    unit = f", {scale.unit}" if scale.unit else ""
    direction = "higher" if measure.higher_is_better else "lower"
    mean = "" if math.isnan(rows[0].mean) else f"; reference {scale.shown(rows[0].mean)}"
    return f"{measure.label}{unit} ({direction} is better{mean})", [_row(row, scale) for row in rows]


def _row(row: "UncertainMeasure", scale: Scale) -> tuple[str, ...]:
    best, regret = _percent(row.probability_best), scale.shown(row.regret)
    if not row.verdict:
        return row.scenario, "reference", "", "", best, regret, ""
    interval = NOTHING if math.isnan(row.low) else f"{scale.shown(row.low, '+')} to {scale.shown(row.high, '+')}"
    verdict = NOTHING if math.isnan(row.difference) else row.verdict
    margin = NOTHING if math.isnan(row.margin) else f"+-{scale.shown(row.margin)}"
    return row.scenario, scale.shown(row.difference, "+"), margin, interval, best, regret, verdict


def _percent(part: float) -> str:
    return NOTHING if math.isnan(part) else f"{100 * part:.0f} %"


# ---------------------------------------------------------------- sentences


def uncertainty_sentences(comparison: "UncertainComparison") -> str:
    """Say in plain words which policy earns most, how surely, where that flips, and how far it rests on assumptions.

    Parameters
    ----------
    comparison : UncertainComparison
        From `kamsim.analysis.uncertainty.compare_under_uncertainty`.

    Returns
    -------
    str
        A sentence a line; empty where there is nothing to compare with.
    """
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
    between = f"{100 * lead.low:.0f} to {_percent(lead.high)} from the worlds"
    if len(best.scenarios) == 1:
        return f"{lead.scenario} is best on total profit: probability {_percent(lead.probability_best)} ({between})."
    chances = {row.scenario: _percent(row.probability_best) for row in _profit_rows(comparison)}
    chances[lead.scenario] += f"; {between}"
    among = _listed([f"{name} ({chances[name]})" for name in best.scenarios], "or")
    why = f"none reaches {_percent(BEST_FROM)}"
    if lead.probability_best >= BEST_FROM:
        why = (
            "the worlds do not tell them apart" if not lead.apart else f"fewer than {_percent(AGREEING)} of sets agree"
        )
    return f"It cannot be told which is best on total profit, {among}: {why}."


def _lead_sentence(comparison: "UncertainComparison", lead: "Lead") -> str:
    scale = scale_of(TOTAL_PROFIT, (row.mean for row in _profit_rows(comparison)))
    unit = f" {scale.unit}" if scale.unit else ""
    gap = f"{scale.shown(lead.difference, '+')}{unit} +- {scale.shown(lead.margin)} from the worlds"
    start = f"Total profit of {lead.scenario} against {lead.rival}: {gap}"
    if lead.apart:
        return f"{start}."
    return f"{start}, and the {comparison.replications:,} worlds do not tell these two apart: more with -n."


def _verdicts_sentence(comparison: "UncertainComparison") -> str:
    rows = _profit_rows(comparison)
    groups = {verdict: [row.scenario for row in rows if row.verdict == verdict] for verdict in _VERDICTS}
    said = "; ".join(f"{_VERDICTS[verdict]}{', '.join(names)}" for verdict, names in groups.items() if names)
    return f"Total profit against {comparison.reference}: {said}."


_VERDICTS = {"better": "better ", "worse": "worse ", "same": "the same ", "cannot tell": "cannot be told for "}


def _profit_rows(comparison: "UncertainComparison") -> list["UncertainMeasure"]:
    return [row for row in comparison.measures if row.measure == TOTAL_PROFIT.name]


def _flip_sentence(comparison: "UncertainComparison", lead: "Lead") -> str:
    if comparison.sets < FEW_SETS:
        return ""
    if not lead.apart:
        return (
            f"Where the ranking flips is not told: what sets {lead.scenario} and {lead.rival} apart may be luck of the "
            "worlds."
        )
    return "" if comparison.flip is None else _flips(comparison.flip)


def _flips(flip: "Flip") -> str:
    if flip.best_in == 1.0:
        return f"The ranking never flips: {flip.policy} is best on total profit in every set."
    if not flip.conditions:
        often = f"{flip.policy} is best on total profit in {_percent(flip.best_in)} of sets"
        return f"{often}; no single parameter (or pair) tells where the ranking flips."
    where = " and ".join(map(condition_text, flip.conditions))
    change = "stops being best" if flip.inside < 0.5 else "is less often best"
    instead = "" if flip.instead == flip.policy else f", where mostly {flip.instead} is"
    return (
        f"{flip.policy} {change} on total profit where {where}: best in {_percent(flip.inside)} of such sets{instead}, "
        f"against {_percent(flip.outside)} of the others."
    )


def condition_text(condition: "Condition") -> str:
    """Say a condition in plain words: ``mean growth of wallets (world.market_growth) is above 0.021 log a year``."""
    low, high = (number_text(float(f"{end:.3g}")) for end in (_finite(condition.low), _finite(condition.high)))
    if math.isinf(condition.high):
        bounds = f"above {low}"
    else:
        bounds = f"at most {high}" if math.isinf(condition.low) else f"from {low} to {high}"
    return f"{meaning_of(condition)} ({condition.parameter}) is {bounds} {condition.unit}"


def meaning_of(parameter: "Condition | Driver") -> str:
    """Meaning of a parameter without what the ledger adds after a colon or semicolon."""
    return re.split(r"[:;]", parameter.meaning)[0]


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


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
        said.append(f"{first.scenario} is then more probably best ({_percent(first.probability_best_moved)})")
    said.append(f"verdicts that change: {', '.join(changed)}" if changed else "no verdict changes")
    return f"{start}: {'; '.join(said)}."


def _leans(row: "Leaning", reference: str) -> str:
    still = "still " if row.agreeing_moved >= 0.5 else ""
    return (
        f"{row.scenario} {still}{row.claim} than {reference} in {_percent(row.agreeing_moved)} of sets "
        f"(was {_percent(row.agreeing)}) and best with probability {_percent(row.probability_best_moved)} "
        f"(was {_percent(row.probability_best)})"
    )


def _drivers_sentence(comparison: "UncertainComparison") -> str:
    one, other = comparison.compared
    difference = f"The difference of {one} to {other}"
    if not comparison.drivers:
        return f"{difference} depends on no single parameter more than chance would have it."
    said = [
        f"{meaning_of(driver)} ({driver.parameter}, {driver.kind}; {'rises' if driver.correlation > 0 else 'falls'} "
        "with it)"
        for driver in comparison.drivers
    ]
    return f"{difference} depends most on {_listed(said, 'and')}."


def _listed(words: list[str], last: str) -> str:
    words = [*words[:MOST_LISTED], f"{len(words) - MOST_LISTED} more"] if len(words) > MOST_LISTED else words
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
