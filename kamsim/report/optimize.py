"""Table, sentences and figure of the best programs, and the scenario files that other commands go on with."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kamsim.analysis.agreement import AGREEING
from kamsim.errors import on_one_line
from kamsim.evidence.ledger import number_text
from kamsim.experiments.files import json_text, write_whole
from kamsim.measures.outcomes import MEASURES
from kamsim.report.bridge import LUCK, SETS, TENTHS
from kamsim.report.plot import BLUE, FONT, GRAY, INK, ORANGE, canvas, dress, few_ticks, png, room_for, say_below
from kamsim.report.scenarios import scenario_text
from kamsim.report.table import (
    TOTAL_PROFIT,
    Group,
    Mark,
    Row,
    Scale,
    Table,
    amount_in_words,
    in_money,
    lower,
    percent,
    scale_of,
    short_number,
)
from kamsim.studies.optimize import FOUND, Optimum, Program, Search

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

RESULT = "optimum.json"
FIGURE = "front.png"
PANEL = (460.0, 500.0)  # its size in points, near enough to keep labels apart
KNOWN = 3  # programs known before that are shown, beside the scenario itself
NO_STRENGTH, FULL_STRENGTH = 0.005, 0.995
_MISSES = next(measure for measure in MEASURES if measure.name == "quota_miss_rate")
RETIERING = "policy.retiering"
_LEVERS = {
    "policy.selection": "enterprise criteria",
    "policy.alignment": "cross-functional team",
    "policy.boundaries": "bilateral boundaries",
    RETIERING: "re-tiering",
    "policy.managed_downtiering": "managed down-tiering",
    "policy.sponsor": "executive sponsor",
    "elevation.capacity_check": "check of capacity",
    "quota.by_potential": "quotas by account plans",
}
_OF_REVIEWS = ("policy.retiering_years", "policy.retiering_share", "policy.health_threshold")


def tell(result: Optimum) -> tuple[Table, str]:
    """Tell what was found: the front beside programs known before, and in plain words what that comes to."""
    return front_table(result), "\n".join(sentences(result))


# ---------------------------------------------------------------- the table


def front_table(result: Optimum) -> Table:
    """Table of the front: what each program comes to, with what it chooses below."""
    scale = _money(result)
    found = tuple(_row(one, scale, called(result, one.name), in_words(result, one.chosen)) for one in result.front)
    known = tuple(_row(one, scale) for one in known_shown(result))
    columns = ("", "points", LUCK, SETS, "money", "missed", "invested", "regret", "")
    title = (
        "Programs that nothing in the search beat in profit, missed quotas and investment together, told by market "
        "scenarios that it never saw: against no program, "
        f"{result.horizon.in_words()}"
    )
    groups = (Group("Found", found), Group("Known before", known))
    return Table(groups, columns, title, tuple(_legend(result, scale)))


def _money(result: Optimum) -> Scale:
    return scale_of(TOTAL_PROFIT, (one.money for one in (*result.front, *result.known)), result.horizon.unit)


def known_shown(result: Optimum) -> list[Program]:
    """Of the programs known before the best, and the scenario itself."""
    best = list(result.known[:KNOWN])
    return best + [one for one in result.known[KNOWN:] if one.name == result.scenario]


def _row(one: Program, scale: Scale, remark: str = "", note: str = "") -> Row:
    mark: Mark = "good" if remark else ""
    cells = (
        one.name,
        TENTHS.shown(one.figures.gain, "+"),
        f"+-{TENTHS.shown(one.luck)}",
        TENTHS.between(one.sets_low, one.sets_high, "+"),
        scale.shown(one.money, "+"),
        percent(one.figures.missed),
        TENTHS.shown(one.figures.invested),
        TENTHS.shown(one.regret),
        remark,
    )
    return Row(cells, mark, note)


def called(result: Optimum, name: str) -> str:
    """What a program is the best in: ``most profit``, ``knee``, both or neither."""
    return ", ".join(word for word, who in (("most profit", result.best), ("knee", result.knee)) if who == name)


def _legend(result: Optimum, scale: Scale) -> Iterator[str]:
    some = f", some of {result.front_size} that none of {result.evaluations:,} programs tried beats"
    yield f"found: by the search, in {result.worlds:,} market scenarios of its own{some}"
    sets = f"{result.sets_checked:,} parameter sets" if result.posterior else "the best fit"
    others = "other parameter sets and " if result.posterior and result.sets_checked > 1 else ""
    yield (
        f"all figures are of {others}other market scenarios than those of the search: {result.worlds_checked:,} at "
        f"{sets}, the same for all programs"
    )
    yield (
        f"points: gain in total profit, in percent of the sales of {result.horizon.points_of} at list price in the "
        f"same years; invested: service, elevations and handovers, in the same points"
    )
    yield f"{LUCK}: how far luck alone may move the gain, 95 %; {SETS}: range of the gain over the parameter sets"
    yield f"missed: {lower(_MISSES.label)}"
    yield (
        "most profit, knee: by market scenarios of the search, not by these; the knee gives up least of all three, "
        "each on the range of the front"
    )
    yield "regret: points that it earns less than the best of these, or no program, at each parameter set, on average"
    yield f"money: mean of a year, in {in_money(scale.unit, result.horizon.unit)}"
    if any(name.endswith(".concession") for name in result.front[0].chosen):
        yield "price concessions buy no volume in this model, so that the search gives few: that is no advice"
    if result.posterior:
        yield (
            "parameters were fitted so that programs pay on average: they tell which program pays more, not whether "
            "any does"
        )


# ---------------------------------------------------------------- in words


def in_words(result: Optimum, chosen: Mapping[str, float]) -> str:
    """Say what a program chooses of what was searched, where that has a say."""
    said = [
        words for one in result.ranges if (words := _choice_in_words(one.parameter, chosen, result.retiers_by_spend))
    ]
    return "; ".join(said)


def _choice_in_words(name: str, chosen: Mapping[str, float], by_spend: bool) -> str:
    section, _, key = name.partition(".")
    value = chosen[name]
    if name in _LEVERS:
        return _strength(_LEVERS[name] + (" by spend" if by_spend and name == RETIERING else ""), value)
    if name in _OF_REVIEWS and chosen.get(RETIERING, 1.0) < NO_STRENGTH:
        return ""
    if section == "tiers" and "." in key:
        tier, _, term = key.rpartition(".")
        return _of_tier(tier, term, value, chosen.get(f"tiers.{tier}.seats", 1))
    number, years = number_text(value), "year" if value == 1 else "years"
    return {
        "policy.retiering_years": f"a review every {'' if value == 1 else f'{number} '}{years}",
        "policy.retiering_share": f"which may replace {percent(value)}",
        "policy.health_threshold": f"below a health of {value:+.2f}",
        "elevation.incubator_years": f"incubator of {number} {years}" if value else "no incubator",
        "rebuild.patience": f"redesigned after {number} missed {years}"
        if value
        else "redesigned as suppliers usually do",
        "budget.hours_per_kam": f"{number} hours of each KAM a quarter, paid in full" if value else "usual KAM time",
    }.get(name, f"{name} {number}")


def _strength(what: str, value: float) -> str:
    if value < NO_STRENGTH:
        return f"no {what}"
    return what if value > FULL_STRENGTH else f"{what} {percent(value)}"


def _of_tier(tier: str, term: str, value: float, places: float) -> str:
    if term == "seats":
        number = number_text(value) if value >= 1 else percent(value) if value else "no"
        return f"{number} {tier} account{'' if value == 1 else 's'}"
    if not places:
        return ""
    if term == "concession" and not value:
        return f"no discount for {tier}"
    said = {
        "concession": f"discount of {100 * value:.1f} % for {tier}",
        "attention": f"{tier} weighs {value:.1f} in KAM time",
    }
    return said.get(term, f"{term} {short_number(value)} in {tier}")


# ---------------------------------------------------------------- sentences


def sentences(result: Optimum) -> Iterator[str]:
    """Say which program earned most, whether it is better than those known before, and which is the knee."""
    best = _named(result, result.best)
    yield f"Most profit in the search: {_said(result, best)}."
    yield lead_sentence(result)
    more = max(result.front, key=lambda one: one.figures.gain)
    if more.figures.gain - best.figures.gain > best.luck + more.luck:
        yield (
            f"By the figures told here {more.name} earns more, {more.figures.gain:+.1f} points: which of the two is "
            "best depends on the parameter sets."
        )
    if result.knee != result.best:
        knee = _named(result, result.knee)
        yield f"Knee: {_said(result, knee)}."


def _named(result: Optimum, name: str) -> Program:
    return next(one for one in result.front if one.name == name)


def _said(result: Optimum, one: Program) -> str:
    gain = f"{one.figures.gain:+.1f} points, {amount_in_words(one.money, _money(result), result.horizon.unit)} a year"
    missed = f"misses {percent(one.figures.missed)} of its quotas"
    return f"{one.name}, {gain}, {missed}, {one.figures.invested:.1f} points invested"


def lead_sentence(result: Optimum) -> str:
    """Say what the best found earns more than the best known before, or that this cannot be told."""
    lead = result.lead
    points = f"{TENTHS.shown(lead.points, '+')} points (luck +-{TENTHS.shown(lead.luck)}"
    sets = f"; 95 % of sets {TENTHS.between(lead.sets_low, lead.sets_high, '+')}, ahead in {percent(lead.ahead)})"
    told = points + (sets if result.posterior else ")")
    against = f"{lead.rival}, the best program known before, in market scenarios that chose neither: {told}"
    if abs(lead.points) <= lead.luck:
        return f"It is no better than {against}: within noise."
    if lead.points < 0.0:
        return f"It earns less than {against}: what the search saw in it was luck."
    if lead.verdict == "better" or not result.posterior:
        return f"It earns more than {against}."
    return f"It earns more on average than {against}; fewer than {percent(AGREEING)} of the sets agree, so undecided."


# ---------------------------------------------------------------- the figure


def front_figure(result: Optimum) -> bytes:
    """Draw, as a PNG, the gain of each program over what is invested in it, and over the quotas that it misses."""
    figure = canvas(9.6 + room_for(result.notes))
    panels = figure.subplots(1, 2, sharey=True)
    across: dict[str, Callable[[Program], float]] = {
        "Invested: service, elevations, handovers (points of sales)": lambda one: one.figures.invested,
        f"{_MISSES.label} (%)": lambda one: 100.0 * one.figures.missed,
    }
    for panel, (label, of) in zip(panels, across.items(), strict=True):
        _draw(panel, result, of)
        panel.set_xlabel(label, fontsize=FONT)
    panels[0].set_ylabel("Gain in total profit (points of sales)", fontsize=FONT)
    figure.suptitle(
        f"What programs earn against no program, {result.horizon.in_words()}\n"
        f"mark: mean, line: {percent(AGREEING)} of {result.sets_checked:,} parameter sets, in "
        f"{result.worlds_checked:,} market scenarios that the search never saw",
        fontsize=FONT + 3,
    )
    say_below(figure, _key(result), result.notes, columns=4)
    return png(figure)


def _draw(panel: "Axes", result: Optimum, across: "Callable[[Program], float]") -> None:
    known, labels = known_shown(result), list[_Label]()
    for one in known:
        panel.plot(across(one), one.figures.gain, "D", color=GRAY, markerfacecolor="white", markersize=11,
                   markeredgewidth=2.5)  # fmt: skip
    for one in result.front:
        at, is_knee = across(one), one.name == result.knee
        color, marker = ORANGE if is_knee else BLUE, "*" if one.name == result.best else "s" if is_knee else "o"
        if result.posterior:
            panel.plot([at, at], [one.sets_low, one.sets_high], color=color, linewidth=1.5, alpha=0.6)
        panel.plot(at, one.figures.gain, marker, color=color, markersize=20 if marker == "*" else 13)
        labels.append(_Label(one.name.removeprefix(FOUND), at, one.figures.gain, FONT, INK))
    labels += [_Label(one.name, across(one), one.figures.gain, FONT - 4, GRAY) for one in known]
    panel.axhline(0.0, color=INK, linewidth=1.5)
    panel.margins(x=0.12, y=0.08)
    _name(panel, labels)
    few_ticks(panel.xaxis, 6)
    panel.tick_params(labelsize=FONT - 2)
    dress(panel)
    panel.grid(axis="y", color="#DDDDDD", linewidth=1)
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:+g}" if value else "0")


class _Label(NamedTuple):
    text: str
    across: float
    up: float
    size: int
    color: str


class _Box(NamedTuple):
    left: float
    below: float
    right: float
    above: float

    def hits(self, other: "_Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.below < other.above and other.below < self.above


def _name(panel: "Axes", labels: Sequence[_Label]) -> None:
    """Write each label beside its mark, where it hides no other; there is always a place, if a crowded one."""
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    width, height = PANEL
    panel.set_xlim(left, right)
    panel.set_ylim(low, high)
    at = [((one.across - left) / (right - left) * width, (one.up - low) / (high - low) * height) for one in labels]
    taken = [_Box(x - 9, y - 9, x + 9, y + 9) for x, y in at]
    for one, (x, y) in zip(labels, at, strict=True):
        wide = 0.62 * one.size * len(one.text)
        tried = list[tuple[int, int, float, float, _Box]]()
        for rise in (3.0, 18.0, -18.0, 34.0, -34.0, 50.0, -50.0, 66.0, -66.0):
            for shift in (12, -12 - wide):
                box = _Box(x + shift, y + rise - one.size / 2, x + shift + wide, y + rise + one.size / 2)
                outside = box.left < 0 or box.right > width or box.below < 0 or box.above > height
                tried.append((outside + sum(box.hits(other) for other in taken), len(tried), shift, rise, box))
        _, _, shift, rise, box = min(tried)
        taken.append(box)
        panel.annotate(
            one.text, (one.across, one.up), xytext=(shift, rise), textcoords="offset points", va="center",
            fontsize=one.size, fontweight="bold" if one.color == INK else "normal", color=one.color,
        )  # fmt: skip


def _key(result: Optimum) -> "list[Line2D]":
    from matplotlib.lines import Line2D

    both = result.best == result.knee
    kinds = {
        f"{result.best}: most profit{', and the knee' if both else ''}": (ORANGE if both else BLUE, "*", 20, ""),
        f"{result.knee}: the knee": (ORANGE, "s", 13, ""),
        "other programs found": (BLUE, "o", 13, ""),
        "known before": (GRAY, "D", 11, "white"),
    }
    if both:
        del kinds[f"{result.knee}: the knee"]
    return [
        Line2D([], [], linestyle="", color=color, marker=marker, markersize=size, markerfacecolor=face or color,
               markeredgewidth=2.5 if face else 1, label=label)
        for label, (color, marker, size, face) in kinds.items()
    ]  # fmt: skip


# ---------------------------------------------------------------- files


def content_of(result: Optimum) -> dict[str, object]:
    """The result as JSON has it, each program found with what it chooses in words."""
    content = result.to_dict()
    for one, program in zip(content["front"], result.front, strict=True):  # type: ignore[call-overload]
        one["in_words"] = in_words(result, program.chosen)
    return content | {"said": list(sentences(result))}


def write_optimum(folder: Path, search: Search, result: Optimum, command: Sequence[str]) -> list[Path]:
    """Write each program found as a scenario, the figure, and all of it as JSON, each whole or not at all."""
    made_by = on_one_line(shlex.join(command))
    files: dict[str, str | bytes] = {
        f"{one.name}.toml": _program_text(search, result, one, made_by) for one in result.front
    }
    files |= {FIGURE: front_figure(result), RESULT: json_text({"command": made_by, **content_of(result)})}
    for path in folder.glob(f"{FOUND}*.toml"):
        if path.name not in files:
            path.unlink()  # of an earlier run of fewer programs
    for name, content in files.items():
        write_whole(folder / name, content)
    return [folder / name for name in files]


def _program_text(search: Search, result: Optimum, one: Program, made_by: str) -> str:
    remark = called(result, one.name)
    question = f"What does a program earn that a search found{f' ({remark})' if remark else ''}?"
    program = search.space.program(one.chosen, one.name).model_copy(update={"question": question})
    lines = [f"# {made_by}", f"# {in_words(result, one.chosen)}"]
    return "\n".join(lines) + "\n" + scenario_text(program)
