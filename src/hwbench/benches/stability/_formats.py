"""Floating-point types: what each states of its range, and what arithmetic in it shows."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ...protocols import Gpu


@dataclass(frozen=True)
class Format:
    """A floating-point type: its step at 1 (`eps`), smallest normal, smallest and largest number."""

    eps: float
    tiny: float
    least: float
    top: float


NO_BFLOAT16 = "bf16 needs the package ml_dtypes"


def type_of(name: str) -> np.dtype | None:
    """The dtype called `f2`, `bf16`, `f4` or `f8`; None for bf16 where ml_dtypes is not installed."""
    if name != "bf16":
        return np.dtype(name)
    try:
        import ml_dtypes  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    return np.dtype(ml_dtypes.bfloat16)


def format_of(dtype: npt.DTypeLike) -> Format:
    """What the type states of itself."""
    dtype = np.dtype(dtype)
    if dtype.name == "bfloat16":
        import ml_dtypes  # type: ignore[import-not-found,unused-ignore]

        finfo: Any = ml_dtypes.finfo  # untyped
        info: Any = finfo(dtype)
    else:
        info = np.finfo(dtype)
    return Format(float(info.eps), float(info.tiny), float(info.smallest_subnormal), float(info.max))


def measured_format(dtype: npt.DTypeLike, xp: ModuleType = np) -> Format:
    """The type's range by its own arithmetic, of NumPy or CuPy (`xp`): halve and double until something is lost.

    On a GPU float32 may end at its smallest normal number: CuPy compiles kernels with `-ftz=true`, which flushes
    subnormals to 0.
    """
    one, two = xp.ones(1, dtype), xp.full(1, 2, dtype)
    eps = one
    with np.errstate(all="ignore"):
        while (one + eps / two)[0] != one[0]:
            eps = eps / two
        tiny = one
        while ((tiny / two) * (one + eps))[0] != (tiny / two)[0]:  # a subnormal has no room for the last bit
            tiny = tiny / two
        least = tiny
        while (least / two)[0] != 0:
            least = least / two
        top = two - eps
        while xp.isfinite((top * two).astype(np.float64)[0]):
            top = top * two
    return Format(*(float(x[0]) for x in (eps, tiny, least, top)))


@functools.cache
def range_of(dtype: np.dtype) -> Format:
    """The type's range as NumPy's arithmetic shows it here."""
    return measured_format(dtype)


@functools.lru_cache(maxsize=16)
def range_on(device: Gpu, dtype: np.dtype) -> Format:
    """The type's range as a GPU's arithmetic shows it, compiled by CuPy."""
    return measured_format(dtype, device.xp)
