"""Counting in few places: every increment counts, and what is told of contention."""

from __future__ import annotations

import pytest

from hwbench.bench import Skip
from hwbench.benches.device import atomics
from made_up.gpu_records import record, said


def counted(variant, addresses, seconds):
    return record("device.atomics", variant, {"addresses": addresses}, seconds, counts={"items": 1e12})


def test_contention_is_told_and_what_helps():
    """Picoseconds an increment on one counter and on many, and how much counting in parts first gains."""
    rows = [
        counted("global", 1, 8.0),
        counted("global", 2**20, 2.0),
        counted("shared", 1, 1.0),
        counted("warp", 1, 4.0),
    ]
    assert said(atomics.atomics_bench, *rows) == [
        "An atomic increment takes 8.00 ps of the GPU's time when all threads meet on one counter, "
        "and 2.00 ps when each has "
        "its own.",
        "Counting on one address is 8.00× as fast in shared memory first and 2.00× as fast within each warp first.",
    ]


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
