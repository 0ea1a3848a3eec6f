"""TODO record.facts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .model import LEVELS, Cache, Record, Run, contrast_key
from .units import parse


def footprint(record: Record) -> int | None:
    """Bytes a thread: as stated among the facts, else as the swept size says."""
    stated = record.facts.get("footprint")
    if isinstance(stated, int) and 0 < stated < 2**63:
        return stated
    size = record.params.get("size")
    try:
        return parse(size) if isinstance(size, str) and size not in LEVELS else None
    except ValueError:
        return None


def caches(run: Run) -> list[Cache]:
    """The caches as reported, from the core outwards, one a level."""
    found: dict[int, Cache] = {}
    for cache in run.machine.cpu.caches:
        if 1 <= cache.level <= 4 and cache.bytes > 0:
            found.setdefault(cache.level, cache)
    return [found[level] for level in sorted(found)]


def threads_of(record: Record) -> int:
    """How many threads the record's work ran on."""
    stated = record.facts.get("threads", record.params.get("threads", 1))
    return stated if isinstance(stated, int) and stated > 0 else 1


Telemetry = Mapping[str, Any]


# --- telemetry --------------------------------------------------------------------------------------------------------


def telemetry(records: Iterable[Record]) -> list[Telemetry]:
    """The telemetry of each stretch of rounds, once: it belongs to a contrast, and its records all carry it."""
    by_contrast = {contrast_key(record): record.telemetry for record in records if record.timed and record.telemetry}
    # Contrasts that were measured together hold the same.
    return list({repr(sorted(one.items(), key=repr)): one for one in by_contrast.values()}.values())


def _readings(one: Telemetry, name: str) -> list[float]:
    """The numbers of a gauge out of a file, which may hold anything."""
    values = one.get(name)
    kept = values if isinstance(values, list) else []
    return [float(x) for x in kept if isinstance(x, int | float) and not isinstance(x, bool) and np.isfinite(x)]


def numbers(value: Any) -> list[float]:
    """The finite numbers of a list out of a file, which may hold anything; [] for what is no list."""
    if not isinstance(value, list):
        return []
    return [float(x) for x in value if isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)]
