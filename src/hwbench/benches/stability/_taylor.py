"""Taylor expansions at 0: the coefficients of what an implementation computes, and how far they may be off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ...protocols import Array

# By dtype: the degree of the polynomial that is fitted on [-1, 1], and how far each of its c₀ … c₃ may be from Taylor's
# where numbers around 1 are rounded: 2 to 4 × what was found. A higher degree truncates less of the series, but takes
# the type's rounding for curvature; these are the best of 3 … 15. Even bfloat16 resolves sigmoid's c₃ = -1/48.
TAYLOR = {
    "float64": (15, (1e-7, 1e-6, 2e-6, 5e-6)),
    "float32": (15, (1e-7, 1e-6, 2e-6, 5e-6)),
    "float16": (9, (2e-5, 2e-4, 1e-3, 2e-3)),
    "bfloat16": (7, (5e-4, 3e-3, 4e-3, 1.2e-2)),
}


def taylor_tolerance(activation: str, dtype: npt.DTypeLike) -> list[float]:
    """How far an implementation's c₀ … c₃ may be from Taylor's; 4 s - 2 has four times the rounding of s."""
    return [(4 if activation == "4sigmoid-2" else 1) * tolerance for tolerance in TAYLOR[np.dtype(dtype).name][1]]


def taylor_of(function: Callable[[Array], Array], dtype: npt.DTypeLike, one_sided: bool = False) -> list[float]:
    """An implementation's c₀ … c₃ near 0 in `dtype`, from a polynomial fitted to 4001 Chebyshev points.

    `one_sided` fits x ≥ 0 alone, where relu has a series.
    """
    from numpy.polynomial import Chebyshev, Polynomial

    points = np.cos(np.pi * (np.arange(4001) + 0.5) / 4001)
    x = ((points + 1) / 2 if one_sided else points).astype(dtype)
    y = np.asarray(function(x))
    degree, _ = TAYLOR[np.dtype(dtype).name]
    fitted = Chebyshev.fit(x.astype(np.float64), y.astype(np.float64), degree).convert(kind=Polynomial)
    return [float(c) for c in fitted.coef[:4]]


def cubic(taylor: Sequence[float], x: float) -> float:
    """The expansion up to x³."""
    return sum(c * x**k for k, c in enumerate(taylor))
