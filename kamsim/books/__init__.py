"""Real account books: their tables, histories and estimates, and moments of any history."""
