"""NVRTC by ctypes: CUDA C++ to a cubin for any architecture, with no GPU and no driver.

The library is that of the `nvidia-cuda-nvrtc` wheel, the very one that CuPy compiles with where it was installed by
pip; CuPy's own compiler asks for a device first.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class CompileError(RuntimeError):
    """The log of a source that does not compile."""


def wheels(pattern: str) -> list[Path]:
    """Files of NVIDIA's wheels, which share the namespace package `nvidia`."""
    try:
        import nvidia
    except ImportError:
        return []
    return sorted(path for root in nvidia.__path__ for path in Path(root).glob(pattern))


def _libraries() -> list[Path]:
    return [path for path in wheels("*/lib/libnvrtc.so.*") if "builtins" not in path.name and ".alt." not in path.name]


@functools.cache
def library() -> Any:
    """NVRTC, loaded."""
    nvrtc = ctypes.CDLL(str(_libraries()[-1]))
    nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
    return nvrtc


def lacking() -> str:
    """Why nothing can be compiled here; "" where it can."""
    return "" if _libraries() else "needs NVRTC: pip install 'cuda-toolkit[cudart,nvrtc]==13.*'"


def version() -> tuple[int, int]:
    """NVRTC's version, (13, 0) and later for the wheels that the tests ask for."""
    major, minor = ctypes.c_int(), ctypes.c_int()
    library().nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    return major.value, minor.value


def architectures() -> list[int]:
    """What this NVRTC compiles for: 75, 80 …"""
    count = ctypes.c_int()
    library().nvrtcGetNumSupportedArchs(ctypes.byref(count))
    values = (ctypes.c_int * count.value)()
    library().nvrtcGetSupportedArchs(values)
    return list(values)


def compile_source(source: str, arch: int, options: Sequence[str] = (), name: str = "kernel.cu") -> bytes:
    """The cubin of a source for `sm_<arch>`; CompileError with the compiler's log where it has an error."""
    nvrtc, program = library(), ctypes.c_void_p()
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), name.encode(), 0, None, None))
    try:
        given = [f"--gpu-architecture=sm_{arch}".encode(), *(option.encode() for option in (*options, *includes()))]
        failed = nvrtc.nvrtcCompileProgram(program, len(given), (ctypes.c_char_p * len(given))(*given))
        if failed:
            log = _fetch(program, "ProgramLog").decode(errors="replace")
            raise CompileError(f"{name} for sm_{arch}: {nvrtc.nvrtcGetErrorString(failed).decode()}\n{log}")
        return _fetch(program, "CUBIN")
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def includes() -> list[str]:
    """Where the headers of the runtime's wheel lie (`cuda_fp16.h` …), as options."""
    return [f"-I{path.parent}" for path in wheels("*/include/cuda_fp16.h")]


def _fetch(program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _check(getattr(library(), f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    buffer = ctypes.create_string_buffer(size.value)
    _check(getattr(library(), f"nvrtcGet{what}")(program, buffer))
    return buffer.raw


def _check(status: int) -> None:
    if status:
        raise RuntimeError(library().nvrtcGetErrorString(status).decode())
