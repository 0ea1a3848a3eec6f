"""The perceptron in arrays: gradients by finite differences, Adam's first step, Xavier's variance, operations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.benches.workload import _mlp
from made_up.nets import NETS, check_gradient


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4).map(lambda widths: (*widths, 1)),
    rows=st.integers(1, 5),
    seed=st.integers(0, 999),
)
def test_gradients_equal_finite_differences(sizes, rows, seed):
    """Each parameter's gradient is the central difference of the loss, for any depth and width."""
    check_gradient(_mlp.ArrayNet, sizes, rows, seed)


def test_adams_first_step_is_the_rate():
    """Kingma and Ba: corrected moments make the first step rate × sign of the gradient."""
    for kind in NETS:
        net = kind((2, 1), np.zeros(3), _mlp.Recipe(batch=1, decay=0.0), np.dtype("f8"))
        net.gradient[:] = (3.0, -0.2, 1e-3)
        net.update(0.01)
        assert net.theta == pytest.approx([-0.01, 0.01, -0.01], rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(inputs=st.integers(200, 600), outputs=st.integers(200, 600))
def test_xavier_keeps_the_variance_of_the_slides(inputs, outputs):
    """Weights from U(−a, a) with a² = 6 / (in + out) have variance 2 / (in + out); biases start at 0."""
    theta = _mlp.xavier((inputs, outputs), np.random.default_rng(0))
    layer = _mlp.layers((inputs, outputs))[0]
    assert np.var(theta[layer.weights]) == pytest.approx(2 / (inputs + outputs), rel=0.05)
    assert np.abs(theta[layer.weights]).max() <= np.sqrt(6 / (inputs + outputs))
    assert not theta[layer.biases].any()


def test_what_an_epoch_counts():
    """2 operations a multiply-add, three products a layer, less the gradient of the first layer's inputs."""
    assert _mlp.flops((4, 3, 1), 10) == 2 * 10 * (3 * (12 + 3) - 12)


def test_layers_lie_one_behind_the_other_in_theta():
    """Weights, then biases, of each layer; decay applies to weights alone."""
    first, last = _mlp.layers((3, 2, 1))
    assert (first.weights, first.biases) == (slice(0, 6), slice(6, 8))
    assert (last.weights, last.biases, last.place) == (slice(8, 10), slice(10, 11), slice(2, 3))
    assert _mlp.decaying((3, 2, 1)).tolist() == [1] * 6 + [0] * 2 + [1] * 2 + [0]


def test_training_gives_an_error_after_each_epoch_and_the_same_one_again():
    """Errors of held-out rows, in log price, fall; the seed decides everything."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    fold = _mlp.Fold(x, x[:, 0] - x[:, 1], np.arange(50), np.arange(50, 60), deviation=2.0)
    recipe = _mlp.Recipe(hidden=(8,), batch=10, epochs=60, decay=0.0)
    net, curve = _mlp.train(_mlp.ArrayNet, fold, recipe, np.dtype("f8"), seed=1)
    assert len(curve) == 60
    assert curve[-1] < 0.5 * curve[0]
    error = net.predict(x[50:]) - fold.y[50:]
    assert curve[-1] == pytest.approx(2.0 * np.sqrt(np.mean(error**2)))
    assert _mlp.train(_mlp.ArrayNet, fold, recipe, np.dtype("f8"), seed=1)[1] == curve
