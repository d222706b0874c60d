"""L: what a program chooses."""
