"""The posterior: sets of parameter values that fit the published evidence within sampling error, read from a table."""

import csv
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kamsim.errors import KamsimError, nearest
from kamsim.evidence.ledger import ANY_TIER, LEDGER, Parameter, number_of
from kamsim.evidence.readings import ANY_INCREASE, Reading, reading_of
from kamsim.source import model_hash

SHIPPED = Path(__file__).parent / "posterior.csv"
_NAMES = tuple(f"{row.section}.{row.name}" for row in LEDGER)


@dataclass(frozen=True)
class Posterior:
    """Sets of parameter values, equally likely.

    Parameters
    ----------
    names : tuple of str
        Of the parameters, as `kamsim.scenario.with_values` takes them.
    values : tuple of tuple of float
        A row per set.
    source : str
        Name of the file.
    model : str
        Hash of the model that the sets were fitted with; empty where the file does not say.
    notes : tuple of str
        What there is to say about them, a sentence each.
    reading : Reading
        In which the published 51 % were fitted to.
    """

    names: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    source: str = "posterior"
    model: str = ""
    notes: tuple[str, ...] = ()
    reading: Reading = ANY_INCREASE


def read_posterior(path: str | os.PathLike[str] | None = None) -> Posterior:
    """Read parameter sets from a CSV file, such as `kamsim calibrate` writes.

    Parameters
    ----------
    path : str or path, optional
        Of the file; by default the posterior that ships with kamsim.

    Returns
    -------
    Posterior
        At least one set; every value within the range that the ledger gives.

    Raises
    ------
    KamsimError
        One sentence naming file, line and column, and the nearest valid name.
    """
    source, lines = _lines_of(path)
    rows = [(number, line) for number, line in enumerate(lines, start=1) if line.strip() and line[0] != "#"]
    if not rows:
        raise KamsimError(f"{source}: the file is empty; it needs a line of parameter names, then one set a line")
    (first, header), *sets = rows
    names = tuple(_cells(source, first, header))
    parameters = _parameters(source, first, names)
    if not sets:
        raise KamsimError(f"{source}: there is no set under the line of parameter names; add at least one")
    values = tuple(_values(source, number, names, parameters, _cells(source, number, line)) for number, line in sets)
    model = _model_of(lines)
    return Posterior(names, values, source, model, _notes(source, model), _reading_of(source, lines))


@cache
def parameter_named(name: str) -> Parameter | None:
    """Row of the ledger for a parameter as a scenario file names it, ``tiers.key.promise``; None where there is none.

    A tier that the ledger does not name has the rows of any tier.
    """
    section, _, rest = name.partition(".")
    tier, _, key = rest.rpartition(".")
    wanted = {rest, f"{ANY_TIER}.{key}"} if section == "tiers" and tier else {rest}
    found = [row for row in LEDGER if row.section == section and row.name in wanted]
    return next((row for row in found if row.name == rest), found[0] if found else None)


def _lines_of(path: str | os.PathLike[str] | None) -> tuple[str, list[str]]:
    """Name of the file for sentences, and its lines."""
    if path is None and not SHIPPED.is_file():
        raise KamsimError(
            "no posterior ships with this kamsim; find one with kamsim calibrate and give its posterior.csv "
            "with `posterior`"
        )
    source = SHIPPED.name if path is None else os.fspath(path)
    try:
        return source, (SHIPPED if path is None else Path(path)).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise KamsimError(f"{source}: there is no such file; give a posterior.csv of kamsim calibrate") from None
    except OSError as error:
        raise KamsimError(f"{source}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except ValueError:
        raise KamsimError(f"{source}: is no text in UTF-8; give a posterior.csv of kamsim calibrate") from None


def _cells(source: str, number: int, line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True))]
    except csv.Error as error:
        raise KamsimError(f"{source}, line {number}: is not valid CSV: {error}") from None


def _parameters(source: str, line: int, names: tuple[str, ...]) -> list[Parameter]:
    rows = []
    for place, name in enumerate(names):
        row = parameter_named(name)
        if row is None:
            raise KamsimError(f"{source}, line {line}: column '{name}' is no parameter; {_nearest(name)}")
        if name in names[:place]:
            raise KamsimError(f"{source}, line {line}: column '{name}' appears twice; remove one of them")
        rows.append(row)
    return rows


def _nearest(name: str) -> str:
    said = nearest(name, _NAMES)
    # All of more than a hundred names would bury the sentence.
    return said if said.startswith("did") else "kamsim evidence prints all of them"


def _values(
    source: str, line: int, names: tuple[str, ...], parameters: list[Parameter], cells: list[str]
) -> tuple[float, ...]:
    if len(cells) != len(names):
        raise KamsimError(
            f"{source}, line {line}: {len(cells)} values where line of names has {len(names)}; give one for each name"
        )
    values = []
    for name, row, text in zip(names, parameters, cells, strict=True):
        try:
            values.append(row.parse(number_of(text)))
        except KamsimError as error:
            raise KamsimError(f"{source}, line {line}: {name} {error}") from None
    return tuple(values)


def _model_of(lines: list[str]) -> str:
    words = [line[1:].split() for line in lines if line.startswith("#")]
    return next((line[1] for line in words if len(line) == 2 and line[0] == "model"), "")


def _reading_of(source: str, lines: list[str]) -> Reading:
    """Reading that a comment names, ``# reading chances > 20 %``; without one it is what all were fitted in before."""
    for number, line in enumerate(lines, start=1):
        word, _, text = line.removeprefix("#").strip().partition(" ")
        if line.startswith("#") and word == "reading":
            try:
                return reading_of(text)
            except KamsimError as error:
                raise KamsimError(f"{source}, line {number}: {error}") from None
    return ANY_INCREASE


def _notes(source: str, model: str) -> tuple[str, ...]:
    if not model or model == model_hash():
        return ()
    return (
        f"{source} was fitted with another version of the model ({model}, now {model_hash()}), so its sets may fit "
        "less well; kamsim calibrate finds them anew",
    )
