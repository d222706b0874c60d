"""What a sweep is going to cost, where it stands, and what it shows, for people."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from kamsim.analysis.effects import Effect, LevelMean, effects, level_means
from kamsim.analysis.precision import Precise
from kamsim.analysis.swept import SUMMARY, Swept, best_first, summary_csv, values_by_world
from kamsim.experiments.design import Experiment, points_of
from kamsim.experiments.sweep import Estimate, Plan, Progressed
from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.report.files import write_text
from kamsim.report.tables import line_of, scale_of, widths_of

SHOWN = 12  # points in a table
MOST_EFFECTS = 15
MOST_VALUES = 20_000_000  # points x worlds that effects are told of


def estimate_text(plan: Plan, estimate: Estimate, place: str) -> str:
    """Say what a sweep is going to cost.

    Parameters
    ----------
    plan : Plan
        The sweep.
    estimate : Estimate
        From `estimate_of`.
    place : str
        Where it would run.

    Returns
    -------
    str
        Two lines.
    """
    policies = f" x {estimate.policies} policies" if estimate.policies > 1 else ""
    return (
        f"{plan.name}: {estimate.points:,} points{policies} x {estimate.replications:,} replications = "
        f"{plan.size:,} replication-policies in {estimate.parts:,} parts\n"
        f"about {duration(estimate.seconds)} on {place}, about {estimate.megabytes:,.1f} MB on the disk"
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
    """Say where a sweep stands.

    Parameters
    ----------
    progressed : Progressed
        From `run_sweep` or `status_of`.
    folder : Path
        Of its store.

    Returns
    -------
    str
        A line each for parts, damage and failures.
    """
    first = f"{folder}: {progressed.done:,} of {progressed.parts:,} parts done"
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
            f"failed: {progressed.failed:,} {rows}; the column error says why, --retry-failed plays them again"
        )
    return "\n".join(lines)


def precision_text(precise: Precise, plan: Plan) -> str:
    """Say how a sweep with an aim ended."""
    replications = sorted(set(precise.replications))
    many = f"{replications[0]:,}" if len(replications) == 1 else f"{replications[0]:,} to {replications[-1]:,}"
    if precise.best >= 0:
        name = plan.policies[precise.best].name if len(plan.policies) > 1 else f"point {precise.best}"
        return f"{name} is separated as the best on {plan.compare}, after {many} replications a point"
    if precise.reached:
        return f"precise enough on {plan.compare}, after {many} replications a point"
    return f"not as precise as asked after {many} replications a point; --most allows more"


def swept_table(plan: Plan, rows: Sequence[Swept]) -> Text:
    """Table of the points of a sweep by the measure it is about, best first.

    Parameters
    ----------
    plan : Plan
        The sweep.
    rows : sequence of Swept
        From `swept`.

    Returns
    -------
    Text
        The best dozen.
    """
    measure = next(row for row in MEASURES if row.name == plan.compare)
    ranked = best_first(list(rows), plan.compare)
    scale = scale_of(measure, [row.mean for row in ranked])
    several = len(plan.policies) > 1
    names = ["point", *(["policy"] if several else []), *(name.rpartition(".")[2] for name in plan.factors)]
    header = (*names, "mean", "difference", "95 % interval", "")
    lines = []
    for row in ranked[:SHOWN]:
        place = [str(row.point), *([row.policy] if several else [])]
        values = [_short(plan.points[row.point].get(name)) for name in plan.factors]
        told = (scale.shown(row.difference, "+"), f"{scale.shown(row.low, '+')} to {scale.shown(row.high, '+')}")
        if row.policy == plan.policies[0].name if several else row.point == 0:
            told = ("reference", "")
        lines.append((*place, *values, scale.shown(row.mean), *told, ""))
    widths = widths_of([header, *lines])
    unit = f", {scale.unit}" if scale.unit else ""
    table = Text()
    direction = "higher" if measure.higher_is_better else "lower"
    table.append(f"{measure.label}{unit} ({direction} is better)\n", style="bold")
    table.append(line_of(header, widths) + "\n", style="dim")
    for line in lines:
        table.append(line_of(line, widths) + "\n")
    against = f"{plan.policies[0].name} at the same point" if several else "point 0"
    more = f"the best {SHOWN} of {len(ranked):,}; " if len(ranked) > SHOWN else ""
    table.append(f"{more}difference: to {against}, in the same worlds\n", style="dim")
    return table


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_summary(plan: Plan, folder: Path, rows: list[Swept]) -> Path:
    """Write the summary of a sweep beside its parts."""
    write_text(folder / SUMMARY, summary_csv(plan, rows))
    return folder / SUMMARY


def effects_texts(experiment: Experiment, plan: Plan, folder: Path) -> list[Text]:
    """Tables of what the factors of a designed experiment do; none for sampled points.

    Parameters
    ----------
    experiment : Experiment
        Its design and factors.
    plan : Plan
        The sweep.
    folder : Path
        Of its store.

    Returns
    -------
    list of Text
        Effects and interactions of two-level factorials, means by level of grids.
    """
    kind = experiment.design.kind
    if kind not in ("full", "fractional", "grid") or len(plan.points) * plan.replications > MOST_VALUES:
        return []
    measure = next(row for row in MEASURES if row.name == plan.compare)
    points, tables = points_of(experiment), []
    two_levels = all(len(set(column)) == 2 for column in points.matrix.T)
    for place, policy in enumerate(plan.policies):
        values = values_by_world(plan, folder, plan.compare, place)
        under = f" under {policy.name}" if len(plan.policies) > 1 else ""
        if kind != "grid" and two_levels:
            tables.append(_effects_table(experiment, effects(points.names, points.matrix, values), measure, under))
        else:
            tables.append(_levels_table(level_means(points.names, points.values, values), measure, under))
    return tables


def _effects_table(experiment: Experiment, found: Sequence[Effect], measure: Measure, under: str) -> Text:
    scale = scale_of(measure, [effect.effect for effect in found])
    header = ("effect", "of its second level", "95 % interval", "")
    rows = []
    for effect in sorted(found, key=lambda effect: -abs(effect.effect))[:MOST_EFFECTS]:
        name = " x ".join(factor.rpartition(".")[2] for factor in effect.factors)
        interval = f"{scale.shown(effect.low, '+')} to {scale.shown(effect.high, '+')}"
        sure = "sure" if effect.low > 0.0 or effect.high < 0.0 else ""
        rows.append((name, scale.shown(effect.effect, "+"), interval, sure))
    table = _lines(f"Effects on {measure.label[:1].lower()}{measure.label[1:]}{under}", header, rows, most=44)
    levels = "; ".join(
        f"{name.rpartition('.')[2]}: {_short(ends[0])}, then {_short(ends[1])}"
        for name, ends in _ends_of(experiment).items()
    )
    table.append(
        f"{textwrap.fill(levels, 80)}\na x b: half of what b's second level adds to the effect of a\n", style="dim"
    )
    if any(effect.aliases for effect in found):
        table.append("a fraction of all points: every effect stands for itself and its aliases\n", style="dim")
    return table


def _ends_of(experiment: Experiment) -> dict[str, tuple[object, object]]:
    """First and second level of each factor of a two-level design."""
    points = points_of(experiment)
    column_of = {name: points.matrix[:, place].tolist() for place, name in enumerate(points.names)}
    return {
        name: tuple(points.values[column.index(end)][name] for end in (-1.0, 1.0)) for name, column in column_of.items()
    }


def _levels_table(found: Sequence[LevelMean], measure: Measure, under: str) -> Text:
    scale = scale_of(measure, [row.mean for row in found])
    header = ("level", "mean", "difference", "95 % interval", "")
    rows = []
    for row in found:
        name = f"{row.factors[0].rpartition('.')[2]} {_short(row.levels[0])}"
        told = (
            scale.shown(row.difference, "+"),
            f"{scale.shown(row.difference_low, '+')} to {scale.shown(row.difference_high, '+')}",
        )
        rows.append(
            (name, scale.shown(row.mean), *(told if row.difference or row.difference_low else ("first", "")), "")
        )
    return _lines(f"{measure.label} by level{under}, over all points that have it", header, rows, most=40)


def _lines(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]], most: int) -> Text:
    widths = widths_of([header, *rows], most=most)
    table = Text()
    table.append(f"{title}\n", style="bold")
    table.append(line_of(header, widths) + "\n", style="dim")
    for row in rows:
        table.append(line_of(row, widths) + "\n")
    return table
