"""Numba functions with counters in their optimised code: compiled, loaded beside the original, and run."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from .inputs import Function
from .llvm_ir import Instrumented, instrument

if TYPE_CHECKING:
    from numba.core.codegen import CodeLibrary, JitEngine

_UNIQUE = itertools.count()
_HIGHEST = np.uint64(2**64 - 1)


class Compiled:
    """A Numba function, compiled for some types, with counters in its code."""

    def __init__(self, name: str, dispatcher: Any, args: Sequence[object]) -> None:
        self.name = name
        self.call, self.program, self.engine, self.library = _instrumented(name, dispatcher, args)
        self.parallel = bool(dispatcher.targetoptions.get("parallel"))
        self.address = self.engine.get_global_value_address(self.program.symbol)
        self.counters = _words(self.address, self.program.slots)

    def run(self, args: Sequence[object]) -> object:
        """The result of a call on one thread, counted from zero."""
        import numba

        self.counters[:] = 0
        self.counters[self.program.lows] = _HIGHEST
        threads = numba.get_num_threads()
        try:
            numba.set_num_threads(1)
            return self.call(*args)
        finally:
            numba.set_num_threads(threads)

    def constants(self) -> list[tuple[int, int]]:
        """First and last addresses of the arrays that lie in the code."""
        sizes = [size for _, size in self.program.constants]
        if not sizes:
            return []
        table = _words(self.engine.get_global_value_address(f"{self.program.symbol}.constants"), len(sizes))
        return [(int(low), int(low) + size) for low, size in zip(table, sizes, strict=True)]


def _words(address: int, count: int) -> npt.NDArray[np.uint64]:
    return np.ctypeslib.as_array((ctypes.c_uint64 * count).from_address(address))


def _instrumented(
    name: str, dispatcher: Any, args: Sequence[object]
) -> tuple[Function, Instrumented, JitEngine, CodeLibrary]:
    """A function compiled for these arguments, with counters: its engine and its library have the addresses."""
    import llvmlite.binding as llvm
    import numba
    from numba import _dynfunc  # type: ignore[attr-defined]
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:
        try:
            types = tuple(dispatcher.typeof_pyval(one) for one in args)
            cached = any(getattr(one.library, "_disable_inspection", False) for one in dispatcher.overloads.values())
            if cached or not dispatcher._can_compile:  # read from a cache without its code, or of given signatures
                options = {option: value for option, value in dispatcher.targetoptions.items() if option != "cache"}
                dispatcher = numba.jit(**options)(dispatcher.py_func)
            dispatcher.compile(types)
            compiled = dispatcher.overloads[types]
        except Exception as error:  # noqa: BLE001 - of whatever kind, it is the compiler's
            raise UsageError(f"{name} cannot be compiled: {' '.join(str(error).split())[:200]}") from None
        unique = str(next(_UNIQUE))
        program = instrument(compiled.library.get_llvm_str(), unique)
        codegen = compiled.library.codegen
        module = llvm.parse_assembly(program.text)
        module.verify()
        library = codegen.unserialize_library((f"hwbench.{unique}", "bitcode", module.as_bitcode()))
        engine = codegen._engine
        wrapper = program.names[f"@{compiled.fndesc.llvm_cpython_wrapper_name}"].strip('@"')
        address = engine.get_function_address(wrapper)  # from here on globals have addresses
        for old_name, renamed in program.names.items():
            if old_name.strip('@"').startswith("_ZN08NumbaEnv"):
                old, new = (engine.get_global_value_address(one.strip('@"')) for one in (old_name, renamed))
                if old and new:
                    ctypes.c_void_p.from_address(new).value = ctypes.c_void_p.from_address(old).value
        call = _dynfunc.make_function(
            compiled.fndesc.lookup_module(), name, "", address, compiled.environment, (library,)
        )
    return call, program, engine, library
