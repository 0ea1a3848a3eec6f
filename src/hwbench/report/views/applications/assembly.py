"""Loops as machine code of several processors: what was counted, and the same loop in each assembly, side by side."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ....record import text
from ....record.model import Record
from ... import format
from ...dataset import Point
from ...sections import Table
from .stability_facts import amount, param

MEASURES = "machine code"
HEAD = ("loop", "target", "multiply-adds", "instructions", "packets", "loads", "bytes", "multiply-adds a packet or "
        "instruction", "peak a cycle, published")  # fmt: skip
SHOWN = ("dot", "i1")  # the loop whose assembly stands side by side
LONGEST = 40  # instructions


def tables(points: Sequence[Point]) -> list[Table]:
    """The counts of every loop, and the listings of one; nothing where no code was counted."""
    counted = [point.record for point in points if amount(point.record, "macs") is not None]
    if not counted:
        return []
    rows = [
        (
            f"{param(record, 'loop')}, {format.value_of('dtype', param(record, 'dtype'))}",
            record.variant,
            *(_whole(record, name) for name in ("macs", "instructions", "packets", "loads", "bytes")),
            text.amount(amount(record, "per_issue") or 0.0),
            _peak(record),
        )
        for record in counted
    ]
    out = [Table("Multiply-adds in machine code, counted and not run", HEAD, rows)]
    listed = {
        record.variant: lines
        for record in counted
        if (param(record, "loop"), param(record, "dtype")) == SHOWN and (lines := _lines(record))
    }
    if listed:
        side = list(itertools.zip_longest(*listed.values(), fillvalue=""))
        out.append(Table("The same loop in each assembly: an int8 dot product", tuple(listed), side))
    return out


def _whole(record: Record, name: str) -> str:
    found = amount(record, name)
    return text.NOTHING if found is None else text.count(found)


def _peak(record: Record) -> str:
    """`128 (Intel, …)`."""
    peak, source = amount(record, "peak"), record.facts.get("source")
    return text.NOTHING if peak is None or not isinstance(source, str) else f"{text.count(peak)} ({source})"


def _lines(record: Record) -> list[str]:
    found = record.facts.get("assembly")
    return [line for line in found if isinstance(line, str)][:LONGEST] if isinstance(found, list) else []
