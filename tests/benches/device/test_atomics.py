"""Counting in few places: every increment counts, and what is told of contention."""

from __future__ import annotations

import pytest

from hwbench.bench import Skip
from hwbench.benches.device import atomics
from made_up.gpu_records import record, said, suspect


def counted(variant, addresses, seconds):
    return record("device.atomics", variant, {"addresses": addresses}, seconds, counts={"items": 1e12})


CONTENTION = {("global", 1): 8.0, ("global", 2**20): 2.0, ("shared", 1): 1.0, ("warp", 1): 4.0}


def contention(*wanted):
    return [counted(variant, addresses, CONTENTION[variant, addresses]) for variant, addresses in wanted or CONTENTION]


def test_contention_is_told_and_what_helps():
    """What counting in parts first gains, largest effect first, and picoseconds an increment on one counter."""
    assert said(atomics.atomics_bench, *contention()) == [
        "Counting in one place, against atomics on global memory: 8.000× faster (7.992–8.008) if summed in shared "
        "memory first and 2.000× faster (1.998–2.002) if summed within each warp first.",
        "An atomic increment of one counter by all threads takes 8.000 ps (7.992–8.008), 4.000× slower than an "
        "increment of a counter of its own (3.996–4.004).",
    ]


def test_contention_is_told_with_what_was_measured_of_it():
    """One way to count is one entry; without many counters there is no comparison, without one counter no sentence."""
    gains, cost = said(atomics.atomics_bench, *contention(("global", 1), ("warp", 1)))
    assert gains.endswith("memory: 2.000× faster (1.998–2.002) if summed within each warp first.")
    assert cost.endswith("takes 8.000 ps (7.992–8.008).")
    assert said(atomics.atomics_bench, *contention(("global", 2**20), ("warp", 1))) == []


def test_the_largest_effect_comes_first():
    """Where contention costs more than the remedy gains, its sentence is the first."""
    rows = [counted("global", 1, 8.0), counted("global", 2**20, 1.0), counted("warp", 1, 4.0)]
    cost, gain = said(atomics.atomics_bench, *rows)
    assert "8.000× slower" in cost
    assert "2.000× faster" in gain


def test_what_was_disturbed_is_marked():
    """The gain that a suspect record gives, and no other."""
    rows = contention(("global", 1), ("shared", 1), ("warp", 1))
    gains, cost = said(atomics.atomics_bench, *rows[:2], suspect(rows[2]))
    assert gains.endswith("within each warp first (suspect: the GPU was held back by its power limit).")
    assert "suspect" not in cost


@pytest.mark.parametrize("addresses", [1, 32, 2**20])
def test_no_increment_is_lost(addresses):
    """All counters together have what all threads add."""
    found = atomics.counted(addresses)
    assert found.shape == (addresses,)
    assert found.sum(dtype="u8") == atomics.increments(addresses)["items"]


def test_few_counters_get_fewer_increments():
    """All on one counter took 0.8 s a launch on an H200, half of what all of device.* took."""
    assert [atomics.rounds(n) for n in (1, 32, 33, 2**20)] == [128, 128, 1024, 1024]


@pytest.mark.parametrize(
    ("variant", "addresses", "why"),
    [
        ("global", 3, "3 counters are no power of two"),
        ("global", 2**21, "no power of two up to 1048576"),
        ("shared", 8192, "shared memory holds 4096 counters here"),
    ],
)
def test_counters_that_the_kernel_does_not_take_are_a_skip(variant, addresses, why):
    """Before anything is put on the device."""
    with pytest.raises(Skip, match=why):
        atomics.atomics_bench.build(variant, {"device": None, "addresses": addresses})
