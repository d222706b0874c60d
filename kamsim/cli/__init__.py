"""The command line: each command parses, asks the library and prints; libraries are loaded inside the commands."""

# Their commands register themselves.
from kamsim.cli import book_fit, book_import, book_profile, books, decide, optimize, scenarios, sweeps
from kamsim.cli.commands import DEFAULT_COMPARISON
from kamsim.cli.frame import main

__all__ = [
    "DEFAULT_COMPARISON",
    "book_fit",
    "book_import",
    "book_profile",
    "books",
    "decide",
    "main",
    "optimize",
    "scenarios",
    "sweeps",
]
