"""How much of the last-level cache this process gets.

A virtual machine may report a last level that it shares with others: sysfs says 260 MiB, yet a pointer chase has
memory's latency from 64 MiB on. So a chase measures the share: its time per hop rises from the cache's latency to
memory's as the footprint outgrows the share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter

import numpy as np

from ..kernels.compiling import compiled

LEAST = 4096  # bytes of a footprint: below a page a walk has too few lines to go astray, and below one line none
PROBES = 5  # at most, until two agree
STEP = 1.5  # between the sizes that a probe tells apart, about
PASSES = 24  # over a footprint at most: the L3 of a Zen keeps lines only after up to a dozen
FASTER = 0.98  # of the fastest pass so far: what still counts as a gain
IDLE = 3  # passes in a row without a gain: no line is kept that was not before
HOPS = 40_000  # 4 ms at memory's 100 ns; 2.4 MiB of lines, so a walk does not fill a cache with its own lines
_A, _C = np.uint64(6364136223846793005), np.uint64(1442695040888963407)


@compiled
def wander(words: np.ndarray, at: np.uint64, lines: np.uint64, hops: int) -> np.uint64:
    """Hop from line to line (`lines` a power of two), each step known only when the load before it has come back.

    The next line is Knuth's full-period generator of the present one plus the word found there (0): it visits every
    line before it comes back, and no ring has to be laid out in a gigabyte first.
    """
    mask = lines - np.uint64(1)
    for _ in range(hops):
        at = (at * _A + _C + words[at * np.uint64(8)]) & mask
    return at


@compiled
def touch(words: np.ndarray, count: int) -> np.uint64:
    """Read one word of each line of the first `count` words, so that what can be cached is."""
    total = np.uint64(0)
    for i in range(0, count, 8):
        total += words[i]
    return total


def settled(walk: Callable[[], float]) -> float:
    """The seconds of the fastest walk, once some in a row are no faster."""
    best, idle = float("inf"), 0
    for _ in range(PASSES):
        taken = walk()
        idle = 0 if taken < FASTER * best else idle + 1
        best = min(best, taken)
        if idle == IDLE:
            break
    return best


def hop_times(words: np.ndarray, sizes: list[int], rounds: int = 3) -> dict[int, float]:
    """Seconds per hop at each footprint (bytes, powers of two), the best of some rounds.

    `words` are uint64, zero, touched by the thread that runs this, and at least as long as the largest footprint.
    """
    times = dict.fromkeys(sizes, float("inf"))
    at = np.uint64(1)

    def walk(size: int) -> float:
        nonlocal at
        lines = np.uint64(size // 64)
        if size < sizes[-1]:  # which is in memory whatever is read before
            touch(words, size // 8)
        start = perf_counter()
        at = np.uint64(wander(words, at & (lines - np.uint64(1)), lines, HOPS))
        return (perf_counter() - start) / HOPS

    for _ in range(rounds):
        for size in sizes:
            times[size] = min(times[size], settled(partial(walk, size)))
    return times


def effective_size(times: Mapping[int, float]) -> int | None:
    """The bytes of cache, from hop times by footprint; the largest footprint is known to lie in memory.

    Of a footprint S in a cache of E bytes the share E/S hits, so time = near + (1 - E/S)(far - near). The largest
    footprint of which three quarters hit is taken to fit; the next one up may add a little: E = share × S. None where
    the smallest footprint takes memory's latency too: there is no such cache for us.
    """
    sizes = sorted(times)
    near, far = times[sizes[0]], times[sizes[-1]]
    if far < 1.3 * near:
        return None
    found = sizes[0]
    for size in sizes[:-1]:
        share = min(1.0, 1 - (times[size] - near) / (far - near))
        if share >= 0.75:
            found = max(found, size)
        else:
            return max(found, int(share * size)) if size == 2 * found else found
    return found


def half_octave(size: int) -> int:
    """The largest of … 16, 24, 32, 48 … up to `size`, so that a label stands for the same size in every run."""
    power = 1 << (size.bit_length() - 1)
    return power * 3 // 2 if size >= power * 3 // 2 else power


def probe_sizes(near: int, reported: int) -> list[int]:
    """Powers of two from `near` (`LEAST` at least) up to the reported size, and one four times beyond it."""
    first = 1 << (max(near, LEAST) - 1).bit_length()
    last = max(first, 1 << (reported - 1).bit_length())
    return [first << i for i in range((last // first).bit_length())] + [4 * last]


@compiled
def follow_ring(words: np.ndarray, at: np.uint64, hops: int) -> np.uint64:
    """The line `hops` hops after line `at`: the first word of each line holds the number of the next."""
    for _ in range(hops):
        at = words[at * np.uint64(8)]
    return at


def write_ring(words: np.ndarray, size: int) -> np.ndarray:
    """Link the lines of `size` bytes in random order; where the links lie, in that order."""
    order = np.random.default_rng(0).permutation(size // 64).astype(np.uint64)
    places: np.ndarray = order * np.uint64(8)
    words[places] = np.roll(order, -1)
    return places


def ring_time(words: np.ndarray, size: int) -> float:
    """Seconds per hop along a ring through `size` bytes in random order. The words are zero again afterwards."""
    places = write_ring(words, size)
    at = np.uint64(0)

    def walk() -> float:
        nonlocal at
        start = perf_counter()
        at = np.uint64(follow_ring(words, at, len(places)))  # all of it: less would be fast in a cache of any size
        return (perf_counter() - start) / len(places)

    found = settled(walk)
    words[places] = 0  # else the next probe's walk would go round among a few lines
    return found


def shrink_to_fit(found: int, near: int, time: Callable[[int], float]) -> int:
    """The largest size up to `found` half of which a random ring finds in the cache; `near` at least.

    The generator's walk fills the sets of a cache more evenly than data does, so it may see more than there is. The
    limit of 1.5 times the time where all hits is a hit rate of 90%, with memory six times as far.
    """
    limit = 1.5 * time(near // 2)
    while found > near and time(found // 2) > limit:
        found = half_octave(found - 1)
    return max(found, near)


def measure_last_level(reported: int, near: int, memory: np.ndarray) -> int | None:
    """Bytes of the last-level cache that one thread gets, at most `reported`; None where there is none.

    `near` is a footprint that lies beyond the level above; `memory` is untouched, of the last of `probe_sizes` bytes.
    """
    sizes = probe_sizes(near, reported)
    words = memory[: sizes[-1]].view(np.uint64)
    words[:: 4096 // 8] = 0  # write to each page: unwritten ones would all map the same page of zeros
    found = effective_size(hop_times(words, sizes))
    if found is None:
        return None
    return shrink_to_fit(half_octave(min(found, reported)), near, partial(ring_time, words))


def agreed(probe: Callable[[], int | None], before: int | None = None) -> int | None:
    """The size on which two probes agree to a step; None where two find no cache.

    One probe is not enough: what other guests do at that moment changes it from 2 to 8 MiB, or hides the cache. A size
    `before`, on which earlier runs agreed, counts as the first probe. Where no two agree, the middle of all.
    """
    seen: list[int | None] = [before] if before else []
    for _ in range(PROBES):
        found = probe()
        for earlier in seen:
            if earlier == found or (earlier and found and max(earlier, found) <= STEP * min(earlier, found)):
                return earlier
        seen.append(found)
    return sorted(seen, key=lambda size: size or 0)[len(seen) // 2]
