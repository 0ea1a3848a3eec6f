"""A placed function as one offline HTML page, as a small SVG, and as a piece of a notebook."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import UsageError
from ..record import text
from ..record.estimate import Estimate
from ..record.model import FLOP_RATE, GPU_LEVELS, LEVELS
from ..record.store import write_bytes
from ..report import charts
from ..report.frame import arrange
from ..report.page import assembled
from ..report.sections import Figure, Key, Notes, Panel, Section, Spec, Table
from ..report.svg import as_svg
from . import lines
from .model import Placed, Point
from .roofs import Roofs
from .sweep import Swept

COLOURS = ("c1", "c3", "c2", "c4", "c7", "c5", "c6")
SHAPE = "circle"
HEIGHT = 330
ROOFS = "A point for each n. Where flops and bytes grow alike, all have one intensity and lie on a vertical line."
SHARES = "The dotted line is the roof of the level that holds the data, on as many threads as were used."
INTRO = (
    "The flops of a call for each byte that any code must move decide what limits a function: under a slope the "
    "bandwidth of that level, under a ceiling the arithmetic units. Roofs are measured on this machine. A point's "
    "share is the least time that its roof allows over the time it takes; the roof is that of the level that holds its "
    "data, on as many threads as it used."
)


def write(swept: Swept, roofs: Roofs, path: Path) -> None:
    """Write the page; StoreError where it cannot be written."""
    write_bytes(render(swept, roofs).encode("utf-8", "replace"), path)


def render(swept: Swept, roofs: Roofs) -> str:
    """The page: the roofline, the time an element, the table and the advice."""
    section = Section("function", "Function", swept.functions[0].name, [INTRO], _blocks(swept, roofs), topic="compute")
    name = swept.functions[0].name
    heading = f"How much of this machine does {name} get?"
    machine = f"{roofs.machine}."
    answers = [f"{lines.brief(one.name, one.points[-1])}." for one in swept.functions]
    summary = list(filter(None, [machine, *answers, swept.stopped]))
    return assembled([section], arrange([section], {}, ()), heading, f"hwbench: {name}", summary, alone=True)


def _blocks(swept: Swept, roofs: Roofs) -> list[Figure | Table | Notes]:
    functions = swept.functions
    table = Table("The function and its variants", lines.HEAD, _rows(functions))
    blocks: list[Figure | Table | Notes] = []
    legend = [Key(one.name, colour) for one, colour in zip(functions, COLOURS, strict=False)]
    if (reached := _shares(functions)) is not None:
        panel = Panel("", reached, "Share of its roof over n")
        blocks.append(Figure("Share of the roof", [panel], table, SHARES, legend))
    if (spec := roofline(functions, roofs)) is not None:
        panel = Panel("", spec, "Roofline of this machine with the function", _note(functions, roofs))
        blocks.append(Figure("On the measured roofs", [panel], table, ROOFS, legend))
    if (over := _times(functions)) is not None:
        panel = Panel("", over, "Nanoseconds an element over n")
        blocks.append(Figure("Time an element", [panel], table, "Lower is better.", legend))
    for one in functions:
        last = one.points[-1]
        about = [f"{word}: {line}" for word, line in lines.said(last)]
        blocks.append(Notes(one.name, about, lines.title(one.name, last)))
    blocks.append(table)
    return blocks


def _rows(functions: Sequence[Placed]) -> list[tuple[str, ...]]:
    return [lines.row(one, point) for one in functions for point in one.points]


# --- charts -----------------------------------------------------------------------------------------------------------


def roofline(functions: Sequence[Placed], roofs: Roofs, height: int = HEIGHT) -> Spec | None:
    """The points with flops below the roofs of the most threads that they used; None where there are none."""
    colours = _colours(functions)
    shown = [(one, point) for one in functions for point in one.points if point.intensity and one.name in colours]
    if not shown:
        return None
    threads = max(point.threads for _, point in shown)
    drawn = _lines(roofs, threads, {point.counts.dtype for _, point in shown})
    if not any(roof.flat for roof in drawn):
        return None
    marks = [_mark(one, point, colours[one.name]) for one, point in shown]
    about = f"Roofline, {roofs.on(threads)}: {', '.join(colours)} below measured bandwidths and peaks."
    return charts.roofline(marks, drawn, {SHAPE: SHAPE}, alt_text=about, height=height)


def _mark(placed: Placed, point: Point, colour: str) -> charts.Mark:
    flops = point.counts.flops
    assert flops is not None
    rate = point.seconds.inverse(flops.low).scaled(FLOP_RATE.scale)
    at = f" n={text.count(point.n)}" if point.n is not None else ""
    return charts.Mark(
        series=placed.name, colour=colour, case=f"{placed.name}{at}", value=rate.value, low=rate.low, high=rate.high,
        unit=FLOP_RATE.unit, group=SHAPE, x=point.intensity or 0.0,
        more=f"{lines.share(point.share, point)} of {point.roof.name}", suspect=point.doubt,
    )  # fmt: skip


def _lines(roofs: Roofs, threads: int, dtypes: set[str]) -> list[charts.RoofLine]:
    drawn = [
        charts.RoofLine(level, slope.value, flat=False, told=slope.name)
        for level in dict.fromkeys((*LEVELS, *GPU_LEVELS))
        if level in roofs.levels and (slope := roofs.slope("load", level, threads)) is not None
    ]
    for dtype in ("f8", "f4"):
        peak = roofs.peak(dtype, threads)
        if peak is not None and (dtype == "f8" or "f4" in dtypes):
            name = {"f8": "float64", "f4": "float32"}[dtype]
            drawn.append(charts.RoofLine(name, peak.value, flat=True, dashed=dtype != "f8", told=f"{name} {peak.name}"))
    return drawn


def _shares(functions: Sequence[Placed]) -> Spec | None:
    """The share of the roof over n, in per cent; None for fewer than two n."""
    marks = _over_n(functions, "%", lambda point: point.seconds.inverse(100 * point.share * point.seconds.value))
    if not marks:
        return None
    top = 1.05 * max(100.0, *(mark.value or 0.0 for mark in marks))
    return charts.lines(
        marks, x_title="n", y_title="share of the roof, %", x_kind="count", log_y=False, y_domain=(0.0, top),
        peaks={"ink-2": 100.0}, alt_text="Share of the roof over n.", more="of its roof",
    )  # fmt: skip


def _times(functions: Sequence[Placed]) -> Spec | None:
    """Nanoseconds an element over n; None for fewer than two n."""
    marks = _over_n(functions, "ns", lambda point: point.seconds.scaled(1e9 / (point.n or 1)))
    if not marks:
        return None
    return charts.lines(
        marks, x_title="n", y_title="ns an element", x_kind="count", alt_text="Time an element over n.",
        more="of its roof",
    )  # fmt: skip


def _over_n(functions: Sequence[Placed], unit: str, value: Callable[[Point], Estimate]) -> list[charts.Mark]:
    """A mark for each point with an n; none for fewer than two n."""
    colours = _colours(functions)
    marks = []
    for one in functions:
        for point in one.points:
            if point.n and one.name in colours:
                shown = value(point)
                marks.append(charts.Mark(
                    series=one.name, colour=colours[one.name], case=f"{one.name} n={text.count(point.n)}",
                    value=shown.value, low=shown.low, high=shown.high, unit=unit, x=float(point.n),
                    more=f"{lines.share(point.share, point)} of {point.roof.name}", suspect=point.doubt,
                ))  # fmt: skip
    return marks if len({mark.x for mark in marks}) > 1 else []


def _colours(functions: Sequence[Placed]) -> Mapping[str, str]:
    return {one.name: colour for one, colour in zip(functions, COLOURS, strict=False)}


def _note(functions: Sequence[Placed], roofs: Roofs) -> str:
    threads = max(point.threads for one in functions for point in one.points)
    return f"Roofs on {roofs.on(threads)}: best samples, measured {roofs.run.started[:10]}"


# --- pictures ---------------------------------------------------------------------------------------------------------


def svg(functions: Sequence[Placed], roofs: Roofs) -> str | None:
    """The roofline as SVG with a title; None without a point that has flops."""
    spec = roofline(functions, roofs)
    if spec is None:
        return None
    return as_svg(spec, f"{functions[0].name} on the measured roofs", roofs.title)


def fragment(placed: Placed, roofs: Roofs) -> str:
    """The chart as SVG and the lines of text, for a notebook; a line says what is missing to draw the chart."""
    said = [text.printable(line) for line in lines.of(placed)]
    try:
        drawn = svg([placed], roofs) or ""
    except UsageError as error:
        drawn = ""
        said.append(str(error))
    return f"{drawn}<pre>{html.escape(chr(10).join(said))}</pre>"
