"""float16 and bfloat16 in Numba: `widen` to float32 and `narrow` back, a number at a time, inside kernels.

Numba knows neither type on a CPU, so kernels get the bits: float16 as uint16, bfloat16 as int16 (`bits`), which is how
`widen` and `narrow` tell them apart. float32 and float64 pass through unchanged, so that one kernel serves all four.

Hardware does the same: F16C, AVX512-BF16 and tensor cores read narrow numbers, and multiply and add wider ones.
"""

# ruff: noqa: ARG001 - what intrinsics and overloads are handed is for Numba to name, and partly for its typing alone

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import overload, register_jitable

from .compiling import Kernel
from .cpu_features import features
from .simd import Typed, instruction

Operand: TypeAlias = Any
"""Its type to an overload, itself to what the overload returns; Numba wants both annotated alike."""


def bits(array: np.ndarray) -> np.ndarray:
    """The array as kernels take it: float16 as uint16, bfloat16 (of ml_dtypes) as int16, others as they are."""
    if array.dtype == np.float16:
        return array.view(np.uint16)
    return array.view(np.int16) if array.dtype.name == "bfloat16" else array


def wide(dtype: npt.DTypeLike) -> np.dtype:
    """What sums of numbers of `dtype` are kept in: float64 for float64, float32 for everything narrower."""
    return np.dtype(np.float64 if np.dtype(dtype) == np.float64 else np.float32)


def converts() -> bool:
    """Whether float16 and float32 convert in one instruction here (`vcvtph2ps`, `fcvt`); else LLVM calls libgcc."""
    return platform.machine().lower() in ("aarch64", "arm64") or "f16c" in features()


def widen(x: float) -> float:
    """float32 of a float16's or bfloat16's bits; any other number itself. For kernels only."""
    raise TypeError("widen is for kernels")


def narrow(x: float, like: float) -> float:
    """The float32 `x` as bits of the kind that `like` is of, rounded to nearest, ties to even. For kernels only."""
    raise TypeError("narrow is for kernels")


# --- bits and numbers -------------------------------------------------------------------------------------------------


@instruction
def float_of(_typing: Context, word: types.Type) -> Typed:
    """The float32 whose bits a uint32 holds."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.uint32), code


@instruction
def word_of(_typing: Context, number: types.Type) -> Typed:
    """The bits of a float32 as a uint32."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        return builder.bitcast(args[0], ir.IntType(32))

    return types.uint32(types.float32), code


@instruction
def half_to_float(_typing: Context, half: types.Type) -> Typed:
    """One instruction: float16 bits to float32."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), code


@instruction
def float_to_half(_typing: Context, number: types.Type) -> Typed:
    """One instruction: float32 to float16 bits, to nearest even."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        return builder.bitcast(builder.fptrunc(args[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), code


@register_jitable
def half_to_float_by_bits(half: int) -> float:
    """float16 bits to float32 where no instruction does it: the exponent moves, its bias (127 - 15) is multiplied in.

    The multiplication makes subnormals normal by itself; only infinity and NaN need their exponent put right.
    """
    word = np.uint32(half)
    magnitude = np.uint32((word & np.uint32(0x7FFF)) << np.uint32(13))
    scaled = word_of(np.float32(float_of(magnitude) * np.float32(2.0**112)))
    special = np.uint32(0x7F800000) if magnitude >= np.uint32(0x0F800000) else np.uint32(0)
    return float_of(np.uint32(scaled | special | ((word & np.uint32(0x8000)) << np.uint32(16))))


@register_jitable
def float_to_half_by_bits(number: float) -> np.uint16:
    """float32 to float16 bits, to nearest even, where no instruction does it."""
    word = word_of(np.float32(number))
    sign = np.uint32((word >> np.uint32(16)) & np.uint32(0x8000))
    magnitude = np.uint32(word & np.uint32(0x7FFFFFFF))
    if magnitude > np.uint32(0x7F800000):  # NaN
        return np.uint16(sign | np.uint32(0x7E00))
    if magnitude >= np.uint32(0x47800000):  # 65536 and more
        return np.uint16(sign | np.uint32(0x7C00))
    if magnitude < np.uint32(0x38800000):  # below 2⁻¹⁴: adding ½ leaves the subnormal's bits, rounded by the addition
        shifted = word_of(np.float32(float_of(magnitude) + np.float32(0.5)))
        return np.uint16(sign | np.uint32(shifted - np.uint32(0x3F000000)))
    odd = np.uint32((magnitude >> np.uint32(13)) & np.uint32(1))
    rounded = np.uint32(magnitude - np.uint32(0x38000000) + np.uint32(0xFFF) + odd)
    return np.uint16(sign | np.uint32(rounded >> np.uint32(13)))


@register_jitable
def float_to_bfloat(number: float) -> np.int16:
    """float32 to bfloat16 bits: the upper half, to nearest even."""
    word = word_of(np.float32(number))
    if np.uint32(word & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000):  # NaN stays one whatever is cut off
        return np.int16(np.uint16(np.uint32(word >> np.uint32(16)) | np.uint32(0x40)))
    odd = np.uint32((word >> np.uint32(16)) & np.uint32(1))
    return np.int16(np.uint16(np.uint32(word + np.uint32(0x7FFF) + odd) >> np.uint32(16)))


@overload(widen)
def _widen(x: Operand) -> Kernel:
    if x == types.uint16 and converts():

        def implementation(x: Operand) -> Operand:
            return half_to_float(x)

    elif x == types.uint16:

        def implementation(x: Operand) -> Operand:
            return half_to_float_by_bits(x)

    elif x == types.int16:

        def implementation(x: Operand) -> Operand:
            return float_of(np.uint32(np.uint32(np.uint16(x)) << np.uint32(16)))

    else:

        def implementation(x: Operand) -> Operand:
            return x

    return implementation


@overload(narrow)
def _narrow(x: Operand, like: Operand) -> Kernel:
    if like == types.uint16 and converts():

        def implementation(x: Operand, like: Operand) -> Operand:
            return float_to_half(x)

    elif like == types.uint16:

        def implementation(x: Operand, like: Operand) -> Operand:
            return float_to_half_by_bits(x)

    elif like == types.int16:

        def implementation(x: Operand, like: Operand) -> Operand:
            return float_to_bfloat(x)

    else:

        def implementation(x: Operand, like: Operand) -> Operand:
            return x

    return implementation
