"""Number formats of the tensor cores: every bit of what is timed, and the bytes of what is checked."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.bench import Work
from hwbench.benches.device import _formats
from hwbench.benches.device._formats import e4m3


@pytest.mark.parametrize("precision", ["f8", "f4", "tf32", "f16", "bf16", "fp8"])
def test_what_units_are_timed_on_uses_all_their_bits(precision):
    """Numbers are finite and below 2, as often negative as not, and each bit of a mantissa is set in half of them."""
    found = _formats.noise(np.random.default_rng(3), 4096, precision)
    bits, mantissa = {"f8": (64, 52), "f16": (16, 10), "bf16": (16, 7), "fp8": (8, 3)}.get(precision, (32, 23))
    assert found.nbytes == 4096 * bits // 8
    words = found.view(f"u{bits // 8}").astype(np.uint64)
    exponents = words >> np.uint64(mantissa) & np.uint64(2 ** (bits - 1 - mantissa) - 1)
    assert exponents.max() <= (7 if precision == "fp8" else 2 ** (bits - 2 - mantissa) - 1)  # below 2
    for bit in (*range(mantissa), bits - 1):
        assert 0.45 < (words >> np.uint64(bit) & np.uint64(1)).mean() < 0.55


def test_fp8_has_the_bits_of_whole_numbers():
    """Every one from -8 to 8, read back as e4m3 is defined."""
    x = np.arange(-8, 9)
    bits = e4m3(x).astype(int)
    size = np.where(bits & 127, (8 + (bits & 7)) * 2.0 ** ((bits >> 3 & 15) - 10), 0.0)
    np.testing.assert_array_equal(np.where(bits & 128, -size, size), x)


def test_what_is_checked_is_what_was_built_and_what_is_timed_is_the_other():
    """The timer comes from the second launch, the output from the first, and the facts say so."""

    class Device:
        def timed(self, launch, **how):
            return Work(launch, timer=lambda loops: 42.0 * loops, most=how["launches"])

    exact = Work(lambda: None, output=lambda: "checked", timer=lambda loops: 0.0, facts={"sm": 2})
    work = _formats.timed_by(Device(), exact, lambda: None, launches=4)
    assert (work.output(), work.timer(2), work.most) == ("checked", 84.0, 4)
    assert work.facts == {"sm": 2, "timed_on": "random numbers"}
