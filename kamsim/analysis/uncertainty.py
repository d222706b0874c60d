"""Which policy does better where parameters are uncertain: in every set that fits the evidence, and leaning on what.

All policies are played in the same worlds under every parameter set, as it stands and with every assumed value moved.
Sets are equally likely; what is told over them is uncertainty of knowledge, not luck of worlds.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kamsim.analysis.compare import checked_names, outcome_blocks, planned, row_of
from kamsim.analysis.flips import Driver, Flip, drivers_of, flip_of
from kamsim.analysis.parameter_sets import (
    Movements,
    movable,
    movements_of,
    notes_on_sets,
    takes,
    value_in,
    with_moved,
    with_set,
)
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import Parameter
from kamsim.evidence.plausible import TIED
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.runner import checked_workers, run_in_chunks
from kamsim.experiments.store import FIGURE, RUN_FILES, Manifest, manifest_of, result_folder, write_table
from kamsim.measures.outcomes import MEASURES
from kamsim.scenario import Scenario
from kamsim.world.book import Book

Floats = NDArray[np.float64]
Verdict = Literal["better", "worse", "same", "cannot tell", ""]

REPLICATIONS = 50
BEST_FROM = 0.8  # probability from which a policy is called best
AGREEING = 0.95  # part of the sets that must agree for a verdict
FEW_SETS = 20
SETS = "sets.parquet"
_FILES = frozenset({*RUN_FILES, SETS})
_DRAWS = 1000  # normal draws by which the chance of being best is told in a set
_PROFIT = next(place for place, measure in enumerate(MEASURES) if measure.name == "total_profit")
_DIRECTION = np.array([1.0 if measure.higher_is_better else -1.0 for measure in MEASURES])
_ALIKE = 1e-9  # difference, as a part of what it is between, that is rounding and no difference


@dataclass(frozen=True)
class UncertainMeasure:
    """A measure under a scenario over all parameter sets, against the reference; NaN where it cannot be told.

    Parameters
    ----------
    measure, scenario : str
        Names.
    mean : float
        Over sets, of means over worlds.
    difference, low, high : float
        Mean paired difference to the reference, and between which those of 95 % of the sets lie.
    error : float
        Standard error of the mean difference: what so few worlds leave open.
    probability_best : float
        Mean over sets of the chance that no other scenario has a better mean, given how well so many worlds tell the
        means; ties are split.
    regret : float
        Mean over sets of what is lost against the best scenario of the set, >= 0.
    better, worse : float
        Part of the sets in which the mean is better, or worse, than the reference's.
    verdict : str
        ``better`` or ``worse`` than the reference where 95 % of the sets agree and the worlds are enough to tell the
        mean difference from zero; ``same`` where all sets give no difference; else ``cannot tell``. Empty for the
        reference.
    sets : int
        In which both scenario and reference have the measure.
    """

    measure: str
    scenario: str
    mean: float
    difference: float
    low: float
    high: float
    error: float
    probability_best: float
    regret: float
    better: float
    worse: float
    verdict: Verdict
    sets: int


@dataclass(frozen=True)
class Best:
    """Which scenario is best on a measure, or between which it cannot be told.

    Parameters
    ----------
    measure : str
        Name.
    scenarios : tuple of str
        One that is best with a probability of at least 0.8, or the fewest whose probabilities add up to that.
    probability : float
        That the best is among them.
    """

    measure: str
    scenarios: tuple[str, ...]
    probability: float


@dataclass(frozen=True)
class Leaning:
    """How far a conclusion on total profit leans on assumed values.

    Parameters
    ----------
    scenario : str
        Name.
    claim : str
        ``better`` or ``worse`` than the reference, as most sets have it.
    agreeing, agreeing_moved : float
        Part of the sets that have it so, as they stand and with assumed values moved by up to a quarter.
    verdict, verdict_moved : str
        As in `UncertainMeasure`.
    probability_best, probability_best_moved : float
        Of being best on total profit.
    """

    scenario: str
    claim: Verdict
    agreeing: float
    agreeing_moved: float
    verdict: Verdict
    verdict_moved: Verdict
    probability_best: float
    probability_best_moved: float


@dataclass(frozen=True)
class UncertainComparison:
    """Scenarios compared over all parameter sets that fit the evidence.

    Parameters
    ----------
    scenarios : tuple of str
        Names, the reference first.
    reference : str
        Name.
    measures : tuple of UncertainMeasure
        Every measure under every scenario.
    best : tuple of Best
        For every measure that anybody has.
    flip : Flip or None
        Where the ranking on total profit flips; None with a single scenario.
    leaning : tuple of Leaning
        Of every scenario but the reference.
    compared : tuple of str
        The two scenarios whose difference in total profit the drivers are of.
    drivers : tuple of Driver
        Parameters on which it depends most.
    assumed : int
        Assumed values that were moved.
    seed, replications, sets : int
        Of the run; worlds for each of the parameter sets.
    posterior : str
        File that the sets came from.
    unit_of_money : tuple of float
        What a median annual wallet is in money, by scenario.
    notes : tuple of str
        What was capped, dropped, kept or assumed, a sentence each.
    """

    scenarios: tuple[str, ...]
    reference: str
    measures: tuple[UncertainMeasure, ...]
    best: tuple[Best, ...]
    flip: Flip | None
    leaning: tuple[Leaning, ...]
    compared: tuple[str, ...]
    drivers: tuple[Driver, ...]
    assumed: int
    seed: int
    replications: int
    sets: int
    posterior: str
    unit_of_money: tuple[float, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what cannot be told is None."""
        return {
            "scenarios": list(self.scenarios),
            "reference": self.reference,
            "measures": [row_of(measure) for measure in self.measures],
            "best": [row_of(best) | {"scenarios": list(best.scenarios)} for best in self.best],
            "best_from": BEST_FROM,
            "agreeing": AGREEING,
            "flip": None if self.flip is None else self.flip.to_dict(),
            "leaning": [row_of(leaning) for leaning in self.leaning],
            "compared": list(self.compared),
            "drivers": [row_of(driver) for driver in self.drivers],
            "assumed": self.assumed,
            "seed": self.seed,
            "replications": self.replications,
            "sets": self.sets,
            "posterior": self.posterior,
            "notes": list(self.notes),
        }


def compare_under_uncertainty(
    scenarios: Sequence[Scenario],
    posterior: Posterior,
    *,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
    book: Book | None = None,
    out: str | PathLike[str] | None = None,
    progress: Callable[[int], None] | None = None,
    figure: Callable[[UncertainComparison], bytes] | None = None,
) -> UncertainComparison:
    """Play scenarios in the same worlds under every parameter set of a posterior, and compare each with the first.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Each with a name of its own; the first is the reference. What a scenario has set itself it keeps.
    posterior : Posterior
        From `kamsim.evidence.posterior.read_posterior`.
    replications : int
        Worlds for each parameter set, >= 2; the same for all sets.
    seed : int
        In [0, 2**64).
    jobs : int, optional
        Chunks of work at a time; by default as many as there are cores. It changes no result.
    book : Book, optional
        Account book to play in; by default a synthetic one.
    out : str or path, optional
        Folder to keep sets, table, figure and manifest in; by default nothing is kept.
    progress : callable, optional
        Told how many parameter sets are done.
    figure : callable, optional
        Draws the comparison as the bytes of a PNG file, for the folder.

    Returns
    -------
    UncertainComparison
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        One sentence on what is wrong with the arguments, before anything is played; or where no scenario can be
        played under any of the sets.
    """
    workers = checked_workers(replications, seed, jobs)
    names = checked_names(scenarios)
    if replications < 2:
        raise KamsimError("replications must be at least 2 under uncertainty: one world does not tell luck from policy")
    plan = planned(scenarios, book)
    ensemble = ensemble_of(scenarios, posterior, seed)
    notes = (*plan.notes, *posterior.notes, *notes_on_sets(scenarios, posterior))

    def played() -> Played:
        return _played(ensemble, book, seed, replications, workers, progress)

    def compared(found: Played) -> UncertainComparison:
        said = (*notes, *_notes_on_refused(found, len(posterior.values)))
        return _compared(found, ensemble, names, (seed, replications), plan.units, said)

    if out is None:
        return compared(played())
    with result_folder(out, uncertainty_manifest(scenarios, posterior, seed, replications, book), _FILES) as folder:
        found = played()
        comparison = compared(found)
        write_table(folder, comparison.to_dict()["measures"])
        _write_sets(folder, found, names)
        if figure is not None:
            (folder / FIGURE).write_bytes(figure(comparison))
    return comparison


def uncertainty_manifest(
    scenarios: Sequence[Scenario], posterior: Posterior, seed: int, replications: int, book: Book | None = None
) -> Manifest:
    """Everything that a comparison under uncertainty depends on.

    Parameters
    ----------
    scenarios : sequence of Scenario
        As compared, the reference first.
    posterior : Posterior
        With its sets.
    seed, replications : int
        Of the run.
    book : Book, optional
        Account book, if the accounts are real.

    Returns
    -------
    dict
        As of `manifest_of`, with the parameter sets themselves.
    """
    sets = {
        "file": Path(posterior.source).name,
        "model": posterior.model,
        "names": list(posterior.names),
        "values": [list(values) for values in posterior.values],
    }
    return {**manifest_of(scenarios, seed, replications, book), "posterior": sets}


# ---------------------------------------------------------------- what is played


class Ensemble(NamedTuple):
    """Scenarios, the parameter sets put into them, and how assumed values are moved in each set."""

    scenarios: Sequence[Scenario]
    posterior: Posterior
    rows: tuple[Parameter, ...]
    movements: Movements

    def at(self, number: int) -> list[Scenario]:
        """Scenarios of a set as it stands, and after them the same with assumed values moved."""
        values, factors = self.posterior.values[number], self.movements.factors[number].tolist()
        stands = [with_set(scenario, self.posterior.names, values) for scenario in self.scenarios]
        return [*stands, *with_moved(stands, self.rows, factors, self.posterior)]


def ensemble_of(scenarios: Sequence[Scenario], posterior: Posterior, seed: int) -> Ensemble:
    """Put parameter sets and scenarios together, and draw how assumed values are moved.

    Parameters
    ----------
    scenarios : sequence of Scenario
        To be compared.
    posterior : Posterior
        Parameter sets.
    seed : int
        Of the run.

    Returns
    -------
    Ensemble
        Every scenario of a set has the same values, but for those that it has set itself.
    """
    rows = movable(scenarios, posterior)
    return Ensemble(scenarios, posterior, rows, movements_of(rows, len(posterior.values), seed))


class Told(NamedTuple):
    """What is told of scenarios in the worlds of one set; arrays of shape (scenarios, measures)."""

    mean: Floats
    difference: Floats
    chance_best: Floats


class Played(NamedTuple):
    """What came of all sets; the first axis of arrays is whether assumed values were moved, the second the set."""

    numbers: tuple[int, ...]  # sets that could be played
    told: Told  # (2, sets, scenarios, measures)
    worlds: Floats  # (2, worlds, scenarios, measures), mean difference over sets
    parameters: tuple[dict[str, float], ...]  # by set and scenario, as they stand and then moved
    refused: tuple[str, ...]


def _played(
    ensemble: Ensemble,
    book: Book | None,
    seed: int,
    replications: int,
    workers: int,
    progress: Callable[[int], None] | None,
) -> Played:
    columns = _columns(ensemble)
    numbers, told, parameters, refused = list[int](), list[list[Told]](), list[dict[str, float]](), list[str]()
    total = np.zeros((2, replications, len(ensemble.scenarios), len(MEASURES)))
    known = np.zeros_like(total)
    for number in range(len(ensemble.posterior.values)):
        try:
            there = ensemble.at(number)
            plan = planned(there, book)
        except KamsimError as error:
            refused.append(str(error))
            continue
        with closing(run_in_chunks(plan.jobs, seed, replications, workers=workers)) as chunks:
            outcomes = np.concatenate(list(outcome_blocks(chunks, plan.units)))
        halves = np.stack(np.split(outcomes, 2, axis=1))
        differences = halves - halves[:, :, :1]
        finite = np.isfinite(differences)
        known += finite
        total += np.where(finite, differences, 0.0)
        numbers.append(number)
        told.append([told_of(half) for half in halves])
        parameters += [{name: _number(scenario, name) for name in columns} for scenario in there]
        if progress is not None:
            progress(number + 1)
    if not numbers:
        raise KamsimError(f"{ensemble.posterior.source}: no set can be put into these scenarios: {refused[0]}")
    worlds = np.where(known > 0, total / np.maximum(known, 1.0), np.nan)
    halved = [Told(*map(np.stack, zip(*(pair[half] for pair in told), strict=True))) for half in (0, 1)]
    return Played(
        tuple(numbers),
        Told(*(np.stack(pair) for pair in zip(*halved, strict=True))),
        worlds,
        tuple(parameters),
        tuple(refused),
    )


def _columns(ensemble: Ensemble) -> tuple[str, ...]:
    """Names of all parameters that a set may change in a scenario."""
    names = dict.fromkeys((*ensemble.posterior.names, *ensemble.movements.names))
    return tuple(name for name in names if any(value_in(one, name) is not None for one in ensemble.scenarios))


def _number(scenario: Scenario, name: str) -> float:
    value = value_in(scenario, name)
    return math.nan if value is None else float(value)


def _notes_on_refused(found: Played, sets: int) -> Iterator[str]:
    if found.refused:
        yield (
            f"{len(found.refused)} of {sets} parameter sets do not go with the scenarios and are left out: "
            f"{found.refused[0]}"
        )
    if len(found.numbers) < FEW_SETS:
        yield f"{len(found.numbers)} parameter sets are few: {AGREEING:.0%} of them can hardly be told from all"


def told_of(values: Floats) -> Told:
    """Tell scenarios apart in the worlds of one set.

    Parameters
    ----------
    values : array of shape (worlds, scenarios, measures)
        The reference first; not finite where a scenario does not have a measure.

    Returns
    -------
    Told
        Of the worlds in which all scenarios have the measure that ever have it.
    """
    told = Told(*(np.full(values.shape[1:], np.nan) for _ in Told._fields))
    has = np.isfinite(values)
    for column in range(values.shape[2]):
        there = np.flatnonzero(has[:, :, column].any(axis=0))
        complete = np.flatnonzero(has[:, there, column].all(axis=1))
        block = values[complete][:, there, column]
        if not block.size:
            continue
        told.mean[there, column] = block.mean(axis=0)
        told.chance_best[there, column] = chances_best(block * _DIRECTION[column])
        if there[0] == 0:
            told.difference[there, column] = (block - block[:, :1]).mean(axis=0)
    return told


def chances_best(merit: Floats) -> Floats:
    """Chance of each scenario that its mean is the highest, given how well these worlds tell the means.

    Parameters
    ----------
    merit : array of shape (worlds, scenarios)
        Paired, higher is better.

    Returns
    -------
    array of shape (scenarios,)
        Adds up to 1. The means are drawn from a normal with the mean and the covariance of means that the worlds
        give, which keeps what all scenarios owe to the same worlds; ties are split.
    """
    worlds = len(merit)
    mean = merit.mean(axis=0)
    # The factor R of deviations = QR has R'R = covariance, without a matrix that equal scenarios make singular.
    factor = np.linalg.qr((merit - mean) / math.sqrt(worlds * max(worlds - 1, 1)), mode="r")
    normals = np.random.default_rng(0).standard_normal((_DRAWS, len(factor)))
    wins = _is_best(mean + normals @ factor)
    chances: Floats = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
    return chances


def _is_best(merit: Floats) -> NDArray[np.bool_]:
    """Whether each is best along the last axis; NaN never is, and equals but for rounding all are."""
    merit = np.where(np.isnan(merit), -np.inf, merit)
    top = merit.max(axis=-1, keepdims=True)
    size = np.where(np.isfinite(top), np.abs(top), 0.0)
    return np.asarray((merit >= top - _ALIKE * size) & np.isfinite(merit), dtype=np.bool_)


# ---------------------------------------------------------------- what is concluded


def _compared(
    found: Played,
    ensemble: Ensemble,
    names: tuple[str, ...],
    run: tuple[int, int],
    units: tuple[float, ...],
    notes: tuple[str, ...],
) -> UncertainComparison:
    stands, moved = (
        uncertain_measures(Told(*(array[half] for array in found.told)), found.worlds[half], names) for half in (0, 1)
    )
    leader, rival = _leader(stands, names)
    flip, drivers = None, tuple[Driver, ...]()
    if rival:
        flip = _flip(found, ensemble, names, leader)
        drivers = _drivers(found, ensemble, names.index(leader), names.index(rival))
    return UncertainComparison(
        scenarios=names,
        reference=names[0],
        measures=stands,
        best=tuple(best_of(stands)),
        flip=flip,
        leaning=tuple(_leaning(stands, moved)),
        compared=(leader, rival) if rival else (),
        drivers=drivers,
        assumed=len(ensemble.rows),
        seed=run[0],
        replications=run[1],
        sets=len(found.numbers),
        posterior=Path(ensemble.posterior.source).name,
        unit_of_money=units,
        notes=notes,
    )


def uncertain_measures(told: Told, worlds: Floats, names: Sequence[str]) -> tuple[UncertainMeasure, ...]:
    """Turn what is told of each set into a table, measure by measure.

    Parameters
    ----------
    told : Told
        Arrays of shape (sets, scenarios, measures).
    worlds : array of shape (worlds, scenarios, measures)
        Difference to the reference in each world, mean over sets.
    names : sequence of str
        Of the scenarios, the reference first.

    Returns
    -------
    tuple of UncertainMeasure
        A row for every measure and scenario.
    """
    return tuple(
        _row(told, worlds, names, place, column) for column in range(len(MEASURES)) for place in range(len(names))
    )


def _row(told: Told, worlds: Floats, names: Sequence[str], place: int, column: int) -> UncertainMeasure:
    merit = told.mean[:, :, column] * _DIRECTION[column]
    mean, chance = (_known(array[:, place, column]) for array in (told.mean, told.chance_best))
    difference = _known(told.difference[:, place, column])
    lost = _known(np.max(np.where(np.isnan(merit), -np.inf, merit), axis=1) - merit[:, place])
    gain = difference * _DIRECTION[column]
    error, known = math.nan, _known(worlds[:, place, column])
    if len(known) > 1:
        error = float(known.std(ddof=1)) / math.sqrt(len(known))
    low, high = np.quantile(difference, ((1 - AGREEING) / 2, (1 + AGREEING) / 2)) if len(difference) else (np.nan,) * 2
    contested = (~np.isnan(told.chance_best[:, :, column])).any(axis=1).sum()
    return UncertainMeasure(
        measure=MEASURES[column].name,
        scenario=names[place],
        mean=_mean(mean),
        difference=_mean(difference),
        low=float(low),
        high=float(high),
        error=error,
        probability_best=float(chance.sum() / contested) if len(chance) else math.nan,
        regret=_mean(lost),
        better=_mean(gain > 0),
        worse=_mean(gain < 0),
        verdict="" if place == 0 else _verdict(gain, error, len(known)),
        sets=len(difference),
    )


def _known(values: Floats) -> Floats:
    return values[~np.isnan(values)]


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else math.nan


def _verdict(gain: Floats, error: float, worlds: int) -> Verdict:
    from scipy.special import stdtrit

    if not len(gain) or math.isnan(error):
        return "cannot tell"
    if not gain.any():
        return "same"
    # All sets are played in the same worlds, so a lucky few could have every set agree.
    beyond_luck = abs(gain.mean()) > float(stdtrit(worlds - 1.0, 0.5 + AGREEING / 2.0)) * error
    if beyond_luck and (gain > 0).mean() >= AGREEING:
        return "better"
    return "worse" if beyond_luck and (gain < 0).mean() >= AGREEING else "cannot tell"


def best_of(measures: Sequence[UncertainMeasure]) -> Iterator[Best]:
    """Say for each measure which scenario is best, or between which it cannot be told.

    Parameters
    ----------
    measures : sequence of UncertainMeasure
        From `uncertain_measures`.

    Yields
    ------
    Best
        For each measure that anybody has.
    """
    for measure in MEASURES:
        rows = [row for row in measures if row.measure == measure.name and not math.isnan(row.probability_best)]
        group, probability = list[str](), 0.0
        for row in sorted(rows, key=lambda row: -row.probability_best):
            if probability >= BEST_FROM - _ALIKE:
                break
            group.append(row.scenario)
            probability += row.probability_best
        if group:
            yield Best(measure.name, tuple(group), min(1.0, probability))


def _leader(measures: Sequence[UncertainMeasure], names: Sequence[str]) -> tuple[str, str]:
    """Scenario that is most probably best on total profit, and whom to hold it against: the reference or the next."""
    rows = [row for row in measures if row.measure == MEASURES[_PROFIT].name]
    ordered = [row.scenario for row in sorted(rows, key=lambda row: -row.probability_best)]
    if len(names) < 2:
        return names[0], ""
    return ordered[0], names[0] if ordered[0] != names[0] else ordered[1]


def _flip(found: Played, ensemble: Ensemble, names: Sequence[str], leader: str) -> Flip:
    best = _is_best(found.told.mean[0, :, :, _PROFIT] * _DIRECTION[_PROFIT])
    at = names.index(leader)
    winners = [leader if row[at] else names[int(row.argmax())] for row in best]
    columns, values = _varied(found, ensemble)
    return flip_of(leader, winners, columns, values)


def _varied(found: Played, ensemble: Ensemble) -> tuple[list[str], Floats]:
    """Parameters of the sets that any scenario takes; not those that only follow another."""
    posterior = ensemble.posterior
    columns = [
        place
        for place, name in enumerate(posterior.names)
        if any(takes(scenario, name) for scenario in ensemble.scenarios)
        and not (name in TIED and TIED[name][0] in posterior.names)
    ]
    values = np.array([posterior.values[number] for number in found.numbers], dtype=np.float64)
    return [posterior.names[place] for place in columns], values[:, columns]


def _drivers(found: Played, ensemble: Ensemble, leader: int, rival: int) -> tuple[Driver, ...]:
    mean = found.told.mean[:, :, :, _PROFIT]
    stands, moved = mean[:, :, leader] - mean[:, :, rival]
    columns, values = _varied(found, ensemble)
    factors = ensemble.movements.factors[list(found.numbers)]
    return drivers_of((columns, values, stands), (ensemble.movements.names, factors, moved - stands))


def _leaning(stands: Sequence[UncertainMeasure], moved: Sequence[UncertainMeasure]) -> Iterator[Leaning]:
    for one, other in zip(stands, moved, strict=True):
        if one.measure != MEASURES[_PROFIT].name or not one.verdict:
            continue
        claim: Verdict = "worse" if one.worse > one.better else "better"
        agreeing, agreeing_moved = (row.worse if claim == "worse" else row.better for row in (one, other))
        yield Leaning(
            one.scenario,
            claim,
            agreeing,
            agreeing_moved,
            one.verdict,
            other.verdict,
            one.probability_best,
            other.probability_best,
        )


# ---------------------------------------------------------------- what is kept


def _write_sets(folder: Path, found: Played, names: Sequence[str]) -> None:
    """Write a row for every set and scenario, as it stands and with assumed values moved: measures and parameters."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sets, scenarios = len(found.numbers), len(names)
    columns: dict[str, Any] = {
        "set": pa.array(np.repeat(np.array(found.numbers, dtype=np.int32), 2 * scenarios)),
        "moved": pa.array(np.tile(np.repeat([False, True], scenarios), sets)),
        "scenario": pa.array(list(names) * 2 * sets),
    }
    # Arrays have the halves first, the rows of the file the sets.
    means = found.told.mean.transpose(1, 0, 2, 3).reshape(-1, len(MEASURES))
    columns |= {measure.name: pa.array(means[:, column]) for column, measure in enumerate(MEASURES)}
    for name in found.parameters[0]:
        columns[name] = pa.array([row[name] for row in found.parameters], pa.float64())
    pq.write_table(pa.table(columns), folder / SETS, compression="zstd")
