"""Quantities of two records: which two, for the headline and for findings alike."""

from __future__ import annotations

from collections.abc import Sequence

from ..record.estimate import Estimate, estimate
from ..record.facts import threads_of
from ..record.model import LEVELS, Record, Run, Scalar, contrast_key
from .limits import level_of
from .measures import declared

Pair = tuple[Record, Record]
"""The slower record, and the faster one that it is set against."""


def pairs(run: Run, records: Sequence[Record]) -> dict[str, Pair]:
    """The pairs behind the headline quantities, by name; `records` are the timed ones of a run's CPU."""
    of = {
        kind: [record for record in records if declared(record, run.benches) == kind]
        for kind in ("branches", "ladder", "row and column", "scaling")
    }
    found = {
        "mispredict": _mispredicted(of["branches"]),
        "loop_over_numpy": _loop_and_numpy(run, of["ladder"]),
        "column_over_row": _column_and_row(of["row and column"]),
        "prange.triad": one_and_most(of["scaling"], work="triad", scaling="strong"),
        "prange.compute": one_and_most(of["scaling"], work="polynomial", scaling="strong"),
    }
    return {name: pair for name, pair in found.items() if pair is not None}


def one_and_most(records: Sequence[Record], **params: Scalar) -> Pair | None:
    """The same work on one thread and on the most; None where either was not timed."""
    here = {threads_of(one): one for one in records if one.timed and params.items() <= one.params.items()}
    most = max(here, default=1)
    return (here[1], here[most]) if most > 1 and 1 in here else None


def penalty(slow: Record, fast: Record) -> Estimate:
    """Seconds of one misprediction: the loops' difference, round by round where they share rounds."""
    if len(slow.samples) == len(fast.samples):
        apart = estimate([a - b for a, b in zip(slow.samples, fast.samples, strict=True)])
    else:
        a, b = estimate(slow.samples), estimate(fast.samples)
        apart = Estimate(a.value - b.value, a.low - b.high, a.high - b.low)
    return apart.scaled(1 / (slow.counts["items"] * _wrong(slow)))


def _mispredicted(records: Sequence[Record]) -> Pair | None:
    """Random and sorted order, of the most branches, at the share of taken ones nearest to one half."""
    found = [pair for pair in _pairs(records, "shuffled", "sorted") if _wrong(pair[0])]
    return max(found, key=lambda pair: (pair[0].counts["items"], _wrong(pair[0])), default=None)


def _wrong(record: Record) -> float:
    """The share of mispredicted branches; 0 where it is too small to divide by.

    At a share p in random order min(p, 1 - p) of the branches are mispredicted at best; sorted, none.
    """
    share = record.params.get("share")
    wrong = min(share, 1 - share) if isinstance(share, int | float) and record.counts.get("items") else 0.0
    return wrong if wrong > 1e-6 else 0.0


def _loop_and_numpy(run: Run, records: Sequence[Record]) -> Pair | None:
    """An addition in a Python loop and in NumPy, at the largest n whose arrays exceed the last-level cache."""
    found = [
        pair
        for pair in _pairs(records, "loop", "numpy")
        if level_of(pair[0], run.policy.sizes, run.machine.cpu) == LEVELS[-1]
    ]
    return max(found, key=lambda pair: pair[0].counts.get("items", 0.0), default=None)


def _column_and_row(records: Sequence[Record]) -> Pair | None:
    """Down columns and along rows of a float64 matrix in memory, in C order."""
    wanted = {"size": LEVELS[-1], "dtype": "f8", "layout": "C"}
    found = _pairs(records, "column", "row")
    return next((pair for pair in found if wanted.items() <= pair[0].params.items()), None)


def _pairs(records: Sequence[Record], one: str, other: str) -> list[Pair]:
    """The timed records of two variants of one bench with equal axis values."""
    others = {contrast_key(record): record for record in reversed(records) if record.timed and record.variant == other}
    firsts = (record for record in records if record.timed and record.variant == one)
    return [(first, others[contrast_key(first)]) for first in firsts if contrast_key(first) in others]
