"""Gather and scatter: which registers they take. What they compile to is read in the tests of their bench."""

from __future__ import annotations

import numba
import pytest

from hwbench.kernels import gather
from hwbench.kernels.simd import BlockType


@pytest.mark.parametrize(
    ("features", "gathers", "scatters"), [({"avx2", "avx512f"}, 512, 512), ({"avx2"}, 256, 0), ({"neon"}, 0, 0)]
)
def test_widths_are_of_instructions_that_are_there(
    features: set[str], gathers: int, scatters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AVX2 gathers four words, AVX-512 gathers and scatters eight, others none."""
    monkeypatch.setattr(gather, "features", lambda: frozenset(features))
    assert (gather.gather_width(), gather.scatter_width()) == (gathers, scatters)


@pytest.mark.parametrize(("dtype", "bits"), [("f8", 512), ("i4", 256), ("i8", 128)])
def test_other_registers_are_refused(dtype: str, bits: int) -> None:
    """There is one instruction each: offsets of 64 bits, in registers of 256 or 512."""
    wrong, right = BlockType(dtype, bits, 1, False), BlockType("i8", 512, 1, False)
    with pytest.raises(numba.TypingError, match="gathered by 4 or 8 offsets"):
        gather.gather._defn(None, numba.intp, wrong)
    with pytest.raises(numba.TypingError, match="scattered by 8 offsets"):
        gather.scatter._defn(None, numba.intp, right, wrong)
