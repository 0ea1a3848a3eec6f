"""Context switches: the word comes back through both pipes, and the answering thread ends."""

from __future__ import annotations

import threading

import pytest

from hwbench.bench import Skip
from hwbench.benches.system import switch
from hwbench.benches.system.switch import bench
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

pytestmark = pytest.mark.skipif(switch.refused() is not None, reason="no POSIX, or nothing is pinned")


@pytest.mark.parametrize("variant", bench.variants)
def test_each_way_hands_the_word_over(variant: str) -> None:
    """The thread that answers ends with the work."""
    device = CpuDevice()
    try:
        device.crew(min(2, device.host.usable))
        before = threading.active_count()
        assert verdict(bench, variant, {"device": device}) == ""
        assert threading.active_count() == before
    except Skip as skip:
        assert variant == "two-cpus"
        assert "needs 2 CPUs" in str(skip)
    finally:
        device.close()


def test_a_word_that_does_not_come_back_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "talk", lambda *_: 0)
    device = CpuDevice()
    try:
        with pytest.raises(OSError, match="0 of 250 round trips came back"):
            work_of(bench, "one-cpu", {"device": device})
    finally:
        device.close()


def test_the_finding_sets_python_beside_machine_code() -> None:
    rows = [(way, {}, 5e-4 * at) for way, at in (("alone", 1), ("one-cpu", 2), ("two-cpus", 20), ("python", 6))]
    told = said(spread(reading(bench, rows, {"hops": 500})))
    assert told == [
        "Waking a thread through a pipe takes 2.00 µs (…) on one CPU and 20.0 µs (…) to another CPU; the write and the "
        "read alone take 1.00 µs (…).",
        "Between two threads of Python on one CPU it takes 6.00 µs (…), 3.00× slower than by machine code (…).",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(reading(bench, rows, {"hops": 500})))))
