"""Small steps: what each way to start them costs, and up to which size another one helps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.device import graph
from made_up.gpu_records import record, said, suspect

CARD: Any = SimpleNamespace(properties=SimpleNamespace(capability=(9, 0), sm=1), resident=lambda *_: 1)
START = {"python": 6e-6, "queued": 2e-6, "graph": 1.5e-6, "persistent": 1e-6}


def steps(*names: str, sizes: tuple[int, ...] = (2**10, 2**18, 2**22), each: float = 1e-11) -> list[Any]:
    """What starting takes, or the elements where they take longer."""
    return [
        record("device.graph", name, {"n": n}, 100 * max(START[name], n * each), counts={"calls": 100})
        for name in names or START
        for n in sizes
    ]


def test_each_step_moves_the_elements_by_one_and_adds_one():
    """After all of them an element is that of so many places further on."""
    x = np.arange(7, dtype=np.float32)
    expected = x
    for _ in range(graph.STEPS):
        expected = np.append(expected[1:], expected[0]) + 1
    np.testing.assert_array_equal(graph.reference(x), expected)


def test_the_smallest_steps_are_told_in_each_way_and_where_another_way_stops_to_help():
    """4 million elements take 42 µs in each way; 262144 take 2.6 of them, which launching from Python does not."""
    small, by_graph, persistent = said(graph.bench, *steps())
    assert small.startswith("A step of 1024 elements takes 6.000 µs")
    assert " launched from Python, 2.000 µs" in small and small.endswith(" in one kernel.")
    assert by_graph.startswith("Up to steps of 262\u202f144 elements a graph helps: there it is 2.28")
    assert "faster than launches from Python" in by_graph
    assert persistent.startswith(
        "Up to steps of 262\u202f144 elements one kernel with barriers helps: there it is 2.28"
    )


def test_a_way_that_helps_at_all_sizes_and_one_that_never_does():
    """The largest size is no bound where it still helps."""
    told = said(graph.bench, *steps(sizes=(2**10, 2**18)))
    assert told[1].startswith("At least up to steps of 262\u202f144 elements a graph helps")
    none = said(graph.bench, *steps("python", "graph", sizes=(2**22,)))
    assert none[-1] == "A graph gains nothing over launches from Python at any of these sizes."


def test_what_was_not_measured_is_not_told():
    """One way alone has no other to be compared with; a disturbed record is marked."""
    assert len(said(graph.bench, *steps("graph"))) == 1
    assert said(graph.bench) == []
    assert all("(suspect" in line for line in said(graph.bench, *map(suspect, steps("python", "graph"))))


@pytest.mark.parametrize("n", [0, 2**31])
def test_sizes_that_no_kernel_counts_are_refused(n):
    """None, and more than an int has."""
    with pytest.raises(Skip, match="a step has from 1"):
        graph.steps_of(CARD, CARD, n)
