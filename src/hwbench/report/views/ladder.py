"""The ladder: one addition as a Python loop, in NumPy, in Numba, on all cores, as a share of the machine's limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...analysis.limits import Limit
from ...analysis.reading import Share
from ...record import text
from ...record.estimate import Estimate
from ...record.model import ITEM_TIME
from ...record.phrases import against
from .. import charts, format
from ..columns import Column, Columns, Measured
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Section, Table

MEASURES = "ladder"
RUNGS = ("loop", "comprehension", "numpy", "numba", "prange")
KINDS = ("triad", "copy", "load")  # c = a + b moves two arrays in and one out, as the triad does
SIZES = 4  # values of n that get rungs; the lines show them all


@dataclass(frozen=True)
class Rung:
    """A case with its share of what the whole machine could do at this size."""

    point: Point
    of_limit: Share | None

    @property
    def share(self) -> Estimate | None:
        """The share with its interval."""
        if self.of_limit is None:
            return None
        return self.point.seconds.inverse(self.point.seconds.value * self.of_limit.value)

    @property
    def limit(self) -> Limit | None:
        """The limit on all threads."""
        return self.of_limit.limit if self.of_limit else None

    @property
    def n(self) -> int:
        """Elements."""
        return self.point.n

    @property
    def variant(self) -> str:
        """The way to add."""
        return self.point.variant

    @property
    def each(self) -> Estimate:
        """Nanoseconds an element."""
        return self.point.seconds.scaled(1e9 / self.point.record.counts["items"])


def view(runs: Runs) -> Section | None:
    """Rungs at several n, and the time an element over n; None without the bench."""
    rungs = [_rung(runs, point) for point in runs.measuring(MEASURES) if point.n and point.record.counts.get("items")]
    if not rungs:
        return None
    blocks = [figure for figure in (_shares(runs, rungs), _times(runs, rungs)) if figure is not None]
    intro = [
        "One addition of two arrays, c = a + b, from a Python loop to all cores. 100% is what the machine's fastest "
        "memory streams achieve with all threads at this size, as measured by the bandwidth benches. Where a part of "
        "the arrays fits a nearer cache, it is what streams from that cache achieve; arrays larger than the last cache "
        "was measured to be are set against memory. A share that is marked by '~' is above its limit, or its limit was "
        "disturbed.",
        "At small n the cost of the call dominates: even compiled code reaches little, and starting threads costs "
        "more than it gains. At large n the loop still pays for every element, while the others wait for memory.",
    ]
    return Section("ladder", "Ladder", "The ladder from Python to the machine", intro, blocks, topic="python")


def _rung(runs: Runs, point: Point) -> Rung:
    """The share of what all threads together can do on as many bytes; no share where that was not measured."""
    reading = runs.readings[point.run]
    limit = reading.machine_limit(point.record, KINDS)
    return Rung(point, reading.share_of(point.record, limit) if limit is not None else None)


def _order(rungs: Sequence[Rung]) -> list[str]:
    names = {rung.variant for rung in rungs}
    return [name for name in RUNGS if name in names] + sorted(names - set(RUNGS))


def _chosen(values: Sequence[int]) -> list[int]:
    """A few values of n, evenly spread, the largest among them."""
    if len(values) <= SIZES:
        return list(values)
    return sorted({values[round(i * (len(values) - 1) / (SIZES - 1))] for i in range(SIZES)})


def _shares(runs: Runs, rungs: Sequence[Rung]) -> Figure | None:
    shown = [rung for rung in rungs if rung.share is not None and rung.limit is not None]
    if not shown:
        return None
    names = _order(shown)
    values = _chosen(sorted({rung.n for rung in shown}))
    low, high = charts.value_range(100 * rung.share.value for rung in shown if rung.share and rung.n in values)
    panels = []
    for n in values:
        for index in range(len(runs)):
            here = [rung for rung in shown if rung.n == n and rung.point.run == index]
            if not here:
                continue
            marks = [
                charts.mark_of(
                    runs,
                    rung.point,
                    value=rung.share.scaled(100),
                    unit="%",
                    group=rung.variant,
                    label=format.marked(rung.of_limit),
                    more=f"{rung.limit.name}, {text.amount(rung.limit.shown, 'GB/s')}",
                )
                for rung in here
                if rung.share is not None and rung.limit is not None
            ]
            marks += [_absent(runs, index, n, name) for name in names if not any(mark.series == name for mark in marks)]
            title = f"n = {text.count(n)}{runs.suffix(index)}"
            spec = charts.bars(
                marks,
                groups=names,
                series=[""],
                unit="% of the limit",
                bottom=low,
                top=max(high, 100.0),
                alt_text=f"Share of the machine's bandwidth reached by each way to add two arrays of {n} elements.",
                more="100% is",
                rule=100.0,
            )
            panels.append(Panel(title, spec, f"Share of the machine's bandwidth by variant at n = {n}"))
    return Figure(
        "Share of the machine's limit",
        panels,
        _columns(runs).table("Every n and variant", sorted(rungs, key=lambda rung: _rank(rung, names))),
        "The axis is logarithmic; the dashed line is the machine's limit.",
    )


def _absent(runs: Runs, index: int, n: int, variant: str) -> charts.Mark:
    """A rung without a time, and why."""
    benches = [name for name, info in runs[index].benches.items() if info.measures == MEASURES]
    for record in runs[index].records:
        if record.bench in benches and record.variant == variant and record.params.get("n") == n and not record.timed:
            return charts.Mark(
                variant,
                runs.colours[variant],
                format.case(record),
                None,
                group=variant,
                label=record.status,
                more=record.why,
            )
    label = "not measured at this n"
    return charts.Mark(
        variant,
        runs.colours[variant],
        f"{next(iter(benches), MEASURES)} {variant}",
        None,
        group=variant,
        label=label,
        more="the bench leaves it out",
    )


def _columns(runs: Runs) -> Columns[Rung]:
    return Columns(
        runs,
        lambda rung: rung.point,
        (
            Column("n", lambda rung: text.count(rung.n)), Column("variant", lambda rung: rung.variant),
            Measured("ns per element", lambda rung: rung.each, ITEM_TIME.unit),
            Column("against the baseline", lambda rung: _against(runs, rung.point)),
            Column("of the limit", lambda rung: format.marked(rung.of_limit)),
            Column("limit", lambda rung: rung.limit.name if rung.limit else text.NOTHING),
            Column("status", lambda rung: rung.point.status),
        ),
        more="of the limit",
    )  # fmt: skip


def _rank(rung: Rung, names: Sequence[str]) -> tuple[int, int, int]:
    return rung.point.run, rung.n, names.index(rung.variant) if rung.variant in names else 99


def _against(runs: Runs, point: Point) -> str:
    """`13.2× slower than numpy (13.0–13.4)`."""
    found = runs.against_baseline(point)
    return against(found, point.bench.baseline) if found is not None and point.bench is not None else text.NOTHING


def _times(runs: Runs, rungs: Sequence[Rung]) -> Figure | None:
    names = _order(rungs)
    each = [rung.each.value for rung in rungs]
    low, high = charts.value_range(each)
    ns = sorted({rung.n for rung in rungs})
    if len(ns) < 2:
        return None
    columns = _columns(runs)
    panels = []
    for _, label, here in columns.by_run(rungs):
        spec = charts.lines(
            [columns.mark(rung, x=float(rung.n)) for rung in here],
            x_title="n, elements",
            y_title=columns.title,
            x_kind="count",
            x_domain=(float(ns[0]), float(ns[-1])),
            y_domain=(low / 1.5, high * 1.5),
            more=columns.more,
            alt_text="Time per element over the number of elements, one line a variant.",
        )
        panels.append(Panel(label, spec, "Nanoseconds per element over n, by variant"))
    legend = [Key(name, runs.colours[name], "line") for name in names]
    told = (
        "Lower is better. Each line falls while the cost of the call spreads over more elements, and is level where "
        "only the elements count. Where two lines cross, the faster variant changes."
    )
    return Figure("Time per element", panels, _pivot(runs, rungs, names), told, legend, wide=not runs.several)


def _pivot(runs: Runs, rungs: Sequence[Rung], names: Sequence[str]) -> Table:
    """One line an n, one column a variant."""
    found = {
        (rung.point.run, rung.n, rung.variant): text.amount(rung.each.value) + text.DOUBTFUL * rung.point.suspect
        for rung in rungs
    }
    rows = []
    for run, n in sorted({(run, n) for run, n, _ in found}):
        row = (text.count(n), *(found.get((run, n, name), text.NOTHING) for name in names))
        rows.append(runs.row(run, row))
    head = ("n", *names)
    return Table("Nanoseconds per element", runs.head(head), rows)
