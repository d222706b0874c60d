"""No file that a spreadsheet opens holds a formula that somebody put into a name."""

import ast
import csv
import io
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from kamsim.cli import main
from kamsim.errors import KamsimError
from kamsim.experiments.workbook import MOST_LETTERS, Column, Sheet, workbook_bytes, write_workbook
from kamsim.report import calibration
from kamsim.text import csv_text

PACKAGE = Path(__file__).parent.parent / "kamsim"
PLANTED = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "a;=1+1",
    "\uff1d1+1",
]
STARTS = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
CELLS = st.text("=+-@ a;,\"'\t\n\r\x00\ud800\uff1d", max_size=9) | st.floats(-1e300, 1e300) | st.none()


def is_formula(cell: str) -> bool:
    return any(part.lstrip(" ").startswith(STARTS) for part in cell.replace(",", ";").split(";"))


def test_the_planted_are_found() -> None:
    assert all(map(is_formula, [name.replace("\n", "\t") for name in PLANTED]))


@pytest.mark.parametrize("name", PLANTED)
def test_a_name_is_no_formula_in_csv(name: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_text([[name, Path(name), -2.5]]), newline=""))
    assert not any(map(is_formula, row[:2]))
    assert row[2] == "-2.5"


def test_csv_is_written_in_one_place() -> None:
    """Whoever writes it elsewhere forgets that names are of others."""
    writers = {"writer", "DictWriter", "to_csv", "to_excel", "write_csv"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in writers:
                found.add(path.relative_to(PACKAGE).as_posix())
            if isinstance(node, ast.ImportFrom | ast.Import) and any("xlsxwriter" in one.name for one in node.names):
                found.add(path.relative_to(PACKAGE).as_posix())
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xlsxwriter"):
                found.add(path.relative_to(PACKAGE).as_posix())
    assert found == {"text.py", "experiments/workbook.py"}


# ---------------------------------------------------------------- workbooks


def cells_of(content: bytes, sheet: str = "accounts") -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(sheet).to_python()


def xml_of(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return "".join(parts.read(name).decode() for name in parts.namelist() if name.endswith((".xml", ".rels")))


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_no_cell_of_a_workbook_is_a_formula_or_a_link(rows: list[tuple[Any, Any]]) -> None:
    content = workbook_bytes([Sheet("accounts", (Column("=name"), Column("spend", "#,##0")), rows)])
    xml = xml_of(content)
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    read = cells_of(content)
    assert read[0] == ["'=name", "spend"]
    for cells, row in zip(read[1:], rows, strict=False):
        for cell, value in zip(cells, row, strict=False):
            if isinstance(value, str):
                assert isinstance(cell, str)
                assert not is_formula(cell)
            elif value is not None and np.isfinite(value):
                assert cell == pytest.approx(value, rel=1e-15)
            else:
                assert cell == ""


def test_texts_stay_texts_and_numbers_numbers() -> None:
    rows = [("00123", 1234.5, "https://example.com"), ("1E5", float("nan"), "12.50"), ("x", None, "y" * 40_000)]
    content = workbook_bytes([Sheet("accounts", (Column("id"), Column("spend", "#,##0"), Column("what")), rows)])
    read = cells_of(content)
    assert read[1] == ["00123", 1234.5, "https://example.com"]
    assert read[2] == ["1E5", "", "12.50"]
    assert read[3] == ["x", "", "y" * MOST_LETTERS]
    assert 'state="frozen"' in xml_of(content)
    assert "#,##0" in xml_of(content)


def test_the_same_tables_make_the_same_bytes() -> None:
    sheet = Sheet("accounts", (Column("id"), Column("spend")), [("a", 1.0)])
    assert workbook_bytes([sheet, sheet._replace(name="more")]) == workbook_bytes([sheet, sheet._replace(name="more")])


def test_a_workbook_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "accounts.xlsx"
    path.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError):
        write_workbook(path, [Sheet("accounts", (Column("id"),), Failing([("a",), ("b",)]))])
    assert path.read_bytes() == b"before"
    write_workbook(path, [Sheet("accounts", (Column("id"),), [("a",)])])
    assert cells_of(path.read_bytes()) == [["id"], ["a"]]
    assert [file.name for file in tmp_path.iterdir()] == ["accounts.xlsx"]


class Failing(list[tuple[str]]):
    def __iter__(self) -> Any:
        yield from self[:1]
        raise ZeroDivisionError


@pytest.mark.parametrize("name", ["accounts.csv", "nowhere/accounts.xlsx"])
def test_a_workbook_that_cannot_be_written_is_told_in_a_sentence(name: str, tmp_path: Path) -> None:
    with pytest.raises(KamsimError, match=r"must end in \.xlsx|there is no folder"):
        write_workbook(tmp_path / name, [Sheet("accounts", (Column("id"),), [])])


class Long(list[tuple[str]]):
    def __len__(self) -> int:
        return 1_048_576


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KamsimError, match="more than a sheet holds"):
        write_workbook(tmp_path / "a.xlsx", [Sheet("accounts", (Column("id"),), Long())])


def test_a_posterior_holds_no_formula_and_every_digit() -> None:
    """Its comments name files as a user has named them."""
    sets = [{"world.hazard": 0.1 + 0.2, "world.arrival": 1e-9}]
    found: Any = SimpleNamespace(fitted=sets[0], posterior=sets, reading="chances > 20 %")
    lines = calibration._posterior_csv(found, "kamsim calibrate, =1+1.toml").splitlines()
    assert not any(map(is_formula, (line.removeprefix("# ") for line in lines)))
    assert lines[-2:] == ["world.hazard,world.arrival", "0.30000000000000004,1e-09"]


def test_an_import_of_names_that_are_formulas_writes_none(tmp_path: Path) -> None:
    book = tmp_path / "mine.parquet"
    case = Path(__file__).parent / "cases" / "books" / "formula_names.csv"
    assert any(map(is_formula, csv_cells(case)))
    commands = (
        ("book", "import", str(case), "--out", str(book)),
        ("compare", "status_quo", "-n", "2", "--sets", "0", "--accounts", str(book), "--out", str(tmp_path / "out")),
    )
    for words in commands:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
    tables = sorted(tmp_path.rglob("*.csv"))
    assert {path.name for path in tables} >= {"accounts.csv", "comparison.csv", "bridge.csv"}
    for path in tables:
        assert not [cell for cell in csv_cells(path) if is_formula(cell) and not is_number(cell)], path.name
    (workbook,) = tmp_path.rglob("*.xlsx")
    assert "<f>" not in xml_of(workbook.read_bytes())
    assert not [
        cell for row in cells_of(workbook.read_bytes()) for cell in row if isinstance(cell, str) and is_formula(cell)
    ]


def csv_cells(path: Path) -> list[str]:
    text = io.StringIO(path.read_text(encoding="utf-8"), newline="")
    return [cell for row in csv.reader(text) for cell in row]


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
