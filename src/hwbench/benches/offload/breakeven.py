"""Break-even: from which size on it pays to hand work to the GPU.

The GPU computes faster, but the data has to get there and back, and a launch takes longer than a small array on the
CPU. `cupy` sends the operands, computes and fetches the result each time; `resident` keeps all of it on the device and
pays only the launch. They are compared with NumPy and with the same on all CPUs.

How soon the GPU wins depends on the arithmetic intensity: an addition does 1 operation for 12 bytes sent, a sum 1 for
4, a fast Fourier transform some log n, a product of matrices √n.

`opencl` and `opencl-resident` are the same by OpenCL, which brings no libraries: a plain kernel for each work, for
matrices with blocks in registers, for the FFT a launch for each pass of radix 4. Vendors' libraries may be faster.

`n` counts the elements of one operand, float32 (complex64 for the FFT); matrices are √n × √n. Times are the host's,
the wait for the GPU included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...protocols import Array, Call, Cpu, DeviceArray, Gpu, OpenCl, OpenClArgument, OpenClArray, OpenClEvent, Results
from ...record import phrases, text
from ...record.estimate import Estimate
from ...record.model import Record
from .. import _opencl as opencl
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
        raise Skip("no_such_case", "NumPy's product of matrices uses all CPUs already")
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


# --- OpenCL -----------------------------------------------------------------------------------------------------------

ROWS = 8  # of a product's block, as in breakeven.cl
LEAST_WIDTH = 4  # columns of it, on devices that make vectors of work-items
GROUP = 256


class InOpenCl(NamedTuple):
    """What enqueues the work, where its operands lie, and where its result."""

    launches: Sequence[Callable[[], OpenClEvent]]
    given: Sequence[OpenClArray]
    to: OpenClArray

    def enqueue(self) -> None:
        """Enqueue it once."""
        for launch in self.launches:
            launch()

    def fetched(self) -> Array | np.float32:
        """A copy of the result; a sum's is a number."""
        found = self.to.get()
        return np.float32(found[0]) if found.shape == (1,) else found


def in_opencl(device: OpenCl, work: str, given: Sequence[OpenClArray]) -> InOpenCl:
    """The operation on arrays of an OpenCL device; Skip for a size that its kernel does not take."""
    first = given[0]
    n, fused = math.prod(first.shape), f"-DFMA={'fma' if device.about.fused else 'mad'}"
    launcher = partial(device.launcher, "offload.breakeven")
    if work == "sum":
        groups, macros = device.groups, [*opencl.vectors(device, first.dtype), "-DALONE"]
        sums, to = device.empty(groups, np.float32), device.filled(1, np.float32(np.nan))
        parts: tuple[OpenClArgument, ...] = (first, first, sums, np.uint64(0), np.uint64(n))
        products = device.launcher("dsp.dot", "products", groups, device.group, parts, macros)
        total = device.launcher("dsp.dot", "total", 1, device.group, (sums, to, np.uint32(groups)), macros)
        return InOpenCl((products, total), given, to)
    if work == "matmul":
        side, width = first.shape[0], max(LEAST_WIDTH, device.width(np.float32))
        if side % ROWS or side % width:
            raise Skip("bad_value", f"the kernel takes sides that are multiples of {ROWS} and {width}, not {side}")
        items, to = side // width * (side // ROWS), device.empty(first.shape, np.float32)
        group, macros = math.gcd(items, device.group), [f"-DWIDTH={width}", fused]
        launch = launcher("matmul", items // group, group, (*given, to, np.uint32(side)), macros)
        return InOpenCl((launch,), given, to)
    if work == "fft":
        passes = round(math.log(n, 4))
        if n != 4**passes or not passes:
            raise Skip("bad_value", f"the kernel takes powers of 4, not {n} points")
        roots = device.put(np.exp(-2j * np.pi / n * np.arange(n)).astype(np.complex64))
        places = [first, *(device.empty(n, np.complex64) for _ in range(2))]
        launches = []
        for one in range(passes):
            source, to = places[0 if one == 0 else 1 + one % 2], places[1 + (one + 1) % 2]
            group = min(GROUP, max(1, n // 4))
            whole = (source, to, roots, np.uint32(n), np.uint32(4**one))
            launches.append(launcher("fft", -(-n // 4 // group), group, whole))
        return InOpenCl(launches, given, to)
    group, to = min(n, GROUP), device.filled(n, np.float32(np.nan))
    return InOpenCl((launcher("add", -(-n // group), group, (*given, to, np.uint32(n))),), given, to)


@bench.variant("opencl", on="opencl", inputs="host")
def opencl_there_and_back(device: OpenCl, work: str, n: int, a: np.ndarray, b: np.ndarray | None = None) -> Work:
    """OpenCL: each operand written to its buffer, the operation, its result read."""
    given = (a,) if b is None else (a, b)
    made = in_opencl(device, work, [device.put(x) for x in given])
    found = made.to.get()

    def call() -> None:
        for x, there in zip(given, made.given, strict=True):
            device.cl.enqueue_copy(device.queue, there.data, x, is_blocking=False)
        made.enqueue()
        made.to.get(out=found)

    def output() -> Array | np.float32:
        return np.float32(found[0]) if work == "sum" else found

    done: Work = device.host_timed(call, output=output, wait=False, facts=facts(work, n) | {"transfers": True})
    return done


@bench.variant("opencl-resident", on="opencl")
def opencl_resident(device: OpenCl, work: str, n: int, a: OpenClArray, b: OpenClArray | None = None) -> Work:
    """OpenCL on arrays that lie on the device and stay there; one wait at the end of a sample."""
    made = in_opencl(device, work, (a,) if b is None else (a, b))
    done: Work = device.host_timed(made.enqueue, output=made.fetched, facts=facts(work, n) | {"transfers": False})
    return done


# --- what it says -----------------------------------------------------------------------------------------------------


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The sizes from which each accelerator wins; without any, what all CPU threads gain."""
    won = False
    ways = [("cupy", "transfers included", "GPU", ""), ("resident", "data already on the GPU", "GPU", "")]
    for device, _ in opencl.by_device(results, "flops"):
        who = f"OpenCL on {opencl.name(results, device)},"
        ways.append(("opencl", "transfers included", who, device))
        ways.append(("opencl-resident", "data already on the device", who, device))
    for variant, how, who, device in ways:
        told = []
        for work in WORKS:
            pairs = against_cpu(results, work, variant, device)
            if len(pairs) > 1:
                used = tuple(record for _, cpu, gpu in pairs for record in (cpu, gpu))
                told.append(phrases.Item(f"{NAMES[work]} {_won(results, pairs)}", used))
        if told:
            won = True
            yield f"{who} against the fastest CPU variant, {how}: {phrases.entries(told)}."
    if not won:
        yield from _on_the_cpu(results)


def against_cpu(results: Results, work: str, variant: str, device: str = "") -> list[tuple[int, Record, Record]]:
    """By n in ascending order: the faster of the CPU's records, and that of a variant of a GPU or of `device`."""
    here = [r for r in results.records if r.timed and r.params.get("work") == work and r.device == device]
    on_device = {int(record.params["n"]): record for record in here if record.variant == variant}
    pairs = []
    for n in sorted({int(record.params["n"]) for record in results.records if record.params["work"] == work}):
        gpu = on_device.get(n) if device else results.find(variant, work=work, n=n)
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
