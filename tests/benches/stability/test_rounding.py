"""The check of a chain: silent on every right chain, whatever its network, and it notices one wrong number."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hwbench.benches.stability import _backprop, _networks, _outcome, _rounding
from inspection.variants import ml_dtypes
from made_up.chains import MAKERS, network, run_chain


@settings(max_examples=60)
@given(
    layers=st.integers(1, 12),
    width=st.integers(1, 40),
    init=st.sampled_from(_networks.INITS),
    activation=st.sampled_from(list(_networks.ACTIVATIONS)),
    remedy=st.sampled_from(_backprop.REMEDIES),
    dtype=st.sampled_from(["f2", "f4", "f8"] + ["bf16"] * (ml_dtypes is not None)),
    make=st.sampled_from(MAKERS),
    seed=st.integers(0, 2**16),
)
@example(1, 1, "he", "relu", "normalised", "f2", _backprop.in_numba, 0)
def test_any_chain_has_no_wrong_number(layers, width, init, activation, remedy, dtype, make, seed):
    """Whatever its depth, width, type, activation and remedy: every number of a chain is exact to within rounding."""
    chain = run_chain(init, dtype, activation, remedy, make, layers, width, seed)
    assert not _rounding.violations(chain).any()
    found = _outcome.outcome(chain, make)
    assert 0 <= found["proper_depth"] <= found["safe_depth"] <= layers
    assert (found["trouble"] is None) == (found["safe_depth"] == layers)
    assert len(found["log10_norms"]) == len(found["log10_forward"]) == layers + 1
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("part", ["h", "z", "slope", "g"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_the_check_notices_one_wrong_number(part, dtype):
    """A single number of any array that is off by a tenth is counted, and in its own layer or the next."""
    chain = run_chain("xavier-normal", dtype, "tanh", layers=6)
    assert not _rounding.violations(chain).any()
    array = getattr(chain, part)
    at = int(np.argmax(np.abs(array[2].astype(np.float64))))
    array[2, at] = array[2, at] * array.dtype.type(1.1)
    assert _rounding.violations(chain).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_the_check_notices_a_chain_that_gives_up(value):
    """A gradient that turns to NaN, infinity or zero where the type could hold it is wrong, not lost."""
    chain = run_chain("xavier-normal", "f4", "tanh", layers=6)
    chain.g[3:] = value
    assert _rounding.violations(chain).any()


def test_the_check_notices_a_chain_that_did_not_run():
    """Arrays as they were prepared, nothing computed, are wrong in every layer that can be judged."""
    weights, x = network("xavier-normal", 3, 8)
    assert _rounding.violations(_backprop.prepare(weights, x, "tanh", "plain")).any()
