"""A file on a disk: read and written in order and at random, with the page cache told apart from the disk behind it.

    hwbench run io.file --param dir=.

No preset includes this bench, and it writes nothing unless a directory is named: it makes one file there, once, of
256 MiB or of the size that `--param size=1GiB` gives, and writes each part of it many times over. The file has no name,
so that the system removes it when hwbench ends, also where hwbench is killed. What is measured is the file system and
the disk that hold the directory: the facts name their types (`file_system`, `disk`). The directory is in no record, so
that runs on two machines, or in two directories, are compared. A file system in memory (tmpfs) has the cases of the
page cache alone.

`read` and `write` go through the file in order, a call of the system for each MiB; `random-read` and `random-write`
take blocks of 4 KiB at random places, one after the other (queue depth 1). `sync` writes one block and waits until it
is on the disk (`fsync`): what a database pays to commit.

`cached` goes by the page cache, which holds the file: no disk takes part in reading, and writing ends in memory.
`disk` goes by the page cache as well, but this is emptied of the file before each sample of reading
(`posix_fadvise`), and each sample of writing ends with a wait for the disk (`fsync`): what a program gets the first
time. In order the kernel reads ahead. `direct` goes past the page cache (`O_DIRECT`): each call is one of the disk.

A virtual disk has a cache of its own that no guest can empty: figures above those of the disk behind it are that
cache's. The time is that of one operation, of 1 MiB or 4 KiB; the counts hold the bytes. The loops are machine code
that calls the C library.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels import libc
from ...kernels.compiling import compiled
from ...kernels.simd import follow, put
from ...protocols import Cpu, Results
from ...record import text
from ...record.phrases import listed, marked
from ...record.reasons import Reason, because
from ._scratch import PAGE, Scratch

MIB = 2**20
RANDOM = 256  # blocks of one call
STAMPS = itertools.count(1)  # of what wrote a page
ORDERED = 16  # MiB of one call, from where the call before has ended
LEAST = ORDERED * MIB
OPERATIONS = ("read", "write", "random-read", "random-write", "sync")


def directory(name: str) -> str:
    """The directory that holds the file, as it is named; ValueError where it cannot."""
    place = Path(name).expanduser()
    if not place.is_dir():
        raise ValueError(f"'{name}' is no directory")
    if not os.access(place, os.W_OK):
        raise ValueError(f"'{name}' cannot be written to")
    return name


bench = Bench(
    "io.file",
    question="How fast is a file read and written, by the page cache and by the disk?",
    axes={"operation": OPERATIONS, "size": ("256MiB",), "dir": ("",)},
    baseline="cached",
    leading="calls",
    together=("operation",),
    free={"dir": directory},
    least=LEAST,
    unnamed=("dir",),
    core=False,
    by_name=True,
)


@compiled
def move(file: int, address: int, block: int, places: np.ndarray, stamp: int, sync: bool) -> int:
    """Read a block at each place, or with a stamp write one, each page with its number and the stamp.

    The sum of the numbers that stand at the start of what was moved, or -1.
    """
    total = 0
    for at in places:
        if stamp:
            for page in range(block // 4096):
                put(address + page * 4096, (at // 4096 + page) | (stamp << 32))
            if libc.pwrite(file, address, block, at) != block:
                return -1
            if sync and libc.fsync(file) != 0:
                return -1
        elif libc.pread(file, address, block, at) != block:
            return -1
        total += follow(address) & 0xFFFFFFFF
    return total


def block_of(operation: str) -> int:
    """Bytes of one operation."""
    return MIB if operation in ("read", "write") else PAGE


def in_a_call(operation: str) -> int:
    """Operations of one call: a commit alone, some MiB in order, some blocks at random."""
    return 1 if operation == "sync" else ORDERED if block_of(operation) == MIB else RANDOM


def places_of(operation: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """Where each call's operations go: a row a call, over and over; in order through the whole file, or at random."""
    each, block = in_a_call(operation), block_of(operation)
    if block == MIB:
        return np.arange(size // MIB // each * each, dtype=np.int64).reshape(-1, each) * MIB
    pages = size // PAGE  # none twice, or the page cache would have it the second time
    return rng.choice(pages, min(64, pages // each) * each, replace=False).astype(np.int64).reshape(-1, each) * PAGE


@bench.inputs
def places(rng: np.random.Generator, operation: str, size: int) -> np.ndarray:
    """Where each call's operations go in the file."""
    if size < LEAST:
        raise Skip("too_small", f"the file needs {text.size(LEAST)} or more")
    return places_of(operation, size, rng)


@bench.reference
def numbers(where: np.ndarray) -> int:
    """The sum of the numbers of the pages that the first call moves."""
    return int(where[0].sum()) // PAGE


@bench.counts
def counts(where: np.ndarray, operation: str) -> dict[str, float]:
    """The operations of one call, and their bytes."""
    return {"calls": where.shape[1], "bytes": where.shape[1] * block_of(operation)}


@bench.memory
def memory(operation: str) -> int:
    """A buffer; the page cache gives way to programs."""
    return block_of(operation)


def refused(dir: str) -> Reason | None:
    """What is missing: a directory, or a system that can do it."""
    if not dir:
        return because(
            "needs_directory", "needs a directory to write 256 MiB to: --param dir=DIR (and --param size=… for more)"
        )
    why = libc.lacking("pread", "pwrite", "fsync")
    return because("unsupported", why) if why else None


def working(
    device: Cpu, operation: str, size: int, dir: str, where: np.ndarray, *, flags: int = 0, disk: bool = False,
) -> Work:  # fmt: skip
    """The work of an operation: a call moves the blocks of the next row, a sample those of as many rows."""
    scratch = Scratch.of(dir, size, device.busy)
    block, sync = block_of(operation), operation == "sync"
    if (disk or flags or sync) and scratch.in_memory:
        scratch.leave()
        raise Skip("unsupported", "this file system keeps its files in memory, so no disk would be measured")
    try:
        file = scratch.again(flags)
    except OSError as error:
        scratch.leave()
        raise Skip("unsupported", f"this file system refuses O_DIRECT ({error.strerror})") from None
    buffer, warm = device.buffer(block), device.buffer(block)
    buffer.array[:] = np.frombuffer(np.random.default_rng(1).bytes(block), dtype=np.uint8)
    writing = "read" not in operation
    stamp = next(STAMPS) if writing else 0
    row, answer = [0], [-1]
    if "random" in operation and hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)

    def timer(loops: int) -> float:
        if disk and not writing:
            scratch.empty()
        elif not flags and not disk:  # what other variants have put out of the page cache comes back
            for turn in range(min(loops, len(where))):
                move(file, warm.address, block, where[(row[0] + turn) % len(where)], 0, False)
        begun = time.perf_counter()
        for _ in range(loops):
            answer[0] = move(file, buffer.address, block, where[row[0]], stamp, sync)
            row[0] = (row[0] + 1) % len(where)
        if disk and writing:
            os.fsync(file)
        taken = time.perf_counter() - begun
        if answer[0] < 0:
            raise OSError(f"the file could not be {'written' if writing else 'read'}")
        if writing and not flags and not disk:
            os.fsync(file)  # untimed: else the disk would be at work in the next variant's sample
        return taken

    def first() -> float:
        row[0] = 0
        return timer(1)

    def output() -> int:
        return scratch.written(where[0], stamp) if writing else answer[0]

    def close() -> None:
        os.close(file)
        buffer.close()
        warm.close()
        scratch.leave()

    most = max(1, len(where)) if disk and not writing else None  # from the disk each block once
    return Work(first, output=output, timer=timer, close=close, most=most, facts={"block": block, **scratch.facts})


@bench.variant("cached", needs=refused)
def cached(device: Cpu, operation: str, size: int, dir: str, where: np.ndarray) -> Work:
    """By the page cache."""
    return working(device, operation, size, dir, where)


@bench.variant("disk", needs=refused)
def from_disk(device: Cpu, operation: str, size: int, dir: str, where: np.ndarray) -> Work:
    """With an empty page cache before reading, and fsync after writing."""
    if not hasattr(os, "posix_fadvise"):
        raise Skip("unsupported", "this system cannot empty its page cache of one file")
    if operation == "sync":
        raise Skip("no_such_case", "fsync waits for the disk in every variant; `cached` has it")
    return working(device, operation, size, dir, where, disk=True)


@bench.variant("direct", needs=refused)
def direct(device: Cpu, operation: str, size: int, dir: str, where: np.ndarray) -> Work:
    """Past the page cache: O_DIRECT."""
    if not hasattr(os, "O_DIRECT"):
        raise Skip("unsupported", "this system knows no O_DIRECT")
    return working(device, operation, size, dir, where, flags=os.O_DIRECT)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """In order, at random, and a commit: by each way."""
    names = {"cached": "by the page cache", "disk": "by the disk", "direct": "with O_DIRECT"}

    def said(shown: Callable[[Results, str, str], str | None], operation: str) -> tuple[str, list[str]]:
        ways = {way: told for way in names if (told := shown(results, way, operation)) is not None}
        return listed(f"{told} {names[way]}" for way, told in ways.items()), list(ways)

    for kind, what in (("read", "Reading"), ("write", "Writing")):
        rates = said(_rate, kind)
        each = said(_each, f"random-{kind}")
        parts = [f"in order: {rates[0]}"] * bool(rates[1]) + [f"4 KiB at random: {each[0]}"] * bool(each[1])
        if parts:
            records = [results.find(way, operation=kind) for way in rates[1]]
            records += [results.find(way, operation=f"random-{kind}") for way in each[1]]
            yield marked(f"{what} {'; '.join(parts)}", *records)
    told, ways = said(_each, "sync")
    if ways:
        yield marked(f"A block of 4 KiB is written and on the disk (fsync) after {told}",
                     *(results.find(way, operation="sync") for way in ways))  # fmt: skip


def _rate(results: Results, way: str, operation: str) -> str | None:
    rate = results.rate(way, "bytes", operation=operation)
    return None if rate is None else text.rate(rate, "GB/s")


def _each(results: Results, way: str, operation: str) -> str | None:
    each = results.each("calls", way, operation=operation)
    return None if each is None else text.seconds(each)
