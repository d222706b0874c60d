"""``python -m kamsim`` is the ``kamsim`` command."""

from kamsim.cli import main

if __name__ == "__main__":
    main()
