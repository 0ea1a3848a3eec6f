"""What NVML tells of a card, and what is absent where it does not."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from doubles.fake_cupy import FakeNvml, install
from hwbench.devices import nvml as readings


@pytest.fixture
def device(gpu_device):
    """The device on the made-up GPU."""
    return gpu_device


@pytest.mark.parametrize(
    ("bits", "name"), [(0x04, "power"), (0x80, "power"), (0x20, "thermal"), (0x40, "thermal"), (0x08, "hardware")]
)
def test_throttle_reasons_are_told_apart(device, nvml, bits, name):
    """By what is to be done about them; idling and applications' own clocks are none."""
    nvml.values["throttle"] = bits | 0x1 | 0x2
    told = {key: value for key, value in device.gauges().items() if "throttle" in key}
    assert told == {f"gpu_throttle_{one}": float(one == name) for one in ("power", "thermal", "hardware")}


def test_what_the_card_does_not_tell_is_absent(device, nvml):
    """No zero stands for it."""
    nvml.values |= {"power": None, "throttle": None, "generation": None}
    assert set(device.gauges()) == {
        "gpu_clock_hz", "gpu_memory_clock_hz", "gpu_temperature_c", "gpu_pcie_width", "gpu_clock_limit_hz"
    }  # fmt: skip


def test_what_changes_slowly_is_asked_for_once_a_second_and_what_slows_down_first(device, nvml, monkeypatch):
    """Seven answers of a millisecond each, round by round, would be a minute of a run."""
    asked, now = [], [100.0]
    monkeypatch.setattr(readings.time, "monotonic", lambda: now[0])
    tell = nvml._tell
    monkeypatch.setattr(nvml, "_tell", lambda name: asked.append(name) or tell(name))
    device.nvml._slow_at = 0.0
    assert device.readings()["gpu_power_w"] == 350.0
    assert asked[:2] == ["throttle", "clock"]
    assert set(asked) == {"throttle", "clock", "power", "temperature", "generation", "width"}
    asked.clear()
    nvml.values["power"] = 500_000
    now[0] += 0.5
    assert device.readings()["gpu_power_w"] == 350.0
    assert asked == ["throttle", "clock"]
    now[0] += 0.6
    assert device.readings()["gpu_power_w"] == 500.0
    assert device.nvml.power_w() == 500.0


@pytest.mark.parametrize("broken", [None, FakeNvml(init=None)])
def test_without_nvml_there_is_a_device_and_no_telemetry(gpu, monkeypatch, tmp_path, broken):
    """The package missing, or its library: figures without clocks; the clock's limit is the driver's word."""
    install(monkeypatch, gpu, broken)
    from hwbench.devices.gpu import GpuDevice

    device = GpuDevice(0, root=tmp_path)
    assert device.gauges() == {}
    assert device.properties.clock_hz == 1980e6
    assert device.describe().driver is None
    device.settle(0.0)


@pytest.mark.skipif(importlib.util.find_spec("pynvml") is None, reason="needs nvidia-ml-py (tox -e gpu)")
def test_the_real_nvml_has_every_name_that_is_asked_for():
    """As above, for what is read of a card."""
    import pynvml

    source = Path(readings.__file__).read_text()
    used = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    used = {name for name in used if name.lower().startswith("nvml") and name != "nvml"}
    assert len(used) > 10
    assert all(hasattr(pynvml, name) for name in used)
