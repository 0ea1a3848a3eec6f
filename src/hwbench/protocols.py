"""What the functions of a bench are given: a CPU, a GPU, an OpenCL device, and the results of a run.

A builder is written against `Cpu`, `Gpu` or `OpenCl`, a finding against `Results`. The devices in `devices/` and the
results in `analysis/` fit these protocols without naming them, and so do the doubles in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import EllipsisType, ModuleType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from .bench import Call as Call
from .bench import Facts as Facts
from .bench import Inputs as Inputs
from .bench import Job as Job
from .bench import Loop as Loop
from .bench import Values as Values
from .record.estimate import Estimate
from .record.model import Metric, Record, Run, Scalar
from .record.phrases import Share

if TYPE_CHECKING:
    from .bench import Bench, Work
    from .host.system import Host as Host

T = TypeVar("T")

Array: TypeAlias = np.ndarray
"""A NumPy array of a dtype that an axis chooses."""

Dtype: TypeAlias = np.dtype
"""A dtype that an axis chooses."""

Shape: TypeAlias = int | tuple[int, ...]

Index: TypeAlias = int | slice | EllipsisType | Array | tuple[int | slice | EllipsisType | None, ...]
"""What picks elements of an array."""

EitherArray: TypeAlias = Any
"""An array of NumPy or of CuPy, in code that computes with either."""


class Choice(NamedTuple):
    """One of several ways, by name, and what this run's probe said against the kept one.

    `contradicted` is the way it found faster; `replaced` the one kept before, where two runs in a row found another.
    """

    name: str
    contradicted: str | None = None
    replaced: str | None = None

    @property
    def facts(self) -> dict[str, str]:
        """For `Work.facts`: `choice_contradicted` or `choice_replaced`; {} where the probe agreed."""
        said = {"choice_contradicted": self.contradicted, "choice_replaced": self.replaced}
        return {name: way for name, way in said.items() if way is not None}


class Buffer(Protocol):
    """Host memory on pages of a stated size: `array` is a view of its bytes (`np.uint8`), `address` where it begins."""

    array: Array
    address: int

    @property
    def pages(self) -> str:
        """What the touched memory lies on: `huge`, `mixed`, a small page's size (`4K`), or `default`."""

    @property
    def nodes(self) -> Mapping[int, int]:
        """How many of some pages, evenly spread, lie on each NUMA node; {} where the kernel does not tell."""

    def close(self) -> None:
        """Give the memory back; a view that is still held must not be used."""


class Crew(Protocol):
    """Pinned threads, one on each of `cpus`."""

    cpus: tuple[int, ...]
    pinned: bool

    def __len__(self) -> int: ...

    def each(self, function: Callable[[int], T]) -> list[T]:
        """What `function(rank)` returns on each thread, by rank."""

    def race(self, jobs: Sequence[Job], loops: int) -> list[tuple[int, int]]:
        """Run `jobs[rank](loops, gate)` on all threads at once; (start, end) of each in ns of one clock."""

    def work(
        self, jobs: Sequence[Job], *, output: Call | None, facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of running `jobs[rank](loops, gate)` on every thread at once."""


class Energy(Protocol):
    """Counters of energy, and by which `source` they are read."""

    source: str

    def joules(self) -> dict[str, float]:
        """Joules of each part of the machine (`package-0`, `dram-0`) since the first look."""


class Cpu(Protocol):
    """The host's CPUs, as a builder uses them."""

    @property
    def host(self) -> Host:
        """CPUs, caches and limits of this host."""

    @property
    def cores(self) -> int:
        """How many members of a crew, from the first on, have a physical core to themselves."""

    def crew(self, threads: int) -> Crew:
        """A crew of `threads` pinned threads: one on each physical core first, SMT siblings after."""

    def team(self, *ranks: int) -> Crew:
        """A crew of some threads of the largest one, by rank."""

    def buffer(self, nbytes: int, pages: str = "4K", offset: int = 0) -> Buffer:
        """Memory on small (`4K`) or `huge` pages, untouched; touch it on the thread that uses it."""

    def host_empty(self, shape: Shape, dtype: npt.DTypeLike) -> Array:
        """An array, unwritten, until the contrast is over."""

    def chosen(self, name: str, among: Sequence[str], probe: Callable[[], str]) -> Choice:
        """One of `among`: what `probe` found on this machine, now or in earlier processes."""

    def pooled(
        self, call: Call, threads: int | None = None, *, output: Call | None = None, facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of calling a `prange` kernel on `threads` (None: all usable) threads of Numba's pool."""

    def blas(
        self, call: Call, threads: int, *, output: Call | None = None, facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a call into NumPy's BLAS on `threads` threads of the library's own pool."""

    def size(self, label: str, threads: int = 1) -> int:
        """Bytes for one of `threads` threads that a size label stands for here."""

    def energy(self) -> Energy:
        """The machine's counters of energy; raises `Skip` where none can be read."""

    def counters(self) -> dict[str, float]:
        """Running totals: `wall_s`, and what is known of `steal_s`, `others_s`, `throttled_s`."""

    def busy(self, what: str) -> None:
        """Say what a long build does now. Ends the run where that was asked for: call it every second."""

    def adopt(self, pid: int) -> Callable[[], None]:
        """Count a child process's CPU time as our own until the returned function is called."""


class Pointer(Protocol):
    """The address of a device array."""

    ptr: int


class DeviceArray(Protocol):
    """An array in a GPU's memory: CuPy's, or a double of it."""

    dtype: Dtype
    shape: tuple[int, ...]
    nbytes: int
    data: Pointer

    def __len__(self) -> int: ...
    def __int__(self) -> int: ...
    def __getitem__(self, key: Index) -> Self: ...
    def __setitem__(self, key: Index, value: Self | npt.ArrayLike) -> None: ...
    def __add__(self, other: Self | complex) -> Self: ...
    def __sub__(self, other: Self | complex) -> Self: ...
    def __mul__(self, other: Self | complex) -> Self: ...
    def __matmul__(self, other: Self | complex) -> Self: ...
    @property
    def T(self) -> Self:  # noqa: N802 - NumPy's name
        """The same elements with the axes in reverse order."""

    def get(self, *, out: Array | None = None) -> Array:
        """A copy on the host, in `out` where it is given."""

    def set(self, host: Array) -> None:
        """Copy a host array of the same shape into this one."""

    def reshape(self, *shape: int) -> Self:
        """The same elements in another shape."""

    def view(self, dtype: npt.DTypeLike) -> Self:
        """The same bytes as another type."""

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """A copy in another type."""


class Product(Protocol):
    """A product of two matrices, as a library describes it."""

    def __call__(self) -> None:
        """Enqueue it."""

    def close(self) -> None:
        """Give back what describes it."""


class Event(Protocol):
    """A CUDA event: a mark in a stream."""

    @property
    def done(self) -> bool:
        """Whether everything before it has run."""

    def record(self, stream: Stream) -> None:
        """Enqueue the mark."""

    def synchronize(self) -> None:
        """Wait for everything before it."""


class Graph(Protocol):
    """Launches that were captured, to be started as one."""

    def launch(self, stream: Stream) -> None:
        """Enqueue all of them."""


class Stream(Protocol):
    """A CUDA stream."""

    ptr: int

    def synchronize(self) -> None:
        """Wait for what was enqueued."""

    def wait_event(self, event: Event) -> None:
        """Enqueue a wait for an event of another stream."""

    def begin_capture(self) -> None:
        """Keep what is enqueued from here on, instead of running it."""

    def end_capture(self) -> Graph:
        """What was enqueued since."""


HostKind: TypeAlias = Literal["pageable", "pinned", "registered", "mapped", "managed"]
"""Kinds of host memory that a copy starts from."""


Sync: TypeAlias = Literal["end", "each", "none"]
"""When the host waits for the GPU: at the end of a sample, after each call, or never, since the call itself waits."""


class HostBuffer(Protocol):
    """Host memory of one kind, as a GPU copies it: `array` are its bytes, `ptr` its address."""

    array: Array
    ptr: int
    nbytes: int

    @property
    def device_ptr(self) -> int:
        """The address for kernels; Skip for kinds that kernels cannot reach."""

    def close(self) -> None:
        """Give the memory back."""


class Properties(Protocol):
    """What a GPU is made of, in bytes and Hz."""

    @property
    def name(self) -> str: ...
    @property
    def capability(self) -> tuple[int, int]: ...
    @property
    def sm(self) -> int: ...
    @property
    def l2(self) -> int: ...
    @property
    def memory(self) -> int: ...
    @property
    def shared_block(self) -> int: ...
    @property
    def threads_sm(self) -> int: ...
    @property
    def clock_hz(self) -> float: ...
    @property
    def copy_engines(self) -> int: ...


class Peer(Protocol):
    """Another GPU of the machine; `direct`: whether the two reach each other's memory."""

    index: int
    name: str
    direct: bool

    def reached(self) -> None:
        """Skip where kernels cannot reach its memory."""

    def put(self, host: npt.ArrayLike) -> DeviceArray:
        """A copy of a host array in its memory."""

    def get(self, array: DeviceArray) -> Array:
        """A copy of an array in its memory on the host, once everything queued is done."""

    def copier(
        self, dst: DeviceArray, src: DeviceArray, nbytes: int, *, here: bool, stream: Stream
    ) -> Callable[[], None]:
        """What enqueues a copy from the own GPU to this one, or to `here`, each time it is called."""


class Gpu(Protocol):
    """One GPU, as a builder uses it."""

    def __hash__(self) -> int: ...
    @property
    def xp(self) -> ModuleType:
        """The module of arrays: CuPy, which ships no types."""

    @property
    def properties(self) -> Properties:
        """What the card is made of."""

    @property
    def stream(self) -> Stream:
        """The stream that launches and copies go to."""

    def launcher(
        self, topic: str, kernel: str, grid: Shape, block: Shape, args: Sequence[Any] = (), *, shared: int = 0,
        stream: Stream | None = None, cooperative: bool = False,
    ) -> Callable[[], None]:  # fmt: skip
        """What enqueues one launch of a kernel of `benches/<topic>.cu` each time it is called."""

    def resident(self, topic: str, kernel: str, block: int, shared: int = 0) -> int:
        """How many blocks of this kernel fit an SM at a time."""

    def streams(self, count: int) -> list[Stream]:
        """Further streams; the same ones each time."""

    def event(self, timing: bool = True) -> Event:
        """A new event."""

    def synchronize(self) -> None:
        """Wait for everything on this GPU."""

    def empty(self, shape: Shape, dtype: npt.DTypeLike = np.uint8) -> DeviceArray:
        """An unwritten array in device memory."""

    def put(self, host: npt.ArrayLike) -> DeviceArray:
        """A copy of a host array on the device."""

    def get(self, array: DeviceArray) -> Array:
        """A copy of a device array on the host, once everything queued is done."""

    def random(self, shape: Shape, dtype: npt.DTypeLike, rng: np.random.Generator) -> DeviceArray:
        """Random finite data: floats in [0.5, 1.5), integers of all bits."""

    def host_empty(self, shape: Shape, dtype: npt.DTypeLike) -> Array:
        """An array on the host, unwritten, until the contrast is over."""

    def host(self, kind: HostKind, nbytes: int) -> HostBuffer:
        """Host memory of a kind, touched."""

    def fill(self, array: DeviceArray, value: int, stream: Stream) -> None:
        """Enqueue setting each byte of an array."""

    def bandwidth_size(self, size: int) -> int:
        """Bytes to time a bandwidth on where data of `size` bytes is checked."""

    def copier(
        self, dst: int | HostBuffer | DeviceArray, src: int | HostBuffer | DeviceArray, nbytes: int,
        stream: Stream | None = None,
    ) -> Callable[[], None]:  # fmt: skip
        """What enqueues one copy each time it is called."""

    def prefetcher(self, buffer: HostBuffer, *, to_host: bool = False) -> Callable[[], None]:
        """What enqueues moving the pages of managed memory to the GPU, or to the host, each time it is called."""

    def peer(self, further: int) -> Peer:
        """The GPU that is so many numbers further on, round the end of those that are visible; Skip without one."""

    def fp8_product(self, left: DeviceArray, right: DeviceArray, to: DeviceArray, *, fast: bool = False) -> Product:
        """What enqueues `to = left · right` in e4m3 each time it is called; `close()` gives back what describes it."""

    def timed(
        self, launch: Call, *, output: Call | None = None, cold: bool = False, streams: Sequence[Stream] = (),
        launches: int = 1, before: Call | None = None, facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a `launch` that only enqueues, timed by events behind the gate."""

    def host_timed(
        self, call: Call, *, output: Call | None = None, sync: Sync = "end",
        cold: bool = False, facts: Facts | None = None, close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a `call` timed by the host's clock."""

    def seconds(self, launch: Call) -> float:
        """Seconds of one call of a `launch` that only enqueues, by events behind the gate."""

    def near_the_gpu(self) -> AbstractContextManager[None]:
        """On CPUs of the GPU's NUMA node."""

    def readings(self) -> dict[str, float]:
        """Clock, power, temperature and throttling of this moment, as far as the driver tells."""

    def read_gauges(self) -> None:
        """Read clock, power and temperature of this round: to be called while the GPU works."""

    def counters(self) -> dict[str, float]:
        """Running totals: `wall_s`, and how often the gate had to open by itself (`gpu_gate_timeouts`)."""


class OpenClProperties(Protocol):
    """What an OpenCL device is made of, in bytes and Hz, by the names of a GPU's properties."""

    name: str
    sm: int
    l2: int
    memory: int
    clock_hz: float


class OpenClAbout(Protocol):
    """What its driver says of an OpenCL device."""

    @property
    def here(self) -> bool: ...
    @property
    def title(self) -> str: ...
    @property
    def fused(self) -> bool: ...
    @property
    def unified(self) -> bool: ...


class OpenClMemory(Protocol):
    """A buffer, as pyopencl has it."""

    size: int

    def release(self) -> None:
        """Give it back."""


class OpenClSpan(Protocol):
    """When a command ran: its start and end, in ns of the device's clock."""

    start: int
    end: int


class OpenClEvent(Protocol):
    """What pyopencl gives for a command that was enqueued."""

    @property
    def profile(self) -> OpenClSpan: ...
    def wait(self) -> None:
        """Wait until it has run."""


class OpenClQueue(Protocol):
    """A command queue, as pyopencl has it."""

    def flush(self) -> None:
        """Hand everything to the device."""

    def finish(self) -> None:
        """Wait for everything."""


class OpenClContext(Protocol):
    """What buffers and queues of a device belong to, as pyopencl has it."""

    num_devices: int


class OpenClArray(Protocol):
    """An array in a buffer of an OpenCL device; `data` is pyopencl's buffer."""

    data: OpenClMemory
    dtype: Dtype
    shape: tuple[int, ...]
    nbytes: int

    def __len__(self) -> int: ...
    def get(self, *, out: Array | None = None) -> Array:
        """A copy on the host, in `out` where it is given, once everything queued is done."""

    def set(self, host: Array) -> None:
        """Copy a host array of the same shape into this one."""


OpenClArgument: TypeAlias = OpenClArray | OpenClMemory | np.generic
"""What an OpenCL kernel is given: an array, a buffer, or a number of the exact type that it declares."""


class OpenCl(Protocol):
    """One OpenCL device, as a builder uses it."""

    cl: ModuleType  # pyopencl
    context: OpenClContext
    queue: OpenClQueue

    @property
    def about(self) -> OpenClAbout:
        """What its driver says of it."""

    @property
    def properties(self) -> OpenClProperties:
        """What it is made of."""

    @property
    def group(self) -> int:
        """Work-items of a group: 1 on a CPU."""

    @property
    def groups(self) -> int:
        """As many groups as fill the device several times over."""

    def width(self, dtype: npt.DTypeLike) -> int:
        """Elements of a native vector; 1 on devices that vectorise work-items."""

    def needs(self, dtype: npt.DTypeLike) -> None:
        """Skip where the device does not compute in a type."""

    def launcher(
        self, topic: str, kernel: str, groups: int, group: int, args: Sequence[OpenClArgument] = (),
        options: Sequence[str] = (),
    ) -> Callable[[], OpenClEvent]:  # fmt: skip
        """What enqueues one launch of a kernel of `benches/<topic>.cl` each time it is called, and gives its event."""

    def empty(self, shape: Shape, dtype: npt.DTypeLike = np.uint8) -> OpenClArray:
        """An unwritten array on the device."""

    def put(self, host: npt.ArrayLike) -> OpenClArray:
        """A copy of a host array on the device."""

    def repeated(self, tile: OpenClArray, n: int) -> OpenClArray:
        """`n` elements on the device: the tile over and over."""

    def filled(self, n: int, value: np.generic) -> OpenClArray:
        """`n` times the value on the device."""

    def host_buffer(self, nbytes: int) -> AbstractContextManager[tuple[OpenClMemory, Array]]:
        """Host memory that the driver allocates: its buffer, and its bytes as they are mapped."""

    def bandwidth_size(self, size: int) -> int:
        """Bytes to time a bandwidth on where data of `size` bytes is checked."""

    @property
    def timed(self) -> Callable[..., Work]:
        """The work of a launch that enqueues and gives its event, timed by events behind a gate."""

    @property
    def host_timed(self) -> Callable[..., Work]:
        """The work of a call timed by the host's clock; `wait`: for the device, once at the end of a sample."""


class Roof(Protocol):
    """A limit of the machine, as a run measured it: SI `value` of `metric`."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def metric(self) -> Metric: ...
    @property
    def level(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def variant(self) -> str: ...
    @property
    def suspect(self) -> str: ...


class Quantity(Protocol):
    """A headline quantity: the median of one record, in SI units; `record` is that case, `doubt` why it is suspect."""

    @property
    def value(self) -> float: ...
    @property
    def threads(self) -> int | None: ...
    @property
    def record(self) -> str: ...
    @property
    def doubt(self) -> list[str] | None: ...


class Link(Protocol):
    """A link that takes `latency` seconds for nothing, then a second for each `bandwidth` bytes."""

    @property
    def latency(self) -> Estimate: ...
    @property
    def bandwidth(self) -> Estimate: ...
    @property
    def half(self) -> Estimate: ...


class Breakeven(Protocol):
    """Where one way begins to win: it `crosses` at n, or wins `always` or `never` in the measured range."""

    @property
    def n(self) -> Estimate | None: ...
    @property
    def state(self) -> Literal["crosses", "always", "never"]: ...


class Fits(Protocol):
    """Lines and curves through measured points, with intervals from resampled rounds; ValueError where none fits."""

    def link(self, points: Sequence[tuple[float, Sequence[float]]]) -> Link:
        """Latency and bandwidth from (bytes, samples)."""

    def slope(self, points: Sequence[tuple[float, Sequence[float]]]) -> Estimate:
        """Seconds for each unit of x, from (x, samples)."""

    def overlap(self, whole: Sequence[float], serial: Sequence[float], parts: Sequence[Sequence[float]]) -> Estimate:
        """The share of the possible overlap that was reached: (serial - whole) / (serial - longest part)."""

    def saturating(self, points: Sequence[tuple[float, float]], share: float = 0.9) -> float:
        """The x from which on a rate stays at `share` of its best, from (x, rate)."""

    def breakeven(self, points: Sequence[tuple[float, Sequence[float], Sequence[float]]]) -> Breakeven:
        """The n from which on the second samples are the shorter ones, from (n, samples, samples)."""


class Results(Protocol):
    """The records of one bench in one run, as its finding asks for them.

    What finds a record matches the parameters given, and gives None where no such record was timed.
    """

    @property
    def bench(self) -> Bench: ...
    @property
    def run(self) -> Run: ...
    @property
    def records(self) -> Sequence[Record]: ...
    @property
    def sizes(self) -> Mapping[str, int]: ...
    @property
    def fits(self) -> Fits: ...

    def beside(self, bench: Bench) -> Results:
        """Another bench's records in the same run."""

    def find(self, variant: str, **params: Any) -> Record | None:
        """The first timed record of a variant with these parameters."""

    def ratio(self, variant: str, over: str, **params: Any) -> Estimate | None:
        """Seconds of `variant` over seconds of `over`, paired by round."""

    def versus(self, record: Record, base: Record) -> Estimate:
        """Seconds of one record over those of another, paired where they were measured in the same rounds."""

    def each(self, count: str, variant: str, **params: Any) -> Estimate | None:
        """Seconds a hop, call or item."""

    def rate(self, variant: str, count: str, **params: Any) -> Estimate | None:
        """Bytes or flops a second."""

    def levels(self) -> tuple[str, str]:
        """What the run's latency sweeps say of the caches' sizes and the TLB's reach, in sentences."""

    def share(self, variant: str, kind: str | None = None, **params: Any) -> Share | None:
        """How much of the machine's limit (the bench's own, or `kind`) the median reaches, and what is doubtful."""

    def fastest(self, count: str, place: Mapping[str, Scalar], variants: Sequence[str] = ()) -> Record | None:
        """The record with the most of `count` a second at these parameters, as the headline chooses it."""

    def headline(self, name: str) -> Estimate | None:
        """A headline quantity of the CPU by its name, from this bench's records."""

    def pair(self, name: str) -> tuple[Record, Record] | None:
        """The two records behind such a quantity, the slower one first."""

    def one_and_most(self, **params: Any) -> tuple[Record, Record] | None:
        """The records of one thread and of the most with these parameters; None where either is missing."""

    def limit(self, record: Record, kind: str) -> Roof | None:
        """The machine's limit of a kind at a record's level, threads and dtype; None where it was not measured."""

    def own(self, stem: str) -> Quantity | None:
        """The CPU's headline quantity `peak.f4` or `dram.copy`, on all threads, else on one; None without any."""

    def line(self, level: str) -> Estimate | None:
        """The bytes that move at a time from a level, by the strides there."""

    def overtakes(self, fast: str, slow: str, name: str, axis: str = "n", **params: Any) -> str:
        """In words, from which n on `fast` beats `slow`, which is called `name`; "" where nothing can be said."""
