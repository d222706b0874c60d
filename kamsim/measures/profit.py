"""The account of profit: what a run earns from the launch of the program on, and the parts that it is made of."""

from typing import Literal, NamedTuple

from kamsim.compiler import compiled, fields_of
from kamsim.model.plan import History


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
    Term("service", "Program service", "all"),
    Term("rebuilds", "Rebuilds", "all"),
)


class Account(NamedTuple):
    """The terms of profit by the names of `TERMS`, and what is told beside them; money in median wallets."""

    volume: float
    concessions: float
    service: float
    rebuilds: float
    sales: float  # at list price
    in_shrinking: float  # spent on key accounts that bought less than the year before


_terms = fields_of(term.name for term in TERMS)


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
    sales, conceded, service, rebuilds, in_shrinking, weight = 0.0, 0.0, 0.0, 0.0, 0.0, 1.0
    for year in range(launch - 1, len(history.years)):
        program = history.years[year]
        rebuilds += weight * program.rebuild_cost
        if year < launch:
            continue
        conceded += weight * program.price_given
        sales += weight * program.price_given
        for number in range(history.accounts.shape[1]):
            account = history.accounts[year, number]
            sales += weight * account.spend
            service += weight * account.investment
            if account.tier > 0 and account.spend < history.accounts[year - 1, number].spend:
                in_shrinking += weight * account.investment
        weight /= 1.0 + discount
    return Account(gross_margin * sales, -conceded, -service, -rebuilds, sales, in_shrinking)


@compiled
def profit_of(account: Account) -> float:
    """Total profit: the sum of the terms, in their order."""
    total = 0.0
    for amount in _terms(account):
        total += amount
    return total


class Horizon(NamedTuple):
    """What money is told of: years from the launch on, the rate by which later ones count less, and its unit."""

    years: int
    discount: float
    unit: str

    def in_words(self) -> str:
        """Say it: ``10 years from launch, undiscounted``."""
        rate = f"discounted {100 * self.discount:.3g} %" if self.discount else "undiscounted"
        return f"{self.years} year{'s' if self.years > 1 else ''} from launch, {rate}"
