"""Bandwidth by level: what load, copy and triad achieve out of each cache and memory, and the sweep across them."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.limits import Limit
from ...record import text
from ...record.facts import caches, footprint
from ...record.model import BANDWIDTH, LEVELS
from .. import charts, format
from ..columns import STATUS, VARIANT, Column, Measured, of_points, table
from ..dataset import Point, Runs, swept
from ..sections import Block, Figure, Key, Panel, Section

KINDS = {"load": "c1", "copy": "c2", "triad": "c3"}
Best = tuple[int, Limit]  # a run's index, and a limit that it measured
BESTS: tuple[Column[Best], ...] = (
    Column("level", lambda best: best[1].level),
    Column("work", lambda best: best[1].kind),
    Column("threads", lambda best: str(best[1].threads)),
    Column("best, GB/s", lambda best: text.amount(best[1].shown)),
    Column("by variant", lambda best: best[1].variant),
    Column("status", lambda best: best[1].suspect or "ok"),
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
    return Section("bandwidth", "Bandwidth", "Bandwidth by level", intro, blocks)


def _chosen(limits: Sequence[Limit]) -> list[Limit]:
    """The limits in float64, or in whatever was measured: a byte is a byte."""
    found = [limit for limit in limits if limit.kind in KINDS and limit.level in LEVELS]
    return [limit for limit in found if limit.dtype == "f8"] or found


def _by_level(runs: Runs) -> Figure | None:
    limits = [_chosen(limits) for limits in runs.limits]
    every = [limit for row in limits for limit in row]
    if not every:
        return None
    low, top = charts.value_range(limit.shown for limit in every)
    panels = []
    for index in range(len(runs)):
        for threads in sorted({limit.threads for limit in limits[index]}):
            here = [limit for limit in limits[index] if limit.threads == threads]
            marks = [
                charts.Mark(
                    series=limit.kind,
                    colour=KINDS[limit.kind],
                    case=limit.name,
                    value=limit.shown,
                    unit="GB/s",
                    n=0,
                    group=limit.level,
                    label=text.amount(limit.shown),
                    more=limit.variant,
                    suspect=limit.suspect,
                )
                for limit in here
            ]
            title = format.value_of("threads", threads) + runs.suffix(index)
            spec = charts.bars(
                marks,
                groups=[level for level in LEVELS if any(limit.level == level for limit in here)],
                series=[kind for kind in KINDS if any(limit.kind == kind for limit in here)],
                unit="GB/s",
                top=top,
                bottom=low if top / low > charts.WIDE else None,
                room=0.12,
                more="variant",
                best=True,
                alt_text=f"Best bandwidth of load, copy and triad by level, {title}.",
            )
            panels.append(Panel(title, spec, f"Bandwidth by level, {title}"))
    rows = [
        (index, limit)
        for index, row in enumerate(limits)
        for limit in sorted(row, key=lambda limit: (limit.threads, LEVELS.index(limit.level), limit.kind))
    ]
    legend = [Key(kind, colour) for kind, colour in KINDS.items() if any(limit.kind == kind for limit in every)]
    if any(limit.suspect for limit in every):
        legend.append(Key("suspect", "c8", "pale"))
    return Figure(
        "Best of any variant",
        panels,
        table(runs, "Best samples by level", BESTS, rows, lambda best: best[0]),
        "The best sample of the fastest variant at each level; this is what 'the limit' means elsewhere on this page.",
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
