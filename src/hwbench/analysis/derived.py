"""What is derived from a record on demand: its estimate in the unit that tells most, and its share of the limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bench import Bench
from ..record.estimate import Estimate, estimate
from ..record.model import Cpu, Metric, Record, Run, metrics
from . import run_quality
from .hierarchy import Hierarchy, hierarchy
from .limits import Limit, limit_for, measured, share
from .staircase import Level


@dataclass(frozen=True)
class Reading:
    """A timed record as it is shown: seconds a call, the leading metric, and how much of which limit it reaches."""

    seconds: Estimate
    metric: Metric | None
    value: Estimate
    limit: Limit | None
    share: float | None


def in_unit(record: Record, metric: Metric) -> Estimate:
    """The record's median and interval in the metric's unit."""
    seconds = estimate(record.samples)
    amount = record.counts[metric.count]
    value = seconds.inverse(amount) if metric.higher else seconds.scaled(1 / amount)
    return value.scaled(metric.scale)


def read(
    record: Record, bench: Bench | None, limits: Sequence[Limit], sizes: Mapping[str, int], cpu: Cpu | None
) -> Reading:
    """What to show of a timed record of a run with these limits, sizes of the labels, and CPU."""
    seconds = estimate(record.samples)
    leading = next(iter(metrics(record)), None)
    value = in_unit(record, leading) if leading else seconds
    limit = limit_for(record, bench.limit if bench else None, limits, sizes, cpu)
    return Reading(seconds, leading, value, limit, share(record, limit, seconds.value) if limit else None)


def as_json(run: Run, benches: Mapping[str, Bench], findings: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """The run as plain data, with what is derived: limits, levels, noise, findings, and rates on every timed record."""
    import msgspec

    limits = measured(run.records)
    data: dict[str, Any] = msgspec.to_builtins(run)
    for record, plain in zip(run.records, data["records"], strict=True):
        if record.timed:
            bench = benches.get(record.bench)
            plain["rates"] = _rates(record, read(record, bench, limits, run.policy.sizes, run.machine.cpu))
    data["limits"] = [
        {
            "name": limit.name,
            "device": limit.device,
            "kind": limit.kind,
            "level": limit.level,
            "threads": limit.threads,
            "dtype": limit.dtype,
            "value": limit.value,
            "unit": {"bytes": "B/s", "flops": "FLOP/s", "hops": "s"}[limit.metric.count],
            "variant": limit.variant,
            "suspect": limit.suspect,
        }
        for limit in limits
    ]
    data["levels"] = _levels(hierarchy(run))
    checks = run_quality.check(run)
    data["noise"] = {"noisy": run_quality.noisy(checks), "checks": msgspec.to_builtins(checks)}
    data["findings"] = {name: list(sentences) for name, sentences in findings.items()}
    return data


def _levels(found: Hierarchy) -> dict[str, Any]:
    """What the sweeps betray: sizes in bytes, times in seconds, each as value, low and high."""

    def plain(value: Estimate | None) -> dict[str, float] | None:
        return None if value is None else value._asdict()

    def level(one: Level | None) -> dict[str, Any]:
        return {"size": plain(one.size), "seconds": plain(one.seconds)} if one else {"size": None, "seconds": None}

    return {
        "caches": [
            {
                "level": one.cache.level if one.cache else None,
                "reported": one.cache.bytes if one.cache else None,
                **level(one.level),
                "size": plain(one.size),
                "step": plain(one.step),
            }
            for one in found.caches
        ],
        "memory": level(found.memory),
        "translation": [level(one) for one in found.translation],
        "line": plain(found.line),
        "unit": plain(found.unit),
    }


def _rates(record: Record, reading: Reading) -> dict[str, Any]:
    out: dict[str, Any] = {
        "median_s": reading.seconds.value, "low_s": reading.seconds.low, "high_s": reading.seconds.high,
        "best_s": min(record.samples), "n": len(record.samples),
    }  # fmt: skip
    for metric in metrics(record):
        value = in_unit(record, metric)
        out[metric.name] = {"value": value.value, "low": value.low, "high": value.high, "unit": metric.unit}
    if reading.limit is not None and reading.share is not None:
        out["limit"] = {"name": reading.limit.name, "share": reading.share}
    return out
