"""The commands that fit a book and test forecasts on it."""

from pathlib import Path
from typing import Any

import click

from kamsim.cli.books import book
from kamsim.cli.frame import (
    RESULTS,
    answer,
    as_json_option,
    book_of,
    example,
    folder_of,
    jobs_option,
    played,
    say,
    say_if_fitting,
    seed_option,
    written_to,
)

laws_from_option = click.option(
    "--laws-from", metavar="FILE", type=click.Path(),
    help="Another account book, whose growth and leaving a book of less than two years is read by.",
)  # fmt: skip
base_option = click.option(
    "--base", metavar="SCENARIO", default="no_program", show_default=True,
    help="Scenario that says what account books do not tell.",
)  # fmt: skip


@book.command(
    "fit",
    short_help="Fit the market to your accounts.",
    epilog=example(
        "kamsim book fit my_accounts.parquet --out my_market.toml",
        "kamsim compare --world my_market.toml --accounts my_accounts.parquet",
        "kamsim book fit one_year.csv --laws-from another_book.csv",
    ),
)
@click.argument("file", metavar="BOOK")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(),
    help="Scenario to write.  [default: results/fit-<name of the book>.toml]",
)
@laws_from_option
@click.option(
    "--base", metavar="SCENARIO", default="status_quo", show_default=True,
    help="Scenario that says what account books do not tell, and that the new one extends.",
)  # fmt: skip
@seed_option
@as_json_option
def fit(*, file: str, out: str | None, laws_from: str | None, base: str, seed: int, as_json: bool) -> None:
    """Fit the laws of BOOK: how large its accounts are, how they order and grow, come and leave, and its season.

    Each law comes with a 95 % interval, and with whether the book tells it at all; what it does not tell stays where
    the evidence that ships with kamsim has it. The scenario that is written plays these laws in every command.
    """
    from kamsim.books.filtering import densities
    from kamsim.experiments.files import check_target, write_whole
    from kamsim.report import fit_book as laws
    from kamsim.scenario import load_scenario
    from kamsim.studies.fit_book import ask_fit_book

    target = RESULTS / f"fit-{Path(file).stem}.toml" if out is None else Path(out)
    if out is not None:  # the folder of the usual place is made
        check_target(target, ".toml")
    own = book_of(file)
    assert own is not None
    asked = ask_fit_book(own, load_scenario(base), laws_from=book_of(laws_from), seed=seed)
    say_if_fitting(own)
    result = played(asked, kernels=(densities,))
    if out is None:
        target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, laws.scenario_text(result, file, target))
    content = {**result.to_dict(), "file": str(target)}
    say(content, lambda: (*laws.tell(result), written_to(target)), as_json=as_json, notes=result.notes)


@book.command(
    "backtest",
    short_help="Forecast your accounts' own past, and see how it came.",
    epilog=example(
        "kamsim book backtest my_accounts.parquet --origins 3",
        "kamsim book backtest two_years.csv --laws-from another_book.csv",
    ),
)
@click.argument("file", metavar="BOOK")
@click.option(
    "--origins", metavar="N", default=1, show_default=True,
    help="Years to forecast, each from those before it: the last, the one before, and so on.",
)  # fmt: skip
@laws_from_option
@base_option
@click.option("--worlds", "-n", metavar="N", default=200, show_default=True, help="Futures to play of each.")
@seed_option
@jobs_option
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Folder for results.  [default: results/<name of the run>]"
)
@as_json_option
def backtest(*, file: str, laws_from: str | None, base: str, out: str | None, as_json: bool, **settings: Any) -> None:
    """Forecast years of BOOK that have passed from the years before them, and hold the forecast against what came.

    The market is fitted to the first years alone; from where each account stood then, the next year is played again
    and again without a program. Beside it stand the simplest ways to forecast. A book whose past was forecast badly is
    no ground to rank programs on.
    """
    from kamsim.books.filtering import densities
    from kamsim.report import backtest as past
    from kamsim.scenario import load_scenario
    from kamsim.studies.backtest import ask_backtest

    own = book_of(file)
    assert own is not None
    asked = ask_backtest(own, load_scenario(base), laws_from=book_of(laws_from), **settings)
    say_if_fitting(own)
    folder, figure = folder_of(asked, out), past.backtest_figure
    answer(asked, past.tell, as_json=as_json, folder=folder, figure=figure, kernels=(densities,))
