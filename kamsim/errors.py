"""The errors that a user can cause: one sentence each, on one line, and how to name the nearest valid choice."""

import difflib
from collections.abc import Iterable

MOST_SHOWN = 60  # characters of a value; nobody reads more of it in a sentence


class KamsimError(Exception):
    """A fault in what the user gave: one sentence that names the file, the key or line, and the way out.

    Parameters
    ----------
    sentence : str
        Whatever names and values it holds, it is kept on one line, without control characters. An argument stands
        in backquotes, as in "choose another `out`": the command line says its option instead.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(on_one_line(sentence))


def on_one_line(text: str) -> str:
    r"""Write text as one line that a terminal shows and does not obey.

    Parameters
    ----------
    text : str
        Perhaps with line breaks, control characters, or bytes of a file name that are no text.

    Returns
    -------
    str
        Each of those as its escape, ``\n`` or ``\x1b``; all else as it is.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def shown(value: object) -> str:
    """Write a value that the user gave, as a sentence quotes it: on one line and not at length.

    Parameters
    ----------
    value : object
        Of a file or the command line.

    Returns
    -------
    str
        As Python and TOML write it, texts in quotes.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= MOST_SHOWN else value[: MOST_SHOWN - 3] + "...")
    try:
        text = on_one_line(repr(value))
    except (ValueError, RecursionError):
        # Python writes no number of more than some thousand digits, and no table that is too deep.
        return "a number too long to be shown" if isinstance(value, int) else "what is too long to be shown"
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."


def nearest(name: str, choices: Iterable[str]) -> str:
    """Say which valid choice is nearest to a mistyped one, as the tail of an error sentence.

    Parameters
    ----------
    name : str
        What the user wrote.
    choices : iterable of str
        What would have been valid.

    Returns
    -------
    str
        ``did you mean 'x'?`` where one is near, else the list of valid choices.
    """
    valid = sorted(choices)
    # Nobody mistypes at such length, and comparing takes its square.
    close = difflib.get_close_matches(name[:200], valid, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return "choose from " + ", ".join(valid)
