"""A log of dear evaluations that survives an interruption: what was done once is not done again."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kamsim.errors import KamsimError

LOG = "evaluations.jsonl"


class Evaluations:
    """Evaluations of one undertaking, one line each, on the disk before the next begins.

    Parameters
    ----------
    folder : Path or None
        Holds the log; None keeps it in memory only.
    settings : mapping
        What the evaluations depend on; a log of other settings is refused.

    Raises
    ------
    KamsimError
        Where the folder cannot be written, or holds another undertaking.
    """

    def __init__(self, folder: Path | None, settings: Mapping[str, Any]) -> None:
        self.path = None if folder is None else folder / LOG
        self._known: list[dict[str, Any]] = []
        self._file: Any = None
        self._asked = 0
        if self.path is not None:
            self._open(self.path, json.loads(json.dumps(settings)))

    def _open(self, path: Path, settings: dict[str, Any]) -> None:
        if path.parent.is_dir() and not path.exists() and any(path.parent.iterdir()):
            raise KamsimError(f"{path.parent}: already holds other files; choose another --out")
        if path.parent.exists() and not path.parent.is_dir():
            raise KamsimError(f"{path.parent}: is a file, not a folder; choose another --out")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = _whole_lines(path)
            self._file = path.open("ab")
        except OSError as error:
            raise KamsimError(f"{path.parent}: cannot be written: {error.strerror}; choose another --out") from None
        if not lines:
            self._append({"settings": settings})
            return
        if lines[0].get("settings") != settings:
            self._file.close()
            differs = _first_difference(lines[0].get("settings"), settings)
            raise KamsimError(f"{path.parent}: holds another calibration ({differs}); choose another --out")
        self._known = lines[1:]

    def find(self, what: Mapping[str, Any]) -> dict[str, Any] | None:
        """Result of the next evaluation if it was done before.

        Parameters
        ----------
        what : mapping
            What is evaluated.

        Returns
        -------
        dict or None
            What it gave. Evaluations come in the same order whenever all else is the same; from the first that
            differs on, nothing is taken from the log.
        """
        if self._asked < len(self._known):
            line = self._known[self._asked]
            if line.get("what") == json.loads(json.dumps(what)) and isinstance(line.get("result"), dict):
                self._asked += 1
                result: dict[str, Any] = line["result"]
                return result
            raise KamsimError(
                f"{self.path}: evaluation {self._asked + 1} is not the one that this calibration makes; "
                "choose another --out, or remove the file to begin anew"
            )
        return None

    def add(self, what: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Write down an evaluation and what it gave."""
        self._append({"what": dict(what), "result": dict(result)})
        self._asked += 1
        self._known.append({"what": dict(what), "result": dict(result)})

    def _append(self, line: dict[str, Any]) -> None:
        if self._file is None:
            return
        try:
            self._file.write((json.dumps(line) + "\n").encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise KamsimError(
                f"{self.path}: cannot be written: {error.strerror}; what is done so far is kept"
            ) from None

    def __enter__(self) -> Self:
        """Use the log; it is closed at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the log."""
        if self._file is not None:
            self._file.close()


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """Lines of a log; a last line that an interruption cut short is cut off the file as well."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        with path.open("r+b") as file:
            file.truncate(len(whole))
    try:
        lines = [json.loads(line) for line in whole.splitlines()]
        if all(isinstance(line, dict) for line in lines):
            return lines
    except ValueError:
        pass
    raise KamsimError(f"{path}: is no log of a calibration; choose another --out")


def _first_difference(before: Any, now: dict[str, Any]) -> str:
    if not isinstance(before, dict):
        return "its settings cannot be read"
    for name, value in now.items():
        if before.get(name) != value:
            old = before.get(name)
            return f"{name} differs" if isinstance(value, dict | list) else f"{name} is {old} there, {value} here"
    return "its settings differ"
