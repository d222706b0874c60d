"""Random numbers named by who draws them, for what and when: Philox4x32-10 (Salmon et al. 2011).

The key is the seed; the counter is (organization, mechanism, agent, period). So a draw depends on nothing else:
not on the horizon, the number of accounts, the policy, or the order in which draws are made.
"""

import math

from kamsim.compiler import rule

_WORD = 0xFFFFFFFF

# What is drawn; each number is part of the model's output and never given to something else.
WALLET_AND_GROWTH = 1
FIT_AND_TRUST = 2
NEED_MIX = 3
# 4, 5 and 17 were the first model's quarters, surges and growth.
READING_PERSISTENT = 6
READING_OF_YEAR = 7
KAM_AT_START = 8
TIE = 9
KAM_QUARTER = 10
KAM_REPORT = 11
ALIGNMENT = 12
INDUSTRY = 13
ORGANIZATION = 14
LEVERS = 15
LEVERS_IN_COMMON = 16
GROWTH_OF_YEAR = 18
COST_AND_WILL = 19
ORDERS_AND_LEAVING = 20
ARRIVALS_OF_YEAR = 21
ARRIVAL = 22
COST_READING_OF_YEAR = 23
BOOK_STATE = 24
ORDER_SIZES = 25
BUYER_OF_YEAR = 32
CONTRACT = 33
TENDER_OF_YEAR = 34


@rule
def words(
    seed_low: int, seed_high: int, organization: int, mechanism: int, agent: int, period: int
) -> tuple[int, int, int, int]:
    """Four random 32-bit words of one counter.

    Parameters
    ----------
    seed_low, seed_high : int
        The two halves of the seed, in [0, 2**32).
    organization, mechanism, agent, period : int
        Who draws, what for and when, each in [0, 2**32).

    Returns
    -------
    tuple of int
        Four words in [0, 2**32).

    Notes
    -----
    A product of two words may overflow a signed 64-bit integer in compiled code; the masks take the same bits from
    the wrapped product as from Python's exact one.
    """
    a, b, c, d = organization, mechanism, agent, period
    for _ in range(10):
        first = 0xD2511F53 * a
        second = 0xCD9E8D57 * c
        a = ((second >> 32) & _WORD) ^ b ^ seed_low
        b = second & _WORD
        c = ((first >> 32) & _WORD) ^ d ^ seed_high
        d = first & _WORD
        seed_low = (seed_low + 0x9E3779B9) & _WORD
        seed_high = (seed_high + 0xBB67AE85) & _WORD
    return a, b, c, d


@rule
def uniform(word: int) -> float:
    """Uniform number of a random word.

    Parameters
    ----------
    word : int
        In [0, 2**32).

    Returns
    -------
    float
        In (0, 1), symmetric about one half.
    """
    return (word + 0.5) * 2.3283064365386963e-10


@rule
def normal(word: int) -> float:
    """Standard normal number of a random word.

    Parameters
    ----------
    word : int
        In [0, 2**32).

    Returns
    -------
    float
        In [-6.4, 6.4].
    """
    return normal_quantile(uniform(word))


@rule
def normal_quantile(probability: float) -> float:
    """Inverse of the standard normal distribution.

    Parameters
    ----------
    probability : float
        In [1e-10, 1 - 1e-10].

    Returns
    -------
    float
        Quantile, right to about one part in 10 million (Wichura 1988, AS 241, PPND7; its far tail begins beyond what
        a 32-bit word can say).
    """
    q = probability - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        below = ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0
        return q * above / below
    r = math.sqrt(-math.log(min(probability, 1.0 - probability))) - 1.6
    above = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
    below = (0.12021132975 * r + 0.73700164250) * r + 1.0
    return math.copysign(above / below, q)


@rule
def between_bounds(value: float, lowest: float, highest: float) -> float:
    """Value, moved to the nearest bound where it lies outside.

    Parameters
    ----------
    value, lowest, highest : float
        Numbers, lowest <= highest.

    Returns
    -------
    float
        In [lowest, highest].
    """
    return min(highest, max(lowest, value))


@rule
def laplace_quantile(probability: float) -> float:
    """Inverse of the Laplace distribution of mean 0 and variance 1.

    Parameters
    ----------
    probability : float
        In (0, 1).

    Returns
    -------
    float
        Quantile: fat-tailed, excess kurtosis 3.
    """
    if probability < 0.5:
        return 0.7071067811865476 * math.log(2.0 * probability)
    return -0.7071067811865476 * math.log(2.0 * (1.0 - probability))
