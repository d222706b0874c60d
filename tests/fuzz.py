"""How much the readers of files are tried with."""

import os


def inputs(usual: int) -> int:
    """Inputs that a reader is tried with: as many as ``KAMSIM_FUZZ`` says, by default what takes a moment."""
    return int(os.environ.get("KAMSIM_FUZZ") or usual)
