"""What is set for one run: ``KEY=VALUE``, put into all of its scenarios alike, where it stays whatever is uncertain."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from kamsim.books.book import Book
from kamsim.errors import KamsimError, nearest, shown
from kamsim.evidence.ledger import number_of
from kamsim.experiments.designs import Experiment
from kamsim.scenario import LEVERS, NAMED_TIERS, Scenario, load_scenario, numbers_of, with_book, with_values
from kamsim.studies.fit_book import in_market_of_book
from kamsim.studies.parameter_sets import has, value_in
from kamsim.world.carried import common_book

MARGIN = "world.gross_margin"
_LEVERS = tuple(f"policy.{lever}" for lever in LEVERS)


def with_settings(scenarios: Sequence[Scenario], settings: Sequence[str]) -> list[Scenario]:
    """Copies of scenarios with values set in all of them alike, where neither sets nor ranges change them any more.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Those of a run.
    settings : sequence of str
        ``world.gross_margin=0.15``, ``tiers.key.seats=12``, ``policy.selection=enterprise``: any number or lever of a
        scenario file, each once.

    Returns
    -------
    list of Scenario
        A scenario without seats in a tier, or without a population, stays without: there its values are not set, which
        `notes_on_settings` says.

    Raises
    ------
    KamsimError
        One sentence naming the key, and the nearest valid one or what its value may be.
    """
    values = _values(scenarios, settings)
    for name in values:
        if not any(has(scenario, name) for scenario in scenarios):
            raise KamsimError(f"{name} cannot be set: {_without(scenarios, name)}")
    return [_with(scenario, values) for scenario in scenarios]


def settings_of_world(source: str, settings: Sequence[str]) -> list[str]:
    """Settings that put the world of another scenario into all of a run: what its [world] has beside the defaults.

    Parameters
    ----------
    source : str
        Name of a shipped scenario (``steady``, ``lively``) or path of a file.
    settings : sequence of str
        What else is set; it goes before.

    Returns
    -------
    list of str
        ``world.arrival=0.07`` ..., for `with_settings`.
    """
    set_anyway = {text.partition("=")[0].strip() for text in settings}
    defaults = dict(Scenario().world)
    named = {
        f"world.{name}": value for name, value in dict(load_scenario(source).world).items() if value != defaults[name]
    }
    return [f"{name}={value!r}" for name, value in named.items() if name not in set_anyway]


def book_of_world(source: str) -> str | None:
    """File of the account book that another scenario carries, by its name or file; None where it has none."""
    book = load_scenario(source).book
    return None if book is None else book.file


def with_accounts(scenarios: Sequence[Scenario], file: str | None) -> list[Scenario]:
    """Copies of scenarios that are all played on one account book, and by its laws; as they are where none is named.

    What was set for this run stays as it was set.
    """
    if file is None:
        return list(scenarios)
    return [in_market_of_book(with_book(scenario, file)) for scenario in scenarios]


def with_settings_in(experiment: Experiment, settings: Sequence[str], accounts: str | None = None) -> Experiment:
    """Copy of an experiment with values set, and a book put, in all policies that its points are made of."""
    policies = tuple(with_accounts(with_settings(experiment.policies, settings), accounts))
    for factor in experiment.factors:
        name = f"policy.{factor.name}" if factor.name in LEVERS else factor.name
        if any(name in (policy.fixed or ()) for policy in policies):
            raise KamsimError(f"{experiment.file}: {factor.name} is varied there, so {name} cannot be set too")
    return replace(experiment, policies=policies)


def no_parameter(name: str, names: Iterable[str]) -> KamsimError:
    """Error for a name that no parameter has: it says which of all names was meant."""
    valid = list(names)
    ending = [other for other in valid if other.endswith(f".{name}")]
    said = f"did you mean '{ending[0]}'?" if ending else nearest(name, valid)
    # All of more than a hundred names would bury the sentence.
    said = said if said.startswith("did") else "kamsim evidence prints all of them"
    return KamsimError(f"{shown(name)} is no parameter; {said}")


# ---------------------------------------------------------------- reading and putting in


def _values(scenarios: Sequence[Scenario], settings: Sequence[str]) -> dict[str, object]:
    """Values by name, each checked by itself."""
    tiers = dict.fromkeys((*NAMED_TIERS, *(tier for scenario in scenarios for tier in scenario.tiers.ordered)))
    rows = numbers_of(tier for tier in tiers if "." not in tier)  # a dot would name a table in a table
    values = dict[str, object]()
    for text in settings:
        name, equals, given = (part.strip() for part in text.partition("="))
        if not equals:
            raise KamsimError(f"{shown(text)}: give KEY=VALUE, such as world.gross_margin=0.3")
        if name in values:
            raise KamsimError(f"{name} is set twice; leave one of them out")
        if name not in rows and name not in _LEVERS:
            raise no_parameter(name, (*_LEVERS, *rows))
        value: object = number_of(given)
        if name in _LEVERS:
            value = _lever_value(given)
            with_values(Scenario(), {name: value})  # refuses what no scenario takes, and names none
        else:
            try:
                value = rows[name].parse(value)
            except KamsimError as error:
                raise KamsimError(f"{name} {error}") from None
        values[name] = value
    return values


def _lever_value(given: str) -> object:
    """Value of a lever: a strength, a preset, or the one table that a scenario file takes, ``{ spend = 0.5 }``."""
    table = re.fullmatch(r"\{\s*(\w+)\s*=\s*([^\s{}]+)\s*\}", given)
    return {table[1]: number_of(table[2])} if table else number_of(given)


def _with(scenario: Scenario, values: Mapping[str, object]) -> Scenario:
    there = {name: value for name, value in values.items() if has(scenario, name)}
    if not there:
        return scenario
    try:
        changed = with_values(scenario, there)
    except KamsimError as error:
        raise KamsimError(f"{scenario.name}: {error}") from None
    return changed.changed(fixed=tuple(sorted({*(scenario.fixed or ()), *there})))


def _without(scenarios: Sequence[Scenario], name: str) -> str:
    who = " and ".join(scenario.name for scenario in scenarios)
    verb = "has" if len(scenarios) == 1 else "have"
    section, tier, *_ = name.split(".")
    return f"{who} {verb} no {'[population]' if section == 'population' else f'key accounts in tier {shown(tier)}'}"


# ---------------------------------------------------------------- what is said


def notes_on_settings(scenarios: Sequence[Scenario]) -> Iterator[str]:
    """Say what was set for this run, a sentence for all that was set in the same scenarios."""
    who: dict[tuple[str, ...], list[str]] = {}
    for name in sorted({name for scenario in scenarios for name in scenario.fixed or ()}):
        there = [scenario for scenario in scenarios if name in (scenario.fixed or ())]
        values = dict.fromkeys(shown(value_in(scenario, name)) for scenario in there)
        who.setdefault(tuple(one.name for one in there), []).append(f"{name} = {' or '.join(values)}")
    for names, told in who.items():
        others = [scenario.name for scenario in scenarios if scenario.name not in names]
        where = f"; not in {', '.join(others)}, without such a tier or population" if others else ""
        yield f"set for this run: {', '.join(told)}{where}"


def notes_on_book(scenarios: Sequence[Scenario], book: Book | None = None) -> tuple[str, ...]:
    """Say what was dropped, netted or assumed in the book that scenarios are played on, and whose laws they have."""
    played = common_book(scenarios, book)
    if played is None:
        return ()
    notes = played.notes
    assumed = {scenario.world.gross_margin for scenario in scenarios if MARGIN not in (scenario.fixed or ())}
    if played.margin is None and assumed:
        margins = " or ".join(f"{100 * margin:.0f} %" for margin in sorted(assumed))
        notes += (f"The book tells no margins: profit is told at a gross margin of {margins}; set {MARGIN} to yours.",)
    if played.quarters is None:
        return notes
    fitted = all(scenario.book is not None and scenario.book.fitted for scenario in scenarios)
    market = (
        "The market (growth, orders, season, who comes and leaves) is fitted to the book; kamsim book fit tells how."
        if fitted
        else "The market is that of [world], not fitted to the book; kamsim book fit fits it."
    )
    return (*notes, market)


def mark_of(scenarios: Sequence[Scenario]) -> str:
    """End of the name of a file or folder, ``-1a2b3c4d``, that what was set for a run tells from others; or nothing."""
    told = [{name: value_in(scenario, name) for name in scenario.fixed or ()} for scenario in scenarios]
    return f"-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]}" if any(told) else ""
