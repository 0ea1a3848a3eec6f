"""Reasons for suspicion, each at its threshold."""

import pytest

from hwbench.record.interference import beside, disturbed, moved, of_load, shape, shared
from hwbench.record.reasons import Reason


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [("steal_s", 0.0099, 0.0101), ("others_s", 0.149, 0.151), ("throttled_s", 0.00099, 0.00101)],
)
def test_thresholds_are_shares_of_the_wall_time(name, below, above):
    """1% of a CPU stolen, 15% taken by others, 0.1% throttled."""
    wall = [10.0] * 10
    assert disturbed({"wall_s": wall, name: [10 * below] * 10}) == []
    assert len(disturbed({"wall_s": wall, name: [10 * above] * 10})) == 1


def test_one_tick_of_a_counter_is_not_held_against_a_short_contrast():
    """Below three of the kernel's ticks the load of others is rounding, below two steal is."""
    assert disturbed({"wall_s": [0.1], "others_s": [0.02]}) == []
    assert disturbed({"wall_s": [0.1], "others_s": [0.03]}) == [Reason("other_processes", "30% of a CPU")]
    assert disturbed({"wall_s": [0.1], "steal_s": [0.01]}) == []
    assert disturbed({"wall_s": [0.1], "steal_s": [0.02]}) == [Reason("steal", "20% of a CPU")]


VARIED = [1.0, 1.0, 1.0, 1.1, 1.2, 1.2, 1.2]  # the middle half spans a fifth


@pytest.mark.parametrize(
    ("samples", "others", "idle", "found"),
    [
        (VARIED, 0.11, 0.9, True),  # of two CPUs' time 5.2%
        (VARIED, 0.11, 6.9, False),  # of eight 1.4%
        (VARIED, 0.10, 0.9, False),
        ([1 + (one - 1) / 5 for one in VARIED], 0.11, 0.9, False),  # 4%
        ([1 + (one - 1) / 3 for one in VARIED], 0.11, 0.9, True),
        ([1.0] * 7, 0.14, 0.9, False),
        (VARIED[:2], 0.14, 0.9, False),
    ],
)
def test_a_little_other_work_tells_where_samples_vary(samples, others, idle, found):
    """The rule for one of them alone would be silent: less than three ticks in 100 ms."""
    telemetry = {"wall_s": [0.5, 0.5], "own_s": [0.5, 0.5], "others_s": [others, 0.0], "idle_s": [idle, 0.1]}
    assert disturbed(telemetry) == []
    assert [one.code for one in beside(samples, telemetry)] == ["other_processes"] * found
    assert beside(samples, {**telemetry, "idle_s": []}) == []  # how many CPUs there are is not known


def test_nothing_is_said_without_a_wall_time_or_counters():
    """A system that lacks a counter has no reasons from it."""
    assert disturbed({}) == []
    assert disturbed({"steal_s": [1.0]}) == []
    assert disturbed({"wall_s": [1.0]}) == []


def test_several_reasons_are_all_told():
    """Nothing hides behind the first."""
    telemetry = {"wall_s": [1.0] * 10, "steal_s": [0.5] * 10, "throttled_s": [0.5] * 10}
    assert [reason.code for reason in disturbed(telemetry)] == ["steal", "quota"]


def test_the_clock_between_rounds_is_no_reason():
    """Readings of 60 µs see the boost dither; they marked half of all records, disturbed or not."""
    assert disturbed({"wall_s": [1.0] * 10, "clock_hz": [3e9 - 5e7 * i for i in range(10)]}) == []


def test_modes_are_told_with_their_distance():
    """Half as long again is 50% apart."""
    assert shape([1.0, 1.5] * 10) == [Reason("bimodal", "50% apart")]
    assert shape([1.0] * 20) == []


NEAR, FAR = 42e-9, 163e-9


@pytest.mark.parametrize(
    ("handovers", "told"),
    [
        ([NEAR] * 8 + [FAR] * 2, True),
        ([FAR, NEAR] * 5, True),
        ([NEAR] * 9 + [FAR], False),  # once is a hiccup
        ([NEAR] + [FAR] * 9, False),
        ([FAR] * 10, False),  # apart throughout: the machine is like that
        ([NEAR, 1.4 * NEAR] * 5, False),
        ([0.4 * NEAR] + [0.75 * NEAR] * 4 + [NEAR] * 6, False),  # two threads of a core for a moment
        ([0.4 * NEAR] + [0.75 * NEAR] * 4 + [NEAR] * 4 + [FAR] * 2, True),
        ([], False),
    ],
)
def test_cpus_that_were_moved_are_told(handovers, told):
    """Two rounds at least in each of two states that are more than half as long again apart."""
    assert bool(moved({"handover_s": handovers})) == told


@pytest.mark.parametrize(
    ("samples", "shares", "told"),
    [
        ([1.0] * 4 + [1.5] * 6, [1.0] * 4 + [0.5] * 6, "after 6 of 10 samples, which makes the median 50% longer"),
        ([1.0] * 6 + [1.5] * 4, [1.0] * 6 + [0.5] * 4, None),  # the median is one of those alone
        ([1.0] * 10, [1.0] * 4 + [0.5] * 6, None),  # it waits for memory: no longer
        ([1.5] * 10, [0.5] * 8 + [1.0] * 2, "after 8 of 10 samples"),  # too few to tell
        ([1.0] * 4 + [1.5] * 6, [1.0] * 10, None),
        ([1.5] * 10, [0.5] * 9, None),  # not one for each
        ([1.5] * 10, [], None),
    ],
)  # fmt: skip
def test_threads_on_the_same_core_are_told_where_they_cost_time(samples, shares, told):
    """By the samples beside them and those alone; without the latter, where most were beside them."""
    assert [one.detail for one in shared(samples, shares)] == ([] if told is None else [told])


def test_where_cpus_were_is_said_with_both_times():
    """How often which was seen."""
    assert moved({"handover_s": [NEAR] * 7 + [FAR] * 3}) == [
        Reason("cpus_moved", "a cache line moved in 42.0 ns in 7 rounds and in 163 ns in 3")
    ]


def test_what_took_the_time_of_a_load_before_the_samples_is_told():
    """By the counters of the load, by the share that its facts say, or as the samples are unlike it."""
    quota = {"load_telemetry": {"wall_s": 60.0, "throttled_s": 30.0}, "load_taken": 0.5, "settled_call_s": 2.0}
    assert of_load(quota, [2.0]) == [
        Reason("quota", "50% of the time"), Reason("time_taken", "50% of the time throughout the load")
    ]  # fmt: skip
    assert [one.code for one in of_load({"load_taken": 0.0, "settled_call_s": 2.0}, [1.0, 1.0])] == ["time_taken"]
    assert of_load({"load_taken": 0.04, "settled_call_s": 2.0}, [1.95]) == []
    for other in ({}, {"settled_call_s": 2.0}, {"load_taken": 0.0, "load_telemetry": {"wall_s": "long"}}):
        assert of_load(other, [1.0]) == []
