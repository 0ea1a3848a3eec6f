"""The assembly of a kernel for given arguments."""

from __future__ import annotations

import inspect
from typing import Any

import numba
from numba import types

from inspection import kept_code


def assembly(kernel: Any, *arguments: Any) -> str:
    """The lines of `kernel` compiled for these arguments, on one thread where it is parallel."""
    given = [numba.typeof(argument) for argument in arguments]
    parameters = list(inspect.signature(kernel.py_func).parameters.values())
    left_out = [types.Omitted(one.default) for one in parameters[len(given) :]]
    return kept_code.assembly(kernel, [*given, *left_out])
