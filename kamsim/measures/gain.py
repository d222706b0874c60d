"""The gain of a policy: the one difference in total profit that every command tells of the same question.

Total profit of all years from the launch on, less that of the policy it is held against in the same worlds. It is told
in money, and in percentage points of what is sold at list price in the same years without a program: on that one
measure gains against different policies add up. Later years count less in both, where they are discounted.
"""

import numpy as np

from kamsim.measures.profit import TERMS, Account
from kamsim.types import Floats

SALES = Account._fields.index("sales")


def profit_in(accounts: Floats) -> Floats:
    """Total profit of accounts, along the last axis of an array: the sum of the terms in their order."""
    total: Floats = np.zeros(accounts.shape[:-1])
    for place in range(len(TERMS)):
        total = total + accounts[..., place]
    return total


def points_of(money: Floats | float, sales: Floats | float) -> Floats:
    """Money as percentage points of sales; NaN where nothing is sold."""
    sold = np.asarray(sales, dtype=np.float64)
    return np.asarray(100.0 * money / np.where(sold > 0.0, sold, np.nan))


def gains_in_points(accounts: Floats, scenario: int, against: int, without: int) -> Floats:
    """Gain of a scenario in points by world; its mean over worlds is the gain.

    Parameters
    ----------
    accounts : array of shape (worlds, scenarios, amounts)
        Of `kamsim.measures.profit.Account`, in the same worlds.
    scenario, against, without : int
        Places of the policy, of what it is held against, and of the scenario without a program.

    Returns
    -------
    array of shape (worlds,)
        Of mean sales over these worlds, so that a world with few sales counts no more than others.
    """
    profit = profit_in(accounts)
    return points_of(profit[:, scenario] - profit[:, against], accounts[:, without, SALES].mean())
