"""Verdicts over time: comparisons of runs, and later of commits and machines."""
