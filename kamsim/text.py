"""Text files of users: read whatever they hold, and written so that no program takes a name for a formula."""

import csv
import io
import re
import tomllib
from collections.abc import Iterable
from numbers import Number
from pathlib import Path

from kamsim.errors import KamsimError, on_one_line

MOST_NESTED = 20  # tables in tables; ours need five
MOST_BITS = 10_000  # of a number; Python writes none of more than some 14,000

# The reader of TOML takes memory by the square of the parts of a dotted name.
_LONG_NAME = re.compile(r"""(?<![\w-])(?:(?:"[^"\n]*"|'[^'\n]*'|[\w-]++)[ \t]*+\.[ \t]*+){100}""")
_FORMULA = re.compile(r"(^|[,;])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def read_text(path: Path) -> str:
    """Read a text file of a user.

    Parameters
    ----------
    path : Path
        Of a file in UTF-8, with or without a byte order mark.

    Returns
    -------
    str
        Its content.

    Raises
    ------
    KamsimError
        Where it cannot be read, or is no such text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise KamsimError(f"{path}: not a text file in UTF-8") from None
    except OSError as error:
        raise KamsimError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:  # a NUL in the name
        raise KamsimError(f"{path}: cannot be read: {error}") from None


def read_toml(path: Path, what: str) -> dict[str, object]:
    """Read a TOML file of a user.

    Parameters
    ----------
    path : Path
        Of the file.
    what : str
        It should be, ``a scenario``.

    Returns
    -------
    dict
        Its content, not nested deeper than any code here can follow.

    Raises
    ------
    KamsimError
        Where it cannot be read, or is no TOML of that kind.
    """
    text = read_text(path)
    if _LONG_NAME.search(text):
        raise KamsimError(f"{path}: not {what}: tables are nested too deep")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KamsimError(f"{path}: not valid TOML: {error}") from None
    except (ValueError, RecursionError):
        raise KamsimError(f"{path}: not {what}: a number is too long or tables are nested too deep") from None
    if not _can_be_written(content):
        raise KamsimError(f"{path}: not {what}: a number is too long or tables are nested too deep")
    return content


def _can_be_written(content: dict[str, object]) -> bool:
    """Whether code that goes down into tables, and sentences that quote a number, can do with a content.

    Dotted names nest without any recursion of the reader, and hexadecimal numbers may have any length.
    """
    level: list[dict[str, object] | list[object]] = [content]
    for _ in range(MOST_NESTED):
        values = [value for place in level for value in (place.values() if isinstance(place, dict) else place)]
        if any(isinstance(value, int) and value.bit_length() > MOST_BITS for value in values):
            return False
        level = [value for value in values if isinstance(value, dict | list)]
        if not level:
            return True
    return False


def neutral(text: str) -> str:
    """Write a text so that a spreadsheet does not take it for a formula.

    Parameters
    ----------
    text : str
        A name, say, of a file that somebody else has named.

    Returns
    -------
    str
        On one line, with an apostrophe where a spreadsheet, whichever separator it goes by, would see a formula begin.
    """
    return _FORMULA.sub(r"\1\2'", on_one_line(text))


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Write rows as CSV: every file of that kind goes through here.

    Parameters
    ----------
    rows : iterable of iterable
        The header among them; None becomes an empty field, what is no number is written as a `neutral` text.

    Returns
    -------
    str
        A line per row.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([cell if cell is None or isinstance(cell, Number) else neutral(str(cell)) for cell in row])
    return text.getvalue()
