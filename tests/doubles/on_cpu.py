"""CUDA C++ sources as CPU code: built by g++ with `cuda_on_cpu.h`, launched through ctypes as CUDA would.

`Module(source).launch("copy", grid, block, [a, b, np.int64(n)])`: arrays are passed by their address, scalars by
their bytes, and both are held against the kernel's parameters, since a GPU would take whatever lies there.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
# Set in the environment: build with AddressSanitizer and UBSan; the directory that processes and environments share.
SANITIZE, BUILD = "CUDA_ON_CPU_SANITIZE", "CUDA_ON_CPU_BUILD"
KERNEL = re.compile(r"""extern\s+"C"\s+__global__\s+(?:\w+\s*\([^)]*\)\s+)?void\s+(?:\w+\s*\([^)]*\)\s+)?(\w+)\s*\(""")
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[^\n]*", re.M)
DYNAMIC = re.compile(r"\bextern\s+__shared__\s+(?:__align__\s*\(\s*\d+\s*\)\s*)?([\w ]+?)\s*(\w+)\s*\[\s*\]\s*;")
FLAGS = (
    "-std=c++17", "-O1", "-shared", "-fPIC", "-Wall", "-Wno-unknown-pragmas", "-Wno-unused", "-Wno-sign-compare",
    "-fvisibility=hidden",  # each module has its own scheduler and shared memory
    "-ffp-contract=off",  # an FMA is what the source writes as one: answers agree to the bit
    "-U_FORTIFY_SOURCE",  # whose longjmp refuses to change the stack
    "-fno-strict-aliasing",  # kernels read float arrays as float4
)  # fmt: skip
SANITIZERS = (
    "-DCOC_ASAN", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fsanitize-sections=cuda_shared",
    "-fno-omit-frame-pointer", "-g", "-O0",
)  # fmt: skip


def lacking() -> str:
    """Why sources cannot be run here; "" where they can."""
    return "" if shutil.which("g++") else "needs g++ (Debian: apt install g++)"


WRAPPER = """
extern "C" __attribute__((visibility("default"))) const char* coc_launch_KERNEL(
    const unsigned* grid, const unsigned* block, size_t shared, int reverse, int together, void** values) {
    return cuda_on_cpu::launch(grid, block, shared, reverse, together, kernel::KERNEL, values);
}
extern "C" __attribute__((visibility("default"))) int coc_parameters_KERNEL(int* sizes, char* kinds) {
    return cuda_on_cpu::parameters(kernel::KERNEL, sizes, kinds);
}
"""


class LaunchError(RuntimeError):
    """What a launch reports: a barrier that not all threads reach, a deadlock, arguments that do not fit."""


class Module:
    """A source built for the CPU; `name` stands in messages and sanitizer reports.

    `only`: of its kernels those that are launched; g++ drops the others before it optimizes them.
    """

    def __init__(self, source: str, name: str = "kernel.cu", only: Collection[str] = ()) -> None:
        self.kernels = [kernel for kernel in kernels(source) if not only or kernel in only]
        self.library = ctypes.CDLL(str(_build(source, tuple(self.kernels), name, bool(os.environ.get(SANITIZE)))))

    def parameters(self, kernel: str) -> list[tuple[str, int]]:
        """For each parameter its kind (`p`ointer, `f`loat, `i`nteger, `s`truct) and its bytes."""
        sizes, kinds = (ctypes.c_int * 64)(), ctypes.create_string_buffer(64)
        count = getattr(self.library, f"coc_parameters_{kernel}")(sizes, kinds)
        return list(zip(kinds.raw[:count].decode(), sizes[:count], strict=True))

    def launch(
        self,
        kernel: str,
        grid: int | Sequence[int],
        block: int | Sequence[int],
        arguments: Sequence[Any],
        *,
        shared: int = 0,
        reverse: bool = False,
        cooperative: bool = False,
    ) -> None:
        """Run a kernel to its end; `reverse`: later blocks and threads first, which no right kernel notices."""
        wanted = self.parameters(kernel)
        if len(wanted) != len(arguments):
            raise LaunchError(f"{kernel} takes {len(wanted)} arguments, not {len(arguments)}")
        held = [
            _argument(f"{kernel}, argument {i}", *fact) for i, fact in enumerate(zip(wanted, arguments, strict=True))
        ]
        values = (ctypes.c_void_p * max(1, len(held)))(*(ctypes.addressof(one) for one in held))
        function = getattr(self.library, f"coc_launch_{kernel}")
        function.restype = ctypes.c_char_p
        shape = ctypes.c_uint * 3
        error = function(
            shape(*_three(grid)), shape(*_three(block)), ctypes.c_size_t(shared), reverse, cooperative, values
        )
        if error:
            raise LaunchError(f"{kernel}: {error.decode()}")


@functools.cache
def kernels(source: str) -> list[str]:
    """The names of the kernels that a source defines, those made by its macros too."""
    command = ["g++", "-E", "-P", "-x", "c++", "-"]
    done = subprocess.run(command, input=INCLUDE.sub("", source), capture_output=True, text=True, check=True)
    return KERNEL.findall(done.stdout)


def _three(shape: int | Sequence[int]) -> Sequence[int]:
    given = (shape,) if isinstance(shape, int) else tuple(shape)
    return (*given, 1, 1)[:3]


def _argument(where: str, wanted: tuple[str, int], value: Any) -> Any:
    kind, size = wanted
    if isinstance(value, np.ndarray):
        if kind != "p":
            raise LaunchError(f"{where} is an array where the kernel takes a scalar")
        return ctypes.c_void_p(value.ctypes.data)
    if not isinstance(value, np.generic):
        raise LaunchError(f"{where} is a {type(value).__name__}: pass a NumPy scalar, whose size is certain")
    if kind == "p":
        raise LaunchError(f"{where} is a scalar where the kernel takes a pointer")
    given = "f" if value.dtype.kind == "f" else "i"
    if value.dtype.itemsize != size or given != kind:
        raise LaunchError(f"{where} is {value.dtype} where the kernel takes {size} bytes of kind '{kind}'")
    return (ctypes.c_char * size).from_buffer_copy(value.tobytes())


@functools.cache
def directory() -> Path:
    """Where modules are built: a directory of this process's own, unless one is given."""
    if given := os.environ.get(BUILD):
        Path(given).mkdir(parents=True, exist_ok=True)
        return Path(given)
    made = tempfile.mkdtemp(prefix="cuda-on-cpu-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


@functools.cache
def _given() -> bytes:
    """What every build depends on beside its source and flags: the compiler and the headers."""
    version = subprocess.run(["g++", "--version"], capture_output=True, check=True).stdout
    return version + b"".join(header.read_bytes() for header in sorted(HERE.rglob("*.h")))


def compiled(text: str, flags: Sequence[str], name: str, ending: str = ".so") -> Path:
    """What g++ makes of a text, built once: the same text, flags, headers and compiler give the same file.

    RuntimeError with g++'s words, which call the text `name`.
    """
    digest = hashlib.sha256(repr((text, tuple(flags))).encode() + _given()).hexdigest()[:16]
    made = directory() / f"{digest}{ending}"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=directory()) as scratch:
            code, part = Path(scratch, "code.cpp"), Path(scratch, "made")
            code.write_text(text)
            done = subprocess.run(["g++", *flags, str(code), "-o", str(part)], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{name} does not compile for the CPU:\n{done.stderr[:4000]}")
            part.replace(made)  # in one step: another process may build the same
    return made


@functools.cache
def headed(flags: tuple[str, ...]) -> tuple[str, ...]:
    """The flags, and what includes `cuda_on_cpu.h` and links `cuda_on_cpu.cpp`, both compiled once for them."""
    header = (HERE / "cuda_on_cpu.h").read_text()
    made = compiled(header, (*flags, "-x", "c++-header"), "cuda_on_cpu.h", ".h.gch")
    made.with_suffix("").touch()  # g++ takes the compiled header where a header of this name could lie
    source = (HERE / "cuda_on_cpu.cpp").read_text()
    # Itself unchecked: it makes a kernel that is checked no slower than it has to be.
    defined = (flag for flag in flags if flag.startswith("-D"))
    linked = compiled(source, (*FLAGS, *defined, "-c", f"-I{HERE}"), "cuda_on_cpu.cpp", ".o")
    return (*flags, "-include", str(made.with_suffix("")), f"-I{HERE}", str(linked))


@functools.cache
def _build(source: str, launched: tuple[str, ...], name: str, sanitize: bool) -> Path:
    plain = DYNAMIC.sub(r"\1* \2 = reinterpret_cast<\1*>(cuda_on_cpu::dynamic_shared());", source)
    wrappers = "\n".join(WRAPPER.replace("KERNEL", kernel) for kernel in launched)
    # A namespace of their own, since a kernel may be called as a function of the C library is (`link`).
    plain = INCLUDE.sub("", plain).replace('extern "C"', "")
    headers = "\n".join(INCLUDE.findall(source))
    text = f"""{headers}
namespace kernel {{ namespace {{
#line 1 "{name}"
{plain}
}} }}
#line 1 "wrappers"
{wrappers}
"""
    flags = headed((*FLAGS, *(SANITIZERS if sanitize else ())))
    return compiled(text, flags, name)
