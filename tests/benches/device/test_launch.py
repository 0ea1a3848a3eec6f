"""Launches: what each way to start a kernel costs."""

from __future__ import annotations

from types import SimpleNamespace

from hwbench.benches.device import launch
from made_up.gpu_records import record, said


def test_each_way_to_launch_is_told_and_what_a_wait_adds():
    """Microseconds a launch in each way, and the work that a wait is worth."""
    times = {"queued": 2e-6, "graph": 1e-6, "enqueue": 3e-6, "cupy": 6e-6, "sync": 9e-6}
    rows = [record("device.launch", name, {}, 100 * t, counts={"calls": 100}) for name, t in times.items()]
    assert said(launch.launch_bench, *rows) == [
        "An empty kernel takes 2.00 µs queued, 1.00 µs in a graph, 3.00 µs enqueued from Python, "
        "6.00 µs as a CuPy operation, 9.00 µs "
        "with a wait after "
        "each.",
        "Waiting after each launch makes it 3.00× as dear: a kernel should do at least 9.00 µs of work for each time "
        "that the host waits.",
    ]


def test_a_call_is_a_hundred_launches():
    """Counted as such."""
    assert launch.launches() == {"calls": 100}


def test_a_graph_counts_as_its_launches_behind_the_gate(monkeypatch):
    """So that no more than half a queue of them waits there, whatever a driver's queue of graphs holds."""
    asked = {}
    device = SimpleNamespace(
        stream=SimpleNamespace(begin_capture=lambda: None, end_capture=lambda: SimpleNamespace(launch=None)),
        synchronize=lambda: None,
        timed=lambda call, **how: asked.update(how),
    )
    monkeypatch.setattr(launch, "marked", lambda device: (lambda: None, lambda: 1))
    launch.graph(device)
    assert asked["launches"] == launch.CALLS
