"""The errors that a user can cause: one sentence each, and how to name the nearest valid choice."""

import difflib
from collections.abc import Iterable


class KamsimError(Exception):
    """A fault in what the user gave: one sentence that names the file, the key or line, and the way out."""


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
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return "choose from " + ", ".join(valid)
