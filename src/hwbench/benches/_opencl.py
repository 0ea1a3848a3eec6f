"""What OpenCL variants share: native vectors; what findings say of each device, and the CPU's own figures beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..bench import Work
from ..protocols import Facts, OpenCl, OpenClArray, OpenClEvent, Results
from ..record import phrases, text
from ..record.estimate import Estimate, estimate
from ..record.facts import gpu_of, this_cpu
from ..record.model import Record


def by_device(results: Results, count: str) -> Iterator[tuple[str, Sequence[Record]]]:
    """The timed records of each OpenCL device that have the count."""
    timed = [r for r in results.records if r.timed and r.device.startswith("opencl:") and r.counts.get(count)]
    for device in dict.fromkeys(record.device for record in timed):
        yield device, [record for record in timed if record.device == device]


def name(results: Results, device: str) -> str:
    """`gfx1100 (opencl:0)`; a device that is this CPU has that in its name."""
    found = gpu_of(results.run, device)
    return f"{found.name}, {device}" if found is not None else device


FLUSHED = 2**26  # bytes that are written between calls, at least: drivers of GPUs tell caches of some MiB, or none


def group_of(device: OpenCl, most: int = 256) -> int:
    """Work-items of a group whose neighbours matter: a power of two up to `most`, on a CPU as well."""
    return most if device.about.here else min(most, 1 << (device.group.bit_length() - 1))


def cold(device: OpenCl, launch: Callable[[], OpenClEvent], to: OpenClArray, facts: Facts) -> Work:
    """The work of a launch that writes `to` and finds nothing in the device's cache: one call a sample."""
    other = device.filled(max(FLUSHED, 2 * device.properties.l2) // 4, np.float32(0))

    def flush() -> None:
        device.cl.enqueue_fill_buffer(device.queue, other.data, np.float32(1), 0, other.nbytes)

    work: Work = device.timed(launch, output=to.get, before=flush, facts={**facts, "l2": "flushed"})
    return replace(work, most=1)


def vectors(device: OpenCl, dtype: npt.DTypeLike, group: int = 0) -> list[str]:
    """Macros for a kernel of native vectors: the types S and V, WIDTH, GROUP (0: the device's own), FMA."""
    kind, width = np.dtype(dtype), device.width(dtype)
    scalar = {"f2": "half", "f4": "float", "f8": "double", "i4": "uint"}[f"{kind.kind}{kind.itemsize}"]
    fused = "MAD" if kind.kind == "i" else "fma" if device.about.fused else "mad"
    return [
        f"-DS={scalar}", f"-DV={scalar}{width}" if width > 1 else f"-DV={scalar}", f"-DWIDTH={width}",
        f"-DGROUP={group or device.group}", f"-DFMA={fused}",
        *{"f2": ["-DHALVES"], "f8": ["-DDOUBLES"], "i4": ["-DWHOLE"]}.get(f"{kind.kind}{kind.itemsize}", []),
    ]  # fmt: skip


def rate(record: Record, count: str) -> float:
    """Bytes or flops a second, by the median; 0 where they were not counted."""
    return record.counts.get(count, 0.0) / float(np.median(record.samples))


def each(record: Record, count: str) -> Estimate:
    """Seconds a hop or call."""
    return estimate(record.samples).scaled(1 / record.counts[count])


def beside_the_cpu(results: Results, device: str, record: Record, kind: str) -> list[phrases.Item]:
    """What an OpenCL device that is this CPU gets of the CPU's own headline quantity; nothing for other devices."""
    if not this_cpu(results.run, device):
        return []
    own = results.own(f"peak.{record.params.get('dtype')}" if kind == "fma" else f"dram.{kind}")
    if own is None:
        return []
    counted, unit = ("flops", "GFLOP/s") if kind == "fma" else ("bytes", "GB/s")
    what = f"fma in {phrases.precision(str(record.params.get('dtype')))}" if kind == "fma" else f"{kind} from memory"
    factor = rate(record, counted) / own.value
    times = f"{text.times(factor)} this" if factor > 1 else f"{text.share(factor)} of this"
    stores = own.record.partition("/")[2].partition(" ")[0].endswith("-nt")
    how = ", which has non-temporal stores, as OpenCL C has not" * stores
    base = f"{text.rate(own.value, unit)}{text.DOUBTFUL * bool(own.doubt)}"
    on = f" on {phrases.counted(own.threads, 'thread')}" if own.threads else ""
    return [phrases.Item(f"{times} CPU's own {what} ({base}{on}){how}", (record,))]
