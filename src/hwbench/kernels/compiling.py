"""How kernels are compiled: on their first call, without the GIL, into a cache on disk for the next process."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, overload

import llvmlite
import numba
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager

from .. import cache

Kernel: TypeAlias = Callable[..., Any]
"""A compiled function: Numba finds the type of its result by those of its arguments, which no annotation says."""

F = TypeVar("F", bound=Kernel)
config: Any = numba.config  # set up as it is imported, so that its type says nothing

# NUMBA_* variables that change what is compiled; the processor and its features are in Numba's own key.
SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "ENABLE_AVX", "BOUNDSCHECK")

Option: TypeAlias = bool | str | set[str] | type[Compiler]


@overload
def compiled(function: F, /) -> F: ...
@overload
def compiled(**options: Option) -> Callable[[F], F]: ...
def compiled(function: F | None = None, /, **options: Any) -> F | Callable[[F], F]:
    """Compile a kernel on its first call: without the GIL, and kept on disk for the next process.

    `options` are those of `numba.jit` (`parallel=True`, `fastmath=True` …). Where no directory can be written, kernels
    are compiled anew in each process. The function must not close over instructions, which Numba's cache cannot tell
    apart; module-level names, integers and strings are fine.
    """
    if function is None:
        return functools.partial(compiled, **options)
    directory = kernel_cache()
    before = config.CACHE_DIR
    try:
        # Numba reads this only while it decorates: the cache of the user's own functions stays where it is.
        config.CACHE_DIR = str(directory or "")
        return numba.jit(**{"nogil": True, "cache": directory is not None} | options)(function)
    finally:
        config.CACHE_DIR = before


class _Restricted(Compiler):
    """Numba's compiler with `noalias`, for which `numba.jit` has no option."""

    def define_pipelines(self) -> list[PassManager]:
        """Set the flag before anything is lowered."""
        self.state.flags.noalias = True
        return super().define_pipelines()  # type: ignore[no-untyped-call,unused-ignore]


def restrict(function: F) -> F:
    """Inline a function into each kernel that calls it, with C's `restrict` on its arrays.

    No array that it writes may overlap another argument. So LLVM needs no run-time overlap checks before a loop, and
    vectorizes also where there are too many arrays to check.
    """
    return compiled(forceinline=True, pipeline_class=_Restricted)(function)


@functools.cache
def kernel_cache() -> Path | None:
    """The directory of compiled kernels; None if it cannot be written.

    Numba notices a changed file of kernels, but not when a file changed whose functions it inlines: this package and
    the benches' helpers (`benches/**/_*.py`). Nor does it notice settings of its own that change the code, or another
    LLVM. So the directory's name is a hash of all these. It lies in NUMBA_CACHE_DIR, else in the user's cache
    directory.
    """
    here = Path(__file__).parent
    inlined = [*sorted(here.glob("*.py")), *sorted(here.parent.glob("benches/**/_*.py"))]
    settings = repr((llvmlite.__version__, *(getattr(config, name, None) for name in SETTINGS)))
    contents = hashlib.sha256(b"".join([*(path.read_bytes() for path in inlined), settings.encode()])).hexdigest()[:16]
    root = Path(config.CACHE_DIR or cache.directory())
    directory = root / f"kernels-{contents}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError:
        return None
    return directory
