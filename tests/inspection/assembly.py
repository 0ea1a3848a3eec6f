"""The assembly of a kernel for given arguments."""

from __future__ import annotations

from typing import Any

import numba
from numba import types

from inspection import kept_code


def assembly(kernel: Any, *arguments: Any) -> str:
    """The lines of `kernel` compiled for these arguments, on one thread where it is parallel."""
    code, given = kernel.py_func.__code__, [numba.typeof(argument) for argument in arguments]
    left_out = (kernel.py_func.__defaults__ or ())[len(given) - code.co_argcount or code.co_argcount :]
    return kept_code.assembly(kernel, [*given, *map(types.Omitted, left_out)])
