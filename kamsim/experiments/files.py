"""Files that reports write: checked before anything is played, and written whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kamsim.errors import KamsimError


def check_target(path: Path, suffix: str) -> None:
    """Refuse a file that cannot be written, before anything is played.

    Parameters
    ----------
    path : Path
        To be written, or written anew.
    suffix : str
        That it must have: a mistyped name must not cost anybody another file.

    Raises
    ------
    KamsimError
        One sentence naming the file.
    """
    if path.suffix != suffix:
        raise KamsimError(f"{path}: the name of this file must end in {suffix}")
    if path.is_dir():
        raise KamsimError(f"{path}: is a folder; name a file in it")
    if not path.parent.is_dir():
        raise KamsimError(f"{path}: there is no folder {path.parent}; create it first")
    if not os.access(path.parent, os.W_OK):
        raise KamsimError(f"{path}: the folder cannot be written; choose another")


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    write : callable
        Given the path to write to, which then takes the place of the other.

    Raises
    ------
    KamsimError
        Where the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:
        raise KamsimError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    text : str
        Its content.

    Raises
    ------
    KamsimError
        Where the file cannot be written.
    """
    write_whole(path, lambda beside: beside.write_text(text, encoding="utf-8", newline="\n"))
