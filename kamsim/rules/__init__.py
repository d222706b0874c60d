"""R: how accounts, key account managers and functions behave; one short function per business rule.

Each rule is written once and driven by both drivers (``kamsim.model``). Numbers in, numbers out: nothing here
knows of agents, files or tables. Wallets and spend are in units of the median annual wallet.
"""
