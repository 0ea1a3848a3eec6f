"""The roofline as it was measured: the rate over the operations for each byte that a kernel does on its way."""

from __future__ import annotations

from collections.abc import Sequence

from ....record import text
from ....record.facts import level_on, this_cpu
from ....record.model import GPU_LEVELS
from ... import charts, format
from ...columns import STATUS, VARIANT, Column, Columns, Measured, axis, of_points, worded
from ...dataset import Point, Runs
from ...sections import Figure, Key, Panel
from ..roofline import marked
from . import common

MEASURES = "gpu roofline"
COLOURS = {"f4": "c1", "f8": "c2"}
OTHER = "c3"
SHAPES = {"fused": "circle", "cupy": "square"}
SIGNS = {"fused": "●", "cupy": "■"}
NAMES = {"f4": "fp32", "f8": "fp64"}
SWEEP = "of these points"  # a roof that nothing but the sweep tells


def figure(runs: Runs) -> Figure | None:
    """A chart for each GPU that was measured at three intensities or more; None without."""
    columns = _columns(runs)
    panels: list[Panel] = []
    shown: list[Point] = []
    for index in range(len(runs)):
        for device in common.devices(runs, index):
            every = common.points_of(runs, MEASURES, index, device)
            here = sorted(filter(_counted, every), key=lambda point: (_dtype(point), point.variant, _intensity(point)))
            if len({_intensity(point) for point in here}) < 3:
                continue
            title = common.label(runs, index, device)
            about = f"Rate of multiply-adds over operations for each byte, as measured, {title}."
            marks = [
                columns.mark(
                    point, series=NAMES.get(_dtype(point), _dtype(point)), colour=COLOURS.get(_dtype(point), OTHER),
                    group=point.variant, x=_intensity(point),
                )
                for point in here
            ]  # fmt: skip
            roofs = _roofs(runs, index, device, here)
            names = dict.fromkeys(point.variant for point in here)
            shapes = {name: SHAPES.get(common.plain(name), "diamond") for name in names}
            panels.append(Panel(title, charts.roofline(marks, roofs, shapes, alt_text=about), about))
            shown += here
    if not panels:
        return None
    dtypes, variants = (dict.fromkeys(map(read, shown)) for read in (_dtype, lambda point: point.variant))
    signs = ", ".join(f"{name} {SIGNS.get(common.plain(name), '◆')}" for name in variants)
    return Figure(
        "The roofline, measured",
        panels,
        columns.table("Every intensity", shown),
        "A kernel that reads each element, does so many multiply-adds on it and writes it back. Lines are bandwidth "
        "and peak as other benches measured them, or as these points reach them. Points near the ridge lie below both: "
        f"there memory and units must work at once. On the slope both precisions cover "
        f"one another. Shapes are variants: {signs}.",
        [Key(NAMES.get(dtype, dtype), COLOURS.get(dtype, OTHER)) for dtype in dtypes],
    )


def _columns(runs: Runs) -> Columns[Point]:
    return of_points(
        runs,
        (
            Column("device", lambda point: point.record.device), worded("dtype", "precision"), VARIANT,
            axis("fmas", "multiply-adds an element"),
            Column("flop/B", lambda point: text.amount(_intensity(point))),
            Measured("GFLOP/s", lambda point: point.value),
            Column("of its roof", lambda point: format.marked(runs.readings[point.run].roof(point.record))), STATUS,
        ),
        more="of its roof",
    )  # fmt: skip


def _roofs(runs: Runs, run: int, device: str, points: Sequence[Point]) -> list[charts.RoofLine]:
    """Bandwidth of memory and peaks as limits of the run; what the points reach where there is none."""
    reading, level = runs.readings[run], GPU_LEVELS[-1]
    slope = reading.best("gpu copy", "gpu triad", device=device, level=level)
    name = level_on(level, own=this_cpu(runs[run], device))
    if slope is None:
        widest = max(point.record.counts["bytes"] / point.seconds.value for point in points)
        roofs = [charts.RoofLine(f"{name} {SWEEP}", widest, flat=False)]
    else:
        roofs = [charts.RoofLine(marked(name, slope), slope.value, flat=False)]
    for dtype in dict.fromkeys(map(_dtype, points)):
        peak, what = reading.best("gpu fma", device=device, dtype=dtype), NAMES.get(dtype, dtype)
        if peak is None:
            fastest = max(p.record.counts["flops"] / p.seconds.value for p in points if _dtype(p) == dtype)
            roofs.append(charts.RoofLine(f"{what} {SWEEP}", fastest, flat=True))
        else:
            roofs.append(charts.RoofLine(marked(what, peak), peak.value, flat=True))
    return roofs


def _counted(point: Point) -> bool:
    counts = point.record.counts
    return bool(counts.get("bytes") and counts.get("flops"))


def _dtype(point: Point) -> str:
    return point.text("dtype")


def _intensity(point: Point) -> float:
    """FLOPs for each byte."""
    return point.record.counts["flops"] / point.record.counts["bytes"]
