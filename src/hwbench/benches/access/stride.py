"""Strides: what an element costs when only every k-th is used, and how large a cache line is.

Memory moves in lines, commonly of 64 bytes. At a stride of 1 a line serves 8 elements of 8 bytes; at a stride of 2 it
serves 4, and so on, until each element takes a whole line for itself: up to the line's size an element costs in
proportion to its stride. Beyond, lines are skipped, each element fetches one line whatever the stride, and the curve
levels off. The bend is at the line's size; the plateau over the start is what a column costs.

In L2 the bend is at one line. From memory it may come a step later: many processors (AMD's since Zen 4, Intel's)
answer a miss with a pair of lines, 128 bytes. A stride of 64 bytes uses both lines, one of 128 bytes only one. A rise
beyond that is page effects: prefetchers stop at the end of a 4 KiB page, at a stride of 512 every element needs its own
translation, and in L2 steps of 4 KiB all map to one set of L1.

Each call uses the same number of elements, a 256th of the array, and continues where the last one ended. A walk that
reaches the end of the array starts again in another line. So every element is used before any is used again, and no
walk hits lines that an earlier one brought into a cache. (Otherwise a stride of 4 KiB would touch 2 MiB of lines, and
the next 7 walks, which use the other elements of these lines, would hit L2 or L3.)

The bytes counted are those used, 8 per element, so the share of the limit is the share of each line that is used.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...kernels.simd import follow, opaque
from ...protocols import Cpu, Facts, Results
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.phrases import against, compared, largest, level, listed, marked, ranked
from .._partitions import PERIOD, repeat_into

WORDS = 8  # elements of 8 bytes in 64: the distance of consecutive walks, so that no two share a line
PART = 256  # a call uses a 256th of the array's elements

bench = Bench(
    "access.stride",
    question="What does an element cost when only every k-th is used, and how large is a cache line?",
    axes={"size": ("DRAM",), "stride": (1, 8, 64, 512)},
    sweeps=(
        {"size": ("DRAM",), "stride": (1, 2, 4, 8, 16, 32, 64, 512), "variant": "numba"},
        {"size": ("L2",), "stride": (1, 2, 4, 8, 16, 32, 64), "variant": "numba"},  # the size of a line, and no more
    ),
    quick={"stride": (1, 8, 64)},
    full={"size": ("L1", "L2", "L3", "DRAM"), "stride": (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512)},
    together=("stride",),
    baseline="numba",
    measures="stride",
    limit="load",
    core=False,
    version=2,
)

# --- where a walk goes ------------------------------------------------------------------------------------------------


@compiled
def after(start: int, stride: int) -> int:
    """The first element of the next walk, given that of this one: every second line first, then those between.

    A processor that fetches lines in pairs would otherwise bring in the next walk's lines with this walk's.
    """
    if start + 2 * WORDS < stride:
        return start + 2 * WORDS
    element = start % WORDS
    if start % (2 * WORDS) < WORDS and element + WORDS < stride:
        return element + WORDS
    return (element + 1) % min(WORDS, stride)


@compiled
def sum_every(base: int, length: int, stride: int, count: int, passes: int, at: np.ndarray) -> int:
    """The sum of the last `count` of `passes` × `count` elements, one in every `stride`, starting at `at`.

    The array is `length` words of 8 bytes from the address `base`; `at` holds the next element and the first of its
    walk. The loop is unrolled eight times and loads by address: one addition from memory per element and no bounds
    check. It has two sums, since one would limit it to an element per cycle. The step is opaque to LLVM, which would
    vectorize a stride of 1 and put a different kernel on the curve.
    """
    one, eight = opaque(8 * stride), opaque(64 * stride)
    i, start, even, odd = at[0], at[1], 0, 0
    for _ in range(passes):
        even, odd, left = 0, 0, count
        while left > 0:
            here = min(left, (length - 1 - i) // stride + 1)
            address = base + 8 * i
            i += here * stride
            left -= here
            by_eights, end = address + here // 8 * eight, base + 8 * i
            while address < by_eights:
                even += follow(address) + follow(address + 2 * one)
                odd += follow(address + one) + follow(address + 3 * one)
                even += follow(address + 4 * one) + follow(address + 6 * one)
                odd += follow(address + 5 * one) + follow(address + 7 * one)
                address += eight
            while address < end:
                even += follow(address)
                address += one
            if i >= length:
                start = after(start, stride)
                i = start
    at[0], at[1] = i, start
    return even + odd


def walks(length: int, stride: int, count: int) -> Iterator[list[slice]]:
    """The same walks for NumPy: for each call the slices of the array that it uses."""
    i = start = 0
    while True:
        call, left = [], count
        while left > 0:
            here = min(left, (length - 1 - i) // stride + 1)
            call.append(slice(i, i + (here - 1) * stride + 1, stride))
            i, left = i + here * stride, left - here
            if i >= length:
                i = start = after.py_func(start, stride)  # type: ignore[attr-defined]
        yield call


# --- the bench --------------------------------------------------------------------------------------------------------


@bench.inputs
def numbers(rng: np.random.Generator, size: int, device: Cpu) -> np.ndarray:
    """Whole numbers of 8 bytes, whose sums are exact in any order; on huge pages, as NumPy's own large arrays are."""
    a: np.ndarray = device.host_empty(max(PART, size // 8), np.int64)
    repeat_into(a, rng.integers(0, 2**20, min(len(a), PERIOD)))
    return a


def elements(a: np.ndarray, stride: int) -> int:
    """Elements that a call uses."""
    if stride > len(a):
        raise Skip("bad_value", f"a stride of {stride} elements leaves the array, which has {len(a)}")
    return len(a) // PART


@bench.reference
def first_sum(a: np.ndarray, stride: int) -> int:
    """The sum of what the first call uses."""
    return sum(int(a[part].sum()) for part in next(walks(len(a), stride, elements(a, stride))))


@bench.counts
def counts(a: np.ndarray, stride: int) -> dict[str, float]:
    """The elements that are used, 8 bytes each."""
    count = elements(a, stride)
    return {"items": count, "bytes": 8 * count}


@bench.memory
def memory(size: int) -> int:
    """All strides and variants of a group share one array; each case counts its part of it."""
    return size // 8


@bench.variant("numba")
def in_numba(a: np.ndarray, stride: int) -> Work:
    """Numba: one load an element."""
    at, count = np.zeros(2, dtype=np.int64), elements(a, stride)

    def repeat(n: int) -> int:
        return sum_every(a.ctypes.data, len(a), stride, count, n, at)

    return Work(lambda: repeat(1), repeat=repeat, facts=facts(a, stride))


@bench.variant("numpy")
def in_numpy(a: np.ndarray, stride: int) -> Work:
    """NumPy: a[::k].sum(), a view of every k-th element."""
    calls = walks(len(a), stride, elements(a, stride))

    def call() -> int:
        return sum(int(a[part].sum()) for part in next(calls))

    return Work(call, facts=facts(a, stride))


def facts(a: np.ndarray, stride: int) -> Facts:
    """The array, and the step in bytes."""
    return {"footprint": a.nbytes, "stride_bytes": 8 * stride}


# --- what it says -----------------------------------------------------------------------------------------------------


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What an element costs that has a line to itself, how large a line is, and what NumPy adds."""
    lines = {size: results.line(size) for size in ("DRAM", "L2")}
    costs = (found for size, line in lines.items() if line is not None and (found := _alone(results, size, line)))
    told = [*list(costs)[:1], *((1.0, said) for said in _of_lines(results, lines["L2"], lines["DRAM"]))]
    strides = sorted({int(r.params["stride"]) for r in results.records if r.variant == "numpy" and r.timed})
    ratios = {at: results.ratio("numpy", "numba", size="DRAM", stride=at) for at in (*strides[:1], *strides[1:][-1:])}
    each = [f"{compared(ratio)} at stride {at}" for at, ratio in ratios.items() if ratio is not None]
    if each:
        records = [results.find(name, size="DRAM", stride=at) for at in ratios for name in ("numpy", "numba")]
        known = [ratio for ratio in ratios.values() if ratio is not None]
        said = f"NumPy's strided sum in memory (1 thread) against the compiled loop: {listed(each)}"
        told.append((largest(known), marked(said, *records)))
    yield from ranked(told)


def _alone(results: Results, size: str, line: Estimate) -> tuple[float, str] | None:
    """The price of an element when nothing else that is fetched with it is used; None where it was not measured."""
    dense, alone = (results.find("numba", size=size, stride=stride) for stride in (1, round(line.value) // WORDS))
    if dense is None or alone is None or dense is alone or not dense.counts["items"]:
        return None
    ratio = results.versus(alone, dense).scaled(dense.counts["items"] / alone.counts["items"])
    each = text.seconds(estimate(alone.samples).scaled(1 / alone.counts["items"]))
    said = f"An element at a stride of {text.size(line.value)} in {level(size)} (1 thread) takes {each}"
    return ratio.value, marked(f"{said}, {against(ratio, 'at stride 1')}", dense, alone)


def _of_lines(results: Results, near: Estimate | None, far: Estimate | None) -> Iterator[str]:
    """The line by the curve in L2 beside the reported one, and the bytes that a miss fetches from memory."""
    said = []
    if near is not None:
        reported = next((cache.line for cache in results.run.machine.cpu.caches if cache.line), 0)
        verdict = "the size of a cache line"
        if near.value == reported:
            verdict = "the reported cache line"
        elif reported and near.low <= reported <= near.high:
            verdict = f"consistent with the reported cache line of {text.size(reported)}"
        elif reported:
            verdict = f"while the reported cache line is {text.size(reported)}: noise, or L2 hides the rest"
        said.append(f"in L2 (1 thread) the cost per element grows up to a stride of {text.size(near)}, {verdict}")
    if far is not None:
        pairs = near is not None and far.value == 2 * near.value
        said.append(
            f"in memory {'(1 thread) the cost per element grows ' if near is None else ''}up to "
            f"{'a stride of ' if near is None else ''}{text.size(far)}" + ": a miss fetches two lines" * pairs
        )
    if said:
        sizes = [size for size, line in (("L2", near), ("DRAM", far)) if line is not None]
        sweep = [r for r in results.records if r.timed and r.variant == "numba" and r.params["size"] in sizes]
        whole = "; ".join(said)
        yield marked(f"{whole[0].upper()}{whole[1:]}", *sweep)
