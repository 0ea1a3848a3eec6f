"""Columns that take no memory for what they lack."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwbench.tracking.history import Series
from hwbench.tracking.sparse import Sparse


def test_a_column_gives_back_what_it_was_given() -> None:
    """As a whole, NaN included; writing into the copy is refused, since nobody would see it."""
    values = np.array([math.nan, 1.0, math.nan, 2.0])
    one = Series("a", "", {}, 0, values, values - 1, Sparse(np.array([3], np.int32), np.array([5.0]), 4))
    np.testing.assert_array_equal(one.values, values)
    np.testing.assert_array_equal(one.high, [math.nan, math.nan, math.nan, 5.0])
    with pytest.raises(ValueError, match="read-only"):
        one.values[0] = 3.0
    at, found, low, high = one.measured
    assert (at.tolist(), found.tolist(), low.tolist(), high.tolist()[1]) == ([1, 3], [1.0, 2.0], [0.0, 1.0], 5.0)
