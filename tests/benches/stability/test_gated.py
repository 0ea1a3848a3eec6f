"""The gated path: its gate, and what it keeps of a gradient by arithmetic."""

import numpy as np
import pytest

from hwbench.benches.stability import _backprop, _gated
from made_up.chains import MAKERS


def test_a_gate_keeps_ninety_nine_hundredths_at_zero():
    """sigmoid(ln 99) is 0.99; far below it is shut, far above open, in every type without a warning."""
    assert _gated.gate(np.zeros(1))[0] == pytest.approx(0.99)
    np.testing.assert_allclose(_gated.gate(np.array([-60.0, 60.0])), [0, 1], atol=1e-12)


@pytest.mark.parametrize("make", MAKERS)
def test_without_weights_a_gradient_passes_the_gates_alone(make):
    """With W = 0 and h = 0 each layer multiplies the gradient by the gate, 0.99, and nothing else."""
    chain = _backprop.prepare(np.zeros((3, 4, 4)), np.array([[0.0] * 4, [1.0] * 4]), "identity", "gated")
    make(chain)()
    np.testing.assert_allclose(chain.g[3], 0.5 * 0.99**3)
