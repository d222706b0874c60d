"""The command that searches the best program, in the default market or on an account book."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kamsim.cli.frame import (
    RESULTS,
    accounts_option,
    as_json_option,
    example,
    jobs_option,
    main,
    say,
    scenarios_of,
    seed_option,
    set_options,
    working,
    written_to,
)
from kamsim.errors import KamsimError

if TYPE_CHECKING:
    from kamsim.scenario import Scenario


@main.command(
    short_help="Search the best program, not only the best of a few.",
    epilog=example(
        "kamsim optimize my_accounts.csv",
        "kamsim optimize full_program --evaluations 4000     goes on where a shorter search ended",
        "kamsim optimize my_program.toml --vary policy.alignment --vary tiers.key.seats=5..30",
        "kamsim compare results/optimize-1a2b3c4d/program_1.toml full_program",
    ),
)
@click.argument("what", default="status_quo", metavar="[BOOK|SCENARIO]")
@set_options
@click.option(
    "--vary", metavar="KEY[=LOW..HIGH]", multiple=True,
    help="What is searched, such as tiers.key.seats=5..30; may be given again.  [default: levers, number of key "
    "accounts, KAM time, price concessions, reviews, incubator and patience]",
)  # fmt: skip
@click.option(
    "--evaluations", metavar="N", type=int,
    help="Programs to try; with more of them the same search goes on.  [default: 2000; in large books fewer]",
)  # fmt: skip
@click.option(
    "--replications", "-n", metavar="N", type=int,
    help="Market scenarios for each program, shared out among the sets.  [default: 136; in large books fewer]",
)  # fmt: skip
@click.option(
    "--sets", metavar="N", type=int,
    help="Parameter sets that fit the evidence to play; 0: the best fit alone.  [default: all]",
)  # fmt: skip
@click.option("--posterior", metavar="FILE", type=click.Path(), help="CSV of your own parameter sets.")
@seed_option
@jobs_option
@accounts_option
@click.option(
    "--out", metavar="DIR", type=click.Path(),
    help="Folder; a search begun there goes on.  [default: results/optimize-...]",
)  # fmt: skip
@as_json_option
def optimize(
    *,
    what: str,
    values: tuple[str, ...],
    vary: tuple[str, ...],
    evaluations: int | None,
    replications: int | None,
    sets: int | None,
    posterior: str | None,
    seed: int,
    jobs: int | None,
    accounts: str | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Search programs that none beats in profit, missed quotas and investment together.

    The argument is a program, a name that ships with kamsim or a .toml file, or a file of your accounts, for which
    programs are searched about the status quo. All are played in the same market scenarios. What was found is played
    again in market scenarios and at parameter sets that the search never saw, beside the programs that ship: only
    those figures are printed. Each program found is written as a scenario file that every command takes.

    Takes a minute or two. If interrupted, the same command goes on where it ended.
    """
    from kamsim.evidence.posterior import read_posterior
    from kamsim.experiments.jobs import play_in_shared_worlds
    from kamsim.experiments.manifest import default_name
    from kamsim.report import optimize as telling
    from kamsim.studies import optimize as searching
    from kamsim.studies.over_sets import some_of

    if sets == 0 and posterior is not None:
        raise KamsimError("`posterior` names parameter sets, and `sets` 0 plays none; leave out one of them")
    scenario = _asked(what, accounts, values)
    chosen = None if sets == 0 else some_of(read_posterior(posterior), sets)
    search = searching.ask_optimize(
        scenario, chosen, vary=vary, evaluations=evaluations, replications=replications, seed=seed, jobs=jobs
    )
    folder = Path(out) if out is not None else RESULTS / default_name(search.settings())
    with working("programs", search.work, play_in_shared_worlds) as progress:
        result = searching.optimize(
            search, folder, progress, note=lambda sentence: click.echo(f"Note: {sentence}", err=True)
        )
    words = ["kamsim", "optimize", Path(what).name, *(f"--set={value}" for value in values)]
    words += [*(f"--vary={one}" for one in vary), f"--evaluations={search.evaluations}"]
    words += [f"--replications={search.replications}", f"--seed={seed}"]
    named = {
        "sets": sets,
        "posterior": posterior and Path(posterior).name,
        "accounts": accounts and Path(accounts).name,
    }
    words += [f"--{name}={value}" for name, value in named.items() if value is not None]
    telling.write_optimum(folder, search, result, words)
    content = {**telling.content_of(result), "folder": str(folder)}
    names = f"{written_to(f'{folder}{os.sep}')}: {result.front[0].name}.toml and others, {telling.FIGURE}"
    say(content, lambda: (*telling.tell(result), names), as_json=as_json, notes=result.notes)


def _asked(what: str, accounts: str | None, values: tuple[str, ...]) -> "Scenario":
    """Scenario of the argument, or that of the status quo on the book that it names."""
    from kamsim.scenario import DEFAULT_SCENARIO, shipped_scenarios

    is_book = what not in shipped_scenarios() and not what.endswith(".toml") and Path(what).is_file()
    if is_book and accounts is not None:
        raise KamsimError(f"{what} and {accounts} are both account books; give one of them")
    (scenario,) = scenarios_of([DEFAULT_SCENARIO if is_book else what], values, what if is_book else accounts)
    return scenario
