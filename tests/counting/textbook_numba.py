"""Numba kernels of textbooks, each with its bytes and flops as derived by hand from the lines of the function.

A number that is used twice in one iteration is loaded once. Where a compiler may keep a number in a register over
iterations or must load it again, two numbers bound the bytes.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from .textbook import Kernel, Truth, rng, side, square, vectors


def triad(a, b, c):
    for i in range(a.size):
        a[i] = b[i] + 3.0 * c[i]


def triad_truth(a, *_):
    """Two loads, a store."""
    return Truth(24 * a.size, 2 * a.size, 24 * a.size)


def parallel_triad(a, b, c):
    for i in numba.prange(a.size):
        a[i] = b[i] + 3.0 * c[i]


def if_positive(a, b):
    for i in range(a.size):
        if a[i] > 0.5:
            b[i] = a[i] * a[i] + 1.0


def if_positive_truth(a, b):
    """Every a is loaded, b is stored where a is large."""
    taken = int((a > 0.5).sum())
    return Truth(8 * a.size + 8 * taken, 2 * taken, 8 * a.size + 8 * taken)


def dot(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


def dot_truth(a, _b):
    return Truth(16 * a.size, 2 * a.size, 16 * a.size)


def norm(a):
    total = 0.0
    for i in range(a.size):
        total += a[i] * a[i]
    return math.sqrt(total)


def norm_truth(a):
    """One load, two flops, and the root."""
    return Truth(8 * a.size, 2 * a.size + 1, 8 * a.size)


def triple_loop(a, b):
    n = len(a)
    c = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += a[i, k] * b[k, j]
            c[i, j] = total
    return c


def triple_loop_truth(a, _b):
    """Two loads in the inner loop; c is filled with zeros and stored."""
    n = len(a)
    return Truth(16 * n**3 + 16 * n * n, 2 * n**3, 24 * n * n)


def jacobi(a, b):
    for i in range(1, len(a) - 1):
        for j in range(1, len(a) - 1):
            b[i, j] = 0.2 * (a[i, j] + a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])


def jacobi_truth(a, _b):
    """Five loads and a store; the corners are not read."""
    inner = (len(a) - 2) ** 2
    return Truth(48 * inner, 5 * inner, None)


def sparse(data, indices, indptr, x, y):
    for i in range(y.size):
        total = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            total += data[k] * x[indices[k]]
        y[i] = total


def sparse_truth(data, indices, indptr, x, y):
    """Three loads for each number; one or two bounds for each row, and its result."""
    rows = y.size
    return Truth((24 * data.size + 16 * rows, 24 * data.size + 24 * rows), 2 * data.size, None)


def escape_times(c, steps):
    for i in range(c.size):
        x = y = 0.0
        count = 0
        while x * x + y * y < 4.0 and count < 100:
            x, y = x * x - y * y + c[i].real, 2.0 * x * y + c[i].imag
            count += 1
        steps[i] = count


def escape_times_truth(c, steps):
    """A step: x² and y² once or twice, their sum and difference, + re, 2 x, · y, + im; the last test has 0 to 3."""
    z, count, alive = np.zeros_like(c), np.zeros(c.size, int), np.ones(c.size, bool)
    for _ in range(100):
        alive &= z.real * z.real + z.imag * z.imag < 4
        z[alive] = z[alive] ** 2 + c[alive]
        count += alive
    total = int(count.sum())
    return Truth((24 * c.size, 16 * total + 8 * c.size), (8 * total, 10 * total + 3 * c.size), 24 * c.size)


def bins(x, counts):
    for i in range(x.size):
        counts[int(x[i] * 60)] += 1


def bins_truth(x, counts):
    """Its number is loaded, its bin loaded and stored."""
    return Truth(24 * x.size, x.size, None)


def row_softmax(x, out):
    for i in range(x.shape[0]):
        most = -math.inf
        for j in range(x.shape[1]):
            most = max(most, x[i, j])
        total = 0.0
        for j in range(x.shape[1]):
            out[i, j] = math.exp(x[i, j] - most)
            total += out[i, j]
        for j in range(x.shape[1]):
            out[i, j] /= total


def row_softmax_truth(x, out):
    """Maximum 8 bytes, exp 16, quotient 16; difference, exp, sum, quotient."""
    return Truth(40 * x.size, 4 * x.size, 16 * x.size)


def prefix_sum(x):
    for i in range(1, x.size):
        x[i] += x[i - 1]


def prefix_sum_truth(x):
    """The sum before stays in a register, or is loaded."""
    n = x.size - 1
    return Truth((16 * n, 24 * n + 8), n, 16 * x.size - 8)


def all_pairs(d):
    n = len(d)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                d[i, j] = min(d[i, j], d[i, k] + d[k, j])


def all_pairs_truth(d):
    """Two or three loads and a store, which may be left out where nothing gets shorter."""
    n = len(d)
    return Truth((16 * n**3, 32 * n**3 + 8 * n * n), n**3, 16 * n * n)


def nearest(points, centres, labels):
    for i in range(len(points)):
        best = math.inf
        for k in range(len(centres)):
            distance = 0.0
            for d in range(points.shape[1]):
                distance += (points[i, d] - centres[k, d]) ** 2
            if distance < best:
                best = distance
                labels[i] = k


def nearest_truth(points, centres, labels):
    """Two loads and three flops in the inner loop; a label is stored once at least, and k times at most."""
    (n, d), k = points.shape, len(centres)
    return Truth((16 * n * k * d + 8 * n, 16 * n * k * d + 8 * n * k), 3 * n * k * d, None)


def insertion_sort(x):
    for i in range(1, x.size):
        one = x[i]
        j = i - 1
        while j >= 0 and x[j] > one:
            x[j + 1] = x[j]
            j -= 1
        x[j + 1] = one


def insertion_sort_truth(x):
    """A load and a store for each pair in the wrong order, two loads and a store for each number."""
    wrong = sum(int((x[:i] > x[i]).sum()) for i in range(1, x.size))
    n = x.size - 1
    return Truth((16 * wrong + 16 * n, 16 * wrong + 24 * n), 0, 16 * x.size)


def taps(x, k, out):
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = 0.0
            for a in range(5):
                for b in range(5):
                    total += k[a, b] * x[i + a, j + b]
            out[i, j] = total


def taps_truth(x, k, out):
    """25 loads of x, up to 25 of k, and a store."""
    m = out.size
    return Truth((25 * 8 * m + 8 * m, 25 * 16 * m + 8 * m), 50 * m, 8 * x.size + 8 * 25 + 8 * m)


def _sparse(n: int) -> tuple[Any, ...]:
    rows, per = max(n // 8, 4), 8
    indices = rng().integers(0, rows, rows * per)
    return rng().random(rows * per), indices, np.arange(0, rows * per + 1, per), rng().random(rows), np.zeros(rows)


def _plane(n: int) -> tuple[Any, ...]:
    x = np.linspace(-2, 0.5, side(n))
    return (x + 1j * x[:, None]).ravel(), np.zeros(side(n) ** 2, np.int64)


def _points(n: int) -> tuple[Any, ...]:
    return rng().random((max(n // 4, 16), 4)), rng().random((8, 4)), np.zeros(max(n // 4, 16), np.int64)


def _image(n: int) -> tuple[Any, ...]:
    return rng().random((side(n) + 4,) * 2), rng().random((5, 5)), np.zeros((side(n),) * 2)


def _small(n: int) -> tuple[Any, ...]:
    return (rng().random((side(n // 16),) * 2),)


NUMBA = (
    Kernel(triad, vectors(3), triad_truth, {}),
    Kernel(parallel_triad, vectors(3), triad_truth, {"parallel": True}),
    Kernel(if_positive, vectors(2), if_positive_truth, {}),
    Kernel(dot, vectors(2), dot_truth, {}),
    Kernel(norm, vectors(1), norm_truth, {"fastmath": True}),
    Kernel(triple_loop, lambda n: square("m", "m")(n // 16), triple_loop_truth, {}),
    Kernel(jacobi, square("m", "m"), jacobi_truth, {}),
    Kernel(sparse, _sparse, sparse_truth, {}),
    Kernel(escape_times, _plane, escape_times_truth, {}),
    Kernel(bins, lambda n: (rng().random(n), np.zeros(64, np.int64)), bins_truth, {}),
    Kernel(row_softmax, square("m", "m"), row_softmax_truth, {}),
    Kernel(prefix_sum, vectors(1), prefix_sum_truth, {}),
    Kernel(all_pairs, _small, all_pairs_truth, {}),
    Kernel(nearest, _points, nearest_truth, {}),
    Kernel(insertion_sort, lambda n: (rng().random(min(n, 3000)),), insertion_sort_truth, {}),
    Kernel(taps, _image, taps_truth, {}),
)
