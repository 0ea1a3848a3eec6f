"""A file in the page cache: copied by `read`, or mapped.

The bytes are in memory already; the question is what it costs to get at them. `read` copies them into a buffer of the
program's, which stays in a near cache and is read from there. `mmap` lends the program the pages themselves: nothing is
copied, but each page, or each sixteen of them on Linux, costs a page fault when it is first touched, and unmapping
costs again. `populate` enters all pages at once (`MAP_POPULATE`). `kept` reads a mapping that stays from call to call:
what is left once the pages are mapped, and the pace of memory.

Every variant adds up the words of the file. One call maps the file, reads it, and unmaps it, or reads it by blocks of
256 KiB. The file is one in memory alone (`memfd_create`; elsewhere a file without a name in the temporary directory),
so that no disk takes part. A pinned thread runs machine code that calls the C library.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels import libc
from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...kernels.libc import words_at
from ...protocols import Cpu, Results
from ...record import text
from ...record.phrases import against, listed, marked
from ._posix import PAGE, in_pages, lacks, pinned

BLOCK = 256 * 1024
WORD = 8

bench = Bench(
    "system.mapped",
    question="What does it cost to read a file that is in the page cache, by read and by mmap?",
    axes={"size": ("32MiB",)},
    baseline="read",
    least=PAGE,
    core=False,
    full_only=True,
)


@compiled
def added(words: np.ndarray) -> int:
    """The sum of the words, in vectors: Numba's loop over elements would add one a cycle."""
    total = 0
    for i in range(len(words)):
        total += words[i]
    return total


@compiled
def by_read(
    file: int, nbytes: int, address: int, block: int, totals: np.ndarray, loops: int, gate: int
) -> None:  # fmt: skip
    """Copy the file by blocks to an address and add up each; a short read leaves -1."""
    enter(gate)
    for _ in range(loops):
        total, at = 0, 0
        while at < nbytes:
            part = min(block, nbytes - at)
            if libc.pread(file, address, part, at) != part:
                total = -1
                break
            total += added(words_at(address, part // WORD))
            at += part
        totals[0] = total
    leave(gate)


@compiled
def by_mapping(file: int, nbytes: int, flags: int, totals: np.ndarray, loops: int, gate: int) -> None:
    """Map the file, add it up where it lies, unmap it; a refusal leaves -1."""
    enter(gate)
    for _ in range(loops):
        address = libc.mmap(0, nbytes, 1, flags, file, 0)  # to be read
        if address == -1:
            totals[0] = -1
            break
        totals[0] = added(words_at(address, nbytes // WORD))
        libc.munmap(address, nbytes)
    leave(gate)


@compiled
def in_place(address: int, nbytes: int, totals: np.ndarray, loops: int, gate: int) -> None:
    """Add up what lies at an address."""
    enter(gate)
    for _ in range(loops):
        totals[0] = added(words_at(address, nbytes // WORD))
    leave(gate)


@bench.inputs
def words(rng: np.random.Generator, size: int) -> np.ndarray:
    """What the file holds: numbers whose sum is exact."""
    return rng.integers(0, 2**31, in_pages(size) // WORD)


@bench.reference
def total(held: np.ndarray) -> int:
    """NumPy's sum."""
    return int(held.sum())


@bench.counts
def counts(size: int) -> dict[str, float]:
    """Each byte of the file once, whichever way it is moved meanwhile."""
    return {"bytes": in_pages(size)}


@bench.memory
def memory(size: int) -> int:
    """The file, for each variant."""
    return size


NEEDS = lacks("mmap", "munmap", "pread")


def filled(held: np.ndarray) -> int:
    """A file in memory that holds the words; its descriptor."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("hwbench")
    else:
        with tempfile.TemporaryFile() as made:
            file = os.dup(made.fileno())
    data, at = held.tobytes(), 0
    while at < len(data):
        at += os.pwrite(file, data[at:], at)
    return file


def summed(device: Cpu, run: Callable[[np.ndarray, int, int], None], close: Callable[[], None]) -> Work:
    """The work of `run(totals, loops, gate)` on a pinned thread, which leaves its sum in `totals[0]`."""
    totals = np.full(1, -1)
    return pinned(device, lambda loops, gate: run(totals, loops, gate), lambda: int(totals[0]), close)


@bench.variant("read", needs=NEEDS)
def reading(device: Cpu, held: np.ndarray) -> Work:
    """`pread` by blocks of 256 KiB into a buffer that stays."""
    file, buffer = filled(held), device.buffer(BLOCK)
    buffer.array[:] = 0

    def close() -> None:
        os.close(file)
        buffer.close()

    return summed(
        device,
        lambda totals, loops, gate: by_read(file, held.nbytes, buffer.address, BLOCK, totals, loops, gate),
        close,
    )


def mapping(device: Cpu, held: np.ndarray, flags: int) -> Work:
    """The file mapped in each call."""
    file = filled(held)
    every = mmap.MAP_SHARED | flags
    return summed(
        device,
        lambda totals, loops, gate: by_mapping(file, held.nbytes, every, totals, loops, gate),
        lambda: os.close(file),
    )


@bench.variant("mmap", needs=NEEDS)
def mapped(device: Cpu, held: np.ndarray) -> Work:
    """`mmap`, pages entered by faults, `munmap`."""
    return mapping(device, held, 0)


@bench.variant("populate", needs=NEEDS)
def populated(device: Cpu, held: np.ndarray) -> Work:
    """`mmap` with MAP_POPULATE, `munmap`."""
    flag = getattr(mmap, "MAP_POPULATE", 0)
    if not flag:
        raise Skip("unsupported", "this system knows no MAP_POPULATE")
    return mapping(device, held, flag)


@bench.variant("kept", needs=NEEDS)
def kept(device: Cpu, held: np.ndarray) -> Work:
    """A mapping that stays."""
    file = filled(held)
    whole = mmap.mmap(file, held.nbytes, mmap.MAP_SHARED, mmap.PROT_READ)
    os.close(file)
    view = np.frombuffer(whole, dtype=np.int64)
    address = view.ctypes.data
    return summed(device, lambda totals, loops, gate: in_place(address, view.nbytes, totals, loops, gate), lambda: None)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The rate of each way, and mmap against read."""
    names = {
        "read": "by read",
        "mmap": "by mmap",
        "populate": "by mmap with MAP_POPULATE",
        "kept": "in a mapping that stays",
    }
    rates = {way: rate for way in names if (rate := results.rate(way, "bytes")) is not None}
    if "read" not in rates:
        return
    told = listed(f"{text.rate(rate, 'GB/s')} {names[way]}" for way, rate in rates.items())
    yield marked(f"A file in the page cache is added up at {told}", *map(results.find, rates))
    ratio = results.ratio("mmap", "read")
    if ratio is not None:
        said = f"To map a file, read it once and unmap it is {against(ratio, 'to copy it by blocks')}"
        yield marked(said, results.find("read"), results.find("mmap"))
