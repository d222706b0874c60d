"""Published claims taken apart: a table, sentences in plain words, and the folder that keeps them with the charts."""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from rich.text import Text

from kamsim.analysis.explain import CONTENT, ClaimExplained, Explanation, Part
from kamsim.report.tables import NOTHING, Scale, line_of, widths_of

LABEL_WIDTH = 44
TITLES = {
    "large_spend": "Chance to grow: elevated for large spend, to elevated by enterprise criteria",
    "collaboration": "Spend of key accounts: where KAMs report high collaboration, to the rest",
    "rebuilds": "Organizations that rebuild their program twice or more",
    "quota": "Years in which organizations miss the quota on key accounts",
}
_SCALES = {
    "times": Scale(1.0, 2, ""),
    "share": Scale(100.0, 1, " %"),
    "points": Scale(100.0, 1, " %"),
    "change": Scale(100.0, 1, " %"),
}
_SIGNED = ("points", "change")
_LEGEND = (
    "x: factors, the parts multiply to the figure; %: the parts add up to it\n"
    "effect: on what these accounts spend; every other kind only looks\n"
    "like one; rest: what is left without any of the other parts\n"
    "removing only: what changes if only this were removed, all else left as is\n"
)


def explanation_files(explanation: Explanation) -> dict[str, bytes]:
    """Files that keep an explanation: its content as JSON, and a chart of each claim.

    Parameters
    ----------
    explanation : Explanation
        From `kamsim.analysis.explain.explain`.

    Returns
    -------
    dict
        Contents by name, for the folder of the study.
    """
    from kamsim.report.figures import explanation_figure

    text = json.dumps(content_of(explanation), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    charts = {f"{one.claim}.png": explanation_figure(one, explanation.organizations) for one in explanation.claims}
    return {CONTENT: text.encode(), **charts}


def content_of(explanation: Explanation) -> dict[str, Any]:
    """Explanation as plain values, each claim with its sentences.

    Parameters
    ----------
    explanation : Explanation
        From `kamsim.analysis.explain.explain`.

    Returns
    -------
    dict
        For JSON.
    """
    claims = [{**claim.to_dict(), "sentences": sentences_of(claim)} for claim in explanation.claims]
    return {**explanation.to_dict(), "claims": claims}


# ---------------------------------------------------------------- table


def explanation_tables(explanation: Explanation) -> list[Text | str]:
    """Tables and sentences of an explanation, claim by claim, at most 80 columns wide.

    Parameters
    ----------
    explanation : Explanation
        From `kamsim.analysis.explain.explain`.

    Returns
    -------
    list of Text or str
        A table and its sentences for each claim, then what the words mean.
    """
    shown: list[Text | str] = []
    for claim in explanation.claims:
        shown += [claim_table(claim), "\n".join(sentences_of(claim))]
    return [*shown, Text(_LEGEND, style="dim")]


def claim_table(claim: ClaimExplained) -> Text:
    """Table of a claim: its figure, the parts that make it, and what else the twins tell.

    Parameters
    ----------
    claim : ClaimExplained
        From `kamsim.analysis.explain.explain`.

    Returns
    -------
    Text
        Effects stand out in green.
    """
    header = ("", "", "95 % interval", "kind")
    groups = (("", (claim.figure,)), ("  made of", claim.parts), ("  besides", claim.besides))
    bodies = [(heading, [_row(part, 4 if heading else 2) for part in parts]) for heading, parts in groups if parts]
    widths = widths_of([header, *(row for _, body in bodies for row in body)], most=LABEL_WIDTH + 4)
    published = shown(claim.published, claim.figure.unit)
    table = Text(f"{TITLES[claim.claim]}\n", style="bold")
    table.append(f"{line_of(header, widths)}\n  {'published':<{widths[0] - 2}}  ", style="not bold dim")
    table.append(f"{published.rjust(widths[1])}\n", style="not bold dim")
    for heading, body in bodies:
        table.append(f"{heading}\n" if heading else "", style="not bold dim")
        for row in body:
            table.append(line_of(row, widths) + "\n", style="not bold green" if row[-1] == "effect" else "not bold")
    return table


def _row(part: Part, indent: int) -> tuple[str, ...]:
    kind = "" if part.kind == "figure" else part.kind
    return f"{'':<{indent}}{part.label}", shown(part.value, part.unit), interval(part), kind


def shown(value: float, unit: str) -> str:
    """Show a figure in its unit: ``x 0.81``, ``58.1 %``, ``+3.2 %``.

    Parameters
    ----------
    value : float
        NaN shows as no figure.
    unit : str
        Of a `Part`.

    Returns
    -------
    str
        Differences with their sign.
    """
    if math.isnan(value):
        return NOTHING
    scale = _SCALES[unit]
    return f"{'x ' if unit == 'times' else ''}{scale.shown(value, '+' if unit in _SIGNED else '')}{scale.unit}"


def interval(part: Part) -> str:
    """Show the interval of a part, without its unit."""
    if math.isnan(part.low):
        return NOTHING
    scale, sign = _SCALES[part.unit], "+" if part.unit in _SIGNED else ""
    return f"{scale.shown(part.low, sign)} to {scale.shown(part.high, sign)}"


# ---------------------------------------------------------------- sentences


def sentences_of(claim: ClaimExplained) -> list[str]:
    """Say in plain words what a survey shows, and what of it is an effect.

    Parameters
    ----------
    claim : ClaimExplained
        From `kamsim.analysis.explain.explain`.

    Returns
    -------
    list of str
        Two or three sentences, or one that says why something cannot be told.
    """
    return [claim.untold] if claim.untold else _SENTENCES[claim.claim](claim)


def _large_spend(claim: ClaimExplained) -> list[str]:
    figure, effect = claim.figure, claim.effect
    chosen, compared = _product(claim, ["selection"]), _product(claim, ["comparison", "confounding"])
    return [
        f"Accounts elevated for large spend are {_likelier(figure.value)} to grow than those elevated by enterprise "
        f"criteria ({_between(figure)}; published: {_likelier(claim.published)}).",
        f"Being elevated itself makes them {_likelier(effect.value)} to grow ({_between(effect)}"
        f"{_unsure(effect)}); the rest comes from which accounts are chosen ({shown(chosen, 'times')}) and what "
        f"they are compared with ({shown(compared, 'times')}).",
    ]


def _collaboration(claim: ClaimExplained) -> list[str]:
    figure, effect = claim.figure, claim.effect
    part = {part.name: part for part in (*claim.parts, *claim.besides)}
    return [
        f"Key accounts of KAMs who report high collaboration spend {_with_interval(figure)} what the others spend "
        f"(published: {shown(claim.published, 'times')}).",
        f"If collaboration had no effect on spend, they would still spend {_with_interval(part['without_effect'])}; "
        "given to every key account in all years, the level of those who report high brings "
        f"{_with_interval(part['set_by_hand'])} the spend that the level of the others brings.",
        f"Interactions shared out, the effect of collaboration is {_with_interval(effect)}{_unsure(effect)}, that of "
        f"large accounts going to well-tied KAMs {_with_interval(part['sorting'])}, that of functions serving large "
        f"accounts first {_with_interval(part['preference'])}.",
    ]


def _rebuilds(claim: ClaimExplained) -> list[str]:
    part, besides = ({part.name: part for part in parts} for parts in (claim.parts, claim.besides))
    before, after, stayed = (besides[f"attained_{when}"] for when in ("before", "after", "had_it_stayed"))
    return [
        f"{_with_interval(claim.figure)} of organizations rebuild twice or more (published: "
        f"{shown(claim.published, 'share')}); a first rebuild follows a year that attains "
        f"{shown(before.value, 'share')} of the quota, and the next attains {shown(after.value, 'share')}.",
        f"Without the rebuild that year would have attained {shown(stayed.value, 'share')}: what one rebuild itself "
        f"does to sales in three years is {_with_interval(claim.effect)}{_unsure(claim.effect)}, to profit "
        f"{_with_interval(besides['profit_later'])}, incl. the one-off cost of the rebuild.",
        f"Judged without luck in orders, {shown(besides['rebuilds_by_luck'].value, 'share')} of programs that rebuild "
        f"would not have done so by then, and {shown(part['rest'].value, 'share')} of all would rebuild twice or more.",
    ]


def _quota(claim: ClaimExplained) -> list[str]:
    part = {part.name: part for part in claim.parts}
    expected = sum(part.value for part in claim.parts if part.kind == "expectation")
    return [
        f"{_with_interval(claim.figure)} of years miss the quota (published: {shown(claim.published, 'share')}); "
        f"{shown(part['rest'].value, 'share')} would without the causes told apart here: luck of orders and wallets in "
        "the year itself, and rivals.",
        f"What is expected adds {_points(expected)}, quotas built on lucky years {_points(part['luck'].value)}, "
        f"industry shocks {_points(part['industry'].value)}; of effects on what accounts spend, concessions set after "
        f"the quota was built on list prices add {_points(part['concessions'].value)} and KAMs who leave "
        f"{_points(part['turnover'].value)}, together {_points(claim.effect.value)} ({interval(claim.effect)}"
        f"{_unsure(claim.effect)}).",
    ]


_SENTENCES: dict[str, Callable[[ClaimExplained], list[str]]] = {
    "large_spend": _large_spend,
    "collaboration": _collaboration,
    "rebuilds": _rebuilds,
    "quota": _quota,
}


def _product(claim: ClaimExplained, kinds: Iterable[str]) -> float:
    return math.prod(part.value for part in claim.parts if part.kind in kinds)


def _likelier(factor: float) -> str:
    change = round(100.0 * (factor - 1.0))
    if not change:
        return "neither more nor less likely"
    return f"{abs(change)} % {'more' if change > 0 else 'less'} likely"


def _between(part: Part) -> str:
    between = "" if math.isnan(part.low) else f", {interval(part)}"
    return f"{shown(part.value, part.unit)}{between}"


def _with_interval(part: Part) -> str:
    between = "" if math.isnan(part.low) else f" ({interval(part)})"
    return f"{shown(part.value, part.unit)}{between}"


def _unsure(effect: Part) -> str:
    neutral = 1.0 if effect.unit == "times" else 0.0
    return ", not surely any" if effect.low <= neutral <= effect.high else ""


def _points(value: float) -> str:
    return f"{Scale(100.0, 1, '').shown(value, '+')} points"
