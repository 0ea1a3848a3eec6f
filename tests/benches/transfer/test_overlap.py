"""Copying beside computing: the share of the ideal overlap."""

from __future__ import annotations

from hwbench.benches.transfer import overlap
from hwbench.record.model import Record
from made_up.gpu_records import record, said


def overlapped(stage: str, streams: int, seconds: float) -> Record:
    return record("transfer.overlap", "pipeline", {"stage": stage, "streams": streams, "size": "64MiB"}, seconds)


def test_overlap_is_told_as_a_share_of_the_ideal():
    """Of 3 ms in turn, of which none can be shorter than 1, two streams at 2 ms have half."""
    parts = [overlapped(stage, 1, 1e-3) for stage in ("h2d", "kernel", "d2h")]
    [text] = said(overlap.overlap_bench, *parts, overlapped("all", 1, 3e-3), overlapped("all", 2, 2e-3))
    assert "on 2 streams is 1.50× as fast as in turn: 50% (" in text


def test_without_every_stage_alone_nothing_is_said():
    """The ideal is unknown where a stage was not timed."""
    rows = [overlapped("h2d", 1, 1e-3), overlapped("all", 1, 3e-3), overlapped("all", 2, 2e-3)]
    assert said(overlap.overlap_bench, *rows) == []
