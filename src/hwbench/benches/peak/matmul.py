"""Matrix multiplication in NumPy: what share of the floating-point peak BLAS reaches, and from which size on.

C = A·B of n × n matrices does 2n³ operations on 3n² numbers: an arithmetic intensity of n/12 FLOP per byte of float64.
BLAS cuts the matrices into tiles that stay in L1 and L2 while they are used n times, and keeps a tile of C in
registers. So the curve rises with n towards the peak of `peak.fma` and stays there: a library with kernels for this CPU
reaches 80 to 95% of it. Three things keep it below at small n: the call itself (1 µs is 10⁵ operations on one core),
packing A and B into tiles, and partial tiles at the edges; with several threads also waking them, which is why small
matrices are often faster on one.

What to look at: the n at which half of the peak is reached, by how much all threads beat one, and float32 against
float64, where twice the lanes should give twice the rate. A plateau far below the peak means that BLAS has no kernel
for this CPU (the record names the library and the kernel it chose), or that the clock falls under load
(`clock.frequency`).

The numbers are small and whole, so that no sum rounds in f4 or f8, in whatever order BLAS adds. The product is checked
from both sides, C·v against A·(B·v) and wᵀ·C against (wᵀ·A)·B with random v and w (Freivalds): a wrong element
anywhere shows, and the check costs n² where the product costs n³.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ...bench import Bench, Work
from ...protocols import Cpu, Results
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.facts import threads_of
from ...record.model import Record
from ...record.phrases import counted, listed, marked, of_limit
from ...record.reasons import has

LARGEST = 8  # elements are below it: n × 49 is exact in f4 up to n = 340 000

bench = Bench(
    "peak.matmul",
    question="How much of the floating-point peak does NumPy's matrix product reach?",
    axes={"n": (1024,), "dtype": ("f8", "f4"), "threads": (1, "all")},
    sweeps=(
        {"n": (32, 64), "dtype": ("f8",), "threads": (1,)},  # BLAS uses no more for so few
        {"n": (128, 256, 512), "dtype": ("f8",)},
    ),
    quick={"n": (64, 512), "dtype": ("f8",)},
    full={"n": (16, 32, 64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)},
    baseline="numpy",
    measures="matrix product",
    limit="fma",
    leading="flops",
    tolerance=0.0,
    core=False,
)


@bench.inputs
def matrices(rng: np.random.Generator, n: int, dtype: np.dtype) -> tuple[np.ndarray, ...]:
    """A and B (n × n) of whole numbers below 8, and two vectors of whole numbers from 1 to 8 to check C with."""
    a, b = (rng.integers(0, LARGEST, (n, n), dtype=np.int8).astype(dtype) for _ in range(2))
    v, w = (rng.integers(1, LARGEST + 1, n).astype(np.float64) for _ in range(2))
    return a, b, v, w


@bench.reference
def projections(a: np.ndarray, b: np.ndarray, v: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A·(B·v) and (wᵀ·A)·B, exact in float64, without BLAS: einsum's own loops."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    right = np.einsum("ij,j->i", wide_a, np.einsum("ij,j->i", wide_b, v))
    left = np.einsum("i,ij->j", np.einsum("i,ij->j", w, wide_a), wide_b)
    return right, left


@bench.counts
def counts(n: int, dtype: np.dtype) -> dict[str, float]:
    """A multiplication and an addition for each of n³ pairs; three matrices moved at least once."""
    return {"flops": 2 * n**3, "bytes": 3 * n * n * dtype.itemsize}


@bench.memory
def memory(n: int, dtype: np.dtype) -> int:
    """Three matrices, and wide copies of them for the check."""
    return 3 * n * n * (dtype.itemsize + 8)


@bench.variant("numpy")
def in_numpy(
    a: np.ndarray, b: np.ndarray, v: np.ndarray, w: np.ndarray, device: Cpu, dtype: np.dtype, threads: int
) -> Work:
    """NumPy's matmul(a, b, out=c), which is BLAS's gemm."""
    c = np.full_like(a, np.nan)

    def output() -> tuple[np.ndarray, np.ndarray]:
        wide = c.astype(np.float64)
        return np.einsum("ij,j->i", wide, v), np.einsum("i,ij->j", w, wide)

    work: Work = device.blas(
        partial(np.matmul, a, b, out=c),
        threads,
        output=output,
        facts={"footprint": 3 * len(a) ** 2 * dtype.itemsize // threads, "n": len(a)},
    )
    return work


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The best rate of each precision on one thread and on all, its share of the peak, and from which n half of it."""
    for dtype, name in (("f8", "float64"), ("f4", "float32")):
        said: list[str] = []
        used: list[Record] = []
        for threads in (1, "all"):
            here = [
                r for r in results.records if r.timed and (r.params["dtype"], r.params["threads"]) == (dtype, threads)
            ]
            if not here or any(threads_of(one) == threads_of(here[0]) for one in used):
                continue
            best = max(here, key=lambda r: (not has(r.reasons, "implausible"), _rate(r).value))
            half = min(int(r.params["n"]) for r in here if _rate(r).value >= _rate(best).value / 2)
            share = results.share("numpy", n=best.params["n"], dtype=dtype, threads=threads)
            of_peak = f", {of_limit(share, 'peak')}" if share is not None else ""
            from_half = f"; half of that rate from n = {half} on" if half < int(best.params["n"]) else ""
            who = counted(threads_of(best), "thread")
            said.append(
                f"{text.rate(_rate(best), 'GFLOP/s')} on {who} (best at n = {best.params['n']}{of_peak}{from_half})"
            )
            used.append(best)
        if said:
            yield marked(f"NumPy's matrix product in {name}: {listed(said)}", *used)


def _rate(record: Record) -> Estimate:
    return estimate(record.samples).inverse(record.counts["flops"])
