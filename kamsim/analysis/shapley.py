"""Shapley values: what each player adds to a figure, averaged over every order in which players may come."""

from collections.abc import Sequence
from itertools import product
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
    players = len(worth).bit_length() - 1
    if len(worth) != 2**players:
        raise ValueError(f"a game has a worth for each of 2**players coalitions, not {len(worth)}")
    parts = np.zeros((players, *worth.shape[1:]))
    for player in range(players):
        bit = 1 << (players - 1 - player)
        for others in range(2**players):
            if not others & bit:
                parts[player] += _weight(others.bit_count(), players) * (worth[others | bit] - worth[others])
    return parts


def _weight(others: int, players: int) -> float:
    """Part of all orders in which a player comes just after these others."""
    return factorial(others) * factorial(players - 1 - others) / factorial(players)
