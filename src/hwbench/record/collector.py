"""Python's garbage collector, off while many objects without cycles are made or looked through."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused(*, keep: bool = False) -> Iterator[None]:
    """Pause collection, if it was on: searching records for cycles takes longer than parsing them.

    With `keep` all that there is at the end is left out of later searches: modules, or what a command made as its last.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if keep:
            gc.freeze()
        if enabled:
            gc.enable()
