"""Networks trained side by side: gradients by finite differences, methods by arithmetic, float16 by NumPy's own."""

import numpy as np
import pytest

from hwbench.benches.stability import _training
from hwbench.benches.stability._networks import ACTIVATIONS
from hwbench.benches.stability._training import Data, Stack

RNG = np.random.default_rng(5)
X, Y = RNG.standard_normal((128, 6)), RNG.standard_normal(128)
DATA = Data(X, Y, X, Y)


def stack(method="plain", rates=(0.1,), dtype="f8", activation="tanh", depth=3):
    weights = [np.stack([w] * len(rates)) for w in _training.drawn("xavier-normal", 6, depth, 1)]
    return Stack(weights, np.array(rates), activation, method, dtype)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_gradients_are_those_of_finite_differences(activation):
    """Of half the mean squared error, to 10⁻⁶ in float64, in every layer; the reference by examples agrees."""
    one = stack(activation=activation)
    one.backward(X[:64], Y[:64])
    step = 1e-5
    for layer, w in enumerate(one.weights):
        at = (0, *(size // 2 for size in w.shape[1:]))
        ends = []
        for sign in (1, -1):
            kept = w[at]
            w[at] += sign * step
            error = one.predict(X[:64])[0][-1][0, :, 0] - Y[:64]
            ends.append(0.5 * (error @ error) / 64)
            w[at] = kept
        assert one.gradients[layer][at] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6, abs=1e-9)
    whole = np.concatenate([g.ravel() for g in one.gradients])
    expected = _training.gradient([w[0] for w in one.weights], X[:64], Y[:64], activation, "f8")
    np.testing.assert_allclose(whole, expected, rtol=1e-9, atol=1e-12)


def test_float16_is_rounded_as_numpy_rounds():
    """Every float16 number, numbers between two of them, ties, subnormals, overflow, infinities and NaN."""
    every = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
    finite = every[np.isfinite(every)]
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.abs(np.spacing(finite.astype(np.float16))).astype(np.float32)
        numbers = np.concatenate(
            [every, *(finite + share * steps for share in (0.25, 0.5, 0.75)), [65519, 65520, 1e30]]
        )
        expected = numbers.astype(np.float32).astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(_training.half(numbers), expected)


def test_methods_do_what_they_say_to_a_step():
    """Clipping bounds the step's norm, warm-up begins with a part of the rate, decay ends with a hundredth."""
    one = stack("clipped", rates=(0.1, 1e-3))
    one.backward(10 * X[:64], 100 * Y[:64])
    norms = one.norms()[-1]
    assert norms.min() > 1
    np.testing.assert_allclose(one.factors(0, 100) * norms, [0.1, 1e-3])
    ends = {name: [stack(name).factors(step, 100)[0] for step in (0, 99)] for name in ("plain", "warm-up", "decayed")}
    assert ends["plain"] == [0.1, 0.1]
    np.testing.assert_allclose(ends["warm-up"], [0.1 / 20, 0.1])
    np.testing.assert_allclose(ends["decayed"], [0.1, 0.001])


def test_a_scaled_loss_changes_nothing_but_the_range():
    """The step is the plain one; after a gradient that is not finite none is taken, and the scale halves."""
    plain, scaled = stack(), stack("loss-scaled")
    for one in (plain, scaled):
        one.backward(X[:64], Y[:64])
        one.update(0, 10)
    np.testing.assert_allclose(scaled.weights[0], plain.weights[0])
    kept = scaled.weights[0].copy()
    scaled.gradients[0][0, 0, 0] = np.inf
    scaled.update(1, 10)
    np.testing.assert_array_equal(scaled.weights[0], kept)
    assert scaled.scales[0] == _training.SCALE / 2


def test_networks_of_a_stack_do_not_touch_each_other():
    """A network beside one that diverges ends as it does alone; the step at which the other was lost is told."""
    alone, both = stack(activation="relu"), stack(rates=(0.1, 1e4), activation="relu")
    one, two = alone.train(DATA, 20), both.train(DATA, 20)
    assert two.loss[0] == pytest.approx(one.loss[0])
    assert one.lost[0] == -1
    assert 0 < two.lost[1] < 5
    alone.reset()
    np.testing.assert_array_equal(alone.weights[0], alone.start[0])
