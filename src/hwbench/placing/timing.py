"""Time of a function's call: warm, in loops that make a sample long enough, interleaved with its variants."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from ..bench import Bench, Work
from ..devices import Device
from ..measurement.cases import Group
from ..measurement.engine import Engine
from ..protocols import Call
from ..record.estimate import Estimate, estimate
from ..record.model import Case, Policy, Record

POLICY = Policy(preset="place", min_sample_s=0.005, case_s=0.5, warmup_s=0.2, max_rounds=60, precision=0.005)
SLOW_S = 0.1  # from here on a sample is one call, and there are fewer of them
MOST_S = 5.0  # of the samples of a slow function, and three at least
BUSY_S = 0.1  # of calls during which the processor time is taken, whose unit is 10 ms
HALF = 0.5  # of a CPU more is one more thread


class Usage(NamedTuple):
    """Wall time, processor time in the program and in the kernel, and page faults, so far."""

    wall: float
    user: float
    system: float
    faults: float


class Spent(NamedTuple):
    """CPUs that the calls keep busy (0 where that is not known), and a call's seconds in the kernel for new pages."""

    cores: float
    pages: float


def used() -> Usage:
    """What this process has used so far; page faults are 0 where the system does not count them."""
    try:
        import resource

        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    except ImportError:  # Windows
        faults = 0
    times = os.times()
    return Usage(time.perf_counter(), times.user, times.system, faults)


@dataclass(frozen=True)
class Timed:
    """The median of a call with its interval, and what disturbed it; "" for nothing."""

    seconds: Estimate
    doubt: str = ""


def policy_for(seconds: float) -> Policy:
    """How to sample a function whose call takes about so long."""
    if seconds < SLOW_S:
        return POLICY
    rounds = max(3, min(10, int(MOST_S / seconds)))
    return msgspec.structs.replace(POLICY, rounds=rounds, max_rounds=max(rounds, 10), warmup_s=0.0)


def measure(
    calls: Mapping[str, Call], devices: Mapping[str, Device], seconds: float, *,
    stop: Callable[[], None] = lambda: None,
) -> dict[str, Record]:  # fmt: skip
    """A record for each of these calls, sampled in the same rounds; one that fails has no samples and says why."""
    [(device, kind)] = {(name, one.kind) for name, one in devices.items()}
    bench = Bench("user.function", question="How long does a call take?", axes={}, baseline=next(iter(calls)))
    for name, call in calls.items():
        bench.variant(name, on=kind)(_builder(call) if kind == "cpu" else _launcher(call, devices[device]))
    bench.counts(lambda: {"calls": 1})
    bench.reference(lambda: 0)
    engine = Engine(devices, policy_for(seconds))
    engine.stop = stop
    group = Group(bench, tuple(Case(bench.name, name, device, {}) for name in calls))
    return {record.variant: record for record in engine.measure(group)}


def _builder(call: Call) -> Callable[[], Work]:
    return lambda: Work(call, output=lambda: 0)


def _launcher(call: Call, device: Any) -> Callable[[], Work]:
    """The work of what a call launches on a GPU, by events around it."""
    return lambda: device.timed(call, output=lambda: 0)


def timed(record: Record) -> Timed:
    """What a record says of the time."""
    return Timed(estimate(record.samples), record.why if record.status == "suspect" else "")


def spent(call: Call, seconds: float, usage: Callable[[], Usage] = used) -> Spent:
    """What a call spends beside wall time, over as many calls as fill BUSY_S."""
    loops = min(10**6, max(1, round(BUSY_S / max(seconds, 1e-9))))
    before = usage()
    for _ in range(loops):
        call()
    wall, user, system, faults = (new - old for new, old in zip(usage(), before, strict=True))
    cores = (user + system) / wall if wall > 0 else 0.0
    return Spent(cores, system / loops if faults > loops / 2 else 0.0)


def threads(parallel: bool, pool: int, busy: float) -> int:
    """Threads that a function ran on: of its pool where it has one and used it, else as many CPUs as it kept busy."""
    by_time = max(1, int(busy + HALF))
    if parallel:
        return pool if by_time > 1 or not busy else 1
    return by_time
