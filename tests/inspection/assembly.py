"""The assembly of a kernel, compiled anew: what comes from Numba's cache cannot be inspected."""

from __future__ import annotations

from typing import Any

import numba


def assembly(kernel: Any, *arguments: Any) -> str:
    """The lines of `kernel` compiled for these arguments, on one thread where it is parallel."""
    options = {name: value for name, value in kernel.targetoptions.items() if name in ("fastmath", "nogil")}
    fresh = numba.njit(**options)(kernel.py_func)
    fresh(*arguments)
    [text] = fresh.inspect_asm().values()
    return str(text)
