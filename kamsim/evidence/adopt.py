"""Make the result of ``kamsim calibrate`` the default: ``python -m kamsim.evidence.adopt build/calibration``.

Its best fit becomes what the ledger reads, and its posterior ships; ``make calibration`` calls it. ``--stamp`` instead
of a folder says that the shipped posterior holds for the model as it is now written; ``make stamp`` does so once the
frozen comparison has come out as before.
"""

import re
import shutil
import sys
import tomllib
from pathlib import Path

from kamsim.evidence.posterior import SHIPPED
from kamsim.source import model_hash


def main(folder: Path) -> None:
    """Adopt the calibration in a folder."""
    shipped = SHIPPED.with_name("fitted.toml")
    shipped.write_text(
        merged(shipped.read_text(encoding="utf-8"), (folder / "fitted.toml").read_text(encoding="utf-8")),
        encoding="utf-8",
        newline="\n",
    )
    posterior = folder / "posterior.csv"
    if posterior.exists():  # a fit of the world alone has none
        shutil.copy(posterior, SHIPPED)


def merged(shipped: str, found: str) -> str:
    """Values as they ship, with those that were found anew; each layer of the fit leaves those of the other alone.

    Parameters
    ----------
    shipped, found : str
        The two files; the comments that say how values were found are those of the second, and of the layer that is
        left alone.

    Returns
    -------
    str
        The file as it ships from now on.
    """
    of_world = "--world" in found.partition("\n")[0]
    before, anew = tomllib.loads(shipped), tomllib.loads(found)
    lines = [line for line in shipped.splitlines() if line.startswith("# kamsim") and ("--world" in line) != of_world]
    lines += [line for line in found.splitlines() if line.startswith("#")]
    for table in ("world", "rebuild", "tiers.key", "tiers.strategic"):
        values: dict[str, float] = {}
        for content in (before, anew):
            for part in table.split("."):
                content = content.get(part, {})
            values |= {key: value for key, value in content.items() if not isinstance(value, dict)}
        lines += ["", f"[{table}]", *(f"{key} = {value!r}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def stamp() -> None:
    """Name the model of today in the shipped posterior; for code that was rewritten and plays the same."""
    text, found = re.subn(r"(?m)^# model .*$", f"# model {model_hash()}", SHIPPED.read_text(encoding="utf-8"))
    if found != 1:
        sys.exit(f"{SHIPPED}: {found} lines name a model, not one")
    SHIPPED.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stamp() if sys.argv[1] == "--stamp" else main(Path(sys.argv[1]))
