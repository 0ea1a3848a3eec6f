"""Scaling: how much faster a prange loop gets with more threads, and what limits it.

Three loops, each with its own limit. The triad a = b + 3·c only moves memory, which all threads share: it stops scaling
at memory bandwidth. The polynomial does 256 operations for each 16 bytes it moves: it should scale with the cores. The
uneven loop's item i costs i operations; Numba splits a range into equal parts, one a thread, so that the last one has
most of the work and 1/(2/T - 1/T²) is the best speed-up with T threads (load imbalance).

Strong scaling keeps the work fixed; weak scaling gives each thread the same work, so that the time should stay. At all
threads both do the same. The loops run on Numba's own pool, unpinned, on arrays that the main thread touched first:
that is what Python code gets. Speed-ups are against the same code with one thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import prange

from ...bench import Bench, Threads, Work
from ...kernels.compiling import compiled
from ...protocols import Cpu, Results
from ...record import text
from ...record.estimate import estimate
from ...record.facts import threads_of
from ...record.model import LEVELS, Record
from ...record.phrases import against, counted, marked, of_limit, ranked
from .._digests import digest

SCALE = 3.0
# The series of the sine down from x¹⁵: exact to rounding for |x| ≤ 1, where each of its terms changes the answer, so
# that a missing one shows; and sin(sin(…)) damps errors.
SINE = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(7, -1, -1))
LOWER = SINE[1:]
ROUNDS = 16
BLOCK = 1024  # elements that the polynomial takes at a time: 8 KiB, so that its rounds find them in L1
POLYNOMIAL_FLOPS = ROUNDS * (2 + 2 * (len(SINE) - 1))  # 256 an element: x², 7 fma, times x
POLYNOMIAL_N = 2**21  # 0.5 Gflop: 10 ms on one core, and still longer than waking the pool on many
CHUNK = 2**18  # elements at a time where NumPy needs arrays between: 2 MiB
UNEVEN_N = 2**13  # 67 Mflop, on 64 KiB

scaling_bench = Bench(
    "parallel.scaling",
    question="How much faster are memory-bound, compute-bound and uneven loops on more threads?",
    axes={"work": ("triad", "polynomial", "uneven"), "scaling": ("strong", "weak"), "threads": (Threads(),)},
    quick={"scaling": ("strong",)},
    together=("threads",),
    baseline="prange",
    measures="scaling",
    scratch=("out",),
    version=1,
)

# --- kernels ----------------------------------------------------------------------------------------------------------


@compiled(parallel=True)
def triad(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """Two arrays into one: x + 3·y."""
    for i in prange(len(out)):
        out[i] = x[i] + SCALE * y[i]


@compiled(fastmath={"contract"})
def sines(part: np.ndarray) -> None:
    """Replace each x of a block by the sine of the sine … of x, ROUNDS times, each by Horner's rule.

    A separate function: inside the prange loop LLVM does not unroll the rule, and so does not vectorize the block.
    """
    for _ in range(ROUNDS):
        for i in range(len(part)):
            x = part[i]
            z = x * x
            value = SINE[0]
            for k in range(len(SINE) - 1):
                value = value * z + LOWER[k]
            part[i] = x * value


@compiled(parallel=True)
def polynomial(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:  # noqa: ARG001 - called as the others are
    """The sines of x, a block at a time."""
    for block in prange((len(out) + BLOCK - 1) // BLOCK):
        first = block * BLOCK
        part = out[first : first + BLOCK]
        part[:] = x[first : first + BLOCK]
        sines(part)


@compiled(parallel=True, fastmath=True)
def uneven(x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """Item i is x[0]·y[0] + … + x[i]·y[i], summed from the beginning each time."""
    for i in prange(len(out)):
        total = 0.0
        for j in range(i + 1):
            total += x[j] * y[j]
        out[i] = total


KERNELS: dict[str, Callable[..., None]] = {"triad": triad, "polynomial": polynomial, "uneven": uneven}

# --- the bench --------------------------------------------------------------------------------------------------------


def full_length(work: str, device: Cpu) -> int:
    """Elements of what all threads do together: the triad's arrays are four times the last-level caches."""
    return {"triad": int(device.size("DRAM")) // 24, "polynomial": POLYNOMIAL_N, "uneven": UNEVEN_N}[work]


def length(work: str, scaling: str, threads: int, device: Cpu) -> int:
    """Elements for this many threads: all in strong scaling, in weak scaling a part of the work in proportion."""
    full = full_length(work, device)
    if scaling == "strong":
        return full
    share = min(1.0, threads / device.host.usable)
    # the uneven loop's work grows with the square of its length
    return max(1, round(full * (math.sqrt(share) if work == "uneven" else share)))


@scaling_bench.inputs
def arrays(rng: np.random.Generator, work: str, device: Cpu) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two arrays to read and one to write, in full length; all thread counts share them, and take what they need."""
    n = full_length(work, device)
    if work == "polynomial":
        x = rng.uniform(-1.0, 1.0, n)
        return x, x, np.empty(n)
    x, y, out = (device.host_empty(n, np.float64) for _ in range(3))
    for numbers in (x, y):  # small and whole, so that no order of additions rounds
        numbers[:] = rng.integers(0, 16, n, dtype=np.int8)
    return x, y, out


def words(numbers: np.ndarray) -> np.ndarray:
    """The bits of float64 as whole numbers."""
    return numbers.view(np.int64)


@scaling_bench.reference
def reference(
    x: np.ndarray, y: np.ndarray, _out: np.ndarray, work: str, scaling: str, threads: int, device: Cpu
) -> np.ndarray:
    """The same by NumPy: for the polynomial by its own sine, for the uneven loop by one running sum.

    Of the triad, whose arrays are as large as memory is, the digest, which no wrong or misplaced element leaves alone.
    """
    n = length(work, scaling, threads, device)
    x, y = x[:n], y[:n]
    if work == "triad":
        sums = [digest(words(x[i : i + CHUNK] + SCALE * y[i : i + CHUNK]), i) for i in range(0, n, CHUNK)]
        return np.array([np.array(sums).sum()])
    if work == "uneven":
        return np.cumsum(x * y)
    with ThreadPoolExecutor(device.host.usable) as pool:
        return np.concatenate([*pool.map(sine_of_sine, np.array_split(x, device.host.usable))])


def sine_of_sine(x: np.ndarray) -> np.ndarray:
    """ROUNDS times, by NumPy."""
    found: np.ndarray = np.sin(x)
    for _ in range(ROUNDS - 1):
        np.sin(found, out=found)
    return found


@scaling_bench.counts
def counts(work: str, scaling: str, threads: int, device: Cpu) -> dict[str, float]:
    """Arrays read and written once, and the operations of each element."""
    n = length(work, scaling, threads, device)
    flops = {"triad": 2 * n, "polynomial": POLYNOMIAL_FLOPS * n, "uneven": n * (n + 1)}[work]
    return {"bytes": {"triad": 24, "polynomial": 16, "uneven": 24}[work] * n, "flops": flops, "items": n}


@scaling_bench.memory
def memory(work: str, device: Cpu) -> int:
    """Three arrays in full length (the polynomial: two)."""
    return (16 if work == "polynomial" else 24) * full_length(work, device)


@scaling_bench.variant("prange")
def threaded(x: np.ndarray, y: np.ndarray, out: np.ndarray, work: str, scaling: str, threads: int, device: Cpu) -> Work:
    """Numba's prange, on its own pool."""
    n = length(work, scaling, threads, device)
    out[:] = np.nan  # all thread counts share it; none may pass with another's answer
    x, y, out = x[:n], y[:n], out[:n]
    kernel = KERNELS[work]

    def output() -> np.ndarray:
        return np.array([digest(words(out))]) if work == "triad" else out

    footprint = (16 if work == "polynomial" else 24) * n // threads
    pooled: Work = device.pooled(
        lambda: kernel(x, y, out), threads, output=output, facts={"footprint": footprint, "n": n}
    )
    return pooled


# --- what it says -----------------------------------------------------------------------------------------------------

LOOPS = {
    "triad": "Memory-bound loop (triad)",
    "polynomial": "Compute-bound loop",
    "uneven": "Loop with uneven items in equal parts",
}


def serial_fraction(speedup: float, threads: int) -> float:
    """The share of the work that behaves as if one thread did it (Karp & Flatt, CACM 33(5), 1990)."""
    return (1 / speedup - 1 / threads) / (1 - 1 / threads)


def even_parts(threads: int) -> float:
    """The best speed-up of items that cost 1, 2, 3 … in equal parts: the last part is 1 - (1 - 1/T)² of the work."""
    return 1 / (2 / threads - 1 / threads**2)


@scaling_bench.finding
def finding(results: Results) -> Iterator[str]:
    """Speed-up and efficiency of each loop at all threads, and what bounds them; the largest speed-up first."""
    found = []
    for work, name in LOOPS.items():
        pair = results.one_and_most(work=work, scaling="strong")
        if pair is None:
            continue
        one, most = pair
        threads = threads_of(most)
        ratio = results.versus(most, one)
        speedup = 1 / ratio.value
        said = f"{name} on {counted(threads, 'thread')}: {against(ratio, 'on 1')}, "
        said += of_limit(speedup / threads, f"the ideal {threads}×")
        if work == "polynomial" and speedup > 1:  # where more threads are slower, no serial part explains it
            said += f", a serial fraction of {text.share(max(0.0, serial_fraction(speedup, threads)))}"
        if work == "uneven":
            said += f"; equal parts allow at most {text.times(even_parts(threads))}"
        if work == "triad":
            said += memory_allows(results, one, most)
        weak = results.one_and_most(work=work, scaling="weak")
        if weak is not None:
            efficiency = results.versus(*weak).value
            said += f"; {of_limit(efficiency, 'the ideal')} in weak scaling"
        found.append((ratio.value, marked(said, one, most, *(weak or ()))))
    yield from ranked(found)


def memory_allows(results: Results, one: Record, most: Record) -> str:
    """What more threads can bring where one alone draws much of the bandwidth of memory; "" where that is no bound."""
    limit = results.limit(most, "triad")
    if limit is None or limit.level != LEVELS[-1]:  # another level's bandwidth bounds nothing here
        return ""
    alone = one.counts["bytes"] / estimate(one.samples).value
    allowed = limit.value / alone
    if not 1 <= allowed < threads_of(most):
        return ""
    best = f"the limit (best sample of a triad on {counted(threads_of(most), 'thread')})"
    drawn, reached = text.rate(alone, "GB/s"), text.rate(limit.value, "GB/s") + " (suspect limit)" * bool(limit.suspect)
    return f"; 1 thread draws {drawn} and {best} is {reached}, which allows {text.times(allowed)}"
