"""Whether the machine was quiet enough while a run was measured, by the run's own telemetry and samples.

`judge` speaks of one contrast, this of the run as a whole: would the limits be the same in another run? A limit is a
best sample, so what matters is how well its best is supported. Within a case: whether a quarter of the samples comes
near it. Over the run: where one footprint was measured twice, once by its label and once in a sweep, minutes may lie
between, and both bests should agree; disturbance that comes evenly to every round of a case shows there alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..record.estimate import drift
from ..record.facts import Telemetry, _readings, footprint, telemetry, threads_of
from ..record.interference import STEAL, THROTTLED, states
from ..record.model import LEVELS, Record, Run
from .limits import IMPOSSIBLE, SOURCES
from .wording import SHOWN, _more

REPEATS = 0.03  # two best samples of one limit on a quiet machine are within this
OTHERS = 0.05  # of a CPU over the whole run: what other processes may take
CLOCK = 0.03  # between contrasts
MOVED = 0.01  # of the rounds: those that found CPUs further apart, or nearer, than the others did
SUSPECT = 0.10  # of the timed cases


@dataclass(frozen=True)
class Check:
    """One question to the run: what was seen, what is allowed, and what to do where it is more.

    `told` are the cases that are beyond, the worst first, for figures that belong to cases.
    """

    name: str
    seen: float
    allowed: float
    remedy: str
    told: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether what was seen is no more than is allowed."""
        return self.seen <= self.allowed


def check(run: Run) -> list[Check]:
    """Every check that the run's telemetry and samples allow; none for a run in which nothing was timed."""
    timed = [record for record in run.records if record.timed]
    found: list[Check] = []
    if not timed:
        return found
    apart = telemetry(run.records)
    wall = _total(apart, "wall_s")
    for name, counter, allowed, remedy in (
        ("time stolen by the hypervisor", "steal_s", STEAL, "measure at a quieter hour, or on a dedicated host"),
        ("time taken by other processes", "others_s", OTHERS, "end other work; top shows it"),
        ("time stopped by the CPU quota", "throttled_s", THROTTLED, "run without a quota"),
    ):
        if wall > 0 and any(counter in one for one in apart):
            found.append(Check(name, _total(apart, counter) / wall, allowed, remedy))
    clocks = [float(np.median(readings)) for one in apart if (readings := _readings(one, "clock_hz"))]
    if len(clocks) >= 3:
        found.append(
            Check("drift of the clock over the run", drift(clocks), CLOCK, "fix the clock, or cool the machine")
        )
    if handovers := [reading for one in apart for reading in _readings(one, "handover_s") if reading > 0]:
        near, far = states(handovers)
        seen = f" ({np.median(near) * 1e9:.0f} or {np.median(far) * 1e9:.0f} ns for a line between them)" if far else ""
        remedy = (
            f"ask the host for CPUs that stay in place{seen}: without a cache in common, two have two ways to memory"
        )
        rarer = min(len(near), len(far)) / len(handovers)
        found.append(Check("rounds in which CPUs had been moved between caches", rarer, MOVED, remedy))
    suspect = sum(record.status == "suspect" for record in timed) / len(timed)
    found.append(Check("cases that are suspect", suspect, SUSPECT, "see below what disturbed them"))
    again = "measure again when nothing else runs; on a virtual machine at another hour"
    for name, spreads in (
        ("limits that few samples back", unsupported(run.records)),
        ("limits that do not repeat", unrepeated(run.records)),
    ):
        if spreads:
            worst = sorted(spreads.items(), key=lambda item: -item[1])
            beyond = [f"{case} by {spread:.1%}" for case, spread in worst if spread > REPEATS]
            found.append(Check(name, worst[0][1], REPEATS, again, beyond))
    return found


def noisy(checks: Iterable[Check]) -> bool:
    """Whether the run says of itself that its machine was too noisy."""
    return any(not one.passed for one in checks)


def sentences(run: Run) -> list[str]:
    """The verdict, and for each check that failed what was seen and the remedy; nothing where nothing was timed."""
    checks = check(run)
    if not checks:
        return []
    failed = [one for one in checks if not one.passed]
    if not failed:
        backed = any(one.name.startswith("limits") for one in checks)
        more = f", and the best samples of its limits are backed by others within {REPEATS:.0%}" if backed else ""
        return [f"The machine was quiet enough: no more was taken from it than may be{more}."]
    out = [
        f"The machine was too noisy: in another run limits may differ by more than {REPEATS:.0%}, though each figure's "
        "own interval be narrow."
    ]
    for one in failed:
        which = f" ({'; '.join(one.told[:SHOWN])}{_more(one.told)})" if one.told else ""
        seen = f"{one.name}{which}" if one.told else f"{one.name}: {one.seen:.1%}, where {one.allowed:.1%} is allowed"
        out.append(f"{seen[0].upper()}{seen[1:]}; {one.remedy}.")
    return out


# --- the samples' own spread ------------------------------------------------------------------------------------------


def unsupported(records: Iterable[Record]) -> dict[str, float]:
    """For the best record of each limit how far its lower quartile lies above its best sample, as a share of it."""
    best: dict[tuple[Any, ...], tuple[float, Record]] = {}
    for record in limits(records):
        if record.params.get("size", LEVELS[0]) in LEVELS:
            amount = record.counts[SOURCES[record.bench][1].count]
            other = (record.params.get(axis) for axis in ("size", "dtype"))
            place = (record.bench, record.device, threads_of(record), *other)
            each = min(record.samples) / amount
            if place not in best or each < best[place][0]:
                best[place] = (each, record)
    return {
        _name(record): float(np.quantile(record.samples, 0.25) / min(record.samples)) - 1
        for _, record in best.values()
        if len(record.samples) >= 4
    }


def unrepeated(records: Iterable[Record]) -> dict[str, float]:
    """For each limit that was measured more than once at one footprint how far apart the best samples lie."""
    times: dict[tuple[Any, ...], dict[str, float]] = {}
    names: dict[tuple[Any, ...], str] = {}
    for record in limits(records):
        size = footprint(record)
        if size is None or "size" not in record.params:
            continue
        other = {axis: value for axis, value in record.params.items() if axis not in ("size", "threads")}
        place = (record.bench, record.variant, record.device, size, threads_of(record), tuple(sorted(other.items())))
        each = min(record.samples) / record.counts[SOURCES[record.bench][1].count]
        times.setdefault(place, {})[str(record.params["size"])] = each
        if record.params["size"] in LEVELS or place not in names:
            names[place] = _name(record)
    return {
        names[place]: max(found.values()) / min(found.values()) - 1 for place, found in times.items() if len(found) > 1
    }


def limits(records: Iterable[Record]) -> Iterator[Record]:
    """The timed records that measure a limit of the machine and can be true."""
    for record in records:
        if record.bench not in SOURCES or not record.timed or IMPOSSIBLE in record.reason:
            continue
        if min(record.samples) > 0 and record.counts.get(SOURCES[record.bench][1].count):
            yield record


def _name(record: Record) -> str:
    return record.case.label


def _total(apart: Iterable[Telemetry], name: str) -> float:
    return max(0.0, sum(itertools.chain.from_iterable(_readings(one, name) for one in apart)))
