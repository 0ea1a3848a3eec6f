"""Temporaries: what it costs that NumPy computes a*b + c*d one operation at a time.

The result needs four arrays read and one written: 40 bytes an element and three operations. NumPy makes three passes:
a*b into a new array, c*d into another, and their sum (into the first of the two, to which NumPy holds the only
reference). That is three times 24 bytes, 72, and 24 more by write-allocate. While all arrays fit a cache near the core
the difference is small beside the calls; beyond, the time follows the bytes.

A temporary must also be allocated. Small ones are kept for the next call. A large one is mapped and unmapped each time,
and the kernel zeroes every page on first touch: `out=` with existing arrays saves that, though not the traffic. What is
large is up to the C library: glibc maps every array of more than 32 MiB anew, but takes a smaller one from its heap
once one of that length was freed (M_MMAP_THRESHOLD in mallopt(3)). So the longest arrays have 40 MB, and page faults
tell whether pages were new. A fused loop has neither cost: one pass, each number in a register until its element is
done.

What to look at: the factor between `numpy` and `numpy-out` is the price of fresh memory, if there was any; that between
`numpy-out` and `numba` the price of the passes (72 bytes to 40: 1.8 at most where memory is the limit); and `prange`
shows the bandwidth that one core cannot draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numba import prange

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...protocols import Cpu, Results
from ...record import text
from ...record.facts import threads_of
from ...record.model import Record
from ...record.phrases import against, compared, counted, differs, largest, listed, marked, ranked

ELEMENT = 40  # bytes: four float64 read, one written
TEMPORARIES = 16  # bytes: two float64
HUGE = 2**21  # bytes of the largest page an array may get: NumPy asks for huge pages from 4 MiB on

bench = Bench(
    "vectorize.temporaries",
    question="What do the temporary arrays of a*b + c*d cost?",
    axes={"n": (1000, 10**4, 10**5, 5 * 10**6)},
    quick={"n": (1000, 10**6)},
    full={"n": (100, 1000, 10**4, 10**5, 10**6, 5 * 10**6, 10**7)},
    baseline="numpy",
    measures="temporaries",
    tolerance=0.0,
    core=False,
)


def in_passes(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """As one writes it; each operation makes an array."""
    result: np.ndarray = a * b + c * d
    return result


def in_place(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, out: np.ndarray, spare: np.ndarray
) -> np.ndarray:
    """The same operations into arrays that are there."""
    np.multiply(a, b, out=out)
    np.multiply(c, d, out=spare)
    np.add(out, spare, out=out)
    return out


# No fastmath: a fused multiply-add would round once where NumPy rounds twice, and the answer is compared to the bit.


@compiled
def fused(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, out: np.ndarray) -> None:
    """One loop, an element at a time."""
    for i in range(len(out)):
        out[i] = a[i] * b[i] + c[i] * d[i]


@compiled(parallel=True)
def fused_prange(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, out: np.ndarray) -> None:
    """The loop, a part of it on each thread."""
    for i in prange(len(out)):
        out[i] = a[i] * b[i] + c[i] * d[i]


@bench.inputs
def arrays(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Four arrays of `n` float64 in [0, 1)."""
    a, b, c, d = rng.random((4, n))
    return a, b, c, d


@bench.reference
def reference(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Three roundings an element, in every variant."""
    return in_passes(a, b, c, d)


@bench.counts
def counts(n: int) -> dict[str, float]:
    """The least that the result needs: five arrays once, three operations an element."""
    return {"bytes": ELEMENT * n, "flops": 3 * n, "items": n, "calls": 1}


@bench.memory
def memory(n: int) -> int:
    """An output and a temporary for each, beside the four arrays that all share."""
    return 24 * n


@bench.variant("numpy")
def numpy(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> Work:
    """NumPy: a*b + c*d."""
    return Work(partial(in_passes, a, b, c, d), facts={"footprint": 48 * len(a)})


@bench.variant("numpy-out")
def numpy_out(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> Work:
    """NumPy: multiply, multiply, add, each with out=."""
    out, spare = np.full_like(a, np.nan), np.full_like(a, np.nan)
    return Work(partial(in_place, a, b, c, d, out, spare), facts={"footprint": 48 * len(a)})


@bench.variant("numba")
def numba(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> Work:
    """Numba: one fused loop."""
    out = np.full_like(a, np.nan)
    return Work(partial(fused, a, b, c, d, out), output=lambda: out, facts={"footprint": ELEMENT * len(a)})


@bench.variant("prange")
def threaded(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, device: Cpu) -> Work:
    """Numba: the fused loop with prange, on all CPUs that may be used."""
    out = np.full_like(a, np.nan)
    work: Work = device.pooled(partial(fused_prange, a, b, c, d, out), output=lambda: out)
    facts = {**work.facts, "footprint": ELEMENT * len(a) // work.facts["threads"]}
    return Work(work.call, output=work.output, timer=work.timer, facts=facts)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What further passes, one core and new memory cost at the largest n, and from which n one loop wins."""
    lengths = sorted({int(r.params["n"]) for r in results.records if r.variant == "numpy" and r.timed})
    if not lengths:
        return
    n = lengths[-1]
    base, plain = results.each("items", "numpy", n=n), results.find("numpy", n=n)
    names = {"numba": "in one fused loop", "prange": "in a fused prange"}
    found: list[tuple[float, str]] = []
    ratios = {name: ratio for name in names if (ratio := results.ratio(name, "numpy", n=n)) is not None}
    if ratios and base is not None:
        fused = {name: results.find(name, n=n) for name in ratios}
        each = listed(f"{compared(ratio)} {names[name]}{_on(fused[name])}" for name, ratio in ratios.items())
        said = f"NumPy takes {text.seconds(base)} per element for a*b + c*d at n = {text.count(n)}"
        said += f"; without temporary arrays: {each}"
        found.append((largest([*ratios.values()]), marked(said, plain, *fused.values())))
    in_place = results.ratio("numpy-out", "numpy", n=n)
    if in_place is not None:
        why = _of_new_memory(plain, differs(in_place))
        said = f"NumPy with out= at n = {text.count(n)} is {against(in_place, 'without')}{why}"
        found.append((in_place.value, marked(said, plain, results.find("numpy-out", n=n))))
    yield from ranked(found)
    crossing = {
        name: crossing
        for name, fast in (("the fused loop", "numba"), ("the fused prange", "prange"))
        if (crossing := results.overtakes(fast, "numpy", "NumPy"))
    }
    if crossing:
        said = listed(f"{name} {told}" for name, told in crossing.items())
        yield marked(said[0].upper() + said[1:], *(r for r in results.records if r.timed and r.variant != "numpy-out"))


def _on(record: Record | None) -> str:
    threads = threads_of(record) if record is not None else 1
    return f" on {counted(threads, 'thread')}" if threads > 1 else ""


def _of_new_memory(record: Record | None, faster: bool) -> str:
    """Whether the temporaries were new pages; "" where that is not known, or does not explain what is seen.

    Faults are counted for each round, in which only `numpy` allocates.
    """
    faults = record.telemetry.get("faults") if record is not None else None
    if record is None or not faults:
        return ""
    a_call = float(np.median(faults)) / record.loops
    if a_call >= TEMPORARIES * int(record.params["n"]) / HUGE / 2:
        return f": without it, each call takes new pages ({text.count(a_call)} page faults)" if faster else ""
    return "" if faster else ": the heap reuses the pages of the temporaries"
