"""Whether memory and the last-level cache were as fast as this machine's best, by the witness between rounds.

The best is that of earlier runs on the same setup. The median of a whole run counts: single readings of a millisecond
vary too much to doubt a contrast by them (4.9 to 13.5 GB/s in one run on a busy guest).
"""

from __future__ import annotations

from ..record import text
from ..record.estimate import middle
from ..record.model import Run
from ..record.witness import seen

SLOW = 0.9  # of the best: below, the run was disturbed
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
