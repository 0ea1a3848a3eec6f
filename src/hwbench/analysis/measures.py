"""Which records of a run measure what, as their benches declare it (`Bench(measures=…)`)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ..bench import Bench
from ..record.measures import LIMITS, Source, expanded
from ..record.model import BenchInfo, Record, Run

FORMER = Path(__file__).with_name("former_benches.json")
Benches = Mapping[str, BenchInfo]
"""What the benches of a run declare, by name."""
Catalogue = Mapping[str, Bench]
"""The installed benches, by name."""


@functools.cache
def former() -> Benches:
    """What hwbench's benches declared before run files described them. The table is of that time and does not change.

    Later are only what charts show: that `peak.matmul` and `dsp.dot` lead with their operations, the facts that answer
    where no rate does, the unit of a gap, and the kinds `occupancy` and `temporaries`.
    """
    return msgspec.json.decode(FORMER.read_bytes(), type=dict[str, BenchInfo])


def completed(run: Run, catalogue: Catalogue) -> Run:
    """The run with the declarations of all its benches that are known.

    Files of earlier versions describe no benches, or state question, baseline and limit alone. What they lack is as
    hwbench's benches declared it then (`former`); the catalogue is asked for other benches only.
    """
    names = dict.fromkeys([*(record.bench for record in run.records), *run.benches])
    found = {name: _completed(name, run.benches.get(name), catalogue) for name in names}
    benches = {name: info for name, info in found.items() if info is not None}
    return run if benches == run.benches else replace(run, benches=benches)


def _completed(name: str, stated: BenchInfo | None, catalogue: Catalogue) -> BenchInfo | None:
    """What the file states of a bench; the rest from elsewhere where an earlier version wrote the file."""
    known = former().get(name)
    if stated is not None and stated.variants:  # this version always states the variants
        later = known.measures if known is not None and not stated.measures else ""
        return replace(stated, measures=later) if later and later not in LIMITS else stated
    if known is None and name in catalogue:
        known = catalogue[name].info
    if known is None or stated is None:
        return known or stated
    return replace(known, question=stated.question, baseline=stated.baseline, limit=stated.limit)


def measuring(run: Run, *kinds: str) -> Iterator[Record]:
    """The records of the benches that declare one of these kinds, in the order of the file."""
    return (record for record in run.records if declared(record, run.benches) in kinds)


def declared(record: Record, benches: Benches) -> str:
    """What the record's bench declares that it measures, `{axis}` not replaced; "" where it declares nothing."""
    info = benches.get(record.bench)
    return info.measures if info is not None else ""


def source_of(record: Record, benches: Benches) -> Source | None:
    """How the record's bench measures a limit on the record's kind of device; None where it does not.

    An OpenCL device has the limits of a GPU, of its own: they bound no record of another device.
    """
    source, kind = LIMITS.get(declared(record, benches)), record.device.partition(":")[0]
    return source if source is not None and source.on == ("gpu" if kind == "opencl" else kind) else None


def kind_of(record: Record, benches: Benches) -> str:
    """The kind of limit that the record gives: `load`, `latency`, `h2d`, `gpu copy` …; "" where it gives none.

    A bench may declare that only some of its cases give the limit (`where`), such as chases in random order.
    """
    info = benches.get(record.bench)
    if info is None or source_of(record, benches) is None:
        return ""
    values = {**record.params, "variant": record.variant}
    if any(values.get(axis, value) != value for axis, value in info.where.items()):
        return ""
    return expanded(info.measures, record.params) or ""
