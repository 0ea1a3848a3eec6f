"""Every record in a table with filters, and downloads as CSV (one line per record) or JSON (the run file itself)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import TypeAlias

from ...analysis import precision
from ...record import text
from ...record.estimate import estimate
from ...record.model import COUNTS, Record, metrics
from ...record.store import encode
from .. import format
from ..dataset import Runs
from ..sections import Download, Records, Section, Table

Cell: TypeAlias = str | int | float


def view(runs: Runs) -> Section | None:
    """The table and the downloads; None for runs without any record."""
    if not any(run.records for run in runs):
        return None
    points = {(point.run, id(point.record)): point for point in runs.points}
    rows = []
    for index, run in enumerate(runs):
        for record, cases in _gathered(run.records):
            point = points.get((index, id(record)))
            params = " ".join(f"{axis}={value}" for axis, value in record.params.items())
            params = params if cases == 1 else f"{cases} cases"
            figures = [text.NOTHING] * 5
            if point is not None:
                median, _, interval = text.quantity(point.value, point.unit).partition(" (")
                interval = interval.removesuffix(")") or text.NOTHING
                wide = precision.missed(point.seconds, run.policy)
                figures = [
                    str(len(record.samples)),
                    text.seconds(point.seconds.value),
                    median,
                    f"{interval}, {wide}" if wide else interval,
                    format.of_limit(point.of_limit),
                ]
            status = record.status + (f": {record.why}" if record.reasons else "")
            row = (record.bench, runs.variant(index, record), params, *figures, status)
            rows.append(runs.row(index, row))
    head = (
        "bench",
        "variant",
        "parameters",
        "samples",
        "one execution",
        "median",
        "95% interval",
        "of the limit",
        "status",
    )
    downloads = [Download("CSV, one line a record", "hwbench.csv", "text/csv", as_csv(runs).encode("utf-8", "replace"))]
    for label, run in zip(runs.labels, runs.given, strict=True):
        name = f"JSON, {label}" if runs.several else "JSON, the run with all samples"
        downloads.append(Download(name, f"{file_name(run.id)}.json", "application/json", encode(run)))
    table = Table("Every record", runs.head(head), rows)
    intro = [
        "Everything that was measured, and what was not and why; cases of a variant that were skipped for one reason "
        "are one row here, and apart in the downloads. Click a heading to sort; type to filter.",
        "An execution runs the variant once. Where that is many elements, loads or calls, the median is of one. An "
        "interval wider than the run asked for is followed by half its width, in percent of the median.",
    ]
    return Section("records", "Records", "All records", intro, [Records(table, downloads)], topic="data")


def _gathered(records: Sequence[Record]) -> list[tuple[Record, int]]:
    """Records with the number of cases each stands for: cases of a variant skipped for one reason are one."""
    found: dict[object, tuple[Record, int]] = {}
    for record in records:
        alike = record.status == "skipped" and not record.samples
        group = (record.bench, record.variant, record.device, record.why) if alike else id(record)
        first, count = found.get(group, (record, 0))
        found[group] = (first, count + 1)
    return list(found.values())


def as_csv(runs: Runs) -> str:
    """One line a record, SI units in the headings: seconds a call and every rate that the counts allow."""
    axes = list(dict.fromkeys(axis for run in runs for record in run.records for axis in record.params))
    rates = {
        "bytes": "bytes_per_s",
        "flops": "flops_per_s",
        "ops": "ops_per_s",
        "hops": "s_per_hop",
        "items": "s_per_item",
        "calls": "s_per_call",
        "cycles": "cycles_per_s",
    }
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        [
            "run",
            "machine",
            "started",
            "bench",
            "version",
            "variant",
            "device",
            *(_safe(axis) for axis in axes),
            "status",
            "reason",
            "n",
            "loops",
            "median_s",
            "low_s",
            "high_s",
            "best_s",
            *COUNTS,
            *rates.values(),
        ]
    )
    for run in runs:
        for record in run.records:
            writer.writerow(
                [
                    _safe(cell)
                    for cell in (
                        run.id,
                        run.machine.name,
                        run.started,
                        record.bench,
                        record.version,
                        record.variant,
                        record.device,
                        *(record.params.get(axis, "") for axis in axes),
                        record.status,
                        record.why,
                        len(record.samples),
                        record.loops,
                        *_times(record),
                        *(record.counts.get(count, "") for count in COUNTS),
                        *_rates(record, list(rates)),
                    )
                ]
            )
    return out.getvalue()


def _times(record: Record) -> list[Cell]:
    if not record.timed:
        return [""] * 4
    median = estimate(record.samples)
    bounded = len(record.samples) >= 3
    return [median.value, median.low if bounded else "", median.high if bounded else "", min(record.samples)]


def _rates(record: Record, counts: Sequence[str]) -> list[Cell]:
    if not record.timed or min(record.samples) <= 0:
        return [""] * len(counts)
    median = estimate(record.samples).value
    by_count = {metric.count: metric for metric in metrics(record)}
    return [
        "" if count not in by_count else f"{by_count[count].value(median, record.counts) / by_count[count].scale:.6g}"
        for count in counts
    ]


def _safe(cell: Cell) -> Cell:
    """Put an apostrophe before text that a spreadsheet would evaluate."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def file_name(text: str) -> str:
    """A run's id as a file name: anything but letters, digits, dots, dashes and underscores becomes a dash."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")[:100] or "run"
