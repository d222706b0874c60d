"""Look at simulated organizations as the published survey looked at real ones."""

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kamsim.analysis.intervals import cautions, interval_of, points_among, ratio
from kamsim.errors import KamsimError
from kamsim.evidence.published import OUTCOMES, SURVEY_SAMPLE
from kamsim.evidence.readings import ANY_INCREASE, DEFAULT_READING, READINGS, THRESHOLDS, Reading, reading_of
from kamsim.experiments.jobs import Job, Table, job_of, scales_of
from kamsim.experiments.manifest import manifest_of
from kamsim.experiments.pool import checked_workers, run_in_chunks
from kamsim.measures.choice import NAMES
from kamsim.measures.choice import chosen as chosen_measures
from kamsim.measures.survey import ANSWERS
from kamsim.records import Record
from kamsim.scenario import LEVERS, Scenario
from kamsim.studies.asked import Asked
from kamsim.studies.settings import notes_on_book, notes_on_settings
from kamsim.types import Floats, Progress

PUBLISHED = {figure.name: figure.value for figure in OUTCOMES}
FURTHER = ("large_spend_against_not_elevated", "rebuilt_once", "year_to_year_correlation", "growth_sd")
SAMPLES = 2_000
YEARS_SURVEYED = 7
AGAINST = ("enterprise", "never_elevated")
ENTERPRISE_FROM = 0.5  # strength of the selection lever at which an organization counts as selecting by enterprise


@dataclass(frozen=True)
class SurveyFigure:
    """A figure of the survey; NaN where it cannot be told.

    Parameters
    ----------
    name : str
        Of the figure.
    published : float
        What the survey of real organizations found; NaN for a figure that it did not report.
    simulated : float
        Of all simulated organizations together.
    low, high : float
        Between which 95 % of samples of the survey's size fall.
    dropped : int
        Samples in which the figure could not be told.
    """

    name: str
    published: float
    simulated: float
    low: float
    high: float
    dropped: int


@dataclass(frozen=True)
class ReadFigure:
    """Accounts elevated for large spend against others, in one reading of "less likely to increase that spend".

    Parameters
    ----------
    reading : str
        ``chances > 20 %``.
    against : str
        ``enterprise``, accounts elevated by enterprise criteria, or ``never_elevated``, all those key in no year,
        whatever their organizations select by.
    simulated : float
        Ratio in all simulated organizations together.
    low, high : float
        Between which 95 % of samples of the survey's size fall.
    dropped : int
        Samples in which it could not be told.
    """

    reading: str
    against: str
    simulated: float
    low: float
    high: float
    dropped: int


@dataclass(frozen=True)
class SuppliersMeasure:
    """A measure of programs over all simulated suppliers; NaN where none has it.

    Parameters
    ----------
    measure : str
        Name.
    mean, low, high : float
        Over suppliers, and its 95 % interval (Student's t); money as money.
    suppliers : int
        That have it.
    """

    measure: str
    mean: float
    low: float
    high: float
    suppliers: int


@dataclass(frozen=True)
class Survey(Record):
    """A simulated population beside the published figures.

    Parameters
    ----------
    figures : tuple of SurveyFigure
        Those published.
    further : tuple of SurveyFigure
        Others that the same organizations give.
    reading : str
        In which the published 51 % are compared.
    readings : tuple of ReadFigure
        All of them, against each of `AGAINST`.
    sample : int
        Organizations in a sample of the survey's size.
    organizations, seed : int
        Of the run.
    scenario : str
        Name.
    notes : tuple of str
        What limits the comparison, a sentence each.
    measures : tuple of SuppliersMeasure
        Those that were asked for.
    """

    figures: tuple[SurveyFigure, ...]
    further: tuple[SurveyFigure, ...]
    reading: str
    readings: tuple[ReadFigure, ...]
    sample: int
    organizations: int
    seed: int
    scenario: str
    notes: tuple[str, ...]
    measures: tuple[SuppliersMeasure, ...] = ()


def survey(
    scenario: Scenario,
    *,
    organizations: int = 2000,
    seed: int = 1,
    reading: str = str(DEFAULT_READING),
    jobs: int | None = None,
    measures: Sequence[str] = (),
    progress: Progress | None = None,
) -> Survey:
    """Play the organizations of a scenario and survey them.

    Parameters
    ----------
    scenario : Scenario
        Usually one with a mix of organizations, ``population``.
    organizations : int
        >= 1.
    seed : int
        In [0, 2**64).
    reading : str
        In which the published 51 % are compared, ``chances > 20 %``; the table of all readings is the same for any.
    jobs : int, optional
        Chunks of work at a time; by default as many as there are cores. It changes no result.
    measures : sequence of str
        Names of measures to tell of the suppliers, and of groups in `kamsim.measures.choice.GROUPS`.
    progress : callable, optional
        Told from time to time how many organizations are done.

    Returns
    -------
    Survey
        The same to the last bit whatever the jobs.

    Raises
    ------
    KamsimError
        Where an argument is out of range, or the reading is none.
    """
    asked = ask_survey(scenario, organizations=organizations, seed=seed, reading=reading, jobs=jobs, measures=measures)
    return asked.play(progress)


def ask_survey(
    scenario: Scenario,
    *,
    organizations: int = 2000,
    seed: int = 1,
    reading: str = str(DEFAULT_READING),
    jobs: int | None = None,
    measures: Sequence[str] = (),
) -> Asked[Survey]:
    """Check what `survey` is asked, with the same arguments.

    Returns
    -------
    Asked
        Played, it gives a `Survey`.
    """
    if organizations < 1:
        raise KamsimError(f"organizations must be at least 1, not {organizations}")
    chosen = reading_of(reading)
    workers, names = checked_workers(organizations, seed, jobs), chosen_measures(measures)
    job = job_of(scenario)

    def answer(progress: Progress | None, _: Path | None) -> Survey:
        played = run_in_chunks([job], seed, organizations, workers=workers, progress=progress)
        with closing(played) as chunks:
            table = joined([tables[0] for tables in chunks])
        samples = sampled_figures(table, np.random.default_rng([seed, SURVEY_SAMPLE]), reading=chosen)
        figures = {name: _figure(name, value, samples[name]) for name, value in figures_of([table], chosen).items()}
        # The same samples: they are drawn first of all.
        sampled = sampled_readings(table, np.random.default_rng([seed, SURVEY_SAMPLE]))
        readings = (_read_figure(*key, value, sampled[key]) for key, value in readings_of([table]).items())
        told = [(figure.name, figure.low, figure.high) for figure in figures.values()]
        published, further = (tuple(figures[name] for name in names) for names in (PUBLISHED, FURTHER))
        notes = (
            *notes_on_settings([scenario]),
            *notes_on_book([scenario]),
            *job.notes,
            *_notes(scenario, figures),
            *cautions(points_among(told, organizations), "suppliers"),
        )
        return Survey(
            published,
            further,
            str(chosen),
            tuple(readings),
            SURVEY_SAMPLE,
            organizations,
            seed,
            scenario.name,
            notes,
            _measures_of(table, job, names),
        )

    of = {"command": "survey", "reading": str(chosen), **({"measures": list(names)} if names else {})}
    manifest = manifest_of([scenario], seed, organizations) | of
    return Asked(manifest, organizations, "suppliers", answer)


def _measures_of(table: Table, job: Job, names: Sequence[str]) -> tuple[SuppliersMeasure, ...]:
    found, scales = [], scales_of([job])[0]
    for column in map(NAMES.index, names):
        values = table.outcomes[:, column] * scales[column]
        found.append(SuppliersMeasure(NAMES[column], *interval_of(np.where(np.isfinite(values), values, np.nan))))
    return tuple(found)


def figures_of(tables: Sequence[Table], reading: Reading = ANY_INCREASE) -> dict[str, float]:
    """Figures of organizations, in any pieces, by name: those published, then `FURTHER`; NaN where one cannot be told.

    - ``quota_miss``: organization-years that missed quota, of those asked about.
     ``rebuilt_twice``, ``rebuilt_once``: organizations that rebuilt at least so often in the window.
     ``large_spend_growth_ratio``: chance to grow of accounts that organizations selecting by spend elevated, over
     that of accounts elevated by enterprise criteria; ``large_spend_against_not_elevated``: over that of accounts
     that the same organizations, selecting by spend, did not elevate. Odds in place of chances, and to grow by more,
     where the reading has it.
     ``collaboration_ratio``: mean spend per key account of the third of KAMs that report most collaboration, over
     that of the rest.
     ``year_to_year_correlation``, ``growth_sd``: of log annual spend of ordinary accounts, and of its yearly change.
    """
    table = joined(tables)
    figures = _figures_of_sums(_summands(table).sum(axis=0), reading)
    collaboration = _collaboration_ratio(table.reports.reshape(1, -1), table.key_spend.reshape(1, -1))[0]
    return {name: float(value) for name, value in _in_order(figures | {"collaboration_ratio": collaboration}).items()}


def readings_of(tables: Sequence[Table]) -> dict[tuple[Reading, str], float]:
    """Ratio of accounts elevated for large spend to each of `AGAINST`, in each of `READINGS`; NaN where none is told.

    Against ``enterprise`` it is what `figures_of` has as ``large_spend_growth_ratio``.
    """
    ratios = _ratios_of_sums(_summands(joined(tables)).sum(axis=0))
    return {key: float(value) for key, value in ratios.items()}


def weighted_readings(tables: Sequence[Table], weights: Floats) -> dict[tuple[Reading, str], Floats]:
    """Ratios as `readings_of` has them, where organizations count as often as each row of weights says."""
    return _ratios_of_sums(weights @ _summands(joined(tables)))


def book_moments(table: Table) -> dict[str, float]:
    """Moments of log annual spend of ordinary accounts, of all organizations together.

    ``year_to_year_correlation``, ``growth_sd`` and ``log_spend_sd``; organizations without ordinary accounts tell
    nothing.
    """
    total = dict(zip(_SUMMANDS, _summands(table).sum(axis=0), strict=True))
    correlation, growth_sd = _year_to_year(total)
    mean = ratio(total["sum_after"], total["pairs"])
    spread = np.sqrt(np.maximum(ratio(total["sum_after_squared"], total["pairs"]) - mean * mean, 0.0))
    found = {"year_to_year_correlation": correlation, "growth_sd": growth_sd, "log_spend_sd": spread}
    return {name: float(value) for name, value in found.items()}


def sampled_figures(
    table: Table,
    generator: np.random.Generator,
    *,
    samples: int = SAMPLES,
    size: int = SURVEY_SAMPLE,
    reading: Reading = ANY_INCREASE,
) -> dict[str, Floats]:
    """Figures of samples drawn from organizations with replacement, an entry per sample.

    NaN where a sample cannot tell, having for instance no enterprise selection.
    """
    drawn = generator.integers(len(table.answers), size=(samples, size))
    sums = _sums_of(table, drawn)
    collaboration = _collaboration_ratio(
        table.reports[drawn].reshape(samples, -1), table.key_spend[drawn].reshape(samples, -1)
    )
    misses = _missed_when_asked_once(table, drawn, generator)
    return _in_order(_figures_of_sums(sums, reading) | {"collaboration_ratio": collaboration, "quota_miss": misses})


def sampled_readings(
    table: Table, generator: np.random.Generator, *, samples: int = SAMPLES, size: int = SURVEY_SAMPLE
) -> dict[tuple[Reading, str], Floats]:
    """Ratios as `readings_of` has them, of the samples that `sampled_figures` draws with the same generator."""
    return _ratios_of_sums(_sums_of(table, generator.integers(len(table.answers), size=(samples, size))))


def _sums_of(table: Table, drawn: NDArray[np.int64]) -> Floats:
    """Sums of each sample, in the order of `_SUMMANDS`."""
    # One column at a time: all of them side by side would take gigabytes for a large sample.
    return np.stack([column[drawn].sum(axis=1) for column in _summands(table).T], axis=1)


def _missed_when_asked_once(table: Table, drawn: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """Part of each sample that missed quota, each organization asked about one of its years, as a survey asks."""
    asked, missed = (table.answers[:, ANSWERS.index(name)][drawn] for name in ("years_asked", "years_missed"))
    told = generator.random(drawn.shape) * asked < missed
    return ratio(told.sum(axis=1).astype(np.float64), (asked > 0).sum(axis=1).astype(np.float64))


def joined(tables: Sequence[Table]) -> Table:
    """Tables of consecutive organizations as one, rows in the order given."""
    return Table(*(np.concatenate(columns) for columns in zip(*tables, strict=True)))


def _in_order(figures: dict[str, Floats]) -> dict[str, Floats]:
    return {name: figures[name] for name in (*PUBLISHED, *FURTHER)}


def _summands(table: Table) -> Floats:
    """Tell what each organization adds to the sums that figures are made of: (organizations, `_SUMMANDS`)."""
    answer = {name: table.answers[:, column] for column, name in enumerate(ANSWERS)}
    by_spend = table.levers[:, LEVERS.index("selection")] < ENTERPRISE_FROM
    columns = {
        **answer,
        "organizations": np.ones(len(table.answers)),
        "rebuilt_once": answer["rebuilds"] >= 1,
        "rebuilt_twice": answer["rebuilds"] >= 2,
    }
    for name in _ASKED_WHETHER_GREW:
        columns |= {f"{column}_by_spend": answer[column] * by_spend for column in _grown_columns(name)}
    return np.stack([columns[name] for name in _SUMMANDS], axis=1).astype(np.float64)


def _grown_columns(name: str) -> tuple[str, ...]:
    """Answers on one kind of accounts: how many there are, then how many grew by more than each of `THRESHOLDS`."""
    first = ANSWERS.index(name)
    return ANSWERS[first : first + 1 + len(THRESHOLDS)]


_ASKED_WHETHER_GREW = ("elevated", "not_elevated")
_SUMMANDS = (
    *ANSWERS,
    "organizations",
    "rebuilt_once",
    "rebuilt_twice",
    *(f"{column}_by_spend" for name in _ASKED_WHETHER_GREW for column in _grown_columns(name)),
)


class _Grown(NamedTuple):
    """Accounts of one kind, and how many of them grew by more than a threshold."""

    asked: Floats
    grew: Floats


def _ratio_in(reading: Reading, some: _Grown, others: _Grown) -> Floats:
    """Ratio of some accounts to others, of the chances or of the odds that they grew."""
    part = [
        ratio(group.grew, group.asked if reading.statistic == "chances" else group.asked - group.grew)
        for group in (some, others)
    ]
    return ratio(part[0], part[1])


def _ratios_of_sums(sums: Floats) -> dict[tuple[Reading, str], Floats]:
    found: dict[tuple[Reading, str], Floats] = {}
    for reading in READINGS:
        by_spend, by_enterprise, _, never = _grown(sums, reading)
        found[reading, "enterprise"] = _ratio_in(reading, by_spend, by_enterprise)
        found[reading, "never_elevated"] = _ratio_in(reading, by_spend, never)
    return found


def _grown(sums: Floats, reading: Reading) -> tuple[_Grown, _Grown, _Grown, _Grown]:
    """Accounts elevated by spend, by enterprise criteria, passed over by spend, and never elevated by anybody."""
    total = {name: sums[..., column] for column, name in enumerate(_SUMMANDS)}

    def told(name: str, suffix: str = "") -> _Grown:
        columns = _grown_columns(name)
        grew = columns[1 + THRESHOLDS.index(reading.threshold)]
        return _Grown(total[f"{columns[0]}{suffix}"], total[f"{grew}{suffix}"])

    all_elevated, by_spend = told("elevated"), told("elevated", "_by_spend")
    by_enterprise = _Grown(all_elevated.asked - by_spend.asked, all_elevated.grew - by_spend.grew)
    return by_spend, by_enterprise, told("not_elevated", "_by_spend"), told("never_elevated")


def _figures_of_sums(sums: Floats, reading: Reading) -> dict[str, Floats]:
    """Figures that are made of sums over organizations; any number of samples side by side."""
    total = {name: sums[..., column] for column, name in enumerate(_SUMMANDS)}
    by_spend, by_enterprise, passed_over, _ = _grown(sums, reading)
    correlation, growth_sd = _year_to_year(total)
    return {
        "quota_miss": ratio(total["years_missed"], total["years_asked"]),
        "rebuilt_twice": ratio(total["rebuilt_twice"], total["organizations"]),
        "large_spend_growth_ratio": _ratio_in(reading, by_spend, by_enterprise),
        "large_spend_against_not_elevated": _ratio_in(reading, by_spend, passed_over),
        "rebuilt_once": ratio(total["rebuilt_once"], total["organizations"]),
        "year_to_year_correlation": correlation,
        "growth_sd": growth_sd,
    }


def _year_to_year(total: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Correlation of consecutive years, and standard deviation of the change between them, from sums."""
    pairs = total["pairs"]
    before, after = ratio(total["sum_before"], pairs), ratio(total["sum_after"], pairs)
    # Rounding can leave a variance of nothing a hair below nothing.
    variance_before = np.maximum(ratio(total["sum_before_squared"], pairs) - before * before, 0.0)
    variance_after = np.maximum(ratio(total["sum_after_squared"], pairs) - after * after, 0.0)
    together = ratio(total["sum_product"], pairs) - before * after
    growth_sd = np.sqrt(np.maximum(variance_before + variance_after - 2.0 * together, 0.0))
    return ratio(together, np.sqrt(variance_before * variance_after)), growth_sd


def _collaboration_ratio(reports: Floats, key_spend: Floats) -> Floats:
    """Mean spend of the third of KAMs that report most collaboration, over that of the rest; a row per sample."""
    asked = ~(np.isnan(reports) | np.isnan(key_spend))
    highest_first = np.argsort(np.where(asked, -reports, np.inf), axis=1, kind="stable")
    spend = np.take_along_axis(np.where(asked, key_spend, 0.0), highest_first, axis=1)
    kams = asked.sum(axis=1)
    third = kams // 3
    top = np.arange(reports.shape[1]) < third[:, None]
    # KAMs that were not asked come last and add nothing.
    top_mean = ratio((spend * top).sum(axis=1), third.astype(np.float64))
    rest_mean = ratio((spend * ~top).sum(axis=1), (kams - third).astype(np.float64))
    return ratio(top_mean, rest_mean)


def _figure(name: str, simulated: float, samples: Floats) -> SurveyFigure:
    return SurveyFigure(name, PUBLISHED.get(name, math.nan), simulated, *_between(samples))


def _read_figure(reading: Reading, against: str, simulated: float, samples: Floats) -> ReadFigure:
    return ReadFigure(str(reading), against, simulated, *_between(samples))


def _between(samples: Floats) -> tuple[float, float, int]:
    """Ends between which 95 % of the samples lie that can tell a figure, and how many cannot."""
    known = samples[~np.isnan(samples)]
    low, high = np.percentile(known, [2.5, 97.5]).tolist() if len(known) else (math.nan, math.nan)
    return low, high, len(samples) - len(known)


def _notes(scenario: Scenario, figures: dict[str, SurveyFigure]) -> list[str]:
    notes = []
    window = scenario.timeline.window_years
    if window != YEARS_SURVEYED:
        notes.append(
            f"rebuilds are counted over the {window} years observed; the published figure is of {YEARS_SURVEYED} years"
        )
    if math.isnan(figures["large_spend_growth_ratio"].simulated):
        notes.append(
            f"{scenario.name}: large_spend_growth_ratio takes suppliers that elevate by spend and others that "
            "elevate by enterprise criteria, as in the scenario population"
        )
    dropped = [figure for figure in figures.values() if 0 < figure.dropped < SAMPLES]
    notes += [f"{figure.name} could not be told in {figure.dropped:,} of {SAMPLES:,} samples" for figure in dropped]
    return notes
