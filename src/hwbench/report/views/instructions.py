"""The instruction table: cycles of latency and throughput here, beside those published for named cores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...analysis.ratios import ratio
from ...record import text
from ...record.estimate import Estimate
from .. import charts
from ..columns import INTERVAL
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Table

MEASURES = "instructions"
WAYS = ("latency", "throughput")
COLOURS = {"latency": "c1", "throughput": "c2"}
LARGEST = 1e6  # cycles of an instruction
CORES = 8  # columns of published figures


class Row(NamedTuple):
    """A figure of the table: its case, and its cycles."""

    point: Point
    cycles: Estimate


def figure(runs: Runs) -> Figure | None:
    """Dots of cycles by operation, and the table beside published figures; None without the bench."""
    points = runs.measuring(MEASURES)
    rows = [row for point in points if point.variant in WAYS and (row := _row(point, points)) is not None]
    if not rows:
        return None
    low, top = charts.value_range(row.cycles.value for row in rows)
    panels = []
    for run, label in enumerate(runs.labels):
        here = [row for row in rows if row.point.run == run]
        if not here:
            continue
        marks = [
            charts.mark_of(
                runs, row.point, value=row.cycles, unit="cycles", colour=COLOURS[row.point.variant],
                group=row.point.text("operation"),
                label=text.columns(row.cycles)[0] + text.DOUBTFUL * row.point.suspect, more=_about(row.point),
            )
            for row in here
        ]  # fmt: skip
        spec = charts.bars(
            marks, groups=list(dict.fromkeys(mark.group for mark in marks)),
            series=[way for way in WAYS if any(mark.series == way for mark in marks)], unit="cycles, less is faster",
            top=top, bottom=low if top / low > charts.WIDE else None, more="instruction",
            alt_text="Cycles of latency and of throughput by instruction.",
        )  # fmt: skip
        panels.append(Panel(label if runs.several else "", spec, "Cycles of each instruction"))
    told = (
        "Cycles of an instruction are its time over that of an addition of registers, measured in turns. Latency: each "
        "waits for the one before; throughput: several chains side by side. The table has latency / throughput as "
        f"published for other cores. {_sources(rows)}"
    )
    legend = [Key(way, colour) for way, colour in COLOURS.items()]
    return Figure("Instruction table", panels, _table(runs, rows), told.strip(), legend, wide=not runs.several)


def _row(point: Point, points: Sequence[Point]) -> Row | None:
    """A case with its cycles, by the additions of its contrast."""
    for base in points:
        if (base.run, base.variant, base.text("operation")) == (point.run, "cycle", point.text("operation")):
            cycles = ratio(point.record, base.record)
            return Row(point, cycles) if 0 < cycles.value < LARGEST else None
    return None


def _table(runs: Runs, rows: Sequence[Row]) -> Table:
    cores = list(dict.fromkeys(core for row in rows for core in _published(row.point)))[:CORES]
    found: dict[tuple[int, str], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row.point.run, row.point.text("operation")), {})[row.point.variant] = row
    head = ("operation", "instruction", *(f"{way}, cycles" for way in WAYS), INTERVAL, *cores, "status")
    cells = []
    for (run, operation), ways in found.items():
        first = next(iter(ways.values())).point
        here = [text.columns(ways[way].cycles)[0] if way in ways else text.NOTHING for way in WAYS]
        spans = [text.columns(ways[way].cycles)[1] if way in ways else text.NOTHING for way in WAYS]
        status = "suspect" if any(row.point.suspect for row in ways.values()) else first.status
        beside = [_pair([_published(ways[way].point).get(core) if way in ways else None for way in WAYS])
                  for core in cores]  # fmt: skip
        cells.append(runs.row(run, (operation, _about(first), *here, " / ".join(spans), *beside, status)))
    return Table("Latency and throughput of every instruction", runs.head(head), cells)


def _pair(figures: Sequence[float | None]) -> str:
    """`4.00 / 0.500`; a dash for what is not published."""
    if all(figure is None for figure in figures):
        return text.NOTHING
    return " / ".join(text.amount(figure) for figure in figures)


def _about(point: Point) -> str:
    return str(point.record.facts.get("instruction", text.NOTHING))[:40]


def _published(point: Point) -> dict[str, float]:
    """Published cycles by core: what a file holds may be anything."""
    found = point.record.facts.get("published")
    if not isinstance(found, Mapping):
        return {}
    return {
        str(core)[:20]: float(value)
        for core, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
    }


def _sources(rows: Sequence[Row]) -> str:
    found: dict[str, str] = {}
    for row in rows:
        told = row.point.record.facts.get("sources")
        if isinstance(told, Mapping):
            found |= {str(core)[:20]: str(source)[:160] for core, source in told.items()}
    each = "; ".join(f"{core}: {source}" for core, source in [*found.items()][:CORES])
    return f"Sources: {each}." if each else ""
