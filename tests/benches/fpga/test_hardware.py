"""The array as hardware: its product is NumPy's to the bit, its cycles the closed form's and the other simulator's."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.benches.fpga import _hardware
from hwbench.benches.fpga.systolic import closed_form
from hwbench.benches.systolic._simulator import SystolicArray
from hwbench.benches.systolic._tiling import Tiling

needs_amaranth = pytest.mark.skipif(
    importlib.util.find_spec("amaranth") is None, reason="amaranth is not installed: pip install '.[fpga]'"
)


def test_no_sum_overflows():
    """The largest sum, -128 × -128 in each row, fits, and one bit less would not do."""
    for rows in range(1, 20):
        bits, largest = _hardware.sum_bits(rows), rows * 128 * 128
        assert 2 ** (bits - 2) - 1 < largest <= 2 ** (bits - 1) - 1


@needs_amaranth
@settings(max_examples=12)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**32))
def test_products_and_cycles_of_any_shape(rows, columns, batch, seed):
    """Any array and batch: NumPy's product, and the cycles of the closed form, which is that of the tiling."""
    rng = np.random.default_rng(seed)
    w, x = rng.integers(-128, 128, (columns, rows)), rng.integers(-128, 128, (rows, batch))
    w.flat[0], x.flat[0] = -128, -128
    simulation = _hardware.Simulation(w.astype(np.int8), x.astype(np.int8))
    simulation.compute()
    assert (simulation.y == w @ x).all()
    tiling = Tiling("weight-stationary", rows, columns, columns, rows, batch)
    assert simulation.cycles == closed_form(rows, columns, batch) == tiling.cycles


@needs_amaranth
def test_the_other_simulator_agrees():
    """`systolic.matmul` counts the same cycles for the same product, in operands that it takes."""
    rng = np.random.default_rng(5)
    w, x = rng.integers(-8, 8, (3, 2)).astype(np.int8), rng.integers(-8, 8, (2, 4)).astype(np.int8)
    simulation = _hardware.Simulation(w, x)
    simulation.compute()
    y = np.zeros((3, 4), np.float32)
    tiling = Tiling("weight-stationary", 2, 3, 3, 2, 4)
    outcome = SystolicArray.of(tiling, w.astype(np.float32), x.astype(np.float32), y).compute()
    assert (outcome.cycles, y.tolist()) == (simulation.cycles, simulation.y.tolist())


@needs_amaranth
def test_equal_arrays_have_equal_sources():
    """No source position is in it, so that what was compiled is found again; another array is another source."""
    source = _hardware.source_of(2, 2)
    assert source == _hardware.source_of(2, 2) != _hardware.source_of(2, 3)
    assert "_hardware.py" not in source
