"""The benches by topic or with their questions: read from their pages, for which no bench is imported."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from .. import catalog
from . import pages
from .pages import Row


def rows() -> list[Row]:
    """Every bench by name; hwbench's are imported where a file of them has no page, such as a new one."""
    known, benches = pages.index(), catalog.own()
    if not set(catalog.modules()) <= {home for row in known for home in catalog.homes(row.name)}:
        known, benches = [], list(catalog.benches().values())
    rows = [*known, *(Row(bench.name, bench.question, bench.needs_gpu) for bench in benches)]
    return sorted(rows, key=lambda row: row.name) if benches else rows


def topics(known: Sequence[Row], width: int) -> list[str]:
    """A line a topic with its benches, or two short topics; topics that need a GPU are marked."""
    found: dict[str, list[Row]] = {}
    for row in known:
        found.setdefault(row.name.partition(".")[0], []).append(row)
    indent = max(map(len, found), default=0) + 2
    out: list[str] = []
    half, short = max(width, 2 * indent) // 2, False
    for topic, members in found.items():
        names = " ".join(row.name.partition(".")[2] for row in members)
        gpu = all(row.gpu for row in members)
        told = wrap(names + " (GPU)" * gpu, max(20, width - indent), break_on_hyphens=False)
        lines = [f"{topic:{indent}}{told[0]}", *(" " * indent + line for line in told[1:])]
        fits = len(lines) == 1 and len(lines[0]) < half
        if short and fits:
            out[-1] = f"{out[-1]:{half}}{lines[0]}"
        else:
            out += lines
        short = fits and not short
    count = f"{len(known)} bench{'es' * (len(known) != 1)}"
    return [
        *out, "",
        f"{count}, named topic.bench. `hwbench list TOPIC` shows questions, `-v` all.",
        "`hwbench explain BENCH` says how to read one; `hwbench list FILE` has your own.",
    ]  # fmt: skip


def questions(known: Sequence[Row], width: int) -> list[str]:
    """Each bench with its question."""
    indent = max((len(row.name) for row in known), default=0) + 2
    out = []
    for row in known:
        first, *rest = wrap(row.question, max(20, width - indent), break_on_hyphens=False)
        out += [f"{row.name:{indent}}{first}", *(" " * indent + line for line in rest)]
    return out
