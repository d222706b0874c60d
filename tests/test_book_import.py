"""Importing books: every file of the cases gives what it must, and real books equal a plain recomputation."""

import datetime
import json
import os
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamsim.books.book import Book, read_book
from kamsim.books.importing import Imported, import_book
from kamsim.books.options import Options
from kamsim.books.stored import book_bytes, book_of_bytes, stored_book
from kamsim.errors import KamsimError

CASES = Path(__file__).parent / "cases"
BOOKS = CASES / "books"
DATA = Path(os.environ.get("KAMSIM_DATA", CASES.parents[1].parent / "shared" / "data"))
EXPECTED = json.loads((BOOKS / "expected.json").read_text(encoding="utf-8"))
TODAY = datetime.date.fromisoformat(EXPECTED["today"])
READ = [name for name, case in EXPECTED["files"].items() if case["verdict"] == "read"]
ASK = [name for name, case in EXPECTED["files"].items() if case["verdict"] == "ask"]


def imported(*names: str, **options: object) -> Imported:
    return import_book([BOOKS / name for name in names], Options(**{"today": TODAY, **options}))  # type: ignore[arg-type]


def written(folder: Path, text: str | bytes, name: str = "book.csv", **options: object) -> Imported:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return import_book([path], Options(**{"today": TODAY, **options}))  # type: ignore[arg-type]


def refusal(folder: Path, text: str | bytes, **options: object) -> str:
    with pytest.raises(KamsimError) as caught:
        written(folder, text, **options)
    return str(caught.value)


def by_year(book: Book) -> dict[str, float]:
    assert book.quarters is not None
    years = (book.quarters.first + np.arange(book.quarters.spend.shape[1])) // 4
    totals = pd.Series(book.quarters.spend.sum(axis=0)).groupby(years).sum()
    return {str(year): round(float(total), 2) for year, total in totals.items()}


def assert_accounted_for(one: Imported) -> None:
    """Used and left out make the file, and what is used is in the book, to the cent."""
    quality = one.quality
    assert quality.used.lines + quality.left_out_lines == quality.lines
    assert quality.used.amount + quality.left_out_amount == quality.amount
    quarters = one.book.quarters
    total = one.book.annual_spend.sum() if quarters is None else quarters.spend.sum()
    assert abs(Decimal(repr(float(total))) - quality.used.amount) < Decimal("0.005")


def same_book(one: Book, other: Book) -> None:
    assert one.account_id == other.account_id
    assert one.name == other.name
    assert (one.currency, one.year_starts, one.kam, one.notes) == (
        other.currency,
        other.year_starts,
        other.kam,
        other.notes,
    )
    for name in ("annual_spend", "wallet", "share", "fit", "trust", "tier", "margin"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.quarters is None) == (other.quarters is None)
    if one.quarters is not None and other.quarters is not None:
        assert one.quarters.first == other.quarters.first
        np.testing.assert_array_equal(one.quarters.spend, other.quarters.spend)


# ---------------------------------------------------------------- the cases


def test_every_case_is_expected() -> None:
    assert {path.name for path in BOOKS.iterdir()} == {*EXPECTED["files"], "expected.json", "README.md"}


@pytest.mark.parametrize("name", READ)
def test_case_reads_as_expected(name: str) -> None:
    case, one = EXPECTED["files"][name], imported(name)
    assert len(one.book.account_id) == case["accounts"]
    if "by_year" in case:
        assert by_year(one.book) == case["by_year"]
    if "annual" in case:
        assert one.book.annual_spend.sum() == case["annual"]
    if "left_out_lines" in case:
        assert one.quality.left_out_lines == case["left_out_lines"]
        assert all(fate.what and fate.first for fate in one.quality.dropped)
    if "left_out_amount" in case:
        assert one.quality.left_out_amount == Decimal(str(case["left_out_amount"]))
    if "share_of_first" in case:
        assert one.book.share[0] == case["share_of_first"]
    assert one.book.currency == case.get("currency", "")
    assert_accounted_for(one)


@pytest.mark.parametrize("name", ASK)
def test_case_asks_in_one_sentence_with_the_way_out(name: str) -> None:
    with pytest.raises(KamsimError) as caught:
        imported(name)
    sentence = str(caught.value)
    assert name in sentence
    assert ", line " in sentence
    assert "`" in sentence
    assert len(sentence.splitlines()) == 1


ANSWERS: list[tuple[str, dict[str, object], int]] = [
    ("date_ambiguous.csv", {"dates": "dmy"}, 12),
    ("date_ambiguous.csv", {"dates": "mdy"}, 12),
    ("thousands_ambiguous.csv", {"decimal": ","}, 12),
    ("thousands_ambiguous.csv", {"decimal": "."}, 12),
    ("mixed_currency.csv", {"currency": "USD"}, 11),
    ("mixed_currency.csv", {"currency": "USD", "rates": {"JPY": Decimal("0.0067")}}, 12),
    ("grouped_blank.csv", {"fill_down": True}, 12),
    ("grouped_blank.csv", {"fill_down": False}, 12),
    ("ids_case.csv", {"merge_ids": True}, 12),
    ("ids_case.csv", {"merge_ids": False}, 24),
    ("ids_leading_zeros.csv", {"merge_ids": True}, 12),
    ("ids_leading_zeros.csv", {"merge_ids": False}, 24),
    ("ids_point_zero.csv", {"merge_ids": True}, 12),
    ("ids_point_zero.csv", {"merge_ids": False}, 24),
]


@pytest.mark.parametrize(("name", "options", "accounts"), ANSWERS)
def test_the_option_that_a_question_names_answers_it(name: str, options: dict[str, object], accounts: int) -> None:
    one = imported(name, **options)
    assert len(one.book.account_id) == accounts
    assert_accounted_for(one)


def test_answers_read_what_they_say() -> None:
    whole = EXPECTED["files"]["base.csv"]["by_year"]
    assert by_year(imported("grouped_blank.csv", fill_down=True).book) == whole
    assert by_year(imported("ids_case.csv", merge_ids=True).book) == whole
    thousands = imported("thousands_ambiguous.csv", decimal=",").book.quarters
    decimals = imported("thousands_ambiguous.csv", decimal=".").book.quarters
    assert thousands is not None
    assert decimals is not None
    assert thousands.spend == pytest.approx(1000 * decimals.spend)
    left = imported("mixed_currency.csv", currency="USD")
    assert left.book.currency == "USD"
    assert left.quality.left_out_lines == 32


def test_todays_program_and_parents_are_read() -> None:
    one = imported("parents_and_tiers.csv").book
    assert one.tier is not None
    assert np.bincount(one.tier).tolist() == [8, 3, 1]
    top = imported("parents_and_tiers.csv", level="parent").book
    assert top.account_id == ("P0", "P1", "P2", "P3")
    assert top.tier is not None
    assert top.tier.tolist() == [0, 0, 1, 2]
    assert by_year(top) == by_year(one)


def test_names_that_look_like_formulas_stay_text() -> None:
    assert imported("formula_names.csv").book.name[0] == '=HYPERLINK("x")'


# ---------------------------------------------------------------- the last quarter


def test_two_months_of_three_are_no_quarter() -> None:
    book = read_book(CASES / "two_of_three_months.csv")
    assert book.quarters is not None
    assert book.quarters.spend.shape == (30, 11)
    assert any(note.startswith("Left out 2023Q4 as incomplete, its last order is of 2023-11-15") for note in book.notes)
    assert (np.ptp(book.quarters.spend, axis=1) == 0).all()
    assert book.annual_spend == pytest.approx(12 * (100 + np.arange(30)))


# ---------------------------------------------------------------- Parquet


@pytest.mark.parametrize("name", ["base.csv", "parents_and_tiers.csv", "percent_share.csv", "euro_sign.csv"])
def test_a_stored_book_comes_back_to_the_last_bit(name: str, tmp_path: Path) -> None:
    one = imported(name)
    path = tmp_path / "book.parquet"
    path.write_bytes(book_bytes(one))
    other = stored_book(path)
    assert other is not None
    assert (other.quality, other.mapping, other.sources, other.said) == (
        one.quality,
        one.mapping,
        one.sources,
        one.said,
    )
    same_book(one.book, other.book)
    same_book(one.book, read_book(path))
    assert book_of_bytes("x", book_bytes(other)) is not None


# ---------------------------------------------------------------- real books


def real(*names: str) -> list[Path]:
    paths = [DATA / name for name in names]
    for path in paths:
        if not path.exists():
            pytest.skip(f"the real book {path.name} is not here; set KAMSIM_DATA to the folder that holds it")
    return paths


def netted(frame: pd.DataFrame) -> pd.DataFrame:
    """Cents by account and quarter, of accounts that bought more than they gave back; plainly by pandas."""
    cells = frame.groupby(["account", "quarter"])["cents"].sum().unstack(fill_value=0)
    return cells[cells.sum(axis=1) > 0]


def cents(values: Iterable[float]) -> "pd.Series[int]":
    return (pd.Series(values) * 100).round().astype("int64")


def assert_equals(book: Book, cells: pd.DataFrame) -> None:
    """Each account spends what pandas says, in all and by year; by quarter where nothing is given back."""
    assert book.quarters is not None
    got = pd.DataFrame(np.rint(book.quarters.spend * 100).astype("int64"), index=list(book.account_id))
    want = cells.loc[list(book.account_id)]
    assert set(book.account_id) == set(cells.index)
    assert (got.sum(axis=1).to_numpy() == want.sum(axis=1).to_numpy()).all()
    plain = (want >= 0).all(axis=1).to_numpy()
    assert plain.mean() > 0.9
    assert (got.to_numpy()[plain] == want.to_numpy()[plain]).all()
    assert (got.to_numpy().sum(axis=0)[:4].sum(), got.to_numpy().sum()) == (
        want.to_numpy().sum(axis=0)[:4].sum(),
        want.to_numpy().sum(),
    ) or not plain.all()


def test_online_retail_invoices_raw_equal_pandas_to_the_cent() -> None:
    (path,) = real("online_retail2_invoices.csv")
    one = import_book([path], Options(year_starts=12))
    frame = pd.read_csv(path, dtype={"Customer ID": str})
    date = pd.to_datetime(frame["InvoiceDate"], format="%d/%m/%Y %H:%M")
    frame["quarter"] = (date.dt.year * 12 + date.dt.month) // 3
    frame["cents"] = cents(frame["Amount"])
    frame["account"] = frame["Customer ID"]
    assert one.quality.amount == Decimal(int(frame["cents"].sum())) / 100
    assert one.quality.lines == len(frame)
    blank = frame["account"].isna()
    left = next(fate for fate in one.quality.dropped if "without a customer" in fate.what)
    assert (left.lines, left.amount) == (int(blank.sum()), Decimal(int(frame.loc[blank, "cents"].sum())) / 100)
    kept = frame[~blank]
    bought = kept.groupby("account")["cents"].sum()
    kept = kept[kept["account"].isin(bought[bought > 0].index) & (kept["quarter"] < kept["quarter"].max())]
    assert_equals(one.book, netted(kept))
    assert one.book.quarters is not None
    assert one.book.quarters.first == 2010 * 4
    assert_accounted_for(one)
    # The same book as its quarterly form: 5,810 accounts, 16,093,794.33.
    quarterly = import_book(real("online_retail2_quarterly.csv"), Options(year_starts=12))
    assert quarterly.quality.used.amount == one.quality.used.amount
    assert set(quarterly.book.account_id) == set(one.book.account_id)


@pytest.mark.parametrize(("name", "starts"), [("iowa_liquor_quarterly.csv", 1), ("online_retail2_quarterly.csv", 12)])
def test_quarterly_books_equal_pandas_to_the_cent(name: str, starts: int) -> None:
    (path,) = real(name)
    one = import_book([path], Options(year_starts=starts))
    frame = pd.read_csv(path, dtype={"account_id": str}).rename(columns={"account_id": "account"})
    frame["cents"] = cents(frame["spend"])
    if name.startswith("iowa"):
        frame = frame[frame["quarter"] != "2022Q4"]
    assert_equals(one.book, netted(frame))
    assert one.book.year_starts == starts
    assert_accounted_for(one)


def test_an_account_master_gives_names_and_parents() -> None:
    paths = real("iowa_liquor_quarterly.csv", "iowa_accounts.csv")
    alone, both = import_book(paths[:1]), import_book(paths)
    assert both.book.quarters is not None
    assert alone.book.quarters is not None
    assert (both.book.quarters.spend == alone.book.quarters.spend).all()
    names = pd.read_csv(paths[1], dtype=str).set_index("account_id")["name"]
    named = [name for name, text in zip(both.book.account_id, both.book.name, strict=True) if name != text]
    assert len(named) > 2000
    assert all(dict(zip(both.book.account_id, both.book.name, strict=True))[name] == names[name] for name in named)
    assert len(import_book(paths, Options(level="parent")).book.account_id) == 1565
    with pytest.raises(KamsimError, match=r"iowa_accounts\.csv, line 1: no column of amounts"):
        import_book(paths[1:])
