"""Environment variables under which Numba cannot measure, refused before Numba is imported and reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import UsageError

SWITCHES = (
    "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE", "NUMBA_ENABLE_AVX", "NUMBA_BOUNDSCHECK", "NUMBA_DEBUGINFO",
    "NUMBA_ENABLE_PROFILING", "NUMBA_EXTEND_VARIABLE_LIFETIMES", "NUMBA_DISABLE_INTEL_SVML", "NUMBA_LLVM_REFPRUNE_PASS",
)  # fmt: skip
MOST_THREADS = 2**15
OPT = ("0", "1", "2", "3", "max")
LAYERS = ("default", "safe", "forksafe", "threadsafe", "tbb", "omp", "workqueue")


def check(environment: Mapping[str, str] = os.environ) -> None:
    """UsageError for the first variable that breaks Numba or that it ignores: its name, its value and the remedy.

    Numba itself ignores a word where it expects a number, with a warning, and the run would state it as if it acted. It
    fails at the first parallel loop for zero threads or an unknown layer; and with its compiler disabled there is
    nothing to time.
    """
    threads = environment.get("NUMBA_NUM_THREADS", "")
    if threads and not (_whole(threads) and 0 < int(threads) <= MOST_THREADS):
        raise UsageError(
            f"NUMBA_NUM_THREADS={threads[:20]}: is no number of threads; set it to 1 to {MOST_THREADS}, or unset it"
        )
    off = environment.get("NUMBA_DISABLE_JIT", "")
    if off and not (_whole(off) and int(off) == 0):
        raise UsageError(f"NUMBA_DISABLE_JIT={off}: there is nothing to measure without the compiler; unset it")
    opt = environment.get("NUMBA_OPT", "")
    if opt and opt not in OPT:
        raise UsageError(f"NUMBA_OPT={opt}: Numba ignores this; set it to one of {', '.join(OPT)}, or unset it")
    for name in SWITCHES:
        if (value := environment.get(name, "")) and not _whole(value):
            raise UsageError(f"{name}={value}: Numba ignores this; set it to 0 or 1, or unset it")
    layer = environment.get("NUMBA_THREADING_LAYER", "")
    if layer and layer not in LAYERS:
        raise UsageError(f"NUMBA_THREADING_LAYER={layer}: must be one of {', '.join(LAYERS)}; unset it, or choose one")


def _whole(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True
