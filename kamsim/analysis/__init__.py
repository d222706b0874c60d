"""Pure functions on result tables: comparisons with intervals, and what a survey would have seen."""
