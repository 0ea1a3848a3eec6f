"""Patterns: the same elements, visited in another order.

Every variant adds up the same array by the same loop, total += a[index[k]]; only the order in `index` differs. Each
element is used once and takes 8 bytes of the array and 8 of the index, which is always read in sequence.

    sequential   a line serves 8 elements after one another, and the next line is prefetched
    reverse      the same backwards: prefetchers follow both ways
    strided      every 8th element, so a line for each, eight times over: at a size beyond the caches each line is
                 fetched eight times (64 bytes for 8), but in a sequence that can be foreseen
    page-random  random within 512 elements (4 KiB): a page's lines are all fetched once and found in L1 for the rest;
                 only the first touch of a line comes as a surprise
    random       random everywhere: a line for each element, not to be foreseen, and often a page to be translated

So `strided` against `sequential` is the price of wasting lines, and `random` against `strided` that of surprise. In L1
all should cost the same: every order is as good as any where nothing has to be fetched. A random gather is no chain
(see latency.chase): its addresses are known beforehand, and a core keeps a dozen misses and more in flight at a time,
which is why it costs a fraction of memory's latency.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..bench import Bench, Work
from ..simd import clobber, compiled, follow, untold

WORDS = 8  # elements of 8 bytes in a line of 64
PAGE = 512  # elements in a page of 4 KiB
ELEMENT = 16  # bytes: 8 of the array, 8 of where they lie

bench = Bench(
    "access.pattern",
    question="What does the order of access cost when the work is the same?",
    axes={"size": ("L1", "L2", "L3", "DRAM")},
    quick={"size": ("L1", "DRAM")},
    baseline="sequential",
    limit="load",
    core=False,
)


@compiled
def gather(base: int, first: int, last: int, passes: int) -> int:
    """The sum of the words at `base` plus each offset from address `first` to `last`, `passes` times over.

    Two plain loads an element, by addresses. From a[index[k]] LLVM would make vector gathers where the host has them,
    which on some (Zen 4) take longer than the loads, and hide what the order does near the core.
    """
    step = untold(32)  # four offsets
    even = odd = 0
    for _ in range(passes):
        even = odd = 0
        at = first
        while at < last:
            even += follow(base + follow(at)) + follow(base + follow(at + 16))
            odd += follow(base + follow(at + 8)) + follow(base + follow(at + 24))
            at += step
        clobber()
    return even + odd


@bench.inputs
def numbers(rng: np.random.Generator, size: int) -> np.ndarray:
    """Whole numbers in whole pages, so that sums are exact in any order."""
    return rng.integers(0, 2**20, max(1, size // ELEMENT // PAGE) * PAGE, dtype=np.int64)


@bench.reference
def total(a: np.ndarray) -> int:
    """Each element once."""
    return int(a.sum())


@bench.counts
def counts(a: np.ndarray) -> dict[str, float]:
    """What is used: 8 bytes of the array and 8 of the index for each element."""
    return {"items": len(a), "bytes": ELEMENT * len(a)}


@bench.memory
def memory(size: int) -> int:
    """An index for each variant; the array they share."""
    return size


def in_order(a: np.ndarray, order: np.ndarray) -> Work:
    """The gather in this order."""
    offsets = 8 * order.astype(np.int64)
    first = offsets.ctypes.data

    def repeat(n: int) -> int:
        return gather(a.ctypes.data, first, first + offsets.nbytes, n)

    return Work(lambda: repeat(1), repeat=repeat, facts={"footprint": a.nbytes + offsets.nbytes, "elements": len(a)})


@bench.variant("sequential")
def sequential(a: np.ndarray) -> Work:
    """From the first to the last."""
    return in_order(a, np.arange(len(a)))


@bench.variant("reverse")
def reverse(a: np.ndarray) -> Work:
    """From the last to the first."""
    return in_order(a, np.arange(len(a))[::-1])


@bench.variant("strided")
def strided(a: np.ndarray) -> Work:
    """One element of each line, then the next one of each: a stride of 64 bytes."""
    return in_order(a, np.arange(len(a)).reshape(-1, WORDS).T.reshape(-1))


@bench.variant("page-random")
def page_random(a: np.ndarray, rng: np.random.Generator) -> Work:
    """Random within a page of 4 KiB, the pages in sequence."""
    return in_order(a, rng.permuted(np.arange(len(a)).reshape(-1, PAGE), axis=1).reshape(-1))


@bench.variant("random")
def random(a: np.ndarray, rng: np.random.Generator) -> Work:
    """Random everywhere."""
    return in_order(a, rng.permutation(len(a)))


NAMES = {
    "reverse": "backwards",
    "strided": "a line for each element",
    "page-random": "random within a page",
    "random": "random everywhere",
}


@bench.finding
def finding(read: Any) -> Iterator[str]:
    """What each order costs at each level, and how much of the random one is surprise."""
    levels = {"L1": "L1", "L2": "L2", "L3": "L3", "DRAM": "memory"}
    for size, level in levels.items():
        base = read.each("items", "sequential", size=size)
        ratios = {name: read.ratio(name, "sequential", size=size) for name in NAMES}
        told = [f"{NAMES[name]} {_times(ratio)}" for name, ratio in ratios.items() if ratio is not None]
        if base is not None and told:
            yield f"In {level} an element costs {base.value * 1e9:.2g} ns in sequence; {', '.join(told)}."
    ratio = read.ratio("random", "strided", size="DRAM")
    if ratio is not None:
        yield (
            f"Both fetch a line for each element: that the next one cannot be foreseen costs {_times(ratio)}, that "
            "most of a line is wasted is the rest."
        )


def _times(ratio: Any) -> str:
    return f"{ratio.value:.2f}× ({ratio.low:.2f}–{ratio.high:.2f})"
