"""What people read uses the words of the field, and says the key in files where that is another word."""

import re
from pathlib import Path

import pytest

from kamsim.evidence.ledger import LEDGER, SECTIONS, Parameter
from kamsim.measures.outcomes import MEASURES
from kamsim.report.scenarios import scenario_schema, template_text
from kamsim.report.table import meaning_of
from kamsim.scenario import LEVERS, load_scenario, numbers_of, shipped_scenarios

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
# Words of keys; people read others, which docs/glossary.md has.
OF_KEYS = re.compile(
    r"\b(seats?|ambitions?|promised?|promises|ties?|needs?|premiums?|patience|alignment|organizations?|noise|"
    r"disruption|twins?|(?<!share of )wallets?)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("row", LEDGER, ids=lambda row: f"{row.section}.{row.name}")
def test_a_meaning_uses_a_word_of_keys_only_in_parentheses(row: Parameter) -> None:
    assert not OF_KEYS.search(re.sub(r"\([^()]*\)", "", row.meaning))
    assert not OF_KEYS.search(row.unit)


def test_words_of_keys_are_found() -> None:
    assert OF_KEYS.search("budgeted seats per KAM")
    assert OF_KEYS.search("spread of Wallets")
    assert not OF_KEYS.search("share of wallet that full trust adds")


@pytest.mark.parametrize("name", shipped_scenarios())
def test_the_question_of_a_scenario_uses_the_words_of_the_field(name: str) -> None:
    assert not OF_KEYS.search(load_scenario(name).question)


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("seats", "number of accounts in the tier (seats)"),
        ("promise", "service commitment (promise)"),
        ("attention", "priority of the tier for KAM time (attention)"),
        ("ambition_least", "partnership level (ambition)"),
        ("premium_mean", "stretch (premium)"),
        ("follow", "portability (follow)"),
        ("disruption", "transition loss (disruption)"),
        ("boundaries", "partnership level (ambition)"),
    ],
)
def test_both_words_stand_in_the_schema_and_in_a_new_scenario(key: str, word: str) -> None:
    lines = [line for line in template_text("mine").splitlines() if line.startswith(f"# {key} = ")]
    assert lines
    told = [
        fields["properties"][key]["description"]
        for fields in scenario_schema()["$defs"].values()
        if key in fields["properties"] and fields["properties"][key].get("description")
    ]
    if key in LEVERS:  # in [population] it is the part of suppliers that pull it
        lines, told = lines[:1], [text for text in told if "lever" in text]
    assert told
    assert all(word in text for text in (*lines, *told))


def test_what_is_in_parentheses_is_not_part_of_a_sentence() -> None:
    assert meaning_of("portability (follow): share of wallet lost") == "portability"
    assert meaning_of("spread of category spend (wallet; lognormal)") == "spread of category spend"


def test_the_glossary_names_keys_that_there_are() -> None:
    text = GLOSSARY.read_text(encoding="utf-8")
    named = set(re.findall(rf"`((?:{'|'.join(SECTIONS)})\.[a-z_.]+)`", text))
    known = {*numbers_of(["key", "strategic"]), *(f"policy.{lever}" for lever in LEVERS)}
    assert len(named) > 20
    assert named <= known


def test_the_glossary_names_measures_that_there_are() -> None:
    table = GLOSSARY.read_text(encoding="utf-8").partition("## Measures")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_0-9]+)`", table))
    assert len(named) > 10
    assert named <= {measure.name for measure in MEASURES}


@pytest.mark.parametrize(
    "word",
    [
        "account plan", "white space", "cost to serve", "lifetime value", "net revenue retention", "executive sponsor",
        "procurement", "renewal", "account team", "churn", "counterfactual", "common random numbers",
    ],
)  # fmt: skip
def test_the_glossary_has_words_that_readers_look_for(word: str) -> None:
    assert re.search(rf"^\| [^|]*\b{word}\b[^|]* \|", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_readme_leads_to_the_glossary() -> None:
    assert "docs/glossary.md" in (ROOT / "README.md").read_text(encoding="utf-8")
