"""Comparisons with native tools as lines of text."""

from hwbench.analysis.crosscheck import tool_comparisons
from hwbench.cli.crosscheck import summary
from made_up.sample import proof_run


def test_the_summary_tells_the_median_and_what_is_below():
    """A line for each tool, and the names of the comparisons below the least ratio."""
    lines = summary(tool_comparisons(proof_run().records), 0.95)
    assert lines[0] == "likwid-bench: 2 comparisons, median 0.875×, from 0.500× to 1.25×"
    assert lines[-1] == "below 0.95: peak.fma/512 f8 2 12"
    assert "nothing could be compared" in summary([], 0.95)[-1]
