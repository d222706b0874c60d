"""Table of patterns that a scenario is held against, by how they were used, and what the score is worth."""

import math
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from kamsim.errors import on_one_line
from kamsim.report.table import NOTHING, Group, Mark, Row, Scale, Table, lower, percent
from kamsim.report.world_fit import fact_groups

if TYPE_CHECKING:
    from kamsim.studies.calibrate_world import WorldFact
    from kamsim.studies.validate import Validation
    from kamsim.studies.validate_checks import Check, Figure
    from kamsim.studies.validate_score import Score

INDENT = "  "
MOST_PARTS = 3  # more are for machines: the reason says which of them are outside
BY_CHANCE = 0.05  # of random sets, up to which a score as high is more than chance
FOR_FREE = 0.5  # of random sets, above which a pattern comes with the form of the model
_MARKS: dict[str, Mark] = {"pass": "good", "miss": "bad"}
_USES = {
    "held back": "Held back: used neither in choosing rules nor in fitting",
    "checked": "Checked: known when rules were chosen, but not fitted to",
    "fitted": "Fitted: parameters were chosen so that these hold; a pass is no evidence",
}
_LABELS = {
    "rebuilt_once": "Rebuilt in 7 years",
    "top_share": "Sales of top 20 %",
    "departure_cost": "A KAM's departure",
    "demotion_against_promotion": "Demotion hurts more",
    "demoted_below": "Sales once demoted",
    "rank_rule_miss": "New in the top 20 %",
    "retention": "Retention by decile",
    "growth": "Growth by decile",
    "steady_growth": "Steady buyers' growth",
    "trust_gap": "Trust gap",
    "margin_gap": "Margin gap",
    "whale_peak": "Peak of whale curve",
    "service_used": "Service fully used",
    "programs_pay": "Programs pay",
    "promotion": "promotion",
    "demotion": "demotion",
    "all": "all accounts",
    "steady": "steady buyers",
    "after_own_cost": "less cost to serve",
    "after_service": "and less service",
    "kams_used": "KAMs, all accounts",
}
_SCALES = {
    "part": Scale(100.0, 1, "%"),
    "log": Scale(100.0, 1, "%"),
    "deciles": Scale(1.0, 0, "of 10"),
    "sd": Scale(1.0, 2, "sd"),
    "times": Scale(1.0, 2, "x"),
}


def tell(validation: "Validation") -> tuple[Table | str, ...]:
    """Tell a validation: its table, that of the facts of one's own book, and what its scores are worth."""
    own = (own_facts_table(validation),) if validation.facts else ()
    return validation_table(validation), *own, *validation_sentences(validation)


def validation_table(validation: "Validation") -> Table:
    """Table of patterns by use: what was observed, what is simulated, how often by chance, and the verdict.

    A note says each pattern in words and what limits the figure, and what a miss means for a decision. One's own book
    comes last, under its name.
    """
    groups = [(_USES[use], list(checks)) for use, checks in groupby(validation.checks, key=lambda check: check.use)]
    groups += [(f"Against {_name_of_book(validation)}", list(validation.books))] if validation.books else []
    rows = tuple(Group(heading, tuple(row for check in checks for row in _rows(check))) for heading, checks in groups)
    return Table(rows, ("", "observed", "simulated", "95 % interval", "random", ""), legend=_legend(validation))


def own_facts_table(validation: "Validation") -> Table:
    """Table of the facts of one's own book: their range over its years, and what its futures show."""
    legend = (
        f"its years: lowest and highest of its last {validation.facts_years} years, or of pairs of them",
        f"after it: mean of {validation.organizations} simulated futures, of as many years from its end on",
        "near: outside by less than two standard errors of the book's own figure; no: by more; a single figure is no "
        "range and holds within two standard errors",
    )
    columns = (f"Facts of {_name_of_book(validation)}", "its years", "after it", "")
    return Table(fact_groups(validation.facts, _verdict_on), columns, "", legend, True)


def _name_of_book(validation: "Validation") -> str:
    return on_one_line(Path(validation.books[0].source).name)


def _verdict_on(fact: "WorldFact") -> str:
    if not fact.holds:
        return "no"
    return "" if fact.low == fact.high or fact.low <= fact.value <= fact.high else "near"


def _legend(validation: "Validation") -> tuple[str, ...]:
    deciles = "by decile, of 10: how many of the ten deciles of accounts by spend lie within the range of real books"
    survey = "the four published figures of the survey were fitted too: see kamsim survey"
    if not validation.random_sets:
        return (survey, deciles)
    return (
        survey,
        f"random: how many of {validation.random_sets} parameter sets drawn at random (each value from its plausible "
        f"range) show the same, in {validation.random_organizations} of these suppliers",
        deciles,
    )


def _rows(check: "Check") -> list[Row]:
    """Rows of a check and, where there are few, of its parts."""
    rows = [Row(_cells(check, check.unit, percent(check.by_chance), check.verdict), _MARKS.get(check.verdict, ""))]
    if len(check.parts) <= MOST_PARTS:
        rows += [Row(_cells(part, check.unit, "", "", INDENT)) for part in check.parts]
    note = f"{check.says}; {check.reason}\nA miss means: {check.meaning}"
    return [*rows[:-1], rows[-1]._replace(note=note)]


def _cells(figure: "Check | Figure", unit: str, chance: str, verdict: str, indent: str = "") -> tuple[str, ...]:
    scale = _SCALES[unit]
    label = f"{indent}{_LABELS.get(figure.name, figure.name)}{', ' * bool(scale.unit)}{scale.unit}"
    observed = _range(figure.observed_low, figure.observed_high, scale)
    simulated, interval = scale.shown(figure.simulated), _range(figure.low, figure.high, scale)
    return label, observed, simulated, interval, chance, verdict


def _range(low: float, high: float, scale: Scale) -> str:
    if math.isnan(low):
        return NOTHING
    if math.isinf(high):
        return f"above {scale.shown(low)}"
    if math.isinf(low):
        return f"below {scale.shown(high)}"
    return scale.shown(low) if low == high else scale.between(low, high)


# ---------------------------------------------------------------- sentences


def validation_sentences(validation: "Validation") -> list[str]:
    """Say how many patterns hold, which do not, what that is worth, and which of them come for free."""
    unknown = [check for check in validation.checks if check.verdict == "unknown"]
    return [
        *(_score_sentence(score, validation) for score in validation.scores if score.judged),
        *([f"Cannot be checked here: {_named(unknown)}."] if unknown else []),
        *_free_sentences(validation),
        *_own_sentences(validation),
    ]


def _own_sentences(validation: "Validation") -> list[str]:
    """Say how many facts of one's own book its futures show."""
    facts = validation.facts
    if not facts:
        return []
    verdicts = [_verdict_on(fact) for fact in facts]
    missed = dict.fromkeys(fact.row for fact, verdict in zip(facts, verdicts, strict=True) if verdict == "no")
    near = verdicts.count("near")
    said = f", {near} more by less than two standard errors" if near else ""
    book = _name_of_book(validation)
    told = f"{verdicts.count('')} of {len(facts)} facts of {book} hold in its own futures{said}"
    return [f"{told}; missed: {'; '.join(missed)}." if missed else f"{told}."]


def _score_sentence(score: "Score", validation: "Validation") -> str:
    is_fitted = score.use == "fitted"
    missed = [c for c in validation.checks if c.verdict == "miss" and (c.use == "fitted") == is_fitted]
    whose = "that were fitted" if is_fitted else "that were not fitted"
    others = f"; missed: {_named(missed)}" if missed else ""
    worth = f" {_worth(score, validation)}" if validation.random_sets else ""
    return f"{score.held} of {score.judged} facts {whose} hold{others}.{worth}"


def _worth(score: "Score", validation: "Validation") -> str:
    """What a score is worth against random sets in the same organizations."""
    few = validation.random_organizations
    own = "" if few == validation.organizations else f"In {few} of the suppliers {score.held_in_few} hold; there random"
    random = (
        f"parameter sets show {score.random_mean:.1f} on average ({score.random_low:.0f} to {score.random_high:.0f}), "
        f"and as many or more in {_of_sets(score.as_many)}"
    )
    return f"{own or 'Random'} {random}."


def _of_sets(part: float) -> str:
    said = f"{percent(part)} of them" if part > 0.0 else "none of them"
    return f"{said}: {'chance may give as many' if part > BY_CHANCE else 'more than chance gives'}"


def _free_sentences(validation: "Validation") -> list[str]:
    """Name what more than half of random sets show: passes that come for free, and misses that the fit brings."""
    said = {
        "pass": "More than half of the random sets show these too, so a pass says nothing about the fit",
        "miss": "Missed here, but shown by more than half of the random sets",
    }
    free = [check for check in validation.checks if check.by_chance > FOR_FREE]
    by_verdict = {verdict: [check for check in free if check.verdict == verdict] for verdict in said}
    return [f"{said[verdict]}: {_named(checks)}." for verdict, checks in by_verdict.items() if checks]


def _named(checks: "list[Check]") -> str:
    return ", ".join(lower(_LABELS.get(check.name, check.name)) for check in checks)
