"""A book without names: who is named in it is named in no output, and is the same somebody next month."""

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from kamsim.books.anonymize import anonymize, key_from, pseudonym, without_names
from kamsim.books.book import Book, read_book
from kamsim.books.history import Quarters
from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.experiments.manifest import manifest_of
from kamsim.report import comparison, watched
from kamsim.report.book_profile import tell, write_profile
from kamsim.report.terminal import text_of
from kamsim.studies.compare import ask_compare
from kamsim.studies.profile_book import profile_book
from kamsim.studies.reference import with_reference
from kamsim.studies.watch import play_run
from tests.conftest import examples, small

KEY = bytes(range(32))
PLANTED_NAME = "Zarbruck & 3 Odd'name"
PLANTED = ("Quixwell", "Zarbruck", "Odd'name", "Vrenholt", "PLANTEDFILE")


def planted() -> Book:
    """Twenty accounts, ids and names and managers and notes and a file of which all name somebody."""
    spend = 900 * np.exp(np.random.default_rng(1).normal(0.0, 1.0, (20, 1))) * np.ones(8)
    unknown = np.full(20, np.nan)
    ids = tuple(f"Quixwell {place}" if place % 2 else f"{place:03d}" for place in range(20))
    names = (*(f"Zarbruck & {place} Odd'name" for place in range(19)), ids[19])
    kam = tuple("Ina Vrenholt" if place < 3 else "" for place in range(20))
    notes = (
        "Left out 'Zarbruck unknown', line 7.",
        'Merged "Quixwell 3" and Quixwell 5 of Ina Vrenholt.',
        "Left out 002 rows, on line 1234.",
        "Left out Zarbruck & 3 Odd'name and 'somebody'.",
        "/home/me/PLANTEDFILE.csv: read.",
    )
    tier = np.array([2, 1, 1] + [0] * 17)
    history = Quarters(4 * 2024, spend)
    return Book(
        "/home/me/PLANTEDFILE.csv", ids, names, 4 * spend[:, 0], *[unknown] * 4, notes, history, "EUR", 1, tier, kam
    )


def held_by(content: bytes) -> list[str]:
    """Planted names in the bytes of a file, as text of any usual encoding."""
    return [name for name in PLANTED for code in ("utf-8", "utf-16-le") if name.encode(code) in content]


def names_in(folder: Path) -> dict[str, list[str]]:
    """Files of a folder that hold a planted name, in their names, their bytes, or what is packed in them."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        held = held_by(path.read_bytes()) + held_by(str(path.relative_to(folder)).encode())
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as parts:
                held += [name for part in parts.namelist() for name in held_by(parts.read(part))]
        if held:
            found[path.name] = held
    return found


# ---------------------------------------------------------------- outputs


def test_planted_names_are_found_where_they_are(tmp_path: Path) -> None:
    write_profile(planted(), tmp_path)
    assert {"profile.json", "accounts.csv", "accounts.xlsx"} <= set(names_in(tmp_path))


def test_no_output_of_an_anonymized_book_holds_a_planted_name(tmp_path: Path) -> None:
    book = anonymize(planted(), KEY)
    write_profile(book, tmp_path / "profile")
    scenario = small("status_quo").changed(tiers={"ordered": {"key": {"seats": 3}, "strategic": {"seats": 1}}})
    asked = ask_compare(with_reference([scenario]), None, sets=None, replications=2, book=book)
    found = asked.play(None, tmp_path / "compared", comparison.comparison_figure)
    run = play_run(scenario, book=book, agents=tmp_path / "agents.parquet")
    (tmp_path / "run.json").write_text(json.dumps(run.to_dict(), default=str))
    (tmp_path / "run.png").write_bytes(watched.run_figure(run))
    parts = [*tell(profile_book(book)), *comparison.tell(found), watched.years_table(run)]
    (tmp_path / "told.txt").write_text(
        "\n".join(part if isinstance(part, str) else text_of(part).plain for part in parts)
    )
    (tmp_path / "notes.txt").write_text("\n".join((*book.notes, *found.notes, *run.notes)))
    (tmp_path / "manifest.txt").write_text(json.dumps(manifest_of([scenario], 1, 2, book)))
    assert len(list(tmp_path.rglob("*.*"))) >= 12
    assert not names_in(tmp_path)


def test_an_anonymized_book_has_the_same_figures() -> None:
    book, before = anonymize(planted(), KEY), planted()
    assert book.quarters is not None
    assert before.quarters is not None
    assert book.quarters.spend.tobytes() == before.quarters.spend.tobytes()
    assert (book.currency, book.year_starts) == ("EUR", 1)
    assert [bool(kam) for kam in book.kam] == [bool(kam) for kam in before.kam]
    assert len(set(book.kam)) == 2
    assert book.name[19] == book.account_id[19]
    assert len(set(book.name)) == 20


def test_sentences_keep_their_counts_and_lose_their_names() -> None:
    first, second, third, fourth, last = anonymize(planted(), KEY).notes
    assert first == "Left out '...', line 7."
    kam, three, five = (pseudonym(KEY, kind, text) for kind, text in
                        (("kam", "Ina Vrenholt"), ("account", "Quixwell 3"), ("account", "Quixwell 5")))  # type: ignore[arg-type]  # fmt: skip
    assert second == f"Merged '{three}' and {five} of {kam}."
    assert third == "Left out 002 rows, on line 1234."
    assert fourth == f"Left out {pseudonym(KEY, 'name', PLANTED_NAME)} and '...'."
    assert last.endswith(".csv: read.")
    assert without_names(("1234 on line 1234, 'x1'",), {"1234": "A-B", "x1": "A-C"}) == ("A-B on line 1234, 'A-C'",)
    assert without_names(("nothing",), {}) == ("nothing",)


# ---------------------------------------------------------------- pseudonyms


@examples(200)
@given(st.lists(st.text(min_size=1), unique=True, min_size=2, max_size=9))
def test_pseudonyms_are_stable_keyed_and_apart(names: list[str]) -> None:
    told = [pseudonym(KEY, "account", name) for name in names]
    assert told == [pseudonym(KEY, "account", name) for name in names]
    assert len(set(told)) == len(names)
    assert not set(told) & {pseudonym(KEY[::-1], "account", name) for name in names}
    assert not set(told) & {pseudonym(KEY, "name", name) for name in names}
    assert all(one.isascii() and one[:1].isalpha() for one in told)
    assert pseudonym(KEY, "kam", "") == ""


def test_ids_that_differ_by_case_or_zeros_alone_stay_apart() -> None:
    assert len({pseudonym(KEY, "account", name) for name in ("a1", "A1", "01", "1", "1.0", "1 ")}) == 6


# ---------------------------------------------------------------- the key


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.key"
    key = key_from(path)
    assert key == key_from(path)
    assert key != key_from(tmp_path / "other.key")
    assert len(key) == 32
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key_from(tmp_path / "mine.key")
    (tmp_path / "mine.key").chmod(0o644)
    with pytest.raises(KamsimError, match="chmod 600"):
        key_from(tmp_path / "mine.key")


@pytest.mark.parametrize("content", ["", "account_id,spend\n", "ab" * 31, "AB" * 32 + "x"])
def test_what_is_no_key_is_refused_and_stays_as_it_is(content: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KamsimError, match="is no key of kamsim"):
        key_from(path)
    assert path.read_text() == content


def test_a_key_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "mine.key", tmp_path):
        with pytest.raises(KamsimError, match="cannot be"):
            key_from(path)


def test_a_book_of_a_file_is_anonymized_as_any(tmp_path: Path) -> None:
    path = tmp_path / "PLANTEDFILE.csv"
    path.write_text("account_id,annual_spend\nQuixwell,100\nZarbruck,300\n")
    book = anonymize(read_book(path), KEY)
    assert book.account_id == book.name
    assert "PLANTEDFILE" not in book.source
    assert book.source.endswith(".csv")
    assert "Q" not in CliRunner().invoke(main, ["book", "profile", "none.csv"]).stdout
    assert anonymize(replace(book, kam=()), KEY).kam == ()


# ---------------------------------------------------------------- the import


EXPORT = "\n".join(
    (
        "Zarbruck report",
        "Customer No.;Customer Name;Parent;Account Manager;Tier;Date;Status;Amount",
        *(
            f"Quixwell {place};Zarbruck & {place} Odd'name;Quixwell group {place % 3};Ina Vrenholt;Key;"
            f"{day:02d}.{month:02d}.{year};{status};{100 * place + month},50"
            for place in range(1, 8)
            for year in (2023, 2024, 2025)
            for month in (2, 5, 8, 11)
            for day, status in ((23, "Won"), (17, "Lost"))
        ),
        "Quixwell gone;Zarbruck gone;;;;03.02.2023;Won;5,00",
        "Quixwell gone;Zarbruck gone;;;;04.02.2023;Won;-5,00",
        "Grand Total;;;;;;;99999,00",
        "printed by Ina Vrenholt",
    )
)


def imported_in(folder: Path, *more: str) -> list[str]:
    """All that an anonymized import, and commands on its book, print; their files are in the folder."""
    (folder / "raw").mkdir()
    (folder / "raw" / "PLANTEDFILE.csv").write_text(EXPORT, encoding="cp1252")
    out = folder / "out"
    out.mkdir()
    book = str(out / "mine.parquet")
    few = ("--set", "tiers.key.seats=2", "--set", "tiers.strategic.seats=0")
    commands = (
        ("book", "import", str(folder / "raw" / "PLANTEDFILE.csv"), "--anonymize", "--key", str(folder / "mine.key"),
         "--out", book, *more),
        ("book", "profile", book, "--out", str(out / "profile"), "--json"),
        ("compare", "status_quo", "-n", "2", "--sets", "0", "--accounts", book, "--out", str(out / "compared"), *few),
        ("run", "status_quo", "--accounts", book, "--figure", str(out / "run.png"), "--agents",
         str(out / "agents.parquet"), *few),
        ("book", "fit", book, "--out", str(out / "market.toml")),
        ("decide", book, "status_quo", "no_program", "--anyway", "--sets", "2", "--cases", "1", "--out",
         str(out / "decided"), *few),
    )  # fmt: skip
    said = []
    for words in commands:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, (words, result.output)
        said.append(result.output.replace(str(folder), ""))
    return said


@pytest.mark.parametrize("more", [(), ("--level", "parent"), ("--json",)])
def test_nothing_that_comes_of_an_anonymized_import_holds_a_planted_name(more: tuple[str, ...], tmp_path: Path) -> None:
    said = imported_in(tmp_path, *more)
    assert not [name for text in said for name in held_by(" ".join(text.split()).encode())]
    assert not names_in(tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*"))) > 12
    assert "A-" in said[1]
    # Parquet packs what it holds: looked at as it is read.
    for path in (tmp_path / "out").rglob("*.parquet"):
        table = pq.read_table(path)
        assert not held_by(repr(table.to_pydict()).encode() + repr(table.schema.metadata).encode())
    key = (tmp_path / "mine.key").read_bytes().strip()
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and key in path.read_bytes()]


def test_the_same_customer_has_the_same_pseudonym_next_month(tmp_path: Path) -> None:
    export, key = tmp_path / "export.csv", str(tmp_path / "mine.key")
    names = []
    for spoiled in (EXPORT, EXPORT.replace("Quixwell 3;", "Quixwell 99;")):
        export.write_text(spoiled, encoding="cp1252")
        out = str(tmp_path / f"{len(names)}.parquet")
        result = CliRunner().invoke(main, ["book", "import", str(export), "--anonymize", "--key", key, "--out", out])
        assert result.exit_code == 0, result.output
        names.append(set(read_book(out).account_id))
    assert len(names[0] & names[1]) == 6
    assert len(names[0] ^ names[1]) == 2


def test_without_a_key_file_one_is_made_among_the_users_own_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.get_app_dir", lambda name: str(tmp_path / "settings" / name))
    (tmp_path / "PLANTEDFILE.csv").write_text(EXPORT, encoding="cp1252")
    result = CliRunner().invoke(main, ["book", "import", str(tmp_path / "PLANTEDFILE.csv"), "--anonymize"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "settings" / "kamsim" / "names.key").exists()
    made = [path.name for path in tmp_path.iterdir() if path.name.startswith("F-")]
    assert len(made) == 3
    refused = CliRunner().invoke(main, ["book", "import", str(tmp_path / "PLANTEDFILE.csv"), "--key", "x.key"])
    assert refused.exit_code == 2
    assert "--anonymize" in refused.output
