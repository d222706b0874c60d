"""M: outcomes of a run, and the survey instrument."""
