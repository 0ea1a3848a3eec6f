"""Break-even: time over size on the CPU, on the GPU with the transfers, and on the GPU with the data there already."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ....analysis.fits import Breakeven, breakeven
from ....record import text
from ....record.estimate import Estimate, clear
from ... import charts
from ...columns import Column, Columns, Measured
from ...dataset import Point, Runs
from ...sections import Figure, Key, Panel, Section
from . import common

MEASURES = "break-even"
NAMES = {"add": "adding two arrays", "sum": "a sum", "matmul": "a product of matrices", "fft": "an FFT"}
CPU, SENT, KEPT = "best of the CPU", "GPU with transfers", "GPU, data resident"
COLOURS = {CPU: "c8", SENT: "c2", KEPT: "c3"}
GPU_WAYS = {"cupy": SENT, "resident": KEPT, "opencl": SENT, "opencl-resident": KEPT}


class LinePoint(NamedTuple):
    """A point of the line of one way, in the chart of one GPU."""

    device: str
    way: str
    point: Point


def view(runs: Runs) -> Section | None:
    """A chart for each kind of work and GPU; None where no GPU was compared with its host."""
    columns = _columns(runs)
    panels: list[Panel] = []
    shown: list[LinePoint] = []
    points = runs.measuring(MEASURES)
    for index in range(len(runs)):
        for device in common.devices(runs, index):
            for work in dict.fromkeys(p.text("work") for p in points if p.run == index):
                here = [p for p in points if p.run == index and p.text("work") == work]
                lines = _lines(here, device)
                if CPU not in lines or len(lines) < 2:
                    continue
                crossings = {way: _crossing(lines[CPU], lines[way]) for way in (SENT, KEPT) if way in lines}
                xs = [float(n) for line in lines.values() for n in line]
                what = NAMES.get(work, work)
                title = f"{what}, {common.label(runs, index, device)}"
                about = f"Time of {what} over the number of elements: CPU, GPU with and without transfers."
                spec = charts.lines(
                    [
                        columns.mark(LinePoint(device, way, point), series=way, colour=COLOURS[way], x=float(n))
                        for way, line in lines.items()
                        for n, point in line.items()
                    ],
                    x_title="elements of an operand",
                    y_title="µs a call",
                    x_kind="count",
                    x_domain=(min(xs), max(xs)),
                    rules=_rules(crossings, min(xs), max(xs)),
                    height=270,
                    more=columns.more,
                    alt_text=about,
                )
                panels.append(Panel(title, spec, about, _said(crossings)))
                shown += [LinePoint(device, way, line[n]) for way, line in lines.items() for n in sorted(line)]
    if not panels:
        return None
    legend = [*(Key(way, colour, "line") for way, colour in COLOURS.items())]
    legend.append(
        Key("the GPU begins to win, with transfers (T) or resident data (R); dashed: 95% interval", "ink-2", "line")
    )
    if any(one.point.suspect for one in shown):
        legend.append(Key("suspect", "c8", "pale"))
    figure = Figure(
        "Time over size",
        panels,
        columns.table("Every size", shown),
        "Less is better. Where the GPU's line goes below the CPU's, it begins to win.",
        legend,
    )
    intro = [
        "The GPU computes faster, but a launch takes longer than a small array on the CPU, and with the transfers all "
        "bytes cross the link both ways. The crossover depends on the operations per byte: an "
        "addition may never pay for its transfers, a product of matrices soon does.",
        *common.cautions(runs),
    ]
    return Section("offload", "Break-even", "From which size on the GPU wins", intro, [figure], topic="gpu")


def _columns(runs: Runs) -> Columns[LinePoint]:
    return Columns(
        runs,
        lambda one: one.point,
        (
            Column("device", lambda one: one.device), Column("work", lambda one: one.point.text("work")),
            Column("elements", lambda one: text.count(one.point.n)), Column("way", lambda one: one.way),
            Column("variant", lambda one: one.point.variant),
            Measured("median, µs", lambda one: one.point.seconds.scaled(1e6), "µs"),
            Column("status", lambda one: one.point.status),
        ),
        more="variant",
    )  # fmt: skip


def _lines(points: Sequence[Point], device: str) -> dict[str, dict[int, Point]]:
    """By way and n: of the CPU's variants the fastest at each n."""
    found: dict[str, dict[int, Point]] = {}
    for point in points:
        way = GPU_WAYS.get(point.record.variant) if point.record.device == device else None
        if point.record.device == "cpu":
            way = CPU
        if way is None or not point.n:
            continue
        line = found.setdefault(way, {})
        if point.n not in line or point.seconds.value < line[point.n].seconds.value:
            line[point.n] = point
    return {way: found[way] for way in COLOURS if way in found}


def _crossing(cpu: dict[int, Point], other: dict[int, Point]) -> Breakeven | None:
    """Where the other way begins to win, its interval cut to the measured range."""
    both = sorted(set(cpu) & set(other))
    if len(both) < 2:
        return None
    found = breakeven([(float(n), cpu[n].record.samples, other[n].record.samples) for n in both])
    if found.n is None:
        return found
    low, high = (min(max(end, float(both[0])), float(both[-1])) for end in (found.n.low, found.n.high))
    return found._replace(n=Estimate(found.n.value, low, high))


def _rules(crossings: dict[str, Breakeven | None], low: float, high: float) -> list[tuple[float, str, bool]]:
    """A line at each crossing with a letter for its way, and dashed ones where its interval ends."""
    rules: list[tuple[float, str, bool]] = []
    for way, found in crossings.items():
        if found is None or found.n is None or not clear(found.n):
            continue
        rules.append((found.n.value, "T" if way == SENT else "R", False))
        rules += [
            (end, "", True)
            for end in (found.n.low, found.n.high)
            if low < end < high and abs(math.log(end / found.n.value)) > 0.05
        ]
    return rules


def _said(crossings: dict[str, Breakeven | None]) -> str:
    told = []
    for way, found in crossings.items():
        name = "with the transfers" if way == SENT else "with the data there"
        if found is None:
            continue
        if found.n is None:
            told.append(f"{name} it {'wins at every size' if found.state == 'always' else 'never wins'}")
            continue
        ends = f"{_count(found.n.low)} to {_count(found.n.high)}"
        if not clear(found.n):
            told.append(f"{name} there is no clear crossover: the interval spans a decade ({ends})")
            continue
        told.append(f"{name} it wins from n = {_count(found.n.value)} on ({ends})")
    said = "; ".join(told)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _count(n: float) -> str:
    """`1.2 million`, `45 thousand`: two digits are what an interpolated size is good for."""
    for size, word in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if n >= size:
            return f"{text.amount(n / size)}{word}"
    return text.count(n)
