"""What is derived from a record when it is read: its leading metric with interval, and its share of the limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..bench import Bench
from ..record.estimate import Estimate, estimate
from ..record.model import BenchInfo, Cpu, JsonObject, Metric, Record, Run, metrics
from . import run_quality
from .hierarchy import Hierarchy, hierarchy
from .limits import Limit, limit_for, measured, share
from .measures import completed
from .staircase import Level


@dataclass(frozen=True)
class Performance:
    """A timed record as shown: seconds per call, the leading metric, and the share of its limit."""

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


def performance(
    record: Record, bench: BenchInfo | None, limits: Sequence[Limit], sizes: Mapping[str, int], cpu: Cpu | None
) -> Performance:
    """The performance of a timed record, given the run's limits, sizes of labels, and CPU."""
    seconds = estimate(record.samples)
    leading = leading_metric(record, bench)
    value = in_unit(record, leading) if leading else seconds
    limit = limit_for(record, bench.limit if bench else None, limits, sizes, cpu)
    return Performance(seconds, leading, value, limit, share(record, limit, seconds.value) if limit else None)


def leading_metric(record: Record, bench: BenchInfo | None) -> Metric | None:
    """The metric that is shown first: of the count that the bench leads with, else the first that the record has."""
    known = metrics(record)
    wanted = bench.leading if bench else ""
    return next((metric for metric in known if metric.count == wanted), next(iter(known), None))


def as_json(run: Run, benches: Mapping[str, Bench], findings: Mapping[str, Iterable[str]]) -> JsonObject:
    """The run as JSON, with all that is derived: limits, levels, noise, findings, and rates of every timed record.

    `benches` are those of the catalogue, for a run that does not describe its own.
    """
    import msgspec

    run = completed(run, benches)
    limits = measured(run.records, run.benches)
    data: JsonObject = msgspec.to_builtins(run)
    for record, out in zip(run.records, data["records"], strict=True):
        if record.timed:
            bench = run.benches.get(record.bench)
            out["rates"] = _rates(record, performance(record, bench, limits, run.policy.sizes, run.machine.cpu))
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


def _levels(found: Hierarchy) -> JsonObject:
    """The memory hierarchy: sizes in bytes, times in seconds, each as value, low and high."""

    def bounds(value: Estimate | None) -> dict[str, float] | None:
        return None if value is None else value._asdict()

    def level(one: Level | None) -> JsonObject:
        size, seconds = (one.size, one.seconds) if one else (None, None)
        return {"size": bounds(size), "seconds": bounds(seconds)}

    return {
        "caches": [
            {
                "level": one.cache.level if one.cache else None,
                "reported": one.cache.bytes if one.cache else None,
                **level(one.level),
                "size": bounds(one.size),
                "step": bounds(one.step),
            }
            for one in found.caches
        ],
        "memory": level(found.memory),
        "translation": [level(one) for one in found.translation],
        "line": bounds(found.line),
        "unit": bounds(found.unit),
    }


def _rates(record: Record, found: Performance) -> JsonObject:
    out: JsonObject = {
        "median_s": found.seconds.value, "low_s": found.seconds.low, "high_s": found.seconds.high,
        "best_s": min(record.samples), "n": len(record.samples),
    }  # fmt: skip
    for metric in metrics(record):
        value = in_unit(record, metric)
        out[metric.name] = {"value": value.value, "low": value.low, "high": value.high, "unit": metric.unit}
    if found.limit is not None and found.share is not None:
        out["limit"] = {"name": found.limit.name, "share": found.share}
    return out
