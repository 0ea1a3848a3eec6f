"""Numba's pool of threads: how many, on which layer. Kept in the cache, since Numba takes half a second to import."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from .. import cache
from ..record import files
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

    layer = openmp.layer()
    return Pool(numba.get_num_threads(), layer, tuple(map(tuple, openmp.places())))


def kept(path: Path | None = None) -> Pool:
    """The pool that an earlier process found with the same packages, variables and CPUs; else that of this process.

    A TBB that the system's package manager installs is not noticed; one from pip is.
    """
    path = path or cache.directory("numba-pool.json")
    depends = _depends()
    with suppress(OSError, ValueError):
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
