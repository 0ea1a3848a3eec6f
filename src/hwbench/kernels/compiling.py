"""How kernels are compiled: on their first call, without the GIL, into a cache on disk for the next process."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast, overload

import llvmlite
import numba
from numba.core import caching
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager

from .. import cache

Kernel: TypeAlias = Callable[..., Any]
"""A compiled function: Numba finds the type of its result by those of its arguments, which no annotation says."""

F = TypeVar("F", bound=Kernel)
config: Any = numba.config  # set up as it is imported, so that its type says nothing

# NUMBA_* variables that change what is compiled; the processor and its features are in Numba's own key.
SETTINGS = (
    "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "ENABLE_AVX", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "ENABLE_PROFILING",
    "EXTEND_VARIABLE_LIFETIMES", "DISABLE_INTEL_SVML", "LLVM_REFPRUNE_PASS", "LLVM_REFPRUNE_FLAGS",
)  # fmt: skip

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
    kernel: Any = numba.jit(**{"nogil": True} | options)(function)
    directory = kernel_cache()
    before = {name: getattr(config, name, "") for name in ("CACHE_DIR", "CACHE_LOCATOR_CLASSES")}
    try:
        # Numba reads these only while a cache is made: the cache of the user's own functions stays where it is.
        config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = str(directory or ""), ""
        with contextlib.suppress(RuntimeError):  # there is no place for kernels of this file
            kernel._cache = _Cache(function)  # type: ignore[no-untyped-call,unused-ignore]
    finally:
        vars(config).update(before)
    return cast(F, kernel)


class _Files(caching.CompileResultCacheImpl):
    """The files of a kernel, in the kernel cache or nowhere: Numba may else choose a directory beside the source."""

    _locator_classes: list[type[object]] = [caching.UserProvidedCacheLocator]  # noqa: RUF012


class _Cache(caching.FunctionCache):
    """Numba's cache of a function, without errors: a kernel is compiled where its file cannot be read or written."""

    _impl_class = _Files

    def load_overload(self, sig: object, target_context: object) -> object:
        """Load a kernel; None where its file is missing, cut off or damaged."""
        numba_s: Any = super()
        try:
            return numba_s.load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - unpickling and LLVM raise anything
            return None

    def save_overload(self, sig: object, data: object) -> None:
        """Save a kernel in place of an unreadable one; a damaged index of a function's kernels is begun anew."""
        numba_s: Any = super()
        try:
            numba_s.save_overload(sig, data)
        except Warning:  # raised where warnings are errors: this kernel cannot be cached
            raise
        except OSError:
            pass
        except Exception:  # noqa: BLE001 - as above
            with contextlib.suppress(OSError):
                numba_s.flush()
                numba_s.save_overload(sig, data)


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
