"""One organization, watched: played through Mesa quarter by quarter, and told year by year."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.text import Text

from kamsim.experiments.runner import checked_workers
from kamsim.model.program import KeyAccountProgram
from kamsim.policy.policy import seats_of
from kamsim.report.files import check_target, write_whole
from kamsim.report.tables import MEDIAN_WALLETS, NOTHING, TOTAL_PROFIT, Scale, line_of, scale_of, widths_of
from kamsim.rules.costs import add_up, annual_profit
from kamsim.scenario import Scenario
from kamsim.types import Progress
from kamsim.world.book import Book
from kamsim.world.parameters import timeline_of


class Year(NamedTuple):
    """A year of one organization; money in money, None where there is no program or no key account."""

    year: int
    phase: str  # history, warm-up, window
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


class Run(NamedTuple):
    """One organization played to the end."""

    scenario: str
    seed: int
    years: tuple[Year, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**self._asdict(), "years": [year._asdict() for year in self.years], "notes": list(self.notes)}


def play_run(
    scenario: Scenario,
    *,
    seed: int = 1,
    book: Book | None = None,
    agents: Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Play one organization through Mesa.

    Parameters
    ----------
    scenario : Scenario
        World, policy and timeline.
    seed : int
        In [0, 2**64); the organization is the first that `compare` plays with it.
    book : Book, optional
        A real account book instead of a synthetic one.
    agents : Path, optional
        Parquet file for a record of every agent after every quarter.
    progress : callable, optional
        Told how many quarters are done.

    Returns
    -------
    Run
        Year by year.

    Raises
    ------
    KamsimError
        Where an argument is out of range, or the file cannot be written.
    """
    checked_workers(1, seed, None)
    if agents is not None:
        check_target(agents, ".parquet")
    program = KeyAccountProgram(scenario, seed=seed, book=book)
    _, capped = seats_of(scenario, len(program.accounts))
    records: list[dict[str, Any]] = []
    for quarter in range(4 * program.timeline.years):
        program.step()
        if agents is not None:
            records.extend(agent_records(program))
        if progress is not None:
            progress(quarter + 1)
    if agents is not None:
        _write_parquet(agents, records)
    notes = (*(book.notes if book else ()), *([capped] if capped else []))
    return Run(scenario.name, seed, tuple(years_of(program)), notes)


def quarters_of(scenario: Scenario) -> int:
    """Quarters of a run."""
    return 4 * timeline_of(scenario).years


def years_of(program: KeyAccountProgram) -> Iterable[Year]:
    """Years of a program that has been played.

    Parameters
    ----------
    program : KeyAccountProgram
        To the end of its timeline.

    Yields
    ------
    Year
        In order.
    """
    timeline, money = program.timeline, program.money
    for number in range(timeline.years):
        accounts, year = program.history.accounts[number], program.history.years[number]
        key = accounts["tier"] > 0
        revenue, invested = add_up(accounts["spend"]), add_up(accounts["investment"])
        profit = annual_profit(
            revenue,
            program.parameters.gross_margin,
            invested,
            float(year["rebuild_cost"]),
            float(year["price_given"]),
        )
        quota, key_revenue = float(year["quota"]), float(year["key_revenue"])
        launched = bool(key.any())
        yield Year(
            year=number + 1,
            phase=_phase(number, timeline),
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
        )


def _phase(year: int, timeline: Any) -> str:
    if year < timeline.history_years:
        return "history"
    return "warm-up" if year < timeline.history_years + timeline.warmup_years else "window"


# ---------------------------------------------------------------- table


def years_table(run: Run) -> Text:
    """Table of a run, a line per year, 80 columns wide.

    Parameters
    ----------
    run : Run
        From `play_run`.

    Returns
    -------
    Text
        Years that missed quota or ended in a rebuild say so.
    """
    money = scale_of(TOTAL_PROFIT, (year.revenue for year in run.years))
    header = ("year", "sales", "profit", "key", "of key", "quota", "met", "collab.", "trust", "left", "")
    rows = [_year_row(year, money) for year in run.years]
    widths = widths_of([header, *rows])
    unit = f"money in {money.unit}" if money.unit else MEDIAN_WALLETS
    table = Text(f"{run.scenario}, seed {run.seed}; {unit}\n\n", style="")
    table.append(line_of(header, widths) + "\n", style="dim")
    phase = ""
    for year, row in zip(run.years, rows, strict=True):
        if year.phase != phase:
            phase = year.phase
            table.append(f"{_PHASES[phase]}\n", style="bold")
        table.append(line_of(row, widths) + "\n", style="red" if year.missed else "")
    table.append(
        "\nsales: of all accounts. key: key accounts. of key: sales to them\n"
        "met: part of the quota. left: key account managers who left\n"
        "rebuilt: missed the quota once too often, and rebuilt at the year's end\n",
        style="dim",
    )
    return table


_PHASES = {
    "history": "before the program",
    "warm-up": "program, not yet observed",
    "window": "program, observed",
}


def _year_row(year: Year, money: Scale) -> tuple[str, ...]:
    part = Scale(1.0, 2, "")
    met = NOTHING if year.attainment is None else f"{100 * year.attainment:.0f} %"
    # Only a missed quota leads to a rebuild, so one word will do.
    event = "rebuilt" if year.rebuilt else "missed" if year.missed else ""
    return (
        f"{year.year:>3}",
        money.shown(year.revenue),
        money.shown(year.profit),
        str(year.key_accounts or NOTHING),
        money.shown(year.key_revenue),
        money.shown(year.quota),
        met,
        part.shown(year.collaboration),
        part.shown(year.trust),
        NOTHING if year.quota is None else str(year.departures),
        event,
    )


# ---------------------------------------------------------------- records of agents


def agent_records(program: KeyAccountProgram) -> Iterable[dict[str, Any]]:
    """Record every agent as it is after the quarter just played.

    Parameters
    ----------
    program : KeyAccountProgram
        After `step`.

    Yields
    ------
    dict
        quarter, year (both from 1), kind, number and label; then what an agent of the kind has. Spend is money.
    """
    when = {"quarter": program.quarter + 1, "year": program.year + 1}
    for account in program.accounts:
        yield {
            **when,
            "kind": "account",
            "number": account.number,
            "label": account.label,
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
_TEXTS = ("kind", "label")
_NUMBERS = (
    *("spend", "share", "trust", "expectation", "ambition", "collaboration", "hours"),
    *("skill", "tie", "alignment", "fatigue"),
)


def _write_parquet(path: Path, records: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [(name, pa.string()) for name in _TEXTS]
        + [(name, pa.int32()) for name in _INTEGERS]
        + [(name, pa.float64()) for name in _NUMBERS]
    )
    table = pa.Table.from_pylist(records, schema=schema)
    write_whole(path, lambda beside: pq.write_table(table, beside, compression="zstd"))


# ---------------------------------------------------------------- files


def figure_target(path: str | None, scenario: str, seed: int, accounts: str | None = None) -> Path:
    """File for the figure of a run, checked before anything is played.

    Parameters
    ----------
    path : str, optional
        As the user gave it; by default a file in ``results``.
    scenario : str
        Name.
    seed : int
        Of the run.
    accounts : str, optional
        File of the account book, so that runs on different books keep their figures.

    Returns
    -------
    Path
        That can be written, as far as can be told.
    """
    if path is not None:
        check_target(Path(path), ".png")
        return Path(path)
    folder = Path("results")
    if folder.exists():
        check_target(folder / "run.png", ".png")
    on_book = f"-{Path(accounts).stem}" if accounts else ""
    return folder / f"run-{scenario}{on_book}-{seed}.png"


def write_figure(path: Path, run: Run) -> None:
    """Draw a run into a file.

    Parameters
    ----------
    path : Path
        From `figure_target`.
    run : Run
        From `play_run`.
    """
    from kamsim.report.figures import run_figure

    content = run_figure(run)
    write_whole(path, lambda beside: _write_bytes(beside, content))


def _write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
