"""What GPU benches share: the shape of a launch, numbers that round nowhere, what is sent and what is not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..bench import Skip, Work
from ..kernels.cuda import toolkit
from ..protocols import Array, Call, DeviceArray, Dtype, Gpu, OpenCl
from ..record.model import Scalar

T = TypeVar("T")

BLOCK = 256  # threads: eight warps; every card fits several such blocks on a multiprocessor
WARP = 32
SECTOR = 32  # bytes: the least that memory moves
TILE = 2**20  # elements that are sent once and repeated on the device
SMALL = 256  # whole numbers below this: sums of 1024 stay below 2²⁴, so that nothing rounds in float32

# x = UP·x + B; x = DOWN·x + E is a pair of operations that adds STEP to x. Nothing rounds in any precision down to half
# as long as x is a multiple of STEP below 1, so that results can be compared bit by bit, and a missing step shows.
STEP = 2.0**-11
UP, DOWN, B = 2.0, 0.5, 0.25
E = STEP - B / 2
START = 0.25  # x begins below this; 1024 pairs bring it up by 1/2
PAIRS = 1024  # in a pass, which first subtracts what its pairs add, less one STEP
BACK = -(PAIRS - 1) * STEP
UNROLLED = 32  # pairs in the body of the loop of device/peak.cu
SEEDS = 1024  # starts of chains, as in device/peak.cu


# --- launches ---------------------------------------------------------------------------------------------------------


def blocks(device: Gpu, topic: str, kernel: str) -> int:
    """As many blocks as the GPU holds at a time: one wave, so that no multiprocessor waits at the end."""
    return int(device.properties.sm * device.resident(topic, kernel, BLOCK))


def times(call: Call, count: int) -> Callable[[], None]:
    """`count` calls in one."""

    def repeat() -> None:
        for _ in range(count):
            call()

    return repeat


def in_a_graph(device: Gpu, call: Call) -> Callable[[], None]:
    """What starts a CUDA graph of what `call` launches; it is called once before, so that its kernels are loaded."""
    call()
    device.synchronize()
    stream = device.stream
    stream.begin_capture()
    try:
        call()
    finally:
        captured = stream.end_capture()
    return lambda: captured.launch(stream=stream)


def cold(device: Gpu, launch: Call, to: DeviceArray, footprint: int, sectors: int) -> Work:
    """The work of a launch that writes `to` and finds nothing in L2."""
    to[...] = np.float32(np.nan)
    facts = where(device, footprint, sectors=sectors)
    work: Work = device.timed(launch, output=lambda: device.get(to), cold=True, facts=facts)
    return work


# --- chains of multiply-adds ------------------------------------------------------------------------------------------


def chained(dtype: npt.DTypeLike, passes: int) -> tuple[np.generic, ...]:
    """The arguments passes, loops, b, e, one, back of a kernel of chains in `dtype`; halves go in pairs."""
    kind = np.dtype(dtype)
    values = np.array([B, E, 1, BACK], dtype=kind)
    if kind.itemsize == 2:
        values = np.repeat(values, 2).view(np.uint32)
    return (np.int32(passes), np.int32(PAIRS // UNROLLED), *values)


def known_chains(chains: int) -> None:
    """Skip where no kernel has so many."""
    if chains not in (1, 2, 4, 8):
        raise Skip("bad_value", f"the kernels have 1, 2, 4 or 8 chains, not {chains}")


def chain_flops(passes: int) -> float:
    """Operations of a chain: a fused multiply-add is two, a pair two multiply-adds, and a pass has one more."""
    return 2.0 * (2 * PAIRS + 1) * passes


def starts(rng: np.random.Generator, n: int, dtype: npt.DTypeLike, step: float = STEP) -> Array:
    """`n` random multiples of `step`, or finer where `dtype` has the digits, from 0 to START."""
    fine = step if np.dtype(dtype).itemsize == 2 else 2.0**-22
    return (rng.integers(0, int(START / fine), n) * fine).astype(dtype)


# --- arrays on the device ---------------------------------------------------------------------------------------------


def repeated(device: Gpu, tile: DeviceArray, n: int) -> DeviceArray:
    """`n` elements on the device: the device array `tile` over and over (see `numpy.resize`)."""
    whole = device.empty(n, tile.dtype)
    length = min(len(tile), n)
    full = n // length * length
    whole[:full].reshape(-1, length)[...] = tile[:length]
    whole[full:] = tile[: n - full]
    return whole


def sent(device: Gpu, host: Array) -> DeviceArray:
    """A copy of an array on the device, in its own type; Skip where CuPy does not compute in that (bfloat16)."""
    there = device.put(host)
    if there.dtype == host.dtype:
        return there
    if why := refused(device, host.dtype):
        raise Skip("unsupported", why)
    return there.view(host.dtype)


def fetched(device: Gpu, array: DeviceArray) -> Array:
    """A copy on the host, in the same type, once everything queued is done."""
    if array.dtype.name == "bfloat16":
        return device.get(array.view(np.uint16)).view(array.dtype)
    return device.get(array)


# --- what a card or an installation lacks -----------------------------------------------------------------------------


def needs_capability(device: Gpu, least: tuple[int, int], what: str) -> None:
    """Skip where the card is older than `least`."""
    have = tuple(device.properties.capability)
    if have < least:
        raise Skip(
            "gpu_lacks",
            f"needs {what} (compute capability {least[0]}.{least[1]}); this card has {have[0]}.{have[1]}",
        )


def library(device: Gpu, what: str, load: Callable[[], T]) -> T:
    """What `load` gives; Skip where the CUDA library it needs is not installed, with the remedy for this CUDA."""
    try:
        return load()
    except (ImportError, OSError, RuntimeError) as error:
        first = str(error).partition("\n")[0]
        remedy = toolkit(int(device.xp.cuda.runtime.runtimeGetVersion()) // 1000, what.lower())
        raise Skip("needs_library", f"needs {what}, which could not be loaded ({first}); {remedy}") from None


def cublas(device: Gpu) -> None:
    """Load cuBLAS, which multiplies CuPy's matrices; Skip where it is not installed."""
    library(device, "cuBLAS", lambda: device.xp.cuda.device.get_cublas_handle())


@functools.lru_cache(maxsize=8)
def refused(device: Gpu, dtype: Dtype) -> str:
    """Why CuPy does not compute in a type that the device's memory holds as bytes; "" where it does."""
    try:
        one = device.put(np.ones((2, 2), dtype)).view(dtype)
        fetched(device, device.xp.exp(one @ one) - one)
    except Exception as error:  # noqa: BLE001 - a library without the type may raise anything
        first = str(error).partition("\n")[0]
        return f"CuPy {device.xp.__version__} does not compute in {dtype.name} ({type(error).__name__}: {first})"
    return ""


# --- facts ------------------------------------------------------------------------------------------------------------


def where(device: Gpu | OpenCl, footprint: int, **more: Scalar) -> dict[str, Scalar]:
    """Facts: the bytes that a call touches, and the L2 that they may fit."""
    return {"footprint": footprint, "l2_bytes": device.properties.l2, **more}
