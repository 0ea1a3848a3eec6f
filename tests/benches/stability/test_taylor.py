"""Expansions at 0: an implementation's fitted coefficients are Taylor's, to the tolerance of its type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.benches.stability import _networks, _taylor
from inspection.variants import type_of
from made_up.chains import DTYPES, TAYLOR


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("activation", list(TAYLOR))
def test_taylor_coefficients(activation, name):
    """What an activation computes near 0 has the lecture's coefficients to the tolerance that the facts state."""
    dtype = type_of(name)
    found = _taylor.taylor_of(_networks.ACTIVATIONS[activation].value, dtype, activation == "relu")
    tolerances = _taylor.taylor_tolerance(activation, dtype)
    assert all(abs(a - b) <= most for a, b, most in zip(found, TAYLOR[activation], tolerances, strict=True))
    assert all(most < abs(c) for c, most in zip(TAYLOR[activation], tolerances, strict=True) if c)  # each is resolved
    assert _networks.ACTIVATIONS[activation].taylor == pytest.approx(TAYLOR[activation])


@given(st.sampled_from(list(TAYLOR)), st.floats(1e-3, 0.3))
def test_cubic_is_off_by_the_fifth_power(activation, x):
    """Near 0 an activation differs from its cubic by less than x⁵: the expansion's next term."""
    sigma = _networks.ACTIVATIONS[activation]
    value = float(sigma.value(np.array([x]))[0])
    assert abs(value - _taylor.cubic(sigma.taylor, x)) <= x**5 + 1e-15
