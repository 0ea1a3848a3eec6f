"""The matrix product on its way to the floating-point peak."""

from __future__ import annotations

from ...record import text
from ...record.estimate import Estimate
from ...record.model import FLOP_RATE
from .. import charts, format
from ..columns import STATUS, Column, Measured, of_points, worded
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel

MEASURES = "matrix product"


def figure(runs: Runs) -> Figure | None:
    """GFLOP/s over n, a line for each precision and number of threads, with each machine's peak as a dotted line."""
    points = [point for point in runs.measuring(MEASURES) if point.record.counts.get("flops") and point.n]
    columns = of_points(
        runs,
        (
            worded("dtype"), worded("threads"), Column("n", lambda point: str(point.n)),
            Measured("GFLOP/s", _rate, "GFLOP/s"), Column("of the peak", lambda point: format.marked(point.of_limit)),
            Column("library", lambda point: str(point.record.facts.get("blas", text.NOTHING))[:60]), STATUS,
        ),
        more="of the peak",
    )  # fmt: skip
    panels = []
    legend: dict[str, Key] = {}
    heights = [_rate(point).value for point in points] + [point.limit.shown for point in points if point.limit]
    for dtype in dict.fromkeys(point.text("dtype") for point in points):
        here = sorted(
            (point for point in points if point.text("dtype") == dtype),
            key=lambda point: (point.run, point.threads, point.n),
        )
        if len({point.n for point in here}) < 2:
            continue
        marks = []
        for point in here:
            name = _series(runs, point)
            colour = f"c{(point.run if runs.several else min(point.threads, 2) - 1) % 8 + 1}"
            dash = "dash" if runs.several and point.record.params.get("threads") == "all" else ""
            legend[name] = Key(name, colour, "dash" if dash else "line")
            marks.append(columns.mark(point, series=name, colour=colour, x=float(point.n), dash=dash))
        peaks: dict[str, float] = {}
        for point in here:
            if point.limit is not None:
                colour = f"c{point.run % 8 + 1}" if runs.several else "ink-2"
                peaks[colour] = max(point.limit.shown, peaks.get(colour, 0.0))
        title = format.value_of("dtype", dtype)
        spec = charts.lines(
            marks, x_title="n", y_title=columns.title, x_kind="doubling", log_y=False,
            peaks=peaks, more=columns.more, y_domain=(0.0, 1.08 * max(heights)),
            alt_text=f"Floating-point rate of NumPy's matrix product over n, {title}.",
        )  # fmt: skip
        panels.append(Panel(title, spec, f"Rate of the matrix product over n, {title}"))
        if peaks:
            whose = " of the machine in its colour" if runs.several else ""
            legend["peak"] = Key(f"floating-point peak as measured{whose}, most threads", "ink-2", "dots")
    if not panels:
        return None
    told = (
        "C = A·B of n × n matrices, as NumPy's BLAS does it. 2n³ operations on 3n² numbers: larger products compute "
        "more for each byte that is moved, until only the floating-point units limit them. Small products pay for "
        "the call and for waking threads."
    )
    ordered = sorted(points, key=lambda p: (p.run, str(p.record.params.get("dtype")), p.threads, p.n))
    return Figure("Matrix product", panels, columns.table("Every n", ordered), told, list(legend.values()))


def _rate(point: Point) -> Estimate:
    """GFLOP/s, whatever the run's file says that the bench leads with."""
    return point.seconds.inverse(point.record.counts["flops"]).scaled(FLOP_RATE.scale)


def _series(runs: Runs, point: Point) -> str:
    threads = format.value_of("threads", point.record.params.get("threads", 1), point.threads)
    return f"{runs.labels[point.run]}: {threads}" if runs.several else threads
