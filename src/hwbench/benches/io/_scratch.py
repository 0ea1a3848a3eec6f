"""The one file that is measured: without a name, so that nothing of it stays whatever ends this process."""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...bench import Skip
from ...record import text
from ._disk import MEMORY, about

STEP = 2**20
PAGE = 4096
SPARE = 1.1  # times its size must be free
KEPT = 0.1  # of a file that the page cache was told to drop: it will not


class Scratch:
    """A file of `size` bytes in a directory, shared by all cases that use it; the system removes it with the last use.

    On Linux it never has a name (`O_TMPFILE`), elsewhere it loses it at once: the kernel gives its blocks back as soon
    as no process holds it, after a kill as well. Each 4 KiB begin with their number, and the rest is random, so that no
    file system can compress it.
    """

    running: dict[tuple[str, int], Scratch] = {}  # noqa: RUF012 - it is what is shared

    def __init__(self, directory: str, size: int, busy: Callable[[str], None]) -> None:
        place = Path(directory).expanduser()
        self.users = 0
        try:
            with tempfile.TemporaryFile(dir=place, prefix="hwbench-") as made:
                free = os.statvfs(place)
                self.file = os.dup(made.fileno())
        except OSError as error:
            raise Skip("needs_directory", f"no file can be made there ({error.strerror})") from None
        if free.f_bavail * free.f_frsize < SPARE * size:
            self.close()  # the reason has no figure of now: one cause is one reason
            raise Skip("needs_space", f"a file of {text.size(size)} needs that and 10% more of free space")
        self.size = size
        self.facts = about(self.file)
        try:
            self._fill(size, busy)
        except OSError as error:
            self.close()
            raise Skip("needs_directory", f"the file cannot be written there ({error.strerror})") from None
        except BaseException:  # Ctrl-C
            self.close()
            raise

    def _fill(self, size: int, busy: Callable[[str], None]) -> None:
        block = np.frombuffer(np.random.default_rng(0).bytes(STEP), dtype=np.int64).copy().reshape(-1, PAGE // 8)
        for at in range(0, size, STEP):
            if at % (64 * STEP) == 0:
                busy("writing the file")
            block[:, 0] = np.arange(at // PAGE, at // PAGE + len(block))
            data, written = block.tobytes()[: size - at], 0
            while written < len(data):
                written += os.pwrite(self.file, data[written:], at + written)
        os.fsync(self.file)

    @classmethod
    def of(cls, directory: str, size: int, busy: Callable[[str], None]) -> Scratch:
        """The file of this size in this directory, made where there is none."""
        one = cls.running.get((directory, size)) or cls(directory, size, busy)
        cls.running[directory, size] = one
        one.users += 1
        return one

    def again(self, flags: int) -> int:
        """Another descriptor of the file, with these flags; OSError where the file system refuses them."""
        return os.open(f"/proc/self/fd/{self.file}", os.O_RDWR | flags) if flags else os.dup(self.file)

    def empty(self) -> None:
        """Put the file out of the page cache, once it is on the disk."""
        os.fsync(self.file)
        os.posix_fadvise(self.file, 0, 0, os.POSIX_FADV_DONTNEED)

    @functools.cached_property
    def in_memory(self) -> bool:
        """Whether the file stays in memory though the page cache was told to drop it: no disk takes part."""
        if self.facts.get("file_system") in MEMORY:
            return True
        if not hasattr(os, "posix_fadvise"):
            return False
        self.empty()
        return self.resident() > KEPT

    def resident(self) -> float:
        """The share of the file that the page cache holds."""
        size = self.size
        with mmap.mmap(self.file, size, mmap.MAP_SHARED, mmap.PROT_READ) as whole:
            held = np.frombuffer(whole, dtype=np.uint8)
            pages = np.zeros(-(-size // mmap.PAGESIZE), dtype=np.uint8)
            failed = ctypes.CDLL(None).mincore(
                ctypes.c_void_p(held.ctypes.data), ctypes.c_size_t(size), ctypes.c_void_p(pages.ctypes.data)
            )
            del held
        return 0.0 if failed else float((pages & 1).mean())

    def written(self, places: np.ndarray, stamp: int) -> int:
        """The sum of the numbers of the pages at these places that bear the stamp."""
        words = (int.from_bytes(os.pread(self.file, 8, int(at)), "little") for at in places)
        return sum(word & 0xFFFFFFFF for word in words if word >> 32 == stamp)

    def leave(self) -> None:
        """One user less; the file goes with the last one."""
        self.users -= 1
        if not self.users:
            Scratch.running = {key: one for key, one in Scratch.running.items() if one is not self}
            self.close()

    def close(self) -> None:
        """Give the file back."""
        os.close(self.file)
