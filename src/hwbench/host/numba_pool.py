"""Numba's pool of threads: how many, on which layer. Kept in the cache, since Numba takes half a second to import."""

from __future__ import annotations

import functools
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

import msgspec

from .. import cache
from ..errors import UsageError
from ..record import files
from ..record.phrases import counted
from . import openmp, system
from .pseudo_files import ranges
from .variables import variables

LARGEST = 2**16  # bytes; a file has some hundred


class Pool(msgspec.Struct, frozen=True):
    """The threads of the pool, the layer that starts them (tbb, omp or workqueue), and where OpenMP binds them."""

    threads: int
    layer: str
    places: tuple[tuple[int, ...], ...] = ()


class _Kept(msgspec.Struct, frozen=True):
    depends: list[str]
    pool: Pool


def started() -> Pool:
    """The pool of this process. It is started if it was not: its layer is unknown before."""
    import numba

    room(int(numba.config.NUMBA_NUM_THREADS) - 1)  # type: ignore[attr-defined,unused-ignore]
    layer = openmp.layer()
    return Pool(numba.get_num_threads(), layer, tuple(map(tuple, openmp.places())))


@functools.cache
def room(threads: int) -> None:
    """Raise UsageError where the system does not start so many more threads: OpenMP would end the process."""
    gate = threading.Event()
    begun: list[threading.Thread] = []
    try:
        for _ in range(threads):
            thread = threading.Thread(target=gate.wait, daemon=True)
            thread.start()
            begun.append(thread)
    except RuntimeError:
        needed = counted(threads, "more thread")
        raise UsageError(
            f"Numba's pool needs {needed}, and the system starts {len(begun)}: raise the limit on processes (ulimit "
            f"-u, pids.max of the cgroup, Docker's --pids-limit), or set NUMBA_NUM_THREADS={len(begun) + 1}"
        ) from None
    finally:
        gate.set()
        for thread in begun:
            thread.join()


def kept(path: Path | None = None) -> Pool:
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
        files.write(msgspec.json.encode(_Kept(depends, pool)), path)
    return pool


def _depends() -> list[str]:
    """What the pool depends on."""
    from importlib.metadata import PackageNotFoundError, version

    packages = []
    for name in ("numba", "llvmlite", "tbb"):
        with suppress(PackageNotFoundError):
            packages.append(f"{name} {version(name)}")
    named = variables(os.environ) | {"LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
    set_to = [f"{name}={value}" for name, value in named.items()]
    return [sys.prefix, sys.version, f"CPUs {ranges(system.read_host().allowed)}", *packages, *set_to]
