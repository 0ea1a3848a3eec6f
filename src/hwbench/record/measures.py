"""What a bench may declare that it measures (`measures=`): a limit of the machine, or the subject of a chart.

Charts, limits and comparisons look for benches by these words and never by name, so that a bench of your own stands
beside hwbench's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from .model import BANDWIDTH, FLOP_RATE, HOP_TIME, Metric, Scalar

Measures = Literal[
    # limits of a CPU: bandwidths in STREAM's bytes, the rate of fused multiply-adds, the latency of dependent loads
    "load", "store", "copy", "scale", "add", "triad", "fma", "latency",
    # limits of a GPU and of the link to it; `{axis}` stands for the case's value of that axis
    "{direction}", "gpu {kernel}", "gpu latency", "gpu fma", "gpu matmul",
    # subjects of charts and tables
    "activations", "blocking", "branches", "break-even", "call", "clock", "convolution", "copies in pieces",
    "core to core", "divergence", "dot product", "fork and join", "fourier transform", "gpu launch",
    "gpu roofline", "gpu tensor",
    "gradients", "hardware array", "initialization", "instructions", "integer operations", "ladder",
    "learning rates", "loaded latency", "loads in flight", "machine code", "matrix product", "mix", "nodes",
    "occupancy", "operations", "peers", "reduction", "row and column", "scaling", "stride", "sustained load",
    "systolic array", "temporaries", "training", "translation",
]  # fmt: skip
KNOWN: tuple[str, ...] = get_args(Measures)


@dataclass(frozen=True)
class Source:
    """How a case gives a limit: by which metric, on which kind of device, and whether its footprint names the level."""

    metric: Metric
    on: Literal["cpu", "gpu"] = "cpu"
    by_footprint: bool = False


LIMITS: dict[str, Source] = {
    **{kind: Source(BANDWIDTH) for kind in ("load", "store", "copy", "scale", "add", "triad")},
    "fma": Source(FLOP_RATE),
    "latency": Source(HOP_TIME),
    "{direction}": Source(BANDWIDTH, "gpu"),
    "gpu {kernel}": Source(BANDWIDTH, "gpu", by_footprint=True),
    "gpu latency": Source(HOP_TIME, "gpu", by_footprint=True),
    "gpu fma": Source(FLOP_RATE, "gpu"),
    "gpu matmul": Source(FLOP_RATE, "gpu"),
}
TOLERANCE = 1.05  # two measurements of one limit agree within this on a quiet machine
AXIS = re.compile(r"\{([a-z_]{1,20})\}")
DECLARED = re.compile(rf"[a-z][a-z -]{{0,30}}|(gpu )?{AXIS.pattern}")  # no other braces: it is no format string


def expanded(kind: str, params: Mapping[str, Scalar]) -> str | None:
    """The kind with each `{axis}` replaced by the case's value; None where the case lacks the axis."""
    if any(axis not in params for axis in AXIS.findall(kind)):
        return None
    return AXIS.sub(lambda found: str(params[found[1]]), kind)
