"""X: what no program chooses, drawn once: accounts, KAMs, functions, shocks."""
