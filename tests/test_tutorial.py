"""The tutorial does what it says, on the export that ships with it."""

import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from kamsim.cli import main

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial"
PAGE, EXPORT, MAKER = TUTORIAL / "own_accounts.md", TUTORIAL / "nordhafen_sales.csv", TUTORIAL / "make_export.py"


def commands() -> list[list[str]]:
    """Commands of the page, in their order."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line.startswith("kamsim ")]


def lines() -> list[list[str]]:
    """Lines of the export below its header, cell by cell."""
    text = EXPORT.read_text(encoding="cp1252").splitlines()
    below = text[4:-3]
    assert text[3].startswith("Customer No.;")
    return [line.split(";") for line in below]


def cents(amount: str) -> int:
    value = int(re.sub(r"[.,-]", "", amount))
    return -value if amount.endswith("-") else value


def test_the_page_has_commands_from_the_import_to_the_page_for_the_meeting() -> None:
    told = [" ".join(words[1:3]) if words[1] == "book" else words[1] for words in commands()]
    assert told == ["book import", "book profile", "book fit", "book backtest", "compare", "decide"]


def test_the_commands_of_the_page_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(EXPORT, tmp_path)
    monkeypatch.chdir(tmp_path)
    for words in commands():
        result = CliRunner().invoke(main, words[1:])
        assert result.exit_code == 0, (words, result.output)
    for place in ("nordhafen_profile", "profile", "decided"):
        assert (tmp_path / place / "accounts.xlsx").exists()
    # What the page says is kept for next month is still there at its end, beside the fitted market.
    assert "[columns]" in (tmp_path / "nordhafen.toml").read_text(encoding="utf-8")
    market = CliRunner().invoke(main, ["scenario", "check", "nordhafen_market.toml"])
    assert market.exit_code == 0, market.output


# ---------------------------------------------------------------- the export


def test_the_export_has_what_exports_have() -> None:
    content = EXPORT.read_bytes()
    assert b"\r\n" in content
    with pytest.raises(UnicodeDecodeError):
        content.decode()
    text = content.decode("cp1252")
    assert text.startswith("Nordhafen Verpackungen GmbH\r\nSales by document")
    assert "\r\nGrand Total;" in text
    assert max(map(len, text.splitlines())) < 200


def test_the_export_tells_what_the_page_says_of_it() -> None:
    """Numbers on the page are those of the file."""
    rows, page = lines(), " ".join(PAGE.read_text(encoding="utf-8").split())
    assert all(len(row) == 11 for row in rows)
    customers = {row[0] for row in rows if row[0]}
    assert f"{len(customers)} customers" in page
    no_sales = [row for row in rows if not row[0] or row[8] != "Posted"]
    assert f"{len(no_sales)} are no sales" in page
    assert {row[8] for row in no_sales} == {"Posted", "Lost", "Open", "Cancelled"}
    credits = [row for row in rows if row[9].endswith("-")]
    assert f"{len(credits)} credit notes" in page
    total = re.search(r"Grand Total;+([\d.,]+);EUR", EXPORT.read_text(encoding="cp1252"))
    assert total is not None
    assert sum(cents(row[9]) for row in rows) == cents(total[1])
    assert total[1] in page
    segments = {row[0]: row[3] for row in rows if row[0]}
    counted = {word: sum(segment == word for segment in segments.values()) for word in ("Strategic", "Key Account")}
    assert f"{counted['Strategic']} strategic and {counted['Key Account']} key accounts" in page
    assert len({row[2] for row in rows if row[2]}) == 5
    assert len({row[4] for row in rows if row[4]}) > 1
    assert {row[7][-4:] for row in rows} == {"2022", "2023", "2024", "2025"}


def test_customers_keep_their_name_and_zeros() -> None:
    rows = [row for row in lines() if row[0]]
    assert all(row[0].startswith("00") for row in rows)
    assert len({(row[0], row[1]) for row in rows}) == len({row[0] for row in rows})


def test_the_export_can_be_made_again(tmp_path: Path) -> None:
    made = runpy.run_path(str(MAKER))
    for name in ("one.csv", "two.csv"):
        made["main"](tmp_path / name)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    head = EXPORT.read_bytes().splitlines()[:4]
    assert (tmp_path / "one.csv").read_bytes().splitlines()[:4] == head
