"""Blocking: the same loops in another order, so that data is reused before it is evicted.

Two works with the same three variants each, on n × n matrices of float64 in row-major order.

Transposing moves each element once: 8 bytes in, 8 bytes out (24 with write-allocate). Whichever way the loops run, one
of the two matrices is walked down its columns: a column of n elements touches n lines, uses 8 bytes of each and comes
back for the next 8 only after the whole column, when a matrix larger than the caches has evicted the line. `naive`
writes down columns, `loop-order` reads down them (loads that miss overlap, stores wait for their line in a short store
buffer), and `blocked` takes 8 × 64 elements at a time: 64 whole lines on each side, 4 KiB and 4 KiB, which stay in L1
until every byte of them is used.

Multiplying does 2n³ operations on 3n² numbers: each number is used n times, and what matters is from where. `naive`
(i, j, k) takes one row of a and one column of b for each element: n³ steps down columns, a line for each multiply-add.
`loop-order` (i, k, j) swaps the inner two: b and c are walked along rows, eight numbers a line and in vectors, but all
of b is read anew for every row of a, n³ × 8 bytes from wherever b lies. `blocked` keeps a tile of 8 × 256 numbers of b
(16 KiB) in L1 for 128 rows of a and of the product (256 KiB, in L2), and adds eight products before it stores: 9 loads
and a store for eight multiply-adds instead of 16 and 8, nearly all from L1.

Rows of an odd number of lines spread a column over all sets of a cache: then even a naive transposition finds in L2
what it fetched a column ago, and blocking gains little. Where a row is a multiple of 4 KiB, as with powers of two, all
lines of a column compete for one set of L1 and a few of L2 (conflict misses), and blocking gains several times. So
transposition is measured at two lengths that differ by 0.4%.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...protocols import Results
from ...record.phrases import against, compared, largest, marked, of_limit, ranked

WORDS = 8  # numbers in a line of 64 bytes
ACROSS = 64  # of a transposition: blocks of 8 rows with 8 lines each become 64 rows with one, 4 KiB each
DEEP, WIDE = 8, 256  # of a product: rows and columns of b in a tile, 16 KiB
TALL = 128  # rows of the product in a panel, 256 KiB
# Rows of 255 and of 256 lines; 33 MB a matrix. 256 lines are four pages: a column's lines then share one set of L1.
TRANSPOSED = (2040, 2048)
LARGER = (3064, 3072)  # 383 and 384 lines, six pages; 75 MB
MULTIPLIED = 408  # 51 lines; 1.3 MB a matrix, beyond L1 and many an L2
LIMITS = {"transpose": "copy", "matmul": "fma"}

bench = Bench(
    "access.blocking",
    question="How much faster are loops in the right order, and in blocks that fit a cache?",
    axes={"work": ("transpose",), "n": TRANSPOSED},
    sweeps=({"work": ("matmul",), "n": (MULTIPLIED,)},),
    quick={"n": (1016,)},
    full={"n": (120, MULTIPLIED, 1016, 1024, *TRANSPOSED, *LARGER)},
    baseline="naive",
    measures="blocking",
    core=False,
)

# --- kernels ----------------------------------------------------------------------------------------------------------


@compiled
def transpose_naive(a: np.ndarray, _b: np.ndarray, out: np.ndarray) -> None:
    """Along the rows of a, down the columns of out."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[j, i] = a[i, j]


@compiled
def transpose_swapped(a: np.ndarray, _b: np.ndarray, out: np.ndarray) -> None:
    """Along the rows of out, down the columns of a."""
    for j in range(a.shape[1]):
        for i in range(a.shape[0]):
            out[j, i] = a[i, j]


@compiled
def transpose_blocked(a: np.ndarray, _b: np.ndarray, out: np.ndarray) -> None:
    """Block by block, down the columns of blocks; slices, whose indices from 0 on LLVM need not test."""
    for j in range(0, a.shape[1], ACROSS):
        for i in range(0, a.shape[0], WORDS):
            transpose_swapped(a[i : i + WORDS, j : j + ACROSS], _b, out[j : j + ACROSS, i : i + WORDS])


# fastmath for all three: without it the naive sum is a chain of dependent additions, which is another question.


@compiled(fastmath=True)
def matmul_naive(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """i, j, k: a row by a column for each element."""
    n = len(a)
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@compiled(fastmath=True)
def matmul_swapped(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """i, k, j: a number of a times a row of b, added to a row of the product."""
    n = len(a)
    out[:] = 0.0
    for i in range(n):
        for k in range(n):
            factor = a[i, k]
            for j in range(n):
                out[i, j] += factor * b[k, j]


@compiled(fastmath=True)
def matmul_blocked(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """The same by tiles of 8 rows of b, for a panel of rows of the product at a time.

    A tile is copied together first: its rows lie n numbers apart, which may crowd them into a few sets of L1.
    """
    n = len(a)
    tile = np.empty((DEEP, WIDE))
    out[:] = 0.0
    for left in range(0, n, WIDE):
        right = min(left + WIDE, n)
        for top in range(0, n, TALL):
            for k in range(0, n, DEEP):
                for deep in range(DEEP):
                    source, target = b[k + deep][left:right], tile[deep]
                    for j in range(len(source)):
                        target[j] = source[j]
                for i in range(top, min(top + TALL, n)):
                    # a slice of a row, since Numba does not know that a[i, k:…] is contiguous
                    f, row = a[i][k : k + DEEP], out[i][left:right]
                    f0, f1, f2, f3, f4, f5, f6, f7 = f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]
                    for j in range(len(row)):
                        row[j] += (f0 * tile[0, j] + f1 * tile[1, j] + f2 * tile[2, j] + f3 * tile[3, j]) + (
                            f4 * tile[4, j] + f5 * tile[5, j] + f6 * tile[6, j] + f7 * tile[7, j]
                        )


KERNELS: dict[str, dict[str, Callable[..., None]]] = {
    "transpose": {"naive": transpose_naive, "loop-order": transpose_swapped, "blocked": transpose_blocked},
    "matmul": {"naive": matmul_naive, "loop-order": matmul_swapped, "blocked": matmul_blocked},
}

# --- the bench --------------------------------------------------------------------------------------------------------


@bench.inputs
def matrices(rng: np.random.Generator, work: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two matrices of small whole numbers, all of whose sums of products are exact; a transposition takes one."""
    if n % WORDS:
        raise Skip("bad_value", f"n = {n} is no whole number of cache lines; take a multiple of {WORDS}")
    a = rng.integers(0, 16, (n, n), dtype=np.int8).astype(np.float64)
    b = rng.integers(0, 16, (n, n), dtype=np.int8).astype(np.float64) if work == "matmul" else a
    return a, b


@bench.reference
def reference(a: np.ndarray, b: np.ndarray, work: str) -> np.ndarray:
    """What NumPy gives."""
    return np.ascontiguousarray(a.T) if work == "transpose" else a @ b


@bench.counts
def counts(work: str, n: int) -> dict[str, float]:
    """A transposition reads and writes each element once; a product does n multiply-adds for each."""
    return {"bytes": 16 * n * n, "items": n * n} if work == "transpose" else {"flops": 2 * n**3}


@bench.memory
def memory(n: int) -> int:
    """An output for each variant, and at most two inputs that they share."""
    return 8 * n * n * 5 // 3


def work_of(way: str, a: np.ndarray, b: np.ndarray, work: str) -> Work:
    """The kernel on these matrices."""
    kernel, out = KERNELS[work][way], np.full_like(a, np.nan)
    footprint = (2 if work == "transpose" else 3) * a.nbytes
    return Work(lambda: kernel(a, b, out), output=lambda: out, facts={"footprint": footprint})


@bench.variant("naive")
def naive(a: np.ndarray, b: np.ndarray, work: str) -> Work:
    """The loops as the formula has them."""
    return work_of("naive", a, b, work)


@bench.variant("loop-order")
def loop_order(a: np.ndarray, b: np.ndarray, work: str) -> Work:
    """The inner loops swapped."""
    return work_of("loop-order", a, b, work)


@bench.variant("blocked")
def blocked(a: np.ndarray, b: np.ndarray, work: str) -> Work:
    """In blocks that stay in L1 until they are used up."""
    return work_of("blocked", a, b, work)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What blocks and loop order bring to each work, and what share of the limit blocks reach."""
    names = {"transpose": "transposition", "matmul": "matrix product"}
    found: list[tuple[float, str]] = []
    for work, name in names.items():
        for n in dict.fromkeys(r.params["n"] for r in results.records if r.params["work"] == work):
            swapped, tiled = (results.ratio(way, "naive", work=work, n=n) for way in ("loop-order", "blocked"))
            if swapped is None or tiled is None:
                continue
            shares = [results.share(way, LIMITS[work], work=work, n=n) for way in ("blocked", "naive")]
            said = f"Blocked {name}, {n} × {n} float64 (1 thread): {against(tiled, 'plain loops')}"
            if shares[0] is not None and shares[1] is not None:
                limit = "copy bandwidth" if work == "transpose" else "the peak"
                said += f", {of_limit(shares[0], limit)} instead of {shares[1].text}"
            said += f"; loop interchange alone: {compared(swapped)}"
            records = [results.find(way, work=work, n=n) for way in ("naive", "loop-order", "blocked")]
            found.append((largest([tiled, swapped]), marked(said, *records)))
    yield from ranked(found)
