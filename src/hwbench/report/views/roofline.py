"""The roofline: every bench that moves bytes and computes, below the measured roofs of this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from ...analysis.limits import Limit
from ...analysis.reading import Reading, Share
from ...record import text
from ...record.estimate import Estimate
from ...record.model import FLOP_RATE, LEVELS, Record
from ...record.phrases import listed
from .. import charts, format
from ..columns import Column, Columns, Measured
from ..dataset import Point, Runs, swept
from ..sections import Figure, Key, Panel, Section, Spec, Table

CPU = "cpu"
STORING = ("copy", "triad")  # kernels whose bandwidth may exceed that of loads
FIRST = ("numpy", "numba", "prange", "loop", "simd", "blas", "cupy")  # are drawn where they were measured
COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6", "c7")  # the eighth stands for suspect
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left")


@dataclass(frozen=True)
class Placed:
    """A case on the roofline: flop per byte, its rate in FLOP/s, and the roof above it with the share reached."""

    point: Point
    intensity: float
    rate: Estimate
    roof: str
    share: Share | None


def view(runs: Runs) -> Section | None:
    """One chart for each thread count whose roofs were measured; None without roofs or without benches below them."""
    columns = _columns(runs)
    panels: list[Panel] = []
    shown: list[Placed] = []
    shapes = _shapes(runs)
    used: dict[str, None] = {}
    every: list[tuple[int, int, list[Placed]]] = []
    for index in range(len(runs)):
        for threads in sorted({limit.threads for limit in runs.limits[index] if limit.kind == "fma"}):
            placed = _thinned([_place(runs.readings[index], point) for point in _points(runs, index, threads)])
            if placed and _roofs(runs, index, threads)[1]:
                every.append((index, threads, placed))
    colours = picked(runs.colours, (one.point.variant for _, _, placed in every for one in placed))
    drawn = []
    for index, threads, placed in every:
        marks = [
            columns.mark(
                one, colour=colours[one.point.variant], group=_topic(one.point.record), x=one.intensity,
                more=f"{format.marked(one.share)} of {one.roof}" if one.share else text.NOTHING,
            )
            for one in placed
            if one.point.variant in colours
        ]  # fmt: skip
        drawn.append((marks, *_roofs(runs, index, threads)))
        used |= dict.fromkeys(mark.group for mark in marks)
        shown += sorted(placed, key=lambda one: (one.point.record.bench, one.point.variant))
    if not drawn:
        return None
    extent = reduce(charts.Extent.with_, (charts.Extent.of(marks, roofs) for marks, roofs, *_ in drawn))
    for (index, threads, _), (marks, roofs, slopes, peaks) in zip(every, drawn, strict=True):
        title = format.value_of("threads", threads) + runs.suffix(index)
        about = f"Roofline, {title}: measured bandwidths as slopes, peaks as ceilings, benches below."
        spec = charts.roofline(marks, roofs, shapes, alt_text=about, extent=extent)
        note = _named(slopes, peaks) + _why_lower(runs.readings[index], slopes, threads)
        panels.append(Panel(title, spec, f"Roofline, {title}", note))
    names = dict.fromkeys(one.point.variant for one in shown)
    figure = Figure(
        "Below the measured roofs",
        panels,
        columns.table("Every case on the roofline", shown),
        "Colours are variants, shapes are topics: "
        + ", ".join(f"{topic} {_spoken(shapes[topic])}" for topic in used)
        + left_out(names, colours)
        + ". Of a sweep, the best case of each level is shown. Dashed ceilings are float32. Point at a case or at a "
        "roof to see what it is, and how much of which limit is reached.",
        [Key(variant, colour) for variant, colour in colours.items()],
    )
    intro = [
        "The operations that a program does for each byte it moves decide what limits it: under a slope the "
        "bandwidth of that level, under a flat ceiling the arithmetic units. Higher is better; a point on a roof has "
        "reached its limit.",
        "The roofs are measured here, not taken from a datasheet, and each is the best sample of its bench: the slopes "
        "by loads out of each level, the ceilings by fused multiply-adds in registers, one number at a time (scalar) "
        "and in vectors of each width. The gap between the scalar and the highest ceiling is what vectors gain; the "
        "gap between two slopes is what staying in the nearer cache gains. A roof marked '~' was disturbed, so that it "
        "may be higher, and shares of it lower.",
    ]
    return Section("roofline", "Roofline", "Roofline", intro, [figure], topic="compute")


def picked(known: Mapping[str, str], variants: Iterable[str]) -> dict[str, str]:
    """The variants that a roofline draws, with a colour that no other has: its own where that is free.

    As many as there are colours: the well-known ones, then those of most cases.
    """
    counted = Counter(variants)
    rest = [name for name, _ in counted.most_common() if name not in FIRST]
    chosen = [*(name for name in FIRST if name in counted), *rest][: len(COLOURS)]
    taken: dict[str, str] = {}
    for name in chosen:
        if known.get(name) in COLOURS and known[name] not in taken.values():
            taken[name] = known[name]
    free = (colour for colour in COLOURS if colour not in taken.values())
    return {name: taken.get(name) or next(free) for name in chosen}


def left_out(names: Iterable[str], colours: Mapping[str, str]) -> str:
    """Which variants the table alone has; "" where all are drawn."""
    rest = [name for name in names if name not in colours]
    return f". The table has {listed(rest)} too" if rest else ""


def _columns(runs: Runs) -> Columns[Placed]:
    return Columns(
        runs,
        lambda one: one.point,
        (
            Column("bench", lambda one: one.point.record.bench), Column("case", lambda one: _case(one.point.record)),
            Column("threads", lambda one: str(one.point.threads)),
            Column("flop/B", lambda one: text.amount(one.intensity)),
            Measured(FLOP_RATE.unit, lambda one: one.rate.scaled(FLOP_RATE.scale), FLOP_RATE.unit),
            Column("roof", lambda one: one.roof), Column("of the roof", lambda one: format.marked(one.share)),
            Column("status", lambda one: one.point.status),
        ),
    )  # fmt: skip


def _case(record: Record) -> str:
    return format.case(record).removeprefix(f"{record.bench} ")


def _roofs(runs: Runs, run: int, threads: int) -> tuple[list[charts.RoofLine], dict[str, Limit], dict[str, Limit]]:
    """The roofs to draw, and the limits that bound: slopes by level, the highest peak of each dtype."""
    reading = runs.readings[run]
    slopes: dict[str, Limit] = {}
    for level in LEVELS:
        found = (reading.best("load", level=level, dtype=dtype, threads=threads) for dtype in ("f8", ""))
        if (slope := next(filter(None, found), None)) is not None:
            slopes[level] = slope
    dtypes = dict.fromkeys(limit.dtype for limit in reading.limits if limit.device == CPU and limit.kind == "fma")
    best = {dtype: reading.best("fma", dtype=dtype, threads=threads) for dtype in dtypes}
    peaks = {dtype: peak for dtype, peak in best.items() if peak is not None}
    roofs = [
        charts.RoofLine(marked(level, slopes[level]), slopes[level].value, flat=False, told=_told(slopes[level]))
        for level in LEVELS
        if level in slopes
    ]
    roofs += [
        charts.RoofLine(
            marked(_short(limit), limit), limit.value, flat=True, dashed=limit.dtype != "f8", told=_told(limit)
        )
        for limit in _ceilings(reading, threads, peaks)
    ]
    return roofs, slopes, peaks


def _ceilings(reading: Reading, threads: int, peaks: dict[str, Limit]) -> list[Limit]:
    """The float64 peak of each variant, and the highest peak of each other precision."""
    return [*reading.by_variant("fma", threads, "f8"), *(peak for dtype, peak in peaks.items() if dtype != "f8")]


def marked(name: str, limit: Limit) -> str:
    """The name or height of a roof, with a `~` where it was disturbed."""
    return name + text.DOUBTFUL * bool(limit.suspect)


def _short(limit: Limit) -> str:
    """`scalar`, `512-bit`, `float32`: a ceiling's name beside its line."""
    if limit.dtype != "f8":
        return format.value_of("dtype", limit.dtype)
    return f"{limit.variant}-bit" if limit.variant.isdecimal() else limit.variant


def _told(limit: Limit) -> str:
    """A roof in a tooltip: what it is, its height, and by which variant it was measured; a ceiling is one variant's."""
    doubt = f"; suspect: {limit.suspect}" if limit.suspect else ""
    height = text.amount(limit.shown, limit.metric.unit)
    if limit.kind == "fma":
        how = f"{limit.variant}-bit vectors" if limit.variant.isdecimal() else f"{limit.variant} code"
        who = format.value_of("threads", limit.threads)
        return f"{format.value_of('dtype', limit.dtype)} multiply-adds in {how}, {who}: {height}, best sample{doubt}"
    return f"{limit.name}: {height}, best sample of {limit.variant}{doubt}"


def _named(slopes: dict[str, Limit], peaks: dict[str, Limit]) -> str:
    """The roofs in numbers: they are written here and not along the lines, where points would cover them."""
    texts = [
        f"{level} {marked(text.amount(slopes[level].shown), slopes[level])}" for level in LEVELS if level in slopes
    ]
    flats = [
        f"{format.value_of('dtype', dtype)} {marked(text.amount(limit.shown), limit)}" for dtype, limit in peaks.items()
    ]
    return f"Roofs: {', '.join(texts)} GB/s; {', '.join(flats)} GFLOP/s"


def above(
    reading: Reading, slopes: Mapping[str, float], kernels: Sequence[str], ending: str = "", device: str = CPU
) -> list[str]:
    """`DRAM copy 50.9`: by level the fastest of these kernels in the summary, where that is above the slope."""
    found = []
    for level, slope in slopes.items():
        every = (reading.get(f"{level.lower()}.{kernel}{ending}", device) for kernel in kernels)
        best = max(filter(None, every), key=lambda one: one.value, default=None)
        if best is not None and best.value > 1.01 * slope:
            kernel = best.name.split(".")[1]
            found.append(f"{level} {kernel} {text.amount(best.value * 1e-9)}{text.DOUBTFUL * bool(best.doubt)}")
    return found


def _why_lower(reading: Reading, slopes: Mapping[str, Limit], threads: int) -> str:
    """Why the summary has higher bandwidths than the slopes; "" where it has none on these threads."""
    every = max((limit.threads for limit in slopes.values()), default=0) == threads
    if not every or reading.who != ("all" if threads > 1 else "one"):
        return ""
    found = above(reading, {level: one.value for level, one in slopes.items()}, STORING, f".{reading.who}")
    if not found:
        return ""
    disturbed = [level for level, one in slopes.items() if one.suspect]
    doubt = f"; the loads of {listed(disturbed)} were disturbed" * bool(disturbed)
    return (
        f". The summary has more ({', '.join(found)}): slopes are loads alone, stores have a path of their own{doubt}"
    )


def _points(runs: Runs, run: int, threads: int) -> list[Point]:
    return [
        point
        for point in runs.points
        if point.run == run
        and point.record.device == CPU  # a GPU is bound by its own roofs
        and point.threads == threads
        and not swept(point.record)
        and point.record.counts.get("bytes")
        and point.record.counts.get("flops")
    ]


def _place(reading: Reading, point: Point) -> Placed:
    counts = point.record.counts
    intensity = counts["flops"] / counts["bytes"]
    rate = point.seconds.inverse(counts["flops"])
    found = reading.roof(point.record)
    return Placed(point, intensity, rate, roof_name(found.limit) if found else text.NOTHING, found)


def roof_name(limit: Limit) -> str:
    """`L2 load, 160 GB/s`; `float64 peak, 58.0 GFLOP/s`; `HBM copy, 4020 GB/s~` where it was disturbed."""
    kind, dtype = limit.kind.removeprefix("gpu "), format.value_of("dtype", limit.dtype)
    flat = {"fma": f"{dtype} peak", "matmul": f"{dtype} product of matrices"}
    what = flat.get(kind) or f"{limit.level} {kind}"
    return f"{what}, {marked(text.amount(limit.shown, limit.metric.unit), limit)}"


def _thinned(placed: Sequence[Placed]) -> list[Placed]:
    """The best case of each bench, variant, dtype, level and intensity: the points of a sweep would overlap."""
    best: dict[tuple[object, ...], Placed] = {}
    for one in placed:
        record = one.point.record
        where = (record.bench, record.variant, record.params.get("dtype"), one.point.level, round(one.intensity, 4))
        if where not in best or one.rate.value > best[where].rate.value:
            best[where] = one
    return list(best.values())


def _topic(record: Record) -> str:
    return record.bench.partition(".")[0]


def _shapes(runs: Runs) -> dict[str, str]:
    """A shape for each topic: there are more benches than shapes."""
    topics = dict.fromkeys(
        _topic(points[0].record)
        for points in runs.by_bench.values()
        if any(
            point.record.device == CPU and point.record.counts.get("bytes") and point.record.counts.get("flops")
            for point in points
        )
    )
    return {topic: SHAPES[i % len(SHAPES)] for i, topic in enumerate(topics)}


def _spoken(shape: str) -> str:
    return {
        "circle": "●",
        "square": "■",
        "diamond": "◆",
        "triangle-up": "▲",
        "cross": "✚",
        "triangle-down": "▼",
        "triangle-right": "▶",
        "triangle-left": "◀",
    }[shape]


def drawn(
    runs: Runs, run: int, name: Callable[[Point], str], colours: Mapping[str, str]
) -> tuple[Spec, list[str], str, Table] | None:
    """One chart of a run for all thread counts: the cases that `name` names, below the roofs of the most threads.

    With it the names that occur, the roofs in numbers, and the cases as a table.
    """
    counts = sorted({limit.threads for limit in runs.limits[run] if limit.kind == "fma"})
    if not counts:
        return None
    roofs, slopes, peaks = _roofs(runs, run, counts[-1])
    every = [point for threads in counts for point in _points(runs, run, threads) if name(point)]
    placed = _thinned([_place(runs.readings[run], point) for point in every])
    if not slopes or not placed:
        return None
    columns = _columns(runs)
    marks = [
        columns.mark(
            one, series=name(one.point), colour=colours[name(one.point)], group=name(one.point), x=one.intensity,
            more=f"{format.marked(one.share)} of {one.roof}" if one.share else text.NOTHING,
        )
        for one in placed
    ]  # fmt: skip
    names = [known for known in colours if any(mark.series == known for mark in marks)]
    title = format.value_of("threads", counts[-1])
    about = f"Roofline, {title}: {', '.join(names)} below measured bandwidths and peaks."
    spec = charts.roofline(
        marks, roofs, dict(zip(colours, SHAPES, strict=False)), alt_text=about, height=240 if runs.several else 330
    )
    note = f"{_named(slopes, peaks)}, {title}{_why_lower(runs.readings[run], slopes, counts[-1])}"
    return spec, names, note, columns.table("The cases in this chart", placed)
