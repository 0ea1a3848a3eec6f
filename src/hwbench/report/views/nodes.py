"""NUMA nodes: maps of latency and bandwidth from the CPUs of each node to the memory of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...record import text
from .. import charts
from ..columns import Column, table
from ..dataset import Point, Runs
from ..sections import Figure, Panel, Section

MEASURES = "nodes"
UNITS = {"latency": ("ns", 1e9), "bandwidth": ("GB/s", 1e-9)}  # of what a record's pairs are in seconds and bytes/s


@dataclass(frozen=True)
class Pair:
    """The memory of a node as the CPUs of a node find it, in the unit of `UNITS`."""

    point: Point
    what: str
    cpus: int
    memory: int
    value: float


def view(runs: Runs) -> Section | None:
    """A map of each quantity for each run; None where no run has two nodes."""
    every = [pair for point in runs.measuring(MEASURES) for pair in _pairs(point)]
    figures = []
    for index, label in enumerate(runs.labels):
        for what in UNITS:
            here = [pair for pair in every if pair.point.run == index and pair.what == what]
            if len({pair.cpus for pair in here}) > 1:
                figures.append(_figure(runs, what, here, label if runs.several else ""))
    if not figures:
        return None
    intro = [
        "Rows are the nodes whose CPUs load, columns the nodes where the memory lies, placed there by first touch. On "
        "the diagonal a node uses its own memory. Each pair is measured alone; the figure is its best round.",
    ]
    return Section("nodes", "NUMA nodes", "NUMA nodes", intro, figures, topic="memory")


def _figure(runs: Runs, what: str, pairs: Sequence[Pair], label: str) -> Figure:
    unit, _ = UNITS[what]
    nodes = sorted({node for pair in pairs for node in (pair.cpus, pair.memory)})
    name = "Latency by node" if what == "latency" else "Bandwidth by node"
    title = ", ".join(filter(None, (name, label)))
    spec = charts.matrix(
        [(pair.cpus, pair.memory, pair.value, "its own" if pair.cpus == pair.memory else "another node's")
         for pair in pairs],
        order=nodes, unit=unit, rows="CPUs of node", columns="memory of node",
        alt_text=f"{name}: a map of CPUs against memory.",
    )  # fmt: skip
    columns: tuple[Column[Pair], ...] = (
        Column("CPUs of node", lambda pair: str(pair.cpus)), Column("memory of node", lambda pair: str(pair.memory)),
        Column(unit, lambda pair: text.amount(pair.value)), Column("variant", lambda pair: pair.point.variant),
        Column("status", lambda pair: pair.point.status),
    )  # fmt: skip
    ordered = sorted(pairs, key=lambda pair: (pair.cpus, pair.memory))
    told = [*_told(what, pairs), f"Stronger colour is {'slower' if what == 'latency' else 'faster'}."]
    return Figure(
        title, [Panel("", spec, name)], table(runs, "Every pair", columns, ordered, lambda pair: pair.point.run),
        " ".join(told), narrow=True,
    )  # fmt: skip


def _told(what: str, pairs: Sequence[Pair]) -> list[str]:
    """The mean of the remote pairs against that of the local ones, in a sentence; none where either is missing."""
    own = [pair.value for pair in pairs if pair.cpus == pair.memory]
    other = [pair.value for pair in pairs if pair.cpus != pair.memory]
    if not own or not other:
        return []
    ratio = (sum(other) / len(other)) / (sum(own) / len(own))
    return [f"Remote over local {what}, means of the best rounds: {text.amount(ratio)}."]


def _pairs(point: Point) -> list[Pair]:
    """The pairs in a record's facts, without what is none: a file may hold anything."""
    found, what = point.record.facts.get("between"), point.text("what")
    pairs = []
    for row in found if isinstance(found, list) and what in UNITS else ():
        if isinstance(row, list) and len(row) == 3:
            cpus, memory, value = row
            good = isinstance(value, float) and 1e-12 < value < 1e15
            if good and all(isinstance(node, int) and 0 <= node < 4096 for node in (cpus, memory)):
                pairs.append(Pair(point, what, cpus, memory, value * UNITS[what][1]))
    return pairs
