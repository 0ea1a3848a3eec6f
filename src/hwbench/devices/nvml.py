"""The NVIDIA driver's readings of a GPU at work: clocks, power, temperature, throttling, the PCIe link.

Nothing is set: clocks, power limits, persistence and MIG stay as they are. What a card or driver does not report is
absent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Pynvml: TypeAlias = Any
"""Something of pynvml's, which ships no types: itself, a card's handle, an answer."""

# nvml.h, nvmlClocksEventReasons: what slows the card down, grouped by remedy.
THROTTLES = {
    "power": 0x04 | 0x80,  # the power cap, and the power brake of the system
    "thermal": 0x20 | 0x40,  # too hot, by software and by hardware
    "hardware": 0x08,  # the hardware slowed the clock down for any reason
}


class Nvml:
    """NVML's readings of one GPU, found by its PCI address: CUDA may number the cards in another order.

    Readings that the package, the library or the card does not give are absent.
    """

    def __init__(self, pci: str) -> None:
        self._handle: Pynvml = None
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
        """Clocks (Hz), power (W), temperature (°C), PCIe link and throttling (0 or 1) at this moment."""
        nvml = self._nvml
        if self._handle is None:
            return {}
        found = {
            "gpu_clock_hz": self._ask(lambda handle: 1e6 * nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
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
        bits = self._ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons)
        if bits is not None:
            found |= {f"gpu_throttle_{name}": float(bool(int(bits) & mask)) for name, mask in THROTTLES.items()}
        return {name: float(value) for name, value in found.items() if value is not None}

    def max_clock_hz(self) -> float | None:
        """The highest SM clock that the card may run at."""
        nvml = self._nvml
        told = self._ask(lambda handle: 1e6 * nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM))
        return None if told is None else float(told)

    def driver(self) -> str | None:
        """The driver's version, `580.65.06`."""
        told = self._ask(lambda _: self._nvml.nvmlSystemGetDriverVersion())
        return told.decode() if isinstance(told, bytes) else told

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
        except self._nvml.NVMLError:
            return None
