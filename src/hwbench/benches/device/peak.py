"""Arithmetic from registers: chains of fused multiply-adds, by precision.

Each operation waits for the one before it in its chain. With one chain a thread the other warps must hide that latency;
more chains help where there are too few warps. The roof is multiprocessors × units × 2 × clock. Half precision goes two
numbers a register.

`opencl` is the same in OpenCL. A chain there is a native vector of the device, as its driver states it: a single number
on GPUs, which make vectors of work-items, and up to 16 on a CPU. `i4` are multiply-adds of whole numbers modulo 2³²:
two operations each, in GOP/s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from ...bench import Bench, Work
from ...protocols import Array, DeviceArray, Dtype, Gpu, OpenCl, OpenClArray, Results
from ...record import phrases, text
from ...record.model import Record
from .. import _opencl as opencl
from .._gpu import (
    BACK,
    BLOCK,
    PAIRS,
    SEEDS,
    STEP,
    UNROLLED,
    B,
    E,
    blocks,
    chain_flops,
    chained,
    known_chains,
    needs_capability,
    starts,
)  # fmt: skip

HIDDEN = 0.95  # of the rate of eight chains: one chain has no wait left that another warp does not fill
PASSES = 16  # at least 0.15 ms with one chain a thread: long against the microseconds between two launches

peak = Bench(
    "device.peak",
    question="How many operations a second does the GPU do, by type and by chains per thread?",
    axes={"dtype": ("f4", "f8", "f2", "i4"), "chains": (1, 2, 4, 8)},
    quick={"chains": (8,)},
    baseline="fma",
    measures="gpu fma",
    limit="fma",
    version=3,
    tolerance=0.0,
    together=("chains",),
    core=False,
    may_cap=True,
)


WHOLE = {"b": 1_013_904_223, "e": 12_345, "one": 1_664_525, "back": 22_695_477}  # odd factors, or products end at 0


def kernel_of(dtype: Dtype, chains: int) -> str:
    """The kernel in CUDA C++ of a type and a number of chains."""
    known_chains(chains)
    return f"fma_{dtype.kind}{dtype.itemsize}_{chains}"


@peak.inputs
def seeds(rng: np.random.Generator, dtype: Dtype) -> Array:
    """Where the chains start, repeated over them; halves go in pairs, as uint32."""
    if dtype.kind == "i":
        return rng.integers(0, 2**32, SEEDS, np.uint32).view(dtype)
    lanes = 2 if dtype.itemsize == 2 else 1
    found = starts(rng, lanes * SEEDS, dtype)
    return found.view(np.uint32) if lanes == 2 else found


@peak.reference
def ends(seeds: np.ndarray, device: Gpu | OpenCl, dtype: Dtype, chains: int, variant: str = "fma") -> np.ndarray:
    """Each chain's start and what its passes add, chain after chain, a thread after the other."""
    ended = whole(seeds) if dtype.kind == "i" else seeds.view(dtype) + dtype.type(PASSES * STEP)
    if variant == "opencl":
        return np.resize(ended, lanes(cast(OpenCl, device), dtype) * chains)
    threads = blocks(cast(Gpu, device), "device.peak", kernel_of(dtype, chains)) * BLOCK
    chain = np.arange(threads) * chains + np.arange(chains)[:, None]
    return np.asarray(ended.reshape(SEEDS, -1)[chain % SEEDS]).reshape(-1)


def whole(seeds: np.ndarray) -> np.ndarray:
    """The ends of chains of whole numbers: all steps of a chain together are one multiplication and one addition."""
    b, e, one, back = WHOLE.values()
    factor, sum_ = 1, 0
    for _ in range(PASSES):
        factor, sum_ = factor * one % 2**32, (sum_ * one + back) % 2**32
        for _ in range(PAIRS):
            factor, sum_ = factor * one * back % 2**32, ((sum_ * one + b) * back + e) % 2**32
    ends: np.ndarray = seeds.view(np.uint32) * np.uint32(factor) + np.uint32(sum_)
    return ends.view(np.int32)


@peak.counts
def flops(device: Gpu | OpenCl, dtype: Dtype, chains: int, variant: str = "fma") -> dict[str, float]:
    """Two for each multiply-add, four for a pair of halves."""
    count, _ = counted_in(f"{dtype.kind}{dtype.itemsize}")
    if variant == "opencl":
        return {count: chain_flops(PASSES) * chains * lanes(cast(OpenCl, device), dtype)}
    threads = blocks(cast(Gpu, device), "device.peak", kernel_of(dtype, chains)) * BLOCK
    return {count: chain_flops(PASSES) * chains * threads * (1 + (dtype.itemsize == 2))}


@peak.memory
def peak_memory() -> int:
    """One result a chain: at most some 20 MB on any card."""
    return 2**26


@peak.variant("fma", on="gpu")
def fma(device: Gpu, seeds: DeviceArray, dtype: Dtype, chains: int) -> Work:
    """CUDA C++, independent chains of multiply-adds, fused where they are of floats."""
    if dtype.itemsize == 2:
        needs_capability(device, (5, 3), "arithmetic in half precision")
    kernel = kernel_of(dtype, chains)
    grid = blocks(device, "device.peak", kernel)
    to = device.put(np.zeros(grid * BLOCK * chains, np.uint32 if dtype.itemsize == 2 else dtype))
    numbers = [*map(dtype.type, WHOLE.values())] if dtype.kind == "i" else chained(dtype, PASSES)[2:]
    arguments = (seeds, to, np.int32(PASSES), np.int32(PAIRS // UNROLLED), *numbers)
    launch = device.launcher("device.peak", kernel, grid, BLOCK, arguments)
    facts = {"sm": device.properties.sm, "blocks": grid, "clock_hz": device.properties.clock_hz}
    work: Work = device.timed(launch, output=lambda: device.get(to).view(dtype), facts=facts)
    return work


def lanes(device: OpenCl, dtype: Dtype) -> int:
    """How many lanes of native vectors the work-items of an OpenCL device have together, for each chain."""
    return device.groups * device.group * device.width(dtype)


@peak.variant("opencl", on="opencl")
def in_opencl(device: OpenCl, seeds: OpenClArray, dtype: Dtype, chains: int) -> Work:
    """OpenCL, independent chains of multiply-adds in native vectors."""
    known_chains(chains)
    device.needs(dtype)
    width, group = device.width(dtype), device.group
    macros = [*opencl.vectors(device, dtype), f"-DCHAINS={chains}"]
    to = device.put(np.zeros(lanes(device, dtype) * chains, dtype))
    last = seeds.nbytes // dtype.itemsize // width - 1
    counted = np.uint32(last), to, np.int32(PASSES), np.int32(PAIRS // UNROLLED)
    numbers = WHOLE.values() if dtype.kind == "i" else (B, E, 1, BACK)
    given = (seeds, *counted, *map(dtype.type, numbers))
    launch = device.launcher("device.peak", "chains", device.groups, group, given, macros)
    facts = {"sm": device.properties.sm, "groups": device.groups, "width": width}
    work: Work = device.timed(launch, output=to.get, facts=facts)
    return work


@peak.finding
def peak_finding(results: Results) -> Iterator[str]:
    """The rate of each precision, and what one chain a thread gets of it."""
    yield from by_opencl(results)
    best = {dtype: found for dtype in ("f2", "f4", "f8") if (found := _best(results, dtype)) is not None}
    told = [
        phrases.Item(
            f"{text.rate(results.rate('fma', 'flops', **record.params), 'TFLOP/s')} in {phrases.precision(dtype)}",
            (record,),
        )
        for dtype, record in best.items()
    ]
    if told:
        yield f"Fused multiply-adds from registers: {phrases.entries(told)}."
    if (whole_numbers := _best(results, "i4")) is not None:
        rate = text.rate(results.rate("fma", "ops", **whole_numbers.params), "TOP/s")
        yield f"Multiply-adds of int32 from registers: {rate}{phrases.mark(whole_numbers)}."
    one, eight = (results.find("fma", dtype="f4", chains=chains) for chains in (1, 8))
    if one is not None and eight is not None and one.counts.get("flops") and eight.counts.get("flops"):
        share = results.versus(eight, one).scaled(one.counts["flops"] / eight.counts["flops"])
        said = f"1 chain per thread reaches {text.share(share)} of the float32 rate of 8{phrases.mark(one, eight)}"
        hidden = share.value >= HIDDEN
        yield f"{said}: {'other warps hide the latency' if hidden else 'give each thread several independent chains'}."


def by_opencl(results: Results) -> Iterator[str]:
    """For each OpenCL device the best rate of each type; of one that is this CPU, beside the CPU's own."""
    timed = [record for record in results.records if record.timed and record.device.startswith("opencl:")]
    for device in dict.fromkeys(record.device for record in timed):
        told, ratios = [], []
        for dtype in ("f2", "f4", "f8", "i4"):
            count, unit = counted_in(dtype)
            found = [r for r in timed if (r.device, r.params.get("dtype")) == (device, dtype) and r.counts.get(count)]
            best = max(found, key=lambda record: opencl.rate(record, count), default=None)
            if best is not None:
                vectors = f"{best.params.get('chains')} chains of vectors of {best.facts.get('width', 1)}"
                said = f"{text.rate(opencl.rate(best, count), f'G{unit}')} in {phrases.precision(dtype)} ({vectors})"
                told.append(phrases.Item(said, (best,)))
                ratios += opencl.beside_the_cpu(results, device, best, "fma") if dtype != "i4" else []
        if told:
            beside = f"; {phrases.entries(ratios)}" if ratios else ""
            yield f"Multiply-adds by OpenCL on {opencl.name(results, device)}: {phrases.entries(told)}{beside}."


def counted_in(dtype: str) -> tuple[str, str]:
    """The count of a type's operations, and their unit."""
    return ("ops", "OP/s") if dtype == "i4" else ("flops", "FLOP/s")


def _best(results: Results, dtype: str) -> Record | None:
    """The record of the highest rate in a type, by medians."""
    found = [r for r in results.records if r.timed and r.variant == "fma" and r.params["dtype"] == dtype]
    count, _ = counted_in(dtype)
    return max(found, key=lambda r: r.counts.get(count, 0.0) / float(np.median(r.samples)), default=None)
