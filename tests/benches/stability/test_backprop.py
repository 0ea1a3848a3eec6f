"""Forward and backward through a network: the lecture's powers, finite differences, and what each remedy does."""

import itertools
import math

import numpy as np
import pytest

from hwbench.benches.stability import _backprop, _networks, _outcome
from made_up.chains import MAKERS, became, network, run_chain


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("f8", 1e-9), ("f4", 1e-4), ("bf16", 0.1)])
@pytest.mark.parametrize(("factor", "lecture"), [(1.5, 4e17), (0.8, 2e-10)])
def test_powers_of_the_lecture(make, dtype, tolerance, factor, lecture):
    """A hundred layers that stretch by 1.5 or 0.8 give 1.5¹⁰⁰ ≈ 4e17 and 0.8¹⁰⁰ ≈ 2e-10, to the type's rounding."""
    chain = run_chain(f"orthogonal-{factor}", dtype, make=make)
    norm = float(np.linalg.norm(chain.g[-1].astype(np.float64)))
    assert norm == pytest.approx(factor**100, rel=tolerance)
    assert norm == pytest.approx(lecture, rel=0.15)
    assert 10 ** _outcome.trace(chain)["log10_norms"][-1] == pytest.approx(norm, rel=1e-4)


def loss(weights, x, direction, activation, remedy):
    """direction · h after all layers, in float64."""
    sigma, h = _networks.ACTIVATIONS[activation], x
    for w in weights:
        z = w @ h
        if remedy == "normalised":
            z = (z - z.mean()) / np.sqrt(z.var() + _backprop.EPSILON)
        if remedy == "batch-norm":
            z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + _backprop.EPSILON)
        if remedy == "gated":
            forget = 1 / (1 + np.exp(-(h + math.log(99))))
            h = forget * h + (1 - forget) * sigma.value(z)
        else:
            h = sigma.value(z) + (h if remedy == "residual" else 0.0)
    return float((direction * h).sum())


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("remedy", ["plain", "residual", "gated", "normalised"])
@pytest.mark.parametrize("activation", list(_networks.ACTIVATIONS))
def test_gradient_is_that_of_finite_differences(make, activation, remedy):
    """The gradient that reaches the input is the loss's central difference, for each activation and remedy."""
    weights, x = network("xavier-normal", 4, 12, seed=5)
    chain = _backprop.prepare(weights, x, activation, remedy)
    make(chain)()
    direction = x[1] / np.linalg.norm(x[1])
    step = 1e-6
    differences = [
        (
            loss(weights, x[0] + step * unit, direction, activation, remedy)
            - loss(weights, x[0] - step * unit, direction, activation, remedy)
        )
        / (2 * step)
        for unit in np.eye(12)
    ]
    np.testing.assert_allclose(chain.g[-1], differences, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("activation", list(_networks.ACTIVATIONS))
def test_gradient_through_batch_normalisation_is_that_of_finite_differences(make, activation):
    """The gradient of a whole batch is the loss's central difference for each input of its first two examples."""
    weights, x = network("xavier-normal", 3, 6, seed=5)
    chain = _backprop.prepare(weights, x, activation, "batch-norm")
    make(chain)()
    batch, direction = (array.reshape(6, -1) for array in (chain.h[0], chain.g[0]))
    found, step = chain.g[-1].reshape(6, -1), 1e-6
    for unit, member in itertools.product(range(6), range(2)):
        moved = np.zeros_like(batch)
        moved[unit, member] = step
        ends = [loss(weights, batch + sign * moved, direction, activation, "batch-norm") for sign in (1, -1)]
        assert found[unit, member] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6, abs=1e-8)


def test_the_batch_begins_with_the_example_of_the_other_remedies():
    """The first example of a batch is the input that every network gets, and the loss's direction has length 1."""
    weights, x = network("he", 2, 8)
    chain = _backprop.prepare(weights, x, "relu", "batch-norm")
    np.testing.assert_array_equal(chain.h[0].reshape(8, 32)[:, 0], x[0])
    assert np.linalg.norm(chain.g[0]) == pytest.approx(1)


def test_clipping_bounds_every_norm():
    """With clipping no gradient is longer than 1000, to rounding, and those below are untouched."""
    clipped = run_chain("orthogonal-1.5", "f4", remedy="clipped")
    plain = run_chain("orthogonal-1.5", "f4")
    norms = np.linalg.norm(clipped.g.astype(np.float64), axis=1)
    assert norms.max() == pytest.approx(_backprop.CLIP, rel=1e-5)
    below = int(math.log(_backprop.CLIP, 1.5))
    np.testing.assert_array_equal(clipped.g[:below], plain.g[:below])


def test_loss_scaling_delays_underflow_by_its_logarithm():
    """Scaled by 2¹⁵ a float16 gradient lasts as many layers longer as 0.8 needs to use 2¹⁵ up; its norms are equal."""
    plain = became("orthogonal-0.8", "f2")
    scaled = became("orthogonal-0.8", "f2", remedy="loss-scaled")
    assert abs(scaled["underflow"] - plain["underflow"] - math.log(2**15, 1 / 0.8)) < 1.5
    np.testing.assert_allclose(scaled["log10_norms"][:20], plain["log10_norms"][:20], atol=0.01)


def test_normalising_and_residuals_keep_what_they_are_for():
    """In float16 normalisation undoes stretch and shrinkage, gates both, a residual path a sigmoid's shrinking."""
    stretched = became("orthogonal-1.5", "f2", remedy="normalised")
    shrunk = became("xavier-normal", "f2", "sigmoid", "residual")
    gated = [became(init, "f2", remedy="gated") for init in ("orthogonal-1.5", "orthogonal-0.8")]
    batch = became("orthogonal-0.8", "f2", remedy="batch-norm")
    depths = [one["safe_depth"] for one in (stretched, shrunk, *gated, batch)]
    assert depths == [100] * 5
    assert became("xavier-normal", "f2", "sigmoid")["safe_depth"] < 10
