"""Distributions: the samples of latency-like benches with their percentiles, and those of any case on demand.

Hoefler and Belli's rules 8 and 12: a median is not all that matters, and samples are plotted as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...record import text
from ...record.model import LEVELS, Scalar
from .. import charts, format, strips
from ..columns import STATUS, Column, table
from ..dataset import Point, Runs, swept
from ..sections import SUSPECT, Block, Figure, Panel, Samples, Section

KINDS = (
    "latency", "loaded latency", "loads in flight", "core to core", "call", "fork and join", "gpu latency",
    "gpu launch",
)  # fmt: skip
ROWS = 10  # cases of a bench that a chart shows


def view(runs: Runs) -> Section | None:
    """Strips of the latency-like benches, and a chooser for every timed case; None where nothing was timed."""
    if not runs.points:
        return None
    blocks: list[Block] = [figure for figure in (_strips(runs),) if figure is not None]
    blocks.append(_chooser(runs))
    intro = [
        "A median hides how far samples spread: of a latency it is often the slow ones that matter. Each case is "
        "drawn over its own median. p90 needs 10 samples, p99 needs 100.",
        "A sample is one timing of many calls, divided by their number. A single slow call is averaged with the others "
        "of its sample, so that the percentiles are those of samples and not of calls.",
    ]
    return Section("distributions", "Distributions", "Distributions of the samples", intro, blocks, topic="quality")


def _strips(runs: Runs) -> Figure | None:
    panels, shown = [], []
    points = [point for point in runs.measuring(*KINDS) if not swept(point.record) and len(point.record.samples) > 2]
    by_bench = dict.fromkeys((point.record.bench, point.run) for point in points)
    for bench, run in by_bench:
        here = [point for point in points if (point.record.bench, point.run) == (bench, run)]
        here = _thinned(sorted(here, key=_rank))
        shown += here
        names = _labels(here)
        rows = [
            strips.Strip(name, format.case(point.record), point.record.samples, _said(point), charts.doubt(point))
            for name, point in zip(names, here, strict=True)
        ]
        about = f"{bench}: samples of each case over their median"
        spec = strips.strips(rows, alt_text=about, head="p50 · p90 · p99")
        panels.append(Panel(bench + runs.suffix(run), spec, about))
    if not panels:
        return None
    columns: tuple[Column[Point], ...] = (
        Column("case", lambda point: format.case(point.record)),
        Column("samples", lambda point: str(len(point.record.samples))),
        Column("fastest", lambda point: text.seconds(min(point.record.samples) * _each(point))),
        *map(_column, strips.QUANTILES),
        Column("slowest", lambda point: text.seconds(max(point.record.samples) * _each(point))),
        STATUS,
    )  # fmt: skip
    told = (
        "Time of a load, a call or a handover, whichever the bench counts: each thin tick is a sample. Skewed strips "
        "have a tail of slow samples; two groups are two states of the machine."
    )
    every = table(runs, "Percentiles", columns, shown, lambda point: point.run)
    legend = [*strips.LEGEND, *([SUSPECT] if any(point.suspect for point in shown) else [])]
    return Figure("Spread of the samples", panels, every, told, legend)


def _column(name: str) -> Column[Point]:
    return Column(name, lambda point: _quantile(point, name))


def _each(point: Point) -> float:
    """What to multiply a sample by for the time of one hop, call or element."""
    found = point.metric
    return 1 / point.record.counts[found.count] if found is not None and not found.higher else 1.0


def _quantile(point: Point, name: str) -> str:
    found = strips.quantiles(point.record.samples).get(name)
    return text.seconds(found * _each(point)) if found is not None else text.NOTHING


def _said(point: Point) -> str:
    """`151 ns · 155 ns · –`."""
    return " · ".join(_quantile(point, name) for name in strips.QUANTILES)


def _rank(point: Point) -> tuple[int, float]:
    """By level, then by the median."""
    size = point.text("size")
    return (LEVELS.index(size) if size in LEVELS else len(LEVELS), point.seconds.value * _each(point))


def _thinned(points: Sequence[Point]) -> list[Point]:
    if len(points) <= ROWS:
        return list(points)
    return [points[round(i * (len(points) - 1) / (ROWS - 1))] for i in range(ROWS)]


def _labels(points: Sequence[Point]) -> list[str]:
    """What tells the cases of a bench apart, each label once."""
    values = [{"variant": point.variant, **point.record.params} for point in points]
    axes = [axis for axis in values[0] if len({str(one.get(axis)) for one in values}) > 1] or ["variant"]
    names: list[str] = []
    for value in values:
        name = ", ".join(_short(axis, value.get(axis, "")) for axis in axes)
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return names


def _short(axis: str, value: Scalar) -> str:
    """As the file has it, for there is little room: `DRAM`, `huge`, `random`, `gap 256`."""
    return f"{axis} {value}" if isinstance(value, int | float) else str(value)


def _chooser(runs: Runs) -> Samples:
    """Every timed case: where its record lies in the run files that the page carries, and what makes values of samples.

    A case is its label, which says whether it is suspect, run and record, and the factor k: a value is k / sample where
    more is better, else k · sample.
    """
    places = {(run, id(one)): at for run, reading in enumerate(runs.readings) for at, one in enumerate(reading.records)}
    benches: dict[str, list[list[object]]] = {}
    for point in runs.points:
        metric = point.metric
        k = point.record.counts[metric.count] ** (1 if metric.higher else -1) * metric.scale if metric else 1.0
        label = format.case(point.record).removeprefix(f"{point.record.bench} ") + runs.suffix(point.run)
        label += text.DOUBTFUL * point.suspect
        where = [label, point.run, places[point.run, id(point.record)]]
        benches.setdefault(point.record.bench, []).append(
            [*where, float(f"{k:.6g}"), int(bool(metric and metric.higher)), point.unit]
        )
    data = json.dumps({"spec": strips.ecdf(), "benches": list(benches.items())}, ensure_ascii=True, allow_nan=False)
    told = (
        "The share of a case's samples up to a value, with percentiles. Where the curve is steep the samples agree; "
        "a long flat end is a tail."
    )
    return Samples("Any case", told, data.encode())
