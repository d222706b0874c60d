"""What a calibration found: a table for people, and the files that others go on with."""

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from kamsim.evidence.readings import reading_of
from kamsim.experiments.files import naming, write_whole
from kamsim.records import Record
from kamsim.report.survey import growth_label
from kamsim.report.table import NOTHING, Group, Row, Table
from kamsim.source import model_hash
from kamsim.studies.calibrate import Calibration, FittedFigure, FittedParameter
from kamsim.text import csv_text, neutral

FITTED = "fitted.toml"
POSTERIOR = "posterior.csv"
REPORT = "calibration.json"

_FIGURE_LABELS = {
    "quota_miss": "Missed quota in a year",
    "rebuilt_twice": "Rebuilt twice in seven years",
    "large_spend_growth_ratio": "{growth} (1)",
    "collaboration_ratio": "Spend, ratio (2)",
    "rebuilt_once": "Rebuilt in seven years",
    "gain_of_programs": "Gain of programs (3)",
    "departure_cost": "Cost of a KAM's departure (4)",
}
_LEGEND = (
    "(1) ratio of accounts elevated for large spend to those elevated by enterprise criteria (growth potential)",
    "(2) ratio of key accounts whose KAM reports high collaboration to the other key accounts",
    "(3) profit with the programs of the surveyed suppliers against none, as a part of the profit without any",
    "(4) part of an account's sales in the year after, against the same market scenario in which nobody leaves",
    "should be: the published figure, plus or minus the sampling error of the survey; or a published range",
    "posterior: where 95 % of the parameter sets lie that fit within the sampling error",
)


def calibration_tables(calibration: Calibration) -> tuple[Table, Table]:
    """Tables of a calibration: figures, then parameters, and whether the evidence tells their values."""
    growth = growth_label(reading_of(calibration.reading))
    figures = tuple(_figure_row(figure, growth) for figure in calibration.figures)
    parameters = tuple(map(_parameter_row, calibration.parameters))
    told = ("told: the evidence tells the value, for the posterior is clearly narrower than the plausible range",)
    return (
        Table((Group("", figures),), ("Fitted to", "should be", "best fit", "posterior", ""), legend=_LEGEND),
        Table((Group("", parameters),), ("Free parameters", "plausible", "best fit", "posterior", "told"), legend=told),
    )


def calibration_sentences(calibration: Calibration) -> str:
    """Say which parameters the evidence tells, which it does not, and how often programs would pay anyway."""
    told = [parameter.name for parameter in calibration.parameters if parameter.identified]
    untold = [parameter.name for parameter in calibration.parameters if not parameter.identified]
    missed = [figure.name for figure in calibration.figures if not figure.low <= figure.fitted <= figure.high]
    fit = f"the best fit misses {', '.join(missed)}" if missed else "the best fit has every figure where it should be"
    tells = f"The evidence tells {len(told)} of {len(told) + len(untold)} free parameters"
    others = f"; it does not tell {', '.join(untold)}" if untold else ""
    kept = f"{calibration.fitting} of {calibration.candidates} parameter sets drawn fit within the sampling error"
    paid = (
        f"Before any fit, programs pay at {100 * calibration.paid_anywhere:.0f} % of points over all plausible ranges"
    )
    if not math.isnan(calibration.paid_at_any_price):
        paid += (
            f", and at {100 * calibration.paid_at_any_price:.0f} % where only prices and costs vary about the best fit"
        )
    return f"{fit[0].upper()}{fit[1:]}; {kept}.\n{tells}{others}.\n{paid}."


def write_calibration(folder: Path, calibration: Calibration, command: Sequence[str]) -> list[Path]:
    """Write the best fit as a scenario, the posterior as a table, and all of it as JSON, each named by its command."""
    made_by = shlex.join(command)
    texts = {
        FITTED: _fitted_toml(calibration, made_by),
        POSTERIOR: _posterior_csv(calibration, made_by),
    }
    return write_fit(folder, texts, calibration, made_by)


def write_fit(folder: Path, texts: Mapping[str, str], found: Record, made_by: str) -> list[Path]:
    """Write what a fit found into its folder: files by name, and all of it as JSON."""
    report = json.dumps({"command": made_by, "model": model_hash(), **found.to_dict()}, indent=2) + "\n"
    with naming(folder, advice="choose another `out`"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**texts, REPORT: report}.items():
        write_whole(folder / name, text)
    return [folder / name for name in (*texts, REPORT)]


def _fitted_toml(calibration: Calibration, made_by: str) -> str:
    lines = [f"# {made_by}", *_made_with(calibration), f'extends = "{calibration.scenario}"']
    lines.append(f'question = "What does {calibration.scenario} look like with the values that fit the evidence best?"')
    section = ""
    for name in sorted(calibration.fitted, key=_place_in_file):
        table, _, key = name.rpartition(".")
        if table != section:
            lines += ["", f"[{table}]"]
            section = table
        lines.append(f"{key} = {calibration.fitted[name]!r}")
    return "\n".join(lines) + "\n"


def _place_in_file(name: str) -> tuple[int, str]:
    table = name.rpartition(".")[0]
    return ("world", "rebuild", "tiers.key", "tiers.strategic").index(table), table


def _posterior_csv(calibration: Calibration, made_by: str) -> str:
    names = list(calibration.fitted)
    above = "".join(f"{line}\n" for line in (f"# {neutral(made_by)}", *_made_with(calibration)))
    return above + csv_text([names, *([values[name] for name in names] for values in calibration.posterior)])


def _made_with(calibration: Calibration) -> list[str]:
    return [f"# model {model_hash()}", f"# reading {calibration.reading}"]


def _figure_row(figure: FittedFigure, growth: str) -> Row:
    inside = figure.low <= figure.fitted <= figure.high
    target = "" if math.isnan(figure.target) else f"{figure.target:.2f}: "
    cells = (
        _FIGURE_LABELS[figure.name].format(growth=growth),
        f"{target}{figure.low:.2f} to {figure.high:.2f}",
        f"{figure.fitted:.2f}",
        f"{figure.posterior_low:.2f} to {figure.posterior_high:.2f}",
        "" if inside else "no",
    )
    return Row(cells, "" if inside else "bad")


def _parameter_row(parameter: FittedParameter) -> Row:
    told = "yes" if parameter.identified else NOTHING
    plausible = f"{parameter.plausible_low:g} to {parameter.plausible_high:g}"
    posterior = f"{parameter.low:.3g} to {parameter.high:.3g}"
    return Row((parameter.name, plausible, f"{parameter.fitted:.3g}", posterior, told))
