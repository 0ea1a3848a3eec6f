"""What the witness saw between rounds: bandwidths of the last-level cache and of memory, in bytes a second."""

from __future__ import annotations

from collections.abc import Iterable

from .facts import numbers, telemetry
from .model import Record

GAUGES = ("witness_l3", "witness_dram")
TOP = 0.9  # the quantile of a run's readings that is its best: a lucky one does not count
FEW = 5  # readings that make a best


def seen(records: Iterable[Record]) -> dict[str, list[float]]:
    """All readings of a run by gauge, in no order."""
    found: dict[str, list[float]] = {}
    for one in telemetry(records):
        for gauge in GAUGES:
            found.setdefault(gauge, []).extend(value for value in numbers(one.get(gauge)) if value > 0)
    return {gauge: readings for gauge, readings in found.items() if readings}


def best(records: Iterable[Record]) -> dict[str, float]:
    """The best of a run by gauge; none of a gauge with fewer than `FEW` readings."""
    return {
        gauge: sorted(readings)[int(TOP * (len(readings) - 1))]
        for gauge, readings in seen(records).items()
        if len(readings) >= FEW
    }
