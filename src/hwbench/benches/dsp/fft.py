"""Fourier transforms of complex signals, by NumPy, SciPy on one thread and on all, and cuFFT.

A transform of n points counts as 5 n log₂ n operations, as is usual, whatever the algorithm does.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from functools import partial

import numpy as np

from ...bench import Bench, Work
from ...protocols import Array, DeviceArray, Gpu, Results
from ...record import text
from ...record.model import Scalar
from .._gpu import library
from ._resident import resident_work

fft = Bench(
    "dsp.fft",
    question="How fast are Fourier transforms, by NumPy and SciPy, on one thread and on all?",
    axes={"n": (1 << 8, 1 << 13, 1 << 18), "dtype": ("f8",)},
    baseline="numpy",
    measures="fourier transform",
    core=False,
    quick={"n": (1 << 13,)},
    full={"n": tuple(1 << i for i in range(6, 23, 2)), "dtype": ("f4", "f8")},
)
SAMPLES = 1 << 17  # a call has at least so many samples, and two signals: workers share signals out, not samples


@fft.inputs
def signals(rng: np.random.Generator, n: int, dtype: np.dtype) -> Array:
    """Complex signals of n samples around 0, a row each; `dtype` is that of real and imaginary parts."""
    rows = max(2, SAMPLES // n)
    kind = np.result_type(dtype, np.complex64)
    return (rng.standard_normal((rows, n)) + 1j * rng.standard_normal((rows, n))).astype(kind)


@fft.reference
def exact_fft(x: Array) -> Array:
    """NumPy's transform in complex128."""
    return np.fft.fft(x.astype(np.complex128))


@fft.counts
def fft_counts(x: Array) -> dict[str, float]:
    """5 n log₂ n for each signal."""
    return {"flops": 5 * x.size * math.log2(x.shape[1]) if x.shape[1] > 1 else 0}


@fft.memory
def fft_memory(n: int, dtype: np.dtype) -> int:
    """Signals, transforms and SciPy's work space, complex."""
    return 6 * max(2 * n, SAMPLES) * dtype.itemsize


def bytes_moved(x: Array | DeviceArray) -> dict[str, int]:
    """Facts: how many signals, and the bytes of signals and transforms, each read or written at least once."""
    return {"rows": len(x), "footprint": 2 * x.nbytes, "own_bytes": 2 * x.nbytes}


@fft.variant("numpy")
def fft_numpy(x: Array) -> Work:
    """np.fft.fft into an array that exists already."""
    y = np.empty_like(x)
    return Work(lambda: np.fft.fft(x, out=y), output=lambda: y, facts=bytes_moved(x))


@fft.variant("scipy")
def fft_scipy(x: Array) -> Work:
    """scipy.fft.fft on one thread."""
    from scipy.fft import fft as transform

    return Work(partial(transform, x, workers=1), facts=bytes_moved(x))


@fft.variant("scipy-workers")
def fft_workers(x: Array) -> Work:
    """scipy.fft.fft with a worker for each CPU: workers share signals out, and never split one."""
    from scipy.fft import fft as transform

    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Work(partial(transform, x, workers=workers), facts=bytes_moved(x) | {"threads": min(workers, len(x))})


@fft.variant("cupy", on="gpu")
def fft_cupy(device: Gpu, x: DeviceArray) -> Work:
    """cupy.fft.fft, which is cuFFT, on signals that are on the device."""
    library(device, "cuFFT", lambda: device.xp.fft.fft(x[:1]))
    return resident_work(device, device.xp.fft.fft, x, **bytes_moved(x), l2_bytes=device.properties.l2)


@fft.finding
def fft_finding(results: Results) -> Iterator[str]:
    """The best rate of each variant, and what workers bring."""
    rates: dict[str, list[tuple[float, Scalar]]] = {}
    for record in results.records:
        if record.timed and record.params["dtype"] == "f8" and record.counts.get("flops"):
            rate = record.counts["flops"] / float(np.median(record.samples)) / 1e9
            rates.setdefault(record.variant, []).append((rate, record.params["n"]))
    said = [
        f"{name} {text.amount(best, 'GFLOP/s')} (n = {n})" for name, found in rates.items() for best, n in [max(found)]
    ]
    if said:
        yield f"Fourier transform at its best, counted as 5 n log₂ n: {', '.join(said)}."
    records = [r for r in results.records if r.variant == "scipy-workers" and r.timed]
    gains = [(results.ratio("scipy", "scipy-workers", **r.params), r) for r in records]
    found = [(gain, r) for gain, r in gains if gain is not None]
    if found:
        gain, record = max(found, key=lambda pair: pair[0].value)
        threads = record.facts.get("threads", 1)
        interval = f"{bounds}; " if (bounds := text.columns(gain)[1]) != text.NOTHING else ""
        where = f"({interval}n = {record.params['n']})"
        if gain.low > 1:
            yield f"{threads} workers make SciPy's up to {text.times(gain.value)} as fast {where}."
        else:
            yield f"{threads} workers do not make SciPy's faster: {text.times(gain.value)} as fast at best {where}."
