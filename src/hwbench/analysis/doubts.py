"""The codes of a record's reasons for doubt."""

from __future__ import annotations

from ..record.model import Record
from .limits import IMPOSSIBLE
from .plausibility import ABOVE, DOUBTFUL
from .twins import TWINS

# A part of the reason's text, and its code; the first that fits counts.
CODES = (
    (IMPOSSIBLE, "implausible"),
    (ABOVE, "above_limit"),
    (DOUBTFUL, "doubtful"),
    (TWINS, "twins"),
    ("(steal)", "steal"),
    ("other processes", "other_processes"),
    ("quota", "quota"),
    ("the GPU's clock drifted", "gpu_clock_drift"),
    ("the clock drifted", "clock_drift"),
    ("moved between caches", "cpus_moved"),
    ("two heaps", "bimodal"),
    ("its power limit", "gpu_power_cap"),
    ("its temperature", "gpu_thermal"),
    ("slowed its clock down", "gpu_hw_slowdown"),
    ("the GPU's clock was", "gpu_low_clock"),
    ("the gate opened", "gpu_gate"),
)
OTHER = "suspect"  # a reason that none of these fits


def codes(record: Record) -> list[str]:
    """Why the record is suspect, each code once; empty where it is not."""
    if record.status != "suspect":
        return []
    parts = record.reason.split("; ")
    return list(dict.fromkeys(next((code for text, code in CODES if text in part), OTHER) for part in parts))
