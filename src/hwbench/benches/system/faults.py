"""New memory: what a page costs when it is touched for the first time, and what that leaves of a fill.

An allocation of some MiB is an entry in a table of the kernel. Each page of it gets memory when it is first written, by
a page fault: an exception, a free page, 4 KiB of zeros, an entry in the page table. NumPy asks the system for new
memory with every large temporary array and gives it back after, so that an expression pays this again and again.

One call maps the memory, in whole pages, writes it, and unmaps what the call before has mapped. `touch` writes one word
of each page: the price of faults alone. `memset` writes all bytes. `small` has pages of the ordinary size, a fault
each; `huge` asks for huge pages (`madvise`), of which one fault brings 2 MiB on x86; `populate` lets `mmap` bring all
pages at once (`MAP_POPULATE`), without an exception for each. `reused` writes memory that it keeps: what is left
without faults.
The loops are machine code that calls the C library; a pinned thread runs them. The fact `faults` counts the page faults
of one call, as the kernel counts them. In a virtual machine a page may cost a fault of the host, too, the first time.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels import libc
from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...kernels.simd import opaque, put
from ...protocols import Cpu, Results
from ...record import text
from ...record.phrases import listed, marked
from ._posix import PAGE, in_pages, lacks, pinned

REFUSED = -1
FEW = 0.25  # faults a small page, above which memory cannot lie on huge pages

bench = Bench(
    "system.faults",
    question="What does new memory cost when it is touched for the first time?",
    axes={"work": ("touch", "memset"), "size": ("32MiB",)},
    baseline="small",
    least=PAGE,
    core=False,
    full_only=True,
)


@compiled
def write_new(
    place: np.ndarray, nbytes: int, align: int, page: int, flags: int, advice: int, whole: bool, loops: int, gate: int
) -> None:
    """Unmap what `place` holds (address and length of a mapping), map as much anew, and write it; `loops` times.

    `place[2]` is the address of the memory within, aligned. Where the system refuses a mapping, `place[0]` is -1.
    """
    enter(gate)
    step = opaque(page)
    for _ in range(loops):
        if place[0] > 0:
            libc.munmap(place[0], place[1])
        place[0] = libc.mmap(0, place[1], 3, flags, -1, 0)  # to be read and written
        if place[0] == -1:
            break
        place[2] = (place[0] + align - 1) // align * align
        if advice >= 0:
            libc.madvise(place[2], nbytes, advice)
        if whole:
            libc.memset(place[2], 1, nbytes)
        else:
            at = place[2]
            while at < place[2] + nbytes:
                put(at, 1)
                at += step
    leave(gate)


@compiled
def write_again(address: int, nbytes: int, page: int, whole: bool, loops: int, gate: int) -> None:
    """Write memory that is there; `loops` times."""
    enter(gate)
    step = opaque(page)
    for _ in range(loops):
        if whole:
            libc.memset(address, 1, nbytes)
        else:
            at = address
            while at < address + nbytes:
                put(at, 1)
                at += step
    leave(gate)


@bench.reference
def written(work: str, size: int) -> int:
    """The ones that were written: a byte of each page, or all."""
    return in_pages(size) if work == "memset" else in_pages(size) // PAGE


@bench.counts
def counts(size: int) -> dict[str, float]:
    """Pages of the ordinary size, whichever the memory lies on."""
    return {"items": in_pages(size) // PAGE}


def ones(memory: np.ndarray, work: str) -> int:
    """What the reference counts."""
    return int((memory if work == "memset" else memory[::PAGE]).sum(dtype=np.int64))


def faults() -> int:
    """The page faults of this process so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def new(device: Cpu, work: str, size: int, flags: int = 0, advice: int = -1, align: int = PAGE) -> Work:
    """New memory in each call, by a pinned thread; the facts have the page faults of one call."""
    size = in_pages(size)
    place = np.array([0, size + align, 0], dtype=np.int64)
    every = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags

    def run(loops: int, gate: int) -> None:
        write_new(place, size, align, PAGE, every, advice, work == "memset", loops, gate)
        if place[0] == REFUSED:
            raise MemoryError("the system refuses a new mapping")

    def memory() -> np.ndarray:
        return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(int(place[2])))

    def close() -> None:
        if place[0] > 0:
            unmap(int(place[0]), int(place[1]))
            place[0] = 0

    crew = device.crew(1)
    crew.each(lambda _rank: run(1, 0))  # compiled here
    before = faults()
    crew.each(lambda _rank: run(1, 0))
    found = faults() - before
    if advice == _HUGE and found > FEW * size / PAGE:
        close()
        raise Skip("needs_huge_pages", f"the kernel gave small pages: {found} faults for {size // PAGE} pages")
    return crew.work([run], output=lambda: ones(memory(), work), facts={"faults": found}, close=close)


@compiled
def unmap(address: int, nbytes: int) -> int:
    """Give a mapping back."""
    return libc.munmap(address, nbytes)


_HUGE, _SMALL = getattr(mmap, "MADV_HUGEPAGE", -1), getattr(mmap, "MADV_NOHUGEPAGE", -1)
NEEDS = lacks("mmap", "munmap", "madvise", "memset")


@bench.variant("small", needs=NEEDS)
def small(device: Cpu, work: str, size: int) -> Work:
    """New memory on pages of the ordinary size: a fault each."""
    return new(device, work, size, advice=_SMALL if device.host.huge_policy else -1)


@bench.variant("huge", needs=NEEDS)
def huge(device: Cpu, work: str, size: int) -> Work:
    """New memory on huge pages."""
    if _HUGE < 0 or device.host.huge_policy in (None, "never"):
        raise Skip("needs_huge_pages", "this system gives no transparent huge pages")
    return new(device, work, size, advice=_HUGE, align=device.host.huge_bytes)


@bench.variant("populate", needs=NEEDS)
def populated(device: Cpu, work: str, size: int) -> Work:
    """New memory whose pages `mmap` brings at once."""
    flag = getattr(mmap, "MAP_POPULATE", 0)
    if not flag:
        raise Skip("unsupported", "this system knows no MAP_POPULATE")
    return new(device, work, size, flag)


@bench.variant("reused", needs=NEEDS)
def reused(device: Cpu, work: str, size: int) -> Work:
    """Memory that is kept from call to call: no faults."""
    size = in_pages(size)
    buffer = device.buffer(size)
    buffer.array[:] = 0

    def run(loops: int, gate: int) -> None:
        write_again(buffer.address, size, PAGE, work == "memset", loops, gate)

    return pinned(device, run, lambda: ones(buffer.array, work), buffer.close)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What a page costs by the way it comes, and what new memory leaves of memset."""
    names = {"small": "by a fault of its own", "huge": "on huge pages", "populate": "by MAP_POPULATE",
             "reused": "where it is there already"}  # fmt: skip
    each = {way: results.each("items", way, work="touch") for way in names}
    if each["small"] is not None:
        told = listed(f"{text.seconds(one)} {names[way]}" for way, one in each.items() if one is not None)
        records = [results.find(way, work="touch") for way, one in each.items() if one is not None]
        yield marked(f"To touch a new page of {text.size(PAGE)} takes {told}", *records)
    ratio = results.ratio("small", "reused", work="memset")
    if ratio is not None:
        said = f"memset of new memory against memory that is there: {text.ratio(ratio)}"
        records = [results.find(way, work="memset") for way in ("small", "reused")]
        over = results.ratio("huge", "reused", work="memset")
        if over is not None:
            said += f"; on huge pages: {text.ratio(over)}"
            records.append(results.find("huge", work="memset"))
        yield marked(said, *records)
