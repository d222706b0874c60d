"""What exports of each kind hold besides orders, and `kamsim book import` from files to a book and its mapping."""

import csv
import datetime
import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import pytest
import xlsxwriter
from click.testing import CliRunner, Result
from test_book_import import BOOKS, TODAY, assert_accounted_for, refusal, same_book, written

from kamsim.books.book import Book, read_book
from kamsim.books.importing import Imported, import_book
from kamsim.books.options import Options
from kamsim.books.stored import book_bytes, book_of_bytes, mapping_text, read_mapping, stored_book
from kamsim.cli import main
from kamsim.errors import KamsimError

DAYS = ("2021-02-03", "2021-05-04", "2021-08-05", "2021-11-26")


def kamsim(*words: str) -> Result:
    return CliRunner().invoke(main, ["book", "import", *words, "--today", TODAY.isoformat()])


def lines(account: str, amount: object) -> str:
    return "".join(f"{account},{day},{amount}\n" for day in DAYS)


def totals(book: Book) -> dict[str, float]:
    assert book.quarters is not None
    return dict(zip(book.account_id, np.round(book.quarters.spend.sum(axis=1), 2).tolist(), strict=True))


PIVOT = "Customer,Date,Amount\nC1,2021-02-03,10.5\n{},2021-05-03,20\nC1 Total,,30.5\nC2,2021-08-03,5\n{},2021-11-26,5\n"
KINDS: dict[str, tuple[str, dict[str, object], dict[str, float], int]] = {
    "pivot with subtotals": (
        PIVOT.format("C1", "C2") + "C2 Total,,10\nGrand Total,,40.5\n", {}, {"C1": 30.5, "C2": 10}, 3,
    ),
    "pivot with blanks": (
        PIVOT.format("", "") + "C2 Ergebnis,,10\nGesamtergebnis,,40.5\n",
        {"fill_down": True}, {"C1": 30.5, "C2": 10}, 3,
    ),
    "customers as headings": (
        "Customer,Date,Amount\nAcme,,\n,2021-02-03,5\n,2021-05-03,6\nBeta,,\n,2021-08-03,7\n,2021-11-29,8\n",
        {"fill_down": True}, {"Acme": 11, "Beta": 15}, 2,
    ),
    "year and month apart": (
        "Kunde;Jahr;Monat;Umsatz\n" + "".join(f"K{k};2021;{m};{k}00,50\n" for k in (1, 2) for m in range(1, 13)),
        {}, {"K1": 1206, "K2": 2406}, 0,
    ),
    "year and quarter apart": (
        "Customer,Year,Quarter,Revenue\n" + "".join(f"K{k},2021,Q{q},{k}00.50\n" for k in (1, 2) for q in range(1, 5)),
        {}, {"K1": 402, "K2": 802}, 0,
    ),
    "years as columns": (
        "Kunde;Umsatz 2021;Umsatz 2022\nA;100,50;200,50\nB;10,00;\nC;5,25;6,00\nGesamt;115,75;206,50\n",
        {}, {"A": 301, "B": 10, "C": 11.25}, 1,
    ),
    "years as lines": ("Customer,Year,Sales\nA,2021,100\nA,2022,110\nB,2021,4\nB,2022,5\n", {}, {"A": 210, "B": 9}, 0),
    "quarters with their year": (
        "Customer,2021Q1,2021Q2,2021Q3,2021Q4,2021\nA,1,2,3,4,10\nB,1,2,3,5,11\n", {}, {"A": 10, "B": 11}, 0,
    ),
    "deals of HubSpot": (
        "Record ID,Deal Name,Deal Stage,Close Date,Amount,Associated Company,Deal owner\n"
        "1,x,closedwon,2021-02-03 10:00,100,Acme,Ann\n2,x,closedlost,2021-05-03 10:00,,Acme,Ann\n"
        "3,x,closedwon,2021-05-03 10:00,7,Acme,Ann\n4,x,presentationscheduled,2021-08-03 10:00,5,Beta,Bob\n"
        "5,x,closedwon,2021-08-08 10:00,9,Beta,Bob\n6,x,closedwon,2021-11-08 10:00,9,Beta,Bob\n",
        {}, {"Acme": 107, "Beta": 18}, 2,
    ),
    "billing of SAP": (
        "Kunde;Name 1;Fakturadatum;Nettowert;Währg;Belegart\n100;Müller;03.02.2021;1.000,00;EUR;F2\n"
        "100;Müller;13.05.2021;1.000,00-;EUR;G2\n200;Maier;13.05.2021;2.000,00;EUR;F2\n"
        "100;Müller;13.08.2021;4.000,00;EUR;F2\n",
        {}, {"100": 4000, "200": 2000}, 0,
    ),
    "invoices, paid or not": (
        "Customer,Invoice Date,Amount,Status\nA,2021-02-03,5,Paid\nA,2021-05-03,5,Open\nB,2021-08-03,5,Overdue\n"
        "B,2021-11-26,5,Draft\n",
        {}, {"A": 10, "B": 5}, 1,
    ),
    "regions with totals": (
        "Region,Customer,Date,Amount\nN,A,2021-02-03,5.50\nN,B,2021-05-03,6.50\nN Total,,,12\nS,C,2021-08-03,5\n"
        "S,C,2021-11-29,5\nS Total,,,10\nTotal,,,22\n",
        {}, {"A": 5.5, "B": 6.5, "C": 10}, 3,
    ),
    "a page after the other": (
        "Customer,Date,Amount\n" + lines("A", 5) + "Customer,Date,Amount\n" + lines("B", 6), {}, {"A": 20, "B": 24}, 1,
    ),
    "a customer called Total": (
        "Customer,Date,Amount\n" + lines("Total", 500) + lines("B", 7) + lines("C", 9), {"totals": "keep"},
        {"Total": 2000, "B": 28, "C": 36}, 0,
    ),
    "the customer's own revenue beside the deals": (
        "Account Name,Close Date,Amount,Annual Revenue\nA,2021-02-03,5,100000\nA,2021-11-29,6,100000\n",
        {}, {"A": 11}, 0,
    ),
    "columns with names of one's own": (
        "Mandant,Zeit,EUR\nA,2021-02-03,5.5\nA,2021-11-29,6\n",
        {"columns": {"account": "Mandant", "date": "zeit", "amount": "EUR"}}, {"A": 11.5}, 0,
    ),
    "columns known by what they hold": (
        "Mandant,Zeit,Geld,Menge\nA,2021-02-03 10:15,5.50,3\nA,2021-05-03 09:00,5.50,4\nB,2021-11-29 17:30,7.25,5\n",
        {}, {"A": 11, "B": 7.25}, 0,
    ),
    "lines without amounts": (
        "Customer,Date,Amount\n" + lines("A", 5) + "A,2021-11-27,\n", {"skip_empty": True}, {"A": 20}, 1,
    ),
    "currency before a parenthesis": (
        "Customer;Date;Amount\nA;2021-02-03;€ 1.000,50\nA;2021-11-26;€ (500,25)\n", {}, {"A": 500.25}, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_export(kind: str, tmp_path: Path) -> None:
    text, options, want, left = KINDS[kind]
    one = written(tmp_path, text, **options)
    assert totals(one.book) == want
    assert one.quality.left_out_lines == left
    assert_accounted_for(one)


ASKED = {
    "words of a stage that nobody knows": (
        "Customer,Date,Amount,Stage\nA,2021-02-03,5,Won\nA,2021-05-03,5,Verbal\n", "'Verbal'.*`won=",
    ),
    "called a total and no sum": (
        "Customer,Date,Amount\n" + lines("Total", 500) + lines("B", 7), r"line 2: 'Total' .*`totals=drop`",
    ),
    "the sum and not called so": ("Customer,Annual Spend\nA,1\nB,2\nC,3\nAll,6\n", r"line 5: 'All' .*`totals=drop`"),
    "quarters or months": (
        "account,date,amount\nA,2021.1,5\nA,2021.2,5\n", "may be a quarter or a month.*`columns=quarter",
    ),
    "two currencies by their signs": (
        "Customer,Date,Amount\nA,2021-02-03,€5.50\nA,2021-11-29,£5.50\n", "line 3: .* EUR and GBP.*`currency=",
    ),
    "amounts of no time": ("Customer,Umsatz\nA,5\nB,6\n", "line 1: no column date.*`columns=date"),
    "an order above the header": (
        "A,2021-02-03,5.5\nCustomer,Date,Amount\nB,2021-02-03,5.5\n", "line 1: .*above the header on line 2",
    ),
    "two columns of texts": (
        "Mandant,Ort,Zeit,Geld\nA,X,2021-02-03,5.50\nA,Y,2021-05-03,5.50\nB,X,2021-11-29,7.25\n",
        "line 1: no column account_id.*`columns=account",
    ),
    "no header": ("A,2021-02-03,5.5\nA,2021-05-03,5.5\n", "line 1: no column account_id"),
    "tiers that nobody knows": (
        "Customer,Tier,Date,Amount\nA,Key,2021-02-03,5\nB,Zebra,2021-11-29,5\n", "'Zebra'.*`tiers=",
    ),
    "an unknown role": ("Customer,Date,Amount\nA,2021-02-03,5\n", "no role 'acount'; did you mean 'account'"),
    "two encodings in one": (
        "Customer,Date,Amount\nÄ,2021-02-03,5\n".encode() + b"\xc4,2021-02-03,5\n", "line 3: .*`encoding=",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ASKED)
def test_what_a_file_leaves_open_is_asked(kind: str, tmp_path: Path) -> None:
    text, pattern = ASKED[kind]
    options = {"columns": {"acount": "Customer"}} if kind == "an unknown role" else {}
    sentence = refusal(tmp_path, text, **options)
    assert re.search(pattern, sentence), sentence


def test_what_is_known_of_accounts_is_read_and_set(tmp_path: Path) -> None:
    text = "Customer,ABC,KAM,Date,Amount,Margin,Share\nA,A,Ann,2021-02-03,5,40%,\nB,B,,2021-11-29,6,,25 %\n"
    book = written(tmp_path, text, known={"share": 0.5, "trust": 0.7}).book
    assert book.tier is not None
    assert book.tier.tolist() == [1, 0]
    assert book.kam == ("Ann", "")
    assert book.margin is not None
    np.testing.assert_array_equal(book.margin, [0.4, np.nan])
    assert book.share.tolist() == [0.5, 0.25]
    assert book.trust.tolist() == [0.7, 0.7]
    # Category spend follows from share, with what an account spends at the end of its history.
    assert np.isnan(book.wallet).all()


def test_a_segment_of_industries_is_no_program(tmp_path: Path) -> None:
    book = written(tmp_path, "Customer,Segment,Date,Amount\nA,Retail,2021-02-03,5\nB,Steel,2021-11-29,6\n").book
    assert book.tier is None
    assert any("names no tier" in note for note in book.notes)


def test_files_of_months_apart_are_one_book_and_an_overlap_is_asked_about(tmp_path: Path) -> None:
    first, second = tmp_path / "2021.csv", tmp_path / "2022.csv"
    first.write_text("Customer,Date,Amount\n" + lines("A", 5) + lines("B", 7))
    second.write_text("Kunde;Belegdatum;Nettobetrag\nA;26.11.2021;5,00\nA;03.02.2022;8,00\nB;31.03.2022;8,00\n")
    with pytest.raises(Exception, match=r"2022\.csv, line 2: 1 order .*2021\.csv, line 5.*`overlaps=once`"):
        import_book([first, second])
    once, both = (import_book([first, second], Options(overlaps=word)) for word in ("once", "both"))
    assert totals(once.book) == {"A": 28, "B": 36}
    assert totals(both.book) == {"A": 33, "B": 36}
    assert once.quality.left_out_lines == 1
    assert [source.name for source in once.sources] == [str(first), str(second)]


def test_a_workbook_with_two_tables_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        for name, amount in (("2021", 5.5), ("2022", 6.5)):
            sheet = workbook.add_worksheet(name)
            sheet.write_row(0, 0, ["Customer", "Date", "Amount"])
            for at, day in enumerate(DAYS, 1):
                sheet.write_row(at, 0, ["A", day, amount])
    with pytest.raises(Exception, match=r"the sheets '2021', '2022' each hold a table; .*`sheet="):
        import_book([path])
    assert totals(import_book([path], Options(sheet="2022")).book) == {"A": 26}


def test_the_files_end_where_the_user_says(tmp_path: Path) -> None:
    text = "account_id,quarter,spend\n" + "".join(f"A,2021Q{q},10\n" for q in (1, 2, 3, 4))
    one = written(tmp_path, text, ends=datetime.date(2021, 10, 31))
    assert totals(one.book) == {"A": 30}
    assert one.quality.left_out_amount == 10
    whole = written(tmp_path, text + "A,2022Q1,1\n", ends=datetime.date(2022, 3, 31))
    assert totals(whole.book) == {"A": 41}
    assert totals(written(tmp_path, text + "A,2022Q1,1\n").book) == {"A": 40}


def test_a_quarter_that_is_not_over_today_is_left_out(tmp_path: Path) -> None:
    text = "account_id,quarter,spend\n" + "".join(f"A,2026Q{q},10\n" for q in (1, 2, 3, 4))
    one = written(tmp_path, text)
    assert totals(one.book) == {"A": 30}
    assert any("2026Q4 as incomplete, for it is not over" in note for note in one.book.notes)


def test_a_quarter_without_any_order_is_told(tmp_path: Path) -> None:
    text = "account_id,quarter,spend\n" + "".join(f"A,2021Q{q},10\nB,2022Q{q},10\n" for q in (1, 2, 4))
    assert any("Nobody ordered in 2021Q3, 2022Q3" in note for note in written(tmp_path, text).book.notes)


def test_cents_are_exact_where_floats_are_not(tmp_path: Path) -> None:
    text = "Customer,Date,Amount\n" + "A,2021-11-26,0.1\n" * 30 + "A,2021-02-01,999999999999.99\nA,2021-02-02,-0.3\n"
    one = written(tmp_path, text)
    assert one.quality.amount == Decimal("1000000000002.69")
    assert one.book.quarters is not None
    assert one.book.quarters.spend.tolist() == [[999999999999.69, 0, 0, 3.0]]


# ---------------------------------------------------------------- the command


def test_import_writes_a_book_and_the_mapping_that_reads_next_months_file(tmp_path: Path) -> None:
    text = "Sold-to;Billing Date;Net Value\n100;17/02/2021;1.100\n100;03/05/2021;2.101\n200;11/11/2021;3.102\n"
    path = tmp_path / "export.csv"
    path.write_text(text)
    asked = kamsim(str(path))
    assert asked.exit_code == 2
    assert "may be a decimal or a thousand" in asked.stderr
    assert list(tmp_path.iterdir()) == [path]
    done = kamsim(str(path), "--decimal", ",")
    assert done.exit_code == 0, done.output
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "export.csv",
        "export.parquet",
        "export.toml",
        "export_profile",
    }
    for words in ("account", "sold-to", "in the book", "used and left out make the files", "2 accounts"):
        assert words in done.stdout
    # All days of the next file are twelve or less: it is read as the first was.
    path.write_text("Sold-to;Billing Date;Net Value\n100;02/03/2022;1.100\n200;01/06/2022;2.101\n")
    again = kamsim(str(path), "--json")
    assert again.exit_code == 0, again.output
    content = json.loads(again.stdout)
    assert content["quality"]["amount"] == "3201.00"
    assert content["first_quarter"] == "2022Q1"
    elsewhere = kamsim(str(path), "--mapping", str(tmp_path / "export.toml"), "--out", str(tmp_path / "b.parquet"))
    assert elsewhere.exit_code == 0, elsewhere.output
    assert "Read by the mapping" in elsewhere.stdout


def test_import_takes_every_option(tmp_path: Path) -> None:
    path, rates = tmp_path / "export.csv", tmp_path / "rates.csv"
    rates.write_text("code,rate\nJPY,0.0067\n")
    path.write_text((BOOKS / "mixed_currency.csv").read_text())
    words = ("--currency", "USD", "--rates", str(rates), "--year-starts", "4", "--set", "share=30%", "--set", "fit=0.5")
    done = kamsim(str(path), *words, "--json")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert (content["currency"], content["year_starts"], content["accounts"]) == ("USD", 4, 12)
    again = kamsim(str(path), "--json")
    assert json.loads(again.stdout)["quality"] == content["quality"]
    frame = list(csv.DictReader(path.read_text().splitlines()))
    dollars = sum(
        (Decimal(row["amount"]) * (Decimal("0.0067") if row["currency"] == "JPY" else 1)).quantize(Decimal("0.01"))
        for row in frame
    )
    assert Decimal(content["quality"]["amount"]) == dollars


@pytest.mark.parametrize(
    "words",
    [
        ("--map", "account"), ("--set", "share=lots"), ("--set", "spend=0.3"), ("--today", "yesterday"),
        ("--rates", "nowhere.csv"), ("--mapping", "nowhere.toml"), ("--out", "book.csv"), ("`tiers=", "A=gold"),
        ("--year-starts", "13"), ("--encoding", "klingon"), ("--level", "parent"), ("--currency", "EUR", "`won=", "x"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_sentence_and_writes_nothing(words: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("Customer,Date,Amount,Tier,Stage\nA,2021-02-03,$5,A,Won\n")
    result = CliRunner().invoke(main, ["book", "import", str(path), *words])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_stored_book_is_read_where_accounts_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "base.csv"
    path.write_bytes((BOOKS / "base.csv").read_bytes())
    assert kamsim(str(path)).exit_code == 0
    same_book(read_book(path), read_book(tmp_path / "base.parquet"))
    damaged = tmp_path / "base.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    with pytest.raises(Exception, match=r"base\.parquet: this book is damaged"):
        read_book(damaged)


def test_notes_of_an_import_are_told_in_full_by_the_profile_and_in_one_line_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("Customer,Date,Amount\n" + lines("A", 50) + lines("B", 20) + "B,2021-11-27,-5\n,2021-11-27,7\n")
    said = kamsim(str(path), "--no-fill-down", "--out", str(tmp_path / "book.parquet"))
    assert said.exit_code == 0, said.output
    imported = stored_book(tmp_path / "book.parquet")
    assert imported is not None
    assert len(imported.book.notes) > 1
    (note,) = read_book(tmp_path / "book.parquet").notes
    assert note.endswith(f"{len(imported.book.notes)} notes; kamsim book profile lists them.")
    told = CliRunner().invoke(main, ["book", "profile", str(tmp_path / "book.parquet"), "--out", str(tmp_path / "p")])
    assert told.output.count("Note: ") == len(imported.book.notes)


def or_said(read: Callable[[], Imported | None]) -> Imported | str | None:
    try:
        return read()
    except KamsimError as error:
        return str(error)


def test_a_damaged_book_is_never_another_book(tmp_path: Path) -> None:
    rows = "".join(f"K{k},A,Ann,{DAYS[k % 4]},{k}.5\n" for k in range(40))
    one = written(tmp_path, "Customer,ABC,KAM,Date,Amount\n" + rows)
    whole, random, refused = book_bytes(one), Random(4), 0
    for _ in range(400):
        content = bytearray(whole)
        at = random.randrange(len(content))
        if random.random() < 0.3:
            del content[at : at + random.choice([1, 50, len(content)])]
        else:
            content[at] ^= 1 << random.randrange(8)
        other = or_said(lambda content=content: book_of_bytes("book.parquet", bytes(content)))
        if isinstance(other, str):
            refused += 1
            assert other.startswith("book.parquet: ")
        elif other is not None:
            assert other.quality == one.quality
            same_book(one.book, other.book)
    assert refused > 300


def test_a_mangled_mapping_is_read_or_refused_in_one_sentence(tmp_path: Path) -> None:
    said = {"tiers": {"Gold": "key"}, "known": {"share": 0.3}}
    one = written(tmp_path, "Customer,Tier,Date,Amount\nA,Gold,17/02/2021,5\n", **said)
    text = mapping_text(one, Options(tiers={"Gold": "key"}, known={"share": 0.3}))
    random, path, refused = Random(5), tmp_path / "book.toml", 0
    path.write_text(text)
    assert read_mapping(path).dates == "dmy"
    scraps = ["", "[", "=", '"', "1", "true", "\n", "[reading]\n", "dates = 5\n", "x = {}\n", "known = 1\n"]
    for _ in range(300):
        at = random.randrange(len(text))
        path.write_text(text[:at] + random.choice(scraps) + text[at + random.choice([0, 1, 9]) :])
        found = or_said(lambda: import_book([tmp_path / "book.csv"], read_mapping(path)))
        if isinstance(found, str):
            refused += 1
            assert found.isprintable()
    assert refused > 50


def test_many_invoices_import_in_seconds(tmp_path: Path) -> None:
    random, path = Random(3), tmp_path / "many.csv"
    with path.open("w") as file:
        file.write("Invoice,InvoiceDate,Customer ID,Country,Lines,Amount\n")
        for line in range(100_000):
            day = (
                f"{random.randint(1, 28):02d}/{random.randint(1, 12):02d}/20{random.randint(10, 14)} 10:{line % 60:02d}"
            )
            file.write(
                f"{489434 + line},{day},{random.randint(1, 6000)},UK,8,{random.randint(-999, 99999) / 100:.2f}\n"
            )
    start = time.process_time()
    one = import_book([path])
    # A million lines have ten seconds.
    assert time.process_time() - start < 2.0
    assert one.quality.lines == 100_000
    assert_accounted_for(one)


def test_a_fit_makes_the_folder_of_its_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.csv").write_text(
        "Customer,Date,Amount\n" + "".join(lines(name, 50 + at) for at, name in enumerate("ABC"))
    )
    missing = CliRunner().invoke(main, ["book", "fit", "missing.csv"])
    assert (missing.exit_code, missing.stderr) == (2, "Error: missing.csv: there is no such file; check the path.\n")
    told = CliRunner().invoke(main, ["book", "fit", "small.csv"])
    assert told.exit_code == 0, told.output
    assert Path("results/fit-small.toml").exists()


@pytest.mark.parametrize("label", ["Row Labels", "Zeilenbeschriftungen"])
def test_a_pivot_table_as_excel_heads_it_is_read(label: str, tmp_path: Path) -> None:
    months = [
        f"{month} {year}"
        for year in (2023, 2024)
        for month in ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    ]
    rows = [
        [name, *range(at, at + 24), sum(range(at, at + 24))] for at, name in enumerate(("Acme", "Beta", "Gamma"), 100)
    ]
    total = [sum(int(row[at]) for row in rows) for at in range(1, 26)]
    with xlsxwriter.Workbook(str(tmp_path / "pivot.xlsx")) as workbook:
        sheet = workbook.add_worksheet()
        heads = (["Sum of Revenue", "Column Labels"], [label, *months, "Grand Total"])
        for at, row in enumerate((*heads, *rows, ["Grand Total", *total])):
            sheet.write_row(at, 0, row)
    book = import_book([tmp_path / "pivot.xlsx"]).book
    assert totals(book) == {str(row[0]): float(row[-1]) for row in rows}


def test_a_book_that_nearly_all_have_left_is_back_tested_without_a_traceback(tmp_path: Path) -> None:
    rows = [
        f"A{at},{year}-0{month}-05,{50 + 7 * at + month}\n"
        for at in range(12)
        for year in (2021, 2022)
        for month in (2, 5, 8)
    ]
    rest = [f"B,{year}-0{month}-05,1\n" for year in (2023, 2024) for month in (2, 5, 8)]
    (tmp_path / "gone.csv").write_text("Customer,Date,Amount\n" + "".join(rows + rest))
    words = ("book", "backtest", str(tmp_path / "gone.csv"), "-n", "20", "-j", "1", "--out", str(tmp_path / "out"))
    result = CliRunner().invoke(main, words)
    assert result.exit_code in (0, 2), result.exception
