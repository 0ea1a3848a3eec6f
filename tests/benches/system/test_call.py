"""A system call: what it answers is what the system knows."""

from __future__ import annotations

import pytest

from hwbench.benches.system import call
from hwbench.benches.system.call import bench
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import libc
from inspection.answers import reading, verdict
from inspection.told import STOLEN, doubt, said, spread

pytestmark = pytest.mark.skipif(bool(libc.lacking("getppid")), reason="no POSIX")


@pytest.mark.parametrize("variant", bench.variants)
def test_each_way_asks_the_system(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a kernel that asks nothing is wrong."""
    device = CpuDevice()
    try:
        assert verdict(bench, variant, {"device": device}) == ""
        monkeypatch.setattr(call, "ask_parent", lambda *_: None)
        monkeypatch.setattr(call, "ask_time", lambda *_: None)
        monkeypatch.setattr(call.os, "getppid", lambda: 7)
        assert verdict(bench, variant, {"device": device}) != "" or variant == "python"
    finally:
        device.close()


def test_the_finding_tells_pythons_own_price() -> None:
    rows = [(way, {}, 1e-6 * at) for way, at in (("native", 100), ("clock", 25), ("python", 150))]
    told = said(spread(reading(bench, rows, {"hops": 1000})))
    assert told == [
        "A system call takes 100 ns (…), a look at the clock, which needs none, 25.0 ns (…).",
        "From Python the same system call takes 150 ns (…), 1.50× slower than from machine code (…).",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(reading(bench, rows, {"hops": 1000})))))
