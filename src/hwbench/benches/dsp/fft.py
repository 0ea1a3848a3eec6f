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
from ...record import phrases, text
from ...record.model import Record
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
    """What workers bring at best, and the best rate of each variant."""
    timed = [r for r in results.records if r.timed and r.params["dtype"] == "f8" and r.counts.get("flops")]
    gains = [
        (results.versus(many, one), many, one)
        for many in timed
        if many.variant == "scipy-workers" and int(many.facts.get("threads", 1)) > 1
        and (one := results.find("scipy", **many.params)) is not None
    ]  # fmt: skip
    if gains:
        ratio, many, one = min(gains, key=lambda gain: gain[0].value)
        lengths = f", the best of {phrases.counted(len(gains), 'length')}" if len(gains) > 1 else ""
        yield (
            f"SciPy's FFT on {phrases.counted(int(many.facts['threads']), 'thread')}, n = "
            f"{text.count(int(many.params['n']))}{lengths}: {phrases.against(ratio, 'on 1 thread')}"
            f"{phrases.mark(many, one)}."
        )
    best: dict[str, Record] = {}
    for record in sorted(timed, key=_rate):
        best[record.variant] = record
    told = [phrases.Item(_rated(record), (record,)) for record in sorted(best.values(), key=_rate, reverse=True)]
    if told:
        yield f"Best FFT rates (float64), counted as 5 n log₂ n operations: {phrases.entries(told)}."


def _rated(record: Record) -> str:
    """`scipy-workers 14.6 GFLOP/s on 2 threads at n = 8192`."""
    threads = int(record.facts.get("threads", 1))
    several = f" on {phrases.counted(threads, 'thread')}" if threads > 1 else ""
    n = text.count(int(record.params["n"]))
    return f"{record.variant} {text.rate(_rate(record), 'GFLOP/s')}{several} at n = {n}"


def _rate(record: Record) -> float:
    """FLOP/s, by the median."""
    return record.counts["flops"] / float(np.median(record.samples))
