"""Core-to-core latency: the time until one CPU sees what another has written.

A cache line has one owner at a time. To write it a core must own it exclusively; to see the new value the other core
must fetch it from that core's cache. Two threads pass a counter back and forth: each waits for the other's number and
writes the next. Every handover is a miss answered by another core's cache, not by memory: between SMT siblings their
shared L1 (some 10 ns), between cores with a common last-level cache some 20 to 60 ns, between chiplets or sockets 100
ns and more. It is the price of a lock, of a queue between threads, of a shared counter, of two counters in one line
(`parallel.false_sharing`).

`store` waits with acquire loads and hands over with a release store; on x86 both are ordinary moves. `exchange` does
both with one compare-and-swap, as a lock does: each try takes the line for writing, failed ones too, so that the
waiting thread disturbs the writing one. Look at blocks in the map: CPUs that share a cache stand out, and CPU numbers
need not follow them.

Every pair of the CPUs that may be used is measured, one pair at a time, in every round; the record's time is the mean
of all pairs, and `facts["between"]` holds for each pair its CPUs, what they share, and the best time of a handover.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...kernels.ping_pong import bounce
from ...kernels.simd import swap_shared
from ...protocols import Buffer, Cpu, Crew, Results
from ...record import text
from ...record.model import Scalar
from ...record.phrases import against, listed, marked
from ...record.reasons import Reason, because

if TYPE_CHECKING:
    from ...protocols import Host

MOST, LEAST = 4096, 512  # round trips of a pair in one call: 0.4 ms where there are few pairs
BUDGET = 2**18  # round trips of all pairs in one call, about: 25 ms

# --- kernels ----------------------------------------------------------------------------------------------------------


@compiled
def bounce_exchange(address: int, turn: int, last: int, gate: int = 0) -> None:
    """Wait for `turn` and write the number after it, in one compare-and-swap that is tried until it succeeds."""
    enter(gate)
    while turn < last:
        while not swap_shared(address, turn, turn + 1):
            pass
        turn += 2
    leave(gate)


# --- the bench --------------------------------------------------------------------------------------------------------

bench = Bench(
    "latency.core_to_core",
    question="How long does a cache line take from one CPU to another?",
    axes={"pairs": ("all",)},
    baseline="store",
    measures="core to core",
    version=2,
    core=False,
)


def pairs_of(device: Cpu) -> list[tuple[int, int]]:
    """Every two of the threads that crews have, by rank."""
    return list(itertools.combinations(range(device.host.usable), 2))


def trips(device: Cpu) -> int:
    """Round trips of each pair in one call.

    The wait for the second thread to arrive, 2 µs, is counted with them: half a percent of 4096, 4% of 512.
    """
    return max(LEAST, min(MOST, BUDGET // max(1, len(pairs_of(device)))))


def lacking(device: Cpu) -> Reason | None:
    """What this machine lacks for it."""
    usable = device.host.usable
    if usable < 2:
        return because("needs_cpus", f"needs 2 CPUs that hand a cache line to each other; {usable} may be used")
    return None


def shared(host: Host, a: int, b: int) -> str:
    """What two CPUs share: `core`, `cache` (the last level), `package`, or `memory` alone."""
    first, second = host.cores.get(a, (-1, a)), host.cores.get(b, (-1, b))
    if first == second:
        return "core"
    last = host.levels()[-1:]
    if any(cache.level in last and a in cache.cpus and b in cache.cpus for cache in host.caches):
        return "cache"
    return "package" if first[0] == second[0] else "memory"


@bench.reference
def handed_over(device: Cpu) -> np.ndarray:
    """How far each pair's counter has come after the first call: two handovers a round trip."""
    return np.full(len(pairs_of(device)), 2 * trips(device))


@bench.counts
def counts(device: Cpu) -> dict[str, float]:
    """A handover is a hop."""
    return {"hops": 2 * trips(device) * len(pairs_of(device))}


@bench.variant("store", needs=lacking)
def storing(device: Cpu) -> Work:
    """Wait with loads, hand over with a store (acquire and release)."""
    return bouncing(device, bounce)


@bench.variant("exchange", needs=lacking)
def exchanging(device: Cpu) -> Work:
    """Wait and hand over with compare-and-swap, as a lock does."""
    return bouncing(device, bounce_exchange)


def bouncing(device: Cpu, kernel: Callable[[int, int, int, int], None]) -> Work:
    """All pairs, one after the other, each with a line of its own that its first thread has touched first."""
    crews = [device.team(*pair) for pair in pairs_of(device)]

    def allocate(_rank: int) -> Buffer:
        buffer = device.buffer(4096)
        buffer.array[:] = 0
        return buffer

    buffers: list[Any] = [crew.each(lambda rank: None if rank else allocate(rank))[0] for crew in crews]
    counters = [buffer.array.view(np.int64) for buffer in buffers]
    rounds = trips(device)
    between: list[list[Scalar]] = [[*crew.cpus, shared(device.host, *crew.cpus), 0.0] for crew in crews]

    def handovers(crew: Crew, buffer: Buffer, counter: np.ndarray, loops: int) -> float:
        first = int(counter[0])
        last = first + 2 * rounds * loops
        address = buffer.address
        spans: list[tuple[int, int]] = crew.race(
            [
                lambda _, gate: kernel(address, first, last, gate),
                lambda _, gate: kernel(address, first + 1, last, gate),
            ],
            1,
        )
        return (max(end for _, end in spans) - min(start for start, _ in spans)) * 1e-9

    def timer(loops: int) -> float:
        total = 0.0
        for place, (crew, buffer, counter) in enumerate(zip(crews, buffers, counters, strict=True)):
            taken = handovers(crew, buffer, counter, loops)
            each = taken / (2 * rounds * loops)
            between[place][-1] = min(between[place][-1] or each, each)
            total += taken
        return total

    def close() -> None:
        for buffer in buffers:
            buffer.close()

    facts = {"threads": 2, "pinned": all(crew.pinned for crew in crews), "between": between}
    return Work(
        call=lambda: timer(1),
        output=lambda: np.array([int(counter[0]) for counter in counters]),
        timer=timer,
        facts=facts,
        close=close,
    )


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The handover over all pairs, the fastest rounds by what the CPUs share, and what compare-and-swap adds."""
    record, each = results.find("store"), results.each("hops", "store")
    if record is None or each is None:
        return
    names = {
        "core": "threads of one core",
        "cache": "cores that share the last-level cache",
        "package": "cores of one package without a common cache",
        "memory": "packages",
    }
    fastest = []
    for kind, name in names.items():
        times = [seconds for *_, what, seconds in record.facts["between"] if what == kind]
        if times:
            least, most = text.seconds(min(times)), text.seconds(max(times))
            fastest.append(f"{least if least == most else f'{least} to {most}'} between {name}")
    pairs = len(record.facts["between"])
    mean = f" (mean of {pairs} pairs of CPUs)" if pairs > 1 else ""
    best = f"; at best {listed(fastest)}" if fastest else ""
    yield marked(f"Moving a cache line from one CPU to another takes {text.seconds(each)}{mean}{best}", record)
    ratio = results.ratio("exchange", "store")
    if ratio is not None:
        said = f"Moving a line by compare-and-swap on both sides is {against(ratio, 'by load and store')}"
        yield marked(said, record, results.find("exchange"))
