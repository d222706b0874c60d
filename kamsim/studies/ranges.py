"""Which parameters are varied and between which ends, and scenarios with the values of a point put in."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from kamsim.analysis.agreement import between
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import LEDGER, Parameter, number_of, number_text
from kamsim.evidence.plausible import PLAUSIBLE, TIED
from kamsim.evidence.posterior import Posterior, parameter_named
from kamsim.records import Record
from kamsim.scenario import LEVERS, Scenario, with_values
from kamsim.studies.parameter_sets import MOVED_BY, is_its_own, takes, value_in
from kamsim.studies.reference import elevates
from kamsim.studies.settings import no_parameter

_NAMES = tuple(f"{row.section}.{row.name}" for row in LEDGER)
_MOST_NAMED = 5  # in a note
Source = Literal["posterior", "plausible", "quarter", "given", "program"]


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
    source : str
        ``posterior`` where 95 % of its sets lie between the ends, ``plausible`` for what was so before any fit,
        ``quarter`` for that much either way, ``given`` by the user, or ``program`` for what one may well choose.
    """

    parameter: str
    meaning: str
    unit: str
    kind: str
    low: float
    high: float
    whole: bool = False
    source: Source = "given"

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


def ranges_of(
    scenarios: Sequence[Scenario], parameters: Sequence[str] = (), posterior: Posterior | None = None
) -> tuple[Range, ...]:
    """Parameters to vary in scenarios, each with its ends, in the order given.

    ``world.turnover`` or ``world.turnover=0.02:0.08``. Without ends a parameter varies as far as 95 % of the sets of
    the ``posterior`` do; one that it has not, over what is plausible, and any other by a quarter of its value either
    way, within the range of the ledger. By default every parameter of the posterior, without one every parameter with
    a plausible range, that the scenarios have not set themselves. An error where a name or an end is not valid.
    """
    asked = [asked_for(text) for text in parameters]
    names = [one.name for one in asked]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise KamsimError(f"{name} is named twice; leave one of them out")
        if any(name in (scenario.fixed or ()) for scenario in scenarios):
            raise KamsimError(f"{name} is set for this run, so it cannot be varied too; leave out one of the two")
    found = _found(posterior)
    if not asked:
        asked = [Asked(name, None) for name in _usual(found) if _is_default(scenarios, name)]
    if not asked:
        raise KamsimError("the scenarios have set all that could be varied; name what to vary with `parameters`")
    return tuple(_range(scenarios, one, found) for one in asked)


def _found(posterior: Posterior | None) -> dict[str, tuple[float, float]]:
    """Between which 95 % of the sets lie, by parameter, but for what is the same in all of them."""
    if posterior is None:
        return {}
    columns = zip(posterior.names, np.array(posterior.values).T, strict=True)
    ends = {name: between(values) for name, values in columns}
    return {name: (low, high) for name, (low, high) in ends.items() if low < high}


def _usual(found: Mapping[str, tuple[float, float]]) -> list[str]:
    """Parameters to vary by default; what is tied to another follows it."""
    return [name for name in found or PLAUSIBLE if name not in TIED]


def notes_on_ranges(
    scenarios: Sequence[Scenario], parameters: Sequence[str], posterior: Posterior | None = None
) -> Iterator[str]:
    """Say, if at all in one sentence, which parameters are not varied because a scenario has set them itself."""
    own = [name for name in _usual(_found(posterior)) if any(is_its_own(one, name) for one in _having(scenarios, name))]
    if own and not parameters:
        more = f" and {len(own) - _MOST_NAMED} more" if len(own) > _MOST_NAMED else ""
        yield f"not varied, for a scenario has set it itself: {', '.join(own[:_MOST_NAMED])}{more}"


def _having(scenarios: Sequence[Scenario], name: str) -> Sequence[Scenario]:
    """Scenarios in which a parameter has a say: one of tiers has none where nobody is elevated."""
    return (name.startswith("tiers.") and list(filter(elevates, scenarios))) or scenarios


def _is_default(scenarios: Sequence[Scenario], name: str) -> bool:
    having = _having(scenarios, name)
    return any(takes(scenario, name) for scenario in having) and not any(
        is_its_own(scenario, name) for scenario in having
    )


def asked_for(text: str, between: str = ":") -> Asked:
    """Read a parameter as the user names it, perhaps with ends: ``world.turnover=0.02:0.08``."""
    name, equals, ends = (part.strip() for part in text.partition("="))
    if not equals:
        return Asked(name, None)
    try:
        low, high = (number_of(end.strip()) for end in ends.split(between))
    except ValueError:
        low = high = ""
    if isinstance(low, str) or isinstance(high, str):
        raise KamsimError(f"{text}: give a range as two numbers, {name}=LOW{between}HIGH")
    if not -math.inf < low < high < math.inf:
        raise KamsimError(f"{text}: give the lower end first, {name}=LOW{between}HIGH")
    return Asked(name, (low, high))


def _range(scenarios: Sequence[Scenario], asked: Asked, found: Mapping[str, tuple[float, float]]) -> Range:
    row, value = _row(asked.name), _value(_having(scenarios, asked.name), asked.name)
    source: Source = "given"
    if asked.ends is not None:
        low, high = checked_ends(asked, row)
    elif asked.name in found:
        (low, high), source = found[asked.name], "posterior"
    else:
        low, high, source = _usual_ends(asked.name, row, value)
    whole = row.whole or (row.seats and high >= 1)
    if whole:
        low, high = math.floor(low), math.ceil(high)
    return Range(asked.name, row.meaning, row.unit, row.kind, low, high, whole, source)


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


def checked_ends(asked: Asked, row: Parameter) -> tuple[float, float]:
    """Ends that the user gave, as the row of the ledger takes them; an error names the parameter and says why not."""
    assert asked.ends is not None
    try:
        low, high = (row.parse(end) for end in asked.ends)
    except KamsimError as error:
        raise KamsimError(f"{asked.name} {error}") from None
    if row.seats and high >= 1 and low != int(low):
        raise KamsimError(f"{asked.name} needs two whole numbers or two shares of accounts, not {low:g} to {high}")
    return low, high


def _usual_ends(name: str, row: Parameter, value: float) -> tuple[float, float, Source]:
    if name in PLAUSIBLE:
        return *PLAUSIBLE[name], "plausible"
    if name in TIED:
        other, more = TIED[name]
        low, high = PLAUSIBLE[other]
        return low + more, high + more, "plausible"
    ends = sorted((value * (1.0 - MOVED_BY), value * (1.0 + MOVED_BY)))
    low, high = (min(row.high, max(row.low, end)) for end in ends)
    if low == high:
        raise KamsimError(f"{name} is {number_text(value)}, of which a quarter is nothing; give {name}=LOW:HIGH")
    return low, high, "quarter"


# ---------------------------------------------------------------- points


def values_at(ranges: Sequence[Range], point: Sequence[float]) -> dict[str, float]:
    """Values of the varied parameters at a point of the unit cube, by name."""
    return {one.parameter: one.value(part) for one, part in zip(ranges, point, strict=True)}


def scenario_at(scenario: Scenario, values: Mapping[str, float]) -> Scenario:
    """Copy of a scenario with the values of a point put in, as far as they have a say there.

    What is tied to a varied parameter follows it, unless it varies or the scenario has set it itself. An error where
    the values do not go together.
    """
    tied = {
        name: values[other] + more
        for name, (other, more) in TIED.items()
        if other in values and name not in values and takes(scenario, name)
    }
    put = {
        name: value
        for name, value in {**values, **tied}.items()
        if value_in(scenario, name) is not None and (elevates(scenario) or not name.startswith("tiers."))
    }
    return with_values(scenario, put)
