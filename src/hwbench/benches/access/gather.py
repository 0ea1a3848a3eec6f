"""Gather and scatter: bytes a second of elements that an index names, by level and by the order of the index.

A gather reads a[index[k]], a scatter writes it: sparse matrices, embeddings, histograms, hash joins. Each element is
used once and counts 16 bytes, 8 of the array and 8 of the index, which is always read in sequence.

    sequential   index[k] = k: what the index itself costs
    strided      every 8th element, a line for each: prefetchers follow, but 8 bytes of 64 are used
    random       a line for each element, which nothing can predict

`gather` and `scatter` load and store element by element. `gather-vector` and `scatter-vector` are the instructions that
do it for a whole register of offsets (AVX2 gathers, AVX-512 scatters too). They save instructions and no access, and on
many processors they are split into more micro-operations than the loads they replace: on a Zen 4 eight words from L1
take 11 cycles so, and 6 one by one. So they can only win where the data are near.

A scatter that misses reads the line first (write-allocate), so that in memory it moves two lines for each element, of
which the 16 bytes counted are an eighth. `access.pattern` asks what order costs one thread that adds up;
here gathers and scatters stand beside each other, on one thread and on all.

The answer of a gather is the sum of all elements. A scatter writes to each element its own offset, and a digest of the
array is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ...bench import Bench, Pages, Work
from ...kernels.compiling import Kernel, compiled
from ...kernels.gate import enter, leave
from ...kernels.gather import gather, gather_width, scatter, scatter_width
from ...kernels.simd import Registers, add, clobber, fill, follow, load, opaque, put, total, width
from ...protocols import Array, Buffer, Cpu, Job, Results
from ...record import text
from ...record.facts import threads_of
from ...record.model import LEVELS, Scalar
from ...record.phrases import against, compared, counted, largest, level, listed, marked, ranked
from ...record.reasons import Reason, because
from .._digests import digest, sum_repeated
from .._partitions import PERIOD, Common, Partitions, parts_of, repeat_into
from ._elements import ELEMENT, PAGE, SHARE, ascending, gather_words, in_parts, line_by_line, mixed_everywhere

UNROLL = 2  # registers of offsets in one turn of the loop

bench = Bench(
    "access.gather",
    question="How fast are elements gathered and scattered that an index names?",
    axes={
        "size": LEVELS,
        "order": ("sequential", "strided", "random"),
        "threads": (1,),
        "pages": (Pages(),),
    },
    sweeps=({"size": LEVELS[-1:], "threads": ("all",)},),
    quick={"size": LEVELS[:1], "order": ("random",)},
    baseline="gather",
    limit="load",
    least=ELEMENT * PAGE,
    core=False,
    full_only=True,
    shared=True,
    version=1,
)

# --- kernels ----------------------------------------------------------------------------------------------------------
# `base` is the array's address, `first` and `last` are where a part of the offsets begins and ends; a part has whole
# blocks of 16 offsets. `gate` is a thread's place at the gate of its crew.


@compiled
def gather_vectors(r: Registers, base: int, first: int, last: int, passes: int, gate: int = 0) -> int:
    """The sum of the words at each offset, a gather instruction for each register of offsets."""
    enter(gate)
    step = width(r)
    sums = fill(r, 0)
    for _ in range(passes):
        sums = fill(r, 0)
        at = first
        while at < last:
            sums = add(sums, gather(base, load(r, at)))
            at += step
        clobber()
    found = total(sums)
    leave(gate)
    return found


@compiled
def scatter_words(base: int, first: int, last: int, passes: int, gate: int = 0) -> None:
    """Write each offset to the word at it: a scalar load and a store an element."""
    enter(gate)
    step = opaque(32)
    for _ in range(passes):
        at = first
        while at < last:
            a, b, c, d = follow(at), follow(at + 8), follow(at + 16), follow(at + 24)
            put(base + a, a)
            put(base + b, b)
            put(base + c, c)
            put(base + d, d)
            at += step
        clobber()
    leave(gate)


@compiled
def scatter_vectors(r: Registers, base: int, first: int, last: int, passes: int, gate: int = 0) -> None:
    """The same with a scatter instruction for each register of offsets."""
    enter(gate)
    step = width(r)
    for _ in range(passes):
        at = first
        while at < last:
            offsets = load(r, at)
            scatter(base, offsets, offsets)
            at += step
        clobber()
    leave(gate)


# --- the bench --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """What one thread works on and has touched first: the array, the offsets in their order, which part is next."""

    words: Array
    offsets: Array
    partitions: Partitions
    buffers: tuple[Buffer, Buffer]


def elements(size: int) -> int:
    """Elements of one thread: whole pages in each of an odd number of parts."""
    return in_parts(size) * parts_of(size, SHARE) * PAGE


@dataclass(frozen=True)
class Given:
    """What arrays that are read hold over and over, a key for the random order, and the arrays of all variants."""

    words: Array
    key: int
    common: Common


@bench.inputs
def content(rng: np.random.Generator) -> Given:
    """Small whole numbers, whose sum is exact in any order. All variants work on the same arrays and index."""
    return Given(rng.integers(0, 2**16, PERIOD), int(rng.integers(2**63 - 1)), Common())


@bench.reference
def answer(given: Given, size: int, threads: int, variant: str) -> np.int64 | Array:
    """The sum of all elements of all threads; of a scatter, for each thread the digest of every offset in its place."""
    n = elements(size)
    if variant.startswith("gather"):
        return (sum_repeated(given.words, n) * threads)[0]
    squares, numbers = (n - 1) * n * (2 * n - 1) // 6, n * (n - 1) // 2
    return np.full(threads, 8 * (2 * squares + numbers) % 2**64, np.uint64).view(np.int64)


@bench.counts
def counts(size: int, threads: int) -> dict[str, float]:
    """What a part uses: 8 bytes of the array and 8 of the index for each element."""
    items = elements(size) // parts_of(size, SHARE) * threads
    return {"items": items, "bytes": ELEMENT * items}


@bench.memory
def memory(size: int, threads: int) -> int:
    """An array and its index for each thread."""
    return ELEMENT * elements(size) * threads


def write_offsets(offsets: Array, order: str, key: int) -> None:
    """The byte offsets of all elements in an order."""
    if order == "random":
        mixed_everywhere(offsets, key)
    else:
        (line_by_line if order == "strided" else ascending)(offsets)


def shares(device: Cpu, size: int, order: str, threads: int, pages: str, key: int) -> list[Share]:
    """For each thread an array and its offsets, which it writes and so touches first."""

    def own(_rank: int) -> Share:
        n = elements(size)
        buffers = device.buffer(8 * n, pages=pages), device.buffer(8 * n, pages=pages)
        words, offsets = (buffer.array.view(np.int64) for buffer in buffers)
        words[:] = 0
        write_offsets(offsets, order, key)
        return Share(words, offsets, Partitions(parts_of(size, SHARE), alike=False), buffers)

    return device.crew(threads).each(own)


def on_crew(
    device: Cpu, given: Given, size: int, order: str, threads: int, pages: str,
    kernel: Callable[..., int | None], *, writes: bool,
) -> Work:  # fmt: skip
    """A kernel on pinned threads, `kernel(base, first, last, passes, gate)`, on arrays that are filled anew for it."""
    made = given.common.get("shares", lambda: shares(device, size, order, threads, pages, given.key))
    crew = device.crew(threads)
    parts = made[0].partitions.parts
    sums = np.zeros((threads, parts), np.int64)

    def reset(rank: int) -> None:
        made[rank].partitions.restart()
        if writes:
            made[rank].words[:] = -1
        else:
            repeat_into(made[rank].words, given.words)

    crew.each(reset)

    def job(rank: int) -> Job:
        mine = made[rank]
        base, start = mine.words.ctypes.data, mine.offsets.ctypes.data
        length = mine.offsets.nbytes // parts

        def visit(part: int, passes: int, gate: int) -> None:
            first = start + part * length
            found = kernel(base, first, first + length, passes, gate)
            if found is not None:
                sums[rank, part] = found

        return mine.partitions.job(visit)

    jobs = [job(rank) for rank in range(threads)]

    def output() -> np.int64 | Array:
        if parts > 1:
            crew.each(lambda rank: jobs[rank](parts - 1, 0))
        if not writes:
            return np.int64(sums.sum())
        return np.array(crew.each(lambda rank: digest(made[rank].words)))

    def close() -> None:
        for one in made:
            for buffer in one.buffers:
                buffer.close()

    facts = {
        "footprint": ELEMENT * len(made[0].words), "elements": len(made[0].words), "parts": parts,
        "pages": made[0].buffers[0].pages,
    }  # fmt: skip
    return crew.work(jobs, output=output, facts=facts, close=close)


def in_vectors(kernel: Kernel, bits: int) -> Callable[..., int | None]:
    """A kernel with its registers."""
    registers = Registers("i8", bits, UNROLL)
    return lambda *places: kernel(registers, *places)


@bench.variant("gather")
def gathering(device: Cpu, given: Given, size: int, order: str, threads: int, pages: str) -> Work:
    """Load the offset, then the element at it, one by one."""
    return on_crew(device, given, size, order, threads, pages, gather_words, writes=False)


def no_gather() -> Reason | None:
    """Why there is no gather instruction here."""
    return None if gather_width() else because("needs_isa", "gather instructions need AVX2")


@bench.variant("gather-vector", needs=no_gather)
def gathering_vectors(device: Cpu, given: Given, size: int, order: str, threads: int, pages: str) -> Work:
    """Gather instructions: a register of offsets at once."""
    kernel = in_vectors(gather_vectors, gather_width())
    return on_crew(device, given, size, order, threads, pages, kernel, writes=False)


@bench.variant("scatter")
def scattering(device: Cpu, given: Given, size: int, order: str, threads: int, pages: str) -> Work:
    """Load the offset, then store to the element at it, one by one."""
    return on_crew(device, given, size, order, threads, pages, scatter_words, writes=True)


def no_scatter() -> Reason | None:
    """Why there is no scatter instruction here."""
    return None if scatter_width() else because("needs_isa", "scatter instructions need AVX-512")


@bench.variant("scatter-vector", needs=no_scatter)
def scattering_vectors(device: Cpu, given: Given, size: int, order: str, threads: int, pages: str) -> Work:
    """Scatter instructions: a register of offsets at once."""
    kernel = in_vectors(scatter_vectors, scatter_width())
    return on_crew(device, given, size, order, threads, pages, kernel, writes=True)


# --- what it says -----------------------------------------------------------------------------------------------------


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Random gathers in memory against those in sequence; scatters; what the instructions gain, by level."""
    found: list[tuple[float, str]] = []
    sizes = [size for size in LEVELS if results.find("gather", size=size, order="random", threads=1)]
    if not sizes:
        return
    far = sizes[-1]
    place: dict[str, Scalar] = {"size": far, "order": "random", "threads": 1}
    mine, ordered = results.find("gather", **place), results.find("gather", **place | {"order": "sequential"})
    said = f"Gathers in {level(far)} in random order (1 thread): {told(results, 'gather', place)}"
    if mine is not None and ordered is not None:
        said += f", {against(results.versus(mine, ordered), 'in sequence')}"
    every = results.find("gather", **place | {"threads": "all"})
    if every is not None and threads_of(every) > 1:
        said += f"; {told(results, 'gather', place | {'threads': 'all'})} on {counted(threads_of(every), 'thread')}"
    yield marked(said, mine, ordered, every)
    written = results.ratio("scatter", "gather", **place)
    if written is not None:
        said = f"Scatters there take {told(results, 'scatter', place)}, {against(written, 'gathers')}"
        found.append((written.value, marked(said, results.find("scatter", **place), mine)))
    for way in ("gather", "scatter"):
        gains = {size: results.ratio(f"{way}-vector", way, **place | {"size": size}) for size in sizes}
        ratios = {size: gain for size, gain in gains.items() if gain is not None}
        if ratios:
            each = listed(f"{compared(ratio)} in {level(size)}" for size, ratio in ratios.items())
            used = [results.find(name, **place | {"size": size}) for size in ratios for name in (way, f"{way}-vector")]
            said = f"{way.capitalize()} instructions against scalar code in random order (1 thread): {each}"
            found.append((largest(list(ratios.values())), marked(said, *used)))
    yield from ranked(found)[:2]


def told(results: Results, variant: str, place: Mapping[str, Scalar]) -> str:
    """`1.23 GB/s (…), 13.0 ns an element`."""
    bytes_, items = results.rate(variant, "bytes", **place), results.each("items", variant, **place)
    each = f", {text.seconds(items.value)} an element" if items is not None else ""
    return f"{text.rate(bytes_, 'GB/s')}{each}" if bytes_ is not None else ""
