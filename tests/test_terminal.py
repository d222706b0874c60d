"""Tables in a terminal: whatever stands in them, they fit, stay in line and lose nothing."""

from hypothesis import given
from hypothesis import strategies as st

from kamsim.report.table import Group, Row, Table
from kamsim.report.terminal import GAP, WIDTH, text_of

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=70)
FIGURES = st.lists(st.text("+-0123456789.", min_size=1, max_size=14), min_size=3, max_size=3)
ROW = st.builds(
    lambda name, figures, last: Row((name, *figures, last)), WORDS, FIGURES, st.sampled_from(["", "better"])
)
ROWS = st.lists(ROW, min_size=1, max_size=8)


@given(rows=ROWS, heading=WORDS, title=WORDS)
def test_a_table_fits_80_columns_and_keeps_names_whole_and_figures_in_line(
    rows: list[Row], heading: str, title: str
) -> None:
    columns = ("", "mean", "difference", "95 % interval", "")
    drawn = text_of(Table((Group(heading, tuple(rows)),), columns, title, ("what it means",)))
    lines = drawn.plain.splitlines()
    assert lines[0] == title
    assert lines[-1] == "what it means"
    assert max(map(len, lines)) <= WIDTH
    body = lines[lines.index(next(line for line in lines if "95 % interval" in line)) + 1 :]
    widths = [max(len(row.cells[place]) for row in (*rows, Row(columns))) for place in (1, 2, 3)]
    for row in rows:
        figures = GAP.join(cell.rjust(width) for cell, width in zip(row.cells[1:4], widths, strict=True))
        assert row.cells[0] in drawn.plain
        assert any(line.endswith(f"{GAP}{figures}{GAP}{row.cells[4]}".rstrip()) for line in body)
    ends = {len(line.removesuffix(f"{GAP}better")) for line in body[1:-2] if line.startswith(" ") or GAP in line}
    assert len(ends) == 1


def test_a_name_that_fits_nowhere_has_a_line_of_its_own() -> None:
    rows = (Row(("short", "1", "better"), "good"), Row(("long " * 20, "2", "")))
    lines = text_of(Table((Group("", rows),), ("", "mean", ""))).plain.splitlines()
    assert [line.split() for line in lines] == [["mean"], ["short", "1", "better"], ["long"] * 20, ["2"]]


def test_a_last_remark_wraps_below_itself_and_empty_tables_have_no_header() -> None:
    meaning = "a word " * 30
    (first, *others) = text_of(Table((Group("", (Row(("meaning", meaning)),)),))).plain.splitlines()
    assert first.startswith("meaning  a word")
    assert others
    assert all(line.startswith(" " * 9 + "a word") or line.startswith(" " * 9 + "word") for line in others)
    assert " ".join([first.removeprefix("meaning"), *others]).split() == meaning.split()
    assert text_of(Table((Group("", ()),), ("", "mean"), "0 of 3 parameters")).plain == "0 of 3 parameters"
