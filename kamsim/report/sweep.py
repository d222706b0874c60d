"""What a sweep is going to cost, where it stands, and what it shows, for people."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from kamsim.analysis.effects import Effect, LevelMean, effects, level_means
from kamsim.analysis.intervals import cautions, largest_unseen, points_among
from kamsim.errors import on_one_line
from kamsim.experiments.chunks import Plan, with_point
from kamsim.experiments.designs import Experiment, points_of
from kamsim.experiments.files import write_whole
from kamsim.experiments.jobs import job_of
from kamsim.experiments.parts import SUMMARY
from kamsim.experiments.summary import Swept, best_first, summary_csv, values_by_world
from kamsim.experiments.sweep import Progressed, Size
from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.measures.profit import Horizon
from kamsim.report.table import (
    TOTAL_PROFIT,
    Group,
    Row,
    Scale,
    Table,
    heading_of,
    in_money,
    lower,
    money_in_words,
    scale_of,
)
from kamsim.scenario import Scenario
from kamsim.studies.precision import Precise
from kamsim.studies.reference import horizon_of, told_in

SHOWN = 12  # points in a table
MOST_EFFECTS = 15
MOST_VALUES = 20_000_000  # points x worlds that effects are told of


def estimate_text(plan: Plan, size: Size, place: str) -> str:
    """Say in two lines what a sweep is going to cost at a place."""
    policies = f" x {size.policies} programs" if size.policies > 1 else ""
    return (
        f"{plan.name}: {size.points:,} points{policies} x {size.replications:,} market scenarios = {plan.size:,} runs "
        f"in {size.parts:,} parts\n"
        f"about {duration(size.seconds)} on {place}, about {size.megabytes:,.1f} MB on the disk"
    )


def duration(seconds: float) -> str:
    """Write a duration as people do."""
    if seconds < 1.5:
        return "a second"
    if seconds < 90:
        return f"{round(seconds)} seconds"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


def status_text(progressed: Progressed, folder: Path) -> str:
    """Say where a sweep stands: a line each for parts, damage and failures."""
    first = f"{on_one_line(str(folder))}: {progressed.done:,} of {progressed.parts:,} parts done"
    if progressed.computed:
        first += f", {progressed.computed:,} of them now"
    lines = [first]
    if progressed.damaged:
        more = " ..." if len(progressed.damaged) > 5 else ""
        anew = ", computed anew" if progressed.computed else ""
        lines.append(f"damaged{anew}: {', '.join(progressed.damaged[:5])}{more}")
    if progressed.superseded:
        lines.append(f"set aside: {progressed.superseded:,} parts that the experiment no longer asks for")
    if progressed.failed:
        rows = "replications" if progressed.failed > 1 else "replication"
        lines.append(
            f"failed: {progressed.failed:,} {rows}; the column error says why, `retry_failed` plays them again"
        )
    return "\n".join(lines)


def precision_text(precise: Precise, plan: Plan) -> str:
    """Say how a sweep with an aim ended, and in how many worlds there was a difference at all."""
    replications = sorted(set(precise.replications))
    many = f"{replications[0]:,}" if len(replications) == 1 else f"{replications[0]:,} to {replications[-1]:,}"
    differing, worlds = min(precise.differing, key=lambda counts: counts[0] / max(counts[1], 1))
    least = "at least " if len(precise.differing) > 1 else ""
    seen = f"{least}{differing:,} of {worlds:,} market scenarios differ"
    if not differing:
        seen += f", so that up to {largest_unseen(worlds):.2g} of all may"
    if precise.best >= 0:
        name = plan.policies[precise.best].name if len(plan.policies) > 1 else f"point {precise.best}"
        return f"{name} is separated as the best on {plan.compare}, after {many} replications a point; {seen}"
    if precise.reached:
        return f"precise enough on {plan.compare}, after {many} replications a point; {seen}"
    return f"not as precise as asked after {many} replications a point; {seen}; `most` allows more"


def swept_table(plan: Plan, rows: Sequence[Swept]) -> Table:
    """Table of the best dozen points of a sweep by the measure it is about."""
    measure, horizon = _compared(plan), _horizon(plan)
    ranked = best_first(list(rows), plan.compare)
    scale = scale_of(measure, [row.mean for row in ranked], _money(plan))
    several = len(plan.policies) > 1
    names = ["point", *(["policy"] if several else []), *map(_last_word, plan.factors)]
    lines = []
    for row in ranked[:SHOWN]:
        place = [str(row.point), *([row.policy] if several else [])]
        values = [_short(plan.points[row.point].get(name)) for name in plan.factors]
        told = (scale.shown(row.difference, "+"), scale.between(row.low, row.high, "+"))
        if _is_reference(row, plan):
            told = ("reference", "")
        lines.append(Row((*place, *values, scale.shown(row.mean), *told, "")))
    first = ", ".join(f"{_last_word(name)} {_short(value)}" for name, value in plan.points[0].items())
    against = f"{plan.policies[0].name} at the same point" if several else f"point 0 ({first})"
    more = f"the best {SHOWN} of {len(ranked):,}; " if len(ranked) > SHOWN else ""
    worlds = sorted({row.replications for row in ranked[:SHOWN]})
    legend = [
        f"{more}point: a variant; difference: to {against}, in the same market scenarios",
        *_told_of(plan, measure, horizon, worlds),
    ]
    compared = [row for row in ranked[:SHOWN] if not _is_reference(row, plan) and row.replications > 1]
    for number in sorted({row.replications for row in compared}):
        shown = (
            (f"point {row.point} {row.policy}", row.low, row.high) for row in compared if row.replications == number
        )
        legend += cautions(points_among(shown, number))
    columns = (*names, "mean", "difference", "95 % interval", "")
    return Table((Group("", tuple(lines)),), columns, heading_of(measure, scale, horizon=horizon), tuple(legend))


def _compared(plan: Plan) -> Measure:
    return next(row for row in MEASURES if row.name == plan.compare)


def _horizon(plan: Plan, policies: Sequence[Scenario] = ()) -> Horizon | None:
    """What money is told of at every point; None where points differ in it, unless their ``policies`` are given."""
    if not policies and any(name.startswith("timeline.") for name in plan.factors):
        return None
    played = policies or plan.policies
    return horizon_of(played, job_of(played[0], plan.book))


def _money(plan: Plan) -> str:
    """What money is called at every point."""
    return job_of(plan.policies[0], plan.book).money


def _told_of(plan: Plan, measure: Measure, horizon: Horizon | None, worlds: Sequence[int]) -> Iterator[str]:
    """Say for a legend what figures are told in, why it is not what comparisons tell, and how sure they are."""
    why = "; kamsim compare tells it in points of sales, but a sweep keeps no sales" if measure is TOTAL_PROFIT else ""
    if horizon is None:
        yield f"money: of the years of each point, discounted as the point has it, in {_money(plan)}{why}"
    elif measure.unit == "money":
        yield f"{money_in_words(horizon)}{why}"
    else:
        yield f"of the {plan.policies[0].timeline.window_years} years observed"
    if worlds:
        many = f"{worlds[0]:,}" if len(worlds) == 1 else f"{worlds[0]:,} to {worlds[-1]:,}"
        yield f"interval: how far luck alone may move the difference, 95 %, with {many} market scenarios at each point"


def _is_reference(row: Swept, plan: Plan) -> bool:
    """Whether a row is what others are told against: the first policy, or where there is one only the first point."""
    return row.policy == plan.policies[0].name if len(plan.policies) > 1 else row.point == 0


def _last_word(name: str) -> str:
    return name.rpartition(".")[2]


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_summary(plan: Plan, folder: Path, rows: list[Swept]) -> Path:
    """Write the summary of a sweep beside its parts, each row with what its figures are told in."""
    of_measure, horizon = {measure.name: measure for measure in MEASURES}, _horizon(plan)

    @cache
    def at(point: int) -> list[Scenario]:
        return [with_point(policy, plan.points[point]) for policy in plan.policies]

    def told(row: Swept) -> Mapping[str, object]:
        policies = list(plan.policies) if horizon is not None else at(row.point)
        of = horizon or _horizon(plan, policies)
        assert of is not None, "policies have years"
        against = plan.policies[0].name if len(plan.policies) > 1 else "point 0"
        return {"against": against} | told_in(of_measure[row.measure], policies, of)

    write_whole(folder / SUMMARY, summary_csv(plan, rows, told))
    return folder / SUMMARY


def effects_tables(experiment: Experiment, plan: Plan, folder: Path) -> list[Table]:
    """Tables of what the factors of a designed experiment do; none for sampled points.

    Effects and interactions of two-level factorials, means by level of grids.
    """
    kind = experiment.design.kind
    if kind not in ("full", "fractional", "grid") or len(plan.points) * plan.replications > MOST_VALUES:
        return []
    measure, horizon = _compared(plan), _horizon(plan)
    points, tables, money = points_of(experiment), list[Table](), _money(plan)
    years = f", {horizon.in_words()}" if horizon is not None and measure.unit == "money" else ""
    two_levels = all(len(set(column)) == 2 for column in points.matrix.T)
    for place, policy in enumerate(plan.policies):
        values = values_by_world(plan, folder, plan.compare, place)
        under = f" under {policy.name}" if len(plan.policies) > 1 else ""
        if kind != "grid" and two_levels:
            found = effects(points.names, points.matrix, values)
            tables.append(_effects_table(experiment, found, measure, f"{under}{years}", money))
        else:
            means = level_means(points.names, points.values, values)
            tables.append(_levels_table(means, measure, under, years, money))
    return tables


def _in(measure: Measure, scale: Scale, money: str) -> str:
    """Unit for a title, in full."""
    unit = in_money(scale.unit, money) if measure.unit == "money" else scale.unit
    return f", {unit}" if unit else ""


def _effects_table(experiment: Experiment, found: Sequence[Effect], measure: Measure, under: str, money: str) -> Table:
    scale = scale_of(measure, [effect.effect for effect in found], money)
    rows = []
    for effect in sorted(found, key=lambda effect: -abs(effect.effect))[:MOST_EFFECTS]:
        name = " x ".join(map(_last_word, effect.factors))
        sure = "sure" if effect.low > 0.0 or effect.high < 0.0 else ""
        rows.append(Row((name, scale.shown(effect.effect, "+"), scale.between(effect.low, effect.high, "+"), sure)))
    ends = (
        f"{_last_word(name)}: {_short(first)}, then {_short(second)}"
        for name, (first, second) in _ends_of(experiment).items()
    )
    aliases = ["a fraction of all points was played: an effect cannot be told from those named as its aliases"]
    legend = (
        "; ".join(ends),
        "effect: of going from the first level to the second, on average over the levels of all others",
        "a x b: half of how much the effect of a changes when b goes to its second level",
        "sure: zero is outside the interval",
        *(aliases if any(effect.aliases for effect in found) else []),
    )
    columns = ("lever or condition", "effect", "95 % interval", "")
    title = f"Effects on {lower(measure.label)}{under}{_in(measure, scale, money)}"
    return Table((Group("", tuple(rows)),), columns, title, legend)


def _ends_of(experiment: Experiment) -> dict[str, tuple[object, object]]:
    """First and second level of each factor of a two-level design."""
    points = points_of(experiment)
    column_of = {name: points.matrix[:, place].tolist() for place, name in enumerate(points.names)}
    return {
        name: tuple(points.values[column.index(end)][name] for end in (-1.0, 1.0)) for name, column in column_of.items()
    }


def _levels_table(found: Sequence[LevelMean], measure: Measure, under: str, years: str, money: str) -> Table:
    scale = scale_of(measure, [row.mean for row in found], money)
    rows = []
    for row in found:
        told = (scale.shown(row.difference, "+"), scale.between(row.difference_low, row.difference_high, "+"))
        if not (row.difference or row.difference_low):
            told = ("first", "")
        rows.append(Row((f"{_last_word(row.factors[0])} {_short(row.levels[0])}", scale.shown(row.mean), *told, "")))
    title = f"{measure.label} by level{under}, over all points that have it{years}{_in(measure, scale, money)}"
    return Table((Group("", tuple(rows)),), ("level", "mean", "difference", "95 % interval", ""), title)
