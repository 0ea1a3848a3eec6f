"""Computing: the clock under each load, the matrix product on its way to the peak, and what a branch costs."""

from __future__ import annotations

from collections.abc import Sequence

from ...record.estimate import Estimate
from ...record.model import FLOP_RATE, Run
from .. import charts, format
from ..dataset import Point, Runs, _n
from ..sections import Block, Figure, Key, Panel, Section, Table
from .branch import _branch
from .clock import _clock, _who

MATMUL = "peak.matmul"


def view(runs: Sequence[Run]) -> Section | None:
    """The three figures, as far as they were measured; None without any."""
    runs = Runs.of(runs)
    blocks: list[Block] = [figure for figure in (_clock(runs), _matmul(runs), _branch(runs)) if figure is not None]
    if not blocks:
        return None
    intro = [
        "What a core computes is operations a cycle times cycles a second, as long as it knows what to do next. Here "
        "is the clock while the vector units work, what a good library makes of units and clock, and what a branch "
        "costs that the core guesses wrong.",
    ]
    return Section("computing", "Computing", "Clock, matrix product, branches", intro, blocks)


# --- the matrix product -----------------------------------------------------------------------------------------------


def _matmul(runs: Runs) -> Figure | None:
    """GFLOP/s over n, a line for each precision and number of threads, with the peak of each panel as a dotted line."""
    points = [point for point in runs.by_bench.get(MATMUL, ()) if point.record.counts.get("flops") and _n(point) > 0]
    dtypes = list(dict.fromkeys(str(point.record.params.get("dtype", "")) for point in points))
    panels = []
    legend: dict[str, Key] = {}
    for dtype in dtypes:
        here = sorted(
            (point for point in points if str(point.record.params.get("dtype", "")) == dtype),
            key=lambda point: (point.run, point.threads, _n(point)),
        )
        if len({_n(point) for point in here}) < 2:
            continue
        marks = []
        for point in here:
            name = _who(runs, point)
            colour = f"c{(point.run if runs.several else min(point.threads, 2) - 1) % 8 + 1}"
            dash = "dash" if runs.several and point.record.params.get("threads") == "all" else ""
            legend[name] = Key(name, colour, "dash" if dash else "line")
            marks.append(
                charts.mark_of(
                    runs,
                    point,
                    series=name,
                    colour=colour,
                    value=_rate(point),
                    unit="GFLOP/s",
                    x=float(_n(point)),
                    more=format.percent(point.share),
                    dash=dash,
                )
            )
        low, high = min(mark.x for mark in marks), max(mark.x for mark in marks)
        peak = max((point.limit.shown for point in here if point.limit is not None), default=None)
        spec = charts.lines(
            marks, x_title="n", y_title="GFLOP/s", x_kind="doubling", log_y=False,
            ideal=[(low, peak), (high, peak)] if peak else [], more="of the peak",
            alt_text=f"Floating-point rate of NumPy's matrix product over n, {format.value_of('dtype', dtype)}.",
        )  # fmt: skip
        title = format.value_of("dtype", dtype)
        panels.append(Panel(title, spec, f"Rate of the matrix product over n, {title}"))
        if peak:
            legend["peak"] = Key("floating-point peak as measured, most threads", "ink-2", "dots")
    if not panels:
        return None
    rows = [
        runs.row(
            point.run,
            (
                format.value_of("dtype", point.record.params.get("dtype", "")),
                format.value_of("threads", point.record.params.get("threads", "")),
                str(_n(point)),
                format.number(_rate(point).value),
                format.bounds(_rate(point)),
                format.percent(point.share),
                str(point.record.facts.get("blas", format.NOTHING))[:60],
                point.record.status,
            ),
        )
        for point in sorted(points, key=lambda p: (p.run, str(p.record.params.get("dtype")), p.threads, _n(p)))
    ]
    head = ("dtype", "threads", "n", "GFLOP/s", "95% interval", "of the peak", "library", "status")
    text = (
        "C = A·B of n × n matrices, as NumPy's BLAS does it. 2n³ operations on 3n² numbers: the larger, the more is "
        "computed for each byte that is moved, until only the floating-point units limit it. Small products pay for "
        "the call and for waking threads."
    )
    return Figure("Matrix product", panels, Table("Every n", runs.head(head), rows), text, list(legend.values()))


def _rate(point: Point) -> Estimate:
    """GFLOP/s; the bytes that the record counts as well would be told first."""
    return point.seconds.inverse(point.record.counts["flops"]).scaled(FLOP_RATE.scale)
