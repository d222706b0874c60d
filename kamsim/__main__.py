"""The ``kamsim`` command, also as ``python -m kamsim``; it listens to signals before anything heavy is loaded."""

import contextlib
import sys

from kamsim import process


def run() -> None:
    """Run the command line; whenever a signal comes, it ends in a sentence and an exit code."""
    process.open_closed_streams()
    process.spare_address_space()
    process.insist()
    try:
        process.listen()
        from kamsim.cli import main

        main()
    except (KeyboardInterrupt, Exception):
        if not process.told_to_end():
            raise
        with contextlib.suppress(OSError):
            print("Error: interrupted; nothing was kept", file=sys.stderr)
        sys.exit(process.INTERRUPTED)
    finally:
        process.end()


if __name__ == "__main__":
    run()
