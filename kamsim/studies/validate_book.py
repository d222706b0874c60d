"""What a book shows in its own years, beside what is simulated of its accounts in as many years after its end."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from kamsim.books.book import Book, yearly_spend
from kamsim.books.facts import facts_of
from kamsim.books.history import YearlySpend, whole_years
from kamsim.errors import KamsimError
from kamsim.evidence.measure import measured
from kamsim.model.plan import Trace
from kamsim.studies.calibrate_world import ROWS, Range, WorldFact
from kamsim.types import Floats
from kamsim.world.parameters import Timeline

ROUNDS = 50  # in which accounts are drawn anew: an error of a standard error of a tenth
LEAST_YEARS = 2  # facts are of years and of pairs of them
NAMES = tuple(name for names in ROWS.values() for name in names)


class Observed(NamedTuple):
    """What a book shows itself: nothing where accounts are drawn."""

    spend: YearlySpend | None = None
    years: int = 0  # that its facts are of
    facts: Mapping[str, Range] = MappingProxyType({})  # those that it is long enough to tell


def observed_in(book: Book | None, timeline: Timeline) -> Observed:
    """Spend by year, and facts of the last years of a book, of as many as are played after its end at most.

    Parameters
    ----------
    book : Book or None
        With a history of two whole years at least.
    timeline : Timeline
        Of the run that it is held against.

    Returns
    -------
    Observed
        Each fact with its lowest and highest value over years or pairs of years, and the standard error of its mean by
        drawing accounts anew.

    Raises
    ------
    KamsimError
        Where the book has no such history, or too few years are played after its end.
    """
    if book is None:
        return Observed()
    spend = yearly_spend(book)
    quarters = book.quarters
    assert quarters is not None, "spend by year is told of quarters"
    end = quarters.first + quarters.spend.shape[1]
    played = (4 * (timeline.years - timeline.history_years) - _broken(end)) // 4
    if played < LEAST_YEARS:
        raise KamsimError(f"{book.source}: {played} year after its end is too few to hold it against; set `years`")
    panel = whole_years(quarters.spend, quarters.first)[:, -4 * played :]
    panel = panel[(panel > 0).any(axis=1)]
    found = measured(panel, ROUNDS)
    facts = {name: Range(fact.low, fact.high, fact.error) for name, fact in found.items() if name in NAMES}
    return Observed(spend, panel.shape[1] // 4, facts)


def _broken(quarter: int) -> int:
    """Quarters from this one on that are of a year begun before: years of a book are whole ones of its own."""
    return -quarter % 4


def facts_after(trace: Trace, timeline: Timeline, years: int, season_from: int = 0) -> Floats:
    """Facts of the first years after the end of the book, by `NAMES`; NaN where one cannot be told.

    As of a book that begins with the first whole year then, of accounts that bought in these years: the run begins in
    this quarter of the year, from 0.
    """
    first = 4 * timeline.history_years + _broken(season_from)
    panel = np.asarray(trace.accounts["spend"])[first : first + 4 * years].T
    facts = facts_of(panel[(panel > 0).any(axis=1)])
    return np.array([facts[name] for name in NAMES])


def held_against(observed: Observed, rows: Sequence[Floats]) -> tuple[WorldFact, ...]:
    """Facts of a book against those of many futures of it, their mean, in the order of the table."""
    row = {name: row for row, names in ROWS.items() for name in names}
    facts = []
    for place, name in enumerate(NAMES):
        aim = observed.facts.get(name)
        if aim is None:
            continue
        played = [float(of_one[place]) for of_one in rows]
        known = [value for value in played if not math.isnan(value)]
        value = math.fsum(known) / len(known) if known else math.nan
        facts.append(WorldFact(row[name], name, *aim, value, aim.holds(value)))
    return tuple(facts)
