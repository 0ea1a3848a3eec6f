"""Loaded latency: what a load from memory costs one thread while other cores stream.

`latency.chase` measures an idle machine. Under load each request shares the mesh, the memory controllers and the DRAM
banks with all others, and waits in their queues: the closer the traffic to memory bandwidth, the longer, slowly at
first and then steeply. One thread follows a ring of pointers through memory, as in `latency.chase`; every other core
streams through memory of its own: a block of lines, then `gap` cycles of waiting for each line of 64 bytes, then the
next block. `idle` streams nothing; a gap of 0 streams at full speed.

The bytes streamed are measured along with the time of the hops, and the two make the curve: latency against bandwidth.
`read` counts the lines read. `write` fills them with plain stores: write-allocate and write-back make 128 bytes of
traffic for 64 bytes stored, counted as such. Look for the knee: left of it a latency-bound program does not notice its
neighbours, right of it more streaming threads only make all wait longer. One streaming core rarely gets there; it takes
several to fill the queues of a server's memory.

A gap is counted in dependent additions, a cycle each; the x axis shows the measured bandwidth, not the gap. One thread
per physical core, since an SMT sibling would share the chase's own core. The ring is four times the last-level cache,
so that on an idle machine up to a quarter of its hops may hit there, and none once the streams have swept it: part of
the first rise is that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ...bench import Bench, Pages, Work
from ...kernels.compiling import compiled
from ...kernels.cpu_features import stream_width
from ...kernels.gate import enter, leave
from ...kernels.simd import Registers, add, clobber, fill, follow, load, opaque, put, store, total, width
from ...protocols import Buffer, Cpu, Job, Results
from ...record import text
from ...record.model import Record, Scalar
from ...record.phrases import compared, counted, differs, marked, ranked
from ...record.reasons import Reason, because
from .chase import LINE, chase, ring, write_ring

HOPS = 1024  # a call: 0.1 ms in idle memory
UNROLL = 8  # registers a block
LEAST = 64 * 2**20  # bytes each streams through, where the chase's own memory is as large: beyond private caches
IDLE = "idle"
LOWER = 1 / 1.1  # of the idle latency: load makes none as short, so the idle figure was disturbed
WRITE = 2  # lines of traffic for each line that is stored

# --- kernels ----------------------------------------------------------------------------------------------------------
# The chase sets the first word of the line at `flag` when it has ended. `pause` cycles follow each block. The two words
# at `found` receive the number of blocks and the sum of what was read.


@compiled
def read_until(r: Registers, address: int, nbytes: int, pause: int, flag: int, found: int, gate: int = 0) -> None:
    """Read block after block, round and round, until the flag is set."""
    enter(gate)
    step, sums = width(r), fill(r, 0)
    blocks = i = 0
    while follow(flag) == 0:
        sums = add(sums, load(r, address + i))
        i = i + step if i + step < nbytes else 0
        blocks += 1
        wait = opaque(pause)
        while wait > 0:
            wait = opaque(wait - 1)
        clobber()
    put(found, blocks)
    put(found + 8, total(sums))
    leave(gate)


@compiled
def write_until(r: Registers, address: int, nbytes: int, pause: int, flag: int, found: int, gate: int = 0) -> None:
    """Fill block after block with ones, round and round, until the flag is set."""
    enter(gate)
    step, ones = width(r), fill(r, 1)
    blocks = i = 0
    while follow(flag) == 0:
        store(address + i, ones)
        i = i + step if i + step < nbytes else 0
        blocks += 1
        wait = opaque(pause)
        while wait > 0:
            wait = opaque(wait - 1)
        clobber()
    put(found, blocks)
    leave(gate)


# --- the bench --------------------------------------------------------------------------------------------------------


def gap_of(text: str) -> int:
    """A gap from the command line: cycles to wait for each line."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValueError(f"'{text}' is neither {IDLE} nor a whole number of cycles from 0 on")
    return int(text)


bench = Bench(
    "latency.loaded",
    question="What does a load from memory cost while the other cores stream?",
    axes={"size": ("DRAM",), "pages": (Pages(),), "gap": (IDLE, 1024, 256, 64, 16, 0)},
    baseline="read",
    measures="loaded latency",
    words={"gap": "cycles that the others wait between lines"},
    standard={"gap": (IDLE, 256, 64, 16, 0)},  # 1024 costs what idle memory costs
    quick={"gap": (IDLE, 0)},
    full={"gap": (IDLE, 4096, 1024, 512, 256, 128, 96, 64, 48, 32, 24, 16, 8, 4, 0)},
    together=("gap",),
    free={"gap": gap_of},
    core=False,
    shared=True,
    version=3,
)


@dataclass(frozen=True)
class Memory:
    """What all gaps share: the chase's ring, and for every streaming thread the memory it goes through, all ones."""

    lines: np.ndarray
    chased: Buffer
    streamed: list[Buffer]
    pages: str

    def close(self) -> None:
        """Give it all back."""
        for buffer in (self.chased, *self.streamed):
            buffer.close()


def lacking(device: Cpu) -> Reason | None:
    """What this machine lacks for it."""
    cores = device.cores
    if cores < 2:
        return because(
            "needs_cpus", f"needs 2 cores, one that waits for memory and one that streams; {cores} may be used"
        )
    return None


def streamed_by_each(size: int, threads: int) -> int:
    """Bytes that each of so many threads streams through: twice the last-level cache in all, of which nothing hits."""
    return max(size // 2 // threads, min(size, LEAST))


@bench.inputs
def memory_of(rng: np.random.Generator, size: int, pages: str, device: Cpu) -> Memory:
    """A random ring through `size` bytes, and half as much to stream through, each touched by who will use it."""
    lines = ring(rng, size, "random", device)
    crew = device.crew(device.cores)
    share = max(4096, streamed_by_each(size, len(crew) - 1) // 4096 * 4096)

    def build(rank: int) -> Buffer:
        buffer = device.buffer(share if rank else len(lines) * LINE, pages=pages)
        if rank:
            buffer.array.view(np.int64)[:] = 1
            return buffer
        write_ring(buffer, lines)
        return buffer

    chased, *streamed = crew.each(build)
    return Memory(lines, chased, streamed, chased.pages)


@bench.reference
def last_line(memory: Memory) -> tuple[int, int]:
    """The line on which the first call ends, and how many words more were read than blocks were counted: none."""
    return int(memory.lines[HOPS % len(memory.lines)]), 0


@bench.counts
def counts() -> dict[str, float]:
    """The hops of the chase; what is streamed meanwhile is measured: `facts["streamed"]`."""
    return {"hops": HOPS}


@bench.memory
def memory(size: int, device: Cpu) -> int:
    """The ring, and what is streamed through."""
    others: int = max(1, device.cores - 1)
    return size + others * streamed_by_each(size, others)


@bench.variant("read", needs=lacking)
def reading(memory: Memory, device: Cpu, gap: int | str) -> Work:
    """The other cores read memory of their own."""
    return on_crew(device, memory, gap, read_until, traffic=1, check=True)


@bench.variant("write", needs=lacking)
def writing(memory: Memory, device: Cpu, gap: int | str) -> Work:
    """The other cores fill memory of their own with plain stores: two lines of traffic for each line stored."""
    return on_crew(device, memory, gap, write_until, traffic=2, check=False)


def on_crew(
    device: Cpu, memory: Memory, gap: int | str, kernel: Callable[..., None], *, traffic: int, check: bool
) -> Work:
    """The chase on the first core, the kernel on each other until the chase has ended.

    The time is the chase's alone. `facts["streamed"]` is the bytes a second that the others moved, averaged over all
    calls and weighted by their duration.
    """
    crew = device.crew(device.cores)
    registers = Registers("i8", stream_width(), UNROLL)
    pause = 0 if gap == IDLE else int(gap) * registers.nbytes // LINE
    at = [memory.chased.address + LINE * int(memory.lines[0])]
    flag = device.buffer(LINE)
    ended = flag.array.view(np.int64)
    found = np.zeros((len(crew), 16), np.int64)  # a line for each thread, and one between
    tally = {"seconds": 0.0, "bytes": 0.0}
    facts: dict[str, Scalar | list[int]] = {
        "pages": memory.pages, "elements": len(memory.lines), "cpus": list(crew.cpus), "pinned": crew.pinned,
        "threads": 1, "streaming": 0 if gap == IDLE else len(crew) - 1, "streamed": 0.0,
    }  # fmt: skip

    def follow_ring(loops: int, gate: int) -> None:
        try:
            at[0] = chase(at[0], HOPS * loops, gate)
        finally:
            ended[0] = 1  # else the others would never stop

    def job(rank: int) -> Job:
        buffer = memory.streamed[rank - 1]
        streamed = buffer.address, buffer.array.nbytes

        def run(_loops: int, gate: int) -> None:
            if gap != IDLE:
                kernel(registers, *streamed, pause, flag.address, found[rank].ctypes.data, gate)

        return run

    jobs = [follow_ring, *(job(rank) for rank in range(1, len(crew)))]

    def timer(loops: int) -> float:
        ended[0] = 0
        found[:] = 0
        (start, end), *spans = crew.race(jobs, loops)
        seconds: float = (end - start) * 1e-9
        moved = traffic * registers.nbytes * found[1:, 0]
        rate = sum(float(count) / (1e-9 * (b - a)) for count, (a, b) in zip(moved, spans, strict=True) if count)
        tally["seconds"] += seconds
        tally["bytes"] += rate * seconds
        facts["streamed"] = tally["bytes"] / tally["seconds"]
        return seconds

    def output() -> tuple[int, int]:
        words = found[:, 0] * (registers.nbytes // 8)
        return (at[0] - memory.chased.address) // LINE, int((found[:, 1] - words).sum()) if check else 0

    def close() -> None:
        flag.close()
        memory.close()

    return Work(call=lambda: timer(1), output=output, timer=timer, facts=facts, close=close)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Memory latency beside parked cores and beside the heaviest reads and writes; the larger effect first.

    An idle figure that is more than 10% above one under load is doubtful, and compared with nothing.
    """
    found = []
    for variant in ("read", "write"):
        idle = results.find(variant, gap=IDLE)
        busy = [r for r in results.records if r.variant == variant and r.timed and r.params["gap"] != IDLE]
        if idle is None or not busy:
            continue
        full = max(busy, key=lambda record: record.facts["streamed"])
        alone, loaded = (results.each("hops", variant, gap=r.params["gap"]) for r in (idle, full))
        if alone is None or loaded is None:
            continue
        ratio = results.versus(full, idle)
        cores = counted(full.facts["streaming"], f"other core {variant}s", f"other cores {variant}")
        said = f"Memory latency while {cores} {_streamed(full)}: {text.seconds(loaded)}"
        parked = f"{text.seconds(alone.value)} with the other cores parked"
        below = min(busy, key=lambda record: results.versus(record, idle).value)
        lower = results.versus(below, idle)
        if not differs(lower) or lower.value > LOWER:
            found.append((ratio.value, marked(f"{said} against {parked}, {compared(ratio)}", idle, full)))
        else:
            least = text.seconds(results.each("hops", variant, gap=below.params["gap"]))
            doubt = f"; {parked} is doubtful, since {least} was measured at a gap of {below.params['gap']} cycles"
            found.append((1.0, marked(said + doubt, idle, full, below)))
    yield from ranked(found)


def _streamed(record: Record) -> str:
    """`20.0 GB/s`; `10.0 GB/s (20.0 GB/s of traffic)` where each line stored is read before and written back."""
    traffic = record.facts["streamed"]
    if record.variant != "write":
        return text.rate(traffic, "GB/s")
    return f"{text.rate(traffic / WRITE, 'GB/s')} ({text.rate(traffic, 'GB/s')} of traffic)"
