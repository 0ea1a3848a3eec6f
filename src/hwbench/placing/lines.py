"""A placed function as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from ..counting import Range
from ..record import text
from .model import Placed, Point

HEAD = ("function", "n", "time", "time/n", "bytes", "issued", "flops", "threads", "level", "share", "issued share")


def row(placed: Placed, point: Point) -> tuple[str, ...]:
    """The cells of a point, by `HEAD`."""
    each = point.seconds.scaled(1 / point.n) if point.n else None
    return (
        placed.name,
        text.count(point.n) if point.n is not None else text.NOTHING,
        text.seconds(point.seconds),
        text.seconds(each.value) if each else text.NOTHING,
        text.size(point.counts.compulsory),
        span(point.counts.issued, size=True),
        span(point.counts.flops),
        text.count(point.threads),
        point.level,
        share(point.share, point) + f" of {point.roof.name} ({text.amount(point.roof.shown, point.roof.metric.unit)})",
        share(point.share_issued, point),
    )


def share(value: float | None, point: Point) -> str:
    """A share with a `~` where something speaks against it, and `≥` where calls are not seen."""
    if value is None:
        return text.NOTHING
    return "≥ " * bool(point.counts.unknown) + text.share(value) + text.DOUBTFUL * bool(point.doubt)


def span(given: Range | None, *, size: bool = False) -> str:
    """A count, or its interval where it is not exact."""
    if given is None:
        return text.NOTHING
    shown = text.size if size else text.amount
    if given.low == given.high:
        return shown(given.low)
    high = shown(given.high) if given.high < float("inf") else "?"
    return f"{shown(given.low)}–{high}"


def of(placed: Placed) -> list[str]:
    """The lines of a function at one n: time, share, bytes, what is not seen, doubts and advice."""
    return [line for point in placed.points for line in _of_point(placed.name, point)]


def _of_point(name: str, point: Point) -> list[str]:
    counts = point.counts
    at = f" at n={text.count(point.n)}" if point.n is not None else ""
    reached = share(point.share, point)
    lines = [
        f"{name}{at}: {text.seconds(point.seconds)}, {reached} of {point.roof.name} "
        f"({text.amount(point.roof.shown, point.roof.metric.unit)})",
        f"  bytes  {text.size(counts.compulsory)} compulsory, {span(counts.issued, size=True)} issued, "
        + (f"{span(counts.moved, size=True)} moved" if counts.moved else f"moved not known: {counts.moved_note}"),
        f"  flops  {span(counts.flops)}; issued bytes reach {share(point.share_issued, point)}",
    ]
    if counts.unknown:
        lines.append(f"  not seen: {', '.join(counts.unknown)}; shares are lower bounds")
    if point.doubt:
        lines.append(f"  doubt  {point.doubt}")
    return lines + [f"  {one.code:8}{one.text}" for one in point.advice]


def brief(name: str, point: Point) -> str:
    """One line while a sweep goes on."""
    at = f" n={text.count(point.n)}" if point.n is not None else ""
    return f"{name}{at}: {text.seconds(point.seconds.value)}, {share(point.share, point)} of {point.roof.name}"


def report(functions: Sequence[Placed]) -> list[str]:
    """A table where there are several points, and what is known of the last point of each function."""
    rows = [HEAD, *(row(one, point) for one in functions for point in one.points)]
    lines = []
    if len(rows) > 2:
        widths = [max(len(cells[i]) for cells in rows) for i in range(len(HEAD))]
        padded = ([cell.ljust(wide) for cell, wide in zip(cells, widths, strict=True)] for cells in rows)
        lines = [*("  ".join(cells).rstrip() for cells in padded), ""]
    for one in functions:
        lines += of(Placed(one.name, one.points[-1:]))
    return [text.printable(line) for line in lines]
