"""Why there is no GPU to measure on, and what to do about it.

A missing driver, one too old for the CUDA that CuPy was built for, a GPU hidden by an environment variable and a
missing package all look alike to `cupy.cuda.is_available()`. Each has its own remedy, so each has its own state.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..record.installing import GPU, INSTALL_CUPY, INSTALL_OPENCL, command
from ..record.reasons import Reason, because

Cupy: TypeAlias = Any
"""CuPy, or a part of it: it ships no types."""

# The code of a skipped case, by what was found.
CODES = {
    "no-cupy": "needs_cupy", "broken-cupy": "needs_cupy", "no-nvrtc": "needs_cupy", "no-driver": "needs_gpu",
    "old-driver": "needs_driver", "driver-error": "needs_driver", "no-device": "gpu_hidden", "old-gpu": "gpu_too_old",
    "rocm": "gpu_rocm",
}  # fmt: skip
State = Literal[
    "ok", "no-cupy", "broken-cupy", "no-driver", "old-driver", "no-device", "driver-error", "no-nvrtc", "old-gpu",
    "rocm",
]  # fmt: skip

LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"

# cudaError_t and cudaDeviceAttr of CUDA's runtime API, driver_types.h.
INSUFFICIENT_DRIVER = 35
REFUSALS: dict[object, str] = {
    2: "another process holds its memory: nvidia-smi shows which; stop it or choose another card",
    46: "another process has it to itself: stop that, or sudo nvidia-smi -c DEFAULT where it is in exclusive mode",
    101: "compare CUDA_VISIBLE_DEVICES with nvidia-smi -L",
    802: "the system is not ready: start nvidia-fabricmanager (machines with NVSwitch)",
}
ROCM_WHEELS = ("cupy-rocm-7-0", "cupy-rocm-5-0", "cupy-rocm-4-3")
WHEELS = ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x", *ROCM_WHEELS)
AMD = Path("/dev/kfd")  # what the Linux driver of AMD's GPUs is asked for work by
BY_OPENCL = f"AMD's GPUs are measured by OpenCL: {INSTALL_OPENCL}, install ROCm's driver, then --device opencl"
NO_DEVICE = 100
MAJOR, MINOR = 75, 76


@dataclass(frozen=True)
class Gpus:
    """What was found: `count` GPUs where the state is ok, else why none can be used and what to do about it.

    Where some can be used, `unusable` says of each other, by its number, why not.
    """

    state: State
    reason: str = ""
    remedy: str = ""
    count: int = 0
    unusable: Mapping[int, Reason] = field(default_factory=dict)

    @property
    def why(self) -> str:
        """Reason and remedy in one line; "" where GPUs can be used."""
        return "; ".join(filter(None, [self.reason, self.remedy]))

    @property
    def because(self) -> Reason:
        """The reason of each case that it skips."""
        return because(CODES[self.state], self.why)


def probe() -> Gpus:
    """Look for GPUs that can be measured on. Never raises, and imports CuPy only where it is installed."""
    if util.find_spec("cupy") is None:
        return _without_cupy(driver_cuda())
    if len(wheels := cupy_wheels()) > 1:
        return Gpus(
            "broken-cupy",
            f"{' and '.join(wheels)} are installed, and overwrite each other's files",
            f"python -m pip uninstall {' '.join(wheels)}, then {INSTALL_CUPY}",
        )
    try:
        import cupy
    except Exception as error:  # noqa: BLE001 - a half-installed CuPy may raise anything
        return Gpus(
            "broken-cupy",
            f"CuPy is installed but cannot be imported ({_line(error)})",
            f"uninstall every cupy package (pip list shows them), then {INSTALL_CUPY}",
        )
    if getattr(cupy.cuda.runtime, "is_hip", False):
        return Gpus("rocm", "CuPy is built for ROCm, and hwbench's kernels are CUDA C++ alone", BY_OPENCL)
    return _with_cupy(cupy)


def cupy_wheels() -> list[str]:
    """The distributions installed that bring a `cupy`."""
    found = []
    for name in WHEELS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            metadata.distribution(name)
            found.append(name)
    return found


def refusal(error: Exception) -> str:
    """Why a GPU that is there cannot be taken, and what to do about it, in one line."""
    remedy = REFUSALS.get(getattr(error, "status", None), "")
    return "; ".join(filter(None, [_line(error), remedy]))


def driver_cuda() -> tuple[int, int] | None:
    """The newest CUDA (major, minor) that the NVIDIA driver here supports, asked without CuPy; None: no driver."""
    try:
        library = ctypes.CDLL(LIBRARY)
        version = ctypes.c_int()
        if library.cuDriverGetVersion(ctypes.byref(version)):
            return None
    except (OSError, AttributeError):
        return None
    return _version(version.value)


def extra_for(driver: tuple[int, int]) -> str | None:
    """The extra to install for a driver that supports this CUDA; None where it is too old for all of them."""
    return next((extra for major, (extra, _) in GPU.items() if driver[0] >= major), None)


def _without_cupy(driver: tuple[int, int] | None) -> Gpus:
    if driver is None and AMD.exists():
        return Gpus("no-driver", "no NVIDIA driver was found; there is a driver of AMD's", BY_OPENCL)
    if driver is None:
        return Gpus(
            "no-driver",
            "no NVIDIA driver was found, and CuPy is not installed",
            f"on a machine with an NVIDIA GPU install its driver, then {INSTALL_CUPY}",
        )
    reason = f"CuPy is not installed (the NVIDIA driver here supports CUDA {_dotted(driver)})"
    extra = extra_for(driver)
    if extra is None:
        return Gpus("no-cupy", reason, _newer_driver())
    return Gpus("no-cupy", reason, command(extra))


def _with_cupy(cupy: Cupy) -> Gpus:
    runtime = cupy.cuda.runtime
    try:
        count = int(runtime.getDeviceCount())
    except Exception as error:  # noqa: BLE001 - CUDARuntimeError, or a library that CuPy cannot load
        return _no_count(runtime, error)
    if not count:
        return _nothing_visible()
    try:
        cupy.cuda.nvrtc.getVersion()
    except Exception as error:  # noqa: BLE001 - RuntimeError, OSError or an NVRTCError, depending on the loader
        major = int(runtime.runtimeGetVersion()) // 1000
        return Gpus(
            "no-nvrtc",
            f"NVRTC, CUDA's run-time compiler, cannot be loaded ({_line(error)})",
            f"{command(GPU.get(major, GPU[13])[0])} (brings NVRTC)",
        )
    return _compilable(cupy, count)


def _no_count(runtime: Cupy, error: Exception) -> Gpus:
    """Why the GPUs could not be counted; `status` is the cudaError_t of a CUDARuntimeError."""
    status = getattr(error, "status", None)
    if status == INSUFFICIENT_DRIVER:
        supported = int(runtime.driverGetVersion())
        if not supported:
            return Gpus(
                "no-driver",
                "no NVIDIA driver was found",
                "on a machine with an NVIDIA GPU install its driver; to a container hand the GPU (docker --gpus all)",
            )
        return _old_driver(_version(supported), _version(int(runtime.runtimeGetVersion())))
    if status == NO_DEVICE:
        return _nothing_visible()
    return Gpus(
        "driver-error",
        f"the NVIDIA driver refuses ({_line(error)})",
        "see that nvidia-smi works; after an update of the driver restart the machine",
    )


def _old_driver(supported: tuple[int, int], wanted: tuple[int, int]) -> Gpus:
    # Within a generation of CUDA an older driver serves a newer runtime; where it does not, the whole version counts.
    needs = str(wanted[0]) if supported[0] < wanted[0] else _dotted(wanted)
    reason = f"the NVIDIA driver supports CUDA {_dotted(supported)}, the installed CuPy needs CUDA {needs}"
    extra = extra_for(supported)
    first = GPU.get(wanted[0], GPU[13])[1]
    if supported[0] >= wanted[0]:
        return Gpus("old-driver", reason, "update the driver")
    if extra is None:
        return Gpus("old-driver", reason, _newer_driver())
    swap = f"python -m pip uninstall cupy-cuda{wanted[0]}x, then {command(extra)}"
    return Gpus("old-driver", reason, f"update the driver to {first} or later, or: {swap}")


def _nothing_visible() -> Gpus:
    return Gpus(
        "no-device",
        "the NVIDIA driver shows no GPU to this process",
        "see that nvidia-smi lists one, and what CUDA_VISIBLE_DEVICES hides",
    )


def _compilable(cupy: Cupy, count: int) -> Gpus:
    """The GPUs for which NVRTC makes code: CUDA 13 has dropped Maxwell, Pascal and Volta."""
    try:
        known = [int(arch) for arch in cupy.cuda.nvrtc.getSupportedArchs()]
        ask = cupy.cuda.runtime.deviceGetAttribute
        has = [10 * ask(MAJOR, index) + ask(MINOR, index) for index in range(count)]
    except Exception as error:  # noqa: BLE001 - whatever the driver raises on its own device
        return Gpus("driver-error", f"the NVIDIA driver refuses ({_line(error)})", "see that nvidia-smi works")
    least = min(known, default=0)
    old = {index: _old_gpu(own, least) for index, own in enumerate(has) if own < least}
    if len(old) == count:
        return old[has.index(max(has))]
    return Gpus("ok", count=count, unusable={index: one.because for index, one in old.items()})


def _old_gpu(own: int, least: int) -> Gpus:
    return Gpus(
        "old-gpu",
        f"the GPU has compute capability {_capability(own)}; "
        f"the installed CUDA compiles for {_capability(least)} and later",
        f"uninstall cupy-cuda13x, then {command('gpu-cuda12')}",
    )


def _capability(capability: int) -> str:
    """`8.6` for 86."""
    return f"{capability // 10}.{capability % 10}"


def _newer_driver() -> str:
    return f"install an NVIDIA driver >= {GPU[13][1]} (or >= {GPU[12][1]} for CUDA 12)"


def _version(number: int) -> tuple[int, int]:
    """CUDA writes 12.9 as 12090."""
    return number // 1000, number % 1000 // 10


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _line(error: Exception) -> str:
    """The first line of what an exception says, with its type where it says nothing."""
    text = next(iter(str(error).strip().splitlines()), "")
    return text or type(error).__name__
