"""The perceptron in Numba: gradients by finite differences, and an epoch in one call is its steps one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.benches.workload import _mlp
from hwbench.benches.workload._mlp_numba import NumbaNet
from made_up.nets import check_gradient


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4).map(lambda widths: (*widths, 1)),
    rows=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_gradients_equal_finite_differences(sizes, rows, seed):
    """Each parameter's gradient is the central difference of the loss, for any depth and width."""
    check_gradient(NumbaNet, sizes, rows, seed)


@pytest.mark.parametrize("optimizer", _mlp.OPTIMIZERS)
def test_an_epoch_in_one_call_is_numpys(optimizer):
    """Five rows in batches of two: the same weights as the net in arrays, to rounding."""
    rng = np.random.default_rng(0)
    x, y, order = rng.normal(size=(5, 3)), rng.normal(size=5), rng.permutation(5)
    recipe = _mlp.Recipe(hidden=(4,), optimizer=optimizer, batch=2)
    theta = _mlp.xavier((3, 4, 1), rng)
    compiled, arrays = (kind((3, 4, 1), theta, recipe, np.dtype("f8")) for kind in (NumbaNet, _mlp.ArrayNet))
    for net in (compiled, arrays):
        net.epoch(x, y, order, 0.01)
    np.testing.assert_allclose(compiled.theta, arrays.theta, rtol=1e-12)
    assert compiled.steps == arrays.steps == 3
