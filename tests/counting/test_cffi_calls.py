"""Functions that are called through cffi have names."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.counting import cffi_calls, count

cffi = pytest.importorskip("cffi")
FFI = cffi.FFI()
FFI.cdef("long labs(long);")
LIBRARY = FFI.dlopen(None)
LABS = LIBRARY.labs
X = np.ones(100)


def by_library(x):
    LIBRARY.labs(3)
    return x + 1


def by_global(x):
    LABS(3)
    return x + 1


def opened_inside(x):
    FFI.dlopen(None).labs(3)
    return x + 1


@pytest.mark.parametrize(
    ("function", "name"),
    [(by_library, "labs (cffi)"), (by_global, "LABS (cffi)"), (opened_inside, "labs (cffi)")],
)
def test_calls_are_named_and_make_the_counts_bounds(function, name):
    """Wherever the function came from; afterwards cffi is as it was."""
    found = count(function, (X,))
    assert name in found.unknown
    assert found.issued.low == 1600
    assert found.issued.high == float("inf")
    assert "__getattribute__" not in vars(type(LIBRARY))
    assert LIBRARY.labs(-2) == 2


def test_a_library_is_named_by_its_file():
    """Without its folders."""
    assert cffi_calls._name("cos", type("FFILibrary_/usr/lib/libm.so.6", (), {})) == "cos of libm.so.6 (cffi)"
