"""What became of a gradient: what is lost where, and how deep a network may be, as arithmetic says."""

import math

import numpy as np
import pytest

from hwbench.benches.stability import _formats, _outcome
from made_up.chains import MAKERS, became, run_chain


@pytest.mark.parametrize("make", MAKERS)
def test_float16_loses_both_chains_where_arithmetic_says(make):
    """In float16 the stretched chain overflows and the shrunk one fades within two layers of where its range ends."""
    width, form = 32, _formats.format_of(np.float16)
    stretched = became("orthogonal-1.5", "f2", make=make, width=width)
    # The first number beyond 65504 is the largest of 32, about 2.5 times their root mean square, which starts at 32^-½.
    expected = math.log(form.top * math.sqrt(width) / 2.5, 1.5)
    assert abs(stretched["overflow"] - expected) < 2.5
    assert stretched["safe_depth"] == stretched["forward_overflow"] - 1
    assert stretched["trouble"] == "forward_overflow"
    assert stretched["log10_norms"][-1] is None
    shrunk = became("orthogonal-0.8", "f2", make=make, width=width)
    assert abs(shrunk["underflow"] - math.log(form.tiny * math.sqrt(width), 0.8)) < 1.5
    assert abs(shrunk["safe_depth"] - shrunk["underflow"]) <= 2  # it enters behind another layer
    assert shrunk["trouble"] == "underflow"
    assert shrunk["underflow"] < shrunk["dead"] < 100
    assert shrunk["overflow"] is None


@pytest.mark.parametrize("make", MAKERS)
def test_a_network_is_safe_as_deep_as_its_own_gradient_reaches(make):
    """Relu with Xavier in float16 halves a mean square a layer: outputs die in 100 layers, a network of 20 works.

    A unit gradient's 128 numbers start at 128^-½ and go below 2⁻¹⁴ after 21 layers by 2^-½ each, outputs after 28; the
    cause of a depth of 0 was a gradient taken behind layer 100, where nothing is left to give it a slope.
    """
    found = became("xavier-normal", "f2", "relu", make=make, width=128)
    reach = 2 * (14 - math.log2(math.sqrt(128)))
    assert abs(found["safe_depth"] - reach) <= 4  # one draw of 128 units strays
    assert abs(found["forward_underflow"] - 28) <= 4
    assert found["forward_underflow"] < found["forward_dead"] < 100
    assert found["dead"] == 1  # of the network of 100
    assert found["trouble"] == "underflow"
    for layers, lost in ((found["safe_depth"], None), (found["safe_depth"] + 1, 1)):
        chain = run_chain("xavier-normal", "f2", "relu", make=make, width=128).first(layers)
        make(chain)()
        assert (_outcome.trace(chain)["underflow"] is None) == (lost is None)


def test_a_deeper_network_is_asked_of_outputs_before_gradients():
    """Where outputs are lost first, they are the trouble: 4 sigmoid - 2 of tiny numbers cancels to 0."""
    found = became("normal-0.01", "f4", "4sigmoid-2", width=128)
    assert found["trouble"] == "forward_underflow"
    assert found["safe_depth"] == found["forward_underflow"] - 1 < 20


@pytest.mark.parametrize(("factor", "bound"), [(1.5, 1e3), (0.8, 1e-6)])
def test_the_proper_depth_is_where_a_norm_leaves_the_lectures_range(factor, bound):
    """1.5 a layer leaves 10³ after 17 layers, 0.8 leaves 10⁻⁶ after 61: in float64 nothing else does."""
    found = became(f"orthogonal-{factor}", "f8")
    assert found["proper_depth"] == math.floor(math.log(bound, factor))
    assert found["safe_depth"] == 100


def test_a_trace_names_the_first_depth_at_which_something_is_lost():
    """Norms of a chain that is overwritten by hand: infinite from layer 2 on, or zero from there."""
    chain = run_chain("orthogonal-1.5", "f4", layers=4)
    chain.g[2:] = np.inf
    found = _outcome.trace(chain)
    assert (found["overflow"], found["underflow"], found["dead"]) == (2, None, None)
    assert found["log10_norms"][:2] == [0.0, round(math.log10(1.5), 5)]
    assert found["log10_norms"][2:] == [None] * 3
    chain.g[2:] = 0
    found = _outcome.trace(chain)
    assert (found["overflow"], found["underflow"], found["dead"]) == (None, 2, 2)
