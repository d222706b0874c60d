"""`kamsim book import`: files of a CRM or an ERP to an account book."""

import os
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kamsim.books.options import Options
from kamsim.cli.books import book
from kamsim.cli.frame import as_json_option, example, print_json, print_parts, written_to
from kamsim.errors import KamsimError

if TYPE_CHECKING:
    from kamsim.books.importing import Imported


_READING = (
    click.option(
        "--map", "columns", metavar="ROLE=COLUMN", multiple=True,
        help="A column that has a role: account, name, date, month, quarter, year, amount, annual_spend, currency, "
        "parent, tier, kam, stage, share, fit, trust, wallet or margin; ROLE= for none.",
    ),
    click.option("--dates", type=click.Choice(["dmy", "mdy", "ymd"]), help="Order of day, month and year."),
    click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark of the amounts."),
    click.option(
        "--fill-down/--no-fill-down", "fill_down", default=None,
        help="Take a blank customer from the line above, or leave such lines out.",
    ),
    click.option(
        "--merge-ids/--keep-ids", "merge_ids", default=None,
        help="Take identifiers that differ by case, '.0', leading zeros or the form of letters alone for one "
        "account, or keep them apart.",
    ),
    click.option(
        "--totals", type=click.Choice(["drop", "keep"]),
        help="Leave out, or keep, what may be a total and may be an account.",
    ),
    click.option(
        "--overlaps", type=click.Choice(["once", "both"]),
        help="Count orders that two files hold once, or twice.",
    ),
    click.option("--skip-empty", is_flag=True, default=None, help="Leave out lines without an amount or a date."),
    click.option("--won", metavar="WORD", multiple=True, help="A word of the stage column that means an order."),
    click.option(
        "--tiers", metavar="WORD=TIER", multiple=True,
        help="What a word of the tier column means: none, key or strategic.",
    ),
    click.option("--today", metavar="DATE", help="Day that no order can be after.  [default: today]"),
    click.option("--ends", metavar="DATE", help="Day until which the files are complete."),
    click.option(
        "--year-starts", metavar="MONTH", type=click.IntRange(1, 12),
        help="Month that your years start in; they are named by the year they end in.  [default: 1]",
    ),
    click.option(
        "--currency", metavar="CODE",
        help="Currency of the book; amounts in others are left out, or converted by --rates.",
    ),
    click.option(
        "--rates", metavar="FILE", type=click.Path(),
        help="CSV or TOML of what each other currency is worth in that of the book: JPY,0.0067.",
    ),
    click.option("--level", type=click.Choice(["account", "parent"]), help="Roll accounts up to their parents."),
    click.option(
        "--set", "known", metavar="ROLE=VALUE", multiple=True,
        help="What is known of all accounts that the files tell nothing of: share=0.3, fit, trust or margin.",
    ),
    click.option("--sheet", metavar="NAME", help="Sheet of a workbook."),
    click.option("--encoding", metavar="NAME", help="Encoding of a text file.  [default: found out]"),
)  # fmt: skip


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what a user may say where files do not tell: its ``said``, by name of the option."""

    @wraps(command)
    def with_said(**arguments: object) -> None:
        said = {field.name: arguments.pop(field.name) for field in fields(Options)}
        command(said={name: value for name, value in said.items() if value not in (None, (), "")}, **arguments)

    for option in reversed(_READING):
        with_said = option(with_said)
    return with_said


def options_of(said: dict[str, object], mapping: Options | None) -> Options:
    """What a user says, on top of what a mapping says."""
    from kamsim.books.stored import day_of_text, read_rates

    base = mapping or Options()
    values = dict(said)
    for name in ("today", "ends"):
        if name in values:
            values[name] = day_of_text(f"--{name}", str(values[name]))
    if "rates" in values:
        values["rates"] = read_rates(Path(str(values["rates"])))
    if "columns" in values:
        values["columns"] = {**base.columns, **_pairs("--map", values["columns"])}
    if "tiers" in values:
        values["tiers"] = {**base.tiers, **_pairs("--tiers", values["tiers"])}
    if "known" in values:
        values["known"] = {**base.known, **_fractions(_pairs("--set", values["known"]))}
    return replace(base, **values)  # type: ignore[arg-type]


def _pairs(option: str, texts: object) -> dict[str, str]:
    assert isinstance(texts, Iterable)
    pairs = {}
    for text in texts:
        key, sign, value = str(text).partition("=")
        if not sign or not key.strip():
            raise KamsimError(f"{option} {text}: write it like {option} NAME=VALUE")
        pairs[key.strip()] = value.strip().strip("'\"")
    return pairs


def _fractions(pairs: dict[str, str]) -> dict[str, float]:
    known = {}
    for role, text in pairs.items():
        try:
            known[role] = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            raise KamsimError(f"--set {role}={text}: give a fraction like 0.3") from None
    return known


@book.command(
    "import",
    short_help="Make an account book of the files of a CRM or an ERP.",
    epilog=example(
        "kamsim book import export.csv",
        "kamsim book import 2023.xlsx 2024.xlsx --year-starts 4 --out mine.parquet",
        'kamsim book import report.csv --map account="Sold-to party" --dates dmy',
        "kamsim book import next.csv --mapping mine.toml",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@reading_options
@click.option(
    "--mapping",
    metavar="FILE",
    type=click.Path(),
    help="Mapping that an earlier import saved.  [default: that beside the book, if there is one]",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(),
    help="Parquet file of the book.  [default: the first file's name, .parquet]",
)
@click.option(
    "--anonymize", is_flag=True, help="Replace names by pseudonyms, the same in every month's file under the same key."
)
@click.option(
    "--key", metavar="FILE", type=click.Path(),
    help="Key of the pseudonyms, made if it is not there; keep it to yourself.  [default: one in your own settings]",
)  # fmt: skip
@as_json_option
def import_(
    *,
    files: tuple[str, ...],
    said: dict[str, object],
    mapping: str | None,
    out: str | None,
    anonymize: bool,
    key: str | None,
    as_json: bool,
) -> None:
    """Make a clean account book of one or more exports: CSV, Excel or Parquet, one line an order or a column a month.

    Whatever a file does not tell is a question that names the option to answer it, never a guess. What became of
    every line is shown: used and left out make the files, to the cent. A profile of the book goes to a folder beside it
    (a figure, and the list of accounts).
    """
    from kamsim.books.anonymize import anonymize_import, key_from
    from kamsim.books.importing import import_book
    from kamsim.books.stored import book_bytes, mapping_text, read_mapping
    from kamsim.experiments.files import check_target, write_whole
    from kamsim.report.book_import import import_content, import_tables
    from kamsim.report.book_profile import write_profile

    if key is not None and not anonymize:
        raise KamsimError("--key says nothing without --anonymize; give both")
    key_file = None if not anonymize else _own_key() if key is None else Path(key)
    secret = None if key_file is None else key_from(key_file)
    target = Path(out) if out is not None else _default_target(Path(files[0]), secret)
    if target in map(Path, files):
        raise KamsimError(f"{target}: is one of the files to import; choose another `out`")
    check_target(target, ".parquet")
    beside = target.with_suffix(".toml")
    found = mapping if mapping is not None else beside if beside.is_file() else None
    options = options_of(said, None if found is None else read_mapping(Path(found)))
    imported = import_book(files, options)
    if secret is not None:
        imported = anonymize_import(imported, secret)
    write_whole(target, book_bytes(imported))
    write_whole(beside, mapping_text(imported, options))
    profile = target.with_name(f"{target.stem}_profile")
    write_profile(replace(imported.book, source=str(target)), profile)
    if as_json:
        places = {"book": str(target), "saved_mapping": str(beside), "profile": str(profile)}
        print_json({**import_content(imported), **places})
        return
    read_by = None if found is None else f"Read by the mapping {found}."
    kept = None if key_file is None else f"Names are pseudonyms under the key {key_file}; keep it to yourself."
    written = written_to(target, beside, f"{profile}{os.sep}")
    print_parts(read_by, _notes(imported), *import_tables(imported), kept, written)


def _own_key() -> Path:
    """Key among the user's own settings: in no folder that somebody might be given."""
    folder = Path(click.get_app_dir("kamsim"))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise KamsimError(f"{folder}: cannot be made: {error.strerror}; name a file for the key, --key FILE") from None
    return folder / "names.key"


def _default_target(first: Path, secret: bytes | None) -> Path:
    """Name of the book where none is given: that of its first file, a pseudonym where that may name somebody."""
    from kamsim.books.anonymize import pseudonym

    name = first.name if secret is None else pseudonym(secret, "file", first.name)
    return first.with_name(name).with_suffix(".parquet")


def _notes(imported: "Imported") -> str:
    """Notes on the book that the table of lines does not tell."""
    told = {f"{fate.what}." for fate in imported.quality.fates}
    return "\n".join(f"Note: {note}" for note in imported.book.notes if note not in told)
