"""A process that ends with its parent, however that ends: Linux's prctl(2) with PR_SET_PDEATHSIG."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def at_parents_end(number: signal.Signals) -> Callable[[], object] | None:
    """What a process calls to get this signal when its parent ends; None where the system has no such call.

    prctl is looked up before it is called, since little may be done in a child between fork and exec (`preexec_fn`).
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return None if prctl is None else lambda: prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
