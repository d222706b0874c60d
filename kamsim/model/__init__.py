"""The two drivers of the same rules: Mesa agents to watch, a compiled ensemble to compare."""
