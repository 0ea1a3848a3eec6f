"""Numba's pool of threads: how many, on which layer. Kept in the cache, since Numba takes half a second to import."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from .. import cache
from ..errors import UsageError
from ..record import files
from ..record.phrases import counted
from ..record.threads import startable
from . import openmp, system
from .pseudo_files import ranges, read_text
from .variables import variables

TRIED = 256  # threads that are started to see whether the system does: limits are mostly lower, and 5000 take 6 s
LARGEST = 2**16  # bytes; a file has some hundred


class ThreadPool(msgspec.Struct, frozen=True):
    """The threads of the pool, the layer that starts them (tbb, omp or workqueue), and where OpenMP binds them."""

    threads: int
    layer: str
    places: tuple[tuple[int, ...], ...] = ()


class _Kept(msgspec.Struct, frozen=True):
    depends: str
    pool: ThreadPool


def started() -> ThreadPool:
    """The pool of this process. It is started if it was not: its layer is unknown before."""
    import numba

    room(min(TRIED, int(numba.config.NUMBA_NUM_THREADS) - 1))  # type: ignore[attr-defined,unused-ignore]
    layer = openmp.layer()
    return ThreadPool(numba.get_num_threads(), layer, tuple(map(tuple, openmp.places())))


@functools.cache
def room(threads: int) -> None:
    """Raise UsageError where the system does not start so many more threads: OpenMP would end the process."""
    started = startable(threads)
    if started < threads:
        needed = counted(threads, "more thread")
        raise UsageError(
            f"Numba's pool needs {needed}, and the system starts {started}: raise the limit on processes (ulimit "
            f"-u, pids.max of the cgroup, Docker's --pids-limit), or set NUMBA_NUM_THREADS={started + 1}"
        )


def kept(path: Path | None = None) -> ThreadPool:
    """The pool that an earlier process found with the same packages, variables and CPUs; else that of this process.

    A TBB that the system's package manager installs is not noticed; one from pip is.
    """
    path = path or cache.directory("numba-pool.json")
    depends = _depends()
    with suppress(OSError, msgspec.MsgspecError):
        found = msgspec.json.decode(files.read(path, LARGEST), type=_Kept)
        if found.depends == depends:
            return found.pool
    pool = started()
    with suppress(OSError):  # where it cannot be kept, the next process starts it anew
        files.keep(msgspec.json.encode(_Kept(depends, pool)), path)
    return pool


def _depends() -> str:
    """The digest of what the pool depends on."""
    from importlib.metadata import PackageNotFoundError, version

    packages = []
    for name in ("numba", "llvmlite", "tbb"):
        with suppress(PackageNotFoundError):
            packages.append(f"{name} {version(name)}")
    # Whole values: those that a run file keeps are cut, and of paths they have the file's name alone.
    set_to = [f"{name}={os.environ.get(name)}" for name in (*variables(os.environ), "LD_LIBRARY_PATH")]
    settings = read_text(Path(".numba_config.yaml"))  # Numba reads it where a process starts
    parts = [sys.prefix, sys.version, ranges(system.read_host().allowed), settings, *packages, *set_to]
    return hashlib.sha256(repr(parts).encode(errors="surrogateescape")).hexdigest()
