"""The customers' side of a world: what customers draw by, and draws of their own that only some worlds have."""

from kamsim.compiler import compiled, record_type
from kamsim.types import Floats, Records
from kamsim.world import draws
from kamsim.world.draws import uniform, words

Key = tuple[int, int, int]  # both halves of the seed, and the organization: whose draws they are

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
def draw_buyers(key: Key, first: int, newcomers: int, accounts: Records, leaves: Floats) -> None:
    """Draw when people leave on the customers' side, for accounts that are there."""
    for number in range(len(accounts)):
        name = draw_name(number, first, newcomers)
        for year in range(accounts[number].arrives // 4, len(leaves) // 4):
            four = words(key[0], key[1], key[2], draws.BUYER_OF_YEAR, name, year)
            for quarter in range(4):
                leaves[4 * year + quarter, number] = uniform(four[quarter])


@compiled
def draw_contracts(
    key: Key, contract_years: int, first: int, newcomers: int, accounts: Records, tenders: Records
) -> None:
    """Draw when contracts come up for renewal, and what becomes of their tenders; a new account begins with one."""
    for number in range(len(accounts)):
        account, name = accounts[number], draw_name(number, first, newcomers)
        account.renews = account.arrives + 4 * contract_years
        if number < first:
            word = words(key[0], key[1], key[2], draws.CONTRACT, name, 0)[0]
            account.renews = int(4 * contract_years * uniform(word))
        for year in range(account.arrives // 4, len(tenders)):
            own = words(key[0], key[1], key[2], draws.TENDER_OF_YEAR, name, year)
            tender = tenders[year, number]
            tender.called = uniform(own[0])
            tender.won = uniform(own[1])
