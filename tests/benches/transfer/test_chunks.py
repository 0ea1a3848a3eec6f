"""Copies in pieces: what each further piece costs."""

from __future__ import annotations

from hwbench.benches.transfer import chunks
from made_up.gpu_records import record, said, suspect


def chunked(variant="each", *, pieces=(1, 64, 4096)):
    each = {"each": 5e-6, "once": 1e-6, "cupy": 2e-6}[variant]
    return [
        record("transfer.chunks", variant, {"direction": "h2d", "size": "64MiB", "pieces": n}, 1e-3 + each * n,
               counts={"bytes": 2**26, "calls": 1}, facts={"piece_bytes": 2**26 // n})
        for n in pieces
    ]  # fmt: skip


def test_pieces_cost_their_slope():
    """How much longer many take than one, and the 5 µs of each."""
    assert said(chunks.chunks_bench, *chunked()) == [
        "64 MiB to the GPU in 4096 pieces of 16 KiB, with a wait after each: 21.37× slower than one "
        "piece (21.36–21.37).",
        "Each further piece of a copy costs 5.000 µs (4.995–5.005) with a wait after each.",
    ]


def test_ways_to_send_pieces_are_a_list():
    """Two, three and none; what was sent whole alone says nothing."""
    [queued] = said(chunks.chunks_bench, *chunked("once"))
    assert queued.endswith(" queued.")
    _, two = said(chunks.chunks_bench, *chunked(), *chunked("once"))
    assert " with a wait after each and 1.00" in two
    _, three = said(chunks.chunks_bench, *chunked(), *chunked("once"), *chunked("cupy"))
    assert " with a wait after each, 2.00" in three
    assert " through CuPy's set() and 1.00" in three
    assert said(chunks.chunks_bench, *chunked(pieces=(1,))) == []


def test_disturbed_pieces_are_marked():
    """In both sentences."""
    assert all("suspect: other processes" in line for line in said(
        chunks.chunks_bench, *(suspect(one, "other_processes") for one in chunked())
    ))  # fmt: skip
