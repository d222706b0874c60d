"""Make the result of ``kamsim calibrate`` the default: ``python -m kamsim.evidence.adopt build/calibration``.

Writes the best fit into the ledger and ships the posterior; ``make calibration`` calls it.
"""

import json
import re
import shutil
import sys
from pathlib import Path

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
    shutil.copy(folder / "posterior.csv", HERE / "posterior.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
