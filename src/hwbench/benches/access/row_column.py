"""Row- against column-major access: what walking across the layout costs.

A C-ordered matrix keeps a row in consecutive cache lines. Along a row all 64 bytes of a line are used, one vector
instruction takes several elements, and the next line is prefetched. Down a column 8 of the 64 are used, elements come
one by one, and each step may be a new page, which no prefetcher follows.

The matrix is square, so that rows and columns are alike in number and length, and a Python loop costs the same. A side
is an odd number of cache lines: with a power of two all elements of a column would map to the same few sets of the
cache, which is another question (access.blocking). So the matrix may be much smaller than `size` (48 × 48 in f4 for
16 KiB), and is never larger. From some 2 MiB on, a step down a column is larger than a 4 KiB page.

From 256 MiB on the matrix is cut into bands, of rows for one variant and of columns for the other; a call sums one
band, the next call the next. Rows and columns keep their full length, and a band of columns is a whole number of lines
wide. Each band of rows crosses every band of columns, so at four times the last-level cache at most a quarter of a band
can still be cached from the other variant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...kernels.simd import clobber
from ...protocols import Cpu, Facts, Results
from ...record.model import LEVELS, Record, Scalar
from ...record.phrases import against, compared, largest, level, listed, marked, ranked, slower
from .._partitions import Partitions, parts_of

LINE = 64
SHARE = 4  # bands are a quarter of a usual part: 32 MiB, some 50 ms down its columns
THICK = 4  # lines that a band of columns has at least, roughly: from 100 GiB on it exceeds its share
TRIED = 5000  # numbers of bands to choose from, either way
VALUES = 16  # whole numbers below this: sums of a row or column stay below 2²⁴, so that nothing rounds even in f4

row_column = Bench(
    "access.row_column",
    question="How much slower is a column than a row of a row-major matrix?",
    axes={"size": ("L1", "L2", "L3", "DRAM"), "dtype": ("f8",), "layout": ("C",)},
    standard={"variant": ("row", "column")},  # NumPy's sums in memory, where the order counts most
    sweeps=({"size": ("DRAM",), "variant": ("numpy-row", "numpy-column")},),
    quick={"size": ("L1", "DRAM")},
    full={"dtype": ("f4", "f8"), "layout": ("C", "F")},
    baseline="row",
    measures="row and column",
    limit="load",
    tolerance=0.0,
    version=4,
)

# --- kernels ----------------------------------------------------------------------------------------------------------
# fastmath for both: without it additions keep their order, and a chain of them (4 cycles each) would hide what memory
# does. The clobber after each inner loop keeps LLVM from interchanging the loops.


@compiled(fastmath=True)
def sum_by_rows(a: np.ndarray, passes: int) -> float:
    """The sum of all elements, row after row, `passes` times over."""
    total = 0.0
    for _ in range(passes):
        total = 0.0
        for i in range(a.shape[0]):
            part = a.dtype.type(0)
            for j in range(a.shape[1]):
                part += a[i, j]
            total += part
            clobber()
    return total


@compiled(fastmath=True)
def sum_by_columns(a: np.ndarray, passes: int) -> float:
    """The sum of all elements, column after column, `passes` times over."""
    total = 0.0
    for _ in range(passes):
        total = 0.0
        for j in range(a.shape[1]):
            part = a.dtype.type(0)
            for i in range(a.shape[0]):
                part += a[i, j]
            total += part
            clobber()
    return total


def sum_views(views: np.ndarray) -> float:
    """The sum of all elements, one `sum()` for each view along the first axis.

    A plain loop, as in code that needs each row or column by itself. `a.sum(axis=0)` would not walk down columns: NumPy
    adds whole rows to a row of sums.
    """
    total = np.float64(0)
    for view in views:
        total += view.sum()
    return float(total)


# --- the bench --------------------------------------------------------------------------------------------------------


def shape(size: int, itemsize: int) -> tuple[int, int]:
    """The side of the largest square matrix of at most `size` bytes, and into how many bands it is cut.

    A side is an odd number of lines long, in as many equal parts, of whole lines, as there are bands, an odd number.
    """
    in_line = LINE // itemsize
    lines = math.isqrt(size // itemsize) // in_line
    if lines == 0:
        raise Skip("too_small", f"{size} bytes are too few: a square whose rows are a line long has {LINE * in_line}")
    usual = min(parts_of(size, SHARE), max(_odd(lines // THICK), 1))
    # A third more or fewer bands are tried: more candidate lengths, one of them nearer to the size.
    apart = min(usual // 3 + 1, TRIED)
    cuts = [(parts, _odd(lines // parts)) for parts in range(usual - apart | 1, usual + apart + 1, 2)]
    parts, band = max(cuts, key=lambda cut: (cut[0] * cut[1], -abs(cut[0] - usual)))
    return parts * band * in_line, parts


def _odd(number: int) -> int:
    """The largest odd number up to this one."""
    return number - 1 + number % 2


@row_column.inputs
def matrix(
    rng: np.random.Generator, size: int, dtype: np.dtype, layout: str, device: Cpu
) -> tuple[np.ndarray, Partitions]:
    """Small whole numbers in a square matrix of `size` bytes, in C or Fortran order, and its partitions."""
    side, parts = shape(size, dtype.itemsize)
    a = device.host_empty((side, side), dtype)
    a = a.T if layout == "F" else a
    a[:] = rng.integers(0, VALUES, a.shape, dtype=np.int8)
    return a, Partitions(parts)


@row_column.reference
def reference(a: np.ndarray, partitions: Partitions, variant: str) -> float:
    """The sum of the bands that are checked, of rows or of columns; exact."""
    down = variant in ("column", "numpy-column")
    bands = np.split(a, partitions.parts, axis=int(down))[: partitions.checked]
    return float(sum(band.sum(dtype=np.float64) for band in bands))


@row_column.counts
def counts(a: np.ndarray, partitions: Partitions) -> dict[str, float]:
    """Each element of a part is read once and added once."""
    return {
        "bytes": a.nbytes // partitions.parts,
        "flops": a.size // partitions.parts,
        "items": a.size // partitions.parts,
    }


@row_column.variant("row")
def row(a: np.ndarray, partitions: Partitions) -> Work:
    """Numba, the inner loop along a row."""
    return compiled_loop(sum_by_rows, np.split(a, partitions.parts, axis=0), a, partitions)


@row_column.variant("column")
def column(a: np.ndarray, partitions: Partitions) -> Work:
    """Numba, the inner loop down a column."""
    return compiled_loop(sum_by_columns, np.split(a, partitions.parts, axis=1), a, partitions)


@row_column.variant("numpy-row")
def numpy_row(a: np.ndarray, partitions: Partitions) -> Work:
    """NumPy, row.sum() for each row."""
    return python_loop(np.split(a, partitions.parts), a, partitions)


@row_column.variant("numpy-column")
def numpy_column(a: np.ndarray, partitions: Partitions) -> Work:
    """NumPy, column.sum() for each column."""
    return python_loop(np.split(a.T, partitions.parts), a, partitions)


def compiled_loop(
    kernel: Callable[[np.ndarray, int], float], bands: Sequence[np.ndarray], a: np.ndarray, partitions: Partitions
) -> Work:
    """A kernel on a band a call.

    Bands are views. To Numba one of rows is as contiguous as the matrix, so that it is added in vectors; one of columns
    is not, but down a column nothing was contiguous before.
    """
    return partitions.work(lambda part: kernel(bands[part], 1), repeat=lambda n: kernel(a, n), facts=facts(a))


def python_loop(bands: Sequence[np.ndarray], a: np.ndarray, partitions: Partitions) -> Work:
    """The loop over the rows or columns of a band a call."""
    return partitions.work(lambda part: sum_views(bands[part]), facts=facts(a))


def facts(a: np.ndarray) -> Facts:
    """What lies where: the footprint, the shape, and the step down a column in bytes."""
    return {"footprint": a.nbytes, "rows": a.shape[0], "columns": a.shape[1], "step_bytes": a.strides[0]}


@row_column.finding
def finding(results: Results) -> Iterator[str]:
    """What a column costs in the furthest level, in nearer ones, and in NumPy; the largest effects first."""
    found: list[tuple[float, str]] = []
    in_c = [record for record in results.records if record.params["layout"] == "C"]
    levels = list(dict.fromkeys(str(record.params["size"]) for record in in_c))
    for dtype in dict.fromkeys(str(record.params["dtype"]) for record in results.records):
        here = {"dtype": dtype, "layout": "C"}
        by_level = {size: results.ratio("column", "row", size=size, **here) for size in levels}
        ratios = {size: ratio for size, ratio in by_level.items() if ratio is not None}
        if not ratios:
            continue
        furthest = list(ratios)[-1]
        kind = np.dtype(dtype)
        place = f"in {level(furthest)} ({kind.name}, 1 thread)"
        why = ""
        if furthest == LEVELS[-1] and slower(ratios[furthest]):
            why = f": it uses {kind.itemsize} bytes of each {LINE}-byte line that it fetches"
        said = f"Summing down columns {place} is {against(ratios[furthest], 'along rows')}{why}"
        found.append((ratios[furthest].value, marked(said, *_pair(results, "column", "row", size=furthest, **here))))
        nearer = {size: ratio for size, ratio in ratios.items() if size != furthest}
        if nearer:
            each = listed(f"{compared(ratio)} in {level(size)}" for size, ratio in nearer.items())
            pairs = [one for size in nearer for one in _pair(results, "column", "row", size=size, **here)]
            why = ": column elements are not loaded as vectors" * all(map(slower, nearer.values()))
            said = f"Column sums against row sums in nearer levels ({kind.name}, 1 thread): {each}{why}"
            found.append((largest([*nearer.values()]), marked(said, *pairs)))
        in_numpy = results.ratio("numpy-column", "numpy-row", size=furthest, **here)
        if in_numpy is not None:
            said = f"A call of NumPy for each column {place} is {against(in_numpy, 'a call for each row')}"
            pair = _pair(results, "numpy-column", "numpy-row", size=furthest, **here)
            found.append((in_numpy.value, marked(said, *pair)))
    yield from ranked(found)


def _pair(results: Results, one: str, other: str, **place: Scalar) -> tuple[Record | None, Record | None]:
    return results.find(one, **place), results.find(other, **place)
