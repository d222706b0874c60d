"""A real account book: what a world needs to know about each account, and what it spent."""

from dataclasses import dataclass

from kamsim.books.history import Quarters
from kamsim.books.table import count
from kamsim.types import Floats, Integers


@dataclass(frozen=True, eq=False, repr=False)
class Book:
    """An account book as the simulation needs it: one entry per account, in order of first appearance.

    Parameters
    ----------
    source : str
        The file name as given.
    account_id, name : tuple of str
        Ids as written; `name` is the id where the file names nobody.
    annual_spend : array
        What the account spends with us, currency a year: as the file says, or in the last four quarters of its history.
    wallet : array
        What the account spends with everyone, currency a year, NaN where unknown.
    share : array
        Our share of the wallet, in (0, 1], NaN where unknown.
    fit, trust : array
        In [0, 1], NaN where unknown.
    notes : tuple of str
        One sentence for each thing dropped, netted or assumed, with its count.
    quarters : Quarters, optional
        What each account spent, if the book holds a history.
    currency : str
        Code of the currency, empty where the file does not tell.
    year_starts : int
        Month that the year of the book starts in: quarters are counted from it, and named by the year they end in.
    tier : array of int, optional
        Place of each account in today's program: 0 none, 1 key, 2 strategic.
    kam : tuple of str, optional
        Who manages each account today, empty for nobody.
    margin : array, optional
        Gross margin of each account, part of list price, NaN where unknown.
    """

    source: str
    account_id: tuple[str, ...]
    name: tuple[str, ...]
    annual_spend: Floats
    wallet: Floats
    share: Floats
    fit: Floats
    trust: Floats
    notes: tuple[str, ...]
    quarters: Quarters | None = None
    currency: str = ""
    year_starts: int = 1
    tier: Integers | None = None
    kam: tuple[str, ...] = ()
    margin: Floats | None = None

    def __repr__(self) -> str:
        return f"Book({self.source!r}, {count(len(self.account_id), 'account')})"
