"""The commands on scenarios: list, show, check, new and schema."""

import json
import sys
from pathlib import Path

import click

from kamsim.cli.frame import Commands, as_json_option, example, main, print_json, written_to
from kamsim.errors import on_one_line


@main.group(
    cls=Commands,
    short_help="List, show, check and write scenarios.",
    epilog=example(
        "kamsim scenario new my_program",
        "kamsim scenario check my_program.toml",
        "kamsim compare status_quo my_program.toml",
    ),
)
def scenario() -> None:
    """List, show, check and write scenarios."""


@scenario.command(
    "list", short_help="List the scenarios that ship with kamsim.", epilog=example("kamsim scenario list")
)
@as_json_option
def list_scenarios(as_json: bool) -> None:
    """List the scenarios that ship with kamsim and what each is for."""
    from kamsim.scenario import load_scenario, shipped_scenarios

    questions = {name: load_scenario(name).question for name in shipped_scenarios()}
    if as_json:
        print_json([{"name": name, "question": question} for name, question in questions.items()])
        return
    width = max(map(len, questions))
    for name, question in questions.items():
        click.echo(f"{name:<{width}}  {question}")


@scenario.command(
    short_help="Print a scenario with all its keys.",
    epilog=example("kamsim scenario show full_program > my_program.toml"),
)
@click.argument("name")
@as_json_option
def show(name: str, as_json: bool) -> None:
    """Print a scenario with everything that it extends, each key with its meaning, range and unit.

    What is printed is a scenario file itself.
    """
    from kamsim.report.scenarios import scenario_content, scenario_text
    from kamsim.scenario import load_scenario

    loaded = load_scenario(name)
    if as_json:
        print_json(scenario_content(loaded))
    else:
        click.echo(scenario_text(loaded), nl=False)


@scenario.command(
    short_help="Say whether scenario files are valid.", epilog=example("kamsim scenario check my_program.toml")
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@as_json_option
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Say whether scenario files are valid, and if not, which key is wrong and what it may be."""
    from kamsim.report.scenarios import check_scenario

    checked = [check_scenario(file) for file in files]
    if as_json:
        print_json([result._asdict() for result in checked])
    for result in checked:
        if result.error:
            click.echo(f"Error: {result.error}", err=True)
        elif not as_json:
            click.echo("\n".join([f"{on_one_line(result.file)}: ok", *(f"  {note}" for note in result.notes)]))
    if any(result.error for result in checked):
        sys.exit(2)


@scenario.command(short_help="Write a new scenario to be changed.", epilog=example("kamsim scenario new my_program"))
@click.argument("name")
@as_json_option
def new(name: str, as_json: bool) -> None:
    """Write NAME.toml, a scenario that extends the status quo, with every other key there to be changed."""
    from kamsim.report.scenarios import new_scenario

    path = new_scenario(name)
    if as_json:
        print_json({"file": str(path)})
    else:
        click.echo(f"{written_to(path)}; change it, then: kamsim scenario check {on_one_line(str(path))}")


@scenario.command(
    short_help="Print the JSON Schema of scenario files.",
    epilog=example(
        "kamsim scenario schema --out kamsim.schema.json",
        "then, as the first line of a scenario: #:schema ./kamsim.schema.json",
    ),
)
@click.option("--out", metavar="FILE", type=click.Path(), help="Write the schema to a file instead of printing it.")
@as_json_option
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
        print_json({"file": out})
    else:
        click.echo(written_to(out))
