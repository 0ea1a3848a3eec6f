"""Batch normalisation: what it makes of a layer's outputs, and of a gradient."""

import numpy as np
import pytest

from hwbench.benches.stability import _batch_norm
from made_up.chains import MAKERS, run_chain


@pytest.mark.parametrize("make", MAKERS)
def test_each_unit_has_mean_0_and_variance_1_over_the_batch(make):
    """In every layer, whatever the weights' scale; `inverse` is the deviation that was divided by."""
    chain = run_chain("orthogonal-1.5", "f8", remedy="batch-norm", make=make, layers=3, width=8)
    units = chain.z.reshape(3, 8, _batch_norm.BATCH)
    np.testing.assert_allclose(units.mean(axis=2), 0, atol=1e-12)
    np.testing.assert_allclose(units.var(axis=2), 1, rtol=1e-4)
    deviation = (chain.weights[0] @ chain.h[0].reshape(8, -1)).std(axis=1)
    np.testing.assert_allclose(chain.inverse[0], 1 / np.sqrt(deviation**2 + _batch_norm.EPSILON))


@pytest.mark.parametrize("make", MAKERS)
def test_a_gradient_sums_to_zero_over_the_batch(make):
    """A constant added to all examples of a unit changes nothing, so that the gradient there sums to 0."""
    chain = run_chain("he", "f8", "relu", "batch-norm", make, 3, 8)
    np.testing.assert_allclose(chain.g[1].reshape(8, -1).sum(axis=1), 0, atol=1e-10)
