"""The command line: each command parses, calls the library and prints; libraries are loaded inside the commands."""

import difflib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from kamsim.errors import KamsimError

if TYPE_CHECKING:
    from kamsim.analysis.compare import Comparison
    from kamsim.analysis.uncertainty import UncertainComparison
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
            ctx.fail(f"No such command '{name}'. " + (f"Did you mean '{near[0]}'?" if near else self._choices()))
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
            _fail("interrupted; nothing was kept", INTERRUPTED)
        except BrokenPipeError:
            raise  # click ends quietly when the reader has gone, as in `| head`
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _fail(f"{where}{(error.strerror or str(error)).lower()}", 1)


def _fail(sentence: str, code: int) -> NoReturn:
    click.echo(f"Error: {sentence}", err=True)
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
    help="Worlds to compare in.  [default: 500; under uncertainty 50 for each parameter set]",
)
@_seed
@_jobs
@_accounts
@click.option("--uncertainty", is_flag=True, help="Compare under every parameter set that fits the published evidence.")
@click.option("--posterior", metavar="FILE", type=click.Path(), help="CSV of parameter sets; implies --uncertainty.")
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Folder for results.  [default: results/<name of the run>]"
)
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
    from kamsim.experiments.store import default_name, manifest_of
    from kamsim.scenario import load_scenario

    replications = 500 if replications is None else replications
    loaded = [load_scenario(name) for name in scenarios or DEFAULT_COMPARISON]
    book = _book(accounts)
    folder = Path(out) if out is not None else RESULTS / default_name(manifest_of(loaded, seed, replications, book))
    _say_if_compiling(play_in_shared_worlds)
    with _progress("worlds", replications) as progress:
        comparison = comparing.compare(
            loaded,
            replications=replications,
            seed=seed,
            jobs=jobs,
            book=book,
            out=folder,
            progress=progress,
            figure=_comparison_figure,
        )
    if as_json:
        _print_json({**comparison.to_dict(), "folder": str(folder)})
        return
    from kamsim.report.tables import comparison_sentence, comparison_table

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
    from kamsim.experiments.store import default_name
    from kamsim.scenario import load_scenario

    worlds = uncertain.REPLICATIONS if replications is None else replications
    loaded = [load_scenario(name) for name in scenarios or DEFAULT_COMPARISON]
    sets, book = read_posterior(posterior), _book(accounts)
    manifest = uncertain.uncertainty_manifest(loaded, sets, seed, worlds, book)
    folder = Path(out) if out is not None else RESULTS / default_name(manifest)
    _say_if_compiling(play_in_shared_worlds)
    with _progress("parameter sets", len(sets.values)) as progress:
        comparison = uncertain.compare_under_uncertainty(
            loaded,
            sets,
            replications=worlds,
            seed=seed,
            jobs=jobs,
            book=book,
            out=folder,
            progress=progress,
            figure=_uncertainty_figure,
        )
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
    from kamsim.report import run as running
    from kamsim.scenario import load_scenario
    from kamsim.world.world import draw_one_organization

    loaded = load_scenario(scenario)
    target = running.figure_target(figure, loaded.name, seed, accounts)
    _say_if_compiling(draw_one_organization)
    with _progress("quarters", running.quarters_of(loaded)) as progress:
        result = running.play_run(
            loaded, seed=seed, book=_book(accounts), agents=Path(agents) if agents else None, progress=progress
        )
    running.write_figure(target, result)
    if as_json:
        _print_json({**result.to_dict(), "figure": str(target), "agents": agents})
        return
    _print_notes(result.notes)
    _print(running.years_table(result), "Written to " + " and ".join(filter(None, [str(target), agents])))


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
    from kamsim.report.tables import survey_table

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
        _print(ledger.evidence_text(asked))


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
    from kamsim.analysis.explain import work_of
    from kamsim.analysis.twins import KERNELS
    from kamsim.experiments.chunk import play_in_shared_worlds
    from kamsim.experiments.store import default_name
    from kamsim.report import explain as explaining
    from kamsim.scenario import load_scenario

    loaded = load_scenario(scenario)
    manifest = explaining.explanation_manifest(loaded, claims, organizations, seed)
    folder = Path(out) if out is not None else RESULTS / default_name(manifest)
    _say_if_compiling(play_in_shared_worlds, *KERNELS)
    with _progress("organizations", work_of(claims, organizations)) as progress:
        result = explaining.explain_into(
            folder, loaded, claims, organizations=organizations, seed=seed, jobs=jobs, progress=progress
        )
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
    from kamsim.report.calibration import calibration_sentences, calibration_table, write_calibration
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
    _print(calibration_table(result), calibration_sentences(result), f"Written to {folder}{os.sep}: {names}")


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
    from kamsim.report.files import check_target, write_text
    from kamsim.report.scenarios import scenario_schema

    if out is not None:
        check_target(Path(out), ".json")
    text = json.dumps(scenario_schema(), indent=2, ensure_ascii=False)
    if out is None:
        click.echo(text)
        return
    write_text(Path(out), text + "\n")
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


def _comparison_figure(comparison: "Comparison") -> bytes:
    # Drawing takes most of a second to load, so it waits until there is something to draw.
    from kamsim.report.figures import comparison_figure

    return comparison_figure(comparison)


def _uncertainty_figure(comparison: "UncertainComparison") -> bytes:
    from kamsim.report.figures import uncertainty_figure

    return uncertainty_figure(comparison)


def _say_if_compiling(*kernels: Any) -> None:
    from kamsim.rules.compiler import is_compiled

    if not all(map(is_compiled, kernels)):
        click.echo("Compiling the simulation, once after installing; this takes up to half a minute.", err=True)


@contextmanager
def _progress(what: str, total: int) -> Iterator[Progress]:
    """Show a progress bar on stderr until the work is done; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        _print(f"Note: {note}")
    if notes:
        click.echo()


def _print(*parts: Any) -> None:
    """Print text and tables, in color where a terminal reads them; sentences wrap, tables do not."""
    from rich.console import Console

    # Names come from users: nothing in them is markup, an emoji or a number to color.
    console = Console(highlight=False, markup=False, emoji=False)
    for place, part in enumerate(filter(None, parts)):
        if place:
            console.print()
        if isinstance(part, str):
            console.print(part)
        else:
            part.rstrip()
            console.print(part, soft_wrap=True)


def _print_json(content: Any) -> None:
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
