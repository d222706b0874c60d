"""Shapley values: what each player adds to a figure, averaged over every order in which players may come.

And what two players add together beyond what each adds alone.
"""

from collections.abc import Sequence
from itertools import combinations, product
from math import factorial
from typing import TypeVar

import numpy as np

from kamsim.types import Floats

Name = TypeVar("Name")


def coalitions(players: Sequence[Name]) -> list[frozenset[Name]]:
    """Every set of players, in the order that `shapley_values` expects.

    Parameters
    ----------
    players : sequence
        Each once.

    Returns
    -------
    list of frozenset
        Nobody first, everybody last; the last player comes and goes fastest.
    """
    return [
        frozenset(player for player, there in zip(players, places, strict=True) if there)
        for places in product((False, True), repeat=len(players))
    ]


def shapley_values(worth: Floats) -> Floats:
    """Share out a figure among players.

    Parameters
    ----------
    worth : array of shape (2**players, ...)
        Of every coalition, in the order of `coalitions`; any number of figures side by side.

    Returns
    -------
    array of shape (players, ...)
        They add up to the worth of everybody less that of nobody (Shapley 1953): the only parts that do so, treat
        alike players alike, give nothing to a player that adds nothing, and add up over games.
    """
    players = _players_of(worth)
    parts = np.zeros((players, *worth.shape[1:]))
    for player in range(players):
        bit = 1 << (players - 1 - player)
        for others in range(2**players):
            if not others & bit:
                parts[player] += _weight(others.bit_count(), players) * (worth[others | bit] - worth[others])
    return parts


def shapley_interactions(worth: Floats) -> Floats:
    """What each pair of players adds together beyond what the two add apart, averaged over the company of the others.

    Parameters
    ----------
    worth : array of shape (2**players, ...)
        As `shapley_values` takes it.

    Returns
    -------
    array of shape (pairs, ...)
        In the order of ``combinations(players, 2)``: above zero where two help each other, below where one does part of
        what the other does; zero in a game that adds up (the interaction index of Grabisch and Roubens 1999).
    """
    players = _players_of(worth)
    pairs = list(combinations(range(players), 2))
    parts = np.zeros((len(pairs), *worth.shape[1:]))
    for place, pair in enumerate(pairs):
        one, other = (1 << (players - 1 - player) for player in pair)
        for rest in range(2**players):
            if not rest & (one | other):
                together = worth[rest | one | other] - worth[rest | one] - worth[rest | other] + worth[rest]
                parts[place] += _weight(rest.bit_count(), players - 1) * together
    return parts


def _players_of(worth: Floats) -> int:
    players = len(worth).bit_length() - 1
    if len(worth) != 2**players:
        raise ValueError(f"a game has a worth for each of 2**players coalitions, not {len(worth)}")
    return players


def _weight(others: int, players: int) -> float:
    """Part of all orders in which a player, or a pair that counts as one, comes just after these others."""
    return factorial(others) * factorial(players - 1 - others) / factorial(players)
