"""The command line: each command parses, asks the library and prints; libraries are loaded inside the commands."""

from kamsim.cli import book_profile, books, scenarios, sweeps  # their commands register themselves
from kamsim.cli.commands import DEFAULT_COMPARISON
from kamsim.cli.frame import main

__all__ = ["DEFAULT_COMPARISON", "book_profile", "books", "main", "scenarios", "sweeps"]
