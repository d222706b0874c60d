"""The survey instrument: looks at a run as the published survey looked at a real organization.

It asks what a survey can ask (misses, rebuilds, whose spend grew after elevation, how KAMs rate collaboration) and
knows nothing of trust, fit or any other state that nobody could tell an interviewer.
"""

import math

import numpy as np

from kamsim.compiler import compiled
from kamsim.evidence.readings import THRESHOLDS
from kamsim.model.plan import History
from kamsim.types import Floats, Numbers

YEARS_AFTER = 3

ANSWERS: tuple[str, ...] = (
    "years_asked",
    "years_missed",
    "rebuilds",
    "elevated",
    "elevated_that_grew",
    "elevated_that_grew_10",
    "elevated_that_grew_20",
    "elevated_that_grew_30",
    "not_elevated",
    "not_elevated_that_grew",
    "not_elevated_that_grew_10",
    "not_elevated_that_grew_20",
    "not_elevated_that_grew_30",
    "never_elevated",
    "never_elevated_that_grew",
    "never_elevated_that_grew_10",
    "never_elevated_that_grew_20",
    "never_elevated_that_grew_30",
    "pairs",
    "sum_before",
    "sum_after",
    "sum_before_squared",
    "sum_after_squared",
    "sum_product",
)
_ELEVATED, _NOT_ELEVATED, _NEVER_ELEVATED, _PAIRS = (
    ANSWERS.index(name) for name in ("elevated", "not_elevated", "never_elevated", "pairs")
)


@compiled
def answers(history: History, history_years: int, first_year: int, row: Floats) -> None:
    """Write what an organization would answer into a row, in the order of `ANSWERS`.

    Parameters
    ----------
    history : History
        Of the run.
    history_years : int
        Years before the program.
    first_year : int
        First year of the window.
    row : array of shape (answers,)
        Filled in.

    Notes
    -----
    An account is elevated at the end of a year if it is key in the next but not in that one. Its spend grew if the
    mean of the three years that follow is above the year of its elevation, and grew by 10, 20 or 30 % if it is so much
    above. Accounts never elevated are those key in no year at all; they are asked about every year that elevated ones
    could have been, and are among those not elevated. The last six answers sum up log annual spend of ordinary
    accounts, standard ones from before the window to its end, in consecutive years in which they bought: moments that
    real books show too. The window's last year is left out, for an account may leave in it, and a year begun or broken
    off tells no growth.
    """
    row[:] = 0.0
    years, accounts = history.accounts.shape
    for year in range(first_year, years):
        row[0] += 1.0 if history.years[year].quota > 0.0 else 0.0
        row[1] += 1.0 if history.years[year].missed else 0.0
        row[2] += 1.0 if history.years[year].rebuilt else 0.0
    for number in range(accounts):
        ever = False
        for year in range(years):
            if history.accounts[year, number].tier > 0:
                ever = True
        for year in range(history_years - 1, years - YEARS_AFTER):
            account = history.accounts[year, number]
            if account.tier != 0:
                continue
            after = 0.0
            for later in range(year + 1, year + 1 + YEARS_AFTER):
                after += history.accounts[later, number].spend
            elevated = history.accounts[year + 1, number].tier > 0
            _count(row, _ELEVATED if elevated else _NOT_ELEVATED, account.spend, after)
            if not ever:
                _count(row, _NEVER_ELEVATED, account.spend, after)
    for number in range(accounts):
        ordinary = history.accounts[first_year - 1, number].tier >= 0
        for year in range(first_year, years):
            if history.accounts[year, number].tier != 0:
                ordinary = False
        if not ordinary:
            continue
        for year in range(first_year, years - 2):
            spent, spent_next = history.accounts[year, number].spend, history.accounts[year + 1, number].spend
            if spent <= 0.0 or spent_next <= 0.0:
                continue
            before, now = math.log(spent), math.log(spent_next)
            row[_PAIRS] += 1.0
            row[_PAIRS + 1] += before
            row[_PAIRS + 2] += now
            row[_PAIRS + 3] += before * before
            row[_PAIRS + 4] += now * now
            row[_PAIRS + 5] += before * now


@compiled
def _count(row: Floats, first: int, spend: float, after: float) -> None:
    """Count an account, and by which thresholds its spend grew to that of the years after together."""
    row[first] += 1.0
    for place in range(len(THRESHOLDS)):
        if after > YEARS_AFTER * spend * (1.0 + THRESHOLDS[place]):
            row[first + 1 + place] += 1.0


@compiled
def kam_reports(history: History, report_draw: Floats, parameters: Numbers, report: Floats, spend: Floats) -> None:
    """Write what each KAM would report in the last year: collaboration as it sees it, and spend of its key accounts.

    Parameters
    ----------
    history : History
        Of the run.
    report_draw : array of shape (years, KAMs)
        The world's draws of report errors.
    parameters : record
        World section of the scenario.
    report, spend : arrays of shape (KAMs,)
        Filled in: reported collaboration, mean spend per key account; NaN for a KAM without key accounts.
    """
    year = len(history.years) - 1
    for kam in range(len(report)):
        collaboration, total, count = 0.0, 0.0, 0
        for number in range(history.accounts.shape[1]):
            account = history.accounts[year, number]
            if account.kam == kam:
                collaboration += account.collaboration
                total += account.spend
                count += 1
        report[kam], spend[kam] = np.nan, np.nan
        if count > 0:
            report[kam] = collaboration / count + parameters.report_noise * report_draw[year, kam]
            spend[kam] = total / count
