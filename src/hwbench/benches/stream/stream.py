"""Bandwidth by level: bytes a second that one thread and all threads move to and from each cache and memory.

The kernels are McCalpin's STREAM (copy a = b, scale a = s·b, add a = b + c, triad a = b + s·c) and its two halves: load
reads an array, store writes one. Bytes are counted as STREAM counts them: an array once for each time the kernel names
it. The hardware moves more where it writes: a store that misses reads the line first (write-allocate), so that a store
moves two arrays, a copy three and a triad four; where the arrays lie in memory, `facts["traffic_bytes"]` is that
traffic. (Some processors skip the read where a loop writes whole lines: then it is less.) Non-temporal stores
(`simd-nt`) avoid the read, and are slow where the data would have stayed in a cache.

`load` only loads: an addition with a memory operand takes as long as a load on a Zen 4, but half as long again on an
Intel core with 512-bit registers, which has two ports for such additions. So all passes of `load` only load, and the
last one adds up, which is what is checked.

A single stream does not reach memory bandwidth: it keeps the banks and the prefetcher of one page busy. `simd-streams`
reads four parts of the array at once, in registers half as wide: faster from memory (1.08 times on a Zen 4), and in no
cache.

`simd` and `simd-nt` state the vector instructions and run on pinned threads, each on memory of its own that it touched
first: the machine's limit. `numba` is a plain prange loop over one set of arrays on Numba's own threads, `numpy` the
same in NumPy: what Python gets of that limit. All use huge pages in the standard set, as NumPy's own large arrays do on
Linux: with small pages the figure for memory would include page walks.

Every answer is a whole number in which each bit of each element counts. The floats are whole numbers below 2¹¹, so that
nothing rounds in f4 or f8, with or without FMA, and results can be compared bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numba
import numpy as np

from ...bench import Bench, Grid, Pages, Sweep, Work
from ...kernels.compiling import Kernel
from ...kernels.cpu_features import stream_width
from ...kernels.simd import Registers
from ...protocols import Array, Call, Cpu, Job, Results
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.facts import threads_of
from ...record.model import LEVELS, Record, Scalar
from ...record.phrases import against, counted, differs, largest, level, listed, marked, ranked
from ...record.reasons import Reason, because
from .._digests import digest, digest_repeated, sum_repeated
from .._partitions import PERIOD, Common, Partitions, parts_of
from ._arrays import GRANULE, PAGE, Arrays, array_bytes, of_a_crew, of_a_loop
from ._blocks import Block, choose, level_of
from ._kernels import (
    UNROLL,
    numba_add,
    numba_copy,
    numba_load,
    numba_scale,
    numba_store,
    numba_triad,
    numpy_add,
    numpy_copy,
    numpy_load,
    numpy_scale,
    numpy_store,
    numpy_triad,
    simd_add,
    simd_copy,
    simd_copy_halves,
    simd_load,
    simd_load_streams,
    simd_scale,
    simd_store,
    simd_triad,
    simd_triad_halves,
)
from ._row import SCALE, Row

Data = tuple[np.ndarray, ...]  # what the arrays that are read hold, over and over


ENDS = ("L1", "DRAM")  # scale and add differ from copy and triad by an operation, which no level between these shows

LOAD = Row("load", "How fast is each level read?", 1, 0, 0, simd_load, numba_load, numpy_load, 1, tuned=(4, 16))
STORE = Row(
    "store", "How fast is each level written?", 0, 1, 0, simd_store, numba_store, numpy_store, 2, core=False, tuned=(4,)
)
COPY = Row(
    "copy", "How fast is data copied within each level?", 1, 1, 0, simd_copy, numba_copy, numpy_copy, None,
    tuned=(4, 16), split=simd_copy_halves,
)  # fmt: skip
SCALE_BY = Row("scale", "How fast is a = s·b?", 1, 1, 1, simd_scale, numba_scale, numpy_scale, 3, ENDS, core=False)
ADD = Row("add", "How fast is a = b + c?", 2, 1, 1, simd_add, numba_add, numpy_add, 4, ENDS, core=False)
# In two passes: c is read and a written (3 with write-allocate), then a and b are read and a written, whose lines are
# cached.
TRIAD = Row(
    "triad", "How fast is a = b + s·c in each level?", 2, 1, 2, simd_triad, numba_triad, numpy_triad, 6,
    tuned=(4, 16), split=simd_triad_halves,
)  # fmt: skip

# Numba and NumPy between L1 and memory: the triad shows it for all. Scale and add: STREAM's in memory.
STANDARD: dict[str, Grid] = {
    "load": {"variant": ("simd", "simd-streams")},
    "triad": {"variant": ("simd", "numba", "numpy")},
    "copy": {"variant": "simd"},
    "store": {"variant": "simd"},
    "scale": {"variant": ("simd", "numba", "numpy"), "size": LEVELS[-1:]},
    "add": {"variant": ("simd", "numba", "numpy"), "size": LEVELS[-1:]},
}


def stream(row: Row) -> Bench:
    """The bench of one row."""

    def bits(dtype: np.dtype) -> str:
        return row.element(dtype).str[1:]

    bench = Bench(
        f"stream.{row.name}",
        question=row.question,
        axes={"size": row.sizes, "dtype": ("f8",), "threads": (1, "all"), "pages": (Pages(),)},
        baseline="simd",
        limit=row.name,
        measures=row.name,
        least=row.arrays * GRANULE,
        quick={"size": ENDS},
        # Moving bytes does not depend on the dtype; only arithmetic can.
        full={"size": LEVELS, "dtype": ("f4", "f8") if row is TRIAD else ("f8",), "pages": ("4K", "huge")},
        # Non-temporal stores are for memory; the full set has them at cache sizes, too, which they bypass.
        standard=STANDARD.get(row.name, {}),
        # The chart of bandwidth by size is one of loads; copies and triads are measured at levels.
        sweeps=(
            {"variant": ("numba", "numpy"), "size": LEVELS[-1:]},
            {"variant": "simd-nt", "size": LEVELS[-1:]}
            if row.writes
            # Half octaves show where the last-level cache ends; below 1 MiB the chase's do.
            else {"variant": "simd", "size": (Sweep(PAGE, points=1), Sweep(2**20, points=2)), "threads": (1,)},
            {"variant": "simd", "size": LEVELS[:1], "threads": (1,)},
        ),
        full_sweeps=() if row.writes else ({"variant": "simd", "size": (Sweep(PAGE, points=2),), "threads": (1,)},),
        core=row.core,
        version=6 if row.writes else 5,
    )

    @bench.inputs
    def data(rng: np.random.Generator, size: int, dtype: np.dtype) -> tuple[Data, Common]:
        """What the arrays that are read hold, over and over and the same for all threads, and the variants' arrays."""
        return contents(row, rng, size, dtype), Common()

    @bench.reference
    def answer(data: Data, size: int, dtype: np.dtype, threads: int) -> np.int64 | Array:
        """The sum of what is checked (load), or the digest of each thread's result, by NumPy on arrays of its own."""
        return expected(row, data, size, dtype, threads)

    @bench.counts
    def counts(size: int, dtype: np.dtype, threads: int) -> dict[str, float]:
        """One call goes through a part of all arrays; up to 256 MiB that is the whole."""
        nbytes = array_bytes(row, size) // parts_of(size) * threads
        return {"bytes": nbytes * row.arrays, "flops": nbytes // dtype.itemsize * row.flops}

    @bench.variant("simd")
    def simd(device: Cpu, data: Data, common: Common, size: int, dtype: np.dtype, threads: int, pages: str) -> Work:
        """Explicit vectors of the widest registers, unrolled, one pinned thread a CPU."""
        registers = Registers(bits(dtype), stream_width(), UNROLL)
        return on_crew(row, registers, device, data, common, size, threads, pages)

    if row is LOAD:

        @bench.variant("simd-streams")
        def simd_streams(
            device: Cpu, data: Data, common: Common, size: int, dtype: np.dtype, threads: int, pages: str
        ) -> Work:
            """Four parts of the array at once, in vectors half as wide."""
            registers = Registers(bits(dtype), max(128, stream_width() // 2), UNROLL // 4)
            return on_crew(
                row, registers, device, data, common, size, threads, pages, Block(simd_load_streams, registers, 4)
            )

    if row.writes:

        @bench.variant("simd-nt")
        def simd_nt(
            device: Cpu, data: Data, common: Common, size: int, dtype: np.dtype, threads: int, pages: str
        ) -> Work:
            """The same with non-temporal stores, which write memory without reading the line first."""
            registers = Registers(bits(dtype), stream_width(), UNROLL, nt=True)
            return on_crew(row, registers, device, data, common, size, threads, pages)

    @bench.variant("numba", needs=too_many_threads)
    def numba_loop(
        device: Cpu, data: Data, common: Common, size: int, dtype: np.dtype, threads: int, pages: str
    ) -> Work:
        """A plain prange loop over one set of arrays, on Numba's threads."""
        return in_numba(row, device, data, common, size, dtype, threads, pages)

    @bench.variant("numpy", needs=one_thread)
    def in_numpy(device: Cpu, data: Data, common: Common, size: int, dtype: np.dtype, pages: str) -> Work:
        """NumPy's own functions with out=."""
        arrays = common.get(("loop", 1, pages), lambda: of_a_loop(row, device, data, size, 1, pages))
        about = traffic(device, row.numpy_moves, array_bytes(row, size) // parts_of(size), size, 1)
        return by_partition(row, row.numpy, arrays, dtype, 1, **about)

    @bench.finding
    def finding(results: Results) -> Iterator[str]:
        yield from tell(row, results)

    return bench


# --- what any row has -------------------------------------------------------------------------------------------------


def contents(row: Row, rng: np.random.Generator, size: int, dtype: np.dtype) -> Data:
    """What the arrays that are read hold, over and over: whole numbers, of which sums and products are exact."""
    words = min(array_bytes(row, size) // 8, PERIOD)
    if not row.writes:  # nothing is computed, so the bits may be anything
        return (rng.integers(-(2**63), 2**63 - 1, words),)
    return tuple(rng.integers(1, 2**11, words * 8 // dtype.itemsize).astype(dtype) for _ in range(row.reads))


def expected(row: Row, data: Data, size: int, dtype: np.dtype, threads: int) -> np.int64 | Array:
    """The sum of what is checked where nothing is written, else the digest of each thread's result."""
    partitions = Partitions(parts_of(size))
    length = array_bytes(row, size) // 8 // partitions.parts * partitions.checked
    if not row.writes:
        return (sum_repeated(data[0], length) * threads)[0]  # wraps around without a warning, as the kernels do
    a = np.empty_like(data[0]) if data else np.empty(8 // dtype.itemsize, dtype)
    row.numpy(a, *data, *[a] * (3 - row.arrays), dtype.type(SCALE))
    return np.full(threads, digest_repeated(a.view(np.int64), length))


# --- variants ---------------------------------------------------------------------------------------------------------


def on_crew(
    row: Row, registers: Registers, device: Cpu, data: Data, common: Common, size: int, threads: int, pages: str,
    block: Block | None = None,
) -> Work:  # fmt: skip
    """A kernel on pinned threads, each of which allocates and first touches the arrays it works on.

    Without a `block`, the fastest one for these registers is chosen.
    """
    crew = device.crew(threads)
    made = common.get(("crew", threads, pages), lambda: of_a_crew(row, device, data, size, threads, pages))
    facts: dict[str, str] = {}
    if block is None:
        block, choice = choose(row, registers, device, made, level_of(device, size, threads))
        facts = choice.facts
    memory = [arrays.anew(row) for arrays in made]
    parts, checked = memory[0].partitions.parts, memory[0].partitions.checked
    nbytes = memory[0].words[0].nbytes // parts
    sums = np.zeros((threads, parts), np.int64)

    def job(rank: int) -> Job:
        addresses = [words.ctypes.data for words in memory[rank].words]
        addresses += addresses[:1] * (3 - row.arrays)
        partitions = memory[rank].partitions

        def visit(part: int, passes: int, gate: int) -> None:
            places = (place + part * nbytes for place in addresses)
            found = block.kernel(block.registers, *places, nbytes, passes, gate)
            if found is not None:
                sums[rank, part] = found

        return partitions.job(visit)

    jobs = [job(rank) for rank in range(threads)]

    def output() -> np.int64 | Array:
        if checked > 1:
            crew.each(lambda rank: jobs[rank](checked - 1, 0))
        if not row.writes:
            return sums[:, :checked].sum()
        return np.array(crew.each(lambda rank: digest(memory[rank].words[0][: memory[rank].checked])))

    def close() -> None:
        for arrays in memory:
            arrays.buffer.close()

    work: Work = crew.work(
        jobs,
        output=output,
        facts={
            "pages": memory[0].buffer.pages,
            "elements": nbytes * parts // np.dtype(registers.dtype).itemsize,
            "width": registers.bits,
            "registers": block.registers.count,
            "streams": block.streams,
            "parts": parts,
            **facts,
            **traffic(device, row.arrays if registers.nt else row.moves, nbytes, size, threads),
        },
        close=close,
    )
    return replace(work, past_caches=registers.nt)


def traffic(device: Cpu, moves: int | None, nbytes: int, size: int, threads: int) -> dict[str, int]:
    """The memory traffic of one call: `moves` arrays of `nbytes` for each thread, where they lie in memory."""
    return {} if moves is None or not in_memory(device, size, threads) else {"traffic_bytes": moves * nbytes * threads}


def in_memory(device: Cpu, size: int, threads: int) -> bool:
    """Whether arrays of `size` bytes a thread lie in memory: four times the last-level caches, as STREAM asks for."""
    cached = device.host.last_level_total()
    return cached is not None and size * threads >= 4 * cached


def one_thread(threads: int) -> Reason | None:
    """NumPy's loops use one thread."""
    return because("one_thread", "NumPy runs on one thread") if threads > 1 else None


def too_many_threads(threads: int) -> Reason | None:
    """Why Numba's pool cannot run so many threads."""
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined,unused-ignore]
    if threads > most:
        return because("needs_threads", f"Numba was started with {most} threads (NUMBA_NUM_THREADS)")
    return None


def in_numba(
    row: Row, device: Cpu, data: Data, common: Common, size: int, dtype: np.dtype, threads: int, pages: str
) -> Work:
    """The prange loop over arrays of `threads` times the length; a digest for each thread's share of them.

    A call runs over one part of the arrays, and in each part every thread gets the share that it touched first.
    """
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    arrays = common.get(("loop", threads, pages), lambda: of_a_loop(row, device, data, size, threads, pages))
    layer = numba.threading_layer()  # type: ignore[attr-defined,unused-ignore]
    about = traffic(device, row.moves, array_bytes(row, size) // parts_of(size), size, threads)
    work = by_partition(row, row.numba, arrays, dtype, threads, layer=layer, **about)

    def close() -> None:
        numba.set_num_threads(before)
        arrays.buffer.close()

    return replace(work, close=close)


def by_partition(row: Row, function: Kernel, arrays: Arrays, dtype: np.dtype, threads: int, **facts: Scalar) -> Work:
    """The work of calling a function on a part of the arrays, the next call on the next part."""
    whole, partitions, buffer = arrays.anew(row).words, arrays.partitions, arrays.buffer
    parts = partitions.parts

    def bound(part: int) -> Call:
        n = len(whole[0]) // parts
        views = [words[part * n : (part + 1) * n].view(row.element(dtype)) for words in whole]
        return partial(function, *views, *views[:1] * (3 - row.arrays), dtype.type(SCALE))

    calls = [bound(part) for part in range(parts)]
    sums = np.zeros(parts, np.int64)

    def call() -> None:
        part = partitions.take()
        found = calls[part]()
        if found is not None:
            sums[part] = found

    def output() -> np.int64 | Array:
        for _ in range(partitions.checked - 1):
            call()
        if not row.writes:
            return sums[: partitions.checked].sum()
        shares = whole[0].reshape(parts, threads, -1)[: partitions.checked]
        digests = [[digest(words, part * len(words)) for words in rows] for part, rows in enumerate(shares)]
        return np.array(digests).sum(axis=0)

    about = {"pages": buffer.pages, "elements": whole[0].nbytes // dtype.itemsize // threads, "parts": parts, **facts}
    if parts == 1:  # nothing stands between the clock and the function
        return Work(calls[0], output=output if row.writes else None, facts=about, close=buffer.close)
    return Work(call, output=output, facts=about, close=buffer.close)


# --- what it says -----------------------------------------------------------------------------------------------------

EXPLICIT = ("simd", "simd-nt", "simd-streams")
IN_PYTHON: tuple[tuple[str, str, Scalar], ...] = (("numba", "Numba's prange", "all"), ("numpy", "NumPy", 1))


def tell(row: Row, results: Results) -> Iterator[str]:
    """Memory beside L1, one thread beside all; what non-temporal stores gain; what Numba and NumPy reach."""
    huge = any(r.timed and r.params["pages"] == "huge" for r in results.records)
    rest = {"dtype": "f8", "pages": "huge" if huge else "4K"}
    far: dict[str, Scalar] = {"size": LEVELS[-1], **rest}
    places: tuple[dict[str, Scalar], ...] = (
        {"threads": 1, **far}, {"threads": "all", **far}, {"threads": 1, "size": LEVELS[0], **rest},
    )  # fmt: skip
    records = [record for place in places if (record := results.fastest("bytes", place)) is not None]
    records = [one for i, one in enumerate(records) if not (i and _place(one) == _place(records[i - 1]))]
    if records:
        yield marked(f"{row.name.capitalize()} bandwidth: {listed(map(_bandwidth, records))}", *records)
    found = []
    stores = [results.find(name, threads="all", **far) for name in ("simd", "simd-nt")]
    saved = results.ratio("simd-nt", "simd", threads="all", **far)
    if saved is not None and stores[0] is not None and stores[1] is not None:
        compared = against(saved, "with plain stores")
        said = f"{row.name.capitalize()} in memory with non-temporal stores on {_threads(stores[1])} is {compared}"
        traffic = [_traffic(one) for one in stores if one is not None]
        if differs(saved) and all(traffic):
            nt, plain = (text.rate(one, "GB/s") for one in reversed(traffic))
            reads = text.share(1 - stores[0].counts["bytes"] / stores[0].facts["traffic_bytes"])
            said += f": {nt} moved; plain stores move {plain}, {reads} of it write-allocate reads"
        found.append((saved.value, marked(said, *stores)))
    yield from ranked([*found, *_in_python(row, results, far)])


def _in_python(row: Row, results: Results, far: Mapping[str, Scalar]) -> Iterator[tuple[float, str]]:
    """Numba and NumPy against the fastest explicit vectors in memory."""
    ratios: list[Estimate] = []
    said: list[str] = []
    used: list[Record] = []
    for name, label, threads in IN_PYTHON:
        mine = results.find(name, threads=threads, **far)
        best = results.fastest("bytes", {"threads": threads, **far}, EXPLICIT)
        if mine is not None and best is not None:
            ratios.append(results.versus(mine, best))
            said.append(f"{label} on {_threads(mine)} is {against(ratios[-1], best.variant)}")
            used += (mine, best)
    if said:
        yield largest(ratios), marked(f"{row.name.capitalize()} in memory: {listed(said)}", *used)


def _bandwidth(record: Record) -> str:
    rate = text.rate(estimate(record.samples).inverse(record.counts["bytes"]), "GB/s")
    return f"{rate} in {level(record.params['size'])} on {_threads(record)} ({record.variant})"


def _threads(record: Record) -> str:
    return counted(threads_of(record), "thread")


def _place(record: Record) -> tuple[Scalar, int]:
    return record.params["size"], threads_of(record)


def _traffic(record: Record) -> Estimate | None:
    """Bytes a second that cross to memory, as `traffic_bytes` counts them."""
    moved = record.facts.get("traffic_bytes")
    return estimate(record.samples).inverse(moved) if moved else None


load_bench, store_bench, copy_bench = stream(LOAD), stream(STORE), stream(COPY)
scale_bench, add_bench, triad_bench = stream(SCALE_BY), stream(ADD), stream(TRIAD)
