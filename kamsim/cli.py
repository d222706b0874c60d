"""The command line: each command parses, calls the library and prints; libraries are loaded inside the commands."""

import difflib
import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from kamsim.errors import KamsimError, on_one_line, shown

if TYPE_CHECKING:
    from kamsim.analysis.asked import Asked
    from kamsim.analysis.compare import Comparison
    from kamsim.analysis.sensitivity import Sensitivity
    from kamsim.analysis.uncertainty import UncertainComparison
    from kamsim.report.table import Table
    from kamsim.world.book import Book

Command = TypeVar("Command", bound=Callable[..., Any])
Progress = Callable[[int], None] | None

DEFAULT_COMPARISON = (
    "status_quo",
    "enterprise_selection",
    "cross_functional_alignment",
    "bilateral_boundaries",
    "performance_retiering",
    "full_program",
)
RESULTS = Path("results")
RESUMABLE = ("calibrate", "sweep")
INTERRUPTED = 130  # what shells report for a command ended by Ctrl-C


class Commands(click.Group):
    """A group of commands that names the nearest one, and says every expected error as one sentence."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command by name; where there is none, name the nearest."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.commands, n=1)
            ctx.fail(f"No such command {shown(name)}. " + (f"Did you mean '{near[0]}'?" if near else self._choices()))
        return super().resolve_command(ctx, args)

    def _choices(self) -> str:
        return f"Choose from {', '.join(sorted(self.commands))}."

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a user or a disk can cause becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except KamsimError as error:
            _fail(str(error), 2)
        except KeyboardInterrupt:
            kept = "what is done is kept: the same command goes on"
            _fail(f"interrupted; {kept if ctx.invoked_subcommand in RESUMABLE else 'nothing was kept'}", INTERRUPTED)
        except BrokenPipeError:
            raise  # click ends quietly when the reader has gone, as in `| head`
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _fail(f"{where}{(error.strerror or str(error)).lower()}", 1)


def _fail(sentence: str, code: int) -> NoReturn:
    click.echo(f"Error: {on_one_line(sentence)}", err=True)
    sys.exit(code)


# ---------------------------------------------------------------- what the help of commands shares


def _example(*lines: str) -> str:
    """End of a help text: commands to try, which click must not wrap."""
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


def _as_json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines instead of tables.")(command)


def _seed(command: Command) -> Command:
    text = "Names the worlds that are drawn; 0 to 2**64 - 1."
    return click.option("--seed", metavar="N", type=int, default=1, show_default=True, help=text)(command)


def _jobs(command: Command) -> Command:
    text = "Chunks of work at a time; changes no result.  [default: all cores]"
    return click.option("--jobs", "-j", metavar="N", type=int, help=text)(command)


def _accounts(command: Command) -> Command:
    text = "CSV of real accounts: account_id, quarter, spend; or account_id, date, amount; or account_id, annual_spend."
    return click.option("--accounts", metavar="FILE", type=click.Path(), help=text)(command)


def _uncertain_parameters(command: Command) -> Command:
    text = "A parameter to vary, again for more.  [default: all that are calibrated]"
    return click.option(
        "--parameter", "parameters", metavar="NAME[=LOW:HIGH]", multiple=True, help=text
    )(command)  # fmt: skip


def _measure(command: Command) -> Command:
    text = "What is asked about, such as key_revenue_growth."
    return click.option("--measure", metavar="NAME", default="total_profit", show_default=True, help=text)(command)


def _out(command: Command) -> Command:
    text = "Folder for results.  [default: results/<name of the run>]"
    return click.option("--out", metavar="DIR", type=click.Path(), help=text)(command)


# ---------------------------------------------------------------- commands


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_example(
        "kamsim compare                    the status quo against each lever, and all together",
        "kamsim compare --accounts my.csv  the same on your own account book",
        "kamsim scenario list              what else can be compared",
    ),
)
@click.version_option(package_name="kamsim")
def main() -> None:
    """Simulate key account programs: which policy does better, by how much and how surely."""
    # A file name may hold bytes that are no text.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Told to end, a run tidies up as when it is interrupted.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@main.command(
    short_help="Compare policies in the same worlds.",
    epilog=_example(
        "kamsim compare status_quo full_program --accounts my_accounts.csv --out results/mine",
        "kamsim compare --uncertainty     what holds whatever the parameters that fit the evidence",
    ),
)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option(
    "--replications",
    "-n",
    metavar="N",
    type=int,
    help="Worlds to compare in.  [default: 500; under uncertainty 100 for each parameter set]",
)
@_seed
@_jobs
@_accounts
@click.option("--uncertainty", is_flag=True, help="Compare under every parameter set that fits the published evidence.")
@click.option("--posterior", metavar="FILE", type=click.Path(), help="CSV of parameter sets; implies --uncertainty.")
@_out
@_as_json
def compare(
    scenarios: tuple[str, ...],
    replications: int | None,
    seed: int,
    jobs: int | None,
    accounts: str | None,
    uncertainty: bool,
    posterior: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Compare policies in the same worlds; the first SCENARIO is what the others are compared with.

    A SCENARIO is a name that ships with kamsim or a .toml file. By default the status quo is compared with
    each lever alone and with all four together. With --uncertainty, it says which policy is best with what
    probability, where the ranking flips, and how far that leans on assumed values.
    """
    if uncertainty or posterior is not None:
        _compare_under_uncertainty(scenarios, replications, seed, jobs, accounts, posterior, out, as_json)
        return
    from kamsim.analysis import compare as comparing
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.scenario import load_scenario

    replications = 500 if replications is None else replications
    loaded = [load_scenario(name) for name in scenarios or DEFAULT_COMPARISON]
    asked = comparing.ask_compare(loaded, replications=replications, seed=seed, jobs=jobs, book=_book(accounts))
    folder = _folder(asked, out)
    _say_if_compiling(play_in_shared_worlds)
    with _progress(asked.work_unit, asked.work) as progress:
        comparison = asked.play(progress, folder, _comparison_figure)
    if as_json:
        _print_json({**comparison.to_dict(), "folder": str(folder)})
        return
    from kamsim.report.comparison import comparison_sentence, comparison_table

    _print_notes(comparison.notes)
    _print(comparison_table(comparison), comparison_sentence(comparison), f"Written to {folder}{os.sep}")


def _compare_under_uncertainty(
    scenarios: tuple[str, ...],
    replications: int | None,
    seed: int,
    jobs: int | None,
    accounts: str | None,
    posterior: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    from kamsim.analysis import uncertainty as uncertain
    from kamsim.evidence.posterior import read_posterior
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.scenario import load_scenario

    worlds = uncertain.REPLICATIONS if replications is None else replications
    loaded = [load_scenario(name) for name in scenarios or DEFAULT_COMPARISON]
    sets, book = read_posterior(posterior), _book(accounts)
    asked = uncertain.ask_compare_under_uncertainty(loaded, sets, replications=worlds, seed=seed, jobs=jobs, book=book)
    folder = _folder(asked, out)
    _say_if_compiling(play_in_shared_worlds)
    with _progress(asked.work_unit, asked.work) as progress:
        comparison = asked.play(progress, folder, _uncertainty_figure)
    if as_json:
        _print_json({**comparison.to_dict(), "folder": str(folder)})
        return
    from kamsim.report.uncertainty import uncertainty_sentences, uncertainty_table

    _print_notes(comparison.notes)
    _print(uncertainty_table(comparison), uncertainty_sentences(comparison), f"Written to {folder}{os.sep}")


@main.command(
    short_help="Play one organization and print it year by year.",
    epilog=_example("kamsim run full_program --seed 7 --agents agents.parquet"),
)
@click.argument("scenario")
@_seed
@_accounts
@click.option("--agents", metavar="FILE", type=click.Path(), help="Parquet file: every agent after every quarter.")
@click.option("--figure", metavar="FILE", type=click.Path(), help="PNG.  [default: results/run-<scenario>-<seed>.png]")
@_as_json
def run(scenario: str, seed: int, accounts: str | None, agents: str | None, figure: str | None, as_json: bool) -> None:
    """Play one organization under SCENARIO through Mesa, quarter by quarter, and print it year by year."""
    from kamsim.report import watched
    from kamsim.scenario import load_scenario
    from kamsim.studies.watch import play_run, quarters_of
    from kamsim.world.world import draw_one_organization

    loaded = load_scenario(scenario)
    target = watched.figure_target(figure, loaded.name, seed, accounts)
    _say_if_compiling(draw_one_organization)
    with _progress("quarters", quarters_of(loaded)) as progress:
        result = play_run(
            loaded, seed=seed, book=_book(accounts), agents=Path(agents) if agents else None, progress=progress
        )
    watched.write_figure(target, result)
    if as_json:
        _print_json({**result.to_dict(), "figure": str(target), "agents": agents})
        return
    _print_notes(result.notes)
    _print(watched.years_table(result), "Written to " + " and ".join(filter(None, [str(target), agents])))


@main.command(
    short_help="Print simulated figures beside published ones.",
    epilog=_example("kamsim survey population --organizations 500"),
)
@click.argument("scenario", default="population")
@click.option("--organizations", "-n", metavar="N", default=2000, show_default=True, help="How many to survey.")
@_seed
@_jobs
@_as_json
def survey(scenario: str, organizations: int, seed: int, jobs: int | None, as_json: bool) -> None:
    """Survey simulated organizations as the published survey asked real ones, and print both side by side."""
    from kamsim.analysis import survey as surveying
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.scenario import load_scenario

    loaded = load_scenario(scenario)
    _say_if_compiling(play_in_shared_worlds)
    with _progress("organizations", organizations) as progress:
        result = surveying.survey(loaded, organizations=organizations, seed=seed, jobs=jobs, progress=progress)
    if as_json:
        _print_json(result.to_dict())
        return
    from kamsim.report.survey import survey_table

    _print_notes(result.notes)
    _print(survey_table(result))


@main.command(
    short_help="Print every parameter and what its value rests on.",
    epilog=_example(
        "kamsim evidence assumed world    what is assumed about the world",
        "kamsim evidence trust_speed      one parameter, with its meaning and source",
    ),
)
@click.argument("words", nargs=-1, metavar="[KIND|SECTION|PARAMETER]...")
@click.option("--markdown", is_flag=True, help="Print the page of the documentation, docs/evidence.md.")
@_as_json
def evidence(words: tuple[str, ...], markdown: bool, as_json: bool) -> None:
    """Print every parameter with value, range, unit, and whether it is published, measured, calibrated or assumed.

    A KIND (assumed) or a SECTION of scenarios (world) narrows the table; a PARAMETER is printed in full.
    """
    from kamsim.report import evidence as ledger

    if markdown and (words or as_json):
        raise KamsimError("--markdown prints the whole page; leave out " + (words[0] if words else "--json"))
    if markdown:
        click.echo(ledger.evidence_page(), nl=False)
        return
    asked = ledger.evidence_of(words)
    if as_json:
        _print_json(asked.to_dict())
    else:
        _print(*ledger.evidence_tables(asked))


@main.command(
    short_help="Hold a scenario against patterns never used in fitting.",
    epilog=_example("kamsim validate", "kamsim validate my_program.toml --accounts my_accounts.csv"),
)
@click.argument("scenario", default="population")
@click.option("--organizations", "-n", metavar="N", default=400, show_default=True, help="How many to look at.")
@_seed
@_jobs
@click.option(
    "--accounts",
    metavar="FILE",
    type=click.Path(),
    multiple=True,
    help="CSV of real accounts by quarter or invoice, to compare with too; may be given again.",
)
@_as_json
def validate(
    scenario: str, organizations: int, seed: int, jobs: int | None, accounts: tuple[str, ...], as_json: bool
) -> None:
    """Say which patterns that no parameter was fitted to a SCENARIO shows, and which it misses.

    A miss is a finding and no error: the exit code is 0 all the same.
    """
    from kamsim.analysis import validation as validating
    from kamsim.analysis.books import read_yearly_spend
    from kamsim.analysis.twins import KERNELS
    from kamsim.scenario import load_scenario

    loaded = load_scenario(scenario)
    books = [read_yearly_spend(path) for path in accounts]
    _say_if_compiling(*KERNELS)
    with _progress("organizations", organizations) as progress:
        result = validating.validate(
            loaded, organizations=organizations, seed=seed, jobs=jobs, books=books, progress=progress
        )
    if as_json:
        _print_json(result.to_dict())
        return
    from kamsim.report.validation import validation_sentence, validation_table

    _print_notes(result.notes)
    _print(validation_table(result), validation_sentence(result))


@main.command(
    short_help="Take published claims apart: what is an effect, what only looks like one.",
    epilog=_example("kamsim explain", "kamsim explain large_spend --organizations 3000"),
)
@click.argument("claims", nargs=-1, metavar="[CLAIM]...")
@click.option("--scenario", metavar="SCENARIO", default="population", show_default=True, help="Who is surveyed.")
@click.option("--organizations", "-n", metavar="N", default=500, show_default=True, help="How many to survey.")
@_seed
@_jobs
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Folder for charts and JSON.  [default: results/<name of the run>]"
)
@_as_json
def explain(
    claims: tuple[str, ...],
    scenario: str,
    organizations: int,
    seed: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Take published claims apart on simulated organizations, with twins in the very same worlds.

    A CLAIM is large_spend, collaboration, rebuilds or quota; by default all four. Each figure of the survey
    is split into what the program does to accounts, and what comes from who is chosen, compared or lucky.
    """
    from kamsim.analysis.explain import ask_explain
    from kamsim.analysis.twins import KERNELS
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.report import explain as explaining
    from kamsim.scenario import load_scenario

    asked = ask_explain(load_scenario(scenario), claims, organizations=organizations, seed=seed, jobs=jobs)
    folder = _folder(asked, out)
    _say_if_compiling(play_in_shared_worlds, *KERNELS)
    with _progress(asked.work_unit, asked.work) as progress:
        result = asked.play(progress, folder, explaining.explanation_files)
    if as_json:
        _print_json({**explaining.content_of(result), "folder": str(folder)})
        return
    _print_notes(result.notes)
    _print(*explaining.explanation_tables(result), f"Written to {folder}{os.sep}")


@main.command(
    short_help="Fit free parameters to the published evidence.",
    epilog=_example(
        "kamsim calibrate",
        "kamsim calibrate --free world.premium_mean --free world.patience_stop",
        "kamsim compare --posterior results/calibrate-population-1/posterior.csv",
    ),
)
@click.argument("scenario", default="population")
@click.option("--free", metavar="NAME", multiple=True, help="A parameter to fit, again for more.  [default: all]")
@click.option("--posterior", metavar="N", default=100, show_default=True, help="Parameter sets to find.")
@_seed
@_jobs
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Folder; begun there, it goes on.  [default: results/calibrate-...]"
)
@_as_json
def calibrate(
    scenario: str, free: tuple[str, ...], posterior: int, seed: int, jobs: int | None, out: str | None, as_json: bool
) -> None:
    """Fit the free parameters of SCENARIO to the published figures and to real account books.

    Finds the best fit, and a posterior: parameter sets that fit within the sampling error of the published survey.
    Takes some minutes. What has been simulated is kept: interrupted, the same command goes on where it ended.
    """
    from kamsim.analysis import calibration as calibrating
    from kamsim.evidence.plausible import PLAUSIBLE
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.report.calibration import calibration_sentences, calibration_tables, write_calibration
    from kamsim.scenario import load_scenario

    loaded = load_scenario(scenario)
    folder = Path(out) if out is not None else RESULTS / f"calibrate-{loaded.name}-{seed}"
    _say_if_compiling(play_in_shared_worlds)
    effort = calibrating.Effort()
    with _progress("parameter sets", effort.points(len(free or PLAUSIBLE))) as progress:
        result = calibrating.calibrate(
            loaded, free=free, posterior=posterior, seed=seed, jobs=jobs, folder=folder, progress=progress
        )
    words = ["kamsim", "calibrate", scenario, *(f"--free={name}" for name in free)]
    written = write_calibration(folder, result, [*words, f"--posterior={posterior}", f"--seed={seed}"])
    if as_json:
        _print_json({**result.to_dict(), "folder": str(folder)})
        return
    names = " and ".join(path.name for path in written)
    _print(*calibration_tables(result), calibration_sentences(result), f"Written to {folder}{os.sep}: {names}")


@main.command(
    short_help="Say which uncertain parameters drive a measure.",
    epilog=_example(
        "kamsim sensitivity full_program --against status_quo",
        "kamsim sensitivity --parameter world.turnover=0.02:0.08 --parameter world.gross_margin",
    ),
)
@click.argument("scenario", default="full_program")
@click.option("--against", metavar="SCENARIO", help="Ask about the difference to this scenario, in the same worlds.")
@_measure
@_uncertain_parameters
@click.option("--screen/--no-screen", default=None, help="Rank only the ten that matter most.  [default: if more]")
@click.option("--points", metavar="N", default=256, show_default=True, help="Base points, a power of two.")
@click.option("--replications", "-n", metavar="N", default=32, show_default=True, help="Worlds at each point.")
@_seed
@_jobs
@_out
@_as_json
def sensitivity(
    scenario: str,
    against: str | None,
    measure: str,
    parameters: tuple[str, ...],
    screen: bool | None,
    points: int,
    replications: int,
    seed: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Say which uncertain parameters drive a measure of SCENARIO, or its difference to another policy.

    Calibrated parameters vary over what is plausible, others that are named by a quarter either way. Each gets the
    part of the variance that goes with it, alone and together with others. Takes a minute or two.
    """
    from kamsim.analysis import sensitivity as analyzing
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.scenario import load_scenario

    asked = analyzing.ask_sensitivity(
        load_scenario(scenario), against=None if against is None else load_scenario(against), measure=measure,
        parameters=parameters, screen=screen, points=points, replications=replications, seed=seed, jobs=jobs,
    )  # fmt: skip
    folder = _folder(asked, out)
    _say_if_compiling(play_in_shared_worlds)
    with _progress(asked.work_unit, asked.work) as progress:
        result = asked.play(progress, folder, _sensitivity_figure)
    if as_json:
        _print_json({**result.to_dict(), "folder": str(folder)})
        return
    from kamsim.report.sensitivity import sensitivity_sentences, sensitivity_table

    _print_notes(result.notes)
    _print(sensitivity_table(result), sensitivity_sentences(result), f"Written to {folder}{os.sep}")


@main.command(
    short_help="Say in which corner of the uncertainties a policy fails.",
    epilog=_example(
        "kamsim discover performance_retiering --against status_quo",
        "kamsim discover full_program --measure key_revenue_growth --threshold 0.02",
    ),
)
@click.argument("scenario", default="full_program")
@click.option(
    "--against", metavar="SCENARIO", help="It fails where it does worse than this.  [default: status_quo, or threshold]"
)
@_measure
@click.option("--threshold", metavar="X", type=float, help="It fails beyond this; a rate of 20 % is 0.2.")
@_uncertain_parameters
@click.option("--points", metavar="N", default=1000, show_default=True, help="Cases to play.")
@click.option("--replications", "-n", metavar="N", default=64, show_default=True, help="Worlds of each case.")
@_seed
@_jobs
@_out
@_as_json
def discover(
    scenario: str,
    against: str | None,
    measure: str,
    threshold: float | None,
    parameters: tuple[str, ...],
    points: int,
    replications: int,
    seed: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Say in which corner of the uncertain parameters SCENARIO fails, if any corner tells.

    It fails where it does worse than another policy in the same worlds, or where a measure is beyond a threshold.
    Calibrated parameters vary over what is plausible, others that are named by a quarter either way.
    """
    from kamsim.analysis import discovery
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.scenario import DEFAULT_SCENARIO, load_scenario

    if against is None and threshold is None:
        against = DEFAULT_SCENARIO
    asked = discovery.ask_discover(
        load_scenario(scenario), against=None if against is None else load_scenario(against), measure=measure,
        threshold=threshold, parameters=parameters, points=points, replications=replications, seed=seed, jobs=jobs,
    )  # fmt: skip
    folder = _folder(asked, out)
    _say_if_compiling(play_in_shared_worlds)
    with _progress(asked.work_unit, asked.work) as progress:
        result = asked.play(progress, folder)
    if as_json:
        _print_json({**result.to_dict(), "folder": str(folder)})
        return
    from kamsim.report.discovery import discovery_sentences, discovery_table

    _print_notes(result.notes)
    _print(discovery_table(result), discovery_sentences(result), f"Written to {folder}{os.sep}")


@main.command(
    short_help="Play an experiment: many scenarios, resumable.",
    epilog=_example(
        "kamsim sweep four_levers",
        "kamsim sweep my_experiment.toml --dry-run",
        "kamsim sweep four_levers --precision 0.01 --jobs 8",
        "kamsim sweep four_levers --cluster tcp://head-node:8786",
    ),
)
@click.argument("experiment")
@click.option("--dry-run", is_flag=True, help="Say how large it is, how long it takes and what it needs of the disk.")
@click.option("--status", "show_status", is_flag=True, help="Say where it stands; nothing is played.")
@click.option("--verify", is_flag=True, help="Compute a sample of its parts again and compare them bit by bit.")
@click.option("--retry-failed", is_flag=True, help="Play parts again that hold failed replications.")
@click.option("--restart", is_flag=True, help="Set aside what another version of kamsim computed, and begin anew.")
@click.option("--replications", "-n", metavar="N", type=int, help="Worlds per point.  [default: the experiment's]")
@click.option(
    "--precision",
    metavar="X",
    type=float,
    help=(
        "Add replications until the 95 % intervals of differences in the measure compared are no wider than +-X of the "
        "mean they are told against; 0.01 is one percent."
    ),
)
@click.option(
    "--confidence",
    metavar="P",
    type=float,
    help=("Stop as soon as the best is separated from all others with this confidence, such as 0.95."),
)
@click.option(
    "--most", metavar="N", default=100_000, show_default=True, help="Replications a point at most, with these."
)
@_jobs
@click.option("--cluster", metavar="ADDRESS", help="Dask scheduler to run on, such as tcp://host:8786.")
@click.option("--executor", metavar="NAME", help="module:callable that gives any other concurrent.futures.Executor.")
@_accounts
@click.option("--out", metavar="DIR", type=click.Path(), help="Folder of the store.  [default: results/<experiment>]")
@_as_json
def sweep(
    experiment: str,
    dry_run: bool,
    show_status: bool,
    verify: bool,
    retry_failed: bool,
    restart: bool,
    replications: int | None,
    precision: float | None,
    confidence: float | None,
    most: int,
    jobs: int | None,
    cluster: str | None,
    executor: str | None,
    accounts: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Play every point of EXPERIMENT, a name that ships with kamsim or a .toml file, in the same worlds.

    Each second of work is a part on the disk: killed at any moment, the same command goes on where it ended, and
    after a change of the experiment only what changed is played. Results do not depend on where they are computed.
    """
    from kamsim.analysis.precision import checked_aim, sweep_to_precision
    from kamsim.analysis.swept import swept
    from kamsim.experiments import sweep as sweeping
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.experiments.design import load_experiment
    from kamsim.experiments.executors import chosen_place
    from kamsim.experiments.runner import checked_workers
    from kamsim.report import sweep as reporting

    loaded = load_experiment(experiment)
    workers = checked_workers(loaded.replications if replications is None else replications, loaded.seed, jobs)
    plan = sweeping.plan_of(loaded, book=_book(accounts), replications=replications)
    aim = checked_aim(plan.compare, precision, confidence, most)
    book = f"-{Path(accounts).stem}" if accounts else ""
    folder = Path(out) if out is not None else RESULTS / f"{plan.name}{book}"
    if dry_run:
        estimate = sweeping.estimate_of(plan, workers)
        cores = f"{workers} core{'s' if workers > 1 else ''}"
        _print_json(asdict(estimate)) if as_json else _print(reporting.estimate_text(plan, estimate, cores))
        return
    if show_status:
        stands = sweeping.status_of(plan, folder)
        _print_json(stands.to_dict()) if as_json else _print(reporting.status_text(stands, folder))
        sys.exit(1 if stands.failed or stands.damaged else 0)
    if verify:
        verified, different = sweeping.verify_sweep(plan, folder)
        said = f"{len(verified)} parts computed again: " + (
            f"these differ: {', '.join(different)}" if different else "same"
        )
        _print_json({"verified": verified, "different": different}) if as_json else _print(said)
        sys.exit(1 if different else 0)
    _say_if_compiling(play_in_shared_worlds)
    sweeping.warm_up(plan)
    place = chosen_place(workers, cluster, executor)
    with _progress("replication-policies", plan.size, rated=True) as progress:
        if aim is None:
            stands = sweeping.run_sweep(
                plan, folder, place, retry_failed=retry_failed, restart=restart, progress=progress
            )
            ended = ""
        else:
            precise = sweep_to_precision(
                plan, folder, place, aim, retry_failed=retry_failed, restart=restart, progress=progress
            )
            stands, ended = precise.progressed, reporting.precision_text(precise, plan)
    rows = swept(plan, folder)
    reporting.write_summary(plan, folder, rows)
    if as_json:
        _print_json({**stands.to_dict(), "precision": ended or None, "folder": str(folder)})
    else:
        _print(reporting.swept_table(plan, rows), *reporting.effects_tables(loaded, plan, folder))
        _print(*filter(None, [ended, reporting.status_text(stands, folder)]))
    sys.exit(1 if stands.failed else 0)


@main.group(
    cls=Commands,
    short_help="List, show, check and write scenarios.",
    epilog=_example(
        "kamsim scenario new my_program",
        "kamsim scenario check my_program.toml",
        "kamsim compare status_quo my_program.toml",
    ),
)
def scenario() -> None:
    """List, show, check and write scenarios."""


@scenario.command(
    "list", short_help="List the scenarios that ship with kamsim.", epilog=_example("kamsim scenario list")
)
@_as_json
def list_scenarios(as_json: bool) -> None:
    """List the scenarios that ship with kamsim and what each is for."""
    from kamsim.scenario import load_scenario, shipped_scenarios

    questions = {name: load_scenario(name).question for name in shipped_scenarios()}
    if as_json:
        _print_json([{"name": name, "question": question} for name, question in questions.items()])
        return
    width = max(map(len, questions))
    for name, question in questions.items():
        click.echo(f"{name:<{width}}  {question}")


@scenario.command(
    short_help="Print a scenario with all its keys.",
    epilog=_example("kamsim scenario show full_program > my_program.toml"),
)
@click.argument("name")
@_as_json
def show(name: str, as_json: bool) -> None:
    """Print a scenario with everything that it extends, each key with its meaning, range and unit.

    What is printed is a scenario file itself.
    """
    from kamsim.report.scenarios import scenario_content, scenario_text
    from kamsim.scenario import load_scenario

    loaded = load_scenario(name)
    if as_json:
        _print_json(scenario_content(loaded))
    else:
        click.echo(scenario_text(loaded), nl=False)


@scenario.command(
    short_help="Say whether scenario files are valid.", epilog=_example("kamsim scenario check my_program.toml")
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_as_json
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Say whether scenario files are valid, and if not, which key is wrong and what it may be."""
    from kamsim.report.scenarios import check_scenario

    checked = [check_scenario(file) for file in files]
    if as_json:
        _print_json([result._asdict() for result in checked])
    for result in checked:
        if result.error:
            click.echo(f"Error: {result.error}", err=True)
        elif not as_json:
            click.echo("\n".join([f"{result.file}: ok", *(f"  {note}" for note in result.notes)]))
    if any(result.error for result in checked):
        sys.exit(2)


@scenario.command(short_help="Write a new scenario to be changed.", epilog=_example("kamsim scenario new my_program"))
@click.argument("name")
@_as_json
def new(name: str, as_json: bool) -> None:
    """Write NAME.toml, a scenario that extends the status quo, with every other key there to be changed."""
    from kamsim.report.scenarios import new_scenario

    path = new_scenario(name)
    if as_json:
        _print_json({"file": str(path)})
    else:
        click.echo(f"Written to {path}; change it, then: kamsim scenario check {path}")


@scenario.command(
    short_help="Print the JSON Schema of scenario files.",
    epilog=_example(
        "kamsim scenario schema --out kamsim.schema.json",
        "then, as the first line of a scenario: #:schema ./kamsim.schema.json",
    ),
)
@click.option("--out", metavar="FILE", type=click.Path(), help="Write the schema to a file instead of printing it.")
@_as_json
def schema(out: str | None, as_json: bool) -> None:
    """Print the JSON Schema of scenario files, by which editors complete and check them.

    The schema is JSON in any case; with --out, --json prints the name of the file as JSON.
    """
    from kamsim.experiments.files import check_target, write_whole
    from kamsim.report.scenarios import scenario_schema

    if out is not None:
        check_target(Path(out), ".json")
    text = json.dumps(scenario_schema(), indent=2, ensure_ascii=False)
    if out is None:
        click.echo(text)
        return
    write_whole(Path(out), text + "\n")
    if as_json:
        _print_json({"file": out})
    else:
        click.echo(f"Written to {out}")


# ---------------------------------------------------------------- what commands share


def _book(path: str | None) -> "Book | None":
    if path is None:
        return None
    from kamsim.world.book import read_book

    return read_book(path)


def _folder(asked: "Asked[Any]", out: str | None) -> Path:
    from kamsim.experiments.store import default_name

    return Path(out) if out is not None else RESULTS / default_name(asked.manifest)


def _comparison_figure(comparison: "Comparison") -> bytes:
    # Drawing takes most of a second to load, so it waits until there is something to draw.
    from kamsim.report.comparison import comparison_figure

    return comparison_figure(comparison)


def _uncertainty_figure(comparison: "UncertainComparison") -> bytes:
    from kamsim.report.uncertainty import uncertainty_figure

    return uncertainty_figure(comparison)


def _sensitivity_figure(result: "Sensitivity") -> bytes:
    from kamsim.report.sensitivity import sensitivity_figure

    return sensitivity_figure(result)


def _say_if_compiling(*kernels: Any) -> None:
    from kamsim.compiler import is_compiled

    if not all(map(is_compiled, kernels)):
        click.echo("Compiling the simulation, once after installing; this takes up to half a minute.", err=True)


@contextmanager
def _progress(what: str, total: int, rated: bool = False) -> Iterator[Callable[..., None] | None]:
    """Show a progress bar on stderr until the work is done, if asked with its rate; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    # Rich knows no speed before the second report, so the rate is told by the reports themselves.
    rate = (TextColumn("{task.fields[rate]}"),) if rated else ()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *rate, TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")

        def report(done: int, most: int = total) -> None:
            elapsed = bar.tasks[0].elapsed
            bar.update(task, completed=done, total=max(total, most), rate=f"{done / elapsed:,.0f}/s" if elapsed else "")

        yield report


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        _print(f"Note: {note}")
    if notes:
        click.echo()


def _print(*parts: "Table | str | None") -> None:
    from kamsim.report.terminal import show

    show(*parts)


def _print_json(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
