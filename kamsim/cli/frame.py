"""What all commands share: the group and its errors, options, progress, and a study from asking to telling."""

import difflib
import io
import json
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

import click
from click.core import ParameterSource

from kamsim.errors import KamsimError, on_one_line, shown
from kamsim.evidence.readings import DEFAULT_READING
from kamsim.process import INTERRUPTED, LEAST_ADDRESS_SPACE, limited_address_space, listen, told_to_end
from kamsim.report.context_of_use import LABELS, contexts_of

if TYPE_CHECKING:
    from kamsim.books.book import Book
    from kamsim.report.table import Table
    from kamsim.scenario import Scenario
    from kamsim.studies.asked import Asked, Figure

RESULTS = Path("results")
RESUMABLE = ("calibrate", "optimize", "sweep")
FROM_THE_START = "kamsim.from_the_start"  # in the context of a resumable command that now does what it cannot resume
LIGHT = ("book", "evidence", "scenario")  # commands that play no program
LARGE_BOOK = 20_000  # quarters of accounts, from which on a fit takes more than a few seconds
SECONDS_BETWEEN_LINES = 10.0  # of progress, where it is not watched on a terminal


class Command(click.Command):
    """A command whose help ends with its context of use, where it has one."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what is after the options: examples, then what the command may answer and what it is not for."""
        super().format_epilog(ctx, formatter)
        for words, context in contexts_of(self.name or "").items():
            option = words.partition(" ")[2]
            with formatter.section(f"Context of use{option and f' with {option}'}"):
                texts = (text.replace("`", "") for text in context)
                formatter.write_dl(list(zip(LABELS, texts, strict=True)))


class Commands(click.Group):
    """A group of commands that names the nearest one, and says every expected error as one sentence."""

    command_class = Command

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

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what a user, a signal or a disk can cause becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click ends quietly when the reader has gone, as in `| head`
        except (KeyboardInterrupt, Exception) as error:
            kept = ctx.invoked_subcommand in RESUMABLE and FROM_THE_START not in ctx.meta
            said = _sentence_of(error, kept)
            if said is None:
                raise
            sentence, code = said
            command = self.commands.get(ctx.invoked_subcommand or "")
            _fail(sentence if command is None else with_options(sentence, command), code)


def with_options(text: str, command: click.Command | None = None) -> str:
    """Name arguments of the library, `out`, as the options that stand for them in the command that runs, --out."""
    params = (command or click.get_current_context().command).params
    options = {option.name: option.opts[0] for option in params if option.name}
    told = re.sub(r"`(\w+)`", lambda found: options.get(found[1], found[0]), text)
    said = re.sub(r"`(\w+)=([^`]*)`", lambda found: _option_said(found[1], found[2]), told)
    return said if said == told or "columns" in options else f"{said} These are options of kamsim book import."


def _option_said(name: str, value: str) -> str:
    """Option of `kamsim book import` that says what an argument of the library says: ``dates=dmy``, --dates dmy."""
    switches = {"fill_down": ("--no-fill-down", "--fill-down"), "merge_ids": ("--keep-ids", "--merge-ids")}
    if name in switches:
        return switches[name][value == "True"]
    option = {"columns": "--map", "known": "--set"}.get(name, f"--{name.replace('_', '-')}")
    quoted = f'"{value}"' if " " in value else value
    return option if value == "True" else f"{option} {quoted}"


def _sentence_of(error: BaseException, kept: bool) -> tuple[str, int] | None:
    """What to say of an error, and the exit code; nothing where it is a fault of the program."""
    if isinstance(error, KeyboardInterrupt) or told_to_end():
        what = "what is done is kept: the same command goes on" if kept else "nothing was kept"
        return f"interrupted; {what}", INTERRUPTED
    if isinstance(error, KamsimError):
        return str(error), 2
    if isinstance(error, MemoryError):
        return "the memory that this process may use does not suffice; allow it more, or play fewer --jobs", 1
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{(error.strerror or str(error)).lower()}", 1
    return None


def _fail(sentence: str, code: int) -> NoReturn:
    # A terminal that has gone can be told nothing.
    with suppress(OSError):
        click.echo(f"Error: {on_one_line(sentence)}", err=True)
    sys.exit(code)


def refuse_beside(option: str, names: Iterable[str]) -> None:
    """Refuse options and arguments, by parameter, that say nothing beside an option that was given."""
    context = click.get_current_context()
    for param in context.command.params:
        if param.name in names and context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
            word = param.opts[0] if isinstance(param, click.Option) else param.human_readable_name
            raise KamsimError(f"{word} says nothing beside {option}; give one of them")


# ---------------------------------------------------------------- what the help of commands shares


def example(*lines: str) -> str:
    """End of a help text: commands to try, which click must not wrap."""
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines instead of tables.")
seed_option = click.option(
    "--seed", metavar="N", type=int, default=1, show_default=True,
    help="Names the market scenarios that are drawn; 0 to 2**64 - 1.",
)  # fmt: skip
reading_option = click.option(
    "--reading", metavar="TEXT", default=str(DEFAULT_READING), show_default=True,
    help="How '51 % less likely to increase that spend' is understood: as a ratio of chances or odds, to grow by more "
    "than 0, 10, 20 or 30 %.",
)  # fmt: skip
jobs_option = click.option(
    "--jobs", "-j", metavar="N", type=int, help="Processor cores to use; changes no result.  [default: all]"
)
accounts_option = click.option(
    "--accounts", metavar="FILE", type=click.Path(),
    help="Your accounts: a book that kamsim book import made, or an export that is plain enough to need no question.",
)  # fmt: skip
against_option = click.option(
    "--against", "--reference", "against", metavar="SCENARIO",
    help="What it is compared with, in the same market scenarios.  [default: no program, where that has the measure]",
)  # fmt: skip
alone_option = click.option("--alone", is_flag=True, help="Ask about the measure itself, compared with nothing.")
measure_option = click.option(
    "--measure", metavar="NAME", multiple=True, default=("total_profit",),
    help="What is asked about, such as key_revenue_growth; may be given again, each for itself.  "
    "[default: total_profit]",
)  # fmt: skip
measures_option = click.option(
    "--measures", metavar="NAMES", multiple=True,
    help="Measures to show: names, or board, program, customer, all; with commas, or again, for more.",
)  # fmt: skip
out_option = click.option(
    "--out", metavar="DIR", type=click.Path(), help="Folder for results.  [default: results/<name of the run>]"
)


def range_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what it varies: its ``parameters``, and over the ranges of which ``posterior``, which is read."""

    @click.option(
        "--parameter",
        "parameters",
        metavar="NAME[=LOW:HIGH]",
        multiple=True,
        help="A parameter to vary; may be given again.  [default: all that were fitted to the evidence]",
    )
    @click.option(
        "--posterior",
        metavar="FILE",
        type=click.Path(),
        help="CSV of parameter sets that fit the evidence; their ranges are varied.  [default: those that ship]",
    )
    @click.option("--plausible", is_flag=True, help="Vary over the wider ranges that were plausible before the fit.")
    @wraps(command)
    def with_ranges(*, posterior: str | None, plausible: bool, **arguments: object) -> None:
        from kamsim.evidence.posterior import read_posterior

        if plausible and posterior is not None:
            raise KamsimError("--plausible and --posterior name different ranges to vary; give one of them")
        command(posterior=None if plausible else read_posterior(posterior), **arguments)

    return with_ranges


def set_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command ``--set``, ``--world``, ``--years``, ``--discount``: its ``values`` for `scenarios_of`.

    Where ``--world`` names a scenario with a book of its own, that goes to ``accounts`` of the command, unless given.
    """

    @click.option(
        "--set",
        "values",
        metavar="KEY=VALUE",
        multiple=True,
        help="Set a value in every scenario, such as world.gross_margin=0.15 or tiers.key.seats=12 (number of key "
        "accounts); may be given again.",
    )
    @click.option(
        "--world",
        metavar="NAME",
        help="Market to play in: steady, lively (each like a real account book), or that of your own scenario file, "
        "with its accounts if it has a [book].",
    )
    @click.option(
        "--years",
        metavar="N",
        type=int,
        help="Years observed, after the first years of the program: --set timeline.window_years=N.",
    )
    @click.option("--discount", metavar="R", help="Discount rate a year, such as 0.08: --set timeline.discount=R.")
    @wraps(command)
    def with_values(
        *, values: tuple[str, ...], world: str | None, years: int | None, discount: str | None, **arguments: object
    ) -> None:
        from kamsim.studies.settings import book_of_world, settings_of_world

        given = {"timeline.window_years": years, "timeline.discount": discount}
        horizon = [f"{name}={value}" for name, value in given.items() if value is not None]
        elsewhere = [] if world is None else settings_of_world(world, values)
        if world is not None and arguments.get("accounts", world) is None:
            arguments["accounts"] = book_of_world(world)
        command(values=(*values, *elsewhere, *horizon), **arguments)

    return with_values


# ---------------------------------------------------------------- the command itself


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "kamsim compare                    no program, the usual program, each lever alone, and all four",
        "kamsim compare --accounts my.csv  the same on your own accounts",
        "kamsim scenario list              what else can be compared",
    ),
)
@click.version_option(package_name="kamsim")
def main() -> None:
    """Simulate key account programs: which one earns more, by how much, and how sure that is.

    Words are explained in docs/glossary.md.
    """
    # A file name may hold bytes that are no text.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    listen()
    warnings.showwarning = partial(_as_note, warnings.showwarning)
    _refuse_little_memory(click.get_current_context())


def _as_note(usual: Callable[..., None], message: Warning | str, *where: object, **named: object) -> None:
    """Say in a sentence what concerns a user; what concerns programmers is a warning as ever."""
    if type(message).__name__ == "CacheWarning":  # not loaded here: commands that play nothing start at once
        click.echo(f"Note: {on_one_line(str(message))}", err=True)
    else:
        usual(message, *where, **named)


def _refuse_little_memory(ctx: click.Context) -> None:
    """Say at once that memory will not suffice: libraries that cannot map it crash, or try for minutes."""
    limit = limited_address_space()
    if limit is None or limit >= LEAST_ADDRESS_SPACE or ctx.invoked_subcommand in LIGHT or "--help" in sys.argv:
        return
    _fail(
        f"this process may map {limit / 1e9:.1f} GB of memory (ulimit -v), and playing needs "
        f"{LEAST_ADDRESS_SPACE / 1e9:.1f} GB; allow it more",
        1,
    )


# ---------------------------------------------------------------- a study, from asking to telling


class Answer(Protocol):
    """What every study results in."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to the input, a sentence each."""

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""


Answered = TypeVar("Answered", bound=Answer)


def answer(
    asked: "Asked[Answered]",
    tell: Callable[[Answered], Iterable["Table | str | None"]],
    *,
    as_json: bool,
    folder: Path | None = None,
    figure: "Figure[Answered] | None" = None,
    kernels: Iterable[Callable[..., object]] = (),
    content: Callable[[Answered], Mapping[str, object]] | None = None,
) -> None:
    """Play a study, keep it in a folder if one is given, and print it as JSON or as ``tell`` has it.

    ``kernels`` it compiles beside the simulation itself; ``content`` is its JSON where that is more than its record.
    """
    result = played(asked, folder=folder, figure=figure, kernels=kernels)
    values = result.to_dict() if content is None else content(result)
    say(values, lambda: tell(result), as_json=as_json, notes=result.notes, folder=folder)


def played(
    asked: "Asked[Answered]",
    *,
    folder: Path | None = None,
    figure: "Figure[Answered] | None" = None,
    kernels: Iterable[Callable[..., object]] = (),
) -> Answered:
    """Play a study with progress, and keep it in a folder if one is given; ``kernels`` as of `answer`."""
    from kamsim.experiments.jobs import play_in_shared_worlds

    with working(asked.work_unit, asked.work, play_in_shared_worlds, *kernels) as progress:
        return asked.play(progress, folder, figure)


def folder_of(asked: "Asked[Answered]", out: str | None) -> Path:
    """Folder for a study: as the user named it, or named by everything that the study depends on."""
    from kamsim.experiments.manifest import default_name

    return Path(out) if out is not None else RESULTS / default_name(asked.manifest)


@contextmanager
def working(
    what: str, total: int, *kernels: Callable[..., object], rated: bool = False
) -> Iterator[Callable[..., None] | None]:
    """Say that compiling takes a while, where it does; then show a progress bar until the work is done."""
    say_if_compiling(*kernels)
    with _progress(what, total, rated) as progress:
        yield progress


def say(
    content: Mapping[str, object],
    tell: Callable[[], Iterable["Table | str | None"]],
    *,
    as_json: bool,
    notes: Iterable[str] = (),
    folder: Path | None = None,
) -> None:
    """Print a result: its content as JSON, or its notes, then what ``tell`` gives, and where it was written to."""
    if as_json:
        print_json(dict(content) if folder is None else {**content, "folder": str(folder)})
        return
    where = None if folder is None else written_to(f"{folder}{os.sep}")
    print_parts("\n".join(f"Note: {with_options(note)}" for note in notes), *tell(), where)


def written_to(*places: str | Path) -> str:
    """Say where something was written to, on one line whatever the names."""
    return f"Written to {' and '.join(on_one_line(str(place)) for place in places)}"


def print_parts(*parts: "Table | str | None") -> None:
    """Print tables and sentences with a line between them."""
    # Loaded late, for help and JSON do without.
    from kamsim.report.terminal import show

    show(*(part and (with_options(part) if isinstance(part, str) else _in_options(part)) for part in parts))


def _in_options(table: "Table") -> "Table":
    return table._replace(legend=tuple(map(with_options, table.legend)))


def print_json(content: object) -> None:
    """Print JSON."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def book_of(path: str | None) -> "Book | None":
    """Account book of a file, if one is named."""
    if path is None:
        return None
    from kamsim.books.book import read_book

    return read_book(path)


def scenarios_of(names: Iterable[str | None], values: Sequence[str], accounts: str | None = None) -> "list[Scenario]":
    """Scenarios of the names and files that are given, with what is set for this run put into all of them alike.

    With a file of ``accounts`` all of them are played on this book, whatever they carry themselves.
    """
    from kamsim.scenario import load_scenario
    from kamsim.studies.settings import with_accounts, with_settings

    loaded = [load_scenario(name) for name in names if name is not None]
    return with_accounts(with_settings(loaded, values), accounts)


def say_if_compiling(*kernels: Callable[..., object]) -> None:
    """Say that compiling takes a while, where it does."""
    from kamsim.compiler import is_compiled

    if not all(map(is_compiled, kernels)):
        click.echo("Compiling the simulation, once after installing; this takes up to half a minute.", err=True)


def say_if_fitting(book: "Book") -> None:
    """Say that reading the laws of a large book takes a while: a fit has no parts to count."""
    if book.quarters is not None and book.quarters.spend.size >= LARGE_BOOK:
        accounts = f"{len(book.account_id):,} accounts"
        click.echo(f"Fitting the market to {accounts}; this takes up to half a minute.", err=True)


@contextmanager
def _progress(what: str, total: int, rated: bool = False) -> Iterator[Callable[..., None] | None]:
    """Show a bar on stderr until the work is done, if asked with its rate; a line now and then where nobody watches."""
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        yield _plain_progress(what, total)
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
            bar.update(
                task, completed=done, total=max(total, most, done), rate=f"{done / elapsed:,.0f}/s" if elapsed else ""
            )

        yield report


def _plain_progress(what: str, total: int) -> Callable[..., None]:
    """Report progress in plain lines, as a log file takes them."""
    said = time.monotonic()

    def report(done: int, most: int = total) -> None:
        nonlocal said
        if time.monotonic() - said >= SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            click.echo(f"{done:,} of {max(total, most, done):,} {what}", err=True)

    return report
