"""Elements that an index names: how many, in which orders, and the loop that adds them up one by one."""

from __future__ import annotations

import numpy as np

from ...bench import Skip
from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...kernels.permutation import bits_below, mixed, permute
from ...kernels.simd import clobber, follow, opaque
from ...record import text
from .._partitions import parts_of

WORDS = 8  # elements of 8 bytes in a line of 64
PAGE = 512  # elements in a page of 4 KiB
SHARE = 4  # parts are a quarter of the usual size: 32 MiB, 50 ms in random order
ELEMENT = 16  # bytes: 8 of the array, 8 of where they lie


def in_parts(size: int) -> int:
    """Pages of elements in each part; Skip where there is none."""
    if size < ELEMENT * PAGE:
        least = text.size(ELEMENT * PAGE)
        raise Skip("too_small", f"{size} bytes are too few: a page of elements and their indices takes {least}")
    return max(1, size // ELEMENT // PAGE // parts_of(size, SHARE))


@compiled
def gather_words(base: int, first: int, last: int, passes: int, gate: int = 0) -> int:
    """The sum of the words at `base` plus each offset from address `first` to `last`, `passes` times over.

    Two scalar loads an element, by address. From a[index[k]] LLVM would emit vector gathers where the host has them,
    which on some CPUs (Zen 4) take longer than the loads, and hide what the order costs near the core. `gate` is a
    thread's place at the gate of its crew.
    """
    enter(gate)
    step = opaque(32)  # four offsets
    even = odd = 0
    for _ in range(passes):
        even = odd = 0
        at = first
        while at < last:
            even += follow(base + follow(at)) + follow(base + follow(at + 16))
            odd += follow(base + follow(at + 8)) + follow(base + follow(at + 24))
            at += step
        clobber()
    leave(gate)
    return even + odd


# --- the orders -------------------------------------------------------------------------------------------------------
# Each order is written as byte offsets, straight to its place: at a GiB, fresh pages cost more than the writes, and the
# misses of a shuffle more than both. The thread that reads them writes them, for first touch.


@compiled
def ascending(offsets: np.ndarray) -> None:
    """From the first element to the last."""
    for i in range(len(offsets)):
        offsets[i] = 8 * i


@compiled
def descending(offsets: np.ndarray) -> None:
    """From the last element to the first."""
    for i in range(len(offsets)):
        offsets[i] = 8 * (len(offsets) - 1 - i)


@compiled
def line_by_line(offsets: np.ndarray) -> None:
    """One element of each line, then the next one of each."""
    lines = len(offsets) // WORDS
    for word in range(WORDS):
        for line in range(lines):
            offsets[word * lines + line] = 8 * (line * WORDS + word)


@compiled
def mixed_in_pages(offsets: np.ndarray, keys: np.ndarray) -> None:
    """The pages in sequence, the elements of each in an order of its own: a key for each page."""
    bits = bits_below(PAGE)
    for page in range(len(keys)):
        for i in range(PAGE):
            offsets[page * PAGE + i] = 8 * (page * PAGE + mixed(i, PAGE, bits, keys[page]))


@compiled
def mixed_everywhere(offsets: np.ndarray, key: int) -> None:
    """All elements in one random order."""
    permute(offsets, 8, key)
