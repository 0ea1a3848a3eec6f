"""A run as JSON, with all that is derived from it when it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..record.estimate import Estimate
from ..record.model import JsonObject, Record, metrics
from . import run_quality
from .hierarchy import Hierarchy
from .reading import Performance, Reading, in_unit
from .staircase import Level


def as_json(reading: Reading, findings: Mapping[str, Iterable[str]]) -> JsonObject:
    """The run as JSON, with all that is derived: headline, limits, levels, noise, findings, rates of timed records."""
    import msgspec

    run = reading.run
    data: JsonObject = msgspec.to_builtins(run)
    for record, out in zip(run.records, data["records"], strict=True):
        if record.timed:
            out["rates"] = _rates(record, reading.performance(record))
    data["headline"] = msgspec.to_builtins(reading.headline)
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
        for limit in reading.limits
    ]
    data["levels"] = _levels(reading.hierarchy)
    data["noise"] = {"noisy": run_quality.noisy(reading.checks), "checks": msgspec.to_builtins(reading.checks)}
    data["findings"] = {name: list(sentences) for name, sentences in findings.items()}
    return data


def _levels(found: Hierarchy) -> JsonObject:
    """The memory hierarchy: sizes in bytes, times in seconds, each as value, low and high.

    `plateau_seconds` is the level's time from footprint `first` to `last`; the latency at a size label is a headline.
    """

    def bounds(value: Estimate | None) -> dict[str, float] | None:
        return None if value is None else value._asdict()

    def level(one: Level | None) -> JsonObject:
        if one is None:
            return {"size": None, "plateau_seconds": None, "first": None, "last": None}
        return {"size": bounds(one.size), "plateau_seconds": bounds(one.seconds), "first": one.first, "last": one.last}

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
    if found.share is not None:
        out["limit"] = {"name": found.share.limit.name, "share": found.share.value, "doubt": list(found.share.doubt)}
    return out
