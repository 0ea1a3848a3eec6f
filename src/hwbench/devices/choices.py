"""Which of several ways is the fastest here: found by a probe, and kept on disk for this setup."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .. import cache
from ..host import machine, variables
from ..kernels.compiling import kernel_cache
from ..record import files, identity

VARY = ("numba_threads", "threading_layer")  # settings of Numba's pool, which pinned threads do not use
LARGEST = 2**20  # bytes; a file has some thousand


@functools.cache
def file() -> Path:
    """Where the choices of this setup and these kernels are kept."""
    software = {name: value for name, value in machine.software().items() if name not in VARY}
    setup = identity.setup_of(machine.describe(), software, variables.variables())
    kernels = kernel_cache()
    return cache.directory("choices", f"{setup.digest}-{kernels.name if kernels else 'kernels'}.json")


class Choices:
    """A choice by name, probed the first time that this setup needs it."""

    def __init__(self, path: Callable[[], Path] = file) -> None:
        self._path = path
        self._known: dict[str, str] | None = None

    def get(self, name: str, among: Sequence[str], probe: Callable[[], str]) -> str:
        """One of `among`: the kept one, else what `probe` finds, which is kept. One alone is not probed."""
        if len(among) == 1:
            return among[0]
        known = self.recall(name)
        if known is None or known not in among:
            known = probe()
            self.keep(name, known)
        return known

    def recall(self, name: str) -> str | None:
        """What was kept under a name."""
        if self._known is None:
            self._known = read(self._path())
        return self._known.get(name)

    def keep(self, name: str, found: str) -> None:
        """Keep what a probe has found."""
        if self.recall(name) != found and self._known is not None:
            self._known[name] = found
            with suppress(OSError):  # where it cannot be kept, the next process probes anew
                write(self._path(), read(self._path()) | self._known)


def read(path: Path) -> dict[str, str]:
    """The choices in a file; none where it is missing or damaged."""
    try:
        found = json.loads(files.read(path, LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def write(path: Path, known: dict[str, str]) -> None:
    """Replace the file as a whole."""
    files.write(json.dumps(known, indent=1).encode(), path)
