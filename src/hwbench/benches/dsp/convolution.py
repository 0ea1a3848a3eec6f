"""Convolution, directly and by the Fourier transform: the number of taps decides which is faster.

Direct convolution does 2 · taps operations a sample on data that stays in L1, so multiply-adds limit it. The Fourier
transform (overlap-add) costs the logarithm of the block instead of the taps: from some number of taps on it wins,
although each of its operations is slower. All variants count the operations of the direct way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...protocols import Array, DeviceArray, Gpu, Results
from ...record import phrases, text
from ...record.model import Scalar
from ._resident import resident_work

UNROLL = 8  # taps a pass: 8 loads and a store of y for 8 multiply-adds, instead of 2 and a store for each
BLOCK = 1024  # samples of y that stay in L1 while all taps pass: 8 KiB in f8

convolution = Bench(
    "dsp.convolution",
    question="From how many taps on is convolution by FFT faster than direct?",
    axes={"n": (1 << 14,), "taps": (8, 64, 512, 2048), "dtype": ("f8",)},
    baseline="numpy",
    measures="convolution",
    core=False,
    quick={"taps": (64,)},
    full={
        "n": (1 << 12, 1 << 14, 1 << 18),
        "taps": (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
        "dtype": ("f4", "f8"),
    },
)


@convolution.inputs
def signal(rng: np.random.Generator, n: int, taps: int, dtype: np.dtype) -> tuple[Array, Array]:
    """A signal of n samples and a filter of `taps`."""
    return (rng.random(n) + 0.5).astype(dtype), (rng.random(taps) + 0.5).astype(dtype)


@convolution.reference
def exact_convolution(x: Array, h: Array) -> Array:
    """All n + taps − 1 samples, in float64 by NumPy."""
    return np.convolve(x.astype(np.float64), h.astype(np.float64))


@convolution.counts
def convolution_counts(x: Array, h: Array) -> dict[str, float]:
    """The direct way's operations, for all variants: a rate above the peak means that some were not needed."""
    return {"flops": 2 * x.size * h.size, "items": x.size}


@convolution.variant("numpy")
def convolve_numpy(x: Array, h: Array) -> Work:
    """np.convolve: direct, a dot product a sample."""
    return Work(lambda: np.convolve(x, h), facts=_operations(2 * x.size * h.size))


@convolution.variant("numba")
def convolve_numba(x: Array, h: Array) -> Work:
    """Direct in Numba: eight taps a pass over a block of samples that stays in L1."""
    y = np.zeros(len(x) + len(h) - 1, x.dtype)
    # Zeros on both sides spare a bounds check at each sample; taps are padded to a multiple of a pass.
    taps = np.zeros(-(-len(h) // UNROLL) * UNROLL, h.dtype)
    taps[: len(h)] = h
    padded = np.zeros(len(x) + 2 * (len(taps) - 1), x.dtype)
    padded[len(taps) - 1 : len(taps) - 1 + len(x)] = x
    return Work(lambda: direct(padded, taps, y), output=lambda: y, facts=_operations(2 * len(y) * len(taps)))


@convolution.variant("oaconvolve")
def convolve_oa(x: Array, h: Array) -> Work:
    """scipy.signal.oaconvolve: block by block through the Fourier transform, overlaps added."""
    from scipy.signal import oaconvolve

    return Work(lambda: oaconvolve(x, h))


@convolution.variant("cupy", on="gpu")
def convolve_cupy(device: Gpu, x: DeviceArray, h: DeviceArray) -> Work:
    """cupy.convolve, direct or by Fourier transform as CuPy chooses, on arrays that are on the device."""
    return resident_work(device, device.xp.convolve, x, h)


def _operations(count: float) -> dict[str, float]:
    """The operations that a variant really does, for its place under the roofline."""
    return {"own_flops": float(count)}


@compiled(fastmath=True)
def direct(x: Array, h: Array, y: Array) -> None:
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


LENGTH = 1 << 14  # samples of the signal that the finding tells of
DIRECT = {"numpy": "NumPy's direct convolution", "numba": "Numba's direct convolution"}


@convolution.finding
def convolution_finding(results: Results) -> Iterator[str]:
    """Where the Fourier transform passes the direct ways, and how fast these are."""
    place: dict[str, Scalar] = {"n": LENGTH, "dtype": "f8"}
    found = []
    for name, label in DIRECT.items():
        said = results.overtakes("oaconvolve", name, label, axis="taps", **place)
        if said:
            own = [r for r in results.records if r.timed and place.items() <= r.params.items()]
            used = [r for r in own if r.variant in (name, "oaconvolve")]
            what = f"Convolution of {text.count(LENGTH)} samples (float64) by FFT (overlap-add)"
            most = max(int(r.params["taps"]) for r in used)
            ratio = results.ratio("oaconvolve", name, taps=most, **place)
            found.append((ratio.value if ratio else 1.0, f"{what} {said}{phrases.mark(*used)}."))
    yield from phrases.ranked(found)
    direct = [r for r in results.records if r.timed and r.variant == "numba" and r.counts.get("flops")]
    if direct:
        record = max(direct, key=lambda r: r.counts["flops"] / float(np.median(r.samples)))
        rate = text.rate(results.rate("numba", "flops", **record.params), "GFLOP/s")
        taps = phrases.counted(int(record.params["taps"]), "tap")
        yield f"Numba's direct convolution reaches {rate} on 1 thread, with {taps}{phrases.mark(record)}."
