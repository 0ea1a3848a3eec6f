"""Activations and initialisations of deep networks: derivatives, variances by formula, and theory by layer."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.benches.stability import _networks


@pytest.mark.parametrize(("n_in", "n_out"), [(300, 200), (200, 300), (256, 256)])
def test_xavier_draws_its_variance(n_in, n_out):
    """Xavier's weights have variance 2/(n_in + n_out) within 2%, the uniform ones none beyond √(6/(n_in + n_out))."""
    rng = np.random.default_rng(1)
    for init in ("xavier-normal", "xavier-uniform"):
        w = _networks.draw(rng, init, n_in, n_out)
        assert w.shape == (n_out, n_in)
        assert w.var() == pytest.approx(2 / (n_in + n_out), rel=0.02)
        assert abs(w.mean()) < 4 * math.sqrt(2 / (n_in + n_out) / w.size)
    bound = math.sqrt(6 / (n_in + n_out))
    assert 0.99 * bound < np.abs(w).max() <= bound * (1 + 1e-6)
    assert bound**2 / 3 == pytest.approx(_networks.gamma("xavier-uniform", n_in, n_out))


@given(st.integers(1, 64))
def test_orthogonal_weights_stretch_every_vector_alike(n):
    """An orthogonal initialisation times 1.5 makes any vector 1.5 times as long."""
    rng = np.random.default_rng(n)
    w, v = _networks.draw(rng, "orthogonal-1.5", n, n), rng.standard_normal(n)
    assert np.linalg.norm(w @ v) == pytest.approx(1.5 * np.linalg.norm(v), rel=1e-12)


@given(st.lists(st.integers(1, 300), min_size=2, max_size=8), st.sampled_from(_networks.INITS[:4]))
def test_identity_variances_are_products_of_n_gamma(widths, init):
    """Without activation the expected variances are ∏ n_in γ forwards and ∏ n_out γ backwards."""
    forward, backward = _networks.expected(init, "identity", widths)
    pairs = list(itertools.pairwise(widths))
    assert forward[-1] == pytest.approx(math.prod(a * _networks.gamma(init, a, b) for a, b in pairs))
    assert backward[0] == pytest.approx(math.prod(b * _networks.gamma(init, a, b) for a, b in pairs))
    assert len(forward) == len(backward) == len(widths)


def test_relu_halves_and_he_makes_up_for_it():
    """Behind a relu a mean square is half of what went in, so He keeps it at 1 and Xavier halves it at each layer."""
    for init, factor in (("he", 1.0), ("xavier-normal", 0.5)):
        forward, backward = _networks.expected(init, "relu", [64] * 6)
        np.testing.assert_allclose(forward, [factor**t for t in range(6)], rtol=1e-6)
        # the node at 0 has no slope, which costs half a step of the integral
        np.testing.assert_allclose(backward, [factor ** (5 - t) for t in range(6)], rtol=0.02)


@pytest.mark.parametrize("activation", list(_networks.ACTIVATIONS))
def test_slopes_are_derivatives(activation):
    """σ' is the central difference of σ, wherever σ has one."""
    sigma = _networks.ACTIVATIONS[activation]
    z = np.concatenate([np.linspace(-6, -0.01, 50), np.linspace(0.01, 6, 50)])
    step = 1e-6
    difference = (sigma.value(z + step) - sigma.value(z - step)) / (2 * step)
    np.testing.assert_allclose(sigma.slope(z, sigma.value(z)), difference, atol=1e-8)


@pytest.mark.parametrize("activation", list(_networks.ACTIVATIONS))
def test_kernels_know_the_same_activations(activation):
    """`activate` gives NumPy's value and slope for the code of each activation."""
    sigma = _networks.ACTIVATIONS[activation]
    z = np.linspace(-5, 5, 23)
    value = sigma.value(z)
    found = np.array([_networks.activate.py_func(sigma.code, x, 1.0) for x in z])
    np.testing.assert_allclose(found, np.stack([value, sigma.slope(z, value)], axis=1), atol=1e-15)


def test_an_unknown_initialisation_is_refused_by_name():
    """The message lists those that exist."""
    with pytest.raises(ValueError, match=r"glorot is no initialisation; known are normal-0\.01, xavier-normal"):
        _networks.gamma("glorot", 3, 3)
