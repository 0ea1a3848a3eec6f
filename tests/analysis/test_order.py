"""Expectations of order: nearer levels are no slower, idle memory no slower than loaded memory."""

import pytest

from doubles.scripted import record
from hwbench.analysis import order
from hwbench.analysis.plausibility import judged
from made_up.declared import DECLARED

AXES = {"size": "DRAM", "pages": "huge"}


def timed(variant, bench, each, counts, spread=0.001, **params):
    """A case whose unit of work takes so many seconds, give or take the spread."""
    [work] = counts.values()
    samples = [each * work * (1 + spread * (at - 2)) for at in range(5)]
    return record(variant, samples, bench=bench, params=params, counts=counts, facts={"elements": 512})


def chase(size, nanoseconds, **more):
    axes = {"size": size, "pages": "huge", "order": "random"} | more
    return timed("follow", "latency.chase", 1e-9 * nanoseconds, {"hops": 1000.0}, **axes)


def loaded(gap, nanoseconds, variant="read", **more):
    return timed(variant, "latency.loaded", 1e-9 * nanoseconds, {"hops": 1000.0}, **AXES, gap=gap, **more)


def load(size, rate, variant="512", **more):
    axes = {"size": size, "dtype": "f8", "threads": 1, "pages": "huge"} | more
    return timed(variant, "stream.load", 1 / (rate * 1e9), {"bytes": 1e9}, **axes)


def told(*records):
    return {at: str(reason) for at, reason in order.disordered(records, DECLARED).items()}


def test_idle_memory_answers_no_later_than_loaded_memory():
    """150 ns idle against 120 ns under load marks both; 5% apart, or another kind of traffic, marks none."""
    assert told(loaded("idle", 150), loaded(64, 120), loaded(0, 400)) == {
        0: "out of order: slower than latency.loaded/read [DRAM, huge, 64]: 120 ns, measured under load",
        1: "out of order: faster than latency.loaded/read [DRAM, huge, idle]: 150 ns, measured without load",
    }
    assert told(loaded("idle", 150), loaded(64, 143)) == {}
    assert told(loaded("idle", 150, spread=0.05), loaded(64, 138, spread=0.05)) == {}
    assert told(loaded("idle", 150), loaded(64, 120, variant="write")) == {}


def test_no_level_answers_earlier_than_a_nearer_one():
    """L2 at 14 ns and L3 at 10 ns; a chase on other pages or in another order is another quantity."""
    assert set(told(chase("L1", 1), chase("L2", 14), chase("L3", 10), chase("DRAM", 90))) == {1, 2}
    assert told(chase("L2", 14), chase("L3", 10, pages="4K")) == {}
    assert told(chase("L2", 14), chase("L3", 10, order="page-local")) == {}
    assert told(chase("L1", 1), chase("L2", 4), chase("L3", 20)) == {}


def test_no_level_has_more_bandwidth_than_a_nearer_one():
    """The fastest variant of each level counts, on the same threads: a slow variant near the core is none."""
    found = told(load("L2", 20), load("L3", 30))
    assert found[0] == (
        "out of order: slower than stream.load/512 [L3, f8, 1, huge]: 30.0 GB/s, a level further from the core"
    )
    assert found[1].endswith("faster than stream.load/512 [L2, f8, 1, huge]: 20.0 GB/s, a level nearer to the core")
    assert told(load("L2", 20, "128"), load("L2", 60), load("L3", 30)) == {}
    assert told(load("L2", 20), load("L3", 30, threads=2)) == {}
    assert told(load("L2", 20), load("L3", 21)) == {}


@pytest.mark.parametrize("given", [(loaded("idle", 150), loaded(64, 120)), (chase("L2", 14), chase("L3", 13.2))])
def test_both_are_suspect_when_the_run_is_read(given):
    """Concluded anew at each reading, with the code alone; L3 6% below L2 is within the deviation."""
    once = judged(list(given), DECLARED, {})
    apart = given[0].bench == "latency.loaded"
    assert [one.status for one in once] == ["suspect" if apart else "ok"] * 2
    assert [one.codes for one in once] == [["out_of_order"] if apart else []] * 2
    assert judged(once, DECLARED, {}) == once


def test_what_is_marked_already_is_marked_no_second_time():
    """L2 is slower than L3 by more than a level may be: the older mark stands, and L3 gets the new one."""
    marked = judged([load("L2", 20), load("L3", 30)], DECLARED, {})
    assert [one.codes for one in marked] == [["doubtful"], ["out_of_order"]]
