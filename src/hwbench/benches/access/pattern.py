"""Patterns: the same elements, visited in another order.

Every variant adds up the same array by the same loop, total += a[index[k]]; only the order in `index` differs. Each
element is used once and takes 8 bytes of the array and 8 of the index, which is always read in sequence.

    sequential   a line serves 8 elements after one another, and the next line is prefetched
    reverse      the same backwards: prefetchers follow both ways
    strided      every 8th element, so a line for each, eight times over: at a size beyond the caches each line is
                 fetched eight times (64 bytes for 8), in a sequence that prefetchers follow
    page-random  random within 512 elements (4 KiB): each line of a page is fetched once, then hits L1; only its first
                 touch is unpredictable
    random       random everywhere: a line for each element, unpredictable, often with a TLB miss

So `strided` against `sequential` is the price of unused bytes in a line, and `random` against `strided` the price of
defeating the prefetchers. In L1, where nothing is fetched, all orders should cost the same. A random gather is not a
dependent chain (latency.chase): its addresses are known in advance, and a core keeps a dozen and more misses in flight,
so that an element costs a fraction of memory's latency.

From 256 MiB on the index is cut into parts; a call takes one, the next call the next. `sequential`, `reverse` and
`page-random` visit the same part of the array in the same call, so that none finds what another has just cached;
`strided` and `random` visit lines all over the array, and hit what the last-level cache can hold of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ...bench import Bench, Work
from ...protocols import Array, Cpu, Results
from ...record import text
from ...record.model import LEVELS
from ...record.phrases import against, compared, differs, largest, level, listed, marked, of_limit, ranked, slower
from .._partitions import Partitions, parts_of
from ._elements import (
    ELEMENT,
    PAGE,
    SHARE,
    WORDS,
    ascending,
    descending,
    gather_words,
    in_parts,
    line_by_line,
    mixed_everywhere,
    mixed_in_pages,
)

bench = Bench(
    "access.pattern",
    question="What does the order of access cost when the work is the same?",
    axes={"size": ("L1", "L2", "L3", "DRAM")},
    # Near the core reverse order and pages in random order take what sequential order takes, within a fifth.
    standard={"variant": ("sequential", "strided", "random")},
    sweeps=({"size": ("DRAM",), "variant": ("reverse", "page-random")},),
    quick={"size": ("L1", "DRAM")},
    baseline="sequential",
    limit="load",
    least=ELEMENT * PAGE,
    core=False,
    version=3,
)


# --- the bench --------------------------------------------------------------------------------------------------------


@bench.inputs
def numbers(rng: np.random.Generator, size: int, device: Cpu) -> tuple[np.ndarray, Partitions]:
    """Whole numbers in whole pages, so that sums are exact in any order, and their partitions."""
    partitions = Partitions(parts_of(size, SHARE), alike=False)
    pages = in_parts(size) * partitions.parts
    a = device.host_empty(pages * PAGE, np.int64)
    a[:] = rng.integers(0, 2**16, len(a), dtype=np.uint16)
    return a, partitions


@bench.reference
def total(a: np.ndarray) -> int:
    """Each element once."""
    return int(a.sum())


@bench.counts
def counts(a: np.ndarray, partitions: Partitions) -> dict[str, float]:
    """What a part uses: 8 bytes of the array and 8 of the index for each element."""
    return {"items": len(a) // partitions.parts, "bytes": ELEMENT * len(a) // partitions.parts}


@bench.memory
def memory(size: int) -> int:
    """An index for each variant; the array they share."""
    return size


def in_order(
    device: Cpu, a: np.ndarray, partitions: Partitions, write: Callable[..., None], *keys: int | Array,
    places: Sequence[int] | None = None,
) -> Work:  # fmt: skip
    """The gather in the order that `write` writes; visit k takes part `places[k]` of it."""
    offsets = device.host_empty(len(a), np.int64)
    write(offsets, *keys)
    part = offsets.nbytes // partitions.parts
    places = range(partitions.parts) if places is None else places

    def visit(turn: int, passes: int = 1) -> int:
        first = offsets.ctypes.data + part * places[turn]
        return gather_words(a.ctypes.data, first, first + part, passes)

    return partitions.work(
        visit, repeat=lambda n: visit(0, n), facts={"footprint": a.nbytes + offsets.nbytes, "elements": len(a)}
    )


@bench.variant("sequential")
def sequential(device: Cpu, a: np.ndarray, partitions: Partitions) -> Work:
    """From the first to the last."""
    return in_order(device, a, partitions, ascending)


@bench.variant("reverse")
def reverse(device: Cpu, a: np.ndarray, partitions: Partitions) -> Work:
    """From the last to the first."""
    return in_order(device, a, partitions, descending, places=range(partitions.parts)[::-1])


@bench.variant("strided")
def strided(device: Cpu, a: np.ndarray, partitions: Partitions) -> Work:
    """One element of each line, then the next one of each: a stride of 64 bytes."""
    return in_order(device, a, partitions, line_by_line)


@bench.variant("page-random")
def page_random(device: Cpu, a: np.ndarray, partitions: Partitions, rng: np.random.Generator) -> Work:
    """Random within a page of 4 KiB, the pages in sequence."""
    return in_order(device, a, partitions, mixed_in_pages, rng.integers(0, 2**63 - 1, len(a) // PAGE))


@bench.variant("random")
def random(device: Cpu, a: np.ndarray, partitions: Partitions, rng: np.random.Generator) -> Work:
    """Random everywhere."""
    return in_order(device, a, partitions, mixed_everywhere, int(rng.integers(0, 2**63 - 1)))


NAMES = {"reverse": "Backward order", "page-random": "Random order within 4 KiB pages"}


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What random order costs, how much of it is unused bytes and how much latency, and what the other orders cost."""
    everywhere = {size: results.ratio("random", "sequential", size=size) for size in LEVELS}
    ratios = {size: ratio for size, ratio in everywhere.items() if ratio is not None}
    if not ratios:
        return
    *nearer, furthest = ratios
    place = f"in {level(furthest)} (1 thread)"
    found: list[tuple[float, str]] = []

    def add(effect: float, said: str, *variants: str, sizes: Sequence[str] = (furthest,)) -> None:
        found.append((effect, marked(said, *(results.find(name, size=size) for size in sizes for name in variants))))

    each = text.seconds(results.each("items", "random", size=furthest))
    beside = against(ratios[furthest], "sequential order")
    add(ratios[furthest].value, f"Random order {place} takes {each} per element, {beside}", "random", "sequential")
    order, waste = (results.ratio(*pair, size=furthest) for pair in (("random", "strided"), ("strided", "sequential")))
    if furthest == LEVELS[-1] and order is not None and waste is not None and slower(order) and slower(waste):
        add(
            largest([order, waste]),
            f"Random order {place} is slower by two factors: {text.times(waste)} because it uses 8 bytes of each "
            f"{8 * WORDS}-byte line, and {text.times(order)} because prefetchers cannot predict its addresses",
            "random", "strided", "sequential",
        )  # fmt: skip
    if nearer:
        each = listed(f"{compared(ratios[size])} in {level(size)}" for size in nearer)
        effect = largest([ratios[size] for size in nearer])
        add(
            effect,
            f"Random order against sequential order in nearer levels (1 thread): {each}",
            "random",
            "sequential",
            sizes=nearer,
        )
    for name, called in NAMES.items():
        ratio = results.ratio(name, "sequential", size=furthest)
        if ratio is not None and differs(ratio):
            said = f"{called} {place} is {against(ratio, 'sequential order')}"
            share = results.share("sequential", size=furthest)
            if not slower(ratio) and share is not None:
                said += f"; sequential order itself reaches {of_limit(share, 'the load limit')}"
            add(ratio.value, said, name, "sequential")
    yield from ranked(found)
