"""L: what a program chooses: four levers, tiers and the terms of a rebuild, as records that drivers read."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kamsim.compiler import compiled
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import TERMS_OF_PROGRAM, section
from kamsim.scenario import Population, Scenario
from kamsim.types import Floats
from kamsim.world import draws
from kamsim.world.draws import normal_quantile, uniform, words
from kamsim.world.parameters import seats_from

# Terms of the section [policy] go by their name, those of others by both: ``retiering_years``, ``rebuild_fatigue``.
_TERMS = {
    row.name if name == "policy" else f"{name}_{row.name}": row for name in TERMS_OF_PROGRAM for row in section(name)
}
TERMS_DTYPE = np.dtype([(term, "i8" if row.whole else "f8") for term, row in _TERMS.items()])


class Levers(NamedTuple):
    """Strength of each lever, from 0 (as most do it) to 1 (as the sources advise)."""

    selection: float
    alignment: float
    boundaries: float
    retiering: float
    retier_by_spend: bool


class Intervention(NamedTuple):
    """What is set by hand that no program could choose; by default nothing.

    A run with it, in the very same world, is a counterfactual twin. Scenario files know nothing of these.
    """

    set_collaboration: float = math.nan  # that every key account answers to, in [0, 1]; NaN leaves it as it comes
    ceiling_reach: float = 1.0  # part of the share ceiling that can be reached; above 1 nothing saturates
    quota_without_luck: bool = False  # quotas build on what was to be expected, not on lumpy orders
    tiers_served_alike: bool = False  # functions grant all key accounts the same part of what is asked
    judged_without_luck: bool = False  # attainment is told by what was to be expected, not by lumpy orders
    most_rebuilds: int = 1_000_000  # that patience may end in; 0 stays the course


class Policy(NamedTuple):
    """A policy that a driver can play; tier 0 is standard, arrays are by tier."""

    levers: Levers
    intervention: Intervention
    terms: Any
    seats: NDArray[np.int64]
    attention: Floats
    promise: Floats
    concession: Floats


class LeverMix(NamedTuple):
    """How levers are spread over a population of organizations; drawn only where ``mixed``."""

    mixed: bool = False
    selection: float = 0.0
    alignment: float = 0.0
    boundaries: float = 0.0
    retiering: float = 0.0
    correlation: float = 0.0


def seats_of(scenario: Scenario, accounts: int) -> tuple[list[int], str]:
    """Seats of each key tier in a book of so many accounts, and a sentence where shares were capped.

    Parameters
    ----------
    scenario : Scenario
        Its tiers give seats as a number or as a share of accounts.
    accounts : int
        Accounts of the book.

    Returns
    -------
    list of int, str
        Seats, lowest key tier first; the sentence is empty where nothing was capped.

    Raises
    ------
    KamsimError
        Where the seats are more than the accounts.
    """
    tiers = scenario.tiers.ordered
    seats = {name: seats_from(tier.seats, accounts) for name, tier in tiers.items()}
    from_shares = [name for name, tier in tiers.items() if not isinstance(tier.seats, int)]
    asked = sum(seats[name] for name in from_shares)
    note = ""
    counted = sum(seats.values()) - asked
    wished = sum(tiers[name].seats for name in from_shares) * accounts
    if counted + asked > accounts >= counted + wished and asked <= scenario.tiers.seat_cap:
        # Only rounding can bring shares above the accounts that are left.
        seats |= _shared_out(accounts - counted, {name: seats[name] for name in from_shares})
    elif asked > scenario.tiers.seat_cap:
        seats |= _shared_out(scenario.tiers.seat_cap, {name: seats[name] for name in from_shares})
        given = ", ".join(f"{name} {seats[name]}" for name in from_shares)
        note = (
            f"{scenario.name}: a share of {accounts:,} accounts would be {asked} key accounts; capped at "
            f"{scenario.tiers.seat_cap} ({given}); seat_cap in [tiers], or a whole number for seats, changes that"
        )
    if sum(seats.values()) > accounts:
        raise KamsimError(
            f"{scenario.name or 'scenario'}: seats in [tiers] add up to {sum(seats.values())}, more than the "
            f"{accounts} accounts there are; give fewer, or a share of accounts below 1"
        )
    if not any(seats.values()) and any(tier.seats for tier in tiers.values()):
        note = f"{scenario.name}: shares of {accounts} accounts round to no key account at all, so nobody is elevated"
    return list(seats.values()), note


def _shared_out(seats: int, asked: dict[str, int]) -> dict[str, int]:
    """Seats shared out in proportion to what was asked; what is left over goes to the largest remainders."""
    total = sum(asked.values())
    given = {name: seats * wish // total for name, wish in asked.items()}
    by_remainder = sorted(asked, key=lambda name: seats * asked[name] % total, reverse=True)
    for name in by_remainder[: seats - sum(given.values())]:
        given[name] += 1
    return given


def policy_of(scenario: Scenario, accounts: int) -> Policy:
    """Policy of a scenario in a book of so many accounts.

    Parameters
    ----------
    scenario : Scenario
        Validated.
    accounts : int
        Accounts of the book.

    Returns
    -------
    Policy
        Levers at the scenario's strengths; those of a population are drawn by organization, `drawn_levers`.
    """
    seats, _ = seats_of(scenario, accounts)
    tiers = list(scenario.tiers.ordered.values())
    terms = tuple(getattr(getattr(scenario, row.section), row.name) for row in _TERMS.values())
    record = np.array([terms], dtype=TERMS_DTYPE)
    strengths = scenario.lever_strengths()
    return Policy(
        levers=Levers(**strengths, retier_by_spend=scenario.retiers_by_spend()),
        intervention=Intervention(),
        terms=record.view(np.recarray)[0],
        seats=np.array([0, *seats], dtype=np.int64),
        attention=np.array([0.0, *(tier.attention for tier in tiers)]),
        promise=np.array([scenario.tiers.standard_promise, *(tier.promise for tier in tiers)]),
        concession=np.array([0.0, *(tier.concession for tier in tiers)]),
    )


def lever_mix_of(population: Population | None) -> LeverMix:
    """Lever mix of a scenario's population, or none."""
    return LeverMix() if population is None else LeverMix(mixed=True, **dict(population))


def policy_in(scenario: Scenario, accounts: int, seed_low: int, seed_high: int, organization: int) -> Policy:
    """Policy that one organization plays: the scenario's, with levers drawn where it is a population.

    Parameters
    ----------
    scenario : Scenario
        Validated.
    accounts, seed_low, seed_high, organization : int
        Whose policy.

    Returns
    -------
    Policy
        For a driver.
    """
    policy, mix = policy_of(scenario, accounts), lever_mix_of(scenario.population)
    return policy._replace(levers=drawn_levers(seed_low, seed_high, organization, mix, policy.levers))


@compiled
def drawn_levers(seed_low: int, seed_high: int, organization: int, mix: LeverMix, given: Levers) -> Levers:
    """Levers of one organization of a population: each as most do it, or as advised.

    Parameters
    ----------
    seed_low, seed_high, organization : int
        Whose levers.
    mix : LeverMix
        Part of organizations at the advised end of each lever, and the correlation between them.
    given : Levers
        Taken where the scenario is no population.

    Returns
    -------
    Levers
        Correlated by one factor in common (Gaussian copula).
    """
    if not mix.mixed:
        return given
    own = words(seed_low, seed_high, organization, draws.LEVERS, 0, 0)
    common = normal_quantile(uniform(words(seed_low, seed_high, organization, draws.LEVERS_IN_COMMON, 0, 0)[0]))
    return Levers(
        selection=_advised(own[0], common, mix.correlation, mix.selection),
        alignment=_advised(own[1], common, mix.correlation, mix.alignment),
        boundaries=_advised(own[2], common, mix.correlation, mix.boundaries),
        retiering=_advised(own[3], common, mix.correlation, mix.retiering),
        retier_by_spend=False,
    )


@compiled
def _advised(word: int, common: float, correlation: float, part: float) -> float:
    if part <= 0.0:
        return 0.0
    if part >= 1.0:
        return 1.0
    score = correlation**0.5 * common + (1.0 - correlation) ** 0.5 * normal_quantile(uniform(word))
    return 1.0 if score < normal_quantile(part) else 0.0
