"""The GPU's roofline: measured bandwidths of its L2 and memory, peaks by precision, and the benches below them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....analysis.limits import GPU_CERTAIN
from ....analysis.reading import Share
from ....record import text
from ....record.estimate import Estimate
from ....record.facts import level_on, this_cpu
from ....record.model import FLOP_RATE, GPU_LEVELS, Record
from ... import charts, format
from ...dataset import Point, Runs
from ...sections import Figure, Key, Panel, Section, Table
from ..roofline import above, left_out, marked, picked, roof_name
from . import common, sweep

SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
SIGNS = dict(zip(SHAPES, "●■◆▲✚▼", strict=True))
# As short as the names beside the ceilings have to be on a phone.
NAMES = {"f8": "fp64", "f4": "fp32", "f2": "fp16", "f16": "fp16"}
TERA = 1e12  # FLOP/s: rates are told in GFLOP/s where none reaches it, as in the summary
# They are the roofs, or have a figure of their own.
PEAKS = ("gpu fma", "gpu tensor", "gpu matmul", sweep.MEASURES)


def view(runs: Runs) -> Section | None:
    """A chart for each GPU whose roofs were measured, and one of the roofline as measured; None without either."""
    panels, rows, dashed = [], [], False
    used: dict[str, None] = {}
    names = [name for name, points in runs.by_bench.items() if any(_placed(point) for point in points)]
    shapes = {name: SHAPES[i % len(SHAPES)] for i, name in enumerate(names)}
    variants = [point.variant for name in names for point in runs.by_bench[name] if _placed(point)]
    colours = picked(runs.colours, variants)
    for index in range(len(runs)):
        for device in common.devices(runs, index):
            roofs = _roofs(runs, index, device)
            if not any(roof.flat for roof in roofs) or all(roof.flat for roof in roofs):
                continue
            here = _thinned([p for p in runs.points if p.run == index and p.record.device == device and _placed(p)])
            dashed = dashed or any(roof.dashed for roof in roofs)
            used |= dict.fromkeys(p.record.bench for p in here)
            title = common.label(runs, index, device)
            about = f"Roofline of {title}: measured bandwidths as slopes, peaks by precision as ceilings."
            spec = charts.roofline(
                [_mark(runs, p, colours[p.variant]) for p in here if p.variant in colours],
                roofs,
                shapes,
                alt_text=about,
            )
            slopes = {roof.name.removesuffix(text.DOUBTFUL): roof.value for roof in roofs if not roof.flat}
            more = above(runs.readings[index], slopes, ("read", "write", "copy", "triad"), device=device)
            why = f". The summary has more ({', '.join(more)}): slopes are copies or triads" * bool(more)
            panels.append(Panel(title, spec, about, _named(roofs) + why + _without_memory(runs, index, device, slopes)))
            rows += [runs.row(index, (device, *_row(runs, p))) for p in here]
            rows += [
                runs.row(index, (device, "roof", roof.name, text.NOTHING, text.amount(roof.value * 1e-9), *[""] * 4))
                for roof in roofs
                if roof.flat
            ]
    figures: list[Figure] = []
    if panels:
        head = ("device", "bench", "case", "flop/B", "GFLOP/s", "95% interval", "its roof", "of the roof", "status")
        figure = Figure(
            "Below the GPU's measured roofs",
            panels,
            Table("Every case on the GPU's roofline", runs.head(head), rows),
            "Colours are variants, shapes are benches: "
            + (", ".join(f"{bench} {SIGNS[shapes[bench]]}" for bench in used) or "none was measured")
            + left_out(dict.fromkeys(variants), colours)
            + "."
            + " Dashed ceilings are products of matrices by cuBLAS, which may use tensor cores." * dashed,
            [Key(variant, colour) for variant, colour in colours.items()],
        )
        figures.append(figure)
    if (measured := sweep.figure(runs)) is not None:
        figures.append(measured)
    if not figures:
        return None
    intro = [
        "The same picture as for the CPU, with the GPU's roofs: what its memory and its last cache deliver, and what "
        "its units compute in each precision. The ridge lies further right than the CPU's: a GPU needs more "
        "operations per byte, and still more for bytes that cross the link. A roof marked '~' was disturbed.",
        *common.cautions(runs),
    ]
    return Section("gpu-roofline", "GPU roofline", "The GPU's roofline by precision", intro, figures, topic="gpu")


def _roofs(runs: Runs, run: int, device: str) -> list[charts.RoofLine]:
    reading = runs.readings[run]
    roofs = []
    for level in ("L2", "HBM"):
        slope = reading.best("gpu copy", "gpu triad", device=device, level=level)
        if slope is not None:
            name = marked(level_on(level, own=this_cpu(runs[run], device)), slope)
            roofs.append(charts.RoofLine(name, slope.value, flat=False))
    for kind, dashed in (("gpu fma", False), ("gpu matmul", True)):
        for dtype in dict.fromkeys(
            limit.dtype for limit in reading.limits if (limit.device, limit.kind) == (device, kind)
        ):
            peak = reading.best(kind, device=device, dtype=dtype)
            if peak is not None:
                name = marked(NAMES.get(dtype, dtype), peak)
                roofs.append(charts.RoofLine(name, peak.value, flat=True, dashed=dashed))
    return roofs


def _named(roofs: Sequence[charts.RoofLine]) -> str:
    """The roofs in numbers: along the lines there is no room for them."""

    def told(chosen: Iterable[charts.RoofLine], scale: float) -> str:
        return ", ".join(f"{roof.name} {text.amount(roof.value * scale)}" for roof in chosen)

    flat = [roof for roof in roofs if roof.flat]
    scale, unit = (1e-12, "TFLOP/s") if max((roof.value for roof in flat), default=0.0) >= TERA else (1e-9, "GFLOP/s")
    slopes = told((roof for roof in roofs if not roof.flat), 1e-9)
    fused = told((roof for roof in flat if not roof.dashed), scale)
    products = told((roof for roof in flat if roof.dashed), scale)
    said = f"Roofs by the best samples (the summary has medians): {slopes} GB/s"
    said += f"; fused multiply-adds {fused} {unit}" if fused else ""
    return said + (f"; products of matrices {products} {unit}" if products else "")


def _without_memory(runs: Runs, run: int, device: str, slopes: Iterable[str]) -> str:
    """Why memory has no roof though it was measured: the L2 may have served a part of so small a footprint."""
    found = [
        (int(size), int(l2))
        for point in runs.points
        if point.run == run and point.record.device == device and point.record.params.get("size") == GPU_LEVELS[-1]
        for size, l2 in [(point.record.facts.get("footprint"), point.record.facts.get("l2_bytes"))]
        if isinstance(size, int | float) and isinstance(l2, int | float) and size < GPU_CERTAIN * l2
    ]
    if not found or {GPU_LEVELS[-1], level_on(GPU_LEVELS[-1], own=True)} & {*slopes}:
        return ""
    size, l2 = max(found)
    return (
        f". No roof of {GPU_LEVELS[-1]}: it was measured with {text.size(size)}, of which an L2 of {text.size(l2)} may "
        f"serve a part; {text.size(GPU_CERTAIN * l2)} are needed"
    )


def _placed(point: Point) -> bool:
    """Whether it has a place: on a GPU, with bytes and operations of its own memory (not of the link)."""
    record = point.record
    peak = point.bench is not None and point.bench.measures in PEAKS
    counted = bool(record.counts.get("bytes") and record.counts.get("flops"))
    return common.on_gpu(record) and counted and not peak and record.facts.get("transfers") is not True


def _thinned(points: Sequence[Point]) -> list[Point]:
    """The fastest of each bench, variant and work, from L2 and from memory: the points of a sweep would overlap."""
    found: dict[tuple[object, ...], Point] = {}
    for point in points:
        record = point.record
        what = tuple(str(record.params.get(axis)) for axis in ("work", "kernel", "dtype", "fields"))
        where = (record.bench, record.variant, *what, _in_l2(record))
        if where not in found or _rate(point) > _rate(found[where]):
            found[where] = point
    return list(found.values())


def _in_l2(record: Record) -> bool:
    """Whether the record states that its footprint fits the L2."""
    size, l2 = record.facts.get("footprint"), record.facts.get("l2_bytes")
    return isinstance(size, int | float) and isinstance(l2, int | float) and size <= l2


def _rate(point: Point) -> float:
    """FLOP/s."""
    return point.record.counts["flops"] / point.seconds.value


def _flop_rate(point: Point) -> Estimate:
    """GFLOP/s with its interval."""
    return point.seconds.inverse(point.record.counts["flops"]).scaled(FLOP_RATE.scale)


def _share(runs: Runs, point: Point) -> Share | None:
    return runs.readings[point.run].roof(point.record)


def _mark(runs: Runs, point: Point, colour: str) -> charts.Mark:
    counts = point.record.counts
    return charts.mark_of(
        runs,
        point,
        value=_flop_rate(point),
        unit=FLOP_RATE.unit,
        colour=colour,
        group=point.record.bench,
        x=counts["flops"] / counts["bytes"],
        more=format.marked(_share(runs, point)),
    )


def _row(runs: Runs, point: Point) -> Sequence[str]:
    counts = point.record.counts
    rate, share = _flop_rate(point), _share(runs, point)
    return (
        point.record.bench,
        format.case(point.record).removeprefix(f"{point.record.bench} "),
        text.amount(counts["flops"] / counts["bytes"]),
        text.amount(rate.value),
        text.columns(rate)[1],
        text.NOTHING if share is None else roof_name(share.limit),
        format.marked(share),
        point.record.status,
    )
