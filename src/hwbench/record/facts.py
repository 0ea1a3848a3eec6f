"""Facts of records and runs: footprint, threads, caches, telemetry. A file may hold anything in their place."""

from __future__ import annotations

import marshal
import math
from collections.abc import Iterable

from .model import LEVELS, Cache, Gpu, Json, JsonObject, Record, Run, contrast_key
from .units import parse

OWN_TELEMETRY = "core_share"  # of each record by itself: read after each sample and not after a round


def footprint(record: Record) -> int | None:
    """Bytes per thread: the stated fact, else the swept size; None for a label alone."""
    stated = record.facts.get("footprint")
    if isinstance(stated, int) and 0 < stated < 2**63:
        return stated
    size = record.params.get("size")
    try:
        return parse(size) if isinstance(size, str) and size not in LEVELS else None
    except ValueError:
        return None


def threads_of(record: Record) -> int:
    """How many threads the work ran on."""
    stated = record.facts.get("threads", record.params.get("threads", 1))
    return stated if isinstance(stated, int) and stated > 0 else 1


def caches(run: Run) -> list[Cache]:
    """The reported caches from the core outwards, one per level."""
    found: dict[int, Cache] = {}
    for cache in run.machine.cpu.caches:
        if 1 <= cache.level <= 4 and cache.bytes > 0:
            found.setdefault(cache.level, cache)
    return [found[level] for level in sorted(found)]


def telemetry(records: Iterable[Record]) -> list[JsonObject]:
    """The telemetry of each contrast, once: all its records carry the same, but for what is read after each sample."""
    by_contrast = {
        contrast_key(record): {name: value for name, value in record.telemetry.items() if name != OWN_TELEMETRY}
        for record in records if record.timed and record.telemetry
    }  # fmt: skip
    # Contrasts that were measured together share theirs, too.
    return list({_packed(one): one for one in by_contrast.values()}.values())


def rounds_ended(record: Record) -> list[float]:
    """When each round ended, in Unix time by the machine's own clock; [] for files of before it was kept."""
    start = numbers(record.telemetry.get("unix_s"))
    return [start[0] + at for at in numbers(record.telemetry.get("at_s"))] if start else []


def _packed(readings: JsonObject) -> bytes | str:
    """What is equal for equal readings: packed, three times as fast as printed."""
    try:
        return marshal.dumps(sorted(readings.items()), 2)
    except ValueError:  # it holds numbers of NumPy, as a run under way may
        return repr(sorted(readings.items()))


def numbers(value: Json) -> list[float]:
    """The finite numbers of a list; [] for anything else."""
    if not isinstance(value, list):
        return []
    if set(map(type, value)) == {float}:  # as nearly all are: a tenth of the time
        return [x for x in value if math.isfinite(x)]
    return [float(x) for x in value if isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)]


def gpu_of(run: Run, device: str) -> Gpu | None:
    """What the run says of the GPU called `gpu:N`, or of `opencl:N`; None where it says nothing."""
    kind, _, number = device.partition(":")
    known = run.machine.opencl if kind == "opencl" else run.machine.gpus
    return known[int(number)] if number.isdecimal() and int(number) < len(known) else None


OWN_LEVELS = {"L2": "cache", "HBM": "memory"}


def level_on(level: str, *, own: bool) -> str:
    """What a level of an accelerator is called: of an OpenCL device that is this CPU `cache` and `memory`.

    There `L2` stands for half of the last cache and `HBM` for ordinary memory.
    """
    return OWN_LEVELS.get(level, level) if own else level


def variant_on(run: Run, record: Record) -> str:
    """`numpy`, `fma (gpu:0)`; `opencl (this CPU)`, with its number where several OpenCL devices are this CPU."""
    if record.device == "cpu":
        return record.variant
    where = record.device
    if this_cpu(run, where):
        several = sum(this_cpu(run, f"opencl:{number}") for number in range(len(run.machine.opencl))) > 1
        where = f"{where}, this CPU" if several else "this CPU"
    return f"{record.variant} ({where})"


def this_cpu(run: Run, device: str) -> bool:
    """Whether an OpenCL device is the machine's CPU."""
    found = gpu_of(run, device)
    return bool(found is not None and (found.state or {}).get("this_cpu"))
