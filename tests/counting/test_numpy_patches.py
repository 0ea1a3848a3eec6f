"""Functions that stand in for NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.counting import count
from hwbench.counting.ledger import Ledger
from hwbench.counting.numpy_patches import tracing


def test_numpy_is_as_before_after_a_trace():
    """Its functions are wrapped during a run only, also when it fails."""
    before = np.zeros, np.linalg.norm, np.random.rand
    with pytest.raises(ZeroDivisionError), tracing(Ledger()):
        assert np.zeros is not before[0]
        raise ZeroDivisionError
    assert (np.zeros, np.linalg.norm, np.random.rand) == before


def test_functions_that_make_arrays_from_none_are_recorded():
    """By whatever name the code has them."""
    ones = np.ones
    found = count(lambda: ones(100) * np.arange(100.0) + np.mgrid[0:100])
    assert (found.issued.low, found.flops.low) == (3 * 800 + 2400 + 2400, 200)
    assert found.compulsory == 800
