"""What findings say of OpenCL devices, each for itself: its records, its name, and the CPU's own figures beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..protocols import Results
from ..record import phrases, text
from ..record.estimate import Estimate, estimate
from ..record.facts import gpu_of, this_cpu
from ..record.model import LEVELS, Record


def by_device(results: Results, count: str) -> Iterator[tuple[str, Sequence[Record]]]:
    """The timed records of each OpenCL device that have the count."""
    timed = [r for r in results.records if r.timed and r.device.startswith("opencl:") and r.counts.get(count)]
    for device in dict.fromkeys(record.device for record in timed):
        yield device, [record for record in timed if record.device == device]


def name(results: Results, device: str) -> str:
    """`gfx1100 (opencl:0)`; a device that is this CPU has that in its name."""
    found = gpu_of(results.run, device)
    return f"{found.name}, {device}" if found is not None else device


def rate(record: Record, count: str) -> float:
    """Bytes or flops a second, by the median; 0 where they were not counted."""
    return record.counts.get(count, 0.0) / float(np.median(record.samples))


def each(record: Record, count: str) -> Estimate:
    """Seconds a hop or call."""
    return estimate(record.samples).scaled(1 / record.counts[count])


def beside_the_cpu(results: Results, device: str, record: Record, kind: str) -> list[phrases.Item]:
    """What an OpenCL device that is this CPU gets of the CPU's own best on all threads; nothing for other devices."""
    if not this_cpu(results.run, device):
        return []
    own = results.own_best(kind, dtype=str(record.params.get("dtype", "")), level="" if kind == "fma" else LEVELS[-1])
    if own is None:
        return []
    counted = "flops" if kind == "fma" else "bytes"
    share = text.share(rate(record, counted) / own.value)
    how = ", which has non-temporal stores, as OpenCL C has not" * own.variant.endswith("-nt")
    return [
        phrases.Item(f"{share} of this CPU's own {kind} on {phrases.counted(own.threads, 'thread')}{how}", (record,))
    ]
