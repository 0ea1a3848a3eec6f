"""prange beside the best serial loop of the same work, by the number of elements: Hoefler and Belli's first rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...analysis.ratios import ratio
from ...record import text
from ...record.estimate import Estimate
from ...record.model import BANDWIDTH, same_work
from ...record.phrases import counted
from .. import charts
from ..columns import Column, Columns, Measured
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel

KINDS = ("ladder", "temporaries")  # what benches measure that have a prange and serial loops of the same work
PRANGE, SERIAL = "prange", "best serial loop, 1 thread"
COLOURS = {SERIAL: "ink", PRANGE: "c7"}


class LoopPoint(NamedTuple):
    """A point of one of the two lines, the fastest serial one where it is that, and prange's time over the serial."""

    point: Point
    way: str
    against: Estimate | None


def figure(runs: Runs) -> Figure | None:
    """A panel for each bench and run; None where no prange loop on several threads has a serial one beside it."""
    columns: Columns[LoopPoint] = Columns(
        runs,
        lambda one: one.point,
        (
            Column("bench", lambda one: one.point.record.bench), Column("n", lambda one: text.count(one.point.n)),
            Column("variant", lambda one: one.point.variant), Column("threads", lambda one: str(one.point.threads)),
            Measured("GB/s", lambda one: _rate(one.point), BANDWIDTH.unit),
            Column("against the serial loop", lambda one: text.ratio(one.against) if one.against else text.NOTHING),
            Column("status", lambda one: one.point.status),
        ),
        more="against the serial loop",
    )  # fmt: skip
    panels: list[Panel] = []
    shown: list[LoopPoint] = []
    for index in range(len(runs)):
        points = [point for point in runs.measuring(*KINDS) if point.run == index and _fits(point)]
        for bench in dict.fromkeys(point.record.bench for point in points):
            here = _pairs([point for point in points if point.record.bench == bench])
            lengths = sorted({float(one.point.n) for one in here})
            if len(lengths) < 2:
                continue
            title = bench + runs.suffix(index)
            about = f"{bench}: GB/s over n, prange beside the best serial loop."
            spec = charts.lines(
                [columns.mark(one, series=one.way, colour=COLOURS[one.way], x=float(one.point.n)) for one in here],
                x_title="n, elements", y_title=BANDWIDTH.unit, x_kind="count", x_domain=(lengths[0], lengths[-1]),
                height=240, more=columns.more, alt_text=about,
            )  # fmt: skip
            panels.append(Panel(title, spec, about, _said(here)))
            shown += here
    if not panels:
        return None
    return Figure(
        "prange beside the best serial loop",
        panels,
        columns.table("prange and the best serial loop", shown),
        "The bytes that the work needs, each counted once, over the time: of prange on all threads, and of the variant "
        "that is fastest on one thread at each n.",
        [Key(name, colour, "line") for name, colour in COLOURS.items()],
        narrow=True,
    )


def _fits(point: Point) -> bool:
    serial = point.threads == 1 and point.variant != PRANGE
    threaded = point.threads > 1 and point.variant == PRANGE
    return point.record.device == "cpu" and bool(point.n and point.record.counts.get("bytes")) and (serial or threaded)


def _rate(point: Point) -> Estimate:
    """GB/s."""
    return point.seconds.inverse(point.record.counts["bytes"] * BANDWIDTH.scale)


def _pairs(points: Sequence[Point]) -> list[LoopPoint]:
    """At each n that has both, the fastest serial variant and prange; the serial line first."""
    serial, threaded = [], []
    for n in sorted({point.n for point in points}):
        alone = [point for point in points if point.n == n and point.variant != PRANGE]
        every = [point for point in points if point.n == n and point.variant == PRANGE]
        if alone and every:
            best = min(alone, key=lambda point: point.seconds.value)
            record = every[0].record
            against = ratio(record, best.record) if same_work(best.record, record) else None
            serial.append(LoopPoint(best, SERIAL, None))
            threaded.append(LoopPoint(every[0], PRANGE, against))
    return [*serial, *threaded]


def _said(pairs: Sequence[LoopPoint]) -> str:
    """The largest n in words."""
    last = pairs[-1]
    best = next(one for one in pairs if one.way == SERIAL and one.point.n == last.point.n)
    if last.against is None:
        return ""
    mark = text.DOUBTFUL * (last.point.suspect or best.point.suspect)
    threads = counted(last.point.threads, "thread")
    return (
        f"At n = {text.count(last.point.n)}, {threads} against {best.point.variant}: {text.ratio(last.against)}{mark}"
    )
