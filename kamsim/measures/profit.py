"""The account of profit: what a run earns from the launch of the program on, and the parts that it is made of."""

from typing import Literal, NamedTuple

import numpy as np

from kamsim.books.labels import span_label
from kamsim.compiler import compiled
from kamsim.model.plan import History
from kamsim.rules.costs import contribution
from kamsim.types import Floats


class Term(NamedTuple):
    """A part of total profit; what is spent is below zero.

    A program costs ``all`` of a term, or what it is ``more`` than under the policy that it is held against.
    """

    name: str
    label: str
    costs: Literal["", "all", "more"]


TERMS: tuple[Term, ...] = (
    Term("volume", "Volume at gross margin", ""),
    Term("concessions", "Price concessions", "more"),
    Term("cost_to_serve", "Cost to serve", ""),
    Term("service", "Program service", "all"),
    Term("elevations", "Cost of elevations", "all"),
    Term("handovers", "Cost of handovers", "all"),
)


class Account(NamedTuple):
    """The terms of profit by the names of `TERMS`, and what is told beside them; money in median wallets."""

    volume: float
    concessions: float
    cost_to_serve: float
    service: float
    elevations: float
    handovers: float
    sales: float  # at list price
    in_shrinking: float  # spent on key accounts that bought less than the year before
    elevations_at_launch: float  # part of the term `elevations`: those that the program starts with


@compiled
def account_of(history: History, gross_margin: float, launch: int, discount: float) -> Account:
    """Account of profit of a run.

    Parameters
    ----------
    history : History
        Of the run.
    gross_margin : float
        Margin on list price, in [0, 1].
    launch : int
        First year of the program, >= 1. What is spent at the end of the year before belongs to it.
    discount : float
        Rate a year by which later years count less than the first, >= 0.

    Returns
    -------
    Account
        Of all years from the launch on.
    """
    return account_by_year(history, gross_margin, launch, discount, np.zeros(len(history.years) - launch))


@compiled
def account_by_year(history: History, gross_margin: float, launch: int, discount: float, cumulated: Floats) -> Account:
    """Account of profit of a run, with what it has come to at the end of every year.

    Parameters
    ----------
    history, gross_margin, launch, discount
        As of `account_of`.
    cumulated : array of shape (years from the launch on,)
        Filled in: total profit from the launch to the end of each year.

    Returns
    -------
    Account
        Of all years from the launch on.
    """
    sales, net, own_cost, service, elevations, handovers, in_shrinking = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    weight = 1.0
    for year in range(launch - 1, len(history.years)):
        program = history.years[year]
        elevations += weight * program.elevation_cost
        handovers += weight * program.handover_cost
        if year < launch:
            continue
        service += weight * program.idle_cost
        for number in range(history.accounts.shape[1]):
            account = history.accounts[year, number]
            sales += weight * account.listed
            net += weight * account.spend
            own_cost += weight * account.cost_to_serve
            service += weight * account.investment
            if account.tier > 0 and account.spend < history.accounts[year - 1, number].spend:
                in_shrinking += weight * account.investment
        weight /= 1.0 + discount
        contributed = contribution(sales, sales - net, own_cost, service, gross_margin)
        cumulated[year - launch] = contributed - elevations - handovers
    return Account(
        gross_margin * sales,
        net - sales,
        -own_cost,
        -service,
        -elevations,
        -handovers,
        sales,
        in_shrinking,
        -history.years[launch - 1].elevation_cost,
    )


@compiled
def profit_of(account: Account, gross_margin: float) -> float:
    """Total profit: contribution less what elevations and handovers cost; the terms, in their order, add up to it."""
    discount, own_cost, service = -account.concessions, -account.cost_to_serve, -account.service
    contributed = contribution(account.sales, discount, own_cost, service, gross_margin)
    return contributed + account.elevations + account.handovers


class Horizon(NamedTuple):
    """What money is told of: years from the launch on, the rate by which later ones count less, and its unit.

    ``points_of`` names the scenario of whose sales at list price, in the same years, points are percent; ``calendar``
    has the names of the years, none where they have numbers only.
    """

    years: int
    discount: float
    unit: str
    points_of: str
    calendar: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Say it: ``10 years from launch, undiscounted``, or ``10 years from launch (2026 to 2035), undiscounted``."""
        rate = f"discounted {100 * self.discount:.3g} %" if self.discount else "undiscounted"
        calendar = f" ({span_label(self.calendar)})" if self.calendar else ""
        return f"{self.years} year{'s' if self.years > 1 else ''} from launch{calendar}, {rate}"

    def told(self) -> dict[str, object]:
        """Plain values for a row of a table or a manifest; the names of years by the first and the last."""
        content: dict[str, object] = {name: value for name, value in self._asdict().items() if name != "calendar"}
        return content | ({"calendar": span_label(self.calendar)} if self.calendar else {})
