"""Occupancy: the threads that saturate the GPU."""

from __future__ import annotations

from hwbench.benches.device import occupancy
from made_up.gpu_records import record, said, suspect


def occupied(work="fma", chains=(1, 4), most=1e4):
    """Where the rate grows with the threads up to `most` chains in all."""
    count = "flops" if work == "fma" else "bytes"
    return [
        record("device.occupancy", "kernel", {"work": work, "threads": threads, "chains": n},
               threads * n / min(most, threads * n), counts={count: threads * n}, facts={"resident": 270336})
        for threads in (32, 128, 512, 2048, 8192, 32768) for n in chains
    ]  # fmt: skip


def test_occupancy_tells_the_threads_that_saturate():
    """More threads are needed with one chain than with four; a single warp gets little."""
    assert said(occupancy.bench, *occupied()) == [
        "90% of the best multiply-add rate takes 3810 threads with 4 chains each or 15\u202f200 threads with 1 chain "
        "each; the GPU holds 270\u202f000 threads at a time.",
        "A single warp reaches 0.32% of the best multiply-add rate with 1 chain per thread.",
    ]


def test_both_kinds_of_work_are_told():
    """A sentence for each, and one for what a warp does of both."""
    _, copy, warp = said(occupancy.bench, *occupied(), *occupied("copy", chains=(8,)))
    assert copy.startswith("90% of the best copy rate takes ")
    assert " threads with 8 loads each; the GPU" in copy
    assert " or " not in copy
    assert "multiply-add rate with 1 chain per thread and 2.6% of the best copy rate with 8 loads per thread" in warp


def test_a_warp_stands_beside_the_best_rate_of_all_chains():
    """Not beside the best with its own number: 32 of 8000 with one chain, where four reach 8800."""
    records = occupied(most=8000)
    for one in records:
        if one.params["chains"] == 4:
            one.counts["flops"] *= 1.1
    assert said(occupancy.bench, *records)[-1].startswith("A single warp reaches 0.36% of the best multiply-add rate")


def test_too_few_threads_tell_nothing():
    """One number of threads has no curve."""
    assert said(occupancy.bench, *occupied()[:1]) == []


def test_disturbed_rates_are_marked():
    """The curves of what is told of, and the warp's own record."""
    curve, warp = said(occupancy.bench, *map(suspect, occupied()))
    assert "with 1 chain each (suspect: the GPU was held back by its power limit); the GPU holds" in curve
    assert warp.endswith("per thread (suspect: the GPU was held back by its power limit).")
