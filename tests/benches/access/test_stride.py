"""Strides: each walk uses what it says, in an order that no cache can help, and times tell the size of a line."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.access import stride
from hwbench.benches.access.stride import PART, after, bench, walks
from hwbench.record.model import Cache
from inspection.answers import reading, verdict, work_of
from inspection.machine_code import needs_x86, simple_loops
from inspection.told import STOLEN, doubt, said, spread

STRIDES = (1, 2, 3, 7, 8, 12, 16, 64, 100, 512)


def values(stride: int, size: int = 2**19) -> dict[str, Any]:
    return {"size": size, "stride": stride}


@pytest.mark.parametrize("step", STRIDES)
@pytest.mark.parametrize("variant", bench.variants)
def test_the_answer_is_the_sum_of_the_walk(variant: str, step: int) -> None:
    """Each variant adds up what the first call's walk passes, at strides that divide the array and that do not."""
    assert verdict(bench, variant, values(step)) == ""


@pytest.mark.parametrize("step", STRIDES)
def test_calls_go_on_where_the_last_one_ended(step: int) -> None:
    """Compiled code and slices walk the same way, call after call, in single calls and in repetitions."""
    work, (a,) = work_of(bench, "numba", values(step))
    assert work.repeat is not None
    calls = walks(len(a), step, len(a) // PART)
    sums = [sum(int(a[part].sum()) for part in call) for call in itertools.islice(calls, 3 * PART)]
    assert [work.call() for _ in range(PART)] == sums[:PART]
    assert work.repeat(PART) == sums[2 * PART - 1]
    assert [work.call() for _ in range(PART)] == sums[2 * PART :]


@pytest.mark.parametrize("step", STRIDES)
def test_every_element_gets_its_turn_before_any_comes_back(step: int) -> None:
    """The starts of the walks are all residues of the stride, each once."""
    starts = [0]
    while (start := after.py_func(starts[-1], step)) != 0:
        starts.append(start)
    assert sorted(starts) == list(range(step))


@pytest.mark.parametrize("step", [64, 512])
def test_walks_after_one_another_do_not_share_a_pair_of_lines(step: int) -> None:
    """What fetching lines in pairs brings along is not what the next walk uses."""
    start = 0
    for _ in range(step):
        following = after.py_func(start, step)
        assert following // 16 != start // 16 or following % 8 != start % 8
        start = following


def test_a_stride_beyond_the_array_is_refused() -> None:
    """It would use one element for ever; the reason says so."""
    with pytest.raises(Skip, match="leaves the array"):
        work_of(bench, "numba", values(2**20))


def test_a_walk_that_leaves_one_out_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum is exact, and no number is left out unseen."""
    real = stride.sum_every
    monkeypatch.setattr(
        stride, "sum_every", lambda base, length, step, count, *rest: real(base, length, step, count - 1, *rest)
    )
    assert "differs" in verdict(bench, "numba", values(8))


def test_counts() -> None:
    """As many elements at every stride, of 8 bytes."""
    for step in STRIDES:
        _, (a,) = work_of(bench, "numba", values(step))
        assert bench.count(values(step), (a,)) == {"items": len(a) // PART, "bytes": 8 * (len(a) // PART)}


@needs_x86
def test_one_load_for_each_element() -> None:
    """The loop is eight scalar additions from memory, at a stride of 1 as at any other: no vectors, no closed form."""
    a, at = np.zeros(1024, dtype=np.int64), np.zeros(2, dtype=np.int64)
    loops = simple_loops(stride.sum_every, a.ctypes.data, 1024, 1, 8, 1, at)
    longest = max(loops, key=len)
    assert sum(line.startswith("addq") and "(" in line for line in longest) == 8
    assert len(longest) == 11, longest
    assert not any("mm" in line for loop in loops for line in loop)


def rows(costs: dict[str, dict[int, float]]) -> list[tuple[str, dict[str, Any], float]]:
    """Records of the compiled loop: nanoseconds an element by size and stride, 1000 elements a call."""
    return [
        ("numba", {"size": size, "stride": step}, cost * 1e-6)
        for size, each in costs.items()
        for step, cost in each.items()
    ]


def with_facts(read: Any) -> Any:
    import msgspec

    read.records = [
        msgspec.structs.replace(r, facts=r.facts | {"stride_bytes": 8 * r.params["stride"]}) for r in read.records
    ]
    return read


NEAR = {step: 0.25 * min(step, 8) / 2 + 0.125 for step in (1, 2, 4, 8, 16, 32, 64)}
FAR = {step: 0.5 * min(step, 16) for step in (1, 2, 4, 8, 16, 32, 64)}


def test_the_finding_tells_a_line_from_a_pair() -> None:
    """In L2 the curve turns at 64 bytes, from memory at 128; the price of a column is the height of the level."""
    read = with_facts(spread(reading(bench, rows({"L2": NEAR, "DRAM": FAR}), {"items": 1000}), 0.002))
    assert said(read) == [
        "An element at a stride of 128 B in memory (1 thread) takes 8.00 ns (…), 16.0× slower than at stride 1 (…).",
        "In L2 (1 thread) the cost per element grows up to a stride of 64 B, the size of a cache line; in memory up "
        "to 128 B: a miss fetches two lines.",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(read)))


@pytest.mark.parametrize(
    ("reported", "verdict"),
    [(64, "the reported cache line."), (128, "while the reported cache line is 128 B: noise, or L2 hides the rest.")],
)
def test_the_line_is_set_against_the_reported_one(reported: int, verdict: str) -> None:
    """What agrees is said to; what does not says why it may not."""
    read = with_facts(reading(bench, rows({"L2": NEAR}), {"items": 1000}))
    read.run.machine.cpu.caches.append(Cache(1, 2**15, reported, 1))
    assert said(read)[1] == f"In L2 (1 thread) the cost per element grows up to a stride of 64 B, {verdict}"


@pytest.mark.parametrize("strides", [(1,), (1, 512), (1, 8, 512)])
def test_numpy_s_view_is_told_at_the_ends(strides: tuple[int, ...]) -> None:
    """At one stride, or at the first and the last of several; a suspect record marks it."""
    both = [
        (name, {"size": "DRAM", "stride": at}, time)
        for at in strides
        for name, time in (("numba", 1.0), ("numpy", 1.1))
    ]
    [sentence] = said(with_facts(reading(bench, both, {"items": 1000})))
    ends = " and ".join(f"1.10× slower at stride {at}" for at in dict.fromkeys((strides[0], strides[-1])))
    assert sentence == f"NumPy's strided sum in memory (1 thread) against the compiled loop: {ends}."
    assert said(doubt(with_facts(reading(bench, both, {"items": 1000})), "numpy"))[0].endswith(STOLEN)


def test_a_level_curve_has_no_line() -> None:
    """Where the stride does not show nothing is said of lines; without records nothing at all."""
    read = with_facts(reading(bench, rows({"L2": dict.fromkeys((1, 2, 4, 8, 16, 32), 0.3)}), {"items": 1000}))
    assert said(read) == []
    assert said(reading(bench, [], {})) == []
