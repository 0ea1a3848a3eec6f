"""The roofline: every bench that moves bytes and computes, below the roofs that this machine was measured to have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...bench import LEVELS
from ...limits import Limit
from ...model import FLOP_RATE, Run
from ...stats import Estimate
from .. import charts, words
from ..sections import Figure, Key, Panel, Section, Table
from ..source import Point, Runs, swept

SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left")


@dataclass(frozen=True)
class Placed:
    """A case on the roofline: flop per byte, its rate in FLOP/s, and the roof above it with the share reached."""

    point: Point
    intensity: float
    rate: Estimate
    roof: str
    share: float | None


def view(runs: Sequence[Run]) -> Section | None:
    """One chart for each thread count whose roofs were measured; None without roofs or without benches below them."""
    runs = Runs.of(runs)
    panels, rows = [], []
    variants: dict[str, None] = {}
    shapes = _shapes(runs)
    used: dict[str, None] = {}
    for index, label in enumerate(runs.labels):
        for threads in sorted({limit.threads for limit in runs.limits[index] if limit.kind == "fma"}):
            roofs, slopes, peaks = _roofs(runs.limits[index], threads)
            placed = _thinned([_place(point, slopes, peaks) for point in _points(runs, index, threads)])
            if not slopes or not placed:
                continue
            title = words.value_of("threads", threads) + (f" · {label}" if runs.several else "")
            marks = [_mark(runs, one) for one in placed]
            variants |= dict.fromkeys(one.point.record.variant for one in placed)
            used |= dict.fromkeys(one.point.record.bench for one in placed)
            spec = charts.roofline(
                marks,
                roofs,
                shapes,
                alt_text=f"Roofline, {title}: measured bandwidths as slopes, peaks as ceilings, benches below.",
            )
            panels.append(Panel(title, spec, f"Roofline, {title}", _named(slopes, peaks)))
            rows += [
                _row(runs, one)
                for one in sorted(placed, key=lambda one: (one.point.record.bench, one.point.record.variant))
            ]
    if not panels:
        return None
    head = ("bench", "case", "threads", "flop/B", "GFLOP/s", "95% interval", "roof", "of the roof", "status")
    figure = Figure(
        "Below the measured roofs",
        panels,
        Table("Every case on the roofline", runs.head(head), rows),
        "Colours are variants, shapes are benches: "
        + ", ".join(f"{bench} {_spoken(shapes[bench])}" for bench in used)
        + ". "
        "Of a sweep, the best case of each level is shown. Dashed ceilings are float32.",
        [Key(variant, runs.colours[variant]) for variant in variants],
    )
    intro = [
        "How much a program computes for each byte it moves decides what holds it back. Under a slope it waits for "
        "the level whose bandwidth the slope is; under the flat ceiling it waits for the arithmetic units. Higher is "
        "better, and touching a roof is all there is.",
        "The roofs are measured here, not taken from a datasheet: the slopes by loads out of each level, the ceilings "
        "by fused multiply-adds.",
    ]
    return Section("roofline", "Roofline", "Roofline", intro, [figure])


def _roofs(limits: Sequence[Limit], threads: int) -> tuple[list[charts.Roof], dict[str, Limit], dict[str, Limit]]:
    """The roofs to draw, and the limits behind them: slopes by level, peaks by dtype."""
    loads = [limit for limit in limits if limit.kind == "load" and limit.threads == threads]
    slopes: dict[str, Limit] = {}
    for limit in sorted(loads, key=lambda limit: limit.dtype != "f8"):
        slopes.setdefault(limit.level, limit)
    peaks = {limit.dtype: limit for limit in limits if limit.kind == "fma" and limit.threads == threads}
    roofs = [charts.Roof(level, slopes[level].value, flat=False) for level in LEVELS if level in slopes]
    roofs += [
        charts.Roof(words.value_of("dtype", dtype), limit.value, flat=True, dashed=dtype != "f8")
        for dtype, limit in peaks.items()
    ]
    return roofs, slopes, peaks


def _named(slopes: dict[str, Limit], peaks: dict[str, Limit]) -> str:
    """The roofs in numbers: they are written here and not along the lines, where points would cover them."""
    texts = [f"{level} {words.number(slopes[level].shown)}" for level in LEVELS if level in slopes]
    flats = [f"{words.value_of('dtype', dtype)} {words.number(limit.shown)}" for dtype, limit in peaks.items()]
    return f"Roofs: {', '.join(texts)} GB/s; {', '.join(flats)} GFLOP/s"


def _points(runs: Runs, run: int, threads: int) -> list[Point]:
    return [
        point
        for point in runs.points
        if point.run == run
        and point.threads == threads
        and not swept(point.record)
        and point.record.counts.get("bytes")
        and point.record.counts.get("flops")
    ]


def _place(point: Point, slopes: dict[str, Limit], peaks: dict[str, Limit]) -> Placed:
    counts = point.record.counts
    intensity = counts["flops"] / counts["bytes"]
    rate = point.seconds.inverse(counts["flops"])
    slope, peak = slopes.get(point.level), peaks.get(str(point.record.params.get("dtype", "f8")))
    heights = [
        *([(slope.value * intensity, f"{point.level} load, {words.number(slope.shown, 'GB/s')}")] if slope else []),
        *(
            [(peak.value, f"{words.value_of('dtype', peak.dtype)} peak, {words.number(peak.shown, 'GFLOP/s')}")]
            if peak
            else []
        ),
    ]
    if not slope or not heights:
        return Placed(point, intensity, rate, words.NOTHING, None)
    height, name = min(heights)
    return Placed(point, intensity, rate, name, rate.value / height)


def _thinned(placed: Sequence[Placed]) -> list[Placed]:
    """Of each bench, variant, dtype, level and intensity the best case: a sweep of n would be one blot."""
    best: dict[tuple[object, ...], Placed] = {}
    for one in placed:
        record = one.point.record
        where = (record.bench, record.variant, record.params.get("dtype"), one.point.level, round(one.intensity, 4))
        if where not in best or one.rate.value > best[where].rate.value:
            best[where] = one
    return list(best.values())


def _mark(runs: Runs, one: Placed) -> charts.Mark:
    return charts.mark_of(
        runs,
        one.point,
        value=one.rate.scaled(FLOP_RATE.scale),
        unit=FLOP_RATE.unit,
        group=one.point.record.bench,
        x=one.intensity,
        more=f"{words.percent(one.share)} of {one.roof}",
    )


def _row(runs: Runs, one: Placed) -> Sequence[str]:
    record = one.point.record
    rate = one.rate.scaled(FLOP_RATE.scale)
    row = (
        record.bench,
        words.case(record).removeprefix(f"{record.bench} "),
        str(one.point.threads),
        words.number(one.intensity),
        words.number(rate.value),
        words.bounds(rate),
        one.roof,
        words.percent(one.share),
        record.status,
    )
    return runs.row(one.point.run, row)


def _shapes(runs: Runs) -> dict[str, str]:
    names = [
        name
        for name, points in runs.by_bench.items()
        if any(point.record.counts.get("bytes") and point.record.counts.get("flops") for point in points)
    ]
    return {name: SHAPES[i % len(SHAPES)] for i, name in enumerate(names)}


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
