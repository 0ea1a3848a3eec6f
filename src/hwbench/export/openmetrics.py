"""Runs as OpenMetrics text: gauges, which Prometheus and the text files of its node exporter read, too.

A series is a case on a machine, not a run: of several runs the last one counts, and dashboards show figures over time.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..analysis.limits import rate
from ..analysis.reading import Reading
from ..record.estimate import estimate
from ..record.model import METRICS, STATUSES, Record, Scalar
from ..record.text import printable

UNITS = {"bytes": "bytes_per_second", "flops": "flops_per_second", "ops": "ops_per_second", "cycles": "hertz",
         "hops": "hop_seconds", "items": "item_seconds", "calls": "call_seconds"}  # fmt: skip
HEADLINE = {"B/s": "bytes_per_second", "FLOP/s": "flops_per_second", "Hz": "hertz", "s": "seconds", "1": "ratio"}
HELP = {
    "hwbench_run_timestamp_seconds": "When the run began.",
    "hwbench_run_cases": "Cases of the run by status.",
    "hwbench_machine": "What was measured on.",
    "hwbench_case_seconds": "Median time of a call.",
    "hwbench_case_share_ratio": "Share of its limit that a case reaches.",
    "hwbench_case_suspect": "Whether a case was disturbed or is doubtful.",
    **{f"hwbench_case_{unit}": f"Median of a case, from its {count}." for count, unit in UNITS.items()},
    **{f"hwbench_headline_{unit}": "A main quantity of the machine, by its fixed name." for unit in HEADLINE.values()},
}
ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Sample(NamedTuple):
    """A value of a family under its labels."""

    family: str
    labels: Mapping[str, Scalar]
    value: float


def text(readings: Iterable[Reading]) -> bytes:
    """The text, families together, as the format wants it, each series once."""
    families: dict[str, dict[str, float]] = {name: {} for name in HELP}
    for reading in readings:
        for sample in _samples(reading):
            families[sample.family][_labels(sample.labels)] = float(sample.value)
    lines: list[str] = []
    for name, series in families.items():
        if series:
            lines += [f"# TYPE {name} gauge", f"# HELP {name} {HELP[name]}"]
            lines += [f"{name}{{{labels}}} {value!r}" for labels, value in series.items()]
    return "\n".join([*lines, "# EOF", ""]).encode("utf-8", "backslashreplace")


def _labels(labels: Mapping[str, Scalar]) -> str:
    named = {re.sub(r"[^a-zA-Z0-9_]", "_", name): value for name, value in labels.items()}
    return ",".join(f'{name}="{printable(str(value)).translate(ESCAPES)}"' for name, value in named.items())


def _samples(reading: Reading) -> Iterator[Sample]:
    run, machine = reading.run, {"machine": reading.run.machine.name}
    try:
        began = datetime.datetime.fromisoformat(run.started).timestamp()
        yield Sample("hwbench_run_timestamp_seconds", machine, began)
    except (ValueError, OverflowError):
        pass  # a file that somebody edited
    statuses = Counter(record.status for record in reading.records)
    for status in STATUSES:
        yield Sample("hwbench_run_cases", {**machine, "status": status}, statuses[status])
    about = {"cpu": run.machine.cpu.model, "gpu": ", ".join(gpu.name for gpu in run.machine.gpus),
             "hwbench": str(run.hwbench.get("version", ""))}  # fmt: skip
    yield Sample("hwbench_machine", machine | about, 1)
    for one in reading.headline:
        if (unit := HEADLINE.get(one.unit)) is not None:
            yield Sample(f"hwbench_headline_{unit}", {**machine, "name": one.name, "device": one.device}, one.value)
    for record in reading.records:
        if record.timed:
            yield from _of_case(reading, record, machine)


def _of_case(reading: Reading, record: Record, machine: Mapping[str, Scalar]) -> Iterator[Sample]:
    params = {f"param_{axis}": value for axis, value in record.params.items()}
    labels = {**machine, "bench": record.bench, "variant": record.variant, "device": record.device, **params}
    seconds = estimate(record.samples).value
    yield Sample("hwbench_case_seconds", labels, seconds)
    for metric in METRICS:
        if record.counts.get(metric.count) and (value := rate(record, metric, seconds)) is not None:
            yield Sample(f"hwbench_case_{UNITS[metric.count]}", labels, value)
    if (share := reading.share(record)) is not None:
        yield Sample("hwbench_case_share_ratio", labels, share.value)
    yield Sample("hwbench_case_suspect", labels, record.status == "suspect")
