"""Functions that are called through ctypes have names."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.counting import count, ctypes_calls

LIBRARY = ctypes.CDLL(None)
X = np.ones(100)


def by_global(x):
    LIBRARY.labs(3)
    return x + 1


def opened_inside(x):
    ctypes.CDLL(None).labs(3)
    return x + 1


def by_signature(x):
    ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)(("labs", LIBRARY))(3)
    return x + 1


def copied(x):
    out = np.empty_like(x)
    ctypes.memmove(out.ctypes.data, x.ctypes.data, x.nbytes)
    return out + 1


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (by_global, "labs (ctypes)"),
        (opened_inside, "labs (ctypes)"),
        (copied, "ctypes.memmove"),
        (by_signature, "a function by its address"),
    ],
)
def test_calls_are_named_and_make_the_counts_bounds(function, name):
    """Wherever the function came from."""
    found = count(function, (X,))
    assert name in found.unknown
    assert found.issued.high == float("inf")


def test_numbers_of_traced_arrays_can_be_given():
    """C code gets plain ones."""
    sine = ctypes.CDLL(None).sin
    sine.restype, sine.argtypes = ctypes.c_double, [ctypes.c_double]
    assert count(lambda x: sine(x[0]) + x, (X,)).unknown == ("sin (ctypes)",)


def test_a_library_is_named_without_its_folder():
    """Where it has a name."""
    library = SimpleNamespace(_name="/usr/lib/libm.so.6")
    assert ctypes_calls.name(SimpleNamespace(__name__="sin", _objects={"0": library})) == "sin of libm.so.6"


def test_calls_of_others_are_not_named():
    """NumPy's and Python's own: `data_as` casts a pointer."""
    assert not any("cast" in one for one in count(lambda x: x.ctypes.data_as(ctypes.c_void_p) and x + 1, (X,)).unknown)


def test_ctypes_is_as_before_afterwards():
    """Classes of functions have no call of their own."""
    before = ctypes._CFuncPtr  # of which all classes of functions are
    with ctypes_calls.named(lambda _name: None, lambda _frame: True):
        kept = ctypes.CDLL(None)
        assert ctypes._CFuncPtr is not before
    assert ctypes._CFuncPtr is before
    assert "__call__" not in vars(LIBRARY._FuncPtr)
    told = []
    with ctypes_calls.named(told.append, lambda _frame: True):
        assert kept.labs(-3) == LIBRARY.labs(-3) == 3
    assert told == ["labs (ctypes)", "labs (ctypes)"]
