"""The signal processor's algorithms, which the lecture names: dot product, convolution, Fourier transform.

A dot product does two operations on two loaded elements, 1/8 flop a byte in f8: outside the caches it is a load. One
thread each: for long arrays BLAS would take all, which is a variant of its own. In L1 the call from Python, which every
variant pays, takes as long as the product.

Sizes by label are each device's own: a CPU has L1 … DRAM, a GPU L2 and HBM. What one of them lacks is skipped there,
and an L2 of the one is never compared with that of the other, which is as much as a hundred times as large.

Direct convolution does 2 · taps operations a sample on data that stays in L1: it is limited by the multiply-adds. By
way of the Fourier transform (overlap-add) the same convolution costs the logarithm of the block instead of the taps, so
from some number of taps on it wins, although each of its operations is slower. A transform of n points counts as
5 n log₂ n operations, as is usual, whatever the algorithm does.

What is computed in the precision of `dtype` is compared with NumPy and SciPy in float64.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..bench import Bench, Skip, Work
from ..simd import compiled
from ._gpu import library, where
from ._turns import PERIOD, Turns, parts_of, repeat_into

UNROLL = 8  # taps a pass: 8 loads and a store of y for 8 multiply-adds, instead of 2 and a store for each
BLOCK = 1024  # samples of y that stay in L1 while all taps pass: 8 KiB in f8
BLAS_SPLITS = 10_000  # elements beyond which OpenBLAS's dot product uses all its threads (kernel/x86_64/ddot.c)


@compiled(fastmath=True)
def dot_fast(a: np.ndarray, b: np.ndarray) -> Any:
    """Σ a·b, in any order of the additions."""
    total = a[0] * 0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


# --- dot --------------------------------------------------------------------------------------------------------------

dot = Bench(
    "dsp.dot",
    question="How fast is a dot product, and is it more than a load?",
    axes={"size": ("L1", "DRAM"), "dtype": ("f8",)},
    baseline="blas",
    core=False,
    limit="load",
    version=3,
    sweeps=({"variant": "cupy", "size": ("L2", "HBM")},),
    # A megabyte is a size to both kinds of device, and fits the L2 of every GPU.
    quick={"size": ("L1", "1MiB")},
    full={"size": ("L1", "L2", "L3", "DRAM"), "dtype": ("f4", "f8")},
)


@dot.inputs
def vectors(rng: np.random.Generator, size: int, dtype: np.dtype, device: Any) -> tuple[np.ndarray, np.ndarray, Turns]:
    """Two arrays of `size` bytes together, around 1, so that the sum does not cancel; long ones repeat themselves."""
    turns = Turns(parts_of(size))
    n = max(size // 2 // dtype.itemsize // turns.parts, 1) * turns.parts
    a, b = device.host_empty(n, dtype), device.host_empty(n, dtype)
    for array in (a, b):
        repeat_into(array, (rng.random(min(n, PERIOD)) + 0.5).astype(dtype))
    return a, b, turns


@dot.reference
def exact_dot(a: np.ndarray, b: np.ndarray, turns: Turns) -> float:
    """The sum in float64 of the parts that are checked."""
    n = len(a) // turns.parts * turns.checked
    return float(np.dot(a[:n].astype(np.float64, copy=False), b[:n].astype(np.float64, copy=False)))


@dot.counts
def dot_counts(a: np.ndarray, _b: np.ndarray, turns: Turns) -> dict[str, float]:
    """A part of both arrays once (up to 256 MiB that is the whole), a multiply-add an element."""
    return {"bytes": 2 * a.nbytes // turns.parts, "flops": 2 * a.size // turns.parts}


@dot.variant("numpy")
def dot_numpy(device: Any, a: np.ndarray, b: np.ndarray, turns: Turns) -> Work:
    """(a * b).sum(): two passes and an array between them."""
    product = device.host_empty(a.shape, a.dtype)
    product[:] = 0  # touched before the clock runs, for not every part is visited by the check
    x, y, products = (np.split(whole, turns.parts) for whole in (a, b, product))

    def visit(part: int) -> Any:
        np.multiply(x[part], y[part], out=products[part])
        return products[part].sum()

    return turns.work(visit, {})


def by_blas(device: Any, a: np.ndarray, b: np.ndarray, turns: Turns, threads: int) -> Work:
    """The work of np.dot on so many threads of BLAS; Skip where it cannot be given them."""
    x, y = np.split(a, turns.parts), np.split(b, turns.parts)
    dot = turns.work(lambda part: np.dot(x[part], y[part]), {})
    work: Work = device.blas(dot.call, threads, output=dot.output or dot.call, facts=dot.facts)
    return work


@dot.variant("blas")
def dot_blas(device: Any, a: np.ndarray, b: np.ndarray, turns: Turns) -> Work:
    """np.dot, which is BLAS, on one thread: one pass."""
    return by_blas(device, a, b, turns, 1)


def splits_nothing(size: int, dtype: np.dtype) -> str:
    """Why BLAS would use one thread however many it has; "" where the arrays are long enough for all."""
    n = size // 2 // dtype.itemsize
    return "" if n > BLAS_SPLITS else f"BLAS takes one thread for {n} elements, and more beyond {BLAS_SPLITS}"


@dot.variant("blas-all", needs=splits_nothing)
def dot_blas_on_all(device: Any, a: np.ndarray, b: np.ndarray, turns: Turns) -> Work:
    """The same on all threads, each with a share of the arrays."""
    if device.host.usable == 1:
        raise Skip("needs 2 CPUs; 1 may be used")
    return by_blas(device, a, b, turns, device.host.usable)


@dot.variant("numba")
def dot_numba(a: np.ndarray, b: np.ndarray, turns: Turns) -> Work:
    """A loop in Numba with fastmath, which may add in any order and so in vectors."""
    x, y = np.split(a, turns.parts), np.split(b, turns.parts)
    # One call from Python for each product, as the others have: 1024 elements take less time than the call.
    return turns.work(lambda part: dot_fast(x[part], y[part]), {})


@dot.variant("cupy", on="gpu")
def dot_cupy(device: Any, a: Any, b: Any, turns: Turns) -> Work:
    """cupy.dot on arrays that are on the device: CuPy may write the products out and read them again to add them."""
    facts = where(device, 2 * a.nbytes, parts=turns.parts)
    if turns.parts == 1:
        return _resident(device, device.xp.dot, a, b, **facts)
    turns.restart()
    x, y = a.reshape(turns.parts, -1), b.reshape(turns.parts, -1)
    found: list[Any] = [None]

    def call() -> None:
        part = turns.take()
        found[0] = device.xp.dot(x[part], y[part])

    def output() -> Any:
        total = device.get(found[0])
        for _ in range(turns.checked - 1):
            call()
            total = total + device.get(found[0])
        return total

    made: Work = device.host_timed(call, output=output, sync="end", facts={"transfers": False, **facts})
    return made


@dot.finding
def dot_finding(read: Any) -> Iterator[str]:
    """GFLOP/s in L1 and from memory and the share of a load; on a GPU GB/s, beside a copy of its own."""
    for level in ("L1", "DRAM"):
        said = [_told(read, name, size=level, dtype="f8") for name in ("blas", "numba", "numpy", "blas-all")]
        if any(said):
            each = ", a call from Python for each" if level == "L1" else ""
            yield f"Dot product, {level}, GFLOP/s on one thread{each}: {', '.join(filter(None, said))}."
    share = read.share("numba", size="DRAM", dtype="f8")
    if share:
        yield f"From memory the fused loop moves {100 * share:.0f}% of what one thread can load: it is a load."
    on_gpu = {"size": "HBM", "dtype": "f8"}
    rate = read.rate("cupy", "flops", **on_gpu)
    if rate:
        copy = read.share("cupy", "copy", **on_gpu)
        yield (
            f"CuPy's dot product does {rate.value / 1e9:.3g} GFLOP/s on arrays in the GPU's memory"
            + (f", and takes them in at {100 * copy:.0f}% of the bandwidth of a copy there." if copy else ".")
        )


def _told(read: Any, variant: str, **place: Any) -> str:
    """`blas-all 3.1 on 4 threads`; "" where it was not measured."""
    record, rate = read.find(variant, **place), read.rate(variant, "flops", **place)
    if record is None or rate is None:
        return ""
    threads = record.facts.get("threads", 1)
    return f"{variant} {rate.value / 1e9:.3g}" + (f" on {threads} threads" if threads != 1 else "")


# --- convolution ------------------------------------------------------------------------------------------------------

convolution = Bench(
    "dsp.convolution",
    question="From how many taps on is convolution by FFT faster than direct?",
    axes={"n": (1 << 14,), "taps": (8, 64, 512, 2048), "dtype": ("f8",)},
    baseline="numpy",
    core=False,
    quick={"taps": (64,)},
    full={
        "n": (1 << 12, 1 << 14, 1 << 18),
        "taps": (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
        "dtype": ("f4", "f8"),
    },
)


@convolution.inputs
def signal(rng: np.random.Generator, n: int, taps: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """A signal of n samples and a filter of `taps`."""
    return (rng.random(n) + 0.5).astype(dtype), (rng.random(taps) + 0.5).astype(dtype)


@convolution.reference
def exact_convolution(x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """All n + taps − 1 samples, in float64 by NumPy."""
    return np.convolve(x.astype(np.float64), h.astype(np.float64))


@convolution.counts
def convolution_counts(x: np.ndarray, h: np.ndarray) -> dict[str, float]:
    """Those of the direct way, for all variants: so a rate above the peak means operations that were not needed."""
    return {"flops": 2 * x.size * h.size, "items": x.size}


@convolution.variant("numpy")
def convolve_numpy(x: np.ndarray, h: np.ndarray) -> Work:
    """np.convolve: direct, a dot product a sample."""
    return Work(lambda: np.convolve(x, h), facts=_operations(2 * x.size * h.size))


@convolution.variant("numba")
def convolve_numba(x: np.ndarray, h: np.ndarray) -> Work:
    """Direct in Numba: eight taps a pass over a block of samples that stays in L1."""
    y = np.zeros(len(x) + len(h) - 1, x.dtype)
    # Zeros on both sides, so that no sample needs a test of its own; taps to a multiple of the pass.
    taps = np.zeros(-(-len(h) // UNROLL) * UNROLL, h.dtype)
    taps[: len(h)] = h
    padded = np.zeros(len(x) + 2 * (len(taps) - 1), x.dtype)
    padded[len(taps) - 1 : len(taps) - 1 + len(x)] = x
    return Work(lambda: direct(padded, taps, y), output=lambda: y, facts=_operations(2 * len(y) * len(taps)))


@convolution.variant("oaconvolve")
def convolve_oa(x: np.ndarray, h: np.ndarray) -> Work:
    """scipy.signal.oaconvolve: block by block through the Fourier transform, overlaps added."""
    from scipy.signal import oaconvolve

    return Work(lambda: oaconvolve(x, h))


@convolution.variant("cupy", on="gpu")
def convolve_cupy(device: Any, x: Any, h: Any) -> Work:
    """cupy.convolve, direct or by Fourier transform as CuPy chooses, on arrays that are on the device."""
    return _resident(device, device.xp.convolve, x, h)


def _resident(device: Any, operation: Callable[..., Any], *given: Any, **facts: Any) -> Work:
    """An operation of CuPy on arrays that stay on the device: calls follow each other, one wait ends a sample."""
    found: list[Any] = [None]

    def call() -> None:
        found[0] = operation(*given)

    made: Work = device.host_timed(
        call, output=lambda: device.get(found[0]), sync="end", facts={"transfers": False, **facts}
    )
    return made


def _operations(count: float) -> dict[str, float]:
    """The operations that a variant itself does, for its place under the roofline."""
    return {"own_flops": float(count)}


@compiled(fastmath=True)
def direct(x: np.ndarray, h: np.ndarray, y: np.ndarray) -> None:
    """y[i] = Σ h[j] x[i − j]; x has len(h) − 1 zeros on both sides, len(h) is a multiple of 8."""
    shift = len(h) - 1
    for start in range(0, len(y), BLOCK):
        size = min(BLOCK, len(y) - start)
        out = y[start : start + size]
        for i in range(size):
            out[i] = 0
        for j in range(0, len(h), UNROLL):
            h0, h1, h2, h3, h4, h5, h6, h7 = h[j], h[j + 1], h[j + 2], h[j + 3], h[j + 4], h[j + 5], h[j + 6], h[j + 7]
            # s[i + 7] is the sample under the first of these taps.
            s = x[start + shift - j - 7 : start + shift - j + size]
            for i in range(size):
                out[i] += (
                    h0 * s[i + 7] + h1 * s[i + 6] + h2 * s[i + 5] + h3 * s[i + 4]
                    + h4 * s[i + 3] + h5 * s[i + 2] + h6 * s[i + 1] + h7 * s[i]
                )  # fmt: skip


DIRECT = {"numpy": "NumPy's direct convolution", "numba": "a direct one in Numba"}


@convolution.finding
def convolution_finding(read: Any) -> Iterator[str]:
    """Where the Fourier transform passes the direct ways, and how fast these are."""
    for name, label in DIRECT.items():
        said = read.overtakes("oaconvolve", name, label, axis="taps", n=1 << 14, dtype="f8")
        if said:
            yield f"Convolution by FFT (overlap-add) {said}, for {1 << 14} samples."
    best = [
        (r, r.counts["flops"] / float(np.median(r.samples)) / 1e9)
        for r in read.records
        if r.timed and r.variant == "numba"
    ]
    if best:
        record, rate = max(best, key=lambda pair: pair[1])
        yield f"Direct in Numba reaches {rate:.3g} GFLOP/s with {record.params['taps']} taps on one thread."


# --- Fourier transform ------------------------------------------------------------------------------------------------

fft = Bench(
    "dsp.fft",
    question="How fast are Fourier transforms, by NumPy and SciPy, on one thread and on all?",
    axes={"n": (1 << 8, 1 << 13, 1 << 18), "dtype": ("f8",)},
    baseline="numpy",
    core=False,
    quick={"n": (1 << 13,)},
    full={"n": tuple(1 << i for i in range(6, 23, 2)), "dtype": ("f4", "f8")},
)
SAMPLES = 1 << 17  # at least so many samples in one call, and two signals: the workers need something to share


@fft.inputs
def signals(rng: np.random.Generator, n: int, dtype: np.dtype) -> np.ndarray:
    """Complex signals of n samples around 0, a row each; `dtype` is that of their parts."""
    rows = max(2, SAMPLES // n)
    kind = np.result_type(dtype, np.complex64)
    return (rng.standard_normal((rows, n)) + 1j * rng.standard_normal((rows, n))).astype(kind)


@fft.reference
def exact_fft(x: np.ndarray) -> np.ndarray:
    """NumPy's transform in complex128."""
    return np.fft.fft(x.astype(np.complex128))


@fft.counts
def fft_counts(x: np.ndarray) -> dict[str, float]:
    """5 n log₂ n for each signal."""
    return {"flops": 5 * x.size * math.log2(x.shape[1]) if x.shape[1] > 1 else 0}


@fft.memory
def fft_memory(n: int, dtype: np.dtype) -> int:
    """Signals, transforms and what SciPy works in, complex."""
    return 6 * max(2 * n, SAMPLES) * dtype.itemsize


def _spread(x: np.ndarray) -> dict[str, int]:
    """Rows, and the bytes of signals and transforms, each of which is read or written once at least."""
    return {"rows": len(x), "footprint": 2 * x.nbytes, "own_bytes": 2 * x.nbytes}


@fft.variant("numpy")
def fft_numpy(x: np.ndarray) -> Work:
    """np.fft.fft into an array that is there already."""
    y = np.empty_like(x)
    return Work(lambda: np.fft.fft(x, out=y), output=lambda: y, facts=_spread(x))


@fft.variant("scipy")
def fft_scipy(x: np.ndarray) -> Work:
    """scipy.fft.fft on one thread."""
    from scipy.fft import fft as transform

    return Work(partial(transform, x, workers=1), facts=_spread(x))


@fft.variant("scipy-workers")
def fft_workers(x: np.ndarray) -> Work:
    """scipy.fft.fft with a worker for each CPU: signals are shared out, one signal is not."""
    from scipy.fft import fft as transform

    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Work(partial(transform, x, workers=workers), facts=_spread(x) | {"threads": min(workers, len(x))})


@fft.variant("cupy", on="gpu")
def fft_cupy(device: Any, x: Any) -> Work:
    """cupy.fft.fft, which is cuFFT, on signals that are on the device."""
    library("cuFFT", lambda: device.xp.fft.fft(x[:1]))
    return _resident(device, device.xp.fft.fft, x, **_spread(x), l2_bytes=device.properties.l2)


@fft.finding
def fft_finding(read: Any) -> Iterator[str]:
    """The best rate of each variant, and what workers bring."""
    rates: dict[str, list[tuple[float, int]]] = {}
    for record in read.records:
        if record.timed and record.params["dtype"] == "f8" and record.counts.get("flops"):
            rate = record.counts["flops"] / float(np.median(record.samples)) / 1e9
            rates.setdefault(record.variant, []).append((rate, record.params["n"]))
    said = [f"{name} {best:.3g} GFLOP/s (n = {n})" for name, found in rates.items() for best, n in [max(found)]]
    if said:
        yield f"Fourier transform at its best, counted as 5 n log₂ n: {', '.join(said)}."
    records = [r for r in read.records if r.variant == "scipy-workers" and r.timed]
    gains = [(read.ratio("scipy", "scipy-workers", **r.params), r) for r in records]
    found = [(gain, r) for gain, r in gains if gain is not None]
    if found:
        gain, record = max(found, key=lambda pair: pair[0].value)
        threads = record.facts.get("threads", 1)
        interval = f"{gain.low:.3g}–{gain.high:.3g}"
        where = f"({interval}; n = {record.params['n']})"
        if gain.low > 1:
            yield f"{threads} workers make SciPy's up to {gain.value:.3g}× as fast {where}."
        else:
            yield f"{threads} workers do not make SciPy's faster: {gain.value:.3g}× as fast at best {where}."
