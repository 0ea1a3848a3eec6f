"""Functions of libraries that nobody counts."""

from __future__ import annotations

import math
import zlib

import numpy as np
import scipy.special

from hwbench.counting import count
from hwbench.counting.ledger import Ledger
from hwbench.counting.watching import watching

X = np.ones(100)


def distance(x):
    return math.sqrt(x[0] * x[1]) + len(x)


def test_functions_of_math_count_a_flop():
    """Beside the arithmetic of the numbers."""
    assert count(distance, (X,)).flops.low == 2


def test_another_packages_function_is_named():
    """Its work is then not known."""
    found = count(lambda x: scipy.special.logsumexp(x), (X,))
    assert [one.rpartition(".")[2] for one in found.unknown] == ["logsumexp"]
    assert found.flops.high == math.inf


def test_other_classes_of_arrays_are_named():
    """Records, masked arrays and matrices have methods of their own."""
    found = count(lambda x: np.rec.fromarrays([x, x], names="a,b").a.sum(), (X,))
    assert found.unknown[0] == "numpy._core.records.fromarrays"


def test_pythons_own_code_in_c_that_works_on_bytes_is_named():
    """What else comes with Python costs nothing beside arrays."""
    found = count(lambda x: zlib.crc32(x.tobytes()) + len(str(x.shape).upper()), (X,))
    assert "zlib.crc32" in found.unknown
    assert not any("upper" in one for one in found.unknown)


def test_nothing_is_watched_afterwards():
    """Whoever watched before goes on."""
    ledger = Ledger()
    with watching(ledger, "somewhere"):
        math.floor(2.5)
    assert math.exp(0) == 1
    assert ledger.flops_low == 0
