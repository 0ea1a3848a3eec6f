"""GPU to GPU: maps of bandwidth from each GPU to each other one."""

from __future__ import annotations

from collections.abc import Sequence

from ... import charts
from ...columns import STATUS, VARIANT, Column, Measured, axis, of_points
from ...dataset import Point, Runs
from ...sections import Figure, Panel, Section

MEASURES = "peers"
WAYS = {"to": "written by the GPU of the row", "from": "read by it", "both": "both ways at once"}
DEVICE = "gpu:"
MOST = 4096  # a number beyond is none of a GPU


def view(runs: Runs) -> Section | None:
    """For each run a map of each direction at the largest size; None where no pair of GPUs was measured."""
    figures = []
    for index, label in enumerate(runs.labels):
        here = [point for point in runs.measuring(MEASURES) if point.run == index and _pair(point) is not None]
        if here:
            figures.append(_figure(runs, here, label if runs.several else ""))
    if not figures:
        return None
    intro = [
        "Rows are the GPUs that copy, columns those whose memory they write or read; figures are of the copy engines "
        "at the largest size. Pairs that share a switch or a bridge are faster than those that meet at the host.",
    ]
    return Section("gpu-peers", "GPU to GPU", "Copies from GPU to GPU", intro, figures, topic="gpu")


def _figure(runs: Runs, points: Sequence[Point], label: str) -> Figure:
    columns = of_points(
        runs,
        (
            Column("device", lambda point: point.record.device),
            Column("other GPU", lambda point: str(point.record.facts.get("peer"))),
            axis("direction"), axis("size"), VARIANT, Measured("rate", lambda point: point.value),
            Column("unit", lambda point: point.unit),
            Column("way", lambda point: "direct" if point.record.facts.get("direct") else "through the host"), STATUS,
        ),
    )  # fmt: skip
    largest = max(_bytes(point) for point in points)
    shown = [point for point in points if point.record.variant == "engine" and _bytes(point) == largest]
    order = sorted({number for point in points for number in _pair(point) or ()})
    panels = []
    for way, what in WAYS.items():
        cells = [
            (
                *pair,
                _best(point) * 1e-9,
                "reached directly" if point.record.facts.get("direct") else "reached by the host",
            )
            for point in shown
            if point.text("direction") == way and (pair := _pair(point)) is not None
        ]
        if cells:
            about = f"Bandwidth from GPU to GPU, {what}: a map of GPUs against GPUs."
            spec = charts.matrix(cells, order=order, unit="GB/s", rows="GPU", columns="other GPU", alt_text=about)
            panels.append(Panel(what, spec, about))
    ordered = sorted(points, key=lambda point: (_pair(point) or (0, 0), point.text("direction"), point.variant))
    title = ", ".join(filter(None, ("Bandwidth from GPU to GPU", label)))
    return Figure(
        title, panels, columns.table("Every pair", ordered),
        "The best sample of each pair, each measured alone. Stronger colour is faster; the table has medians.",
    )  # fmt: skip


def _pair(point: Point) -> tuple[int, int] | None:
    """The numbers of the GPU that copies and of the other; None for what is no such pair."""
    numbers = [_number(point.record.device), _number(point.record.facts.get("peer"))]
    if None in numbers or not point.record.counts.get("bytes"):
        return None
    return numbers[0] or 0, numbers[1] or 0


def _number(device: object) -> int | None:
    digits = device.removeprefix(DEVICE) if isinstance(device, str) and device.startswith(DEVICE) else ""
    return int(digits) if digits.isdecimal() and len(digits) < 5 and int(digits) < MOST else None


def _bytes(point: Point) -> float:
    """Bytes of one direction."""
    return point.record.counts["bytes"] / (1 + (point.text("direction") == "both"))


def _best(point: Point) -> float:
    """Bytes a second, both ways together."""
    return point.record.counts["bytes"] / min(point.record.samples)
