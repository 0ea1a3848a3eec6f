"""Whether memory and the last-level cache were as fast as this machine's best, by the witness between rounds.

The best is that of earlier runs on the same setup, or of this run where it is better. A run without history is held
against itself: that shows a part of it that was slower than the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..record import text
from ..record.estimate import middle
from ..record.facts import numbers
from ..record.model import Cpu, Record, Run
from ..record.reasons import Reason, because
from ..record.witness import GAUGES, best, seen
from .limits import level_of

SLOW = 0.9  # of the best, through a whole contrast
NAMES = {"witness_l3": "the last-level cache", "witness_dram": "memory"}


def shares(run: Run) -> dict[str, float]:
    """The median reading of a run over the best of earlier ones, by gauge; {} without history."""
    return {
        gauge: middle(readings) / run.witness[gauge]
        for gauge, readings in seen(run.records).items()
        if run.witness.get(gauge, 0.0) > 0
    }


def sentence(run: Run) -> str:
    """How fast memory was beside this machine's best; "" for a run without a witness."""
    if not seen(run.records):
        return ""
    found = shares(run)
    if not found:
        return "Memory has no history on this machine yet: later runs are compared with this one."
    told = " and ".join(f"{NAMES[gauge]} is at {text.share(value)}" for gauge, value in found.items())
    return f"{told[0].upper()}{told[1:]} of this machine's best."


def slow(
    records: Sequence[Record], earlier: Mapping[str, float], sizes: Mapping[str, int], cpu: Cpu | None = None
) -> dict[int, Reason]:
    """Records of memory cases by position whose witness stayed below `SLOW` of the best, each with the reason."""
    own = best(records)
    top = {gauge: max(earlier.get(gauge, 0.0), own.get(gauge, 0.0)) for gauge in NAMES}
    found = {}
    for index, record in enumerate(records):
        if record.device != "cpu" or not record.timed:
            continue
        gauge = GAUGES.get(level_of(record, sizes, cpu), "")
        readings = numbers(record.telemetry.get(gauge))
        if readings and max(readings) < SLOW * top[gauge]:
            share = text.share(max(readings) / top[gauge])
            found[index] = because("slow_memory", f"{NAMES[gauge]} was at {share} of this machine's best")
    return found
