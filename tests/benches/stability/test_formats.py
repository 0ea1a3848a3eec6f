"""The range of a floating-point type: found by arithmetic as stated, on NumPy and on a GPU that flushes subnormals."""

import numpy as np
import pytest

from doubles.strict_cupy import StrictGpu
from hwbench.benches.stability import _formats
from inspection.variants import type_of
from made_up.chains import DTYPES


@pytest.mark.parametrize("name", DTYPES)
def test_range_by_arithmetic_is_the_stated_one(name):
    """Halving and doubling finds the step, smallest normal, smallest and largest number that the type states."""
    assert _formats.measured_format(type_of(name)) == _formats.format_of(type_of(name))


def test_float16_range_of_the_lecture():
    """float16 holds normal numbers from 6e-5 to 6e4, to the digit that the lecture gives."""
    half = _formats.measured_format(np.float16)
    assert half.tiny == pytest.approx(6e-5, rel=0.02)
    assert half.top == pytest.approx(6e4, rel=0.1)
    assert (half.tiny, half.top) == (2.0**-14, 65504.0)


def test_a_gpu_that_flushes_subnormals_has_no_smaller_number_than_the_smallest_normal_one():
    """float32 by CuPy's rules ends at 2⁻¹²⁶, float64 at its smallest subnormal."""
    device = StrictGpu()
    single, double = (_formats.range_on(device, np.dtype(name)) for name in ("f4", "f8"))
    assert single.least == single.tiny == 2.0**-126
    assert double == _formats.range_of(np.dtype("f8"))


def test_a_type_that_is_not_installed_is_none(monkeypatch):
    """bf16 comes from ml_dtypes; the other names need nothing."""
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    assert _formats.type_of("bf16") is None
    assert _formats.type_of("f2") == np.float16
