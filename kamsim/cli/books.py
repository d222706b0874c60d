"""Commands on account books of one's own: import, fit, back-test."""

from kamsim.cli.frame import Commands, main


@main.group(cls=Commands)
def book() -> None:
    """Import your own accounts, fit the market to them, and test forecasts on them."""
