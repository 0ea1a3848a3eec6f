"""The way to the GPU: a map of bandwidths from host memory to device memory, and what a copy gets by its size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ....analysis.fits import Link, link
from ....analysis.headline import GPU_RATES, Headline
from ....record import text
from ....record.facts import footprint, this_cpu
from ....record.model import BANDWIDTH
from ....record.reasons import words_of
from ... import charts, format, vega
from ...columns import STATUS, Column, Measured, of_points, table
from ...dataset import Point, Runs
from ...sections import Block, Figure, Key, Notes, Panel, Section, Spec
from ...theme import var
from . import common

MEASURES = "{direction}"
WAYS = {"h2d": "host to GPU", "d2h": "GPU to host", "both": "both ways at once"}
# A line for each kind of host memory, and for what CuPy makes of it.
LINES = {
    "pinned raw": "c1", "pinned cupy": "c3", "pageable raw": "c2", "pageable cupy": "c6",
    "registered raw": "c5", "mapped raw": "c7", "managed raw": "c4",
    "pinned opencl": "c1", "pageable opencl": "c2", "mapped opencl": "c7",
}  # fmt: skip
LECTURE = {"memory": 30.0, "link": 16.0, "device": 480.0}  # GB/s: host memory, PCIe 3.0 ×16, on the device


def view(runs: Runs) -> Section | None:
    """The map and the curves; one paragraph where no GPU could be had; None where none was asked for."""
    every = [(index, device) for index in range(len(runs)) for device in common.devices(runs, index)]
    if not every:
        return _missing(runs)
    linked = [(index, device) for index, device in every if not this_cpu(runs[index], device)]
    blocks: list[Block] = [figure for figure in (_map(runs, linked), _curves(runs, every)) if figure is not None]
    if not blocks:
        return None
    arrows = (
        " The arrows below show what was measured on each stretch of the way, the lecture's figures beside: host "
        "memory 30 GB/s, PCIe 3.0 ×16 16 GB/s, the GPU's memory 480 GB/s."
    ) * bool(linked)
    intro = [
        "A GPU computes on its own memory, which is far faster than the host's; what it is to work on has to cross "
        f"the link first.{arrows}",
        "A copy costs a latency whatever its size, and then its bytes. So do not copy often: below the size at which "
        "half of the bandwidth is reached, many small copies should become one.",
        *common.cautions(runs),
    ]
    return Section("gpu", "GPU", "The GPU and the way to it", intro, blocks, topic="gpu")


def _missing(runs: Runs) -> Section | None:
    reasons = common.absent(runs)
    if not reasons:
        return None
    told = [f"{reason.rstrip('.')}. {count} case{'s' * (count != 1)} wait for one." for reason, count in reasons]
    about = (
        "With a GPU this page also shows the bandwidth on each stretch from host memory to the GPU's, copies by size, "
        "a roofline by precision, and the size from which the GPU wins. What was measured here is complete without it."
    )
    return Section(
        "gpu",
        "GPU",
        "No GPU was measured",
        [about],
        [Notes("What is missing, and how to get it", told)],
        topic="quality",
    )


# --- the map ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stretch:
    """One arrow of the map: between which boxes (by row), `up`, `down` or both ways, and what it carries in GB/s."""

    row: int
    way: str
    label: str
    value: float
    source: str
    suspect: str = ""


BOXES = ("Host memory", "CPU", "GPU", "GPU memory")


def _lecture(row: int) -> float:
    return LECTURE[("memory", "link", "device")[row]]


STRETCHES: tuple[Column[tuple[int, str, Stretch]], ...] = (  # of a run's index, a device and a stretch
    Column("device", lambda row: row[1]),
    Column("stretch", lambda row: f"{BOXES[row[2].row]} – {BOXES[row[2].row + 1]}"),
    Column("work", lambda row: row[2].label),
    Column("GB/s", lambda row: text.amount(row[2].value)),
    Column("lecture, GB/s", lambda row: text.amount(_lecture(row[2].row))),
    Column("measured by", lambda row: row[2].source),
    Column("status", lambda row: row[2].suspect or "ok"),
)


def _map(runs: Runs, every: Sequence[tuple[int, str]]) -> Figure | None:
    panels: list[Panel] = []
    shown: list[tuple[int, str, Stretch]] = []
    for index, device in every:
        stretches = _stretches(runs, index, device)
        if not stretches:
            continue
        name = common.label(runs, index, device)
        about = f"Measured bandwidth on each stretch between host memory and the memory of {name}: " + "; ".join(
            f"{one.label} {text.amount(one.value, 'GB/s')}" for one in stretches
        )
        panels.append(Panel(name, _drawn(stretches, about), about))
        shown += [(index, device, one) for one in stretches]
    if not panels:
        return None
    return Figure(
        "Bandwidth from memory to memory",
        panels,
        table(runs, "Bandwidth on each stretch", STRETCHES, shown, lambda row: row[0]),
        "Medians. An arrow that is 2 pixels thicker carries about 10 times as much.",
        [Key("measured", "c1", "line"), Key("lecture", "c8", "line")],
    )


def _stretches(runs: Runs, run: int, device: str) -> list[Stretch]:
    reading, found = runs.readings[run], []

    def add(row: int, way: str, what: str, one: Headline | None, by: str = "") -> None:
        if one is not None:
            threads = format.value_of("threads", one.threads) if one.threads else ""
            label = ", ".join(filter(None, (what, one.name.split(".")[1], threads, by)))
            doubt = ", ".join(map(words_of, one.doubt or ()))
            found.append(Stretch(row, way, label, one.value * BANDWIDTH.scale, one.record, doubt))

    add(0, "both", "", reading.memory())
    for way, direction in (("h2d", "down"), ("d2h", "up")):
        add(1, direction, WAYS[way], reading.link(way, device))
    memory = reading.memory(device)
    fastest = reading.fastest(GPU_RATES[memory.name], device) if memory is not None else None
    add(2, "both", "", memory, fastest.variant if fastest is not None else "")
    return found


def _drawn(stretches: Sequence[Stretch], about: str) -> Spec:
    """Four boxes one below the other, so that the map fits a phone, arrows between them, and figures beside those."""
    boxes = [
        {"x": 2, "x2": 38, "y": 3 * row, "y2": 3 * row + 1, "cx": 20, "cy": 3 * row + 0.5, "label": name}
        for row, name in enumerate(BOXES)
    ]
    gaps: list[charts.Datum] = []
    shafts: list[charts.Datum] = []
    heads: list[charts.Datum] = []
    texts: list[charts.Datum] = []
    for row in range(3):
        here = [one for one in stretches if one.row == row]
        top, bottom = 3 * row + 1, 3 * row + 3
        for place, one in enumerate(here):
            across = 20.0 if len(here) == 1 else 14.0 + 12 * place
            tip: charts.Datum = {
                "x": across,
                "series": "s0",
                "case": f"{BOXES[row]} – {BOXES[row + 1]}: {one.label}",
                "shown": text.amount(one.value, "GB/s"),
                "more": one.source,
                "fade": 0.4 if one.suspect else 1.0,
            }
            shafts.append({**tip, "y": top + 0.3, "y2": bottom - 0.3, "width": _width(one.value)})
            if one.way in ("down", "both"):
                heads.append({**tip, "y": bottom - 0.25, "shape": "triangle-down", "size": _head(one.value)})
            if one.way in ("up", "both"):
                heads.append({**tip, "y": top + 0.25, "shape": "triangle-up", "size": _head(one.value)})
            mark = {"down": "↓ ", "up": "↑ ", "both": ""}[one.way]
            line = top + 1 + 0.62 * (place - len(here) / 2)
            texts.append(
                {"x": 43, "y": line, "label": f"{mark}{text.amount(one.value, 'GB/s')} {one.label}", "kind": "m"}
            )
        lecture = top + 1 + 0.62 * (len(here) - len(here) / 2)
        told = f"{'' if here else 'not measured; '}lecture: {_lecture(row):g} GB/s"
        texts.append({"x": 43, "y": lecture, "label": told, "kind": "l"})
        if not here:
            gaps.append({"x": 20, "y": top + 0.3, "y2": bottom - 0.3})
    scale_x = vega.options(domain=[0, 100], nice=False)
    x = vega.field("x:Q", scale=scale_x, axis=None)
    scale_y = vega.options(domain=[0, 10], reverse=True, nice=False)
    y = vega.field("y:Q", scale=scale_y, axis=None)
    tooltip = [
        vega.field("case:N", title="stretch"),
        vega.field("shown:N", title="median"),
        vega.field("more:N", title="measured by"),
    ]
    colour = {"value": var("c1")}
    fade = vega.field("fade:Q", scale=None)
    written = vega.field("label:N")
    size = vega.field("size:Q", scale=None)
    layers = [
        vega.layer(
            "boxes",
            "rect",
            vega.options(cornerRadius=6, fill=var("grid"), stroke=var("line")),
            x=x,
            x2={"field": "x2"},
            y=y,
            y2={"field": "y2"},
        ),
        vega.layer(
            "boxes",
            "text",
            vega.options(fill=var("ink"), fontSize=13),
            x=vega.field("cx:Q", scale=scale_x, axis=None),
            y=vega.field("cy:Q", scale=scale_y, axis=None),
            text=written,
        ),
        vega.layer("gaps", "rule", vega.options(color=var("ink-2"), strokeDash=[2, 5]), x=x, y=y, y2={"field": "y2"}),
        vega.layer(
            "marks",
            "rule",
            x=x,
            y=y,
            y2={"field": "y2"},
            color=colour,
            opacity=fade,
            tooltip=tooltip,
            strokeWidth=vega.field("width:Q", scale=None),
        ),
        vega.layer(
            "heads",
            "point",
            vega.options(opacity=1),
            x=x,
            y=y,
            color=colour,
            opacity=fade,
            size=size,
            tooltip=tooltip,
            shape=vega.field("shape:N", scale=None),
        ),
        vega.layer(
            "figures",
            "text",
            vega.options(align="left", fill=var("ink"), fontSize=12.5, fontWeight=600),
            x=x,
            y=y,
            text=written,
        ),
        vega.layer(
            "lecture", "text", vega.options(align="left", fill=var("ink-2"), fontSize=12), x=x, y=y, text=written
        ),
    ]
    return charts.finish(
        layers,
        {"height": 400, "description": about, "title": ""},
        {"measured": "s0"},
        boxes=boxes,
        gaps=gaps,
        marks=shafts,
        heads=heads,
        figures=[row for row in texts if row["kind"] == "m"],
        lecture=[row for row in texts if row["kind"] == "l"],
    )


def _width(value: float) -> float:
    """Pixels: 1.5 at 1 GB/s, 5 at 50, 9 at 3000."""
    return 1.5 + 0.9 * math.log(max(value, 1.0))


def _head(value: float) -> float:
    """The area of an arrow's head, in square pixels."""
    return (2.2 * _width(value) + 6) ** 2


# --- copies by their size ---------------------------------------------------------------------------------------------


def _curves(runs: Runs, every: Sequence[tuple[int, str]]) -> Figure | None:
    fitted_to: dict[tuple[int, str, str], dict[str, Link]] = {}

    def latency(point: Point) -> str:
        fit = fitted_to[point.run, point.record.device, point.text("direction")].get(_line(point))
        return text.amount(fit.latency.value * 1e6 if fit else None)

    columns = of_points(
        runs,
        (
            Column("device", lambda point: point.record.device),
            Column("direction", lambda point: _direction(point.text("direction"), point.record.device)),
            Column("memory and way", _line),
            Column("bytes", lambda point: text.size(_size(point))),
            Measured("median, GB/s", lambda point: point.value), Column("latency, µs", latency), STATUS,
        ),
    )  # fmt: skip
    panels: list[Panel] = []
    shown: list[Point] = []
    drawn: dict[str, None] = {}
    fitted = False
    for index, device in every:
        points = [p for p in common.points_of(runs, MEASURES, index, device) if _size(p) and p.metric is not None]
        for way in WAYS:
            here = [p for p in points if p.record.params.get("direction") == way]
            if len({_size(p) for p in here}) < 2:
                continue
            fits = fitted_to[index, device, way] = _fits(here)
            pinned = next((fit for name, fit in fits.items() if common.plain(name) == "pinned raw"), None)
            sizes = sorted({float(_size(p)) for p in here})
            title = f"{_direction(way, device)}, {common.label(runs, index, device)}"
            about = f"Bandwidth of copies over their size, {title}."
            spec = charts.lines(
                [
                    columns.mark(
                        point,
                        series=_line(point),
                        colour=_colour(_line(point)),
                        x=float(_size(point)),
                        more=format.marked(point.of_limit),
                    )
                    for point in here
                ],
                x_title="bytes of a copy",
                y_title="GB/s",
                x_kind="bytes",
                x_domain=(sizes[0], sizes[-1]),
                ideal=_drawn_fit(pinned, sizes, 1 + (way == "both")) if pinned else (),
                rules=_half(pinned, sizes),
                height=290,
                more="of the link",
                alt_text=about,
            )
            panels.append(Panel(title, spec, about, _said(pinned)))
            fitted = fitted or pinned is not None
            drawn |= dict.fromkeys(_line(p) for p in here)
            shown += sorted(here, key=lambda point: (_line(point), _size(point)))
    if not panels:
        return None
    order = [*LINES, *map(common.plain, drawn)]
    names = sorted(drawn, key=lambda name: order.index(common.plain(name)))
    legend = [Key(name, _colour(name), "line") for name in names]
    if fitted:
        legend.append(Key("latency + bytes / bandwidth, fitted to pinned raw", "ink-2", "dash"))
    if any(point.suspect for point in shown):
        legend.append(Key("suspect", "c8", "pale"))
    return Figure(
        "Copies by their size",
        panels,
        columns.table("Every copy", shown),
        _ways(drawn),
        legend,
    )


def _direction(way: str, device: str) -> str:
    """`host to GPU`; an OpenCL device need not be one."""
    return WAYS[way].replace("GPU", "device") if device.startswith("opencl") else WAYS[way]


def _ways(drawn: Iterable[str]) -> str:
    """What the copies are that were drawn, by CUDA and by OpenCL."""
    by_opencl = {name.partition(" ")[2].startswith("opencl") for name in drawn}
    said = []
    if False in by_opencl:
        said.append(
            "raw is the CUDA runtime's own copy, cupy what cupy.asarray and .get() give. From pinned memory the GPU "
            "copies by itself; pageable memory, which is what NumPy gives, goes through a buffer of the driver's."
        )
    if True in by_opencl:
        said.append(
            "opencl is OpenCL's own copy: pinned memory is allocated by the driver, pageable memory by NumPy, and "
            "mapped is a buffer of the device that the CPU writes or reads."
        )
    return " ".join(said)


def _size(point: Point) -> int:
    return footprint(point.record) or 0


def _line(point: Point) -> str:
    return f"{point.text('memory')} {point.variant}".strip()


def _colour(line: str) -> str:
    return LINES.get(common.plain(line), "c8")


def _fits(points: Sequence[Point]) -> dict[str, Link]:
    found = {}
    for name in dict.fromkeys(_line(point) for point in points):
        try:
            found[name] = link([(float(_size(p)), p.record.samples) for p in points if _line(p) == name])
        except ValueError:  # too few sizes, or times that are no link's
            continue
    return found


def _drawn_fit(fit: Link, sizes: Sequence[float], times: int) -> list[tuple[float, float]]:
    """The fitted curve, in GB/s, eight points an octave; `times` the bytes where both directions carry as many."""
    low, high = sizes[0], sizes[-1]
    steps = 96
    at = [low * (high / low) ** (i / steps) for i in range(steps + 1)]
    return [(x, times * fit.rate(x) * BANDWIDTH.scale) for x in at]


def _half(fit: Link | None, sizes: Sequence[float]) -> list[tuple[float, str, bool]]:
    if fit is None or not sizes[0] < fit.half.value < sizes[-1]:
        return []
    return [(fit.half.value, "half", True)]


def _said(fit: Link | None) -> str:
    if fit is None:
        return ""
    return (
        f"Pinned raw: {text.amount(fit.latency.value * 1e6, 'µs')} and then "
        f"{text.amount(fit.bandwidth.value * 1e-9, 'GB/s')} a direction; half of it from "
        f"{text.size(round(fit.half.value))} on (dashed)."
    )
