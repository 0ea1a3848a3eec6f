"""What NumPy's functions compute and move: flops by name, and where a function does more than read in and write out.

Conventions
-----------
Flops are additions, subtractions, multiplications and divisions of floating numbers, square roots, and calls of
transcendental functions, each of which counts one. Comparisons, minima and maxima, signs, rounding, conversions and
integers count none. A complex product has 6 flops, a complex sum 2, a quotient 11.
A reduction of n elements has n - 1 flops, a product of matrices 2 m n k. LAPACK's counts are those of LAWN 41.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from .memory import Array, Dtype

Kind = Literal["elementwise", "reduction", "other", "view"]

Args: TypeAlias = Sequence[npt.ArrayLike]
"""What a function of NumPy is given: arrays, and what it makes arrays of."""

Options: TypeAlias = Mapping[str, Any]
"""What it is given by name."""


@dataclass(frozen=True)
class Cost:
    """One call: flops, and bytes beside those of the arrays that go in and come out."""

    flops: float = 0
    flops_high: float | None = None  # None: as `flops`
    extra: float = 0
    extra_high: float | None = None
    kind: Kind = "other"
    reads: tuple[Array, ...] | None = None  # None: all arrays among the arguments
    blas: bool = False


# Flops an element, of real and of complex numbers; a name that is missing here has (1, 1): a transcendental function.
_NONE = (0, 0)
ELEMENT: dict[str, tuple[int, int]] = {
    "add": (1, 2), "subtract": (1, 2), "multiply": (1, 6), "divide": (1, 11), "square": (1, 6), "reciprocal": (1, 6),
    "hypot": (1, 1), "divmod": (2, 2), "logaddexp": (1, 1),
    **dict.fromkeys((
        "negative", "positive", "absolute", "fabs", "sign", "signbit", "copysign", "rint", "floor", "ceil", "trunc",
        "maximum", "minimum", "fmax", "fmin", "clip", "equal", "not_equal", "less", "less_equal", "greater",
        "greater_equal", "logical_and", "logical_or", "logical_not", "logical_xor", "isnan", "isinf", "isfinite",
        "isnat", "spacing", "nextafter", "frexp", "ldexp", "modf", "conjugate", "heaviside",
    ), _NONE),
}  # fmt: skip
KNOWN_UFUNCS = frozenset(name for name in vars(np) if isinstance(getattr(np, name), np.ufunc)) | {"clip"}


def floating(dtype: Dtype) -> bool:
    """Whether arithmetic with this type has flops."""
    return dtype.kind in "fc"


def element(name: str, dtypes: Sequence[Dtype]) -> int:
    """Flops an element of a ufunc, whose operands and results have these types."""
    real, complex_ = ELEMENT.get(name, (1, 1))
    if name == "absolute" and any(one.kind == "c" for one in dtypes):
        return 1  # hypot
    if any(one.kind == "c" for one in dtypes):
        return complex_
    return real if any(one.kind == "f" for one in dtypes) else 0


def arrays(value: object) -> list[Array]:
    """The arrays among arguments or results, in lists and tuples too."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, list | tuple):
        return [one for part in value for one in arrays(part)]
    return [one for part in value.values() for one in arrays(part)] if isinstance(value, Mapping) else []


def _factor(*values: object) -> int:
    """4 where numbers are complex (6 + 2 flops for 1 + 1), 1 for real ones, 0 for integers."""
    kinds = {one.dtype.kind for one in arrays(list(values))}
    return 4 if "c" in kinds else 1 if "f" in kinds else 0


def matmul(a: Array, b: Array, out: npt.ArrayLike) -> Cost:
    """`a @ b` of matrices, vectors and stacks of them."""
    results = np.asarray(out).size
    factor = _factor(a, b)
    if factor == 1 and _is_transpose(a, b):  # NumPy calls syrk, which computes one triangle
        return Cost(len(a) * (len(a) + 1) * a.shape[1], blas=True)
    return Cost(2 * results * a.shape[-1] * factor, blas=bool(factor))


def _is_transpose(a: Array, b: Array) -> bool:
    """Whether one matrix is the other's transpose, in the same memory."""
    if not a.ndim == b.ndim == 2 or min(a.shape) < 2:
        return False
    same = a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    return same and a.shape == b.shape[::-1] and a.strides == b.strides[::-1]


def dot(a: npt.ArrayLike, b: npt.ArrayLike, out: npt.ArrayLike) -> Cost:
    """`np.dot`: a scaling where one side is a number."""
    a, b = np.asarray(a), np.asarray(b)
    if not a.ndim or not b.ndim:
        return Cost(max(a.size, b.size) * element("multiply", [a.dtype, b.dtype]), kind="elementwise")
    return matmul(a, b, out)


def _einsum(args: Args, kwargs: Options, _out: npt.ArrayLike) -> Cost:
    """Each contraction has one multiplication and one addition for each combination of its letters."""
    said = args[0]
    if not isinstance(said, str):
        return Cost(0, math.inf)
    operands = [np.asarray(one) for one in args[1:]]
    parts = said.replace(" ", "").split("->")
    if "." in parts[0]:
        return Cost(0, math.inf)
    terms = parts[0].split(",")
    letters = "".join(terms)
    result = parts[1] if len(parts) > 1 else "".join(sorted(one for one in set(letters) if letters.count(one) == 1))
    sizes: dict[str, int] = {}
    for term, one in zip(terms, operands, strict=True):
        sizes |= zip(term, one.shape, strict=True)

    def work(inside: Sequence[str], to: str) -> float:
        used = set("".join(inside))
        every = math.prod(sizes[letter] for letter in used)
        return float(every * (len(inside) - 1) + (every if used - set(to) else 0))

    optimize = kwargs.get("optimize", False)
    if len(terms) < 3 or not optimize:
        return Cost(work(terms, result) * _factor(*operands), blas=bool(optimize))
    total, extra = 0.0, 0.0
    for step in np.einsum_path(said, *operands, optimize=optimize)[0][1:]:
        inside = [terms.pop(number) for number in sorted(step, reverse=True)]
        rest = set("".join(terms)) | set(result)
        to = "".join(sorted(set("".join(inside)) & rest)) if terms else result
        total += work(inside, to)
        if terms:
            extra += 2 * math.prod(sizes[letter] for letter in to) * np.result_type(*operands).itemsize
        terms.append(to)
    return Cost(total * _factor(*operands), extra=extra, blas=True)


def _cubes(factor: float) -> Callable[..., float]:
    """A multiple of n³."""
    return lambda _m, n, _c: factor * n**3


def _slim(square: float, cube: float) -> Callable[..., float]:
    """Multiples of m n² and n³, n being the smaller side."""
    return lambda m, n, _c: square * max(m, n) * min(m, n) ** 2 + cube * min(m, n) ** 3


def _linalg(formula: Callable[..., float]) -> Callable[..., Cost]:
    """A factorisation of one matrix or of a stack, with the count of one."""

    def cost(args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
        a = np.asarray(args[0])
        stack = math.prod(a.shape[:-2])
        columns = np.asarray(args[1]).shape[-1] if len(args) > 1 and np.ndim(args[1]) > 1 else 1
        return Cost(stack * formula(*a.shape[-2:], columns) * (4 if a.dtype.kind == "c" else 1), blas=True)

    return cost


def _bounded(low: Callable[..., float], high: Callable[..., float]) -> Callable[..., Cost]:
    """An iteration until numbers converge."""
    least, most = _linalg(low), _linalg(high)
    return lambda *given: Cost(least(*given).flops, most(*given).flops, blas=True, extra_high=math.inf)


def _lu(m: int, n: int) -> float:
    return 2 / 3 * n**3 - n**2 / 2 + 5 * n / 6 if m == n else math.nan


def _solve(m: int, n: int, columns: int) -> float:
    return _lu(m, n) + columns * n * (2 * n - 1)


def _qr(m: int, n: int, _columns: int) -> float:
    m, n = max(m, n), min(m, n)
    return 4 * m * n**2 - 4 / 3 * n**3  # R, and Q of its reflections


def _sorted(args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
    """A sort by comparisons reads and writes its array once at least, and about log2 n times at most."""
    a = np.asarray(args[0])
    return Cost(extra_high=4 * a.nbytes * max(math.ceil(math.log2(max(a.size, 2))), 1))


def _fft(factor: float, *, whole: bool = False, inverse: bool = False) -> Callable[..., Cost]:
    """5 n log2 n flops for n complex points, half of them where one side is real."""

    def cost(args: Args, kwargs: Options, out: npt.ArrayLike) -> Cost:
        a, result = np.asarray(args[0]), np.asarray(out)
        one = result if inverse else a  # the side with all points
        if not whole:
            axes = [kwargs.get("axis", -1)]
        else:
            axes = list(kwargs.get("axes") or range(-2 if cost.two else -one.ndim, 0))  # type: ignore[attr-defined]
        points = math.prod(max(a.shape[axis], result.shape[axis]) for axis in axes)
        return Cost(factor * max(one.size, a.size, result.size) * math.log2(max(points, 1)))

    cost.two = False  # type: ignore[attr-defined]
    return cost


def _fft2(factor: float, *, inverse: bool = False) -> Callable[..., Cost]:
    cost = _fft(factor, whole=True, inverse=inverse)
    cost.two = True  # type: ignore[attr-defined]
    return cost


def _outer(_args: Args, _kwargs: Options, out: npt.ArrayLike) -> Cost:
    result = np.asarray(out)
    return Cost(result.size * element("multiply", [result.dtype]))


def _tensordot(args: Args, _kwargs: Options, out: npt.ArrayLike) -> Cost:
    """The summed axes are those that both operands have and the result has not."""
    a, b, result = np.asarray(args[0]), np.asarray(args[1]), np.asarray(out)
    summed = math.sqrt(a.size * b.size / max(result.size, 1))
    return Cost(2 * result.size * round(summed) * _factor(a, b), blas=True)


def _trace(args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
    diagonal = np.asarray(args[0]).diagonal()
    return Cost(max(diagonal.shape[-1] - 1, 0), reads=(diagonal,))


def _convolve(args: Args, kwargs: Options, out: npt.ArrayLike) -> Cost:
    a, v = np.asarray(args[0]), np.asarray(args[1])
    short = min(a.size, v.size)
    products = np.asarray(out).size * short if kwargs.get("mode") == "valid" else a.size * v.size
    return Cost(2 * products * _factor(a, v))


def _bincount(args: Args, kwargs: Options, out: npt.ArrayLike) -> Cost:
    """For each item the bin is read and written; weights are added to it."""
    items, weighted = np.asarray(args[0]).size, len(args) > 1 or kwargs.get("weights") is not None
    return Cost(items if weighted else 0, extra=2 * items * np.asarray(out).itemsize)


def _norm(args: Args, kwargs: Options, _out: npt.ArrayLike) -> Cost:
    """The 2-norm of vectors and Frobenius' norm: n products, n - 1 additions and a root."""
    a = np.asarray(args[0])
    if (args[1:] and args[1] not in (None, 2)) or kwargs.get("ord") not in (None, 2, "fro"):
        return Cost(0, math.inf, extra_high=math.inf)
    temporary = 0 if kwargs.get("axis") is None else 2 * a.nbytes
    return Cost(2 * a.size * _factor(a), extra=temporary)


def _interp(args: Args, _kwargs: Options, out: npt.ArrayLike) -> Cost:
    """A binary search and a line for each point."""
    n = np.asarray(out).size
    return Cost(2 * n, 5 * n, extra_high=16 * n * math.log2(max(np.asarray(args[1]).size, 2)))


def _searchsorted(args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
    a, v = np.asarray(args[0]), np.asarray(args[1])
    steps = math.ceil(math.log2(max(a.size, 1) + 1))
    return Cost(reads=(v,), extra=min(v.size * a.itemsize, a.nbytes), extra_high=v.size * a.itemsize * steps)


def _gathered(args: Args, _kwargs: Options, out: npt.ArrayLike) -> Cost:
    """Reads what it picks, and the numbers of the picked."""
    picked = np.asarray(out)
    return Cost(reads=tuple(arrays(list(args[1:]))), extra=picked.nbytes)


def _power(args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
    n, exponent = np.asarray(args[0]).shape[-1], abs(int(np.asarray(args[1])))
    products = exponent.bit_length() + bin(exponent).count("1") - 2
    return Cost(2 * n**3 * max(products, 0), blas=True, extra=max(products - 1, 0) * 3 * np.asarray(args[0]).nbytes)


def _move(_args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
    """Reads what goes in and writes what comes out, or gives a view."""
    return Cost()


def _map(_args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
    """As `_move`, element by element."""
    return Cost(kind="elementwise")


def _fill(_args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
    """Writes what comes out and looks only at the shape of what goes in."""
    return Cost(kind="elementwise", reads=())


def _nothing(_args: Args, _kwargs: Options, _out: npt.ArrayLike) -> Cost:
    return Cost(kind="view")


Price = Callable[[Args, Options, npt.ArrayLike], Cost]
FUNCTIONS: dict[str, Price] = {
    **dict.fromkeys((
        "concatenate", "concat", "stack", "hstack", "vstack", "dstack", "column_stack", "block", "tile", "repeat",
        "roll", "pad", "array", "ascontiguousarray", "asfortranarray", "asarray", "asanyarray",
        "asarray_chkfinite", "choose",
        "compress", "extract", "nonzero", "argwhere", "flatnonzero", "tril", "triu", "diag", "diagflat", "eye",
        "identity", "tri", "meshgrid", "ravel", "reshape", "transpose", "flip", "fliplr", "flipud", "rot90", "delete",
        "insert", "append", "resize", "packbits", "unpackbits", "indices",
        "fromiter", "frombuffer", "fromstring", "fromfile", "load", "loadtxt",
        "genfromtxt",
        "argmax", "argmin", "array_equal", "count_nonzero", "select", "trim_zeros", "diag_indices",
        "tril_indices", "triu_indices",
        "ix_", "unravel_index", "ravel_multi_index", "swapaxes", "moveaxis", "rollaxis", "expand_dims", "squeeze",
        "broadcast_to", "broadcast_arrays", "atleast_1d", "atleast_2d", "atleast_3d", "split", "array_split",
        "hsplit", "vsplit", "dsplit", "diagonal", "real", "imag", "sliding_window_view", "as_strided", "putmask",
        "unstack", "permute_dims", "matrix_transpose", "flatten", "fill", "copyto", "require",
        "may_share_memory", "shares_memory", "tolist", "tobytes",
    ), _move),
    **dict.fromkeys(("zeros_like", "ones_like", "full_like"), _fill),
    **dict.fromkeys(("where", "copy", "astype", "zeros", "ones", "full", "arange"), _map),
    **dict.fromkeys((
        "empty", "empty_like", "iterable", "shape", "ndim", "size", "result_type", "can_cast", "min_scalar_type",
        "iscomplexobj",
        "isrealobj", "isscalar", "broadcast_shapes", "common_type", "promote_types", "finfo", "errstate", "seterr",
        "geterr", "einsum_path", "array2string", "array_repr", "array_str", "issubdtype", "dtype", "mintypecode",
    ), _nothing),
    "linspace": lambda _a, _k, out: Cost(2 * sum(one.size for one in arrays(out)), kind="elementwise"),
    "dot": lambda args, _k, out: dot(args[0], args[1], out),
    "vdot": lambda args, _k, _o: Cost(2 * np.asarray(args[0]).size * _factor(*args[:2]), blas=True),
    "inner": lambda args, _k, out: dot(args[0], args[1], out),
    "outer": _outer,
    "einsum": _einsum,
    "trace": _trace,
    "tensordot": _tensordot,
    "convolve": _convolve, "correlate": _convolve, "bincount": _bincount, "interp": _interp,
    "searchsorted": _searchsorted, "digitize": lambda args, k, out: _searchsorted([args[1], args[0]], k, out),
    "take": _gathered, "take_along_axis": _gathered,
    "put": _move, "put_along_axis": _move, "place": _move, "fill_diagonal": _move,
    **dict.fromkeys(("sort", "argsort", "lexsort", "partition", "argpartition", "unique", "in1d", "isin", "union1d",
                     "intersect1d", "setdiff1d", "unique_values", "unique_counts"), _sorted),
    "linalg.solve": _linalg(_solve),
    "linalg.inv": _linalg(lambda m, n, _c: _solve(m, n, n)),
    "linalg.det": _linalg(lambda m, n, _c: _lu(m, n) + n - 1),
    "linalg.slogdet": _linalg(lambda m, n, _c: _lu(m, n) + 2 * n),
    "linalg.cholesky": _linalg(lambda _m, n, _c: n**3 / 3 + n**2 / 2 + n / 6),
    "linalg.qr": _linalg(_qr),
    "linalg.norm": _norm,
    "linalg.matrix_power": _power,
    "linalg.svd": _bounded(_slim(0, 4 / 3), _slim(14, 8)),
    "linalg.eig": _bounded(_cubes(10 / 3), _cubes(30)),
    "linalg.eigvals": _bounded(_cubes(10 / 3), _cubes(15)),
    "linalg.eigh": _bounded(_cubes(4 / 3), _cubes(12)),
    "linalg.eigvalsh": _bounded(_cubes(4 / 3), _cubes(3)),
    "linalg.lstsq": _bounded(_slim(2 / 3, 0), _slim(20, 0)),
    "fft.fft": _fft(5), "fft.ifft": _fft(5), "fft.rfft": _fft(2.5), "fft.irfft": _fft(2.5, inverse=True),
    "fft.fft2": _fft2(5), "fft.ifft2": _fft2(5), "fft.rfft2": _fft2(2.5), "fft.irfft2": _fft2(2.5, inverse=True),
    "fft.fftn": _fft(5, whole=True), "fft.ifftn": _fft(5, whole=True), "fft.rfftn": _fft(2.5, whole=True),
    "fft.irfftn": _fft(2.5, whole=True, inverse=True),
    **dict.fromkeys(("fft.fftshift", "fft.ifftshift"), _move), "fft.fftfreq": _move, "fft.rfftfreq": _move,
}  # fmt: skip

# Functions that NumPy writes in Python on top of ufuncs and of those above: the tracer looks inside.
COMPOSED = frozenset((
    "sum", "prod", "mean", "var", "std", "max", "min", "amax", "amin", "all", "any", "cumsum", "cumprod", "ptp", "clip",
    "round", "around", "average", "median", "percentile", "quantile", "nansum", "nanmean", "nanmax", "nanmin", "nanvar",
    "nanstd", "nanprod", "nan_to_num", "isclose", "allclose", "gradient", "diff", "ediff1d", "trapezoid",
    "kron", "cross", "polyval", "corrcoef", "cov", "histogram", "apply_along_axis", "fix", "sinc", "angle",
    "unwrap", "linalg.multi_dot", "cumulative_sum", "cumulative_prod", "logspace", "geomspace", "fromfunction",
    "piecewise",
    "linalg.matrix_norm", "linalg.vector_norm", "linalg.matmul", "linalg.outer", "linalg.trace", "linalg.tensordot",
    "hanning", "hamming", "blackman", "bartlett", "i0", "vander", "linalg.vecdot", "linalg.cross", "linalg.diagonal",
))  # fmt: skip
