"""The probe of the last-level cache: what a chase's times say of its size, and that its walks visit every line."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.devices import last_level_cache

MIB = 2**20


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ({4: 20, 8: 20, 16: 21, 32: 22, 64: 100, 512: 150}, 32),
        ({4: 20, 8: 25, 16: 30, 32: 90, 64: 120, 512: 150}, 16),
        ({4: 20, 8: 20, 16: 68, 32: 100, 512: 120}, 8),
        ({4: 100, 8: 101, 16: 110, 64: 110}, None),
        ({4: 20, 8: 21, 32: 100}, 8),
    ],
)
def test_effective_size(times: dict[int, float], found: int | None) -> None:
    """The last footprint of which three quarters still hit is the cache; memory's time everywhere means none."""
    size = last_level_cache.effective_size({size * MIB: time * 1e-9 for size, time in times.items()})
    assert (size if size is None else last_level_cache.half_octave(size) // MIB) == found


def test_probe_sizes() -> None:
    """Sizes double from beyond the level above to the reported size; the last one is certainly memory."""
    assert last_level_cache.probe_sizes(4 * MIB, 32 * MIB) == [4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB, 128 * MIB]
    assert last_level_cache.probe_sizes(5 * MIB, 30 * MIB) == [8 * MIB, 16 * MIB, 32 * MIB, 128 * MIB]
    assert last_level_cache.probe_sizes(0, 16384) == [4096, 8192, 16384, 65536]


@pytest.mark.parametrize(("size", "rounded"), [(16, 16), (23, 16), (24, 24), (31, 24), (32, 32), (47, 32), (48, 48)])
def test_half_octave(size: int, rounded: int) -> None:
    """Sizes are rounded down to powers of two and one and a half times them."""
    assert last_level_cache.half_octave(size) == rounded


@pytest.mark.parametrize(("really", "found"), [(32, 32), (12, 24), (5, 8), (1, 4)])
def test_a_size_is_halved_until_a_random_ring_fits(really: int, found: int) -> None:
    """Half of what is found lies in the cache, whatever the probe saw; never less than the level above asks."""
    time = lambda size: 15e-9 if size <= really * 2**20 else 120e-9  # noqa: E731
    time_near = lambda size: 15e-9 if size <= 2 * 2**20 else time(size)  # noqa: E731
    assert last_level_cache.shrink_to_fit(32 * 2**20, 4 * 2**20, time_near) == found * 2**20


def test_the_ring_holds_every_line() -> None:
    """A walk of as many hops as there are lines comes back to where it began, and not before."""
    words = np.zeros(8 * 64, dtype=np.uint64)
    last_level_cache.write_ring(words, 64 * 64)
    visited = {int(last_level_cache.follow_ring(words, np.uint64(0), hops)) for hops in range(64)}
    assert visited == set(range(64))
    assert last_level_cache.follow_ring(words, np.uint64(0), 64) == 0


def test_a_ring_leaves_nothing_that_leads_the_next_probe_astray() -> None:
    """Its links, read as offsets, sent the walk round among a few lines: 2 ns at every footprint, so no cache."""
    words = np.zeros(64 * 8, dtype=np.uint64)
    assert last_level_cache.ring_time(words, 64 * 64) > 0
    assert not words.any()


@pytest.mark.parametrize(
    ("times", "passes"),
    [
        ([100.0 - 5 * i for i in range(12)] + [44.5] * 9, 15),  # lines are kept one pass after another
        ([20.0, 20.1, 19.9, 20.2], 4),
        ([100.0 / 2**i for i in range(99)], last_level_cache.PASSES),
    ],
)
def test_a_footprint_is_walked_until_nothing_is_gained(times: list[float], passes: int) -> None:
    """The fastest pass counts; three in a row within 2% of it end the walk."""
    taken: list[float] = []

    def walk() -> float:
        taken.append(times[len(taken)])
        return taken[-1]

    assert last_level_cache.settled(walk) == min(taken)
    assert len(taken) == passes


def test_the_wanderer_visits_every_line_once() -> None:
    """Hops go through all lines before one comes back, so that the footprint is what it is said to be."""
    lines = 1024
    words = np.zeros(lines * 8, dtype=np.uint64)
    at, seen = np.uint64(1), set()
    for _ in range(lines):
        at = np.uint64(last_level_cache.wander(words, at, np.uint64(lines), 1))
        seen.add(int(at))
    assert seen == set(range(lines))


def test_each_hop_waits_for_the_load_before_it() -> None:
    """The word that is found decides the next line: without that the hops would overlap and time nothing."""
    words = np.zeros(64 * 8, dtype=np.uint64)
    plain = last_level_cache.wander(words, np.uint64(1), np.uint64(64), 1)
    words[8] = 5
    assert last_level_cache.wander(words, np.uint64(1), np.uint64(64), 1) == (plain + 5) % 64


@pytest.mark.parametrize(
    ("before", "probes", "said"),
    [
        (None, [6, 6], 6),
        (None, [6, 8], 6),  # a step apart
        (None, [2, 8, 6], 8),
        (None, [2, 8, 12], 8),
        (None, [None, 8, 8], 8),  # one disturbed probe drops no level
        (None, [None, None], None),
        (None, [1, 2, 4, 8, 16], 4),  # no two agree: the middle
        (8, [6], 8),  # what earlier runs found stays
        (8, [2, 8], 8),
        (8, [2, 2], 2),  # two contradict it
        (8, [None, None], None),
    ],
)
def test_two_probes_must_agree(before: int | None, probes: list[int | None], said: int | None) -> None:
    """Sizes agree within a step; an earlier run's counts as one; no more probes than needed."""
    left = [None if size is None else size * MIB for size in probes]
    found = last_level_cache.agreed(lambda: left.pop(0), None if before is None else before * MIB)
    assert found == (None if said is None else said * MIB)
    assert not left
