"""The same CUDA C++ built ahead of time by nvcc, and timed as a C program times it: launches between two events.

`Native(build("device.stream", 90))` is a topic's source, compiled into a library beside a few lines that launch a
kernel again and again. It lives in this process and on CuPy's context, so that it is given the very arrays, grids and
arguments that a bench has built: what differs is who compiled the kernel, who launches it and who holds the watch.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from doubles import on_cpu
from hwbench.kernels import cuda
from inspection import nvrtc

# CuPy's own, where nvcc knows them: it takes functions without an execution space for the host's.
OPTIONS = (*cuda.OPTIONS, *(option for option in cuda.CUPY_OPTIONS if "execution-space" not in option))
EXTERN = re.compile(r'extern\s+"C"')

HOST = """
#include <cuda_runtime.h>

#define TRY(call) do { const cudaError_t status = (call); if (status != cudaSuccess) return status; } while (0)

namespace {
struct Watch {  // two events and a stream that waits for no other
    cudaEvent_t start = nullptr, stop = nullptr;
    cudaStream_t stream = nullptr;
    cudaError_t made() {
        TRY(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
        TRY(cudaEventCreate(&start));
        return cudaEventCreate(&stop);
    }
    ~Watch() {
        if (start) cudaEventDestroy(start);
        if (stop) cudaEventDestroy(stop);
        if (stream) cudaStreamDestroy(stream);
    }
};

// Milliseconds of `loops` calls between two events, after one that nobody times.
template <class Call> cudaError_t timed(int device, int loops, float* milliseconds, Call call) {
    TRY(cudaSetDevice(device));
    Watch watch;
    TRY(watch.made());
    TRY(call(watch.stream));
    TRY(cudaStreamSynchronize(watch.stream));
    TRY(cudaEventRecord(watch.start, watch.stream));
    for (int loop = 0; loop < loops; ++loop) TRY(call(watch.stream));
    TRY(cudaEventRecord(watch.stop, watch.stream));
    TRY(cudaEventSynchronize(watch.stop));
    return cudaEventElapsedTime(milliseconds, watch.start, watch.stop);
}
}

#define SHOWN extern "C" __attribute__((visibility("default")))
SHOWN const char* native_error(int status) { return cudaGetErrorString((cudaError_t)status); }

SHOWN int native_copy(int device, void* to, const void* from, size_t bytes, int loops, float* milliseconds) {
    return timed(device, loops, milliseconds,
                 [=](cudaStream_t stream) { return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream); });
}
"""
LAUNCH = """
SHOWN int native_KERNEL(int device, const unsigned* shape, void** arguments, size_t shared, int cooperative,
                        int loops, float* milliseconds) {
    const auto kernel = kernels::KERNEL;
    const dim3 grid(shape[0], shape[1], shape[2]), block(shape[3], shape[4], shape[5]);
    if (shared > 48 * 1024)
        TRY(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared));
    return timed(device, loops, milliseconds, [=](cudaStream_t stream) {
        return cooperative ? cudaLaunchCooperativeKernel(kernel, grid, block, arguments, shared, stream)
                           : cudaLaunchKernel(kernel, grid, block, arguments, shared, stream);
    });
}
"""


class NativeError(RuntimeError):
    """What the compiler or CUDA's runtime says."""


def compiler() -> str | None:
    """nvcc: on the PATH, in CUDA_HOME, where NVIDIA installs it, or of NVIDIA's wheel."""
    places = [Path(root, "bin", "nvcc") for root in (os.environ.get("CUDA_HOME"), "/usr/local/cuda") if root]
    known = [shutil.which("nvcc"), *map(str, places), *map(str, nvrtc.wheels("*/bin/nvcc"))]
    return next((one for one in known if one and os.access(one, os.X_OK)), None)


def lacking() -> str:
    """Why nothing can be built by nvcc here; "" where it can."""
    if compiler() is None:
        return "needs nvcc, the compiler of NVIDIA's CUDA toolkit"
    return on_cpu.lacking()


def text(topic: str) -> str:
    """The source of a topic with what launches its kernels; "" is copies alone.

    The kernels are in a namespace of their own, since one may be called as a function of the C library is (`link`).
    """
    if not topic:
        return HOST
    source = cuda.source(topic)
    launches = "\n".join(LAUNCH.replace("KERNEL", kernel) for kernel in on_cpu.kernels(source))
    return f'{HOST}\nnamespace kernels {{\n#line 1 "{topic}.cu"\n{EXTERN.sub("", source)}\n}}\n{launches}'


@functools.cache
def build(topic: str, arch: int, *, fast: bool = True) -> Path:
    """The library of a topic for `sm_<arch>`, built once, fast or built fast; NativeError with nvcc's words."""
    folder = on_cpu.directory()
    made = folder / f"{topic or 'copies'}-{arch}{'' if fast else '-plain'}.so"
    level = ("-O3",) if fast else ("-Xcicc=-O0", "-Xptxas=-O0")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        code = Path(scratch, f"{topic or 'copies'}.cu")
        code.write_text(text(topic))
        flags = (*level, "-shared", "-Xcompiler=-fPIC,-fvisibility=hidden", f"-arch=sm_{arch}", *OPTIONS)
        command = [str(compiler()), *flags, str(code), "-o", str(code.with_suffix(".so"))]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise NativeError(f"{topic}.cu for sm_{arch}: {(done.stderr or done.stdout)[:4000]}")
        code.with_suffix(".so").replace(made)
    return made


@functools.cache
def build_on_cpu(topic: str) -> Path:
    """The same library by g++, its kernels on fibers: whatever is not nvcc's or a GPU's can be tested anywhere."""
    try:
        return on_cpu.compiled(
            text(topic), (*on_cpu.headed(on_cpu.FLAGS), f"-I{on_cpu.HERE / 'runtime_on_cpu'}"), f"{topic}.cu"
        )
    except RuntimeError as error:
        raise NativeError(f"with its launches, {error}") from None


class Native:
    """The library of a topic; `device` is the GPU's number."""

    def __init__(self, library: Path, device: int = 0) -> None:
        self.library = ctypes.CDLL(str(library))
        self.library.native_error.restype = ctypes.c_char_p
        self.device = device

    def launched(
        self, kernel: str, grid: Sequence[int], block: Sequence[int], arguments: Sequence[Any], loops: int, *,
        shared: int = 0, cooperative: bool = False,
    ) -> float:  # fmt: skip
        """Seconds a launch takes, of `loops` one after the other; arguments as CuPy takes them."""
        held = [argument(one) for one in arguments]
        addresses = (ctypes.c_void_p * max(1, len(held)))(*(ctypes.addressof(one) for one in held))
        shape = (ctypes.c_uint * 6)(*three(grid), *three(block))
        call = getattr(self.library, f"native_{kernel}")
        return self._seconds(call, loops, shape, addresses, ctypes.c_size_t(shared), ctypes.c_int(cooperative))

    def copied(self, to: int, of: int, nbytes: int, loops: int) -> float:
        """Seconds a `cudaMemcpyAsync` takes, of `loops` one after the other; addresses of pinned or device memory."""
        ends = ctypes.c_void_p(to), ctypes.c_void_p(of)
        return self._seconds(self.library.native_copy, loops, *ends, ctypes.c_size_t(nbytes))

    def _seconds(self, call: Any, loops: int, *arguments: Any) -> float:
        milliseconds = ctypes.c_float()
        status = call(self.device, *arguments, loops, ctypes.byref(milliseconds))
        if status:
            raise NativeError(self.library.native_error(status).decode())
        return milliseconds.value * 1e-3 / loops


def three(shape: Sequence[int]) -> tuple[int, int, int]:
    """A grid or a block in three dimensions."""
    x, y, z = (*shape, 1, 1)[:3]
    return int(x), int(y), int(z)


def argument(value: Any) -> Any:
    """The bytes of a kernel's argument: those of a NumPy scalar, or the address of a device array."""
    if isinstance(value, np.generic):
        return (ctypes.c_char * value.dtype.itemsize).from_buffer_copy(value.tobytes())
    return ctypes.c_void_p(int(value.data.ptr))
