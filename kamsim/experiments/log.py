"""A log of dear evaluations that survives an interruption: what was done once is not done again."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from kamsim.errors import KamsimError
from kamsim.experiments.files import LOCK, alone, naming
from kamsim.experiments.manifest import arithmetic

LOG = "evaluations.jsonl"
CALIBRATION = "calibration"


class Evaluations:
    """Evaluations of one undertaking, one line each, on the disk before the next begins; use `logged`."""

    def __init__(
        self,
        path: Path | None,
        file: BinaryIO | None,
        known: list[dict[str, object]],
        begun_with: object = None,
        kind: str = CALIBRATION,
    ) -> None:
        self.path, self._file, self._known, self._begun_with, self._kind = path, file, known, begun_with, kind
        self._asked = 0

    def find(self, what: Mapping[str, object]) -> dict[str, object] | None:
        """Find the result of the next evaluation if it was done before; else None.

        They come in the same order whenever all else is the same, so it is an error where the log has another one
        there.
        """
        if self._asked >= len(self._known):
            return None
        line = self._known[self._asked]
        result = line.get("result")
        if line.get("what") == _plain(what) and isinstance(result, dict):
            self._asked += 1
            return result
        elsewhere = "" if self._begun_with == arithmetic() else ", whose last digits are those of another machine"
        raise KamsimError(
            f"{self.path}: evaluation {self._asked + 1} is not the one that this {self._kind} makes{elsewhere}; "
            "choose another `out`, or remove the file to begin anew"
        )

    def add(self, what: Mapping[str, object], result: Mapping[str, object]) -> None:
        """Write down an evaluation and what it gave."""
        line: dict[str, object] = {"what": dict(what), "result": dict(result)}
        self.append(line)
        self._known.append(line)
        self._asked += 1

    def append(self, line: Mapping[str, object]) -> None:
        """Write a line, which is on the disk when this returns."""
        if self._file is None:
            return
        with naming(self.path or LOG, advice="what is done so far is kept"):
            self._file.write(_written(line))
            self._file.flush()
            os.fsync(self._file.fileno())


@contextmanager
def logged(
    folder: Path | None,
    settings: Mapping[str, object],
    note: Callable[[str], None] | None = None,
    kind: str = CALIBRATION,
) -> Iterator[Evaluations]:
    """Open the log of an undertaking of a kind, alone; without a folder it is kept in memory only.

    A log of other settings is refused, as is a folder that another process works in, or that holds something else. From
    the first damaged line on, evaluations are dropped, and `note` is told.
    """
    if folder is None:
        yield Evaluations(None, None, [])
        return
    path = folder / LOG
    with ExitStack() as stack:
        with naming(folder, advice="choose another `out`"):
            if folder.exists() and not folder.is_dir():
                raise KamsimError(f"{folder}: is a file, not a folder; choose another `out`")
            if folder.is_dir() and not path.exists() and {entry.name for entry in folder.iterdir()} - {LOCK}:
                raise KamsimError(f"{folder}: already holds other files; choose another `out`")
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(alone(folder, kind))
            lines, length, dropped = _whole_lines(path, kind)
            if lines and lines[0].get("settings") != _plain(settings):
                differs = _first_difference(lines[0].get("settings"), _plain(settings))
                raise KamsimError(f"{folder}: holds another {kind} ({differs}); choose another `out`")
            file = stack.enter_context(path.open("ab"))
            file.truncate(length)
        if dropped and note is not None:
            note(f"{path}: line {len(lines) + 1} is damaged; it and what follows are dropped, and evaluated again")
        first = lines[0] if lines else {"settings": _plain(settings), "arithmetic": arithmetic()}
        log = Evaluations(path, file, lines[1:], first.get("arithmetic"), kind)
        if not lines:
            log.append(first)
        yield log


def read_log(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read a finished log: the settings that it was begun with, and its evaluations up to the first damaged one."""
    path = folder / LOG
    if not path.is_file():
        raise KamsimError(f"{path}: there is no such file; give the folder of a finished calibration")
    lines, _, _ = _whole_lines(path)
    if not lines or not isinstance(lines[0].get("settings"), dict):
        raise KamsimError(f"{path}: does not say what it was begun with; give the folder of a finished calibration")
    first: dict[str, Any] = lines[0]["settings"]  # type: ignore[assignment]
    return first, lines[1:]


def _plain(content: Mapping[str, object]) -> dict[str, object]:
    """Values as they come back from a log."""
    plain: dict[str, object] = json.loads(json.dumps(content))
    return plain


def _written(line: Mapping[str, object]) -> bytes:
    """A line of the log, with the checksum of what it says."""
    check = hashlib.sha256(json.dumps(line).encode()).hexdigest()[:16]
    return (json.dumps({**line, "check": check}) + "\n").encode()


def _whole_lines(path: Path, kind: str = CALIBRATION) -> tuple[list[dict[str, object]], int, int]:
    """Lines of a log up to the first that is damaged, their length in bytes, and how many whole lines are not."""
    content = path.read_bytes() if path.exists() else b""
    *ended, cut = content.split(b"\n")
    lines: list[dict[str, object]] = []
    for text in ended:
        try:
            line = json.loads(text)
            del line["check"]
            whole = _written(line) == text + b"\n"
        except (ValueError, TypeError, LookupError, RecursionError):
            whole = False
        if not whole:
            break
        lines.append(line)
    # A first line that an interruption cut short is a log all the same; anything else is not ours.
    if not lines and (ended or not cut.startswith(b'{"settings"'[: len(cut)])):
        raise KamsimError(f"{path}: is no log of a {kind} that can be read; choose another `out`, or remove it")
    return lines, sum(len(text) + 1 for text in ended[: len(lines)]), len(ended) - len(lines)


def _first_difference(before: object, now: dict[str, object]) -> str:
    if not isinstance(before, dict):
        return "its settings cannot be read"
    for name, value in now.items():
        if before.get(name) != value:
            old = before.get(name)
            return f"{name} differs" if isinstance(value, dict | list) else f"{name} is {old} there, {value} here"
    return "its settings differ"
