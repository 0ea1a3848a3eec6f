"""Copying beside computing: the share of the ideal overlap."""

from __future__ import annotations

from hwbench.benches.transfer import overlap
from hwbench.record.model import Record
from made_up.gpu_records import record, said, suspect


def overlapped(stage: str, streams: int, seconds: float) -> Record:
    return record("transfer.overlap", "pipeline", {"stage": stage, "streams": streams, "size": "64MiB"}, seconds)


STAGES = ("h2d", "kernel", "d2h")


def test_overlap_is_told_as_a_share_of_the_ideal():
    """Of 3 ms in turn, of which none can be shorter than 1, two streams at 2 ms have half."""
    parts = [overlapped(stage, 1, 1e-3) for stage in STAGES]
    [text] = said(overlap.overlap_bench, *parts, overlapped("all", 1, 3e-3), overlapped("all", 2, 2e-3))
    assert text == (
        "Copies and kernel on 2 streams: 1.500× faster than 1 stream (1.499–1.501), 50.0% (49.9–50.1) of the possible "
        "overlap; the copy to the GPU takes longest."
    )


def test_an_overlap_beyond_the_possible_is_marked():
    """As is one of a suspect record."""
    parts = [overlapped("kernel", 1, 2e-3), overlapped("h2d", 1, 1e-4), overlapped("d2h", 1, 1e-4)]
    rows = [*parts, overlapped("all", 1, 3e-3), overlapped("all", 2, 2.5e-3), suspect(overlapped("all", 4, 1e-3))]
    [text] = said(overlap.overlap_bench, *rows)
    assert text.startswith("Copies and kernel on 4 streams: 3.0")
    assert "than 1 stream (2.997–3.003) (suspect: the GPU was held back by its power limit), 200" in text
    assert "of the possible overlap (suspect: above the limit); the kernel takes longest." in text


def test_without_every_stage_alone_nothing_is_said():
    """The ideal is unknown where a stage was not timed."""
    rows = [overlapped("h2d", 1, 1e-3), overlapped("all", 1, 3e-3), overlapped("all", 2, 2e-3)]
    assert said(overlap.overlap_bench, *rows) == []
