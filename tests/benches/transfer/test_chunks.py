"""Copies in pieces: what each further piece costs."""

from __future__ import annotations

from hwbench.benches.transfer import chunks
from made_up.gpu_records import record, said


def test_pieces_cost_their_slope():
    """Each piece of 5 µs is told, and how much longer many take than one."""
    records = [
        record("transfer.chunks", "each", {"direction": "h2d", "size": "64MiB", "pieces": pieces}, 1e-3 + 5e-6 * pieces,
               counts={"bytes": 2**26, "calls": 1}, facts={"piece_bytes": 2**26 // pieces})
        for pieces in (1, 64, 4096)
    ]  # fmt: skip
    cost, ratio = said(chunks.chunks_bench, *records)
    assert cost == "Each further piece of a copy costs 5 µs waited for."
    assert ratio.startswith("64 MiB in 4096 pieces of 16 KiB, each waited for, take 21.4× as long as in one (")
