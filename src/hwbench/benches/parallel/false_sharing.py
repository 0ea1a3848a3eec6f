"""False sharing: threads with a counter each, in one cache line or in a line each.

A core may write a line only while it owns it exclusively. Threads that write different words of one line take it from
each other, though none reads what another wrote: each store waits for the line to be transferred, tens of nanoseconds
where a store to the core's own line takes one or two. It is the commonest way to make threads slower than one: an array
of partial sums, one a thread, next to each other.

Every thread increments a counter in memory, a load, an addition and a store each time; the compiler is kept from
holding it in a register. With one thread all variants do the same. `one-line` has the counters 8 bytes apart, eight to
a line; `line-each` 64 bytes; `pair-each` 128, since lines may be fetched in pairs; `register` accumulates in a register
and stores once: the remedy that needs no layout. The time is that of one addition, as each thread sees it.

What to look at: `one-line` with two threads and more against one, where nothing should change; the factor is the price
of moving the line (latency.core_to_core), and falls with the number of additions a core completes per visit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Threads, Work
from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...kernels.simd import clobber, opaque
from ...protocols import Cpu, Job, Results
from ...record import text
from ...record.phrases import against, compared, counted, largest, marked, ranked

WORD = 8
LINE = 64
ADDITIONS = 1000  # of each thread in one call

bench = Bench(
    "parallel.false_sharing",
    question="What does it cost when threads write to different words of one cache line?",
    axes={"threads": (Threads(),)},
    baseline="line-each",
    together=("threads",),
    tolerance=0.0,
    version=2,
    core=False,
)


@compiled
def count_in_memory(counters: np.ndarray, at: int, times: int, passes: int, gate: int = 0) -> None:
    """Set counters[at] to 0 and add 1 to it `times` times, in memory, `passes` times over."""
    enter(gate)
    for _ in range(passes):
        counters[at] = 0
        for _ in range(times):
            counters[at] += 1
            clobber()
    leave(gate)


@compiled
def count_in_register(counters: np.ndarray, at: int, times: int, passes: int, gate: int = 0) -> None:
    """The same additions, one after the other in a register, and one store at the end."""
    enter(gate)
    for _ in range(passes):
        total = 0
        for _ in range(times):
            total = opaque(total + 1)  # else LLVM would see that the sum is `times`
        counters[at] = total
        clobber()
    leave(gate)


@bench.reference
def all_counted(threads: int) -> np.ndarray:
    """Each thread's count."""
    return np.full(threads, ADDITIONS)


@bench.counts
def counts() -> dict[str, float]:
    """The additions of one thread: threads work side by side, and the time should not depend on their number."""
    return {"items": ADDITIONS}


@bench.memory
def memory(threads: int) -> int:
    """Two lines a thread, at most."""
    return 2 * LINE * threads


def counting(device: Cpu, threads: int, apart: int, kernel: Callable[..., None] = count_in_memory) -> Work:
    """Counters `apart` bytes from one another, each added to by a pinned thread."""
    crew = device.crew(threads)
    buffer = device.buffer(
        max(4096, threads * apart), pages="4K"
    )  # from the start of a page, and so of a pair of lines
    counters = buffer.array.view(np.int64)
    counters[:] = -1
    places = [rank * apart // WORD for rank in range(threads)]

    def job(rank: int) -> Job:
        return lambda loops, gate: kernel(counters, places[rank], ADDITIONS, loops, gate)

    kernel(counters.copy(), 0, 1, 1, 0)  # compiled by one, not by all at once
    work: Work = crew.work(
        [job(rank) for rank in range(threads)],
        output=lambda: counters[places].copy(),
        facts={"bytes_apart": apart, "footprint": apart},
        close=buffer.close,
    )
    return work


@bench.variant("one-line")
def one_line(device: Cpu, threads: int) -> Work:
    """Counters 8 bytes apart: eight in a line."""
    return counting(device, threads, WORD)


@bench.variant("line-each")
def line_each(device: Cpu, threads: int) -> Work:
    """Counters 64 bytes apart: a line each."""
    return counting(device, threads, LINE)


@bench.variant("pair-each")
def pair_each(device: Cpu, threads: int) -> Work:
    """Counters 128 bytes apart: a pair of lines each."""
    return counting(device, threads, 2 * LINE)


@bench.variant("register")
def in_register(device: Cpu, threads: int) -> Work:
    """A register for each thread, stored once, 128 bytes apart."""
    return counting(device, threads, 2 * LINE, count_in_register)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What one line costs two threads and all of them, and what helps; the largest effects first."""
    timed = {int(r.params["threads"]): r for r in results.records if r.variant == "one-line" and r.timed}
    several = [threads for threads in timed if threads > 1]
    found: list[tuple[float, str]] = []
    for threads in sorted({min(several, default=1), max(several, default=1)} - {1}):
        line, apart, pair, register = (
            results.find(name, threads=threads) for name in ("one-line", "line-each", "pair-each", "register")
        )
        together = results.each("items", "one-line", threads=threads)
        if line is None or apart is None or together is None:
            continue
        shared = results.versus(line, apart)
        said = f"{counted(threads, 'thread')} counting in one cache line take {text.seconds(together)} per addition, "
        said += against(shared, "with a line per thread")
        alone = timed.get(1)
        slower = results.versus(line, alone) if alone is not None else None
        if slower is not None and slower.low > threads:
            said += f"; together they do less than 1 thread alone, since each is {text.ratio(slower)}"
        found.append((shared.value, marked(said, line, apart, alone)))
        if pair is not None and register is not None:
            helps = [results.versus(one, apart) for one in (pair, register)]
            said = (
                f"Compared with a cache line per thread ({counted(threads, 'thread')}): two lines per thread, "
                f"{compared(helps[0])}; a sum in a register, {compared(helps[1])}"
            )
            found.append((largest(helps), marked(said, apart, pair, register)))
    yield from ranked(found)
