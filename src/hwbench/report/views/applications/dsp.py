"""The signal processor's algorithms: where convolution by FFT passes the direct way, and each one's share of a roof."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from msgspec.structs import replace

from ....analysis.ratios import ratio
from ....analysis.reading import Share
from ....record import text
from ....record.estimate import Estimate, clear, crossover
from ....record.model import FLOP_RATE, Scalar
from ....record.phrases import listed
from ... import charts, format
from ...columns import Column, Measured, table
from ...dataset import Point, Runs
from ...sections import Block, Figure, Key, Panel, Section, Table
from ..roofline import roof_name
from . import assembly

CONVOLUTION, FFT, DOT = "convolution", "fourier transform", "dot product"
BY_FFT = "oaconvolve"
DIRECT = ("numpy", "numba")
ELSEWHERE = {"gpu": "this machine's GPU, by CuPy", "opencl": "each OpenCL device"}


def view(runs: Runs) -> Section | None:
    """The crossover, the transforms, and a table of all with their roofs; None where none of them was measured."""
    points = {
        name: [point for point in runs.measuring(name) if point.record.counts.get("flops")]
        for name in (DOT, CONVOLUTION, FFT)
    }
    code = assembly.tables(runs.measuring(assembly.MEASURES))
    if not any(points.values()) and not code:
        return None
    blocks: list[Block] = [
        figure
        for figure in (_crossover(runs, points[CONVOLUTION]), _transforms(runs, points[FFT]))
        if figure is not None
    ]
    every = list(itertools.chain(*points.values()))
    blocks += [_table(runs, every)] if every else []
    blocks += code
    kinds = {point.record.device.partition(":")[0] for point in every}
    on_others = [said for kind, said in ELSEWHERE.items() if kind in kinds]
    intro = [
        "A digital signal processor is built for dot products, convolutions and Fourier transforms: many "
        "multiply-adds in one "
        "instruction. These are the same algorithms on this CPU, by NumPy, SciPy and Numba"
        + (f", and on {listed(on_others)}." if on_others else "."),
        "The work of direct convolution is proportional to the taps; with the Fourier transform it hardly grows with "
        "them, but each operation is slower. Where the lines cross, the better algorithm changes.",
    ]
    return Section(
        "dsp", "Signal processing", "Dot product, convolution, Fourier transform", intro, blocks, topic="lecture"
    )


def _number(point: Point, axis: str) -> float | None:
    value = point.record.params.get(axis)
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _split(points: Sequence[Point], sweep: str) -> dict[tuple[int, tuple[tuple[str, Scalar], ...]], list[Point]]:
    """The points of each run and each value of the other axes, if the sweep has two values or more there."""
    found: dict[tuple[int, tuple[tuple[str, Scalar], ...]], list[Point]] = {}
    for point in points:
        if _number(point, sweep) is not None:
            rest = tuple((axis, value) for axis, value in point.record.params.items() if axis != sweep)
            found.setdefault((point.run, rest), []).append(point)
    return {where: here for where, here in found.items() if len({_number(point, sweep) for point in here}) > 1}


def _titled(runs: Runs, run: int, rest: Sequence[tuple[str, Scalar]]) -> str:
    named = [
        f"{format.value_of(axis, value)} samples" if axis == "n" else format.value_of(axis, value)
        for axis, value in rest
    ]
    return ", ".join([*named, *([runs.labels[run]] if runs.several else [])])


def crossing(points: Sequence[Point], first: str, second: str, sweep: str) -> Estimate | None:
    """Where on the sweep the second variant's time falls below the first's; None where that is at no measured point."""
    records = {(point.record.variant, _number(point, sweep)): point.record for point in points}
    both = [x for x in sorted({x for _, x in records if x}) if (first, x) in records and (second, x) in records]
    at = crossover([(x, ratio(records[second, x], records[first, x])) for x in both])
    return at if at is not None and both[0] < at.value < math.inf else None


def passes(name: str, at: Estimate) -> str:
    """`oaconvolve passes numpy at 98 taps (88–100)`; no crossover where its interval spans a decade or has no end."""
    if clear(at):
        value, _, interval = text.count(at).partition(" (")
        return f"{BY_FFT} passes {name} at {value} taps" + f" ({interval}" * bool(interval)
    ends = f"{text.count(at.low)}–{text.count(at.high) if at.high < math.inf else '∞'}"
    return f"no clear crossover of {BY_FFT} with {name}: the interval is {ends} taps"


def _crossover(runs: Runs, points: Sequence[Point]) -> Figure | None:
    panels, rows = [], []
    variants: dict[str, None] = {}
    for (run, rest), here in itertools.islice(_split(points, "taps").items(), 6):
        marks = []
        for point in sorted(here, key=lambda point: _number(point, "taps") or 0):
            variant = point.variant
            variants[variant] = None
            rate = _rate(point)
            marks.append(
                charts.mark_of(
                    runs,
                    point,
                    value=point.seconds.scaled(1e6),
                    unit="µs",
                    x=_number(point, "taps") or 1.0,
                    more=text.amount(rate.value, "GFLOP/s as the direct way counts"),
                )
            )
        found = {name: at for name in DIRECT if (at := crossing(here, name, BY_FFT, "taps")) is not None}
        title = _titled(runs, run, rest)
        spec = charts.lines(
            marks,
            x_title="taps of the filter",
            y_title="time a convolution, µs (less is better)",
            x_kind="count",
            rules=[(at.value, name, True) for name, at in found.items() if clear(at)],
            alt_text=f"Time of a convolution over the taps, {title}",
            more="does",
        )
        said = "; ".join(passes(name, at) for name, at in found.items())
        panels.append(
            Panel(
                title,
                spec,
                f"Time of a convolution by variant over the taps, {title}.",
                said or f"{BY_FFT} passes none here",
            )
        )
        for point in sorted(here, key=lambda point: (_number(point, "taps") or 0, point.record.variant)):
            row = (
                f"{_number(point, 'taps'):g}",
                point.variant,
                text.amount(point.seconds.value * 1e6),
                text.columns(point.seconds.scaled(1e6))[1],
                point.record.status,
            )
            rows.append((title, *row))
    if not panels:
        return None
    head = ("case", "taps", "variant", "median, µs", "95% interval", "status")
    legend = [Key(variant, runs.colours[variant], "line") for variant in variants]
    return Figure(
        "Convolution: direct or by Fourier transform",
        panels,
        Table("Convolution by taps", head, rows),
        "Dashed: where overlap-add by FFT passes a direct variant.",
        legend,
    )


def _transforms(runs: Runs, points: Sequence[Point]) -> Figure | None:
    panels, rows = [], []
    variants: dict[str, None] = {}
    for (run, rest), here in itertools.islice(_split(points, "n").items(), 6):
        title = _titled(runs, run, rest)
        marks = []
        for point in sorted(here, key=lambda point: (_number(point, "n") or 0, point.record.variant)):
            variant = point.variant
            variants[variant] = None
            rate = _rate(point)
            marks.append(
                charts.mark_of(
                    runs,
                    point,
                    value=rate,
                    unit=FLOP_RATE.unit,
                    x=_number(point, "n") or 1.0,
                    more=text.amount(point.seconds.value * 1e3, "ms a call"),
                )
            )
            rows.append(
                (
                    title,
                    format.value_of("n", point.record.params["n"]),
                    variant,
                    text.amount(rate.value),
                    text.columns(rate)[1],
                    point.record.status,
                )
            )
        spec = charts.lines(
            marks,
            x_title="points of a transform",
            y_title="GFLOP/s, 5 n log₂ n (more is better)",
            x_kind="count",
            log_y=False,
            alt_text=f"Rate of Fourier transforms over their length, {title}",
            more="takes",
        )
        panels.append(Panel(title, spec, f"GFLOP/s of Fourier transforms over their length, {title}."))
    if not panels:
        return None
    head = ("case", "points", "variant", "median, GFLOP/s", "95% interval", "status")
    legend = [Key(variant, runs.colours[variant], "line") for variant in variants]
    told = (
        "Complex signals, as many at once as make 2¹⁷ samples, and two at least. Workers divide the signals among them."
    )
    return Figure("Fourier transform", panels, Table("Fourier transform by length", head, rows), told, legend)


# --- below the roofs --------------------------------------------------------------------------------------------------


def roof_of(runs: Runs, point: Point) -> Share | None:
    """The share that a point's own operations reach of the roof above it.

    Own operations are those that the variant does, where it does others than are counted; what has to be read
    or written counts once. None where no roof was measured for its device and threads.
    """
    record = point.record
    own = record.facts.get("own_flops", record.counts["flops"])
    moved = record.counts.get("bytes", record.facts.get("own_bytes"))
    measures = point.bench.measures if point.bench is not None else ""
    if measures == CONVOLUTION and "own_flops" not in record.facts:
        return None  # counted is what the direct way would do, which is not what this variant did
    counts = {"flops": own, "bytes": moved}
    done = {name: float(count) for name, count in counts.items() if isinstance(count, int | float) and count > 0}
    return runs.readings[point.run].roof(replace(record, counts=done)) if "flops" in done else None


Roofed = tuple[Point, Share | None]  # a point, and what `roof_of` says of it
COLUMNS: tuple[Column[Roofed] | Measured[Roofed], ...] = (
    Column("case", lambda item: format.case(item[0].record)),
    Measured("GFLOP/s as counted", lambda item: _rate(item[0])),
    Column("its roof", lambda item: roof_name(item[1].limit) if item[1] else text.NOTHING),
    Column("own operations, of the roof", lambda item: format.marked(item[1])),
    Column("status", lambda item: item[0].status),
)


def _table(runs: Runs, points: Sequence[Point]) -> Table:
    items = [(point, roof_of(runs, point)) for point in points]
    return table(runs, "Every case, and how near it comes to its roof", COLUMNS, items, lambda item: item[0].run)


def _rate(point: Point) -> Estimate:
    """GFLOP/s as counted."""
    return point.seconds.inverse(point.record.counts["flops"]).scaled(FLOP_RATE.scale)
