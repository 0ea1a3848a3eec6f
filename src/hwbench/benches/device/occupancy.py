"""Occupancy: how many threads it takes until the GPU is busy, and how much each must have in flight.

A GPU hides every wait behind other threads. With too few it waits: for the result of the operation before (some 4
cycles) where it computes, for memory (hundreds of cycles) where it copies. `chains` is what one thread has in flight:
independent chains of multiply-adds, or loads of 16 bytes. In flight are threads × chains in all, so fewer threads that
do more each reach the same rate.

`opencl` is the same in OpenCL. Where a device has native vectors, as a CPU has, a work-item stands for several threads:
for as many as its vector has float32 in a chain, or 16 bytes in a copy. Then a group is one work-item, and the number
of threads says how many compute units have work. OpenCL does not tell how many work-items a device holds at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import DeviceArray, Gpu, OpenCl, OpenClArgument, OpenClArray, Results
from ...record import phrases, text
from ...record.model import Record
from .. import _opencl as opencl
from .._gpu import SEEDS, STEP, WARP, chain_flops, chained, known_chains, repeated, starts

LARGEST_BLOCK = 128  # threads: small, so that few threads are spread over many multiprocessors
# Passes of a chain: a launch with one chain a thread then takes at least 0.1 ms, long against the microseconds between
# two launches. More threads than BUSY take turns, so fewer passes take as long.
PASSES = 32
BUSY = 2**17  # threads that keep any GPU busy
# Passes × threads on a device that is this CPU: milliseconds with one chain, as long as its 1024 pairs do not round.
ON_CPU = 2**15
EACH = 64 * 1024  # bytes that a thread copies, until all together reach MOST
MOST = 256 * 2**20

bench = Bench(
    "device.occupancy",
    question="How many threads does the GPU need to compute, and to copy, at its full rate?",
    axes={"work": ("fma", "copy"), "threads": tuple(2**i for i in range(5, 22, 2)), "chains": (1, 2, 4, 8)},
    quick={"threads": (32, 2048, 131072), "chains": (1, 4)},
    baseline="kernel",
    measures="occupancy",
    version=3,
    tolerance=0.0,
    together=("threads",),
    core=False,
    may_cap=True,
)


def copied(threads: int) -> int:
    """float32 elements that all threads copy together; a multiple of 8 loads of 16 bytes each."""
    least = threads * 8 * 16
    return max(1, min(threads * EACH, MOST) // least) * least // 4


def passes(threads: int, device: Gpu | OpenCl, variant: str) -> int:
    """How often each chain goes through its pairs."""
    if variant == "opencl" and cast(OpenCl, device).about.here:
        return max(1, ON_CPU // threads)
    return max(1, min(PASSES, PASSES * BUSY // threads))


@bench.inputs
def numbers(rng: np.random.Generator, work: str) -> np.ndarray:
    """What the chains start from, or the first MiB of what is copied (float32)."""
    return starts(rng, SEEDS, np.float32) if work == "fma" else rng.random(2**18, dtype=np.float32)


@bench.reference
def reference(
    x: np.ndarray, device: Gpu | OpenCl, work: str, threads: int, chains: int, variant: str = "kernel"
) -> np.ndarray:
    """Each chain's start and what its passes add; or what is copied."""
    if work == "copy":
        return np.resize(x, copied(threads))
    ends = x + np.float32(passes(threads, device, variant) * STEP)
    if variant == "opencl":
        return np.resize(ends, threads * chains)
    chain = np.arange(threads) * chains + np.arange(chains)[:, None]
    return np.asarray(ends[chain % SEEDS]).reshape(-1)


@bench.counts
def counts(device: Gpu | OpenCl, work: str, threads: int, chains: int, variant: str = "kernel") -> dict[str, float]:
    """Two operations for each multiply-add; each byte read and written."""
    if work == "fma":
        return {"flops": chain_flops(passes(threads, device, variant)) * chains * threads}
    return {"bytes": 2 * 4 * copied(threads)}


@bench.memory
def memory(work: str, threads: int, chains: int) -> int:
    """What is copied and its copy, or one result a chain."""
    return 8 * copied(threads) if work == "copy" else 4 * threads * chains


@bench.variant("kernel", on="gpu")
def kernel(device: Gpu, x: DeviceArray, work: str, threads: int, chains: int) -> Work:
    """CUDA C++, blocks of up to 128 threads."""
    known_chains(chains)
    if threads % min(threads, LARGEST_BLOCK):
        raise Skip("bad_value", f"{threads} threads are no whole number of blocks of {LARGEST_BLOCK}")
    block = min(threads, LARGEST_BLOCK)
    properties = device.properties
    facts = {"threads": threads, "sm": properties.sm, "resident": properties.sm * properties.threads_sm}
    if work == "fma":
        to = device.put(np.zeros(threads * chains, np.float32))
        arguments = (x, to, *chained(np.float32, passes(threads, device, "kernel")))
        launch = device.launcher("device.peak", f"fma_f4_{chains}", threads // block, block, arguments)
    else:
        n = copied(threads)
        source, to = repeated(device, x, n), device.empty(n, np.float32)
        to[...] = np.float32(np.nan)
        arguments = (source, to, np.int64(n // 4))
        launch = device.launcher("device.occupancy", f"copy_{chains}", threads // block, block, arguments)
    made: Work = device.timed(launch, output=lambda: device.get(to), cold=work == "copy", facts=facts)
    return made


@bench.variant("opencl", on="opencl")
def in_opencl(device: OpenCl, x: OpenClArray, work: str, threads: int, chains: int) -> Work:
    """OpenCL, groups of up to 128 work-items; on a CPU of one, which stands for as many threads as its vector holds."""
    known_chains(chains)
    lanes = device.width(np.float32) if work == "fma" else max(4, device.width(np.float32))
    each = lanes if work == "fma" else lanes // 4  # threads that a work-item stands for
    group = max(1, min(threads // each, LARGEST_BLOCK, device.group))
    if threads % (each * group):
        raise Skip("bad_value", f"{threads} threads are no whole number of groups of {each * group}")
    groups = threads // (each * group)
    facts = {"threads": threads, "groups": groups, "group": group, "item_threads": each, "sm": device.properties.sm}
    if work == "fma":
        to = device.filled(threads * chains, np.float32(np.nan))
        macros = [*opencl.vectors(device, np.float32, group), f"-DCHAINS={chains}"]
        numbers = chained(np.float32, passes(threads, device, "opencl"))
        given: tuple[OpenClArgument, ...] = (x, np.uint32(SEEDS // lanes - 1), to, *numbers)
        launch = device.launcher("device.peak", "chains", groups, group, given, macros)
        made: Work = device.timed(launch, output=to.get, facts=facts)
        return made
    n = copied(threads)
    to = device.filled(n, np.float32(np.nan))
    macros = [f"-DT=float{lanes}", f"-DU=uint{lanes}", f"-DBITS=as_uint{lanes}", "-DFMA=mad", "-DPLACES=1"]
    macros += [f"-DGROUP={group}", f"-DITEMS={chains}"]
    given = (device.repeated(x, n), to, np.uint64(n // (lanes * chains * group)), np.int32(1))
    launch = device.launcher("device.stream", "copy", groups, group, given, macros)
    return opencl.cold(device, launch, to, facts)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Of each device the threads that saturate each kind of work, how few do with more in flight, and what 32 do."""
    devices = dict.fromkeys(record.device for record in results.records if record.timed)
    for device in devices:
        records = [record for record in results.records if record.timed and record.device == device]
        if device.startswith("opencl"):
            yield from of_device(results, records, f" by OpenCL on {opencl.name(results, device)}", "32 threads reach")
        else:
            alone = sum(one.startswith("gpu") for one in devices) < 2
            yield from of_device(results, records, "" if alone else f" of {device}", "A single warp reaches")


def of_device(results: Results, records: Sequence[Record], where: str, few_reach: str) -> Iterator[str]:
    """The sentences about one device, which `where` names."""
    warp = []
    for work, name, unit in (("fma", "multiply-add", "chain"), ("copy", "copy", "load")):
        needed = {chains: threads_needed(results, records, work, chains) for chains in (8, 4, 2, 1)}
        known = {chains: threads for chains, threads in needed.items() if threads is not None}
        if not known:
            continue
        many, few = max(known), min(known)
        own = [r for r in records if r.params["work"] == work]
        used = [r for r in own if r.params["chains"] in (few, many)]
        told = [
            f"{text.count(known[chains])} threads with {phrases.counted(chains, unit)} each"
            for chains in dict.fromkeys((many, few))
        ]
        resident = next((r.facts["resident"] for r in used if r.facts.get("resident")), None)
        holds = f"; the GPU holds {text.count(float(resident))} threads at a time" if resident else ""
        yield f"90% of the best {name} rate{where} takes {' or '.join(told)}{phrases.mark(*used)}{holds}."
        one = next((r for r in own if (r.params["threads"], r.params["chains"]) == (WARP, few)), None)
        rates = dict(curve(records, work, few))
        if one is not None and len(rates) > 1:
            share = text.share(rates[WARP] / best(records, work))
            warp.append(
                phrases.Item(f"{share} of the best {name} rate with {phrases.counted(few, unit)} per thread", (one,))
            )
    if warp:
        yield f"{few_reach} {phrases.entries(warp)}{where}."


def curve(records: Sequence[Record], work: str, chains: int) -> list[tuple[int, float]]:
    """(threads, operations or bytes a second) of one kind of work on one device."""
    count = "flops" if work == "fma" else "bytes"
    return sorted(
        (int(record.params["threads"]), record.counts[count] / float(np.median(record.samples)))
        for record in records
        if (record.params["work"], record.params["chains"]) == (work, chains)
    )


def best(records: Sequence[Record], work: str) -> float:
    """The best rate of one kind of work, at any number of threads and chains."""
    return max((rate for chains in (1, 2, 4, 8) for _, rate in curve(records, work, chains)), default=0.0)


def threads_needed(results: Results, records: Sequence[Record], work: str, chains: int) -> float | None:
    """Threads from which on 90% of the best rate at any number of chains is reached; None where it never is."""
    enough, points = 0.9 * best(records, work), curve(records, work, chains)
    if len(points) < 2 or max(rate for _, rate in points) < enough:
        return None
    return results.fits.saturating(points, enough / max(rate for _, rate in points))
