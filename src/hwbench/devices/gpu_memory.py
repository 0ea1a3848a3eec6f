"""Memory of a GPU, and host memory of every kind that a copy starts from, each in an allocation of its own.

CuPy's pools round sizes up and hand back old blocks, so limits are measured on memory of their own. Host memory is
taken and first touched on the GPU's NUMA node.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any, get_args

import cupy
import numpy as np

from ..bench import Skip
from ..host.gpu_probe import Cupy
from ..protocols import DeviceArray, Dtype, HostKind, Shape
from ..record import text

TILE = 2**22  # elements of random data, repeated: no hardware compresses over 4 MiB
PAGE = 4096
MAPPED = 2  # cudaHostRegisterMapped, driver_types.h

KINDS: tuple[HostKind, ...] = get_args(HostKind)


class HostBuffer:
    """Host memory of one kind: `array` are its bytes, `ptr` its address.

    `device_ptr` is where a kernel finds it; Skip for kinds that kernels cannot reach.
    """

    def __init__(self, kind: HostKind, nbytes: int, array: np.ndarray, owner: Cupy, reachable: bool) -> None:
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
            raise Skip("gpu_lacks", f"kernels on this GPU cannot reach {self.kind} host memory")
        return self.ptr

    def close(self) -> None:
        """Give the memory back, once no view of `array` is held any more."""
        if self.kind == "registered" and self._owner is not None:
            cupy.cuda.runtime.hostUnregister(self.ptr)
        self.array = np.empty(0, dtype=np.uint8)
        self._owner = None

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # at the interpreter's end CUDA may be gone before
            self.close()


def ordinary(kind: HostKind, nbytes: int, *, registering: bool = False, reachable: bool = False) -> HostBuffer:
    """Memory of the operating system, `pageable`, or page-locked after the fact where it is `registered`."""
    array = _pages(nbytes)
    array.fill(1)  # a page lies where it was first touched
    if kind == "pageable":
        return HostBuffer(kind, nbytes, array, array, reachable=False)
    if not registering:
        raise Skip("gpu_lacks", "this system cannot register host memory with CUDA")
    cupy.cuda.runtime.hostRegister(array.ctypes.data, nbytes, MAPPED)
    return HostBuffer(kind, nbytes, array, array, reachable)


def of_cuda(kind: HostKind, nbytes: int) -> HostBuffer:
    """Memory that CUDA allocates: `pinned`, `mapped` into the GPU, or `managed`, which migrates on touch."""
    owner: Cupy
    if kind == "managed":
        free = int(cupy.cuda.runtime.memGetInfo()[0])
        if nbytes > free:  # beyond it every touch would evict another page
            raise Skip("needs_memory", f"{text.size(nbytes)} of managed memory; the GPU has {text.size(free)} free")
        owner = cupy.cuda.ManagedMemory(nbytes)
    else:
        owner = cupy.cuda.PinnedMemory(nbytes, cupy.cuda.runtime.hostAllocMapped if kind == "mapped" else 0)
    buffer = (ctypes.c_uint8 * nbytes).from_address(int(owner.ptr))
    buffer._owner = owner  # type: ignore[attr-defined]  # a view alone keeps the memory
    array = np.ctypeslib.as_array(buffer)
    array.fill(1)
    return HostBuffer(kind, nbytes, array, owner, reachable=kind != "pinned")


def allocate(shape: Shape, dtype: Dtype) -> DeviceArray:
    """A device array in a cudaMalloc of its own."""
    kind = storable(dtype)
    memory = cupy.cuda.Memory(max(1, elements(shape) * kind.itemsize))
    array: DeviceArray = cupy.ndarray(shape, dtype=kind, memptr=cupy.cuda.MemoryPointer(memory, 0))
    return array


def elements(shape: Shape) -> int:
    """How many elements an array of this shape has."""
    return int(np.prod(shape, dtype=np.int64))


def storable(dtype: Dtype) -> Dtype:
    """The dtype as CuPy holds it: bfloat16 as uint16, since kernels name their types themselves."""
    return np.dtype(np.uint16) if dtype.name == "bfloat16" else dtype


def random(count: int, dtype: Dtype, rng: np.random.Generator) -> np.ndarray:
    """Random finite host data: floats in [0.5, 1.5), integers of all bits; bfloat16 as uint16."""
    if dtype.kind in "iu":
        return rng.integers(0, 256, count * dtype.itemsize, dtype=np.uint8).view(dtype)
    made = rng.random(count) + 0.5 if dtype.itemsize == 8 else rng.random(count, dtype=np.float32) + np.float32(0.5)
    return np.asarray(made.astype(dtype)).view(storable(dtype))


def address(what: Any) -> int:
    """The address of a host buffer, a device or host array, or an address itself."""
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
