"""Scenarios with the values of a parameter set put in, as they stand and with assumed values moved."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from kamsim.errors import KamsimError
from kamsim.evidence.ledger import ANY_TIER, LEDGER, TERMS_OF_PROGRAM, Parameter
from kamsim.evidence.posterior import Posterior, parameter_named
from kamsim.policy.choices import NEUTRAL, SILENT
from kamsim.scenario import NAMED_TIERS, Scenario, with_values
from kamsim.types import Floats

MOVED_BY = 0.25
# Sizes and counts are facts of the organization, and a currency is none of the model's.
SIZES = ("accounts", "functions", "accounts or share", "accounts per KAM", "money a year")
MOVABLE_SECTIONS = ("world", "tiers", *TERMS_OF_PROGRAM)
_MOVEMENTS = 0x6D6F7665  # tells these draws from others of the same seed


class Movements(NamedTuple):
    """What every assumed parameter is multiplied by, a row per parameter set."""

    names: tuple[str, ...]
    factors: Floats  # (sets, names)


def value_in(scenario: Scenario, name: str) -> Any:
    """Value of a parameter, ``tiers.key.promise``, in a scenario; None where it has no such tier or population."""
    section, *tables, key = name.split(".")
    place: Any = getattr(scenario, section)
    for table in tables:
        place = place.ordered.get(table)
    return None if place is None else getattr(place, key)


def default_of(name: str) -> float | int | None:
    """Default of a parameter in the ledger; None where it has no row of its own."""
    row = parameter_named(name)
    return None if row is None else row.default


def is_its_own(scenario: Scenario, name: str) -> bool:
    """Whether a scenario has set a parameter itself: its value is not that of the ledger, or was set for this run."""
    if name in (scenario.fixed or ()):
        return True
    row, value = parameter_named(name), value_in(scenario, name)
    return row is not None and value is not None and value != row.default


def has(scenario: Scenario, name: str) -> bool:
    """Whether a parameter has a say in a scenario: not where there are no seats in its tier, or is no population."""
    section, _, rest = name.partition(".")
    tier = rest.rpartition(".")[0]
    if section == "tiers" and tier and (tier not in scenario.tiers.ordered or not scenario.tiers.ordered[tier].seats):
        return False
    return value_in(scenario, name) is not None


def takes(scenario: Scenario, name: str) -> bool:
    """Whether a value of a parameter set goes into a scenario: it has the parameter, and has not set it itself."""
    return has(scenario, name) and not is_its_own(scenario, name)


def with_set(scenario: Scenario, names: Sequence[str], values: Sequence[float]) -> Scenario:
    """Copy of a scenario with a parameter set put in, but for what it does not take."""
    return with_values(
        scenario, {name: value for name, value in zip(names, values, strict=True) if takes(scenario, name)}
    )


# ---------------------------------------------------------------- assumed values


def movable(scenarios: Sequence[Scenario], posterior: Posterior) -> tuple[Parameter, ...]:
    """Rows of the ledger that are assumed and can be moved by a part of their value.

    Not all that are assumed. Left out are what the posterior varies, whole numbers (years, counts), zeros, sizes and
    sums of money, those of timeline and population, what a program chooses beside most programs, and what no scenario
    takes because each has set it itself or has no such tier, or has no use for it.
    """
    return tuple(
        row
        for row in LEDGER
        if row.kind == "assumed"
        and row.section in MOVABLE_SECTIONS
        and row.unit not in SIZES
        and not isinstance(row.default, int)
        and row.default != 0
        and f"{row.section}.{row.name}" not in NEUTRAL
        and any(_places(scenario, row, posterior) for scenario in scenarios)
    )


def _places(scenario: Scenario, row: Parameter, posterior: Posterior) -> list[str]:
    """Names under which a scenario takes a row: one, or one for each tier that the ledger does not name."""
    names = [f"{row.section}.{row.name}"]
    tier, _, key = row.name.rpartition(".")
    if tier == ANY_TIER:
        names = [f"tiers.{other}.{key}" for other in scenario.tiers.ordered if other not in NAMED_TIERS]
    return [name for name in names if name not in posterior.names and takes(scenario, name) and _says(scenario, name)]


def _says(scenario: Scenario, name: str) -> bool:
    """Whether a term says anything: the key that it goes with, if it goes with one, is not at its default."""
    switch = SILENT.get(name)
    return switch is None or bool(value_in(scenario, switch) != default_of(switch))


def movements_of(rows: Sequence[Parameter], sets: int, seed: int) -> Movements:
    """Draw by how much assumed values are moved, each up to a quarter either way (Latin hypercube).

    A factor for each set and row.
    """
    from scipy.stats import qmc

    names = tuple(f"{row.section}.{row.name}" for row in rows)
    if not rows:
        return Movements(names, np.ones((sets, 0)))
    parts = qmc.LatinHypercube(len(rows), rng=np.random.default_rng([seed, _MOVEMENTS])).random(sets)
    return Movements(names, 1.0 + MOVED_BY * (2.0 * parts - 1.0))


def with_moved(
    scenarios: Sequence[Scenario], rows: Sequence[Parameter], factors: Sequence[float], posterior: Posterior
) -> list[Scenario]:
    """Copies of scenarios with assumed values moved, by the same factor in each.

    Results are clipped to the range of the ledger; what the posterior varies is not moved. Where two moved values do
    not go together, all are moved half as far, and so on.
    """
    for part in (1.0, 0.5, 0.25, 0.125):
        moved = {row: 1.0 + part * (factor - 1.0) for row, factor in zip(rows, factors, strict=True)}
        try:
            return [with_values(scenario, dict(_moved(scenario, moved, posterior))) for scenario in scenarios]
        except KamsimError:
            continue
    return list(scenarios)


def _moved(scenario: Scenario, factors: Mapping[Parameter, float], posterior: Posterior) -> Iterator[tuple[str, float]]:
    for row, factor in factors.items():
        for name in _places(scenario, row, posterior):
            yield name, min(row.high, max(row.low, row.default * factor))


# ---------------------------------------------------------------- what is said


def notes_on_sets(scenarios: Sequence[Scenario], posterior: Posterior) -> Iterator[str]:
    """Say which values of the parameter sets do not go into which scenarios, a sentence for all that keep the same."""
    apart = _worlds_apart(scenarios, posterior)
    kept: dict[tuple[str, ...], list[str]] = {}
    for scenario in scenarios:
        own = tuple(name for name in posterior.names if name not in apart and is_its_own(scenario, name))
        if own:
            kept.setdefault(own, []).append(scenario.name)
    for names, who in kept.items():
        scenarios_named = "every scenario" if len(who) == len(scenarios) > 1 else ", ".join(who)
        yield f"{scenarios_named}: own value kept in all parameter sets: {_first(names, 5)}"
    if not any(takes(scenario, name) for scenario in scenarios for name in posterior.names):
        yield f"{posterior.source}: no scenario takes any value of it, so only assumed values are uncertain"


def notes_on_worlds(scenarios: Sequence[Scenario], posterior: Posterior) -> Iterator[str]:
    """Say where scenarios are not played in the same worlds, because some keep what the posterior varies for others.

    A sentence for all that set the same values; none where all differences are those of policies.
    """
    apart = _worlds_apart(scenarios, posterior)
    own: dict[tuple[str, ...], list[str]] = {}
    for scenario in scenarios:
        names = tuple(name for name in apart if is_its_own(scenario, name))
        if names:
            own.setdefault(names, []).append(scenario.name)
    for names, who in own.items():
        values = "value" if len(names) == 1 else "values"
        yield (
            f"{', '.join(who)}: set {len(names)} {values} that differ between parameter sets ({_first(names, 3)}), so "
            "differences include those of the market, not only of the program"
        )


def _worlds_apart(scenarios: Sequence[Scenario], posterior: Posterior) -> tuple[str, ...]:
    """Values of the world or timeline that the posterior varies, but not alike in all scenarios."""
    return tuple(
        name
        for name in posterior.names
        if name.partition(".")[0] in ("world", "timeline")
        and len({value_in(scenario, name) if is_its_own(scenario, name) else None for scenario in scenarios}) > 1
    )


def _first(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
