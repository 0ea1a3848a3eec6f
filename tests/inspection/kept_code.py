"""What LLVM made of each kernel, kept when it is compiled: a kernel that comes from Numba's cache has no text.

From `keep` on, the LLVM IR of every kernel lies beside the kernel cache. So a test that reads machine code compiles
nothing that another test has compiled, in whichever of pytest's processes.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core import event
from numba.core.registry import cpu_target

from hwbench.kernels import compiling


class _Keeper(event.Listener):
    """Writes the IR of each kernel that was compiled."""

    def on_start(self, event: event.Event) -> None:
        pass

    def on_end(self, event: event.Event) -> None:
        kernel, signature = event.data["dispatcher"], tuple(event.data["args"])
        if signature in kernel.overloads and not kernel.targetoptions.get("parallel"):
            _write(_path(kernel, signature), kernel.inspect_llvm(signature))


@functools.cache
def keep() -> None:
    """Keep the IR of what is compiled from now on."""
    event.register("numba:compile", _Keeper())


def ir(kernel: Any, signature: Sequence[Any]) -> str:
    """The LLVM IR of a kernel for these types of arguments, on one thread where it is parallel."""
    keep()
    signature = tuple(signature)
    path = _path(kernel, signature)
    if not path.exists() and not kernel.targetoptions.get("parallel"):
        kernel.compile(signature)
    if not path.exists():  # on one thread; or it came from the cache, into which a process put it that keeps no IR
        numba.jit(**_options(kernel))(kernel.py_func).compile(signature)
    return path.read_text("utf-8")


def assembly(kernel: Any, signature: Sequence[Any]) -> str:
    """The same as assembly for this machine, by Numba's own code generator."""
    machine = cpu_target.target_context.codegen()._tm
    return str(machine.emit_assembly(llvm.parse_assembly(ir(kernel, signature))))


def _options(kernel: Any) -> dict[str, Any]:
    return {name: value for name, value in kernel.targetoptions.items() if name != "parallel"}


def _path(kernel: Any, signature: tuple[Any, ...]) -> Path:
    """The file of a kernel's IR: by its source, what it closes over, its options and the types of its arguments."""
    function = kernel.py_func
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    options = sorted((name, value) for name, value in _options(kernel).items() if value and name != "nopython")
    what = (function.__module__, function.__qualname__, _source(function.__code__.co_filename), held, options)
    return _folder() / f"{hashlib.sha256(f'{what} {signature}'.encode()).hexdigest()[:24]}.ll"


def _write(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)  # in one step: another process may write the same


@functools.cache
def _source(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if Path(file).exists() else file


@functools.cache
def _folder() -> Path:
    processor = f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
    name = f"ir-{hashlib.sha256(processor.encode()).hexdigest()[:16]}"
    folder = Path(compiling.kernel_cache() or tempfile.mkdtemp(), name)
    folder.mkdir(exist_ok=True)
    return folder
