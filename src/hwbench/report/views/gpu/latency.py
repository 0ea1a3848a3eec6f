"""The GPU's latency by footprint: nanoseconds a load of a pointer chase, through the L1 cache and past it."""

from __future__ import annotations

from collections.abc import Sequence

from ....record import text
from ....record.facts import footprint, level_on, this_cpu
from ....record.model import HOP_TIME
from ... import charts
from ...columns import STATUS, VARIANT, Column, Measured, of_points
from ...dataset import Point, Runs
from ...sections import Figure, Key, Panel, Section
from . import common

MEASURES = "gpu latency"


def view(runs: Runs) -> Section | None:
    """A staircase for each GPU; None where no GPU was measured at two footprints."""
    columns = of_points(
        runs,
        (
            Column("device", lambda point: point.record.device), VARIANT,
            Column("footprint", lambda point: text.size(_size(point))),
            Measured("ns a load", lambda point: point.value), Column("cycles", _cycles), STATUS,
        ),
        more="footprint",
    )  # fmt: skip
    panels: list[Panel] = []
    shown: list[Point] = []
    for index in range(len(runs)):
        for device in common.devices(runs, index):
            own = this_cpu(runs[index], device)
            here = _once([p for p in common.points_of(runs, MEASURES, index, device) if p.metric == HOP_TIME])
            sizes = sorted({float(_size(point)) for point in here})
            if len(sizes) < 2:
                continue
            title = common.label(runs, index, device)
            about = f"Latency of a pointer chase on the GPU over its footprint, {title}."
            spec = charts.lines(
                [columns.mark(point, x=float(_size(point))) for point in here],
                x_title="footprint",
                y_title=columns.title,
                x_kind="bytes",
                x_domain=(sizes[0], sizes[-1]),
                rules=[(at, level_on("L2", own=own), True) for at in _l2(here) if sizes[0] < at < sizes[-1]],
                more=columns.more,
                alt_text=about,
            )
            panels.append(Panel(title, spec, about, _both(runs, index, device)))
            shown += here
    if not panels:
        return None
    by_cuda = any(point.record.device.startswith("gpu") for point in shown)
    legend = [Key(name, runs.colours[name], "line") for name in dict.fromkeys(point.variant for point in shown)]
    if any(spec["datasets"].get("dashed") for spec in (panel.spec for panel in panels)):
        legend.append(Key(f"size of the {'L2' if by_cuda else 'cache'} as reported", "ink-2", "dash"))
    figure = Figure(
        "Latency over footprint",
        panels,
        columns.table("Every footprint on the GPU", shown),
        ("l1 loads through the L1 cache, l2 past it: where both agree, L1 has no part in it. " * by_cuda)
        + ("opencl loads through all caches, by one work-item. " * any(p.record.variant == "opencl" for p in shown))
        + "Lower is better.",
        legend,
        wide=not runs.several,
    )
    intro = [
        "One thread follows a ring of pointers in random order, so that each load waits for the one before. The line "
        "climbs where the ring outgrows a cache."
        + " Where it climbs before the ring is as large as the L2, part of the ring lies in the far partition of the "
        "L2, or in memory." * by_cuda,
        *common.cautions(runs),
    ]
    return Section("gpu-latency", "GPU latency", "The GPU's latency by footprint", intro, [figure], topic="gpu")


def _size(point: Point) -> int:
    return footprint(point.record) or 0


def _once(points: Sequence[Point]) -> list[Point]:
    """One point a variant and footprint, by size: with two the line would go back, as a label may be a swept size."""
    chosen: dict[tuple[str, int], Point] = {}
    for point in sorted(points, key=lambda point: (point.suspect, point.value.value)):
        if _size(point):
            chosen.setdefault((point.variant, _size(point)), point)
    return sorted(chosen.values(), key=lambda point: (point.variant, _size(point)))


def _cycles(point: Point) -> str:
    """Cycles of the samples themselves; files of before counted those of another launch."""
    cycles = point.record.facts.get("cycles_per_hop")
    own = "sm_clock_hz" in point.record.facts and isinstance(cycles, int | float)
    return text.count(round(float(cycles))) if own and cycles is not None else text.NOTHING


def _l2(points: Sequence[Point]) -> set[float]:
    stated = {point.record.facts.get("l2_bytes") for point in points}
    return {float(size) for size in stated if isinstance(size, int | float) and 0 < size < 2**63}


def _both(runs: Runs, run: int, device: str) -> str:
    """The headline latencies, as the summary has them."""
    cache = level_on("L2", own=this_cpu(runs[run], device))
    names = {
        "L1": "l1.latency", f"{cache} near": "l2.latency.near", f"{cache} half full": "l2.latency",
        "memory": "hbm.latency",
    }  # fmt: skip
    found = {name: runs.readings[run].get(headline, device) for name, headline in names.items()}
    told = [f"{name} {text.seconds(one.value)}{text.DOUBTFUL * bool(one.doubt)}" for name, one in found.items() if one]
    return ", ".join(told)
