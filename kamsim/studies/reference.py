"""What policies are held against: no program, unless another scenario is named; and what no program cannot have."""

from collections.abc import Collection, Iterator, Sequence

from kamsim.errors import KamsimError, nearest, shown
from kamsim.experiments.jobs import Job
from kamsim.measures.choice import FILED
from kamsim.measures.outcomes import MEASURES, Measure
from kamsim.measures.profit import Horizon
from kamsim.scenario import Scenario
from kamsim.world.parameters import timeline_of

NO_PROGRAM = "no_program"
AGAINST_FIRST = (0,) * len(MEASURES)


def elevates(scenario: Scenario) -> bool:
    """Whether a scenario has seats for key accounts; one that has none is no program, whatever its name."""
    return any(tier.seats > 0 for tier in scenario.tiers.ordered.values())


def note_on_empty_program(scenario: Scenario, where: str) -> str:
    """Say that nobody is a key account in the years observed, though there are places, and why if that is known."""
    check = scenario.elevation.capacity_check > 0.0
    why = ": its capacity check leaves all places empty" if check else ", for no account may be elevated"
    return f"{scenario.name}: in {where} nobody is a key account{why}, so it is no program there"


def with_reference(scenarios: Sequence[Scenario], reference: str | None = None) -> list[Scenario]:
    """Put what scenarios are held against first, and no program among them.

    Parameters
    ----------
    scenarios : sequence of Scenario
        To compare; where each of them elevates accounts, the world of the first without a program is added.
    reference : str, optional
        Name of the one to hold the others against; by default the one without a program.

    Returns
    -------
    list of Scenario
        The reference first, the others in their order.

    Raises
    ------
    KamsimError
        Where no scenario has the name of the reference.
    """
    played = list(scenarios)
    if played and all(map(elevates, played)):
        played.insert(0, without_program(played[0]))
    names = [scenario.name for scenario in played]
    if reference is not None and reference not in names:
        raise KamsimError(
            f"`reference` {shown(reference)} is none of the scenarios compared; {nearest(reference, names)}"
        )
    first = next((one for one in played if one.name == reference), None)
    first = first or next((one for one in played if not elevates(one)), None)
    return [] if first is None else [first, *(one for one in played if one is not first)]


def without_program(scenario: Scenario) -> Scenario:
    """A scenario with nobody elevated, and all else as it is: its world, its years, what was set for the run."""
    fixed = tuple(name for name in scenario.fixed or () if not name.startswith("tiers."))
    seats = {"ordered": {name: {"seats": 0} for name in scenario.tiers.ordered}}
    without = scenario.changed(
        name=NO_PROGRAM, question="What if there is no program and no account is a key account?", tiers=seats
    )
    return without.model_copy(update={"fixed": fixed or None})


def bases_of(scenarios: Sequence[Scenario]) -> tuple[int, ...]:
    """Place of the scenario that each measure is held against.

    The first, but for measures that only a program has, where the first scenario is none: these are held against the
    first that has one.
    """
    with_program = next((place for place, scenario in enumerate(scenarios) if elevates(scenario)), 0)
    first_has_it = bool(scenarios) and elevates(scenarios[0])
    return tuple(with_program if measure.needs_program and not first_has_it else 0 for measure in MEASURES)


def place_without_program(scenarios: Sequence[Scenario]) -> int:
    """Place of the scenario whose sales points are told of: the first without a program, or the very first."""
    return next((place for place, scenario in enumerate(scenarios) if not elevates(scenario)), 0)


def in_words(scenario: Scenario) -> str:
    """Say what the reference is: its name, and what that means where it is no program."""
    return scenario.name if elevates(scenario) else f"no program ({scenario.name}: no key accounts)"


def horizon_of(scenarios: Sequence[Scenario], job: Job) -> Horizon:
    """What the money of scenarios is told of, the first of them being played as a job."""
    first = scenarios[0]
    years = timeline_of(first)
    without = scenarios[place_without_program(scenarios)].name
    calendar = job.years[years.history_years :]
    return Horizon(years.years - years.history_years, first.timeline.discount, job.money, without, calendar)


def told_in(measure: Measure, scenarios: Sequence[Scenario], horizon: Horizon) -> dict[str, object]:
    """Say for a row of a table what its figures are told in: unit, years, and rate of discount where it is money."""
    if measure.unit == "money":
        return {"unit": horizon.unit, "years": horizon.years, "discount": horizon.discount}
    if measure.is_money:
        per = measure.unit.removeprefix("money")
        return {"unit": f"{horizon.unit},{per}", "years": scenarios[0].timeline.window_years, "discount": None}
    return {"unit": measure.unit, "years": scenarios[0].timeline.window_years, "discount": None}


def notes_on_reference(scenarios: Sequence[Scenario], measures: Collection[str] = FILED) -> Iterator[str]:
    """Say that the reference is no program, and which of some measures are held against another scenario for that."""
    if elevates(scenarios[0]) or len(scenarios) < 2:
        return
    bases = bases_of(scenarios)
    other = scenarios[max(bases)].name
    lacking = [
        measure.label.lower()
        for measure, base in zip(MEASURES, bases, strict=True)
        if base and measure.name in measures
    ]
    said = f"; measures that it does not have are compared with {other}: {', '.join(lacking)}" if lacking else ""
    yield f"the others are compared with {in_words(scenarios[0])}{said}"
