"""How many patterns hold, and what that is worth: as many hold, in the same organizations, at random values."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kamsim.errors import KamsimError
from kamsim.evidence.patterns import Use
from kamsim.evidence.plausible import PLAUSIBLE, TIED, value_at
from kamsim.scenario import Scenario, with_values
from kamsim.studies.parameter_sets import takes
from kamsim.studies.validate_checks import ENDS, Check
from kamsim.types import Flags

DRAWS = 0x72616E64  # names the draws of parameter sets among all that a seed names
USES: dict[str, tuple[Use, ...]] = {"not fitted": ("held back", "checked"), "fitted": ("fitted",)}


@dataclass(frozen=True)
class Score:
    """How many patterns hold, and how many hold where parameters are drawn at random; NaN without random sets.

    Parameters
    ----------
    use : str
        ``not fitted`` (held back or checked) or ``fitted``: which patterns count.
    held, judged : int
        Patterns that hold, of those that can be judged, in all organizations.
    held_in_few : int
        How many of these hold in the few organizations that random sets are played in.
    random_mean, random_low, random_high : float
        How many of them hold at a random set: mean, and between which 95 % of the sets lie.
    as_many : float
        Part of random sets at which as many hold as in the few organizations, or more.
    """

    use: str
    held: int
    judged: int
    held_in_few: int
    random_mean: float
    random_low: float
    random_high: float
    as_many: float


# ---------------------------------------------------------------- random sets


def random_sets(scenario: Scenario, seed: int, number: int) -> Iterator[Scenario]:
    """Copies of a scenario with every parameter that has a plausible range drawn from it, each by itself.

    Parameters
    ----------
    scenario : Scenario
        Values that it has set itself stay.
    seed : int
        Names the draws.
    number : int
        Of copies; a set that does not go with the scenario's own values is left out.

    Yields
    ------
    Scenario
        Nothing where the scenario takes none of these parameters.

    Notes
    -----
    Not columns of the posterior in another order: these have been through the fit, so that they would hold what the fit
    chose one by one, and test only whether it matters which values go together. What is asked is how much the form of
    the model and honest ranges give by themselves, before anything was fitted; that is the prior of the fit.
    """
    free = [name for name in PLAUSIBLE if takes(scenario, name)]
    tied = {name: of for name, of in TIED.items() if of[0] in free and takes(scenario, name)}
    # Drawn for all, so that a value set by hand changes no other.
    drawn = np.random.default_rng([seed, DRAWS]).random((number, len(PLAUSIBLE)))
    for parts in drawn.tolist() if free else ():
        at = {name: value_at(name, ends, part) for (name, ends), part in zip(PLAUSIBLE.items(), parts, strict=True)}
        values = {name: at[name] for name in free} | {name: at[of] + more for name, (of, more) in tied.items()}
        try:
            yield with_values(scenario, values)
        except KamsimError:
            continue


# ---------------------------------------------------------------- scores


def held_by(checks: Sequence[Check]) -> list[bool]:
    """Whether each pattern holds."""
    return [check.verdict == "pass" for check in checks]


def with_chances(checks: Sequence[Check], random: Flags) -> tuple[Check, ...]:
    """Checks with the part of random sets, (sets, checks), that show the same pattern."""
    chances = random.mean(axis=0).tolist() if len(random) else [math.nan] * len(checks)
    return tuple(replace(check, by_chance=chance) for check, chance in zip(checks, chances, strict=True))


def scores_of(checks: Sequence[Check], in_few: Sequence[bool], random: Flags) -> tuple[Score, ...]:
    """Scores of patterns that nothing was fitted to, and of the others.

    Parameters
    ----------
    checks : sequence of Check
        Of all organizations.
    in_few : sequence of bool
        What holds in the few organizations that random sets are played in.
    random : array of shape (sets, checks)
        What holds there at each random set.

    Returns
    -------
    tuple of Score
        Patterns that cannot be judged in all organizations count nowhere.
    """
    scores = []
    for use, uses in USES.items():
        counted = np.array([check.use in uses and check.verdict != "unknown" for check in checks], dtype=np.bool_)
        held, few = (int(np.array(flags)[counted].sum()) for flags in (held_by(checks), in_few))
        numbers = random[:, counted].sum(axis=1)
        told = [math.nan] * 4
        if len(numbers):
            low, high = np.quantile(numbers, ENDS, method="inverted_cdf").tolist()
            told = [float(numbers.mean()), low, high, float((numbers >= few).mean())]
        scores.append(Score(use, held, int(counted.sum()), few, *told))
    return tuple(scores)
