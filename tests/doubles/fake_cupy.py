"""A GPU on a scripted clock behind the part of CuPy's interface that the device uses, and NVML beside it.

Host and GPU have a time line each. Queueing an entry takes the host `launch_s`; on the GPU an entry begins when its
stream, the events it waits for and its own queueing allow, and lasts what the script says. Nothing runs before somebody
synchronises, as nothing is seen of a real GPU before. Device memory is host memory, so copies really copy, and what
CuPy computes is computed by NumPy; kernels compute nothing, but their launches are held against what they declare.
"""

from __future__ import annotations

import ctypes
import functools
import re
import shutil
import subprocess
import sys
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from hwbench import devices

DEPTH = 1024  # entries that a real queue holds


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int, text: str = "cudaErrorScripted: as the script says") -> None:
        super().__init__(text)
        self.status = status


@functools.cache
def signatures(code: str) -> dict[str, list[str]]:
    """The parameters' types of every kernel in CUDA C++, as g++'s preprocessor writes it; {} without g++."""
    if shutil.which("g++") is None:
        return {}
    plain = re.sub(r"^\s*#\s*include.*$", "", code, flags=re.MULTILINE)
    command = ["g++", "-E", "-P", "-x", "c++", "-D__CUDACC__", "-D__CUDA_ARCH__=900", "-"]
    text = subprocess.run(command, input=plain, capture_output=True, text=True, check=True).stdout
    form = r'extern "C" __global__ void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(([^)]*)\)'
    return {
        name: [re.sub(r"\bconst\b|\bvolatile\b|\b__restrict__\b|\w+\s*$", "", one).strip() for one in given.split(",")]
        for name, given in re.findall(form, text)
    }


# What CuPy passes for each type of a parameter: bytes, and whether they are those of a float.
PASSED = {
    "int": (4, False), "unsigned": (4, False), "unsigned int": (4, False), "long long": (8, False),
    "unsigned long long": (8, False), "float": (4, True), "double": (8, True), "__half2": (4, False),
    "half2": (4, False),
}  # fmt: skip


def refuse_arguments(name: str, types: list[str], args: tuple[Any, ...]) -> None:
    """TypeError where the arguments of a launch are not of the number and types that the kernel declares."""
    if len(args) != len(types):
        raise TypeError(f"{name} takes {len(types)} arguments, {len(args)} were given")
    for place, (wanted, given) in enumerate(zip(types, args, strict=True)):
        if "*" in wanted:
            if not isinstance(given, ndarray) and not (isinstance(given, np.generic) and given.itemsize == 8):
                raise TypeError(f"{name}: argument {place} is to be an address, not {type(given).__name__}")
            continue
        got = (getattr(given, "itemsize", 0), isinstance(given, np.floating))
        if isinstance(given, np.ndarray) or got != PASSED.get(wanted, got):
            raise TypeError(f"{name}: argument {place} is to be {wanted}, not {type(given).__name__}")


class FakeGpu:
    """The script and the log of one made-up machine.

    `kernels` gives seconds by kernel name; `memset_bytes_s` and `copy_bytes_s` are rates. `log` lists what ran, in
    order, as (name, start, end, stream) and `fullest` the most entries that were queued behind a closed gate.
    """

    def __init__(self, kernels: Mapping[str, float] | None = None, count: int = 1) -> None:
        self.kernels = {"burn": 0.05, **(kernels or {})}
        self.sm_hz = 0.0  # what stamps tell of the clock; 0: nothing
        self.launch_s = 3e-6
        self.memset_bytes_s = self.copy_bytes_s = 1e9
        self.count = count
        self.now = 0.0
        self.pending: list[tuple[Any, ...]] = []
        self.log: list[tuple[str, float, float, int]] = []
        self.free_at: dict[int, float] = {}
        self.closed = False
        self.behind = self.fullest = 0
        self.current = 0
        self.stream: Any = types.SimpleNamespace(ptr=0)  # the default one
        self.name = b"NVIDIA H100 80GB HBM3"
        self.freed_pool = self.freed_pinned = 0
        self.attributes = {
            10: 32, 13: 1_980_000, 16: 132, 36: 2_619_000, 37: 5120, 38: 50 * 2**20, 39: 2048, 40: 3, 75: 9, 76: 0,
            81: 233_472, 82: 65_536, 83: 1, 89: 1, 91: 1, 95: 1, 97: 232_448, 99: 1,
        }  # fmt: skip
        self.free, self.total = 70 * 2**30, 80 * 2**30
        self.registered: list[int] = []
        self.launched: set[str] = set()
        self.peers, self.enabled = True, set[tuple[int, int]]()  # whether GPUs reach each other, and who has asked to

    # --- the two time lines ---------------------------------------------------------------------------------------

    def queue(self, name: str, stream: int, seconds: float = 0.0, event: Any = None, gate: Any = None) -> None:
        if gate is not None:
            self.closed, self.behind = True, 0
        elif self.closed:
            self.behind += 1
            self.fullest = max(self.fullest, self.behind)
            if self.behind > DEPTH:
                raise RuntimeError("the host waits for room in the queue, and the queue for the host")
        self.now += self.launch_s
        self.pending.append((name, stream, self.now, seconds, event, gate))

    def synchronize(self) -> None:
        self.closed = False
        for name, stream, queued, seconds, event, gate in self.pending:
            start = max(self.free_at.get(stream, 0.0), queued)
            end = start + seconds
            if name == "wait":
                end = max(start, event.time)
            elif name == "record":
                event.time = end
            elif name == "stamp" and self.sm_hz:
                event[:] = int(1e9 * end), int(self.sm_hz * end), 0
            elif gate is not None:
                flag, ticket, limit = gate
                end = self.now if flag[0] == ticket else float("inf")
                if end - start > limit:
                    end = start + limit
                    flag[1] = ticket
            self.free_at[stream] = end
            self.log.append((name, start, end, stream))
        self.pending.clear()
        self.now = max([self.now, *self.free_at.values()])

    def ran(self, name: str) -> list[tuple[str, float, float, int]]:
        return [entry for entry in self.log if entry[0] == name]

    # --- the modules ----------------------------------------------------------------------------------------------

    def cupy(self) -> types.ModuleType:
        return _module(self)


class FakeNvml(types.ModuleType):
    """pynvml with scripted readings; what is None the card does not tell."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    class NVMLError(Exception):
        pass

    def __init__(self, **values: Any) -> None:
        super().__init__("pynvml")
        self.values = {
            "clock": {1: 1980, 2: 2619}, "limit": 1980, "power": 350_000, "temperature": 55, "throttle": 0,
            "generation": 5, "width": 16, "driver": "580.65.06", "init": True, "power_limit": 700_000,
            "power_default": 700_000, "ecc": [1, 1], "mig": [0, 0], "mode": 0, "virtual": 0, "persistence": 1,
            "processes": ["this"], "vbios": "96.00.74.00.01",
        } | values  # fmt: skip
        self.reads = 0

    def _tell(self, name: str) -> Any:
        if self.values[name] is None:
            raise self.NVMLError("Not Supported")
        return self.values[name]

    def nvmlInit(self) -> None:
        self._tell("init")

    def nvmlDeviceGetHandleByPciBusId(self, pci: str) -> str:
        return pci

    def nvmlDeviceGetClockInfo(self, handle: str, which: int) -> int:
        self.reads += which == self.NVML_CLOCK_SM
        clock = self._tell("clock")[which]
        return clock() if callable(clock) else clock

    def nvmlDeviceGetMaxClockInfo(self, handle: str, which: int) -> int:
        return self._tell("limit")

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:
        return self._tell("power")

    def nvmlDeviceGetTemperature(self, handle: str, which: int) -> int:
        return self._tell("temperature")

    def nvmlDeviceGetCurrPcieLinkGeneration(self, handle: str) -> int:
        return self._tell("generation")

    def nvmlDeviceGetCurrPcieLinkWidth(self, handle: str) -> int:
        return self._tell("width")

    nvmlDeviceGetMaxPcieLinkGeneration = nvmlDeviceGetCurrPcieLinkGeneration
    nvmlDeviceGetMaxPcieLinkWidth = nvmlDeviceGetCurrPcieLinkWidth

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> int:
        return self._tell("throttle")

    def nvmlSystemGetDriverVersion(self) -> str:
        return self._tell("driver")

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: str) -> int:
        return self._tell("power_limit")

    def nvmlDeviceGetPowerManagementDefaultLimit(self, handle: str) -> int:
        return self._tell("power_default")

    def nvmlDeviceGetEccMode(self, handle: str) -> list[int]:
        return self._tell("ecc")

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:
        return self._tell("mig")

    def nvmlDeviceGetComputeMode(self, handle: str) -> int:
        return self._tell("mode")

    def nvmlDeviceGetVirtualizationMode(self, handle: str) -> int:
        return self._tell("virtual")

    def nvmlDeviceGetPersistenceMode(self, handle: str) -> int:
        return self._tell("persistence")

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[str]:
        return self._tell("processes")

    def nvmlDeviceGetVbiosVersion(self, handle: str) -> str:
        return self._tell("vbios")


class Memory:
    """Bytes with an address, whoever is said to own them."""

    def __init__(self, size: int, flags: int = 0) -> None:
        self.buffer = np.zeros(size, np.uint8)  # zeroed by the system, page by page, as they are touched
        self.ptr = self.buffer.ctypes.data
        self.flags = flags


class MemoryPointer:
    def __init__(self, memory: Memory, offset: int) -> None:
        self.mem, self.ptr = memory, memory.ptr + offset


class ndarray(np.ndarray):
    """A NumPy array with a device address."""

    def __new__(cls, shape: Any, dtype: Any = float, memptr: Any = None) -> ndarray:
        return super().__new__(cls, shape, dtype=dtype, buffer=memptr.mem.buffer)

    @property
    def data(self) -> Any:  # type: ignore[override]
        return types.SimpleNamespace(ptr=self.ctypes.data)

    def get(self, out: Any = None, **_: Any) -> Any:
        if out is None:
            return np.array(self, subok=False)
        out[...] = self
        return out

    def set(self, source: Any, **_: Any) -> None:
        self[...] = source


def on_device(source: Any) -> ndarray:
    host = np.asarray(source)
    there = ndarray(host.shape, host.dtype, MemoryPointer(Memory(max(1, host.nbytes)), 0))
    there[...] = host
    return there


def _module(gpu: FakeGpu) -> types.ModuleType:
    class Device:
        def __init__(self, index: int = 0) -> None:
            self.id = index

        def use(self) -> None:
            gpu.current = self.id

        def __enter__(self) -> Device:
            self.before, gpu.current = gpu.current, self.id
            return self

        def __exit__(self, *_: object) -> None:
            gpu.current = self.before

        def synchronize(self) -> None:
            gpu.synchronize()

    class Stream:
        made = 0

        def __init__(self, *, non_blocking: bool = False) -> None:
            assert non_blocking, "a blocking stream waits for the default one"
            Stream.made += 1
            self.ptr = Stream.made

        def __enter__(self) -> Stream:
            self.before, gpu.stream = gpu.stream, self
            return self

        def __exit__(self, *_: object) -> None:
            gpu.stream = self.before

        def wait_event(self, event: Any) -> None:
            gpu.queue("wait", self.ptr, event=event)

        def synchronize(self) -> None:
            gpu.synchronize()

    class Event:
        def __init__(self, *, disable_timing: bool = False) -> None:
            self.time = float("nan")

        def record(self, stream: Any) -> None:
            gpu.queue("record", stream.ptr, event=self)

        def synchronize(self) -> None:
            gpu.synchronize()

        @property
        def done(self) -> bool:
            return not gpu.pending

    class Function:
        ptr = 1

        def __init__(self, name: str, types: list[str] | None) -> None:
            self.name, self.types = name, types

        def __call__(self, grid, block, args, shared_mem=0, stream=None, enable_cooperative_groups=False) -> None:
            assert isinstance(grid, tuple)
            assert isinstance(block, tuple)
            assert all(isinstance(one, np.generic | np.ndarray) for one in args), "a scalar of no exact type"
            if self.types is not None:
                refuse_arguments(self.name, self.types, args)
            gpu.launched.add(self.name)
            where = (stream or gpu.stream).ptr
            if self.name == "gate":
                flag = np.ctypeslib.as_array((ctypes.c_uint32 * 2).from_address(int(args[0])))
                gpu.queue("gate", where, gate=(flag, int(args[1]), int(args[2]) * 1e-9))
            elif self.name == "stamp":
                gpu.queue(
                    "stamp",
                    where,
                    gpu.kernels.get("stamp", 0.0),
                    event=np.ctypeslib.as_array((ctypes.c_uint64 * 3).from_address(int(args[0]))),
                )
            else:
                gpu.queue(self.name, where, gpu.kernels[self.name])

    class RawKernel:
        num_regs, local_size_bytes, shared_size_bytes, max_threads_per_block = 32, 0, 1024, 1024
        max_dynamic_shared_size_bytes = 48 * 1024

        def __init__(self, name: str, types: list[str] | None = None) -> None:
            self.kernel = Function(name, types)

    class RawModule:
        def __init__(self, *, code: str, options: tuple[str, ...] = ()) -> None:
            self.code, self.options = code, options

        def get_function(self, name: str) -> RawKernel:
            known = signatures(self.code)
            if name not in known and f"{name}(" not in self.code:
                raise CUDARuntimeError(500, f"CUDA_ERROR_NOT_FOUND: named symbol not found: {name}")
            return RawKernel(name, known.get(name))

    def device_count() -> int:
        if isinstance(gpu.count, Exception):
            raise gpu.count
        return gpu.count

    def copy(dst: int, src: int, size: int) -> None:
        ctypes.memmove(dst, src, size)

    def copy_async(dst: int, src: int, size: int, kind: int, stream: int) -> None:
        copy(dst, src, size)
        gpu.queue("copy", stream, size / gpu.copy_bytes_s)

    def copy_peer(dst: int, target: int, src: int, source: int, size: int, stream: int) -> None:
        copy(dst, src, size)
        gpu.queue(f"copy {source} to {target}", stream, size / gpu.copy_bytes_s)

    def prefetch(ptr: int, size: int, device: int, stream: int) -> None:
        gpu.queue(f"prefetch to {device}", stream, size / gpu.copy_bytes_s)

    def enable_peer(device: int) -> None:
        assert gpu.peers, "no access to ask for"
        if (gpu.current, device) in gpu.enabled:
            raise CUDARuntimeError(704, "cudaErrorPeerAccessAlreadyEnabled: peer access is already enabled")
        gpu.enabled.add((gpu.current, device))

    def memset_async(ptr: int, value: int, size: int, stream: int) -> None:
        ctypes.memset(ptr, value, size)
        gpu.queue("memset", stream, size / gpu.memset_bytes_s)

    def register(ptr: int, size: int, flags: int) -> None:
        assert ptr % 4096 == 0, "CUDA registers whole pages"
        gpu.registered.append(ptr)

    cupy = types.ModuleType("cupy")
    cupy.__version__ = "14.2.0"  # type: ignore[attr-defined]
    cupy.__getattr__ = lambda name: getattr(np, name)  # type: ignore[method-assign]
    parts: dict[str, Any] = {
        "ndarray": ndarray, "asnumpy": lambda array, **_: np.array(array, subok=False), "RawModule": RawModule,
        "asarray": lambda source, **_: source if isinstance(source, ndarray) else on_device(source),
        "get_default_memory_pool": lambda: types.SimpleNamespace(
            free_all_blocks=lambda: setattr(gpu, "freed_pool", gpu.freed_pool + 1)
        ),
        "get_default_pinned_memory_pool": lambda: types.SimpleNamespace(
            free_all_blocks=lambda: setattr(gpu, "freed_pinned", gpu.freed_pinned + 1)
        ),
        "cuda": types.SimpleNamespace(
            Device=Device, Stream=Stream, Event=Event, Memory=Memory, PinnedMemory=Memory, ManagedMemory=Memory,
            MemoryPointer=MemoryPointer, device=types.SimpleNamespace(get_cublas_handle=lambda: 1),
            get_elapsed_time=lambda start, stop: 1e3 * (stop.time - start.time),
            nvrtc=types.SimpleNamespace(getVersion=lambda: (13, 0), getSupportedArchs=lambda: (75, 80, 90, 100, 120)),
            driver=types.SimpleNamespace(occupancyMaxActiveBlocksPerMultiprocessor=lambda ptr, block, shared: 4),
            runtime=types.SimpleNamespace(
                CUDARuntimeError=CUDARuntimeError, getDeviceCount=device_count, driverGetVersion=lambda: 13000,
                runtimeGetVersion=lambda: 13020, deviceGetAttribute=lambda which, index: gpu.attributes[which],
                getDeviceProperties=lambda index: {"name": gpu.name, "uuid": bytes([index, *range(15)])},
                deviceGetPCIBusId=lambda index: f"0000:0{index + 1}:00.0", memGetInfo=lambda: (gpu.free, gpu.total),
                memcpy=lambda dst, src, size, kind: copy(dst, src, size), memcpyAsync=copy_async,
                memcpyDefault=4, memcpyHostToDevice=1, hostAllocMapped=2, hostRegister=register,
                hostUnregister=gpu.registered.remove,
                memsetAsync=memset_async, memcpyPeerAsync=copy_peer, memPrefetchAsync=prefetch,
                deviceCanAccessPeer=lambda own, other: int(gpu.peers), deviceEnablePeerAccess=enable_peer,
            ),
        ),
    }  # fmt: skip
    for name, value in parts.items():
        setattr(cupy, name, value)
    return cupy


def install(monkeypatch: Any, gpu: FakeGpu, nvml: Any = None) -> None:
    """Put the made-up CuPy and NVML in the place of real ones, and import what uses them anew."""
    monkeypatch.setitem(sys.modules, "cupy", gpu.cupy())
    monkeypatch.setitem(sys.modules, "pynvml", nvml)  # None: it cannot be imported
    for name in ("gpu", "gpu_memory"):
        # Set first, so that what is imported meanwhile is gone again after the test.
        monkeypatch.setitem(sys.modules, f"hwbench.devices.{name}", None)
        monkeypatch.setattr(devices, name, None, raising=False)
        del sys.modules[f"hwbench.devices.{name}"]
        delattr(devices, name)
