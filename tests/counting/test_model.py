"""The model of counts."""

from __future__ import annotations

import pytest

from hwbench.counting.model import Range, Stride


def test_a_range_of_one_number_is_exact():
    """And two ranges add up end by end."""
    assert Range(3, 3).exact
    assert Range(3, 3) + Range(1, 2) == Range(4, 5)
    assert not Range(4, 5).exact


@pytest.mark.parametrize(("stride", "used"), [(64, 8), (4096, 8), (16, 32), (24, 21), (8, 64)])
def test_a_stride_uses_part_of_a_line(stride, used):
    """From 64 bytes on, one item of each line."""
    assert Stride("x", stride, 8).used == used
