"""Launches: what each way to start a kernel costs."""

from __future__ import annotations

from types import SimpleNamespace

from hwbench.benches.device import launch
from made_up.gpu_records import record, said, suspect


def launched(*names):
    times = {"queued": 2e-6, "graph": 1e-6, "enqueue": 3e-6, "cupy": 6e-6, "sync": 9e-6}
    return [record("device.launch", name, {}, 100 * times[name], counts={"calls": 100}) for name in names or times]


def test_each_way_to_launch_is_told_and_what_a_wait_adds():
    """What a wait costs and how much work is worth one, then microseconds a launch in each way."""
    assert said(launch.launch_bench, *launched()) == [
        "A launch with a wait after it is 3.000× slower than without a wait (3.000–3.001); give the GPU at least "
        "9.00 µs of work per wait.",
        "Cost of an empty kernel: 9.000 µs (8.991–9.009) with a wait after each launch, 6.000 µs (5.994–6.006) as a "
        "CuPy operation, 3.000 µs (2.997–3.003) launched from Python, 2.000 µs (1.998–2.002) queued and 1.000 µs "
        "(0.999–1.001) in a graph.",
    ]


def test_advice_needs_a_clear_difference():
    """A wait that costs nothing asks for nothing."""
    records = [record("device.launch", name, {}, 1e-3, counts={"calls": 100}) for name in ("enqueue", "sync")]
    assert said(launch.launch_bench, *records)[0].endswith("is as fast as without a wait.")


def test_one_way_to_launch_is_one_entry():
    """Without a wait there is no comparison; two ways are joined by `and`."""
    assert said(launch.launch_bench, *launched("graph")) == [
        "Cost of an empty kernel: 1.000 µs (0.999–1.001) in a graph."
    ]
    [two] = said(launch.launch_bench, *launched("queued", "graph"))
    assert " queued and 1.000 µs" in two


def test_disturbed_launches_are_marked():
    """In the comparison and in the list."""
    wait, plain = launched("sync", "enqueue")
    told = said(launch.launch_bench, wait, suspect(plain, "clock_drift"))
    assert "without a wait (3.000–3.001) (suspect: the clock drifted); give" in told[0]
    assert told[1].endswith("launched from Python (suspect: the clock drifted).")


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
