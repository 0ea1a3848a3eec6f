"""How kernels are compiled: on their first call, without the GIL, into a cache on disk for the next process."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import pickle
import re
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
from . import inlined

Kernel: TypeAlias = Callable[..., Any]
"""A compiled function: Numba finds the type of its result by those of its arguments, which no annotation says."""

F = TypeVar("F", bound=Kernel)
config: Any = numba.config  # set up as it is imported, so that its type says nothing

# Of Numba's settings those that change no code for a CPU: places, threads, colours, CUDA. New ones count as changes.
UNRELATED = re.compile(r"(_|CACHE_|CUDA_|NUMBA_|THREADING_LAYER|COLOR_SCHEME)\w*")

DIGEST = hashlib.sha256().digest_size

Option: TypeAlias = bool | str | set[str] | type[Compiler]


@overload
def compiled(function: F, /) -> F: ...
@overload
def compiled(**options: Option) -> Callable[[F], F]: ...
def compiled(function: F | None = None, /, **options: Any) -> F | Callable[[F], F]:
    """Compile a kernel on its first call: without the GIL, and kept on disk for the next process.

    `options` are those of `numba.jit` (`parallel=True`, `fastmath=True` …). Where no directory can be written, kernels
    are compiled anew in each process. The function must not close over instructions, which Numba's cache cannot tell
    apart; module-level names, integers and strings are fine. A kernel outside of hwbench is compiled anew, too, where a
    function or a constant has changed that it takes from another file.
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


class _Private(caching.UserProvidedCacheLocator):
    """A folder for the kernels of a source file that no other user can write to, whatever the umask is."""

    def ensure_cache_path(self) -> None:
        """Make the folder."""
        numba_s: Any = super()
        Path(self._cache_path).mkdir(mode=0o700, parents=True, exist_ok=True)
        numba_s.ensure_cache_path()


class _Files(caching.CompileResultCacheImpl):
    """The files of a kernel, in the kernel cache or nowhere: Numba may else choose a directory beside the source."""

    _locator_classes: list[type[object]] = [_Private]  # noqa: RUF012


class _Sealed(caching.IndexDataCacheFile):
    """Files of kernels that begin with the digest of the rest: damaged machine code would end the process."""

    def _load_index(self) -> dict[object, str]:
        path = Path(self._index_path)
        if not path.exists():
            return {}
        version, stamp, overloads = pickle.loads(_unsealed(path))  # noqa: S301 - written by this user, and whole
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[object, str]) -> None:
        self._save(self._index_path, (self._version, self._source_stamp, overloads))

    def _load_data(self, name: str) -> object:
        return pickle.loads(_unsealed(Path(self._cache_path, name)))  # noqa: S301 - as above

    def _save_data(self, name: str, data: object) -> None:
        self._save(str(Path(self._cache_path, name)), data)

    def _save(self, path: str, content: object) -> None:
        numba_s: Any = self
        data = numba_s._dump(content)
        with numba_s._open_for_write(path) as file:
            Path(file.name).chmod(0o600)  # whatever the umask is
            file.write(hashlib.sha256(data).digest() + data)


def _unsealed(path: Path) -> bytes:
    """What a file of the cache holds; ValueError where it is damaged or could be another user's."""
    if who := cache.strangers(path) or cache.strangers(path.parent):
        raise ValueError(who)
    if not path.is_file():
        raise ValueError("is no file")
    data = path.read_bytes()
    if hashlib.sha256(data[DIGEST:]).digest() != data[:DIGEST]:
        raise ValueError("is damaged")
    return data[DIGEST:]


class _Cache(caching.FunctionCache):
    """Numba's cache of a function, without errors: a kernel is compiled where its file cannot be read or written."""

    _impl_class = _Files

    def __init__(self, function: Kernel) -> None:
        numba_s: Any = super()
        numba_s.__init__(function)
        found: Any = self._cache_file
        self._cache_file = _Sealed(found._cache_path, self._impl.filename_base, found._source_stamp)  # type: ignore[no-untyped-call,unused-ignore]
        self._function = function

    def _index_key(self, sig: object, codegen: object) -> tuple[object, ...]:
        """Numba's key, which has the processor and its features, Numba's settings now, and what is inlined."""
        numba_s: Any = super()
        return (*numba_s._index_key(sig, codegen), settings(), inlined.digest(self._function))

    def load_overload(self, sig: object, target_context: object) -> object:
        """Load a kernel; None where its file is missing, cut off or damaged."""
        numba_s: Any = super()
        try:
            return numba_s.load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001 - unpickling and LLVM raise anything
            cache.aside(Path(self._cache_path).parent, f"a kernel's file cannot be used ({error})")
            return None

    def save_overload(self, sig: object, data: object) -> None:
        """Save a kernel in place of an unreadable one; a damaged index of a function's kernels is begun anew."""
        numba_s: Any = super()
        try:
            numba_s.save_overload(sig, data)
        except Warning:  # raised where warnings are errors: this kernel cannot be cached
            raise
        except OSError as error:
            cache.aside(Path(self._cache_path).parent, f"kernels cannot be kept ({error.strerror})")
        except Exception:  # noqa: BLE001 - as above
            with contextlib.suppress(OSError, ValueError):  # ValueError: the folder is not to be used at all
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


def settings() -> str:
    """A digest of Numba's settings that may change code: NUMBA_* variables, `.numba_config.yaml`, `numba.config`."""
    names = sorted(name for name in vars(config) if name.isupper() and not UNRELATED.fullmatch(name))
    return hashlib.sha256(repr([(name, getattr(config, name)) for name in names]).encode()).hexdigest()[:16]


@functools.cache
def kernel_cache() -> Path | None:
    """The directory of compiled kernels; None if it cannot be written.

    Numba notices a changed file of kernels, but not when a file changed whose functions it inlines: this package and
    the benches' helpers (`benches/**/_*.py`). Nor does it notice settings of its own that change the code, or another
    LLVM. So the directory's name is a hash of all these. It lies in NUMBA_CACHE_DIR, else in the user's cache
    directory, and is used only where no other user could have put code there.
    """
    here = Path(__file__).parent
    inlined = [*sorted(here.glob("*.py")), *sorted(here.parent.glob("benches/**/_*.py"))]
    compiler = repr((numba.__version__, llvmlite.__version__, settings()))
    contents = hashlib.sha256(b"".join([*(path.read_bytes() for path in inlined), compiler.encode()])).hexdigest()[:16]
    root = Path(config.CACHE_DIR or cache.directory())
    directory = root / f"kernels-{contents}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
        who = cache.strangers(directory)
    except OSError as error:
        who = f"cannot be written ({error.strerror})"
    if who:
        cache.aside(directory, who)
    return None if who else directory
