"""Reading account books: every accepted form, every refusal, and estimates recovered from planted histories."""

import ast
import os
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamsim import load_scenario
from kamsim.books.book import Book, read_book
from kamsim.books.laws import fit_laws
from kamsim.errors import KamsimError

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "cases"
DATA = Path(os.environ.get("KAMSIM_DATA", ROOT.parent / "shared" / "data"))


def book_of(folder: Path, text: str | bytes, name: str = "book.csv") -> Book:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_book(path)


def refusal_of(folder: Path, text: str | bytes) -> str:
    with pytest.raises(KamsimError) as caught:
        book_of(folder, text)
    return str(caught.value)


def assert_valid(book: Book) -> None:
    size = len(book.account_id)
    assert size > 0
    assert len(set(book.account_id)) == size
    assert len(book.name) == size
    for column in ("annual_spend", "wallet", "share", "fit", "trust"):
        values = getattr(book, column)
        assert values.dtype == np.float64
        assert values.shape == (size,)
        assert not np.isinf(values).any()
    assert (book.annual_spend > 0).all() if book.quarters is None else (book.annual_spend >= 0).all()
    for values, low, high in (
        (book.share, 0.0, 1.0),
        (book.fit, 0.0, 1.0),
        (book.trust, 0.0, 1.0),
    ):
        known = values[~np.isnan(values)]
        assert ((known >= low) & (known <= high)).all()
    assert all(note.endswith(".") and "\n" not in note for note in book.notes)


def planted_csv(log_spend: np.ndarray) -> str:
    rows = ["account_id,quarter,spend"]
    for account, row in enumerate(np.exp(log_spend)):
        rows += [f"A{account:03d},{2010 + t // 4}Q{t % 4 + 1},{spend!r}" for t, spend in enumerate(row.tolist())]
    return "\n".join(rows)


# ---------------------------------------------------------------- accepted forms

FLAT = [(account, quarter) for account in ("0012", "B") for quarter in (1, 2, 3, 4)]


@pytest.mark.parametrize("style", ["2012Q{}", "2012-Q{}", "2012 Q{}", "2012q{}", "2012-q{}"])
def test_quarterly_book_reads_every_way_to_write_a_quarter(tmp_path: Path, style: str) -> None:
    rows = "".join(f"{account},{style.format(quarter)},25\n" for account, quarter in FLAT)
    book = book_of(tmp_path, "account_id,quarter,spend\n" + rows)
    assert_valid(book)
    assert book.account_id == book.name == ("0012", "B")
    assert book.annual_spend == pytest.approx([100.0, 100.0])


@pytest.mark.parametrize(
    "dates",
    [
        ("2012-01-15", "2012-04-15", "2012-07-15", "2012-10-15"),
        ("2012-01-15T07:45:00Z", "2012-04-15 07:45", "2012-07-15 23:59:59.5", "2012-10-15"),
        ("15/01/2012 07:45", "01/04/2012 7:45", "02/07/2012", "03/10/2012"),
        ("01/15/2012", "04/01/2012", "07/02/2012 11:10 PM", "10/03/2012"),
    ],
)
def test_invoices_sum_to_calendar_quarters(tmp_path: Path, dates: tuple[str, ...]) -> None:
    rows = "".join(f"A,{date},{amount}\n" for date in dates for amount in (10, 15))
    book = book_of(tmp_path, "account_id,date,amount\n" + rows)
    assert_valid(book)
    assert book.annual_spend == pytest.approx([100.0])
    # Four equal quarters: read the wrong way round, some would fall into other quarters and none be complete.
    assert not any("incomplete" in note for note in book.notes)


def test_identical_invoices_are_summed_with_a_note(tmp_path: Path) -> None:
    book = book_of(tmp_path, "account_id,date,amount\nA,2012-01-02,5\nA,2012-01-02,5\nA,2012-01-02,5\n")
    assert book.annual_spend == pytest.approx([60.0])
    assert any(note.startswith("Summed 2 rows identical") for note in book.notes)


def test_wide_book_keeps_what_it_states_and_derives_the_rest(tmp_path: Path) -> None:
    text = (
        " Account_ID ,ANNUAL_SPEND,wallet,share,fit,trust,name,region\n"
        '007,100,200,.5,0,1,"Bond\nand Sons",N\n'
        "b,100,400,,,,,N\n"
        "c,100,,0.2,NA,0.5,Cee,N\n"
        "d,100,,,,,,N\n"
    )
    book = book_of(tmp_path, text)
    assert_valid(book)
    assert book.source == str(tmp_path / "book.csv")
    assert book.account_id == ("007", "b", "c", "d")
    assert book.name == ("Bond\nand Sons", "b", "Cee", "d")
    assert book.wallet == pytest.approx([200, 400, 500, np.nan], nan_ok=True)
    assert book.share == pytest.approx([0.5, 0.25, 0.2, np.nan], nan_ok=True)
    assert book.fit == pytest.approx([0, np.nan, np.nan, np.nan], nan_ok=True)
    assert book.trust == pytest.approx([1, np.nan, 0.5, np.nan], nan_ok=True)
    assert any("region" in note for note in book.notes)
    assert any(note.startswith("Derived the category spend (wallet) of 1 account ") for note in book.notes)


def test_line_after_a_field_with_a_newline_is_counted_right(tmp_path: Path) -> None:
    text = 'account_id,annual_spend,name\r\na,1,"two\r\nlines"\r\n\r\nb,x,plain\r\n'
    assert "line 5:" in refusal_of(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    book = book_of(tmp_path, "account_id,annual_spend,name\na,1,Café Müller\n".encode(encoding))
    assert book.name == ("Café Müller",)
    assert any("Windows-1252" in note for note in book.notes) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("text", "spend"),
    [
        ("account_id;annual_spend\na;1.234,50\nb;1234,5\nc;1.000\n", [1234.5, 1234.5, 1000]),
        ("account_id;annual_spend\na;1234.50\nb;7\n", [1234.5, 7]),
        ("account_id;annual_spend\na;1.234.567\nb;7\n", [1234567, 7]),
        ("account_id;annual_spend\na;1.500\nb;2000\n", [1.5, 2000]),
        ("account_id\tannual_spend\na\t1.5\n", [1.5]),
        ("account_id, annual_spend\na, 1.5e3\n", [1500]),
    ],
)
def test_delimiters_and_decimal_commas(tmp_path: Path, text: str, spend: list[float]) -> None:
    assert book_of(tmp_path, text).annual_spend == pytest.approx(spend)


@pytest.mark.parametrize("name", ["comma_thousands.csv", "semicolon_thousands.csv", "tab_thousands.tsv"])
def test_what_may_be_thousands_is_asked_for_whatever_parts_the_fields(name: str) -> None:
    with pytest.raises(KamsimError, match=r"line 3: annual_spend '1\.234' may be a decimal or a thousand"):
        read_book(Path(__file__).parent / "cases" / name)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("other", "spend"), [("1.5", 1.234), ("2000", 1.234), ("1.234.567", 1234.0), ('"0,5"', 1234.0)]
)
def test_another_number_settles_what_may_be_thousands(tmp_path: Path, delimiter: str, other: str, spend: float) -> None:
    text = f"account_id{delimiter}annual_spend\na{delimiter}1.234\nb{delimiter}{other}\n"
    assert book_of(tmp_path, text).annual_spend[0] == spend


def test_a_book_keeps_its_quarters_and_says_what_it_is_in_a_line(tmp_path: Path) -> None:
    rows = "".join(f"{account},2012Q{quarter},25\n" for account, quarter in FLAT)
    book = book_of(tmp_path, "account_id,quarter,spend\n" + rows)
    assert book.quarters is not None
    assert book.quarters.first == 2012 * 4
    assert book.quarters.spend.tolist() == [[25.0] * 4] * 2
    assert repr(book) == f"Book({book.source!r}, 2 accounts)"
    assert len(repr(read_book(ROOT / "scenarios" / "example_book.csv"))) < 200
    assert book_of(tmp_path, "account_id,annual_spend\na,1\n").quarters is None


def test_no_matrix_product_is_taken_in_reading_a_book() -> None:
    # Its last digits are those of the library that takes it: another one, another machine.
    fitting = ("laws.py", "market.py")  # of which worlds take ten digits
    for path in {*(ROOT / "kamsim" / "books").glob("*.py")} - {ROOT / "kamsim" / "books" / name for name in fitting}:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.MatMult)], path
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not names & {"dot", "vdot", "inner", "matmul", "einsum", "tensordot", "linalg"}, path


def test_different_rows_for_one_quarter_are_summed_with_a_note(tmp_path: Path) -> None:
    text = "account_id,quarter,spend,product\nA,2012Q1,5,x\nA,2012-Q1,5,y\nA,2012Q1,6,y\n"
    book = book_of(tmp_path, text)
    assert book.annual_spend == pytest.approx([64.0])
    assert "Summed 3 rows that share 1 account-quarter." in book.notes
    assert any("product" in note for note in book.notes)


def test_credit_notes_net_out_and_are_counted(tmp_path: Path) -> None:
    text = (
        "account_id,quarter,spend\n"
        "A,2012Q1,30\nA,2012Q1,-5\nA,2012Q2,25\nA,2012Q3,75\nA,2012Q4,-1\n"
        "B,2012Q4,90\n"
        "C,2012Q1,10.1\nC,2012Q1,20.2\nC,2012Q2,-30.3\n"
        "D,2012Q1,0\n"
    )
    book = book_of(tmp_path, text)
    assert book.account_id == ("A", "B")
    assert book.annual_spend == pytest.approx([124.0, 90.0])
    assert "Netted 3 credit notes within account and quarter." in book.notes
    assert "Left out 2 accounts whose spend nets to zero or below." in book.notes
    assert any(
        note.startswith("Netted 1 account-quarter below zero with what the account bought") for note in book.notes
    )
    assert book.quarters is not None
    assert book.quarters.spend.tolist() == [[25, 25, 74, 0], [0, 0, 0, 90]]


def test_notes_of_an_extra_column_name_it_and_do_not_take_it_for_a_misspelling(tmp_path: Path) -> None:
    book = book_of(tmp_path, "account_id,quarter,spend,gross_spend\nA,2012Q1,1,2\n")
    assert "Ignored 1 column that a book does not use: gross_spend." in book.notes
    book = book_of(tmp_path, 'account_id,quarter,spend,"Two\nLines",\nA,2012Q1,1,2,\n')
    assert "Ignored 2 columns that a book does not use: two lines, (unnamed)." in book.notes


def test_example_book_reads() -> None:
    book = read_book(ROOT / "scenarios" / "example_book.csv")
    assert_valid(book)
    assert len(book.account_id) == 60


# ---------------------------------------------------------------- refusals

QUARTERLY = "account_id,quarter,spend\nA,2012Q1,1\n"
DATED = "account_id,date,amount\nA,2012-01-01,1\n"
WIDE = "account_id,annual_spend,wallet,share,fit,trust\nA,1,2,.5,.5,.5\n"

REFUSALS = {
    "empty file": ("", "the file is empty"),
    "blank file": ("\ufeff\n \n", "the file is empty"),
    "header only": ("account_id,quarter,spend\n", "no row under the header"),
    "blank rows only": ("account_id,quarter,spend\n,,\n", "no row under the header"),
    "missing column": ("account_id,quarter\nA,2012Q1\n", "line 1: no column spend"),
    "no known column": ("foo|bar\n1|2\n", "line 1: no column account_id"),
    "misspelt column": ("acount_id,quarter,spend\nA,2012Q1,1\n", "line 1: column 'acount_id' .* 'account_id'"),
    "misspelt option": ("account_id,annual_spend,walet\nA,1,2\n", "line 1: column 'walet' .* 'wallet'"),
    "repeated column": ("account_id,quarter,spend,Spend\nA,2012Q1,1,1\n", "line 1: column 'spend' appears twice"),
    "two forms": ("account_id,quarter,spend,annual_spend\nA,2012Q1,1,1\n", "line 1: .* more than one form"),
    "short row": (QUARTERLY + "A,2012Q2\n", "line 3: 2 fields where the header has 3"),
    "long row": (QUARTERLY + "A,2012Q2,1,5\n", "line 3: 4 fields where the header has 3"),
    "open quote": (QUARTERLY + 'A,"2012Q2,1\nB,2012Q3,1\n', "line 3: .* quote"),
    "empty account": (QUARTERLY + " ,2012Q2,1\n", "line 3: account_id is empty"),
    "empty spend": (QUARTERLY + "A,2012Q2,\n", "line 3: spend is empty"),
    "worded spend": (QUARTERLY + "A,2012Q2,lots\n", "line 3: spend 'lots'"),
    "NaN spend": (QUARTERLY + "A,2012Q2,nan\n", "line 3: spend 'nan'"),
    "infinite spend": (QUARTERLY + "A,2012Q2,-inf\n", "line 3: spend '-inf'"),
    "overflowing spend": (QUARTERLY + "A,2012Q2,1e999\n", "line 3: spend '1e999'"),
    "underscored spend": (QUARTERLY + "A,2012Q2,1_000\n", "line 3: spend '1_000'"),
    "grouped spend": (QUARTERLY + 'A,2012Q2,"1,000"\n', "line 3: spend '1,000'"),
    "undecided spend": (
        "account_id;annual_spend\nA;7\nB;1.234\n",
        "line 3: annual_spend '1.234' may be a decimal or a thousand",
    ),
    "fifth quarter": (QUARTERLY + "A,2012Q5,1\n", "line 3: quarter '2012Q5'"),
    "month for quarter": (QUARTERLY + "A,2012-03,1\n", "line 3: quarter '2012-03'"),
    "early quarter": (QUARTERLY + "A,0012Q1,1\n", "line 3: quarter '0012Q1'"),
    "mistyped year": (QUARTERLY + "A,2012Q2,1\nA,2100Q1,1\n", "line 4: .* over fifty years"),
    "duplicate row": (QUARTERLY + "B,2012Q1,1\nA,2012-q1,1.0\n", "line 4: duplicate row, the same as line 2"),
    "nothing left": ("account_id,quarter,spend\nA,2012Q1,-1\n", "no account has spend above zero"),
    "bad date": (DATED + "A,2012-02-30,1\n", "line 3: date '2012-02-30'"),
    "worded date": (DATED + "A,yesterday,1\n", "line 3: date 'yesterday'"),
    "bad time": (DATED + "A,2012-02-03 25:00,1\n", "line 3: date '2012-02-03 25:00'"),
    "short year": (DATED + "A,31/12/12,1\n", "line 3: date '31/12/12'"),
    "unclear dates": (
        DATED + "A,05/05/2012,1\nA,03/04/2012,1\n",
        "line 4: date '03/04/2012' may be day or month first",
    ),
    "mixed dates": (DATED + "A,13/04/2012,1\nA,04/13/2012,1\n", "line 4: dates mix day first"),
    "worded amount": (DATED + "A,2012-01-01,x\n", "line 3: amount 'x'"),
    "repeated account": (WIDE + "A,3,4,,,\n", "line 3: account 'A' is already on line 2"),
    "zero level": (WIDE + "B,0,,,,\n", "line 3: annual_spend '0'"),
    "negative level": (WIDE + "B,-5,,,,\n", "line 3: annual_spend '-5'"),
    "empty level": (WIDE + "B,,,,,\n", "line 3: annual_spend is empty"),
    "zero share": (WIDE + "B,1,,0,,\n", "line 3: share '0'"),
    "share above one": (WIDE + "B,1,,45,,\n", "line 3: share '45'"),
    "share of all in percent": (WIDE + "B,1,,145%,,\n", "line 3: share '145%'"),
    "infinite fit": (WIDE + "B,1,,,inf,\n", "line 3: fit 'inf'"),
    "fit above one": (WIDE + "B,1,,,1.5,\n", "line 3: fit '1.5'"),
    "negative trust": (WIDE + "B,1,,,,-.1\n", "line 3: trust '-.1'"),
    "small wallet": (WIDE + "B,2,1,,,\n", "line 3: wallet '1' is below annual_spend"),
    "inconsistent share": (WIDE + "B,10,20,.6,,\n", "line 3: share '.6' times wallet"),
    "endless wallet": (WIDE + "B,1,,1e-300,,\n", "line 3: share '1e-300'"),
    "binary": (b"PK\x03\x04\x00\x00", "not text"),
    "neither encoding": (b"account_id,annual_spend\n\x81,1\n", "not text"),
    "four-byte text": ("account_id,annual_spend\na,1\n".encode("utf-32"), "not text"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal_is_one_sentence_naming_file_and_line(tmp_path: Path, case: str) -> None:
    text, pattern = REFUSALS[case]
    message = refusal_of(tmp_path, text)
    assert message.startswith(str(tmp_path / "book.csv"))
    assert "\n" not in message
    assert message[-1] in ".?"
    assert re.search(pattern, message), message


def test_consistent_share_and_wallet_pass_within_five_percent(tmp_path: Path) -> None:
    book = book_of(tmp_path, "account_id,annual_spend,wallet,share\nA,10,20,.52\n")
    assert (book.wallet[0], book.share[0]) == (20, 0.52)


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(QUARTERLY)
    with pytest.raises(KamsimError, match=r"acounts\.csv: there is no such file; did you mean 'accounts\.csv'"):
        read_book(tmp_path / "acounts.csv")
    with pytest.raises(KamsimError, match="there is no such file; check the path"):
        read_book(tmp_path / "nowhere" / "accounts.csv")


def test_folder_and_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KamsimError, match="this is a folder"):
        read_book(tmp_path)
    with pytest.raises(KamsimError, match="cannot be read"):
        read_book("book\0.csv")

    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(KamsimError, match=r"book\.csv: the file cannot be read \(permission denied\)"):
        read_book("book.csv")


# ---------------------------------------------------------------- estimates


def test_incomplete_last_quarter_is_left_out(tmp_path: Path) -> None:
    rows = [f"A,{2010 + t // 4}Q{t % 4 + 1},100" for t in range(8)] + ["A,2012Q1,59", "B,2012Q1,0.5", "C,2011Q4,-2"]
    book = book_of(tmp_path, "account_id,quarter,spend\n" + "\n".join(rows))
    assert book.account_id == ("A",)
    assert book.annual_spend == pytest.approx([400.0])
    assert "Left out 2012Q1 as incomplete, its total being below 60% of what was due." in book.notes
    assert "Left out 1 account with no net spend before the incomplete last quarter." in book.notes


def test_complete_last_quarter_stays(tmp_path: Path) -> None:
    # Low beside the quarter before it, but not beside the same quarter a year ago: a season, not a gap.
    rows = [f"A,{2010 + t // 4}Q{t % 4 + 1},{10 if t % 4 == 3 else 100}" for t in range(8)]
    book = book_of(tmp_path, "account_id,quarter,spend\n" + "\n".join(rows))
    assert book.annual_spend == pytest.approx([310.0])
    assert not any("incomplete" in note for note in book.notes)


def test_annual_spend_is_that_of_the_last_four_quarters_as_it_was_bought(tmp_path: Path) -> None:
    quarters = [f"{2010 + t // 4}Q{t % 4 + 1}" for t in range(12)]
    rows = [f"old,{quarter},{(10, 20, 40)[t // 4]}" for t, quarter in enumerate(quarters)]
    rows += [f"joined,{quarter},30" for quarter in quarters[9:]]
    rows += [f"gone,{quarter},10" for quarter in quarters[:4]]
    book = book_of(tmp_path, "account_id,quarter,spend\n" + "\n".join(rows))
    assert book.annual_spend.tolist() == [160.0, 90.0, 0.0]


def test_who_bought_once_counts_for_what_it_bought() -> None:
    """Forty single purchases of 400 made a book of 24,000 into one of 50,667, when each stood for a year of them."""
    book = read_book(CASES / "one_off.csv")
    assert book.annual_spend.sum() == pytest.approx(24_000.0)


def test_a_last_quarter_that_ends_early_is_told_by_its_dates() -> None:
    book = read_book(CASES / "two_of_three_months.csv")
    assert book.quarters is not None
    assert any("2023Q4 as incomplete" in note for note in book.notes)
    # Thirty accounts, flat until then.
    np.testing.assert_allclose(book.quarters.spend, book.quarters.spend[:, :1].repeat(book.quarters.spend.shape[1], 1))
    assert fit_laws(book.quarters, load_scenario("status_quo").world).laws.market_growth == pytest.approx(0.0, abs=0.01)


# ---------------------------------------------------------------- anything at all

SEEDS = (QUARTERLY + "B,2012Q2,-3\nB,2012Q3,9.5\n", DATED + "B,13/05/2012,7\n", WIDE + "B,3,,.3,,\n")
SCRAPS = st.one_of(
    st.sampled_from(
        [",", ";", "\t", "\n", "\r", '"', "-", "1e15", "1e-320", "1e999", "nan", "2012Q1", "\x00", "\ufeff", "٣", "A,"]
    ),
    st.text(max_size=4),
)


@settings(max_examples=120, deadline=None, database=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 90), st.integers(0, 4), SCRAPS), max_size=5))
def test_mangled_text_reads_or_is_refused_in_one_sentence(text: str, edits: list[tuple[int, int, str]]) -> None:
    for at, gone, scrap in edits:
        text = text[:at] + scrap + text[at + gone :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.csv"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            assert_valid(read_book(path))
            return
        except KamsimError as error:
            message = str(error)
    assert message.startswith(str(path))
    assert len(message.splitlines()) == 1


# ---------------------------------------------------------------- real books


@pytest.mark.parametrize(
    ("file", "accounts"), [("iowa_liquor_quarterly.csv", 2822), ("online_retail2_quarterly.csv", 5914)]
)
def test_real_book_accounts_for_every_account(file: str, accounts: int) -> None:
    path = DATA / file
    if not path.exists():
        pytest.skip(f"the real book {file} is not here; set KAMSIM_DATA to the folder that holds it")
    book = read_book(path)
    assert_valid(book)
    left_out = sum(
        int(note.split()[2].replace(",", ""))
        for note in book.notes
        if note.startswith("Left out ") and note.split()[3].startswith("account")
    )
    assert len(book.account_id) + left_out == accounts
    assert any("2022Q4 as incomplete" in note for note in book.notes) == file.startswith("iowa")
