"""Which parameters are varied and between which ends, and scenarios with the values of a point put in."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kamsim.errors import KamsimError
from kamsim.evidence.ledger import LEDGER, Parameter, number_of, number_text
from kamsim.evidence.plausible import PLAUSIBLE, TIED
from kamsim.evidence.posterior import parameter_named
from kamsim.records import Record
from kamsim.scenario import LEVERS, Scenario, with_values
from kamsim.studies.parameter_sets import MOVED_BY, is_its_own, takes, value_in
from kamsim.studies.settings import no_parameter

_NAMES = tuple(f"{row.section}.{row.name}" for row in LEDGER)
_MOST_NAMED = 5  # in a note


@dataclass(frozen=True)
class Range(Record):
    """Between which ends a parameter is varied.

    Parameters
    ----------
    parameter, meaning, unit, kind : str
        Of the ledger.
    low, high : float
        Ends; every value between them is as likely as any other.
    whole : bool
        Whether only whole numbers are.
    """

    parameter: str
    meaning: str
    unit: str
    kind: str
    low: float
    high: float
    whole: bool = False

    def value(self, part: float) -> float:
        """Value at a part of the way from the low end to the high one."""
        if self.whole:
            return int(min(self.high, self.low + math.floor(part * (self.high - self.low + 1.0))))
        return self.low + part * (self.high - self.low)


class Asked(NamedTuple):
    """A parameter as the user names it, perhaps with ends."""

    name: str
    ends: tuple[float, float] | None


# ---------------------------------------------------------------- which and between what


def ranges_of(scenarios: Sequence[Scenario], parameters: Sequence[str] = ()) -> tuple[Range, ...]:
    """Parameters to vary in scenarios, each with its ends, in the order given.

    ``world.turnover`` or ``world.turnover=0.02:0.08``. A calibrated parameter that is named without ends varies over
    what is plausible, any other by a quarter of its value either way, within the range of the ledger. By default every
    parameter with a plausible range that the scenarios have not set themselves. An error where a name or an end is not
    valid.
    """
    asked = [_asked(text) for text in parameters]
    names = [one.name for one in asked]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise KamsimError(f"{name} is named twice; leave one of them out")
        if any(name in (scenario.fixed or ()) for scenario in scenarios):
            raise KamsimError(f"{name} is set for this run, so it cannot be varied too; leave out one of the two")
    if not asked:
        asked = [Asked(name, None) for name in PLAUSIBLE if _is_default(scenarios, name)]
    if not asked:
        raise KamsimError("the scenarios have set all that could be varied; name what to vary with `parameters`")
    return tuple(_range(scenarios, one) for one in asked)


def notes_on_ranges(scenarios: Sequence[Scenario], parameters: Sequence[str]) -> Iterator[str]:
    """Say, if at all in one sentence, which parameters are not varied because a scenario has set them itself."""
    own = [name for name in PLAUSIBLE if any(is_its_own(scenario, name) for scenario in scenarios)]
    if own and not parameters:
        more = f" and {len(own) - _MOST_NAMED} more" if len(own) > _MOST_NAMED else ""
        yield f"not varied, for a scenario has set it itself: {', '.join(own[:_MOST_NAMED])}{more}"


def _is_default(scenarios: Sequence[Scenario], name: str) -> bool:
    return any(takes(scenario, name) for scenario in scenarios) and not any(
        is_its_own(scenario, name) for scenario in scenarios
    )


def _asked(text: str) -> Asked:
    name, equals, ends = (part.strip() for part in text.partition("="))
    if not equals:
        return Asked(name, None)
    try:
        low, high = (number_of(end.strip()) for end in ends.split(":"))
    except ValueError:
        low = high = ""
    if isinstance(low, str) or isinstance(high, str):
        raise KamsimError(f"{text}: give a range as two numbers, {name}=LOW:HIGH")
    if not -math.inf < low < high < math.inf:
        raise KamsimError(f"{text}: give the lower end first, {name}=LOW:HIGH")
    return Asked(name, (low, high))


def _range(scenarios: Sequence[Scenario], asked: Asked) -> Range:
    row, value = _row(asked.name), _value(scenarios, asked.name)
    ends = _checked(asked, row) if asked.ends is not None else _usual_ends(asked.name, row, value)
    low, high = ends
    whole = row.whole or (row.seats and high >= 1)
    if whole:
        low, high = math.floor(low), math.ceil(high)
    return Range(asked.name, row.meaning, row.unit, row.kind, low, high, whole)


def _row(name: str) -> Parameter:
    row = parameter_named(name)
    if row is not None:
        return row
    section, _, key = name.partition(".")
    if section == "policy" and key in LEVERS:
        raise KamsimError(f"{name} is a lever, which you choose; to see what it does, compare scenarios with it")
    raise no_parameter(name, _NAMES)


def _value(scenarios: Sequence[Scenario], name: str) -> float:
    """Value of a parameter in all scenarios that have it, which must be the same."""
    known = [(scenario.name, float(value)) for scenario in scenarios if (value := value_in(scenario, name)) is not None]
    if not known:
        who = " and ".join(scenario.name for scenario in scenarios)
        raise KamsimError(f"there is no {name} in {who}, so it cannot be varied")
    if len({value for _, value in known}) > 1:
        said = " and ".join(f"{number_text(value)} in {who}" for who, value in known)
        raise KamsimError(f"{name} is {said}: a difference between the scenarios, so it cannot be varied too")
    return known[0][1]


def _checked(asked: Asked, row: Parameter) -> tuple[float, float]:
    assert asked.ends is not None
    try:
        low, high = (row.parse(end) for end in asked.ends)
    except KamsimError as error:
        raise KamsimError(f"{asked.name} {error}") from None
    if row.seats and high >= 1 and low != int(low):
        raise KamsimError(f"{asked.name} needs two whole numbers or two shares of accounts, not {low:g} to {high}")
    return low, high


def _usual_ends(name: str, row: Parameter, value: float) -> tuple[float, float]:
    if name in PLAUSIBLE:
        return PLAUSIBLE[name]
    if name in TIED:
        other, more = TIED[name]
        low, high = PLAUSIBLE[other]
        return low + more, high + more
    ends = sorted((value * (1.0 - MOVED_BY), value * (1.0 + MOVED_BY)))
    low, high = (min(row.high, max(row.low, end)) for end in ends)
    if low == high:
        raise KamsimError(f"{name} is {number_text(value)}, of which a quarter is nothing; give {name}=LOW:HIGH")
    return low, high


# ---------------------------------------------------------------- points


def values_at(ranges: Sequence[Range], point: Sequence[float]) -> dict[str, float]:
    """Values of the varied parameters at a point of the unit cube, by name."""
    return {one.parameter: one.value(part) for one, part in zip(ranges, point, strict=True)}


def scenario_at(scenario: Scenario, values: Mapping[str, float]) -> Scenario:
    """Copy of a scenario with the values of a point put in, as far as it has these parameters.

    What is tied to a varied parameter follows it, unless it varies or the scenario has set it itself. An error where
    the values do not go together.
    """
    tied = {
        name: values[other] + more
        for name, (other, more) in TIED.items()
        if other in values and name not in values and takes(scenario, name)
    }
    put = {**values, **tied}
    return with_values(scenario, {name: value for name, value in put.items() if value_in(scenario, name) is not None})
