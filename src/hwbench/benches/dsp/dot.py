"""Dot product: two operations on two loaded elements, 1/8 flop a byte in f8. Outside the caches it is a load.

Every variant runs on one thread. BLAS would take all for long arrays; that is a variant of its own (`blas-all`). In L1
the call from Python, which every variant pays, takes as long as the product.

A size label means each device's own: a CPU has L1 … DRAM, a GPU L2 and HBM. A device skips the labels that it lacks.
The L2 of a GPU is never compared with that of a CPU, which may be a hundred times smaller.

`opencl` adds up native vectors of the device, eight sums under way, in each group, and then the groups' sums in a
second launch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...protocols import Array, Cpu, DeviceArray, EitherArray, Gpu, OpenCl, OpenClArray, Results
from ...record import phrases, text
from ...record.model import Record
from ...record.reasons import Reason, because
from .. import _opencl as opencl
from .._gpu import where
from .._partitions import PERIOD, Partitions, parts_of, repeat_into
from ._resident import resident_work

BLAS_SPLITS = 10_000  # elements beyond which OpenBLAS's dot product uses all its threads (kernel/x86_64/ddot.c)


@compiled(fastmath=True)
def dot_fast(a: Array, b: Array) -> float:
    """Σ a·b, in any order of the additions."""
    total: float = a[0] * 0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


dot = Bench(
    "dsp.dot",
    question="How fast is a dot product, and does loading its data limit it?",
    axes={"size": ("L1", "DRAM"), "dtype": ("f8",)},
    baseline="blas",
    measures="dot product",
    leading="flops",
    core=False,
    limit="load",
    version=3,
    sweeps=({"variant": ("cupy", "opencl"), "size": ("L2", "HBM")},),
    # A megabyte is a size to both kinds of device, and fits the L2 of every GPU.
    quick={"size": ("L1", "1MiB")},
    full={"size": ("L1", "L2", "L3", "DRAM"), "dtype": ("f4", "f8")},
)


@dot.inputs
def vectors(rng: np.random.Generator, size: int, dtype: np.dtype, device: Cpu) -> tuple[Array, Array, Partitions]:
    """Two arrays of `size` bytes together, around 1, so that the sum does not cancel; long ones repeat themselves."""
    partitions = Partitions(parts_of(size))
    n = max(size // 2 // dtype.itemsize // partitions.parts, 1) * partitions.parts
    a, b = device.host_empty(n, dtype), device.host_empty(n, dtype)
    for array in (a, b):
        repeat_into(array, (rng.random(min(n, PERIOD)) + 0.5).astype(dtype))
    return a, b, partitions


@dot.reference
def exact_dot(a: Array, b: Array, partitions: Partitions) -> float:
    """The sum in float64 of the parts that are checked."""
    n = len(a) // partitions.parts * partitions.checked
    return float(np.dot(a[:n].astype(np.float64, copy=False), b[:n].astype(np.float64, copy=False)))


@dot.counts
def dot_counts(a: Array, _b: Array, partitions: Partitions) -> dict[str, float]:
    """A part of both arrays once (up to 256 MiB that is the whole), a multiply-add an element."""
    return {"bytes": 2 * a.nbytes // partitions.parts, "flops": 2 * a.size // partitions.parts}


@dot.variant("numpy")
def dot_numpy(device: Cpu, a: Array, b: Array, partitions: Partitions) -> Work:
    """(a * b).sum(): two passes and an array between them."""
    product = device.host_empty(a.shape, a.dtype)
    product[:] = 0  # touch it before the clock runs: the check does not visit every part
    x, y, products = (np.split(whole, partitions.parts) for whole in (a, b, product))

    def visit(part: int) -> float:
        np.multiply(x[part], y[part], out=products[part])
        return products[part].sum()

    return partitions.work(visit, {})


def by_blas(device: Cpu, a: Array, b: Array, partitions: Partitions, threads: int) -> Work:
    """The work of np.dot on so many threads of BLAS; Skip where BLAS cannot be limited to them."""
    x, y = np.split(a, partitions.parts), np.split(b, partitions.parts)
    dot = partitions.work(lambda part: np.dot(x[part], y[part]), {})
    work: Work = device.blas(dot.call, threads, output=dot.output or dot.call, facts=dot.facts)
    return work


@dot.variant("blas")
def dot_blas(device: Cpu, a: Array, b: Array, partitions: Partitions) -> Work:
    """np.dot, which is BLAS, on one thread: one pass."""
    return by_blas(device, a, b, partitions, 1)


def splits_nothing(size: int, dtype: np.dtype) -> Reason | None:
    """Why BLAS would use one thread however many it has; None where the arrays are long enough for all."""
    n = size // 2 // dtype.itemsize
    if n > BLAS_SPLITS:
        return None
    most = text.count(BLAS_SPLITS)
    return because("one_thread", f"BLAS uses one thread up to {most} elements; there are {text.count(n)}")


@dot.variant("blas-all", needs=splits_nothing)
def dot_blas_on_all(device: Cpu, a: Array, b: Array, partitions: Partitions) -> Work:
    """The same on all threads, each with a share of the arrays."""
    if device.host.usable == 1:
        raise Skip("needs_cpus", "needs 2 CPUs; 1 may be used")
    return by_blas(device, a, b, partitions, device.host.usable)


@dot.variant("numba")
def dot_numba(a: Array, b: Array, partitions: Partitions) -> Work:
    """A loop in Numba with fastmath, which may add in any order and so in vectors."""
    x, y = np.split(a, partitions.parts), np.split(b, partitions.parts)
    # One call from Python for each product, as in the other variants: 1024 elements take less time than the call.
    return partitions.work(lambda part: dot_fast(x[part], y[part]), {})


@dot.variant("cupy", on="gpu")
def dot_cupy(device: Gpu, a: DeviceArray, b: DeviceArray, partitions: Partitions) -> Work:
    """cupy.dot on arrays that are on the device: CuPy may write the products out and read them again to add them."""
    facts = where(device, 2 * a.nbytes, parts=partitions.parts)
    if partitions.parts == 1:
        return resident_work(device, device.xp.dot, a, b, **facts)
    partitions.restart()
    x, y = a.reshape(partitions.parts, -1), b.reshape(partitions.parts, -1)
    found: list[EitherArray] = [None]

    def call() -> None:
        part = partitions.take()
        found[0] = device.xp.dot(x[part], y[part])

    def output() -> Array:
        total = device.get(found[0])
        for _ in range(partitions.checked - 1):
            call()
            total = total + device.get(found[0])
        return total

    made: Work = device.host_timed(call, output=output, sync="end", facts={"transfers": False, **facts})
    return made


@dot.variant("opencl", on="opencl")
def dot_opencl(device: OpenCl, a: OpenClArray, b: OpenClArray, partitions: Partitions) -> Work:
    """OpenCL on arrays that are on the device: a sum for each group, then their sum; one wait at a sample's end."""
    device.needs(a.dtype)
    n, group, groups = len(a) // partitions.parts, device.group, device.groups
    macros = opencl.vectors(device, a.dtype)
    sums, to = device.empty(groups, a.dtype), device.empty(1, a.dtype)
    visits = [
        device.launcher(
            "dsp.dot", "products", groups, group, (a, b, sums, np.uint64(part * n), np.uint64(n)), macros
        )
        for part in range(partitions.parts)
    ]  # fmt: skip
    add_up = device.launcher("dsp.dot", "total", 1, group, (sums, to, np.uint32(groups)), macros)
    partitions.restart()

    def call() -> None:
        visits[partitions.take()]()
        add_up()

    def output() -> float:
        found = float(to.get()[0])
        for _ in range(partitions.checked - 1):
            call()
            found += float(to.get()[0])
        return found

    facts = where(device, 2 * a.nbytes, parts=partitions.parts)
    work: Work = device.host_timed(call, output=output, facts={"transfers": False, **facts})
    return work


@dot.finding
def dot_finding(results: Results) -> Iterator[str]:
    """GFLOP/s in L1 and from memory and the share of a load; on a GPU GB/s, beside a copy of its own."""
    for level, how in (("L1", ", the call from Python included"), ("DRAM", "")):
        place = {"size": level, "dtype": "f8"}
        found = [r for name in ("numba", "blas", "blas-all", "numpy") if (r := results.find(name, **place)) is not None]
        alone = all(record.facts.get("threads", 1) == 1 for record in found)
        told = [phrases.Item(_rated(record, alone), (record,)) for record in sorted(found, key=_rate, reverse=True)]
        if not told:
            continue
        share = results.share("numba", **place) if level == "DRAM" else None
        load = "" if share is None else f"; Numba reaches {phrases.of_limit(share, 'the load bandwidth of 1 thread')}"
        place_of = f"Dot product (float64) of data in {phrases.level(level)}"
        yield f"{place_of}{' on 1 thread' * alone}{how}: {phrases.entries(told)}{load}."
    on_gpu = {"size": "HBM", "dtype": "f8"}
    record, rate = results.find("cupy", **on_gpu), results.rate("cupy", "flops", **on_gpu)
    if record is not None and rate is not None:
        copy = results.share("cupy", "copy", **on_gpu)
        read = "" if copy is None else f", {phrases.of_limit(copy, 'the bandwidth of a copy on the GPU')}"
        said = f"CuPy's dot product (float64) of data in GPU memory: {text.rate(rate, 'GFLOP/s')}{read}"
        yield f"{said}{phrases.mark(record)}."
    for device, records in opencl.by_device(results, "flops"):
        for record in (one for one in records if one.params == on_gpu):
            moved = text.rate(opencl.rate(record, "bytes"), "GB/s")
            said = f"Dot product (float64) by OpenCL of data in the memory of {opencl.name(results, device)}"
            beside = opencl.beside_the_cpu(results, device, record, "read")
            own = f"; {phrases.entries(beside)}" if beside else ""
            yield f"{said}: {text.rate(_rate(record), 'GFLOP/s')}, {moved} read{own}{phrases.mark(record)}."


def _rated(record: Record, alone: bool) -> str:
    """`numba 2.00 GFLOP/s` where all run `alone`; else `blas-all 5.00 GFLOP/s on 4 threads`."""
    threads = phrases.counted(int(record.facts.get("threads", 1)), "thread")
    return f"{record.variant} {text.rate(_rate(record), 'GFLOP/s')}{'' if alone else f' on {threads}'}"


def _rate(record: Record) -> float:
    """FLOP/s, by the median."""
    return record.counts.get("flops", 0.0) / float(np.median(record.samples))
