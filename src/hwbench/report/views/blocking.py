"""Blocking: what the order of loops brings to a transposition and to a product, each in its own unit."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.limits import Limit, limit_for
from ...benches.access.blocking import LIMITS
from ...record.model import Run
from .. import charts, format
from ..dataset import Point, Runs
from ..sections import Figure, Panel, Section, Table

BENCH = "access.blocking"
TITLES = {"transpose": "transposing", "matmul": "multiplying"}


def view(runs: Sequence[Run]) -> Section | None:
    """One chart for each work and size; None without the bench."""
    runs = Runs.of(runs)
    points = runs.by_bench.get(BENCH, [])
    if not points:
        return None
    places = dict.fromkeys((point.run, _text(point, "work"), _text(point, "n")) for point in points)
    panels = []
    for run, work, n in places:
        here = [p for p in points if (p.run, _text(p, "work"), _text(p, "n")) == (run, work, n)]
        limit = _limit(runs, here[0])
        top = max(point.value.value for point in here)
        marks = [
            charts.mark_of(
                runs, point, group=point.record.variant, label=_label(runs, point), more=_share(runs, point),
            )
            for point in here
        ]  # fmt: skip
        title = f"{TITLES.get(work, work)} {n} × {n}" + (f" · {runs.labels[run]}" if runs.several else "")
        shown = limit is not None and limit.metric == here[0].metric
        spec = charts.bars(
            marks,
            groups=[point.record.variant for point in here],
            series=[""],
            unit=here[0].unit,
            top=max(top, limit.shown) if limit is not None and shown else top,
            rule=limit.shown if limit is not None and shown else None,
            alt_text=f"{title}: {here[0].unit} with loops as written, swapped and in blocks.",
            more="of the limit",
        )
        panels.append(Panel(title, spec, f"{title}: {here[0].unit} by order of loops"))
    intro = [
        "The same loops in another order. A line that was fetched for one number holds seven more; what decides is "
        "whether they are used before the line is lost. The dashed line is the machine's limit, where it was measured: "
        "a copy's bandwidth, one core's floating-point peak.",
        "A matrix whose rows are a multiple of 4 KiB sends a whole column to one set of the L1 cache: 3072 against "
        "3064 columns is that difference alone.",
    ]
    figure = Figure("Loop order and blocks", panels, _table(runs, points), "More is better.", narrow=len(panels) > 2)
    return Section("blocking", "Blocking", "Using what was fetched", intro, [figure])


def _text(point: Point, axis: str) -> str:
    return str(point.record.params.get(axis, ""))


def _limit(runs: Runs, point: Point) -> Limit | None:
    kind = LIMITS.get(_text(point, "work"))
    run = runs[point.run]
    return limit_for(point.record, kind, runs.limits[point.run], run.policy.sizes, run.machine.cpu)


def _share(runs: Runs, point: Point) -> str:
    limit = _limit(runs, point)
    if limit is None or limit.metric != point.metric:
        return format.NOTHING
    return f"{format.percent(point.value.value / limit.shown)} of {limit.name}"


def _label(runs: Runs, point: Point) -> str:
    against = runs.against_baseline(point)
    return format.compared(against) if against is not None else format.number(point.value.value, point.unit)


def _table(runs: Runs, points: Sequence[Point]) -> Table:
    rows = []
    for point in points:
        against = runs.against_baseline(point)
        cells = (
            _text(point, "work"), _text(point, "n"), point.record.variant, format.number(point.value.value),
            format.bounds(point.value), point.unit, format.compared(against) if against else format.NOTHING,
            _share(runs, point), point.record.status,
        )  # fmt: skip
        rows.append(runs.row(point.run, cells))
    head = ("work", "n", "loops", "median", "95% interval", "unit", "against naive", "of the limit", "status")
    return Table("Every work and size", runs.head(head), rows)
