"""Readings of the witness, over the contrasts of a run."""

from __future__ import annotations

from doubles.scripted import record
from hwbench.record import witness


def seen_by(*contrasts):
    """A record for each contrast with these readings of memory."""
    return [
        record(samples=(1.0,), params={"n": n}, telemetry={"wall_s": [0.1], "witness_dram": list(readings)})
        for n, readings in enumerate(contrasts)
    ]


def test_readings_of_all_contrasts_count_once():
    """Records of one contrast share theirs; a contrast between two glances has none."""
    records = seen_by([1e9], [], [2e9, 3e9])
    assert witness.seen([*records, *records]) == {"witness_dram": [1e9, 2e9, 3e9]}
    assert witness.seen([record(samples=(1.0,))]) == {}


def test_a_lucky_reading_is_not_the_best():
    """Of eleven readings the highest does not count; of a few, none does."""
    assert witness.best(seen_by([10e9] * 10, [99e9])) == {"witness_dram": 10e9}
    assert witness.best(seen_by([10e9] * 4)) == {}
