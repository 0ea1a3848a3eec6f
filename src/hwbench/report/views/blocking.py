"""Blocking: what the order of loops brings to a transposition and to a product, each in its own unit."""

from __future__ import annotations

from ...analysis.reading import Share
from ...record import text
from .. import charts, format
from ..columns import STATUS, Column, Measured, against_baseline, axis, beside, of_points
from ..dataset import Point, Runs
from ..sections import Figure, Panel, Section

MEASURES = "blocking"
TITLES = {"transpose": "transposing", "matmul": "multiplying"}
KINDS = {"transpose": "copy", "matmul": "fma"}  # the kind of limit that bounds each work, as the bench has it


def view(runs: Runs) -> Section | None:
    """One chart for each work and size; None without the bench."""
    points = runs.measuring(MEASURES)
    if not points:
        return None
    columns = of_points(
        runs,
        (
            axis("work"), axis("n"), Column("loops", lambda point: point.variant),
            Measured("median", lambda point: point.value), Column("unit", lambda point: point.unit),
            against_baseline(runs, "against naive"), Column("of the limit", lambda point: _share(runs, point)), STATUS,
        ),
        more="of the limit",
    )  # fmt: skip
    places = dict.fromkeys((point.run, point.text("work"), point.text("n")) for point in points)
    panels = []
    for run, work, n in places:
        here = [p for p in points if (p.run, p.text("work"), p.text("n")) == (run, work, n)]
        found = share(runs, here[0])
        top = max(point.value.value for point in here)
        title = f"{TITLES.get(work, work)} {n} × {n}{runs.suffix(run)}"
        rule = found.limit.shown if found is not None else None
        spec = charts.bars(
            [
                columns.mark(
                    point, group=point.variant, label=text.quantity(point.value.value, point.unit),
                    against=beside(runs, point),
                )
                for point in here
            ],
            groups=[point.variant for point in here],
            series=[""],
            unit=here[0].unit,
            top=max(top, rule or 0.0),
            rule=rule,
            alt_text=f"{title}: {here[0].unit} with loops as written, swapped and in blocks.",
            more=columns.more,
            against="time",
        )  # fmt: skip
        panels.append(Panel(title, spec, f"{title}: {here[0].unit} by order of loops"))
    intro = [
        "The same loops in another order. A line that is fetched for one number holds seven more; the speed depends "
        "on whether they are used before the line is evicted. The dashed line is the machine's limit, where it was "
        "measured: the bandwidth of a copy, or the floating-point peak of one core.",
        "A matrix whose rows are a multiple of 4 KiB sends a whole column to one set of the L1 cache: of two lengths "
        "that differ by eight, the multiple of 512 shows that alone.",
    ]
    table = columns.table("Every work and size", points)
    figure = Figure("Loop order and blocks", panels, table, "More is better.", narrow=len(panels) > 2)
    return Section("blocking", "Blocking", "Using what was fetched", intro, [figure], topic="memory")


def share(runs: Runs, point: Point) -> Share | None:
    """The share of the limit of its work; None where that is in another unit than the figure."""
    kind = KINDS.get(point.text("work"))
    found = runs.readings[point.run].share(point.record, kind) if kind else None
    return found if found is not None and found.limit.metric == point.metric else None


def _share(runs: Runs, point: Point) -> str:
    return format.of_limit(share(runs, point))
