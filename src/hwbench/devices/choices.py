"""Which of several ways is the fastest here: found by a probe, and kept on disk for this setup.

A choice made in noise would stay for good. So each run probes a kept choice once more, and replaces it where the run
before found the same other way.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .. import cache
from ..host import machine, variables
from ..kernels.compiling import kernel_cache
from ..protocols import Choice
from ..record import files, identity

OTHER = "{}: the last run found"  # under which name a file keeps what contradicted a choice; "" for nothing
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
    """A choice by name, probed the first time that this setup needs it, and once more in each later process."""

    def __init__(self, path: Callable[[], Path] = file) -> None:
        self._path = path
        self._known: dict[str, str] | None = None
        self._made: dict[str, Choice] = {}  # by this process

    def get(self, name: str, among: Sequence[str], probe: Callable[[], str]) -> Choice:
        """One of `among`; what `probe` finds is kept. One alone is not probed, nor a choice twice in a process."""
        if len(among) == 1:
            return Choice(among[0])
        if name not in self._made or self._made[name].name not in among:
            self._made[name] = self._make(name, self.recall(name), among, probe())
        return self._made[name]

    def _make(self, name: str, kept: str | None, among: Sequence[str], found: str) -> Choice:
        """The kept choice, or what was found where there is none or two runs in a row found it."""
        known = kept if kept in among else None
        other = OTHER.format(name)
        if known is None or found in (known, self.recall(other)):
            self.keep(name, found)
            self.keep(other, "")
            return Choice(found, replaced=known if known not in (None, found) else None)
        self.keep(other, found)
        return Choice(known, contradicted=found)

    def recall(self, name: str) -> str | None:
        """What was kept under a name."""
        if self._known is None:
            self._known = read(self._path())
        return self._known.get(name)

    def keep(self, name: str, found: str) -> None:
        """Keep what a probe has found."""
        if (self.recall(name) or "") != found and self._known is not None:
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
    files.keep(json.dumps(known, indent=1).encode(), path)
