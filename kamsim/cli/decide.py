"""The command for the meeting: which program for these accounts, from now on."""

from pathlib import Path

import click

from kamsim.cli.commands import DEFAULT_COMPARISON
from kamsim.cli.frame import (
    as_json_option,
    example,
    folder_of,
    jobs_option,
    main,
    out_option,
    played,
    say,
    scenarios_of,
    seed_option,
    set_options,
    working,
)
from kamsim.errors import KamsimError


@main.command(
    short_help="Say which program to take for your accounts, and which accounts that means.",
    epilog=example(
        "kamsim decide my_accounts.csv",
        "kamsim decide my_market.toml            in the market that kamsim book fit found",
        "kamsim decide my_accounts.csv status_quo my_program.toml --discount 0.08",
        "kamsim decide my_accounts.csv --set world.gross_margin=0.32 --set tiers.key.seats=25",
    ),
)
@click.argument("book", type=click.Path())
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@set_options
@click.option(
    "--sets", metavar="N", type=int, help="Parameter sets that fit the evidence to play, at least 2.  [default: all]"
)
@click.option(
    "--cases", metavar="N", type=int,
    help="Draws, for each set, of what the book does not tell of its accounts.  [default: 10, fewer of a large book]",
)  # fmt: skip
@click.option("--posterior", metavar="FILE", type=click.Path(), help="CSV of your own parameter sets.")
@click.option("--anyway", is_flag=True, help="Rank programs even where the book tells too little.")
@seed_option
@jobs_option
@out_option
@as_json_option
def decide(
    *,
    book: str,
    scenarios: tuple[str, ...],
    values: tuple[str, ...],
    sets: int | None,
    cases: int | None,
    posterior: str | None,
    anyway: bool,
    seed: int,
    jobs: int | None,
    out: str | None,
    as_json: bool,
) -> None:
    """Say which program to take for the accounts in BOOK from now on, how sure that is, and which accounts it means.

    BOOK is a file of accounts, or a scenario that carries one, such as kamsim book fit writes: then its market is
    played, too.

    A SCENARIO is a program to choose from, by default those of kamsim compare, no program, and today's as it is where
    the book tells today's tiers. All are played from the end of the book on, in the same futures of many cases: every
    set of parameters that fits the evidence, with draws of what the book does not tell of its accounts. It says which
    program is expected to earn most, or that it cannot tell; which accounts each would elevate, keep and demote; what
    it takes, and when it has paid back; and what is worth finding out first.
    """
    from kamsim.books.filtering import densities
    from kamsim.evidence.posterior import read_posterior
    from kamsim.report import decide as deciding
    from kamsim.report.decide_figure import decision_figure
    from kamsim.scenario import BOOK, load_scenario, with_book
    from kamsim.studies.decide import ask_decide, choices_from
    from kamsim.studies.decide_cases import COMPILED
    from kamsim.studies.fit_book import fit_of
    from kamsim.studies.over_sets import some_of
    from kamsim.studies.settings import settings_of_world, with_accounts
    from kamsim.world.carried import common_book

    names = scenarios or DEFAULT_COMPARISON
    if book.endswith(".toml"):
        market = load_scenario(book)
        if market.book is None:
            raise KamsimError(f"{book}: carries no account book; name a book, or put its file under [book]")
        loaded = scenarios_of(names, [*values, *settings_of_world(book, values)])
        fitted, choices = None, [one.model_copy(update={BOOK: market.book}) for one in loaded]
    else:
        loaded = scenarios_of(names, values)
        with working("fits of the market to the book", 1, densities):
            fitted, choices = fit_of(with_book(loaded[0], book)), with_accounts(loaded, book)
    accounts = common_book(choices)
    assert accounts is not None
    together = choices_from(choices, accounts)
    chosen = some_of(read_posterior(posterior), sets)
    asked = ask_decide(together, chosen, accounts, cases=cases, seed=seed, jobs=jobs, anyway=anyway, fitted=fitted)
    folder = folder_of(asked, out)
    if out is None:
        folder = folder.with_name(folder.name.replace("decide-", f"decide-{Path(book).stem}-", 1))
    result = played(asked, folder=folder, figure=decision_figure, kernels=COMPILED)
    # The answer comes first on a page, what was done to the book last.
    say(result.to_dict(), lambda: deciding.tell(result), as_json=as_json, folder=folder)
