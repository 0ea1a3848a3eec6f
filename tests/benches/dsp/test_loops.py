"""Loops as LLVM IR: each multiplies as often as it says."""

import pytest

from hwbench.benches.dsp import _loops
from hwbench.benches.dsp._targets import TARGETS


@pytest.mark.parametrize("kind", _loops.KINDS)
def test_plain_vectors_multiply_as_often_as_is_counted(kind):
    """Without an instruction for dot products there is a product of vectors for each multiply-add of a lane."""
    text = _loops.ir_of(TARGETS["rvv"], kind, "i2")
    assert text.count(" = mul <vscale x 4 x i32>") == _loops.KINDS[kind]
    assert "llvm.loop.unroll.disable" in text
