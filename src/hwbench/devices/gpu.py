"""One NVIDIA GPU as a device: events behind a gate, streams, host memory of every kind, L2 flush, telemetry.

The GPU's own time is that between two events. Were the work launched while the clock runs, a kernel of 2 µs would be
timed as the 3 µs that Python and the driver need to launch it; so a gate kernel holds the stream until everything is
queued. What the host sees (launch, pageable copies) is timed by the host's clock instead, and says so.

This is the only module that imports CuPy. Settings of the card are read, never changed.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cupy
import numpy as np

from .. import cuda, quantity
from ..bench import GPU_LEVELS, Skip, Sweep, Work
from ..model import Gpu, Scalar
from ..quantity import format_bytes
from . import host as system
from .cpu import CpuDevice, numpy_dtype
from .host import cpu_list, number, read
from .nvml import Nvml

# The driver queues some 1024 entries; the one after them blocks the host until the first has run, which behind a
# closed gate is never. Half of it leaves room for what the driver queues by itself.
QUEUE = 512
GATE_LIMIT_NS = 1_000_000_000  # the gate opens itself then: whatever went wrong, the GPU is free again
COLD_CALLS = 64  # calls a sample when L2 is flushed before each: the flush takes longer than most of them
COLD_HOST_CALLS = 8  # the same for the host's caches, which take milliseconds
FLUSH = 2  # × L2: what is written last evicts all else, whatever the policy of replacement
HBM_FACTOR = 8  # × L2: at most an eighth of a sweep can still lie there
HBM_LEAST = 512 * 2**20  # the size that nvbandwidth copies too: start-up and tail are below a percent of it
MEMORY_SHARE = 0.6  # of the free device memory may be taken
TILE = 2**22  # elements of random data, repeated: no hardware compresses over 16 MiB
PAGE = 4096
CLEARLY_WARM_S = 0.5  # of load, where NVML does not tell when the clock is up

# cudaDeviceAttr of CUDA's runtime API, driver_types.h.
ATTRIBUTES = {
    "warp": 10, "clock_khz": 13, "sm": 16, "memory_khz": 36, "bus_bits": 37, "l2": 38, "threads_sm": 39,
    "copy_engines": 40, "major": 75, "minor": 76, "shared_sm": 81, "registers_sm": 82, "managed": 83,
    "registered_pointer": 91, "cooperative": 95, "shared_block": 97, "registering": 99,
}  # fmt: skip

Kind = Literal["pageable", "pinned", "registered", "mapped", "managed"]
KINDS: tuple[Kind, ...] = ("pageable", "pinned", "registered", "mapped", "managed")


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


class HostBuffer:
    """Host memory of one kind, near the GPU: `array` are its bytes, `ptr` its address.

    `device_ptr` is where a kernel finds it; Skip for kinds that kernels cannot reach.
    """

    def __init__(self, kind: Kind, nbytes: int, array: np.ndarray, owner: Any, reachable: bool) -> None:
        self.kind = kind
        self.nbytes = nbytes
        self.array = array
        self.ptr = int(array.ctypes.data)
        self._owner = owner
        self._reachable = reachable

    @property
    def device_ptr(self) -> int:
        """The address for kernels: with unified addressing, the host's own."""
        if not self._reachable:
            raise Skip(f"kernels on this GPU cannot reach {self.kind} host memory")
        return self.ptr

    def close(self) -> None:
        """Give the memory back; whoever still holds `array` must not touch it."""
        if self.kind == "registered" and self._owner is not None:
            cupy.cuda.runtime.hostUnregister(self.ptr)
        self.array = np.empty(0, dtype=np.uint8)
        self._owner = None


class Gate:
    """A kernel that holds a stream until the host opens it, or its own time limit does.

    `flag` is pinned memory of two words: the ticket that may pass, and the last one that the limit let through.
    """

    def __init__(self, kernel: Any, flag: np.ndarray, limit_ns: int = GATE_LIMIT_NS) -> None:
        self._kernel = kernel
        self._flag = flag
        self._limit = np.uint64(limit_ns)
        self._ticket = 0
        self.timeouts = 0
        flag[:] = 0

    @contextlib.contextmanager
    def closed(self, stream: Any) -> Iterator[None]:
        """Whatever is queued on the stream inside runs when this ends, also by an exception."""
        self._ticket = self._ticket % 0x7FFF_FFFF + 1
        pointer = np.uint64(self._flag.ctypes.data)
        self._kernel((1,), (1,), (pointer, np.uint32(self._ticket), self._limit), stream=stream)
        try:
            yield
        finally:
            self._flag[0] = self._ticket

    def passed(self) -> None:
        """To be told when the work behind the gate is done: counts a gate that was opened by its limit."""
        if int(self._flag[1]) == self._ticket:
            self.timeouts += 1


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
        self._events: list[Any] = []
        self._gate: Gate | None = None
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
        if shared > 48 * 1024:
            if shared > self.properties.shared_block:
                raise Skip(
                    f"needs {format_bytes(shared)} of shared memory a block; "
                    f"this GPU has {format_bytes(self.properties.shared_block)}"
                )
            function.max_dynamic_shared_size_bytes = shared
        grid, block = _tuple(grid), _tuple(block)
        given, on = tuple(args), self.stream if stream is None else stream
        more = {"enable_cooperative_groups": True} if cooperative else {}

        def launch() -> None:
            function(grid, block, given, shared_mem=shared, stream=on, **more)

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
        kind = _storable(np.dtype(dtype))
        count = int(np.prod(shape, dtype=np.int64))
        with self._cuda:
            memory = cupy.cuda.Memory(max(1, count * kind.itemsize))
            return cupy.ndarray(shape, dtype=kind, memptr=cupy.cuda.MemoryPointer(memory, 0))

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
        count = int(np.prod(shape, dtype=np.int64))
        tile = self.put(_random(min(count, TILE), wanted, rng))
        there = self.empty(shape, wanted)
        flat = there.reshape(-1)
        with self._cuda:
            for start in range(0, count, TILE):
                flat[start : start + TILE] = tile[: min(TILE, count - start)]
            self.synchronize()
        return there

    def host(self, kind: Kind, nbytes: int) -> HostBuffer:
        """Host memory of a kind, touched, on the GPU's own NUMA node where there are several."""
        if kind not in KINDS:
            raise ValueError(f"'{kind}' is no kind of host memory; there are {', '.join(KINDS)}")
        with self._cuda, self._near_the_gpu():
            if kind in ("pageable", "registered"):
                array = _pages(nbytes)
                array.fill(1)  # a page is where it was first touched
                if kind == "pageable":
                    return HostBuffer(kind, nbytes, array, array, reachable=False)
                if not self._has("registering"):
                    raise Skip("this system cannot register host memory with CUDA")
                self._runtime.hostRegister(array.ctypes.data, nbytes, 2)  # cudaHostRegisterMapped
                return HostBuffer(kind, nbytes, array, array, reachable=self._has("registered_pointer"))
            owner: Any
            if kind == "managed":
                owner = self._managed(nbytes)
            else:
                mapped = self._runtime.hostAllocMapped
                owner = cupy.cuda.PinnedMemory(nbytes, mapped if kind == "mapped" else 0)
            array = _view(int(owner.ptr), nbytes)
            array.fill(1)
            return HostBuffer(kind, nbytes, array, owner, reachable=kind in ("mapped", "managed"))

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

    def _managed(self, nbytes: int) -> Any:
        if not self._has("managed"):
            raise Skip("this GPU has no managed memory")
        free = int(self._runtime.memGetInfo()[0])
        if nbytes > free:
            raise Skip(f"{format_bytes(nbytes)} of managed memory; the GPU has {format_bytes(free)} free")
        return cupy.cuda.ManagedMemory(nbytes)

    def copier(self, dst: Any, src: Any, nbytes: int, stream: Any = None) -> Callable[[], None]:
        """What enqueues one copy each time it is called; addresses, host buffers or device arrays."""
        to, of, on = _address(dst), _address(src), self.stream if stream is None else stream
        copy, direction, handle = self._runtime.memcpyAsync, self._runtime.memcpyDefault, on.ptr

        def enqueue() -> None:
            copy(to, of, nbytes, direction, handle)

        return enqueue

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
        about: dict[str, Any] = {"timed_by": "events", **(facts or {})}
        if cold:
            about["l2"] = "flushed"
        per_call = launches + (3 if cold else 0) + (2 * len(streams) if cold else 0)
        batch = max(1, (QUEUE - 4 * len(streams) - 4) // per_call)
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
            total, left = 0.0, loops
            with self._at_work():
                while left:
                    count = min(batch, left)
                    seconds, ends = (
                        self._each_behind_gate(launch, count, streams)
                        if cold
                        else self._behind_gate(launch, count, streams)
                    )
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
                self._read_once()
                self.synchronize()
            return seconds

        fetch = output or (lambda: ran[0] if ran else None)
        return Work(
            call=once, output=lambda: self._fetched(fetch), timer=timer, facts=about, close=self._here(close),
            most=COLD_HOST_CALLS if cold else None,
        )  # fmt: skip

    # --- events and the gate --------------------------------------------------------------------------------------

    @property
    def gate(self) -> Gate:
        """The gate, made and passed once when it is first asked for: its loading cannot wait behind itself."""
        if self._gate is None:
            flag = self.host("mapped", 8)
            self._gate_memory = flag  # lives as long as the gate
            gate = Gate(self._function("gate", "gate"), flag.array.view(np.uint32))
            with self._cuda:
                with gate.closed(self.stream):
                    pass
                self.stream.synchronize()
            gate.timeouts = 0
            self._gate = gate
        return self._gate

    def _timing_events(self, count: int) -> list[Any]:
        while len(self._events) < count:
            self._events.append(self.event())
        return self._events[:count]

    def _behind_gate(
        self, launch: Callable[[], Any], count: int, streams: Sequence[Any]
    ) -> tuple[float, Sequence[float]]:
        """Seconds that `count` calls took together, and when each of the streams was through."""
        start, stop, *ends = self._timing_events(2 + len(streams))
        main = self.stream
        with self.gate.closed(main):
            start.record(main)
            for stream in streams:
                stream.wait_event(start)
            for _ in range(count):
                launch()
            for stream, end in zip(streams, ends, strict=True):
                end.record(stream)
                main.wait_event(end)
            stop.record(main)
        self._read_once()  # while the GPU works
        stop.synchronize()
        self.gate.passed()
        return _elapsed(start, stop), [_elapsed(start, end) for end in ends]

    def _each_behind_gate(
        self, launch: Callable[[], Any], count: int, streams: Sequence[Any]
    ) -> tuple[float, Sequence[float]]:
        """The same with L2 flushed before each call and each call between events of its own."""
        width = 2 + len(streams)
        events = self._timing_events(width * count)
        rows = [events[width * i : width * (i + 1)] for i in range(count)]
        main = self.stream
        with self.gate.closed(main):
            for start, stop, *ends in rows:
                self.flush_l2()
                start.record(main)
                for stream in streams:
                    stream.wait_event(start)
                launch()
                for stream, end in zip(streams, ends, strict=True):
                    end.record(stream)
                    main.wait_event(end)
                stop.record(main)
        self._read_once()
        rows[-1][1].synchronize()
        self.gate.passed()
        each = [sum(_elapsed(row[0], row[2 + i]) for row in rows) for i in range(len(streams))]
        return sum(_elapsed(row[0], row[1]) for row in rows), each

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
            last = self.size(value.last) if value.last in GPU_LEVELS else quantity.parse(value.last)
            return [quantity.exact(size) for size in quantity.octaves(value.first, last, value.points)]
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
                values["size"] = self.size(label) if label in GPU_LEVELS else quantity.parse(label)
            except ValueError:
                raise Skip(f"a GPU has no {label}; its levels are {', '.join(GPU_LEVELS)}") from None
        return values

    def place(self, inputs: tuple[Any, ...], where: str) -> tuple[Any, ...]:
        """The inputs on this GPU, which is made the current one; as they are where the builder wants host arrays."""
        self.use()
        if where == "host":
            return inputs
        return tuple(self.put(one) if isinstance(one, np.ndarray) else one for one in inputs)

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
        burn = self.launcher("gate", "burn", 2 * self.properties.sm, 256, (sink, np.uint64(50_000_000)))
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
        timeouts = self._gate.timeouts if self._gate is not None else 0
        return {**self._cpu.counters(), "gpu_gate_timeouts": float(timeouts)}

    def gauges(self) -> dict[str, float]:
        """Clocks, power, temperature, throttling and the PCIe link, as read during the first sample of the round."""
        reading = self.nvml.readings() if self._reading is None else self._reading
        return {**reading, "gpu_clock_limit_hz": self.properties.clock_hz} if "gpu_clock_hz" in reading else reading

    def _read_once(self) -> None:
        if self._reading is None:
            self._reading = self.nvml.readings()


# --- small things -----------------------------------------------------------------------------------------------------


def _elapsed(start: Any, stop: Any) -> float:
    """Seconds between two events."""
    return float(cupy.cuda.get_elapsed_time(start, stop)) * 1e-3


def _tuple(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (int(value),)


def _address(what: Any) -> int:
    """The address of a host buffer, a CuPy or NumPy array, or an address itself."""
    if isinstance(what, HostBuffer):
        return what.ptr
    if isinstance(what, np.ndarray):
        return int(what.ctypes.data)
    if isinstance(what, cupy.ndarray):
        return int(what.data.ptr)
    return int(what)


def _pages(nbytes: int) -> np.ndarray:
    """Untouched bytes that begin at a page, as CUDA registers them."""
    raw = np.empty(nbytes + PAGE, dtype=np.uint8)
    start = -raw.ctypes.data % PAGE
    return raw[start : start + nbytes]


def _view(address: int, nbytes: int) -> np.ndarray:
    return np.ctypeslib.as_array((ctypes.c_uint8 * nbytes).from_address(address))


def _storable(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype as CuPy knows it: two bytes of a bfloat16 are held as uint16."""
    return np.dtype(np.uint16) if dtype.name == "bfloat16" else dtype


def _random(count: int, dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray:
    if dtype.kind in "iu":
        return rng.integers(0, 256, count * dtype.itemsize, dtype=np.uint8).view(dtype)
    made = (rng.random(count, dtype=np.float32) + np.float32(0.5)) if dtype.itemsize < 8 else rng.random(count) + 0.5
    return made.astype(dtype).view(_storable(dtype))


def _pci_folder(root: Path, pci: str) -> Path:
    return root / "sys/bus/pci/devices" / pci.lower()


def _near_cpus(root: Path, pci: str) -> set[int]:
    """The CPUs that the kernel calls local to the GPU; none where it does not say."""
    return set(cpu_list(read(_pci_folder(root, pci) / "local_cpulist")))
