"""NumPy kernels of textbooks, each with its bytes and flops as derived by hand from the lines of the function.

The derivation follows the conventions of `hwbench.counting`: each call reads its operands once and writes its results;
flops are additions, products, quotients, roots and transcendental functions of floating numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Truth:
    """Of one call: bytes issued, flops, compulsory bytes.

    None where they depend on an algorithm of the library, two numbers where a compiler may keep a value in a register.
    """

    issued: int | tuple[int, int] | None
    flops: int | tuple[int, int] | None
    compulsory: int | None


@dataclass(frozen=True)
class Kernel:
    """A function, its inputs for about n numbers, and the truth for these inputs."""

    function: Callable[..., Any]
    inputs: Callable[[int], tuple[Any, ...]]
    truth: Callable[..., Truth]

    options: dict[str, Any] | None = None  # of Numba's decorator

    def compiled(self) -> Callable[..., Any]:
        """The function as it is counted."""
        if self.options is None:
            return self.function
        import numba

        return numba.njit(**self.options)(self.function)

    @property
    def name(self) -> str:
        return self.function.__name__


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def vectors(count: int) -> Callable[[int], tuple[Any, ...]]:
    return lambda n: tuple(rng().random(n) + 0.1 for _ in range(count))


def square(*shapes: str) -> Callable[[int], tuple[Any, ...]]:
    """Matrices ("m") and vectors ("v") of a side whose square is about n."""
    return lambda n: tuple(rng().random((side(n),) * 2 if one == "m" else side(n)) + 0.1 for one in shapes)


def side(n: int) -> int:
    return max(math.isqrt(n), 4)


# --- vectors


def sum_of_products(a, b, c, d):
    return a * b + c * d


def sum_of_products_truth(a, *_):
    """Two products of 24 bytes, one sum of 24; in: 4 arrays, out: 1."""
    return Truth(72 * a.size, 3 * a.size, 40 * a.size)


def axpy(x, y):
    y += 2.5 * x


def axpy_truth(x, y):
    """The product reads x and writes a temporary, the sum reads two and writes y."""
    return Truth((16 + 24) * x.size, 2 * x.size, 24 * x.size)


def black_scholes(s, k, t):
    d1 = (np.log(s / k) + 0.06 * t) / (0.2 * np.sqrt(t))
    return s / (1.0 + np.exp(-1.7 * d1))


def black_scholes_truth(s, *_):
    """s/k 24, log 16, 0.06 t 16, + 24, sqrt 16, 0.2 · 16, / 24, -1.7 · 16, exp 16, 1 + 16, s / 24: eleven flops."""
    return Truth((24 + 16 + 16 + 24 + 16 + 16 + 24 + 16 + 16 + 16 + 24) * s.size, 11 * s.size, 32 * s.size)


def moving_average(x):
    c = np.cumsum(x)
    return (c[8:] - c[:-8]) / 8


def moving_average_truth(x):
    """The running sum reads and writes n, the difference three arrays of n - 8, the quotient two."""
    m = x.size - 8
    return Truth(16 * x.size + (24 + 16) * m, x.size - 1 + 2 * m, 8 * x.size + 8 * m)


def histogram(x):
    return np.bincount((x * 60).astype(np.int64), minlength=128)


def histogram_truth(x):
    """The product 16 n, the conversion 16 n; for each item its number is read, its bin read and written; 128 bins."""
    return Truth((16 + 16 + 8 + 16) * x.size + 8 * 128, x.size, 8 * x.size + 8 * 128)


def sort(x):
    return np.sort(x)


def sort_truth(x):
    """How often the array is read depends on the algorithm."""
    return Truth(None, 0, 16 * x.size)


def low_pass(x):
    spectrum = np.fft.rfft(x)
    spectrum[10:] = 0
    return np.fft.irfft(spectrum, x.size)


def low_pass_truth(x):
    """Two transforms of 2.5 n log2 n flops; complex numbers of 16 bytes, n/2 + 1 of them."""
    half = 16 * (x.size // 2 + 1)
    return Truth(16 * x.size + 3 * half - 160, round(5 * x.size * math.log2(x.size)), 16 * x.size)


# --- matrices


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_truth(x):
    """Maximum, difference, exp, sum and quotient: 8 passes over the matrix, 4 over a column."""
    n, m = x.shape
    return Truth(8 * (8 * n * m + 4 * n), 4 * n * m - n, 16 * n * m)


def layer_norm(x, gain):
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred * centred).mean(axis=1, keepdims=True)
    return centred / np.sqrt(variance + 1e-5) * gain


def layer_norm_truth(x, gain):
    """A mean is a sum (nm + n) and a quotient in place (2 n), twice; difference 2nm + n, square 2nm, + and root 4 n,
    quotient 2nm + n, product 2nm + m."""
    n, m = x.shape
    bytes_ = 2 * (n * m + 3 * n) + (2 * n * m + n) + 2 * n * m + 4 * n + (2 * n * m + n) + (2 * n * m + m)
    return Truth(8 * bytes_, 2 * (n * m - n + n) + 4 * n * m + 2 * n, 8 * (2 * n * m + m))


def jacobi_2d(a, b):
    b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])


def jacobi_2d_truth(a, b):
    """Four sums of 24 bytes, a product of 16, the assignment of 16; all but the four corners are read."""
    inner = (len(a) - 2) ** 2
    return Truth((4 * 24 + 16 + 16) * inner, 5 * inner, 8 * (a.size - 4) + 8 * inner)


def heat_3d(a):
    return a[1:-1, 1:-1, 1:-1] + 0.1 * (
        a[2:, 1:-1, 1:-1] + a[:-2, 1:-1, 1:-1] + a[1:-1, 2:, 1:-1] + a[1:-1, :-2, 1:-1] + a[1:-1, 1:-1, 2:]
        + a[1:-1, 1:-1, :-2] - 6.0 * a[1:-1, 1:-1, 1:-1]
    )  # fmt: skip


def heat_3d_truth(a):
    """Five sums and a difference of 24, two products of 16, a sum of 24; inner points and the six faces' inner points
    are read."""
    m = len(a) - 2
    return Truth((6 * 24 + 2 * 16 + 24) * m**3, 9 * m**3, 8 * (m**3 + 6 * m**2) + 8 * m**3)


def correlation(x):
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    return z.T @ z / len(x)


def correlation_truth(x):
    """mean: nm + m, 2m. std: mean again, difference 2nm + m, square in place 2nm, sum nm + m, quotient 2m, root 2m.
    Difference and quotient 2nm + m each; the product reads z once (syrk: one triangle), quotient 2 m²."""
    n, m = x.shape
    mean = n * m + 3 * m
    std = mean + (2 * n * m + m) + 2 * n * m + (n * m + m) + 4 * m
    rest = 2 * (2 * n * m + m) + (n * m + m * m) + 2 * m * m
    flops = n * m + (n * m + 2 * n * m + (n * m - m) + 2 * m) + 2 * n * m + n * m * (m + 1) + m * m
    return Truth(8 * (mean + std + rest), flops, 8 * (n * m + m * m))


def conv_2d(x, k):
    h, w = x.shape[0] - 4, x.shape[1] - 4
    out = np.zeros((h, w))
    for i in range(5):
        for j in range(5):
            out += k[i, j] * x[i : i + h, j : j + w]
    return out


def conv_2d_truth(x, k):
    """For each of 25 taps a number of 8 bytes, a product of 16 and a sum in place of 24 bytes an element."""
    m = (x.shape[0] - 4) * (x.shape[1] - 4)
    return Truth(25 * (8 + 40 * m) + 8 * m, 50 * m, 8 * x.size + 8 * 25 + 8 * m)


def atax(a, x):
    return a.T @ (a @ x)


def atax_truth(a, x):
    """Each product reads the matrix and a vector and writes a vector."""
    n = len(a)
    return Truth(2 * 8 * (n * n + 2 * n), 4 * n * n, 8 * (n * n + 2 * n))


def gemver(a, u, v, y):
    b = a + np.outer(u, v)
    x = 1.2 * (b.T @ y)
    return b @ x


def gemver_truth(a, *_):
    """outer n² + 2n, sum 3n², product n² + 2n, scaling 2n, product n² + 2n."""
    n = len(a)
    return Truth(8 * (6 * n * n + 8 * n), n * n + n * n + 2 * n * n + n + 2 * n * n, 8 * (n * n + 4 * n))


def matrix_product(a, b):
    return a @ b


def matrix_product_truth(a, _b):
    """Three matrices, 2 n³ flops."""
    n = len(a)
    return Truth(24 * n * n, 2 * n**3, 24 * n * n)


def cholesky(a):
    return np.linalg.cholesky(a)


def cholesky_truth(a):
    """n³/3 + n²/2 + n/6 flops (LAWN 41)."""
    n = len(a)
    return Truth(16 * n * n, (2 * n**3 + 3 * n**2 + n) // 6, 16 * n * n)


def forward_substitution(lower, b):
    x = np.zeros(len(b))
    for i in range(len(b)):
        x[i] = (b[i] - lower[i, :i] @ x[:i]) / lower[i, i]
    return x


def forward_substitution_truth(lower, b):
    """Row i: i numbers of the row and of x, b, the diagonal, and x written; 2 i + 2 flops. The triangle is read."""
    n = len(b)
    return Truth(8 * n + 8 * n * (n - 1) + 24 * n, n * (n - 1) + 2 * n, 8 * (n * (n + 1) // 2 + 2 * n))


def floyd_warshall(d):
    for k in range(len(d)):
        d = np.minimum(d, d[:, k, None] + d[k])
    return d


def floyd_warshall_truth(d):
    """Each step adds a column and a row (n² + 2n) and takes the smaller of two matrices (3n²)."""
    n = len(d)
    return Truth(8 * n * (4 * n * n + 2 * n), n**3, 16 * n * n)


def k_means_step(points, centres):
    distances = ((points[:, None, :] - centres[None]) ** 2).sum(axis=2)
    labels = distances.argmin(axis=1)
    sums = np.zeros_like(centres)
    np.add.at(sums, labels, points)
    return sums / np.bincount(labels, minlength=len(centres))[:, None]


def k_means_step_truth(points, centres):
    """Difference nkd + nd + kd, square 2nkd, sum nkd + nk, argmin nk + n; zeros kd; for each point its label, its d
    numbers, and a centre read and written; counts: n labels, n bins read and written, k; quotient 2kd + k."""
    (n, d), k = points.shape, len(centres)
    numbers = (n * k * d + n * d + k * d) + 2 * n * k * d + (n * k * d + n * k) + n * k + n
    numbers += k * d + (n + n * d + 2 * n * d) + (n + 2 * n + k) + (2 * k * d + k)
    return Truth(8 * numbers, 2 * n * k * d + n * k * (d - 1) + n * d + k * d, 8 * (n * d + 2 * k * d))


def spmv(data, indices, indptr, x):
    return np.add.reduceat(data * x[indices], indptr[:-1])


def spmv_truth(data, indices, indptr, x):
    """Picking 24 bytes a number (its place, itself, the copy), product 24, sum 8 and the starts; rows are written."""
    nnz, rows = data.size, indptr.size - 1
    touched = np.unique(indices).size
    return Truth((24 + 24 + 8) * nnz + 16 * rows, nnz + nnz - rows, 8 * (2 * nnz + rows + touched + rows))


def mandelbrot(c):
    z = np.zeros_like(c)
    steps = np.zeros(c.shape, np.int64)
    for _ in range(10):
        inside = z.real * z.real + z.imag * z.imag < 4
        z = np.where(inside, z * z + c, z)
        steps += inside
    return steps


def mandelbrot_truth(c):
    """zeros 16 + 8. A step: two squares of 16 bytes, a sum of 24, a comparison of 9; z² 32, + c 48, the choice
    1 + 3 · 16, the count 8 + 1 + 8. Flops: 3 for the size, 6 + 2 for the step."""
    return Truth((24 + 10 * (32 + 24 + 9 + 32 + 48 + 49 + 17)) * c.size, 10 * 11 * c.size, 24 * c.size)


def n_body(p):
    d = p[:, None, :] - p[None]
    r2 = (d * d).sum(axis=2) + 0.01
    return (d * (r2**-1.5)[:, :, None]).sum(axis=1)


def n_body_truth(p):
    """Differences 3n² + 3n (both views are the same memory), squares 6n², sum 4n², + 2n², power 2n², product 7n²,
    sum 3n² + 3n."""
    n = len(p)
    return Truth(8 * (27 * n * n + 6 * n), (3 + 3 + 2 + 2 + 3) * n * n + 3 * n * (n - 1), 48 * n)


def mlp_layer(x, w, b):
    return np.maximum(x @ w + b, 0)


def mlp_layer_truth(x, w, b):
    """Product nm + mk + nk, sum 2nk + k, maximum 2nk."""
    (n, m), k = x.shape, len(b)
    return Truth(8 * (n * m + m * k + 5 * n * k + k), 2 * n * m * k + n * k, 8 * (n * m + m * k + k + n * k))


def bilinear(x, y):
    return np.einsum("bij,bj->bi", x, y)


def bilinear_truth(x, y):
    """A product and an addition for each number of x."""
    return Truth(8 * (x.size + 2 * y.size), 2 * x.size, 8 * (x.size + 2 * y.size))


def _positive(n: int) -> tuple[Any, ...]:
    a = rng().random((side(n),) * 2)
    return (a @ a.T + len(a) * np.eye(len(a)),)


def _sparse(n: int) -> tuple[Any, ...]:
    rows, per = max(n // 8, 4), 8
    indices = rng().integers(0, rows, rows * per)
    return rng().random(rows * per), indices, np.arange(0, rows * per + 1, per), rng().random(rows)


def _points(n: int) -> tuple[Any, ...]:
    return rng().random((max(n // 4, 16), 4)), rng().random((8, 4))


def _triangle(n: int) -> tuple[Any, ...]:
    return np.tril(rng().random((side(n),) * 2)) + np.eye(side(n)), rng().random(side(n))


def _layer(n: int) -> tuple[Any, ...]:
    return rng().random((side(n), 32)), rng().random((32, 16)), rng().random(16)


def _plane(n: int) -> tuple[Any, ...]:
    x = np.linspace(-2, 0.5, side(n))
    return (x + 1j * x[:, None],)


NUMPY = (
    Kernel(sum_of_products, vectors(4), sum_of_products_truth),
    Kernel(axpy, vectors(2), axpy_truth),
    Kernel(black_scholes, vectors(3), black_scholes_truth),
    Kernel(moving_average, vectors(1), moving_average_truth),
    Kernel(histogram, vectors(1), histogram_truth),
    Kernel(sort, vectors(1), sort_truth),
    Kernel(low_pass, lambda n: (rng().random(2 ** max(n.bit_length() - 1, 6)),), low_pass_truth),
    Kernel(softmax, square("m"), softmax_truth),
    Kernel(layer_norm, square("m", "v"), layer_norm_truth),
    Kernel(jacobi_2d, square("m", "m"), jacobi_2d_truth),
    Kernel(heat_3d, lambda n: (rng().random((max(round(n ** (1 / 3)), 4),) * 3),), heat_3d_truth),
    Kernel(correlation, lambda n: (rng().random((max(n // 32, 4), 32)),), correlation_truth),
    Kernel(conv_2d, lambda n: (rng().random((side(n) + 4,) * 2), rng().random((5, 5))), conv_2d_truth),
    Kernel(atax, square("m", "v"), atax_truth),
    Kernel(gemver, square("m", "v", "v", "v"), gemver_truth),
    Kernel(matrix_product, square("m", "m"), matrix_product_truth),
    Kernel(cholesky, _positive, cholesky_truth),
    Kernel(forward_substitution, _triangle, forward_substitution_truth),
    Kernel(floyd_warshall, lambda n: (rng().random((side(n // 4),) * 2),), floyd_warshall_truth),
    Kernel(k_means_step, _points, k_means_step_truth),
    Kernel(spmv, _sparse, spmv_truth),
    Kernel(mandelbrot, _plane, mandelbrot_truth),
    Kernel(n_body, lambda n: (rng().random((side(n), 3)),), n_body_truth),
    Kernel(mlp_layer, _layer, mlp_layer_truth),
    Kernel(bilinear, lambda n: (rng().random((n // 64 + 1, 8, 8)), rng().random((n // 64 + 1, 8))), bilinear_truth),
)  # fmt: skip
