"""Variables of the environment under which Numba cannot measure, found before it is imported and reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import UsageError

LAYERS = ("default", "safe", "forksafe", "threadsafe", "tbb", "omp", "workqueue")


def check(environment: Mapping[str, str] = os.environ) -> None:
    """UsageError with the variable, its value and the remedy, for the first that Numba stumbles over.

    Numba itself warns of a word where it expects a number and goes on without; fails at the first loop in parallel for
    no threads or an unknown layer; and without its compiler a kernel of ours is no kernel at all.
    """
    threads = environment.get("NUMBA_NUM_THREADS", "")
    if threads and not (_whole(threads) and int(threads) > 0):
        raise UsageError(f"NUMBA_NUM_THREADS={threads}: is no number of threads; set it to 1 or more, or unset it")
    off = environment.get("NUMBA_DISABLE_JIT", "")
    if off and not (_whole(off) and int(off) == 0):
        raise UsageError(f"NUMBA_DISABLE_JIT={off}: there is nothing to measure without the compiler; unset it")
    layer = environment.get("NUMBA_THREADING_LAYER", "")
    if layer and layer not in LAYERS:
        raise UsageError(f"NUMBA_THREADING_LAYER={layer}: is none of {', '.join(LAYERS)}; unset it, or choose one")


def _whole(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True
