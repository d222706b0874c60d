"""What a program may choose, and between which ends: the space that the best program is searched in.

Only what a policy settles: never what customers, the market or the effect of a lever are. Nor, unless it is named, the
quota rule, for whoever asks for less misses it less, and budgets for support, at whose cost more always comes back.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kamsim.books.book import Book
from kamsim.errors import KamsimError
from kamsim.evidence.ledger import TERMS_OF_PROGRAM, Parameter
from kamsim.evidence.plausible import PLAUSIBLE
from kamsim.experiments.jobs import job_of
from kamsim.policy.choices import NO_CHOICE
from kamsim.policy.policy import seats_of
from kamsim.scenario import LEVER_SAYS, LEVERS, Scenario, numbers_of, with_values
from kamsim.studies.parameter_sets import value_in
from kamsim.studies.ranges import Range, asked_for, checked_ends
from kamsim.studies.reference import elevates
from kamsim.studies.settings import no_parameter
from kamsim.types import Floats

BETWEEN = ".."  # the ends of a range that is given
LEAST_PART, MOST_PART = 0.5, 2.0  # of the usual KAM time, and of the present number of key accounts
CONCESSIONS = (0.0, 0.04)  # of a tier that the ledger does not name: as wide as is plausible of any other
ATTENTION = (0.5, 3.0)  # weight of an account of a higher tier, against one of the lowest
ENDS: dict[str, tuple[float, float]] = {
    "policy.retiering_years": (1, 3),
    "policy.retiering_share": (0.0, 0.5),
    "policy.health_threshold": (-0.2, 0.2),
    "policy.managed_downtiering": (0.0, 1.0),
    "elevation.incubator_years": (0, 2),
    "rebuild.patience": (1, 6),
}
UNSET = 0  # leaves as it usually is what is named here
WITH_UNSET = ("rebuild.patience", "budget.hours_per_kam")
PART_UNSET = 0.25  # of the way between two ends, that stands for it
STEPS = 20  # between two ends: nobody runs a program, or could tell it from others, to more digits than that
# What a lever or a term brings about; a program chooses the lever, not this.
EFFECTS = (
    *NO_CHOICE,
    *("policy.team_alignment", "policy.team_fatigue_relief", "policy.ambition_slope", "policy.managed_saves"),
    *("policy.contact_hours", "policy.sponsor_saves", "policy.sponsor_hours"),
)


class Choice(NamedTuple):
    """Something that is chosen: a part of the way, from 0 to 1, stands for each value."""

    range: Range
    can_be_unset: bool = False

    def value(self, part: float) -> float:
        """Value at a part of the way: a whole number, or one of the steps between the ends."""
        if self.can_be_unset:
            if part < PART_UNSET:
                return UNSET
            part = (part - PART_UNSET) / (1.0 - PART_UNSET)
        if self.range.whole:
            return self.range.value(part)
        low, high = self.range.low, self.range.high
        digits = 2 - math.floor(math.log10(high - low))
        return min(high, max(low, round(self.range.value(round(part * STEPS) / STEPS), digits)))

    def part(self, value: float) -> float:
        """Part of the way that stands for a value, or for the nearest there is."""
        if self.can_be_unset and value == UNSET:
            return PART_UNSET / 2.0
        low, width = self.range.low, self.range.high - self.range.low
        part = (value - low + 0.5) / (width + 1.0) if self.range.whole else (value - low) / width
        part = min(1.0, max(0.0, part))
        return PART_UNSET + part * (1.0 - PART_UNSET) if self.can_be_unset else part


class Space(NamedTuple):
    """Programs that differ from a scenario in what is chosen; each is a point of the unit cube."""

    scenario: Scenario
    choices: tuple[Choice, ...]
    accounts: int  # of the book that all are played in

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Between which ends each is chosen."""
        return tuple(choice.range for choice in self.choices)

    def values(self, point: Floats) -> dict[str, float]:
        """What is chosen at a point, by name."""
        parts = zip(self.choices, point.tolist(), strict=True)
        return {choice.range.parameter: choice.value(part) for choice, part in parts}

    def program(self, values: Mapping[str, float], name: str) -> Scenario:
        """The scenario with what is chosen put in."""
        put: dict[str, object] = dict(values)
        if "policy.retiering" in values and self.scenario.retiers_by_spend():
            put["policy.retiering"] = {"spend": values["policy.retiering"]}
        return with_values(self.scenario, put).model_copy(update={"name": name})

    def point(self, program: Scenario) -> Floats:
        """Point of a program of the same tiers, or of the nearest that there is."""
        return np.array([choice.part(value) for choice, value in zip(self.choices, self.chosen(program), strict=True)])

    def chosen(self, program: Scenario) -> list[float]:
        """What a program of the same tiers chooses; of a tier the number of its accounts, where these are counted."""
        return [_chosen(program, choice.range, self.accounts) for choice in self.choices]


def space_of(scenario: Scenario, vary: Sequence[str] = (), book: Book | None = None) -> Space:
    """What is searched about a scenario, on accounts that are drawn or on those of a book.

    Parameters
    ----------
    scenario : Scenario
        A program; what was set for the run is not searched.
    vary : sequence of str
        What is searched instead of all that is usual: ``policy.alignment``, ``tiers.key.seats=5..30``.
    book : Book, optional
        Accounts that it is played on, if not those that it has itself.

    Returns
    -------
    Space
        With at least one choice, the programs at both ends of which can be played.

    Raises
    ------
    KamsimError
        Where the scenario is no program, or something that is named is not chosen by any, or not between these ends.
    """
    if scenario.population is not None:
        raise KamsimError(
            f"{scenario.name}: is a mix of suppliers, not one program; name a program, such as full_program"
        )
    if not elevates(scenario):
        raise KamsimError(f"{scenario.name}: has no key accounts to choose a program for; name one that has")
    accounts = job_of(scenario, book).budget.accounts
    if not any(seats_of(scenario, accounts)[0]):
        raise KamsimError(f"{scenario.name}: its shares of {accounts} accounts round to no key account; give numbers")
    usual = {choice.range.parameter: choice for choice in _usual(scenario, accounts)}
    if vary:
        choices = tuple(_asked(scenario, text, usual) for text in vary)
    else:
        choices = tuple(choice for name, choice in usual.items() if name not in (scenario.fixed or ()))
    names = [choice.range.parameter for choice in choices]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise KamsimError(f"{name} is named twice; leave one of them out")
    if not choices:
        raise KamsimError(f"{scenario.name}: all that is searched is set for this run; name what to search with `vary`")
    space = Space(scenario, choices, accounts)
    for end in (0.0, 1.0):  # what does not go together does not do so at one end
        job_of(space.program(space.values(np.full(len(choices), end)), scenario.name), book)
    return space


def notes_on_space(space: Space, vary: Sequence[str]) -> Iterator[str]:
    """Say what is not searched because it was set for this run."""
    kept = [name for name in space.scenario.fixed or () if name in _names(space.scenario)]
    if kept and not vary:
        yield f"not searched, for it is set for this run: {', '.join(kept)}"


# ---------------------------------------------------------------- what is usual, and what is asked


def _usual(scenario: Scenario, accounts: int) -> Iterator[Choice]:
    """All that is searched by default, where it has a say."""
    rows = _names(scenario)
    for lever in LEVERS:
        yield _choice(f"policy.{lever}", None, (0.0, 1.0))
    places = dict(zip(scenario.tiers.ordered, seats_of(scenario, accounts)[0], strict=True))
    held = {tier: number for tier, number in places.items() if number}
    most = min(MOST_PART, accounts / max(1, sum(held.values())))
    for place, (tier, number) in enumerate(held.items()):
        # With no key account at all there would be no program.
        seats = (float(place == 0), float(max(1 + (place == 0), int(most * number))))
        ends = {"seats": seats, **({"attention": ATTENTION} if place else {})}
        ends |= {"concession": PLAUSIBLE.get(f"tiers.{tier}.concession", CONCESSIONS)}
        for term, between in ends.items():
            yield _choice(f"tiers.{tier}.{term}", rows[f"tiers.{tier}.{term}"], between, counted=term == "seats")
    hours = scenario.world.hours_per_kam
    usual = {"budget.hours_per_kam": (LEAST_PART * hours, MOST_PART * hours)} if hours > 0.0 else {}
    for name, between in {**ENDS, **usual}.items():
        yield _choice(name, rows[name], between)


def _asked(scenario: Scenario, text: str, usual: Mapping[str, Choice]) -> Choice:
    asked = asked_for(text, BETWEEN)
    rows = _names(scenario)
    if asked.name in (scenario.fixed or ()):
        raise KamsimError(f"{asked.name} is set for this run, so it cannot be searched too; leave out one of the two")
    if asked.name not in rows:
        if asked.name in (*EFFECTS, *numbers_of(())):
            raise KamsimError(f"{asked.name} is nothing that a program chooses; {_such_as(usual)}")
        raise no_parameter(asked.name, tuple(rows))
    if asked.ends is None:
        if asked.name not in usual:
            raise KamsimError(f"{asked.name} needs a range to be searched in, {asked.name}=LOW{BETWEEN}HIGH")
        return usual[asked.name]
    row = rows[asked.name]
    if row is None:
        low, high = asked.ends
        if not 0.0 <= low < high <= 1.0:
            raise KamsimError(f"{text}: a lever has strengths from 0 to 1")
        return _choice(asked.name, None, (low, high), given=True)
    ends = checked_ends(asked, row)
    return _choice(asked.name, row, ends, given=True, counted=row.seats and ends[1] >= 1)


def _such_as(usual: Mapping[str, Choice]) -> str:
    return f"name what to search with `vary`, such as {', '.join(list(usual)[:5])}"


def _names(scenario: Scenario) -> dict[str, Parameter | None]:
    """All that a program of these tiers chooses, with its row of the ledger; None for a lever."""
    levers: dict[str, Parameter | None] = {f"policy.{lever}": None for lever in LEVERS}
    rows = numbers_of(scenario.tiers.ordered)
    of_program = ("tiers", *TERMS_OF_PROGRAM)
    return levers | {
        name: row for name, row in rows.items() if name.partition(".")[0] in of_program and name not in EFFECTS
    }


def _choice(
    name: str, row: Parameter | None, ends: tuple[float, float], *, given: bool = False, counted: bool = False
) -> Choice:
    low, high = ends
    says = LEVER_SAYS[name.partition(".")[2]] if row is None else row.meaning
    unit, whole = ("strength", False) if row is None else (row.unit, row.whole or counted)
    low, high = (int(low), int(high)) if whole else (float(f"{low:.3g}"), float(f"{high:.3g}"))
    source = "given" if given else "program"
    found = Range(name, says, unit, "assumed" if row is None else row.kind, low, high, whole, source)  # type: ignore[arg-type]
    return Choice(found, can_be_unset=not given and name in WITH_UNSET)


def _chosen(program: Scenario, of: Range, accounts: int) -> float:
    section, _, key = of.parameter.partition(".")
    if section == "policy" and key in LEVERS:
        return program.lever_strengths()[key]
    if of.whole and key.endswith(".seats"):
        places, _ = seats_of(program, accounts)
        return places[list(program.tiers.ordered).index(key.removesuffix(".seats"))]
    return float(value_in(program, of.parameter))
