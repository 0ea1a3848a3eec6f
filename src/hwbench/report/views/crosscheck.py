"""Our figures beside those of native tools, measured in turn."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ...analysis.crosscheck import ToolComparison, tool_comparisons
from ...record import text
from ...record.identity import differences, hardware
from ...record.model import Run
from .. import charts
from ..charts import Mark
from ..columns import INTERVAL, Column
from ..dataset import Runs, when
from ..sections import Block, Figure, Key, Notes, Panel, Section, Table

SHOWN = {"bytes": (1e-9, "GB/s"), "flops": (1e-9, "GFLOP/s"), "hops": (1e-6, "M hops/s"), "calls": (1e-3, "k calls/s")}
LEAST_TOP = 1.25  # of the axis: a ratio of 1 then stands at four fifths of it
MOST_TOP = 3.0  # beyond, a bar is cut; its label tells the number


def _rate(one: ToolComparison, *, ours: bool) -> str:
    scale, unit = SHOWN[one.count]
    rate = one.ours if ours else one.theirs
    return text.amount(rate.value * scale if rate else None, unit)


COLUMNS: tuple[Column[ToolComparison], ...] = (
    Column("case", lambda one: one.name),
    Column("tool", lambda one: one.tool),
    Column("native", lambda one: _rate(one, ours=False)),
    Column("ours", lambda one: _rate(one, ours=True)),
    Column("ours / native", lambda one: text.columns(one.ratio)[0]),
    Column(INTERVAL, lambda one: text.columns(one.ratio)[1]),
    Column("status", lambda one: one.status),
    Column("native command", lambda one: one.command),
)


def view(runs: Runs) -> Section | None:
    """A figure for each session of comparisons, one panel a tool; None without any."""
    blocks: list[Block] = []
    for run in runs.proofs:
        found = tool_comparisons(run.records)
        compared = [one for one in found if one.ratio is not None]
        if compared:
            blocks.append(_figure(run, compared, _where(run, runs)))
        missing = dict.fromkeys(f"{one.tool}: {one.reason}" for one in found if one.ratio is None and one.reason)
        if missing:
            blocks.append(Notes("Not compared", list(missing)))
    if not blocks:
        return None
    intro = [
        "The same work by a native tool and by these benches, in turn within one run: the same footprint a thread, as "
        "many threads, pages of the same size. Above 1 ours is faster. The commands below can be typed by anybody.",
    ]
    return Section("verify", "Native tools", "Beside native tools", intro, blocks, topic="quality")


def _where(proof: Run, runs: Runs) -> str:
    """The machine of a comparison; how it differs where no run of the page was measured on its hardware."""
    measured = hardware(proof.machine)
    apart = min((differences(measured, hardware(run.machine), ("it", "this page's")) for run in runs), key=len)
    name = proof.machine.name
    each = "; ".join(one + " here" * (" against " in one) for one in apart)
    return f"another machine, {name} ({each})" if apart else name


def _figure(run: Run, compared: Sequence[ToolComparison], where: str) -> Figure:
    panels = []
    for tool in dict.fromkeys(one.tool for one in compared):
        here = [one for one in compared if one.tool == tool]
        names = labels([one.name for one in here])
        marks = [_mark(one, name) for one, name in zip(here, names, strict=True)]
        top = min(MOST_TOP, max(LEAST_TOP, *(mark.high or 0.0 for mark in marks)))
        middle = statistics.median(one.ratio.value for one in here if one.ratio)
        spec = charts.bars(
            marks,
            groups=names,
            series=["ours over native"],
            unit="ours over native, rates",
            axis="bench/variant and what of its axes differs",
            top=top,
            rule=1.0,
            more="rates",
            alt_text=f"Our rate over that of {tool} for {len(here)} cases, the median {text.amount(middle)}.",
        )
        note = f"{len(here)} comparisons, median {text.amount(middle)}"
        panels.append(Panel(tool, spec, f"Ratios to {tool}", note))
    rows = [tuple(column.cell(one) for column in COLUMNS) for one in compared]
    head = tuple(column.head for column in COLUMNS)
    legend = [Key("ours over native", "c1"), Key("as fast", "ink-2", "dash")]
    title = f"{where}, {when(run)} UTC"
    return Figure(title, panels, Table("Every comparison", head, rows), "", legend, wide=True)


def labels(names: Sequence[str]) -> list[str]:
    """Names short enough for a bar: without topic and common values; whole where the short ones are not distinct.

    `stream.load/simd DRAM f8 1 4K` is `load/simd DRAM 1` where all are of f8 and on 4K pages.
    """
    parts = [name.split() for name in names]
    short = []
    for one in parts:
        alike = [other for other in parts if len(other) == len(one)]
        differ = [value for place, value in enumerate(one) if place and len({other[place] for other in alike}) > 1]
        short.append(" ".join([one[0].partition(".")[2] or one[0], *differ]))
    return short if len(set(short)) == len(set(names)) else list(names)


def _mark(one: ToolComparison, name: str) -> Mark:
    assert one.ratio is not None
    return Mark(
        series="ours over native",
        colour="c1",
        case=f"{one.name}, {one.tool}",
        value=min(one.ratio.value, MOST_TOP),
        low=one.ratio.low,
        high=min(one.ratio.high, MOST_TOP),
        group=name,
        label=text.columns(one.ratio)[0],
        more=f"{_rate(one, ours=True)} against {_rate(one, ours=False)}",
        suspect=one.reason,
    )
