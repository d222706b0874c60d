"""What is known: published figures, and the source, unit and range of every parameter."""
