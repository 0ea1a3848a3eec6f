"""What follows from a run: limits, cache levels, plausibility, quality of the run, findings."""
