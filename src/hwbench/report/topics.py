"""The topics of the page, in order, and the topic of each bench."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A layer of the page: one is shown at a time. `id` is its anchor without the prefix."""

    id: str
    name: str


TOPICS = (
    Topic("summary", "Summary"),
    Topic("memory", "Memory"),
    Topic("compute", "Compute"),
    Topic("python", "Python"),
    Topic("threads", "Threads"),
    Topic("gpu", "GPU, OpenCL, link"),
    Topic("lecture", "Lecture"),
    Topic("history", "History"),
    Topic("quality", "Quality"),
    Topic("data", "Data"),
)
KEYS = "1234567890"  # of the keyboard, for the topics that a page shows, in order

BY_BENCH = "by bench"
"""The topic of a section whose figures go each to the topic of its bench."""

OTHERS = "compute"  # for benches of other packages
_OF_PREFIX = {
    "access": "memory", "io": "memory", "latency": "memory", "numa": "memory", "stream": "memory",
    "branch": "compute", "clock": "compute", "energy": "compute", "instruction": "compute", "peak": "compute",
    "sustain": "compute",
    "python": "python", "system": "python", "vectorize": "python",
    "parallel": "threads",
    "device": "gpu", "offload": "gpu", "transfer": "gpu",
    "dsp": "lecture", "fpga": "lecture", "stability": "lecture", "systolic": "lecture", "workload": "lecture",
}  # fmt: skip


def of_bench(name: str) -> str:
    """The id of the topic of a bench, by the first part of its name."""
    return _OF_PREFIX.get(name.partition(".")[0], OTHERS)
