"""One OpenCL device: a GPU of any vendor, another accelerator, or this CPU by PoCL or Intel's runtime.

pyopencl is imported here and in the probe's child, nowhere else. The device has been tried in that child before.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..bench import Skip, Sweep, Work
from ..host.opencl_probe import Cl, Found, build_log, describe
from ..host.pseudo_files import ROOT
from ..kernels import opencl as sources
from ..protocols import Array, Inputs, OpenClArgument, OpenClEvent, Shape, Values
from ..record import text, units
from ..record.model import GPU_LEVELS, Gpu, Scalar
from . import MEMORY_SHARE, AxisValue
from .cpu import CpuDevice, numpy_dtype
from .opencl_timing import OpenClTiming

if TYPE_CHECKING:
    from .. import protocols

MEMORY_FACTOR = 16  # × the cache: at most a sixteenth of a sweep can still lie there
SPARE = 2**20  # beyond: arrays are cut to whole parts
MEMORY_LEAST = 512 * 2**20  # as on a GPU by CUDA; less where a device has little memory
TIMED = 4 * 2**30  # bytes that a bandwidth is timed on, where the device has memory of its own
VARIANTS = 6  # of a bench that may have so many bytes each at a time, with the reference's
PAGE = 4096
GROUP = 256  # work-items of a group on a GPU
WAVE = 8  # groups for each compute unit of a GPU; and for each CPU eight times as many, which have one work-item each
# cl_int of cl.h: what an allocation that does not fit gives, and after which nothing more works.
OUT_OF_MEMORY = frozenset({-4, -5, -6, -61})
LOST = frozenset({-2, -36})  # device not available, invalid command queue


class OpenClArray:
    """An array in a buffer of the device."""

    def __init__(self, device: OpenClDevice, data: Cl, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.data = data
        self.shape = shape
        self.dtype = dtype
        self.nbytes = math.prod(shape) * dtype.itemsize
        self._device = device

    def __len__(self) -> int:
        return self.shape[0]

    def get(self, *, out: Array | None = None) -> Array:
        """A copy on the host, once everything queued is done."""
        found = np.empty(self.shape, self.dtype) if out is None else out
        if self.nbytes:
            self._device.cl.enqueue_copy(self._device.queue, found, self.data)
        self._device.queue.finish()
        return found

    def set(self, host: Array) -> None:
        """Copy a host array of the same shape into this one."""
        if self.nbytes:
            self._device.cl.enqueue_copy(self._device.queue, self.data, np.ascontiguousarray(host))
        self._device.queue.finish()


def pin(threads: int, allowed: Sequence[int]) -> None:
    """Have PoCL pin its threads, as hwbench's own are, unless the environment says otherwise.

    Unpinned, two of them may share a CPU for milliseconds. PoCL takes CPUs 0, 1, … whatever may be used, so those must
    be allowed. It asks as it starts its threads.
    """
    if {*range(threads)} <= {*allowed}:
        os.environ.setdefault("POCL_AFFINITY", "1")


class OpenClDevice:
    """One OpenCL device, as `Device` asks for it and as builders use it.

    Parameters
    ----------
    index
        Its number, over all platforms.
    found
        What the probe said of it.
    root
        Where `/proc` and `/sys` are.
    """

    kind = "opencl"

    def __init__(self, index: int, found: Found, root: Path = ROOT) -> None:
        self.name = f"opencl:{index}"
        self.about = found
        self.cl: Cl = importlib.import_module("pyopencl")
        self._cpu = CpuDevice(root=root)
        if found.here:
            pin(found.units, self._cpu.host.allowed)
        platform, number = found.place
        self._device = self.cl.get_platforms()[platform].get_devices()[number]
        self.context = self.cl.Context([self._device])
        profile = self.cl.command_queue_properties.PROFILING_ENABLE if found.profiling else 0
        self.queue = self.cl.CommandQueue(self.context, self._device, properties=profile)
        self._programs: dict[tuple[str, tuple[str, ...]], Cl] = {}
        self._sizes: dict[str, int] = {}
        self.timing = timing = OpenClTiming(self, profiling=found.profiling, beside=found.here)
        self.timed, self.host_timed, self.time = timing.timed, timing.host_timed, timing.time

    # --- what builders use ----------------------------------------------------------------------------------------

    @property
    def properties(self) -> Properties:
        """What benches ask of any accelerator."""
        return Properties(self.about)

    @property
    def group(self) -> int:
        """Work-items of a group: one on a CPU, where a loop over them would stand around each kernel's own loops."""
        return 1 if self.about.here else min(GROUP, self.about.group)

    @property
    def groups(self) -> int:
        """As many groups as fill the device several times over, so that none waits long at the end."""
        return self.about.units * WAVE * (WAVE if self.about.here else 1)

    def width(self, dtype: npt.DTypeLike) -> int:
        """Elements of a native vector: a power of two up to 16; 1 on devices that vectorise work-items."""
        kind = np.dtype(dtype)
        stated = self.about.widths.get(f"{kind.kind}{kind.itemsize}", 1)
        return 1 << min(4, max(1, stated).bit_length() - 1)

    def needs(self, dtype: npt.DTypeLike) -> None:
        """Skip where the device does not compute in a type."""
        name = {8: "doubles", 2: "halves"}.get(np.dtype(dtype).itemsize) if np.dtype(dtype).kind == "f" else None
        if name is not None and name in self.about.lacks:
            extension = {"doubles": "cl_khr_fp64", "halves": "cl_khr_fp16"}[name]
            raise Skip("opencl_lacks", f"needs {name} ({extension}), which {self.about.title} lacks")

    def launcher(
        self, topic: str, kernel: str, groups: int, group: int, args: Sequence[OpenClArgument] = (),
        options: Sequence[str] = (),
    ) -> Callable[[], OpenClEvent]:  # fmt: skip
        """What enqueues one launch of a kernel each time it is called, and gives its event.

        Scalars in `args` are NumPy's, of the exact type that the kernel declares. `options` define its macros.
        """
        made = self.cl.Kernel(self._program(topic, tuple(options)), kernel)
        made.set_args(*(one.data if isinstance(one, OpenClArray) else one for one in args))
        enqueue: Callable[..., OpenClEvent] = self.cl.enqueue_nd_range_kernel
        whole, local, kept = (groups * group,), (group,), tuple(args)

        def launch(_kept: tuple[OpenClArgument, ...] = kept) -> OpenClEvent:
            return enqueue(self.queue, made, whole, local)

        return launch

    def _program(self, topic: str, options: tuple[str, ...]) -> Cl:
        asked = topic, options
        if asked not in self._programs:
            program = self.cl.Program(self.context, sources.source(topic))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a log without an error is no news
                    self._programs[asked] = program.build(options=[*sources.OPTIONS, *options])
            except self.cl.Error as error:
                raise RuntimeError(f"{self.about.title} does not build {topic}: {build_log(error)}") from None
        return self._programs[asked]

    def plain_queue(self) -> Cl:
        """A queue without profiling."""
        return self.cl.CommandQueue(self.context, self._device)

    def empty(self, shape: Shape, dtype: npt.DTypeLike = np.uint8) -> OpenClArray:
        """An unwritten array in a buffer of its own; Skip where the device refuses so much."""
        whole, kind = (shape if isinstance(shape, tuple) else (int(shape),)), np.dtype(dtype)
        nbytes = math.prod(whole) * kind.itemsize
        with self._enough(nbytes):
            return OpenClArray(
                self, self.cl.Buffer(self.context, self.cl.mem_flags.READ_WRITE, max(1, nbytes)), whole, kind
            )

    def put(self, host: npt.ArrayLike) -> OpenClArray:
        """A copy of a host array on the device."""
        array = np.ascontiguousarray(host)
        there = self.empty(array.shape, array.dtype)
        with self._enough(there.nbytes):  # some drivers allocate at the first touch
            there.set(array)
        return there

    def repeated(self, tile: protocols.OpenClArray, n: int) -> OpenClArray:
        """`n` elements on the device: the tile over and over (see `numpy.resize`)."""
        whole, size = self.empty(n, tile.dtype), tile.dtype.itemsize
        with self._enough(whole.nbytes):
            for start in range(0, n, len(tile)):
                count = min(len(tile), n - start)
                self.cl.enqueue_copy(
                    self.queue, whole.data, tile.data, byte_count=count * size, dst_offset=start * size, src_offset=0
                )
            self.queue.finish()
        return whole

    def filled(self, n: int, value: np.generic) -> OpenClArray:
        """`n` times the value on the device."""
        whole = self.empty(n, value.dtype)
        with self._enough(whole.nbytes):
            self.cl.enqueue_fill_buffer(self.queue, whole.data, value, 0, whole.nbytes)
            self.queue.finish()
        return whole

    @contextlib.contextmanager
    def host_buffer(self, nbytes: int) -> Iterator[tuple[Cl, Array]]:
        """Host memory that the driver allocates (ALLOC_HOST_PTR) and the bytes it maps to, while it is mapped."""
        flags = self.cl.mem_flags.READ_WRITE | self.cl.mem_flags.ALLOC_HOST_PTR
        with self._enough(nbytes):
            buffer = self.cl.Buffer(self.context, flags, nbytes)
            array, _ = self.cl.enqueue_map_buffer(
                self.queue, buffer, self.cl.map_flags.READ | self.cl.map_flags.WRITE, 0, nbytes, np.uint8
            )
        try:
            yield buffer, array
        finally:
            array.base.release(self.queue)
            self.queue.finish()

    def bandwidth_size(self, size: int) -> int:
        """Bytes to time a bandwidth on: for the size of memory up to 4 GiB where it is the device's own."""
        if size != self._sizes.get("HBM") or self.about.unified:
            return size
        most = min(TIMED, MEMORY_SHARE * self.free_memory() / VARIANTS, self.about.largest or TIMED)
        return max(size, int(most) // PAGE * PAGE)

    @contextlib.contextmanager
    def _enough(self, nbytes: int) -> Iterator[None]:
        try:
            yield
        except (self.cl.Error, MemoryError) as error:
            if getattr(error, "code", -6) not in OUT_OF_MEMORY:
                raise
            said = f"{text.size(nbytes)} were refused; the device has {text.size(self.about.memory)}"
            if self.about.largest:
                said += f", {text.size(self.about.largest)} at most in a buffer"
            raise Skip("needs_memory", said) from None

    # --- axis values ----------------------------------------------------------------------------------------------

    def spread(self, value: AxisValue) -> Sequence[Scalar]:
        """A Sweep of an accelerator: sizes up to the label's."""
        if isinstance(value, Sweep) and value.on != "cpu":
            last = self.size(value.last) if value.last in GPU_LEVELS else units.parse(value.last)
            return [units.exact(size) for size in units.octaves(value.first, last, value.points)]
        raise TypeError(f"{value!r} is no axis value that depends on an accelerator")

    @property
    def sizes(self) -> Mapping[str, int]:
        """What each size label asked for so far stands for, in bytes; named `opencl:0/L2`."""
        return {f"{self.name}/{label}": size for label, size in self._sizes.items()}

    def size(self, label: str) -> int:
        """Bytes that lie in the device's cache (`L2`) or for certain in its memory (`HBM`), by what its driver says."""
        if label not in self._sizes:
            if label == "L2":
                if not self.about.cache:
                    raise Skip("needs_level", f"the driver of {self.about.title} tells no cache")
                self._sizes[label] = max(PAGE, self.about.cache // 2 // PAGE * PAGE)
            else:
                least = min(MEMORY_LEAST, int(MEMORY_SHARE * self.free_memory() / VARIANTS))
                size = max(least, MEMORY_FACTOR * self.about.cache + SPARE) // PAGE * PAGE
                free = self.free_memory()
                if size > MEMORY_SHARE * free:
                    said = f"HBM takes {text.size(size)} ({MEMORY_FACTOR} times the cache); "
                    said += f"{text.share(MEMORY_SHARE)} of the {text.size(free)} free may be taken"
                    raise Skip("needs_memory", said)
                self._sizes[label] = size
        return self._sizes[label]

    def resolve(self, params: Mapping[str, Scalar]) -> Values:
        """What builders are given for each axis; raises `Skip` where this device has no such thing."""
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
                known = ", ".join(GPU_LEVELS)
                raise Skip("needs_level", f"an OpenCL device has no {label}; its levels are {known}") from None
        return values

    def place(self, inputs: Inputs, where: str) -> Inputs:
        """The inputs on this device; as they are where the builder wants host arrays."""
        if where == "host":
            return inputs
        return tuple(self.put(one) if isinstance(one, np.ndarray) else one for one in inputs)

    def host_empty(self, shape: Shape, dtype: npt.DTypeLike) -> Array:
        """An array of NumPy's own."""
        return np.empty(shape, dtype)

    def reclaim(self) -> None:
        """Nothing to do: buffers go with their arrays."""

    def forget(self) -> None:
        """Keep nothing: buffers go with their arrays."""

    def free_memory(self) -> int:
        """Bytes that may still be taken: OpenCL tells only how much there is; no more than is free on the host."""
        return min(self.about.memory, self._cpu.free_memory())

    # --- time, counters, gauges -----------------------------------------------------------------------------------

    def settle(self, seconds: float) -> None:
        """Keep the device busy for a fifth of a second: no driver tells when its clock is up."""
        to = self.empty(1, np.uint32)
        burn = self.launcher("opencl_clock", "spin", self.groups, self.group, (to, np.uint32(20_000)))
        until = time.perf_counter() + min(seconds, 0.2)
        while time.perf_counter() < until:
            burn()
            self.queue.finish()

    def quiet(self) -> bool:
        """Wait until the queue is empty."""
        self.queue.finish()
        return True

    def lost(self, error: Exception) -> str:
        """The error's words where it, or what led to it, says that the device is gone."""
        found: BaseException | None = error
        while found is not None:
            if getattr(found, "code", None) in LOST:
                return str(found).partition("\n")[0]
            found = found.__cause__ or found.__context__
        return ""

    def counters(self) -> dict[str, float]:
        """The host's totals, for what it times or launches, and for a device that is its CPU."""
        return self._cpu.counters()

    def core_share(self, work: Work) -> float | None:  # noqa: ARG002
        """It is no CPU."""
        return None

    def gauges(self) -> dict[str, float]:
        """OpenCL tells neither clock nor power."""
        return {}

    def describe(self) -> Gpu:
        """What a run file tells of this device."""
        return describe(self.about)


class Properties:
    """What the benches of accelerators ask of a device, by the names that a GPU's properties have."""

    def __init__(self, found: Found) -> None:
        self.name = found.title
        self.sm = found.units
        self.l2 = found.cache
        self.memory = found.memory
        self.clock_hz = found.clock_hz


if TYPE_CHECKING:  # the device is held against what builders are promised

    def _as_builders_see_it(device: OpenClDevice) -> protocols.OpenCl:
        return device

    def _as_the_engine_sees_it(device: OpenClDevice, work: Work) -> float:
        return device.time(work, 1)
