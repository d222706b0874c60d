"""What kamsim may be used for is said once, of every command that plays, and everything it names is there."""

import re
from collections import Counter
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from kamsim.cli import main
from kamsim.cli.frame import LIGHT
from kamsim.report.context_of_use import CONTEXTS, LABELS, NEVER, ContextOfUse, contexts_of
from kamsim.report.evidence import evidence_page
from kamsim.report.trace import TRACE

ROOT = Path(__file__).resolve().parents[1]
PLAYING = sorted(set(main.commands) - set(LIGHT))
TEXTS = [NEVER, *(text for context in CONTEXTS.values() for text in context), *(element.says for element in TRACE)]
MOST_WORDS = 700  # of TRACE: read in three minutes
MOST_WORDS_OF_A_CONTEXT = 90
ALIKE = 7  # words in a row that say the same thing again


def on_one_line(text: str) -> str:
    return " ".join(text.split())


def options_of(command: str) -> set[str]:
    return {option for param in main.commands[command].params for option in param.opts}


def test_every_command_that_plays_has_a_context_of_use_and_no_other_has() -> None:
    assert len(PLAYING) >= 9
    assert {words for words in CONTEXTS if " " not in words} == set(PLAYING)
    for words in CONTEXTS:
        command, _, option = words.partition(" ")
        assert not option or option in options_of(command), words


@pytest.mark.parametrize("command", PLAYING)
def test_help_ends_with_the_context_of_use(command: str) -> None:
    said = on_one_line(CliRunner().invoke(main, [command, "--help"]).output)
    told = ""
    for words, context in contexts_of(command).items():
        option = words.partition(" ")[2]
        told += f" Context of use{option and f' with {option}'}:"
        told += "".join(f" {label} {text}" for label, text in zip(LABELS, context, strict=True))
    assert told
    assert said.endswith(told.replace("`", ""))


@pytest.mark.parametrize("command", LIGHT)
def test_a_command_that_plays_nothing_has_none_in_its_help(command: str) -> None:
    assert "Context of use" not in CliRunner().invoke(main, [command, "--help"]).output
    assert not contexts_of(command)


def test_the_page_has_all_elements_in_their_order_and_all_contexts() -> None:
    page = on_one_line(evidence_page())
    places = [page.index(f"**{number}. {element.name}.** {element.says}") for number, element in enumerate(TRACE, 1)]
    assert len(places) == 8  # Grimm et al. 2014
    assert places == sorted(places)
    for words, context in CONTEXTS.items():
        told = " ".join(f"*{label}* {text}" for label, text in zip(LABELS, context, strict=True))
        assert page.index(f"**`kamsim {words}`** {told}") > page.index(NEVER) > places[-1]


def test_nothing_is_said_twice() -> None:
    runs = Counter[tuple[str, ...]]()
    for text in TEXTS:
        words = re.findall(r"[\w'%]+", text.lower())
        runs.update({tuple(words[place : place + ALIKE]) for place in range(len(words) - ALIKE + 1)})
    assert len(runs) > 1000
    assert not [" ".join(run) for run, times in runs.items() if times > 1]


def test_everything_that_is_named_is_there() -> None:
    named = [name for text in TEXTS for name in re.findall(r"`([^`]+)`", text)]
    files = [name for name in named if "/" in name]
    assert len(files) >= 15
    assert not [name for name in files if not (ROOT / name).exists()]
    for name in set(named) - set(files):
        words = name.removeprefix("kamsim ").split()
        command = next((word for word in words if not word.startswith("-")), "")
        options = options_of(command) if command else set().union(*map(options_of, PLAYING))
        assert not command or command in main.commands, name
        assert {word for word in words if word.startswith("-")} <= options, name


@pytest.mark.parametrize(("words", "context"), CONTEXTS.items())
def test_options_that_a_context_names_are_those_of_its_command(words: str, context: ContextOfUse) -> None:
    named = set(re.findall(r"`(--[a-z]+)`", " ".join(context)))
    assert named <= options_of(words.partition(" ")[0])


def test_texts_are_short_whole_and_go_on_from_their_labels() -> None:
    assert sum(len(element.says.split()) for element in TRACE) <= MOST_WORDS
    for words, context in CONTEXTS.items():
        assert sum(len(text.split()) for text in context) <= MOST_WORDS_OF_A_CONTEXT, words
    for text in TEXTS:
        assert text.endswith(".")
        assert "  " not in text
        assert text.count("`") % 2 == 0
    assert all(text[0].islower() for context in CONTEXTS.values() for text in context)


def test_commands_within_groups_have_the_help_they_had() -> None:
    group = main.commands["scenario"]
    assert isinstance(group, click.Group)
    for name in group.commands:
        assert "Context of use" not in CliRunner().invoke(main, ["scenario", name, "--help"]).output
