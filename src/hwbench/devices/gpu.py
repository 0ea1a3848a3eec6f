"""One NVIDIA GPU as a device: kernels, streams, memory, telemetry; gpu_timing.py has its clocks.

CuPy is imported here and in gpu_memory.py, nowhere else. Settings of the card are read, never changed.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import cupy
import numpy as np
import numpy.typing as npt

from ..bench import CUDA_SOURCES, Skip, Sweep, Work
from ..host.gpu_probe import Cupy
from ..host.pseudo_files import ROOT, cpu_list, number, read_text
from ..kernels import cuda, rocm
from ..protocols import Array, Call, DeviceArray, Dtype, Event, HostKind, Inputs, Shape, Stream, Values
from ..record import text, units
from ..record.model import GPU_LEVELS, Gpu, JsonObject, Scalar
from . import MEMORY_SHARE, AxisValue, cublas_lt
from . import gpu_memory as memory
from .cpu import CpuDevice, numpy_dtype
from .gpu_gate import Kernel
from .gpu_memory import PAGE, TILE, HostBuffer
from .gpu_peer import Peer
from .gpu_timing import Timing
from .nvml import Nvml

if TYPE_CHECKING:
    from .. import protocols

    Place: TypeAlias = int | protocols.HostBuffer | DeviceArray

HBM_FACTOR = 16  # × L2: at most a sixteenth of a sweep can still lie there
HBM_LEAST = 512 * 2**20  # the size that nvbandwidth copies too
HBM_TIMED = 4 * 2**30  # bytes that a bandwidth is timed on: start and end of a launch are below half a percent of it
HOST = -1  # cudaCpuDeviceId
OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation
VARIANTS = 6  # of a bench that may have so many bytes each at a time, with the reference's
# cudaError_t and CUresult after which the context is gone (driver_types.h: "the only way to continue … is to terminate
# the process"): no device, errors of memory and NVLink, illegal addresses and instructions, time-outs, asserts.
LOST = frozenset({46, 214, 220, 700, 702, 709, 710, *range(714, 720)})
CLEARLY_WARM_S = 0.5  # of load, where NVML does not tell when the clock is up

# cudaDeviceAttr of CUDA's runtime API, driver_types.h.
ATTRIBUTES = {
    "warp": 10, "clock_khz": 13, "sm": 16, "memory_khz": 36, "bus_bits": 37, "l2": 38, "threads_sm": 39,
    "copy_engines": 40, "major": 75, "minor": 76, "shared_sm": 81, "registers_sm": 82, "managed": 83,
    "concurrent": 89, "registered_pointer": 91, "cooperative": 95, "shared_block": 97, "registering": 99,
}  # fmt: skip


@dataclass(frozen=True)
class Properties:
    """What a GPU is made of, in bytes and Hz; `shared_block` is the most that a block may ask for.

    `clock_hz` and `memory_clock_hz` are the highest that the card may run at.
    """

    name: str
    capability: tuple[int, int]
    sm: int
    l2: int
    memory: int
    shared_block: int
    shared_sm: int
    registers_sm: int
    threads_sm: int
    warp: int
    clock_hz: float
    memory_clock_hz: float
    bus_bits: int
    copy_engines: int
    numa_node: int | None
    pci: str


class GpuDevice:
    """One GPU, as `Device` asks for it and as builders use it.

    Parameters
    ----------
    index
        As CUDA numbers the visible GPUs.
    ungated
        Why work is timed without the gate; "": behind it.
    root
        Where `/sys` is; tests put trees of their own here.
    """

    kind = "gpu"

    def __init__(self, index: int = 0, root: Path = ROOT, ungated: str = "") -> None:
        self.index = index
        self.name = f"gpu:{index}"
        self.xp: ModuleType = cupy
        self.root = root
        self._runtime = cupy.cuda.runtime
        self._cpu = CpuDevice(root=root)
        self._cuda = cupy.cuda.Device(index)
        self.use()
        pci = str(self._runtime.deviceGetPCIBusId(index))
        self.nvml = Nvml(pci)
        self.properties = self._properties(pci)
        self._near = frozenset(_near_cpus(root, pci) & set(self._cpu.host.allowed))
        self._main = cupy.cuda.Stream(non_blocking=True)
        self.stream: Stream = self._main
        self._streams: list[Stream] = []
        self._modules: dict[str, Cupy] = {}
        self._sizes: dict[str, int] = {}
        self._timed_size: int | None = None
        self.timing = timing = Timing(self, ungated)
        self.timed, self.host_timed, self.seconds = timing.timed, timing.host_timed, timing.seconds
        self.read_gauges, self.time = timing.read_gauges, timing.time

    # --- what builders use: kernels -------------------------------------------------------------------------------

    def use(self) -> None:
        """Make this GPU the current one of the calling thread."""
        self._cuda.use()

    def module(self, topic: str) -> Cupy:
        """The kernels of `benches/<topic>.cu`, or beside a bench of your own, compiled once for this GPU."""
        if topic not in self._modules:
            file = CUDA_SOURCES.get(topic)
            with self._cuda:
                if getattr(self._runtime, "is_hip", False):
                    if why := rocm.refused(topic, file):
                        raise Skip("gpu_lacks", f"{topic} is for NVIDIA's GPUs alone: {why}")
                    code, options = rocm.source(topic, file), rocm.options(self.properties.warp)
                else:
                    code, options = cuda.source(topic, file), cuda.OPTIONS
                self._modules[topic] = cupy.RawModule(code=code, options=options)
        return self._modules[topic]

    def launcher(
        self, topic: str, kernel: str, grid: Shape, block: Shape, args: Sequence[Any] = (), *, shared: int = 0,
        stream: Stream | None = None, cooperative: bool = False,
    ) -> Callable[[], None]:  # fmt: skip
        """What enqueues one launch each time it is called; the kernel is loaded now, since it cannot be behind a gate.

        Scalars in `args` are NumPy's, of the exact type that the kernel declares: a Python int is passed as 64 bits.
        `shared` bytes beyond 48 KiB are asked for by name here, as CUDA wants it.
        """
        function = self._function(topic, kernel)
        if cooperative and not self._has("cooperative"):
            raise Skip(
                "gpu_lacks", "needs launches whose blocks wait for each other (cooperative launches); this GPU has none"
            )
        if shared > 48 * 1024:
            if shared > self.properties.shared_block:
                raise Skip(
                    "gpu_lacks",
                    f"needs {text.size(shared)} of shared memory a block; "
                    f"this GPU has {text.size(self.properties.shared_block)}",
                )
            function.max_dynamic_shared_size_bytes = shared
        grid, block = _tuple(grid), _tuple(block)
        given, on = tuple(args), self.stream if stream is None else stream
        with self._cuda:
            loaded: Kernel = function.kernel

        def launch() -> None:
            loaded(grid, block, given, shared_mem=shared, stream=on, enable_cooperative_groups=cooperative)

        return launch

    def resident(self, topic: str, kernel: str, block: int, shared: int = 0) -> int:
        """How many blocks of this kernel fit an SM at a time."""
        function = self._function(topic, kernel)
        with self._cuda:
            ask = cupy.cuda.driver.occupancyMaxActiveBlocksPerMultiprocessor
            return int(ask(function.kernel.ptr, block, shared))

    def attributes(self, topic: str, kernel: str) -> dict[str, int]:
        """Registers a thread, bytes of local memory (spilled registers), static shared memory, most threads a block."""
        function = self._function(topic, kernel)
        return {
            "registers": int(function.num_regs),
            "local_bytes": int(function.local_size_bytes),
            "shared_bytes": int(function.shared_size_bytes),
            "max_threads": int(function.max_threads_per_block),
        }

    def loaded(self, topic: str, kernel: str) -> Kernel:
        """A kernel, loaded, as it is launched."""
        function = self._function(topic, kernel)
        with self._cuda:
            found: Kernel = function.kernel
        return found

    def _function(self, topic: str, kernel: str) -> Cupy:
        """A kernel, loaded now: CuPy and CUDA both put that off to the first use."""
        with self._cuda:
            function = self.module(topic).get_function(kernel)
            _ = function.num_regs
        return function

    # --- what builders use: streams and events --------------------------------------------------------------------

    def streams(self, count: int) -> list[Stream]:
        """`count` non-blocking streams beside the main one; the same ones each time."""
        with self._cuda:
            while len(self._streams) < count:
                self._streams.append(cupy.cuda.Stream(non_blocking=True))
        return self._streams[:count]

    def event(self, timing: bool = True) -> Event:
        """A new event."""
        with self._cuda:
            made: Event = cupy.cuda.Event(disable_timing=not timing)
        return made

    def elapsed(self, start: Event, stop: Event) -> float:
        """Seconds between two events."""
        return float(cupy.cuda.get_elapsed_time(start, stop)) * 1e-3

    def synchronize(self) -> None:
        """Wait for everything on this GPU."""
        self._cuda.synchronize()

    # --- what builders use: memory --------------------------------------------------------------------------------

    def empty(self, shape: Shape, dtype: npt.DTypeLike = np.uint8) -> DeviceArray:
        """An array in a cudaMalloc of its own: CuPy's pool would hand back old blocks, rounded up. bf16 as uint16."""
        with self._cuda:
            return self._allocated(shape, np.dtype(dtype))

    def _allocated(self, shape: Shape, dtype: Dtype) -> DeviceArray:
        """The same on the GPU that is the current one."""
        with self._enough(memory.elements(shape) * dtype.itemsize):
            return memory.allocate(shape, dtype)

    def put(self, host: npt.ArrayLike) -> DeviceArray:
        """A copy of a host array on the device."""
        array = np.ascontiguousarray(host)
        there = self.empty(array.shape, array.dtype)
        if array.nbytes:
            with self._cuda:
                self._runtime.memcpy(there.data.ptr, array.ctypes.data, array.nbytes, self._runtime.memcpyHostToDevice)
                self.synchronize()
        return there

    def get(self, array: DeviceArray) -> Array:
        """A copy of a device array on the host, once everything queued is done."""
        with self._cuda:
            self.synchronize()
            return np.asarray(cupy.asnumpy(array))

    def fetched(self, output: Call) -> Any:
        """What a call returns, a device array as a host array."""
        with self.at_work():
            found = output()
            return self.get(found) if isinstance(found, cupy.ndarray) else found

    def fill(self, array: DeviceArray, value: int, stream: Stream) -> None:
        """Enqueue setting each byte of an array."""
        self._runtime.memsetAsync(array.data.ptr, value, array.nbytes, stream.ptr)

    def random(self, shape: Shape, dtype: npt.DTypeLike, rng: np.random.Generator) -> DeviceArray:
        """Random finite data: floats in [0.5, 1.5), integers of all bits.

        Zeros compress and draw less power: they read up to four times as fast. One tile is made on the host and
        repeated.
        """
        wanted = np.dtype(dtype)
        count = memory.elements(shape)
        tile = self.put(memory.random(min(count, TILE), wanted, rng))
        there = self.empty(shape, wanted)
        flat = there.reshape(-1)
        with self._cuda:
            for start in range(0, count, TILE):
                flat[start : start + TILE] = tile[: min(TILE, count - start)]
            self.synchronize()
        return there

    def host(self, kind: HostKind, nbytes: int) -> HostBuffer:
        """Host memory of a kind, touched, on the GPU's own NUMA node where there are several."""
        if kind not in memory.KINDS:
            raise ValueError(f"'{kind}' is no kind of host memory; there are {', '.join(memory.KINDS)}")
        if kind == "managed" and not self._has("managed"):
            raise Skip("gpu_lacks", "this GPU has no managed memory")
        if kind == "managed" and not self._has("concurrent"):  # where a touch by the CPU would end the process
            raise Skip("gpu_lacks", "the CPU may not touch managed memory while the GPU works (WSL, Windows)")
        with self._cuda, self.near_the_gpu(), self._enough(nbytes):
            if kind in ("pageable", "registered"):
                return memory.ordinary(
                    kind, nbytes, registering=self._has("registering"), reachable=self._has("registered_pointer")
                )
            return memory.of_cuda(kind, nbytes)

    def copier(
        self, dst: Place, src: Place, nbytes: int,
        stream: Stream | None = None,
    ) -> Callable[[], None]:  # fmt: skip
        """What enqueues one copy each time it is called; addresses, host buffers or device arrays."""
        to, of, on = memory.address(dst), memory.address(src), self.stream if stream is None else stream
        copy, direction, handle = self._runtime.memcpyAsync, self._runtime.memcpyDefault, on.ptr

        def enqueue(_kept: tuple[Place, Place, Stream] = (dst, src, on)) -> None:  # an address keeps nothing alive
            copy(to, of, nbytes, direction, handle)

        return enqueue

    def prefetcher(self, buffer: protocols.HostBuffer, *, to_host: bool = False) -> Callable[[], None]:
        """What enqueues moving the pages of managed memory to this GPU, or to the host, each time it is called."""
        move, handle = self._runtime.memPrefetchAsync, self.stream.ptr
        at, nbytes, where = buffer.ptr, buffer.nbytes, HOST if to_host else self.index

        def enqueue(_kept: protocols.HostBuffer = buffer) -> None:
            move(at, nbytes, where, handle)

        return enqueue

    def peer(self, further: int) -> Peer:
        """The GPU that is so many numbers further on, round the end of those that are visible; Skip without one."""
        count = int(self._runtime.getDeviceCount())
        if count < 2:
            raise Skip("gpu_lacks", "needs a second GPU; CUDA sees one here")
        if not 0 < further < count:
            raise Skip(
                "no_such_case",
                f"{count} GPUs are visible, so a GPU lies at most {count - 1} after another, not {further}",
            )
        return Peer(cupy, self.index, (self.index + further) % count, self._allocated)

    def fp8_product(
        self, left: DeviceArray, right: DeviceArray, to: DeviceArray, *, fast: bool = False
    ) -> cublas_lt.Fp8Product:
        """What enqueues `to = left · right` each time it is called; `close()` gives back what describes it.

        Device arrays: square, `left` row by row and `right` column by column in e4m3 (as uint8), `to` in float32.
        `fast`: sums are taken over into float32 less often. Skip where cuBLASLt has no such product for this card, or
        is not there.
        """
        lt = cublas_lt.library(int(self._runtime.runtimeGetVersion()) // 1000)
        workspace = self.empty(cublas_lt.WORKSPACE)
        a, b, c, scratch = (memory.address(one) for one in (left, right, to, workspace))
        with self._cuda:
            product = cublas_lt.Fp8Product(lt, len(to), a, b, c, scratch, self.stream.ptr, fast=fast)
        product.kept = (left, right, to, workspace)  # it knows addresses only
        return product

    @contextlib.contextmanager
    def _enough(self, nbytes: int) -> Iterator[None]:
        """Skip with the numbers where so many bytes are refused: others may have taken what was free."""
        try:
            yield
        except Exception as error:
            if getattr(error, "status", None) != OUT_OF_MEMORY:
                raise
            free = int(self._runtime.memGetInfo()[0])
            said = f"{text.size(nbytes)} were refused; the GPU has {text.size(free)} free"
            raise Skip("needs_memory", said) from None

    # --- where we are ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """On this GPU."""
        with self._cuda:
            yield

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """On this GPU, with the main stream as CuPy's current one."""
        with self._cuda, self._main:
            yield

    @contextlib.contextmanager
    def near_the_gpu(self) -> Iterator[None]:
        """On CPUs of the GPU's NUMA node; the affinity is put back: pools that start later would inherit it."""
        if not self._near or not hasattr(os, "sched_setaffinity"):
            yield
            return
        before = os.sched_getaffinity(0)
        try:
            with contextlib.suppress(OSError):  # the cpuset may have shrunk since it was read
                os.sched_setaffinity(0, self._near)
            yield
        finally:
            os.sched_setaffinity(0, before)

    def last_level_cache(self) -> int:
        """Bytes of the host's largest last-level cache, whose CPUs one thread is on; 64 MiB where none is known."""
        return self._cpu.host.largest_last_level() or 64 * 2**20

    def _has(self, attribute: str) -> bool:
        return bool(self._attribute(attribute))

    def _attribute(self, name: str) -> int:
        return int(self._runtime.deviceGetAttribute(ATTRIBUTES[name], self.index))

    def _properties(self, pci: str) -> Properties:
        ask = self._attribute
        name = self._runtime.getDeviceProperties(self.index)["name"]
        node = number(_pci_folder(self.root, pci) / "numa_node")
        return Properties(
            name=name.decode() if isinstance(name, bytes) else str(name),
            capability=(ask("major"), ask("minor")),
            memory=int(self._runtime.memGetInfo()[1]),
            clock_hz=self.nvml.max_clock_hz() or 1e3 * ask("clock_khz"),
            memory_clock_hz=1e3 * ask("memory_khz"),
            numa_node=node if node is not None and node >= 0 else None,
            pci=pci,
            **{
                one: ask(one)
                for one in (
                    "sm", "l2", "shared_block", "shared_sm", "registers_sm", "threads_sm", "warp", "bus_bits",
                    "copy_engines",
                )
            },
        )  # fmt: skip

    def describe(self) -> Gpu:
        """What a run file tells of this GPU."""
        about = self.properties
        version = int(self._runtime.runtimeGetVersion())
        return Gpu(
            name=about.name,
            memory=about.memory,
            sm=about.sm,
            driver=self.nvml.driver(),
            cuda=_dotted(version),
            pcie={"address": about.pci, **self.nvml.link()},
            uuid=self._uuid(),
            versions=self._versions(),
            state=self.nvml.state() or None,
        )

    def _uuid(self) -> str | None:
        """As nvidia-smi writes it: cards are told apart by it, whatever CUDA_VISIBLE_DEVICES numbers them."""
        raw = self._runtime.getDeviceProperties(self.index).get("uuid")
        return f"GPU-{uuid.UUID(bytes=bytes(raw)[:16])}" if isinstance(raw, bytes) and len(raw) >= 16 else None

    def _versions(self) -> JsonObject:
        """Of the driver's CUDA, of NVRTC, and of cuBLAS where it is installed."""
        found: JsonObject = {"driver_cuda": _dotted(int(self._runtime.driverGetVersion()))}
        with contextlib.suppress(Exception):
            found["nvrtc"] = ".".join(map(str, cupy.cuda.nvrtc.getVersion()))
        with contextlib.suppress(Exception):
            importlib.import_module("cupy_backends.cuda.libs.cublas")  # loads it, and cuBLASLt with it
            found["cublas"] = cublas_lt.version(int(self._runtime.runtimeGetVersion()) // 1000)
        return found

    # --- axis values ----------------------------------------------------------------------------------------------

    def spread(self, value: AxisValue) -> Sequence[Scalar]:
        """A Sweep of this kind of device: sizes up to the label's."""
        if isinstance(value, Sweep) and value.on == self.kind:
            last = self.size(value.last) if value.last in GPU_LEVELS else units.parse(value.last)
            return [units.exact(size) for size in units.octaves(value.first, last, value.points)]
        raise TypeError(f"{value!r} is no axis value that depends on a GPU")

    @property
    def sizes(self) -> dict[str, int]:
        """What each size label asked for so far stands for, in bytes; named `gpu:0/L2`, for a CPU has an L2 too."""
        return {f"{self.name}/{label}": size for label, size in self._sizes.items()}

    def size(self, label: str) -> int:
        """Bytes that lie in L2, or for certain in the device's memory; Skip where so much is not free."""
        if label not in self._sizes:
            if label == "L2":
                # Half of it: an H100's is two halves, and each SM is slower at the far one.
                self._sizes[label] = self.properties.l2 // 2 // PAGE * PAGE
            else:
                self._sizes[label] = self._memory_size()
        return self._sizes[label]

    def bandwidth_size(self, size: int) -> int:
        """Bytes to time a bandwidth on: for the size of HBM up to 4 GiB, else what was given."""
        if size != self._sizes.get("HBM"):
            return size
        if self._timed_size is None:
            self._timed_size = int(min(HBM_TIMED, MEMORY_SHARE * self.free_memory() / VARIANTS)) // PAGE * PAGE
        return max(size, self._timed_size)

    def _memory_size(self) -> int:
        size = max(HBM_LEAST, HBM_FACTOR * self.properties.l2 // PAGE * PAGE)
        free = self.free_memory()
        if size > MEMORY_SHARE * free:
            raise Skip(
                "needs_memory",
                f"HBM takes {text.size(size)} ({HBM_FACTOR} times L2, at least {text.size(HBM_LEAST)}); "
                f"{text.share(MEMORY_SHARE)} of the {text.size(free)} free may be taken",
            )
        return size

    def resolve(self, params: Mapping[str, Scalar]) -> Values:
        """What builders are given for each axis; raises `Skip` where this GPU has no such thing."""
        values: Values = dict(params)
        if "dtype" in params:
            values["dtype"] = numpy_dtype(str(params["dtype"]))
        if "threads" in params and params["threads"] != "all":
            values["threads"] = int(params["threads"])
        if "size" in params:
            label = str(params["size"])
            try:
                values["size"] = self.size(label) if label in GPU_LEVELS else units.parse(label)
            except ValueError:
                raise Skip("needs_level", f"a GPU has no {label}; its levels are {', '.join(GPU_LEVELS)}") from None
        return values

    def place(self, inputs: Inputs, where: str) -> Inputs:
        """The inputs on this GPU, which is made the current one; as they are where the builder wants host arrays."""
        self.use()
        if where == "host":
            return inputs
        return tuple(self.put(one) if isinstance(one, np.ndarray) else one for one in inputs)

    def host_empty(self, shape: Shape, dtype: npt.DTypeLike) -> Array:
        """An array of NumPy's own."""
        return np.empty(shape, dtype)

    def reclaim(self) -> None:
        """Nothing to do: NumPy frees its arrays."""

    def free_memory(self) -> int:
        """Bytes that may still be taken: free on the GPU, or on the host, where inputs are made, if that is less.

        CuPy's pools are emptied first: what they keep is free, on the host as pinned memory.
        """
        with self._cuda:
            cupy.get_default_memory_pool().free_all_blocks()
            cupy.get_default_pinned_memory_pool().free_all_blocks()
            return min(int(self._runtime.memGetInfo()[0]), self._cpu.free_memory())

    # --- time, counters, gauges -----------------------------------------------------------------------------------

    def quiet(self) -> bool:
        """Wait until every queue of this GPU is empty."""
        self.synchronize()
        return True

    def lost(self, error: Exception) -> str:
        """The error's words where it, or what led to it, has ended the context: all later calls fail alike."""
        found: BaseException | None = error
        while found is not None:
            if getattr(found, "status", None) in LOST:
                return str(found).partition("\n")[0]
            found = found.__cause__ or found.__context__
        return ""

    def settle(self, seconds: float) -> None:
        """Load every SM until its clock stays within 1% for some readings in a row, `seconds` at most."""
        sink = self.empty(1, np.float32)
        burn = self.launcher("gpu_gate", "burn", 2 * self.properties.sm, 256, (sink, np.uint64(50_000_000)))
        deadline = time.perf_counter() + seconds
        blind = time.perf_counter() + CLEARLY_WARM_S
        recent: list[float] = []
        with self.at_work():
            while time.perf_counter() < deadline:
                burn()
                clock = self.nvml.readings().get("gpu_clock_hz")
                self.stream.synchronize()
                if clock is None:
                    if time.perf_counter() >= blind:
                        return
                    continue
                recent = [*recent, clock][-5:]
                if len(recent) == 5 and max(recent) <= min(recent) * 1.01:
                    return

    def counters(self) -> dict[str, float]:
        """The host's totals, for what it times or launches, and how often the gate was opened by its limit.

        A round begins here: the first sample after it reads the gauges while the GPU works.
        """
        self.timing.begin_round()
        return {**self._cpu.counters(), "gpu_gate_timeouts": float(self.timing.timeouts)}

    def core_share(self, work: Work) -> float | None:  # noqa: ARG002
        """It is no CPU."""
        return None

    def gauges(self) -> dict[str, float]:
        """Clocks, power, temperature, throttling and the PCIe link, as read during the first sample of the round."""
        found = self.timing.gauges()
        return {**found, "gpu_clock_limit_hz": self.properties.clock_hz} if "gpu_clock_hz" in found else found

    def readings(self) -> dict[str, float]:
        """The gauges of this moment."""
        return self.nvml.readings()


# --- small things -----------------------------------------------------------------------------------------------------


def _tuple(value: Shape) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (int(value),)


def _dotted(version: int) -> str:
    """CUDA writes 13.2 as 13020."""
    return f"{version // 1000}.{version % 1000 // 10}"


def _pci_folder(root: Path, pci: str) -> Path:
    return root / "sys/bus/pci/devices" / pci.lower()


def _near_cpus(root: Path, pci: str) -> set[int]:
    """The CPUs that the kernel calls local to the GPU; none where it does not say."""
    return set(cpu_list(read_text(_pci_folder(root, pci) / "local_cpulist")))


if TYPE_CHECKING:  # the device is held against what builders are promised

    def _as_builders_see_it(device: GpuDevice) -> protocols.Gpu:
        return device
