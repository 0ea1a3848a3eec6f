"""Plain loops: what they read and write."""

from __future__ import annotations

import pytest

from hwbench.kernels import ordinary


@pytest.mark.parametrize(
    ("reads", "writes", "count", "sizes"),
    [
        (160, 80, 2, (10, 10, 0, 10)), (80, 80, 1, (10, 0, 0, 10)), (0, 160, 1, (10, 0, 0, 10)),
        (480, 80, 3, (17, 17, 17, 17)), (800, 80, 1, (110, 0, 0, 0)), (800, 0, 1, (100, 0, 0, 0)),
    ],
)  # fmt: skip
def test_arrays_have_the_bytes_that_are_asked_for(reads, writes, count, sizes):
    """As many are read for the one that is written; hardly any writes are none."""
    found, *arrays = ordinary.memory(reads, writes)
    assert (found, tuple(len(one) for one in arrays)) == (count, sizes)


@pytest.mark.parametrize("move", [ordinary.move, ordinary.move_together])
def test_both_loops_do_the_same(move):
    """Sums of what is read, a multiple of one array, the sum of one."""
    for reads in (1, 2, 3):
        _, *arrays = ordinary.memory(80 * reads, 80)
        assert move(reads, *arrays) == 0.0
        assert arrays[-1].tolist() == [float(max(2, reads))] * 10
    assert move(*ordinary.memory(80, 0)) == 10.0


def test_each_page_of_a_new_array_is_touched():
    """4 KiB are 512 numbers."""
    assert ordinary.fresh(1025)[::512].tolist() == [1.0] * 3


@pytest.mark.parametrize("ways", [ordinary.MAKE, ordinary.MAKE_TOGETHER])
def test_loops_that_make_an_array_compute_what_the_others_do(ways):
    """By as many arrays as they read; as Python code, whose loops are those that are compiled."""
    for reads, make in enumerate(ways, 1):
        _, *arrays, _ = ordinary.memory(80 * reads, 80)
        assert make.py_func(*arrays[:reads]).tolist() == [float(max(2, reads))] * 10
