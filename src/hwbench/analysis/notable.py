"""What is notable about a machine: quantities outside their usual range, small caches, settings that cost speed.

Each has its distance from what is usual, a factor of 1 or more, and what a person can do about it. They are ranked by
the logarithm of the distance, which counts twice where there is a remedy and half where the figure is doubtful.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..record import inherited, interference, text
from ..record.phrases import counted
from . import causes, wording
from .hierarchy import CONTAINERS
from .reading import Reading
from .usual import MEASURED

CERTAIN = math.inf  # the distance of what is wrong, not merely unusual
LEAST = 1.05  # distances below are those of noise
UNKNOWN = 1.1  # the distance of a setting whose effect no figure shows


@dataclass(frozen=True)
class Notable:
    """A finding that matters on this machine: what was seen, what to do (or ""), and how far from usual it is.

    `bench` is the one whose records show it, "" for the machine's settings. `doubtful`: a figure behind it is.
    `noted`: a note of the summary says it already.
    """

    said: str
    remedy: str
    distance: float
    bench: str = ""
    doubtful: bool = False
    noted: bool = False

    @property
    def weight(self) -> float:
        """By what it is ranked."""
        return math.log(max(1.0, self.distance)) * (2.0 if self.remedy else 1.0) * (0.5 if self.doubtful else 1.0)


def notable(reading: Reading) -> list[Notable]:
    """What is notable about a run and its machine, the weightiest first."""
    found = [
        *_wrong(reading), *_cache(reading), *_unusual(reading), *_threads(reading), *_settings(reading),
    ]  # fmt: skip
    return sorted((one for one in found if one.distance > LEAST), key=lambda one: -one.weight)


def _wrong(reading: Reading) -> Iterator[Notable]:
    bad = [record for record in reading.records if record.status in ("wrong", "error")]
    if bad:
        first = bad[0]
        said = f"{counted(len(bad), 'case')} gave no valid result; the first is {first.case.label}: {first.why}."
        yield Notable(said, first.reasons[0].remedy if first.reasons else "", CERTAIN, first.bench)


def _cache(reading: Reading) -> Iterator[Notable]:
    last = reading.levels.last
    if last is None or last.cache is None or last.size is None or last.unsure:
        return
    if last.verdict == "less than reported":
        guest = any(name not in CONTAINERS for name in (reading.run.machine.virtual or "").split(", ") if name)
        size = text.size(last.size.value)
        said = f"L{last.cache.level}: {text.size(last.cache.bytes)} are reported, about {size} can be used."
        shared = " The rest serves other guests: only a dedicated host gives all of it." * guest
        found = reading.get("dram.latency")
        remedy = f"C{wording.blocks(last)[1:]}.{shared}"
        yield Notable(said, remedy, last.cache.bytes / last.size.value, found.bench if found else "", noted=True)


def _unusual(reading: Reading) -> Iterator[Notable]:
    """What is outside its usual range; where most cases are suspect, what is doubtful says nothing of the machine."""
    timed = [record for record in reading.records if record.timed]
    disturbed = 2 * sum(record.status == "suspect" for record in timed) > len(timed)
    for usual in MEASURED:
        seen = usual.seen(reading)
        if seen is None or (disturbed and seen.doubtful) or (distance := usual.distance(seen.value)) <= LEAST:
            continue
        remedy = usual.remedy(reading) if callable(usual.remedy) else usual.remedy
        said = f"{usual.said(seen)}{', which is doubtful' * seen.doubtful} (usual: {usual.range})."
        yield Notable(said, remedy, distance, seen.bench, seen.doubtful)


def _threads(reading: Reading) -> Iterator[Notable]:
    cpus = len(reading.run.machine.cpu.allowed) or reading.run.machine.cpu.logical
    for name, threads in inherited.few_threads(reading.run.variables or {}, cpus).items():
        said = f"{name}={threads} is set: {inherited.POOLS[name]} leaves {cpus - threads} of {cpus} CPUs unused."
        yield Notable(said, f"Unset {name}, unless that is meant.", cpus / threads)


def _settings(reading: Reading) -> Iterator[Notable]:
    elsewhere = {*interference.JUDGED, *inherited.POOLS, *causes.FORCED}  # shown by checks, `_threads`, the products
    for one in reading.run.disturbances:
        if one.severity == "warning" and one.name not in elsewhere:
            said = f"{one.name[0].upper()}{one.name[1:]}: {one.state}; {one.affects}."
            yield Notable(said, f"{one.remedy[0].upper()}{one.remedy[1:]}.", UNKNOWN)
