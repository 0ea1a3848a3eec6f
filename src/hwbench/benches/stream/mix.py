"""Reads to writes: bandwidth by level as the share of writes grows, with plain and with non-temporal stores.

A memory channel moves data one way at a time and loses cycles where it turns around, so that a mix may be slower than
reads alone. A core has ports for loads and others for stores: in L1 the fastest mix is one of both. Programs lie
between the ends, so a roof measured by reads alone (`stream.load`) promises some of them too much, others too little.

    1:0  read one array                  load     s = Σ a
    3:1  read three, write one           sum      a = b + c + d
    2:1  read two, write one             add      a = b + c
    1:1  read one, write one             copy     a = b
    0:1  write one                       store    a = s

These are the loops of `stream.load`, `.add`, `.copy` and `.store`, and one more, on pinned threads, each with arrays of
its own that it touched first. The ratio and the bytes are those of the program, as STREAM counts them. With plain
stores the hardware reads each line that is written first (write-allocate), so that 0:1 moves as much in each direction,
and 1:1 reads two lines for each that it writes: `facts["traffic_bytes"]` is that traffic, where the arrays lie in
memory. Non-temporal stores (`simd-nt`) avoid the read: there the mix at the memory is the one named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numba import prange

from ...bench import Bench, Pages, Skip, Work
from ...kernels.compiling import compiled
from ...kernels.cpu_features import stream_width
from ...kernels.gate import enter, leave
from ...kernels.simd import Registers, add, clobber, fence, load, store, width
from ...protocols import Array, Cpu, Results
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.facts import threads_of
from ...record.model import LEVELS, Record, Scalar
from ...record.phrases import compared, counted, differs, level, listed, marked
from .._partitions import Common, parts_of
from ._arrays import GRANULE, array_bytes
from ._kernels import UNROLL
from ._row import Row
from .stream import ADD, COPY, LOAD, STORE, Data, contents, expected, in_numba, on_crew, too_many_threads

DTYPE = np.dtype("f8")


@compiled
def simd_sum(r: Registers, a: int, b: int, c: int, d: int, nbytes: int, passes: int, gate: int = 0) -> None:
    """Sum: a = b + c + d."""
    enter(gate)
    step = width(r)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            store(a + i, add(add(load(r, b + i), load(r, c + i)), load(r, d + i)))
            i += step
        clobber()
    fence()
    leave(gate)


@compiled(parallel=True)
def numba_sum(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Sum: a = b + c + d."""
    for i in prange(len(a)):
        a[i] = b[i] + c[i] + d[i]


def numpy_sum(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Sum: a = b + c + d."""
    np.add(b, c, out=a)
    np.add(a, d, out=a)


SUM = Row("mix", "How fast is a = b + c + d?", 3, 1, 2, simd_sum, numba_sum, numpy_sum, None, tuned=(4,))
ROWS = {"1:0": LOAD, "3:1": SUM, "2:1": replace(ADD, tuned=(4,)), "1:1": COPY, "0:1": STORE}
MIXES = tuple(ROWS)
WRITING = MIXES[1:]
PLAIN: dict[str, tuple[Scalar, ...]] = {"variant": ("simd",)}

bench = Bench(
    "stream.mix",
    question="How does the bandwidth of each level depend on the ratio of reads to writes?",
    axes={"size": LEVELS, "mix": MIXES, "threads": (1, "all"), "pages": (Pages(),)},
    sweeps=(
        {"variant": "simd-nt", "size": ("L2", "DRAM"), "mix": WRITING},
        {"variant": "numba", "size": LEVELS[-1:], "threads": ("all",)},
    ),
    quick={**PLAIN, "size": LEVELS[:1], "mix": ("1:0", "3:1"), "threads": (1,)},
    standard=PLAIN,
    full=PLAIN,
    baseline="simd",
    least=GRANULE,
    measures="mix",
    words={"mix": "reads to writes"},
    core=False,
    full_only=True,
    version=2,
)


@bench.inputs
def data(rng: np.random.Generator, size: int, mix: str) -> tuple[Data, Common]:
    """What the arrays that are read hold, over and over and the same for all threads, and the variants' arrays."""
    return contents(ROWS[mix], rng, size, DTYPE), Common()


@bench.reference
def answer(data: Data, size: int, mix: str, threads: int) -> np.int64 | Array:
    """The sum of what is checked (1:0), or the digest of each thread's result, by NumPy on arrays of its own."""
    return expected(ROWS[mix], data, size, DTYPE, threads)


@bench.counts
def counts(size: int, mix: str, threads: int) -> dict[str, float]:
    """One call goes through a part of all arrays; up to 256 MiB that is the whole."""
    row = ROWS[mix]
    nbytes = array_bytes(row, size) // parts_of(size) * threads
    return {"bytes": nbytes * row.arrays, "flops": nbytes // 8 * row.flops}


def registers_of(row: Row, *, nt: bool = False) -> Registers:
    """The widest registers that one instruction moves."""
    return Registers(row.element(DTYPE).str[1:], stream_width(), UNROLL, nt=nt)


@bench.variant("simd")
def simd(device: Cpu, data: Data, common: Common, size: int, mix: str, threads: int, pages: str) -> Work:
    """Explicit vectors of the widest registers and plain stores, one pinned thread a CPU."""
    row = ROWS[mix]
    return on_crew(row, registers_of(row), device, data, common, size, threads, pages)


@bench.variant("simd-nt")
def simd_nt(device: Cpu, data: Data, common: Common, size: int, mix: str, threads: int, pages: str) -> Work:
    """The same with non-temporal stores, which write memory without reading the line first."""
    row = ROWS[mix]
    if not row.writes:
        raise Skip("no_such_case", f"{mix} has no stores")
    return on_crew(row, registers_of(row, nt=True), device, data, common, size, threads, pages)


@bench.variant("numba", needs=too_many_threads)
def numba_loop(device: Cpu, data: Data, common: Common, size: int, mix: str, threads: int, pages: str) -> Work:
    """A plain prange loop over one set of arrays, on Numba's threads."""
    return in_numba(ROWS[mix], device, data, common, size, DTYPE, threads, pages)


# --- what it says -----------------------------------------------------------------------------------------------------


def rate(record: Record) -> Estimate:
    """Bytes a second, as the program counts them."""
    return estimate(record.samples).inverse(record.counts["bytes"])


def by_mix(results: Results, variant: str, size: str, threads: Scalar) -> dict[str, Record]:
    """The timed records of a level by mix, reads alone first."""
    found = {mix: results.find(variant, size=size, threads=threads, mix=mix) for mix in MIXES}
    return {mix: record for mix, record in found.items() if record is not None}


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Bandwidth by mix in memory on all threads and in L1 on one; what non-temporal stores gain."""
    far, near = by_mix(results, "simd", LEVELS[-1], "all"), by_mix(results, "simd", LEVELS[0], 1)
    for place, records in ((LEVELS[-1], far), (LEVELS[0], near)):
        if len(records) > 1:
            each = listed(f"{text.rate(rate(record), 'GB/s')} at {mix}" for mix, record in records.items())
            threads = counted(threads_of(next(iter(records.values()))), "thread")
            yield marked(f"Bandwidth in {level(place)} on {threads} by reads to writes: {each}", *records.values())
    streamed = by_mix(results, "simd-nt", LEVELS[-1], "all")
    gains = {mix: results.versus(record, far[mix]) for mix, record in streamed.items() if mix in far}
    gains = {mix: gain for mix, gain in gains.items() if differs(gain)}
    if gains:
        each = listed(f"{compared(gain)} at {mix}" for mix, gain in gains.items())
        used = [record for mix in gains for record in (far[mix], streamed[mix])]
        yield marked(f"Non-temporal stores against plain ones in memory on all threads: {each}", *used)
