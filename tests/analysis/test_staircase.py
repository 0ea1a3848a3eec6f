"""Levels, TLB reach and line size out of sweeps whose answer is known: made-up staircases with noise."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.analysis.staircase import LEAST, MOST, STEP, Staircase, find_levels, find_line, find_translation
from hwbench.record.units import octaves

KIB, MIB = 2**10, 2**20


def noisy(times, noise=0.01, rounds=12, seed=0):
    """Samples around each time: what disturbs only adds."""
    rng = np.random.default_rng(seed)
    return {size: list(t * (1 + noise * np.abs(rng.normal(size=rounds)))) for size, t in times.items()}


def hop(size, ends, times, sharpness):
    """Seconds a hop where of a footprint the share 1 - (end/size)^sharpness misses a cache: ∞ for LRU, 1 for random."""
    seconds = times[0]
    for end, near, far in zip(ends, times, times[1:], strict=False):
        seconds += (far - near) * (0.0 if size <= end else 1 - (end / size) ** sharpness)
    return seconds


@settings(max_examples=40)
@given(
    exponents=st.tuples(st.integers(14, 16), st.integers(18, 21), st.integers(23, 25)),
    three_quarters=st.tuples(*[st.booleans()] * 3),
    steps=st.tuples(st.floats(2.5, 6), st.floats(2.5, 6), st.floats(2.5, 10)),
    sharpness=st.floats(3, 20),
    points=st.sampled_from([2, 4]),
    seed=st.integers(0, 99),
)
def test_every_step_is_found_where_it_is(exponents, three_quarters, steps, sharpness, points, seed):
    """Three caches of any size and latency, sharp edges or soft: as many levels, each end in its interval."""
    ends = [2**e * 3 // 4 if cut else 2**e for e, cut in zip(exponents, three_quarters, strict=True)]
    times = list(itertools.accumulate((1e-9, *steps), lambda a, b: a * b))
    sweep = {size: hop(size, ends, times, sharpness) for size in octaves(4 * KIB, 256 * MIB, points)}
    levels = find_levels(noisy(sweep, seed=seed))
    assert len(levels) == 4
    for level, end, seconds in zip(levels, [*ends, None], times, strict=True):
        assert level.seconds.low <= level.seconds.value <= level.seconds.high
        assert level.seconds.value == pytest.approx(seconds, rel=0.2)
        if end is None:
            assert level.size is None
        else:
            step = 2 ** (1 / points) * 1.2  # one step of the sweep: the widest ratio of neighbours is 1.5, or 1.25
            assert level.size.low / step <= end <= level.size.high
            assert level.size.low <= level.size.value < level.size.high


def test_more_noise_makes_wider_intervals_and_the_same_levels():
    """Ten times the noise widens what is not known, and invents no level."""
    times = {size: hop(size, [32 * KIB, MIB], [1e-9, 4e-9, 80e-9], 6) for size in octaves(4 * KIB, 64 * MIB, 4)}
    quiet, loud = (find_levels(noisy(times, noise)) for noise in (0.01, 0.1))
    assert len(quiet) == len(loud) == 3
    assert sum(x.seconds.relative for x in loud) > 2 * sum(x.seconds.relative for x in quiet)


def test_samples_that_waver_at_the_edge_widen_its_interval():
    """Where a footprint is half in the cache in some rounds and out in others, the end is not known to one step."""
    times = {size: 1e-9 if size <= 32 else 9e-9 for size in octaves(4, 512, 2)}
    sharp = find_levels(noisy(times, 0.001))
    wavering = noisy(times, 0.001) | {48: [1.2e-9, 8e-9] * 6}
    assert (sharp[0].size.low, sharp[0].size.high) == (32, 48)
    assert (find_levels(wavering)[0].size.low, find_levels(wavering)[0].size.high) == (32, 64)


def test_an_outlier_cuts_no_level_in_two():
    """One slow footprint inside a level, at five times its latency, does not make two levels of it."""
    [level] = find_levels({2**i: [5e-9 if i == 4 else 1e-9] * 5 for i in range(10)})
    assert (level.first, level.last, level.size) == (1, 512, None)


def test_a_steady_climb_has_no_levels():
    """Time that grows with the footprint throughout is not level anywhere, however dense the sweep."""
    assert find_levels({size: [1e-9 * size**0.7] * 5 for size in octaves(4 * KIB, 64 * MIB, 4)}) == []


def test_a_level_that_tilts_is_one():
    """Memory that grows by a third over four octaves, as page tables outgrow the caches, is one level."""
    times = dict.fromkeys(octaves(4 * KIB, 32 * KIB, 2), 1e-09)
    times |= {size: 118e-9 * (size / MIB) ** 0.07 for size in octaves(MIB, 16 * MIB, 4)}
    assert len(find_levels(noisy(times))) == 2


def test_a_climb_that_may_hide_a_level_is_told_as_wide():
    """One point an octave shows no third level on the way from L2 to memory: then the end may be anywhere on it."""
    ns = {8: 1, 16: 1, 32: 1, 64: 3.8, 128: 3.8, 256: 3.9, 512: 5, 1024: 8, 2048: 13, 4096: 17, 8192: 118}
    ns |= {16384: 140, 32768: 149, 65536: 150}
    levels = find_levels({size * KIB: [time * 1e-9] * 5 for size, time in ns.items()})
    assert [level.last // KIB for level in levels] == [32, 256, 65536]
    assert (levels[1].size.low, levels[1].size.high) == (256 * KIB, 16 * MIB)


def test_a_sweep_that_ends_on_the_way_up_never_settles():
    """The last level then has an end, so that nobody takes it for memory."""
    ns = {4: 1, 8: 1, 16: 1, 32: 1, 64: 4, 128: 4, 256: 4, 512: 4, 1024: 9, 2048: 30, 4096: 80}
    levels = find_levels({size: [time * 1e-9] * 3 for size, time in ns.items()})
    assert [(level.last, level.size and level.size.high) for level in levels] == [(32, 64), (512, 1024)]


@pytest.mark.parametrize(
    "sweep",
    [{}, {64: [1e-9]}, {64: [1e-9], 128: [1e-9]}, {64: [], 128: [], 256: []}, {1: [0.0], 2: [-1.0], 4: [1e-9]}],
    ids=["nothing", "one", "two", "no samples", "no times"],
)
def test_too_little_tells_nothing(sweep):
    """Fewer than three sizes with times are no sweep: no levels, no translation, no line, and no error."""
    assert find_levels(sweep) == []
    assert find_translation(sweep, sweep) == []
    assert find_line(sweep) is None


@settings(max_examples=40)
@given(st.dictionaries(st.integers(1, 2**40), st.lists(st.floats(1e-10, 1e-3), min_size=1, max_size=4), max_size=40))
def test_levels_are_apart_and_in_order_whatever_was_measured(sweep):
    """They do not overlap, span an octave each, rise by a step, and every interval holds its value."""
    levels = find_levels(sweep)
    for level in levels:
        assert level.last >= 2 * level.first
        assert sum(level.first <= size <= level.last for size in sweep) >= LEAST
        assert level.seconds.low <= level.seconds.value <= level.seconds.high
        assert level.size is None or level.size.low <= level.size.value <= level.size.high
    for here, there in itertools.pairwise(levels):
        assert here.last < there.first
        assert there.seconds.value >= here.seconds.value * STEP * (1 - 1e-9)


# --- translation ------------------------------------------------------------------------------------------------------

ENDS, TIMES = [32 * KIB, MIB, 32 * MIB], [1e-9, 4e-9, 15e-9, 100e-9]


def pages(reaches, added, points, seed=0):
    """A sweep whose loads pay `added[i]` seconds beyond the reach `reaches[i]`."""
    times = {}
    for size in octaves(4 * KIB, 256 * MIB, points):
        walk = hop(size, reaches, [0.0, *added], 8)
        times[size] = hop(size, ENDS, TIMES, 6) + walk
    return noisy(times, 0.005, seed=seed)


@settings(max_examples=40)
@given(seed=st.integers(0, 99), points=st.sampled_from([1, 2, 4]))
def test_both_tlbs_show_as_steps_of_what_small_pages_add(seed, points):
    """A first TLB of 64 pages and a second of 2048: their reaches and what lies beyond, through the caches' steps."""
    small = pages([256 * KIB, 8 * MIB], [2e-9, 20e-9], points, seed)
    none, some, walks = find_translation(small, pages([], [], 2, seed + 1))
    assert none.seconds.value < 0.2e-9
    assert some.seconds.value == pytest.approx(2e-9, rel=0.3)
    assert walks.seconds.value == pytest.approx(20e-9, rel=0.2)
    assert none.size.low <= 256 * KIB <= none.size.high
    assert some.size.low <= 8 * MIB <= some.size.high


def test_pages_that_are_alike_show_no_step():
    """Where a hypervisor keeps huge pages on small ones, both sweeps are one, and there is no reach to tell."""
    levels = find_translation(pages([256 * KIB], [2e-9], 1), pages([256 * KIB], [2e-9], 2, seed=1))
    assert len(levels) <= 1


def test_a_cache_that_ends_elsewhere_on_small_pages_is_no_tlb():
    """An edge of a cache that shifts by a step with the pages' placement adds 40 ns there, and is left out."""
    small, huge = pages([], [], 2), pages([], [], 2, seed=1)
    small[48 * MIB] = [1.4 * t for t in small[48 * MIB]]
    assert len(find_translation(small, huge)) == 1


# --- lines ------------------------------------------------------------------------------------------------------------

STRIDES = [8 * 2**i for i in range(10)]


def strided(line, floor=1, beyond=0.0):
    """Seconds an element: whole lines at memory's rate, at least that of `floor` bytes; `beyond`: the slope after."""
    return {s: 1e-9 * max(floor, min(s, line)) * max(1.0, s / line) ** beyond for s in STRIDES}


@settings(max_examples=40)
@given(
    line=st.sampled_from([32, 64, 128]),
    floor=st.sampled_from([1, 8, 16]),
    beyond=st.floats(-0.1, 0.5),
    seed=st.integers(0, 99),
)
def test_the_line_is_where_time_stops_growing_with_the_stride(line, floor, beyond, seed):
    """Lines of 32 to 128 bytes, with and without arithmetic that hides the first strides, level or rising after."""
    found = find_line(noisy(strided(line, floor, beyond), 0.02, seed=seed))
    assert found.low <= line <= found.high
    assert found.value == line


def test_sets_that_large_strides_share_do_not_move_the_line():
    """An L2 of a Zen 4: level from 64 to 512 bytes, then steep again: steps of 1 KiB and more share few sets of L1."""
    seen = {
        8: 0.14,
        16: 0.162,
        32: 0.275,
        64: 0.559,
        128: 0.556,
        256: 0.553,
        512: 0.55,
        1024: 0.87,
        2048: 2.13,
        4096: 2.67,
    }
    found = find_line({stride: [time * 1e-9 * (1 + i / 1000) for i in range(10)] for stride, time in seen.items()})
    assert found is not None
    assert found.value == 64


def test_lines_that_do_not_show_are_not_told():
    """Flat throughout (data in L1), or growing throughout (strides below a line): there is no corner."""
    assert find_line(noisy(dict.fromkeys(STRIDES, 1e-9))) is None
    assert find_line(noisy({s: s * 1e-9 for s in STRIDES})) is None
    assert find_line({8: [1e-9], 16: [2e-9], 32: [4e-9]}) is None


@settings(max_examples=40)
@given(st.dictionaries(st.integers(1, 2**20), st.lists(st.floats(1e-10, 1e-3), min_size=1, max_size=4), max_size=12))
def test_a_line_is_one_of_the_strides_whatever_was_measured(sweep):
    """Nonsense gives nothing, or a stride with an interval around it."""
    found = find_line(sweep)
    assert found is None or (found.value in sweep and found.low <= found.value <= found.high)
    assert found is None or math.isfinite(found.high)


def test_a_sweep_of_thousands_of_points_is_thinned():
    """A file may hold any number; two levels are found in it as in a sweep of fifty."""
    sizes = [4096 + 64 * i for i in range(5000)]
    sweep = {size: [1e-9 if size <= 65536 else 4e-9] * 3 for size in sizes}
    assert len(Staircase(sweep).sizes) <= MOST
    near, far = find_levels(sweep)
    assert (near.seconds.value, far.seconds.value) == pytest.approx((1e-9, 4e-9))
    assert near.size.value == pytest.approx(65536, rel=0.05)
