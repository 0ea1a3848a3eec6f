"""Number formats of the tensor cores: whole numbers that are checked, and random ones that are timed.

A unit that multiplies ones and zeros, or numbers of few bits, switches little and draws little power, so that its clock
stays higher than under real data. So answers are compared on whole numbers that nothing rounds, and the same launches
are timed on random numbers of full mantissas.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...bench import Work
from ...protocols import Call, Gpu

# By format: the unsigned integer of its width, NumPy's own type (that integer where NumPy has none), the bits of the
# mantissa, and the exponent of 1.
BITS: dict[str, tuple[str, str, int, int]] = {
    "f8": ("u8", "f8", 52, 1023),
    "f4": ("u4", "f4", 23, 127),
    "tf32": ("u4", "f4", 23, 127),
    "f16": ("u2", "f2", 10, 15),
    "bf16": ("u2", "u2", 7, 127),
    "fp8": ("u1", "u1", 3, 7),
    "f16_sums": ("u2", "f2", 10, 15),
}


def noise(rng: np.random.Generator, n: int, precision: str) -> np.ndarray:
    """`n` random numbers of a format, from 2⁻⁷ to 2: signs, mantissas and three bits of the exponent are random.

    Sums of thousands of their products stay far from overflow, but of whole numbers (all bits random) and in float16.
    """
    if precision == "int8":
        return rng.integers(-128, 128, n, dtype=np.int8)
    kind, given, mantissa, one = BITS[precision]
    word = np.dtype(kind).type
    random = rng.integers(0, np.iinfo(kind).max, n, dtype=kind, endpoint=True)
    exponent = (random >> word(mantissa) & word(7)) + word(one - 7)
    kept = random & word(1 << 8 * word().itemsize - 1 | (1 << mantissa) - 1)
    return np.asarray((kept | exponent << word(mantissa)).view(given))


def timed_by(device: Gpu, exact: Work, launch: Call, **how: Any) -> Work:
    """The work `exact`, which is checked, with the time of a launch that does the same to other numbers."""
    other = device.timed(launch, **how)
    return replace(exact, timer=other.timer, most=other.most, facts={**exact.facts, "timed_on": "random numbers"})


# Whole numbers 0 … 8 in e4m3: a sign, 4 bits of exponent (bias 7), 3 bits of mantissa.
E4M3 = np.array([0x00, 0x38, 0x40, 0x44, 0x48, 0x4A, 0x4C, 0x4E, 0x50], np.uint8)


def e4m3(x: np.ndarray) -> np.ndarray:
    """Whole numbers -8 … 8 in fp8 (e4m3), as bytes."""
    whole = x.astype(np.int8)
    return np.asarray(E4M3[np.abs(whole)] | np.where(whole < 0, np.uint8(0x80), np.uint8(0)))
