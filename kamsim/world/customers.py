"""The customers' side of a world: what customers draw by, and draws of their own that only some worlds have."""

from typing import NamedTuple

from kamsim.compiler import compiled, record_type
from kamsim.types import Floats, Records
from kamsim.world import draws
from kamsim.world.draws import normal, uniform, words

Key = tuple[int, int, int]  # both halves of the seed, and the organization: whose draws they are


class Future(NamedTuple):
    """Whose draws a world goes on with, from a quarter on: another seed's; its past stays as it was."""

    seed_low: int
    seed_high: int
    from_quarter: int


NEVER = 2**31  # a quarter that does not come: in which a slot for a new account is filled that stays empty
AS_DRAWN = Future(0, 0, 2 * NEVER)  # the world's own draws to its end

NAMES_OF_A_YEAR = 2**17  # what new accounts are named by when they draw: the year, and their number in it

# Uniform numbers behind whether a contract that is due is put out to tender, and whether the tender is won.
TENDER = record_type(
    called="f8",
    won="f8",
)


@compiled
def draw_name(number: int, first: int, newcomers: int) -> int:
    """Name by which an account draws: it stays the same whatever the size of the first book and the horizon."""
    if number < first:
        return number
    year = (number - first) // newcomers
    return (year + 1) * NAMES_OF_A_YEAR + (number - first) % newcomers


@compiled
def key_of(key: Key, future: Future, quarter: int) -> Key:
    """Whose draws those of a quarter are."""
    if quarter >= future.from_quarter:
        return (future.seed_low, future.seed_high, key[2])
    return key


@compiled
def draw_buyers(key: Key, future: Future, first: int, newcomers: int, accounts: Records, leaves: Floats) -> None:
    """Draw when people leave on the customers' side, for accounts that are there."""
    for number in range(len(accounts)):
        name = draw_name(number, first, newcomers)
        four = (0, 0, 0, 0)
        for quarter in range(4 * (accounts[number].arrives // 4), len(leaves)):
            if quarter % 4 == 0 or quarter == future.from_quarter:
                own = key_of(key, future, quarter)
                four = words(own[0], own[1], own[2], draws.BUYER_OF_YEAR, name, quarter // 4)
            leaves[quarter, number] = uniform(four[quarter % 4])


@compiled
def draw_order_sizes(key: Key, future: Future, first: int, newcomers: int, accounts: Records, sizes: Floats) -> None:
    """Draw what is behind the sizes of a quarter's orders, for accounts that are there."""
    for number in range(len(accounts)):
        name = draw_name(number, first, newcomers)
        four = (0, 0, 0, 0)
        for quarter in range(4 * (accounts[number].arrives // 4), len(sizes)):
            if quarter % 4 == 0 or quarter == future.from_quarter:
                own = key_of(key, future, quarter)
                four = words(own[0], own[1], own[2], draws.ORDER_SIZES, name, quarter // 4)
            sizes[quarter, number] = normal(four[quarter % 4])


@compiled
def draw_contracts(
    key: Key, future: Future, contract_years: int, first: int, newcomers: int, accounts: Records, tenders: Records
) -> None:
    """Draw when contracts come up for renewal, and what becomes of their tenders; a new account begins with one."""
    for number in range(len(accounts)):
        account, name = accounts[number], draw_name(number, first, newcomers)
        account.renews = account.arrives + 4 * contract_years
        if number < first:
            word = words(key[0], key[1], key[2], draws.CONTRACT, name, 0)[0]
            account.renews = int(4 * contract_years * uniform(word))
        for year in range(account.arrives // 4, len(tenders)):
            # Contracts run for whole years: they are renewed in the same quarter of each.
            of = key_of(key, future, 4 * year + account.renews % 4)
            own = words(of[0], of[1], of[2], draws.TENDER_OF_YEAR, name, year)
            tender = tenders[year, number]
            tender.called = uniform(own[0])
            tender.won = uniform(own[1])
