"""The roofline, measured: multiply-adds on the way through memory, from few an element to very many.

A kernel reads each element from memory, does `fmas` multiply-adds on it and writes it back. With few of them memory
bounds the rate, which grows with the operations for each byte; with many the units do. The ridge is where both bounds
meet. A roofline that is drawn of a bandwidth and a peak says nothing of the points near it: there loads, arithmetic and
stores of different warps must overlap.

The kernel is a copy of `device.stream` with the chains of `device.peak` in between: two items of 16 bytes a thread.
Bytes are counted as STREAM does, once read and once written. It is timed on up to 4 GiB, as `device.stream` is; from
128 multiply-adds on, where a launch is long enough, on the 0.5 GB and more that are checked.

`cupy` does the same an operation at a time: a multiplication and an addition, each of which reads and writes the whole
array, for every multiply-add.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, DeviceArray, Dtype, Gpu, Results
from ...record import phrases, text
from ...record.model import Record
from .._gpu import BLOCK, DOWN, STEP, TILE, UP, B, E, repeated, starts, where
from . import stream

ITEMS = 2  # of 16 bytes that a thread has, as in the kernels
BODIES = (32, 8, 1)  # pairs of multiply-adds in the body of a kernel's loop
MOST = 2048  # multiply-adds: a start and what so many add stay below 1, so that nothing rounds
UNFUSED = 8  # the most that CuPy is asked for
LONG = 128  # multiply-adds an element from which on a launch over what is checked takes long enough to be timed
CLEAR = 1.25  # × what is at the end of the sweep: a ridge nearer to it is not told

bench = Bench(
    "device.roofline",
    question="From how many operations for each byte on does arithmetic bound the GPU, and no longer its memory?",
    axes={"dtype": ("f4", "f8"), "fmas": (2, 4, 8, 16, 32, 64, 128, 256, 512), "size": ("HBM",)},
    quick={"dtype": ("f4",), "fmas": (2, 64, 512)},
    full={"fmas": (2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024)},
    words={"fmas": "multiply-adds an element"},
    baseline="fused",
    measures="gpu roofline",
    leading="flops",
    tolerance=0.0,
    core=False,
    may_cap=True,
)


def elements(size: int, dtype: Dtype) -> int:
    """Elements of each of the two arrays that have `size` bytes together."""
    return 4 * stream.elements(size, "copy") // dtype.itemsize


def body(fmas: int) -> tuple[int, int]:
    """Pairs in the body of the kernel's loop, and how often it goes through it; Skip for a number that it cannot do."""
    if fmas < 2 or fmas % 2 or fmas > MOST:
        raise Skip("bad_value", f"multiply-adds come in pairs, from 2 to {MOST}, not {fmas}")
    pairs = fmas // 2
    most = next(one for one in BODIES if pairs % one == 0)
    return most, pairs // most


def timed_size(device: Gpu, size: int, fmas: int) -> int:
    """Bytes of the two arrays that are timed."""
    return size if fmas >= LONG else device.bandwidth_size(size)


@bench.inputs
def tile(rng: np.random.Generator, size: int, dtype: Dtype) -> Array:
    """The first elements, which are repeated over the array."""
    return starts(rng, min(elements(size, dtype), TILE), dtype)


@bench.reference
def reference(tile: Array, size: int, dtype: Dtype, fmas: int) -> Array:
    """What two multiply-adds add to an element, half as often as there are multiply-adds."""
    return np.resize(tile + dtype.type(fmas // 2 * STEP), elements(size, dtype))


@bench.counts
def counts(device: Gpu, size: int, dtype: Dtype, fmas: int) -> dict[str, float]:
    """Each element read and written once, two operations for each multiply-add; CuPy's passes are not counted."""
    n = elements(timed_size(device, size, fmas), dtype)
    return {"bytes": 2.0 * dtype.itemsize * n, "flops": 2.0 * fmas * n}


@bench.memory
def memory(device: Gpu, size: int, fmas: int) -> int:
    """Both arrays."""
    return timed_size(device, size, fmas)


@bench.variant("fused", on="gpu")
def fused(device: Gpu, tile: DeviceArray, size: int, dtype: Dtype, fmas: int) -> Work:
    """CUDA C++, one kernel."""
    pairs, loops = body(fmas)
    source, to = both(device, tile, timed_size(device, size, fmas), dtype)
    numbers = (np.int32(loops), dtype.type(B), dtype.type(E))

    def work(size: int) -> Work:
        n = elements(size, dtype)
        grid = n * dtype.itemsize // (16 * ITEMS * BLOCK)
        kernel = f"fused_f{dtype.itemsize}_{pairs}"
        launch = device.launcher("device.roofline", kernel, grid, BLOCK, (source, to, *numbers))
        facts = where(device, 2 * dtype.itemsize * n, blocks=grid, sm=device.properties.sm)
        made: Work = device.timed(launch, output=lambda: device.get(to[:n]), facts=facts)
        return made

    return work(size) if fmas >= LONG else stream.checked(device, work, size)


@bench.variant("cupy", on="gpu")
def in_cupy(device: Gpu, tile: DeviceArray, size: int, dtype: Dtype, fmas: int) -> Work:
    """CuPy: multiply and add with out=, one after the other."""
    pairs, loops = body(fmas)
    if fmas > UNFUSED:
        raise Skip(
            "no_such_case",
            f"{2 * fmas} passes over memory would show the rate of those of {UNFUSED} multiply-adds again",
        )
    source, to = both(device, tile, timed_size(device, size, fmas), dtype)
    xp, kind = device.xp, dtype.type

    def work(size: int) -> Work:
        n = elements(size, dtype)
        first, result = source[:n], to[:n]

        def launch() -> None:
            taken = first
            for _ in range(pairs * loops):
                for factor, summand in ((UP, B), (DOWN, E)):
                    xp.multiply(taken, kind(factor), out=result)
                    xp.add(result, kind(summand), out=result)
                    taken = result

        facts = where(device, 2 * dtype.itemsize * n)
        made: Work = device.timed(launch, output=lambda: device.get(result), launches=2 * fmas, facts=facts)
        return made

    return stream.checked(device, work, size)


def both(device: Gpu, tile: DeviceArray, size: int, dtype: Dtype) -> tuple[DeviceArray, DeviceArray]:
    """What is read, and what is written, which is filled with NaN first."""
    n = elements(size, dtype)
    to = device.empty(n, dtype)
    to[...] = dtype.type(np.nan)
    return repeated(device, tile, n), to


# --- what the sweep says ----------------------------------------------------------------------------------------------


class Ridge(NamedTuple):
    """The bounds that a sweep reaches in FLOP/s and B/s, where they meet, and the record next to that."""

    flops: float
    bytes: float
    at: float
    nearest: Record

    @property
    def kept(self) -> float:
        """The share of the lower bound that the nearest record reaches."""
        return rate(self.nearest, "flops") / min(self.flops, self.bytes * intensity(self.nearest))


def rate(record: Record, count: str) -> float:
    """Bytes or FLOPs a second, by the median."""
    return record.counts[count] / float(np.median(record.samples))


def intensity(record: Record) -> float:
    """FLOPs for each byte."""
    return record.counts["flops"] / record.counts["bytes"]


def ridge(records: Sequence[Record]) -> Ridge | None:
    """Of one precision's records; None where they do not lie on both sides of the ridge."""
    if len(records) < 3:
        return None
    flops, moved = (max(rate(record, count) for record in records) for count in ("flops", "bytes"))
    at = flops / moved
    ends = [intensity(record) for record in records]
    if not min(ends) * CLEAR < at < max(ends) / CLEAR:
        return None
    return Ridge(flops, moved, at, min(records, key=lambda record: abs(math.log(intensity(record) / at))))


def sweep(records: Sequence[Record], dtype: str) -> list[Record]:
    """The fused kernel's records of one precision."""
    own = [one for one in records if one.timed and (one.variant, one.params.get("dtype")) == ("fused", dtype)]
    return [one for one in own if one.counts.get("flops") and one.counts.get("bytes")]


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Where the bounds meet, beside the peak over the bandwidth, and what is reached there; what CuPy's passes cost."""
    for dtype in ("f4", "f8"):
        records = sweep(results.records, dtype)
        found = ridge(records)
        if found is None:
            continue
        fastest, widest = (max(records, key=lambda record: rate(record, count)) for count in ("flops", "bytes"))
        peak = text.rate(results.rate("fused", "flops", **fastest.params), "TFLOP/s")
        expected = _expected(results, fastest)
        of = f" (peak over copy bandwidth: {text.amount(expected)})" if expected else ""
        each = text.count(found.at * np.dtype(dtype).itemsize)
        near = (
            f"near that, at {text.amount(intensity(found.nearest))}, {text.share(found.kept)} of the bound is reached"
        )
        said = (
            f"Streaming from memory reaches {peak} in {phrases.precision(dtype)}. Memory bounds it below "
            f"{text.amount(found.at)} FLOP per byte{of}, or {each} multiply-adds on each element read and "
            f"written; {near}"
        )
        yield phrases.marked(said, fastest, widest, found.nearest)
    unfused = [one for one in results.records if one.timed and one.variant == "cupy"]
    pairs = [(one, base) for one in unfused if (base := results.find("fused", **one.params)) is not None]
    if pairs:
        record, base = max(pairs, key=lambda pair: int(pair[0].params["fmas"]))
        compared = phrases.against(results.versus(record, base), "one kernel")
        fmas = record.params["fmas"]
        yield phrases.marked(
            f"{fmas} multiply-adds an element by CuPy, an operation at a time: {compared}", record, base
        )


def _expected(results: Results, record: Record) -> float | None:
    """The ridge by the peak of `device.peak` and the copy of `device.stream` in the same run."""
    peak, copy = (results.limit(record, kind) for kind in ("fma", "copy"))
    return None if peak is None or copy is None else peak.value / copy.value
