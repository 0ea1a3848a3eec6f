"""One NVIDIA GPU as a device: kernels, streams, memory, time by events and by the host, telemetry.

The GPU's own time is that between two events behind a gate (gate.py). What the host sees (launch, pageable copies) is
timed by the host's clock instead, and says so. CuPy is imported here and in gpu_memory.py, nowhere else. Settings of
the card are read, never changed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cupy
import numpy as np

from ..bench import Skip, Sweep, Work
from ..host import system
from ..host.system import cpu_list, number, read_text
from ..kernels import cuda
from ..record import units
from ..record.model import GPU_LEVELS, Gpu, Scalar
from ..record.units import format_bytes
from . import gpu_memory as memory
from .cpu import CpuDevice, numpy_dtype
from .gpu_gate import Gate, Stopwatch, batch
from .gpu_memory import PAGE, TILE, HostBuffer, Kind
from .gpu_timing import COLD_CALLS, COLD_HOST_CALLS, FLUSH
from .nvml import Nvml

HBM_FACTOR = 8  # × L2: at most an eighth of a sweep can still lie there
HBM_LEAST = 512 * 2**20  # the size that nvbandwidth copies too: start-up and tail are below a percent of it
MEMORY_SHARE = 0.6  # of the free device memory may be taken
CLEARLY_WARM_S = 0.5  # of load, where NVML does not tell when the clock is up

# cudaDeviceAttr of CUDA's runtime API, driver_types.h.
ATTRIBUTES = {
    "warp": 10, "clock_khz": 13, "sm": 16, "memory_khz": 36, "bus_bits": 37, "l2": 38, "threads_sm": 39,
    "copy_engines": 40, "major": 75, "minor": 76, "shared_sm": 81, "registers_sm": 82, "managed": 83,
    "registered_pointer": 91, "cooperative": 95, "shared_block": 97, "registering": 99,
}  # fmt: skip


@dataclass(frozen=True)
class Properties:
    """What a GPU is made of. Bytes and Hz; `shared_block` is the most that a block may ask for.

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
    root
        Where `/sys` is; tests put trees of their own here.
    """

    kind = "gpu"

    def __init__(self, index: int = 0, root: Path = system.ROOT) -> None:
        self.index = index
        self.name = f"gpu:{index}"
        self.xp: Any = cupy
        self.root = root
        self._runtime = cupy.cuda.runtime
        self._cpu = CpuDevice(root=root)
        self._cuda = cupy.cuda.Device(index)
        self.use()
        pci = str(self._runtime.deviceGetPCIBusId(index))
        self.nvml = Nvml(pci)
        self.properties = self._properties(pci)
        self._near = frozenset(_near_cpus(root, pci) & set(self._cpu.host.allowed))
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self._streams: list[Any] = []
        self._modules: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._flush: Any = None
        self._evicting: np.ndarray | None = None
        self._stopwatch: Stopwatch | None = None
        self._reading: dict[str, float] | None = None

    # --- what builders use: kernels -------------------------------------------------------------------------------

    def use(self) -> None:
        """Make this GPU the current one of the calling thread."""
        self._cuda.use()

    def module(self, topic: str) -> Any:
        """The kernels of `benches/<topic>.cu`, compiled once for this GPU."""
        if topic not in self._modules:
            with self._cuda:
                self._modules[topic] = cupy.RawModule(code=cuda.source(topic), options=cuda.OPTIONS)
        return self._modules[topic]

    def launcher(
        self, topic: str, kernel: str, grid: int | tuple[int, ...], block: int | tuple[int, ...],
        args: Sequence[Any] = (), *, shared: int = 0, stream: Any = None, cooperative: bool = False,
    ) -> Callable[[], None]:  # fmt: skip
        """What enqueues one launch each time it is called; the kernel is loaded now, for it cannot be behind a gate.

        Scalars in `args` are NumPy's, of the exact type that the kernel declares: a Python int is passed as 64 bits.
        `shared` bytes beyond 48 KiB are asked for by name here, as CUDA wants it.
        """
        function = self._function(topic, kernel)
        if cooperative and not self._has("cooperative"):
            raise Skip("needs launches whose blocks wait for one another; this GPU has none")
        if shared > 48 * 1024:
            if shared > self.properties.shared_block:
                raise Skip(
                    f"needs {format_bytes(shared)} of shared memory a block; "
                    f"this GPU has {format_bytes(self.properties.shared_block)}"
                )
            function.max_dynamic_shared_size_bytes = shared
        grid, block = _tuple(grid), _tuple(block)
        given, on = tuple(args), self.stream if stream is None else stream
        with self._cuda:
            loaded = function.kernel

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

    def _function(self, topic: str, kernel: str) -> Any:
        """A kernel, loaded: CuPy and CUDA both put that off to the first use."""
        with self._cuda:
            function = self.module(topic).get_function(kernel)
            _ = function.num_regs
        return function

    # --- what builders use: streams and events --------------------------------------------------------------------

    def streams(self, count: int) -> list[Any]:
        """`count` non-blocking streams beside the main one; the same ones each time."""
        with self._cuda:
            while len(self._streams) < count:
                self._streams.append(cupy.cuda.Stream(non_blocking=True))
        return self._streams[:count]

    def event(self, timing: bool = True) -> Any:
        """A new event."""
        with self._cuda:
            return cupy.cuda.Event(disable_timing=not timing)

    def synchronize(self) -> None:
        """Wait for everything on this GPU."""
        self._cuda.synchronize()

    # --- what builders use: memory --------------------------------------------------------------------------------

    def empty(self, shape: int | tuple[int, ...], dtype: Any = np.uint8) -> Any:
        """An array in a cudaMalloc of its own: CuPy's pool would hand back old blocks, rounded up. bf16 as uint16."""
        with self._cuda:
            return memory.plain(shape, np.dtype(dtype))

    def put(self, host: Any) -> Any:
        """A copy of a host array on the device."""
        array = np.ascontiguousarray(host)
        there = self.empty(array.shape, array.dtype)
        if array.nbytes:
            with self._cuda:
                self._runtime.memcpy(there.data.ptr, array.ctypes.data, array.nbytes, self._runtime.memcpyHostToDevice)
                self.synchronize()
        return there

    def get(self, array: Any) -> Any:
        """A copy of a device array on the host, once everything queued is done."""
        with self._cuda:
            self.synchronize()
            return cupy.asnumpy(array)

    def random(self, shape: int | tuple[int, ...], dtype: Any, rng: np.random.Generator) -> Any:
        """Random finite data: floats in [0.5, 1.5), integers of all bits.

        Zeros compress, and draw less power: they read up to four times as fast. One tile is made on the host and
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

    def host(self, kind: Kind, nbytes: int) -> HostBuffer:
        """Host memory of a kind, touched, on the GPU's own NUMA node where there are several."""
        if kind not in memory.KINDS:
            raise ValueError(f"'{kind}' is no kind of host memory; there are {', '.join(memory.KINDS)}")
        if kind == "managed" and not self._has("managed"):
            raise Skip("this GPU has no managed memory")
        with self._cuda, self._near_the_gpu():
            if kind in ("pageable", "registered"):
                return memory.ordinary(
                    kind, nbytes, registering=self._has("registering"), reachable=self._has("registered_pointer")
                )
            return memory.of_cuda(kind, nbytes)

    def pageable(self, nbytes: int) -> HostBuffer:
        """Ordinary memory: the driver copies it through a pinned buffer of its own."""
        return self.host("pageable", nbytes)

    def pinned(self, nbytes: int) -> HostBuffer:
        """Page-locked memory, that the copy engines read by themselves; not from CuPy's pool, which rounds up."""
        return self.host("pinned", nbytes)

    def registered(self, nbytes: int) -> HostBuffer:
        """Ordinary memory, page-locked after the fact."""
        return self.host("registered", nbytes)

    def mapped(self, nbytes: int) -> HostBuffer:
        """Page-locked memory that kernels read and write over the bus."""
        return self.host("mapped", nbytes)

    def managed(self, nbytes: int) -> HostBuffer:
        """Memory that moves to whoever touches it; never more than the GPU has free."""
        return self.host("managed", nbytes)

    def copier(self, dst: Any, src: Any, nbytes: int, stream: Any = None) -> Callable[[], None]:
        """What enqueues one copy each time it is called; addresses, host buffers or device arrays."""
        to, of, on = memory.address(dst), memory.address(src), self.stream if stream is None else stream
        copy, direction, handle = self._runtime.memcpyAsync, self._runtime.memcpyDefault, on.ptr

        def enqueue(_kept: tuple[Any, Any, Any] = (dst, src, on)) -> None:  # an address alone keeps no memory alive
            copy(to, of, nbytes, direction, handle)

        return enqueue

    def fp8_product(self, left: Any, right: Any, to: Any) -> Any:
        """What enqueues `to = left · right` each time it is called; `close()` gives back what describes it.

        Device arrays: square, `left` row by row and `right` column by column in e4m3 (as uint8), `to` in float32.
        Skip where cuBLASLt has no such product for this card, or is not there.
        """
        from . import cublas_lt

        lt = cublas_lt.library(int(self._runtime.runtimeGetVersion()) // 1000)
        workspace = self.empty(cublas_lt.WORKSPACE)
        a, b, c, scratch = (memory.address(one) for one in (left, right, to, workspace))
        with self._cuda:
            product = cublas_lt.Fp8Product(lt, len(to), a, b, c, scratch, self.stream.ptr)
        product.kept = (left, right, to, workspace)  # it knows addresses only
        return product

    def flush_l2(self, stream: Any = None) -> None:
        """Enqueue writing twice the L2 through it: what it held before is evicted."""
        if self._flush is None:
            self._flush = self.empty(max(FLUSH * self.properties.l2, 2**20))
        on = self.stream if stream is None else stream
        self._runtime.memsetAsync(self._flush.data.ptr, 0x5A, self._flush.nbytes, on.ptr)

    # --- what builders use: time ----------------------------------------------------------------------------------

    def timed(
        self, launch: Callable[[], Any], *, output: Callable[[], Any] | None = None, cold: bool = False,
        streams: Sequence[Any] = (), launches: int = 1, facts: Mapping[str, Any] | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a `launch` that only enqueues, timed by events behind the gate.

        Parameters
        ----------
        launch
            Enqueues one call on `device.stream`, which is CuPy's current stream then; allocates and waits for nothing.
        cold
            Flush L2 before each call, outside its events. Each call has events of its own then, whose resolution is
            half a microsecond.
        streams
            Further streams that the call enqueues on: they start with the main one and are waited for. `stream_s` in
            the facts are the seconds that each took from the common start, in the fastest sample.
        launches
            How many entries one call queues, so that the queue is never full behind the gate.
        """
        self.synchronize()  # what a builder has queued with CuPy is on another stream than the launch
        about: dict[str, Any] = {"timed_by": "events", **(facts or {})}
        if cold:
            about["l2"] = "flushed"
        most = batch(launches, len(streams), apart=cold)
        ran: list[Any] = []
        best = [float("inf")]

        def call() -> Any:
            with self._at_work():
                if cold:
                    self.flush_l2()
                result = launch()
                self.synchronize()
            ran[:] = [result]
            return result

        def timer(loops: int) -> float:
            if not ran:
                call()
            watch, total, left = self.stopwatch, 0.0, loops
            with self._at_work():
                while left:
                    count = min(most, left)
                    if cold:
                        seconds, ends = watch.apart(launch, count, streams, self.flush_l2)
                    else:
                        seconds, ends = watch.together(launch, count, streams)
                    total, left = total + seconds, left - count
                    if streams and seconds / count < best[0]:
                        best[0] = seconds / count
                        about["stream_s"] = [end / count for end in ends]
            return total

        fetch = output or (lambda: ran[0] if ran else None)
        return Work(
            call=call, output=lambda: self._fetched(fetch), timer=timer, facts=about, close=self._here(close),
            most=COLD_CALLS if cold else None,
        )  # fmt: skip

    def host_timed(
        self, call: Callable[[], Any], *, output: Callable[[], Any] | None = None,
        sync: Literal["end", "each", "none"] = "end", cold: bool = False, facts: Mapping[str, Any] | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a `call` timed by the host's clock: what a Python program waits for.

        `sync`: wait for the GPU once at the end of a sample, after each call, or never, where the call itself waits.
        `cold`: the host's caches are filled with something else before each call, outside the clock.
        """
        self.synchronize()  # as for `timed`
        about: dict[str, Any] = {"timed_by": "host", **(facts or {})}
        ran: list[Any] = []

        def once() -> Any:
            with self._at_work():
                result = call()
                self.synchronize()
            ran[:] = [result]
            return result

        def timer(loops: int) -> float:
            with self._at_work(), self._near_the_gpu():
                self.synchronize()
                if cold:
                    seconds = sum(self._cold_call(call, sync) for _ in range(loops))
                else:
                    seconds = self._host_seconds(call, loops, sync)
                self.read_gauges()
                self.synchronize()
            return seconds

        fetch = output or (lambda: ran[0] if ran else None)
        return Work(
            call=once, output=lambda: self._fetched(fetch), timer=timer, facts=about, close=self._here(close),
            most=COLD_HOST_CALLS if cold else None,
        )  # fmt: skip

    def seconds(self, launch: Callable[[], Any]) -> float:
        """Seconds of one call of a `launch` that only enqueues, by events behind the gate; it has been called before.

        For work between whose calls the host has something to do, which `timed` would time or not wait for.
        """
        with self._at_work():
            return self.stopwatch.together(launch, 1)[0]

    def read_gauges(self) -> None:
        """Read the gauges of this round, if none has: to be called while the GPU works."""
        if self._reading is None:
            self._reading = self.nvml.readings()

    @property
    def stopwatch(self) -> Stopwatch:
        """Events behind the gate, which is passed once when this is first asked for: it cannot be loaded closed."""
        if self._stopwatch is None:
            self._gate_flag = self.host("mapped", 8)  # lives as long as the device
            with self._cuda:
                gate = Gate(self._function("gpu_gate", "gate").kernel, self._gate_flag.array.view(np.uint32))
                with gate.closed(self.stream):
                    pass
                self.stream.synchronize()
            self._stopwatch = Stopwatch(self.stream, gate, self.event, _elapsed, self.read_gauges)
        return self._stopwatch

    def _host_seconds(self, call: Callable[[], Any], loops: int, sync: str) -> float:
        wait, each = self.synchronize, sync == "each"
        rounds = itertools.repeat(None, loops)
        start = time.perf_counter()
        for _ in rounds:
            call()
            if each:
                wait()
        if sync == "end":
            wait()
        return time.perf_counter() - start

    def _cold_call(self, call: Callable[[], Any], sync: str) -> float:
        self._evict_host()
        return self._host_seconds(call, 1, sync)

    def _evict_host(self) -> None:
        """Write twice the host's last-level caches through them."""
        if self._evicting is None:
            cached = self._cpu.host.last_level_total() or 64 * 2**20
            self._evicting = np.ones(2 * cached // 8, dtype=np.int64)
        self._evicting += 1

    # --- where we are ---------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        """On this GPU, with the main stream as CuPy's current one."""
        with self._cuda, self.stream:
            yield

    @contextlib.contextmanager
    def _near_the_gpu(self) -> Iterator[None]:
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

    def _fetched(self, fetch: Callable[[], Any]) -> Any:
        with self._at_work():
            found = fetch()
            return self.get(found) if isinstance(found, cupy.ndarray) else found

    def _here(self, close: Callable[[], None] | None) -> Callable[[], None] | None:
        if close is None:
            return None

        def closing() -> None:
            with self._cuda:
                close()

        return closing

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
            cuda=f"{version // 1000}.{version % 1000 // 10}",
            pcie={"address": about.pci, **self.nvml.link()},
        )

    # --- axis values ----------------------------------------------------------------------------------------------

    def spread(self, value: Any) -> Sequence[Scalar]:
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

    def _memory_size(self) -> int:
        size = max(HBM_LEAST, HBM_FACTOR * self.properties.l2 // PAGE * PAGE)
        free = self.free_memory()
        if size > MEMORY_SHARE * free:
            raise Skip(
                f"HBM takes {format_bytes(size)} ({HBM_FACTOR} times L2, at least {format_bytes(HBM_LEAST)}); "
                f"{MEMORY_SHARE:.0%} of the {format_bytes(free)} free may be taken"
            )
        return size

    def resolve(self, params: Mapping[str, Scalar]) -> dict[str, Any]:
        """What builders are given for each axis; raises `Skip` where this GPU has no such thing."""
        values: dict[str, Any] = dict(params)
        if "dtype" in params:
            values["dtype"] = numpy_dtype(str(params["dtype"]))
        if "threads" in params and params["threads"] != "all":
            values["threads"] = int(params["threads"])
        if "size" in params:
            label = str(params["size"])
            try:
                values["size"] = self.size(label) if label in GPU_LEVELS else units.parse(label)
            except ValueError:
                raise Skip(f"a GPU has no {label}; its levels are {', '.join(GPU_LEVELS)}") from None
        return values

    def place(self, inputs: tuple[Any, ...], where: str) -> tuple[Any, ...]:
        """The inputs on this GPU, which is made the current one; as they are where the builder wants host arrays."""
        self.use()
        if where == "host":
            return inputs
        return tuple(self.put(one) if isinstance(one, np.ndarray) else one for one in inputs)

    def host_empty(self, shape: Any, dtype: Any) -> np.ndarray:
        """An array of NumPy's own."""
        return np.empty(shape, dtype)

    def reclaim(self) -> None:
        """Nothing: NumPy frees what nobody holds."""

    def free_memory(self) -> int:
        """Bytes that may still be taken: free on the GPU, or on the host where that is less, for inputs are made there.

        CuPy's pool is emptied first: what it keeps is free.
        """
        with self._cuda:
            cupy.get_default_memory_pool().free_all_blocks()
            return min(int(self._runtime.memGetInfo()[0]), self._cpu.free_memory())

    # --- time, counters, gauges -----------------------------------------------------------------------------------

    def settle(self, seconds: float) -> None:
        """Load every SM until its clock stays within 1% for some readings in a row, `seconds` at most."""
        sink = self.empty(1, np.float32)
        burn = self.launcher("gpu_gate", "burn", 2 * self.properties.sm, 256, (sink, np.uint64(50_000_000)))
        deadline = time.perf_counter() + seconds
        blind = time.perf_counter() + CLEARLY_WARM_S
        recent: list[float] = []
        with self._at_work():
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

    def time(self, work: Work, loops: int) -> float:
        """Seconds that `loops` calls of the work took: by its own timer, else by the host's clock and a wait."""
        if work.timer is not None:
            return work.timer(loops)
        with self._at_work():
            if work.repeat is not None:
                start = time.perf_counter()
                work.repeat(loops)
                self.synchronize()
                return time.perf_counter() - start
            return self._host_seconds(work.call, loops, "end")

    def counters(self) -> dict[str, float]:
        """The host's totals, for what it times or launches, and how often the gate was opened by its limit.

        A round begins here: the first sample after it reads the gauges while the GPU works.
        """
        self._reading = None
        timeouts = self._stopwatch.gate.timeouts if self._stopwatch is not None else 0
        return {**self._cpu.counters(), "gpu_gate_timeouts": float(timeouts)}

    def gauges(self) -> dict[str, float]:
        """Clocks, power, temperature, throttling and the PCIe link, as read during the first sample of the round."""
        reading = self.nvml.readings() if self._reading is None else self._reading
        return {**reading, "gpu_clock_limit_hz": self.properties.clock_hz} if "gpu_clock_hz" in reading else reading


# --- small things -----------------------------------------------------------------------------------------------------


def _elapsed(start: Any, stop: Any) -> float:
    """Seconds between two events."""
    return float(cupy.cuda.get_elapsed_time(start, stop)) * 1e-3


def _tuple(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (int(value),)


def _pci_folder(root: Path, pci: str) -> Path:
    return root / "sys/bus/pci/devices" / pci.lower()


def _near_cpus(root: Path, pci: str) -> set[int]:
    """The CPUs that the kernel calls local to the GPU; none where it does not say."""
    return set(cpu_list(read_text(_pci_folder(root, pci) / "local_cpulist")))
