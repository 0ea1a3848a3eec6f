"""The NVIDIA driver's readings of a GPU at work: clocks, power, temperature, throttling, the PCIe link.

Nothing is set: clocks, power limits, persistence and MIG stay as they are. What a card or driver does not report is
absent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from ..record.model import JsonObject

Pynvml: TypeAlias = Any
"""Something of pynvml's, which ships no types: itself, a card's handle, an answer."""

# nvml.h, nvmlClocksEventReasons: what slows the card down, grouped by remedy.
THROTTLES = {
    "power": 0x04 | 0x80,  # the power cap, and the power brake of the system
    "thermal": 0x20 | 0x40,  # too hot, by software and by hardware
    "hardware": 0x08,  # the hardware slowed the clock down for any reason
}
LOCKED = 0x02  # the same: clocks that a user has set
COMPUTE_MODES = ("default", "exclusive thread", "prohibited", "exclusive process")  # nvmlComputeMode_t
VIRTUAL = ("none", "passthrough", "vGPU", "vGPU host", "vSGA host")  # nvmlGpuVirtualizationMode_t
SLOW_S = 1.0  # what changes slowly is asked for no more often: an answer takes up to milliseconds


class Nvml:
    """NVML's readings of one GPU, found by its PCI address: CUDA may number the cards in another order.

    Readings that the package, the library or the card does not give are absent.
    """

    def __init__(self, pci: str) -> None:
        self._handle: Pynvml = None
        self._slow: dict[str, float] = {}
        self._slow_at = -SLOW_S
        try:
            import pynvml
        except ImportError:
            self._nvml: Pynvml = None
            return
        self._nvml = pynvml
        try:
            pynvml.nvmlInit()
            self._handle = pynvml.nvmlDeviceGetHandleByPciBusId(pci)
        except pynvml.NVMLError:
            self._handle = None

    def readings(self) -> dict[str, float]:
        """Throttling (0 or 1) and clock (Hz) of this moment; of a second ago at most: memory clock, W, °C, the link.

        What slows the card down is asked first, while it is at work for certain.
        """
        nvml = self._nvml
        if self._handle is None:
            return {}
        bits = self._ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons)
        clock = self._ask(lambda handle: 1e6 * nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM))
        found = {} if clock is None else {"gpu_clock_hz": float(clock)}
        if bits is not None:
            found |= {f"gpu_throttle_{name}": float(bool(int(bits) & mask)) for name, mask in THROTTLES.items()}
        if time.monotonic() - self._slow_at >= SLOW_S:
            self._slow, self._slow_at = self._slowly(), time.monotonic()
        return found | self._slow

    def _slowly(self) -> dict[str, float]:
        """What changes slowly."""
        nvml = self._nvml
        found = {
            "gpu_memory_clock_hz": self._ask(
                lambda handle: 1e6 * nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)
            ),
            "gpu_power_w": self._ask(lambda handle: 1e-3 * nvml.nvmlDeviceGetPowerUsage(handle)),
            "gpu_temperature_c": self._ask(
                lambda handle: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)
            ),
            "gpu_pcie_gen": self._ask(nvml.nvmlDeviceGetCurrPcieLinkGeneration),
            "gpu_pcie_width": self._ask(nvml.nvmlDeviceGetCurrPcieLinkWidth),
        }
        return {name: float(value) for name, value in found.items() if value is not None}

    def power_w(self) -> float | None:
        """Watts of this moment."""
        told = self._ask(lambda handle: 1e-3 * self._nvml.nvmlDeviceGetPowerUsage(handle))
        return None if told is None else float(told)

    def state(self) -> JsonObject:
        """How the card is set up, and how many other processes use it."""
        nvml = self._nvml
        if self._handle is None:
            return {}

        def processes(handle: Pynvml) -> int:
            # Numbers of processes are the host's, which a container does not know its own by: one of them is this one.
            return max(0, len(nvml.nvmlDeviceGetComputeRunningProcesses(handle)) - 1)

        found: JsonObject = {
            "power_limit_w": self._ask(lambda handle: 1e-3 * nvml.nvmlDeviceGetEnforcedPowerLimit(handle)),
            "power_default_w": self._ask(lambda handle: 1e-3 * nvml.nvmlDeviceGetPowerManagementDefaultLimit(handle)),
            "ecc": self._ask(lambda handle: bool(nvml.nvmlDeviceGetEccMode(handle)[0])),
            "mig": self._ask(lambda handle: bool(nvml.nvmlDeviceGetMigMode(handle)[0])),
            "compute_mode": self._ask(lambda handle: COMPUTE_MODES[nvml.nvmlDeviceGetComputeMode(handle)]),
            "virtual": self._ask(lambda handle: VIRTUAL[nvml.nvmlDeviceGetVirtualizationMode(handle)]),
            "persistence": self._ask(lambda handle: bool(nvml.nvmlDeviceGetPersistenceMode(handle))),
            "clock_locked": self._ask(
                lambda handle: bool(int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)) & LOCKED)
            ),
            "processes": self._ask(processes),
            "vbios": self._ask(lambda handle: _text(nvml.nvmlDeviceGetVbiosVersion(handle))),
        }
        return {name: value for name, value in found.items() if value is not None}

    def max_clock_hz(self) -> float | None:
        """The highest SM clock that the card may run at."""
        nvml = self._nvml
        told = self._ask(lambda handle: 1e6 * nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM))
        return None if told is None else float(told)

    def driver(self) -> str | None:
        """The driver's version, `580.65.06`."""
        told = self._ask(lambda _: self._nvml.nvmlSystemGetDriverVersion())
        return None if told is None else _text(told)

    def link(self) -> dict[str, int]:
        """The PCIe link: the generation and width that card and slot can have, and those of this moment.

        An idle link rests at generation 1; what it has under load is in the telemetry of each record.
        """
        nvml = self._nvml
        if self._handle is None:
            return {}
        found = {
            "generation": self._ask(nvml.nvmlDeviceGetCurrPcieLinkGeneration),
            "width": self._ask(nvml.nvmlDeviceGetCurrPcieLinkWidth),
            "max_generation": self._ask(nvml.nvmlDeviceGetMaxPcieLinkGeneration),
            "max_width": self._ask(nvml.nvmlDeviceGetMaxPcieLinkWidth),
        }
        return {name: int(value) for name, value in found.items() if value is not None}

    def _ask(self, question: Callable[[Pynvml], Pynvml]) -> Pynvml:
        """The answer, or None where this card does not know."""
        if self._handle is None:
            return None
        try:
            return question(self._handle)
        except (self._nvml.NVMLError, AttributeError, IndexError):  # an older pynvml, a newer driver's number
            return None


def _text(told: bytes | str) -> str:
    return told.decode() if isinstance(told, bytes) else str(told)
