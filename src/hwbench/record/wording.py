"""Words of findings: lists, plurals, comparisons of times, and the mark of what is suspect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import text
from .estimate import Estimate
from .model import Record
from .reasons import TABLE

MOST = 3  # sentences of a bench
EXCESS = 1.05  # a share of a limit above this is suspect


class Item(NamedTuple):
    """One entry of a list, and the records that it is taken from."""

    words: str
    records: tuple[Record, ...] = ()


def listed(items: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    *first, last = items or [""]
    return f"{', '.join(first)} and {last}" if first else last


def marked(items: Sequence[Item]) -> str:
    """The list with the marks of its records: once at the end where all have the same one, else at each entry.

    A reason is given where it first occurs: `3 in f4 (suspect: the clock drifted), 5 in f8 (suspect) and 7 in f2`.
    """
    marks = [mark(*item.records) for item in items]
    if len(set(marks)) == 1:
        return listed([item.words for item in items]) + marks[0]
    shown = [" (suspect)" if found and found in marks[:at] else found for at, found in enumerate(marks)]
    return listed([item.words + found for item, found in zip(items, shown, strict=True)])


def counted(number: int, one: str) -> str:
    """`1 thread`, `2 threads`."""
    return f"{text.count(number)} {one}{'s' * (number != 1)}"


def compared(times: Estimate, other: str = "") -> str:
    """A ratio of times in words: `1.20× slower (1.15–1.23) than NumPy`, `no difference from NumPy (0.98–1.02)`."""
    if not text.same(times):
        return text.ratio(times) + (f" than {other}" if other else "")
    bounds = text.columns(times)[1]
    return "no difference" + (f" from {other}" if other else "") + (f" ({bounds})" if bounds != text.NOTHING else "")


def mark(*records: Record | None) -> str:
    """` (suspect: the clock drifted)` with the first reason of the first suspect record; "" where none is suspect."""
    for record in records:
        if record is not None and record.status == "suspect":
            reason = next(iter(record.reasons), None)
            known = None if reason is None else TABLE.get(reason.code)
            return f" (suspect: {known.words if known else reason or 'disturbed'})"
    return ""


def share(value: float | Estimate, limit: str) -> str:
    """`92% of the load bandwidth`; a share of the `limit` above 105% is marked."""
    excess = (value.value if isinstance(value, Estimate) else value) > EXCESS
    return f"{text.share(value)} of {limit}" + " (suspect: above its limit)" * excess


def ranked(said: Iterable[tuple[Estimate, str]], most: int = MOST) -> list[str]:
    """The `most` sentences of the largest effects: a ratio of times first that is furthest from 1."""
    found = sorted(said, key=lambda pair: -abs(math.log(pair[0].value)) if pair[0].value > 0 else 0.0)
    return [sentence for _, sentence in found[:most]]
