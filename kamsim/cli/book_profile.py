"""The command that profiles an account book."""

from pathlib import Path

import click

from kamsim.cli.books import book
from kamsim.cli.frame import RESULTS, as_json_option, book_of, example, out_option, say


@book.command(
    short_help="Tell what a book of accounts holds.",
    epilog=example(
        "kamsim book profile book.parquet",
        "kamsim book profile orders.csv --places 20 --out results/mine",
    ),
)
@click.argument("accounts", metavar="BOOK", type=click.Path())
@click.option(
    "--places", metavar="N", type=int,
    help="Number of key accounts that rules of selection fill.  [default: that of today's program, else of the usual]",
)  # fmt: skip
@out_option
@as_json_option
def profile(*, accounts: str, places: int | None, out: str | None, as_json: bool) -> None:
    """Tell what a BOOK of accounts holds: an imported book, or a file that is plain enough to be read at once.

    How concentrated sales are, how they grow, how customers order, come and go, the season, who the largest accounts
    are, and whom a rule by spend and one by enterprise criteria would make key accounts, beside today's program.
    Nothing is simulated. Tables are printed; a figure and the list of accounts (.csv, .xlsx) go to a folder.
    """
    from kamsim.books.stored import stored_book
    from kamsim.report.book_profile import tell, write_files
    from kamsim.studies.profile_book import profile_book

    imported = stored_book(accounts)
    read = book_of(accounts) if imported is None else imported.book  # with all its notes
    assert read is not None, "an argument is given"
    found = profile_book(read, places=places)
    folder = Path(out) if out is not None else RESULTS / f"profile-{Path(accounts).stem}"
    write_files(found, folder)
    say(found.to_dict(), lambda: tell(found), as_json=as_json, notes=found.notes, folder=folder)
