"""Bandwidth by level: what load, copy and triad achieve out of each cache and memory, and the sweep across them."""

from __future__ import annotations

from dataclasses import dataclass

from ...analysis.headline import Headline
from ...analysis.limits import Limit
from ...record import text
from ...record.estimate import Estimate
from ...record.facts import caches, footprint
from ...record.model import BANDWIDTH, LEVELS
from ...record.reasons import words_of
from .. import charts, format
from ..columns import STATUS, VARIANT, Column, Measured, of_points, table
from ..dataset import Point, Runs, swept
from ..sections import Block, Figure, Key, Panel, Section

KINDS = {"load": "c1", "copy": "c2", "triad": "c3"}
NAMES = {"load": "read"}  # in the headline's names


@dataclass(frozen=True)
class Bar:
    """A bandwidth of the headline: of which run, level and kind, and the limit to which shares refer."""

    run: int
    level: str
    kind: str
    found: Headline
    limit: Limit | None

    @property
    def rate(self) -> Estimate:
        """The median in GB/s."""
        return Estimate(self.found.value, self.found.low, self.found.high).scaled(BANDWIDTH.scale)

    @property
    def doubt(self) -> str:
        """Why the figure is suspect; "" where it is not."""
        return ", ".join(map(words_of, self.found.doubt or ()))


COLUMNS: tuple[Column[Bar] | Measured[Bar], ...] = (
    Column("level", lambda bar: bar.level),
    Column("work", lambda bar: bar.kind),
    Column("threads", lambda bar: str(bar.found.threads)),
    Measured("GB/s", lambda bar: bar.rate),
    Column("by", lambda bar: bar.found.record),
    Column("limit (best sample), GB/s", lambda bar: text.amount(bar.limit.shown if bar.limit else None)),
    Column("status", lambda bar: f"suspect: {bar.doubt}" if bar.doubt else "ok"),
)


def view(runs: Runs) -> Section | None:
    """Bars by level and the sweep; None where no stream bench was measured."""
    blocks: list[Block] = [figure for figure in (_by_level(runs), _sweep(runs)) if figure is not None]
    if not blocks:
        return None
    intro = [
        "How fast data flows: load reads an array, copy moves one into another, triad computes a = b + s·c. Bytes "
        "are counted as in STREAM: those that the program reads and writes, without further traffic of the caches. "
        "More is better.",
        "Nearer levels are faster, and each core has its own L1 and L2, so that their bandwidth grows with the "
        "threads. Memory is shared: often one or two threads already use all of its bandwidth.",
    ]
    return Section("bandwidth", "Bandwidth", "Bandwidth by level", intro, blocks, topic="memory")


def _bars(runs: Runs, run: int) -> list[Bar]:
    """The bandwidths of a run's headline, on one thread and on all."""
    reading = runs.readings[run]
    found: dict[tuple[int | None, str, str], Bar] = {}
    for who in ("one", "all"):
        for level in LEVELS:
            for kind in KINDS:
                one = reading.get(f"{level.lower()}.{NAMES.get(kind, kind)}.{who}")
                if one is not None:
                    limit = reading.best(kind, level=level, dtype="f8", threads=one.threads)
                    found.setdefault((one.threads, level, kind), Bar(run, level, kind, one, limit))
    return list(found.values())


def _by_level(runs: Runs) -> Figure | None:
    every = [bar for run in range(len(runs)) for bar in _bars(runs, run)]
    if not every:
        return None
    low, top = charts.value_range(bar.rate.value for bar in every)
    panels = []
    for run, threads in dict.fromkeys((bar.run, bar.found.threads or 1) for bar in every):
        here = [bar for bar in every if (bar.run, bar.found.threads) == (run, threads)]
        marks = [
            charts.Mark(
                series=bar.kind, colour=KINDS[bar.kind], case=bar.found.record, value=bar.rate.value,
                low=bar.rate.low, high=bar.rate.high, unit="GB/s", group=bar.level, label=text.columns(bar.rate)[0],
                more=text.amount(bar.limit.shown, "GB/s") if bar.limit else "", suspect=bar.doubt,
            )
            for bar in here
        ]  # fmt: skip
        title = format.value_of("threads", threads) + runs.suffix(run)
        spec = charts.bars(
            marks,
            groups=[level for level in LEVELS if any(bar.level == level for bar in here)],
            series=[kind for kind in KINDS if any(bar.kind == kind for bar in here)],
            unit="GB/s",
            top=top,
            bottom=low if top / low > charts.WIDE else None,
            more="limit (best sample)",
            alt_text=f"Bandwidth of load, copy and triad by level, {title}.",
        )
        panels.append(Panel(title, spec, f"Bandwidth by level, {title}"))
    legend = [Key(kind, colour) for kind, colour in KINDS.items() if any(bar.kind == kind for bar in every)]
    if any(bar.doubt for bar in every):
        legend.append(Key("suspect", "c8", "pale"))
    return Figure(
        "Fastest variant",
        panels,
        table(runs, "Bandwidth by level", COLUMNS, every, lambda bar: bar.run),
        "The median of the fastest variant at each level. Shares of the limit elsewhere on this page refer to the best "
        "sample of any variant, which the table has beside it.",
        legend,
    )


def _sweep(runs: Runs) -> Figure | None:
    points = [
        point
        for point in runs.measuring(*KINDS)
        if swept(point.record) and point.metric == BANDWIDTH and footprint(point.record) is not None
    ]
    split: dict[tuple[str, int, str, int], list[Point]] = {}
    for point in points:
        where = (point.record.bench, point.threads, point.text("dtype"), point.run)
        split.setdefault(where, []).append(point)
    split = {where: here for where, here in split.items() if len({_size(p) for p in here}) > 2}
    if not split:
        return None
    shown = [point for here in split.values() for point in here]
    columns = of_points(
        runs,
        (
            Column("bench", lambda point: point.record.bench), VARIANT,
            Column("threads", lambda point: str(point.threads)),
            Column("footprint of a thread", lambda point: text.size(_size(point)), "footprint"),
            Measured("median, GB/s", lambda point: point.value), STATUS,
        ),
        more="footprint of a thread",
    )  # fmt: skip
    sizes = [float(_size(point) or 1) for point in shown]
    top = max(point.value.value for point in shown) * 1.1
    panels = []
    for where in sorted(split):
        bench, threads, dtype, run = where
        marks = [columns.mark(point, x=float(_size(point) or 1)) for point in split[where]]
        rules = [
            (float(cache.bytes), f"L{cache.level}", True)
            for cache in caches(runs[run])
            if min(sizes) < cache.bytes < max(sizes)
        ]
        title = ", ".join(
            [
                bench,
                format.value_of("threads", threads),
                format.value_of("dtype", dtype),
                *([runs.labels[run]] if runs.several else []),
            ]
        )
        spec = charts.lines(
            marks,
            x_title="footprint of a thread",
            y_title="GB/s",
            x_kind="bytes",
            log_y=False,
            more=columns.more,
            x_domain=(min(sizes), max(sizes)),
            y_domain=(0.0, top),
            rules=rules,
            height=250,
            alt_text=f"Bandwidth over the footprint, {title}.",
        )
        panels.append(Panel(title, spec, f"Bandwidth over footprint, {title}"))
    ordered = sorted(shown, key=lambda point: (point.run, point.record.bench, point.variant, _size(point)))
    variants = dict.fromkeys(point.variant for point in shown)
    legend = [Key(variant, runs.colours[variant], "line") for variant in variants]
    legend.append(Key("level size as reported", "ink-2", "dash"))
    return Figure(
        "Across the levels",
        panels,
        columns.table("Every footprint", ordered),
        "The bandwidth falls where the footprint outgrows a level. At the far left the overhead of a call outweighs "
        "the few bytes that it moves.",
        legend,
    )


def _size(point: Point) -> int:
    """The footprint of a thread in bytes."""
    return footprint(point.record) or 0
