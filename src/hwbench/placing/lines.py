"""A placed function as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ..counting import Range
from ..record import text
from .model import Placed, Point

WIDTH = 80
WITHHELD = "no share: several caches served it at once, faster than one after another"
ALONE = "Each gain is that of one change alone: they do not multiply."
HEAD = ("function", "n", "time", "time/n", "compulsory", "issued", "flops", "threads", "level", "share", "issued share")


def row(placed: Placed, point: Point) -> tuple[str, ...]:
    """The cells of a point on the page, by `HEAD`."""
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
    """The lines of a function at each n: time and share, bytes, flops, what is not seen, doubts and advice."""
    lines = []
    for point in placed.points:
        lines += textwrap.wrap(title(placed.name, point), WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        lines += _wrapped(said(point))
    return lines


def title(name: str, point: Point) -> str:
    """`f at n=1000: 2.00 µs (1.90–2.10), 35% of DRAM triad, 1 thread`."""
    return f"{name}{_at(point)}: {text.seconds(point.seconds)}, {share(point.share, point)} of {point.roof.name}"


def said(point: Point) -> list[tuple[str, str]]:
    """What is known beside time and share, each with a word for what it is about."""
    counts = point.counts
    moved = f"moved {span(counts.moved, size=True)}" if counts.moved else f"moved bytes not known ({counts.moved_note})"
    issued = "issued not known"
    if counts.issued is not None:
        share_issued = f"{share(point.share_issued, point)} of the roof" if point.share_issued is not None else WITHHELD
        issued = f"issued {span(counts.issued, size=True)} ({share_issued})"
    found = [
        ("roof", text.amount(point.roof.shown, point.roof.metric.unit)),
        ("bytes", f"compulsory {text.size(counts.compulsory)}; {issued}; {moved}"),
        ("flops", span(counts.flops)),
    ]
    if between := point.note or _between(point):
        found.append(("level", between))
    if counts.unknown:
        found.append(("unknown", f"not counted: {', '.join(counts.unknown)}. The shares are lower bounds (≥)."))
    if point.doubt:
        found.append(("doubt", point.doubt))
    found += [("advice", one.text) for one in point.advice]
    return found + ([("advice", ALONE)] if len(point.advice) > 1 else [])


def _between(point: Point) -> str:
    """What the share is by the bandwidths on both sides, where two levels serve the data; "" where one does."""
    band, roof = point.band, point.roof
    if band is None:
        return ""
    low, high = (text.amount(rate * roof.metric.scale, roof.metric.unit) for rate in (band.low, band.high))
    shares = [text.share(point.share * roof.value / rate) for rate in (band.high, band.low)]
    size = text.size(point.counts.data or point.counts.footprint)
    return (
        f"{size} lie between two measured sizes, of {high} and {low}: the share is {shares[0]} to {shares[1]}, "
        f"by how much a cache still serves"
    )


def _at(point: Point) -> str:
    return f" at n={text.count(point.n)}" if point.n is not None else ""


def _wrapped(about: Sequence[tuple[str, str]]) -> list[str]:
    """Lines of WIDTH columns at most, each word once before what it is about."""
    lines, before = [], ""
    for word, line in about:
        first = f"  {'' if word == before else word:9}"
        lines += textwrap.wrap(
            text.printable(line), WIDTH, initial_indent=first, subsequent_indent=" " * len(first),
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        before = word
    return lines


def brief(name: str, point: Point) -> str:
    """One line while a sweep goes on."""
    return f"{name}{_at(point)}: {text.seconds(point.seconds.value)}, {share(point.share, point)} of {point.roof.name}"


NARROW = ("n", "time", "time/n", "share", "issued", "roof")  # columns that fit into WIDTH
LEGEND = (
    "share: the least time for the bytes and flops that any code needs, over the time; issued: the same for the bytes "
    "that this code asks for, from the nearest caches that can hold them; – where several caches served them at once."
)


def report(functions: Sequence[Placed]) -> list[str]:
    """For each function a table where it has several points, and what is known of its last point."""
    lines = []
    for one in functions:
        if len(one.points) > 1:
            lines += [one.name, *(f"  {line}" for line in _table(one)), ""]
        lines += [*of(Placed(one.name, one.points[-1:])), ""]
    if any(len(one.points) > 1 for one in functions):
        lines += textwrap.wrap(LEGEND, WIDTH)
    return [text.printable(line) for line in lines]


def _table(placed: Placed) -> list[str]:
    rows = [NARROW]
    for point in placed.points:
        each = text.seconds(point.seconds.value / point.n) if point.n else text.NOTHING
        shares = share(point.share, point), share(point.share_issued, point)
        at = text.count(point.n) if point.n is not None else text.NOTHING
        rows.append((at, text.seconds(point.seconds), each, *shares, point.roof.name))
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(NARROW))]
    padded = ([cell.ljust(wide) for cell, wide in zip(cells, widths, strict=True)] for cells in rows)
    return ["  ".join(cells).rstrip() for cells in padded]
