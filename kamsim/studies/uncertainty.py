"""Which policy does better where parameters are uncertain: in every set that fits the evidence, and leaning on what.

All policies are played in the same worlds under every parameter set, each set in worlds of its own, as it stands and
with every assumed value moved. Sets are equally likely; what is told over them is uncertainty of knowledge, not luck of
worlds. The bridge of profit comes first, as `kamsim.studies.compare` tells it: at the best fit, then over the sets.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from kamsim.analysis.agreement import AGREEING, Verdict, verdict_of
from kamsim.analysis.best import ALIKE, chances_between, is_best
from kamsim.analysis.corners import Driver, Flip, drivers_of, flip_of
from kamsim.analysis.intervals import Moments, error_and_margin
from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import LEDGER
from kamsim.evidence.plausible import TIED
from kamsim.evidence.posterior import Posterior
from kamsim.experiments.files import write_parquet
from kamsim.experiments.folder import RUN_FILES
from kamsim.experiments.jobs import Job, job_of
from kamsim.experiments.manifest import manifest_of
from kamsim.experiments.pool import checked_workers
from kamsim.measures.choice import PROFIT, USUAL, chosen
from kamsim.measures.outcomes import MEASURES
from kamsim.measures.profit import Horizon
from kamsim.records import Record
from kamsim.scenario import Scenario
from kamsim.studies.asked import Asked
from kamsim.studies.bridge import BridgeTerm, Worth, bridge_of, worth_of
from kamsim.studies.compare import BRIDGE, checked_names, money_at_best_fit, notes_on, write_tables
from kamsim.studies.over_sets import DIRECTION, FEW_SETS, held_of, notes_on_refused, posterior_in_manifest
from kamsim.studies.parameter_sets import (
    notes_on_sets,
    notes_on_worlds,
    takes,
)
from kamsim.studies.reference import AGAINST_FIRST, elevates, horizon_of, in_words
from kamsim.studies.uncertainty_sets import (
    Ensemble,
    Played,
    Told,
    ensemble_of,
    played_at_sets,
)
from kamsim.types import Flags, Floats, Progress

REPLICATIONS = 100
BEST_FIT = 5  # times as many worlds at the best fit as for a parameter set: as many as `kamsim.studies.compare` plays
BEST_FROM = 0.8  # probability from which a policy is called best
SETS = "sets.parquet"
_FILES = frozenset({*RUN_FILES, BRIDGE, SETS})


@dataclass(frozen=True)
class UncertainMeasure:
    """A measure under a scenario over all parameter sets, against the reference; NaN where it cannot be told.

    Parameters
    ----------
    measure, scenario : str
        Names.
    against : str
        Name of the scenario that it is held against, as of `kamsim.studies.compare.ComparedMeasure`.
    mean : float
        Over sets, of means over worlds.
    difference, low, high : float
        Mean paired difference to that scenario, and between which those of 95 % of the sets lie.
    error, margin : float
        Standard error of the mean difference over the worlds, and half its 95 % t interval: what so few worlds leave
        open, whatever the sets.
    probability_best : float
        Mean over sets of the chance that no other scenario has a better mean, given how well so many worlds tell the
        means; ties are split.
    regret : float
        Mean over sets of what is lost against the best scenario of the set, >= 0. The best is chosen in one half of
        the worlds and the loss told in the other, both ways: the best of noisy means is too good in its own worlds.
    better, worse : float
        Part of the sets in which the mean is better, or worse, than the reference's.
    verdict : str
        ``better`` or ``worse`` than the reference where 95 % of the sets agree and the worlds are enough to tell the
        mean difference from zero; ``same`` where all sets give no difference; else ``undecided``. Empty for the
        reference.
    sets : int
        In which both scenario and reference have the measure.
    """

    measure: str
    scenario: str
    against: str
    mean: float
    difference: float
    low: float
    high: float
    error: float
    margin: float
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
        One that is best with a probability of at least 0.8 and better than every rival by the rule of verdicts; or
        it and the rivals for which that cannot be told; or the fewest whose probabilities add up to 0.8.
    probability : float
        That the best is among them.
    """

    measure: str
    scenarios: tuple[str, ...]
    probability: float


@dataclass(frozen=True)
class Lead:
    """How surely the worlds tell the leader on total profit from its rival.

    Parameters
    ----------
    scenario, rival : str
        Most probably best, and the next most probable; or the next that the worlds do not tell from it.
    difference, error, margin : float
        Of the scenario to its rival, mean over sets; its standard error over worlds, and half its 95 % t interval.
    apart : bool
        Whether that interval excludes zero. True too of two that do the same in every world.
    probability_best, low, high : float
        Of the scenario, and 95 % interval of that from resampling the worlds.
    """

    scenario: str
    rival: str
    difference: float
    error: float
    margin: float
    apart: bool
    probability_best: float
    low: float
    high: float


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
class UncertainComparison(Record):
    """Scenarios compared over all parameter sets that fit the evidence.

    Parameters
    ----------
    scenarios : tuple of str
        Names, the reference first.
    reference : str
        Name.
    reference_in_words : str
        What it is, where it is no program.
    horizon : Horizon
        What money is told of: years from the launch on, and discounting.
    bridge : tuple of BridgeTerm
        From what the difference in total profit comes, at the best fit and over the sets.
    worth : tuple of Worth
        Whether each pays over the sets, and at the best fit what it returns and where it breaks even.
    measures : tuple of UncertainMeasure
        Every measure under every scenario.
    best : tuple of Best
        For every measure that anybody has.
    lead : Lead or None
        The leader on total profit and its rival; None with a single scenario.
    flip : Flip or None
        Where the ranking on total profit flips; None with a single scenario, where the worlds do not tell the leader
        from its rival, and with fewer than 20 sets.
    leaning : tuple of Leaning
        Of every scenario but the reference.
    compared : tuple of str
        The two scenarios whose difference in total profit the drivers are of.
    drivers : tuple of Driver
        Parameters on which it depends most.
    assumed, assumed_known : int
        Assumed values that were moved, and all of the ledger; `movable` says which are left out.
    same_worlds : bool
        False where scenarios differ in values of the world or timeline that the posterior varies.
    seed, replications, sets, best_fit_worlds : int
        Of the run; worlds for each of the parameter sets, and at the best fit.
    posterior : str
        File that the sets came from.
    unit_of_money : tuple of float
        What a median annual wallet is in money, by scenario.
    notes : tuple of str
        What was capped, dropped, kept or assumed, a sentence each.
    shown : tuple of str
        Names of the measures that were chosen to be shown.
    """

    scenarios: tuple[str, ...]
    reference: str
    reference_in_words: str
    horizon: Horizon
    bridge: tuple[BridgeTerm, ...]
    worth: tuple[Worth, ...]
    measures: tuple[UncertainMeasure, ...]
    best: tuple[Best, ...]
    lead: Lead | None
    flip: Flip | None
    leaning: tuple[Leaning, ...]
    compared: tuple[str, ...]
    drivers: tuple[Driver, ...]
    assumed: int
    assumed_known: int
    same_worlds: bool
    seed: int
    replications: int
    sets: int
    best_fit_worlds: int
    posterior: str
    unit_of_money: tuple[float, ...]
    notes: tuple[str, ...]
    shown: tuple[str, ...] = USUAL

    @property
    def worlds_a_set(self) -> int:
        """Worlds of each parameter set."""
        return self.replications

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; what cannot be told is None."""
        content = {name: value for name, value in super().to_dict().items() if name != "unit_of_money"}
        first = list(content).index("lead")
        told = list(content.items())
        return dict([*told[:first], ("best_from", BEST_FROM), ("agreeing", AGREEING), *told[first:]])


def compare_under_uncertainty(
    scenarios: Sequence[Scenario],
    posterior: Posterior,
    *,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
    book: Book | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
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
        Account book to play in; by default that of the scenarios, if they carry one.
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
    asked = ask_compare_under_uncertainty(
        scenarios, posterior, replications=replications, seed=seed, jobs=jobs, book=book
    )
    return asked.play(progress, out, figure)


def ask_compare_under_uncertainty(
    scenarios: Sequence[Scenario],
    posterior: Posterior,
    *,
    replications: int = REPLICATIONS,
    seed: int = 1,
    jobs: int | None = None,
    book: Book | None = None,
    measures: Sequence[str] | None = None,
) -> Asked[UncertainComparison]:
    """Check what `compare_under_uncertainty` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives an `UncertainComparison`.
    """
    workers = checked_workers(replications, seed, jobs)
    names = checked_names(scenarios)
    if replications < 2:
        raise KamsimError(
            "replications must be at least 2 under uncertainty: one market scenario does not tell luck from policy"
        )
    plan = [job_of(scenario, book) for scenario in scenarios]
    shown = USUAL if measures is None else chosen(measures)
    ensemble = ensemble_of(scenarios, posterior, seed)
    apart = tuple(notes_on_worlds(scenarios, posterior))
    notes = (*apart, *notes_on(scenarios, plan, book), *posterior.notes, *notes_on_sets(scenarios, posterior))

    def answer(progress: Progress | None, folder: Path | None) -> UncertainComparison:
        *best_fit, empty = money_at_best_fit(scenarios, plan, seed, BEST_FIT * replications, workers)
        found = played_at_sets(ensemble, book, seed, replications, workers, progress)
        said = (*notes, *empty, *notes_on_refused(found.refused, len(found.numbers), len(posterior.values)))
        comparison = _compared(found, ensemble, best_fit, (seed, replications), plan, said)
        comparison = replace(comparison, same_worlds=not apart, shown=shown)
        if folder is not None:
            write_tables(folder, comparison.measures, comparison.bridge, scenarios, comparison.horizon)
            _write_sets(folder, found, names)
        return comparison

    told: dict[str, object] = {"reference": names[0], "total_profit": horizon_of(scenarios, plan[0]).told()}
    told |= {} if shown == USUAL else {"measures": list(shown)}
    manifest = manifest_of(scenarios, seed, replications, book) | told | {"posterior": posterior_in_manifest(posterior)}
    return Asked(manifest, len(posterior.values), "parameter sets", answer, _FILES)


# ---------------------------------------------------------------- what is concluded


def _compared(
    found: Played,
    ensemble: Ensemble,
    best_fit: Sequence[Moments],
    run: tuple[int, int],
    plan: Sequence[Job],
    notes: tuple[str, ...],
) -> UncertainComparison:
    names, (money, cumulated) = tuple(scenario.name for scenario in ensemble.scenarios), best_fit
    stands, moved = (
        uncertain_measures(Told(*(array[half] for array in found.told)), found.worlds[half], names, ensemble.bases)
        for half in (0, 1)
    )
    told = Told(*(array[0] for array in found.told))
    leader, against = _leader(stands, names)
    lead, flip, drivers = None, None, tuple[Driver, ...]()
    if against:
        lead = _lead(found, stands, names, leader)
        drivers = _drivers(found, ensemble, names.index(leader), names.index(against))
        if lead.apart and len(found.numbers) >= FEW_SETS:
            flip = _flip(found, ensemble, names, leader)
    held, profit = held_of(found.stands, run[1]), [row for row in stands if row.measure == MEASURES[PROFIT].name]
    pays = [held[place, PROFIT]._replace(verdict=row.verdict) for place, row in enumerate(profit)]
    margins = [scenario.world.gross_margin for scenario in ensemble.scenarios]
    return UncertainComparison(
        scenarios=names,
        reference=names[0],
        reference_in_words=in_words(ensemble.scenarios[0]),
        horizon=horizon_of(ensemble.scenarios, plan[0]),
        bridge=tuple(bridge_of(money, names, found.stands.money)),
        worth=tuple(worth_of(money, names, margins, pays, cumulated, not elevates(ensemble.scenarios[0]))),
        measures=stands,
        best=tuple(best_of(stands, told, found.worlds[0], names)),
        lead=lead,
        flip=flip,
        leaning=tuple(_leaning(stands, moved)),
        compared=(leader, against) if against else (),
        drivers=drivers,
        assumed=len(ensemble.rows),
        assumed_known=sum(row.kind == "assumed" for row in LEDGER),
        same_worlds=True,
        seed=run[0],
        replications=run[1],
        sets=len(found.numbers),
        best_fit_worlds=BEST_FIT * run[1],
        posterior=Path(ensemble.posterior.source).name,
        unit_of_money=tuple(job.unit for job in plan),
        notes=notes,
    )


def uncertain_measures(
    told: Told, worlds: Floats, names: Sequence[str], bases: Sequence[int] = AGAINST_FIRST
) -> tuple[UncertainMeasure, ...]:
    """Turn what is told of each set into a table, a row for every measure and scenario, the reference first.

    ``told`` has shape (sets, scenarios, measures); ``worlds``, (worlds, scenarios, scenarios, measures), is the
    difference of one to another in each world, mean over sets.
    """
    return tuple(
        _row(told, worlds, names, (place, base), column)
        for column, base in enumerate(bases)
        for place in range(len(names))
    )


def _row(told: Told, worlds: Floats, names: Sequence[str], pair: tuple[int, int], column: int) -> UncertainMeasure:
    place, base = pair
    mean, chance, lost = (_known(array[:, place, column]) for array in (told.mean, told.chance_best, told.regret))
    difference = _known(told.difference[:, place, column])
    gain = difference * DIRECTION[column]
    error, margin = error_and_margin(worlds[:, place, base, column])
    low, high = np.quantile(difference, ((1 - AGREEING) / 2, (1 + AGREEING) / 2)) if len(difference) else (np.nan,) * 2
    contested = (~np.isnan(told.chance_best[:, :, column])).any(axis=1).sum()
    return UncertainMeasure(
        measure=MEASURES[column].name,
        scenario=names[place],
        against=names[base],
        mean=_mean(mean),
        difference=_mean(difference),
        low=float(low),
        high=float(high),
        error=error,
        margin=margin,
        probability_best=float(chance.sum() / contested) if len(chance) else math.nan,
        regret=max(0.0, _mean(lost)) if len(lost) else math.nan,
        better=_mean(_known(gain) > 0),
        worse=_mean(_known(gain) < 0),
        verdict="" if place == base else verdict_of(gain, margin),
        sets=len(difference),
    )


def _known(values: Floats) -> Floats:
    return values[~np.isnan(values)]


def _mean(values: Floats | Flags) -> float:
    return float(values.mean()) if len(values) else math.nan


def best_of(measures: Sequence[UncertainMeasure], told: Told, worlds: Floats, names: Sequence[str]) -> Iterator[Best]:
    """Say for each measure that anybody has which scenario is best, or between which it cannot be told.

    Arrays are as for `uncertain_measures`.
    """
    for column, measure in enumerate(MEASURES):
        rows = [row for row in measures if row.measure == measure.name and not math.isnan(row.probability_best)]
        rows.sort(key=lambda row: -row.probability_best)
        group, probability = list[str](), 0.0
        for row in rows:
            if probability >= BEST_FROM - ALIKE:
                break
            group.append(row.scenario)
            probability += row.probability_best
        if len(group) == 1:
            at = names.index(group[0])
            for row in rows[1:]:
                if _against(told, worlds, (at, names.index(row.scenario)), column) == "undecided":
                    group.append(row.scenario)
                    probability += row.probability_best
        if group:
            yield Best(measure.name, tuple(group), min(1.0, probability))


def _against(told: Told, worlds: Floats, pair: tuple[int, int], column: int) -> Verdict:
    """Verdict on one scenario against another."""
    one, other = pair
    gain = _known(told.mean[:, one, column] - told.mean[:, other, column]) * DIRECTION[column]
    return verdict_of(gain, error_and_margin(worlds[:, one, other, column])[1])


def _lead(found: Played, stands: Sequence[UncertainMeasure], names: Sequence[str], leader: str) -> Lead:
    rows = {row.scenario: row for row in stands if row.measure == MEASURES[PROFIT].name}
    at = names.index(leader)
    low, high = chances_between(found.profit * DIRECTION[PROFIT])[:, at]
    chance = rows[leader].probability_best
    leads = []
    for place, rival in enumerate(names):
        if rival == leader:
            continue
        differences = found.worlds[0, :, at, place, PROFIT]
        difference, (error, margin) = _mean(_known(differences)), error_and_margin(differences)
        apart = abs(difference) > margin or not differences.any()
        leads.append(
            Lead(
                leader,
                rival,
                difference,
                error,
                margin,
                apart,
                chance,
                min(float(low), chance),
                max(float(high), chance),
            )
        )
    return min(leads, key=lambda lead: (lead.apart, -rows[lead.rival].probability_best, -rows[lead.rival].mean))


def _leader(measures: Sequence[UncertainMeasure], names: Sequence[str]) -> tuple[str, str]:
    """Scenario that is most probably best on total profit, and whom to hold it against: the reference or the next."""
    rows = [row for row in measures if row.measure == MEASURES[PROFIT].name]
    ordered = [row.scenario for row in sorted(rows, key=lambda row: -row.probability_best)]
    if len(names) < 2:
        return names[0], ""
    return ordered[0], names[0] if ordered[0] != names[0] else ordered[1]


def _flip(found: Played, ensemble: Ensemble, names: Sequence[str], leader: str) -> Flip:
    best = is_best(found.told.mean[0, :, :, PROFIT] * DIRECTION[PROFIT])
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
    mean = found.told.mean[:, :, :, PROFIT]
    stands, moved = mean[:, :, leader] - mean[:, :, rival]
    columns, values = _varied(found, ensemble)
    factors = ensemble.movements.factors[list(found.numbers)]
    return drivers_of((columns, values, stands), (ensemble.movements.names, factors, moved - stands))


def _leaning(stands: Sequence[UncertainMeasure], moved: Sequence[UncertainMeasure]) -> Iterator[Leaning]:
    for one, other in zip(stands, moved, strict=True):
        if one.measure != MEASURES[PROFIT].name or not one.verdict:
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

    sets, scenarios = len(found.numbers), len(names)
    columns: dict[str, object] = {
        "set": pa.array(np.repeat(np.array(found.numbers, dtype=np.int32), 2 * scenarios)),
        "moved": pa.array(np.tile(np.repeat([False, True], scenarios), sets)),
        "scenario": pa.array(list(names) * 2 * sets),
    }
    # Arrays have the halves first, the rows of the file the sets.
    means = found.told.mean.transpose(1, 0, 2, 3).reshape(-1, len(MEASURES))
    columns |= {measure.name: pa.array(means[:, column]) for column, measure in enumerate(MEASURES)}
    for name in found.parameters[0]:
        columns[name] = pa.array([row[name] for row in found.parameters], pa.float64())
    write_parquet(folder / SETS, pa.table(columns))
