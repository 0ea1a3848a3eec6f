"""Compare a variant's output with the reference answer: exactly for integers, within rounding error for floats."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ..protocols import Array, Values
from ..record import text

Answer: TypeAlias = npt.ArrayLike | tuple[npt.ArrayLike, ...]
"""A number, an array, or several of these."""

CHUNK = 1 << 18  # elements compared at a time: 2 MiB of float64, so that large arrays are compared from cache


def allowed(dtype: npt.DTypeLike, operations: float, stated: float | None = None) -> float:
    """Relative error allowed: what the bench states, else 4 ε √operations, 0 for integers.

    Rounding errors of n operations add up like a random walk; 4 standard deviations of it are beyond chance.
    """
    if stated is not None:
        return stated
    kind = np.dtype(dtype)
    if kind.kind not in "fc":
        return 0.0
    return 4 * float(np.finfo(kind).eps) * math.sqrt(max(operations, 1.0))


def mismatch(output: Answer, reference: Answer, values: Values, flops: float, stated: float | None = None) -> str:
    """How the output differs from the reference, in words; "" where it agrees.

    Parameters
    ----------
    output, reference
        Numbers, arrays of one shape, or tuples of these. TypeError for a reference that is none of these.
    values
        The case's axis values; a float `dtype` among them sets the precision.
    flops
        Operations of the whole call, spread evenly over the elements of the reference.
    stated
        The bench's own relative tolerance.
    """
    if isinstance(reference, tuple | list):
        if not isinstance(output, tuple | list) or len(output) != len(reference):
            return f"gave {_shape(output)} where the reference has {len(reference)} parts"
        for part, (out, ref) in enumerate(zip(output, reference, strict=True)):
            if reason := mismatch(out, ref, values, flops, stated):
                return f"part {part}: {reason}"
        return ""
    out, ref = np.asarray(output), np.asarray(reference)
    if ref.dtype.kind not in "biufc":
        raise TypeError(f"the reference gave {ref.dtype}, and not a number, an array of numbers or a tuple of these")
    if out.shape != ref.shape:
        return f"gave shape {out.shape} where the reference has {ref.shape}"
    if out.dtype.kind not in "biufc":
        return f"gave {out.dtype}, which is no number"
    precision = values.get("dtype", ref.dtype)
    precision = precision if np.dtype(precision).kind in "fc" and ref.dtype.kind in "fc" else ref.dtype
    return _compare(out.reshape(-1), ref.reshape(-1), allowed(precision, flops / max(ref.size, 1), stated))


def _compare(out: Array, ref: Array, tolerance: float) -> str:
    """Chunk by chunk: |out - ref| against the tolerance times the largest |ref| of the chunk."""
    for start in range(0, len(ref), CHUNK):
        a, b = out[start : start + CHUNK], ref[start : start + CHUNK]
        unlike = a != b
        if not unlike.any():
            continue
        unlike &= ~(np.isnan(a) & np.isnan(b))
        if not unlike.any():
            continue
        if tolerance == 0.0:
            at = int(np.flatnonzero(unlike)[0])
            return f"differs from the reference at element {start + at}: {a[at]!s} instead of {b[at]!s}"
        # float64 at least, so that the difference itself is exact
        wide_a, wide_b = a.astype(np.result_type(a, np.float64)), b.astype(np.result_type(b, np.float64))
        # An infinite or NaN reference would make any tolerance infinite: there the output must be equal.
        finite = np.isfinite(wide_b)
        with np.errstate(invalid="ignore", over="ignore"):
            error = np.where(unlike, np.abs(wide_a - wide_b), 0.0)
        scale = float(np.max(np.abs(wide_b), where=finite, initial=0.0)) or 1.0
        bad = ~np.where(finite, error <= tolerance * scale, ~unlike)  # the negation also catches NaN
        if bad.any():
            at = int(np.argmax(np.where(bad, np.where(np.isnan(error), np.inf, error), -1.0)))
            return (
                f"differs from the reference at element {start + at}: {wide_a[at]:.10g} instead of {wide_b[at]:.10g} "
                f"(relative error {text.amount(error[at] / scale)}, allowed {text.amount(tolerance)})"
            )
    return ""


def _shape(output: Answer) -> str:
    return f"{len(output)} parts" if isinstance(output, tuple | list) else f"one {type(output).__name__}"
