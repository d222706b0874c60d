"""The ledger for people: a table in a terminal, one parameter in full, and the page of the documentation."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from kamsim.errors import KamsimError, nearest
from kamsim.evidence.ledger import ANY_TIER, LEDGER, SECTIONS, Kind, Parameter, number_text, range_text
from kamsim.evidence.published import OUTCOMES
from kamsim.report.context_of_use import CONTEXTS, LABELS, NEVER
from kamsim.report.table import Group, Row, Table
from kamsim.report.trace import TRACE

KINDS: tuple[str, ...] = get_args(Kind)

# What a value of each kind rests on.
KINDS_SAY = {
    "published": "printed in a source",
    "measured": "measured in real account books",
    "calibrated": "fitted, so that results of the model are what was published or measured",
    "assumed": "a plausible choice; not published, measured or fitted",
}
MADE_FROM = (
    "Made from `trace.py` and `context_of_use.py` in `kamsim/report`, `ledger.py`, `fitted.toml` and `published.py` in "
    "`kamsim/evidence`; do not edit it here: `kamsim evidence --markdown > docs/evidence.md` writes it anew."
)
TRACE_SAYS = (
    "TRACE (Grimm et al. 2014, Ecological Modelling 280, 129-139) asks eight things of a model that decisions rest on; "
    "each is answered with the documents, commands and tests that show it."
)
WIDTH = 120  # of the page
OTHER_TIERS = f"{ANY_TIER}.*: defaults for tiers of your own; only their number of accounts (seats) has to be given"


class Evidence(NamedTuple):
    """Rows of the ledger that were asked for: a table of some, and others in full."""

    table: tuple[Parameter, ...]
    full: tuple[Parameter, ...]

    def to_dict(self) -> dict[str, object]:
        """Content for JSON: how many rows of each kind, and the rows."""
        rows = [*self.table, *self.full]
        return {"counts": counts_of(rows), "parameters": [row._asdict() for row in rows]}


def evidence_of(words: Sequence[str]) -> Evidence:
    """Rows of the ledger by kind, section or name; all without a word.

    Kinds and sections narrow the table, ``assumed world``; named parameters are shown in full. An error where a word is
    none of these.
    """
    names = {row.name for row in LEDGER}
    for word in words:
        if word not in names.union(KINDS, SECTIONS):
            raise KamsimError(f"'{word}' is no kind, section or parameter; {_nearest(word, names)}")
    kinds, sections = set(words) & set(KINDS), set(words) & set(SECTIONS)
    table = tuple(
        row for row in LEDGER if (not kinds or row.kind in kinds) and (not sections or row.section in sections)
    )
    full = tuple(row for row in LEDGER if row.name in words)
    return Evidence(table if kinds or sections or not full else (), full)


def _nearest(word: str, names: Iterable[str]) -> str:
    tail = nearest(word, [*KINDS, *SECTIONS, *names])
    if tail.startswith("did"):
        return tail
    # A hundred names would help nobody.
    return f"choose from {', '.join([*KINDS, *SECTIONS])}, or name a parameter"


def counts_of(rows: Iterable[Parameter]) -> dict[str, int]:
    """How many rows are of each kind, all kinds."""
    kinds = [row.kind for row in rows]
    return {kind: kinds.count(kind) for kind in get_args(Kind)}


def counts_sentence(rows: Sequence[Parameter]) -> str:
    """Say how many parameters are published, measured, calibrated and assumed."""
    total = f"{len(LEDGER)} parameters" if len(rows) == len(LEDGER) else f"{len(rows)} of {len(LEDGER)} parameters"
    return f"{total}: " + ", ".join(f"{count} {kind}" for kind, count in counts_of(rows).items())


# ---------------------------------------------------------------- terminal


def evidence_tables(evidence: Evidence) -> list[Table]:
    """Counts and a table by section, kind and source; then the parameters that were named, each in full."""
    tables = [_ledger_table(evidence.table)] if evidence.table or not evidence.full else []
    return [*tables, *map(_parameter_table, evidence.full)]


def _ledger_table(rows: Sequence[Parameter]) -> Table:
    groups = tuple(
        Group(f"[{section}] {kind}: {source}", tuple(map(_ledger_row, group)))
        for section in SECTIONS
        for (kind, source), group in _by_source(rows, section).items()
    )
    others = (OTHER_TIERS,) if any(row.name.startswith(f"{ANY_TIER}.") for row in rows) else ()
    return Table(groups, ("", "value", "range", "unit"), counts_sentence(rows), others)


def _ledger_row(row: Parameter) -> Row:
    return Row((row.name, number_text(row.default), _range(row), row.unit))


def _by_source(rows: Iterable[Parameter], section: str) -> dict[tuple[str, str], list[Parameter]]:
    """Rows of a section by kind and source, the best known first."""
    groups: dict[tuple[str, str], list[Parameter]] = {}
    for row in sorted((row for row in rows if row.section == section), key=lambda row: KINDS.index(row.kind)):
        groups.setdefault((row.kind, row.source), []).append(row)
    return groups


def _parameter_table(row: Parameter) -> Table:
    said = {
        "value": number_text(row.default),
        "range": _range(row),
        "unit": row.unit,
        "meaning": row.meaning,
        "kind": f"{row.kind}: {KINDS_SAY[row.kind]}",
        "source": row.source,
    }
    return Table((Group("", tuple(map(Row, said.items()))),), title=f"{row.name} in [{row.section}]")


def _range(row: Parameter) -> str:
    return range_text(row.low, row.high, row.excluded)


# ---------------------------------------------------------------- documentation


def evidence_page() -> str:
    """``docs/evidence.md``: TRACE, contexts of use, every parameter by section, published figures, as Markdown."""
    sources = list(dict.fromkeys([*(row.source for row in LEDGER), *(figure.source for figure in OUTCOMES)]))
    lines = [
        "# What kamsim rests on, and what it must not be used for",
        "",
        *_wrapped(MADE_FROM),
        "",
        *_page_of_trace(),
        *_page_of_contexts(),
        *_page_of_parameters(sources),
        "## Published outcomes",
        "",
        "None is an input of the model; `kamsim survey` prints the results of the model beside them.",
        "",
        *_markdown_table(("figure", "value", "what it says", "source"), _page_figures(sources)),
        "",
        "## Sources",
        "",
        *(f"{number}. {source}" for number, source in enumerate(sources, start=1)),
    ]
    return "\n".join(lines) + "\n"


def _page_of_trace() -> list[str]:
    lines = ["## The model by TRACE", "", *_wrapped(TRACE_SAYS), ""]
    for number, element in enumerate(TRACE, start=1):
        lines += [*_wrapped(f"**{number}. {element.name}.** {element.says}"), ""]
    return lines


def _page_of_contexts() -> list[str]:
    lines = ["## Context of use", "", *_wrapped(NEVER), ""]
    for words, context in CONTEXTS.items():
        said = " ".join(f"*{label}* {text}" for label, text in zip(LABELS, context, strict=True))
        lines += [*_wrapped(f"**`kamsim {words}`** {said}"), ""]
    return lines


def _page_of_parameters(sources: list[str]) -> list[str]:
    lines = [
        "## Parameters",
        "",
        f"{counts_sentence(LEDGER)}. Numbers in brackets are sources, listed at the end.",
        "",
        *_markdown_table(("kind", "what a value of that kind is"), KINDS_SAY.items()),
        "",
    ]
    for section in SECTIONS:
        rows = [_page_row(row, sources) for row in LEDGER if row.section == section]
        header = ("parameter", "value", "range", "unit", "kind", "what it is")
        lines += [f"### {section}", "", *_markdown_table(header, rows), ""]
        lines += [OTHER_TIERS, ""] if section == "tiers" else []
    return lines


def _page_figures(sources: list[str]) -> list[tuple[str, ...]]:
    return [
        (f"`{figure.name}`", number_text(figure.value), figure.says, _mark(figure.source, sources))
        for figure in OUTCOMES
    ]


def _wrapped(paragraph: str) -> list[str]:
    """Lines of a paragraph; what stands between backticks is not parted at a hyphen."""
    return textwrap.wrap(paragraph, WIDTH, break_on_hyphens=False, break_long_words=False)


def _page_row(row: Parameter, sources: list[str]) -> tuple[str, ...]:
    kind = f"{row.kind} {_mark(row.source, sources)}"
    return f"`{row.name}`", number_text(row.default), _range(row), row.unit, kind, row.meaning


def _mark(source: str, sources: list[str]) -> str:
    return f"[{sources.index(source) + 1}]"


def _markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]
