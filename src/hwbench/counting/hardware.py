"""Bytes that come from memory during a call, by the processor's counters, which must first agree with known traffic.

Counters of one thread see lines that its last-level cache lacked: loads, and stores that fetch a line first. They do
not see lines that are written back. Known traffic are a load, a copy and a triad over arrays larger than the caches.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType

from ..host.system import read_host
from ..record import text
from ..record.installing import command
from .inputs import Arrays, Subject
from .model import Counts, Range
from .runs import copied_arrays

LINE = 64
TOLERANCE = 0.05  # a counter that is off by more is refused
UNKNOWN_CACHE = 64 * 2**20
# Sets of events that may count the lines that come from memory, as (operation, result) of the last level; the best is
# taken.
SETS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "LL read, write and prefetch misses": (("READ", "MISS"), ("WRITE", "MISS"), ("PREFETCH", "MISS")),
    "LL read and write misses": (("READ", "MISS"), ("WRITE", "MISS")),
    "LL read misses": (("READ", "MISS"),),
    "cache misses": (),
}


@dataclass(frozen=True)
class Counter:
    """Events that agree with known traffic; no events and a reason where there are none."""

    events: tuple[object, ...]
    note: str


def with_moved(counts: Counts, made: Subject, found: Arrays) -> Counts:
    """The counts with the bytes that memory moved in a warm call, or with the reason why they are not known."""
    counter = calibrated()
    if not counter.events:
        return replace(counts, moved_note=counter.note)
    if counts.parallel:
        return replace(counts, moved_note="counters see one thread, and this function may use several")
    with made.replaced(copied_arrays(found)) as (args, kwargs):
        made.function(*args, **kwargs)
        lines = _lines(counter.events, functools.partial(made.function, *args, **kwargs))
    if lines is None:
        return replace(counts, moved_note="the counters were shared with another program: try again")
    return replace(counts, moved=Range(lines * LINE, lines * LINE), moved_note="")


@functools.cache
def calibrated() -> Counter:
    """The events that count known traffic right, tried once a process."""
    if sys.platform != "linux":
        return Counter((), "counters are read on Linux only")
    try:
        import py_perf_event
    except ImportError:
        return Counter((), f"no package for counters: {command('counters')}")
    loops = _loops(4 * (read_host().last_level_total() or UNKNOWN_CACHE))
    closest = ("", 0.0)
    for name, parts in SETS.items():
        try:
            events = _events(py_perf_event, parts)
            ratios = [(_lines(events, run) or 0) * LINE / known for run, known in loops]
        except FileNotFoundError:
            return Counter((), "no PMU in this guest: the system has no counters of the processor")
        except PermissionError:
            return Counter((), "counters are not allowed: sysctl kernel.perf_event_paranoid=2, or CAP_PERFMON")
        except OSError:
            continue  # this processor lacks the event
        worst = max(ratios, key=lambda one: abs(one - 1))
        if abs(worst - 1) <= TOLERANCE:
            return Counter(events, "")
        if not closest[0] or abs(worst - 1) < abs(closest[1] - 1):
            closest = name, worst
    if not closest[0]:
        return Counter((), "no counter of lines from memory on this processor")
    told = text.share(closest[1])
    return Counter((), f"counters refused: {closest[0]} count {told} of a known traffic, more than 5% off")


def _events(module: ModuleType, parts: Sequence[tuple[str, str]]) -> tuple[object, ...]:
    if not parts:
        return (module.Hardware.CACHE_MISSES,)
    level = module.CacheId.LL
    return tuple(
        module.Cache(level, getattr(module.CacheOp, operation), getattr(module.CacheResult, result))
        for operation, result in parts
    )


def _lines(events: Sequence[object], run: Callable[[], object]) -> int | None:
    """What the events count during a call; None where others used the counters meanwhile."""
    import py_perf_event

    measure = py_perf_event.Measure(list(events))
    measure.enable()
    run()
    measure.disable()
    read = measure.read()
    return sum(read.measurements) if read.time_running_ns >= read.time_enabled_ns else None


def _loops(nbytes: int) -> list[tuple[Callable[[], object], int]]:
    """A load, a copy and a triad on one thread, with the bytes that each takes from memory."""
    import numba
    import numpy as np

    @numba.njit
    def load(a):  # type: ignore[no-untyped-def]
        total = 0.0
        for i in range(a.size):
            total += a[i]
        return total

    @numba.njit
    def copy(a, b):  # type: ignore[no-untyped-def]
        for i in range(a.size):
            a[i] = b[i] + 0.0  # not a call of memcpy, which may store past the caches

    @numba.njit
    def triad(a, b, c):  # type: ignore[no-untyped-def]
        for i in range(a.size):
            a[i] = b[i] + 3.0 * c[i]

    a, b, c = (np.ones(nbytes // 8) for _ in range(3))
    runs = [(functools.partial(load, a), 1), (functools.partial(copy, a, b), 2), (functools.partial(triad, a, b, c), 3)]
    for run, _ in runs:
        run()
    return [(run, arrays * nbytes) for run, arrays in runs]
