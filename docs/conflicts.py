"""Figures of `docs/calibration.md` on accounts that nobody elevates: ``python docs/conflicts.py [ACCOUNT_FILE]...``."""

import sys

import numpy as np
from numpy.typing import NDArray

from kamsim.books.book import read_book, yearly_spend
from kamsim.books.moments import gini
from kamsim.experiments.jobs import job_of
from kamsim.experiments.twins import look_at_twins
from kamsim.model.plan import History
from kamsim.scenario import load_scenario
from kamsim.world.world import World

FIRST_YEAR, LAGS = 5, (1, 2, 3, 5)  # of the window; years apart


def spend_of(_: World, histories: list[History]) -> NDArray[np.float64]:
    """Annual spend in the window, by year and account."""
    return histories[0].accounts["spend"][FIRST_YEAR:].copy()


def tell(books: list[NDArray[np.float64]]) -> None:
    """Print moments of books (years, accounts), told in each book and then averaged."""
    logs = [np.log(book) for book in books]
    up = [_part_that_grew(book[year], book[year + 1]) for book in books for year in range(len(book) - 1)]
    top, rest = np.mean(up, axis=0)
    print(f"largest fifth grows {top / rest:.2f} times as often as the rest")
    print(f"slope of log next year on log this year {np.mean([np.polyfit(log[0], log[1], 1)[0] for log in logs]):.3f}")
    concentration, spread = np.mean([gini(book[0]) for book in books]), np.mean([log[0].std() for log in logs])
    print(f"Gini {concentration:.3f}, sd of log spend {spread:.3f}")
    for lag in (lag for lag in LAGS if lag < len(books[0])):
        pairs = [(log[year], log[year + lag]) for log in logs for year in range(len(log) - lag)]
        variance = np.mean([np.var(later - earlier) for earlier, later in pairs])
        correlation = np.mean([np.corrcoef(earlier, later)[0, 1] for earlier, later in pairs])
        print(f"{lag} years apart: correlation {correlation:.3f}, variance of log growth {variance:.3f}")


def _part_that_grew(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[float, float]:
    largest = np.zeros(len(before), dtype=bool)
    largest[np.argsort(-before)[: len(before) // 5]] = True
    grew = after > before
    return float(grew[largest].mean()), float(grew[~largest].mean())


def main(files: list[str]) -> None:
    """Tell the model's figures, then those of accounts of real books that bought in every quarter."""
    print("model, no program, 400 organizations of seed 7001")
    tell(look_at_twins([job_of(load_scenario("no_program"))], 7001, 400, spend_of, workers=2))
    for file in files:
        book = yearly_spend(read_book(file))
        steady = book.every_quarter.all(axis=1)
        print(f"\n{file}, {steady.sum()} accounts that bought in every quarter")
        tell([book.spend[steady].T])


if __name__ == "__main__":
    main(sys.argv[1:])
