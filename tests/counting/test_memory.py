"""Which bytes arrays touch."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.counting.memory import Touched, bounds, copies, distinct, granule, groups

X = np.arange(24.0).reshape(4, 6)


@pytest.mark.parametrize(
    ("array", "nbytes"),
    [
        (X, 192),
        (X.T[::2], 96),
        (X[::-1, ::-2], 96),
        (np.broadcast_to(X[0], (5, 6)), 48),
        (np.lib.stride_tricks.sliding_window_view(X[0], 3), 48),
        (X[:0], 0),
        (X[1, 1:2].reshape(()), 8),
    ],
)
def test_distinct_bytes(array, nbytes):
    """Repeated rows and overlapping windows count once."""
    assert distinct(array) == nbytes


def test_marks_of_overlapping_views_are_counted_once():
    """Also of the real parts of complex numbers."""
    z = np.zeros(10, complex)
    marks = Touched(*bounds(z), granule(z))
    assert marks.add(z.real[:6]) == 48
    assert marks.add(z.real[4:]) == 80
    assert marks.add(z) == 160


@pytest.mark.parametrize("index", [(1, 2), (-3, -4), (np.int64(1), 2)])
def test_the_marks_of_one_element(index):
    """Counted from either end."""
    marks = Touched(*bounds(X), 8)
    assert marks.element(X, index) == slice(8, 9)
    assert marks.element(X.T, index[::-1]) == slice(8, 9)


def test_a_view_of_other_items_marks_all_between_its_ends():
    """Bytes within numbers of eight."""
    x = np.zeros(10)
    marks = Touched(*bounds(x), 8)
    assert marks.add(x.view("u1")[3:20]) == 24


def test_copies_overlap_as_the_originals_do():
    """With strides and protection, and nothing shared with the originals."""
    x = X.copy()
    protected = x[1:3, ::2]
    protected.flags.writeable = False
    one, two, other = copies([x, protected, np.arange(3)])
    one[1] = -1
    assert (two[0] == -1).all()
    assert x.min() == 0
    assert two.strides == protected.strides
    assert not two.flags.writeable
    assert other.tolist() == [0, 1, 2]


def test_arrays_apart_are_apart():
    """Neighbours that only touch share no piece."""
    assert [members for _, _, members in groups([X[2:], X[:2], X[1:2]])] == [[1, 2], [0]]
