"""Comparison over time: runs, asv's results and pytest-benchmark's files as series, change points and verdicts."""
