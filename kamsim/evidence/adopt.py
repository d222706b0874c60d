"""Make the result of ``kamsim calibrate`` the default: ``python -m kamsim.evidence.adopt build/calibration``.

Writes the best fit into the ledger and ships the posterior; ``make calibration`` calls it. ``--stamp`` instead of a
folder says that the shipped posterior holds for the model as it is now written; ``make stamp`` does so once the frozen
comparison has come out as before.
"""

import json
import re
import shutil
import sys
from pathlib import Path

from kamsim.evidence.posterior import SHIPPED
from kamsim.source import model_hash

HERE = Path(__file__).resolve().parent
LEDGER = HERE / "ledger.py"


def main(folder: Path) -> None:
    """Adopt the calibration in a folder."""
    fitted = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))["fitted"]
    text = LEDGER.read_text(encoding="utf-8")
    for name, value in fitted.items():
        section, _, parameter = name.partition(".")
        words = f'_row("{section}", "{parameter}", '
        if section == "tiers":
            words = '_term("{}", "{}", '.format(*parameter.split("."))
        row = re.compile(rf"({re.escape(words)})[^,]+,")
        text, found = row.subn(rf"\g<1>{value!r},", text)
        if found != 1:
            sys.exit(f"{LEDGER}: {found} rows of {name}, not one")
    LEDGER.write_text(text, encoding="utf-8", newline="\n")
    shutil.copy(folder / "posterior.csv", SHIPPED)


def stamp() -> None:
    """Name the model of today in the shipped posterior; for code that was rewritten and plays the same."""
    text, found = re.subn(r"(?m)^# model .*$", f"# model {model_hash()}", SHIPPED.read_text(encoding="utf-8"))
    if found != 1:
        sys.exit(f"{SHIPPED}: {found} lines name a model, not one")
    SHIPPED.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    stamp() if sys.argv[1] == "--stamp" else main(Path(sys.argv[1]))
