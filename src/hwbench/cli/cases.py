"""The cases of one bench with their rates, compactly: parameters in rows, variants in columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..analysis.brief import answered, brief
from ..analysis.reading import Performance, Reading
from ..record import text
from ..record.model import GPU_LEVELS, LEVELS, Record, Scalar
from ..record.phrases import counted
from .aligned import drawn, wrapped

Place = tuple[tuple[str, Scalar], ...]


def lines(reading: Reading, bench: str, width: int, most: int) -> Iterator[str]:
    """Its question, a table of at most `most` lines, and how many cases that leaves out; findings if facts answer."""
    records = [record for record in reading.records if record.bench == bench and record.timed]
    info = reading.benches.get(bench)
    yield from wrapped(f"{bench}: {info.question}" if info else bench, width)
    if info is not None and answered(records, info):
        from .. import catalog
        from ..analysis.findings import findings

        told = findings(reading, [known] if (known := catalog.benches().get(bench)) else [])
        yield from [one for said in told.get(bench, []) for one in wrapped(said, width, "-", 2)][:most]
        return
    if info is not None and info.measures == "sustained load":  # the clock is as much of an answer as the rate
        yield from wrapped(brief(records, info), width)
        return
    figures = [(record, reading.performance(record)) for record in records]
    if not figures:
        return
    shown = [(record, found) for record, found in figures if found.metric == figures[0][1].metric]
    labelled = [one for one in shown if one[0].params.get("size") in (*LEVELS, *GPU_LEVELS)]
    yield from _table(labelled or shown, len(records), width, most)


def _table(figures: Sequence[tuple[Record, Performance]], every: int, width: int, most: int) -> Iterator[str]:
    records = [record for record, _ in figures]
    axes = [axis for axis in records[0].params if len({record.params.get(axis) for record in records}) > 1]
    unit, factor = text.fitting(figures[0][1].unit, [found.value.value for _, found in figures])
    places = list(dict.fromkeys(_place(record, axes) for record in records))[:most]
    variants = list(dict.fromkeys(_variant(record) for record in records))
    cells = {(_place(record, axes), _variant(record)): (record, found) for record, found in figures}
    names = ["", *(" ".join(str(value) for _, value in place) for place in places)]
    body = [[_cell(cells.get((place, variant)), factor) for variant in variants] for place in places]
    shares = [
        _share([cells[place, variant][1] for variant in variants if (place, variant) in cells]) for place in places
    ]
    while True:
        heads = [*variants, *(["best of limit"] if any(shares) else [])]
        rows = [
            [*row[: len(variants)], *([share] if any(shares) else [])] for row, share in zip(body, shares, strict=True)
        ]
        table = list(drawn(names, [heads, *rows], 2, 8))
        table[1] += f"  {unit}"
        if max(map(len, table)) <= width or (len(variants) == 1 and not any(shares)):
            break
        variants, shares = (variants[:-1], shares) if len(variants) > 1 else (variants, [""] * len(shares))
    yield from table
    told = sum((place, variant) in cells for place in places for variant in variants)
    if left := every - told:
        yield f"{counted(left, 'more case')}: hwbench show"


def _place(record: Record, axes: Sequence[str]) -> Place:
    return tuple((axis, record.params[axis]) for axis in axes if axis in record.params)


def _variant(record: Record) -> str:
    return record.variant if record.device == "cpu" else f"{record.variant} ({record.device})"


def _cell(one: tuple[Record, Performance] | None, factor: float) -> str:
    if one is None:
        return ""
    record, found = one
    return text.amount(found.value.value * factor) + text.DOUBTFUL * (record.status == "suspect")


def _share(found: Sequence[Performance]) -> str:
    """The largest share of a limit among the variants of a row."""
    shares = [one.share for one in found if one.share is not None]
    return max(shares, key=lambda share: share.value).text if shares else ""
