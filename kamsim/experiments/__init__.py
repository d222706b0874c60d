"""What to run, where it runs, and where it lands."""
