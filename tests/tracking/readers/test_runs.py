"""Runs as a side of a comparison and as a history."""

from __future__ import annotations

from doubles.scripted import record, run_of
from hwbench.tracking.readers import runs


def test_a_failure_in_the_first_of_several_runs_leaves_the_others():
    """One run of four failed: three are compared, whichever it was."""
    flaky = record("v0", (), status="error", reason="flaky", counts={})
    good = [record("v0", [1.0 + i / 1e4 + k / 1e3 for i in range(12)], counts={"bytes": 8.0}) for k in range(3)]
    made = runs.side([run_of(one) for one in (flaky, *good)])
    assert len(made.entries[0].measurements) == 3
    assert not made.entries[0].unfit
