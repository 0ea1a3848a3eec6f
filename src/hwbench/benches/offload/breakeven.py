"""Break-even: from which size on it pays to hand work to the GPU.

The GPU computes faster, but the data has to get there and back, and a launch takes longer than a small array on the
CPU. `cupy` sends the operands, computes and fetches the result each time; `resident` keeps all of it on the device and
pays only the launch. They are compared with NumPy and with the same on all CPUs.

How soon the GPU wins depends on the arithmetic intensity: an addition does 1 operation for 12 bytes sent, a sum 1 for
4, a fast Fourier transform some log n, a product of matrices √n.

`n` counts the elements of one operand, float32 (complex64 for the FFT); matrices are √n × √n. Times are the host's,
the wait for the GPU included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numba import prange

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...protocols import Array, Call, Cpu, DeviceArray, Gpu, Results
from ...record import phrases, text
from ...record.estimate import Estimate
from ...record.model import Record
from .._gpu import library

WORKS = ("add", "sum", "matmul", "fft")
NAMES = {"add": "adding two arrays", "sum": "summing an array", "matmul": "a product of matrices", "fft": "an FFT"}
DECADE = 10  # an interval of n that is wider is no crossover
OPERANDS = {"add": 3, "sum": 1, "matmul": 3, "fft": 4}  # float32 arrays of n that a call reads and writes

bench = Bench(
    "offload.breakeven",
    question="From which size on is the GPU faster, with and without the way there and back?",
    axes={"work": WORKS, "n": tuple(4**i for i in range(5, 12))},
    sweeps=({"work": ("add", "sum", "fft"), "n": (4**12,)},),
    quick={"n": (4**5, 4**8, 4**10)},
    baseline="numpy",
    measures="break-even",
    version=2,
    core=False,
    about="gpu",
)


@compiled(parallel=True)
def add_on_all(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """Element by element, c = a + b."""
    for i in prange(len(a)):
        c[i] = a[i] + b[i]


@compiled(parallel=True, fastmath=True)
def sum_on_all(a: np.ndarray) -> np.float32:
    """The sum of `a`."""
    total = np.float32(0)
    for i in prange(len(a)):
        total += a[i]
    return total


@bench.inputs
def operands(rng: np.random.Generator, work: str, n: int) -> tuple[np.ndarray, ...]:
    """One operand or two; the FFT's has no mean, whose rounding error would drown the rest."""
    if work == "fft":
        parts = rng.random((2, n), dtype=np.float32) - np.float32(0.5)
        return ((parts[0] + 1j * parts[1]).astype(np.complex64),)
    if work == "sum":
        return (rng.random(n, dtype=np.float32),)
    side = side_of(n)
    shape = (side, side) if work == "matmul" else (n,)
    return rng.random(shape, dtype=np.float32), rng.random(shape, dtype=np.float32)


def side_of(n: int) -> int:
    """Rows of a square matrix of at most n elements."""
    return max(1, math.isqrt(n))


@bench.reference
def reference(work: str, a: np.ndarray, b: np.ndarray | None = None) -> Array | np.float32:
    """The answer in twice the precision, rounded once."""
    if work == "fft":
        import scipy.fft

        return np.asarray(scipy.fft.fft(a.astype(np.complex128)).astype(np.complex64))
    if work == "sum" or b is None:
        return np.float32(a.sum(dtype=np.float64))
    if work == "matmul":
        return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.float32)
    return np.asarray(a + b)


@bench.counts
def counts(work: str, n: int) -> dict[str, float]:
    """Elements of an operand; operations; bytes of all operands and the result."""
    flops = {"add": n, "sum": n, "matmul": 2.0 * side_of(n) ** 3, "fft": 5 * n * math.log2(max(n, 2))}[work]
    return {"items": n, "flops": flops, "bytes": 4 * n * OPERANDS[work] + 4 * (work == "sum")}


@bench.memory
def memory(work: str, n: int) -> int:
    """All operands, and what CuPy keeps of them."""
    return 8 * n * OPERANDS[work]


def facts(work: str, n: int) -> dict[str, int]:
    """The bytes that a call touches."""
    return {"footprint": 4 * n * OPERANDS[work]}


@bench.variant("numpy")
def in_numpy(device: Cpu, work: str, n: int, a: np.ndarray, b: Any = None) -> Work:
    """NumPy: np.add, a.sum(), np.matmul (BLAS, on all CPUs), np.fft.fft."""
    c = np.full_like(a, np.nan)
    calls: dict[str, Call] = {
        "add": lambda: np.add(a, b, out=c),
        "sum": a.sum,
        "matmul": lambda: np.matmul(a, b, out=c),
        "fft": partial(np.fft.fft, a),
    }
    if work != "matmul":
        return Work(calls[work], facts=facts(work, n))
    product: Work = device.blas(calls[work], device.host.usable, output=lambda: c, facts=facts(work, n))
    return product


@bench.variant("parallel")
def on_all_cpus(device: Cpu, work: str, n: int, a: np.ndarray, b: Any = None) -> Work:
    """All CPUs: Numba's prange, and for the FFT SciPy's workers."""
    if work == "matmul":
        raise Skip("no_such_case", "NumPy's product is on all CPUs already")
    if work == "fft":
        import scipy.fft

        workers = device.host.usable
        return Work(lambda: scipy.fft.fft(a, workers=workers), facts=facts(work, n) | {"threads": workers})
    c = np.full_like(a, np.nan)
    if work == "add":
        made: Work = device.pooled(partial(add_on_all, a, b, c), output=lambda: c, facts=facts(work, n))
    else:
        found: list[np.float32 | None] = [None]

        def call() -> None:
            found[0] = sum_on_all(a)

        made = device.pooled(call, output=lambda: np.float32(found[0]), facts=facts(work, n))
    return made


def on_gpu(device: Gpu, work: str) -> Callable[..., DeviceArray]:
    """The operation in CuPy; Skip where the library that it takes is not installed."""
    xp = device.xp
    if work == "matmul":
        library(device, "cuBLAS", lambda: xp.cuda.device.get_cublas_handle())
        product: Callable[..., DeviceArray] = xp.matmul
        return product
    if work == "fft":
        one = device.put(np.ones(2, np.complex64))
        library(device, "cuFFT", lambda: xp.fft.fft(one))
        transform: Callable[..., DeviceArray] = xp.fft.fft
        return transform
    operation: Callable[..., DeviceArray] = {"add": xp.add, "sum": xp.sum}[work]
    return operation


@bench.variant("cupy", on="gpu", inputs="host")
def there_and_back(device: Gpu, work: str, n: int, a: np.ndarray, b: np.ndarray | None = None) -> Work:
    """CuPy: cupy.asarray of each operand, the operation, cupy.asnumpy of its result."""
    xp, operation = device.xp, on_gpu(device, work)
    given = (a,) if b is None else (a, b)
    found: list[Any] = [None]

    def call() -> None:
        found[0] = xp.asnumpy(operation(*(xp.asarray(x) for x in given)))

    made: Work = device.host_timed(
        call, output=lambda: found[0][()], sync="none", facts=facts(work, n) | {"transfers": True}
    )
    return made


@bench.variant("resident", on="gpu")
def on_the_device(device: Gpu, work: str, n: int, a: DeviceArray, b: DeviceArray | None = None) -> Work:
    """CuPy on arrays that lie on the device and stay there; one wait at the end of a sample."""
    operation = on_gpu(device, work)
    given = (a,) if b is None else (a, b)
    found: list[Any] = [None]

    def call() -> None:
        found[0] = operation(*given)

    made: Work = device.host_timed(
        call, output=lambda: device.get(found[0])[()], sync="end", facts=facts(work, n) | {"transfers": False}
    )
    return made


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The sizes from which the GPU wins; without a GPU, what all CPU threads gain."""
    by_gpu = False
    for variant, how in (("cupy", "transfers included"), ("resident", "data already on the GPU")):
        told = []
        for work in WORKS:
            pairs = against_cpu(results, work, variant)
            if len(pairs) > 1:
                used = tuple(record for _, cpu, gpu in pairs for record in (cpu, gpu))
                told.append(phrases.Item(f"{NAMES[work]} {_won(results, pairs)}", used))
        if told:
            by_gpu = True
            yield f"GPU against the fastest CPU variant, {how}: {phrases.entries(told)}."
    if not by_gpu:
        yield from _on_the_cpu(results)


def against_cpu(results: Results, work: str, variant: str) -> list[tuple[int, Record, Record]]:
    """By n in ascending order: the faster of the CPU's records, and that of a GPU variant."""
    pairs = []
    for n in sorted({int(record.params["n"]) for record in results.records if record.params["work"] == work}):
        gpu = results.find(variant, work=work, n=n)
        cpu = [found for name in ("numpy", "parallel") if (found := results.find(name, work=work, n=n)) is not None]
        if gpu is not None and cpu:
            pairs.append((n, min(cpu, key=lambda record: float(np.median(record.samples))), gpu))
    return pairs


def _won(results: Results, pairs: Sequence[tuple[int, Record, Record]]) -> str:
    """From which n on the GPU is faster, within the range that was measured."""
    found = results.fits.breakeven([(n, cpu.samples, gpu.samples) for n, cpu, gpu in pairs])
    first, last = pairs[0][0], pairs[-1][0]
    if found.n is None:
        return (
            f"faster at every n from {text.count(first)}"
            if found.state == "always" else f"not faster up to n = {text.count(last)}"
        )  # fmt: skip
    low, high = (float(min(max(n, first), last)) for n in (found.n.low, found.n.high))
    if high >= DECADE * low:
        return f"without a clear crossover (n = {text.count(low)}–{text.count(high)})"
    return f"faster from n ≈ {text.count(Estimate(found.n.value, low, high))}"


def _on_the_cpu(results: Results) -> Iterator[str]:
    """All CPU threads against NumPy at the largest n of each work."""
    told = []
    for work in WORKS:
        sizes = sorted({int(record.params["n"]) for record in results.records if record.params["work"] == work})
        both = [(results.find("parallel", work=work, n=n), results.find("numpy", work=work, n=n), n) for n in sizes]
        for every, one, n in both[::-1]:
            if every is not None and one is not None:
                ratio = phrases.compared(results.versus(every, one))
                told.append(phrases.Item(f"{NAMES[work]} {ratio} at n = {text.count(n)}", (every, one)))
                break
    if told:
        yield f"All CPU threads against NumPy: {phrases.entries(told)}."
