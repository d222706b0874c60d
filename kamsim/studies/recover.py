"""Plant parameter sets and see whether a fit finds them: ``python -m kamsim.studies.recover build/calibration``.

The folder is that of a finished calibration, whose simulated points are learned from once more, so this is cheap.

1. Draw sets from the plausible ranges, simulate each with fresh organizations, and tell its figures as a survey of the
published size would: with its sampling error. Those are planted whose told figures a real population could have shown:
within three sampling errors of the published ones, and with programs that pay. 2. Fit to the told figures as
`kamsim.studies.calibrate` does: an emulator of the log's points, a wave of points that fit by it simulated and learned
from as well, and points that fit by that. 3. See which intervals cover what was planted.

To condition on what was told, and not on the sets, is what makes coverage a test: the right posterior covers 95 % in
whatever region of told figures.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kamsim.analysis.emulator import sampled
from kamsim.errors import KamsimError
from kamsim.evidence.published import OUTCOMES
from kamsim.evidence.readings import reading_of
from kamsim.experiments.log import read_log
from kamsim.experiments.pool import available_cores, seed_apart
from kamsim.scenario import Scenario
from kamsim.source import model_hash
from kamsim.studies.calibrate import (
    RATIOS,
    Aim,
    Effort,
    FittedParameter,
    Space,
    anywhere,
    emulator_of,
    parameters_told,
    points_that_fit,
    simulated_at,
)
from kamsim.types import Floats

SETS = 20
DRAWN = 400  # points of each posterior
WAVE = 12  # points simulated for each fit
STEPS = 1000  # of the sampler
SAMPLING_ERRORS = 3.0  # of what is told from what was published, that a real population could have shown
MOST_TRIED = 40  # points simulated per planted set
TOLD_BY_SIGN = "gain_of_programs"  # that programs pay is told of real populations, and not by how much
SEED = 1
OUTSIDE = 1e3  # how steeply the density falls outside of what is tried; walkers find their way in by it


class Learned(NamedTuple):
    """What a calibration simulated."""

    space: Space
    effort: Effort
    aims: tuple[Aim, ...]
    points: Floats
    figures: Floats  # ratios as logs
    scatter: Floats  # covariance of the figures of a survey


class Planted(NamedTuple):
    """A parameter set, and what would be told of its population."""

    point: Floats
    aims: tuple[Aim, ...]


class Recovery(NamedTuple):
    """How planted sets were recovered: (sets, parameters) each."""

    names: tuple[str, ...]
    covered: NDArray[np.bool_]
    identified: NDArray[np.bool_]


def main(folder: Path) -> None:
    """Print how a fit recovers what was planted."""
    learned = learned_from(folder)
    covered, identified = [], []
    for number, planted in enumerate(planted_sets(learned, SETS)):
        found = fit_to_planted(learned, planted, number)
        values = learned.space.values(planted.point)
        covered.append([parameter.low <= values[parameter.name] <= parameter.high for parameter in found])
        identified.append([parameter.identified for parameter in found])
        print(f"planted set {number + 1} of {SETS} fitted", file=sys.stderr)
    print("\n".join(lines_of(Recovery(learned.space.names, np.array(covered), np.array(identified)))))


def learned_from(folder: Path) -> Learned:
    """Read what a finished calibration simulated, without those that it asked again."""
    settings, lines = read_log(folder)
    if settings["model"] != model_hash():
        print(f"{folder}: made with model {settings['model']}, not with {model_hash()} of today", file=sys.stderr)
    seed = int(settings["seed"])
    scenario = Scenario.model_validate(settings["scenario"])
    space = Space(scenario, tuple(settings["free"]), seed, available_cores(), reading_of(settings["reading"]))
    aims = tuple(Aim(name, *ends) for name, ends in settings["aims"].items())
    once = [line for line in lines if line["what"]["seed"] in (seed, seed_apart(seed))]
    points = np.array([line["what"]["point"] for line in once])
    figures = np.array([line["result"]["figures"] for line in once])
    scatter = next((line["result"]["scatter"] for line in once if np.any(line["result"]["scatter"])), None)
    if scatter is None:
        raise KamsimError(f"{folder}: holds no calibration that got as far as a survey's scatter")
    return Learned(space, Effort(*settings["effort"]), aims, points, figures, np.array(scatter))


# ---------------------------------------------------------------- planting


def planted_sets(learned: Learned, count: int) -> Iterator[Planted]:
    """Sets of the plausible ranges of which a survey tells what a real population could have shown."""
    generator = np.random.default_rng([SEED, learned.space.seed])
    found = 0
    for number, point in enumerate(_points_to_try(learned, count * MOST_TRIED, generator)):
        seed = seed_apart(learned.space.seed, 2 + number)
        simulated = simulated_at(learned.space, point, seed, learned.effort.organizations, scatter=True)
        aims = told_of(simulated.figures, simulated.scatter, learned.aims, generator)
        if aims is not None and _could_be_shown(aims, learned):
            yield Planted(point, aims)
            found += 1
        if found == count:
            return
    raise KamsimError(f"only {found} sets of the plausible ranges could be planted, not {count}")


def _points_to_try(learned: Learned, count: int, generator: np.random.Generator) -> Floats:
    """Points of the plausible ranges, all as likely, without those that by the emulator can hardly be planted."""
    emulator = emulator_of(learned.points, learned.figures, learned.aims, learned.effort)
    published = len(OUTCOMES)
    middle = np.array([_logged(aim) for aim in learned.aims[:published]])
    sampling = np.sqrt(np.diag(learned.scatter))
    reach = SAMPLING_ERRORS * sampling + np.hypot(sampling, emulator.error[:published])
    sign, paying = next((place, aim) for place, aim in enumerate(learned.aims) if aim.name == TOLD_BY_SIGN)

    center, half = (paying.low + paying.high) / 2, (paying.high - paying.low) / 2 + emulator.error[sign]

    def density(points: Floats) -> Floats:
        figures = emulator(points)
        off = np.maximum(0.0, np.abs(figures[:, :published] - middle) / reach - 1.0).sum(axis=1)
        off += np.maximum(0.0, np.abs(figures[:, sign] - center) - half) / half
        return np.asarray(-OUTSIDE * off, dtype=np.float64)

    start = anywhere(learned.points.shape[1], generator)
    return sampled(density, start, count, STEPS, generator)


def told_of(
    figures: Floats, scatter: Floats, aims: Sequence[Aim], generator: np.random.Generator
) -> tuple[Aim, ...] | None:
    """Tell the figures of a population as those of the real ones were told; None where a sign would be another.

    Parameters
    ----------
    figures : array of shape (figures,)
        Of the population, ratios as logs.
    scatter : array of shape (published, published)
        Covariance of a survey's figures about them.
    aims : sequence of Aim
        As the real figures are told: a range is told as wide as theirs, lying about the population's own by chance.
    generator : Generator
        Decides all.

    Returns
    -------
    tuple of Aim
        To fit to.
    """
    published = len(scatter)
    survey = generator.multivariate_normal(figures[:published], scatter).tolist()
    told = []
    for aim, figure in zip(aims, [*survey, *figures[published:].tolist()], strict=True):
        if aim.name == TOLD_BY_SIGN:
            if not aim.low <= figure <= aim.high:
                return None
            told.append(aim)
        elif len(told) < published:
            value = float(np.exp(figure)) if aim.name in RATIOS else figure
            told.append(Aim(aim.name, value, value))
        else:
            width = aim.high - aim.low
            low = figure - width * generator.random()
            told.append(Aim(aim.name, low, low + width))
    return tuple(told)


def _could_be_shown(told: Sequence[Aim], learned: Learned) -> bool:
    sampling = np.sqrt(np.diag(learned.scatter))
    pairs = zip(told[: len(sampling)], learned.aims[: len(sampling)], strict=True)
    off = np.array([_logged(one) - _logged(real) for one, real in pairs])
    return bool((np.abs(off) <= SAMPLING_ERRORS * sampling).all())


def _logged(aim: Aim) -> float:
    return float(np.log(aim.low)) if aim.name in RATIOS else aim.low


# ---------------------------------------------------------------- fitting


def fit_to_planted(learned: Learned, planted: Planted, number: int) -> tuple[FittedParameter, ...]:
    """Fit to what was told of a planted set, and say what is told of its parameters."""
    generator = np.random.default_rng([SEED, learned.space.seed, number])
    seed = seed_apart(learned.space.seed, 2**20 + number)
    wave = _posterior_of(learned, planted.aims, WAVE, generator)
    simulated = [simulated_at(learned.space, point, seed, learned.effort.organizations).figures for point in wave]
    more = learned._replace(
        points=np.concatenate([learned.points, wave]), figures=np.concatenate([learned.figures, simulated])
    )
    drawn = _posterior_of(more, planted.aims, DRAWN, generator)
    return tuple(parameters_told(learned.space, learned.space.values(planted.point), drawn))


def _posterior_of(learned: Learned, aims: Sequence[Aim], count: int, generator: np.random.Generator) -> Floats:
    """Points that fit to aims, by all that was simulated: (count, parameters)."""
    emulator = emulator_of(learned.points, learned.figures, aims, learned.effort)
    start = anywhere(learned.points.shape[1], generator)
    return points_that_fit(emulator, aims, learned.scatter, start, count, STEPS, generator)


# ---------------------------------------------------------------- telling


def coverage_of(covered: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Part that is covered, and between what it may lie: the 95 % interval of Clopper & Pearson (1934)."""
    from scipy.stats import binomtest

    interval = binomtest(int(covered.sum()), covered.size).proportion_ci()
    return float(covered.mean()), float(interval.low), float(interval.high)


def lines_of(recovery: Recovery) -> Iterator[str]:
    """Lines of a table in Markdown, what all of them come to, and who is never identified."""
    sets = len(recovery.covered)
    told = recovery.identified.sum(axis=0)
    yield f"| parameter | identified, of {sets} planted sets | of them covered | covered, of all {sets} |"
    yield "|---|---|---|---|"
    for place in np.argsort(-told, kind="stable").tolist():
        hit, sure = recovery.covered[:, place], recovery.identified[:, place]
        both = (hit & sure).sum() if told[place] else "-"
        yield f"| `{recovery.names[place]}` | {told[place]} | {both} | {hit.sum()} |"
    yield ""
    for what, which in (("identified", recovery.identified), ("not identified", ~recovery.identified)):
        if which.any():
            part, low, high = coverage_of(recovery.covered[which])
            yield (
                f"Intervals of 95 % of {what} parameters cover {100 * part:.1f} % of {which.sum()} planted values "
                f"(95 % interval {100 * low:.1f} to {100 * high:.1f} %)."
            )
    rarely = [f"`{name}`" for name, times in zip(recovery.names, told.tolist(), strict=True) if 2 * times < sets]
    yield f"Not identified in most sets: {', '.join(rarely) or 'none'}."


if __name__ == "__main__":
    main(Path(sys.argv[1]))
