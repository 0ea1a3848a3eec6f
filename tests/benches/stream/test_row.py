"""The rows of STREAM: how many arrays are named, and how many cross to memory."""

import numpy as np
import pytest

from hwbench.benches.stream import stream


@pytest.mark.parametrize(
    ("row", "arrays", "moves"),
    [(stream.LOAD, 1, 1), (stream.STORE, 1, 2), (stream.COPY, 2, 3), (stream.SCALE_BY, 2, 3), (stream.ADD, 3, 4),
     (stream.TRIAD, 3, 4)],
    ids=lambda value: getattr(value, "name", value),
)  # fmt: skip
def test_a_plain_store_moves_one_array_more(row, arrays, moves):
    """STREAM counts the arrays that the kernel names; write-allocate reads each written one as well."""
    assert (row.arrays, row.moves) == (arrays, moves)


def test_where_nothing_is_computed_bits_are_bits():
    """A load adds integers whatever the dtype axis says; what writes floats works on floats."""
    assert stream.LOAD.element(np.dtype("f4")) == np.dtype("i8")
    assert stream.TRIAD.element(np.dtype("f4")) == np.dtype("f4")
