"""One organization, watched: played through Mesa quarter by quarter, and told year by year."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.books.labels import MEDIAN_WALLETS
from kamsim.experiments.files import check_target, write_parquet, write_whole
from kamsim.experiments.jobs import job_of
from kamsim.experiments.pool import checked_workers
from kamsim.measures.outcomes import MEASURES, outcomes
from kamsim.measures.profit import account_of
from kamsim.model.program import KeyAccountProgram
from kamsim.rules.costs import add_up, contribution
from kamsim.scenario import Scenario
from kamsim.studies.reference import elevates, note_on_empty_program
from kamsim.studies.settings import notes_on_book, notes_on_settings
from kamsim.types import Progress
from kamsim.world.carried import carried_book
from kamsim.world.parameters import Timeline, timeline_of


class Year(NamedTuple):
    """A year of one organization; money in money, None where there is no program or no key account."""

    year: int
    phase: str  # history, warm-up, window
    customers: int  # at some time of the year
    key_accounts: int
    revenue: float
    key_revenue: float | None
    quota: float | None
    attainment: float | None
    missed: bool
    rebuilt: bool
    profit: float
    collaboration: float | None
    trust: float | None
    departures: int
    label: str = ""  # what the year is called; empty where it has a number only


class Watched(NamedTuple):
    """One organization played to the end."""

    scenario: str
    seed: int
    years: tuple[Year, ...]
    measures: dict[str, float | None]  # of the whole run, by the names of `MEASURES`; None where there is none
    notes: tuple[str, ...]
    money: str = MEDIAN_WALLETS  # what it is called

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**self._asdict(), "years": [year._asdict() for year in self.years], "notes": list(self.notes)}


def play_run(
    scenario: Scenario,
    *,
    seed: int = 1,
    book: Book | None = None,
    agents: Path | None = None,
    progress: Progress | None = None,
) -> Watched:
    """Play one organization, the first that `compare` plays with the same seed, through Mesa.

    ``agents`` is a Parquet file for a record of every agent after every quarter; ``progress`` is told how many quarters
    are done. An error where an argument is out of range, or the file cannot be written.
    """
    checked_workers(1, seed, None)
    if agents is not None:
        check_target(agents, ".parquet")
    program, played = KeyAccountProgram(scenario, seed=seed, book=book), carried_book(scenario, book)
    names = () if played is None else played.name
    records: list[dict[str, object]] = []
    for quarter in range(4 * program.timeline.years):
        program.step()
        if agents is not None:
            records.extend(agent_records(program, names))
        if progress is not None:
            progress(quarter + 1)
    if agents is not None:
        _write_parquet(agents, records)
    job = job_of(scenario, book)
    notes = (*notes_on_settings([scenario]), *notes_on_book([scenario], book), *job.notes)
    years = tuple(years_of(program, job.years))
    if elevates(scenario) and not any(year.key_accounts for year in years):
        notes = (*notes, note_on_empty_program(scenario, "this market scenario"))
    return Watched(scenario.name, seed, years, measures_of(program), notes, job.money)


def quarters_of(scenario: Scenario) -> int:
    """Quarters of a run."""
    return 4 * timeline_of(scenario).years


def years_of(program: KeyAccountProgram, labels: Sequence[str] = ()) -> Iterable[Year]:
    """Years, in order, of a program played to the end; the cost of the launch is of the first year with a program.

    ``labels`` are what they are called, none where they have numbers only.
    """
    timeline, money = program.timeline, program.money
    moves = program.history.years["elevation_cost"] + program.history.years["handover_cost"]
    idle = program.history.years["idle_cost"]
    launch = timeline.history_years
    moves[launch - 1], moves[launch] = 0.0, moves[launch - 1] + moves[launch]
    for number in range(timeline.years):
        accounts, year = program.history.accounts[number], program.history.years[number]
        key = accounts["tier"] > 0
        revenue, invested = add_up(accounts["spend"]), add_up(accounts["investment"]) + float(idle[number])
        listed = add_up(accounts["listed"])
        own_cost, margin = add_up(accounts["cost_to_serve"]), program.parameters.gross_margin
        profit = contribution(listed, listed - revenue, own_cost, invested, margin) - float(moves[number])
        quota, key_revenue = float(year["quota"]), float(year["key_revenue"])
        # The key accounts of a book are there before the launch, but have no quota yet.
        launched = number >= launch and bool(key.any())
        yield Year(
            year=number + 1,
            phase=_phase(number, timeline),
            customers=int((accounts["tier"] >= 0).sum()),
            key_accounts=int(key.sum()),
            revenue=money * revenue,
            key_revenue=money * key_revenue if launched else None,
            quota=money * quota if launched else None,
            attainment=key_revenue / quota if launched and quota > 0 else None,
            missed=bool(year["missed"]),
            rebuilt=bool(year["rebuilt"]),
            profit=money * profit,
            collaboration=float(accounts["collaboration"][key].mean()) if launched else None,
            trust=float(accounts["trust"][key].mean()) if launched else None,
            departures=int(program.history.departures[number].sum()),
            label=labels[number] if labels else "",
        )


def measures_of(program: KeyAccountProgram) -> dict[str, float | None]:
    """Every measure, as comparisons tell it of the same run, of a program played to the end."""
    timeline, margin, history = program.timeline, program.parameters.gross_margin, program.history
    account = account_of(history, margin, timeline.history_years, program.scenario.timeline.discount)
    first_year = timeline.history_years + timeline.warmup_years
    found = outcomes(history, account, program.world, margin, timeline.history_years, first_year)
    scales = [program.money if measure.is_money else 1.0 for measure in MEASURES]
    return {
        name: None if math.isnan(value) else float(value * scale)
        for (name, value), scale in zip(found._asdict().items(), scales, strict=True)
    }


def _phase(year: int, timeline: Timeline) -> str:
    if year < timeline.history_years:
        return "history"
    return "warm-up" if year < timeline.history_years + timeline.warmup_years else "window"


# ---------------------------------------------------------------- records of agents


def agent_records(program: KeyAccountProgram, names: Sequence[str] = ()) -> Iterable[dict[str, object]]:
    """Record every agent as it is after the quarter just played; a customer that left in it is none any more.

    quarter, year (both from 1), kind, number and label, of accounts of a book its id there and its name; then what an
    agent of the kind has. Spend is money.
    """
    when = {"quarter": program.quarter + 1, "year": program.year + 1}
    for account in program.accounts:
        yield {
            **when,
            "kind": "account",
            "number": account.number,
            "label": account.label,
            "name": names[account.number] if account.number < len(names) else None,
            "tier": account.tier,
            "kam": None if account.kam is None else account.kam.number,
            "spend": program.money * account.spend,
            "share": account.share,
            "trust": account.trust,
            "expectation": account.expectation,
            "ambition": account.ambition,
            "collaboration": account.collaboration,
            "hours": account.hours,
        }
    for kam in program.kams:
        tie = float(np.mean(kam.ties))
        accounts = len(kam.portfolio)
        yield {**when, "kind": "kam", "number": kam.number, "skill": kam.skill, "tie": tie, "accounts": accounts}
    for function in program.functions:
        own = {"alignment": function.alignment, "fatigue": function.fatigue}
        yield {**when, "kind": "function", "number": function.number, **own}


_INTEGERS = ("quarter", "year", "number", "tier", "kam", "accounts")
_TEXTS = ("kind", "label", "name")
_NUMBERS = (
    *("spend", "share", "trust", "expectation", "ambition", "collaboration", "hours"),
    *("skill", "tie", "alignment", "fatigue"),
)


def _write_parquet(path: Path, records: list[dict[str, object]]) -> None:
    import pyarrow as pa

    schema = pa.schema(
        [(name, pa.string()) for name in _TEXTS]
        + [(name, pa.int32()) for name in _INTEGERS]
        + [(name, pa.float64()) for name in _NUMBERS]
    )
    table = pa.Table.from_pylist(records, schema=schema)
    write_whole(path, lambda beside: write_parquet(beside, table))
