"""The file of an account book as it is now: known by what it holds."""

import difflib
import hashlib
import os
from pathlib import Path

from kamsim.errors import KamsimError


def content_hash(path: str | os.PathLike[str]) -> str:
    """What a file holds, in 64 hexadecimal digits.

    Parameters
    ----------
    path : str or path
        Of a file of accounts.

    Returns
    -------
    str
        SHA-256: another for any other content.

    Raises
    ------
    KamsimError
        Where there is no such file, naming the nearest beside it, or it cannot be read.
    """
    file = Path(path)
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except FileNotFoundError:
        raise KamsimError(f"{path}: there is no such file of accounts; {_near(file)}") from None
    except IsADirectoryError:
        raise KamsimError(f"{path}: this is a folder; name the file of accounts in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KamsimError(f"{path}: cannot be read ({reason.lower()}); check its path and rights") from None


def _near(file: Path) -> str:
    try:
        beside = [entry.name for entry in file.parent.iterdir() if entry.is_file()]
    except OSError:
        return "check the path"
    close = difflib.get_close_matches(file.name, beside, n=1)
    return f"did you mean '{close[0]}'?" if close else "check the path"
