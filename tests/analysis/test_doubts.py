"""The codes of reasons to doubt a record."""

import pytest

from doubles.scripted import record
from hwbench.analysis.doubts import CODES, codes
from hwbench.record import interference


@pytest.mark.parametrize(
    ("telemetry", "code"),
    [
        ({"wall_s": [1.0], "steal_s": [0.1]}, "steal"),
        ({"wall_s": [1.0], "others_s": [0.3]}, "other_processes"),
        ({"wall_s": [1.0], "throttled_s": [0.1]}, "quota"),
        ({"wall_s": [1.0], "clock_hz": [1e9, 1e9, 2e9, 2e9]}, "clock_drift"),
    ],
)
def test_what_disturbs_a_cpu_has_a_code(telemetry, code):
    """The reasons are those that measuring writes."""
    [reason] = interference.disturbed(telemetry)
    assert codes(record(status="suspect", reason=reason)) == [code]


@pytest.mark.parametrize(
    ("telemetry", "code"),
    [
        ({"gpu_throttle_power": [1.0]}, "gpu_power_cap"),
        ({"gpu_throttle_thermal": [1.0]}, "gpu_thermal"),
        ({"gpu_throttle_hardware": [1.0]}, "gpu_hw_slowdown"),
        ({"gpu_sm_clock_hz": [1e9, 1e9, 2e9, 2e9]}, "gpu_clock_drift"),
        ({"gpu_sm_clock_hz": [1e9] * 4, "gpu_clock_limit_hz": [2e9]}, "gpu_low_clock"),
        ({"gpu_gate_timeouts": [2.0]}, "gpu_gate"),
    ],
)
def test_what_disturbs_a_gpu_has_a_code(telemetry, code):
    """A power limit is no clock that drifts of itself."""
    [reason] = interference.disturbed_gpu(telemetry)
    assert codes(record(status="suspect", reason=reason)) == [code]


def test_each_code_stands_once_in_the_order_of_the_reasons():
    """Two heaps, moved CPUs, and something unknown; a record that is not suspect has none."""
    moved = interference.moved({"handover_s": [1e-8, 1e-8, 3e-8, 3e-8]})
    heaps = interference.shape([1.0] * 10 + [2.0] * 10)
    reason = f"{heaps}; {moved}; {heaps}; an eclipse"
    assert codes(record(status="suspect", reason=reason)) == ["bimodal", "cpus_moved", "suspect"]
    assert codes(record(status="skipped", samples=(), reason="needs two CPUs")) == codes(record()) == []
    assert len({code for _, code in CODES}) == len(CODES)
