"""Our side of a comparison: calibrated, checked, and out of the tool's way."""

import numpy as np
import pytest

from hwbench.benches.stream import stream as bench_of_stream
from hwbench.crosscheck import our_side
from hwbench.crosscheck.our_side import Ours, WrongAnswer, calibrate
from hwbench.devices import cpu

VALUES = {"size": 2**20, "dtype": np.dtype("f8"), "threads": 1, "pages": "4K"}


def test_calibration_is_not_ended_by_one_slow_call():
    """A call that was disturbed does not pass for a long one."""
    slow = iter([5.0])
    assert calibrate(lambda n: next(slow, 1e-3 * n), 0.2) >= 100


def test_memory_goes_back_before_the_tool_s_turn(device, monkeypatch):
    """After a sample nothing idles, so that a tool's process may get the pages that ours had, and ours the tool's."""
    monkeypatch.setattr(cpu, "LENT", 4096)
    ours = Ours(device, bench_of_stream.copy_bench, "simd", VALUES, 0.001)
    for _ in range(2):
        assert ours() > 0
        assert device._pool.idle == 0


def test_every_sample_is_checked(device, monkeypatch):
    """A kernel that answers wrongly has no time, and its memory is given back all the same."""
    ours = Ours(device, bench_of_stream.copy_bench, "simd", VALUES, 0.001)
    monkeypatch.setattr(our_side, "mismatch", lambda *_: "differs from the reference")
    with pytest.raises(WrongAnswer, match=r"stream\.copy/simd differs from the reference"):
        ours()
    assert device._pool.idle == 0


def test_a_sample_may_be_the_best_of_single_calls(device, monkeypatch):
    """As that of a tool which reports its best; nothing is calibrated then."""
    ours = Ours(device, bench_of_stream.copy_bench, "simd", VALUES, 0.001, best_of=3)
    times = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(device, "time", lambda work, loops: next(times) * loops)
    assert ours() == 1.0
    assert ours.loops == 0
